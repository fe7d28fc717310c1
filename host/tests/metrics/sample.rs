//! The text format, read as strictly as the tests need it.

use std::collections::{BTreeMap, BTreeSet};

/// The name and labels of a sample.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
}

impl Sample {
    pub(crate) fn of(name: &str, labels: &[(&str, &str)]) -> Self {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self { name: name.to_owned(), labels: labels.collect() }
    }
}

/// All samples. Each family is described before, and once; no sample is there twice.
pub(crate) fn samples(text: &str) -> BTreeMap<Sample, f64> {
    let whole = text.strip_suffix("# EOF\n").expect("an end");
    let mut families = BTreeSet::new();
    let mut samples = BTreeMap::new();
    for line in whole.lines() {
        if let Some(described) = line.strip_prefix("# TYPE ") {
            let (family, _) = described.split_once(' ').expect("a type");
            assert!(families.insert(family.to_owned()), "{family} is described twice");
        } else if !line.starts_with('#') {
            let (sample, value) = line.rsplit_once(' ').expect("a value");
            let value = value.parse().unwrap_or_else(|_| panic!("no number: {line}"));
            let (name, labels) = sample.split_once('{').unwrap_or((sample, "}"));
            let suffixes = ["", "_total", "_sum", "_count", "_bucket", "_info"];
            let mut of = suffixes.iter().filter_map(|suffix| name.strip_suffix(suffix));
            assert!(of.any(|family| families.contains(family)), "{name} is not described");
            let labels = labels.strip_suffix('}').expect("an end of labels");
            let labels = labels.split_terminator(',').map(|label| {
                let (name, value) = label.split_once("=\"").expect("a label");
                (name.to_owned(), value.strip_suffix('"').expect("an end").to_owned())
            });
            let sample = Sample { name: name.to_owned(), labels: labels.collect() };
            assert!(samples.insert(sample, value).is_none(), "twice: {line}");
        }
    }
    samples
}
