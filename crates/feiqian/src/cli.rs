//! The command line.

use clap::{Args, Parser, Subcommand};
use std::{net::SocketAddr, path::PathBuf};

/// 飞钱 Feiqian: the mobile payment platform you run yourself.
///
/// Merchants' WeChat Pay v3 SDKs work against it by changing the base URL; payers pay on their phones' web
/// browser; every fen is in a double-entry ledger that `prove` checks.
#[derive(Debug, Parser)]
#[command(name = "feiqian", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Play a whole payment in a fresh temporary sandbox, then serve it until Ctrl-C.
    Demo(Demo),
    /// Run the platform.
    Serve(Serve),
    /// Make and steer sandboxes for integrators.
    #[command(subcommand)]
    Sandbox(Sandbox),
    /// Register merchants, what they pay and how they are paid.
    #[command(subcommand)]
    Merchant(Merchant),
    /// List the nodes on a PostgreSQL database and their shards; exit 1 when a shard has no live owner.
    Nodes(Nodes),
    /// Close the days that are over and release what is due while the platform is stopped, or show a day.
    Settle(crate::settle::Settle),
    /// The business calendar: holidays, made-up days, cut-off.
    #[command(subcommand)]
    Calendar(crate::settle::CalendarCommand),
    /// Match closed days with the channel's bills while the platform is stopped, or list open exceptions; exit 1 when there
    /// are any.
    Reconcile(crate::reconcile::Reconcile),
    /// Accounts of the consoles; while the platform runs, its console does the same.
    #[command(subcommand)]
    Staff(Staff),
    /// Check every money invariant over a data directory; exit 1 and name the rows when one is broken.
    Prove(Prove),
    /// Copy the store to a file while payments go on.
    Backup(Backup),
    /// Write bills of a day that is over to files, while payments go on.
    Bill(BillOptions),
    /// Make a data directory from a backup, check it whole and prove it.
    Restore(Restore),
    /// Bring the store to this version's schema while the platform is stopped; `serve` does it by itself.
    Migrate(Migrate),
    /// Kill a server under load, restart it, back it up, restore it, prove each; exit 1 when anything is lost.
    Drill(Drill),
    /// Measure this machine: durable payments in process, orders over HTTP, and RSA beside them.
    Bench(Bench),
    /// Look at the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print the OpenAPI document of the merchant API.
    Openapi,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Stop after the play instead of serving.
    #[arg(long)]
    pub(crate) exit: bool,
    /// Where to serve; a free port when it is 0.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDR")]
    pub(crate) listen: SocketAddr,
    /// Empty PostgreSQL database to play on, instead of a file.
    #[arg(long, value_name = "URL")]
    pub(crate) database: Option<String>,
}

/// Where the data are.
#[derive(Debug, Args)]
pub(crate) struct Data {
    /// Data directory: store, master key, sandbox files. Made when absent.
    #[arg(long, default_value = "feiqian-data", value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Configuration file; DIR/feiqian.toml when not given.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// PostgreSQL database that holds the store, as postgres://user@host:port/database; beats the configuration.
    /// Give the password as FEIQIAN_DATABASE_PASSWORD or in a file (database_password_file).
    #[arg(long, value_name = "URL")]
    pub(crate) database: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) data: Data,
    /// Address and port to listen on; beats the configuration.
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
    /// Name of this node, when several share a PostgreSQL database; beats the configuration.
    #[arg(long, value_name = "NAME")]
    pub(crate) node: Option<String>,
    /// Address and port for the other nodes; beats the configuration.
    #[arg(long, value_name = "ADDR")]
    pub(crate) cluster_listen: Option<SocketAddr>,
    /// Shards of a database that is still empty, 1 to 64: the most nodes that can share its work. Fixed by the first
    /// start; beats the configuration.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64))]
    pub(crate) shards: Option<u8>,
}

#[derive(Debug, Args)]
pub(crate) struct Nodes {
    #[command(flatten)]
    pub(crate) data: Data,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Sandbox {
    /// Make a sandbox: merchant, keys, application and a payer with money, written to DIR/sandbox.
    Init(SandboxInit),
}

#[derive(Debug, Args)]
pub(crate) struct SandboxInit {
    /// Data directory; must not hold a sandbox yet.
    #[arg(long, default_value = "feiqian-data", value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Address the sandbox will listen on, written into merchant.json and feiqian.toml.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDR")]
    pub(crate) listen: SocketAddr,
    /// Empty PostgreSQL database for the store, instead of a file; written into feiqian.toml.
    #[arg(long, value_name = "URL")]
    pub(crate) database: Option<String>,
    /// Shards of that database, 1 to 64: the most nodes that can share its work.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64))]
    pub(crate) shards: Option<u8>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Merchant {
    /// Register a merchant with an application, API certificate and APIv3 key; the files are written once to
    /// DIR/merchants/MCHID and must be handed over and removed.
    Add(MerchantAdd),
    /// Show, preview or change what a merchant pays; changing needs the platform stopped.
    Fee(crate::terms::MerchantFee),
    /// Set T+n, reserve and payout while the platform is stopped.
    Terms(crate::terms::MerchantTerms),
    /// Set the bank account a merchant is paid to while the platform is stopped.
    BankAccount(crate::terms::MerchantAccount),
    /// Show every cent of a merchant that it can't use yet, and why.
    Held(crate::terms::MerchantHeld),
    /// Show or set whether a merchant's orders are shared, and what it does as a receiver; setting needs the platform stopped.
    Sharing(crate::sharing::Sharing),
    /// Show or set the scenes in which a merchant may transfer money to users; setting needs the platform stopped.
    TransferScenes(crate::scenes::TransferScenes),
    /// Let a merchant take another's orders into combined orders, or not, while the platform is stopped.
    Combine(crate::combine::Combine),
    /// Partners and their sub-merchants: who may act for whom.
    #[command(subcommand)]
    Partner(crate::partner::Partner),
}

#[derive(Debug, Args)]
pub(crate) struct MerchantAdd {
    #[command(flatten)]
    pub(crate) data: Data,
    /// Merchant number: 8 to 10 digits.
    #[arg(long, value_parser = clap::value_parser!(i64).range(10_000_000..=9_999_999_999))]
    pub(crate) mchid: i64,
    /// Name shown to payers, 1 to 64 characters.
    #[arg(long)]
    pub(crate) name: String,
    /// Application to bind: wx and 16 lower-case hex digits; registered when it is new.
    #[arg(long)]
    pub(crate) appid: types::AppId,
    /// Fee in millionths of each payment: 6000 is 0.60 %.
    #[arg(long, default_value_t = 6000, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub(crate) fee_ppm: u32,
    /// Hosts that OAuth may redirect to, such as shop.example; repeat for several.
    #[arg(long, value_name = "HOST")]
    pub(crate) redirect_host: Vec<String>,
    /// Requests a second.
    #[arg(long, default_value_t = 150, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) rate_per_s: u32,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Staff {
    /// Make an account; its first password is printed once.
    Add(StaffAdd),
    /// Give an account a new first password, which is printed once; its code is enrolled anew.
    Reset(StaffReset),
    /// List accounts.
    List(StaffList),
}

#[derive(Debug, Args)]
pub(crate) struct StaffAdd {
    #[command(flatten)]
    pub(crate) data: Data,
    /// Sign-in name: 3 to 40 of a-z, 0-9, `.`, `-`, `_`, `@`.
    pub(crate) name: String,
    /// administrator, finance, support, auditor; for a merchant owner, manager, clerk.
    #[arg(long)]
    pub(crate) role: String,
    /// Merchant that the person works for; the platform when not given.
    #[arg(long, value_name = "MCHID")]
    pub(crate) merchant: Option<i64>,
}

#[derive(Debug, Args)]
pub(crate) struct StaffReset {
    #[command(flatten)]
    pub(crate) data: Data,
    /// Sign-in name.
    pub(crate) name: String,
}

#[derive(Debug, Args)]
pub(crate) struct StaffList {
    #[command(flatten)]
    pub(crate) data: Data,
    /// Of this merchant; of the platform when not given.
    #[arg(long, value_name = "MCHID")]
    pub(crate) merchant: Option<i64>,
}

#[derive(Debug, Args)]
pub(crate) struct Prove {
    /// Data directory. It may be in use.
    #[arg(long, default_value = "feiqian-data", value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Also make the bills of a day, the last one that is drawn up unless one is named, read them back and hold them
    /// against the ledger.
    #[arg(long, value_name = "DAY", num_args = 0..=1, default_missing_value = "")]
    pub(crate) bills: Option<String>,
    /// PostgreSQL database that holds the store; beats the configuration in the data directory.
    #[arg(long, value_name = "URL")]
    pub(crate) database: Option<String>,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// Data directory. It may be in use.
    #[arg(long, default_value = "feiqian-data", value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// The new file, or a directory in which a file named after the time is made.
    #[arg(long, value_name = "FILE|DIR")]
    pub(crate) to: PathBuf,
    /// Print the manifest as JSON instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct BillOptions {
    #[command(flatten)]
    pub(crate) data: Data,
    /// Whose bill; of every merchant when not given.
    #[arg(long)]
    pub(crate) mchid: Option<i64>,
    /// The day, as 2026-11-21, in Beijing time. It can be read from 09:00 of the next day on.
    #[arg(long, value_name = "DAY")]
    pub(crate) date: String,
    /// Which bill.
    #[arg(long, value_enum, default_value = "trade-all")]
    pub(crate) kind: BillKind,
    /// The new file, compressed when its name ends with .gz; for every merchant, a folder.
    #[arg(long, value_name = "FILE|DIR")]
    pub(crate) to: PathBuf,
}

/// Bills as `--kind` names them.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum BillKind {
    TradeAll,
    TradeSuccess,
    TradeRefund,
    FundBasic,
    Sharing,
}

#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// A backup's file, or a directory that holds exactly one.
    #[arg(long, value_name = "FILE|DIR")]
    pub(crate) from: PathBuf,
    /// The new data directory; must be empty or absent.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// The master key of the installation; checked, and kept as DIR/master.key.
    #[arg(long, value_name = "FILE")]
    pub(crate) master_key: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Migrate {
    /// Data directory.
    #[arg(long, default_value = "feiqian-data", value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Change nothing; exit 1 when the store has not this version's schema. The directory may be in use.
    #[arg(long)]
    pub(crate) check: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Drill {
    /// Times the server is killed under load.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) rounds: u32,
    /// Callers at once.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub(crate) callers: u32,
    /// Draws the instants of the kills; from the clock when not given.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
    /// Seconds each part runs.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) seconds: u64,
    /// Callers at once, in process.
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u64).range(1..=15_000))]
    pub(crate) callers: u64,
    /// Payers with money, in process; each is an account.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub(crate) payers: u64,
    /// How payers come to their orders, in process.
    #[arg(long, value_enum, default_value_t, conflicts_with_all = ["payments", "rate", "close", "console"])]
    pub(crate) product: crate::bench::LoadProduct,
    /// Pay until so many payments are made, and nothing else: how rate, memory and store change on the way.
    #[arg(long, value_name = "N", conflicts_with = "nodes",
          value_parser = clap::value_parser!(u64).range(10..=100_000_000))]
    pub(crate) payments: Option<u64>,
    /// Have so many payments arrive a second, evenly, for --seconds, and nothing else; told minute by minute.
    #[arg(long, value_name = "PER_S", conflicts_with = "nodes", value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub(crate) rate: Option<u64>,
    /// Make a day of so many payments (1,000,000 when --payments does not say) over 1,000 merchants, close and settle it
    /// while payments go on arriving (5,000 a second when --rate does not say), and nothing else.
    #[arg(long, conflicts_with_all = ["nodes", "console"])]
    pub(crate) close: bool,
    /// Make so many payments (100,000 when --payments does not say), close their day, and measure how soon each page of
    /// the console begins to arrive; nothing else.
    #[arg(long, conflicts_with_all = ["rate", "nodes", "database"])]
    pub(crate) console: bool,
    /// Leave out the orders over HTTP.
    #[arg(long)]
    pub(crate) no_http: bool,
    /// Connections at once, over HTTP [default: 128 for orders, 256 for payers].
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub(crate) connections: Option<u64>,
    /// Empty PostgreSQL database to measure, instead of files.
    #[arg(long, value_name = "URL")]
    pub(crate) database: Option<String>,
    /// Measure so many nodes on one database beside one node alone, in turns, and nothing else.
    #[arg(long, value_name = "N", requires = "database", requires = "nodes_database",
          value_parser = clap::value_parser!(u8).range(2..=16))]
    pub(crate) nodes: Option<u8>,
    /// Empty PostgreSQL database for those nodes; best on the same server.
    #[arg(long, value_name = "URL", requires = "nodes")]
    pub(crate) nodes_database: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print the values in effect and what is unsafe about them; exit 1 when something must not be used with
    /// real money.
    Check(Data),
}
