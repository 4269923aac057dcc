//! The root key and the token of the account `default`: given by the operator, or made at the first start of
//! the embedded engine and shown once.
//!
//! `credentials.json` in the data folder says that they were shown, and keeps the keyed digest of the root key.
//! It is written after they were printed: should the process die in between, the next start makes new ones.

use berth_gateway::root_key_digest;
use berth_proto::Hash;
use berth_runtime::{Entropy, MasterKey, config::SecretSettings};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::folder::{DataFolder, FolderError};

const FILE: &str = "credentials.json";
/// What a generated root key begins with.
const ROOT_KEY_PREFIX: &str = "berth_root_";
/// Random bytes of a generated key or token.
const GENERATED_BYTES: usize = 20;

/// What is kept of them.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    /// The keyed digest of the root key that was generated.
    root_key_digest: Hash,
}

/// The credentials that a gateway works with.
#[derive(Debug)]
pub(crate) struct Credentials {
    /// The keyed digest of the key that may manage accounts.
    pub(crate) root_key_digest: Hash,
    /// The token that the account `default` shall have; none to leave it as it is.
    pub(crate) account_token: Option<SecretString>,
    /// What the operator has to be shown, once.
    pub(crate) shown: Option<Shown>,
}

/// What was made at this start and is shown once.
#[derive(Debug)]
pub(crate) struct Shown {
    /// The root key, if it was made.
    pub(crate) root_key: Option<SecretString>,
    /// The token, if it was made.
    pub(crate) account_token: Option<SecretString>,
    root_key_digest: Hash,
}

impl Credentials {
    /// As the operator gave them, which a deployment on NATS requires (the settings were checked).
    pub(crate) fn given(secrets: &SecretSettings, master: &MasterKey) -> Option<Self> {
        let root_key_digest = root_key_digest(master, secrets.root_key.as_ref()?.expose_secret());
        Some(Self { root_key_digest, account_token: Some(secrets.account_token.clone()?), shown: None })
    }

    /// As the operator gave them, else as they were made at the first start.
    pub(crate) fn embedded(
        secrets: &SecretSettings,
        master: &MasterKey,
        folder: &DataFolder,
        entropy: &dyn Entropy,
    ) -> Result<Self, FolderError> {
        let kept: Option<Kept> = folder.read(FILE)?.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let Some(kept) = kept else {
            return Ok(Self::first(secrets, master, entropy));
        };
        let given = secrets.root_key.as_ref().map(|key| root_key_digest(master, key.expose_secret()));
        Ok(Self {
            root_key_digest: given.unwrap_or(kept.root_key_digest),
            account_token: secrets.account_token.clone(),
            shown: None,
        })
    }

    /// Whether a first start came to its end in this folder.
    pub(crate) fn were_kept(folder: &DataFolder) -> Result<bool, FolderError> {
        Ok(folder.read(FILE)?.is_some())
    }

    /// What a folder knows of its root key.
    pub(crate) fn kept_digest(folder: &DataFolder) -> Result<Option<Hash>, FolderError> {
        let kept: Option<Kept> = folder.read(FILE)?.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Ok(kept.map(|kept| kept.root_key_digest))
    }

    /// What a deployment knows of the root key that the operator gives.
    pub(crate) fn digest_of_given(secrets: &SecretSettings, master: &MasterKey) -> Option<Hash> {
        secrets.root_key.as_ref().map(|key| root_key_digest(master, key.expose_secret()))
    }

    /// Keeps what was known elsewhere, so that the first start in this folder changes no token. Where nothing is known of the
    /// root key, one is made and given, to be shown once.
    pub(crate) fn carry(
        secrets: &SecretSettings,
        master: &MasterKey,
        known: Option<Hash>,
        folder: &DataFolder,
        entropy: &dyn Entropy,
    ) -> Result<Option<SecretString>, FolderError> {
        if Self::were_kept(folder)? {
            return Ok(None);
        }
        let (root_key_digest, root_key) = match Self::digest_of_given(secrets, master).or(known) {
            Some(known) => (known, None),
            None => {
                let made = generate(ROOT_KEY_PREFIX, entropy);
                (root_key_digest(master, &made), Some(made.into()))
            }
        };
        Shown { root_key: None, account_token: None, root_key_digest }.write_to(folder)?;
        Ok(root_key)
    }

    fn first(secrets: &SecretSettings, master: &MasterKey, entropy: &dyn Entropy) -> Self {
        let make = |given: &Option<SecretString>, prefix| {
            given.is_none().then(|| SecretString::from(generate(prefix, entropy)))
        };
        let root_key = make(&secrets.root_key, ROOT_KEY_PREFIX);
        let account_token = make(&secrets.account_token, "berth_account_");
        let used = |made: &Option<SecretString>, given: &Option<SecretString>| {
            made.clone().or_else(|| given.clone())
        };
        let root = used(&root_key, &secrets.root_key).unwrap_or_default();
        let root_key_digest = root_key_digest(master, root.expose_secret());
        let token = used(&account_token, &secrets.account_token);
        let shown = Some(Shown { root_key, account_token, root_key_digest });
        Self { root_key_digest, account_token: token, shown }
    }
}

impl Shown {
    /// Notes that they were shown: from now on nothing of them is left but the digest.
    pub(crate) fn write_to(&self, folder: &DataFolder) -> Result<(), FolderError> {
        let text = serde_json::json!({ "root_key_digest": self.root_key_digest });
        folder.write_secret(FILE, text.to_string().as_bytes())
    }
}

/// A key that a scanner for leaked secrets can recognise.
fn generate(prefix: &str, entropy: &dyn Entropy) -> String {
    let mut bytes = [0; GENERATED_BYTES];
    entropy.fill(&mut bytes);
    format!("{prefix}{}", data_encoding::BASE32_NOPAD.encode(&bytes).to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use berth_runtime::SystemEntropy;

    use super::*;

    fn start(folder: &DataFolder, secrets: &SecretSettings) -> Credentials {
        Credentials::embedded(secrets, &master(folder), folder, &SystemEntropy).unwrap()
    }

    fn master(folder: &DataFolder) -> MasterKey {
        folder.master_key(&SystemEntropy).unwrap()
    }

    #[test]
    fn they_are_made_and_shown_once_and_the_root_key_is_known_again() {
        let parent = tempfile::tempdir().unwrap();
        let folder = DataFolder::take(parent.path()).unwrap();
        let first = start(&folder, &SecretSettings::default());
        let shown = first.shown.unwrap();
        shown.write_to(&folder).unwrap();
        let root_key = shown.root_key.unwrap();
        let digest = root_key_digest(&master(&folder), root_key.expose_secret());
        assert_eq!(first.root_key_digest, digest);

        let second = start(&folder, &SecretSettings::default());
        assert!(second.shown.is_none());
        assert!(second.account_token.is_none(), "the token stays as it is");
        assert_eq!(second.root_key_digest, digest);
        let file = std::fs::read_to_string(parent.path().join(FILE)).unwrap();
        assert!(!file.contains(root_key.expose_secret()));
    }

    #[test]
    fn a_start_that_died_before_it_showed_them_is_made_up_for() {
        let parent = tempfile::tempdir().unwrap();
        let folder = DataFolder::take(parent.path()).unwrap();
        let tokens = [(); 2].map(|()| {
            let shown = start(&folder, &SecretSettings::default()).shown.unwrap();
            shown.account_token.unwrap().expose_secret().to_owned()
        });
        assert_ne!(tokens[0], tokens[1]);
    }

    #[test]
    fn what_the_operator_gives_counts_and_is_not_shown() {
        let parent = tempfile::tempdir().unwrap();
        let folder = DataFolder::take(parent.path()).unwrap();
        let given = SecretSettings {
            root_key: Some("given-root".to_owned().into()),
            account_token: Some("given-token".to_owned().into()),
            master_key: None,
            evidence_key: None,
        };
        let first = start(&folder, &given);
        assert_eq!(first.root_key_digest, root_key_digest(&master(&folder), "given-root"));
        let shown = first.shown.unwrap();
        assert!(shown.root_key.is_none() && shown.account_token.is_none());
        shown.write_to(&folder).unwrap();
        let later = SecretSettings { root_key: Some("another-root".to_owned().into()), ..given };
        let later = start(&folder, &later);
        assert_eq!(later.root_key_digest, root_key_digest(&master(&folder), "another-root"));
    }
}
