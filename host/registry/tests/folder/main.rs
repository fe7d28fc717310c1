//! A watched folder: real files, real events.

mod files;
mod folders;
mod support;
