//! Which share of the runs a run belongs to.

use protocol::digest::Digest;
use protocol::id::RunId;

use crate::activation::Percent;

/// Where a run stands among all runs: 0 to 9 999. A canary of `percent` has the runs that stand below it, so a larger
/// share contains the smaller one's runs.
///
/// The SHA-256 of the id's sixteen bytes, its first eight bytes as a big-endian number, modulo 10 000. Every worker of
/// every release must come to the same number, or runs would change their version in the middle: this never changes.
///
/// ```
/// let run = "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().expect("a run id");
/// assert_eq!(registry::history::standing(run), 1_123);
/// ```
pub fn standing(run: RunId) -> u16 {
    let hash = Digest::of(&run.to_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&hash.as_bytes()[..8]);
    u16::try_from(u64::from_be_bytes(first) % 10_000).expect("a number below 10 000")
}

/// Whether the run belongs to this share.
pub(super) fn within(run: RunId, percent: Percent) -> bool {
    !percent.is_canary() || standing(run) < percent.basis_points()
}
