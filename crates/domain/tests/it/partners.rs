//! Partners and their sub-merchants: a head office connects, each branch keeps its own money (R-FIN-13).

use crate::world::{Buyer, Shop, World, make::placed, sealed};
use domain::{
    Actor, Caller, Command, Event, Rejection, Reply,
    fee::NewVersion,
    merchant::{MerchantChange, Product},
    order::{ByPartner, OrderState, Terms},
    partner::{Partnership, Permission, Permissions, Principal},
    payment::{ChannelAnswer, Paid},
    refund::{Funds, NewRefund, Receiver, RefundState, RefundTerms},
    staff::{NewStaff, Role},
};
use engine::core::Outcome;
use std::sync::Arc;
use types::{AppId, Money, OperatorId, OrderId, Rate, RefundId, Secret, time};

const FEN: i64 = 100_00;

/// A head office, a branch that it may act for in the usual ways, and a payer.
fn office() -> (World, Shop, Shop, Buyer) {
    let mut world = World::new();
    let (office, branch) = (world.shop(), world.shop_at(Rate(10_000)));
    world.ok(add(&branch, &office, Permissions::USUAL));
    let buyer = world.buyer(1_000_00);
    (world, office, branch, buyer)
}

fn add(branch: &Shop, office: &Shop, permissions: Permissions) -> Command {
    Command::AddSubMerchant { merchant: branch.id, partner: office.id, permissions }
}

fn remove(branch: &Shop, office: &Shop) -> Command {
    Command::RemoveSubMerchant { merchant: branch.id, partner: office.id }
}

fn by(branch: &Shop, office: &Shop) -> Principal {
    Principal::by_partner(branch.id, office.id)
}

fn terms(branch: &Shop, office: &Shop, number: &str, product: Product) -> Terms {
    let partner = Some(ByPartner { id: office.id, sub_app: None });
    Terms { merchant: branch.id, partner, ..office.terms(number, product, FEN) }
}

fn create(terms: Terms) -> Command {
    Command::CreateOrder { terms: sealed(terms), expires_at: None }
}

fn refund(branch: &Shop, office: &Shop, number: &str, order: &str) -> NewRefund {
    let terms = RefundTerms {
        partner: Some(office.id),
        merchant: branch.id,
        number: number.into(),
        amount: Money::cny(FEN),
        reason: "sold out".into(),
        notify_url: "https://tea.example/refund".into(),
        funds: Funds::Unsettled,
        extra: "".into(),
        digest: [7; 16],
    };
    NewRefund { terms: Arc::new(terms), order: None, order_number: Some(order.into()), total: FEN }
}

fn not_sub(branch: &Shop, office: &Shop) -> Rejection {
    Rejection::NotSubMerchant { merchant: branch.id, partner: office.id }
}

impl World {
    fn request(&mut self, by: &Shop, command: Command) -> Outcome {
        self.run_as(Caller::of(Actor::Merchant(by.id)), command)
    }
    #[track_caller]
    fn placed_for(&mut self, branch: &Shop, office: &Shop, number: &str) -> OrderId {
        let terms = terms(branch, office, number, Product::Native);
        placed(self.request(office, create(terms)).unwrap())
    }
    #[track_caller]
    fn sold_for(&mut self, branch: &Shop, office: &Shop, number: &str, buyer: &Buyer) -> OrderId {
        let order = self.placed_for(branch, office, number);
        assert_eq!(self.pay(order, buyer), Ok(Reply::Paid(Paid::Done(self.now))));
        order
    }
    #[track_caller]
    fn refunded_for(&mut self, branch: &Shop, office: &Shop, number: &str, order: &str) -> RefundId {
        let new = refund(branch, office, number, order);
        match self.request(office, Command::CreateRefund(Box::new(new))) {
            Ok(Reply::Refund(id)) => id,
            other => panic!("{other:?}"),
        }
    }
    fn partnership(&self, branch: &Shop) -> Option<Partnership> {
        self.queries.merchant(branch.id).unwrap().unwrap().partnership
    }
}

/// The order is the branch's: its money, its fee schedule. The number and the notification are the head office's.
#[test]
fn r_fin_13_a_sub_merchants_sale_is_its_own_money_in_the_partners_name() {
    let (mut world, office, branch, buyer) = office();
    let order = world.sold_for(&branch, &office, "order-0001", &buyer);
    // At the branch's 1 %, not at the office's 0.6 %.
    assert_eq!((world.takings(&branch), world.takings(&office), world.fees()), (99_00, 0, 1_00));
    let stored = world.queries.order_by_number(office.id, "order-0001").unwrap().unwrap();
    assert_eq!((stored.id, stored.terms.principal()), (order, by(&branch, &office)));
    assert_eq!(world.queries.order_by_number(branch.id, "order-0001").unwrap(), None);
    let [notification] = world.notifications(order)[..] else { panic!("one notification") };
    assert_eq!(world.queries.notification(notification).unwrap().unwrap().merchant, office.id);
}

/// What is the branch's alone stays so: its own orders under its own numbers, and settlement and fees by its own terms.
#[test]
fn r_fin_13_numbers_are_unique_per_partner_and_apart_from_the_branches_own() {
    let (mut world, office, branch, buyer) = office();
    let other = world.shop();
    world.ok(add(&other, &office, Permissions::USUAL));
    let first = world.placed_for(&branch, &office, "order-0001");
    assert_eq!(world.placed_for(&branch, &office, "order-0001"), first, "the same again");
    let taken = create(terms(&other, &office, "order-0001", Product::Native));
    assert_eq!(world.request(&office, taken), Err(Rejection::OrderNumberUsed));
    let taken = office.create("order-0001", Product::Native, FEN);
    assert_eq!(
        world.request(&office, taken),
        Err(Rejection::OrderNumberUsed),
        "one space of numbers a signer"
    );
    let own = world.sale(&branch, &buyer, "order-0001", FEN);
    assert_ne!(own, first);
    let [notification] = world.notifications(own)[..] else { panic!("one notification") };
    assert_eq!(world.queries.notification(notification).unwrap().unwrap().merchant, branch.id);
    // Each closes, or refunds, only what is in its own name.
    let close = |by: Principal| Command::CloseOrder(by, "order-0001".into());
    let wrong = world.request(&office, close(by(&other, &office)));
    assert_eq!(wrong, Err(Rejection::OrderNotFound), "another branch's");
    assert_eq!(world.request(&office, close(office.id.into())), Err(Rejection::OrderNotFound));
    assert_eq!(world.request(&branch, close(branch.id.into())), Err(Rejection::OrderPaid), "its own");
    assert_eq!(world.request(&office, close(by(&branch, &office))), Ok(Reply::Done));
    assert_eq!(world.state(first), OrderState::Closed);
}

/// The rule is asked when the command is decided, whatever an edge believed.
#[test]
fn r_fin_13_only_an_allowed_partner_acts_for_a_sub_merchant() {
    let (mut world, office, branch, _) = office();
    let stranger = world.shop();
    let order = |partner: &Shop, number| create(terms(&branch, partner, number, Product::Native));
    assert_eq!(world.request(&stranger, order(&stranger, "order-0001")), Err(not_sub(&branch, &stranger)));
    assert_eq!(world.request(&stranger, order(&office, "order-0001")), Err(Rejection::NotAllowed));
    assert_eq!(world.request(&branch, order(&office, "order-0001")), Err(Rejection::NotAllowed));

    let app = |app: AppId, sub_app| {
        let partner = Some(ByPartner { id: office.id, sub_app });
        create(Terms { app, partner, ..terms(&branch, &office, "order-0002", Product::Native) })
    };
    let unbound = |app: AppId, shop: &Shop| Err(Rejection::AppNotBound(app, shop.id));
    assert_eq!(world.request(&office, app(branch.app, None)), unbound(branch.app, &office));
    assert_eq!(world.request(&office, app(office.app, Some(office.app))), unbound(office.app, &branch));
    placed(world.request(&office, app(office.app, Some(branch.app))).unwrap());

    world.ok(add(&branch, &office, Permissions::default().and(Permission::Refund)));
    let permission = Permission::Pay;
    let lacks = Rejection::PartnerMayNot { merchant: branch.id, partner: office.id, permission };
    assert_eq!(world.request(&office, order(&office, "order-0003")), Err(lacks.clone()));
    let close = Command::CloseOrder(by(&branch, &office), "order-0002".into());
    assert_eq!(world.request(&office, close), Err(lacks));
    world.ok(add(&branch, &office, Permissions::USUAL));

    let active = |on| MerchantChange { active: Some(on), ..MerchantChange::default() };
    for (suspended, shop) in [(office.id, &office), (branch.id, &branch)] {
        world.ok(shop.change(active(false)));
        let refused = world.request(&office, order(&office, "order-0003"));
        assert_eq!(refused, Err(Rejection::MerchantSuspended(suspended)));
        world.ok(shop.change(active(true)));
    }
    world.ok(remove(&branch, &office));
    assert_eq!(world.request(&office, order(&office, "order-0003")), Err(not_sub(&branch, &office)));
}

/// An order that its partner could neither ask for nor give back any more must not take money.
#[test]
fn what_is_not_paid_when_a_partnership_ends_can_not_be_paid() {
    let (mut world, office, branch, buyer) = office();
    let order = world.placed_for(&branch, &office, "order-0001");
    let under_way = world.placed_for(&branch, &office, "order-0002");
    let Ok(Reply::Paid(Paid::Waiting(payment))) = world.pay_by_card(under_way, &buyer) else {
        panic!("the channel is asked")
    };
    world.ok(remove(&branch, &office));
    assert_eq!(world.pay(order, &buyer), Err(not_sub(&branch, &office)));
    assert_eq!(world.pay_by_card(order, &buyer), Err(not_sub(&branch, &office)));
    // Money that a channel has taken is booked, come what may.
    world.answer(payment, ChannelAnswer::Succeeded("REF1".into()));
    assert_eq!((world.state(under_way), world.takings(&branch)), (OrderState::Paid, 99_00));
    world.ok(add(&branch, &office, Permissions::USUAL));
    assert_eq!(world.pay(order, &buyer), Ok(Reply::Paid(Paid::Done(world.now))));
}

#[test]
fn r_fin_13_refunds_come_from_the_sub_merchants_money_in_the_partners_name() {
    let (mut world, office, branch, buyer) = office();
    let order = world.sold_for(&branch, &office, "order-0001", &buyer);
    let ask = |terms: &dyn Fn(RefundTerms) -> RefundTerms| {
        let new = refund(&branch, &office, "refund-1", "order-0001");
        let terms = Arc::new(terms((*new.terms).clone()));
        Command::CreateRefund(Box::new(NewRefund { terms, order: Some(order), order_number: None, ..new }))
    };
    // Not in the branch's own name, not in the office's own, not by the branch itself.
    let own = ask(&|terms| RefundTerms { partner: None, ..terms });
    assert_eq!(world.request(&branch, own), Err(Rejection::OrderNotFound));
    let offices = ask(&|terms| RefundTerms { partner: None, merchant: office.id, ..terms });
    assert_eq!(world.request(&office, offices), Err(Rejection::OrderNotFound));
    assert_eq!(world.request(&branch, ask(&|terms| terms)), Err(Rejection::NotAllowed));
    world.ok(add(&branch, &office, Permissions::default().and(Permission::Pay)));
    let permission = Permission::Refund;
    let lacks = Rejection::PartnerMayNot { merchant: branch.id, partner: office.id, permission };
    assert_eq!(world.request(&office, ask(&|terms| terms)), Err(lacks));
    world.ok(add(&branch, &office, Permissions::USUAL));

    let id = world.refunded_for(&branch, &office, "refund-1", "order-0001");
    assert_eq!(world.refunded_for(&branch, &office, "refund-1", "order-0001"), id, "the same again");
    assert_eq!((world.takings(&branch), world.takings(&office), world.balance(&buyer)), (0, 0, 1_000_00));
    let found = world.queries.refund_by_number(office.id, "refund-1").unwrap().unwrap();
    assert_eq!((found.id, found.terms.principal()), (id, by(&branch, &office)));
    assert_eq!(world.queries.refund_by_number(branch.id, "refund-1").unwrap(), None);
    let told = world.last.notifications.iter().find_map(|change| change.value.as_ref());
    assert_eq!(told.map(|told| told.merchant), None, "the repeat told nothing");
}

/// The branch's people can give back what a partner of former times sold: the money is the branch's.
#[test]
fn people_refund_a_partners_order_after_its_end() {
    let (mut world, office, branch, buyer) = office();
    world.sold_for(&branch, &office, "order-0001", &buyer);
    world.ok(remove(&branch, &office));
    let new = || Command::CreateRefund(Box::new(refund(&branch, &office, "refund-1", "order-0001")));
    assert_eq!(world.request(&office, new()), Err(not_sub(&branch, &office)));
    let role = Role::Manager;
    let (name, password) = ("branch-manager".into(), Secret::new("$argon2id$".to_owned()));
    let hired = world.ok(Command::CreateStaff(Box::new(NewStaff {
        name,
        merchant: Some(branch.id),
        role,
        password,
    })));
    let Reply::Staff(manager) = hired else { panic!("{hired:?}") };
    let (name, password) = ("office-manager".into(), Secret::new("$argon2id$".to_owned()));
    let hired = world.ok(Command::CreateStaff(Box::new(NewStaff {
        name,
        merchant: Some(office.id),
        role,
        password,
    })));
    let Reply::Staff(offices) = hired else { panic!("{hired:?}") };
    let as_person = |id: OperatorId| Caller::of(Actor::Operator(id));
    assert_eq!(world.run_as(as_person(offices), new()), Err(Rejection::NotAllowed), "not its money");
    assert!(matches!(world.run_as(as_person(manager), new()), Ok(Reply::Refund(_))));
    assert_eq!((world.takings(&branch), world.balance(&buyer)), (0, 1_000_00));
}

#[test]
fn an_abnormal_refund_is_sent_on_by_who_asked_for_it() {
    let (mut world, office, branch, buyer) = office();
    let order = world.placed_for(&branch, &office, "order-0001");
    let Ok(Reply::Paid(Paid::Waiting(payment))) = world.pay_by_card(order, &buyer) else {
        panic!("the channel is asked")
    };
    world.answer(payment, ChannelAnswer::Succeeded("REF1".into()));
    let id = world.refunded_for(&branch, &office, "refund-1", "order-0001");
    let (refund, attempt, answer) = (id, 1, ChannelAnswer::Declined("CLOSED".into()));
    world.ok(Command::AnswerRefund { refund, attempt, answer });
    let told = world.last.notifications[0].value.unwrap();
    assert_eq!(told.merchant, office.id);
    let retry = |by: Principal| Command::RetryRefund {
        by,
        refund,
        number: "refund-1".into(),
        to: Box::new(Receiver {
            merchant: false,
            bank: "ICBC_DEBIT".into(),
            tail: "1111".into(),
            token: "token".into(),
        }),
    };
    assert_eq!(world.request(&branch, retry(branch.id.into())), Err(Rejection::RefundNotFound));
    assert_eq!(world.request(&office, retry(office.id.into())), Err(Rejection::RefundNotFound));
    let sent = world.request(&office, retry(by(&branch, &office)));
    assert_eq!(sent, Ok(Reply::RefundState(RefundState::Processing)));
    world.ok(Command::AnswerRefund { refund, attempt: 2, answer: ChannelAnswer::Succeeded("REF2".into()) });
    assert_eq!(world.takings(&branch), 0);
}

#[test]
fn a_partner_scans_and_reverses_for_a_sub_merchant() {
    let (mut world, office, branch, buyer) = office();
    let code = world.shown_code(&buyer);
    let asked = sealed(terms(&branch, &office, "order-0001", Product::Code));
    let order = placed(world.request(&office, Command::CodePay { terms: asked, code }).unwrap());
    assert_eq!((world.state(order), world.takings(&branch)), (OrderState::Paid, 99_00));
    let reverse = |by: Principal, app| Command::ReverseOrder { by, app, number: "order-0001".into() };
    assert_eq!(world.request(&branch, reverse(branch.id.into(), None)), Err(Rejection::OrderNotFound));
    let foreign = reverse(by(&branch, &office), Some(branch.app));
    assert_eq!(world.request(&office, foreign), Err(Rejection::WrongApp));
    assert_eq!(world.request(&office, reverse(by(&branch, &office), None)), Ok(Reply::Done));
    assert_eq!((world.state(order), world.takings(&branch)), (OrderState::Revoked, 0));
}

#[test]
fn r_fin_13_each_sub_merchant_is_charged_by_its_own_terms() {
    let (mut world, office, branch, buyer) = office();
    let (merchant, product) = (branch.id, None);
    world.advance(time::DAY);
    world.ok(Command::SetFees(Box::new(NewVersion { merchant, effective_from: None, product, rule: None })));
    world.sold_for(&branch, &office, "order-0001", &buyer);
    assert_eq!(world.takings(&branch), 99_40, "the platform's 0.6 % holds again");
}

#[test]
fn a_partnership_is_one_at_a_time_and_keeps_its_story() {
    let (mut world, office, branch, _) = office();
    let since = world.partnership(&branch).unwrap().since;
    world.advance(time::HOUR);
    world.ok(add(&branch, &office, Permissions::USUAL));
    assert_eq!(world.events, [], "the same again changes nothing");
    world.ok(add(&branch, &office, Permissions::ALL));
    assert_eq!(world.events, [Event::MerchantChanged(branch.id)]);
    let known = Partnership { partner: office.id, permissions: Permissions::ALL, since, ended_at: None };
    assert_eq!(world.partnership(&branch), Some(known));

    let other = world.shop();
    let nobody = Shop { id: types::MerchantId(1), ..world.shop() };
    for (command, wanted) in [
        (add(&branch, &other, Permissions::USUAL), "partner_wrong"),
        (add(&branch, &branch, Permissions::USUAL), "partner_wrong"),
        (add(&other, &office, Permissions::default()), "partner_wrong"),
        (add(&other, &office, Permissions(1 << 9)), "partner_wrong"),
        (add(&nobody, &office, Permissions::USUAL), "merchant_not_found"),
        (add(&branch, &nobody, Permissions::USUAL), "merchant_not_found"),
        (remove(&branch, &other), "not_sub_merchant"),
        (remove(&other, &office), "not_sub_merchant"),
    ] {
        let shown = format!("{command:?}");
        assert_eq!(world.no(command).code(), wanted, "{shown}");
    }
    world.ok(remove(&branch, &office));
    let ended = Partnership { ended_at: Some(world.now), ..known };
    assert_eq!(world.partnership(&branch), Some(ended));
    world.advance(time::HOUR);
    world.ok(remove(&branch, &office));
    assert_eq!(world.partnership(&branch), Some(ended), "again is the same");
    world.ok(add(&branch, &other, Permissions::USUAL));
    let next =
        Partnership { partner: other.id, permissions: Permissions::USUAL, since: world.now, ended_at: None };
    assert_eq!(world.partnership(&branch), Some(next));
    let journal = world.queries.merchant(branch.id).unwrap().unwrap().journal;
    let notes: Vec<_> = world.lines(journal).into_iter().filter_map(|line| line.note).collect();
    assert_eq!(notes.len(), 4, "each change is told in the journal: {notes:?}");
}

/// Only the platform's administrator sets up who acts for whom.
#[test]
fn a_partnership_is_the_administrators_to_give() {
    let (mut world, office, branch, _) = office();
    let mut hire = |name: &str, merchant, role| {
        let (name, password) = (name.into(), Secret::new("$argon2id$".to_owned()));
        match world.ok(Command::CreateStaff(Box::new(NewStaff { name, merchant, role, password }))) {
            Reply::Staff(id) => id,
            other => panic!("{other:?}"),
        }
    };
    let administrator = hire("administrator", None, Role::Administrator);
    let finance = hire("finance", None, Role::Finance);
    let owner = hire("owner", Some(office.id), Role::Owner);
    for (who, may) in [(finance, false), (owner, false), (administrator, true)] {
        let outcome = world.run_as(Caller::of(Actor::Operator(who)), remove(&branch, &office));
        assert_eq!(outcome, if may { Ok(Reply::Done) } else { Err(Rejection::NotAllowed) });
        let outcome = world.run_as(Caller::of(Actor::Operator(who)), add(&branch, &office, Permissions::ALL));
        assert_eq!(outcome, if may { Ok(Reply::Done) } else { Err(Rejection::NotAllowed) });
    }
}
