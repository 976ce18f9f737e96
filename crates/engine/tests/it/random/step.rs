//! Steps of a random history: symbolic, so that they shrink; worked out against the world when they are due.

use crate::world::{Buyer, Shop, World, digest, make, sealed};
use domain::{
    Command,
    merchant::{MerchantChange, Product},
    notification::Attempt,
    order::Terms,
    payer::AccountClass,
    payment::{ChannelAnswer, Confirmation, Entry},
};
use proptest::prelude::*;
use std::ops::Range;
use store::memory::Break;
use types::{Money, OrderId, PaymentId, Rate, time};

/// Who is there: shop and payer of the same number make a lane.
pub(super) struct Town {
    pub(super) shops: Vec<Shop>,
    pub(super) buyers: Vec<Buyer>,
}

impl Town {
    pub(super) fn build(world: &mut World, lanes: usize) -> Self {
        let fees = [Rate(6_000), Rate(0), Rate(1_000_000)];
        let people = [(AccountClass::Three, 3_000_00), (AccountClass::One, 500_00), (AccountClass::Two, 0)];
        let shops = (0..lanes).map(|n| world.shop_at(fees[n % 3])).collect();
        let buyers = (0..lanes).map(|n| world.buyer_of(people[n % 3].0, people[n % 3].1)).collect();
        Self { shops, buyers }
    }
}

/// Whether steps mix shops and payers freely.
#[derive(Clone, Copy, Debug)]
pub(super) enum Lanes {
    Shared(usize),
}

/// One step: who, with whom, and what.
#[derive(Clone, Debug)]
pub(super) struct Step {
    shop: usize,
    buyer: usize,
    /// Which of the shop's few order numbers.
    number: u8,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Create {
        product: Product,
        fen: i64,
        bound: bool,
    },
    Pay {
        card: bool,
        right_pin: bool,
        right_amount: bool,
        late: bool,
    },
    Answer(ChannelAnswer),
    TopUp(i64),
    Show,
    CodePay {
        fen: i64,
        newest: bool,
    },
    Confirm {
        pin: Option<bool>,
    },
    Reverse,
    Close,
    Expire,
    Attempt(u16),
    Resend,
    Suspend(bool),
    /// Time passes: what was made comes due, or too late.
    Advance(i64),
    /// The next commit fails.
    Break(Break),
    /// A new process.
    Restart,
}

fn fen() -> impl Strategy<Value = i64> {
    prop_oneof![
        5 => 1_i64..300_00,
        1 => Just(1_000_00),
        1 => Just(1_000_01),
        1 => Just(5_000_00),
        1 => prop_oneof![Just(0), Just(-1), Just(i64::MAX), Just(domain::order::AMOUNT_MAX)],
    ]
}

/// Steps within one lane.
fn inside() -> impl Strategy<Value = What> {
    let product = prop_oneof![Just(Product::Jsapi), Just(Product::Native), Just(Product::H5)];
    let said = prop_oneof![
        3 => Just(make::succeeded()),
        2 => Just(make::declined()),
        2 => Just(ChannelAnswer::Unknown),
    ];
    let mostly = || prop::bool::weighted(0.9);
    prop_oneof![
        6 => (product, fen(), any::<bool>()).prop_map(|(product, fen, bound)| What::Create { product, fen, bound }),
        8 => (any::<bool>(), mostly(), mostly(), prop::bool::weighted(0.1)).prop_map(
            |(card, right_pin, right_amount, late)| What::Pay { card, right_pin, right_amount, late }
        ),
        6 => said.prop_map(What::Answer),
        2 => fen().prop_map(What::TopUp),
        3 => Just(What::Show),
        4 => (fen(), mostly()).prop_map(|(fen, newest)| What::CodePay { fen, newest }),
        3 => prop::option::of(mostly()).prop_map(|pin| What::Confirm { pin }),
        3 => Just(What::Reverse),
        2 => Just(What::Close),
        2 => Just(What::Expire),
        2 => prop_oneof![Just(200_u16), Just(500), Just(0)].prop_map(What::Attempt),
        1 => Just(What::Resend),
        1 => any::<bool>().prop_map(What::Suspend),
    ]
}

fn outside() -> impl Strategy<Value = What> {
    let waits = [time::SECOND, time::MINUTE, 6 * time::MINUTE, 3 * time::HOUR, time::DAY, 8 * time::DAY];
    let breaks = [Break::Refused, Break::LostBefore, Break::LostAfter];
    prop_oneof![
        3 => prop::sample::select(waits.to_vec()).prop_map(What::Advance),
        3 => prop::sample::select(breaks.to_vec()).prop_map(What::Break),
        1 => Just(What::Restart),
    ]
}

/// A step of one lane; its shop and payer are set by [`Step::at`].
pub(super) fn lane() -> impl Strategy<Value = Step> {
    (0_u8..3, inside()).prop_map(|(number, what)| Step { shop: 0, buyer: 0, number, what })
}

/// Steps of a world that shops and payers share.
pub(super) fn steps(lanes: Lanes, length: Range<usize>) -> impl Strategy<Value = Vec<Step>> {
    let Lanes::Shared(lanes) = lanes;
    let what = prop_oneof![6 => inside(), 1 => outside()];
    let step = (0..lanes, 0..lanes, 0_u8..3, what);
    let step = step.prop_map(|(shop, buyer, number, what)| Step { shop, buyer, number, what });
    prop::collection::vec(step, length)
}

impl Step {
    /// The same step in another lane.
    pub(super) fn at(&self, lane: usize) -> Self {
        Self { shop: lane, buyer: lane, ..self.clone() }
    }

    /// The command this step comes to now; none when it changes the world around instead, or finds nothing.
    pub(super) fn play(&self, world: &mut World, town: &Town) -> Option<Command> {
        let (shop, buyer) = (town.shops[self.shop], town.buyers[self.buyer]);
        let number = format!("order-{}", self.number);
        let order = || world.queries.order_by_number(shop.id, &number).unwrap();
        Some(match &self.what {
            What::Create { product, fen, bound } => {
                let payer = bound.then_some(buyer.id);
                let terms = Terms { payer, ..shop.terms(&number, *product, *fen) };
                Command::CreateOrder { terms: sealed(terms), expires_at: None }
            }
            What::Pay { card, right_pin, right_amount, late } => {
                let order = order()?;
                let issued_at = if *late { order.expires_at.plus(-30 * time::DAY) } else { world.now };
                let wrong = Money::cny(order.terms.amount.minor.wrapping_add(1));
                Command::PayOrder(Confirmation {
                    order: order.id,
                    payer: buyer.id,
                    entry: Entry { product: order.terms.product, issued_at },
                    shown: if *right_amount { order.terms.amount } else { wrong },
                    card: card.then_some(buyer.card),
                    pin: if *right_pin { buyer.pin } else { digest("wrong") },
                })
            }
            What::Answer(said) => Command::AnswerPayment(asked(world, &buyer, self.number)?, said.clone()),
            What::TopUp(fen) => buyer.top_up(*fen),
            What::Show => Command::IssuePaymentCode(buyer.id, fresh_code(world, &buyer)),
            What::CodePay { fen, newest } => {
                let code = fresh_code(world, &buyer) - if *newest { 1 } else { 2 };
                shop.code_pay(&number, *fen, code)
            }
            What::Confirm { pin } => {
                let pin = pin.map(|right| if right { buyer.pin } else { digest("wrong") });
                Command::ConfirmCodePay { order: order()?.id, payer: buyer.id, pin }
            }
            What::Reverse => shop.reverse(&number),
            What::Close => shop.close(&number),
            What::Expire => Command::ExpireOrder(order().map_or(OrderId(7), |order| order.id)),
            What::Attempt(status) => {
                let id = *world.notifications(order()?.id).first()?;
                let acknowledged = *status == 200;
                Command::RecordAttempt(
                    id,
                    Attempt { acknowledged, status: *status, took_ms: 1, error: "".into() },
                )
            }
            What::Resend => Command::Resend(*world.notifications(order()?.id).first()?),
            What::Suspend(off) => {
                shop.change(MerchantChange { active: Some(!off), ..MerchantChange::default() })
            }
            What::Advance(micros) => {
                world.advance(*micros);
                return None;
            }
            What::Break(how) => {
                world.memory.break_commit(*how);
                return None;
            }
            What::Restart => {
                world.restart();
                return None;
            }
        })
    }
}

/// One of the payer's channel payments, the newest ones first.
fn asked(world: &World, buyer: &Buyer, place: u8) -> Option<PaymentId> {
    let mut of = Vec::new();
    let take = &mut |payment: domain::payment::Payment| {
        if payment.payer == buyer.id {
            of.push(payment.id);
        }
    };
    world.queries.each_payment(take).unwrap();
    of.into_iter().rev().nth(usize::from(place))
}

/// The first payment code of this payer that was never shown.
fn fresh_code(world: &World, buyer: &Buyer) -> i64 {
    let first = 880_000_000_000_000_000 + buyer.id.0 * 1_000;
    (first..).find(|code| world.queries.payment_code(*code).unwrap().is_none()).unwrap()
}
