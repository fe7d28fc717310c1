//! Durations as the server reads them: `90s`, `1d12h`.

use std::ops::RangeInclusive;

pub(crate) const SECOND: u64 = 1_000;
pub(crate) const MINUTE: u64 = 60 * SECOND;
pub(crate) const DAY: u64 = 24 * 60 * MINUTE;
/// The longest that the server lets anything wait.
pub(crate) const LONGEST: u64 = 366 * DAY;

const UNITS: [(&str, u64); 6] =
    [("ms", 1), ("s", SECOND), ("m", MINUTE), ("h", 60 * MINUTE), ("d", DAY), ("w", 7 * DAY)];

/// What is wrong with a duration that has to be within these bounds, in milliseconds.
pub(crate) fn check(text: &str, bounds: &RangeInclusive<u64>) -> Result<(), String> {
    let Some(milliseconds) = milliseconds(text) else {
        return Err(
            "a duration is whole numbers with the units `ms`, `s`, `m`, `h`, `d` and `w`, \
                    for instance `90s` or `1d12h`"
                .to_owned(),
        );
    };
    if bounds.contains(&milliseconds) {
        return Ok(());
    }
    Err(format!(
        "this duration must be {} to {}: others are refused",
        say(*bounds.start()),
        say(*bounds.end())
    ))
}

fn milliseconds(text: &str) -> Option<u64> {
    let (mut rest, mut sum) = (text, 0_u64);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, after) = rest.split_at(digits);
        let end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit)?;
        sum = sum.checked_add(number.parse::<u64>().ok()?.checked_mul(*factor)?)?;
        rest = after;
    }
    (!text.is_empty()).then_some(sum)
}

/// A duration in its largest whole unit.
fn say(milliseconds: u64) -> String {
    let whole = |&&(name, factor): &&(&str, u64)| {
        name != "w" && milliseconds != 0 && milliseconds.is_multiple_of(factor)
    };
    let (name, factor) = UNITS.iter().rev().find(whole).unwrap_or(&UNITS[0]);
    format!("{}{name}", milliseconds / factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, expected) in [
            ("1ms", Some(1)),
            ("90s", Some(90_000)),
            ("1d12h", Some(129_600_000)),
            ("2w", Some(14 * DAY)),
            ("0s", Some(0)),
            ("", None),
            ("s", None),
            ("10", None),
            ("1.5h", None),
            ("1 h", None),
            ("1y", None),
            ("99999999999999999999s", None),
            ("9999999999999999w", None),
        ] {
            assert_eq!(milliseconds(text), expected, "{text}");
        }
        assert_eq!(check("5m", &(SECOND..=5 * MINUTE)), Ok(()));
        let error = check("6m", &(SECOND..=5 * MINUTE)).expect_err("it is too long");
        assert!(error.contains("1s to 5m"), "{error}");
    }
}
