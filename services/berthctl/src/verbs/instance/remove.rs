//! `berthctl instance rm`

use clap::Args;

use super::{path, show};
use crate::{failure::Failure, http::Ask, session::Session};

/// Delete instances: each is logged out, its personal data is erased, and its history stays readable by its id.
#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// Their ids, names or numbers.
    #[arg(required = true)]
    instances: Vec<String>,
}

impl Remove {
    pub(super) async fn run(self, session: &Session) -> Result<(), Failure> {
        let names = self.instances.join(", ");
        session.confirm(&format!("Delete for ever, with all personal data: {names}?"))?;
        session
            .each(&self.instances, async |name| {
                let answer = session.client.command(Ask::delete(&path(name)?)).await?;
                show(session, &answer.body)
            })
            .await
    }
}
