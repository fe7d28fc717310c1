//! The key that authenticates the entries of a folder: random bytes in a file that nobody else can read.

use std::fmt;
use std::io::{self, Read, Write};
use std::time::SystemTime;

use super::folder::Folder;

/// The key's file.
const NAME: &str = "key";
const LENGTH: usize = 32;

/// The key of a folder.
#[derive(Clone)]
pub(super) struct Secret([u8; LENGTH]);

impl Secret {
    /// The key that the folder holds. A folder without one gets one; so does a folder whose key others could read or
    /// have written, or that is not a key, and everything made with the old one is worth nothing then.
    pub(super) fn of(folder: &Folder) -> io::Result<Self> {
        let doubt = match Self::read(folder) {
            Ok(Some(secret)) => return Ok(secret),
            Ok(None) => None,
            Err(doubt) => Some(doubt),
        };
        let mut secret = [0; LENGTH];
        getrandom::fill(&mut secret).map_err(io::Error::from)?;
        let mut new = folder.create()?;
        new.file().write_all(&secret)?;
        if let Some(doubt) = doubt {
            tracing::warn!(
                file = %folder.path().join(NAME).display(), reason = doubt,
                "the key of the cache of compiled code cannot be trusted; there is a new one, and everything is compiled again"
            );
            new.publish(NAME, SystemTime::now())?;
            return Ok(Self(secret));
        }
        match new.publish_first(NAME) {
            Ok(()) => Ok(Self(secret)),
            // Another process was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let theirs = Self::read(folder).map_err(io::Error::other)?;
                theirs.ok_or_else(|| io::Error::other("it comes and goes"))
            }
            Err(error) => Err(error),
        }
    }

    fn read(folder: &Folder) -> Result<Option<Self>, String> {
        let Some(mut file) = folder.read(NAME).map_err(|doubt| doubt.to_string())? else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        let limit = LENGTH as u64 + 1;
        (&mut file).take(limit).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        let secret = bytes.try_into().map_err(|_| format!("it is not {LENGTH} bytes long"))?;
        Ok(Some(Self(secret)))
    }

    /// A keyed hash, to be fed.
    pub(super) fn mac(&self) -> blake3::Hasher {
        blake3::Hasher::new_keyed(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
