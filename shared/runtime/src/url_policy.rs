//! Which addresses a webhook may reach: the pure half of the guard against server-side request forgery.
//!
//! A URL is checked when it is configured and again before it is used; a name is resolved by the sender's
//! own resolver, which asks [`UrlPolicy::permits`] about every answer and connects to nothing else.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    ops::RangeInclusive,
};

use ipnet::IpNet;
use thiserror::Error;
use url::{Host, Url};

/// Bytes of a webhook's URL.
pub const URL_BYTES_MAX: usize = 2_048;
/// Ports from here up are allowed to every scheme, unless the operator names others.
const OPEN_PORTS_FROM: u16 = 1_024;

/// What the operator allows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UrlPolicy {
    /// Ranges that may be reached although they are not global, also by plain http.
    pub allow: Vec<IpNet>,
    /// Whether plain http is allowed to global addresses.
    pub plain_http: bool,
    /// The ports that may be used.
    pub ports: Ports,
}

/// Ports that URLs may lead to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Ports {
    /// That of the scheme, and all from 1024 up.
    #[default]
    Usual,
    /// These and no others.
    These(Vec<RangeInclusive<u16>>),
}

/// Why a URL is refused. The texts may be shown to a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum UrlRefused {
    /// Not an absolute URL with a host, or too long.
    #[error("the URL is not valid")]
    Invalid,
    /// Neither `https` nor an allowed `http`.
    #[error("the URL must use https")]
    Scheme,
    /// It carries a user name or a password.
    #[error("the URL must not contain a user name or password")]
    UserInfo,
    /// It carries a fragment.
    #[error("the URL must not contain a fragment")]
    Fragment,
    /// A port that is not allowed.
    #[error("the port of the URL is not allowed")]
    Port,
    /// An address that is not global and not on the allow-list.
    #[error("the address of the URL is not allowed")]
    Address,
}

// === impl UrlPolicy ===

impl UrlPolicy {
    /// Whether a connection to this address is allowed.
    pub fn permits(&self, address: IpAddr) -> bool {
        self.lists(address) || is_global(address)
    }

    /// Whether the operator named this address.
    pub fn lists(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.allow.iter().any(|net| net.contains(&address))
    }
}

// === impl Ports ===

impl Ports {
    fn permits(&self, port: u16, plain: bool) -> bool {
        match self {
            Self::Usual => port >= OPEN_PORTS_FROM || port == if plain { 80 } else { 443 },
            Self::These(ranges) => ranges.iter().any(|range| range.contains(&port)),
        }
    }
}

/// Checks a URL as far as that is possible without resolving its name.
pub fn check_url(url: &str, policy: &UrlPolicy) -> Result<(), UrlRefused> {
    if url.len() > URL_BYTES_MAX {
        return Err(UrlRefused::Invalid);
    }
    let url = Url::parse(url).map_err(|_| UrlRefused::Invalid)?;
    let plain = match url.scheme() {
        "https" => false,
        "http" => true,
        _ => return Err(UrlRefused::Scheme),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UrlRefused::UserInfo);
    }
    if url.fragment().is_some() {
        return Err(UrlRefused::Fragment);
    }
    let port = url.port_or_known_default().ok_or(UrlRefused::Invalid)?;
    if !policy.ports.permits(port, plain) {
        return Err(UrlRefused::Port);
    }
    let literal = match url.host().ok_or(UrlRefused::Invalid)? {
        Host::Ipv4(address) => Some(IpAddr::V4(address)),
        Host::Ipv6(address) => Some(IpAddr::V6(address)),
        Host::Domain(name) => is_localhost(name).then_some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
    };
    match literal {
        Some(address) if !policy.permits(address) => Err(UrlRefused::Address),
        Some(address) if plain && !policy.plain_http && !policy.lists(address) => Err(UrlRefused::Scheme),
        // A name may lead into the allow-list: the resolver then takes no other answer.
        None if plain && !policy.plain_http && policy.allow.is_empty() => Err(UrlRefused::Scheme),
        _ => Ok(()),
    }
}

/// Whether a name means this machine, whatever a resolver says (RFC 6761 section 6.3).
pub fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name == "localhost" || name.ends_with(".localhost")
}

/// Whether an address is one of the public internet: everything that is special by an IANA registry is not.
pub fn is_global(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_global_v4(address),
        IpAddr::V6(address) => is_global_v6(address),
    }
}

fn is_global_v4(address: Ipv4Addr) -> bool {
    let special = match address.octets() {
        // This network, private, loopback; multicast and reserved up to broadcast.
        [0 | 10 | 127 | 224..=255, ..]
        // Link-local and private.
        | [169, 254, ..]
        | [192, 168, ..]
        // Protocol assignments, documentation, the 6to4 relay.
        | [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        | [198, 51, 100, _]
        | [203, 0, 113, _]
        // Benchmarks.
        | [198, 18 | 19, ..] => true,
        // Carrier-grade NAT and private.
        [100, second, ..] => second & 0xC0 == 64,
        [172, second, ..] => second & 0xF0 == 16,
        _ => false,
    };
    !special
}

fn is_global_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // Protocol assignments with Teredo and ORCHID (2001::/23), documentation, 6to4, documentation.
        [0x2001, 0..=0x01FF | 0x0DB8, ..] | [0x2002, ..] | [0x3FFF, 0..=0x0FFF, ..] => false,
        // Only 2000::/3 is assigned. Everything else is mapped, NAT64, local or multicast.
        [first, ..] => first & 0xE000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(allow: &[&str], plain_http: bool) -> UrlPolicy {
        let allow = allow.iter().map(|net| net.parse().unwrap()).collect();
        UrlPolicy { allow, plain_http, ports: Ports::Usual }
    }

    #[test]
    fn every_special_range_is_refused() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:8.8.8.8",
            "::8.8.8.8",
            "64:ff9b::808:808",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:1ff::1",
            "2001:db8::1",
            "2002:808:808::1",
            "3fff::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "5f00::1",
        ] {
            assert!(!is_global(text.parse().unwrap()), "{text}");
        }
        for text in [
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.1",
            "172.32.0.1",
            "1.1.1.1",
            "2606:4700::1111",
            "2001:4860::1",
        ] {
            assert!(is_global(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn a_literal_address_is_checked_in_every_spelling() {
        let none = policy(&[], true);
        for url in [
            "http://127.0.0.1/",
            "http://0x7f.1/",
            "http://2130706433/",
            "http://0177.0.0.1:8080/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://localhost/",
            "http://a.localhost./",
            "https://169.254.169.254/latest",
        ] {
            assert_eq!(check_url(url, &none), Err(UrlRefused::Address), "{url}");
        }
        let home = policy(&["127.0.0.0/8"], false);
        for url in ["http://127.0.0.1:8080/hook", "https://localhost/", "http://[::ffff:127.0.0.1]/"] {
            assert_eq!(check_url(url, &home), Ok(()), "{url}");
        }
    }

    #[test]
    fn no_other_ports_may_be_used_than_those_that_the_operator_names() {
        let ports = Ports::These(vec![443..=443, 8_000..=9_000]);
        let named = UrlPolicy { ports, ..policy(&[], true) };
        for (url, may_be_used) in [
            ("https://example.com/", true),
            ("https://example.com:8443/", true),
            ("https://example.com:9001/", false),
            ("https://example.com:3000/", false),
            ("http://example.com/", false),
            ("http://example.com:8000/", true),
        ] {
            let expected = if may_be_used { Ok(()) } else { Err(UrlRefused::Port) };
            assert_eq!(check_url(url, &named), expected, "{url}");
        }
    }

    #[test]
    fn scheme_port_user_and_fragment_are_checked() {
        let strict = policy(&[], false);
        for (url, refused) in [
            ("", UrlRefused::Invalid),
            ("example.com/x", UrlRefused::Invalid),
            ("https://", UrlRefused::Invalid),
            ("ftp://example.com/", UrlRefused::Scheme),
            ("http://example.com/", UrlRefused::Scheme),
            ("https://user@example.com/", UrlRefused::UserInfo),
            ("https://:pw@example.com/", UrlRefused::UserInfo),
            ("https://example.com/#part", UrlRefused::Fragment),
            ("https://example.com:22/", UrlRefused::Port),
            ("https://example.com:80/", UrlRefused::Port),
        ] {
            assert_eq!(check_url(url, &strict), Err(refused), "{url}");
        }
        for url in ["https://example.com", "https://example.com:8443/a?b=c", "https://example.com:3000/"] {
            assert_eq!(check_url(url, &strict), Ok(()), "{url}");
        }
        assert_eq!(check_url("http://example.com/", &policy(&[], true)), Ok(()));
        assert_eq!(check_url("http://example.com/", &policy(&["10.0.0.0/8"], false)), Ok(()));
        assert_eq!(check_url("http://8.8.8.8/", &policy(&["10.0.0.0/8"], false)), Err(UrlRefused::Scheme));
    }
}
