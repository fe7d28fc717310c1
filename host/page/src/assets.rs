//! What every document needs beside itself, and the headers that go with every answer.

/// The stylesheet.
pub const STYLE: &str = include_str!("assets/style.css");
/// The script: the page works without it, and then shows news only when it is loaded again.
pub const SCRIPT: &str = include_str!("assets/script.js");
/// Where documents look for the stylesheet, below the page.
pub const STYLE_PATH: &str = "/assets/style.css";
/// Where they look for the script.
pub const SCRIPT_PATH: &str = "/assets/script.js";

/// Headers for every answer: nothing from elsewhere is loaded or run, and nobody puts the page into a frame. The last one
/// keeps the sender of a form known to the page itself, which asks for it.
pub const HEADERS: [(&str, &str); 5] = [
    (
        "content-security-policy",
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("cache-control", "no-store"),
    ("referrer-policy", "same-origin"),
];
