//! `POST /v3/security/echo`: a merchant tests its signature and its encryption in one call (wire §1.11). The
//! callback that the wire offers beside it is not built; a request that asks for it is refused.

use crate::{
    errors,
    transport::{Answer, Call, Outcome},
};
use crypto::{platform::PlatformError, rsa::FieldError};
use protocol::{ApiError, Location, Text, echo::Echo, issue};

const SERIAL: &str = "wechatpay-serial";
const ENCRYPTED: &str = "/encrypted_echo_message";

/// Answers the message as it came, and the encrypted one encrypted anew for the certificate that signed.
pub(crate) async fn echo(call: Call) -> Outcome {
    let asked = Echo::read(&call.body)?;
    if asked.notify_url.is_some() {
        let issue = Text::fixed("暂不支持自测回调，请勿传", "is not offered yet; leave it out");
        return Err(ApiError::param("/notify_url", None, issue, Location::Body));
    }
    let Some(encrypted) = asked.encrypted_echo_message.clone() else {
        return Ok(Answer::ok(asked.answer(None)));
    };
    let Some(serial) = call.header(SERIAL).map(str::to_owned) else {
        return Err(ApiError::param("Wechatpay-Serial", None, issue::missing(), Location::Header));
    };
    let (keys, merchant, now) = (call.service().keys(), call.merchant.clone(), call.wall_now());
    let signed_by = call.serial.clone();
    // An RSA decryption costs as much as a signature, so it runs where signatures do.
    let work = move || {
        let clear =
            keys.decrypt_field(&serial, &encrypted, now).map_err(|error| field_error(&error, &serial))?;
        let Some(certificate) = merchant.certificate(&signed_by, now) else {
            return Err(errors::broken("the certificate that signed is gone", &signed_by));
        };
        let sealed = certificate.public_key().encrypt_field(clear.expose());
        sealed.map_err(|error| errors::broken("a field can't be encrypted", &error))
    };
    let again = call.service().signing.run(work).await;
    let again = again.map_err(|error| errors::broken("a field can't be decrypted", &error))??;
    Ok(Answer::ok(asked.answer(Some(&again))))
}

/// Why a sensitive field of a request can't be read; always the merchant's to repair.
fn field_error(error: &PlatformError, serial: &str) -> ApiError {
    match error {
        PlatformError::UnknownSerial(_) => {
            let issue = issue::form(
                "本平台有效的证书序列号或公钥 ID",
                "the serial of a valid certificate, or the public-key id, of this platform",
            );
            ApiError::param("Wechatpay-Serial", Some(serial.to_owned()), issue, Location::Header)
        }
        PlatformError::Field(FieldError::Undecryptable | FieldError::TooLong(_)) => {
            let issue = Text::fixed(
                "无法解密，请用 Wechatpay-Serial 对应的平台公钥以 RSA-OAEP 加密",
                "can't be decrypted; encrypt it by RSA-OAEP with the platform key that Wechatpay-Serial names",
            );
            ApiError::param(ENCRYPTED, None, issue, Location::Body)
        }
        other => errors::broken("a field can't be decrypted", other),
    }
}
