//! `feiqian demo`: a whole day of a shop's money, played over HTTP against a fresh sandbox, each step checked and told.

mod books;
mod shop;
mod stage;
mod till;

use crate::{
    app::App,
    cli,
    config::{Config, Mode},
    database,
    home::Home,
    sandbox::{self, SandboxFile},
    serve::{self, Pace},
};
use axum::{Router, body::Bytes, extract::State, http::HeaderMap, routing::post};
use crypto::PublicKey;
use stage::{Stage, say};
use std::{fs, sync::Arc, time::Duration, time::Instant};
use tokio::{net::TcpListener, sync::mpsc};
use tokio_util::sync::CancellationToken;

type Error = Box<dyn std::error::Error>;

/// What the merchant's server heard: headers and body.
type Heard = (HeaderMap, Bytes);

/// How often the sandbox looks for what is due: a day passes in a second here.
const PACE: Pace = Pace {
    settlement: Duration::from_millis(100),
    bank: Duration::from_millis(100),
    reconciliation: Duration::from_millis(100),
};

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
    say("飞钱 Feiqian: a day of a shop's money, from the order to the books");
    say(&format!("sandbox in {}", folder.display()));
    let app = App::open(&home, &config, crate::nodes::As::Server).await?;
    let made = sandbox::init(&app, &home, &config).await?;
    let service = Arc::clone(&app.service);
    let stop = if options.exit { CancellationToken::new() } else { serve::stop_signal() };
    let server = {
        let (config, stop) = (config.clone(), stop.clone());
        tokio::spawn(async move { serve::serve_at(PACE, app, listen, &config, stop).await })
    };
    let mut stage = Stage::new(made.clone(), &config.base(), &folder, Arc::clone(&service)).await?;
    if let Err(error) = play(&mut stage).await {
        stage.check("the play ran to its end", false, &error);
    }
    say("14 the proof: every money invariant over the whole store");
    let proof = engine::prove::prove(&*service.queries)?;
    let summary = format!(
        "{} invariants over {} accounts, {} transfers, {} orders",
        proof.invariants.len(),
        proof.accounts,
        proof.transfers,
        proof.orders
    );
    stage.check("every money invariant holds", proof.holds(), &summary);
    for failure in &proof.failures {
        say(&format!("     {failure}"));
    }
    let score = std::mem::take(&mut stage.score);
    drop((stage, service));
    say(&format!("played and proved in {} ms", started.elapsed().as_millis()));
    if options.exit {
        stop.cancel();
    } else {
        serving(&config, &home, &made);
    }
    server.await??;
    fs::remove_dir_all(&folder)?;
    say(&format!("{} passed, {} failed", score.passed, score.failed));
    Ok(score.failed == 0)
}

async fn play(stage: &mut Stage) -> Result<(), Error> {
    // The shop's day must not end while it is played.
    let midnight = stage.day.next().start();
    if midnight.since(stage.service.now()) < 10 * types::time::MINUTE {
        stage.go(midnight).await?;
        stage.day = midnight.business_day();
    }
    shop::play(stage).await?;
    till::play(stage).await?;
    books::play(stage).await
}

/// Tells where everything is, and the generated sign-ins, once.
fn serving(config: &Config, home: &Home, made: &SandboxFile) {
    let base = config.base();
    let (phone, pin) = (&made.payer_phone, &made.payer_pin);
    say("");
    say(&format!(
        "wallet     {base}/wallet   sign in as {phone} (code at /sandbox/v1/messages?phone={phone}), PIN {pin}"
    ));
    say(&format!("console    {base}/console"));
    let people = fs::read(home.sandbox().join("console.json")).unwrap_or_default();
    let people: Vec<serde_json::Value> = serde_json::from_slice(&people).unwrap_or_default();
    for person in &people {
        let told = |name: &str| stage::text(person, &format!("/{name}"));
        say(&format!(
            "             {:<10} first password {}   ({})",
            told("name"),
            told("password"),
            told("role")
        ));
    }
    say(&format!("reference  {base}/docs"));
    say(&format!("SDK keys   {}", home.sandbox().join("merchant.json").display()));
    say("Ctrl-C stops it and removes the sandbox.");
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
