//! The vault and the site: brought together, compared, and rid of what is on the site alone.

mod comparisons;
mod services;
mod syncs;

use std::path::PathBuf;
use std::rc::Rc;

use serde_json::{Value, json};

use self::services::{Convex, KEY, Pages, SECRET};
use super::flow::Flow;
use super::git::write;
use super::scene::Scene;
use super::stage::Stage;

struct Content {
    vault: PathBuf,
    convex: Convex,
    pages: Pages,
}

pub(super) fn set(stage: &mut Stage) -> Rc<dyn Flow> {
    let vault = stage.root("vault");
    let (convex, pages) = (Convex::on(stage), Pages::on(stage));
    stage.secret("convex_deploy_key", KEY);
    stage.secret("revalidation_secret", SECRET);
    let (at, told) = (convex.site.origin(), pages.site.origin());
    stage.grant(&format!(
        r#"[components.content-sync]
fs = [{{ root = "vault" }}]
http = [
  {{ to = "{at}/api/**", methods = ["POST"], private = true }},
  {{ to = "{told}/api/revalidate", methods = ["POST"], private = true }},
]
secrets = [
  {{ name = "convex_deploy_key", to = ["{at}"] }},
  {{ name = "revalidation_secret", to = ["{told}"] }},
]
config = {{ CONVEX_URL = "{at}/", REVALIDATE_URL = "{told}/api/revalidate" }}
"#
    ));
    let content = Content { vault, convex, pages };
    for (file, text) in [
        ("docs/decisions/0001-one.md", "---\ntitle: \"One\"\nstatus: accepted\n---\nText\n"),
        ("docs/decisions/0002-two.md", "---\nstatus: draft\n---\n# Two\n"),
        ("docs/decisions/0004-refused.md", "# Refused\n"),
        ("docs/decisions/README.md", "# Decisions\n"),
        ("docs/decisions/_template.md", "# Template\n"),
        ("docs/decisions/picture.png", "none"),
        ("Resources/discoveries/tea.md", "# Tea\nGood.\n"),
        ("Resources/discoveries/diary.md", "---\nprivate: true\n---\nDear diary\n"),
        ("Resources/discoveries/letter.md", "---\nvisibility: private\n---\nDear\n"),
        ("Resources/discoveries/other.md", "---\nsite: elsewhere\n---\nNot here\n"),
    ] {
        content.writes(file, text);
    }
    std::fs::write(content.vault.join(BROKEN), [0xff, 0xfe, 0x00]).expect("written");
    for (id, kind, hash) in [
        ("adr:0000-gone", "adr", "old"),
        ("adr:0001-one", "adr", "old"),
        ("discovery:diary", "discovery", "old"),
        ("discovery:lost", "discovery", "old"),
    ] {
        content.convex.put(id, kind, hash);
    }
    Rc::new(content)
}

/// A file that is no text.
const BROKEN: &str = "docs/decisions/0003-broken.md";

#[async_trait::async_trait(?Send)]
impl Flow for Content {
    fn name(&self) -> &'static str {
        "system/content-sync, -schedule, -verify, -prune"
    }

    async fn play(&self, scene: &Scene) {
        let mut runs = vec![comparisons::different(self, scene).await];
        runs.extend(syncs::play(self, scene).await);
        runs.extend(comparisons::pruned(self, scene).await);
        runs.extend(comparisons::failures(self, scene).await);
        self.convex.assert_asked_with_the_key();
        self.pages.assert_told_with_the_secret();
        for secret in [KEY, SECRET] {
            scene.hides(secret, &runs.iter().collect::<Vec<_>>());
        }
    }
}

impl Content {
    fn writes(&self, file: &str, text: &str) {
        write(&self.vault.join(file), text);
    }
}

/// How many files of a kind came to what.
fn counts(upserted: u32, skipped: u32, draft: u32, private: u32, offsite: u32) -> Value {
    json!({
        "upserted": upserted,
        "skipped": skipped,
        "draft": draft,
        "private": private,
        "offsite": offsite,
    })
}
