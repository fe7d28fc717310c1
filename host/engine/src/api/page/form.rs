//! Forms that the page has made.

use axum::http::StatusCode;

use super::{Page, Refused};

/// The members of a form that carries the page's token.
#[derive(Debug)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads a form; one without the token was made by somebody else.
    pub(super) fn read(page: &Page, body: &[u8]) -> Result<Self, Refused> {
        let form = Self(url::form_urlencoded::parse(body).into_owned().collect());
        if form.member("token") == page.token {
            return Ok(form);
        }
        let message = "This form is not of this page, or of one from before the engine was started. Load the page again, and repeat it there.";
        Err(Refused::new(StatusCode::FORBIDDEN, message))
    }

    /// All members.
    pub(super) fn members(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// A member; empty if there is none.
    pub(super) fn member(&self, name: &str) -> &str {
        let mut members = self.0.iter();
        members.find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }
}
