//! Callers that place and pay orders of one fen until told to stop, whatever happens to the server meanwhile.

use super::Error;
use crate::{
    client::{ClientError, Merchant},
    sandbox::{APP, MERCHANT, SandboxFile},
};
use crypto::{Certificate, PrivateKey, PublicKey};
use serde_json::json;
use std::{
    fs,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// How long a caller waits for an answer.
const ANSWER_MAX: Duration = Duration::from_secs(20);
/// Pause of a caller that was not answered, or asked to slow down.
const PAUSE: Duration = Duration::from_millis(5);
/// How often it is looked whether enough was paid.
const LOOK: Duration = Duration::from_millis(2);

/// A payment that a caller was told of.
#[derive(Debug, Clone)]
pub(super) struct Acknowledged {
    /// The merchant's number.
    pub(super) number: String,
    /// When its order was asked for.
    pub(super) began: Instant,
    /// When the caller was told.
    pub(super) told: Instant,
}

/// A load under way.
pub(super) struct Load {
    shared: Arc<Shared>,
    callers: JoinSet<()>,
}

struct Shared {
    merchant: Merchant,
    http: reqwest::Client,
    base: String,
    openid: String,
    number: u32,
    over: AtomicBool,
    paid: Mutex<Vec<Acknowledged>>,
    /// Requests that a server took and did not answer.
    broken: AtomicU64,
}

impl Shared {
    fn paid(&self) -> MutexGuard<'_, Vec<Acknowledged>> {
        self.paid.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Load {
    pub(super) fn start(made: &SandboxFile, base: String, callers: u32, number: u32) -> Result<Self, Error> {
        let read = |path: &Path| fs::read_to_string(path);
        let certificate = Certificate::from_pem(&read(&made.merchant.merchant_certificate_path)?)?;
        let key = PrivateKey::from_pem(&read(&made.merchant.merchant_private_key_path)?)?;
        let platform = PublicKey::from_pem(&read(&made.merchant.platform_public_key_path)?)?;
        let platform = (made.merchant.platform_public_key_id.as_str(), platform);
        let shared = Arc::new(Shared {
            merchant: Merchant::new(&base, MERCHANT, &certificate, key, platform)?,
            http: reqwest::Client::builder().no_proxy().build()?,
            base,
            openid: made.payer_openid.clone(),
            number,
            over: AtomicBool::new(false),
            paid: Mutex::default(),
            broken: AtomicU64::new(0),
        });
        let mut running = JoinSet::new();
        for caller in 0..callers {
            running.spawn(Arc::clone(&shared).call(caller));
        }
        Ok(Self { shared, callers: running })
    }

    /// Waits until so many payments were acknowledged.
    pub(super) async fn wait_for(&self, payments: usize, limit: Duration) -> Result<(), Error> {
        let since = Instant::now();
        while self.shared.paid().len() < payments {
            if since.elapsed() > limit {
                return Err(format!("not even {payments} payments in {} s", limit.as_secs()).into());
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// Waits for a payment that was begun after `moment`; when its caller was told.
    pub(super) async fn wait_after(&self, moment: Instant, limit: Duration) -> Result<Instant, Error> {
        let since = Instant::now();
        loop {
            let first =
                self.shared.paid().iter().filter(|paid| paid.began > moment).map(|paid| paid.told).min();
            if let Some(told) = first {
                return Ok(told);
            }
            if since.elapsed() > limit {
                return Err(format!("no payment succeeded within {} s", limit.as_secs()).into());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Ends it: what was acknowledged, and how many requests a server took and did not answer.
    pub(super) async fn stop(mut self) -> (Vec<Acknowledged>, u64) {
        self.shared.over.store(true, Ordering::SeqCst);
        while self.callers.join_next().await.is_some() {}
        let paid = std::mem::take(&mut *self.shared.paid());
        (paid, self.shared.broken.load(Ordering::SeqCst))
    }
}

/// Why a payment was not acknowledged.
enum Miss {
    /// Nobody let the caller in.
    Refused,
    /// Somebody did, and did not answer.
    Broken,
    /// Another answer.
    Other,
}

impl From<reqwest::Error> for Miss {
    fn from(error: reqwest::Error) -> Self {
        if error.is_connect() { Self::Refused } else { Self::Broken }
    }
}

impl From<ClientError> for Miss {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Http(error) => error.into(),
            ClientError::Sign(_) => Self::Other,
        }
    }
}

impl Shared {
    async fn call(self: Arc<Self>, caller: u32) {
        for order in 0_u64.. {
            if self.over.load(Ordering::SeqCst) {
                return;
            }
            let number = format!("DRILL{}C{caller}N{order:07}", self.number);
            let began = Instant::now();
            let paid = tokio::time::timeout(ANSWER_MAX, self.pay(&number)).await;
            match paid.unwrap_or(Err(Miss::Broken)) {
                Ok(()) => self.paid().push(Acknowledged { number, began, told: Instant::now() }),
                Err(miss) => {
                    if matches!(miss, Miss::Broken) {
                        self.broken.fetch_add(1, Ordering::SeqCst);
                    }
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    async fn pay(&self, number: &str) -> Result<(), Miss> {
        let order = json!({
            "appid": APP.to_string(), "mchid": MERCHANT.to_string(), "description": "drill",
            "out_trade_no": number, "notify_url": "http://127.0.0.1:9/notify",
            "amount": { "total": 1, "currency": "CNY" },
        });
        let placed = self.merchant.post("/v3/pay/transactions/native", &order).await?;
        let Some(code_url) = placed.body["code_url"].as_str().filter(|_| placed.signed) else {
            return Err(Miss::Other);
        };
        let pay = json!({ "openid": self.openid, "code_url": code_url });
        let target = format!("{}/sandbox/v1/payments", self.base);
        let request = self.http.post(target).header("content-type", "application/json");
        let answer = request.body(pay.to_string()).send().await?;
        let status = answer.status().as_u16();
        answer.bytes().await?;
        if status == 200 { Ok(()) } else { Err(Miss::Other) }
    }
}
