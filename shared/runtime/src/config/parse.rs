//! One function for each kind of value. A reason never repeats the value of a secret.

use std::{
    net::{IpAddr, SocketAddr, ToSocketAddrs},
    path::PathBuf,
    str::FromStr,
};

use ipnet::IpNet;
use secrecy::SecretString;

use super::{ConsolePages, DeviceDriver, EgressProxy, EvolutionLogout, LogFormat, PlainHttp};
use crate::{Ports, sealing::MasterKey};

/// Longest token or root key, in characters.
pub const TOKEN_CHARS_MAX: usize = 512;
/// Shortest token or root key, in characters: below this length it can be guessed.
pub const TOKEN_CHARS_MIN: usize = 16;

type Parsed<T> = Result<T, String>;

pub(super) fn listen(text: &str) -> Parsed<SocketAddr> {
    text.to_socket_addrs().ok().and_then(|mut addresses| addresses.next()).ok_or_else(|| {
        format!(
            "`{text}` is no address to listen on; an address and a port are expected, such as 127.0.0.1:8480"
        )
    })
}

pub(super) fn public_url(text: &str) -> Parsed<String> {
    let address = text.trim_end_matches('/');
    let host = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://"));
    match host {
        Some(host) if !host.is_empty() && !host.contains(['@', '?', '#', ' ']) => Ok(address.to_owned()),
        _ => Err(format!("`{text}` is no http or https URL without user, query and fragment")),
    }
}

/// The address that spans are posted to: what is given may be that, or what the usual path comes after.
pub(super) fn collector(text: &str) -> Parsed<String> {
    const PATH: &str = "/v1/traces";
    let url = public_url(text)?;
    Ok(if url.ends_with(PATH) { url } else { format!("{url}{PATH}") })
}

pub(super) fn path(text: &str) -> Parsed<PathBuf> {
    if text.trim().is_empty() { Err("a path is expected".to_owned()) } else { Ok(text.into()) }
}

pub(super) fn existing_file(text: &str) -> Parsed<PathBuf> {
    let path = path(text)?;
    if path.is_file() { Ok(path) } else { Err(format!("there is no file {}", path.display())) }
}

pub(super) fn number<T: FromStr + PartialOrd + Copy + std::fmt::Display>(
    text: &str,
    min: T,
    max: T,
) -> Parsed<T> {
    let expected = || format!("`{text}` is not a whole number from {min} to {max}");
    let number: T = text.trim().parse().map_err(|_| expected())?;
    if (min..=max).contains(&number) { Ok(number) } else { Err(expected()) }
}

pub(super) fn rate(text: &str) -> Parsed<u32> {
    number(text, 0, u32::MAX)
}

/// Characters of the name of a process at most.
const MEMBER_CHARS_MAX: usize = 40;

/// One token of a subject of NATS.
pub(super) fn member(text: &str) -> Parsed<String> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if (1..=MEMBER_CHARS_MAX).contains(&text.len()) && text.bytes().all(is_allowed) {
        Ok(text.to_owned())
    } else {
        Err(format!("`{text}` is no name: 1 to {MEMBER_CHARS_MAX} letters, digits and `-` are expected"))
    }
}

/// Does not repeat the address, which may hold a password.
pub(super) fn nats_url(text: &str) -> Parsed<String> {
    let ok = |address: &str| {
        let host = address.split_once("://").map_or(Some(address), |(scheme, host)| {
            matches!(scheme, "nats" | "tls" | "ws" | "wss").then_some(host)
        });
        host.is_some_and(|host| {
            let host = host.rsplit('@').next().unwrap_or_default();
            !host.is_empty() && !host.contains(char::is_whitespace) && !host.contains("://")
        })
    };
    if text.split(',').all(|address| ok(address.trim())) {
        Ok(text.split(',').map(str::trim).collect::<Vec<_>>().join(","))
    } else {
        Err("addresses of NATS servers are expected, such as nats://127.0.0.1:4222".to_owned())
    }
}

/// Does not repeat the address, which may hold a password.
pub(super) fn egress_proxy(text: &str) -> Parsed<EgressProxy> {
    EgressProxy::parse(text).ok_or_else(|| {
        "the address of an HTTP proxy is expected, such as http://proxy.example:3128, perhaps with a user and a password"
            .to_owned()
    })
}

pub(super) fn token(text: &str) -> Parsed<SecretString> {
    let fits = (TOKEN_CHARS_MIN..=TOKEN_CHARS_MAX).contains(&text.len());
    if fits && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(text.to_owned().into())
    } else {
        Err(format!(
            "{TOKEN_CHARS_MIN} to {TOKEN_CHARS_MAX} visible ASCII characters without blanks are expected; \
             `openssl rand -hex 24` makes some"
        ))
    }
}

pub(super) fn master_key(text: &str) -> Parsed<MasterKey> {
    MasterKey::from_base64(text).map_err(|error| error.to_string())
}

/// Says nothing of what was given, as it is a secret.
pub(super) fn evidence_key(text: &str) -> Parsed<SecretString> {
    master_key(text).map(|_| text.trim().to_owned().into())
}

pub(super) fn networks(text: &str) -> Parsed<Vec<IpNet>> {
    text.split(',')
        .map(str::trim)
        .filter(|network| !network.is_empty())
        .map(|network| {
            network
                .parse::<IpNet>()
                .or_else(|error| network.parse::<IpAddr>().map(IpNet::from).map_err(|_| error))
                .map_err(|_| format!("`{network}` is no network; CIDRs are expected, such as 127.0.0.0/8"))
        })
        .collect()
}

pub(super) fn ports(text: &str) -> Parsed<Ports> {
    let range = |named: &str| {
        let (first, last) = named.split_once('-').unwrap_or((named, named));
        let (first, last) = (first.trim().parse::<u16>().ok()?, last.trim().parse::<u16>().ok()?);
        (0 < first && first <= last).then_some(first..=last)
    };
    let named = text.split(',').map(str::trim).map(|named| {
        range(named).ok_or_else(|| format!("`{named}` is no port and no range of ports, such as 9000-9999"))
    });
    named.collect::<Result<_, _>>().map(Ports::These)
}

pub(super) fn filter(text: &str) -> Parsed<String> {
    tracing_subscriber::EnvFilter::builder()
        .parse(text)
        .map(|_| text.to_owned())
        .map_err(|error| format!("`{text}` is no tracing filter: {error}"))
}

fn one_of<T: Copy>(text: &str, words: &[(&str, T)]) -> Parsed<T> {
    words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value).ok_or_else(|| {
        let words: Vec<_> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
        format!("`{text}` is not {}", words.join(" or "))
    })
}

pub(super) fn device_driver(text: &str) -> Parsed<DeviceDriver> {
    one_of(text, &[("simulated", DeviceDriver::Simulated), ("worker", DeviceDriver::Worker)])
}

/// Characters of the name of a library at most.
const LIBRARY_CHARS_MAX: usize = 64;

/// Names of libraries, separated by commas.
pub(super) fn libraries(text: &str) -> Parsed<Vec<String>> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let is_name = |name: &str| (1..=LIBRARY_CHARS_MAX).contains(&name.len()) && name.bytes().all(is_allowed);
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
    names
        .map(|name| {
            if is_name(name) { Ok(name.to_owned()) } else { Err(format!("`{name}` is no name of a library")) }
        })
        .collect()
}

pub(super) fn accounts(text: &str) -> Parsed<Vec<String>> {
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
    let names: Vec<_> = names.map(str::to_owned).collect();
    if names.is_empty() { Err("names or ids of accounts are expected".to_owned()) } else { Ok(names) }
}

pub(super) fn console(text: &str) -> Parsed<ConsolePages> {
    one_of(text, &[("on", ConsolePages::On), ("off", ConsolePages::Off)])
}

pub(super) fn plain_http(text: &str) -> Parsed<PlainHttp> {
    one_of(text, &[("deny", PlainHttp::Deny), ("allow", PlainHttp::Allow)])
}

pub(super) fn log_format(text: &str) -> Parsed<LogFormat> {
    one_of(text, &[("text", LogFormat::Text), ("json", LogFormat::Json)])
}

pub(super) fn evolution_logout(text: &str) -> Parsed<EvolutionLogout> {
    one_of(text, &[("strict", EvolutionLogout::Strict), ("idempotent", EvolutionLogout::Idempotent)])
}
