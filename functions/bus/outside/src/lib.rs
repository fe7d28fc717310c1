//! What the bodies of steps touch outside, with stand-ins for it in tests.
//!
//! A component reaches the SDK by this. A native build reaches a [`World`](testing::World), which a test fills and
//! looks at.

mod asking;
mod files;
mod identity;
mod notes;
mod paths;
mod programs;
mod stores;
mod telling;
#[cfg(not(target_family = "wasm"))]
pub mod testing;
mod tokens;

pub use self::asking::Ask;
pub use self::files::Folder;
pub use self::identity::{digest, uuid};
pub use self::notes::{Note, Records};
pub use self::paths::{below, is_name};
pub use self::programs::{Exit, Program};
pub use self::stores::{Changes, Store};
pub use self::telling::{Tell, Told};
pub use self::tokens::token;

/// What a capability answers.
pub type Answer<T> = std::result::Result<T, system_bus_sdk::Refused>;
