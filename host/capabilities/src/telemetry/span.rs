//! The spans that a step has open: each ends when the guest says so, or with the step's body.

use std::collections::BTreeMap;

use tracing::Span;

/// How many spans a step may have open at once. What begins beyond that is no span, and ends without a trace.
const OPEN: usize = 64;

/// How many a step may begin in all.
const MOST: u64 = 1000;

/// What [`Spans::begin`] answers where there are too many.
pub(super) const NONE: u64 = 0;

/// The open spans of one step. Dropped with its body, which closes them, inner ones first.
#[derive(Debug, Default)]
pub(super) struct Spans {
    open: BTreeMap<u64, Span>,
    last: u64,
}

impl Spans {
    /// Opens one, made by `make`; answers with its number.
    pub(super) fn begin(&mut self, make: impl FnOnce() -> Span) -> u64 {
        if self.open.len() >= OPEN || self.last >= MOST {
            return NONE;
        }
        self.last += 1;
        self.open.insert(self.last, make());
        self.last
    }

    /// The one that began last: what happens now is a part of it.
    pub(super) fn innermost(&self) -> Option<&Span> {
        self.open.values().next_back()
    }

    /// Closes one. A number that names none does nothing: a replay may have left it out.
    pub(super) fn end(&mut self, number: u64, error: Option<&str>) {
        let Some(span) = self.open.remove(&number) else { return };
        if let Some(error) = error {
            span.record("error", error);
        }
    }
}

impl Drop for Spans {
    fn drop(&mut self) {
        while self.open.pop_last().is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_are_open_at_once_and_each_ends_once() {
        let mut spans = Spans::default();
        let numbers: Vec<_> = (0..OPEN).map(|_| spans.begin(Span::none)).collect();
        assert_eq!(numbers.first(), Some(&1));
        assert_eq!(spans.begin(Span::none), NONE);
        spans.end(numbers[3], Some("failed"));
        spans.end(numbers[3], None);
        spans.end(NONE, None);
        assert_eq!(spans.open.len(), OPEN - 1);
        assert_ne!(spans.begin(Span::none), NONE);
    }
    #[test]
    fn a_step_begins_so_many_and_no_more_however_many_have_ended() {
        let mut spans = Spans::default();
        let begun = (0..2 * MOST).filter(|_| {
            let number = spans.begin(Span::none);
            spans.end(number, None);
            number != NONE
        });
        assert_eq!(begun.count() as u64, MOST);
    }
}
