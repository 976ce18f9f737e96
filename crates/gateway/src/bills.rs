//! Bills (wire §6): a link to a file with its hash, and the file.

use crate::{
    errors, partner,
    transport::{Answer, Call, Outcome},
};
use crypto::token::BillToken;
use domain::partner::{Permission, Principal};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use protocol::{
    ApiError, Code, Location, Text,
    bill::ask::{Ask, Bill, DAYS_KEPT, Link, SealedLink, SealedLinks},
    field, issue,
};
use service::bills::{BillFile, BillProblem, Which, piece, piece_hashes};
use std::{
    fs::File,
    io::{self, BufReader, Write},
    time::Duration,
};
use tokio::sync::Semaphore;
use types::{BusinessDay, Time, time};
use web::FileBody;

/// Pieces cut and sealed at once: each takes a few times [`service::bills::PIECE_BYTES`] of memory.
static SEALING: Semaphore = Semaphore::const_new(4);
/// How long a request waits for a bill that must be made first; then it is told to come back.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long a link lives (wire §6).
const LINK_LIFE: i64 = 5 * time::MINUTE;
/// The path of every link.
const DOWNLOAD: &str = "/v3/billdownload/file";

/// `GET /v3/bill/tradebill`: the merchant's own, a partner's of all it placed, or of one sub-merchant.
pub(crate) async fn trade(call: Call) -> Outcome {
    let (asked, sub) = {
        let query = call.query()?;
        let sub = field::optional_mchid("sub_mchid", query.get("sub_mchid"), Location::Query)?;
        (Ask::trade(|name| query.get(name))?, sub)
    };
    let by = partner::principal(&call, sub, Permission::Bills)?;
    link(call, asked, by).await
}

/// `GET /v3/bill/fundflowbill`.
pub(crate) async fn fund(call: Call) -> Outcome {
    let asked = {
        let query = call.query()?;
        Ask::fund(|name| query.get(name))?
    };
    let by = call.mchid().into();
    link(call, asked, by).await
}

/// `GET /v3/bill/sub-merchant-fundflowbill`: a sub-merchant's own bill for its partner, in encrypted pieces.
pub(crate) async fn sub_merchant_fund(call: Call) -> Outcome {
    let (asked, sub) = {
        let query = call.query()?;
        let sub = field::query_mchid("sub_mchid", query.get("sub_mchid"))?;
        (Ask::sub_merchant_fund(|name| query.get(name))?, sub)
    };
    let by = partner::principal(&call, Some(sub), Permission::Bills)?;
    let file = file(&call, which(by, asked.bill, asked.day)).await?;
    let hashes = blocking(move || piece_hashes(&file)).await?;
    let service = call.service();
    let (base, tokens) = (&service.settings.public_base, service.vault.tokens());
    let certificate = call.merchant.certificate(&call.serial, call.wall_now());
    let certificate =
        certificate.ok_or_else(|| errors::broken("the certificate that signed is gone", &call.serial))?;
    let mut pieces = Vec::with_capacity(hashes.len());
    for (number, hash) in (1..).zip(hashes) {
        let token = tokens.bill(&token(by, asked, number, call.now()));
        let sealed =
            tokens.bill_seal(&token, &hash).map_err(|error| errors::broken("a bill has no key", &error))?;
        let (key, nonce) = sealed;
        let key = certificate.public_key().encrypt_field(key.text().expose());
        let key = key.map_err(|error| errors::broken("a bill's key can't be encrypted", &error))?;
        pieces.push(SealedLink::new(number, format!("{base}{DOWNLOAD}?token={token}"), key, hash, nonce));
    }
    Ok(Answer::ok(SealedLinks::new(pieces).body()))
}

/// `GET /v3/profitsharing/bills`: what the merchant shared and received, or what a partner shared of one sub-merchant.
/// Where bills answer with codes of their own, this one says `INVALID_REQUEST` (wire §6).
pub(crate) async fn sharing(call: Call) -> Outcome {
    let (asked, sub) = {
        let query = call.query()?;
        let sub = field::optional_mchid("sub_mchid", query.get("sub_mchid"), Location::Query)?;
        (Ask::sharing(|name| query.get(name))?, sub)
    };
    let by = partner::principal(&call, sub, Permission::Bills)?;
    link(call, asked, by).await.map_err(|error| match error.code {
        Code::StatementCreating => ApiError { code: Code::InvalidRequest, ..error },
        _ => error,
    })
}

/// Sees to it that the file is there, and says where.
async fn link(call: Call, asked: Ask, by: Principal) -> Outcome {
    let file = file(&call, which(by, asked.bill, asked.day)).await?;
    let token = token(by, asked, 0, call.now());
    let (base, token) = (&call.service().settings.public_base, call.service().vault.tokens().bill(&token));
    Ok(Answer::ok(Link::new(file.hash, format!("{base}{DOWNLOAD}?token={token}")).body()))
}

/// The link to a bill, or to a piece of one.
fn token(by: Principal, asked: Ask, piece: u16, issued_at: Time) -> BillToken {
    BillToken {
        merchant: by.signer(),
        sub: by.partner.map(|_| by.merchant),
        piece,
        bill: asked.bill.number(),
        day: asked.day,
        gzip: asked.gzip,
        issued_at,
    }
}

/// The bill that is meant: of trade only what a partner placed, of funds everything that moved.
const fn which(by: Principal, bill: Bill, day: BusinessDay) -> Which {
    let partner = if matches!(bill, Bill::Fund(_)) { None } else { by.partner };
    Which { merchant: by.merchant, partner, bill, day }
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
    let by = partner::principal(&call, token.sub, Permission::Bills)?;
    let found = file(&call, which(by, bill, token.day)).await?;
    if token.piece > 0 {
        return sealed_piece(&call, found, text, token).await;
    }
    let open = move || {
        let file = File::open(&found.path)?;
        let compressed = file.metadata()?.len();
        Ok::<_, std::io::Error>(if token.gzip {
            FileBody::new(file, compressed)
        } else {
            FileBody::new(GzDecoder::new(BufReader::with_capacity(64 * 1024, file)), found.bytes)
        })
    };
    let body = blocking(open).await?;
    // Some SDKs compare the type with exactly these (wire §6).
    Ok(Answer::file(body, if token.gzip { "application/x-gzip" } else { "text/plain" }))
}

/// A piece of a bill, sealed for the link it was asked by.
async fn sealed_piece(call: &Call, found: BillFile, token: &str, read: BillToken) -> Outcome {
    // Never closed, so there is always a permit in the end.
    let _place = SEALING.acquire().await;
    let cut = blocking(move || {
        let Some((piece, hash)) = piece(&found, read.piece)? else {
            return Err(io::ErrorKind::NotFound.into());
        };
        if !read.gzip {
            return Ok((piece, hash));
        }
        let mut gzip = GzEncoder::new(Vec::with_capacity(piece.len() / 4), Compression::fast());
        gzip.write_all(&piece)?;
        Ok((gzip.finish()?, hash))
    });
    let (plain, hash) = cut.await?;
    let sealed = call.service().vault.tokens().bill_seal(token, &hash);
    let sealed = sealed.and_then(|(key, nonce)| key.seal_bytes(&nonce, "", plain));
    let sealed = sealed.map_err(|error| errors::broken("a bill can't be encrypted", &error))?;
    let length = sealed.len() as u64;
    Ok(Answer::file(FileBody::new(io::Cursor::new(sealed), length), "application/octet-stream"))
}

/// Runs what reads files where waiting for them hinders nobody.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, ApiError> {
    let done = tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)));
    done.map_err(|error| errors::broken("a bill's file can't be read", &error))
}

async fn file(call: &Call, which: Which) -> Result<BillFile, ApiError> {
    let day = which.day;
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
