use super::*;

#[test]
fn order_numbers() {
    for good in ["123456", "aZ09_-|*", &"x".repeat(32)] {
        assert!(is_out_trade_no(good), "{good}");
        assert_eq!(path_out_trade_no(good).unwrap(), good);
    }
    for bad in ["", "12345", &"x".repeat(33), "12345 6", "12345/", "12345@", "123456\n", "订单号一二三"]
    {
        assert!(!is_out_trade_no(bad), "{bad}");
        let detail = path_out_trade_no(bad).unwrap_err().detail.unwrap();
        assert_eq!((detail.field.as_str(), detail.location), ("out_trade_no", Location::Path));
    }
}

#[test]
fn path_and_query_values_name_their_place() {
    let id = path_transaction_id("4200").unwrap_err().detail.unwrap();
    assert_eq!(
        (id.field.as_str(), id.location, id.value.as_deref()),
        ("transaction_id", Location::Path, Some("4200"))
    );
    assert_eq!(query_mchid("mchid", Some("1900000001")).unwrap(), MerchantId(1_900_000_001));
    for (value, shown) in [(None, None), (Some(""), None), (Some("x"), Some("x")), (Some("01"), Some("01"))] {
        let detail = query_mchid("mchid", value).unwrap_err().detail.unwrap();
        assert_eq!(
            (detail.field.as_str(), detail.location, detail.value.as_deref()),
            ("mchid", Location::Query, shown)
        );
    }
    let order = types::OrderId(types::IdBlock::new(Time::from_unix(1_700_000_000), 0, 0).id(0));
    let wire = TransactionId(order).to_string();
    assert_eq!(path_transaction_id(&wire).unwrap(), TransactionId(order));
}

#[test]
fn notify_urls() {
    let good = [
        "https://example.com",
        "http://127.0.0.1:8080/notify",
        "HTTPS://EXAMPLE.com/a/b%20c;d=1",
        "http://[::1]:9/x",
        "http://localhost/notify",
        "https://a_b.example:65535/",
    ];
    for url in good {
        assert!(is_notify_url(url), "{url}");
    }
    let bad = [
        "",
        "example.com/x",
        "/notify",
        "//example.com/x",
        "ftp://example.com",
        "https://",
        "https:///x",
        "https://:80/x",
        "https://example.com?x=1",
        "https://example.com/x?y=1",
        "https://example.com/x?",
        "https://example.com/x#y",
        "https://user@example.com/",
        "https://user:pass@example.com/",
        "https://example.com:0/",
        "https://example.com:65536/",
        "https://example.com:/",
        "https://example.com:+80/",
        "https://exa mple.com/",
        "https://example.com/a b",
        "https://example.com/通知",
        "https://例子.中国/",
        "https://[::1",
        "https://[::1]x/",
        "https://[example]/",
        "https://example.com\\@evil.example/",
        "https://example.com/\r\nx",
    ];
    for url in bad {
        assert!(!is_notify_url(url), "{url}");
    }
}

#[test]
fn times() {
    let at = Time::from_unix(1_700_000_000);
    for good in [
        "2023-11-15T06:13:20+08:00",
        "2023-11-14T22:13:20Z",
        "2023-11-14T22:13:20.000Z",
        "2023-11-15T06:13:20.0+08:00",
        "2023-11-14T17:13:20-05:00",
    ] {
        assert_eq!(time(good), Some(at), "{good}");
    }
    let bad = [
        "",
        "1700000000",
        "2023-11-15",
        "2023-11-15 06:13:20+08:00",
        "2023-11-15T06:13:20",
        "2023-11-15T06:13+08:00",
        "2023-11-15T06:13:20+0800",
        "2023-11-15T06:13:20+08",
        "2023-11-15T06:13:20.+08:00",
        "2023-11-15T06:13:20.0000000001Z",
        "2023-11-15T06:13:20+08:00[Asia/Shanghai]",
        "2023-11-15T06:13:20Zx",
        "2023-11-15t06:13:20z",
        "2023-02-30T06:13:20Z",
        "2023-11-15T24:13:20Z",
        "20231115T061320+08:00",
        "+002023-11-15T06:13:20Z",
        "1969-12-31T23:59:59Z",
    ];
    for text in bad {
        assert_eq!(time(text), None, "{text}");
    }
}

#[test]
fn a_scanned_code_is_18_digits_and_never_prints() {
    let code = AuthCode::parse("130061098828009406").unwrap();
    assert_eq!(code.expose(), "130061098828009406");
    assert_eq!(format!("{code:?}"), "**************9406");
    assert_eq!(code.masked(), "**************9406");
    for bad in ["", "13006109882800940", "1300610988280094061", "13006109882800940x", "１３００６１"] {
        assert!(AuthCode::parse(bad).is_none(), "{bad}");
    }
}
