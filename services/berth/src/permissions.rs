//! The least permissions of each role on NATS, as a part of its configuration, and those of the accounts whose programs are
//! let in, and of workers. They name the streams of the shards of the log, so they follow from their number.

use std::{collections::BTreeSet, ops::RangeInclusive};

use berth_bus::nats::reader_name;
use berth_proto::AccountId;

/// The configuration; a line with [`EACH_SHARD`] stands for one for each shard.
const TEMPLATE: &str = include_str!("permissions.conf");
/// Before a subject that there is one of for each shard, and what stands for the shard in it.
const EACH_SHARD: &str = "@shards \"";
const SHARD: &str = "@";
/// The number of shards, anywhere else.
const SHARDS: &str = "@shards";
/// What Berth exports to an account, and the account; a line with [`EACH_READER`] stands for one for each of its readers.
const EXPORTS: &str = include_str!("account_exports.conf");
const ACCOUNT: &str = include_str!("account.conf");
/// A worker.
const WORKER: &str = include_str!("worker.conf");
/// The lines in the configuration where these go.
const OF_EXPORTS: &str = "    @exports";
const OF_ACCOUNTS: &str = "  @accounts";
const OF_WORKERS: &str = "      @workers";
const EACH_READER: &str = "@readers ";

/// Who is let in beside the roles: accounts with their programs, how many durable readers of public events each has, and
/// workers by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Guests {
    pub(crate) accounts: Vec<AccountId>,
    pub(crate) readers: u8,
    pub(crate) workers: BTreeSet<String>,
}

impl Guests {
    /// Every reader of every account, by the account and its number.
    pub(crate) fn readers(&self) -> impl Iterator<Item = (AccountId, u8)> {
        let numbers = self.numbers();
        self.accounts.iter().flat_map(move |account| numbers.clone().map(move |number| (*account, number)))
    }

    const fn numbers(&self) -> RangeInclusive<u8> {
        1..=self.readers
    }

    /// The lines of a template, for each account.
    fn fill(&self, template: &str) -> Vec<String> {
        let mut lines = Vec::new();
        for account in &self.accounts {
            let id = account.to_string();
            for line in template.lines() {
                let line = line.replace("@account", &id).replace("@ACCOUNT", &id.to_uppercase());
                match line.split_once(EACH_READER) {
                    Some((indent, rest)) => lines.extend(self.numbers().map(|number| {
                        format!("{indent}{}", rest.replace("@reader", &reader_name(*account, number)))
                    })),
                    None => lines.push(line),
                }
            }
        }
        lines
    }
}

/// The permissions for a log of so many shards, and for these accounts.
pub(crate) fn of(shards: u8, guests: &Guests) -> String {
    let mut lines = Vec::new();
    for line in TEMPLATE.lines() {
        match (line, line.split_once(EACH_SHARD)) {
            (OF_EXPORTS | OF_ACCOUNTS, _) if guests.accounts.is_empty() => {}
            (OF_EXPORTS, _) => {
                lines.push("    exports = [".to_owned());
                lines.extend(guests.fill(EXPORTS));
                lines.push("    ]".to_owned());
            }
            (OF_ACCOUNTS, _) => lines.extend(guests.fill(ACCOUNT)),
            (OF_WORKERS, _) => lines.extend(guests.workers.iter().flat_map(|name| of_worker(name))),
            (_, Some((indent, subject))) => lines.push(for_each(shards, indent, subject)),
            (_, None) => lines.push(line.replace(SHARDS, &shards.to_string())),
        }
    }
    lines.join("\n") + "\n"
}

/// The lines of a worker. What stands for its password is the name of a variable, which has no hyphens.
fn of_worker(name: &str) -> Vec<String> {
    let variable = name.to_uppercase().replace('-', "_");
    let filled = WORKER.lines().map(|line| line.replace("@WORKER", &variable).replace("@worker", name));
    filled.collect()
}

/// Two subjects on a line.
fn for_each(shards: u8, indent: &str, subject: &str) -> String {
    let subjects: Vec<_> =
        (0..shards).map(|shard| format!("\"{}", subject.replace(SHARD, &shard.to_string()))).collect();
    let lines: Vec<_> = subjects.chunks(2).map(|pair| format!("{indent}{}", pair.join(", "))).collect();
    lines.join("\n")
}
