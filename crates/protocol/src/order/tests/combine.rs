//! Combined orders (wire §3.9).

use super::*;

fn full_combine() -> Value {
    let order = |mchid: &str, number: &str| {
        json!({
            "mchid": mchid,
            "out_trade_no": number,
            "description": "飞钱体验店-咖啡",
            "attach": "自定义数据",
            "amount": {"total_amount": 100, "currency": "CNY"},
            "goods_tag": "TAG",
            "settle_info": {"profit_sharing": true, "subsidy_amount": 0},
            "detail": {"cost_price": 1}
        })
    };
    let mut sub = order("1900000100", "shop-2-0001");
    sub["sub_mchid"] = "1900000109".into();
    sub["sub_appid"] = "wx8888888888888109".into();
    json!({
        "combine_appid": "wx8888888888888888",
        "combine_mchid": "1900000001",
        "combine_out_trade_no": "whole_0001",
        "scene_info": {"payer_client_ip": "14.23.150.211", "device_id": "POS1:123", "h5_info": {"type": "Wap"}},
        "sub_orders": [order("1900000002", "shop-1-0001"), sub],
        "combine_payer_info": {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},
        "time_start": "2026-11-21T09:00:00+08:00",
        "time_expire": "2026-11-21T10:00:00+08:00",
        "notify_url": "https://mall.example/notify"
    })
}

fn read(product: Product, body: &[u8]) -> Result<Combine, ApiError> {
    Combine::read(product, 10, body)
}

fn changed(pointer: &str, value: Option<Value>) -> Vec<u8> {
    with(full_combine(), pointer, value)
}

#[test]
fn every_member_is_read() {
    let asked = read(Product::Jsapi, full_combine().to_string().as_bytes()).unwrap();
    assert_eq!((asked.mchid, asked.out_trade_no.as_str()), (MerchantId(1_900_000_001), "whole_0001"));
    assert_eq!(asked.payer, Some(CombinePayer::Own("oUpF8uMuAJO_M2pxb1Q9zNjWeS6o".into())));
    assert_eq!(asked.device_id.as_deref(), Some("POS1:123"));
    assert!(asked.extra.as_deref().is_some_and(|kept| kept.contains("time_start")));
    let [first, second] = &asked.orders[..] else { panic!("two orders") };
    assert_eq!((first.mchid, first.amount), (MerchantId(1_900_000_002), Money::cny(100)));
    assert!(first.profit_sharing && first.sub.is_none());
    assert_eq!(first.extra.as_deref(), Some(r#"{"detail":{"cost_price":1},"goods_tag":"TAG"}"#));
    let sub = second.sub.as_ref().unwrap();
    assert_eq!((second.mchid, sub.mchid), (MerchantId(1_900_000_100), MerchantId(1_900_000_109)));
    assert_eq!(sub.appid.map(|app| app.to_string()).as_deref(), Some("wx8888888888888109"));
    // Another product does not bind the payer.
    let native = read(Product::Native, full_combine().to_string().as_bytes()).unwrap();
    assert_eq!(native.payer, None);
}

#[test]
fn a_payer_may_be_named_by_a_sub_merchants_application() {
    let payer = json!({"sub_openid": "oSub"});
    let asked = read(Product::Jsapi, &changed("/combine_payer_info", Some(payer.clone()))).unwrap();
    assert!(matches!(asked.payer, Some(CombinePayer::Sub(_, openid)) if openid == "oSub"));
    let mut without = full_combine();
    without["combine_payer_info"] = payer;
    without["sub_orders"][1].as_object_mut().unwrap().remove("sub_appid");
    let refused = read(Product::Jsapi, without.to_string().as_bytes()).unwrap_err();
    assert_eq!(refused.detail.unwrap().field, "/sub_orders");
    let both = json!({"openid": "o", "sub_openid": "oSub"});
    let refused = read(Product::Jsapi, &changed("/combine_payer_info", Some(both))).unwrap_err();
    assert_eq!(refused.detail.unwrap().field, "/combine_payer_info/sub_openid");
}

#[test]
fn what_is_wrong_is_named() {
    for (pointer, value) in [
        ("/combine_appid", None),
        ("/combine_mchid", Some(json!("x"))),
        ("/combine_out_trade_no", Some(json!("short"))),
        ("/sub_orders", None),
        ("/sub_orders", Some(json!([]))),
        ("/sub_orders/0/attach", None),
        ("/sub_orders/0/attach", Some(json!("长".repeat(129)))),
        ("/sub_orders/1/description", Some(json!(""))),
        ("/sub_orders/0/amount/total_amount", Some(json!(1.5))),
        ("/sub_orders/0/amount/currency", None),
        ("/sub_orders/1/sub_mchid", None),
        ("/sub_orders/0/settle_info/subsidy_amount", Some(json!(-1))),
        ("/scene_info/payer_client_ip", None),
        ("/time_expire", Some(json!("2026-11-21T09:00:00+08:00"))),
        ("/time_start", Some(json!("yesterday"))),
        ("/notify_url", Some(json!("https://mall.example/notify?x=1"))),
        ("/combine_payer_info", None),
    ] {
        let refused = read(Product::Jsapi, &changed(pointer, value.clone())).expect_err(pointer);
        assert_eq!(refused.detail.unwrap().field, pointer, "{value:?}");
    }
    let eleven: Vec<Value> = vec![full_combine()["sub_orders"][0].clone(); 11];
    let body = changed("/sub_orders", Some(json!(eleven)));
    assert!(read(Product::Native, &body).is_err());
    assert!(Combine::read(Product::Native, 50, &body).is_ok(), "as many as are allowed");
}

/// See [`super::canonical`]: what digests in databases are of.
#[test]
fn the_canonical_bytes_stay_as_they_are() {
    let asked = read(Product::Native, full_combine().to_string().as_bytes()).unwrap();
    let text = |bytes: Secret<Vec<u8>>| String::from_utf8(bytes.expose().clone()).unwrap();
    let heading = r#""combine":"native","combine_appid":"wx8888888888888888","combine_mchid":"1900000001","#
        .to_owned()
        + r#""combine_out_trade_no":"whole_0001""#;
    let goods = r#""attach":"自定义数据","currency":"CNY","description":"飞钱体验店-咖啡","#.to_owned()
        + r#""extra":"{\"detail\":{\"cost_price\":1},\"goods_tag\":\"TAG\"}""#;
    let first = format!(
        r#"{{{goods},"mchid":"1900000002","out_trade_no":"shop-1-0001","profit_sharing":true,"total":100}}"#
    );
    let second =
        format!(r#"{{{goods},"mchid":"1900000100","out_trade_no":"shop-2-0001","profit_sharing":true,"#)
            + r#""sub_appid":"wx8888888888888109","sub_mchid":"1900000109","total":100}"#;
    let extra = r#"{\"scene_info\":{\"device_id\":\"POS1:123\",\"h5_info\":{\"type\":\"Wap\"},"#.to_owned()
        + r#"\"payer_client_ip\":\"14.23.150.211\"},\"time_start\":\"2026-11-21T09:00:00+08:00\"}"#;
    let notify = r#""notify_url":"https://mall.example/notify""#;
    assert_eq!(
        text(asked.canonical_order(&asked.orders[0])),
        format!(r#"{{{heading},"sub_order":{first}}}"#)
    );
    assert_eq!(
        text(asked.canonical()),
        format!(
            r#"{{{heading},"extra":"{extra}",{notify},"sub_orders":[{first},{second}],"time_expire":1795226400000000}}"#
        )
    );
}

#[test]
fn equal_requests_and_orders_have_equal_canonical_bytes() {
    let of = |body: &[u8]| {
        let asked = read(Product::Native, body).unwrap();
        let orders = asked.orders.iter().map(|order| asked.canonical_order(order).expose().clone());
        (asked.canonical().expose().clone(), orders.collect::<Vec<_>>())
    };
    let (whole, orders) = of(full_combine().to_string().as_bytes());
    let spaced = format!(" {} ", serde_json::to_string_pretty(&full_combine()).unwrap());
    assert_eq!(of(spaced.as_bytes()), (whole.clone(), orders.clone()));
    assert_ne!(orders[0], orders[1]);
    // Another order of the same combined order changes the whole, and not the other orders.
    let (other, parts) = of(&changed("/sub_orders/1/amount/total_amount", Some(json!(101))));
    assert!(other != whole && parts[0] == orders[0] && parts[1] != orders[1]);
    // Another combined order changes all of them.
    let (other, parts) = of(&changed("/combine_out_trade_no", Some(json!("whole_0002"))));
    assert!(other != whole && parts[0] != orders[0]);
    for (pointer, value) in [
        ("/notify_url", json!("https://mall.example/other")),
        ("/time_expire", json!("2026-11-21T11:00:00+08:00")),
        ("/time_start", json!("2026-11-21T08:00:00+08:00")),
        ("/scene_info/device_id", json!("POS1:124")),
        ("/sub_orders/0/settle_info/profit_sharing", json!(false)),
    ] {
        assert_ne!(of(&changed(pointer, Some(value))).0, whole, "{pointer}");
    }
}

#[test]
fn a_close_names_its_orders() {
    let body = json!({
        "combine_appid": "wx8888888888888888",
        "sub_orders": [
            {"mchid": "1900000002", "out_trade_no": "shop-1-0001"},
            {"mchid": "1900000100", "out_trade_no": "shop-2-0001", "sub_mchid": "1900000109"}
        ]
    });
    let asked = CombineClose::read(10, body.to_string().as_bytes()).unwrap();
    assert_eq!(asked.orders[1], (MerchantId(1_900_000_100), "shop-2-0001".into()));
    let one = with(body, "/sub_orders/1/out_trade_no", None);
    let refused = CombineClose::read(10, &one).unwrap_err();
    assert_eq!(refused.detail.unwrap().field, "/sub_orders/1/out_trade_no");
}
