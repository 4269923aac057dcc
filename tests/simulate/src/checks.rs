//! What must be true of a run when it is over.

use std::collections::BTreeMap;

use axum::http::Method;
use berth_bus::{KeyRing, Lease};
use berth_proto::{
    AccountId, CommandId, InstanceId, Kind, StreamKey,
    commit::{OutcomeCodeV1, PrincipalV1, ReceiptV2},
};
use berth_runtime::Role;
use serde_json::{Value, json};

use crate::{
    deployment::{Ask, Deployment},
    history::History,
    model::Model,
    ports::keys::{self, SharedKeys},
    roles::ROOT,
    shown, silence, told,
    world::{At, Life},
};

/// How long a deployment may take until nothing is under way any more: the longest attempt, and some.
const SETTLE_SECONDS_MAX: u64 = 900;
/// How often is looked meanwhile.
const LOOK_EVERY_SECONDS: u64 = 5;
/// How long after a logout it is told at the latest when nothing fails.
const TELL_SECONDS_MAX: u64 = 60;
/// How long after a process was killed what it owned is another's at the latest.
const MOVE_SECONDS_MAX: u64 = 15;
/// How long a logout may take when nothing fails.
const LOGOUT_TRIES: u32 = 3;

/// What is checked.
#[derive(Debug)]
pub(crate) struct Checks<'a> {
    pub(crate) deployment: &'a Deployment,
    pub(crate) model: &'a Model,
    pub(crate) token: &'a str,
    pub(crate) account: AccountId,
    pub(crate) instances: &'a [String],
}

// === impl Checks ===

impl Checks<'_> {
    /// Waits until nothing is under way any more, then checks.
    pub(crate) async fn run(&self) -> History {
        self.settle("nothing fails any more").await;
        self.owned_work_moves().await;
        self.log_everybody_out().await;
        self.settle("everybody was logged out").await;
        // A new owner waits for what the former one may still be sending.
        self.deployment.wait(TELL_SECONDS_MAX).await;
        let history = History::read(&self.deployment.world.log).await;
        for fault in &history.faults {
            self.fault(fault.clone());
        }
        let world = &self.deployment.world;
        let said = silence::faults(world, &history, &self.model.endpoints());
        let faults = said.into_iter().chain(told::faults(world, &history));
        for fault in faults.chain(shown::faults(self.model, &history)) {
            self.fault(fault);
        }
        self.erased();
        self.durable_and_once(&history).await;
        self.made_and_deleted(&history).await;
        self.shown_everywhere(&history).await;
        history
    }

    fn fault(&self, what: String) {
        self.deployment.world.fault(what);
    }

    fn ask(&self, method: Method, path: String, body: Option<Value>) -> Ask<'_> {
        Ask { method, path, token: self.token, key: None, body }
    }

    /// P11: what a fault left open is finished without anybody's help.
    async fn settle(&self, since: &str) {
        let mut open = Vec::new();
        for _ in 0..SETTLE_SECONDS_MAX / LOOK_EVERY_SECONDS {
            self.deployment.wait(LOOK_EVERY_SECONDS).await;
            open.clear();
            for instance in self.instances.iter().chain(&self.model.made()) {
                let path = format!("/v1/instances/{instance}");
                match self.deployment.insist(&self.ask(Method::GET, path, None), LOGOUT_TRIES).await {
                    Some(answer) if answer.status == 200 && is_at_rest(&answer.body) => {}
                    Some(answer) if matches!(answer.status, 404 | 410) && self.model.is_deleted(instance) => {
                    }
                    Some(answer) => open.push(format!("{instance}: {}: {}", answer.status, answer.body)),
                    None => open.push(format!("{instance} is not shown")),
                }
            }
            self.owed(&mut open).await;
            if open.is_empty() {
                return;
            }
        }
        for one in open {
            self.fault(format!("P11: {SETTLE_SECONDS_MAX} s after {since} this is not at rest: {one}"));
        }
    }

    /// P11: what a process owned that is killed is another's soon. Whatever else is checked comes after it.
    async fn owned_work_moves(&self) {
        for role in Lease::ROLES {
            let processes: Vec<_> = self.deployment.of(role).collect();
            if processes.len() > 1
                && let Some(process) = self.deployment.world.chance.one_of(&processes)
            {
                process.lose().await;
            }
        }
        self.deployment.wait(MOVE_SECONDS_MAX).await;
        let path = "/v1/cluster".to_owned();
        let ask = Ask { method: Method::GET, path, token: ROOT, key: None, body: None };
        let Some(answer) = self.deployment.insist(&ask, LOGOUT_TRIES).await else {
            return self.fault("P11: nobody tells who owns what".to_owned());
        };
        let partitions = answer.body["partitions"].as_array().cloned().unwrap_or_default();
        let unowned: Vec<_> = partitions
            .iter()
            .filter(|partition| partition["is_alive"] != true)
            .map(|partition| format!("{} {}", partition["role"], partition["partition"]))
            .collect();
        if partitions.is_empty() || !unowned.is_empty() {
            let (count, first) = (unowned.len(), unowned.first());
            self.fault(format!(
                "P11: {MOVE_SECONDS_MAX} s after a kill nobody owns {count} partitions, the first of them {first:?}"
            ));
        }
    }

    /// P6: whatever is owed is told in the end.
    async fn owed(&self, open: &mut Vec<String>) {
        let path = "/v1/deliveries?state=waiting".to_owned();
        match self.deployment.insist(&self.ask(Method::GET, path, None), LOGOUT_TRIES).await {
            Some(answer) if answer.body["deliveries"].as_array().is_some_and(Vec::is_empty) => {}
            Some(answer) => open.push(format!("deliveries: {}: {}", answer.status, answer.body)),
            None => open.push("nobody tells what is owed".to_owned()),
        }
    }

    /// P3: a logout works from every state, and the session is gone then.
    async fn log_everybody_out(&self) {
        for instance in self.instances {
            let path = format!("/v1/instances/{instance}/logout");
            let ask = self.ask(Method::POST, path, Some(json!({})));
            let Some(answer) = self.deployment.insist(&ask, LOGOUT_TRIES).await else {
                self.fault(format!("P3: a logout of {instance} is not answered"));
                continue;
            };
            let state = answer.body["state"].as_str().unwrap_or_default();
            if answer.status != 200 || !matches!(state, "logged_out" | "created") {
                self.fault(format!("P3: a logout of {instance} comes to {} {}", answer.status, answer.body));
            }
            let path = format!("/v1/instances/{instance}/reconnect");
            let ask = self.ask(Method::POST, path, Some(json!({})));
            let refused = self.deployment.insist(&ask, LOGOUT_TRIES).await.map(|answer| answer.status);
            if refused != Some(409) {
                self.fault(format!("P3: a reconnect of {instance} after its logout comes to {refused:?}"));
            }
        }
    }

    /// P1 and P2: what was acknowledged is there, and no command is there twice.
    async fn durable_and_once(&self, history: &History) {
        let mut receipts: BTreeMap<(String, CommandId), Vec<u64>> = BTreeMap::new();
        // A command that reserves a key and gives it back stands in the stream of the key twice.
        let of_commands = |kind: Kind| matches!(kind, Kind::Instance | Kind::Account);
        for (stream, commits) in history.streams.values().filter(|(stream, _)| of_commands(stream.kind())) {
            for commit in commits {
                for receipt in commit.receipts.iter().filter(|receipt| !may_be_said_again(receipt)) {
                    let of = (stream.subject(), receipt.command_id);
                    receipts.entry(of).or_default().push(commit.version);
                }
            }
        }
        for ((stream, id), versions) in receipts.iter().filter(|(_, versions)| versions.len() > 1) {
            self.fault(format!("P2: command {id} stands in {stream} at {versions:?}"));
        }
        let at = At { world: self.deployment.world.clone(), life: Life::new("checks".to_owned(), 0) };
        let keys = KeyRing::new(at.world.master.clone(), std::sync::Arc::new(SharedKeys(at)));
        let Ok(Some(key)) = keys.key(self.account.as_bytes()).await else {
            return self.fault("P1: the key of the account is gone".to_owned());
        };
        for acknowledged in self.model.acknowledged() {
            let Ok(instance) = acknowledged.instance.parse::<InstanceId>() else { continue };
            let stream = StreamKey::instance(instance);
            let id = key.command_id(&acknowledged.key);
            if !receipts.contains_key(&(stream.subject(), id)) {
                self.fault(format!(
                    "P1: {} under {} was acknowledged at version {} and is not in the log",
                    acknowledged.path, acknowledged.key, acknowledged.version
                ));
            }
            let end = history.of(&stream).len() as u64;
            if end < acknowledged.version {
                self.fault(format!(
                    "P1: version {} of {instance} was shown, and its history ends at {end}",
                    acknowledged.version
                ));
            }
        }
    }

    /// P9: nothing opens what was deleted.
    fn erased(&self) {
        let world = &self.deployment.world;
        for id in
            self.model.made().iter().filter(|id| self.model.is_deleted(id)).filter_map(|id| id.parse().ok())
        {
            for kept in keys::kept_of(world, id) {
                self.fault(format!("P9: {id} was deleted, and {kept}"));
            }
        }
    }

    /// P1 of creates and deletes, and one instance for each name.
    async fn made_and_deleted(&self, history: &History) {
        let mut names: BTreeMap<String, String> = BTreeMap::new();
        for instance in self.instances.iter().chain(&self.model.made()) {
            let ended = instance.parse().map(|id| history.of(&StreamKey::instance(id)).is_empty());
            if ended != Ok(false) {
                self.fault(format!("P1: {instance} was made and has no history"));
            }
            let ask = self.ask(Method::GET, format!("/v1/instances/{instance}"), None);
            let Some(answer) = self.deployment.insist(&ask, LOGOUT_TRIES).await else { continue };
            let is_deleted = answer.body["state"] == "deleted" || matches!(answer.status, 404 | 410);
            if is_deleted != self.model.is_deleted(instance) && self.model.is_deleted(instance) {
                self.fault(format!("P1: {instance} was deleted and is shown as {}", answer.body));
            }
            let name = answer.body["name"].as_str().unwrap_or_default().to_owned();
            if !is_deleted && let Some(other) = names.insert(name.clone(), instance.clone()) {
                self.fault(format!("P2: {name} is the name of {other} and of {instance}"));
            }
        }
    }

    /// P4: every gateway shows the end of every history, and lists come to the same.
    async fn shown_everywhere(&self, history: &History) {
        for instance in self.instances {
            let Ok(id) = instance.parse::<InstanceId>() else { continue };
            let end = history.of(&StreamKey::instance(id)).len() as u64;
            for gateway in self.deployment.of(Role::Gateway) {
                let ask = self.ask(Method::GET, format!("/v1/instances/{instance}"), None);
                // One that was killed for good shows nothing.
                let Some(answer) = self.deployment.ask_at(gateway, &ask).await else { continue };
                if answer.status != 200 || answer.body["version"].as_u64() != Some(end) {
                    self.fault(format!("P4: {instance} ends at {end} and is shown as {}", answer.body));
                }
            }
        }
        let ask = self.ask(Method::GET, "/v1/instances?limit=100".to_owned(), None);
        let Some(listed) = self.deployment.insist(&ask, LOGOUT_TRIES).await else {
            return self.fault("P11: nobody answers lists".to_owned());
        };
        let rows = listed.body["instances"].as_array().cloned().unwrap_or_default();
        for instance in self.instances {
            let row = rows.iter().find(|row| row["id"] == instance.as_str());
            let end = instance.parse().map(|id| history.of(&StreamKey::instance(id)).len());
            let shown = row.and_then(|row| row["version"].as_u64());
            if end.ok().map(|end| end as u64) != shown {
                self.fault(format!("P7: {instance} is listed at {shown:?}"));
            }
        }
    }
}

/// Whether this only notes that a service did its work: one whose note was not answered notes it again.
fn may_be_said_again(receipt: &ReceiptV2) -> bool {
    receipt.principal == PrincipalV1::Service && receipt.outcome.code == OutcomeCodeV1::Unchanged
}

/// Whether nothing is under way for an instance.
fn is_at_rest(instance: &Value) -> bool {
    let rests = match instance["state"].as_str() {
        Some("created" | "paused" | "logged_out" | "deleted") => true,
        Some("linked") => instance["connection"] == "open",
        _ => false,
    };
    let unlinks = instance["unlinks"].as_array().cloned().unwrap_or_default();
    rests && instance["erasure"] != "pending" && unlinks.iter().all(|unlink| unlink["status"] != "pending")
}
