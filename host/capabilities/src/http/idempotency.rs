//! The key by which a server knows an attempt that it has seen before.

use http::HeaderValue;
use protocol::id::RunId;
use protocol::step::StepName;

/// The same in every attempt of a step, and different for every other one: what the SDK calls by the same name. A step whose
/// name cannot stand in a header is named by its hash.
pub(crate) fn key(run: RunId, step: Option<&StepName>) -> HeaderValue {
    let name = step.map(|step| match step.index {
        0 => step.name.clone(),
        index => format!("{}:{index}", step.name),
    });
    let key = format!("{run}:{}", name.unwrap_or_default());
    HeaderValue::from_bytes(key.as_bytes()).unwrap_or_else(|_| {
        let hash = step.map(|step| step.id.to_string()).unwrap_or_default();
        HeaderValue::from_str(&format!("{run}:{hash}")).expect("a run and a hash are plain text")
    })
}

#[cfg(test)]
mod tests {
    use protocol::id::StepId;

    use super::*;

    #[test]
    fn each_step_has_its_own_key() {
        let run: RunId = "01M81GXW71CEV7JQT6T4T8NAKZ".parse().expect("a run");
        for (name, index, expected) in [
            ("charge", 0, "01M81GXW71CEV7JQT6T4T8NAKZ:charge"),
            ("charge", 2, "01M81GXW71CEV7JQT6T4T8NAKZ:charge:2"),
            ("größe", 0, "01M81GXW71CEV7JQT6T4T8NAKZ:größe"),
        ] {
            let step = StepName { id: StepId::hash(name), name: name.to_owned(), index };
            assert_eq!(key(run, Some(&step)).as_bytes(), expected.as_bytes());
        }
        let step = StepName { id: StepId::hash("a\nb"), name: "a\nb".to_owned(), index: 0 };
        let key = key(run, Some(&step));
        assert_eq!(key.to_str().ok(), Some(&*format!("{run}:{}", StepId::hash("a\nb"))));
    }
}
