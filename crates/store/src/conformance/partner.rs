//! What partners ask a store: their sub-merchants, and what they made for them.

use super::{Open, Scribe, added, samples};
use domain::partner::{Partnership, Permissions};
use engine::query::{OrderFilter, Past};
use types::{MerchantId, Time};

const OFFICE: i64 = 1_900_000_100;
const OTHER: i64 = 1_900_000_200;

pub(super) fn partners_find_their_sub_merchants_and_orders(open: Open<'_>) {
    let mut scribe = Scribe::open(open);
    scribe.write(|batch| {
        for id in 1..=9 {
            let mut merchant = samples::merchant(1_900_000_000 + id, false);
            let partner = MerchantId(if id % 3 == 0 { OTHER } else { OFFICE });
            let ended_at = (id == 4).then_some(Time(7));
            let known = Partnership { partner, permissions: Permissions::USUAL, since: Time(1), ended_at };
            merchant.partnership = (id != 5).then_some(known);
            batch.merchants.push(added(merchant));
        }
        // The sample of this number was placed by the first for the second.
        let order = samples::order(samples::PARTNERS_ORDER, OFFICE, "order-000001", false);
        batch.order_numbers.push(added(samples::order_number(&order)));
        batch.orders.push(added(order));
        batch.orders.push(added(samples::order(8, OFFICE, "order-000002", false)));
        batch.orders.push(added(samples::order(9, OTHER, "order-000001", false)));
        let refund = samples::refund(samples::PARTNERS_REFUND, OFFICE, "refund-1", false);
        batch.refunds.push(added(refund));
        batch.refunds.push(added(samples::refund(12, OTHER, "refund-1", false)));
    });
    let queries = scribe.queries();
    let subs = |partner: i64, past: Option<i64>, limit| {
        let found = queries.sub_merchants(MerchantId(partner), past.map(MerchantId), limit);
        let found = found.expect("the store reads");
        found.iter().map(|merchant| merchant.id.0 - 1_900_000_000).collect::<Vec<_>>()
    };
    assert_eq!(subs(OFFICE, None, 10), [1, 2, 4, 7, 8], "also the one that ended");
    assert_eq!(subs(OFFICE, None, 2), [1, 2]);
    assert_eq!(subs(OFFICE, Some(1_900_000_002), 2), [4, 7]);
    assert_eq!(subs(OTHER, Some(1_900_000_009), 2), [0; 0]);
    assert_eq!(subs(1, None, 2), [0; 0]);

    let owner = queries
        .order_by_number(MerchantId(OFFICE), "order-000001")
        .expect("the store reads")
        .expect("it is in the partner's name")
        .terms
        .merchant;
    assert_ne!(owner, MerchantId(OFFICE));
    let past = |merchant| Past { merchant, before: i64::MAX, from: 0, examine: 50, take: 50 };
    let orders = |merchant: Option<MerchantId>, owner| {
        let filter = OrderFilter { owner, ..OrderFilter::default() };
        let found = queries.orders_back(past(merchant), filter).expect("the store reads");
        found.rows.iter().map(|order| order.id.0).collect::<Vec<_>>()
    };
    let office = Some(MerchantId(OFFICE));
    assert_eq!(orders(office, None), [8, 5], "its own, and what it placed");
    assert_eq!(orders(Some(owner), None), [5]);
    assert_eq!(orders(office, Some(owner)), [5]);
    assert_eq!(orders(office, office), [8]);
    assert_eq!(orders(Some(MerchantId(OTHER)), None), [9]);
    for (merchant, wanted) in [(OFFICE, 11), (owner.0, 11), (OTHER, 12)] {
        let found = queries.refunds_back(past(Some(MerchantId(merchant))), None).expect("the store reads");
        assert_eq!(found.rows.iter().map(|refund| refund.id.0).collect::<Vec<_>>(), [wanted]);
    }
}
