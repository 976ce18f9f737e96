//! The one function that decides commands.

use super::{Command, Reply};
use crate::{
    Context, Home, Rejection, Stop, Tx, application, calendar, card, claim, clearing, codepay, combined,
    crossing, echo, exception, fee, hold, keyring, limit, merchant, notification, order, partner, payer,
    payment, payment_code, payout, refund, session, settlement, sharing, staff, sweep, user_transfer,
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
    let done = |()| Reply::Done;
    staff::authorise(command, ctx, tx)?;
    match command {
        Command::RegisterMerchant(new) => merchant::register(new, ctx, tx).map(done),
        Command::ChangeMerchant(id, change) => merchant::change(*id, change, ctx, tx).map(done),
        Command::AddSubMerchant { merchant, partner, permissions } => {
            partner::add(*merchant, *partner, *permissions, ctx, tx).map(done)
        }
        Command::RemoveSubMerchant { merchant, partner } => {
            partner::remove(*merchant, *partner, ctx, tx).map(done)
        }
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
        Command::CloseOrder(by, number) => order::close(*by, number, ctx, tx).map(done),
        Command::ExpireOrder(id) => order::expire(*id, ctx, tx).map(done),
        Command::PayOrder(asked) => payment::pay(asked, ctx, tx).map(Reply::Paid),
        Command::AnswerPayment(id, said) => payment::answer(*id, said, ctx, tx).map(Reply::Payment),
        Command::AskPayment(id) => payment::ask_again(*id, ctx, tx).map(Reply::Payment),
        Command::CodePay { terms, code } => codepay::place(terms, *code, ctx, tx).map(Reply::Order),
        Command::ConfirmCodePay { order, payer, pin } => {
            codepay::confirm(*order, *payer, *pin, ctx, tx).map(Reply::Paid)
        }
        Command::ReverseOrder { by, app, number } => codepay::reverse(*by, *app, number, ctx, tx).map(done),

        Command::CreateCombined { terms, expires_at } => {
            combined::create(terms, *expires_at, ctx, tx).map(Reply::Combined)
        }
        Command::PayCombined(asked) => combined::pay(asked, ctx, tx).map(Reply::Paid),
        Command::CloseCombined { merchant, app, number, parts } => {
            combined::close(*merchant, *app, number, parts, ctx, tx).map(done)
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
        Command::AskRefund(id) => refund::ask_again(*id, ctx, tx).map(Reply::RefundState),
        Command::RetryRefund { by, refund, number, to } => {
            refund::retry(*by, *refund, number, to, ctx, tx).map(Reply::RefundState)
        }

        Command::AddReceiver(new) => sharing::add(new, ctx, tx).map(done),
        Command::RemoveReceiver { by, party, app } => sharing::remove(*by, *party, *app, ctx, tx).map(done),
        Command::Share(new) => sharing::share(new, ctx, tx).map(Reply::Share),
        Command::FinishShare(id) => sharing::finish(*id, ctx, tx).map(Reply::Finished),
        Command::ReturnShare(new) => sharing::give_back(new, ctx, tx).map(Reply::ShareReturn),
        Command::FinishReturn(id) => sharing::finish_return(*id, ctx, tx).map(Reply::ReturnState),
        Command::ReleaseSharing(id) => sharing::release(*id, ctx, tx).map(done),

        Command::SetFees(new) => fee::set(new, ctx, tx).map(done),
        Command::SetCalendar(new) => calendar::set(new, ctx, tx).map(done),
        Command::SetSettlementTerms(id, terms) => settlement::set_plan(*id, *terms, ctx, tx).map(done),

        Command::BeginDay(day) => settlement::begin(*day, ctx, tx).map(done),
        Command::PassDay { day, end, .. } => settlement::pass(*day, *end, ctx, tx).map(done),
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

        Command::SetTransferScenes(id, scenes) => user_transfer::set_scenes(*id, scenes, ctx, tx).map(done),
        Command::SetRealName(id, name) => user_transfer::set_name(*id, *name, ctx, tx).map(done),
        Command::RequestUserTransfer(terms) => {
            user_transfer::request(terms, ctx, tx).map(Reply::UserTransfer)
        }
        Command::ConfirmUserTransfer { transfer, payer, shown } => {
            user_transfer::confirm(*transfer, *payer, *shown, ctx, tx).map(Reply::UserTransferState)
        }
        Command::CancelUserTransfer { merchant, transfer } => {
            user_transfer::cancel(*merchant, *transfer, ctx, tx).map(Reply::UserTransferState)
        }
        Command::AdvanceUserTransfer(id) => {
            user_transfer::advance(*id, ctx, tx).map(Reply::UserTransferState)
        }
        Command::RequestTransferBatch(terms) => {
            user_transfer::request_batch(terms, ctx, tx).map(Reply::TransferBatch)
        }
        Command::PayTransferBatch(id) => user_transfer::pay_batch(*id, ctx, tx).map(Reply::Count),

        Command::OpenException(new) => exception::open(new, ctx, tx).map(Reply::Count),
        Command::ClearException(reference) => exception::clear(reference, ctx, tx).map(Reply::Exception),
        Command::ExpectClearing(told) => clearing::expect(told, ctx, tx).map(Reply::Count),
        Command::ReceiveClearing(told) => clearing::receive(told, ctx, tx).map(Reply::Count),
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
        Command::StepUp { session, step } => staff::step_up(*session, *step, ctx, tx).map(Reply::StaffStep),
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
        Command::MoveCombined { combined, to } => combined::hand_over(*combined, *to, ctx, tx).map(done),
        Command::ClaimParts { terms, to } => {
            combined::claim(terms, *to, ctx, tx).map(|stands| stands.map_or(Reply::Done, Reply::Combined))
        }
        Command::ClaimNumber(new) => claim::claim(new, ctx, tx).map(done),
        Command::SendToShard { from, to, most } => {
            crossing::send(*from, *to, *most, ctx, tx).map(|sent| sent.map_or(Reply::Done, Reply::Sent))
        }
        Command::Receive(sent) => crossing::receive(sent, ctx, tx).map(done),
        Command::Arrived(id) => crossing::arrived(*id, tx).map(done),
    }
}
