//! Opaque settings: one sealed JSON block for each vocabulary, kept as given.

use std::sync::Arc;

use super::{
    call::Call,
    commands::{Answer, Commands},
    failure::Failure,
    record::{Record, Records},
};
use berth_proto::{
    command::{ChangeSettingsV1, Command, SwitchV1},
    frame::RejectionCodeV1,
    instance::SettingsBlockV1,
};
use berth_runtime::sealing::field;
use serde_json::{Map, Value};

/// How often a merge is tried again when somebody else changed the block meanwhile.
const MERGE_TRIES_MAX: u32 = 5;

impl Record {
    /// The settings block of a vocabulary; none if it was never set or is erased.
    pub fn settings(&self, owner: &str) -> Option<Value> {
        let block = self.state.settings.iter().find(|block| block.owner == owner)?;
        serde_json::from_str(&self.open(field::SETTINGS, &block.body)?).ok()
    }
}

/// A block with one part (an object in it) changed; the part's other fields stay unless it is replaced.
pub fn merge_part(present: Option<Value>, part: &str, changes: &Map<String, Value>, replace: bool) -> Value {
    let mut block = match present {
        Some(Value::Object(block)) => block,
        _ => Map::new(),
    };
    let mut kept = match block.remove(part) {
        Some(Value::Object(kept)) if !replace => kept,
        _ => Map::new(),
    };
    kept.extend(changes.clone());
    block.insert(part.to_owned(), Value::Object(kept));
    Value::Object(block)
}

/// Changes settings blocks.
#[derive(Debug)]
pub struct Blocks {
    pub(super) records: Arc<Records>,
    pub(super) commands: Arc<Commands>,
}

impl Blocks {
    /// Changes the settings block of a vocabulary: `merge` turns the present block into the wanted one.
    pub async fn change(
        &self,
        call: &Call,
        record: &Record,
        owner: &'static str,
        merge: impl Fn(Option<Value>) -> Value + Send,
    ) -> Result<Answer, Failure> {
        self.change_block(call, record, owner, merge, Command::from).await
    }

    /// The same for a block that says whether the instance is switched on: webhooks are told.
    pub async fn switch(
        &self,
        call: &Call,
        record: &Record,
        owner: &'static str,
        merge: impl Fn(Option<Value>) -> Value + Send,
        on: bool,
    ) -> Result<Answer, Failure> {
        let switch = |change| SwitchV1 { change, on }.into();
        self.change_block(call, record, owner, merge, switch).await
    }

    async fn change_block(
        &self,
        call: &Call,
        record: &Record,
        owner: &'static str,
        merge: impl Fn(Option<Value>) -> Value + Send,
        command: impl Fn(ChangeSettingsV1) -> Command + Send,
    ) -> Result<Answer, Failure> {
        let mut record = record.clone();
        for _ in 0..MERGE_TRIES_MAX {
            let key = record.key.clone().ok_or(Failure::NotFound)?;
            let body = merge(record.settings(owner)).to_string();
            let expected = record.state.settings.iter().find(|block| block.owner == owner);
            let change = ChangeSettingsV1 {
                block: SettingsBlockV1 {
                    owner: owner.to_owned(),
                    body: key.seal(record.id.as_bytes(), field::SETTINGS, body.as_bytes()),
                },
                expected: expected.map(|block| block.body.clone()),
            };
            match self.commands.decide(call, record.id, command(change)).await {
                Err(Failure::Rejected(RejectionCodeV1::Changed)) => {
                    record = self.records.read(&call.principal, record.id).await?;
                }
                other => return other,
            }
        }
        Err(Failure::Rejected(RejectionCodeV1::Changed))
    }
}
