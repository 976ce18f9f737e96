//! Several nodes on one PostgreSQL: any of them takes any request, one dies or hangs and the others go on, all are
//! restarted one after the other and nobody notices.
#![allow(clippy::unwrap_used, reason = "a test stops where an expectation fails")]

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use front_door::{DataDir, Merchant, Server};
use serde_json::{Value, json};

const SHARDS: u8 = 4;
const CALLERS: usize = 8;
/// Shards of a dead node must be served again by then. The figure is printed; this only ends a test that hangs.
const BACK_BY: Duration = Duration::from_secs(30);

/// Nodes on one database.
struct Nodes {
    data: DataDir,
    nodes: Vec<(DataDir, Option<Server>)>,
}

impl Nodes {
    fn start(names: &[&str]) -> Option<Self> {
        Self::start_by(names, Server::start_node)
    }
    fn start_by(names: &[&str], start: fn(&DataDir, &str) -> Server) -> Option<Self> {
        let data = DataDir::with_shards_on_postgres(SHARDS)?;
        let nodes = names.iter().map(|name| {
            let own = data.copy();
            let server = start(&own, name);
            (own, Some(server))
        });
        let nodes = Self { nodes: nodes.collect(), data };
        nodes.wait_until(|status| status.iter().all(|node| !owned(node).is_empty()));
        Some(nodes)
    }
    fn server(&self, node: usize) -> &Server {
        self.nodes[node].1.as_ref().unwrap()
    }
    fn status(&self) -> Vec<Value> {
        let up = self.nodes.iter().filter_map(|(_, server)| server.as_ref());
        up.map(|server| server.plain("GET", "/readyz", None).map_or(Value::Null, |ready| ready.json()))
            .collect()
    }
    /// Waits until all shards have an owner that answers and `more` holds of all nodes' `/readyz`.
    #[track_caller]
    fn wait_until(&self, more: impl Fn(&[Value]) -> bool) {
        let since = Instant::now();
        loop {
            let status = self.status();
            let all: BTreeSet<u64> = status.iter().flat_map(owned).collect();
            let settled = status.iter().all(|node| node["node"]["without_owner"] == json!([]));
            if all.len() == usize::from(SHARDS) && settled && more(&status) {
                return;
            }
            assert!(since.elapsed() < BACK_BY, "not after {} s: {status:#?}", BACK_BY.as_secs());
            thread::sleep(Duration::from_millis(20));
        }
    }
    /// Payers enough that every shard has some.
    fn payers(&self) -> Vec<String> {
        let make = |n: usize| {
            let asked = json!({"balance": 1_000_000});
            let made = self.server(n % self.nodes.len()).plain("POST", "/sandbox/v1/payers", Some(&asked));
            made.unwrap().expect(200)["openid"].as_str().unwrap().to_owned()
        };
        (0..12).map(make).collect()
    }
    fn merchant(&self, node: usize) -> Merchant {
        Merchant::new(&self.data.sandbox(), self.server(node).address())
    }
    /// Every one of `paid` is paid, asked at every node that is up; the books balance.
    #[track_caller]
    fn must_be_paid(&self, paid: &[String]) {
        assert!(!paid.is_empty(), "nothing was paid, so nothing is shown");
        for node in (0..self.nodes.len()).filter(|node| self.nodes[*node].1.is_some()) {
            let merchant = self.merchant(node);
            for number in paid {
                let order = merchant.query(number).unwrap().expect(200);
                assert_eq!(order["trade_state"], "SUCCESS", "{number} was acknowledged as paid: {order}");
            }
        }
        self.data.must_prove();
    }
}

fn owned(status: &Value) -> Vec<u64> {
    let owned = status["node"]["owned"].as_array().cloned().unwrap_or_default();
    owned.iter().filter_map(Value::as_u64).collect()
}

/// Loads of this process: each has numbers of its own.
static LOADS: AtomicUsize = AtomicUsize::new(0);

/// Callers who place and pay orders at the doors that are open, as behind a load balancer.
struct Load {
    /// Part of its orders' numbers.
    number: usize,
    doors: RwLock<Vec<SocketAddr>>,
    over: AtomicBool,
    paid: Mutex<Vec<String>>,
    /// What was let in and not answered with 200.
    failed: Mutex<Vec<String>>,
    turned_away: AtomicUsize,
    /// The longest wait for an answer, and when it ended.
    longest: Mutex<Duration>,
}

impl Load {
    fn at(doors: &[SocketAddr]) -> Self {
        Self {
            number: LOADS.fetch_add(1, Ordering::SeqCst),
            doors: RwLock::new(doors.to_vec()),
            over: AtomicBool::new(false),
            paid: Mutex::default(),
            failed: Mutex::default(),
            turned_away: AtomicUsize::new(0),
            longest: Mutex::default(),
        }
    }
    fn door(&self, turn: usize) -> SocketAddr {
        let doors = self.doors.read().unwrap();
        doors[turn % doors.len()]
    }
    /// One order, placed at one door and paid at another.
    fn call(&self, nodes: &Nodes, payers: &[String], caller: usize) {
        let sandbox = nodes.data.sandbox();
        for turn in 0.. {
            if self.over.load(Ordering::SeqCst) {
                return;
            }
            let number = format!("L{}C{caller}N{turn:05}", self.number);
            let placed = self.insist(turn, |door| {
                Merchant::new(&sandbox, door).native(&number, 1, "http://127.0.0.1:9/n")
            });
            let Some(placed) = placed else { continue };
            let payer = &payers[(caller * 5 + turn) % payers.len()];
            let pay = json!({"openid": payer, "code_url": placed["code_url"]});
            let paid =
                self.insist(turn + 1, |door| Server::plain_at(door, "POST", "/sandbox/v1/payments", &pay));
            if paid.is_some() {
                self.paid.lock().unwrap().push(number);
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
    /// Asks at a door; at the next one when it is shut. None and noted when it was let in and not answered well.
    fn insist(
        &self,
        turn: usize,
        ask: impl Fn(SocketAddr) -> std::io::Result<front_door::Answer>,
    ) -> Option<Value> {
        let began = Instant::now();
        for turn in turn..turn + 1000 {
            match ask(self.door(turn)) {
                Ok(answer) if answer.status == 200 => {
                    let mut longest = self.longest.lock().unwrap();
                    *longest = began.elapsed().max(*longest);
                    return Some(answer.json());
                }
                Ok(answer) if answer.status == 429 => {}
                Ok(answer) => {
                    let text = format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body));
                    self.failed.lock().unwrap().push(text);
                    return None;
                }
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                    self.turned_away.fetch_add(1, Ordering::SeqCst);
                }
                Err(error) => {
                    self.failed.lock().unwrap().push(error.to_string());
                    return None;
                }
            }
            thread::sleep(Duration::from_millis(10));
        }
        None
    }
    /// Runs callers while `meanwhile` goes on.
    fn run(&self, nodes: &Nodes, payers: &[String], meanwhile: impl FnOnce()) {
        thread::scope(|scope| {
            for caller in 0..CALLERS {
                scope.spawn(move || self.call(nodes, payers, caller));
            }
            self.pays(30);
            meanwhile();
            self.over.store(true, Ordering::SeqCst);
        });
    }
    /// Waits for `more` further payments.
    #[track_caller]
    fn pays(&self, more: usize) {
        let (goal, since) = (self.paid.lock().unwrap().len() + more, Instant::now());
        while self.paid.lock().unwrap().len() < goal {
            let failed = self.failed.lock().unwrap().last().cloned();
            if since.elapsed() > BACK_BY {
                self.over.store(true, Ordering::SeqCst);
                panic!("no {more} payments in {} s; the last failure: {failed:?}", BACK_BY.as_secs());
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
    fn paid(&self) -> Vec<String> {
        self.paid.lock().unwrap().clone()
    }
    fn failed(&self) -> Vec<String> {
        self.failed.lock().unwrap().clone()
    }
}

#[test]
fn nodes_take_each_others_requests() {
    let Some(nodes) = Nodes::start(&["a", "b"]) else { return };
    let payers = nodes.payers();
    let mut paid = Vec::new();
    for (n, payer) in payers.iter().enumerate() {
        let (here, there) = (n % 2, (n + 1) % 2);
        let number = format!("ACROSS{n:04}");
        let placed = nodes.merchant(here).native(&number, 100, "http://127.0.0.1:9/n").unwrap().expect(200);
        let code = placed["code_url"].as_str().unwrap();
        let _ = nodes.server(there).pay(payer, ("code_url", code)).unwrap().expect(200);
        // Whoever pays it again, wherever: it is paid once.
        let again = nodes.server(here).pay(&payers[(n + 1) % payers.len()], ("code_url", code)).unwrap();
        assert_eq!(again.expect(400)["reason"], "order_paid");
        paid.push(number);
    }
    // A number is taken once, whichever node is asked, and for the same order gives the same.
    let terms = nodes.merchant(1).native("ACROSS0000", 999, "http://127.0.0.1:9/n").unwrap();
    assert_ne!(terms.status, 200);
    nodes.must_be_paid(&paid);
    let forwarded: u64 = nodes.status().iter().filter_map(|node| node["node"]["forwarded"].as_u64()).sum();
    assert!(forwarded > 0, "with shards on both nodes some commands must have travelled");
    let listed = front_door::run(&["nodes", "--json", "--data", &nodes.data.text()]);
    assert!(listed.ok(), "{listed}");
    let listed: Value = serde_json::from_str(&listed.stdout()).unwrap();
    assert_eq!((&listed["shards"], listed["nodes"].as_array().map(Vec::len)), (&json!(SHARDS), Some(2)));
}

#[test]
fn kill_9_of_a_node_under_load_is_taken_over_and_loses_nothing() {
    let Some(mut nodes) = Nodes::start(&["a", "b"]) else { return };
    let payers = nodes.payers();
    // Who was let in by the node that dies has no answer; that is not what is looked at here.
    let load = Load::at(&[nodes.server(1).address()]);
    load.run(&nodes, &payers, || {
        nodes.server(0).kill_now();
        let killed = Instant::now();
        let rest = [nodes.server(1)];
        while rest[0].plain("GET", "/readyz", None).map_or(0, |ready| owned(&ready.json()).len())
            < usize::from(SHARDS)
        {
            assert!(killed.elapsed() < BACK_BY, "the shards of the dead node are not taken over");
            thread::sleep(Duration::from_millis(20));
        }
        println!("RTO: all shards served again {} ms after kill -9", killed.elapsed().as_millis());
        load.pays(30);
    });
    println!("longest wait of a caller at the other node: {} ms", load.longest.lock().unwrap().as_millis());
    assert_eq!(load.failed(), Vec::<String>::new(), "callers at a node that lives only wait");
    nodes.nodes[0].1 = None;
    nodes.must_be_paid(&load.paid());
    // Back again under its name, it gets its share.
    let (data, _) = &nodes.nodes[0];
    let back = Server::start_node(data, "a");
    nodes.nodes[0].1 = Some(back);
    nodes.wait_until(|status| status.iter().all(|node| owned(node).len() == usize::from(SHARDS) / 2));
    nodes.must_be_paid(&load.paid());
}

/// And a rolling upgrade, where `FEIQIAN_BEFORE` names the program of an earlier build.
#[test]
fn a_rolling_restart_under_load_fails_no_payment() {
    let names = ["a", "b", "c"];
    let Some(nodes) = Nodes::start_by(&names, Server::start_node_before) else { return };
    let payers = nodes.payers();
    let addresses: Vec<SocketAddr> = (0..3).map(|node| nodes.server(node).address()).collect();
    let load = Load::at(&addresses);
    let mut restarted = Vec::new();
    let servers: Vec<&Server> = (0..3).map(|node| nodes.server(node)).collect();
    load.run(&nodes, &payers, || {
        for (node, name) in names.iter().enumerate() {
            // A new process takes its place on another port; the balancer learns of it, as it does from /readyz.
            servers[node].ask_to_stop();
            load.pays(20);
            let fresh = nodes.data.copy();
            let server = Server::start_node(&fresh, &format!("{name}2"));
            load.doors.write().unwrap()[node] = server.address();
            let since = Instant::now();
            while server.plain("GET", "/readyz", None).map_or(0, |ready| owned(&ready.json()).len()) == 0 {
                assert!(since.elapsed() < BACK_BY, "the new node gets no shard");
                thread::sleep(Duration::from_millis(20));
            }
            load.pays(20);
            restarted.push((fresh, server));
        }
    });
    println!(
        "{} payments, {} turned away at a door that was shut, longest wait {} ms",
        load.paid().len(),
        load.turned_away.load(Ordering::SeqCst),
        load.longest.lock().unwrap().as_millis()
    );
    assert_eq!(load.failed(), Vec::<String>::new(), "no payment fails");
    let Nodes { data, nodes } = nodes;
    for (_, server) in nodes {
        server.unwrap().must_end();
    }
    let nodes =
        Nodes { data, nodes: restarted.into_iter().map(|(data, server)| (data, Some(server))).collect() };
    nodes.must_be_paid(&load.paid());
}

#[test]
fn a_node_that_hangs_is_fenced_when_it_wakes() {
    let Some(nodes) = Nodes::start(&["a", "b"]) else { return };
    let payers = nodes.payers();
    let load = Load::at(&[nodes.server(1).address()]);
    load.run(&nodes, &payers, || {
        nodes.server(0).freeze();
        let since = Instant::now();
        while nodes.server(1).plain("GET", "/readyz", None).map_or(0, |ready| owned(&ready.json()).len())
            < usize::from(SHARDS)
        {
            assert!(since.elapsed() < BACK_BY, "the shards of the hanging node are not taken over");
            thread::sleep(Duration::from_millis(20));
        }
        load.pays(30);
        nodes.server(0).thaw();
        // What it had in its queues is refused by the fence; what it is asked now goes where the shards are.
        for (n, payer) in payers.iter().enumerate() {
            let number = format!("WOKEN{n:04}");
            let placed = nodes.merchant(0).native(&number, 1, "http://127.0.0.1:9/n").unwrap().expect(200);
            let code = placed["code_url"].as_str().unwrap();
            let _ = nodes.server(0).pay(payer, ("code_url", code)).unwrap().expect(200);
        }
        load.pays(30);
    });
    assert_eq!(load.failed(), Vec::<String>::new(), "callers at a node that lives only wait");
    nodes.wait_until(|status| status.iter().all(|node| owned(node).len() == usize::from(SHARDS) / 2));
    let lost = nodes.status()[0]["node"]["lost"].as_u64();
    assert!(lost > Some(0), "the node that hung must have noticed that its shards were taken");
    nodes.must_be_paid(&load.paid());
}

#[test]
fn two_processes_of_one_name_and_another_number_of_shards_are_refused() {
    let Some(nodes) = Nodes::start(&["a"]) else { return };
    let (own, address) = (nodes.data.copy(), front_door::free_address().to_string());
    let listen = front_door::free_address().to_string();
    let serve = |more: &[&str]| {
        let own = own.text();
        let mut arguments = vec!["serve", "--data", &own, "--listen", &listen];
        arguments.extend(more);
        front_door::run(&arguments)
    };
    let twin = serve(&["--node", "a", "--cluster-listen", &address]);
    assert!(!twin.ok() && twin.to_string().contains("another process runs as node"), "{twin}");
    let eight = serve(&["--node", "b", "--cluster-listen", &address, "--shards", "8"]);
    assert!(!eight.ok() && eight.to_string().contains("made with 4 shards"), "{eight}");
    let unnamed = serve(&[]);
    assert!(!unnamed.ok() && unnamed.to_string().contains("--node"), "{unnamed}");
    assert_eq!(owned(&nodes.status()[0]).len(), usize::from(SHARDS), "the running node was not disturbed");
}

impl Nodes {
    /// Moves the clock of every node that is up.
    fn clocks_go(&self, seconds: u64) {
        for server in self.nodes.iter().filter_map(|(_, server)| server.as_ref()) {
            let advance = json!({ "advance_seconds": seconds });
            let _ = server.plain("POST", "/sandbox/v1/clock", Some(&advance)).map(|moved| moved.expect(200));
        }
    }
    /// A settlement day as it stands; the newest one when none is named, and nothing before the first.
    fn day(&self, day: Option<&str>) -> Option<Value> {
        let data = self.data.text();
        let mut arguments = vec!["settle", "--show", "--json", "--data", &data];
        arguments.extend(day.map_or(vec![], |day| vec!["--day", day]));
        serde_json::from_str(&front_door::run(&arguments).stdout()).ok()
    }
    /// Waits for a day of which that holds.
    #[track_caller]
    fn day_when(&self, day: Option<&str>, holds: impl Fn(&Value) -> bool) -> Value {
        let since = Instant::now();
        loop {
            match self.day(day) {
                Some(found) if holds(&found) => return found,
                other => assert!(since.elapsed() < BACK_BY * 2, "it never came: {other:?}"),
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}

/// A day is closed in all shards while payments go on, and its money is released; the node that does it dies in between.
#[test]
fn a_day_closes_on_two_nodes_while_payments_go_on() {
    let Some(mut nodes) = Nodes::start(&["a", "b"]) else { return };
    let payers = nodes.payers();
    let load = Load::at(&[nodes.server(0).address(), nodes.server(1).address()]);
    load.run(&nodes, &payers, || load.pays(80));
    assert_eq!(load.failed(), Vec::<String>::new());
    let before = nodes.day(None).map_or(Value::Null, |day| day["day"].clone());
    let closes = nodes.status().iter().position(|node| owned(node).contains(&0)).unwrap();
    let lives = 1 - closes;
    nodes.clocks_go(86_400);
    let late = Load::at(&[nodes.server(lives).address()]);
    let mut day = String::new();
    late.run(&nodes, &payers, || {
        let begun = nodes.day_when(None, |found| found["day"] != before);
        nodes.server(closes).kill_now();
        begun["day"].as_str().unwrap().clone_into(&mut day);
        nodes.day_when(Some(&day), |found| found["record"]["state"] == "closed");
        late.pays(30);
    });
    assert_eq!(late.failed(), Vec::<String>::new(), "callers at the node that lives only wait");
    nodes.nodes[closes].1 = None;
    let closed = nodes.day(Some(&day)).unwrap();
    let sold = json!(load.paid().len());
    assert_eq!((&closed["record"]["totals"]["count"], &closed["record"]["merchants"]), (&sold, &json!(1)));
    // Ten days on it is the merchant's, out of all shards.
    nodes.clocks_go(10 * 86_400);
    let released = nodes.day_when(Some(&day), |found| found["settlements"][0]["state"] == "done");
    assert_eq!(&released["settlements"][0]["released"], &sold, "a fen each");
    let paid: Vec<String> = load.paid().into_iter().chain(late.paid()).collect();
    nodes.must_be_paid(&paid);
}
