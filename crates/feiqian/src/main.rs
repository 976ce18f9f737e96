//! The binary: command line, configuration, wiring. It holds no rule.

mod app;
mod backup;
mod bench;
mod bill;
mod busy;
mod cli;
mod client;
mod combine;
mod config;
mod database;
mod demo;
mod desk;
mod drain;
mod drill;
mod home;
mod metrics;
mod migrate;
mod nodes;
mod onboard;
mod partner;
mod people;
mod ready;
mod reconcile;
mod restore;
mod sandbox;
mod sandbox_api;
mod scenes;
mod seed;
mod serve;
mod settle;
mod sharing;
mod sms;
mod terms;

use crate::{
    app::App,
    cli::{Cli, Command, ConfigCommand, Merchant, Sandbox},
    config::{Config, Mode},
    home::Home,
    nodes::As,
};
use clap::Parser;
use std::{io::Write, process::ExitCode, sync::LazyLock};
use tokio::net::TcpListener;

type Error = Box<dyn std::error::Error>;

/// Many small allocations live for one request on one thread and are freed on another.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    start_log(&cli.command);
    // One provider for every TLS use; a second installation is refused, which is fine.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    // Signing has its own threads and takes three quarters of a busy machine: half as many for the rest, since each
    // that sleeps costs a wake-up. Checking a signature takes long for a task: sockets are looked at after a few.
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = match builder.worker_threads(cores().div_ceil(2)).enable_all().event_interval(16).build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.into()),
    };
    match runtime.block_on(run(cli.command)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => fail(&error),
    }
}

/// Cores this process may use, asked once: the answer is read from files of the system each time.
pub(crate) fn cores() -> usize {
    static CORES: LazyLock<usize> =
        LazyLock::new(|| std::thread::available_parallelism().map_or(1, usize::from));
    *CORES
}

fn fail(error: &Error) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "feiqian: {error}");
    ExitCode::FAILURE
}

/// Logs go to standard error: text on a terminal, JSON elsewhere; FEIQIAN_LOG sets the level.
fn start_log(command: &Command) {
    use std::io::IsTerminal;
    use tracing_subscriber::{EnvFilter, fmt};
    let quiet = matches!(command, Command::Demo(_) | Command::Bench(_) | Command::Drill(_));
    let default = if quiet { "error" } else { "info" };
    let filter = EnvFilter::try_from_env("FEIQIAN_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    // A line that can't be written, to a full disk or a closed pipe, is lost. Complaining on the same stderr would panic.
    let log = fmt().with_env_filter(filter).with_writer(std::io::stderr).log_internal_errors(false);
    let started = if std::io::stderr().is_terminal() { log.try_init() } else { log.json().try_init() };
    drop(started); // only a test could have started one before
}

async fn run(command: Command) -> Result<bool, Error> {
    match command {
        Command::Demo(options) => demo::run(&options).await,
        Command::Serve(options) => serve_all(&options).await,
        Command::Sandbox(Sandbox::Init(options)) => sandbox_init(&options).await,
        Command::Merchant(Merchant::Add(options)) => merchant_add(&options).await,
        Command::Nodes(options) => nodes::run(&options),
        Command::Merchant(Merchant::Fee(options)) => terms::fee(&options).await,
        Command::Merchant(Merchant::Terms(options)) => terms::terms(&options).await,
        Command::Merchant(Merchant::BankAccount(options)) => terms::bank_account(&options).await,
        Command::Merchant(Merchant::Held(options)) => terms::held(&options),
        Command::Merchant(Merchant::Sharing(options)) => sharing::run(&options).await,
        Command::Merchant(Merchant::TransferScenes(options)) => scenes::run(&options).await,
        Command::Merchant(Merchant::Combine(options)) => combine::run(&options).await,
        Command::Merchant(Merchant::Partner(command)) => partner::run(&command).await,
        Command::Settle(options) => settle::run(&options).await,
        Command::Calendar(command) => settle::calendar(&command).await,
        Command::Reconcile(options) => reconcile::run(&options).await,
        Command::Staff(cli::Staff::Add(options)) => people::run_add(&options).await,
        Command::Staff(cli::Staff::Reset(options)) => people::run_reset(&options).await,
        Command::Staff(cli::Staff::List(options)) => people::run_list(&options).await,
        Command::Prove(options) => prove(&options),
        Command::Backup(options) => {
            file_only(&options.data, "back it up with PostgreSQL's own tools: pg_basebackup, archiving")?;
            backup::run(&options)
        }
        Command::Bill(options) => bill::run(&options),
        Command::Restore(options) => restore::run(&options),
        Command::Migrate(options) => {
            file_only(&options.data, "`feiqian serve` brings it to the newest schema")?;
            migrate::run(&options)
        }
        Command::Drill(options) => drill::run(&options).await,
        Command::Bench(options) => bench::run(&options).await.map(|()| true),
        Command::Config(ConfigCommand::Check(data)) => config_check(&data),
        Command::Openapi => {
            writeln!(std::io::stdout(), "{}", gateway::openapi().trim_end())?;
            Ok(true)
        }
    }
}

/// Refuses what is for the file only when the configuration says that the store is in a database: an old file may
/// still lie beside it.
fn file_only(data: &std::path::Path, instead: &str) -> Result<(), Error> {
    let config = Config::load(&Home::new(data), None)?;
    if config.database.0.is_empty() {
        return Ok(());
    }
    Err(format!("the store is in {}; {instead}", config.database).into())
}

async fn serve_all(options: &cli::Serve) -> Result<bool, Error> {
    let home = Home::new(&options.data.data);
    let config = Config::load(&home, options.data.config.as_deref())?;
    let mut config = config.with_database(options.data.database.as_deref());
    if let Some(listen) = options.listen {
        config.listen = listen;
    }
    if let Some(node) = &options.node {
        config.node.clone_from(node);
    }
    if let Some(address) = options.cluster_listen {
        config.cluster_listen = address.to_string();
    }
    if let Some(shards) = options.shards {
        config.shards = shards;
    }
    config.check_ranges()?;
    for danger in config.dangers() {
        if danger.fatal {
            tracing::error!("{}", danger.text);
        } else {
            tracing::warn!("{}", danger.text);
        }
    }
    if config.mode == Mode::Sandbox && !config.listen.ip().is_loopback() {
        return Err("a sandbox serves this machine only; set listen to a 127.0.0.1 address".into());
    }
    let listener = TcpListener::bind(config.listen).await.map_err(|error| {
        format!("{}: {error}; is another process listening there? choose another --listen", config.listen)
    })?;
    config.listen = listener.local_addr()?;
    let app = App::open(&home, &config, As::Server).await?;
    tracing::info!(listen = %config.listen, base = %config.base(), data = %home.path().display(), mode = ?config.mode, "serving");
    people::first(&app.service, &config.base()).await?;
    let stop = serve::stop_signal();
    serve::serve(app, listener, &config, stop).await?;
    Ok(true)
}

async fn sandbox_init(options: &cli::SandboxInit) -> Result<bool, Error> {
    let home = Home::new(&options.data);
    // What names the database may come from the environment.
    let config = Config::load(&home, None)?.with_database(options.database.as_deref());
    let config = Config {
        mode: Mode::Sandbox,
        listen: options.listen,
        database: config.database,
        database_password: config.database_password,
        database_password_file: config.database_password_file,
        shards: options.shards.unwrap_or(config.shards),
        ..Config::default()
    };
    database::must_be_empty(&config)?;
    if home.store().exists() && !home.sandbox().exists() {
        return Err(
            format!("{} holds another installation; choose another --data", home.path().display()).into()
        );
    }
    let app = App::open(&home, &config, As::Tool).await?;
    let made = sandbox::init(&app, &home, &config).await?;
    app.close();
    let mut toml = format!(
        "# Written by `feiqian sandbox init`. Every other value has its default; `feiqian config check` lists them.\n\
         mode = \"sandbox\"\nlisten = \"{}\"\n",
        options.listen
    );
    if !config.database.0.is_empty() {
        toml.push_str(&format!("database = '{}'\n", config.database.0));
    }
    home::write_private(&home.config(), toml.as_bytes())?;
    let mut out = std::io::stdout();
    writeln!(out, "{}", serde_json::to_string_pretty(&made)?)?;
    let data = home.path().display();
    writeln!(
        std::io::stderr(),
        "\nwritten to {}\nnext: feiqian serve --data {data}",
        home.sandbox().join("merchant.json").display()
    )?;
    Ok(true)
}

async fn merchant_add(options: &cli::MerchantAdd) -> Result<bool, Error> {
    let name = options.name.trim();
    if name.is_empty() || name.chars().count() > 64 {
        return Err("--name must have 1 to 64 characters".into());
    }
    let home = Home::new(&options.data.data);
    let config = Config::load(&home, options.data.config.as_deref())?;
    let config = config.with_database(options.data.database.as_deref());
    let app = App::open(&home, &config, As::Tool).await?;
    let id = types::MerchantId(options.mchid);
    let asked = onboard::NewMerchant {
        seed: seed::MerchantSeed {
            id,
            name,
            app: options.appid,
            fee: types::Rate(options.fee_ppm),
            rate_per_s: options.rate_per_s,
        },
        app_name: name,
        subject: &id.to_string(),
        redirect_hosts: options.redirect_host.clone(),
    };
    let folder = home.path().join("merchants").join(id.to_string());
    onboard::merchant(&app.service, &folder, &config.base(), &asked).await?;
    let owner = people::add(&app.service, &format!("owner@{id}"), Some(id), domain::staff::Role::Owner).await;
    app.close();
    let owner = owner?;
    let mut out = std::io::stdout();
    writeln!(out, "merchant {id} may take payments with {} once the platform runs", options.appid)?;
    writeln!(
        out,
        "its owner signs in at {}/console as {}, first password {}",
        config.base(),
        owner.name,
        owner.password
    )?;
    writeln!(out, "its files are in {}: hand them over by a safe way, then remove them", folder.display())?;
    Ok(true)
}

fn prove(options: &cli::Prove) -> Result<bool, Error> {
    let home = Home::new(&options.data);
    let config = Config::load(&home, None)?.with_database(options.database.as_deref());
    let place = if config.database.0.is_empty() {
        home.store().display().to_string()
    } else {
        config.database.to_string()
    };
    if config.database.0.is_empty() && !home.store().exists() {
        return Err(format!("{place}: no store here; name the data directory with --data").into());
    }
    let queries = database::snapshot(&home, &config)?;
    let proof = engine::prove::prove(&*queries)?;
    let bills = options.bills.as_deref().map(|day| bill::check(&home, &config, day)).transpose()?;
    let bills_hold = bills.as_ref().is_none_or(service::bills::Checked::holds);
    let mut out = std::io::stdout();
    if options.json {
        let mut told = serde_json::to_value(&proof)?;
        if let Some(bills) = &bills {
            told["bills"] = serde_json::json!({
                "day": bills.day.to_string(),
                "merchants": bills.merchants,
                "bills": bills.bills,
                "rows": bills.rows,
                "failures": bills.failures,
            });
        }
        writeln!(out, "{told}")?;
        return Ok(proof.holds() && bills_hold);
    }
    if let Some(bills) = &bills {
        let service::bills::Checked { day, merchants, bills, rows, failures } = bills;
        writeln!(out, "bills of {day}: {bills} of {merchants} merchants read back, {rows} rows")?;
        for failure in failures {
            writeln!(out, "  BROKEN {failure}")?;
        }
        if failures.is_empty() {
            writeln!(out, "  holds  every bill equals the ledger")?;
        } else {
            writeln!(out, "next: keep these bills, and look at the merchants' transfers of {day}")?;
        }
    }
    writeln!(
        out,
        "checked {} accounts, {} transfers, {} orders, {} channel payments, {} notifications",
        proof.accounts, proof.transfers, proof.orders, proof.payments, proof.notifications
    )?;
    if proof.holds() {
        for invariant in &proof.invariants {
            writeln!(out, "  holds  {invariant}")?;
        }
        for reserve in &proof.reserves {
            writeln!(out, "  reserve, minor units of {reserve}")?;
            if reserve.missing() > 0 {
                writeln!(
                    out,
                    "  note   customers are owed {} more than bank and channels have",
                    reserve.missing()
                )?;
            }
        }
        return Ok(bills_hold);
    }
    for failure in &proof.failures {
        writeln!(out, "  BROKEN {failure}")?;
    }
    if proof.more > 0 {
        writeln!(out, "  and {} more", proof.more)?;
    }
    writeln!(out, "next: stop taking payments, keep a copy of {place}, and look at the rows named above")?;
    Ok(false)
}

fn config_check(data: &cli::Data) -> Result<bool, Error> {
    let home = Home::new(&data.data);
    let config = Config::load(&home, data.config.as_deref())?.with_database(data.database.as_deref());
    let mut out = std::io::stdout();
    let values = serde_json::to_value(&config)?;
    for (name, value) in values.as_object().into_iter().flatten() {
        writeln!(out, "{name} = {value}")?;
    }
    writeln!(out, "# in effect: base {}, {} signing threads", config.base(), config.signing())?;
    let dangers = config.dangers();
    for danger in &dangers {
        writeln!(out, "{}: {}", if danger.fatal { "UNSAFE" } else { "note" }, danger.text)?;
    }
    Ok(!dangers.iter().any(|danger| danger.fatal))
}
