//! What the worker and its launcher tell each other.

use std::io::{self, Read};
use std::path::PathBuf;

use protocol::digest::Digest;
use serde::{Deserialize, Serialize};

use crate::refusal::{Reason, Refusal};

/// What to start, and within which bounds. The program's input follows it. It may hold secrets, so it is not to be printed.
#[derive(Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) path: PathBuf,
    /// What the file has to be.
    pub(crate) digest: Option<Digest>,
    pub(crate) arguments: Vec<String>,
    /// All of its environment.
    pub(crate) variables: Vec<(String, String)>,
    pub(crate) processes: u64,
    /// In bytes, of each process.
    pub(crate) memory: u64,
    /// In bytes, of each file.
    pub(crate) file: u64,
    /// How many bytes of input follow.
    pub(crate) input: u64,
}

/// What a launcher has to say, as one line of JSON each.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Word {
    /// The program runs, in the process group of this number.
    Started(i32),
    /// It was not started.
    Refused { missing: bool, message: String },
    /// It and all that it started have ended. The last word.
    Ended(Ended),
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Ended {
    /// With this code.
    Exited(i32),
    /// By this signal.
    Killed(i32),
    /// By the launcher, with too many processes.
    Crowded,
}

/// The longest order, in bytes; argument lists of Linux end earlier.
const LONGEST: u32 = 16 << 20;

impl Order {
    /// As it is sent: its length as four bytes, the smallest first, and itself as JSON.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, Refusal> {
        let json = serde_json::to_vec(self).map_err(|error| {
            Refusal::new(Reason::Failed, format!("the order to the launcher: {error}"))
        })?;
        let length = u32::try_from(json.len()).ok().filter(|length| *length <= LONGEST);
        let length = length.ok_or_else(|| {
            Refusal::invalid(format!(
                "the arguments and variables are {} bytes together; {LONGEST} are the most",
                json.len()
            ))
        })?;
        let mut bytes = length.to_le_bytes().to_vec();
        bytes.extend(json);
        Ok(bytes)
    }

    /// Reads one.
    pub(crate) fn read(from: &mut impl Read) -> io::Result<Self> {
        let mut length = [0; 4];
        from.read_exact(&mut length)?;
        let length = u32::from_le_bytes(length);
        if length > LONGEST {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the order is too long"));
        }
        let mut json = vec![0; length as usize];
        from.read_exact(&mut json)?;
        Ok(serde_json::from_slice(&json)?)
    }
}
