//! The server is killed under load. What it acknowledged must still be there, and the books must balance.
#![allow(clippy::unwrap_used, reason = "a test stops where an expectation fails")]

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fastrand::Rng;
use front_door::{DataDir, Merchant, Server};

const ROUNDS: u64 = 4;
const CALLERS: u64 = 8;

#[test]
fn crash_kill_9_under_load_loses_no_acknowledged_payment() {
    // The instant of the kill is random; the seed is in the failure message, and FEIQIAN_SEED repeats it.
    let seed = std::env::var("FEIQIAN_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or_else(clock_seed);
    println!("FEIQIAN_SEED={seed}");
    let mut random = Rng::with_seed(seed);

    let data = DataDir::with_sandbox();
    let mut paid: BTreeSet<String> = BTreeSet::new();
    let mut placed: BTreeSet<String> = BTreeSet::new();
    for round in 0..ROUNDS {
        let server = Server::start(&data);
        let merchant = Merchant::new(&data.sandbox(), server.address());
        must_still_be_paid(&merchant, &paid);

        let load = Load::default();
        thread::scope(|scope| {
            for caller in 0..CALLERS {
                let (load, merchant, server) = (&load, &merchant, &server);
                scope.spawn(move || load.run(merchant, server, &format!("R{round}C{caller}")));
            }
            // Never before something was acknowledged: a kill of an idle server proves little.
            load.wait_for_payments(1 + random.u64(..40));
            thread::sleep(Duration::from_micros(random.u64(..300_000)));
            server.kill_now();
            load.over.store(true, Ordering::SeqCst);
        });
        drop(server);
        let (new_paid, new_placed) = load.acknowledged();
        assert!(!new_paid.is_empty(), "round {round} acknowledged no payment, so it proved nothing");
        println!("round {round}: {} orders and {} payments acknowledged", new_placed.len(), new_paid.len());
        paid.extend(new_paid);
        placed.extend(new_placed);
    }

    let server = Server::start(&data);
    let merchant = Merchant::new(&data.sandbox(), server.address());
    must_still_be_paid(&merchant, &paid);
    for number in &placed {
        let order = merchant.query(number).unwrap();
        assert_eq!(order.status, 200, "order {number} was acknowledged and is gone after kill -9");
    }
    // Nothing doubled: a payment has one notification, however often the server came back.
    for number in &paid {
        assert_eq!(server.notifications(number).len(), 1, "notifications of {number}");
    }
    data.must_prove();
    server.stop();
    data.must_prove();
}

#[track_caller]
fn must_still_be_paid(merchant: &Merchant, paid: &BTreeSet<String>) {
    for number in paid {
        let order = merchant.query(number).unwrap().expect(200);
        assert_eq!(
            order["trade_state"], "SUCCESS",
            "payment of {number} was acknowledged, then lost: {order}"
        );
    }
}

/// Orders and payments placed by all callers of a round.
#[derive(Default)]
struct Load {
    over: AtomicBool,
    payments: AtomicU64,
    placed: Mutex<Vec<String>>,
    paid: Mutex<Vec<String>>,
}

impl Load {
    /// Places and pays orders of one fen until the server is gone.
    fn run(&self, merchant: &Merchant, server: &Server, caller: &str) {
        for n in 0..10_000 {
            if self.over.load(Ordering::SeqCst) {
                return;
            }
            let number = format!("{caller}N{n:05}");
            // The notification goes to a closed port: its retries are part of what must survive.
            let Ok(order) = merchant.native(&number, 1, "http://127.0.0.1:9/notify") else { return };
            if order.status == 429 {
                thread::sleep(Duration::from_millis(20));
                continue;
            }
            let order = order.expect(200);
            self.placed.lock().unwrap().push(number.clone());
            let code_url = order["code_url"].as_str().expect("a code_url").to_owned();
            let openid = &merchant.sandbox().payer_openid;
            let Ok(payment) = server.pay(openid, ("code_url", &code_url)) else { return };
            let _ = payment.expect(200);
            self.paid.lock().unwrap().push(number);
            self.payments.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[track_caller]
    fn wait_for_payments(&self, count: u64) {
        for _ in 0..6_000 {
            if self.payments.load(Ordering::SeqCst) >= count {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        self.over.store(true, Ordering::SeqCst);
        panic!("not even {count} payments in 30 s");
    }

    fn acknowledged(self) -> (Vec<String>, Vec<String>) {
        (self.paid.into_inner().unwrap(), self.placed.into_inner().unwrap())
    }
}

fn clock_seed() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| u64::from(since.subsec_nanos()))
}
