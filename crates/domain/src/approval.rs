//! Approvals: what is large or corrects the books is asked for by one person, the maker, and approved by others, the
//! checkers (R-FIN-53, R-FIN-68, R-FIN-69). Refunds, payouts and corrections wait for them.

use crate::{Context, Rejection, Tx, context::Actor};
use serde::{Deserialize, Serialize};
use types::{OperatorId, Time};

/// An approval by somebody other than the maker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// By whom.
    pub by: OperatorId,
    /// When.
    pub at: Time,
}

/// Approvals still missing of `needed`.
#[must_use]
pub fn missing(given: &[Approval], needed: u8) -> usize {
    usize::from(needed).saturating_sub(given.len())
}

/// Approvals that `fen` needs: none up to the first bound, one up to the second, two up to the third, three above it.
pub(crate) const fn needed(fen: i64, [automatic, two, three]: [i64; 3]) -> u8 {
    if fen <= automatic {
        0
    } else if fen <= two {
        1
    } else if fen <= three {
        2
    } else {
        3
    }
}

/// The person who asks. Errors: `NotAllowed` for anybody else.
pub(crate) fn person(ctx: &Context) -> Result<OperatorId, Rejection> {
    match ctx.caller.actor {
        Actor::Operator(id) => Ok(id),
        _ => Err(Rejection::NotAllowed),
    }
}

/// Refuses the maker as a checker, with `own`.
pub(crate) fn by_another(
    maker: Option<OperatorId>,
    checker: OperatorId,
    own: Rejection,
) -> Result<(), Rejection> {
    if maker == Some(checker) { Err(own) } else { Ok(()) }
}

/// Whether `checker` has approved already: nobody counts twice.
pub(crate) fn has_given(given: &[Approval], checker: OperatorId) -> bool {
    given.iter().any(|approval| approval.by == checker)
}

/// Adds an approval by `checker` and notes it. Gives whether it was the last one needed.
pub(crate) fn give(
    given: &mut Vec<Approval>,
    needed: u8,
    checker: OperatorId,
    ctx: &Context,
    tx: &mut Tx<'_>,
) -> bool {
    given.push(Approval { by: checker, at: ctx.now });
    tx.note(format!("approval {} of {needed}", given.len()));
    missing(given, needed) == 0
}
