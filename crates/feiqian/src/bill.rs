//! `feiqian bill`: bills of a day that is over as files, of one merchant or of all, also while the platform runs.

use crate::{cli, config::Config, database, home::Home};
use crypto::{MasterKey, Vault};
use engine::{Clock, SystemClock};
use flate2::read::GzDecoder;
use protocol::bill::ask::Bill;
use service::{
    Bills,
    bills::{BillFile, BillProblem, Bounds, Checked, Which},
};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};
use types::{BusinessDay, MerchantId, PageRequest, Time, time};

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
enum BillError {
    #[error("{0}: no master key here; name the data directory with --data")]
    NoKey(PathBuf),
    #[error("`{0}` is no day such as 2026-11-21")]
    Day(String),
    #[error("{0} exists already; nothing is overwritten, choose another name")]
    Exists(PathBuf),
    #[error("{path}: {error}")]
    Io { path: PathBuf, error: io::Error },
    #[error("{merchant}: {problem}")]
    Bill { merchant: MerchantId, problem: BillProblem },
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> BillError + '_ {
    move |error| BillError::Io { path: path.to_owned(), error }
}

/// The command. False when nothing happened that day.
pub(crate) fn run(options: &cli::BillOptions) -> Result<bool, Box<dyn std::error::Error>> {
    let home = Home::new(&options.data.data);
    let config = Config::load(&home, options.data.config.as_deref())?;
    let config = config.with_database(options.data.database.as_deref());
    let day = BusinessDay::parse(&options.date).ok_or_else(|| BillError::Day(options.date.clone()))?;
    let beside = options.to.parent().filter(|parent| !parent.as_os_str().is_empty());
    let (bills, _folder, now) = open(&home, &config, beside.unwrap_or(Path::new(".")))?;
    let bill = options.kind.bill();
    let mut out = io::stdout();
    let mut make = |merchant: MerchantId, to: &Path| match bills
        .make(Which { merchant, partner: None, bill, day }, now)
    {
        Ok(file) => {
            copy(&file, to)?;
            writeln!(out, "{}  {} rows, SHA-1 {}", to.display(), file.rows, file.hash).map_err(at(to))?;
            Ok(true)
        }
        Err(BillProblem::Nothing) => Ok(false),
        Err(problem) => Err(BillError::Bill { merchant, problem }),
    };
    let Some(mchid) = options.mchid else {
        fs::create_dir_all(&options.to).map_err(at(&options.to))?;
        let mut any = false;
        for merchant in bills.day(day, now)?.merchants() {
            any |= make(merchant, &options.to.join(format!("{merchant}-{day}-{}.csv", bill.name())))?;
        }
        return Ok(said(any, day));
    };
    Ok(said(make(MerchantId(mchid), &options.to)?, day))
}

/// The bills of a store, in a folder of their own beside others, and what time it is: a running platform works in DIR/bills.
fn open(
    home: &Home,
    config: &Config,
    beside: &Path,
) -> Result<(Bills, Folder, Time), Box<dyn std::error::Error>> {
    let key = config.master_key().unwrap_or_else(|| home.master_key());
    if !key.exists() {
        return Err(BillError::NoKey(key).into());
    }
    let master: MasterKey = home.load_master_key(Some(&key))?;
    let queries = database::snapshot(home, config)?;
    // A sandbox's clock may have been moved ahead of the machine's.
    let newest = queries.journal(PageRequest::new(1, None))?.rows.first().map(|line| line.at);
    let now = SystemClock.now().max(newest.unwrap_or_default());
    let folder = Folder::new(beside)?;
    let vault = Arc::new(Vault::new(1, &master));
    let bills = Bills::new(queries, vault, folder.0.clone(), Bounds { files: 8, ..Bounds::default() });
    Ok((bills, folder, now))
}

/// Holds the bills of a day against the ledger: of the last one that is drawn up when `day` is empty.
pub(crate) fn check(home: &Home, config: &Config, day: &str) -> Result<Checked, Box<dyn std::error::Error>> {
    let (bills, _folder, now) = open(home, config, home.path())?;
    let day = match day {
        "" => now.plus(-9 * time::HOUR).business_day().previous(),
        named => BusinessDay::parse(named).ok_or_else(|| BillError::Day(named.to_owned()))?,
    };
    Ok(bills.check(day, now)?)
}

fn said(any: bool, day: BusinessDay) -> bool {
    if !any {
        let _ = writeln!(io::stderr(), "feiqian: nothing of the kind happened on {day}");
    }
    any
}

/// Writes the bill, compressed when the name ends with `.gz`.
fn copy(file: &BillFile, to: &Path) -> Result<(), BillError> {
    if to.exists() {
        return Err(BillError::Exists(to.to_owned()));
    }
    let mut from = File::open(&file.path).map_err(at(&file.path))?;
    let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map_err(at(to))?;
    let copied = if to.extension().is_some_and(|end| end == "gz") {
        io::copy(&mut from, &mut out)
    } else {
        io::copy(&mut GzDecoder::new(io::BufReader::new(from)), &mut out)
    };
    copied.and_then(|_| out.sync_all()).map_err(at(to))
}

/// A folder that goes with its contents.
struct Folder(PathBuf);

impl Folder {
    fn new(beside: &Path) -> Result<Self, BillError> {
        let folder = beside.join(format!(".feiqian-bill-{}", std::process::id()));
        fs::create_dir_all(&folder).map_err(at(&folder))?;
        Ok(Self(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl cli::BillKind {
    fn bill(self) -> Bill {
        use protocol::bill::{fund, trade};
        match self {
            Self::TradeAll => Bill::Trade(trade::Kind::All),
            Self::TradeSuccess => Bill::Trade(trade::Kind::Success),
            Self::TradeRefund => Bill::Trade(trade::Kind::Refund),
            Self::FundBasic => Bill::Fund(fund::Account::Basic),
            Self::Sharing => Bill::Sharing,
        }
    }
}
