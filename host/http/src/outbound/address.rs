//! Which addresses may be reached.

use headworks_core::{AddressRange, Result};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Ranges that are allowed besides the public internet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed(Vec<AddressRange>);

impl Allowed {
    /// Reads ranges such as `10.0.0.0/8` and single addresses.
    ///
    /// # Errors
    /// As [`AddressRange::parse`].
    pub fn parse(texts: &[impl AsRef<str>]) -> Result<Self> {
        texts.iter().map(|text| AddressRange::parse(text.as_ref())).collect::<Result<_>>().map(Self)
    }

    /// Whether an address may be reached.
    pub(super) fn allows(&self, address: IpAddr) -> bool {
        let address = canonical(address);
        is_public(address) || self.0.iter().any(|range| range.contains(address))
    }
}

/// The IPv4 address within an IPv6 address that only carries it.
fn canonical(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    match v6.segments() {
        [0, 0, 0, 0, 0, 0xffff | 0, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] if high != 0 || low > 1 => {
            IpAddr::V4(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)))
        }
        [0x2002, high, low, ..] => IpAddr::V4(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low))),
        [0, 0, 0, 0, 0, 0xffff, 0, low] => IpAddr::V4(Ipv4Addr::from(u32::from(low))),
        _ => address,
    }
}

/// Whether an address belongs to the public internet (the special-purpose registries of IANA).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(a == 0
        || a == 10
        || a == 127
        || a >= 224
        || (a == 100 && (64..128).contains(&b))
        || (a == 169 && b == 254)
        || (a == 172 && (16..32).contains(&b))
        || (a == 192 && b == 168)
        || (a == 192 && b == 0 && (c == 0 || c == 2))
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (b == 18 || b == 19))
        || (a == 198 && b == 51 && c == 100)
        || (a == 203 && b == 0 && c == 113))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    // Global unicast, without documentation and the ranges for protocols.
    first & 0xe000 == 0x2000 && !(first == 0x2001 && (second < 0x200 || second == 0xdb8)) && !(first == 0x3fff && second < 0x1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_reached() {
        let none = Allowed::default();
        for address in
            ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
        {
            assert!(none.allows(address.parse().unwrap()), "{address}");
        }
        for address in [
            "127.0.0.1",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "192.0.2.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2002:a00:1::",
            "::ffff:0.0.0.1",
        ] {
            assert!(!none.allows(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn the_operator_allows_more() {
        let allowed = Allowed::parse(&["127.0.0.0/8", "10.1.2.3", "fd00::/8"]).unwrap();
        for address in ["127.0.0.1", "::ffff:127.0.0.1", "10.1.2.3", "fd12::1", "8.8.8.8"] {
            assert!(allowed.allows(address.parse().unwrap()), "{address}");
        }
        assert!(!allowed.allows("10.1.2.4".parse().unwrap()));
        assert!(Allowed::parse(&["10.0.0.0/8", "everything"]).unwrap_err().message.contains("everything"));
    }
}
