//! How long it takes to read a camt.053 of a million entries, and how much memory.
//!
//! `cargo run --release -p feiqian-bank --example statement -- [ENTRIES]`

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measuring tool")]

use bank::{AccountNumber, Detail, Direction, Entry, Limits, Part, Statements, camt, statement::Head};
use std::{
    fs::File,
    io::{BufReader, BufWriter, Read as _, Seek as _, Write as _},
    time::Instant,
};
use types::{BusinessDay, Money};

fn main() {
    let count: u64 = std::env::args().nth(1).map_or(1_000_000, |count| count.parse().unwrap());
    let day = BusinessDay(20_778);
    let head = Head {
        id: "S1".into(),
        sequence: Some(1),
        account: AccountNumber::parse("110900000000010001").unwrap(),
        days: Some((day, day)),
        opening: Some(Money::cny(0)),
    };
    let entry = Entry {
        amount: Money::cny(0),
        direction: Direction::Credit,
        reversal: false,
        pending: false,
        booked: day,
        value: day,
        bank_reference: Some("SIM000000001".into()),
        details: vec![Detail { end_to_end: Some("FQP1".into()), ..Detail::default() }],
        text: Some("代付".into()),
    };
    // One entry is written by the crate; the file repeats it, so that writing needs no memory either.
    let one = camt::write(Vec::new(), "M1", day.start(), &head, std::slice::from_ref(&entry)).unwrap();
    let one = String::from_utf8(one).unwrap();
    let (from, to) = (one.find("      <Ntry>").unwrap(), one.find("    </Stmt>").unwrap());
    let mut file = tempfile::tempfile().unwrap();
    let mut out = BufWriter::new(&mut file);
    out.write_all(&one.as_bytes()[..from]).unwrap();
    for _ in 0..count {
        out.write_all(&one.as_bytes()[from..to]).unwrap();
    }
    out.write_all(&one.as_bytes()[to..]).unwrap();
    out.flush().unwrap();
    drop(out);
    let bytes = file.metadata().unwrap().len();
    file.rewind().unwrap();
    read(file, count, bytes);
}

fn read(file: File, count: u64, bytes: u64) {
    let began = Instant::now();
    let input = BufReader::with_capacity(1 << 16, file.take(u64::MAX));
    let mut reader =
        camt::Reader::open(input, "statement.xml", camt::Kind::Statement, Limits::default()).unwrap();
    let mut entries = 0;
    while let Some(part) = reader.next_part().unwrap() {
        entries += u64::from(matches!(part, Part::Entry(_)));
    }
    assert_eq!(entries, count);
    println!("{entries} entries, {} MB, read and checked in {:.2?}", bytes / 1_000_000, began.elapsed());
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    println!("{}", status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("peak memory unknown"));
}
