//! An executor that was replaced ends: everybody is answered, nobody is told success, and it never commits again.

use crate::{
    rig::{Rig, eager},
    world::{Shop, World},
};
use domain::{Batch, Caller, Command, Reply, merchant::Product};
use engine::{Committer, Engine, Fault, ManualClock, Recovered, Refusal, Store};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};
use store::memory::Break;

/// Says, from a moment on, that another executor has the shard.
#[derive(Clone, Default)]
struct Fence {
    at_commit: Arc<AtomicBool>,
    at_recover: Arc<AtomicBool>,
    /// How often it was asked where it stands, the first time included.
    asked: Arc<AtomicUsize>,
    /// Calls since it said so.
    after: Arc<AtomicUsize>,
}

struct Fenced(Box<dyn Committer>, Fence);

fn replaced() -> Fault {
    Fault::Fenced("taken over by the other one".into())
}

impl Fenced {
    fn say(&self, when: &AtomicBool) -> Result<(), Fault> {
        if !when.load(Ordering::SeqCst) {
            return Ok(());
        }
        self.1.after.fetch_add(1, Ordering::SeqCst);
        Err(replaced())
    }
}

impl Committer for Fenced {
    fn recover(&mut self) -> Result<Recovered, Fault> {
        self.1.asked.fetch_add(1, Ordering::SeqCst);
        self.say(&self.1.at_recover)?;
        if self.1.asked.load(Ordering::SeqCst) > 1 {
            return Err(Fault::Unknown("not to be reached, until another one has taken over".into()));
        }
        self.0.recover()
    }
    fn commit(&mut self, batch: &Batch) -> Result<(), Fault> {
        self.say(&self.1.at_commit)?;
        self.0.commit(batch)
    }
}

fn start(world: &World, fence: &Fence) -> Rig {
    let Store { loader, committer, queries } = world.memory.open();
    let committer = Box::new(Fenced(committer, fence.clone()));
    Rig::with(Store { loader, committer, queries }, world.now, eager())
}

/// A command for each stage: in flight, in the open batch, being applied, waiting; and a dry run that waits.
struct Asked {
    flying: engine::Pending,
    open: engine::Pending,
    applied: engine::Pending,
    waiting: engine::Pending,
    dry: thread::JoinHandle<Result<(), Refusal>>,
}

fn dry_run(rig: &Rig, command: Command) -> thread::JoinHandle<Result<(), Refusal>> {
    let handle = rig.handle.clone();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(handle.dry_run(command, Caller::platform())).map(drop)
    })
}

fn until(rig: &Rig, what: impl Fn(&engine::Stats) -> bool) {
    while !what(&rig.handle.stats()) {
        thread::yield_now();
    }
}

fn ask(rig: &Rig, shop: &Shop) -> Asked {
    rig.commit.close();
    let flying = rig.submit(shop.create("order-0001", Product::Jsapi, 5_00)).unwrap();
    rig.commit.reached();
    let open = rig.submit(shop.close("order-0001")).unwrap();
    until(rig, |stats| stats.queued == 0);
    rig.load.close();
    // Not beyond what stood there before: the store has to be asked.
    let applied = rig.submit(shop.create("order-0000", Product::Jsapi, 5_00)).unwrap();
    rig.load.reached();
    let waiting = rig.submit(shop.create("order-0003", Product::Jsapi, 5_00)).unwrap();
    let dry = dry_run(rig, shop.create("order-0004", Product::Jsapi, 5_00));
    until(rig, |stats| stats.queued == 2);
    Asked { flying, open, applied, waiting, dry }
}

#[track_caller]
fn why<T: std::fmt::Debug>(answer: Result<T, Refusal>) -> String {
    match answer {
        Err(Refusal::Unavailable(why)) => why,
        answer => panic!("{answer:?}"),
    }
}

/// Everybody but the batch in flight is told that it was replaced; what comes later is, too; and it stops.
fn must_have_ended(rig: Rig, shop: &Shop, fence: &Fence, asked: Asked) -> Refusal {
    until(&rig, |stats| stats.fenced);
    rig.load.open();
    let flying = asked.flying.wait().unwrap_err();
    for answer in [asked.open.wait(), asked.applied.wait(), asked.waiting.wait()] {
        assert_eq!(why(answer), replaced().to_string());
    }
    assert_eq!(why(asked.dry.join().unwrap()), replaced().to_string());
    assert_eq!(why(rig.run(shop.close("order-0001"))), replaced().to_string(), "later ones too");
    let later = dry_run(&rig, shop.create("order-0005", Product::Jsapi, 5_00));
    assert_eq!(why(later.join().unwrap()), replaced().to_string());
    let stats = rig.handle.stats();
    assert_eq!((stats.faults, stats.queued), (1, 0));
    assert!(rig.heard.lock().unwrap().is_empty(), "no worker hears of what was not told");
    let handle = rig.handle.clone();
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        rig.stop();
        tell.send(()).unwrap();
    });
    assert!(told.recv_timeout(Duration::from_secs(60)).is_ok(), "stopping hangs");
    assert_eq!(handle.run_blocking(shop.close("order-0001"), Caller::platform()), Err(Refusal::Stopped));
    assert_eq!(fence.after.load(Ordering::SeqCst), 1, "it was told once and asked no more");
    flying
}

/// An executor that is fenced while its batch is not kept: its callers are told just that.
fn nothing_is_kept(replace: impl FnOnce(&World, &Fence)) {
    let mut world = World::new();
    let shop = world.shop();
    world.order(&shop, "order-0000", Product::Jsapi, 5_00);
    let before = world.queries.counts().unwrap();
    let fence = Fence::default();
    let rig = start(&world, &fence);
    let asked = ask(&rig, &shop);
    replace(&world, &fence);
    rig.commit.open();
    assert_eq!(must_have_ended(rig, &shop, &fence, asked), Refusal::Unavailable(replaced().to_string()));
    assert_eq!(world.queries.counts().unwrap(), before, "nothing was kept");
    world.restart();
    world.order(&shop, "order-0001", Product::Jsapi, 5_00);
}

/// The store knows at once.
#[test]
fn an_executor_fenced_at_its_commit_answers_everybody_and_ends() {
    nothing_is_kept(|_, fence| fence.at_commit.store(true, Ordering::SeqCst));
}

/// The commit was refused, and only asking tells why: that is no doubt either.
#[test]
fn an_executor_fenced_after_a_refused_commit_knows_that_nothing_was_kept() {
    nothing_is_kept(|world, fence| {
        fence.at_recover.store(true, Ordering::SeqCst);
        world.memory.break_commit(Break::Refused);
    });
}

/// The answer to a commit is lost, another executor takes over and commits. Its batch may carry the number of the
/// one in doubt, so that where the store stands says nothing: the callers are told that it is not known, whether it
/// was written or not.
#[test]
fn a_commit_in_doubt_when_another_took_over_is_never_told_as_success() {
    for (how, there) in [(Break::LostBefore, false), (Break::LostAfter, true)] {
        let mut world = World::new();
        let shop = world.shop();
        world.order(&shop, "order-0000", Product::Jsapi, 5_00);
        let before = world.queries.counts().unwrap().batch;
        let fence = Fence::default();
        let rig = start(&world, &fence);
        let asked = ask(&rig, &shop);
        world.memory.break_commit(how);
        rig.commit.open();
        while fence.asked.load(Ordering::SeqCst) < 2 {
            thread::yield_now();
        }
        let clock = Arc::new(ManualClock::standing(world.now));
        let other = Engine::start(world.memory.open(), clock, eager(), Box::new(|_| {})).unwrap();
        let done =
            other.handle().run_blocking(shop.create("order-0009", Product::Jsapi, 5_00), Caller::platform());
        assert!(matches!(done, Ok(Reply::Order(_))), "{done:?}");
        other.stop();
        let stands = world.queries.counts().unwrap().batch;
        assert_eq!(stands, before + 1 + i64::from(there), "without it, the other's batch has its number");

        fence.at_recover.store(true, Ordering::SeqCst);
        let told = must_have_ended(rig, &shop, &fence, asked);
        assert_eq!(told, Refusal::Unknown(replaced().to_string()), "{how:?}");
        let found = world.queries.order_by_number(shop.id, "order-0001").unwrap();
        assert_eq!(found.is_some(), there, "{how:?}: a query tells");
        world.restart();
        world.order(&shop, "order-0000", Product::Jsapi, 5_00);
    }
}
