//! Bytes that a source has just read.

use std::sync::{Arc, Weak};

/// Bytes that a source has just read: kept until a scan hands them out, and found again while somebody holds them.
#[derive(Debug, Default)]
pub(crate) struct Loan {
    kept: Option<Arc<[u8]>>,
    lent: Option<Weak<[u8]>>,
}

impl Loan {
    /// Keeps bytes for the next scan.
    pub(crate) fn keep(bytes: Arc<[u8]>) -> Self {
        Self { lent: Some(Arc::downgrade(&bytes)), kept: Some(bytes) }
    }

    /// How many bytes are kept.
    pub(crate) fn size(&self) -> u64 {
        self.kept.as_ref().map_or(0, |bytes| bytes.len() as u64)
    }

    /// Hands the bytes out: the first time always, after that while somebody else still has them.
    pub(crate) fn lend(&mut self) -> Option<Arc<[u8]>> {
        self.kept.take().or_else(|| self.lent.as_ref()?.upgrade())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_live_as_long_as_somebody_uses_them() {
        let mut loan = Loan::keep(Arc::from(&b"bytes"[..]));
        assert_eq!(loan.size(), 5);
        let first = loan.lend();
        assert_eq!((loan.size(), first.as_deref()), (0, Some(&b"bytes"[..])));
        assert_eq!(loan.lend(), first);
        drop(first);
        assert_eq!(loan.lend(), None);
    }
}
