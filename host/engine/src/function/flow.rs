//! The flow control of a function: what it declares, checked by the real server's rules.

use std::time::Duration;

use super::declared::{self, Apart, Declared, Limit, Mode};
use super::options::{compiled, lasting, within};
use crate::flow::{Concurrency, Debounce, FlowRules, Keyed, Rate, Scope, Singleton, SingletonMode};

const MOST_LIMITS: usize = 2;
const DAY: Duration = Duration::from_hours(24);
const WEEK: Duration = Duration::from_hours(7 * 24);
const SECOND: Duration = Duration::from_secs(1);

impl Declared {
    /// The rules; the error says what breaks one of the server's.
    pub(super) fn flow(&self) -> Result<FlowRules, String> {
        let (calls, runs) = self.concurrencies()?;
        let priority = self.priority.as_ref().and_then(|priority| priority.run.as_deref());
        Ok(FlowRules {
            calls,
            runs,
            throttle: self.throttle.as_ref().map(throttle).transpose()?,
            limit: self.limit()?,
            debounce: self.debounce.as_ref().map(debounce).transpose()?,
            priority: compiled("its priority.run", priority)?,
            singleton: self.singleton.as_ref().map(singleton).transpose()?,
        })
    }

    /// What thins events out. An idempotency is one event a day for each value of its key, and takes the place of a
    /// rate limit.
    fn limit(&self) -> Result<Option<Keyed<Rate>>, String> {
        match compiled("its idempotency", self.idempotency.as_deref())? {
            Some(key) => Ok(Some(Keyed { rule: Rate::limit(1, DAY), key: Some(key) })),
            None => self.rate_limit.as_ref().map(limit).transpose(),
        }
    }

    fn concurrencies(&self) -> Result<(Vec<Concurrency>, Option<Concurrency>), String> {
        let plain;
        let (runs, calls): (&[Limit], &[Limit]) = match &self.concurrency {
            None => return Ok((Vec::new(), None)),
            Some(declared::Concurrency::Steps(limit)) => {
                plain = Limit { limit: *limit, key: None, scope: declared::Scope::Fn };
                (&[], std::slice::from_ref(&plain))
            }
            Some(declared::Concurrency::One(limit)) => (&[], std::slice::from_ref(limit)),
            Some(declared::Concurrency::Several(limits)) => (&[], limits),
            Some(declared::Concurrency::Apart(Apart { runs, step })) => (runs, step),
        };
        if runs.len() > 1 || calls.len() > MOST_LIMITS {
            return Err(format!("its concurrency has more than {MOST_LIMITS} limits"));
        }
        if runs.iter().any(|limit| limit.limit == 0) {
            return Err("its concurrency.fn has a limit of 0".to_owned());
        }
        let runs = runs.first().map(concurrency).transpose()?;
        let calls: Result<Vec<_>, String> = calls.iter().map(concurrency).collect();
        // Zero is no limit.
        let calls = calls?.into_iter().filter(|limit| limit.most > 0).collect();
        Ok((calls, runs))
    }
}

fn concurrency(declared: &Limit) -> Result<Concurrency, String> {
    let key = compiled("its concurrency.key", declared.key.as_deref())?;
    let scope = match declared.scope {
        declared::Scope::Fn => Scope::Function,
        declared::Scope::Env => Scope::Environment,
        declared::Scope::Account => Scope::Account,
    };
    if scope != Scope::Function && key.is_none() {
        return Err("its concurrency needs a key, since its scope is not fn".to_owned());
    }
    Ok(Concurrency { most: most(declared.limit), key, scope })
}

/// More than this engine counts is no limit for it.
fn most(limit: u64) -> u32 {
    u32::try_from(limit).unwrap_or(u32::MAX)
}

fn throttle(declared: &declared::Throttle) -> Result<Keyed<Rate>, String> {
    let rule = Rate::throttle(most(declared.limit), most(declared.burst), declared.period);
    Ok(Keyed { rule, key: compiled("its throttle.key", declared.key.as_deref())? })
}

fn limit(declared: &declared::RateLimit) -> Result<Keyed<Rate>, String> {
    let key = compiled("its rateLimit.key", declared.key.as_deref())?;
    if declared.limit == 0 {
        return Err("its rateLimit.limit is 0".to_owned());
    }
    let period = within("rateLimit.period", &declared.period, SECOND, DAY)?;
    Ok(Keyed { rule: Rate::limit(most(declared.limit), period), key })
}

fn debounce(declared: &declared::Debounce) -> Result<Keyed<Debounce>, String> {
    let key = compiled("its debounce.key", declared.key.as_deref())?;
    let period = within("debounce.period", &declared.period, SECOND, WEEK)?;
    let timeout = lasting("debounce.timeout", declared.timeout.as_deref())?;
    Ok(Keyed { rule: Debounce { period, timeout }, key })
}

fn singleton(declared: &declared::Singleton) -> Result<Keyed<Singleton>, String> {
    let mode = match declared.mode {
        Mode::Skip => SingletonMode::Skip,
        Mode::Cancel => SingletonMode::Cancel,
    };
    let key = compiled("its singleton.key", declared.key.as_deref())?;
    Ok(Keyed { rule: Singleton { mode }, key })
}
