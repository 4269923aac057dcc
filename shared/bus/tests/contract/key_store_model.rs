//! The file of keys against a model: whatever is done to it, and however often it is opened again.

use std::collections::HashMap;

use berth_bus::{KeptKey, KeyStore, local::FileKeyStore};
use berth_runtime::WrappedKey;
use proptest::prelude::*;

use crate::support::files_with;

#[derive(Debug, Clone)]
enum Step {
    Put(u8, u8),
    Destroy(u8),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (0..6_u8, any::<u8>()).prop_map(|(owner, key)| Step::Put(owner, key)),
        3 => (0..6_u8).prop_map(Step::Destroy),
        1 => Just(Step::Reopen),
    ]
}

/// The key of a put: no other owner's resembles it.
fn key(owner: u8, seed: u8) -> WrappedKey {
    WrappedKey([owner].into_iter().chain((1..48_u8).map(|byte| byte.wrapping_mul(41) ^ seed)).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn it_keeps_what_the_model_keeps(steps in prop::collection::vec(step(), 1..30)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(follow(steps));
    }
}

async fn follow(steps: Vec<Step>) {
    let folder = tempfile::tempdir().unwrap();
    let mut store = FileKeyStore::open(folder.path()).await.unwrap();
    // An owner's key; none once it was destroyed.
    let mut model: HashMap<u8, Option<WrappedKey>> = HashMap::new();
    for step in steps {
        match step {
            Step::Put(owner, seed) => {
                let key = key(owner, seed);
                let expected = model.entry(owner).or_insert_with(|| Some(key.clone())).clone();
                assert_eq!(store.put_if_absent(&[owner; 16], key).await.unwrap(), expected);
            }
            Step::Destroy(owner) => {
                store.destroy(&[owner; 16]).await.unwrap();
                let destroyed = model.insert(owner, None).flatten();
                let left = destroyed.map(|key| files_with(folder.path(), &key.0)).unwrap_or_default();
                assert!(left.is_empty(), "{left:?}");
            }
            Step::Reopen => {
                drop(store);
                store = FileKeyStore::open(folder.path()).await.unwrap();
            }
        }
        for owner in 0..6 {
            let expected = match model.get(&owner) {
                None => KeptKey::Missing,
                Some(None) => KeptKey::Destroyed,
                Some(Some(key)) => KeptKey::Present(key.clone()),
            };
            assert_eq!(store.get(&[owner; 16]).await.unwrap(), expected);
        }
    }
}
