//! Turns a driver's reports into commands and sees them decided, in their order.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use berth_bus::ask;
use berth_proto::{
    CommandId, Hash, InstanceId, Sealed, StreamKey,
    command::{
        Command, ReportAttemptEndedV1, ReportLinkedV1, ReportLoggedOutV1, ReportLostV1, ReportOpenV1,
        ReportPairingCodeRefusedV1, ReportPairingCodeV1, ReportPausedV1, ReportQrV1, ReportUnlinkedV1,
        ReportV1, ReportWebhookGivenBackV1, ReportWebhookTakenV1,
    },
    event::AbandonReasonV1,
    frame::{CommandRequestV2, RejectionCodeV1, TargetV1},
    instance::{DeviceV1, InstanceStateV1, PhaseV1},
    subject::{Sender, code_key, command_subject},
};
use berth_runtime::{DataKey, Pauses, sealing::field};
use bytes::Bytes;
use tokio::time::{Instant, sleep};
use tracing::{debug, warn};

use crate::{
    driver::{DeviceFacts, Next, Report, Reports, UserWebhook},
    metrics,
    taken::Taken,
    tenure::Tenure,
};

/// How long one try may take.
const TRY_MAX: Duration = Duration::from_secs(10);
/// The first pause between tries; doubled up to [`PAUSE_MAX`].
const PAUSE_FIRST: Duration = Duration::from_millis(50);
/// The longest pause between tries.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// How much longer than its validity a code stays in the volatile store.
const CODE_MARGIN: Duration = Duration::from_secs(5);
/// The kind of a QR code in its place.
const QR: &str = "qr";
/// The kind of a pairing code in its place.
const PAIRING: &str = "pairing";
/// Characters of a library's code that are kept.
const SOURCE_CODE_CHARS_MAX: usize = 64;

/// Reports of one link under one epoch.
pub(crate) struct LinkReports {
    tenure: Arc<Tenure>,
    instance: InstanceId,
    attempt: u32,
    /// The command for whose sake the link is opened, or the device unlinked; none if the log does not say.
    cause: Option<CommandId>,
    /// The index of the last QR code and of the last pairing code.
    qr_index: AtomicU32,
    pairing_index: AtomicU32,
}

impl fmt::Debug for LinkReports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkReports")
            .field("instance", &self.instance)
            .field("attempt", &self.attempt)
            .field("epoch", &self.tenure.held.epoch())
            .finish_non_exhaustive()
    }
}

impl LinkReports {
    pub(crate) fn new(
        tenure: &Arc<Tenure>,
        instance: InstanceId,
        attempt: u32,
        cause: Option<CommandId>,
    ) -> Arc<Self> {
        Arc::new(Self {
            tenure: Arc::clone(tenure),
            instance,
            attempt,
            cause,
            qr_index: AtomicU32::new(0),
            pairing_index: AtomicU32::new(0),
        })
    }

    /// Says that an unlink is given up.
    pub(crate) async fn abandoned(&self, reason: AbandonReasonV1) -> Next {
        let report = self.next_report();
        self.decide(report.number, ReportUnlinkedV1 { report, abandoned: Some(reason) }.into()).await.next()
    }

    fn next_report(&self) -> ReportV1 {
        let number = self.tenure.next_number();
        ReportV1 { attempt: self.attempt, epoch: self.tenure.held.epoch(), number }
    }

    /// Sends a command until it is decided. Its id follows from the report, so a retry is the same command.
    async fn decide(&self, number: u64, command: Command) -> Reception {
        let name = command.name();
        let stream = StreamKey::instance(self.instance);
        let Some(payload) = self.request(number, &command) else {
            self.rejected(name, RejectionCodeV1::StateTooLarge);
            return Reception::Rejected(RejectionCodeV1::StateTooLarge);
        };
        let subject = command_subject(Sender::Link, &stream);
        let mut pauses = Pauses::new(PAUSE_FIRST, PAUSE_MAX);
        loop {
            let permit = self.tenure.reporting.acquire().await;
            // A cancelled task may be polled once more, and a suspended one goes on here: neither may send what another
            // owner could contradict.
            if self.tenure.held.is_over() {
                return Reception::Over;
            }
            let asked = ask(&*self.tenure.ports.bus, &subject, payload.clone(), TRY_MAX).await;
            drop(permit);
            let failure = match asked {
                Ok(Ok(_)) => {
                    metrics::reported(name, "accepted");
                    return Reception::Accepted;
                }
                Ok(Err(code)) if is_final(code) => {
                    metrics::reported(name, "rejected");
                    self.rejected(name, code);
                    return Reception::Rejected(code);
                }
                Ok(Err(code)) => format!("rejected: {code:?}"),
                Err(undecided) => undecided.to_string(),
            };
            warn!(instance = %self.instance, attempt = self.attempt, command = name, reason = failure,
                "a report is not decided yet: sending it again");
            pauses.wait().await;
        }
    }

    /// The log knows another state of this link, and the view will say so; or there is no room in it for what was reported.
    fn rejected(&self, name: &'static str, code: RejectionCodeV1) {
        if has_no_room(code) {
            warn!(instance = %self.instance, attempt = self.attempt, command = name, ?code,
                "what was reported does not fit into the state of its instance");
            return;
        }
        debug!(instance = %self.instance, attempt = self.attempt, command = name, ?code,
            "a report came too late");
        if code == RejectionCodeV1::StaleEpoch {
            warn!(instance = %self.instance, epoch = self.tenure.held.epoch(),
                "another replica reports on a link of ours: all links of its partition are given up");
            self.tenure.held.end();
        }
    }

    fn request(&self, number: u64, command: &Command) -> Option<Bytes> {
        let numbers = [
            self.attempt.to_be_bytes().as_slice(),
            &self.tenure.held.epoch().to_be_bytes(),
            &number.to_be_bytes(),
        ]
        .concat();
        let digest = Hash::over(b"berth.v1.report", &[self.instance.as_bytes(), &numbers]);
        let target = TargetV1::Instance { instance: self.instance, command: command.to_record().ok()? };
        let request = CommandRequestV2 {
            causation: self.cause,
            ..CommandRequestV2::of_service(digest, "connector", target)
        };
        request.encode().ok().map(Bytes::from)
    }

    /// The data key, however long the key store takes; none if it was destroyed.
    async fn data_key(&self) -> Option<DataKey> {
        loop {
            match self.tenure.ports.keys.key(self.instance.as_bytes()).await {
                Ok(key) => return key,
                Err(error) => {
                    warn!(instance = %self.instance, %error, "no data key yet: asking again");
                    sleep(PAUSE_MAX).await;
                }
            }
        }
    }

    /// The number that a pairing code is asked for; none if it cannot be opened.
    pub(crate) async fn pairing_phone(&self, sealed: &Sealed) -> Option<String> {
        let key = self.data_key().await?;
        key.open_text(self.instance.as_bytes(), field::PAIRING_PHONE, sealed).ok()
    }

    /// The instance's name at its upstream; none once the instance is erased.
    pub(crate) async fn name_at_upstream(&self, sealed: &Sealed) -> Option<String> {
        let key = self.data_key().await?;
        key.open_text(self.instance.as_bytes(), field::SETTINGS, sealed).ok()
    }

    /// The webhook of its user that was taken over, if any was.
    pub(crate) async fn users_webhook(&self, state: &InstanceStateV1) -> Option<UserWebhook> {
        let key = self.data_key().await?;
        Taken { key: &key, instance: self.instance }.users(state)
    }

    /// Puts the text of a code where gateways find it, before anybody is told of the code. A code that cannot
    /// be shown for as long as it is valid is told of nevertheless: the attempt is under way.
    async fn show(&self, kind: &str, index: u32, text: &str, valid: Duration) -> Option<Hash> {
        let key = self.data_key().await?;
        let Sealed(sealed) = key.seal(self.instance.as_bytes(), field::CODE, text.as_bytes());
        let place = code_key(self.instance, self.attempt, kind, index);
        let until = Instant::now() + valid;
        let value = Bytes::from(sealed);
        let mut pauses = Pauses::new(PAUSE_FIRST, PAUSE_MAX);
        while let Err(error) =
            self.tenure.ports.volatile.put(&place, value.clone(), valid + CODE_MARGIN).await
        {
            warn!(
                instance = %self.instance,
                attempt = self.attempt,
                error = &error as &dyn std::error::Error,
                "a code cannot be shown yet"
            );
            if Instant::now() + pauses.next() >= until {
                break;
            }
            pauses.wait().await;
        }
        Some(Hash::over(b"berth.v1.code", &[self.instance.as_bytes(), text.as_bytes()]))
    }

    /// Removes the codes that were shown last, when the attempt is over without a device: nobody may have been
    /// told of them. If the store does not work they stay until they expire.
    pub(crate) async fn hide(&self) {
        for (kind, last) in [(QR, &self.qr_index), (PAIRING, &self.pairing_index)] {
            let index = last.load(Ordering::Relaxed);
            if index == 0 {
                continue;
            }
            let place = code_key(self.instance, self.attempt, kind, index);
            if let Err(error) = self.tenure.ports.volatile.remove(&place).await {
                debug!(instance = %self.instance, attempt = self.attempt, kind, %error,
                    "a code that is void stays until it expires");
            }
        }
    }

    async fn command(&self, report: ReportV1, said: Report) -> Option<Command> {
        let expires_at = |valid: Duration| {
            self.tenure.ports.clock.now().plus_millis(i64::try_from(valid.as_millis()).unwrap_or(i64::MAX))
        };
        Some(match said {
            Report::Qr { text, valid } => {
                let expires_at = expires_at(valid);
                let index = self.qr_index.fetch_add(1, Ordering::Relaxed) + 1;
                let digest = self.show(QR, index, &text, valid).await?;
                ReportQrV1 { report, index, digest, expires_at }.into()
            }
            Report::PairingCode { text, valid } => {
                let expires_at = expires_at(valid);
                let index = self.pairing_index.fetch_add(1, Ordering::Relaxed) + 1;
                let digest = self.show(PAIRING, index, &text, valid).await?;
                ReportPairingCodeV1 { report, index, digest, expires_at }.into()
            }
            Report::PairingCodeRefused { code, backoff_seconds } => {
                ReportPairingCodeRefusedV1 { report, code, backoff_seconds }.into()
            }
            Report::AttemptEnded { reason, code } => ReportAttemptEndedV1 { report, reason, code }.into(),
            Report::Linked(device) => {
                let key = self.data_key().await?;
                ReportLinkedV1 { report, device: sealed(&key, self.instance, &device) }.into()
            }
            Report::Open => ReportOpenV1 { report }.into(),
            Report::Lost { code, source_code } => {
                let source_code = source_code.chars().take(SOURCE_CODE_CHARS_MAX).collect();
                ReportLostV1 { report, code, source_code }.into()
            }
            Report::Paused { reason, code, until } => ReportPausedV1 { report, reason, code, until }.into(),
            Report::LoggedOut { origin, code } => ReportLoggedOutV1 { report, origin, code }.into(),
            Report::Unlinked => ReportUnlinkedV1 { report, abandoned: None }.into(),
            Report::WebhookTaken(webhook) => {
                let (key, ports) = (self.data_key().await?, &self.tenure.ports);
                let taken = Taken { key: &key, instance: self.instance };
                taken.report(&webhook, ports.clock.now(), &*ports.entropy).into()
            }
            Report::WebhookGivenBack { endpoint } => ReportWebhookGivenBackV1 { endpoint }.into(),
        })
    }
}

#[async_trait]
impl Reports for LinkReports {
    async fn is_deleted(&self) -> bool {
        let state = self.tenure.state_of(self.instance).await;
        state.is_none_or(|state| matches!(state.phase, PhaseV1::Deleted { .. }))
    }

    async fn report(&self, report: Report) -> Next {
        let place = self.next_report();
        let Some(command) = self.command(place, report).await else { return Next::Stop };
        let without_endpoint = without_endpoint(&command);
        let decided = self.decide(place.number, command).await;
        match (decided, without_endpoint) {
            (Reception::Rejected(code), Some(command)) if has_no_room(code) => {
                // That the upstream tells nobody after a logout matters more than that its user is told before.
                warn!(instance = %self.instance,
                    "there is no room for an endpoint in place of the webhook at the upstream: nobody is told its messages");
                self.decide(self.tenure.next_number(), command).await.next()
            }
            (decided, _) => decided.next(),
        }
    }
}

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reception {
    Accepted,
    /// Not asked any more: another one owns the link.
    Over,
    Rejected(RejectionCodeV1),
}

impl Reception {
    const fn next(self) -> Next {
        match self {
            Self::Accepted => Next::Continue,
            Self::Over | Self::Rejected(_) => Next::Stop,
        }
    }
}

/// The same report of a webhook that is taken over without the endpoint that would be made of it.
fn without_endpoint(command: &Command) -> Option<Command> {
    match command {
        Command::ReportWebhookTaken(taken) if taken.webhook.is_some() => {
            Some(ReportWebhookTakenV1 { kept: taken.kept.clone(), webhook: None }.into())
        }
        _ => None,
    }
}

/// Whether what was reported is more than an instance may have.
const fn has_no_room(code: RejectionCodeV1) -> bool {
    matches!(
        code,
        RejectionCodeV1::StateTooLarge | RejectionCodeV1::TooManyWebhooks | RejectionCodeV1::WebhooksTooLarge
    )
}

/// Whether a rejected report is not to be sent again: every other code is about the stream and not about the
/// report, and passes when an operator has mended it.
const fn is_final(code: RejectionCodeV1) -> bool {
    has_no_room(code)
        || matches!(
            code,
            RejectionCodeV1::StaleAttempt
                | RejectionCodeV1::StaleEpoch
                | RejectionCodeV1::OutOfPlace
                | RejectionCodeV1::NotFound
                | RejectionCodeV1::Deleted
                | RejectionCodeV1::NotForSender
        )
}

fn sealed(key: &DataKey, instance: InstanceId, device: &DeviceFacts) -> DeviceV1 {
    let seal = |field: &str, text: &str| key.seal(instance.as_bytes(), field, text.as_bytes());
    let optional = |field: &str, text: &Option<String>| text.as_ref().map(|text| seal(field, text));
    DeviceV1 {
        jid: seal(field::JID, &device.jid),
        lid: optional(field::LID, &device.lid),
        phone: seal(field::PHONE, &device.phone),
        push_name: optional(field::PUSH_NAME, &device.push_name),
        business_name: optional(field::BUSINESS_NAME, &device.business_name),
        picture_url: optional(field::PICTURE_URL, &device.picture_url),
        platform: device.platform.clone(),
    }
}
