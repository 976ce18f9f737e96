//! The bank side of card payments: what a channel must offer, and a simulated one.

mod bill;
mod card;
mod menu;
mod pay;

pub use bill::{BillError, write as write_bill};
pub use card::{CardRefused, VerifiedCard, card_number};
pub use menu::{Behaviour, TestCard};
pub(crate) use pay::deposits;

use crypto::Vault;
use domain::{
    payment::{ChannelAnswer, Payment},
    refund::Refund,
};
use menu::{refunded, settled};
use std::{future::Future, pin::Pin, sync::Arc};
use types::Time;

/// A channel's answer to come.
pub type Answering<'a> = Pin<Box<dyn Future<Output = ChannelAnswer> + Send + 'a>>;

/// A card channel: a bank or a card network.
///
/// A payment's id is the reference the channel knows it by, and a channel must be idempotent by it: after a crash
/// it is asked to authorise again what it may have authorised already, and answers as it did, without taking the
/// money twice. An answer may be [`ChannelAnswer::Unknown`] for ever; nobody may take that for a no.
pub trait Channel: Send + Sync + 'static {
    /// Authorises and confirms `payment` from the card behind `token`.
    fn authorise<'a>(&'a self, payment: &'a Payment, token: &'a str, now: Time) -> Answering<'a>;
    /// Says what became of a payment asked before.
    fn query<'a>(&'a self, payment: &'a Payment, token: &'a str, now: Time) -> Answering<'a>;
    /// Brings the money of `refund` to the card behind `token`. A channel is idempotent by the refund's id and attempt,
    /// as by a payment's id: asked again, it answers as it did.
    fn refund<'a>(&'a self, refund: &'a Refund, token: &'a str, now: Time) -> Answering<'a>;
    /// Says what became of the present attempt of a refund asked before.
    fn query_refund<'a>(&'a self, refund: &'a Refund, token: &'a str, now: Time) -> Answering<'a>;
}

/// A bank that exists for trials: it keeps nothing, so its answers depend only on the card's last four digits,
/// the payment and the time ([`Behaviour`]).
#[derive(Clone, Debug)]
pub struct SimulatedBank {
    vault: Arc<Vault>,
}

/// The simulated bank's channel number: owner of its `channel.receivable` account.
pub const SIMULATED: i64 = 1;

impl SimulatedBank {
    /// A bank that makes its card tokens with the vault's keyed hash.
    #[must_use]
    pub const fn new(vault: Arc<Vault>) -> Self {
        Self { vault }
    }

    /// Verifies a card number a payer typed, and gives what may be kept of it. The number itself is forgotten.
    ///
    /// # Errors
    /// [`CardRefused`], in words for the payer.
    pub fn verify_card(&self, number: &str) -> Result<VerifiedCard, CardRefused> {
        card::verify(number, self.vault.hasher())
    }
}

impl Channel for SimulatedBank {
    fn authorise<'a>(&'a self, payment: &'a Payment, token: &'a str, now: Time) -> Answering<'a> {
        Box::pin(async move {
            let behaviour = Behaviour::of_token(token);
            if let Some(pause) = behaviour.pause() {
                tokio::time::sleep(pause).await;
            }
            if behaviour == Behaviour::AnswerLost {
                return ChannelAnswer::Unknown;
            }
            settled(behaviour, payment, now)
        })
    }

    fn query<'a>(&'a self, payment: &'a Payment, token: &'a str, now: Time) -> Answering<'a> {
        Box::pin(std::future::ready(settled(Behaviour::of_token(token), payment, now)))
    }

    fn refund<'a>(&'a self, refund: &'a Refund, token: &'a str, now: Time) -> Answering<'a> {
        let behaviour = Behaviour::of_token(token);
        let answer = match behaviour {
            Behaviour::AnswerLost => ChannelAnswer::Unknown,
            behaviour => refunded(behaviour, refund, now),
        };
        Box::pin(std::future::ready(answer))
    }

    fn query_refund<'a>(&'a self, refund: &'a Refund, token: &'a str, now: Time) -> Answering<'a> {
        Box::pin(std::future::ready(refunded(Behaviour::of_token(token), refund, now)))
    }
}
