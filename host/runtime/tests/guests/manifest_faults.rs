use crate::call::{load, runtime};

#[tokio::test]
async fn faulty_functions_are_left_out_with_all_their_faults() {
    let component = load(&runtime(&[]), guests::MANIFEST_FAULTS).await.expect("one is fine");
    let fine: Vec<_> = component.functions().iter().map(|one| one.id.as_str()).collect();
    assert_eq!(fine, ["fine"]);
    let refused = component.refused().iter();
    let said: String = refused.map(|refused| refused.to_string() + "\n").collect();
    for says in [
        r#"function "never-retried": retries: 0 is not 1 to 20"#,
        r#"function "no trigger": id: "#,
        r#"function "no trigger": triggers: 0 entries"#,
    ] {
        assert!(said.contains(says), "{says} is missing in: {said}");
    }
}
