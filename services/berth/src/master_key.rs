//! Another master key in the place of the one that is used: first both are accepted, then the former one is retired.

use std::{
    fs,
    io::{self, Write},
    path::Path,
    process::ExitCode,
    sync::Arc,
};

use berth_bus::{KeyStore, local::FileKeyStore};
use berth_runtime::{ConfigError, MasterKey, Settings, SystemEntropy};

use crate::{
    failure::Failure,
    folder::{DataFolder, FolderError, MASTER_KEY_FILE},
    recover, root,
    root::Opening,
    wiring::nats_keys,
};

/// Where the folder has the former master key until that is retired.
const FORMER_FILE: &str = "master.key.former";

/// The keys of a deployment, and the master key that it is used with.
struct Opened {
    store: Arc<dyn KeyStore>,
    rooted: MasterKey,
    /// The folder that keeps the master key, if no setting gives it.
    keeper: Option<DataFolder>,
}

/// Lets the master key in a file open what the present one opens. Says what is to be done then.
pub(crate) fn rotate(settings: &Settings, to: &Path) -> Result<ExitCode, Failure> {
    let next = read(to)?;
    let is_kept = recover::now(async {
        let Opened { store, rooted, keeper } = open(settings).await?;
        root::wrap(&rooted.root(), &next, &*store).await?;
        let Some(folder) = keeper else { return Ok(false) };
        // Nobody else uses it, so that the former one need not be accepted meanwhile. It stays beside until it is retired, so
        // that whoever was interrupted can go on.
        if rooted.root_owner() != next.root_owner() {
            folder.write_secret(FORMER_FILE, line(&rooted).as_bytes())?;
            folder.write_secret(MASTER_KEY_FILE, line(&next).as_bytes())?;
        }
        let path = folder.path().join(FORMER_FILE);
        if path.is_file() {
            root::retire(&read(&path)?, &next.rooted(&rooted.root()), &*store).await?;
            fs::remove_file(&path).map_err(|source| FolderError::Io { path: path.clone(), source })?;
        }
        Ok(true)
    })?;
    said(if is_kept {
        "the new master key is in the data folder, and the former one opens nothing any more"
    } else {
        "both master keys are accepted now: start every process with the new one, then run `berth keys retire` with it, \
         and destroy the former one"
    })
}

/// Ends what the master key in a file may open.
pub(crate) fn retire(settings: &Settings, former: &Path) -> Result<ExitCode, Failure> {
    let former = read(former)?;
    recover::now(async {
        let Opened { store, rooted, .. } = open(settings).await?;
        root::retire(&former, &rooted, &*store).await
    })?;
    said("the former master key opens nothing any more")
}

async fn open(settings: &Settings) -> Result<Opened, Failure> {
    let given = settings.secrets.master_key.clone();
    let (store, master, keeper): (Arc<dyn KeyStore>, _, _) = match &settings.nats {
        Some(nats) => {
            let missing = || ConfigError::missing("master_key", "the one that the deployment is used with");
            (nats_keys(nats).await?, given.ok_or_else(missing)?, None)
        }
        None => {
            let folder = DataFolder::take_existing(&settings.storage.data)?;
            let store = Arc::new(FileKeyStore::open(folder.path().join("keys")).await?);
            match given {
                Some(given) => (store, given, None),
                None => (store, folder.master_key(&SystemEntropy)?, Some(folder)),
            }
        }
    };
    let rooted = root::open(&master, &store, Opening::BEGUN, &SystemEntropy).await?;
    Ok(Opened { store, rooted, keeper })
}

fn line(key: &MasterKey) -> String {
    format!("{}\n", key.to_base64())
}

fn read(file: &Path) -> Result<MasterKey, Failure> {
    let failed = |source| FolderError::Io { path: file.to_owned(), source };
    let text = fs::read_to_string(file).map_err(failed)?;
    Ok(MasterKey::from_base64(&text).map_err(|_| FolderError::MasterKey { path: file.to_owned() })?)
}

fn said(text: &str) -> Result<ExitCode, Failure> {
    let said = writeln!(io::stdout(), "{text}");
    said.map_err(|source| Failure::System { what: "to write to the standard output", source })?;
    Ok(ExitCode::SUCCESS)
}
