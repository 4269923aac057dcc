//! `berth provision`: the streams on NATS, and who may do what there.

use std::{
    collections::BTreeSet,
    io::{self, Write},
    process::ExitCode,
};

use berth_bus::{
    cluster::{Engine, StreamStands},
    nats::reader_name,
};
use berth_runtime::{ConfigError, Settings};

use crate::{
    cli::Provision,
    failure::Failure,
    permissions::{self, Guests},
    recover::now,
    wiring::provision_nats,
};

/// Makes or checks the streams and says how they stand, or prints the permissions.
pub(crate) fn provision(settings: &Settings, what: &Provision) -> Result<ExitCode, Failure> {
    let Provision { permissions, guests } = what;
    let text = if *permissions {
        permissions::of(settings.storage.log_shards, guests)
    } else {
        let nats = settings.nats.as_ref().ok_or_else(|| {
            ConfigError::missing("nats_url", "the embedded engine has nothing to provision")
        })?;
        let (before, after) = now(provision_nats(nats, settings.storage.log_shards, guests))?;
        told(&before, &after, usize::from(nats.replicas), guests)
    };
    io::stdout()
        .write_all(text.as_bytes())
        .map_err(|source| Failure::System { what: "to write to the standard output", source })?;
    Ok(ExitCode::SUCCESS)
}

/// What was made, how everything stands, and what can be lost.
fn told(before: &Engine, after: &Engine, replicas: usize, guests: &Guests) -> String {
    let there: BTreeSet<_> = before.streams.iter().map(|stream| &stream.name).collect();
    let width = after.streams.iter().map(|stream| stream.name.len()).max().unwrap_or_default();
    let line = |stream: &StreamStands| {
        let made = if there.contains(&stream.name) { "is there" } else { "was made" };
        let StreamStands { name, replicas, messages, is_on_disk, .. } = stream;
        let kept = if *is_on_disk { "files" } else { "memory" };
        format!("{name:width$}  {made}, on {replicas} server(s), in {kept}, {messages} message(s)")
    };
    let mut lines: Vec<_> = after.streams.iter().map(line).collect();
    lines.extend(guests.readers().map(|(account, number)| {
        format!("{} is a reader of the public events of {account}", reader_name(account, number))
    }));
    let version = after.version.as_deref().unwrap_or("unknown");
    lines.push(format!("NATS {version}; syncs {}", after.sync));
    lines.extend(after.risks().into_iter().map(|risk| format!("warning: {risk}")));
    for stream in after.streams.iter().filter(|stream| stream.replicas != replicas) {
        let StreamStands { name, replicas: found, .. } = stream;
        lines.push(format!(
            "warning: {name} has {found} replica(s), and {replicas} are set: `nats stream edit {name} --replicas={replicas}`"
        ));
    }
    lines.join("\n") + "\n"
}
