//! A business day sorted by merchant: the transfers that touch merchants' own money, the refunds created, and the
//! balances at the day's end, in one file that is written in one pass once the day is over.
//!
//! Why a file and not an index: payments would have to maintain an index on the merchant in the largest table, while
//! a day is read a handful of times, all after its end. Why not filter the day for each merchant: a thousand
//! merchants would read the day a thousand times. The pass keeps at most [`BUFFER`] bytes in memory; what is full goes
//! out as a segment, and a merchant's rows are its segments one after the other.
//!
//! The file holds nothing that is not in the store and says the same whenever it is made: a day's transfers are final
//! but for what voids a hold, and that counts on its own day. It can be deleted at any time.

use engine::{Fault, Queries};
use ledger::{AccountId, Transfer, TransferKind};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufWriter, Read, Seek, SeekFrom, Write},
    os::unix::fs::FileExt,
    path::Path,
};
use types::{BusinessDay, Currency, MerchantId, RefundId, Time, TransferId, first_id_at, id_time};

/// Bytes of rows kept in memory while a day is written.
const BUFFER: usize = 8 * 1024 * 1024;
/// Bytes read at once.
const PIECE: usize = 256 * 1024;
const MAGIC: &[u8; 8] = b"FQDAY001";
const FLOW_BYTES: usize = 25;
/// In a flow's kind: the hold was voided.
const VOIDED: u8 = 0x80;

/// Why a day can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum DayError {
    /// The store.
    #[error(transparent)]
    Store(#[from] Fault),
    /// The file.
    #[error("{0}")]
    File(#[from] io::Error),
    /// The file is not what was written.
    #[error("the file of the day is damaged")]
    Damaged,
}

/// Money that came to a merchant or left it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// The transfer.
    pub id: TransferId,
    /// Why.
    pub kind: TransferKind,
    /// The record it belongs to.
    pub subject: i64,
    /// Fen that came; below zero what left.
    pub change: i64,
    /// A hold of this or an earlier day that was voided: the change is undone.
    pub undone: bool,
}

impl Flow {
    /// When: the time in the id. When a hold was voided says only its transfer.
    #[must_use]
    pub const fn made_at(&self) -> Time {
        id_time(self.id.0)
    }
    fn encode(&self) -> [u8; FLOW_BYTES] {
        let mut bytes = [0; FLOW_BYTES];
        bytes[..8].copy_from_slice(&self.id.0.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.subject.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.change.to_le_bytes());
        bytes[24] = self.kind as u8 | if self.undone { VOIDED } else { 0 };
        bytes
    }
    fn decode(bytes: &[u8; FLOW_BYTES]) -> Option<Self> {
        let (id, rest) = bytes.split_first_chunk::<8>()?;
        let (subject, rest) = rest.split_first_chunk::<8>()?;
        let (change, rest) = rest.split_first_chunk::<8>()?;
        let kind = *rest.first()?;
        Some(Self {
            id: TransferId(i64::from_le_bytes(*id)),
            subject: i64::from_le_bytes(*subject),
            change: i64::from_le_bytes(*change),
            kind: TransferKind::from_number((kind & !VOIDED).into())?,
            undone: kind & VOIDED != 0,
        })
    }
}

/// The flow of a transfer for each merchant whose own money it touches; none between two accounts of one merchant, or
/// its sub-accounts in two shards. What was unfrozen of a shared order is one without a change, for the sharing's bill.
fn flows(transfer: &Transfer, undone: bool, mut take: impl FnMut(MerchantId, Flow)) {
    let owner = |account: AccountId| {
        let own = account.kind().is_merchants_own() && account.currency() == Currency::CNY;
        own.then(|| MerchantId(account.owner()))
    };
    let (from, to) = (owner(transfer.debit), owner(transfer.credit));
    if let Some(merchant) = from.filter(|_| transfer.kind == TransferKind::Unfreeze) {
        let Transfer { id, kind, subject, .. } = *transfer;
        return take(merchant, Flow { id, kind, subject, change: 0, undone });
    }
    if from == to || transfer.kind.is_crossing() {
        return;
    }
    let sign = if undone { -1 } else { 1 };
    for (merchant, change) in [(from, -transfer.amount), (to, transfer.amount)] {
        if let Some(merchant) = merchant {
            let Transfer { id, kind, subject, .. } = *transfer;
            take(merchant, Flow { id, kind, subject, change: sign * change, undone });
        }
    }
}

/// A piece of a merchant's rows in the file.
#[derive(Clone, Copy, Debug)]
struct Segment {
    offset: u64,
    bytes: u64,
}

/// What the file knows of a merchant.
#[derive(Clone, Debug, Default)]
struct Entry {
    /// Fen at the day's end.
    closing: i64,
    flows: Vec<Segment>,
    refunds: Vec<Segment>,
}

/// Writes the file of `day`. The day must be over.
///
/// # Errors
/// [`DayError`].
pub(super) fn write(queries: &dyn Queries, day: BusinessDay, file: File) -> Result<(), DayError> {
    let (start, end) = (day.start(), day.next().start());
    let mut writer = DayWriter::new(file)?;
    for (account, balance) in queries.merchant_balances(end)? {
        if account.currency() == Currency::CNY {
            writer.entries.entry(account.owner()).or_default().closing += balance;
        }
    }
    let mut voided = Vec::new();
    queries.transfers_voided(start, end, &mut |transfer| voided.push(transfer))?;
    let mut voided = voided.into_iter().peekable();
    let mut failed = Ok(());
    let (first, last) = (TransferId(first_id_at(start)), TransferId(first_id_at(end)));
    queries.transfers_between(first, last, &mut |transfer| {
        while let Some(back) = voided.next_if(|back| back.at < id_time(transfer.id.0)) {
            flows(&back, true, |merchant, flow| writer.flow(merchant, &flow, &mut failed));
        }
        flows(&transfer, false, |merchant, flow| writer.flow(merchant, &flow, &mut failed));
    })?;
    for back in voided {
        flows(&back, true, |merchant, flow| writer.flow(merchant, &flow, &mut failed));
    }
    let (first, last) = (RefundId(first.0), RefundId(last.0));
    queries.refunds_between(first, last, &mut |refund| {
        writer.put(refund.terms.merchant, List::Refunds, &refund.id.0.to_le_bytes(), &mut failed);
    })?;
    failed?;
    Ok(writer.finish()?)
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum List {
    Flows,
    Refunds,
}

struct DayWriter {
    out: BufWriter<File>,
    at: u64,
    buffered: usize,
    rows: BTreeMap<(i64, List), Vec<u8>>,
    entries: BTreeMap<i64, Entry>,
}

impl DayWriter {
    fn new(file: File) -> io::Result<Self> {
        let mut out = BufWriter::with_capacity(PIECE, file);
        out.write_all(MAGIC)?;
        Ok(Self { out, at: MAGIC.len() as u64, buffered: 0, rows: BTreeMap::new(), entries: BTreeMap::new() })
    }
    fn flow(&mut self, merchant: MerchantId, flow: &Flow, failed: &mut io::Result<()>) {
        self.put(merchant, List::Flows, &flow.encode(), failed);
    }
    /// Takes in a row. After a failure, which stays in `failed`, nothing more is written.
    fn put(&mut self, merchant: MerchantId, list: List, row: &[u8], failed: &mut io::Result<()>) {
        if failed.is_err() {
            return;
        }
        self.rows.entry((merchant.0, list)).or_default().extend_from_slice(row);
        self.buffered += row.len();
        if self.buffered >= BUFFER {
            *failed = self.flush();
        }
    }
    fn flush(&mut self) -> io::Result<()> {
        for ((merchant, list), rows) in std::mem::take(&mut self.rows) {
            let segment = Segment { offset: self.at, bytes: rows.len() as u64 };
            self.out.write_all(&rows)?;
            self.at += segment.bytes;
            let entry = self.entries.entry(merchant).or_default();
            match list {
                List::Flows => entry.flows.push(segment),
                List::Refunds => entry.refunds.push(segment),
            }
        }
        self.buffered = 0;
        Ok(())
    }
    /// The directory, and where it begins.
    fn finish(mut self) -> io::Result<()> {
        self.flush()?;
        for (merchant, entry) in &self.entries {
            let numbers = [*merchant, entry.closing, count(&entry.flows), count(&entry.refunds)];
            for number in numbers {
                self.out.write_all(&number.to_le_bytes())?;
            }
            for segment in entry.flows.iter().chain(&entry.refunds) {
                self.out.write_all(&segment.offset.to_le_bytes())?;
                self.out.write_all(&segment.bytes.to_le_bytes())?;
            }
        }
        self.out.write_all(&self.at.to_le_bytes())?;
        self.out.write_all(MAGIC)?;
        self.out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_data()
    }
}

fn count(segments: &[Segment]) -> i64 {
    i64::try_from(segments.len()).unwrap_or(i64::MAX)
}

/// The file of a day, open.
#[derive(Debug)]
pub struct Day {
    file: File,
    entries: BTreeMap<i64, Entry>,
}

impl Day {
    /// Opens what [`write`] wrote.
    ///
    /// # Errors
    /// [`DayError::Damaged`] when it is something else, [`DayError::File`].
    pub fn open(path: &Path) -> Result<Self, DayError> {
        let mut file = File::open(path)?;
        let tail = (8 + MAGIC.len()) as u64;
        let bytes = file.metadata()?.len();
        let end =
            bytes.checked_sub(tail).filter(|end| *end >= MAGIC.len() as u64).ok_or(DayError::Damaged)?;
        let mut head = [0; MAGIC.len()];
        file.read_exact(&mut head)?;
        file.seek(SeekFrom::Start(end))?;
        let mut directory = [0; 8];
        file.read_exact(&mut directory)?;
        let mut foot = [0; MAGIC.len()];
        file.read_exact(&mut foot)?;
        let begin = u64::from_le_bytes(directory);
        if head != *MAGIC || foot != *MAGIC || !(MAGIC.len() as u64..=end).contains(&begin) {
            return Err(DayError::Damaged);
        }
        file.seek(SeekFrom::Start(begin))?;
        let mut directory = vec![0; usize::try_from(end - begin).map_err(|_| DayError::Damaged)?];
        file.read_exact(&mut directory)?;
        let entries = entries(&directory, begin).ok_or(DayError::Damaged)?;
        Ok(Self { file, entries })
    }
    /// Merchants with anything in their accounts or on that day, by number.
    pub fn merchants(&self) -> impl Iterator<Item = MerchantId> + '_ {
        self.entries.keys().map(|merchant| MerchantId(*merchant))
    }
    /// Fen that were a merchant's own at the day's end.
    #[must_use]
    pub fn closing(&self, merchant: MerchantId) -> i64 {
        self.entries.get(&merchant.0).map_or(0, |entry| entry.closing)
    }
    /// What came and left, in the order of time.
    ///
    /// # Errors
    /// Each item: [`DayError`].
    pub fn flows(&self, merchant: MerchantId) -> impl Iterator<Item = Result<Flow, DayError>> + '_ {
        let rows = Rows::new(&self.file, self.entries.get(&merchant.0).map(|entry| &entry.flows));
        rows.map(|row| Flow::decode(&row?).ok_or(DayError::Damaged))
    }
    /// Refunds created, in the order of time.
    ///
    /// # Errors
    /// Each item: [`DayError`].
    pub fn refunds(&self, merchant: MerchantId) -> impl Iterator<Item = Result<RefundId, DayError>> + '_ {
        let rows = Rows::new(&self.file, self.entries.get(&merchant.0).map(|entry| &entry.refunds));
        rows.map(|row| Ok(RefundId(i64::from_le_bytes(row?))))
    }
}

fn entries(mut directory: &[u8], rows_end: u64) -> Option<BTreeMap<i64, Entry>> {
    fn number(from: &mut &[u8]) -> Option<[u8; 8]> {
        let (number, rest) = from.split_first_chunk::<8>()?;
        *from = rest;
        Some(*number)
    }
    let segment = |from: &mut &[u8]| {
        let (offset, bytes) = (u64::from_le_bytes(number(from)?), u64::from_le_bytes(number(from)?));
        (offset.checked_add(bytes)? <= rows_end).then_some(Segment { offset, bytes })
    };
    let mut entries = BTreeMap::new();
    while !directory.is_empty() {
        let mut next = || number(&mut directory).map(i64::from_le_bytes);
        let (merchant, closing, flows, refunds) = (next()?, next()?, next()?, next()?);
        let mut entry = Entry { closing, ..Entry::default() };
        for _ in 0..flows {
            entry.flows.push(segment(&mut directory)?);
        }
        for _ in 0..refunds {
            entry.refunds.push(segment(&mut directory)?);
        }
        entries.insert(merchant, entry);
    }
    Some(entries)
}

/// Rows of `N` bytes out of segments, a piece at a time.
struct Rows<'a, const N: usize> {
    file: &'a File,
    segments: std::slice::Iter<'a, Segment>,
    /// What of the present segment is not read yet.
    left: Segment,
    piece: Vec<u8>,
    at: usize,
}

impl<'a, const N: usize> Rows<'a, N> {
    fn new(file: &'a File, segments: Option<&'a Vec<Segment>>) -> Self {
        let left = Segment { offset: 0, bytes: 0 };
        let segments = segments.map_or(&[] as &[_], Vec::as_slice).iter();
        Self { file, segments, left, piece: Vec::new(), at: 0 }
    }
    /// Reads the next piece; false at the end.
    fn refill(&mut self) -> Result<bool, DayError> {
        while self.left.bytes == 0 {
            let Some(next) = self.segments.next() else { return Ok(false) };
            self.left = *next;
        }
        let most = (PIECE / N * N) as u64;
        let take = self.left.bytes.min(most);
        let length = usize::try_from(take).map_err(|_| DayError::Damaged)?;
        if length % N != 0 {
            return Err(DayError::Damaged);
        }
        self.piece.resize(length, 0);
        self.file.read_exact_at(&mut self.piece, self.left.offset)?;
        self.left = Segment { offset: self.left.offset + take, bytes: self.left.bytes - take };
        self.at = 0;
        Ok(true)
    }
    fn read(&mut self) -> Result<Option<[u8; N]>, DayError> {
        if self.at == self.piece.len() && !self.refill()? {
            return Ok(None);
        }
        let row = self.piece[self.at..].first_chunk::<N>().ok_or(DayError::Damaged)?;
        self.at += N;
        Ok(Some(*row))
    }
}

impl<const N: usize> Iterator for Rows<'_, N> {
    type Item = Result<[u8; N], DayError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}
