//! MT940 statements.

use crate::given::{entries, statements};
use bank::{Direction, Limits, Part, Reason, mt940, statement::End};
use intake::Encoding;
use types::{BusinessDay, Masked, Money};

pub(crate) const STATEMENT: &str = "{1:F01BANKCNBJAXXX0000000000}{2:I940FEIQCNBJXXXXN}{4:\r
:20:STMT20261231\r
:25:102100099996/110900000000010001\r
:28C:365/1\r
:60F:C261230CNY1000,00\r
:61:2612311231D12,34NTRFFQP1//SIM1\r
:86:/EREF/FQP1/NAME/上海茶行/ACCT/6222020200001234\r
/REMI/结算款\r
:61:2612310101RCY5,NTRFNONREF//SIM2\r
冲正\r
:61:261231C7,5NTRFFQP9//SIM3\r
:86:/EREF/FQP9/RTRN/AC04\r
:62F:C261231CNY990,16\r
:64:C261231CNY990,16\r
:86:对账单\r
-}\r
";

fn read(text: &str) -> Result<Vec<Part>, intake::Fault> {
    statements(mt940::Reader::open(text.as_bytes(), "s.sta", Encoding::Utf8, Limits::default()))
}

#[test]
fn a_statement_is_read() {
    let parts = read(STATEMENT).unwrap();
    let Part::Head(head) = &parts[0] else { panic!() };
    assert_eq!((head.id.as_str(), head.sequence), ("STMT20261231", Some(365)));
    assert_eq!(head.account.expose(), "110900000000010001");
    assert_eq!(head.opening, Some(Money::cny(1_000_00)));
    let all = entries(&parts);
    assert_eq!(all.len(), 3);
    let paid = &all[0];
    assert_eq!((paid.amount, paid.direction, paid.reversal), (Money::cny(12_34), Direction::Debit, false));
    assert_eq!(paid.bank_reference.as_deref(), Some("SIM1"));
    let detail = &paid.details[0];
    assert_eq!(detail.end_to_end.as_deref(), Some("FQP1"));
    assert_eq!(detail.remittance.text.as_deref(), Some("结算款"));
    assert_eq!(detail.party.as_ref().unwrap().expose(), "上海茶行");
    assert_eq!(detail.party_account.as_ref().unwrap().expose(), "6222020200001234");
    // A credit taken back is a debit, booked on the first day of the next year.
    let back = &all[1];
    assert_eq!((back.amount, back.direction, back.reversal), (Money::cny(5_00), Direction::Debit, true));
    assert_eq!(
        (back.booked, back.details[0].end_to_end.as_deref()),
        (BusinessDay::parse("2027-01-01").unwrap(), None)
    );
    assert_eq!(back.text.as_deref(), Some("冲正"));
    assert_eq!(all[2].details[0].returned, Some(Reason::ACCOUNT_CLOSED));
    assert_eq!(parts.last(), Some(&Part::End(End { closing: Some(Money::cny(99_016)), entries: 3 })));
    // Two statements in one file, and one of an older encoding.
    assert_eq!(read(&STATEMENT.repeat(2)).unwrap().len(), 2 * parts.len());
    let gb = encoding_rs::GB18030.encode(STATEMENT).0;
    let of_gb = statements(mt940::Reader::open(&gb[..], "s", Encoding::Gb18030, Limits::default())).unwrap();
    assert_eq!(of_gb, parts);
}

#[test]
fn what_is_wrong_is_named() {
    for (from, to, expected) in [
        (
            "990,16\r\n:64",
            "990,17\r\n:64",
            "s.sta, line 13, :62F:: statement `STMT20261231` closes with 990.17, opening balance and entries give 990.16",
        ),
        ("D12,34", "D12.34", "no amount with a comma"),
        ("2612311231D", "2613311231D", "no value day YYMMDD"),
        ("1231D12", "1331D12", "no entry day MMDD"),
        ("1231D12", "1231X12", "no mark C, D, RC or RD"),
        (":28C:365/1", ":28C:365/2", "one page of several"),
        (":62F:C", ":62M:C", "goes on in another page"),
        (":62F:C261231CNY990,16\r\n:64:C261231CNY990,16\r\n", "", "field 61 or 62F is expected here"),
        (":60F:C261230CNY", ":60F:C261230XYZ", "is no balance"),
        (":25:102100099996/110900000000010001", ":25:**", "is no account number"),
        (":20:", ":21:", "begins with field 20"),
        ("{1:F01", "garbage\r\n{1:F01", "`garbage` is no field of an MT940"),
    ] {
        assert!(STATEMENT.contains(from), "{from}");
        let told = read(&STATEMENT.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(told.contains(expected), "{told}\nlacks {expected}");
    }
    assert!(read("").unwrap_err().problem.contains("empty"));
    let cut = STATEMENT.split(":62F:").next().unwrap();
    assert!(read(cut).unwrap_err().problem.contains("cut off"));
}
