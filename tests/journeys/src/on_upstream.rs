//! Two accounts and an upstream, which is a Berth of its own.

use serde_json::{Value, json};

use crate::{ACCOUNT_TOKEN, Berth, Client, ROOT_KEY, Running};

/// The accounts, with their ids.
pub struct TwoAccounts {
    /// The operator.
    pub root: Client,
    /// The account that the deployment begins with, `default`.
    pub own: Client,
    /// Its id.
    pub own_id: String,
    /// Another one, `acme`.
    pub acme: Client,
    /// Its id.
    pub acme_id: String,
}

/// A deployment that drives `there` as the upstream `evo1`, on which these accounts may have instances, by their names with commas.
pub fn driving(berth: Berth, there: &Running, accounts: &str) -> Berth {
    berth
        .setting("BERTH_UPSTREAM_EVO1_URL", there.client().base())
        .setting("BERTH_UPSTREAM_EVO1_KEY", ACCOUNT_TOKEN)
        .setting("BERTH_UPSTREAM_EVO1_MODE", "drive")
        .setting("BERTH_UPSTREAM_EVO1_ACCOUNTS", accounts)
        .setting("BERTH_UPSTREAM_EVO1_POLL_MS", "50")
}

/// The body of a create on that upstream.
pub fn on_evo1(name: &str) -> Value {
    json!({"name": name, "link": {"upstream": "evo1"}})
}

// === impl TwoAccounts ===

impl TwoAccounts {
    /// Makes the other one.
    pub async fn of(berth: &Running) -> Self {
        let (own, root) = (berth.client(), berth.client().token(ROOT_KEY));
        let acme = root.post("/v1/accounts", json!({"name": "acme"})).await.expect(201);
        let id = |account: &Value| account["id"].as_str().expect("an id").to_owned();
        Self {
            own_id: id(&own.get("/v1/whoami").await.expect(200)["account"]),
            acme: own.token(acme["token"].as_str().expect("a token")),
            acme_id: id(&acme),
            root,
            own,
        }
    }
}
