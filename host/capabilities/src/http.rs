//! Requests: to granted destinations, at addresses that are looked at when the connection is made.
//!
//! | file | what it decides or does |
//! | --- | --- |
//! | [`Grant`] | what the operator writes |
//! | [`Destination`] | the form of a destination, and what it includes |
//! | `path` | the rules of paths, and which paths are read in one way only |
//! | `target` | where a request goes, in one spelling |
//! | `address` | which addresses are nobody's business |
//! | `resolve` | names → addresses |
//! | `connect` | a connection to an address that was looked at |
//! | `pool` | idle connections, each component's its own |
//! | `denial` | why a request was denied, and which line would allow it |
//! | `answer` | the body of an answer: so many bytes, until then |
//! | `secrets` | secrets in the places of their placeholders |
//! | `idempotency` | the key that the host adds |
//! | `call` | one request, from the grant to the answer |
//! | `provider` | what is shared, and its place in the runtime |

mod address;
mod answer;
mod call;
mod connect;
mod denial;
mod destination;
mod failure;
mod grant;
mod idempotency;
mod path;
mod pool;
mod provider;
mod resolve;
mod secrets;
mod target;

pub use self::destination::{Destination, DestinationError};
pub use self::grant::{Grant, Method};
pub use self::provider::Provider;
pub use self::resolve::{Resolver, SystemResolver};
