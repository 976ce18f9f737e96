//! How soon a page of the console begins to arrive when the store holds many orders (`--console`, `--payments`): payments
//! are made by commands as ever, their day is closed and settled, and then every page is asked for over HTTP, one request
//! after the other, each on a connection of its own.

use super::{
    in_process::{self, Load, World},
    machine::{Machine, machine},
    server::Server,
    stats::percentile_ms,
};
use crate::{cli, config::Config, seed};
use domain::{
    Caller, Command, Reply,
    records::Digest,
    staff::{Given, NewPassword, NewStaff, Role},
};
use engine::query::{OrderFilter, Past};
use serde::Serialize;
use service::Service;
use std::{
    fs,
    io::Write,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use types::{OperatorId, Secret};

type Error = Box<dyn std::error::Error>;

/// Payments when none are asked for.
const PAYMENTS: u64 = 100_000;
/// Times each page is asked for.
const TIMES: usize = 60;
/// Hashes of passwords that nobody has: the sessions are made by commands.
const HASH: &str = "$argon2id$bench";
/// How long a day may take to close and be settled.
const PATIENCE: Duration = Duration::from_secs(900);

#[derive(Debug, Serialize)]
struct Report {
    machine: Machine,
    orders: u64,
    pages: Vec<Page>,
}

/// A page, and how soon its first byte came.
#[derive(Debug, Serialize)]
struct Page {
    path: String,
    p50_ms: f64,
    p95_ms: f64,
    most_ms: f64,
    bytes: usize,
}

/// Measures and prints.
pub(super) async fn run(options: &cli::Bench, folder: &Path) -> Result<(), Error> {
    let payments = options.payments.unwrap_or(PAYMENTS);
    let tell = |text: &str| {
        if !options.json {
            let _ = writeln!(std::io::stderr(), "{text}");
        }
    };
    let config = Config::default();
    let server = Server::start(folder, &config).await?;
    tell(&format!("making {payments} payments"));
    let load = Load {
        seconds: 0,
        callers: usize::try_from(options.callers)?,
        payers: usize::try_from(options.payers)?,
        merchants: super::MERCHANTS,
        round: 0,
        keyed: false,
        product: in_process::LoadProduct::default(),
    };
    pay(&server.service, load, payments).await?;
    tell("closing the day");
    let now = server.service.now();
    let later = now.business_day().plus(4).start().plus(10 * types::time::HOUR);
    let seconds = later.since(now) / types::time::SECOND;
    let body = format!("{{\"advance_seconds\":{seconds}}}");
    let (status, _) = ask(server.address, "POST", "/sandbox/v1/clock", "", &body).await?;
    if status != 200 {
        return Err(format!("the sandbox's clock answers {status}").into());
    }
    let merchant = in_process::FIRST_MERCHANT;
    closed(&server.service, merchant).await?;
    tell(&format!("asking for each page {TIMES} times"));
    let finance = session(&server.service, "bench-finance", Role::Finance).await?;
    let administrator = session(&server.service, "bench-admin", Role::Administrator).await?;
    let mut pages = Vec::new();
    for path in paths(&server.service, merchant)? {
        let whose =
            if path.contains("/journal") || path.contains("/people") { &administrator } else { &finance };
        pages.push(page(server.address, path, whose).await?);
    }
    server.stop().await?;
    fs::remove_dir_all(folder)?;
    let report = Report { machine: machine(), orders: payments, pages };
    let mut out = std::io::stdout();
    if options.json {
        writeln!(out, "{}", serde_json::to_string(&report)?)?;
        return Ok(());
    }
    writeln!(
        out,
        "{} orders in the store; first byte of each page over HTTP, {TIMES} times, ms",
        report.orders
    )?;
    writeln!(out, "{:>8} {:>8} {:>8} {:>8}  page", "p50", "p95", "most", "bytes")?;
    for page in &report.pages {
        let Page { path, p50_ms, p95_ms, most_ms, bytes } = page;
        writeln!(out, "{p50_ms:>8.1} {p95_ms:>8.1} {most_ms:>8.1} {bytes:>8}  {path}")?;
    }
    Ok(())
}

/// Makes so many payments, and the merchants and payers for them.
pub(super) async fn pay(service: &Arc<Service>, load: Load, payments: u64) -> Result<Arc<World>, Error> {
    let world = Arc::new(in_process::prepare(&service.engine, &service.vault, load).await?);
    let (next, errors) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let call = |_| {
        let (world, next, errors) = (Arc::clone(&world), Arc::clone(&next), Arc::clone(&errors));
        let engine = service.engine.clone();
        tokio::spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= payments {
                    return;
                }
                let (payer, merchant) = world.scattered(number);
                let (number, now) = (format!("C{number:012}"), seed::unix_now());
                let made =
                    in_process::one(&engine, payer, merchant, in_process::Asks::plain(&number, now)).await;
                errors.fetch_add(u64::from(made.is_none()), Ordering::Relaxed);
            }
        })
    };
    let calls: Vec<_> = (0..load.callers).map(call).collect();
    for call in calls {
        call.await?;
    }
    match errors.load(Ordering::Relaxed) {
        0 => Ok(world),
        errors => Err(format!("{errors} of {payments} payments were not made").into()),
    }
}

/// Whether the newest of the merchant's days that closed is settled.
pub(super) fn settled(service: &Service, merchant: i64) -> Result<bool, Error> {
    let page = types::PageRequest::new(1, None);
    let newest = service.queries.settlements(types::MerchantId(merchant), page)?.rows.pop();
    Ok(newest.is_some_and(|one| one.released_at.is_some()))
}

/// Waits until the merchant's day is settled.
async fn closed(service: &Service, merchant: i64) -> Result<(), Error> {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if settled(service, merchant)? {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Err("the day was not settled in time".into())
}

/// A session of somebody new, with both factors; the cookie's value.
async fn session(service: &Service, name: &str, role: Role) -> Result<String, Error> {
    let run = |command| service.engine.run(command, Caller::platform());
    let hash = || Secret::new(HASH.to_owned());
    let new = NewStaff { name: name.into(), merchant: None, role, password: hash() };
    let Reply::Staff(staff) = run(Command::CreateStaff(Box::new(new))).await? else {
        return Err("no account was made".into());
    };
    let OperatorId(number) = staff;
    let token = |step: u8| format!("{step}{number:0>42}");
    // As the console keeps tokens.
    let kept = |step: u8| Digest(*service.vault.hasher().code("console/token", &token(step)).as_bytes());
    let given = || Given { compared: hash(), right: true };
    run(Command::SignInStaff { staff, given: given(), token: kept(1) }).await?;
    let change = NewPassword { session: kept(1), old: given(), new: hash(), token: kept(2) };
    run(Command::ChangeStaffPassword(Box::new(change))).await?;
    run(Command::EnrolTotp { session: kept(2), secret: Box::from([1]), step: Some(1), token: kept(3) })
        .await?;
    Ok(token(3))
}

/// Every page, of a merchant with a tenth of the orders and of one with a hundredth.
fn paths(service: &Service, merchant: i64) -> Result<Vec<String>, Error> {
    let past = Past {
        merchant: Some(types::MerchantId(merchant)),
        before: i64::MAX,
        from: 0,
        examine: 50_000,
        take: 1,
    };
    let newest = service.queries.orders_back(past, OrderFilter::default())?.rows.pop();
    let order = newest.ok_or("there is no order")?;
    let (large, small) = (format!("merchant={merchant}"), format!("merchant={}", merchant + 1));
    let day = order.paid_at.unwrap_or_default().business_day();
    let mut paths = vec![
        "/console".to_owned(),
        "/console/orders".to_owned(),
        "/console/orders?state=failed".to_owned(),
        format!("/console/orders?from={day}&to={day}&least=1&most=2"),
        format!("/console/orders/{}", order.id),
        format!("/console/search?q={}&{large}", order.terms.number),
        "/console/exceptions".to_owned(),
        "/console/merchants".to_owned(),
        format!("/console/merchants/{merchant}?amount=100&product=native"),
        "/console/people".to_owned(),
        "/console/journal".to_owned(),
        format!("/console/journal?record=order:{}", order.id),
        "/console/refunds".to_owned(),
        "/console/payouts".to_owned(),
    ];
    for of in [&large, &small] {
        paths.push(format!("/console?{of}"));
        for list in
            ["orders", "refunds", "notifications", "balance", "holds", "settlements", "payouts", "bills"]
        {
            paths.push(format!("/console/{list}?{of}"));
        }
    }
    Ok(paths)
}

async fn page(address: SocketAddr, path: String, cookie: &str) -> Result<Page, Error> {
    let mut took = Vec::with_capacity(TIMES);
    let mut bytes = 0;
    for _ in 0..TIMES {
        let began = Instant::now();
        let (status, answer) = ask(address, "GET", &path, cookie, "").await?;
        if !matches!(status, 200 | 303) || answer.to_sign_in {
            return Err(format!("{path} answers {status}").into());
        }
        let micros = answer.first_byte.duration_since(began).as_micros();
        took.push(u32::try_from(micros).unwrap_or(u32::MAX));
        bytes = answer.bytes;
    }
    took.sort_unstable();
    let [p50_ms, p95_ms, most_ms] = [50, 95, 100].map(|percent| percentile_ms(&took, percent));
    Ok(Page { path, p50_ms, p95_ms, most_ms, bytes })
}

struct Answered {
    first_byte: Instant,
    bytes: usize,
    to_sign_in: bool,
}

/// One request on a connection of its own, read to its end.
async fn ask(
    address: SocketAddr,
    method: &str,
    path: &str,
    cookie: &str,
    body: &str,
) -> Result<(u16, Answered), Error> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nCookie: feiqian-console={cookie}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut all = vec![0; 16 * 1024];
    let first = stream.read(&mut all).await?;
    let first_byte = Instant::now();
    all.truncate(first);
    stream.read_to_end(&mut all).await?;
    let head = String::from_utf8_lossy(&all[..all.len().min(2_000)]).into_owned();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let to_sign_in = head.contains("/console/sign-in");
    Ok((status, Answered { first_byte, bytes: all.len(), to_sign_in: status == 303 && to_sign_in }))
}
