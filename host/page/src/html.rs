//! Markup. Names of elements and attributes are written in this program; everything else is escaped on its way in.

use std::fmt::{self, Display, Write};

/// Markup that is safe to put into a document, since text can only get into it escaped.
///
/// ```
/// let mut html = page::Html::new();
/// html.leaf("p", &[("title", "a \"b\"")], "1 < 2");
/// assert_eq!(html.to_string(), "<p title=\"a &quot;b&quot;\">1 &lt; 2</p>");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Html(String);

/// Attributes of an element. One whose value is empty is written all the same: `open=""`.
pub type Attributes<'a> = &'a [(&'static str, &'a str)];

impl Html {
    /// No markup.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds text.
    pub fn text(&mut self, text: impl Display) -> &mut Self {
        // Writing to a string cannot fail.
        let _ = write!(Escaped(&mut self.0), "{text}");
        self
    }

    /// Adds an element with whatever `fill` puts into it.
    pub fn element(
        &mut self,
        name: &'static str,
        attributes: Attributes<'_>,
        fill: impl FnOnce(&mut Self),
    ) -> &mut Self {
        self.open(name, attributes);
        fill(self);
        self.0.extend(["</", name, ">"]);
        self
    }

    /// Adds an element with nothing but text in it.
    pub fn leaf(
        &mut self,
        name: &'static str,
        attributes: Attributes<'_>,
        text: impl Display,
    ) -> &mut Self {
        self.element(name, attributes, |html| {
            html.text(text);
        })
    }

    /// Adds an element that has no end, such as `input`.
    pub fn void(&mut self, name: &'static str, attributes: Attributes<'_>) -> &mut Self {
        self.open(name, attributes);
        self
    }

    /// Adds other markup.
    pub fn append(&mut self, other: &Self) -> &mut Self {
        self.0.push_str(&other.0);
        self
    }

    fn open(&mut self, name: &'static str, attributes: Attributes<'_>) {
        self.0.extend(["<", name]);
        for (attribute, value) in attributes {
            self.0.extend([" ", attribute, "=\""]);
            self.text(value);
            self.0.push('"');
        }
        self.0.push('>');
    }
}

impl Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Escapes what is written to it.
struct Escaped<'s>(&'s mut String);

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                // No document may have it.
                '\0' => self.0.push('\u{fffd}'),
                c => self.0.push(c),
            }
        }
        Ok(())
    }
}

/// A value as one part of a query or a path.
pub fn encoded(value: &str) -> String {
    url::form_urlencoded::byte_serialize(value.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text_wherever_it_stands() {
        for text in [
            "<script>alert(1)</script>",
            "\"><img src=x onerror=alert(1)>",
            "' onmouseover='x",
            "</pre><b>",
            "&lt;",
            "a\0b",
        ] {
            let mut html = Html::new();
            html.leaf("pre", &[("title", text)], text);
            let html = html.to_string();
            let inner = html.strip_prefix("<pre title=\"").and_then(|h| h.strip_suffix("</pre>"));
            let inner = inner.expect("one element").replacen("\">", "", 1);
            assert!(!inner.contains(['<', '>', '"', '\'', '\0']), "{inner}");
        }
    }

    #[test]
    fn elements_nest() {
        let mut html = Html::new();
        html.element("ul", &[("class", "a")], |ul| {
            ul.leaf("li", &[], 1).element("li", &[], |li| {
                li.void("input", &[("name", "x")]);
            });
        });
        let expected = r#"<ul class="a"><li>1</li><li><input name="x"></li></ul>"#;
        assert_eq!(html.to_string(), expected);
        assert_eq!(encoded("a/b c&d"), "a%2Fb+c%26d");
    }
}
