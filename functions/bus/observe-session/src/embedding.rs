//! What texts mean, as 384 numbers each.

use outside::digest;
use serde_json::json;
use system_bus_sdk::prelude::*;

use crate::gate::words;

/// How many numbers an embedding has.
pub(crate) const SIZE: usize = 384;
/// How long making them may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Embeddings of texts, and whether they were made here. Whoever makes better ones may be away: that fails nothing.
pub(crate) async fn embeddings(
    io: &Io,
    url: Option<&str>,
    texts: &[&str],
) -> (Vec<Vec<f32>>, bool) {
    if let Some(url) = url {
        match asked(io, url, texts).await {
            Ok(found) => return (found, false),
            Err(error) => log::warn!("embeddings are made here: {error}"),
        }
    }
    (texts.iter().map(|text| by_words(text)).collect(), true)
}

async fn asked(io: &Io, url: &str, texts: &[&str]) -> Result<Vec<Vec<f32>>> {
    let key = format!("{}:embed", io.idempotency_key());
    let request = io.http().post(url).header("idempotency-key", key).timeout(PATIENCE);
    let answer: Answer = request.json(&json!({ "input": texts })).send().await?.ok()?.json()?;
    let found: Vec<_> = answer.data.into_iter().map(|one| one.embedding).collect();
    let fits = |one: &Vec<f32>| one.len() == SIZE && one.iter().all(|number| number.is_finite());
    if found.len() == texts.len() && found.iter().all(fits) {
        return Ok(found);
    }
    Err(Error::retry(format!("not every text has an embedding of {SIZE} numbers")))
}

#[derive(Deserialize)]
struct Answer {
    data: Vec<One>,
}

#[derive(Deserialize)]
struct One {
    embedding: Vec<f32>,
}

/// An embedding by words alone: each one adds to a number that its digest chooses. Always the same for the same text,
/// and close for texts that share words.
pub(crate) fn by_words(text: &str) -> Vec<f32> {
    let mut numbers = vec![0.0_f32; SIZE];
    for word in words(text) {
        let hash = digest(&word);
        let place = usize::from_str_radix(&hash[..8], 16).unwrap_or(0) % SIZE;
        let sign =
            if hash.ends_with(['0', '2', '4', '6', '8', 'a', 'c', 'e']) { 1.0 } else { -1.0 };
        numbers[place] += sign;
    }
    let length = numbers.iter().map(|number| number * number).sum::<f32>().sqrt();
    if length > 0.0 {
        for number in &mut numbers {
            *number /= length;
        }
    }
    numbers
}
