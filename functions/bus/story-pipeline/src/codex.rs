//! The model at work: a program that is given a prompt and a schema.

use outside::{Folder, Program};
use system_bus_sdk::prelude::*;

use crate::place::{Place, TMP};
use crate::reports::{Report, Staged, found};

/// How much of what the model said is kept.
const KEPT: usize = 30_000;
/// How much of it is given back to be put into its form.
const REPAIRED: usize = 12_000;
/// How much of it the next attempt is told.
const TOLD: usize = 4_000;

/// How the model is asked.
#[derive(Clone, Debug)]
pub(crate) struct Codex<'a> {
    pub(crate) place: &'a Place,
    pub(crate) model: &'a str,
    pub(crate) sandbox: Option<&'a str>,
    pub(crate) within: Option<Duration>,
}

impl Codex<'_> {
    /// Lets the model work, and reads its report. What has not the form is put into it once; then the stage has failed.
    pub(crate) async fn work<T: Report>(&self, io: &Io, prompt: &str) -> Result<Staged<T>> {
        let schema = format!("story-pipeline-{}.schema.json", T::STAGE);
        Folder::of(io, TMP).write(&schema, &T::schema().to_string())?;
        let said = self.ask::<T>(io, prompt).await?;
        if let Some(report) = found(&said) {
            return Ok(Staged::Done { report });
        }
        log::warn!("the report of `{}` has not its form, and is asked for again", T::STAGE);
        let repair = format!(
            "Change no files. Put this report of the stage `{}` into the form of the schema, and answer with nothing \
             else:\n\n{}",
            T::STAGE,
            tail(&said, REPAIRED)
        );
        let again = self.ask::<T>(io, &repair).await?;
        Ok(match found(&again) {
            Some(report) => Staged::Done { report },
            None => Staged::Failed { why: tail(&said, TOLD).to_owned() },
        })
    }

    async fn ask<T: Report>(&self, io: &Io, prompt: &str) -> Result<String> {
        let output = self.program(T::STAGE, prompt).run(io).await?;
        Ok(tail(&output.text(), KEPT).to_owned())
    }

    fn program(&self, stage: &str, prompt: &str) -> Program {
        let mut program =
            self.place.program("codex").args(["exec", "--full-auto", "-m", self.model]);
        if let Some(sandbox) = self.sandbox {
            program = program.args(["--sandbox", sandbox]);
        }
        let schema = format!("/tmp/story-pipeline-{stage}.schema.json");
        let program = program.args(["--output-schema", &schema, prompt]);
        let program = program.env("CI", "true").env("TERM", "dumb");
        match self.within {
            Some(time) => program.within(time),
            None => program,
        }
    }
}

/// The end of a text, so many characters of it.
pub(crate) fn tail(text: &str, most: usize) -> &str {
    let skipped = text.chars().count().saturating_sub(most);
    text.char_indices().nth(skipped).map_or("", |(at, _)| &text[at..])
}

/// The beginning of a text, so many characters of it.
pub(crate) fn head(text: &str, most: usize) -> &str {
    text.char_indices().nth(most).map_or(text, |(at, _)| &text[..at])
}

#[cfg(test)]
mod tests {
    use super::{head, tail};

    #[test]
    fn texts_are_cut_between_characters() {
        for (text, most, last, first) in
            [("añb", 2, "ñb", "añ"), ("ab", 5, "ab", "ab"), ("", 3, "", ""), ("ab", 0, "", "")]
        {
            assert_eq!((tail(text, most), head(text, most)), (last, first), "{text} {most}");
        }
    }
}
