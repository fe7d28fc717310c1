//! Native builds have no host.

use super::{Question, Reply};
use crate::refusal::Refused;

pub(super) fn ask(question: Question) -> Result<Reply, Refused> {
    let Question { prompt, .. } = question;
    let begins: String = prompt.chars().take(40).collect();
    Err(Refused::without_host(&format!("model to ask {begins:?}")))
}
