//! What is known of one reference, and when it is asked for again. Pure: the time is an argument.

use std::time::{Duration, Instant};

use protocol::digest::Digest;

use super::fetch::{Away, Fetcher, Resolved};
use super::reference::ComponentReference;
use crate::source::{Again, Content, Found, Loan, Origin};

/// However often a registry has failed, it is asked again after this long, or after the usual time if that is longer.
const LONGEST: Duration = Duration::from_mins(5);

/// One reference.
#[derive(Debug)]
pub(super) struct Poll {
    pub(super) reference: ComponentReference,
    known: Option<Known>,
    /// Why the last question had no answer.
    away: Option<String>,
    failures: u32,
    /// When to ask again; none for what cannot change.
    next: Option<Instant>,
}

#[derive(Debug)]
struct Known {
    manifest: String,
    component: Result<Digest, String>,
    bytes: Loan,
}

impl Poll {
    pub(super) fn new(reference: ComponentReference, now: Instant) -> Self {
        Self { reference, known: None, away: None, failures: 0, next: Some(now) }
    }

    /// Whether it was asked for at all.
    pub(super) fn is_fresh(&self) -> bool {
        self.known.is_none() && self.failures == 0
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.next
    }

    /// What a question needs to know: the manifest, and the component it led to.
    pub(super) fn known(&self) -> Option<(String, Option<Digest>)> {
        let known = self.known.as_ref()?;
        Some((known.manifest.clone(), known.component.clone().ok()))
    }

    /// Takes an answer; says whether it is news.
    pub(super) fn answer(
        &mut self,
        answer: Result<Option<Resolved>, Away>,
        every: Duration,
        now: Instant,
    ) -> bool {
        match answer {
            Ok(resolved) => {
                let back = self.away.take().is_some();
                self.failures = 0;
                self.next = (!self.reference.is_pinned()).then(|| now + every);
                resolved.is_some_and(|resolved| self.learn(resolved)) || back
            }
            Err(Away(reason)) => {
                self.failures = self.failures.saturating_add(1);
                self.next = Some(now + delay(every, self.failures));
                let reason = format!(
                    "{} cannot be asked for: {reason}; what was known of it stays in use",
                    self.reference
                );
                self.away.replace(reason.clone()) != Some(reason)
            }
        }
    }

    fn learn(&mut self, resolved: Resolved) -> bool {
        let Resolved { manifest, component, bytes } = resolved;
        let same = self.known.as_ref().is_some_and(|known| known.component == component);
        match &mut self.known {
            // A new manifest around the same component.
            Some(known) if same => known.manifest = manifest,
            known => {
                let bytes = bytes.map(Loan::keep).unwrap_or_default();
                *known = Some(Known { manifest, component, bytes });
            }
        }
        !same
    }

    /// What there is, and what keeps it from being up to date. Bytes that were just fetched go with it.
    pub(super) fn found(&mut self, fetcher: &Fetcher) -> (Found, Option<String>) {
        let trouble = self.away.clone();
        let found = match &mut self.known {
            None => match &trouble {
                Some(reason) => Found::Faulty { reason: reason.clone() },
                None => Found::Unsettled,
            },
            Some(Known { component: Err(reason), .. }) => {
                Found::Faulty { reason: format!("{} is no component: {reason}", self.reference) }
            }
            Some(Known { component: Ok(digest), bytes, .. }) => {
                let held = bytes.lend();
                Found::Ready {
                    origin: Origin::Reference(self.reference.to_string()),
                    digest: *digest,
                    content: Content::new(*digest, held, Again::Registry(fetcher.clone())),
                }
            }
        };
        (found, trouble)
    }
}

/// How long to leave a registry alone that has failed so many times in a row.
fn delay(every: Duration, failures: u32) -> Duration {
    let factor = 1_u32 << failures.saturating_sub(1).min(10);
    (every * factor).min(LONGEST.max(every))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Duration = Duration::from_secs(30);

    fn poll(reference: &str, now: Instant) -> Poll {
        Poll::new(reference.parse().expect(reference), now)
    }

    fn resolved(manifest: &str, component: Result<&[u8], &str>) -> Resolved {
        let bytes = component.ok().map(std::sync::Arc::from);
        let component = component.map(Digest::of).map_err(str::to_owned);
        Resolved { manifest: manifest.to_owned(), component, bytes }
    }

    #[test]
    fn a_registry_that_fails_is_left_alone_for_longer_and_longer() {
        let delays: Vec<_> = (1..8).map(|failures| delay(EVERY, failures).as_secs()).collect();
        assert_eq!(delays, [30, 60, 120, 240, 300, 300, 300]);
        assert_eq!(delay(Duration::from_mins(15), 5).as_secs(), 900);
        assert_eq!(delay(EVERY, u32::MAX), LONGEST);
    }

    #[test]
    fn a_tag_is_asked_for_again_and_a_digest_is_not() {
        let now = Instant::now();
        let mut tag = poll("registry.example/check:v1", now);
        assert!(tag.is_fresh());
        assert!(tag.answer(Ok(Some(resolved("m1", Ok(b"one")))), EVERY, now));
        assert_eq!(tag.next(), Some(now + EVERY));
        assert!(!tag.answer(Ok(None), EVERY, now), "nothing has changed");
        assert!(!tag.answer(Ok(Some(resolved("m2", Ok(b"one")))), EVERY, now), "the same bytes");
        assert_eq!(tag.known(), Some(("m2".to_owned(), Some(Digest::of(b"one")))));
        assert!(tag.answer(Ok(Some(resolved("m3", Ok(b"two")))), EVERY, now));
        assert!(tag.answer(Ok(Some(resolved("m4", Err("no layer")))), EVERY, now));

        let pinned = format!("registry.example/check@sha256:{}", "0".repeat(64));
        let mut pinned = poll(&pinned, now);
        pinned.answer(Ok(Some(resolved("m1", Ok(b"one")))), EVERY, now);
        assert_eq!(pinned.next(), None);
    }

    #[test]
    fn absence_is_told_once_and_its_end_too() {
        let now = Instant::now();
        let mut tag = poll("registry.example/check:v1", now);
        assert!(tag.answer(Ok(Some(resolved("m1", Ok(b"one")))), EVERY, now));
        let away = || Err(Away("refused".to_owned()));
        assert!(tag.answer(away(), EVERY, now));
        assert!(!tag.answer(away(), EVERY, now), "the same reason");
        assert_eq!(tag.next(), Some(now + EVERY * 2));
        assert!(tag.answer(Ok(None), EVERY, now), "back");
        assert_eq!(tag.next(), Some(now + EVERY));
    }
}
