//! Reads of profit sharing.

use super::{Answer, SettlementQueries};
use domain::{
    Key, Record,
    sharing::{Aside, Party, Receiver, Share, ShareReturn, Sharing, SharingNumber},
};
use types::{MerchantId, OrderId, ShardSet, ShareId, ShareReturnId, Time};

/// What a store reads of profit sharing. A part of [`super::Queries`]; calls block and fail as its do.
#[expect(clippy::missing_errors_doc, reason = "said once at Queries")]
pub trait SharingQueries: SettlementQueries {
    /// Requests to share of these shards with a part that is to go, earliest first.
    fn due_shares(&self, of: ShardSet, now: Time, limit: usize) -> Answer<Vec<ShareId>>;
    /// Returns of these shards that are to be done, earliest first.
    fn due_share_returns(&self, of: ShardSet, now: Time, limit: usize) -> Answer<Vec<ShareReturnId>>;
    /// Orders of these shards of which what is left is to be released, earliest first.
    fn due_sharings(&self, of: ShardSet, now: Time, limit: usize) -> Answer<Vec<OrderId>>;
    /// What is left of a merchant's shared orders, by the business day on which it is released, soonest first; the
    /// `limit` orders that are released first are gone through.
    fn sharing_aside(&self, merchant: MerchantId, limit: usize) -> Answer<Vec<Aside>>;
    /// What is left of every order that was shared, in id order.
    fn each_sharing(&self, take: &mut dyn FnMut(Sharing)) -> Answer<()>;
    /// Every request to share, in id order.
    fn each_share(&self, take: &mut dyn FnMut(Share)) -> Answer<()>;
    /// Every return, in id order.
    fn each_share_return(&self, take: &mut dyn FnMut(ShareReturn)) -> Answer<()>;

    /// With whom a merchant shares.
    fn receiver(&self, merchant: MerchantId, party: Party) -> Answer<Option<Receiver>> {
        Ok(match self.record(Key::Receiver((merchant, party)))? {
            Some(Record::Receiver(found)) => Some(found),
            _ => None,
        })
    }
    /// What is left of an order that is shared.
    fn sharing(&self, order: OrderId) -> Answer<Option<Sharing>> {
        Ok(match self.record(Key::Sharing(order))? {
            Some(Record::Sharing(found)) => Some(found),
            _ => None,
        })
    }
    /// A request to share.
    fn share(&self, id: ShareId) -> Answer<Option<Share>> {
        Ok(match self.record(Key::Share(id))? {
            Some(Record::Share(found)) => Some(found),
            _ => None,
        })
    }
    /// A return.
    fn share_return(&self, id: ShareReturnId) -> Answer<Option<ShareReturn>> {
        Ok(match self.record(Key::ShareReturn(id))? {
            Some(Record::ShareReturn(found)) => Some(found),
            _ => None,
        })
    }
    /// The request to share under a signer's own number.
    fn share_by_number(&self, signer: MerchantId, number: &str) -> Answer<Option<Share>> {
        match self.record(Key::SharingNumber((signer, false, number.into())))? {
            Some(Record::SharingNumber(SharingNumber { id, .. })) => self.share(ShareId(id)),
            _ => Ok(None),
        }
    }
    /// The return under a signer's own number.
    fn share_return_by_number(&self, signer: MerchantId, number: &str) -> Answer<Option<ShareReturn>> {
        match self.record(Key::SharingNumber((signer, true, number.into())))? {
            Some(Record::SharingNumber(SharingNumber { id, .. })) => self.share_return(ShareReturnId(id)),
            _ => Ok(None),
        }
    }
    /// The requests to share of an order, newest first. One row is read for each.
    fn shares_of(&self, sharing: &Sharing) -> Answer<Vec<Share>> {
        let mut found: Vec<Share> = Vec::new();
        let mut next = sharing.newest;
        while let Some(id) = next
            && let Some(share) = self.share(id)?
        {
            // A link leads back in time, so a damaged one can't lead in a circle.
            next = share.previous.filter(|previous| *previous < id);
            found.push(share);
        }
        Ok(found)
    }
    /// The newest returns of an order, newest first, at most `limit`. One row is read for each.
    fn share_returns_of(&self, sharing: &Sharing, limit: usize) -> Answer<Vec<ShareReturn>> {
        let mut found: Vec<ShareReturn> = Vec::new();
        let mut next = sharing.newest_return;
        while let Some(id) = next
            && found.len() < limit
            && let Some(one) = self.share_return(id)?
        {
            next = one.previous.filter(|previous| *previous < id);
            found.push(one);
        }
        Ok(found)
    }
}
