//! Balances of merchants' accounts at an instant: their counters without what has moved since. One statement, so one
//! moment's state; it reads the transfers since then and, of older ones, those voided since.

use engine::Fault;
use ledger::{AccountId, AccountKind};

/// The statement. Its parameters are the first id that can be made at the instant, and the instant. A hold counts as if
/// it were posted; what a voided hold of before brought back is taken off. The two transfers by which money crosses shards
/// have neighbouring ids, so they are both before the instant or both after it, and what is on its way now is where it was.
pub(crate) fn sql([first, at]: [&str; 2]) -> String {
    let own: Vec<String> = AccountKind::ALL
        .into_iter()
        .filter(|kind| kind.is_merchants_own())
        .map(|kind| (kind as i64).to_string())
        .collect();
    let own = own.join(", ");
    let moved = |name: &str, side: &str, which: &str| {
        format!(
            "LEFT JOIN (SELECT {side} AS id, sum(amount) AS moved FROM transfers
                        WHERE {which} AND ({side} >> 56) IN ({own})
                        GROUP BY {side}) AS {name}
             ON {name}.id = accounts.id"
        )
    };
    let (since, voided) =
        (format!("id >= {first} AND state <> 2"), format!("state = 2 AND at >= {at} AND id < {first}"));
    format!(
        "SELECT accounts.id, CAST(credits_posted + credits_pending - debits_posted - debits_pending
                                  - coalesce(came.moved, 0) + coalesce(gone.moved, 0)
                                  + coalesce(uncame.moved, 0) - coalesce(ungone.moved, 0) AS BIGINT)
         FROM accounts {} {} {} {} WHERE (accounts.id >> 56) IN ({own}) ORDER BY accounts.id",
        moved("came", "credit", &since),
        moved("gone", "debit", &since),
        moved("uncame", "credit", &voided),
        moved("ungone", "debit", &voided)
    )
}

/// An answer's row.
pub(crate) fn read(id: i64, balance: i64) -> Result<(AccountId, i64), Fault> {
    let account = AccountId::from_stored(id);
    let account = account.ok_or_else(|| Fault::Failed(format!("table accounts: {id} is no account id")))?;
    Ok((account, balance))
}
