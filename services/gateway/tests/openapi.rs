//! The OpenAPI documents that are checked in are those that the code makes.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

/// Compares a document with the one that is checked in, or writes it if `BERTH_WRITE_OPENAPI` is set.
fn check(name: &str, document: &utoipa::openapi::OpenApi) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi").join(name);
    let mut made = document.to_pretty_json().unwrap();
    made.push('\n');
    if std::env::var_os("BERTH_WRITE_OPENAPI").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == made,
        "openapi/{name} is out of date: run `BERTH_WRITE_OPENAPI=1 cargo test -p berth-gateway --test openapi`"
    );
}

#[test]
fn the_native_document_is_fresh() {
    check("native.json", &berth_gateway::native::openapi());
}
