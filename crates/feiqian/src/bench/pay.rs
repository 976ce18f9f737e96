//! Payers pay over HTTP, unsigned: the form of the cashier with cookie, form token and PIN, as a browser sends it.
//!
//! Orders and pages are made before the clock starts; what is measured is the confirmation, which moves the money.

use super::{
    load::{Shape, load},
    server::Server,
    stats::{percentile_ms, rate},
};
use crate::{
    config::Config,
    sandbox::{APP, MERCHANT},
    seed::{self, SANDBOX_PIN},
};
use domain::{Actor, Caller, Command, Reply, records::Digest};
use ledger::AccountId;
use serde::Serialize;
use std::{path::Path, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use types::{Currency, Money, Phone};
use url::form_urlencoded;

type Error = Box<dyn std::error::Error>;

/// What was measured.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct HttpPay {
    /// Connections at once.
    pub(crate) connections: usize,
    /// Payments a second: form checked, money moved, durable, answered.
    pub(crate) payments_per_s: u64,
    /// CPU of the whole process a payment, load generator included.
    pub(crate) cpu_us_per_payment: u64,
    /// Commands a batch, on average: payments, and what their notifications came to.
    pub(crate) batch: u64,
    /// Latency, median.
    pub(crate) p50_ms: f64,
    /// Latency, 99th percentile.
    pub(crate) p99_ms: f64,
    /// Payments made, as the merchant's account tells.
    pub(crate) payments: u64,
    /// Forms that did not lead to a payment.
    pub(crate) errors: u64,
}

/// Payers, each with a session.
const PAYERS: usize = 2_000;
/// Forms prepared a second that is asked for, and at most.
const FORMS_PER_S: u64 = 8_000;
const FORMS_MAX: u64 = 100_000;
/// Fetchers of pages, before the clock starts.
const FETCHERS: usize = 32;
/// One yuan: the fee is not rounded to nothing.
const FEN: i64 = 1_00;

/// Starts a server in this process, and has payers pay.
pub(crate) async fn run(
    folder: &Path,
    config: &Config,
    seconds: u64,
    connections: usize,
) -> Result<HttpPay, Error> {
    let server = Server::start(folder, config).await?;
    let cookies = payers(&server).await?;
    let forms = (FORMS_PER_S * seconds).min(FORMS_MAX);
    let requests = pages(&server, &cookies, forms).await?;
    let taken = || server.service.queries.account(AccountId::merchant_unsettled(MERCHANT, Currency::CNY));
    let (before, asked) = (taken()?.credits_posted, requests.len() as u64);
    let batches = || server.service.engine.stats();
    let first = batches();
    // It ends with the requests. Every payment is counted, in the ledger, so nothing is left out at either end.
    let (lasts, ramp) = (Duration::from_secs(600), Duration::ZERO);
    let shape = Shape { lasts, ramp, connections, rate_per_s: None, status: 303 };
    let loaded = load(server.address, Arc::new(requests), shape).await;
    let payments = u64::try_from((taken()?.credits_posted - before) / FEN)?;
    let last = batches();
    let batch = (last.commands - first.commands) / (last.batches - first.batches).max(1);
    server.stop().await?;
    Ok(HttpPay {
        connections,
        payments_per_s: rate(payments, loaded.elapsed),
        cpu_us_per_payment: loaded.cpu_us / payments.max(1),
        batch,
        p50_ms: percentile_ms(&loaded.latencies, 50),
        p99_ms: percentile_ms(&loaded.latencies, 99),
        payments,
        errors: asked - payments,
    })
}

/// Makes payers with money and a session each; their cookies.
async fn payers(server: &Server) -> Result<Vec<String>, Error> {
    let mut cookies = Vec::with_capacity(PAYERS);
    for first in (0..PAYERS).step_by(100) {
        let tasks: Vec<_> = (first..first + 100)
            .map(|number| {
                let service = Arc::clone(&server.service);
                tokio::spawn(async move {
                    let phone = format!("137{number:08}");
                    let (engine, vault) = (&service.engine, &service.vault);
                    let card = ("bench-token", "0000", 1);
                    let made = seed::payer(engine, vault, &phone, &[], card, Money::cny(900_00)).await;
                    let made = made.map_err(|error| error.to_string())?;
                    let parsed = Phone::parse(&phone).ok_or("a phone number")?;
                    let hashed = Digest(*vault.hasher().phone(&parsed).as_bytes());
                    let code = Digest(*vault.hasher().code("bench", &phone).as_bytes());
                    let told = format!("{number:043}");
                    let token = service.token_hash(&told);
                    let caller = Caller::of(Actor::Payer(made.id));
                    let send = Command::SendCode { phone: hashed, code };
                    engine.run(send, caller.clone()).await.map_err(|error| error.to_string())?;
                    let enter = Command::SignIn { phone: hashed, phone_sealed: Box::default(), code, token };
                    engine.run(enter, caller).await.map_err(|error| error.to_string())?;
                    Ok::<_, String>(format!("feiqian={told}"))
                })
            })
            .collect();
        for task in tasks {
            cookies.push(task.await??);
        }
    }
    Ok(cookies)
}

/// Places orders, opens the cashier for each, and makes the form that the page would post.
async fn pages(server: &Server, cookies: &[String], forms: u64) -> Result<Vec<Vec<u8>>, Error> {
    let tasks: Vec<_> = (0..FETCHERS)
        .map(|part| {
            let (service, address) = (Arc::clone(&server.service), server.address);
            let share: Vec<(u64, String)> = (0..forms)
                .skip(part)
                .step_by(FETCHERS)
                .map(|number| (number, cookies[usize::try_from(number).unwrap_or(0) % cookies.len()].clone()))
                .collect();
            tokio::spawn(async move {
                let mut stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
                let _ = stream.set_nodelay(true);
                let mut made = Vec::with_capacity(share.len());
                for (number, cookie) in share {
                    let terms = seed::load_terms(MERCHANT, APP, &format!("P{number:012}"), FEN);
                    let create = Command::CreateOrder { terms, expires_at: None };
                    let caller = Caller::of(Actor::Merchant(MERCHANT));
                    let Ok(Reply::Order(order)) = service.engine.run(create, caller).await else {
                        return Err("an order was not placed".to_owned());
                    };
                    let url = service.vault.tokens().code_url(order, service.now());
                    let query: String = form_urlencoded::byte_serialize(url.as_bytes()).collect();
                    let page = get(&mut stream, &format!("/pay/code?pr={query}"), &cookie).await;
                    made.push(page.and_then(|page| form(&page, &cookie)).ok_or("no cashier page")?);
                }
                Ok::<_, String>(made)
            })
        })
        .collect();
    let mut all = Vec::with_capacity(usize::try_from(forms)?);
    for task in tasks {
        all.extend(task.await??);
    }
    Ok(all)
}

/// A page, whole.
async fn get(stream: &mut TcpStream, path: &str, cookie: &str) -> Option<String> {
    let head = format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncookie: {cookie}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.ok()?;
    let mut buffer = Vec::with_capacity(32 << 10);
    loop {
        if stream.read_buf(&mut buffer).await.ok()? == 0 {
            return None;
        }
        let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = std::str::from_utf8(&buffer[..end]).ok()?;
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
        })?;
        if buffer.len() >= end + 4 + length {
            return String::from_utf8(buffer.split_off(end + 4)).ok();
        }
    }
}

/// The form of a cashier page, as the browser posts it.
fn form(page: &str, cookie: &str) -> Option<Vec<u8>> {
    let mut fields = form_urlencoded::Serializer::new(String::new());
    for name in ["door", "nonce", "shown", "currency", "kind", "form"] {
        let from = page.split_once(&format!("name=\"{name}\" value=\""))?.1;
        let value =
            from.split_once('"')?.0.replace("&#34;", "\"").replace("&#38;", "&").replace("&quot;", "\"");
        fields.append_pair(name, &value);
    }
    let body = fields.append_pair("source", "balance").append_pair("pin", SANDBOX_PIN).finish();
    let head = format!(
        "POST /pay/confirm HTTP/1.1\r\nhost: 127.0.0.1\r\ncookie: {cookie}\r\nuser-agent: feiqian-bench\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    Some(head.into_bytes())
}
