//! Words: the two languages, and how money, time, cards and refusals read.

pub(crate) mod names;
pub(crate) mod refusal;
pub(crate) mod show;

use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use protocol::Language;
use std::{borrow::Cow, sync::LazyLock};

pub(crate) const ZH: &str = include_str!("../../locales/zh.ftl");
pub(crate) const EN: &str = include_str!("../../locales/en.ftl");

type Bundle = FluentBundle<FluentResource>;

static BUNDLES: LazyLock<[Bundle; 2]> = LazyLock::new(|| [bundle(ZH, "zh-CN"), bundle(EN, "en-GB")]);

fn bundle(source: &str, tag: &str) -> Bundle {
    // A test makes sure that neither file has an error.
    let resource = FluentResource::try_new(source.to_owned()).unwrap_or_else(|(partial, _)| partial);
    let mut bundle = Bundle::new_concurrent(tag.parse().into_iter().collect());
    // Isolation marks are for texts that mix directions; ours do not, and a copied amount must be clean.
    bundle.set_use_isolating(false);
    bundle.add_resource_overriding(resource);
    bundle
}

/// The text under `key` in `language`. A missing key is a fault of ours: it is logged and shown as it is.
pub(crate) fn text(language: Language, key: &str, args: Option<&FluentArgs<'_>>) -> Cow<'static, str> {
    let bundle = &BUNDLES[language as usize];
    let Some(pattern) = bundle.get_message(key).and_then(|message| message.value()) else {
        tracing::error!(key, ?language, "a text is missing");
        return Cow::Owned(key.to_owned());
    };
    let mut errors = Vec::new();
    let text = bundle.format_pattern(pattern, args, &mut errors);
    if !errors.is_empty() {
        tracing::error!(key, ?language, ?errors, "a text lacks an argument");
    }
    text
}

/// The language's tag for the `lang` attribute.
pub(crate) const fn tag(language: Language) -> &'static str {
    match language {
        Language::Zh => "zh-CN",
        Language::En => "en",
    }
}

/// The language with that short name, as in the cookie and `?lang=`.
pub(crate) fn language(name: &str) -> Option<Language> {
    match name {
        "zh" => Some(Language::Zh),
        "en" => Some(Language::En),
        _ => None,
    }
}

/// The short name of a language.
pub(crate) const fn short(language: Language) -> &'static str {
    match language {
        Language::Zh => "zh",
        Language::En => "en",
    }
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
