//! Accounts: who may hold money, on which side it grows, and the four counters.

use crate::Refused;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use types::{Currency, MerchantId, Money, PayerId, Shard};

/// The side on which an account's balance grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Assets: what others owe the platform.
    Debit,
    /// Liabilities and income: what the platform owes or has earned.
    Credit,
}

/// The chart of accounts. The number is stored; it never changes meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum AccountKind {
    /// A payer's stored value.
    PayerBalance = 1,
    /// A merchant's takings before settlement.
    MerchantUnsettled = 2,
    /// A merchant's settled money: paid out to its bank account, or used for refunds.
    MerchantAvailable = 3,
    /// A merchant's money set aside for a stated reason, such as a dispute.
    MerchantHeld = 4,
    /// A payout on its way to the merchant's bank, until the bank answers.
    PayoutInTransit = 5,
    /// Fees the platform has earned.
    PlatformFee = 6,
    /// Differences found by reconciliation until they are explained: above zero the platform owes it to somebody, below it
    /// is missing.
    PlatformSuspense = 7,
    /// What is left of a merchant's shared orders until it is shared or unfrozen (分账).
    MerchantSharing = 8,
    /// A merchant's money on its way to users, until they confirm or it comes back.
    TransferInTransit = 9,
    /// What a channel (bank, card network) owes the platform until it settles.
    ChannelReceivable = 10,
    /// The platform's money at its own bank: where channels pay in and payouts leave.
    BankCash = 11,
    /// A refund on its way to the payer's bank, until the channel answers.
    RefundInTransit = 12,
    /// The part of a merchant's settled money that is kept back for some days.
    MerchantReserve = 14,
    /// Between one shard and another: what it sent there, less what came from there.
    ShardInTransit = 20,
}

impl AccountKind {
    /// Every kind, in stored order.
    pub const ALL: [Self; 14] = [
        Self::PayerBalance,
        Self::MerchantUnsettled,
        Self::MerchantAvailable,
        Self::MerchantHeld,
        Self::PayoutInTransit,
        Self::PlatformFee,
        Self::PlatformSuspense,
        Self::MerchantSharing,
        Self::TransferInTransit,
        Self::ChannelReceivable,
        Self::BankCash,
        Self::RefundInTransit,
        Self::MerchantReserve,
        Self::ShardInTransit,
    ];
    /// The side on which the balance grows.
    #[must_use]
    pub const fn side(self) -> Side {
        match self {
            Self::ChannelReceivable | Self::BankCash => Side::Debit,
            Self::PayerBalance
            | Self::MerchantUnsettled
            | Self::MerchantAvailable
            | Self::MerchantHeld
            | Self::MerchantSharing
            | Self::PayoutInTransit
            | Self::TransferInTransit
            | Self::PlatformFee
            | Self::PlatformSuspense
            | Self::RefundInTransit
            | Self::MerchantReserve
            | Self::ShardInTransit => Side::Credit,
        }
    }
    /// Whether the balance may pass below zero. Only the platform's own positions may.
    #[must_use]
    pub const fn may_go_negative(self) -> bool {
        matches!(
            self,
            Self::PlatformFee
                | Self::PlatformSuspense
                | Self::ChannelReceivable
                | Self::BankCash
                | Self::ShardInTransit
        )
    }
    /// Whether it holds a merchant's own money, which bills account for. A transfer that touches one counts in full on
    /// the day of its id, held or posted; a voided hold is undone on the day of its `at`.
    #[must_use]
    pub const fn is_merchants_own(self) -> bool {
        matches!(
            self,
            Self::MerchantUnsettled
                | Self::MerchantAvailable
                | Self::MerchantHeld
                | Self::MerchantReserve
                | Self::MerchantSharing
        )
    }
    /// The name used in pages, files and the manual.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PayerBalance => "payer.balance",
            Self::MerchantUnsettled => "merchant.unsettled",
            Self::PlatformFee => "platform.fee",
            Self::PlatformSuspense => "platform.suspense",
            Self::ChannelReceivable => "channel.receivable",
            Self::ShardInTransit => "shard.in_transit",
            Self::MerchantAvailable => "merchant.available",
            Self::MerchantHeld => "merchant.held",
            Self::PayoutInTransit => "payout.in_transit",
            Self::TransferInTransit => "transfer.in_transit",
            Self::BankCash => "bank.cash",
            Self::RefundInTransit => "refund.in_transit",
            Self::MerchantReserve => "merchant.reserve",
            Self::MerchantSharing => "merchant.sharing",
        }
    }
    /// The kind stored as `number`.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as i64 == number)
    }
}

/// An account's id: kind (6 bits), currency (10 bits, ISO 4217 number), shard (6 bits) and owner (40 bits) in one
/// integer, so that it is a row key by itself. Prints as `payer.balance:12:CNY`.
///
/// What many payers pay into, the accounts of merchants, channels and the platform, has a sub-account in each shard, so
/// that no shard waits for another: `merchant.unsettled:1900000001:CNY@3` is the one in shard 3. A payer's account
/// carries shard 0 wherever the payer lives: its owner's number says where that is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccountId(pub i64);

const OWNER_BITS: u32 = 40;
const OWNER_MASK: i64 = (1 << OWNER_BITS) - 1;
const CURRENCY_AT: u32 = 46;
const KIND_AT: u32 = 56;

impl AccountId {
    /// The largest number that an owner can have.
    pub const OWNER_MAX: i64 = OWNER_MASK;
    /// Whether `number` can own accounts: a payer, merchant or channel, not the platform.
    #[must_use]
    pub const fn can_own(number: i64) -> bool {
        0 < number && number <= Self::OWNER_MAX
    }
    /// The account of `owner` in the first shard; 0 is the platform itself.
    ///
    /// # Panics
    /// When `owner` is negative or above [`AccountId::OWNER_MAX`]: rules check with [`AccountId::can_own`] before
    /// they keep a number.
    #[must_use]
    pub fn new(kind: AccountKind, owner: i64, currency: Currency) -> Self {
        assert!((0..=OWNER_MASK).contains(&owner), "an account owner has 40 bits");
        Self((kind as i64) << KIND_AT | i64::from(currency.numeric()) << CURRENCY_AT | owner)
    }
    /// The sub-account of the same kind, owner and currency in `shard`.
    #[must_use]
    pub const fn at(self, shard: Shard) -> Self {
        Self(self.0 & !(63 << OWNER_BITS) | (shard.number() as i64) << OWNER_BITS)
    }
    /// The shard it is a sub-account in.
    #[must_use]
    pub fn shard(self) -> Shard {
        let bits = u8::try_from((self.0 >> OWNER_BITS) & 63).unwrap_or(0);
        Shard::new(bits).unwrap_or_default()
    }
    /// A payer's balance.
    #[must_use]
    pub fn payer_balance(payer: PayerId, currency: Currency) -> Self {
        Self::new(AccountKind::PayerBalance, payer.0, currency)
    }
    /// A merchant's takings before settlement.
    #[must_use]
    pub fn merchant_unsettled(merchant: MerchantId, currency: Currency) -> Self {
        Self::new(AccountKind::MerchantUnsettled, merchant.0, currency)
    }
    /// A merchant's settled money.
    #[must_use]
    pub fn merchant_available(merchant: MerchantId, currency: Currency) -> Self {
        Self::new(AccountKind::MerchantAvailable, merchant.0, currency)
    }
    /// A merchant's money set aside for a stated reason.
    #[must_use]
    pub fn merchant_held(merchant: MerchantId, currency: Currency) -> Self {
        Self::new(AccountKind::MerchantHeld, merchant.0, currency)
    }
    /// What is left of a merchant's shared orders.
    #[must_use]
    pub fn merchant_sharing(merchant: MerchantId, currency: Currency) -> Self {
        Self::new(AccountKind::MerchantSharing, merchant.0, currency)
    }
    /// A merchant's reserve.
    #[must_use]
    pub fn merchant_reserve(merchant: MerchantId, currency: Currency) -> Self {
        Self::new(AccountKind::MerchantReserve, merchant.0, currency)
    }
    /// A merchant's payouts under way.
    #[must_use]
    pub fn payout_in_transit(merchant: MerchantId, currency: Currency) -> Self {
        Self::new(AccountKind::PayoutInTransit, merchant.0, currency)
    }
    /// A merchant's money on its way to users.
    #[must_use]
    pub fn transfer_in_transit(merchant: MerchantId, currency: Currency) -> Self {
        Self::new(AccountKind::TransferInTransit, merchant.0, currency)
    }
    /// The platform's money at its bank.
    #[must_use]
    pub fn bank_cash(currency: Currency) -> Self {
        Self::new(AccountKind::BankCash, 0, currency)
    }
    /// The platform's fee income.
    #[must_use]
    pub fn platform_fee(currency: Currency) -> Self {
        Self::new(AccountKind::PlatformFee, 0, currency)
    }
    /// Differences of reconciliation.
    #[must_use]
    pub fn platform_suspense(currency: Currency) -> Self {
        Self::new(AccountKind::PlatformSuspense, 0, currency)
    }
    /// What channel number `channel` owes.
    #[must_use]
    pub fn channel_receivable(channel: i64, currency: Currency) -> Self {
        Self::new(AccountKind::ChannelReceivable, channel, currency)
    }
    /// What shard `at` sent to shard `with`, less what it received from there. The owner is the other shard's number.
    #[must_use]
    pub fn in_transit(at: Shard, with: Shard, currency: Currency) -> Self {
        Self::new(AccountKind::ShardInTransit, with.number().into(), currency).at(at)
    }
    /// Reads a stored id; none when its kind or currency is unknown.
    #[must_use]
    pub fn from_stored(id: i64) -> Option<Self> {
        let known = AccountKind::from_number(id >> KIND_AT).is_some()
            && Currency::from_numeric(Self(id).currency_number()).is_some();
        known.then_some(Self(id))
    }
    const fn currency_number(self) -> u16 {
        ((self.0 >> CURRENCY_AT) & 0x3ff) as u16
    }
    /// The account's kind.
    ///
    /// # Panics
    /// Never for an id built by [`AccountId::new`] or [`AccountId::from_stored`].
    #[must_use]
    #[expect(clippy::expect_used, reason = "every constructor checks")]
    pub fn kind(self) -> AccountKind {
        AccountKind::from_number(self.0 >> KIND_AT).expect("a known account kind")
    }
    /// The account's currency.
    ///
    /// # Panics
    /// Never for an id built by [`AccountId::new`] or [`AccountId::from_stored`].
    #[must_use]
    #[expect(clippy::expect_used, reason = "every constructor checks")]
    pub fn currency(self) -> Currency {
        Currency::from_numeric(self.currency_number()).expect("a known currency")
    }
    /// The owner's number: payer, merchant, channel or another shard; 0 for the platform.
    #[must_use]
    pub const fn owner(self) -> i64 {
        self.0 & OWNER_MASK
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.kind().name(), self.owner(), self.currency().code())?;
        match self.shard() {
            Shard::FIRST => Ok(()),
            shard => write!(f, "@{shard}"),
        }
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for AccountId {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let bad =
            || format!("`{text}` is not an account such as payer.balance:12:CNY or platform.fee:0:CNY@3");
        let (account, shard) = match text.split_once('@') {
            None => (text, Shard::FIRST),
            Some((account, shard)) => {
                let canonical = shard != "0" && !(shard.len() > 1 && shard.starts_with('0'));
                let number = if canonical { shard.parse().ok() } else { None };
                (account, number.and_then(Shard::new).ok_or_else(bad)?)
            }
        };
        let mut parts = account.split(':');
        let (Some(kind), Some(owner), Some(currency), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(bad());
        };
        let kind = AccountKind::ALL.into_iter().find(|k| k.name() == kind).ok_or_else(bad)?;
        let owner: i64 = owner.parse().map_err(|_| bad())?;
        let currency = Currency::from_code(currency).ok_or_else(bad)?;
        if !(0..=OWNER_MASK).contains(&owner) {
            return Err(bad());
        }
        Ok(Self::new(kind, owner, currency).at(shard))
    }
}

/// An account: four counters that only grow through posted and pending transfers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Which account.
    pub id: AccountId,
    /// Sum of open holds on the debit side, minor units.
    pub debits_pending: i64,
    /// Sum of posted debits, minor units.
    pub debits_posted: i64,
    /// Sum of open holds on the credit side, minor units.
    pub credits_pending: i64,
    /// Sum of posted credits, minor units.
    pub credits_posted: i64,
    /// Frozen: nothing may leave (rules §7.5); money may still arrive.
    pub frozen: bool,
}

impl Account {
    /// An account that nothing has moved through yet. Accounts open on first use.
    #[must_use]
    pub const fn new(id: AccountId) -> Self {
        Self { id, debits_pending: 0, debits_posted: 0, credits_pending: 0, credits_posted: 0, frozen: false }
    }
    /// Posted balance on the account's own side.
    #[must_use]
    pub fn balance(&self) -> Money {
        let minor = match self.id.kind().side() {
            Side::Credit => self.credits_posted - self.debits_posted,
            Side::Debit => self.debits_posted - self.credits_posted,
        };
        Money::new(minor, self.id.currency())
    }
    /// What may still leave: the balance less open holds that would reduce it.
    #[must_use]
    pub fn available(&self) -> Money {
        let held = match self.id.kind().side() {
            Side::Credit => self.debits_pending,
            Side::Debit => self.credits_pending,
        };
        let balance = self.balance();
        Money::new(balance.minor.saturating_sub(held), balance.currency)
    }
    /// Held by open pending transfers.
    #[must_use]
    pub fn held(&self) -> Money {
        let balance = self.balance();
        Money::new(balance.minor - self.available().minor, balance.currency)
    }

    pub(crate) fn add(&mut self, side: Side, pending: i64, posted: i64) -> Result<(), Refused> {
        let (pending_counter, posted_counter) = match side {
            Side::Debit => (&mut self.debits_pending, &mut self.debits_posted),
            Side::Credit => (&mut self.credits_pending, &mut self.credits_posted),
        };
        let next_pending = pending_counter.checked_add(pending).ok_or(Refused::Overflow(self.id))?;
        let next_posted = posted_counter.checked_add(posted).ok_or(Refused::Overflow(self.id))?;
        assert!(next_pending >= 0, "{}: holds below zero", self.id);
        assert!(next_posted >= *posted_counter, "{}: a posted counter never shrinks", self.id);
        *pending_counter = next_pending;
        *posted_counter = next_posted;
        Ok(())
    }

    /// Refuses when money would leave on `side` without being there.
    pub(crate) fn check_leaving(&self, side: Side, amount: i64) -> Result<(), Refused> {
        if side == self.id.kind().side() {
            return Ok(()); // it arrives
        }
        if self.frozen {
            return Err(Refused::Frozen(self.id));
        }
        let available = self.available();
        if !self.id.kind().may_go_negative() && available.minor < amount {
            let needed = Money::new(amount, available.currency);
            return Err(Refused::NotEnough { account: self.id, available, needed });
        }
        Ok(())
    }
}
