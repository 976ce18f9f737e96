//! Values for tests, fixed and by chance.

use bank::{
    AccountNumber, BankNumber, Detail, Direction, Entry, Name, Part, Party, Rail, Reason, Remittance,
    Statements,
    pain001::{Order, Payment},
    statement::Head,
};
use proptest::prelude::*;
use types::{BusinessDay, Money, Time};

pub(crate) fn noon() -> Time {
    Time::parse_rfc3339("2026-11-21T12:00:00+08:00").unwrap()
}

pub(crate) fn day() -> BusinessDay {
    noon().business_day()
}

pub(crate) fn account(number: &str) -> AccountNumber {
    AccountNumber::parse(number).unwrap()
}

pub(crate) fn name(name: &str) -> Name {
    Name::parse(name).unwrap()
}

pub(crate) fn platform() -> Party {
    party("飞钱支付有限公司备付金", "110900000000010001")
}

pub(crate) fn party(holder: &str, number: &str) -> Party {
    Party {
        name: name(holder),
        account: account(number),
        bank: BankNumber::parse("102100099996").unwrap(),
        bank_name: Some("中国工商银行北京分行".into()),
    }
}

pub(crate) fn payment(id: &str, fen: i64, to: &str) -> Payment {
    Payment {
        instruction: format!("I-{id}"),
        end_to_end: id.into(),
        amount: Money::cny(fen),
        creditor: party("上海<茶&咖啡>有限公司", to),
        remittance: Remittance {
            text: Some("结算款 2026-11-20".into()),
            reference: Some("MCH1900000001".into()),
            document: Some(format!("S-{id}")),
        },
    }
}

pub(crate) fn order(id: &str, rail: Rail, payments: Vec<Payment>) -> Order {
    Order { id: id.into(), rail, urgent: rail == Rail::Hvps, day: day(), debtor: platform(), payments }
}

/// Reads a statement to its end.
pub(crate) fn statements(mut reader: impl Statements) -> Result<Vec<Part>, intake::Fault> {
    let mut parts = Vec::new();
    while let Some(part) = reader.next_part()? {
        parts.push(part);
    }
    assert_eq!(reader.next_part()?, None, "the end stays the end");
    Ok(parts)
}

pub(crate) fn entries(parts: &[Part]) -> Vec<Entry> {
    parts
        .iter()
        .filter_map(|p| if let Part::Entry(entry) = p { Some((**entry).clone()) } else { None })
        .collect()
}

/// Text of 1 to `most` characters: Chinese, markup, accents, spaces inside.
fn text(most: usize) -> impl Strategy<Value = String> {
    let rest = format!("[ a-zA-Z0-9汉字飞钱é<>&\"'%,./;:-]{{0,{}}}[a-z末]", most - 2);
    (proptest::string::string_regex("[A-Z款]").unwrap(), proptest::string::string_regex(&rest).unwrap())
        .prop_map(|(first, rest)| first + &rest)
}

fn id() -> impl Strategy<Value = String> {
    proptest::string::string_regex("[A-Za-z0-9-]{1,35}")
        .unwrap()
        .prop_filter("means none", |id| !["NOTPROVIDED", "NONREF"].contains(&id.as_str()))
}

pub(crate) fn any_party() -> impl Strategy<Value = Party> {
    (text(140), "[0-9A-Z]{1,34}", "[0-9]{12}", proptest::option::of(text(140))).prop_map(
        |(holder, number, bank, bank_name)| Party {
            name: name(&holder),
            account: account(&number),
            bank: BankNumber::parse(&bank).unwrap(),
            bank_name,
        },
    )
}

fn any_remittance() -> impl Strategy<Value = Remittance> {
    let o = proptest::option::of::<BoxedStrategy<String>>;
    (o(text(140).boxed()), o(id().boxed()), o(id().boxed()))
        .prop_map(|(text, reference, document)| Remittance { text, reference, document })
}

pub(crate) fn any_payment() -> impl Strategy<Value = Payment> {
    (id(), id(), 1_i64..1_000_000_000_000, any_party(), any_remittance()).prop_map(
        |(instruction, end_to_end, fen, creditor, remittance)| Payment {
            instruction,
            end_to_end,
            amount: Money::cny(fen),
            creditor,
            remittance,
        },
    )
}

pub(crate) fn any_order() -> impl Strategy<Value = Order> {
    let rail = proptest::sample::select(Rail::ALL.to_vec());
    (id(), rail, any::<bool>(), 0..40_000_i32, any_party(), proptest::collection::vec(any_payment(), 1..6))
        .prop_map(|(id, rail, urgent, day, debtor, payments)| Order {
            id,
            rail,
            urgent,
            day: BusinessDay(day),
            debtor,
            payments,
        })
}

pub(crate) fn any_reason() -> impl Strategy<Value = Reason> {
    "[A-Z0-9]{4}".prop_map(|code| Reason::parse(&code).unwrap())
}

fn any_detail() -> impl Strategy<Value = Detail> {
    let o = proptest::option::of::<BoxedStrategy<String>>;
    let ids = (o(id().boxed()), o(id().boxed()), o(id().boxed()), o(id().boxed()));
    let party = proptest::option::of(any_party());
    (ids, party, any_remittance(), proptest::option::of(any_reason())).prop_map(
        |((message, batch, instruction, end_to_end), party, remittance, returned)| Detail {
            message,
            batch,
            instruction,
            end_to_end,
            amount: None,
            party: party.as_ref().map(|p| p.name.clone()),
            party_account: party.map(|p| p.account),
            remittance,
            returned,
        },
    )
}

pub(crate) fn any_entry() -> impl Strategy<Value = Entry> {
    let direction = prop_oneof![Just(Direction::Credit), Just(Direction::Debit)];
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    let details = proptest::collection::vec((any_detail(), 1_i64..1_000_000), 0..4);
    let o = proptest::option::of::<BoxedStrategy<String>>;
    (
        0_i64..1_000_000_000,
        direction,
        flags,
        (0..40_000_i32, 0..40_000_i32),
        o(id().boxed()),
        details,
        o(text(500).boxed()),
    )
        .prop_map(
            |(fen, direction, (reversal, pending, apart), (booked, value), bank_reference, details, text)| {
                let mut amount = fen;
                let mut details: Vec<(Detail, i64)> = details;
                if apart && !details.is_empty() {
                    amount = details.iter().map(|(_, fen)| fen).sum();
                    details.iter_mut().for_each(|(detail, fen)| detail.amount = Some(Money::cny(*fen)));
                }
                Entry {
                    amount: Money::cny(amount),
                    direction,
                    reversal,
                    pending,
                    booked: BusinessDay(booked),
                    value: BusinessDay(value),
                    bank_reference,
                    details: details.into_iter().map(|(detail, _)| detail).collect(),
                    text,
                }
            },
        )
}

pub(crate) fn any_head(statement: bool) -> impl Strategy<Value = Head> {
    let days = (0..40_000_i32, 0..40_000_i32);
    (
        id(),
        proptest::option::of(any::<u64>().prop_map(|n| n % 1_000_000)),
        "[0-9A-Z]{1,34}",
        days,
        any::<i32>(),
    )
        .prop_map(move |(id, sequence, number, (from, to), opening)| Head {
            id,
            sequence,
            account: account(&number),
            days: Some((BusinessDay(from.min(to)), BusinessDay(from.max(to)))),
            opening: statement.then_some(Money::cny(opening.into())),
        })
}
