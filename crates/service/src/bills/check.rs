//! Bills held against the ledger: made as merchants get them, read back by the reader of the wire's format, and compared
//! to the cent with what the transfers of the day say, read here anew.

use super::{BillFile, BillProblem, Bills, Which};
use engine::Queries;
use flate2::read::GzDecoder;
use ledger::{AccountId, Transfer, TransferKind};
use protocol::bill::{ask::Bill, fund, trade};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufRead, BufReader},
};
use types::{BusinessDay, Currency, MerchantId, Time, TransferId, first_id_at};

/// What came of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The day.
    pub day: BusinessDay,
    /// Merchants whose money moved.
    pub merchants: u64,
    /// Bills read back.
    pub bills: u64,
    /// Their rows.
    pub rows: u64,
    /// What differs, each naming merchant and bill; at most 200.
    pub failures: Vec<String>,
}

/// Failures that are listed.
const FAILURES_MAX: usize = 200;

impl Checked {
    /// True when every bill equals the ledger.
    #[must_use]
    pub const fn holds(&self) -> bool {
        self.failures.is_empty()
    }
    fn fail(&mut self, text: String) {
        if self.failures.len() < FAILURES_MAX {
            self.failures.push(text);
        }
    }
}

/// A merchant's day by its transfers, fen.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Moved {
    /// All that came less all that left, what was voided undone: the fund-flow bill.
    flow: i128,
    /// Of orders and their refunds, whatever became of them later: the trade bill.
    trade: i128,
    /// Orders paid.
    paid: u64,
    /// What was on all its accounts at midnight.
    closing: i128,
}

impl Bills {
    /// Holds the trade bill (ALL) and the fund-flow bill (BASIC) of every merchant against the ledger. Bills that are
    /// kept are read as they are. Blocks; memory grows with merchants only.
    ///
    /// # Errors
    /// [`BillProblem::Early`] before 09:00 of the next day, [`BillProblem::Failed`] when a bill can't be made.
    pub fn check(&self, day: BusinessDay, now: Time) -> Result<Checked, BillProblem> {
        let mut checked = Checked { day, merchants: 0, bills: 0, rows: 0, failures: Vec::new() };
        let mut moved = by_merchant(&*self.0.queries, day)?;
        for merchant in self.day(day, now)?.merchants() {
            moved.entry(merchant).or_default();
        }
        checked.merchants = moved.len() as u64;
        for (merchant, moved) in moved {
            for bill in [Bill::Trade(trade::Kind::All), Bill::Fund(fund::Account::Basic)] {
                let which = Which { merchant, partner: None, bill, day };
                let said = match self.make(which, now) {
                    Ok(file) => match read(&file, bill) {
                        Ok((rows, said)) => {
                            checked.bills += 1;
                            checked.rows += rows;
                            said
                        }
                        Err(why) => {
                            checked.fail(format!("{merchant} {}: {why}", bill.name()));
                            continue;
                        }
                    },
                    Err(BillProblem::Nothing) => Said::default(),
                    Err(problem) => return Err(problem),
                };
                if let Some(difference) = said.against(&moved, bill) {
                    checked.fail(format!("{merchant} {}: {difference}", bill.name()));
                }
            }
        }
        Ok(checked)
    }
}

/// What a bill says.
#[derive(Default)]
struct Said {
    net: i128,
    paid: u64,
    closing: Option<i64>,
}

impl Said {
    fn against(&self, moved: &Moved, bill: Bill) -> Option<String> {
        let wanted = if matches!(bill, Bill::Fund(_)) { moved.flow } else { moved.trade };
        if self.net != wanted {
            return Some(format!("its rows come to {} fen, the ledger says {wanted}", self.net));
        }
        if matches!(bill, Bill::Trade(_)) && self.paid != moved.paid {
            return Some(format!("it has {} payments, the ledger {}", self.paid, moved.paid));
        }
        match self.closing {
            Some(closing) if i128::from(closing) != moved.closing => Some(format!(
                "it ends with a balance of {closing} fen, the accounts had {} at midnight",
                moved.closing
            )),
            _ => None,
        }
    }
}

/// Reads a bill to its end: its rows, and what they say.
fn read(file: &BillFile, bill: Bill) -> Result<(u64, Said), String> {
    let text = |error: io::Error| format!("{}: {error}", file.path.display());
    let input = File::open(&file.path).map_err(text)?;
    let mut lines = BufReader::new(GzDecoder::new(BufReader::new(input)));
    let (mut said, mut rows, mut line) = (Said::default(), 0, String::new());
    let mut trade = trade::Reader::new(trade::Kind::All);
    let mut fund = fund::Reader::default();
    while {
        line.clear();
        lines.read_line(&mut line).map_err(text)? > 0
    } {
        if matches!(bill, Bill::Fund(_)) {
            if let Some(row) = fund.line(&line).map_err(|error| error.to_string())? {
                rows += 1;
                said.net += i128::from(row.change);
                said.closing = Some(row.balance);
            }
        } else if let Some(row) = trade.line(&line).map_err(|error| error.to_string())? {
            rows += 1;
            said.net -= i128::from(row.fee);
            match row.what {
                trade::What::Paid { amount, .. } => {
                    said.net += i128::from(amount);
                    said.paid += 1;
                }
                trade::What::Returned(returned) => said.net -= i128::from(returned.amount),
            }
        }
    }
    let ended =
        if matches!(bill, Bill::Fund(_)) { fund.finish().map(drop) } else { trade.finish().map(drop) };
    ended.map_err(|error| error.to_string())?;
    Ok((rows, said))
}

/// Each merchant's day, in one pass over its transfers.
fn by_merchant(queries: &dyn Queries, day: BusinessDay) -> Result<BTreeMap<MerchantId, Moved>, BillProblem> {
    let (start, end) = (day.start(), day.next().start());
    let failed = |fault: engine::Fault| BillProblem::Failed(fault.to_string().into());
    let mut all: BTreeMap<MerchantId, Moved> = BTreeMap::new();
    let (first, last) = (TransferId(first_id_at(start)), TransferId(first_id_at(end)));
    queries.transfers_between(first, last, &mut |row| take(&mut all, &row, 1)).map_err(failed)?;
    queries.transfers_voided(start, end, &mut |row| take(&mut all, &row, -1)).map_err(failed)?;
    for (account, balance) in queries.merchant_balances(end).map_err(failed)? {
        if account.currency() == Currency::CNY
            && let Some(moved) = all.get_mut(&MerchantId(account.owner()))
        {
            moved.closing += i128::from(balance);
        }
    }
    Ok(all)
}

fn take(all: &mut BTreeMap<MerchantId, Moved>, row: &Transfer, sign: i128) {
    use TransferKind::{Fee, FeeReturn, Payment, Refund, RefundFee, Reversal};
    let owner = |account: AccountId| {
        let own = account.kind().is_merchants_own() && account.currency() == Currency::CNY;
        own.then(|| MerchantId(account.owner()))
    };
    let (from, to) = (owner(row.debit), owner(row.credit));
    // Between accounts of one merchant nothing comes and nothing leaves.
    if from == to || row.kind.is_crossing() {
        return;
    }
    let amount = i128::from(row.amount);
    for (merchant, change) in [(from, -amount), (to, amount)] {
        let Some(merchant) = merchant else { continue };
        let moved = all.entry(merchant).or_default();
        moved.flow += sign * change;
        let trades = matches!(row.kind, Payment | Fee | FeeReturn | Refund | RefundFee | Reversal);
        if trades && sign > 0 {
            moved.trade += change;
            moved.paid += u64::from(row.kind == Payment);
        }
    }
}
