//! Queries of the record view, which may lag behind the log.

use serde::{Deserialize, Serialize};

use crate::{
    codec::{Frozen, RecordV1, types},
    ids::{AccountId, InstanceId, StreamId},
    limits,
};

/// Most records of one page.
pub const PAGE_MAX: u16 = 500;

/// Most milliseconds that a query waits for the view.
pub const STANDS_WAIT_MS_MAX: u16 = 1_000;

/// A query of the record view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum QueryV1 {
    /// Instances of an account, in the order of their ids.
    Instances(InstanceQueryV1),
    /// Accounts, in the order of their ids.
    Accounts {
        /// The id after which the page starts.
        after: Option<AccountId>,
        /// Most records of the page.
        limit: u16,
    },
    /// How many instances of an account are in each state.
    Counts {
        /// The account.
        account: AccountId,
    },
    /// Whether the view stands for a version of an instance: answered as soon as it does, or when that was waited for.
    Stands {
        /// The instance.
        instance: InstanceId,
        /// The version of its stream, or a later one.
        version: u64,
        /// Milliseconds to wait, at most [`STANDS_WAIT_MS_MAX`].
        wait_ms: u16,
    },
}

/// Which instances.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceQueryV1 {
    /// The account; none is every account (root only).
    pub account: Option<AccountId>,
    /// Words of the native state table, each alone or with a dot and a word of its details: `linked.lost`. Empty is all.
    pub states: Vec<String>,
    /// Text that the name, the push name, the business name, the phone or the number contains.
    pub text: Option<String>,
    /// Digits that the linked phone is.
    pub phone: Option<String>,
    /// Deleted ones too.
    pub with_deleted: bool,
    /// The id after which the page starts.
    pub after: Option<InstanceId>,
    /// Most records of the page.
    pub limit: u16,
}

impl Frozen for QueryV1 {
    const TYPE: u16 = types::QUERY;
    const VERSION: u8 = 1;
    const BYTES_MAX: usize = limits::FRAME_BYTES_MAX;
}

/// The answer to a query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum QueryReplyV1 {
    /// A page of records.
    Page(PageV1),
    /// The view is being built; try again later.
    Rebuilding,
    /// The query is not well formed.
    Invalid {
        /// What is wrong with it.
        reason: String,
    },
    /// How many there are.
    Counts(CountsV1),
    /// Whether the view stands for what was asked about.
    Stands(bool),
}

impl Frozen for QueryReplyV1 {
    const TYPE: u16 = types::QUERY_REPLY;
    const VERSION: u8 = 1;
    const BYTES_MAX: usize = 64 * 1024 * 1024;
}

/// How many instances there are, by their states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountsV1 {
    /// Words of the native state table with the number of instances; a state without any may be left out.
    pub states: Vec<(String, u64)>,
    /// Milliseconds that the view is behind the log, as far as it knows.
    pub lag_ms: u64,
}

/// A page of records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageV1 {
    /// The records.
    pub rows: Vec<RowV1>,
    /// Whether there are more.
    pub more: bool,
    /// Records that match in all, where that is known without reading them all.
    pub total: Option<u64>,
    /// Milliseconds that the view is behind the log, as far as it knows.
    pub lag_ms: u64,
}

/// A record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowV1 {
    /// The instance or account.
    pub id: StreamId,
    /// The version of the stream that the record was made from.
    pub version: u64,
    /// Its state.
    pub state: RecordV1,
}
