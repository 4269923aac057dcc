//! `berthctl checkpoint …` and `berthctl proof`

use clap::{Args, Subcommand};

use super::named;
use crate::{
    failure::Failure,
    http::Ask,
    json::Fields,
    output::{Column, moment, plain},
    session::Session,
};

/// Checkpoints that are asked for at once.
const PAGE: usize = 100;
/// What is to be known of one.
const COLUMNS: [Column; 5] = [
    Column { head: "shard", cell: |checkpoint| plain(checkpoint.at("shard")) },
    Column { head: "number", cell: |checkpoint| plain(checkpoint.at("number")) },
    Column { head: "commits", cell: |checkpoint| plain(checkpoint.at("size")) },
    Column { head: "root", cell: |checkpoint| plain(checkpoint.at("root")) },
    Column { head: "published (UTC)", cell: |checkpoint| moment(checkpoint.at("published_at")) },
];
/// What is to be known of a proof.
const PROOF: [Column; 5] = [
    Column { head: "version", cell: |proof| plain(proof.at("version")) },
    Column { head: "leaf", cell: |proof| plain(proof.at("leaf")) },
    Column { head: "place", cell: |proof| plain(proof.at("index")) },
    Column { head: "commits", cell: |proof| plain(proof.at("checkpoint").at("size")) },
    Column { head: "root", cell: |proof| plain(proof.at("checkpoint").at("root")) },
];

const EXAMPLES: &str = "\
Examples:
  Keep what is signed now, apart from Berth; it proves later that nothing before
  it was changed:
    berthctl checkpoint ls -o json > checkpoints-$(date +%F).json

  That the log of today begins with the 1024 commits of shard 0 of that day:
    berthctl checkpoint prove 0 --from 1024 --to 2048 -o json";

/// What can be asked of what is signed about the log.
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum Verb {
    /// Show the last checkpoint of each shard, and with -o json the keys that sign.
    #[command(visible_alias = "list")]
    Ls,
    /// List all checkpoints of a shard.
    Log {
        /// The shard: a number from 0.
        shard: u8,
    },
    /// Prove that a later tree of a shard begins with an earlier one.
    Prove {
        /// The shard: a number from 0.
        shard: u8,
        /// How many commits the earlier tree has.
        #[arg(long, value_name = "COMMITS")]
        from: u64,
        /// How many commits the later tree has.
        #[arg(long, value_name = "COMMITS")]
        to: u64,
    },
}

impl Verb {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::Ls => {
                let latest = session.client.get(&["v1", "checkpoints"]).await?;
                if let Some(trouble) = latest.at("trouble").as_str() {
                    crate::http::tell(&format!("not all of it is signed: {}", crate::output::clean(trouble)));
                }
                session.out.list(&latest, latest.list("checkpoints"), &COLUMNS)
            }
            Self::Log { shard } => log(session, &shard.to_string()).await,
            Self::Prove { shard, from, to } => {
                let ask = Ask::get(&["v1", "checkpoints", &shard.to_string(), "consistency"])
                    .query("from", Some(from))
                    .query("to", Some(to));
                let proof = session.client.send(ask).await?.body;
                let hashes = proof.list("path").len();
                let sentence = format!(
                    "The gateway says how the first {from} commits are in {to}, with {hashes} hashes: -o json shows them."
                );
                session.out.one(&proof, Some(&sentence), &[])
            }
        }
    }
}

/// Lists every page.
async fn log(session: &Session, shard: &str) -> Result<(), Failure> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let ask = Ask::get(&["v1", "checkpoints", shard]).query("limit", Some(PAGE)).query("after", after);
        let mut page = session.client.send(ask).await?.body;
        all.extend(page.take_list("checkpoints"));
        after = page.at("next_after").as_u64();
        if after.is_none() {
            let whole = serde_json::json!({ "checkpoints": all });
            return session.out.list(&whole, whole.list("checkpoints"), &COLUMNS);
        }
    }
}

const PROOF_EXAMPLES: &str = "\
Examples:
  berthctl proof shop
  berthctl proof shop --version 3 -o json > proof.json";

/// Show the proof that a commit of an instance is in the log that the last checkpoint signs.
#[derive(Debug, Args)]
#[command(after_help = PROOF_EXAMPLES)]
pub(crate) struct Proof {
    /// Its id, name or number; after a delete its id.
    instance: String,
    /// The version of the commit; the last one if it is left out.
    #[arg(long, value_name = "VERSION", id = "commit")]
    version: Option<u64>,
}

impl Proof {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let ask =
            Ask::get(&["v1", "instances", named(&self.instance)?, "proof"]).query("version", self.version);
        let proof = session.client.send(ask).await?.body;
        session.out.one(&proof, None, &PROOF)
    }
}
