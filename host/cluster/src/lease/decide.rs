//! What a candidate does next. Pure: the time is an argument.

use std::time::Duration;

use tokio::time::Instant;

/// How long things take with a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    lasts: Duration,
    renew: Duration,
    retry: Duration,
}

/// Times that would let two lead, or nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a lease lasts whole seconds, longer than its holder goes on without renewing it ({renew:?}), and that is longer than two attempts ({retry:?} each); it was to last {lasts:?}"
)]
pub struct TimesError {
    lasts: Duration,
    renew: Duration,
    retry: Duration,
}

impl Times {
    /// A lease that lasts so long, whose holder leads for `renew` after it was last kept, and is asked for every `retry`.
    ///
    /// # Errors
    /// Where the three do not go together.
    pub fn new(lasts: Duration, renew: Duration, retry: Duration) -> Result<Self, TimesError> {
        let fits = lasts > renew && renew > retry * 2 && !retry.is_zero();
        if fits && lasts.subsec_nanos() == 0 {
            Ok(Self { lasts, renew, retry })
        } else {
            Err(TimesError { lasts, renew, retry })
        }
    }

    pub(super) fn lasts(&self) -> Duration {
        self.lasts
    }

    pub(super) fn retry(&self) -> Duration {
        self.retry
    }
}

impl Default for Times {
    /// 15 seconds, 10 and 2: as the parts of Kubernetes itself have them.
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { lasts: seconds(15), renew: seconds(10), retry: seconds(2) }
    }
}

/// A lease as somebody has seen it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) version: String,
    pub(super) holder: Option<String>,
    pub(super) lasts: Duration,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Somebody else has it.
    Wait,
    /// Nobody has it, or nobody any more.
    Take,
    /// It is ours, and is to stay so.
    Renew,
}

/// One of those who would lead, and what it knows.
#[derive(Debug)]
pub(super) struct Candidate {
    identity: String,
    times: Times,
    /// The lease, and since when it has been as it is.
    seen: Option<(Seen, Instant)>,
    /// When it was last kept: the time of the question, which is before the server's.
    held: Option<Instant>,
}

impl Candidate {
    pub(super) fn new(identity: &str, times: Times) -> Self {
        Self { identity: identity.to_owned(), times, seen: None, held: None }
    }

    pub(super) fn identity(&self) -> &str {
        &self.identity
    }

    pub(super) fn times(&self) -> Times {
        self.times
    }

    /// Notes how the lease is.
    pub(super) fn observe(&mut self, lease: Option<Seen>, now: Instant) {
        let ours = |lease: &Seen| lease.holder.as_ref() == Some(&self.identity);
        if !lease.as_ref().is_some_and(ours) {
            self.held = None;
        }
        match (lease, &self.seen) {
            (Some(lease), Some((before, _))) if *before == lease => {}
            (Some(lease), _) => self.seen = Some((lease, now)),
            (None, _) => self.seen = None,
        }
    }

    /// Notes that the server has taken what was asked then.
    pub(super) fn held(&mut self, asked: Instant) {
        self.held = Some(asked);
    }

    pub(super) fn action(&self, now: Instant) -> Action {
        match &self.seen {
            None => Action::Take,
            Some((lease, since)) => match &lease.holder {
                Some(holder) if *holder == self.identity => Action::Renew,
                Some(_) if now.saturating_duration_since(*since) <= lease.lasts => Action::Wait,
                _ => Action::Take,
            },
        }
    }

    /// When it leads no more, unless it is renewed before.
    pub(super) fn lapse(&self) -> Option<Instant> {
        self.held.map(|held| held + self.times.renew)
    }

    pub(super) fn leads(&self, now: Instant) -> bool {
        self.lapse().is_some_and(|lapse| now < lapse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn lease(version: u64, holder: &str) -> Seen {
        let holder = (!holder.is_empty()).then(|| holder.to_owned());
        Seen { version: version.to_string(), holder, lasts: Times::default().lasts }
    }

    #[test]
    fn times_go_together_or_are_refused() {
        for (lasts, renew, retry, fits) in
            [(15, 10, 2, true), (10, 10, 2, false), (15, 4, 2, false), (15, 10, 0, false)]
        {
            let made = Times::new(SECOND * lasts, SECOND * renew, SECOND * retry);
            assert_eq!(made.is_ok(), fits, "{lasts} {renew} {retry}");
        }
        assert!(Times::new(Duration::from_millis(1500), SECOND, SECOND / 4).is_err());
    }

    #[test]
    fn a_lease_is_taken_when_it_has_not_changed_for_its_own_length() {
        let now = Instant::now();
        let mut one = Candidate::new("one", Times::default());
        assert_eq!(one.action(now), Action::Take);
        one.observe(Some(lease(1, "two")), now);
        assert_eq!(one.action(now + SECOND * 15), Action::Wait);
        one.observe(Some(lease(2, "two")), now + SECOND * 10);
        assert_eq!(one.action(now + SECOND * 20), Action::Wait);
        assert_eq!(one.action(now + SECOND * 26), Action::Take);
        one.observe(Some(lease(3, "")), now + SECOND * 21);
        assert_eq!(one.action(now + SECOND * 21), Action::Take);
        one.observe(Some(lease(4, "one")), now + SECOND * 22);
        assert_eq!(one.action(now + SECOND * 22), Action::Renew);
    }

    #[test]
    fn leading_ends_before_anybody_may_take_over() {
        let now = Instant::now();
        let mut one = Candidate::new("one", Times::default());
        one.observe(Some(lease(1, "one")), now);
        assert!(!one.leads(now), "it is not known since when");
        one.held(now);
        assert!(one.leads(now + SECOND * 9));
        assert!(!one.leads(now + SECOND * 10));
        one.observe(Some(lease(2, "two")), now + SECOND);
        assert!(!one.leads(now + SECOND));
    }

    /// A store of one lease that several candidates ask, with answers that come late or never.
    #[test]
    fn there_are_never_two() {
        let mut chance = 0x5eed_u64;
        let mut random = move |below: u64| {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (chance >> 33) % below
        };
        let begin = Instant::now();
        let (mut led, mut changes) = (0, 0);
        for _ in 0..200 {
            let mut store: Option<Seen> = None;
            let mut version = 0;
            let mut candidates: Vec<_> = ["a", "b", "c"]
                .into_iter()
                .map(|name| (Candidate::new(name, Times::default()), begin, None))
                .collect();
            let mut last = String::new();
            for tick in 0..1800_u32 {
                let now = begin + SECOND / 10 * tick;
                for (candidate, due, answer) in &mut candidates {
                    // An answer that was on its way is here.
                    if let Some((at, asked, lease)) = answer.take() {
                        if now < at {
                            *answer = Some((at, asked, lease));
                            continue;
                        }
                        candidate.held(asked);
                        candidate.observe(Some(lease), now);
                    }
                    if now < *due {
                        continue;
                    }
                    *due = now + SECOND * 2 + SECOND / 10 * u32::try_from(random(10)).unwrap_or(0);
                    // The server cannot be reached, for a while.
                    if random(4) == 0 {
                        *due += SECOND * u32::try_from(random(20)).unwrap_or(0);
                        continue;
                    }
                    candidate.observe(store.clone(), now);
                    if candidate.action(now) == Action::Wait {
                        continue;
                    }
                    version += 1;
                    let kept = lease(version, candidate.identity());
                    store = Some(kept.clone());
                    // Kept, but whoever asked may hear of it late, or never.
                    if random(5) > 0 {
                        let late = SECOND / 10 * u32::try_from(random(40)).unwrap_or(0);
                        *answer = Some((now + late, now, kept));
                    }
                }
                let leaders: Vec<_> =
                    candidates.iter().filter(|(candidate, ..)| candidate.leads(now)).collect();
                assert!(leaders.len() < 2, "two lead at {tick}");
                if let Some((leader, ..)) = leaders.first() {
                    led += 1;
                    if leader.identity() != last {
                        changes += 1;
                        last = leader.identity().to_owned();
                    }
                }
            }
        }
        assert!(
            led > 10_000 && changes > 400,
            "somebody leads, and not always the same: {led} {changes}"
        );
    }
}
