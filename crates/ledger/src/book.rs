//! The four things that can be done to money: transfer, hold, post, void.

use crate::{Account, AccountId, Refused, Side, Transfer, TransferKind, TransferState};
use types::{Time, TransferId};

/// Where accounts and transfers are read and written. A read may fail (a record not loaded); a write may not.
pub trait Book {
    /// What a read or a refusal becomes for the caller.
    type Error: From<Refused>;
    /// The account, new and empty when nothing has moved through it.
    ///
    /// # Errors
    /// When the record is not at hand.
    fn account(&mut self, id: AccountId) -> Result<Account, Self::Error>;
    /// Keeps an account.
    fn set_account(&mut self, account: Account);
    /// The transfer of that id.
    ///
    /// # Errors
    /// When the record is not at hand.
    fn transfer(&mut self, id: TransferId) -> Result<Option<Transfer>, Self::Error>;
    /// Keeps a transfer.
    fn set_transfer(&mut self, transfer: Transfer);
}

/// A movement to be made.
#[derive(Clone, Copy, Debug)]
pub struct Draft {
    /// Its id, unused so far.
    pub id: TransferId,
    /// Account to debit.
    pub debit: AccountId,
    /// Account to credit.
    pub credit: AccountId,
    /// Minor units, above zero.
    pub amount: i64,
    /// Why.
    pub kind: TransferKind,
    /// The business record.
    pub subject: i64,
    /// Now.
    pub at: Time,
}

impl Draft {
    fn check(&self) -> Result<(), Refused> {
        if self.amount <= 0 {
            return Err(Refused::Amount(self.amount));
        }
        if self.debit == self.credit {
            return Err(Refused::SameAccount(self.debit));
        }
        if self.debit.currency() != self.credit.currency() {
            return Err(Refused::Currency(self.debit, self.credit));
        }
        Ok(())
    }
    fn with(self, state: TransferState) -> Transfer {
        let Self { id, debit, credit, amount, kind, subject, at } = self;
        Transfer { id, debit, credit, amount, kind, state, subject, at }
    }
}

fn begin<B: Book>(book: &mut B, draft: &Draft) -> Result<(Account, Account), B::Error> {
    draft.check()?;
    let debit = book.account(draft.debit)?;
    let credit = book.account(draft.credit)?;
    debit.check_leaving(Side::Debit, draft.amount)?;
    credit.check_leaving(Side::Credit, draft.amount)?;
    Ok((debit, credit))
}

/// Moves money at once.
///
/// # Errors
/// Any [`Refused`] but `NotPending`; a read that failed.
pub fn transfer<B: Book>(book: &mut B, draft: Draft) -> Result<Transfer, B::Error> {
    let (mut debit, mut credit) = begin(book, &draft)?;
    debit.add(Side::Debit, 0, draft.amount)?;
    credit.add(Side::Credit, 0, draft.amount)?;
    let made = draft.with(TransferState::Posted);
    book.set_account(debit);
    book.set_account(credit);
    book.set_transfer(made);
    Ok(made)
}

/// Sets money aside: it can't leave twice, and the receiver doesn't have it yet.
///
/// # Errors
/// Any [`Refused`] but `NotPending`; a read that failed.
pub fn hold<B: Book>(book: &mut B, draft: Draft) -> Result<Transfer, B::Error> {
    let (mut debit, mut credit) = begin(book, &draft)?;
    debit.add(Side::Debit, draft.amount, 0)?;
    credit.add(Side::Credit, draft.amount, 0)?;
    let made = draft.with(TransferState::Pending);
    book.set_account(debit);
    book.set_account(credit);
    book.set_transfer(made);
    Ok(made)
}

/// Completes a hold: the money moves.
///
/// # Errors
/// [`Refused::NotPending`] when the hold is unknown or was ended before; a read that failed.
pub fn post<B: Book>(book: &mut B, id: TransferId, at: Time) -> Result<Transfer, B::Error> {
    end(book, id, at, TransferState::Posted)
}

/// Releases a hold: nothing moves.
///
/// # Errors
/// [`Refused::NotPending`] when the hold is unknown or was ended before; a read that failed.
pub fn void<B: Book>(book: &mut B, id: TransferId, at: Time) -> Result<Transfer, B::Error> {
    end(book, id, at, TransferState::Voided)
}

fn end<B: Book>(book: &mut B, id: TransferId, at: Time, state: TransferState) -> Result<Transfer, B::Error> {
    let held = book.transfer(id)?.filter(|t| t.state == TransferState::Pending);
    let held = held.ok_or(Refused::NotPending(id))?;
    let mut debit = book.account(held.debit)?;
    let mut credit = book.account(held.credit)?;
    let posted = if state == TransferState::Posted { held.amount } else { 0 };
    debit.add(Side::Debit, -held.amount, posted)?;
    credit.add(Side::Credit, -held.amount, posted)?;
    let made = Transfer { state, at, ..held };
    book.set_account(debit);
    book.set_account(credit);
    book.set_transfer(made);
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TrialBalance;
    use proptest::prelude::*;
    use std::collections::HashMap;
    use types::{Currency, MerchantId, PayerId};

    #[derive(Default, Clone, PartialEq, Debug)]
    struct Memory {
        accounts: HashMap<AccountId, Account>,
        transfers: HashMap<TransferId, Transfer>,
    }

    impl Book for Memory {
        type Error = Refused;
        fn account(&mut self, id: AccountId) -> Result<Account, Refused> {
            Ok(self.accounts.get(&id).copied().unwrap_or(Account::new(id)))
        }
        fn set_account(&mut self, account: Account) {
            self.accounts.insert(account.id, account);
        }
        fn transfer(&mut self, id: TransferId) -> Result<Option<Transfer>, Refused> {
            Ok(self.transfers.get(&id).copied())
        }
        fn set_transfer(&mut self, transfer: Transfer) {
            self.transfers.insert(transfer.id, transfer);
        }
    }

    fn bank() -> AccountId {
        AccountId::channel_receivable(1, Currency::CNY)
    }

    fn payer(n: i64) -> AccountId {
        AccountId::payer_balance(PayerId(n), Currency::CNY)
    }
    fn merchant(n: i64) -> AccountId {
        AccountId::merchant_unsettled(MerchantId(n), Currency::CNY)
    }
    fn draft(id: i64, debit: AccountId, credit: AccountId, amount: i64) -> Draft {
        let kind = TransferKind::Payment;
        Draft { id: TransferId(id), debit, credit, amount, kind, subject: 1, at: Time(1) }
    }
    fn funded() -> Memory {
        let mut book = Memory::default();
        transfer(&mut book, draft(1, bank(), payer(1), 100)).unwrap();
        book
    }

    #[test]
    fn a_hold_keeps_money_from_leaving_twice() {
        let mut book = funded();
        hold(&mut book, draft(2, payer(1), merchant(1), 80)).unwrap();
        let again = hold(&mut book, draft(3, payer(1), merchant(1), 30));
        assert!(matches!(again, Err(Refused::NotEnough { .. })));
        assert_eq!(book.account(merchant(1)).unwrap().balance().minor, 0);
        post(&mut book, TransferId(2), Time(2)).unwrap();
        assert_eq!(book.account(merchant(1)).unwrap().balance().minor, 80);
        assert_eq!(book.account(payer(1)).unwrap().available().minor, 20);
    }

    #[test]
    fn a_hold_ends_once() {
        let mut book = funded();
        hold(&mut book, draft(2, payer(1), merchant(1), 80)).unwrap();
        void(&mut book, TransferId(2), Time(2)).unwrap();
        let before = book.clone();
        assert_eq!(post(&mut book, TransferId(2), Time(3)), Err(Refused::NotPending(TransferId(2))));
        assert_eq!(void(&mut book, TransferId(9), Time(3)), Err(Refused::NotPending(TransferId(9))));
        assert_eq!(book, before);
        assert_eq!(book.account(payer(1)).unwrap().available().minor, 100);
    }

    #[test]
    fn what_the_ledger_refuses() {
        let mut book = funded();
        let dollars = AccountId::payer_balance(PayerId(1), Currency::USD);
        let mut frozen = book.account(payer(2)).unwrap();
        frozen.frozen = true;
        book.set_account(frozen);
        transfer(&mut book, draft(5, bank(), payer(2), 10)).unwrap(); // money may still arrive
        let before = book.clone();
        for (case, want) in [
            (draft(2, payer(1), merchant(1), 0), Refused::Amount(0)),
            (draft(2, payer(1), merchant(1), -1), Refused::Amount(-1)),
            (draft(2, payer(1), payer(1), 1), Refused::SameAccount(payer(1))),
            (draft(2, payer(1), dollars, 1), Refused::Currency(payer(1), dollars)),
            (draft(2, payer(2), merchant(1), 1), Refused::Frozen(payer(2))),
            (draft(2, bank(), payer(1), i64::MAX), Refused::Overflow(bank())),
        ] {
            assert_eq!(transfer(&mut book, case), Err(want));
            assert_eq!(book, before);
        }
    }

    #[test]
    fn account_ids_read_back() {
        for id in [payer(12), merchant(1_900_000_001), bank(), AccountId::platform_fee(Currency::JPY)] {
            assert_eq!(id.to_string().parse::<AccountId>().unwrap(), id);
            assert_eq!(AccountId::from_stored(id.0), Some(id));
        }
        assert_eq!(payer(12).to_string(), "payer.balance:12:CNY");
        assert_eq!(AccountId::from_stored(0), None);
    }

    #[derive(Debug, Clone)]
    enum Step {
        Transfer(i64, i64, i64),
        Hold(i64, i64, i64),
        Post(usize),
        Void(usize),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let amount = prop_oneof![1_i64..200, Just(i64::MAX), Just(0), Just(-5)];
        let pair = (0_i64..4, 0_i64..4, amount);
        let step = prop_oneof![
            pair.clone().prop_map(|(a, b, n)| Step::Transfer(a, b, n)),
            pair.prop_map(|(a, b, n)| Step::Hold(a, b, n)),
            (0_usize..40).prop_map(Step::Post),
            (0_usize..40).prop_map(Step::Void),
        ];
        prop::collection::vec(step, 0..60)
    }

    proptest! {
        /// Conservation, no overdraft, holds equal pending counters, at every step (style invariants 1, 3, 4).
        #[test]
        fn money_is_conserved(steps in steps()) {
            let place = |n: i64| match n { 0 => bank(), 1 => payer(1), 2 => payer(2), _ => merchant(1) };
            let mut book = funded();
            let mut holds = Vec::new();
            for (n, step) in steps.into_iter().enumerate() {
                let id = 100 + i64::try_from(n).unwrap();
                let before = book.clone();
                let outcome = match step {
                    Step::Transfer(a, b, amount) => transfer(&mut book, draft(id, place(a), place(b), amount)),
                    Step::Hold(a, b, amount) => {
                        let made = hold(&mut book, draft(id, place(a), place(b), amount));
                        if made.is_ok() { holds.push(TransferId(id)); }
                        made
                    }
                    Step::Post(i) if i < holds.len() => post(&mut book, holds[i], Time(2)),
                    Step::Void(i) if i < holds.len() => void(&mut book, holds[i], Time(2)),
                    Step::Post(_) | Step::Void(_) => continue,
                };
                if outcome.is_err() { prop_assert_eq!(&book, &before); }
                let mut trial = TrialBalance::default();
                book.accounts.values().for_each(|a| trial.account(a));
                book.transfers.values().for_each(|t| trial.transfer(t));
                prop_assert_eq!(trial.finish(), vec![]);
            }
        }
    }
}
