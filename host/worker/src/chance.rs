//! Randomness for jitter and for texts that must not repeat; nothing here guards a secret.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

static KEYS: LazyLock<RandomState> = LazyLock::new(RandomState::new);
static COUNT: AtomicU64 = AtomicU64::new(0);

fn bits() -> u64 {
    // The standard library's randomly keyed hash of a counter.
    KEYS.hash_one(COUNT.fetch_add(1, Ordering::Relaxed))
}

/// A text that does not come twice, in this process or another.
pub(crate) fn word() -> String {
    format!("{:016x}{:016x}", bits(), bits())
}

/// A number in 0 to 1.
pub(crate) fn share() -> f64 {
    f64::from(u32::try_from(bits() >> 32).unwrap_or(0)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_differ_and_shares_are_shares() {
        assert_ne!(word(), word());
        let shares: Vec<_> = (0..100).map(|_| share()).collect();
        assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)));
        assert!(shares.iter().any(|share| *share < 0.5) && shares.iter().any(|share| *share > 0.5));
    }
}
