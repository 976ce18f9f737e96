//! A header held against the declared columns.

use crate::fault::quoted;

/// Says what is wrong with `found` when `declared` was promised; `None` when nothing is.
///
/// Columns are compared by name and place: a file whose columns only moved is still another format, and who
/// changed it should say so before money is matched by it.
///
/// ```
/// let drift = |found: &[&str]| intake::header::drift(&["日期", "金额", "状态"], found);
/// assert_eq!(drift(&["日期", "金额", "状态"]), None);
/// assert_eq!(drift(&["日期", "金额"]).unwrap(), "2 columns instead of 3: missing `状态`");
/// assert_eq!(drift(&["日期", "数额", "状态"]).unwrap(), "column 2 is `数额` instead of `金额`");
/// assert_eq!(drift(&["金额", "日期", "状态"]).unwrap(), "order differs: column 1 is `金额` instead of `日期`, column 2 is `日期` instead of `金额`");
/// ```
#[must_use]
pub fn drift<D: AsRef<str>, F: AsRef<str>>(declared: &[D], found: &[F]) -> Option<String> {
    let declared: Vec<&str> = declared.iter().map(AsRef::as_ref).collect();
    let found: Vec<&str> = found.iter().map(AsRef::as_ref).collect();
    if declared == found {
        return None;
    }
    if let Some(name) =
        found.iter().enumerate().find(|(at, name)| found[..*at].contains(name)).map(|(_, n)| n)
    {
        return Some(format!("column {} appears twice", quoted(name)));
    }
    let missing: Vec<String> = declared.iter().filter(|d| !found.contains(d)).map(|d| quoted(d)).collect();
    let fresh: Vec<String> = found.iter().filter(|f| !declared.contains(f)).map(|f| quoted(f)).collect();
    let moved = || {
        let pairs = declared.iter().zip(&found).enumerate().filter(|(_, (d, f))| d != f);
        let told =
            pairs.map(|(at, (d, f))| format!("column {} is {} instead of {}", at + 1, quoted(f), quoted(d)));
        told.take(5).collect::<Vec<_>>().join(", ")
    };
    if declared.len() == found.len() {
        // As many columns: the same names moved, or some were renamed.
        let order = if missing.is_empty() { "order differs: " } else { "" };
        return Some(format!("{order}{}", moved()));
    }
    let mut told = format!("{} columns instead of {}", found.len(), declared.len());
    for (what, names) in [("missing", missing), ("not declared", fresh)] {
        if !names.is_empty() {
            told.push_str(&format!(
                "{} {what} {}",
                if told.contains(':') { ";" } else { ":" },
                names.join(", ")
            ));
        }
    }
    Some(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_drift_is_told() {
        let declared = ["a", "b", "c"];
        for (found, told) in [
            (&["a", "b", "c", "d"][..], "4 columns instead of 3: not declared `d`"),
            (&["a", "x"], "2 columns instead of 3: missing `b`, `c`; not declared `x`"),
            (&["a", "b", "b"], "column `b` appears twice"),
            (&[""], "1 columns instead of 3: missing `a`, `b`, `c`; not declared ``"),
            (&["a", "b ", "c"], "column 2 is `b ` instead of `b`"),
        ] {
            assert_eq!(drift(&declared, found).as_deref(), Some(told));
        }
    }
}
