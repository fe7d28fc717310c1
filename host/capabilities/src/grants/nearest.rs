//! Which known name somebody may have meant.

/// How alike two names must be for one to be a misspelling of the other: less than a half differs.
const ALIKE: f64 = 0.6;

/// The known name that is nearest, if any is near.
pub(super) fn nearest<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let alike = known.into_iter().map(|known| {
        let alike = strsim::normalized_damerau_levenshtein(
            &name.to_ascii_lowercase(),
            &known.to_ascii_lowercase(),
        );
        (alike, known)
    });
    let (alike, known) = alike.max_by(|(a, _), (b, _)| a.total_cmp(b))?;
    (alike >= ALIKE).then_some(known)
}

/// The same as words that go on after a complaint: `; did you mean x?`, or what there is.
pub(super) fn hint<'n>(name: &str, known: impl IntoIterator<Item = &'n str> + Clone) -> String {
    if let Some(near) = nearest(name, known.clone()) {
        return format!("did you mean `{near}`?");
    }
    let all: Vec<_> = known.into_iter().map(|known| format!("`{known}`")).collect();
    if all.is_empty() {
        "there are none".to_owned()
    } else {
        format!("there is {}", all.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspellings_find_what_was_meant_and_strangers_find_nothing() {
        let known = ["roots", "programs", "secrets", "components"];
        for (name, near) in [
            ("rots", Some("roots")),
            ("Programs", Some("programs")),
            ("secret", Some("secrets")),
            ("component", Some("components")),
            ("weather", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, known), near, "{name}");
        }
        assert_eq!(nearest("x", []), None);
        assert_eq!(hint("weather", ["notes"]), "there is `notes`");
        assert_eq!(hint("weather", []), "there are none");
    }
}
