//! Words: the two languages, and how money and time read.

pub(crate) mod show;

use fluent_bundle::FluentArgs;
use protocol::Language;
use std::{borrow::Cow, sync::LazyLock};
use web::Texts;

pub(crate) const ZH: &str = include_str!("../../locales/zh.ftl");
pub(crate) const EN: &str = include_str!("../../locales/en.ftl");

static TEXTS: LazyLock<Texts> = LazyLock::new(|| Texts::new(ZH, EN));

/// The text under `key`, with values for its placeholders; none when there is no such key.
pub(crate) fn find(language: Language, key: &str, values: &[(&str, &str)]) -> Option<Cow<'static, str>> {
    TEXTS.find(language, key, Some(&filled(values)))
}

/// As [`find`]. A missing key is a fault of ours: it is logged and shown as it is.
pub(crate) fn text(language: Language, key: &str, values: &[(&str, &str)]) -> Cow<'static, str> {
    TEXTS.text(language, key, Some(&filled(values)))
}

fn filled(values: &[(&str, &str)]) -> FluentArgs<'static> {
    values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
