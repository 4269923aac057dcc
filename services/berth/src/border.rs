//! Where authentication tags begin in the log of a deployment that wrote commits without them before.

use std::collections::BTreeMap;

use berth_log::{Position, jetstream::Untagged};
use berth_proto::Hash;
use berth_runtime::LogKey;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// What the code of a border is of, so that it is none of anything else.
const WHAT: &[u8] = b"border";

/// The end of each shard when tags became obligatory. Whoever may write the record of the deployment could have forged commits taken by a
/// border that is further on, so it has a code that only the deployment can make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Border {
    ends: BTreeMap<u8, u64>,
    code: Hash,
}

impl Border {
    /// The border of a deployment behind these ends of its shards.
    pub(crate) fn at(ends: BTreeMap<u8, u64>, id: &str, key: &LogKey) -> Self {
        let code = code(&ends, id, key);
        Self { ends, code }
    }

    /// The same border, but in no shard behind its end: what comes to stand there needs a tag. Refused if somebody else made it.
    pub(crate) fn lowered(&self, end: &Position, id: &str, key: &LogKey) -> Result<Self, Failure> {
        self.untagged(id, key)?;
        let end = |shard: &u8| end.0.get(shard).map_or(0, |at| at.revision);
        let ends = self.ends.iter().map(|(shard, before)| (*shard, end(shard).min(*before))).collect();
        Ok(Self::at(ends, id, key))
    }

    /// Up to where commits may be without a tag. Refused if somebody else made it.
    pub(crate) fn untagged(&self, id: &str, key: &LogKey) -> Result<Untagged, Failure> {
        if code(&self.ends, id, key) == self.code {
            Ok(Untagged::UpTo(self.ends.clone()))
        } else {
            Err(Failure::BorderForged)
        }
    }
}

fn code(ends: &BTreeMap<u8, u64>, id: &str, key: &LogKey) -> Hash {
    let places: Vec<u8> =
        ends.iter().flat_map(|(shard, end)| [*shard].into_iter().chain(end.to_be_bytes())).collect();
    key.vouch(&[WHAT, id.as_bytes(), &places])
}

#[cfg(test)]
mod tests {
    use berth_log::ShardPosition;
    use berth_runtime::{MasterKey, SeededEntropy};

    use super::*;

    #[test]
    fn a_border_is_believed_as_its_deployment_made_it_only() {
        let entropy = SeededEntropy::new(1);
        let [key, other] = [(); 2].map(|()| MasterKey::generate(&entropy).log_key());
        let border = Border::at([(2, 70)].into(), "a", &key);
        assert_eq!(border.untagged("a", &key).unwrap(), Untagged::UpTo([(2, 70)].into()));
        let end = Position([(2, ShardPosition { incarnation: 9, revision: 60 })].into());
        let lowered = border.lowered(&end, "a", &key).unwrap();
        assert_eq!(lowered.untagged("a", &key).unwrap(), Untagged::UpTo([(2, 60)].into()));
        let gone = lowered.lowered(&Position::default(), "a", &key).unwrap();
        assert_eq!(gone.untagged("a", &key).unwrap(), Untagged::UpTo([(2, 0)].into()));
        let further = Border { ends: [(2, 71)].into(), ..border };
        for (border, id, key) in [(&lowered, "b", &key), (&lowered, "a", &other), (&further, "a", &key)] {
            assert!(matches!(border.untagged(id, key), Err(Failure::BorderForged)));
        }
    }
}
