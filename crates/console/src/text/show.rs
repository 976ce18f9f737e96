//! How values look on a page.

use types::{Currency, Money};

/// `¥1,234.56`; another currency by its code, `USD 1,234.56`; a minus sign in front. Minor units are always shown.
pub(crate) fn money(amount: Money) -> String {
    let plain = amount.to_string();
    let (sign, digits) = plain.strip_prefix('-').map_or(("", plain.as_str()), |digits| ("-", digits));
    let (whole, part) = digits.split_once('.').map_or((digits, ""), |(whole, part)| (whole, part));
    let mut out = sign.to_owned();
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
    if !part.is_empty() {
        out.push('.');
        out.push_str(part);
    }
    out
}

/// Text as it may stand in HTML.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
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
            (99_999, "¥999.99"),
            (100_000, "¥1,000.00"),
            (-123_456, "-¥1,234.56"),
            (i64::MAX, "¥92,233,720,368,547,758.07"),
        ] {
            assert_eq!(money(Money::cny(minor)), shown);
        }
        assert_eq!(money(Money::new(1_234_567, Currency::JPY)), "JPY 1,234,567");
    }

    #[test]
    fn what_means_something_in_html_is_escaped() {
        assert_eq!(escape("<b a='1'>\"&飞"), "&lt;b a=&#39;1&#39;&gt;&quot;&amp;飞");
    }
}
