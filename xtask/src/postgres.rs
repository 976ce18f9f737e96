//! Private PostgreSQL servers for tests: made in a temporary folder from Debian's packages, gone afterwards.

use std::ffi::OsString;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// Names the variable with the URL of a server on which tests may make databases.
pub const VARIABLE: &str = "FEIQIAN_TEST_POSTGRES";

/// The oldest PostgreSQL the tests run on; Debian 12 has this one.
const VERSION_AT_LEAST: u32 = 15;

/// Whom the server runs as when we are root, which it refuses to run as.
const USER: &str = "postgres";

/// The folder of the newest installed server's programs.
#[must_use]
pub fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let version = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let newest = versions
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| version(path).is_some_and(|version| version >= VERSION_AT_LEAST))
        .filter(|path| path.join("bin/initdb").is_file())
        .max_by_key(|path| version(path))?;
    Some(newest.join("bin"))
}

/// A server of our own: loopback and a socket in its folder, no password, superuser `postgres`. Stopped and
/// removed when dropped.
#[derive(Debug)]
pub struct Cluster {
    folder: PathBuf,
    programs: PathBuf,
    port: u16,
}

impl Cluster {
    /// Makes and starts one; `settings` are lines of `postgresql.conf`.
    ///
    /// # Errors
    /// A sentence saying which program failed and how.
    pub fn start(settings: &[&str]) -> Result<Self, String> {
        let cluster = Self::folder()?;
        let data = cluster.data();
        cluster.run(
            "initdb",
            &["-D", &data, "-U", USER, "-A", "trust", "--locale=C.UTF-8", "-E", "UTF8", "--no-sync"],
        )?;
        cluster.configure(settings)?;
        cluster.up()?;
        Ok(cluster)
    }

    /// Copies the running server as its standby, which then follows it under the name `standby`.
    ///
    /// # Errors
    /// A sentence saying which program failed and how.
    pub fn standby(&self) -> Result<Self, String> {
        let copy = Self::folder()?;
        let from = format!("host=127.0.0.1 port={} user={USER} application_name=standby", self.port);
        let data = copy.data();
        copy.run("pg_basebackup", &["-D", &data, "-d", &from, "-R", "-X", "stream", "-c", "fast"])?;
        copy.configure(&[])?;
        copy.up()?;
        Ok(copy)
    }

    /// The URL of one of its databases.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{USER}@127.0.0.1:{}/{database}", self.port)
    }

    /// Its folder, readable by the server; for certificates.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Starts it again.
    ///
    /// # Errors
    /// A sentence saying how it failed.
    pub fn up(&self) -> Result<(), String> {
        let log = self.folder.join("log").display().to_string();
        self.run("pg_ctl", &["start", "-w", "-t", "60", "-D", &self.data(), "-l", &log])
    }

    /// Ends it at once, without a checkpoint, as a power cut would.
    ///
    /// # Errors
    /// A sentence saying how it failed.
    pub fn kill(&self) -> Result<(), String> {
        self.run("pg_ctl", &["stop", "-m", "immediate", "-w", "-D", &self.data()])
    }

    /// Makes a standby take writes.
    ///
    /// # Errors
    /// A sentence saying how it failed.
    pub fn promote(&self) -> Result<(), String> {
        self.run("pg_ctl", &["promote", "-w", "-D", &self.data()])
    }

    /// Adds settings and takes them into use without a restart.
    ///
    /// # Errors
    /// A sentence saying how it failed.
    pub fn reload(&self, settings: &[&str]) -> Result<(), String> {
        self.configure(settings)?;
        self.run("pg_ctl", &["reload", "-D", &self.data()])
    }

    /// Hands a file in its folder over to the server's user, for it alone.
    ///
    /// # Errors
    /// A sentence saying how it failed.
    pub fn hand_over(&self, file: &Path) -> Result<(), String> {
        let file = file.display().to_string();
        plain("chmod", &["600", &file])?;
        if is_root() { plain("chown", &[USER, &file]) } else { Ok(()) }
    }

    fn folder() -> Result<Self, String> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let programs = programs().ok_or_else(|| {
            format!("no PostgreSQL {VERSION_AT_LEAST} or newer here; install Debian's package postgresql")
        })?;
        let name =
            format!("feiqian-postgres-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&folder); // of an earlier process with this number
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        if is_root() {
            plain("chown", &[USER, &folder.display().to_string()])?;
        }
        plain("chmod", &["711", &folder.display().to_string()])?;
        let port = TcpListener::bind("127.0.0.1:0").and_then(|probe| probe.local_addr());
        let port = port.map_err(|error| format!("no free port: {error}"))?.port();
        Ok(Self { folder, programs, port })
    }

    fn data(&self) -> String {
        self.folder.join("data").display().to_string()
    }

    fn configure(&self, settings: &[&str]) -> Result<(), String> {
        let mut text = format!(
            "port = {}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '{}'\nmax_connections = 300\n\
             shared_buffers = 64MB\nlogging_collector = off\n",
            self.port,
            self.folder.display()
        );
        for line in settings {
            text.push_str(line);
            text.push('\n');
        }
        // The server's user writes it: its folder is closed to others.
        let file = format!("{}/postgresql.conf", self.data());
        let mut append = self.command("sh");
        append.args(["-c", "printf '%s' \"$1\" >> \"$2\"", "sh", &text, &file]);
        finish("appending to postgresql.conf", append)
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<(), String> {
        let mut command = self.command(self.programs.join(program));
        command.args(arguments);
        finish(program, command)
    }

    /// A command as the user who may run a server.
    fn command(&self, program: impl Into<OsString>) -> Command {
        let program = program.into();
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid", USER, "--regid", USER, "--clear-groups", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir(&self.folder).env_remove("PGDATA").env("LC_ALL", "C.UTF-8");
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // It may be down already, and a folder left behind in /tmp is no failed test.
        let _ = self.run("pg_ctl", &["stop", "-m", "immediate", "-D", &self.data()]);
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Makes a database on the server whose URL (of any of its databases) is given; the new one's URL.
///
/// # Errors
/// A sentence saying how it failed.
pub fn new_database(server: &str) -> Result<String, String> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let programs = programs().ok_or("no PostgreSQL here; install Debian's package postgresql")?;
    let name = format!("front_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let mut command = Command::new(programs.join("createdb"));
    command.args(["--maintenance-db", server, &name]);
    finish("createdb", command)?;
    let (base, _) = server.rsplit_once('/').ok_or_else(|| format!("{server} is no database's URL"))?;
    Ok(format!("{base}/{name}"))
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn plain(program: &str, arguments: &[&str]) -> Result<(), String> {
    let mut command = Command::new(program);
    command.args(arguments);
    finish(program, command)
}

/// Runs a program to its end. Its output goes to files, not pipes: a server it starts would keep a pipe open.
fn finish(what: &str, mut command: Command) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("cannot run {what}: {error}");
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("feiqian-output-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let path = std::env::temp_dir().join(name);
    let file = fs::File::create(&path).map_err(failed)?;
    let status = command
        .stdin(Stdio::null())
        .stdout(file.try_clone().map_err(failed)?)
        .stderr(file)
        .status()
        .map_err(failed);
    let output = fs::read_to_string(&path).unwrap_or_default();
    let _ = fs::remove_file(&path);
    match status? {
        status if status.success() => Ok(()),
        status => Err(format!("{what} ended with {status}: {}", output.trim())),
    }
}
