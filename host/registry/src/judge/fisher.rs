//! Fisher's exact test.

/// How probable at least `failed` failures are among `all` observations of one version, given that it and another one,
/// with `other_failed` of `other_all`, fail equally often. 1 where nothing was observed.
///
/// Of all ways in which the failures could have fallen on the observations, the share that burdens the first version at
/// least as much. `failed` is at most `all`, `other_failed` at most `other_all`.
pub(super) fn p_value(failed: u64, all: u64, other_failed: u64, other_all: u64) -> f64 {
    let failures = failed + other_failed;
    let factorials = log_factorials(all + other_all);
    let ways = |of: u64, pick: u64| {
        let ln = |n: u64| usize::try_from(n).ok().and_then(|n| factorials.get(n)).copied();
        ln(of).unwrap_or(0.0) - ln(pick).unwrap_or(0.0) - ln(of - pick).unwrap_or(0.0)
    };
    let whole = ways(all + other_all, all);
    let exactly = |count: u64| {
        let rest = all - count;
        let fine = all + other_all - failures;
        // More fine ones than there are: no such way.
        if rest > fine { 0.0 } else { (ways(failures, count) + ways(fine, rest) - whole).exp() }
    };
    (failed..=failures.min(all)).map(exactly).sum::<f64>().min(1.0)
}

/// The logarithms of the factorials from 0 to `last`.
fn log_factorials(last: u64) -> Vec<f64> {
    let logs = (1..=last).scan(0.0, |sum, n| {
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
        let ln = (n as f64).ln();
        *sum += ln;
        Some(*sum)
    });
    std::iter::once(0.0).chain(logs).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_share_of_ways_that_are_at_least_as_bad() {
        for (failed, all, other_failed, other_all, expected) in [
            // The lady tasting tea: one way of seventy; and with one pair swapped, 17 of 70.
            (4, 4, 0, 4, 1.0 / 70.0),
            (3, 4, 1, 4, 17.0 / 70.0),
            (0, 4, 4, 4, 1.0),
            // 10·9·8 / 100·99·98.
            (3, 10, 0, 90, 720.0 / 970_200.0),
            (0, 0, 3, 10, 1.0),
            (0, 5, 0, 0, 1.0),
            (5, 5, 0, 0, 1.0),
            (5, 5, 5, 5, 1.0),
        ] {
            let p = p_value(failed, all, other_failed, other_all);
            assert!((p - expected).abs() < 1e-9, "{failed}/{all} {other_failed}/{other_all}: {p}");
        }
    }

    #[test]
    fn many_observations_neither_overflow_nor_take_the_whole_away() {
        let p = p_value(1_300, 4_096, 1_228, 4_096);
        assert!((0.03..0.06).contains(&p), "{p}");
        assert!(p_value(4_096, 4_096, 0, 4_096) < 1e-300);
    }
}
