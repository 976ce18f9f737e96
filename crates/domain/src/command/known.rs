//! What is known of a command before anybody decides it.

use super::Command;

impl Command {
    /// Its name in the journal, metrics and logs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.known().name
    }
    /// Whether the rules alone give a repeat the first answer, or one that means the same: such a command can be sent
    /// again without a request key.
    #[must_use]
    pub const fn repeats_alike(&self) -> bool {
        self.known().alike
    }
    /// Whether it is offered only in a database that has one shard: a merchant's settled money is in one place.
    #[must_use]
    pub const fn needs_one_shard(&self) -> bool {
        self.known().one_shard
    }

    const fn known(&self) -> Known {
        match self {
            Self::RegisterMerchant(_) => keyed("register_merchant"),
            Self::ChangeMerchant(..) => alike("change_merchant"),
            Self::AddCertificate(_) => keyed("add_certificate"),
            Self::RevokeCertificate(_) => keyed("revoke_certificate"),
            Self::RegisterApplication(_) => alike("register_application"),
            Self::ReplaceKeyRing { .. } => alike("replace_key_ring"),
            Self::SetLimits(_) => keyed("set_limits"),

            Self::SendCode { .. } => keyed("send_code"),
            Self::SignIn { .. } => keyed("sign_in"),
            Self::SignOut(..) => alike("sign_out"),
            Self::Authorise { .. } => keyed("authorise"),
            Self::RedeemOauthCode { .. } => keyed("redeem_oauth_code"),
            Self::SetPin { .. } => keyed("set_pin"),
            Self::ConfirmIdentity(..) => alike("confirm_identity"),
            Self::SetFreePay(..) => alike("set_free_pay"),
            Self::BindCard(_) => keyed("bind_card"),
            Self::TopUp { .. } => keyed("top_up"),
            Self::IssuePaymentCode(..) => keyed("issue_payment_code"),

            Self::CreateOrder { .. } => alike("create_order"),
            Self::CloseOrder(..) => alike("close_order"),
            Self::ExpireOrder(_) => alike("expire_order"),
            Self::PayOrder(_) => keyed("pay_order"),
            Self::AnswerPayment(..) => alike("answer_payment"),
            Self::CodePay { .. } => keyed("code_pay"),
            Self::ConfirmCodePay { .. } => keyed("confirm_code_pay"),
            Self::ReverseOrder { .. } => keyed("reverse_order"),

            Self::CreateRefund(_) => alike("create_refund"),
            Self::ApproveRefund(_) => alike("approve_refund"),
            Self::RejectRefund { .. } => keyed("reject_refund"),
            Self::ExpireRefund(_) => alike("expire_refund"),
            Self::AnswerRefund { .. } => alike("answer_refund"),
            Self::RetryRefund { .. } => keyed("retry_refund"),

            Self::SetFees(_) => keyed("set_fees"),
            Self::SetCalendar(_) => alike("set_calendar"),
            Self::SetSettlementTerms(..) => alike("set_settlement_terms"),

            Self::BeginDay(_) => alike("begin_day").in_one_shard(),
            Self::CloseMerchantDay(..) => alike("close_merchant_day").in_one_shard(),
            Self::EndDay { .. } => alike("end_day").in_one_shard(),
            Self::ReleaseSettlement(_) => alike("release_settlement").in_one_shard(),
            Self::HoldMoney(_) => keyed("hold_money").in_one_shard(),
            Self::ReleaseHold(_) => alike("release_hold").in_one_shard(),

            Self::SetBankAccount(..) => keyed("set_bank_account"),
            Self::RequestPayout(_) => keyed("request_payout").in_one_shard(),
            Self::PayOutDue(_) => alike("pay_out_due").in_one_shard(),
            Self::ApprovePayout(_) => alike("approve_payout").in_one_shard(),
            Self::RejectPayout { .. } => keyed("reject_payout").in_one_shard(),
            Self::ExpirePayout(_) => alike("expire_payout").in_one_shard(),
            Self::SendPayouts { .. } => alike("send_payouts").in_one_shard(),
            Self::AnswerPayout { .. } => alike("answer_payout").in_one_shard(),

            Self::OpenException(_) => alike("open_exception").in_one_shard(),
            Self::ClearException(_) => alike("clear_exception").in_one_shard(),
            Self::SuggestCorrection { .. } => keyed("suggest_correction").in_one_shard(),
            Self::ApproveCorrection { .. } => keyed("approve_correction").in_one_shard(),
            Self::RejectCorrection { .. } => keyed("reject_correction").in_one_shard(),

            Self::CreateStaff(_) => keyed("create_staff"),
            Self::ResetStaff { .. } => keyed("reset_staff"),
            Self::SetStaffActive(..) => alike("set_staff_active"),
            Self::SignInStaff { .. } => keyed("sign_in_staff"),
            Self::ChangeStaffPassword(_) => keyed("change_staff_password"),
            Self::EnrolTotp { .. } => keyed("enrol_totp"),
            Self::ConfirmTotp { .. } => keyed("confirm_totp"),
            Self::SeeStaffSession(_) => alike("see_staff_session"),
            Self::SignOutStaff(_) => alike("sign_out_staff"),

            Self::Echo(_) => keyed("echo"),
            Self::RecordAttempt(..) => keyed("record_attempt"),
            Self::Resend(_) => keyed("resend"),
            Self::Sweep(..) => alike("sweep"),

            Self::MoveOrder { .. } => alike("move_order"),
            Self::ClaimOrder { .. } => alike("claim_order"),
            Self::SendToShard { .. } => keyed("send_to_shard"),
            Self::Receive(_) => alike("receive"),
            Self::Arrived(_) => alike("arrived"),
        }
    }
}

struct Known {
    name: &'static str,
    alike: bool,
    one_shard: bool,
}

/// A command whose repeat is answered alike.
const fn alike(name: &'static str) -> Known {
    Known { name, alike: true, one_shard: false }
}

/// A command that is sent again only with its request key.
const fn keyed(name: &'static str) -> Known {
    Known { name, alike: false, one_shard: false }
}

impl Known {
    const fn in_one_shard(self) -> Self {
        Self { one_shard: true, ..self }
    }
}
