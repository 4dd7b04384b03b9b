//! Where a source may connect to.
//!
//! The address of a source that a tenant writes must not lead into the network of whoever runs calldex: to its database,
//! its metadata service, its router. A name is checked when it was resolved for this very connection, so that a name
//! which points elsewhere a moment later gains nothing; an address that stands in the URL itself never reaches the
//! resolver and is checked before.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::error::{Error, Kind, Result};

/// Where a source may connect to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// Anywhere: whoever runs calldex wrote the address.
    Anywhere,
    /// Public addresses only: a tenant wrote the address.
    Public,
}

/// Why an address is not connected to.
#[derive(Debug)]
pub(crate) struct NotPublic;

impl std::fmt::Display for NotPublic {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("its address is not a public one, which a source of a tenant may not reach")
    }
}

impl std::error::Error for NotPublic {}

impl Reach {
    /// Looks at an address before it is used.
    ///
    /// # Errors
    /// [`Kind::Invalid`] for anything but `http` and `https`, and for an address in the URL that must not be reached.
    pub fn check(self, url: &Url) -> Result<()> {
        if !matches!(url.scheme(), "http" | "https") {
            let message = format!("\"{}:\" is no address of the web; expected http or https", url.scheme());
            return Err(Error::new(Kind::Invalid, message));
        }
        let literal = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            _ => None,
        };
        if literal.is_none_or(|address| self.allows(address)) {
            return Ok(());
        }
        Err(Error::new(Kind::Invalid, super::host(url)).because(NotPublic))
    }

    pub(super) fn allows(self, address: IpAddr) -> bool {
        self == Self::Anywhere || is_public(address)
    }
}

/// Resolves names with the system's resolver and keeps the addresses that may be reached.
pub(crate) struct Resolver(pub(crate) Reach);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let allowed: Vec<SocketAddr> = found.into_iter().filter(|address| reach.allows(address.ip())).collect();
            if allowed.is_empty() {
                return Err(NotPublic.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// Whether an address belongs to the public internet (IANA's registries of special-purpose addresses).
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => embedded_v4(address).map_or_else(|| is_public_v6(address), is_public_v4),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = matches!(
        (a, b, c),
        (0 | 10 | 127 | 224.., ..) // this network, private, loopback, multicast and reserved
            | (100, 64..=127, _) // carriers' own
            | (169, 254, _) // link-local, metadata services
            | (172, 16..=31, _)
            | (192, 168, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    );
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    // 2000::/3 is what is given out; of it 2001:db8::/32 is for documentation, 2001::/23 for protocols.
    first & 0xe000 == 0x2000 && !(first == 0x2001 && (second == 0x0db8 || second < 0x0200)) && first != 0x3fff
}

/// The IPv4 address that an IPv6 one leads to: mapped, compatible, translated (`64:ff9b::/96`) or tunnelled (`2002::/16`).
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let part = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(part(high, low)),
        [0x2002, high, low, ..] => Some(part(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_public_internet_are_public() {
        for public in ["8.8.8.8", "193.0.6.139", "100.63.0.1", "172.32.0.1", "2a00:1450::1", "64:ff9b::808:808"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for private in [
            "127.0.0.1",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "192.0.2.1",
            "198.18.0.1",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "64:ff9b:1::a00:1",
            "2002:7f00:1::",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
    }

    #[test]
    fn an_address_in_the_url_is_found_however_it_is_written() {
        for url in [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://127.0.0.1./",
            "http://[::ffff:127.0.0.1]/",
            "https://user:secret@169.254.169.254/latest",
        ] {
            let url = Url::parse(url).unwrap();
            let refused = Reach::Public.check(&url).unwrap_err().to_string();
            assert!(refused.contains("not a public one") && !refused.contains("secret"), "{url}: {refused}");
            assert!(Reach::Anywhere.check(&url).is_ok(), "{url}");
        }
        assert!(Reach::Public.check(&Url::parse("https://crm.example.com/").unwrap()).is_ok());
    }

    #[test]
    fn a_file_is_no_address_of_the_web() {
        for url in ["file:///etc/passwd", "ftp://example.com/", "gopher://example.com/"] {
            assert_eq!(Reach::Anywhere.check(&Url::parse(url).unwrap()).unwrap_err().kind(), Kind::Invalid, "{url}");
        }
    }
}
