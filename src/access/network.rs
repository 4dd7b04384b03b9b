//! Finds out which address a request really comes from.
//!
//! The trap is a proxy on this machine: every request then comes from 127.0.0.1, and an allow-list that holds 127.0.0.1
//! is open to the world. So a request that shows signs of a proxy is served only when the proxy is one of
//! `[server] trusted_proxies`, and an address that only a proxy vouches for counts only when a trusted one wrote it.
//!
//! Signs of a proxy are the headers `X-Forwarded-For`, `Forwarded` (RFC 7239) and `X-Real-IP`, and a line of the PROXY
//! protocol. Only `X-Forwarded-For` is read: proxies append to it, hop by hop, so that its right end can be believed,
//! while the other two are often passed through as the client wrote them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use http::HeaderMap;
use ipnet::IpNet;

/// The one header that is read.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// Headers that only proxies send.
const SIGNS: [&str; 3] = [FORWARDED_FOR, "forwarded", "x-real-ip"];

/// The other end of a connection, as the listener saw it; it travels in the extensions of each request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Where the connection comes from.
    pub address: SocketAddr,
    /// Whether the connection began with a header of the PROXY protocol, which is read over and never believed.
    pub proxy_line: bool,
}

/// Who sent a request, as far as that can be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Client {
    /// The client's own address.
    At(IpAddr),
    /// A trusted proxy that does not say for whom it asks. Such a client is on no allow-list; a token still opens.
    Behind(IpAddr),
}

impl Client {
    /// The address that failures are counted under.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        match self {
            Self::At(address) | Self::Behind(address) => *address,
        }
    }

    /// Whether the client itself, not a proxy before it, is in one of the networks.
    #[must_use]
    pub fn is_in(&self, networks: &[IpNet]) -> bool {
        matches!(self, Self::At(address) if is_in(*address, networks))
    }

    /// Whether the client runs on this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        matches!(self, Self::At(address) if address.is_loopback())
    }
}

impl From<IpAddr> for Client {
    fn from(address: IpAddr) -> Self {
        Self::At(address.to_canonical())
    }
}

/// Why the sender of a forwarded request is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Forwarding {
    /// Signs of a proxy, from an address that is not a trusted proxy.
    Untrusted,
    /// A trusted proxy passed on an entry that is not an address, at a place that counts.
    Malformed,
}

/// Finds the client of a request: the peer, or the rightmost address behind trusted proxies that is not one of them.
///
/// Entries to the left of that address are not looked at, since the client can write there what it likes. When every
/// address is a trusted proxy, or a trusted proxy names nobody or its own machine, the client is hidden:
/// [`Client::Behind`].
///
/// # Errors
/// [`Forwarding::Untrusted`] when the request shows signs of a proxy that is not trusted, [`Forwarding::Malformed`] when
/// the walk from the right meets something that is not an address.
pub fn client(peer: Peer, headers: &HeaderMap, trusted: &[IpNet]) -> Result<Client, Forwarding> {
    let address = peer.address.ip().to_canonical();
    if peer.proxy_line {
        return Err(Forwarding::Untrusted);
    }
    if !is_in(address, trusted) {
        // Names in a map are in lower case. Most requests have few headers, and hashing three names would cost more.
        let forwarded = headers.keys().any(|name| SIGNS.contains(&name.as_str()));
        return if forwarded { Err(Forwarding::Untrusted) } else { Ok(Client::At(address)) };
    }
    for value in headers.get_all(FORWARDED_FOR).iter().rev() {
        for entry in value.as_bytes().rsplit(|byte| *byte == b',') {
            let entry = entry.trim_ascii();
            if entry.is_empty() {
                continue;
            }
            let hop = parse_entry(entry).ok_or(Forwarding::Malformed)?;
            if !is_in(hop, trusted) {
                // A loopback address is one of the machine of the proxy, which may be another machine or another proxy.
                return Ok(if hop.is_loopback() { Client::Behind(address) } else { Client::At(hop) });
            }
        }
    }
    Ok(Client::Behind(address))
}

/// Whether an address is in one of the networks. An IPv4 address and its IPv6 mapping (`::ffff:192.0.2.1`) are the same
/// address, on both sides; `::/0` alone is not taken to mean every IPv4 address too.
#[must_use]
pub fn is_in(address: IpAddr, networks: &[IpNet]) -> bool {
    let address = address.to_canonical();
    networks.iter().any(|network| match (address, network) {
        (IpAddr::V4(four), IpNet::V6(mapped)) => mapped.prefix_len() >= 96 && mapped.contains(&four.to_ipv6_mapped()),
        _ => network.contains(&address),
    })
}

/// Reads one entry: an address, perhaps with brackets, zone and port.
fn parse_entry(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?;
    let address = if let Some(rest) = text.strip_prefix('[') {
        let (inside, port) = rest.split_once(']')?;
        if !port.is_empty() {
            read_port(port.strip_prefix(':')?)?;
        }
        IpAddr::V6(read_six(inside)?)
    } else if let Some((four, port)) = text.split_once(':').filter(|(_, port)| !port.contains(':')) {
        read_port(port)?;
        IpAddr::V4(four.parse::<Ipv4Addr>().ok()?)
    } else if text.contains(':') {
        IpAddr::V6(read_six(text)?)
    } else {
        IpAddr::V4(text.parse::<Ipv4Addr>().ok()?)
    };
    Some(address.to_canonical())
}

fn read_port(text: &str) -> Option<u16> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// Reads an IPv6 address; a zone (`fe80::1%eth0`) names an interface of another machine and is left out.
fn read_six(text: &str) -> Option<Ipv6Addr> {
    let address = match text.split_once('%') {
        Some((address, zone)) => {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
            (!zone.is_empty() && zone.len() <= 32 && zone.bytes().all(plain)).then_some(address)?
        }
        None => text,
    };
    address.parse().ok()
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    use super::*;

    fn peer(address: &str) -> Peer {
        Peer { address: SocketAddr::new(address.parse().unwrap(), 40_000), proxy_line: false }
    }

    fn networks(list: &[&str]) -> Vec<IpNet> {
        list.iter().map(|text| text.parse().unwrap_or_else(|_| IpNet::from(text.parse::<IpAddr>().unwrap()))).collect()
    }

    fn headers(list: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in list {
            map.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        map
    }

    fn seen(from: &str, values: &[&str], trusted: &[&str]) -> Result<Client, Forwarding> {
        let list: Vec<_> = values.iter().map(|value| (FORWARDED_FOR, *value)).collect();
        client(peer(from), &headers(&list), &networks(trusted))
    }

    fn at(address: &str) -> Result<Client, Forwarding> {
        Ok(Client::At(address.parse().unwrap()))
    }

    #[test]
    fn without_a_proxy_the_client_is_the_peer() {
        assert_eq!(seen("203.0.113.7", &[], &[]), at("203.0.113.7"));
        assert_eq!(seen("203.0.113.7", &[], &["127.0.0.1"]), at("203.0.113.7"));
        assert_eq!(seen("::ffff:203.0.113.7", &[], &[]), at("203.0.113.7"));
    }

    #[test]
    fn any_sign_of_a_proxy_that_is_not_trusted_is_refused() {
        for sign in [(FORWARDED_FOR, "198.51.100.1"), ("forwarded", "for=198.51.100.1"), ("x-real-ip", "198.51.100.1")]
        {
            let headers = headers(&[sign]);
            assert_eq!(client(peer("127.0.0.1"), &headers, &[]), Err(Forwarding::Untrusted), "{sign:?}");
            assert_eq!(client(peer("127.0.0.1"), &headers, &networks(&["10.0.0.1"])), Err(Forwarding::Untrusted));
        }
        assert_eq!(seen("127.0.0.1", &[""], &[]), Err(Forwarding::Untrusted), "an empty header is a sign too");
    }

    #[test]
    fn a_line_of_the_proxy_protocol_is_never_believed_even_from_a_trusted_proxy() {
        let peer = Peer { proxy_line: true, ..peer("127.0.0.1") };
        assert_eq!(client(peer, &HeaderMap::new(), &[]), Err(Forwarding::Untrusted));
        assert_eq!(client(peer, &HeaderMap::new(), &networks(&["127.0.0.1"])), Err(Forwarding::Untrusted));
    }

    #[test]
    fn behind_trusted_proxies_the_client_is_the_rightmost_address_that_is_not_one() {
        let trusted = &["127.0.0.1", "10.0.0.0/8"];
        assert_eq!(seen("127.0.0.1", &["203.0.113.7"], trusted), at("203.0.113.7"));
        assert_eq!(seen("127.0.0.1", &["192.0.2.1, 203.0.113.7, 10.1.2.3"], trusted), at("203.0.113.7"));
        assert_eq!(seen("127.0.0.1", &["192.0.2.1", "203.0.113.7 ,10.1.2.3", "10.9.9.9"], trusted), at("203.0.113.7"));
        assert_eq!(seen("127.0.0.1", &["127.0.0.1, 203.0.113.7"], trusted), at("203.0.113.7"), "a forged loopback");
        assert_eq!(seen("127.0.0.1", &["rubbish, 203.0.113.7"], trusted), at("203.0.113.7"), "left of it: not read");
        assert_eq!(seen("127.0.0.1", &["203.0.113.7,, "], trusted), at("203.0.113.7"), "empty elements are nothing");
    }

    #[test]
    fn ports_brackets_zones_and_mapped_addresses_are_understood() {
        let trusted = &["127.0.0.1"];
        for (entry, address) in [
            ("203.0.113.7:5060", "203.0.113.7"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("[2001:db8::7]:5060", "2001:db8::7"),
            ("2001:db8::7", "2001:db8::7"),
            ("fe80::7%eth0", "fe80::7"),
            ("[fe80::7%25.1]:1", "fe80::7"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("[::ffff:203.0.113.7]:9", "203.0.113.7"),
        ] {
            assert_eq!(seen("127.0.0.1", &[entry], trusted), at(address), "{entry}");
        }
    }

    #[test]
    fn an_entry_that_is_no_address_is_refused_where_it_counts() {
        for entry in [
            "unknown",
            "_hidden",
            "203.0.113",
            "203.0.113.07",
            "203.0.113.7:",
            "203.0.113.7:x",
            "203.0.113.7:+1",
            "203.0.113.7:70000",
            "[203.0.113.7]",
            "[2001:db8::7",
            "[2001:db8::7]5060",
            "fe80::7%",
            "203.0.113.7 198.51.100.1",
            "\"203.0.113.7\"",
            "é",
        ] {
            let value = format!("203.0.113.9, {entry}");
            let mut map = HeaderMap::new();
            map.append(FORWARDED_FOR, HeaderValue::from_bytes(value.as_bytes()).unwrap());
            let found = client(peer("127.0.0.1"), &map, &networks(&["127.0.0.1"]));
            assert_eq!(found, Err(Forwarding::Malformed), "{entry}");
        }
    }

    #[test]
    fn a_proxy_that_names_nobody_hides_its_client_from_every_allow_list() {
        let client = Client::Behind("127.0.0.1".parse().unwrap());
        assert_eq!(seen("127.0.0.1", &[], &["127.0.0.1"]), Ok(client));
        assert_eq!(seen("127.0.0.1", &["127.0.0.1"], &["127.0.0.1"]), Ok(client));
        assert!(!client.is_in(&networks(&["127.0.0.1", "0.0.0.0/0"])));
        assert!(!client.is_loopback());
    }

    #[test]
    fn nobody_but_the_peer_itself_can_be_on_this_machine() {
        for (from, value) in [("10.0.0.1", "203.0.113.7, 127.0.0.1"), ("10.0.0.1", "::1"), ("127.0.0.1", "127.8.8.8")] {
            let found = seen(from, &[value], &["127.0.0.1", "10.0.0.0/8"][usize::from(from == "10.0.0.1")..]);
            assert_eq!(found, Ok(Client::Behind(from.parse().unwrap())), "{value} from {from}");
        }
    }

    #[test]
    fn allow_lists_take_networks_of_both_families_and_mapped_ones() {
        let inside = |address: &str, list: &[&str]| is_in(address.parse().unwrap(), &networks(list));
        assert!(inside("203.0.113.7", &["198.51.100.1", "203.0.113.0/24"]));
        assert!(!inside("203.0.114.7", &["203.0.113.0/24"]));
        assert!(inside("::ffff:203.0.113.7", &["203.0.113.7"]));
        assert!(inside("203.0.113.7", &["::ffff:203.0.113.7"]));
        assert!(inside("203.0.113.7", &["::ffff:203.0.113.0/120"]));
        assert!(inside("2001:db8::7", &["2001:db8::/32"]));
        assert!(!inside("203.0.113.7", &["::/0"]));
        assert!(!inside("203.0.113.7", &[]));
    }

    proptest! {
        #[test]
        fn no_header_bytes_can_panic(value in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut map = HeaderMap::new();
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                map.append(FORWARDED_FOR, value);
            }
            let _ = client(peer("127.0.0.1"), &map, &networks(&["127.0.0.1"]));
            let _ = parse_entry(&value);
        }

        #[test]
        fn a_client_that_is_not_trusted_cannot_choose_its_address(
            forged in "[ -~]{0,80}",
            own in any::<u32>().prop_map(Ipv4Addr::from),
            hops in 0_u8..4,
        ) {
            let trusted = networks(&["127.0.0.1", "10.0.0.0/8"]);
            prop_assume!(!is_in(IpAddr::V4(own), &trusted) && !own.is_loopback());
            // What proxies do: each appends the address that it saw.
            let mut value = format!("{forged}, {own}");
            for hop in 0..hops {
                value.push_str(&format!(", 10.0.0.{hop}"));
            }
            let map = headers(&[(FORWARDED_FOR, &value), ("x-real-ip", "10.0.0.1"), ("forwarded", "for=10.0.0.1")]);
            prop_assert_eq!(client(peer("127.0.0.1"), &map, &trusted), Ok(Client::At(IpAddr::V4(own))));
        }
    }
}
