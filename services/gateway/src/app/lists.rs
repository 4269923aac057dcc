//! Lists of instances, from the record view: they may lag and say by how much.

use std::{sync::Arc, time::Duration};

use berth_bus::Bus;
use berth_proto::{
    AccountId, InstanceId, codec,
    query::{CountsV1, InstanceQueryV1, PAGE_MAX, PageV1, QueryReplyV1, QueryV1},
    subject::query_subject,
};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};

use super::{
    failure::Failure,
    just_created::JustCreated,
    record::{Record, Records},
};

/// What answers queries, as an error names it.
const VIEW: &str = "the record view of the projections";
/// How long a list may take.
const LIST_MAX: Duration = Duration::from_secs(5);

/// Instances of a page that are opened at once: each may cost a read of its data key.
const OPENED_AT_ONCE: usize = 32;

/// A page of instances.
#[derive(Debug, Clone)]
pub struct Page {
    /// The instances, in the order of their ids.
    pub records: Vec<Record>,
    /// Whether there are more.
    pub more: bool,
    /// How many match in all, where that is known.
    pub total: Option<u64>,
    /// Milliseconds that the view is behind the log.
    pub lag_ms: u64,
}

/// Asks the record view.
#[derive(Debug)]
pub struct Lists {
    pub(super) bus: Arc<dyn Bus>,
    pub(super) records: Arc<Records>,
    pub(super) just_created: Arc<JustCreated>,
}

impl Lists {
    /// A page of an account's instances, as many as a page may have if the limit is 0. What the account created through this
    /// gateway a moment ago is waited for, a quarter of a second at most: whoever creates an instance lists right after it, also behind a
    /// cursor that it kept.
    pub async fn page(&self, account: AccountId, query: InstanceQueryV1) -> Result<Page, Failure> {
        let shows = |instance, version, time| shows(Arc::clone(&self.bus), instance, version, time);
        self.just_created.listed(account, shows).await;
        self.page_now(account, query).await
    }

    /// The same without waiting.
    async fn page_now(&self, account: AccountId, query: InstanceQueryV1) -> Result<Page, Failure> {
        let limit = if query.limit == 0 { PAGE_MAX } else { query.limit.min(PAGE_MAX) };
        let query = InstanceQueryV1 { account: Some(account), limit, ..query };
        let page = self.query(QueryV1::Instances(query)).await?;
        let opened = page.rows.into_iter().map(|row| {
            let records = Arc::clone(&self.records);
            async move { records.open_record(row.id.instance(), row.version, &row.state).await }
        });
        let records = stream::iter(opened).buffered(OPENED_AT_ONCE).try_collect().await?;
        Ok(Page { records, more: page.more, total: page.total, lag_ms: page.lag_ms })
    }

    /// The ids of a page of an account's instances, as many as a page may have, and whether there are more.
    pub(super) async fn ids(
        &self,
        account: AccountId,
        query: InstanceQueryV1,
    ) -> Result<(Vec<InstanceId>, bool), Failure> {
        let query = InstanceQueryV1 { account: Some(account), limit: PAGE_MAX, ..query };
        let page = self.query(QueryV1::Instances(query)).await?;
        Ok((page.rows.iter().map(|row| row.id.instance()).collect(), page.more))
    }

    /// Every instance of an account, page by page, at most `max`.
    pub async fn all(
        &self,
        account: AccountId,
        mut query: InstanceQueryV1,
        max: usize,
    ) -> Result<Vec<Record>, Failure> {
        let mut records = Vec::new();
        let mut page = self.page(account, query.clone()).await?;
        loop {
            records.extend(page.records);
            let Some(last) = records.last().filter(|_| page.more && records.len() < max) else {
                records.truncate(max);
                return Ok(records);
            };
            query.after = Some(last.id);
            // It has waited already.
            page = self.page_now(account, query.clone()).await?;
        }
    }

    /// How many instances of an account are in each state.
    pub async fn counts(&self, account: AccountId) -> Result<CountsV1, Failure> {
        match self.ask(QueryV1::Counts { account }).await? {
            QueryReplyV1::Counts(counts) => Ok(counts),
            other => Err(unanswered(other)),
        }
    }

    /// The next lists of its account wait until they can show this instance, which was just created.
    pub(super) fn will_show(&self, Record { id, version, state, .. }: &Record) {
        self.just_created.note(state.account, *id, *version);
    }

    pub(super) async fn query(&self, query: QueryV1) -> Result<PageV1, Failure> {
        match self.ask(query).await? {
            QueryReplyV1::Page(page) => Ok(page),
            other => Err(unanswered(other)),
        }
    }

    async fn ask(&self, query: QueryV1) -> Result<QueryReplyV1, Failure> {
        ask(&*self.bus, &query, LIST_MAX).await
    }
}

async fn ask(bus: &dyn Bus, query: &QueryV1, patience: Duration) -> Result<QueryReplyV1, Failure> {
    let payload = codec::encode(query).map_err(|error| Failure::unavailable(VIEW, error))?;
    let reply = bus
        .request(&query_subject("records"), Bytes::from(payload), patience)
        .await
        .map_err(|error| Failure::unavailable(VIEW, error))?;
    codec::decode(&reply).map_err(|error| Failure::unavailable(VIEW, error))
}

/// Whether the view shows an instance as it was at a version, once it does so or after so long.
async fn shows(bus: Arc<dyn Bus>, instance: InstanceId, version: u64, time: Duration) -> bool {
    let wait_ms = u16::try_from(time.as_millis()).unwrap_or(u16::MAX);
    let stands = QueryV1::Stands { instance, version, wait_ms };
    matches!(ask(&*bus, &stands, time).await, Ok(QueryReplyV1::Stands(true)))
}

/// Why a query has no answer; a projections process of an earlier release does not know each.
fn unanswered(reply: QueryReplyV1) -> Failure {
    match reply {
        QueryReplyV1::Rebuilding => Failure::unavailable(VIEW, "it is being rebuilt"),
        QueryReplyV1::Invalid { reason } => Failure::unavailable(VIEW, reason),
        QueryReplyV1::Page(_) | QueryReplyV1::Counts(_) | QueryReplyV1::Stands(_) => {
            Failure::unavailable(VIEW, "it answers something else")
        }
    }
}
