//! `[upstream.<name>]`: gateways that somebody runs already and that instances may be on.
//!
//! There may be any number of them, so they are not in the table of settings: each is a table in `berth.toml`, or
//! variables such as `BERTH_UPSTREAM_EVO1_URL`, which count before the file.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    net::{IpAddr, Ipv4Addr},
    path::Path,
    time::Duration,
};

use secrecy::{ExposeSecret as _, SecretString};
use toml::{Spanned, Value};
use url::{Host, Url};

use super::{ConfigError, HttpSettings, faults::Faults, file::text_of, keys::nearest, sources::read_secret};
use crate::url_policy::is_localhost;

/// The table that holds those of the upstreams.
pub(super) const TABLE: &str = "upstream";
/// How the variables of upstreams begin.
pub(super) const VARIABLE_PREFIX: &str = "BERTH_UPSTREAM_";
/// What such a variable looks like, for somebody who misspelt it.
pub(super) const VARIABLE_FORM: &str = "BERTH_UPSTREAM_<NAME>_<SETTING>";
/// What can be said of an upstream.
const FIELDS: [&str; 11] = [
    "kind",
    "url",
    "key",
    "key_file",
    "mode",
    "accounts",
    "poll_ms",
    "hear",
    "body_mib",
    "answer_s",
    "callback_url",
];
/// Characters of a name.
const NAME_CHARS_MAX: usize = 32;
/// Upstreams of a deployment.
const UPSTREAMS_MAX: usize = 64;
/// The pause between two looks at an instance, in milliseconds.
const POLL_MS: std::ops::RangeInclusive<u64> = 20..=60_000;
/// Bytes of a body that is passed on, in MiB. Evolution API takes 136 of them, unless it is told otherwise.
const BODY_MIB: std::ops::RangeInclusive<u64> = 1..=4_096;
/// How long the head of an answer that is passed back may take, in seconds, once the whole request was sent.
const ANSWER_S: std::ops::RangeInclusive<u64> = 1..=600;
/// The account that may use an upstream unless others are named.
const DEFAULT_ACCOUNT: &str = "default";

/// By the name of an upstream and its field: the text and where it came from.
pub(super) type Given = BTreeMap<String, BTreeMap<&'static str, (String, String)>>;

/// A gateway that instances may be on.
#[derive(Debug, Clone)]
pub struct UpstreamSettings {
    /// Its name: a letter, then letters and digits, all small.
    pub name: String,
    /// Which product it is.
    pub kind: UpstreamKind,
    /// Where it is, without a slash at the end.
    pub url: Url,
    /// The key that may do everything there.
    pub key: SecretString,
    /// What is done with it.
    pub mode: UpstreamMode,
    /// Names or ids of the accounts that may have instances on it.
    pub accounts: Vec<String>,
    /// The pause between two looks at an instance.
    pub poll: Duration,
    /// How it is heard of that there is something to look at.
    pub hear: UpstreamHear,
    /// Bytes of a body that is passed on to it, or of its answer.
    pub body_bytes_max: u64,
    /// How long it may take from the end of a request that is passed on to it to the head of its answer.
    pub answer_max: Duration,
    /// Where the upstream reaches the gateways of this deployment, so that it can tell them what happens there; none if
    /// nobody said it.
    pub callback: Option<Url>,
}

/// A product that can be an upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpstreamKind {
    /// Evolution API 2.
    Evolution,
}

impl UpstreamKind {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Evolution => "evolution",
        }
    }
}

/// What is done with an upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpstreamMode {
    /// It is looked at, and nothing is asked of it.
    Observe,
    /// It does what is decided here.
    Drive,
}

impl UpstreamMode {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Drive => "drive",
        }
    }
}

/// How it is heard of that there is something to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpstreamHear {
    /// By the next look.
    Poll,
    /// The upstream tells it on a socket, and looks go on.
    Socket,
}

impl UpstreamHear {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Poll => "poll",
            Self::Socket => "socket",
        }
    }
}

/// Whether a field is never shown.
pub(super) fn is_secret(field: &str) -> bool {
    field == "key"
}

// === reading ===

/// Whether a variable is most likely meant to be one of an upstream.
pub(super) fn is_like_a_variable(name: &str) -> bool {
    let first = name.strip_prefix("BERTH_").and_then(|rest| rest.split('_').next());
    first.is_some_and(|first| nearest(first, std::iter::once("UPSTREAM")).is_some())
}

/// What the tables of a file say; `place` says where a value stands.
pub(super) fn of_file(
    tables: &BTreeMap<String, BTreeMap<String, Spanned<Value>>>,
    place: impl Fn(&Spanned<Value>) -> String,
    faults: &Faults,
) -> Given {
    let mut given = Given::new();
    for (name, fields) in tables {
        // One of which nothing is said lacks its address, and is not to be passed over.
        given.entry(name.clone()).or_default();
        for (field, value) in fields {
            let text = text_of(value.get_ref()).ok_or("a text, a number or a list is expected");
            take(&mut given, name, field, text, place(value), faults);
        }
    }
    given
}

/// What the variables say.
pub(super) fn of_variables(variables: &BTreeMap<String, OsString>, faults: &Faults) -> Given {
    let mut given = Given::new();
    for (variable, value) in variables {
        let Some(rest) = variable.strip_prefix(VARIABLE_PREFIX) else { continue };
        let (name, field) = rest.split_once('_').unwrap_or((rest, ""));
        let text = value.to_str().map(str::to_owned).ok_or("the value is not UTF-8");
        let origin = format!("the variable {variable}");
        take(&mut given, &name.to_lowercase(), &field.to_lowercase(), text, origin, faults);
    }
    given
}

/// Takes what one place says of an upstream, which is known from then on, even if that cannot be used.
fn take(
    given: &mut Given,
    name: &str,
    field: &str,
    text: Result<String, &'static str>,
    origin: String,
    faults: &Faults,
) {
    let fields = given.entry(name.to_owned()).or_default();
    let known = FIELDS.into_iter().find(|known| *known == field);
    let reason = match (known, text) {
        (Some(field), Ok(text)) => {
            fields.insert(field, (text, origin));
            return;
        }
        (Some(_), Err(reason)) => reason.to_owned(),
        (None, _) => {
            let meant = nearest(field, FIELDS.into_iter());
            let meant = meant.map(|meant| format!(" (`{meant}` is)")).unwrap_or_default();
            format!("it has no setting `{field}`{meant}; there are {}", FIELDS.join(", "))
        }
    };
    faults.note(ConfigError::Upstream { name: name.to_owned(), field: known, origin: Some(origin), reason });
}

/// There is something else where the tables should be.
pub(super) fn no_table(origin: String) -> ConfigError {
    let reason = "a table [upstream.<name>] is expected".to_owned();
    ConfigError::Upstream { name: String::new(), field: None, origin: Some(origin), reason }
}

/// Both, the first before the second. A key and a file with it are one setting: whichever comes first hides both.
pub(super) fn merged(first: Given, second: Given) -> Given {
    let mut merged = second;
    for (name, fields) in first {
        let known = merged.entry(name).or_default();
        if fields.contains_key("key") || fields.contains_key("key_file") {
            known.remove("key");
            known.remove("key_file");
        }
        known.extend(fields);
    }
    merged
}

// === checking ===

/// What is wrong: with which setting of an upstream, if it is one, and why.
type Wrong = (Option<&'static str>, String);

/// Those that can be used of what was given; the others are noted. `http` says where this process is, which is no
/// upstream of its own.
pub(super) fn checked(given: &Given, http: &HttpSettings, faults: &Faults) -> Vec<UpstreamSettings> {
    let wrong = |name: &str, (field, reason): Wrong| {
        let origin = field.and_then(|field| given.get(name)?.get(field)).map(|(_, origin)| origin.clone());
        ConfigError::Upstream { name: name.to_owned(), field, origin, reason }
    };
    if given.len() > UPSTREAMS_MAX {
        faults.note(wrong("", (None, format!("there are more than {UPSTREAMS_MAX}"))));
        return Vec::new();
    }
    let mut upstreams: Vec<UpstreamSettings> = Vec::new();
    for (name, fields) in given {
        let found = one(name, fields, http).and_then(|upstream| match of_url(&upstreams, &upstream.url) {
            Some(same) => {
                let reason = format!("`{same}` is at the same address: two names would drive one gateway");
                Err((Some("url"), reason))
            }
            None => Ok(upstream),
        });
        upstreams.extend(faults.or_note(found.map_err(|why| wrong(name, why))));
    }
    upstreams
}

fn of_url<'a>(upstreams: &'a [UpstreamSettings], url: &Url) -> Option<&'a str> {
    upstreams.iter().find(|other| other.url == *url).map(|same| same.name.as_str())
}

fn one(
    name: &str,
    fields: &BTreeMap<&'static str, (String, String)>,
    http: &HttpSettings,
) -> Result<UpstreamSettings, Wrong> {
    let is_small = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let begins = name.starts_with(|first: char| first.is_ascii_lowercase());
    if !begins || !name.chars().all(is_small) || name.len() > NAME_CHARS_MAX {
        let reason = "a name is a small letter and then small letters and digits, 32 at most";
        return Err((None, reason.to_owned()));
    }
    let wrong = |field, reason: &str| (Some(field), reason.to_owned());
    let text = |field: &str| fields.get(field).map(|(text, _)| text.as_str());
    let kind = match text("kind").unwrap_or("evolution") {
        "evolution" => UpstreamKind::Evolution,
        _ => return Err(wrong("kind", "`evolution` is expected")),
    };
    let mode = match text("mode").unwrap_or("observe") {
        "observe" => UpstreamMode::Observe,
        "drive" => UpstreamMode::Drive,
        _ => return Err(wrong("mode", "`observe` or `drive` is expected")),
    };
    let poll_ms = text("poll_ms").unwrap_or("2000").parse().ok().filter(|ms| POLL_MS.contains(ms));
    let poll_ms = poll_ms.ok_or_else(|| wrong("poll_ms", "20 to 60000 milliseconds are expected"))?;
    let hear = match text("hear").unwrap_or("poll") {
        "poll" => UpstreamHear::Poll,
        "socket" => UpstreamHear::Socket,
        _ => return Err(wrong("hear", "`poll` or `socket` is expected")),
    };
    let body_mib = text("body_mib").unwrap_or("136").parse().ok().filter(|mib| BODY_MIB.contains(mib));
    let body_mib = body_mib.ok_or_else(|| wrong("body_mib", "1 to 4096 MiB are expected"))?;
    let answer_s = text("answer_s").unwrap_or("120").parse().ok().filter(|s| ANSWER_S.contains(s));
    let answer_s = answer_s.ok_or_else(|| wrong("answer_s", "1 to 600 seconds are expected"))?;
    let accounts = text("accounts").unwrap_or(DEFAULT_ACCOUNT).split(',').map(str::trim);
    Ok(UpstreamSettings {
        name: name.to_owned(),
        kind,
        url: url(text("url"), http).map_err(|reason| wrong("url", &reason))?,
        key: key(text("key"), text("key_file")).map_err(|reason| wrong("key", &reason))?,
        mode,
        accounts: accounts.filter(|account| !account.is_empty()).map(str::to_owned).collect(),
        poll: Duration::from_millis(poll_ms),
        hear,
        body_bytes_max: body_mib * 1024 * 1024,
        answer_max: Duration::from_secs(answer_s),
        callback: callback(text("callback_url").or(http.public_url.as_deref()))
            .map_err(|reason| wrong("callback_url", reason))?,
    })
}

fn url(text: Option<&str>, http: &HttpSettings) -> Result<Url, String> {
    let text = text.ok_or("it is not set: the address of the gateway is expected")?;
    let mut url = Url::parse(text.trim_end_matches('/')).map_err(|_| "an absolute URL is expected")?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err("a URL with http or https is expected".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "it must not contain a user name or password; the key has a setting of its own".to_owned()
        );
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("it must have neither a query nor a fragment".to_owned());
    }
    if is_here(&url, http) {
        return Err("it is this process itself: Berth cannot be its own upstream".to_owned());
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

fn callback(text: Option<&str>) -> Result<Option<Url>, &'static str> {
    let Some(text) = text else { return Ok(None) };
    let url = Url::parse(text.trim_end_matches('/')).ok();
    let is_plain = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && url.host().is_some()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    };
    url.filter(is_plain)
        .map(Some)
        .ok_or("a URL with http or https is expected, without user name, query or fragment")
}

/// Whether a URL leads to where this process listens, as far as that can be told without resolving a name. What cannot
/// be told here is noticed by the first request: see `X-Berth-Deployment`.
fn is_here(url: &Url, http: &HttpSettings) -> bool {
    let public = http.public_url.as_deref().and_then(|public| Url::parse(public).ok());
    if public.is_some_and(|public| public.origin() == url.origin()) {
        return true;
    }
    if http.listen.port() == 0 || url.port_or_known_default() != Some(http.listen.port()) {
        return false;
    }
    let address = match url.host() {
        Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
        Some(Host::Domain(name)) => is_localhost(name).then_some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        None => None,
    };
    let listens = http.listen.ip();
    address.is_some_and(|address| address == listens || (address.is_loopback() && listens.is_unspecified()))
}

fn key(text: Option<&str>, file: Option<&str>) -> Result<SecretString, String> {
    let key = match (text, file) {
        (Some(_), Some(_)) => return Err("a file is named for it too; one of the two is expected".to_owned()),
        (Some(key), None) => key.to_owned(),
        (None, Some(path)) => {
            read_secret(Path::new(path)).map_err(|reason| format!("the file {path}: {reason}"))?
        }
        (None, None) => return Err("neither `key` nor `key_file` is set".to_owned()),
    };
    let key = SecretString::from(key);
    let is_header = |byte: u8| byte.is_ascii_graphic();
    if key.expose_secret().is_empty() || !key.expose_secret().bytes().all(is_header) {
        return Err("visible ASCII characters are expected".to_owned());
    }
    Ok(key)
}
