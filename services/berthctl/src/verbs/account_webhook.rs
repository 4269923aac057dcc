//! `berthctl webhook account …`: endpoints that stand with the account and are told of all its instances.

use clap::{Args, Subcommand};

use super::{
    delivery::{self, NewSecret, Wanted},
    named,
    webhook::{self, Change, New},
};
use crate::{failure::Failure, session::Session};

/// Where they are.
const ALL: [&str; 2] = ["v1", "webhooks"];

const ADD: &str = "\
Examples:
  berthctl webhook account add https://example.com/hook --secrets-to all.secret
  berthctl webhook account add https://example.com/alarm \\
    --event 'endpoint.*' --secrets-to alarm.secret
  berthctl webhook account add https://example.com/in --rate 20 --concurrency 4

The answer shows the signing secret once.";

/// What can be done with the webhooks of the account.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List them.
    #[command(visible_alias = "list")]
    Ls,
    /// Show one.
    #[command(visible_alias = "show")]
    Get(Which),
    /// Add one.
    #[command(after_help = ADD)]
    Add(New),
    /// Change one; what is left out stays, its secret too.
    Set {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        change: Change,
    },
    /// Remove one; what waits for it is cancelled.
    #[command(visible_alias = "delete")]
    Rm(Which),
    /// List what one was sent about all instances. `berthctl webhook resend` sends one of these again.
    Deliveries {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        wanted: Wanted,
    },
    /// Send one a notice that says nothing, and say what came of it.
    Test(Which),
    /// Show the signing secrets of one.
    Secret(Which),
    /// Change the signing secret of one; the former one signs beside it for a while.
    Rotate {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        secret: NewSecret,
    },
}

/// One webhook of the account.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// The id of the webhook.
    webhook: String,
}

impl Which {
    fn path(&self) -> Result<[&str; 3], Failure> {
        let [version, all] = ALL;
        Ok([version, all, named(&self.webhook)?])
    }
}

impl Verb {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::Ls => webhook::list(session, &ALL).await,
            Self::Get(which) => webhook::show(session, &session.client.get(&which.path()?).await?),
            Self::Add(new) => new.add(session, &ALL).await,
            Self::Set { which, change } => change.make(session, &which.path()?).await,
            Self::Rm(which) => webhook::remove(session, &which.path()?).await,
            Self::Deliveries { which, wanted } => {
                wanted.list_of_many(session, &[which.path()?.as_slice(), &["deliveries"]].concat()).await
            }
            Self::Test(which) => delivery::test(session, &which.path()?).await,
            Self::Secret(which) => delivery::secret(session, &which.path()?).await,
            Self::Rotate { which, secret } => secret.give(session, &which.path()?).await,
        }
    }
}
