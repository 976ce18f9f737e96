//! Bare HTTP: the same requests over the same connections, answered by a server that does nothing but verify one
//! signature and make another. No routes, no rules, no ledger, nothing on disk: what is left beside RSA is the sockets,
//! the HTTP library and the load generator, so that no real server of this kind comes nearer to RSA alone.

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    serve::ListenerExt,
};
use crypto::{PrivateKey, answer::HEADER_NAMES};
use service::{Metrics, SigningThreads};
use std::{net::SocketAddr, sync::Arc};
use tokio::{
    net::TcpListener,
    runtime::Handle,
    task::{JoinError, JoinHandle},
};
use tokio_util::sync::CancellationToken;

type Error = Box<dyn std::error::Error>;

/// As long as what is signed of an order's answer.
const MESSAGE: [u8; 120] = [b'x'; 120];
/// As long as the answer to an order.
const ANSWER: &str = r#"{"code_url":"weixin://wxpay/bizpayurl?pr=0123456789abcdef"}"#;

struct Keys {
    key: PrivateKey,
    /// Of [`MESSAGE`].
    signature: String,
    threads: SigningThreads,
}

/// A running server.
pub(crate) struct Bare {
    pub(crate) address: SocketAddr,
    stop: CancellationToken,
    ends: JoinHandle<std::io::Result<()>>,
}

impl Bare {
    /// Starts it, with as many signing threads as the product has.
    pub(crate) async fn start(key: PrivateKey, threads: usize) -> Result<Self, Error> {
        let signature = key.sign(&MESSAGE)?;
        let threads = SigningThreads::start(threads, Metrics::default(), Some(&Handle::current()));
        let router = Router::new().fallback(answer).with_state(Arc::new(Keys { key, signature, threads }));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, stop) = (listener.local_addr()?, CancellationToken::new());
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        let stopped = stop.clone().cancelled_owned();
        let ends =
            tokio::spawn(async move { axum::serve(listener, router).with_graceful_shutdown(stopped).await });
        Ok(Self { address, stop, ends })
    }
    /// Ends it.
    pub(crate) async fn stop(self) -> Result<std::io::Result<()>, JoinError> {
        self.stop.cancel();
        self.ends.await
    }
}

async fn answer(State(keys): State<Arc<Keys>>, body: Bytes) -> Response {
    if body.is_empty() || keys.key.public_key().verify(&MESSAGE, &keys.signature).is_err() {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let key = keys.key.clone();
    let Ok(Ok(signature)) = keys.threads.run(move || key.sign(&MESSAGE)).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let Ok(signature) = HeaderValue::try_from(signature) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut response = ANSWER.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    for name in HEADER_NAMES {
        let value = if name.ends_with("signature") {
            signature.clone()
        } else {
            HeaderValue::from_static("0123456789abcdef")
        };
        headers.insert(HeaderName::from_static(name), value);
    }
    response
}
