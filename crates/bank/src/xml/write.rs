//! Writes XML.

use super::allowed;
use intake::Fault;
use std::io::{self, Write};
use types::Money;

/// Writes a message element by element, indented, in the order it is told.
pub(crate) struct Writer<W> {
    out: W,
    file: String,
    open: Vec<&'static str>,
    line: u64,
}

impl<W: Write> Writer<W> {
    /// Begins message `kind`, such as `pain.001.001.09`; messages of errors call it `file`.
    pub(crate) fn new(out: W, file: &str, kind: &str) -> Result<Self, Fault> {
        let mut writer = Self { out, file: file.to_owned(), open: Vec::new(), line: 0 };
        writer.raw("<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
        writer.raw(&format!("<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:{kind}\">"))?;
        writer.open.push("Document");
        Ok(writer)
    }

    /// Opens elements inside one another; `path` parts them by `/`.
    pub(crate) fn open(&mut self, path: &'static str) -> Result<(), Fault> {
        for name in path.split('/') {
            self.raw(&format!("{}<{name}>", self.indent()))?;
            self.open.push(name);
        }
        Ok(())
    }

    /// Closes the innermost `count` elements.
    pub(crate) fn close(&mut self, count: usize) -> Result<(), Fault> {
        for _ in 0..count {
            let Some(name) = self.open.pop() else { return Ok(()) };
            self.raw(&format!("{}</{name}>", self.indent()))?;
        }
        Ok(())
    }

    /// Writes text of 1 to `most` characters into elements inside one another.
    pub(crate) fn text(&mut self, path: &'static str, text: &str, most: usize) -> Result<(), Fault> {
        let characters = text.chars().count();
        let problem = match () {
            () if text.trim().is_empty() => Some("is empty".to_owned()),
            () if characters > most => Some(format!("has {characters} characters, at most {most} fit")),
            () if !text.chars().all(allowed) => Some("holds a control character".to_owned()),
            () => None,
        };
        if let Some(problem) = problem {
            let place = format!("{}/{path}", self.open.join("/"));
            return Err(Fault::format(
                &self.file,
                self.line,
                problem,
                "correct the value and write it again",
            )
            .at(place));
        }
        self.leaf(path, "", &escape(text))
    }

    /// As [`Writer::text`], where there may be none.
    pub(crate) fn text_if(
        &mut self,
        path: &'static str,
        text: Option<&str>,
        most: usize,
    ) -> Result<(), Fault> {
        text.map_or(Ok(()), |text| self.text(path, text, most))
    }

    /// Writes an amount with its currency.
    pub(crate) fn money(&mut self, path: &'static str, amount: Money) -> Result<(), Fault> {
        if amount.minor < 0 {
            let place = format!("{}/{path}", self.open.join("/"));
            let problem = format!("{amount} is negative");
            return Err(Fault::format(
                &self.file,
                self.line,
                problem,
                "correct the value and write it again",
            )
            .at(place));
        }
        self.leaf(path, &format!(" Ccy=\"{}\"", amount.currency.code()), &amount.to_string())
    }

    /// Closes what is open and gives the sink back.
    pub(crate) fn finish(mut self) -> Result<W, Fault> {
        self.close(self.open.len())?;
        self.out.flush().map_err(|error| Fault::io(&self.file, self.line, &error))?;
        Ok(self.out)
    }

    fn leaf(&mut self, path: &'static str, attribute: &str, escaped: &str) -> Result<(), Fault> {
        let (outer, name) = path.rsplit_once('/').map_or((None, path), |(outer, name)| (Some(outer), name));
        let depth = outer.map_or(0, |outer| outer.split('/').count());
        if let Some(outer) = outer {
            self.open(outer)?;
        }
        self.raw(&format!("{}<{name}{attribute}>{escaped}</{name}>", self.indent()))?;
        self.close(depth)
    }

    fn indent(&self) -> String {
        "  ".repeat(self.open.len())
    }

    fn raw(&mut self, line: &str) -> Result<(), Fault> {
        self.line += 1;
        let written: io::Result<()> =
            self.out.write_all(line.as_bytes()).and_then(|()| self.out.write_all(b"\n"));
        written.map_err(|error| Fault::io(&self.file, self.line, &error))
    }
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            // Line ends would be changed by a reader that normalises them.
            '\r' => escaped.push_str("&#13;"),
            c => escaped.push(c),
        }
    }
    escaped
}
