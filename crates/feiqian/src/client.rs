//! A merchant's side of the wire, for the demo and the benchmark: signs requests, checks answers.

use crypto::{Certificate, PrivateKey, PublicKey, answer::SignedHeaders, request::Caller};
use reqwest::header::HeaderMap;
use types::{MerchantId, Time};

/// A merchant with its key and the platform's public key.
pub(crate) struct Merchant {
    pub(crate) base: String,
    caller: Caller,
    platform_id: String,
    platform_key: PublicKey,
    http: reqwest::Client,
}

/// An answer, checked.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: serde_json::Value,
    /// The signature is the platform's; errors are unsigned and count as not.
    pub(crate) signed: bool,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    #[error("request: {0}")]
    Http(#[from] reqwest::Error),
    #[error("signing: {0}")]
    Sign(String),
}

impl Merchant {
    pub(crate) fn new(
        base: &str,
        mchid: MerchantId,
        certificate: &Certificate,
        key: PrivateKey,
        platform: (&str, PublicKey),
    ) -> Result<Self, ClientError> {
        let caller = Caller { mchid, serial: certificate.serial().to_owned(), key };
        let http = reqwest::Client::builder().no_proxy().build()?;
        let (platform_id, platform_key) = (platform.0.to_owned(), platform.1);
        Ok(Self { base: base.to_owned(), caller, platform_id, platform_key, http })
    }
    /// The `Authorization` header of a request.
    pub(crate) fn authorization(
        &self,
        method: &str,
        target: &str,
        body: &[u8],
        now: Time,
    ) -> Result<String, ClientError> {
        let nonce = crypto::random::nonce().map_err(|error| ClientError::Sign(error.to_string()))?;
        let signed = self.caller.authorization(method, target, body, now, &nonce);
        signed.map_err(|error| ClientError::Sign(error.to_string()))
    }
    pub(crate) async fn post(&self, target: &str, body: &serde_json::Value) -> Result<Answer, ClientError> {
        self.send("POST", target, body.to_string()).await
    }
    pub(crate) async fn get(&self, target: &str) -> Result<Answer, ClientError> {
        self.send("GET", target, String::new()).await
    }
    /// The file at `target`, which the wire serves without a signature of its own (wire §6).
    pub(crate) async fn download(&self, target: &str) -> Result<Vec<u8>, ClientError> {
        let authorization = self.authorization("GET", target, b"", crate::seed::unix_now())?;
        let sent = self.http.get(format!("{}{target}", self.base)).header("authorization", authorization);
        let answer = sent.header("user-agent", "feiqian-demo").send().await?.error_for_status()?;
        Ok(answer.bytes().await?.to_vec())
    }
    async fn send(&self, method: &str, target: &str, body: String) -> Result<Answer, ClientError> {
        let now = crate::seed::unix_now();
        let authorization = self.authorization(method, target, body.as_bytes(), now)?;
        let url = format!("{}{target}", self.base);
        let request = if method == "GET" { self.http.get(url) } else { self.http.post(url) };
        let answer = request
            .header("authorization", authorization)
            .header("accept", "application/json")
            .header("content-type", "application/json")
            .header("wechatpay-serial", &self.platform_id)
            .header("user-agent", "feiqian-demo")
            .body(body)
            .send()
            .await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let bytes = answer.bytes().await?;
        let signed = (200..300).contains(&status) && self.is_signed(&headers, &bytes);
        let body = serde_json::from_slice(&bytes).unwrap_or(serde_json::Value::Null);
        Ok(Answer { status, body, signed })
    }
    /// Whether the five headers sign `body` with the platform's public key.
    pub(crate) fn is_signed(&self, headers: &HeaderMap, body: &[u8]) -> bool {
        let text =
            |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
        let signed = SignedHeaders {
            timestamp: text("wechatpay-timestamp"),
            nonce: text("wechatpay-nonce"),
            signature: text("wechatpay-signature"),
            serial: text("wechatpay-serial"),
            signature_type: text("wechatpay-signature-type"),
        };
        signed.serial == self.platform_id
            && signed.verify(&self.platform_key, body, crate::seed::unix_now()).is_ok()
    }
}
