//! A message as the leader of its stream gives it (`STREAM.MSG.GET`): its headers come as data.
//!
//! A server stores whatever is published, also headers and subjects that no client parses. A client that such a message is
//! delivered to gives up its connection; in an answer of the leader it is one more damaged message.

use std::str::FromStr;

use async_nats::{
    HeaderMap, HeaderName, HeaderValue,
    jetstream::{ErrorCode, response::Response, stream::RawMessage},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{JetStreamLog, settings::stream_name};
use crate::port::ReadError;

/// What every header begins with.
const HEADER_LINE: &str = "NATS/1.0";

/// A stored message.
pub(super) struct Message {
    pub(super) sequence: u64,
    pub(super) subject: String,
    pub(super) headers: Headers,
    pub(super) payload: Bytes,
}

/// The headers of a stored message.
pub(super) enum Headers {
    Parsed(HeaderMap),
    /// No client can be given the message.
    Unparsable,
}

/// Which message is asked for.
#[derive(Serialize)]
struct Wanted<'a> {
    #[serde(rename = "seq", skip_serializing_if = "Option::is_none")]
    sequence: Option<u64>,
    #[serde(rename = "last_by_subj", skip_serializing_if = "Option::is_none")]
    last_by_subject: Option<&'a str>,
    #[serde(rename = "next_by_subj", skip_serializing_if = "Option::is_none")]
    next_by_subject: Option<&'a str>,
}

#[derive(Deserialize)]
struct Given {
    message: RawMessage,
}

impl JetStreamLog {
    /// The last message of a subject.
    pub(super) async fn last_of(&self, shard: u8, subject: &str) -> Result<Option<Message>, ReadError> {
        let wanted = Wanted { sequence: None, last_by_subject: Some(subject), next_by_subject: None };
        self.message(shard, &wanted).await
    }

    /// The first message of a subject that has this sequence or a later one.
    pub(super) async fn next_of(
        &self,
        shard: u8,
        subject: &str,
        sequence: u64,
    ) -> Result<Option<Message>, ReadError> {
        let wanted =
            Wanted { sequence: Some(sequence), last_by_subject: None, next_by_subject: Some(subject) };
        self.message(shard, &wanted).await
    }

    async fn message(&self, shard: u8, wanted: &Wanted<'_>) -> Result<Option<Message>, ReadError> {
        let subject = format!("STREAM.MSG.GET.{}", stream_name(shard));
        match self.link().context.request(subject, wanted).await.map_err(unavailable)? {
            Response::Ok(Given { message }) => Message::from_raw(message).map(Some),
            Response::Err { error } if error.error_code() == ErrorCode::NO_MESSAGE_FOUND => Ok(None),
            Response::Err { error } => Err(unavailable(error)),
        }
    }
}

fn unavailable(error: impl std::error::Error + Send + Sync + 'static) -> ReadError {
    ReadError::Unavailable(Box::new(error))
}

// === impl Message ===

impl Message {
    /// Whether a client that it is delivered to goes on.
    pub(super) fn is_deliverable(&self) -> bool {
        matches!(self.headers, Headers::Parsed(_)) && self.subject.bytes().all(|byte| byte.is_ascii_graphic())
    }

    fn from_raw(raw: RawMessage) -> Result<Self, ReadError> {
        let headers = match raw.headers {
            Some(bytes) => Headers::parse(&STANDARD.decode(bytes).map_err(unavailable)?),
            None => Headers::Parsed(HeaderMap::new()),
        };
        let payload = STANDARD.decode(raw.payload).map_err(unavailable)?.into();
        Ok(Self { sequence: raw.sequence, subject: raw.subject, headers, payload })
    }
}

// === impl Headers ===

impl Headers {
    /// As async-nats parses what is delivered, so that followers and readers see the same in a message; one with a status
    /// is taken there for a word of the server, and not for a message.
    fn parse(bytes: &[u8]) -> Self {
        Self::lines(bytes).map_or(Self::Unparsable, Self::Parsed)
    }

    fn lines(bytes: &[u8]) -> Option<HeaderMap> {
        let mut lines = str::from_utf8(bytes).ok()?.lines().peekable();
        if !lines.next()?.strip_prefix(HEADER_LINE)?.trim().is_empty() {
            return None;
        }
        let mut headers = HeaderMap::new();
        while let Some(line) = lines.next() {
            if line.is_empty() {
                continue;
            }
            let (name, value) = line.split_once(':')?;
            let mut value = value.trim_start().to_owned();
            while let Some(folded) = lines.next_if(|line| line.starts_with(char::is_whitespace)) {
                value.push_str(folded);
            }
            headers.append(HeaderName::from_str(name).ok()?, HeaderValue::from_str(value.trim_end()).ok()?);
        }
        Some(headers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_would_parse_is_parsed_and_nothing_else() {
        let parsed = |bytes: &[u8]| {
            let Headers::Parsed(headers) = Headers::parse(bytes) else { return None };
            let version = headers.get("Berth-Version");
            Some(version.map(|version| version.as_str().to_owned()))
        };
        for (bytes, version) in [
            (&b"NATS/1.0\r\n\r\n"[..], None),
            (b"NATS/1.0\r\nBerth-Version: 7\r\n\r\n", Some("7")),
            (b"NATS/1.0\r\nBerth-Version:7  \r\nBerth-Version: 8\r\n\r\n", Some("7")),
            (b"NATS/1.0\r\nA: b\nBerth-Version: 7\r\n\r\n", Some("7")),
            (b"NATS/1.0\r\nBerth-Version: 7\r\n 8\r\n\r\n", Some("7 8")),
        ] {
            assert_eq!(parsed(bytes), Some(version.map(str::to_owned)), "{}", bytes.escape_ascii());
        }
        for bytes in [
            &b""[..],
            b"\r\n\r\n",
            b"HTTP/1.1\r\nBerth-Version: 7\r\n\r\n",
            b"NATS/1.0 100\r\n\r\n",
            b"NATS/1.0 409 Consumer Deleted\r\n\r\n",
            b"NATS/1.0\r\nno colon\r\n\r\n",
            b"NATS/1.0\r\nna me: x\r\n\r\n",
            b"NATS/1.0\r\nBerth-Version: \xff\r\n\r\n",
            b"NATS/1.0\r\n folded: before any\r\n\r\n",
        ] {
            assert_eq!(parsed(bytes), None, "{}", bytes.escape_ascii());
        }
    }
}
