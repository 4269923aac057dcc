//! What a driver of device links does.
//!
//! # Adding a driver
//! Implement [`DeviceLink`] and start the service with it. A driver knows WhatsApp's protocol and nothing of the
//! log, the bus or other links: it is given one link at a time, keys that it may keep, and a place to report to.
//! What it may rely on, and what is relied on:
//! - **One at a time.** A run of a device begins only when the run or unlink before it has ended.
//! - **Dropped means closed.** When a future is dropped, its socket is closed at once: that is how a link is
//!   stopped, and how a replica that lost the links falls silent. It also ends when [`Reports::report`] says so.
//! - **Keys first.** [`LinkKeys::put`] is done before [`Report::Linked`]: whoever owns the link next has nothing
//!   else. A device that was linked without anybody having been told is found by its keys, and unlinked.
//! - **Say why.** A run ends by itself only after it reported that the attempt ended, that the link is paused, or
//!   that it was logged out. One that ends otherwise is run again, or its attempt is ended as unreachable.
//! - **Retries are the driver's.** Whatever the protocol calls temporary is tried again inside; a connection that
//!   is back within five seconds was never lost and is not reported.
//! - **Own codes.** WhatsApp's code is reported as `code`, the library's as the opaque `source_code`.
//! - **No secrets in logs.** [`Report`], [`Start`] and [`DeviceFacts`] print nothing personal; neither may a driver.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use berth_proto::{
    EndpointId, InstanceId, Timestamp,
    event::{EndReasonV1, LogoutOriginV1},
    instance::PauseReasonV1,
};
use berth_upstreams::Webhook;
use futures::future::BoxFuture;
use thiserror::Error;

use crate::{hanging::Hanging, keys::LinkKeys};

/// One link: an attempt of an instance.
#[derive(Debug, Clone)]
pub struct Link {
    /// The instance.
    pub instance: InstanceId,
    /// The attempt that links, or had linked, the device.
    pub attempt: u32,
    /// The fencing epoch of whoever runs it: what is asked for under a lower one is out of date.
    pub epoch: u64,
    /// The key material of the device. It is stored before a device is reported as linked.
    pub keys: LinkKeys,
    /// Where the instance is, if it is on an upstream, or with workers of one library.
    pub upstream: Option<Box<AtUpstream>>,
}

/// Where an instance is that has not the deployment's own driver.
#[derive(Clone, PartialEq, Eq)]
pub struct AtUpstream {
    /// The kind of the upstream.
    pub kind: String,
    /// The name of the upstream; of the library, if it is with workers.
    pub upstream: String,
    /// The instance's name there; none once the instance is erased: then [`Link::keys`] has it.
    pub name: Option<String>,
    /// The webhook that its user has, once it was taken over; none before that.
    pub webhook: Option<UserWebhook>,
}

/// The webhook of an instance's user, which the upstream told before Berth took it over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserWebhook {
    /// How the upstream is to tell it when it is given back.
    pub webhook: Webhook,
    /// The endpoint that is told here instead, and is not when it is given back.
    pub endpoint: Option<EndpointId>,
}

impl fmt::Debug for AtUpstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AtUpstream")
            .field("kind", &self.kind)
            .field("upstream", &self.upstream)
            .finish_non_exhaustive()
    }
}

/// How a link begins.
#[derive(Clone, PartialEq, Eq)]
pub enum Start {
    /// A new device, by QR code.
    PairByQr,
    /// A new device, by a code that is typed on the phone with this number; QR codes are shown beside it.
    PairByCode {
        /// The digits of the number.
        phone: String,
    },
    /// The device that is linked.
    Resume,
    /// The same, by somebody who asked for the connection to be closed and opened again.
    Reopen,
    /// No device yet: one that is linked at the upstream without anybody asking for it here is reported. Only for an
    /// instance on an upstream.
    Watch,
}

impl fmt::Debug for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PairByQr => "PairByQr",
            Self::PairByCode { .. } => "PairByCode",
            Self::Resume => "Resume",
            Self::Reopen => "Reopen",
            Self::Watch => "Watch",
        })
    }
}

/// A device in clear, as the driver learns it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct DeviceFacts {
    /// Its JID.
    pub jid: String,
    /// Its LID.
    pub lid: Option<String>,
    /// The digits of its phone number.
    pub phone: String,
    /// The person's name.
    pub push_name: Option<String>,
    /// The name of a business.
    pub business_name: Option<String>,
    /// The address of its picture.
    pub picture_url: Option<String>,
    /// The platform of the phone.
    pub platform: String,
}

impl fmt::Debug for DeviceFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceFacts").field("platform", &self.platform).finish_non_exhaustive()
    }
}

/// What happens on a link.
#[derive(Clone, PartialEq, Eq)]
pub enum Report {
    /// A QR code can be scanned.
    Qr {
        /// Its text: whoever reads it can take over the pairing.
        text: String,
        /// How long it can be scanned.
        valid: Duration,
    },
    /// A pairing code can be typed.
    PairingCode {
        /// Eight characters.
        text: String,
        /// How long it can be typed.
        valid: Duration,
    },
    /// WhatsApp refused to give a pairing code.
    PairingCodeRefused {
        /// 400, 403, 429, 452 or 500.
        code: u16,
        /// Seconds to wait before another try, 0 if not said.
        backoff_seconds: u32,
    },
    /// The attempt ended without a device.
    AttemptEnded {
        /// Why.
        reason: EndReasonV1,
        /// WhatsApp's code, 0 if there is none.
        code: u16,
    },
    /// A device is linked; its keys are stored.
    Linked(DeviceFacts),
    /// The connection is open.
    Open,
    /// The connection was lost for longer than the grace.
    Lost {
        /// WhatsApp's code, 0 if there is none.
        code: u16,
        /// The code of the driver's library, opaque.
        source_code: String,
    },
    /// The link is stopped and must not be retried.
    Paused {
        /// Why.
        reason: PauseReasonV1,
        /// WhatsApp's code, 0 if there is none.
        code: u16,
        /// When a ban ends.
        until: Option<Timestamp>,
    },
    /// The session was ended from outside; its keys are deleted.
    LoggedOut {
        /// The phone or the server.
        origin: LogoutOriginV1,
        /// WhatsApp's code.
        code: u16,
    },
    /// WhatsApp confirmed that the device is unlinked.
    Unlinked,
    /// The webhook that the instance has at its upstream is about to be taken over. Only after [`Next::Continue`] it is: how it
    /// is configured is kept then.
    WebhookTaken(Webhook),
    /// It was given back.
    WebhookGivenBack {
        /// The endpoint that was told here instead.
        endpoint: EndpointId,
    },
}

impl Report {
    /// Its name, for logs: the report itself holds personal values.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Qr { .. } => "qr",
            Self::PairingCode { .. } => "pairing_code",
            Self::PairingCodeRefused { .. } => "pairing_code_refused",
            Self::AttemptEnded { .. } => "attempt_ended",
            Self::Linked(_) => "linked",
            Self::Open => "open",
            Self::Lost { .. } => "lost",
            Self::Paused { .. } => "paused",
            Self::LoggedOut { .. } => "logged_out",
            Self::Unlinked => "unlinked",
            Self::WebhookTaken(_) => "webhook_taken",
            Self::WebhookGivenBack { .. } => "webhook_given_back",
        }
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a driver does after a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Go on.
    Continue,
    /// The link is no longer wanted: end at once.
    Stop,
}

/// Where a driver reports to. A report returns when it is decided, so that reports of a link keep their order.
#[async_trait]
pub trait Reports: fmt::Debug + Send + Sync {
    /// Reports what happened.
    async fn report(&self, report: Report) -> Next;

    /// Whether the instance is deleted, by a look at the log that begins now.
    async fn is_deleted(&self) -> bool {
        false
    }
}

/// An unlink did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum UnlinkError {
    /// WhatsApp cannot be reached or does not answer; a retry may help.
    #[error("WhatsApp cannot be reached")]
    Unreachable,
    /// The keys of the device are gone; nothing can be done any more.
    #[error("the keys of the device are lost")]
    KeysLost,
}

/// How long a try to unlink takes at most, unless a driver needs longer.
const UNLINK_MAX: Duration = Duration::from_secs(3);
/// The longest pause between two tries of a driver that says nothing else.
const UNLINK_PAUSE_MAX: Duration = Duration::from_mins(5);

/// Begins one of the things that a driver does beside its links.
pub type Attendant = Box<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

/// A driver of device links.
#[async_trait]
pub trait DeviceLink: fmt::Debug + Send + Sync + 'static {
    /// Runs a link until it ends, it is no longer wanted, or the future is dropped.
    async fn run(&self, link: Link, start: Start, reports: Arc<dyn Reports>);

    /// An upstream says that it has news of an instance. It is no news by itself: a driver looks for them sooner.
    fn hint(&self, _instance: InstanceId) {}

    /// What a driver does beside its links, for as long as the process runs. Each is a task of its own, so that one which hangs costs
    /// the others nothing; it is dropped when the process stops, and begun anew if it panics.
    fn attendants(self: Arc<Self>) -> Vec<Attendant> {
        Vec::new()
    }

    /// How long one try to unlink a device may take.
    fn unlink_max(&self, _link: &Link) -> Duration {
        UNLINK_MAX
    }

    /// How long one try to end what an attempt began elsewhere may take.
    fn abandon_max(&self, link: &Link) -> Duration {
        self.unlink_max(link)
    }

    /// The longest pause between two tries.
    fn unlink_pause_max(&self, _link: &Link) -> Duration {
        UNLINK_PAUSE_MAX
    }

    /// An attempt is over, and no device is known of it: what it began elsewhere ends, so that nobody can link one by it. A
    /// login that may come of it is waited for, unless `hanging` says that it hangs for good. `ran` says whether the attempt ran until now.
    async fn abandon(&self, _link: &Link, _ran: bool, _hanging: &Hanging) {}

    /// Whether there may be a device, where something is kept in the place of its keys.
    async fn has_device(&self, _link: &Link) -> bool {
        true
    }

    /// Unlinks the device once: reports [`Report::Unlinked`] when WhatsApp confirms it.
    async fn unlink(&self, link: Link, reports: Arc<dyn Reports>) -> Result<(), UnlinkError>;
}
