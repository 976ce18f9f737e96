//! What a door leads to: one order, or several merchants' orders that are paid as one (合单).

use super::door::Door;
use domain::{
    Command,
    combined::{Combined, CombinedConfirmation},
    order::{Order, OrderState},
    payment::{Confirmation, Entry},
    records::Digest,
};
use engine::{Fault, Queries};
use types::{
    AppId, CardId, CombineTransactionId, CombinedId, MerchantId, Money, OrderId, PayerId, TransactionId,
};

/// An order to be paid, or a combined one with its orders. They stand alike, so the first tells for all.
pub(crate) struct Demand {
    first: Order,
    whole: Option<Whole>,
}

/// A combined order.
struct Whole {
    combined: Combined,
    orders: Vec<Order>,
}

/// What one merchant gets.
pub(crate) struct Part {
    pub(crate) merchant: MerchantId,
    pub(crate) payee: String,
    pub(crate) description: String,
    pub(crate) amount: Money,
}

impl Demand {
    /// What this number is given to; an order's and a combined order's are never the same.
    ///
    /// # Errors
    /// The store's fault.
    pub(crate) fn find(queries: &dyn Queries, id: OrderId) -> Result<Option<Self>, Fault> {
        if let Some(first) = queries.order(id)? {
            return Ok(Some(Self { first, whole: None }));
        }
        let Some(combined) = queries.combined(CombinedId(id.0))? else { return Ok(None) };
        let orders = queries.orders_of(&combined)?;
        let Some(first) = orders.first().cloned() else { return Ok(None) };
        Ok(Some(Self { first, whole: Some(Whole { combined, orders }) }))
    }
    /// The order, or the first of them: state, deadline, payer and payment are those of all.
    pub(crate) const fn first(&self) -> &Order {
        &self.first
    }
    /// Whether it is several orders.
    pub(crate) const fn is_whole(&self) -> bool {
        self.whole.is_some()
    }
    /// Whether an order is paid alone; one of several is paid with the others only.
    pub(crate) fn is_part(&self) -> bool {
        self.whole.is_none() && self.first.combined.is_some()
    }
    pub(crate) fn amount(&self) -> Money {
        self.whole.as_ref().map_or(self.first.terms.amount, |whole| whole.combined.total)
    }
    /// Who asked for it, signs for it and is told of it.
    pub(crate) fn signer(&self) -> MerchantId {
        self.whole.as_ref().map_or_else(|| self.first.terms.signer(), |whole| whole.combined.merchant)
    }
    /// The application whose page calls the cashier.
    pub(crate) fn app(&self) -> AppId {
        let sub = self.first.terms.partner.and_then(|partner| partner.sub_app);
        self.whole.as_ref().map_or_else(|| sub.unwrap_or(self.first.terms.app), |whole| whole.combined.app)
    }
    /// The platform's number once paid.
    pub(crate) fn number(&self) -> String {
        match &self.whole {
            None => TransactionId(self.first.id).to_string(),
            Some(whole) => CombineTransactionId(whole.combined.id).to_string(),
        }
    }
    /// The merchant's number.
    pub(crate) fn merchant_number(&self) -> &str {
        self.whole.as_ref().map_or(&self.first.terms.number, |whole| &whole.combined.number)
    }
    /// Whether a payment is of it.
    pub(crate) fn is_paid_by(&self, order: Option<OrderId>) -> bool {
        order == Some(self.first.id)
    }
    /// Whether money was returned because the till reversed it.
    pub(crate) fn reversed(&self) -> bool {
        self.first.state == OrderState::Revoked
    }
    /// What each merchant gets; none when there is one only.
    ///
    /// # Errors
    /// The store's fault.
    pub(crate) fn parts(&self, queries: &dyn Queries) -> Result<Vec<Part>, Fault> {
        let orders = self.whole.iter().flat_map(|whole| &whole.orders);
        orders
            .map(|order| {
                let merchant = queries.merchant(order.terms.merchant)?;
                Ok(Part {
                    merchant: order.terms.merchant,
                    payee: merchant.map(|merchant| merchant.name.into_string()).unwrap_or_default(),
                    description: order.terms.description.to_string(),
                    amount: order.terms.amount,
                })
            })
            .collect()
    }
    /// What the payer confirms.
    pub(crate) fn confirm(
        &self,
        door: &Door,
        payer: PayerId,
        shown: Money,
        card: Option<CardId>,
        pin: Digest,
    ) -> Command {
        let entry = Entry { product: door.product, issued_at: door.issued_at };
        match &self.whole {
            None => Command::PayOrder(Confirmation { order: self.first.id, payer, entry, shown, card, pin }),
            Some(whole) => {
                let combined = whole.combined.id;
                Command::PayCombined(CombinedConfirmation { combined, payer, entry, shown, card, pin })
            }
        }
    }
}
