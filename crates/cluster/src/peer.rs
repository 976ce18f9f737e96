//! The way to another node: one connection, many commands in flight, as many frames in one write as there are.

use crate::{
    frame::{self, Ask, Call, Hello, Said},
    tls::{self, Identity},
};
use domain::{Caller, Command};
use engine::{RequestKey, nodes::Node};
use std::{
    collections::HashMap,
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncWriteExt, BufReader},
    net::TcpStream,
    runtime::Handle,
    sync::{mpsc, oneshot},
    task::AbortHandle,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use types::{Shard, Shards};

/// Commands on their way to one node at once; one more is refused as busy.
const UNDER_WAY_MAX: usize = 16_384;
/// Frames in one write at most.
const TOGETHER_MAX: usize = 256;
/// How long reaching a node and greeting it may take.
const CONNECT_MAX: Duration = Duration::from_secs(3);
/// Pauses between tries to reach it.
const PAUSE_FIRST: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_millis(800);

/// Waits for an answer; an error when none comes any more: the connection is gone, or the shard has moved.
pub(crate) type Told = oneshot::Receiver<Said>;

#[derive(Default)]
struct Waiting(Mutex<HashMap<u64, (Shard, oneshot::Sender<Said>)>>);

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, (Shard, oneshot::Sender<Said>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Another node.
pub(crate) struct Peer {
    pub(crate) node: Node,
    calls: mpsc::Sender<Vec<u8>>,
    waiting: Arc<Waiting>,
    numbers: AtomicU64,
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
    waiting: Arc<Waiting>,
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
        let waiting = Arc::<Waiting>::default();
        let (calls, called) = mpsc::channel(UNDER_WAY_MAX);
        let hello =
            Hello { protocol: frame::PROTOCOL, node: me.name.clone(), instance: me.instance.clone(), shards };
        let way = Way {
            hello,
            address: node.address.clone(),
            connector: identity.connector(&node.fingerprint)?,
            waiting: Arc::clone(&waiting),
            name: node.name.clone(),
        };
        let driver = runtime.spawn(way.drive(called)).abort_handle();
        Ok(Self { node: node.clone(), calls, waiting, numbers: AtomicU64::new(1), driver })
    }

    /// Sends a command for `shard`.
    pub(crate) fn ask(
        &self,
        shard: Shard,
        caller: &Caller,
        request: Option<RequestKey>,
        command: &Command,
    ) -> Result<Told, NotSent> {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let mut bytes = Vec::with_capacity(512);
        let ask = Ask { number, shard, caller, request, command };
        frame::put(&Call::Ask(ask), &mut bytes).map_err(NotSent::TooLarge)?;
        let (tell, told) = oneshot::channel();
        {
            let mut waiting = self.waiting.lock();
            if waiting.len() >= UNDER_WAY_MAX {
                return Err(NotSent::Busy);
            }
            waiting.insert(number, (shard, tell));
        }
        if self.calls.try_send(bytes).is_err() {
            self.waiting.lock().remove(&number);
            return Err(NotSent::Busy);
        }
        Ok(told)
    }

    /// Asks the node to look at the list now; whether it hears does not matter.
    pub(crate) fn nudge(&self) {
        let mut bytes = Vec::new();
        if frame::put(&Call::Look, &mut bytes).is_ok() {
            drop(self.calls.try_send(bytes));
        }
    }

    /// Waits no more for answers about a shard that the node has lost.
    pub(crate) fn give_up(&self, shard: Shard) {
        self.waiting.lock().retain(|_, (of, _)| *of != shard);
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.driver.abort();
        self.waiting.lock().clear();
    }
}

impl Way {
    async fn drive(self, mut calls: mpsc::Receiver<Vec<u8>>) {
        let mut pause = PAUSE_FIRST;
        while let Some(first) = calls.recv().await {
            let connected = tokio::time::timeout(CONNECT_MAX, self.connect()).await;
            let ended = match connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
                Ok(stream) => {
                    pause = PAUSE_FIRST;
                    self.talk(stream, first, &mut calls).await
                }
                Err(error) => Err(error),
            };
            if let Err(error) = &ended {
                tracing::warn!(node = self.name, address = self.address, %error, "the way to this node is cut");
            }
            // What waits can't be answered on another connection; whoever asked sends it again under its key. The
            // channel is emptied first: everything in it was entered as waiting before.
            let jitter = fastrand::u64(0..=u64::try_from(pause.as_millis()).unwrap_or(0));
            let rest = tokio::time::sleep(pause / 2 + Duration::from_millis(jitter));
            tokio::pin!(rest);
            loop {
                while calls.try_recv().is_ok() {}
                self.waiting.lock().clear();
                tokio::select! {
                    () = &mut rest => break,
                    call = calls.recv() => if call.is_none() { return },
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
        frame::put(&self.hello, &mut bytes)?;
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
        Ok(stream)
    }

    async fn talk(
        &self,
        stream: TlsStream<TcpStream>,
        first: Vec<u8>,
        calls: &mut mpsc::Receiver<Vec<u8>>,
    ) -> io::Result<()> {
        let (from, mut to) = tokio::io::split(stream);
        let write = async {
            let (mut bytes, mut more) = (first, Vec::with_capacity(TOGETHER_MAX));
            loop {
                to.write_all(&bytes).await?;
                to.flush().await?;
                if calls.recv_many(&mut more, TOGETHER_MAX).await == 0 {
                    return Ok(());
                }
                // Whoever is about to ask does so first: one write for all costs less than it delays.
                tokio::task::yield_now().await;
                while more.len() < TOGETHER_MAX
                    && let Ok(frame) = calls.try_recv()
                {
                    more.push(frame);
                }
                bytes.clear();
                more.drain(..).for_each(|frame| bytes.extend_from_slice(&frame));
            }
        };
        let read = async {
            let (mut from, mut bytes) = (BufReader::with_capacity(64 * 1024, from), Vec::new());
            while frame::read(&mut from, &mut bytes).await? {
                let answer: frame::Answer = frame::parse(&bytes)?;
                let waiting = self.waiting.lock().remove(&answer.number);
                if let Some((_, tell)) = waiting {
                    drop(tell.send(answer.said));
                }
            }
            Err(io::Error::new(io::ErrorKind::ConnectionAborted, "it ended the connection"))
        };
        tokio::select! {
            written = write => written,
            read = read => read,
        }
    }
}
