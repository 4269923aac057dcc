//! The tokens of an instance: its own, and the JSON Web Tokens that stand for it in a dialect that has them.

use std::sync::Arc;

use berth_bus::KeyRing;
use berth_notices::jwt::{instance_jwt, verified};
use berth_proto::{InstanceId, command::RotateTokenV1, event::NewTokenV1, frame::RejectionCodeV1};
use berth_runtime::{Clock, Entropy, Unique, sealing::field};
use serde_json::{Value, json};

use super::{
    call::Call,
    commands::{Answer, Commands},
    failure::Failure,
    names::check_token,
    principal::{Principal, Principals},
    record::{Record, Records},
};

/// Random bytes of a generated token.
const TOKEN_BYTES: usize = 32;

/// Gives instances their tokens.
#[derive(Debug)]
pub struct Tokens {
    pub(super) keys: KeyRing,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) principals: Arc<Principals>,
    pub(super) records: Arc<Records>,
    pub(super) commands: Arc<Commands>,
}

impl Tokens {
    /// Gives the instance this token, or a generated one; the old one ends at once. The record of the answer has the
    /// new one.
    pub async fn rotate(
        &self,
        call: &Call,
        record: &Record,
        token: Option<String>,
    ) -> Result<Answer, Failure> {
        let key = record.key.clone().ok_or(Failure::NotFound)?;
        let token = token.unwrap_or_else(|| random_text(&*self.entropy, TOKEN_BYTES));
        check_token(&token).map_err(|e| Failure::Invalid { field: "token", problem: e.0 })?;
        if self.principals.is_root_key(&token) {
            return Err(Failure::Rejected(RejectionCodeV1::TokenTaken));
        }
        let new = NewTokenV1 {
            token: key.seal(record.id.as_bytes(), field::TOKEN, token.as_bytes()),
            entry: self.keys.master().entry(Unique::Token, &token),
        };
        self.commands.decide(call, record.id, RotateTokenV1 { token: Some(new) }).await
    }

    /// Ends the JWTs that were issued so far; the token stays.
    pub async fn end_jwts(&self, call: &Call, record: &Record) -> Result<Answer, Failure> {
        self.commands.decide(call, record.id, RotateTokenV1 { token: None }).await
    }

    /// The token of an instance; it names the instance by its foreign id if it has one.
    pub fn jwt(&self, record: &Record, external_id: Option<&str>) -> String {
        instance_jwt(self.keys.master(), record.id, &record.state, external_id)
    }

    /// Who shows this token: none if it is no token of ours; an error if it is one that ended.
    pub async fn authenticate_jwt(&self, token: &str) -> Result<Option<Principal>, Failure> {
        let Some(payload) = verified(self.keys.master(), token) else { return Ok(None) };
        let instance: Option<InstanceId> =
            payload.get("ref").and_then(Value::as_str).and_then(|id| id.parse().ok());
        let expired =
            payload.get("exp").and_then(Value::as_i64).is_none_or(|exp| exp <= self.clock.now().seconds());
        let Some(instance) = instance.filter(|_| !expired) else { return Err(Failure::Unauthorized) };
        let record = self.records.read_any(instance).await?.ok_or(Failure::Unauthorized)?;
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

    /// A random UUID (version 4), which one dialect's tokens are.
    pub fn random_uuid(&self) -> uuid::Uuid {
        let mut random = [0; 16];
        self.entropy.fill(&mut random);
        uuid::Builder::from_random_bytes(random).into_uuid()
    }
}

/// Lower-case letters and digits from that many random bytes.
pub(super) fn random_text(entropy: &dyn Entropy, bytes: usize) -> String {
    let mut random = vec![0; bytes];
    entropy.fill(&mut random);
    data_encoding::BASE32HEX_NOPAD.encode(&random).to_ascii_lowercase()
}
