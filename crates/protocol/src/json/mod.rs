//! The strict reader of request bodies (wire §1.1).
//!
//! - UTF-8 without supplementary-plane characters (emoji), escaped or not, and without U+0000.
//! - The body is one object. Members that are `null` count as left out: the older of the two rules that wire
//!   §17 lists, the one that refuses no client.
//! - Unknown members are tolerated; the same member twice is refused, for two readers could disagree on it.
//! - Depth, size and number of values are bounded, see the constants.
//! - Amounts are JSON integers: `1.0`, `1e2`, `"1"` and 2^63 are refused.
//!
//! Every refusal is 400 `PARAM_ERROR` with the JSON Pointer of the member.

mod fields;

pub use fields::Fields;

use crate::error::{ApiError, Location};
use crate::language::Text;
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;

/// The largest body read, in bytes. It holds 6,000 lines of goods; an endpoint may set a lower limit.
pub const BYTES_MAX: usize = 8 << 20;
/// The deepest nesting; the body itself is depth 1.
pub const DEPTH_MAX: usize = 16;
/// The most values (of any kind, counted once each) in a body, so that a small body cannot claim much memory.
pub const VALUES_MAX: usize = 100_000;

/// One JSON value. Not `Debug`: it may hold a payment code or an identity number.
#[derive(Clone, PartialEq)]
pub(crate) enum Node {
    Null,
    Bool(bool),
    Integer(i64),
    /// A number that is not an integer of 64 bits, as text.
    Number(String),
    Text(String),
    List(Vec<Node>),
    Object(Members),
}

/// Members by name, in the order of their names, which makes [`canonical`] independent of the sender's order.
pub(crate) type Members = BTreeMap<String, Node>;

/// A request body that has been read but not yet checked against a request type.
///
/// ```
/// let body = protocol::json::Body::parse(br#"{"mchid": "1900000001", "attach": null}"#).unwrap();
/// let root = body.fields();
/// assert_eq!(root.need_text("mchid", 1..=32).unwrap(), "1900000001");
/// assert_eq!(root.text("attach", 1..=128).unwrap(), None);
/// let error = root.need_text("description", 1..=127).unwrap_err();
/// assert_eq!(error.detail.unwrap().field, "/description");
/// ```
pub struct Body {
    members: Members,
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} members)", self.members.len())
    }
}

impl Body {
    /// Reads a body.
    ///
    /// # Errors
    /// `PARAM_ERROR` when it breaks a rule of this module.
    pub fn parse(bytes: &[u8]) -> Result<Self, ApiError> {
        if bytes.len() > BYTES_MAX {
            return Err(whole(Text::new(
                format!("过长：{} 字节，上限 {BYTES_MAX}", bytes.len()),
                format!("is too long: {} bytes, at most {BYTES_MAX}", bytes.len()),
            )));
        }
        let mut state = State::default();
        let mut json = serde_json::Deserializer::from_slice(bytes);
        let read = Seed { state: &mut state, depth: 1 }.deserialize(&mut json);
        match read.and_then(|node| json.end().map(|()| node)) {
            Ok(Node::Object(members)) => Ok(Self { members }),
            Ok(_) => Err(whole(Text::fixed("须为 JSON 对象", "must be a JSON object"))),
            Err(error) => Err(state.error(&error)),
        }
    }

    /// The members of the body.
    #[must_use]
    pub fn fields(&self) -> Fields<'_> {
        Fields::root(&self.members)
    }
}

/// A type that a body can be read into.
pub trait FromFields: Sized {
    /// Checks the members and builds the value.
    ///
    /// # Errors
    /// `PARAM_ERROR` with the pointer of the first member that is wrong.
    fn from_fields(fields: &Fields<'_>) -> Result<Self, ApiError>;
}

/// Reads and checks a whole body.
///
/// # Errors
/// `PARAM_ERROR` with the pointer of the first member that is wrong.
pub fn read<T: FromFields>(bytes: &[u8]) -> Result<T, ApiError> {
    T::from_fields(&Body::parse(bytes)?.fields())
}

/// The value as JSON without spaces, members sorted by name, `null` members left out: equal values, equal text.
pub(crate) fn canonical(node: &Node) -> String {
    let mut out = String::new();
    write(node, &mut out);
    out
}

/// Adds [`canonical`] of the value.
pub(crate) fn write(node: &Node, out: &mut String) {
    match node {
        Node::Null => out.push_str("null"),
        Node::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Node::Integer(value) => out.push_str(&value.to_string()),
        Node::Number(text) => out.push_str(text),
        Node::Text(text) => quote(text, out),
        Node::List(nodes) => {
            out.push('[');
            for (at, node) in nodes.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(node, out);
            }
            out.push(']');
        }
        Node::Object(members) => {
            out.push('{');
            let present = members.iter().filter(|(_, node)| !matches!(node, Node::Null));
            for (at, (name, node)) in present.enumerate() {
                if at > 0 {
                    out.push(',');
                }
                quote(name, out);
                out.push(':');
                write(node, out);
            }
            out.push('}');
        }
    }
}

/// A JSON string with the shortest escapes; only `"`, `\` and control characters need one.
pub(crate) fn quote(text: &str, out: &mut String) {
    // Bytes of characters beyond ASCII are none of these, so each is a character of its own.
    let special = |byte: u8| byte < b' ' || matches!(byte, b'"' | b'\\');
    out.push('"');
    let mut rest = text;
    if has(text, special) {
        while let Some(at) = rest.bytes().position(special) {
            out.push_str(&rest[..at]);
            match rest.as_bytes()[at] {
                b'"' => out.push_str("\\\""),
                b'\\' => out.push_str("\\\\"),
                b'\n' => out.push_str("\\n"),
                b'\r' => out.push_str("\\r"),
                b'\t' => out.push_str("\\t"),
                control => out.push_str(&format!("\\u{control:04x}")),
            }
            rest = &rest[at + 1..];
        }
    }
    out.push_str(rest);
    out.push('"');
}

/// `pointer` extended by a member name, escaped as RFC 6901 says.
fn step(pointer: &mut String, name: &str) {
    pointer.push('/');
    let mut rest = name;
    while let Some(at) = rest.bytes().position(|byte| matches!(byte, b'~' | b'/')) {
        pointer.push_str(&rest[..at]);
        pointer.push_str(if rest.as_bytes()[at] == b'~' { "~0" } else { "~1" });
        rest = &rest[at + 1..];
    }
    pointer.push_str(rest);
}

fn whole(issue: Text) -> ApiError {
    ApiError::param("", None, issue, Location::Body)
}

/// Where the reader stands, and what it found wrong there.
#[derive(Default)]
struct State {
    pointer: String,
    fault: Option<Text>,
    values: usize,
}

impl State {
    fn error(self, error: &serde_json::Error) -> ApiError {
        let issue = self.fault.unwrap_or_else(|| {
            let (line, column) = (error.line(), error.column());
            Text::new(
                format!("不是合法的 UTF-8 JSON（第 {line} 行第 {column} 列）"),
                format!("is not valid UTF-8 JSON (line {line}, column {column})"),
            )
        });
        ApiError::param(self.pointer, None, issue, Location::Body)
    }

    /// Remembers the fault; the error itself only unwinds the reader.
    fn fault<E: serde::de::Error>(&mut self, zh: &'static str, en: &'static str) -> E {
        self.fault = Some(Text::fixed(zh, en));
        E::custom(en)
    }

    fn check_text<E: serde::de::Error>(&mut self, text: &str) -> Result<(), E> {
        // Only characters beyond the basic plane begin with such a byte (RFC 3629 §3).
        if has(text, |byte| byte >= 0xf0) {
            return Err(self.fault(
                "含有不支持的字符（如表情符号）",
                "has a character outside the basic plane, such as an emoji",
            ));
        }
        if has(text, |byte| byte == 0) {
            return Err(self.fault("含有空字符 U+0000", "has the character U+0000"));
        }
        Ok(())
    }
}

/// Whether a byte of the text is `wrong`. It looks at all of them, which takes less than asking after each whether to
/// go on.
fn has(text: &str, wrong: impl Fn(u8) -> bool) -> bool {
    text.bytes().fold(false, |any, byte| any | wrong(byte))
}

struct Seed<'a> {
    state: &'a mut State,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Node;
    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        self.state.values += 1;
        if self.state.values > VALUES_MAX {
            return Err(self.state.fault("处数据项过多", "is one value too many for a body"));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Integer(value))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(i64::try_from(value).map_or_else(|_| Node::Number(value.to_string()), Node::Integer))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Number(serde_json::Number::from_f64(value).map_or_else(String::new, |n| n.to_string())))
    }
    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Node, E> {
        self.state.check_text(text)?;
        Ok(Node::Text(text.to_owned()))
    }
    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<Node, A::Error> {
        self.deep_enough()?;
        let mut nodes = Vec::new();
        let here = self.state.pointer.len();
        loop {
            self.state.pointer.push_str(&format!("/{}", nodes.len()));
            let seed = Seed { state: &mut *self.state, depth: self.depth + 1 };
            let Some(node) = list.next_element_seed(seed)? else { break };
            nodes.push(node);
            self.state.pointer.truncate(here);
        }
        self.state.pointer.truncate(here);
        Ok(Node::List(nodes))
    }
    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Node, A::Error> {
        self.deep_enough()?;
        let mut members = Members::new();
        let here = self.state.pointer.len();
        while let Some(name) = map.next_key::<String>()? {
            step(&mut self.state.pointer, &name);
            self.state.check_text(&name)?;
            if members.contains_key(&name) {
                return Err(self.state.fault("重复出现", "occurs twice"));
            }
            let node = map.next_value_seed(Seed { state: &mut *self.state, depth: self.depth + 1 })?;
            members.insert(name, node);
            self.state.pointer.truncate(here);
        }
        Ok(Node::Object(members))
    }
}

impl Seed<'_> {
    fn deep_enough<E: serde::de::Error>(&mut self) -> Result<(), E> {
        if self.depth > DEPTH_MAX {
            return Err(self.state.fault("嵌套过深，上限 16 层", "is nested too deep; at most 16 levels"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
