//! What a wallet or till shows to be scanned: QR symbols and Code 128 bar codes as inline SVG, and payment
//! codes of 18 digits.
//!
//! The SVG needs no style sheet and no script, so it passes a strict content security policy: colours are
//! attributes, black on white in every colour scheme, with the quiet zone inside the image. A page gives it
//! its size.

mod barcode;
mod payment_code;
mod symbol;

pub use barcode::{BARCODE_MAX, BarcodeError, code128};
pub use payment_code::{PaymentCode, PaymentCodeError, Prefix};
pub use symbol::{QR_MAX, QrError, svg};

/// Opens an image of `width` by `height` modules with its title and white ground.
fn open(width: usize, height: usize, title: &str, aspect: &str) -> String {
    let mut out = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"{aspect} shape-rendering="crispEdges"><title>"#
    );
    for c in title.chars().take(200) {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out.push_str(&format!(
        r##"</title><rect width="{width}" height="{height}" fill="#fff"/><path fill="#000" d=""##
    ));
    out
}

/// Ends an image opened by [`open`].
fn close(mut out: String) -> String {
    out.push_str("\"/></svg>");
    out
}
