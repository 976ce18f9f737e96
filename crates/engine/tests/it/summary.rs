//! What a world holds, told without ids and times, so that two histories can be compared.

use crate::world::{Buyer, World};
use std::collections::BTreeMap;
use types::OrderId;

/// One line for every order, account, channel payment, notification and payer, sorted.
pub(crate) fn summary(world: &World, buyers: &[Buyer]) -> Vec<String> {
    let queries = &world.queries;
    let mut numbers: BTreeMap<OrderId, String> = BTreeMap::new();
    let mut lines = Vec::new();
    queries
        .each_order(&mut |order| {
            let name = format!("{}/{}", order.terms.merchant, order.terms.number);
            lines.push(format!(
                "order {name}: {} {} fee {}, payer {:?}, by card {}, asked {}, paid {}, returned {}",
                order.terms.amount,
                order.state.name(),
                order.fee,
                order.payer,
                order.card.is_some(),
                order.payment.is_some(),
                order.paid_at.is_some(),
                order.reversal.is_some(),
            ));
            numbers.insert(order.id, name);
        })
        .unwrap();
    let named = |order: &OrderId| numbers.get(order).cloned().unwrap_or_default();
    queries
        .each_account(&mut |account| {
            let sides = (account.debits_posted, account.credits_posted);
            let pending = (account.debits_pending, account.credits_pending);
            lines.push(format!("account {}: {sides:?}, pending {pending:?}", account.id));
        })
        .unwrap();
    queries
        .each_payment(&mut |payment| {
            let what = payment.order.as_ref().map_or("top-up".into(), named);
            let (payer, amount, state) = (payment.payer, payment.amount, payment.state.name());
            lines.push(format!("payment of {payer}: {what}, {amount}, {state} after {}", payment.asked));
        })
        .unwrap();
    queries
        .each_notification(&mut |row| {
            let (state, tries) = (row.state.name(), row.attempts);
            lines.push(format!(
                "notification of {}: {state} after {tries}",
                row.about.order().map_or("an echo".into(), |order| named(&order))
            ));
        })
        .unwrap();
    for buyer in buyers {
        let payer = world.payer(buyer.id);
        let used = |id: i64| {
            let used = queries.usage(id).unwrap();
            used.map(|used| {
                (used.day_two_factors, used.day_one_factor, used.day_barcode_b, used.lifetime_total)
            })
        };
        let (failures, bill) = (payer.pin_failures, world.bill(buyer).len());
        let (balance, card) = (used(buyer.id.0), used(buyer.card.0));
        lines.push(format!(
            "payer {}: {failures} wrong PINs, {bill} on the bill, used {balance:?} and {card:?}",
            buyer.id
        ));
    }
    lines.sort();
    lines
}
