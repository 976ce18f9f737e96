//! A data folder with a sandbox in it, and what `sandbox init` wrote there.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;
use xtask::postgres;

use crate::{must, run};

/// A temporary data folder with a fresh sandbox. Removed when dropped.
#[derive(Debug)]
pub struct DataDir {
    folder: TempDir,
}

impl DataDir {
    /// A new folder, after `feiqian sandbox init --data DIR` in it.
    #[track_caller]
    #[must_use]
    pub fn with_sandbox() -> Self {
        Self::with_sandbox_on(database().as_deref())
    }

    /// As [`DataDir::with_sandbox`], its store a file whatever the other tests run on: for what belongs to files.
    #[track_caller]
    #[must_use]
    pub fn with_sandbox_in_a_file() -> Self {
        Self::with_sandbox_on(None)
    }

    /// As [`DataDir::with_sandbox`], its store a new database on the PostgreSQL server for tests; none, and told, when
    /// there is no such server.
    #[track_caller]
    #[must_use]
    pub fn with_sandbox_on_postgres() -> Option<Self> {
        Some(Self::with_sandbox_on(Some(&database_on_postgres()?)))
    }

    /// As [`DataDir::with_sandbox_on_postgres`], of a database with so many shards.
    #[track_caller]
    #[must_use]
    pub fn with_shards_on_postgres(shards: u8) -> Option<Self> {
        let url = database_on_postgres()?;
        Some(Self::empty().init_with(&["--database", &url, "--shards", &shards.to_string()]))
    }

    /// A copy of the folder, as on a second machine: the same keys, configuration and, if it is one, database.
    #[track_caller]
    #[must_use]
    pub fn copy(&self) -> Self {
        let copy = Self::empty();
        let from = format!("{}/.", self.text());
        let done = std::process::Command::new("cp").args(["-a", &from, &copy.text()]).status();
        assert!(done.is_ok_and(|status| status.success()), "'cp' could not copy {from}");
        copy
    }

    /// As [`DataDir::with_sandbox_in_a_file`], under `folder`.
    #[track_caller]
    #[must_use]
    pub fn with_sandbox_in_a_file_under(folder: &Path) -> Self {
        Self { folder: must(TempDir::with_prefix_in("feiqian-", folder), "a temporary folder") }.init(None)
    }

    #[track_caller]
    fn with_sandbox_on(database: Option<&str>) -> Self {
        Self::empty().init(database)
    }

    #[track_caller]
    fn init(self, database: Option<&str>) -> Self {
        match database {
            Some(url) => self.init_with(&["--database", url]),
            None => self.init_with(&[]),
        }
    }

    #[track_caller]
    fn init_with(self, more: &[&str]) -> Self {
        let text = self.text();
        let mut arguments = vec!["sandbox", "init", "--data", &text];
        arguments.extend(more);
        let ended = run(&arguments);
        assert!(ended.ok(), "'feiqian sandbox init' failed: {ended}");
        self
    }

    /// A new folder with nothing in it.
    #[track_caller]
    #[must_use]
    pub fn empty() -> Self {
        Self { folder: must(TempDir::with_prefix("feiqian-"), "a temporary folder") }
    }

    /// Adds a line to the configuration, for the next start.
    #[track_caller]
    pub fn configure(&self, line: &str) {
        let file = self.path().join("feiqian.toml");
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        must(std::fs::write(&file, format!("{text}{line}\n")), "writing feiqian.toml");
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The folder as an argument of a command.
    #[must_use]
    pub fn text(&self) -> String {
        self.path().display().to_string()
    }

    /// What `sandbox init` wrote for integrators.
    #[track_caller]
    #[must_use]
    pub fn sandbox(&self) -> Sandbox {
        Sandbox::read(&self.path().join("sandbox"))
    }

    /// Runs `feiqian prove` on the folder and demands that every invariant of money holds.
    #[track_caller]
    pub fn must_prove(&self) {
        let ended = run(&["prove", "--data", &self.text()]);
        assert!(ended.ok(), "'feiqian prove' found a broken invariant: {ended}");
    }
}

/// A new database on the PostgreSQL server for tests; none, and told, when there is no such server.
#[track_caller]
#[must_use]
pub fn database_on_postgres() -> Option<String> {
    let Ok(server) = std::env::var(postgres::VARIABLE) else {
        eprintln!("SKIPPED: {} names no server; `cargo xtask test` starts one", postgres::VARIABLE);
        return None;
    };
    Some(must(postgres::new_database(&server), "a new database"))
}

/// A new PostgreSQL database for the store, when `FEIQIAN_TEST_FRONT_DOOR` is `postgres`; else it is a file.
#[track_caller]
fn database() -> Option<String> {
    if std::env::var("FEIQIAN_TEST_FRONT_DOOR").ok()? != "postgres" {
        return None;
    }
    let server = must(std::env::var(postgres::VARIABLE), postgres::VARIABLE);
    Some(must(postgres::new_database(&server), "a new database"))
}

/// The sandbox merchant and payer, as in `DIR/sandbox/merchant.json`.
#[derive(Debug, Clone)]
pub struct Sandbox {
    /// Merchant number.
    pub mchid: String,
    /// An application bound to the merchant.
    pub appid: String,
    /// Serial of the merchant's API certificate.
    pub merchant_serial_no: String,
    /// The merchant's RSA private key, PKCS#8 PEM.
    pub merchant_private_key: String,
    /// The merchant's APIv3 key, 32 characters.
    pub apiv3_key: String,
    /// Id of the platform's public key.
    pub platform_public_key_id: String,
    /// The platform's public key, PEM.
    pub platform_public_key: String,
    /// A payer with money, ready to pay.
    pub payer_openid: String,
}

impl Sandbox {
    /// Reads `merchant.json` in `folder` and the keys it names.
    #[track_caller]
    fn read(folder: &Path) -> Self {
        let file = folder.join("merchant.json");
        let text = must(std::fs::read_to_string(&file), &format!("reading {}", file.display()));
        let json: Value = must(serde_json::from_str(&text), &format!("{} as JSON", file.display()));
        let member = |name: &str| match json[name].as_str() {
            Some(value) if !value.is_empty() => value.to_owned(),
            _ => panic!("{} has no '{name}'", file.display()),
        };
        let pem = |name: &str| {
            // `join` keeps an absolute path as it is.
            let path: PathBuf = folder.join(member(name));
            must(std::fs::read_to_string(&path), &format!("reading {}", path.display()))
        };
        Self {
            mchid: member("mchid"),
            appid: member("appid"),
            merchant_serial_no: member("merchant_serial_no"),
            merchant_private_key: pem("merchant_private_key_path"),
            apiv3_key: member("apiv3_key"),
            platform_public_key_id: member("platform_public_key_id"),
            platform_public_key: pem("platform_public_key_path"),
            payer_openid: member("payer_openid"),
        }
    }
}
