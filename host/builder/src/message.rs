//! What cargo says while it builds, line by line.

use std::path::PathBuf;

use serde::Deserialize;

/// Something that cargo has said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// A package is compiled. Fresh: it was already.
    Compiled {
        /// The name of its target.
        name: String,
        /// Whether nothing had to be done.
        fresh: bool,
        /// The component, where it is one.
        component: Option<PathBuf>,
    },
    /// The compiler has found something.
    Finding(Finding),
    /// What cargo does, or why it cannot: a line of its own.
    Words(String),
}

/// What the compiler has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Whether it is an error; a warning otherwise.
    pub error: bool,
    /// In a few words, such as `mismatched types`.
    pub message: String,
    /// Where, as `src/lib.rs:12:5`; none where it concerns no place.
    pub place: Option<String>,
    /// As the compiler shows it, with the source.
    pub rendered: String,
}

#[derive(Deserialize)]
struct Line {
    reason: String,
    #[serde(default)]
    filenames: Vec<PathBuf>,
    #[serde(default)]
    fresh: bool,
    target: Option<Target>,
    message: Option<Message>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

#[derive(Deserialize)]
struct Message {
    level: String,
    #[serde(rename = "message")]
    text: String,
    rendered: Option<String>,
    #[serde(default)]
    spans: Vec<Span>,
}

#[derive(Deserialize)]
struct Span {
    file_name: String,
    line_start: u64,
    column_start: u64,
    is_primary: bool,
}

impl Said {
    /// Reads a line of cargo's standard output. None for what says nothing here. A line that is no JSON was printed by
    /// somebody else, such as a build script's program, and is handed on.
    pub fn parse(line: &str) -> Option<Self> {
        let Ok(said) = serde_json::from_str::<Line>(line) else {
            let words = line.trim_end();
            return (!words.is_empty()).then(|| Self::Words(words.to_owned()));
        };
        match (said.reason.as_str(), said.target, said.message) {
            ("compiler-artifact", Some(target), _) => {
                let wasm = |file: &PathBuf| file.extension().is_some_and(|ending| ending == "wasm");
                let component = said.filenames.into_iter().find(wasm);
                Some(Self::Compiled { name: target.name, fresh: said.fresh, component })
            }
            ("compiler-message", _, Some(message)) => message.finding().map(Self::Finding),
            _ => None,
        }
    }
}

impl Message {
    /// None for the closing words, which count what was said already.
    fn finding(self) -> Option<Finding> {
        let error = self.level.starts_with("error");
        if !error && self.level != "warning" {
            return None;
        }
        if self.spans.is_empty() && (self.text.starts_with("aborting due to") || !error) {
            return None;
        }
        let primary = self.spans.iter().find(|span| span.is_primary);
        let place =
            primary.map(|at| format!("{}:{}:{}", at.file_name, at.line_start, at.column_start));
        let rendered = self.rendered.unwrap_or_else(|| format!("{}: {}", self.level, self.text));
        let rendered = rendered.trim_end().to_owned();
        Some(Finding { error, message: self.text, place, rendered })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(level: &str, text: &str, spans: &serde_json::Value) -> String {
        let message = json!({ "level": level, "message": text, "rendered": format!("{level}: {text}\n"), "spans": spans });
        json!({ "reason": "compiler-message", "package_id": "a", "message": message }).to_string()
    }

    fn span(line: u64, primary: bool) -> serde_json::Value {
        json!({ "file_name": "src/lib.rs", "line_start": line, "column_start": 5, "is_primary": primary })
    }

    #[test]
    fn each_line_of_cargo_means_this() {
        let artifact = |file: &str| {
            json!({
                "reason": "compiler-artifact", "fresh": true, "filenames": [file, "/t/x.d"],
                "target": { "name": "one_fn" },
            })
        };
        let compiled = |component: Option<&str>| Said::Compiled {
            name: "one_fn".to_owned(),
            fresh: true,
            component: component.map(PathBuf::from),
        };
        let finding = |error, place: Option<&str>, level: &str, text: &str| {
            Said::Finding(Finding {
                error,
                message: text.to_owned(),
                place: place.map(str::to_owned),
                rendered: format!("{level}: {text}"),
            })
        };
        let both = json!([span(3, false), span(12, true)]);
        for (line, expected) in [
            (artifact("/t/one_fn.wasm").to_string(), Some(compiled(Some("/t/one_fn.wasm")))),
            (artifact("/t/one_fn.rlib").to_string(), Some(compiled(None))),
            (
                message("error", "mismatched types", &both),
                Some(finding(true, Some("src/lib.rs:12:5"), "error", "mismatched types")),
            ),
            (
                message("error: internal compiler error", "oh", &json!([])),
                Some(finding(true, None, "error: internal compiler error", "oh")),
            ),
            (
                message("warning", "unused", &json!([span(1, true)])),
                Some(finding(false, Some("src/lib.rs:1:5"), "warning", "unused")),
            ),
            (message("error", "aborting due to 2 previous errors", &json!([])), None),
            (message("warning", "1 warning emitted", &json!([])), None),
            (message("failure-note", "For more information", &json!([])), None),
            (json!({ "reason": "build-script-executed" }).to_string(), None),
            (json!({ "reason": "build-finished", "success": false }).to_string(), None),
            (
                "a program's own words\n".to_owned(),
                Some(Said::Words("a program's own words".to_owned())),
            ),
            ("\n".to_owned(), None),
        ] {
            assert_eq!(Said::parse(&line), expected, "{line}");
        }
    }
}
