//! What closing a day costs: one pass over its transfers, then one command a merchant.
//! `cargo run --release -p feiqian-store --example close_day -- [PAYMENTS] [MERCHANTS]`
#![allow(clippy::print_stdout, reason = "a measurement is read on standard output")]

use domain::{
    Batch, Caller, Command, JournalLine, Subject,
    merchant::{NewMerchant, Products},
    settlement::Tally,
    world::Change,
};
use engine::{Committer, Engine, ManualClock, engine::Setup};
use ledger::{AccountId, Transfer, TransferKind, TransferState};
use std::{sync::Arc, time::Instant};
use types::{Currency, IdBlock, JournalId, MerchantId, PayerId, Rate, Time, TransferId, time};

const START: Time = Time::from_unix(1_767_578_400);
const FIRST: i64 = 1_800_000_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse::<i64>());
    let payments = numbers.next().transpose()?.unwrap_or(1_000_000);
    let merchants = numbers.next().transpose()?.unwrap_or(1_000);
    let folder = tempfile::tempdir()?;
    let open = || store::sqlite(&folder.path().join("feiqian.db"), store::Options::default());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let clock = Arc::new(ManualClock::standing(START));
    let start = |store| {
        Engine::start(store, Arc::clone(&clock) as Arc<dyn engine::Clock>, Setup::default(), Box::new(|_| {}))
    };

    let engine = start(open()?)?;
    let handle = engine.handle();
    runtime.block_on(async {
        for number in 0..merchants {
            let id = MerchantId(FIRST + number);
            let new = NewMerchant {
                id,
                name: "tea".into(),
                products: Products::ALL,
                fee: Rate(6_000),
                rate_per_s: 9,
            };
            handle.run(Command::RegisterMerchant(new), Caller::platform()).await?;
        }
        Ok::<_, engine::Refusal>(())
    })?;
    engine.stop();
    fill(open()?.committer, payments, merchants)?;

    clock.advance(2 * time::DAY);
    let opened = open()?;
    let queries = Arc::clone(&opened.queries);
    let engine = start(opened)?;
    let handle = engine.handle();
    let day = START.business_day();
    let begun = Instant::now();
    runtime.block_on(handle.run(Command::BeginDay(day), Caller::platform()))?;
    let record = queries.records(&[domain::Key::Day(day)])?.pop().flatten();
    let Some(domain::Record::Day(record)) = record else { return Err("the day was not begun".into()) };
    let mut tally = Tally::default();
    queries.transfers_between(TransferId(record.from), TransferId(record.to), &mut |row| tally.take(&row))?;
    let read = begun.elapsed();
    let (closed, totals) = tally.finish().ok_or("the sums are too large")?;
    let count = u32::try_from(closed.len())?;
    runtime.block_on(async {
        for wave in closed.chunks(100) {
            let sent: Vec<_> = wave
                .iter()
                .map(|(merchant, totals)| {
                    let command = Command::CloseMerchantDay(*merchant, day, Box::new(*totals));
                    handle.submit(engine::Job { command, caller: Caller::platform(), request: None })
                })
                .collect();
            for sent in sent {
                sent?.await?;
            }
        }
        let end = Command::EndDay { day, merchants: count, totals: Box::new(totals) };
        handle.run(end, Caller::platform()).await
    })?;
    println!("{payments} payments, {count} merchants: read in {read:?}, closed in {:?}", begun.elapsed());
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM unknown");
    println!("{peak}");
    engine.stop();
    Ok(())
}

/// Writes transfers as payments make them, two each, past the engine: the day is read, not lived.
fn fill(
    mut committer: Box<dyn Committer>,
    payments: i64,
    merchants: i64,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut stands = committer.recover()?;
    let step = (8 * time::HOUR / payments.max(1)).max(1);
    let mut made = 0;
    while made < payments {
        let upto = (made + 2_000).min(payments);
        let (number, at) = (stands.batch + 1, START.plus(time::HOUR + made * step).max(stands.at.plus(1)));
        let line = JournalLine {
            id: JournalId(number * 4096),
            at,
            caller: Caller::platform(),
            command: "by_hand",
            subject: Subject::Platform,
            outcome: "ok",
            note: None,
            previous: None,
        };
        let mut batch = Batch { number, at, journal: vec![line], ..Batch::default() };
        for n in made..upto {
            let ids = IdBlock::new(START.plus(time::HOUR + n * step), 0, n % IdBlock::PER_MS);
            let merchant = MerchantId(FIRST + n % merchants);
            let takings = AccountId::merchant_unsettled(merchant, Currency::CNY);
            let rows = [
                (
                    1,
                    AccountId::payer_balance(PayerId(1 + n % 1000), Currency::CNY),
                    takings,
                    100,
                    TransferKind::Payment,
                ),
                (2, takings, AccountId::platform_fee(Currency::CNY), 1, TransferKind::Fee),
            ];
            for (place, debit, credit, amount, kind) in rows {
                let (id, state, subject, at) =
                    (TransferId(ids.id(place)), TransferState::Posted, ids.id(0), at);
                let value = Transfer { id, debit, credit, amount, kind, state, subject, at };
                batch.transfers.push(Change { key: id, value: Some(value), existed: false });
            }
        }
        committer.commit(&batch)?;
        stands = engine::Recovered { batch: number, at };
        made = upto;
    }
    Ok(())
}
