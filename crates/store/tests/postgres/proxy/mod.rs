//! The way between store and database breaks in every manner at random instants under a load of payments: what was
//! confirmed is there, what was refused is not, and service comes back by itself.

mod wire;

use crate::{
    load::{self, Load, must_be_paid},
    place::{Place, options},
};
use domain::{Batch, Caller, Command};
use engine::{Committer, Engine, Fault, Recovered, Refusal, Store, WriteAhead};
use std::{
    any::Any,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use store::{PostgresOptions, postgres};
use wire::{AtCommit, BOTH, Proxy, Way};

const ROUNDS: usize = 40;

/// The store's side: what its commits came to.
#[derive(Clone, Default)]
struct Seen {
    refused: Arc<AtomicUsize>,
    doubtful: Arc<AtomicUsize>,
    /// Of the doubtful ones, those that were found to be there.
    found: Arc<AtomicUsize>,
}

struct Watched {
    inner: Box<dyn Committer>,
    seen: Seen,
    doubt: Option<i64>,
}

impl Committer for Watched {
    fn recover(&mut self) -> Result<Recovered, Fault> {
        let recovered = self.inner.recover()?;
        if self.doubt.take().is_some_and(|number| recovered.batch >= number) {
            self.seen.found.fetch_add(1, Ordering::SeqCst);
        }
        Ok(recovered)
    }
    fn commit(&mut self, batch: &Batch) -> Result<(), Fault> {
        let done = self.inner.commit(batch);
        self.see(batch, done)
    }
    fn writes_ahead(&self) -> Option<Box<dyn WriteAhead>> {
        self.inner.writes_ahead()
    }
    fn commit_begun(&mut self, batch: &Batch, begun: Box<dyn Any + Send>) -> Result<(), Fault> {
        let done = self.inner.commit_begun(batch, begun);
        self.see(batch, done)
    }
}

impl Watched {
    fn see(&mut self, batch: &Batch, done: Result<(), Fault>) -> Result<(), Fault> {
        match &done {
            Ok(()) => {}
            Err(Fault::Unknown(_)) => {
                self.doubt = Some(batch.number);
                self.seen.doubtful.fetch_add(1, Ordering::SeqCst);
            }
            Err(_) => drop(self.seen.refused.fetch_add(1, Ordering::SeqCst)),
        }
        done
    }
}

fn open(url: &str, statement_timeout: Duration, seen: &Seen) -> Store {
    let connect_timeout = Duration::from_secs(1);
    let options = PostgresOptions { statement_timeout, connect_timeout, ..options() };
    let Store { loader, committer, queries } = postgres(&url.parse().unwrap(), options).unwrap();
    let committer = Box::new(Watched { inner: committer, seen: seen.clone(), doubt: None });
    Store { loader, committer, queries }
}

fn key_ring(byte: u8) -> Command {
    Command::ReplaceKeyRing { name: "platform".into(), sealed: Box::from([byte]) }
}

fn version(place: &Place) -> Option<i64> {
    place.queries().key_ring("platform").unwrap().map(|ring| ring.version)
}

#[track_caller]
fn until(what: &str, done: impl Fn() -> bool) {
    let since = Instant::now();
    while !done() {
        assert!(since.elapsed() < Duration::from_secs(60), "waited a minute until {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// What is paid is what was confirmed, each by a transfer of its own: an answer of the engine is final both ways.
#[track_caller]
fn must_agree(place: &Place, confirmed: &[types::OrderId]) {
    must_be_paid(&*place.queries(), confirmed);
    let paid = &place.sql("SELECT count(*), count(DISTINCT transfer) FROM orders WHERE state = 2")[0];
    let wanted = confirmed.len().to_string();
    assert_eq!(*paid, [wanted.clone(), wanted], "orders paid, their transfers; and payments confirmed");
    place.prove();
}

/// Raises a flag when dropped, also by a failure: who waits for it ends in any case.
struct Raise<'a>(&'a AtomicBool);

impl Drop for Raise<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

struct Dice(fastrand::Rng);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0.u64(..end)
    }
    fn millis(&mut self, end: u64) -> Duration {
        Duration::from_micros(self.below(end * 1000))
    }
    fn way(&mut self) -> Way {
        BOTH[usize::from(self.below(2) == 1)]
    }
}

/// One trouble, over when this returns; what it was.
fn trouble(proxy: &Proxy, dice: &mut Dice) -> &'static str {
    let mut some = proxy.pairs();
    if !some.is_empty() && dice.below(3) == 0 {
        let one = usize::try_from(dice.below(some.len() as u64)).unwrap();
        some = vec![some.swap_remove(one)];
    }
    let (way, time) = (dice.way(), dice.millis(300));
    let each = |act: &dyn Fn(&wire::Pair)| some.iter().for_each(|pair| act(pair));
    match dice.below(8) {
        0 => {
            each(&|pair| pair.cut());
            "cut"
        }
        1 => {
            proxy.refuse(true);
            proxy.cut_all();
            thread::sleep(time);
            proxy.refuse(false);
            "unreachable"
        }
        2 => {
            each(&|pair| BOTH.iter().for_each(|way| pair.hold(*way, true)));
            thread::sleep(time);
            each(&|pair| BOTH.iter().for_each(|way| pair.hold(*way, false)));
            "stalled"
        }
        3 => {
            each(&|pair| pair.hold(way, true));
            thread::sleep(time);
            each(&|pair| pair.hold(way, false));
            "stalled one way"
        }
        4 => {
            each(&|pair| pair.hold(way, true));
            thread::sleep(time / 4);
            each(&|pair| pair.cut());
            "stalled one way, then cut"
        }
        5 => {
            each(&|pair| pair.half_close(way));
            "half-closed"
        }
        6 => {
            let delay = dice.millis(20);
            each(&|pair| pair.delay(delay));
            thread::sleep(time);
            each(&|pair| pair.delay(Duration::ZERO));
            "slow"
        }
        _ => {
            let thousandths = usize::try_from(dice.below(1000)).unwrap();
            each(&|pair| pair.part(way, thousandths));
            "cut inside a message"
        }
    }
}

#[test]
fn a_way_that_breaks_in_every_manner_under_load_loses_nothing() {
    let Some(place) = Place::new() else { return };
    let clock = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros() as u64;
    let seed = std::env::var("FEIQIAN_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(clock);
    println!("FEIQIAN_SEED={seed}");
    let mut dice = Dice(fastrand::Rng::with_seed(seed));
    let (proxy, url) = Proxy::before(&place.url);
    let seen = Seen::default();
    let store = open(&url, Duration::from_secs(2), &seen);
    let queries = Arc::clone(&store.queries);
    let mut load = Load::new(store);
    load.pause = Duration::from_millis(20);
    load.go();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let end = Raise(&over);
        // Readers use the same way: an answer may fail, but not be a wrong one.
        scope.spawn(|| {
            while !over.load(Ordering::Acquire) {
                let Some(last) = load.last() else { continue };
                if let Ok(order) = queries.order(last) {
                    let state = order.map(|order| order.state);
                    assert_eq!(state, Some(domain::order::OrderState::Paid), "order {last} was confirmed");
                }
                thread::sleep(Duration::from_millis(3));
            }
        });
        let mut slowest = (Duration::ZERO, "");
        for _ in 0..ROUNDS {
            thread::sleep(dice.millis(60));
            let what = trouble(&proxy, &mut dice);
            let since = Instant::now();
            load.pays_on(3);
            slowest = slowest.max((since.elapsed(), what));
        }
        drop(end);
        println!("the slowest to come back: {} ms after '{}'", slowest.0.as_millis(), slowest.1);
    });
    let stats = load.handle().stats();
    let (confirmed, refused) = load.end();
    let [failed, doubtful, found] =
        [&seen.refused, &seen.doubtful, &seen.found].map(|count| count.load(Ordering::SeqCst));
    println!(
        "{} confirmed, {refused} refused; {failed} commits failed, {doubtful} in doubt, {found} of them there",
        confirmed.len()
    );
    assert!(failed > 0 && !stats.fenced, "no trouble came at a moment that mattered: {stats:?}");
    must_agree(&place, &confirmed);
}

/// An engine whose next COMMIT meets with something, and the answer to the command in it.
fn at_commit(
    place: &Place,
    what: AtCommit,
) -> (Proxy, Engine, Seen, thread::JoinHandle<Result<domain::Reply, Refusal>>) {
    let (proxy, url) = Proxy::before(&place.url);
    let seen = Seen::default();
    let engine = load::start(open(&url, Duration::from_secs(2), &seen));
    engine.handle().run_blocking(key_ring(1), Caller::platform()).unwrap();
    proxy.at_commit(what);
    let handle = engine.handle();
    let waiting = thread::spawn(move || handle.run_blocking(key_ring(2), Caller::platform()));
    until("COMMIT was sent", || proxy.came());
    (proxy, engine, seen, waiting)
}

#[test]
fn a_commit_whose_answer_is_lost_counts_once_it_is_found() {
    let Some(place) = Place::new() else { return };
    let (proxy, engine, seen, waiting) = at_commit(&place, AtCommit::HoldAnswer);
    until("it is written", || version(&place) == Some(2));
    assert!(!waiting.is_finished(), "nobody is told before the store has said so");
    proxy.cut_all();
    assert!(waiting.join().unwrap().is_ok(), "it is there");
    assert_eq!([&seen.doubtful, &seen.found].map(|count| count.load(Ordering::SeqCst)), [1, 1]);
    assert_eq!(version(&place), Some(2), "once");
    engine.stop();
    place.prove();
}

#[test]
fn a_commit_that_never_arrives_is_refused_once_that_is_known() {
    let Some(place) = Place::new() else { return };
    let (_proxy, engine, seen, waiting) = at_commit(&place, AtCommit::Cut);
    let answer = waiting.join().unwrap();
    assert!(matches!(answer, Err(Refusal::Unavailable(_))), "{answer:?}");
    assert_eq!([&seen.doubtful, &seen.found].map(|count| count.load(Ordering::SeqCst)), [1, 0]);
    assert_eq!(version(&place), Some(1), "nothing was kept");
    engine.handle().run_blocking(key_ring(3), Caller::platform()).unwrap();
    assert_eq!(version(&place), Some(2), "and it goes on by itself");
    engine.stop();
    place.prove();
}

/// The answer to COMMIT is on its way while another executor takes the shard over: whether it was written can't be
/// told by then, and is not claimed.
#[test]
fn a_commit_in_doubt_when_another_took_over_is_told_as_unknown() {
    let Some(place) = Place::new() else { return };
    let (proxy, engine, _, waiting) = at_commit(&place, AtCommit::HoldAnswer);
    until("it is written", || version(&place) == Some(2));
    let other = load::start(place.open());
    other.handle().run_blocking(key_ring(3), Caller::platform()).unwrap();
    proxy.cut_all();
    let answer = waiting.join().unwrap();
    assert!(matches!(&answer, Err(Refusal::Unknown(why)) if why.contains("taken over by")), "{answer:?}");
    engine.stop();
    assert_eq!(version(&place), Some(3), "both were written");
    other.stop();
    place.prove();
}

/// As when a cable is pulled: nothing arrives any more, and nobody says so. Time-outs end it, on both sides.
#[test]
fn connections_that_fall_silent_are_given_up_and_replaced() {
    let Some(place) = Place::new() else { return };
    let (proxy, url) = Proxy::before(&place.url);
    let mut load = Load::new(open(&url, Duration::from_secs(1), &Seen::default()));
    load.pause = Duration::from_millis(20);
    load.go();
    load.pays_on(20);
    let silent = proxy.pairs();
    silent.iter().for_each(|pair| BOTH.iter().for_each(|way| pair.hold(*way, true)));
    let since = Instant::now();
    load.pays_on(20);
    println!("service was back after {} ms", since.elapsed().as_millis());
    let (confirmed, _) = load.end();
    // What was held arrives at last, too late to count.
    silent.iter().for_each(|pair| BOTH.iter().for_each(|way| pair.hold(*way, false)));
    thread::sleep(Duration::from_millis(200));
    must_agree(&place, &confirmed);
}
