use crate::call::{load, runtime};

#[tokio::test]
async fn what_no_component_gets_is_refused_by_name_when_it_is_loaded() {
    let error = load(&runtime(&[]), guests::IMPORT_FILES).await.expect_err("no files");
    let said = error.to_string();
    assert!(said.contains("component import-files") && said.contains("wasi:filesystem/"), "{said}");
    assert!(said.contains("docs/guests.md"), "{said}");
}
