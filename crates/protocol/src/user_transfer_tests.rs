use super::*;
use serde_json::{Value, json};
use types::{TransferBatchId, TransferBatchNo, UserTransferId, id_time};

fn request() -> Value {
    json!({
        "appid": "wx8888888888888888", "out_bill_no": "plfk2020042013", "transfer_scene_id": "1000",
        "openid": "o-MYE42l80oelYMDE34nYD456Xoy", "user_name": "c2VhbGVk", "transfer_amount": 400_000,
        "transfer_remark": "新会员开通有礼", "notify_url": "https://www.example.com/notify",
        "user_recv_perception": "现金奖励",
        "transfer_scene_report_infos": [
            {"info_type": "活动名称", "info_content": "新会员有礼"},
            {"info_type": "奖励说明", "info_content": "注册会员抽奖一等奖"},
        ],
    })
}

fn batch() -> Value {
    json!({
        "appid": "wx8888888888888888", "out_batch_no": "plfk2020042013", "batch_name": "报销单",
        "batch_remark": "四月报销单", "total_amount": 300, "total_num": 2,
        "transfer_detail_list": [
            {"out_detail_no": "x1", "transfer_amount": 100, "transfer_remark": "报销", "openid": "o1"},
            {"out_detail_no": "x2", "transfer_amount": 200, "transfer_remark": "报销", "openid": "o2"},
        ],
    })
}

fn with(mut body: Value, pointer: &str, value: Value) -> Vec<u8> {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = body.pointer_mut(parent).unwrap();
    match (parent, value) {
        (Value::Object(members), Value::Null) => drop(members.remove(name)),
        (Value::Object(members), value) => drop(members.insert(name.into(), value)),
        (Value::Array(list), value) => list[name.parse::<usize>().unwrap()] = value,
        (other, _) => panic!("{other}"),
    }
    body.to_string().into_bytes()
}

#[test]
fn a_request_reads_and_its_canonical_form_leaves_the_cipher_text_out() {
    let read = TransferRequest::read(request().to_string().as_bytes()).unwrap();
    assert_eq!((read.scene, read.amount, read.reports.len()), (1000, 400_000, 2));
    assert!(!format!("{read:?}").contains("c2VhbGVk"), "the cipher text is masked");
    let again = |body: Vec<u8>| TransferRequest::read(&body).unwrap().canonical().expose().clone();
    let first = again(request().to_string().into_bytes());
    assert_eq!(again(with(request(), "/user_name", json!("b3RoZXI="))), first, "another cipher text");
    let turned =
        json!([request()["transfer_scene_report_infos"][1], request()["transfer_scene_report_infos"][0]]);
    assert_eq!(again(with(request(), "/transfer_scene_report_infos", turned)), first, "another order");
    for (pointer, value) in [
        ("/transfer_amount", json!(400_001)),
        ("/openid", json!("o-other")),
        ("/transfer_remark", json!("其他")),
        ("/notify_url", Value::Null),
        ("/user_recv_style", json!({"type": "RED_PACKET"})),
    ] {
        assert_ne!(again(with(request(), pointer, value)), first, "{pointer}");
    }
}

#[test]
fn what_the_wire_does_not_allow_is_refused_by_pointer() {
    for (pointer, value, wanted) in [
        ("/appid", json!("x"), "/appid"),
        ("/out_bill_no", json!("with-dash"), "/out_bill_no"),
        ("/out_bill_no", json!("a".repeat(33)), "/out_bill_no"),
        ("/out_bill_no", Value::Null, "/out_bill_no"),
        ("/transfer_scene_id", json!("abc"), "/transfer_scene_id"),
        ("/transfer_scene_id", Value::Null, "/transfer_scene_id"),
        ("/transfer_amount", json!(0), "/transfer_amount"),
        ("/transfer_amount", json!("1"), "/transfer_amount"),
        ("/transfer_remark", json!("长".repeat(33)), "/transfer_remark"),
        ("/notify_url", json!("https://x/?a=1"), "/notify_url"),
        (
            "/transfer_scene_report_infos/0",
            json!({"info_type": "活动名称"}),
            "/transfer_scene_report_infos/0/info_content",
        ),
        ("/user_recv_style", json!({"type": "FUN"}), "/user_recv_style/type"),
        ("/openid", Value::Null, "/openid"),
    ] {
        let error = TransferRequest::read(&with(request(), pointer, value)).unwrap_err();
        assert_eq!(error.detail.unwrap().field, wanted);
    }
    let error = TransferRequest::read(&with(request(), "/user_name", json!(5))).unwrap_err();
    assert_eq!(error.detail.unwrap().value.as_deref(), Some("***"), "a secret is not repeated");
}

#[test]
fn a_batch_adds_up() {
    let read = BatchRequest::read(batch().to_string().as_bytes()).unwrap();
    assert_eq!((read.details.len(), read.scene), (2, None));
    for (pointer, value, wanted) in [
        ("/total_amount", json!(301), "/total_amount"),
        ("/total_num", json!(3), "/total_num"),
        ("/transfer_detail_list", json!([]), "/transfer_detail_list"),
        (
            "/transfer_detail_list/1",
            json!({"out_detail_no": "x1", "transfer_amount": 200, "transfer_remark": "a", "openid": "o"}),
            "/transfer_detail_list",
        ),
        ("/batch_name", Value::Null, "/batch_name"),
        ("/out_batch_no", json!("中文"), "/out_batch_no"),
    ] {
        let error = BatchRequest::read(&with(batch(), pointer, value)).unwrap_err();
        assert_eq!(error.detail.unwrap().field, wanted);
    }
    let huge = json!([
        {"out_detail_no": "x1", "transfer_amount": i64::MAX, "transfer_remark": "a", "openid": "o"},
        {"out_detail_no": "x2", "transfer_amount": i64::MAX, "transfer_remark": "a", "openid": "o"},
    ]);
    assert!(BatchRequest::read(&with(batch(), "/transfer_detail_list", huge)).is_err(), "sums don't wrap");
}

#[test]
fn a_batch_query_has_bounds() {
    let read = |pairs: &'static [(&'static str, &'static str)]| {
        DetailsAsked::read(|name| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| *value))
    };
    let usual = read(&[("need_query_detail", "false")]).unwrap();
    assert_eq!((usual.wanted, usual.offset, usual.limit), (false, 0, 20));
    let all = [("need_query_detail", "true"), ("detail_status", "FAIL"), ("offset", "40"), ("limit", "100")];
    let asked = DetailsAsked::read(|name| all.iter().find(|(known, _)| *known == name).map(|(_, v)| *v));
    let asked = asked.unwrap();
    assert_eq!((asked.offset, asked.limit, asked.status), (40, 100, DetailWord::Fail));
    assert!(asked.status.takes(DetailState::Fail) && !asked.status.takes(DetailState::Success));
    for (pairs, wanted) in [
        (&[][..], "need_query_detail"),
        (&[("need_query_detail", "yes")], "need_query_detail"),
        (&[("need_query_detail", "true")], "detail_status"),
        (&[("need_query_detail", "true"), ("detail_status", "SOME")], "detail_status"),
        (&[("need_query_detail", "false"), ("limit", "19")], "limit"),
        (&[("need_query_detail", "false"), ("limit", "101")], "limit"),
        (&[("need_query_detail", "false"), ("offset", "-1")], "offset"),
    ] {
        assert_eq!(read(pairs).unwrap_err().detail.unwrap().field, wanted, "{pairs:?}");
    }
}

#[test]
fn the_query_says_mch_id_and_the_notification_mchid() {
    let id = UserTransferId(806_596_116_480_000_003);
    let view = TransferView {
        mchid: MerchantId(1_900_000_001),
        out_bill_no: "plfk".into(),
        transfer_bill_no: TransferBillNo(id),
        appid: "wx8888888888888888".parse().unwrap(),
        state: BillState::Transferring,
        amount: Money::cny(100),
        remark: "谢谢".into(),
        fail_reason: None,
        openid: "o".into(),
        create_time: id_time(id.0),
        update_time: id_time(id.0),
    };
    let parsed = |body: Vec<u8>| serde_json::from_slice::<Value>(&body).unwrap();
    let looked = parsed(view.body(Some("c2VhbGVk")));
    assert_eq!((&looked["mch_id"], &looked["mchid"]), (&json!("1900000001"), &Value::Null));
    assert_eq!((&looked["state"], &looked["user_name"]), (&json!("TRANSFERING"), &json!("c2VhbGVk")));
    let notice = parsed(TransferNotice(view.clone()).body());
    assert_eq!((&notice["mchid"], &notice["mch_id"]), (&json!("1900000001"), &Value::Null));
    let created = parsed(view.created(Some("token")));
    assert_eq!(created["package_info"], "token");
    assert_eq!(parsed(view.created(None)).get("package_info"), None);
    let text = TransferBatchNo(TransferBatchId(id.0)).to_string();
    assert_eq!(text.len(), 28);
    assert!(read_cancel(b"").is_ok() && read_cancel(b"{}").is_ok() && read_cancel(b"[]").is_err());
}
