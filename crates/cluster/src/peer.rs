//! The way to another node: one connection, many commands in flight, as many frames in one write as there are.

use crate::{
    frame::{self, Ask, Call, Form, Hello, Said},
    tls::{self, Identity},
};
use domain::{Caller, Command, order::Order};
use engine::{RequestKey, nodes::Node};
use rustc_hash::FxHashMap;
use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncWriteExt, BufReader},
    net::TcpStream,
    runtime::Handle,
    sync::{Notify, oneshot},
    task::AbortHandle,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use types::{Shard, Shards};

/// Commands on their way to one node at once; one more is refused as busy.
const UNDER_WAY_MAX: usize = 16_384;
/// Bytes that wait to be sent to one node; what comes then is refused as busy.
const OUTGOING_MAX: usize = 16 << 20;
/// Bytes that wait while the node is still told of orders.
const TELLING_MAX: usize = OUTGOING_MAX / 4;
/// What is kept of the room for them while nothing waits.
const OUTGOING_KEPT: usize = 1 << 20;
/// Orders in one frame at most.
const TOGETHER: usize = 64;
/// How long reaching a node and greeting it may take.
const CONNECT_MAX: Duration = Duration::from_secs(3);
/// Pauses between tries to reach it.
const PAUSE_FIRST: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_millis(800);

/// Waits for an answer; an error when none comes any more: the connection is gone, or the shard has moved.
pub(crate) type Told = oneshot::Receiver<Said>;

/// What is on its way to a node.
#[derive(Default)]
struct Desk {
    open: Mutex<Open>,
    /// Told when there is something to send where there was nothing.
    called: Notify,
}

struct Open {
    number: u64,
    /// Who waits for the answer of that number, and about which shard.
    waiting: FxHashMap<u64, (Shard, oneshot::Sender<Said>)>,
    /// Frames to be sent, one after the other.
    outgoing: Vec<u8>,
    /// What the node read when it was last greeted.
    form: Form,
    /// Whether it said then that it hears of orders.
    hears: bool,
}

impl Default for Open {
    fn default() -> Self {
        Self {
            number: 0,
            waiting: FxHashMap::default(),
            outgoing: Vec::new(),
            form: Form::Json,
            hears: false,
        }
    }
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// Puts a frame with what is to be sent.
    fn put(&self, open: &mut Open, call: &Call<'_>) -> Result<(), NotSent> {
        if open.outgoing.len() >= OUTGOING_MAX {
            return Err(NotSent::Busy);
        }
        let first = open.outgoing.is_empty();
        frame::put(call, open.form, &mut open.outgoing).map_err(NotSent::TooLarge)?;
        if first {
            self.called.notify_one();
        }
        Ok(())
    }
    /// Takes what is to be sent, for an empty buffer.
    fn take(&self, bytes: &mut Vec<u8>) {
        bytes.clear();
        bytes.shrink_to(OUTGOING_KEPT);
        std::mem::swap(bytes, &mut self.lock().outgoing);
    }
    /// Waits for no answer any more, and sends nothing of what there is.
    fn clear(&self) {
        let mut open = self.lock();
        open.outgoing.clear();
        open.waiting.clear();
    }
}

/// Another node.
pub(crate) struct Peer {
    pub(crate) node: Node,
    desk: Arc<Desk>,
    driver: AbortHandle,
}

/// Why nothing was sent.
pub(crate) enum NotSent {
    Busy,
    TooLarge(io::Error),
}

/// What a connection needs.
struct Way {
    hello: Hello,
    address: String,
    connector: TlsConnector,
    desk: Arc<Desk>,
    name: String,
}

impl Peer {
    /// The way to `node`; the connection is made when the first command goes.
    pub(crate) fn new(
        node: &Node,
        me: &Node,
        shards: Shards,
        identity: &Identity,
        runtime: &Handle,
    ) -> Result<Self, rustls::Error> {
        let desk = Arc::<Desk>::default();
        let way = Way {
            hello: Hello::new(me.name.clone(), me.instance.clone(), shards),
            address: node.address.clone(),
            connector: identity.connector(&node.fingerprint)?,
            desk: Arc::clone(&desk),
            name: node.name.clone(),
        };
        let driver = runtime.spawn(way.drive()).abort_handle();
        Ok(Self { node: node.clone(), desk, driver })
    }

    /// Sends a command for `shard`.
    pub(crate) fn ask(
        &self,
        shard: Shard,
        caller: &Caller,
        request: Option<RequestKey>,
        command: &Command,
    ) -> Result<Told, NotSent> {
        let (tell, told) = oneshot::channel();
        let mut open = self.desk.lock();
        if open.waiting.len() >= UNDER_WAY_MAX {
            return Err(NotSent::Busy);
        }
        open.number += 1;
        let number = open.number;
        self.desk.put(&mut open, &Call::Ask(Ask { number, shard, caller, request, command }))?;
        open.waiting.insert(number, (shard, tell));
        Ok(told)
    }

    /// Tells the node of orders that one of its shards decides about now; whether it hears does not matter.
    pub(crate) fn tell(&self, orders: &[Order]) {
        let mut open = self.desk.lock();
        for some in orders.chunks(TOGETHER) {
            // Nothing that matters is to be kept waiting by it, or turned away.
            if open.hears && open.outgoing.len() < TELLING_MAX {
                drop(self.desk.put(&mut open, &Call::Hear(some)));
            }
        }
    }

    /// Asks the node to look at the list now; whether it hears does not matter.
    pub(crate) fn nudge(&self) {
        drop(self.desk.put(&mut self.desk.lock(), &Call::Look));
    }

    /// Waits no more for answers about a shard that the node has lost.
    pub(crate) fn give_up(&self, shard: Shard) {
        self.desk.lock().waiting.retain(|_, (of, _)| *of != shard);
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.driver.abort();
        self.desk.clear();
    }
}

impl Way {
    async fn drive(self) {
        let mut pause = PAUSE_FIRST;
        loop {
            self.desk.called.notified().await;
            let connected = tokio::time::timeout(CONNECT_MAX, self.connect()).await;
            let ended = match connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
                Ok(stream) => {
                    pause = PAUSE_FIRST;
                    self.talk(stream).await
                }
                Err(error) => error,
            };
            tracing::warn!(node = self.name, address = self.address, error = %ended, "the way to this node is cut");
            // What waits can't be answered on another connection; whoever asked sends it again under its key.
            let jitter = fastrand::u64(0..=u64::try_from(pause.as_millis()).unwrap_or(0));
            let rest = tokio::time::sleep(pause / 2 + Duration::from_millis(jitter));
            tokio::pin!(rest);
            loop {
                self.desk.clear();
                tokio::select! {
                    () = &mut rest => break,
                    () = self.desk.called.notified() => {}
                }
            }
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    async fn connect(&self) -> io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(&self.address).await?;
        stream.set_nodelay(true)?;
        let mut stream = self.connector.connect(tls::name(), stream).await?;
        let (mut bytes, mut heard) = (Vec::new(), Vec::new());
        frame::put(&self.hello, Form::Json, &mut bytes)?;
        stream.write_all(&bytes).await?;
        stream.flush().await?;
        if !frame::read(&mut stream, &mut heard).await? {
            return Err(io::Error::new(
                io::ErrorKind::ConnectionRefused,
                "it does not take this node; is this node in the list of nodes?",
            ));
        }
        let hello: Hello = frame::parse(&heard)?;
        if (hello.protocol, hello.shards) != (self.hello.protocol, self.hello.shards) {
            let (theirs, ours) = (&hello, &self.hello);
            let text =
                format!("it greets with {theirs:?}, this node with {ours:?}; upgrade one version at a time");
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        let mut open = self.desk.lock();
        (open.form, open.hears) = (hello.reads(), hello.hears);
        drop(open);
        Ok(stream)
    }

    /// Sends and hears until the connection ends; why it did.
    async fn talk(&self, stream: TlsStream<TcpStream>) -> io::Error {
        let (from, mut to) = tokio::io::split(stream);
        let write = async {
            let mut bytes = Vec::new();
            loop {
                self.desk.take(&mut bytes);
                if bytes.is_empty() {
                    self.desk.called.notified().await;
                    // Whoever is about to ask does so first: one write for all costs less than it delays.
                    tokio::task::yield_now().await;
                    continue;
                }
                to.write_all(&bytes).await?;
                to.flush().await?;
            }
        };
        let read = async {
            let (mut from, mut bytes) = (BufReader::with_capacity(64 * 1024, from), Vec::new());
            while frame::read(&mut from, &mut bytes).await? {
                let answer: frame::Answer = frame::parse(&bytes)?;
                let waiting = self.desk.lock().waiting.remove(&answer.number);
                if let Some((_, tell)) = waiting {
                    drop(tell.send(answer.said));
                }
            }
            Err(io::Error::new(io::ErrorKind::ConnectionAborted, "it ended the connection"))
        };
        let ended: io::Result<()> = tokio::select! {
            written = write => written,
            read = read => read,
        };
        ended.err().unwrap_or_else(|| io::ErrorKind::ConnectionAborted.into())
    }
}
