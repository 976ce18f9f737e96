use super::*;
use serde_json::{Value, json};
use types::{OrderId, RefundId};

fn good() -> Value {
    json!({
        "out_trade_no": "pen-000001", "out_refund_no": "R@1|2*3_4-5", "reason": "商品已售完",
        "notify_url": "https://shop.example/refund",
        "amount": {"refund": 30, "total": 100, "currency": "CNY"},
    })
}

fn read(value: &Value) -> Result<RefundRequest, ApiError> {
    RefundRequest::read(&serde_json::to_vec(value).unwrap())
}

fn with(pointer: &str, new: Value) -> Value {
    let mut value = good();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = value.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match new {
        Value::Null => drop(parent.remove(name)),
        new => drop(parent.insert(name.into(), new)),
    }
    value
}

#[test]
fn a_refund_request_reads() {
    let asked = read(&good()).unwrap();
    assert_eq!((asked.refund, asked.total), (Money::cny(30), 100));
    assert_eq!((&*asked.out_refund_no, asked.out_trade_no.as_deref()), ("R@1|2*3_4-5", Some("pen-000001")));
    assert_eq!((asked.funds, asked.transaction_id), (None, None));
    let id = TransactionId(OrderId(806_596_116_480_000_000));
    let both = read(&with("/transaction_id", id.to_string().into())).unwrap();
    assert_eq!(both.transaction_id, Some(id));
    let line =
        json!([{"merchant_goods_id": "g1", "unit_price": 100, "refund_amount": 30, "refund_quantity": 1}]);
    assert!(read(&with("/goods_detail", line)).unwrap().extra.unwrap().contains("g1"));
    let from = json!([{"account": "AVAILABLE", "amount": 10}, {"account": "UNAVAILABLE", "amount": 20}]);
    assert_eq!(
        read(&with("/amount/from", from)).unwrap().from,
        [(FromAccount::Available, 10), (FromAccount::Unavailable, 20)]
    );
}

#[test]
fn limits_name_their_member() {
    let long = |n: usize| Value::String("x".repeat(n));
    for (pointer, bad, field) in [
        ("/out_trade_no", Value::Null, "/out_trade_no"),
        ("/out_trade_no", "short".into(), "/out_trade_no"),
        ("/transaction_id", "123".into(), "/transaction_id"),
        ("/out_refund_no", Value::Null, "/out_refund_no"),
        ("/out_refund_no", "".into(), "/out_refund_no"),
        ("/out_refund_no", long(65), "/out_refund_no"),
        ("/out_refund_no", "a b".into(), "/out_refund_no"),
        ("/reason", "退".repeat(27).into(), "/reason"), // 81 bytes
        ("/notify_url", "shop.example".into(), "/notify_url"),
        ("/notify_url", format!("https://shop.example/{}", "x".repeat(256)).into(), "/notify_url"),
        ("/funds_account", "BASIC".into(), "/funds_account"),
        ("/amount", Value::Null, "/amount"),
        ("/amount/refund", 0.into(), "/amount/refund"),
        ("/amount/refund", "30".into(), "/amount/refund"),
        ("/amount/total", Value::Null, "/amount/total"),
        ("/amount/currency", Value::Null, "/amount/currency"),
        ("/amount/currency", "USD".into(), "/amount/currency"),
        ("/amount/from", json!([{"account": "AVAILABLE", "amount": 29}]), "/amount/from"),
        ("/amount/from", json!([{"account": "OTHER", "amount": 30}]), "/amount/from/0/account"),
        ("/amount/from", json!([]), "/amount/from"),
        (
            "/amount/from",
            json!([{"account": "AVAILABLE", "amount": i64::MAX}, {"account": "AVAILABLE", "amount": 31}]),
            "/amount/from",
        ),
        ("/goods_detail", json!([{"merchant_goods_id": "g"}]), "/goods_detail/0/unit_price"),
    ] {
        let error = read(&with(pointer, bad.clone())).unwrap_err();
        assert_eq!(error.detail.unwrap().field, field, "{pointer} {bad}");
    }
    assert!(read(&with("/reason", "退".repeat(26).into())).is_ok());
    assert!(read(&with("/out_refund_no", long(64))).is_ok());
}

#[test]
fn the_same_request_is_the_same_whichever_number_names_the_order() {
    let canonical = |value: &Value| read(value).unwrap().canonical().expose().clone();
    let first = canonical(&good());
    let mut by_id = with("/transaction_id", TransactionId(OrderId(1 << 50)).to_string().into());
    by_id.as_object_mut().unwrap().remove("out_trade_no");
    assert_eq!(canonical(&by_id), first);
    for (pointer, new) in [
        ("/amount/refund", json!(31)),
        ("/amount/total", json!(101)),
        ("/reason", json!("other")),
        ("/reason", Value::Null),
        ("/notify_url", json!("https://shop.example/other")),
        ("/funds_account", json!("AVAILABLE")),
        ("/amount/from", json!([{"account": "AVAILABLE", "amount": 30}])),
        ("/out_refund_no", json!("other")),
    ] {
        assert_ne!(canonical(&with(pointer, new)), first, "{pointer}");
    }
}

#[test]
fn an_abnormal_refund_needs_a_users_card_whole() {
    let good = json!({
        "out_refund_no": "R1", "type": "USER_BANK_CARD", "bank_type": "ICBC_DEBIT",
        "bank_account": "d0+xJ", "real_name": "UPgQ",
    });
    let read = |value: &Value| AbnormalRequest::read(&serde_json::to_vec(value).unwrap());
    let asked = read(&good).unwrap();
    assert_eq!((asked.kind, asked.bank_type), (ReceiverKind::User, Some("ICBC_DEBIT")));
    assert_eq!(asked.bank_account.unwrap().expose(), "d0+xJ");
    for (name, bad) in [
        ("type", json!("OTHER")),
        ("bank_type", json!("HXB_DEBIT")),
        ("bank_type", Value::Null),
        ("bank_account", Value::Null),
        ("real_name", Value::Null),
        ("out_refund_no", Value::Null),
    ] {
        let mut value = good.clone();
        value[name] = bad;
        assert_eq!(read(&value).unwrap_err().detail.unwrap().field, format!("/{name}"));
    }
    let own = json!({"out_refund_no": "R1", "type": "MERCHANT_BANK_CARD"});
    assert_eq!(read(&own).unwrap().bank_account, None);
}

fn view() -> RefundView {
    let at = Time::parse_rfc3339("2026-11-21T10:00:00+08:00").unwrap();
    let id = types::IdBlock::new(at, 0, 5).id(0);
    RefundView {
        refund_id: RefundNumber(RefundId(id)),
        out_refund_no: "R1".into(),
        transaction_id: TransactionId(OrderId(id)),
        out_trade_no: "pen-000001".into(),
        channel: Channel::Original,
        user_received_account: "支付用户零钱".into(),
        success_time: Some(at),
        create_time: at,
        status: Status::Success,
        funds_account: FundsAccount::Unsettled,
        total: Money::cny(100),
        refund: Money::cny(30),
        from: vec![(FromAccount::Unavailable, 30)],
        refund_fee: 1,
    }
}

#[test]
fn the_refund_object_has_the_members_of_the_wire() {
    let body: Value = serde_json::from_slice(&view().body()).unwrap();
    let members: Vec<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
    for name in [
        "refund_id",
        "out_refund_no",
        "transaction_id",
        "out_trade_no",
        "channel",
        "user_received_account",
        "success_time",
        "create_time",
        "status",
        "funds_account",
        "amount",
    ] {
        assert!(members.contains(&name), "{name}");
    }
    assert_eq!(
        body["amount"],
        json!({
            "total": 100, "refund": 30, "from": [{"account": "UNAVAILABLE", "amount": 30}], "payer_total": 100,
            "payer_refund": 30, "settlement_refund": 30, "settlement_total": 100, "discount_refund": 0,
            "currency": "CNY", "refund_fee": 1,
        })
    );
    assert_eq!(body["refund_id"].as_str().unwrap().len(), 28);
    let open = RefundView { success_time: None, status: Status::Processing, from: vec![], ..view() };
    let open: Value = serde_json::from_slice(&open.body()).unwrap();
    assert_eq!(
        (&open["status"], open.get("success_time"), open["amount"].get("from")),
        (&json!("PROCESSING"), None, None)
    );
}

#[test]
fn a_notice_tells_what_happened_then() {
    let notice = |end| {
        let body =
            RefundNotice { mchid: MerchantId(1_900_000_001), sub_mchid: None, end, refund: view() }.body();
        serde_json::from_slice::<Value>(&body).unwrap()
    };
    let success = notice(RefundEnd::Success);
    assert_eq!(success["refund_status"], "SUCCESS");
    assert_eq!(success["success_time"], "2026-11-21T10:00:00+08:00");
    assert_eq!(
        success["amount"],
        json!({"total": 100, "refund": 30, "payer_total": 100, "payer_refund": 30})
    );
    // The refund has succeeded since; the notification of its trouble still tells of the trouble.
    let abnormal = notice(RefundEnd::Abnormal);
    assert_eq!((&abnormal["refund_status"], abnormal.get("success_time")), (&json!("ABNORMAL"), None));
    assert_eq!(notice(RefundEnd::Closed)["refund_status"], "CLOSED");
    assert_eq!((&success["mchid"], success.get("sp_mchid")), (&json!("1900000001"), None));
    let (mchid, sub_mchid) = (MerchantId(1_900_000_001), Some(MerchantId(1_900_000_109)));
    let told = RefundNotice { mchid, sub_mchid, end: RefundEnd::Success, refund: view() }.body();
    let told: Value = serde_json::from_slice(&told).unwrap();
    assert_eq!((&told["sp_mchid"], &told["sub_mchid"]), (&json!("1900000001"), &json!("1900000109")));
    assert_eq!(told.get("mchid"), None);
}
