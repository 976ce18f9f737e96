//! The largest order number of each merchant. Merchants' numbers ascend as a rule, since they begin with a date or
//! count: then a number beyond the largest is free, and the store need not be asked.
//!
//! It holds because numbers are taken in one shard only, by this executor: what the store holds when a merchant is
//! first asked about, and every number taken since.

use crate::store::{Fault, Loader};
use domain::Key;
use rustc_hash::FxHashMap;
use types::{MerchantId, Place};

/// Merchants remembered at most, some 10 MiB. The numbers of any more are looked up: to forget one would be wrong
/// while numbers of it wait to be committed.
const MERCHANTS_MAX: usize = 100_000;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct LargestNumbers(FxHashMap<MerchantId, Box<str>>);

impl LargestNumbers {
    /// Whether nothing stands under a number, for sure and without asking the store.
    pub(crate) fn is_free(&self, merchant: MerchantId, number: &str, place: Place) -> bool {
        place.shards.of_number(merchant, number) == place.shard
            && self.0.get(&merchant).is_some_and(|largest| number > &**largest)
    }
    /// Asks the store for the merchants of these keys that are not known yet. To be called before any number of them
    /// is taken, so at every load.
    pub(crate) fn learn(&mut self, keys: &[Key], loader: &mut dyn Loader) -> Result<(), Fault> {
        for key in keys {
            let Key::OrderNumber((merchant, _)) = key else { continue };
            if self.0.len() < MERCHANTS_MAX && !self.0.contains_key(merchant) {
                self.0.insert(*merchant, loader.largest_number(*merchant)?.unwrap_or_default());
            }
        }
        Ok(())
    }
    /// Hears of a number taken.
    pub(crate) fn take(&mut self, merchant: MerchantId, number: &str) {
        if let Some(largest) = self.0.get_mut(&merchant)
            && number > &**largest
        {
            *largest = number.into();
        }
    }
}
