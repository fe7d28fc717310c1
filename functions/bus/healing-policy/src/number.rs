//! Numbers as people and other programs write them.

use serde_json::Value;

/// A whole number above 0, written as a number or as text; anything else is none.
pub fn positive(value: &Value) -> Option<u64> {
    let number = match value {
        Value::Number(number) => number.as_u64().or_else(|| whole(number.as_f64()?)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number| *number > 0)
}

/// The whole part of a number that is neither negative nor beyond what is exact.
fn whole(number: f64) -> Option<u64> {
    let floor = number.floor();
    if !(0.0..9e15).contains(&floor) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
    Some(floor as u64)
}
