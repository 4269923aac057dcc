//! Proxies that are believed about whom they ask for.

use std::{
    net::{IpAddr, SocketAddr},
    str::FromStr as _,
};

use axum::http::HeaderMap;
use ipnet::IpNet;

/// Where a proxy says for whom it asks; each proxy adds the address that its own connection came from at the end.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The networks of the operator's own proxies. Whoever else names an address in a header could name any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies(Vec<IpNet>);

// === impl Proxies ===

impl Proxies {
    /// Those in these networks.
    pub const fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// Whether a connection from here is one of them.
    pub(super) fn has(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Who asks, on a connection from `peer`: the last address that is named which is no proxy of ours. What stands before it
    /// was written by that client. A header that cannot be read names nobody.
    pub(super) fn client(&self, peer: SocketAddr, headers: &HeaderMap) -> SocketAddr {
        if !self.has(peer.ip()) {
            return peer;
        }
        let mut client = peer;
        let mut values: Vec<_> = headers.get_all(FORWARDED_FOR).iter().collect();
        values.reverse();
        for value in values {
            let Ok(list) = value.to_str() else { return client };
            for named in list.rsplit(',') {
                let Some(address) = address_of(named.trim()) else { return client };
                client = SocketAddr::new(address, 0);
                if !self.has(address) {
                    return client;
                }
            }
        }
        client
    }
}

/// An address, with a port or without.
fn address_of(text: &str) -> Option<IpAddr> {
    let bare = text.trim_matches(['[', ']']);
    IpAddr::from_str(bare).ok().or_else(|| SocketAddr::from_str(text).ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies() -> Proxies {
        Proxies::new(vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()])
    }

    fn client(peer: &str, values: &[&'static str]) -> String {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(FORWARDED_FOR, value.parse().unwrap());
        }
        proxies().client(SocketAddr::new(peer.parse().unwrap(), 1_234), &headers).ip().to_string()
    }

    #[test]
    fn the_last_address_that_is_no_proxy_is_the_client() {
        assert_eq!(client("10.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(client("10.0.0.1", &["198.51.100.1, 203.0.113.9, 10.0.0.2"]), "203.0.113.9");
        assert_eq!(client("10.0.0.1", &["198.51.100.1", "203.0.113.9", "10.0.0.2"]), "203.0.113.9");
        assert_eq!(client("::ffff:10.0.0.1", &["[2001:db8::1]:443"]), "2001:db8::1");
        assert_eq!(client("fd00::1", &["203.0.113.9:8080"]), "203.0.113.9");
        assert_eq!(client("10.0.0.1", &["10.0.0.3, 10.0.0.2"]), "10.0.0.3", "all are ours");
    }

    #[test]
    fn who_is_no_proxy_names_nobody_and_what_cannot_be_read_neither() {
        assert_eq!(client("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["198.51.100.1, unknown"]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["203.0.113.9, unknown, 10.0.0.2"]), "10.0.0.2");
    }
}
