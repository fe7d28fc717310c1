//! Files: named roots, opened once, and nothing outside of them.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `grant` | what the operator says of files |
//! | `path` | text of a guest → a path beneath a root, or why it is none |
//! | `quota` | what a root holds, and whether a change fits |
//! | `words` | errors of the system → refusals |
//! | `shared` | the roots, opened at the start, and who may use which |
//! | `space` | one open root, with the count of what it holds |
//! | `survey` | counts a root, and removes what a killed writer left in it |
//! | `scratch` | the folder of each run, and its end |
//! | `call` | what one call may use |
//! | `going` | whether the call that waits for blocking work still does |
//! | `file` | opening plain files, and nothing that merely looks like one |
//! | `reading`, `writing` | the operations, on a thread that may block |
//! | `temporary` | a file that is not in place yet |
//! | `provider` | the functions that guests import |

mod call;
mod file;
mod going;
mod grant;
mod path;
mod provider;
mod quota;
mod reading;
mod scratch;
mod shared;
mod space;
mod survey;
mod temporary;
mod words;
mod writing;

pub use self::grant::{Access, Grant, Root};
pub use self::provider::Provider;
pub use self::shared::{OpenError, Roots};
pub(crate) use self::shared::{SCRATCH, absent};
