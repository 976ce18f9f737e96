//! `feiqian drill`: what happens on the worst day, played on this machine (R-FIN-67: a drill every half year, no
//! acknowledged payment lost, service back within 30 minutes).
//!
//! In a temporary folder a server process is loaded with payments and killed with SIGKILL, several times; then it is
//! asked to stop under load; then it is backed up under load, lost, and restored elsewhere. After each step the books
//! are proved and every payment that a caller was told of is looked for.

mod judge;
mod load;
mod report;
mod server;

use crate::{
    app::App,
    backup,
    config::{Config, Mode},
    home::{Home, write_private},
    restore,
    sandbox::{self, SandboxFile},
};
use fastrand::Rng;
use judge::judge;
use load::{Acknowledged, Load};
use report::{Drained, Killed, Report, RestoredFrom};
use server::Server;
use std::{
    fs,
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

pub(super) type Error = Box<dyn std::error::Error>;

/// Payments that a round must have seen before its blow: a blow to an idle server proves little.
const PAYMENTS_MIN: usize = 20;
/// How long a server may take to do that, and to come back.
const PATIENCE: Duration = Duration::from_secs(120);
/// The longest wait between enough payments and the blow.
const BLOW_WITHIN_US: u64 = 500_000;

/// Plays. True when nothing was lost and every proof held.
pub(crate) async fn run(options: &crate::cli::Drill) -> Result<bool, Error> {
    let seed = options.seed.unwrap_or_else(|| crate::seed::unix_now().0.unsigned_abs());
    let folder = std::env::temp_dir().join(format!("feiqian-drill-{}", std::process::id()));
    let tell = |text: &str| {
        if !options.json {
            let _ = writeln!(std::io::stdout(), "{text}");
        }
    };
    tell(&format!("drill in {}, --seed {seed}", folder.display()));
    let played = play(&folder, options, seed, &tell).await;
    let report = match played {
        Ok(report) => report,
        Err(error) => {
            return Err(
                format!("{error}; what is left is in {} (server.log tells more)", folder.display()).into()
            );
        }
    };
    if options.json {
        writeln!(std::io::stdout(), "{}", serde_json::to_string(&report)?)?;
    } else {
        tell(&report.to_string());
    }
    if report.passed {
        fs::remove_dir_all(&folder)?;
    } else {
        tell(&format!("next: keep {}, it holds the stores and the servers' log", folder.display()));
    }
    Ok(report.passed)
}

async fn play(
    folder: &Path,
    options: &crate::cli::Drill,
    seed: u64,
    tell: &dyn Fn(&str),
) -> Result<Report, Error> {
    let mut random = Rng::with_seed(seed);
    let home = Home::new(folder.join("data"));
    let made = prepare(&home).await?;
    let mut stage = Stage { folder, home, made, callers: options.callers, next: 0, paid: Vec::new() };
    let mut report = Report::new(seed);
    for round in 1..=options.rounds {
        let killed = stage.kill(&mut random).await?;
        tell(&format!("{round}/{} {killed}", options.rounds));
        report.killed.push(killed);
    }
    report.drained = Some(stage.drain(&mut random).await?);
    tell(&report.drained.as_ref().map_or_else(String::new, ToString::to_string));
    report.restored = Some(stage.lose_and_restore(&mut random).await?);
    tell(&report.restored.as_ref().map_or_else(String::new, ToString::to_string));
    report.close();
    Ok(report)
}

/// A sandbox in `home`, as `feiqian sandbox init` makes it.
async fn prepare(home: &Home) -> Result<SandboxFile, Error> {
    let config = Config { mode: Mode::Sandbox, ..Config::default() };
    let app = App::open(home, &config, crate::nodes::As::Tool).await?;
    let made = sandbox::init(&app, home, &config).await?;
    app.close();
    write_private(&home.config(), b"mode = \"sandbox\"\n")?;
    Ok(made)
}

struct Stage<'a> {
    folder: &'a Path,
    home: Home,
    made: SandboxFile,
    callers: u32,
    /// Numbers loads, so that no order number comes twice.
    next: u32,
    /// Every payment that a caller was told of.
    paid: Vec<Acknowledged>,
}

impl Stage<'_> {
    fn log(&self) -> std::path::PathBuf {
        self.folder.join("server.log")
    }
    fn load(&mut self, server: &Server) -> Result<Load, Error> {
        self.next += 1;
        Load::start(&self.made, server.base(), self.callers, self.next)
    }

    /// Kills the server at a random instant under load, starts it again at once, and waits until it is paid again.
    async fn kill(&mut self, random: &mut Rng) -> Result<Killed, Error> {
        let server = Server::start(&self.home, &self.log(), None).await?;
        let load = self.load(&server)?;
        load.wait_for(PAYMENTS_MIN, PATIENCE).await?;
        tokio::time::sleep(Duration::from_micros(random.u64(..BLOW_WITHIN_US))).await;
        let port = server.port();
        server.kill()?;
        let blow = Instant::now();
        let server = Server::start(&self.home, &self.log(), Some(port)).await?;
        let back = load.wait_after(blow, PATIENCE).await?;
        let (paid, _) = load.stop().await;
        self.paid.extend(paid);
        let verdict = judge(&self.home.store(), &self.paid)?;
        server.stop(PATIENCE).await?;
        Ok(Killed { rto_ms: millis(back.duration_since(blow)), verdict })
    }

    /// Asks the server to stop under load: nobody who was let in may be left without an answer.
    async fn drain(&mut self, random: &mut Rng) -> Result<Drained, Error> {
        let server = Server::start(&self.home, &self.log(), None).await?;
        let load = self.load(&server)?;
        load.wait_for(PAYMENTS_MIN, PATIENCE).await?;
        tokio::time::sleep(Duration::from_micros(random.u64(..BLOW_WITHIN_US))).await;
        let asked = Instant::now();
        let clean = server.stop(PATIENCE).await?;
        let took_ms = millis(asked.elapsed());
        let (paid, broken) = load.stop().await;
        self.paid.extend(paid);
        Ok(Drained { took_ms, clean, broken, verdict: judge(&self.home.store(), &self.paid)? })
    }

    /// Backs up under load, loses the machine, restores elsewhere and serves from there.
    async fn lose_and_restore(&mut self, random: &mut Rng) -> Result<RestoredFrom, Error> {
        let server = Server::start(&self.home, &self.log(), None).await?;
        let load = self.load(&server)?;
        load.wait_for(PAYMENTS_MIN, PATIENCE).await?;
        let began = Instant::now();
        let (home, file) = (self.home.clone(), self.folder.join("backup.db"));
        let target = file.clone();
        let made = tokio::task::spawn_blocking(move || backup::backup(&home, &target, &mut |_| {})).await?;
        let (_, manifest) = made?;
        let backup_ms = millis(began.elapsed());
        tokio::time::sleep(Duration::from_micros(random.u64(..BLOW_WITHIN_US))).await;
        server.kill()?;
        let lost_at = Instant::now();
        let (paid, _) = load.stop().await;
        self.paid.extend(paid);
        // From here on the first data directory is gone but for the key and the configuration, which are kept apart.
        let restored = Home::new(self.folder.join("restored"));
        let (target, key) = (restored.clone(), self.home.master_key());
        let outcome = tokio::task::spawn_blocking(move || restore::restore(&file, &target, Some(&key)));
        let proof = outcome.await??.proof;
        fs::copy(self.home.config(), restored.config())?;
        let (before, after): (Vec<_>, Vec<_>) = self.paid.drain(..).partition(|paid| paid.told < began);
        let mut verdict = judge(&restored.store(), &before)?;
        verdict.failures.extend(proof.failures.iter().map(ToString::to_string));
        let server = Server::start(&restored, &self.log(), None).await?;
        let load = self.load(&server)?;
        let back = load.wait_after(lost_at, PATIENCE).await?;
        drop(load.stop().await);
        server.stop(PATIENCE).await?;
        Ok(RestoredFrom {
            backup_ms,
            bytes: manifest.bytes,
            rto_ms: millis(back.duration_since(lost_at)),
            after_backup: after.len(),
            after_backup_ms: millis(lost_at.duration_since(began)),
            verdict,
        })
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
