//! When a build begins, when it is ended, and what the next one has to do. Pure: the time is an argument.
//!
//! Saving is rarely one event: editors write several files, and a tool may write hundreds. So a build begins when it has
//! been quiet for [`QUIET`], and at the latest [`LONGEST`] after the first change. What changes while a build is under way
//! makes it worthless: it is ended, and its work joins the next one. What could not be built stays owed until it was.

use std::collections::BTreeSet;
use std::time::{Duration, Instant, SystemTime};

/// Nothing was saved for so long: whoever saves has finished.
pub(crate) const QUIET: Duration = Duration::from_millis(30);

/// A build begins this long after the first change, even if saving never ends.
pub(crate) const LONGEST: Duration = Duration::from_millis(500);

/// What is to be built.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Work {
    /// The projects have to be read again, and all of them built.
    pub(crate) shape: bool,
    /// These packages, by name.
    pub(crate) components: BTreeSet<String>,
    /// When the last of the files was saved; none where nobody saved one.
    pub(crate) saved: Option<SystemTime>,
}

impl Work {
    /// Everything, because nothing was built yet.
    pub(crate) fn everything() -> Self {
        Self { shape: true, ..Self::default() }
    }

    fn join(&mut self, other: Self) {
        self.shape |= other.shape;
        self.components.extend(other.components);
        self.saved = self.saved.max(other.saved);
    }

    /// What of it stays owed when it could not be done: nobody has saved anything then.
    fn owed(self) -> Self {
        Self { saved: None, ..self }
    }
}

/// The state of the loop.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    /// What waits, and since when: the first and the last change.
    waiting: Option<(Work, Instant, Instant)>,
    /// What is being built.
    building: Option<Work>,
    /// What could not be built.
    owed: Work,
}

impl Turns {
    /// Files were saved. True: the build that is under way is to be ended.
    pub(crate) fn changed(&mut self, work: Work, now: Instant) -> bool {
        if let Some((waiting, _, last)) = &mut self.waiting {
            waiting.join(work);
            *last = now;
        } else {
            self.waiting = Some((work, now, now));
        }
        self.building.is_some()
    }

    /// When a build is to begin, unless more is saved before. None: nothing waits, or a build has to end first.
    pub(crate) fn due(&self) -> Option<Instant> {
        let (_, first, last) = self.waiting.as_ref().filter(|_| self.building.is_none())?;
        Some((*last + QUIET).min(*first + LONGEST))
    }

    /// The work of the build that begins now, where one is due.
    pub(crate) fn begin(&mut self, now: Instant) -> Option<Work> {
        self.due().filter(|due| *due <= now)?;
        let (mut work, ..) = self.waiting.take()?;
        work.join(std::mem::take(&mut self.owed));
        self.building = Some(work.clone());
        Some(work)
    }

    /// The build has ended. What it did not do is owed.
    pub(crate) fn ended(&mut self, done: bool) {
        if let Some(work) = self.building.take().filter(|_| !done) {
            self.owed.join(work.owed());
        }
    }

    /// Whether a build is under way.
    pub(crate) fn is_building(&self) -> bool {
        self.building.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(names: &str, saved: u64) -> Work {
        Work {
            shape: names.contains('!'),
            components: names
                .split(' ')
                .filter(|n| !n.is_empty() && *n != "!")
                .map(str::to_owned)
                .collect(),
            saved: (saved > 0).then(|| SystemTime::UNIX_EPOCH + Duration::from_secs(saved)),
        }
    }

    /// What is done to it, a letter and its argument each, at so many milliseconds, and what it answers.
    enum Do {
        Save(&'static str, u64, bool),
        Due(Option<u64>),
        Begin(Option<(&'static str, u64)>),
        End(bool),
    }

    #[test]
    fn builds_begin_end_and_begin_anew() {
        use Do::{Begin, Due, End, Save};
        let scenes: [(&str, &[(u64, Do)]); 7] = [
            ("nothing was saved", &[(0, Due(None)), (1_000, Begin(None))]),
            (
                "a save is waited out",
                &[
                    (0, Save("a", 1, false)),
                    (0, Due(Some(30))),
                    (29, Begin(None)),
                    (30, Begin(Some(("a", 1)))),
                    (31, Due(None)),
                    (99, End(true)),
                    (99, Due(None)),
                ],
            ),
            (
                "files that are saved together are built together, with the time of the last",
                &[
                    (0, Save("a", 1, false)),
                    (20, Save("b", 2, false)),
                    (20, Due(Some(50))),
                    (30, Begin(None)),
                    (50, Begin(Some(("a b", 2)))),
                ],
            ),
            (
                "saving that never ends is cut off",
                &[
                    (0, Save("a", 1, false)),
                    (490, Save("a", 2, false)),
                    (490, Due(Some(500))),
                    (500, Begin(Some(("a", 2)))),
                ],
            ),
            (
                "a change ends the build, which is begun anew with all",
                &[
                    (0, Save("a", 1, false)),
                    (30, Begin(Some(("a", 1)))),
                    (100, Save("b", 2, true)),
                    (100, Due(None)),
                    (200, Begin(None)),
                    (210, End(false)),
                    (210, Due(Some(130))),
                    (210, Begin(Some(("a b", 2)))),
                    (300, End(true)),
                    (310, Save("c", 3, false)),
                    (340, Begin(Some(("c", 3)))),
                ],
            ),
            (
                "what could not be built is tried with the next change",
                &[
                    (0, Save("a", 1, false)),
                    (30, Begin(Some(("a", 1)))),
                    (90, End(false)),
                    (90, Due(None)),
                    (100, Save("b", 2, false)),
                    (130, Begin(Some(("a b", 2)))),
                    (200, End(true)),
                    (300, Save("b", 3, false)),
                    (330, Begin(Some(("b", 3)))),
                ],
            ),
            (
                "a project that could not be read is read again",
                &[
                    (0, Save("!", 1, false)),
                    (30, Begin(Some(("!", 1)))),
                    (90, End(false)),
                    (100, Save("a", 2, false)),
                    (130, Begin(Some(("! a", 2)))),
                ],
            ),
        ];
        for (scene, acts) in scenes {
            let (start, mut turns) = (Instant::now(), Turns::default());
            for (at, act) in acts {
                let now = start + Duration::from_millis(*at);
                match act {
                    Save(names, saved, ends) => {
                        assert_eq!(turns.changed(work(names, *saved), now), *ends, "{scene}, {at}");
                    }
                    Due(due) => {
                        let due = due.map(|due| start + Duration::from_millis(due));
                        assert_eq!(turns.due(), due, "{scene}, {at}");
                    }
                    Begin(expected) => {
                        let expected = expected.map(|(names, saved)| work(names, saved));
                        assert_eq!(turns.begin(now), expected, "{scene}, {at}");
                    }
                    End(done) => {
                        turns.ended(*done);
                        assert!(!turns.is_building(), "{scene}, {at}");
                    }
                }
            }
        }
    }
}
