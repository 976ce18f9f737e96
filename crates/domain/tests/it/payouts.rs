//! Payouts: settled money to a bank account, who must agree, and what the bank may say.

use crate::world::{Shop, World};
use domain::{
    Actor, Caller, Command, Rejection, Reply,
    held::Reason,
    payout::{BankAnswer, Beneficiary, NewPayout, Payout, PayoutState, Rail},
    settlement::{Payouts, Terms},
};
use engine::core::Outcome;
use ledger::AccountId;
use std::sync::Arc;
use types::{Currency, Money, PayoutId, Rate, time};

fn account(tail: &str) -> Arc<Beneficiary> {
    Arc::new(Beneficiary {
        holder: Box::from([1, 2, 3]),
        number: Box::from([4, 5, 6]),
        tail: tail.into(),
        bank: "102100099996".into(),
        bank_name: "ICBC".into(),
    })
}

impl World {
    /// A shop with a bank account and so much settled money.
    fn rich_shop(&mut self, fen: i64) -> Shop {
        let shop = self.shop_at(Rate(0));
        self.ok(Command::SetBankAccount(shop.id, account("0002")));
        let buyer = self.buyer(0);
        let order = self.order(&shop, "order-0001", domain::merchant::Product::App, fen);
        let payment = crate::world::make::waiting(self.pay_by_card(order, &buyer).unwrap());
        self.answer(payment, crate::world::make::succeeded());
        self.next_morning();
        assert_eq!(self.available(&shop), fen);
        shop
    }

    fn ask_payout(&mut self, shop: &Shop, fen: i64) -> Outcome {
        let new = NewPayout { merchant: shop.id, amount: Some(fen), urgent: false, number: None };
        self.run_as(Caller::of(Actor::Merchant(shop.id)), Command::RequestPayout(new))
    }

    #[track_caller]
    fn payout(&mut self, shop: &Shop, fen: i64) -> PayoutId {
        match self.ask_payout(shop, fen) {
            Ok(Reply::Payout(id)) => id,
            other => panic!("no payout: {other:?}"),
        }
    }

    fn sent(&mut self, shop: &Shop, fen: i64) -> PayoutId {
        let id = self.payout(shop, fen);
        assert_eq!(self.ok(send("FQ-1", &[id])), Reply::Count(1));
        id
    }

    fn stored_payout(&self, id: PayoutId) -> Payout {
        self.queries.payout(id).unwrap().unwrap()
    }

    fn said(&mut self, id: PayoutId, answer: BankAnswer) -> Outcome {
        let amount = self.stored_payout(id).amount;
        self.run_as(Caller::of(Actor::Channel), Command::AnswerPayout { payout: id, amount, answer })
    }

    fn in_transit(&self, shop: &Shop) -> i64 {
        self.money(AccountId::payout_in_transit, shop)
    }

    fn bank_cash(&self) -> i64 {
        self.queries.account(AccountId::bank_cash(Currency::CNY)).unwrap().balance().minor
    }
}

fn send(file: &str, payouts: &[PayoutId]) -> Command {
    Command::SendPayouts { file: file.into(), payouts: payouts.to_vec() }
}
fn settled() -> BankAnswer {
    BankAnswer::Settled("REF1".into())
}
fn rejected() -> BankAnswer {
    BankAnswer::Rejected("AC01".into())
}
fn returned() -> BankAnswer {
    BankAnswer::Returned("AC04".into())
}

#[test]
fn a_payout_leaves_settled_money_and_ends_by_the_banks_answer() {
    let mut world = World::new();
    let shop = world.rich_shop(1_000_00);
    let id = world.sent(&shop, 600_00);
    assert_eq!((world.available(&shop), world.in_transit(&shop)), (400_00, 600_00));
    let held = world.held(&shop);
    assert_eq!((held[0].reason, held[0].amount.minor, held[0].release_at), (Reason::Payout, 600_00, None));
    assert_eq!(world.said(id, BankAnswer::Accepted), Ok(Reply::PayoutState(PayoutState::Accepted)));
    assert_eq!(world.said(id, settled()), Ok(Reply::PayoutState(PayoutState::Settled)));
    assert_eq!((world.available(&shop), world.in_transit(&shop), world.bank_cash()), (400_00, 0, -600_00));
    let payout = world.stored_payout(id);
    assert_eq!((payout.rail, &*payout.bank_code, &*payout.file), (Rail::Beps, "REF1", "FQ-1"));
    assert_eq!(payout.ended_at, Some(world.now));
    assert_eq!(world.said(id, settled()), Ok(Reply::PayoutState(PayoutState::Settled)), "the same again");
    assert_eq!(world.bank_cash(), -600_00, "once");
}

/// Every answer after every other: money moves as the last of them says, once, and what contradicts is refused.
#[test]
fn answers_in_any_order_move_the_money_once() {
    use PayoutState::{Accepted, Rejected, Returned, Settled, Unknown};
    let said: [(BankAnswer, PayoutState); 5] = [
        (BankAnswer::Accepted, Accepted),
        (settled(), Settled),
        (rejected(), Rejected),
        (returned(), Returned),
        (BankAnswer::Unknown, Unknown),
    ];
    let after = |state: PayoutState, next: PayoutState| match (state, next) {
        (Settled | Returned, Rejected) | (Rejected, Settled | Returned) => None,
        (Settled, Returned) => Some(Returned),
        (Settled | Returned | Rejected, _) => Some(state),
        (_, next) => Some(next),
    };
    for (first, state) in &said {
        for (second, next) in &said {
            let mut world = World::new();
            let shop = world.rich_shop(1_000_00);
            let id = world.sent(&shop, 600_00);
            assert_eq!(world.said(id, first.clone()), Ok(Reply::PayoutState(*state)));
            let wanted = after(*state, *next);
            let outcome = world.said(id, second.clone());
            assert_eq!(
                outcome,
                wanted.map(Reply::PayoutState).ok_or(Rejection::PayoutFinal(*state)),
                "{first:?} then {second:?}"
            );
            let end = wanted.unwrap_or(*state);
            let (available, transit, bank) = match end {
                Settled => (400_00, 0, -600_00),
                Rejected | Returned => (1_000_00, 0, 0),
                _ => (400_00, 600_00, 0),
            };
            let money = (world.available(&shop), world.in_transit(&shop), world.bank_cash());
            assert_eq!(money, (available, transit, bank), "{first:?} then {second:?}");
        }
    }
}

/// Hyperswitch 2380: time alone never ends an unknown payout.
#[test]
fn an_unknown_payout_ends_only_by_the_banks_answer() {
    let mut world = World::new();
    let shop = world.rich_shop(1_000_00);
    let id = world.sent(&shop, 600_00);
    world.said(id, BankAnswer::Unknown).unwrap();
    for _ in 0..40 {
        world.next_morning();
    }
    assert_eq!((world.stored_payout(id).state, world.in_transit(&shop)), (PayoutState::Unknown, 600_00));
    world.said(id, rejected()).unwrap();
    assert_eq!((world.available(&shop), world.in_transit(&shop)), (1_000_00, 0));
}

/// Jeepay 106: an answer for another amount, or for what the bank was never sent, is not taken.
#[test]
fn an_answer_must_fit_the_payout() {
    let mut world = World::new();
    let shop = world.rich_shop(1_000_00);
    let id = world.payout(&shop, 600_00);
    assert_eq!(world.said(id, settled()), Err(Rejection::PayoutNotSent(PayoutState::Created)));
    world.ok(send("FQ-1", &[id]));
    let (wanted, confirmed) = (Money::cny(600_00), Money::cny(600_01));
    let wrong = Command::AnswerPayout { payout: id, amount: confirmed, answer: settled() };
    assert_eq!(world.no(wrong), Rejection::WrongAmount { wanted, confirmed });
    let unknown = Command::AnswerPayout { payout: PayoutId(5), amount: wanted, answer: settled() };
    assert_eq!(world.no(unknown), Rejection::PayoutNotFound);
    let asked = Command::AnswerPayout { payout: id, amount: wanted, answer: settled() };
    assert_eq!(
        world.run_as(Caller::of(Actor::Merchant(shop.id)), asked),
        Err(Rejection::NotAllowed),
        "a merchant does not speak for the bank"
    );
}

/// A payout is in one file for ever, whatever is repeated.
#[test]
fn a_payout_is_sent_in_one_file() {
    let mut world = World::new();
    let shop = world.rich_shop(1_000_00);
    let (one, two) = (world.payout(&shop, 100_00), world.payout(&shop, 200_00));
    assert_eq!(world.ok(send("FQ-1", &[one])), Reply::Count(1));
    assert_eq!(world.ok(send("FQ-2", &[one, two])), Reply::Count(1), "only what was not sent");
    assert_eq!(world.ok(send("FQ-2", &[one, two])), Reply::Count(0));
    assert_eq!((&*world.stored_payout(one).file, &*world.stored_payout(two).file), ("FQ-1", "FQ-2"));
    assert_eq!(world.no(send("", &[])), Rejection::AmountOutOfRange);
    assert_eq!(world.no(send(&"x".repeat(36), &[])), Rejection::AmountOutOfRange);
}

/// Two exchanges at once: the later one has seen one payout more, and names its file by the same first one. That file may be
/// at the bank already, so what is new would be marked as sent and never go.
#[test]
fn a_file_for_the_bank_never_grows() {
    let mut world = World::new();
    let shop = world.rich_shop(1_000_00);
    let one = world.payout(&shop, 100_00);
    assert_eq!(world.ok(send("FQ-1", &[one])), Reply::Count(1));
    let two = world.payout(&shop, 200_00);
    assert_eq!(world.ok(send("FQ-1", &[one, two])), Reply::Count(0));
    assert_eq!(world.stored_payout(two).state, PayoutState::Created);
    assert_eq!(world.ok(send("FQ-2", &[two])), Reply::Count(1));
    assert_eq!(&*world.stored_payout(two).file, "FQ-2");
}

#[test]
fn r_fin_53_a_large_payout_waits_for_people_other_than_its_maker() {
    for (fen, needed) in [(20_000_00, 0), (20_000_01, 1), (60_000_00, 2), (600_000_00, 3)] {
        let mut world = World::new();
        let shop = world.rich_shop(600_000_00);
        let new = NewPayout { merchant: shop.id, amount: Some(fen), urgent: false, number: None };
        let made = world.run_by(1, Command::RequestPayout(new));
        let Ok(Reply::Payout(id)) = made else { panic!("{made:?}") };
        let payout = world.stored_payout(id);
        assert_eq!(i64::from(payout.approvals_needed), needed, "{fen}");
        if needed == 0 {
            assert_eq!(payout.state, PayoutState::Created);
            continue;
        }
        assert_eq!((payout.state, world.held(&shop)[0].reason), (PayoutState::Waiting, Reason::Approval));
        assert_eq!(world.ok(send("FQ-1", &[id])), Reply::Count(0), "not before it is approved");
        assert_eq!(world.no_by(1, Command::ApprovePayout(id)), Rejection::OwnPayout);
        assert_eq!(world.no(Command::ApprovePayout(id)), Rejection::NotAllowed, "a person must");
        for checker in 2..2 + needed {
            assert_eq!(world.stored_payout(id).state, PayoutState::Waiting);
            world.run_by(checker, Command::ApprovePayout(id)).unwrap();
            world.run_by(checker, Command::ApprovePayout(id)).unwrap(); // again counts once
        }
        assert_eq!(world.stored_payout(id).state, PayoutState::Created);
        let waiting = Rejection::PayoutNotWaiting(PayoutState::Created);
        assert_eq!(world.no_by(9, Command::ApprovePayout(id)), waiting);
        assert_eq!(world.ok(send("FQ-1", &[id])), Reply::Count(1));
    }
}

#[test]
fn a_payout_that_nobody_approves_comes_back() {
    let mut world = World::new();
    let shop = world.rich_shop(100_000_00);
    let (one, two) = (world.payout(&shop, 30_000_00), world.payout(&shop, 30_000_00));
    let reject = |payout| Command::RejectPayout { payout, reason: "not ours".into() };
    world.run_by(2, reject(one)).unwrap();
    world.run_by(2, reject(one)).unwrap();
    assert_eq!(world.available(&shop), 70_000_00);
    world.advance(7 * time::DAY - 1);
    world.settle_due();
    assert_eq!(world.stored_payout(two).state, PayoutState::Waiting);
    world.advance(1);
    world.close_days();
    world.settle_due();
    let state = |id| world.stored_payout(id).state;
    assert_eq!((state(one), state(two)), (PayoutState::Cancelled, PayoutState::Cancelled));
    assert_eq!((world.available(&shop), world.in_transit(&shop)), (100_000_00, 0));
    assert_eq!(world.said(one, settled()), Err(Rejection::PayoutNotSent(PayoutState::Cancelled)));
}

#[test]
fn what_a_payout_needs() {
    let mut world = World::new();
    let shop = world.rich_shop(1_000_00);
    let poor = world.shop();
    assert_eq!(world.ask_payout(&poor, 1), Err(Rejection::BankAccountMissing(poor.id)));
    assert_eq!(world.ask_payout(&shop, 1_000_01), Err(Rejection::NotEnough));
    assert_eq!(world.ask_payout(&shop, 0), Err(Rejection::AmountOutOfRange));
    assert_eq!(world.ask_payout(&shop, -1), Err(Rejection::AmountOutOfRange));
    let too_much = Money::cny(domain::order::AMOUNT_MAX + 1);
    assert_eq!(world.ask_payout(&shop, too_much.minor), Err(Rejection::NoRail(too_much)));
    let new = NewPayout { merchant: shop.id, amount: None, urgent: true, number: None };
    let other = Caller::of(Actor::Merchant(poor.id));
    assert_eq!(world.run_as(other, Command::RequestPayout(new.clone())), Err(Rejection::NotAllowed));
    let Ok(Reply::Payout(all)) = world.run(Command::RequestPayout(new.clone())) else { panic!() };
    assert_eq!(
        (world.stored_payout(all).amount.minor, world.stored_payout(all).rail),
        (1_000_00, Rail::Netsunion)
    );
    assert_eq!(world.run(Command::RequestPayout(new)), Err(Rejection::NotEnough), "nothing is left");
    let broken = Beneficiary { bank: "1".into(), ..(*account("0002")).clone() };
    assert_eq!(world.no(Command::SetBankAccount(shop.id, Arc::new(broken))), Rejection::BankAccountWrong);
    let own = Caller::of(Actor::Merchant(shop.id));
    let set = Command::SetBankAccount(shop.id, account("9999"));
    assert_eq!(world.run_as(own, set.clone()), Err(Rejection::NotAllowed));
    world.ok(set);
    assert_eq!(&*world.stored_payout(all).to.tail, "0002", "a payout under way goes to the old account");
}

/// The same number again is the same payout, whatever became of it; another content under it is refused.
#[test]
fn a_payout_number_is_one_payout() {
    let mut world = World::new();
    let (shop, other) = (world.rich_shop(1_000_00), world.shop());
    world.ok(Command::SetBankAccount(other.id, account("0002")));
    let new = |amount, urgent, number: &str| NewPayout {
        merchant: shop.id,
        amount,
        urgent,
        number: Some(number.into()),
    };
    let ask = |world: &mut World, new| {
        world.run_as(Caller::of(Actor::Merchant(shop.id)), Command::RequestPayout(new))
    };
    let first = ask(&mut world, new(Some(300_00), false, "P-1"));
    let Ok(Reply::Payout(id)) = first else { panic!("{first:?}") };
    assert_eq!(&*world.stored_payout(id).number, "P-1");
    world.advance(40 * time::DAY);
    assert_eq!(ask(&mut world, new(Some(300_00), false, "P-1")), first, "also long after");
    for (amount, urgent) in [(Some(300_01), false), (None, false), (Some(300_00), true)] {
        assert_eq!(ask(&mut world, new(amount, urgent, "P-1")), Err(Rejection::PayoutNumberUsed));
    }
    for bad in ["", "飞", "a b", &"x".repeat(65)] {
        assert_eq!(ask(&mut world, new(Some(1), false, bad)), Err(Rejection::AmountOutOfRange), "{bad}");
    }
    let rest = ask(&mut world, new(None, false, "P-2"));
    let Ok(Reply::Payout(all)) = rest else { panic!("{rest:?}") };
    assert_eq!(world.stored_payout(all).amount.minor, 700_00);
    assert_eq!(ask(&mut world, new(None, false, "P-2")), rest, "all there was, told once");
    let theirs = NewPayout { merchant: other.id, ..new(Some(1), false, "P-1") };
    let outcome = world.run_as(Caller::of(Actor::Merchant(other.id)), Command::RequestPayout(theirs));
    assert_eq!(outcome, Err(Rejection::NotEnough), "another merchant's number is its own");
    let found = world.queries.payout_by_number(shop.id, "P-1").unwrap();
    assert_eq!(found.map(|payout| payout.id), Some(id));
    assert_eq!(world.queries.payout_by_number(other.id, "P-1").unwrap(), None);
    world.prove();
}

/// With automatic payouts a morning's releases, of several days, leave in one payout.
#[test]
fn released_money_is_paid_out_by_itself_when_the_terms_say_so() {
    let mut world = World::new();
    let shop = world.shop_at(Rate(0));
    let buyer = world.buyer(400_00);
    let terms = Terms { payouts: Payouts::Automatic, payout_least: 10_00, ..Terms::DEFAULT };
    world.set_terms(&shop, terms);
    world.sale(&shop, &buyer, "order-0001", 5_00);
    world.next_morning();
    assert_eq!(world.available(&shop), 5_00, "no account to go to");
    world.ok(Command::SetBankAccount(shop.id, account("0002")));
    world.sale(&shop, &buyer, "order-0002", 1_00);
    world.next_morning();
    assert_eq!(world.available(&shop), 6_00, "less than the least");
    for n in 3..=5 {
        world.now = world.now.business_day().start().plus(12 * time::HOUR);
        world.sale(&shop, &buyer, &format!("order-000{n}"), 100_00);
        world.next_morning(); // of Wednesday, Thursday and Friday
    }
    let amounts = |world: &World| {
        let page = world.queries.payouts(None, types::PageRequest::new(50, None)).unwrap();
        page.rows.iter().map(|payout| payout.amount.minor).collect::<Vec<_>>()
    };
    assert_eq!(amounts(&world), [100_00, 106_00], "of Wednesday with the rest, and of Thursday");
    for _ in 0..4 {
        world.next_morning();
    }
    assert_eq!(amounts(&world), [100_00, 100_00, 106_00]);
    assert_eq!(world.ok(Command::PayOutDue(shop.id)), Reply::Count(0), "nothing is due");
    assert_eq!((world.available(&shop), world.in_transit(&shop)), (0, 306_00));
}
