//! The page that an engine and a worker show to people: values in, HTML out.
//!
//! Nothing here does I/O or reads a clock. Whoever serves the page makes the values and passes the time; what comes out is a
//! whole document that needs nothing but [`assets`], which are part of the program.
//!
//! | module | what it shows |
//! | --- | --- |
//! | [`runs`], [`run`] | runs, and one of them with its timeline |
//! | [`events`], [`sending`] | events, one of them, and the form to send one |
//! | [`functions`] | functions, their role, and what forces them into it |
//! | [`generations`] | what is active, and the activation log |
//! | [`html`] | markup, into which text gets only escaped |
//! | [`document`] | what is around each view |
//! | [`assets`] | the stylesheet, the script, and the headers for all answers |

pub mod assets;
pub mod document;
pub mod events;
pub mod functions;
pub mod generations;
pub mod html;
mod list;
pub mod run;
pub mod runs;
pub mod sending;
pub mod status;
pub mod time;

pub use document::Site;
pub use html::Html;
pub use list::Pages;
pub use status::Status;
