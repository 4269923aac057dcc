//! The proxy that opens connections to the internet.

use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

/// An HTTP proxy, and as whom it is asked.
#[derive(Debug, Clone)]
pub struct EgressProxy {
    host: Host,
    port: u16,
    /// `user:password`.
    credentials: Option<SecretString>,
}

impl PartialEq for EgressProxy {
    fn eq(&self, other: &Self) -> bool {
        self.address() == other.address() && self.credentials() == other.credentials()
    }
}

impl Eq for EgressProxy {}

impl EgressProxy {
    /// Reads `http://host:port`, perhaps with a user and a password; none if it is something else.
    pub fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text.trim()).ok().filter(|url| url.scheme() == "http")?;
        let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let host = url.host().filter(|_| is_bare)?.to_owned();
        let port = url.port_or_known_default()?;
        let decoded = |text: &str| percent_decode_str(text).decode_utf8().ok().map(String::from);
        let credentials = match (url.username(), url.password()) {
            ("", None) => None,
            (user, password) => {
                let all = format!("{}:{}", decoded(user)?, decoded(password.unwrap_or_default())?);
                // It becomes a header.
                (!all.contains(char::is_control)).then_some(())?;
                Some(all.into())
            }
        };
        Some(Self { host, port, credentials })
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// As whom it is asked: `user:password`.
    pub fn credentials(&self) -> Option<&str> {
        self.credentials.as_ref().map(ExposeSecret::expose_secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_and_perhaps_credentials() {
        let plain = EgressProxy::parse("http://proxy.internal").unwrap();
        assert_eq!((plain.address().as_str(), plain.credentials()), ("proxy.internal:80", None));
        let with = EgressProxy::parse("http://berth:p%40ss%3A@[::1]:3128/").unwrap();
        assert_eq!((with.address().as_str(), with.credentials()), ("[::1]:3128", Some("berth:p@ss:")));
        assert!(!format!("{with:?}").contains("p@ss"));
        for wrong in [
            "",
            "proxy:3128",
            "https://proxy:3128",
            "socks5://proxy:1080",
            "http://proxy:3128/path",
            "http://proxy:3128?q",
            "http://a:b%0d%0a@proxy:3128",
        ] {
            assert!(EgressProxy::parse(wrong).is_none(), "{wrong}");
        }
    }
}
