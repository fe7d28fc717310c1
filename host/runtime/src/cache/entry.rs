//! One entry: the code as the compiler made it, and behind it what proves that we did.
//!
//! The proof comes last because the engine maps files from their beginning. It is the component, the engine, the length
//! of the code, a mark of this form, and a keyed hash over all of that and the code.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use protocol::digest::Digest;

use super::Key;
use super::folder::FileDoubt;
use super::secret::Secret;
use crate::compile::Fingerprint;

/// The last 16 bytes of what is hashed: the form of the trailer. Another form gets another mark.
const MARK: &[u8; 16] = b"system-bus code2";

const MAC: usize = 32;
const DIGEST: usize = 32;
const CLAIM: usize = DIGEST + Fingerprint::LENGTH + 8 + MARK.len();
const TRAILER: usize = CLAIM + MAC;

/// How much is read at once, in bytes: what the processor keeps close.
const CHUNK: usize = 128 << 10;

/// Why an entry is not used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Doubt {
    /// The file itself is not as we make them.
    #[error("{0}")]
    File(#[from] FileDoubt),
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// It is too short or too long for what it claims, or claims nothing.
    #[error("it is not a whole entry")]
    Form,
    /// The keyed hash is wrong.
    #[error("it was changed, or made with another key")]
    Mac,
    /// It is authentic, and for something else than its name says.
    #[error("it holds the code of component {0}")]
    Component(Digest),
    /// It is authentic, and for another engine than its name says.
    #[error("its code is for the engine {found}, and this engine is {wanted}")]
    Engine {
        /// What the entry says.
        found: Fingerprint,
        /// What its name says.
        wanted: Fingerprint,
    },
}

/// What an entry says about its code, before anything says that it is true.
struct Claim([u8; CLAIM]);

impl Claim {
    fn new(key: Key, length: u64) -> Self {
        let mut claim = [0; CLAIM];
        let parts: [&[u8]; 4] =
            [key.digest.as_bytes(), key.engine.as_bytes(), &length.to_le_bytes(), MARK];
        let mut from = 0;
        for part in parts {
            claim[from..from + part.len()].copy_from_slice(part);
            from += part.len();
        }
        Self(claim)
    }

    fn part<const N: usize>(&self, from: usize) -> [u8; N] {
        let mut part = [0; N];
        part.copy_from_slice(&self.0[from..from + N]);
        part
    }

    fn digest(&self) -> Digest {
        self.part::<DIGEST>(0).into()
    }

    fn engine(&self) -> Fingerprint {
        self.part::<{ Fingerprint::LENGTH }>(DIGEST).into()
    }

    fn length(&self) -> u64 {
        u64::from_le_bytes(self.part(DIGEST + Fingerprint::LENGTH))
    }

    fn is_ours(&self) -> bool {
        self.0.ends_with(MARK)
    }
}

/// What belongs behind code in its file.
pub(super) fn trailer(code: &[u8], key: Key, secret: &Secret) -> [u8; TRAILER] {
    let claim = Claim::new(key, code.len() as u64);
    let mut mac = secret.mac();
    mac.update(code).update(&claim.0);
    let mut trailer = [0; TRAILER];
    trailer[..CLAIM].copy_from_slice(&claim.0);
    trailer[CLAIM..].copy_from_slice(mac.finalize().as_bytes());
    trailer
}

/// The length of the code in an entry, in bytes, when the entry is authentic and for this key.
pub(super) fn check(file: &File, key: Key, secret: &Secret) -> Result<usize, Doubt> {
    let size = file.metadata()?.len();
    let length = size.checked_sub(TRAILER as u64).ok_or(Doubt::Form)?;
    let mut claim = Claim([0; CLAIM]);
    file.read_exact_at(&mut claim.0, length)?;
    if !claim.is_ours() || claim.length() != length {
        return Err(Doubt::Form);
    }
    let mut mac = secret.mac();
    hash(file, length, &mut mac)?;
    mac.update(&claim.0);
    let mut expected = [0; MAC];
    file.read_exact_at(&mut expected, length + CLAIM as u64)?;
    // Compared in constant time.
    if mac.finalize() != blake3::Hash::from_bytes(expected) {
        return Err(Doubt::Mac);
    }
    if claim.digest() != key.digest {
        return Err(Doubt::Component(claim.digest()));
    }
    if claim.engine() != key.engine {
        return Err(Doubt::Engine { found: claim.engine(), wanted: key.engine });
    }
    usize::try_from(length).map_err(|_| Doubt::Form)
}

fn hash(file: &File, length: u64, mac: &mut blake3::Hasher) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    let mut at = 0;
    while at < length {
        let wanted = usize::try_from(length - at).map_or(CHUNK, |left| left.min(CHUNK));
        file.read_exact_at(&mut chunk[..wanted], at)?;
        mac.update(&chunk[..wanted]);
        at += wanted as u64;
    }
    Ok(())
}
