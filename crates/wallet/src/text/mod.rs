//! Words: the two languages, and how money, time, cards and refusals read.

pub(crate) mod names;
pub(crate) mod refusal;
pub(crate) mod show;

use fluent_bundle::{FluentArgs, FluentValue};
use protocol::Language;
use std::{borrow::Cow, sync::LazyLock};
use web::Texts;

pub(crate) const ZH: &str = include_str!("../../locales/zh.ftl");
pub(crate) const EN: &str = include_str!("../../locales/en.ftl");

static TEXTS: LazyLock<Texts> = LazyLock::new(|| Texts::new(ZH, EN));

/// The text under `key` in `language`. A missing key is a fault of ours: it is logged and shown as it is.
pub(crate) fn text(language: Language, key: &str, args: Option<&FluentArgs<'_>>) -> Cow<'static, str> {
    TEXTS.text(language, key, args)
}

/// A placeholder's value: a text as it stands, or a number that decides between one and many.
#[derive(Clone, Debug)]
pub(crate) enum Filling {
    Text(Box<str>),
    Number(i64),
}

impl Filling {
    fn value(&self) -> FluentValue<'static> {
        match self {
            Self::Text(text) => FluentValue::String(Cow::Owned(text.to_string())),
            Self::Number(number) => FluentValue::from(*number),
        }
    }
}

/// What a text's placeholder can be filled with.
pub(crate) trait Fill {
    fn fill(&self) -> Filling;
}

impl Fill for str {
    fn fill(&self) -> Filling {
        Filling::Text(self.into())
    }
}
impl Fill for String {
    fn fill(&self) -> Filling {
        self.as_str().fill()
    }
}
impl Fill for Cow<'_, str> {
    fn fill(&self) -> Filling {
        self.as_ref().fill()
    }
}
impl<T: Fill + ?Sized> Fill for &T {
    fn fill(&self) -> Filling {
        (**self).fill()
    }
}
impl Fill for i64 {
    fn fill(&self) -> Filling {
        Filling::Number(*self)
    }
}
impl Fill for u8 {
    fn fill(&self) -> Filling {
        Filling::Number((*self).into())
    }
}
impl Fill for u32 {
    fn fill(&self) -> Filling {
        Filling::Number((*self).into())
    }
}
impl Fill for usize {
    fn fill(&self) -> Filling {
        Filling::Number(i64::try_from(*self).unwrap_or(i64::MAX))
    }
}

/// A text that is put into words once the reader's language is known.
#[derive(Clone, Debug)]
pub(crate) struct Phrase {
    key: &'static str,
    args: Vec<(&'static str, Filling)>,
}

impl Phrase {
    pub(crate) const fn new(key: &'static str) -> Self {
        Self { key, args: Vec::new() }
    }
    pub(crate) fn with(mut self, name: &'static str, value: impl Fill) -> Self {
        self.args.push((name, value.fill()));
        self
    }
    pub(crate) fn say(&self, language: Language) -> Cow<'static, str> {
        let args: Vec<(&str, &Filling)> = self.args.iter().map(|(name, value)| (*name, value)).collect();
        filled(language, self.key, &args)
    }
}

impl From<&'static str> for Phrase {
    fn from(key: &'static str) -> Self {
        Self::new(key)
    }
}

/// The text under `key` with its placeholders filled.
pub(crate) fn filled(language: Language, key: &str, values: &[(&str, &Filling)]) -> Cow<'static, str> {
    let args: FluentArgs<'_> = values.iter().map(|(name, value)| (*name, value.value())).collect();
    text(language, key, Some(&args))
}

#[cfg(test)]
mod tests;
