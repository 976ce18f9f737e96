//! Plain values that every other room speaks in: money, typed ids, time, masked secrets, paging, shards.
//!
//! No I/O, no clock, no randomness. Nothing here knows a payment rule, SQL or HTTP.

pub mod ids;
pub mod mask;
pub mod money;
pub mod page;
pub mod shard;
pub mod time;
pub mod wire_number;

pub use ids::*;
pub use mask::{Masked, Phone, Secret};
pub use money::{Currency, Money, MoneyError, Rate};
pub use page::{Cursor, Page, PageRequest};
pub use shard::{Place, Shard, ShardSet, Shards};
pub use time::{BusinessDay, Time};
pub use wire_number::*;
