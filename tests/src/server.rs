//! The program under test, started as a user starts it.

use std::fmt;
use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::http::{Answer, exchange};
use crate::{DataDir, must};

/// A debug build on a busy machine must be up by then.
const UP_BY: Duration = Duration::from_secs(30);
/// A server asked to stop must have drained by then.
const DOWN_BY: Duration = Duration::from_secs(30);

/// Where the `feiqian` program is: `FEIQIAN_BIN`, or the build next to this test.
#[track_caller]
#[must_use]
pub fn binary() -> PathBuf {
    let path = std::env::var_os("FEIQIAN_BIN").map_or_else(
        || {
            // target/debug/deps/this-test → target/debug/feiqian
            let test = must(std::env::current_exe(), "the path of this test");
            test.ancestors().nth(2).unwrap_or(Path::new(".")).join("feiqian")
        },
        PathBuf::from,
    );
    assert!(path.is_file(), "no program at {}; run 'cargo build' first, or set FEIQIAN_BIN", path.display());
    path
}

/// Runs the program to its end, as `feiqian ARGUMENTS`.
#[track_caller]
#[must_use]
pub fn run(arguments: &[&str]) -> Ended {
    let started = Instant::now();
    let output =
        must(Command::new(binary()).args(arguments).stdin(Stdio::null()).output(), "starting feiqian");
    Ended { output, took: started.elapsed() }
}

/// A run of the program that is over.
#[derive(Debug)]
pub struct Ended {
    output: Output,
    /// Wall time it took.
    pub took: Duration,
}

impl Ended {
    /// Exit status 0.
    #[must_use]
    pub fn ok(&self) -> bool {
        self.output.status.success()
    }

    /// How it ended.
    #[must_use]
    pub fn status(&self) -> ExitStatus {
        self.output.status
    }

    /// Everything it printed for the caller.
    #[must_use]
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}\n--- standard output ---\n{}\n--- standard error ---\n{}",
            self.output.status,
            self.stdout(),
            String::from_utf8_lossy(&self.output.stderr)
        )
    }
}

/// A running server on a free loopback port. Killed when dropped; if the test panics its log is printed.
#[derive(Debug)]
pub struct Server {
    child: Child,
    address: SocketAddr,
    log: PathBuf,
}

impl Server {
    /// Starts `feiqian serve` on `data` and waits until `/healthz` answers 200.
    #[track_caller]
    #[must_use]
    pub fn start(data: &DataDir) -> Self {
        Self::start_by(data, Command::new(binary()), &[])
    }

    /// As [`Server::start`], as one of several nodes on the database of `data`.
    #[track_caller]
    #[must_use]
    pub fn start_node(data: &DataDir, name: &str) -> Self {
        Self::start_node_by(data, name, binary())
    }

    /// As [`Server::start_node`], with the build before: `FEIQIAN_BEFORE`, or this one again. So a test of restarting
    /// nodes is one of upgrading them, too.
    #[track_caller]
    #[must_use]
    pub fn start_node_before(data: &DataDir, name: &str) -> Self {
        Self::start_node_by(data, name, std::env::var_os("FEIQIAN_BEFORE").map_or_else(binary, PathBuf::from))
    }

    #[track_caller]
    fn start_node_by(data: &DataDir, name: &str, program: PathBuf) -> Self {
        let others = free_address().to_string();
        Self::start_by(data, Command::new(program), &["--node", name, "--cluster-listen", &others])
    }

    /// Halts the process, as a machine that hangs would; [`Server::thaw`] lets it go on.
    #[track_caller]
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    /// Lets a frozen process go on.
    #[track_caller]
    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    /// As [`Server::start`], in a process none of whose files may grow beyond `kib` KiB, until
    /// [`Server::lift_limit`]. To it that is a disk without room.
    #[track_caller]
    #[must_use]
    pub fn start_limited(data: &DataDir, kib: u32) -> Self {
        // Ignored, the signal becomes an error of the write. The limit is told in blocks of 512 bytes.
        let mut command = Command::new("sh");
        let limit = "trap '' XFSZ; ulimit -S -f \"$1\"; shift; exec \"$@\"";
        command.args(["-c", limit, "sh", &(kib * 2).to_string()]).arg(binary());
        Self::start_by(data, command, &[])
    }

    /// Files may grow again.
    #[track_caller]
    pub fn lift_limit(&self) {
        let pid = self.child.id().to_string();
        let done = Command::new("prlimit").args(["--fsize=unlimited:", "--pid", &pid]).status();
        assert!(done.is_ok_and(|status| status.success()), "'prlimit' could not lift the limit");
    }

    #[track_caller]
    fn start_by(data: &DataDir, mut command: Command, more: &[&str]) -> Self {
        let log = data.path().join(format!("server-{}.log", unique()));
        let file = must(File::create(&log), "the server's log file");
        let address = free_address();
        let child = must(
            command
                .args(["serve", "--data", &data.text(), "--listen", &address.to_string()])
                .args(more)
                .stdin(Stdio::null())
                .stdout(must(file.try_clone(), "the server's log file"))
                .stderr(file)
                .spawn(),
            "starting feiqian serve",
        );
        let mut server = Self { child, address, log };
        server.wait_until_up();
        server
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT`
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// An unsigned request, for the routes that need no signature.
    ///
    /// # Errors
    /// When the connection fails, as it does while the server is being killed.
    pub fn plain(&self, method: &str, target: &str, body: Option<&Value>) -> std::io::Result<Answer> {
        plain(self.address, method, target, body)
    }

    /// As [`Server::plain`], a POST to the server at `to`.
    ///
    /// # Errors
    /// When the connection fails.
    pub fn plain_at(to: SocketAddr, method: &str, target: &str, body: &Value) -> std::io::Result<Answer> {
        plain(to, method, target, Some(body))
    }

    /// Pays as `openid`; `link` is the name and text of a `code_url`, `prepay_id` or `h5_url`.
    ///
    /// # Errors
    /// When the connection fails.
    pub fn pay(&self, openid: &str, link: (&str, &str)) -> std::io::Result<Answer> {
        pay(self.address, openid, link)
    }

    /// The notifications the server sent or means to send for one order.
    #[track_caller]
    #[must_use]
    pub fn notifications(&self, out_trade_no: &str) -> Vec<Value> {
        let mut found = Vec::new();
        let mut after = String::new();
        loop {
            let path = format!("/sandbox/v1/notifications?limit=200{after}");
            let listed = must(self.plain("GET", &path, None), "listing notifications").expect(200);
            let Some(page) = listed["notifications"].as_array() else {
                panic!("no list of notifications in {listed}")
            };
            found.extend(page.iter().filter(|n| n["out_trade_no"] == out_trade_no).cloned());
            match listed["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return found,
            }
        }
    }

    /// Ends the server at once, as a power cut would, while others may still be calling it: `kill -9`.
    #[track_caller]
    pub fn kill_now(&self) {
        self.signal("-KILL");
    }

    /// Asks the server to stop and demands that it does so by itself with status 0.
    #[track_caller]
    pub fn stop(self) {
        self.ask_to_stop();
        self.must_end();
    }

    /// Asks the server to stop, while others may still be calling it.
    #[track_caller]
    pub fn ask_to_stop(&self) {
        self.signal("-TERM");
    }

    /// Demands that a server that was asked to stop does so by itself with status 0.
    #[track_caller]
    pub fn must_end(mut self) {
        let since = Instant::now();
        while since.elapsed() < DOWN_BY {
            if let Ok(Some(status)) = self.child.try_wait() {
                assert!(status.success(), "the server stopped with {status}");
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!("the server did not stop within {} s of SIGTERM", DOWN_BY.as_secs());
    }

    #[track_caller]
    fn wait_until_up(&mut self) {
        let since = Instant::now();
        while since.elapsed() < UP_BY {
            if let Ok(Some(status)) = self.child.try_wait() {
                panic!("feiqian serve ended at once with {status}");
            }
            if plain(self.address, "GET", "/healthz", None).is_ok_and(|answer| answer.status == 200) {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!("feiqian serve did not answer /healthz within {} s", UP_BY.as_secs());
    }

    #[track_caller]
    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "'kill {signal}' could not be sent");
    }

    fn end(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
        if thread::panicking() {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            let tail = &lines[lines.len().saturating_sub(60)..];
            eprintln!("--- the end of the server's log ---\n{}", tail.join("\n"));
        }
    }
}

pub(crate) fn plain(
    to: SocketAddr,
    method: &str,
    target: &str,
    body: Option<&Value>,
) -> std::io::Result<Answer> {
    let text = body.map(Value::to_string).unwrap_or_default();
    exchange(to, method, target, &[("Content-Type", "application/json")], text.as_bytes())
}

pub(crate) fn pay(to: SocketAddr, openid: &str, link: (&str, &str)) -> std::io::Result<Answer> {
    plain(to, "POST", "/sandbox/v1/payments", Some(&json!({"openid": openid, link.0: link.1})))
}

/// A loopback address that nobody listens on now.
#[track_caller]
#[must_use]
pub fn free_address() -> SocketAddr {
    let probe = must(TcpListener::bind("127.0.0.1:0"), "a free port on the loopback address");
    must(probe.local_addr(), "the port's number")
}

fn unique() -> u128 {
    std::time::SystemTime::now()
        .duration_since(std::time::SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_micros())
}
