//! Which steps a stub, a planned failure or a duration is for.

use protocol::step::StepName;

/// A step as tests name it: its id, alone or behind its function's.
///
/// `charge` means every step of that id, whatever its key; `charge[7]` the one with this key; `charge:1` the second
/// of several without a key; `fulfil-order/charge` only those of that function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path(String);

impl Path {
    pub(crate) fn new(text: &str) -> Self {
        assert!(
            !text.is_empty(),
            "a path names a step, such as \"charge\" or \"fulfil-order/charge\""
        );
        Self(text.to_owned())
    }

    /// Whether it means this step of this function.
    pub(crate) fn means(&self, function: &str, step: &StepName) -> bool {
        let within = self.0.strip_prefix(function).and_then(|rest| rest.strip_prefix('/'));
        let names = [&*shown(step), &step.name, base(&step.name)];
        names.iter().any(|name| self.0 == *name || within == Some(name))
    }
}

/// A step as the server shows it: repeats of one id are counted.
pub(crate) fn shown(step: &StepName) -> String {
    match step.index {
        0 => step.name.clone(),
        index => format!("{}:{index}", step.name),
    }
}

/// An id without its key.
pub(crate) fn base(name: &str) -> &str {
    name.split('[').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use protocol::id::StepId;

    use super::*;

    #[test]
    fn a_path_means_a_step_with_and_without_its_key_its_number_and_its_function() {
        let step =
            |name: &str, index| StepName { id: StepId::hash(name), name: name.to_owned(), index };
        for (path, step, means) in [
            ("pay", step("pay", 0), true),
            ("pay", step("pay[7]", 0), true),
            ("pay[7]", step("pay[7]", 0), true),
            ("pay[8]", step("pay[7]", 0), false),
            ("pay", step("pay", 2), true),
            ("pay:2", step("pay", 2), true),
            ("pay:1", step("pay", 2), false),
            ("shop/pay", step("pay[7]", 0), true),
            ("shop/pay[7]", step("pay[7]", 0), true),
            ("other/pay", step("pay", 0), false),
            ("a/b", step("a/b", 0), true),
        ] {
            assert_eq!(Path::new(path).means("shop", &step), means, "{path} {step:?}");
        }
    }
}
