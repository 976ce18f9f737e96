//! A disk without room, and two servers on one store: nothing acknowledged is lost, and everybody gets an answer.
#![allow(clippy::unwrap_used, reason = "a test stops where an expectation fails")]

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use front_door::{DataDir, Merchant, Server, run};
use serde_json::Value;

/// What was acknowledged, as a merchant and a payer remember it.
#[derive(Default)]
struct Books {
    placed: BTreeSet<String>,
    paid: BTreeSet<String>,
    /// Refused without a word on whether it went through: paid or not, once and for all.
    doubtful: BTreeSet<String>,
    next: u32,
}

impl Books {
    /// Places an order and pays it; true when both were acknowledged. Anything but success or a clear refusal fails.
    #[track_caller]
    fn pay(&mut self, merchant: &Merchant, server: &Server) -> bool {
        self.next += 1;
        let number = format!("FAULT{:06}", self.next);
        let order = merchant.native(&number, 1, "http://127.0.0.1:9/notify").unwrap();
        if order.status != 200 {
            assert!(order.status >= 500, "an order: {order:?}");
            assert_eq!(order.json()["code"], "SYSTEM_ERROR");
            return false;
        }
        self.placed.insert(number.clone());
        let order = order.json();
        let openid = &merchant.sandbox().payer_openid;
        let payment = server.pay(openid, ("code_url", order["code_url"].as_str().unwrap())).unwrap();
        if payment.status != 200 {
            assert!(payment.status >= 500, "a payment: {payment:?}");
            return false;
        }
        self.paid.insert(number);
        true
    }

    /// Pays until nothing goes through, not even something small.
    #[track_caller]
    fn pay_until_refused(&mut self, merchant: &Merchant, server: &Server) {
        let mut refused = 0;
        for _ in 0..5_000 {
            refused = if self.pay(merchant, server) { 0 } else { refused + 1 };
            if refused == 5 {
                return;
            }
        }
        panic!("5,000 payments went through");
    }

    /// Everything that was acknowledged is there as it was, and each payment is told of once.
    #[track_caller]
    fn must_hold(&self, merchant: &Merchant, server: &Server) {
        for number in &self.placed {
            let order = merchant.query(number).unwrap().expect(200);
            let paid = self.paid.contains(number);
            let state = order["trade_state"].as_str().unwrap();
            assert!(
                state == if paid { "SUCCESS" } else { "NOTPAY" },
                "order {number}, paid: {paid}: {order}"
            );
        }
        for number in self.paid.iter().rev().take(20) {
            assert_eq!(server.notifications(number).len(), 1, "notifications of {number}");
        }
    }
}

/// The names of what is wrong, and all of the answer; nothing when ready.
fn wrong(server: &Server) -> Option<(Vec<String>, Value)> {
    let ready = server.plain("GET", "/readyz", None).unwrap();
    if ready.status == 200 {
        return None;
    }
    let answer = ready.expect(503);
    let names =
        answer["wrong"].as_array().unwrap().iter().map(|wrong| wrong["check"].as_str().unwrap().into());
    Some((names.collect(), answer))
}

#[track_caller]
fn until_ready(server: &Server) {
    let since = Instant::now();
    while let Some((_, answer)) = wrong(server) {
        assert!(since.elapsed() < Duration::from_secs(60), "not ready again after a minute: {answer}");
        thread::sleep(Duration::from_millis(100));
    }
}

/// Only writes fail: reads, and the refusals themselves, are answered; and `/readyz` says why.
#[track_caller]
fn must_be_full(books: &mut Books, merchant: &Merchant, server: &Server) {
    // The last bit of room takes a small batch when it takes no payment any more, such as the one `/readyz` tries.
    let full = (0..200).find_map(|_| {
        books.pay_until_refused(merchant, server);
        wrong(server)
    });
    let (names, answer) = full.expect("a server that takes no payments is not ready");
    assert!(!books.paid.is_empty(), "nothing was acknowledged before, so nothing could be lost");
    assert!(names.contains(&"store".to_owned()), "{answer}");
    assert!(answer.to_string().contains("refused the last batch"), "{answer}");
    books.must_hold(merchant, server);
}

const LIMIT_KIB: u32 = 3 * 1024;

#[test]
fn a_full_disk_refuses_payments_and_loses_none() {
    let data = DataDir::with_sandbox_in_a_file();
    let mut books = Books::default();

    // Room is made while it runs: service is back by itself.
    let server = Server::start_limited(&data, LIMIT_KIB);
    let merchant = Merchant::new(&data.sandbox(), server.address());
    must_be_full(&mut books, &merchant, &server);
    data.must_prove();
    println!("{} payments before the disk was full", books.paid.len());
    server.lift_limit();
    until_ready(&server);
    assert!(books.pay(&merchant, &server), "there is room again");
    books.must_hold(&merchant, &server);
    server.stop();
    data.must_prove();

    // It is killed while the disk is full, and started again where there is room.
    let server = Server::start_limited(&data, LIMIT_KIB);
    let merchant = Merchant::new(&data.sandbox(), server.address());
    must_be_full(&mut books, &merchant, &server);
    server.kill_now();
    drop(server);
    let server = Server::start(&data);
    let merchant = Merchant::new(&data.sandbox(), server.address());
    until_ready(&server);
    books.must_hold(&merchant, &server);
    assert!(books.pay(&merchant, &server), "there is room again");
    server.stop();
    data.must_prove();
}

/// A small file system in memory; none, and told, where this user may not mount one.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn new(mib: u32) -> Option<Self> {
        let folder = tempfile::TempDir::with_prefix("feiqian-disk-").unwrap();
        let size = format!("size={mib}m");
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "none"]).arg(folder.path()).output();
        if mount.is_ok_and(|mount| mount.status.success()) {
            return Some(Self(folder));
        }
        eprintln!("SKIPPED: only root may mount a small disk; the same with a limit on files was run");
        None
    }

    fn filler(&self) -> PathBuf {
        self.0.path().join("filler")
    }

    /// Fills it but for `free_kib`.
    fn fill(&self, free_kib: u64) {
        let mut file = File::create(self.filler()).unwrap();
        while file.write_all(&[1; 4096]).is_ok() {}
        let written = file.metadata().unwrap().len();
        file.set_len(written - free_kib * 1024).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status(); // a busy one stays behind in a folder of its own
    }
}

/// The disk itself is full, and the server's log is on it too.
#[test]
fn a_full_disk_with_the_log_on_it_refuses_payments_and_loses_none() {
    let Some(disk) = SmallDisk::new(24) else { return };
    let data = DataDir::with_sandbox_in_a_file_under(disk.0.path());
    data.configure("disk_free_min_mib = 0"); // the store itself must say so
    let mut books = Books::default();
    let server = Server::start(&data);
    let merchant = Merchant::new(&data.sandbox(), server.address());
    disk.fill(1536);
    must_be_full(&mut books, &merchant, &server);
    for _ in 0..20 {
        assert!(!books.pay(&merchant, &server), "there is no room");
    }
    std::fs::remove_file(disk.filler()).unwrap();
    until_ready(&server);
    assert!(books.pay(&merchant, &server), "there is room again");
    books.must_hold(&merchant, &server);

    disk.fill(512);
    must_be_full(&mut books, &merchant, &server);
    server.kill_now();
    drop(server);
    std::fs::remove_file(disk.filler()).unwrap();
    let server = Server::start(&data);
    let merchant = Merchant::new(&data.sandbox(), server.address());
    until_ready(&server);
    books.must_hold(&merchant, &server);
    assert!(books.pay(&merchant, &server), "there is room again");
    server.stop();
    data.must_prove();
}

#[test]
fn a_second_server_on_the_same_data_is_refused_and_disturbs_nobody() {
    let data = DataDir::with_sandbox_in_a_file();
    let server = Server::start(&data);
    let merchant = Merchant::new(&data.sandbox(), server.address());
    let mut books = Books::default();
    assert!(books.pay(&merchant, &server));
    let second = run(&["serve", "--data", &data.text(), "--listen", "127.0.0.1:0"]);
    assert!(!second.ok(), "{second}");
    assert!(second.to_string().contains("is in use by another feiqian process; stop it first"), "{second}");
    assert!(books.pay(&merchant, &server));
    assert_eq!(wrong(&server), None);
    books.must_hold(&merchant, &server);
    server.stop();
    data.must_prove();
}

/// A merchant's address that takes notifications and never answers; how many came.
fn deaf() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (url, came) =
        (format!("http://{}/notify", listener.local_addr().unwrap()), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&came);
    thread::spawn(move || {
        let mut held = Vec::new();
        for stream in listener.incoming() {
            held.push(stream);
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    (url, came)
}

#[test]
fn a_second_server_on_one_database_takes_over_and_the_first_says_so() {
    let Some(data) = DataDir::with_sandbox_on_postgres() else { return };
    let other = data.copy();
    let first = Server::start(&data);
    let to_first = Merchant::new(&data.sandbox(), first.address());
    let mut books = Books::default();
    for _ in 0..10 {
        assert!(books.pay(&to_first, &first));
    }
    // Payments go on at the first one while the second one starts, takes the shard, and pays too.
    let (second, refused) = thread::scope(|scope| {
        let starting = scope.spawn(|| Server::start(&other));
        let mut refused = 0;
        while refused < 5 {
            if !books.pay(&to_first, &first) {
                refused += 1;
                // A COMMIT may be under way at the very moment; later ones are refused for sure.
                if refused == 1 {
                    books.doubtful.extend(books.placed.last().cloned());
                }
            }
        }
        (starting.join().unwrap(), refused)
    });
    let to_second = Merchant::new(&other.sandbox(), second.address());
    println!("{} payments at the first one, {refused} refused", books.paid.len());
    books.next += 100_000; // numbers of its own
    for _ in 0..10 {
        assert!(books.pay(&to_second, &second), "the second one serves");
        assert!(!books.pay(&to_first, &first), "the first one never again");
    }
    let (names, answer) = wrong(&first).expect("the first one is not ready");
    assert!(names.contains(&"fenced".to_owned()) && !names.contains(&"store".to_owned()), "{answer}");
    assert!(answer.to_string().contains("was taken over by"), "{answer}");
    assert_eq!(answer["engine"]["fenced"], true);
    assert_eq!(wrong(&second), None);
    for (merchant, server) in [(&to_first, &first), (&to_second, &second)] {
        books.must_hold(merchant, server); // reads are as good at either
    }
    // The first one could not record a notification it sends, and would send it again and again. Within a second it
    // leaves them to the other.
    thread::sleep(Duration::from_secs(2));
    let (url, came) = deaf();
    let order = to_second.native("DEAF000001", 1, &url).unwrap().expect(200);
    let openid = to_second.sandbox().payer_openid.clone();
    let _ = second.pay(&openid, ("code_url", order["code_url"].as_str().unwrap())).unwrap().expect(200);
    let since = Instant::now();
    while came.load(Ordering::SeqCst) == 0 {
        assert!(since.elapsed() < Duration::from_secs(60), "no notification within a minute");
        thread::sleep(Duration::from_millis(10));
    }
    thread::sleep(Duration::from_secs(3));
    assert_eq!(
        came.load(Ordering::SeqCst),
        1,
        "it is taken for unanswered after 5 s, and then tried again after 15 s"
    );
    let since = Instant::now();
    first.stop();
    println!("the first one stopped within {} ms", since.elapsed().as_millis());
    assert!(books.pay(&to_second, &second), "the end of the first one disturbs nobody");
    data.must_prove();

    // A restart is a new executor: it takes over in its turn.
    let first = Server::start(&data);
    let to_first = Merchant::new(&data.sandbox(), first.address());
    assert!(books.pay(&to_first, &first));
    assert!(!books.pay(&to_second, &second));
    assert!(wrong(&second).expect("the second one is not ready").0.contains(&"fenced".to_owned()));
    second.stop();
    books.must_hold(&to_first, &first);
    first.stop();
    data.must_prove();
}
