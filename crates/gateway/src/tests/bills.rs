//! Bills over HTTP: link, file, hash, whose and how long.

use super::door::{Answer, Door};
use flate2::read::GzDecoder;
use protocol::bill::{fund, trade};
use serde_json::Value;
use std::io::Read;
use types::time::{DAY, HOUR, MINUTE, SECOND};

const TRADE: &str = "/v3/bill/tradebill?bill_date=2026-01-05";
const FUND: &str = "/v3/bill/fundflowbill?bill_date=2026-01-05";

/// A day of two orders, seen at 10:00 of the next, by a clock that stands.
fn door() -> Door {
    let door = Door::new();
    door.fixture.paid_order("tea-00001", 12_80, "");
    door.fixture.clock.advance(HOUR);
    door.fixture.paid_order("tea-00002", 7_20, "");
    door.fixture.clock.advance(23 * HOUR);
    door
}

/// Path and query of a link.
fn target(link: &Value) -> String {
    let url = link["download_url"].as_str().expect("a link");
    url.strip_prefix("http://127.0.0.1:8080").expect("the public base").to_owned()
}

async fn fetch(door: &Door, asked: &str) -> (Value, Answer) {
    let answer = door.get(asked).send().await;
    let link = answer.expect(200);
    answer.verified(door);
    let file = door.get(target(&link)).send().await;
    file.expect(200);
    (link, file)
}

fn sha1(bytes: &[u8]) -> String {
    let mut hash = crypto::Checksum::sha1();
    hash.add(bytes);
    hash.hex()
}

fn unzipped(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut plain).expect("gzip");
    plain
}

#[tokio::test]
async fn a_bill_is_a_link_with_the_files_hash() {
    let door = door();
    let (link, file) = fetch(&door, TRADE).await;
    assert_eq!(
        link.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["download_url", "hash_type", "hash_value"]
    );
    assert_eq!((&link["hash_type"], &link["hash_value"]), (&"SHA1".into(), &sha1(&file.body).into()));
    assert_eq!(file.header("content-type"), Some("text/plain"));
    assert_eq!(file.header("content-length"), Some(&*file.body.len().to_string()));
    for name in ["wechatpay-signature", "wechatpay-serial", "wechatpay-timestamp"] {
        assert!(file.header(name).is_none(), "a file is sent unsigned: {name}");
    }
    assert!(file.header("request-id").is_some());
    assert!(file.body.starts_with(b"\xef\xbb\xbf"), "a byte order mark");

    let (zipped, packed) = fetch(&door, &format!("{TRADE}&tar_type=GZIP")).await;
    assert_eq!(zipped["hash_value"], link["hash_value"], "over the file before compression");
    assert_eq!(packed.header("content-type"), Some("application/x-gzip"));
    assert_eq!(unzipped(&packed.body), file.body);
    let again = fetch(&door, &format!("{TRADE}&tar_type=GZIP&bill_type=ALL")).await.1;
    assert_eq!(again.body, packed.body, "the same bytes");

    let text = std::str::from_utf8(&file.body).unwrap();
    let mut reader = trade::Reader::new(trade::Kind::All);
    for line in text.split_inclusive('\n') {
        reader.line(line).unwrap();
    }
    let totals = reader.finish().unwrap();
    assert_eq!((totals.rows, totals.amount, totals.fee), (2, 20_00, 12));

    let (_, flows) = fetch(&door, &format!("{FUND}&account_type=BASIC")).await;
    let mut reader = fund::Reader::default();
    for line in std::str::from_utf8(&flows.body).unwrap().split_inclusive('\n') {
        reader.line(line).unwrap();
    }
    let totals = reader.finish().unwrap();
    assert_eq!((totals.came, totals.left), (20_00, 12));
}

#[tokio::test]
async fn a_day_without_a_bill_is_told_apart_from_one_that_is_not_ready() {
    let door = door();
    let refused =
        async |target: &str, status, code: &str| door.get(target).send().await.refused(status, code);
    let day = |day: &str| TRADE.replace("2026-01-05", day);
    refused(&day("2026-01-04"), 400, "NO_STATEMENT_EXIST").await;
    refused(&format!("{TRADE}&bill_type=REFUND"), 400, "NO_STATEMENT_EXIST").await;
    for account in ["OPERATION", "FEES"] {
        refused(&format!("{FUND}&account_type={account}"), 400, "NO_STATEMENT_EXIST").await;
    }
    for (target, field) in [
        (day("2026-01-06"), "bill_date"),
        (day("2026-01-07"), "bill_date"),
        (day("2025-10-05"), "bill_date"),
        (day("2026-1-5"), "bill_date"),
        ("/v3/bill/tradebill".to_owned(), "bill_date"),
        (format!("{TRADE}&bill_type=SOME"), "bill_type"),
        (format!("{TRADE}&tar_type=ZIP"), "tar_type"),
        (format!("{FUND}&account_type=basic"), "account_type"),
    ] {
        assert_eq!(refused(&target, 400, "PARAM_ERROR").await["detail"]["field"], field, "{target}");
    }
    refused(&format!("{TRADE}&sub_mchid=1900000009"), 403, "NO_AUTH").await;
    door.get(TRADE).unsigned().send().await.refused(401, "SIGN_ERROR");

    door.fixture.clock.advance(DAY - SECOND);
    let early = door.get(day("2026-01-06")).header("accept-language", "en").send().await;
    let early = early.refused(400, "STATEMENT_CREATING");
    assert_eq!(
        early["message"],
        "The bill of 2026-01-06 is not ready; fetch it from 2026-01-07T10:00:00+08:00 on"
    );
}

#[tokio::test]
async fn a_link_is_its_merchants_for_five_minutes() {
    let door = door();
    let link = target(&door.get(TRADE).send().await.expect(200));
    let (path, token) = link.split_once("token=").unwrap();
    for place in [0, 10, 20, token.len() - 2] {
        let mut forged = token.to_owned();
        let other = if &token[place..=place] == "A" { "B" } else { "A" };
        forged.replace_range(place..=place, other);
        let answer = door.get(format!("{path}token={forged}")).send().await;
        assert_eq!(answer.refused(400, "PARAM_ERROR")["detail"]["field"], "token");
    }
    door.get(path.trim_end_matches('?')).send().await.refused(400, "PARAM_ERROR");
    door.get(link.as_str()).unsigned().send().await.refused(401, "SIGN_ERROR");

    // The same link under a token of another merchant's.
    let other = door.fixture.another_merchant(1_900_000_009, None);
    let tokens = door.fixture.vault().tokens();
    let mut theirs = tokens.open_bill(token).unwrap();
    theirs.merchant = other;
    let theirs = format!("{path}token={}", tokens.bill(&theirs));
    door.get(theirs).send().await.refused(403, "NO_AUTH");

    door.fixture.clock.advance(5 * MINUTE - SECOND);
    door.get(link.as_str()).send().await.expect(200);
    door.fixture.clock.advance(SECOND);
    door.get(link.as_str()).send().await.refused(400, "INVALID_REQUEST");
}
