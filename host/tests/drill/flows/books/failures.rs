//! Books of which nothing comes, or not at once.

use serde_json::json;

use super::library::{KEY, Library, md5};
use super::{KEPT, records, steps, wanted};
use crate::flows::scene::{Ran, Scene};

pub(super) async fn play(library: &Library, scene: &Scene) -> Vec<Ran> {
    let mut runs = invalid(library, scene).await;
    runs.push(nothing(library, scene).await);
    let (again, broken, half, unreadable, noise, pageless, nas) = tokio::join!(
        again(library, scene),
        broken(library, scene),
        half(library, scene),
        unreadable(library, scene),
        noise(library, scene),
        pageless(library, scene),
        nas_gone(library, scene),
    );
    runs.extend(again);
    runs.extend([broken, half, unreadable, noise, pageless, nas]);
    for (command, key) in library.keys() {
        let wants = if command == "--version" { "none" } else { KEY };
        assert_eq!(key, wants, "{command}");
    }
    runs
}

/// A book that the program treats specially.
fn special(ending: &str) -> String {
    format!("{}{ending}", "c".repeat(32 - ending.len()))
}

async fn invalid(library: &Library, scene: &Scene) -> Vec<Ran> {
    let before = library.programs.calls("aa-book").len();
    let mut runs = Vec::new();
    for event in [
        json!({}),
        json!({"query": "  ", "md5": ""}),
        json!({"md5": "../../etc/passwd", "query": "tea"}),
        json!({"query": "tea", "format": "pdf --exec"}),
    ] {
        let run = wanted(scene, &event).await;
        assert!(run.failure().contains("Invalid"), "{event}: {run:?}");
        run.assert_steps(&[]);
        assert_eq!(records(scene, &run), ["book.download.failed"]);
        runs.push(run);
    }
    assert_eq!(library.programs.calls("aa-book").len(), before);
    runs
}

/// The steps of a run that fails in this one.
fn until(step: &'static str) -> Vec<&'static str> {
    let choice = if step == "verify-provided-md5" { step } else { "search-and-select-md5" };
    let named = |all: Vec<&'static str>| all.into_iter().take_while(move |it| *it != step);
    named(steps(choice)).chain([step, "otel-book-download-failed"]).collect()
}

async fn nothing(library: &Library, scene: &Scene) -> Ran {
    let run = wanted(scene, &json!({"query": "nothing of tea"})).await;
    let failure = run.failure();
    assert!(failure.contains("NotFound") && failure.contains("nothing was found"), "{failure}");
    run.assert_steps(&until("search-and-select-md5"));
    assert_eq!(run.attempts("search-and-select-md5"), 1);
    assert_eq!(library.asked("nothing of tea").len(), 1);
    let record = scene.record(&run, "book.download.failed");
    assert_eq!(
        (&record["success"], &record["metadata"]["query"]),
        (&json!(false), &json!("nothing of tea"))
    );
    run
}

/// A search and a download that fail once are made again, in the same folder.
async fn again(library: &Library, scene: &Scene) -> Vec<Ran> {
    let event = json!({"query": "flaky tea"});
    let md5 = special("333333");
    let named = json!({"md5": md5, "title": "Whole"});
    let (searched, fetched) = tokio::join!(wanted(scene, &event), wanted(scene, &named));
    searched.assert_steps(&steps("search-and-select-md5"));
    assert_eq!(searched.attempts("search-and-select-md5"), 2);
    assert_eq!(searched.result()["title"], "On Tea");
    fetched.assert_steps(&steps("verify-provided-md5"));
    assert_eq!((fetched.attempts("download-book"), library.asked(&md5).len()), (2, 2));
    let path = fetched.result()["path"].as_str().expect("a path");
    assert_eq!(scene.read(path), "whole\n");
    let folder = path.strip_suffix("book.pdf").expect("its name");
    assert_eq!(scene.read(format!("{folder}book.pdf.part")), "half\n");
    vec![searched, fetched]
}

/// Panics unless it failed of this in its second attempt of a step, was recorded, and nothing was announced.
async fn assert_failed(scene: &Scene, run: &Ran, step: &'static str, why: &str, md5: &str) {
    assert!(run.failure().contains(why), "{why}: {run:?}");
    let mut wants = until(step);
    if !run.steps.contains(&"search-and-select-md5".to_owned()) {
        let choice = wants.iter().position(|step| *step == "search-and-select-md5");
        if let Some(at) = choice {
            wants[at] = "verify-provided-md5";
        }
    }
    run.assert_steps(&wants);
    assert_eq!(run.attempts(step), 2);
    let last = records(scene, run).pop();
    assert_eq!(last.as_deref(), Some("book.download.failed"));
    let events = scene.events("pipeline/book.downloaded").await;
    assert!(events.iter().all(|event| event["data"]["md5"] != md5), "{md5}");
    assert!(scene.told("book.downloaded", |payload| payload["md5"] == md5).is_empty());
}

async fn broken(library: &Library, scene: &Scene) -> Ran {
    let md5 = special("111111");
    let run = wanted(scene, &json!({"md5": md5})).await;
    assert_failed(scene, &run, "download-book", "the mirror is gone", &md5).await;
    assert_eq!(library.asked(&md5).len(), 2);
    run
}

/// What is broken off is no book.
async fn half(_library: &Library, scene: &Scene) -> Ran {
    let md5 = special("222222");
    let run = wanted(scene, &json!({"md5": md5})).await;
    assert_failed(scene, &run, "download-book", "has left no book", &md5).await;
    run
}

async fn unreadable(library: &Library, scene: &Scene) -> Ran {
    let md5 = special("e9b5555");
    let run = wanted(scene, &json!({"md5": md5})).await;
    assert_failed(scene, &run, "convert-to-pdf", "no pages", &md5).await;
    // It was fetched once, and converting it was tried twice.
    assert_eq!(library.asked(&md5).len(), 1);
    run
}

async fn noise(library: &Library, scene: &Scene) -> Ran {
    let run = wanted(scene, &json!({"query": "noise about tea"})).await;
    assert_failed(scene, &run, "search-and-select-md5", "is no list", "none").await;
    assert_eq!(library.asked("noise about tea").len(), 2);
    run
}

async fn pageless(library: &Library, scene: &Scene) -> Ran {
    let gone = md5('e', "epub");
    let event = json!({"md5": gone});
    let query = json!({"query": "pageless tea"});
    let (named, found) = tokio::join!(wanted(scene, &event), wanted(scene, &query));
    assert_failed(scene, &named, "verify-provided-md5", "NoPage", &gone).await;
    assert_eq!(library.looks(&gone), 2);
    assert_failed(scene, &found, "search-and-select-md5", "NoPage", "none").await;
    found
}

/// A book that is not kept is here all the same.
async fn nas_gone(library: &Library, scene: &Scene) -> Ran {
    let md5 = md5('8', "pdf");
    library.nas.fails(&md5, 100);
    let run = wanted(scene, &json!({"md5": md5, "title": "Here"})).await;
    run.assert_steps(&steps("verify-provided-md5"));
    assert_eq!(run.attempts("backup-to-nas"), 2);
    let result = run.result();
    assert!(result["backupError"].as_str().expect("why").contains("No route to host"));
    assert!(result.get("nasPath").is_none());
    assert_eq!(library.nas.kept(&format!("{KEPT}/here.{md5}.pdf")), None);
    assert_eq!(scene.read(result["path"].as_str().expect("a path")), format!("the book {md5}\n"));
    assert_eq!(scene.record(&run, "book.backup")["level"], "warn");
    let announced =
        scene.event("pipeline/book.downloaded", |data| data["md5"] == md5.as_str()).await;
    assert_eq!(&announced["data"], result);
    let ingest = scene.event("docs/ingest.requested", |data| data["path"] == result["path"]).await;
    assert!(ingest["data"].get("nasPath").is_none(), "{ingest}");
    let told = scene.told("book.downloaded", |payload| payload["md5"] == md5.as_str());
    assert_eq!(told.len(), 1);
    run
}
