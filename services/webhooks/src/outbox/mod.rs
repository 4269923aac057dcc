//! The outbox: a view of the log whose rows are the notices that are still owed.
//!
//! | key | value |
//! | --- | --- |
//! | `n` instance version endpoint ordinal | [`Owed`]: a notice that is not settled |
//! | `s` instance version endpoint ordinal | [`SettledRow`]: how it was settled |
//! | `k` instance | [`Kept`]: what the last notices of a deleted instance need, until they are settled |
//! | `a` partition version | [`Batch`]: what a commit of the delivery stream settled or told of endpoints, until that is old |
//! | `b` partition | the oldest version of which there may be a batch |
//! | `w` account version | the endpoints that an account had in a version |
//! | `v` account | how far the account is known |
//! | `p` account version number | what commits say that wait for a version of their account, and how many do |
//! | `q` instance version | whether a commit waits |
//! | `t` partition account endpoint | what the account was told last of how an endpoint fares, until that is that it recovered, or is old |
//!
//! A notice and its settlement come from two streams, in either order. Whichever comes second finds the
//! other: a settlement removes the notice, and a notice that is settled already is not written. So the rows
//! are the same whatever the order, and applying a commit twice changes nothing. Rows hold no personal data:
//! a notice is made from its commit when it is sent.
//!
//! How a notice was settled is forgotten after [`SETTLED_KEPT`], by the clock of the delivery stream and a few batches with
//! each commit of it (see `ages`), so that the outbox grows with what is owed and with a month, not with the history.

pub(crate) mod accounts;
mod ages;
mod keys;
pub(crate) mod reports;
pub(crate) mod touched;

use std::{sync::Arc, time::Duration};

use berth_bus::relay::RELAY_AGE_MAX;
use berth_domain::instance::NoticeClass;
use berth_log::SharedCommit;
use berth_notices::derive::{Code, Heard, Notice, Step, own_listeners};
use berth_proto::{
    AccountId, CommitV2, EndpointId, InstanceId, Kind, RecordV1, Timestamp,
    delivery::{
        DeliveryEvent, EndpointReportedV1, EndpointStandingV1, LastWordsKeptV1, NoticeKeyV1, ReopenedV1,
        SettledV1, SettlementV1,
    },
    instance::WebhookV1,
};
use berth_views::{ApplyError, Rows, View};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use accounts::Waiting;
pub(crate) use keys::{KEY_BYTES, read_settled_key, settled_prefix};
use keys::{OWED, SETTLED, row_key};
pub use keys::{kept_key, owed_key, owed_prefix, read_owed_key, settled_key};
use reports::{Report, Told, told_key};
use touched::At;
pub use touched::Touched;

/// Raised whenever rows or the derivation of notices change meaning.
const SCHEMA: u32 = 6;
/// First byte of the key of what a commit settled.
const BATCH: u8 = b'a';
/// First byte of the key of where the batches of a partition begin.
const OLDEST: u8 = b'b';
/// How long it is known how a notice was settled: as long as its attempts.
pub const SETTLED_KEPT: Duration = RELAY_AGE_MAX;

/// A notice that is not settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owed {
    /// When it may be sent.
    pub class: NoticeClass,
    /// The session that it is about.
    pub session: u32,
    /// The code that it shows.
    pub code: Option<Code>,
    /// When it came into being.
    pub occurred_at: Timestamp,
    /// The format that it was derived for.
    pub format: String,
    /// What it says, in the words of the format.
    pub event: String,
    /// Whether its commit was applied: one that is sent again may be known before it.
    pub commit: CommitStands,
}

/// Whether the commit of a notice was applied to the view. A settlement of one that was not is kept however old it is, or
/// else the notice would be owed again when it comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CommitStands {
    /// It was, and stood there in its shard: a hint for whoever reads it.
    Applied {
        /// The revision.
        revision: u64,
    },
    /// It is to come.
    Awaited,
    /// It is to come, and nobody wants to know any more how its notice was settled.
    Overdue,
}

/// How a notice was settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettledRow {
    /// How.
    pub outcome: SettlementV1,
    /// Attempts that were made.
    pub attempts: u16,
    /// When.
    pub at: Timestamp,
    /// Whether the commit of the notice was applied.
    pub commit: CommitStands,
}

/// What a commit of the delivery stream settled, and told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// When.
    pub at: Timestamp,
    /// The notices that it settled.
    pub notices: Vec<NoticeKeyV1>,
    /// The endpoints that it told their accounts of.
    pub told: Vec<(AccountId, EndpointId)>,
}

/// What the last notices of a deleted instance need. Its row depends on the delivery stream only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The notices that are not settled.
    pub notices: Vec<NoticeKeyV1>,
    /// The state, sealed under a key of its own.
    pub state: RecordV1,
}

/// The view; see the module.
#[derive(Debug)]
pub struct Outbox {
    touched: Arc<Touched>,
}

// === impl Outbox ===

impl Outbox {
    /// The view, telling `touched` which instances have new rows.
    pub const fn new(touched: Arc<Touched>) -> Self {
        Self { touched }
    }
}

impl View for Outbox {
    fn name(&self) -> &'static str {
        "outbox"
    }

    fn schema(&self) -> u32 {
        SCHEMA
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Instance, Kind::Account, Kind::Delivery]
    }

    fn apply(&self, shared: &SharedCommit, commit: &CommitV2, rows: &mut dyn Rows) -> Result<(), ApplyError> {
        match commit.stream.kind() {
            Kind::Instance => self.apply_instance(shared, commit, rows),
            Kind::Delivery => self.apply_delivery(shared, commit, rows),
            Kind::Account => self.apply_account(At::of(shared), commit, rows),
            Kind::Directory => Ok(()),
        }
    }

    fn quiet(&self) -> Arc<dyn View> {
        Arc::new(Self::new(Arc::default()))
    }
}

impl Outbox {
    fn apply_instance(
        &self,
        shared: &SharedCommit,
        commit: &CommitV2,
        rows: &mut dyn Rows,
    ) -> Result<(), ApplyError> {
        // Nobody is owed anything for a commit without events.
        if commit.events.is_empty() {
            return Ok(());
        }
        // It may cancel what is owed, also where it says nothing and nobody is left who hears it.
        let at = At::of(shared);
        self.touched.add(at, InstanceId::from_bytes(*commit.stream.id()), true, []);
        let Some(state) = shared.instance_state().map_err(unreadable)? else { return Ok(()) };
        let of_account = match commit.account_version {
            0 => Some(Vec::new()),
            version => accounts::listeners_in(state.account, version, rows)?,
        };
        let has_own = own_listeners(&state.webhooks, commit.account_version).next().is_some();
        if !has_own && of_account.as_ref().is_some_and(Vec::is_empty) {
            return Ok(());
        }
        let Some(step) = Step::with(commit, state.clone()).map_err(unreadable)? else { return Ok(()) };
        let heard = step.heard();
        let revision = at.revision();
        self.owe(at, (&heard, revision), own_listeners(&step.state.webhooks, commit.account_version), rows)?;
        match of_account {
            Some(listeners) => self.owe(at, (&heard, revision), listeners.iter(), rows),
            None if heard.is_nothing() => Ok(()),
            None => {
                let (account, version) = (step.state.account, commit.account_version);
                accounts::wait(account, version, &Waiting::Heard { heard, revision }, rows)
            }
        }
    }

    fn apply_account(&self, at: At, commit: &CommitV2, rows: &mut dyn Rows) -> Result<(), ApplyError> {
        let account = AccountId::from_bytes(*commit.stream.id());
        let Some(news) = accounts::apply(account, commit, rows)? else { return Ok(()) };
        for version in news.versions {
            self.tell_waiting(at, (account, version), rows)?;
        }
        self.touched.add_account(at, account, news.gone);
        Ok(())
    }

    /// Has endpoints be owed what waited for a version of their account.
    fn tell_waiting(
        &self,
        at: At,
        (account, version): (AccountId, u64),
        rows: &mut dyn Rows,
    ) -> Result<(), ApplyError> {
        let mut waited = accounts::take(account, version, rows)?;
        if waited.is_empty() {
            return Ok(());
        }
        let listeners = accounts::listeners_in(account, version, rows)?.unwrap_or_default();
        while !waited.is_empty() {
            for waiting in waited {
                match waiting {
                    Waiting::Heard { heard, revision } => {
                        self.owe(at, (&heard, revision), listeners.iter(), rows)?;
                    }
                    Waiting::Report(report) => self.owe_report(at, &report, &listeners, rows)?,
                }
            }
            waited = accounts::take(account, version, rows)?;
        }
        Ok(())
    }

    /// Has endpoints be owed what a commit says to them that stands at a revision, as far as that is not settled; by the commit
    /// that is folded.
    fn owe<'w>(
        &self,
        at: At,
        (heard, revision): (&Heard, u64),
        webhooks: impl Iterator<Item = &'w WebhookV1>,
        rows: &mut dyn Rows,
    ) -> Result<(), ApplyError> {
        for webhook in webhooks {
            let notices = heard.notices_for(webhook);
            for notice in &notices {
                let stands = CommitStands::Applied { revision };
                put_owed(&notice.key, &owed(heard.occurred_at, notice, &webhook.format, stands), rows)?;
            }
            self.touched.add(at, heard.instance, false, notices.iter().map(|notice| notice.key));
        }
        Ok(())
    }

    /// The same for what is said of an endpoint.
    fn owe_report(
        &self,
        at: At,
        report: &Report,
        listeners: &[WebhookV1],
        rows: &mut dyn Rows,
    ) -> Result<(), ApplyError> {
        for (key, owed) in report.notices(listeners) {
            put_owed(&key, &owed, rows)?;
            self.touched.add(at, key.instance, false, [key]);
        }
        Ok(())
    }

    fn apply_reported(
        &self,
        at: At,
        commit: &CommitV2,
        reported: &EndpointReportedV1,
        rows: &mut dyn Rows,
    ) -> Result<(), ApplyError> {
        let (account, version) = (reported.account, reported.account_version);
        let told_key = told_key(account, reported.endpoint);
        let told = rows.get(&told_key).map_err(unreadable)?.and_then(|row| read_row::<Told>(&row));
        if told.is_none_or(|told| told.version < commit.version) {
            match reported.standing {
                // As if nothing had been told of it: whatever comes next is news either way.
                EndpointStandingV1::Recovered => rows.remove(&told_key),
                standing => {
                    let told = Told { version: commit.version, standing };
                    rows.put(&told_key, write(&told).map_err(unreadable)?);
                }
            }
        }
        let report = Report::of(reported, (commit.version, at.revision()), commit.occurred_at);
        match accounts::listeners_in(account, version, rows)? {
            Some(listeners) => self.owe_report(at, &report, &listeners, rows),
            None => accounts::wait(account, version, &Waiting::Report(report), rows),
        }
    }

    fn apply_delivery(
        &self,
        shared: &SharedCommit,
        commit: &CommitV2,
        rows: &mut dyn Rows,
    ) -> Result<(), ApplyError> {
        let at = At::of(shared);
        let mut batch = Batch { at: commit.occurred_at, notices: Vec::new(), told: Vec::new() };
        for record in &commit.events {
            match DeliveryEvent::from_record(record).map_err(unreadable)? {
                DeliveryEvent::NoticesSettled(settled) => {
                    for settled in &settled.notices {
                        self.apply_settled(at, settled, rows)?;
                    }
                    batch.notices.extend(settled.notices.iter().map(|settled| settled.notice));
                }
                DeliveryEvent::LastWordsKept(kept) => self.apply_kept(at, kept, rows)?,
                DeliveryEvent::NoticesReopened(reopened) => {
                    for reopened in reopened.notices {
                        self.apply_reopened(at, reopened, rows)?;
                    }
                }
                DeliveryEvent::EndpointReported(reported) => {
                    self.apply_reported(at, commit, &reported, rows)?;
                    batch.told.push((reported.account, reported.endpoint));
                }
                DeliveryEvent::DispatcherChanged(_) => {}
            }
        }
        ages::note(commit, &batch, rows)?;
        ages::forget(commit, rows)
    }

    fn apply_kept(&self, at: At, kept: LastWordsKeptV1, rows: &mut dyn Rows) -> Result<(), ApplyError> {
        let LastWordsKeptV1 { instance, notices, state } = kept;
        let mut row = Kept { notices: Vec::new(), state };
        for notice in notices {
            if rows.get(&row_key(SETTLED, &notice)).map_err(unreadable)?.is_none() {
                row.notices.push(notice);
            }
        }
        if !row.notices.is_empty() {
            rows.put(&kept_key(instance), write(&row).map_err(unreadable)?);
        }
        self.touched.add(at, instance, true, []);
        Ok(())
    }

    /// The row says all that its commit would: whichever of the two comes first, it is the same.
    fn apply_reopened(&self, at: At, reopened: ReopenedV1, rows: &mut dyn Rows) -> Result<(), ApplyError> {
        let ReopenedV1 { notice, class, session, occurred_at, format, event } = reopened;
        let commit = commit_of(&notice, rows)?;
        rows.remove(&row_key(SETTLED, &notice));
        let row = Owed { class, session, code: None, occurred_at, format, event, commit };
        rows.put(&row_key(OWED, &notice), write(&row).map_err(unreadable)?);
        self.touched.add(at, notice.instance, true, [notice]);
        Ok(())
    }

    fn apply_settled(&self, at: At, settled: &SettledV1, rows: &mut dyn Rows) -> Result<(), ApplyError> {
        let SettledV1 { notice, outcome, attempts, at: settled_at } = *settled;
        let commit = commit_of(&notice, rows)?;
        rows.remove(&row_key(OWED, &notice));
        let row = SettledRow { outcome, attempts, at: settled_at, commit };
        rows.put(&row_key(SETTLED, &notice), write(&row).map_err(unreadable)?);
        self.touched.add(at, notice.instance, false, [notice]);
        let key = kept_key(notice.instance);
        let kept = rows.get(&key).map_err(unreadable)?;
        if let Some(mut kept) = kept.and_then(|row| read_row::<Kept>(&row)) {
            kept.notices.retain(|one| *one != notice);
            if kept.notices.is_empty() {
                rows.remove(&key);
            } else {
                rows.put(&key, write(&kept).map_err(unreadable)?);
            }
        }
        Ok(())
    }
}

/// Writes the row of a notice, unless it is settled already.
fn put_owed(notice: &NoticeKeyV1, owed: &Owed, rows: &mut dyn Rows) -> Result<(), ApplyError> {
    let key = row_key(SETTLED, notice);
    match rows.get(&key).map_err(unreadable)?.and_then(|row| read_row::<SettledRow>(&row)) {
        None => rows.put(&row_key(OWED, notice), write(owed).map_err(unreadable)?),
        Some(SettledRow { commit: CommitStands::Overdue, .. }) => rows.remove(&key),
        Some(settled) => {
            let settled = SettledRow { commit: owed.commit, ..settled };
            rows.put(&key, write(&settled).map_err(unreadable)?);
        }
    }
    Ok(())
}

/// What its rows say of the commit of a notice.
fn commit_of(notice: &NoticeKeyV1, rows: &mut dyn Rows) -> Result<CommitStands, ApplyError> {
    let owed = rows.get(&row_key(OWED, notice)).map_err(unreadable)?;
    if let Some(owed) = owed.and_then(|row| read_row::<Owed>(&row)) {
        return Ok(owed.commit);
    }
    let settled = rows.get(&row_key(SETTLED, notice)).map_err(unreadable)?;
    let settled = settled.and_then(|row| read_row::<SettledRow>(&row));
    Ok(settled.map_or(CommitStands::Awaited, |settled| settled.commit))
}

/// The row of a notice of something that happened at a moment, to an endpoint with that format.
pub(crate) fn owed(occurred_at: Timestamp, notice: &Notice, format: &str, commit: CommitStands) -> Owed {
    Owed {
        class: notice.class,
        session: notice.session,
        code: notice.happening.code().copied(),
        occurred_at,
        format: format.to_owned(),
        event: notice.word.event.to_owned(),
        commit,
    }
}

fn unreadable(error: impl std::error::Error) -> ApplyError {
    ApplyError { reason: error.to_string() }
}

// === values ===

fn write(row: &impl Serialize) -> Result<Vec<u8>, postcard::Error> {
    postcard::to_allocvec(row)
}

/// The value of a row; none if it is damaged.
pub fn read_row<T: DeserializeOwned>(value: &[u8]) -> Option<T> {
    let (row, rest) = postcard::take_from_bytes(value).ok()?;
    rest.is_empty().then_some(row)
}

#[cfg(test)]
mod tests;
