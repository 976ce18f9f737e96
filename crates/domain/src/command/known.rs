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

    const fn known(&self) -> Known {
        match self {
            Self::RegisterMerchant(_) => keyed("register_merchant"),
            Self::ChangeMerchant(..) => alike("change_merchant"),
            Self::AddSubMerchant { .. } => alike("add_sub_merchant"),
            Self::RemoveSubMerchant { .. } => alike("remove_sub_merchant"),
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
            Self::AskPayment(_) => alike("ask_payment"),
            Self::CodePay { .. } => keyed("code_pay"),
            Self::ConfirmCodePay { .. } => keyed("confirm_code_pay"),
            Self::ReverseOrder { .. } => keyed("reverse_order"),

            Self::CreateCombined { .. } => alike("create_combined"),
            Self::PayCombined(_) => keyed("pay_combined"),
            Self::CloseCombined { .. } => alike("close_combined"),

            Self::CreateRefund(_) => alike("create_refund"),
            Self::ApproveRefund(_) => alike("approve_refund"),
            Self::RejectRefund { .. } => keyed("reject_refund"),
            Self::ExpireRefund(_) => alike("expire_refund"),
            Self::AnswerRefund { .. } => alike("answer_refund"),
            Self::AskRefund(_) => alike("ask_refund"),
            Self::RetryRefund { .. } => keyed("retry_refund"),

            Self::AddReceiver(_) => alike("add_receiver"),
            Self::RemoveReceiver { .. } => alike("remove_receiver"),
            Self::Share(_) => alike("share"),
            Self::FinishShare(_) => alike("finish_share"),
            Self::ReturnShare(_) => alike("return_share"),
            Self::FinishReturn(_) => alike("finish_return"),
            Self::ReleaseSharing(_) => alike("release_sharing"),

            Self::SetFees(_) => keyed("set_fees"),
            Self::SetCalendar(_) => alike("set_calendar"),
            Self::SetSettlementTerms(..) => alike("set_settlement_terms"),

            Self::BeginDay(_) => alike("begin_day"),
            Self::PassDay { .. } => alike("pass_day"),
            Self::CloseMerchantDay(..) => alike("close_merchant_day"),
            Self::EndDay { .. } => alike("end_day"),
            Self::ReleaseSettlement(_) => alike("release_settlement"),
            Self::HoldMoney(_) => keyed("hold_money"),
            Self::ReleaseHold(_) => alike("release_hold"),

            Self::SetBankAccount(..) => keyed("set_bank_account"),
            Self::RequestPayout(_) => keyed("request_payout"),
            Self::PayOutDue(_) => alike("pay_out_due"),
            Self::ApprovePayout(_) => alike("approve_payout"),
            Self::RejectPayout { .. } => keyed("reject_payout"),
            Self::ExpirePayout(_) => alike("expire_payout"),
            Self::SendPayouts { .. } => alike("send_payouts"),
            Self::AnswerPayout { .. } => alike("answer_payout"),

            Self::SetTransferScenes(..) => alike("set_transfer_scenes"),
            Self::SetRealName(..) => alike("set_real_name"),
            Self::RequestUserTransfer(_) => alike("request_user_transfer"),
            Self::ConfirmUserTransfer { .. } => alike("confirm_user_transfer"),
            Self::CancelUserTransfer { .. } => alike("cancel_user_transfer"),
            Self::AdvanceUserTransfer(_) => alike("advance_user_transfer"),
            Self::RequestTransferBatch(_) => alike("request_transfer_batch"),
            Self::PayTransferBatch(_) => alike("pay_transfer_batch"),

            Self::OpenException(_) => alike("open_exception"),
            Self::ClearException(_) => alike("clear_exception"),
            Self::ExpectClearing(_) => alike("expect_clearing"),
            Self::ReceiveClearing(_) => alike("receive_clearing"),
            Self::SuggestCorrection { .. } => keyed("suggest_correction"),
            Self::ApproveCorrection { .. } => keyed("approve_correction"),
            Self::RejectCorrection { .. } => keyed("reject_correction"),

            Self::CreateStaff(_) => keyed("create_staff"),
            Self::ResetStaff { .. } => keyed("reset_staff"),
            Self::SetStaffActive(..) => alike("set_staff_active"),
            Self::SignInStaff { .. } => keyed("sign_in_staff"),
            Self::ChangeStaffPassword(_) => keyed("change_staff_password"),
            Self::EnrolTotp { .. } => keyed("enrol_totp"),
            Self::ConfirmTotp { .. } => keyed("confirm_totp"),
            Self::StepUp { .. } => keyed("step_up"),
            Self::SeeStaffSession(_) => alike("see_staff_session"),
            Self::SignOutStaff(_) => alike("sign_out_staff"),

            Self::Echo(_) => keyed("echo"),
            Self::RecordAttempt(..) => keyed("record_attempt"),
            Self::Resend(_) => keyed("resend"),
            Self::Sweep(..) => alike("sweep"),

            Self::MoveOrder { .. } => alike("move_order"),
            Self::ClaimOrder { .. } => alike("claim_order"),
            Self::MoveCombined { .. } => alike("move_combined"),
            Self::ClaimParts { .. } => alike("claim_parts"),
            Self::ClaimNumber(_) => alike("claim_number"),
            Self::SendToShard { .. } => keyed("send_to_shard"),
            Self::Receive(_) => alike("receive"),
            Self::Arrived(_) => alike("arrived"),
        }
    }
}

struct Known {
    name: &'static str,
    alike: bool,
}

/// A command whose repeat is answered alike.
const fn alike(name: &'static str) -> Known {
    Known { name, alike: true }
}

/// A command that is sent again only with its request key.
const fn keyed(name: &'static str) -> Known {
    Known { name, alike: false }
}
