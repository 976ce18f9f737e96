//! Typed access to the members of an object, each failure naming its pointer.

use super::{Members, Node, step};
use crate::error::{ApiError, Location};
use crate::issue;
use crate::language::Text;
use std::ops::RangeInclusive;

const OBJECT: Text = Text::fixed(" JSON 对象", "an object");
const LIST: Text = Text::fixed(" JSON 数组", "an array");
const TEXT: Text = Text::fixed("字符串", "a string");
const BOOLEAN: Text = Text::fixed("布尔值 true 或 false", "true or false");

/// The members of one object of a body. Readers named `need_…` refuse an absent member.
///
/// Optional texts that are empty count as left out: many clients serialise an unset field as `""`.
#[derive(Clone)]
pub struct Fields<'a> {
    members: &'a Members,
    pointer: String,
    hidden: bool,
}

impl<'a> Fields<'a> {
    pub(crate) const fn root(members: &'a Members) -> Self {
        Self { members, pointer: String::new(), hidden: false }
    }

    /// The same members, whose values (and those of objects inside) never appear in an error.
    #[must_use]
    pub fn hidden(&self) -> Self {
        Self { hidden: true, ..self.clone() }
    }

    /// A text of so many characters.
    ///
    /// # Errors
    /// `PARAM_ERROR` when it is no string or its length is out of range.
    pub fn text(&self, name: &str, length: RangeInclusive<usize>) -> Result<Option<&'a str>, ApiError> {
        let Some(text) = self.any_text(name)? else { return Ok(None) };
        if text.is_empty() {
            return Ok(None);
        }
        self.check_length(name, text, length).map(Some)
    }

    /// A required text of so many characters.
    ///
    /// # Errors
    /// As [`Fields::text`], and when it is absent.
    pub fn need_text(&self, name: &str, length: RangeInclusive<usize>) -> Result<&'a str, ApiError> {
        let text = self.any_text(name)?.ok_or_else(|| self.missing(name))?;
        self.check_length(name, text, length)
    }

    /// A text that `read` understands; `issue` says what it should be.
    ///
    /// # Errors
    /// As [`Fields::text`], and when `read` returns none.
    pub fn parsed<T>(
        &self,
        name: &str,
        length: RangeInclusive<usize>,
        read: impl FnOnce(&'a str) -> Option<T>,
        issue: impl FnOnce() -> Text,
    ) -> Result<Option<T>, ApiError> {
        let Some(text) = self.text(name, length)? else { return Ok(None) };
        read(text).map(Some).ok_or_else(|| self.fault(name, issue()))
    }

    /// As [`Fields::parsed`], required.
    ///
    /// # Errors
    /// As [`Fields::need_text`], and when `read` returns none.
    pub fn need_parsed<T>(
        &self,
        name: &str,
        length: RangeInclusive<usize>,
        read: impl FnOnce(&'a str) -> Option<T>,
        issue: impl FnOnce() -> Text,
    ) -> Result<T, ApiError> {
        let text = self.need_text(name, length)?;
        read(text).ok_or_else(|| self.fault(name, issue()))
    }

    /// A JSON integer in a range.
    ///
    /// # Errors
    /// `PARAM_ERROR` for any other type, for `1.0`, `1e2`, and out of range.
    pub fn integer(&self, name: &str, range: RangeInclusive<i64>) -> Result<Option<i64>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            Some(Node::Integer(value)) if range.contains(value) => Ok(Some(*value)),
            Some(_) => Err(self.fault(name, issue::range(*range.start(), *range.end()))),
        }
    }

    /// A required JSON integer in a range.
    ///
    /// # Errors
    /// As [`Fields::integer`], and when it is absent.
    pub fn need_integer(&self, name: &str, range: RangeInclusive<i64>) -> Result<i64, ApiError> {
        self.integer(name, range)?.ok_or_else(|| self.missing(name))
    }

    /// `true` or `false`.
    ///
    /// # Errors
    /// `PARAM_ERROR` for any other type.
    pub fn boolean(&self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            Some(Node::Bool(value)) => Ok(Some(*value)),
            Some(_) => Err(self.fault(name, issue::kind(&BOOLEAN))),
        }
    }

    /// An object.
    ///
    /// # Errors
    /// `PARAM_ERROR` for any other type.
    pub fn object(&self, name: &str) -> Result<Option<Fields<'a>>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            Some(Node::Object(members)) => {
                Ok(Some(Self { members, pointer: self.pointer_of(name), hidden: self.hidden }))
            }
            Some(_) => Err(self.fault(name, issue::kind(&OBJECT))),
        }
    }

    /// A required object.
    ///
    /// # Errors
    /// As [`Fields::object`], and when it is absent.
    pub fn need_object(&self, name: &str) -> Result<Fields<'a>, ApiError> {
        self.object(name)?.ok_or_else(|| self.missing(name))
    }

    /// A list of objects, so many of them.
    ///
    /// # Errors
    /// `PARAM_ERROR` for any other type, a wrong number of entries, or an entry that is no object.
    pub fn objects(
        &self,
        name: &str,
        count: RangeInclusive<usize>,
    ) -> Result<Option<Vec<Fields<'a>>>, ApiError> {
        let Some(nodes) = self.list(name, count)? else { return Ok(None) };
        let entry = |(at, node): (usize, &'a Node)| {
            let mut pointer = self.pointer_of(name);
            step(&mut pointer, &at.to_string());
            match node {
                Node::Object(members) => Ok(Self { members, pointer, hidden: self.hidden }),
                other => Err(fault_at(pointer, Some(other), self.hidden, issue::kind(&OBJECT))),
            }
        };
        nodes.iter().enumerate().map(entry).collect::<Result<_, _>>().map(Some)
    }

    /// A list of known words, so many of them.
    ///
    /// # Errors
    /// `PARAM_ERROR` for any other type, a wrong number of entries, or an unknown word.
    pub fn words(
        &self,
        name: &str,
        count: RangeInclusive<usize>,
        known: &[&str],
    ) -> Result<Option<Vec<&'a str>>, ApiError> {
        let Some(nodes) = self.list(name, count)? else { return Ok(None) };
        let entry = |(at, node): (usize, &'a Node)| match node {
            Node::Text(word) if known.contains(&word.as_str()) => Ok(word.as_str()),
            other => {
                let mut pointer = self.pointer_of(name);
                step(&mut pointer, &at.to_string());
                Err(fault_at(pointer, Some(other), self.hidden, issue::one_of(known)))
            }
        };
        nodes.iter().enumerate().map(entry).collect::<Result<_, _>>().map(Some)
    }

    /// `PARAM_ERROR` for a member that is there, with its pointer and, unless hidden, its value.
    #[must_use]
    pub fn fault(&self, name: &str, issue: Text) -> ApiError {
        fault_at(self.pointer_of(name), self.get(name), self.hidden, issue)
    }

    /// `PARAM_ERROR` for a member that is not there.
    #[must_use]
    pub fn missing(&self, name: &str) -> ApiError {
        fault_at(self.pointer_of(name), None, self.hidden, issue::missing())
    }

    /// The member, if it is there and not `null`.
    fn get(&self, name: &str) -> Option<&'a Node> {
        self.members.get(name).filter(|node| !matches!(node, Node::Null))
    }

    fn pointer_of(&self, name: &str) -> String {
        let mut pointer = self.pointer.clone();
        step(&mut pointer, name);
        pointer
    }

    fn any_text(&self, name: &str) -> Result<Option<&'a str>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            Some(Node::Text(text)) => Ok(Some(text)),
            Some(_) => Err(self.fault(name, issue::kind(&TEXT))),
        }
    }

    fn check_length(
        &self,
        name: &str,
        text: &'a str,
        length: RangeInclusive<usize>,
    ) -> Result<&'a str, ApiError> {
        let count = text.chars().count();
        if length.contains(&count) {
            return Ok(text);
        }
        Err(self.fault(name, issue::length(*length.start(), *length.end(), count)))
    }

    fn list(&self, name: &str, count: RangeInclusive<usize>) -> Result<Option<&'a [Node]>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            Some(Node::List(nodes)) if count.contains(&nodes.len()) => Ok(Some(nodes)),
            Some(Node::List(nodes)) => {
                Err(self.fault(name, issue::entries(*count.start(), *count.end(), nodes.len())))
            }
            Some(_) => Err(self.fault(name, issue::kind(&LIST))),
        }
    }
}

fn fault_at(pointer: String, node: Option<&Node>, hidden: bool, issue: Text) -> ApiError {
    let value = node.map(|node| match node {
        Node::List(_) => "[…]".to_owned(),
        Node::Object(_) => "{…}".to_owned(),
        _ if hidden => "***".to_owned(),
        Node::Null => "null".to_owned(),
        Node::Bool(value) => value.to_string(),
        Node::Integer(value) => value.to_string(),
        Node::Number(text) => text.clone(),
        Node::Text(text) => crate::error::cut(text, 128),
    });
    ApiError::param(pointer, value, issue, Location::Body)
}
