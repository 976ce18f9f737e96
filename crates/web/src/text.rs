//! Words in both languages, and money as people read it.

use fluent_bundle::{FluentArgs, FluentResource, concurrent::FluentBundle};
use protocol::Language;
use std::{borrow::Cow, fmt};
use types::{Currency, Money};

type Bundle = FluentBundle<FluentResource>;

/// The words of a set of pages.
pub struct Texts([Bundle; 2]);

impl fmt::Debug for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Texts")
    }
}

impl Texts {
    /// The words in the two Fluent files. A file with errors loses the lines that have them: a test of the pages must
    /// see to it that there are none.
    #[must_use]
    pub fn new(zh: &str, en: &str) -> Self {
        Self([bundle(zh, "zh-CN"), bundle(en, "en-GB")])
    }
    /// The text under `key`; none when there is no such key.
    #[must_use]
    pub fn find(&self, language: Language, key: &str, args: Option<&FluentArgs<'_>>) -> Option<Cow<'_, str>> {
        let bundle = &self.0[language as usize];
        let pattern = bundle.get_message(key)?.value()?;
        let mut errors = Vec::new();
        let text = bundle.format_pattern(pattern, args, &mut errors);
        if !errors.is_empty() {
            tracing::error!(key, ?language, ?errors, "a text lacks an argument");
        }
        Some(text)
    }
    /// As [`Texts::find`]. A missing key is a fault of ours: it is logged and shown as it is.
    #[must_use]
    pub fn text(&self, language: Language, key: &str, args: Option<&FluentArgs<'_>>) -> Cow<'_, str> {
        self.find(language, key, args).unwrap_or_else(|| {
            tracing::error!(key, ?language, "a text is missing");
            Cow::Owned(key.to_owned())
        })
    }
}

fn bundle(source: &str, tag: &str) -> Bundle {
    let resource = FluentResource::try_new(source.to_owned()).unwrap_or_else(|(partial, _)| partial);
    let mut bundle = Bundle::new_concurrent(tag.parse().into_iter().collect());
    // Isolation marks are for texts that mix directions; ours do not, and a copied amount must be clean.
    bundle.set_use_isolating(false);
    bundle.add_resource_overriding(resource);
    bundle
}

/// `¥1,234.56`; another currency by its code, `USD 1,234.56`; a minus sign in front.
///
/// Minor units are always shown, whole units in groups of three.
#[must_use]
pub fn money(amount: Money) -> String {
    let plain = amount.to_string();
    let (sign, digits) = plain.strip_prefix('-').map_or(("", plain.as_str()), |digits| ("-", digits));
    let (whole, part) = digits.split_once('.').map_or((digits, None), |(whole, part)| (whole, Some(part)));
    let mut out = String::with_capacity(plain.len() + 12);
    out.push_str(sign);
    if amount.currency == Currency::CNY {
        out.push('¥');
    } else {
        out.push_str(amount.currency.code());
        out.push(' ');
    }
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(part) = part {
        out.push('.');
        out.push_str(part);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_grouped_and_always_has_its_minor_units() {
        for (minor, shown) in [
            (0, "¥0.00"),
            (1, "¥0.01"),
            (100, "¥1.00"),
            (99_999, "¥999.99"),
            (100_000, "¥1,000.00"),
            (123_456_789, "¥1,234,567.89"),
            (-123_456, "-¥1,234.56"),
            (i64::MAX, "¥92,233,720,368,547,758.07"),
        ] {
            assert_eq!(money(Money::cny(minor)), shown);
        }
        assert_eq!(money(Money::new(1_234_567, Currency::JPY)), "JPY 1,234,567");
        assert_eq!(money(Money::new(-5, Currency::USD)), "-USD 0.05");
    }

    #[test]
    fn a_text_is_found_in_its_language() {
        let texts = Texts::new("hello = 你好，{ $name }\n", "hello = Hello, { $name }\n");
        let mut args = FluentArgs::new();
        args.set("name", "飞");
        assert_eq!(texts.text(Language::Zh, "hello", Some(&args)), "你好，飞");
        assert_eq!(texts.text(Language::En, "hello", Some(&args)), "Hello, 飞");
        assert_eq!(texts.find(Language::En, "bye", None), None);
        assert_eq!(texts.text(Language::En, "bye", None), "bye");
    }
}
