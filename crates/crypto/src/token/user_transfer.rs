//! `package_info` of a transfer to a user: says which transfer, and proves it by a MAC. It opens the page on which the user
//! confirms; that only the user can do, so the text is no secret of the user's.

use super::Tokens;
use crate::vault::same;
use aws_lc_rs::hmac;
use data_encoding::BASE64URL_NOPAD;
use types::UserTransferId;

const MAC_BYTES: usize = 16;

impl Tokens {
    /// The text: 32 URL-safe characters, the same each time.
    #[must_use]
    pub fn package_info(&self, transfer: UserTransferId) -> String {
        let mut packed = [0; 8 + MAC_BYTES];
        packed[..8].copy_from_slice(&transfer.0.to_be_bytes());
        packed[8..].copy_from_slice(&self.transfer_mac(transfer));
        BASE64URL_NOPAD.encode(&packed)
    }

    /// Reads it; none unless this server issued exactly this text.
    #[must_use]
    pub fn open_package_info(&self, text: &str) -> Option<UserTransferId> {
        let packed: [u8; 8 + MAC_BYTES] = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?.try_into().ok()?;
        let (id, mac) = packed.split_first_chunk::<8>()?;
        let transfer = UserTransferId(i64::from_be_bytes(*id));
        same(&self.transfer_mac(transfer), mac).then_some(transfer)
    }

    fn transfer_mac(&self, transfer: UserTransferId) -> [u8; MAC_BYTES] {
        let tag = hmac::sign(&self.user_transfer, &transfer.0.to_be_bytes());
        std::array::from_fn(|i| tag.as_ref()[i])
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tokens, *};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_reads_back_here_and_nowhere_else(id in any::<i64>(), place in 0_usize..32, new in "[ -~]") {
            let (ours, theirs) = (tokens(1), tokens(2));
            let text = ours.package_info(UserTransferId(id));
            prop_assert_eq!(text.len(), 32);
            prop_assert_eq!(ours.open_package_info(&text), Some(UserTransferId(id)));
            prop_assert_eq!(theirs.open_package_info(&text), None);
            let mut changed = text.clone();
            changed.replace_range(place..=place, &new);
            prop_assert!(changed == text || ours.open_package_info(&changed).is_none());
        }

        #[test]
        fn any_text_is_answered(text in "\\PC{0,40}") {
            prop_assert_eq!(tokens(1).open_package_info(&text), None);
        }
    }
}
