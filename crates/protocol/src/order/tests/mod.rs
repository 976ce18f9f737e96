mod any;
mod canonical;
mod combine;
mod limits;
mod partner;

use super::*;
use serde_json::{Value, json};
use types::{AppId, Masked, MerchantId};

/// A prepay with every member, all valid.
fn full() -> Value {
    json!({
        "appid": "wx8888888888888888",
        "mchid": "1900000001",
        "description": "飞钱体验店-咖啡",
        "out_trade_no": "1217752501201407033233368018",
        "time_expire": "2026-11-21T10:00:00+08:00",
        "attach": "自定义数据",
        "notify_url": "https://shop.example/notify",
        "goods_tag": "TAG",
        "support_fapiao": true,
        "limit_pay": ["no_credit"],
        "settle_info": {"profit_sharing": true, "subsidy_amount": 10},
        "amount": {"total": 100, "currency": "CNY"},
        "payer": {
            "openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
            "identity": {"type": "IDCARD", "number": "bnVtYmVy", "name": "bmFtZQ=="}
        },
        "detail": {
            "cost_price": 608800,
            "invoice_id": "微信123",
            "goods_detail": [{
                "merchant_goods_id": "1246464644", "wechatpay_goods_id": "1001", "goods_name": "咖啡",
                "quantity": 1, "unit_price": 528800
            }]
        },
        "scene_info": {
            "payer_client_ip": "14.23.150.211",
            "device_id": "013467007045764",
            "store_info": {"id": "0001", "name": "一店", "area_code": "440305", "address": "科技园"},
            "h5_info": {
                "type": "Wap", "app_name": "飞钱", "app_url": "https://shop.example",
                "bundle_id": "com.example", "package_name": "com.example"
            }
        }
    })
}

/// A codepay with every member, all valid.
fn full_codepay() -> Value {
    json!({
        "appid": "wx8888888888888888",
        "mchid": "1900000001",
        "description": "飞钱体验店-咖啡",
        "out_trade_no": "pos_000001",
        "attach": "自定义数据",
        "goods_tag": "TAG",
        "support_fapiao": false,
        "payer": {"auth_code": "130061098828009406"},
        "amount": {"total": 100},
        "scene_info": {
            "device_id": "POS1:1",
            "device_ip": "fe80::1",
            "store_info": {"id": "0001", "out_id": "A1"}
        },
        "detail": {
            "cost_price": 1,
            "invoice_id": "1",
            "goods_detail": [{
                "merchant_goods_id": "1", "wxpay_goods_id": "1001", "goods_name": "咖啡", "quantity": 1, "unit_price": 0
            }]
        },
        "settle_info": {"profit_sharing": false}
    })
}

/// `base` with the member at `pointer` set, or removed when `value` is none.
fn with(mut base: Value, pointer: &str, value: Option<Value>) -> Vec<u8> {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = base.pointer_mut(parent).unwrap();
    match (parent, value) {
        (Value::Object(members), Some(value)) => drop(members.insert(name.into(), value)),
        (Value::Object(members), None) => drop(members.remove(name).unwrap()),
        (Value::Array(list), value) => list[name.parse::<usize>().unwrap()] = value.unwrap(),
        _ => panic!("{pointer} has no parent"),
    }
    serde_json::to_vec(&base).unwrap()
}

fn x(count: usize) -> Option<Value> {
    Some("x".repeat(count).into())
}

/// A text of `count` three-byte characters: limits count characters, not bytes.
fn han(count: usize) -> Option<Value> {
    Some("飞".repeat(count).into())
}

fn pointer_of(result: Result<impl Sized, ApiError>) -> Option<String> {
    let error = result.err()?;
    assert_eq!((error.status(), error.code.wire()), (400, "PARAM_ERROR"));
    Some(error.detail.expect("a PARAM_ERROR has detail").field)
}

fn read(product: Product, bytes: &[u8]) -> Result<Prepay, ApiError> {
    Prepay::read(product, Mode::Merchant, bytes)
}

#[test]
fn a_prepay_comes_out_as_it_went_in() {
    let prepay = read(Product::Jsapi, &serde_json::to_vec(&full()).unwrap()).unwrap();
    assert_eq!(prepay.appid.to_string(), "wx8888888888888888");
    assert_eq!(prepay.mchid, MerchantId(1_900_000_001));
    assert_eq!(prepay.description, "飞钱体验店-咖啡");
    assert_eq!(prepay.out_trade_no, "1217752501201407033233368018");
    assert_eq!(prepay.time_expire, Time::parse_rfc3339("2026-11-21T10:00:00+08:00"));
    assert_eq!(prepay.attach.as_deref(), Some("自定义数据"));
    assert_eq!(prepay.notify_url, "https://shop.example/notify");
    assert_eq!(prepay.goods_tag.as_deref(), Some("TAG"));
    assert!(prepay.support_fapiao && prepay.profit_sharing);
    assert_eq!(prepay.amount, Money::cny(100));
    let identity = prepay.identity.unwrap();
    assert_eq!((identity.kind, identity.number.expose().as_str()), (IdentityKind::IdCard, "bnVtYmVy"));
    assert!(!format!("{identity:?}").contains("bnVtYmVy"));
    let extra: Value = serde_json::from_str(&prepay.extra.unwrap()).unwrap();
    assert_eq!(extra["detail"], full()["detail"]);
    assert_eq!(extra["scene_info"], full()["scene_info"]);
    assert_eq!(extra["limit_pay"], full()["limit_pay"]);
    assert_eq!(extra["subsidy_amount"], 10);
    assert_eq!(extra.as_object().unwrap().len(), 4);
}

#[test]
fn the_smallest_prepay_has_the_defaults() {
    let body = r#"{"appid":"wx8888888888888888","mchid":"1900000001","description":"x","out_trade_no":"123456",
                   "notify_url":"https://a.example","amount":{"total":1}}"#;
    let prepay = read(Product::Native, body.as_bytes()).unwrap();
    let expected = Prepay {
        product: Product::Native,
        appid: "wx8888888888888888".parse().unwrap(),
        mchid: MerchantId(1_900_000_001),
        sub: None,
        description: "x".into(),
        out_trade_no: "123456".into(),
        time_expire: None,
        attach: None,
        notify_url: "https://a.example".into(),
        goods_tag: None,
        support_fapiao: false,
        profit_sharing: false,
        amount: Money::cny(1),
        openid: None,
        identity: None,
        extra: None,
    };
    assert_eq!(prepay, expected);
}

#[test]
fn values_of_secret_members_are_not_repeated() {
    let secret = "440301199001011234";
    for pointer in ["/payer/identity/type", "/payer/identity/number", "/payer/identity/name"] {
        let value = if pointer.ends_with("type") { json!(secret) } else { json!([secret]) };
        let error = read(Product::Jsapi, &with(full(), pointer, Some(value))).unwrap_err();
        assert!(!format!("{error:?}").contains(secret), "{pointer}");
    }
    for code in [json!("13006109882800940"), json!(130_061_098_828_009_406_i64)] {
        let error =
            CodePay::read(Mode::Merchant, &with(full_codepay(), "/payer/auth_code", Some(code))).unwrap_err();
        assert!(!format!("{error:?}").contains("1300610"), "{error:?}");
        assert_eq!(error.detail.unwrap().value.as_deref(), Some("***"));
    }
}

#[test]
fn a_codepay_comes_out_as_it_went_in_and_hides_its_code() {
    let bytes = serde_json::to_vec(&full_codepay()).unwrap();
    let codepay = CodePay::read(Mode::Merchant, &bytes).unwrap();
    assert_eq!(codepay.auth_code.expose(), "130061098828009406");
    assert_eq!(codepay.device_id.as_deref(), Some("POS1:1"));
    let extra: Value = serde_json::from_str(codepay.extra.as_deref().unwrap()).unwrap();
    assert_eq!(extra["scene_info"], full_codepay()["scene_info"]);
    assert_eq!(extra["detail"], full_codepay()["detail"]);
    let shown = format!("{codepay:?} {:?}", codepay.canonical());
    assert!(!shown.contains("130061098828009406") && shown.contains("**************9406"), "{shown}");
    let other = with(full_codepay(), "/payer/auth_code", Some("130061098828009407".into()));
    assert!(CodePay::read(Mode::Merchant, &other).unwrap().canonical() != codepay.canonical());
    assert!(CodePay::read(Mode::Merchant, &bytes).unwrap().canonical() == codepay.canonical());
}

#[test]
fn close_and_reverse_name_merchant_and_application() {
    assert_eq!(
        Close::read(Mode::Merchant, br#"{"mchid":"1900000001"}"#).unwrap().mchid,
        MerchantId(1_900_000_001)
    );
    assert_eq!(pointer_of(Close::read(Mode::Merchant, b"{}")).as_deref(), Some("/mchid"));
    assert_eq!(pointer_of(Close::read(Mode::Merchant, b"")).as_deref(), Some(""));
    let reverse =
        Reverse::read(Mode::Merchant, br#"{"mchid":"1900000001","appid":"wx8888888888888888"}"#).unwrap();
    let answer: Value = serde_json::from_slice(&reverse.answer("123456")).unwrap();
    assert_eq!(
        answer,
        json!({"appid": "wx8888888888888888", "mchid": "1900000001", "out_trade_no": "123456"})
    );
    assert_eq!(
        pointer_of(Reverse::read(Mode::Merchant, br#"{"mchid":"1900000001"}"#)).as_deref(),
        Some("/appid")
    );
}

#[test]
fn prepay_answers_are_one_member() {
    let cases = [
        (PrepayAnswer::PrepayId("wx20".into()), r#"{"prepay_id":"wx20"}"#),
        (PrepayAnswer::H5Url("https://a".into()), r#"{"h5_url":"https://a"}"#),
        (PrepayAnswer::CodeUrl("weixin://x".into()), r#"{"code_url":"weixin://x"}"#),
    ];
    for (answer, body) in cases {
        assert_eq!(answer.body(), body.as_bytes());
    }
}

#[test]
fn products_have_their_path_and_trade_type() {
    let expected = [
        (Product::Jsapi, "jsapi", "JSAPI"),
        (Product::App, "app", "APP"),
        (Product::H5, "h5", "MWEB"),
        (Product::Native, "native", "NATIVE"),
        (Product::CodePay, "codepay", "MICROPAY"),
    ];
    for (product, path, trade_type) in expected {
        assert_eq!((product.path(), product.trade_type().wire()), (path, trade_type));
    }
    assert!(!Product::PREPAY.contains(&Product::CodePay));
}
