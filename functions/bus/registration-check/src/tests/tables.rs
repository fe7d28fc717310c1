//! Periods, verdicts, settings.

use std::collections::BTreeMap;

use crate::memory::Remembered;
use crate::period::period_ms;
use crate::settings::Settings;
use crate::verdict::{Seen, Verdict, judge};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

#[test]
fn a_period_is_the_longest_time_between_two_firings() {
    // A Sunday.
    let now = "2026-03-01T12:00:00Z".parse().expect("a time");
    for (cron, period) in [
        ("* * * * *", Some(MINUTE)),
        ("*/10 * * * *", Some(10 * MINUTE)),
        ("TZ=America/Los_Angeles */10 * * * *", Some(10 * MINUTE)),
        ("0 * * * *", Some(HOUR)),
        ("17 * * * *", Some(HOUR)),
        ("0 3 * * *", Some(DAY)),
        ("0 9 * * 1-5", Some(3 * DAY)),
        ("0 8-18 * * *", Some(14 * HOUR)),
        ("0 4 * * 0", Some(7 * DAY)),
        ("30 4 1 * *", Some(31 * DAY)),
        // The clock goes forward on the 8th: the longest day has 24 hours all the same.
        ("CRON_TZ=America/Los_Angeles 0 3 * * *", Some(DAY)),
        ("TZ=Nowhere/Else 0 3 * * *", None),
        ("TZ=America/Los_Angeles", None),
        ("0 0 31 2 *", None),
        ("often", None),
        ("", None),
    ] {
        assert_eq!(period_ms(cron, now), period, "{cron}");
    }
}

#[test]
fn verdicts() {
    let now = 1_000 * DAY;
    let seen = |last: Option<i64>, period| Seen {
        app: "app".to_owned(),
        function: "f".to_owned(),
        cron: "0 3 * * *".to_owned(),
        period_ms: period,
        last_success: last,
    };
    let known = |first_seen, last_success| {
        let remembered = Remembered { first_seen, last_success };
        Some(BTreeMap::from([("app/f/0 3 * * *".to_owned(), remembered)]))
    };
    let day = Some(DAY);
    for (seen, known, verdict) in [
        (seen(Some(now - DAY), day), None, Verdict::Alive),
        (seen(Some(now - 2 * DAY), day), None, Verdict::Alive),
        (seen(Some(now - 2 * DAY - 1), day), None, Verdict::Dead),
        (seen(None, day), None, Verdict::Dead),
        (seen(None, day), known(now, None), Verdict::Young),
        (seen(None, day), known(now - 2 * DAY + 1, None), Verdict::Young),
        (seen(None, day), known(now - 2 * DAY, None), Verdict::Dead),
        (seen(None, day), known(now - 9 * DAY, Some(now - DAY)), Verdict::Alive),
        (seen(None, day), known(now - 9 * DAY, Some(now - 3 * DAY)), Verdict::Dead),
        // A week of history does not reach two months back.
        (seen(None, Some(30 * DAY)), None, Verdict::Unknown),
        (seen(None, Some(30 * DAY)), known(now - 90 * DAY, Some(now - 40 * DAY)), Verdict::Alive),
        (seen(None, Some(30 * DAY)), known(now - 90 * DAY, Some(now - 61 * DAY)), Verdict::Dead),
        (seen(Some(now), None), None, Verdict::Unreadable),
    ] {
        let judged = judge(seen.clone(), known.as_ref(), now, 7 * DAY);
        assert_eq!(judged.verdict, verdict, "{seen:?} {known:?}");
    }
}

#[test]
fn settings_have_their_defaults() {
    let read = |key: &'static str, value: &'static str| {
        Settings::of(move |asked| (asked == key).then(|| value.to_owned()))
    };
    for (value, hours) in [("", 168), ("0", 168), ("-1", 168), ("text", 168), ("24", 24)] {
        let settings = read("FUNCTION_HEALTH_HISTORY_HOURS", value);
        assert_eq!(settings.history_ms, hours * HOUR, "{value:?}");
    }
    let settings = read("INNGEST_URL", "http://server:1/");
    assert_eq!(settings.server, "http://server:1");
    assert_eq!(settings.workers, ["http://localhost:3111"]);
    let both = read("INNGEST_WORKER_URL", "http://host:1/, http://cluster:2 ,");
    assert_eq!(both.workers, ["http://host:1", "http://cluster:2"]);
    assert_eq!((settings.server_secret, settings.worker_secret), (None, None));
}
