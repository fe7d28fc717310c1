//! Who has a function: an id has one live owner, whichever app and whichever worker that is (R8, R9).

use std::fmt;

use serde::Serialize;

use super::{Announced, HeldFunction};
use crate::id::{AppId, FunctionId};

/// A function that two apps want to be theirs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Conflict {
    /// Its id.
    pub function: FunctionId,
    /// The app that has it on the server, with a trigger.
    pub app: AppId,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} belongs to the app {}", self.function, self.app)
    }
}

impl Announced {
    /// The active functions of ours that another app has as well and that are live there.
    ///
    /// A function without triggers is retired: it only brings its runs to their end, so it is in nobody's way. Neither is
    /// one of which the server does not tell the triggers.
    pub fn conflicts<'a>(
        &'a self,
        app: &'a AppId,
        held: &'a [HeldFunction],
    ) -> impl Iterator<Item = Conflict> + 'a {
        let live = held.iter().filter(|held| held.has_triggers() == Some(true));
        live.filter_map(|held| app.function_of(&held.id)?.parse::<FunctionId>().ok())
            .filter(|function| self.serves(function))
            .map(|function| Conflict { function, app: app.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::function::Manifest;

    #[test]
    fn only_a_live_function_of_the_same_id_is_in_the_way() {
        let manifest = Manifest::parse(
            r#"{"functions":[{"id":"a","triggers":[{"event":"x/y"}]},{"id":"b","triggers":[{"event":"x/y"}]}]}"#,
        )
        .expect("valid");
        let mut functions = manifest.functions;
        let retired = functions.split_off(1);
        let announced = Announced { functions, retired };
        let app: AppId = "other".parse().expect("an id");
        let trigger = r#"[{"event":"x/y"}]"#;
        for (id, triggers, in_the_way) in [
            ("other-a", trigger, true),
            ("other-a", r#"[{"cron":"0 9 * * *"}]"#, true),
            ("other-a", "[]", false),
            ("other-a", "null", false),
            ("other-b", trigger, false),
            ("other-c", trigger, false),
            ("a", trigger, false),
            ("another-a", trigger, false),
        ] {
            let held = format!(r#"[{{"id":"{id}","config":{{"triggers":{triggers}}}}}]"#);
            let held: Vec<HeldFunction> = serde_json::from_str(&held).expect("JSON");
            let found: Vec<_> = announced.conflicts(&app, &held).collect();
            assert_eq!(found.len(), usize::from(in_the_way), "{id} {triggers}: {found:?}");
        }
        let held: Vec<HeldFunction> = serde_json::from_str(
            r#"[{"id":"other-a","config":{"triggers":[{"event":"x/y"}]}},{"id":"other-a"}]"#,
        )
        .expect("JSON");
        let told: Vec<_> = announced.conflicts(&app, &held).map(|one| one.to_string()).collect();
        assert_eq!(told, ["a belongs to the app other"]);
    }
}
