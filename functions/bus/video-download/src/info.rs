//! What is known of a video.

use system_bus_sdk::prelude::*;

/// What is known of a video.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Info {
    pub(crate) slug: String,
    pub(crate) title: String,
    pub(crate) channel: String,
    pub(crate) published: Option<String>,
    pub(crate) year: String,
    pub(crate) duration: f64,
}

impl Info {
    /// Reads what yt-dlp has written. `now` is for videos without a date.
    pub(crate) fn parse(text: &str, now: Timestamp) -> Result<Self> {
        let info: Value = serde_json::from_str(text).map_err(|problem| {
            Error::stop(format!("what is told of the video is no JSON: {problem}")).named("NoInfo")
        })?;
        let text = |names: &[&str]| {
            let found = names.iter().find_map(|name| info[*name].as_str());
            found.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let id = text(&["id"]).unwrap_or_else(|| "video".to_owned());
        let title = text(&["title", "fulltitle"]).unwrap_or_else(|| id.clone());
        let date = text(&["upload_date", "release_date"]);
        let date = date.filter(|date| date.len() == 8 && date.bytes().all(|b| b.is_ascii_digit()));
        let published = date.map(|date| format!("{}-{}-{}", &date[..4], &date[4..6], &date[6..]));
        let year = published.clone().unwrap_or_else(|| now.to_string())[..4].to_owned();
        let candidates = [slug(&title), slug(&id), "video".to_owned()];
        let slug = candidates.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
        Ok(Self {
            slug,
            title,
            channel: text(&["channel", "uploader"]).unwrap_or_else(|| "unknown".to_owned()),
            published,
            year,
            duration: info["duration"].as_f64().unwrap_or_default(),
        })
    }
}

/// A name for a folder: small letters, digits and dashes, 80 at most. No shell does anything with it.
fn slug(text: &str) -> String {
    let mut slug = String::new();
    for letter in text.chars().flat_map(char::to_lowercase) {
        if letter.is_ascii_alphanumeric() {
            slug.push(letter);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() >= 80 {
            break;
        }
    }
    slug.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_folders_are_plain() {
        for (title, name) in [
            ("Tea: how & why?", "tea-how-why"),
            ("  -- $(rm -rf /) '; --", "rm-rf"),
            ("../../etc", "etc"),
            ("Ünïcode", "n-code"),
            ("日本", ""),
        ] {
            assert_eq!(slug(title), name, "{title}");
        }
        assert_eq!(slug(&"ab ".repeat(60)).len(), 80);
    }

    #[test]
    fn what_is_not_told_is_filled() {
        let now = "2026-05-01T00:00:00Z".parse().expect("a time");
        for (text, slug, year, published) in [
            (
                r#"{"id":"x1","title":"Tea","upload_date":"20240229"}"#,
                "tea",
                "2024",
                Some("2024-02-29"),
            ),
            (r#"{"id":"x1","title":"日本"}"#, "x1", "2026", None),
            (r#"{"upload_date":"soon"}"#, "video", "2026", None),
        ] {
            let info = Info::parse(text, now).expect("it is told");
            assert_eq!((info.slug.as_str(), info.year.as_str()), (slug, year), "{text}");
            assert_eq!(info.published.as_deref(), published, "{text}");
        }
        assert_eq!(Info::parse("no", now).expect_err("it is none").policy(), Retry::Never);
    }
}
