//! Chance: seeded by the caller when results must repeat, by the system otherwise.

use rand::rngs::SmallRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};

/// The engine's only source of chance; the same seed gives the same choices.
#[derive(Clone, Debug)]
pub struct Rng {
    choices: SmallRng,
    is_seeded: bool,
}

impl Rng {
    /// A generator that repeats itself for the same seed.
    pub fn seeded(seed: u64) -> Self {
        Self { choices: SmallRng::seed_from_u64(seed), is_seeded: true }
    }

    /// A generator that nobody can foresee.
    pub fn from_system() -> Self {
        Self { choices: rand::make_rng(), is_seeded: false }
    }

    /// Random bytes that can't be foreseen from other choices; of a seeded generator they are its next bytes.
    pub fn fill_secret(&mut self, bytes: &mut [u8]) {
        if self.is_seeded { self.choices.fill_bytes(bytes) } else { rand::fill(bytes) }
    }

    /// A number of 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.choices.next_u64()
    }

    /// A number below `bound`, each as likely as the others.
    ///
    /// # Panics
    /// When `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.choices.random_range(0..bound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats() {
        let draw = |seed| {
            let mut rng = Rng::seeded(seed);
            [rng.next_u64(), rng.below(10), rng.below(1 << 40)]
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }
}
