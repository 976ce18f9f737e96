//! What an operator does on good days and bad ones: back up while payments go on, restore, stop under load, ask
//! whether all is well, rehearse the worst.
#![allow(clippy::unwrap_used, reason = "a test stops where an expectation fails")]

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use front_door::{DataDir, Ended, Merchant, Server, run};
use serde_json::Value;

const CALLERS: usize = 6;

/// Callers that place and pay orders of one fen until told to stop.
struct Load<'a> {
    merchant: &'a Merchant,
    server: &'a Server,
    name: &'a str,
    over: AtomicBool,
    paid: Mutex<Vec<String>>,
    /// What went wrong after a connection was let in.
    broken: Mutex<Vec<String>>,
}

impl<'a> Load<'a> {
    fn new(merchant: &'a Merchant, server: &'a Server, name: &'a str) -> Self {
        let (over, paid, broken) = (AtomicBool::new(false), Mutex::default(), Mutex::default());
        Self { merchant, server, name, over, paid, broken }
    }

    /// Runs the load while `then` does something with the server.
    fn during<T>(&self, then: impl FnOnce() -> T) -> T {
        thread::scope(|scope| {
            for caller in 0..CALLERS {
                scope.spawn(move || self.call(caller));
            }
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(then));
            self.over.store(true, Ordering::SeqCst);
            done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    fn call(&self, caller: usize) {
        for order in 0..1_000_000 {
            if self.over.load(Ordering::SeqCst) {
                return;
            }
            let number = format!("{}C{caller}N{order:06}", self.name);
            match self.pay(&number) {
                Ok(true) => self.paid.lock().unwrap().push(number),
                Ok(false) => thread::sleep(Duration::from_millis(10)),
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => return,
                Err(error) => self.broken.lock().unwrap().push(format!("{number}: {error}")),
            }
        }
    }

    fn pay(&self, number: &str) -> std::io::Result<bool> {
        let order = self.merchant.native(number, 1, "http://127.0.0.1:9/notify")?;
        if order.status == 429 {
            return Ok(false);
        }
        let order = order.expect(200);
        let code_url = order["code_url"].as_str().expect("a code_url");
        let paid = self.server.pay(&self.merchant.sandbox().payer_openid, ("code_url", code_url))?;
        let _ = paid.expect(200);
        Ok(true)
    }

    #[track_caller]
    fn wait_for(&self, payments: usize) {
        let since = Instant::now();
        while self.paid.lock().unwrap().len() < payments {
            assert!(since.elapsed() < Duration::from_secs(60), "not even {payments} payments in a minute");
            thread::sleep(Duration::from_millis(2));
        }
    }

    fn paid(&self) -> Vec<String> {
        self.paid.lock().unwrap().clone()
    }
}

fn backup(data: &DataDir, to: &Path) -> Ended {
    run(&["backup", "--data", &data.text(), "--to", &to.display().to_string()])
}

fn restore(from: &Path, data: &Path, key: Option<&Path>) -> Ended {
    let (from, data) = (from.display().to_string(), data.display().to_string());
    let key = key.map(|path| path.display().to_string());
    let mut arguments = vec!["restore", "--from", &from, "--data", &data];
    if let Some(key) = &key {
        arguments.extend(["--master-key", key]);
    }
    run(&arguments)
}

#[track_caller]
fn must(ended: &Ended) {
    assert!(ended.ok(), "{ended}");
}

#[track_caller]
fn must_fail(ended: &Ended, saying: &str) {
    assert!(!ended.ok() && ended.to_string().contains(saying), "no word of '{saying}' in: {ended}");
}

#[test]
fn r_fin_67_a_backup_while_paying_restores_every_payment_acknowledged_before_it() {
    let (data, shelf) = (DataDir::with_sandbox_in_a_file(), DataDir::empty());
    let file = shelf.path().join("copy.db");
    let server = Server::start(&data);
    let merchant = Merchant::new(&data.sandbox(), server.address());
    let load = Load::new(&merchant, &server, "B");
    let before = load.during(|| {
        load.wait_for(30);
        let before = load.paid();
        must(&backup(&data, &file));
        // Reading one state while others are written: the proof compares what belongs together.
        data.must_prove();
        before
    });
    assert!(load.broken.lock().unwrap().is_empty(), "{:?}", load.broken.lock().unwrap());
    server.stop();
    assert!(!shelf.path().join("master.key").exists(), "the master key must not lie beside the backup");

    let restored = DataDir::empty();
    let ended = restore(&file, restored.path(), Some(&data.path().join("master.key")));
    must(&ended);
    restored.must_prove();
    restored.configure("mode = \"sandbox\"");
    let server = Server::start(&restored);
    let merchant = Merchant::new(&data.sandbox(), server.address());
    for number in &before {
        let order = merchant.query(number).unwrap().expect(200);
        assert_eq!(order["trade_state"], "SUCCESS", "{number} was acknowledged before the backup began");
    }
    let again = Load::new(&merchant, &server, "R");
    again.during(|| again.wait_for(5));
    server.stop();
    restored.must_prove();
}

#[test]
fn what_is_not_whole_is_not_restored_and_nothing_is_overwritten() {
    let (data, shelf) = (DataDir::with_sandbox_in_a_file(), DataDir::empty());
    must(&backup(&data, shelf.path()));
    let manifest: PathBuf = fs::read_dir(shelf.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.to_string_lossy().ends_with(".manifest.json"))
        .unwrap();
    let file = PathBuf::from(manifest.to_str().unwrap().strip_suffix(".manifest.json").unwrap());
    let said: Value = serde_json::from_str(&fs::read_to_string(&manifest).unwrap()).unwrap();
    assert_eq!(said["bytes"], fs::metadata(&file).unwrap().len());
    must_fail(&backup(&data, &file), "never overwrites");
    must_fail(&run(&["backup", "--data", &shelf.text(), "--to", "x.db"]), "no store here");

    // A folder with one backup will do; an occupied data directory will not.
    let first = DataDir::empty();
    must(&restore(shelf.path(), first.path(), None));
    first.must_prove();
    must_fail(&restore(&file, first.path(), None), "is not empty");
    must_fail(&restore(&file, data.path(), None), "is not empty");

    // Without the key of the installation it is not served, and no new key is made for it.
    must_fail(&run(&["serve", "--data", &first.text(), "--listen", "127.0.0.1:0"]), "put the master key");
    assert!(!first.path().join("master.key").exists());
    let stranger = DataDir::with_sandbox_in_a_file();
    let target = DataDir::empty();
    let key = stranger.path().join("master.key");
    must_fail(&restore(&file, target.path(), Some(&key)), "another installation");

    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&file, &bytes).unwrap();
    must_fail(&restore(&file, target.path(), None), "SHA-256");
    fs::write(&file, &bytes[..middle]).unwrap();
    must_fail(&restore(&file, target.path(), None), "the manifest says");
    fs::remove_file(&manifest).unwrap();
    must_fail(&restore(&file, target.path(), None), "was not finished");
    assert_eq!(fs::read_dir(target.path()).unwrap().count(), 0, "a refused restore leaves nothing behind");
    data.must_prove();
}

#[test]
fn sigterm_under_load_leaves_nobody_unanswered() {
    let data = DataDir::with_sandbox();
    let server = Server::start(&data);
    let merchant = Merchant::new(&data.sandbox(), server.address());
    let load = Load::new(&merchant, &server, "S");
    load.during(|| {
        load.wait_for(30);
        server.ask_to_stop();
        // For a while requests are still served, and a balancer is told to send no more.
        thread::sleep(Duration::from_millis(300));
        let told = server.plain("GET", "/readyz", None).unwrap();
        assert_eq!(told.header("connection"), Some("close"));
        let told = told.expect(503);
        assert_eq!((&told["status"], &told["wrong"][0]["check"]), (&"stopping".into(), &"stopping".into()));
        assert_eq!(server.plain("GET", "/healthz", None).unwrap().status, 200);
        // The callers end by themselves, when the door is shut.
        thread::sleep(Duration::from_millis(1500));
    });
    assert!(
        load.broken.lock().unwrap().is_empty(),
        "let in and not answered: {:?}",
        load.broken.lock().unwrap()
    );
    let paid = load.paid();
    server.must_end();
    data.must_prove();
    let server = Server::start(&data);
    let merchant = Merchant::new(&data.sandbox(), server.address());
    for number in paid {
        assert_eq!(merchant.query(&number).unwrap().expect(200)["trade_state"], "SUCCESS", "{number}");
    }
    server.stop();
}

#[test]
fn readyz_names_what_is_wrong_and_needs_no_signature() {
    let data = DataDir::with_sandbox();
    let server = Server::start(&data);
    let ready = server.plain("GET", "/readyz", None).unwrap().expect(200);
    assert_eq!((&ready["status"], &ready["wrong"]), (&"ready".into(), &Value::Array(Vec::new())));
    assert!(ready["disk_free_bytes"].as_u64() > Some(0) && ready["store"]["batch"].as_i64() > Some(0));
    server.stop();

    data.configure("disk_free_min_mib = 1048576");
    let server = Server::start(&data);
    let full = server.plain("GET", "/readyz", None).unwrap().expect(503);
    assert_eq!(full["wrong"][0]["check"], "disk");
    assert!(full["wrong"][0]["problem"].as_str().unwrap().contains("disk_free_min_mib"), "{full}");
    assert_eq!(server.plain("GET", "/healthz", None).unwrap().status, 200);
    server.stop();
    data.must_prove();
}

#[test]
fn r_fin_67_the_drill_loses_nothing_and_says_how_long_it_took() {
    let ended = run(&["drill", "--rounds", "2", "--callers", "4", "--json"]);
    must(&ended);
    let report: Value = serde_json::from_str(&ended.stdout()).unwrap();
    assert_eq!((&report["passed"], &report["rpo_payments"]), (&true.into(), &0.into()), "{report}");
    assert!(report["rto_ms"].as_u64().is_some_and(|ms| ms > 0 && ms < 30 * 60 * 1000), "{report}");
    assert_eq!(report["killed"].as_array().unwrap().len(), 2);
    for verdict in
        [&report["killed"][1]["verdict"], &report["drained"]["verdict"], &report["restored"]["verdict"]]
    {
        assert!(verdict["acknowledged"].as_u64() > Some(0) && verdict["lost"] == 0, "{report}");
    }
}
