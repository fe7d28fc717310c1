//! Books that a test plays.

mod failures;
mod fetches;

use std::cell::RefCell;
use std::rc::Rc;

use outside::testing::{World, said};
use serde_json::json;
use system_bus_sdk::http::Response;
use system_bus_sdk::prelude::*;
use system_bus_testing::Kit;

use crate::BookWanted;
use crate::program::plain_name;
use crate::settings::Settings;

/// The digests of the books that are found.
pub(crate) const BOOKS: [&str; 3] = [
    "00000000000000000000000000000001",
    "00000000000000000000000000000002",
    "00000000000000000000000000000003",
];

pub(crate) fn asked() -> BookWanted {
    let sample: Value =
        serde_json::from_str(include_str!("../events/book-download.json")).expect("it is JSON");
    assert_eq!(sample["name"], "pipeline/book.download");
    serde_json::from_value(sample["data"].clone()).expect("it fits")
}

/// A search that finds three books, a program that leaves this file, and the pages of all but `gone`.
pub(crate) fn world(
    kit: &mut Kit,
    file: &'static str,
    gone: &'static [&'static str],
) -> (World, Rc<RefCell<Vec<String>>>) {
    let world = World::begin();
    world.programs(move |program| {
        let leave = |name: &str| {
            let (root, folder) = program.place().expect("a folder");
            World::put(root, &format!("{folder}/{name}"), "a book");
        };
        match (program.name(), program.arguments()[0].as_str()) {
            ("aa-book", "search") => said(
                json!([
                    { "md5": BOOKS[0], "title": "Coffee", "format": "pdf" },
                    { "md5": "no digest", "title": "None" },
                    { "md5": BOOKS[1], "title": "Tea: a Handbook", "format": "epub" },
                    { "md5": BOOKS[2], "title": "Tea again", "format": "pdf" },
                ])
                .to_string(),
            ),
            ("aa-book", "download") => {
                leave(file);
                said("")
            }
            ("ebook-convert", _) => {
                leave("book.pdf");
                said("")
            }
            _ => said("1.0\n"),
        }
    });
    world.model(|_| Ok(json!({ "md5": BOOKS[1], "reason": "it is the handbook" })));
    let looks: Rc<RefCell<Vec<String>>> = Rc::default();
    let seen = Rc::clone(&looks);
    kit.http(move |request| {
        let md5 = request.url().strip_prefix("https://annas-archive.org/md5/").expect("a page");
        seen.borrow_mut().push(md5.to_owned());
        Ok(Response::new(if gone.contains(&md5) { 404 } else { 200 }))
    });
    (world, looks)
}

#[test]
fn names_of_files_that_are_kept_are_plain() {
    for (title, file, name) in [
        ("Tea: a Handbook", "x.pdf", "tea-a-handbook.md.pdf"),
        ("$(rm)", "x.PDF", "rm.md.pdf"),
        ("日本", "x.epub", "md.epub"),
        ("Tea", "x", "tea.md"),
        ("Tea", "x.p df", "tea.md"),
    ] {
        assert_eq!(plain_name(title, "md", file), name, "{title} {file}");
    }
}

#[test]
fn settings_have_defaults() {
    for (value, found) in [
        (None, "joel@three-body"),
        (Some("me@nas"), "me@nas"),
        (Some("-oProxyCommand=x"), "joel@three-body"),
        (Some("a b"), "joel@three-body"),
        (Some("  "), "joel@three-body"),
    ] {
        let settings =
            Settings::of(|key| value.filter(|_| key == "NAS_SSH_HOST").map(str::to_owned));
        assert_eq!(settings.host, found, "{value:?}");
        assert_eq!(settings.archive, "https://annas-archive.org");
        assert_eq!(settings.folder, "/volume1/home/joel/books");
    }
    let set = Settings::of(|_| Some("http://127.0.0.1:9/".to_owned()));
    assert_eq!(set.archive, "http://127.0.0.1:9");
}
