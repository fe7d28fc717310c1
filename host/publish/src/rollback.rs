//! An earlier image (R85): going back is choosing an older tag.

use anyhow::{Context, bail};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::cli::RollbackArgs;
use crate::deploy::Target;
use crate::journal::{self, Published};
use crate::{Ended, render, say};

/// `publish rollback`.
pub(crate) async fn run(args: RollbackArgs, json: bool) -> Result<(), Ended> {
    let target = Target::reach(&args.cluster).await?;
    let before = target.template().await?.context("there are no workers to roll back")?;
    let present = image(&before).context("the workers' pods have no image")?.to_owned();
    let all = journal::read(&args.log.log)?;
    let earlier = earlier(&all, args.to.as_deref(), &present)?;
    let wanted = earlier.references.first().context("the log names no image")?.clone();
    say::progress(&format!("from {present} to {wanted}"));
    let mut template = before.clone();
    for container in template["spec"]["containers"].as_array_mut().into_iter().flatten() {
        if container["image"] == json!(present) {
            container["image"] = json!(wanted);
        }
    }
    target.put_template(&template).await?;
    let generation = target.settle(Some(before), earlier.revision.as_deref()).await?;
    let published = Published {
        at: Timestamp::now(),
        what: "rollback".to_owned(),
        outcome: "deployed".to_owned(),
        ..earlier.clone()
    };
    journal::note(&args.log.log, &published)?;
    let result = json!({"from": present, "image": wanted, "generation": generation});
    say::done(json, "rollback", &result, &format!("rolled back to {wanted}"));
    Ok(())
}

fn image(template: &Value) -> Option<&str> {
    template["spec"]["containers"][0]["image"].as_str()
}

/// The image to go back to: the one of a tag, or the newest that was deployed and is not the present one.
fn earlier<'a>(
    all: &'a [Published],
    tag: Option<&str>,
    present: &str,
) -> anyhow::Result<&'a Published> {
    let mut images = all.iter().rev().filter(|it| it.what != "components");
    let is_present = |it: &&Published| {
        it.references
            .iter()
            .any(|image| image == present || render::tag(image) == render::tag(present))
    };
    let found = match tag {
        Some(tag) => images.find(|it| it.tag == tag && it.what == "image"),
        None => images.find(|it| it.outcome == "deployed" && !is_present(it)),
    };
    match (found, tag) {
        (Some(found), _) => Ok(found),
        (None, Some(tag)) => bail!("the log has no image with the tag {tag}; see `publish log`"),
        (None, None) => bail!("the log has no image before {present}; name one with --to"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn published(tag: &str, outcome: &str) -> Published {
        Published {
            at: Timestamp::UNIX_EPOCH,
            what: "image".to_owned(),
            tag: tag.to_owned(),
            references: vec![format!("r/bus:{tag}@sha256:{tag}")],
            revision: None,
            outcome: outcome.to_owned(),
        }
    }

    #[test]
    fn the_one_before_is_the_newest_that_was_deployed_and_is_another() {
        let all = [
            published("1", "deployed"),
            published("2", "deployed"),
            published("3", "failed: x"),
            published("4", "deployed"),
        ];
        let to = |tag, present: &str| earlier(&all, tag, present).map(|it| it.tag.clone()).ok();
        assert_eq!(to(None, "r/bus:4@sha256:4").as_deref(), Some("2"));
        assert_eq!(to(None, "r/bus:2").as_deref(), Some("4"));
        assert_eq!(to(Some("3"), "r/bus:4").as_deref(), Some("3"));
        assert_eq!(to(Some("5"), "r/bus:4"), None);
        assert!(earlier(&all[..1], None, "r/bus:1@sha256:1").is_err());
    }
}
