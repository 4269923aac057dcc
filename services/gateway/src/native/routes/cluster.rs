//! `GET /v1/cluster`: the operator's, with the root key.

use std::collections::BTreeMap;

use axum::{extract::State, http::StatusCode, response::Response};
use berth_bus::{
    Lease, Roster, Seat,
    cluster::{Claimed, Engine, StreamStands},
    member::{Present, Status},
};
use berth_runtime::Role;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::{App, Failure, Principal},
    native::{
        call::Caller,
        problem::Problem,
        render::{answer, time},
        words,
    },
};

/// The deployment: its processes, who owns what, and what lies below.
#[derive(Debug, Serialize, ToSchema)]
#[schema(examples(json!({
    "members": [{
        "id": "9f86d081884c7d65", "role": "session-aggregate", "address": "10.0.0.7:8480", "version": "0.1.0",
        "since": "2026-11-21T10:07:39.299288Z", "leaving": false, "cores": 0.4, "ready": true,
        "says": { "formats": "writes generation 3", "session-aggregate": "serving commands; owning 64 of 64 partitions" },
        "lag_seconds": { "agenda": 0.0 }, "lag_commits": { "agenda": 0, "evidence": 0 }, "rebuild_lag_commits": {}, "due": { "jobs": 0.0 },
        "formats": { "reads": 3, "writes": 3 }
    }],
    "roles": [{ "role": "session-aggregate", "members": 1, "partitions_owned": 64, "without_it": null }],
    "partitions": [{
        "role": "session-aggregate", "partition": 0, "epoch": 1_795_687_659, "owner": "9f86d081884c7d65", "is_alive": true
    }],
    "engine": {
        "kind": "nats", "version": "2.15.1", "sync": "as the servers are configured",
        "streams": [{
            "name": "BERTH_LOG_0", "leader": "n1", "replicas": 3, "current": 3, "is_on_disk": true, "messages": 12,
            "bytes": 11042
        }],
        "risks": []
    }
})))]
pub(super) struct ClusterBody {
    /// The processes that are alive, with what each said of itself within the last two seconds.
    members: Vec<MemberBody>,
    /// The roles, and whether somebody does their work.
    roles: Vec<RoleBody>,
    /// Every partition of every role that owns something, with its fencing epoch.
    partitions: Vec<PartitionBody>,
    /// What keeps the log and the rest.
    engine: EngineBody,
}

/// A process.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MemberBody {
    /// Its name, which it keeps when it starts again.
    id: String,
    /// What it runs; `serve` is every role.
    role: &'static str,
    /// Where it listens.
    address: String,
    /// Its release.
    version: String,
    /// When it started.
    since: String,
    /// Whether it is about to stop: it owns nothing more then.
    leaving: bool,
    /// Processor cores that it used lately.
    cores: f32,
    /// Whether its `/readyz` is 200.
    ready: bool,
    /// What its `/readyz` says, by part.
    says: BTreeMap<String, String>,
    /// Seconds that each of its followers of the log is behind, by view.
    lag_seconds: BTreeMap<String, f64>,
    /// Commits of the log that each of its followers has not looked at, as of the last five seconds: by view, and of `public-events`
    /// and `evidence`, which are none.
    lag_commits: BTreeMap<String, u64>,
    /// The same of the rows that are built beside those of a view, while a rebuild goes on.
    rebuild_lag_commits: BTreeMap<String, u64>,
    /// What it has to do whose moment has come, by kind.
    due: BTreeMap<String, f64>,
    /// Which generations of formats it reads and writes.
    formats: FormatsBody,
}

/// Generations of formats of a process; 0 of a release that does not say.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FormatsBody {
    /// The newest that its release reads.
    reads: u16,
    /// The one that it writes, from its start to its end: after a raise (`berth upgrade`) the next one from its next start on, which
    /// `says.formats` of it tells. A connector and a replica of projections write none: it is what was recorded when they started.
    writes: u16,
}

/// A role.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RoleBody {
    /// Its name.
    role: &'static str,
    /// Processes that run it.
    members: usize,
    /// Partitions, out of 64, that a living member has; none of a gateway, which owns nothing.
    partitions_owned: Option<usize>,
    /// What is not done while nobody runs it; none if somebody does.
    without_it: Option<&'static str>,
}

/// A partition of a role.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PartitionBody {
    /// The role.
    role: &'static str,
    /// 0 to 63.
    partition: u8,
    /// The fencing epoch, which only rises.
    epoch: u64,
    /// The member that took it and has not given it back.
    owner: Option<String>,
    /// Whether that member is alive; otherwise another one takes the partition within seconds, if there is one.
    is_alive: bool,
}

/// What keeps the log.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EngineBody {
    /// What keeps the log.
    #[schema(value_type = words::EngineKind)]
    kind: &'static str,
    /// The release of the NATS server that this gateway is connected to.
    version: Option<String>,
    /// When what is acknowledged is on the disk.
    sync: String,
    /// The streams on NATS.
    streams: Vec<StreamBody>,
    /// What can be lost as it stands, and by what; empty while nothing but all servers at once would have to fail.
    risks: Vec<String>,
}

/// A stream on NATS.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StreamBody {
    /// Its name.
    name: String,
    /// The server that leads it; none on a single server, or while none does.
    leader: Option<String>,
    /// Servers that shall keep it.
    replicas: usize,
    /// Servers that have all of it.
    current: usize,
    /// Whether it is kept in files; else what is in it lives for minutes anyway.
    is_on_disk: bool,
    /// Messages in it.
    messages: u64,
    /// Their bytes.
    bytes: u64,
}

/// Shows the deployment: members, who owns which partitions under which epoch, how far followers are behind, what is due, and
/// the streams. With the root key.
#[utoipa::path(
    get, operation_id = "show_cluster", path = "/v1/cluster", tag = "cluster",
    responses((status = 200, body = ClusterBody))
)]
pub(super) async fn handler(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    let (Principal::Root | Principal::Operator { .. }) = caller.principal else {
        return Err(Failure::Forbidden.into());
    };
    let unavailable = |error| Failure::unavailable("the deployment", error);
    let (roster, claims, engine) =
        tokio::try_join!(app.cluster.members(), app.cluster.claims(), app.cluster.engine())
            .map_err(unavailable)?;
    let body = ClusterBody {
        members: roster.members().map(|(seat, present)| MemberBody::of(seat, present)).collect(),
        roles: roles(&roster, &claims),
        partitions: claims.iter().map(|claimed| PartitionBody::of(claimed, &roster)).collect(),
        engine: EngineBody::of(engine),
    };
    Ok(answer(StatusCode::OK, body, false))
}

fn roles(roster: &Roster, claims: &[Claimed]) -> Vec<RoleBody> {
    let work = Role::ALL.into_iter().filter(|role| *role != Role::Serve);
    work.map(|role| {
        let owned = claims.iter().filter(|claimed| claimed.lease.role == role && is_alive(claimed, roster));
        RoleBody {
            role: role.as_str(),
            members: roster.members().filter(|(seat, _)| seat.role.runs(role)).count(),
            partitions_owned: Lease::ROLES.contains(&role).then(|| owned.count()),
            without_it: (!roster.has(role)).then(|| without(role)),
        }
    })
    .collect()
}

/// What is not done without a role.
const fn without(role: Role) -> &'static str {
    match role {
        Role::Gateway => "nobody is answered",
        Role::SessionAggregate => "commands are answered with 503",
        Role::Projections => "lists are late or answered with 503, and no public events are published",
        Role::Webhooks => "notices wait and cannot be fetched",
        Role::Connector => "no code is shown, and devices are unlinked later",
        Role::Serve => "nothing is done",
    }
}

fn is_alive(claimed: &Claimed, roster: &Roster) -> bool {
    claimed.holder.as_ref().is_some_and(|holder| roster.get(holder).is_some())
}

// === impl bodies ===

impl MemberBody {
    fn of(seat: &Seat, Present { member, leaving }: &Present) -> Self {
        let Status { cores, ready, says, lag_seconds, lag_commits, rebuild_lag_commits, due, formats } =
            member.status.clone();
        Self {
            id: seat.id.to_string(),
            role: seat.role.as_str(),
            address: member.address.clone(),
            version: member.version.clone(),
            since: time(member.since),
            leaving: *leaving,
            cores,
            ready,
            says,
            lag_seconds,
            lag_commits,
            rebuild_lag_commits,
            due,
            formats: FormatsBody { reads: formats.reads, writes: formats.writes },
        }
    }
}

impl PartitionBody {
    fn of(claimed: &Claimed, roster: &Roster) -> Self {
        Self {
            role: claimed.lease.role.as_str(),
            partition: claimed.lease.partition.number(),
            epoch: claimed.epoch,
            owner: claimed.holder.as_ref().map(|holder| holder.id.to_string()),
            is_alive: is_alive(claimed, roster),
        }
    }
}

impl EngineBody {
    fn of(engine: Engine) -> Self {
        let risks = engine.risks().iter().map(ToString::to_string).collect();
        let Engine { kind, version, sync, streams, .. } = engine;
        let stream = |StreamStands {
                          name, leader, replicas, current, is_on_disk, messages, bytes, ..
                      }| {
            StreamBody { name, leader, replicas, current, is_on_disk, messages, bytes }
        };
        Self { kind, version, sync, streams: streams.into_iter().map(stream).collect(), risks }
    }
}
