//! Giving an instance another name.

use std::sync::Arc;

use berth_bus::KeyRing;
use berth_proto::command::RenameV1;
use berth_runtime::{UniqueInAccount, sealing::field};

use super::{
    call::Call,
    commands::{Answer, Commands},
    directory::Directory,
    failure::Failure,
    names::check_name,
    record::Record,
};

/// Renames instances.
#[derive(Debug)]
pub struct Renames {
    pub(super) keys: KeyRing,
    pub(super) directory: Arc<Directory>,
    pub(super) commands: Arc<Commands>,
}

impl Renames {
    /// Gives the instance this name. The former one finds it for about a minute more, and is free after that.
    pub async fn run(&self, call: &Call, record: &Record, name: &str) -> Result<Answer, Failure> {
        let name =
            check_name(name).map_err(|invalid| Failure::Invalid { field: "name", problem: invalid.0 })?;
        let key = record.key.as_ref().ok_or(Failure::NotFound)?;
        let account = self.keys.key(record.state.account.as_bytes()).await?.ok_or(Failure::Unauthorized)?;
        let command = RenameV1 {
            name: key.seal(record.id.as_bytes(), field::NAME, name.as_bytes()),
            name_entry: account.entry(UniqueInAccount::Name, &name),
        };
        let answered = self.commands.decide(call, record.id, command).await?;
        self.directory.forget(record.state.entries.name);
        Ok(answered)
    }
}
