//! A merchant's side of the wire: signed requests, and answers whose signature is checked (wire §1).

use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::http::{Answer, exchange};
use crate::{Sandbox, must};

/// A merchant with a key, speaking to one server. Cheap calls; share it between threads by reference.
#[derive(Debug)]
pub struct Merchant {
    sandbox: Sandbox,
    key: RsaKeyPair,
    platform: Vec<u8>,
    to: SocketAddr,
}

impl Merchant {
    /// The sandbox's merchant, calling the server at `to`.
    #[track_caller]
    #[must_use]
    pub fn new(sandbox: &Sandbox, to: SocketAddr) -> Self {
        let der = unpem(&sandbox.merchant_private_key);
        Self {
            key: must(RsaKeyPair::from_pkcs8(&der), "the merchant's private key as PKCS#8"),
            platform: unpem(&sandbox.platform_public_key),
            sandbox: sandbox.clone(),
            to,
        }
    }

    /// The sandbox's facts about this merchant.
    #[must_use]
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// A signed request; a 2xx answer must carry a signature that holds.
    ///
    /// # Errors
    /// When the connection fails, as it does while the server is being killed.
    #[track_caller]
    pub fn call(&self, method: &str, target: &str, body: Option<&Value>) -> std::io::Result<Answer> {
        let text = body.map(Value::to_string).unwrap_or_default();
        let authorization = self.authorization(method, target, &text);
        let headers = [
            ("Authorization", authorization.as_str()),
            ("Content-Type", "application/json"),
            ("Accept", "application/json"),
            ("User-Agent", "feiqian-tests"),
            ("Wechatpay-Serial", self.sandbox.platform_public_key_id.as_str()),
        ];
        let answer = exchange(self.to, method, target, &headers, text.as_bytes())?;
        if (200..300).contains(&answer.status) {
            self.check_signature(&answer);
        }
        Ok(answer)
    }

    /// Places a Native order over `total` fen.
    ///
    /// # Errors
    /// When the connection fails.
    #[track_caller]
    pub fn native(&self, out_trade_no: &str, total: i64, notify_url: &str) -> std::io::Result<Answer> {
        let body = json!({
            "appid": self.sandbox.appid,
            "mchid": self.sandbox.mchid,
            "description": "two cups of tea",
            "out_trade_no": out_trade_no,
            "notify_url": notify_url,
            "amount": {"total": total, "currency": "CNY"},
        });
        self.call("POST", "/v3/pay/transactions/native", Some(&body))
    }

    /// Asks for an order by the merchant's own number.
    ///
    /// # Errors
    /// When the connection fails.
    #[track_caller]
    pub fn query(&self, out_trade_no: &str) -> std::io::Result<Answer> {
        let target = format!("/v3/pay/transactions/out-trade-no/{out_trade_no}?mchid={}", self.sandbox.mchid);
        self.call("GET", &target, None)
    }

    /// The `Authorization` header of wire §1.3.
    fn authorization(&self, method: &str, target: &str, body: &str) -> String {
        let random = SystemRandom::new();
        let mut nonce = [0_u8; 16];
        must(random.fill(&mut nonce), "random bytes");
        let nonce: String = nonce.iter().map(|byte| format!("{byte:02X}")).collect();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let text = format!("{method}\n{target}\n{now}\n{nonce}\n{body}\n");
        let mut signature = vec![0; self.key.public_modulus_len()];
        must(self.key.sign(&RSA_PKCS1_SHA256, &random, text.as_bytes(), &mut signature), "signing a request");
        format!(
            "WECHATPAY2-SHA256-RSA2048 mchid=\"{}\",nonce_str=\"{nonce}\",signature=\"{}\",timestamp=\"{now}\",serial_no=\"{}\"",
            self.sandbox.mchid,
            STANDARD.encode(signature),
            self.sandbox.merchant_serial_no
        )
    }

    /// Demands the five signature headers of wire §1.6 and that they hold over the body.
    #[track_caller]
    fn check_signature(&self, answer: &Answer) {
        let header = |name: &str| {
            answer.header(name).unwrap_or_else(|| panic!("a {} answer without {name}", answer.status))
        };
        assert_eq!(header("Wechatpay-Signature-Type"), "WECHATPAY2-SHA256-RSA2048");
        assert_eq!(header("Wechatpay-Serial"), self.sandbox.platform_public_key_id);
        assert!(!header("Request-ID").is_empty());
        let mut text =
            format!("{}\n{}\n", header("Wechatpay-Timestamp"), header("Wechatpay-Nonce")).into_bytes();
        text.extend_from_slice(&answer.body);
        text.push(b'\n');
        let signature = must(STANDARD.decode(header("Wechatpay-Signature")), "Wechatpay-Signature as Base64");
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.platform);
        assert!(key.verify(&text, &signature).is_ok(), "the answer's signature does not hold");
    }
}

/// The bytes inside a PEM block.
#[track_caller]
fn unpem(pem: &str) -> Vec<u8> {
    let inside: String = pem.lines().filter(|line| !line.starts_with("-----")).map(str::trim).collect();
    must(STANDARD.decode(inside), "the inside of a PEM block as Base64")
}
