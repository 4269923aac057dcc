//! JSON Web Tokens that stand for an instance's token in a dialect that has them.

use berth_notices::jwt::{instance_jwt, verified};
use berth_proto::InstanceId;
use serde_json::{Value, json};

use super::{App, failure::Failure, principal::Principal, record::Record};

impl App {
    /// The token of an instance; it names the instance by its foreign id if it has one.
    pub fn jwt(&self, record: &Record, external_id: Option<&str>) -> String {
        instance_jwt(self.inner.keys.master(), record.id, &record.state, external_id)
    }

    /// Who shows this token: none if it is no token of ours; an error if it is one that ended.
    pub async fn authenticate_jwt(&self, token: &str) -> Result<Option<Principal>, Failure> {
        let Some(payload) = verified(self.inner.keys.master(), token) else { return Ok(None) };
        let instance: Option<InstanceId> =
            payload.get("ref").and_then(Value::as_str).and_then(|id| id.parse().ok());
        let expired =
            payload.get("exp").and_then(Value::as_i64).is_none_or(|exp| exp <= self.now().seconds());
        let Some(instance) = instance.filter(|_| !expired) else { return Err(Failure::Unauthorized) };
        let record = self.read_any(instance).await?.ok_or(Failure::Unauthorized)?;
        let versions = json!([record.state.credential_version, record.state.jwt_version]);
        if record.is_deleted() || payload.get("ver") != Some(&versions) {
            return Err(Failure::Unauthorized);
        }
        Ok(Some(Principal::Instance {
            account: record.state.account,
            instance,
            credential_version: record.state.credential_version,
            entry: record.state.entries.token,
        }))
    }
}
