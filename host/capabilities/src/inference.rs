//! Asking language models: one shared way, with the providers of the operator behind it.
//!
//! A question passes: the component's grant, the circuit of what it is for, a bound of how many are asked at once, and
//! then one provider after the other until one answers, all within one budget of time.

mod answer;
mod breakers;
mod circuit;
mod grant;
mod openai;
mod pi;
mod process;
mod provider;
mod question;
mod record;
mod route;
mod schema;
mod shared;

pub use self::grant::{Grant, Providers, Source};
pub use self::pi::Environment;
pub use self::provider::{Provider, SetupError};
pub use self::shared::Lookup;
pub(crate) use self::shared::wrong;
