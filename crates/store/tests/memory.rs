//! The store in memory: it conforms, and it fails when told to.

use domain::{Batch, Caller, Command};
use engine::{Engine, Fault, ManualClock, Recovered, Refusal, engine::Setup};
use std::sync::Arc;
use store::{Memory, conformance, memory::Break};
use types::Time;

#[test]
fn memory_conforms() {
    conformance::suite(|| {
        let memory = Memory::default();
        move || memory.open()
    });
}

fn key_ring() -> Command {
    Command::ReplaceKeyRing { name: "platform".into(), sealed: Box::from([1]) }
}

/// What the engine answers when the store breaks, and what is there afterwards (style, invariant 6).
#[test]
fn a_broken_commit_is_never_answered_as_done_unless_it_is_there() {
    for (how, done) in [(Break::Refused, false), (Break::LostBefore, false), (Break::LostAfter, true)] {
        let memory = Memory::default();
        let clock = Arc::new(ManualClock::standing(Time::from_unix(1_767_578_400)));
        let engine = Engine::start(memory.open(), clock, Setup::default(), Box::new(|_| {})).unwrap();
        memory.break_commit(how);
        memory.break_recover(2);
        let answer = engine.handle().run_blocking(key_ring(), Caller::platform());
        assert_eq!(answer.is_ok(), done, "{how:?}: {answer:?}");
        assert!(done || matches!(answer, Err(Refusal::Unavailable(_))), "{how:?}: {answer:?}");
        let version = || memory.open().queries.key_ring("platform").unwrap().map(|ring| ring.version);
        assert_eq!(version(), done.then_some(1), "{how:?}");
        engine.handle().run_blocking(key_ring(), Caller::platform()).unwrap();
        assert_eq!(version(), Some(1 + i64::from(done)), "{how:?}: the next command");
        engine.stop();
    }
}

#[test]
fn a_broken_load_refuses_the_command_and_nothing_else() {
    let memory = Memory::default();
    let clock = Arc::new(ManualClock::standing(Time::from_unix(1_767_578_400)));
    let engine = Engine::start(memory.open(), clock, Setup::default(), Box::new(|_| {})).unwrap();
    memory.break_load(1);
    let answer = engine.handle().run_blocking(key_ring(), Caller::platform());
    assert!(matches!(answer, Err(Refusal::Unavailable(_))), "{answer:?}");
    engine.handle().run_blocking(key_ring(), Caller::platform()).unwrap();
}

#[test]
fn a_break_writes_what_it_says() {
    let memory = Memory::default();
    let mut store = memory.open();
    let line = domain::JournalLine {
        id: types::JournalId(4096),
        at: Time(1),
        caller: Caller::platform(),
        command: "sweep",
        subject: domain::Subject::Platform,
        outcome: "ok",
        note: None,
        previous: None,
    };
    let batch = Batch { number: 1, at: Time(1), journal: vec![line], ..Batch::default() };
    memory.break_commit(Break::Refused);
    memory.break_commit(Break::LostBefore);
    memory.break_commit(Break::LostAfter);
    assert!(matches!(store.committer.commit(&batch), Err(Fault::Failed(_))));
    assert!(matches!(store.committer.commit(&batch), Err(Fault::Unknown(_))));
    assert_eq!(store.committer.recover(), Ok(Recovered::default()));
    assert!(matches!(store.committer.commit(&batch), Err(Fault::Unknown(_))));
    assert_eq!(store.committer.recover(), Ok(Recovered { batch: 1, at: Time(1) }));
}

#[test]
fn memory_holds_several_shards() {
    conformance::shard_suite(|| {
        let memory = Memory::default();
        move |place| memory.at(place).open_fenced()
    });
}
