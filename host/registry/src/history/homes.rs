//! Where functions have lived, which code their runs go on with, and under which names versions came.

use std::collections::BTreeMap;

use protocol::digest::Digest;
use protocol::function::Mode;
use protocol::id::FunctionId;
use protocol::role::Role;

use super::History;
use crate::activation::Activation;

impl History {
    /// Every home that a function has or had, with the last line that gave it code there.
    pub fn homes(&self) -> impl Iterator<Item = (&FunctionId, Role, &Activation)> {
        let mut homes: BTreeMap<(&FunctionId, Role), &Activation> = BTreeMap::new();
        for line in self.all() {
            if let (Some(home), Some(_)) = (line.home, line.digest) {
                homes.insert((&line.function, home), line);
            }
        }
        homes.into_iter().map(|((function, home), line)| (function, home, line))
    }

    /// Which code the runs go on with that began with this version, as it declares. None where the log does not say.
    pub fn mode(&self, function: &FunctionId, digest: Digest) -> Option<Mode> {
        let mut lines = self.all().rev().filter(|line| line.function == *function);
        lines.find_map(|line| line.mode.filter(|_| line.digest == Some(digest)))
    }

    /// The name of the component with which this version of a function came.
    pub fn name_of(&self, function: &FunctionId, digest: Digest) -> Option<&str> {
        let mut lines = self.all().rev().filter(|line| line.function == *function);
        lines.find(|line| line.digest == Some(digest)).map(|line| line.component.as_str())
    }
}
