//! The native list of an account's instances: pages, and searches.

use serde_json::Value;

use super::Population;
use crate::{
    Outcome,
    closed_loop::Operation,
    deployment::{ACCOUNT_TOKEN, Deployment},
    http::{Ask, Connection},
    picks::Picks,
};

/// What is asked of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// One page after the other, from the first to the last and again.
    Pages,
    /// The same of those in one state.
    OfOneState,
    /// The one that has a name, another one each time.
    ByName,
    /// The first page of those whose names have three digits somewhere.
    ByPart,
    /// A text that is nowhere.
    Nothing,
}

/// Asks for pages of fifty, one after the other.
#[derive(Debug)]
pub(crate) struct Lists {
    connection: Connection,
    population: Population,
    wanted: Wanted,
    picks: Picks,
    /// Where the next page starts.
    cursor: Option<String>,
}

impl Lists {
    /// One client for each of the picks.
    pub(crate) fn clients(
        deployment: &Deployment,
        population: &Population,
        wanted: Wanted,
        picks: Vec<Picks>,
    ) -> Vec<Self> {
        let connections = deployment.connections(picks.len());
        let client = |(connection, picks)| Self {
            connection,
            population: population.clone(),
            wanted,
            picks,
            cursor: None,
        };
        connections.into_iter().zip(picks).map(client).collect()
    }

    /// The query, and the least number of instances that it must find.
    fn query(&mut self) -> Outcome<(String, usize)> {
        let cursor = self.cursor.take().map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let instance = self.population.get(self.picks.next(self.population.len()));
        let name = &instance.ok_or("there is no instance")?.name;
        Ok(match self.wanted {
            Wanted::Pages => (cursor, 1),
            Wanted::OfOneState => (format!("&state=created{cursor}"), 1),
            Wanted::ByName => (format!("&q={name}"), 1),
            Wanted::ByPart => {
                let part = name.get(name.len().saturating_sub(3)..).unwrap_or(name);
                (format!("&q={part}"), 1)
            }
            Wanted::Nothing => ("&q=nobody-is-called-this".to_owned(), 0),
        })
    }
}

/// How many instances of the account are in a state.
pub(crate) async fn count_of_state(deployment: &Deployment, state: &str) -> Outcome<f64> {
    let mut connection = deployment.connections(1).pop().ok_or("there is no gateway")?;
    let counts = connection.ask(Ask::get("/v1/counts", ACCOUNT_TOKEN)).await?.json(200)?;
    let count = counts.pointer(&format!("/states/{state}")).and_then(Value::as_f64);
    Ok(count.ok_or("there is no such state")?)
}

impl Operation for Lists {
    async fn once(&mut self) -> Outcome<()> {
        let (query, least) = self.query()?;
        let path = format!("/v1/instances?limit=50{query}");
        let page = self.connection.ask(Ask::get(&path, ACCOUNT_TOKEN)).await?.json(200)?;
        let found = page.get("instances").and_then(Value::as_array).map_or(0, Vec::len);
        if found < least || (least == 0 && found > 0) {
            return Err(format!("{path} found {found} instances").into());
        }
        if matches!(self.wanted, Wanted::Pages | Wanted::OfOneState) {
            self.cursor = page.get("next_cursor").and_then(Value::as_str).map(str::to_owned);
        }
        Ok(())
    }
}
