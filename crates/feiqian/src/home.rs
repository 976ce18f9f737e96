//! The data directory: the store, the master key, the sandbox's files, and the lock that keeps a second
//! process out.

use crypto::MasterKey;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// A data directory.
#[derive(Debug, Clone)]
pub(crate) struct Home(PathBuf);

/// Why a data directory can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HomeError {
    #[error("{path}: {error}")]
    Io { path: PathBuf, error: io::Error },
    #[error("{0} is in use by another feiqian process; stop it first, or use another --data directory")]
    InUse(PathBuf),
    #[error("{path}: {error}")]
    Key { path: PathBuf, error: crypto::vault::VaultError },
    #[error(
        "{0} is not there, but a store is; put the master key of this installation back, since a new one opens \
         nothing that is in the store"
    )]
    NoKey(PathBuf),
    #[error("{path} can be read by others (mode {mode:o}); run: chmod 600 {path}")]
    Exposed { path: PathBuf, mode: u32 },
}

/// Held while the directory is in use.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "released when dropped")] File);

impl Home {
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
    /// The store.
    pub(crate) fn store(&self) -> PathBuf {
        self.0.join("feiqian.db")
    }
    /// Bytes of the store's write-ahead log; none of a store on a server.
    pub(crate) fn log_bytes(&self) -> u64 {
        fs::metadata(self.0.join("feiqian.db-wal")).map_or(0, |file| file.len())
    }
    /// The configuration that is read when no other is named.
    pub(crate) fn config(&self) -> PathBuf {
        self.0.join("feiqian.toml")
    }
    /// The master key, unless configured elsewhere.
    pub(crate) fn master_key(&self) -> PathBuf {
        self.0.join("master.key")
    }
    /// Bills that were made; can be deleted at any time.
    pub(crate) fn bills(&self) -> PathBuf {
        self.0.join("bills")
    }
    /// The bills of the card channel, a file a day.
    pub(crate) fn channel(&self) -> PathBuf {
        self.0.join("channel")
    }
    /// What was done with the bank's statements.
    pub(crate) fn statements(&self) -> PathBuf {
        self.0.join("statements")
    }
    /// The folder of a sandbox's bank.
    pub(crate) fn bank(&self) -> PathBuf {
        self.0.join("bank")
    }
    /// What integrators of a sandbox need.
    pub(crate) fn sandbox(&self) -> PathBuf {
        self.0.join("sandbox")
    }
    /// Makes the directory, for the owner only, and takes the lock.
    pub(crate) fn lock(&self) -> Result<Lock, HomeError> {
        fs::create_dir_all(&self.0).map_err(|error| io_error(&self.0, error))?;
        fs::set_permissions(&self.0, fs::Permissions::from_mode(0o700))
            .map_err(|error| io_error(&self.0, error))?;
        let path = self.0.join("lock");
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(|error| io_error(&path, error))?;
        match file.try_lock() {
            Ok(()) => Ok(Lock(file)),
            Err(fs::TryLockError::WouldBlock) => Err(HomeError::InUse(self.0.clone())),
            Err(fs::TryLockError::Error(error)) => Err(io_error(&path, error)),
        }
    }
    /// Reads the master key, or makes one and keeps it for the owner only.
    pub(crate) fn load_master_key(&self, configured: Option<&Path>) -> Result<MasterKey, HomeError> {
        let path = configured.map_or_else(|| self.master_key(), Path::to_path_buf);
        let key_error = |error| HomeError::Key { path: path.clone(), error };
        match fs::read_to_string(&path) {
            Ok(text) => {
                let mode = fs::metadata(&path).map_err(|error| io_error(&path, error))?.permissions().mode();
                if mode & 0o077 != 0 {
                    return Err(HomeError::Exposed { path, mode: mode & 0o777 });
                }
                MasterKey::parse(text.trim()).map_err(key_error)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && configured.is_none() => {
                if self.store().exists() {
                    return Err(HomeError::NoKey(path));
                }
                let key = MasterKey::generate().map_err(key_error)?;
                write_private(&path, key.to_text().expose().as_bytes())?;
                tracing::warn!(path = %path.display(), "a master key was made; back it up apart from the data");
                Ok(key)
            }
            Err(error) => Err(io_error(&path, error)),
        }
    }
}

fn io_error(path: &Path, error: io::Error) -> HomeError {
    HomeError::Io { path: path.to_path_buf(), error }
}

/// Writes a file that only its owner can read, whole or not at all.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), HomeError> {
    let temporary = path.with_extension("tmp");
    let write = || -> io::Result<()> {
        let mut file =
            OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    write().map_err(|error| io_error(path, error))
}
