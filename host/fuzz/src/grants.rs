//! The file of grants: any text is read, or refused with problems that have a place in it; and what is read is the same
//! when it is read again.
//!
//! An input is such a file.

use capabilities::GrantsError;
use capabilities::grants::parse;

/// Checks one input.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match parse(text) {
        Ok(grants) => {
            assert!(parse(text).is_ok());
            let granted = grants.granted();
            for component in granted.components() {
                assert!(grants.of(component).is_some(), "{component}");
            }
            let known: Vec<_> = grants.components.keys().map(String::as_str).collect();
            assert!(grants.check_components(known.iter().copied()).is_ok());
            if let Err(error) = grants.check_components([]) {
                placed(text, &error);
            }
        }
        Err(error) => placed(text, &error),
    }
}

/// Whether problems have places in the text, in the order of its lines.
fn placed(text: &str, error: &GrantsError) {
    assert!(!error.0.is_empty(), "a refusal says why");
    let lines = text.split('\n').count();
    for problem in &error.0 {
        assert!((1..=lines).contains(&problem.line), "{problem} of {lines} lines");
        assert!(problem.column >= 1 && !problem.message.is_empty(), "{problem}");
    }
    assert!(error.0.is_sorted());
}
