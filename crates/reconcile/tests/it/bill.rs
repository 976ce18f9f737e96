//! Bills are read as declared or refused by name.

use crate::world::{World, cell};
use intake::{Cause, Limits};
use proptest::prelude::*;
use reconcile::{Bill, Entry, Kind, Side, Status, bill::BillWriter, format::Format};
use types::{BusinessDay, Money};

const TRADE: &str = "\u{feff}交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注
`2026-11-21 10:11:12,`wx1,`1900000001,`0,`,`4200001,`O-1,`openid,`NATIVE,`SUCCESS,`OTHERS,`CNY,`12.34,`0.00,`0,`0,`0.00,`0.00,`,`,`茶, 大杯,`,`0.07000,`0.60%,`12.34,`0.00,`
`2026-11-21 11:00:00,`wx1,`1900000001,`0,`,`4200001,`O-1,`openid,`NATIVE,`REFUND,`OTHERS,`CNY,`0.00,`0.00,`5030001,`R-1,`2.34,`0.00,`ORIGINAL,`PROCESSING,`茶, 大杯,`,`-0.01000,`0.60%,`0.00,`2.34,`
总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额
`2,`12.34,`2.34,`0.00,`0.06000,`12.34,`2.34
";

fn read(bytes: &[u8], format: &Format) -> Result<Vec<Entry>, intake::Fault> {
    let mut bill = Bill::open(bytes, "bill.csv", format, Limits::default())?;
    let mut entries = Vec::new();
    while let Some(entry) = bill.next_entry()? {
        entries.push(entry);
    }
    assert!(bill.next_entry()?.is_none(), "the end stays the end");
    Ok(entries)
}

#[test]
fn r_fin_12_a_trade_bill_becomes_payments_and_refunds() {
    let entries = read(TRADE.as_bytes(), &Format::trade_bill()).unwrap();
    assert_eq!(entries.len(), 2);
    let (paid, refunded) = (&entries[0], &entries[1]);
    assert_eq!((paid.key.as_str(), paid.kind, paid.status), ("O-1", Kind::Payment, Status::Succeeded));
    assert_eq!((paid.amount, paid.fee), (Money::cny(12_34), Some(Money::cny(7))));
    assert_eq!(paid.at.rfc3339(), "2026-11-21T10:11:12+08:00");
    assert_eq!(
        (refunded.key.as_str(), refunded.kind, refunded.status),
        ("R-1", Kind::Refund, Status::Unknown)
    );
    assert_eq!((refunded.amount, refunded.fee), (Money::cny(2_34), Some(Money::cny(-1))));
    assert_eq!(refunded.reference, "5030001");
}

/// Accident of others: a bill with fewer columns than expected was read shifted.
#[test]
fn a_drifted_bill_is_refused_by_name() {
    let told = |bytes: &[u8]| read(bytes, &Format::trade_bill()).unwrap_err().to_string();
    let with = |from: &str, to: &str| {
        assert!(TRADE.contains(from), "{from}");
        told(TRADE.replace(from, to).as_bytes())
    };
    for (from, to, expected) in [
        (
            "设备号,",
            "",
            "line 1: the header is not that of format `trade-bill/ALL`: 26 columns instead of 27: missing `设备号`",
        ),
        ("费率备注\n", "费率备注,门店\n", "28 columns instead of 27: not declared `门店`"),
        (
            "应结订单金额,代金券金额",
            "总金额,企业红包金额",
            "column 13 is `总金额` instead of `应结订单金额`, column 14 is `企业红包金额`",
        ),
        (
            "商户号,特约商户号",
            "特约商户号,商户号",
            "order differs: column 3 is `特约商户号` instead of `商户号`",
        ),
        ("`OTHERS,`CNY,`12.34", "`OTHERS,`CNY", "line 2: 26 fields instead of 27"),
        (
            "`12.34,`0.00,`0,`0,",
            "`1234,`0.00,`0,`0,",
            "line 2, 应结订单金额: `1234` is not an amount with exactly 2 decimals",
        ),
        ("0.07000", "0.07", "手续费: `0.07` is not an amount with exactly 5 decimals"),
        ("0.07000", "0.07001", "手续费: `0.07001` is not an amount in CNY"),
        ("2026-11-21 10:11:12", "2026/11/21 10:11", "交易时间: `2026/11/21 10:11` is not a time as declared"),
        ("2026-11-21 10:11:12", "2026-02-30 10:11:12", "is not a time as declared"),
        (
            "`SUCCESS",
            "`PAID",
            "交易状态: no rule of format `trade-bill/ALL` takes `PAID` (the first takes SUCCESS, REVOKED)",
        ),
        ("`PROCESSING", "`DONE", "退款状态: `DONE` is none of SUCCESS, PROCESSING, CHANGE, FAIL"),
        ("`CNY,`12.34", "`RMB,`12.34", "货币种类: `RMB` is not an ISO 4217 currency code"),
        ("`O-1,`openid,`NATIVE,`SUCCESS", "`,`openid,`NATIVE,`SUCCESS", "商户订单号: is empty"),
        ("\n`2,`12.34", "\n`3,`12.34", "line 5, 总交易单数: the summary says `3`, the rows add up to `2`"),
        (
            "\n`2,`12.34",
            "\n`2,`12.35",
            "应结订单总金额: the summary says `12.35`, the rows add up to `12.34`",
        ),
        ("`0.06000", "`0.0600", "手续费总金额: the summary says `0.0600`, the rows add up to `0.06000`"),
        (
            "总交易单数,应结订单总金额",
            "总交易单数,订单笔数",
            "line 4: the line does not begin with a back-tick",
        ),
        ("`2,`12.34,`2.34,`0.00", "`2,`12.34,`2.34", "6 summary values instead of 7"),
        ("`2.34\n", "`2.34\n`more", "follows the summary"),
    ] {
        let told = with(from, to);
        assert!(told.contains(expected), "{told}\nlacks {expected}");
        assert!(told.ends_with("declare the new one"), "{told}");
    }
    assert!(told(b"").contains("the file is empty"));
    let utf16: Vec<u8> =
        std::iter::once(0xFEFF).chain(TRADE.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    assert!(told(&utf16).contains("UTF-16"));
    let gb = encoding_rs::GB18030.encode(TRADE.trim_start_matches('\u{feff}')).0;
    assert!(told(&gb).contains("reads as GB18030"));
    let declared = Format { encoding: intake::Encoding::Gb18030, ..Format::trade_bill() };
    assert_eq!(read(&gb, &declared).unwrap().len(), 2);
}

#[test]
fn counts_may_be_printed_with_a_zero_decimal() {
    assert!(read(TRADE.replace("\n`2,`12", "\n`2.0,`12").as_bytes(), &Format::trade_bill()).is_ok());
    assert!(read(TRADE.replace("\n`2,`12", "\n`+2,`12").as_bytes(), &Format::trade_bill()).is_err());
}

/// Whatever is cut off is noticed, at every byte.
#[test]
fn a_bill_cut_anywhere_is_refused() {
    let bytes = TRADE.as_bytes();
    for cut in 0..bytes.len() - 1 {
        // Without its last line break, or the last digit's, the summary itself still tells.
        let fault = read(&bytes[..cut], &Format::trade_bill()).expect_err("cut");
        assert_ne!(fault.cause, Cause::Io, "{cut}");
    }
}

#[test]
fn limits_hold() {
    let format = Format::trade_bill();
    for limits in [
        Limits { bytes: 600, ..Limits::default() },
        Limits { line: 100, ..Limits::default() },
        Limits { lines: 3, ..Limits::default() },
    ] {
        let fault = Bill::open(TRADE.as_bytes(), "b", &format, limits).err().or_else(|| {
            let mut bill = Bill::open(TRADE.as_bytes(), "b", &format, limits).ok()?;
            (0..9).find_map(|_| bill.next_entry().err())
        });
        assert_eq!(fault.unwrap().cause, Cause::Limit);
    }
}

#[test]
fn a_wrong_declaration_is_named() {
    let wrong = |change: fn(&mut Format)| {
        let mut format = Format::card_channel();
        change(&mut format);
        read(b"", &format).unwrap_err().problem
    };
    for (problem, expected) in [
        (wrong(|f| f.rules[0].key = "无".into()), "column `无` is used and not declared"),
        (wrong(|f| f.rules[0].amount = "货币".into()), "column `货币` is not among the amounts"),
        (wrong(|f| f.columns[1] = "货币".into()), "column `货币` is declared twice"),
        (wrong(|f| f.amounts[0].decimals = 9), "more than 8 decimals"),
        (wrong(|f| f.summary.clear()), "at least one rule and one summary column"),
    ] {
        assert!(problem.contains(expected), "{problem}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_was_written_is_read(seed in any::<u64>(), count in 0_u64..60) {
        let world = World { seed, count: count.max(1), per_mille: 400, day: BusinessDay(20_778) };
        let format = Format::card_channel();
        let said: Vec<Entry> =
            world.order(Side::Channel).flat_map(|nth| world.said(Side::Channel, nth)).collect();
        let bytes = world.write_bill(Vec::new(), &format).unwrap();
        prop_assert_eq!(read(&bytes, &format).unwrap(), said);
    }

    /// A bill with any bytes changed is read to the same entries or refused; it never breaks the reader.
    #[test]
    fn broken_bytes_never_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = TRADE.as_bytes().to_vec();
        for (at, byte) in &changes {
            let at = at.index(bytes.len());
            bytes[at] = *byte;
        }
        let _ = read(&bytes, &Format::trade_bill());
        let end = cut.index(bytes.len());
        let _ = read(&bytes[..end], &Format::trade_bill());
    }

    /// One amount changed by a single digit is always noticed by the summary or by the run; here by the summary.
    #[test]
    fn one_changed_amount_is_noticed(nth in 0_usize..20, more in 1_i64..1_000) {
        let world = World { seed: 5, count: 20, per_mille: 0, day: BusinessDay(20_778) };
        let format = Format::card_channel();
        let mut out = BillWriter::new(Vec::new(), &format).unwrap();
        for n in 0..20 {
            out.row(|column| cell(&world.movement(n).0, column)).unwrap();
        }
        let text = String::from_utf8(out.finish().unwrap()).unwrap();
        let entry = world.movement(nth as u64).0;
        let changed = Money::cny(entry.amount.minor + more).to_string();
        let text = text.replacen(&format!("`{},", entry.amount), &format!("`{changed},"), 1);
        prop_assert!(read(text.as_bytes(), &format).unwrap_err().problem.contains("the summary says"));
    }
}
