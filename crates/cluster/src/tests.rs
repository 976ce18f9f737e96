//! Two nodes over real sockets, with a book in memory: who is let in, what travels, what becomes of an owner that
//! goes away. Whole processes on a real database are tested through the front door.
#![allow(clippy::unwrap_used, reason = "a test stops where an expectation fails")]

use crate::{
    Cluster, JoinError, Setup, Start, Unheard,
    frame::{self, Answer, Ask, Call, Called, Form, Hello, Said},
    tls::{self, Identity},
    way::WAITING_MAX,
};
use domain::{Caller, Command, Rejection, Reply, home};
use engine::{
    Engine, Fault, Queries, Refusal, SystemClock,
    nodes::{DEAD_AFTER, Held, Node, Registry, Role, Seen, Standing},
};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use types::{Place, Shard, Shards};

const TWO: Shards = match Shards::new(2) {
    Some(two) => two,
    None => panic!("two"),
};

/// The list, in memory.
#[derive(Clone)]
struct Book(Arc<Mutex<Lists>>);

/// Nodes and when they were seen, and shards.
type Lists = (Vec<(Node, Instant)>, Vec<Held>);

impl Book {
    fn new() -> Self {
        let held = |shard| Held { shard, epoch: 0, owner: String::new(), batch: 0 };
        Self(Arc::new(Mutex::new((Vec::new(), TWO.all().map(held).collect()))))
    }
}

impl Registry for Book {
    fn beat(&mut self, me: &Node) -> Result<Option<Standing>, Fault> {
        let mut book = self.0.lock().unwrap();
        let dead = Duration::from_micros(DEAD_AFTER.cast_unsigned());
        match book.0.iter_mut().find(|(node, _)| node.name == me.name) {
            Some((node, at)) if node.instance == me.instance || at.elapsed() > dead => {
                (*node, *at) = (me.clone(), Instant::now());
            }
            Some(_) => return Ok(None),
            None => book.0.push((me.clone(), Instant::now())),
        }
        drop(book);
        self.look().map(Some)
    }
    fn look(&mut self) -> Result<Standing, Fault> {
        let book = self.0.lock().unwrap();
        let silent = |at: &Instant| i64::try_from(at.elapsed().as_micros()).unwrap();
        let nodes = book.0.iter().map(|(node, at)| Seen { node: node.clone(), silent: silent(at) });
        Ok(Standing { nodes: nodes.collect(), shards: book.1.clone() })
    }
    fn claim(&mut self, shard: Shard, epoch: i64, owner: &str) -> Result<bool, Fault> {
        let held = &mut self.0.lock().unwrap().1[usize::from(shard.number())];
        let free = held.epoch == epoch;
        if free {
            (held.epoch, held.owner) = (epoch + 1, owner.to_owned());
        }
        Ok(free)
    }
    fn release(&mut self, shard: Shard, owner: &str) -> Result<(), Fault> {
        let held = &mut self.0.lock().unwrap().1[usize::from(shard.number())];
        if held.owner == owner {
            held.owner.clear();
        }
        Ok(())
    }
    fn leave(&mut self, me: &Node) -> Result<(), Fault> {
        self.0.lock().unwrap().0.retain(|(node, _)| node.instance != me.instance);
        Ok(())
    }
}

/// A store that stays when its engines go, as a database does.
struct Stores(store::Memory);

impl Stores {
    fn new() -> Arc<Self> {
        Arc::new(Self(store::Memory::default()))
    }
    fn start(self: &Arc<Self>) -> Start {
        let stores = Arc::clone(self);
        Arc::new(move |place, _| {
            let store = stores.0.at(place).open_fenced();
            let setup = engine::engine::Setup { place, ..engine::engine::Setup::default() };
            Engine::start(store, Arc::new(SystemClock), setup, Box::new(|_| {}))
        })
    }
    fn queries(&self) -> Arc<dyn Queries> {
        self.0.open().queries
    }
}

async fn join(book: &Book, stores: &Arc<Stores>, name: &str) -> Result<Cluster, JoinError> {
    let setup = Setup {
        name: name.into(),
        listen: ([127, 0, 0, 1], 0).into(),
        advertise: String::new(),
        guest: false,
        shards: TWO,
        version: "test",
    };
    let (queries, start) = (stores.queries(), stores.start());
    Cluster::join(setup, Box::new(book.clone()), queries, start, Arc::new(Unheard)).await
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let since = Instant::now();
    while !holds() {
        assert!(since.elapsed() < Duration::from_secs(20), "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Two nodes with a shard each.
async fn pair() -> (Book, Arc<Stores>, Cluster, Cluster) {
    let (book, stores) = (Book::new(), Stores::new());
    let a = join(&book, &stores, "a").await.unwrap();
    let b = join(&book, &stores, "b").await.unwrap();
    let has_one = |node: &Cluster| {
        let status = node.router().status().unwrap();
        status.owned.len() == 1 && status.without_owner.is_empty()
    };
    until("one shard each", || has_one(&a) && has_one(&b)).await;
    (book, stores, a, b)
}

/// A command that is decided in `shard` and answers with a count.
fn sweep(shard: Shard) -> Command {
    Command::Sweep(shard, Vec::new())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_reaches_its_shard_from_either_node_and_survives_a_hand_over() {
    let (_, _, a, b) = pair().await;
    for router in [a.router(), b.router()] {
        for shard in TWO.all() {
            assert_eq!(router.run(sweep(shard), Caller::platform()).await, Ok(Reply::Count(0)));
        }
        assert_eq!(router.status().unwrap().forwarded, 1);
    }
    // A node leaves under load: nobody is refused.
    let router = a.router();
    let load = tokio::spawn(async move {
        let mut done = 0_u32;
        let since = Instant::now();
        while since.elapsed() < Duration::from_secs(2) {
            for shard in TWO.all() {
                router.run(sweep(shard), Caller::platform()).await.unwrap();
                done += 1;
            }
        }
        done
    });
    assert!(b.router().hand_over(Duration::from_secs(10)).await, "in time");
    until("all with the node that stays", || a.router().owned().is_all()).await;
    assert_eq!(
        b.router().run(sweep(Shard::FIRST), Caller::platform()).await,
        Ok(Reply::Count(0)),
        "it sends on"
    );
    tokio::task::spawn_blocking(move || b.leave()).await.unwrap();
    assert!(load.await.unwrap() > 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_key_gives_the_first_answer_whichever_node_is_asked() {
    let (_, _, a, b) = pair().await;
    let key = domain::records::Digest([7; 32]);
    let other = domain::records::Digest([8; 32]);
    let ask = |router: crate::Router, content| async move {
        let command = Command::ReplaceKeyRing { name: "platform".into(), sealed: Box::from([1]) };
        let job = engine::Job { command, caller: Caller::platform(), request: Some((key, content)) };
        router.submit(job).unwrap().await
    };
    assert_eq!(ask(a.router(), key).await, Ok(Reply::Done));
    assert_eq!(ask(b.router(), key).await, Ok(Reply::Done));
    let reused = ask(b.router(), other).await;
    assert_eq!(
        reused,
        Err(Refusal::Rejected(domain::Rejection::RequestKeyReused)),
        "refusals travel as they are"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_not_in_the_list_gets_no_word_in() {
    let (book, _, a, _b) = pair().await;
    let to = a.address().to_owned();
    let listed = book.0.lock().unwrap().0.iter().find(|(node, _)| node.name == "a").unwrap().0.clone();

    // Plain text.
    let mut plain = TcpStream::connect(&to).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!answer.windows(5).any(|bytes| bytes == b"hello" || bytes == b"HTTP/"), "{answer:?}");

    // The right door, a key that nobody listed: no greeting comes back.
    let stranger = Identity::make().unwrap();
    let stream = TcpStream::connect(&to).await.unwrap();
    let mut stream =
        stranger.connector(&listed.fingerprint).unwrap().connect(tls::name(), stream).await.unwrap();
    let hello = Hello::new("b".into(), listed.instance.clone(), TWO);
    let mut bytes = Vec::new();
    frame::put(&hello, Form::Json, &mut bytes).unwrap();
    drop(stream.write_all(&bytes).await);
    let mut heard = Vec::new();
    let greeted = frame::read(&mut stream, &mut heard).await;
    assert!(!matches!(greeted, Ok(true)), "a stranger was greeted: {heard:?}");

    // A listed name at a door whose key is another: the caller turns away.
    let stream = TcpStream::connect(&to).await.unwrap();
    let wrong = stranger.connector(stranger.fingerprint()).unwrap();
    let error = wrong.connect(tls::name(), stream).await.unwrap_err();
    assert!(error.to_string().contains("list of nodes"), "{error}");
}

/// A node of a build that reads JSON only is answered so, and asks so; one that reads packed frames gets those.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_is_answered_in_the_form_that_it_reads() {
    let (book, _, a, _b) = pair().await;
    let me = Identity::make().unwrap();
    let listed = book.0.lock().unwrap().0.iter().find(|(node, _)| node.name == "a").unwrap().0.clone();
    let (name, fingerprint) = ("old".to_owned(), me.fingerprint().to_owned());
    let node = Node { name: name.clone(), fingerprint, role: Role::Guest, ..listed.clone() };
    book.0.lock().unwrap().0.push((node, Instant::now()));
    let (shard, caller) = (a.router().owned().iter().next().unwrap(), Caller::platform());
    for (packed, asks, answers) in [
        (false, Form::Json, Form::Json),
        (true, Form::Json, Form::Packed),
        (true, Form::Packed, Form::Packed),
    ] {
        let stream = TcpStream::connect(a.address()).await.unwrap();
        let mut stream =
            me.connector(&listed.fingerprint).unwrap().connect(tls::name(), stream).await.unwrap();
        let hello = Hello { packed, ..Hello::new(name.clone(), listed.instance.clone(), TWO) };
        let (mut bytes, mut heard) = (Vec::new(), Vec::new());
        frame::put(&hello, Form::Json, &mut bytes).unwrap();
        let ask = Ask { number: 9, shard, caller: &caller, request: None, command: &sweep(shard) };
        frame::put(&Call::Ask(ask), asks, &mut bytes).unwrap();
        stream.write_all(&bytes).await.unwrap();
        assert!(frame::read(&mut stream, &mut heard).await.unwrap());
        assert!(frame::parse::<Hello>(&heard).unwrap().packed, "what this build says of itself");
        assert!(frame::read(&mut stream, &mut heard).await.unwrap());
        assert_eq!(Form::of(&heard), answers);
        let answer: Answer = frame::parse(&heard).unwrap();
        assert_eq!((answer.number, answer.said), (9, Said::Reply(Reply::Count(0))));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_are_checked_and_used_once() {
    let (book, stores, _a, _b) = pair().await;
    assert!(matches!(join(&book, &stores, "Not A Name").await, Err(JoinError::Name(_))));
    assert!(matches!(join(&book, &stores, "a").await, Err(JoinError::Taken(name)) if name == "a"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_owner_takes_with_it_is_sent_again_to_the_next() {
    let (book, _, a, b) = pair().await;
    let theirs = b.router().owned().iter().next().unwrap();
    // The owner loses its shard in the list without knowing: as when it was taken for dead. It lets go of it, and the
    // other node takes it.
    {
        let held = &mut book.0.lock().unwrap().1[usize::from(theirs.number())];
        (held.epoch, held.owner) = (held.epoch + 1, "ghost 00 0".into());
    }
    let router = a.router();
    let answer = tokio::time::timeout(Duration::from_secs(14), router.run(sweep(theirs), Caller::platform()));
    assert_eq!(answer.await.expect("within the time a command waits"), Ok(Reply::Count(0)));
    until("the loss is seen", || b.router().status().unwrap().lost == 1).await;
}

/// Gives a shard of `b` to an owner that is there by the list and answers nobody.
async fn haunted(book: &Book, b: &Cluster) -> Shard {
    given_away(book, b, "127.0.0.1:1".to_owned(), String::new()).await
}

/// Gives a shard of `b` to whoever is at `address`.
async fn given_away(book: &Book, b: &Cluster, address: String, fingerprint: String) -> Shard {
    let theirs = b.router().owned().iter().next().unwrap();
    {
        let mut book = book.0.lock().unwrap();
        let listed = book.0.iter().find(|(node, _)| node.name == "b").unwrap().0.clone();
        let (name, instance) = ("ghost".to_owned(), "00".to_owned());
        // Seen in the future, so never silent for long.
        let seen = Instant::now() + Duration::from_secs(3600);
        let held = &mut book.1[usize::from(theirs.number())];
        (held.epoch, held.owner) = (held.epoch + 1, "ghost 00 0".into());
        book.0.push((Node { name, instance, address, fingerprint, ..listed }, seen));
    }
    until("the loss is seen", || b.router().status().unwrap().lost == 1).await;
    theirs
}

/// Who asks an owner that answers nobody is told in the end, and what may have been done is told to be unknown.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_waits_for_an_owner_for_a_bounded_time() {
    let (book, _, a, b) = pair().await;
    let theirs = haunted(&book, &b).await;
    let ask = |request| {
        let job = engine::Job { command: sweep(theirs), caller: Caller::platform(), request };
        tokio::time::timeout(Duration::from_secs(60), a.router().submit(job).unwrap())
    };
    let key = domain::records::Digest([7; 32]);
    let since = Instant::now();
    let (plain, keyed) = tokio::join!(ask(None), ask(Some((key, key))));
    let plain = plain.expect("within a minute").unwrap_err();
    assert!(matches!(&plain, Refusal::Unavailable(why) if why.contains("had no owner")), "{plain:?}");
    let keyed = keyed.expect("within a minute").unwrap_err();
    assert!(matches!(&keyed, Refusal::Unknown(why) if why.contains("had no owner")), "{keyed:?}");
    // An owner that is only slow to come is waited for: a takeover lasts some seconds.
    assert!(since.elapsed() >= Duration::from_micros(DEAD_AFTER.cast_unsigned()), "{:?}", since.elapsed());
}

/// No crowd before a shard without an owner takes a node's memory: one more than may wait is refused at once, and
/// commands of other shards are decided meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_many_commands_wait_for_an_owner_and_no_more() {
    let (book, _, a, b) = pair().await;
    let ours = a.router().owned().iter().next().unwrap();
    let theirs = haunted(&book, &b).await;
    let router = a.router();
    let submit = |shard| {
        let job = engine::Job { command: sweep(shard), caller: Caller::platform(), request: None };
        router.submit(job).unwrap()
    };
    // All but one are waiting already.
    router.waiting().unwrap().fetch_add(WAITING_MAX - 1, Ordering::AcqRel);
    let last = tokio::spawn(submit(theirs));
    until("the last one waits", || router.status().unwrap().waiting == WAITING_MAX).await;
    let one_more = tokio::time::timeout(Duration::from_secs(5), submit(theirs)).await;
    assert_eq!(one_more.expect("at once"), Err(Refusal::Busy));
    assert_eq!(submit(ours).await, Ok(Reply::Count(0)));
    assert!(!last.is_finished(), "who waits goes on waiting");
}

/// As in an engine's queue: a command that was taken is decided, also when it must be asked for again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_goes_on_when_nobody_waits_for_it_any_more() {
    let (_, stores, a, b) = pair().await;
    let asked = if a.router().owned().contains(Shard::FIRST) { b.router() } else { a.router() };
    // Its owner can't commit any more, and does not know yet: it takes the command and says that it is not the owner.
    let first = Place { shard: Shard::FIRST, shards: TWO };
    stores.0.at(first).open_fenced().committer.recover().unwrap();
    for name in ["platform", "other"] {
        let command = Command::ReplaceKeyRing { name: name.into(), sealed: Box::from([1]) };
        let job = engine::Job { command, caller: Caller::platform(), request: None };
        drop(asked.submit(job).unwrap());
        let queries = stores.queries();
        until("it was decided", || queries.key_ring(name).unwrap().is_some()).await;
    }
}

/// Owners whose lists disagree could send a command to and fro for ever: it is followed so far and no farther, and who
/// asked is told so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_is_sent_on_a_bounded_number_of_times() {
    let (book, _, a, b) = pair().await;
    let me = Identity::make().unwrap();
    let door = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let (address, acceptor) = (door.local_addr().unwrap().to_string(), me.acceptor().unwrap());
    let asked = Arc::new(AtomicU16::new(0));
    let counts = Arc::clone(&asked);
    // It says of each command that the record has moved: to where it was asked for.
    let sends_on = tokio::spawn(async move {
        let mut stream = acceptor.accept(door.accept().await.unwrap().0).await.unwrap();
        let (mut heard, mut bytes) = (Vec::new(), Vec::new());
        assert!(frame::read(&mut stream, &mut heard).await.unwrap());
        frame::put(&Hello::new("ghost".into(), "00".into(), TWO), Form::Json, &mut bytes).unwrap();
        stream.write_all(&bytes).await.unwrap();
        while frame::read(&mut stream, &mut heard).await.unwrap() {
            let Called::Ask(ask) = frame::parse(&heard).unwrap() else { continue };
            counts.fetch_add(1, Ordering::AcqRel);
            let said = Said::Rejected(Rejection::Elsewhere(ask.shard));
            bytes.clear();
            frame::put(&Answer { number: ask.number, said }, Form::Packed, &mut bytes).unwrap();
            stream.write_all(&bytes).await.unwrap();
        }
    });
    let theirs = given_away(&book, &b, address, me.fingerprint().to_owned()).await;
    let router = a.router();
    let answer = router.run(sweep(theirs), Caller::platform());
    let refused = tokio::time::timeout(Duration::from_secs(30), answer).await.expect("bounded").unwrap_err();
    assert!(matches!(&refused, Refusal::Unavailable(why) if why.contains("to and fro")), "{refused:?}");
    assert_eq!(asked.load(Ordering::Acquire), 1 + home::hops_max(TWO));
    assert!(!sends_on.is_finished(), "it was heard to the end");
}
