//! The trace that a call belongs to, as W3C writes it in headers.

use serde::Deserialize;

/// Where a call stands in a trace that others began: passed on with what the call sends, and named in its logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    parent: String,
    state: Option<String>,
}

/// The header with the ids of the trace and of the span that calls.
pub const PARENT: &str = "traceparent";
/// The header with what vendors add.
pub const STATE: &str = "tracestate";

/// The longest `tracestate` that is passed on, in bytes.
const LONGEST_STATE: usize = 512;

impl TraceContext {
    /// From the values of the two headers. None without a `traceparent` of the known form: a broken trace is no reason
    /// to refuse a call.
    ///
    /// ```
    /// use protocol::trace::TraceContext;
    /// let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    /// let trace = TraceContext::new(parent, None).unwrap();
    /// assert_eq!(trace.trace_id(), "0af7651916cd43dd8448eb211c80319c");
    /// assert!(TraceContext::new("00-0-0-01", None).is_none());
    /// ```
    pub fn new(parent: &str, state: Option<&str>) -> Option<Self> {
        let parent = parent.trim();
        let mut parts = parent.split('-');
        let mut part = |digits: usize| {
            let part = parts.next()?;
            let hexadecimal = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
            (part.len() == digits && part.chars().all(hexadecimal)).then_some(part)
        };
        let (version, trace, span, _flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
        let zero = |text: &str| text.chars().all(|c| c == '0');
        // Later versions may add parts; the first one has four.
        let known = version != "ff" && (version != "00" || parts.next().is_none());
        if !known || zero(trace) || zero(span) {
            return None;
        }
        let fits = |state: &&str| {
            state.len() <= LONGEST_STATE && state.chars().all(|c| (' '..='~').contains(&c))
        };
        let state = state.map(str::trim).filter(|state| !state.is_empty()).filter(fits);
        Some(Self { parent: parent.to_owned(), state: state.map(str::to_owned) })
    }

    /// From the JSON object that a request of Connect carries: the headers' names and values.
    pub fn from_json(json: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Headers {
            traceparent: String,
            tracestate: Option<String>,
        }
        let headers: Headers = serde_json::from_slice(json).ok()?;
        Self::new(&headers.traceparent, headers.tracestate.as_deref())
    }

    /// The trace's id: 32 hexadecimal digits.
    pub fn trace_id(&self) -> &str {
        self.parent.split('-').nth(1).unwrap_or_default()
    }

    /// The headers that pass it on.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let state = self.state.as_deref().map(|state| (STATE, state));
        std::iter::once((PARENT, self.parent.as_str())).chain(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT_OK: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_trace_is_passed_on_as_it_came() {
        for (state, headers) in [
            (None, 1),
            (Some(""), 1),
            (Some("a=1,b=2"), 2),
            (Some("a=\u{e4}"), 1),
            (Some(&*"x".repeat(513)), 1),
        ] {
            let trace = TraceContext::new(PARENT_OK, state).expect("a trace");
            let told: Vec<_> = trace.headers().collect();
            assert_eq!((told[0], told.len()), ((PARENT, PARENT_OK), headers), "{state:?}");
        }
        let json = format!(r#"{{"traceparent":"{PARENT_OK}","tracestate":"a=1","more":1}}"#);
        let trace = TraceContext::from_json(json.as_bytes()).expect("a trace");
        assert_eq!(trace.headers().last(), Some((STATE, "a=1")));
        assert!(TraceContext::new(&PARENT_OK.replacen("00", "01", 1), None).is_some());
    }

    #[test]
    fn what_is_no_trace_is_ignored() {
        for bad in [
            "",
            "00",
            &PARENT_OK[..54],
            &format!("{PARENT_OK}-more"),
            &PARENT_OK.to_uppercase(),
            &PARENT_OK.replacen("00", "ff", 1),
            &PARENT_OK.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32)),
            &PARENT_OK.replace("b7ad6b7169203331", &"0".repeat(16)),
            &PARENT_OK.replace('a', "\r"),
        ] {
            assert_eq!(TraceContext::new(bad, None), None, "{bad}");
        }
        for bad in ["", "{}", "7", r#"{"traceparent":7}"#] {
            assert_eq!(TraceContext::from_json(bad.as_bytes()), None, "{bad}");
        }
    }
}
