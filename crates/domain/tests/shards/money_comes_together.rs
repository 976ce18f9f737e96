//! A merchant's money may lie in any shard: it is brought to where it is needed, once, and a day that is closed is closed in
//! every shard.

use crate::world::{Buyer, Shop, World, asked, hand::changed, make::placed};
use domain::{
    Actor, Caller, Command, Rejection, Reply,
    crossing::Crossing,
    hold::{HoldReason, NewHold},
    merchant::Product,
    payout::{Beneficiary, NewPayout},
    refund::{Funds, NewRefund, RefundRules, RefundTerms},
    settlement::{SettlementId, SettlementState},
};
use ledger::{Account, AccountId};
use std::sync::Arc;
use types::{Currency, Money, OperatorId, OrderId, Rate, RefundId, Shard, ShardSet, time};

pub(crate) const FEN: i64 = 10_00;

fn shard(number: u8) -> Shard {
    Shard::new(number).unwrap()
}
fn takings(shop: &Shop) -> AccountId {
    AccountId::merchant_unsettled(shop.id, Currency::CNY)
}
fn settled(shop: &Shop) -> AccountId {
    AccountId::merchant_available(shop.id, Currency::CNY)
}

/// What may leave each sub-account, by shard.
fn there(world: &World, account: AccountId) -> Vec<i64> {
    let one = |shard| world.queries.account(account.at(shard)).unwrap().available().minor;
    world.shards.all().map(one).collect()
}

/// Somebody who pays in that shard.
fn buyer_in(world: &mut World, shard: Shard) -> Buyer {
    loop {
        let buyer = world.buyer(1000_00);
        if world.shards.of_payer(buyer.id) == shard {
            return buyer;
        }
    }
}

/// A shop without fees that has sold for `FEN` in each shard, and to whom.
pub(crate) fn sold_in_each() -> (World, Shop, Vec<(Buyer, OrderId)>) {
    let mut world = World::new();
    let shop = world.shop_at(Rate(0));
    let sell = |shard: Shard, world: &mut World| {
        let buyer = buyer_in(world, shard);
        let order = world.sale(&shop, &buyer, &format!("order-{shard}"), FEN);
        (buyer, order)
    };
    let sales =
        world.shards.all().collect::<Vec<_>>().into_iter().map(|shard| sell(shard, &mut world)).collect();
    assert_eq!(there(&world, takings(&shop)), [FEN; 3]);
    (world, shop, sales)
}

/// The first day, closed, with its settlement about to be released.
fn closed() -> (World, Shop, Vec<(Buyer, OrderId)>, SettlementId) {
    let (mut world, shop, sales) = sold_in_each();
    let day = world.now.business_day();
    world.now = day.next().start().plus(9 * time::HOUR);
    world.close_days();
    let id = SettlementId::new(shop.id, day);
    assert_eq!(world.settlement(&shop, day).totals.gross, 3 * FEN, "one settlement for all shards");
    (world, shop, sales, id)
}

fn on_its_way(world: &World) -> Vec<Crossing> {
    world.queries.crossings(ShardSet::all(world.shards), 100).unwrap()
}

pub(crate) fn refund_of(shop: &Shop, order: &str, number: &str, fen: i64, funds: Funds) -> (Caller, Command) {
    let terms = RefundTerms {
        partner: None,
        merchant: shop.id,
        number: number.into(),
        amount: Money::cny(fen),
        reason: "".into(),
        notify_url: "".into(),
        funds,
        extra: "".into(),
        digest: [fen.to_le_bytes()[0]; 16],
    };
    let new = NewRefund { terms: Arc::new(terms), order: None, order_number: Some(order.into()), total: FEN };
    (Caller::of(Actor::Merchant(shop.id)), Command::CreateRefund(Box::new(new)))
}

#[test]
fn r_fin_11_takings_of_all_shards_are_released_together() {
    let (mut world, shop, _, id) = closed();
    assert_eq!(world.position(&shop).unsettled.balance().minor, 3 * FEN);
    world.settle_due();
    let settlement = world.settlement(&shop, id.day());
    assert_eq!((settlement.state, settlement.released), (SettlementState::Done, 3 * FEN));
    assert_eq!((settlement.brought, settlement.carried), (0, 0));
    assert_eq!(
        (there(&world, takings(&shop)), there(&world, settled(&shop))),
        (vec![0; 3], vec![3 * FEN, 0, 0])
    );
    // The senders forget what arrived.
    assert_eq!(on_its_way(&world).len(), 2);
    world.carry_on();
    assert_eq!((on_its_way(&world), world.available(&shop)), (vec![], 3 * FEN));
}

/// Only what is released leaves the shards: takings of the day under way stay where their refunds are paid from.
#[test]
fn a_release_takes_no_more_than_it_needs() {
    let (mut world, shop, sales, id) = closed();
    for ((buyer, _), number) in sales.iter().zip(["today-0", "today-1", "today-2"]) {
        world.sale(&shop, buyer, number, 5 * FEN);
    }
    world.settle_due();
    assert_eq!(world.settlement(&shop, id.day()).released, 3 * FEN);
    let left = there(&world, takings(&shop));
    assert_eq!(left.iter().sum::<i64>(), 15 * FEN);
    assert!(on_its_way(&world).is_empty(), "the first shard had enough: {left:?}");
}

/// A job that died between the two steps, another that starts at that moment: the settlement is released once, in full.
#[test]
fn a_release_waits_for_money_on_its_way() {
    let (mut world, shop, _, id) = closed();
    let release = Command::ReleaseSettlement(id);
    let Err(Rejection::MoneyElsewhere { from, amount }) = world.run_in(Shard::FIRST, release.clone()) else {
        panic!("two shards have more")
    };
    assert_eq!(amount, FEN);
    // The first job sends and dies; the second finds the other shard, sends and dies.
    let send = |from: AccountId| Command::SendToShard { from, to: Shard::FIRST, most: Some(FEN) };
    assert!(matches!(world.run_in(from.shard(), send(from)), Ok(Reply::Sent(_))));
    let Err(Rejection::MoneyElsewhere { from: other, .. }) = world.run_in(Shard::FIRST, release.clone())
    else {
        panic!("one shard has more")
    };
    assert_ne!(from.shard(), other.shard());
    assert!(matches!(world.run_in(other.shard(), send(other)), Ok(Reply::Sent(_))));
    // Nothing is found any more, and still nobody releases a third of it.
    for _ in 0..3 {
        assert_eq!(world.run_in(Shard::FIRST, release.clone()), Err(Rejection::MoneyUnderWay));
    }
    let position = world.position(&shop);
    assert_eq!(position.total(), 3 * FEN, "what is on its way is the merchant's");
    world.held(&shop);
    world.restart();
    assert_eq!(world.ok(release.clone()), Reply::Settlement(SettlementState::Done));
    assert_eq!(world.ok(release), Reply::Settlement(SettlementState::Done), "once");
    let settlement = world.settlement(&shop, id.day());
    assert_eq!((settlement.released, settlement.carried, world.available(&shop)), (3 * FEN, 0, 3 * FEN));
}

/// What refunds have used is missing in all shards together; what is frozen anywhere stays there.
#[test]
fn what_is_nowhere_is_carried() {
    let (mut world, shop, _, id) = closed();
    let (caller, refund) = refund_of(&shop, "order-1", "refund-1", FEN, Funds::Unsettled);
    assert!(world.run_as(caller, refund).is_ok());
    let freeze = |frozen: bool, world: &mut World| {
        let kept = world.queries.account(takings(&shop).at(shard(2))).unwrap();
        world.write(|batch| batch.accounts.push(changed(Account { frozen, ..kept })));
    };
    freeze(true, &mut world);
    world.settle_due();
    let settlement = world.settlement(&shop, id.day());
    assert_eq!((settlement.released, settlement.carried), (FEN, 2 * FEN));
    assert_eq!(there(&world, takings(&shop)), [0, 0, FEN]);
    freeze(false, &mut world);
    let buyer = buyer_in(&mut world, shard(1));
    world.sale(&shop, &buyer, "order-3", FEN);
    world.next_morning();
    let next = world.settlement(&shop, id.day().next());
    assert_eq!((next.brought, next.totals.net(), next.released, next.carried), (2 * FEN, 0, 2 * FEN, 0));
    assert_eq!((world.available(&shop), there(&world, takings(&shop))), (3 * FEN, vec![0; 3]));
}

/// A shard that has passed a day makes no transfer of it any more, though its clock goes back and another executor takes
/// over; before that it says so.
#[test]
fn a_shard_that_passed_a_day_stays_behind_it() {
    let (mut world, shop, sales) = sold_in_each();
    let today = world.now.business_day();
    let end = today.next().start();
    let pass = |shard| Command::PassDay { shard, day: today, end };
    for shard in world.shards.all() {
        assert_eq!(world.no(pass(shard)), Rejection::DayNotOver { day: today, end });
    }
    world.now = end;
    world.ok(Command::BeginDay(today));
    let begun = world.queries.day(today).unwrap().unwrap();
    for shard in world.shards.all() {
        assert_eq!(world.ok(pass(shard)), Reply::Done);
    }
    // The clocks go back by an hour, and the executors are others.
    world.restart();
    world.now = end.plus(-time::HOUR);
    for (n, (buyer, _)) in sales.iter().enumerate() {
        let order = world.order(&shop, &format!("late-{n}"), Product::Native, FEN);
        assert!(world.pay(order, buyer).is_ok());
        let transfer = world.stored(order).transfer.unwrap();
        assert!(transfer.0 >= begun.to, "{transfer} lies in a day that is over");
    }
    for command in world.closing(&begun) {
        world.ok(command);
    }
    assert_eq!(world.settlement(&shop, today).totals.count, 3);
}

/// Takings of other shards pay for a refund when those of the order's shard are gone.
#[test]
fn a_refund_is_paid_by_takings_of_other_shards() {
    let (mut world, shop, sales, _) = closed();
    world.settle_due();
    world.sale(&shop, &sales[2].0, "today-2", FEN);
    assert_eq!(there(&world, takings(&shop)), [0, 0, FEN]);
    let (caller, refund) = refund_of(&shop, "order-1", "refund-1", 6_00, Funds::Unsettled);
    assert!(matches!(world.run_as(caller.clone(), refund.clone()), Ok(Reply::Refund(_))));
    assert_eq!(there(&world, takings(&shop)), [0, 0, 4_00]);
    assert_eq!(world.balance(&sales[1].0), 1000_00 - FEN + 6_00);
    assert!(world.run_as(caller, refund).is_ok(), "again is the same");
    // All shards together have too little: nothing is brought for it.
    world.carry_on();
    let (caller, refund) = refund_of(&shop, "order-0", "refund-2", 5_00, Funds::Unsettled);
    assert_eq!(world.run_as(caller, refund), Err(Rejection::NotEnough));
    assert_eq!((on_its_way(&world), there(&world, takings(&shop))), (vec![], vec![0, 0, 4_00]));
}

/// Settled money is in the first shard; a refund of an order elsewhere brings as much as it needs, and what a closed refund
/// gives back there is paid out with the rest.
#[test]
fn settled_money_pays_refunds_and_is_paid_out_wherever_it_lies() {
    let (mut world, shop, sales, _) = closed();
    world.settle_due();
    let refund = RefundRules { automatic: 1_00, ..RefundRules::of_rules() };
    let effective_from = world.now.plus(1);
    let table = domain::limit::LimitTable { effective_from, refund, ..domain::limit::LimitTable::of_law() };
    world.ok(Command::SetLimits(Box::new(table)));
    world.advance(1000);
    let (caller, refund) = refund_of(&shop, "order-2", "refund-1", 6_00, Funds::Available);
    let Ok(Reply::Refund(id)) = world.run_as(caller, refund) else { panic!("refused") };
    assert_eq!(there(&world, settled(&shop)), [3 * FEN - 6_00, 0, 0], "held in the order's shard");
    let reject = Command::RejectRefund { refund: RefundId(id.0), reason: "no".into() };
    assert!(world.run_as(Caller::of(Actor::Operator(OperatorId(1))), reject).is_ok());
    assert_eq!(there(&world, settled(&shop)), [3 * FEN - 6_00, 0, 6_00]);
    assert_eq!(world.position(&shop).free(), Money::cny(3 * FEN));
    assert_eq!(world.balance(&sales[2].0), 1000_00 - FEN);
    let hold =
        NewHold { merchant: shop.id, amount: 25_00, reason: HoldReason::Risk, note: "".into(), until: None };
    let Reply::Hold(hold) = world.ok(Command::HoldMoney(Box::new(hold))) else { panic!("no hold") };
    assert_eq!(there(&world, settled(&shop)).iter().sum::<i64>(), 5_00);
    world.ok(Command::ReleaseHold(hold));
    world.held(&shop);
    let (caller, refund) = refund_of(&shop, "order-1", "refund-2", 6_00, Funds::Available);
    assert!(world.run_as(caller, refund).is_ok());
    let account = Beneficiary {
        holder: Box::from([1]),
        number: Box::from([2]),
        tail: "0002".into(),
        bank: "102100099996".into(),
        bank_name: "ICBC".into(),
    };
    world.ok(Command::SetBankAccount(shop.id, Arc::new(account)));
    let all = NewPayout { merchant: shop.id, amount: None, urgent: false, number: None };
    let payout = world.run_as(Caller::of(Actor::Merchant(shop.id)), Command::RequestPayout(all));
    let Ok(Reply::Payout(payout)) = payout else { panic!("{payout:?}") };
    let payout = world.queries.payout(payout).unwrap().unwrap();
    assert_eq!((payout.amount, there(&world, settled(&shop))), (Money::cny(3 * FEN - 6_00), vec![0; 3]));
}

#[test]
fn a_reversal_is_paid_by_takings_of_other_shards() {
    let (mut world, shop, sales, _) = closed();
    let buyer = sales[1].0;
    let code = world.shown_code(&buyer);
    let order = placed(world.ok(shop.code_pay("till-1", 20_00, code)));
    assert!(world.stored(order).paid_at.is_some());
    world.settle_due();
    let from = takings(&shop).at(shard(1));
    world.ok(Command::SendToShard { from, to: shard(2), most: None });
    world.carry_on();
    assert_eq!(there(&world, takings(&shop))[1], 0);
    world.ok(shop.reverse("till-1"));
    assert_eq!(world.balance(&buyer), 1000_00 - FEN);
    assert_eq!(there(&world, takings(&shop)).iter().sum::<i64>(), 0);
}

/// Whoever asks a shard without a router is told where the money is, and nothing happened.
#[test]
fn money_is_brought_in_the_platforms_name() {
    let (mut world, shop, ..) = closed();
    world.settle_due();
    let (caller, refund) = refund_of(&shop, "order-1", "refund-1", FEN, Funds::Available);
    world.run_as(caller.clone(), refund.clone()).unwrap();
    let page = world.queries.journal(types::PageRequest::new(200, None)).unwrap();
    let sends = page.rows.iter().filter(|line| line.command == "send_to_shard");
    let actors: Vec<&str> = sends.map(|line| line.actor.as_str()).collect();
    assert!(!actors.is_empty() && actors.iter().all(|actor| *actor == "platform"), "{actors:?}");
    let refused: Vec<_> = page.rows.iter().filter(|line| line.outcome == "money_elsewhere").collect();
    assert!(!refused.is_empty(), "the first try told where it is");
    assert_eq!(world.ask(&[&asked(caller, refund)])[0].as_ref().err(), None, "and it was made once");
}
