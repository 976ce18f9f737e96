//! The largest order numbers of each merchant. Merchants' numbers ascend as a rule, since they begin with a date or
//! count: then a number beyond the largest is free, and the store need not be asked. They come a little out of order
//! where a merchant has several tills or servers, or this platform several nodes. So the last ones taken are remembered
//! one by one, and what lies among them and is none of them is free, too.
//!
//! It holds because numbers are taken in one shard only, by this executor: what the store holds when a merchant is
//! first asked about, and every number taken since.

use crate::store::{Fault, Loader};
use domain::Key;
use rustc_hash::FxHashMap;
use std::{cmp::Ordering, collections::VecDeque};
use types::{MerchantId, Place};

/// Merchants remembered at most, some 10 MiB. The numbers of any more are looked up: to forget one would be wrong
/// while numbers of it wait to be committed.
const MERCHANTS_MAX: usize = 100_000;
/// Numbers of one merchant remembered one by one at most: what a large one takes in a tenth of a second.
const LATEST_MAX: usize = 256;
/// Numbers of all merchants remembered one by one at most, some 25 MiB. From there on, whoever takes another has its
/// smallest forgotten.
const LATEST_OF_ALL_MAX: usize = 500_000;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct LargestNumbers {
    merchants: FxHashMap<MerchantId, Numbers>,
    /// Numbers remembered one by one.
    latest: usize,
}

/// What is known of one merchant's numbers.
#[derive(Debug)]
struct Numbers {
    /// Above it only `latest` are taken.
    floor: Box<str>,
    /// The last ones taken, ascending.
    latest: VecDeque<Box<str>>,
}

impl Numbers {
    /// Where in `latest` a number stands, or would. Looked for from the end, in steps that double: most come behind all
    /// others or a few places before.
    fn find(&self, number: &str) -> Result<usize, usize> {
        let length = self.latest.len();
        let mut step = 1;
        while step <= length && *self.latest[length - step] > *number {
            step *= 2;
        }
        // From `high` on all are larger, and before `low` none is.
        let (mut low, mut high) = (length.saturating_sub(step), length - step / 2);
        while low < high {
            let middle = low.midpoint(high);
            match (*self.latest[middle]).cmp(number) {
                Ordering::Less => low = middle + 1,
                Ordering::Equal => return Ok(middle),
                Ordering::Greater => high = middle,
            }
        }
        Err(low)
    }
}

impl LargestNumbers {
    /// Whether nothing stands under a number, for sure and without asking the store.
    pub(crate) fn is_free(&self, merchant: MerchantId, number: &str, place: Place) -> bool {
        place.shards.of_number(merchant, number) == place.shard
            && self
                .merchants
                .get(&merchant)
                .is_some_and(|known| number > &*known.floor && known.find(number).is_err())
    }
    /// Asks the store for the merchants of these keys that are not known yet. To be called before any number of them
    /// is taken, so at every load.
    pub(crate) fn learn(&mut self, keys: &[Key], loader: &mut dyn Loader) -> Result<(), Fault> {
        for key in keys {
            let Key::OrderNumber((merchant, _)) = key else { continue };
            if self.merchants.len() < MERCHANTS_MAX && !self.merchants.contains_key(merchant) {
                let floor = loader.largest_number(*merchant)?.unwrap_or_default();
                self.merchants.insert(*merchant, Numbers { floor, latest: VecDeque::new() });
            }
        }
        Ok(())
    }
    /// Hears of a number taken.
    pub(crate) fn take(&mut self, merchant: MerchantId, number: &str) {
        let Some(known) = self.merchants.get_mut(&merchant).filter(|known| number > &*known.floor) else {
            return;
        };
        let Err(place) = known.find(number) else { return };
        known.latest.insert(place, number.into());
        self.latest += 1;
        while known.latest.len() > LATEST_MAX || self.latest > LATEST_OF_ALL_MAX {
            let Some(smallest) = known.latest.pop_front() else { return };
            known.floor = smallest;
            self.latest -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Record;

    const MERCHANT: MerchantId = MerchantId(1_900_000_001);

    /// A store that knows one number of each merchant.
    struct Knows(&'static str);

    impl Loader for Knows {
        fn load(&mut self, keys: &[Key]) -> Result<Vec<Option<Record>>, Fault> {
            Ok(vec![None; keys.len()])
        }
        fn largest_number(&mut self, _merchant: MerchantId) -> Result<Option<Box<str>>, Fault> {
            Ok(Some(self.0.into()))
        }
    }

    fn knowing(number: &'static str) -> LargestNumbers {
        let mut numbers = LargestNumbers::default();
        numbers.learn(&[Key::OrderNumber((MERCHANT, "".into()))], &mut Knows(number)).unwrap();
        numbers
    }

    fn is_free(numbers: &LargestNumbers, number: &str) -> bool {
        numbers.is_free(MERCHANT, number, Place::ONLY)
    }

    #[test]
    fn among_the_latest_numbers_what_is_not_taken_is_free() {
        let mut numbers = knowing("100");
        for number in ["105", "103", "109", "103"] {
            numbers.take(MERCHANT, number);
        }
        for (number, free) in
            [("099", false), ("100", false), ("101", true), ("103", false), ("104", true), ("105", false)]
        {
            assert_eq!(is_free(&numbers, number), free, "{number}");
        }
        assert!(!is_free(&numbers, "109") && is_free(&numbers, "110") && is_free(&numbers, "1030"));
        assert_eq!(numbers.latest, 3, "one that was taken before counts once");
        assert!(!numbers.is_free(MerchantId(1), "110", Place::ONLY), "nothing is known of this one");
    }

    #[test]
    fn every_place_is_found() {
        for length in 0..40_usize {
            let latest = (0..length).map(|place| format!("{:03}", 2 * place + 1).into()).collect();
            let known = Numbers { floor: "".into(), latest };
            for number in 0..=2 * length {
                let expected = if number % 2 == 1 { Ok(number / 2) } else { Err(number / 2) };
                assert_eq!(known.find(&format!("{number:03}")), expected, "{number} among {length}");
            }
        }
    }

    #[test]
    fn what_is_forgotten_is_not_taken_for_free() {
        let mut numbers = knowing("0");
        // Downwards first: the smallest are the ones that are forgotten, not the oldest.
        for number in (1000..1000 + LATEST_MAX).rev() {
            numbers.take(MERCHANT, &number.to_string());
        }
        assert!(is_free(&numbers, "0999"), "nothing is forgotten yet");
        numbers.take(MERCHANT, "5000");
        assert!(!is_free(&numbers, "0999") && !is_free(&numbers, "1000"), "below what is forgotten");
        assert!(!is_free(&numbers, "1001") && is_free(&numbers, "1001-a"));
        assert_eq!(numbers.latest, LATEST_MAX);
    }

    #[test]
    fn where_too_many_are_remembered_only_the_largest_is() {
        let mut numbers = knowing("0");
        numbers.latest = LATEST_OF_ALL_MAX;
        numbers.take(MERCHANT, "7");
        assert_eq!(numbers.latest, LATEST_OF_ALL_MAX);
        assert!(!is_free(&numbers, "6") && !is_free(&numbers, "7") && is_free(&numbers, "8"));
        numbers.take(MERCHANT, "5");
        assert!(!is_free(&numbers, "6"), "a smaller one changes nothing");
    }
}
