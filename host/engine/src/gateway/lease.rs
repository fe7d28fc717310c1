//! Leases: how long the gateway waits for a worker that has a request.

use jiff::Timestamp;
use ulid::Ulid;

use super::rules::{Rules, later};
use crate::entropy::Entropy;

/// The lease of one request. Each of its ids is a ULID of the moment at which it expires.
#[derive(Debug)]
pub(super) struct Lease {
    given: Timestamp,
    expires: Timestamp,
    /// All ids that were given out, the latest last.
    ids: Vec<Ulid>,
}

impl Lease {
    /// A lease that begins now.
    pub(super) fn new(rules: &Rules, now: Timestamp, entropy: &mut dyn Entropy) -> Self {
        let expires = later(now, rules.lease);
        Self { given: now, expires, ids: vec![entropy.ulid(expires)] }
    }

    /// The latest id.
    pub(super) fn id(&self) -> Ulid {
        self.ids.last().copied().unwrap_or_else(Ulid::nil)
    }

    /// Lets it begin again under the id that it has: the request goes out once more, unchanged.
    pub(super) fn restart(&mut self, rules: &Rules, now: Timestamp) {
        self.given = now;
        self.expires = later(now, rules.lease);
    }

    /// Extends it. The latest id gets a new one; an older one is answered with the latest; any other with nothing.
    pub(super) fn extend(
        &mut self,
        held: Ulid,
        rules: &Rules,
        now: Timestamp,
        entropy: &mut dyn Entropy,
    ) -> Option<Ulid> {
        if !self.ids.contains(&held) {
            return None;
        }
        if held == self.id() {
            self.expires = later(now, rules.lease);
            self.ids.push(entropy.ulid(self.expires));
        }
        Some(self.id())
    }

    /// When it counts as lost unless it is extended. The real gateway looks at a lease once per extension interval;
    /// when it finds it expired, it waits for the grace, so an extension up to then is still in time.
    pub(super) fn lost_at(&self, rules: &Rules) -> Timestamp {
        let pause = rules.extend.as_millis().max(1);
        let age = self.expires.as_millisecond().saturating_sub(self.given.as_millisecond());
        let looks = u128::try_from(age).unwrap_or(0).div_ceil(pause);
        let millis = u64::try_from(looks * pause).unwrap_or(u64::MAX);
        later(later(self.given, std::time::Duration::from_millis(millis)), rules.grace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::Counted;
    use crate::options::GatewayOptions;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).expect("a time")
    }

    #[test]
    fn it_is_lost_at_the_first_look_after_its_end_and_a_grace() {
        let rules = Rules::new(&GatewayOptions::default());
        // The last extension, and the loss, in seconds from the call; measured at the real server.
        for (extended, lost) in [(None, 125), (Some(30), 155), (Some(31), 185), (Some(124), 275)] {
            let mut entropy = Counted::default();
            let mut lease = Lease::new(&rules, at(1_000), &mut entropy);
            if let Some(seconds) = extended {
                let held = lease.id();
                let now = at(1_000 + seconds);
                assert_ne!(lease.extend(held, &rules, now, &mut entropy), Some(held));
            }
            assert_eq!(lease.lost_at(&rules), at(1_000 + lost), "{extended:?}");
        }
    }

    #[test]
    fn an_older_id_is_answered_with_the_latest_and_a_foreign_one_with_nothing() {
        let rules = Rules::new(&GatewayOptions::default());
        let mut entropy = Counted::default();
        let mut lease = Lease::new(&rules, at(0), &mut entropy);
        let first = lease.id();
        assert_eq!(first.timestamp_ms(), 120_000);
        let second = lease.extend(first, &rules, at(10), &mut entropy);
        assert_eq!(lease.extend(first, &rules, at(20), &mut entropy), second);
        assert_eq!(lease.lost_at(&rules), at(155), "an older id does not extend");
        assert_eq!(lease.extend(Ulid::nil(), &rules, at(20), &mut entropy), None);
        lease.restart(&rules, at(125));
        assert_eq!((Some(lease.id()), lease.lost_at(&rules)), (second, at(250)));
    }
}
