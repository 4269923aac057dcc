//! The root secret: what wraps the data keys and keys the look-ups, kept in the key store under each master key that may open it.
//!
//! The master key that the operator gives wraps it and nothing else, so that another one takes its place by wrapping one secret
//! anew: nothing that is stored or looked up changes by that. A deployment that began before there was one has its first
//! master key as root secret.

use std::sync::Arc;

use berth_bus::{KeptKey, KeyRing, KeyRingError, KeyStore};
use berth_runtime::{DataKey, Entropy, MasterKey, WrappedKey};

use crate::{failure::Failure, wiring::NOBODY};

/// At what moment, and by whom, the root secret is opened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Opening {
    /// Whether anything was ever appended: then nothing is made anew.
    pub(crate) has_commits: bool,
    /// Whether this role makes what a deployment begins with.
    pub(crate) makes: bool,
}

impl Opening {
    /// Of a deployment that has begun, by whoever makes nothing anew.
    pub(crate) const BEGUN: Self = Self { has_commits: true, makes: false };
}

/// The master key over the root secret of the deployment, which is made at the first start.
pub(crate) async fn open(
    master: &MasterKey,
    store: &Arc<dyn KeyStore>,
    opening: Opening,
    entropy: &dyn Entropy,
) -> Result<MasterKey, Failure> {
    if let Some(rooted) = kept(master, &**store).await? {
        return Ok(rooted);
    }
    match KeyRing::new(master.clone(), Arc::clone(store)).knows(&NOBODY).await {
        Ok(true) => return Ok(master.clone()),
        Ok(false) => {}
        // Another process may have begun the deployment a moment ago.
        Err(error @ KeyRingError::Unwrap(_)) => return kept(master, &**store).await?.ok_or(error.into()),
        Err(error) => return Err(error.into()),
    }
    if opening.has_commits {
        return Err(Failure::KeysMissing);
    }
    if !opening.makes {
        return Err(Failure::NotStarted);
    }
    wrap(&DataKey::generate(entropy), master, &**store).await
}

/// The master key over the root secret, if the store has that for it.
async fn kept(master: &MasterKey, store: &dyn KeyStore) -> Result<Option<MasterKey>, Failure> {
    match store.get(&master.root_owner()).await.map_err(KeyRingError::Store)? {
        KeptKey::Present(wrapped) => rooted(master, &wrapped).map(Some),
        KeptKey::Destroyed => Err(Failure::RetiredKey),
        KeptKey::Missing => Ok(None),
    }
}

/// Lets a master key open this root secret too, durably, unless it opens one already.
pub(crate) async fn wrap(
    root: &DataKey,
    master: &MasterKey,
    store: &dyn KeyStore,
) -> Result<MasterKey, Failure> {
    let owner = master.root_owner();
    let stored = store.put_if_absent(&owner, master.wrap(&owner, root)).await.map_err(KeyRingError::Store)?;
    rooted(master, &stored.ok_or(Failure::RetiredKey)?)
}

fn rooted(master: &MasterKey, wrapped: &WrappedKey) -> Result<MasterKey, Failure> {
    let root = master.unwrap(&master.root_owner(), wrapped);
    let root = root.map_err(|error| KeyRingError::Unwrap(error.into()))?;
    Ok(master.rooted(&root))
}

/// Ends what a former master key may open; `rooted` is the one that stays. Again is no error.
pub(crate) async fn retire(
    former: &MasterKey,
    rooted: &MasterKey,
    store: &dyn KeyStore,
) -> Result<(), Failure> {
    let owner = former.root_owner();
    if owner == rooted.root_owner() {
        return Err(Failure::OnlyKey);
    }
    let had_one = store.get(&owner).await.map_err(KeyRingError::Store)? != KeptKey::Missing;
    // The first one of a deployment that began without a root secret has nothing there.
    if !had_one && former.check_value() != rooted.check_value() {
        return Err(Failure::UnknownKey);
    }
    Ok(store.destroy(&owner).await.map_err(KeyRingError::Store)?)
}

#[cfg(test)]
mod tests {
    use berth_bus::local::FileKeyStore;
    use berth_runtime::{SeededEntropy, Unique};

    use super::*;

    const FIRST: Opening = Opening { has_commits: false, makes: true };

    async fn store() -> (tempfile::TempDir, Arc<dyn KeyStore>) {
        let folder = tempfile::tempdir().unwrap();
        let store = FileKeyStore::open(folder.path()).await.unwrap();
        (folder, Arc::new(store))
    }

    #[tokio::test]
    async fn a_deployment_begins_with_a_root_that_two_keys_open_until_one_is_retired() {
        let ((_folder, store), entropy) = (store().await, SeededEntropy::new(1));
        let [first, second, other] = [(); 3].map(|()| MasterKey::generate(&entropy));
        let early = open(&first, &store, Opening { makes: false, ..FIRST }, &entropy).await;
        assert!(matches!(early, Err(Failure::NotStarted)));
        let rooted = open(&first, &store, FIRST, &entropy).await.unwrap();
        assert_ne!(rooted.check_value(), first.check_value(), "the key is not the root");
        KeyRing::new(rooted.clone(), Arc::clone(&store)).create(&NOBODY, &entropy).await.unwrap();
        let wrong = open(&second, &store, Opening::BEGUN, &entropy).await;
        assert!(matches!(wrong, Err(Failure::Keys(KeyRingError::Unwrap(_)))), "{wrong:?}");

        wrap(&rooted.root(), &second, &*store).await.unwrap();
        let next = open(&second, &store, Opening::BEGUN, &entropy).await.unwrap();
        assert_eq!(next.entry(Unique::Token, "t"), rooted.entry(Unique::Token, "t"));
        open(&first, &store, Opening::BEGUN, &entropy).await.unwrap();
        assert!(matches!(retire(&second, &next, &*store).await, Err(Failure::OnlyKey)));
        assert!(matches!(retire(&other, &next, &*store).await, Err(Failure::UnknownKey)));
        for _ in 0..2 {
            retire(&first, &next, &*store).await.unwrap();
        }
        assert!(matches!(open(&first, &store, Opening::BEGUN, &entropy).await, Err(Failure::RetiredKey)));
        assert!(matches!(wrap(&next.root(), &first, &*store).await, Err(Failure::RetiredKey)), "for good");
        assert_eq!(
            open(&second, &store, Opening::BEGUN, &entropy).await.unwrap().check_value(),
            rooted.check_value()
        );
    }

    #[tokio::test]
    async fn one_that_began_without_a_root_has_its_first_key_as_that() {
        let ((_folder, store), entropy) = (store().await, SeededEntropy::new(2));
        let [first, second] = [(); 2].map(|()| MasterKey::generate(&entropy));
        KeyRing::new(first.clone(), Arc::clone(&store)).create(&NOBODY, &entropy).await.unwrap();
        let rooted = open(&first, &store, Opening::BEGUN, &entropy).await.unwrap();
        assert_eq!(rooted.check_value(), first.check_value());
        let next = wrap(&rooted.root(), &second, &*store).await.unwrap();
        assert_eq!(next.entry(Unique::Token, "t"), first.entry(Unique::Token, "t"));
        retire(&first, &next, &*store).await.unwrap();
        assert!(matches!(open(&first, &store, Opening::BEGUN, &entropy).await, Err(Failure::RetiredKey)));
        assert!(KeyRing::new(next, store).knows(&NOBODY).await.unwrap());
    }

    #[tokio::test]
    async fn keys_that_are_lost_are_not_begun_anew() {
        let ((_folder, store), entropy) = (store().await, SeededEntropy::new(3));
        let key = MasterKey::generate(&entropy);
        let lost = open(&key, &store, Opening::BEGUN, &entropy).await;
        assert!(matches!(lost, Err(Failure::KeysMissing)));
    }
}
