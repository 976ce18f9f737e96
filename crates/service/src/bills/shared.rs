//! A merchant's profit-sharing bill: what it shared and what others shared with it.

use super::{
    day::{DayError, Flow},
    make::{BYTES, Made, Out, Pieces, lost},
};
use domain::{
    Key, Record,
    order::Order,
    sharing::{Part, Party, Share, ShareReturn},
};
use ledger::{Transfer, TransferKind};
use protocol::{
    bill::sharing::{Kind, Row, Writer},
    sharing::detail_id,
};
use std::collections::HashMap;
use types::{
    AppId, MerchantId, OrderId, ShareId, ShareNumber, ShareReturnId, ShareReturnNumber, TransactionId,
    TransferId,
};

/// Records of one piece of a day's flows that belong to profit sharing.
#[derive(Default)]
pub(super) struct Shared {
    shares: HashMap<ShareId, Share>,
    returns: HashMap<ShareReturnId, ShareReturn>,
    transfers: HashMap<TransferId, Transfer>,
    orders: HashMap<OrderId, Order>,
}

impl Shared {
    /// The request that brought a flow, with the place of its part.
    pub(super) fn part(&self, flow: &Flow) -> Result<(&Share, usize, &Part), DayError> {
        let share = self.shares.get(&ShareId(flow.subject));
        let found = share.and_then(|share| share.part_of(flow.id).map(|(place, part)| (share, place, part)));
        found.ok_or_else(|| {
            lost(&format!("share {} is named by transfer {}, but is not there so", flow.subject, flow.id))
        })
    }
    /// The return that a flow belongs to.
    pub(super) fn back(&self, flow: &Flow) -> Result<&ShareReturn, DayError> {
        let found = self.returns.get(&ShareReturnId(flow.subject));
        found.ok_or_else(|| lost(&format!("return {} is named, but it is not there", flow.subject)))
    }
    fn order(&self, id: OrderId) -> Result<&Order, DayError> {
        self.orders.get(&id).ok_or_else(|| lost(&format!("order {id} is named, but it is not there")))
    }
}

const fn kind_of(flow: &Flow) -> Option<Kind> {
    match flow.kind {
        TransferKind::Share => Some(Kind::Share),
        TransferKind::ShareReturn => Some(Kind::Return),
        TransferKind::Unfreeze => Some(Kind::Unfreeze),
        _ => None,
    }
}

impl Made<'_> {
    /// The records of those flows of a piece that belong to profit sharing.
    pub(super) fn fetch_shared(&self, piece: &[Flow]) -> Result<Shared, DayError> {
        let mut keys: Vec<Key> = Vec::new();
        for flow in piece {
            match flow.kind {
                TransferKind::Share => keys.push(Key::Share(ShareId(flow.subject))),
                TransferKind::ShareReturn => keys.push(Key::ShareReturn(ShareReturnId(flow.subject))),
                TransferKind::Unfreeze => {
                    keys.extend([Key::Transfer(flow.id), Key::Order(OrderId(flow.subject))])
                }
                _ => {}
            }
        }
        keys.dedup();
        let (mut found, mut more) = (Shared::default(), Vec::new());
        for record in self.queries.records(&keys)?.into_iter().flatten() {
            match record {
                Record::Share(share) => {
                    more.push(Key::Order(share.order));
                    found.shares.insert(share.id, share);
                }
                Record::ShareReturn(one) => {
                    more.push(Key::Order(one.order));
                    found.returns.insert(one.id, one);
                }
                Record::Transfer(transfer) => drop(found.transfers.insert(transfer.id, transfer)),
                Record::Order(order) => drop(found.orders.insert(order.id, order)),
                _ => {}
            }
        }
        // An unfreeze that was asked for is the last part of the order's newest request.
        let unfrozen = piece.iter().filter(|flow| flow.kind == TransferKind::Unfreeze);
        let sharings: Vec<Key> = unfrozen.map(|flow| Key::Sharing(OrderId(flow.subject))).collect();
        let mut newest = Vec::new();
        for record in self.queries.records(&sharings)?.into_iter().flatten() {
            if let Record::Sharing(sharing) = record {
                newest.extend(sharing.newest.map(Key::Share));
            }
        }
        for record in self.queries.records(&newest)?.into_iter().flatten() {
            if let Record::Share(share) = record {
                found.shares.entry(share.id).or_insert(share);
            }
        }
        for record in self.queries.records(&more)?.into_iter().flatten() {
            if let Record::Order(order) = record {
                found.orders.insert(order.id, order);
            }
        }
        Ok(found)
    }

    /// The bill, in pieces; gives its rows.
    pub(super) fn shared(&self, out: Out<'_>) -> Result<u64, DayError> {
        let (mut writer, mut bytes) = (Writer::default(), Vec::with_capacity(2 * BYTES));
        writer.begin(&mut bytes);
        let ours = |flow: &Result<Flow, DayError>| flow.as_ref().map_or(true, |flow| kind_of(flow).is_some());
        let mut pieces = Pieces::new(self.day.flows(self.merchant).filter(ours));
        while let Some(piece) = pieces.next()? {
            let found = self.fetch_shared(&piece)?;
            for flow in &piece {
                match kind_of(flow) {
                    Some(Kind::Share) => self.shared_part(flow, &found, &mut writer, &mut bytes)?,
                    Some(Kind::Return) => self.given_back(flow, &found, &mut writer, &mut bytes)?,
                    Some(Kind::Unfreeze) => self.unfrozen(flow, &found, &mut writer, &mut bytes)?,
                    None => {}
                }
            }
            if bytes.len() >= BYTES {
                out(std::mem::replace(&mut bytes, Vec::with_capacity(2 * BYTES)))?;
            }
        }
        writer.end(&mut bytes);
        out(bytes)?;
        Ok(writer.totals().rows)
    }

    /// Whether this partner asked, when the bill is a partner's of a sub-merchant.
    fn asked_by(&self, partner: Option<MerchantId>) -> bool {
        self.partner.is_none() || self.partner == partner
    }

    fn shared_part(
        &self,
        flow: &Flow,
        found: &Shared,
        writer: &mut Writer,
        out: &mut Vec<u8>,
    ) -> Result<(), DayError> {
        let (share, place, part) = found.part(flow)?;
        if self.asked_by(share.partner) {
            let asker = share.principal().signer().to_string();
            self.part_row((share, place, part), (flow, Kind::Share, &asker), found, writer, out)?;
        }
        Ok(())
    }

    fn part_row(
        &self,
        (share, place, part): (&Share, usize, &Part),
        (flow, kind, asker): (&Flow, Kind, &str),
        found: &Shared,
        writer: &mut Writer,
        out: &mut Vec<u8>,
    ) -> Result<(), DayError> {
        let number = ShareNumber(share.id);
        let receiver = match part.party {
            Party::Merchant(id) => id.to_string(),
            Party::Payer(id) => self.tokens.openid(part.app.unwrap_or(AppId(0)), id),
        };
        let row = Row {
            time: flow.made_at(),
            asker,
            sharer: &share.merchant.to_string(),
            transaction_id: &TransactionId(share.order).to_string(),
            share_id: &number.to_string(),
            detail_id: &detail_id(number, place),
            number: &share.number,
            order_amount: found.order(share.order)?.terms.amount.minor,
            receiver: &receiver,
            amount: part.amount,
            kind,
            description: &part.description,
        };
        writer.row(&row, out);
        Ok(())
    }

    fn given_back(
        &self,
        flow: &Flow,
        found: &Shared,
        writer: &mut Writer,
        out: &mut Vec<u8>,
    ) -> Result<(), DayError> {
        let one = found.back(flow)?;
        if !self.asked_by(one.partner) {
            return Ok(());
        }
        let row = Row {
            time: flow.made_at(),
            asker: &one.principal().signer().to_string(),
            sharer: &one.merchant.to_string(),
            transaction_id: &TransactionId(one.order).to_string(),
            share_id: &ShareReturnNumber(one.id).to_string(),
            detail_id: &flow.id.to_string(),
            number: &one.number,
            order_amount: found.order(one.order)?.terms.amount.minor,
            receiver: &one.from.to_string(),
            amount: one.amount,
            kind: Kind::Return,
            description: &one.description,
        };
        writer.row(&row, out);
        Ok(())
    }

    fn unfrozen(
        &self,
        flow: &Flow,
        found: &Shared,
        writer: &mut Writer,
        out: &mut Vec<u8>,
    ) -> Result<(), DayError> {
        let order = found.order(OrderId(flow.subject))?;
        if !self.asked_by(order.terms.partner.map(|partner| partner.id)) {
            return Ok(());
        }
        let asked = found.shares.values().find_map(|share| Some((share, share.part_of(flow.id)?)));
        if let Some((share, (place, part))) = asked {
            let asker = share.principal().signer().to_string();
            return self.part_row((share, place, part), (flow, Kind::Unfreeze, &asker), found, writer, out);
        }
        let lost = || lost(&format!("transfer {} is named, but it is not there", flow.id));
        let merchant = order.terms.merchant.to_string();
        let row = Row {
            time: flow.made_at(),
            asker: "system",
            sharer: &merchant,
            transaction_id: &TransactionId(order.id).to_string(),
            share_id: "0",
            detail_id: &flow.id.to_string(),
            number: "0",
            order_amount: order.terms.amount.minor,
            receiver: &merchant,
            amount: found.transfers.get(&flow.id).ok_or_else(lost)?.amount,
            kind: Kind::Unfreeze,
            description: "",
        };
        writer.row(&row, out);
        Ok(())
    }
}
