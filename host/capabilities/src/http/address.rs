//! Which addresses are this machine's, a private network's or a cloud's own, and so no business of a component.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// One of the internet.
    Public,
    /// One that a grant has to name as private.
    Private,
    /// One that hands out credentials of the machine: never reached, whatever is granted.
    Metadata,
}

impl Reach {
    /// Whether a connection may be made, for a grant that names private addresses or does not.
    pub(crate) fn is_open(self, private: bool) -> bool {
        match self {
            Self::Public => true,
            Self::Private => private,
            Self::Metadata => false,
        }
    }

    /// What this address is, and what stands behind it where it carries one of IPv4.
    pub(crate) fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => of_v6(address),
        }
    }
}

/// Where clouds tell a machine who it is.
const METADATA_V4: &[Ipv4Addr] = &[
    // Nearly all of them.
    Ipv4Addr::new(169, 254, 169, 254),
    // Containers and pods at Amazon.
    Ipv4Addr::new(169, 254, 170, 2),
    Ipv4Addr::new(169, 254, 170, 23),
    // Alibaba, Oracle, Azure.
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(192, 0, 0, 192),
    Ipv4Addr::new(168, 63, 129, 16),
];

const METADATA_V6: &[Ipv6Addr] = &[
    // Amazon: machines, containers.
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23),
    // Google.
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
];

/// What is not of the internet, after IANA's registry of special addresses.
const PRIVATE_V4: &[(Ipv4Addr, u32)] = &[
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    // Multicast, reserved, broadcast.
    (Ipv4Addr::new(224, 0, 0, 0), 3),
];

/// Parts of the internet's own `2000::/3` that are not of it. Teredo is in the first, 6to4 the third.
const PRIVATE_V6: &[(Ipv6Addr, u32)] = &[
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

fn of_v4(address: Ipv4Addr) -> Reach {
    if METADATA_V4.contains(&address) {
        return Reach::Metadata;
    }
    let bits = address.to_bits();
    let within = |(net, length): &(Ipv4Addr, u32)| (bits ^ net.to_bits()) >> (32 - length) == 0;
    if PRIVATE_V4.iter().any(within) { Reach::Private } else { Reach::Public }
}

fn of_v6(address: Ipv6Addr) -> Reach {
    if METADATA_V6.contains(&address) {
        return Reach::Metadata;
    }
    let carried = carried(address).map(|(address, alone)| (of_v4(address), alone));
    match carried {
        Some((reach, true)) => return reach,
        Some((Reach::Metadata, false)) => return Reach::Metadata,
        _ => {}
    }
    let bits = address.to_bits();
    let within = |(net, length): &(Ipv6Addr, u32)| (bits ^ net.to_bits()) >> (128 - length) == 0;
    let internet = within(&(Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3));
    if internet && !PRIVATE_V6.iter().any(within) { Reach::Public } else { Reach::Private }
}

/// The address of IPv4 in one of IPv6, and whether packets go to it and nowhere else. Otherwise a relay that nobody here
/// knows is in between, and the address is none of the internet's whatever it carries.
fn carried(address: Ipv6Addr) -> Option<(Ipv4Addr, bool)> {
    let [head @ .., upper, lower] = address.segments();
    let of = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match head {
        // Mapped; translated.
        [0, 0, 0, 0, 0, 0xffff] | [0x64, 0xff9b, 0, 0, 0, 0] => Some((of(upper, lower), true)),
        // 6to4.
        [0x2002, high, low, ..] => Some((of(high, low), false)),
        // Teredo.
        [0x2001, 0, ..] => Some((of(!upper, !lower), false)),
        // Compatible, translated in an older way, translated by one's own network, ISATAP.
        [0, 0, 0, 0, 0 | 0xffff, 0] | [0x64, 0xff9b, 1, ..] | [_, _, _, _, 0 | 0x200, 0x5efe] => {
            Some((of(upper, lower), false))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_judged_by_where_they_lead() {
        use Reach::{Metadata, Private, Public};
        for (address, reach) in [
            ("1.1.1.1", Public),
            ("8.8.8.8", Public),
            ("11.0.0.0", Public),
            ("100.63.255.255", Public),
            ("100.128.0.0", Public),
            ("172.15.255.255", Public),
            ("172.32.0.0", Public),
            ("192.0.1.0", Public),
            ("198.20.0.0", Public),
            ("223.255.255.255", Public),
            ("0.0.0.0", Private),
            ("0.1.2.3", Private),
            ("10.0.0.1", Private),
            ("100.64.0.1", Private),
            ("127.0.0.1", Private),
            ("127.255.255.255", Private),
            ("169.254.1.1", Private),
            ("172.16.0.1", Private),
            ("172.31.255.255", Private),
            ("192.0.0.8", Private),
            ("192.0.2.1", Private),
            ("192.88.99.1", Private),
            ("192.168.1.1", Private),
            ("198.18.0.1", Private),
            ("198.19.255.255", Private),
            ("198.51.100.1", Private),
            ("203.0.113.1", Private),
            ("224.0.0.1", Private),
            ("240.0.0.1", Private),
            ("255.255.255.255", Private),
            ("169.254.169.254", Metadata),
            ("169.254.170.2", Metadata),
            ("169.254.170.23", Metadata),
            ("100.100.100.200", Metadata),
            ("192.0.0.192", Metadata),
            ("168.63.129.16", Metadata),
            ("2606:4700:4700::1111", Public),
            ("2001:4860:4860::8888", Public),
            ("::", Private),
            ("::1", Private),
            ("fe80::1", Private),
            ("fec0::1", Private),
            ("fc00::1", Private),
            ("fd12:3456::1", Private),
            ("ff02::1", Private),
            ("100::1", Private),
            ("2001:db8::1", Private),
            ("2001:10::1", Private),
            ("3fff::1", Private),
            ("5f00::1", Private),
            ("4000::1", Private),
            ("fd00:ec2::254", Metadata),
            ("fd00:ec2::23", Metadata),
            ("fd20:ce::254", Metadata),
            ("::ffff:1.1.1.1", Public),
            ("::ffff:127.0.0.1", Private),
            ("::ffff:10.0.0.1", Private),
            ("::ffff:169.254.169.254", Metadata),
            ("::127.0.0.1", Private),
            ("::1.1.1.1", Private),
            ("::169.254.169.254", Metadata),
            ("::ffff:0:127.0.0.1", Private),
            ("::ffff:0:169.254.169.254", Metadata),
            ("64:ff9b::1.1.1.1", Public),
            ("64:ff9b::127.0.0.1", Private),
            ("64:ff9b::169.254.169.254", Metadata),
            ("64:ff9b:1::1.1.1.1", Private),
            ("64:ff9b:1::169.254.169.254", Metadata),
            ("2002:101:101::1", Private),
            ("2002:7f00:1::1", Private),
            ("2002:a9fe:a9fe::1", Metadata),
            // Teredo carries the address with each bit turned.
            ("2001:0:0:0:0:0:fefe:fefe", Private),
            ("2001:0:0:0:0:0:5601:5601", Metadata),
            ("2606::5efe:169.254.169.254", Metadata),
        ] {
            assert_eq!(Reach::of(address.parse().expect(address)), reach, "{address}");
        }
    }

    #[test]
    fn metadata_is_reached_by_no_grant() {
        let open = |reach: Reach| [false, true].map(|private| reach.is_open(private));
        assert_eq!(open(Reach::Public), [true, true]);
        assert_eq!(open(Reach::Private), [false, true]);
        assert_eq!(open(Reach::Metadata), [false, false]);
    }
}
