//! `feiqian demo`: a whole payment played over HTTP against a fresh sandbox, each step checked and told.

use crate::{
    app::App,
    cli,
    client::Merchant,
    config::{Config, Mode},
    database,
    home::Home,
    sandbox::{self, APP, MERCHANT, SandboxFile},
    serve,
};
use axum::{Router, body::Bytes, extract::State, http::HeaderMap, routing::post};
use crypto::{ApiV3Key, Certificate, PrivateKey, PublicKey};
use serde_json::{Value, json};
use std::{
    fmt::Display,
    fs,
    io::Write,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{net::TcpListener, sync::mpsc};
use tokio_util::sync::CancellationToken;

type Error = Box<dyn std::error::Error>;

/// What the merchant's server heard: headers and body.
type Heard = (HeaderMap, Bytes);

/// Plays, and serves on unless told to exit. True when every check passed.
pub(crate) async fn run(options: &cli::Demo) -> Result<bool, Error> {
    let started = Instant::now();
    let folder = std::env::temp_dir().join(format!("feiqian-demo-{}", std::process::id()));
    let home = Home::new(&folder);
    let listen = match TcpListener::bind(options.listen).await {
        Ok(listener) => listener,
        Err(_) => TcpListener::bind("127.0.0.1:0").await?, // taken: any free port will do
    };
    let address = listen.local_addr()?;
    let config = Config { mode: Mode::Sandbox, listen: address, ..Config::default() };
    let config = config.with_database(options.database.as_deref());
    database::must_be_empty(&config)?;
    say("飞钱 Feiqian: one payment, end to end");
    say(&format!("sandbox in {}", folder.display()));
    let app = App::open(&home, &config, crate::nodes::As::Server).await?;
    let made = sandbox::init(&app, &home, &config).await?;
    let service = Arc::clone(&app.service);
    let stop = if options.exit { CancellationToken::new() } else { serve::stop_signal() };
    let server = {
        let (config, stop) = (config.clone(), stop.clone());
        tokio::spawn(async move { serve::serve(app, listen, &config, stop).await })
    };
    let mut play = Play { passed: 0, failed: 0 };
    if let Err(error) = play.all(&made, &config.base()).await {
        play.check("the play ran to its end", false, &error);
    }
    let proof = engine::prove::prove(&*service.queries)?;
    let summary =
        format!("{} accounts, {} transfers, {} orders", proof.accounts, proof.transfers, proof.orders);
    play.check("every money invariant holds", proof.holds(), &summary);
    for failure in &proof.failures {
        say(&format!("     {failure}"));
    }
    drop(service);
    say(&format!("first payment and proof after {} ms", started.elapsed().as_millis()));
    if options.exit {
        stop.cancel();
    } else {
        say("");
        say(&format!(
            "wallet     {}/wallet   sign in as {} (code at /sandbox/v1/messages?phone={}), PIN {}",
            config.base(),
            made.payer_phone,
            made.payer_phone,
            made.payer_pin
        ));
        say(&format!(
            "console    {}/console   names and first passwords in {}",
            config.base(),
            home.sandbox().join("console.json").display()
        ));
        say(&format!("reference  {}/docs", config.base()));
        say(&format!("SDK keys   {}", home.sandbox().join("merchant.json").display()));
        say("Ctrl-C stops it and removes the sandbox.");
    }
    server.await??;
    fs::remove_dir_all(&folder)?;
    say(&format!("{} passed, {} failed", play.passed, play.failed));
    Ok(play.failed == 0)
}

fn say(line: &str) {
    // A closed pipe must not stop the play.
    let _ = writeln!(std::io::stdout(), "{line}");
}

struct Play {
    passed: u32,
    failed: u32,
}

impl Play {
    fn check(&mut self, what: &str, holds: bool, detail: &dyn Display) {
        let sign = if holds { "✓" } else { "✗" };
        if holds {
            self.passed += 1;
        } else {
            self.failed += 1;
        }
        say(&format!("  {sign} {what}  {detail}"));
    }

    async fn all(&mut self, made: &SandboxFile, base: &str) -> Result<(), Error> {
        let (notify_url, mut heard) = merchant_server().await?;
        let read = |path: &Path| fs::read_to_string(path);
        let certificate = Certificate::from_pem(&read(&made.merchant.merchant_certificate_path)?)?;
        let key = PrivateKey::from_pem(&read(&made.merchant.merchant_private_key_path)?)?;
        let platform = PublicKey::from_pem(&read(&made.merchant.platform_public_key_path)?)?;
        let merchant = Merchant::new(
            base,
            MERCHANT,
            &certificate,
            key,
            (&made.merchant.platform_public_key_id, platform),
        )?;
        let http = reqwest::Client::builder().no_proxy().build()?;

        say("1 the merchant places an order");
        let order = json!({
            "appid": APP.to_string(), "mchid": MERCHANT.to_string(), "description": "拿铁 Latte",
            "out_trade_no": "DEMO-0001", "notify_url": notify_url, "amount": { "total": 28_00, "currency": "CNY" },
        });
        let placed = merchant.post("/v3/pay/transactions/native", &order).await?;
        let code_url = text(&placed.body, "/code_url");
        self.check(
            "signed request accepted, signed answer verified",
            placed.status == 200 && placed.signed,
            &code_url,
        );

        say("2 the payer scans and pays from the balance");
        let pay = json!({ "openid": made.payer_openid, "code_url": code_url });
        let paid = http
            .post(format!("{base}/sandbox/v1/payments"))
            .body(pay.to_string())
            .header("content-type", "application/json")
            .send()
            .await?;
        let status = paid.status().as_u16();
        let paid: Value = serde_json::from_slice(&paid.bytes().await?)?;
        self.check(
            "paid: hold, post and fee in one transaction",
            status == 200,
            &text(&paid, "/transaction_id"),
        );

        say("3 the merchant is notified");
        let (headers, body) = tokio::time::timeout(Duration::from_secs(10), heard.recv())
            .await?
            .ok_or("the merchant's server ended")?;
        let apiv3_key = ApiV3Key::parse(&made.merchant.apiv3_key)?;
        let notification: Value = serde_json::from_slice(&body)?;
        let signed = is_signed_by_platform(&headers, &body, made);
        self.check("signature verified", signed, &text(&notification, "/id"));
        let clear = apiv3_key.open(
            &text(&notification, "/resource/nonce"),
            &text(&notification, "/resource/associated_data"),
            &text(&notification, "/resource/ciphertext"),
        )?;
        let transaction: Value = serde_json::from_slice(clear.expose())?;
        let right = transaction.pointer("/amount/total") == Some(&json!(28_00))
            && text(&transaction, "/out_trade_no") == "DEMO-0001"
            && text(&transaction, "/trade_state") == "SUCCESS";
        self.check(
            "decrypted with the APIv3 key, amount and number match",
            right,
            &text(&transaction, "/success_time"),
        );

        say("4 the merchant asks again");
        let query = format!("/v3/pay/transactions/out-trade-no/DEMO-0001?mchid={MERCHANT}");
        let asked = merchant.get(&query).await?;
        self.check(
            "query says SUCCESS",
            text(&asked.body, "/trade_state") == "SUCCESS",
            &text(&asked.body, "/trade_state_desc"),
        );
        let again = http
            .post(format!("{base}/sandbox/v1/payments"))
            .body(pay.to_string())
            .header("content-type", "application/json")
            .send()
            .await?;
        self.check(
            "the same order can't be paid twice",
            !again.status().is_success(),
            &again.status().as_u16(),
        );
        let other = json!({
            "appid": APP.to_string(), "mchid": MERCHANT.to_string(), "description": "拿铁 Latte",
            "out_trade_no": "DEMO-0001", "notify_url": notify_url, "amount": { "total": 1, "currency": "CNY" },
        });
        let refused = merchant.post("/v3/pay/transactions/native", &other).await?;
        self.check(
            "the number can't be used for another order",
            refused.status >= 400,
            &text(&refused.body, "/code"),
        );

        say("5 the merchant scans the payer's payment code");
        let code = json!({ "openid": made.payer_openid });
        let code = http
            .post(format!("{base}/sandbox/v1/payment-codes"))
            .body(code.to_string())
            .header("content-type", "application/json")
            .send()
            .await?;
        let code: Value = serde_json::from_slice(&code.bytes().await?)?;
        let scan = json!({
            "appid": APP.to_string(), "mchid": MERCHANT.to_string(), "description": "牛角包 Croissant",
            "out_trade_no": "DEMO-0002", "amount": { "total": 12_00, "currency": "CNY" },
            "payer": { "auth_code": text(&code, "/auth_code") }, "scene_info": { "store_info": { "id": "S1" } },
        });
        let scanned = merchant.post("/v3/pay/transactions/codepay", &scan).await?;
        self.check(
            "paid at once, without a PIN",
            text(&scanned.body, "/trade_state") == "SUCCESS",
            &text(&scanned.body, "/transaction_id"),
        );

        say("6 an order nobody pays is closed");
        let unpaid = json!({
            "appid": APP.to_string(), "mchid": MERCHANT.to_string(), "description": "美式 Americano",
            "out_trade_no": "DEMO-0003", "notify_url": notify_url, "amount": { "total": 20_00 },
        });
        merchant.post("/v3/pay/transactions/native", &unpaid).await?;
        let close = format!("/v3/pay/transactions/out-trade-no/{}/close", "DEMO-0003");
        let closed = merchant.post(&close, &json!({ "mchid": MERCHANT.to_string() })).await?;
        self.check("204, signed although empty", closed.status == 204 && closed.signed, &closed.status);
        Ok(())
    }
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Checks a callback with whichever platform key it names, as a merchant must (wire §1.8).
fn is_signed_by_platform(headers: &HeaderMap, body: &[u8], made: &SandboxFile) -> bool {
    let get = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    let serial = get("wechatpay-serial");
    let path = if serial == made.merchant.platform_public_key_id {
        &made.merchant.platform_public_key_path
    } else if serial == made.merchant.platform_certificate_serial {
        &made.merchant.platform_certificate_path
    } else {
        return false;
    };
    let Ok(pem) = fs::read_to_string(path) else { return false };
    let Ok(key) = PublicKey::from_pem(&pem) else { return false };
    let signed = crypto::answer::SignedHeaders {
        timestamp: get("wechatpay-timestamp"),
        nonce: get("wechatpay-nonce"),
        signature: get("wechatpay-signature"),
        serial,
        signature_type: get("wechatpay-signature-type"),
    };
    signed.verify(&key, body, crate::seed::unix_now()).is_ok()
}

/// A merchant's server that acknowledges notifications and passes them on.
async fn merchant_server() -> Result<(String, mpsc::Receiver<Heard>), Error> {
    let (tell, heard) = mpsc::channel(16);
    let acknowledge = |State(tell): State<mpsc::Sender<Heard>>, headers: HeaderMap, body: Bytes| async move {
        let _ = tell.send((headers, body)).await; // the play may be over
        axum::http::StatusCode::NO_CONTENT
    };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/notify", listener.local_addr()?);
    let router = Router::new().route("/notify", post(acknowledge)).with_state(tell);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok((url, heard))
}
