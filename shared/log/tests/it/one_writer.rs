//! Only the transaction loop appends, and only the decoder of this crate turns bytes into a commit: whoever goes
//! round them loses the checks of stream, version, checksum and expected version.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// What only this crate may say, in sources of the product: an append needs the one, a commit from bytes the other.
const OURS_ONLY: [&str; 3] = ["NewCommit", "decode::<CommitV", "CommitV2 = codec::decode"];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
}

#[test]
fn nobody_else_appends_or_decodes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut found = Vec::new();
    for group in ["shared", "services"] {
        for member in fs::read_dir(root.join(group)).unwrap() {
            let member = member.unwrap().path();
            if !member.ends_with("shared/log") {
                sources(&member.join("src"), &mut found);
            }
        }
    }
    assert!(found.len() > 100, "the sources are looked at");
    for path in found {
        let text = fs::read_to_string(&path).unwrap();
        for words in OURS_ONLY {
            assert!(!text.contains(words), "{} goes round the writer: {words}", path.display());
        }
    }
}
