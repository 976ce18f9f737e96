//! Cursor paging: a list is read from an id backwards or forwards, never by offset.

use serde::{Deserialize, Serialize};

/// Where a page starts: the id of the last row of the page before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor(pub i64);

/// What is asked of a list. `limit` is clamped to 1..=[`PageRequest::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// Rows wanted.
    pub limit: usize,
    /// Start after this row; the newest row when absent.
    pub after: Option<Cursor>,
}

impl PageRequest {
    /// The largest page.
    pub const MAX: usize = 200;
    /// A request with its limit brought into range.
    #[must_use]
    pub fn new(limit: usize, after: Option<Cursor>) -> Self {
        Self { limit: limit.clamp(1, Self::MAX), after }
    }
}

/// One page of rows, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Where the next page starts; none on the last.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// Builds a page from up to `limit + 1` rows: the extra one only tells that there is more.
    pub fn of(mut rows: Vec<T>, limit: usize, id: impl Fn(&T) -> i64) -> Self {
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = if more { rows.last().map(|row| Cursor(id(row))) } else { None };
        Self { rows, next }
    }
}
