//! What Prometheus reads from a running server, and that the shipped alert rules and dashboard ask for nothing else.
#![allow(clippy::unwrap_used, reason = "a test stops where an expectation fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;

use front_door::{DataDir, Merchant, Receiver, Server, free_address};
use serde_json::Value;

/// A server, and the address of its metrics.
fn server() -> (DataDir, Server, SocketAddr) {
    let data = DataDir::with_sandbox();
    let metrics = free_address();
    data.configure(&format!("metrics_listen = \"{metrics}\""));
    let server = Server::start(&data);
    (data, server, metrics)
}

/// The text at `/metrics`.
fn scrape(from: SocketAddr) -> String {
    let mut stream = TcpStream::connect(from).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: metrics\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(head.contains("application/openmetrics-text"), "{head}");
    assert!(body.trim_end().ends_with("# EOF"), "cut short: {body}");
    body.to_owned()
}

/// Series and their values.
fn series(text: &str) -> BTreeMap<&str, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .filter_map(|line| line.rsplit_once(' '))
        .map(|(name, value)| (name, value.parse().unwrap()))
        .collect()
}

fn docs(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/monitoring").join(file)).unwrap()
}

/// Metrics that an expression names.
fn named(expression: &str) -> BTreeSet<String> {
    let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
    let ours = |name: &&str| name.starts_with("feiqian_") || name.starts_with("process_");
    expression.split(word).filter(ours).map(str::to_owned).collect()
}

#[test]
fn r_fin_65_what_happened_is_counted_and_nobody_is_named() {
    let (data, server, metrics) = server();
    let receiver = Receiver::start();
    let merchant = Merchant::new(&data.sandbox(), server.address());
    let openid = merchant.sandbox().payer_openid.clone();
    let order = merchant.native("METRICS-1", 100, &receiver.url()).unwrap().expect(200);
    let paid = server.pay(&openid, ("code_url", order["code_url"].as_str().unwrap())).unwrap();
    let _ = paid.expect(200);
    let dear = merchant.native("METRICS-2", 90_000_000, &receiver.url()).unwrap().expect(200);
    let poor = server.pay(&openid, ("code_url", dear["code_url"].as_str().unwrap())).unwrap();
    assert!(poor.status >= 400, "the payer has not so much");
    let _ = merchant.query("METRICS-1").unwrap().expect(200);
    for _ in 0..500 {
        if !receiver.got().is_empty() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    std::thread::sleep(std::time::Duration::from_millis(200));
    let text = scrape(metrics);
    let found = series(&text);
    let value = |name: &str| *found.get(name).unwrap_or_else(|| panic!("no {name} in\n{text}"));
    assert_eq!(value("feiqian_orders_placed_total"), 2.0);
    assert_eq!(value("feiqian_payments_total{outcome=\"paid\"}"), 1.0);
    let refused: f64 = found
        .iter()
        .filter(|(name, _)| name.starts_with("feiqian_payments_total") && !name.contains("\"paid\""))
        .map(|(_, value)| value)
        .sum();
    assert_eq!(refused, 1.0, "one payment was refused:\n{text}");
    assert_eq!(value("feiqian_commands_total{command=\"create_order\",outcome=\"ok\"}"), 2.0);
    assert_eq!(value("feiqian_stage_seconds_count{stage=\"verify\"}"), 3.0);
    assert!(value("feiqian_stage_seconds_count{stage=\"sign\"}") >= 3.0);
    for stage in ["queue", "apply", "commit", "load"] {
        assert!(value(&format!("feiqian_stage_seconds_count{{stage=\"{stage}\"}}")) >= 3.0, "{stage}");
    }
    assert_eq!(value("feiqian_requests_total{door=\"merchant\",status=\"200\"}"), 3.0);
    assert_eq!(value("feiqian_notification_attempts_total{outcome=\"delivered\"}"), 1.0);
    assert!(value("feiqian_working_set_hits_total") > 0.0 && value("feiqian_working_set_misses_total") > 0.0);
    assert!(value("feiqian_store_bytes") > 0.0 && value("process_resident_memory_bytes") > 1e6);
    assert_eq!(value("feiqian_store_trouble"), 0.0);
    let sandbox = merchant.sandbox();
    for secret in [&sandbox.mchid, &sandbox.appid, &openid, "13800138000", "METRICS-1"] {
        assert!(!text.contains(secret), "{secret} must not be in a metric");
    }
    // Not on the door that payers and merchants reach.
    assert_eq!(server.plain("GET", "/metrics", None).unwrap().status, 404);
    server.stop();
    data.must_prove();
}

#[test]
fn r_fin_64_every_metric_of_rules_and_panels_is_exported() {
    let (data, server, metrics) = server();
    // A family has no series, and no description, before its first event.
    let merchant = Merchant::new(&data.sandbox(), server.address());
    let _ = merchant.native("METRICS-1", 100, "http://127.0.0.1:9/notify").unwrap().expect(200);
    let text = scrape(metrics);
    let mut exported: BTreeSet<String> =
        series(&text).keys().map(|name| name.split('{').next().unwrap().into()).collect();
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').unwrap();
        let suffixes: &[&str] = match kind {
            "counter" => &["_total"],
            "histogram" => &["_bucket", "_count", "_sum"],
            _ => &[""],
        };
        exported.extend(suffixes.iter().map(|suffix| format!("{name}{suffix}")));
    }
    let mut asked = BTreeSet::new();
    for rule in rules(&docs("alerts.yaml")) {
        asked.extend(named(&rule["expr"]));
    }
    let dashboard: Value = serde_json::from_str(&docs("dashboard.json")).unwrap();
    let mut panels = 0;
    for target in dashboard["panels"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|panel| panel["targets"].as_array())
        .flatten()
    {
        let expression = target["expr"].as_str().unwrap();
        balanced(expression);
        asked.extend(named(expression));
        panels += 1;
    }
    // The queries of the capacity guide, in the last column of its last table.
    for line in docs("../capacity.md").lines().filter(|line| line.starts_with('|')) {
        let query =
            line.split('`').nth(1).filter(|query| query.contains("feiqian_") || query.contains("process_"));
        query.into_iter().for_each(balanced);
        asked.extend(query.map(named).unwrap_or_default());
    }
    assert!(asked.len() > 20 && panels > 20, "{panels} panels ask for {asked:?}");
    let unknown: Vec<&String> = asked.difference(&exported).collect();
    assert!(unknown.is_empty(), "rules or panels ask for what is not exported: {unknown:?}\n{text}");
    server.stop();
}

#[test]
fn r_fin_64_every_rule_is_graded_and_says_what_to_do() {
    let rules = rules(&docs("alerts.yaml"));
    let mut names = BTreeSet::new();
    for rule in &rules {
        let name = &rule["alert"];
        assert!(names.insert(name.clone()), "{name} comes twice");
        assert!(name.starts_with("Feiqian") && name.chars().all(|c| c.is_ascii_alphanumeric()), "{name}");
        assert!(["page", "ticket", "note"].contains(&rule["severity"].as_str()), "{rule:?}");
        assert!(rule["summary"].len() > 20 && rule["description"].len() > 20, "{rule:?}");
        if let Some(wait) = rule.get("for") {
            let (number, unit) = wait.split_at(wait.len() - 1);
            assert!(number.parse::<u32>().is_ok() && "smhd".contains(unit), "{rule:?}");
        }
        balanced(&rule["expr"]);
        assert!(!named(&rule["expr"]).is_empty() || rule["expr"].starts_with("up{"), "{rule:?}");
    }
    for grade in ["page", "ticket", "note"] {
        assert!(rules.iter().any(|rule| rule["severity"] == grade), "no rule is a {grade}");
    }
}

/// The rules of a file in the plain form that ours has: two spaces a level, one `name: value` a line.
fn rules(text: &str) -> Vec<BTreeMap<String, String>> {
    let mut rules: Vec<BTreeMap<String, String>> = Vec::new();
    let mut lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    assert_eq!(lines.next(), Some("groups:"));
    for line in lines {
        let content = line.trim_start();
        let depth = line.len() - content.len();
        assert!(!line.contains('\t') && depth % 2 == 0, "indentation: {line}");
        let (key, value) =
            content.trim_start_matches("- ").split_once(':').unwrap_or_else(|| panic!("no key: {line}"));
        let value = value.trim();
        match (depth, key) {
            (2, "name") | (4, "rules") => {}
            (6, "alert") => rules.push(BTreeMap::from([(key.into(), value.into())])),
            (8, "labels" | "annotations") => assert_eq!(value, "", "{line}"),
            (8, "expr" | "for") | (10, "severity" | "summary" | "description") => {
                let text = value.strip_prefix('"').map_or(Some(value), |inside| inside.strip_suffix('"'));
                let text = text.unwrap_or_else(|| panic!("an open quote: {line}"));
                // Unquoted, these would mean something else in YAML.
                let plain = value.starts_with('"') || !(value.contains(": ") || value.contains(" #"));
                assert!(plain && !text.is_empty(), "{line}");
                let rule = rules.last_mut().unwrap_or_else(|| panic!("outside a rule: {line}"));
                assert!(rule.insert(key.into(), text.into()).is_none(), "{key} comes twice: {line}");
            }
            _ => panic!("unknown at depth {depth}: {line}"),
        }
    }
    assert!(rules.len() > 10);
    rules
}

/// Brackets and quotes of an expression close in order.
#[track_caller]
fn balanced(expression: &str) {
    let (mut open, mut quoted) = (Vec::new(), false);
    for c in expression.chars() {
        match c {
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' => open.push(')'),
            '[' => open.push(']'),
            '{' => open.push('}'),
            ')' | ']' | '}' => assert_eq!(open.pop(), Some(c), "{expression}"),
            _ => {}
        }
    }
    assert!(open.is_empty() && !quoted, "{expression}");
}
