//! The simulated bank, spoken to as a platform does: by files in its folder.

use crate::{
    given::{account, entries, noon, order, party, payment, platform},
    pain::read_report,
};
use bank::{
    Direction, Entry, Part, Rail, Reason,
    camt::Kind,
    pain001::{self, Order},
    pain002::{self, Status},
    simulated::{Bank, Deposit, Fate, Faults, Setup},
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};
use tempfile::TempDir;
use types::{Money, Time, time};

const GOOD: &str = "6222020200009999";

fn setup() -> Setup {
    let holder = platform();
    Setup::new(7, holder.account, holder.name, Money::cny(1_000_000_00))
}

struct Town {
    folder: TempDir,
    bank: Bank,
}

/// Everything a bank has written, by file name.
type Files = BTreeMap<String, Vec<u8>>;

impl Town {
    fn new(setup: Setup) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bank = Bank::open(setup, folder.path()).unwrap();
        Self { folder, bank }
    }

    fn send(&self, message: &str, orders: &[Order]) {
        let bytes = pain001::write(Vec::new(), message, noon(), "飞钱", orders).unwrap();
        self.put(&format!("{message}.xml"), &bytes);
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.folder.path().join("in").join(name), bytes).unwrap();
    }

    fn run(&mut self, now: Time) -> Vec<String> {
        self.bank.run(now).unwrap().written
    }

    fn files(&self) -> Files {
        read_folder(self.folder.path().join("out"))
    }

    /// Status of each payment as reports tell it, the latest counting.
    fn told(&self) -> BTreeMap<String, (Status, Option<Reason>)> {
        let mut told = BTreeMap::new();
        for (name, bytes) in self.files() {
            if name.starts_with("pain002") {
                for part in read_report(&bytes).unwrap().1 {
                    let pain002::Part::Payment(t) = part else { panic!() };
                    told.insert(t.end_to_end, (t.status, t.reason));
                }
            }
        }
        told
    }

    fn noticed(&self) -> Vec<Entry> {
        self.of("camt054", Kind::Notice).into_values().flatten().collect()
    }

    fn stated(&self) -> BTreeMap<String, Vec<Entry>> {
        self.of("camt053", Kind::Statement)
    }

    fn of(&self, prefix: &str, kind: Kind) -> BTreeMap<String, Vec<Entry>> {
        let files = self.files().into_iter().filter(|(name, _)| name.starts_with(prefix));
        files.map(|(name, bytes)| (name, entries(&crate::camt::read(&bytes, kind).unwrap()))).collect()
    }
}

fn read_folder(path: PathBuf) -> Files {
    let list = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap());
    list.filter(|entry| entry.file_type().unwrap().is_file())
        .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()))
        .collect()
}

fn ids(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.details[0].end_to_end.as_deref().unwrap()).collect()
}

#[test]
fn a_payment_is_reported_booked_noticed_and_stated() {
    let mut town = Town::new(setup());
    town.send("FQ1", &[order("B1", Rail::Netsunion, vec![payment("P1", 12_34, GOOD)])]);
    town.run(noon());
    assert_eq!(town.told()["P1"], (Status::InProcess, None));
    assert!(town.noticed().is_empty());
    assert!(town.folder.path().join("in/done/FQ1.xml").exists());
    town.run(noon().plus(time::SECOND));
    assert_eq!(town.told()["P1"].0, Status::InProcess, "not due yet");
    town.run(noon().plus(2 * time::SECOND));
    assert_eq!(town.told()["P1"].0, Status::Settled);
    let noticed = town.noticed();
    assert_eq!((noticed[0].amount, noticed[0].direction), (Money::cny(12_34), Direction::Debit));
    assert_eq!(noticed[0].details[0].remittance, payment("P1", 1, GOOD).remittance);
    assert_eq!(town.bank.balance(), Money::cny(1_000_000_00 - 12_34));
    assert!(town.stated().is_empty());
    town.run(noon().plus(time::DAY));
    let stated = town.stated();
    assert_eq!(ids(&stated["camt053-2026-11-21.xml"]), ["P1"]);
    assert_eq!(stated["camt053-2026-11-21.xml"], noticed);
    // A day without entries has a statement as well.
    town.run(noon().plus(3 * time::DAY));
    assert_eq!(town.stated().len(), 3);
}

#[test]
fn a_batch_rail_is_slower_and_a_later_day_is_waited_for() {
    let mut town = Town::new(setup());
    let mut tomorrow = order("B2", Rail::Hvps, vec![payment("P2", 5, GOOD)]);
    tomorrow.day = tomorrow.day.next();
    town.send("FQ1", &[order("B1", Rail::Beps, vec![payment("P1", 5, GOOD)]), tomorrow]);
    town.run(noon());
    town.run(noon().plus(29 * time::MINUTE));
    assert!(town.noticed().is_empty());
    town.run(noon().plus(30 * time::MINUTE));
    assert_eq!(ids(&town.noticed()), ["P1"]);
    town.run(noon().plus(12 * time::HOUR + 2 * time::SECOND));
    assert_eq!(ids(&town.noticed()), ["P1", "P2"]);
}

/// Every fate by its digits.
#[test]
fn the_paid_account_asks_for_its_fate() {
    let mut town = Town::new(setup());
    let tails = ["0002", "0005", "0006", "0010", "0101", "0110", "0119", "0127", "0135", "0143", "9999"];
    let payments = tails.map(|tail| payment(&format!("P{tail}"), 100_00, &format!("622202020000{tail}")));
    town.send("FQ1", &[order("B1", Rail::Netsunion, payments.to_vec())]);
    town.run(noon());
    let (head, _) = read_report(&town.files()["pain002-000001.xml"]).unwrap();
    assert_eq!((head.original.as_str(), head.status), ("FQ1", Some(Status::Partly)));
    town.run(noon().plus(time::MINUTE));
    let told = town.told();
    let refused = |tail: &str| told[&format!("P{tail}")];
    assert_eq!(refused("0002"), (Status::Rejected, Some(Reason::ACCOUNT_WRONG)));
    assert_eq!(refused("0005"), (Status::Rejected, Some(Reason::ACCOUNT_CLOSED)));
    assert_eq!(refused("0006"), (Status::Rejected, Some(Reason::ACCOUNT_BLOCKED)));
    assert_eq!(refused("0010"), (Status::Rejected, Some(Reason::NAME)));
    assert_eq!(refused("0101"), (Status::Pending, None));
    assert!(!told.contains_key("P0110"), "nothing is said of it");
    assert_eq!(refused("0119").0, Status::Settled);
    assert_eq!(town.bank.balance(), Money::cny(1_000_000_00 - 99_00 - 2 * 100_00 - 3 * 100_00));

    for days in 1..=4 {
        town.run(noon().plus(days * time::DAY + time::MINUTE));
    }
    assert_eq!(town.told()["P0101"].0, Status::Settled);
    assert!(!town.told().contains_key("P0110"), "nor ever");
    let stated = town.stated();
    assert_eq!(ids(&stated["camt053-2026-11-21.xml"]), ["P0119", "P0127", "P0127", "P0135", "P9999"]);
    assert_eq!(stated["camt053-2026-11-21.xml"][0].amount, Money::cny(99_00));
    assert_eq!(ids(&stated["camt053-2026-11-22.xml"]), ["P0143"], "missing on its day");
    let late = &stated["camt053-2026-11-23.xml"];
    assert_eq!(ids(late), ["P0101", "P0135"]);
    assert_eq!(
        (late[1].direction, late[1].details[0].returned),
        (Direction::Credit, Some(Reason::ACCOUNT_CLOSED))
    );
}

#[test]
fn an_order_sent_twice_is_paid_once() {
    let mut town = Town::new(setup());
    let orders = [order(
        "B1",
        Rail::Netsunion,
        vec![payment("P1", 10_00, GOOD), payment("P2", 1, "6222020200000002")],
    )];
    town.send("FQ1", &orders);
    town.run(noon());
    // The same message under another file name, as after a crash of its sender.
    let again = pain001::write(Vec::new(), "FQ1", noon(), "飞钱", &orders).unwrap();
    town.put("again.xml", &again);
    let written = town.run(noon().plus(time::HOUR));
    let (head, parts) = read_report(&town.files()[&written[0]]).unwrap();
    assert_eq!((head.original.as_str(), head.status, parts.len()), ("FQ1", Some(Status::Partly), 2));
    // The same payment in another message is refused, and the first stays as it is.
    town.send("FQ2", &orders);
    town.run(noon().plus(2 * time::HOUR));
    assert_eq!(town.told()["P1"], (Status::Rejected, Some(Reason::DUPLICATE)));
    town.run(noon().plus(2 * time::DAY));
    assert_eq!(ids(&town.noticed()), ["P1"]);
    assert_eq!(town.bank.balance(), Money::cny(1_000_000_00 - 10_00));
}

#[test]
fn what_the_bank_cannot_pay_is_refused() {
    let mut town = Town::new(setup());
    let mut foreign = order("B1", Rail::Beps, vec![payment("P1", 5, GOOD)]);
    foreign.debtor = party("别人", "999");
    let much = |id| payment(id, 600_000_00, GOOD);
    town.send("FQ1", &[foreign, order("B2", Rail::Beps, vec![much("P2"), much("P3")])]);
    town.run(noon());
    let told = town.told();
    assert_eq!(told["P1"], (Status::Rejected, Some(Reason::ACCOUNT_WRONG)));
    assert_eq!(told["P2"], (Status::InProcess, None));
    assert_eq!(told["P3"], (Status::Rejected, Some(Reason::FUNDS)), "what was taken is set aside");
}

#[test]
fn a_bad_file_is_answered_with_a_refusal() {
    let mut town = Town::new(setup());
    let good = pain001::write(
        Vec::new(),
        "FQ1",
        noon(),
        "飞钱",
        &[order("B1", Rail::Beps, vec![payment("P1", 5, GOOD)])],
    );
    let good = String::from_utf8(good.unwrap()).unwrap();
    town.put("a.xml", good.replacen("0.05", "0.06", 1).as_bytes());
    town.put("b.xml", good.replace("BEPS", "SWIFT").as_bytes());
    town.put("c.xml", b"not xml");
    town.put(".d.xml.part", b"being written");
    let done = town.bank.run(noon()).unwrap();
    assert_eq!(done.taken, ["a.xml", "b.xml", "c.xml"]);
    let heads: Vec<pain002::Head> =
        town.files().values().map(|bytes| read_report(bytes).unwrap().0).collect();
    let told: Vec<_> = heads.iter().map(|h| (h.original.as_str(), h.status, h.reason)).collect();
    let refused = Some(Status::Rejected);
    assert_eq!(
        told,
        [
            ("FQ1", refused, Some(Reason::CONTROL_SUM)),
            ("FQ1", refused, Some(Reason::FORMAT)),
            ("NOTPROVIDED", refused, Some(Reason::FORMAT)),
        ]
    );
    assert!(heads[1].text.as_ref().unwrap().contains("`SWIFT` is none of HVPS"), "{:?}", heads[1].text);
    // Nothing of a refused order is remembered: corrected, it may come under the same id.
    town.send("FQ1", &[order("B1", Rail::Beps, vec![payment("P1", 5, GOOD)])]);
    town.run(noon().plus(time::SECOND));
    assert_eq!(town.told()["P1"].0, Status::InProcess);
}

fn stormy() -> Setup {
    let faults = Faults {
        rejected: 120,
        late: 120,
        silent: 60,
        wrong_amount: 60,
        duplicate: 60,
        returned: 120,
        missing: 120,
    };
    Setup { faults, ..setup() }
}

/// A week of orders under chance.
fn week(town: &mut Town, crash: bool) {
    for day in 0..7_i64 {
        let now = noon().plus(day * time::DAY);
        let payments: Vec<_> = (0..20).map(|n| payment(&format!("P{day}-{n}"), 100 + n, GOOD)).collect();
        town.send(&format!("FQ{day}"), &[order("B1", Rail::ALL[day as usize % 4], payments)]);
        town.run(now);
        if crash {
            let path = town.folder.path().to_owned();
            town.bank = Bank::open(stormy(), path).unwrap();
        }
        town.run(now.plus(time::HOUR));
    }
    town.run(noon().plus(20 * time::DAY));
}

#[test]
fn the_same_seed_and_times_write_the_same_files() {
    let (mut one, mut other) = (Town::new(stormy()), Town::new(stormy()));
    week(&mut one, false);
    // Opened anew after every step, it is still the same bank.
    week(&mut other, true);
    assert_eq!(one.files(), other.files());
    let mut third = Town::new(Setup { seed: 8, ..stormy() });
    week(&mut third, false);
    assert_ne!(one.files(), third.files());
}

/// Statements add up to the bank's own balance once what was missing has come.
#[test]
fn statements_follow_one_another_without_a_gap() {
    let mut town = Town::new(stormy());
    week(&mut town, false);
    let mut balance = setup().opening;
    let mut sequence = 0;
    let mut fates = BTreeMap::<String, i64>::new();
    for (name, bytes) in town.files().into_iter().filter(|(name, _)| name.starts_with("camt053")) {
        let parts = crate::camt::read(&bytes, Kind::Statement).unwrap();
        let Part::Head(head) = &parts[0] else { panic!() };
        assert_eq!(head.opening, Some(balance), "{name}");
        sequence += 1;
        assert_eq!(head.sequence, Some(sequence));
        let Some(Part::End(end)) = parts.last() else { panic!() };
        balance = end.closing.unwrap();
        for entry in entries(&parts) {
            let sign = if entry.direction == Direction::Debit { 1 } else { -1 };
            *fates.entry(entry.details[0].end_to_end.clone().unwrap()).or_default() += sign;
        }
    }
    assert_eq!(balance, town.bank.balance());
    // Every fate of the storm came true at least once in 140 payments.
    assert!(fates.values().any(|n| *n == 2) && fates.values().any(|n| *n == 0) && fates.len() < 140);
}

/// A crash between any two writes neither loses nor doubles a file.
#[test]
fn a_crash_before_files_are_written_or_moved_changes_nothing() {
    let mut town = Town::new(setup());
    town.send("FQ1", &[order("B1", Rail::Netsunion, vec![payment("P1", 12_34, GOOD)])]);
    town.run(noon());
    let path = town.folder.path().to_owned();
    let (before, state) = (town.files(), std::fs::read_to_string(path.join("state.json")).unwrap());

    // The order was taken and its file not moved away.
    std::fs::rename(path.join("in/done/FQ1.xml"), path.join("in/FQ1.xml")).unwrap();
    let mut bank = Bank::open(setup(), &path).unwrap();
    assert_eq!(bank.run(noon()).unwrap().written, Vec::<String>::new());
    assert!(path.join("in/done/FQ1.xml").exists());

    // The state was saved and the report not written.
    let report = String::from_utf8(before["pain002-000001.xml"].clone()).unwrap();
    let mut value: serde_json::Value = serde_json::from_str(&state).unwrap();
    value["outbox"] = serde_json::json!([{"name": "pain002-000001.xml", "text": report}]);
    std::fs::remove_file(path.join("out/pain002-000001.xml")).unwrap();
    std::fs::write(path.join("state.json"), value.to_string()).unwrap();
    Bank::open(setup(), &path).unwrap();
    assert_eq!(read_folder(path.join("out")), before);

    // A damaged state is told, not replaced.
    std::fs::write(path.join("state.json"), &state[..state.len() / 2]).unwrap();
    assert!(
        Bank::open(setup(), &path)
            .unwrap_err()
            .to_string()
            .contains("give the simulated bank a fresh folder")
    );
}

#[test]
fn time_does_not_run_back_and_nothing_half_written_is_seen() {
    let mut town = Town::new(setup());
    town.run(noon().plus(2 * time::DAY));
    town.send("FQ1", &[order("B1", Rail::Netsunion, vec![payment("P1", 1, GOOD)])]);
    town.run(noon());
    town.run(noon());
    assert!(town.noticed().is_empty());
    town.run(noon().plus(2 * time::DAY + time::MINUTE));
    assert_eq!(town.noticed()[0].booked, noon().plus(2 * time::DAY).business_day());
    let parts = |path: &Path| read_folder(path.to_owned()).keys().filter(|n| n.ends_with(".part")).count();
    assert_eq!(parts(town.folder.path()) + parts(&town.folder.path().join("out")), 0);
    assert_eq!(Fate::of_tail(account(GOOD).tail()), None);
}

fn deposit(id: &str, fen: i64, direction: Direction, not_before: Time) -> Deposit {
    Deposit {
        end_to_end: id.into(),
        amount: Money::cny(fen),
        direction,
        not_before,
        party: crate::given::name("模拟银行卡渠道"),
        text: Some("清算 2026-11-21".into()),
    }
}

#[test]
fn deposits_stand_in_the_statement_once_and_not_before_their_day() {
    let mut town = Town::new(setup());
    let folder = town.folder.path().to_owned();
    for again in 0..2 {
        deposit("CARD-20261121", 50_00, Direction::Credit, noon()).put(&folder).unwrap();
        deposit("CARD-20261122", 7_00, Direction::Debit, noon().plus(time::DAY)).put(&folder).unwrap();
        town.run(noon().plus(again * time::SECOND));
        assert_eq!(town.bank.balance(), Money::cny(1_000_050_00));
    }
    // A crash between the books and the folder: the file is there again.
    let mut town = Town { bank: Bank::open(setup(), &folder).unwrap(), folder: town.folder };
    deposit("CARD-20261121", 50_00, Direction::Credit, noon()).put(&folder).unwrap();
    town.run(noon().plus(2 * time::DAY));
    assert_eq!(town.bank.balance(), Money::cny(1_000_043_00));
    town.run(noon().plus(3 * time::DAY));
    let told = |name: &str| {
        let file = std::fs::read(folder.join("out").join(name)).unwrap();
        let reader =
            bank::camt::Reader::open(&file[..], name, Kind::Statement, bank::Limits::default()).unwrap();
        let all = entries(&crate::given::statements(reader).unwrap());
        all.iter().map(|e| (e.details[0].end_to_end.clone().unwrap(), e.amount.minor)).collect::<Vec<_>>()
    };
    assert_eq!(told("camt053-2026-11-21.xml"), [("CARD-20261121".to_owned(), 50_00)]);
    assert_eq!(told("camt053-2026-11-22.xml"), []);
    assert_eq!(told("camt053-2026-11-23.xml"), [("CARD-20261122".to_owned(), 7_00)]);
    assert_eq!(std::fs::read_dir(folder.join("deposits")).unwrap().count(), 0);
}
