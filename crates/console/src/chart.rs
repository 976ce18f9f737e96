//! Charts, drawn here as SVG, each with a table that says the same.

use crate::{list::Cell, page::Page, text::show::escape};
use std::borrow::Cow;

/// A picture and its table.
pub(crate) struct Figure {
    pub(crate) id: &'static str,
    pub(crate) title: Cow<'static, str>,
    /// Where the numbers are from.
    pub(crate) note: Cow<'static, str>,
    /// Markup; none while there is nothing to draw.
    pub(crate) picture: Option<String>,
    pub(crate) columns: Vec<Cow<'static, str>>,
    pub(crate) rows: Vec<Vec<Cell>>,
}

/// A bar: what it stands for, how long it is, and its value in words.
pub(crate) struct Bar {
    pub(crate) label: String,
    pub(crate) value: i128,
    pub(crate) shown: String,
    /// `good`, `wait`, `bad` or nothing.
    pub(crate) tone: &'static str,
}

/// Units that every picture is wide.
pub(crate) const WIDTH: i128 = 560;
/// Units from one lying bar to the next.
const LINE: i128 = 50;

/// Units that so many lying bars take.
pub(crate) fn line_height(bars: usize) -> i128 {
    i128::try_from(bars).unwrap_or(0) * LINE + 2
}

/// A lying bar: its words on the left, its value on the right, and the bar itself below them, from `at` and so wide.
pub(crate) fn line(
    out: &mut String,
    place: usize,
    words: (&str, &str),
    tone: &str,
    (at, width): (i128, i128),
) {
    let y = i128::try_from(place).unwrap_or(0) * LINE;
    let text = y + 20;
    out.push_str(&format!(
        "<text x=\"0\" y=\"{text}\">{}</text><text x=\"{WIDTH}\" y=\"{text}\" text-anchor=\"end\">{}</text>\
         <line class=\"grid\" x1=\"0\" x2=\"{WIDTH}\" y1=\"{2}\" y2=\"{2}\"/>",
        escape(words.0),
        escape(words.1),
        y + 42
    ));
    if width > 0 {
        let y = y + 28;
        out.push_str(&format!(
            "<rect class=\"bar {tone}\" x=\"{at}\" y=\"{y}\" width=\"{}\" height=\"14\" rx=\"3\"/>",
            width.max(2)
        ));
    }
}

impl Figure {
    pub(crate) fn new(
        p: &Page,
        id: &'static str,
        note: impl Into<Cow<'static, str>>,
        columns: &[&str],
    ) -> Self {
        Self {
            id,
            title: p.t(&format!("figure-{id}")),
            note: note.into(),
            picture: None,
            columns: columns.iter().map(|key| p.t(key)).collect(),
            rows: Vec::new(),
        }
    }

    /// Upright bars, side by side, one a day; `top` words a value at the axis. Drawn once there are rows, also of zeros.
    pub(crate) fn upright(&mut self, bars: &[Bar], top: impl Fn(i128) -> String) {
        const HEIGHT: i128 = 190;
        const LEFT: i128 = 92;
        const FOOT: i128 = 34;
        if self.rows.is_empty() || bars.is_empty() {
            return;
        }
        let most = bars.iter().map(|bar| bar.value).max().unwrap_or(0);
        let slot = ((WIDTH - LEFT) / i128::try_from(bars.len()).unwrap_or(1)).max(1);
        let floor = HEIGHT - FOOT;
        let y = |value: i128| floor - value.max(0) * (floor - 20) / most.max(1);
        let mut out = self.begin(HEIGHT);
        let mut steps = vec![0, most / 2, most];
        steps.dedup();
        for value in steps {
            let at = y(value);
            out.push_str(&format!(
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{at}\" y2=\"{at}\"/>\
                 <text class=\"axis\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
                LEFT - 8,
                at + 5,
                escape(&top(value))
            ));
        }
        let last = bars.len() - 1;
        for (place, bar) in bars.iter().enumerate() {
            let x = LEFT + i128::try_from(place).unwrap_or(0) * slot;
            let at = y(bar.value);
            if bar.value > 0 {
                out.push_str(&format!(
                    "<rect class=\"bar {}\" x=\"{}\" y=\"{at}\" width=\"{}\" height=\"{}\" rx=\"2\"><title>{}</title></rect>",
                    bar.tone,
                    x + slot / 6,
                    (slot - slot / 3).max(2),
                    (floor - at).max(1),
                    escape(&format!("{} {}", bar.label, bar.shown))
                ));
            }
            let (anchor, middle) = match place {
                0 => ("start", x),
                place if place == last => ("end", x + slot),
                place if place == last / 2 => ("middle", x + slot / 2),
                _ => continue,
            };
            out.push_str(&format!(
                "<text class=\"axis\" x=\"{middle}\" y=\"{}\" text-anchor=\"{anchor}\">{}</text>",
                HEIGHT - 8,
                escape(&bar.label)
            ));
        }
        out.push_str("</svg>");
        self.picture = Some(out);
    }

    /// Lying bars, one below the other, each under its words. Drawn once there are rows, also of zeros.
    pub(crate) fn lying(&mut self, bars: &[Bar]) {
        if self.rows.is_empty() {
            return;
        }
        let most = bars.iter().map(|bar| bar.value.abs()).max().unwrap_or(0).max(1);
        let mut out = self.begin(line_height(bars.len()));
        for (place, bar) in bars.iter().enumerate() {
            let width = bar.value.abs() * WIDTH / most;
            line(&mut out, place, (&bar.label, &bar.shown), bar.tone, (0, width));
        }
        out.push_str("</svg>");
        self.picture = Some(out);
    }

    fn begin(&self, height: i128) -> String {
        format!(
            "<svg class=\"chart\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}\">",
            escape(&self.title)
        )
    }
}
