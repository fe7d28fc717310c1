//! Functions that are in the folder and that no worker of this process serves, and what to do about each.
//!
//! One folder may be that of a host and of a cluster at once, so a component for the other role is no fault. It is told
//! nevertheless: whoever deploys to a cluster only would look for it in vain.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use protocol::digest::Digest;
use protocol::role::Role;
use registry::Generation;
use runtime::Component;
use tokio::sync::watch;

/// What has been told of: components by their names, with the digest that each had.
#[derive(Debug, Default)]
pub(crate) struct Told(BTreeMap<String, Digest>);

impl Told {
    /// Logs each of a generation that is new.
    pub(crate) fn warn(&mut self, present: &Generation, roles: &[Role]) {
        for (component, version) in present.components() {
            let code = version.component();
            if self.0.insert(component.to_owned(), code.digest()) != Some(code.digest()) {
                warn(component, code, roles);
            }
        }
    }

    /// Does so with each further generation.
    pub(crate) async fn follow(
        mut self,
        mut generations: watch::Receiver<Arc<Generation>>,
        roles: &[Role],
    ) -> Infallible {
        while generations.changed().await.is_ok() {
            let present = Arc::clone(&generations.borrow_and_update());
            self.warn(&present, roles);
        }
        // There will be none any more.
        std::future::pending().await
    }
}

/// Logs each function of a component that is not served.
fn warn(component: &str, code: &Component, roles: &[Role]) {
    let functions = code.functions().iter().map(|function| (&function.id, code.home(&function.id)));
    for (function, home) in functions.filter(|(_, home)| !roles.contains(home)) {
        let forced = code.placement().forced();
        let imports: Vec<_> = forced
            .filter(|(role, _)| roles.contains(role))
            .map(|(_, import)| import.to_string())
            .collect();
        let words = words(home, roles, &imports);
        tracing::warn!(component, %function, "function {function} of component {component} is not served here: {words}");
    }
}

/// Why, and what to do.
fn words(home: Role, roles: &[Role], imports: &[String]) -> String {
    let roles = roles.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
    if imports.is_empty() {
        return format!(
            "its manifest asks for the role {home}, and this worker has the role {roles}; start a worker with `--role \
             {home}` for it, or take the role out of its manifest"
        );
    }
    format!(
        "it imports {}, which no worker of the role {roles} has; start a worker with `--role {home}` for it, or move what \
         uses this into a component of its own",
        imports.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_name_the_imports_or_the_manifest_and_what_to_do() {
        let imports = ["a:b/fs@0.1.0".to_owned(), "a:b/shell@0.1.0".to_owned()];
        let said = words(Role::Host, &[Role::Cluster], &imports);
        assert!(said.starts_with("it imports a:b/fs@0.1.0, a:b/shell@0.1.0, which"), "{said}");
        assert!(said.contains("role cluster") && said.contains("`--role host`"), "{said}");
        let said = words(Role::Host, &[Role::Cluster], &[]);
        assert!(said.contains("its manifest asks for the role host"), "{said}");
    }
}
