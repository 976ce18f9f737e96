//! The two languages a message has, and which one a caller reads.

use std::borrow::Cow;

/// A language of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// Chinese, the default; also for `zh-HK` and `zh-TW`.
    #[default]
    Zh,
    /// English.
    En,
}

impl Language {
    /// Reads an `Accept-Language` header (wire §1.2, RFC 9110 §12.5.4): the language with the highest weight
    /// among those we speak, the first of equals, Chinese when none is named. Only the first 16 entries count.
    ///
    /// ```
    /// use protocol::Language;
    /// assert_eq!(Language::of(Some("fr, en-GB;q=0.8, zh;q=0.5")), Language::En);
    /// assert_eq!(Language::of(Some("zh-TW,en;q=0.9")), Language::Zh);
    /// assert_eq!(Language::of(Some("*")), Language::Zh);
    /// ```
    #[must_use]
    pub fn of(accept_language: Option<&str>) -> Self {
        let mut best = (Self::Zh, 0);
        for entry in accept_language.unwrap_or_default().split(',').take(16) {
            let (tag, parameters) = entry.split_once(';').unwrap_or((entry, ""));
            let primary = tag.trim().split('-').next().unwrap_or_default();
            let language = match primary.to_ascii_lowercase().as_str() {
                "zh" => Self::Zh,
                "en" => Self::En,
                _ => continue,
            };
            let weight = weight(parameters);
            if weight > best.1 {
                best = (language, weight);
            }
        }
        best.0
    }
}

/// Thousandths of `q=…`, 1000 when absent, 0 when malformed.
fn weight(parameters: &str) -> u32 {
    let text = parameters.trim();
    if text.is_empty() {
        return 1000;
    }
    let Some(q) = text.strip_prefix("q=").or_else(|| text.strip_prefix("Q=")) else { return 0 };
    let (whole, part) = q.split_once('.').unwrap_or((q, ""));
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.len() != 1 || part.len() > 3 || !digits(whole) || !digits(part) {
        return 0;
    }
    format!("{whole}{part:0<3}").parse().map_or(0, |w: u32| w.min(1000))
}

/// One message in both languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// Chinese.
    pub zh: Cow<'static, str>,
    /// English.
    pub en: Cow<'static, str>,
}

impl Text {
    /// A message known when the program is written.
    #[must_use]
    pub const fn fixed(zh: &'static str, en: &'static str) -> Self {
        Self { zh: Cow::Borrowed(zh), en: Cow::Borrowed(en) }
    }
    /// A message put together at run time.
    #[must_use]
    pub fn new(zh: String, en: String) -> Self {
        Self { zh: Cow::Owned(zh), en: Cow::Owned(en) }
    }
    /// The message in `language`.
    #[must_use]
    pub fn get(&self, language: Language) -> &str {
        match language {
            Language::Zh => &self.zh,
            Language::En => &self.en,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heaviest_language_we_speak_is_chosen() {
        let cases = [
            (None, Language::Zh),
            (Some(""), Language::Zh),
            (Some("zh-CN"), Language::Zh),
            (Some("zh-HK"), Language::Zh),
            (Some("zh-TW"), Language::Zh),
            (Some("en"), Language::En),
            (Some("EN-us"), Language::En),
            (Some("english"), Language::Zh),
            (Some("en;q=0.5,zh;q=0.6"), Language::Zh),
            (Some("zh;q=0.5, en;q=0.51"), Language::En),
            (Some("en, zh"), Language::En),
            (Some("en;q=0"), Language::Zh),
            (Some("en;q=9e9"), Language::Zh),
            (Some("en;level=1"), Language::Zh),
        ];
        for (header, expected) in cases {
            assert_eq!(Language::of(header), expected, "{header:?}");
        }
    }
}
