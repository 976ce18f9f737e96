//! `GET /v3/certificates`: the platform's certificates, each sealed for the merchant (wire §2).

use crate::sealed::Sealed;
use serde::Serialize;
use types::Time;

/// One certificate of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Serial number, upper-case hex.
    pub serial_no: String,
    /// Start of validity.
    pub effective_time: Time,
    /// End of validity.
    pub expire_time: Time,
    /// The PEM text, sealed; `associated_data` is `certificate`.
    pub encrypted: Sealed,
}

/// The answer, in the order given: put the certificate that signs now first.
#[must_use]
pub fn answer(certificates: &[Certificate]) -> Vec<u8> {
    let data = certificates
        .iter()
        .map(|certificate| Entry {
            serial_no: &certificate.serial_no,
            effective_time: certificate.effective_time.rfc3339(),
            expire_time: certificate.expire_time.rfc3339(),
            encrypt_certificate: &certificate.encrypted,
        })
        .collect();
    crate::body(&Answer { data })
}

#[derive(Serialize)]
struct Answer<'a> {
    data: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    serial_no: &'a str,
    effective_time: String,
    expire_time: String,
    encrypt_certificate: &'a Sealed,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sealed::Algorithm;

    #[test]
    fn the_answer_has_the_members_of_the_wire() {
        let certificate = Certificate {
            serial_no: "5157F09EFDC096DE15EBE81A47057A7232F1B8E1".into(),
            effective_time: Time::from_unix(1_700_000_000),
            expire_time: Time::from_unix(1_857_766_400),
            encrypted: Sealed {
                algorithm: Algorithm::Aes256Gcm,
                nonce: "61f9c719728a".into(),
                associated_data: "certificate".into(),
                ciphertext: "c2VjcmV0".into(),
            },
        };
        let expected = concat!(
            r#"{"data":[{"serial_no":"5157F09EFDC096DE15EBE81A47057A7232F1B8E1","#,
            r#""effective_time":"2023-11-15T06:13:20+08:00","expire_time":"2028-11-14T06:13:20+08:00","#,
            r#""encrypt_certificate":{"algorithm":"AEAD_AES_256_GCM","nonce":"61f9c719728a","#,
            r#""associated_data":"certificate","ciphertext":"c2VjcmV0"}}]}"#,
        );
        assert_eq!(String::from_utf8(answer(&[certificate])).unwrap(), expected);
        assert_eq!(answer(&[]), br#"{"data":[]}"#);
    }
}
