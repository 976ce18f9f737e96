//! The OpenAPI document, served at `/openapi.json` and stored as `docs/openapi.json`, and its page at `/docs`.

mod bills;
mod combine;
mod combine_schemas;
mod endpoint;
mod funds;
mod merchant;
mod order_schemas;
mod other;
mod other_schemas;
mod partner;
mod partner_schemas;
mod payouts;
mod refunds;
mod sharing;
mod transfer_batches;
mod user_transfers;

use axum::{
    Router,
    http::{HeaderValue, header},
    response::IntoResponse,
    routing::get,
};
use endpoint::SECURITY;
use std::{collections::BTreeMap, sync::LazyLock};
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::openapi::{
    ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, OpenApiVersion, PathItem,
    PathsBuilder,
    security::{ApiKey, ApiKeyValue, SecurityScheme},
    tag::TagBuilder,
};
use utoipa_swagger_ui::{Config, SwaggerUi};

/// Nothing from elsewhere, no frames, no forms. Swagger UI sets styles in line.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

const ABOUT: &str = "\
The merchant API of Feiqian (飞钱), wire-compatible with WeChat Pay API v3: point an SDK's base URL here.

**Requests** are signed in `Authorization` (scheme WECHATPAY2-SHA256-RSA2048) with the key of the merchant's API \
certificate; see the security scheme. A timestamp may be 300 seconds off. A `nonce_str` stands for one request; the \
same request again, byte for byte, passes. A body has at most 1 MiB (else 413 with PARAM_ERROR) and is UTF-8 without \
characters outside the basic plane.

**Answers** of status 2xx, 204 too, are signed in five `Wechatpay-…` headers over timestamp, nonce and body. The key \
is the platform certificate, or the platform public key when the request names it in `Wechatpay-Serial`. Errors are \
not signed. Every answer has a `Request-ID`.

**Money** is an integer of fen. **Times** are RFC 3339.

**Notifications** of paid orders and of refunds are posted to `notify_url`, signed and encrypted with the APIv3 key; answer 200 or \
204 within 5 seconds, else they come again, with the same id.

**Partner mode**: a partner (服务商) signs for its sub-merchants (特约商户) under `/v3/pay/partner/transactions/…`, and \
with `sub_mchid` in refunds and bills. What a partner may do for which sub-merchant is set by the platform's \
administrator; anything else is 403 NO_AUTH.

Not offered yet, and refused where asked for: `subsidy_amount`, `limit_pay`, `payer.identity`, \
SM2.";

const SIGNATURE: &str = "\
`WECHATPAY2-SHA256-RSA2048 mchid=\"…\",nonce_str=\"…\",timestamp=\"…\",serial_no=\"…\",signature=\"…\"`, the five in \
any order. The signature is Base64 of RSASSA-PKCS1-v1_5 with SHA-256 over five lines, each ended by LF: method, path \
with query, timestamp, nonce_str, body (empty when there is none). A 401 SIGN_ERROR shows in \
`detail.sign_information` what the platform verified.";

fn document() -> OpenApi {
    let mut schemas = BTreeMap::new();
    let mut endpoints = merchant::endpoints(&mut schemas);
    endpoints.extend(partner::endpoints(&mut schemas));
    endpoints.extend(combine::endpoints(&mut schemas));
    endpoints.extend(refunds::endpoints(&mut schemas));
    endpoints.extend(sharing::endpoints(&mut schemas));
    endpoints.extend(user_transfers::endpoints(&mut schemas));
    endpoints.extend(transfer_batches::endpoints(&mut schemas));
    endpoints.extend(funds::endpoints(&mut schemas));
    endpoints.extend(payouts::endpoints(&mut schemas));
    endpoints.extend(bills::endpoints(&mut schemas));
    endpoints.extend(other::endpoints(&mut schemas));
    let mut paths = PathsBuilder::new().build();
    for described in endpoints {
        let item = PathItem::new(described.method, described.operation);
        // A path may be asked by more than one method.
        match paths.paths.get_mut(described.path) {
            Some(known) => known.merge_operations(item),
            None => _ = paths.paths.insert(described.path.to_owned(), item),
        }
    }
    let scheme =
        SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description("Authorization", SIGNATURE)));
    let mut components = ComponentsBuilder::new().security_scheme(SECURITY, scheme).build();
    endpoint::enter_headers(&mut components);
    components.schemas = schemas;
    let tag = |name: &str, text: &str| TagBuilder::new().name(name).description(Some(text)).build();
    let mut license = LicenseBuilder::new().name("Apache-2.0").build();
    license.identifier = Some("Apache-2.0".to_owned());
    let info = InfoBuilder::new()
        .title("Feiqian merchant API")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .license(Some(license))
        .build();
    let mut document = OpenApiBuilder::new()
        .info(info)
        .paths(paths)
        .components(Some(components))
        .tags(Some([
            tag("orders", "下单、查询、关单、撤销 · Orders: place, query, close, reverse"),
            tag("partner", "服务商：为特约商户下单 · Partner mode: orders for sub-merchants"),
            tag("combine", "合单支付 · Combined orders: several merchants' orders paid as one"),
            tag("refunds", "退款 · Refunds: ask, look up, send to another card"),
            tag("sharing", "分账 · Profit sharing: receivers, shares, returns, what is left"),
            tag("transfers", "商家转账 · Transfers to users, one by one and in batches"),
            tag("funds", "账户余额与不可用资金 · The balance, and money that can't be used yet"),
            tag("bills", "交易账单与资金账单 · Bills of trades and of money, by the day"),
            tag("keys", "平台证书与自测 · Platform certificates, and the self-test of keys"),
            tag("oauth", "网页授权 · The payer's openid for JSAPI"),
            tag("sandbox", "沙箱 · Sandbox helpers, unsigned, only in a sandbox and on its own machine"),
        ]))
        .build();
    document.openapi = OpenApiVersion::Version31;
    document
}

static TEXT: LazyLock<String> = LazyLock::new(|| {
    let text = document().to_pretty_json();
    text.unwrap_or_else(|error| {
        tracing::error!(%error, "the API description can't be written");
        String::new()
    })
});

/// The document as pretty JSON.
pub(crate) fn openapi() -> String {
    TEXT.clone()
}

/// `/openapi.json` and `/docs`.
pub(crate) fn router() -> Router {
    let config = Config::new(["/openapi.json"])
        .validator_url("none")
        .supported_submit_methods(std::iter::empty::<String>())
        .default_models_expand_depth(0)
        .display_operation_id(false)
        .use_base_layout();
    let page = Router::from(SwaggerUi::new("/docs").config(config));
    let set = |name, value| SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value));
    page.route("/openapi.json", get(serve))
        .layer(set(header::CONTENT_SECURITY_POLICY, POLICY))
        .layer(set(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(set(header::REFERRER_POLICY, "no-referrer"))
}

async fn serve() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json; charset=utf-8")], TEXT.as_str())
}
