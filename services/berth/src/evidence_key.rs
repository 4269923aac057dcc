//! The key that signs checkpoints: given by the operator, or made at the first start of the embedded engine. Its
//! successor is announced before it signs.

use std::{
    fs,
    io::{self, Write},
    path::Path,
    process::ExitCode,
    sync::Arc,
};

use berth_bus::Checkpoints;
use berth_evidence::{Board, SigningKey};
use berth_runtime::{Clock, Entropy, Settings, SystemClock, config::SecretSettings};
use secrecy::ExposeSecret;

use crate::{
    deployment,
    failure::Failure,
    folder::{DataFolder, FolderError},
    recover,
    wiring::{embedded_checkpoints, nats_checkpoints},
};

/// Where the embedded engine keeps it.
const FILE: &str = "evidence.key";

/// As the operator gave it.
pub(crate) fn given(secrets: &SecretSettings) -> Result<Option<SigningKey>, Failure> {
    let key = secrets.evidence_key.as_ref().map(|key| SigningKey::from_base64(key.expose_secret()));
    key.transpose().map_err(Failure::EvidenceKey)
}

/// As the operator gave it, else as it is in the data folder, where it is made at the first start.
pub(crate) fn embedded(
    secrets: &SecretSettings,
    folder: &DataFolder,
    entropy: &dyn Entropy,
) -> Result<SigningKey, Failure> {
    if let Some(given) = given(secrets)? {
        return Ok(given);
    }
    if let Some(kept) = kept(folder)? {
        return Ok(kept);
    }
    let key = SigningKey::generate(entropy);
    keep(folder, &key)?;
    Ok(key)
}

/// As it is in a data folder.
pub(crate) fn kept(folder: &DataFolder) -> Result<Option<SigningKey>, Failure> {
    let Some(bytes) = folder.read(FILE)? else { return Ok(None) };
    let text = String::from_utf8(bytes).unwrap_or_default();
    SigningKey::from_base64(&text).map(Some).map_err(Failure::EvidenceKey)
}

/// Keeps it in a data folder.
pub(crate) fn keep(folder: &DataFolder, key: &SigningKey) -> Result<(), FolderError> {
    folder.write_secret(FILE, format!("{}\n", *key.to_base64()).as_bytes())
}

/// Announces the key in a file as the next one, signed by the one that signs now. Says what it did.
pub(crate) fn rotate(settings: &Settings, to: &Path) -> Result<ExitCode, Failure> {
    let failed = |source| FolderError::Io { path: to.to_owned(), source };
    let next = fs::read_to_string(to).map_err(failed)?;
    let next = SigningKey::from_base64(&next).map_err(Failure::EvidenceKey)?;
    let folder = match settings.nats {
        Some(_) => None,
        None => Some(DataFolder::take(&settings.storage.data)?),
    };
    let given = given(&settings.secrets)?;
    let is_kept = given.is_none();
    let last = match (given, &folder) {
        (Some(given), _) => Some(given),
        (None, Some(folder)) => kept(folder)?,
        (None, None) => None,
    };
    recover::now(async {
        let store = store(settings).await?.ok_or(Failure::NothingSigned)?;
        let kept =
            deployment::read(&*recover::store(settings).await?).await?.ok_or(Failure::NothingSigned)?;
        let board = Board::new(store, kept.record.id());
        // A rotation that was interrupted after the announcement goes on behind it.
        if board.keys().await?.last() != Some(next.public()) {
            board.announce(&next, last.as_ref(), SystemClock.now()).await?;
        }
        Ok(())
    })?;
    if let Some(folder) = folder.filter(|_| is_kept) {
        keep(&folder, &next)?;
    }
    let said = writeln!(
        io::stdout(),
        "the key {} signs from the next start on; give it as BERTH_EVIDENCE_KEY where the former one was given, and \
         destroy the former one",
        next.public().to_base64()
    );
    said.map_err(|source| Failure::System { what: "to write to the standard output", source })?;
    Ok(ExitCode::SUCCESS)
}

/// Where checkpoints are published; none if none ever was.
pub(crate) async fn store(settings: &Settings) -> Result<Option<Arc<dyn Checkpoints>>, Failure> {
    match &settings.nats {
        Some(nats) => nats_checkpoints(nats).await,
        None => Ok(Some(embedded_checkpoints(&settings.storage.data))),
    }
}

/// Lets what is signed from now on be another life of the log: the former one lost commits. Says which life it is, if
/// anything was signed before.
pub(crate) async fn begin_life(settings: &Settings, deployment: &str) -> Result<Option<u64>, Failure> {
    let Some(store) = store(settings).await? else { return Ok(None) };
    let board = Board::new(store, deployment);
    if board.keys().await?.last().is_none() {
        return Ok(None);
    }
    let life = board.begin_life("an operator accepted that commits are lost", &[], SystemClock.now()).await?;
    Ok(Some(life))
}
