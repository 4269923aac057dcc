//! Sealed values of one owner, sealed for an instance.

use berth_bus::KeyRing;
use berth_proto::{
    AccountId, InstanceId, Sealed, WriteVersion, command::CreateInstanceV1, instance::WebhookV1,
};
use berth_runtime::{OpenError, resealing::Resealer, sealing::field};

use crate::trouble::Trouble;

/// The same command with its values sealed for another instance; none if that one's key is not there.
pub(crate) async fn create(
    keys: &KeyRing,
    from: InstanceId,
    to: InstanceId,
    command: &CreateInstanceV1,
) -> Result<Option<CreateInstanceV1>, Trouble> {
    let resealer = resealer(keys, from.as_bytes(), to).await?;
    let moved = resealer.map(|resealer| resealer.create(command)).transpose();
    moved.map_err(|OpenError| Trouble::NoKey { owner: from })
}

/// Where a command came from, sealed for another instance; none if it cannot be: no command fails for want of it.
pub(crate) async fn caller(
    keys: &KeyRing,
    from: InstanceId,
    to: InstanceId,
    caller: &Sealed,
) -> Option<Sealed> {
    let resealer = resealer(keys, from.as_bytes(), to).await.ok().flatten()?;
    resealer.value(field::CALLER, caller).ok()
}

/// The endpoints of an account that are copied, sealed for one of its instances; none if the key of the instance is not there, as
/// after its deletion. None is copied where every release finds them at the account.
pub(crate) async fn webhooks(
    keys: &KeyRing,
    write_version: WriteVersion,
    account: AccountId,
    webhooks: &[WebhookV1],
    instance: InstanceId,
) -> Result<Option<Vec<WebhookV1>>, Trouble> {
    let is_copied = |webhook: &&WebhookV1| !write_version.account_wide() && webhook.is_of_account();
    let copied: Vec<_> = webhooks.iter().filter(is_copied).collect();
    if copied.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let Some(resealer) = resealer(keys, account.as_bytes(), instance).await? else { return Ok(None) };
    let sealed = copied.into_iter().map(|webhook| resealer.webhook(webhook));
    let all = sealed.collect::<Result<_, _>>();
    all.map(Some).map_err(|OpenError| no_key(account.as_bytes()))
}

async fn resealer(keys: &KeyRing, from: &[u8; 16], to: InstanceId) -> Result<Option<Resealer>, Trouble> {
    let Some(target) = keys.key(to.as_bytes()).await? else { return Ok(None) };
    let source = keys.key(from).await?.ok_or_else(|| no_key(from))?;
    Ok(Some(Resealer { from: (*from, source), to: (*to.as_bytes(), target) }))
}

fn no_key(owner: &[u8; 16]) -> Trouble {
    Trouble::NoKey { owner: InstanceId::from_bytes(*owner) }
}
