//! Opens what a body is made of: only when it is told, and never kept.

use std::borrow::Cow;

use berth_bus::{Volatile, VolatileError};
use berth_proto::{
    InstanceId, Sealed, Timestamp,
    instance::{DeviceV1, InstanceStateV1, PhaseV1},
    subject::code_key,
};
use berth_runtime::{DataKey, MasterKey, OpenError, sealing::field};
use serde_json::{Map, Value};

use crate::{
    derive::{Code, CodeKind, Notice, Step},
    drawing::drawn,
    formats::{Device, Facts, Format, Rendered},
    jwt::instance_jwt,
};

#[derive(Default)]
struct CodeTexts {
    qr: Option<String>,
    pairing_code: Option<String>,
}

/// What was opened for a body.
struct Opened {
    name: String,
    token: Option<String>,
    jwt: Option<String>,
    device: Option<Device>,
    texts: CodeTexts,
}

impl Opened {
    fn render(
        &self,
        (step, notice): (&Step, &Notice),
        format: &dyn Format,
        listener: Listener<'_>,
        now: Timestamp,
    ) -> Option<Rendered> {
        let facts = Facts {
            state: &step.state,
            name: &self.name,
            token: self.token.as_deref().unwrap_or_default(),
            jwt: self.jwt.as_deref().unwrap_or_default(),
            device: self.device.as_ref(),
            occurred_at: step.occurred_at,
            now,
            qr: self.texts.qr.as_deref(),
            pairing_code: self.texts.pairing_code.as_deref(),
            options: listener.options,
            url: listener.url,
            server_url: listener.server_url,
        };
        format.render(notice, &facts).ok()
    }
}

/// Opens values of one instance.
#[derive(Debug, Clone, Copy)]
pub struct Opener<'a> {
    /// Its data key.
    pub key: &'a DataKey,
    /// The instance.
    pub instance: InstanceId,
    /// The deployment's key, which signs JWTs.
    pub master: &'a MasterKey,
}

/// For whom a body is made.
#[derive(Debug, Clone, Copy)]
pub struct Listener<'a> {
    /// The options of its format.
    pub options: &'a Map<String, Value>,
    /// Its URL; empty if it has none.
    pub url: &'a str,
    /// Where this deployment is reached; empty if it does not know.
    pub server_url: &'a str,
}

// === impl Opener ===

impl Opener<'_> {
    /// A sealed text.
    pub fn text(&self, field: &str, sealed: &Sealed) -> Result<String, OpenError> {
        self.key.open_text(self.instance.as_bytes(), field, sealed)
    }

    /// A sealed JSON object; an empty one if there is none or it is something else.
    pub fn object(&self, field: &str, sealed: Option<&Sealed>) -> Result<Map<String, Value>, OpenError> {
        let Some(sealed) = sealed else {
            return Ok(Map::new());
        };
        let text = self.text(field, sealed)?;
        Ok(serde_json::from_str(&text).unwrap_or_default())
    }

    /// The body of a notice of this commit; none if something of it cannot be opened or is gone.
    pub async fn body(
        &self,
        volatile: &dyn Volatile,
        (step, notice): (&Step, &Notice),
        format: &'static dyn Format,
        listener: Listener<'_>,
        now: Timestamp,
    ) -> Result<Option<Rendered>, VolatileError> {
        let texts = match notice.happening.code() {
            Some(code) => self.code(volatile, code, &step.state).await?,
            None => CodeTexts::default(),
        };
        let Ok(options) = self.options(format, &step.state, listener.options) else {
            return Ok(None);
        };
        let token = format.needs_token(&options).then_some(&step.state.token);
        let values = (
            self.text(field::NAME, &step.state.name),
            token.map(|sealed| self.text(field::TOKEN, sealed)).transpose(),
            self.device(&step.state),
        );
        let (Ok(name), Ok(token), Ok(device)) = values else {
            return Ok(None);
        };
        let jwt = format.needs_jwt(notice).then(|| {
            let external = options.get("external_id").and_then(Value::as_str);
            instance_jwt(self.master, self.instance, &step.state, external)
        });
        let opened = Opened { name, token, jwt, device, texts };
        if opened.texts.qr.is_none() {
            return Ok(opened.render(
                (step, notice),
                format,
                Listener { options: &options, ..listener },
                now,
            ));
        }
        // With a picture in it, perhaps: what it is drawn from goes along.
        let (step, notice, options) = (step.clone(), notice.clone(), options.into_owned());
        let (url, server_url) = (listener.url.to_owned(), listener.server_url.to_owned());
        let drawing = drawn(move || {
            let listener = Listener { options: &options, url: &url, server_url: &server_url };
            opened.render((&step, &notice), format, listener, now)
        });
        Ok(drawing.await.flatten())
    }

    /// The options of an endpoint, with the settings that its format reads beside them.
    fn options<'o>(
        &self,
        format: &dyn Format,
        state: &InstanceStateV1,
        options: &'o Map<String, Value>,
    ) -> Result<Cow<'o, Map<String, Value>>, OpenError> {
        let block = format.settings().and_then(|owner| state.settings.iter().find(|it| it.owner == owner));
        let Some(block) = block else {
            return Ok(Cow::Borrowed(options));
        };
        let mut all = options.clone();
        all.extend(self.object(field::SETTINGS, Some(&block.body))?);
        Ok(Cow::Owned(all))
    }

    /// The device that is linked, or was last.
    fn device(&self, state: &InstanceStateV1) -> Result<Option<Device>, OpenError> {
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
    async fn code(
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
