//! Standard Webhooks 1.0.0: secrets, ids and signatures.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use berth_notices::asymmetric::AsymmetricKey;
use berth_proto::{CommandId, Hash, delivery::NoticeKeyV1};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use thiserror::Error;

/// How a secret begins.
const SECRET_PREFIX: &str = "whsec_";
/// Bytes of the shortest secret.
const SECRET_BYTES_MIN: usize = 24;
/// Bytes of the longest secret.
const SECRET_BYTES_MAX: usize = 64;

/// The text is not a signing secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a signing secret is `whsec_` and 24 to 64 bytes in base64")]
pub struct InvalidSecret;

/// A signing secret of an endpoint.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

// === impl Secret ===

impl Secret {
    /// Reads `whsec_` and base64.
    pub fn parse(text: &str) -> Result<Self, InvalidSecret> {
        let bytes = text
            .strip_prefix(SECRET_PREFIX)
            .and_then(|base64| STANDARD.decode(base64).ok())
            .ok_or(InvalidSecret)?;
        if (SECRET_BYTES_MIN..=SECRET_BYTES_MAX).contains(&bytes.len()) {
            Ok(Self(bytes))
        } else {
            Err(InvalidSecret)
        }
    }

    /// The signature of a message: `v1,` and base64.
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    pub fn sign(&self, id: &str, timestamp_seconds: i64, body: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("a key of any length");
        for part in [id.as_bytes(), b".", timestamp_seconds.to_string().as_bytes(), b".", body] {
            mac.update(part);
        }
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

/// The value of `webhook-signature`: one signature for each secret, the present one first; of an endpoint that wants it
/// the asymmetric one beside each.
pub fn signatures(
    secrets: &[Secret],
    asymmetric: bool,
    id: &str,
    timestamp_seconds: i64,
    body: &[u8],
) -> String {
    let mut all = Vec::new();
    for secret in secrets {
        all.push(secret.sign(id, timestamp_seconds, body));
        if asymmetric {
            let message = [format!("{id}.{timestamp_seconds}.").as_bytes(), body].concat();
            all.push(AsymmetricKey::of_secret(&secret.0).sign(&message));
        }
    }
    all.join(" ")
}

/// The value of `webhook-id`: made from where a notice comes from and never from what it says, so that every
/// attempt of a notice has the same and two equal notices have two.
pub fn message_id(notice: &NoticeKeyV1) -> String {
    format!("msg_{}", delivery_id(notice))
}

/// The id in [`message_id`].
pub fn delivery_id(notice: &NoticeKeyV1) -> CommandId {
    let Hash(hash) = Hash::over(
        b"berth.v1.notice",
        &[
            notice.instance.as_bytes(),
            &notice.version.to_be_bytes(),
            notice.endpoint.as_bytes(),
            &notice.ordinal.to_be_bytes(),
        ],
    );
    let mut bytes = [0; 16];
    bytes.copy_from_slice(hash.split_at(16).0);
    CommandId::from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use berth_proto::{EndpointId, InstanceId};

    use super::*;

    #[test]
    fn the_golden_cases_of_the_specification() {
        let a = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        assert_eq!(
            a.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
        let b = Secret::parse("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD").unwrap();
        let body = br#"{"email":"test@example.com","username":"test_user"}"#;
        assert_eq!(
            b.sign("msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1_649_367_553, body),
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="
        );
        let kinds = |asymmetric| -> Vec<String> {
            let all = signatures(&[a.clone(), b.clone()], asymmetric, "m", 1, b"x");
            all.split(' ').map(|one| one.split(',').next().unwrap().to_owned()).collect()
        };
        assert_eq!(kinds(false), ["v1", "v1"]);
        assert_eq!(kinds(true), ["v1", "v1a", "v1", "v1a"]);
    }

    #[test]
    fn short_long_and_foreign_secrets_are_refused() {
        for text in [
            String::new(),
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned(),
            "whsec_".to_owned(),
            "whsec_!!".to_owned(),
        ]
        .into_iter()
        .chain([16, 23, 65].map(|bytes| format!("whsec_{}", STANDARD.encode(vec![7; bytes]))))
        {
            assert!(Secret::parse(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_id_depends_on_where_a_notice_comes_from() {
        let key = NoticeKeyV1 {
            instance: InstanceId::from_bytes([1; 16]),
            version: 3,
            endpoint: EndpointId::from_bytes([2; 16]),
            ordinal: 0,
        };
        assert_eq!(message_id(&key), message_id(&key));
        assert_ne!(message_id(&key), message_id(&NoticeKeyV1 { ordinal: 1, ..key }));
        assert_ne!(message_id(&key), message_id(&NoticeKeyV1 { version: 4, ..key }));
        assert_eq!(message_id(&key).len(), 30);
    }
}
