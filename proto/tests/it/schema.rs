//! The shapes of all frozen types, as a checked-in file.
//!
//! postcard writes no field names: a field that is added, dropped or moved, or a variant in the middle of
//! an enum, changes what old bytes mean. This test notices. `BERTH_WRITE_VECTORS=1` adds new shapes and variants
//! at the end of an enum; any other change needs a new version of its type instead.

use std::{collections::BTreeMap, env, fs, path::PathBuf};

use berth_proto::{
    attempt::{AfterAttemptV1, AttemptResultV1},
    commit::{CarriedV1, OutcomeCodeV1, PrincipalV1},
    deliveries::{DeliveriesReplyV1, DeliveriesRequestV1, StandingV1},
    delivery::{EndpointStandingV1, NoticeClass, SettlementV1},
    directory::PurposeV1,
    event::{AbandonReasonV1, EndReasonV1, LogoutOriginV1, ResumeCauseV1},
    frame::{RejectionCodeV1, TargetV1},
    instance::{
        ConnectionV1, EndCauseV1, MethodV1, PauseReasonV1, PermissionV1, PhaseV1, PriorV1, UnlinkStatusV1,
    },
    redelivery::{RedeliveryReplyV1, RedeliveryRequestV1},
    subject::Kind,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use serde_reflection::{Samples, Tracer, TracerConfig};

use crate::catalogue::catalogue;

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Lock {
    /// `<type id> v<version>` → the name of its shape.
    types: BTreeMap<String, String>,
    /// The fields and variants of every shape, in the order in which they are written.
    shapes: BTreeMap<String, Value>,
}

fn present() -> Lock {
    let mut tracer = Tracer::new(TracerConfig::default().is_human_readable(false));
    let samples = Samples::new();
    // The tracer follows only the first variant of an enum inside another type.
    macro_rules! variants {
        ($($type:ty),+ $(,)?) => { $( tracer.trace_type::<$type>(&samples).unwrap(); )+ };
    }
    variants!(
        AbandonReasonV1,
        AfterAttemptV1,
        AttemptResultV1,
        CarriedV1,
        ConnectionV1,
        DeliveriesReplyV1,
        DeliveriesRequestV1,
        EndCauseV1,
        EndReasonV1,
        EndpointStandingV1,
        Kind,
        LogoutOriginV1,
        MethodV1,
        NoticeClass,
        OutcomeCodeV1,
        PauseReasonV1,
        PermissionV1,
        PhaseV1,
        PrincipalV1,
        PriorV1,
        PurposeV1,
        RedeliveryReplyV1,
        RedeliveryRequestV1,
        RejectionCodeV1,
        ResumeCauseV1,
        SettlementV1,
        StandingV1,
        TargetV1,
        UnlinkStatusV1,
    );
    let mut types = BTreeMap::new();
    for entry in catalogue() {
        (entry.trace)(&mut tracer, &samples);
        types.insert(format!("{:04} v{}", entry.type_id, entry.version), entry.name.to_owned());
    }
    let registry = on_the_wire(serde_json::to_value(tracer.registry().unwrap()).unwrap());
    Lock { types, shapes: serde_json::from_value(registry).unwrap() }
}

/// postcard writes a byte string as it writes a sequence of bytes, so the lock has one word for both.
fn on_the_wire(shape: Value) -> Value {
    match shape {
        Value::String(word) if word == "BYTES" => json!({ "SEQ": "U8" }),
        Value::Array(parts) => parts.into_iter().map(on_the_wire).collect(),
        Value::Object(parts) => parts.into_iter().map(|(name, part)| (name, on_the_wire(part))).collect(),
        other => other,
    }
}

/// A shape without the variants that were appended to its enum since: they change nothing of what bytes meant.
fn as_locked(now: &Value, locked: &Value) -> Value {
    let mut now = now.clone();
    let variants = now.get_mut("ENUM").and_then(Value::as_object_mut);
    if let (Some(variants), Some(known)) = (variants, locked["ENUM"].as_object()) {
        variants.retain(|index, _| known.contains_key(index));
    }
    now
}

#[test]
fn the_shapes_are_the_locked_ones() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("schema.lock");
    let text = fs::read_to_string(&path).unwrap_or_default();
    let locked: Lock = if text.is_empty() { Lock::default() } else { serde_json::from_str(&text).unwrap() };
    let present = present();
    for (id, name) in &locked.types {
        assert_eq!(present.types.get(id), Some(name), "type {id} was renumbered or dropped");
    }
    for (name, shape) in &locked.shapes {
        let now = present.shapes.get(name).map(|now| as_locked(now, shape));
        assert_eq!(now.as_ref(), Some(shape), "the shape of {name} changed: make a new version instead");
    }
    if present == locked {
        return;
    }
    assert!(
        env::var_os("BERTH_WRITE_VECTORS").is_some(),
        "schema.lock lacks new shapes: run this test with BERTH_WRITE_VECTORS=1 and check it in"
    );
    fs::write(path, serde_json::to_string_pretty(&present).unwrap() + "\n").unwrap();
}
