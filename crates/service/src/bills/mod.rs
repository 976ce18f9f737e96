//! Bills: made from the store when first asked for, kept as files, the same bytes however often they are made.
//!
//! | Module | Noun |
//! | --- | --- |
//! | `day` | a day's transfers sorted by merchant, in one file, written in one pass |
//! | `make` | a merchant's bill out of its day |
//! | `shared` | the same, of profit sharing |
//! | `check` | bills read back and held against the ledger |
//! | `files` | the folder in which both are kept, and its bounds |
//! | `pieces` | a bill cut for sending it encrypted |
//!
//! Merchants' edges, exports and the command line use the same code. It reads committed records and writes nothing
//! but the folder, which can be deleted at any time.

mod check;
mod day;
mod files;
mod make;
mod pieces;
mod shared;

pub use check::Checked;
pub use day::{Day, DayError, Flow};
pub use files::{BillFile, Bounds, Which};
pub use pieces::{PIECE_BYTES, piece, piece_hashes};

use crypto::{Checksum, Vault};
use engine::Queries;
use files::Files;
use flate2::{Compression, write::GzEncoder};
use make::{DRAWN_UP, Made};
use protocol::bill::ask::DAYS_KEPT;
use std::{
    collections::{HashMap, HashSet},
    fs::File,
    io::{self, BufWriter, Write},
    path::PathBuf,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::Duration,
};
use tokio::sync::watch;
use types::{BusinessDay, Time, time};

/// Bills under way and waiting at once; one more is refused.
const WAITING_MAX: usize = 256;
/// Bills made at once.
const MAKING_MAX: usize = 2;
/// When merchants can fetch the bills of a day, after the day's start: 10:00 of the next day (wire §6).
pub const READY: i64 = time::DAY + 10 * time::HOUR;
/// Pieces of a bill that wait to be compressed.
const PIECES_MAX: usize = 4;
/// How hard files are compressed: bills are long and regular, and are made while somebody waits.
const LEVEL: u32 = 1;

/// Why there is no bill.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BillProblem {
    /// Nothing of the kind happened that day.
    #[error("nothing happened that day")]
    Nothing,
    /// It is not time yet, or the bill is being made and takes longer than the caller waits.
    #[error("the bill is not ready; it can be fetched from {0} on")]
    Early(Time),
    /// It is being made and takes longer than the caller waits.
    #[error("the bill is being made")]
    Making,
    /// Of a day that is not over, or too long ago.
    #[error("bills are kept for {DAYS_KEPT} days, to yesterday")]
    Day,
    /// Too many bills are being made.
    #[error("too many bills are being made")]
    Busy,
    /// It could not be made.
    #[error("the bill could not be made: {0}")]
    Failed(Arc<str>),
}

impl From<DayError> for BillProblem {
    fn from(error: DayError) -> Self {
        Self::Failed(error.to_string().into())
    }
}

impl From<io::Error> for BillProblem {
    fn from(error: io::Error) -> Self {
        Self::Failed(error.to_string().into())
    }
}

type Outcome = Result<BillFile, BillProblem>;

/// Makes and keeps bills. One per process.
#[derive(Clone)]
pub struct Bills(Arc<Inside>);

struct Inside {
    queries: Arc<dyn Queries>,
    vault: Arc<Vault>,
    files: Files,
    /// Days whose files are being written.
    days: Mutex<HashSet<BusinessDay>>,
    day_done: Condvar,
    making: Mutex<HashMap<Which, watch::Receiver<Option<Outcome>>>>,
    places: Arc<tokio::sync::Semaphore>,
}

impl std::fmt::Debug for Bills {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Bills")
    }
}

impl Bills {
    /// Bills of a store, kept in `folder`.
    #[must_use]
    pub fn new(queries: Arc<dyn Queries>, vault: Arc<Vault>, folder: PathBuf, bounds: Bounds) -> Self {
        Self(Arc::new(Inside {
            queries,
            vault,
            files: Files::open(folder, bounds),
            days: Mutex::default(),
            day_done: Condvar::new(),
            making: Mutex::default(),
            places: Arc::new(tokio::sync::Semaphore::new(MAKING_MAX)),
        }))
    }

    /// A bill as merchants get it: from [`READY`] on, for [`DAYS_KEPT`] days. When it must be made first, the caller
    /// waits for `patience` at most; it goes on being made.
    ///
    /// # Errors
    /// [`BillProblem`].
    pub async fn get(&self, which: Which, now: Time, patience: Duration) -> Outcome {
        check(which.day, now)?;
        if let Some(file) = self.0.files.find(&which) {
            return Ok(file);
        }
        let mut outcome = self.0.start(which)?;
        let waited = tokio::time::timeout(patience, outcome.wait_for(Option::is_some)).await;
        match waited {
            Err(_) => Err(BillProblem::Making),
            Ok(Ok(made)) => made.clone().unwrap_or(Err(BillProblem::Making)),
            Ok(Err(_)) => Err(BillProblem::Failed("it was given up".into())),
        }
    }

    /// A bill at once, on this thread: for exports of days that are over, however long ago.
    ///
    /// # Errors
    /// [`BillProblem`] but `Making` and `Busy`; [`BillProblem::Early`] before it is drawn up at 09:00.
    pub fn make(&self, which: Which, now: Time) -> Outcome {
        let ready = which.day.start().plus(DRAWN_UP);
        if now < ready {
            return Err(BillProblem::Early(ready));
        }
        if let Some(file) = self.0.files.find(&which) {
            return Ok(file);
        }
        self.0.make(which)
    }

    /// Writes the file of the day before `now`, once it is 09:00, so that the first merchants do not wait for it. True
    /// when it was not there yet. Blocks.
    ///
    /// # Errors
    /// [`BillProblem::Failed`].
    pub fn prepare(&self, now: Time) -> Result<bool, BillProblem> {
        let day = now.business_day().previous();
        if now < day.start().plus(DRAWN_UP) || self.0.files.day(day).exists() {
            return Ok(false);
        }
        self.0.day(day)?;
        Ok(true)
    }

    /// The day sorted by merchant; made when it is not there. Blocks.
    ///
    /// # Errors
    /// [`BillProblem::Early`] before 09:00 of the next day, [`BillProblem::Failed`].
    pub fn day(&self, day: BusinessDay, now: Time) -> Result<Day, BillProblem> {
        let ready = day.start().plus(DRAWN_UP);
        if now < ready { Err(BillProblem::Early(ready)) } else { self.0.day(day) }
    }
}

/// Checks that merchants may ask for the bills of a day now.
fn check(day: BusinessDay, now: Time) -> Result<(), BillProblem> {
    let today = now.business_day();
    if day >= today || day < today.plus(-DAYS_KEPT) {
        return Err(BillProblem::Day);
    }
    let ready = day.start().plus(READY);
    if now < ready { Err(BillProblem::Early(ready)) } else { Ok(()) }
}

impl Inside {
    fn making(&self) -> MutexGuard<'_, HashMap<Which, watch::Receiver<Option<Outcome>>>> {
        self.making.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn days(&self) -> MutexGuard<'_, HashSet<BusinessDay>> {
        self.days.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to make a bill, unless somebody does already.
    fn start(self: &Arc<Self>, which: Which) -> Result<watch::Receiver<Option<Outcome>>, BillProblem> {
        let mut making = self.making();
        if let Some(outcome) = making.get(&which) {
            return Ok(outcome.clone());
        }
        if making.len() >= WAITING_MAX {
            return Err(BillProblem::Busy);
        }
        let (tell, told) = watch::channel(None);
        making.insert(which, told.clone());
        let this = Arc::clone(self);
        tokio::spawn(async move {
            // Never closed, so there is always a permit in the end.
            let place = Arc::clone(&this.places).acquire_owned().await;
            let maker = Arc::clone(&this);
            let made = tokio::task::spawn_blocking(move || {
                let _place = place;
                maker.files.find(&which).map_or_else(|| maker.make(which), Ok)
            });
            let made = made.await.unwrap_or_else(|error| Err(BillProblem::Failed(error.to_string().into())));
            if let Err(BillProblem::Failed(error)) = &made {
                tracing::error!(merchant = which.merchant.0, day = %which.day, bill = which.bill.name(), %error, "a bill could not be made");
            }
            this.making().remove(&which);
            tell.send_replace(Some(made));
        });
        Ok(told)
    }

    fn make(&self, which: Which) -> Outcome {
        let day = self.day(which.day)?;
        let made = Made {
            queries: &*self.queries,
            tokens: self.vault.tokens(),
            day: &day,
            date: which.day,
            merchant: which.merchant,
            partner: which.partner,
        };
        let (part, file) =
            self.files.part(&format!("{}-{}-{}", files::whose(which), which.day, which.bill.name()))?;
        let (rows, packed) = thread::scope(|scope| {
            let (pass, pieces) = mpsc::sync_channel::<Vec<u8>>(PIECES_MAX);
            let pack = scope.spawn(move || pack(pieces, file));
            let rows = made.write(which.bill, &mut |piece| {
                // Refused when the other thread has ended, which then says why.
                pass.send(piece).map_err(|_| io::ErrorKind::BrokenPipe.into())
            });
            drop(pass);
            (rows, pack.join().unwrap_or_else(|_| Err(io::Error::other("a thread panicked"))))
        });
        let kept = packed.map_err(BillProblem::from).and_then(|(hash, bytes)| {
            let rows = rows?;
            if rows == 0 {
                return Err(BillProblem::Nothing);
            }
            Ok(self.files.keep(&part, which, hash, bytes, rows)?)
        });
        if kept.is_err() {
            drop(std::fs::remove_file(&part));
        }
        kept
    }

    /// The file of a day; one thread writes it, others wait.
    fn day(&self, day: BusinessDay) -> Result<Day, BillProblem> {
        let path = self.files.day(day);
        let mut held = self.days();
        while held.contains(&day) {
            held = self.day_done.wait(held).unwrap_or_else(PoisonError::into_inner);
        }
        match Day::open(&path) {
            Ok(found) => return Ok(found),
            Err(DayError::Damaged) => {
                tracing::warn!(%day, "the file of the day is damaged and is written anew")
            }
            Err(DayError::File(error)) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
        held.insert(day);
        drop(held);
        let _turn = Turn { inside: self, day };
        self.write_day(day)?;
        Ok(Day::open(&path)?)
    }

    fn write_day(&self, day: BusinessDay) -> Result<(), BillProblem> {
        let (part, file): (PathBuf, File) = self.files.part(&day.to_string())?;
        let written = day::write(&*self.queries, day, file).map_err(BillProblem::from);
        let kept = written.and_then(|()| Ok(self.files.keep_day(&part, day)?));
        if kept.is_err() {
            drop(std::fs::remove_file(&part));
        }
        kept
    }
}

/// Hashes, compresses and writes a bill's pieces while the next are made. Gives hash and bytes before compression.
fn pack(pieces: mpsc::Receiver<Vec<u8>>, file: File) -> io::Result<(String, u64)> {
    let mut gzip = GzEncoder::new(BufWriter::new(file), Compression::new(LEVEL));
    let (mut hash, mut bytes) = (Checksum::sha1(), 0);
    for piece in pieces {
        hash.add(&piece);
        bytes += piece.len() as u64;
        gzip.write_all(&piece)?;
    }
    gzip.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?.sync_data()?;
    Ok((hash.hex(), bytes))
}

/// Whoever writes a day's file; others may look again when it is dropped, also after a panic.
struct Turn<'a> {
    inside: &'a Inside,
    day: BusinessDay,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.inside.days().remove(&self.day);
        self.inside.day_done.notify_all();
    }
}
