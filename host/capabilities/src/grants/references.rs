//! What no single entry can know: that the names which grants refer to are there, and that settings go together.

use std::path::Path;

use super::nearest::hint;
use super::problem::Wrong;
use super::{Grant, Grants, Name};
use crate::{inference, keyvalue};

/// The root that every run has without any table.
const SCRATCH: &str = "scratch";

/// Everything that does not go together.
pub(super) fn check(grants: &Grants) -> Vec<Wrong> {
    let mut found = Found(Vec::new());
    tables(grants, &mut found);
    for (component, grant) in &grants.components {
        if !is_component_name(component) {
            found.add(
                &["components", component],
                format!("`{component}` cannot be a component's name: it is the name of its file without `.wasm`"),
            );
        }
        of_component(grants, component, grant, &mut found);
    }
    shared_buckets(grants, &mut found);
    found.0
}

struct Found(Vec<Wrong>);

impl Found {
    fn add(&mut self, place: &[&str], message: impl Into<String>) {
        self.0.push(Wrong::at(place, message));
    }

    fn absolute(&mut self, place: &[&str], path: &Path) {
        if !path.is_absolute() {
            let shown = path.display();
            self.add(place, format!("`{shown}` is not absolute: begin it with `/`"));
        } else if path.components().any(|part| part == std::path::Component::ParentDir) {
            let shown = path.display();
            self.add(place, format!("`{shown}` goes up with `..`: write where that leads"));
        }
    }
}

fn tables(grants: &Grants, found: &mut Found) {
    for (name, root) in &grants.roots {
        found.absolute(&["roots", name.as_str(), "path"], &root.path);
        if name.as_str() == SCRATCH {
            let said = "`scratch` is the folder of each run: give this root another name";
            found.add(&["roots", SCRATCH], said.to_owned());
        }
    }
    for (name, program) in &grants.programs {
        let at = name.as_str();
        found.absolute(&["programs", at, "path"], &program.path);
        let digits = |sum: &String| sum.len() != 64 || !sum.bytes().all(|b| b.is_ascii_hexdigit());
        if program.sha256.as_ref().is_some_and(digits) {
            let said = "a SHA-256 has 64 hexadecimal digits: `sha256sum FILE` prints it";
            found.add(&["programs", at, "sha256"], said.to_owned());
        }
    }
    for (name, source) in &grants.secrets {
        let at = name.as_str();
        let given = [
            ("env", source.env.is_some()),
            ("file", source.file.is_some()),
            ("command", source.command.is_some()),
        ];
        let given: Vec<_> = given.into_iter().filter_map(|(key, is)| is.then_some(key)).collect();
        if given.len() != 1 {
            let said = if given.is_empty() {
                "nowhere".to_owned()
            } else {
                format!("in {} places ({})", given.len(), given.join(", "))
            };
            found.add(
                &["secrets", at],
                format!("the secret `{at}` is {said}: write exactly one of env, file and command"),
            );
        }
        if let Some(file) = &source.file {
            found.absolute(&["secrets", at, "file"], file);
        }
        match source.command.as_deref() {
            Some([program, ..]) => {
                found.absolute(&["secrets", at, "command", "0"], Path::new(program));
            }
            Some([]) => found.add(
                &["secrets", at, "command"],
                "the command is empty: write a program's absolute path and its arguments"
                    .to_owned(),
            ),
            None => {}
        }
    }
    if grants.keyvalue == keyvalue::Store::Redis && grants.redis.is_none() {
        let said = "values by key are to be kept in Redis, and there is no server: add [redis] with its url";
        found.add(&["keyvalue"], said.to_owned());
    }
    for (position, provider) in grants.inference.providers.iter().enumerate() {
        if let inference::Source::Openai { secret: Some(secret), .. } = provider
            && !grants.secrets.contains_key(secret)
        {
            found.add(
                &["inference", "providers", &position.to_string(), "secret"],
                unknown("secret", secret, grants.secrets.keys()),
            );
        }
    }
}

fn of_component(grants: &Grants, component: &str, grant: &Grant, found: &mut Found) {
    let own = |table: &'static str, position: usize, key: &'static str| {
        [
            "components".to_owned(),
            component.to_owned(),
            table.to_owned(),
            position.to_string(),
            key.to_owned(),
        ]
    };
    let mut missing =
        |path: [String; 5], message| found.0.push(Wrong { path: path.to_vec(), message });
    for (at, one) in grant.fs.iter().enumerate() {
        if one.root.as_str() != SCRATCH && !grants.roots.contains_key(&one.root) {
            missing(own("fs", at, "root"), unknown("root", &one.root, grants.roots.keys()));
        }
        if grant.fs[..at].iter().any(|before| before.root == one.root) {
            let said = format!("`{}` is granted twice to `{component}`: keep one", one.root);
            missing(own("fs", at, "root"), said);
        }
    }
    for (at, one) in grant.shell.iter().enumerate() {
        if !grants.programs.contains_key(&one.program) {
            let said = unknown("program", &one.program, grants.programs.keys());
            missing(own("shell", at, "program"), said);
        }
        // The same program may be granted with several patterns; the same line twice is a slip.
        if grant.shell[..at].contains(one) {
            let said = format!("`{}` is granted twice with the same words: keep one", one.program);
            missing(own("shell", at, "program"), said);
        }
    }
    for (at, one) in grant.http.iter().enumerate() {
        if grant.http[..at].contains(one) {
            missing(
                own("http", at, "to"),
                "this destination is granted twice: keep one".to_owned(),
            );
        }
    }
    for (at, one) in grant.secrets.iter().enumerate() {
        if !grants.secrets.contains_key(&one.name) {
            missing(
                own("secrets", at, "name"),
                unknown("secret", &one.name, grants.secrets.keys()),
            );
        }
        if one.to.is_empty() {
            let said = format!(
                "the secret `{}` may go nowhere: write origins or `program:NAME`",
                one.name
            );
            missing(own("secrets", at, "to"), said);
        }
        for to in &one.to {
            let Some(program) = to.strip_prefix("program:") else { continue };
            if !grants.programs.keys().any(|known| known.as_str() == program) {
                let known = grants.programs.keys().map(Name::as_str);
                let said = format!("no program is called `{program}`: {}", hint(program, known));
                missing(own("secrets", at, "to"), said);
            }
        }
        if grant.secrets[..at].iter().any(|before| before == one) {
            let said = format!("the secret `{}` is granted twice: keep one", one.name);
            missing(own("secrets", at, "name"), said);
        }
    }
    if grant.redis.is_some() && grants.redis.is_none() {
        let said = format!(
            "`{component}` is granted keys of Redis, and there is no server: add [redis] with its url"
        );
        found.add(&["components", component, "redis"], said);
    }
}

/// A bucket belongs to one component, or is shared by all that name it.
fn shared_buckets(grants: &Grants, found: &mut Found) {
    let buckets = || {
        grants
            .components
            .iter()
            .filter_map(|(component, grant)| Some((component, grant.keyvalue.as_ref()?)))
    };
    for (component, grant) in buckets() {
        for (at, bucket) in grant.buckets.iter().enumerate() {
            let at = at.to_string();
            let place = ["components", component, "keyvalue", "buckets", &at];
            if grant.shared.contains(bucket) {
                let said = format!(
                    "`{bucket}` is the component's own and shared too: name it in one list"
                );
                found.add(&place, said);
            }
            let other = buckets()
                .find(|(other, grant)| *other > component && grant.shared.contains(bucket));
            if let Some((other, _)) = other {
                let said = format!(
                    "`{bucket}` is shared by `{other}`; the own bucket of `{component}` is another one: give it another name"
                );
                found.add(&place, said);
            }
        }
    }
}

fn unknown<'n>(what: &str, name: &Name, known: impl Iterator<Item = &'n Name> + Clone) -> String {
    let known: Vec<_> = known.map(Name::as_str).collect();
    format!("no {what} is called `{name}`: {}", hint(name.as_str(), known.iter().copied()))
}

fn is_component_name(name: &str) -> bool {
    let extension = std::path::Path::new(name).extension();
    !name.is_empty() && !name.contains(['/', '\\']) && extension.is_none_or(|one| one != "wasm")
}
