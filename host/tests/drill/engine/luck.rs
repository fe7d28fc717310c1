//! Random moments that can be told afterwards.

/// Numbers that look random and follow from a seed (`SplitMix64`).
#[derive(Debug)]
pub(crate) struct Luck {
    seed: u64,
    state: u64,
}

impl Luck {
    /// Another row of numbers each time; `seed` tells which one it was.
    pub(crate) fn of_now() -> Self {
        Self::of(u64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap_or(1))
    }

    /// The row of a seed that was told.
    pub(crate) fn of(seed: u64) -> Self {
        Self { seed, state: seed }
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// A number from `least` to one less than `most`.
    pub(crate) fn between(&mut self, least: u64, most: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        least + (mixed ^ (mixed >> 31)) % (most - least)
    }
}
