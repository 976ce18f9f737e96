//! CSV statements.

use crate::given::{account, entries, statements};
use bank::{
    Direction, Limits, Part, Statements,
    csv::{Amounts, Format, Reader, Unit},
    statement::End,
};
use types::{Masked, Money};

pub(crate) const STATEMENT: &str = "日期,流水号,收入,支出,余额,对方户名,对方账号,业务编号,摘要
2026-11-21,SIM1,,12.34,987.66,上海茶行,6222020200001234,FQP1,\"结算款, 首笔\"
2026-11-21,SIM2,5.00,,992.66,北京店,6222020200005678,,\"退汇
\"\"账户关闭\"\"\"
合计,2,5.00,12.34,,,,,
";

fn format() -> Format {
    let column = |name: &str| Some(name.to_owned());
    Format {
        name: "某银行/1".into(),
        encoding: intake::Encoding::Utf8,
        columns: STATEMENT.lines().next().unwrap().split(',').map(str::to_owned).collect(),
        day: "日期".into(),
        amounts: Amounts::Split { credit: "收入".into(), debit: "支出".into() },
        unit: Unit::Major,
        currency: "CNY".into(),
        balance: column("余额"),
        reference: "流水号".into(),
        end_to_end: column("业务编号"),
        party: column("对方户名"),
        party_account: column("对方账号"),
        text: column("摘要"),
        total: "合计".into(),
    }
}

pub(crate) fn read(bytes: &[u8]) -> Result<Vec<Part>, intake::Fault> {
    let opening = Some(Money::cny(1_000_00));
    statements(Reader::open(
        bytes,
        "s.csv",
        account("110900000000010001"),
        opening,
        &format(),
        Limits::default(),
    )?)
}

#[test]
fn a_statement_is_read_and_its_balances_and_sums_agree() {
    let parts = read(STATEMENT.as_bytes()).unwrap();
    let all = entries(&parts);
    assert_eq!(all.len(), 2);
    assert_eq!((all[0].amount, all[0].direction), (Money::cny(12_34), Direction::Debit));
    assert_eq!(all[0].details[0].end_to_end.as_deref(), Some("FQP1"));
    assert_eq!(all[0].details[0].remittance.text.as_deref(), Some("结算款, 首笔"));
    assert_eq!(all[0].details[0].party_account.as_ref().unwrap().expose(), "6222020200001234");
    assert_eq!((all[1].amount, all[1].direction), (Money::cny(5_00), Direction::Credit));
    assert_eq!(all[1].details[0].remittance.text.as_deref(), Some("退汇\n\"账户关闭\""));
    assert_eq!(parts.last(), Some(&Part::End(End { closing: Some(Money::cny(992_66)), entries: 2 })));
}

#[test]
fn what_is_wrong_is_named() {
    for (from, to, expected) in [
        ("余额,", "", "missing `余额`"),
        ("收入,支出", "支出,收入", "order differs"),
        (",5.00,,992.66", ",500,,992.66", "s.csv, line 4, 收入: `500` is not an amount with 2 decimals"),
        (",5.00,,992.66", ",5.01,,992.66", "余额: says `992.66`, the entries give `992.67`"),
        (",,12.34,987.66", ",1.00,12.34,987.66", "exactly one amount"),
        (",,12.34,987.66", ",,,987.66", "exactly one amount"),
        ("2026-11-21,SIM1", "21/11/2026,SIM1", "日期: `21/11/2026` is not a day"),
        ("合计,2", "合计,3", "the total says `3` entries, there are `2`"),
        ("合计,2,5.00", "合计,2,5.10", "收入: the total says `5.10`, the entries give `5.00`"),
        ("合计,2,5.00,12.34,,,,,\n", "", "ends without the total row `合计`; it was cut off"),
        ("合计,2,5.00,12.34,,,,,", "合计,2,5.00,12.34,,,,,\nmore", "follows the total"),
        ("关闭\"\"\"", "关闭", "a quoted field opened on line 3 is not closed"),
        (",FQP1,", ",", "8 fields instead of 9"),
    ] {
        assert!(STATEMENT.contains(from), "{from}");
        let told = read(STATEMENT.replacen(from, to, 1).as_bytes()).unwrap_err().to_string();
        assert!(told.contains(expected), "{told}\nlacks {expected}");
    }
}

#[test]
fn signed_minor_units_in_an_older_encoding() {
    let text = "日期,流水号,金额\n2026-11-21,1,-1234\n2026-11-21,2,500\n合计,2,-734\n";
    let format = Format {
        encoding: intake::Encoding::Gb18030,
        columns: ["日期", "流水号", "金额"].map(String::from).to_vec(),
        amounts: Amounts::Signed("金额".into()),
        unit: Unit::Minor,
        balance: None,
        end_to_end: None,
        party: None,
        party_account: None,
        text: None,
        ..format()
    };
    let gb = encoding_rs::GB18030.encode(text).0;
    let mut reader = Reader::open(&gb[..], "s", account("1"), None, &format, Limits::default()).unwrap();
    let mut signed = Vec::new();
    while let Some(part) = reader.next_part().unwrap() {
        if let Part::Entry(entry) = part {
            signed.push((entry.direction, entry.amount.minor));
        }
    }
    assert_eq!(signed, [(Direction::Debit, 12_34), (Direction::Credit, 5_00)]);
}

#[test]
fn the_checksum_is_that_of_the_whole_file() {
    let format = format();
    let open = |bytes: &'static [u8]| {
        Reader::open(bytes, "s", account("1"), Some(Money::cny(1_000_00)), &format, Limits::default())
            .unwrap()
    };
    let mut reader = open(STATEMENT.as_bytes());
    assert_eq!(reader.sha256(), None, "not before the end");
    while reader.next_part().unwrap().is_some() {}
    use sha2::Digest as _;
    let expected: String = sha2::Sha256::digest(STATEMENT).iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(reader.sha256(), Some(expected));
}
