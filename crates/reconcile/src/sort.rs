//! Sorting more rows than fit in memory: sorted runs on a scratch, then one merge.

use crate::entry::order;
use std::{
    cmp::Ordering,
    collections::BinaryHeap,
    fs::{File, OpenOptions},
    io::{self, BufReader, BufWriter, Cursor, Read, Write},
    path::PathBuf,
};

/// Where runs are kept that do not fit in memory. Whoever hands it in owns the place and empties it.
pub trait Scratch {
    /// A run being written.
    type Write: Write;
    /// A run being read.
    type Read: Read;
    /// Opens run `number` for writing; an older run of this number is overwritten.
    ///
    /// # Errors
    /// The place's own.
    fn write(&mut self, number: u32) -> io::Result<Self::Write>;
    /// Takes back what was written as run `number` and closes it.
    ///
    /// # Errors
    /// The place's own.
    fn close(&mut self, number: u32, run: Self::Write) -> io::Result<()>;
    /// Opens run `number` for reading.
    ///
    /// # Errors
    /// The place's own.
    fn read(&mut self, number: u32) -> io::Result<Self::Read>;
}

/// Runs as files of a folder, readable by their owner only. Dropping it removes them.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    runs: Vec<u32>,
}

impl Folder {
    /// Files in `path`, which exists and serves one run at a time.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), runs: Vec::new() }
    }

    fn file(&self, number: u32) -> PathBuf {
        self.path.join(format!("reconcile-{number:04}.run"))
    }
}

impl Scratch for Folder {
    type Write = File;
    type Read = File;

    fn write(&mut self, number: u32) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(self.file(number))?;
        self.runs.push(number);
        Ok(file)
    }

    fn close(&mut self, _number: u32, _run: File) -> io::Result<()> {
        Ok(())
    }

    fn read(&mut self, number: u32) -> io::Result<File> {
        File::open(self.file(number))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        for number in &self.runs {
            // A file left over is overwritten by the next run and harms nobody.
            let _ = std::fs::remove_file(self.file(*number));
        }
    }
}

/// Runs in memory, for days known to be small and for tests.
#[derive(Debug, Default)]
pub struct Memory(Vec<Vec<u8>>);

impl Scratch for Memory {
    type Write = Vec<u8>;
    type Read = Cursor<Vec<u8>>;

    fn write(&mut self, _number: u32) -> io::Result<Vec<u8>> {
        Ok(Vec::new())
    }

    fn close(&mut self, number: u32, run: Vec<u8>) -> io::Result<()> {
        self.0.resize_with(self.0.len().max(number as usize + 1), Vec::new);
        self.0[number as usize] = run;
        Ok(())
    }

    fn read(&mut self, number: u32) -> io::Result<Cursor<Vec<u8>>> {
        let run = self.0.get_mut(number as usize).map(std::mem::take);
        run.map(Cursor::new).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }
}

/// Most runs of one merge; with the default budget that is more rows than a run takes.
pub(crate) const RUNS_MAX: u32 = 256;
/// Smallest memory budget, bytes.
pub(crate) const BUDGET_MIN: usize = 1 << 16;
/// Largest memory budget, bytes: places in it are 32 bits.
pub(crate) const BUDGET_MAX: usize = 1 << 31;

/// Takes rows in any order, gives them back in order.
pub(crate) struct Sorter<S> {
    scratch: S,
    budget: usize,
    /// Rows one after another, each with its length before it.
    arena: Vec<u8>,
    places: Vec<u32>,
    runs: u32,
}

impl<S: Scratch> Sorter<S> {
    /// `budget` is what rows and their places may take, bytes.
    pub(crate) fn new(scratch: S, budget: usize) -> Self {
        let budget = budget.clamp(BUDGET_MIN, BUDGET_MAX);
        Self { scratch, budget, arena: Vec::new(), places: Vec::new(), runs: 0 }
    }

    /// Adds the row that `encode` appends.
    pub(crate) fn push(&mut self, encode: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        let place = self.arena.len();
        self.arena.extend([0; 4]);
        encode(&mut self.arena);
        let length = u32::try_from(self.arena.len() - place - 4).unwrap_or(u32::MAX);
        self.arena[place..place + 4].copy_from_slice(&length.to_le_bytes());
        self.places.push(u32::try_from(place).unwrap_or(u32::MAX));
        // A row is below 1 KiB, so the budget is passed by no more than that.
        if self.arena.len() + self.places.len() * 4 >= self.budget {
            self.spill()?;
        }
        Ok(())
    }

    fn spill(&mut self) -> io::Result<()> {
        if self.runs == RUNS_MAX {
            let told = format!("more than {RUNS_MAX} runs of {} bytes; raise the memory budget", self.budget);
            return Err(io::Error::new(io::ErrorKind::QuotaExceeded, told));
        }
        sort(&self.arena, &mut self.places);
        let mut run = BufWriter::with_capacity(1 << 18, self.scratch.write(self.runs)?);
        for place in &self.places {
            let place = *place as usize;
            run.write_all(&self.arena[place..place + 4])?;
            run.write_all(row(&self.arena, place))?;
        }
        let run = run.into_inner().map_err(io::IntoInnerError::into_error)?;
        self.scratch.close(self.runs, run)?;
        self.runs += 1;
        self.arena.clear();
        self.places.clear();
        Ok(())
    }

    /// Everything in order.
    pub(crate) fn finish(mut self) -> io::Result<Sorted<S>> {
        if self.runs > 0 && !self.places.is_empty() {
            self.spill()?;
            // From here on the merge needs the memory.
            self.arena = Vec::new();
            self.places = Vec::new();
        }
        sort(&self.arena, &mut self.places);
        let mut heads = BinaryHeap::new();
        let mut runs = Vec::new();
        for number in 0..self.runs {
            let mut run = BufReader::with_capacity(1 << 16, self.scratch.read(number)?);
            let mut bytes = Vec::new();
            if next(&mut run, &mut bytes)? {
                heads.push(Head { bytes, run: number });
            }
            runs.push(run);
        }
        let places = self.places.into_iter();
        Ok(Sorted { scratch: self.scratch, arena: self.arena, places, heads, runs })
    }
}

/// Rows in order of key, kind, side; rows equal in these in the order they were added.
pub(crate) struct Sorted<S: Scratch> {
    /// Kept so that its files outlive the merge.
    #[expect(dead_code, reason = "dropping it removes the runs")]
    scratch: S,
    arena: Vec<u8>,
    places: std::vec::IntoIter<u32>,
    heads: BinaryHeap<Head>,
    runs: Vec<BufReader<S::Read>>,
}

impl<S: Scratch> Sorted<S> {
    /// Hands the next row to `read`; `None` at the end.
    pub(crate) fn next<T>(&mut self, read: impl FnOnce(&[u8]) -> T) -> io::Result<Option<T>> {
        if self.runs.is_empty() {
            return Ok(self.places.next().map(|place| read(row(&self.arena, place as usize))));
        }
        let Some(mut head) = self.heads.peek_mut() else { return Ok(None) };
        let result = read(&head.bytes);
        let run = head.run as usize;
        if !next(&mut self.runs[run], &mut head.bytes)? {
            std::collections::binary_heap::PeekMut::pop(head);
        }
        Ok(Some(result))
    }
}

/// The next row of a run.
struct Head {
    bytes: Vec<u8>,
    run: u32,
}

impl Ord for Head {
    fn cmp(&self, other: &Self) -> Ordering {
        // The heap gives the greatest first, so the order is turned round.
        order(&other.bytes).cmp(&order(&self.bytes)).then(other.run.cmp(&self.run))
    }
}
impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Head {}

fn sort(arena: &[u8], places: &mut [u32]) {
    let of = |place: u32| order(row(arena, place as usize));
    places.sort_unstable_by(|a, b| of(*a).cmp(&of(*b)).then(a.cmp(b)));
}

fn row(arena: &[u8], place: usize) -> &[u8] {
    let length = arena[place..].first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes) as usize);
    &arena[place + 4..place + 4 + length]
}

/// Reads the next row into `bytes`; false at the end of the run.
fn next(run: &mut impl Read, bytes: &mut Vec<u8>) -> io::Result<bool> {
    let mut length = [0; 4];
    if run.read(&mut length[..1])? == 0 {
        return Ok(false);
    }
    run.read_exact(&mut length[1..])?;
    bytes.resize(u32::from_le_bytes(length) as usize, 0);
    run.read_exact(bytes)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{Entry, Kind, Row, Side, Status};
    use types::{BusinessDay, Money, Time};

    fn rows(count: u64, seed: u64) -> Vec<Row> {
        let mut dice = fastrand::Rng::with_seed(seed);
        let row = |n| {
            let key = format!("{:05}", dice.u32(0..5_000));
            let entry = Entry::new(&key, Kind::ALL[dice.usize(0..5)], Money::cny(n), Status::Failed, Time(0));
            let side = Side::ALL[dice.usize(0..3)];
            Row { side, entry, since: BusinessDay(0), carried: false, reported: false }
        };
        (0..i64::try_from(count).unwrap()).map(row).collect()
    }

    fn sorted<S: Scratch>(rows: &[Row], scratch: S, budget: usize) -> (Vec<Row>, u32) {
        let mut sorter = Sorter::new(scratch, budget);
        rows.iter().for_each(|row| sorter.push(|out| row.encode(out)).unwrap());
        let spilled = sorter.runs;
        let mut sorted = sorter.finish().unwrap();
        let rows = std::iter::from_fn(|| sorted.next(|bytes| Row::decode(bytes).unwrap()).unwrap()).collect();
        (rows, spilled)
    }

    #[test]
    fn runs_on_disk_give_the_order_of_memory() {
        let given = rows(20_000, 7);
        let mut expected = given.clone();
        expected.sort_by(|a, b| {
            let of = |r: &Row| (r.entry.key.clone(), r.entry.kind, r.side);
            of(a).cmp(&of(b))
        });
        let folder = tempfile::tempdir().unwrap();
        let (on_disk, spilled) = sorted(&given, Folder::new(folder.path()), BUDGET_MIN);
        assert!(spilled > 10, "{spilled}");
        assert_eq!(on_disk, expected);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "runs are removed");
        assert_eq!(sorted(&given, Memory::default(), BUDGET_MIN).0, expected);
        assert_eq!(sorted(&given, Memory::default(), 1 << 24), (expected, 0));
    }

    #[test]
    fn a_run_cut_short_is_noticed() {
        let mut bytes = Vec::new();
        for cut in [&[4, 0, 0, 0, 1, 2][..], &[4, 0]] {
            assert!(next(&mut &cut[..], &mut bytes).is_err());
        }
    }
}
