//! `berthctl cluster …`

use clap::Subcommand;
use serde_json::Value;

use crate::{
    failure::Failure,
    json::Fields,
    output::{Column, moment, plain},
    session::Session,
};

/// A role.
const ROLES: [Column; 4] = [
    Column { head: "role", cell: |role| plain(role.at("role")) },
    Column { head: "members", cell: |role| plain(role.at("members")) },
    Column { head: "partitions", cell: |role| plain(role.at("partitions_owned")) },
    Column { head: "without it", cell: |role| plain(role.at("without_it")) },
];
/// A process.
const MEMBERS: [Column; 8] = [
    Column { head: "id", cell: |member| plain(member.at("id")) },
    Column { head: "role", cell: |member| plain(member.at("role")) },
    Column { head: "address", cell: |member| plain(member.at("address")) },
    Column { head: "version", cell: |member| plain(member.at("version")) },
    Column { head: "since (UTC)", cell: |member| moment(member.at("since")) },
    Column { head: "ready", cell: |member| plain(member.at("ready")) },
    Column {
        head: "cores",
        cell: |member| format!("{:.1}", member.at("cores").as_f64().unwrap_or_default()),
    },
    Column { head: "behind", cell: |member| format!("{:.1} s", longest(member.at("lag_seconds"))) },
];

/// Seconds that the follower is behind which is behind most.
fn longest(lags: &Value) -> f64 {
    let lags = lags.as_object().into_iter().flat_map(serde_json::Map::values).filter_map(Value::as_f64);
    lags.fold(0.0, f64::max)
}

/// What can be seen of the deployment; all of it with the root key.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Show whether somebody does the work of each role; ends with 1 if not.
    Status,
    /// List the processes.
    #[command(visible_alias = "ls")]
    Members,
}

impl Verb {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let cluster = session.client.get(&["v1", "cluster"]).await?;
        match self {
            Self::Members => session.out.list(&cluster, cluster.list("members"), &MEMBERS),
            Self::Status => {
                session.out.list(&cluster, cluster.list("roles"), &ROLES)?;
                let absent = cluster.list("roles").iter().filter(|role| !role.at("without_it").is_null());
                let absent: Vec<_> = absent.map(|role| role.text("role")).collect();
                if absent.is_empty() {
                    return Ok(());
                }
                Err(Failure::NotSo(format!("nobody does the work of {}", absent.join(", "))))
            }
        }
    }
}
