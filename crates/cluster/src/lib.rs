//! Several nodes on one database: who owns which shard, and the way of a command to its owner.
//!
//! The edges give every command to the [`Router`], as if there were one engine. With one node and one shard it is
//! that engine; otherwise it finds the shard a command belongs to and the node that owns it.
//!
//! ```text
//! edge ─▶ router ─▶ way ─┬─ engine of a shard here
//!                        └─ peer ══ TLS ══ door of the owner ─▶ its engine
//! member: one thread; announces this node, takes and gives shards, starts and stops engines
//! ```
//!
//! It holds no rule and no SQL: where a command belongs, `domain::home` says; who owns what, an
//! [`engine::nodes::Registry`].

mod door;
mod frame;
mod join;
mod member;
mod nodes;
mod peer;
pub mod router;
mod share;
#[cfg(test)]
mod tests;
mod tls;
mod way;

pub use join::{Cluster, JoinError, Setup};
pub use member::Start;
pub use nodes::{NodeStatus, Traffic, Unheard};
pub use router::{Pending, Router};
pub use tls::IdentityError;
