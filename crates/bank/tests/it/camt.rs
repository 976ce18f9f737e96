//! Statements and notices.

use crate::given::{any_entry, any_head, day, entries, noon, statements};
use bank::{
    Direction, Entry, Limits, Part,
    camt::{self, Kind},
    statement::{End, Head},
};
use proptest::prelude::*;
use types::Money;

pub(crate) fn read(bytes: &[u8], kind: Kind) -> Result<Vec<Part>, intake::Fault> {
    statements(camt::Reader::open(bytes, "statement.xml", kind, Limits::default())?)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_statement_is_read_back_and_its_balances_agree(
        head in any_head(true), given in proptest::collection::vec(any_entry(), 0..6),
    ) {
        let bytes = camt::write(Vec::new(), "S1", noon(), &head, &given).unwrap();
        let parts = read(&bytes, Kind::Statement).unwrap();
        prop_assert_eq!(&parts[0], &Part::Head(Box::new(head.clone())));
        prop_assert_eq!(entries(&parts), given.clone());
        let mut closing = head.opening.unwrap();
        for entry in given.iter().filter(|entry| !entry.pending) {
            closing = entry.direction.apply(closing, entry.amount).unwrap();
        }
        let end = Part::End(End { closing: Some(closing), entries: given.len() as u64 });
        prop_assert_eq!(parts.last(), Some(&end));
    }

    #[test]
    fn a_notice_is_read_back(head in any_head(false), given in proptest::collection::vec(any_entry(), 1..6)) {
        let bytes = camt::write(Vec::new(), "N1", noon(), &head, &given).unwrap();
        let parts = read(&bytes, Kind::Notice).unwrap();
        prop_assert_eq!(&parts[0], &Part::Head(Box::new(head)));
        prop_assert_eq!(entries(&parts), given.clone());
        prop_assert!(read(&bytes, Kind::Statement).is_err(), "a notice is no statement");
    }
}

fn entry(fen: i64, direction: Direction) -> Entry {
    Entry {
        amount: Money::cny(fen),
        direction,
        reversal: false,
        pending: false,
        booked: day(),
        value: day(),
        bank_reference: Some("SIM1".into()),
        details: Vec::new(),
        text: None,
    }
}

fn statement() -> String {
    let head = Head {
        id: "S1".into(),
        sequence: Some(7),
        account: crate::given::account("110900000000010001"),
        days: Some((day(), day())),
        opening: Some(Money::cny(100_00)),
    };
    let given = [entry(40_00, Direction::Debit), entry(1_00, Direction::Credit)];
    String::from_utf8(camt::write(Vec::new(), "M1", noon(), &head, &given).unwrap()).unwrap()
}

#[test]
fn an_entry_that_is_missing_or_changed_breaks_the_balance() {
    let good = statement();
    assert!(read(good.as_bytes(), Kind::Statement).is_ok());
    let told = |text: String| read(text.as_bytes(), Kind::Statement).unwrap_err().to_string();
    let without = {
        let (from, to) = (good.find("<Ntry>").unwrap(), good.find("</Ntry>").unwrap() + 7);
        format!("{}{}", &good[..from], &good[to..])
    };
    assert!(
        told(without).contains("statement `S1` closes with 61.00, opening balance and entries give 101.00")
    );
    assert!(
        told(good.replace(">40.00<", ">41.00<"))
            .contains("closes with 61.00, opening balance and entries give 60.00")
    );
    assert!(told(good.replace("DBIT", "CRDT")).contains("closes with 61.00"));
    assert!(told(good.replace("CLBD", "CLAV")).contains("Stmt/Bal: balance CLBD is missing"));
    assert!(
        told(good.replace("Ccy=\"CNY\">40.00", "Ccy=\"USD\">40.00"))
            .contains("is not the account's currency")
    );
    assert!(
        told(good.replace("<Amt Ccy=\"CNY\">40.00</Amt>", "<Amt>40.00</Amt>")).contains("currency `` is not")
    );
    assert!(told(good.replace("40.00", "40.001")).contains("`40.001` is not an amount in CNY"));
    assert!(told(good.replace("BOOK", "DONE")).contains("Ntry/Sts/Cd: `DONE` is none of BOOK"));
}

#[test]
fn pages_of_a_message_are_refused() {
    let paged = statement().replacen(
        "</CreDtTm>\n    </GrpHdr>",
        "</CreDtTm><MsgPgntn><PgNb>1</PgNb><LastPgInd>false</LastPgInd></MsgPgntn></GrpHdr>",
        1,
    );
    assert!(read(paged.as_bytes(), Kind::Statement).unwrap_err().problem.contains("one page of several"));
}

#[test]
fn prefixes_comments_and_character_data_are_read() {
    let text = statement();
    let prefixed = text
        .replace(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
            "\u{feff}<?xml version='1.0' encoding='utf-8'?><!-- a > b -->",
        )
        .replace("<Document xmlns=", "<c:Document xmlns:c=")
        .replace("</Document", "</c:Document")
        .replace("<Ntry>", "<!-- an entry --><c:Ntry>")
        .replace("</Ntry>", "</c:Ntry>")
        .replace(">SIM1<", "><![CDATA[SIM]]>&#49;<");
    assert_eq!(
        entries(&read(prefixed.as_bytes(), Kind::Statement).unwrap()),
        entries(&read(text.as_bytes(), Kind::Statement).unwrap())
    );
}
