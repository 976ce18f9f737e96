//! The id a merchant sees.

use types::NotificationId;

/// The id of a notification on the wire: a UUID of version 8 (RFC 9562 §5.8), 36 characters. It is computed from
/// our own id, so every try carries the same one and no row stores it.
///
/// The first 60 free bits hold the id's upper bits in order, so wire ids sort by time as ours do.
///
/// ```
/// use types::NotificationId;
/// use worker::delivery::{notification_of, wire_id};
/// let id = NotificationId(806_596_116_480_000_003);
/// assert_eq!(wire_id(id), "0b319ae4-f800-8000-8dca-08a0bb9996b7");
/// assert_eq!(notification_of(&wire_id(id)), Some(id));
/// ```
#[must_use]
pub fn wire_id(id: NotificationId) -> String {
    id.wire()
}

/// The notification behind a wire id; none unless [`wire_id`] gives exactly this text for it.
#[must_use]
pub fn notification_of(text: &str) -> Option<NotificationId> {
    NotificationId::from_wire(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_wire_id_is_a_uuid_that_leads_back(id in any::<i64>(), other in any::<i64>()) {
            let text = wire_id(NotificationId(id));
            prop_assert_eq!(text.len(), 36);
            let form = text.bytes().enumerate().all(|(place, byte)| match place {
                8 | 13 | 18 | 23 => byte == b'-',
                14 => byte == b'8',
                19 => matches!(byte, b'8' | b'9' | b'a' | b'b'),
                _ => byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'),
            });
            prop_assert!(form, "{}", text);
            prop_assert_eq!(notification_of(&text), Some(NotificationId(id)));
            if other != id {
                prop_assert_ne!(wire_id(NotificationId(other)), text);
            }
        }

        #[test]
        fn another_text_is_nobody(place in 0_usize..36, new in "[0-9a-fA-F-]", text in "\\PC{0,40}") {
            let known = wire_id(NotificationId(1));
            let mut changed = known.clone();
            changed.replace_range(place..=place, &new);
            prop_assert_eq!(notification_of(&changed).is_some_and(|id| wire_id(id) != changed), false);
            if changed != known {
                prop_assert_ne!(notification_of(&changed), Some(NotificationId(1)));
            }
            prop_assert!(notification_of(&text).is_none_or(|id| wire_id(id) == text));
        }
    }
}
