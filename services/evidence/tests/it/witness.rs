//! A witness: it knows the keys and what it saw last, believes nobody, and refuses a fork.

use std::{collections::HashMap, sync::Arc};

use berth_evidence::{Head, Keys, PublicKey};
use berth_log::memory::MemoryLog;
use tlog_tiles::tlog::{TreeProof, check_tree};

use crate::{
    proofs::{consistency, hash},
    world::{DEPLOYMENT, SHARDS, World, key},
};

/// What C2SP `tlog-witness` asks of one: it signs a head only after a proof that its tree begins with the last one.
struct Witness {
    keys: Vec<PublicKey>,
    seen: HashMap<String, Head>,
}

#[derive(Debug, PartialEq)]
enum Refused {
    Signature,
    /// The head is older than what was seen.
    Older,
    /// Two heads of one size contradict each other, or the proof does not hold.
    Fork,
}

impl Witness {
    /// How large the last tree of an origin was.
    fn size_of(&self, origin: &str) -> u64 {
        self.seen.get(origin).map_or(0, |head| head.size)
    }

    fn see(&mut self, note: &str, proof: &TreeProof) -> Result<(), Refused> {
        let head = Head::open(note, &self.keys).map_err(|_| Refused::Signature)?;
        if let Some(before) = self.seen.get(&head.origin) {
            if head.size < before.size {
                return Err(Refused::Older);
            }
            let same = head.size == before.size && head.root == before.root;
            let proved =
                check_tree(proof, head.size, hash(head.root), before.size, hash(before.root)).is_ok();
            if !same && !proved {
                return Err(Refused::Fork);
            }
        }
        self.seen.insert(head.origin.clone(), head);
        Ok(())
    }

    /// Sees the last checkpoint of a shard.
    async fn visit(&mut self, world: &World, shard: u8) -> Result<(), Refused> {
        let (published, head) = world.attested(shard).await;
        let before = self.size_of(&head.origin);
        let proof = consistency(world, shard, before, head.size).await.unwrap_or_default();
        self.see(&published.note, &proof)
    }
}

#[tokio::test]
async fn a_witness_follows_a_log_that_grows_and_refuses_one_that_forks() {
    let mut world = World::in_memory();
    world.append(40, "the truth").await;
    let replica = world.start("one", key(1)).await;
    let early = world.attested(0).await.0;
    let keys = Keys::open(DEPLOYMENT, world.latest().await.keys.iter().map(String::as_str)).unwrap();
    let mut witness = Witness { keys: keys.all().to_vec(), seen: HashMap::new() };
    for more in ["at first", "later", "at last"] {
        world.append(30, more).await;
        for shard in 0..SHARDS {
            assert_eq!(witness.visit(&world, shard).await, Ok(()));
        }
    }
    assert_eq!(witness.see(&early.note, &TreeProof::new()), Err(Refused::Older), "an old one offered as new");
    replica.stop().await;

    // Somebody who has the key, and the store, writes the log anew and publishes as if nothing had been before.
    let mut forged = World::over(Arc::new(MemoryLog::new(SHARDS)));
    forged.append(200, "another truth").await;
    let usurper = forged.start("one", key(1)).await;
    for shard in 0..SHARDS {
        assert_eq!(witness.visit(&forged, shard).await, Err(Refused::Fork));
    }
    usurper.stop().await;
    let mut stranger = World::over(Arc::new(MemoryLog::new(SHARDS)));
    stranger.append(200, "of a stranger").await;
    let replica = stranger.start("one", key(2)).await;
    assert_eq!(witness.visit(&stranger, 0).await, Err(Refused::Signature));
    replica.stop().await;
}
