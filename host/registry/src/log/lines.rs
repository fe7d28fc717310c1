//! The bytes of the log, and the activations in them. Pure.

use serde::{Deserialize, Serialize};

use crate::activation::Activation;

/// A line of the file: an activation, and whether its generation goes on in the next line. Only a whole generation
/// counts.
#[derive(Serialize, Deserialize)]
struct Line<A> {
    #[serde(flatten)]
    activation: A,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    more: bool,
}

/// What a piece of the file has.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Parsed {
    /// The activations of all whole generations.
    pub(super) activations: Vec<Activation>,
    /// How many bytes these have.
    pub(super) bytes: usize,
    /// How many lines.
    pub(super) lines: usize,
}

/// A line that is no activation.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadLine {
    /// Which line of the piece, from 0.
    pub(super) line: usize,
    pub(super) problem: String,
}

/// Reads all whole generations; what is behind them is a torn end, or one that is being written.
pub(super) fn parse(piece: &[u8]) -> Result<Parsed, BadLine> {
    let mut parsed = Parsed::default();
    let mut group = Vec::new();
    let mut end = 0;
    for (line, text) in piece.split_inclusive(|byte| *byte == b'\n').enumerate() {
        // A power cut may leave zeros where the length had grown and the bytes had not come; never before whole lines.
        let lost = text.contains(&0) && !piece[end + text.len()..].contains(&b'\n');
        if !text.ends_with(b"\n") || lost {
            break;
        }
        end += text.len();
        let Line { activation, more } = serde_json::from_slice::<Line<Activation>>(text)
            .map_err(|error| BadLine { line, problem: error.to_string() })?;
        group.push(activation);
        if !more {
            parsed.activations.append(&mut group);
            parsed.bytes = end;
            parsed.lines = line + 1;
        }
    }
    Ok(parsed)
}

/// The lines of one generation.
pub(super) fn render(activations: &[Activation]) -> Vec<u8> {
    let mut text = Vec::new();
    for (place, activation) in activations.iter().enumerate() {
        let line = Line { activation, more: place + 1 < activations.len() };
        serde_json::to_writer(&mut text, &line).expect("an activation has a JSON form");
        text.push(b'\n');
    }
    text
}
