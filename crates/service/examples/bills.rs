//! What bills cost: a day of orders is written straight into a new store, then read as bills.
//! `cargo run --release -p feiqian-service --example bills -- [ORDERS [MERCHANTS [POSTGRES-URL]]]`
#![allow(clippy::print_stdout, reason = "a measurement is read on standard output")]

use crypto::{MasterKey, Vault};
use domain::{
    Batch, Caller, JournalLine, Subject,
    merchant::Product,
    order::{Order, OrderNumber, OrderState, Terms},
    refund::Refunded,
    world::{Change, Entity},
};
use ledger::{Account, AccountId, Transfer, TransferKind, TransferState};
use protocol::bill::{ask::Bill, fund, trade};
use service::{
    Bills,
    bills::{BillFile, Bounds, Which},
};
use std::{collections::HashMap, path::Path, sync::Arc, time::Instant};
use store::{Options, PostgresOptions, PostgresTarget, postgres, sqlite};
use types::{
    AppId, Currency, IdBlock, JournalId, MerchantId, Money, OrderId, PayerId, Shard, Time, TransferId,
    time::{DAY, HOUR},
};

/// Commands of a batch.
const BATCH: i64 = 1000;
const AMOUNT: i64 = 12_80;
const FEE: i64 = 8;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let orders = arguments.next().map_or(Ok(1_000_000), |text| text.parse())?;
    let merchants = arguments.next().map_or(Ok(1), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let mut store = match arguments.next() {
        Some(url) => postgres(&url.parse::<PostgresTarget>()?, PostgresOptions::default())?,
        None => sqlite(&folder.path().join("feiqian.db"), Options { durable: false, ..Options::default() })?,
    };
    let start = Time::from_unix(1_767_578_400).business_day();
    let began = Instant::now();
    fill(&mut store, start.start(), orders, merchants)?;
    println!("{orders} orders of {merchants} merchants written in {:.1?}", began.elapsed());

    let vault = Arc::new(Vault::new(1, &MasterKey::generate()?));
    let bills = Bills::new(store.queries, vault, folder.path().join("bills"), Bounds::default());
    let now = start.start().plus(DAY + 10 * HOUR);
    let idle = memory("VmRSS:")?;
    let timed = |what: &str, work: &mut dyn FnMut() -> Result<Option<BillFile>, Failure>| {
        reset_peak();
        let (began, cpu) = (Instant::now(), cpu_s()?);
        let file = work()?;
        let (took, cpu) = (began.elapsed(), cpu_s()? - cpu);
        let over = memory("VmHWM:")?.saturating_sub(idle) / 1024;
        println!(
            "{what:<28} {took:>9.2?}  CPU {cpu:>5} ms  peak {over:>4} MiB above idle  {}",
            shown(file.as_ref())
        );
        Ok::<_, Failure>(())
    };
    timed("day, sorted by merchant", &mut || {
        bills.prepare(now)?;
        Ok(None)
    })?;
    let first = MerchantId(1_900_000_000);
    for bill in
        [Bill::Trade(trade::Kind::All), Bill::Trade(trade::Kind::Success), Bill::Fund(fund::Account::Basic)]
    {
        timed(bill.name(), &mut || {
            Ok(Some(bills.make(Which { merchant: first, partner: None, bill, day: start }, now)?))
        })?;
    }
    if merchants > 1 {
        timed("trade-all of every merchant", &mut || {
            for merchant in 1..merchants {
                let merchant = MerchantId(first.0 + merchant);
                bills.make(
                    Which { merchant, partner: None, bill: Bill::Trade(trade::Kind::All), day: start },
                    now,
                )?;
            }
            Ok(None)
        })?;
    }
    Ok(())
}

fn shown(file: Option<&BillFile>) -> String {
    file.map_or(String::new(), |file| {
        let packed = std::fs::metadata(&file.path).map_or(0, |meta| meta.len());
        format!("{} rows, {} MB, gzip {} MB", file.rows, file.bytes / 1_000_000, packed / 1_000_000)
    })
}

/// KiB of a line of the process's status.
fn memory(line: &str) -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let found = status.lines().find_map(|text| text.strip_prefix(line)).ok_or("no such line")?;
    Ok(found.trim().trim_end_matches(" kB").parse()?)
}

/// Lets the peak begin anew.
fn reset_peak() {
    drop(std::fs::write("/proc/self/clear_refs", "5"));
}

/// CPU time of the process, all threads, in milliseconds.
fn cpu_s() -> Result<u64, Failure> {
    let stat = std::fs::read_to_string(Path::new("/proc/self/stat"))?;
    let after = stat.rsplit(')').next().ok_or("no stat")?;
    let fields: Vec<&str> = after.split_whitespace().collect();
    // User and system time, in ticks of 10 ms.
    Ok((fields[11].parse::<u64>()? + fields[12].parse::<u64>()?) * 10)
}

fn added<E: Entity>(value: E) -> Change<E> {
    Change { key: value.key(), value: Some(value), existed: false, after: 0, before: None }
}

fn fill(store: &mut engine::Store, start: Time, orders: i64, merchants: i64) -> Result<(), Failure> {
    let mut stands = store.committer.recover()?;
    let step = 20 * HOUR / orders.max(1);
    let mut accounts: HashMap<AccountId, Account> = HashMap::new();
    for from in (0..orders).step_by(usize::try_from(BATCH)?) {
        let number = stands.batch + 1;
        let mut batch = Batch { number, at: start.plus(from * step).max(stands.at), ..Batch::default() };
        let mut touched = HashMap::new();
        for n in from..(from + BATCH).min(orders) {
            let at = start.plus(n * step);
            let ids = IdBlock::new(at, 0, n % IdBlock::PER_MS);
            let merchant = MerchantId(1_900_000_000 + n % merchants);
            let order = order(n, at, ids, merchant);
            let own = AccountId::merchant_unsettled(merchant, Currency::CNY);
            let bank = AccountId::channel_receivable(1, Currency::CNY);
            let fees = AccountId::platform_fee(Currency::CNY);
            for (place, debit, credit, amount, kind) in
                [(1, bank, own, AMOUNT, TransferKind::Payment), (2, own, fees, FEE, TransferKind::Fee)]
            {
                let (id, state) = (TransferId(ids.id(place)), TransferState::Posted);
                let subject = order.id.0;
                batch.transfers.push(added(Transfer { id, debit, credit, amount, kind, state, subject, at }));
                for (account, debit) in [(debit, true), (credit, false)] {
                    let existed = accounts.contains_key(&account);
                    touched.entry(account).or_insert(existed);
                    let row = accounts.entry(account).or_insert(Account::new(account));
                    if debit { row.debits_posted += amount } else { row.credits_posted += amount }
                }
            }
            let (merchant, number) = (order.terms.merchant, order.terms.number.clone());
            batch.order_numbers.push(added(OrderNumber { merchant, number, order: order.id }));
            batch.orders.push(added(order));
        }
        batch.accounts = touched
            .into_iter()
            .map(|(id, existed)| Change {
                key: id,
                value: accounts.get(&id).copied(),
                existed,
                after: 0,
                before: None,
            })
            .collect();
        batch.journal.push(JournalLine {
            id: JournalId(number * 4096),
            at: batch.at,
            caller: Caller::platform(),
            command: "pay_order",
            subject: Subject::Platform,
            outcome: "ok",
            note: None,
            previous: None,
        });
        store.committer.commit(&batch)?;
        stands = engine::Recovered { batch: number, at: batch.at };
    }
    Ok(())
}

fn order(n: i64, at: Time, ids: IdBlock, merchant: MerchantId) -> Order {
    let terms = Terms {
        partner: None,
        merchant,
        app: AppId(0x8888_8888_8888_8888_u64.cast_signed()),
        number: format!("TEA_20260105_{n:012}").into(),
        product: Product::Native,
        amount: Money::cny(AMOUNT),
        description: "一壶龙井，两碟瓜子".into(),
        attach: "table 7".into(),
        notify_url: "https://shop.example.com/notify".into(),
        payer: None,
        sharing: false,
        device: "".into(),
        extra: "{}".into(),
        digest: [7; 16],
    };
    Order {
        id: OrderId(ids.id(0)),
        shard: Shard::default(),
        terms: Arc::new(terms),
        state: OrderState::Paid,
        expires_at: at.plus(DAY),
        payer: Some(PayerId(1 + n % 50_000)),
        card: None,
        paid_at: Some(at),
        fee: FEE,
        payment: None,
        transfer: Some(TransferId(ids.id(1))),
        reversal: None,
        combined: None,
        refunded: Refunded::default(),
        bill_previous: None,
        journal: JournalId(1),
    }
}
