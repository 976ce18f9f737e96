//! The shop's day: orders, payments, notifications, refunds.

use super::{
    Error, is_signed_by_platform,
    stage::{Stage, number, say, text, yuan},
};
use crate::sandbox::{APP, MERCHANT};
use crypto::ApiV3Key;
use domain::{Caller, Command, card::NewCard};
use serde_json::{Value, json};
use std::time::Duration;

/// What the sandbox's channel gets wrong in its bill: one fen more than was paid.
const CARD_OF_A_WRONG_BILL: &str = "0208";

pub(super) async fn play(stage: &mut Stage) -> Result<(), Error> {
    order_and_payment(stage).await?;
    code_and_close(stage).await?;
    by_card(stage).await?;
    refunds(stage).await
}

async fn order_and_payment(stage: &mut Stage) -> Result<(), Error> {
    say("1  the merchant places an order");
    let placed = stage.order("DEMO-0001", "拿铁 Latte", 28_00).await?;
    let code_url = text(&placed.body, "/code_url");
    stage.check(
        "signed request accepted, signed answer verified",
        placed.status == 200 && placed.signed,
        &code_url,
    );
    say("2  the payer scans it and pays from the balance");
    let (status, paid) = stage.pay(&code_url, false).await?;
    stage.check(
        "paid: hold, post and fee in one transaction",
        status == 200,
        &text(&paid, "/transaction_id"),
    );
    let order = stage.service.queries.order_by_number(MERCHANT, "DEMO-0001")?.ok_or("no order is kept")?;
    // 0.6 %, half a fen rounded up.
    stage.check("the fee is 0.6 %", order.fee == 17, &format!("{} of {}", yuan(order.fee), yuan(28_00)));
    say("3  the merchant is notified");
    let transaction = notified(stage, "TRANSACTION.SUCCESS").await?;
    let right = transaction.pointer("/amount/total") == Some(&json!(28_00))
        && text(&transaction, "/out_trade_no") == "DEMO-0001"
        && text(&transaction, "/trade_state") == "SUCCESS";
    let when = text(&transaction, "/success_time");
    stage.check("decrypted with the APIv3 key, amount and number match", right, &when);
    let query = format!("/v3/pay/transactions/out-trade-no/DEMO-0001?mchid={MERCHANT}");
    let asked = stage.merchant.get(&query).await?;
    let state = text(&asked.body, "/trade_state");
    stage.check("a query says the same", state == "SUCCESS", &text(&asked.body, "/trade_state_desc"));
    let (again, _) = stage.pay(&code_url, false).await?;
    stage.check("the same order can't be paid twice", again != 200, &again);
    let other = stage.order("DEMO-0001", "拿铁 Latte", 1).await?;
    let code = text(&other.body, "/code");
    stage.check("its number can't be used for another order", other.status >= 400, &code);
    Ok(())
}

async fn code_and_close(stage: &mut Stage) -> Result<(), Error> {
    say("4  the till scans a payment code; an order that nobody pays is closed");
    let openid = json!({ "openid": stage.made.payer_openid });
    let (_, code) = stage.sandbox("payment-codes", &openid).await?;
    let scan = json!({
        "appid": APP.to_string(), "mchid": MERCHANT.to_string(), "description": "牛角包 Croissant",
        "out_trade_no": "DEMO-0002", "amount": { "total": 12_00, "currency": "CNY" },
        "payer": { "auth_code": text(&code, "/auth_code") }, "scene_info": { "store_info": { "id": "S1" } },
    });
    let scanned = stage.merchant.post("/v3/pay/transactions/codepay", &scan).await?;
    let paid = text(&scanned.body, "/trade_state") == "SUCCESS";
    stage.check("paid at once, without a PIN", paid, &text(&scanned.body, "/transaction_id"));
    stage.order("DEMO-0003", "美式 Americano", 20_00).await?;
    let close = "/v3/pay/transactions/out-trade-no/DEMO-0003/close";
    let closed = stage.merchant.post(close, &json!({ "mchid": MERCHANT.to_string() })).await?;
    stage.check("closed: 204, signed although empty", closed.status == 204 && closed.signed, &closed.status);
    Ok(())
}

/// A payment by a card whose channel will write another amount into its bill.
async fn by_card(stage: &mut Stage) -> Result<(), Error> {
    say("5  a payment by card, through the channel");
    let payer = stage.service.vault.tokens().open_openid(APP, &stage.made.payer_openid);
    let payer = payer.ok_or("the sandbox's openid is not ours")?;
    let bank = worker::SimulatedBank::new(std::sync::Arc::clone(&stage.service.vault));
    let card = worker::bank::card_number("622202", CARD_OF_A_WRONG_BILL).ok_or("no card number")?;
    let card = bank.verify_card(&card).map_err(|refused| refused.to_string())?;
    let (bank, tail) = (card.bank.into(), card.tail.as_str().into());
    let new = NewCard { payer, bank, tail, token: card.token.into(), channel: card.channel, bound: 1 };
    stage.service.engine.run(Command::BindCard(Box::new(new)), Caller::platform()).await?;
    let placed = stage.order("DEMO-0004", "咖啡豆 Coffee beans", 40_00).await?;
    let (status, paid) = stage.pay(&text(&placed.body, "/code_url"), true).await?;
    let told = format!("{} from card *{CARD_OF_A_WRONG_BILL}", yuan(40_00));
    stage.check("the channel confirms", status == 200 && text(&paid, "/trade_state") == "SUCCESS", &told);
    notified(stage, "TRANSACTION.SUCCESS").await?;
    Ok(())
}

async fn refunds(stage: &mut Stage) -> Result<(), Error> {
    say("6  refunds: a small one by itself, a large one when a person approves it");
    let large = stage.order("DEMO-0005", "咖啡机 Coffee machine", 900_00).await?;
    stage.pay(&text(&large.body, "/code_url"), false).await?;
    notified(stage, "TRANSACTION.SUCCESS").await?;
    let refund = |stage: &Stage, order: &str, number: &str, fen: i64, total: i64| {
        json!({
            "out_trade_no": order, "out_refund_no": number, "reason": "退货", "notify_url": stage.notify_url,
            "amount": { "refund": fen, "total": total, "currency": "CNY" },
        })
    };
    let path = "/v3/refund/domestic/refunds";
    let small = stage.merchant.post(path, &refund(stage, "DEMO-0001", "DEMO-R1", 8_00, 28_00)).await?;
    let done = text(&small.body, "/status") == "SUCCESS" && small.signed;
    stage.check("the small one is done at once", done, &yuan(number(&small.body, "/amount/refund")));
    notified(stage, "REFUND.SUCCESS").await?;
    let large = stage.merchant.post(path, &refund(stage, "DEMO-0005", "DEMO-R2", 600_00, 900_00)).await?;
    let waits = text(&large.body, "/status") == "PROCESSING";
    stage.check("the large one waits for approval", waits, &yuan(number(&large.body, "/amount/refund")));
    let kept = stage.service.queries.refund_by_number(MERCHANT, "DEMO-R2")?.ok_or("no refund is kept")?;
    stage.decide("finance", Command::ApproveRefund(kept.id)).await?;
    let told = notified(stage, "REFUND.SUCCESS").await?;
    let right = text(&told, "/out_refund_no") == "DEMO-R2" && text(&told, "/refund_status") == "SUCCESS";
    stage.check("`finance` approves, the payer has it back, the merchant is notified", right, &yuan(600_00));
    let more = stage.merchant.post(path, &refund(stage, "DEMO-0005", "DEMO-R3", 300_01, 900_00)).await?;
    stage.check("more than was paid is not refunded", more.status >= 400, &text(&more.body, "/code"));
    Ok(())
}

/// The next notification, verified, of this kind, and decrypted.
async fn notified(stage: &mut Stage, kind: &str) -> Result<Value, Error> {
    let (headers, body) = tokio::time::timeout(Duration::from_secs(10), stage.heard.recv())
        .await?
        .ok_or("the merchant's server ended")?;
    let notification: Value = serde_json::from_slice(&body)?;
    let signed = is_signed_by_platform(&headers, &body, &stage.made);
    let told = text(&notification, "/event_type");
    stage.check("notification: signature verified", signed && told == kind, &told);
    let key = ApiV3Key::parse(&stage.made.merchant.apiv3_key)?;
    let part = |name: &str| text(&notification, &format!("/resource/{name}"));
    let clear = key.open(&part("nonce"), &part("associated_data"), &part("ciphertext"))?;
    Ok(serde_json::from_slice(clear.expose())?)
}
