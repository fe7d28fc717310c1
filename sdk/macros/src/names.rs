//! The forms of names and times that the server accepts.

/// What is wrong with the name of an event that this component defines.
pub(crate) fn own_event(name: &str) -> Result<(), String> {
    if name.starts_with("inngest/") {
        return Err("names that begin with `inngest/` are the server's own: choose another domain"
            .to_owned());
    }
    shape(name)
}

/// What is wrong with the name of an event that starts a function.
pub(crate) fn trigger_event(name: &str) -> Result<(), String> {
    match name.strip_prefix("inngest/") {
        Some("function.failed" | "function.finished" | "function.cancelled") => Ok(()),
        Some("scheduled.timer") => Err("write `cron(\"…\")` for a time that starts it".to_owned()),
        Some(_) => Err("the server sends no event of this name to functions".to_owned()),
        None => pattern(name),
    }
}

/// What is wrong with the name of an event that cancels runs.
pub(crate) fn cancelling_event(name: &str) -> Result<(), String> {
    if name.contains('*') {
        return Err("an event that cancels is named in full".to_owned());
    }
    trigger_event(name)
}

/// A name, or all names that begin like it: `shop/*`, `shop/order.*`.
fn pattern(name: &str) -> Result<(), String> {
    let begin = name.strip_suffix("/*").or(name.strip_suffix(".*"));
    match begin {
        Some(begin) if !begin.contains('*') => shape(&format!("{begin}/a.b"))
            .or_else(|_| shape(&format!("{begin}.b")))
            .map_err(|_| "a pattern is `shop/*` or `shop/order.*`".to_owned()),
        _ if name.contains('*') => {
            Err("the server knows `*` as the last word only: `shop/*`, `shop/order.*`".to_owned())
        }
        // It may be somebody else's, and without a verb: `content/updated`.
        _ => shape(name).or_else(|fault| shape(&format!("{name}.verb")).map_err(|_| fault)),
    }
}

fn shape(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("an event needs a name, for instance `shop/order.paid`".to_owned());
    }
    let word = |word: &str| {
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
    };
    let well_formed = name.split_once('/').is_some_and(|(domain, rest)| {
        word(domain) && rest.contains('.') && rest.split('.').all(word)
    });
    if well_formed {
        return Ok(());
    }
    Err("event name must be `domain/noun.verb`, for instance `shop/order.paid`".to_owned())
}

/// What is wrong with an expression for times.
pub(crate) fn cron(expression: &str) -> Result<(), String> {
    let mut fields: Vec<_> = expression.split_whitespace().collect();
    if let Some(zone) =
        fields.first().and_then(|f| f.strip_prefix("TZ=").or(f.strip_prefix("CRON_TZ=")))
    {
        if zone.is_empty() {
            return Err("the time zone is empty: write `TZ=Area/City `".to_owned());
        }
        fields.remove(0);
    }
    if fields.first().is_some_and(|field| field.starts_with('@')) {
        return Err(
            "the server knows no `@…` shorthands: write the five fields, `0 0 * * *` for daily"
                .to_owned(),
        );
    }
    if fields.len() != 5 {
        return Err(format!(
            "a cron expression has 5 fields (minute, hour, day, month, weekday), this one has {}",
            fields.len()
        ));
    }
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"*/,-?#".contains(&b);
    match fields.iter().find(|field| !field.bytes().all(allowed)) {
        Some(field) => Err(format!("`{field}` is not a field of a cron expression")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_names() {
        for good in ["shop/order.paid", "system/health.check.requested", "github/workflow_run.done"]
        {
            assert_eq!(own_event(good), Ok(()), "{good}");
        }
        for bad in
            ["", "OrderPaid", "shop/order", "shop.order/paid", "/a.b", "shop/order.", "a/b/c.d"]
        {
            assert!(own_event(bad).is_err(), "{bad}");
        }
        assert!(own_event("inngest/function.failed").is_err());
        assert_eq!(trigger_event("inngest/function.failed"), Ok(()));
        assert!(trigger_event("inngest/scheduled.timer").is_err());
        for good in
            ["shop/*", "shop/order.*", "shop/order.line.*", "shop/order.paid", "shop/ordered"]
        {
            assert_eq!(trigger_event(good), Ok(()), "{good}");
        }
        for bad in
            ["ordered", "shop/", "*", "shop*", "shop/*/x.y", "shop/order*", "shop/*.*", "/*", ".*"]
        {
            assert!(trigger_event(bad).is_err(), "{bad}");
        }
        assert!(own_event("shop/*").is_err());
    }

    #[test]
    fn cron_expressions() {
        for good in ["*/15 * * * *", "TZ=Europe/Berlin 0 9 * * 1-5", "CRON_TZ=UTC 0 0 1 JAN *"] {
            assert_eq!(cron(good), Ok(()), "{good}");
        }
        for bad in ["", "* * * *", "0 0 9 * * 1", "@daily", "TZ= 0 9 * * *", "0 9 * * !"] {
            assert!(cron(bad).is_err(), "{bad}");
        }
    }
}
