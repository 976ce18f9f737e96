//! Words: the two languages, and how money and time read.

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

/// The text under `key`, with values for its placeholders; none when there is no such key.
pub(crate) fn find(language: Language, key: &str, values: &[(&str, &str)]) -> Option<Cow<'static, str>> {
    let bundle = &BUNDLES[language as usize];
    let pattern = bundle.get_message(key)?.value()?;
    let mut args = FluentArgs::new();
    for (name, value) in values {
        args.set(*name, FluentValue::from((*value).to_owned()));
    }
    let mut errors = Vec::new();
    let text = bundle.format_pattern(pattern, Some(&args), &mut errors).into_owned();
    if !errors.is_empty() {
        tracing::error!(key, ?language, ?errors, "a text lacks an argument");
    }
    Some(text.into())
}

/// As [`find`]. A missing key is a fault of ours: it is logged and shown as it is.
pub(crate) fn text(language: Language, key: &str, values: &[(&str, &str)]) -> Cow<'static, str> {
    find(language, key, values).unwrap_or_else(|| {
        tracing::error!(key, ?language, "a text is missing");
        Cow::Owned(key.to_owned())
    })
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
