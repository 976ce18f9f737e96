//! Transfers to users: one by one with the user's confirmation, and in batches without.

use crate::world::{Buyer, Shop, World, digest, make};
use domain::{
    Actor, Caller, Command, Rejection, Reply,
    held::Reason,
    limit::LimitTable,
    merchant::Product,
    notification::{About, Attempt},
    payer::AccountClass,
    records::Digest,
    user_transfer::{
        BatchDetail, BatchState, BatchTerms, FailReason, GivenName, TransferBatch, TransferTerms,
        UserTransfer, UserTransferRules, UserTransferState as State,
    },
};
use engine::core::Outcome;
use ledger::AccountId;
use std::sync::Arc;
use types::{Money, OperatorId, PageRequest, Rate, ShardSet, TransferBatchId, UserTransferId, time};

fn name(text: &str) -> Option<GivenName> {
    Some(GivenName { sealed: Box::from(text.as_bytes()), hash: digest(text) })
}

/// A digest of a text, for parameters.
fn half(text: &str) -> [u8; 16] {
    let mut bytes = [0_u8; 16];
    for (place, byte) in text.bytes().enumerate() {
        bytes[place % 16] = bytes[place % 16].wrapping_mul(31).wrapping_add(byte);
    }
    bytes
}

fn terms(shop: &Shop, buyer: &Buyer, number: &str, fen: i64) -> TransferTerms {
    TransferTerms {
        merchant: shop.id,
        number: number.into(),
        app: shop.app,
        payer: buyer.id,
        amount: Money::cny(fen),
        scene: 1000,
        remark: "thank you".into(),
        perception: "现金奖励".into(),
        reports: vec![("活动名称".into(), "tea week".into()), ("奖励说明".into(), "first prize".into())],
        notify_url: "https://tea.example/transfers".into(),
        name: None,
        digest: half(&format!("{number} {fen} {}", buyer.id)),
    }
}

fn request(terms: TransferTerms) -> Command {
    Command::RequestUserTransfer(Arc::new(terms))
}

fn batch_terms(shop: &Shop, number: &str, details: &[(&Buyer, i64)]) -> BatchTerms {
    let detail = |(place, (buyer, fen)): (usize, &(&Buyer, i64))| BatchDetail {
        number: format!("d{place}").into(),
        payer: buyer.id,
        amount: *fen,
        remark: "wages".into(),
        name: None,
    };
    BatchTerms {
        merchant: shop.id,
        number: number.into(),
        app: shop.app,
        name: "July".into(),
        remark: "wages of July".into(),
        scene: 1000,
        notify_url: "https://tea.example/batches".into(),
        details: details.iter().enumerate().map(detail).collect(),
        digest: half(&format!("{number} {details:?}")),
    }
}

impl World {
    /// A shop with scene 1000 and so much settled money.
    fn giver(&mut self, fen: i64) -> Shop {
        let shop = self.shop_at(Rate(0));
        self.ok(Command::SetTransferScenes(shop.id, vec![1000]));
        self.settled(&shop, "first", fen);
        shop
    }

    /// Sells for so much and settles it.
    fn settled(&mut self, shop: &Shop, number: &str, fen: i64) {
        let buyer = self.buyer(0);
        let order = self.order(shop, &format!("order-{number}"), Product::App, fen);
        let payment = make::waiting(self.pay_by_card(order, &buyer).unwrap());
        self.answer(payment, make::succeeded());
        self.next_morning();
    }

    fn as_shop(&mut self, shop: &Shop, command: Command) -> Outcome {
        self.run_as(Caller::of(Actor::Merchant(shop.id)), command)
    }

    #[track_caller]
    fn transfer(&mut self, shop: &Shop, terms: TransferTerms) -> UserTransferId {
        match self.as_shop(shop, request(terms)) {
            Ok(Reply::UserTransfer(id)) => id,
            other => panic!("no transfer: {other:?}"),
        }
    }

    /// A transfer that waits for its user.
    #[track_caller]
    fn waiting_transfer(&mut self, shop: &Shop, buyer: &Buyer, number: &str, fen: i64) -> UserTransferId {
        let id = self.transfer(shop, terms(shop, buyer, number, fen));
        self.work();
        assert_eq!(self.kept(id).state, State::Waiting);
        id
    }

    fn kept(&self, id: UserTransferId) -> UserTransfer {
        self.queries.user_transfer(id).unwrap().unwrap()
    }

    fn kept_batch(&self, id: TransferBatchId) -> TransferBatch {
        self.queries.transfer_batch(id).unwrap().unwrap()
    }

    fn confirm(&mut self, id: UserTransferId, buyer: &Buyer) -> Outcome {
        let shown = self.kept(id).terms.amount;
        let command = Command::ConfirmUserTransfer { transfer: id, payer: buyer.id, shown };
        self.run_as(Caller::of(Actor::Payer(buyer.id)), command)
    }

    fn cancel(&mut self, shop: &Shop, id: UserTransferId) -> Outcome {
        self.as_shop(shop, Command::CancelUserTransfer { merchant: shop.id, transfer: id })
    }

    fn in_transit_to_users(&self, shop: &Shop) -> i64 {
        self.money(AccountId::transfer_in_transit, shop)
    }

    /// What the worker does until nothing is due: money on its way, transfers, batches. The books hold at every step.
    fn work(&mut self) {
        for _ in 0..200 {
            self.carry_on();
            let all = ShardSet::all(self.shards);
            let due = self.queries.due_user_transfers(all, self.now, 100).unwrap();
            let batches = self.queries.due_transfer_batches(self.now, 100).unwrap();
            if due.is_empty() && batches.is_empty() {
                let soon = self.now.plus(2 * time::SECOND);
                let due = self.queries.due_user_transfers(all, soon, 100).unwrap();
                let batches = self.queries.due_transfer_batches(soon, 100).unwrap();
                if due.is_empty() && batches.is_empty() {
                    return;
                }
                self.advance(time::SECOND);
                continue;
            }
            for id in due {
                self.ok(Command::AdvanceUserTransfer(id));
                self.prove();
            }
            for id in batches {
                self.ok(Command::PayTransferBatch(id));
                self.prove();
            }
        }
        panic!("there is always something due");
    }

    /// Notifications that tell of this.
    fn times_told(&self, about: About) -> usize {
        let page = self.queries.notifications(None, PageRequest::new(200, None)).unwrap();
        page.rows.iter().filter(|row| row.about == about).count()
    }
}

#[test]
fn a_transfer_waits_for_its_user_and_is_received_once() {
    let mut world = World::new();
    let shop = world.giver(1_000_00);
    let buyer = world.buyer(0);
    let id = world.waiting_transfer(&shop, &buyer, "T1", 300_00);
    assert_eq!((world.available(&shop), world.in_transit_to_users(&shop)), (700_00, 300_00));
    let held = world.held(&shop);
    let until = world.kept(id).created_at.plus(time::DAY);
    assert_eq!((held[0].reason, held[0].amount.minor), (Reason::UserTransfer, 300_00));
    assert_eq!(held[0].release_at, Some(until));
    assert_eq!(world.queries.user_transfers_to_confirm(buyer.id).unwrap().len(), 1);

    let other = world.buyer(0);
    let shown = Money::cny(300_00);
    let by = |payer: &Buyer, shown| Command::ConfirmUserTransfer { transfer: id, payer: payer.id, shown };
    assert_eq!(
        world.run_as(Caller::of(Actor::Payer(other.id)), by(&other, shown)),
        Err(Rejection::UserTransferNotFound),
        "another user's"
    );
    assert_eq!(
        world.run_as(Caller::of(Actor::Payer(other.id)), by(&buyer, shown)),
        Err(Rejection::NotAllowed),
        "in another user's name"
    );
    let wrong = Money::cny(300_01);
    assert_eq!(
        world.run_as(Caller::of(Actor::Payer(buyer.id)), by(&buyer, wrong)),
        Err(Rejection::WrongAmount { wanted: shown, confirmed: wrong })
    );
    assert_eq!(world.times_told(About::UserTransferEnded(id)), 0);
    for time in ["first", "again"] {
        assert_eq!(world.confirm(id, &buyer), Ok(Reply::UserTransferState(State::Succeeded)), "{time}");
    }
    assert_eq!((world.balance(&buyer), world.in_transit_to_users(&shop)), (300_00, 0));
    assert_eq!(world.times_told(About::UserTransferEnded(id)), 1);
    assert_eq!(world.bill(&buyer), [id.0]);
    assert_eq!(world.cancel(&shop, id), Err(Rejection::UserTransferNotWaiting(State::Succeeded)));
    assert!(world.queries.user_transfers_to_confirm(buyer.id).unwrap().is_empty());
    let commands = world.lines(world.kept(id).journal);
    assert!(commands.iter().any(|line| line.command == "request_user_transfer"), "{commands:?}");
}

/// The same number with the same parameters is the same transfer, in every state; with others it is refused.
#[test]
fn a_number_is_taken_once() {
    let mut world = World::new();
    let shop = world.giver(1_000_00);
    let buyer = world.buyer(0);
    let id = world.waiting_transfer(&shop, &buyer, "T1", 300_00);
    let again = |world: &mut World| world.as_shop(&shop, request(terms(&shop, &buyer, "T1", 300_00)));
    assert_eq!(again(&mut world), Ok(Reply::UserTransfer(id)));
    assert_eq!(
        world.as_shop(&shop, request(terms(&shop, &buyer, "T1", 301_00))),
        Err(Rejection::UserTransferNumberUsed)
    );
    world.confirm(id, &buyer).unwrap();
    assert_eq!(again(&mut world), Ok(Reply::UserTransfer(id)));
    assert_eq!(world.available(&shop), 700_00, "set aside once");
    let rich = world.giver(1_00);
    let other = terms(&rich, &buyer, "T1", 50);
    assert_ne!(world.transfer(&rich, other), id, "numbers are each merchant's own");
    world.work();
    world.restart();
    assert_eq!(again(&mut world), Ok(Reply::UserTransfer(id)), "also after a restart");
}

/// While the merchant's money is too short the transfer stays; it goes on when money comes.
#[test]
fn a_transfer_waits_for_the_merchants_money() {
    let mut world = World::new();
    let shop = world.giver(100_00);
    let buyer = world.buyer(0);
    world.advance(3 * time::HOUR);
    let id = world.transfer(&shop, terms(&shop, &buyer, "T1", 300_00));
    let kept = world.kept(id);
    assert_eq!((kept.state, kept.hold, kept.tries), (State::Processing, None, 1));
    assert_eq!((world.available(&shop), world.in_transit_to_users(&shop)), (100_00, 0));
    let due = kept.due_at.unwrap();
    world.now = due;
    world.ok(Command::AdvanceUserTransfer(id));
    assert_eq!(world.kept(id).tries, 2, "looked for again, later each time");
    assert!(world.kept(id).due_at.unwrap() > due);
    world.settled(&shop, "second", 500_00);
    world.work();
    // The night has passed, so the user has what is left of the day.
    let kept = world.kept(id);
    assert_eq!(kept.state, State::Waiting);
    assert_eq!(kept.confirm_until(), Some(kept.created_at.plus(time::DAY)));
    assert_eq!((world.available(&shop), world.in_transit_to_users(&shop)), (300_00, 300_00));
    world.confirm(id, &buyer).unwrap();
    assert_eq!(world.balance(&buyer), 300_00);

    let never = world.transfer(&shop, terms(&shop, &buyer, "T2", 900_00));
    world.advance(time::DAY);
    world.work();
    let kept = world.kept(never);
    assert_eq!((kept.state, kept.fail), (State::Failed, Some(FailReason::Overdue)));
    assert_eq!(world.times_told(About::UserTransferEnded(never)), 1);
}

#[test]
fn what_is_not_confirmed_in_a_day_comes_back() {
    let mut world = World::new();
    let shop = world.giver(1_000_00);
    let buyer = world.buyer(0);
    let id = world.waiting_transfer(&shop, &buyer, "T1", 300_00);
    let until = world.kept(id).confirm_until().unwrap();
    world.now = until.plus(-1);
    world.ok(Command::AdvanceUserTransfer(id));
    assert_eq!(world.kept(id).state, State::Waiting, "not before its time");
    world.now = until;
    assert_eq!(world.confirm(id, &buyer), Err(Rejection::UserTransferOverdue(until)));
    world.work();
    let kept = world.kept(id);
    assert_eq!((kept.state, kept.fail), (State::Failed, Some(FailReason::Overdue)));
    assert_eq!((world.available(&shop), world.in_transit_to_users(&shop)), (1_000_00, 0));
    assert_eq!(world.times_told(About::UserTransferEnded(id)), 1);
    assert_eq!(world.confirm(id, &buyer), Err(Rejection::UserTransferNotWaiting(State::Failed)));
}

#[test]
fn a_transfer_is_cancelled_until_the_user_has_confirmed() {
    let mut world = World::new();
    let shop = world.giver(1_000_00);
    let buyer = world.buyer(0);
    let stranger = world.shop();
    for (number, wait) in [("T1", false), ("T2", true)] {
        let id = world.transfer(&shop, terms(&shop, &buyer, number, 300_00));
        if wait {
            world.work();
        }
        assert_eq!(world.cancel(&stranger, id), Err(Rejection::UserTransferNotFound), "another merchant's");
        let now = world.cancel(&shop, id).unwrap();
        assert!(
            matches!(now, Reply::UserTransferState(State::Cancelled | State::Returning)),
            "{now:?} at once, or while its money comes back"
        );
        assert!(world.cancel(&shop, id).is_ok(), "again");
        assert!(world.confirm(id, &buyer).is_err());
        world.prove();
        world.work();
        let kept = world.kept(id);
        assert_eq!((kept.state, kept.fail), (State::Cancelled, None));
        assert_eq!((world.available(&shop), world.in_transit_to_users(&shop)), (1_000_00, 0));
        assert_eq!(world.times_told(About::UserTransferEnded(id)), 1);
    }
    // Somebody of the platform's money may, too; a payer may not.
    let id = world.waiting_transfer(&shop, &buyer, "T3", 300_00);
    let cancel = || Command::CancelUserTransfer { merchant: shop.id, transfer: id };
    assert_eq!(world.run_as(Caller::of(Actor::Payer(buyer.id)), cancel()), Err(Rejection::NotAllowed));
    world.run_as(Caller::of(Actor::Operator(OperatorId(1))), cancel()).unwrap();
    world.work();
    assert_eq!(world.available(&shop), 1_000_00);
}

#[test]
fn what_a_merchant_may_not_ask_for_is_refused() {
    let mut world = World::new();
    let shop = world.giver(100_000_00);
    let buyer = world.buyer(0);
    let rules = UserTransferRules::of_wire();
    let base = |number: &str| terms(&shop, &buyer, number, 300_00);
    let (least, most) = (Money::cny(rules.least), Money::cny(rules.most));
    let amount = |fen| TransferTerms { amount: Money::cny(fen), ..base("X") };
    let cases: Vec<(&str, TransferTerms, Rejection)> = vec![
        ("too little", amount(rules.least - 1), Rejection::TransferAmount { least, most }),
        ("too much", amount(rules.most + 1), Rejection::TransferAmount { least, most }),
        ("no name", amount(2_000_00), Rejection::TransferNameMissing(Money::cny(2_000_00))),
        ("scene", TransferTerms { scene: 7, ..base("X") }, Rejection::SceneUnknown(7)),
        ("closed scene", TransferTerms { scene: 1005, ..base("X") }, Rejection::SceneClosed(1005)),
        ("reports", TransferTerms { reports: Vec::new(), ..base("X") }, Rejection::SceneReports(1000)),
        (
            "perception",
            TransferTerms { perception: "劳务报酬".into(), ..base("X") },
            Rejection::ScenePerception(1000),
        ),
        (
            "app",
            TransferTerms { app: types::AppId(999), ..base("X") },
            Rejection::AppNotBound(types::AppId(999), shop.id),
        ),
        ("user", TransferTerms { payer: types::PayerId(999_999), ..base("X") }, Rejection::PayerNotFound),
    ];
    for (what, terms, wanted) in cases {
        assert_eq!(world.as_shop(&shop, request(terms)), Err(wanted), "{what}");
    }
    assert_eq!(world.run(request(base("X"))), Err(Rejection::NotAllowed), "not by anybody else");
    let stranger = world.shop();
    assert_eq!(world.as_shop(&stranger, request(base("X"))), Err(Rejection::NotAllowed));
    let closed = terms(&stranger, &buyer, "X", 300_00);
    assert_eq!(world.as_shop(&stranger, request(closed)), Err(Rejection::SceneClosed(1000)));
    assert_eq!(
        world.run(Command::SetTransferScenes(shop.id, vec![1000, 7])),
        Err(Rejection::SceneUnknown(7))
    );
    // A day's sum counts what was asked for, whatever became of it.
    for n in 0..5 {
        let terms = TransferTerms { amount: most, name: name("Li"), ..base(&format!("D{n}")) };
        let id = world.transfer(&shop, terms);
        world.cancel(&shop, id).unwrap();
        world.work();
    }
    let left = Money::cny(0);
    assert_eq!(world.as_shop(&shop, request(base("D9"))), Err(Rejection::TransferDay { left }));
    world.now = world.now.business_day().next().start().plus(10 * time::HOUR);
    world.transfer(&shop, base("D9"));
    world.work();
}

/// What a user may receive: the name, the day, the account class (rules §1.1). A user who can't receive now is told, and
/// the transfer goes on waiting.
#[test]
fn a_user_receives_within_name_day_and_class() {
    let mut world = World::new();
    let shop = world.giver(100_000_00);
    let one = world.buyer_of(AccountClass::One, 0);
    let first = world.waiting_transfer(&shop, &one, "C1", 900_00);
    let second = world.waiting_transfer(&shop, &one, "C2", 100_01);
    world.confirm(first, &one).unwrap();
    assert_eq!(world.confirm(second, &one), Err(Rejection::TransferRefused(FailReason::Class)));
    assert_eq!(world.kept(second).state, State::Waiting);
    world.ok(Command::ConfirmIdentity(one.id, domain::payer::IdentityChannel::IdentityCard));
    world.confirm(second, &one).unwrap();
    assert_eq!(world.balance(&one), 1_000_01);

    let (three, other) = (world.buyer(0), world.buyer(0));
    world.ok(Command::SetRealName(three.id, digest("Wang")));
    let named = |number: &str, text: &str| TransferTerms {
        name: name(text),
        ..terms(&shop, &three, number, 15_000_00)
    };
    let wrong = world.transfer(&shop, named("N1", "Zhang"));
    let right = world.transfer(&shop, named("N2", "Wang"));
    let more = world.transfer(&shop, named("N3", "Wang"));
    world.work();
    let ended = world.kept(wrong);
    assert_eq!((ended.state, ended.fail), (State::Failed, Some(FailReason::Name)), "meant for somebody else");
    let late = world.transfer(&shop, TransferTerms { name: name("Li"), ..terms(&shop, &other, "N4", 1_00) });
    world.work();
    world.ok(Command::SetRealName(other.id, digest("Wang")));
    assert_eq!(world.confirm(late, &other), Err(Rejection::TransferRefused(FailReason::Name)));
    world.confirm(right, &three).unwrap();
    assert_eq!(world.confirm(more, &three), Err(Rejection::TransferRefused(FailReason::Day)));
    world.now = world.now.business_day().next().start().plus(time::HOUR);
    world.confirm(more, &three).unwrap();
    assert_eq!(world.balance(&three), 30_000_00);
    assert_eq!(world.bill(&three), [more.0, right.0]);
    world.advance(time::DAY);
    world.work();
    assert_eq!(world.kept(late).fail, Some(FailReason::Overdue));
}

/// The operator's own limits are versions like all others.
#[test]
fn the_operator_sets_the_limits_of_transfers() {
    let mut world = World::new();
    let shop = world.giver(1_000_00);
    let buyer = world.buyer(0);
    let rules = UserTransferRules { least: 30, most: 100_00, confirm_s: 60, ..UserTransferRules::of_wire() };
    let table = LimitTable { effective_from: world.now, user_transfer: rules, ..LimitTable::of_law() };
    world.ok(Command::SetLimits(Box::new(table)));
    let (least, most) = (Money::cny(30), Money::cny(100_00));
    assert_eq!(
        world.as_shop(&shop, request(terms(&shop, &buyer, "T1", 29))),
        Err(Rejection::TransferAmount { least, most })
    );
    let id = world.waiting_transfer(&shop, &buyer, "T1", 30);
    assert_eq!(world.kept(id).confirm_until(), Some(world.kept(id).created_at.plus(60 * time::SECOND)));
}

fn batch(world: &mut World, shop: &Shop, terms: BatchTerms) -> Outcome {
    world.as_shop(shop, Command::RequestTransferBatch(Arc::new(terms)))
}

#[test]
fn a_batch_pays_its_details_without_confirmation() {
    let mut world = World::new();
    let shop = world.giver(10_000_00);
    let buyers: Vec<Buyer> = (0..4).map(|_| world.buyer(0)).collect();
    let poor = world.buyer_of(AccountClass::One, 0);
    let details: Vec<(&Buyer, i64)> =
        buyers.iter().map(|buyer| (buyer, 100_00)).chain([(&poor, 1_500_00), (&buyers[0], 50_00)]).collect();
    let asked = batch_terms(&shop, "B1", &details);
    let Ok(Reply::TransferBatch(id)) = batch(&mut world, &shop, asked.clone()) else { panic!("no batch") };
    assert_eq!((world.available(&shop), world.in_transit_to_users(&shop)), (8_050_00, 1_950_00));
    assert_eq!(world.kept_batch(id).state, BatchState::Accepted);
    let held: i64 = world.held(&shop).iter().map(|held| held.amount.minor).sum();
    assert_eq!(held, 1_950_00, "every cent has its reason");
    assert_eq!(batch(&mut world, &shop, asked.clone()), Ok(Reply::TransferBatch(id)), "again");
    let other = BatchTerms { digest: [9; 16], ..asked };
    assert_eq!(batch(&mut world, &shop, other), Err(Rejection::TransferBatchNumberUsed));
    world.work();
    let done = world.kept_batch(id);
    assert_eq!((done.state, done.begun, done.ended, done.succeeded), (BatchState::Finished, 6, 6, 5));
    assert_eq!((done.success_amount, done.fail_amount), (450_00, 1_500_00));
    assert_eq!(world.times_told(About::TransferBatchEnded(id)), 1);
    let paid: Vec<i64> = buyers.iter().map(|buyer| world.balance(buyer)).collect();
    assert_eq!(paid, [150_00, 100_00, 100_00, 100_00]);
    assert_eq!((world.balance(&poor), world.in_transit_to_users(&shop)), (0, 0));
    assert_eq!(world.available(&shop), 9_550_00, "what could not be received came back");
    let number = TransferBatch::detail_number(id, 4);
    let failed = world.queries.user_transfer_by_number(shop.id, &number).unwrap().unwrap();
    assert_eq!((failed.state, failed.fail), (State::Failed, Some(FailReason::Class)));
    assert_eq!(
        world.cancel(&shop, failed.id),
        Err(Rejection::UserTransferNotFound),
        "details are not cancelled"
    );
    assert_eq!(world.ok(Command::PayTransferBatch(id)), Reply::Count(0), "nothing is left to do");
}

#[test]
fn a_batch_that_can_not_be_paid_is_refused_whole() {
    let mut world = World::new();
    let shop = world.giver(100_00);
    let buyer = world.buyer(0);
    let small = [(&buyer, 60_00), (&buyer, 60_00)];
    let ask = |details: &[(&Buyer, i64)]| batch_terms(&shop, "B1", details);
    let nothing = BatchTerms { details: Vec::new(), ..ask(&small) };
    for (what, terms, wanted) in [
        ("money", ask(&small), Rejection::NotEnough),
        ("scene", BatchTerms { scene: 1005, ..ask(&small) }, Rejection::SceneClosed(1005)),
        ("no scene", BatchTerms { scene: 3, ..ask(&small) }, Rejection::SceneUnknown(3)),
        ("nothing", nothing, Rejection::AmountOutOfRange),
        (
            "one too small",
            ask(&[(&buyer, 60_00), (&buyer, 1)]),
            Rejection::TransferAmount { least: Money::cny(10), most: Money::cny(20_000_00) },
        ),
    ] {
        assert_eq!(batch(&mut world, &shop, terms), Err(wanted), "{what}");
    }
    assert_eq!((world.available(&shop), world.in_transit_to_users(&shop)), (100_00, 0));
    let unnamed = BatchTerms { scene: 0, ..ask(&[(&buyer, 60_00)]) };
    assert!(batch(&mut world, &shop, unnamed).is_ok(), "a scene may be left out while one is open");
    world.work();
    assert_eq!(world.balance(&buyer), 60_00);
}

/// Wire §5: transfers have a schedule of their own: 15 s ten times, 300 s ten times, 1800 s 44 times.
#[test]
fn the_end_of_a_transfer_is_told_on_its_own_schedule() {
    let mut world = World::new();
    let shop = world.giver(1_000_00);
    let buyer = world.buyer(0);
    let id = world.waiting_transfer(&shop, &buyer, "T1", 300_00);
    world.confirm(id, &buyer).unwrap();
    let page = world.queries.notifications(None, PageRequest::new(200, None)).unwrap();
    let about = About::UserTransferEnded(id);
    let owed = page.rows.iter().find(|row| row.about == about).unwrap().id;
    let failed = || Attempt { acknowledged: false, status: 500, took_ms: 3, error: "".into() };
    let schedule = [(15, 10), (300, 10), (1800, 44)];
    for seconds in schedule.into_iter().flat_map(|(seconds, times)| std::iter::repeat_n(seconds, times)) {
        world.ok(Command::RecordAttempt(owed, failed()));
        let next = world.queries.notification(owed).unwrap().unwrap().next_at.unwrap();
        assert_eq!(next, world.now.plus(seconds * time::SECOND));
        world.now = next;
    }
    world.ok(Command::RecordAttempt(owed, failed()));
    assert_eq!(world.queries.notification(owed).unwrap().unwrap().next_at, None, "given up");
}

#[test]
fn a_users_own_name_is_kept_as_a_hash() {
    let mut world = World::new();
    let buyer = world.buyer(0);
    world.ok(Command::SetRealName(buyer.id, digest("Wang")));
    assert_eq!(world.queries.recipient(buyer.id).unwrap().unwrap().name, Some(digest("Wang")));
    let unknown = Command::SetRealName(types::PayerId(999_999), Digest([0; 32]));
    assert_eq!(world.no(unknown), Rejection::PayerNotFound);
}
