//! Lists: a table that scrolls by itself where it is too wide, and the links between its parts.

use crate::html::{Html, encoded};

/// Which part of a list is shown, and where the rest is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pages {
    /// How many there are altogether, whatever the filter.
    pub total: usize,
    /// The first of this part, when there is something before it.
    pub newer: Option<String>,
    /// The last of this part, when there is something after it.
    pub older: Option<String>,
    /// What the links keep: names and values of the query.
    pub kept: Vec<(&'static str, String)>,
}

impl Pages {
    /// The links.
    pub(crate) fn links(&self, html: &mut Html, path: &str) {
        if self.newer.is_none() && self.older.is_none() {
            return;
        }
        let link = |member: &str, id: Option<&String>| {
            let kept = self.kept.iter().filter(|(_, value)| !value.is_empty());
            let kept = kept.fold(String::new(), |kept, (k, v)| kept + k + "=" + &encoded(v) + "&");
            id.map_or_else(
                || format!("{path}?{}", kept.trim_end_matches('&')),
                |id| format!("{path}?{kept}{member}={}", encoded(id)),
            )
        };
        html.element("nav", &[("class", "pages"), ("aria-label", "Parts of the list")], |nav| {
            if self.newer.is_some() {
                nav.leaf("a", &[("href", &link("", None))], "Latest");
                let href = link("after", self.newer.as_ref());
                nav.leaf("a", &[("href", &href), ("rel", "prev")], "Newer");
            }
            if self.older.is_some() {
                let href = link("before", self.older.as_ref());
                nav.leaf("a", &[("href", &href), ("rel", "next")], "Older");
            }
        });
    }
}

/// A table, or a line in its place when it has no rows. Heads that begin with `-` are left out where it is narrow.
pub(crate) fn table(
    html: &mut Html,
    caption: &str,
    heads: &[&str],
    rows: usize,
    nothing: &str,
    fill: impl FnOnce(&mut Html),
) {
    if rows == 0 {
        html.leaf("p", &[("class", "nothing")], nothing);
        return;
    }
    // Focusable, so that a keyboard can scroll it.
    let region =
        [("class", "wide"), ("role", "region"), ("aria-label", caption), ("tabindex", "0")];
    html.element("div", &region, |div| {
        div.element("table", &[], |table| {
            table.leaf("caption", &[("class", "unseen")], caption);
            table.element("thead", &[], |thead| {
                thead.element("tr", &[], |tr| {
                    for head in heads {
                        match head.strip_prefix('-') {
                            Some(head) => {
                                tr.leaf("th", &[("scope", "col"), ("class", "spare")], head)
                            }
                            None => tr.leaf("th", &[("scope", "col")], head),
                        };
                    }
                });
            });
            table.element("tbody", &[], fill);
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_the_parts_that_are_there_and_keep_the_filter() {
        let id = |id: &str| Some(id.to_owned());
        for (newer, older, says) in [
            (None, None, vec![]),
            (None, id("9"), vec!["?status=failed&amp;before=9"]),
            (id("5"), None, vec!["href=\"/?status=failed\"", "after=5"]),
            (id("5"), id("9"), vec!["after=5", "before=9"]),
        ] {
            let kept = vec![("status", "failed".to_owned()), ("function", String::new())];
            let pages = Pages { total: 3, newer, older, kept };
            let mut html = Html::new();
            pages.links(&mut html, "/");
            let html = html.to_string();
            assert_eq!(
                html.matches("<a ").count(),
                match says.len() {
                    0 => 0,
                    1 => 1,
                    _ if pages.older.is_none() => 2,
                    _ => 3,
                }
            );
            for says in says {
                assert!(html.contains(says), "{html}");
            }
        }
    }
}
