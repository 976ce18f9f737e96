//! openid: what one application calls a payer. Computed both ways, so no table links applications and payers.

use super::Tokens;
use crate::vault::{expand, same};
use aws_lc_rs::cipher::{AES_256, DecryptingKey, DecryptionContext, EncryptingKey, UnboundCipherKey};
use data_encoding::BASE64URL_NOPAD;
use types::{AppId, PayerId};
use zeroize::Zeroizing;

/// Characters of an openid.
const CHARS: usize = 28;
/// `o` and five characters that all openids of an application share.
const TAG_CHARS: usize = 5;
const BLOCK: usize = 16;

impl Tokens {
    /// The payer's name at one application: 28 characters, `o` first. The same payer at two applications has
    /// openids that cannot be linked without the server's key.
    #[must_use]
    pub fn openid(&self, app: AppId, payer: PayerId) -> String {
        let key = AppKey::derive(self, app);
        let mut block = [0; BLOCK];
        block[..8].copy_from_slice(&payer.0.to_be_bytes());
        key.encrypt(&mut block);
        let mut text = String::with_capacity(CHARS);
        text.push('o');
        text.push_str(&key.tag);
        BASE64URL_NOPAD.encode_append(&block, &mut text);
        text
    }

    /// The payer behind an openid; none unless it was made for this application by this server.
    #[must_use]
    pub fn open_openid(&self, app: AppId, text: &str) -> Option<PayerId> {
        if text.len() != CHARS || !text.is_ascii() {
            return None;
        }
        let (tag, block) = text.strip_prefix('o')?.split_at(TAG_CHARS);
        let mut block: [u8; BLOCK] = BASE64URL_NOPAD.decode(block.as_bytes()).ok()?.try_into().ok()?;
        let key = AppKey::derive(self, app);
        if tag != key.tag {
            return None;
        }
        key.decrypt(&mut block);
        let (payer, check) = block.split_first_chunk::<8>()?;
        same(check, &[0; 8]).then_some(PayerId(i64::from_be_bytes(*payer)))
    }
}

/// What one application's openids are made with.
struct AppKey {
    bytes: Zeroizing<[u8; 32]>,
    tag: String,
}

impl AppKey {
    fn derive(tokens: &Tokens, app: AppId) -> Self {
        let info: [&[u8]; 2] = [b"openid", &app.0.to_be_bytes()];
        let derived: Option<[u8; 36]> = expand(&tokens.openid, &info);
        let derived = Zeroizing::new(derived.expect("two blocks of HKDF are always to be had"));
        let (key, tag) = derived.split_first_chunk::<32>().expect("36 bytes hold 32");
        let mut tag = BASE64URL_NOPAD.encode(tag);
        tag.truncate(TAG_CHARS);
        Self { bytes: Zeroizing::new(*key), tag }
    }

    // One block under a key of its own: a pseudo-random permutation, so no chaining mode and no nonce.
    fn encrypt(&self, block: &mut [u8; BLOCK]) {
        EncryptingKey::ecb(self.cipher()).and_then(|key| key.encrypt(block)).expect("AES takes one block");
    }

    fn decrypt(&self, block: &mut [u8; BLOCK]) {
        DecryptingKey::ecb(self.cipher())
            .and_then(|key| key.decrypt(block, DecryptionContext::None).map(|_| ()))
            .expect("AES takes one block");
    }

    fn cipher(&self) -> UnboundCipherKey {
        UnboundCipherKey::new(&AES_256, self.bytes.as_slice()).expect("32 bytes are an AES-256 key")
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tokens, *};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_openid_reads_back_at_its_application_only(payer in any::<i64>(), app in any::<i64>(), other in any::<i64>()) {
            prop_assume!(app != other);
            let (ours, theirs) = (tokens(1), tokens(2));
            let (payer, app, other) = (PayerId(payer), AppId(app), AppId(other));
            let openid = ours.openid(app, payer);
            prop_assert_eq!(openid.len(), CHARS);
            prop_assert!(openid.starts_with('o'));
            prop_assert_eq!(ours.open_openid(app, &openid), Some(payer));
            prop_assert_eq!(ours.open_openid(other, &openid), None);
            prop_assert_eq!(theirs.open_openid(app, &openid), None);
            // Nothing of one application's name for a payer shows in another's.
            prop_assert_ne!(&openid[6..], &ours.openid(other, payer)[6..]);
        }

        #[test]
        fn a_changed_openid_is_nobody(payer in any::<i64>(), place in 0_usize..CHARS, new in "[ -~]") {
            let tokens = tokens(1);
            let app = AppId(5);
            let openid = tokens.openid(app, PayerId(payer));
            let mut changed = openid.clone();
            changed.replace_range(place..=place, &new);
            if changed != openid {
                prop_assert_eq!(tokens.open_openid(app, &changed), None);
            }
            prop_assert_eq!(tokens.open_openid(app, &openid[..place]), None);
        }

        #[test]
        fn any_text_is_answered(text in "\\PC{0,40}", near in "o[0-9A-Za-z_é-]{27}") {
            prop_assert_eq!(tokens(1).open_openid(AppId(5), &text), None);
            prop_assert_eq!(tokens(1).open_openid(AppId(5), &near), None);
        }
    }

    #[test]
    fn openids_are_stable_across_releases() {
        // Merchants store them for ever. The value was computed apart, from HMAC and AES of other programs.
        assert_eq!(tokens(7).openid(AppId(5), PayerId(42)), "oRq_5JNAXed0iNT83GlDaQnWliGA");
    }

    #[test]
    fn openids_of_one_application_share_their_start_only() {
        let tokens = tokens(1);
        let (one, other) = (tokens.openid(AppId(5), PayerId(1)), tokens.openid(AppId(5), PayerId(2)));
        assert_eq!(one[..6], other[..6]);
        assert_ne!(one[6..], other[6..]);
    }
}
