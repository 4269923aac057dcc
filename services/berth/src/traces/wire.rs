//! Spans as OTLP has them: the messages of opentelemetry-proto (`trace/v1/trace.proto`) that we send, and the fields of them
//! that we fill. The crate `opentelemetry-proto` has all of them, and needs the SDK, of which we use nothing; the story of the
//! traces decodes what these give with it.

use std::collections::BTreeMap;

use berth_runtime::{
    Role,
    config::TraceSettings,
    telemetry::traces::{FinishedSpan, Said, SpanKind},
};
use prost::Message as _;

/// `ExportTraceServiceRequest`
#[derive(Clone, PartialEq, prost::Message)]
struct Request {
    #[prost(message, repeated, tag = "1")]
    resource_spans: Vec<ResourceSpans>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ResourceSpans {
    #[prost(message, optional, tag = "1")]
    resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    scope_spans: Vec<ScopeSpans>,
}

/// What the spans of a process have in common.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Resource {
    #[prost(message, repeated, tag = "1")]
    attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ScopeSpans {
    #[prost(message, optional, tag = "1")]
    scope: Option<Scope>,
    #[prost(message, repeated, tag = "2")]
    spans: Vec<Span>,
}

/// `InstrumentationScope`
#[derive(Clone, PartialEq, prost::Message)]
struct Scope {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    version: String,
}

#[derive(Clone, PartialEq, prost::Message)]
#[expect(clippy::struct_field_names, reason = "as the protocol names them")]
struct Span {
    #[prost(bytes = "vec", tag = "1")]
    trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    span_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    parent_span_id: Vec<u8>,
    #[prost(string, tag = "5")]
    name: String,
    #[prost(int32, tag = "6")]
    kind: i32,
    #[prost(fixed64, tag = "7")]
    start_time_unix_nano: u64,
    #[prost(fixed64, tag = "8")]
    end_time_unix_nano: u64,
    #[prost(message, repeated, tag = "9")]
    attributes: Vec<KeyValue>,
    #[prost(message, optional, tag = "15")]
    status: Option<Status>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Status {
    #[prost(int32, tag = "3")]
    code: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct KeyValue {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(message, optional, tag = "2")]
    value: Option<AnyValue>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct AnyValue {
    #[prost(oneof = "Value", tags = "1, 3")]
    value: Option<Value>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Value {
    #[prost(string, tag = "1")]
    Text(String),
    #[prost(int64, tag = "3")]
    Number(i64),
}

/// `STATUS_CODE_ERROR`
const FAILED: i32 = 2;
/// Who says all this.
const SCOPE: &str = "berth";

/// What the spans of a process with this role have in common. What the operator says of it counts before what we would say,
/// and the name that is given by itself before all.
pub(super) fn resource(role: Role, instance: &str, settings: &TraceSettings) -> Resource {
    let own = [
        ("service.name", SCOPE),
        ("service.version", env!("CARGO_PKG_VERSION")),
        ("service.instance.id", instance),
        ("berth.role", role.as_str()),
    ];
    let mut said: BTreeMap<&str, &str> = own.into();
    said.extend(settings.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    said.extend(settings.service.as_deref().map(|name| ("service.name", name)));
    let text = |(key, text): (&str, &str)| key_value(key, Value::Text(text.to_owned()));
    Resource { attributes: said.into_iter().map(text).collect() }
}

/// The body of a request that brings these spans.
pub(super) fn body(resource: &Resource, spans: &[FinishedSpan]) -> Vec<u8> {
    let scope = Scope { name: SCOPE.to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() };
    let of_scope = ScopeSpans { scope: Some(scope), spans: spans.iter().map(span).collect() };
    let of_process = ResourceSpans { resource: Some(resource.clone()), scope_spans: vec![of_scope] };
    Request { resource_spans: vec![of_process] }.encode_to_vec()
}

fn span(span: &FinishedSpan) -> Span {
    let nanos =
        |moment: berth_proto::Timestamp| u64::try_from(moment.0).unwrap_or_default().saturating_mul(1_000);
    Span {
        trace_id: span.context.trace().to_vec(),
        span_id: span.context.span().to_vec(),
        parent_span_id: span.parent.map(|parent| parent.span().to_vec()).unwrap_or_default(),
        name: span.name.clone().into_owned(),
        kind: match span.kind {
            SpanKind::Internal => 1,
            SpanKind::Server => 2,
            SpanKind::Client => 3,
            SpanKind::Consumer => 5,
        },
        start_time_unix_nano: nanos(span.begun),
        end_time_unix_nano: nanos(span.ended),
        attributes: span.attributes.iter().map(|(key, said)| key_value(key, value(said))).collect(),
        status: span.failed.then_some(Status { code: FAILED }),
    }
}

fn value(said: &Said) -> Value {
    match said {
        Said::Text(text) => Value::Text(text.clone().into_owned()),
        Said::Number(number) => Value::Number(*number),
    }
}

fn key_value(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }) }
}
