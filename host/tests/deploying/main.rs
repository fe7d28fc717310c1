//! `docs/deploying.md`: every command of the page is run, in its order, and what it shows is compared with what was said.

#[path = "../support/clone.rs"]
mod clone;
mod page;
#[path = "../support/patience.rs"]
mod patience;
#[path = "../support/process.rs"]
#[allow(dead_code, reason = "workers are started by the page")]
mod process;
mod scene;
#[path = "../support/server.rs"]
#[allow(dead_code, reason = "workers are started by the page")]
mod server;

use self::page::Part;
use self::patience::eventually;
use self::scene::Scene;

const PAGE: &str = include_str!("../../../docs/deploying.md");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_of_the_page_does_what_the_page_says() {
    let mut scene = Scene::set();
    let (mut last, mut compared) = (None, 0);
    for part in page::parts(PAGE) {
        match part {
            Part::Runs => scene.let_runs_sleep().await,
            Part::Command(text) => {
                if let Some(command) = text.strip_suffix('&') {
                    scene.start(command).await;
                } else {
                    last = Some((text, scene.run(text)));
                }
            }
            Part::Shown(text) => {
                let (command, said) = last.as_ref().expect("a command before what it shows");
                page::compare(text, said).unwrap_or_else(|missing| {
                    panic!("{command}\nsaid\n{said}\nand the page says\n{missing}")
                });
                compared += 1;
            }
        }
    }
    assert!(compared > 10, "the page shows what {compared} commands say");
    // The first worker was replaced.
    scene.ended("127.0.0.1:3111").await;
}

#[test]
fn the_rules_for_canaries_are_the_defaults() {
    #[derive(serde::Deserialize)]
    struct File {
        canary: registry::judge::Policy,
    }
    let rules = PAGE.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next());
    let rules = rules.expect("rules");
    let file: File = toml::from_str(rules).expect("TOML");
    assert_eq!(file.canary, registry::judge::Policy::default());
    // Each of them is written there.
    let names = toml::Table::try_from(registry::judge::Policy::default()).expect("a table");
    for name in names.keys() {
        assert!(rules.contains(&format!("{name} = ")), "{name}");
    }
}
