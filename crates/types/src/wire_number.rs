//! Numbers on the wire that are computed from an id and read back, so no row stores them: a first digit for the kind, the
//! day `yyyyMMdd` and the id in 19 digits; 28 in all.

use crate::ids::{
    CombinedId, IdError, OrderId, RefundId, ShareId, ShareReturnId, TransferBatchId, UserTransferId, id_time,
};
use std::{fmt, str::FromStr};

fn write(first: char, id: i64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{first}{}{id:019}", &id_time(id).compact()[..8])
}

/// The id in a number of the right form; whether first digit and day are its own is to be seen by writing it again.
fn id(text: &str) -> Option<i64> {
    let formed = text.len() == 28 && text.bytes().all(|byte| byte.is_ascii_digit());
    if formed { text[9..].parse().ok() } else { None }
}

macro_rules! wire_numbers {
    ($($(#[$doc:meta])* $name:ident($id:ident): $first:literal $(, $form:literal)?;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub struct $name(pub $id);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write($first, self.0.0, f)
            }
        }
        $(impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                let number = id(text).map(|id| Self($id(id))).filter(|number| number.to_string() == text);
                number.ok_or_else(|| IdError::new($form, text))
            }
        })?
    )* };
}

wire_numbers! {
    /// A paid order, `transaction_id`.
    TransactionId(OrderId): '4', "a transaction_id (28 digits)";
    /// A refund, `refund_id`.
    RefundNumber(RefundId): '5', "a refund_id (28 digits)";
    /// A transfer to a user, `transfer_bill_no`.
    TransferBillNo(UserTransferId): '6', "a transfer_bill_no (28 digits)";
    /// A batch of transfers, `batch_id`.
    TransferBatchNo(TransferBatchId): '7', "a batch_id (28 digits)";
    /// A request to share, `order_id` of profit sharing.
    ShareNumber(ShareId): '6', "an order_id of profit sharing (28 digits)";
    /// A return of what was shared, `return_id`.
    ShareReturnNumber(ShareReturnId): '7', "a return_id of profit sharing (28 digits)";
    /// A paid combined order, `combine_transaction_id`. Nobody asks by it, so it is only written.
    CombineTransactionId(CombinedId): '8';
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ids::IdBlock, time::Time};

    #[test]
    fn a_transaction_id_is_its_order_id() {
        let at = Time::parse_rfc3339("2026-11-21T10:00:00+08:00").unwrap();
        let order = OrderId(IdBlock::new(at, 0, 5).id(0));
        let wire = TransactionId(order).to_string();
        assert_eq!(wire.len(), 28);
        assert!(wire.starts_with("420261121"));
        assert_eq!(wire.parse::<TransactionId>().unwrap().0, order);
        assert!(wire.replacen("1121", "1122", 1).parse::<TransactionId>().is_err());
        let refund = RefundId(order.0);
        let wire = RefundNumber(refund).to_string();
        assert!(wire.starts_with("520261121") && wire.len() == 28);
        assert_eq!(wire.parse::<RefundNumber>().unwrap().0, refund);
        assert!(wire.replacen('5', "4", 1).parse::<RefundNumber>().is_err());
        let share = ShareId(refund.0);
        let wire = ShareNumber(share).to_string();
        assert_eq!((wire.len(), wire.parse::<ShareNumber>().unwrap().0), (28, share));
        assert!(wire.replacen('6', "7", 1).parse::<ShareNumber>().is_err());
        let number = ShareReturnNumber(ShareReturnId(refund.0));
        assert_eq!(number.to_string(), wire.replacen('6', "7", 1));
        assert_eq!(number.to_string().parse(), Ok(number));
        let (bill, batch) =
            (TransferBillNo(UserTransferId(order.0)), TransferBatchNo(TransferBatchId(order.0)));
        for (wire, day) in [(bill.to_string(), "620261121"), (batch.to_string(), "720261121")] {
            assert!(wire.starts_with(day) && wire.len() == 28, "{wire}");
        }
        assert_eq!(bill.to_string().parse(), Ok(bill));
        assert_eq!(batch.to_string().parse(), Ok(batch));
        assert!(bill.to_string().parse::<TransferBatchNo>().is_err());
    }
}
