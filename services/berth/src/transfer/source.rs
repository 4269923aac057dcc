//! Where an export comes from: a deployment, or a file that one was written to.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use berth_bus::KeyStore;
use berth_evidence::{BoardError, SigningKey};
use berth_proto::Hash;
use berth_runtime::{ConfigError, MasterKey, Settings, SystemEntropy};
use tokio::io::{AsyncWriteExt, BufReader, duplex};

use super::{check::Checked, fault::Fault, read::Lines, write::write};
use crate::{
    credentials::Credentials,
    deployment::{self, DeploymentRecord},
    evidence_key,
    failure::Failure,
    folder::{DataFolder, FolderError},
    root::{self, Opening},
    wiring::{Parts, embedded_parts, nats_parts},
};

/// Bytes between who writes an export and who reads it, where both are one process.
const PIPE_BYTES: usize = 1_024 * 1_024;

/// A deployment that is exported.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) parts: Parts,
    pub(super) record: DeploymentRecord,
    /// As it was given.
    pub(super) master: MasterKey,
    /// What the deployment knows of its root key, if that is known here.
    pub(super) root_key_digest: Option<Hash>,
}

/// What is imported from.
#[derive(Debug)]
pub(super) enum From {
    /// A file that `berth export` wrote.
    File(PathBuf),
    /// The data folder of an embedded deployment that was stopped.
    Folder(Arc<Source>),
}

/// The lines of an export that is read.
pub(super) struct Opened {
    pub(super) lines: Lines,
    /// Which file it is.
    path: PathBuf,
    /// Why whoever writes the lines could not go on.
    failed: Arc<Mutex<Option<Failure>>>,
}

// === impl Source ===

impl Source {
    /// The deployment of these settings. An embedded one must be stopped.
    pub(super) async fn open(settings: &Settings) -> Result<Self, Failure> {
        let Some(nats) = &settings.nats else {
            return Self::of_folder(settings, &settings.storage.data).await;
        };
        let missing = || ConfigError::missing("master_key", "the one that the deployment is used with");
        let master = settings.secrets.master_key.clone().ok_or_else(missing)?;
        let whose = async |keys: &Arc<dyn KeyStore>, record: &DeploymentRecord| {
            let rooted = root::open(&master, keys, Opening::BEGUN, &SystemEntropy).await?;
            Ok((rooted.log_key(), record.write_version()))
        };
        let parts = nats_parts(nats, settings.storage.log_shards, false, whose).await?;
        Self::of(settings, parts, master).await
    }

    async fn of_folder(settings: &Settings, path: &Path) -> Result<Self, Failure> {
        let folder = DataFolder::take_existing(path)?;
        if deployment::read(&*crate::wiring::embedded_deployment(path)).await?.is_none() {
            return Err(Failure::NothingThere { folder: path.to_owned() });
        }
        let master = match &settings.secrets.master_key {
            Some(given) => given.clone(),
            None => folder.master_key(&SystemEntropy)?,
        };
        let parts = embedded_parts(folder, None).await?;
        Self::of(settings, parts, master).await
    }

    async fn of(settings: &Settings, parts: Parts, master: MasterKey) -> Result<Self, Failure> {
        let rooted = root::open(&master, &parts.keys, Opening::BEGUN, &SystemEntropy).await?;
        let kept = deployment::read(&*parts.store).await?.ok_or(Failure::KeysMissing)?;
        kept.record.check_import()?;
        let kept_digest = parts.folder.as_ref().map(Credentials::kept_digest).transpose()?.flatten();
        let given = Credentials::digest_of_given(&settings.secrets, &rooted);
        Ok(Self { parts, record: kept.record, master, root_key_digest: given.or(kept_digest) })
    }
}

// === impl From ===

impl From {
    /// What is at this path.
    pub(super) async fn open(settings: &Settings, path: &Path) -> Result<Self, Failure> {
        if path.is_dir() {
            return Ok(Self::Folder(Arc::new(Source::of_folder(settings, path).await?)));
        }
        Ok(Self::File(path.to_owned()))
    }

    /// The folder, if it is one.
    pub(super) fn folder(&self) -> Option<&DataFolder> {
        match self {
            Self::File(_) => None,
            Self::Folder(source) => source.parts.folder.as_ref(),
        }
    }

    /// The master key that opens it.
    pub(super) fn master_key(&self, settings: &Settings) -> Result<MasterKey, Failure> {
        match self {
            Self::Folder(source) => Ok(source.master.clone()),
            Self::File(_) => {
                let missing =
                    || ConfigError::missing("master_key", "the one of the deployment that was exported");
                Ok(settings.secrets.master_key.clone().ok_or_else(missing)?)
            }
        }
    }

    /// The key that goes on signing: as it is given, else that of the folder. An embedded deployment would make another one at
    /// its first start, which signs nothing, so it has to be given there.
    pub(super) fn evidence_key(
        &self,
        settings: &Settings,
        checked: &Checked,
    ) -> Result<Option<SigningKey>, Failure> {
        let given = evidence_key::given(&settings.secrets)?;
        let key = match (given, self.folder()) {
            (Some(given), _) => Some(given),
            (None, Some(folder)) => evidence_key::kept(folder)?,
            (None, None) => None,
        };
        match (&key, checked.keys.last()) {
            (Some(key), Some(last)) if key.public() != last => Err(BoardError::AnotherKey.into()),
            (None, Some(_)) if settings.nats.is_none() => Err(Failure::EvidenceKeyNeeded),
            _ => Ok(key),
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a command runs no services: the task ends with its reader"
    )]
    /// Its lines, from the first. They are the same each time: a folder is held meanwhile.
    pub(super) async fn lines(&self) -> Result<Opened, Failure> {
        let failed = Arc::<Mutex<Option<Failure>>>::default();
        match self {
            Self::File(path) => {
                let file = tokio::fs::File::open(path).await;
                let file = file.map_err(|source| FolderError::Io { path: path.clone(), source })?;
                let lines = Lines::of(Box::new(BufReader::with_capacity(PIPE_BYTES, file)));
                Ok(Opened { lines, path: path.clone(), failed })
            }
            Self::Folder(source) => {
                let (mut to, from) = duplex(PIPE_BYTES);
                let (source, told) = (Arc::clone(source), Arc::clone(&failed));
                let path = source.parts.folder.as_ref().map(|folder| folder.path().to_owned());
                // It ends with its reader; what went wrong is told before the pipe ends.
                tokio::task::spawn(async move {
                    if let Err(failure) = write(&source, &mut to).await {
                        *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
                    }
                    let _gone = to.shutdown().await;
                });
                let lines = Lines::of(Box::new(BufReader::with_capacity(PIPE_BYTES, from)));
                Ok(Opened { lines, path: path.unwrap_or_default(), failed })
            }
        }
    }
}

// === impl Opened ===

impl Opened {
    /// What reading came to: if whoever writes could not go on, that is why.
    pub(super) fn outcome<T>(&self, read: Result<T, Fault>) -> Result<T, Failure> {
        match self.failed.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(failure) => Err(failure),
            None => read.map_err(|source| Failure::Export { path: self.path.clone(), source }),
        }
    }
}
