//! All chance of a world: one seeded stream (xoshiro256** of Blackman and Vigna, seeded by splitmix64), so that
//! the same seed throws the same dice for ever, on every machine.

#[derive(Clone, Debug)]
pub(crate) struct Dice([u64; 4]);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        let mut state = seed;
        Self([0; 4].map(|_: u64| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ (mixed >> 31)
        }))
    }

    fn next(&mut self) -> u64 {
        let [a, b, c, d] = self.0;
        let thrown = b.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let (c, d) = (c ^ a, d ^ b);
        self.0 = [a ^ d, b ^ c, c ^ (b << 17), d.rotate_left(45)];
        thrown
    }

    /// A number below `n`; 0 when `n` is 0.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        let wide = u128::from(self.next()) * (n as u128);
        usize::try_from(wide >> 64).unwrap_or(0)
    }

    /// A number from `low` to `high`, both included; `low` when they are the wrong way round.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = usize::try_from(high.saturating_sub(low).saturating_add(1)).unwrap_or(1);
        low + i64::try_from(self.below(span)).unwrap_or(0)
    }

    /// True in `per_mille` of a thousand throws.
    pub(crate) fn chance(&mut self, per_mille: usize) -> bool {
        self.below(1000) < per_mille
    }

    /// One of `these`, which are not none.
    pub(crate) fn pick<T: Copy>(&mut self, these: &[T]) -> T {
        these[self.below(these.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_throws_the_same_for_ever_and_fills_its_range() {
        let throw = |seed| {
            let mut dice = Dice::new(seed);
            [0; 8].map(|_: i64| dice.between(-3, 3))
        };
        assert_eq!(throw(1), throw(1));
        assert_ne!(throw(1), throw(2));
        let mut dice = Dice::new(7);
        let mut seen = [0; 7];
        for _ in 0..7_000 {
            seen[usize::try_from(dice.between(-3, 3) + 3).unwrap()] += 1;
        }
        assert!(seen.iter().all(|count| (800..1_200).contains(count)), "{seen:?}");
        assert_eq!((dice.below(0), dice.below(1), dice.between(5, 1)), (0, 0, 5));
        assert_eq!((dice.chance(0), dice.chance(1000)), (false, true));
    }
}
