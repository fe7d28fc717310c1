//! Records, programs and secrets, with stand-ins for native tests. See the README.

pub mod notes;
pub mod programs;
mod secret;

pub use self::notes::Note;
pub use self::programs::Ran;
pub use self::secret::secret;
