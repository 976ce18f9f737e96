//! QR symbols (ISO/IEC 18004).

use super::{close, open};
use qrcode::{Color, EcLevel, QrCode};

/// The most bytes of a text: what the largest symbol of level M holds.
pub const QR_MAX: usize = 2331;
/// White modules around the symbol, as the standard asks.
const QUIET: usize = 4;

/// Why a text has no QR symbol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QrError {
    /// Nothing to show.
    #[error("the text for a QR symbol is empty")]
    Empty,
    /// More than a symbol holds.
    #[error("the text for a QR symbol has {0} bytes; at most {QR_MAX} fit at level M")]
    TooLong(usize),
}

/// The QR symbol of `text`, error correction level M (rules §3), with `title` read out by screen readers.
///
/// # Errors
/// [`QrError`] when the text is empty or too long.
pub fn svg(text: &str, title: &str) -> Result<String, QrError> {
    if text.is_empty() {
        return Err(QrError::Empty);
    }
    let code =
        QrCode::with_error_correction_level(text, EcLevel::M).map_err(|_| QrError::TooLong(text.len()))?;
    let width = code.width();
    let colors = code.to_colors();
    let mut out = open(width + 2 * QUIET, width + 2 * QUIET, title, "");
    for (y, row) in colors.chunks(width).enumerate() {
        let mut x = 0;
        while x < width {
            let run = row[x..].iter().take_while(|color| **color == Color::Dark).count();
            if run > 0 {
                out.push_str(&format!("M{} {}h{run}v1h-{run}z", x + QUIET, y + QUIET));
            }
            x += run.max(1);
        }
    }
    Ok(close(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads our SVG back into rows of modules, without the quiet zone.
    fn modules(svg: &str, width: usize) -> Vec<Vec<bool>> {
        let mut rows = vec![vec![false; width]; width];
        let path = svg.split(" d=\"").nth(1).unwrap().split('"').next().unwrap();
        for run in path.split('z').filter(|run| !run.is_empty()) {
            let (x, rest) = run.strip_prefix('M').unwrap().split_once(' ').unwrap();
            let (y, rest) = rest.split_once('h').unwrap();
            let (length, _) = rest.split_once('v').unwrap();
            let (x, y): (usize, usize) = (x.parse().unwrap(), y.parse().unwrap());
            for at in x..x + length.parse::<usize>().unwrap() {
                rows[y - QUIET][at - QUIET] = true;
            }
        }
        rows
    }

    #[test]
    fn the_picture_is_the_symbol() {
        for text in ["a", "weixin://wxpay/bizpayurl?pr=p4qX2qzzz", "飞钱", &"x".repeat(QR_MAX)] {
            let code = QrCode::with_error_correction_level(text, EcLevel::M).unwrap();
            let width = code.width();
            let svg = svg(text, "t").unwrap();
            assert!(svg.contains(&format!("viewBox=\"0 0 {0} {0}\"", width + 8)), "{text}");
            for (y, row) in modules(&svg, width).iter().enumerate() {
                for (x, dark) in row.iter().enumerate() {
                    assert_eq!(*dark, code[(x, y)] == Color::Dark, "{text} at {x},{y}");
                }
            }
        }
    }

    #[test]
    fn it_is_accessible_and_needs_no_style() {
        let svg = svg("a", "付款 <码> & \"更多\"\n").unwrap();
        assert!(svg.contains("role=\"img\""));
        assert!(svg.contains("<title>付款 &lt;码&gt; &amp; &quot;更多&quot; </title>"));
        assert!(!svg.contains("style") && !svg.contains("<script"));
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>"));
    }

    #[test]
    fn empty_and_too_long_texts_are_refused() {
        assert_eq!(super::svg("", "t"), Err(QrError::Empty));
        assert_eq!(super::svg(&"x".repeat(QR_MAX + 1), "t"), Err(QrError::TooLong(QR_MAX + 1)));
    }
}
