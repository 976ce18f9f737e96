//! Profit sharing: what stays aside, who gets it, what comes back, and what time releases (wire §7).

mod partner;
mod receivers;
mod refunds;
mod release;
mod returned;
mod share;

use crate::world::{Buyer, Shop, World, digest, make::succeeded, make::waiting, sealed};
use domain::{
    Actor, Caller, Command, Rejection, Reply,
    merchant::{MerchantChange, Product},
    order::Terms,
    partner::Principal,
    payment::Paid,
    sharing::{
        NewPart, NewReceiver, NewReturn, NewShare, Outcome as Went, Participation, Party, Relation,
        ReturnState, Share, ShareReturn, Sharing,
    },
};
use engine::core::Outcome;
use ledger::AccountId;
use types::{Currency, OrderId, Secret, ShareId, ShareReturnId};

const FEN: i64 = 100_00;
/// What a shop gets of an order of [`FEN`] at 0.6 %.
const NET: i64 = FEN - 60;

fn terms_on() -> Participation {
    Participation { max_ratio: Some(3_000), returns: true, notify_url: "https://tea.example/share".into() }
}

fn switch(shop: &Shop, sharing: Participation) -> Command {
    shop.change(MerchantChange { sharing: Some(sharing), ..MerchantChange::default() })
}

fn part(party: Party, fen: i64) -> NewPart {
    NewPart { party, app: None, name: None, amount: fen, description: "commission".into() }
}

fn to_shop(shop: &Shop, fen: i64) -> NewPart {
    part(Party::Merchant(shop.id), fen)
}

fn to_payer(sharer: &Shop, buyer: &Buyer, fen: i64) -> NewPart {
    NewPart { app: Some(sharer.app), ..part(Party::Payer(buyer.id), fen) }
}

/// The digest tells content apart as the gateway's does.
fn asking(
    by: impl Into<Principal>,
    order: OrderId,
    number: &str,
    parts: Vec<NewPart>,
    last: bool,
) -> NewShare {
    let unfreeze = last.then(|| "the rest".into());
    let content = format!("{order} {parts:?} {unfreeze:?}");
    let mut hash = [0_u8; 16];
    for (at, byte) in content.bytes().enumerate() {
        hash[at % 16] = hash[at % 16].wrapping_mul(31).wrapping_add(byte);
    }
    NewShare { by: by.into(), order, number: number.into(), parts, unfreeze, digest: hash }
}

fn returning(by: &Shop, share: ShareId, number: &str, from: &Shop, fen: i64) -> NewReturn {
    let mut hash = digest(&format!("{fen}")).0;
    hash[15] = from.id.0.to_le_bytes()[0];
    NewReturn {
        by: by.id.into(),
        share,
        number: number.into(),
        from: from.id,
        amount: fen,
        description: "taken back".into(),
        digest: std::array::from_fn(|place| hash[place]),
    }
}

impl World {
    /// A shop that shares, another that receives, and a payer with money.
    fn sharers(&mut self) -> (Shop, Shop, Buyer) {
        let (shop, friend, buyer) = (self.shop(), self.shop(), self.buyer(1_000_00));
        self.ok(switch(&shop, terms_on()));
        self.ok(switch(&friend, terms_on()));
        self.agree(&shop, Party::Merchant(friend.id));
        (shop, friend, buyer)
    }

    fn signed(&mut self, by: &Shop, command: Command) -> Outcome {
        self.run_as(Caller::of(Actor::Merchant(by.id)), command)
    }

    fn new_receiver(&self, shop: &Shop, party: Party) -> NewReceiver {
        let name = match party {
            Party::Merchant(id) => {
                let merchant = self.queries.merchant(id).unwrap().unwrap();
                Some(Secret::new(merchant.name.to_string()))
            }
            Party::Payer(_) => None,
        };
        let app = matches!(party, Party::Payer(_)).then_some(shop.app);
        NewReceiver { by: shop.id.into(), party, app, name, relation: Relation::Store, custom: "".into() }
    }

    #[track_caller]
    fn agree(&mut self, shop: &Shop, party: Party) {
        let new = self.new_receiver(shop, party);
        assert_eq!(self.signed(shop, Command::AddReceiver(Box::new(new))), Ok(Reply::Done));
    }

    /// An order of [`FEN`] to be shared, paid from the balance.
    #[track_caller]
    fn shared_sale(&mut self, shop: &Shop, buyer: &Buyer, number: &str) -> OrderId {
        let order = self.ready_to_share(shop, number);
        assert_eq!(self.pay(order, buyer), Ok(Reply::Paid(Paid::Done(self.now))));
        order
    }

    fn ready_to_share(&mut self, shop: &Shop, number: &str) -> OrderId {
        let terms = Terms { sharing: true, ..shop.terms(number, Product::Jsapi, FEN) };
        let placed = self.ok(Command::CreateOrder { terms: sealed(terms), expires_at: None });
        crate::world::make::placed(placed)
    }

    fn ask_share(&mut self, new: NewShare) -> Outcome {
        let caller = Caller::of(Actor::Merchant(new.by.signer()));
        self.run_as(caller, Command::Share(Box::new(new)))
    }

    /// Asks to share, and brings every part.
    #[track_caller]
    fn share(&mut self, shop: &Shop, order: OrderId, number: &str, parts: Vec<NewPart>, last: bool) -> Share {
        let id = made(self.ask_share(asking(shop.id, order, number, parts, last)));
        self.finish(id)
    }

    #[track_caller]
    fn finish(&mut self, id: ShareId) -> Share {
        while self.ok(Command::FinishShare(id)) != Reply::Finished(true) {}
        self.carry_on();
        self.share_record(id)
    }

    fn share_record(&self, id: ShareId) -> Share {
        self.queries.share(id).unwrap().unwrap()
    }

    fn left(&self, order: OrderId) -> Sharing {
        self.queries.sharing(order).unwrap().unwrap()
    }

    fn ask_return(&mut self, new: NewReturn) -> Outcome {
        let caller = Caller::of(Actor::Merchant(new.by.signer()));
        self.run_as(caller, Command::ReturnShare(Box::new(new)))
    }

    /// Asks for a share back, and moves it.
    #[track_caller]
    fn give_back(&mut self, new: NewReturn) -> ShareReturn {
        let id = match self.ask_return(new) {
            Ok(Reply::ShareReturn(id)) => id,
            other => panic!("no return: {other:?}"),
        };
        assert!(
            matches!(self.ok(Command::FinishReturn(id)), Reply::ReturnState(state) if state != ReturnState::Processing)
        );
        self.return_record(id)
    }

    fn return_record(&self, id: ShareReturnId) -> ShareReturn {
        self.queries.share_return(id).unwrap().unwrap()
    }

    /// What is aside of a shop's shared orders, holds left out.
    fn aside(&self, shop: &Shop) -> i64 {
        let account = AccountId::merchant_sharing(shop.id, Currency::CNY);
        self.queries.account_in_all(account).unwrap().available().minor
    }
}

#[track_caller]
fn made(outcome: Outcome) -> ShareId {
    match outcome {
        Ok(Reply::Share(id)) => id,
        other => panic!("no share: {other:?}"),
    }
}

fn went(share: &Share) -> Vec<bool> {
    share.parts.iter().map(|part| matches!(part.outcome, Went::Succeeded(_))).collect()
}

/// What an order brings stays aside, its fee taken; an order that is not to be shared goes to the takings.
#[test]
fn a_shared_order_stays_aside_and_another_does_not() {
    let mut world = World::new();
    let (shop, _, buyer) = world.sharers();
    let order = world.shared_sale(&shop, &buyer, "order-0001");
    let plain = world.sale(&shop, &buyer, "order-0002", FEN);
    assert_eq!((world.aside(&shop), world.takings(&shop)), (NET, NET));
    let left = world.left(order);
    assert_eq!((left.unsplit, left.reserved, left.shared, left.shares), (NET, 0, 0, 0));
    assert_eq!(left.due_at, Some(world.now.plus(30 * types::time::DAY)));
    assert_eq!(world.queries.sharing(plain).unwrap(), None);
}

#[test]
fn a_shared_order_can_be_paid_by_card() {
    let mut world = World::new();
    let (shop, _, buyer) = world.sharers();
    let order = world.ready_to_share(&shop, "order-0001");
    let payment = waiting(world.pay_by_card(order, &buyer).unwrap());
    assert_eq!(world.queries.sharing(order).unwrap(), None, "nothing is aside before it is paid");
    world.answer(payment, succeeded());
    assert_eq!((world.aside(&shop), world.left(order).unsplit), (NET, NET));
}

/// A shop that does not share can place no such order, and a shop that no longer does still gets what is aside.
#[test]
fn sharing_is_switched_on_by_the_platform() {
    let mut world = World::new();
    let (shop, buyer) = (world.shop(), world.buyer(FEN));
    let terms = Terms { sharing: true, ..shop.terms("order-0001", Product::Native, FEN) };
    let create = Command::CreateOrder { terms: sealed(terms), expires_at: None };
    assert_eq!(world.no(create.clone()), Rejection::SharingOff(shop.id));
    for wrong in [Some(0), Some(10_001), Some(u16::MAX)] {
        let change = switch(&shop, Participation { max_ratio: wrong, ..terms_on() });
        assert!(matches!(world.no(change), Rejection::SharingWrong(_)), "{wrong:?}");
    }
    let long = Participation { notify_url: "x".repeat(257).into(), ..terms_on() };
    assert!(matches!(world.no(switch(&shop, long)), Rejection::SharingWrong(_)));
    world.ok(switch(&shop, terms_on()));
    let order = crate::world::make::placed(world.ok(create));
    world.ok(switch(&shop, Participation::default()));
    world.pay(order, &buyer).unwrap();
    let ask = asking(shop.id, order, "share-1", Vec::new(), true);
    assert_eq!(world.ask_share(ask), Err(Rejection::SharingOff(shop.id)));
    world.advance(30 * types::time::DAY);
    world.ok(Command::ReleaseSharing(order));
    assert_eq!((world.aside(&shop), world.takings(&shop)), (0, NET));
}

/// A reversed order returns in full; once shared it is refunded instead.
#[test]
fn a_shared_payment_code_order_is_reversed_only_before_it_is_shared() {
    let mut world = World::new();
    let (shop, friend, buyer) = world.sharers();
    let sale = |world: &mut World, number: &str| {
        let code = world.shown_code(&buyer);
        let terms = Terms { sharing: true, ..shop.terms(number, Product::Code, FEN) };
        let order = world.ok(Command::CodePay { terms: sealed(terms), code });
        let order = crate::world::make::placed(order);
        assert_eq!(world.state(order), domain::order::OrderState::Paid, "small enough to need no PIN");
        order
    };
    let (first, second) = (sale(&mut world, "order-0001"), sale(&mut world, "order-0002"));
    assert_eq!(world.aside(&shop), 2 * NET);
    world.ok(shop.reverse("order-0001"));
    assert_eq!((world.aside(&shop), world.left(first).due_at), (NET, None));
    world.share(&shop, second, "share-1", vec![to_shop(&friend, 1_00)], false);
    assert_eq!(world.no(shop.reverse("order-0002")), Rejection::OrderShared);
    let late = asking(shop.id, first, "share-2", vec![to_shop(&friend, 1_00)], false);
    assert_eq!(world.ask_share(late), Err(Rejection::OrderNotPaid));
}
