//! Batches of transfers to users (wire §8.2): asked for, looked up with their details.

use crate::{
    errors, notify_url,
    transport::{Answer, Call, Outcome},
    user_transfers::{content, name, pass, payer, refused, sealed_for},
};
use domain::{
    Command, Key, Record, Rejection, Reply,
    user_transfer::{BatchDetail, BatchTerms, TransferBatch, UserTransfer},
};
use engine::{Fault, Queries};
use protocol::{
    ApiError, Location, issue,
    user_transfer::{BatchRequest, DetailView, DetailsAsked, path_number},
};
use service::user_transfer as wire;
use std::sync::Arc;
use types::{TransferBatchId, TransferBatchNo};

/// `POST /v3/transfer/batches`. The same number with the same parameters again answers the batch as it stands.
pub(crate) async fn create(call: Call) -> Outcome {
    pass(&call, "batch")?;
    let asked = BatchRequest::read(&call.body)?;
    let service = call.service();
    if let Some(url) = &asked.notify_url {
        notify_url::check(url, service.settings.sandbox)?;
    }
    let canonical = asked.canonical();
    let mut details = Vec::with_capacity(asked.details.len());
    for detail in asked.details {
        details.push(BatchDetail {
            payer: payer(&call, asked.appid, &detail.openid)?,
            name: name(&call, detail.user_name.as_ref(), "/transfer_detail_list/user_name").await?,
            number: detail.out_detail_no.into(),
            amount: detail.amount,
            remark: detail.remark.into(),
        });
    }
    let terms = BatchTerms {
        merchant: call.mchid(),
        digest: content(&canonical, details.iter().map(|detail| detail.name.as_ref())),
        number: asked.out_batch_no.into(),
        app: asked.appid,
        name: asked.name.into(),
        remark: asked.remark.into(),
        scene: asked.scene.unwrap_or(0),
        notify_url: asked.notify_url.unwrap_or_default().into(),
        details,
    };
    match service.engine.run(Command::RequestTransferBatch(Arc::new(terms)), call.caller()).await {
        Ok(Reply::TransferBatch(id)) => {
            let found = service.queries.transfer_batch(id).map_err(|fault| errors::fault(&fault))?;
            let batch =
                found.ok_or_else(|| errors::broken("a batch that was just kept is not there", &id))?;
            Ok(Answer::ok(wire::batch(&batch).created()))
        }
        Ok(other) => Err(errors::broken("a batch was taken without an id", &format!("{other:?}"))),
        Err(why) => Err(refused(&why)),
    }
}

/// `GET /v3/transfer/batches/batch-id/{batch_id}`.
pub(crate) async fn by_id(call: Call) -> Outcome {
    pass(&call, "batch-query")?;
    let batch = of_id(&call)?;
    answer(&call, batch).await
}

/// `GET /v3/transfer/batches/out-batch-no/{out_batch_no}`.
pub(crate) async fn by_number(call: Call) -> Outcome {
    pass(&call, "batch-query")?;
    let batch = of_number(&call)?;
    answer(&call, batch).await
}

/// `GET …/batch-id/{batch_id}/details/detail-id/{detail_id}`.
pub(crate) async fn detail_by_id(call: Call) -> Outcome {
    pass(&call, "batch-query")?;
    let batch = of_id(&call)?;
    let place = wire::place_of(&batch, call.path("detail_id"));
    detail(&call, &batch, place)
}

/// `GET …/out-batch-no/{out_batch_no}/details/out-detail-no/{out_detail_no}`.
pub(crate) async fn detail_by_number(call: Call) -> Outcome {
    pass(&call, "batch-query")?;
    let batch = of_number(&call)?;
    let number = path_number("out_detail_no", call.path("out_detail_no"))?;
    let place = batch.terms.details.iter().position(|detail| &*detail.number == number);
    detail(&call, &batch, place)
}

fn of_id(call: &Call) -> Result<TransferBatch, ApiError> {
    let text = call.path("batch_id");
    let number: TransferBatchNo = text.parse().map_err(|_| {
        let issue =
            issue::form("本平台生成的 28 位数字批次单号", "a batch number of this platform, 28 digits");
        ApiError::param("batch_id", Some(text.chars().take(64).collect()), issue, Location::Path)
    })?;
    let found = call.service().queries.transfer_batch(number.0);
    own(call, found.map_err(|fault| errors::fault(&fault))?)
}

fn of_number(call: &Call) -> Result<TransferBatch, ApiError> {
    let number = path_number("out_batch_no", call.path("out_batch_no"))?;
    let found = call.service().queries.transfer_batch_by_number(call.mchid(), number);
    own(call, found.map_err(|fault| errors::fault(&fault))?)
}

/// Another merchant's batch is answered as if it did not exist.
fn own(call: &Call, found: Option<TransferBatch>) -> Result<TransferBatch, ApiError> {
    let own = found.filter(|batch| batch.terms.merchant == call.mchid());
    own.ok_or_else(|| errors::rejection(&Rejection::TransferBatchNotFound))
}

async fn answer(call: &Call, batch: TransferBatch) -> Outcome {
    let query = call.query()?;
    let asked = DetailsAsked::read(|name| query.get(name))?;
    let view = wire::batch(&batch);
    let mut details = Vec::new();
    if asked.wanted {
        let (queries, tokens) = (Arc::clone(&call.service().queries), Arc::clone(&call.service().vault));
        let read = move || -> Result<Vec<DetailView>, Fault> {
            let transfers = transfers(&*queries, &batch)?;
            let views = transfers
                .iter()
                .enumerate()
                .map(|(place, transfer)| wire::detail(&batch, place, transfer.as_ref(), tokens.tokens()))
                .filter(|detail| asked.status.takes(detail.state));
            Ok(views.skip(asked.offset).take(asked.limit).collect())
        };
        let read = tokio::task::spawn_blocking(read).await;
        let read = read.map_err(|error| errors::broken("a batch's details can't be read", &error))?;
        details = read.map_err(|fault| errors::fault(&fault))?;
    }
    Ok(Answer::ok(view.body(&asked, &details)))
}

/// The transfers of a batch's details, in their order; none while a detail's turn has not come. Two reads for all.
fn transfers(queries: &dyn Queries, batch: &TransferBatch) -> Result<Vec<Option<UserTransfer>>, Fault> {
    let (merchant, id): (_, TransferBatchId) = (batch.terms.merchant, batch.id);
    let begun = usize::try_from(batch.begun).unwrap_or(usize::MAX).min(batch.terms.details.len());
    let number = |place| Key::UserTransferNumber((merchant, TransferBatch::detail_number(id, place)));
    let numbers: Vec<Key> = (0..begun).map(number).collect();
    let keys: Vec<Key> = queries
        .records(&numbers)?
        .into_iter()
        .filter_map(|found| match found {
            Some(Record::UserTransferNumber(found)) => Some(Key::UserTransfer(found.transfer)),
            _ => None,
        })
        .collect();
    let found = queries.records(&keys)?.into_iter().map(|found| match found {
        Some(Record::UserTransfer(transfer)) => Some(transfer),
        _ => None,
    });
    let mut all: Vec<_> = found.collect();
    all.resize(batch.terms.details.len(), None);
    Ok(all)
}

fn detail(call: &Call, batch: &TransferBatch, place: Option<usize>) -> Outcome {
    let missing = || errors::rejection(&Rejection::UserTransferNotFound);
    let place = place.ok_or_else(missing)?;
    let service = call.service();
    let number = TransferBatch::detail_number(batch.id, place);
    let found = service.queries.user_transfer_by_number(call.mchid(), &number);
    let transfer = found.map_err(|fault| errors::fault(&fault))?;
    let name = batch.terms.details[place].name.as_ref().map(|name| sealed_for(call, name)).transpose()?;
    let detail = wire::detail(batch, place, transfer.as_ref(), service.vault.tokens());
    Ok(Answer::ok(wire::batch(batch).detail(&detail, name.as_deref())))
}
