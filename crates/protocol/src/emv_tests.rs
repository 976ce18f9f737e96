use super::*;
use proptest::prelude::*;

const STATIC: &str =
    "00020101021126290015org.example.pay0106M100015204541153031565802CN5909DEMO SHOP6008SHENZHEN63048E69";
const DYNAMIC: &str = "00020101021226290015org.example.pay0106M10001520454115303156540512.505802CN5909DEMO SHOP\
                       6008SHENZHEN62110507ORD00016304364D";

fn shop() -> Payload {
    Payload {
        initiation: Some(Initiation::Static),
        accounts: vec![Account {
            id: 26,
            guid: "org.example.pay".into(),
            fields: vec![Object::new(1, "M10001")],
        }],
        category: "5411".into(),
        currency: Currency::CNY,
        amount: None,
        country: "CN".into(),
        name: "DEMO SHOP".into(),
        city: "SHENZHEN".into(),
        additional: Vec::new(),
        others: Vec::new(),
    }
}

fn with_crc(text: &str) -> String {
    let text = format!("{text}6304");
    format!("{text}{:04X}", crc16(text.as_bytes()))
}

#[test]
fn the_checksum_is_ccitt_false() {
    assert_eq!(crc16(b"123456789"), 0x29b1);
    assert_eq!(crc16(b""), 0xffff);
}

#[test]
fn the_reference_vectors_are_written_and_read() {
    assert_eq!(shop().encode().unwrap(), STATIC);
    assert_eq!(Payload::parse(STATIC).unwrap(), shop());
    let once = Payload {
        initiation: Some(Initiation::Dynamic),
        amount: Some(Money::cny(1250)),
        additional: vec![Object::new(5, "ORD0001")],
        ..shop()
    };
    assert_eq!(once.encode().unwrap(), DYNAMIC);
    assert_eq!(Payload::parse(DYNAMIC).unwrap(), once);
}

#[test]
fn objects_it_does_not_name_are_kept() {
    let payload = Payload {
        others: vec![Object::new(15, "3155"), Object::new(55, "01"), Object::new(64, "0002ZH0104飞钱小店")],
        ..shop()
    };
    let text = payload.encode().unwrap();
    assert!(text.contains("64140002ZH0104飞钱小店"), "lengths count characters: {text}");
    assert_eq!(Payload::parse(&text).unwrap(), payload);
}

#[test]
fn one_altered_character_is_noticed() {
    for at in 0..STATIC.len() {
        let mut bytes = STATIC.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'7' { b'8' } else { b'7' };
        let text = String::from_utf8(bytes).unwrap();
        assert!(Payload::parse(&text).is_err(), "character {at}: {text}");
    }
}

#[test]
fn broken_payloads_say_what_is_wrong() {
    let head = "000201";
    let rest = "5204541153031565802CN5901A6001B";
    let cases = [
        (String::new(), EmvError::Missing(0)),
        ("0002".into(), EmvError::Form(0)),
        ("0x0201".into(), EmvError::Form(0)),
        ("000201000201".into(), EmvError::Twice(0)),
        ("00020163041234x".into(), EmvError::Form(14)),
        ("0000".into(), EmvError::Form(0)),
        ("000202".into(), EmvError::Missing(0)),
        (format!("{head}{rest}"), EmvError::Missing(63)),
        (
            format!("{head}{rest}63040000"),
            EmvError::Checksum { found: "0000".into(), expected: "0426".into() },
        ),
        (with_crc(&format!("{head}010213{rest}")), EmvError::Value(1)),
        (with_crc(head), EmvError::Missing(53)),
        (with_crc(&format!("{head}520454115303000")), EmvError::Value(53)),
        (with_crc(&format!("{head}2604xxxx{rest}")), EmvError::Value(26)),
        (with_crc(&format!("{head}26060102ab{rest}")), EmvError::Value(26)),
        (with_crc(&format!("{head}{}", rest.replace("5802CN", "54051.2.35802CN"))), EmvError::Value(54)),
        (with_crc(&format!("{head}{}", rest.replace("02CN", "02cn"))), EmvError::Value(58)),
        (with_crc(&format!("{head}6203abc{rest}")), EmvError::Value(62)),
        ("x".repeat(PAYLOAD_MAX + 1), EmvError::TooLong(PAYLOAD_MAX + 1)),
    ];
    for (text, expected) in cases {
        assert_eq!(Payload::parse(&text), Err(expected), "{text}");
    }
    assert_eq!(Payload::parse(&with_crc(&format!("{head}{rest}"))).unwrap().name, "A");
}

#[test]
fn what_breaks_a_limit_is_not_written() {
    let cases = [
        (Payload { name: "x".repeat(26), ..shop() }, EmvError::Value(59)),
        (Payload { name: String::new(), ..shop() }, EmvError::Value(59)),
        (Payload { city: "x".repeat(16), ..shop() }, EmvError::Value(60)),
        (Payload { category: "541".into(), ..shop() }, EmvError::Value(52)),
        (Payload { amount: Some(Money::new(1, Currency::USD)), ..shop() }, EmvError::Value(54)),
        (Payload { amount: Some(Money::cny(-1)), ..shop() }, EmvError::Value(54)),
        (Payload { amount: Some(Money::cny(i64::MAX)), ..shop() }, EmvError::Value(54)),
        (Payload { others: vec![Object::new(59, "x")], ..shop() }, EmvError::Twice(59)),
        (Payload { others: vec![Object::new(100, "x")], ..shop() }, EmvError::Value(100)),
        (Payload { name: "a\nb".into(), ..shop() }, EmvError::Value(59)),
        (
            Payload { others: (80..88).map(|id| Object::new(id, "x".repeat(60))).collect(), ..shop() },
            EmvError::TooLong(611),
        ),
    ];
    for (payload, expected) in cases {
        assert_eq!(payload.encode(), Err(expected), "{payload:?}");
    }
    assert!(Payload { name: "名".repeat(25), city: "城".repeat(15), ..shop() }.encode().is_ok());
    assert!(
        Payload { amount: Some(Money::cny(999_999_999_999)), ..shop() }.encode().is_ok(),
        "13 characters"
    );
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,80}") {
        let _ = Payload::parse(&text);
    }

    #[test]
    fn no_row_of_digits_panics(text in "(00|01|26|52|53|54|58|59|60|62|63)?[0-9]{0,60}[A飞]{0,3}") {
        let _ = Payload::parse(&with_crc(&text));
    }

    #[test]
    fn what_is_written_reads_back(name in "[ -~]{1,25}", city in "[A-Z飞钱]{1,15}", fen in 1_i64..1_000_000_000,
                                  reference in "[0-9A-Za-z]{1,25}", merchant in "[0-9A-Z]{1,30}") {
        let payload = Payload {
            name, city,
            amount: Some(Money::cny(fen)),
            initiation: Some(Initiation::Dynamic),
            additional: vec![Object::new(5, reference)],
            accounts: vec![Account { id: 51, guid: "org.example.pay".into(), fields: vec![Object::new(1, merchant)] }],
            ..shop()
        };
        prop_assert_eq!(Payload::parse(&payload.encode().unwrap()).unwrap(), payload);
    }
}
