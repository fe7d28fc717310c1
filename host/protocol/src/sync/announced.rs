//! What one app announces: the functions it serves, and those it only brings to their end.

use std::collections::BTreeSet;

use crate::function::FunctionConfig;
use crate::id::FunctionId;

/// What one app announces.
///
/// A *retired* function is not active any more, but may have unfinished runs. It is registered without triggers:
/// nothing starts it, and the server goes on calling it for the runs it has. Left out instead, the server would delete
/// it, and its runs with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Announced {
    /// The active functions, with their triggers.
    pub functions: Vec<FunctionConfig>,
    /// The retired ones. One that is active as well counts as active.
    pub retired: Vec<FunctionConfig>,
}

impl Announced {
    /// Functions that are all active.
    ///
    /// ```
    /// use protocol::function::Manifest;
    /// use protocol::sync::Announced;
    ///
    /// let manifest = Manifest::parse(r#"{"functions":[{"id":"tidy","triggers":[{"cron":"0 9 * * *"}]}]}"#).unwrap();
    /// let announced = Announced::active(&manifest.functions);
    /// assert!(announced.serves(&"tidy".parse().unwrap()));
    /// ```
    pub fn active<'f>(functions: impl IntoIterator<Item = &'f FunctionConfig>) -> Self {
        Self { functions: functions.into_iter().cloned().collect(), retired: Vec::new() }
    }

    /// Whether a function is active here.
    pub fn serves(&self, function: &FunctionId) -> bool {
        self.functions.iter().any(|active| active.id == *function)
    }

    /// The retired functions that are not active as well, each once.
    pub(super) fn only_retired(&self) -> impl Iterator<Item = &FunctionConfig> {
        let mut seen: BTreeSet<&FunctionId> = self.functions.iter().map(|one| &one.id).collect();
        self.retired.iter().filter(move |function| seen.insert(&function.id))
    }

    /// What this app may announce while another one still owns some functions of `next`: what it has now, without what
    /// `next` gives up. It takes nothing new, so it can never be in anybody's way, and two apps that exchange functions
    /// get out of each other's. None when `next` gives up nothing.
    ///
    /// ```
    /// use protocol::function::Manifest;
    /// use protocol::sync::Announced;
    ///
    /// let only = |id: &str| {
    ///     let json = format!(r#"{{"functions":[{{"id":"{id}","triggers":[{{"event":"a/b"}}]}}]}}"#);
    ///     Announced::active(&Manifest::parse(&json).unwrap().functions)
    /// };
    /// let giving_up = only("a").giving_up(&only("b")).unwrap();
    /// assert_eq!((giving_up.functions.len(), giving_up.retired[0].id.as_str()), (0, "a"));
    /// assert_eq!(only("a").giving_up(&only("a")), None);
    /// ```
    #[must_use]
    pub fn giving_up(&self, next: &Self) -> Option<Self> {
        let (kept, given_up): (Vec<_>, Vec<_>) =
            self.functions.iter().cloned().partition(|function| next.serves(&function.id));
        if given_up.is_empty() {
            return None;
        }
        let retired = given_up.into_iter().chain(self.retired.iter().cloned()).collect();
        Some(Self { functions: kept, retired })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::function::Manifest;

    fn functions(ids: &[&str]) -> Vec<FunctionConfig> {
        ids.iter()
            .flat_map(|id| {
                let json =
                    format!(r#"{{"functions":[{{"id":"{id}","triggers":[{{"event":"a/b"}}]}}]}}"#);
                Manifest::parse(&json).expect("valid").functions
            })
            .collect()
    }

    fn ids<'f>(functions: impl IntoIterator<Item = &'f FunctionConfig>) -> Vec<&'f str> {
        functions.into_iter().map(|function| function.id.as_str()).collect()
    }

    #[test]
    fn what_is_active_is_not_retired_and_nothing_is_retired_twice() {
        let announced = Announced {
            functions: functions(&["a", "b"]),
            retired: functions(&["b", "c", "c", "d"]),
        };
        assert_eq!(ids(announced.only_retired()), ["c", "d"]);
    }

    #[test]
    fn giving_up_keeps_what_stays_and_takes_nothing_new() {
        let now = Announced { functions: functions(&["a", "b"]), retired: functions(&["old"]) };
        let next = Announced { functions: functions(&["b", "new"]), retired: functions(&["a"]) };
        let between = now.giving_up(&next).expect("a is given up");
        assert_eq!(ids(&between.functions), ["b"]);
        assert_eq!(ids(between.only_retired()), ["a", "old"]);
        assert_eq!(between.giving_up(&next), None, "once is enough");
    }
}
