//! A whole deployment as one file of lines, and back: `berth export`, `berth import`.
//!
//! `line` is the format, `read` takes lines off a file, `write` makes them from what there is (`source`), `check` says whether
//! a file is whole and right before anything is done with it, `fill` copies it into a deployment that has nothing yet
//! (`target`). Both commands know ports only, so each goes from either engine to either engine.

mod check;
mod fault;
mod fill;
mod line;
mod merge;
mod read;
mod source;
mod target;
mod write;

use std::{
    fs::File,
    io::{self, Write},
    os::fd::AsFd,
    path::Path,
    process::ExitCode,
};

use berth_runtime::Settings;
use tokio::io::AsyncWriteExt;

pub(crate) use self::fault::Fault;
use self::{
    check::{Checked, check},
    fill::Fill,
    source::{From, Source},
    target::{Begun, Target},
};
use crate::{failure::Failure, recover::now};

/// Bytes that are gathered before they are written.
const BUFFER_BYTES: usize = 256 * 1_024;

/// Writes the whole deployment to the standard output, and what it was to the standard error.
pub(crate) fn export(settings: &Settings) -> Result<ExitCode, Failure> {
    let written = now(async {
        let source = Source::open(settings).await?;
        let out = io::stdout().as_fd().try_clone_to_owned().map_err(unwritten)?;
        let out = tokio::fs::File::from_std(File::from(out));
        let mut out = tokio::io::BufWriter::with_capacity(BUFFER_BYTES, out);
        let written = write::write(&source, &mut out).await?;
        out.flush().await.map_err(unwritten)?;
        Ok(written)
    })?;
    progress(&format!(
        "exported {} commits, {} keys and the material of {} devices; what is decided from now on is not in it. It holds \
         wrapped keys: destroy it when it was imported, or an erasure is none",
        written.commits, written.keys, written.devices
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// Fills a deployment that has nothing yet from a file, or from the folder of an embedded one. Nothing is written before all of
/// it was read and found right.
pub(crate) fn import(settings: &Settings, from: &Path, reshard: bool) -> Result<ExitCode, Failure> {
    now(async {
        let from = From::open(settings, from).await?;
        let master = from.master_key(settings)?;
        let checked = check(&mut from.lines().await?, &master).await?;
        told(&checked)?;
        let shards = settings.storage.log_shards;
        if shards != checked.header.shards && !reshard {
            return Err(Failure::OtherShards { exported: checked.header.shards, asked: shards });
        }
        let evidence_key = from.evidence_key(settings, &checked)?;
        let (target, begun) = Target::open(settings, &checked).await?;
        match begun {
            Begun::Before => return say("this export was imported here before: nothing was changed"),
            Begun::Further => progress("an import of this export was interrupted here: going on")?,
            Begun::Now => {}
        }
        Fill::new(&target, &checked, shards).await?.fill(&mut from.lines().await?).await?;
        target.finish(settings, &from, &checked, &master, evidence_key.as_ref()).await?;
        say(&format!(
            "imported {} commits of the deployment {} into {}",
            checked.commits,
            checked.header.deployment,
            target.place()
        ))
    })?;
    Ok(ExitCode::SUCCESS)
}

fn told(checked: &Checked) -> Result<(), Failure> {
    let Checked { commits, signed, damaged, .. } = checked;
    progress(&format!("the export is whole: {commits} commits, {signed} of which are as they were signed"))?;
    if *damaged > 0 {
        progress(&format!(
            "{damaged} commits are damaged or forged, as they were in the deployment: they are taken over as they are"
        ))?;
    }
    Ok(())
}

/// What was done.
fn say(sentence: &str) -> Result<(), Failure> {
    writeln!(io::stdout(), "{sentence}").map_err(unwritten)
}

/// How far it is.
fn progress(sentence: &str) -> Result<(), Failure> {
    writeln!(io::stderr(), "berth: {sentence}").map_err(unwritten)
}

const fn unwritten(source: io::Error) -> Failure {
    Failure::System { what: "to write what was asked for", source }
}
