//! JSON Web Tokens (RFC 7519, HS256) that stand for an instance's token in a dialect that has them.
//!
//! A token is a pure function of the instance, its credential versions and its issue time, so showing it again
//! shows the same one, and nothing of it is stored. It ends with the versions that it names.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use berth_proto::InstanceId;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{App, failure::Failure, principal::Principal, record::Record};

/// What the key of the signatures is derived for.
const PURPOSE: &str = "berth.v1.codechat.jwt";
/// `{"alg":"HS256","typ":"JWT"}`
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";
/// How long a token lives: ten years of 365 days.
const LIFE_SECONDS: i64 = 10 * 365 * 24 * 3_600;
/// Bytes of a token that is looked at.
const TOKEN_BYTES_MAX: usize = 2_048;

impl App {
    /// The token of an instance; `claims` are what the dialect adds.
    pub fn jwt(&self, record: &Record, claims: &[(&str, Value)]) -> String {
        let issued = record.state.created_at.seconds();
        let mut payload = serde_json::Map::new();
        for (name, value) in claims {
            payload.insert((*name).to_owned(), value.clone());
        }
        payload.insert("iat".to_owned(), json!(issued));
        payload.insert("exp".to_owned(), json!(issued + LIFE_SECONDS));
        payload.insert("ref".to_owned(), json!(record.id));
        payload.insert("ver".to_owned(), json!([record.state.credential_version, record.state.jwt_version]));
        let signed = format!("{HEADER}.{}", URL_SAFE_NO_PAD.encode(Value::Object(payload).to_string()));
        let signature = URL_SAFE_NO_PAD.encode(self.jwt_mac(&signed).finalize().into_bytes());
        format!("{signed}.{signature}")
    }

    /// Who shows this token: none if it is no token of ours; an error if it is one that ended.
    pub async fn authenticate_jwt(&self, token: &str) -> Result<Option<Principal>, Failure> {
        let Some(payload) = self.verified(token) else { return Ok(None) };
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

    /// The payload of a token with our signature.
    fn verified(&self, token: &str) -> Option<Value> {
        if token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        self.jwt_mac(signed).verify_slice(&signature).ok()?;
        (header == HEADER)
            .then(|| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok())
            .flatten()
    }

    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    fn jwt_mac(&self, signed: &str) -> Hmac<Sha256> {
        let key = self.inner.keys.master().derive(PURPOSE);
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key of any length");
        mac.update(signed.as_bytes());
        mac
    }
}
