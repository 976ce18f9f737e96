//! What goes wrong, how often. Each world draws its own mixture: some are calm but crowded, some lose one thing
//! only, some everything at once.

use crate::dice::Dice;
use types::{Time, time};

/// Chances are per thousand occasions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Weather {
    /// A request or an answer between edge and engine is lost.
    pub(crate) lost: usize,
    /// A request arrives twice.
    pub(crate) doubled: usize,
    /// A message takes seconds, so later ones overtake it.
    pub(crate) slow_net: usize,
    /// The store refuses a commit.
    pub(crate) refused: usize,
    /// The store does not say whether it committed.
    pub(crate) unknown: usize,
    /// The executor dies around a commit: before it, with it in flight, or before the answer.
    pub(crate) dies_at_commit: usize,
    /// The executor dies while it recovers.
    pub(crate) dies_recovering: usize,
    /// The store can't say where it stands.
    pub(crate) silent: usize,
    /// A load fails.
    pub(crate) load_fails: usize,
    /// The worker does not hear of a commit.
    pub(crate) unheard: usize,
    /// Of a bank's answers: slow, lost, given twice, and changed when asked again.
    pub(crate) bank: Bank,
    /// A merchant's endpoint fails a try.
    pub(crate) endpoint: usize,
    /// How close storms (crashes, fail-over, disk, clocks) follow each other; none at 0.
    pub(crate) storms: usize,
    /// Until when the disk is full.
    pub(crate) full_until: Time,
    /// Until when the disk is slow.
    pub(crate) slow_until: Time,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bank {
    pub(crate) slow: usize,
    pub(crate) lost: usize,
    pub(crate) doubled: usize,
    pub(crate) lies: usize,
    /// The bank itself does not know for a while.
    pub(crate) unknown: usize,
}

impl Weather {
    /// A mixture: each kind is on in half of the worlds, with a strength of its own.
    pub(crate) fn of(dice: &mut Dice) -> Self {
        let mut some = |most: i64| {
            if dice.chance(500) { usize::try_from(dice.between(1, most)).unwrap_or(1) } else { 0 }
        };
        Self {
            lost: some(120),
            doubled: some(200),
            slow_net: some(150),
            refused: some(80),
            unknown: some(120),
            dies_at_commit: some(40),
            dies_recovering: some(300),
            silent: some(400),
            load_fails: some(60),
            unheard: some(500),
            bank: Bank {
                slow: some(400),
                lost: some(300),
                doubled: some(400),
                lies: some(200),
                unknown: some(500),
            },
            endpoint: some(900),
            storms: some(40),
            ..Self::default()
        }
    }

    /// How long a message is under way.
    pub(crate) fn delay(&self, dice: &mut Dice) -> i64 {
        if dice.chance(self.slow_net) {
            dice.between(time::SECOND, 20 * time::SECOND)
        } else {
            dice.between(100, 3_000)
        }
    }

    /// How long a disk takes for half a commit.
    pub(crate) fn disk(&self, now: Time, dice: &mut Dice) -> i64 {
        if now < self.slow_until { dice.between(50_000, 4 * time::SECOND) } else { dice.between(200, 2_500) }
    }
}
