use super::*;
use serde_json::{Value, json};
use types::{IdBlock, OrderId};

fn view(paid: Option<Paid>, trade_state: TradeState) -> TransactionView {
    TransactionView {
        sub: None,
        appid: "wx8888888888888888".parse().unwrap(),
        mchid: MerchantId(1_900_000_001),
        out_trade_no: "order_0001".into(),
        trade_type: TradeType::Native,
        trade_state,
        amount: Money::cny(100),
        device_id: None,
        paid,
    }
}

fn paid() -> Paid {
    Paid {
        transaction_id: TransactionId(OrderId(IdBlock::new(Time::from_unix(1_700_000_000), 0, 0).id(0))),
        bank_type: Paid::WALLET.into(),
        attach: Some("附加数据".into()),
        success_time: Time::from_unix(1_700_000_060),
        openid: "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o".into(),
        payer_total: Money::cny(90),
        promotions: Vec::new(),
    }
}

fn body(view: &TransactionView) -> Value {
    serde_json::from_slice(&view.body()).unwrap()
}

#[test]
fn an_unpaid_order_leaves_out_what_is_not_known() {
    assert_eq!(
        body(&view(None, TradeState::NotPay)),
        json!({
            "appid": "wx8888888888888888",
            "mchid": "1900000001",
            "out_trade_no": "order_0001",
            "trade_type": "NATIVE",
            "trade_state": "NOTPAY",
            "trade_state_desc": "订单未支付",
            "amount": {"total": 100, "currency": "CNY", "payer_currency": "CNY"},
        })
    );
}

#[test]
fn a_paid_order_shows_everything() {
    let promotion = Promotion {
        coupon_id: "109519".into(),
        name: "满减".into(),
        scope: PromotionScope::Global,
        kind: PromotionKind::NoCash,
        amount: 10,
        stock_id: "931386".into(),
        wechatpay_contribute: 0,
        merchant_contribute: 10,
        other_contribute: 0,
        currency: "CNY".into(),
    };
    let mut view = view(Some(Paid { promotions: vec![promotion], ..paid() }), TradeState::Success);
    view.device_id = Some("POS1:1".into());
    let transaction_id = paid().transaction_id.to_string();
    assert_eq!(transaction_id.len(), 28);
    assert_eq!(
        body(&view),
        json!({
            "appid": "wx8888888888888888",
            "mchid": "1900000001",
            "out_trade_no": "order_0001",
            "transaction_id": transaction_id,
            "trade_type": "NATIVE",
            "trade_state": "SUCCESS",
            "trade_state_desc": "支付成功",
            "bank_type": "OTHERS",
            "attach": "附加数据",
            "success_time": "2023-11-15T06:14:20+08:00",
            "payer": {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},
            "amount": {"total": 100, "payer_total": 90, "currency": "CNY", "payer_currency": "CNY"},
            "scene_info": {"device_id": "POS1:1"},
            "promotion_detail": [{
                "coupon_id": "109519", "name": "满减", "scope": "GLOBAL", "type": "NOCASH", "amount": 10,
                "stock_id": "931386", "wechatpay_contribute": 0, "merchant_contribute": 10,
                "other_contribute": 0, "currency": "CNY",
            }],
        })
    );
}

#[test]
fn no_promotions_no_member_and_no_attach_no_member() {
    let body = body(&view(Some(Paid { attach: None, ..paid() }), TradeState::Refund));
    assert!(body.get("promotion_detail").is_none());
    assert!(body.get("attach").is_none());
    assert_eq!(body["trade_state"], "REFUND");
}

#[test]
fn words_on_the_wire_are_those_of_the_reference() {
    let types = [TradeType::Jsapi, TradeType::Native, TradeType::App, TradeType::Micropay, TradeType::Mweb];
    let words = ["JSAPI", "NATIVE", "APP", "MICROPAY", "MWEB"];
    for (kind, word) in types.into_iter().zip(words).chain([(TradeType::Facepay, "FACEPAY")]) {
        assert_eq!((kind.wire(), json!(kind)), (word, json!(word)));
    }
    let states = [
        (TradeState::NotPay, "NOTPAY"),
        (TradeState::UserPaying, "USERPAYING"),
        (TradeState::Success, "SUCCESS"),
        (TradeState::Refund, "REFUND"),
        (TradeState::Closed, "CLOSED"),
        (TradeState::Revoked, "REVOKED"),
        (TradeState::PayError, "PAYERROR"),
    ];
    for (state, word) in states {
        assert_eq!((state.wire(), json!(state)), (word, json!(word)));
        assert!(!state.description().is_ascii() && state.description().chars().count() <= 256);
    }
    assert_eq!(json!(PromotionKind::Cash), json!("CASH"));
    assert_eq!(json!(PromotionScope::Single), json!("SINGLE"));
}

#[test]
fn a_partners_order_has_the_partners_form() {
    let sub = |openid: Option<&str>| SubView {
        mchid: MerchantId(1_900_000_109),
        appid: openid.map(|_| "wx1234567890abcdef".parse().unwrap()),
        openid: openid.map(str::to_owned),
    };
    let mut unpaid = view(None, TradeState::NotPay);
    unpaid.sub = Some(sub(None));
    let shown = body(&unpaid);
    assert_eq!(shown["sp_appid"], "wx8888888888888888");
    assert_eq!((&shown["sp_mchid"], &shown["sub_mchid"]), (&json!("1900000001"), &json!("1900000109")));
    for absent in ["appid", "mchid", "sub_appid", "payer"] {
        assert_eq!(shown.get(absent), None, "{absent}");
    }
    let mut known = view(Some(paid()), TradeState::Success);
    known.sub = Some(sub(Some("oPayerOfTheSubMerchant")));
    let shown = body(&known);
    assert_eq!(shown["sub_appid"], "wx1234567890abcdef");
    assert_eq!(
        shown["payer"],
        json!({"sp_openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", "sub_openid": "oPayerOfTheSubMerchant"})
    );
}
