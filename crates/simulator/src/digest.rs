//! A number over every byte a store holds, to see whether two worlds came to the same end.

use crate::world::World;
use std::fmt::Debug;
use types::{Cursor, PageRequest, PayerId};

/// FNV-1a over 64 bits: enough to see a difference, and the same on every machine.
struct Sum(u64);

impl Sum {
    fn take(&mut self, row: &impl Debug) {
        for byte in format!("{row:?}\n").bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
    }
}

/// The sum of a text.
pub(crate) fn hash(text: &str) -> u64 {
    let mut sum = Sum(0xcbf2_9ce4_8422_2325);
    sum.take(&text);
    sum.0
}

/// The sum of a world's store: every record and every journal line, in order. 0 when it can't be read.
pub(crate) fn digest(world: &World) -> u64 {
    let mut sum = Sum(0xcbf2_9ce4_8422_2325);
    read(world, &mut sum).map_or(0, |()| sum.0)
}

fn read(world: &World, sum: &mut Sum) -> Result<(), engine::Fault> {
    let store = &*world.queries;
    sum.take(&store.merchants()?);
    sum.take(&store.limits()?);
    for merchant in store.merchants()? {
        for app in &merchant.apps {
            sum.take(&store.application(*app)?);
        }
    }
    for payer in 1..=world.town.payers.len() * usize::from(world.shards.count()) + 64 {
        let Some(payer) = store.payer(PayerId(i64::try_from(payer).unwrap_or(0)))? else { continue };
        sum.take(&store.payer_by_phone(payer.phone)?);
        sum.take(&payer);
        for card in store.cards(payer.id)? {
            sum.take(&store.usage(card.id.0)?);
            sum.take(&card);
        }
        sum.take(&store.usage(payer.id.0)?);
    }
    for code in world.books.codes.keys() {
        sum.take(&store.payment_code(*code)?);
    }
    store.each_account(&mut |row| sum.take(&row))?;
    store.each_transfer(&mut |row| sum.take(&row))?;
    store.each_order(&mut |row| sum.take(&row))?;
    store.each_combined(&mut |row| sum.take(&row))?;
    store.each_payment(&mut |row| sum.take(&row))?;
    store.each_notification(&mut |row| sum.take(&row))?;
    store.each_day(&mut |row| sum.take(&row))?;
    store.each_settlement(&mut |row| sum.take(&row))?;
    store.each_hold(&mut |row| sum.take(&row))?;
    store.each_payout(&mut |row| sum.take(&row))?;
    store.each_exception(&mut |row| sum.take(&row))?;
    let mut after: Option<Cursor> = None;
    loop {
        let page = store.journal(PageRequest::new(PageRequest::MAX, after))?;
        page.rows.iter().for_each(|row| sum.take(row));
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(()),
        }
    }
}
