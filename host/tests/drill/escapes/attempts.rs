//! Every attempt that there is, by what it is made with.

mod files;
mod network;
mod programs;
mod secrets;
mod stores;

use super::attempt::Attempt;
use super::scene::Scene;
use crate::Size;

/// All of them.
pub(super) fn all(scene: &Scene, size: Size) -> Vec<Attempt> {
    let mut all = files::attempts(size);
    all.extend(programs::attempts());
    all.extend(network::attempts(scene));
    all.extend(stores::attempts());
    all.extend(secrets::attempts(scene));
    all
}
