//! What an executor reads through.

use domain::{Key, Record};
use engine::{Fault, Loader};
use types::{MerchantId, Shard};

/// A loader that may fail this once, or take every order for one of its shard's.
pub(crate) struct Faulty<'a> {
    pub(crate) loader: &'a mut dyn Loader,
    pub(crate) fails: bool,
    pub(crate) takes: Option<Shard>,
}

impl Loader for Faulty<'_> {
    fn load(&mut self, keys: &[Key]) -> Result<Vec<Option<Record>>, Fault> {
        if self.fails {
            return Err(Fault::Failed("the disk does not read".into()));
        }
        let mut found = self.loader.load(keys)?;
        if let Some(shard) = self.takes {
            for record in found.iter_mut().flatten() {
                if let Record::Order(order) = record {
                    order.shard = shard;
                }
            }
        }
        Ok(found)
    }
    fn largest_number(&mut self, merchant: MerchantId) -> Result<Option<Box<str>>, Fault> {
        if self.fails {
            return Err(Fault::Failed("the disk does not read".into()));
        }
        self.loader.largest_number(merchant)
    }
}
