//! Configuration: defaults, then one TOML file, then `FEIQIAN_…` variables, then flags. Business parameters
//! (limits, fees) are records, not configuration.

use crate::{
    database::{DatabaseUrl, Password},
    home::Home,
};
use config::{Environment, File, FileFormat};
use engine::nodes::is_name;
use protocol::qr::Prefix;
use serde::{Deserialize, Serialize};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};
use types::Shard;

/// How the names of commands that join for a moment begin.
pub(crate) const NODE_TOOL: &str = "tool-";

/// Everything an operator can set.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// `sandbox` (test endpoints, fault menu, never for real money) or `production`.
    pub(crate) mode: Mode,
    /// Address and port to listen on.
    pub(crate) listen: SocketAddr,
    /// Scheme, host and port under which payers and merchants reach this server; `http://LISTEN` when empty.
    pub(crate) public_base: String,
    /// Further bases that merchants may have signed into absolute URLs.
    pub(crate) other_bases: Vec<String>,
    /// URL of a PostgreSQL database that holds the store; the file in the data directory when empty.
    pub(crate) database: DatabaseUrl,
    /// The database's password, unless its URL has it. Best given as `FEIQIAN_DATABASE_PASSWORD` or in a file.
    pub(crate) database_password: Password,
    /// File with the database's password, for its owner only.
    pub(crate) database_password_file: String,
    /// This node's name, when several share the database: 1 to 32 of `a-z`, `0-9`, `.`, `-`. Empty when it runs alone.
    pub(crate) node: String,
    /// Address and port for the other nodes; needed with `node`. Only nodes in the database's list get in.
    pub(crate) cluster_listen: String,
    /// Host and port by which the other nodes reach `cluster_listen`, when it is another.
    pub(crate) cluster_advertise: String,
    /// Shards of a database that is still empty, 1 to 64; fixed by the first start. 0 takes what the database has.
    pub(crate) shards: u8,
    /// False lets a power cut lose the last payments. For experiments only.
    pub(crate) durable: bool,
    /// Commands that may wait before new ones are refused as busy, 1 to 1,000,000.
    pub(crate) queue_max: usize,
    /// Threads that sign answers, 1 to 256; one a core when 0.
    pub(crate) signing_threads: usize,
    /// File with the master key; `master.key` in the data directory when empty.
    pub(crate) master_key_file: String,
    /// First two digits of payment codes: 1 to 99, but 10–15, 25–30 and 62, which other wallets use.
    pub(crate) payment_code_prefix: u8,
    /// Orders that a combined order may have, 2 to 50.
    pub(crate) combine_most: u8,
    /// Where texts to phones are posted as JSON; needed in production, since payers sign in with a code.
    pub(crate) sms_url: String,
    /// File with the bearer token for `sms_url`.
    pub(crate) sms_token_file: String,
    /// Folder shared with the platform's bank: payment orders go to `in`, reports and notices come from `out`. A sandbox
    /// without one has a bank of its own; in production payouts wait when it is empty.
    pub(crate) bank_folder: String,
    /// The platform's account from which payouts are made.
    pub(crate) bank_account: String,
    /// Whose account that is.
    pub(crate) bank_holder: String,
    /// The number of its bank in the payment system, 12 digits.
    pub(crate) bank_number: String,
    /// JSON file that declares the bank's CSV statement; the built-in form when empty.
    pub(crate) statement_format: String,
    /// What an end-to-end id or text on the bank's statement begins with where the card channel pays a batch; the batch
    /// follows.
    pub(crate) channel_prefix: String,
    /// Seconds between the signal to stop, when `/readyz` begins to say no, and the moment new connections are
    /// turned away, 0 to 60.
    pub(crate) drain_notice_s: u64,
    /// Seconds that open requests get at shutdown, 0 to 300.
    pub(crate) drain_s: u64,
    /// Address and port of `/metrics`, for Prometheus; not served when empty. Keep it off the public network.
    pub(crate) metrics_listen: String,
    /// MiB that must be free in the data directory for `/readyz` to say yes, 0 to 1,048,576.
    pub(crate) disk_free_min_mib: u64,
}

/// What kind of installation this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    Sandbox,
    Production,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            mode: Mode::Production,
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080),
            public_base: String::new(),
            other_bases: Vec::new(),
            database: DatabaseUrl::default(),
            database_password: Password::default(),
            database_password_file: String::new(),
            node: String::new(),
            cluster_listen: String::new(),
            cluster_advertise: String::new(),
            shards: 0,
            durable: true,
            queue_max: 20_000,
            signing_threads: 0,
            master_key_file: String::new(),
            payment_code_prefix: 88,
            combine_most: 10,
            sms_url: String::new(),
            sms_token_file: String::new(),
            bank_folder: String::new(),
            bank_account: String::new(),
            bank_holder: String::new(),
            bank_number: String::new(),
            statement_format: String::new(),
            channel_prefix: worker::reconcile::statement::files::CHANNEL_PREFIX.to_owned(),
            drain_notice_s: 1,
            drain_s: 10,
            metrics_listen: String::new(),
            disk_free_min_mib: 256,
        }
    }
}

/// The variables that name a setting. Another `FEIQIAN_…` variable is told of, since it may be a slip.
fn settings() -> Result<config::Map<String, String>, ConfigError> {
    let defaults = config::Config::try_from(&Config::default())?;
    let known: std::collections::HashMap<String, config::Value> = defaults.try_deserialize()?;
    let ours = std::env::vars().filter_map(|(name, value)| {
        let setting = name.strip_prefix("FEIQIAN_")?.to_ascii_lowercase();
        if setting == "database_password" {
            return None; // taken as it is by `load`: digits must stay text
        }
        if known.contains_key(&setting) {
            return Some((name, value));
        }
        if setting != "log" {
            tracing::warn!(variable = name, "names no setting and is ignored");
        }
        None
    });
    Ok(ours.collect())
}

/// Why the configuration can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("configuration: {0}")]
    Read(#[from] config::ConfigError),
    #[error("configuration: {0}")]
    Range(String),
}

/// Something an operator should know before real money moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unsafe {
    /// True when it must not be used with real money.
    pub(crate) fatal: bool,
    pub(crate) text: String,
}

impl Config {
    /// Reads `file`, or the data directory's own, then the environment.
    pub(crate) fn load(home: &Home, file: Option<&Path>) -> Result<Self, ConfigError> {
        let mut sources = config::Config::builder();
        sources = match file {
            Some(path) => sources.add_source(File::from(path).format(FileFormat::Toml)),
            None => sources.add_source(File::from(home.config()).format(FileFormat::Toml).required(false)),
        };
        let environment = Environment::with_prefix("FEIQIAN").separator("__").prefix_separator("_");
        sources = sources.add_source(environment.source(Some(settings()?)).try_parsing(true));
        let mut config: Self = sources.build()?.try_deserialize()?;
        config = config.with_database(None);
        config.check_ranges()?;
        Ok(config)
    }
    /// Again after flags were put in.
    ///
    /// # Errors
    /// [`ConfigError::Range`] naming the value.
    pub(crate) fn check_ranges(&self) -> Result<(), ConfigError> {
        let refuse = |text: String| Err(ConfigError::Range(text));
        if !self.node.is_empty() && (!is_name(&self.node) || self.node.starts_with(NODE_TOOL)) {
            return refuse(format!(
                "node is `{}`, must be 1 to 32 of a-z, 0-9, `.` and `-`, begin with a letter or digit and not with \
                 {NODE_TOOL}",
                self.node
            ));
        }
        if self.shards > Shard::MOST {
            return refuse(format!("shards is {}, must be 1 to {}, or 0", self.shards, Shard::MOST));
        }
        let address = self.cluster_address();
        if !self.cluster_listen.is_empty() && address.is_none() || !self.node.is_empty() && address.is_none()
        {
            return refuse(format!(
                "cluster_listen is `{}`, must be ADDRESS:PORT such as 10.0.0.5:7443; a node needs one for the others",
                self.cluster_listen
            ));
        }
        if address.is_some_and(|address| address.ip().is_unspecified()) && self.cluster_advertise.is_empty() {
            return refuse(format!(
                "cluster_listen is `{}`, which is no address to go to; set cluster_advertise to host:port",
                self.cluster_listen
            ));
        }
        if Prefix::new(self.payment_code_prefix).is_none() {
            return refuse(format!(
                "payment_code_prefix is {}, must be 1 to 99 and none of 10–15, 25–30, 62, which other wallets use",
                self.payment_code_prefix
            ));
        }
        if !(2..=50).contains(&self.combine_most) {
            return refuse(format!("combine_most is {}, must be 2 to 50", self.combine_most));
        }
        if !(1..=1_000_000).contains(&self.queue_max) {
            return refuse(format!("queue_max is {}, must be 1 to 1000000", self.queue_max));
        }
        if self.signing_threads > 256 {
            return refuse(format!("signing_threads is {}, must be 0 to 256", self.signing_threads));
        }
        if self.drain_s > 300 {
            return refuse(format!("drain_s is {}, must be 0 to 300", self.drain_s));
        }
        if self.drain_notice_s > 60 {
            return refuse(format!("drain_notice_s is {}, must be 0 to 60", self.drain_notice_s));
        }
        if self.disk_free_min_mib > 1_048_576 {
            return refuse(format!("disk_free_min_mib is {}, must be 0 to 1048576", self.disk_free_min_mib));
        }
        if !self.metrics_listen.is_empty() && self.metrics_address().is_none() {
            return refuse(format!(
                "metrics_listen is `{}`, must be ADDRESS:PORT such as 127.0.0.1:9464, or empty",
                self.metrics_listen
            ));
        }
        let base = &self.public_base;
        let known = base.is_empty() || base.starts_with("http://") || base.starts_with("https://");
        if !known || base.ends_with('/') {
            return refuse(format!(
                "public_base is `{base}`, must be http(s)://host[:port] without a slash at the end"
            ));
        }
        Ok(())
    }
    /// With the database that the command line names, if it names one, and the password of the environment.
    pub(crate) fn with_database(mut self, named: Option<&str>) -> Self {
        if let Ok(password) = std::env::var("FEIQIAN_DATABASE_PASSWORD") {
            self.database_password = Password(password);
        }
        if let Some(url) = named {
            self.database = DatabaseUrl(url.to_owned());
        }
        self
    }
    /// The base that links are built from.
    pub(crate) fn base(&self) -> String {
        if self.public_base.is_empty() { format!("http://{}", self.listen) } else { self.public_base.clone() }
    }
    /// The prefix of payment codes.
    pub(crate) fn prefix(&self) -> Prefix {
        Prefix::new(self.payment_code_prefix).unwrap_or(Prefix::DEFAULT)
    }
    /// The master key's file, when it is configured.
    pub(crate) fn master_key(&self) -> Option<PathBuf> {
        (!self.master_key_file.is_empty()).then(|| PathBuf::from(&self.master_key_file))
    }
    /// Where metrics are served, when they are.
    pub(crate) fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_listen.parse().ok()
    }
    /// Where other nodes are let in, when they are.
    pub(crate) fn cluster_address(&self) -> Option<SocketAddr> {
        self.cluster_listen.parse().ok()
    }
    /// Signing threads in effect.
    pub(crate) fn signing(&self) -> usize {
        match self.signing_threads {
            0 => crate::cores(),
            threads => threads,
        }
    }
    /// What is unsafe about these values.
    pub(crate) fn dangers(&self) -> Vec<Unsafe> {
        let mut found = Vec::new();
        let mut say = |fatal, text: &str| found.push(Unsafe { fatal, text: text.to_owned() });
        let loopback = self.listen.ip().is_loopback();
        match self.mode {
            Mode::Sandbox if !loopback => say(
                true,
                "a sandbox listens beyond this machine: anybody who reaches it can read sign-in codes; \
                 set listen to 127.0.0.1",
            ),
            Mode::Sandbox => {
                say(false, "mode is sandbox: test endpoints are open; never use it for real money")
            }
            Mode::Production if !self.base().starts_with("https://") => say(
                true,
                "public_base is not https: payers would enter PINs over plain text; put a TLS proxy in front \
                 and set public_base to its https address",
            ),
            Mode::Production => {}
        }
        if self.mode == Mode::Production && self.sms_url.is_empty() {
            say(
                true,
                "sms_url is empty: nobody can sign in, since codes are not sent; set it to your SMS relay",
            );
        }
        if self.metrics_address().is_some_and(|address| !address.ip().is_loopback()) {
            say(
                false,
                "metrics_listen is not a loopback address: whoever reaches it sees how much is paid; let only \
                 Prometheus reach it",
            );
        }
        if !self.durable {
            say(true, "durable is false: a power cut loses payments that were confirmed; set it to true");
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn safe_defaults_and_named_dangers() {
        let config = Config::default();
        assert!(config.listen.ip().is_loopback() && config.durable);
        assert_eq!(config.mode, Mode::Production);
        let sandbox =
            Config { mode: Mode::Sandbox, listen: "0.0.0.0:80".parse().unwrap(), ..Config::default() };
        assert!(sandbox.dangers().iter().any(|danger| danger.fatal && danger.text.contains("sandbox")));
        let loose = Config { durable: false, ..Config::default() };
        assert!(loose.dangers().iter().any(|danger| danger.text.contains("durable")));
        let open = Config { metrics_listen: "0.0.0.0:9464".into(), ..Config::default() };
        assert!(open.dangers().iter().any(|danger| !danger.fatal && danger.text.contains("metrics_listen")));
        let good = Config {
            public_base: "https://pay.example".into(),
            sms_url: "https://sms.example/send".into(),
            ..Config::default()
        };
        assert_eq!(good.dangers(), vec![]);
    }

    #[test]
    fn ranges_are_checked_with_the_value_named() {
        for (config, named) in [
            (Config { payment_code_prefix: 13, ..Config::default() }, "13"),
            (Config { queue_max: 0, ..Config::default() }, "queue_max is 0"),
            (Config { drain_s: 301, ..Config::default() }, "301"),
            (Config { drain_notice_s: 61, ..Config::default() }, "drain_notice_s is 61"),
            (Config { metrics_listen: "9464".into(), ..Config::default() }, "`9464`"),
            (Config { disk_free_min_mib: 2_000_000, ..Config::default() }, "2000000"),
            (Config { node: "Node 1".into(), ..Config::default() }, "`Node 1`"),
            (Config { node: "n1".into(), ..Config::default() }, "cluster_listen is ``"),
            (Config { cluster_listen: "7443".into(), ..Config::default() }, "`7443`"),
            (Config { cluster_listen: "0.0.0.0:7443".into(), ..Config::default() }, "cluster_advertise"),
            (Config { shards: 65, ..Config::default() }, "shards is 65"),
            (Config { public_base: "pay.example".into(), ..Config::default() }, "pay.example"),
            (Config { public_base: "https://pay.example/".into(), ..Config::default() }, "slash"),
        ] {
            let error = config.check_ranges().unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }
}
