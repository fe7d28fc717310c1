//! Which bucket a component means by a name, and what may be in it.

use crate::grants::Size;

use super::grant::Grant;

/// How many bytes a bucket may have unless its grant says otherwise.
const ROOM: Size = Size::of(64 << 20);
/// The longest key, in bytes.
const LONGEST_KEY: usize = 1024;

/// A bucket that a component may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bucket {
    /// What it is called among all buckets: no two components mean the same one, but where it is shared.
    pub(super) place: String,
    /// How many bytes its keys and values may have together.
    pub(super) room: u64,
}

impl Bucket {
    /// The bucket that a component means by a name, if its grant has it.
    pub(super) fn of(grant: Option<&Grant>, component: &str, name: &str) -> Option<Self> {
        let grant = grant?;
        let room = grant.bytes.unwrap_or(ROOM).bytes();
        let named = |names: &[crate::grants::Name]| names.iter().any(|own| own.as_str() == name);
        // No name holds a `/`, so no two of these are alike.
        if named(&grant.shared) {
            Some(Self { place: format!("shared/{name}"), room })
        } else if named(&grant.buckets) {
            Some(Self { place: format!("own/{component}/{name}"), room })
        } else {
            None
        }
    }
}

/// Whether a text can be a key; the error says why not.
pub(super) fn check_key(key: &str) -> Result<(), String> {
    if key.is_empty() || key.len() > LONGEST_KEY {
        return Err(format!("a key has 1 to {LONGEST_KEY} bytes, and this one has {}", key.len()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_another_bucket_for_each_component_unless_it_is_shared() {
        let grant: Grant =
            toml::from_str("buckets = ['a']\nshared = ['b']\nbytes = '1KiB'").expect("a grant");
        for (component, name, expected) in [
            ("one", "a", Some("own/one/a")),
            ("two", "a", Some("own/two/a")),
            ("one", "b", Some("shared/b")),
            ("two", "b", Some("shared/b")),
            ("one", "c", None),
            ("one", "own/two/a", None),
            ("one", "../two/a", None),
            ("one", "", None),
        ] {
            let bucket = Bucket::of(Some(&grant), component, name);
            assert!(bucket.iter().all(|bucket| bucket.room == 1024));
            assert_eq!(
                bucket.map(|bucket| bucket.place).as_deref(),
                expected,
                "{component} {name}"
            );
        }
        assert_eq!(Bucket::of(None, "one", "a"), None);
    }

    #[test]
    fn keys_have_one_to_so_many_bytes() {
        for (key, fine) in
            [("a", true), ("", false), (&"a".repeat(LONGEST_KEY), true), (&"a".repeat(1025), false)]
        {
            assert_eq!(check_key(key).is_ok(), fine, "{} bytes", key.len());
        }
    }
}
