//! Same request, same bytes; other request, other bytes.

use super::*;
use proptest::prelude::*;

#[test]
fn the_same_request_has_the_same_canonical_bytes() {
    let canonical = |text: &str| read(Product::Jsapi, text.as_bytes()).unwrap().canonical().expose().clone();
    let plain = r#"{"appid":"wx8888888888888888","mchid":"1900000001","description":"飞钱","out_trade_no":"123456",
        "notify_url":"https://a.example","amount":{"total":1},"payer":{"openid":"o1"},
        "time_expire":"2026-11-21T10:00:00+08:00",
        "detail":{"cost_price":1,"goods_detail":[{"merchant_goods_id":"a","quantity":1,"unit_price":2}]}}"#;
    let same = r#"{ "detail":{"goods_detail":[{"unit_price":2,"quantity":1,"merchant_goods_id":"a","goods_name":null}],
        "cost_price":1}, "time_expire":"2026-11-21T02:00:00.000Z", "payer":{"openid":"\u006f1"}, "new_member": [1],
        "amount":{"currency":"CNY","total":1}, "support_fapiao":false, "settle_info":{"profit_sharing":false},
        "notify_url":"https://a.example", "out_trade_no":"123456", "description":"\u98de\u94b1", "attach":"",
        "mchid":"1900000001", "appid":"wx8888888888888888"}"#;
    assert_eq!(canonical(plain), canonical(same));
}

#[test]
fn any_other_parameter_changes_the_canonical_bytes() {
    let bytes = |product, body: &[u8]| read(product, body).unwrap().canonical().expose().clone();
    let base = bytes(Product::Jsapi, &serde_json::to_vec(&full()).unwrap());
    let mut seen = std::collections::HashSet::from([base]);
    let others = [
        ("/appid", json!("wx8888888888888889")),
        ("/mchid", json!("1900000002")),
        ("/description", json!("x")),
        ("/out_trade_no", json!("1217752501201407033233368019")),
        ("/time_expire", json!("2026-11-21T10:00:01+08:00")),
        ("/attach", json!("x")),
        ("/notify_url", json!("https://shop.example/notify2")),
        ("/goods_tag", json!("TAG2")),
        ("/support_fapiao", json!(false)),
        ("/settle_info/profit_sharing", json!(false)),
        ("/settle_info/subsidy_amount", json!(11)),
        ("/amount/total", json!(101)),
        ("/payer/openid", json!("other")),
        ("/payer/identity/type", json!("OVERSEA_PASSPORT")),
        ("/payer/identity/number", json!("x")),
        ("/payer/identity/name", json!("x")),
        ("/limit_pay", json!([])),
        ("/detail/cost_price", json!(1)),
        ("/detail/goods_detail/0/goods_name", json!("x")),
        ("/scene_info/store_info/id", json!("2")),
        ("/scene_info/h5_info/type", json!("iOS")),
    ];
    for (pointer, value) in others {
        assert!(seen.insert(bytes(Product::Jsapi, &with(full(), pointer, Some(value)))), "{pointer}");
    }
    let native = bytes(Product::Native, &serde_json::to_vec(&full()).unwrap());
    assert!(seen.insert(native), "another trade type is another request");
}

/// Digests of these bytes lie in databases: a form that changes makes every repeated order another one.
#[test]
fn the_canonical_bytes_stay_as_they_are() {
    let of = |text: &str| {
        let bytes = read(Product::Jsapi, text.as_bytes()).unwrap().canonical();
        String::from_utf8(bytes.expose().clone()).unwrap()
    };
    let asked = r#"{"appid":"wx8888888888888888","mchid":"1900000001","description":"飞\"钱\\\n\u001f/~","goods_tag":"T",
        "out_trade_no":"123456","notify_url":"https://a.example","amount":{"total":1},"support_fapiao":true,
        "payer":{"openid":"o1","identity":{"type":"IDCARD","number":"n","name":"m"}},"attach":"a",
        "time_expire":"2026-11-21T10:00:00+08:00","limit_pay":["no_credit"],
        "settle_info":{"profit_sharing":true,"subsidy_amount":0},
        "detail":{"cost_price":1,"goods_detail":[{"merchant_goods_id":"a","quantity":1,"unit_price":2}]}}"#;
    assert_eq!(
        of(asked),
        r#"{"appid":"wx8888888888888888","attach":"a","currency":"CNY","description":"飞\"钱\\\n\u001f/~","#
            .to_owned()
            + r#""extra":"{\"detail\":{\"cost_price\":1,\"goods_detail\":[{\"merchant_goods_id\":\"a\",\"quantity\":1,"#
            + r#"\"unit_price\":2}]},\"limit_pay\":[\"no_credit\"],\"subsidy_amount\":0}","goods_tag":"T","#
            + r#""identity":["IDCARD","n","m"],"mchid":"1900000001","notify_url":"https://a.example","openid":"o1","#
            + r#""out_trade_no":"123456","product":"jsapi","profit_sharing":true,"support_fapiao":true,"#
            + r#""time_expire":1795226400000000,"total":1}"#
    );
}

proptest! {
    #[test]
    fn parameters_are_written_as_an_object_of_them_is(
        values in prop::collection::vec(prop::option::of("[ -~\u{1}-\u{1f}一-龥]{0,12}"), 6),
        number in any::<i64>(),
    ) {
        let (mut parameters, mut members) = (Parameters::default(), Members::new());
        for (name, value) in ["total", "a_b", "ab", "a", "zz", "a_a"].into_iter().zip(&values) {
            parameters.text(name, value.as_deref());
            members.extend(value.clone().map(|value| (name.to_owned(), Node::Text(value))));
        }
        let list = Node::List(vec![Node::Integer(number), Node::Null, Node::Object(members.clone())]);
        parameters.put("list", &list);
        parameters.put("none", &Node::Null);
        members.insert("list".into(), list);
        members.insert("none".into(), Node::Null);
        let written = parameters.bytes();
        prop_assert_eq!(str::from_utf8(written.expose()).unwrap(), json::canonical(&Node::Object(members)));
    }
}
