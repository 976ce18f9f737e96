//! Transfers to users, in worlds that have settled money: merchants ask for them, again, wrongly and in batches, cancel
//! them; users confirm, or let the time pass; the worker brings them on.

use crate::{
    talk::Who,
    world::{Alive, Step, World, broken},
};
use domain::{
    Command,
    user_transfer::{BatchDetail, BatchTerms, TransferTerms, UserTransferState},
};
use engine::query::Past;
use std::sync::Arc;
use types::{MerchantId, Money, ShardSet, Time, UserTransferId, time};

/// Transfers and batches brought on by one look.
const TOGETHER_MAX: usize = 50;
/// How long the worker waits before it asks for the same again.
const AGAIN: i64 = 20 * time::SECOND;
/// Rows looked through for something to confirm or cancel.
const LOOKED_AT: usize = 200;

fn digest(content: &str) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&crate::digest::hash(content).to_le_bytes());
    bytes
}

impl World {
    /// A merchant, or one of its users, has to do with transfers.
    pub(crate) fn somebody_transfers(&mut self, place: usize) -> Step {
        match self.dice.below(20) {
            0..=6 => {
                let terms = self.new_transfer(place, None);
                let times = if self.dice.chance(150) { 2 } else { 1 };
                for _ in 0..times {
                    self.ask_transfer(&terms);
                }
            }
            7 => {
                // The same number with other content, at once: at most one of them becomes the transfer.
                let terms = self.new_transfer(place, None);
                let other = self.new_transfer(place, Some(terms.number.clone()));
                self.ask_transfer(&terms);
                self.ask_transfer(&other);
            }
            8 | 9 => self.ask_batch(place),
            10..=15 => self.user_confirms()?,
            16 | 17 => self.merchant_cancels()?,
            _ => {
                let wrong = Some("a transfer in a closed scene");
                let terms = self.new_transfer(place, None);
                let closed = TransferTerms { scene: 1005, ..terms };
                let who = Who::Merchant(closed.merchant);
                self.ask(who, Command::RequestUserTransfer(Arc::new(closed)), false, wrong);
            }
        }
        Ok(())
    }

    fn new_transfer(&mut self, place: usize, number: Option<Box<str>>) -> TransferTerms {
        let shop = &self.town.shops[place];
        let (merchant, app) = (shop.id, shop.app);
        self.transfers_made += 1;
        let number = number.unwrap_or_else(|| format!("T{}", self.transfers_made).into());
        let payer = self.dice.below(self.town.payers.len());
        let payer = self.town.payers[payer].id;
        let amount = Money::cny(self.dice.between(10, 90_00));
        let quiet = self.dice.chance(200);
        let made = self.transfers_made;
        TransferTerms {
            digest: digest(&format!("{number} {payer} {amount} {made}")),
            merchant,
            number,
            app,
            payer,
            amount,
            scene: 1000,
            remark: "thank you".into(),
            perception: "".into(),
            reports: vec![("活动名称".into(), "tea week".into()), ("奖励说明".into(), "prize".into())],
            notify_url: if quiet { "" } else { "https://tea.example/transfers" }.into(),
            name: None,
        }
    }

    fn ask_transfer(&mut self, terms: &TransferTerms) {
        let command = Command::RequestUserTransfer(Arc::new(terms.clone()));
        self.ask(Who::Merchant(terms.merchant), command, false, None);
    }

    fn ask_batch(&mut self, place: usize) {
        let shop = &self.town.shops[place];
        let (merchant, app) = (shop.id, shop.app);
        self.transfers_made += 1;
        let made = self.transfers_made;
        let details: Vec<BatchDetail> = (0..self.dice.between(1, 6))
            .map(|place| BatchDetail {
                number: format!("d{place}").into(),
                payer: self.town.payers[self.dice.below(self.town.payers.len())].id,
                amount: self.dice.between(10, 20_00),
                remark: "wages".into(),
                name: None,
            })
            .collect();
        let terms = BatchTerms {
            merchant,
            number: format!("B{made}").into(),
            app,
            name: "wages".into(),
            remark: "wages".into(),
            scene: 1000,
            notify_url: "https://tea.example/batches".into(),
            digest: digest(&format!("batch {made}")),
            details,
        };
        self.ask(Who::Merchant(merchant), Command::RequestTransferBatch(Arc::new(terms)), false, None);
    }

    /// One of the newest transfers in this state.
    fn some_transfer(
        &mut self,
        state: UserTransferState,
    ) -> Result<Option<domain::user_transfer::UserTransfer>, crate::world::Broken> {
        let past = Past { merchant: None, before: i64::MAX, from: 0, examine: LOOKED_AT, take: 20 };
        let found = self.queries.user_transfers_back(past, Some(state))?.rows;
        Ok(found.get(self.dice.below(found.len())).cloned())
    }

    fn user_confirms(&mut self) -> Step {
        let Some(transfer) = self.some_transfer(UserTransferState::Waiting)? else { return Ok(()) };
        let (id, payer, shown) = (transfer.id, transfer.terms.payer, transfer.terms.amount);
        let stranger = self.town.payers[self.dice.below(self.town.payers.len())].id;
        let (who, wrong) = match self.dice.below(12) {
            0 if stranger != payer => (stranger, Some("a transfer received by another user")),
            _ => (payer, None),
        };
        let times = if self.dice.chance(200) { 2 } else { 1 };
        for _ in 0..times {
            let confirm = Command::ConfirmUserTransfer { transfer: id, payer: who, shown };
            self.ask(Who::Payer(who), confirm, false, wrong);
        }
        // At the same moment the merchant may change its mind: one of the two is heard.
        if self.dice.chance(150) {
            self.ask_cancel(transfer.terms.merchant, id, None);
        }
        Ok(())
    }

    fn merchant_cancels(&mut self) -> Step {
        let state = self.dice.pick(&[UserTransferState::Waiting, UserTransferState::Processing]);
        let Some(transfer) = self.some_transfer(state)?.filter(|transfer| transfer.batch.is_none()) else {
            return Ok(());
        };
        let owner = transfer.terms.merchant;
        let shops: Vec<MerchantId> = self.town.shops.iter().map(|shop| shop.id).collect();
        let stranger = self.dice.pick(&shops);
        if stranger != owner && self.dice.chance(200) {
            self.ask_cancel(stranger, transfer.id, Some("another merchant's transfer cancelled"));
        }
        self.ask_cancel(owner, transfer.id, None);
        Ok(())
    }

    fn ask_cancel(&mut self, merchant: MerchantId, transfer: UserTransferId, wrong: Option<&'static str>) {
        let cancel = Command::CancelUserTransfer { merchant, transfer };
        self.ask(Who::Merchant(merchant), cancel, false, wrong);
    }

    /// The worker brings transfers and batches on that are due.
    pub(crate) fn bring_transfers_on(&mut self, alive: Alive) -> Step {
        if self.days.wanted == 0 {
            return Ok(());
        }
        let (node, now) = (alive.0, self.clock(alive.0));
        let of = ShardSet::only(self.place(node));
        let mut due: Vec<(i64, Command)> = Vec::new();
        for id in self.queries.due_user_transfers(of, now, TOGETHER_MAX)? {
            due.push((id.0, Command::AdvanceUserTransfer(id)));
        }
        if self.shard(node) == types::Shard::FIRST {
            for id in self.queries.due_transfer_batches(now, TOGETHER_MAX)? {
                due.push((id.0, Command::PayTransferBatch(id)));
            }
        }
        for (id, command) in due {
            let lately = self.nodes[node].advancing.get(&id).is_some_and(|at| self.now < at.plus(AGAIN));
            // A batch goes on step by step.
            if !lately || matches!(command, Command::PayTransferBatch(_)) {
                let now = self.now;
                self.nodes[node].advancing.insert(id, now);
                self.ask(Who::Worker(alive), command, false, None);
            }
        }
        Ok(())
    }

    /// When the next transfer or batch is due.
    pub(crate) fn next_transfer(&self, node: usize) -> Result<Option<Time>, crate::world::Broken> {
        if self.days.wanted == 0 {
            return Ok(None);
        }
        let (of, end) = (ShardSet::only(self.place(node)), Time(i64::MAX));
        let transfer = match self.queries.due_user_transfers(of, end, 1)?.first() {
            Some(id) => self.queries.user_transfer(*id)?.and_then(|transfer| transfer.due_at),
            None => None,
        };
        let batch = match self.queries.due_transfer_batches(end, 1)?.first() {
            Some(id) if self.shard(node) == types::Shard::FIRST => {
                self.queries.transfer_batch(*id)?.and_then(|batch| batch.due_at)
            }
            _ => None,
        };
        Ok([transfer, batch].into_iter().flatten().min())
    }

    /// What callers were told of transfers is what is stored.
    pub(crate) fn transfers_are_true(&self) -> Step {
        for (id, ended) in &self.books.transfers_ended {
            let kept = self.queries.user_transfer(*id)?;
            if kept.as_ref().map(|kept| kept.state) != Some(*ended) {
                return broken(format!("transfer {id} was told to be {}, it is {kept:?}", ended.name()));
            }
        }
        Ok(())
    }

    /// Without faults nothing that is due stays so.
    pub(crate) fn transfers_are_settled(&self) -> Step {
        let mut stuck = None;
        let late = self.now.plus(-time::HOUR);
        self.queries.each_user_transfer(&mut |row| {
            if row.due_at.is_some_and(|at| at < late) {
                stuck = Some(row);
            }
        })?;
        match stuck {
            Some(row) => broken(format!("a transfer to a user does not go on: {row:?}")),
            None => Ok(()),
        }
    }
}
