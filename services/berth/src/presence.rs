//! What a process needs of the other roles of its deployment, and whether somebody does their work.
//!
//! A role of a deployment on NATS is somewhere else, and nothing but its silence tells that it is gone. Each process
//! holds a lease, which ends within seconds after its process does, and everybody may see who has one. A role without
//! one is not yet a role that nobody does: a store without room loses leases too. So a gateway, which is taken out of service for want of a session-aggregate, asks for a decision before it believes that.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use berth_bus::{Bus, Leaders, Lease, Presence, nats::NatsLeases, request_decision};
use berth_proto::{
    Hash, InstanceId, StreamKey,
    command::{Command, DisconnectV1},
    commit::PrincipalV1,
    frame::{CommandRequestV2, TargetV1},
    subject::{Sender, command_subject},
};
use berth_runtime::{Check, Lifecycle, Readiness, Role};
use bytes::Bytes;
use metrics::{Unit, describe_gauge, gauge};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use crate::{leaders, server_clock};

/// How often is looked who is there.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a role may be out of sight before it is away: a lease that moves to another replica is free for a moment.
const UNSEEN_MAX: Duration = Duration::from_secs(2);
/// How long roles that start together may take: until then a role that was never there is one that is still to come.
const STARTING_MAX: Duration = Duration::from_secs(30);
/// How long an answer to a question for a sign of life may take.
const ANSWER_MAX: Duration = Duration::from_secs(1);

const AWAY: &str = "berth_role_away";

/// What a process needs of another role.
struct Need {
    of: Role,
    /// What is not done without it.
    without: &'static str,
    /// Whether the process does not do its work then. Else it is told, and the process stays ready.
    stops: bool,
}

/// What a role needs of others. Only what is of no use at all without another one stops being ready: a gateway whose
/// lists fail still logs out, and whoever takes it out of service helps nobody.
const fn needs(role: Role) -> &'static [Need] {
    match role {
        Role::Gateway => &[
            Need { of: Role::SessionAggregate, without: "commands are answered with 503", stops: true },
            Need { of: Role::Projections, without: "lists are late or answered with 503", stops: false },
            Need { of: Role::Webhooks, without: "notices wait and cannot be fetched", stops: false },
            Need {
                of: Role::Connector,
                without: "no code is shown, and devices are unlinked later",
                stops: false,
            },
        ],
        Role::SessionAggregate => &[
            Need { of: Role::Webhooks, without: "last notices of deleted instances are lost", stops: false },
            Need { of: Role::Connector, without: "devices are unlinked later", stops: false },
        ],
        Role::Webhooks => &[Need {
            of: Role::SessionAggregate,
            without: "endpoints that want nothing more are disabled later",
            stops: false,
        }],
        Role::Connector => &[Need {
            of: Role::SessionAggregate,
            without: "what happens on the links is reported later",
            stops: false,
        }],
        Role::Projections | Role::Serve => &[],
    }
}

/// The roles that the process needs and does not run itself.
fn needed(role: Role) -> impl Iterator<Item = &'static Need> {
    needs(role).iter().filter(move |need| !role.runs(need.of))
}

/// Watches, on NATS, whether somebody does the work that this process needs, tells `/readyz`, and gives what was seen, with
/// what is seen of leaders.
pub(crate) fn watch(
    role: Role,
    leases: NatsLeases,
    bus: Arc<dyn Bus>,
    leaders: Leaders,
    readiness: &Readiness,
    lifecycle: &Lifecycle,
) -> Presence {
    let (sender, away) = watch::channel(Vec::new());
    let presence = Presence::of(away, leaders);
    describe();
    for need in needed(role) {
        let seen = presence.clone();
        readiness.register(need.of.as_str(), move || need.check(seen.lacks(need.of)));
    }
    let began = Instant::now();
    let seen = needed(role).map(|need| (need.of, began)).collect();
    let watched = Watch { role, leases, bus, began, seen, met: HashSet::new(), missed: HashSet::new() };
    let stop = lifecycle.stop().clone();
    lifecycle.spawn(async move { stop.run_until_cancelled(watched.run(sender)).await.unwrap_or_default() });
    presence
}

/// Everybody is here, where all roles are one process.
pub(crate) fn of_one_process() -> Presence {
    describe();
    leaders::describe();
    server_clock::describe();
    Presence::of_one_process()
}

fn describe() {
    describe_gauge!(AWAY, Unit::Count, "1 for a role that this process needs and nobody does the work of");
    for role in Lease::ROLES {
        gauge!(AWAY, "role" => role.as_str()).set(0.0);
    }
}

struct Watch {
    role: Role,
    leases: NatsLeases,
    bus: Arc<dyn Bus>,
    began: Instant,
    /// When each role was seen last; at first when the process began.
    seen: HashMap<Role, Instant>,
    /// Those that were seen at all.
    met: HashSet<Role>,
    /// Those that the log says of that nobody does their work.
    missed: HashSet<Role>,
}

// === impl Need ===

impl Need {
    fn check(&self, is_away: bool) -> Check {
        let Self { of, without, stops } = self;
        match (is_away, *stops) {
            (false, _) => Check::ready("somebody does its work"),
            (true, true) => Check::waiting(format!("nobody does the work of {of}: {without} until one runs")),
            (true, false) => Check::ready(format!("nobody does the work of {of}: {without}")),
        }
    }
}

// === impl Watch ===

impl Watch {
    async fn run(mut self, away: watch::Sender<Vec<Role>>) {
        loop {
            self.look_for_roles().await;
            let now: Vec<_> =
                needed(self.role).map(|need| need.of).filter(|role| self.is_unseen(*role)).collect();
            for role in needed(self.role).map(|need| need.of) {
                let is_away = now.contains(&role);
                gauge!(AWAY, "role" => role.as_str()).set(if is_away { 1.0 } else { 0.0 });
                self.tell(role, is_away);
            }
            away.send_if_modified(|before| {
                *before != now && {
                    *before = now;
                    true
                }
            });
            sleep(LOOK_EVERY).await;
        }
    }

    /// Says once that a role is missed, and once that it is there again. One that was not there yet is waited for first.
    fn tell(&mut self, role: Role, is_away: bool) {
        let is_late = self.met.contains(&role) || self.began.elapsed() >= STARTING_MAX;
        if is_away && is_late && self.missed.insert(role) {
            tracing::error!(%role, "nobody does the work of a role");
        } else if !is_away && self.missed.remove(&role) {
            tracing::warn!(%role, "this is over: nobody did the work of a role");
        }
    }

    fn is_unseen(&self, role: Role) -> bool {
        self.seen.get(&role).is_some_and(|at| at.elapsed() >= UNSEEN_MAX)
    }

    async fn look_for_roles(&mut self) {
        // Who cannot be looked for is not away: a server that does not answer is told of under `nats`, and what was seen
        // last stands.
        let roster = self.leases.roster();
        for need in needed(self.role) {
            if roster.has(need.of) || (need.stops && self.answers().await) {
                self.seen.insert(need.of, Instant::now());
                self.met.insert(need.of);
            }
        }
    }

    /// Whether a session-aggregate decides anything: a command for an instance that never is, which it refuses.
    async fn answers(&self) -> bool {
        let Some(payload) = question() else { return false };
        let subject = command_subject(Sender::Client, &StreamKey::instance(NO_INSTANCE));
        request_decision(&*self.bus, &subject, payload, ANSWER_MAX).await.is_ok()
    }
}

/// The nil UUID is never an id.
const NO_INSTANCE: InstanceId = InstanceId::from_bytes([0; 16]);

fn question() -> Option<Bytes> {
    let command = Command::Disconnect(DisconnectV1 {}).to_record().ok()?;
    let target = TargetV1::Instance { instance: NO_INSTANCE, command };
    let asked = CommandRequestV2::of_service(Hash::over(b"presence", &[]), "presence", target);
    // As whoever asks on a gateway's subject.
    let request = CommandRequestV2 { principal: PrincipalV1::Root, ..asked };
    request.encode().ok().map(Bytes::from)
}
