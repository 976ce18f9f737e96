//! The client that posts to merchants.

use super::guard::{Allow, Forbidden, GuardedResolver};
use protocol::notification::{ANSWER_BYTES_MAX, Acknowledgement, acknowledgement};
use reqwest::{Client, Response, header::HeaderMap, redirect::Policy};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use std::{error::Error, sync::Arc, time::Duration};
use url::Url;

/// Characters of an error in a record of an attempt.
const ERROR_MAX: usize = 200;
/// Connections kept open to one host for the next notification.
const IDLE_MAX: usize = 4;
/// How long they are kept: shorter than servers usually do, so that seldom one is used that was just closed.
const IDLE_TIME: Duration = Duration::from_secs(20);

/// What a merchant's server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    /// Whether it acknowledged.
    pub(crate) acknowledged: bool,
    /// HTTP status; 0 when there was no answer.
    pub(crate) status: u16,
    /// Why it failed, at most 200 characters; empty when it did not.
    pub(crate) error: String,
}

impl Said {
    /// No answer came, for this reason.
    pub(crate) fn nothing(reason: &str) -> Self {
        Self { acknowledged: false, status: 0, error: presentable(reason) }
    }
}

/// Posts notifications: no redirects, no proxy, no cookies, no address that is not public, no waiting beyond
/// the limit.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    client: Client,
    within: Duration,
}

/// The client could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("the notification client can't be set up: {0}")]
pub struct ClientError(String);

impl Sender {
    /// `within` bounds a whole exchange, from the resolver's first question to the answer's last byte.
    pub(crate) fn new(allow: Allow, within: Duration) -> Result<Self, ClientError> {
        let client = Client::builder()
            .tls_backend_preconfigured(tls()?)
            .dns_resolver(Arc::new(GuardedResolver(allow)))
            .redirect(Policy::none())
            .no_proxy()
            .referer(false)
            .http1_only()
            // Some receivers look headers up in a plain map, spelled as the official platform spells them.
            .http1_title_case_headers()
            .timeout(within)
            .pool_max_idle_per_host(IDLE_MAX)
            .pool_idle_timeout(IDLE_TIME)
            .user_agent(concat!("Feiqian/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self { client: client.map_err(|error| ClientError(error.to_string()))?, within })
    }

    /// Posts `body` once.
    pub(crate) async fn post(&self, url: Url, headers: HeaderMap, body: Vec<u8>) -> Said {
        let mut answer = match self.client.post(url).headers(headers).body(body).send().await {
            Ok(answer) => answer,
            Err(error) => return Said::nothing(&self.reason(&error)),
        };
        let status = answer.status().as_u16();
        let body = match start_of(&mut answer).await {
            Ok(body) => body,
            Err(error) => {
                let error = presentable(&format!("HTTP {status}, but {}", self.reason(&error)));
                return Said { acknowledged: false, status, error };
            }
        };
        match acknowledgement(status, &body) {
            Acknowledgement::Received => Said { acknowledged: true, status, error: String::new() },
            Acknowledgement::Refused(reason) => {
                Said { acknowledged: false, status, error: presentable(&reason) }
            }
        }
    }

    /// Why there was no (whole) answer. Never the address: its query may name a person.
    fn reason(&self, error: &reqwest::Error) -> String {
        if error.is_timeout() {
            return format!("no answer within {} s", self.within.as_secs_f32());
        }
        let mut root: &dyn Error = error;
        while let Some(source) = root.source() {
            root = source;
        }
        if root.downcast_ref::<Forbidden>().is_some() {
            return root.to_string();
        }
        if error.is_connect() {
            format!("can't connect: {root}")
        } else {
            format!("the exchange broke: {root}")
        }
    }
}

/// Reads an answer as far as it is worth reading: one byte more than that tells that it is too long.
async fn start_of(answer: &mut Response) -> Result<Vec<u8>, reqwest::Error> {
    let mut body = Vec::new();
    while body.len() <= ANSWER_BYTES_MAX
        && let Some(chunk) = answer.chunk().await?
    {
        let room = ANSWER_BYTES_MAX + 1 - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
    }
    Ok(body)
}

/// TLS 1.2 and 1.3 with the provider named, so that it does not depend on who installed which default first,
/// and with the public certificate authorities.
fn tls() -> Result<ClientConfig, ClientError> {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| ClientError(error.to_string()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// One line of at most [`ERROR_MAX`] characters. A merchant's own words may carry a phone or card number, so
/// long runs of digits are blotted out.
fn presentable(text: &str) -> String {
    const DIGITS_MAX: usize = 6;
    let mut shown = String::new();
    let mut digits = String::new();
    for c in text.chars().chain(['\n']) {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        shown.push_str(if digits.len() > DIGITS_MAX { "…" } else { &digits });
        digits.clear();
        shown.push(if c.is_control() { ' ' } else { c });
    }
    shown.trim().chars().take(ERROR_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_short_and_names_nobody() {
        assert_eq!(presentable("HTTP 500 FAIL user 13800000000 not found"), "HTTP 500 FAIL user … not found");
        assert_eq!(presentable("HTTP 404"), "HTTP 404");
        assert_eq!(presentable("a\r\nb\t123456"), "a  b 123456");
        assert_eq!(presentable(&"错".repeat(500)).chars().count(), ERROR_MAX);
    }

    #[test]
    fn the_client_needs_no_default_provider() {
        assert!(rustls::crypto::CryptoProvider::get_default().is_none());
        Sender::new(Allow { loopback: false }, Duration::from_secs(5)).unwrap();
    }
}
