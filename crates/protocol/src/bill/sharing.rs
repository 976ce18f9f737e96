//! Profit-sharing bills (分账账单): what was shared, returned and unfrozen, one row a receiver.
//!
//! The wire names the call and not the columns (wire §6); these are the field's usual ones, in its words. A merchant finds
//! here what it shared and what others shared with it: 分账方 is whose order it was, 分账接收方 who got the money.

use super::sheet::{BillError, Line, MARK, Sheet, Values, header};
use types::Time;

const COLUMNS: &[&str] = &[
    "分账时间",
    "分账发起方",
    "分账方",
    "微信订单号",
    "微信分账/回退单号",
    "分账明细单号",
    "商户分账/回退单号",
    "订单金额",
    "分账接收方",
    "分账金额",
    "业务类型",
    "处理状态",
    "分账描述",
    "备注",
];
const SUMMARY: &[&str] = &["总条数", "分账总金额", "分账回退总金额", "解冻总金额"];

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A share went to a receiver.
    Share,
    /// A share came back.
    Return,
    /// What was left went to the merchant's takings.
    Unfreeze,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Share, Self::Return, Self::Unfreeze];
    /// The word of the column 业务类型.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Share => "分账",
            Self::Return => "分账回退",
            Self::Unfreeze => "解冻资金",
        }
    }
}

/// A row. Amounts are fen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// When the money moved.
    pub time: Time,
    /// Who asked: the partner or the merchant; `system` for what time released.
    pub asker: &'a str,
    /// Whose order it was.
    pub sharer: &'a str,
    /// The order.
    pub transaction_id: &'a str,
    /// The platform's number of the request or return; `0` for what time released.
    pub share_id: &'a str,
    /// The platform's number of the part or movement.
    pub detail_id: &'a str,
    /// The asker's number of the request or return; `0` for what time released.
    pub number: &'a str,
    /// The order's amount.
    pub order_amount: i64,
    /// Who got it, or gave it back: a merchant number or an openid.
    pub receiver: &'a str,
    /// How much, above zero.
    pub amount: i64,
    /// What it is.
    pub kind: Kind,
    /// Why, in the asker's words.
    pub description: &'a str,
}

/// Sums over the rows, in fen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Rows.
    pub rows: u64,
    /// Shared.
    pub shared: i128,
    /// Returned.
    pub returned: i128,
    /// Unfrozen.
    pub unfrozen: i128,
}

impl Totals {
    fn add(&mut self, kind: Kind, amount: i64) {
        self.rows += 1;
        let sum = match kind {
            Kind::Share => &mut self.shared,
            Kind::Return => &mut self.returned,
            Kind::Unfreeze => &mut self.unfrozen,
        };
        *sum += i128::from(amount);
    }
    fn put(&self, column: &str, line: &mut Line<'_>) {
        match column {
            "总条数" => line.show(self.rows),
            "分账总金额" => line.yuan(self.shared),
            "分账回退总金额" => line.yuan(self.returned),
            _ => line.yuan(self.unfrozen),
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
    /// A row. Only what moved stands in a bill, so the state is always `SUCCESS`.
    pub fn row(&mut self, row: &Row<'_>, out: &mut Vec<u8>) {
        self.0.add(row.kind, row.amount);
        let mut line = Line::new(out);
        line.word(&row.time.local());
        line.word(row.asker);
        line.word(row.sharer);
        line.word(row.transaction_id);
        line.word(row.share_id);
        line.word(row.detail_id);
        line.word(row.number);
        line.yuan(row.order_amount.into());
        line.word(row.receiver);
        line.yuan(row.amount.into());
        line.word(row.kind.word());
        line.word("SUCCESS");
        line.text(row.description);
        line.word("");
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

/// Reads a bill back, line by line, and holds the summary against the rows.
#[derive(Debug)]
pub struct Reader {
    sheet: Sheet,
    totals: Totals,
}

impl Default for Reader {
    fn default() -> Self {
        Self { sheet: Sheet::new(COLUMNS, SUMMARY), totals: Totals::default() }
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
        let kind = values.known("业务类型", "kind, 分账, 分账回退 or 解冻资金", |word| {
            Kind::ALL.into_iter().find(|kind| kind.word() == word)
        })?;
        values.known("处理状态", "state, SUCCESS", |word| (word == "SUCCESS").then_some(()))?;
        let amount = values.known("分账金额", "amount above zero with two decimals", |_| {
            values.yuan("分账金额").ok().filter(|fen| *fen > 0)
        })?;
        self.totals.add(kind, amount);
        Ok(Row {
            time: values.time("分账时间")?,
            asker: values.get("分账发起方"),
            sharer: values.get("分账方"),
            transaction_id: values.get("微信订单号"),
            share_id: values.get("微信分账/回退单号"),
            detail_id: values.get("分账明细单号"),
            number: values.get("商户分账/回退单号"),
            order_amount: values.yuan("订单金额")?,
            receiver: values.get("分账接收方"),
            amount,
            kind,
            description: values.get("分账描述"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(kind: Kind, amount: i64) -> Row<'static> {
        Row {
            time: Time::from_unix(1_767_578_400),
            asker: "1900000001",
            sharer: "1900000001",
            transaction_id: "4202601051234567890123456789",
            share_id: "6202601051234567890123456789",
            detail_id: "620260105123456789012345678900",
            number: "P-1|*@",
            order_amount: 100_00,
            receiver: "1900000002",
            amount,
            kind,
            description: "佣金, 一月",
        }
    }

    #[test]
    fn a_bill_reads_back_to_its_rows() {
        let rows =
            [row(Kind::Share, 20_01), row(Kind::Return, 5), row(Kind::Unfreeze, 70_00), row(Kind::Share, 1)];
        let (mut writer, mut bytes) = (Writer::default(), Vec::new());
        writer.begin(&mut bytes);
        for row in &rows {
            writer.row(row, &mut bytes);
        }
        writer.end(&mut bytes);
        let text = String::from_utf8(bytes).unwrap();
        assert!(
            text.contains("\r\n`2026-01-05 10:00:00,`1900000001,`1900000001,`4202601051234567890123456789,")
        );
        assert!(text.ends_with("总条数,分账总金额,分账回退总金额,解冻总金额\r\n`4,`20.02,`0.05,`70.00\r\n"));
        let mut reader = Reader::default();
        let read: Vec<_> = text.lines().filter_map(|line| reader.line(line).unwrap()).collect();
        assert_eq!(read, rows);
        let totals = Totals { rows: 4, shared: 20_02, returned: 5, unfrozen: 70_00 };
        assert_eq!(reader.finish(), Ok(totals));
    }

    #[test]
    fn a_bill_that_was_changed_is_refused() {
        let (mut writer, mut bytes) = (Writer::default(), Vec::new());
        writer.begin(&mut bytes);
        writer.row(&row(Kind::Share, 20_01), &mut bytes);
        writer.end(&mut bytes);
        let text = String::from_utf8(bytes).unwrap();
        let read = |text: &str| {
            let mut reader = Reader::default();
            text.lines().try_for_each(|line| reader.line(line).map(|_| ()))?;
            reader.finish()
        };
        assert!(read(&text).is_ok());
        for (from, to) in [
            ("`20.01,`分账", "`20.02,`分账"),
            ("`分账,", "`借款,"),
            ("SUCCESS", "FAIL"),
            ("`20.01,`0.00", "`0.00,`0.00"),
        ] {
            assert!(text.contains(from), "{from}");
            assert!(read(&text.replacen(from, to, 1)).is_err(), "{from} to {to}");
        }
    }
}
