//! Fees: what the platform takes of a payment, as versions of a schedule per merchant with a platform default,
//! and what of it goes back when the payment is refunded.
//!
//! The fee of a payment is decided by the version in force when it is paid, and its return by that same version,
//! so that a change never reaches back (Order 768 art. 34: changes are shown 30 days before).

mod schedule;

pub use schedule::{Charged, Promotion, Return, Rounding, Rule, Tier};

use crate::{Context, Rejection, Stop, Tx, journal::Subject, merchant::Merchant, merchant::Product};
use serde::{Deserialize, Serialize};
use types::{JournalId, MerchantId, Money, Rate, Time, time};

/// Whose schedule holds for merchants that have none.
pub const PLATFORM: MerchantId = MerchantId(0);
/// The fee when nobody set any: 0.60 % of the payment.
pub const DEFAULT_RATE: Rate = Rate(6_000);
/// Versions kept at most. One that was replaced goes when nothing paid under it can be refunded any more.
pub const VERSIONS_MAX: usize = 200;
/// How long a replaced version is kept: the longest time for refunds, 365 days (D8), and a month.
const KEPT: i64 = 395 * time::DAY;

/// A merchant's fee schedule, all its versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fees {
    /// Whose; [`PLATFORM`] for the default.
    pub merchant: MerchantId,
    /// Oldest first.
    pub versions: Vec<Version>,
    /// Newest journal line.
    pub journal: JournalId,
}

/// A rule with the payments it is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// From when on payments are charged by it.
    pub effective_from: Time,
    /// The product it is for; every product without a rule of its own when none.
    pub product: Option<Product>,
    /// The rule; none lets the platform's default hold again.
    pub rule: Option<Rule>,
}

impl Fees {
    /// A schedule of one plain rate for everything, from the beginning.
    #[must_use]
    pub fn plain(merchant: MerchantId, rate: Rate, journal: JournalId) -> Self {
        let version = Version { effective_from: Time(0), product: None, rule: Some(Rule::plain(rate)) };
        Self { merchant, versions: vec![version], journal }
    }
    const fn none(merchant: MerchantId, journal: JournalId) -> Self {
        Self { merchant, versions: Vec::new(), journal }
    }
    /// The rule for payments by `product` at `at`; none when the platform's default holds. A product's own rule
    /// goes before the one for all; of several versions the newest that is in force holds.
    #[must_use]
    pub fn at(&self, product: Product, at: Time) -> Option<&Rule> {
        let newest = |of: Option<Product>| {
            let in_force = |version: &&Version| version.product == of && version.effective_from <= at;
            self.versions.iter().rev().find(in_force).and_then(|version| version.rule.as_ref())
        };
        newest(Some(product)).or_else(|| newest(None))
    }
    /// Takes in a version, in order of time, and lets those go that can't matter any more.
    fn add(&mut self, new: Version, now: Time) {
        let later = |version: &Version| version.effective_from > new.effective_from;
        let place = self.versions.iter().position(later).unwrap_or(self.versions.len());
        self.versions.insert(place, new);
        let oldest = now.plus(-KEPT);
        let replaced = |at: usize| {
            let product = self.versions[at].product;
            self.versions[at + 1..]
                .iter()
                .any(|next| next.product == product && next.effective_from <= oldest)
        };
        let kept: Vec<bool> = (0..self.versions.len()).map(|at| !replaced(at)).collect();
        let mut kept = kept.into_iter();
        self.versions.retain(|_| kept.next().unwrap_or(true));
    }
}

/// A change of a schedule, as an operator asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewVersion {
    /// Whose; [`PLATFORM`] for the default.
    pub merchant: MerchantId,
    /// From when on; at once when none. Never in the past.
    pub effective_from: Option<Time>,
    /// The product it is for; every product without a rule of its own when none.
    pub product: Option<Product>,
    /// The rule; none lets the platform's default hold again.
    pub rule: Option<Rule>,
}

/// Adds a version to a schedule. The same version again changes nothing. Errors: `MerchantNotFound`, `FeeRule`
/// for a rule that contradicts itself, a time in the past or too many versions, `NotAllowed` when the platform's own
/// default for every product would be taken away.
pub(crate) fn set(new: &NewVersion, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    tx.expect::<Fees>(&new.merchant);
    if new.merchant == PLATFORM {
        if new.rule.is_none() && new.product.is_none() {
            return Err(Rejection::NotAllowed.into());
        }
    } else {
        tx.need::<Merchant>(&new.merchant, Rejection::MerchantNotFound(new.merchant))?;
    }
    if let Some(rule) = &new.rule {
        rule.check()?;
    }
    let effective_from = new.effective_from.unwrap_or(ctx.now);
    let known = tx.get::<Fees>(&new.merchant)?.cloned();
    let subject = if new.merchant == PLATFORM { Subject::Platform } else { Subject::Fees(new.merchant) };
    tx.about(subject, known.as_ref().map(|known| known.journal));
    let fees = known.unwrap_or_else(|| Fees::none(new.merchant, ctx.journal));
    let version = Version { effective_from, product: new.product, rule: new.rule.clone() };
    let same = |known: &&Version| known.product == new.product && known.effective_from <= effective_from;
    if fees.versions.iter().rev().find(same) == Some(&version) {
        return Ok(());
    }
    if effective_from < ctx.now {
        return Err(Rejection::FeeRule("it can't hold from a time that has passed".into()).into());
    }
    add(fees, version, ctx, tx)?;
    tx.note(describe(new, effective_from));
    Ok(())
}

/// Replaces the fee for everything without a rule of its own by a plain rate, from now on. Errors: as [`set`].
pub(crate) fn replace(merchant: MerchantId, rate: Rate, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    let rule = Rule::plain(rate);
    rule.check()?;
    let known = tx.get::<Fees>(&merchant)?.cloned();
    let fees = known.unwrap_or_else(|| Fees::none(merchant, ctx.journal));
    add(fees, Version { effective_from: ctx.now, product: None, rule: Some(rule) }, ctx, tx)
}

/// Adds a version to a schedule and keeps it. Errors: `FeeRule` for too many versions.
fn add(mut fees: Fees, version: Version, ctx: &Context, tx: &mut Tx<'_>) -> Result<(), Stop> {
    fees.add(version, ctx.now);
    if fees.versions.len() > VERSIONS_MAX {
        return Err(Rejection::FeeRule(format!("more than {VERSIONS_MAX} versions a year").into()).into());
    }
    tx.put(Fees { journal: ctx.journal, ..fees });
    Ok(())
}

fn describe(new: &NewVersion, from: Time) -> String {
    let product = new.product.map_or("every product".into(), |product| format!("{product:?}").to_lowercase());
    match &new.rule {
        None => format!("{product} from {from}: platform default"),
        Some(rule) => format!("{product} from {from}: {rule}"),
    }
}

/// Says that a merchant's schedule will be read soon, and the default with it.
pub(crate) fn expect(merchant: MerchantId, tx: &mut Tx<'_>) {
    tx.expect::<Fees>(&merchant);
}

/// Lets `read` see the rule by which a payment of `merchant` by `product` at `at` is charged.
fn with_rule<T>(
    merchant: MerchantId,
    product: Product,
    at: Time,
    tx: &mut Tx<'_>,
    read: impl Fn(&Rule) -> T,
) -> Result<T, Stop> {
    for owner in [merchant, PLATFORM] {
        if let Some(rule) = tx.get::<Fees>(&owner)?.and_then(|fees| fees.at(product, at)) {
            return Ok(read(rule));
        }
    }
    Ok(read(&Rule::plain(DEFAULT_RATE)))
}

/// The rule by which a payment of `merchant` by `product` at `at` was or is charged.
///
/// # Errors
/// [`Stop::Missing`].
pub fn in_force(merchant: MerchantId, product: Product, at: Time, tx: &mut Tx<'_>) -> Result<Rule, Stop> {
    with_rule(merchant, product, at, tx, Rule::clone)
}

/// The fee of a payment made now. Errors: none but [`Stop::Missing`].
pub(crate) fn of(
    merchant: MerchantId,
    product: Product,
    amount: Money,
    now: Time,
    tx: &mut Tx<'_>,
) -> Result<Money, Stop> {
    let minor = with_rule(merchant, product, now, tx, |rule| rule.fee(amount.minor, now))?;
    Ok(Money { minor, ..amount })
}

/// The fee that a payment would have, for previews: the merchant's own schedule before the platform's.
#[must_use]
pub fn preview(
    own: Option<&Fees>,
    platform: Option<&Fees>,
    product: Product,
    amount: Money,
    at: Time,
) -> (Money, Rule) {
    let found = [own, platform].into_iter().flatten().find_map(|fees| fees.at(product, at));
    let rule = found.cloned().unwrap_or_else(|| Rule::plain(DEFAULT_RATE));
    (Money { minor: rule.fee(amount.minor, at), ..amount }, rule)
}
