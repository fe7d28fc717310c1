//! The spans that a call has open: each ends when the guest says so, or with the call.

use std::collections::BTreeMap;

use tracing::Span;

/// How many spans a call may have open at once. What begins beyond that is no span, and ends without a trace.
const MOST: usize = 64;

/// What [`Spans::begin`] answers where there are too many.
const NONE: u64 = 0;

/// The open spans of one call. Dropped with the call, which closes them.
#[derive(Debug, Default)]
pub(super) struct Spans {
    open: BTreeMap<u64, Span>,
    last: u64,
}

impl Spans {
    /// Opens one, made by `make`; answers with its number.
    pub(super) fn begin(&mut self, make: impl FnOnce(Option<&Span>) -> Span) -> u64 {
        if self.open.len() >= MOST {
            return NONE;
        }
        // What begins while another one is open is a part of it.
        let span = make(self.innermost());
        self.last += 1;
        self.open.insert(self.last, span);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_are_open_at_once_and_each_ends_once() {
        let mut spans = Spans::default();
        let numbers: Vec<_> = (0..MOST).map(|_| spans.begin(|_| Span::none())).collect();
        assert_eq!(numbers.first(), Some(&1));
        assert_eq!(spans.begin(|_| Span::none()), NONE);
        spans.end(numbers[3], Some("failed"));
        spans.end(numbers[3], None);
        spans.end(NONE, None);
        assert_eq!(spans.open.len(), MOST - 1);
        assert_ne!(spans.begin(|_| Span::none()), NONE);
    }
}
