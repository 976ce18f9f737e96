//! The few line drawings of the pages: 24 units square, in the colour of the text, silent to screen readers
//! because a word always stands beside them.

macro_rules! icons {
    ($($name:literal: $body:literal,)*) => {
        /// The drawing of that name; nothing for an unknown one, which a test forbids.
        pub(crate) fn icon(name: &str) -> &'static str {
            match name {
                $($name => concat!(
                    r#"<svg class="icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.75" "#,
                    r#"stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">"#,
                    $body, "</svg>"),)*
                _ => "",
            }
        }
    };
}

icons! {
    "home": r#"<path d="M4 11.5 12 5l8 6.5V19a1 1 0 0 1-1 1h-4.5v-5h-5v5H5a1 1 0 0 1-1-1z"/>"#,
    "bills": r#"<path d="M6 3.5h12V20l-3-1.8-3 1.8-3-1.8L6 20z"/><path d="M9 8.5h6M9 12.5h6"/>"#,
    "cards": r#"<rect x="3.5" y="6" width="17" height="12.5" rx="2"/><path d="M3.5 10.25h17M7 15h3"/>"#,
    "me": r#"<circle cx="12" cy="8.5" r="3.75"/><path d="M4.5 20c.9-4 3.8-5.75 7.5-5.75S18.6 16 19.5 20"/>"#,
    "scan": r#"<path d="M4 8.5V6a2 2 0 0 1 2-2h2.5M15.5 4H18a2 2 0 0 1 2 2v2.5M20 15.5V18a2 2 0 0 1-2 2h-2.5M8.5 20H6a2 2 0 0 1-2-2v-2.5M3.5 12h17"/>"#,
    "code": r#"<path d="M4.5 5v14M8 5v14M10.5 5v14M14.5 5v14M17 5v14M19.5 5v14"/>"#,
    "top-up": r#"<path d="M12 4v10.5M7.75 10.75 12 15l4.25-4.25M4.5 17v1.5a1.5 1.5 0 0 0 1.5 1.5h12a1.5 1.5 0 0 0 1.5-1.5V17"/>"#,
    "done": r#"<circle cx="12" cy="12" r="8.5"/><path d="m8 12.3 2.7 2.7L16 9.5"/>"#,
    "waiting": r#"<circle cx="12" cy="12" r="8.5"/><path d="M12 7.25V12l3 2"/>"#,
    "open": r#"<circle cx="12" cy="12" r="8.5"/>"#,
    "failed": r#"<circle cx="12" cy="12" r="8.5"/><path d="m9 9 6 6M15 9l-6 6"/>"#,
    "unknown": r#"<path d="M12 3.5 20.5 12 12 20.5 3.5 12z"/><path d="M10.25 10.4a1.8 1.8 0 1 1 2.6 1.6c-.6.3-.85.7-.85 1.3M12 15.6v.1"/>"#,
    "notice": r#"<path d="M12 4 21 19.5H3z"/><path d="M12 10v4.25M12 16.9v.1"/>"#,
    "back": r#"<path d="M14.5 6 8.5 12l6 6"/>"#,
    "forward": r#"<path d="m9.5 6 6 6-6 6"/>"#,
    "globe": r#"<circle cx="12" cy="12" r="8.5"/><path d="M3.5 12h17M12 3.5c2.6 2.6 3.6 5.4 3.6 8.5s-1 5.9-3.6 8.5c-2.6-2.6-3.6-5.4-3.6-8.5S9.4 6.1 12 3.5z"/>"#,
    "in": r#"<path d="M18 6 7 17M7 9v8h8"/>"#,
    "out": r#"<path d="M6 18 17 7M9 7h8v8"/>"#,
    "lock": r#"<rect x="5" y="10.5" width="14" height="9.5" rx="2"/><path d="M8.25 10.5V8a3.75 3.75 0 0 1 7.5 0v2.5"/>"#,
    "plus": r#"<path d="M12 5v14M5 12h14"/>"#,
}

#[cfg(test)]
mod tests {
    #[test]
    fn pages_name_only_icons_that_exist() {
        for (file, text) in crate::tests::sources() {
            for rest in text.split("icon(\"").skip(1) {
                let name = rest.split('"').next().unwrap();
                assert!(!super::icon(name).is_empty(), "{file}: {name}");
            }
        }
    }
}
