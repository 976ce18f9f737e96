//! The money's day after: settlement, what is held and why, the payout, the bills.

use super::{
    Error,
    stage::{Stage, number, say, text, yuan},
};
use crate::sandbox::MERCHANT;
use domain::{
    Caller, Command,
    payout::PayoutState,
    settlement::{DayState, Settlement, SettlementId, SettlementState, Totals},
};
use reconcile::{Bill, Format, Kind};
use serde_json::{Value, json};
use std::{fs, sync::Arc};
use types::{
    Secret, Time,
    time::{HOUR, MINUTE, SECOND},
};

pub(super) async fn play(stage: &mut Stage) -> Result<(), Error> {
    say("7  what the merchant can't use yet, and why");
    held(stage).await?;
    let totals = settle(stage).await?;
    bills(stage, totals).await?;
    pay_out(stage).await
}

/// What the merchant can't use yet: the parts and what is free make up the total.
async fn held(stage: &mut Stage) -> Result<Option<Time>, Error> {
    let answer = stage.merchant.get("/v3/feiqian/held").await?;
    let parts = answer.body.pointer("/held").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut sum = number(&answer.body, "/available_amount");
    let mut last = None;
    for part in &parts {
        sum += number(part, "/amount");
        let until = text(part, "/release_time");
        last = last.max(Time::parse_rfc3339(&until));
        let until = if until.is_empty() { "when somebody decides".to_owned() } else { until };
        say(&format!(
            "     {:>10}  {:<12} until {until}",
            yuan(number(part, "/amount")),
            text(part, "/reason")
        ));
    }
    let total = number(&answer.body, "/total_amount");
    let explained = sum == total && parts.iter().all(|part| text(part, "/reason") != "unexplained");
    let detail = format!("{} of {}", yuan(total - number(&answer.body, "/available_amount")), yuan(total));
    stage.check("every held cent is explained", answer.signed && explained, &detail);
    Ok(last)
}

/// The day closes once, and is released when its time has come (T+1).
async fn settle(stage: &mut Stage) -> Result<Totals, Error> {
    say("8  midnight: the day closes; T+1: it is released");
    let day = stage.day;
    // By half past ten the channel's bill is there, the bank has its money, and bills can be fetched.
    stage.go(day.next().start().plus(10 * HOUR + 30 * MINUTE)).await?;
    let queries = Arc::clone(&stage.service.queries);
    let id = SettlementId::new(MERCHANT, day);
    stage
        .until("the day's closing", || Ok(queries.day(day)?.filter(|found| found.state == DayState::Closed)))
        .await?;
    let settlement = queries.settlement(id)?.ok_or("the merchant has no settlement")?;
    let totals = settlement.totals;
    let paid = 28_00 + 12_00 + 40_00 + 900_00;
    let detail = format!(
        "gross {}, refunds {}, fees {}, net {}",
        yuan(totals.gross),
        yuan(totals.refunds),
        yuan(totals.fees - totals.fees_returned),
        yuan(totals.net())
    );
    stage.check("the settlement is the day's payments", totals.gross == paid && totals.count == 4, &detail);
    let free = |found: &Settlement| found.state != SettlementState::Waiting;
    if !free(&settlement)
        && let Some(release) = held(stage).await?
    {
        stage.go(release.plus(SECOND)).await?;
    }
    let released = stage.until("the release", || Ok(queries.settlement(id)?.filter(free))).await?;
    let at = released.released_at.unwrap_or_default().rfc3339();
    stage.check(
        "all of it is the merchant's to use",
        released.released == totals.net(),
        &format!("{} at {at}", yuan(released.released)),
    );
    Ok(totals)
}

/// Trade bill and fund-flow bill of the day, read back and held against the ledger.
async fn bills(stage: &mut Stage, totals: Totals) -> Result<(), Error> {
    say("9  the bills of the day, downloaded and read back");
    let day = stage.day;
    let trade = stage.bill(&format!("/v3/bill/tradebill?bill_date={day}&bill_type=ALL")).await?;
    let format = Format::trade_bill();
    let mut bill = Bill::open(&trade[..], "trade bill", &format, intake::Limits::default())?;
    let (mut paid, mut back, mut fees) = (0, 0, 0);
    while let Some(entry) = bill.next_entry()? {
        *(if entry.kind == Kind::Refund { &mut back } else { &mut paid }) += entry.amount.minor;
        fees += entry.fee.map_or(0, |fee| fee.minor);
    }
    let refunded = totals.refunds + refund_fees(stage)?;
    let same = (paid, back, fees) == (totals.gross, refunded, totals.fees - refund_fees(stage)?);
    let detail =
        format!("{} rows: {} paid, {} refunded, fees {}", bill.rows(), yuan(paid), yuan(back), yuan(fees));
    stage.check("trade bill: every row and the summary are what the ledger says", same, &detail);
    let fund = stage.bill(&format!("/v3/bill/fundflowbill?bill_date={day}&account_type=BASIC")).await?;
    let (rows, net, last) = flow(&String::from_utf8_lossy(&fund));
    let detail = format!("{rows} rows: net {}, balance at midnight {}", yuan(net), yuan(last));
    let same = net == totals.net() && last == totals.net();
    stage.check("fund-flow bill: what moved and what was left are what the ledger says", same, &detail);
    Ok(())
}

/// Fees that refunds brought back, by the ledger.
fn refund_fees(stage: &Stage) -> Result<i64, Error> {
    let mut sum = 0;
    let from = types::TransferId(types::first_id_at(stage.day.start()));
    let to = types::TransferId(types::first_id_at(stage.day.next().start()));
    stage.service.queries.transfers_between(from, to, &mut |row| {
        if row.kind == ledger::TransferKind::RefundFee {
            sum += row.amount;
        }
    })?;
    Ok(sum)
}

/// Rows of a fund-flow bill, what came in less what went out, and the last balance. Fen.
fn flow(bill: &str) -> (usize, i64, i64) {
    let fen = |text: &str| text.replace('.', "").parse::<i64>().unwrap_or(i64::MIN);
    let detail = bill.lines().skip(1).take_while(|line| line.starts_with('`'));
    let (mut rows, mut net, mut last) = (0, 0_i64, 0);
    for line in detail {
        let fields: Vec<&str> = line.trim_start_matches('`').split(",`").collect();
        let (Some(way), Some(amount), Some(left)) = (fields.get(5), fields.get(6), fields.get(7)) else {
            return (0, i64::MIN, i64::MIN);
        };
        rows += 1;
        net = net.saturating_add(if *way == "收入" { fen(amount) } else { fen(amount).saturating_neg() });
        last = fen(left);
    }
    (rows, net, last)
}

/// The settled money goes to the merchant's bank account, in files.
async fn pay_out(stage: &mut Stage) -> Result<(), Error> {
    say("10 the payout goes to the bank, in its files");
    let clear = service::payout::ClearAccount {
        holder: Secret::new("飞钱咖啡有限公司".to_owned()),
        number: Secret::new("6222021234567890000".to_owned()),
        bank: "102100099996".to_owned(),
        bank_name: "中国工商银行".to_owned(),
    };
    let account = service::payout::seal(&stage.service.vault, MERCHANT, &clear)?;
    let set = Command::SetBankAccount(MERCHANT, Arc::new(account));
    stage.service.engine.run(set, Caller::platform()).await?;
    let asked = json!({ "out_payout_no": "DEMO-P1", "urgent": true });
    let answer = stage.merchant.post("/v3/feiqian/payouts", &asked).await?;
    let amount = number(&answer.body, "/amount/total");
    stage.check(
        "asked for by a signed request",
        answer.status == 200 && answer.signed && amount > 0,
        &yuan(amount),
    );
    let queries = Arc::clone(&stage.service.queries);
    let known = move || Ok::<_, Error>(queries.payout_by_number(MERCHANT, "DEMO-P1")?);
    let sent = {
        let known = known.clone();
        stage.until("the bank's file", move || Ok(known()?.filter(|payout| !payout.file.is_empty()))).await?
    };
    let file = stage.data.join("bank/sent").join(format!("{}.xml", sent.file));
    let order = stage.until("the payment order", || Ok(fs::read_to_string(&file).ok())).await?;
    let named = order.contains("pain.001.001.09") && order.contains(&format!("FQP{}", sent.id));
    stage.check(
        "pain.001 names it once, with the whole account number",
        named,
        &format!("bank/sent/{}.xml", sent.file),
    );
    // The simulated bank pays an urgent payout after two seconds of its clock.
    let settled = {
        let mut moved = 0;
        loop {
            match known()?.map(|payout| payout.state) {
                Some(PayoutState::Settled) => break true,
                Some(state) if state.is_open() && moved < 30 => {
                    stage.go(stage.service.now().plus(3 * SECOND)).await?;
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                    moved += 1;
                }
                _ => break false,
            }
        }
    };
    let reference = known()?.map(|payout| payout.bank_code.to_string()).unwrap_or_default();
    stage.check("pain.002 and camt.054 say that it is paid", settled, &reference);
    Ok(())
}

impl Stage {
    /// Asks for a bill, follows its download address and compares its SHA-1.
    async fn bill(&mut self, ask: &str) -> Result<Vec<u8>, Error> {
        let answer = self.merchant.get(ask).await?;
        let url = text(&answer.body, "/download_url");
        let target = url.strip_prefix(&self.base).ok_or_else(|| format!("no bill: {}", answer.body))?;
        let bytes = self.merchant.download(target).await?;
        let mut sum = crypto::Checksum::sha1();
        sum.add(&bytes);
        let (told, is) = (text(&answer.body, "/hash_value"), sum.hex());
        let detail = format!("{} bytes, SHA-1 {}…", bytes.len(), is.get(..12).unwrap_or_default());
        self.check("bill downloaded, SHA-1 as told", told.eq_ignore_ascii_case(&is), &detail);
        Ok(bytes)
    }
}
