//! Which objects a request is about.

/// A path of the API, in its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path {
    /// `v1`, or `apps/v1`.
    pub(super) version: String,
    pub(super) namespace: Option<String>,
    /// `configmaps`, `deployments`.
    pub(super) plural: String,
    pub(super) name: Option<String>,
    /// `status`, `scale`, `proxy` and what follows it.
    pub(super) rest: Option<String>,
}

/// An object's place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) version: String,
    pub(super) plural: String,
    pub(super) namespace: Option<String>,
    pub(super) name: String,
}

impl Path {
    /// None for what leads to no objects.
    pub(super) fn parse(path: &str) -> Option<Self> {
        let mut parts = path.trim_matches('/').split('/').peekable();
        let version = match parts.next()? {
            "api" => parts.next()?.to_owned(),
            "apis" => format!("{}/{}", parts.next()?, parts.next()?),
            _ => return None,
        };
        let mut first = parts.next()?;
        let mut namespace = None;
        // A namespace is an object too: only what stands beneath one is in it.
        if first == "namespaces" {
            let name = parts.next();
            match (name, parts.next()) {
                (Some(name), Some(plural)) => {
                    namespace = Some(name.to_owned());
                    first = plural;
                }
                (name, None) => {
                    let (plural, name) = (first.to_owned(), name.map(str::to_owned));
                    return Some(Self { version, namespace, plural, name, rest: None });
                }
                (None, Some(_)) => return None,
            }
        }
        let name = parts.next().map(str::to_owned);
        let rest: Vec<_> = parts.collect();
        let rest = (!rest.is_empty()).then(|| rest.join("/"));
        Some(Self { version, namespace, plural: first.to_owned(), name, rest })
    }

    /// The object that it names.
    pub(super) fn key(&self) -> Option<Key> {
        Some(self.named(self.name.as_deref()?))
    }

    /// The object of this name among those that it leads to.
    pub(super) fn named(&self, name: &str) -> Key {
        Key {
            version: self.version.clone(),
            plural: self.plural.clone(),
            namespace: self.namespace.clone(),
            name: name.to_owned(),
        }
    }

    /// Whether an object is among them.
    pub(super) fn has(&self, key: &Key) -> bool {
        self.version == key.version
            && self.plural == key.plural
            && (self.namespace.is_none() || self.namespace == key.namespace)
            && self.name.as_ref().is_none_or(|name| *name == key.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_objects() {
        for (path, version, namespace, plural, name, rest) in [
            ("/api/v1/pods", "v1", None, "pods", None, None),
            ("/api/v1/namespaces/a", "v1", None, "namespaces", Some("a"), None),
            ("/api/v1/namespaces/a/pods", "v1", Some("a"), "pods", None, None),
            (
                "/apis/apps/v1/namespaces/a/deployments/b",
                "apps/v1",
                Some("a"),
                "deployments",
                Some("b"),
                None,
            ),
            (
                "/api/v1/namespaces/a/pods/b:1/proxy/c/d",
                "v1",
                Some("a"),
                "pods",
                Some("b:1"),
                Some("proxy/c/d"),
            ),
        ] {
            let own = |text: Option<&str>| text.map(str::to_owned);
            let wanted = Path {
                version: version.to_owned(),
                namespace: own(namespace),
                plural: plural.to_owned(),
                name: own(name),
                rest: own(rest),
            };
            assert_eq!(Path::parse(path), Some(wanted), "{path}");
        }
        for path in ["", "/healthz", "/api", "/apis/apps/v1"] {
            assert_eq!(Path::parse(path), None, "{path}");
        }
    }
}
