//! What a worker and its compiling child say to each other: one line of JSON, then bytes, in each direction.

use std::io;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

use super::Fingerprint;
use crate::engine::Settings;

/// The longest line either side accepts, in bytes: messages of the compiler are in it.
pub(super) const LINE: u64 = 1 << 20;

/// What the child is asked. The component's bytes follow; then the pipe stays open for as long as the answer is wanted.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    /// The engine that the code is for.
    pub(super) engine: Settings,
    /// The memory it may use, in bytes.
    pub(super) memory: u64,
    /// Whether somebody waits for it, so that it does not come last on the processor.
    #[serde(default)]
    pub(super) urgent: bool,
    /// The length of the component, in bytes.
    pub(super) component: usize,
}

/// What the child answers.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    /// The code follows.
    Compiled {
        /// What the code fits.
        engine: Fingerprint,
        /// Its length, in bytes.
        code: usize,
    },
    /// The bytes cannot be compiled: what the compiler says.
    Refused(String),
}

/// A message as the line it is sent as.
pub(super) fn line(message: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    Ok(line)
}

/// A line back into the message.
pub(super) fn parse<M: DeserializeOwned>(line: &[u8]) -> io::Result<M> {
    serde_json::from_slice(line).map_err(|error| invalid(&format!("no line of JSON: {error}")))
}

/// Reads an answer and its code, of at most `limit` bytes; nothing may follow.
pub(super) async fn answer(
    input: &mut (impl AsyncBufRead + Unpin),
    limit: usize,
) -> io::Result<(Answer, Vec<u8>)> {
    let mut head = Vec::new();
    (&mut *input).take(LINE).read_until(b'\n', &mut head).await?;
    let answer = parse(&head)?;
    let mut code = Vec::new();
    if let Answer::Compiled { code: length, .. } = answer {
        if length > limit {
            return Err(invalid(&format!("{length} bytes of code, more than the {limit} allowed")));
        }
        code = vec![0; length];
        input.read_exact(&mut code).await?;
    }
    if input.read(&mut [0]).await? != 0 {
        return Err(invalid("more than it announced"));
    }
    Ok((answer, code))
}

fn invalid(words: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_a_whole_answer_is_one() {
        let compiled = Answer::Compiled { engine: Fingerprint::from([7; 16]), code: 3 };
        let sent = |answer: &Answer, code: &[u8]| [&line(answer).expect("JSON"), code].concat();
        let refused = Answer::Refused("no\nuse".to_owned());
        for (input, heard) in [
            (sent(&compiled, b"abc"), Ok((compiled, b"abc".to_vec()))),
            (sent(&refused, b""), Ok((refused, Vec::new()))),
        ] {
            assert_eq!(answer(&mut input.as_slice(), 3).await.map_err(drop), heard);
        }
        let compiled = Answer::Compiled { engine: Fingerprint::from([7; 16]), code: 3 };
        for (rubbish, words) in [
            (b"".to_vec(), "JSON"),
            (b"Killed\n".to_vec(), "JSON"),
            (sent(&compiled, b"ab"), "early eof"),
            (sent(&compiled, b"abcd"), "more than it announced"),
            (sent(&Answer::Refused(String::new()), b"a"), "more than it announced"),
            (sent(&Answer::Compiled { engine: [7; 16].into(), code: 4 }, b"abcd"), "4 bytes"),
            (sent(&Answer::Refused("a".repeat(2 << 20)), b""), "JSON"),
        ] {
            let error = answer(&mut rubbish.as_slice(), 3).await.expect_err("rubbish");
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}
