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

/// One step: who, with whom, and what.
#[derive(Clone, Debug)]
pub(super) struct Step {
    shop: usize,
    buyer: usize,
    /// Which of the shop's few order numbers.
    number: u8,
    /// Whether of those paid by a payment code.
    code: bool,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Create {
        product: Product,
        fen: Option<i64>,
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
        fen: Option<i64>,
        newest: bool,
    },
    Confirm {
        pin: Option<bool>,
        right_payer: bool,
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
    let said = prop_oneof![
        3 => Just(make::succeeded()),
        2 => Just(make::declined()),
        2 => Just(ChannelAnswer::Unknown),
    ];
    let odds = prop::bool::weighted;
    let product = prop_oneof![Just(Product::Jsapi), Just(Product::Native), Just(Product::H5)];
    let strange = || prop::option::weighted(0.3, fen());
    prop_oneof![
        7 => (product, strange(), odds(0.2)).prop_map(|(product, fen, bound)| What::Create { product, fen, bound }),
        14 => (any::<bool>(), odds(0.9), odds(0.9), odds(0.1)).prop_map(
            |(card, right_pin, right_amount, late)| What::Pay { card, right_pin, right_amount, late }
        ),
        8 => said.prop_map(What::Answer),
        2 => fen().prop_map(What::TopUp),
        2 => Just(What::Show),
        9 => (strange(), odds(0.9)).prop_map(|(fen, newest)| What::CodePay { fen, newest }),
        6 => (prop::option::weighted(0.8, odds(0.8)), odds(0.9))
            .prop_map(|(pin, right_payer)| What::Confirm { pin, right_payer }),
        4 => Just(What::Reverse),
        2 => Just(What::Close),
        2 => Just(What::Expire),
        4 => prop_oneof![Just(200_u16), Just(500), Just(0)].prop_map(What::Attempt),
        1 => Just(What::Resend),
        1 => odds(0.3).prop_map(What::Suspend),
    ]
}

fn outside() -> impl Strategy<Value = What> {
    let waits = prop_oneof![
        4 => Just(time::SECOND),
        4 => Just(time::MINUTE),
        2 => Just(6 * time::MINUTE),
        1 => Just(3 * time::HOUR),
        1 => Just(time::DAY),
        1 => Just(8 * time::DAY),
    ];
    let breaks = [Break::Refused, Break::LostBefore, Break::LostAfter];
    prop_oneof![
        3 => waits.prop_map(What::Advance),
        3 => prop::sample::select(breaks.to_vec()).prop_map(What::Break),
        1 => Just(What::Restart),
    ]
}

/// A step of one lane; its shop and payer are set by [`Step::at`].
pub(super) fn lane() -> impl Strategy<Value = Step> {
    (0_u8..3, any::<bool>(), inside()).prop_map(|(number, code, what)| Step {
        shop: 0,
        buyer: 0,
        number,
        code,
        what,
    })
}

/// Steps of a world that so many shops and payers share, with faults and passing time between them.
pub(super) fn steps(lanes: usize, length: Range<usize>) -> impl Strategy<Value = Vec<Step>> {
    let what = prop_oneof![8 => inside(), 1 => outside()];
    let step = (0..lanes, 0..lanes, 0_u8..3, any::<bool>(), what);
    let step = step.prop_map(|(shop, buyer, number, code, what)| Step { shop, buyer, number, code, what });
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
        let (page, code) = (format!("page-{}", self.number), format!("code-{}", self.number));
        let either = if self.code { &code } else { &page };
        let find = |number: &str| world.queries.order_by_number(shop.id, number).unwrap();
        // The same number mostly asks for the same thing.
        let usual = [20_00, 700_00, 1_500_00][usize::from(self.number) % 3];
        Some(match &self.what {
            What::Create { product, fen, bound } => {
                let payer = bound.then_some(buyer.id);
                let product = if fen.is_some() { *product } else { Product::Native };
                let terms = Terms { payer, ..shop.terms(&page, product, fen.unwrap_or(usual)) };
                Command::CreateOrder { terms: sealed(terms), expires_at: None }
            }
            What::Pay { card, right_pin, right_amount, late } => {
                let order = find(&page)?;
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
                let fresh = fresh_code(world, &buyer);
                let shown = fresh - if *newest { 1 } else { 2 };
                if world.queries.payment_code(shown).unwrap().is_none() {
                    return Some(Command::IssuePaymentCode(buyer.id, fresh));
                }
                shop.code_pay(&code, fen.unwrap_or(usual), shown)
            }
            What::Confirm { pin, right_payer } => {
                let order = find(&code)?;
                let scanned = town.buyers.iter().find(|known| *right_payer && order.payer == Some(known.id));
                let payer = scanned.unwrap_or(&buyer);
                let pin = pin.map(|right| if right { payer.pin } else { digest("wrong") });
                Command::ConfirmCodePay { order: order.id, payer: payer.id, pin }
            }
            What::Reverse => shop.reverse(if self.number == 2 { either } else { &code }),
            What::Close => shop.close(either),
            What::Expire => Command::ExpireOrder(find(either).map_or(OrderId(7), |order| order.id)),
            What::Attempt(status) => {
                let id = *world.notifications(find(&page)?.id).first()?;
                let acknowledged = *status == 200;
                Command::RecordAttempt(
                    id,
                    Attempt { acknowledged, status: *status, took_ms: 1, error: "".into() },
                )
            }
            What::Resend => Command::Resend(*world.notifications(find(&page)?.id).first()?),
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
