//! The least permissions of each role on NATS, as a part of its configuration. They name the streams of the shards of the
//! log, so they follow from their number.

/// The configuration; a line with [`EACH_SHARD`] stands for one for each shard.
const TEMPLATE: &str = include_str!("permissions.conf");
/// Before a subject that there is one of for each shard, and what stands for the shard in it.
const EACH_SHARD: &str = "@shards \"";
const SHARD: &str = "@";
/// The number of shards, anywhere else.
const SHARDS: &str = "@shards";

/// The permissions for a log of so many shards.
pub(crate) fn of(shards: u8) -> String {
    let mut text = String::with_capacity(TEMPLATE.len() * 2);
    for line in TEMPLATE.lines() {
        match line.split_once(EACH_SHARD) {
            Some((indent, subject)) => text.push_str(&for_each(shards, indent, subject)),
            None => text.push_str(&line.replace(SHARDS, &shards.to_string())),
        }
        text.push('\n');
    }
    text
}

/// Two subjects on a line.
fn for_each(shards: u8, indent: &str, subject: &str) -> String {
    let subjects: Vec<_> =
        (0..shards).map(|shard| format!("\"{}", subject.replace(SHARD, &shard.to_string()))).collect();
    let lines: Vec<_> = subjects.chunks(2).map(|pair| format!("{indent}{}", pair.join(", "))).collect();
    lines.join("\n")
}
