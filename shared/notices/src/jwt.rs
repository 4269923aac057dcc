//! JSON Web Tokens (RFC 7519, HS256) that stand for an instance's token in a dialect that has them.
//!
//! A token is a pure function of the instance, its credential versions and its issue time, so showing it again
//! shows the same one, and nothing of it is stored. It ends with the versions that it names.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use berth_proto::{InstanceId, instance::InstanceStateV1};
use berth_runtime::MasterKey;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

/// What the key of the signatures is derived for.
const PURPOSE: &str = "berth.v1.codechat.jwt";
/// `{"alg":"HS256","typ":"JWT"}`
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";
/// How long a token lives: ten years of 365 days.
const LIFE_SECONDS: i64 = 10 * 365 * 24 * 3_600;
/// Bytes of a token that is looked at.
const TOKEN_BYTES_MAX: usize = 2_048;

/// The token of an instance in this state; it names the instance by its foreign id if it has one.
pub fn instance_jwt(
    master: &MasterKey,
    instance: InstanceId,
    state: &InstanceStateV1,
    external_id: Option<&str>,
) -> String {
    let issued = state.created_at.seconds();
    let payload = json!({
        "I_ID": external_id.map_or_else(|| instance.to_string(), str::to_owned),
        "B_ID": state.account,
        "A_N": "codechat_api",
        "sub": "I_T",
        "iat": issued,
        "exp": issued + LIFE_SECONDS,
        "ref": instance,
        "ver": [state.credential_version, state.jwt_version],
    });
    let signed = format!("{HEADER}.{}", URL_SAFE_NO_PAD.encode(payload.to_string()));
    let signature = URL_SAFE_NO_PAD.encode(mac(master, &signed).finalize().into_bytes());
    format!("{signed}.{signature}")
}

/// The payload of a token with our signature.
pub fn verified(master: &MasterKey, token: &str) -> Option<Value> {
    if token.len() > TOKEN_BYTES_MAX {
        return None;
    }
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, payload) = signed.split_once('.')?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    mac(master, signed).verify_slice(&signature).ok()?;
    (header == HEADER).then(|| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()).flatten()
}

#[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
fn mac(master: &MasterKey, signed: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&master.derive(PURPOSE)).expect("a key of any length");
    mac.update(signed.as_bytes());
    mac
}
