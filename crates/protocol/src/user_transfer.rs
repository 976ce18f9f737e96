//! Transfers to users on the wire: bills the user confirms (wire §8.1), batches (wire §8.2), notifications (wire §5).

mod batch;

pub use batch::{
    BatchNotice, BatchRequest, BatchState, BatchView, DETAILS_MAX, DetailRequest, DetailState, DetailView,
    DetailWord, DetailsAsked,
};

use crate::error::{ApiError, Location};
use crate::field;
use crate::issue;
use crate::json::{self, Fields, FromFields, Members, Node};
use crate::language::Text;
use crate::order::{NOTIFY_URL, Parameters, owned};
use crate::refund::CIPHERTEXT_MAX;
use serde::Serialize;
use types::{AppId, MerchantId, Money, Secret, Time, TransferBillNo};

/// The most characters of a number, remark or perception.
const SHORT: usize = 32;
/// The most reports a transfer carries; no scene asks for as many.
pub const REPORTS_MAX: usize = 10;

/// What numbers of transfers must be (wire §8.1).
const NUMBER: Text = Text::fixed("由 1 至 32 个数字或大小写字母组成", "1 to 32 of digits and letters");

/// True for a merchant's number of a transfer, batch or detail: 1 to 32 of digits and letters (wire §8.1, §8.2).
#[must_use]
pub fn is_number(text: &str) -> bool {
    (1..=SHORT).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// A merchant's number from the path: `out_bill_no`, `out_batch_no` or `out_detail_no`.
///
/// # Errors
/// `PARAM_ERROR` with the name and `location` `path`.
pub fn path_number<'t>(name: &'static str, text: &'t str) -> Result<&'t str, ApiError> {
    if is_number(text) {
        return Ok(text);
    }
    let value = Some(text.chars().take(64).collect());
    Err(ApiError::param(name, value, field::form(NUMBER), Location::Path))
}

/// A transfer request, checked against wire §8.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferRequest {
    /// The application whose user it is.
    pub appid: AppId,
    /// The merchant's number.
    pub out_bill_no: String,
    /// The scene's number.
    pub scene: u16,
    /// To whom.
    pub openid: String,
    /// The user's name, cipher text.
    pub user_name: Option<Secret<String>>,
    /// How much, fen, above zero.
    pub amount: i64,
    /// What the merchant tells the user.
    pub remark: String,
    /// Where the end is told.
    pub notify_url: Option<String>,
    /// What the user is told it is.
    pub perception: Option<String>,
    /// What the scene asks for: type and content.
    pub reports: Vec<(String, String)>,
    /// `user_recv_style.type`; kept only to be compared.
    pub style: Option<&'static str>,
}

impl TransferRequest {
    /// Reads a transfer request.
    ///
    /// # Errors
    /// `PARAM_ERROR` with the pointer of the first member that is wrong; cipher texts never appear in it.
    pub fn read(bytes: &[u8]) -> Result<Self, ApiError> {
        json::read(bytes)
    }

    /// All parameters but the name, whose cipher text is another each time, as canonical bytes.
    #[must_use]
    pub fn canonical(&self) -> Secret<Vec<u8>> {
        let mut parameters = Parameters::default();
        parameters.text("appid", Some(&self.appid.to_string()));
        parameters.text("out_bill_no", Some(&self.out_bill_no));
        parameters.put("scene", &Node::Integer(self.scene.into()));
        parameters.text("openid", Some(&self.openid));
        parameters.put("transfer_amount", &Node::Integer(self.amount));
        parameters.text("transfer_remark", Some(&self.remark));
        parameters.text("notify_url", self.notify_url.as_deref());
        parameters.text("user_recv_perception", self.perception.as_deref());
        let mut reports = self.reports.clone();
        reports.sort();
        let pair =
            |(kind, content): (String, String)| Node::List(vec![Node::Text(kind), Node::Text(content)]);
        parameters.put("reports", &Node::List(reports.into_iter().map(pair).collect()));
        parameters.text("style", self.style);
        parameters.bytes()
    }
}

/// What `user_recv_style.type` may be.
const STYLES: [&str; 2] = ["CONFIRM_PAGE", "RED_PACKET"];

impl FromFields for TransferRequest {
    fn from_fields(fields: &Fields<'_>) -> Result<Self, ApiError> {
        let report = |entry: &Fields<'_>| {
            let kind = entry.need_text("info_type", 1..=15)?;
            Ok((kind.to_owned(), entry.need_text("info_content", 1..=SHORT)?.to_owned()))
        };
        let reports = fields.objects("transfer_scene_report_infos", 1..=REPORTS_MAX)?;
        let style = match fields.object("user_recv_style")? {
            None => None,
            Some(style) => {
                let known = |text: &str| STYLES.into_iter().find(|style| *style == text);
                style.parsed("type", 1..=SHORT, known, || issue::one_of(&STYLES))?
            }
        };
        Ok(Self {
            appid: appid(fields)?,
            out_bill_no: number(fields, "out_bill_no")?,
            scene: scene(fields)?.ok_or_else(|| fields.missing("transfer_scene_id"))?,
            openid: fields.need_text("openid", 1..=64)?.to_owned(),
            user_name: user_name(fields)?,
            amount: fields.need_integer("transfer_amount", 1..=i64::MAX)?,
            remark: fields.need_text("transfer_remark", 1..=SHORT)?.to_owned(),
            notify_url: notify_url(fields)?,
            perception: owned(fields.text("user_recv_perception", 1..=SHORT)?),
            reports: reports.unwrap_or_default().iter().map(report).collect::<Result<_, ApiError>>()?,
            style,
        })
    }
}

fn appid(fields: &Fields<'_>) -> Result<AppId, ApiError> {
    let form = || issue::form("wx 加 16 位小写十六进制数字", "wx and 16 lower-case hex digits");
    fields.need_parsed("appid", 1..=SHORT, |text| text.parse().ok(), form)
}

fn number(fields: &Fields<'_>, name: &str) -> Result<String, ApiError> {
    let known = |text: &str| is_number(text).then(|| text.to_owned());
    fields.need_parsed(name, 1..=SHORT, known, || field::form(NUMBER))
}

fn scene(fields: &Fields<'_>) -> Result<Option<u16>, ApiError> {
    let known = |text: &str| text.parse().ok().filter(|scene| *scene > 0);
    let form = || issue::form("转账场景 ID，如 1000", "the number of a transfer scene, such as 1000");
    fields.parsed("transfer_scene_id", 1..=36, known, form)
}

fn user_name(fields: &Fields<'_>) -> Result<Option<Secret<String>>, ApiError> {
    let text = fields.hidden().text("user_name", 1..=CIPHERTEXT_MAX)?;
    Ok(text.map(|text| Secret::new(text.to_owned())))
}

fn notify_url(fields: &Fields<'_>) -> Result<Option<String>, ApiError> {
    let url = |text: &str| field::is_notify_url(text).then(|| text.to_owned());
    fields.parsed("notify_url", 1..=256, url, || field::form(NOTIFY_URL))
}

/// The body of a cancellation: nothing, or an object without a meaning.
///
/// # Errors
/// `PARAM_ERROR` when it is something else.
pub fn read_cancel(bytes: &[u8]) -> Result<(), ApiError> {
    struct Empty;
    impl FromFields for Empty {
        fn from_fields(_: &Fields<'_>) -> Result<Self, ApiError> {
            Ok(Self)
        }
    }
    if bytes.is_empty() { Ok(()) } else { json::read::<Empty>(bytes).map(|_| ()) }
}

/// `state` of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum BillState {
    /// Taken.
    #[serde(rename = "ACCEPTED")]
    Accepted,
    /// The merchant's money is being set aside, or is too short so far.
    #[serde(rename = "PROCESSING")]
    Processing,
    /// Waits for the user.
    #[serde(rename = "WAIT_USER_CONFIRM")]
    WaitUserConfirm,
    /// The money moves; written as the wire writes it.
    #[serde(rename = "TRANSFERING")]
    Transferring,
    /// The user has the money.
    #[serde(rename = "SUCCESS")]
    Success,
    /// It failed; the merchant has its money.
    #[serde(rename = "FAIL")]
    Fail,
    /// Cancelled; the money is on its way back.
    #[serde(rename = "CANCELING")]
    Canceling,
    /// Cancelled.
    #[serde(rename = "CANCELLED")]
    Cancelled,
}

/// A transfer as answers tell of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferView {
    /// Whose.
    pub mchid: MerchantId,
    /// The merchant's number.
    pub out_bill_no: String,
    /// The platform's number.
    pub transfer_bill_no: TransferBillNo,
    /// The application.
    pub appid: AppId,
    /// Where it stands.
    pub state: BillState,
    /// How much.
    pub amount: Money,
    /// What the merchant tells the user.
    pub remark: String,
    /// Why it failed.
    pub fail_reason: Option<&'static str>,
    /// To whom.
    pub openid: String,
    /// When it was asked for.
    pub create_time: Time,
    /// When it last changed.
    pub update_time: Time,
}

impl TransferView {
    /// What asking for a transfer answers. `package_info` leads the user to the page of confirmation, while it waits.
    #[must_use]
    pub fn created(&self, package_info: Option<&str>) -> Vec<u8> {
        crate::body(&Created {
            out_bill_no: &self.out_bill_no,
            transfer_bill_no: self.transfer_bill_no.to_string(),
            create_time: self.create_time.rfc3339(),
            state: self.state,
            fail_reason: self.fail_reason,
            package_info,
        })
    }

    /// What cancelling answers.
    #[must_use]
    pub fn cancelled(&self) -> Vec<u8> {
        crate::body(&Cancelled {
            out_bill_no: &self.out_bill_no,
            transfer_bill_no: self.transfer_bill_no.to_string(),
            state: self.state,
            update_time: self.update_time.rfc3339(),
        })
    }

    /// What looking up answers; the name sealed for the merchant. The wire calls the merchant `mch_id` here.
    #[must_use]
    pub fn body(&self, user_name: Option<&str>) -> Vec<u8> {
        crate::body(&Looked {
            mch_id: self.mchid.to_string(),
            out_bill_no: &self.out_bill_no,
            transfer_bill_no: self.transfer_bill_no.to_string(),
            appid: self.appid.to_string(),
            state: self.state,
            transfer_amount: self.amount.minor,
            transfer_remark: &self.remark,
            fail_reason: self.fail_reason,
            openid: &self.openid,
            user_name,
            create_time: self.create_time.rfc3339(),
            update_time: self.update_time.rfc3339(),
        })
    }
}

/// The clear text of the notification of a transfer's end (wire §5). The wire calls the merchant `mchid` here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferNotice(pub TransferView);

impl TransferNotice {
    /// The JSON to seal.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        let view = &self.0;
        crate::body(&Notice {
            mchid: view.mchid.to_string(),
            out_bill_no: &view.out_bill_no,
            transfer_bill_no: view.transfer_bill_no.to_string(),
            state: view.state,
            transfer_amount: view.amount.minor,
            fail_reason: view.fail_reason,
            openid: &view.openid,
            create_time: view.create_time.rfc3339(),
            update_time: view.update_time.rfc3339(),
        })
    }
}

#[derive(Serialize)]
struct Created<'a> {
    out_bill_no: &'a str,
    transfer_bill_no: String,
    create_time: String,
    state: BillState,
    #[serde(skip_serializing_if = "Option::is_none")]
    fail_reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    package_info: Option<&'a str>,
}

#[derive(Serialize)]
struct Cancelled<'a> {
    out_bill_no: &'a str,
    transfer_bill_no: String,
    state: BillState,
    update_time: String,
}

#[derive(Serialize)]
struct Looked<'a> {
    mch_id: String,
    out_bill_no: &'a str,
    transfer_bill_no: String,
    appid: String,
    state: BillState,
    transfer_amount: i64,
    transfer_remark: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    fail_reason: Option<&'static str>,
    openid: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_name: Option<&'a str>,
    create_time: String,
    update_time: String,
}

#[derive(Serialize)]
struct Notice<'a> {
    mchid: String,
    out_bill_no: &'a str,
    transfer_bill_no: String,
    state: BillState,
    transfer_amount: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    fail_reason: Option<&'static str>,
    openid: &'a str,
    create_time: String,
    update_time: String,
}

/// Gathers pairs for a canonical form.
fn members(pairs: impl IntoIterator<Item = (&'static str, Node)>) -> Node {
    Node::Object(pairs.into_iter().map(|(name, node)| (name.to_owned(), node)).collect::<Members>())
}

#[cfg(test)]
#[path = "user_transfer_tests.rs"]
mod tests;
