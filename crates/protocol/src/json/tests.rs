use super::*;
use crate::language::Language;
use proptest::prelude::*;

fn refusal(bytes: &[u8]) -> (String, String) {
    let error = Body::parse(bytes).expect_err(&String::from_utf8_lossy(bytes));
    assert_eq!(error.code, crate::Code::ParamError);
    let detail = error.detail.unwrap();
    assert_eq!(detail.location, Location::Body);
    assert_eq!(detail.value, None, "the reader shows no values, they may be secret");
    (detail.field, detail.issue.en.into_owned())
}

#[test]
fn bodies_that_break_a_rule_are_refused_at_their_pointer() {
    let deep = |levels: usize| format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
    let at_depth = "/a".repeat(16);
    let cases: Vec<(Vec<u8>, &str, &str)> = vec![
        (b"".to_vec(), "", "is not valid UTF-8 JSON"),
        (b"{".to_vec(), "", "is not valid UTF-8 JSON"),
        (b"[]".to_vec(), "", "must be a JSON object"),
        (b"null".to_vec(), "", "must be a JSON object"),
        (b"1".to_vec(), "", "must be a JSON object"),
        (b"{} {}".to_vec(), "", "is not valid UTF-8 JSON"),
        (b"\xef\xbb\xbf{}".to_vec(), "", "is not valid UTF-8 JSON"),
        (br#"{"a":}"#.to_vec(), "/a", "is not valid UTF-8 JSON"),
        (br#"{"a":{"b":01}}"#.to_vec(), "/a/b", "is not valid UTF-8 JSON"),
        (br#"{"a":NaN}"#.to_vec(), "/a", "is not valid UTF-8 JSON"),
        (br#"{"a":{"b":1e999}}"#.to_vec(), "/a/b", "is not valid UTF-8 JSON"),
        (b"{\"a\":\"\xff\"}".to_vec(), "/a", "is not valid UTF-8 JSON"),
        (b"{\"a\":\"line\nbreak\"}".to_vec(), "/a", "is not valid UTF-8 JSON"),
        (br#"{"a":"\ud83d"}"#.to_vec(), "/a", "is not valid UTF-8 JSON"),
        (r#"{"a":["x","😀"]}"#.into(), "/a/1", "outside the basic plane"),
        (br#"{"a":"\ud83d\ude00"}"#.to_vec(), "/a", "outside the basic plane"),
        (r#"{"😀":1}"#.into(), "/😀", "outside the basic plane"),
        (br#"{"a":"x\u0000"}"#.to_vec(), "/a", "U+0000"),
        (br#"{"a":1,"b":{"c":1,"c":1}}"#.to_vec(), "/b/c", "twice"),
        (br#"{"a":null,"a":1}"#.to_vec(), "/a", "twice"),
        (br#"{"a~/b":1,"\u0061~/b":2}"#.to_vec(), "/a~0~1b", "twice"),
        (deep(17).into_bytes(), &at_depth, "too deep"),
        (format!(r#"{{"a":[{}0]}}"#, "0,".repeat(VALUES_MAX)).into_bytes(), "/a/99998", "too many"),
        (vec![b' '; BYTES_MAX + 1], "", "too long"),
    ];
    for (bytes, field, issue) in cases {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned();
        let (pointer, text) = refusal(&bytes);
        assert_eq!(pointer, field, "{shown}");
        assert!(text.contains(issue), "{shown}: {text}");
    }
    assert!(Body::parse(deep(16).as_bytes()).is_ok());
    assert!(Body::parse(format!(r#"{{"a":[{}0]}}"#, "0,".repeat(VALUES_MAX - 3)).as_bytes()).is_ok());
}

#[test]
fn integers_are_integers() {
    let read = |number: &str| {
        let body = Body::parse(format!(r#"{{"amount":{{"total":{number}}}}}"#).as_bytes()).unwrap();
        let amount = body.fields().need_object("amount").unwrap();
        amount.need_integer("total", 1..=i64::MAX)
    };
    assert_eq!(read("1").unwrap(), 1);
    assert_eq!(read("9223372036854775807").unwrap(), i64::MAX);
    let bad = [
        ("0", "0"),
        ("-1", "-1"),
        ("-0", "-0.0"),
        ("1.0", "1.0"),
        ("1e2", "100.0"),
        ("0.5", "0.5"),
        ("9223372036854775808", "9223372036854775808"),
        ("18446744073709551616", "1.8446744073709552e+19"),
        ("-9223372036854775809", "-9.223372036854776e+18"),
        ("\"1\"", "1"),
        ("true", "true"),
        ("[1]", "[…]"),
        ("{\"a\":1}", "{…}"),
    ];
    for (number, shown) in bad {
        let error = read(number).expect_err(number);
        assert_eq!(error.code, crate::Code::ParamError);
        let detail = error.detail.unwrap();
        assert_eq!(
            (detail.field.as_str(), detail.value.as_deref()),
            ("/amount/total", Some(shown)),
            "{number}"
        );
    }
    for absent in ["null", "null,\"other\":1"] {
        let detail = read(absent).unwrap_err().detail.unwrap();
        assert_eq!((detail.field.as_str(), detail.value), ("/amount/total", None));
        assert_eq!(detail.issue.get(Language::Zh), "为必填项");
    }
}

#[test]
fn null_and_unknown_members_count_as_left_out() {
    let body = Body::parse(br#"{"a":null,"unknown":{"x":[null]},"b":false,"c":""}"#).unwrap();
    let root = body.fields();
    assert_eq!(root.text("a", 1..=3).unwrap(), None);
    assert_eq!(root.integer("a", 0..=1).unwrap(), None);
    assert_eq!(root.boolean("a").unwrap(), None);
    assert!(root.object("a").unwrap().is_none());
    assert!(root.objects("a", 1..=1).unwrap().is_none());
    assert!(root.words("a", 1..=1, &["x"]).unwrap().is_none());
    assert_eq!(root.boolean("b").unwrap(), Some(false));
    assert_eq!(root.text("c", 1..=3).unwrap(), None, "an optional text that is empty is left out");
    assert!(root.need_text("c", 1..=3).is_err(), "a required one is not");
}

#[test]
fn wrong_types_name_their_member() {
    let body =
        Body::parse(br#"{"t":1,"b":"true","o":[],"l":{},"objects":[{},1],"words":["x","y"]}"#).unwrap();
    let root = body.fields();
    let pointer = |error: ApiError| error.detail.unwrap().field;
    assert_eq!(pointer(root.text("t", 1..=3).unwrap_err()), "/t");
    assert_eq!(pointer(root.boolean("b").unwrap_err()), "/b");
    assert_eq!(pointer(root.object("o").err().unwrap()), "/o");
    assert_eq!(pointer(root.objects("l", 1..=9).err().unwrap()), "/l");
    assert_eq!(pointer(root.objects("objects", 1..=9).err().unwrap()), "/objects/1");
    assert_eq!(pointer(root.objects("objects", 3..=9).err().unwrap()), "/objects");
    assert_eq!(pointer(root.words("words", 1..=9, &["x"]).unwrap_err()), "/words/1");
}

#[test]
fn hidden_members_never_show_their_value() {
    let body =
        Body::parse(br#"{"payer":{"auth_code":"13006109882800940","inner":{"number":12345}}}"#).unwrap();
    let payer = body.fields().hidden().need_object("payer").unwrap();
    let code = payer.need_text("auth_code", 18..=18).unwrap_err();
    assert_eq!(code.detail.unwrap().value.as_deref(), Some("***"));
    let inner = payer.need_object("inner").unwrap();
    assert_eq!(inner.text("number", 1..=9).unwrap_err().detail.unwrap().value.as_deref(), Some("***"));
    assert_eq!(format!("{body:?}"), "Body(1 members)");
}

#[test]
fn lengths_count_characters() {
    let body = Body::parse(r#"{"t":"飞钱飞钱"}"#.as_bytes()).unwrap();
    assert_eq!(body.fields().text("t", 1..=4).unwrap(), Some("飞钱飞钱"));
    let error = body.fields().text("t", 1..=3).unwrap_err();
    assert_eq!(error.detail.unwrap().issue.en, "has 4 characters; it must have 1 to 3");
}

/// Any JSON text of bounded depth, with members in random order.
fn any_json(fractions: bool) -> impl Strategy<Value = String> {
    let number = move |n: f64| if fractions { n.to_string() } else { "0".to_owned() };
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|b| b.to_string()),
        any::<i64>().prop_map(|n| n.to_string()),
        any::<f64>().prop_map(number),
        any::<String>().prop_map(|s| serde_json::to_string(&s).unwrap()),
    ];
    leaf.prop_recursive(5, 64, 6, |inner| {
        let name = "[a-d~/]{0,2}";
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(|list| format!("[{}]", list.join(","))),
            prop::collection::vec((name, inner), 0..6).prop_map(|members| {
                let text: Vec<_> =
                    members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
                format!("{{{}}}", text.join(","))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Body::parse(&bytes);
    }

    #[test]
    fn no_json_panics(text in any_json(true)) {
        let _ = Body::parse(text.as_bytes());
    }

    /// Fractions are left aside: no member takes one, so none is ever part of a canonical text.
    #[test]
    fn canonical_text_is_its_own_canonical_text(text in any_json(false)) {
        if let Ok(body) = Body::parse(text.as_bytes()) {
            let once = canonical(&Node::Object(body.members));
            let again = Body::parse(once.as_bytes()).map(|body| canonical(&Node::Object(body.members)));
            prop_assert_eq!(again.unwrap(), once);
        }
    }

    /// Canonical text is JSON that an independent reader understands the same way.
    #[test]
    fn canonical_text_means_the_same(names in prop::collection::hash_set("[a-z\u{0}-\u{1f}\"\\\\é-飞]{1,6}", 0..6),
                                     value in any::<i64>(), text in "[ -~\u{1}-\u{1f}一-龥]{0,20}") {
        let mut members = Members::new();
        for name in &names {
            let inner = Node::List(vec![Node::Integer(value), Node::Text(text.clone()), Node::Bool(true)]);
            members.insert(name.clone(), inner);
        }
        let read: serde_json::Value = serde_json::from_str(&canonical(&Node::Object(members))).unwrap();
        let object = read.as_object().unwrap();
        prop_assert_eq!(object.len(), names.len());
        for name in &names {
            prop_assert_eq!(&object[name], &serde_json::json!([value, text, true]));
        }
    }
}
