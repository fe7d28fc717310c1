use outside::testing::{World, ended, late, said};
use system_bus_testing::{Kit, RunStatus};

use super::{BOOKS, asked, world};
use crate::{BookDownloaded, BookWanted, book_download};

#[system_bus_sdk::test]
fn a_nas_that_is_away_is_told_and_stops_nothing(kit: &mut Kit) {
    let (world, _) = world(kit, "book.pdf", &[]);
    kit.fail("backup-to-nas", 2, system_bus_sdk::Error::retry("no route to host"));
    let book: BookDownloaded = kit.run::<book_download>(asked()).output();
    assert_eq!(book.nas_path, None);
    assert_eq!(book.backup_error.as_deref(), Some("no route to host"));
    assert!(world.actions().contains(&"book.backup!".to_owned()));
    assert_eq!(world.kinds(), ["book.downloaded"]);
}

#[system_bus_sdk::test(crash = "everywhere")]
fn a_download_that_fails_is_recorded_and_stays_a_failure(kit: &mut Kit) {
    let (world, _) = world(kit, "book.pdf", &[]);
    world.programs(|program| said(if program.line().contains("search") { "[]" } else { "" }));
    let run = kit.run::<book_download>(asked());
    assert_eq!(run.status, RunStatus::Failed);
    assert_eq!(run.error().name(), "NotFound");
    assert_eq!(run.step_names().last(), Some(&"otel-book-download-failed"));
    assert_eq!(world.actions().last().map(String::as_str), Some("book.download.failed!"));
    assert!(kit.events().is_empty() && world.heard().is_empty());
}

#[system_bus_sdk::test]
fn programs_that_fail_are_no_success(kit: &mut Kit) {
    for (program, argument, step) in [
        ("aa-book", "search", "search-and-select-md5"),
        ("aa-book", "download", "download-book"),
        ("ebook-convert", "", "convert-to-pdf"),
    ] {
        let (world, _) = world(kit, "book.epub", &[]);
        world.programs(move |one| {
            if one.name() == program && (argument.is_empty() || one.arguments()[0] == argument) {
                return if argument == "download" {
                    late(program)
                } else {
                    ended(program, 2, "broken")
                };
            }
            if let Some((root, folder)) = one.place() {
                World::put(root, &format!("{folder}/book.epub"), "a book");
            }
            match one.arguments()[0].as_str() {
                "search" => said(format!(r#"[{{"md5":"{}"}}]"#, BOOKS[0])),
                _ => said(""),
            }
        });
        let run = kit.run::<book_download>(asked());
        assert_eq!(run.error().name(), "ProgramFailed", "{step}");
        assert_eq!(run.attempts(step), 2, "{step}");
        assert_eq!(world.actions().last().map(String::as_str), Some("book.download.failed!"));
    }
}

#[system_bus_sdk::test]
fn what_is_not_found_or_has_no_page_fails(kit: &mut Kit) {
    let (world, _) = world(kit, "book.pdf", &BOOKS);
    assert_eq!(kit.run::<book_download>(asked()).error().name(), "NoPage");
    world.programs(|_| said("[]"));
    let run = kit.run::<book_download>(asked());
    assert_eq!((run.error().name(), run.attempts("search-and-select-md5")), ("NotFound", 1));
    world.programs(|_| said("no list"));
    assert_eq!(kit.run::<book_download>(asked()).error().name(), "Search");
}

#[system_bus_sdk::test]
fn a_secret_that_is_not_granted_stops_it(kit: &mut Kit) {
    let (world, _) = world(kit, "book.pdf", &[]);
    world.no_secret("annas_archive_key");
    let run = kit.run::<book_download>(asked());
    assert_eq!(run.error().name(), "CapabilityDenied");
    assert_eq!(run.attempts("ensure-aa-secret"), 1);
}

#[system_bus_sdk::test]
fn what_names_no_book_fails_at_once(kit: &mut Kit) {
    let (world, _) = world(kit, "book.pdf", &[]);
    for (query, md5, format) in [
        (None, None, None),
        (Some(" "), Some(""), None),
        (Some("tea"), Some("../../etc"), None),
        (Some("tea"), None, Some("pdf --exec")),
    ] {
        let text = |text: Option<&str>| text.map(str::to_owned);
        let (query, md5, format) = (text(query), text(md5), text(format));
        let run =
            kit.run::<book_download>(BookWanted { query, md5, format, ..BookWanted::default() });
        assert_eq!(run.error().name(), "Invalid");
        assert!(run.steps.is_empty());
    }
    assert!(world.ran().is_empty());
    world.gateway_down();
    assert_eq!(kit.run::<book_download>(asked()).status, RunStatus::Completed);
}
