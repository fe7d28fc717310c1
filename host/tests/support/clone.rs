//! Components that differ, made of one that is built: what is overwritten or appended needs no compiler.

use std::path::Path;
use std::time::Instant;

/// What the mark of a version begins with, and what it is filled up with and ends with: `functions/testing/src/mark.rs`.
const MARK: &[u8] = b"this-component-is-version=";
const FILL: u8 = b'.';
const END: u8 = b';';

/// How long the function id of `guests/clonable.rs` is, and what follows its name there.
const ID_BYTES: usize = 100;
const ID_FILL: u8 = b'0';
const ID: &[u8] = b"clonable-";

/// The bytes of a component.
#[derive(Debug, Clone)]
pub(crate) struct Artifact(Vec<u8>);

#[allow(dead_code, reason = "not all who make components need all of it")]
impl Artifact {
    /// A built component.
    pub(crate) fn read(guest: &str) -> Self {
        Self(std::fs::read(guest).expect("a built guest"))
    }

    /// Bytes that are no component.
    pub(crate) fn text(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }

    /// The same component as another version of itself.
    pub(crate) fn version(mut self, version: &str) -> Self {
        let places = find(&self.0, MARK);
        assert!(!places.is_empty(), "the guest has no mark");
        for at in places {
            let from = at + MARK.len();
            let length = self.0[from..].iter().position(|byte| *byte == END).expect("its end");
            assert!(version.len() <= length, "{version:?} is too long for a mark");
            self.0[from..from + length].fill(FILL);
            self.0[from..from + version.len()].copy_from_slice(version.as_bytes());
        }
        self
    }

    /// The same component with another function id; answers with the whole id too.
    pub(crate) fn function(mut self, name: &str) -> (Self, String) {
        let (placeholder, id) = (padded(ID), padded(name.as_bytes()));
        let places = find(&self.0, &placeholder);
        assert!(!places.is_empty(), "the guest has no function id to overwrite");
        for at in places {
            self.0[at..at + ID_BYTES].copy_from_slice(&id);
        }
        (self, String::from_utf8(id).expect("text"))
    }

    /// The same component with so many bytes, of which the further ones say nothing: a custom section at its end.
    pub(crate) fn filled_to(mut self, bytes: usize) -> Self {
        const NAME: &[u8] = b"filling";
        // A section's kind, its length in at most five bytes, its name with its length.
        let around = 1 + 5 + 1 + NAME.len();
        let missing = bytes.saturating_sub(self.0.len() + around);
        let length = u32::try_from(1 + NAME.len() + missing).expect("less than 4 GiB");
        self.0.push(0);
        self.0.extend(leb128(length));
        self.0.push(u8::try_from(NAME.len()).expect("a short name"));
        self.0.extend_from_slice(NAME);
        self.0.resize(self.0.len() + missing, 0);
        self
    }

    /// Half of it: what a reader sees who comes while it is written.
    pub(crate) fn half(mut self) -> Self {
        self.0.truncate(self.0.len() / 2);
        self
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Puts it into a folder under a name, whole or not at all, and in the place of what had that name. Answers with the
    /// moment in which it was about to get it.
    pub(crate) fn place(&self, folder: &Path, name: &str) -> Instant {
        let partial = folder.join(format!(".{name}.partial"));
        std::fs::write(&partial, &self.0).expect("written");
        let renamed = Instant::now();
        std::fs::rename(&partial, folder.join(format!("{name}.wasm"))).expect("renamed");
        renamed
    }
}

fn padded(name: &[u8]) -> Vec<u8> {
    assert!(name.len() <= ID_BYTES, "the id has no room for it");
    let mut id = name.to_vec();
    id.resize(ID_BYTES, ID_FILL);
    id
}

/// Where these bytes are.
fn find(bytes: &[u8], wanted: &[u8]) -> Vec<usize> {
    let windows = bytes.windows(wanted.len()).enumerate();
    windows.filter(|(_, window)| *window == wanted).map(|(at, _)| at).collect()
}

/// A number as WebAssembly writes it, always in five bytes.
fn leb128(number: u32) -> [u8; 5] {
    std::array::from_fn(|n| {
        let bits = u8::try_from(number >> (7 * n) & 0x7f).expect("seven bits");
        if n < 4 { bits | 0x80 } else { bits }
    })
}
