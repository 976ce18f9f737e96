//! What the engine asks of a store: recover, load, commit.

use crate::query::Queries;
use domain::{Batch, Key, Record};
use std::{any::Any, sync::Arc};
use types::{MerchantId, Time};

/// A store that did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It was not done, for sure.
    #[error("the store refused: {0}")]
    Failed(String),
    /// It may or may not have been done; only [`Committer::recover`] can tell.
    #[error("the store did not answer: {0}")]
    Unknown(String),
    /// It was not done, and nothing ever will be: the shard belongs to another executor now. What this one left in
    /// doubt before, it can no longer find out.
    #[error("this executor was replaced: {0}")]
    Fenced(String),
}

/// Where the store stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recovered {
    /// The last batch committed; 0 in a new store.
    pub batch: i64,
    /// When that batch was made.
    pub at: Time,
}

/// Reads records for the working set. It sees every batch committed before it is asked.
pub trait Loader: Send {
    /// The records under `keys`, in order; none where there is no such record.
    ///
    /// # Errors
    /// [`Fault::Failed`].
    fn load(&mut self, keys: &[Key]) -> Result<Vec<Option<Record>>, Fault>;
    /// The largest of the numbers under which orders stand in a merchant's name, byte by byte; none when there is none.
    ///
    /// # Errors
    /// [`Fault::Failed`].
    fn largest_number(&mut self, merchant: MerchantId) -> Result<Option<Box<str>>, Fault>;
}

/// Writes batches. One commits at a time.
pub trait Committer: Send {
    /// Where the store stands. Also called after a fault, to tell whether the batch in doubt is there.
    ///
    /// The first call takes the shard over from whoever commits to it, if the store can be reached by several. The
    /// later ones only keep it: they never take it back from an executor that came after this one, and say
    /// [`Fault::Fenced`] instead. An answer is final: what this executor sent before and is not in it never comes.
    ///
    /// # Errors
    /// [`Fault::Fenced`], from then on at every call of this and [`Committer::commit`]. After any other fault it is
    /// tried again.
    fn recover(&mut self) -> Result<Recovered, Fault>;
    /// Makes a batch durable, whole or not at all. `batch.number` is one more than the last.
    ///
    /// # Errors
    /// [`Fault::Failed`] when nothing was written, [`Fault::Unknown`] when that is not known, [`Fault::Fenced`] when
    /// nothing was written and this executor was replaced.
    fn commit(&mut self, batch: &Batch) -> Result<(), Fault>;
    /// For a store that can write rows of a batch while the batch before it is being committed.
    fn writes_ahead(&self) -> Option<Box<dyn WriteAhead>> {
        None
    }
    /// As [`Committer::commit`], of a batch that [`WriteAhead::begin`] began.
    ///
    /// # Errors
    /// As [`Committer::commit`].
    fn commit_begun(&mut self, batch: &Batch, begun: Box<dyn Any + Send>) -> Result<(), Fault> {
        drop(begun);
        self.commit(batch)
    }
}

/// Begins to write a batch before the one before it is durable, so that a store that can do two things at once does.
/// It is a head start and nothing else: the batch is committed in its turn, or withdrawn with the one before.
pub trait WriteAhead: Send {
    /// Begins to write `batch`. All batches up to `durable` are durable; what those after it change must wait
    /// ([`domain::world::Change::after`]). Must not wait for the store. What is given belongs to this batch: it goes to
    /// [`Committer::commit_begun`], or is dropped, and then nothing of it may be left. None when it can't be begun now.
    fn begin(&mut self, batch: &Batch, durable: i64) -> Option<Box<dyn Any + Send>>;
}

/// An opened store.
pub struct Store {
    /// For the working set.
    pub loader: Box<dyn Loader>,
    /// For batches.
    pub committer: Box<dyn Committer>,
    /// For pages, files and workers.
    pub queries: Arc<dyn Queries>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}
