//! A database of its own for each test.

use engine::{Queries, Store};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use store::{PostgresOptions, PostgresTarget, postgres, postgres_queries};
use tokio_postgres::{NoTls, SimpleQueryMessage};
use xtask::postgres::{Cluster, VARIABLE};

/// The server that tests share, as the URL of its database `postgres`; none, and told, when there is none.
pub(crate) fn server() -> Option<String> {
    let server = std::env::var(VARIABLE).ok().filter(|url| !url.is_empty());
    if server.is_none() {
        eprintln!("SKIPPED: {VARIABLE} names no server; `cargo xtask test` starts one");
    }
    server
}

/// A server of the test's own, where the test may break what it likes.
pub(crate) fn cluster(settings: &[&str]) -> Option<Cluster> {
    server()?;
    Some(Cluster::start(settings).unwrap())
}

/// A database, dropped with this.
pub(crate) struct Place {
    admin: String,
    name: String,
    pub(crate) url: String,
}

impl Place {
    pub(crate) fn new() -> Option<Self> {
        Some(Self::on(&server()?))
    }

    pub(crate) fn on(admin: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("t{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let admin = admin.to_owned();
        sql(&admin, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        sql(&admin, &format!("CREATE DATABASE {name}"));
        let (base, _) = admin.rsplit_once('/').unwrap();
        Self { url: format!("{base}/{name}"), admin, name }
    }

    pub(crate) fn target(&self) -> PostgresTarget {
        self.url.parse().unwrap()
    }

    pub(crate) fn open(&self) -> Store {
        open(&self.url)
    }

    /// Opens one of several shards.
    pub(crate) fn open_at(&self, place: types::Place) -> Store {
        postgres(&self.target(), PostgresOptions { place, ..options() }).unwrap()
    }

    pub(crate) fn queries(&self) -> Arc<dyn Queries> {
        postgres_queries(&self.target(), options()).unwrap()
    }

    /// Runs SQL on it as the superuser.
    pub(crate) fn sql(&self, text: &str) -> Vec<Vec<String>> {
        sql(&self.url, text)
    }

    /// Checks every money invariant.
    #[track_caller]
    pub(crate) fn prove(&self) -> engine::prove::Proof {
        let proof = engine::prove::prove(&*self.queries()).unwrap();
        assert!(proof.holds(), "{:#?}", proof.failures);
        proof
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        if let Err(error) = try_sql(&self.admin, &drop) {
            eprintln!("{}: {error}", self.name); // its server may be gone
        }
    }
}

pub(crate) fn options() -> PostgresOptions {
    PostgresOptions { statement_timeout: Duration::from_secs(20), ..PostgresOptions::default() }
}

#[track_caller]
pub(crate) fn open(url: &str) -> Store {
    postgres(&url.parse().unwrap(), options()).unwrap()
}

/// Runs SQL, each statement by itself, and gives all rows as text.
#[track_caller]
pub(crate) fn sql(url: &str, text: &str) -> Vec<Vec<String>> {
    try_sql(url, text).unwrap_or_else(|error| panic!("{text}: {error:?}"))
}

pub(crate) fn try_sql(url: &str, text: &str) -> Result<Vec<Vec<String>>, tokio_postgres::Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        let driver = tokio::spawn(connection);
        let messages = client.simple_query(text).await?;
        drop(client);
        driver.await.unwrap()?;
        let rows = messages.into_iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => {
                Some((0..row.len()).map(|at| row.get(at).unwrap_or("").to_owned()).collect())
            }
            _ => None,
        });
        Ok(rows.collect())
    })
}
