//! `berthctl whoami`

use clap::Args;

use crate::{
    failure::Failure,
    json::Fields,
    output::{Column, plain},
    session::Session,
};

/// A line of the card.
const CARD: [Column; 3] = [
    Column { head: "token of", cell: |who| plain(who.at("principal")) },
    Column { head: "account", cell: |who| named(who.at("account")) },
    Column { head: "instance", cell: |who| named(who.at("instance")) },
];

fn named(thing: &serde_json::Value) -> String {
    format!("{} {}", plain(thing.at("name")), plain(thing.at("id"))).trim().to_owned()
}

/// Show whose token is sent, and where to.
#[derive(Debug, Args)]
pub(crate) struct Whoami {}

impl Whoami {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let who = session.client.get(&["v1", "whoami"]).await?;
        session.out.one(&who, Some(&format!("At {}", session.client.url())), &CARD)
    }
}
