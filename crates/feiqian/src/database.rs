//! Which store: the file in the data directory, or a PostgreSQL database.

use crate::{config::Config, home::Home};
use engine::{Fault, Queries, Store};
use serde::{Deserialize, Serialize, Serializer};
use std::{fmt, sync::Arc};
use store::{PostgresOptions, PostgresTarget};
use types::Secret;

/// A database URL as configured; it may carry a password, so it shows itself without.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct DatabaseUrl(pub(crate) String);

/// A password: never shown.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct Password(pub(crate) String);

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.parse::<PostgresTarget>() {
            Ok(target) => target.fmt(f),
            Err(_) if self.0.is_empty() => Ok(()),
            Err(_) => f.write_str("***"), // unreadable, so nobody knows where its password is
        }
    }
}

impl fmt::Display for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "" } else { "***" })
    }
}

macro_rules! shown_masked {
    ($($name:ident)*) => { $(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }
    )* };
}
shown_masked!(DatabaseUrl Password);

/// The configured database; none when the store is the file.
pub(crate) fn target(config: &Config) -> Result<Option<PostgresTarget>, Fault> {
    if config.database.0.is_empty() {
        return Ok(None);
    }
    let target: PostgresTarget =
        config.database.0.parse().map_err(|error: store::BadTarget| Fault::Failed(error.to_string()))?;
    let mut password = config.database_password.0.clone();
    if !config.database_password_file.is_empty() {
        let file = &config.database_password_file;
        let text =
            std::fs::read_to_string(file).map_err(|error| Fault::Failed(format!("{file}: {error}")))?;
        text.trim_end_matches(['\r', '\n']).clone_into(&mut password);
    }
    Ok(Some(if password.is_empty() { target } else { target.with_password(&Secret::new(password)) }))
}

/// Opens the store to write.
pub(crate) fn open(home: &Home, config: &Config) -> Result<Store, Fault> {
    match target(config)? {
        None => {
            let options = store::Options { durable: config.durable, ..store::Options::default() };
            store::sqlite(&home.store(), options)
        }
        Some(target) => store::postgres(&target, options(config)),
    }
}

/// Opens an existing store to read, as it is at one moment, also while another process writes it.
pub(crate) fn snapshot(home: &Home, config: &Config) -> Result<Arc<dyn Queries>, Fault> {
    match target(config)? {
        None => store::sqlite_snapshot(&home.store()),
        Some(target) => store::postgres_queries(&target, options(config)),
    }
}

/// A database that holds nothing yet, for what must begin with nothing.
pub(crate) fn must_be_empty(config: &Config) -> Result<(), Fault> {
    let Some(target) = target(config)? else { return Ok(()) };
    let counts = store::postgres(&target, options(config))?.queries.counts()?;
    if counts.batch == 0 {
        return Ok(());
    }
    Err(Fault::Failed(format!(
        "{target} holds an installation already ({} batches); name an empty database",
        counts.batch
    )))
}

pub(crate) fn options(config: &Config) -> PostgresOptions {
    PostgresOptions { durable: config.durable, ..PostgresOptions::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configured_password_is_never_printed() {
        let config = Config {
            database: DatabaseUrl("postgres://pay:s3cret@db.example/feiqian".into()),
            database_password: Password("s3cret".into()),
            ..Config::default()
        };
        let shown = format!("{config:?} {}", serde_json::to_string(&config).unwrap());
        assert!(!shown.contains("s3cret"), "{shown}");
        assert!(shown.contains("postgres://pay:***@db.example/feiqian"), "{shown}");
        let unreadable = DatabaseUrl("postgres//pay:s3cret@db.example".into());
        assert!(!format!("{unreadable:?}").contains("s3cret"));
    }

    #[test]
    fn a_password_file_is_read_without_its_line_end() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        std::fs::write(&file, "s3cret \n").unwrap();
        let mut config = Config {
            database: DatabaseUrl("postgres://pay@localhost/feiqian".into()),
            database_password_file: file.display().to_string(),
            ..Config::default()
        };
        assert!(target(&config).unwrap().is_some());
        config.database_password_file.push_str(".absent");
        assert!(target(&config).unwrap_err().to_string().contains("password.absent"));
        assert!(target(&Config::default()).unwrap().is_none());
    }
}
