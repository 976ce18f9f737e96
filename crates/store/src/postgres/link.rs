//! One connection: opened with its settings, watched for warnings, bounded in time, given up when lost.

use super::{PostgresOptions, target::PostgresTarget, tls::Tls, wait::wait};
use engine::Fault;
use std::{
    collections::HashMap,
    error::Error as _,
    fmt,
    future::{Future, poll_fn},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    runtime::{Builder, Handle, Runtime},
    task::{AbortHandle, JoinHandle},
};
use tokio_postgres::{
    AsyncMessage, Client, Connection, Error, NoTls, SimpleQueryMessage, Statement,
    types::{ToSql, Type},
};
use types::Shard;

/// How much later than the server's own time-out a silent connection is given up.
const GRACE: Duration = Duration::from_secs(5);

/// Where the database is, and the thread on which all connections to it do their I/O.
pub(super) struct Server {
    runtime: Option<Runtime>,
    io: Handle,
    target: PostgresTarget,
    tls: Option<Tls>,
    pub(super) options: PostgresOptions,
}

/// What a connection is for: its name in `pg_stat_activity`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Commit,
    Load,
    Query,
    Schema,
    Nodes,
}

impl Server {
    pub(super) fn new(target: &PostgresTarget, options: PostgresOptions) -> Result<Arc<Self>, Fault> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("postgres-io")
            .enable_all()
            .build()
            .map_err(|error| Fault::Failed(format!("no I/O thread: {error}")))?;
        let tls = target.tls.as_ref().map(Tls::new).transpose()?;
        let io = runtime.handle().clone();
        Ok(Arc::new(Self { runtime: Some(runtime), io, target: target.clone(), tls, options }))
    }

    /// Runs what asks connections, beside their I/O.
    pub(super) fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.io.spawn(work)
    }

    /// The database, as it is shown to people.
    pub(super) fn name(&self) -> impl fmt::Display {
        &self.target
    }

    /// A fault of this database.
    pub(super) fn failed(&self, what: impl fmt::Display) -> Fault {
        Fault::Failed(format!("{}: {what}", self.target))
    }

    /// Opens a connection and sets it up.
    pub(super) fn connect(&self, purpose: Purpose) -> Result<Link, Fault> {
        let mut config = self.target.config.clone();
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(self.options.connect_timeout);
        }
        config
            .application_name(purpose.name(self.options.place.shard))
            .keepalives_idle(Duration::from_secs(10))
            .keepalives_interval(Duration::from_secs(5))
            .keepalives_retries(3)
            .tcp_user_timeout(Duration::from_secs(20));
        let warned = Arc::new(Mutex::new(None));
        let (heard, tls, io) = (Arc::clone(&warned), self.tls.clone(), self.io.clone());
        let task = self.io.spawn(async move {
            Ok::<_, Error>(match tls {
                None => {
                    let (client, connection) = config.connect(NoTls).await?;
                    (client, io.spawn(drive(connection, heard)).abort_handle())
                }
                Some(tls) => {
                    let (client, connection) = config.connect(tls).await?;
                    (client, io.spawn(drive(connection, heard)).abort_handle())
                }
            })
        });
        let stop = task.abort_handle();
        let Some(connected) = wait(task, self.options.connect_timeout * 2 + GRACE) else {
            stop.abort();
            return Err(self.failed("the server does not finish the connection; is it overloaded?"));
        };
        let connected = connected.map_err(|error| self.failed(error))?;
        let (client, driver) = connected.map_err(|error| self.failed(tell(&error)))?;
        let limit = self.options.statement_timeout + GRACE;
        let lost = AtomicBool::new(false);
        let mut link = Link { client, driver, statements: HashMap::new(), warned, limit, lost };
        self.set_up(&mut link, purpose).map_err(|trouble| self.failed(trouble))?;
        Ok(link)
    }

    fn set_up(&self, link: &mut Link, purpose: Purpose) -> Result<(), Trouble> {
        let timeout = self.options.statement_timeout.as_millis().to_string();
        let timeout = if purpose == Purpose::Schema { "0" } else { &timeout };
        let mut settings = vec![
            ("statement_timeout", timeout),
            // A transaction whose client fell silent must not hold a shard's row for long.
            ("idle_in_transaction_session_timeout", "15s"),
            ("tcp_keepalives_idle", "10"),
            ("tcp_keepalives_interval", "5"),
            ("tcp_keepalives_count", "3"),
            ("default_transaction_isolation", "read committed"),
            ("client_min_messages", "warning"),
            ("jit", "off"),
        ];
        if purpose == Purpose::Nodes {
            // A claim that meets a lock must not keep this node from announcing itself.
            settings.push(("lock_timeout", "400"));
        }
        if purpose != Purpose::Schema {
            // Every statement finds its rows by an index. A planner without statistics (a new database) would
            // choose scans, and a cached plan would keep them while the tables grow.
            settings.extend([
                ("plan_cache_mode", "force_generic_plan"),
                ("enable_seqscan", "off"),
                ("enable_hashjoin", "off"),
                ("enable_mergejoin", "off"),
            ]);
        }
        let rows: Vec<String> =
            settings.iter().map(|(name, value)| format!("('{name}', '{value}')")).collect();
        // Only those that this server knows: others than PostgreSQL lack some.
        let sql = format!(
            "SELECT set_config(s.name, v.value, false) FROM (VALUES {}) AS v (name, value)
             JOIN pg_settings AS s ON s.name = v.name",
            rows.join(", ")
        );
        link.simple(&sql)?;
        if purpose == Purpose::Commit && self.options.durable {
            check_durability(link)?;
        }
        Ok(())
    }
}

/// Refuses a server that could lose what it said is committed.
fn check_durability(link: &Link) -> Result<(), Trouble> {
    let sql = "SELECT name, setting FROM pg_settings
               WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit')";
    for row in link.simple(sql)? {
        let (name, setting) = (row[0].as_deref().unwrap_or(""), row[1].as_deref().unwrap_or(""));
        if setting == "off" {
            return Err(Trouble::Wrong(format!(
                "the server runs with {name} = off, so a crash loses payments that were confirmed; set it to on \
                 (for this role: ALTER ROLE … RESET {name})"
            )));
        }
        if setting == "local" {
            tracing::warn!("synchronous_commit is local: a standby may lack payments that were confirmed");
        }
    }
    Ok(())
}

impl Purpose {
    /// Who takes a shard over finds the connections of its committer by their name.
    pub(super) fn name(self, shard: Shard) -> String {
        let name = match self {
            Self::Commit => return format!("feiqian commit {shard}"),
            Self::Load => "feiqian load",
            Self::Query => "feiqian query",
            Self::Schema => "feiqian schema",
            Self::Nodes => "feiqian nodes",
        };
        name.to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background(); // also where blocking is not allowed
        }
    }
}

/// Does a connection's I/O until it ends, and keeps the last warning.
async fn drive<S, T>(mut connection: Connection<S, T>, warned: Arc<Mutex<Option<String>>>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
        if let AsyncMessage::Notice(notice) = message
            && notice.severity() != "NOTICE"
        {
            let text = format!("{}: {}", notice.severity(), notice.message());
            *warned.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
        }
    }
}

/// A connection, with the statements prepared on it.
pub(super) struct Link {
    pub(super) client: Client,
    driver: AbortHandle,
    statements: HashMap<String, Statement>,
    warned: Arc<Mutex<Option<String>>>,
    limit: Duration,
    lost: AtomicBool,
}

impl Link {
    /// True when it is of no more use.
    pub(super) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire) || self.client.is_closed()
    }

    /// Waits for requests on this connection.
    pub(super) fn wait<T, E: Into<Trouble>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Trouble> {
        match wait(work, self.limit) {
            Some(Ok(output)) => Ok(output),
            Some(Err(error)) => Err(error.into()),
            None => {
                self.lost.store(true, Ordering::Release);
                Err(Trouble::Late(self.limit))
            }
        }
    }

    /// How long it waits for answers.
    pub(super) const fn limit(&self) -> Duration {
        self.limit
    }

    /// The warning that came since this was last asked.
    pub(super) fn take_warning(&self) -> Option<String> {
        self.warned.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The statement, prepared on this connection.
    pub(super) fn prepare(&mut self, sql: &str, types: &[Type]) -> Result<Statement, Trouble> {
        if let Some(known) = self.statements.get(sql) {
            return Ok(known.clone());
        }
        let statement = self.wait(self.client.prepare_typed(sql, types))?;
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    /// The statement, if it was prepared before.
    pub(super) fn prepared(&self, sql: &str) -> Option<Statement> {
        self.statements.get(sql).cloned()
    }

    /// The rows of a prepared statement.
    pub(super) fn rows(
        &mut self,
        sql: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<tokio_postgres::Row>, Trouble> {
        let statement = self.prepare(sql, &[])?;
        self.wait(self.client.query(&statement, values))
    }

    /// Runs a prepared statement; how many rows it changed.
    pub(super) fn execute(&mut self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<u64, Trouble> {
        let statement = self.prepare(sql, &[])?;
        self.wait(self.client.execute(&statement, values))
    }

    /// Runs statements as text and gives the rows of all, as text.
    pub(super) fn simple(&self, sql: &str) -> Result<Vec<Vec<Option<String>>>, Trouble> {
        let messages = self.wait(self.client.simple_query(sql))?;
        let rows = messages.into_iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => {
                Some((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect())
            }
            _ => None,
        });
        Ok(rows.collect())
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // A healthy connection says goodbye by itself once the client is gone; a stuck one is torn down.
        if self.lost.load(Ordering::Acquire) {
            self.driver.abort();
        }
    }
}

/// What went wrong with a request.
#[derive(Debug)]
pub(super) enum Trouble {
    Sql(Error),
    Late(Duration),
    Wrong(String),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Sql(error)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sql(error) => f.write_str(&tell(error)),
            Self::Late(limit) => write!(f, "no answer within {} s", limit.as_secs()),
            Self::Wrong(text) => f.write_str(text),
        }
    }
}

/// An error with its cause. The server's detail is left out: it may quote a row.
pub(super) fn tell(error: &Error) -> String {
    if let Some(db) = error.as_db_error() {
        let mut text = format!("{} ({})", db.message(), db.code().code());
        for (what, name) in [("table", db.table()), ("column", db.column()), ("constraint", db.constraint())]
        {
            if let Some(name) = name {
                text.push_str(&format!(", {what} {name}"));
            }
        }
        return text;
    }
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
