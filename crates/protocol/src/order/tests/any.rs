//! Any input is read or refused, never a panic.

use super::*;
use proptest::prelude::*;

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,40}".prop_map(Value::from),
        "[0-9]{18}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::hash_map("total|openid|type|id|goods_detail|auth_code", inner, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Every member of `value` by pointer.
fn pointers(value: &Value, at: &str, out: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(list) => list.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    for (name, child) in children {
        let pointer = format!("{at}/{name}");
        pointers(child, &pointer, out);
        out.push(pointer);
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        for mode in [Mode::Merchant, Mode::Partner] {
            for product in Product::PREPAY {
                let _ = Prepay::read(product, mode, &bytes);
            }
            let _ = (CodePay::read(mode, &bytes), Close::read(mode, &bytes), Reverse::read(mode, &bytes));
        }
    }

    /// Any value anywhere is read, or refused at that member, above it or inside it; nothing panics.
    #[test]
    fn a_random_member_is_refused_where_it_stands(pick in any::<prop::sample::Index>(), value in any_value(),
                                                  product in prop::sample::select(Product::PREPAY.to_vec())) {
        let mut all = Vec::new();
        pointers(&full(), "", &mut all);
        let pointer = &all[pick.index(all.len())];
        let body = with(full(), pointer, Some(value));
        if let Some(field) = pointer_of(Prepay::read(product, Mode::Merchant, &body)) {
            prop_assert!(field.starts_with(pointer.as_str()), "{field} is not at {pointer}");
        }
    }

    #[test]
    fn a_random_member_of_a_codepay_is_refused_where_it_stands(pick in any::<prop::sample::Index>(),
                                                               value in any_value()) {
        let mut all = Vec::new();
        pointers(&full_codepay(), "", &mut all);
        let pointer = &all[pick.index(all.len())];
        if let Some(field) = pointer_of(CodePay::read(Mode::Merchant, &with(full_codepay(), pointer, Some(value)))) {
            prop_assert!(field.starts_with(pointer.as_str()), "{field} is not at {pointer}");
        }
    }
}
