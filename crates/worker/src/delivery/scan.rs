//! The scan of what is due: everybody's turn comes, whatever lies in front.
//!
//! A dead merchant can have thousands of due rows, all earlier than anybody else's. Two looks, each bounded:
//! the first steps over merchants whose lanes turned out to be full, so that all others are reached in the same
//! second; the second walks through all rows a page at a time, so that a merchant's own second host is reached
//! behind the first one's backlog, too.

use super::{Delivery, lanes::Offer};
use domain::notification::Notification;
use engine::Fault;
use std::collections::HashMap;
use types::{MerchantId, NotificationId, Time};

/// Rows of a merchant that find their lane full before the rest of its rows is stepped over.
const FULL_MAX: usize = 16;
/// Merchants stepped over at most.
const EXCEPT_MAX: usize = 400;

/// Where the second look goes on.
#[derive(Debug, Default)]
pub(super) struct Walk {
    past: Option<(Time, NotificationId)>,
}

impl Walk {
    /// Offers what is due. Blocks for milliseconds.
    pub(super) fn scan(&mut self, delivery: &Delivery) -> Result<(), Fault> {
        let now = delivery.service.now();
        if first_look(delivery, now)? {
            self.second_look(delivery, now)?;
        } else {
            self.past = None;
        }
        Ok(())
    }

    fn second_look(&mut self, delivery: &Delivery, now: Time) -> Result<(), Fault> {
        let page = delivery.setup.scan_page;
        let rows = delivery.due_past(now, self.past, &[], page)?;
        for row in &rows {
            if delivery.offer(row)? == Offer::Full {
                return Ok(());
            }
            self.past = place(row);
        }
        if rows.len() < page {
            self.past = None;
        }
        Ok(())
    }
}

impl Delivery {
    /// What is due in the shards that this node owns.
    fn due_past(
        &self,
        now: Time,
        past: Option<(Time, NotificationId)>,
        except: &[MerchantId],
        page: usize,
    ) -> Result<Vec<Notification>, Fault> {
        let Self { service, .. } = self;
        service.queries.due_notifications_past(service.engine.owned(), now, past, except, page)
    }
}

/// True when something was left out because its lane was full.
fn first_look(delivery: &Delivery, now: Time) -> Result<bool, Fault> {
    let mut full: HashMap<MerchantId, usize> = HashMap::new();
    let mut except: Vec<MerchantId> = Vec::new();
    let mut past = None;
    let page = delivery.setup.scan_page;
    for _ in 0..delivery.setup.scan_pages {
        let rows = delivery.due_past(now, past, &except, page)?;
        for row in &rows {
            if except.contains(&row.merchant) {
                continue;
            }
            match delivery.offer(row)? {
                Offer::Full => return Ok(true),
                Offer::Taken | Offer::Known => {}
                Offer::HostFull => {
                    let rows = full.entry(row.merchant).or_default();
                    *rows += 1;
                    if *rows >= FULL_MAX && except.len() < EXCEPT_MAX {
                        except.push(row.merchant);
                    }
                }
            }
        }
        past = rows.last().and_then(place);
        if rows.len() < page {
            break;
        }
    }
    Ok(!full.is_empty())
}

/// Where a row stands among the due ones.
fn place(row: &Notification) -> Option<(Time, NotificationId)> {
    row.next_at.map(|at| (at, row.id))
}
