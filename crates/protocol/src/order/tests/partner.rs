//! The partner's form (wire §3.1, §3.2): who signs, for whom, and which of the two openids.

use super::*;

const SP: MerchantId = MerchantId(1_900_000_100);
const SUB: MerchantId = MerchantId(1_900_000_109);
const SUB_APP: &str = "wxd678efh567hg6999";

/// [`full`] as a partner asks it, with the payer of its own application.
fn asked() -> Value {
    let mut order = full();
    let members = order.as_object_mut().unwrap();
    for name in ["appid", "mchid"] {
        members.remove(name);
    }
    members.insert("sp_appid".into(), "wx8888888888888888".into());
    members.insert("sp_mchid".into(), SP.to_string().into());
    members.insert("sub_appid".into(), "wx1234567890abcdef".into());
    members.insert("sub_mchid".into(), SUB.to_string().into());
    members["payer"] = json!({"sp_openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"});
    order
}

fn partner(body: &[u8]) -> Result<Prepay, ApiError> {
    Prepay::read(Product::Jsapi, Mode::Partner, body)
}

#[test]
fn a_partner_names_itself_and_the_sub_merchant() {
    let prepay = partner(&serde_json::to_vec(&asked()).unwrap()).unwrap();
    assert_eq!((prepay.mchid, prepay.appid.to_string().as_str()), (SP, "wx8888888888888888"));
    let appid: Option<AppId> = "wx1234567890abcdef".parse().ok();
    assert!(appid.is_some());
    assert_eq!(prepay.sub, Some(Sub { mchid: SUB, appid, openid: None }));
    assert_eq!(prepay.openid.as_deref(), Some("oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"));
    let alone = partner(&with(asked(), "/sub_appid", None)).unwrap();
    assert_eq!(alone.sub, Some(Sub { mchid: SUB, appid: None, openid: None }));
}

#[test]
fn what_a_partner_leaves_out_or_doubles_is_named() {
    let sub = json!({"sub_openid": "oPayerOfTheSubMerchant"});
    let both = json!({"sp_openid": "one", "sub_openid": "two"});
    let with_sub = |order: Value| -> Value {
        let mut order = order;
        order["payer"] = sub.clone();
        order
    };
    for (body, pointer) in [
        (with(asked(), "/sp_mchid", None), "/sp_mchid"),
        (with(asked(), "/sp_appid", None), "/sp_appid"),
        (with(asked(), "/sub_mchid", None), "/sub_mchid"),
        (with(asked(), "/sub_mchid", Some("x".into())), "/sub_mchid"),
        (with(asked(), "/sub_appid", Some(SUB_APP.into())), "/sub_appid"),
        (with(asked(), "/payer", None), "/payer"),
        (with(asked(), "/payer", Some(json!({"openid": "ours"}))), "/payer/sp_openid"),
        (with(asked(), "/payer", Some(both)), "/payer/sub_openid"),
        // The sub-merchant's openid means nothing without the application that made it.
        (with(with_sub(asked()), "/sub_appid", None), "/sub_appid"),
        (serde_json::to_vec(&full()).unwrap(), "/sp_appid"),
    ] {
        assert_eq!(pointer_of(partner(&body)).as_deref(), Some(pointer));
    }
    let named = partner(&serde_json::to_vec(&with_sub(asked())).unwrap()).unwrap();
    let openid = named.sub.and_then(|sub| sub.openid);
    assert_eq!((named.openid, openid.as_deref()), (None, Some("oPayerOfTheSubMerchant")));
}

#[test]
fn another_sub_merchant_or_payer_is_another_request() {
    let canonical = |body: &[u8]| partner(body).unwrap().canonical().expose().clone();
    let same = canonical(&serde_json::to_vec(&asked()).unwrap());
    assert_eq!(canonical(&with(asked(), "/attach", Some("自定义数据".into()))), same);
    for (pointer, value) in [
        ("/sub_mchid", Some("1900000110".into())),
        ("/sub_appid", None),
        ("/sub_appid", Some("wx1234567890abcdee".into())),
        ("/payer", Some(json!({"sub_openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"}))),
    ] {
        assert_ne!(canonical(&with(asked(), pointer, value)), same, "{pointer}");
    }
}

#[test]
fn codepay_close_and_reverse_have_the_form_too() {
    let mut code = full_codepay();
    let members = code.as_object_mut().unwrap();
    members.remove("appid");
    members.remove("mchid");
    for (name, value) in
        [("sp_appid", "wx8888888888888888"), ("sp_mchid", "1900000100"), ("sub_mchid", "1900000109")]
    {
        members.insert(name.into(), value.into());
    }
    let read = CodePay::read(Mode::Partner, &serde_json::to_vec(&code).unwrap()).unwrap();
    assert_eq!((read.mchid, read.sub), (SP, Some(Sub { mchid: SUB, appid: None, openid: None })));

    let body = br#"{"sp_mchid":"1900000100","sub_mchid":"1900000109"}"#;
    let close = Close::read(Mode::Partner, body).unwrap();
    assert_eq!((close.mchid, close.sub_mchid), (SP, Some(SUB)));
    assert_eq!(
        pointer_of(Close::read(Mode::Partner, br#"{"sp_mchid":"1900000100"}"#)).as_deref(),
        Some("/sub_mchid")
    );
    let reverse = Reverse::read(Mode::Partner, body).unwrap();
    assert_eq!((reverse.appid, reverse.mchid), (None, SP));
    let answer: Value = serde_json::from_slice(&reverse.answer("123456")).unwrap();
    assert_eq!(
        answer,
        json!({"sp_mchid": "1900000100", "sub_mchid": "1900000109", "out_trade_no": "123456"})
    );
}
