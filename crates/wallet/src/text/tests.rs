use super::*;
use fluent_bundle::FluentResource;
use std::collections::{BTreeMap, BTreeSet};

/// Keys in order, and the placeholders of each.
fn entries(source: &str) -> BTreeMap<String, BTreeSet<String>> {
    FluentResource::try_new(source.to_owned()).map_err(|(_, errors)| errors).unwrap();
    let mut entries: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut last = String::new();
    for line in source.lines().filter(|line| !line.starts_with('#')) {
        if line.starts_with(|c: char| c.is_ascii_lowercase()) {
            let key = line.split_once(" =").unwrap_or_else(|| panic!("{line}")).0;
            assert!(!entries.contains_key(key), "{key} stands twice");
            last = key.to_owned();
        }
        let names = line.split("{ $").skip(1).map(|rest| rest.split([' ', '}']).next().unwrap().to_owned());
        if !last.is_empty() {
            entries.entry(last.clone()).or_default().extend(names);
        }
    }
    entries
}

#[test]
fn both_languages_have_the_same_texts_with_the_same_placeholders() {
    let (zh, en) = (entries(ZH), entries(EN));
    assert!(zh.len() > 200);
    assert_eq!(zh.keys().collect::<Vec<_>>(), en.keys().collect::<Vec<_>>());
    for (key, names) in &zh {
        assert_eq!(names, &en[key], "{key}");
    }
}

#[test]
fn every_text_is_used_and_every_text_used_exists() {
    let known = entries(ZH);
    let sources = crate::tests::sources();
    for key in known.keys() {
        let quoted = format!("\"{key}\"");
        assert!(sources.iter().any(|(_, text)| text.contains(&quoted)), "{key} is used nowhere");
    }
    for (file, text) in &sources {
        for call in ["p.t(\"", "p.t1(\"", "p.t2(\"", "Phrase::new(\""] {
            for rest in text.split(call).skip(1) {
                let key = rest.split('"').next().unwrap();
                assert!(known.contains_key(key), "{file}: {key}");
            }
        }
    }
}

#[test]
fn every_text_of_both_languages_is_put_into_words() {
    for language in [Language::Zh, Language::En] {
        for (key, names) in entries(ZH) {
            let mut args = FluentArgs::new();
            for name in &names {
                args.set(name.clone(), FluentValue::from(3));
            }
            let said = text(language, &key, Some(&args));
            assert!(!said.is_empty() && said != key && !said.contains("{ $"), "{key}: {said}");
        }
    }
}

#[test]
fn numbers_agree_with_their_nouns() {
    let say = |left: u8, language| Phrase::new("why-pin-wrong").with("left", left).say(language).into_owned();
    assert_eq!(say(1, Language::En), "The PIN is wrong. One try is left.");
    assert_eq!(say(4, Language::En), "The PIN is wrong. 4 tries are left.");
    assert_eq!(say(1, Language::Zh), "支付密码不对，还可以再试 1 次。");
}

#[test]
fn chinese_carries_no_exclamation_marks_and_neither_does_english() {
    assert!(!ZH.contains(['！', '!']) && !EN.contains('!'));
}
