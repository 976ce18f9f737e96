//! Where callers are told.

use crate::{
    rig::{Rig, eager},
    world::World,
};
use domain::merchant::Product;
use engine::engine::Setup;
use std::{
    pin::pin,
    sync::{Arc, mpsc},
    task::{Context, Poll, Wake},
    thread,
};

/// Says on which thread it was woken.
struct Where(mpsc::Sender<Option<String>>);

impl Wake for Where {
    fn wake(self: Arc<Self>) {
        drop(self.0.send(thread::current().name().map(str::to_owned)));
    }
}

fn told_on(setup: Setup) -> Option<String> {
    let mut world = World::new();
    let shop = world.shop();
    let rig = Rig::with(world.memory.open(), world.now, setup);
    rig.commit.close();
    let mut answer = pin!(rig.submit(shop.create("order-1", Product::Native, 1)).unwrap());
    let (say, said) = mpsc::channel();
    let waker = Arc::new(Where(say)).into();
    let mut context = Context::from_waker(&waker);
    assert!(answer.as_mut().poll(&mut context).is_pending());
    rig.commit.open();
    let told = said.recv().expect("it is told");
    assert!(matches!(answer.as_mut().poll(&mut context), Poll::Ready(Ok(_))));
    told
}

#[test]
fn callers_are_told_on_their_runtime_or_by_who_committed() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("callers")
        .build()
        .expect("a runtime");
    let with = Setup { runtime: Some(runtime.handle().clone()), ..eager() };
    assert_eq!(told_on(with).as_deref(), Some("callers"));
    assert_eq!(told_on(eager()).as_deref(), Some("engine-commit"));
}
