//! The journal row: one JSON array a batch, one array a command, so that a batch costs one row.

use domain::JournalLine;
use engine::query::JournalRow;
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
        let _ = write!(out, ",\"{}\",\"{}\",\"{}\",", line.command, line.subject, line.outcome);
        text(line.note.as_deref(), out);
        match line.previous {
            Some(previous) => {
                let _ = write!(out, ",{}]", previous.0);
            }
            None => out.push_str(",null]"),
        }
    }
    out.push(']');
}

fn text(text: Option<&str>, out: &mut String) {
    match text {
        None => out.push_str("null"),
        Some(text) => out.push_str(&serde_json::to_string(text).unwrap_or_else(|_| "null".into())),
    }
}

type Line =
    (i64, String, Option<String>, Option<String>, String, String, String, Option<String>, Option<i64>);

/// Reads the lines of a shard's batch back, oldest first.
pub(crate) fn read(shard: Shard, batch: i64, at: i64, lines: &str) -> Result<Vec<JournalRow>, String> {
    let lines: Vec<Line> =
        serde_json::from_str(lines).map_err(|error| format!("journal batch {batch}: {error}"))?;
    let rows = lines.into_iter().zip(0_i64..).map(|(line, place)| {
        let (after, actor, address, device, command, subject, outcome, note, previous) = line;
        let id = JournalId::new(shard, batch, place);
        let (at, previous) = (Time(at + after), previous.map(JournalId));
        JournalRow { id, at, actor, address, device, command, subject, outcome, note, previous }
    });
    Ok(rows.collect())
}
