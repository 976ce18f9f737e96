//! A merchant's server: keeps what it gets, answers as told.

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use crypto::{ApiV3Key, answer::SignedHeaders};
use fixture::Fixture;
use serde_json::Value;
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use types::Time;

/// One notification as received.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

type Answer = Box<dyn Fn() -> Response + Send + Sync>;

#[derive(Default)]
struct Kept {
    got: Mutex<Vec<Got>>,
    /// Answers to come; then 204.
    answers: Mutex<VecDeque<Answer>>,
    pause: Mutex<Duration>,
    now: AtomicUsize,
    most: AtomicUsize,
}

/// The server. It ends with the test.
#[derive(Clone)]
pub(crate) struct Merchant {
    kept: Arc<Kept>,
    pub(crate) port: u16,
}

impl Merchant {
    /// Opens on a free port of 127.0.0.1.
    pub(crate) async fn open() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let kept = Arc::new(Kept::default());
        let router = Router::new().fallback(take).with_state(Arc::clone(&kept));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { kept, port }
    }
    /// Where it wants its notifications.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/notify", self.port)
    }
    /// Answers the next notification with this status and body.
    pub(crate) fn answers(&self, status: u16, body: &'static str) {
        let status = StatusCode::from_u16(status).unwrap();
        self.answers_with(move || (status, body).into_response());
    }
    /// Answers the next notification so.
    pub(crate) fn answers_with(&self, answer: impl Fn() -> Response + Send + Sync + 'static) {
        self.kept.answers.lock().unwrap().push_back(Box::new(answer));
    }
    /// Takes that long for each answer.
    pub(crate) fn takes(&self, pause: Duration) {
        *self.kept.pause.lock().unwrap() = pause;
    }
    /// What came so far.
    pub(crate) fn got(&self) -> Vec<Got> {
        self.kept.got.lock().unwrap().clone()
    }
    /// Most notifications in hand at once.
    pub(crate) fn most_at_once(&self) -> usize {
        self.kept.most.load(Ordering::SeqCst)
    }
}

async fn take(State(kept): State<Arc<Kept>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let now = kept.now.fetch_add(1, Ordering::SeqCst) + 1;
    kept.most.fetch_max(now, Ordering::SeqCst);
    kept.got.lock().unwrap().push(Got { path: uri.to_string(), headers, body });
    let pause = *kept.pause.lock().unwrap();
    tokio::time::sleep(pause).await;
    let answer = kept.answers.lock().unwrap().pop_front();
    kept.now.fetch_sub(1, Ordering::SeqCst);
    answer.map_or_else(|| StatusCode::NO_CONTENT.into_response(), |answer| answer())
}

impl Got {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
    /// The notification's id.
    pub(crate) fn id(&self) -> String {
        self.json()["id"].as_str().unwrap().to_owned()
    }
    pub(crate) fn header(&self, name: &str) -> String {
        self.headers.get(name).unwrap_or_else(|| panic!("{name} is missing")).to_str().unwrap().to_owned()
    }
    /// Verifies the signature as a merchant does, and decrypts the resource.
    pub(crate) fn open(&self, fixture: &Fixture, apiv3_key: &str, now: Time) -> Value {
        let signed = SignedHeaders {
            timestamp: self.header("wechatpay-timestamp"),
            nonce: self.header("wechatpay-nonce"),
            signature: self.header("wechatpay-signature"),
            serial: self.header("wechatpay-serial"),
            signature_type: self.header("wechatpay-signature-type"),
        };
        let keys = fixture.service.keys();
        if signed.serial == keys.public_key_id() {
            signed.verify(keys.public_key(), &self.body, now).unwrap();
        } else {
            let named = keys.certificates().iter().find(|certificate| certificate.serial() == signed.serial);
            let certificate = crypto::Certificate::from_pem(named.unwrap().pem()).unwrap();
            signed.verify(certificate.public_key(), &self.body, now).unwrap();
        }
        let resource = &self.json()["resource"];
        assert_eq!(resource["algorithm"], "AEAD_AES_256_GCM");
        let text = |member: &str| resource[member].as_str().unwrap();
        let key = ApiV3Key::parse(apiv3_key).unwrap();
        let clear = key.open(text("nonce"), text("associated_data"), text("ciphertext")).unwrap();
        serde_json::from_slice(clear.expose()).unwrap()
    }
}
