//! A guest that has got hold of a secret tells it in every way there is.

use std::sync::Arc;

use capabilities::secrets::{Provider, Vault};
use serde_json::json;

use super::Desk;

/// A desk with a vault that knows this secret.
async fn desk(secret: &str) -> (Desk, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("key");
    std::fs::write(&file, secret).expect("written");
    let text = format!("secrets.key.file = '{}'", file.display());
    let grants = capabilities::grants::parse(&text).expect("grants");
    let vault = Vault::open(&grants).expect("a vault");
    (Desk::with(vec![Arc::new(Provider::new(vault))]).await, folder)
}

/// Each way to tell it, and what the call comes to.
const WAYS: [(&str, &str); 11] = [
    ("outside", "done 7"),
    ("log", "done 7"),
    ("print", "done 7"),
    ("print-to-the-other", "done 7"),
    ("print-in-pieces", "done 7"),
    ("print-far-behind", "done 7"),
    ("record", "done 7"),
    ("span", "done 7"),
    ("panic", "Panic: "),
    ("trap", "Trap: "),
    ("fail", "tell failed with [secret key]: it is [secret key] (Never)"),
];

#[tokio::test]
async fn a_secret_is_in_no_line_record_span_or_error_however_it_is_told() {
    for (way, begins) in WAYS {
        let (desk, _folder) = desk("hunter2-and-more").await;
        let data = json!({"way": way, "secret": "hunter2-and-more"});
        let answer = desk.site.run("tells", data).await;
        assert!(answer.starts_with(begins), "{way}: {answer}");
        let log = desk.text();
        for text in [&answer, &log] {
            assert!(!text.contains("hunter2") && !text.contains("and-more"), "{way}: {text}");
        }
        // It was told, in a line, a record, a span or an error; far behind, the line is cut within it.
        let told = answer.contains("[secret key]") || log.contains("[secret key]");
        assert_eq!(told, way != "print-far-behind", "{way}: {answer}\n{log}");
    }
}

#[tokio::test]
async fn a_secret_of_several_lines_is_not_printed_line_by_line() {
    let secret = "-----BEGIN KEY-----\nhunter2hunter2\nand-more-of-it\n-----END KEY-----";
    for way in ["log", "print", "print-in-pieces", "record", "panic"] {
        let (desk, _folder) = desk(secret).await;
        let answer = desk.site.run("tells", json!({"way": way, "secret": secret})).await;
        let log = desk.text();
        for text in [&answer, &log] {
            assert!(!text.contains("hunter2") && !text.contains("and-more"), "{way}: {text}");
        }
        let told = if way == "panic" { &answer } else { &log };
        assert!(told.contains("[secret key]"), "{way}: {told}");
    }
}
