//! The OpenAPI documents that are checked in are those that the code makes.

use std::path::Path;

use berth_gateway::docs::documents;

/// Compares each document with the one that is checked in, or writes it if `BERTH_WRITE_OPENAPI` is set.
#[test]
fn the_documents_are_fresh() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi");
    let documents = documents();
    for (name, document) in &documents {
        let path = folder.join(format!("{name}.json"));
        let mut made = document.to_pretty_json().unwrap();
        made.push('\n');
        if std::env::var_os("BERTH_WRITE_OPENAPI").is_some() {
            std::fs::write(&path, &made).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == made,
            "openapi/{name}.json is out of date: \
             run `BERTH_WRITE_OPENAPI=1 cargo test -p berth-gateway --test openapi`"
        );
    }
    let files = std::fs::read_dir(&folder).unwrap().count();
    assert_eq!(files, documents.len(), "openapi/ has a file that no document makes");
}
