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
    AppId, CardId, CombineTransactionId, CombinedId, Currency, MerchantId, Money, OrderId, PayerId,
    TransactionId,
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
    /// What the page shows of it.
    pub(crate) fn shown(&self) -> Shown {
        Shown { amount: self.amount(), whole: self.is_whole() }
    }
}

/// What a cashier page showed, as its form brings it back: the payer confirms this, whatever the order says by then.
/// The engine compares, so that nothing need be looked up before and nobody gains by changing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) amount: Money,
    /// A combined order.
    pub(crate) whole: bool,
}

impl Shown {
    /// Reads the form's fields; none when they are no amount, or not all there: a page of an older version showed the
    /// minor units alone.
    pub(crate) fn of(minor: &str, currency: &str, kind: &str) -> Option<Self> {
        let amount = Money::new(minor.parse().ok()?, Currency::from_code(currency)?);
        match kind {
            "order" => Some(Self { amount, whole: false }),
            "combined" => Some(Self { amount, whole: true }),
            _ => None,
        }
    }
    /// The form's word for what is paid.
    pub(crate) const fn kind(self) -> &'static str {
        if self.whole { "combined" } else { "order" }
    }
    /// What the payer confirms.
    pub(crate) fn confirm(self, door: &Door, payer: PayerId, card: Option<CardId>, pin: Digest) -> Command {
        let entry = Entry { product: door.product, issued_at: door.issued_at };
        let (order, shown) = (door.order, self.amount);
        if self.whole {
            let combined = CombinedId(order.0);
            return Command::PayCombined(CombinedConfirmation { combined, payer, entry, shown, card, pin });
        }
        Command::PayOrder(Confirmation { order, payer, entry, shown, card, pin })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_shown_comes_back_as_the_form_brings_it() {
        for shown in [
            Shown { amount: Money::cny(1_00), whole: false },
            Shown { amount: Money::new(7, Currency::JPY), whole: true },
        ] {
            let (minor, currency) = (shown.amount.minor.to_string(), shown.amount.currency.code());
            assert_eq!(Shown::of(&minor, currency, shown.kind()), Some(shown));
        }
        for (minor, currency, kind) in [
            ("1", "", ""),
            ("", "CNY", "order"),
            ("1.00", "CNY", "order"),
            ("1", "XYZ", "order"),
            ("1", "CNY", "both"),
        ] {
            assert_eq!(Shown::of(minor, currency, kind), None, "{minor} {currency} {kind}");
        }
    }
}
