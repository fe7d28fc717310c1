//! How much is taken, from whom: pure, with the time as an argument.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::time::Duration;

/// How much is taken. A rate is per second; for a moment twice as much is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Deliveries a second of each provider.
    pub provider_rate: u32,
    /// Deliveries a second from each address.
    pub address_rate: u32,
    /// Refused deliveries a minute from an address; more, and it is not listened to for a while.
    pub refused: u32,
    /// Deliveries that are read or kept at once; of one address, half of them.
    pub at_once: usize,
    /// The longest body, in bytes.
    pub body: usize,
    /// How long a body may take to arrive.
    pub patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            provider_rate: 2_500,
            address_rate: 500,
            refused: 20,
            at_once: 512,
            body: 256 << 10,
            patience: Duration::from_secs(10),
        }
    }
}

/// The most addresses that are told apart. Those beyond share one measure.
const ADDRESSES: usize = 10_000;

/// Why something is not taken now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TooMuch {
    /// From this provider.
    Provider,
    /// From this address.
    Address,
    /// That was refused, from this address.
    Refused,
}

impl TooMuch {
    /// When to come again.
    pub fn later(self) -> Duration {
        match self {
            Self::Provider | Self::Address => Duration::from_secs(1),
            Self::Refused => Duration::from_mins(1),
        }
    }

    /// One word for it, for counters.
    pub fn word(self) -> &'static str {
        match self {
            Self::Provider => "provider-rate",
            Self::Address => "address-rate",
            Self::Refused => "refused-before",
        }
    }
}

/// What was taken lately. Times are since any one moment.
#[derive(Debug)]
pub struct Meter {
    limits: Limits,
    providers: HashMap<String, Bucket>,
    addresses: Table<IpAddr>,
    refused: Table<IpAddr>,
}

impl Meter {
    /// Nothing was taken yet.
    pub fn new(limits: Limits) -> Self {
        let whole = |rate: u32| Bucket::full(f64::from(rate), f64::from(rate) * 2.0);
        let refused = f64::from(limits.refused);
        Self {
            limits,
            providers: HashMap::new(),
            addresses: Table::new(whole(limits.address_rate)),
            refused: Table::new(Bucket::full(refused / 60.0, refused)),
        }
    }

    /// Takes one delivery, or says why not.
    pub fn take(&mut self, now: Duration, provider: &str, from: IpAddr) -> Result<(), TooMuch> {
        let from = group(from);
        if !self.refused.bucket(from, now).has(now) {
            return Err(TooMuch::Refused);
        }
        if !self.addresses.bucket(from, now).take(now) {
            return Err(TooMuch::Address);
        }
        let rate = f64::from(self.limits.provider_rate);
        // Only providers that there are come this far, so there are few.
        let bucket =
            self.providers.entry(provider.to_owned()).or_insert(Bucket::full(rate, rate * 2.0));
        if bucket.take(now) { Ok(()) } else { Err(TooMuch::Provider) }
    }

    /// Notes that a delivery was refused.
    pub fn refused(&mut self, now: Duration, from: IpAddr) {
        self.refused.bucket(group(from), now).take(now);
    }
}

/// Who has one address of the newer kind has all that begin alike.
pub(crate) fn group(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let bits = address.to_bits() >> 64 << 64;
            IpAddr::V6(bits.into())
        }
    }
}

/// Fills by a rate, and is taken from.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    rate: f64,
    most: f64,
    left: f64,
    at: Duration,
}

impl Bucket {
    fn full(rate: f64, most: f64) -> Self {
        Self { rate, most, left: most, at: Duration::ZERO }
    }

    fn fill(&mut self, now: Duration) {
        let passed = now.saturating_sub(self.at).as_secs_f64();
        self.left = (self.left + passed * self.rate).min(self.most);
        self.at = self.at.max(now);
    }

    fn has(&mut self, now: Duration) -> bool {
        self.fill(now);
        self.left >= 1.0
    }

    fn take(&mut self, now: Duration) -> bool {
        let has = self.has(now);
        if has {
            self.left -= 1.0;
        }
        has
    }

    fn is_full(&mut self, now: Duration) -> bool {
        self.fill(now);
        self.left >= self.most
    }
}

/// A bucket for each, up to a number; whoever comes then shares one.
#[derive(Debug)]
struct Table<K> {
    new: Bucket,
    each: HashMap<K, Bucket>,
    others: Bucket,
}

impl<K: Eq + Hash> Table<K> {
    fn new(new: Bucket) -> Self {
        Self { new, each: HashMap::new(), others: new }
    }

    fn bucket(&mut self, key: K, now: Duration) -> &mut Bucket {
        if self.each.len() >= ADDRESSES && !self.each.contains_key(&key) {
            // Whose bucket is full has not been here lately.
            self.each.retain(|_, bucket| !bucket.is_full(now));
            if self.each.len() >= ADDRESSES {
                return &mut self.others;
            }
        }
        let new = Bucket { at: now, ..self.new };
        self.each.entry(key).or_insert(new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn meter() -> Meter {
        Meter::new(Limits { provider_rate: 10, address_rate: 3, refused: 2, ..Limits::default() })
    }

    fn address(last: u32) -> IpAddr {
        IpAddr::V4((0x0a00_0000 + last).into())
    }

    #[test]
    fn an_address_has_its_rate_and_for_a_moment_twice_that() {
        let mut meter = meter();
        let mut taken = |now, count: usize| {
            (0..count).filter(|_| meter.take(now, "a", address(1)).is_ok()).count()
        };
        assert_eq!(taken(SECOND, 20), 6);
        assert_eq!(taken(SECOND * 2, 20), 3);
        assert_eq!(taken(SECOND * 60, 20), 6);
        // A clock that goes back gives nothing.
        assert_eq!(taken(SECOND, 20), 0);
        assert_eq!(meter.take(SECOND, "a", address(1)), Err(TooMuch::Address));
        assert_eq!(meter.take(SECOND, "a", address(2)), Ok(()));
    }

    #[test]
    fn a_provider_has_a_rate_over_all_addresses() {
        let mut meter = meter();
        let taken = (0..100).filter(|&n| meter.take(SECOND, "a", address(n)).is_ok()).count();
        assert_eq!(taken, 20);
        assert_eq!(meter.take(SECOND, "a", address(200)), Err(TooMuch::Provider));
        assert_eq!(meter.take(SECOND, "b", address(200)), Ok(()));
    }

    #[test]
    fn who_was_refused_too_often_is_not_listened_to_for_a_while() {
        let mut meter = meter();
        meter.refused(SECOND, address(1));
        assert_eq!(meter.take(SECOND, "a", address(1)), Ok(()));
        meter.refused(SECOND, address(1));
        assert_eq!(meter.take(SECOND, "a", address(1)), Err(TooMuch::Refused));
        assert_eq!(meter.take(SECOND * 29, "a", address(1)), Err(TooMuch::Refused));
        assert_eq!(meter.take(SECOND * 32, "a", address(1)), Ok(()));
        // Neighbours in a network of the newer kind are one.
        let newer = |last: u128| IpAddr::V6((0x2001_0db8 << 96 | last).into());
        meter.refused(SECOND, newer(1));
        meter.refused(SECOND, newer(2));
        assert_eq!(meter.take(SECOND, "a", newer(3)), Err(TooMuch::Refused));
    }

    #[test]
    fn addresses_without_end_take_no_room_without_end() {
        let mut meter =
            Meter::new(Limits { provider_rate: 1_000_000, address_rate: 1, ..Limits::default() });
        let crowd = u32::try_from(ADDRESSES).expect("few") * 2;
        let taken = (0..crowd).filter(|&n| meter.take(SECOND, "a", address(n)).is_ok()).count();
        assert_eq!(taken, ADDRESSES + 2, "those beyond share one bucket");
        assert!(meter.addresses.each.len() <= ADDRESSES);
        // Later those of before are forgotten.
        assert_eq!(meter.take(SECOND * 9, "a", address(crowd)), Ok(()));
        assert_eq!(meter.addresses.each.len(), 1);
    }
}
