//! Refunds: a paid order's money goes back to where it came from, in one part or up to fifty (wire §4).
//!
//! ```text
//! create ─small─▶ to the balance: Succeeded
//!    │       └──▶ to a card: Processing ──yes──▶ Succeeded
//!    │                │   ▲ └─no answer─▶ Unknown ─┘ (only the channel's answer ends it)
//!    │                no  └──another card──┐
//!    │                └──▶ Abnormal ───────┘
//!    └─large─▶ Waiting ──approved──▶ as a small one
//!                 └─rejected, too late─▶ Closed
//! ```
//!
//! The money is taken from the merchant when the refund is created, held until its end is known: neither a second
//! refund nor anything else can spend it. The order counts what its refunds took, so that they never sum above what
//! was paid.

mod answer;
mod approve;
mod create;

pub(crate) use answer::{answer, ask_again, retry};
pub(crate) use approve::{approve, expire, reject};
pub(crate) use create::create;

use crate::{
    Context, Rejection, Stop, Tx,
    approval::{self, Approval},
    context::Event,
    crossing::{self, Wanted},
    journal::Subject,
    merchant::Merchant,
    notification::{self, About},
    order::Order,
    partner::Principal,
    sharing,
};
use ledger::{AccountId, AccountKind, Draft, Refused, Transfer, TransferKind};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use types::{Currency, JournalId, MerchantId, Money, OperatorId, OrderId, RefundId, Time, TransferId, time};

/// A refund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// Its id; `refund_id` on the wire is computed from it.
    pub id: RefundId,
    /// The order it gives back of.
    pub order: OrderId,
    /// What was asked for; never changes.
    pub terms: Arc<RefundTerms>,
    /// Where it stands.
    pub state: RefundState,
    /// What it returns of the order's fee, minor units; see [`Refund::parts`].
    pub fee: i64,
    /// The refund of the same order before this one; the order names the newest.
    pub previous: Option<RefundId>,
    /// When it was created.
    pub created_at: Time,
    /// When it succeeded or was closed.
    pub ended_at: Option<Time>,
    /// When something must happen by itself: the channel is asked, or an approval comes too late.
    pub due_at: Option<Time>,
    /// Times the channel was asked about the present attempt.
    pub asked: u32,
    /// Attempts to bring the money to a card: 1 for the card that paid, more after an abnormal refund was sent to
    /// another. 0 for a refund to the balance. Channels know an attempt by the refund and this number.
    pub attempt: u32,
    /// The channel's code: its reference when it paid, its reason when it could not.
    pub channel_code: Box<str>,
    /// The card that an abnormal refund was sent to.
    pub receiver: Option<Receiver>,
    /// Who asked for it; none for the merchant's own signed request.
    pub maker: Option<OperatorId>,
    /// Approvals it needs (R-FIN-53, R-FIN-68).
    pub approvals_needed: u8,
    /// Who has approved it, each a different person than the maker.
    pub approvals: Vec<Approval>,
    /// Newest journal line.
    pub journal: JournalId,
}

/// What a merchant asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundTerms {
    /// Whose: whose money pays.
    pub merchant: MerchantId,
    /// The partner that placed the order for the merchant, if one did: its refunds are in the partner's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner: Option<MerchantId>,
    /// The signer's own number, 1 to 64 characters, unique per signer: the same number is the same refund.
    pub number: Box<str>,
    /// How much goes back.
    pub amount: Money,
    /// Shown to the payer; empty for none.
    pub reason: Box<str>,
    /// Where notifications go; empty for none.
    pub notify_url: Box<str>,
    /// Which of the merchant's money pays.
    pub funds: Funds,
    /// Other wire parameters, canonical JSON, kept for the record.
    pub extra: Box<str>,
    /// Hash over all parameters but the order's numbers: the same number with another digest is another refund.
    pub digest: [u8; 16],
}

impl RefundTerms {
    /// Whose refund it is, and of which partner's order.
    #[must_use]
    pub const fn principal(&self) -> Principal {
        Principal { merchant: self.merchant, partner: self.partner }
    }
    /// In whose name its number is, and who is notified.
    #[must_use]
    pub fn signer(&self) -> MerchantId {
        self.principal().signer()
    }
}

/// A refund to be created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewRefund {
    /// What is asked for.
    pub terms: Arc<RefundTerms>,
    /// The order by its id, or by the merchant's number, or both when they agree.
    pub order: Option<OrderId>,
    /// See [`NewRefund::order`].
    pub order_number: Option<Box<str>>,
    /// The order's whole amount as the merchant knows it, minor units.
    pub total: i64,
}

/// Which refund a signer's own number belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundNumber {
    /// In whose name: [`RefundTerms::signer`].
    pub merchant: MerchantId,
    /// The signer's number, `out_refund_no`.
    pub number: Box<str>,
    /// The refund.
    pub refund: RefundId,
}

/// The bank card that an abnormal refund is sent to. Its number is forgotten once the channel has made a token of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receiver {
    /// Whether it is the merchant's own card, for it to pay the user by other means; else the user's.
    pub merchant: bool,
    /// The bank's code, such as `ICBC_DEBIT`.
    pub bank: Box<str>,
    /// Last four digits.
    pub tail: Box<str>,
    /// What the channel knows the card by.
    pub token: Box<str>,
}

/// Where a refund stands. The number is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum RefundState {
    /// Too large to go by itself: waits for approvals. `PROCESSING` on the wire.
    Waiting = 0,
    /// Asked of the channel, or about to be.
    Processing = 1,
    /// The channel did not say; only its answer ends this. `PROCESSING` on the wire.
    Unknown = 2,
    /// The payer has the money; final.
    Succeeded = 3,
    /// The channel could not bring the money to the card; it stays held until another card takes it.
    Abnormal = 4,
    /// Rejected, or approved too late; nothing moved; final.
    Closed = 5,
}

impl RefundState {
    /// Every state, in stored order.
    pub const ALL: [Self; 6] =
        [Self::Waiting, Self::Processing, Self::Unknown, Self::Succeeded, Self::Abnormal, Self::Closed];
    /// The state stored as `number`.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|state| *state as i64 == number)
    }
    /// The word used in pages, files and the manual.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Processing => "processing",
            Self::Unknown => "unknown",
            Self::Succeeded => "succeeded",
            Self::Abnormal => "abnormal",
            Self::Closed => "closed",
        }
    }
    /// Whether its transfers are holds.
    #[must_use]
    pub const fn is_held(self) -> bool {
        matches!(self, Self::Waiting | Self::Processing | Self::Unknown | Self::Abnormal)
    }
}

/// Which of a merchant's money pays a refund. The number is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Funds {
    /// Takings before settlement.
    Unsettled = 0,
    /// Settled money.
    Available = 1,
}

impl Funds {
    /// The funds stored as `number`.
    #[must_use]
    pub const fn from_number(number: i64) -> Option<Self> {
        match number {
            0 => Some(Self::Unsettled),
            1 => Some(Self::Available),
            _ => None,
        }
    }
    /// The word used in pages, files and the manual.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unsettled => "unsettled",
            Self::Available => "available",
        }
    }
    /// The funds of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Unsettled, Self::Available].into_iter().find(|funds| funds.name() == name)
    }
    /// The account of these funds.
    #[must_use]
    pub fn account(self, merchant: MerchantId, currency: Currency) -> AccountId {
        match self {
            Self::Unsettled => AccountId::merchant_unsettled(merchant, currency),
            Self::Available => AccountId::merchant_available(merchant, currency),
        }
    }
}

/// What the refunds of an order have come to, closed ones left out. Kept in the order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refunded {
    /// Sum given back or held for it, minor units.
    pub sum: i64,
    /// Sum of fees returned with it, minor units.
    pub fee: i64,
    /// Refunds created, closed ones included.
    pub count: u32,
    /// The newest refund; each names the one before.
    pub newest: Option<RefundId>,
}

/// The operator's rules on refunds, a part of [`crate::limit::LimitTable`]. Amounts are fen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundRules {
    /// Up to this a refund goes by itself (R-FIN-68).
    pub automatic: i64,
    /// Above this it needs two approvals (R-FIN-53).
    pub two_approvals: i64,
    /// Above this it needs three (R-FIN-53).
    pub three_approvals: i64,
    /// Seconds until a refund that nobody approved is closed.
    pub approval_s: i64,
    /// Seconds between two refunds of one order (wire §4).
    pub apart_s: i64,
    /// Refunds of one order (wire §4).
    pub most: u32,
}

impl RefundRules {
    /// What the rules and the wire say: 500 yuan by itself, two approvals above 50 000, three above 500 000; a week
    /// to approve; 50 refunds, a minute apart.
    #[must_use]
    pub const fn of_rules() -> Self {
        Self {
            automatic: 500_00,
            two_approvals: 50_000_00,
            three_approvals: 500_000_00,
            approval_s: 7 * 24 * 3600,
            apart_s: 60,
            most: 50,
        }
    }
    /// Approvals that a refund of `fen` needs.
    #[must_use]
    pub const fn approvals(&self, fen: i64) -> u8 {
        approval::needed(fen, [self.automatic, self.two_approvals, self.three_approvals])
    }
}

/// Days after the payment in which a merchant can refund, when nothing else is agreed (D8).
pub const WINDOW_DAYS: u16 = 180;
/// The most that can be agreed (D8).
pub const WINDOW_DAYS_MAX: u16 = 365;

/// One of the transfers of a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its id.
    pub id: TransferId,
    /// Minor units, above zero.
    pub amount: i64,
    /// [`TransferKind::Refund`] from the merchant, [`TransferKind::RefundFee`] from the platform.
    pub kind: TransferKind,
    /// Whether it goes to the merchant instead of to whoever paid the order.
    pub to_merchant: bool,
}

impl Refund {
    /// Its transfers: held, posted and voided together. The payer gets the refund; of it the platform pays the fee it
    /// returns and the merchant the rest, so that a merchant needs no more than it was credited with. A fee returned
    /// beyond the refund itself, as when all of it returns with the last part, goes to the merchant.
    pub fn parts(&self) -> impl Iterator<Item = Part> + use<> {
        let (id, amount, fee) = (self.id.0, self.terms.amount.minor, self.fee);
        let in_refund = fee.min(amount);
        let part =
            |place, amount, kind, to_merchant| Part { id: TransferId(id + place), amount, kind, to_merchant };
        [
            part(1, amount - in_refund, TransferKind::Refund, false),
            part(2, in_refund, TransferKind::RefundFee, false),
            part(4, fee - in_refund, TransferKind::RefundFee, true), // the third id is the notification's
        ]
        .into_iter()
        .filter(|part| part.amount > 0)
    }
}

/// Sets the money of a refund aside for `payer`, the account that paid the order. A shared order's comes from what is
/// left of it. Errors: `NotEnough` when the merchant has too little, or too much of the order was shared.
fn hold(
    refund: &Refund,
    order: &Order,
    payer: AccountId,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> Result<(), Stop> {
    let (terms, currency) = (&refund.terms, refund.terms.amount.currency);
    let merchant = terms.funds.account(terms.merchant, currency).at(ctx.place.shard);
    let fees = AccountId::platform_fee(currency).at(ctx.place.shard);
    let own = refund.parts().find(|part| part.kind == TransferKind::Refund).map_or(0, |part| part.amount);
    let aside = sharing::refund(order, own, terms.funds == Funds::Available, ctx, tx)?;
    if aside.is_none() {
        crossing::gather(merchant, Wanted::Whole(own), ctx, tx)?;
    }
    for Part { id, amount, kind, to_merchant } in refund.parts() {
        let debit = if kind == TransferKind::Refund { aside.unwrap_or(merchant) } else { fees };
        let credit = if to_merchant { merchant } else { payer };
        let draft = Draft { id, debit, credit, amount, kind, subject: refund.id.0, at: ctx.now };
        ledger::hold(tx, draft).map_err(not_enough)?;
    }
    Ok(())
}

fn not_enough(stop: Stop) -> Stop {
    match stop {
        Stop::Rejected(Rejection::Ledger(Refused::NotEnough { .. })) => Rejection::NotEnough.into(),
        other => other,
    }
}

/// Lets a refund go that needs no more approval: to the balance at once, to a card by asking the channel.
fn go(refund: &mut Refund, to_card: bool, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    if to_card {
        refund.state = RefundState::Processing;
        refund.attempt = 1;
        refund.due_at = Some(ctx.now);
        tx.tell(Event::RefundDue(refund.id));
        return Ok(());
    }
    succeed(refund, ctx, tx)
}

/// Moves the money: the refund has succeeded.
fn succeed(refund: &mut Refund, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    for part in refund.parts() {
        ledger::post(tx, part.id, ctx.now)?;
    }
    refund.state = RefundState::Succeeded;
    refund.ended_at = Some(ctx.now);
    refund.due_at = None;
    tell(refund, About::RefundSucceeded(refund.id), ctx, tx);
    Ok(())
}

/// Releases the money: nothing moved, and the order may be refunded by as much again.
fn close(refund: &mut Refund, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    let order = tx.need::<Order>(&refund.order, Rejection::OrderNotFound)?.clone();
    for part in refund.parts() {
        let aside = part.kind == TransferKind::Refund
            && tx
                .get::<Transfer>(&part.id)?
                .is_some_and(|transfer| transfer.debit.kind() == AccountKind::MerchantSharing);
        ledger::void(tx, part.id, ctx.now)?;
        if aside {
            sharing::refund_closed(&order, part.amount, TransferId(ctx.ids.id(1)), ctx, tx)?;
        }
    }
    let was = order.refunded;
    let refunded = Refunded { sum: was.sum - refund.terms.amount.minor, fee: was.fee - refund.fee, ..was };
    tx.put(Order { refunded, ..order });
    refund.state = RefundState::Closed;
    refund.ended_at = Some(ctx.now);
    refund.due_at = None;
    tell(refund, About::RefundClosed(refund.id), ctx, tx);
    Ok(())
}

/// Owes whoever asked a notification, if it named an address.
fn tell(refund: &Refund, about: About, ctx: &Context, tx: &mut Tx<'_>) {
    if !refund.terms.notify_url.is_empty() {
        notification::owe(refund.terms.signer(), about, ctx, tx);
    }
}

/// The refund, as the command's subject. Errors: `RefundNotFound`.
fn find(id: RefundId, tx: &mut Tx<'_>) -> Result<Refund, Stop> {
    let refund = tx.need::<Refund>(&id, Rejection::RefundNotFound)?.clone();
    tx.about(Subject::Refund(id), Some(refund.journal));
    Ok(refund)
}

/// Until when a merchant can refund an order paid at `paid_at`.
fn window_end(merchant: &Merchant, paid_at: Time) -> Time {
    paid_at.plus(i64::from(merchant.refund_days) * time::DAY)
}
