//! Errors of the system → refusals.

use std::fmt;
use std::io::{self, ErrorKind};

use super::path::Inside;
use crate::refusal::{Answer, Reason, Refusal};

/// A file or folder, as it is spoken of: a path and the root it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spot {
    pub(crate) root: String,
    pub(crate) path: Inside,
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_root() {
            return write!(f, "the root `{}`", self.root);
        }
        write!(f, "`{}` in the root `{}`", self.path, self.root)
    }
}

impl Spot {
    /// Reads what a guest names.
    pub(crate) fn parse(root: &str, path: &str) -> Answer<Self> {
        match Inside::parse(path) {
            Ok(path) => Ok(Self { root: root.to_owned(), path }),
            Err(why) => {
                let reason = if why.leads_out() { Reason::Denied } else { Reason::Invalid };
                let shown: String = path.chars().take(80).collect();
                let message = format!("{shown:?} is no path in the root `{root}`: {why}");
                Err(Refusal::new(reason, message))
            }
        }
    }

    /// The refusal for what the system says. `done` is what could not be: `read`, `written`.
    pub(crate) fn failed(&self, done: &str, error: &io::Error) -> Refusal {
        let (reason, why) = told(error);
        Refusal::new(reason, format!("{self} cannot be {done}: {why}"))
    }

    /// The refusal for another reason.
    pub(crate) fn refused(&self, reason: Reason, done: &str, why: impl fmt::Display) -> Refusal {
        Refusal::new(reason, format!("{self} cannot be {done}: {why}"))
    }
}

/// The reason in what the system says, and words for it.
fn told(error: &io::Error) -> (Reason, String) {
    // The system's own refusals have a number. Without one it is the handle of the root that refuses.
    let own = error.raw_os_error().is_none();
    match error.kind() {
        ErrorKind::PermissionDenied if own => (
            Reason::Denied,
            "a link on its way leads out of the root, and nothing outside is granted".to_owned(),
        ),
        ErrorKind::NotFound => {
            (Reason::Missing, "it is not there, or a folder above it is not".to_owned())
        }
        ErrorKind::AlreadyExists => (Reason::Conflict, "something is there already".to_owned()),
        ErrorKind::DirectoryNotEmpty => {
            (Reason::Conflict, "the folder is not empty; remove what is in it first".to_owned())
        }
        ErrorKind::NotADirectory => {
            (Reason::Conflict, "something on its way is no folder".to_owned())
        }
        ErrorKind::IsADirectory => (Reason::Conflict, "it is a folder".to_owned()),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => (
            Reason::Exhausted,
            format!("its disk has no room left ({error}); what was there before is still there"),
        ),
        ErrorKind::FileTooLarge => {
            (Reason::Exhausted, format!("the system allows no file that large ({error})"))
        }
        ErrorKind::InvalidFilename | ErrorKind::InvalidInput => {
            (Reason::Invalid, format!("the system takes no such path ({error})"))
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => (
            Reason::Failed,
            format!("the system does not let the worker do it ({error}); see who owns it"),
        ),
        _ if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => (
            Reason::Invalid,
            "the links on its way lead in a circle, or must not be followed".into(),
        ),
        _ => (Reason::Failed, format!("the system says: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;

    use super::*;

    #[test]
    fn each_error_of_the_system_has_its_reason() {
        let table = [
            (Errno::NOENT, Reason::Missing),
            (Errno::EXIST, Reason::Conflict),
            (Errno::NOTEMPTY, Reason::Conflict),
            (Errno::NOTDIR, Reason::Conflict),
            (Errno::ISDIR, Reason::Conflict),
            (Errno::NOSPC, Reason::Exhausted),
            (Errno::DQUOT, Reason::Exhausted),
            (Errno::FBIG, Reason::Exhausted),
            (Errno::NAMETOOLONG, Reason::Invalid),
            (Errno::INVAL, Reason::Invalid),
            (Errno::LOOP, Reason::Invalid),
            (Errno::ACCESS, Reason::Failed),
            (Errno::PERM, Reason::Failed),
            (Errno::ROFS, Reason::Failed),
            (Errno::IO, Reason::Failed),
            (Errno::MFILE, Reason::Failed),
        ];
        for (errno, reason) in table {
            assert_eq!(told(&errno.into()).0, reason, "{errno:?}");
        }
        let path = Inside::parse("a/b").expect("a path");
        let spot = Spot { root: "notes".to_owned(), path };
        let error = io::Error::new(ErrorKind::PermissionDenied, "outside");
        let refused = spot.failed("read", &error);
        assert_eq!(refused.reason, Reason::Denied);
        assert_eq!(
            refused.message,
            "`a/b` in the root `notes` cannot be read: a link on its way leads out of the root, \
             and nothing outside is granted"
        );
    }
}
