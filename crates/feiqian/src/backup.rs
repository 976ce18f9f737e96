//! `feiqian backup`: a copy of the store with a manifest, made while payments go on.
//!
//! A backup is two files, `NAME` and `NAME.manifest.json`; the manifest comes last, so a copy without one was not
//! finished. The master key is not among them: a thief of the backup must not get it, and whoever restores needs it.

use crate::{cli, home::Home, ready::disk_free, seed::unix_now};
use crypto::Checksum;
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, IsTerminal, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use store::Copied;

/// The form of manifests that this version writes, and the newest it reads.
pub(crate) const FORMAT: u32 = 1;
/// Free space that must remain beside the copy.
const SPARE_BYTES: u64 = 16 * 1024 * 1024;

/// What a backup is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// [`FORMAT`].
    pub(crate) format: u32,
    /// The version of Feiqian that made it.
    pub(crate) feiqian: String,
    /// `sqlite`.
    pub(crate) store: String,
    /// Schema of the store.
    pub(crate) schema: i64,
    /// The last batch in it: everything up to it is there, nothing after it.
    pub(crate) last_batch: i64,
    /// When that batch was made.
    pub(crate) last_batch_at: String,
    /// When the backup was finished.
    pub(crate) made_at: String,
    /// Name of the copy, beside the manifest.
    pub(crate) file: String,
    /// Its length.
    pub(crate) bytes: u64,
    /// Its SHA-256, lower-case hex.
    pub(crate) sha256: String,
}

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BackupError {
    #[error(
        "{0}: no store here; name the data directory with --data. A store on PostgreSQL is backed up with \
         PostgreSQL's own tools: see docs/operator.md"
    )]
    NoStore(PathBuf),
    #[error("{0} exists already; a backup never overwrites, choose another name")]
    Exists(PathBuf),
    #[error(
        "{folder} has {free_mib} MiB free, the copy needs {needed_mib}; make room, or choose another --to"
    )]
    NoRoom { folder: PathBuf, free_mib: u64, needed_mib: u64 },
    #[error("{0}")]
    Store(#[from] engine::Fault),
    #[error("{path}: {error}")]
    Io { path: PathBuf, error: io::Error },
}

pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> BackupError + '_ {
    move |error| BackupError::Io { path: path.to_owned(), error }
}

/// The command.
pub(crate) fn run(options: &cli::Backup) -> Result<bool, Box<dyn std::error::Error>> {
    let home = Home::new(&options.data);
    let started = Instant::now();
    let mut shown = Shown::new();
    let (file, manifest) = backup(&home, &options.to, &mut |copied| shown.show(copied))?;
    let took = started.elapsed();
    let mut out = io::stdout();
    if options.json {
        writeln!(out, "{}", serde_json::to_string(&manifest)?)?;
        return Ok(true);
    }
    writeln!(out, "{}", file.display())?;
    writeln!(
        out,
        "  {} MiB in {}.{} s, schema {}, up to batch {} of {}\n  sha256 {}",
        manifest.bytes >> 20,
        took.as_secs(),
        took.subsec_millis() / 100,
        manifest.schema,
        manifest.last_batch,
        manifest.last_batch_at,
        manifest.sha256
    )?;
    if same_disk(&file, &home.store()) {
        writeln!(out, "note: it lies on the same disk as the store; move both files elsewhere")?;
    }
    writeln!(
        out,
        "keep apart from it: the master key ({} unless configured elsewhere), without which the copy can be proved \
         but not served; the configuration; the SMS token",
        home.master_key().display()
    )?;
    Ok(true)
}

/// Copies the store of `home`. Gives the file and what its manifest says. Nothing is left behind on an error.
pub(crate) fn backup(
    home: &Home,
    to: &Path,
    progress: &mut dyn FnMut(Copied),
) -> Result<(PathBuf, Manifest), BackupError> {
    let store = home.store();
    if !store.exists() {
        return Err(BackupError::NoStore(store));
    }
    let file = match to.is_dir() {
        true => to.join(format!("feiqian-{}.db", unix_now().compact())),
        false => to.to_owned(),
    };
    let manifest_file = manifest_of(&file);
    for path in [&file, &manifest_file] {
        if path.exists() {
            return Err(BackupError::Exists(path.clone()));
        }
    }
    let folder = folder_of(&file);
    let needed = fs::metadata(&store).map_err(at(&store))?.len() + SPARE_BYTES;
    if let Some(free) = disk_free(&folder).filter(|free| *free < needed) {
        return Err(BackupError::NoRoom { folder, free_mib: free >> 20, needed_mib: needed >> 20 });
    }
    let partial = Partial::create(&file)?;
    let standing = store::sqlite_backup(&store, &partial.0, progress)?;
    let (bytes, sha256) = sync_and_sum(&partial.0).map_err(at(&partial.0))?;
    partial.becomes(&file)?;
    let manifest = Manifest {
        format: FORMAT,
        feiqian: env!("CARGO_PKG_VERSION").into(),
        store: "sqlite".into(),
        schema: standing.schema,
        last_batch: standing.last.batch,
        last_batch_at: standing.last.at.rfc3339(),
        made_at: unix_now().rfc3339(),
        file: file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        bytes,
        sha256,
    };
    let text =
        serde_json::to_string_pretty(&manifest).map_err(io::Error::other).map_err(at(&manifest_file))?;
    let partial = Partial::create(&manifest_file)?;
    fs::write(&partial.0, text + "\n").map_err(at(&partial.0))?;
    sync(&partial.0).map_err(at(&partial.0))?;
    partial.becomes(&manifest_file)?;
    Ok((file, manifest))
}

/// Where the manifest of a backup is.
pub(crate) fn manifest_of(file: &Path) -> PathBuf {
    let mut name = file.to_owned().into_os_string();
    name.push(".manifest.json");
    name.into()
}

/// A file under a temporary name, for its owner only; removed unless it gets its own.
pub(crate) struct Partial(pub(crate) PathBuf);

impl Partial {
    pub(crate) fn create(file: &Path) -> Result<Self, BackupError> {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let path = folder_of(file).join(format!(".{name}.{}.partial", std::process::id()));
        let made = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&path);
        made.map_err(at(&path))?;
        Ok(Self(path))
    }
    /// Gives it its name for good: a power cut afterwards finds it there.
    pub(crate) fn becomes(self, file: &Path) -> Result<(), BackupError> {
        if file.exists() {
            return Err(BackupError::Exists(file.to_owned()));
        }
        fs::rename(&self.0, file).map_err(at(file))?;
        sync(&folder_of(file)).map_err(at(file))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // After a rename there is nothing to remove but what SQLite put beside it.
        for suffix in ["", "-wal", "-shm"] {
            let mut name = self.0.clone().into_os_string();
            name.push(suffix);
            let _ = fs::remove_file(name);
        }
    }
}

pub(crate) fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Makes a file durable and reads it back: its length and SHA-256.
pub(crate) fn sync_and_sum(path: &Path) -> io::Result<(u64, String)> {
    let mut file = File::open(path)?;
    file.sync_all()?;
    let (mut sum, mut bytes, mut buffer) = (Checksum::new(), 0, vec![0; 1024 * 1024]);
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((bytes, sum.hex()));
        }
        sum.add(&buffer[..read]);
        bytes += read as u64;
    }
}

fn same_disk(one: &Path, other: &Path) -> bool {
    let disk = |path: &Path| fs::metadata(path).map(|seen| seen.dev()).ok();
    disk(one).is_some() && disk(one) == disk(other)
}

/// Tells how far it is: on a terminal in one line, elsewhere now and then.
struct Shown {
    last: Instant,
    every: Duration,
    terminal: bool,
}

impl Shown {
    fn new() -> Self {
        let terminal = io::stderr().is_terminal();
        let every = if terminal { Duration::from_millis(200) } else { Duration::from_secs(10) };
        Self { last: Instant::now(), every, terminal }
    }
    fn show(&mut self, copied: Copied) {
        let whole = copied.done == copied.total;
        if self.last.elapsed() < self.every && !(whole && self.terminal) {
            return;
        }
        self.last = Instant::now();
        let text = format!("copied {} of {} MiB", copied.done >> 20, copied.total >> 20);
        let (before, after) = if self.terminal { ("\r", if whole { "\n" } else { "" }) } else { ("", "\n") };
        let _ = write!(io::stderr(), "{before}{text}{after}");
    }
}
