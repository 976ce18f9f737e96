//! Lines of a file, bounded and decoded.

use crate::fault::Fault;
use serde::{Deserialize, Serialize};
use std::io::{BufRead, Read};

/// How much of a file is read before it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the whole file.
    pub bytes: u64,
    /// Bytes of one line, or of one record whose quoted fields hold line breaks.
    pub line: usize,
    /// Lines.
    pub lines: u64,
}

impl Default for Limits {
    /// 16 GiB, 64 KiB a line, 50,000,000 lines.
    fn default() -> Self {
        Self { bytes: 16 << 30, line: 64 << 10, lines: 50_000_000 }
    }
}

/// The declared encoding of a file. Another one is refused, not guessed: half of a wrongly guessed file reads
/// well, and the other half changes names and amounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark.
    #[default]
    Utf8,
    /// GB 18030, of which GBK and GB 2312 are parts.
    Gb18030,
}

/// Reads a file line by line.
pub struct Lines<R> {
    input: R,
    file: String,
    encoding: Encoding,
    limits: Limits,
    number: u64,
    bytes: u64,
    raw: Vec<u8>,
    text: String,
    /// Lines added to the current one.
    joined: usize,
}

/// Most lines of one record, so that a quote that is never closed costs little.
const JOINED_MAX: usize = 64;

impl<R: BufRead> Lines<R> {
    /// Lines of `input`, which messages call `file`.
    pub fn new(input: R, file: &str, encoding: Encoding, limits: Limits) -> Self {
        let file = file.to_owned();
        Self {
            input,
            file,
            encoding,
            limits,
            number: 0,
            bytes: 0,
            raw: Vec::new(),
            text: String::new(),
            joined: 0,
        }
    }

    /// The next line without its line break, or `None` at the end. Valid until the next call.
    ///
    /// # Errors
    /// A limit is passed, bytes are not of the declared encoding, there is a control character, or storage fails.
    pub fn next_line(&mut self) -> Result<Option<&str>, Fault> {
        if !self.fill()? {
            return Ok(None);
        }
        self.text.clear();
        self.joined = 0;
        self.decode()?;
        Ok(Some(&self.text))
    }

    /// Adds the next line to the current one, with a line break between, for a quoted field that is not closed.
    ///
    /// # Errors
    /// As [`Lines::next_line`]; also at the end of the file.
    pub fn join_line(&mut self) -> Result<&str, Fault> {
        let began = self.number - self.joined as u64;
        self.joined += 1;
        if self.joined == JOINED_MAX || !self.fill()? {
            let problem =
                format!("a quoted field opened on line {began} is not closed within {JOINED_MAX} lines");
            return Err(self.fault(problem, "ask the sender for the whole file"));
        }
        if self.text.len() + self.raw.len() >= self.limits.line {
            return Err(self.too_long());
        }
        self.text.push('\n');
        self.decode()?;
        Ok(&self.text)
    }

    /// The current line again.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Number of the current line, from 1; 0 before the first.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// Where lines come from; some of what it has given may not have been told as lines yet.
    pub const fn input(&self) -> &R {
        &self.input
    }

    /// What messages call the file.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// A refusal at the current line.
    pub fn fault(&self, problem: impl Into<String>, next: impl Into<String>) -> Fault {
        Fault::format(&self.file, self.number, problem, next)
    }

    /// Reads the next line's bytes; false at the end.
    fn fill(&mut self) -> Result<bool, Fault> {
        self.raw.clear();
        let most = (self.limits.line as u64).saturating_add(2);
        let read = Read::by_ref(&mut self.input).take(most).read_until(b'\n', &mut self.raw);
        let read = read.map_err(|error| Fault::io(&self.file, self.number + 1, &error))? as u64;
        if read == 0 {
            return Ok(false);
        }
        self.number += 1;
        self.bytes += read;
        if self.raw.last() == Some(&b'\n') {
            self.raw.pop();
            if self.raw.last() == Some(&b'\r') {
                self.raw.pop();
            }
        }
        if self.raw.len() > self.limits.line {
            return Err(self.too_long());
        }
        if self.bytes > self.limits.bytes || self.number > self.limits.lines {
            let problem = format!("more than {} bytes or {} lines", self.limits.bytes, self.limits.lines);
            return Err(Fault::limit(&self.file, self.number, problem, "split the file or raise the limit"));
        }
        if self.number == 1 {
            self.drop_mark()?;
        }
        Ok(true)
    }

    fn too_long(&self) -> Fault {
        let problem = format!("longer than {} bytes", self.limits.line);
        Fault::limit(
            &self.file,
            self.number,
            problem,
            "check that this is the right file, and not a binary one",
        )
    }

    fn drop_mark(&mut self) -> Result<(), Fault> {
        if self.raw.starts_with(&[0xFF, 0xFE]) || self.raw.starts_with(&[0xFE, 0xFF]) {
            return Err(self.fault(
                format!("the file is UTF-16, declared is {}", self.encoding.name()),
                "convert it or ask the sender for the declared encoding",
            ));
        }
        if self.raw.starts_with(b"\xEF\xBB\xBF") {
            if self.encoding != Encoding::Utf8 {
                let problem = format!("the file is UTF-8, declared is {}", self.encoding.name());
                return Err(self.fault(problem, "declare UTF-8 for this file if its sender changed it"));
            }
            self.raw.drain(..3);
        }
        Ok(())
    }

    /// Appends the bytes in `raw` to `text`.
    fn decode(&mut self) -> Result<(), Fault> {
        match self.encoding {
            Encoding::Utf8 => match std::str::from_utf8(&self.raw) {
                Ok(text) => self.text.push_str(text),
                Err(error) => return Err(self.not_utf8(error.valid_up_to())),
            },
            Encoding::Gb18030 => {
                let decoded =
                    encoding_rs::GB18030.decode_without_bom_handling_and_without_replacement(&self.raw);
                let Some(text) = decoded else {
                    let problem = "bytes that are no GB18030 characters";
                    return Err(self.fault(problem, "declare the file's true encoding"));
                };
                self.text.push_str(&text);
            }
        }
        let control = |byte: &u8| (*byte < b' ' && *byte != b'\t') || *byte == 0x7F;
        if let Some(at) = self.raw.iter().position(control) {
            let problem = format!("control character 0x{:02X} at byte {}", self.raw[at], at + 1);
            return Err(self.fault(problem, "check that this is a text file and was transferred whole"));
        }
        Ok(())
    }

    fn not_utf8(&self, at: usize) -> Fault {
        let byte = self.raw.get(at).copied().unwrap_or_default();
        let gb =
            encoding_rs::GB18030.decode_without_bom_handling_and_without_replacement(&self.raw).is_some();
        let guess = if gb { "; it reads as GB18030" } else { "" };
        let problem = format!("byte {} (0x{byte:02X}) is not UTF-8, which is declared{guess}", at + 1);
        self.fault(problem, "declare the file's true encoding or ask the sender for UTF-8")
    }
}

impl Encoding {
    /// Its usual name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Gb18030 => "GB18030",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8], encoding: Encoding) -> Result<Vec<String>, Fault> {
        let limits = Limits { bytes: 100, line: 20, lines: 5 };
        let mut lines = Lines::new(bytes, "f", encoding, limits);
        let mut all = Vec::new();
        while let Some(line) = lines.next_line()? {
            all.push(line.to_owned());
        }
        Ok(all)
    }

    #[test]
    fn lines_end_in_any_way_and_the_mark_is_no_text() {
        assert_eq!(all(b"\xEF\xBB\xBFa\r\nb\n\nc", Encoding::Utf8).unwrap(), ["a", "b", "", "c"]);
        assert_eq!(all(b"", Encoding::Utf8).unwrap(), Vec::<String>::new());
        let chinese = encoding_rs::GB18030.encode("对账\n单").0;
        assert_eq!(all(&chinese, Encoding::Gb18030).unwrap(), ["对账", "单"]);
    }

    #[test]
    fn another_encoding_is_named() {
        let gb = encoding_rs::GB18030.encode("a\n对账").0;
        assert_eq!(
            all(&gb, Encoding::Utf8).unwrap_err().to_string(),
            "f, line 2: byte 1 (0xB6) is not UTF-8, which is declared; it reads as GB18030; declare the file's \
             true encoding or ask the sender for UTF-8"
        );
        assert!(all(b"\xFF\xFEa\0", Encoding::Utf8).unwrap_err().problem.contains("UTF-16"));
        assert!(all(b"\xEF\xBB\xBFa", Encoding::Gb18030).unwrap_err().problem.contains("is UTF-8"));
        assert!(all(b"\x80\xFF", Encoding::Gb18030).is_err());
    }

    #[test]
    fn everything_is_bounded() {
        assert_eq!(all(&[b'a'; 20], Encoding::Utf8).unwrap().len(), 1);
        for bad in [&[b'a'; 21][..], b"1\n2\n3\n4\n5\n6\n", b"a\0b", b"a\x1bb"] {
            assert!(all(bad, Encoding::Utf8).is_err(), "{bad:?}");
        }
        let long = b"0123456789012345678\n".repeat(6);
        let mut lines = Lines::new(&long[..], "f", Encoding::Utf8, Limits { bytes: 100, line: 20, lines: 9 });
        let fault = std::iter::from_fn(|| lines.next_line().map(|l| l.map(str::len)).transpose())
            .find_map(Result::err);
        assert_eq!(fault.unwrap().cause, crate::Cause::Limit);
    }
}
