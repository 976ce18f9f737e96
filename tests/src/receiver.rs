//! A merchant's notification address: takes every POST, answers 204, keeps what came.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::must;

/// Notifications are small; a longer one is a fault.
const LONGEST: usize = 64 * 1024;

/// Listens on a loopback port until dropped.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    got: Arc<Mutex<Vec<Value>>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Receiver {
    /// Starts to listen.
    #[track_caller]
    #[must_use]
    pub fn start() -> Self {
        let listener = must(TcpListener::bind("127.0.0.1:0"), "a port for notifications");
        let address = must(listener.local_addr(), "the port's number");
        let got = Arc::new(Mutex::new(Vec::new()));
        let over = Arc::new(AtomicBool::new(false));
        let (keep, stop) = (Arc::clone(&got), Arc::clone(&over));
        let thread = thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                // A sender that breaks off half-way has delivered nothing.
                if let Some(notification) = take(stream) {
                    keep.lock().unwrap_or_else(PoisonError::into_inner).push(notification);
                }
            }
        });
        Self { address, got, over, thread: Some(thread) }
    }

    /// The `notify_url` to give to an order.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/notify", self.address)
    }

    /// What came so far: the notifications' JSON bodies in order of arrival, each with its `id`.
    #[must_use]
    pub fn got(&self) -> Vec<Value> {
        self.got.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until `count` have come, at most `patience`; what came by then.
    #[must_use]
    pub fn wait_for(&self, count: usize, patience: Duration) -> Vec<Value> {
        let since = Instant::now();
        while self.got().len() < count && since.elapsed() < patience {
            thread::sleep(Duration::from_millis(20));
        }
        self.got()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        // Wakes the thread from its accept.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn take(mut stream: TcpStream) -> Option<Value> {
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.by_ref().take(LONGEST as u64).read_line(&mut line).ok()?;
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok().filter(|length| *length <= LONGEST)?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").ok()?;
    serde_json::from_slice(&body).ok()
}
