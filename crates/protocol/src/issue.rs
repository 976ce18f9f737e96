//! What can be wrong with a value, in both languages. Each text completes “field …”.

use crate::language::Text;
use std::fmt::Display;

/// The member is required.
#[must_use]
pub const fn missing() -> Text {
    Text::fixed("为必填项", "is required")
}

/// The value is of another JSON type.
#[must_use]
pub fn kind(expected: &Text) -> Text {
    Text::new(format!("类型错误，须为{}", expected.zh), format!("must be {}", expected.en))
}

/// The text is too short or too long; lengths in characters.
#[must_use]
pub fn length(min: usize, max: usize, count: usize) -> Text {
    Text::new(
        format!("长度为 {count} 个字符，须为 {min} 至 {max} 个"),
        format!("has {count} characters; it must have {min} to {max}"),
    )
}

/// The list has too few or too many entries.
#[must_use]
pub fn entries(min: usize, max: usize, count: usize) -> Text {
    Text::new(
        format!("共 {count} 项，须为 {min} 至 {max} 项"),
        format!("has {count} entries; it must have {min} to {max}"),
    )
}

/// The number is out of range. An upper bound of `i64::MAX` is called what it is: 64 bits.
#[must_use]
pub fn range(min: i64, max: i64) -> Text {
    if max == i64::MAX {
        return Text::new(
            format!("须为不小于 {min} 的 64 位整数，不带引号、小数点或指数"),
            format!("must be a 64-bit integer of at least {min}, without quotes, fraction or exponent"),
        );
    }
    Text::new(format!("须为 {min} 至 {max} 的整数"), format!("must be an integer from {min} to {max}"))
}

/// The text is none of those known.
#[must_use]
pub fn one_of(words: &[&str]) -> Text {
    Text::new(format!("须为以下之一：{}", words.join("、")), format!("must be one of {}", words.join(", ")))
}

/// The text does not have the form it must have.
#[must_use]
pub fn form(zh: impl Display, en: impl Display) -> Text {
    Text::new(format!("格式错误，须为{zh}"), format!("must be {en}"))
}
