use super::{
    BillError,
    ask::{Ask, Bill, Link},
    fund, trade,
};
use crate::{Code, transaction::TradeType};
use proptest::prelude::*;
use types::{BusinessDay, MerchantId, OrderId, Rate, Time, TransactionId};

fn at(text: &str) -> Time {
    Time::parse_rfc3339(&format!("2026-11-21T{text}+08:00")).unwrap()
}

fn paid(id: i64) -> trade::Row<'static> {
    trade::Row {
        time: at("17:03:25"),
        appid: "wx8888888888888888".parse().unwrap(),
        mchid: MerchantId(1_900_000_001),
        sub_mchid: None,
        device: "till-1",
        transaction_id: TransactionId(OrderId(id)),
        out_trade_no: "TEA_20261121_0001",
        openid: "oRq_5JNAXed0iNT83GlDaQnWliGA",
        trade_type: TradeType::Native,
        bank: "OTHERS",
        what: trade::What::Paid { amount: 12_80, settlement: 12_80, coupon: 0 },
        description: "一壶龙井，两碟瓜子,不加糖",
        attach: "table 7",
        fee: 8,
        rate: Rate(6_000),
        rate_note: "",
    }
}

fn returned(id: i64) -> trade::Row<'static> {
    let returned = trade::Returned {
        reversal: false,
        succeeded_at: Some(at("18:00:02")),
        refund_id: "5202611210000000000000000912",
        out_refund_no: "BACK_1",
        amount: 2_80,
        coupon: 0,
        asked: 2_80,
        channel: "ORIGINAL",
        status: "SUCCESS",
    };
    trade::Row { time: at("18:00:00"), what: trade::What::Returned(returned), fee: -2, ..paid(id) }
}

fn write(kind: trade::Kind, rows: &[trade::Row<'_>]) -> String {
    let (mut writer, mut out) = (trade::Writer::new(kind), Vec::new());
    writer.begin(&mut out);
    for row in rows {
        writer.row(row, &mut out);
    }
    writer.end(&mut out);
    String::from_utf8(out).unwrap()
}

fn read(kind: trade::Kind, text: &str) -> Result<trade::Totals, BillError> {
    let mut reader = trade::Reader::new(kind);
    for line in text.split_inclusive('\n') {
        reader.line(line)?;
    }
    reader.finish()
}

const ORDER: i64 = 911;

#[test]
fn a_trade_bill_is_exact_to_the_byte() {
    let rows = [paid(ORDER), returned(ORDER)];
    assert_eq!(
        write(trade::Kind::All, &rows),
        "\u{feff}交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,\
         货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,\
         商户数据包,手续费,费率,订单金额,申请退款金额,费率备注\r\n\
         `2026-11-21 17:03:25,`wx8888888888888888,`1900000001,`0,`till-1,`4202001010000000000000000911,\
         `TEA_20261121_0001,`oRq_5JNAXed0iNT83GlDaQnWliGA,`NATIVE,`SUCCESS,`OTHERS,`CNY,`12.80,`0.00,`0,`0,`0.00,`0.00,`,\
         `,`一壶龙井，两碟瓜子,不加糖,`table 7,`0.08000,`0.60%,`12.80,`0.00,`\r\n\
         `2026-11-21 18:00:00,`wx8888888888888888,`1900000001,`0,`till-1,`4202001010000000000000000911,\
         `TEA_20261121_0001,`oRq_5JNAXed0iNT83GlDaQnWliGA,`NATIVE,`REFUND,`OTHERS,`CNY,`0.00,`0.00,\
         `5202611210000000000000000912,`BACK_1,`2.80,`0.00,`ORIGINAL,`SUCCESS,`一壶龙井，两碟瓜子,不加糖,`table 7,\
         `-0.02000,`0.60%,`0.00,`2.80,`\r\n\
         总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额\r\n\
         `2,`12.80,`2.80,`0.00,`0.06000,`12.80,`2.80\r\n"
    );
    let success = write(trade::Kind::Success, &rows);
    assert!(success.ends_with(
        "`TEA_20261121_0001,`oRq_5JNAXed0iNT83GlDaQnWliGA,`NATIVE,`SUCCESS,`OTHERS,`CNY,`12.80,`0.00,\
         `一壶龙井，两碟瓜子,不加糖,`table 7,`0.08000,`0.60%,`12.80,`\r\n\
         总交易单数,应结订单总金额,手续费总金额,订单总金额\r\n`1,`12.80,`0.08000,`12.80\r\n"
    ));
    let refund = write(trade::Kind::Refund, &rows);
    assert!(refund.ends_with(
        "`REFUND,`OTHERS,`CNY,`0.00,`0.00,`2026-11-21 18:00:00,`2026-11-21 18:00:02,\
         `5202611210000000000000000912,`BACK_1,`2.80,`0.00,`ORIGINAL,`SUCCESS,`一壶龙井，两碟瓜子,不加糖,`table 7,\
         `-0.02000,`0.60%,`0.00,`2.80,`\r\n\
         总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额\r\n\
         `1,`0.00,`2.80,`0.00,`-0.02000,`0.00,`2.80\r\n"
    ));
}

#[test]
fn columns_are_as_many_as_the_wire_says() {
    let count = |kind: trade::Kind| (kind.columns().len(), kind.summary().len());
    assert_eq!(trade::Kind::ALL.map(count), [(27, 7), (20, 4), (29, 7)]);
    assert_eq!(fund::columns().len(), 11);
}

#[test]
fn an_empty_bill_has_headers_and_zeros() {
    let text = write(trade::Kind::Success, &[]);
    assert_eq!(text.lines().count(), 3);
    assert!(text.ends_with("`0,`0.00,`0.00000,`0.00\r\n"));
    assert_eq!(read(trade::Kind::Success, &text).unwrap(), trade::Totals::default());
}

#[test]
fn a_merchants_own_text_can_not_break_a_row() {
    let row = trade::Row { description: "a,`b\r\nc", attach: "=1+1\t`", ..paid(ORDER) };
    let text = write(trade::Kind::All, &[row]);
    assert_eq!(text.lines().count(), 4, "{text}");
    let line = text.lines().nth(1).unwrap();
    let mut reader = trade::Reader::new(trade::Kind::All);
    reader.line(text.lines().next().unwrap()).unwrap();
    let read = reader.line(line).unwrap().unwrap();
    assert_eq!((read.description, read.attach), ("a,'b  c", "=1+1 '"));
}

#[test]
fn a_drifted_bill_is_refused_by_column() {
    let text = write(trade::Kind::All, &[paid(ORDER)]);
    let refused = |text: &str| read(trade::Kind::All, text).unwrap_err().to_string();
    for (from, to, said) in [
        (
            "手续费,费率,",
            "费率,",
            "line 1: not the columns of this bill: column 23 is `费率`, 手续费 is wanted",
        ),
        ("应结订单金额,代金券", "总金额,企业红包", "column 13 is `总金额`, 应结订单金额 is wanted"),
        (",费率备注\r", "\r", "column 27, 费率备注, is missing"),
        ("费率备注\r", "费率备注,新列\r", "`新列` stands after the last column"),
        (",`CNY", "", "line 2: 26 values, 27 columns"),
        ("`CNY", "`USD", "货币种类 is `USD`"),
        ("`SUCCESS", "`PAID", "交易状态 is `PAID`"),
        (
            "`12.80,`0.00,`0,",
            "`12.8,`0.00,`0,",
            "应结订单金额 is `12.8`, which is no amount with two decimals",
        ),
        ("`0.08000,`0.60%", "`0.08100,`0.60%", "手续费 is `0.08100`"),
        (
            "`0.08000,`12.80",
            "`0.07000,`12.80",
            "the summary says 手续费总金额 0.07000, but the rows come to 0.08000",
        ),
        ("2026-11-21 17:03:25", "2026-11-21 17:03:60", "交易时间"),
        ("总交易单数", "总单数", "line 3: not the columns of this bill"),
    ] {
        assert!(text.contains(from), "{from}");
        let said_of = refused(&text.replacen(from, to, 1));
        assert!(said_of.contains(said), "{from} → {to}: {said_of}");
    }
    let cut = text.rsplitn(3, '\n').nth(2).unwrap();
    assert_eq!(read(trade::Kind::All, cut), Err(BillError::End(4)));
    assert_eq!(read(trade::Kind::All, &format!("{text}`1\r\n")), Err(BillError::End(5)));
    // Of another kind.
    assert!(matches!(read(trade::Kind::Refund, &text), Err(BillError::Columns { line: 1, .. })));
}

fn flow(change: i64, balance: i64) -> fund::Row<'static> {
    fund::Row {
        time: at("17:03:25"),
        business_id: "4202001010000000000000000911",
        flow_id: "912",
        name: "交易",
        kind: "交易",
        change,
        balance,
        submitter: "system",
        note: "",
        voucher: "TEA_20261121_0001",
    }
}

fn write_fund(rows: &[fund::Row<'_>]) -> String {
    let (mut writer, mut out) = (fund::Writer::default(), Vec::new());
    writer.begin(&mut out);
    for row in rows {
        writer.row(row, &mut out);
    }
    writer.end(&mut out);
    String::from_utf8(out).unwrap()
}

fn read_fund(text: &str) -> Result<fund::Totals, BillError> {
    let mut reader = fund::Reader::default();
    for line in text.split_inclusive('\n') {
        reader.line(line)?;
    }
    reader.finish()
}

#[test]
fn a_fund_flow_bill_is_exact_to_the_byte() {
    let text = write_fund(&[flow(12_80, 112_80), flow(-8, 112_72)]);
    assert_eq!(
        text,
        "\u{feff}记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),\
         资金变更提交申请人,备注,业务凭证号\r\n\
         `2026-11-21 17:03:25,`4202001010000000000000000911,`912,`交易,`交易,`收入,`12.80,`112.80,`system,`,\
         `TEA_20261121_0001\r\n\
         `2026-11-21 17:03:25,`4202001010000000000000000911,`912,`交易,`交易,`支出,`0.08,`112.72,`system,`,\
         `TEA_20261121_0001\r\n\
         资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额\r\n`2.0,`1.0,`12.80,`1.0,`0.08\r\n"
    );
    let totals = read_fund(&text).unwrap();
    assert_eq!((totals.in_rows, totals.came, totals.out_rows, totals.left), (1, 1280, 1, 8));
    let broken = text.replacen("`112.72", "`112.73", 1);
    let said = read_fund(&broken).unwrap_err().to_string();
    assert_eq!(
        said,
        "line 3: 账户结余(元) is `112.73`, which is no balance that follows from the row before"
    );
}

#[test]
fn what_is_asked_is_read() {
    let ask = |pairs: &'static [(&str, &str)]| {
        Ask::trade(|name| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| *value))
    };
    let day = BusinessDay::parse("2026-11-21").unwrap();
    let (bill, gzip) = (Bill::Trade(trade::Kind::All), false);
    assert_eq!(ask(&[("bill_date", "2026-11-21")]), Ok(Ask { bill, day, gzip }));
    let refund = ask(&[("bill_date", "2026-11-21"), ("bill_type", "REFUND"), ("tar_type", "GZIP")]);
    assert_eq!(refund, Ok(Ask { bill: Bill::Trade(trade::Kind::Refund), day, gzip: true }));
    for (pairs, field) in [
        (&[("bill_type", "ALL")] as &'static [(&str, &str)], "bill_date"),
        (&[("bill_date", "20261121")], "bill_date"),
        (&[("bill_date", "2026-02-30")], "bill_date"),
        (&[("bill_date", "2026-11-21"), ("bill_type", "all")], "bill_type"),
        (&[("bill_date", "2026-11-21"), ("bill_type", "RECHARGE_REFUND")], "bill_type"),
        (&[("bill_date", "2026-11-21"), ("tar_type", "ZIP")], "tar_type"),
    ] {
        let refused = ask(pairs).unwrap_err();
        assert_eq!((refused.code, refused.detail.unwrap().field.as_str()), (Code::ParamError, field));
    }
    let fund = Ask::fund(|name| match name {
        "bill_date" => Some("2026-11-21"),
        "account_type" => Some("OPERATION"),
        _ => None,
    });
    assert_eq!(fund.unwrap().bill, Bill::Fund(fund::Account::Operation));
    for bill in Bill::ALL {
        assert_eq!(Bill::from_number(bill.number()), Some(bill));
    }
    assert_eq!(Bill::from_number(7), None);
}

#[test]
fn the_answer_is_the_wires() {
    let link = Link::new("aa".into(), "https://pay.example.com/v3/billdownload/file?token=t".into());
    assert_eq!(
        String::from_utf8(link.body()).unwrap(),
        r#"{"hash_type":"SHA1","hash_value":"aa","download_url":"https://pay.example.com/v3/billdownload/file?token=t"}"#
    );
}

proptest! {
    #[test]
    fn every_row_reads_back(
        kind in 0_usize..3, back in any::<bool>(), reversal in any::<bool>(), done in any::<bool>(),
        seconds in 1_600_000_000_i64..4_000_000_000, order in 0_i64..i64::MAX, amount in 0_i64..i64::MAX,
        fee in -9_000_000_000_000_i64..9_000_000_000_000, rate in 0_u32..=1_000_000,
        text in "[^\\p{C}`]{0,40}",
    ) {
        let kind = trade::Kind::ALL[kind];
        let time = Time::from_unix(seconds);
        let what = if back {
            let succeeded_at = Some(time).filter(|_| done && kind == trade::Kind::Refund);
            trade::What::Returned(trade::Returned {
                reversal, succeeded_at, amount, asked: amount, coupon: 0, refund_id: "5", out_refund_no: "B",
                channel: "ORIGINAL", status: "PROCESSING",
            })
        } else {
            trade::What::Paid { amount, settlement: amount, coupon: amount }
        };
        let row = trade::Row {
            time, what, fee, rate: Rate(rate), description: &text, attach: &text,
            transaction_id: TransactionId(OrderId(order)), ..paid(1)
        };
        let written = write(kind, &[row]);
        let mut reader = trade::Reader::new(kind);
        let mut rows = Vec::new();
        for line in written.split_inclusive('\n') {
            rows.extend(reader.line(line).unwrap());
        }
        reader.finish().unwrap();
        prop_assert_eq!(rows, if kind.takes(back) { vec![row] } else { vec![] });
    }

    #[test]
    fn any_text_is_answered(text in "\\PC{0,200}", kind in 0_usize..3) {
        prop_assert!(read(trade::Kind::ALL[kind], &text).is_err());
        prop_assert!(read_fund(&text).is_err());
    }
}
