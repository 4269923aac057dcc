//! Opens what a notice needs: only when it is sent, and never kept.

use berth_bus::{Volatile, VolatileError};
use berth_proto::{
    InstanceId, Sealed, Timestamp,
    instance::{DeviceV1, InstanceStateV1, PhaseV1, WebhookV1},
    subject::code_key,
};
use berth_runtime::{DataKey, OpenError, sealing::field};
use serde_json::{Map, Value};

use crate::{
    derive::{Code, CodeKind},
    formats::Device,
    signing::Secret,
};

/// An endpoint, opened.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) authorization: Option<String>,
    pub(crate) secrets: Vec<Secret>,
    pub(crate) options: Map<String, Value>,
}

/// The texts of a code.
#[derive(Debug, Default)]
pub(crate) struct CodeTexts {
    pub(crate) qr: Option<String>,
    pub(crate) pairing_code: Option<String>,
}

/// Opens values of one instance.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Opener<'a> {
    pub(crate) key: &'a DataKey,
    pub(crate) instance: InstanceId,
}

// === impl Opener ===

impl Opener<'_> {
    pub(crate) fn text(&self, field: &str, sealed: &Sealed) -> Result<String, OpenError> {
        self.key.open_text(self.instance.as_bytes(), field, sealed)
    }

    /// An endpoint with every secret that signs now: the present one first.
    pub(crate) fn endpoint(&self, webhook: &WebhookV1, now: Timestamp) -> Result<Endpoint, OpenError> {
        let old = webhook.old_secrets.iter().filter(|old| old.until > now).map(|old| &old.secret);
        let mut secrets = Vec::new();
        for sealed in std::iter::once(&webhook.secret).chain(old) {
            // A secret that is not one does not hold a notice up: it goes out signed with the others.
            secrets.extend(Secret::parse(&self.text(field::WEBHOOK_SECRET, sealed)?));
        }
        let headers = self.object(field::WEBHOOK_HEADERS, webhook.headers.as_ref())?;
        Ok(Endpoint {
            url: self.text(field::WEBHOOK_URL, &webhook.url)?,
            headers: headers
                .into_iter()
                .filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())))
                .collect(),
            authorization: webhook
                .authorization
                .as_ref()
                .map(|sealed| self.text(field::WEBHOOK_AUTHORIZATION, sealed))
                .transpose()?,
            secrets,
            options: self.object(field::WEBHOOK_OPTIONS, webhook.options.as_ref())?,
        })
    }

    /// The device that is linked, or was last.
    pub(crate) fn device(&self, state: &InstanceStateV1) -> Result<Option<Device>, OpenError> {
        let device = match &state.phase {
            PhaseV1::Linked(link) => Some(&link.device),
            PhaseV1::Paused(pause) => Some(&pause.link.device),
            _ => state.last_device.as_ref(),
        };
        device.map(|device| self.open_device(device)).transpose()
    }

    fn open_device(&self, device: &DeviceV1) -> Result<Device, OpenError> {
        let maybe = |field, sealed: &Option<Sealed>| {
            sealed.as_ref().map(|sealed| self.text(field, sealed)).transpose()
        };
        Ok(Device {
            jid: without_device(&self.text(field::JID, &device.jid)?),
            phone: self.text(field::PHONE, &device.phone)?,
            push_name: maybe(field::PUSH_NAME, &device.push_name)?,
            business_name: maybe(field::BUSINESS_NAME, &device.business_name)?,
            picture_url: maybe(field::PICTURE_URL, &device.picture_url)?,
        })
    }

    /// The texts that are shown with a code: its own, and the other kind's of the same attempt if it lives.
    pub(crate) async fn code(
        &self,
        volatile: &dyn Volatile,
        code: &Code,
        state: &InstanceStateV1,
    ) -> Result<CodeTexts, VolatileError> {
        let (qr, pairing) = match &state.phase {
            PhaseV1::Pairing(attempt) => (
                attempt.qr.as_ref().map(|code| code.index),
                attempt.pairing_code.as_ref().map(|code| code.index),
            ),
            _ => (None, None),
        };
        let (qr, pairing) = match code.kind {
            CodeKind::Qr => (Some(code.index), pairing),
            CodeKind::Pairing => (qr, Some(code.index)),
        };
        Ok(CodeTexts {
            qr: self.volatile_text(volatile, code.attempt, "qr", qr).await?,
            pairing_code: self.volatile_text(volatile, code.attempt, "pairing", pairing).await?,
        })
    }

    async fn volatile_text(
        &self,
        volatile: &dyn Volatile,
        attempt: u32,
        kind: &str,
        index: Option<u32>,
    ) -> Result<Option<String>, VolatileError> {
        let Some(index) = index else {
            return Ok(None);
        };
        let entry = volatile.get(&code_key(self.instance, attempt, kind, index)).await?;
        Ok(entry.and_then(|entry| self.text(field::CODE, &Sealed(entry.value.to_vec())).ok()))
    }

    fn object(&self, field: &str, sealed: Option<&Sealed>) -> Result<Map<String, Value>, OpenError> {
        let Some(sealed) = sealed else {
            return Ok(Map::new());
        };
        let text = self.text(field, sealed)?;
        Ok(serde_json::from_str(&text).unwrap_or_default())
    }
}

/// `5511…:12@s.whatsapp.net` names one device of an account; outside it is the account that is meant.
fn without_device(jid: &str) -> String {
    match jid.split_once('@') {
        Some((user, server)) => {
            let user = user.split_once(':').map_or(user, |(user, _)| user);
            format!("{user}@{server}")
        }
        None => jid.to_owned(),
    }
}
