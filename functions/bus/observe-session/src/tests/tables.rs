//! Cleaning, judging, telling apart, settings.

use crate::embedding::by_words;
use crate::gate::{Gate, Verdict};
use crate::observer::{Said, parse};
use crate::settings::Settings;
use crate::store::likeness;
use crate::transcript::clean;

#[test]
fn what_was_said_is_cleaned() {
    let key = format!("sk-{}", "x9".repeat(10));
    for (text, cleaned) in [
        ("user: hello\n\n  \nagent: hi", "user: hello\nagent: hi"),
        ("a\u{1b}[31mred\u{1b}[0m", "ared"),
        ("a\u{0}b\r\n", "ab"),
        ("a<tool_call>x\ny</tool_call>b", "ab"),
        ("a <thinking depth=\"2\">x</thinking>b", "a b"),
        ("a<tool_result>never closed", "a"),
        ("a<tool_calls>b", "a<tool_calls>b"),
        ("[Tool: read]\nTool result: x\n{\"a\": 1}\n[{\"a\": 1}]\nsaid", "said"),
        ("a {b} c", "a {b} c"),
        ("API_KEY=abcdef12 and x=1", "API_KEY=[masked] and x=1"),
        ("Authorization: Bearer abcdefgh12", "Authorization: Bearer [masked]"),
        (&format!("(`{key}`)."), "(`[masked]`)."),
        ("sk-short is a word", "sk-short is a word"),
        ("ünïcode <b>", "ünïcode <b>"),
        ("", ""),
    ] {
        assert_eq!(clean(text), cleaned, "{text:?}");
    }
    let long = format!("begin {} end", "é ".repeat(40_000));
    let cleaned = clean(&long);
    assert_eq!(cleaned.chars().count(), 60_000);
    assert!(cleaned.ends_with("end"));
}

#[test]
fn the_gate_reads_what_the_model_says() {
    for (line, verdict, confidence, fallback, category, text) in [
        (
            "[gate=allow confidence=0.9 category=jc:projects] A",
            Verdict::Allow,
            0.9,
            false,
            "jc:projects",
            "A",
        ),
        ("[verdict=hold conf=7] A", Verdict::Hold, 1.0, false, "jc:operations", "A"),
        ("[gate=discard confidence=-1] A", Verdict::Discard, 0.0, false, "jc:operations", "A"),
        ("[gate=allow confidence=NaN] A", Verdict::Allow, 0.65, false, "jc:operations", "A"),
        (
            "[reason=\"x gate=hold\" gate=allow] A",
            Verdict::Allow,
            0.65,
            false,
            "jc:operations",
            "A",
        ),
        ("[gate=maybe] A", Verdict::Allow, 0.35, true, "jc:operations", "A"),
        (
            "[gate=allow category=nonsense] The team",
            Verdict::Allow,
            0.65,
            false,
            "jc:people-relationships",
            "The team",
        ),
        ("[x] a list", Verdict::Allow, 0.35, true, "jc:operations", "[x] a list"),
        (
            "[gate=allow left open",
            Verdict::Allow,
            0.35,
            true,
            "jc:operations",
            "[gate=allow left open",
        ),
        (
            "One must always ask",
            Verdict::Allow,
            0.35,
            true,
            "jc:rules-conventions",
            "One must always ask",
        ),
    ] {
        let (gate, rest) = Gate::read(line);
        assert_eq!(
            (gate.verdict, gate.fallback, rest.as_str()),
            (verdict, fallback, text),
            "{line}"
        );
        assert!((gate.confidence - confidence).abs() < 1e-9, "{line}: {}", gate.confidence);
        assert_eq!(gate.category, category, "{line}");
    }
    let source = |line: &str| Gate::read(line).0.category_source;
    assert_eq!(source("[gate=allow category=jc:projects] A"), "llm");
    assert_eq!(source("[gate=allow] One must ask"), "rules");
    assert_eq!(source("[gate=allow] A"), "fallback");
}

#[test]
fn lines_become_observations_each_once() {
    let said = |text: &str, fallback| Said { text: text.to_owned(), fallback };
    let parsed = parse(&said("## T\n- a fact\n* a fact\nchatter\nCurrent task: x\n", false));
    let facts: Vec<_> =
        parsed.observations.iter().map(|one| (one.theme.as_deref(), one.text.as_str())).collect();
    assert_eq!(facts, [(Some("T"), "a fact")]);
    assert_eq!(parsed.current_task.as_deref(), Some("x"));
    for (text, fallback) in [("no lines at all", false), ("- a line", true)] {
        let parsed = parse(&said(text, fallback));
        assert_eq!(parsed.observations.len(), 1, "{text}");
        assert_eq!(parsed.observations[0].kind, "observation_text");
        assert_eq!(parsed.observations[0].gate.verdict, Verdict::Hold);
    }
    assert!(parse(&said("", true)).observations.is_empty());
}

#[test]
fn texts_are_alike_by_their_words() {
    for (one, other, alike) in [
        ("use pnpm here", "Use PNPM, here!", true),
        ("use pnpm here", "use npm here", false),
        ("", "", false),
        ("a b", "a b", false),
    ] {
        assert_eq!(likeness(one, other) >= 0.85, alike, "{one} {other}");
    }
}

#[test]
fn embeddings_made_here_are_the_same_again_and_of_length_one() {
    let numbers = by_words("Always use pnpm, never npm");
    assert_eq!(numbers, by_words("never NPM: always use pnpm"));
    assert_ne!(numbers, by_words("Never use pnpm at night"));
    assert_eq!(numbers.len(), 384);
    let length: f32 = numbers.iter().map(|number| number * number).sum();
    assert!((length - 1.0).abs() < 1e-5);
    assert!(by_words("").iter().all(|number| *number == 0.0));
}

#[test]
fn settings_have_defaults() {
    let none = Settings::of(|_| None);
    assert_eq!(none.typesense, "http://localhost:8108");
    assert_eq!((none.embed, none.convex, none.pds), (None, None, None));
    for (text, found) in [
        (" https://t.test/ ", "https://t.test"),
        ("0", "http://localhost:8108"),
        ("-1", "http://localhost:8108"),
        ("ftp://x", "http://localhost:8108"),
        ("", "http://localhost:8108"),
    ] {
        assert_eq!(Settings::of(|_| Some(text.to_owned())).typesense, found, "{text}");
    }
    let only_one = Settings::of(|key| (key == "PDS_URL").then(|| "https://p.test".to_owned()));
    assert_eq!(only_one.pds, None);
}
