//! A commit as the readers of one process share it.

use std::sync::OnceLock;

use berth_proto::{CommitV2, DecodeError as CodecError, Kind, instance::InstanceStateV1};

use crate::{
    decode::{DecodeError, decode_commit},
    port::Stored,
};

/// A stored commit that is decoded once, by the first reader who asks; so is the state of an instance in it.
#[derive(Debug)]
pub struct SharedCommit {
    stored: Stored,
    commit: OnceLock<Result<CommitV2, DecodeError>>,
    instance: OnceLock<Result<Option<InstanceStateV1>, CodecError>>,
}

impl SharedCommit {
    /// What is stored, and where.
    pub const fn stored(&self) -> &Stored {
        &self.stored
    }

    /// The commit, or why it cannot be used.
    pub fn commit(&self) -> Result<&CommitV2, &DecodeError> {
        self.commit.get_or_init(|| decode_commit(&self.stored)).as_ref()
    }

    /// Decodes it before anybody asks, and the state of an instance to which something happened.
    pub(crate) fn decode(&self) {
        let happened = self.commit().is_ok_and(|commit| !commit.events.is_empty());
        if happened && self.stored.stream.kind() == Kind::Instance {
            let _known = self.instance_state();
        }
    }

    /// The state of an instance after the commit; none if the commit carries none or cannot be used.
    pub fn instance_state(&self) -> Result<Option<&InstanceStateV1>, &CodecError> {
        let opened = self.instance.get_or_init(|| {
            let record = self.commit().ok().and_then(CommitV2::full_state);
            record.map(berth_proto::RecordV1::open).transpose()
        });
        opened.as_ref().map(Option::as_ref)
    }
}

impl From<Stored> for SharedCommit {
    fn from(stored: Stored) -> Self {
        Self { stored, commit: OnceLock::new(), instance: OnceLock::new() }
    }
}

/// What is decoded follows from what is stored.
impl PartialEq for SharedCommit {
    fn eq(&self, other: &Self) -> bool {
        self.stored == other.stored
    }
}

impl Eq for SharedCommit {}
