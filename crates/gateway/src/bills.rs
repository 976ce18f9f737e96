//! Bills (wire §6): a link to a file with its hash, and the file.

use crate::{
    errors,
    transport::{Answer, Call, Outcome},
};
use crypto::token::BillToken;
use flate2::read::GzDecoder;
use protocol::{
    ApiError, Code, Location, Text,
    bill::ask::{Ask, Bill, DAYS_KEPT, Link},
    issue,
};
use service::bills::{BillFile, BillProblem, Which};
use std::{fs::File, io::BufReader, time::Duration};
use types::{MerchantId, time};
use web::FileBody;

/// How long a request waits for a bill that must be made first; then it is told to come back.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long a link lives (wire §6).
const LINK_LIFE: i64 = 5 * time::MINUTE;
/// The path of every link.
const DOWNLOAD: &str = "/v3/billdownload/file";

/// `GET /v3/bill/tradebill`.
pub(crate) async fn trade(call: Call) -> Outcome {
    let query = call.query()?;
    let asked = Ask::trade(|name| query.get(name))?;
    let sub = query.get("sub_mchid").map(str::to_owned);
    link(call, asked, sub).await
}

/// `GET /v3/bill/fundflowbill`.
pub(crate) async fn fund(call: Call) -> Outcome {
    let asked = {
        let query = call.query()?;
        Ask::fund(|name| query.get(name))?
    };
    link(call, asked, None).await
}

/// Sees to it that the file is there, and says where.
async fn link(call: Call, asked: Ask, sub_mchid: Option<String>) -> Outcome {
    if let Some(sub) = sub_mchid {
        let message = Text::new(
            format!("商户号 {} 不是服务商，请勿传 sub_mchid（{sub}）", call.mchid()),
            format!("merchant {} is no service provider; leave sub_mchid ({sub}) out", call.mchid()),
        );
        return Err(ApiError::because(Code::NoAuth, message));
    }
    let file = file(&call, asked.bill, asked.day, call.mchid()).await?;
    let token = BillToken {
        merchant: call.mchid(),
        bill: asked.bill.number(),
        day: asked.day,
        gzip: asked.gzip,
        issued_at: call.now(),
    };
    let (base, token) = (&call.service().settings.public_base, call.service().vault.tokens().bill(&token));
    Ok(Answer::ok(Link::new(file.hash, format!("{base}{DOWNLOAD}?token={token}")).body()))
}

/// `GET /v3/billdownload/file?token=`: the file, in a stream. The request is signed, the answer is not.
pub(crate) async fn download(call: Call) -> Outcome {
    let bad = |text: &str| {
        let issue = issue::form("本平台签发的下载凭证", "a token of a download_url of this platform");
        ApiError::param("token", Some(text.chars().take(8).collect()), issue, Location::Query)
    };
    let query = call.query()?;
    let Some(text) = query.get("token") else {
        return Err(ApiError::param("token", None, issue::missing(), Location::Query));
    };
    let token = call.service().vault.tokens().open_bill(text).ok_or_else(|| bad(text))?;
    let bill = Bill::from_number(token.bill).ok_or_else(|| bad(text))?;
    if token.merchant != call.mchid() {
        let message =
            Text::fixed("下载链接属于其他商户", "The link was issued to another merchant; ask for your own");
        return Err(ApiError::because(Code::NoAuth, message));
    }
    if call.now() >= token.issued_at.plus(LINK_LIFE) {
        let message = Text::fixed(
            "下载链接已过期（有效期 5 分钟），请重新申请账单",
            "The link has expired (it lives 5 minutes); ask for the bill again",
        );
        return Err(ApiError::because(Code::InvalidRequest, message));
    }
    let found = file(&call, bill, token.day, token.merchant).await?;
    let open = move || {
        let file = File::open(&found.path)?;
        let compressed = file.metadata()?.len();
        Ok::<_, std::io::Error>(if token.gzip {
            FileBody::new(file, compressed)
        } else {
            FileBody::new(GzDecoder::new(BufReader::with_capacity(64 * 1024, file)), found.bytes)
        })
    };
    let opened =
        tokio::task::spawn_blocking(open).await.unwrap_or_else(|error| Err(std::io::Error::other(error)));
    let body = opened.map_err(|error| errors::broken("a bill's file can't be opened", &error))?;
    // Some SDKs compare the type with exactly these (wire §6).
    Ok(Answer::file(body, if token.gzip { "application/x-gzip" } else { "text/plain" }))
}

async fn file(
    call: &Call,
    bill: Bill,
    day: types::BusinessDay,
    merchant: MerchantId,
) -> Result<BillFile, ApiError> {
    let which = Which { merchant, bill, day };
    call.service().bills.get(which, call.now(), PATIENCE).await.map_err(|problem| match problem {
        BillProblem::Nothing => ApiError::new(Code::NoStatementExist),
        BillProblem::Making => ApiError::new(Code::StatementCreating),
        BillProblem::Early(ready) => ApiError::because(
            Code::StatementCreating,
            Text::new(
                format!("{day} 的账单尚未生成，请于 {ready} 后下载"),
                format!("The bill of {day} is not ready; fetch it from {ready} on"),
            ),
        ),
        BillProblem::Day => {
            let issue = Text::new(
                format!("须为最近 {DAYS_KEPT} 天内、今天以前的日期"),
                format!("must be a day before today, at most {DAYS_KEPT} days ago"),
            );
            ApiError::param("bill_date", Some(day.to_string()), issue, Location::Query)
        }
        BillProblem::Busy => ApiError::new(Code::FrequencyLimited),
        BillProblem::Failed(error) => errors::broken("a bill could not be made", &error),
    })
}
