//! The journal row: one JSON array a batch, one array a command, so that a batch costs one row. A line ends where
//! nothing but nulls would follow; builds before wrote those, too.

use domain::JournalLine;
use engine::query::JournalRow;
use serde::Deserialize;
use types::{JournalId, Shard, Time};

/// Writes the lines of a batch made at `at`.
pub(crate) fn write(lines: &[JournalLine], at: Time, out: &mut String) {
    use std::fmt::Write;
    out.push('[');
    for (place, line) in lines.iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        let caller = &line.caller;
        // Writing to a String does not fail.
        let _ = write!(out, "[{},\"{}\",", line.at.since(at), caller.actor);
        match caller.address {
            Some(address) => {
                let _ = write!(out, "\"{address}\",");
            }
            None => out.push_str("null,"),
        }
        text(caller.device.as_deref(), out);
        let _ = write!(out, ",\"{}\",\"{}\",\"{}\"", line.command, line.subject, line.outcome);
        if line.note.is_some() || line.previous.is_some() {
            out.push(',');
            text(line.note.as_deref(), out);
        }
        if let Some(previous) = line.previous {
            let _ = write!(out, ",{}", previous.0);
        }
        out.push(']');
    }
    out.push(']');
}

fn text(text: Option<&str>, out: &mut String) {
    match text {
        None => out.push_str("null"),
        Some(text) => out.push_str(&serde_json::to_string(text).unwrap_or_else(|_| "null".into())),
    }
}

/// A line as it is stored: an array of these, in this order.
#[derive(Deserialize)]
struct Line {
    /// Microseconds from the batch's time, or before it.
    after: i64,
    actor: String,
    address: Option<String>,
    device: Option<String>,
    command: String,
    subject: String,
    outcome: String,
    #[serde(default)]
    note: Option<String>,
    #[serde(default)]
    previous: Option<i64>,
}

/// Reads the lines of a shard's batch back, oldest first.
pub(crate) fn read(shard: Shard, batch: i64, at: i64, lines: &str) -> Result<Vec<JournalRow>, String> {
    let lines: Vec<Line> =
        serde_json::from_str(lines).map_err(|error| format!("journal batch {batch}: {error}"))?;
    let rows = lines.into_iter().zip(0_i64..).map(|(line, place)| {
        let Line { after, actor, address, device, command, subject, outcome, note, previous } = line;
        let id = JournalId::new(shard, batch, place);
        let (at, previous) = (Time(at + after), previous.map(JournalId));
        JournalRow { id, at, actor, address, device, command, subject, outcome, note, previous }
    });
    Ok(rows.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Subject;
    use types::OrderId;

    const BATCH: i64 = 7;
    const AT: i64 = 1_000;

    fn line(note: Option<&str>, previous: Option<i64>) -> JournalLine {
        let previous = previous.map(JournalId);
        let note = note.map(Into::into);
        let caller = domain::Caller::platform();
        let (command, subject, outcome) = ("pay_order", Subject::Order(OrderId(5)), "ok");
        let id = JournalId::new(Shard::FIRST, BATCH, 0);
        JournalLine { id, at: Time(AT - 3), caller, command, subject, outcome, note, previous }
    }

    /// Every line comes back as it was, whatever it ends in, and takes no bytes for what it does not say.
    #[test]
    fn a_line_ends_where_nothing_follows() {
        let lines = [
            line(None, None),
            line(Some("a \"note\""), None),
            line(None, Some(41)),
            line(Some("both"), Some(42)),
        ];
        let mut text = String::new();
        write(&lines, Time(AT), &mut text);
        let head = "[-3,\"platform\",null,null,\"pay_order\",\"order:5\",\"ok\"";
        let ends = ["]", ",\"a \\\"note\\\"\"]", ",null,41]", ",\"both\",42]"];
        assert_eq!(text, format!("[{}]", ends.map(|end| format!("{head}{end}")).join(",")));
        let rows = read(Shard::FIRST, BATCH, AT, &text).expect("what was written");
        assert_eq!(rows.len(), lines.len());
        for ((row, line), place) in rows.iter().zip(&lines).zip(0..) {
            assert_eq!(row.id, JournalId::new(Shard::FIRST, BATCH, place));
            assert_eq!(
                (row.at, row.note.as_deref(), row.previous),
                (line.at, line.note.as_deref(), line.previous)
            );
            assert_eq!(
                (row.actor.as_str(), row.subject.as_str(), row.outcome.as_str()),
                ("platform", "order:5", "ok")
            );
        }
    }

    /// Builds before wrote every place.
    #[test]
    fn a_line_with_nulls_at_its_end_is_read() {
        let text = "[[0,\"platform\",\"127.0.0.1\",\"till\",\"pay_order\",\"order:5\",\"ok\",null,null]]";
        let rows = read(Shard::FIRST, BATCH, AT, text).expect("as before");
        assert_eq!(rows.len(), 1);
        assert_eq!((&rows[0].note, rows[0].previous), (&None, None));
        assert_eq!(
            (rows[0].address.as_deref(), rows[0].device.as_deref()),
            (Some("127.0.0.1"), Some("till"))
        );
        for broken in ["[[0]]", "[[0,\"platform\",null,null,\"pay_order\",\"order:5\",\"ok\",null,null,1]]"] {
            assert!(read(Shard::FIRST, BATCH, AT, broken).is_err(), "{broken}");
        }
    }
}
