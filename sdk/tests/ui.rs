//! What does not compile, and what the compiler says about it.

#[test]
fn mistakes_are_errors_of_the_compiler() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/*.rs");
}
