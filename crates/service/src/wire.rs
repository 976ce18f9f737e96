//! From records to wire objects: the same transaction object for queries, payment-code answers and
//! notifications.

use crypto::Tokens;
use domain::{
    merchant::Product,
    order::{Order, OrderState},
};
use protocol::transaction::{Paid, TradeState, TradeType, TransactionView};
use types::TransactionId;

/// The wire's name of a product.
#[must_use]
pub const fn trade_type(product: Product) -> TradeType {
    match product {
        Product::Jsapi => TradeType::Jsapi,
        Product::App => TradeType::App,
        Product::H5 => TradeType::Mweb,
        Product::Native => TradeType::Native,
        Product::Code => TradeType::Micropay,
    }
}

/// The wire's state of an order. A deadline that passed is still NOTPAY (wire §3.5).
#[must_use]
pub const fn trade_state(state: OrderState) -> TradeState {
    match state {
        OrderState::Open | OrderState::Expired => TradeState::NotPay,
        OrderState::Paying => TradeState::UserPaying,
        OrderState::Paid => TradeState::Success,
        OrderState::Closed => TradeState::Closed,
        OrderState::Revoked => TradeState::Revoked,
        OrderState::Failed => TradeState::PayError,
    }
}

/// The transaction object of an order as it is now. `bank` is the card's bank code when a card paid.
#[must_use]
pub fn transaction(order: &Order, bank: Option<&str>, tokens: &Tokens) -> TransactionView {
    let terms = &order.terms;
    let paid = order.paid_at.zip(order.payer).map(|(paid_at, payer)| Paid {
        transaction_id: TransactionId(order.id),
        bank_type: bank.unwrap_or(Paid::WALLET).to_owned(),
        attach: Some(terms.attach.to_string()).filter(|text| !text.is_empty()),
        success_time: paid_at,
        openid: tokens.openid(terms.app, payer),
        payer_total: terms.amount,
        promotions: Vec::new(),
    });
    TransactionView {
        appid: terms.app,
        mchid: terms.merchant,
        out_trade_no: terms.number.to_string(),
        trade_type: trade_type(terms.product),
        trade_state: trade_state(order.state),
        amount: terms.amount,
        device_id: Some(terms.device.to_string()).filter(|text| !text.is_empty()),
        paid,
    }
}

/// The transaction object as it was when the order was paid: what a notification says, however late it comes
/// (Hyperswitch 9278: a notification never carries a later state).
#[must_use]
pub fn paid_transaction(order: &Order, bank: Option<&str>, tokens: &Tokens) -> TransactionView {
    TransactionView { trade_state: TradeState::Success, ..transaction(order, bank, tokens) }
}
