//! Batches of transfers on the wire (wire §8.2).

use super::{SHORT, appid, members, notify_url, number, scene, user_name};
use crate::error::{ApiError, Location};
use crate::issue;
use crate::json::{self, Fields, FromFields, Node};
use crate::language::Text;
use crate::order::Parameters;
use serde::Serialize;
use std::collections::HashSet;
use types::{AppId, MerchantId, Money, Secret, Time, TransferBatchNo};

/// Details of one batch at most.
pub const DETAILS_MAX: usize = 1000;

/// A batch request, checked against wire §8.2: its sums are those of its details, and no detail's number comes twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchRequest {
    /// The application whose users they are.
    pub appid: AppId,
    /// The merchant's number.
    pub out_batch_no: String,
    /// Its name.
    pub name: String,
    /// Its remark.
    pub remark: String,
    /// The scene's number.
    pub scene: Option<u16>,
    /// Where the end is told.
    pub notify_url: Option<String>,
    /// 1 to [`DETAILS_MAX`].
    pub details: Vec<DetailRequest>,
}

/// One transfer of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetailRequest {
    /// The merchant's number, unique in the batch.
    pub out_detail_no: String,
    /// How much, fen, above zero.
    pub amount: i64,
    /// What the merchant tells the user.
    pub remark: String,
    /// To whom.
    pub openid: String,
    /// The user's name, cipher text.
    pub user_name: Option<Secret<String>>,
}

impl BatchRequest {
    /// Reads a batch request.
    ///
    /// # Errors
    /// `PARAM_ERROR` with the pointer of the first member that is wrong; cipher texts never appear in it.
    pub fn read(bytes: &[u8]) -> Result<Self, ApiError> {
        json::read(bytes)
    }

    /// All parameters but the names, whose cipher texts are others each time, as canonical bytes.
    #[must_use]
    pub fn canonical(&self) -> Secret<Vec<u8>> {
        let mut parameters = Parameters::default();
        parameters.text("appid", Some(&self.appid.to_string()));
        parameters.text("out_batch_no", Some(&self.out_batch_no));
        parameters.text("batch_name", Some(&self.name));
        parameters.text("batch_remark", Some(&self.remark));
        parameters.put("scene", &Node::Integer(self.scene.unwrap_or(0).into()));
        parameters.text("notify_url", self.notify_url.as_deref());
        let detail = |detail: &DetailRequest| {
            members([
                ("out_detail_no", Node::Text(detail.out_detail_no.clone())),
                ("amount", Node::Integer(detail.amount)),
                ("remark", Node::Text(detail.remark.clone())),
                ("openid", Node::Text(detail.openid.clone())),
            ])
        };
        parameters.put("details", &Node::List(self.details.iter().map(detail).collect()));
        parameters.bytes()
    }
}

impl FromFields for BatchRequest {
    fn from_fields(fields: &Fields<'_>) -> Result<Self, ApiError> {
        let name = "transfer_detail_list";
        let read = |entry: &Fields<'_>| {
            Ok(DetailRequest {
                out_detail_no: number(entry, "out_detail_no")?,
                amount: entry.need_integer("transfer_amount", 1..=i64::MAX)?,
                remark: entry.need_text("transfer_remark", 1..=SHORT)?.to_owned(),
                openid: entry.need_text("openid", 1..=64)?.to_owned(),
                user_name: user_name(entry)?,
            })
        };
        let entries = fields.objects(name, 1..=DETAILS_MAX)?.ok_or_else(|| fields.missing(name))?;
        let details: Vec<DetailRequest> = entries.iter().map(read).collect::<Result<_, ApiError>>()?;
        let mut seen = HashSet::with_capacity(details.len());
        if !details.iter().all(|detail| seen.insert(detail.out_detail_no.as_str())) {
            return Err(fields
                .fault(name, Text::fixed("商家明细单号不得重复", "must not give an out_detail_no twice")));
        }
        let sum = details.iter().try_fold(0_i64, |sum, detail| sum.checked_add(detail.amount));
        if sum != Some(fields.need_integer("total_amount", 1..=i64::MAX)?) {
            let issue = Text::fixed("须等于各明细金额之和", "must be the sum of the details' amounts");
            return Err(fields.fault("total_amount", issue));
        }
        if i64::try_from(details.len()) != Ok(fields.need_integer("total_num", 1..=i64::MAX)?) {
            let issue = Text::fixed("须等于明细笔数", "must be the number of details");
            return Err(fields.fault("total_num", issue));
        }
        Ok(Self {
            appid: appid(fields)?,
            out_batch_no: number(fields, "out_batch_no")?,
            name: fields.need_text("batch_name", 1..=SHORT)?.to_owned(),
            remark: fields.need_text("batch_remark", 1..=SHORT)?.to_owned(),
            scene: scene(fields)?,
            notify_url: notify_url(fields)?,
            details,
        })
    }
}

/// `batch_status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum BatchState {
    /// Taken; nothing is paid yet.
    #[serde(rename = "ACCEPTED")]
    Accepted,
    /// Being paid.
    #[serde(rename = "PROCESSING")]
    Processing,
    /// Every detail has ended.
    #[serde(rename = "FINISHED")]
    Finished,
}

/// `detail_status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum DetailState {
    /// Its turn has not come.
    #[serde(rename = "INIT")]
    Init,
    /// Under way.
    #[serde(rename = "PROCESSING")]
    Processing,
    /// The user has the money.
    #[serde(rename = "SUCCESS")]
    Success,
    /// It failed.
    #[serde(rename = "FAIL")]
    Fail,
}

/// Which details a batch query lists, by `detail_status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DetailWord {
    /// All of them.
    All,
    /// Those that succeeded.
    Success,
    /// Those that failed.
    Fail,
    /// Those that wait for the merchant's confirmation: none, as no batch waits for one here.
    WaitPay,
}

impl DetailWord {
    const WORDS: [&'static str; 4] = ["ALL", "SUCCESS", "FAIL", "WAIT_PAY"];
    /// Whether a detail in this state is listed.
    #[must_use]
    pub const fn takes(self, state: DetailState) -> bool {
        match self {
            Self::All => true,
            Self::Success => matches!(state, DetailState::Success),
            Self::Fail => matches!(state, DetailState::Fail),
            Self::WaitPay => false,
        }
    }
}

/// The query of a batch query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DetailsAsked {
    /// Whether details are listed.
    pub wanted: bool,
    /// Those before are left out.
    pub offset: usize,
    /// So many at most, 20 to 100.
    pub limit: usize,
    /// Which.
    pub status: DetailWord,
}

impl DetailsAsked {
    /// Reads the query: `need_query_detail`, `offset`, `limit`, `detail_status`.
    ///
    /// # Errors
    /// `PARAM_ERROR` with the name of what is wrong and `location` `query`.
    pub fn read<'q>(query: impl Fn(&'static str) -> Option<&'q str>) -> Result<Self, ApiError> {
        let wrong = |name: &'static str, text: &str, issue: Text| {
            ApiError::param(name, Some(text.chars().take(64).collect()), issue, Location::Query)
        };
        let whole = |name: &'static str, least: i64, most: i64, usual: i64| match query(name) {
            None => Ok(usual),
            Some(text) => {
                let value = text.parse().ok().filter(|value| (least..=most).contains(value));
                value.ok_or_else(|| wrong(name, text, issue::range(least, most)))
            }
        };
        let wanted = match query("need_query_detail") {
            Some("true") => true,
            Some("false") => false,
            None => {
                return Err(ApiError::param("need_query_detail", None, issue::missing(), Location::Query));
            }
            Some(text) => {
                return Err(wrong("need_query_detail", text, issue::one_of(&["true", "false"])));
            }
        };
        let status = match query("detail_status") {
            None if wanted => {
                return Err(ApiError::param("detail_status", None, issue::missing(), Location::Query));
            }
            None | Some("ALL") => DetailWord::All,
            Some("SUCCESS") => DetailWord::Success,
            Some("FAIL") => DetailWord::Fail,
            Some("WAIT_PAY") => DetailWord::WaitPay,
            Some(text) => return Err(wrong("detail_status", text, issue::one_of(&DetailWord::WORDS))),
        };
        let most = i64::try_from(DETAILS_MAX).unwrap_or(i64::MAX);
        Ok(Self {
            wanted,
            offset: usize::try_from(whole("offset", 0, most, 0)?).unwrap_or(0),
            limit: usize::try_from(whole("limit", 20, 100, 20)?).unwrap_or(20),
            status,
        })
    }
}

/// A batch as answers tell of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchView {
    /// Whose.
    pub mchid: MerchantId,
    /// The merchant's number.
    pub out_batch_no: String,
    /// The platform's number.
    pub batch_id: TransferBatchNo,
    /// The application.
    pub appid: AppId,
    /// Where it stands.
    pub state: BatchState,
    /// Its name.
    pub name: String,
    /// Its remark.
    pub remark: String,
    /// The sum of its details.
    pub total: Money,
    /// Details.
    pub count: usize,
    /// What succeeded, fen and count; none before it has begun.
    pub succeeded: Option<(i64, u32)>,
    /// What failed, fen and count.
    pub failed: Option<(i64, u32)>,
    /// The scene's number.
    pub scene: Option<u16>,
    /// When it was asked for.
    pub create_time: Time,
    /// When it last changed.
    pub update_time: Time,
}

/// A detail of a batch as answers tell of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetailView {
    /// The platform's number: the batch's and the place in it, 32 digits.
    pub detail_id: String,
    /// The merchant's number.
    pub out_detail_no: String,
    /// Where it stands.
    pub state: DetailState,
    /// How much, fen.
    pub amount: i64,
    /// What the merchant tells the user.
    pub remark: String,
    /// Why it failed.
    pub fail_reason: Option<&'static str>,
    /// To whom.
    pub openid: String,
    /// When it began; the batch's time before that.
    pub initiate_time: Time,
    /// When it last changed.
    pub update_time: Time,
}

impl BatchView {
    /// What asking for a batch answers.
    #[must_use]
    pub fn created(&self) -> Vec<u8> {
        crate::body(&Created {
            out_batch_no: &self.out_batch_no,
            batch_id: self.batch_id.to_string(),
            create_time: self.create_time.rfc3339(),
            batch_status: self.state,
        })
    }

    /// What looking up answers, with the details of this page.
    #[must_use]
    pub fn body(&self, asked: &DetailsAsked, details: &[DetailView]) -> Vec<u8> {
        let line = |detail: &DetailView| Line {
            detail_id: detail.detail_id.clone(),
            out_detail_no: detail.out_detail_no.clone(),
            detail_status: detail.state,
        };
        crate::body(&Looked {
            transfer_batch: Batch {
                mchid: self.mchid.to_string(),
                out_batch_no: &self.out_batch_no,
                batch_id: self.batch_id.to_string(),
                appid: self.appid.to_string(),
                batch_status: self.state,
                batch_type: "API",
                batch_name: &self.name,
                batch_remark: &self.remark,
                total_amount: self.total.minor,
                total_num: self.count,
                create_time: self.create_time.rfc3339(),
                update_time: self.update_time.rfc3339(),
                success_amount: self.succeeded.map(|(amount, _)| amount),
                success_num: self.succeeded.map(|(_, count)| count),
                fail_amount: self.failed.map(|(amount, _)| amount),
                fail_num: self.failed.map(|(_, count)| count),
                transfer_scene_id: self.scene.map(|scene| scene.to_string()),
            },
            transfer_detail_list: asked.wanted.then(|| details.iter().map(line).collect()),
            offset: asked.wanted.then_some(asked.offset),
            limit: asked.wanted.then_some(asked.limit),
        })
    }

    /// What looking up one detail answers; the name sealed for the merchant.
    #[must_use]
    pub fn detail(&self, detail: &DetailView, user_name: Option<&str>) -> Vec<u8> {
        crate::body(&Detail {
            mchid: self.mchid.to_string(),
            out_batch_no: &self.out_batch_no,
            batch_id: self.batch_id.to_string(),
            appid: self.appid.to_string(),
            out_detail_no: &detail.out_detail_no,
            detail_id: &detail.detail_id,
            detail_status: detail.state,
            transfer_amount: detail.amount,
            transfer_remark: &detail.remark,
            fail_reason: detail.fail_reason,
            openid: &detail.openid,
            user_name,
            initiate_time: detail.initiate_time.rfc3339(),
            update_time: detail.update_time.rfc3339(),
        })
    }
}

/// The clear text of the notification of a batch's end (wire §5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchNotice(pub BatchView);

impl BatchNotice {
    /// The JSON to seal.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        let view = &self.0;
        let ((success_amount, success_num), (fail_amount, fail_num)) =
            (view.succeeded.unwrap_or_default(), view.failed.unwrap_or_default());
        crate::body(&Notice {
            mchid: view.mchid.to_string(),
            out_batch_no: &view.out_batch_no,
            batch_id: view.batch_id.to_string(),
            batch_status: view.state,
            total_num: view.count,
            total_amount: view.total.minor,
            success_amount,
            success_num,
            fail_amount,
            fail_num,
            update_time: view.update_time.rfc3339(),
        })
    }
}

#[derive(Serialize)]
struct Created<'a> {
    out_batch_no: &'a str,
    batch_id: String,
    create_time: String,
    batch_status: BatchState,
}

#[derive(Serialize)]
struct Looked<'a> {
    transfer_batch: Batch<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transfer_detail_list: Option<Vec<Line>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<usize>,
}

#[derive(Serialize)]
struct Batch<'a> {
    mchid: String,
    out_batch_no: &'a str,
    batch_id: String,
    appid: String,
    batch_status: BatchState,
    batch_type: &'static str,
    batch_name: &'a str,
    batch_remark: &'a str,
    total_amount: i64,
    total_num: usize,
    create_time: String,
    update_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    success_amount: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    success_num: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fail_amount: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fail_num: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transfer_scene_id: Option<String>,
}

#[derive(Serialize)]
struct Line {
    detail_id: String,
    out_detail_no: String,
    detail_status: DetailState,
}

#[derive(Serialize)]
struct Detail<'a> {
    mchid: String,
    out_batch_no: &'a str,
    batch_id: String,
    appid: String,
    out_detail_no: &'a str,
    detail_id: &'a str,
    detail_status: DetailState,
    transfer_amount: i64,
    transfer_remark: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    fail_reason: Option<&'static str>,
    openid: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_name: Option<&'a str>,
    initiate_time: String,
    update_time: String,
}

#[derive(Serialize)]
struct Notice<'a> {
    mchid: String,
    out_batch_no: &'a str,
    batch_id: String,
    batch_status: BatchState,
    total_num: usize,
    total_amount: i64,
    success_amount: i64,
    success_num: u32,
    fail_amount: i64,
    fail_num: u32,
    update_time: String,
}
