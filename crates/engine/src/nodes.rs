//! What several nodes on one database tell each other through it: who is there, and who owns which shard.
//!
//! The store keeps it beside the shards' fences, so that a claim is the same update that fences the owner before.
//! Times are the database's: nodes need not agree on a clock.

use crate::store::Fault;
use types::{Shard, time};

/// A node that was not seen for so long is taken for dead, microseconds.
pub const DEAD_AFTER: i64 = 5 * time::SECOND;

/// What a node does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Role {
    /// Takes requests and owns shards.
    Works = 0,
    /// A tool: owns shards only while nobody else does.
    Guest = 1,
    /// Is stopping: gives its shards away and takes none.
    Leaving = 2,
}

impl Role {
    /// The role stored as `number`.
    #[must_use]
    pub const fn from_number(number: i64) -> Option<Self> {
        match number {
            0 => Some(Self::Works),
            1 => Some(Self::Guest),
            2 => Some(Self::Leaving),
            _ => None,
        }
    }
    /// The word in lists and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Works => "works",
            Self::Guest => "guest",
            Self::Leaving => "leaving",
        }
    }
}

/// A node as it announces itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name: see [`is_name`]. One process at a time has it.
    pub name: String,
    /// Drawn when the process starts, so that a restarted node is told from what it was.
    pub instance: String,
    /// Address and port where other nodes reach it.
    pub address: String,
    /// SHA-256 of the certificate it shows them, lower-case hex.
    pub fingerprint: String,
    /// Version of the program.
    pub version: String,
    /// What it does.
    pub role: Role,
}

impl Node {
    /// How this node's executors begin their names in the shards' table.
    #[must_use]
    pub fn mark(&self) -> String {
        format!("{} {} ", self.name, self.instance)
    }
}

/// Whether a node may be called so: 1 to 32 of `a`–`z`, `0`–`9`, `.` and `-`, not beginning with a sign.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (1..=32).contains(&name.len())
        && name.bytes().all(|byte| letter(byte) || byte == b'.' || byte == b'-')
        && name.bytes().next().is_some_and(letter)
}

/// A node as the others see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// What it says of itself.
    pub node: Node,
    /// Since it was last seen, microseconds.
    pub silent: i64,
}

impl Seen {
    /// Whether it was seen lately.
    #[must_use]
    pub const fn lives(&self) -> bool {
        self.silent < DEAD_AFTER
    }
}

/// A shard and its fence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Which.
    pub shard: Shard,
    /// Raised by whoever takes it.
    pub epoch: i64,
    /// The executor that has it; empty when it was given back.
    pub owner: String,
    /// Its last batch.
    pub batch: i64,
}

/// Everybody and everything at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// By name; dead ones too.
    pub nodes: Vec<Seen>,
    /// By number, all of the database's.
    pub shards: Vec<Held>,
}

impl Standing {
    /// The node that has a shard, whether it lives or not; none when nobody has it, or somebody unknown.
    #[must_use]
    pub fn owner(&self, held: &Held) -> Option<&Seen> {
        self.nodes.iter().find(|seen| held.owner.starts_with(&seen.node.mark()))
    }
}

/// The store's book of nodes and shards.
pub trait Registry: Send {
    /// Announces `me` and reads how everything stands; none when another process runs under the same name.
    ///
    /// # Errors
    /// [`Fault::Failed`].
    fn beat(&mut self, me: &Node) -> Result<Option<Standing>, Fault>;
    /// Reads how everything stands.
    ///
    /// # Errors
    /// [`Fault::Failed`].
    fn look(&mut self) -> Result<Standing, Fault>;
    /// Takes a shard for the executor `owner` by raising its epoch, if that still is `epoch`: of several that try, one
    /// gets true. From then on no executor before it can commit.
    ///
    /// # Errors
    /// [`Fault::Failed`]; the shard may have been taken all the same, as the next look shows.
    fn claim(&mut self, shard: Shard, epoch: i64, owner: &str) -> Result<bool, Fault>;
    /// Gives a shard back that the executor `owner` has and will not commit to again; nothing when it has it no more.
    ///
    /// # Errors
    /// [`Fault::Failed`].
    fn release(&mut self, shard: Shard, owner: &str) -> Result<(), Fault>;
    /// Takes `me` off the list.
    ///
    /// # Errors
    /// [`Fault::Failed`].
    fn leave(&mut self, me: &Node) -> Result<(), Fault>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_plain_and_without_spaces() {
        for good in ["a", "n1", "node-1.example", "0", &"x".repeat(32)] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "-a", ".a", "A", "a b", "a_b", "ä", &"x".repeat(33)] {
            assert!(!is_name(bad), "{bad}");
        }
    }

    #[test]
    fn a_shard_belongs_to_the_process_that_took_it_not_to_its_name() {
        let node = |name: &str, instance: &str| Node {
            name: name.into(),
            instance: instance.into(),
            address: "127.0.0.1:1".into(),
            fingerprint: String::new(),
            version: "1".into(),
            role: Role::Works,
        };
        let seen = |node| Seen { node, silent: 0 };
        let nodes = vec![seen(node("a", "01")), seen(node("a1", "02"))];
        let standing = Standing { nodes, shards: Vec::new() };
        let held = |owner: &str| Held { shard: Shard::FIRST, epoch: 1, owner: owner.into(), batch: 0 };
        let name = |owner: &str| standing.owner(&held(owner)).map(|seen| seen.node.name.clone());
        assert_eq!(name("a 01 7f"), Some("a".into()));
        assert_eq!(name("a1 02 7f"), Some("a1".into()));
        assert_eq!([name("a 02 7f"), name(""), name("host process 4 00")], [None, None, None]);
    }
}
