//! Live codes, and a connect that waits for one.

use std::{sync::Arc, time::Duration};

use berth_bus::{KeyRing, Volatile};
use berth_domain::instance::attempt;
use berth_proto::{
    InstanceId, Timestamp,
    command::ConnectV1,
    instance::{AttemptV1, CodeV1, MethodV1},
};
use berth_runtime::{Clock, sealing::field};
use tokio::time::Instant;

use super::{
    call::Call,
    commands::Commands,
    failure::Failure,
    record::{Record, Records},
};

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

impl LiveCodes {
    const fn have(&self, wanted: WantedCode) -> bool {
        match wanted {
            WantedCode::Qr => self.qr.is_some(),
            WantedCode::Pairing => self.pairing.is_some(),
            WantedCode::Any => self.qr.is_some() || self.pairing.is_some(),
        }
    }
}

/// Which code is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WantedCode {
    /// The QR code.
    Qr,
    /// The pairing code.
    Pairing,
    /// Either, as the attempt has it.
    Any,
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

/// Connects instances and shows their codes.
#[derive(Debug)]
pub struct Codes {
    pub(super) volatile: Arc<dyn Volatile>,
    pub(super) keys: KeyRing,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) commands: Arc<Commands>,
    pub(super) records: Arc<Records>,
}

impl Codes {
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
                let key = self.keys.key(instance.as_bytes()).await?.ok_or(Failure::NotFound)?;
                MethodV1::PairingCode {
                    phone: key.seal(instance.as_bytes(), field::PAIRING_PHONE, phone.as_bytes()),
                }
            }
        };
        let code = if phone.is_some() { WantedCode::Pairing } else { WantedCode::Qr };
        let answer = self.commands.decide(call, instance, ConnectV1 { method }).await?;
        let (record, codes) = self.first_code(call, answer.record, code, wait).await?;
        Ok(Connected { record, codes, replayed: answer.replayed })
    }

    /// Waits up to `wait` for a code of the attempt that runs, if one does, and shows the instance then. After a wait
    /// the permission is asked again.
    pub async fn first_code(
        &self,
        call: &Call,
        mut record: Record,
        code: WantedCode,
        wait: Duration,
    ) -> Result<(Record, LiveCodes), Failure> {
        let (deadline, mut waited) = (Instant::now() + wait, false);
        let codes = loop {
            let codes = self.live_codes(&record).await?;
            if codes.have(code) || attempt(&record.state).is_none() || Instant::now() >= deadline {
                break codes;
            }
            waited = true;
            let version = record.version;
            match self.records.wait_for(record.id, deadline, |now| now.version > version).await? {
                Some(newer) => record = newer,
                None => break codes,
            }
        };
        if waited {
            // Whoever links a device by a code owns the session: nobody gets one by a token that has ended meanwhile.
            self.records.read_again(&call.principal, record.id).await?;
        }
        Ok((record, codes))
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
        let Some(code) = code.filter(|code| code.expires_at > self.clock.now()) else {
            return Ok(None);
        };
        let key = berth_proto::subject::code_key(record.id, attempt.number, kind, code.index);
        let Some(entry) = self.volatile.get(&key).await? else { return Ok(None) };
        let text = record.open(field::CODE, &berth_proto::Sealed(entry.value.to_vec()));
        Ok(text.map(|text| LiveCode { text, index: code.index, expires_at: code.expires_at }))
    }
}
