//! Three ways: the ledger, the channel's bill, the bank's statement; what differs is corrected by two people.

use super::{
    Error,
    stage::{Stage, say, yuan},
};
use domain::{
    Command, Key, Record,
    exception::{Exception, State},
};
use ledger::AccountId;
use std::fs;
use types::{BusinessDay, Currency, PageRequest, time::HOUR};
use worker::reconcile::Position;

pub(super) async fn play(stage: &mut Stage) -> Result<(), Error> {
    let day = stage.day;
    say("11 ledger ↔ the channel's bill, payment by payment");
    let said = stage.matched("channel", day).await?;
    let found = open(stage)?;
    stage.check("the day is matched, one difference is found", found.len() == 1, &said);
    let one = found.into_iter().next().ok_or("nothing was found")?;
    let planted = &*one.reference;
    let right = planted.ends_with("/amount") && one.question == Some(1);
    stage.check("it is the planted one: the bill says one fen more", right, &planted);

    say("12 ledger ↔ the bank's statement: the channel's money and the payout");
    let last = stage.service.now().business_day();
    stage.go(last.next().start().plus(HOUR)).await?;
    let said = stage.matched("statements", last).await?;
    stage.check("no entry without its booking, no booking without its entry", open(stage)?.len() == 1, &said);
    let position = stage.position(last)?.ok_or("the statement has no closing balance")?;
    let channel = stage.account(AccountId::channel_receivable(worker::bank::SIMULATED, Currency::CNY))?;
    let detail = format!("{} − {} brought forward", yuan(position.closing), yuan(position.brought));
    let same = position.closing - position.brought == position.cash && position.unexplained == Some(0);
    stage.check("bank.cash is what the statement says", same, &format!("{}: {detail}", yuan(position.cash)));
    stage.check("the channel has paid what its bill says: the fen is there", channel == -1, &yuan(channel));

    say("13 two people correct it");
    let (exception, correction) = (one.reference.clone(), 1);
    let why = "渠道账单多记一分，已与渠道核对".into();
    stage
        .decide("finance", Command::SuggestCorrection { exception: exception.clone(), correction, why })
        .await?;
    let approve = Command::ApproveCorrection { exception, correction };
    let own = stage.decide("finance", approve.clone()).await;
    let refused = own.err().map_or_else(|| "it was taken".to_owned(), |why| why.to_string());
    stage.check("who suggests can't approve", refused != "it was taken", &refused);
    stage.decide("finance-2", approve).await?;
    let Some(Record::Exception(now)) = stage.service.queries.record(Key::Exception(one.reference.clone()))?
    else {
        return Err("the exception is gone".into());
    };
    let suspense = stage.account(AccountId::platform_suspense(Currency::CNY))?;
    let channel = stage.account(AccountId::channel_receivable(worker::bank::SIMULATED, Currency::CNY))?;
    let booked = now.state == State::Resolved && suspense == 1 && channel == 0;
    stage.check(
        "booked through suspense: the channel owes nothing",
        booked,
        &format!("suspense {}", yuan(suspense)),
    );
    stage.check("nothing is open", open(stage)?.is_empty(), &0);
    Ok(())
}

/// Exceptions that somebody has to decide.
fn open(stage: &Stage) -> Result<Vec<Exception>, Error> {
    Ok(stage.service.queries.exceptions_open(PageRequest::new(50, None))?.rows)
}

impl Stage {
    /// What the matching of `day` said, once it is done.
    async fn matched(&self, folder: &str, day: BusinessDay) -> Result<String, Error> {
        let mark = self.data.join(folder).join(format!("{day}.done"));
        let said =
            || Ok(fs::read_to_string(&mark).ok().and_then(|text| text.lines().nth(1).map(str::to_owned)));
        self.until(&format!("the matching of {day} ({folder})"), said).await
    }

    /// How the statement of `day` stands to the books, as its matching has counted.
    fn position(&self, day: BusinessDay) -> Result<Option<Position>, Error> {
        let mark = fs::read_to_string(self.data.join("statements").join(format!("{day}.done")))?;
        Ok(mark.lines().nth(2).and_then(|line| serde_json::from_str(line).ok()))
    }

    fn account(&self, id: AccountId) -> Result<i64, Error> {
        Ok(self.service.queries.account_in_all(id)?.balance().minor)
    }
}
