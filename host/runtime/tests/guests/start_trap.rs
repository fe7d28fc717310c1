use crate::call::{Made, load, runtime};

#[tokio::test]
async fn a_trap_in_the_start_function_ends_the_call_with_its_message() {
    let component = load(&runtime(&[]), guests::START_TRAP).await.expect("it describes itself");
    let said = Made::default().told(&component, "unreached").await;
    assert!(
        said.starts_with("Panic: function unreached of component start-trap: it panicked at "),
        "{said}"
    );
    assert!(said.contains("the start function traps"), "{said}");
}
