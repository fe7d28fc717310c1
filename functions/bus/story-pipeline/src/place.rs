//! Where a story is worked on.

use outside::{Program, below, is_name};
use system_bus_sdk::prelude::*;

use crate::StoryStart;
use crate::settings::Settings;

/// The root of checkouts.
pub(crate) const REPOSITORIES: &str = "repositories";
/// The root of `/tmp`, where proofs and schemas are.
pub(crate) const TMP: &str = "tmp";

/// Where a story is worked on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The checkout, below its root.
    pub(crate) folder: String,
    /// The plan, below the same root.
    pub(crate) prd: String,
    /// What statuses are kept under.
    pub(crate) prd_id: String,
}

impl Place {
    pub(crate) fn of(event: &StoryStart, settings: &Settings) -> Result<Self> {
        let wrong = |what: &str| Error::stop(what).named("Invalid");
        if event.prd_path.is_empty() || event.story_id.is_empty() {
            return Err(wrong("a story needs `prdPath` and `storyId`"));
        }
        if !is_name(&event.story_id) {
            return Err(wrong("the id of the story cannot be used"));
        }
        let root = settings.root.as_deref();
        let folder = match event.cwd.as_deref().map(|cwd| cwd.trim_end_matches('/')) {
            None | Some("") => String::new(),
            Some(cwd) if Some(cwd) == root => String::new(),
            Some(cwd) => below(cwd, root).ok_or_else(|| wrong("the folder cannot be used"))?,
        };
        let relative = !event.prd_path.starts_with('/') && !folder.is_empty();
        let path = below(&event.prd_path, root).ok_or_else(|| wrong("the plan cannot be used"))?;
        let prd = if relative { format!("{folder}/{path}") } else { path };
        let prd_id = prd.trim_end_matches(".json").replace('/', "-");
        Ok(Self { folder, prd, prd_id })
    }

    /// A program in the checkout.
    pub(crate) fn program(&self, name: &str) -> Program {
        Program::new(name).folder(REPOSITORIES, &self.folder)
    }

    /// Git in the checkout.
    pub(crate) fn git<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Program {
        self.program("git").args(arguments)
    }

    /// The key of the statuses.
    pub(crate) fn statuses(&self) -> String {
        format!("story-pipeline:{}", self.prd_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_the_checkout_and_nowhere_else() {
        for (cwd, prd, root, found) in [
            (None, "prd.json", None, Some(("", "prd.json", "prd"))),
            (
                Some("app"),
                "docs/prd.json",
                None,
                Some(("app", "app/docs/prd.json", "app-docs-prd")),
            ),
            (
                Some("/code/app/"),
                "prd.json",
                Some("/code"),
                Some(("app", "app/prd.json", "app-prd")),
            ),
            (Some("/code"), "/code/x/p.json", Some("/code"), Some(("", "x/p.json", "x-p"))),
            (Some("/etc"), "prd.json", Some("/code"), None),
            (None, "/etc/passwd", Some("/code"), None),
            (None, "../prd.json", None, None),
        ] {
            let event = StoryStart {
                prd_path: prd.to_owned(),
                story_id: "s1".to_owned(),
                cwd: cwd.map(str::to_owned),
                ..StoryStart::default()
            };
            let mut settings = Settings::of(|_| None);
            settings.root = root.map(str::to_owned);
            let place = Place::of(&event, &settings).ok();
            let place = place.map(|place| (place.folder, place.prd, place.prd_id));
            let found = found.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned()));
            assert_eq!(place, found, "{cwd:?} {prd} {root:?}");
        }
    }
}
