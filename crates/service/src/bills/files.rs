//! Bills as files: kept compressed under a name that says whose, which, of which day, with which hash; made again
//! when they are gone. What was not used longest goes first when there are too many or they are too large together.

use protocol::bill::ask::Bill;
use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};
use types::{BusinessDay, MerchantId};

/// What a bill is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Which {
    /// Whose.
    pub merchant: MerchantId,
    /// Only what this partner placed for the merchant.
    pub partner: Option<MerchantId>,
    /// Which.
    pub bill: Bill,
    /// Of which day.
    pub day: BusinessDay,
}

/// A bill that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillFile {
    /// The file, gzip.
    pub path: PathBuf,
    /// SHA-1 over the bill before compression, lower-case hex.
    pub hash: String,
    /// Bytes before compression.
    pub bytes: u64,
    /// Detail rows.
    pub rows: u64,
}

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Files.
    pub files: usize,
    /// Bytes, all together.
    pub bytes: u64,
}

impl Default for Bounds {
    /// 20,000 files and 8 GiB.
    fn default() -> Self {
        Self { files: 20_000, bytes: 8 << 30 }
    }
}

/// The folder.
#[derive(Debug)]
pub(super) struct Files {
    folder: PathBuf,
    bounds: Bounds,
    known: Mutex<HashMap<Which, BillFile>>,
}

const END: &str = ".csv.gz";
/// Ends the name of a file that is being written.
const PART: &str = ".part";
/// The format of a day's file is part of its name, so that another version's is not read.
const DAY_END: &str = ".day1";

impl Files {
    /// Looks into `folder`, which is made when first needed.
    pub(super) fn open(folder: PathBuf, bounds: Bounds) -> Self {
        let mut known = HashMap::new();
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            if name.ends_with(PART) {
                drop(fs::remove_file(&path)); // a process ended while it wrote
            } else if let Some((which, file)) = parse(name, &path) {
                known.insert(which, file);
            }
        }
        Self { folder, bounds, known: Mutex::new(known) }
    }
    fn known(&self) -> MutexGuard<'_, HashMap<Which, BillFile>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// The bill, if it is there; it counts as used now.
    pub(super) fn find(&self, which: &Which) -> Option<BillFile> {
        let found = self.known().get(which).cloned()?;
        let used = File::options()
            .append(true)
            .open(&found.path)
            .and_then(|file| file.set_modified(SystemTime::now()));
        if used.is_err() {
            self.known().remove(which);
            return None;
        }
        Some(found)
    }
    /// The file of a day, made or not.
    pub(super) fn day(&self, day: BusinessDay) -> PathBuf {
        self.folder.join(format!("{day}{DAY_END}"))
    }
    /// A new file that nobody sees yet.
    pub(super) fn part(&self, name: &str) -> io::Result<(PathBuf, File)> {
        fs::create_dir_all(&self.folder)?;
        let path = self.folder.join(format!("{name}{PART}"));
        let file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&path)?;
        Ok((path, file))
    }
    /// Shows a day's file that is written.
    pub(super) fn keep_day(&self, part: &Path, day: BusinessDay) -> io::Result<()> {
        let path = self.day(day);
        fs::rename(part, &path)?;
        self.sweep(&path);
        Ok(())
    }
    /// Shows a bill that is written.
    pub(super) fn keep(
        &self,
        part: &Path,
        which: Which,
        hash: String,
        bytes: u64,
        rows: u64,
    ) -> io::Result<BillFile> {
        let Which { bill, day, .. } = which;
        let whose = whose(which);
        let path = self.folder.join(format!("{whose}_{day}_{}_{hash}_{bytes}_{rows}{END}", bill.name()));
        fs::rename(part, &path)?;
        let file = BillFile { path, hash, bytes, rows };
        self.known().insert(which, file.clone());
        self.sweep(&file.path);
        Ok(file)
    }
    /// Removes what was not used longest until the bounds hold; `fresh` stays.
    fn sweep(&self, fresh: &Path) {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if !(name.ends_with(END) || name.ends_with(DAY_END)) || path == fresh {
                continue;
            }
            if let Ok(meta) = entry.metadata() {
                files.push((meta.modified().unwrap_or(SystemTime::UNIX_EPOCH), meta.len(), path));
            }
        }
        let fresh = fs::metadata(fresh).map_or(0, |meta| meta.len());
        let mut bytes = fresh + files.iter().map(|(_, bytes, _)| bytes).sum::<u64>();
        let mut count = files.len() + 1;
        files.sort();
        for (_, size, path) in files {
            if bytes <= self.bounds.bytes && count <= self.bounds.files {
                return;
            }
            if let Some((which, _)) = path.file_name().and_then(|name| parse(name.to_str()?, &path)) {
                self.known().remove(&which);
            }
            if fs::remove_file(&path).is_ok() {
                (bytes, count) = (bytes - size, count - 1);
            }
        }
    }
}

/// Whose bill it is, in a file's name: the partner goes before the sub-merchant.
pub(super) fn whose(which: Which) -> String {
    match which.partner {
        None => which.merchant.to_string(),
        Some(partner) => format!("{partner}+{}", which.merchant),
    }
}

/// Reads a file's name.
fn parse(name: &str, path: &Path) -> Option<(Which, BillFile)> {
    let mut parts = name.strip_suffix(END)?.split('_');
    let mut next = || parts.next();
    let whose = next()?;
    let (partner, merchant) = match whose.split_once('+') {
        None => (None, whose.parse().ok()?),
        Some((partner, merchant)) => (Some(partner.parse().ok()?), merchant.parse().ok()?),
    };
    let day = BusinessDay::parse(next()?)?;
    let word = next()?;
    let bill = Bill::ALL.into_iter().find(|bill| bill.name() == word)?;
    let hash = next().filter(|hash| hash.len() == 40)?.to_owned();
    let (bytes, rows) = (next()?.parse().ok()?, next()?.parse().ok()?);
    let file = BillFile { path: path.to_owned(), hash, bytes, rows };
    parts.next().is_none().then_some((Which { merchant, partner, bill, day }, file))
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::bill::trade;

    fn which(merchant: i64) -> Which {
        let bill = Bill::Trade(trade::Kind::All);
        Which { merchant: MerchantId(merchant), partner: None, bill, day: BusinessDay(20_458) }
    }

    fn keep(files: &Files, merchant: i64, size: usize) -> BillFile {
        let (part, file) = files.part("one").unwrap();
        file.set_len(size as u64).unwrap();
        let kept = files.keep(&part, which(merchant), "a".repeat(40), 7, 2).unwrap();
        // The file system's clock may be coarse: tell them apart.
        let at = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(merchant.cast_unsigned());
        File::options().append(true).open(&kept.path).unwrap().set_modified(at).unwrap();
        kept
    }

    #[test]
    fn a_kept_bill_is_found_again_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Files::open(folder.path().join("bills"), Bounds::default());
        let files = open();
        assert_eq!(files.find(&which(1)), None);
        let kept = keep(&files, 1, 3);
        drop(files.part("two").unwrap());
        let again = open();
        assert_eq!(again.find(&which(1)), Some(kept.clone()));
        assert_eq!((kept.bytes, kept.rows, kept.hash.len()), (7, 2, 40));
        let names = fs::read_dir(folder.path().join("bills")).unwrap().count();
        assert_eq!(names, 1, "a part that nobody finishes is removed");
        fs::remove_file(&kept.path).unwrap();
        assert_eq!(again.find(&which(1)), None, "it may be deleted at any time");
    }

    #[test]
    fn what_was_not_used_longest_goes_first() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::open(folder.path().to_owned(), Bounds { files: 3, bytes: 100 });
        for merchant in 1..=3 {
            keep(&files, merchant, 10);
        }
        assert!(files.find(&which(1)).is_some(), "used now");
        keep(&files, 4, 10);
        let there = |merchant| files.find(&which(merchant)).is_some();
        assert_eq!([1, 2, 3, 4].map(there), [true, false, true, true]);
        keep(&files, 5, 95);
        assert_eq!([1, 2, 3, 4, 5].map(there), [false, false, false, false, true]);
        keep(&files, 6, 500);
        assert_eq!([5, 6].map(there), [false, true], "one that is too large alone stays until the next");
    }

    #[test]
    fn another_name_is_no_bill() {
        let path = Path::new("x");
        let name = format!("1900000001_2026-01-05_trade-all_{}_7_2.csv.gz", "a".repeat(40));
        assert!(parse(&name, path).is_some());
        let of_partner = Which { partner: Some(MerchantId(1_900_000_100)), ..which(1) };
        let named = name.replace("1900000001", &whose(of_partner));
        assert_eq!(parse(&named, path).map(|(which, _)| which.partner), Some(of_partner.partner));
        for other in [
            name.replace("trade-all", "trade-none"),
            name.replace("2026-01-05", "2026-02-30"),
            name.replace("_7_2", "_7"),
            name.replace("_7_2", "_7_2_3"),
            name.replace("aaaa", "aaa"),
            "2026-01-05.day1".into(),
        ] {
            assert!(parse(&other, path).is_none(), "{other}");
        }
    }
}
