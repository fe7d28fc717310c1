use crate::content::{Content, content};
use crate::settings::Settings;

#[test]
fn what_may_be_shown_is_said_at_the_top() {
    for (text, what) in [
        ("# Title\nText", "Title"),
        ("Text only", "slug"),
        ("---\ntitle: \"Given\"\n---\n# Other", "Given"),
        ("---\r\ntitle: Given\r\n---\r\n", "Given"),
        ("---\ntitle: open\n# Heading", "Heading"),
        ("---\nsite: joelclaw\n---\n# Here", "Here"),
        ("---\ndraft: true\n---\n", "draft"),
        ("---\nstatus: draft\n---\n", "draft"),
        ("---\nprivate: true\ndraft: true\n---\n", "private"),
        ("---\nvisibility: private\n---\n", "private"),
        ("---\nsite: other\n---\n", "offsite"),
        ("", "slug"),
    ] {
        let said = match content("adr:slug", text, "joelclaw") {
            Content::Published(document) => {
                document.fields["title"].as_str().expect("a title").to_owned()
            }
            Content::Draft => "draft".to_owned(),
            Content::Private => "private".to_owned(),
            Content::Offsite => "offsite".to_owned(),
        };
        assert_eq!(said, what, "{text}");
    }
}

#[test]
fn settings_have_defaults_but_for_the_address() {
    assert_eq!(Settings::of(|_| None), None);
    assert_eq!(Settings::of(|_| Some("  ".to_owned())), None);
    let only = |key: &str| (key == "CONVEX_URL").then(|| "https://c.test/".to_owned());
    let settings = Settings::of(only).expect("they are enough");
    assert_eq!(settings.convex, "https://c.test");
    assert_eq!(settings.adrs, "docs/decisions");
    assert_eq!(settings.discoveries, "Resources/discoveries");
    assert_eq!((settings.revalidate, settings.site.as_str()), (None, "joelclaw"));
}
