use super::*;
use serde_json::{Value, json};

fn body(error: &ApiError, language: Language) -> Value {
    serde_json::from_slice(&error.body(language)).unwrap()
}

#[test]
fn codes_are_distinct_and_have_the_status_of_the_reference() {
    // Wire §1.5 and §3.7, copied row by row; the enum must agree with it.
    let reference = [
        ("USERPAYING", 202),
        ("PARAM_ERROR", 400),
        ("INVALID_REQUEST", 400),
        ("APPID_MCHID_NOT_MATCH", 400),
        ("MCH_NOT_EXISTS", 400),
        ("ORDER_CLOSED", 400),
        ("ALREADY_EXISTS", 400),
        ("SIGN_ERROR", 401),
        ("NO_AUTH", 403),
        ("RULE_LIMIT", 403),
        ("OUT_TRADE_NO_USED", 403),
        ("NOT_ENOUGH", 403),
        ("TRADE_ERROR", 403),
        ("NO_STATEMENT_EXIST", 400),
        ("STATEMENT_CREATING", 400),
        ("ACCOUNT_ERROR", 403),
        ("USER_ACCOUNT_ABNORMAL", 403),
        ("ORDER_NOT_EXIST", 404),
        ("RESOURCE_NOT_EXISTS", 404),
        ("NOT_FOUND", 404),
        ("FREQUENCY_LIMITED", 429),
        ("SYSTEM_ERROR", 500),
        ("BANK_ERROR", 500),
        ("OPENID_MISMATCH", 500),
        ("INVALID_TRANSACTIONID", 500),
        ("SERVICE_UNAVAILABLE", 503),
    ];
    let find = |wire: &str| Code::ALL.iter().find(|code| code.wire() == wire);
    for (wire, status) in reference {
        assert_eq!(find(wire).map(|code| code.status()), Some(status), "{wire}");
    }
    assert_eq!(Code::ALL.len(), reference.len(), "a code is in the enum but not in the reference");
    for code in Code::ALL {
        assert!(code.wire().len() <= 32, "{code:?}");
        assert!(code.text().zh.chars().count() <= 256 && code.text().en.chars().count() <= 256);
        assert!(!code.text().zh.is_ascii() && code.text().en.is_ascii(), "{code:?} needs both languages");
    }
}

#[test]
fn the_body_is_that_of_the_wire() {
    let error = ApiError::param(
        "/amount/currency",
        Some("XYZ".into()),
        crate::issue::one_of(&["CNY"]),
        Location::Body,
    );
    assert_eq!(error.status(), 400);
    assert_eq!(
        body(&error, Language::Zh),
        json!({
            "code": "PARAM_ERROR",
            "message": "参数错误：/amount/currency 须为以下之一：CNY",
            "detail": {
                "field": "/amount/currency", "value": "XYZ", "issue": "须为以下之一：CNY", "location": "body"
            }
        })
    );
    assert_eq!(
        body(&error, Language::En),
        json!({
            "code": "PARAM_ERROR",
            "message": "Parameter error: /amount/currency must be one of CNY",
            "detail": {
                "field": "/amount/currency", "value": "XYZ", "issue": "must be one of CNY", "location": "body"
            }
        })
    );
    assert_eq!(
        body(&ApiError::number_used(), Language::En),
        json!({"code": "OUT_TRADE_NO_USED", "message": Code::OutTradeNoUsed.text().en})
    );
}

#[test]
fn open_points_are_decided_as_documented() {
    assert_eq!(
        (ApiError::number_used().status(), ApiError::number_used().code.wire()),
        (403, "OUT_TRADE_NO_USED")
    );
    let paid = ApiError::order_paid();
    assert_eq!((paid.status(), paid.code.wire()), (400, "INVALID_REQUEST"));
    assert!(paid.message.zh.contains("已支付") && paid.message.en.contains("paid"));
    assert_eq!(Code::OrderClosed.status(), 400);
    assert_eq!((Code::FrequencyLimited.status(), Code::FrequencyLimited.wire()), (429, "FREQUENCY_LIMITED"));
    assert_eq!((Code::UserPaying.status(), Code::UserPaying.wire()), (202, "USERPAYING"));
}

#[test]
fn long_texts_are_cut() {
    let issue = Text::new("长".repeat(300), "x".repeat(300));
    let error = ApiError::param("/f".repeat(300), Some("值".repeat(200)), issue, Location::Body);
    for language in [Language::Zh, Language::En] {
        let body = body(&error, language);
        let count = |pointer: &str| body.pointer(pointer).unwrap().as_str().unwrap().chars().count();
        assert_eq!(count("/message"), 256);
        assert_eq!(count("/detail/value"), 128);
        assert_eq!(count("/detail/issue"), 256);
        assert_eq!(count("/detail/field"), 256);
    }
    assert_eq!(cut("abc", 3), "abc");
    assert_eq!(cut("abcd", 3), "ab…");
}

#[test]
fn a_bad_signature_shows_what_was_verified_but_not_the_body() {
    let message = "POST\n/v3/pay/transactions/codepay?a=1\n1554208460\n593BEC0C930BF1AF\n\
                   {\"payer\":{\"auth_code\":\"130061098828009406\"},\"appid\":\"wx\"}\n";
    let information = SignInformation::new("POST", "/v3/pay/transactions/codepay?a=1", message);
    let error = ApiError::sign(Text::fixed("验签未通过", "the signature does not match"), Some(information));
    assert_eq!(error.status(), 401);
    let body = body(&error, Language::En);
    assert_eq!(
        body["detail"],
        json!({
            "field": "signature",
            "issue": "the signature does not match",
            "location": "authorization",
            "sign_information": {
                "method": "POST",
                "url": "/v3/pay/transactions/codepay?a=1",
                "truncated_sign_message":
                    "POST\n/v3/pay/transactions/codepay?a=1\n1554208460\n593BEC0C930BF1AF\n{\"payer\":{\"a…x\"}\n",
                "sign_message_length": message.len(),
            }
        })
    );
    assert!(!body.to_string().contains("130061098828009406"));
}

#[test]
fn a_short_message_to_sign_is_shown_whole() {
    let get = "GET\n/v3/certificates\n1554208460\nN\n\n";
    assert_eq!(SignInformation::new("GET", "/v3/certificates", get).truncated_sign_message, get);
    assert_eq!(SignInformation::new("GET", "/", "odd").truncated_sign_message, "odd");
    assert_eq!(SignInformation::new("GET", "/", "").sign_message_length, 0);
}
