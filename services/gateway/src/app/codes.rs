//! Live codes, and waiting for one.

use std::time::Duration;

use berth_domain::instance::attempt;
use berth_proto::{
    InstanceId, Timestamp,
    command::ConnectV1,
    instance::{AttemptV1, CodeV1, MethodV1, UnlinkStatusV1},
};
use berth_runtime::{Pauses, sealing::field};
use futures::StreamExt;
use tokio::time::{Instant, timeout};

use super::{App, call::Call, failure::Failure, record::Record};

/// The first pause between two looks at an instance that is waited for, should a hint be lost; it is doubled up to
/// [`LOOK_AGAIN_MAX`], so that many who wait long do not keep the log busy.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// The longest pause between two looks.
const LOOK_AGAIN_MAX: Duration = Duration::from_secs(4);

/// A code that can be used at this moment. Its text is never stored or logged.
#[derive(Clone, PartialEq, Eq)]
pub struct LiveCode {
    /// The text of the QR code, or the pairing code.
    pub text: String,
    /// Its index in the attempt, from 1.
    pub index: u32,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for LiveCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LiveCode").field("index", &self.index).finish_non_exhaustive()
    }
}

/// The codes of a running attempt.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LiveCodes {
    /// The QR code.
    pub qr: Option<LiveCode>,
    /// The pairing code.
    pub pairing: Option<LiveCode>,
}

/// What a connect came to.
#[derive(Debug, Clone)]
pub struct Connected {
    /// The instance when the wait ended.
    pub record: Record,
    /// The codes that can be used; none when there was none in time, or none is needed.
    pub codes: LiveCodes,
    /// Whether an earlier try of the same keyed command had done it.
    pub replayed: bool,
}

impl App {
    /// Connects and waits up to `wait` for the first code of the wanted method. A linked instance answers at
    /// once, without a code. After a wait the permission is asked again.
    pub async fn connect(
        &self,
        call: &Call,
        instance: InstanceId,
        phone: Option<&str>,
        wait: Duration,
    ) -> Result<Connected, Failure> {
        let method = match phone {
            None => MethodV1::Qr,
            Some(phone) => {
                let key = self.inner.keys.key(instance.as_bytes()).await?.ok_or(Failure::NotFound)?;
                MethodV1::PairingCode {
                    phone: key.seal(instance.as_bytes(), field::PAIRING_PHONE, phone.as_bytes()),
                }
            }
        };
        let wants_pairing = phone.is_some();
        let answer = self.command(call, instance, ConnectV1 { method }).await?;
        let deadline = Instant::now() + wait;
        let (mut record, mut waited) = (answer.record, false);
        let codes = loop {
            let codes = self.live_codes(&record).await?;
            let there = if wants_pairing { codes.pairing.is_some() } else { codes.qr.is_some() };
            if there || attempt(&record.state).is_none() || Instant::now() >= deadline {
                break codes;
            }
            waited = true;
            let version = record.version;
            match self.wait_for(&record, deadline, |now| now.version > version).await? {
                Some(newer) => record = newer,
                None => break codes,
            }
        };
        if waited {
            // Whoever links a device by a code owns the session: nobody gets one by a token that has ended meanwhile.
            self.read_again(&call.principal, instance).await?;
        }
        Ok(Connected { record, codes, replayed: answer.replayed })
    }

    /// The codes of the instance that can be used at this moment.
    pub async fn live_codes(&self, record: &Record) -> Result<LiveCodes, Failure> {
        let Some(attempt) = attempt(&record.state) else { return Ok(LiveCodes::default()) };
        Ok(LiveCodes {
            qr: self.live_code(record, attempt, "qr", attempt.qr.as_ref()).await?,
            pairing: self.live_code(record, attempt, "pairing", attempt.pairing_code.as_ref()).await?,
        })
    }

    async fn live_code(
        &self,
        record: &Record,
        attempt: &AttemptV1,
        kind: &str,
        code: Option<&CodeV1>,
    ) -> Result<Option<LiveCode>, Failure> {
        let Some(code) = code.filter(|code| code.expires_at > self.now()) else { return Ok(None) };
        let key = berth_proto::subject::code_key(record.id, attempt.number, kind, code.index);
        let Some(entry) = self.inner.volatile.get(&key).await? else { return Ok(None) };
        let text = record.open(field::CODE, &berth_proto::Sealed(entry.value.to_vec()));
        Ok(text.map(|text| LiveCode { text, index: code.index, expires_at: code.expires_at }))
    }

    /// Waits until the instance is as wanted; none when the deadline came first or the process stops.
    pub async fn wait_for(
        &self,
        record: &Record,
        deadline: Instant,
        wanted: impl Fn(&Record) -> bool + Send,
    ) -> Result<Option<Record>, Failure> {
        let subject = berth_proto::subject::tail_subject(record.id);
        let mut hints = self
            .inner
            .bus
            .subscribe(&subject)
            .await
            .map_err(|error| Failure::unavailable("the bus", error))?;
        let mut pauses = Pauses::new(LOOK_AGAIN, LOOK_AGAIN_MAX);
        loop {
            let now = self.read_any(record.id).await?.ok_or(Failure::NotFound)?;
            if wanted(&now) {
                return Ok(Some(now));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || self.inner.stop.is_cancelled() {
                return Ok(None);
            }
            // A hint, the next look or the deadline: whatever comes first.
            let hint = timeout(left.min(self.spread(pauses.take())), hints.next());
            let _hint = self.inner.stop.run_until_cancelled(hint).await;
        }
    }

    /// A pause that is up to a quarter longer, so that those who began to wait together do not look in step.
    fn spread(&self, pause: Duration) -> Duration {
        let quarter = u64::try_from(pause.as_micros() / 4).unwrap_or(u64::MAX);
        pause + Duration::from_micros(self.inner.entropy.below(quarter))
    }

    /// Waits until no unlink of the instance is pending; none when the deadline came first.
    pub async fn wait_unlinked(&self, record: &Record, deadline: Instant) -> Result<Option<Record>, Failure> {
        self.wait_for(record, deadline, |now| {
            now.state.unlinks.iter().all(|unlink| unlink.status != UnlinkStatusV1::Pending)
        })
        .await
    }
}
