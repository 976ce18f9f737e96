//! What became of the payments that callers were told of.

use super::{Error, load::Acknowledged};
use crate::sandbox::MERCHANT;
use domain::order::OrderState;
use engine::Queries;
use serde::Serialize;
use std::path::Path;

/// Losses and failures that are listed by name.
const LISTED_MAX: usize = 20;

/// A verdict over a store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Verdict {
    /// Payments that callers were told of.
    pub(super) acknowledged: usize,
    /// How many of them are not there.
    pub(super) lost: usize,
    /// Numbers of the first of those.
    pub(super) lost_orders: Vec<String>,
    /// Invariants of money that do not hold.
    pub(super) failures: Vec<String>,
}

impl Verdict {
    pub(super) fn passed(&self) -> bool {
        self.lost == 0 && self.failures.is_empty()
    }
}

/// Looks at one state of the store for every payment in `paid`, and proves the books.
pub(super) fn judge(store: &Path, paid: &[Acknowledged]) -> Result<Verdict, Error> {
    let queries = store::sqlite_snapshot(store)?;
    let mut verdict = missing(&*queries, paid)?;
    let proof = engine::prove::prove(&*queries)?;
    verdict.failures.extend(proof.failures.iter().take(LISTED_MAX).map(ToString::to_string));
    Ok(verdict)
}

fn missing(queries: &dyn Queries, paid: &[Acknowledged]) -> Result<Verdict, Error> {
    let mut verdict = Verdict { acknowledged: paid.len(), ..Verdict::default() };
    for payment in paid {
        let order = queries.order_by_number(MERCHANT, &payment.number)?;
        if order.is_none_or(|order| order.state != OrderState::Paid) {
            verdict.lost += 1;
            if verdict.lost_orders.len() < LISTED_MAX {
                verdict.lost_orders.push(payment.number.clone());
            }
        }
    }
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn a_payment_that_is_not_there_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("feiqian.db");
        drop(store::sqlite(&path, store::Options::default()).unwrap());
        let paid = [Acknowledged { number: "GONE-1".into(), began: Instant::now(), told: Instant::now() }];
        let verdict = judge(&path, &paid).unwrap();
        assert_eq!((verdict.lost, verdict.lost_orders.as_slice()), (1, ["GONE-1".to_owned()].as_slice()));
        assert!(!verdict.passed());
        assert!(judge(&path, &[]).unwrap().passed());
    }
}
