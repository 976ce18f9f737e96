//! Reads XML from front to back.

use super::{ASK, Element, Limits, allowed};
use intake::{Fault, fault::quoted};
use std::{
    io::{BufRead, Read},
    sync::Arc,
};

/// Reads a message element by element.
pub(crate) struct Pull<R> {
    input: R,
    file: Arc<str>,
    limits: Limits,
    bytes: u64,
    line: u64,
    /// Open elements, outermost first.
    open: Vec<String>,
    /// An element that was opened and closed at once: its end is still to be told.
    empty: bool,
    /// The `<` of the next tag has been taken.
    at_tag: bool,
    /// Bytes left for the current entry.
    budget: usize,
    token: Vec<u8>,
}

/// Most elements in the head of a batch or statement.
const HEAD_MAX: usize = 500;

/// A start of an element.
pub(crate) struct Tag {
    pub(crate) name: String,
    pub(crate) line: u64,
    pub(crate) attributes: Vec<(String, String)>,
}

enum Event {
    Start(Tag),
    Text(String),
    End,
    Eof,
}

impl<R: BufRead> Pull<R> {
    /// Opens message `kind` (such as `pain.001.001.09`), whose root holds one element `root`.
    pub(crate) fn open(input: R, file: &str, limits: Limits, kind: &str, root: &str) -> Result<Self, Fault> {
        let mut pull = Self {
            input,
            file: file.into(),
            limits,
            bytes: 0,
            line: 1,
            open: Vec::new(),
            empty: false,
            at_tag: false,
            budget: limits.element,
            token: Vec::new(),
        };
        pull.drop_mark()?;
        let Some(document) = pull.next_child()? else { return Err(pull.fault("the file is empty")) };
        let wanted = format!("urn:iso:std:iso:20022:tech:xsd:{kind}");
        let space =
            document.attributes.iter().find(|(name, _)| name == "xmlns" || name.starts_with("xmlns:"));
        let found = space.map_or("", |(_, value)| value.as_str());
        if document.name != "Document" || found != wanted {
            let found = format!("{} of namespace {}", document.name, quoted(found));
            return Err(pull.fault(&format!("the message is {found}, expected is Document of `{wanted}`")));
        }
        match pull.next_child()? {
            Some(tag) if tag.name == root => Ok(pull),
            Some(tag) => Err(pull.fault(&format!("{} stands where {root} is expected", quoted(&tag.name)))),
            None => Err(pull.fault(&format!("{root} is missing"))),
        }
    }

    /// The next element inside the current one, or `None` at the current one's end. Text between elements is
    /// refused.
    pub(crate) fn next_child(&mut self) -> Result<Option<Tag>, Fault> {
        self.budget = self.limits.element;
        loop {
            match self.event()? {
                Event::Start(tag) => return Ok(Some(tag)),
                Event::End => return Ok(None),
                Event::Text(text) if text.trim().is_empty() => {}
                Event::Text(text) => {
                    return Err(self.fault(&format!("text {} stands between elements", quoted(text.trim()))));
                }
                Event::Eof if self.open.is_empty() => return Ok(None),
                Event::Eof => return Err(self.cut_off()),
            }
        }
    }

    /// The whole of an element that [`Pull::next_child`] has just opened.
    pub(crate) fn subtree(&mut self, tag: Tag) -> Result<Element, Fault> {
        let mut stack = vec![Element::new(&self.file, tag)];
        loop {
            match self.event()? {
                Event::Start(tag) => stack.push(Element::new(&self.file, tag)),
                Event::Text(text) => {
                    if let Some(top) = stack.last_mut() {
                        top.add_text(&text);
                    }
                }
                Event::End => {
                    let Some(done) = stack.pop() else { return Err(self.cut_off()) };
                    done.check()?;
                    match stack.last_mut() {
                        Some(parent) => parent.add(done),
                        None => return Ok(done),
                    }
                }
                Event::Eof => return Err(self.cut_off()),
            }
        }
    }

    /// An element for parts that are read one by one.
    pub(crate) fn element(&self, name: &str, line: u64) -> Element {
        Element::new(&self.file, Tag { name: name.to_owned(), line, attributes: Vec::new() })
    }

    /// Reads the element just opened into `head`.
    pub(crate) fn add_to(&mut self, head: &mut Element, tag: Tag) -> Result<(), Fault> {
        let child = self.subtree(tag)?;
        if head.len() == HEAD_MAX {
            let problem = format!("the head of {} has more than {HEAD_MAX} elements", head.name);
            return Err(Fault::limit(&self.file, self.line, problem, ASK));
        }
        head.add(child);
        Ok(())
    }

    /// Closes the root and checks that nothing follows.
    pub(crate) fn close(&mut self) -> Result<(), Fault> {
        while !self.open.is_empty() {
            if let Some(tag) = self.next_child()? {
                return Err(self.fault(&format!("{} is not expected here", quoted(&tag.name))));
            }
        }
        match self.next_child()? {
            Some(tag) => Err(self.fault(&format!("{} follows the end of the message", quoted(&tag.name)))),
            None => Ok(()),
        }
    }

    /// A refusal at the current line and element.
    pub(crate) fn fault(&self, problem: &str) -> Fault {
        Fault::format(&self.file, self.line, problem, ASK).at(self.open.join("/"))
    }

    pub(crate) fn too_many(&self) -> Fault {
        let problem = format!("more than {} entries", self.limits.entries);
        Fault::limit(&self.file, self.line, problem, "ask for smaller messages or raise the limit")
    }

    pub(crate) const fn limits(&self) -> &Limits {
        &self.limits
    }

    fn cut_off(&self) -> Fault {
        self.fault("the file ends inside an element; it was cut off")
    }

    fn drop_mark(&mut self) -> Result<(), Fault> {
        let head = self.input.fill_buf().map_err(|error| Fault::io(&self.file, 1, &error))?;
        if head.starts_with(&[0xFF, 0xFE]) || head.starts_with(&[0xFE, 0xFF]) {
            return Err(self.fault("the file is UTF-16, expected is UTF-8"));
        }
        if head.starts_with(b"\xEF\xBB\xBF") {
            self.input.consume(3);
        }
        Ok(())
    }

    fn event(&mut self) -> Result<Event, Fault> {
        if self.empty {
            self.empty = false;
            self.open.pop();
            return Ok(Event::End);
        }
        if !self.at_tag {
            let text = self.text()?;
            if !text.is_empty() {
                return Ok(Event::Text(text));
            }
            if !self.at_tag {
                return Ok(Event::Eof);
            }
        }
        self.at_tag = false;
        self.token.clear();
        self.token.push(b'<');
        if !self.read_until(b'>')? {
            return Err(self.cut_off());
        }
        // `>` may stand in comments, character data and attribute values.
        if self.token.starts_with(b"<!--") {
            self.read_to(b"-->")?;
            return self.event_after_misc();
        }
        if self.token.starts_with(b"<![CDATA[") {
            self.read_to(b"]]>")?;
            let text = self.token[9..self.token.len() - 3].to_vec();
            return self.characters(text).map(Event::Text);
        }
        if self.token.starts_with(b"<?") {
            self.read_to(b"?>")?;
            self.check_declaration()?;
            return self.event_after_misc();
        }
        if self.token.starts_with(b"<!") {
            return Err(self.fault("document types and entities are not allowed in a bank's message"));
        }
        while quote_open(&self.token) {
            if !self.read_until(b'>')? {
                return Err(self.cut_off());
            }
        }
        self.tag()
    }

    fn event_after_misc(&mut self) -> Result<Event, Fault> {
        // Text of no length: whoever asked goes on to the next event.
        Ok(Event::Text(String::new()))
    }

    fn tag(&mut self) -> Result<Event, Fault> {
        let token = std::mem::take(&mut self.token);
        let Ok(tag) = std::str::from_utf8(&token) else { return Err(self.fault("a tag is not UTF-8")) };
        let tag = tag.trim_start_matches('<').trim_end_matches('>');
        if let Some(name) = tag.strip_prefix('/') {
            let name = local(name.trim());
            return match self.open.pop() {
                Some(open) if open == name => Ok(Event::End),
                Some(open) => {
                    let problem = format!("{} closes where `{open}` is open", quoted(name));
                    self.open.push(open);
                    Err(self.fault(&problem))
                }
                None => Err(self.fault(&format!("{} closes and was not opened", quoted(name)))),
            };
        }
        let (tag, empty) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let (name, rest) = tag.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((tag, ""));
        let name = local(name);
        let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if name.is_empty() || name.len() > 64 || !name.chars().all(known) {
            return Err(self.fault(&format!("{} is no element name", quoted(name))));
        }
        let attributes = self.attributes(rest)?;
        if self.open.len() >= self.limits.depth {
            let problem = format!("elements lie more than {} deep", self.limits.depth);
            return Err(Fault::limit(&self.file, self.line, problem, ASK));
        }
        self.open.push(name.to_owned());
        self.empty = empty;
        let tag = Tag { name: name.to_owned(), line: self.line, attributes };
        self.token = token;
        Ok(Event::Start(tag))
    }

    fn attributes(&self, text: &str) -> Result<Vec<(String, String)>, Fault> {
        let bad = || self.fault(&format!("{} are no attributes", quoted(text.trim())));
        let mut attributes = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            let (name, after) = rest.split_once('=').ok_or_else(bad)?;
            let after = after.trim_start();
            let quote = after.chars().next().filter(|c| matches!(c, '"' | '\'')).ok_or_else(bad)?;
            let (value, after) = after[1..].split_once(quote).ok_or_else(bad)?;
            if attributes.len() == 16 || attributes.iter().any(|(known, _)| known == name.trim()) {
                return Err(bad());
            }
            let value = unescape(value).ok_or_else(bad)?;
            attributes.push((name.trim().to_owned(), value));
            rest = after.trim_start();
        }
        Ok(attributes)
    }

    /// Text up to the next tag, whose `<` is taken from the input as well.
    fn text(&mut self) -> Result<String, Fault> {
        let mut raw = Vec::new();
        let most = self.budget.saturating_add(1) as u64;
        let read = Read::by_ref(&mut self.input).take(most).read_until(b'<', &mut raw);
        let read = read.map_err(|error| Fault::io(&self.file, self.line, &error))?;
        self.count(read)?;
        self.at_tag = raw.pop_if(|last| *last == b'<').is_some();
        if raw.is_empty() {
            return Ok(String::new());
        }
        let line = self.line;
        self.line += lines(&raw);
        let text = String::from_utf8(raw).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            let before = lines(&error.as_bytes()[..at]);
            let problem = "text is not UTF-8, which the message is";
            Fault::format(&self.file, line + before, problem, ASK).at(self.open.join("/"))
        })?;
        if !text.contains('&') && text.chars().all(allowed) {
            return Ok(text);
        }
        unescape(&text).ok_or_else(|| {
            self.fault(&format!("{} holds an entity or character that is not allowed", quoted(&text)))
        })
    }

    /// Character data as it stands.
    fn characters(&self, raw: Vec<u8>) -> Result<String, Fault> {
        let text = String::from_utf8(raw).map_err(|_| self.fault("character data is not UTF-8"))?;
        if text.chars().all(allowed) {
            Ok(text)
        } else {
            Err(self.fault("character data holds a control character"))
        }
    }

    /// Appends to the token up to and with `end`; false when the file ends before.
    fn read_until(&mut self, end: u8) -> Result<bool, Fault> {
        let before = self.token.len();
        let most = self.budget.saturating_add(1) as u64;
        let read = Read::by_ref(&mut self.input).take(most).read_until(end, &mut self.token);
        let read = read.map_err(|error| Fault::io(&self.file, self.line, &error))?;
        self.line += lines(&self.token[before..]);
        self.count(read)?;
        Ok(self.token.last() == Some(&end) && read > 0)
    }

    fn read_to(&mut self, end: &[u8]) -> Result<(), Fault> {
        // `<!-->` is not a whole comment: the end may not overlap the beginning.
        while !self.token.ends_with(end) || self.token.len() < end.len() + 4 {
            if !self.read_until(b'>')? {
                return Err(self.cut_off());
            }
        }
        Ok(())
    }

    fn count(&mut self, read: usize) -> Result<(), Fault> {
        self.bytes += read as u64;
        if self.bytes > self.limits.bytes {
            let problem = format!("more than {} bytes", self.limits.bytes);
            return Err(Fault::limit(
                &self.file,
                self.line,
                problem,
                "ask for smaller messages or raise the limit",
            ));
        }
        let Some(left) = self.budget.checked_sub(read) else {
            let problem = format!("one entry is longer than {} bytes", self.limits.element);
            return Err(Fault::limit(&self.file, self.line, problem, ASK).at(self.open.join("/")));
        };
        self.budget = left;
        Ok(())
    }

    fn check_declaration(&self) -> Result<(), Fault> {
        let text = String::from_utf8_lossy(&self.token);
        let Some((_, rest)) = text.split_once("encoding") else { return Ok(()) };
        let name = rest.split(['"', '\'']).nth(1).unwrap_or("");
        if name.eq_ignore_ascii_case("utf-8") {
            return Ok(());
        }
        Err(self.fault(&format!("the message is declared as {}, expected is UTF-8", quoted(name))))
    }
}

/// True when the tag ends inside an attribute's value.
fn quote_open(token: &[u8]) -> bool {
    let mut open = None;
    for byte in token {
        match open {
            None if matches!(byte, b'"' | b'\'') => open = Some(byte),
            Some(quote) if quote == byte => open = None,
            _ => {}
        }
    }
    open.is_some()
}

/// The name without its prefix.
fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

fn lines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}

/// Text with the predefined entities and character numbers resolved; `None` for any other, and for characters
/// that XML does not allow.
fn unescape(text: &str) -> Option<String> {
    let mut clear = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        clear.push_str(before);
        let (entity, after) = after.split_once(';')?;
        clear.push(match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            _ => {
                let number = entity.strip_prefix('#')?;
                let hexadecimal = number.strip_prefix('x');
                let (digits, radix) = hexadecimal.map_or((number, 10), |digits| (digits, 16));
                let plain =
                    !digits.is_empty() && digits.len() <= 7 && digits.bytes().all(|b| b.is_ascii_hexdigit());
                plain.then(|| u32::from_str_radix(digits, radix).ok().and_then(char::from_u32))??
            }
        });
        rest = after;
    }
    clear.push_str(rest);
    clear.chars().all(allowed).then_some(clear)
}
