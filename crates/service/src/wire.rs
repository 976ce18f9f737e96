//! From records to wire objects: the same transaction object for queries, payment-code answers and
//! notifications.

use crypto::Tokens;
use domain::{
    combined::Combined,
    merchant::Product,
    order::{Order, OrderState},
    refund::{Funds, Refund, RefundState},
};
use engine::{Fault, Queries};
use protocol::{
    combine::CombinedView,
    refund::{Channel, FromAccount, FundsAccount, RefundView, Status},
    transaction::{Paid, SubView, TradeState, TradeType, TransactionView},
};
use types::{CombineTransactionId, RefundNumber, TransactionId};

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
        mchid: terms.signer(),
        sub: terms.partner.map(|partner| SubView {
            mchid: terms.merchant,
            appid: partner.sub_app,
            openid: order
                .paid_at
                .and(partner.sub_app.zip(order.payer))
                .map(|(app, payer)| tokens.openid(app, payer)),
        }),
        out_trade_no: terms.number.to_string(),
        trade_type: trade_type(terms.product),
        trade_state: if order.state == OrderState::Paid && order.refunded.newest.is_some() {
            TradeState::Refund // for good, also when the refund was closed (wire §3.5)
        } else {
            trade_state(order.state)
        },
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

/// The object of a combined order as it is now (wire §3.9).
///
/// # Errors
/// A fault of the store.
pub fn combined_now(whole: &Combined, queries: &dyn Queries, tokens: &Tokens) -> Result<CombinedView, Fault> {
    combined(whole, queries, |order, bank| transaction(order, bank, tokens))
}

/// The object of a combined order as it was when it was paid, as [`paid_transaction`].
///
/// # Errors
/// A fault of the store.
pub fn combined_paid(
    whole: &Combined,
    queries: &dyn Queries,
    tokens: &Tokens,
) -> Result<CombinedView, Fault> {
    combined(whole, queries, |order, bank| paid_transaction(order, bank, tokens))
}

fn combined(
    whole: &Combined,
    queries: &dyn Queries,
    of: impl Fn(&Order, Option<&str>) -> TransactionView,
) -> Result<CombinedView, Fault> {
    let orders = queries.orders_of(whole)?;
    // One card pays all of them.
    let card =
        orders.iter().find_map(|order| order.card).map(|card| queries.card(card)).transpose()?.flatten();
    let bank = card.as_ref().map(|card| &*card.bank);
    let paid = orders.iter().any(|order| order.paid_at.is_some());
    Ok(CombinedView {
        appid: whole.app,
        mchid: whole.merchant,
        out_trade_no: whole.number.to_string(),
        transaction_id: paid.then_some(CombineTransactionId(whole.id)),
        device_id: Some(whole.device.to_string()).filter(|text| !text.is_empty()),
        orders: orders.iter().map(|order| of(order, bank)).collect(),
    })
}

/// The wire's status of a refund. One that waits for approval is under way.
#[must_use]
pub const fn refund_status(state: RefundState) -> Status {
    match state {
        RefundState::Waiting | RefundState::Processing | RefundState::Unknown => Status::Processing,
        RefundState::Succeeded => Status::Success,
        RefundState::Abnormal => Status::Abnormal,
        RefundState::Closed => Status::Closed,
    }
}

/// The refund object of a refund as it is now. `card` is bank code and last four digits of the card that paid the
/// order, if one did.
#[must_use]
pub fn refund(refund: &Refund, order: &Order, card: Option<(&str, &str)>) -> RefundView {
    let terms = &refund.terms;
    let (channel, account) = match (&refund.receiver, card) {
        (Some(to), _) if to.merchant => {
            (Channel::OtherBankCard, format!("商户{}{}", bank_name(&to.bank), to.tail))
        }
        (Some(to), _) => (Channel::OtherBankCard, format!("{}{}", bank_name(&to.bank), to.tail)),
        (None, Some((bank, tail))) => (Channel::Original, format!("{}{tail}", bank_name(bank))),
        (None, None) => (Channel::Original, "支付用户零钱".to_owned()),
    };
    RefundView {
        refund_id: RefundNumber(refund.id),
        out_refund_no: terms.number.to_string(),
        transaction_id: TransactionId(order.id),
        out_trade_no: order.terms.number.to_string(),
        channel,
        user_received_account: account,
        success_time: refund.ended_at.filter(|_| refund.state == RefundState::Succeeded),
        create_time: refund.created_at,
        status: refund_status(refund.state),
        funds_account: match terms.funds {
            Funds::Unsettled => FundsAccount::Unsettled,
            Funds::Available => FundsAccount::Available,
        },
        total: order.terms.amount,
        refund: terms.amount,
        from: from_accounts(&terms.extra),
        refund_fee: refund.fee,
    }
}

/// `amount.from` as it was asked for; the gateway keeps it with the other parameters.
fn from_accounts(extra: &str) -> Vec<(FromAccount, i64)> {
    let kept: serde_json::Value = serde_json::from_str(extra).unwrap_or_default();
    let read = |entry: &serde_json::Value| {
        Some((FromAccount::parse(entry.get("account")?.as_str()?)?, entry.get("amount")?.as_i64()?))
    };
    kept.get("from").and_then(|from| from.as_array()).into_iter().flatten().filter_map(read).collect()
}

/// A bank and kind of card in Chinese, by the code of the wire. A code without a name is shown as it is.
fn bank_name(code: &str) -> String {
    let Some((short, kind)) = code.rsplit_once('_') else {
        return if code == "OTHERS" { "银行卡".to_owned() } else { code.to_owned() };
    };
    let bank = match short {
        "ABC" => "农业银行",
        "BOC" => "中国银行",
        "CCB" => "建设银行",
        "CEB" => "光大银行",
        "CIB" => "兴业银行",
        "CITIC" => "中信银行",
        "CMB" => "招商银行",
        "CMBC" => "民生银行",
        "COMM" => "交通银行",
        "GDB" => "广发银行",
        "HXB" => "华夏银行",
        "ICBC" => "工商银行",
        "NBCB" => "宁波银行",
        "PAB" => "平安银行",
        "PSBC" => "邮储银行",
        "SPDB" => "浦发银行",
        other => other,
    };
    match kind {
        "DEBIT" => format!("{bank}借记卡"),
        "CREDIT" => format!("{bank}信用卡"),
        _ => code.to_owned(),
    }
}
