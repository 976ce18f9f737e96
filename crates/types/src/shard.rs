//! Shards: the parts in which several nodes divide the work on one database.
//!
//! Every record that commands change belongs to one shard, and a shard to one executor at a time. How many there are
//! is fixed when a database is made, because the shard of a payer, a phone and an order number follows from the
//! count: with another count the same payer would live elsewhere. One shard is the default and costs nothing.

use crate::{JournalId, MerchantId, PayerId, id_shard};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A shard, 0 to 63. Prints as its number.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Shard(u8);

impl Shard {
    /// The first shard. It also keeps what there is once: merchants, applications, certificates, limits, keys.
    pub const FIRST: Self = Self(0);
    /// Shards that the numbers have room for.
    pub const MOST: u8 = 64;
    /// Shard `number`; none from 64 on.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if number < Self::MOST { Some(Self(number)) } else { None }
    }
    /// The low 6 bits of a number that carries a shard.
    const fn of_bits(bits: i64) -> Self {
        Self((bits & 63).cast_unsigned() as u8)
    }
    /// The shard that made an id.
    #[must_use]
    pub const fn of_id(id: i64) -> Self {
        Self::of_bits(id_shard(id))
    }
    /// The shard that wrote a journal line.
    #[must_use]
    pub const fn of_journal(line: JournalId) -> Self {
        Self::of_bits(line.0 >> JournalId::SHARD_AT)
    }
    /// Its number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
impl fmt::Debug for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shard({})", self.0)
    }
}
impl From<Shard> for u8 {
    fn from(shard: Shard) -> Self {
        shard.0
    }
}
impl TryFrom<u8> for Shard {
    type Error = String;
    fn try_from(number: u8) -> Result<Self, String> {
        Self::new(number).ok_or_else(|| format!("{number} is no shard; shards are 0 to 63"))
    }
}

/// How many shards a database has, 1 to 64; fixed when it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Shards(u8);

impl Default for Shards {
    fn default() -> Self {
        Self::ONE
    }
}

impl From<Shards> for u8 {
    fn from(shards: Shards) -> Self {
        shards.0
    }
}
impl TryFrom<u8> for Shards {
    type Error = String;
    fn try_from(count: u8) -> Result<Self, String> {
        Self::new(count).ok_or_else(|| format!("a database has 1 to 64 shards, not {count}"))
    }
}

impl Shards {
    /// One: a single executor does everything.
    pub const ONE: Self = Self(1);
    /// `count` of them; none for 0 and from 65 on.
    #[must_use]
    pub const fn new(count: u8) -> Option<Self> {
        if 0 < count && count <= Shard::MOST { Some(Self(count)) } else { None }
    }
    /// How many.
    #[must_use]
    pub const fn count(self) -> u8 {
        self.0
    }
    /// Whether there is only one.
    #[must_use]
    pub const fn is_one(self) -> bool {
        self.0 == 1
    }
    /// Each of them, in order.
    pub fn all(self) -> impl Iterator<Item = Shard> {
        (0..self.0).map(Shard)
    }
    /// Whether there is such a shard here.
    #[must_use]
    pub const fn contains(self, shard: Shard) -> bool {
        shard.0 < self.0
    }
    /// The shard of a number that spreads by itself.
    fn of(self, number: u64) -> Shard {
        Shard(u8::try_from(number % u64::from(self.0)).unwrap_or(0))
    }
    /// The shard of a payer: of its account, sessions, cards, limits and codes, and of the orders it pays.
    #[must_use]
    pub fn of_payer(self, payer: PayerId) -> Shard {
        self.of(payer.0.unsigned_abs())
    }
    /// The shard that signs a phone in. It gives out the payer's number, so it is the payer's shard too. The hash is
    /// keyed, so any of its bytes spread: the first two decide.
    #[must_use]
    pub fn of_phone(self, hash: &[u8; 32]) -> Shard {
        self.of(u64::from(u16::from_be_bytes([hash[0], hash[1]])))
    }
    /// The shard of a merchant's own order number: the one place where such a number is taken. FNV-1a over both.
    #[must_use]
    pub fn of_number(self, merchant: MerchantId, number: &str) -> Shard {
        if self.is_one() {
            return Shard::FIRST;
        }
        let bytes = merchant.0.to_be_bytes().into_iter().chain(number.bytes());
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        self.of(hash ^ (hash >> 32))
    }
    /// The shard where a merchant's takings come together.
    #[must_use]
    pub fn of_merchant(self, merchant: MerchantId) -> Shard {
        self.of(merchant.0.unsigned_abs())
    }
    /// The shard of a payment code: whoever draws one for a payer draws until it is the payer's. A till's request then
    /// finds the payer without a read, and no two shards give out the same code.
    #[must_use]
    pub fn of_code(self, code: i64) -> Shard {
        self.of(code.unsigned_abs())
    }
}

/// One executor's place: which shard of how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place {
    /// Its shard.
    pub shard: Shard,
    /// Of how many.
    pub shards: Shards,
}

impl Place {
    /// The only shard.
    pub const ONLY: Self = Self { shard: Shard::FIRST, shards: Shards::ONE };
    /// Shard `shard` of `shards`; none when there is no such shard.
    #[must_use]
    pub const fn new(shard: Shard, shards: Shards) -> Option<Self> {
        if shards.contains(shard) { Some(Self { shard, shards }) } else { None }
    }
    /// Whether an id was made here. With one shard every id was.
    #[must_use]
    pub fn made(self, id: i64) -> bool {
        self.is_only() || Shard::of_id(id) == self.shard
    }
    /// Whether this is the only shard.
    #[must_use]
    pub const fn is_only(self) -> bool {
        self.shards.is_one()
    }
}

impl Default for Place {
    fn default() -> Self {
        Self::ONLY
    }
}

/// Some of a database's shards, such as those that one node owns.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ShardSet {
    bits: u64,
    shards: Shards,
}

impl ShardSet {
    /// The only shard of a database that has one.
    pub const ONLY: Self = Self { bits: 1, shards: Shards::ONE };
    /// None of so many.
    #[must_use]
    pub const fn none(shards: Shards) -> Self {
        Self { bits: 0, shards }
    }
    /// All of them.
    #[must_use]
    pub const fn all(shards: Shards) -> Self {
        Self { bits: u64::MAX >> (Shard::MOST - shards.0), shards }
    }
    /// Just that one.
    #[must_use]
    pub const fn only(place: Place) -> Self {
        Self { bits: 1 << place.shard.0, shards: place.shards }
    }
    /// How many the database has.
    #[must_use]
    pub const fn shards(self) -> Shards {
        self.shards
    }
    /// Whether `shard` is one of them.
    #[must_use]
    pub const fn contains(self, shard: Shard) -> bool {
        self.bits & (1 << shard.0) != 0
    }
    /// Whether none is missing.
    #[must_use]
    pub const fn is_all(self) -> bool {
        self.bits == Self::all(self.shards).bits
    }
    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.bits == 0
    }
    /// How many there are.
    #[must_use]
    pub const fn len(self) -> u32 {
        self.bits.count_ones()
    }
    /// Adds one; a shard that the database does not have is left out.
    pub fn insert(&mut self, shard: Shard) {
        self.bits |= (1 << shard.0) & Self::all(self.shards).bits;
    }
    /// Takes one out.
    pub fn remove(&mut self, shard: Shard) {
        self.bits &= !(1 << shard.0);
    }
    /// Each of them, in order.
    pub fn iter(self) -> impl Iterator<Item = Shard> {
        self.shards.all().filter(move |shard| self.contains(*shard))
    }
}

impl fmt::Debug for ShardSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{IdBlock, Time};
    use proptest::prelude::*;

    #[test]
    fn shards_are_0_to_63_of_1_to_64() {
        assert_eq!((Shard::new(63).map(Shard::number), Shard::new(64)), (Some(63), None));
        assert_eq!((Shards::new(0), Shards::new(1), Shards::new(65)), (None, Some(Shards::ONE), None));
        assert_eq!(Shards::new(64).unwrap().all().count(), 64);
        let two = Shards::new(2).unwrap();
        assert_eq!(Place::new(Shard(2), two), None);
        let mut set = ShardSet::none(two);
        set.insert(Shard(2));
        assert!(set.is_empty());
        set.insert(Shard(1));
        assert_eq!(
            (set, set.len(), set.is_all()),
            (ShardSet::only(Place::new(Shard(1), two).unwrap()), 1, false)
        );
        set.insert(Shard(0));
        assert!(set.is_all() && set == ShardSet::all(two));
        set.remove(Shard(1));
        assert_eq!(set.iter().collect::<Vec<_>>(), [Shard(0)]);
        assert_eq!(ShardSet::all(Shards(64)).len(), 64);
        assert_eq!(ShardSet::ONLY, ShardSet::all(Shards::ONE));
        assert!(Shard::try_from(64).is_err() && Shards::try_from(0).is_err());
    }

    /// The placing is part of every database's format: it must never change.
    #[test]
    fn places_stay_what_they_are() {
        let three = Shards::new(3).unwrap();
        let number = |text| three.of_number(MerchantId(1_900_000_001), text).number();
        assert_eq!(["order0001", "order0002", "order0003", "order0004"].map(number), [2, 1, 0, 0]);
        assert_eq!(three.of_payer(PayerId(7)), Shard(1));
        assert_eq!(three.of_phone(&[1; 32]), Shard(2));
        assert_eq!(three.of_merchant(MerchantId(1_900_000_001)), Shard(2));
        assert_eq!(three.of_code(130_000_000_000_000_001), Shard(2));
    }

    proptest! {
        #[test]
        fn every_place_is_one_there_is(count in 1_u8..=64, number in any::<i64>(), text in "\\PC{0,32}", hash: [u8; 32]) {
            let shards = Shards::new(count).unwrap();
            for shard in [
                shards.of_payer(PayerId(number)),
                shards.of_phone(&hash),
                shards.of_number(MerchantId(number), &text),
                shards.of_merchant(MerchantId(number)),
                shards.of_code(number),
            ] {
                prop_assert!(shards.contains(shard));
                prop_assert!(count > 1 || shard == Shard::FIRST);
            }
        }

        #[test]
        fn ids_and_journal_lines_carry_their_shard(shard in 0_u8..64, batch in 0_i64..1 << 44, place in 0_i64..4096) {
            let shard = Shard::new(shard).unwrap();
            let line = JournalId::new(shard, batch, place);
            prop_assert!(line.0 >= 0);
            prop_assert_eq!((Shard::of_journal(line), line.batch(), line.place()), (shard, batch, place));
            prop_assert!(shard != Shard::FIRST || line.0 == batch * 4096 + place);
            let id = IdBlock::new(Time::from_unix(1_800_000_000), shard.number(), 3).id(2);
            prop_assert_eq!(Shard::of_id(id), shard);
        }
    }
}
