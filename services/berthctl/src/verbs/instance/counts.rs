//! `berthctl instance counts`

use clap::Args;
use serde_json::{Value, json};

use crate::{
    failure::Failure,
    json::Fields,
    output::{Column, plain},
    session::Session,
};

/// A line of the table.
const ROW: [Column; 2] = [
    Column { head: "state", cell: |count| plain(count.at("state")) },
    Column { head: "instances", cell: |count| plain(count.at("instances")) },
];

/// Show how many instances are in each state.
#[derive(Debug, Args)]
pub(crate) struct Counts {}

impl Counts {
    pub(super) async fn run(self, session: &Session) -> Result<(), Failure> {
        let counts = session.client.get(&["v1", "counts"]).await?;
        let states = counts.at("states").as_object();
        let states: Vec<Value> = states
            .into_iter()
            .flatten()
            .map(|(state, instances)| json!({ "state": state, "instances": instances }))
            .collect();
        session.out.list(&counts, &states, &ROW)
    }
}
