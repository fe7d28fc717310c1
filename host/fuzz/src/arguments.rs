//! Patterns for the arguments of programs: they allow exactly what a slower reader of the same rules allows, never an
//! option that the operator has not written, and never a NUL.
//!
//! An input is some patterns and some arguments, a line each, with a line `--` between them that belongs to neither.

use std::time::{Duration, Instant};

use capabilities::shell::{PatternError, Patterns};

/// Far more than any input of a few KiB takes, on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(5);

/// Checks one input.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (patterns, arguments) = text.split_once("\n--\n").unwrap_or((text, ""));
    let patterns: Vec<&str> = patterns.split('\n').collect();
    let arguments: Vec<&str> = arguments.split('\n').collect();
    let began = Instant::now();
    match Patterns::parse(&patterns) {
        Err(error) => refused(&error, &patterns),
        Ok(parsed) => {
            read(&patterns);
            for arguments in [&arguments[..], &patterns[..], &[]] {
                allowed(&parsed, &patterns, arguments);
            }
        }
    }
    assert!(began.elapsed() < PATIENCE, "{} bytes took {:?}", data.len(), began.elapsed());
}

/// What is refused has a reason to be.
fn refused(error: &PatternError, patterns: &[&str]) {
    let before = &patterns[..patterns.len() - 1];
    match error {
        PatternError::NotLast => assert!(before.contains(&"**"), "{patterns:?}"),
        PatternError::TwoStars(pattern) => assert!(pattern.contains("**"), "{pattern:?}"),
        PatternError::Nul(pattern) => assert!(pattern.contains('\0'), "{pattern:?}"),
    }
}

/// What is read has none.
fn read(patterns: &[&str]) {
    for (at, pattern) in patterns.iter().enumerate() {
        let last = at == patterns.len() - 1;
        assert!(!pattern.contains("**") || last && *pattern == "**", "{patterns:?}");
        assert!(!pattern.contains('\0'), "{patterns:?}");
    }
}

fn allowed(parsed: &Patterns, patterns: &[&str], arguments: &[&str]) {
    let answer = parsed.allow(arguments);
    assert_eq!(answer, expected(patterns, arguments), "{patterns:?} for {arguments:?}");
    if answer {
        assert!(arguments.iter().all(|argument| !argument.contains('\0')));
        for (pattern, argument) in patterns.iter().zip(arguments) {
            let option = argument.starts_with('-') && *pattern != "**";
            assert!(!option || pattern.starts_with('-'), "{pattern:?} for {argument:?}");
        }
    }
    // An argument is one: neither its neighbour's text nor a further one makes it fit.
    if let Some((first, rest)) = arguments.split_first()
        && let Some((second, rest)) = rest.split_first()
        && patterns.last() != Some(&"**")
        && answer
    {
        let joined = format!("{first} {second}");
        let fewer: Vec<&str> = std::iter::once(&*joined).chain(rest.iter().copied()).collect();
        assert!(!parsed.allow(&fewer), "{patterns:?} for {fewer:?}");
        let more: Vec<&str> = arguments.iter().copied().chain([""]).collect();
        assert!(!parsed.allow(&more), "{patterns:?} for {more:?}");
    }
}

/// The rules once more, in a slower way.
fn expected(patterns: &[&str], arguments: &[&str]) -> bool {
    let (own, rest) = match patterns.split_last() {
        Some((&"**", own)) => (own, true),
        _ => (patterns, false),
    };
    let count = if rest { arguments.len() >= own.len() } else { arguments.len() == own.len() };
    count
        && !arguments.iter().any(|argument| argument.contains('\0'))
        && own.iter().zip(arguments).all(|(pattern, argument)| {
            !(pattern.starts_with('*') && argument.starts_with('-'))
                && fits(pattern.as_bytes(), argument.as_bytes())
        })
}

/// Whether a pattern fits: for each of its bytes, after how many bytes of the text it may be done with.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let mut done = vec![false; text.len() + 1];
    done[0] = true;
    for &own in pattern {
        if own == b'*' {
            let first = done.iter().position(|&is| is).unwrap_or(done.len());
            done[first..].fill(true);
        } else {
            for at in (0..text.len()).rev() {
                done[at + 1] = done[at] && text[at] == own;
            }
            done[0] = false;
        }
    }
    done[text.len()]
}
