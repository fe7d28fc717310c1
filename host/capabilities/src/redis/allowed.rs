//! What one component may do, and how much of it: the grant with its defaults filled in.

use super::grant::Grant;
use super::prefix::Prefix;
use crate::grants::Size;
use crate::refusal::{Answer, Refusal};

/// Unless the grant says otherwise.
const VALUE: Size = Size::of(1 << 20);
const TOTAL: Size = Size::of(8 << 20);

/// The most values, fields, members or commands that one call may have.
const ITEMS: usize = 10_000;

/// What one component may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Allowed {
    pub(super) prefix: Prefix,
    /// Bytes of one value.
    pub(super) value: u64,
    /// Bytes of all arguments of a call, and of its answer.
    pub(super) total: u64,
    pub(super) read_only: bool,
}

impl Allowed {
    pub(super) fn new(grant: &Grant, component: &str) -> Self {
        let value = grant.value.unwrap_or(VALUE).bytes();
        Self {
            prefix: Prefix::new(grant.prefix.as_deref(), component),
            value,
            total: grant.total.unwrap_or(TOTAL).bytes().max(value),
            read_only: grant.read_only,
        }
    }

    /// Refuses values that are too large, too many, or too much together.
    pub(super) fn fits<'v>(&self, values: impl IntoIterator<Item = &'v [u8]>) -> Answer<()> {
        let (mut count, mut sum) = (0, 0_u64);
        for value in values {
            let bytes = u64::try_from(value.len()).unwrap_or(u64::MAX);
            count += 1;
            sum = sum.saturating_add(bytes);
            if bytes > self.value {
                return Err(self.too_large(&format!("a value of {bytes} bytes")));
            }
        }
        if count > ITEMS {
            return Err(Refusal::invalid(format!(
                "one call has {count} values, and {ITEMS} are the most: divide them among calls"
            )));
        }
        if sum > self.total {
            return Err(self.too_large(&format!("a call with {sum} bytes")));
        }
        Ok(())
    }

    /// The refusal for what is beyond the sizes of the grant.
    pub(super) fn too_large(&self, what: &str) -> Refusal {
        let (value, total) = (self.value, self.total);
        Refusal::exhausted(format!(
            "Redis: {what} is too large: {value} bytes is the most for one value, {total} for a call; raise `value` or \
             `total` of the component's `redis` in the grants"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::system_bus::durable::refusals::Reason;

    #[test]
    fn each_limit_is_kept() {
        let grant = Grant {
            prefix: None,
            value: Some(Size::of(4)),
            total: Some(Size::of(10)),
            read_only: false,
        };
        let allowed = Allowed::new(&grant, "c");
        let four: &[u8] = b"1234";
        assert!(allowed.fits([four, four]).is_ok());
        let refused =
            |values: &[&[u8]]| allowed.fits(values.iter().copied()).map_err(|no| no.reason);
        assert!(matches!(refused(&[b"12345"]), Err(Reason::Exhausted)));
        assert!(matches!(refused(&[four, four, four]), Err(Reason::Exhausted)));
        assert!(matches!(refused(&vec![b"" as &[u8]; ITEMS + 1]), Err(Reason::Invalid)));
    }

    #[test]
    fn a_call_may_always_have_one_value() {
        let grant =
            Grant { prefix: None, value: Some(Size::of(1 << 30)), total: None, read_only: false };
        assert_eq!(Allowed::new(&grant, "c").total, 1 << 30);
    }
}
