//! What the versions of one function share: five steps with a sleep in their middle, whose bodies tell which version of
//! the code they are of. Each file `guests/versioned*.rs` has one version.

use system_bus_sdk::prelude::*;

use crate::Asked;
use crate::mark::Mark;

/// A version at work in one run.
#[derive(Debug)]
pub struct Version<'e> {
    asked: &'e Asked,
    name: String,
}

impl<'e> Version<'e> {
    /// The version that the mark says, for a run that was asked for so.
    #[must_use]
    pub fn new(mark: &Mark, asked: &'e Asked) -> Self {
        Self { asked, name: mark.version() }
    }

    /// Reports `<version>.<step>`; the result of a step, which says the same.
    pub async fn ran(&self, io: &Io, step: &str) -> Result<String> {
        let name = format!("{}.{step}", self.name);
        self.asked.ran(io, &name).await?;
        Ok(name)
    }

    /// How long the run sleeps in its middle.
    #[must_use]
    pub fn nap(&self) -> Duration {
        Duration::from_millis(self.asked.wait.max(1))
    }
}

/// Whether a run belongs to the share of so many in a hundred. Another hash than the one that chooses runs for a canary,
/// so that the share of those is the same.
#[must_use]
pub fn unlucky(run: &str, percent: u32) -> bool {
    let hash = run
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    // The lower bits of this hash are its worse ones.
    (hash >> 8) % 100 < percent
}

/// A component with one version of the function, twice: as `versioned`, whose runs move to the newest version that fits,
/// and as `versioned-pinned`, whose runs stay with the one they began with. The body is given the context and the
/// [`Version`].
#[macro_export]
macro_rules! versioned {
    ($version:literal, |$ctx:ident, $at:ident| { $($body:tt)* }) => {
        static MARK: $crate::mark::Mark = $crate::mark::Mark::of($version);

        #[function(id = "versioned", on("testing/versioned.requested"), retries = 20)]
        async fn versioned($ctx: Ctx, event: Incoming<$crate::Asked>) -> Result<Vec<String>> {
            let $at = $crate::versioned::Version::new(&MARK, &event.data);
            $($body)*
        }

        #[function(
            id = "versioned-pinned",
            on("testing/versioned-pinned.requested"),
            retries = 20,
            mode = "pinned"
        )]
        async fn versioned_pinned($ctx: Ctx, event: Incoming<$crate::Asked>) -> Result<Vec<String>> {
            let $at = $crate::versioned::Version::new(&MARK, &event.data);
            $($body)*
        }

        system_bus_sdk::component![versioned, versioned_pinned];
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn about_as_many_runs_are_unlucky_as_it_says() {
        let unlucky = (0..10_000).filter(|n| unlucky(&format!("01M81GXW71CEV7JQT6T4T{n:05}"), 30));
        assert!((2_700..3_300).contains(&unlucky.count()));
    }
}
