//! Profit sharing on the wire: receivers, requests to share, returns, notifications to receivers (wire §5, §7).

mod view;

pub use view::{
    AmountsView, ConfigView, NOT_YET, PartResult, ReceiverRemoved, ReceiverView, ReturnResult, ReturnView,
    ShareNotice, ShareState, ShareView, SharedView, detail_id,
};

use crate::error::{ApiError, Location};
use crate::field::{self, OUT_REFUND_NO};
use crate::issue;
use crate::json::{self, Fields, FromFields, Node};
use crate::order::{Parameters, owned};
use crate::refund::{CIPHERTEXT_MAX, words};
use serde::Serialize;
use types::{AppId, MerchantId, Secret, ShareNumber, TransactionId};

/// Receivers of one request (wire §7).
pub const RECEIVERS_MAX: usize = 50;
/// The longest description, in characters (wire §7).
pub const DESCRIPTION_MAX: usize = 80;

words! {
    /// `type` of a receiver.
    ReceiverKind {
        /// A merchant, by its number.
        Merchant = "MERCHANT_ID",
        /// A person, by the openid of whoever signs.
        Person = "PERSONAL_OPENID",
        /// A person, by the openid of the sub-merchant's application.
        SubPerson = "PERSONAL_SUB_OPENID",
    }
}
words! {
    /// `relation_type`: what a receiver is to the merchant.
    Relation {
        /// 服务商
        ServiceProvider = "SERVICE_PROVIDER",
        /// 门店
        Store = "STORE",
        /// 员工
        Staff = "STAFF",
        /// 店主
        StoreOwner = "STORE_OWNER",
        /// 合作伙伴
        Partner = "PARTNER",
        /// 总部
        Headquarter = "HEADQUARTER",
        /// 品牌方
        Brand = "BRAND",
        /// 分销商
        Distributor = "DISTRIBUTOR",
        /// 用户
        User = "USER",
        /// 供应商
        Supplier = "SUPPLIER",
        /// Another, with a name of the merchant's own.
        Custom = "CUSTOM",
    }
}

/// `out_order_no` from the path, already percent-decoded: 1 to 64 of digits, letters and `_ - | * @`.
///
/// # Errors
/// `PARAM_ERROR` with the name and `location` `path`.
pub fn path_number<'t>(name: &'static str, text: &'t str) -> Result<&'t str, ApiError> {
    if field::is_out_refund_no(text) {
        return Ok(text);
    }
    let value = Some(text.chars().take(64).collect());
    Err(ApiError::param(name, value, field::form(OUT_REFUND_NO), Location::Path))
}

fn number(fields: &Fields<'_>, name: &str) -> Result<String, ApiError> {
    let known = |text: &str| field::is_out_refund_no(text).then(|| text.to_owned());
    fields.need_parsed(name, 1..=64, known, || field::form(OUT_REFUND_NO))
}

fn appid(fields: &Fields<'_>, name: &str) -> Result<Option<AppId>, ApiError> {
    let form = || issue::form("以 wx 开头的 18 位 appid", "an appid, wx and 16 hex digits");
    fields.parsed(name, 1..=32, |text| text.parse().ok(), form)
}

fn transaction_id(fields: &Fields<'_>) -> Result<TransactionId, ApiError> {
    let form = || issue::form("本平台生成的 28 位数字订单号", "an order number of this platform, 28 digits");
    fields.need_parsed("transaction_id", 1..=32, |text| text.parse().ok(), form)
}

/// Who gets something, as the wire names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// What kind of number it is.
    pub kind: ReceiverKind,
    /// The merchant number or openid, 1 to 64 characters.
    pub account: String,
    /// The name, cipher text.
    pub name: Option<Secret<String>>,
}

impl Account {
    fn read(fields: &Fields<'_>) -> Result<Self, ApiError> {
        let known = || issue::one_of(ReceiverKind::WORDS);
        let name = fields.hidden().text("name", 1..=CIPHERTEXT_MAX)?.map(|text| Secret::new(text.to_owned()));
        Ok(Self {
            kind: fields.need_parsed("type", 1..=32, ReceiverKind::parse, known)?,
            account: fields.need_text("account", 1..=64)?.to_owned(),
            name: name.filter(|name| !name.expose().is_empty()),
        })
    }
}

/// `POST /v3/profitsharing/receivers/add`, checked against wire §7.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddRequest {
    /// A sub-merchant, in partner mode.
    pub sub_mchid: Option<String>,
    /// The application of whoever signs.
    pub appid: AppId,
    /// The sub-merchant's application.
    pub sub_appid: Option<AppId>,
    /// Who.
    pub account: Account,
    /// What the receiver is to the merchant.
    pub relation: Relation,
    /// The name of a relation of the merchant's own.
    pub custom_relation: Option<String>,
}

impl AddRequest {
    /// Reads the body.
    ///
    /// # Errors
    /// `PARAM_ERROR` with the pointer of the first member that is wrong; cipher texts never appear in it.
    pub fn read(bytes: &[u8]) -> Result<Self, ApiError> {
        json::read(bytes)
    }
}

impl FromFields for AddRequest {
    fn from_fields(fields: &Fields<'_>) -> Result<Self, ApiError> {
        let known = || issue::one_of(Relation::WORDS);
        let app = appid(fields, "appid")?;
        Ok(Self {
            sub_mchid: owned(fields.text("sub_mchid", 1..=32)?),
            appid: app.ok_or_else(|| fields.missing("appid"))?,
            sub_appid: appid(fields, "sub_appid")?,
            account: Account::read(fields)?,
            relation: fields.need_parsed("relation_type", 1..=32, Relation::parse, known)?,
            custom_relation: owned(fields.text("custom_relation", 1..=10)?),
        })
    }
}

/// `POST /v3/profitsharing/receivers/delete`, checked against wire §7.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoveRequest {
    /// A sub-merchant, in partner mode.
    pub sub_mchid: Option<String>,
    /// The application of whoever signs.
    pub appid: AppId,
    /// The sub-merchant's application.
    pub sub_appid: Option<AppId>,
    /// Who.
    pub account: Account,
}

impl RemoveRequest {
    /// Reads the body.
    ///
    /// # Errors
    /// `PARAM_ERROR` with the pointer of the first member that is wrong.
    pub fn read(bytes: &[u8]) -> Result<Self, ApiError> {
        json::read(bytes)
    }
}

impl FromFields for RemoveRequest {
    fn from_fields(fields: &Fields<'_>) -> Result<Self, ApiError> {
        let app = appid(fields, "appid")?;
        Ok(Self {
            sub_mchid: owned(fields.text("sub_mchid", 1..=32)?),
            appid: app.ok_or_else(|| fields.missing("appid"))?,
            sub_appid: appid(fields, "sub_appid")?,
            account: Account::read(fields)?,
        })
    }
}

/// `POST /v3/profitsharing/orders`, checked against wire §7.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShareRequest {
    /// A sub-merchant, in partner mode.
    pub sub_mchid: Option<String>,
    /// The application of whoever signs; needed for openids.
    pub appid: Option<AppId>,
    /// The sub-merchant's application; needed for its openids.
    pub sub_appid: Option<AppId>,
    /// Which order.
    pub transaction_id: TransactionId,
    /// The signer's number of the request.
    pub out_order_no: String,
    /// Who gets what, 1 to [`RECEIVERS_MAX`].
    pub receivers: Vec<ShareReceiver>,
    /// Whether the rest is unfrozen.
    pub unfreeze_unsplit: bool,
}

/// A receiver of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShareReceiver {
    /// Who.
    pub account: Account,
    /// How much, minor units.
    pub amount: i64,
    /// Why.
    pub description: String,
}

impl ShareRequest {
    /// Reads the body.
    ///
    /// # Errors
    /// `PARAM_ERROR` with the pointer of the first member that is wrong; cipher texts never appear in it.
    pub fn read(bytes: &[u8]) -> Result<Self, ApiError> {
        json::read(bytes)
    }

    /// All parameters but the names, whose cipher text is another each time, as canonical bytes.
    #[must_use]
    pub fn canonical(&self) -> Secret<Vec<u8>> {
        let mut parameters = Parameters::default();
        parameters.text("sub_mchid", self.sub_mchid.as_deref());
        parameters.text("appid", self.appid.map(|app| app.to_string()).as_deref());
        parameters.text("sub_appid", self.sub_appid.map(|app| app.to_string()).as_deref());
        parameters.text("transaction_id", Some(&self.transaction_id.to_string()));
        parameters.text("out_order_no", Some(&self.out_order_no));
        let receiver = |to: &ShareReceiver| {
            Node::List(vec![
                Node::Text(to.account.kind.wire().into()),
                Node::Text(to.account.account.clone()),
                Node::Integer(to.amount),
                Node::Text(to.description.clone()),
            ])
        };
        parameters.put("receivers", &Node::List(self.receivers.iter().map(receiver).collect()));
        parameters.put("unfreeze_unsplit", &Node::Integer(self.unfreeze_unsplit.into()));
        parameters.bytes()
    }
}

impl FromFields for ShareRequest {
    fn from_fields(fields: &Fields<'_>) -> Result<Self, ApiError> {
        let receiver = |entry: &Fields<'_>| {
            Ok(ShareReceiver {
                account: Account::read(entry)?,
                amount: entry.need_integer("amount", 1..=i64::MAX)?,
                description: entry.need_text("description", 1..=DESCRIPTION_MAX)?.to_owned(),
            })
        };
        let sub_mchid = owned(fields.text("sub_mchid", 1..=32)?);
        let (app, sub_app) = (appid(fields, "appid")?, appid(fields, "sub_appid")?);
        let (transaction_id, out_order_no) = (transaction_id(fields)?, number(fields, "out_order_no")?);
        let entries = fields.objects("receivers", 1..=RECEIVERS_MAX)?;
        let entries = entries.ok_or_else(|| fields.missing("receivers"))?;
        let receivers = entries.iter().map(receiver).collect::<Result<Vec<_>, ApiError>>()?;
        let unfreeze = fields.boolean("unfreeze_unsplit")?;
        Ok(Self {
            sub_mchid,
            appid: app,
            sub_appid: sub_app,
            transaction_id,
            out_order_no,
            receivers,
            unfreeze_unsplit: unfreeze.ok_or_else(|| fields.missing("unfreeze_unsplit"))?,
        })
    }
}

/// `POST /v3/profitsharing/orders/unfreeze`, checked against wire §7.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnfreezeRequest {
    /// A sub-merchant, in partner mode.
    pub sub_mchid: Option<String>,
    /// Which order.
    pub transaction_id: TransactionId,
    /// The signer's number of the request.
    pub out_order_no: String,
    /// Why.
    pub description: String,
}

impl UnfreezeRequest {
    /// Reads the body.
    ///
    /// # Errors
    /// `PARAM_ERROR` with the pointer of the first member that is wrong.
    pub fn read(bytes: &[u8]) -> Result<Self, ApiError> {
        json::read(bytes)
    }

    /// All parameters as canonical bytes.
    #[must_use]
    pub fn canonical(&self) -> Secret<Vec<u8>> {
        let mut parameters = Parameters::default();
        parameters.text("sub_mchid", self.sub_mchid.as_deref());
        parameters.text("transaction_id", Some(&self.transaction_id.to_string()));
        parameters.text("out_order_no", Some(&self.out_order_no));
        parameters.text("unfreeze", Some(&self.description));
        parameters.bytes()
    }
}

impl FromFields for UnfreezeRequest {
    fn from_fields(fields: &Fields<'_>) -> Result<Self, ApiError> {
        Ok(Self {
            sub_mchid: owned(fields.text("sub_mchid", 1..=32)?),
            transaction_id: transaction_id(fields)?,
            out_order_no: number(fields, "out_order_no")?,
            description: fields.need_text("description", 1..=DESCRIPTION_MAX)?.to_owned(),
        })
    }
}

/// `POST /v3/profitsharing/return-orders`, checked against wire §7.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnRequest {
    /// A sub-merchant, in partner mode.
    pub sub_mchid: Option<String>,
    /// The request to share, by the platform's number; this or the next, or both.
    pub order_id: Option<ShareNumber>,
    /// The request to share, by the signer's number.
    pub out_order_no: Option<String>,
    /// The signer's number of the return.
    pub out_return_no: String,
    /// Who returns.
    pub return_mchid: MerchantId,
    /// How much, minor units.
    pub amount: i64,
    /// Why.
    pub description: String,
}

impl ReturnRequest {
    /// Reads the body.
    ///
    /// # Errors
    /// `PARAM_ERROR` with the pointer of the first member that is wrong.
    pub fn read(bytes: &[u8]) -> Result<Self, ApiError> {
        json::read(bytes)
    }

    /// All parameters but the numbers of the request to share as canonical bytes: a repeat may name it by the other.
    #[must_use]
    pub fn canonical(&self) -> Secret<Vec<u8>> {
        let mut parameters = Parameters::default();
        parameters.text("sub_mchid", self.sub_mchid.as_deref());
        parameters.text("out_return_no", Some(&self.out_return_no));
        parameters.text("return_mchid", Some(&self.return_mchid.to_string()));
        parameters.put("amount", &Node::Integer(self.amount));
        parameters.text("description", Some(&self.description));
        parameters.bytes()
    }
}

impl FromFields for ReturnRequest {
    fn from_fields(fields: &Fields<'_>) -> Result<Self, ApiError> {
        let known = |text: &str| field::is_out_refund_no(text).then(|| text.to_owned());
        let form =
            || issue::form("本平台生成的 28 位数字分账单号", "an order_id of this platform, 28 digits");
        let merchant = || issue::form("商户号数字", "a merchant number");
        let order_id = fields.parsed("order_id", 1..=64, |text| text.parse().ok(), form)?;
        let out_order_no = fields.parsed("out_order_no", 1..=64, known, || field::form(OUT_REFUND_NO))?;
        if order_id.is_none() && out_order_no.is_none() {
            return Err(fields.missing("out_order_no"));
        }
        Ok(Self {
            sub_mchid: owned(fields.text("sub_mchid", 1..=32)?),
            order_id,
            out_order_no,
            out_return_no: number(fields, "out_return_no")?,
            return_mchid: fields.need_parsed("return_mchid", 1..=32, |text| text.parse().ok(), merchant)?,
            amount: fields.need_integer("amount", 1..=i64::MAX)?,
            description: fields.need_text("description", 1..=DESCRIPTION_MAX)?.to_owned(),
        })
    }
}
