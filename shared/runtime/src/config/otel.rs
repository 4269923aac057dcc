//! The settings that OpenTelemetry names for all of its SDKs, so far as they are about sending traces.
//!
//! Source: <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/> and
//! <https://opentelemetry.io/docs/specs/otel/protocol/exporter/>

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;
use secrecy::SecretString;

use super::{ConfigError, TraceSettings, parse, sources::Raw};

/// What a timeout is given in, and the longest.
const TIMEOUT_MILLIS_MAX: u64 = 60_000;

type Parsed<T> = Result<T, String>;

/// A header of each request to the collector.
#[derive(Debug, Clone)]
pub struct TraceHeader {
    /// Its name.
    pub name: HeaderName,
    /// What it says, most often a token.
    pub value: SecretString,
}

/// Everything about traces: our own setting counts before the standard's.
pub(super) fn traces(raw: &Raw) -> Result<TraceSettings, ConfigError> {
    let given = raw.parse_optional("traces", parse::collector);
    let of_traces = raw.parse_optional("otel_traces_endpoint", parse::public_url);
    let of_all = raw.parse_optional("otel_endpoint", parse::collector);
    let is_off = raw.parse_optional("otel_sdk_disabled", |text| Ok(text.eq_ignore_ascii_case("true")));
    let exporter = raw.parse_optional("otel_traces_exporter", exporter);
    let standard = of_traces.or(of_all).filter(|_| is_off != Some(true) && exporter != Some(Exporter::None));
    raw.parse_optional("otel_protocol", protocol);
    let headers = match raw.parse_optional("otel_traces_headers", headers) {
        Some(headers) => Some(headers),
        None => raw.parse_optional("otel_headers", headers),
    };
    let one_in = raw.parse("traces_one_in", |text| parse::number(text, 1, u32::MAX))?;
    let sampler = raw.parse_optional("otel_traces_sampler", sampler).unwrap_or(Sampler::Always);
    let share = raw.parse_optional("otel_traces_sampler_arg", share);
    let is_own = raw.is_default("traces_one_in");
    let timeout = raw.parse("otel_timeout", |text| parse::number(text, 1, TIMEOUT_MILLIS_MAX))?;
    Ok(TraceSettings {
        collector: given.or(standard),
        headers: headers.unwrap_or_default(),
        timeout: Duration::from_millis(timeout),
        one_in: match (sampler, share) {
            (Sampler::Share, Some(share)) if is_own => share,
            _ => one_in,
        },
        service: raw.parse_optional("otel_service_name", |text| Ok(text.trim().to_owned())),
        attributes: raw.parse_optional("otel_resource_attributes", attributes).unwrap_or_default(),
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exporter {
    Otlp,
    None,
}

fn exporter(text: &str) -> Parsed<Exporter> {
    match text.trim() {
        "otlp" => Ok(Exporter::Otlp),
        "none" => Ok(Exporter::None),
        other => Err(format!("`{other}` is not known here; `otlp` or `none` is expected")),
    }
}

fn protocol(text: &str) -> Parsed<()> {
    match text.trim() {
        "http/protobuf" => Ok(()),
        other => {
            Err(format!("`{other}` is not spoken here; `http/protobuf` is expected, mostly at port 4318"))
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sampler {
    Always,
    Share,
}

fn sampler(text: &str) -> Parsed<Sampler> {
    match text.trim() {
        "always_on" | "parentbased_always_on" => Ok(Sampler::Always),
        "traceidratio" | "parentbased_traceidratio" => Ok(Sampler::Share),
        other => Err(format!(
            "`{other}` is not known here; parentbased_always_on or parentbased_traceidratio is expected (and \
             OTEL_SDK_DISABLED=true to trace nothing)"
        )),
    }
}

/// Of how many traces one is recorded, for a share of them.
fn share(text: &str) -> Parsed<u32> {
    let expected =
        || format!("`{text}` is no share of traces: more than 0, at most 1 is expected, such as 0.1");
    let share: f64 = text.trim().parse().map_err(|_| expected())?;
    if !(share > 0.0 && share <= 1.0) {
        return Err(expected());
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is at least 1, and a share that is too small saturates"
    )]
    let one_in = (1.0 / share).round() as u32;
    Ok(one_in.max(1))
}

/// Names and values, `name=value` with commas between, each value in percent-encoding. A reason repeats no value.
fn pairs(text: &str) -> Parsed<Vec<(String, String)>> {
    let pair = |(place, text): (usize, &str)| {
        let expected = || format!("part {place} is not `name=value` in UTF-8, in percent-encoding");
        let (name, value) = text.split_once('=').ok_or_else(expected)?;
        let decoded = |text: &str| percent_decode_str(text.trim()).decode_utf8().map(Into::into);
        let (name, value): (String, String) =
            (decoded(name).map_err(|_| expected())?, decoded(value).map_err(|_| expected())?);
        if name.is_empty() { Err(expected()) } else { Ok((name, value)) }
    };
    (1..).zip(text.split(',')).filter(|(_, text)| !text.trim().is_empty()).map(pair).collect()
}

fn attributes(text: &str) -> Parsed<Vec<(String, String)>> {
    pairs(text)
}

fn headers(text: &str) -> Parsed<Vec<TraceHeader>> {
    let header = |(name, value): (String, String)| {
        let name: HeaderName = name.parse().map_err(|_| format!("`{name}` is no name of a header"))?;
        let fits = HeaderValue::from_str(&value).is_ok();
        if fits {
            Ok(TraceHeader { name, value: value.into() })
        } else {
            Err(format!("the value of `{name}` does not fit into a header"))
        }
    };
    pairs(text)?.into_iter().map(header).collect()
}
