//! A bill in pieces, for those that are sent encrypted: each is whole lines, so much that it is sealed in memory, and
//! together, one after the other, they are the bill. A bill says the same whenever it is made, so its pieces do, too.

use super::BillFile;
use crypto::Checksum;
use flate2::read::GzDecoder;
use std::{
    fs::File,
    io::{self, BufReader, Read},
};

/// Bytes of a piece at most, before compression.
pub const PIECE_BYTES: usize = 4 * 1024 * 1024;

/// The SHA-1 hashes, lower-case hex, of a bill's pieces in order: one for all but the longest bills. Blocks.
///
/// # Errors
/// The file's.
pub fn piece_hashes(file: &BillFile) -> io::Result<Vec<String>> {
    if file.bytes <= PIECE_BYTES as u64 {
        return Ok(vec![file.hash.clone()]);
    }
    let mut hashes = Vec::new();
    let mut pieces = Pieces::open(file)?;
    while let Some(piece) = pieces.next()? {
        hashes.push(hash(&piece));
    }
    Ok(hashes)
}

/// The piece of a number, from 1 on, with its hash; none when the bill has fewer. Blocks.
///
/// # Errors
/// The file's.
pub fn piece(file: &BillFile, number: u16) -> io::Result<Option<(Vec<u8>, String)>> {
    let mut pieces = Pieces::open(file)?;
    for _ in 1..number {
        if pieces.next()?.is_none() {
            return Ok(None);
        }
    }
    let found = if number == 0 { None } else { pieces.next()? };
    Ok(found.map(|piece| {
        let hash = hash(&piece);
        (piece, hash)
    }))
}

fn hash(piece: &[u8]) -> String {
    let mut hash = Checksum::sha1();
    hash.add(piece);
    hash.hex()
}

struct Pieces<R> {
    source: R,
    most: usize,
    /// What was read beyond the last line's end.
    rest: Vec<u8>,
}

impl Pieces<GzDecoder<BufReader<File>>> {
    fn open(file: &BillFile) -> io::Result<Self> {
        let source = GzDecoder::new(BufReader::with_capacity(64 * 1024, File::open(&file.path)?));
        Ok(Self { source, most: PIECE_BYTES, rest: Vec::new() })
    }
}

impl<R: Read> Pieces<R> {
    fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut piece = std::mem::take(&mut self.rest);
        piece.reserve_exact(self.most.saturating_sub(piece.len()));
        let room = self.most.saturating_sub(piece.len());
        self.source.by_ref().take(room as u64).read_to_end(&mut piece)?;
        if piece.is_empty() {
            return Ok(None);
        }
        // The end of the bill, or a line that is longer than a piece, goes as it is.
        if piece.len() == self.most
            && let Some(last) = piece.iter().rposition(|byte| *byte == b'\n')
        {
            self.rest = piece.split_off(last + 1);
        }
        Ok(Some(piece))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &[u8], most: usize) -> Vec<Vec<u8>> {
        let mut pieces = Pieces { source: text, most, rest: Vec::new() };
        std::iter::from_fn(|| pieces.next().unwrap()).collect()
    }

    #[test]
    fn pieces_are_whole_lines_and_together_the_bill() {
        let bill: String =
            (0..1_000).map(|n| format!("`2026-01-05,`{n},`{}\r\n", "x".repeat(n % 37))).collect();
        for most in [60, 61, 1_000, 4_096, bill.len() - 1, bill.len(), bill.len() + 1] {
            let pieces = cut(bill.as_bytes(), most);
            assert_eq!(pieces.concat(), bill.as_bytes(), "{most}");
            assert!(pieces.iter().all(|piece| piece.len() <= most && piece.ends_with(b"\n")), "{most}");
            assert_eq!(pieces.len() == 1, most >= bill.len(), "{most}");
        }
        assert_eq!(cut(b"", 10), [[0_u8; 0]; 0]);
        assert_eq!(cut(b"no end of line at all", 8).concat(), b"no end of line at all");
    }
}
