//! What an upstream says of an instance that Berth drives: a hint to look, or a message event that is handed on.

use std::{sync::Arc, time::Duration};

use berth_bus::{Bus, KeyRing};
use berth_domain::instance::Unusable;
use berth_proto::{
    InstanceId, Timestamp,
    letter::{LetterReplyV1, LetterV1},
    limits::LETTER_BYTES_MAX,
    subject::{hint_subject, letter_subject},
};
use berth_runtime::{Clock, sealing::field};
use berth_upstreams::{Upstreams, webhook};
use bytes::Bytes;
use serde::Deserialize;
use subtle::ConstantTimeEq as _;
use thiserror::Error;

use super::{
    asking::{AskFault, Question},
    failure::Failure,
    quota::Counters,
    rate::Rate,
    standing::{Standing, Standings},
};

/// What hands events on, as an error names it.
const PART: &str = "the dispatcher of webhooks";
/// How long it may take until an event is kept.
const KEPT_MAX: Duration = Duration::from_secs(10);
/// What an upstream may say of one instance.
const RATE: Rate = Rate { requests: 6_000, window_seconds: 60 };
/// Characters of an event's name.
const EVENT_CHARS_MAX: usize = 64;

/// Why an upstream is not heard.
#[derive(Debug, Error)]
pub enum Unheard {
    /// The secret is not that of the upstream and instance, or there is no such upstream.
    #[error("the secret is wrong")]
    Secret,
    /// It speaks of another instance, or of one that is not on it.
    #[error("the instance is not one of this upstream")]
    Foreign,
    /// It is not what the product sends.
    #[error("the body is not an event")]
    Nonsense,
    /// The body is larger than one that is handed on.
    #[error("the body has more than {LETTER_BYTES_MAX} bytes")]
    TooLarge,
    /// More was said of the instance than may be.
    #[error("more was said of the instance in this minute than may be")]
    TooMany,
    /// As much waits for the instance's endpoint as may.
    #[error("as much waits for the endpoint of the instance as may")]
    Full,
    /// As any call fails.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// What becomes of what was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeardAs {
    /// A hint: the link is looked at.
    Hint,
    /// It is kept until the endpoint of the instance has it.
    Relayed,
    /// Nobody is told: the instance has no session, is paused, or is only looked at.
    Silenced,
}

/// Hears upstreams.
#[derive(Debug)]
pub struct Hearing {
    pub(super) bus: Arc<dyn Bus>,
    pub(super) keys: KeyRing,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) standings: Arc<Standings>,
    pub(super) counters: Arc<Counters>,
    pub(super) upstreams: Upstreams,
}

/// An upstream that said the secret of an instance.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    upstream: &'a str,
    instance: InstanceId,
    is_driven: bool,
}

/// An event, as far as it is looked into.
#[derive(Debug, Deserialize)]
struct Event {
    event: String,
    instance: Option<String>,
}

impl Hearing {
    /// Knows an upstream by the secret that goes with the webhook of an instance. Nothing that it says is read before that.
    pub fn admit<'a>(
        &self,
        upstream: &'a str,
        instance: &str,
        secret: Option<&str>,
    ) -> Result<Caller<'a>, Unheard> {
        let there = self.upstreams.named(upstream).ok_or(Unheard::Secret)?;
        let right = webhook::secret(self.keys.master(), upstream, instance);
        if !bool::from(secret.unwrap_or_default().as_bytes().ct_eq(right.as_bytes())) {
            return Err(Unheard::Secret);
        }
        let instance: InstanceId = instance.parse().map_err(|_| Unheard::Foreign)?;
        Ok(Caller { upstream, instance, is_driven: there.is_driven() })
    }

    /// Hears what an upstream says of an instance. The permission to tell it is read in the log, and again before it is told.
    pub async fn hear(&self, caller: Caller<'_>, body: &Bytes) -> Result<HeardAs, Unheard> {
        let Caller { upstream, instance, is_driven } = caller;
        if body.len() > LETTER_BYTES_MAX {
            return Err(Unheard::TooLarge);
        }
        let Event { event, instance: of } = serde_json::from_slice(body).map_err(|_| Unheard::Nonsense)?;
        if event.is_empty() || event.len() > EVENT_CHARS_MAX || !event.bytes().all(is_of_a_name) {
            return Err(Unheard::Nonsense);
        }
        if !self.counters.count("heard", &instance.to_string(), RATE).await?.allowed {
            return Err(Unheard::TooMany);
        }
        let standing = self.standings.of(instance).await?.ok_or(Unheard::Foreign)?;
        if standing.upstream.as_deref() != Some(upstream) {
            return Err(Unheard::Foreign);
        }
        if webhook::is_about_link(&event) {
            // One that is lost costs the pause between two looks.
            let _told = self.bus.publish(&hint_subject(instance), Bytes::new()).await;
            return Ok(HeardAs::Hint);
        }
        match standing.usable {
            Ok(_) if is_driven => self.relay(&standing, event, of.as_deref(), body).await,
            Ok(_) | Err(Unusable::NoSession { .. } | Unusable::Paused(_)) => Ok(HeardAs::Silenced),
        }
    }

    async fn relay(
        &self,
        standing: &Standing,
        event: String,
        of: Option<&str>,
        body: &Bytes,
    ) -> Result<HeardAs, Unheard> {
        let (instance, owner) = (standing.instance, standing.instance.as_bytes());
        let Some(key) = self.keys.key(owner).await.map_err(Failure::from)? else {
            return Ok(HeardAs::Silenced);
        };
        let name = standing.name_there.as_deref().map(|name| key.open_text(owner, field::SETTINGS, name));
        if !matches!((name, of), (Some(Ok(name)), Some(of)) if name == of) {
            return Err(Unheard::Foreign);
        }
        let received_at: Timestamp = self.clock.now();
        let body = key.seal(owner, field::LETTER, body);
        let letter = LetterV1 { session: standing.session, received_at, event, body };
        let subject = letter_subject(instance);
        let question = Question { bus: &*self.bus, subject, asked: &letter, timeout: KEPT_MAX };
        match question.ask::<LetterReplyV1>().await.map_err(|fault: AskFault| fault.of(PART))? {
            LetterReplyV1::Taken => Ok(HeardAs::Relayed),
            LetterReplyV1::Full => Err(Unheard::Full),
            LetterReplyV1::Unavailable => Err(AskFault::Busy.of(PART).into()),
        }
    }
}

const fn is_of_a_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}
