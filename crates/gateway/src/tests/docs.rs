//! The OpenAPI document: complete, stored, and true.

use super::door::{Door, LOCAL};
use serde_json::Value;
use std::collections::BTreeSet;

const STORED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");

fn document() -> Value {
    serde_json::from_str(&crate::openapi()).expect("the document is JSON")
}

#[test]
fn the_stored_document_is_the_one_that_is_served() {
    let stored = std::fs::read_to_string(STORED).unwrap_or_default();
    assert!(
        stored.trim_end() == crate::openapi().trim_end(),
        "docs/openapi.json is not what the program serves; write it anew with \
         'cargo run -- openapi > docs/openapi.json', read the difference, and commit both together"
    );
}

#[test]
fn the_document_says_who_it_is() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["license"]["identifier"], "Apache-2.0");
    assert!(document["info"].get("contact").is_none());
    assert!(document["components"]["securitySchemes"]["merchant_signature"].is_object());
}

/// Every reference leads somewhere.
#[test]
fn no_reference_is_broken() {
    let document = document();
    let mut seen = 0;
    let mut queue = vec![&document];
    while let Some(value) = queue.pop() {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get("$ref") {
                    let pointer = reference.strip_prefix('#').expect("a local reference");
                    assert!(document.pointer(pointer).is_some(), "{reference}");
                    seen += 1;
                }
                queue.extend(members.values());
            }
            Value::Array(values) => queue.extend(values),
            _ => {}
        }
    }
    assert!(seen > 100, "{seen} references");
}

/// Routes of the source, as `METHOD path`.
fn routes() -> BTreeSet<String> {
    let sources = [include_str!("../lib.rs"), include_str!("../sandbox/mod.rs")].concat();
    let mut routes = BTreeSet::new();
    for piece in sources.split(".route(").skip(1) {
        let piece = piece.trim_start().strip_prefix('"').expect("a literal path");
        let (path, rest) = piece.split_once('"').expect("a path");
        let handler = rest.trim_start_matches([',', ' ', '\n']);
        // Two methods of one path are merged.
        let handlers = handler.split_once(".route").map_or(handler, |(own, _)| own);
        for (method, word) in [("GET", "get"), ("POST", "post")] {
            if handlers.starts_with(word) || handlers.contains(&format!(".merge({word}")) {
                routes.insert(format!("{method} {path}"));
            }
        }
    }
    routes
}

#[test]
fn every_route_is_described_and_nothing_else_is() {
    let mut described = BTreeSet::new();
    for (path, item) in document()["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            described.insert(format!("{} {path}", method.to_uppercase()));
            assert!(operation["summary"].as_str().unwrap().contains(" · "), "{path}: in both languages");
            assert!(operation["description"].is_string() && operation["operationId"].is_string(), "{path}");
            let signed = path.starts_with("/v3/");
            assert_eq!(operation.get("security").is_some(), signed, "{path}");
            let answers = operation["responses"].as_object().unwrap();
            assert!(answers.keys().any(|status| status.starts_with('2')), "{path}");
            if signed {
                for status in ["400", "401", "429", "500", "503"] {
                    assert!(answers.contains_key(status), "{path} {status}");
                }
            }
        }
    }
    assert_eq!(routes(), described);
}

/// What the document shows as a request is accepted by the API, member for member.
#[tokio::test]
async fn the_examples_of_orders_are_placed() {
    let door = Door::new();
    let document = document();
    for product in ["native", "app", "h5", "jsapi"] {
        let path = format!("/v3/pay/transactions/{product}");
        let content = &document["paths"][&path]["post"]["requestBody"]["content"]["application/json"];
        let mut order = content["example"].clone();
        order["out_trade_no"] = format!("example-{product}").into();
        if product == "jsapi" {
            order["payer"]["openid"] = door.openid().into();
        }
        let placed = door.post(path.as_str(), &order).send().await.expect(200);
        let shown =
            &document["paths"][&path]["post"]["responses"]["200"]["content"]["application/json"]["example"];
        let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&placed), names(shown));
    }
}

/// A paid order has the members the document shows, and no other.
#[tokio::test]
async fn a_transaction_has_the_members_described() {
    let door = Door::new();
    let url = door.place("shape-0001", 100).await;
    door.pay("code_url", &url).await.expect(200);
    let transaction = door.by_number("shape-0001").send().await.expect(200);
    let document = document();
    let schema = &document["components"]["schemas"]["Transaction"];
    let described = schema["properties"].as_object().unwrap();
    for name in transaction.as_object().unwrap().keys() {
        assert!(described.contains_key(name), "{name}");
    }
    for name in schema["required"].as_array().unwrap() {
        assert!(transaction.get(name.as_str().unwrap()).is_some(), "{name}");
    }
}

#[tokio::test]
async fn the_page_is_served_from_here_alone() {
    let door = Door::new();
    let get = |target: &str| door.raw("GET", target, "").unsigned().from(Some(LOCAL));
    let served = get("/openapi.json").send().await;
    assert_eq!(served.expect(200), document());
    let page = get("/docs/").send().await;
    assert_eq!(page.status, 200);
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    let page = String::from_utf8(page.body.to_vec()).unwrap();
    assert!(page.contains("swagger-ui"));
    for outside in ["src=\"http", "href=\"http", "src=\"//", "href=\"//"] {
        assert!(!page.contains(outside), "{outside}");
    }
    for file in ["swagger-ui.css", "swagger-ui-bundle.js", "swagger-initializer.js"] {
        let asset = get(&format!("/docs/{file}")).send().await;
        assert_eq!(asset.status, 200, "{file}");
    }
    let settings = get("/docs/swagger-initializer.js").send().await;
    let settings = String::from_utf8(settings.body.to_vec()).unwrap();
    assert!(
        settings.contains("/openapi.json") && settings.contains("\"validatorUrl\": \"none\""),
        "{settings}"
    );
    let redirect = get("/docs").send().await;
    assert_eq!((redirect.status, redirect.header("location")), (303, Some("/docs/")));
}
