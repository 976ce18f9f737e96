//! What every scene has: the doors of the sandbox, its keys, and the score.

use super::{Error, Heard};
use crate::{
    client::{Answer, Merchant},
    sandbox::{APP, MERCHANT, SandboxFile},
};
use crypto::{Certificate, PrivateKey, PublicKey};
use domain::{Actor, Caller, Command, Reply};
use serde_json::{Value, json};
use service::Service;
use std::{fmt::Display, fs, io::Write, path::Path, path::PathBuf, sync::Arc, time::Duration};
use tokio::sync::mpsc;
use types::{BusinessDay, Money, OperatorId, Time};

/// How long anything may take that the platform does by itself.
const WITHIN: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(20);

/// Says a line of the play.
pub(super) fn say(line: &str) {
    // A closed pipe must not stop the play.
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// How many checks passed and failed.
#[derive(Default)]
pub(super) struct Score {
    pub(super) passed: u32,
    pub(super) failed: u32,
}

impl Score {
    pub(super) fn check(&mut self, what: &str, holds: bool, detail: &dyn Display) {
        let sign = if holds { "✓" } else { "✗" };
        *(if holds { &mut self.passed } else { &mut self.failed }) += 1;
        say(&format!("   {sign} {what}  {detail}"));
    }
}

/// The sandbox as the scenes use it.
pub(super) struct Stage {
    pub(super) made: SandboxFile,
    pub(super) base: String,
    /// The sandbox's data directory.
    pub(super) data: PathBuf,
    pub(super) service: Arc<Service>,
    pub(super) merchant: Merchant,
    pub(super) http: reqwest::Client,
    pub(super) notify_url: String,
    pub(super) heard: mpsc::Receiver<Heard>,
    pub(super) score: Score,
    /// The day that is played.
    pub(super) day: BusinessDay,
}

impl Stage {
    pub(super) async fn new(
        made: SandboxFile,
        base: &str,
        data: &Path,
        service: Arc<Service>,
    ) -> Result<Self, Error> {
        let (notify_url, heard) = super::merchant_server().await?;
        let read = |path: &Path| fs::read_to_string(path);
        let certificate = Certificate::from_pem(&read(&made.merchant.merchant_certificate_path)?)?;
        let key = PrivateKey::from_pem(&read(&made.merchant.merchant_private_key_path)?)?;
        let platform = PublicKey::from_pem(&read(&made.merchant.platform_public_key_path)?)?;
        let known = (made.merchant.platform_public_key_id.as_str(), platform);
        let merchant = Merchant::new(base, MERCHANT, &certificate, key, known)?;
        let http = reqwest::Client::builder().no_proxy().build()?;
        let day = service.now().business_day();
        let (base, data, score) = (base.to_owned(), data.to_owned(), Score::default());
        Ok(Self { made, base, data, service, merchant, http, notify_url, heard, score, day })
    }

    pub(super) fn check(&mut self, what: &str, holds: bool, detail: &dyn Display) {
        self.score.check(what, holds, detail);
    }

    /// Places an order of `fen` to be paid by code.
    pub(super) async fn order(&self, number: &str, what: &str, fen: i64) -> Result<Answer, Error> {
        let order = json!({
            "appid": APP.to_string(), "mchid": MERCHANT.to_string(), "description": what, "out_trade_no": number,
            "notify_url": self.notify_url, "amount": { "total": fen, "currency": "CNY" },
        });
        Ok(self.merchant.post("/v3/pay/transactions/native", &order).await?)
    }

    /// Asks one of the sandbox's own endpoints.
    pub(super) async fn sandbox(&self, path: &str, body: &Value) -> Result<(u16, Value), Error> {
        let sent = self.http.post(format!("{}/sandbox/v1/{path}", self.base)).body(body.to_string());
        let answer = sent.header("content-type", "application/json").send().await?;
        let status = answer.status().as_u16();
        Ok((status, serde_json::from_slice(&answer.bytes().await?).unwrap_or(Value::Null)))
    }

    /// Pays an order as the sandbox's payer, from the balance or the newest card.
    pub(super) async fn pay(&self, code_url: &str, card: bool) -> Result<(u16, Value), Error> {
        let asked = json!({ "openid": self.made.payer_openid, "code_url": code_url, "card": card });
        self.sandbox("payments", &asked).await
    }

    /// Moves the sandbox's clock to `at`.
    pub(super) async fn go(&self, at: Time) -> Result<(), Error> {
        let seconds = at.since(self.service.now()) / types::time::SECOND + 1;
        if seconds > 0 {
            let (status, answer) = self.sandbox("clock", &json!({ "advance_seconds": seconds })).await?;
            if status != 200 {
                return Err(format!("the clock did not move: {status} {answer}").into());
            }
        }
        Ok(())
    }

    /// Waits until `look` finds something; what runs beside requests does it by itself.
    pub(super) async fn until<T>(
        &self,
        what: &str,
        mut look: impl FnMut() -> Result<Option<T>, Error>,
    ) -> Result<T, Error> {
        let deadline = tokio::time::Instant::now() + WITHIN;
        loop {
            if let Some(found) = look()? {
                return Ok(found);
            }
            if tokio::time::Instant::now() > deadline {
                return Err(format!("{what} did not happen in {} s", WITHIN.as_secs()).into());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Has a person of the console decide, by the name that they sign in with.
    pub(super) async fn decide(&self, name: &str, command: Command) -> Result<Reply, Error> {
        let known = self.service.queries.staff_by_name(name)?;
        let id: OperatorId = known.ok_or_else(|| format!("nobody signs in as {name}"))?.id;
        Ok(self.service.engine.run(command, Caller::of(Actor::Operator(id))).await?)
    }
}

/// The text at `pointer`; empty where there is none.
pub(super) fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The number at `pointer`; 0 where there is none.
pub(super) fn number(value: &Value, pointer: &str) -> i64 {
    value.pointer(pointer).and_then(Value::as_i64).unwrap_or_default()
}

/// ¥ and yuan.
pub(super) fn yuan(fen: i64) -> String {
    format!("¥{}", Money::cny(fen))
}
