//! `POST /v3/security/echo`: a merchant tests its signature, its encryption and its notify address in one call
//! (wire §1.11). The wire leaves open what the notification says; here it is the answer's own body.

use crate::{
    errors, notify_url,
    transport::{Answer, Call, Outcome},
};
use domain::{Command, echo::NewEcho};
use protocol::{ApiError, Location, echo::Echo, issue};

const SERIAL: &str = "wechatpay-serial";
const ENCRYPTED: &str = "/encrypted_echo_message";

/// Answers the message as it came, and the encrypted one encrypted anew for the certificate that signed; owes the
/// same to the notify address, if one is given.
pub(crate) async fn echo(call: Call) -> Outcome {
    let asked = Echo::read(&call.body)?;
    let service = call.service();
    if let Some(url) = &asked.notify_url {
        notify_url::check(url, service.settings.sandbox)?;
    }
    let encrypted = asked.encrypted_echo_message.as_deref();
    let again = match encrypted {
        Some(encrypted) => Some(encrypted_anew(&call, encrypted).await?),
        None => None,
    };
    let answer = asked.answer(again.as_deref());
    if let Some(url) = asked.notify_url {
        // The answer is JSON, so it is text.
        let message = String::from_utf8_lossy(&answer).into();
        let new = NewEcho { merchant: call.mchid(), notify_url: url.into(), message };
        let kept = service.engine.run(Command::Echo(Box::new(new)), call.caller()).await;
        kept.map_err(|refusal| errors::refusal(&refusal))?;
    }
    Ok(Answer::ok(answer))
}

/// The message that came encrypted for the platform, encrypted for the certificate that signed the request.
async fn encrypted_anew(call: &Call, encrypted: &str) -> Result<String, ApiError> {
    let encrypted = encrypted.to_owned();
    let Some(serial) = call.header(SERIAL).map(str::to_owned) else {
        return Err(ApiError::param("Wechatpay-Serial", None, issue::missing(), Location::Header));
    };
    let (keys, merchant, now) = (call.service().keys(), call.merchant.clone(), call.wall_now());
    let signed_by = call.serial.clone();
    // An RSA decryption costs as much as a signature, so it runs where signatures do.
    let work = move || {
        let clear = keys
            .decrypt_field(&serial, &encrypted, now)
            .map_err(|error| errors::field_error(&error, &serial, ENCRYPTED))?;
        let Some(certificate) = merchant.certificate(&signed_by, now) else {
            return Err(errors::broken("the certificate that signed is gone", &signed_by));
        };
        let sealed = certificate.public_key().encrypt_field(clear.expose());
        sealed.map_err(|error| errors::broken("a field can't be encrypted", &error))
    };
    let again = call.service().signing.run(work).await;
    again.map_err(|error| errors::broken("a field can't be decrypted", &error))?
}
