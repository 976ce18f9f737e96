//! The reserve equation: what is owed, by whom it is owed and what is on its way, against where the money is.

use ledger::{Account, AccountKind, Side};
use std::collections::BTreeMap;
use types::Currency;

/// Where the money of a currency is and whose it is, minor units. `payers + merchants + in_transit + platform` equals
/// `bank + channels`, or a proof fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Reserve {
    /// The currency's number (ISO 4217).
    pub currency: u16,
    /// Payers' balances.
    pub payers: i128,
    /// Merchants' money: takings, settled, kept back, held, aside for sharing.
    pub merchants: i128,
    /// On its way: payouts to banks, transfers to users, money between shards.
    pub in_transit: i128,
    /// The platform's own: fees, and differences in suspense.
    pub platform: i128,
    /// At the platform's bank: the reserve.
    pub bank: i128,
    /// What channels owe the platform.
    pub channels: i128,
}

impl Reserve {
    /// What is owed to customers beyond what the bank and the channels have; none is missing at zero or below.
    #[must_use]
    pub const fn missing(&self) -> i128 {
        self.payers + self.merchants + self.in_transit - self.bank - self.channels
    }
}

impl std::fmt::Display for Reserve {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { currency, payers, merchants, in_transit, platform, bank, channels } = self;
        let code = Currency::from_numeric(*currency).map_or("?", |known| known.code());
        write!(
            f,
            "{code}: payers {payers} + merchants {merchants} + in transit {in_transit} + platform {platform} = \
             bank {bank} + channels {channels}"
        )
    }
}

/// Accounts by currency.
#[derive(Default)]
pub(super) struct Seen(BTreeMap<u16, Reserve>);

impl Seen {
    pub(super) fn account(&mut self, account: &Account) {
        let currency = account.id.currency().numeric();
        let sums = self.0.entry(currency).or_insert(Reserve { currency, ..Reserve::default() });
        let kind = account.id.kind();
        let balance = i128::from(account.balance().minor);
        let part = match kind {
            AccountKind::PayerBalance => &mut sums.payers,
            AccountKind::PlatformFee | AccountKind::PlatformSuspense => &mut sums.platform,
            AccountKind::ChannelReceivable => &mut sums.channels,
            AccountKind::BankCash => &mut sums.bank,
            kind if kind.is_merchants_own() => &mut sums.merchants,
            _ => &mut sums.in_transit,
        };
        let held = matches!(kind, AccountKind::ChannelReceivable | AccountKind::BankCash);
        let grows = (kind.side() == Side::Debit) == held;
        *part += if grows { balance } else { -balance };
    }

    /// The equation of each currency; tells of those that do not hold.
    pub(super) fn finish(self, fail: &mut dyn FnMut(String)) -> Vec<Reserve> {
        for reserve in self.0.values() {
            if reserve.missing() + reserve.platform != 0 {
                fail(format!("reserve equation: {reserve} does not hold"));
            }
        }
        self.0.into_values().collect()
    }
}
