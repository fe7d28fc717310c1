//! The edit loop: sources that change → components that serve.
//!
//! ```text
//!  sources ──► turns ──► making ──► place ──► reload        the same reload as of any other deploy
//!  (what was   (when to  (cargo,    (atomic)  (one swap of
//!   saved)      build)    killable)            one pointer)
//! ```
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`projects`] | folders that were named → cargo projects and their components |
//! | [`sources`] | the files of these, and which of them were saved |
//! | [`turns`] | when a build begins, ends, and is begun anew; pure |
//! | [`making`] | one build: cargo's output told as it comes, and the components it made |
//! | [`news`] | what the loop tells: in words, or as JSON |
//! | [`teller`] | where news go: a terminal, plain lines, or JSON |
//! | [`panel`] | what stands at the bottom of a terminal; pure |
//! | [`session`] | all of it together with an engine and its workers |

pub(crate) mod making;
pub(crate) mod news;
pub(crate) mod panel;
pub(crate) mod projects;
pub(crate) mod session;
pub(crate) mod sources;
pub(crate) mod teller;
pub(crate) mod turns;
