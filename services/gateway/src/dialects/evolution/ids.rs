//! Ids that rows of this dialect show: made from ours, so that they are always the same.

use berth_proto::{EndpointId, Hash, InstanceId};

/// A row's id in the form that the product's database makes: `c` and 24 lower-case letters and digits.
pub(super) fn row(instance: InstanceId, table: &str) -> String {
    cuid(&[instance.as_bytes(), table.as_bytes()])
}

/// A webhook row's id.
pub(super) fn webhook(id: EndpointId) -> String {
    cuid(&[id.as_bytes(), b"webhook"])
}

fn cuid(parts: &[&[u8]]) -> String {
    let digest = Hash::over(b"berth.v1.evolution.row", parts);
    let text = data_encoding::BASE32HEX_NOPAD.encode(&digest.0).to_ascii_lowercase();
    format!("c{}", text.chars().take(24).collect::<String>())
}
