//! A way to the database that can be held up, cut, half-closed and narrowed: every connection through it, or one.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    ToServer,
    ToClient,
}

pub(super) const BOTH: [Way; 2] = [Way::ToServer, Way::ToClient];

/// What happens once, to the connection over which a COMMIT is just being sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AtCommit {
    /// It is cut before the server hears of it.
    Cut,
    /// The server hears of it; its answer is held until the connection is cut or let go on.
    HoldAnswer,
}

/// Listens before a server; ends when dropped, with all that goes through it.
pub(super) struct Proxy {
    address: SocketAddr,
    all: Arc<All>,
}

struct All {
    upstream: SocketAddr,
    pairs: Mutex<Vec<Arc<Pair>>>,
    /// New connections are cut at once.
    refuses: AtomicBool,
    over: AtomicBool,
    at_commit: Mutex<Option<AtCommit>>,
}

/// A connection: from the client to here, and from here to the server.
pub(super) struct Pair {
    client: TcpStream,
    server: TcpStream,
    mood: Mutex<Mood>,
    changed: Condvar,
}

#[derive(Default)]
struct Mood {
    hold: [bool; 2],
    /// Before each piece goes on.
    delay: Duration,
    /// Of the next piece only so many thousandths go on, then the connection is cut.
    part: [Option<usize>; 2],
    cut: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Proxy {
    /// Before the server of this URL; and the URL that leads through here.
    pub(super) fn before(url: &str) -> (Self, String) {
        let (start, rest) = url.split_once('@').unwrap();
        let (place, database) = rest.split_once('/').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let all = Arc::new(All {
            upstream: place.to_socket_addrs().unwrap().next().expect("an address of the test server"),
            pairs: Mutex::default(),
            refuses: AtomicBool::new(false),
            over: AtomicBool::new(false),
            at_commit: Mutex::default(),
        });
        let serving = Arc::clone(&all);
        thread::spawn(move || serving.accept(&listener));
        (Self { address, all }, format!("{start}@{address}/{database}"))
    }

    /// Every connection that is not cut.
    pub(super) fn pairs(&self) -> Vec<Arc<Pair>> {
        let mut pairs = lock(&self.all.pairs);
        pairs.retain(|pair| !lock(&pair.mood).cut);
        pairs.clone()
    }

    pub(super) fn refuse(&self, refuses: bool) {
        self.all.refuses.store(refuses, Ordering::SeqCst);
    }

    /// At the next COMMIT over any connection.
    pub(super) fn at_commit(&self, what: AtCommit) {
        *lock(&self.all.at_commit) = Some(what);
    }

    /// True once what was to happen at a COMMIT has begun.
    pub(super) fn came(&self) -> bool {
        lock(&self.all.at_commit).is_none()
    }

    pub(super) fn cut_all(&self) {
        self.pairs().iter().for_each(|pair| pair.cut());
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.all.over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address); // wakes the listener
        self.cut_all();
    }
}

impl All {
    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        while let Ok((client, _)) = listener.accept() {
            if self.over.load(Ordering::SeqCst) {
                return;
            }
            if self.refuses.load(Ordering::SeqCst) {
                continue;
            }
            let Ok(server) = TcpStream::connect(self.upstream) else { continue };
            client.set_nodelay(true).unwrap();
            server.set_nodelay(true).unwrap();
            let (mood, changed) = (Mutex::default(), Condvar::new());
            let pair = Arc::new(Pair { client, server, mood, changed });
            lock(&self.pairs).push(Arc::clone(&pair));
            for way in BOTH {
                let (all, pair) = (Arc::clone(self), Arc::clone(&pair));
                thread::spawn(move || all.pump(&pair, way));
            }
        }
    }

    fn pump(&self, pair: &Pair, way: Way) {
        let (mut from, mut to) = match way {
            Way::ToServer => (&pair.client, &pair.server),
            Way::ToClient => (&pair.server, &pair.client),
        };
        let (mut buffer, mut commit) = (vec![0; 64 * 1024], Commit::default());
        loop {
            let count = from.read(&mut buffer).unwrap_or(0);
            let piece = &buffer[..count];
            let mut mood = lock(&pair.mood);
            while mood.hold[way as usize] && !mood.cut {
                mood = pair.changed.wait(mood).unwrap_or_else(PoisonError::into_inner);
            }
            let (delay, part) = (mood.delay, mood.part[way as usize].take());
            if mood.cut {
                return;
            }
            drop(mood);
            if count == 0 {
                let _ = to.shutdown(Shutdown::Write); // the end goes on as an end
                return;
            }
            thread::sleep(delay);
            if way == Way::ToServer && commit.is_sent(piece) {
                match lock(&self.at_commit).take() {
                    Some(AtCommit::Cut) => return pair.cut(),
                    Some(AtCommit::HoldAnswer) => pair.hold(Way::ToClient, true),
                    None => {}
                }
            }
            if let Some(thousandths) = part {
                let _ = to.write_all(&piece[..count * thousandths / 1000]);
                return pair.cut();
            }
            // Whoever is written to may have been half-closed: what is sent to it then goes nowhere.
            let _ = to.write_all(piece);
        }
    }
}

impl Pair {
    pub(super) fn cut(&self) {
        lock(&self.mood).cut = true;
        self.changed.notify_all();
        for stream in [&self.client, &self.server] {
            let _ = stream.shutdown(Shutdown::Both); // it may have ended by itself
        }
    }

    pub(super) fn hold(&self, way: Way, hold: bool) {
        lock(&self.mood).hold[way as usize] = hold;
        self.changed.notify_all();
    }

    pub(super) fn delay(&self, delay: Duration) {
        lock(&self.mood).delay = delay;
    }

    pub(super) fn part(&self, way: Way, thousandths: usize) {
        lock(&self.mood).part[way as usize] = Some(thousandths);
    }

    /// No more goes this way; the other way stays open.
    pub(super) fn half_close(&self, way: Way) {
        let to = if way == Way::ToServer { &self.server } else { &self.client };
        let _ = to.shutdown(Shutdown::Write); // it may have ended by itself
    }
}

/// Sees the prepared statement COMMIT being made and run on one connection.
#[derive(Default)]
struct Commit {
    /// `\0name\0`, as Bind names it behind the empty name of its portal.
    bound: Option<Vec<u8>>,
}

impl Commit {
    fn is_sent(&mut self, piece: &[u8]) -> bool {
        let text = b"\0COMMIT\0";
        if let Some(at) = place(piece, text) {
            // Parse: 'P', four bytes of length, the name, 0, the text, 0.
            let name =
                piece[..at].iter().rposition(|byte| !byte.is_ascii_alphanumeric()).map_or(0, |n| n + 1);
            // The length's last byte may look like a letter of the name, which begins with an s.
            let name = piece[name..at].iter().rposition(|byte| *byte == b's').map_or(name, |n| name + n);
            self.bound = Some([b"\0", &piece[name..at], b"\0"].concat());
        }
        self.bound.as_ref().is_some_and(|bound| place(piece, bound).is_some())
    }
}

fn place(piece: &[u8], text: &[u8]) -> Option<usize> {
    piece.windows(text.len()).position(|window| window == text)
}
