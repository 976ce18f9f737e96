//! A service, its router, and a merchant in front of it.

use crate::transport::Gateway;
use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{HeaderMap, HeaderName, HeaderValue, Request},
};
use bytes::Bytes;
use crypto::{Certificate, PublicKey, answer::SignedHeaders};
use domain::{Command, merchant::MerchantChange};
use engine::Clock;
use fixture::Fixture;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use service::{CardNumbers, KnownCard, Service};
use std::{net::SocketAddr, sync::Arc};
use tower::ServiceExt;
use types::Secret;

pub(super) const NATIVE: &str = "/v3/pay/transactions/native";
pub(super) const MCHID: &str = "1900000001";
pub(super) const APPID: &str = "wx8888888888888888";
pub(super) const LOCAL: &str = "127.0.0.1:40001";

/// Cards of 19 digits; those that end in 9 are of no bank it knows.
pub(crate) struct Cards;

impl CardNumbers for Cards {
    fn known(&self, number: &Secret<String>) -> Option<KnownCard> {
        let digits = number.expose();
        if digits.len() != 19 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let bank = if digits.ends_with('9') { "OTHERS" } else { "ICBC_DEBIT" };
        let token = format!("token of {}", &digits[15..]).into();
        Some(KnownCard { bank: bank.into(), tail: digits[15..].into(), token })
    }
}

/// A router over a fixture whose clock is the one of signatures, too.
pub(super) struct Door {
    pub(super) fixture: Fixture,
    pub(super) gateway: Arc<Gateway>,
    pub(super) router: Router,
}

/// A request before it is sent.
pub(super) struct Ask<'a> {
    door: &'a Door,
    method: &'static str,
    target: String,
    body: Vec<u8>,
    headers: Vec<(&'static str, String)>,
    authorization: Option<String>,
    signed: bool,
    peer: Option<&'static str>,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Door {
    pub(super) fn new() -> Self {
        Self::over(Fixture::new())
    }
    pub(super) fn over(fixture: Fixture) -> Self {
        let (gateway, router) = Self::router(&fixture, &fixture.service);
        Self { fixture, gateway, router }
    }
    /// A router over a service that may be another than the fixture's own.
    pub(super) fn router(fixture: &Fixture, service: &Arc<Service>) -> (Arc<Gateway>, Router) {
        let wall = Arc::clone(&fixture.clock) as Arc<dyn Clock>;
        let gateway = Gateway::new(Arc::clone(service), wall, Arc::new(Cards));
        let router = crate::router_of(Arc::clone(&gateway)).merge(crate::sandbox_router(Arc::clone(service)));
        (gateway, router)
    }
    pub(super) fn change(&self, change: MerchantChange) {
        self.fixture.run(Command::ChangeMerchant(self.fixture.merchant, Box::new(change)));
    }
    pub(super) fn openid(&self) -> String {
        self.fixture.vault().tokens().openid(self.fixture.app, self.fixture.payer)
    }

    /// A signed request.
    pub(super) fn post(&self, target: impl Into<String>, body: &Value) -> Ask<'_> {
        self.raw("POST", target, body.to_string())
    }
    pub(super) fn get(&self, target: impl Into<String>) -> Ask<'_> {
        self.raw("GET", target, "")
    }
    pub(super) fn raw(
        &self,
        method: &'static str,
        target: impl Into<String>,
        body: impl Into<Vec<u8>>,
    ) -> Ask<'_> {
        Ask {
            door: self,
            method,
            target: target.into(),
            body: body.into(),
            headers: Vec::new(),
            authorization: None,
            signed: true,
            peer: Some("192.0.2.7:40000"),
        }
    }
    /// An unsigned request from this machine.
    pub(super) fn local(&self, method: &'static str, target: impl Into<String>, body: &Value) -> Ask<'_> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        Ask { signed: false, peer: Some(LOCAL), ..self.raw(method, target, body) }
    }

    /// A good Native order; `changes` replace members, null removes them.
    pub(super) fn order(&self, number: &str, fen: i64, changes: &Value) -> Value {
        let mut order = json!({
            "appid": APPID,
            "mchid": MCHID,
            "description": "一壶龙井",
            "out_trade_no": number,
            "notify_url": "http://127.0.0.1:9/notify",
            "amount": { "total": fen, "currency": "CNY" },
        });
        let members = order.as_object_mut().expect("an object");
        for (name, value) in changes.as_object().expect("an object") {
            if value.is_null() {
                members.remove(name);
            } else {
                members.insert(name.clone(), value.clone());
            }
        }
        order
    }
    /// Places a Native order and gives its code_url.
    pub(super) async fn place(&self, number: &str, fen: i64) -> String {
        let placed = self.post(NATIVE, &self.order(number, fen, &json!({}))).send().await;
        placed.expect(200)["code_url"].as_str().expect("a code_url").to_owned()
    }
    /// Pays as the fixture's payer.
    pub(super) async fn pay(&self, door: &str, text: &str) -> Answer {
        let asked = json!({ "openid": self.openid(), door: text });
        self.local("POST", "/sandbox/v1/payments", &asked).send().await
    }
    pub(super) fn by_number(&self, number: &str) -> Ask<'_> {
        self.get(format!("/v3/pay/transactions/out-trade-no/{number}?mchid={MCHID}"))
    }
    /// The order's trade_state.
    pub(super) async fn state(&self, number: &str) -> String {
        let order = self.by_number(number).send().await.expect(200);
        order["trade_state"].as_str().expect("a state").to_owned()
    }
}

impl Ask<'_> {
    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
    /// Another `Authorization` than the right one.
    pub(super) fn authorization(mut self, header: impl Into<String>) -> Self {
        self.authorization = Some(header.into());
        self
    }
    pub(super) fn unsigned(mut self) -> Self {
        self.signed = false;
        self
    }
    pub(super) fn from(mut self, peer: Option<&'static str>) -> Self {
        self.peer = peer;
        self
    }

    fn request(self) -> Request<Body> {
        let mut request =
            Request::builder().method(self.method).uri(&self.target).header("host", "127.0.0.1:8080");
        if self.signed {
            let right = || self.door.fixture.authorization(self.method, &self.target, &self.body);
            request = request.header("authorization", self.authorization.unwrap_or_else(right));
        }
        for (name, value) in self.headers {
            request = request.header(HeaderName::from_static(name), HeaderValue::try_from(value).unwrap());
        }
        let mut request = request.body(Body::from(self.body)).unwrap();
        if let Some(peer) = self.peer {
            let peer: SocketAddr = peer.parse().unwrap();
            request.extensions_mut().insert(ConnectInfo(peer));
        }
        request
    }

    pub(super) async fn send(self) -> Answer {
        let router = self.door.router.clone();
        self.send_to(router).await
    }

    pub(super) async fn send_to(self, router: Router) -> Answer {
        let response = router.oneshot(self.request()).await.expect("a router answers");
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("visible ASCII"))
    }
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
    /// The JSON body, after demanding a status.
    #[track_caller]
    pub(super) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self.json()
    }
    /// Demands an error by status and code.
    #[track_caller]
    pub(super) fn refused(&self, status: u16, code: &str) -> Value {
        let body = self.expect(status);
        assert_eq!(body["code"], code, "{body}");
        if status >= 300 {
            assert!(self.header("wechatpay-signature").is_none(), "errors are not signed");
        }
        assert!(self.header("request-id").is_some());
        body
    }
    /// The five headers of a signed answer.
    #[track_caller]
    pub(super) fn signed(&self) -> SignedHeaders {
        let header = |name| self.header(name).unwrap_or_else(|| panic!("no {name}")).to_owned();
        SignedHeaders {
            timestamp: header("wechatpay-timestamp"),
            nonce: header("wechatpay-nonce"),
            signature: header("wechatpay-signature"),
            serial: header("wechatpay-serial"),
            signature_type: header("wechatpay-signature-type"),
        }
    }
    /// Demands a signature by the platform that holds; gives the serial.
    #[track_caller]
    pub(super) fn verified(&self, door: &Door) -> String {
        let headers = self.signed();
        let (keys, now) = (door.fixture.service.keys(), door.fixture.service.now());
        let key: PublicKey = if headers.serial == keys.public_key_id() {
            keys.public_key().clone()
        } else {
            let certificate = keys.certificates().iter().find(|c| c.serial() == headers.serial);
            let certificate = Certificate::from_pem(certificate.expect("a known serial").pem()).unwrap();
            certificate.public_key().clone()
        };
        headers.verify(&key, &self.body, now).expect("the answer's signature holds");
        headers.serial
    }
}
