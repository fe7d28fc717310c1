//! The form to send an event.

mod fields;

use crate::document::seal;
use crate::html::{Html, encoded};

pub use fields::{Content, Field, as_given, of_schema, read};

/// What the form shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sending {
    /// The names that start a function, and which functions those are.
    pub starts: Vec<(String, Vec<String>)>,
    /// The name to begin with.
    pub name: String,
    /// The data to begin with, as JSON.
    pub data: String,
    /// A field for each of its members, in place of the JSON; empty where nothing is known of them.
    pub fields: Vec<Field>,
    /// Whether the JSON is asked for although its members are known.
    pub raw: bool,
    /// Where the data is from.
    pub from: Option<String>,
    /// Other data to begin with: where it is from, and the address of the form with it.
    pub others: Vec<(String, String)>,
    /// Why what was sent last was refused.
    pub error: Option<String>,
}

/// The view.
pub fn view(sending: &Sending, base: &str, token: &str) -> Html {
    let mut html = Html::new();
    if let Some(error) = &sending.error {
        html.leaf("p", &[("class", "error"), ("role", "alert")], error);
    }
    let action = format!("{base}/send");
    html.element("form", &[("method", "post"), ("action", &action)], |form| {
        seal(form, token);
        form.leaf("label", &[("for", "name")], "Name of the event");
        let mut name = vec![
            ("id", "name"),
            ("name", "name"),
            ("value", sending.name.as_str()),
            ("list", "names"),
            ("autocomplete", "off"),
            ("required", ""),
        ];
        if sending.error.is_some() {
            name.push(("aria-invalid", "true"));
        }
        form.void("input", &name);
        form.element("datalist", &[("id", "names")], |list| {
            for (name, functions) in &sending.starts {
                list.leaf("option", &[("value", name)], functions.join(", "));
            }
        });
        if sending.fields.is_empty() {
            form.leaf("label", &[("for", "data")], "Data, a JSON object");
            let data = [("id", "data"), ("name", "data"), ("spellcheck", "false"), ("rows", "12")];
            form.leaf("textarea", &data, &sending.data);
        } else {
            form.element("fieldset", &[], |set| {
                set.leaf("legend", &[], "Data");
                sending.fields.iter().for_each(|field| field.show(set));
            });
        }
        if let Some(from) = &sending.from {
            form.leaf("p", &[("class", "soft")], format_args!("The data is that of {from}."));
        }
        form.element("div", &[("class", "row")], |row| {
            row.leaf("button", &[("type", "submit"), ("class", "first")], "Send");
        });
    });
    let of_name = format!("{base}/send?name={}", encoded(&sending.name));
    if sending.raw {
        html.leaf("a", &[("href", &of_name)], "With a field for each member");
    } else if !sending.fields.is_empty() {
        html.leaf("a", &[("href", &format!("{of_name}&as=json"))], "As JSON");
    }
    if !sending.others.is_empty() {
        html.leaf("h2", &[], "Begin with other data");
        html.element("ul", &[], |ul| {
            for (from, query) in &sending.others {
                ul.element("li", &[], |li| {
                    li.leaf("a", &[("href", &format!("{base}/send?{query}"))], from);
                });
            }
        });
    }
    html.leaf("h2", &[], "What starts a function");
    if sending.starts.is_empty() {
        let nothing = "No function that an event starts is registered.";
        html.leaf("p", &[("class", "nothing")], nothing);
    }
    html.element("ul", &[("class", "plain")], |ul| {
        for (name, functions) in &sending.starts {
            ul.element("li", &[], |li| {
                let href = format!("{base}/send?name={}", encoded(name));
                li.leaf("a", &[("href", &href)], name).text(" → ").text(functions.join(", "));
            });
        }
    });
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_begins_with_what_it_is_given_and_says_what_was_wrong() {
        let sending = Sending {
            starts: vec![("a/b".to_owned(), vec!["f".to_owned(), "g".to_owned()])],
            name: "a/\"b".to_owned(),
            data: "</textarea><script>".to_owned(),
            from: Some("the event E1".to_owned()),
            others: vec![("a sample".to_owned(), "name=x&sample=1".to_owned())],
            error: Some("no <object>".to_owned()),
            ..Sending::default()
        };
        let html = view(&sending, "", "secret").to_string();
        for says in [
            "name=\"token\" value=\"secret\"",
            "value=\"a/&quot;b\"",
            "&lt;/textarea&gt;&lt;script&gt;</textarea>",
            "role=\"alert\">no &lt;object&gt;",
            "aria-invalid",
            "href=\"/send?name=x&amp;sample=1\"",
            "href=\"/send?name=a%2Fb\">a/b</a> → f, g",
        ] {
            assert!(html.contains(says), "{says}\n{html}");
        }
        let field = Field {
            name: "total".to_owned(),
            content: Content::Number,
            required: true,
            description: None,
            value: "7".to_owned(),
            problem: None,
        };
        let sending = Sending { name: "a/b".to_owned(), fields: vec![field], ..Sending::default() };
        let html = view(&sending, "", "t").to_string();
        assert!(html.contains("of.number.required.total") && !html.contains("id=\"data\""));
        assert!(html.contains("href=\"/send?name=a%2Fb&amp;as=json\""), "{html}");
        let raw = Sending { fields: Vec::new(), raw: true, ..sending };
        let html = view(&raw, "", "t").to_string();
        assert!(html.contains("id=\"data\"") && html.contains("With a field for each member"));
        let html = view(&Sending::default(), "", "t").to_string();
        assert!(html.contains("No function that an event starts") && !html.contains("alert"));
    }
}
