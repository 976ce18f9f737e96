//! `feiqian restore`: a data directory from a backup. What is not whole, or can't be proved, is not restored.

use crate::{
    backup::{BackupError, FORMAT, Manifest, Partial, at, manifest_of, sync_and_sum},
    cli,
    home::{Home, HomeError, write_private},
};
use crypto::{MasterKey, Vault};
use engine::prove::Proof;
use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};
use store::Standing;

/// Why nothing was restored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RestoreError {
    #[error(transparent)]
    Backup(#[from] BackupError),
    #[error(transparent)]
    Home(#[from] HomeError),
    #[error("{0}")]
    Store(#[from] engine::Fault),
    #[error("{0}: no backup here; name its file with --from")]
    NoBackup(PathBuf),
    #[error("{folder} holds {count} backups; name one with --from: the newest is {newest}")]
    Several { folder: PathBuf, count: usize, newest: PathBuf },
    #[error("{path}: {problem}; take another backup")]
    Manifest { path: PathBuf, problem: String },
    #[error("{path}: {problem}; the copy is damaged, take another backup")]
    Damaged { path: PathBuf, problem: String },
    #[error("{0} is not empty; restore never overwrites, choose another --data or move it away")]
    NotEmpty(PathBuf),
    #[error("{0} does not open this store: it belongs to another installation, or is damaged")]
    WrongKey(PathBuf),
    #[error("{path}: {error}")]
    Key { path: PathBuf, error: crypto::vault::VaultError },
}

/// What was restored.
pub(crate) struct Restored {
    pub(crate) manifest: Manifest,
    /// The restored store, after its schema was brought up to date.
    pub(crate) standing: Standing,
    pub(crate) proof: Proof,
}

/// The command. False when the store is there but an invariant of money is broken in it.
pub(crate) fn run(options: &cli::Restore) -> Result<bool, Box<dyn std::error::Error>> {
    let home = Home::new(&options.data);
    let restored = restore(&options.from, &home, options.master_key.as_deref())?;
    let (manifest, standing, proof) = (&restored.manifest, &restored.standing, &restored.proof);
    let mut out = io::stdout();
    writeln!(out, "{}", home.store().display())?;
    writeln!(
        out,
        "  {} MiB, whole; made at {}, up to batch {} of {}",
        manifest.bytes >> 20,
        manifest.made_at,
        manifest.last_batch,
        manifest.last_batch_at
    )?;
    if standing.schema != manifest.schema {
        writeln!(out, "  brought from schema {} to {}", manifest.schema, standing.schema)?;
    }
    if !proof.holds() {
        for failure in &proof.failures {
            writeln!(out, "  BROKEN {failure}")?;
        }
        writeln!(out, "next: do not serve it; take an older backup, and keep this one to look at")?;
        return Ok(false);
    }
    writeln!(
        out,
        "  proved: {} accounts, {} transfers, {} orders, every invariant of money holds",
        proof.accounts, proof.transfers, proof.orders
    )?;
    let data = home.path().display();
    if options.master_key.is_none() {
        writeln!(out, "next: put the master key at {} (mode 0600)", home.master_key().display())?;
    }
    writeln!(
        out,
        "next: put the configuration at {} and run: feiqian serve --data {data}\nwhat was paid after {} is not in it: \
         merchants' own records and the channels' bills tell what that was",
        home.config().display(),
        manifest.last_batch_at
    )?;
    Ok(true)
}

/// Restores the backup in `from` to `home`.
pub(crate) fn restore(from: &Path, home: &Home, master_key: Option<&Path>) -> Result<Restored, RestoreError> {
    let file = find(from)?;
    let manifest = read_manifest(&file)?;
    let folder = home.path();
    let empty = match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => true,
        Err(error) => return Err(at(folder)(error).into()),
    };
    if !empty {
        return Err(RestoreError::NotEmpty(folder.to_owned()));
    }
    let key = master_key.map(|path| read_key(path).map(|key| (path, key))).transpose()?;
    let lock = home.lock()?;
    let copied = copy(&file, &manifest, home).and_then(|partial| {
        let standing = store::sqlite_migrate(&partial.0)?;
        let queries = store::sqlite_snapshot(&partial.0)?;
        if let Some((path, key)) = &key {
            let opened = service::load_keys(&*queries, &Vault::new(1, key));
            if !matches!(opened, Ok(Some(_))) {
                return Err(RestoreError::WrongKey(path.to_path_buf()));
            }
        }
        let proof = engine::prove::prove(&*queries)?;
        drop(queries);
        // What the migration wrote may stand in the log, which does not come along.
        store::sqlite_settle(&partial.0)?;
        partial.becomes(&home.store())?;
        Ok(Restored { manifest, standing, proof })
    });
    match (&copied, &key) {
        (Ok(_), Some((_, key))) => write_private(&home.master_key(), key.to_text().expose().as_bytes())?,
        (Ok(_), None) => {}
        // The directory was empty, and is again.
        (Err(_), _) => drop(fs::remove_file(folder.join("lock"))),
    }
    drop(lock);
    copied
}

/// The backup's file: `from` itself, or the only one in it.
fn find(from: &Path) -> Result<PathBuf, RestoreError> {
    if from.is_file() {
        let own = from.to_string_lossy();
        return Ok(own.strip_suffix(".manifest.json").map_or_else(|| from.to_owned(), PathBuf::from));
    }
    let mut found: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(from).map_err(|_| RestoreError::NoBackup(from.to_owned()))? {
        let path = entry.map_err(at(from))?.path();
        if manifest_of(&path).is_file() {
            found.push(path);
        }
    }
    found.sort();
    match (found.len(), found.pop()) {
        (1, Some(only)) => Ok(only),
        (count, Some(newest)) => Err(RestoreError::Several { folder: from.to_owned(), count, newest }),
        (_, None) => Err(RestoreError::NoBackup(from.to_owned())),
    }
}

fn read_manifest(file: &Path) -> Result<Manifest, RestoreError> {
    let path = manifest_of(file);
    let wrong = |problem: String| RestoreError::Manifest { path: path.clone(), problem };
    let text = fs::read_to_string(&path)
        .map_err(|error| wrong(format!("{error}: a copy without its manifest was not finished")))?;
    let manifest: Manifest = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    if manifest.format > FORMAT {
        let text = format!("format {} is newer than {FORMAT}, which this version reads", manifest.format);
        return Err(wrong(format!("{text}; restore with feiqian {}", manifest.feiqian)));
    }
    if manifest.store != "sqlite" {
        return Err(wrong(format!("it is of a store on `{}`", manifest.store)));
    }
    Ok(manifest)
}

fn read_key(path: &Path) -> Result<MasterKey, RestoreError> {
    let text = fs::read_to_string(path).map_err(at(path))?;
    MasterKey::parse(text.trim()).map_err(|error| RestoreError::Key { path: path.to_owned(), error })
}

/// Copies the store beside its place and checks that it is whole and what the manifest says.
fn copy(file: &Path, manifest: &Manifest, home: &Home) -> Result<Partial, RestoreError> {
    let damaged = |problem: String| RestoreError::Damaged { path: file.to_owned(), problem };
    let length = fs::metadata(file).map_err(at(file))?.len();
    if length != manifest.bytes {
        return Err(damaged(format!("it has {length} bytes, the manifest says {}", manifest.bytes)));
    }
    let partial = Partial::create(&home.store())?;
    // Copied by its bytes, so that the new file keeps the mode it was made with.
    let mut source = fs::File::open(file).map_err(at(file))?;
    let mut target = fs::OpenOptions::new().write(true).open(&partial.0).map_err(at(&partial.0))?;
    io::copy(&mut source, &mut target).map_err(at(&partial.0))?;
    drop(target);
    let (_, sha256) = sync_and_sum(&partial.0).map_err(at(&partial.0))?;
    if sha256 != manifest.sha256 {
        return Err(damaged(format!("its SHA-256 is {sha256}, the manifest says {}", manifest.sha256)));
    }
    let found = store::sqlite_check(&partial.0)?;
    if let Some(first) = found.first() {
        return Err(damaged(format!("{first} (and {} more findings)", found.len() - 1)));
    }
    let standing = store::sqlite_standing(&partial.0)?;
    if standing.last.batch != manifest.last_batch || standing.schema != manifest.schema {
        return Err(damaged(format!(
            "it ends with batch {} and has schema {}, the manifest says {} and {}",
            standing.last.batch, standing.schema, manifest.last_batch, manifest.schema
        )));
    }
    Ok(partial)
}
