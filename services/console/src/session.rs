//! Who is signed in: a sealed cookie that every gateway of the deployment opens, and that ends with the token.
//!
//! It holds what the token is known by, never the token. Nothing is kept on the server, so a sign-out is the browser's
//! to do; what was copied out of it ends by itself, or at once when the token is rotated.

use aes_siv::{KeyInit, siv::Aes128Siv};
use axum::http::{HeaderMap, HeaderValue, header::COOKIE};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use berth_gateway::app::SignedIn;
use berth_proto::{AccountId, DirectoryId, Hash, Timestamp};

/// The purpose of the key, and what the seal is bound to.
const PURPOSE: &str = "berth.v1.console";
/// First byte of what is sealed: another one is from another release.
const VERSION: u8 = 1;
/// Bytes of what is sealed: version, kind, who, account, signed in, seen.
const BYTES: usize = 2 + 32 + 16 + 8 + 8;
/// How long a browser may do nothing.
const IDLE_SECONDS: i64 = 8 * 3_600;
/// How long a session may last at all: a copied cookie that is kept in use ends too.
const LIFE_SECONDS: i64 = 24 * 3_600;
/// How old the last noted use may be before the cookie is written anew.
const NOTE_AFTER_SECONDS: i64 = 300;

/// How the browser reaches the console, which says how a cookie is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    /// Over TLS: nobody between could set the cookie, nor another host of the domain.
    Secure,
    /// In clear, on this machine alone.
    Loopback,
}

impl Transport {
    const fn cookie(self) -> &'static str {
        match self {
            Self::Secure => "__Host-berth-console",
            Self::Loopback => "berth-console",
        }
    }

    const fn attributes(self) -> &'static str {
        match self {
            Self::Secure => "; Path=/; HttpOnly; SameSite=Strict; Secure",
            Self::Loopback => "; Path=/; HttpOnly; SameSite=Strict",
        }
    }
}

/// What a cookie says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket {
    /// Who signed in.
    pub(crate) signed_in: SignedIn,
    /// The account in which the operator acts.
    pub(crate) account: Option<AccountId>,
    since: Timestamp,
    seen: Timestamp,
}

impl Ticket {
    /// Of whoever signs in now.
    pub(crate) const fn new(signed_in: SignedIn, now: Timestamp) -> Self {
        Self { signed_in, account: None, since: now, seen: now }
    }

    /// The same session in an account, or in none.
    pub(crate) const fn in_account(self, account: Option<AccountId>) -> Self {
        Self { account, ..self }
    }

    /// The ticket with its use noted, if that is worth another cookie.
    pub(crate) fn noted(self, now: Timestamp) -> Option<Self> {
        (now >= self.seen.plus_seconds(NOTE_AFTER_SECONDS)).then_some(Self { seen: now, ..self })
    }

    fn is_over(&self, now: Timestamp) -> bool {
        now >= self.seen.plus_seconds(IDLE_SECONDS) || now >= self.since.plus_seconds(LIFE_SECONDS)
    }

    fn to_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(BYTES);
        match self.signed_in {
            SignedIn::Root(digest) => {
                bytes.extend([VERSION, 0]);
                bytes.extend(digest.0);
            }
            SignedIn::Holder { entry, credential_version } => {
                bytes.extend([VERSION, 1]);
                bytes.extend(entry.as_bytes());
                bytes.extend(credential_version.to_be_bytes());
                bytes.extend([0; 12]);
            }
        }
        bytes.extend(self.account.map_or([0; 16], |account| *account.as_bytes()));
        bytes.extend(self.since.0.to_be_bytes());
        bytes.extend(self.seen.0.to_be_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (head, rest) = bytes.split_first_chunk::<2>()?;
        let (who, rest) = rest.split_first_chunk::<32>()?;
        let (account, rest) = rest.split_first_chunk::<16>()?;
        let (since, rest) = rest.split_first_chunk::<8>()?;
        let (seen, rest) = rest.split_first_chunk::<8>()?;
        let signed_in = match head {
            [VERSION, 0] => SignedIn::Root(Hash(*who)),
            [VERSION, 1] => {
                let (entry, rest) = who.split_first_chunk::<16>()?;
                let (version, _) = rest.split_first_chunk::<4>()?;
                SignedIn::Holder {
                    entry: DirectoryId::from_bytes(*entry),
                    credential_version: u32::from_be_bytes(*version),
                }
            }
            _ => return None,
        };
        rest.is_empty().then_some(Self {
            signed_in,
            account: (*account != [0; 16]).then(|| AccountId::from_bytes(*account)),
            since: Timestamp(i64::from_be_bytes(*since)),
            seen: Timestamp(i64::from_be_bytes(*seen)),
        })
    }
}

/// Seals and opens cookies.
pub(crate) struct Seal([u8; 32]);

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal(hidden)")
    }
}

impl Seal {
    /// With the key that `derive` gives for a purpose.
    pub(crate) fn new(derive: impl FnOnce(&str) -> [u8; 32]) -> Self {
        Self(derive(PURPOSE))
    }

    pub(crate) const fn key(&self) -> &[u8; 32] {
        &self.0
    }

    /// The `Set-Cookie` that signs a browser in.
    pub(crate) fn cookie(&self, ticket: Ticket, transport: Transport) -> Option<HeaderValue> {
        let sealed = Aes128Siv::new(&self.0.into()).encrypt([PURPOSE.as_bytes()], &ticket.to_bytes()).ok()?;
        let value = URL_SAFE_NO_PAD.encode(sealed);
        HeaderValue::try_from(format!("{}={value}{}", transport.cookie(), transport.attributes())).ok()
    }

    /// What the cookie of a request says, if it is ours and not over.
    pub(crate) fn open(&self, headers: &HeaderMap, transport: Transport, now: Timestamp) -> Option<Ticket> {
        let value = cookie(headers, transport.cookie())?;
        let sealed = URL_SAFE_NO_PAD.decode(value).ok()?;
        let bytes = Aes128Siv::new(&self.0.into()).decrypt([PURPOSE.as_bytes()], &sealed).ok()?;
        Ticket::from_bytes(&bytes).filter(|ticket| !ticket.is_over(now))
    }
}

/// The `Set-Cookie` that signs a browser out.
pub(crate) fn ended(transport: Transport) -> Option<HeaderValue> {
    HeaderValue::try_from(format!("{}=; Max-Age=0{}", transport.cookie(), transport.attributes())).ok()
}

/// The value of a cookie.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find_map(|(key, value)| (key == name).then_some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_735_725_600_000_000);

    fn held(seal: &Seal, ticket: Ticket) -> HeaderMap {
        let cookie = seal.cookie(ticket, Transport::Secure).unwrap();
        let pair = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
        HeaderMap::from_iter([(COOKIE, HeaderValue::try_from(format!("other=1; {pair}")).unwrap())])
    }

    fn ticket() -> Ticket {
        let entry = DirectoryId::from_bytes([7; 16]);
        Ticket::new(SignedIn::Holder { entry, credential_version: 3 }, NOW)
    }

    #[test]
    fn a_cookie_says_who_signed_in_until_it_is_over() {
        let seal = Seal::new(|_| [1; 32]);
        let account = AccountId::from_bytes([9; 16]);
        let root = Ticket::new(SignedIn::Root(Hash([5; 32])), NOW).in_account(Some(account));
        for ticket in [ticket(), root] {
            let held = held(&seal, ticket);
            assert_eq!(seal.open(&held, Transport::Secure, NOW), Some(ticket));
            let late = NOW.plus_seconds(IDLE_SECONDS);
            assert_eq!(seal.open(&held, Transport::Secure, late), None, "nothing was done for too long");
            assert_eq!(seal.open(&held, Transport::Loopback, NOW), None, "a cookie of the other name");
        }
    }

    #[test]
    fn use_prolongs_a_session_and_not_for_ever() {
        let seal = Seal::new(|_| [1; 32]);
        let (mut last, mut now) = (ticket(), NOW);
        assert_eq!(last.noted(NOW.plus_seconds(1)), None, "not at every request");
        while now < NOW.plus_seconds(LIFE_SECONDS) {
            last = last.noted(now).unwrap_or(last);
            assert!(seal.open(&held(&seal, last), Transport::Secure, now).is_some());
            now = now.plus_seconds(3_600);
        }
        assert_eq!(seal.open(&held(&seal, last), Transport::Secure, now), None);
    }

    #[test]
    fn forged_cookies_and_those_of_another_deployment_say_nothing() {
        let (seal, other) = (Seal::new(|_| [1; 32]), Seal::new(|_| [2; 32]));
        assert_eq!(seal.open(&held(&other, ticket()), Transport::Secure, NOW), None);
        let value = held(&seal, ticket());
        let value = value.get(COOKIE).unwrap().to_str().unwrap().to_owned();
        for forged in ["", "x", "AAAA", &value.replace('A', "B")[..value.len() - 1]] {
            let header = HeaderValue::try_from(format!("__Host-berth-console={forged}")).unwrap();
            let held = HeaderMap::from_iter([(COOKIE, header)]);
            assert_eq!(seal.open(&held, Transport::Secure, NOW), None, "{forged}");
        }
    }
}
