//! The signature with which a merchant's front end opens the cashier (wire §3.3): four lines, merchant key.

use crate::rsa::{BadSignature, PrivateKey, PublicKey, SignFailed};

/// Where the cashier is opened from; it decides the fourth line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scene {
    /// JSAPI page or mini-program: the fourth line is the whole package text, `prepay_id=…`.
    Jsapi,
    /// Native app: the fourth line is the bare prepay id.
    App,
}

/// What the front end hands to the cashier, as texts: they are signed as they stand.
///
/// ```
/// use crypto::{PrivateKey, pay_sign::{Invoke, Scene}};
/// let merchant = PrivateKey::generate()?;
/// let invoke = Invoke {
///     scene: Scene::Jsapi,
///     app_id: "wx8888888888888888",
///     timestamp: "1790000000",
///     nonce: "5K8264ILTKCH16CQ2502SI8ZNMTM67VS",
///     prepay_id: "wx201410272009395522657a690389285100",
/// };
/// let pay_sign = invoke.sign(&merchant)?;
/// invoke.verify(merchant.public_key(), &pay_sign)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invoke<'a> {
    /// The scene.
    pub scene: Scene,
    /// The appid the order was placed with; a partner's sub_appid when the order used one.
    pub app_id: &'a str,
    /// Unix seconds as text.
    pub timestamp: &'a str,
    /// The front end's nonce.
    pub nonce: &'a str,
    /// The bare prepay id in both scenes.
    pub prepay_id: &'a str,
}

impl Invoke<'_> {
    /// The message under the signature.
    #[must_use]
    pub fn message(&self) -> String {
        let package = match self.scene {
            Scene::Jsapi => "prepay_id=",
            Scene::App => "",
        };
        format!("{}\n{}\n{}\n{package}{}\n", self.app_id, self.timestamp, self.nonce, self.prepay_id)
    }

    /// The `paySign` (JSAPI) or `sign` (APP) value, made with the merchant's key.
    ///
    /// # Errors
    /// [`SignFailed`].
    pub fn sign(&self, merchant: &PrivateKey) -> Result<String, SignFailed> {
        merchant.sign(self.message().as_bytes())
    }

    /// Checks the value with the merchant's key. A text with a line feed inside is refused: it could stand for
    /// two different calls.
    ///
    /// # Errors
    /// [`BadSignature`].
    pub fn verify(&self, merchant: &PublicKey, pay_sign: &str) -> Result<(), BadSignature> {
        let texts = [self.app_id, self.timestamp, self.nonce, self.prepay_id];
        if texts.iter().any(|text| text.contains('\n')) {
            return Err(BadSignature);
        }
        merchant.verify(self.message().as_bytes(), pay_sign)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scene_has_its_own_four_lines_and_nothing_else_passes() {
        let key = PrivateKey::generate().unwrap();
        let jsapi = Invoke {
            scene: Scene::Jsapi,
            app_id: "wx1",
            timestamp: "1790000000",
            nonce: "abc",
            prepay_id: "wx2026",
        };
        let app = Invoke { scene: Scene::App, ..jsapi };
        assert_eq!(jsapi.message(), "wx1\n1790000000\nabc\nprepay_id=wx2026\n");
        assert_eq!(app.message(), "wx1\n1790000000\nabc\nwx2026\n");
        let signature = jsapi.sign(&key).unwrap();
        let public = key.public_key();
        assert_eq!(jsapi.verify(public, &signature), Ok(()));
        for other in [
            app,
            Invoke { app_id: "wx2", ..jsapi },
            Invoke { timestamp: "1790000001", ..jsapi },
            Invoke { nonce: "abd", ..jsapi },
            Invoke { prepay_id: "wx2027", ..jsapi },
            // The same message, read with the lines shifted.
            Invoke {
                app_id: "wx1\n1790000000",
                timestamp: "abc",
                nonce: "prepay_id=wx2026",
                prepay_id: "",
                scene: Scene::App,
            },
        ] {
            assert_eq!(other.verify(public, &signature), Err(BadSignature), "{other:?}");
        }
        assert_eq!(jsapi.verify(public, ""), Err(BadSignature));
        assert_eq!(app.verify(public, &app.sign(&key).unwrap()), Ok(()));
    }
}
