use crate::call::{load, runtime};

#[tokio::test]
async fn a_faulty_manifest_is_refused_with_all_its_faults() {
    let error = load(&runtime(&[]), guests::MANIFEST_FAULTS).await.expect_err("retries 0");
    let said = error.to_string();
    assert!(said.contains(r#"function "never-retried": retries: 0 is not 1 to 20"#), "{said}");
    assert!(said.contains(r#"function "no trigger": id: "#), "{said}");
    assert!(said.contains(r#"function "no trigger": triggers: there is none"#), "{said}");
}
