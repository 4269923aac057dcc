//! Sealed values, moved from one owner to another.
//!
//! A value is sealed for its owner. A create that is repeated after its first try made the reservations
//! arrives with values for another id than the recorded one, and the endpoints of an account are copied to its
//! instances: so they are opened and sealed again. Equal values give equal copies.

use berth_proto::{
    AccountId, InstanceId, Sealed,
    command::CreateInstanceV1,
    instance::{OldSecretV1, SettingsBlockV1, WebhookV1},
};
use berth_runtime::{DataKey, OpenError, sealing::field};

use crate::{aggregate::Aggregate, trouble::Trouble};

/// Opens for one owner and seals for another.
struct Mover<'a> {
    from: (&'a [u8; 16], DataKey),
    to: (&'a [u8; 16], DataKey),
}

impl Aggregate {
    /// The same command with its values sealed for another instance; none if that one's key is not there.
    pub(super) async fn resealed(
        &self,
        from: InstanceId,
        to: InstanceId,
        command: &CreateInstanceV1,
    ) -> Result<Option<CreateInstanceV1>, Trouble> {
        let Some(target) = self.ports.keys.key(to.as_bytes()).await? else {
            return Ok(None);
        };
        let source = self.ports.keys.key(from.as_bytes()).await?;
        let source = source.ok_or(Trouble::NoKey { owner: from })?;
        let mover = Mover { from: (from.as_bytes(), source), to: (to.as_bytes(), target) };
        mover.command(command).map(Some).map_err(|OpenError| Trouble::NoKey { owner: from })
    }

    /// Endpoints of an account, sealed for one of its instances; none if the key of the instance is not there, as
    /// after its deletion.
    pub(crate) async fn resealed_webhooks(
        &self,
        account: AccountId,
        webhooks: &[WebhookV1],
        instance: InstanceId,
    ) -> Result<Option<Vec<WebhookV1>>, Trouble> {
        if webhooks.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let Some(target) = self.ports.keys.key(instance.as_bytes()).await? else {
            return Ok(None);
        };
        let no_key = || Trouble::NoKey { owner: InstanceId::from_bytes(*account.as_bytes()) };
        let source = self.ports.keys.key(account.as_bytes()).await?;
        let source = source.ok_or_else(no_key)?;
        let mover = Mover { from: (account.as_bytes(), source), to: (instance.as_bytes(), target) };
        let copies = webhooks.iter().map(|webhook| mover.webhook(webhook)).collect::<Result<_, _>>();
        copies.map(Some).map_err(|OpenError| no_key())
    }
}

impl Mover<'_> {
    fn command(&self, command: &CreateInstanceV1) -> Result<CreateInstanceV1, OpenError> {
        Ok(CreateInstanceV1 {
            account: command.account,
            number: command.number,
            name: self.value(field::NAME, &command.name)?,
            token: self.value(field::TOKEN, &command.token)?,
            entries: command.entries.clone(),
            settings: command.settings.iter().map(|block| self.block(block)).collect::<Result<_, _>>()?,
            webhooks: command
                .webhooks
                .iter()
                .map(|webhook| self.webhook(webhook))
                .collect::<Result<_, _>>()?,
        })
    }

    fn block(&self, block: &SettingsBlockV1) -> Result<SettingsBlockV1, OpenError> {
        let body = self.value(field::SETTINGS, &block.body)?;
        Ok(SettingsBlockV1 { owner: block.owner.clone(), body })
    }

    fn webhook(&self, webhook: &WebhookV1) -> Result<WebhookV1, OpenError> {
        let old_secret = |old: &OldSecretV1| {
            let secret = self.value(field::WEBHOOK_SECRET, &old.secret)?;
            Ok::<_, OpenError>(OldSecretV1 { secret, until: old.until })
        };
        Ok(WebhookV1 {
            url: self.value(field::WEBHOOK_URL, &webhook.url)?,
            headers: self.option(field::WEBHOOK_HEADERS, webhook.headers.as_ref())?,
            authorization: self.option(field::WEBHOOK_AUTHORIZATION, webhook.authorization.as_ref())?,
            secret: self.value(field::WEBHOOK_SECRET, &webhook.secret)?,
            old_secrets: webhook.old_secrets.iter().map(old_secret).collect::<Result<_, _>>()?,
            options: self.option(field::WEBHOOK_OPTIONS, webhook.options.as_ref())?,
            ..webhook.clone()
        })
    }

    fn option(&self, field: &str, sealed: Option<&Sealed>) -> Result<Option<Sealed>, OpenError> {
        sealed.map(|sealed| self.value(field, sealed)).transpose()
    }

    fn value(&self, field: &str, sealed: &Sealed) -> Result<Sealed, OpenError> {
        let opened = self.from.1.open(self.from.0, field, sealed)?;
        Ok(self.to.1.seal(self.to.0, field, &opened))
    }
}
