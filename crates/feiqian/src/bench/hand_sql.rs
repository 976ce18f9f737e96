//! The same payment as SQL written by hand, run by PostgreSQL's own `pgbench` on the same database in the same
//! run: as several statements, as one statement, as one function call.

use super::machine::machine_cpu_us;
use serde::Serialize;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// One way to write it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct HandSql {
    /// `function`, `cte` or `statements`.
    pub(crate) way: &'static str,
    /// Clients at once.
    pub(crate) clients: usize,
    /// Payments a second, durable.
    pub(crate) payments_per_s: u64,
    /// CPU of the whole machine a payment.
    pub(crate) machine_cpu_us_per_payment: u64,
}

const CLIENTS: usize = 32;
const SCHEMA: &str = include_str!("sql/schema.sql");
const WAYS: [(&str, &str); 3] = [
    ("function", include_str!("sql/function.sql")),
    ("cte", include_str!("sql/cte.sql")),
    ("statements", include_str!("sql/statements.sql")),
];

/// A program of PostgreSQL's: in the path, or where Debian keeps it.
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    if let Ok(versions) = fs::read_dir("/usr/lib/postgresql") {
        folders.extend(versions.flatten().map(|version| version.path().join("bin")));
    }
    folders.into_iter().map(|folder| folder.join(name)).find(|path| path.exists())
}

/// Runs each way for `seconds` on the database at `url`; nothing when `pgbench` is not installed. The tables are in
/// a schema of their own, `feiqian_bench`, which is dropped at the end.
pub(crate) fn run(
    url: &str,
    folder: &Path,
    seconds: u64,
) -> Result<Vec<HandSql>, Box<dyn std::error::Error>> {
    let (Some(pgbench), Some(psql)) = (program("pgbench"), program("psql")) else { return Ok(Vec::new()) };
    let sql = |text: &str| -> Result<(), Box<dyn std::error::Error>> {
        let file = folder.join("schema.sql");
        fs::write(&file, text)?;
        let made = Command::new(&psql)
            .arg(url)
            .args(["-q", "-X", "-v", "ON_ERROR_STOP=1", "-f"])
            .arg(&file)
            .output()?;
        if made.status.success() {
            return Ok(());
        }
        Err(format!("psql: {}", String::from_utf8_lossy(&made.stderr).trim()).into())
    };
    let mut all = Vec::new();
    for (way, script) in WAYS {
        sql(SCHEMA)?;
        let file = folder.join(format!("{way}.sql"));
        fs::write(&file, script)?;
        let cpu = machine_cpu_us();
        let ran = Command::new(&pgbench)
            .args([
                "-n",
                "-M",
                "prepared",
                "-c",
                &CLIENTS.to_string(),
                "-j",
                "2",
                "-T",
                &seconds.to_string(),
                "-f",
            ])
            .arg(&file)
            .arg(url)
            .output()?;
        let cpu = machine_cpu_us() - cpu;
        let text = String::from_utf8_lossy(&ran.stdout);
        let number = |head: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(head))?;
            line.split(|c: char| !c.is_ascii_digit()).next()?.parse::<u64>().ok()
        };
        let (Some(payments_per_s), Some(payments)) =
            (number("tps = "), number("number of transactions actually processed: "))
        else {
            return Err(format!("pgbench: {}", String::from_utf8_lossy(&ran.stderr).trim()).into());
        };
        let machine_cpu_us_per_payment = cpu / payments.max(1);
        all.push(HandSql { way, clients: CLIENTS, payments_per_s, machine_cpu_us_per_payment });
    }
    sql("DROP SCHEMA feiqian_bench CASCADE;")?;
    Ok(all)
}
