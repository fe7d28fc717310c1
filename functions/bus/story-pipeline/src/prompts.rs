//! What the model is told.

use std::fmt::Write as _;

use crate::prd::{Prd, Story};

/// What is to be done, with the judgment of the last attempt.
pub(crate) fn implement(prd: &Prd, story: &Story, judgment: Option<&str>) -> String {
    let mut text = format!(
        "Implement one story of the plan `{}`. Look first at what is there: it may have been begun. Do not commit, do \
         not push, and change no files that the story does not need.\n\n{}",
        prd.name,
        described(story)
    );
    checks(&mut text, prd);
    if let Some(judgment) = judgment {
        let _ = write!(text, "\nThe last attempt did not pass. What was said of it:\n{judgment}\n");
    }
    text
}

/// What is to be proved.
pub(crate) fn prove(prd: &Prd, story: &Story, proof: &str) -> String {
    let mut text = format!(
        "Prove that the story is done: run the commands, show evidence for each criterion, and write all of it to \
         {proof}. You may mend what is wrong in the files of the story; leave that uncommitted, it is committed \
         afterwards. Do not push.\n\n{}",
        described(story)
    );
    checks(&mut text, prd);
    text
}

/// What is to be judged.
pub(crate) fn judge(story: &Story, diff: &str, proof: &str) -> String {
    format!(
        "Judge strictly whether the story is done, by the difference and the proof alone. What is not shown is not \
         done. Change no files.\n\n{}\nThe difference:\n{diff}\n\nThe proof:\n{proof}\n",
        described(story)
    )
}

fn described(story: &Story) -> String {
    let mut text = format!("Story {}: {}\n{}\n", story.id, story.title, story.description);
    for criterion in &story.acceptance_criteria {
        let _ = writeln!(text, "- {criterion}");
    }
    if !story.files.is_empty() {
        let _ = writeln!(text, "Files of the story: {}", story.files.join(", "));
    }
    text
}

fn checks(text: &mut String, prd: &Prd) {
    for command in prd.checks() {
        let _ = writeln!(text, "This has to succeed: {command}");
    }
}
