//! Which code answers for which function, and how new code takes its place.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`activation`] | one line of the activation log: from when on which code is active for a function |
//! | [`source`] | where components come from: what is there, and when that changes |
//! | [`folder`] | a watched folder of `.wasm` files |
//! | [`oci`] | references into OCI registries |

pub mod activation;
pub mod folder;
pub mod oci;
pub mod source;
