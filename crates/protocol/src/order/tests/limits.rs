//! Every limit of wire §3.2 and §3.8, just inside and just outside.

use super::*;

/// Every limit: what stands at the pointer, and whether it passes.
fn limits() -> Vec<(&'static str, Option<Value>, bool)> {
    let url = |length: usize| Some(Value::from(format!("https://a.example/{}", "x".repeat(length - 18))));
    let line = full()["detail"]["goods_detail"][0].clone();
    let lines = |count: usize| Some(Value::from(vec![line.clone(); count]));
    let words = |words: &[&str]| Some(Value::from(words.to_vec()));
    vec![
        ("/appid", None, false),
        ("/appid", Some("wx888888888888888".into()), false),
        ("/appid", x(33), false),
        ("/mchid", None, false),
        ("/mchid", Some(1_900_000_001.into()), false),
        ("/mchid", Some("x".into()), false),
        ("/description", None, false),
        ("/description", Some("".into()), false),
        ("/description", Some("☕".into()), true),
        ("/description", Some("👍".into()), false),
        ("/description", han(127), true),
        ("/description", han(128), false),
        ("/out_trade_no", None, false),
        ("/out_trade_no", x(5), false),
        ("/out_trade_no", x(6), true),
        ("/out_trade_no", x(32), true),
        ("/out_trade_no", x(33), false),
        ("/out_trade_no", Some("aZ0_-|*".into()), true),
        ("/out_trade_no", Some("order#1".into()), false),
        ("/out_trade_no", Some("订单编号一二三".into()), false),
        ("/time_expire", None, true),
        ("/time_expire", Some("2026-11-21T02:00:00.123Z".into()), true),
        ("/time_expire", Some("2026-11-21 10:00:00".into()), false),
        ("/time_expire", Some(1_700_000_000.into()), false),
        ("/time_expire", x(65), false),
        ("/attach", None, true),
        ("/attach", Some("".into()), true),
        ("/attach", han(128), true),
        ("/attach", han(129), false),
        ("/notify_url", None, false),
        ("/notify_url", url(255), true),
        ("/notify_url", url(256), false),
        ("/notify_url", Some("http://127.0.0.1:8080/n".into()), true),
        ("/notify_url", Some("https://a.example/n?x=1".into()), false),
        ("/notify_url", Some("a.example/n".into()), false),
        ("/goods_tag", x(32), true),
        ("/goods_tag", x(33), false),
        ("/support_fapiao", Some("true".into()), false),
        ("/limit_pay", Some(json!([])), true),
        ("/limit_pay", words(&["no_balance", "no_credit", "no_debit", "balance_only"]), true),
        ("/limit_pay/0", Some("no_cash".into()), false),
        ("/limit_pay", Some("no_credit".into()), false),
        ("/settle_info", Some(json!([])), false),
        ("/settle_info/profit_sharing", Some("Y".into()), false),
        ("/settle_info/subsidy_amount", Some(0.into()), true),
        ("/settle_info/subsidy_amount", Some((-1).into()), false),
        ("/amount", None, false),
        ("/amount", Some(100.into()), false),
        ("/amount/total", None, false),
        ("/amount/total", Some(0.into()), false),
        ("/amount/total", Some((-1).into()), false),
        ("/amount/total", Some(1.into()), true),
        ("/amount/total", Some(i64::MAX.into()), true),
        ("/amount/total", Some((i64::MAX as u64 + 1).into()), false),
        ("/amount/total", Some(1.0.into()), false),
        ("/amount/total", Some("1".into()), false),
        ("/amount/currency", None, true),
        ("/amount/currency", Some("USD".into()), false),
        ("/amount/currency", Some("cny".into()), false),
        ("/amount/currency", x(17), false),
        ("/payer", Some("x".into()), false),
        ("/payer/identity/type", Some("PASSPORT".into()), false),
        ("/payer/identity/number", None, false),
        ("/payer/identity/number", x(1024), true),
        ("/payer/identity/number", x(1025), false),
        ("/payer/identity/name", Some("".into()), false),
        ("/detail", Some(json!({})), true),
        ("/detail/cost_price", Some((-1).into()), false),
        ("/detail/invoice_id", han(32), true),
        ("/detail/invoice_id", han(33), false),
        ("/detail/goods_detail", Some(json!([])), false),
        ("/detail/goods_detail", lines(6000), true),
        ("/detail/goods_detail", lines(6001), false),
        ("/detail/goods_detail/0", Some(1.into()), false),
        ("/detail/goods_detail/0/merchant_goods_id", None, false),
        ("/detail/goods_detail/0/merchant_goods_id", x(32), true),
        ("/detail/goods_detail/0/merchant_goods_id", x(33), false),
        ("/detail/goods_detail/0/wechatpay_goods_id", x(33), false),
        ("/detail/goods_detail/0/goods_name", han(256), true),
        ("/detail/goods_detail/0/goods_name", han(257), false),
        ("/detail/goods_detail/0/quantity", None, false),
        ("/detail/goods_detail/0/quantity", Some(0.into()), false),
        ("/detail/goods_detail/0/unit_price", Some(0.into()), true),
        ("/detail/goods_detail/0/unit_price", Some(0.5.into()), false),
        ("/scene_info/payer_client_ip", None, false),
        ("/scene_info/payer_client_ip", Some("2001:db8::1".into()), true),
        ("/scene_info/payer_client_ip", Some("256.1.1.1".into()), false),
        ("/scene_info/payer_client_ip", x(46), false),
        ("/scene_info/device_id", x(32), true),
        ("/scene_info/device_id", x(33), false),
        ("/scene_info/store_info", Some(json!("x")), false),
        ("/scene_info/store_info/id", None, false),
        ("/scene_info/store_info/id", x(32), true),
        ("/scene_info/store_info/id", x(33), false),
        ("/scene_info/store_info/name", han(257), false),
        ("/scene_info/store_info/area_code", x(33), false),
        ("/scene_info/store_info/address", han(512), true),
        ("/scene_info/store_info/address", han(513), false),
        ("/scene_info/h5_info/type", None, false),
        ("/scene_info/h5_info/type", Some("ios".into()), true),
        ("/scene_info/h5_info/type", Some("Windows".into()), false),
        ("/scene_info/h5_info/app_name", han(65), false),
        ("/scene_info/h5_info/app_url", x(129), false),
        ("/scene_info/h5_info/bundle_id", x(129), false),
        ("/scene_info/h5_info/package_name", x(128), true),
        ("/scene_info/h5_info/package_name", x(129), false),
    ]
}

#[test]
fn every_limit_of_a_prepay_names_its_pointer() {
    for product in Product::PREPAY {
        assert_eq!(pointer_of(read(product, &serde_json::to_vec(&full()).unwrap())), None, "{product:?}");
        for (pointer, value, passes) in limits() {
            let shown: String = format!("{value:?}").chars().take(60).collect();
            let expected = (!passes).then(|| pointer.to_owned());
            let body = with(full(), pointer, value);
            assert_eq!(pointer_of(read(product, &body)), expected, "{product:?} {pointer} {shown}");
        }
    }
}

#[test]
fn jsapi_needs_a_payer_and_h5_a_scene() {
    use Product::{App, H5, Jsapi, Native};
    let cases: [(&str, Option<Value>, &[Product]); 6] = [
        ("/payer", None, &[Jsapi]),
        ("/payer/openid", None, &[Jsapi]),
        ("/payer/openid", x(129), &[Jsapi]),
        ("/scene_info", None, &[H5]),
        ("/scene_info/h5_info", None, &[H5]),
        ("/payer/openid", x(128), &[]),
    ];
    for (pointer, value, refusing) in cases {
        for product in [Jsapi, App, H5, Native] {
            let expected = refusing.contains(&product).then(|| pointer.to_owned());
            let body = with(full(), pointer, value.clone());
            assert_eq!(pointer_of(read(product, &body)), expected, "{product:?} {pointer}");
        }
    }
    let bytes = serde_json::to_vec(&full()).unwrap();
    assert_eq!(read(Jsapi, &bytes).unwrap().openid.as_deref(), Some("oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"));
    assert_eq!(read(Native, &bytes).unwrap().openid, None);
}

#[test]
fn every_limit_of_a_codepay_names_its_pointer() {
    let line = full_codepay()["detail"]["goods_detail"][0].clone();
    let lines = |count: usize| Some(Value::from(vec![line.clone(); count]));
    let cases = [
        ("/appid", None, false),
        ("/mchid", None, false),
        ("/description", han(127), true),
        ("/description", han(128), false),
        ("/out_trade_no", x(33), false),
        ("/attach", han(129), false),
        ("/goods_tag", x(33), false),
        ("/support_fapiao", Some(json!(1)), false),
        ("/amount/total", Some(json!(0)), false),
        ("/amount/currency", Some(json!("USD")), false),
        ("/payer", None, false),
        ("/payer", Some(json!("130061098828009406")), false),
        ("/payer/auth_code", None, false),
        ("/payer/auth_code", Some(json!("990061098828009406")), true),
        ("/payer/auth_code", Some(json!("13006109882800940")), false),
        ("/payer/auth_code", Some(json!("1300610988280094061")), false),
        ("/payer/auth_code", Some(json!("13006109882800940X")), false),
        ("/scene_info", None, false),
        ("/scene_info/device_id", x(32), true),
        ("/scene_info/device_id", x(33), false),
        ("/scene_info/device_ip", Some(json!("localhost")), false),
        ("/scene_info/store_info", None, false),
        ("/scene_info/store_info/id", None, true),
        ("/scene_info/store_info/id", x(33), false),
        ("/scene_info/store_info/out_id", x(32), true),
        ("/scene_info/store_info/out_id", x(33), false),
        ("/detail", None, true),
        ("/detail/goods_detail", None, false),
        ("/detail/goods_detail", lines(6000), true),
        ("/detail/goods_detail", lines(6001), false),
        ("/detail/goods_detail/0/wxpay_goods_id", x(32), true),
        ("/detail/goods_detail/0/wxpay_goods_id", x(33), false),
        ("/detail/goods_detail/0/quantity", Some(json!(0)), false),
        ("/settle_info/profit_sharing", Some(json!("N")), false),
    ];
    assert!(CodePay::read(Mode::Merchant, &serde_json::to_vec(&full_codepay()).unwrap()).is_ok());
    for (pointer, value, passes) in cases {
        let expected = (!passes).then(|| pointer.to_owned());
        let shown: String = format!("{value:?}").chars().take(60).collect();
        assert_eq!(
            pointer_of(CodePay::read(Mode::Merchant, &with(full_codepay(), pointer, value))),
            expected,
            "{pointer} {shown}"
        );
    }
}
