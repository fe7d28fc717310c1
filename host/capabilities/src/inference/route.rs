//! Which providers are asked, in which order, for which model.

use super::grant::Source;

/// One attempt to come: the provider's place in the operator's list, and the model it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leg {
    pub(super) provider: usize,
    pub(super) model: Option<String>,
}

/// The attempts of a question. Providers that have the preferred model come first; where none has it, `pi` is asked for
/// it, which knows many. The rest keep the operator's order and answer with their own.
pub(super) fn route(
    sources: &[Source],
    task: Option<&str>,
    preferred: Option<&str>,
    attempts: usize,
) -> Vec<Leg> {
    let taking = sources.iter().enumerate().filter(|(_, source)| source.takes(task));
    let mut legs: Vec<_> = taking
        .map(|(provider, source)| Leg { provider, model: source.model().map(str::to_owned) })
        .collect();
    if let Some(preferred) = preferred {
        let has = |leg: &Leg| leg.model.as_deref() == Some(preferred);
        if !legs.iter().any(has) {
            for leg in &mut legs {
                if matches!(sources[leg.provider], Source::Pi { .. }) {
                    leg.model = Some(preferred.to_owned());
                }
            }
        }
        // Stable: the operator's order stays among equals.
        legs.sort_by_key(|leg| !has(leg));
    }
    legs.truncate(attempts);
    legs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(toml: &str) -> Source {
        toml::from_str(toml).expect("a provider")
    }

    #[test]
    fn the_operators_order_holds_but_for_tasks_and_preferred_models() {
        let sources = [
            source("kind = 'openai'\nurl = 'http://a'\nmodel = 'small'"),
            source("kind = 'pi'"),
            source("kind = 'openai'\nurl = 'http://b'\nmodel = 'large'\ntasks = ['review']"),
            source("kind = 'openai'\nurl = 'http://c'\nmodel = 'large'"),
        ];
        let told = |task, preferred, attempts| {
            route(&sources, task, preferred, attempts)
                .into_iter()
                .map(|leg| (leg.provider, leg.model.unwrap_or_default()))
                .collect::<Vec<_>>()
        };
        let legs = |legs: &[(usize, &str)]| {
            legs.iter().map(|(at, model)| (*at, (*model).to_owned())).collect::<Vec<_>>()
        };
        for (task, preferred, attempts, expected) in [
            (None, None, 9, legs(&[(0, "small"), (1, ""), (3, "large")])),
            (Some("review"), None, 9, legs(&[(0, "small"), (1, ""), (2, "large"), (3, "large")])),
            (Some("other"), None, 2, legs(&[(0, "small"), (1, "")])),
            (None, Some("large"), 9, legs(&[(3, "large"), (0, "small"), (1, "")])),
            (None, Some("rare"), 9, legs(&[(1, "rare"), (0, "small"), (3, "large")])),
        ] {
            assert_eq!(told(task, preferred, attempts), expected, "{task:?} {preferred:?}");
        }
    }
}
