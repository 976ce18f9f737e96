//! Payment orders and status reports.

use crate::given::{any_order, any_reason, noon, order, payment};
use bank::{
    Limits, Rail, Reason,
    pain001::{self, Order, Part},
    pain002::{self, Status, Told},
};
use proptest::prelude::*;
use types::{Masked, Money};

pub(crate) fn write(orders: &[Order]) -> Vec<u8> {
    pain001::write(Vec::new(), "FQ20261121-1", noon(), "飞钱", orders).unwrap()
}

/// Reads an order back into what was written.
pub(crate) fn read(bytes: &[u8]) -> Result<(pain001::Head, Vec<Order>), intake::Fault> {
    let mut reader = pain001::Reader::open(bytes, "order.xml", Limits::default())?;
    let mut orders: Vec<Order> = Vec::new();
    while let Some(part) = reader.next_part()? {
        match part {
            Part::Batch(batch) => {
                let pain001::Batch { id, rail, urgent, day, debtor, .. } = *batch;
                orders.push(Order { id, rail, urgent, day, debtor, payments: Vec::new() });
            }
            Part::Payment(payment) => orders.last_mut().unwrap().payments.push(*payment),
        }
    }
    assert_eq!(reader.next_part()?, None);
    Ok((reader.head().clone(), orders))
}

pub(crate) fn read_report(bytes: &[u8]) -> Result<(pain002::Head, Vec<pain002::Part>), intake::Fault> {
    let mut reader = pain002::Reader::open(bytes, "report.xml", Limits::default())?;
    let mut parts = Vec::new();
    while let Some(part) = reader.next_part()? {
        parts.push(part);
    }
    Ok((reader.head().clone(), parts))
}

fn unique(orders: &[Order]) -> bool {
    let mut ids: Vec<&str> = orders.iter().flat_map(|o| &o.payments).map(|p| p.end_to_end.as_str()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    ids.len() == all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_order_is_read_back_to_the_cent(orders in proptest::collection::vec(any_order(), 1..4)) {
        prop_assume!(unique(&orders));
        let (head, read) = read(&write(&orders)).unwrap();
        prop_assert_eq!(&read, &orders);
        let amounts = orders.iter().flat_map(|o| &o.payments).map(|p| p.amount.minor);
        prop_assert_eq!(head.sum, Money::cny(amounts.clone().sum()));
        prop_assert_eq!(head.count, amounts.count() as u64);
    }

    #[test]
    fn a_report_is_read_back(
        told in proptest::collection::vec(
            ("[A-C]", "[a-z0-9]{1,35}", 0_usize..9, proptest::option::of(any_reason()), proptest::option::of(1_i64..1_000_000)),
            0..8,
        ),
        status in proptest::option::of(0_usize..9), reason in proptest::option::of(any_reason()),
    ) {
        let statuses = [Status::Received, Status::Formal, Status::Checked, Status::InProcess, Status::Settled,
            Status::Credited, Status::Pending, Status::Partly, Status::Rejected];
        let mut told: Vec<Told> = told.into_iter().map(|(batch, id, status, reason, fen)| Told {
            batch, instruction: Some(format!("I{}", &id[1..])).filter(|_| fen.is_some()), end_to_end: id,
            status: statuses[status], reason, bank_reference: fen.map(|f| f.to_string()), amount: fen.map(Money::cny),
        }).collect();
        told.sort_by(|a, b| a.batch.cmp(&b.batch));
        let head = pain002::Head {
            message: "R1".into(), created: noon(), original: "FQ1".into(), status: status.map(|s| statuses[s]), reason,
            text: reason.map(|_| "账号 <错误> & 关闭".into()),
        };
        let bytes = pain002::write(Vec::new(), &head, &told).unwrap();
        let (read_head, parts) = read_report(&bytes).unwrap();
        prop_assert_eq!(read_head, head);
        let expected: Vec<pain002::Part> = told.into_iter().map(|t| pain002::Part::Payment(Box::new(t))).collect();
        prop_assert_eq!(parts, expected);
    }
}

#[test]
fn d13_every_rail_is_a_local_instrument() {
    for rail in Rail::ALL {
        let bytes = write(&[order("B1", rail, vec![payment("P1", 1, "6222020200001234")])]);
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert!(text.contains(&format!("<LclInstrm>\n          <Prtry>{}</Prtry>", rail.code())), "{text}");
        assert_eq!(read(&bytes).unwrap().1[0].rail, rail);
        assert_eq!(Rail::from_code(rail.code()), Some(rail));
    }
    assert_eq!(Rail::from_code("hvps"), None);
}

#[test]
fn what_cannot_be_an_order_is_not_written() {
    let one = || payment("P1", 1_00, "6222020200001234");
    let told =
        |orders: &[Order]| pain001::write(Vec::new(), "M", noon(), "飞钱", orders).unwrap_err().to_string();
    assert!(told(&[]).contains("there is no payment"));
    assert!(told(&[order("B", Rail::Beps, vec![one(), one()])]).contains("`P1` appears twice"));
    assert!(told(&[order("B", Rail::Beps, vec![payment("P1", 0, "1234")])]).contains("`P1` is of 0.00"));
    let mut dollars = one();
    dollars.end_to_end = "P2".into();
    dollars.amount = Money::new(1, types::Currency::USD);
    assert!(told(&[order("B", Rail::Beps, vec![one(), dollars])]).contains("currencies differ"));
    let mut long = one();
    long.end_to_end = "x".repeat(36);
    assert!(
        told(&[order("B", Rail::Beps, vec![long])]).contains("EndToEndId: has 36 characters, at most 35 fit")
    );
    let mut control = one();
    control.remittance.text = Some("a\u{1}".into());
    assert!(told(&[order("B", Rail::Beps, vec![control])]).contains("control character"));
    let huge = payment("P3", i64::MAX, "1234");
    assert!(told(&[order("B", Rail::Hvps, vec![one(), huge])]).contains("overflows"));
}

#[test]
fn personal_data_does_not_print() {
    let printed = format!("{:?}", order("B", Rail::Beps, vec![payment("P1", 1, "6222020200001234")]));
    assert!(!printed.contains("6222020200001234") && !printed.contains("咖啡"), "{printed}");
    assert_eq!(payment("P", 1, "6222020200001234").creditor.account.masked(), "****1234");
}

#[test]
fn a_batch_may_be_refused_as_a_whole() {
    let report = r#"<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt>
      <GrpHdr><MsgId>R1</MsgId><CreDtTm>2026-11-21T12:00:00</CreDtTm></GrpHdr>
      <OrgnlGrpInfAndSts><OrgnlMsgId>FQ1</OrgnlMsgId><OrgnlMsgNmId>pain.001</OrgnlMsgNmId></OrgnlGrpInfAndSts>
      <OrgnlPmtInfAndSts><OrgnlPmtInfId>B1</OrgnlPmtInfId><PmtInfSts>RJCT</PmtInfSts>
        <StsRsnInf><Rsn><Cd>AM04</Cd></Rsn></StsRsnInf></OrgnlPmtInfAndSts>
      <OrgnlPmtInfAndSts><OrgnlPmtInfId>B2</OrgnlPmtInfId>
        <TxInfAndSts><OrgnlEndToEndId>P2</OrgnlEndToEndId><TxSts>ACSC</TxSts></TxInfAndSts></OrgnlPmtInfAndSts>
      </CstmrPmtStsRpt></Document>"#;
    let (head, parts) = read_report(report.as_bytes()).unwrap();
    // Without an offset a mainland bank means its own time.
    assert_eq!(head.created, noon());
    let refused =
        pain002::Part::Batch { id: "B1".into(), status: Status::Rejected, reason: Some(Reason::FUNDS) };
    assert_eq!(parts[0], refused);
    let pain002::Part::Payment(told) = &parts[1] else { panic!("{parts:?}") };
    assert_eq!((told.batch.as_str(), told.end_to_end.as_str(), told.status), ("B2", "P2", Status::Settled));
    assert_eq!(parts.len(), 2);
}
