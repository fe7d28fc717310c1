//! The providers that come with this program.

macro_rules! built_in {
    ($($name:literal),+ $(,)?) => {
        /// The providers that come with this program: name and file.
        pub const BUILT_IN: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("builtin/", $name, ".toml")))),+];
    };
}

built_in!(
    "front", "github", "joelclaw", "mux", "slack", "standard", "stripe", "telnyx", "todoist",
    "vercel",
);
