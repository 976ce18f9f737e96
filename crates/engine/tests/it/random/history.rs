//! The state machines, watched: every change of every batch must be one they allow.

use crate::world::World;
use domain::{
    Batch,
    notification::Notification,
    order::{Order, OrderState},
    payment::{Payment, PaymentState},
    world::{Change, Entity},
};
use ledger::{Transfer, TransferState};
use std::collections::HashMap;
use types::{MerchantId, NotificationId, OrderId, PaymentId, TransferId};

/// Every record as last seen.
#[derive(Default)]
pub(super) struct History {
    orders: HashMap<OrderId, Order>,
    numbers: HashMap<(MerchantId, Box<str>), OrderId>,
    payments: HashMap<PaymentId, Payment>,
    transfers: HashMap<TransferId, Transfer>,
    notifications: HashMap<NotificationId, Notification>,
}

impl History {
    /// From what a world holds.
    pub(super) fn over(world: &World) -> Self {
        let mut seen = Self::default();
        world.queries.each_transfer(&mut |row| seen.transfers.extend([(row.id, row)])).unwrap();
        world.queries.each_payment(&mut |row| seen.payments.extend([(row.id, row)])).unwrap();
        seen
    }

    /// Takes in a batch; stops at the first change that no state machine allows.
    pub(super) fn take(&mut self, batch: &Batch) {
        each(&mut self.orders, &batch.orders, |before, order| {
            assert!(order_may(before, order), "{before:#?} became {order:#?}");
        });
        each(&mut self.payments, &batch.payments, |before, payment| {
            let from = before.map(|before| before.state);
            assert!(payment_may(from, payment.state), "{before:#?} became {payment:#?}");
            let open = matches!(payment.state, PaymentState::Authorising | PaymentState::Unknown);
            assert_eq!(payment.ask_at.is_some(), open, "asked again while open and not after");
        });
        each(&mut self.transfers, &batch.transfers, |before, transfer| {
            assert_eq!(before, None, "a transfer is made and posted in one command, and never touched again");
            assert_eq!(transfer.state, TransferState::Posted);
        });
        each(&mut self.notifications, &batch.notifications, |before, row| {
            assert!(before.is_none_or(|before| before.about == row.about && before.attempts <= row.attempts));
        });
        for change in &batch.order_numbers {
            let number = change.value.as_ref().unwrap();
            let taken = self.numbers.insert(number.key(), number.order);
            assert_eq!(taken, None, "a number belongs to one order for good");
        }
    }
}

fn each<E: Entity>(
    seen: &mut HashMap<E::Key, E>,
    changes: &[Change<E>],
    mut check: impl FnMut(Option<&E>, &E),
) {
    for change in changes {
        let after = change.value.as_ref().expect("no record of these kinds is ever removed");
        check(seen.get(&change.key), after);
        seen.insert(change.key.clone(), after.clone());
    }
}

fn order_may(before: Option<&Order>, after: &Order) -> bool {
    use OrderState as S;
    let Some(before) = before else {
        return matches!(after.state, S::Open | S::Paying | S::Paid);
    };
    let moved = matches!(
        (before.state, after.state),
        (S::Open, S::Open | S::Paid | S::Closed | S::Expired)
            | (S::Paying, S::Paying | S::Paid | S::Closed | S::Failed | S::Revoked)
            | (S::Failed, S::Closed | S::Revoked)
            | (S::Expired, S::Closed)
            | (S::Paid, S::Revoked)
    );
    // A card payment under way ends only as paid or by giving the order back.
    let locked = before.payment.is_some() && before.state == S::Open;
    let unlocked = !locked || after.state == S::Paid || (after.state == S::Open && after.payment.is_none());
    let paid_stays = before.paid_at.is_none()
        || (before.paid_at, before.payer, before.fee, before.transfer, before.bill_previous)
            == (after.paid_at, after.payer, after.fee, after.transfer, after.bill_previous);
    let terms_stay = before.terms == after.terms && before.expires_at == after.expires_at;
    moved && unlocked && paid_stays && terms_stay
}

fn payment_may(before: Option<PaymentState>, after: PaymentState) -> bool {
    use PaymentState as S;
    match before {
        None => after == S::Authorising,
        Some(S::Authorising | S::Unknown) => after != S::Authorising,
        Some(S::Succeeded | S::Declined) => false,
    }
}
