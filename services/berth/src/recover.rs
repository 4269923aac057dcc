//! The operator's words: the log as it is now counts, and newer formats may be written.

use std::{
    fs,
    future::Future,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
};

use berth_bus::{DeploymentStore, Roster, member::Formats};
use berth_proto::WriteVersion;
use berth_runtime::{ConfigError, Role, Settings, SystemEntropy};

use crate::{
    deployment::{self, DeploymentRecord},
    evidence_key,
    failure::Failure,
    folder::{DataFolder, FolderError},
    wiring::{
        Remade, embedded_deployment, master_key, nats_border, nats_deployment, nats_members, remade_border,
    },
};

/// Whose formats follow from what the deployment writes.
const WRITERS: [Role; 3] = [Role::SessionAggregate, Role::Webhooks, Role::Gateway];

/// Whether a process of this role writes what the deployment is to write, from its start to its end.
pub(crate) fn writes_formats(role: Role) -> bool {
    WRITERS.iter().any(|writer| role.runs(*writer))
}

/// Whether the raise from a generation to the next has to wait for a process: it does not read the next one, or it writes an earlier one
/// still. What a process writes that writes none of them matters nothing.
fn holds_up(role: Role, Formats { reads, writes }: Formats, from: u16) -> bool {
    reads < deployment::next(from) || (writes_formats(role) && writes < from)
}

/// Whether commits need a tag from a generation on, and did not in the one before. All processes that run write them by then.
fn begins_tags(from: u16, next: u16) -> bool {
    let tags = |number| WriteVersion::new(number).is_some_and(WriteVersion::tagged_commits);
    tags(next) && !tags(from)
}

/// Throws away the views below the data folder and what they remember of the log, and lets the record of the
/// deployment expect nothing of the log any more; the next start takes the log as it is, and makes what is
/// absent. Refused while a process uses the folder. Says what it did.
pub(crate) fn accept_rollback(settings: &Settings) -> Result<ExitCode, Failure> {
    let data = &settings.storage.data;
    let mut held = Vec::new();
    // On NATS the record may be changed from a machine that has no process of the deployment.
    if data.is_dir() {
        held.push(DataFolder::take(data)?);
        for slot in slots(settings)? {
            held.push(DataFolder::take(&slot)?);
        }
    } else if settings.nats.is_none() {
        return Err(FolderError::Missing { path: data.clone() }.into());
    }
    for folder in &held {
        for role in Role::ALL {
            berth_views::accept_rollback(&folder.path().join(role.as_str()))?;
        }
        say(&format!(
            "the views in {} are thrown away and built again at the next start",
            folder.path().display()
        ))?;
    }
    now(async {
        let store = store(settings).await?;
        if settings.nats.is_none() {
            // Both the log and the keys may be gone.
            deployment::read_or_make(&*store, &SystemEntropy).await?;
        }
        let (before, after) = deployment::change(&*store, deployment::accept_rollback).await?;
        for (shard, seen) in &before.seen().0 {
            say(&format!(
                "shard {shard} of the log was seen up to commit {}; this is forgotten",
                seen.revision
            ))?;
        }
        say(&format!("the deployment {} takes the log as it is at the next start", after.id()))?;
        // After the record: a life too many does no harm, and one too few would look like a log that was changed.
        if let Some(life) = evidence_key::begin_life(settings, after.id()).await? {
            say(&format!(
                "checkpoints are of life {life} of the log from now on, and name the last ones before"
            ))?;
        }
        Ok(())
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Lets the deployment write the next generation of formats, if this release knows one. Says what it did. Refused while a process
/// runs that does not read it, or that writes formats and was not started since the last raise: what any two processes write is never
/// further apart than one.
pub(crate) fn upgrade(settings: &Settings) -> Result<ExitCode, Failure> {
    now(async {
        let store = store(settings).await?;
        let kept = deployment::read(&*store).await?.ok_or(Failure::KeysMissing)?;
        // Of a release before, which knows the number no more than it knows the formats.
        kept.record.deployment()?;
        let from = kept.record.write_version();
        let next = deployment::next(from);
        let members = members(settings).await?;
        if next != from {
            for (seat, present) in members.members() {
                let Formats { reads, writes } = present.member.status.formats;
                if holds_up(seat.role, present.member.status.formats, from) {
                    let (member, address) = (seat.to_string(), present.member.address.clone());
                    return Err(Failure::Behind { member, address, reads, writes, next });
                }
            }
        }
        let border = match &settings.nats {
            Some(nats) if begins_tags(from, next) => match nats_border(nats, settings, &kept.record).await {
                // Somebody else was faster.
                Err(Failure::WentBack { written, .. }) if recorded(&*store).await? >= written => None,
                border => Some(border?),
            },
            _ => None,
        };
        let raise = |record: &mut DeploymentRecord| deployment::upgrade(record, from, border.as_ref());
        let (before, after) = deployment::change(&*store, raise).await?;
        let (from, to) = (before.write_version(), after.write_version());
        let id = after.id();
        if from == to {
            return say(&format!("the deployment {id} writes formats of generation {to} already"));
        }
        say(&format!(
            "the deployment {id} writes formats of generation {to} instead of {from} from the next start of each process"
        ))?;
        for (seat, present) in members.members().filter(|(seat, _)| writes_formats(seat.role)) {
            say(&format!("to be started again: {seat} at {}", present.member.address))?;
        }
        Ok(())
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Records anew where tags became obligatory, as the log says, for a record that lost it; only says what it would record if it is to run
/// dry. Refused while a process runs, and without the master key.
pub(crate) fn remake_border(settings: &Settings, dry_run: bool) -> Result<ExitCode, Failure> {
    let needed = || ConfigError::missing("nats_url", "only a log on NATS has authentication tags");
    let nats = settings.nats.as_ref().ok_or_else(needed)?;
    master_key(settings)?;
    now(async {
        let store = store(settings).await?;
        let record = deployment::read(&*store).await?.ok_or(Failure::KeysMissing)?.record;
        nobody_runs(settings).await?;
        let Some(Remade { written, places, tagged, border }) = remade_border(nats, settings, &record).await?
        else {
            return say(
                "no commit of the log was written where each one needs a tag: nothing is to be recorded",
            );
        };
        for (shard, place) in places {
            let why =
                if tagged.contains(&shard) { "where the first stands that had to" } else { "all of it" };
            say(&format!("shard {shard}: commits up to {place} need no tag ({why})"))?;
        }
        if dry_run {
            return say("nothing was recorded");
        }
        // Whoever began meanwhile may have recorded more than was found.
        nobody_runs(settings).await?;
        let remake = |now: &mut DeploymentRecord| {
            if *now == record {
                deployment::remake_border(now, written, &border);
            }
        };
        let (before, after) = deployment::change(&*store, remake).await?;
        if before != record {
            return Err(Failure::Contended);
        }
        say(&format!(
            "the deployment {} writes formats of generation {}, and takes no other commit without a tag",
            after.id(),
            after.write_version()
        ))
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn nobody_runs(settings: &Settings) -> Result<(), Failure> {
    match members(settings).await?.members().next() {
        Some((seat, present)) => {
            Err(Failure::Runs { member: seat.to_string(), address: present.member.address.clone() })
        }
        None => Ok(()),
    }
}

/// The generation that is recorded now.
async fn recorded(store: &dyn DeploymentStore) -> Result<u16, Failure> {
    Ok(deployment::read(store).await?.ok_or(Failure::KeysMissing)?.record.write_version())
}

/// The processes that run, on NATS. A folder has one, which is another one once it starts again.
async fn members(settings: &Settings) -> Result<Roster, Failure> {
    match &settings.nats {
        Some(nats) => nats_members(nats).await,
        None => Ok(Roster::default()),
    }
}

/// The record of the deployment.
pub(crate) async fn store(settings: &Settings) -> Result<Arc<dyn DeploymentStore>, Failure> {
    match &settings.nats {
        Some(nats) => nats_deployment(nats).await,
        None => Ok(embedded_deployment(&settings.storage.data)),
    }
}

/// Runs what waits for a store to its end.
pub(crate) fn now<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|source| Failure::System { what: "to start a runtime", source })?.block_on(work)
}

fn say(sentence: &str) -> Result<(), Failure> {
    writeln!(io::stdout(), "{sentence}")
        .map_err(|source| Failure::System { what: "to write to the standard output", source })
}

/// Folders of processes of a deployment on NATS.
fn slots(settings: &Settings) -> Result<Vec<PathBuf>, FolderError> {
    let data = &settings.storage.data;
    let failed = |source| FolderError::Io { path: data.clone(), source };
    let mut slots = Vec::new();
    for entry in fs::read_dir(data).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if Role::ALL.iter().any(|role| name.starts_with(&format!("{role}-"))) && path.is_dir() {
            slots.push(path);
        }
    }
    Ok(slots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_raise_waits_for_whoever_cannot_read_it_and_for_those_that_it_told_to_start_again() {
        let of = |role, reads, writes| holds_up(role, Formats { reads, writes }, 2);
        for role in Role::ALL {
            assert!(of(role, 2, 2), "{role} does not read generation 3");
            assert!(!of(role, 3, 2), "{role}");
            assert_eq!(
                of(role, 3, 1),
                writes_formats(role),
                "{role}: only those were named by the raise before"
            );
        }
        assert!(!writes_formats(Role::Connector) && !writes_formats(Role::Projections));
    }
}
