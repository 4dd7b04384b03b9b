//! Networks and addresses of the configuration, in one form: IPv4 stays IPv4, host bits are cleared.

use std::net::{IpAddr, SocketAddr};

use ipnet::{IpNet, Ipv4Net};

/// What a network is expected to look like.
pub(crate) const EXPECTED_NETWORK: &str = "an address such as \"203.0.113.10\" or a network such as \"203.0.113.0/24\"";

/// What a listener's address is expected to look like.
pub(crate) const EXPECTED_LISTENER: &str = "an address and a port, such as \"127.0.0.1:8080\" or \"[::]:8080\"";

/// Reads an address or a network. An IPv4 address mapped into IPv6 is read as IPv4; a single address is a network of
/// its own.
///
/// # Errors
/// The end of a message: the nearest right form, or nothing.
pub(crate) fn read_network(text: &str) -> Result<IpNet, String> {
    let network = match text.parse::<IpNet>() {
        Ok(network) => network,
        Err(_) => IpNet::from(text.parse::<IpAddr>().map_err(|_| explain_network(text))?),
    };
    Ok(unmap(network).trunc())
}

/// An IPv6 network inside `::ffff:0:0/96` as the IPv4 network that it means.
fn unmap(network: IpNet) -> IpNet {
    let mapped = match network {
        IpNet::V6(six) if six.prefix_len() >= 96 => six.addr().to_ipv4_mapped().zip(six.prefix_len().checked_sub(96)),
        _ => None,
    };
    mapped.and_then(|(four, prefix)| Ipv4Net::new(four, prefix).ok()).map_or(network, IpNet::V4)
}

fn explain_network(text: &str) -> String {
    let suggest = |network: &str| format!("; did you mean \"{network}\"?");
    if let Some((address, prefix)) = text.split_once('/') {
        return match address.parse::<IpAddr>() {
            Ok(IpAddr::V4(_)) if prefix.parse::<IpAddr>().is_ok() => {
                netmask(address, prefix).map_or_else(String::new, |network| suggest(&network))
            }
            Ok(IpAddr::V4(_)) => "; the part behind / is a number from 0 to 32".to_owned(),
            Ok(IpAddr::V6(_)) => "; the part behind / is a number from 0 to 128".to_owned(),
            Err(_) => String::new(),
        };
    }
    if let Some(start) = text.strip_suffix(".*") {
        let stars = text.matches(".*").count();
        let start = start.trim_end_matches(".*");
        let network = format!("{start}{}/{}", ".0".repeat(stars), 32 - 8 * stars.min(4));
        return network.parse::<IpNet>().map_or_else(|_| String::new(), |_| suggest(&network));
    }
    if text.contains('-') && text.starts_with(|first: char| first.is_ascii_digit()) {
        return "; write a range as networks, such as \"203.0.113.0/28\"".to_owned();
    }
    if text.parse::<SocketAddr>().is_ok() {
        return "; leave out the port".to_owned();
    }
    if text.contains(|c: char| c.is_ascii_alphabetic()) && !text.contains(':') {
        return "; a host name does not work here, write its address".to_owned();
    }
    String::new()
}

/// `203.0.113.0` and `255.255.255.0` as `203.0.113.0/24`.
fn netmask(address: &str, mask: &str) -> Option<String> {
    let network = Ipv4Net::with_netmask(address.parse().ok()?, mask.parse().ok()?).ok()?;
    Some(network.trunc().to_string())
}

/// Reads the address of a listener.
///
/// # Errors
/// The end of a message: the nearest right form, or nothing.
pub(crate) fn read_listener(text: &str) -> Result<SocketAddr, String> {
    let explain = |_| {
        let suggest = |address: &str| format!("; did you mean \"{address}\"?");
        let port = text.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        match (text.split(':').next(), port, text.parse::<IpAddr>()) {
            (_, _, Ok(IpAddr::V4(address))) => suggest(&format!("{address}:8080")),
            (_, _, Ok(IpAddr::V6(address))) => suggest(&format!("[{address}]:8080")),
            (Some("localhost"), Some(port), _) => suggest(&format!("127.0.0.1:{port}")),
            (Some("" | "*"), Some(port), _) => suggest(&format!("0.0.0.0:{port}")),
            _ => String::new(),
        }
    };
    text.parse().map_err(explain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_networks_come_into_one_form() {
        let cases = [
            ("203.0.113.10", "203.0.113.10/32"),
            ("203.0.113.10/24", "203.0.113.0/24"),
            ("::ffff:203.0.113.10", "203.0.113.10/32"),
            ("::ffff:203.0.113.10/120", "203.0.113.0/24"),
            ("2001:db8::1", "2001:db8::1/128"),
            ("2001:db8::1/64", "2001:db8::/64"),
            ("::/0", "::/0"),
        ];
        for (text, network) in cases {
            assert_eq!(read_network(text).unwrap().to_string(), network, "{text}");
        }
    }

    #[test]
    fn the_usual_wrong_networks_get_the_nearest_right_form() {
        let cases = [
            ("203.0.113.0/33", "; the part behind / is a number from 0 to 32"),
            ("2001:db8::/129", "; the part behind / is a number from 0 to 128"),
            ("203.0.113.*", "; did you mean \"203.0.113.0/24\"?"),
            ("203.0.*.*", "; did you mean \"203.0.0.0/16\"?"),
            ("203.0.113.0/255.255.255.0", "; did you mean \"203.0.113.0/24\"?"),
            ("203.0.113.1-203.0.113.9", "; write a range as networks, such as \"203.0.113.0/28\""),
            ("203.0.113.1:80", "; leave out the port"),
            ("pbx.example.com", "; a host name does not work here, write its address"),
            ("203.0.113.300", ""),
        ];
        for (text, hint) in cases {
            assert_eq!(read_network(text).unwrap_err(), hint, "{text}");
        }
    }

    #[test]
    fn the_usual_wrong_listeners_get_the_nearest_right_form() {
        let cases = [
            ("127.0.0.1", "; did you mean \"127.0.0.1:8080\"?"),
            ("::1", "; did you mean \"[::1]:8080\"?"),
            ("localhost:80", "; did you mean \"127.0.0.1:80\"?"),
            (":9000", "; did you mean \"0.0.0.0:9000\"?"),
            ("*:9000", "; did you mean \"0.0.0.0:9000\"?"),
            ("127.0.0.1:99999", ""),
        ];
        for (text, hint) in cases {
            assert_eq!(read_listener(text).unwrap_err(), hint, "{text}");
        }
        assert!(read_listener("[::]:8080").is_ok());
    }
}
