//! Clients that do what clients do: commands under keys, repeated until they are answered, and reads.

use std::sync::Arc;

use axum::http::Method;
use serde_json::{Value, json};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::{
    deployment::{Ask, Deployment},
    model::{Acknowledged, Model},
    process::Answer,
};

/// How often a client repeats a command that is not answered.
const TRIES: u32 = 14;

/// One client.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) number: u32,
    pub(crate) deployment: Arc<Deployment>,
    pub(crate) model: Arc<Model>,
    pub(crate) token: String,
    /// The ids of the instances.
    pub(crate) instances: Vec<String>,
}

/// What a command and a play of the device are drawn from: the first ones more often.
const COMMANDS: [&str; 8] =
    ["connect", "connect", "logout", "logout", "disconnect", "reconnect", "restart", "connect"];
const PLAYS: [&str; 8] =
    ["scan", "scan", "scan", "drop", "logout_from_phone", "replace", "fail_unlink", "confirm_unlink_twice"];

/// How often something is done to one of those that the client made, if there are any.
const OWN_PERMILLE: u64 = 300;

/// Where an endpoint is.
pub(crate) fn url(endpoint: &str) -> String {
    format!("http://10.0.0.1/{endpoint}")
}

// === impl Client ===

impl Client {
    pub(crate) async fn run(self, stop: CancellationToken) {
        let world = Arc::clone(&self.deployment.world);
        let (mut number, mut own) = (0, Vec::new());
        while !stop.is_cancelled() {
            sleep(world.chance.millis(0, 1_500)).await;
            let of =
                if world.chance.permille(OWN_PERMILLE) && !own.is_empty() { &own } else { &self.instances };
            let Some(instance) = world.chance.one_of(of).cloned() else { return };
            number += 1;
            match world.chance.below(12) {
                10 => self.make(number, &mut own).await,
                11 => self.delete(number, &mut own).await,
                0..=3 => {
                    let key = format!("client-{}-{number}", self.number);
                    self.command(&instance, &key).await;
                }
                4..=6 => self.play(&instance).await,
                7 => self.list().await,
                _ => self.read(&instance).await,
            }
        }
    }

    fn of<'a>(&'a self, method: Method, path: String, key: Option<&'a str>, body: Option<Value>) -> Ask<'a> {
        Ask { method, path, token: &self.token, key, body }
    }

    async fn command(&self, instance: &str, key: &str) {
        let world = &self.deployment.world;
        let Some(command) = world.chance.one_of(&COMMANDS) else { return };
        let path = format!("/v1/instances/{instance}/{command}");
        let ask = self.of(Method::POST, path.clone(), Some(key), Some(json!({})));
        let Some(answer) = self.deployment.insist(&ask, TRIES).await else { return };
        match answer.status {
            200 => {}
            // The state does not allow it.
            409 => return,
            other => {
                return world.fault(format!("{path} under {key} is answered with {other}: {}", answer.body));
            }
        }
        let version = answer.body["version"].as_u64().unwrap_or_default();
        let instance = instance.to_owned();
        self.model.see(&answer.body);
        self.model.acknowledge(Acknowledged {
            instance: instance.clone(),
            key: key.to_owned(),
            path,
            version,
        });
        if world.chance.permille(300) {
            self.repeat(&ask, &answer).await;
        }
        if world.chance.permille(500) {
            self.read(&instance).await;
        }
    }

    /// Makes an instance under one of a few names, so that they are sought after.
    async fn make(&self, number: u32, own: &mut Vec<String>) {
        let world = &self.deployment.world;
        let key = format!("make-{}-{number}", self.number);
        let endpoints: Vec<_> =
            (0..world.chance.below(3)).map(|which| format!("pop-{}-{number}-{which}", self.number)).collect();
        let webhooks: Vec<_> = endpoints.iter().map(|endpoint| json!({"url": url(endpoint)})).collect();
        let body = json!({"name": format!("pop-{}", world.chance.below(4)), "webhooks": webhooks});
        let ask = self.of(Method::POST, "/v1/instances".to_owned(), Some(&key), Some(body));
        let Some(answer) = self.deployment.insist(&ask, TRIES).await else { return };
        let id = answer.body["id"].as_str().unwrap_or_default().to_owned();
        match answer.status {
            201 => {}
            // The name is another one's.
            409 => return,
            other => {
                return world
                    .fault(format!("a create under {key} is answered with {other}: {}", answer.body));
            }
        }
        self.model.make(id.clone());
        self.model.see(&answer.body);
        self.model.give(&id, endpoints);
        if world.chance.permille(500)
            && let Some(again) = self.deployment.insist(&ask, TRIES).await
            && again.body["id"] != id.as_str()
        {
            world.fault(format!("P2: the create under {key} made {id}, and then comes to {}", again.body));
        }
        own.push(id);
    }

    async fn delete(&self, number: u32, own: &mut Vec<String>) {
        let Some(id) = own.pop() else { return };
        let key = format!("delete-{}-{number}", self.number);
        let ask = self.of(Method::DELETE, format!("/v1/instances/{id}"), Some(&key), None);
        let Some(answer) = self.deployment.insist(&ask, TRIES).await else { return };
        if answer.status != 200 {
            let (status, body) = (answer.status, answer.body);
            return self
                .deployment
                .world
                .fault(format!("a delete of {id} is answered with {status}: {body}"));
        }
        self.model.see(&answer.body);
        self.model.delete(&id);
    }

    /// The same request is answered in the same way, whoever is asked.
    async fn repeat(&self, ask: &Ask<'_>, first: &Answer) {
        let Some(again) = self.deployment.insist(ask, TRIES).await else { return };
        if again.status != first.status {
            self.deployment.world.fault(format!(
                "P2: {} under {:?} was answered with {} and is now with {}: {}",
                ask.path, ask.key, first.status, again.status, again.body
            ));
        }
    }

    async fn play(&self, instance: &str) {
        let world = &self.deployment.world;
        let Some(action) = world.chance.one_of(&PLAYS) else { return };
        let path = format!("/v1/instances/{instance}/simulate");
        // Whether it can be played now is the device's affair.
        let ask = self.of(Method::POST, path.clone(), None, Some(json!({"action": action})));
        if let Some(answer) = self.deployment.ask(&ask).await
            && !matches!(answer.status, 200 | 409 | 429 | 503 | 504)
        {
            world.fault(format!("{path} is answered with {}: {}", answer.status, answer.body));
        }
    }

    /// A read shows what anybody was told before it began.
    async fn read(&self, instance: &str) {
        let world = &self.deployment.world;
        let floor = self.model.floor(instance);
        let path = format!("/v1/instances/{instance}");
        let Some(answer) = self.deployment.ask(&self.of(Method::GET, path.clone(), None, None)).await else {
            return;
        };
        match answer.status {
            200 => {
                let version = answer.body["version"].as_u64().unwrap_or_default();
                if version < floor {
                    world.fault(format!("P4: {path} shows version {version} after {floor} was shown"));
                }
                self.model.see(&answer.body);
            }
            429 | 503 | 504 => {}
            other => world.fault(format!("{path} is answered with {other}: {}", answer.body)),
        }
    }

    /// A list may be late, and is true.
    async fn list(&self) {
        let path = "/v1/instances?limit=100".to_owned();
        let Some(answer) = self.deployment.ask(&self.of(Method::GET, path.clone(), None, None)).await else {
            return;
        };
        match answer.status {
            200 => {
                for row in answer.body["instances"].as_array().into_iter().flatten() {
                    self.model.see(row);
                }
            }
            429 | 503 | 504 => {}
            other => self.deployment.world.fault(format!("{path} is answered with {other}: {}", answer.body)),
        }
    }
}
