//! What is to happen, by simulated time. Ties go in the order in which they were entered, so nothing depends on
//! how a heap moves its items.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
};
use types::Time;

#[derive(Debug)]
struct Entry<E> {
    at: Time,
    place: u64,
    event: E,
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl<E> Eq for Entry<E> {}
impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<E> Ord for Entry<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.place).cmp(&(other.at, other.place))
    }
}

#[derive(Debug)]
pub(crate) struct Agenda<E> {
    entries: BinaryHeap<Reverse<Entry<E>>>,
    entered: u64,
}

impl<E> Default for Agenda<E> {
    fn default() -> Self {
        Self { entries: BinaryHeap::new(), entered: 0 }
    }
}

impl<E> Agenda<E> {
    pub(crate) fn enter(&mut self, at: Time, event: E) {
        self.entered += 1;
        self.entries.push(Reverse(Entry { at, place: self.entered, event }));
    }
    pub(crate) fn next(&mut self) -> Option<(Time, E)> {
        self.entries.pop().map(|Reverse(entry)| (entry.at, entry.event))
    }
    pub(crate) fn next_at(&self) -> Option<Time> {
        self.entries.peek().map(|Reverse(entry)| entry.at)
    }
}
