//! The last words of a deleted instance.
//!
//! A deletion destroys the data key at once, and with it the URLs, secrets and names that its own last notices
//! need. So whoever deletes asks here first: what these notices need, and nothing else, is sealed anew under a
//! key of its own and kept in a commit of the delivery stream. That key is destroyed before the last of them is
//! settled, a day after the deletion at the latest.

use std::time::Duration;

use berth_bus::{KeyRingError, Requests};
use berth_log::{ReadError, Rehydrated, StateError, rehydrate};
use berth_notices::{
    derive::{Class, Step},
    formats::{self, Format},
};
use berth_proto::{
    DecodeError, EncodeError, Hash, InstanceId, Partition, RecordV1, Sealed, StreamKey,
    delivery::{DeliveryEvent, LastWordsKeptV1, NoticeKeyV1},
    instance::{DeviceV1, InstanceStateV1, PhaseV1, SettingsBlockV1, WebhookV1},
};
use berth_runtime::{DataKey, OpenError, sealing::field};
use bytes::Bytes;
use futures::StreamExt;
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use crate::dispatch::{SettleError, Settler, Tools};

/// How long after the deletion its notices are tried at most: then what they need is erased too.
pub(crate) const LAST_WORDS_MAX: Duration = Duration::from_hours(24);

/// What the last notices need could not be kept.
#[derive(Debug, Error)]
enum KeepError {
    #[error("the instance cannot be read")]
    Read(#[from] ReadError),
    #[error("the state of the deletion cannot be had")]
    State(#[from] StateError),
    #[error("the deletion cannot be read")]
    Decode(#[from] DecodeError),
    #[error("a data key cannot be had")]
    Key(#[from] KeyRingError),
    #[error("a value cannot be opened")]
    Open(#[from] OpenError),
    #[error("what is kept cannot be written")]
    Encode(#[from] EncodeError),
    #[error("what is kept cannot be stored")]
    Store(#[from] SettleError),
}

/// The owner, in the store of the deliveries, of the key that an instance's last words are sealed under.
pub fn key_owner(instance: InstanceId) -> [u8; 16] {
    let Hash(hash) = Hash::over(b"berth.v1.last_words", &[instance.as_bytes()]);
    let mut owner = [0; 16];
    owner.copy_from_slice(hash.split_at(16).0);
    owner
}

/// Answers those who are about to destroy the data key of a deleted instance, one after the other.
pub(crate) async fn serve(tools: Tools, mut requests: Requests, stop: CancellationToken) {
    while let Some(Some(request)) = stop.run_until_cancelled(requests.next()).await {
        let id = request.subject.rsplit('.').next().and_then(|id| id.parse::<InstanceId>().ok());
        if let Some(instance) = id {
            match keep(&tools, instance).await {
                Ok(()) => request.reply.send(Bytes::new()),
                // No reply: the asker waits its time and goes on, since a deletion depends on nobody.
                Err(error) => tracing::warn!(
                    %instance,
                    error = &error as &dyn std::error::Error,
                    "the last notices of a deleted instance are lost"
                ),
            }
        }
    }
}

async fn keep(tools: &Tools, instance: InstanceId) -> Result<(), KeepError> {
    let Some(stored) = tools.log.tail(&StreamKey::instance(instance)).await? else {
        return Ok(());
    };
    let Rehydrated { commit, state, .. } = rehydrate(&*tools.log, &stored).await?;
    let Some(step) = Step::with(&commit, state)? else {
        return Ok(());
    };
    let notices: Vec<NoticeKeyV1> = step
        .notices()
        .into_iter()
        .filter(|notice| notice.class == Class::Final)
        .map(|notice| notice.key)
        .collect();
    if notices.is_empty() || !matches!(step.state.phase, PhaseV1::Deleted { .. }) {
        return Ok(());
    }
    let (Some(old), Some(new)) = keys(tools, instance).await? else {
        return Ok(());
    };
    let state = Resealer { old, new, owner: *instance.as_bytes() }.state(&step.state, &notices)?;
    let kept = LastWordsKeptV1 { instance, notices, state: RecordV1::of(&state)? };
    let settler = Settler::guest(tools);
    settler.note(Partition::of(instance.as_bytes()), DeliveryEvent::from(kept)).await?;
    Ok(())
}

async fn keys(
    tools: &Tools,
    instance: InstanceId,
) -> Result<(Option<DataKey>, Option<DataKey>), KeyRingError> {
    let Some(old) = tools.keys.key(instance.as_bytes()).await? else {
        return Ok((None, None));
    };
    Ok((Some(old), tools.delivery_keys.create(&key_owner(instance), tools.entropy.as_ref()).await?))
}

/// Whether the bodies of an endpoint show something of that settings block.
fn reads(webhook: &WebhookV1, owner: &str) -> bool {
    formats::by_name(&webhook.format).and_then(Format::settings) == Some(owner)
}

/// Moves values from one key to another. The owner that they are bound to stays the instance.
struct Resealer {
    old: DataKey,
    new: DataKey,
    owner: [u8; 16],
}

// === impl Resealer ===

impl Resealer {
    /// The state with nothing in it but what the notices need.
    fn state(&self, state: &InstanceStateV1, notices: &[NoticeKeyV1]) -> Result<InstanceStateV1, OpenError> {
        let told = |webhook: &&WebhookV1| notices.iter().any(|notice| notice.endpoint == webhook.id);
        Ok(InstanceStateV1 {
            name: self.value(field::NAME, &state.name)?,
            token: Sealed(Vec::new()),
            last_device: state.last_device.as_ref().map(|device| self.device(device)).transpose()?,
            webhooks: state
                .webhooks
                .iter()
                .filter(told)
                .map(|webhook| self.webhook(webhook))
                .collect::<Result<_, _>>()?,
            unlinks: Vec::new(),
            settings: state
                .settings
                .iter()
                .filter(|block| state.webhooks.iter().filter(told).any(|it| reads(it, &block.owner)))
                .map(|block| self.block(block))
                .collect::<Result<_, _>>()?,
            keyed: Vec::new(),
            unkeyed: Vec::new(),
            ..state.clone()
        })
    }

    fn block(&self, block: &SettingsBlockV1) -> Result<SettingsBlockV1, OpenError> {
        let body = self.value(field::SETTINGS, &block.body)?;
        Ok(SettingsBlockV1 { owner: block.owner.clone(), body })
    }

    fn device(&self, device: &DeviceV1) -> Result<DeviceV1, OpenError> {
        Ok(DeviceV1 {
            jid: self.value(field::JID, &device.jid)?,
            lid: None,
            phone: self.value(field::PHONE, &device.phone)?,
            push_name: self.maybe(field::PUSH_NAME, device.push_name.as_ref())?,
            business_name: self.maybe(field::BUSINESS_NAME, device.business_name.as_ref())?,
            picture_url: self.maybe(field::PICTURE_URL, device.picture_url.as_ref())?,
            platform: device.platform.clone(),
        })
    }

    fn webhook(&self, webhook: &WebhookV1) -> Result<WebhookV1, OpenError> {
        Ok(WebhookV1 {
            url: self.value(field::WEBHOOK_URL, &webhook.url)?,
            headers: self.maybe(field::WEBHOOK_HEADERS, webhook.headers.as_ref())?,
            authorization: self.maybe(field::WEBHOOK_AUTHORIZATION, webhook.authorization.as_ref())?,
            secret: self.value(field::WEBHOOK_SECRET, &webhook.secret)?,
            old_secrets: Vec::new(),
            options: self.maybe(field::WEBHOOK_OPTIONS, webhook.options.as_ref())?,
            ..webhook.clone()
        })
    }

    fn maybe(&self, field: &str, sealed: Option<&Sealed>) -> Result<Option<Sealed>, OpenError> {
        sealed.map(|sealed| self.value(field, sealed)).transpose()
    }

    fn value(&self, field: &str, sealed: &Sealed) -> Result<Sealed, OpenError> {
        Ok(self.new.seal(&self.owner, field, &self.old.open(&self.owner, field, sealed)?))
    }
}
