//! Books that are looked for, chosen, fetched, converted and kept; and those of which nothing comes.

mod failures;
mod library;

use std::rc::Rc;

use serde_json::{Value, json};

use self::library::{KEY, Library, md5};
use super::flow::Flow;
use super::scene::{Ran, Scene};
use super::stage::Stage;

const FUNCTION: &str = "book-download";
const KEPT: &str = "/volume1/home/joel/books";

pub(super) fn set(stage: &mut Stage) -> Rc<dyn Flow> {
    Rc::new(Library::on(stage))
}

#[async_trait::async_trait(?Send)]
impl Flow for Library {
    fn name(&self) -> &'static str {
        "book-download"
    }

    async fn play(&self, scene: &Scene) {
        let mut runs = vec![found(self, scene).await];
        runs.push(named(self, scene).await);
        runs.extend(chosen_without_a_model(self, scene).await);
        runs.extend(failures::play(self, scene).await);
        // It stands in the environment of the program, and nowhere else.
        scene.hides(KEY, &runs.iter().collect::<Vec<_>>());
        scene.hides(library::MODEL_KEY, &runs.iter().collect::<Vec<_>>());
    }
}

pub(super) async fn wanted(scene: &Scene, event: &Value) -> Ran {
    scene.run(FUNCTION, "pipeline/book.download", event).await
}

/// The steps of a run that comes to its end, with this one for the choice.
pub(super) fn steps(choice: &str) -> Vec<&str> {
    let before = [
        "otel-book-download-started",
        "resolve-aa-book-binary",
        "ensure-output-dir",
        "ensure-aa-secret",
        "otel-aa-secret-ready",
    ];
    let after = [
        "otel-selection-completed",
        "download-book",
        "convert-to-pdf",
        "otel-download-completed",
        "backup-to-nas",
        "otel-nas-backup",
        "emit-book-events",
        "otel-ingest-queued",
        "notify-gateway",
        "otel-book-download-completed",
    ];
    [&before[..], &[choice], &after].concat()
}

/// What a run records that comes to its end.
const ACTIONS: [&str; 7] = [
    "book.download.started",
    "book.secret.ready",
    "book.selection.completed",
    "book.download.fetched",
    "book.backup",
    "book.ingest.queued",
    "book.download.completed",
];

/// The model's choice, an EPUB, becomes a PDF and is kept.
async fn found(library: &Library, scene: &Scene) -> Ran {
    let event = json!({"query": "a handbook of tea", "format": "pdf", "tags": ["tea", "2026"]});
    let run = wanted(scene, &event).await;
    run.assert_steps(&steps("search-and-select-md5"));
    let md5 = md5('b', "epub");
    let name = format!("tea-a-handbook.{md5}.pdf");
    let path = run.result()["path"].as_str().expect("a path").to_owned();
    let book = json!({
        "md5": md5,
        "title": "Tea: a Handbook",
        "format": "pdf",
        "path": path,
        "bytes": format!("the book {md5}\nas PDF\n").len(),
        "nasPath": format!("{KEPT}/{name}"),
        "reason": "it is the handbook",
    });
    assert_eq!(run.result(), &book);
    assert_eq!(scene.read(&path), format!("the book {md5}\nas PDF\n"));
    assert_eq!(library.nas.kept(&format!("{KEPT}/{name}")), Some(scene.read(&path)));

    let folder = path.strip_suffix("/book.pdf").expect("its name");
    assert!(
        scene.path("books").join(run.result_of("ensure-output-dir").as_str().expect("a name"))
            == std::path::Path::new(folder)
    );
    assert_eq!(
        library.asked("a handbook of tea"),
        [["search", "--json", "--format", "pdf", "--", "a handbook of tea"]]
    );
    assert_eq!(library.asked(&md5), [["download", "--output", ".", &md5]]);
    assert_eq!(library.programs.calls("ebook-convert")[0], ["./book.epub", "./book.pdf"]);
    let made = ["-o", "BatchMode=yes", "joel@three-body", "mkdir", "-p", KEPT];
    assert_eq!(library.nas.calls("ssh", KEPT)[0], made);
    let target = format!("joel@three-body:{KEPT}/{name}");
    let copied = ["-q", "-o", "BatchMode=yes", "./book.pdf", &target];
    assert_eq!(library.nas.calls("scp", &md5), [copied]);
    // One look at the page of what the model chose is enough.
    assert_eq!(library.looks(&md5), 1);
    assert_eq!(library.looks(&library::md5('a', "pdf")), 0);
    let question = library.question("a handbook of tea");
    assert!(question.contains("You choose the book that is meant") && question.contains("(pdf)"));

    let ingest = scene.event("docs/ingest.requested", |data| data["path"] == path.as_str()).await;
    let asked = json!({
        "path": path,
        "nasPath": format!("{KEPT}/{name}"),
        "title": "Tea: a Handbook",
        "tags": ["tea", "2026"],
        "source": "book-download",
    });
    assert_eq!(ingest["data"], asked);
    let announced =
        scene.event("pipeline/book.downloaded", |data| data["path"] == path.as_str()).await;
    assert_eq!(announced["data"], book);
    let told = scene.told("book.downloaded", |payload| payload["path"] == path.as_str());
    assert_eq!((told.len(), &told[0]["payload"]), (1, &book));
    assert_eq!(records(scene, &run), ACTIONS);
    run
}

/// The records of the function itself, without those of the model's use.
pub(super) fn records(scene: &Scene, run: &Ran) -> Vec<String> {
    let all = scene.actions(run).into_iter();
    all.filter(|action| !action.starts_with("inference.")).collect()
}

/// A book that is named is looked at and not looked for; what is a PDF stays one.
async fn named(library: &Library, scene: &Scene) -> Ran {
    let md5 = md5('c', "pdf");
    let event =
        json!({"md5": md5.to_uppercase(), "query": "ignored", "title": "  Ünder -- Leaves "});
    let run = wanted(scene, &event).await;
    run.assert_steps(&steps("verify-provided-md5"));
    let result = run.result();
    assert_eq!((&result["md5"], &result["reason"]), (&json!(md5), &json!("it was named")));
    assert_eq!(result["nasPath"], format!("{KEPT}/nder-leaves.{md5}.pdf"));
    assert!(library.asked("ignored").is_empty());
    assert_eq!(library.looks(&md5), 1);
    assert_eq!(library.asked(&md5).len(), 1);
    let converted = library.programs.calls("ebook-convert");
    assert!(converted.iter().all(|call| call[0] == "./book.epub"), "{converted:?}");
    assert_eq!(records(scene, &run), ACTIONS);
    run
}

/// A model that names what nobody found, or is away: the first that has the form, of those whose pages are there.
async fn chosen_without_a_model(library: &Library, scene: &Scene) -> Vec<Ran> {
    let dreams = wanted(scene, &json!({"query": "a dream of tea", "format": "EPUB"})).await;
    let result = dreams.result();
    assert_eq!(result["md5"], md5('b', "epub"));
    assert_eq!(result["reason"], "the first that fits: no model has chosen");
    assert_eq!(library.asked("a dream of tea")[0][3], "EPUB");

    let away = wanted(scene, &json!({"query": "tea without a model"})).await;
    assert_eq!(away.result()["md5"], md5('a', "pdf"));
    assert_eq!(
        library.asked("tea without a model"),
        [["search", "--json", "--", "tea without a model"]]
    );

    // Its page is gone, and the next one's too.
    let gone = wanted(scene, &json!({"query": "lost tea"})).await;
    let result = gone.result();
    assert_eq!(
        (&result["md5"], &result["reason"]),
        (&json!(md5('f', "pdf")), &json!("its page is there"))
    );
    assert_eq!((library.looks(&md5('d', "pdf")), library.looks(&md5('e', "pdf"))), (1, 1));
    vec![dreams, away, gone]
}
