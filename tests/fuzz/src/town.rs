//! A deployment with three accounts: two whose tokens the cases use, and one that nobody of them may touch.

use std::net::{Ipv4Addr, SocketAddr};

use berth_journeys::{ACCOUNT_TOKEN, Berth, Client, ROOT_KEY, Running};
use serde_json::{Value, json};

use crate::target::Verdict;

/// Memory that the deployment may take at most, whatever it is asked.
const MEMORY_BYTES_MAX: f64 = 768.0 * 1024.0 * 1024.0;
/// Instances of each account.
const INSTANCES: usize = 2;

/// An instance, as it was when it was last looked at.
#[derive(Debug, Clone)]
pub struct Resident {
    /// Its id.
    pub id: String,
    /// Its ten digits.
    pub number: String,
    /// Its name.
    pub name: String,
    /// Its token.
    pub token: String,
}

/// An account and what is in it.
#[derive(Debug, Clone)]
pub struct House {
    /// Its id.
    pub id: String,
    /// Its token.
    pub token: String,
    /// Its instances.
    pub residents: Vec<Resident>,
}

/// See the module.
#[derive(Debug)]
pub struct Town {
    berth: Running,
    client: Client,
    /// Where it listens.
    pub address: SocketAddr,
    /// The accounts: the last one is nobody's.
    pub houses: Vec<House>,
    /// Tokens that counted once.
    pub rotated: Vec<String>,
    /// Connections so far: each address has a bound of its own for wrong tokens.
    connections: u32,
}

// === impl Town ===

impl Town {
    /// Starts it, without bounds of rates: what is refused shall be refused for what it is.
    pub async fn start() -> Self {
        let unbounded = ["INSTANCE_COMMANDS", "ACCOUNT_COMMANDS", "INSTANCE_READS", "ACCOUNT_READS"]
            .map(|rate| format!("BERTH_RATE_{rate}"));
        // A proof waits for the next checkpoint, and a request is not asked for a minute.
        let signing = Berth::embedded().setting("BERTH_EVIDENCE_INTERVAL", "1");
        let berth = unbounded.iter().fold(signing, |berth, rate| berth.setting(rate, "0")).start().await;
        let client = berth.client();
        let address = client.base().trim_start_matches("http://").parse().expect("an address");
        let mut town =
            Self { berth, client, address, houses: Vec::new(), rotated: Vec::new(), connections: 0 };
        let root = town.client.token(ROOT_KEY);
        let first = root.get("/v1/accounts").await.expect(200)["accounts"][0]["id"].clone();
        let mut accounts = vec![(text(&first), ACCOUNT_TOKEN.to_owned())];
        for name in ["second", "victim"] {
            let token = format!("account-token-of-{name}");
            let made = root.post("/v1/accounts", json!({"name": name, "token": token})).await.expect(201);
            accounts.push((text(&made["id"]), token));
        }
        for (at, (id, token)) in accounts.into_iter().enumerate() {
            town.houses.push(House { id, token, residents: Vec::new() });
            for number in 0..INSTANCES {
                town.settle(at, number).await;
            }
        }
        let old = town.houses[0].residents[0].clone();
        town.client
            .header("token", &old.token)
            .get(&format!("/waInstance{}/updateApiToken/{}", old.number, old.token))
            .await
            .expect(200);
        town.rotated.push(old.token);
        town.revive().await;
        town
    }

    async fn settle(&mut self, house: usize, number: usize) {
        let name = format!("resident-{house}-{number}");
        let client = self.client.token(&self.houses[house].token);
        let hook = json!([{"url": format!("https://example.com/{name}"), "enabled": false}]);
        let made = client.post("/v1/instances", json!({"name": name, "webhooks": hook})).await.expect(201);
        let resident = Resident {
            id: text(&made["id"]),
            number: text(&made["number"]),
            name,
            token: text(&made["token"]),
        };
        self.houses[house].residents.insert(number, resident);
    }

    /// Looks again at the instances of the accounts that cases act for, and makes those anew that are gone.
    pub async fn revive(&mut self) {
        for house in 0..self.houses.len() - 1 {
            let client = self.client.token(&self.houses[house].token);
            for number in 0..INSTANCES {
                let now =
                    client.get(&format!("/v1/instances/{}", self.houses[house].residents[number].id)).await;
                let name = text(&now.body["name"]);
                if now.status == 200 && !name.is_empty() {
                    let resident = &self.houses[house].residents[number];
                    // The native API shows a token once; this dialect shows it always.
                    let path = format!("/instance/fetchInstances?instanceId={}", resident.id);
                    let shown = client.header("apikey", &self.houses[house].token).get(&path).await;
                    let token = text(&shown.body[0]["token"]);
                    let resident = &mut self.houses[house].residents[number];
                    resident.name = name;
                    if !token.is_empty() {
                        resident.token = token;
                    }
                    continue;
                }
                let by_name = format!("/v1/instances/resident-{house}-{number}");
                client.delete(&by_name).await;
                self.houses[house].residents.remove(number);
                self.settle(house, number).await;
            }
        }
    }

    /// What can be seen of an account that only its own clients change.
    pub async fn fingerprint(&self, house: usize) -> Value {
        let house = &self.houses[house];
        let client = self.client.token(&house.token);
        let mut all = Vec::new();
        for resident in &house.residents {
            let path = format!("/v1/instances/{}", resident.id);
            for read in ["", "/verify", "/webhooks"] {
                let answer = client.get(&format!("{path}{read}")).await;
                all.push(json!({"status": answer.status, "body": answer.body}));
            }
        }
        Value::from(all)
    }

    /// An address of the loopback network for the next connection.
    pub fn from(&mut self) -> Ipv4Addr {
        self.connections += 1;
        // Some hundred connections share an address, since the wrong tokens of an address are counted.
        let [_, _, high, low] = (self.connections / 100).to_be_bytes();
        Ipv4Addr::new(127, 77, high, low)
    }

    /// A number of `/metrics`, 0 if it is not there: the sum over all labels.
    pub async fn metric(&self, name: &str) -> f64 {
        let text = Client::new(self.client.base()).get("/metrics").await.text();
        let of = |line: &str| {
            let rest = line.strip_prefix(name)?;
            (rest.starts_with('{') || rest.starts_with(' '))
                .then(|| rest.rsplit(' ').next()?.parse::<f64>().ok())?
        };
        text.lines().filter_map(of).sum()
    }

    /// What must hold of the process whatever it was asked: no panic, no secret in its log, bounded memory.
    pub async fn is_sound(&self) -> Verdict {
        let logs = self.berth.logs();
        if logs.contains("panicked") || logs.contains("in a way that it must not") {
            return Err(format!("a panic: {}", tail(&logs)));
        }
        let tokens = self
            .houses
            .iter()
            .flat_map(|house| house.residents.iter().map(|it| &it.token).chain([&house.token]));
        for secret in tokens.map(String::as_str).chain([ROOT_KEY]) {
            if logs.contains(secret) {
                return Err(format!("a token stands in the log: {}", tail(&logs)));
            }
        }
        let memory = self.metric("process_resident_memory_bytes").await;
        if memory > MEMORY_BYTES_MAX {
            return Err(format!("{memory} bytes are resident"));
        }
        Ok(())
    }

    /// A client without a token.
    pub fn client(&self) -> Client {
        Client::new(self.client.base())
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn tail(logs: &str) -> String {
    let lines: Vec<&str> = logs.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}
