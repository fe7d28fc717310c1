//! A new image: its steps, run or printed. Both are made of the same ones.

use std::path::Path;

use anyhow::Context;
use jiff::Timestamp;
use serde_json::json;

use crate::cli::ImageArgs;
use crate::deploy::Target;
use crate::journal::{self, Published};
use crate::login::{self, Login};
use crate::step::{Step, found, need};
use crate::{Ended, probe, render, say};

/// What can build, in the order in which it is looked for.
const BUILDERS: [&str; 3] = ["docker", "podman", "buildah"];

/// The steps around an image.
struct Plan<'a> {
    args: &'a ImageArgs,
    builder: String,
    tag: String,
    revision: String,
}

impl Plan<'_> {
    fn image(&self, tag: &str) -> String {
        format!("{}:{tag}", self.args.registry.repository)
    }

    fn registry(&self) -> &str {
        let repository = &self.args.registry.repository;
        repository.split_once('/').map_or(repository, |(registry, _)| registry)
    }

    fn build(&self, config: &Path) -> Step {
        let (tagged, latest) = (self.image(&self.tag), self.image("latest"));
        let (revision, version) =
            (format!("REVISION={}", self.revision), format!("VERSION={}", self.tag));
        let args = [
            &["build", "--platform", &self.args.platform, "--build-arg", &revision][..],
            &["--build-arg", &version, "--tag", &tagged, "--tag", &latest, "."],
        ];
        logged_in(Step::new(&self.builder, &args.concat()), config)
    }

    fn push(&self, tag: &str, config: &Path) -> Step {
        logged_in(Step::new(&self.builder, &["push", &self.image(tag)]), config)
    }

    fn render(&self) -> Step {
        Step::new("kubectl", &["kustomize", &self.args.overlay.display().to_string()])
    }
}

/// A step with the throw-away configuration, as each of the builders looks for it.
fn logged_in(step: Step, config: &Path) -> Step {
    step.with("DOCKER_CONFIG", config).with("REGISTRY_AUTH_FILE", &config.join("config.json"))
}

/// `publish image`.
pub(crate) async fn run(args: ImageArgs, json: bool) -> Result<(), Ended> {
    if args.print {
        print(&args, json);
        return Ok(());
    }
    let builder = builder(&args)?;
    let mut programs = vec![builder.as_str(), "git"];
    if !args.no_deploy {
        programs.push("kubectl");
    }
    need(&programs)?;
    let revision = Step::new("git", &["rev-parse", "HEAD"]).run().await?.trim().to_owned();
    let dirty = Step::new("git", &["status", "--porcelain"]).run().await?;
    if !dirty.trim().is_empty() && !args.allow_dirty {
        let error = anyhow::anyhow!(
            "there is something that was not committed, so the image could not say what it is of; commit it, or say --allow-dirty"
        );
        return Err(error.into());
    }
    let tag = args.registry.tag.clone().unwrap_or_else(tag_of_now);
    let plan = Plan { args: &args, builder, tag, revision };
    // Before anything is built: what cannot be applied is not worth a build.
    let deploying = if args.no_deploy { None } else { Some(prepare(&plan).await?) };
    let digest = push(&plan).await?;
    let image = format!("{}@{digest}", plan.image(&plan.tag));
    say::progress(&format!("pushed {image}"));
    let mut published = Published {
        at: Timestamp::now(),
        what: "image".to_owned(),
        tag: plan.tag.clone(),
        references: vec![image.clone()],
        revision: Some(plan.revision.clone()),
        outcome: "pushed".to_owned(),
    };
    let mut result = json!({"image": image, "revision": plan.revision, "deployed": false});
    if let Some((target, mut objects)) = deploying {
        render::set_image(&mut objects, &image)?;
        let before = target.template().await?;
        let applied = target.apply(&objects, args.force_conflicts).await;
        let settled = match applied {
            Ok(()) => target.settle(before, Some(&plan.revision)).await,
            // What was applied before the one that failed is harmless beside the old pods: the image comes with them.
            Err(error) => Err(Ended::Failed(error)),
        };
        match settled {
            Ok(generation) => {
                "deployed".clone_into(&mut published.outcome);
                result["deployed"] = json!(true);
                result["generation"] = json!(generation);
            }
            Err(ended) => {
                let (Ended::Failed(error) | Ended::Unknown(error)) = &ended;
                published.outcome = format!("failed: {error:#}");
                journal::note(&args.log.log, &published)?;
                return Err(ended);
            }
        }
    }
    journal::note(&args.log.log, &published)?;
    let words = format!("{} {image}", published.outcome);
    say::done(json, "image", &result, &words);
    Ok(())
}

fn builder(args: &ImageArgs) -> anyhow::Result<String> {
    if let Some(builder) = &args.builder {
        return Ok(builder.clone());
    }
    let builder = BUILDERS.into_iter().find(|it| found(it).is_some());
    let builder =
        builder.context("nothing that builds images is on the path: docker, podman or buildah");
    Ok(builder?.to_owned())
}

fn tag_of_now() -> String {
    Timestamp::now().strftime("%Y%m%d-%H%M%S").to_string()
}

/// The way to the cluster, and what is to be applied there.
async fn prepare(plan: &Plan<'_>) -> anyhow::Result<(Target, Vec<serde_json::Value>)> {
    let mut objects = render::objects(&plan.render().run().await?)?;
    render::set_image(&mut objects.clone(), &plan.image(&plan.tag))?;
    // A namespace comes before what is in it.
    objects.sort_by_key(|object| object["kind"] != "Namespace");
    let target = Target::reach(&plan.args.cluster).await?;
    target.template().await.context("nothing was built: the cluster cannot be asked")?;
    Ok((target, objects))
}

/// Builds and pushes; answers with the digest of what is in the registry now.
async fn push(plan: &Plan<'_>) -> anyhow::Result<String> {
    let login = Login::start(&plan.builder, plan.registry()).await?;
    for step in [
        plan.build(login.path()),
        plan.push(&plan.tag, login.path()),
        plan.push("latest", login.path()),
    ] {
        say::progress(&step.words());
        step.run().await?;
    }
    let image = plan.image(&plan.tag);
    let digest = crate::components::digest_of(&image, login.account.as_ref()).await;
    digest.with_context(|| format!("{image} was pushed, and the registry does not say what it is"))
}

/// Prints each step (R88).
fn print(args: &ImageArgs, json: bool) {
    let builder = builder(args).unwrap_or_else(|_| "docker".to_owned());
    let tag = args.registry.tag.clone().unwrap_or_else(tag_of_now);
    let plan = Plan { args, builder, tag, revision: "$(git rev-parse HEAD)".to_owned() };
    let (config, mut lines) = login::printed(&plan.builder, plan.registry());
    let steps = [plan.build(&config), plan.push(&plan.tag, &config), plan.push("latest", &config)];
    // The revision is asked of git by the shell.
    lines.extend(steps.map(|step| {
        step.words().replace("'REVISION=$(git rev-parse HEAD)'", "REVISION=$(git rev-parse HEAD)")
    }));
    lines.push(login::thrown_away());
    if !args.no_deploy {
        let (cluster, image) = (&args.cluster, plan.image(&plan.tag));
        let context =
            cluster.context.as_ref().map_or_else(String::new, |it| format!(" --context {it}"));
        let kubectl = format!("kubectl{context} -n {}", cluster.namespace);
        let pod = probe::path(&cluster.namespace, "POD", cluster.port, "/readyz");
        lines.push(format!(
            "{} | kubectl{context} apply --server-side --field-manager publish -f -",
            plan.render().words()
        ));
        lines.push(format!("{kubectl} set image deployment/{} '*={image}'", cluster.deployment));
        lines.push(format!(
            "{kubectl} rollout status deployment/{} --timeout={}s",
            cluster.deployment,
            cluster.timeout.as_secs()
        ));
        lines.push(format!("{kubectl} get pods"));
        lines.push(format!("kubectl{context} get --raw {pod}"));
        lines.push(format!(
            "# where that fails: {kubectl} rollout undo deployment/{}",
            cluster.deployment
        ));
    }
    say::done(json, "image", &json!({ "steps": lines }), &lines.join("\n"));
}
