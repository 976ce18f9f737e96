//! The merchants' HTTP API, wire-compatible with WeChat Pay API v3, and what goes with it: OAuth for JSAPI, the
//! sandbox's helpers, the OpenAPI document with its reference page.
//!
//! It translates between HTTP and [`service::Service`] and holds no rule about money. What is *not* here: storage,
//! keys, delivery of notifications, pages for payers.
//!
//! | Module | Noun |
//! | --- | --- |
//! | `transport` | what every signed request goes through: body, signature, replay, rate, signed answer, log line |
//! | `orders`, `query`, `codepay` | orders: placed, closed; asked for; by payment code, reversed |
//! | `partner` | whose money a request is about: the signer's own, or a sub-merchant's |
//! | `combine` | several merchants' orders that are paid as one: placed, asked for, closed |
//! | `refunds` | refunds: asked for, looked up, sent to another card |
//! | `user_transfers`, `transfer_batches` | transfers to users: asked for, looked up, cancelled; in batches |
//! | `funds`, `payouts` | a merchant's balance, the money it can't use yet, with the reasons; payouts |
//! | `bills` | bills of a day: a link with a hash, the file |
//! | `certificates`, `echo` | platform certificates; the self-test of keys |
//! | `oauth` | authorization code → openid |
//! | `sandbox` | paying and looking without a phone, on this machine only |
//! | `errors` | the table from rejections to public codes |
//! | `notify_url` | which notification addresses may be named |
//! | `docs` | the OpenAPI document |

mod bills;
mod certificates;
mod codepay;
mod combine;
mod docs;
mod echo;
mod errors;
mod funds;
mod notify_url;
mod oauth;
mod orders;
mod partner;
mod payouts;
mod query;
mod refunds;
mod sandbox;
mod sharing;
mod transfer_batches;
mod transport;
mod user_transfers;

#[cfg(test)]
mod tests;

pub use transport::query_string::{PAIRS_MAX, QUERY_BYTES_MAX, QueryError, query_pairs};

use axum::{
    Router,
    extract::Request,
    routing::{MethodRouter, any, get, post},
};
use protocol::order::{Mode, Product};
use service::{CardNumbers, Service};
use std::{future::Future, sync::Arc};
use transport::{Call, Gateway, Outcome, Shared};

/// The merchant API under `/v3`, `GET /sns/oauth2/access_token`, `/openapi.json` and its page under `/docs`. It
/// has no fallback of its own, so it can be merged with other routers.
///
/// Serve it with connection info ([`axum::extract::ConnectInfo`] of a socket address): the caller's address goes
/// to the journal, and failures are counted by it. A proxy on the same machine is believed about the last address
/// of `X-Forwarded-For`.
///
/// `cards` makes tokens of the card numbers that abnormal refunds are sent to.
pub fn router(service: Arc<Service>, cards: Arc<dyn CardNumbers>) -> Router {
    router_of(Gateway::new(Arc::clone(&service), Arc::clone(&service.wall), cards))
}

fn router_of(gateway: Arc<Gateway>) -> Router {
    let signed = Router::new()
        .route(
            "/v3/pay/transactions/jsapi",
            post_signed(|call| orders::prepay(call, Product::Jsapi, Mode::Merchant)),
        )
        .route(
            "/v3/pay/transactions/app",
            post_signed(|call| orders::prepay(call, Product::App, Mode::Merchant)),
        )
        .route(
            "/v3/pay/transactions/h5",
            post_signed(|call| orders::prepay(call, Product::H5, Mode::Merchant)),
        )
        .route(
            "/v3/pay/transactions/native",
            post_signed(|call| orders::prepay(call, Product::Native, Mode::Merchant)),
        )
        .route("/v3/pay/transactions/codepay", post_signed(|call| codepay::codepay(call, Mode::Merchant)))
        .route(
            "/v3/pay/transactions/id/{transaction_id}",
            get_signed(|call| query::by_transaction_id(call, Mode::Merchant)),
        )
        .route(
            "/v3/pay/transactions/out-trade-no/{out_trade_no}",
            get_signed(|call| query::by_out_trade_no(call, Mode::Merchant)),
        )
        .route(
            "/v3/pay/transactions/out-trade-no/{out_trade_no}/close",
            post_signed(|call| orders::close(call, Mode::Merchant)),
        )
        .route(
            "/v3/pay/transactions/out-trade-no/{out_trade_no}/reverse",
            post_signed(|call| codepay::reverse(call, Mode::Merchant)),
        )
        .route(
            "/v3/pay/partner/transactions/jsapi",
            post_signed(|call| orders::prepay(call, Product::Jsapi, Mode::Partner)),
        )
        .route(
            "/v3/pay/partner/transactions/app",
            post_signed(|call| orders::prepay(call, Product::App, Mode::Partner)),
        )
        .route(
            "/v3/pay/partner/transactions/h5",
            post_signed(|call| orders::prepay(call, Product::H5, Mode::Partner)),
        )
        .route(
            "/v3/pay/partner/transactions/native",
            post_signed(|call| orders::prepay(call, Product::Native, Mode::Partner)),
        )
        .route(
            "/v3/pay/partner/transactions/codepay",
            post_signed(|call| codepay::codepay(call, Mode::Partner)),
        )
        .route(
            "/v3/pay/partner/transactions/id/{transaction_id}",
            get_signed(|call| query::by_transaction_id(call, Mode::Partner)),
        )
        .route(
            "/v3/pay/partner/transactions/out-trade-no/{out_trade_no}",
            get_signed(|call| query::by_out_trade_no(call, Mode::Partner)),
        )
        .route(
            "/v3/pay/partner/transactions/out-trade-no/{out_trade_no}/close",
            post_signed(|call| orders::close(call, Mode::Partner)),
        )
        .route(
            "/v3/pay/partner/transactions/out-trade-no/{out_trade_no}/reverse",
            post_signed(|call| codepay::reverse(call, Mode::Partner)),
        )
        .route("/v3/combine-transactions/jsapi", post_signed(|call| combine::prepay(call, Product::Jsapi)))
        .route("/v3/combine-transactions/app", post_signed(|call| combine::prepay(call, Product::App)))
        .route("/v3/combine-transactions/h5", post_signed(|call| combine::prepay(call, Product::H5)))
        .route("/v3/combine-transactions/native", post_signed(|call| combine::prepay(call, Product::Native)))
        .route(
            "/v3/combine-transactions/out-trade-no/{combine_out_trade_no}",
            get_signed(combine::by_out_trade_no),
        )
        .route(
            "/v3/combine-transactions/out-trade-no/{combine_out_trade_no}/close",
            post_signed(combine::close),
        )
        .route("/v3/refund/domestic/refunds", post_signed(refunds::create))
        .route("/v3/refund/domestic/refunds/{out_refund_no}", get_signed(refunds::by_out_refund_no))
        .route(
            "/v3/refund/domestic/refunds/{refund_id}/apply-abnormal-refund",
            post_signed(refunds::apply_abnormal),
        )
        .merge(transfers())
        .merge(profit_sharing())
        .route("/v3/merchant/fund/balance/{account_type}", get_signed(funds::balance))
        .route("/v3/feiqian/held", get_signed(funds::held))
        .route("/v3/feiqian/payouts", post_signed(payouts::create).merge(get_signed(payouts::list)))
        .route("/v3/feiqian/payouts/{out_payout_no}", get_signed(payouts::by_number))
        .route("/v3/bill/tradebill", get_signed(bills::trade))
        .route("/v3/bill/fundflowbill", get_signed(bills::fund))
        .route("/v3/bill/sub-merchant-fundflowbill", get_signed(bills::sub_merchant_fund))
        .route("/v3/billdownload/file", get_signed(bills::download))
        .route("/v3/certificates", get_signed(certificates::list))
        .route("/v3/security/echo", post_signed(echo::echo))
        .route("/v3/{*rest}", any(transport::not_found))
        .method_not_allowed_fallback(transport::method_not_allowed)
        .with_state(Arc::clone(&gateway));
    let open = Router::new()
        .route("/sns/oauth2/access_token", get(oauth::access_token))
        .with_state(gateway)
        .merge(docs::router());
    signed.merge(transport::plain::wrap(open, "application/json", oauth::PANICKED))
}

/// Profit sharing (wire §7).
fn profit_sharing() -> Router<Arc<Gateway>> {
    Router::new()
        .route("/v3/profitsharing/receivers/add", post_signed(sharing::add_receiver))
        .route("/v3/profitsharing/receivers/delete", post_signed(sharing::remove_receiver))
        .route("/v3/profitsharing/orders", post_signed(sharing::share))
        .route("/v3/profitsharing/orders/unfreeze", post_signed(sharing::unfreeze))
        .route("/v3/profitsharing/orders/{out_order_no}", get_signed(sharing::by_out_order_no))
        .route("/v3/profitsharing/transactions/{transaction_id}/amounts", get_signed(sharing::amounts))
        .route("/v3/profitsharing/return-orders", post_signed(sharing::give_back))
        .route("/v3/profitsharing/return-orders/{out_return_no}", get_signed(sharing::by_out_return_no))
        .route("/v3/profitsharing/merchant-configs/{sub_mchid}", get_signed(sharing::config))
        .route("/v3/profitsharing/bills", get_signed(bills::sharing))
}

/// The sandbox's endpoints under `/sandbox/v1`; no routes at all outside a sandbox. Serve it with connection info:
/// without it nobody is on this machine.
pub fn sandbox_router(service: Arc<Service>) -> Router {
    sandbox::router(service)
}

/// The OpenAPI document of everything above, pretty JSON, the same on every call.
#[must_use]
pub fn openapi() -> String {
    docs::openapi()
}

/// Transfers to users, one by one (wire §8.1) and in batches (wire §8.2).
fn transfers() -> Router<Arc<Gateway>> {
    Router::new()
        .route("/v3/fund-app/mch-transfer/transfer-bills", post_signed(user_transfers::create))
        .route(
            "/v3/fund-app/mch-transfer/transfer-bills/out-bill-no/{out_bill_no}",
            get_signed(user_transfers::by_out_bill_no),
        )
        .route(
            "/v3/fund-app/mch-transfer/transfer-bills/out-bill-no/{out_bill_no}/cancel",
            post_signed(user_transfers::cancel),
        )
        .route(
            "/v3/fund-app/mch-transfer/transfer-bills/transfer-bill-no/{transfer_bill_no}",
            get_signed(user_transfers::by_transfer_bill_no),
        )
        .route("/v3/transfer/batches", post_signed(transfer_batches::create))
        .route("/v3/transfer/batches/batch-id/{batch_id}", get_signed(transfer_batches::by_id))
        .route("/v3/transfer/batches/out-batch-no/{out_batch_no}", get_signed(transfer_batches::by_number))
        .route(
            "/v3/transfer/batches/batch-id/{batch_id}/details/detail-id/{detail_id}",
            get_signed(transfer_batches::detail_by_id),
        )
        .route(
            "/v3/transfer/batches/out-batch-no/{out_batch_no}/details/out-detail-no/{out_detail_no}",
            get_signed(transfer_batches::detail_by_number),
        )
}

fn post_signed<F, Fut>(endpoint: F) -> MethodRouter<Arc<Gateway>>
where
    F: FnOnce(Call) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Outcome> + Send + 'static,
{
    post(move |state: Shared, request: Request| transport::serve(state.0, request, endpoint))
}

fn get_signed<F, Fut>(endpoint: F) -> MethodRouter<Arc<Gateway>>
where
    F: FnOnce(Call) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Outcome> + Send + 'static,
{
    get(move |state: Shared, request: Request| transport::serve(state.0, request, endpoint))
}
