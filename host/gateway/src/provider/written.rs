//! The file of a provider, as it is written.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::{Provider, Trust};
use crate::handshake::Handshake;
use crate::secrets::{Encoding, Form};
use crate::shape::{Naming, Path, Rule, Template};
use crate::verify::{Check, Content, Method, Time};

/// How far a signed time may be from ours where the file does not say.
const WITHIN: u64 = 300;
/// The furthest that makes sense.
const FURTHEST: u64 = 24 * 60 * 60;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    /// For people.
    #[serde(default, rename = "about")]
    _about: String,
    prefix: Option<String>,
    #[serde(default)]
    insecure_none: bool,
    #[serde(default)]
    verify: Vec<Verify>,
    #[serde(default)]
    events: Vec<Event>,
    #[serde(default)]
    handshake: Vec<Shake>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Verify {
    method: Method,
    header: String,
    #[serde(default)]
    before: String,
    split: Option<char>,
    encoding: Encoding,
    signs: Texts,
    #[serde(default)]
    key: Form,
    secrets: Vec<String>,
    time: Option<SignedTime>,
    with: Option<String>,
    delivery: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignedTime {
    header: Option<String>,
    #[serde(default)]
    before: String,
    within_seconds: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Event {
    #[serde(default)]
    when: BTreeMap<String, Texts>,
    name: Option<String>,
    by: Option<String>,
    #[serde(default)]
    names: BTreeMap<String, String>,
    rest: Option<String>,
    id: String,
    all: Option<String>,
    ts: Option<String>,
    #[serde(default)]
    data: BTreeMap<String, Texts>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "kind")]
enum Shake {
    Echo { when: BTreeMap<String, Texts>, answer: String },
    Crc { query: String },
    Hub { secrets: Vec<String> },
}

/// One text, or several.
#[derive(Deserialize, Clone)]
#[serde(untagged)]
enum Texts {
    One(String),
    Several(Vec<String>),
}

impl Texts {
    fn all(self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text],
            Self::Several(texts) => texts,
        }
    }
}

impl Written {
    pub(super) fn provider(self, name: &str) -> Result<Provider, String> {
        let trust = match (self.insecure_none, self.verify) {
            (true, checks) if checks.is_empty() => Trust::Everybody,
            (true, _) => {
                return Err("insecure_none = true believes everybody; leave it out, or [[verify]]"
                    .to_owned());
            }
            (false, checks) if checks.is_empty() => {
                return Err(
                    "it has no [[verify]], so everybody could send; write one, or insecure_none = true where that is meant"
                        .to_owned(),
                );
            }
            (false, checks) => {
                Trust::Signed(checks.into_iter().map(Verify::check).collect::<Result<_, _>>()?)
            }
        };
        if self.events.is_empty() {
            return Err("it has no [[events]], so nothing would ever be sent".to_owned());
        }
        let rules = self.events.into_iter().map(Event::rule).collect::<Result<_, _>>()?;
        let handshakes =
            self.handshake.into_iter().map(Shake::handshake).collect::<Result<_, _>>()?;
        let prefix = self.prefix.unwrap_or_else(|| name.to_owned());
        Ok(Provider { name: name.to_owned(), prefix, trust, rules, handshakes })
    }
}

impl Verify {
    fn check(self) -> Result<Check, String> {
        if self.header.is_empty() {
            return Err("[[verify]] names no header".to_owned());
        }
        if self.secrets.is_empty() || self.secrets.iter().any(|name| !is_secret(name)) {
            return Err(
                "[[verify]] needs the name of a secret, such as acme_webhook_secret: small letters, digits, - and _".to_owned(),
            );
        }
        let signs = self.signs.all();
        let signs = signs.iter().map(|text| Content::parse(text));
        let signs: Vec<Content> =
            signs.collect::<Result<_, _>>().map_err(|error| error.to_string())?;
        if signs.is_empty() {
            return Err("signs is empty; write what is signed, such as \"{body}\"".to_owned());
        }
        let time = self.time.map(|time| time.time(self.split)).transpose()?;
        // A time that nobody signs, anybody could write anew.
        let timed = signs.iter().filter(|content| content.has_time()).count();
        match (&time, timed) {
            (Some(_), timed) if timed < signs.len() => {
                return Err("[verify.time] is read, and {time} is not in each of signs: a time that is not signed proves nothing".to_owned());
            }
            (None, 1..) => {
                return Err(
                    "signs has {time}, and there is no [verify.time] that says where it is"
                        .to_owned(),
                );
            }
            _ => {}
        }
        let delivery = self.delivery.map(|header| header.to_ascii_lowercase());
        if let Some(header) = &delivery
            && !signs.iter().all(|content| content.has_header(header))
        {
            return Err(format!(
                "delivery is {header:?}, and {{header.{header}}} is not in each of signs: an id that is not signed can be made up"
            ));
        }
        Ok(Check {
            method: self.method,
            header: self.header.to_ascii_lowercase(),
            before: self.before,
            split: self.split,
            encoding: self.encoding,
            signs,
            key: self.key,
            secrets: self.secrets,
            time,
            with: self.with.map(|header| header.to_ascii_lowercase()),
            delivery,
        })
    }
}

/// Names as the table of secrets in a file of grants has them, and that make the name of a variable.
fn is_secret(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    !name.is_empty() && name.len() <= 64 && name.chars().all(plain)
}

impl SignedTime {
    fn time(self, split: Option<char>) -> Result<Time, String> {
        let within = self.within_seconds.unwrap_or(WITHIN);
        if !(1..=FURTHEST).contains(&within) {
            return Err(format!("within_seconds is {within}; write 1 to {FURTHEST}"));
        }
        let split = if self.header.is_some() { None } else { split };
        if self.header.is_none() && self.before.is_empty() {
            return Err(
                "[verify.time] needs a header, or what stands before the time among the signatures"
                    .to_owned(),
            );
        }
        Ok(Time {
            header: self.header.map(|header| header.to_ascii_lowercase()),
            before: self.before,
            split,
            within: Duration::from_secs(within),
        })
    }
}

fn path(text: &str) -> Result<Path, String> {
    Path::parse(text).map_err(|error| error.to_string())
}

fn template(text: &str) -> Result<Template, String> {
    Template::parse(text).map_err(|error| error.to_string())
}

fn conditions(when: BTreeMap<String, Texts>) -> Result<Vec<(Path, Vec<String>)>, String> {
    when.into_iter().map(|(place, values)| Ok((path(&place)?, values.all()))).collect()
}

impl Event {
    fn rule(self) -> Result<Rule, String> {
        let name = match (self.name, self.by) {
            (Some(name), None) if self.names.is_empty() && self.rest.is_none() => {
                Naming::Text(template(&name)?)
            }
            (None, Some(by)) if !self.names.is_empty() || self.rest.is_some() => {
                Naming::Table { by: path(&by)?, names: self.names, rest: self.rest }
            }
            _ => {
                return Err(
                    "[[events]] needs either name, or by with names (and rest for what is in none)"
                        .to_owned(),
                );
            }
        };
        let member = |(member, places): (String, Texts)| {
            let places = places.all();
            let paths = places.iter().map(|place| path(place)).collect::<Result<_, _>>()?;
            Ok((member, paths))
        };
        Ok(Rule {
            when: conditions(self.when)?,
            name,
            id: template(&self.id)?,
            all: self.all.as_deref().map(path).transpose()?,
            ts: self.ts.as_deref().map(path).transpose()?,
            data: self.data.into_iter().map(member).collect::<Result<_, String>>()?,
        })
    }
}

impl Shake {
    fn handshake(self) -> Result<Handshake, String> {
        Ok(match self {
            Self::Echo { when, answer } => {
                Handshake::Echo { when: conditions(when)?, answer: template(&answer)? }
            }
            Self::Crc { query } => Handshake::Crc { query },
            Self::Hub { secrets } => Handshake::Hub { secrets },
        })
    }
}
