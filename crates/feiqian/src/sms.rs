//! Texts to phones through an HTTP gateway: each is posted as JSON `{"phone": "…", "text": "…"}` to `sms_url`,
//! with `sms_token` as bearer token. SMS vendors differ only in signing; a small relay of the operator's fits any.

use service::{Message, Messenger};
use std::time::Duration;
use tokio::sync::mpsc;
use types::{Masked, Phone, Secret};

/// Texts that may wait; one more is refused and the payer is told to try again.
const WAITING_MAX: usize = 1000;
/// How long the gateway may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Tries of one text. A sign-in code is useless after five minutes.
const TRIES: u32 = 3;

/// Sends through the gateway, in order, from a task of its own.
#[derive(Debug)]
pub(crate) struct SmsGateway(mpsc::Sender<Message>);

impl SmsGateway {
    /// Starts the task on the current runtime.
    pub(crate) fn start(url: String, token: Secret<String>) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        let (sender, mut waiting) = mpsc::channel::<Message>(WAITING_MAX);
        tokio::spawn(async move {
            while let Some(message) = waiting.recv().await {
                for attempt in 1..=TRIES {
                    let body = serde_json::json!({ "phone": message.phone.expose(), "text": message.text });
                    let request = client
                        .post(&url)
                        .header("content-type", "application/json")
                        .header("authorization", format!("Bearer {}", token.expose()))
                        .body(body.to_string());
                    match request.send().await {
                        Ok(answer) if answer.status().is_success() => break,
                        Ok(answer) => {
                            tracing::warn!(phone = %message.phone, status = answer.status().as_u16(), attempt, "text refused");
                        }
                        Err(error) => {
                            let error = error.without_url();
                            tracing::warn!(phone = %message.phone, %error, attempt, "text not sent");
                        }
                    }
                }
            }
        });
        Ok(Self(sender))
    }
}

impl Messenger for SmsGateway {
    fn send(&self, message: Message) -> Result<(), String> {
        self.0.try_send(message).map_err(|_| format!("{WAITING_MAX} texts are waiting for the SMS gateway"))
    }
    fn kept(&self, _phone: &Phone) -> Vec<Message> {
        Vec::new()
    }
}

/// Refuses every text: production without an SMS gateway.
#[derive(Debug)]
pub(crate) struct NoSms;

impl Messenger for NoSms {
    fn send(&self, _message: Message) -> Result<(), String> {
        Err("no SMS gateway is configured; set sms_url".into())
    }
    fn kept(&self, _phone: &Phone) -> Vec<Message> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{Router, body::Bytes, http::HeaderMap, http::StatusCode, routing::post};
    use std::sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    };
    use types::Time;

    #[tokio::test]
    async fn a_text_is_posted_with_its_token_and_tried_again() {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let (heard, calls) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicU32::new(0)));
        let (keep, count) = (Arc::clone(&heard), Arc::clone(&calls));
        let answer = move |headers: HeaderMap, body: Bytes| async move {
            let token = headers["authorization"].to_str().unwrap().to_owned();
            keep.lock().unwrap().push((token, String::from_utf8(body.to_vec()).unwrap()));
            if count.fetch_add(1, Ordering::SeqCst) == 0 { StatusCode::BAD_GATEWAY } else { StatusCode::OK }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/sms", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/sms", post(answer))).await });
        let gateway = SmsGateway::start(url, Secret::new("t0ken".into())).unwrap();
        let phone = Phone::parse("13800138000").unwrap();
        gateway.send(Message { phone: phone.clone(), at: Time(0), text: "code 1".into() }).unwrap();
        while calls.load(Ordering::SeqCst) < 2 {
            tokio::task::yield_now().await;
        }
        let heard = heard.lock().unwrap();
        assert_eq!(heard[1], ("Bearer t0ken".into(), r#"{"phone":"13800138000","text":"code 1"}"#.into()));
        assert!(gateway.kept(&phone).is_empty());
        assert!(NoSms.send(Message { phone, at: Time(0), text: String::new() }).is_err());
    }
}
