//! Stores of earlier versions: each released schema is kept as a fixture, and opened with the version at hand.
#![allow(clippy::unwrap_used, reason = "a test stops where an expectation fails")]

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use front_door::{DataDir, Merchant, Server, run};

/// Puts the fixture of schema 1 into a new data directory, as an operator finds it after replacing the binary.
fn schema_1() -> DataDir {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/sqlite-schema-1");
    let data = DataDir::empty();
    let packed = fs::File::open(fixture.join("feiqian.db.gz")).unwrap();
    let mut store = Vec::new();
    flate2::read::GzDecoder::new(packed).read_to_end(&mut store).unwrap();
    fs::write(data.path().join("feiqian.db"), store).unwrap();
    let key = data.path().join("master.key");
    fs::copy(fixture.join("master.key"), &key).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    fs::create_dir(data.path().join("sandbox")).unwrap();
    for entry in fs::read_dir(fixture.join("sandbox")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), data.path().join("sandbox").join(entry.file_name())).unwrap();
    }
    data.configure("mode = \"sandbox\"");
    data
}

/// The schema that `feiqian migrate --check` finds, and the one it knows.
fn schemas(data: &DataDir) -> (u32, u32) {
    let said = run(&["migrate", "--data", &data.text(), "--check"]).stdout();
    let numbers: Vec<u32> = said
        .rsplit_once("schema")
        .unwrap_or_default()
        .1
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|word| word.parse().ok())
        .collect();
    (numbers[0], numbers[1])
}

#[test]
fn a_store_of_schema_1_is_brought_up_and_pays_on() {
    let data = schema_1();
    let (found, known) = schemas(&data);
    assert_eq!(found, 1);
    assert_eq!(run(&["migrate", "--data", &data.text(), "--check"]).ok(), known == 1);
    for _ in 0..2 {
        let migrated = run(&["migrate", "--data", &data.text()]);
        assert!(migrated.ok(), "migrating, and again: {migrated}");
    }
    assert_eq!(schemas(&data), (known, known));
    data.must_prove();

    let server = Server::start(&data);
    let merchant = Merchant::new(&data.sandbox(), server.address());
    for (number, state, fen) in [
        ("FIXTURE-PAID-1", "SUCCESS", 100),
        ("FIXTURE-PAID-5", "SUCCESS", 500),
        ("FIXTURE-CARD-1", "SUCCESS", 2500),
        ("FIXTURE-CLOSED-1", "CLOSED", 400),
    ] {
        // The merchant's certificate of the fixture lapses in November 2031; then its signature is refused.
        let order = merchant.query(number).unwrap().expect(200);
        assert_eq!(
            (&order["trade_state"], &order["amount"]["total"]),
            (&state.into(), &fen.into()),
            "{order}"
        );
    }
    assert_eq!(server.notifications("FIXTURE-PAID-3").len(), 1);
    let order = merchant.native("AFTER-UPGRADE-1", 100, "http://127.0.0.1:9/notify").unwrap().expect(200);
    let openid = &merchant.sandbox().payer_openid;
    let paid = server.pay(openid, ("code_url", order["code_url"].as_str().unwrap())).unwrap();
    assert_eq!(paid.expect(200)["trade_state"], "SUCCESS");
    server.stop();
    data.must_prove();
}

#[test]
fn serving_a_store_of_schema_1_brings_it_up_by_itself() {
    let data = schema_1();
    Server::start(&data).stop();
    let (found, known) = schemas(&data);
    assert_eq!(found, known);
    data.must_prove();
}

#[test]
fn a_backup_of_schema_1_is_brought_up_when_it_is_restored() {
    let (data, shelf, restored) = (schema_1(), DataDir::empty(), DataDir::empty());
    let file = shelf.path().join("old.db").display().to_string();
    let made = run(&["backup", "--data", &data.text(), "--to", &file, "--json"]);
    assert!(made.ok() && made.stdout().contains("\"schema\":1"), "{made}");
    let ended = run(&["restore", "--from", &file, "--data", &restored.text()]);
    assert!(ended.ok(), "{ended}");
    restored.must_prove();
    assert_eq!(schemas(&data).0, 1, "a backup changes nothing");
}
