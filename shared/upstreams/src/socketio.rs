//! What an Evolution API tells on its Socket.IO: protocol 5 on Engine.IO 4, over a WebSocket from the start.
//!
//! Only what says that there is news of a link is told on, and whom it is about: an event is a hint, and so nothing that it
//! claims is read. The product tells events of all instances in the main namespace if `WEBSOCKET_GLOBAL_EVENTS` is on, and those
//! of an instance that has its own `websocket` enabled in the namespace of its name, which exists from the first of them on.

use std::time::Duration;

use serde::{Deserialize, de::IgnoredAny};
use tokio::time::{Instant, timeout_at};

use crate::{
    UpstreamError,
    http::{ANSWER_MAX, Http},
    webhook::is_about_link,
    websocket::WebSocket,
};

/// Where it is.
const PATH: &str = "/socket.io/?EIO=4&transport=websocket";
/// Bytes of a message. The socket ends with a larger one, which holds a medium.
const MESSAGE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Silence that an upstream may ask for, in milliseconds: Socket.IO pings every 25 s and waits 20 s, unless it is told otherwise.
const SILENCE_MS: std::ops::RangeInclusive<u64> = 1_000..=120_000;
/// How long a message of ours may take to be sent.
const SEND_MAX: Duration = Duration::from_secs(10);

/// What was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// There is news of the link of the instance with this name.
    News(String),
    /// The namespace of an instance is not heard (any more).
    NotJoined(String),
}

/// An upstream that is heard.
#[derive(Debug)]
pub struct Ear {
    socket: WebSocket,
    /// How long it may be silent.
    silence: Duration,
    /// When it was silent for too long.
    deadline: Instant,
    /// A ping is to be answered.
    owes_pong: bool,
}

impl Ear {
    /// Opens the socket, and hears the main namespace.
    pub(crate) async fn open(http: &Http) -> Result<Self, UpstreamError> {
        let deadline = Instant::now() + ANSWER_MAX;
        timeout_at(deadline, Self::opened(http)).await.unwrap_or(Err(UpstreamError::TimedOut))
    }

    async fn opened(http: &Http) -> Result<Self, UpstreamError> {
        let opened = WebSocket::open(http, PATH, MESSAGE_BYTES_MAX).await;
        let mut socket = opened.map_err(|error| match error {
            UpstreamError::NotFound => UpstreamError::NoSocket,
            other => other,
        })?;
        let Packet::Open(open) = Packet::read(&socket.next().await?) else {
            return Err(UpstreamError::Unexpected);
        };
        let silence = open.ping_interval.saturating_add(open.ping_timeout);
        let silence = Duration::from_millis(silence.clamp(*SILENCE_MS.start(), *SILENCE_MS.end()));
        socket.send("40".to_owned()).await?;
        loop {
            match Packet::read(&socket.next().await?) {
                Packet::Joined("") => break,
                Packet::Refused("") => return Err(UpstreamError::KeyRefused),
                Packet::Ping => socket.send("3".to_owned()).await?,
                _ => {}
            }
        }
        Ok(Self { socket, silence, deadline: Instant::now() + silence, owes_pong: false })
    }

    /// Asks for the namespace of an instance, if its name can be one.
    pub async fn join(&mut self, name: &str) -> Result<(), UpstreamError> {
        if name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
            self.send(format!("40/{name},")).await?;
        }
        Ok(())
    }

    /// Waits for what is said next. Nothing is lost if this is dropped. After an error nothing is heard any more.
    pub async fn hear(&mut self) -> Result<Heard, UpstreamError> {
        loop {
            if self.owes_pong {
                self.send("3".to_owned()).await?;
                self.owes_pong = false;
            }
            let text = timeout_at(self.deadline, self.socket.next()).await;
            let text = text.unwrap_or(Err(UpstreamError::TimedOut))?;
            self.deadline = Instant::now() + self.silence;
            match Packet::read(&text) {
                Packet::Ping => self.owes_pong = true,
                Packet::Close | Packet::Refused("") => return Err(UpstreamError::Unreachable),
                Packet::Refused(name) => return Ok(Heard::NotJoined(name.to_owned())),
                Packet::Event { namespace, told } => {
                    if let Some(instance) = news(namespace, told) {
                        return Ok(Heard::News(instance));
                    }
                }
                Packet::Open(_) | Packet::Joined(_) | Packet::Other => {}
            }
        }
    }

    async fn send(&mut self, text: String) -> Result<(), UpstreamError> {
        let sent = timeout_at(Instant::now() + SEND_MAX, self.socket.send(text)).await;
        sent.unwrap_or(Err(UpstreamError::TimedOut))
    }
}

/// A message, as far as it is looked into.
#[derive(Debug, PartialEq, Eq)]
enum Packet<'a> {
    Open(Open),
    Close,
    Ping,
    Joined(&'a str),
    /// Not joined, or left.
    Refused(&'a str),
    Event {
        namespace: &'a str,
        told: &'a str,
    },
    Other,
}

/// How the upstream keeps a socket alive.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Open {
    ping_interval: u64,
    ping_timeout: u64,
}

/// What an event is about. Whatever else there is of it is skipped as it is read: it may be large.
#[derive(Deserialize)]
struct About {
    instance: String,
}

impl<'a> Packet<'a> {
    fn read(text: &'a str) -> Self {
        let Some((kind, rest)) = text.split_at_checked(1) else { return Self::Other };
        match kind {
            "0" => serde_json::from_str(rest).map_or(Self::Other, Self::Open),
            "1" => Self::Close,
            "2" => Self::Ping,
            "4" => Self::message(rest),
            _ => Self::Other,
        }
    }

    fn message(text: &'a str) -> Self {
        let Some((kind, rest)) = text.split_at_checked(1) else { return Self::Other };
        let (namespace, rest) = match rest.strip_prefix('/') {
            Some(named) => named.split_once(',').unwrap_or((named, "")),
            None => ("", rest),
        };
        match kind {
            "0" => Self::Joined(namespace),
            "1" | "4" => Self::Refused(namespace),
            // Digits before it ask for an acknowledgement.
            "2" => Self::Event { namespace, told: rest.trim_start_matches(|c: char| c.is_ascii_digit()) },
            _ => Self::Other,
        }
    }
}

/// Whose link there is news of, if an event says so.
fn news(namespace: &str, told: &str) -> Option<String> {
    // The name first: a message that was received may be large, and is none of this one's business.
    let (name, _) = told.strip_prefix("[\"")?.split_once('"')?;
    if !is_about_link(name) {
        return None;
    }
    if let Ok((IgnoredAny, About { instance })) = serde_json::from_str(told) {
        return Some(instance);
    }
    let (IgnoredAny, IgnoredAny) = serde_json::from_str(told).ok()?;
    Some(namespace.to_owned()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_read_as_far_as_it_matters() {
        let open =
            r#"0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;
        assert_eq!(Packet::read(open), Packet::Open(Open { ping_interval: 25_000, ping_timeout: 20_000 }));
        assert_eq!(Packet::read("2"), Packet::Ping);
        assert_eq!(Packet::read(r#"40{"sid":"y"}"#), Packet::Joined(""));
        assert_eq!(Packet::read(r#"40/shop,{"sid":"y"}"#), Packet::Joined("shop"));
        assert_eq!(Packet::read(r#"44/shop,{"message":"Invalid namespace"}"#), Packet::Refused("shop"));
        assert_eq!(Packet::read("41"), Packet::Refused(""));
        assert_eq!(
            Packet::read(r#"42/shop,7["a",{}]"#),
            Packet::Event { namespace: "shop", told: r#"["a",{}]"# }
        );
        for other in ["", "4", "3", "451-[\"a\",{\"_placeholder\":true}]", "0{}", "é", "4é"] {
            assert_eq!(Packet::read(other), Packet::Other, "{other}");
        }
    }

    #[test]
    fn an_event_says_whose_link_there_is_news_of_and_nothing_else() {
        let of = news;
        let shop = Some("shop".to_owned());
        assert_eq!(of("", r#"["connection.update",{"instance":"shop","data":{"state":"open"}}]"#), shop);
        assert_eq!(of("shop", r#"["QRCODE_UPDATED",{"data":{}}]"#), shop);
        assert_eq!(of("bar", r#"["status.instance",{"instance":"shop"}]"#), shop);
        assert_eq!(of("", r#"["connection.update",{"instance":{"name":"shop"}}]"#), None);
        assert_eq!(of("", r#"["connection.update",null]"#), None);
        assert_eq!(of("", r#"["messages.upsert",{"instance":"shop"}]"#), None);
        for nonsense in ["", "[]", "{}", r#"["connection.update"]"#, r#"[1,{"instance":"shop"}]"#, "[["] {
            assert_eq!(of("shop", nonsense), None, "{nonsense}");
        }
    }
}
