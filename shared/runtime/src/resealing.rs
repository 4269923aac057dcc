//! Sealed values, moved from one key or owner to another: the one walk through everything that holds them.
//!
//! A value is sealed for its owner, with the owner's key. A create that is repeated arrives with values for another
//! id than the recorded one, the endpoints of an account are copied to its instances, and the last words of a
//! deleted instance outlive its key: so they are opened and sealed again. Equal values give equal copies.
//!
//! Every struct is taken apart field by field: one with a new field does not compile until it is said here whether
//! that is sealed.

use berth_proto::{
    Sealed,
    command::CreateInstanceV1,
    instance::{DeviceV1, OldSecretV1, SettingsBlockV1, WebhookV1},
};

use crate::sealing::{DataKey, OpenError, field};

/// Opens for one owner and seals for another, which may be the same one with another key.
#[derive(Debug)]
pub struct Resealer {
    /// The owner that the values are sealed for, and its key.
    pub from: ([u8; 16], DataKey),
    /// The owner that they are sealed for then, and its key.
    pub to: ([u8; 16], DataKey),
}

// === impl Resealer ===

impl Resealer {
    /// A create.
    pub fn create(&self, create: &CreateInstanceV1) -> Result<CreateInstanceV1, OpenError> {
        let CreateInstanceV1 { account, number, name, token, entries, settings, webhooks } = create;
        Ok(CreateInstanceV1 {
            account: *account,
            number: *number,
            name: self.value(field::NAME, name)?,
            token: self.value(field::TOKEN, token)?,
            entries: entries.clone(),
            settings: settings.iter().map(|block| self.block(block)).collect::<Result<_, _>>()?,
            webhooks: webhooks.iter().map(|webhook| self.webhook(webhook)).collect::<Result<_, _>>()?,
        })
    }

    /// A block of settings.
    pub fn block(&self, block: &SettingsBlockV1) -> Result<SettingsBlockV1, OpenError> {
        let SettingsBlockV1 { owner, body } = block;
        Ok(SettingsBlockV1 { owner: owner.clone(), body: self.value(field::SETTINGS, body)? })
    }

    /// A linked device.
    pub fn device(&self, device: &DeviceV1) -> Result<DeviceV1, OpenError> {
        let DeviceV1 { jid, lid, phone, push_name, business_name, picture_url, platform } = device;
        Ok(DeviceV1 {
            jid: self.value(field::JID, jid)?,
            lid: self.option(field::LID, lid.as_ref())?,
            phone: self.value(field::PHONE, phone)?,
            push_name: self.option(field::PUSH_NAME, push_name.as_ref())?,
            business_name: self.option(field::BUSINESS_NAME, business_name.as_ref())?,
            picture_url: self.option(field::PICTURE_URL, picture_url.as_ref())?,
            platform: platform.clone(),
        })
    }

    /// An endpoint.
    pub fn webhook(&self, webhook: &WebhookV1) -> Result<WebhookV1, OpenError> {
        let WebhookV1 {
            id,
            format,
            label,
            enabled,
            url,
            headers,
            authorization,
            secret,
            old_secrets,
            events,
            after_logout_all,
            options,
            created_at,
            updated_at,
        } = webhook;
        let old_secret = |old: &OldSecretV1| {
            let OldSecretV1 { secret, until } = old;
            Ok(OldSecretV1 { secret: self.value(field::WEBHOOK_SECRET, secret)?, until: *until })
        };
        Ok(WebhookV1 {
            id: *id,
            format: format.clone(),
            label: label.clone(),
            enabled: *enabled,
            url: self.value(field::WEBHOOK_URL, url)?,
            headers: self.option(field::WEBHOOK_HEADERS, headers.as_ref())?,
            authorization: self.option(field::WEBHOOK_AUTHORIZATION, authorization.as_ref())?,
            secret: self.value(field::WEBHOOK_SECRET, secret)?,
            old_secrets: old_secrets.iter().map(old_secret).collect::<Result<_, _>>()?,
            events: events.clone(),
            after_logout_all: *after_logout_all,
            options: self.option(field::WEBHOOK_OPTIONS, options.as_ref())?,
            created_at: *created_at,
            updated_at: *updated_at,
        })
    }

    /// One value.
    pub fn value(&self, field: &str, sealed: &Sealed) -> Result<Sealed, OpenError> {
        let ((from, old), (to, new)) = (&self.from, &self.to);
        Ok(new.seal(to, field, &old.open(from, field, sealed)?))
    }

    fn option(&self, field: &str, sealed: Option<&Sealed>) -> Result<Option<Sealed>, OpenError> {
        sealed.map(|sealed| self.value(field, sealed)).transpose()
    }
}
