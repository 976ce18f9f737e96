//! Pay once, however often the form is sent: every form that moves money carries a nonce, and the engine keeps
//! the first answer under it.

use crate::{
    app::App,
    form::Posted,
    problem::{Fail, Problem},
    session::Member,
};
use domain::{Command, records::Digest};
use engine::RequestKey;
use types::Time;

/// The field that carries the nonce.
const FIELD: &str = "nonce";
/// Characters of a nonce: the second it was made in, in hexadecimal, and random ones.
const CHARS: usize = 24;
const SECOND_CHARS: usize = 8;

/// A fresh nonce for a form shown now.
pub(crate) fn nonce(now: Time) -> Result<String, Fail> {
    let second = u32::try_from(now.unix()).unwrap_or(u32::MAX);
    Ok(format!("{second:08x}{}", crypto::random::alphanumeric(CHARS - SECOND_CHARS)?))
}

/// The key under which the engine keeps the answer to a form: session and nonce, and what the form asks.
///
/// A double click or a reload sends the same of both and gets the first answer; the same nonce with other
/// content (another PIN after going back) is refused, and the form is shown anew.
///
/// The key of a payment begins with the second in which the form was shown, so that forms sent at about the same time
/// lie together in the store, and a commit writes a few pages of keys instead of one for each. Who changes the second
/// in a nonce has another nonce of its own session, no more. A node of an older version makes another key of the same
/// form: so only for what the order's own state protects as well.
///
/// # Errors
/// [`Fail::Problem`] when the nonce is none of ours.
pub(crate) fn key(
    app: &App,
    member: &Member,
    posted: &Posted,
    command: &Command,
) -> Result<RequestKey, Fail> {
    let nonce = posted.text(FIELD);
    if nonce.len() != CHARS || !nonce.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(Problem::malformed().into());
    }
    let content = serde_json::to_string(command).map_err(|error| Problem::fault(&error.to_string()))?;
    let hasher = app.service().vault.hasher();
    let hash = |subject: &str, text: &str| Digest(*hasher.code(subject, text).as_bytes());
    // The form token stands for the session: it is derived from its secret token.
    let mut key = hash("wallet/request", &format!("{}/{nonce}", member.form_token));
    if matches!(command, Command::PayOrder(_) | Command::PayCombined(_)) {
        // A nonce of an older version begins with no second: its key lies wherever.
        let second = u32::from_str_radix(&nonce[..SECOND_CHARS], 16).unwrap_or_default();
        key.0[..4].copy_from_slice(&second.to_be_bytes());
    }
    Ok((key, hash("wallet/content", &content)))
}
