//! What the fuzz targets do with one input. Kept here so that an ordinary test runs every stored input too.
//!
//! Each function panics when a promise of the code under test is broken; not to panic on any bytes is the
//! first of them.

use crypto::request::{Credentials, HEADER_BYTES_MAX, NONCE_MAX};
use protocol::order::{Close, CodePay, Mode, Prepay, Product, Reverse};
use protocol::{ApiError, emv, field};

/// What a target does with one input.
pub type Target = fn(&[u8]);

/// The name of each target and what it does: one file in `fuzz/fuzz_targets`, one folder in `fuzz/seeds`.
pub const TARGETS: &[(&str, Target)] = &[
    ("signature_header", signature_header),
    ("json_body", json_body),
    ("query", query),
    ("emv", emv_payload),
    ("bank_message", bank_message),
    ("bill", bill),
];

/// The `Authorization` header (wire §1.3): what is read has the documented form, and reads the same when
/// written again.
pub fn signature_header(bytes: &[u8]) {
    let Ok(read) = Credentials::parse(bytes) else { return };
    assert!(bytes.len() <= HEADER_BYTES_MAX);
    assert!((1..=NONCE_MAX).contains(&read.nonce.len()));
    assert!(!read.nonce.contains('"'));
    assert_eq!(read.serial, read.serial.to_ascii_uppercase());
    let written = format!(
        "{} signature=\"{}\", timestamp=\"{}\",serial_no=\"{}\" ,nonce_str=\"{}\",mchid=\"{}\"",
        crypto::request::SCHEME,
        read.signature,
        read.timestamp,
        read.serial,
        read.nonce,
        read.mchid
    );
    assert_eq!(Credentials::parse(written.as_bytes()).as_ref(), Ok(&read), "{written}");
}

/// Request bodies (wire §3): an order that is accepted is within its limits, and its canonical form does not
/// depend on how it was written.
pub fn json_body(bytes: &[u8]) {
    let forms = [Mode::Merchant, Mode::Partner].map(|mode| Product::PREPAY.map(|product| (mode, product)));
    for (mode, product) in forms.into_iter().flatten() {
        match Prepay::read(product, mode, bytes) {
            Ok(order) => {
                assert!(order.amount.minor >= 1);
                assert!(field::is_out_trade_no(&order.out_trade_no));
                assert!(field::is_notify_url(&order.notify_url));
                assert!((1..=127).contains(&order.description.chars().count()));
                // Spaces around the body mean nothing.
                let spaced = [b" \n".as_slice(), bytes, b"\t\r\n "].concat();
                let again = Prepay::read(product, mode, &spaced);
                assert_eq!(again.as_ref().ok(), Some(&order));
                let same = again.is_ok_and(|o| o.canonical().expose() == order.canonical().expose());
                assert!(same, "spaces changed the canonical form");
            }
            Err(error) => refused(&error),
        }
    }
    for mode in [Mode::Merchant, Mode::Partner] {
        match CodePay::read(mode, bytes) {
            Ok(order) => assert!(order.amount.minor >= 1 && field::is_out_trade_no(&order.out_trade_no)),
            Err(error) => refused(&error),
        }
        if let Err(error) = Close::read(mode, bytes) {
            refused(&error);
        }
        if let Err(error) = Reverse::read(mode, bytes) {
            refused(&error);
        }
    }
}

/// Query strings (wire §15: SDKs send empty parameters and bare `+`): what is read is bounded, named once, and
/// reads the same when written again.
pub fn query(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(pairs) = gateway::query_pairs(text) else { return };
    assert!(text.len() <= gateway::QUERY_BYTES_MAX && pairs.len() <= gateway::PAIRS_MAX);
    for (place, (name, _)) in pairs.iter().enumerate() {
        assert!(!name.is_empty() && pairs[..place].iter().all(|(earlier, _)| earlier != name));
    }
    let escaped = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let written: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value))).collect();
    let written = written.join("&");
    if written.len() <= gateway::QUERY_BYTES_MAX {
        assert_eq!(gateway::query_pairs(&written).as_ref(), Ok(&pairs), "{written}");
    }
}

/// EMVCo payloads as scanned, as they are and with the checksum put right (else hardly any input gets past
/// it): what is read and written reads and writes the same again.
pub fn emv_payload(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    emv_text(text);
    if let Some((body, _)) = text.rsplit_once("6304") {
        let body = format!("{body}6304");
        emv_text(&format!("{body}{:04X}", emv::crc16(body.as_bytes())));
    }
}

fn emv_text(text: &str) {
    let Ok(payload) = emv::Payload::parse(text) else { return };
    // Objects are written in the order of their ids, whatever the order they came in.
    if let Ok(written) = payload.encode() {
        let again = emv::Payload::parse(&written).and_then(|payload| payload.encode());
        assert_eq!(again.as_ref(), Ok(&written));
    }
}

/// A body that is refused is a parameter error that names where.
fn refused(error: &ApiError) {
    assert_eq!((error.code.status(), error.code.wire()), (400, "PARAM_ERROR"));
    assert!(error.detail.is_some());
}

/// Files of banks (reference §4): whatever comes is read or refused; a payment order that is read adds up to what its head
/// says, and a statement's entries lead from its opening balance to its closing one.
pub fn bank_message(bytes: &[u8]) {
    use bank::{Limits, Statements, camt, mt940, pain001, pain002};
    let limits = Limits { bytes: 1 << 20, ..Limits::default() };
    if let Ok(mut order) = pain001::Reader::open(bytes, "order", limits) {
        let (mut count, mut sum) = (0, 0);
        let end = loop {
            match order.next_part() {
                Ok(Some(pain001::Part::Payment(payment))) => {
                    count += 1;
                    sum += payment.amount.minor;
                }
                Ok(Some(pain001::Part::Batch(_))) => {}
                end => break end,
            }
        };
        if end.is_ok() {
            assert_eq!((order.head().count, order.head().sum.minor), (count, sum));
        }
    }
    if let Ok(mut report) = pain002::Reader::open(bytes, "report", limits) {
        while let Ok(Some(_)) = report.next_part() {}
    }
    for kind in [camt::Kind::Statement, camt::Kind::Notice] {
        if let Ok(statement) = camt::Reader::open(bytes, "statement", kind, limits) {
            adds_up(statement);
        }
    }
    adds_up(mt940::Reader::open(bytes, "statement", intake::Encoding::Utf8, limits));

    fn adds_up(mut statement: impl Statements) {
        let mut balance = None;
        while let Ok(Some(part)) = statement.next_part() {
            match part {
                bank::Part::Head(head) => balance = head.opening,
                bank::Part::Entry(entry) if !entry.pending => {
                    balance = balance.map(|b| entry.direction.apply(b, entry.amount).expect("it was read"));
                }
                bank::Part::Entry(_) => {}
                bank::Part::End(end) => assert_eq!(end.closing, balance),
            }
        }
    }
}

/// Bills of channels (wire §6): whatever comes is read or refused, and no entry that is read is out of range.
pub fn bill(bytes: &[u8]) {
    let format = reconcile::Format::trade_bill();
    let limits = intake::Limits { bytes: 1 << 20, ..intake::Limits::default() };
    let Ok(mut bill) = reconcile::Bill::open(bytes, "bill", &format, limits) else { return };
    while let Ok(Some(entry)) = bill.next_entry() {
        assert!(entry.amount.minor >= 0 && !entry.key.is_empty());
        assert!(
            entry.key.len() <= reconcile::entry::TEXT_MAX
                && entry.reference.len() <= reconcile::entry::TEXT_MAX
        );
    }
}
