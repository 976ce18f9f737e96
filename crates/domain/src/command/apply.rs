//! The one function that decides commands.

use super::{Command, Reply};
use crate::{
    Context, Home, Rejection, Stop, Tx, application, calendar, card, codepay, crossing, echo, exception, fee,
    hold, keyring, limit, merchant, notification, order, payer, payment, payment_code, payout, refund,
    session, settlement, staff, sweep,
};

/// Decides a command: reads and writes records through `tx`, and answers or stops.
///
/// # Errors
/// [`Stop::Missing`] when a record is not loaded; [`Stop::Rejected`] when a rule says no, or with
/// [`Rejection::Elsewhere`] when it is for another shard to decide. Whoever calls drops the writes in each case.
pub fn apply(command: &Command, ctx: &Context, tx: &mut Tx<'_>) -> Result<Reply, Stop> {
    if !ctx.place.is_only()
        && let Home::Shard(home) = command.home(ctx.place.shards)
        && home != ctx.place.shard
    {
        return Err(Rejection::Elsewhere(home).into());
    }
    if !ctx.place.is_only() && command.needs_one_shard() {
        return Err(Rejection::SeveralShards.into());
    }
    let done = |()| Reply::Done;
    staff::authorise(command, ctx, tx)?;
    match command {
        Command::RegisterMerchant(new) => merchant::register(new, ctx, tx).map(done),
        Command::ChangeMerchant(id, change) => merchant::change(*id, change, ctx, tx).map(done),
        Command::AddCertificate(new) => merchant::add_certificate(new, ctx, tx).map(done),
        Command::RevokeCertificate(serial) => merchant::revoke_certificate(serial, ctx, tx).map(done),
        Command::RegisterApplication(new) => application::register(new, tx).map(done),
        Command::ReplaceKeyRing { name, sealed } => keyring::replace(name, sealed, tx).map(done),
        Command::SetLimits(table) => limit::set(table, tx).map(done),

        Command::SendCode { phone, code } => session::send_code(*phone, *code, ctx, tx).map(done),
        Command::SignIn { phone, phone_sealed, code, token } => {
            session::sign_in(*phone, phone_sealed, *code, *token, ctx, tx).map(Reply::SignedIn)
        }
        Command::SignOut(payer, token) => session::sign_out(*payer, *token, tx).map(done),
        Command::Authorise { app, payer, code, redirect_host } => {
            session::authorise(*app, *payer, *code, redirect_host, ctx, tx).map(done)
        }
        Command::RedeemOauthCode { code, app, secret } => {
            session::redeem(*code, *app, *secret, ctx, tx).map(Reply::Payer)
        }
        Command::SetPin { payer, new, old } => payer::set_pin(*payer, *new, *old, ctx, tx).map(Reply::Pin),
        Command::ConfirmIdentity(payer, channel) => {
            payer::confirm_identity(*payer, *channel, ctx, tx).map(done)
        }
        Command::SetFreePay(payer, on) => payer::set_free_pay(*payer, *on, ctx, tx).map(done),
        Command::BindCard(new) => card::bind(new, ctx, tx).map(Reply::Card),
        Command::TopUp { card, payer, amount, pin } => {
            payment::top_up(*card, *payer, *amount, *pin, ctx, tx).map(Reply::Paid)
        }
        Command::IssuePaymentCode(payer, code) => {
            payment_code::issue(*code, *payer, ctx, tx).map(Reply::ShownUntil)
        }

        Command::CreateOrder { terms, expires_at } => {
            order::create(terms, *expires_at, ctx, tx).map(Reply::Order)
        }
        Command::CloseOrder(merchant, number) => order::close(*merchant, number, ctx, tx).map(done),
        Command::ExpireOrder(id) => order::expire(*id, ctx, tx).map(done),
        Command::PayOrder(asked) => payment::pay(asked, ctx, tx).map(Reply::Paid),
        Command::AnswerPayment(id, said) => payment::answer(*id, said, ctx, tx).map(Reply::Payment),
        Command::CodePay { terms, code } => codepay::place(terms, *code, ctx, tx).map(Reply::Order),
        Command::ConfirmCodePay { order, payer, pin } => {
            codepay::confirm(*order, *payer, *pin, ctx, tx).map(Reply::Paid)
        }
        Command::ReverseOrder { merchant, app, number } => {
            codepay::reverse(*merchant, *app, number, ctx, tx).map(done)
        }

        Command::CreateRefund(new) => refund::create(new, ctx, tx).map(Reply::Refund),
        Command::ApproveRefund(id) => refund::approve(*id, ctx, tx).map(Reply::RefundState),
        Command::RejectRefund { refund, reason } => {
            refund::reject(*refund, reason, ctx, tx).map(Reply::RefundState)
        }
        Command::ExpireRefund(id) => refund::expire(*id, ctx, tx).map(Reply::RefundState),
        Command::AnswerRefund { refund, attempt, answer } => {
            refund::answer(*refund, *attempt, answer, ctx, tx).map(Reply::RefundState)
        }
        Command::RetryRefund { merchant, refund, number, to } => {
            refund::retry(*merchant, *refund, number, to, ctx, tx).map(Reply::RefundState)
        }

        Command::SetFees(new) => fee::set(new, ctx, tx).map(done),
        Command::SetCalendar(new) => calendar::set(new, ctx, tx).map(done),
        Command::SetSettlementTerms(id, terms) => settlement::set_plan(*id, *terms, ctx, tx).map(done),

        Command::BeginDay(day) => settlement::begin(*day, ctx, tx).map(done),
        Command::CloseMerchantDay(id, day, totals) => settlement::close(*id, *day, totals, ctx, tx).map(done),
        Command::EndDay { day, merchants, totals } => {
            settlement::end(*day, *merchants, totals, ctx, tx).map(done)
        }
        Command::ReleaseSettlement(id) => settlement::release(*id, ctx, tx).map(Reply::Settlement),
        Command::HoldMoney(new) => hold::make(new, ctx, tx).map(Reply::Hold),
        Command::ReleaseHold(id) => hold::release(*id, ctx, tx).map(done),

        Command::SetBankAccount(id, account) => payout::set_account(*id, account, ctx, tx).map(done),
        Command::RequestPayout(new) => payout::request(new, ctx, tx).map(Reply::Payout),
        Command::PayOutDue(id) => {
            payout::pay_out_due(*id, ctx, tx).map(|paid| Reply::Count(paid.into_iter().count()))
        }
        Command::ApprovePayout(id) => payout::approve(*id, ctx, tx).map(Reply::PayoutState),
        Command::RejectPayout { payout, reason } => {
            payout::reject(*payout, reason, ctx, tx).map(Reply::PayoutState)
        }
        Command::ExpirePayout(id) => payout::expire(*id, ctx, tx).map(Reply::PayoutState),
        Command::SendPayouts { file, payouts } => payout::send(file, payouts, ctx, tx).map(Reply::Count),
        Command::AnswerPayout { payout, amount, answer } => {
            payout::answer(*payout, *amount, answer, ctx, tx).map(Reply::PayoutState)
        }

        Command::OpenException(new) => exception::open(new, ctx, tx).map(Reply::Count),
        Command::ClearException(reference) => exception::clear(reference, ctx, tx).map(Reply::Exception),
        Command::SuggestCorrection { exception, correction, why } => {
            exception::suggest(exception, *correction, why, ctx, tx).map(Reply::Exception)
        }
        Command::ApproveCorrection { exception, correction } => {
            exception::approve(exception, *correction, ctx, tx).map(Reply::Exception)
        }
        Command::RejectCorrection { exception, why } => {
            exception::reject(exception, why, ctx, tx).map(Reply::Exception)
        }

        Command::CreateStaff(new) => staff::create(new, ctx, tx).map(Reply::Staff),
        Command::ResetStaff { staff, password } => staff::reset(*staff, password, ctx, tx).map(done),
        Command::SetStaffActive(id, active) => staff::set_active(*id, *active, ctx, tx).map(done),
        Command::SignInStaff { staff, given, token } => {
            staff::sign_in(*staff, given, *token, ctx, tx).map(Reply::StaffStep)
        }
        Command::ChangeStaffPassword(change) => staff::change_password(change, ctx, tx).map(Reply::StaffStep),
        Command::EnrolTotp { session, secret, step, token } => {
            staff::enrol(*session, secret, *step, *token, ctx, tx).map(Reply::StaffStep)
        }
        Command::ConfirmTotp { session, step, token } => {
            staff::confirm(*session, *step, *token, ctx, tx).map(Reply::StaffStep)
        }
        Command::SeeStaffSession(session) => staff::seen(*session, ctx, tx).map(done),
        Command::SignOutStaff(session) => staff::sign_out(*session, tx).map(done),

        Command::Echo(new) => echo::ask(new, ctx, tx).map(done),
        Command::RecordAttempt(id, attempt) => notification::attempted(*id, attempt, ctx, tx).map(done),
        Command::Resend(id) => notification::resend(*id, ctx, tx).map(done),
        Command::Sweep(_, keys) => sweep::sweep(keys, ctx, tx).map(Reply::Count),

        Command::MoveOrder { order, to } => order::hand_over(*order, *to, ctx, tx).map(done),
        Command::ClaimOrder { terms, to } => {
            codepay::claim(terms, *to, ctx, tx).map(|stands| stands.map_or(Reply::Done, Reply::Order))
        }
        Command::SendToShard { from, to, amount } => crossing::send(*from, *to, *amount, ctx, tx).map(done),
        Command::Receive(sent) => crossing::receive(sent, ctx, tx).map(done),
        Command::Arrived(id) => crossing::arrived(*id, tx).map(done),
    }
}
