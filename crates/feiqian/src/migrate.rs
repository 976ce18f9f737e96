//! `feiqian migrate`: shows which schema a store has, and brings it to this version's.

use crate::{cli, home::Home};
use std::io::{self, Write};

/// The command. With `--check` false when the store has another schema than this version's.
pub(crate) fn run(options: &cli::Migrate) -> Result<bool, Box<dyn std::error::Error>> {
    let home = Home::new(&options.data);
    let store = home.store();
    if !store.exists() {
        let place = store.display();
        let text = "no store here; name the data directory with --data. A store on PostgreSQL is brought up by serve";
        return Err(format!("{place}: {text}").into());
    }
    let before = store::sqlite_standing(&store)?;
    let mut out = io::stdout();
    writeln!(out, "{}: schema {}, this version knows {}", store.display(), before.schema, before.known)?;
    if options.check {
        let next = match before.schema.cmp(&before.known) {
            std::cmp::Ordering::Less => "next: take a backup, then run feiqian migrate or feiqian serve",
            std::cmp::Ordering::Equal => "nothing to do",
            std::cmp::Ordering::Greater => "next: use a newer feiqian; a store is never brought back",
        };
        writeln!(out, "{next}")?;
        return Ok(before.schema == before.known);
    }
    let _lock = home.lock()?;
    let after = store::sqlite_migrate(&store)?;
    if after.schema == before.schema {
        writeln!(out, "nothing to do")?;
    } else {
        writeln!(out, "brought from schema {} to {}", before.schema, after.schema)?;
        writeln!(out, "next: feiqian prove --data {}", home.path().display())?;
    }
    Ok(true)
}
