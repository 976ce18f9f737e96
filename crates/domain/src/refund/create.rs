//! A refund is asked for.

use super::{NewRefund, Refund, RefundNumber, RefundState, Refunded, go, hold, window_end};
use crate::{
    Context, Rejection, Stop, Tx,
    claim::{self, NumberClaim, NumberOf},
    context::Actor,
    fee::{self, Charged},
    journal::Subject,
    limit::{self, Limits},
    merchant::Merchant,
    order::{self, Order, OrderNumber, OrderState},
    partner::{self, Permission},
};
use ledger::{Account, AccountId, Transfer};
use types::{Currency, OrderId, RefundId, id_time, time};

/// Creates a refund. The same number with the same content gives the same refund, however it stands by now.
///
/// Errors: `MerchantNotFound`, `NotAllowed` for a caller who is neither the signer nor an operator, as
/// [`partner::authorise`] for a partner's request,
/// `RefundNumberUsed`, `OrderNotFound`, `OrderNotPaid`, `OrderRevoked`, `WrongOrder` when the two numbers name
/// different orders, `CurrencyUnsupported`, `AmountOutOfRange`, `WrongAmount` when the total is not the order's,
/// `RefundTooMuch`, `RefundTooMany`, `RefundTooSoon`, `RefundTooLate`, `NotEnough`.
pub(crate) fn create(asked: &NewRefund, ctx: &Context, tx: &mut Tx<'_>) -> Result<RefundId, Stop> {
    let terms = &asked.terms;
    let maker = match ctx.caller.actor {
        Actor::Merchant(signer) if signer == terms.signer() => None,
        Actor::Operator(operator) => Some(operator),
        _ => return Err(Rejection::NotAllowed.into()),
    };
    partner::authorise(terms.principal(), Permission::Refund, ctx, tx)?;
    let key = (terms.signer(), terms.number.clone());
    tx.expect::<RefundNumber>(&key);
    tx.expect::<Merchant>(&terms.merchant);
    tx.expect::<Limits>(&());
    tx.expect::<Account>(&terms.funds.account(terms.merchant, Currency::CNY).at(ctx.place.shard));
    tx.expect::<Account>(&AccountId::platform_fee(Currency::CNY).at(ctx.place.shard));
    let order = find_order(asked, ctx, tx)?;
    if let Some(known) = tx.get::<RefundNumber>(&key)? {
        let id = known.refund;
        let refund = tx.need::<Refund>(&id, Rejection::RefundNotFound)?;
        let (same, journal) =
            (refund.order == order.id && refund.terms.digest == terms.digest, refund.journal);
        tx.about(Subject::Refund(id), Some(journal));
        return if same { Ok(id) } else { Err(Rejection::RefundNumberUsed.into()) };
    }
    let rules = limit::in_force(ctx, tx)?.refund;
    let merchant = tx.need::<Merchant>(&terms.merchant, Rejection::MerchantNotFound(terms.merchant))?;
    check_order(&order, merchant, ctx)?;
    check_amount(asked, &order)?;
    let refunded = order.refunded;
    if refunded.count >= rules.most {
        return Err(Rejection::RefundTooMany(rules.most).into());
    }
    if let Some(newest) = refunded.newest {
        let next = id_time(newest.0).plus(rules.apart_s * time::SECOND);
        if ctx.now < next {
            return Err(Rejection::RefundTooSoon(next).into());
        }
    }
    fee::expect(terms.merchant, tx);
    let to = source(&order, tx)?;
    tx.expect::<Account>(&to);
    let paid_at = order.paid_at.unwrap_or(ctx.now);
    let rule = fee::in_force(terms.merchant, order.terms.product, paid_at, tx)?;
    tx.loaded()?;
    let paid = Charged { amount: order.terms.amount.minor, fee: order.fee };
    let before = Charged { amount: refunded.sum, fee: refunded.fee };
    let amount = terms.amount.minor;
    let id = RefundId(ctx.ids.id(0));
    let mut refund = Refund {
        id,
        order: order.id,
        terms: asked.terms.clone(),
        state: RefundState::Waiting,
        fee: rule.returns.returned(paid, before, amount),
        previous: refunded.newest,
        created_at: ctx.now,
        ended_at: None,
        due_at: Some(ctx.now.plus(rules.approval_s * time::SECOND)),
        asked: 0,
        attempt: 0,
        channel_code: "".into(),
        receiver: None,
        maker,
        approvals_needed: rules.approvals(amount),
        approvals: Vec::new(),
        journal: ctx.journal,
    };
    hold(&refund, &order, to, ctx, tx)?;
    if refund.approvals_needed == 0 {
        go(&mut refund, order.card.is_some(), ctx, tx)?;
    }
    tx.note(format!("refund {id} of {}, {}", terms.amount, refund.state.name()));
    let (of, signer) = (NumberOf::Refund, terms.signer());
    claim::take(NumberClaim { of, signer, number: terms.number.clone(), order: order.id }, ctx, tx)?;
    tx.put(RefundNumber { merchant: terms.signer(), number: terms.number.clone(), refund: id });
    tx.put(Order {
        refunded: Refunded {
            sum: refunded.sum + amount,
            fee: refunded.fee + refund.fee,
            count: refunded.count + 1,
            newest: Some(id),
        },
        journal: ctx.journal,
        ..order
    });
    tx.put(refund);
    Ok(id)
}

/// The order that is meant: of this merchant, in this signer's name.
fn find_order(asked: &NewRefund, ctx: &Context, tx: &mut Tx<'_>) -> Result<Order, Stop> {
    let by = asked.terms.principal();
    let by_number = match &asked.order_number {
        None => None,
        Some(number) => {
            Some(tx.need::<OrderNumber>(&(by.signer(), number.clone()), Rejection::OrderNotFound)?.order)
        }
    };
    let id: OrderId = asked.order.or(by_number).ok_or(Rejection::OrderNotFound)?;
    if by_number.is_some_and(|other| other != id) {
        return Err(Rejection::WrongOrder.into());
    }
    let order = order::here(id, ctx, tx)?;
    if order.terms.principal() != by {
        return Err(Rejection::OrderNotFound.into());
    }
    tx.about(Subject::Order(id), Some(order.journal));
    Ok(order)
}

fn check_order(order: &Order, merchant: &Merchant, ctx: &Context) -> Result<(), Rejection> {
    let paid_at = match (order.state, order.paid_at) {
        (OrderState::Paid, Some(paid_at)) => paid_at,
        (OrderState::Revoked, Some(_)) => return Err(Rejection::OrderRevoked),
        _ => return Err(Rejection::OrderNotPaid),
    };
    let end = window_end(merchant, paid_at);
    if ctx.now >= end { Err(Rejection::RefundTooLate(end)) } else { Ok(()) }
}

fn check_amount(asked: &NewRefund, order: &Order) -> Result<(), Rejection> {
    let (terms, paid) = (&asked.terms, order.terms.amount);
    if terms.amount.currency != paid.currency {
        return Err(Rejection::CurrencyUnsupported);
    }
    if asked.total != paid.minor {
        let confirmed = types::Money::new(asked.total, paid.currency);
        return Err(Rejection::WrongAmount { wanted: paid, confirmed });
    }
    if !terms.amount.is_positive() {
        return Err(Rejection::AmountOutOfRange);
    }
    let left = types::Money::new(paid.minor - order.refunded.sum, paid.currency);
    if terms.amount.minor > left.minor { Err(Rejection::RefundTooMuch { left }) } else { Ok(()) }
}

/// The account that paid the order: the payer's balance, or what a channel owes. Refunds go back there.
fn source(order: &Order, tx: &mut Tx<'_>) -> Result<AccountId, Stop> {
    let (Some(payer), Some(transfer)) = (order.payer, order.transfer) else {
        return Err(Rejection::OrderNotPaid.into());
    };
    if order.card.is_none() {
        return Ok(AccountId::payer_balance(payer, order.terms.amount.currency));
    }
    Ok(tx.need::<Transfer>(&transfer, Rejection::OrderNotPaid)?.debit)
}
