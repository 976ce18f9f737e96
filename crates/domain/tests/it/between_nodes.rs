//! What nodes say to each other, as each released protocol wrote it: a rolling upgrade runs two versions at once, and
//! payments go between them both ways.

use domain::{Caller, Command, Rejection, Reply};
use serde::{Serialize, de::DeserializeOwned};

/// Lines of a kind and its JSON, written by the version that first spoke protocol 1.
const PROTOCOL_1: &str = include_str!("../fixtures/between-nodes-1.txt");

/// Reads a line and writes it again: both must be what the older version understands.
fn round<T: Serialize + DeserializeOwned>(json: &str) -> String {
    let read: T = serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"));
    serde_json::to_string(&read).unwrap()
}

#[test]
fn t_26_an_older_node_of_protocol_1_and_this_version_understand_each_other() {
    for line in PROTOCOL_1.lines() {
        let (kind, json) = line.split_once(' ').unwrap();
        let written = match kind {
            "command" => round::<Command>(json),
            "reply" => round::<Reply>(json),
            "rejection" => round::<Rejection>(json),
            "caller" => round::<Caller>(json),
            other => panic!("{other}"),
        };
        assert_eq!(written, json, "an older node would not understand this {kind}");
    }
}
