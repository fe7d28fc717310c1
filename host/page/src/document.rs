//! What is around each view: head, navigation, footer.

use crate::assets::{SCRIPT_PATH, STYLE_PATH};
use crate::html::Html;

/// Whose page it is, and which views it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// What it is, such as `development engine`.
    pub what: String,
    /// What stands before every path of the page: nothing, or such as `/page`.
    pub base: &'static str,
    /// The views: path and title.
    pub views: &'static [(&'static str, &'static str)],
    /// What is said at the end of every view.
    pub note: &'static str,
}

/// One view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// The heading and the title.
    pub title: String,
    /// The path of the view that it belongs to, one of [`Site::views`].
    pub of: &'static str,
    /// Whether it may change while somebody looks at it.
    pub live: bool,
    /// What it shows, below the heading.
    pub body: Html,
}

/// The whole document.
pub fn document(site: &Site, view: &View) -> String {
    let at = |path: &str| format!("{}{path}", site.base);
    let mut html = Html::new();
    html.element("html", &[("lang", "en")], |html| {
        html.element("head", &[], |head| {
            head.void("meta", &[("charset", "utf-8")]);
            let wide = "width=device-width, initial-scale=1";
            head.void("meta", &[("name", "viewport"), ("content", wide)]);
            head.void("meta", &[("name", "color-scheme"), ("content", "light dark")]);
            head.leaf("title", &[], format_args!("{} · {}", view.title, site.what));
            head.void("link", &[("rel", "stylesheet"), ("href", &at(STYLE_PATH))]);
            // Without one, browsers ask for a file that is not there.
            head.void("link", &[("rel", "icon"), ("href", "data:,")]);
            head.element("script", &[("src", &at(SCRIPT_PATH)), ("defer", "")], |_| {});
        });
        html.element("body", &[], |body| {
            body.leaf("a", &[("class", "skip"), ("href", "#main")], "To the content");
            body.element("div", &[("class", "bar")], |bar| top(bar, site, view));
            let mut attributes = vec![("id", "main")];
            if view.live {
                attributes.push(("data-live", ""));
            }
            body.element("main", &attributes, |main| {
                main.leaf("h1", &[], &view.title);
                main.append(&view.body);
            });
            body.leaf("footer", &[], format_args!("{} Times are UTC.", site.note));
        });
    });
    format!("<!doctype html>{html}")
}

fn top(html: &mut Html, site: &Site, view: &View) {
    html.element("header", &[], |header| {
        header.element("p", &[], |p| {
            p.text("system-bus").leaf("span", &[], &site.what);
        });
        header.element("nav", &[("aria-label", "Views")], |nav| {
            for (path, title) in site.views {
                let href = format!("{}{path}", site.base);
                if *path == view.of {
                    nav.leaf("a", &[("href", &href), ("aria-current", "page")], title);
                } else {
                    nav.leaf("a", &[("href", &href)], title);
                }
            }
        });
    });
}

/// The hidden member of a form by which the page knows its own forms.
pub(crate) fn seal(html: &mut Html, token: &str) {
    html.void("input", &[("type", "hidden"), ("name", "token"), ("value", token)]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_has_its_landmarks_and_says_where_one_is() {
        let site = Site {
            what: "test <engine>".to_owned(),
            base: "/page",
            views: &[("/", "Runs"), ("/events", "Events")],
            note: "A note.",
        };
        let view = View { title: "a & b".to_owned(), of: "/events", live: true, body: Html::new() };
        let html = document(&site, &view);
        for says in [
            "<!doctype html><html lang=\"en\">",
            "<title>a &amp; b · test &lt;engine&gt;</title>",
            "href=\"/page/assets/style.css\"",
            "<a href=\"/page/events\" aria-current=\"page\">Events</a>",
            "<main id=\"main\" data-live=\"\"><h1>a &amp; b</h1></main>",
            "<footer>A note. Times are UTC.</footer>",
        ] {
            assert!(html.contains(says), "{says}\n{html}");
        }
        assert_eq!(html.matches("aria-current").count(), 1);
        assert!(!document(&site, &View { live: false, ..view }).contains("data-live"));
    }
}
