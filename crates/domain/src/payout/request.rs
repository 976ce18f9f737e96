//! A payout is asked for.

use super::{BankAccount, Payout, PayoutState, transfer};
use crate::{
    Context, Rejection, Stop, Tx,
    context::Actor,
    crossing::{self, Wanted},
    hold::not_enough,
    journal::Subject,
    limit::{self, Limits},
    merchant::Merchant,
    settlement::{self, Plan},
};
use ledger::{Account, AccountId, Book, TransferKind};
use serde::{Deserialize, Serialize};
use types::{Currency, MerchantId, Money, OperatorId, PayoutId, time};

/// A payout to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewPayout {
    /// Whose money.
    pub merchant: MerchantId,
    /// How much, fen; all of the settled money when none.
    pub amount: Option<i64>,
    /// Whether it has to be there at once.
    pub urgent: bool,
    /// The asker's own number of it: see [`is_number`]. The same number with the same content again is one payout.
    #[serde(default)]
    pub number: Option<Box<str>>,
}

/// Which payout a merchant's own number belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayoutNumber {
    /// Whose.
    pub merchant: MerchantId,
    /// The number.
    pub number: Box<str>,
    /// The payout.
    pub payout: PayoutId,
    /// Whether it asked for all there was.
    pub all: bool,
}

/// Whether a text can be a merchant's own number of a payout: 1 to 64 of `0`–`9`, `A`–`Z`, `a`–`z`, `_`, `-`, `|`, `*`, `@`.
#[must_use]
pub fn is_number(number: &str) -> bool {
    (1..=64).contains(&number.len())
        && number.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-|*@".contains(&byte))
}

/// Asks for a payout. A repeat is told apart by its number, or its request key when it has none.
///
/// Errors: `NotAllowed` for a caller who is not the merchant, an operator or the platform; `PayoutNumberUsed` for a number
/// that is taken by other content; `MerchantNotFound`, `BankAccountMissing`, `AmountOutOfRange`, also for a number that is
/// none, `NoRail` when no rail takes the amount, `NotEnough`.
pub(crate) fn request(new: &NewPayout, ctx: &Context, tx: &mut Tx<'_>) -> Result<PayoutId, Stop> {
    let maker = match ctx.caller.actor {
        Actor::Merchant(merchant) if merchant == new.merchant => None,
        Actor::Operator(operator) => Some(operator),
        Actor::Platform => None,
        _ => return Err(Rejection::NotAllowed.into()),
    };
    let Some(number) = &new.number else { return create(new, maker, ctx, tx) };
    if !is_number(number) {
        return Err(Rejection::AmountOutOfRange.into());
    }
    let key = (new.merchant, number.clone());
    tx.expect::<PayoutNumber>(&key);
    expect(new.merchant, tx);
    if let Some(PayoutNumber { payout, all, .. }) = tx.get::<PayoutNumber>(&key)?.cloned() {
        let known = super::find(payout, tx)?;
        let same = all == new.amount.is_none()
            && new.amount.is_none_or(|fen| fen == known.amount.minor)
            && known.urgent == new.urgent;
        return if same { Ok(payout) } else { Err(Rejection::PayoutNumberUsed.into()) };
    }
    let payout = create(new, maker, ctx, tx)?;
    let (merchant, number) = key;
    tx.put(PayoutNumber { merchant, number, payout, all: new.amount.is_none() });
    Ok(payout)
}

/// Says what asking for a payout will read.
fn expect(merchant: MerchantId, tx: &mut Tx<'_>) {
    tx.expect::<Merchant>(&merchant);
    tx.expect::<BankAccount>(&merchant);
    tx.expect::<Limits>(&());
    tx.expect::<Account>(&AccountId::merchant_available(merchant, Currency::CNY));
    tx.expect::<Account>(&AccountId::payout_in_transit(merchant, Currency::CNY));
}

fn create(
    new: &NewPayout,
    maker: Option<OperatorId>,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<PayoutId, Stop> {
    let available = AccountId::merchant_available(new.merchant, Currency::CNY);
    expect(new.merchant, tx);
    tx.need::<Merchant>(&new.merchant, Rejection::MerchantNotFound(new.merchant))?;
    let to =
        tx.need::<BankAccount>(&new.merchant, Rejection::BankAccountMissing(new.merchant))?.account.clone();
    let rules = limit::in_force(ctx, tx)?.payout;
    crossing::gather(available, new.amount.map_or(Wanted::All, Wanted::Whole), ctx, tx)?;
    let amount = match new.amount {
        Some(fen) => fen,
        None => tx.account(available)?.available().minor,
    };
    if amount <= 0 {
        let none = if new.amount.is_none() { Rejection::NotEnough } else { Rejection::AmountOutOfRange };
        return Err(none.into());
    }
    let amount = Money::cny(amount);
    let rail = rules.rail(amount.minor, new.urgent).ok_or(Rejection::NoRail(amount))?;
    let approvals_needed = rules.approvals(amount.minor);
    let waits = approvals_needed > 0;
    let id = PayoutId(ctx.ids.id(0));
    tx.about(Subject::Payout(id), None);
    let payout = Payout {
        id,
        merchant: new.merchant,
        to,
        amount,
        rail,
        urgent: new.urgent,
        number: new.number.clone().unwrap_or_default(),
        state: if waits { PayoutState::Waiting } else { PayoutState::Created },
        created_at: ctx.now,
        ended_at: None,
        due_at: waits.then(|| ctx.now.plus(rules.approval_s * time::SECOND)),
        file: "".into(),
        bank_code: "".into(),
        maker,
        approvals_needed,
        approvals: Vec::new(),
        journal: ctx.journal,
    };
    let accounts = (available, super::in_transit(&payout));
    transfer(&payout, TransferKind::Payout, accounts, ctx, tx).map_err(not_enough)?;
    tx.note(format!("{amount} by {}, {}", rail.name(), payout.state.name()));
    tx.put(payout);
    Ok(id)
}

/// Pays out what releases have made due, when the merchant's terms say so; else does nothing. What is less than the
/// terms' least, or has no bank account to go to, waits for the next release.
pub(crate) fn pay_out_due(
    merchant: MerchantId,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<Option<PayoutId>, Stop> {
    let available = AccountId::merchant_available(merchant, Currency::CNY);
    tx.expect::<BankAccount>(&merchant);
    tx.expect::<Account>(&available);
    let (plan, terms) = settlement::terms_of(merchant, tx)?;
    tx.about(Subject::Plan(merchant), Some(plan.journal));
    if plan.payout_at.is_none_or(|at| ctx.now < at) {
        return Ok(None);
    }
    crossing::gather(available, Wanted::All, ctx, tx)?;
    let account = tx.account(available)?;
    let there = if account.frozen { 0 } else { account.available().minor };
    let ready = tx.get::<BankAccount>(&merchant)?.is_some();
    let automatic = terms.payouts == settlement::Payouts::Automatic;
    let paid = if automatic && ready && there >= terms.payout_least {
        let all = NewPayout { merchant, amount: Some(there), urgent: false, number: None };
        match create(&all, None, ctx, tx) {
            Ok(id) => Some(id),
            Err(Stop::Rejected(why)) => {
                tx.note(format!("not paid out: {}", why.code()));
                None
            }
            Err(Stop::Missing) => return Err(Stop::Missing),
        }
    } else {
        tx.note(if ready { "less than the least payout" } else { "no bank account" });
        None
    };
    tx.put(Plan { payout_at: None, ..plan });
    Ok(paid)
}
