//! Code 128 (ISO/IEC 15417): subset C for digits in pairs, subset B for the rest.

use super::{close, open};

/// The most characters of a bar code; more is too wide for a phone.
pub const BARCODE_MAX: usize = 48;
/// White modules on both sides, as the standard asks.
const QUIET: usize = 10;
/// Height of the bars in modules; a page may stretch it.
const HEIGHT: usize = 40;

const START_B: u8 = 104;
const START_C: u8 = 105;
const TO_B: u8 = 100;
const STOP: &str = "2331112";

/// Widths of bar, space, bar, space, bar, space of each symbol value, 11 modules in all.
const WIDTHS: [&str; 106] = [
    "212222", "222122", "222221", "121223", "121322", "131222", "122213", "122312", "132212", "221213",
    "221312", "231212", "112232", "122132", "122231", "113222", "123122", "123221", "223211", "221132",
    "221231", "213212", "223112", "312131", "311222", "321122", "321221", "312212", "322112", "322211",
    "212123", "212321", "232121", "111323", "131123", "131321", "112313", "132113", "132311", "211313",
    "231113", "231311", "112133", "112331", "132131", "113123", "113321", "133121", "313121", "211331",
    "231131", "213113", "213311", "213131", "311123", "311321", "331121", "312113", "312311", "332111",
    "314111", "221411", "431111", "111224", "111422", "121124", "121421", "141122", "141221", "112214",
    "112412", "122114", "122411", "142112", "142211", "241211", "221114", "413111", "241112", "134111",
    "111242", "121142", "121241", "114212", "124112", "124211", "411212", "421112", "421211", "212141",
    "214121", "412121", "111143", "111341", "131141", "114113", "114311", "411113", "411311", "113141",
    "114131", "311141", "411131", "211412", "211214", "211232",
];

/// Why a text has no bar code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BarcodeError {
    /// Nothing, or more than [`BARCODE_MAX`] characters.
    #[error("the text for a bar code has {0} characters; it must have 1 to {BARCODE_MAX}")]
    Length(usize),
    /// A character that subset B lacks. The text is not repeated: it may be a payment code.
    #[error("character {0} of the text for a bar code is not printable ASCII")]
    Character(usize),
}

/// The Code 128 bar code of `text`, with `title` read out by screen readers. The bars keep their proportions
/// when a page stretches the image.
///
/// # Errors
/// [`BarcodeError`] when the text is empty, too long or not printable ASCII.
pub fn code128(text: &str, title: &str) -> Result<String, BarcodeError> {
    let widths = widths(text)?;
    let total: usize = widths.iter().sum();
    let mut out = open(total + 2 * QUIET, HEIGHT, title, r#" preserveAspectRatio="none""#);
    let mut x = QUIET;
    for pair in widths.chunks(2) {
        let bar = pair[0];
        out.push_str(&format!("M{x} 0h{bar}v{HEIGHT}h-{bar}z"));
        x += pair.iter().sum::<usize>();
    }
    Ok(close(out))
}

/// Widths of bars and spaces in turn, from the first bar to the last.
fn widths(text: &str) -> Result<Vec<usize>, BarcodeError> {
    let mut values = values(text)?;
    values.push(checksum(&values));
    let symbols = values.iter().map(|value| WIDTHS[usize::from(*value)]).chain([STOP]);
    Ok(symbols.flat_map(str::bytes).map(|digit| usize::from(digit - b'0')).collect())
}

/// Symbol values from the start symbol to the last character.
fn values(text: &str) -> Result<Vec<u8>, BarcodeError> {
    let count = text.chars().count();
    if !(1..=BARCODE_MAX).contains(&count) {
        return Err(BarcodeError::Length(count));
    }
    if let Some(at) = text.chars().position(|c| !matches!(c, ' '..='~')) {
        return Err(BarcodeError::Character(at + 1));
    }
    let bytes = text.as_bytes();
    if count == 1 || !bytes.iter().all(u8::is_ascii_digit) {
        return Ok([START_B].into_iter().chain(bytes.iter().map(|b| b - b' ')).collect());
    }
    let pairs = bytes.chunks_exact(2);
    let odd = pairs.remainder().iter().flat_map(|b| [TO_B, b - b' ']);
    let digits = pairs.map(|pair| (pair[0] - b'0') * 10 + (pair[1] - b'0'));
    Ok([START_C].into_iter().chain(digits.chain(odd)).collect())
}

/// Start value plus each value times its place, modulo 103.
fn checksum(values: &[u8]) -> u8 {
    let weighted = values.iter().enumerate().map(|(at, value)| at.max(1) * usize::from(*value));
    u8::try_from(weighted.sum::<usize>() % 103).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Modules as `1` (bar) and `0` (space).
    fn modules(text: &str) -> String {
        let bar = |(at, width): (usize, usize)| if at % 2 == 0 { "1" } else { "0" }.repeat(width);
        widths(text).unwrap().into_iter().enumerate().map(bar).collect()
    }

    #[test]
    fn every_symbol_is_eleven_modules_and_unlike_the_others() {
        for widths in WIDTHS {
            let digits: Vec<u32> = widths.chars().map(|c| c.to_digit(10).unwrap()).collect();
            assert_eq!(digits.iter().sum::<u32>(), 11, "{widths}");
            // The standard's parity: the bars of a symbol are an even number of modules.
            assert_eq!(digits.iter().step_by(2).sum::<u32>() % 2, 0, "{widths}");
        }
        let distinct: std::collections::HashSet<_> = WIDTHS.iter().collect();
        assert_eq!(distinct.len(), WIDTHS.len());
    }

    #[test]
    fn a_known_sample_has_its_known_modules() {
        // Start C, 12, 34, check value (105 + 12 + 2·34) mod 103 = 82, stop.
        let expected = ["11010011100", "10110011100", "10001011000", "10010011110", "1100011101011"];
        assert_eq!(modules("1234"), expected.concat());
        // Start B, "A" = 33, check value (104 + 33) mod 103 = 34, stop.
        assert_eq!(modules("A"), ["11010010000", "10100011000", "10001011000", "1100011101011"].concat());
    }

    #[test]
    fn subsets_and_checksums_follow_the_text() {
        let cases: [(&str, &[u8], u8); 5] = [
            // The worked example of many textbooks, here in subset B: one more than its 54 in subset A.
            ("PJJ123C", &[104, 48, 42, 42, 17, 18, 19, 35], 55),
            ("00", &[105, 0], 2),
            ("123", &[105, 12, 100, 19], 65),
            ("7", &[104, 23], 24),
            ("~ ", &[104, 94, 0], 95),
        ];
        for (text, expected, check) in cases {
            let values = values(text).unwrap();
            assert_eq!(values, expected, "{text}");
            assert_eq!(checksum(&values), check, "{text}");
        }
    }

    #[test]
    fn an_18_digit_code_is_144_modules_and_its_quiet_zones() {
        let svg = code128("281234567890123454", "付款码").unwrap();
        let modules = 11 + 9 * 11 + 11 + 13;
        assert!(svg.contains(&format!("viewBox=\"0 0 {} 40\"", modules + 20)), "{svg}");
        assert!(svg.contains("d=\"M10 0h2v40h-2z"), "{svg}");
        assert!(
            svg.contains("role=\"img\"") && svg.contains("<title>付款码</title>") && !svg.contains("style")
        );
    }

    #[test]
    fn texts_it_cannot_show_are_refused() {
        assert_eq!(code128("", "t"), Err(BarcodeError::Length(0)));
        assert_eq!(code128(&"1".repeat(49), "t"), Err(BarcodeError::Length(49)));
        assert!(code128(&"1".repeat(48), "t").is_ok());
        assert_eq!(code128("ab码", "t"), Err(BarcodeError::Character(3)));
        assert_eq!(code128("a\n", "t"), Err(BarcodeError::Character(2)));
    }
}
