//! One try: what is sent, sealed and signed anew each time (wire §5).

use super::{Content, Load};
use crypto::{
    answer::SignedHeaders,
    platform::{KeyMode, PlatformError},
    random,
};
use domain::notification::NotificationState;
use engine::Fault;
use protocol::{
    Algorithm, Sealed,
    notification::{Event, Notification},
    refund::RefundNotice,
    user_transfer::{BatchNotice, TransferNotice},
};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use service::{
    Service,
    wire::{combined_paid, paid_transaction},
};
use std::time::Duration;
use types::{MerchantId, NotificationId};
use url::Url;

/// What came of preparing.
pub(super) enum Prepared {
    /// Not to be sent now: delivered, given up, or put off since it was offered.
    NotDue,
    /// It can't be sent, and that counts as a try, so that the merchant finds the reason.
    Impossible(String),
    /// To be signed and posted.
    Ready {
        /// Where to.
        url: Url,
        /// The body.
        body: Vec<u8>,
    },
}

/// Builds the body from the record it tells of. Reads the store, so it blocks.
pub(super) fn prepare(
    service: &Service,
    id: NotificationId,
    merchant: MerchantId,
    load: &Load,
) -> Result<Prepared, Fault> {
    let now = service.now();
    let Some(owed) = service.queries.notification(id)? else { return Ok(Prepared::NotDue) };
    let due = owed.state == NotificationState::Pending && owed.next_at.is_some_and(|at| at <= now);
    if !due {
        return Ok(Prepared::NotDue);
    }
    let (content, url) = match load {
        Load::Ready(content, url) => (content, url.clone()),
        Load::Impossible(reason) => return Ok(Prepared::Impossible(reason.clone())),
    };
    let entry = service.directory.find(merchant)?;
    let Some(key) = entry.as_ref().and_then(|entry| entry.apiv3_key.as_ref()) else {
        let reason = "the merchant has no APIv3 key to encrypt with; set one, then send again";
        return Ok(Prepared::Impossible(reason.to_owned()));
    };
    let (event, clear) = match content {
        Content::Paid(order) => {
            let card = order.card.map(|card| service.queries.card(card)).transpose()?.flatten();
            let bank = card.as_ref().map(|card| &*card.bank);
            (Event::TransactionSuccess, paid_transaction(order, bank, service.vault.tokens()).body())
        }
        Content::CombinedPaid(whole) => {
            let view = combined_paid(whole, &*service.queries, service.vault.tokens())?;
            (Event::TransactionSuccess, view.body())
        }
        Content::Refund(refund, order, end) => {
            let card = order.card.map(|card| service.queries.card(card)).transpose()?.flatten();
            let card = card.as_ref().map(|card| (&*card.bank, &*card.tail));
            let view = service::wire::refund(refund, order, card);
            let sub_mchid = refund.terms.partner.map(|_| refund.terms.merchant);
            (Event::Refund(*end), RefundNotice { mchid: merchant, sub_mchid, end: *end, refund: view }.body())
        }
        // Both have ended, so that what is told stays what it was.
        Content::UserTransfer(transfer) => {
            let view = service::user_transfer::bill(transfer, service.vault.tokens());
            (Event::UserTransfer, TransferNotice(view).body())
        }
        Content::TransferBatch(batch) => {
            (Event::TransferBatch, BatchNotice(service::user_transfer::batch(batch)).body())
        }
        Content::Shared(event, notice) => (*event, notice.body()),
        Content::Echo(echo) => (Event::SecurityEcho, echo.message.as_bytes().to_vec()),
    };
    let sealed = match key.encrypt(event.original_type(), &clear) {
        Ok(sealed) => sealed,
        Err(error) => return Ok(Prepared::Impossible(error.to_string())),
    };
    let resource = Sealed {
        algorithm: Algorithm::Aes256Gcm,
        nonce: sealed.nonce,
        associated_data: sealed.associated_data,
        ciphertext: sealed.ciphertext,
    };
    let body = Notification { id: id.wire(), create_time: owed.created_at, event, resource }.body();
    Ok(Prepared::Ready { url, body })
}

/// Why a body could not be signed; none of it is the merchant's fault, so it is no try.
#[derive(Debug, thiserror::Error)]
pub(super) enum SignError {
    /// The signing threads have too much to do.
    #[error(transparent)]
    Overloaded(#[from] service::signing::Overloaded),
    /// No key can sign.
    #[error(transparent)]
    Platform(#[from] PlatformError),
    /// Signing failed.
    #[error(transparent)]
    Sign(#[from] crypto::answer::AnswerError),
    /// No request id could be drawn.
    #[error(transparent)]
    Randomness(#[from] random::NoRandomness),
    /// The store can't be read.
    #[error(transparent)]
    Store(#[from] Fault),
}

/// Times a full signing queue is asked again, and the pause between: about two seconds.
const SIGN_TRIES: u32 = 20;
const SIGN_PAUSE: Duration = Duration::from_millis(100);

/// Signs a body on the signing threads; gives the headers and the body back.
///
/// A merchant in [`KeyMode::Both`] gets the public key's signature, as after the official platform's seven-day ramp
/// (wire §1.8): SDKs set up with the public key alone can't check another, and whoever holds only certificates has
/// the public key switched off.
pub(super) async fn sign(
    service: &Service,
    merchant: MerchantId,
    body: Vec<u8>,
) -> Result<(HeaderMap, Vec<u8>), SignError> {
    let mode = service.directory.find(merchant)?.map_or(KeyMode::Certificate, |entry| entry.key_mode());
    let (mut body, mut tries) = (body, 0);
    let signed = loop {
        // The merchant checks the signature against its own clock, wherever a sandbox's stands.
        let (keys, now, held) = (service.keys(), service.wall_now(), body.clone());
        let signing = service.signing.run(move || -> Result<_, SignError> {
            let signer = keys.callback_signer(mode, true, now)?;
            Ok((SignedHeaders::sign(&signer, &held, now)?, held))
        });
        match signing.await {
            Ok(signed) => {
                let (headers, held) = signed?;
                body = held;
                break headers;
            }
            Err(overloaded) if tries + 1 == SIGN_TRIES => return Err(overloaded.into()),
            Err(_) => {
                tries += 1;
                tokio::time::sleep(SIGN_PAUSE).await;
            }
        }
    };
    let request_id = random::alphanumeric(32)?;
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    for (name, value) in signed.pairs().into_iter().chain([("request-id", &*request_id)]) {
        // Base64, digits, hex and letters are always a header's value.
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    Ok((headers, body))
}
