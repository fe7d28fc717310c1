use outside::testing::World;
use system_bus_sdk::Reason;
use system_bus_sdk::Refused;
use system_bus_testing::Kit;

use super::{BOOKS, asked, world};
use crate::{BookDownloaded, BookWanted, IngestRequested, book_download};

const STEPS: [&str; 15] = [
    "otel-book-download-started",
    "resolve-aa-book-binary",
    "ensure-output-dir",
    "ensure-aa-secret",
    "otel-aa-secret-ready",
    "search-and-select-md5",
    "otel-selection-completed",
    "download-book",
    "convert-to-pdf",
    "otel-download-completed",
    "backup-to-nas",
    "otel-nas-backup",
    "emit-book-events",
    "otel-ingest-queued",
    "notify-gateway",
];

fn steps(of_selection: &'static str) -> Vec<&'static str> {
    let named = |step| if step == "search-and-select-md5" { of_selection } else { step };
    STEPS.into_iter().map(named).chain(["otel-book-download-completed"]).collect()
}

#[system_bus_sdk::test(crash = "everywhere")]
fn a_book_is_chosen_fetched_converted_kept_and_announced(kit: &mut Kit) {
    let (world, looks) = world(kit, "book.epub", &[]);
    let run = kit.run::<book_download>(asked());
    run.assert_steps(steps("search-and-select-md5"));
    let book: BookDownloaded = run.output();
    assert_eq!((book.md5.as_str(), book.title.as_str()), (BOOKS[1], "Tea: a Handbook"));
    assert_eq!((book.format.as_str(), book.reason.as_str()), ("pdf", "it is the handbook"));
    assert!(book.path.starts_with("/tmp/book-download/") && book.path.ends_with("/book.pdf"));
    let kept = format!("/volume1/home/joel/books/tea-a-handbook.{}.pdf", BOOKS[1]);
    assert_eq!(book.nas_path.as_deref(), Some(kept.as_str()));
    assert!(looks.borrow().iter().all(|md5| md5 == BOOKS[1]));

    assert_eq!(kit.sent::<BookDownloaded>(), std::slice::from_ref(&book));
    let ingests = kit.sent::<IngestRequested>();
    assert_eq!(ingests.len(), 1);
    assert_eq!((ingests[0].path.as_str(), ingests[0].tags.len()), (book.path.as_str(), 1));
    assert_eq!(world.kinds(), ["book.downloaded"]);
    assert_eq!(
        world.actions(),
        [
            "book.download.started",
            "book.secret.ready",
            "book.selection.completed",
            "book.download.fetched",
            "book.backup",
            "book.ingest.queued",
            "book.download.completed",
        ]
    );
    // The secret stands in a variable of the program, and in nothing that is stored.
    for program in world.ran().iter().filter(|program| program.line().contains("aa-book ")) {
        assert!(!program.line().contains("annas_archive_key"), "{}", program.line());
    }
    for step in &run.steps {
        assert!(!format!("{:?}", step.result).contains("<annas_archive_key>"), "{}", step.name);
    }
}

#[system_bus_sdk::test]
fn programs_are_run_as_they_expect_and_not_for_ever(kit: &mut Kit) {
    let (world, _) = world(kit, "book.epub", &[]);
    kit.run::<book_download>(asked());
    let ran: Vec<_> = world.ran();
    let seen: Vec<_> =
        ran.iter().map(|one| (one.line(), one.time().map(|time| time.as_secs()))).collect();
    assert_eq!(
        seen,
        [
            ("aa-book --version".to_owned(), Some(10)),
            ("aa-book search --json --format pdf -- a handbook of tea".to_owned(), Some(45)),
            (format!("aa-book download --output . {}", BOOKS[1]), Some(900)),
            ("ebook-convert ./book.epub ./book.pdf".to_owned(), Some(180)),
            (
                "ssh -o BatchMode=yes joel@three-body mkdir -p /volume1/home/joel/books".to_owned(),
                None
            ),
            (
                format!(
                    "scp -q -o BatchMode=yes ./book.pdf \
                     joel@three-body:/volume1/home/joel/books/tea-a-handbook.{}.pdf",
                    BOOKS[1]
                ),
                Some(600)
            ),
        ]
    );
    let secret = ("AA_SECRET_KEY".to_owned(), "<annas_archive_key>".to_owned());
    assert_eq!(ran[1].variables(), std::slice::from_ref(&secret));
    assert_eq!(ran[2].variables(), [secret]);
}

#[system_bus_sdk::test]
fn a_book_that_is_named_is_not_searched_for(kit: &mut Kit) {
    let (world, looks) = world(kit, "book.pdf", &[]);
    let event =
        BookWanted { md5: Some(BOOKS[2].to_owned()), title: Some("Mine".to_owned()), ..asked() };
    let run = kit.run::<book_download>(event);
    run.assert_steps(steps("verify-provided-md5"));
    let book: BookDownloaded = run.output();
    assert_eq!((book.md5.as_str(), book.title.as_str()), (BOOKS[2], "Mine"));
    assert_eq!(*looks.borrow(), [BOOKS[2]]);
    // A PDF is one already.
    assert!(world.lines().iter().all(|line| !line.contains("search") && !line.contains("convert")));
}

#[system_bus_sdk::test]
fn a_choice_whose_page_is_gone_gives_way_to_the_next(kit: &mut Kit) {
    let (_world, looks) = world(kit, "book.pdf", &[BOOKS[0], BOOKS[1]]);
    let book: BookDownloaded = kit.run::<book_download>(asked()).output();
    assert_eq!((book.md5.as_str(), book.reason.as_str()), (BOOKS[2], "its page is there"));
    assert_eq!(*looks.borrow(), [BOOKS[1], BOOKS[0], BOOKS[2]]);
}

#[system_bus_sdk::test]
fn without_a_model_or_with_one_that_dreams_it_is_the_first_that_fits(kit: &mut Kit) {
    let (world, _) = world(kit, "book.epub", &[]);
    let refused = |_: &outside::Ask| Err(Refused::new(Reason::Late, "too slow"));
    let dreams = |_: &outside::Ask| {
        Ok(serde_json::json!({ "md5": "ffffffffffffffffffffffffffffffff", "reason": "best" }))
    };
    let choose = |world: &World, kit: &mut Kit, format: &str| {
        let _ = world;
        let event = BookWanted { format: Some(format.to_owned()), ..asked() };
        kit.run::<book_download>(event).output::<BookDownloaded>().md5
    };
    world.model(refused);
    assert_eq!(choose(&world, kit, "EPUB"), BOOKS[1]);
    world.model(dreams);
    assert_eq!(choose(&world, kit, "pdf"), BOOKS[0]);
}
