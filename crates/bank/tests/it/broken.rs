//! Broken and hostile files are refused with a place and a reason, and never break a reader.

use crate::{
    given::{day, noon, order, payment, statements},
    pain::{read, read_report, write},
};
use bank::{
    Direction, Entry, Limits, Rail,
    camt::{self, Kind},
    pain001::{self, Part},
    pain002,
    statement::Head,
};
use intake::{Cause, Fault};
use proptest::prelude::*;
use types::Money;

fn order_text() -> String {
    let payments = vec![payment("P1", 10_00, "6222020200001234"), payment("P2", 20_50, "6222020200005678")];
    String::from_utf8(write(&[order("B1", Rail::Beps, payments)])).unwrap()
}

fn told(text: &str) -> String {
    read(text.as_bytes()).unwrap_err().to_string()
}

#[test]
fn every_refusal_names_line_element_and_value() {
    let good = order_text();
    for (from, to, expected) in [
        ("pain.001.001.09", "pain.001.001.03", "line 2, Document: the message is Document of namespace"),
        (
            "CstmrCdtTrfInitn",
            "CstmrDrctDbtInitn",
            "`CstmrDrctDbtInitn` stands where CstmrCdtTrfInitn is expected",
        ),
        ("<MsgId>FQ20261121-1</MsgId>", "", "line 4, GrpHdr/MsgId: is missing"),
        ("<MsgId>FQ20261121-1</MsgId>", "<MsgId>  </MsgId>", "MsgId: holds no text"),
        (
            "<NbOfTxs>2</NbOfTxs>\n      <CtrlSum>30.50</CtrlSum>\n      <InitgPty>",
            "<NbOfTxs>3</NbOfTxs><CtrlSum>30.50</CtrlSum><InitgPty>",
            "order `FQ20261121-1` says 3 payments of 30.50, it has 2 of 30.50",
        ),
        (">10.00<", ">10.01<", "batch `B1` says 2 payments of 30.50, it has 2 of 30.51"),
        (">10.00<", ">-10.00<", "InstdAmt: `-10.00` is not an amount in CNY"),
        (">10.00<", ">1e1<", "InstdAmt: `1e1` is not an amount in CNY"),
        (">10.00<", ">0.00<", "Amt/InstdAmt: `0.00` is not above zero"),
        ("Ccy=\"CNY\">10.00", "Ccy=\"USD\">10.00", "`USD` is not CNY"),
        ("Ccy=\"CNY\">10.00", "Ccy=\"RMB\">10.00", "currency `RMB` is not an ISO 4217 code"),
        ("<Prtry>BEPS</Prtry>", "<Prtry>SWIFT</Prtry>", "PmtTpInf/LclInstrm/Prtry: `SWIFT` is none of HVPS"),
        ("<PmtMtd>TRF</PmtMtd>", "<PmtMtd>CHK</PmtMtd>", "PmtInf/PmtMtd: `CHK` is not TRF"),
        (
            "<MmbId>102100099996</MmbId>",
            "<MmbId>ICBKCNBJ</MmbId>",
            "MmbId: `ICBKCNBJ` is not a bank's number of 12 digits",
        ),
        ("<Dt>2026-11-21</Dt>", "<Dt>21.11.2026</Dt>", "`21.11.2026` is not a day yyyy-MM-dd"),
        (
            "<CreDtTm>2026-11-21T12:00:00+08:00</CreDtTm>",
            "<CreDtTm>yesterday</CreDtTm>",
            "CreDtTm: `yesterday` is not a time",
        ),
        (
            "<EndToEndId>P1</EndToEndId>",
            "<EndToEndId>P1</EndToEndId><EndToEndId>P9</EndToEndId>",
            "EndToEndId appears twice in PmtId",
        ),
        ("<PmtInfId>", "text<PmtInfId>", "text `text` stands between elements"),
        ("</Document>", "</Document><Document/>", "`Document` follows the end of the message"),
        ("</Document>", "", "the file ends inside an element; it was cut off"),
        ("</CdtTrfTxInf>", "</CdtTrfTx>", "`CdtTrfTx` closes where `CdtTrfTxInf` is open"),
        ("UTF-8", "GBK", "the message is declared as `GBK`, expected is UTF-8"),
        (
            "<Document",
            "<!DOCTYPE a [<!ENTITY b \"c\">]><Document",
            "document types and entities are not allowed",
        ),
        ("结算款", "&b;", "holds an entity or character that is not allowed"),
        ("结算款", "&#0;", "holds an entity or character that is not allowed"),
        ("结算款", "&#xD800;", "holds an entity or character that is not allowed"),
    ] {
        assert!(good.contains(from), "{from}");
        let told = told(&good.replacen(from, to, 1));
        assert!(told.contains(expected), "{told}\nlacks {expected}");
        assert!(
            told.starts_with("order.xml, line ") && told.ends_with("nothing of this one is to be used"),
            "{told}"
        );
    }
    assert!(told("").contains("the file is empty"));
    let utf16: Vec<u8> =
        std::iter::once(0xFEFF).chain(good.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    assert!(read(&utf16).unwrap_err().problem.contains("UTF-16"));
    let gb = encoding_rs::GB18030.encode(&good).0;
    assert!(read(&gb).unwrap_err().problem.contains("text is not UTF-8"));
}

#[test]
fn an_account_number_is_not_told_in_a_refusal() {
    let told = told(&order_text().replacen("6222020200001234", "6222 0202 0000 1234", 1));
    assert!(told.contains("CdtrAcct/Id/Othr/Id: is no account number") && !told.contains("6222"), "{told}");
}

#[test]
fn size_depth_and_number_are_bounded() {
    let text = order_text();
    let refused = |limits: Limits, text: &str| -> Fault {
        let mut reader = match pain001::Reader::open(text.as_bytes(), "o", limits) {
            Ok(reader) => reader,
            Err(fault) => return fault,
        };
        (0..99).find_map(|_| reader.next_part().err()).unwrap()
    };
    let default = Limits::default();
    for limits in [
        Limits { bytes: 2_000, ..default },
        Limits { depth: 6, ..default },
        Limits { entries: 1, ..default },
        Limits { element: 400, ..default },
    ] {
        assert_eq!(refused(limits, &text).cause, Cause::Limit, "{limits:?}");
    }
    let deep = text.replacen("<PmtInfId>", &"<a>".repeat(100), 1);
    assert_eq!(refused(default, &deep).cause, Cause::Limit);
    // An element without an end, and one with very much in it, cost no more than the limit.
    let endless = text.replacen("<PmtInfId>", &format!("<a {}", "x".repeat(1 << 20)), 1);
    assert_eq!(refused(default, &endless).cause, Cause::Limit);
    let wide = text.replacen("<PmtInfId>", &"<a></a>".repeat(100_000), 1);
    assert_eq!(refused(default, &wide).cause, Cause::Limit);
}

/// The reader gives payments while it reads: none is kept.
#[test]
fn payments_come_one_by_one() {
    let payments = (0..2_000).map(|n| payment(&format!("P{n}"), 1_00, "6222020200001234")).collect();
    let bytes = write(&[order("B1", Rail::Beps, payments)]);
    let cut = &bytes[..bytes.len() / 2];
    let mut reader = pain001::Reader::open(cut, "o", Limits::default()).unwrap();
    let mut read = 0;
    let fault = loop {
        match reader.next_part() {
            Ok(Some(Part::Payment(_))) => read += 1,
            Ok(_) => {}
            Err(fault) => break fault,
        }
    };
    assert!(read > 900 && fault.problem.contains("cut off"), "{read} {fault}");
}

fn files() -> Vec<Vec<u8>> {
    let head = Head {
        id: "S1".into(),
        sequence: Some(1),
        account: crate::given::account("110900000000010001"),
        days: Some((day(), day())),
        opening: Some(Money::cny(0)),
    };
    let entry = Entry {
        amount: Money::cny(5),
        direction: Direction::Credit,
        reversal: false,
        pending: false,
        booked: day(),
        value: day(),
        bank_reference: None,
        details: Vec::new(),
        text: Some("汉字".into()),
    };
    let report = pain002::Head {
        message: "R".into(),
        created: noon(),
        original: "M".into(),
        status: Some(pain002::Status::Partly),
        reason: None,
        text: None,
    };
    vec![
        order_text().into_bytes(),
        camt::write(Vec::new(), "S", noon(), &head, std::slice::from_ref(&entry)).unwrap(),
        camt::write(Vec::new(), "N", noon(), &Head { opening: None, ..head }, &[entry]).unwrap(),
        pain002::write(Vec::new(), &report, &[]).unwrap(),
        crate::mt940::STATEMENT.as_bytes().to_vec(),
        crate::csv::STATEMENT.as_bytes().to_vec(),
    ]
}

fn read_as_everything(bytes: &[u8]) {
    let limits = Limits { bytes: 1 << 20, ..Limits::default() };
    let _ = read(bytes);
    let _ = read_report(bytes);
    for kind in [Kind::Statement, Kind::Notice] {
        let _ = camt::Reader::open(bytes, "f", kind, limits).map(statements);
    }
    for encoding in [intake::Encoding::Utf8, intake::Encoding::Gb18030] {
        let _ = statements(bank::mt940::Reader::open(bytes, "f", encoding, limits));
    }
    let _ = crate::csv::read(bytes);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn changed_files_never_break_a_reader(
        which in any::<prop::sample::Index>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        swap in (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = files().swap_remove(which.index(6));
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        // A piece is taken out and put in elsewhere.
        let (a, b) = (swap.0.index(bytes.len()), swap.1.index(bytes.len()));
        let piece: Vec<u8> = bytes.drain(a..(a + 40).min(bytes.len())).collect();
        let at = b.min(bytes.len());
        bytes.splice(at..at, piece);
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len().max(1)));
        }
        read_as_everything(&bytes);
    }

    #[test]
    fn noise_never_breaks_a_reader(bytes in proptest::collection::vec(any::<u8>(), 0..400), text in "(<[a-zA-Z/!?\\[\\]-]{0,8}>?|&[a-z#0-9]{0,4};?|[ -~\n]{0,6}){0,40}") {
        read_as_everything(&bytes);
        read_as_everything(text.as_bytes());
    }

    /// A file cut anywhere is refused by every reader that would have taken the whole.
    #[test]
    fn a_cut_file_is_refused(which in any::<prop::sample::Index>(), cut in any::<prop::sample::Index>()) {
        let which = which.index(4);
        let bytes = files().swap_remove(which);
        let end = cut.index(bytes.len() - "</Document>\n".len());
        let cut = &bytes[..end];
        let refused = match which {
            0 => read(cut).is_err(),
            1 => crate::camt::read(cut, Kind::Statement).is_err(),
            2 => crate::camt::read(cut, Kind::Notice).is_err(),
            _ => read_report(cut).is_err(),
        };
        prop_assert!(refused);
    }
}
