use crate::notice::{excerpt, line};
use crate::settings::Settings;

#[test]
fn settings_have_defaults() {
    for (key, value, front, todoist) in [
        ("none", "", "https://api2.frontapp.com", "https://api.todoist.com/api/v1"),
        (
            "FRONT_API_URL",
            "http://127.0.0.1:1/",
            "http://127.0.0.1:1",
            "https://api.todoist.com/api/v1",
        ),
        ("FRONT_API_URL", "0", "https://api2.frontapp.com", "https://api.todoist.com/api/v1"),
        ("TODOIST_API_URL", " http://t ", "https://api2.frontapp.com", "http://t"),
    ] {
        let settings = Settings::of(|asked| (asked == key).then(|| value.to_owned()));
        assert_eq!(
            (settings.front.as_str(), settings.todoist.as_str()),
            (front, todoist),
            "{key}={value}"
        );
        assert!(settings.vips.is_empty());
    }
}

#[test]
fn important_senders_are_named_by_address_or_domain() {
    let settings = Settings::of(|key| {
        (key == "VIP_SENDERS").then(|| " Ada@Example.com, @king.example ,, nobody, @".to_owned())
    });
    for (sender, vip) in [
        ("ada@example.com", true),
        (" ADA@EXAMPLE.COM ", true),
        ("bob@example.com", false),
        ("anyone@king.example", true),
        ("x@notking.example", false),
        ("x@king.example.evil.test", false),
        ("nobody", false),
        ("", false),
    ] {
        assert_eq!(settings.is_vip(sender), vip, "{sender}");
    }
}

#[test]
fn lines_have_a_value_and_an_end() {
    assert_eq!(line("To", " "), "");
    assert_eq!(line("To", "a"), "To: a");
    assert_eq!(excerpt(&"ñ".repeat(2_000)).chars().count(), 1_001);
}
