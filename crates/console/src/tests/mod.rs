//! The words of both languages.

mod desks;
mod pages;
mod partners;
mod transfers;

use crate::text::{EN, ZH};
use std::collections::{BTreeMap, BTreeSet};

/// Keys, and the placeholders of each.
fn entries(source: &str) -> BTreeMap<&str, BTreeSet<&str>> {
    fluent_bundle::FluentResource::try_new(source.to_owned()).map_err(|(_, errors)| errors).unwrap();
    let mut entries = BTreeMap::new();
    for line in source.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (key, text) = line.split_once(" = ").unwrap_or_else(|| panic!("{line}"));
        let names = text.split("{ $").skip(1).map(|rest| rest.split([' ', '}']).next().unwrap());
        assert!(entries.insert(key, names.collect()).is_none(), "{key} stands twice");
    }
    entries
}

#[test]
fn both_languages_have_the_same_texts_with_the_same_placeholders() {
    let (zh, en) = (entries(ZH), entries(EN));
    assert!(zh.len() > 200);
    assert_eq!(zh, en);
}

/// Every key that a template or a handler names is there.
#[test]
fn what_pages_say_is_written() {
    let known = entries(ZH);
    for file in ["base", "list", "record", "form", "problem", "action", "field", "start"] {
        let path = format!("{}/templates/{file}.html", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        for rest in text.split("p.t(\"").skip(1) {
            let key = rest.split('"').next().unwrap();
            assert!(known.contains_key(key), "{file}: {key}");
        }
    }
    let folder = format!("{}/src", env!("CARGO_MANIFEST_DIR"));
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|kind| kind != "rs") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let starts = [
            "col-", "fact-", "field-", "menu-", "empty-", "note-", "hint-", "error-", "effect-", "account-",
            "tile-", "term-", "limit-",
        ];
        for word in text.split('"').skip(1).step_by(2) {
            let plain = word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
            if plain && starts.iter().any(|start| word.starts_with(start)) {
                assert!(known.contains_key(word), "{}: {word}", path.display());
            }
        }
    }
}
