//! Commands from other nodes for the shards that this one owns.

use crate::{
    frame::{self, Answer, Called, Form, Hello, Said},
    nodes::Nodes,
    tls::fingerprint,
};
use domain::Reply;
use engine::{Handle, Job, Pending, Refusal};
use std::{
    collections::HashMap,
    future::{Future, poll_fn},
    io,
    pin::Pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};
use tokio::{
    io::{AsyncWriteExt, BufReader, ReadHalf, WriteHalf},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::sync::CancellationToken;
use types::Shard;

/// Connections at once: two of each node, while it restarts, and some to spare.
const CONNECTIONS_MAX: usize = 256;
/// How long a greeting may take, the look at the list included.
const GREETING_MAX: Duration = Duration::from_secs(5);
/// Commands of one connection and shard at once; the rest waits in its socket.
const UNDER_WAY_MAX: usize = 16_384;
/// Pieces in one write at most, and bytes in one piece.
const TOGETHER_MAX: usize = 64;
const TOGETHER_BYTES: usize = 64 * 1024;

/// Lets other nodes in until `stop`.
pub(crate) async fn open(
    nodes: Arc<Nodes>,
    listener: TcpListener,
    acceptor: TlsAcceptor,
    stop: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let stream = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "a node could not be let in; trying again");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        let (nodes, acceptor) = (Arc::clone(&nodes), acceptor.clone());
        let serving = stop.clone().run_until_cancelled_owned(async move {
            if let Err(error) = serve(&nodes, stream, &acceptor).await {
                tracing::warn!(%error, "a connection of another node ended");
            }
            drop(place);
        });
        tokio::spawn(serving);
    }
}

async fn serve(nodes: &Arc<Nodes>, stream: TcpStream, acceptor: &TlsAcceptor) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let greeted = tokio::time::timeout(GREETING_MAX, greet(nodes, stream, acceptor)).await;
    let (stream, shown, form) = greeted.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    let (from, to) = tokio::io::split(stream);
    let (answers, told) = mpsc::channel(UNDER_WAY_MAX);
    let mut view = nodes.watch();
    let struck = async {
        // Struck off the list: it lost its shards long before.
        while view.changed().await.is_ok() {
            if view.borrow_and_update().node_of(&shown).is_none() {
                return;
            }
        }
    };
    tokio::select! {
        read = take_in(nodes, from, Answers { to: answers, form }) => read,
        written = write(to, told) => written,
        () = struck => Ok(()),
    }
}

/// Lets a node in that is in the list, and nobody else.
async fn greet(
    nodes: &Arc<Nodes>,
    stream: TcpStream,
    acceptor: &TlsAcceptor,
) -> io::Result<(TlsStream<TcpStream>, String, Form)> {
    let mut stream = acceptor.accept(stream).await?;
    let shown = stream.get_ref().1.peer_certificates().and_then(|shown| shown.first()).map(fingerprint);
    let shown = shown.ok_or_else(|| io::Error::from(io::ErrorKind::PermissionDenied))?;
    let mut view = nodes.watch();
    nodes.look_for(&shown);
    // Who has just joined may not be in our copy of the list yet.
    let known = view.wait_for(|view| view.node_of(&shown).is_some());
    let name = match tokio::time::timeout(GREETING_MAX / 2, known).await {
        Ok(Ok(view)) => view.node_of(&shown).map(str::to_owned),
        _ => None,
    };
    let Some(name) = name else {
        let text = format!("refused: certificate {shown} is not in the list of nodes");
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
    };
    let mut bytes = Vec::new();
    if !frame::read(&mut stream, &mut bytes).await? {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let hello: Hello = frame::parse(&bytes)?;
    let ours = nodes.hello();
    bytes.clear();
    frame::put(&ours, Form::Json, &mut bytes)?;
    stream.write_all(&bytes).await?;
    stream.flush().await?;
    if hello.node != name || (hello.protocol, hello.shards) != (ours.protocol, ours.shards) {
        let text = format!("refused: node {name} greets with {hello:?}, this node with {ours:?}");
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    let form = hello.reads();
    Ok((stream, shown, form))
}

/// Where answers go, in a form that the other node reads.
#[derive(Clone)]
struct Answers {
    to: mpsc::Sender<Vec<u8>>,
    form: Form,
}

async fn take_in(
    nodes: &Arc<Nodes>,
    from: ReadHalf<TlsStream<TcpStream>>,
    answers: Answers,
) -> io::Result<()> {
    let mut shards: HashMap<Shard, mpsc::Sender<Asking>> = HashMap::new();
    let (mut from, mut bytes) = (BufReader::with_capacity(64 * 1024, from), Vec::new());
    while frame::read(&mut from, &mut bytes).await? {
        let asked = match frame::parse(&bytes) {
            Ok(Called::Ask(asked)) => asked,
            Ok(Called::Look) => {
                nodes.look();
                continue;
            }
            Ok(Called::Hear(orders)) => {
                nodes.hear(orders);
                continue;
            }
            Err(error) => {
                let number = frame::number(&bytes).ok_or(error)?;
                let why = "the owner's version does not know the command; upgrade all nodes".to_owned();
                answers.say(number, Said::Unavailable(why)).await;
                continue;
            }
        };
        let Some(engine) = nodes.engine(asked.shard) else {
            nodes.look();
            answers.say(asked.number, Said::NotOwner).await;
            continue;
        };
        let job = Job { command: asked.command, caller: asked.caller, request: asked.request };
        // Into the queue in the order in which they came; the engine answers in that order, too.
        let asking = Asking { number: asked.number, pending: engine.submit(job), engine };
        let shard = shards.entry(asked.shard).or_insert_with(|| {
            let (tell, told) = mpsc::channel(UNDER_WAY_MAX);
            tokio::spawn(collect(told, answers.clone()));
            tell
        });
        if shard.send(asking).await.is_err() {
            return Ok(()); // nobody hears answers any more
        }
    }
    Ok(())
}

/// A command in an engine's queue.
struct Asking {
    number: u64,
    pending: Result<Pending, Refusal>,
    engine: Handle,
}

/// Collects the answers of one shard. They come a batch at a time: the first is waited for, and whatever is there with
/// it goes into the same write.
async fn collect(mut told: mpsc::Receiver<Asking>, answers: Answers) {
    let mut waits = told.recv().await;
    while let Some(asking) = waits.take() {
        let mut bytes = Vec::with_capacity(4096);
        let answer = match asking.pending {
            Ok(pending) => pending.await,
            Err(refusal) => Err(refusal),
        };
        answers.put(asking.number, &asking.engine, answer, &mut bytes);
        while bytes.len() < TOGETHER_BYTES {
            let Ok(mut next) = told.try_recv() else { break };
            let ready = match &mut next.pending {
                Ok(pending) => poll_fn(|context| Poll::Ready(Pin::new(&mut *pending).poll(context))).await,
                Err(refusal) => Poll::Ready(Err(refusal.clone())),
            };
            match ready {
                Poll::Ready(answer) => answers.put(next.number, &next.engine, answer, &mut bytes),
                Poll::Pending => {
                    waits = Some(next);
                    break;
                }
            }
        }
        if answers.to.send(bytes).await.is_err() {
            return;
        }
        if waits.is_none() {
            waits = told.recv().await;
        }
    }
}

impl Answers {
    fn put(&self, number: u64, engine: &Handle, answer: Result<Reply, Refusal>, bytes: &mut Vec<u8>) {
        let said = Said::of(answer, || engine.stats().fenced);
        if let Err(error) = frame::put(&Answer { number, said }, self.form, bytes) {
            tracing::error!(%error, "an answer can't be sent; it is asked for again");
        }
    }
    async fn say(&self, number: u64, said: Said) {
        let mut bytes = Vec::with_capacity(96);
        if frame::put(&Answer { number, said }, self.form, &mut bytes).is_ok() {
            // Who asked may be gone; it asks again under the same key.
            drop(self.to.send(bytes).await);
        }
    }
}

async fn write(mut to: WriteHalf<TlsStream<TcpStream>>, mut told: mpsc::Receiver<Vec<u8>>) -> io::Result<()> {
    let (mut bytes, mut more) = (Vec::new(), Vec::with_capacity(TOGETHER_MAX));
    while told.recv_many(&mut more, TOGETHER_MAX).await > 0 {
        bytes.clear();
        more.drain(..).for_each(|frame| bytes.extend_from_slice(&frame));
        to.write_all(&bytes).await?;
        to.flush().await?;
    }
    // Only when reading has ended, too.
    std::future::pending().await
}
