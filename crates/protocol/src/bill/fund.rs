//! Fund-flow bills (资金账单): what came to a merchant's money and left it, with the balance after each row.

use super::sheet::{BillError, Line, MARK, Sheet, Values, header};
use types::Time;

const COLUMNS: &[&str] = &[
    "记账时间",
    "微信支付业务单号",
    "资金流水单号",
    "业务名称",
    "业务类型",
    "收支类型",
    "收支金额(元)",
    "账户结余(元)",
    "资金变更提交申请人",
    "备注",
    "业务凭证号",
];
const SUMMARY: &[&str] = &["资金流水总笔数", "收入笔数", "收入金额", "支出笔数", "支出金额"];

const IN: &str = "收入";
const OUT: &str = "支出";

/// Which of a merchant's accounts, `account_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Account {
    /// Its takings and what became of them.
    Basic,
    /// Money it pays others from.
    Operation,
    /// Money for fees.
    Fees,
}

impl Account {
    /// Every account.
    pub const ALL: [Self; 3] = [Self::Basic, Self::Operation, Self::Fees];
    /// The word of the wire.
    #[must_use]
    pub const fn wire(self) -> &'static str {
        match self {
            Self::Basic => "BASIC",
            Self::Operation => "OPERATION",
            Self::Fees => "FEES",
        }
    }
}

/// A row. Amounts are fen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// When it was booked.
    pub time: Time,
    /// The platform's number of the order, refund or payout it belongs to.
    pub business_id: &'a str,
    /// The number of the movement itself.
    pub flow_id: &'a str,
    /// The business, in words.
    pub name: &'a str,
    /// Its kind, in words.
    pub kind: &'a str,
    /// What came, or what left when negative. Never zero.
    pub change: i64,
    /// The account's balance after it.
    pub balance: i64,
    /// Who asked for it; `system` when nobody did.
    pub submitter: &'a str,
    /// A remark.
    pub note: &'a str,
    /// The merchant's own number of the order or refund; of a refund after `REF`.
    pub voucher: &'a str,
}

/// Sums over the rows, in fen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Rows in which money came.
    pub in_rows: u64,
    /// What came.
    pub came: i128,
    /// Rows in which money left.
    pub out_rows: u64,
    /// What left, above zero.
    pub left: i128,
}

impl Totals {
    fn add(&mut self, change: i64) {
        if change < 0 {
            self.out_rows += 1;
            self.left -= i128::from(change);
        } else {
            self.in_rows += 1;
            self.came += i128::from(change);
        }
    }
    fn put(&self, column: &str, line: &mut Line<'_>) {
        match column {
            // Counts are printed as the wire's samples print them.
            "资金流水总笔数" => line.show(format_args!("{}.0", self.in_rows + self.out_rows)),
            "收入笔数" => line.show(format_args!("{}.0", self.in_rows)),
            "收入金额" => line.yuan(self.came),
            "支出笔数" => line.show(format_args!("{}.0", self.out_rows)),
            _ => line.yuan(self.left),
        }
    }
}

/// Columns of the detail rows, in order.
#[must_use]
pub const fn columns() -> &'static [&'static str] {
    COLUMNS
}

/// Writes a bill: [`Writer::begin`], rows in the order of their times, [`Writer::end`].
#[derive(Debug, Default)]
pub struct Writer(Totals);

impl Writer {
    /// Mark and header.
    pub fn begin(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(MARK.as_bytes());
        header(COLUMNS, out);
    }
    /// A row.
    pub fn row(&mut self, row: &Row<'_>, out: &mut Vec<u8>) {
        self.0.add(row.change);
        let mut line = Line::new(out);
        line.word(&row.time.local());
        line.word(row.business_id);
        line.word(row.flow_id);
        line.word(row.name);
        line.word(row.kind);
        line.word(if row.change < 0 { OUT } else { IN });
        line.yuan(i128::from(row.change).abs());
        line.yuan(row.balance.into());
        line.text(row.submitter);
        line.text(row.note);
        line.word(row.voucher);
        line.end();
    }
    /// Summary header and row.
    pub fn end(&self, out: &mut Vec<u8>) {
        header(SUMMARY, out);
        let mut line = Line::new(out);
        for column in SUMMARY {
            self.0.put(column, &mut line);
        }
        line.end();
    }
    /// The sums so far.
    #[must_use]
    pub const fn totals(&self) -> &Totals {
        &self.0
    }
}

/// Reads a bill back, line by line; holds every balance against the one before and the summary against the rows.
#[derive(Debug)]
pub struct Reader {
    sheet: Sheet,
    totals: Totals,
    balance: Option<i64>,
}

impl Default for Reader {
    fn default() -> Self {
        Self { sheet: Sheet::new(COLUMNS, SUMMARY), totals: Totals::default(), balance: None }
    }
}

impl Reader {
    /// Takes in the next line, with or without its end; a row when it is one.
    ///
    /// # Errors
    /// [`BillError`], naming line and column.
    pub fn line<'a>(&mut self, line: &'a str) -> Result<Option<Row<'a>>, BillError> {
        let values = self.sheet.read(line, |column, line| self.totals.put(column, line))?;
        values.map(|values| self.row(&values)).transpose()
    }
    /// The end of the text: the sums of the rows, which are those of the summary.
    ///
    /// # Errors
    /// [`BillError::End`] when the summary is missing.
    pub fn finish(self) -> Result<Totals, BillError> {
        self.sheet.finish()?;
        Ok(self.totals)
    }

    fn row<'a>(&mut self, values: &Values<'a>) -> Result<Row<'a>, BillError> {
        let came = values.known("收支类型", "direction, 收入 or 支出", |value| match value {
            IN => Some(true),
            OUT => Some(false),
            _ => None,
        })?;
        let amount = values.known("收支金额(元)", "amount above zero with two decimals", |_| {
            values.yuan("收支金额(元)").ok().filter(|fen| *fen > 0)
        })?;
        let change = if came { amount } else { -amount };
        let before = self.balance;
        let balance =
            values.known("账户结余(元)", "balance that follows from the row before", |_| {
                let now = values.yuan("账户结余(元)").ok()?;
                let follows = before.is_none_or(|before| before.checked_add(change) == Some(now));
                follows.then_some(now)
            })?;
        self.balance = Some(balance);
        self.totals.add(change);
        Ok(Row {
            time: values.time("记账时间")?,
            business_id: values.get("微信支付业务单号"),
            flow_id: values.get("资金流水单号"),
            name: values.get("业务名称"),
            kind: values.get("业务类型"),
            change,
            balance,
            submitter: values.get("资金变更提交申请人"),
            note: values.get("备注"),
            voucher: values.get("业务凭证号"),
        })
    }
}
