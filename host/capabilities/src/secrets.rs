//! Secrets: the component holds a placeholder, the host puts the secret in its place on the way out.
//!
//! | file | what it holds |
//! | --- | --- |
//! | `grant` | what the operator writes |
//! | `source` | reading a secret from a variable, a file or a command |
//! | `lease`, `keeper`, `shelf` | when one is read again; the one that does so; the values that are there now |
//! | `placeholder` | the tokens of one call |
//! | `destination` | where a secret may go: the pure part of the decision |
//! | `filler` | putting secrets in the place of tokens, for whatever sends something out |
//! | `forms` | finding secrets in what leaves a call |
//! | `vault` | all of that together, shared between calls |
//! | `provider` | the functions that guests import |

mod destination;
mod filler;
mod forms;
mod grant;
mod keeper;
mod lease;
mod placeholder;
mod provider;
mod shelf;
mod source;
mod value;
mod vault;

pub use self::destination::{Destination, NoDestination};
pub use self::filler::Filler;
pub use self::grant::{Grant, Part, Source};
pub use self::provider::Provider;
pub use self::vault::{Vault, VaultError};
pub(crate) use self::vault::{absent, wrong};
