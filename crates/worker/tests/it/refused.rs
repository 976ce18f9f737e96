//! Tries that fail, and tries that are not made: each leaves a reason on record.

use crate::{eventually, merchant::Merchant, note, setup, work};
use axum::{http::header::LOCATION, response::IntoResponse};
use domain::notification::{Notification, NotificationState};
use engine::ManualClock;
use fixture::{Fixture, START};
use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
    time::Duration,
};
use types::PageRequest;

/// The only notification once a try is on record, and why it failed.
async fn tried(fixture: &Fixture) -> (Notification, String) {
    let page = PageRequest::new(1, None);
    let kept = eventually("a try is on record", || {
        let owed = fixture.service.queries.notifications(None, page).unwrap().rows;
        owed.first().copied().filter(|owed| owed.attempts == 1)
    })
    .await;
    let note = note(&fixture.service, kept.journal);
    (kept, note.split_once(": ").map(|(_, reason)| reason.to_owned()).unwrap_or(note))
}

/// Pays an order notified at `url` and gives what the first try came to.
async fn first_try(fixture: &Fixture, url: &str) -> (Notification, String) {
    let worker = work(fixture);
    fixture.paid_order("pen-000001", 1234, url);
    let came = tried(fixture).await;
    assert!(worker.stop(Duration::from_secs(5)).await);
    came
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_a_sandbox_this_machine_is_never_asked() {
    let merchant = Merchant::open().await;
    let port = merchant.port;
    for (url, reason) in [
        (merchant.url(), "127.0.0.1 is not a public address; nothing is sent there"),
        (format!("http://2130706433:{port}/"), "127.0.0.1 is not a public address; nothing is sent there"),
        (
            format!("http://[::ffff:127.0.0.1]:{port}/"),
            "::ffff:127.0.0.1 is not a public address; nothing is sent there",
        ),
        (format!("http://localhost:{port}/"), "localhost resolves to "),
        (format!("http://user:word@shop.example:{port}/"), "the notify address can't be used: "),
        ("http://nowhere.invalid/notify?phone=13800000000".into(), "nowhere.invalid does not resolve"),
    ] {
        let fixture = Fixture::with(ManualClock::standing(START), |settings| settings.sandbox = false);
        let (kept, why) = first_try(&fixture, &url).await;
        assert!(why.starts_with(reason), "{url}: {why}");
        assert_eq!((kept.state, kept.last_status), (NotificationState::Pending, 0), "{url}");
        assert!(!why.contains("13800000000"), "{why}");
    }
    assert_eq!(merchant.got().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed() {
    let (fixture, merchant, elsewhere) = (Fixture::new(), Merchant::open().await, Merchant::open().await);
    let to = elsewhere.url();
    merchant.answers_with(move || (axum::http::StatusCode::FOUND, [(LOCATION, to.clone())]).into_response());
    let (kept, why) = first_try(&fixture, &merchant.url()).await;
    assert_eq!((kept.last_status, &*why), (302, "HTTP 302"));
    assert_eq!(elsewhere.got().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_mean_what_the_wire_says() {
    for (status, body, delivered, reason) in [
        (200, "", true, ""),
        (200, r#"{"code":"SUCCESS","message":"成功"}"#, true, ""),
        (
            200,
            r#"{"code":"FAIL","message":"order of 13800000000 unknown"}"#,
            false,
            "HTTP 200 FAIL order of … unknown",
        ),
        (204, "", true, ""),
        (400, r#"{"code":"SUCCESS"}"#, false, "HTTP 400"),
        (503, "", false, "HTTP 503"),
    ] {
        let (fixture, merchant) = (Fixture::new(), Merchant::open().await);
        merchant.answers(status, body);
        let (kept, why) = first_try(&fixture, &merchant.url()).await;
        assert_eq!(kept.state == NotificationState::Delivered, delivered, "{status} {body}");
        assert_eq!(kept.last_status, status);
        assert!(delivered || why == reason, "{status} {body}: {why}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_answer_is_read_as_far_as_it_matters() {
    let fixture = Fixture::new();
    let url = raw_server("http", |mut connection| {
        // The answer may not come before the request; its head fits into one read.
        drop(connection.read(&mut [0; 4096]));
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let mut sent = connection.write_all(head.as_bytes());
        let chunk = format!("4000\r\n{}\r\n", "x".repeat(0x4000));
        while sent.is_ok() {
            sent = connection.write_all(chunk.as_bytes());
        }
    });
    let (kept, _) = first_try(&fixture, &url).await;
    // 200 with a body that is no object: received.
    assert_eq!((kept.state, kept.last_status), (NotificationState::Delivered, 200));
}

/// Runs `serve` on a thread for each connection to a new port, and gives its address.
fn raw_server(scheme: &str, serve: impl Fn(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("{scheme}://127.0.0.1:{}/", listener.local_addr().unwrap().port());
    std::thread::spawn(move || listener.incoming().flatten().for_each(serve));
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_and_closed_doors_are_told_apart() {
    let (fixture, merchant) = (Fixture::new(), Merchant::open().await);
    merchant.takes(Duration::from_secs(60));
    let (kept, why) = first_try(&fixture, &merchant.url()).await;
    assert_eq!((kept.last_status, &*why), (0, "no answer within 1.5 s"));
    let waited_ms: u64 = {
        let note = note(&fixture.service, kept.journal);
        note.split(' ').nth(2).and_then(|ms| ms.parse().ok()).unwrap()
    };
    let limit_ms = u64::try_from(setup().delivery.answer_within.as_millis()).unwrap();
    assert!((limit_ms..limit_ms + 1000).contains(&waited_ms), "{waited_ms} ms");

    let fixture = Fixture::new();
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = format!("http://127.0.0.1:{}/", free.local_addr().unwrap().port());
    drop(free);
    let (_, why) = first_try(&fixture, &closed).await;
    assert!(why.starts_with("can't connect: "), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_apiv3_key_the_reason_is_on_record() {
    let (fixture, merchant) = (Fixture::new(), Merchant::open().await);
    let keyless = fixture.another_merchant(1_900_000_002, None);
    let worker = work(&fixture);
    let terms = domain::order::Terms {
        merchant: keyless,
        notify_url: merchant.url().into(),
        ..fixture.terms("pen-000001", 1)
    };
    let order = fixture.place(terms);
    fixture.pay(order);
    let (kept, why) = tried(&fixture).await;
    assert_eq!(why, "the merchant has no APIv3 key to encrypt with; set one, then send again");
    assert_eq!((kept.state, kept.last_status), (NotificationState::Pending, 0));
    assert_eq!(merchant.got().len(), 0);
    assert!(worker.stop(Duration::from_secs(5)).await);
}

/// A certificate that no public authority has signed.
#[tokio::test(flavor = "multi_thread")]
async fn an_untrusted_certificate_is_refused() {
    let fixture = Fixture::new();
    let issued = fixture.service.keys().issue_merchant(fixture.merchant, "shop.example", START).unwrap();
    let config = server_tls(issued.certificate_pem(), issued.key().to_pem().unwrap().expose());
    let url = raw_server("https", move |mut connection| {
        let mut tls = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
        drop(tls.complete_io(&mut connection));
    });
    let (kept, why) = first_try(&fixture, &url).await;
    assert_eq!(kept.last_status, 0);
    assert!(why.contains("certificate"), "{why}");
}

fn server_tls(certificate: &str, key: &str) -> Arc<rustls::ServerConfig> {
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    Arc::new(config)
}
