//! The server under the drill: a process of its own.

use super::Error;
use crate::home::Home;
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs::OpenOptions,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// How often it is looked whether it has ended.
const LOOK: Duration = Duration::from_millis(5);

/// A running server. Killed when dropped.
pub(super) struct Server {
    child: Child,
    port: u16,
}

impl Server {
    /// Starts `feiqian serve`, on `port` when given. It may not answer yet.
    pub(super) async fn start(home: &Home, log: &Path, port: Option<u16>) -> Result<Self, Error> {
        let port = match port {
            Some(port) => port,
            None => TcpListener::bind("127.0.0.1:0")?.local_addr()?.port(),
        };
        let log = OpenOptions::new().create(true).append(true).open(log)?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data"]).arg(home.path());
        // The drill is played with its own settings, whatever this shell has set for the real server.
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("FEIQIAN_")) {
            command.env_remove(name);
        }
        let child = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?;
        Ok(Self { child, port })
    }
    pub(super) fn port(&self) -> u16 {
        self.port
    }
    pub(super) fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
    /// SIGKILL: it has no time for anything.
    pub(super) fn kill(mut self) -> Result<(), Error> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
    /// SIGTERM, then waits for it to end by itself. True when it said all is well.
    pub(super) async fn stop(mut self, limit: Duration) -> Result<bool, Error> {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(id.ok_or("the server has no process id")?, Signal::TERM)?;
        let since = Instant::now();
        while since.elapsed() < limit {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status.success());
            }
            tokio::time::sleep(LOOK).await;
        }
        Err(format!("the server did not stop within {} s", limit.as_secs()).into())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
