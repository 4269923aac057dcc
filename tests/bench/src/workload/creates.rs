//! Creates of instances, with as many endpoints and as large a state as asked for.

use std::{ops::Range, time::Duration};

use serde_json::{Map, Value, json};

use super::{Instance, Population, next_key};
use crate::{
    Outcome,
    closed_loop::{self, Closed, Operation},
    deployment::{ACCOUNT_TOKEN, Deployment},
    http::{Ask, Connection},
    sink::Sink,
};

/// The notice that a logout ends in.
const NOTICE: &str = "instance.logged_out";
/// How long the instances of one measurement may take to be made; a population that grows has its own bound.
const CREATE_MAX: Duration = Duration::from_mins(1);

/// What the new instances are like.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kind {
    endpoints: Vec<String>,
    /// What these are told; all if there is nothing here.
    events: &'static [&'static str],
    settings_bytes: usize,
    /// The upstream that they are on, if they are on one.
    upstream: Option<&'static str>,
}

/// Creates instances, one after the other.
#[derive(Debug)]
pub(crate) struct Creator {
    connection: Connection,
    numbers: Range<usize>,
    kind: Kind,
    created: Vec<Instance>,
}

impl Kind {
    /// With so many endpoints at the sink, which are told of the ends of sessions alone.
    pub(crate) fn with_endpoints(sink: &Sink, endpoints: usize) -> Self {
        let endpoints = (0..endpoints).map(|endpoint| sink.url(endpoint)).collect();
        Self { endpoints, events: &[NOTICE], ..Self::default() }
    }

    /// With these endpoints, which are told of these events.
    pub(crate) fn told(endpoints: Vec<String>, events: &'static [&'static str]) -> Self {
        Self { endpoints, events, ..Self::default() }
    }

    /// With so many endpoints at a port where nobody listens, which would be told of everything.
    pub(crate) fn with_dead_endpoints(port: u16, endpoints: usize) -> Self {
        let endpoints =
            (0..endpoints).map(|endpoint| format!("http://127.0.0.1:{port}/{endpoint}")).collect();
        Self { endpoints, ..Self::default() }
    }

    /// With settings of about this size, which are in the state and so in each commit.
    pub(crate) fn with_settings(bytes: usize) -> Self {
        Self { settings_bytes: bytes, ..Self::default() }
    }

    /// On an upstream, where they are linked and open.
    pub(crate) fn on(upstream: &'static str) -> Self {
        Self { upstream: Some(upstream), ..Self::default() }
    }

    fn body(&self, name: &str) -> String {
        let mut body = Map::from_iter([("name".to_owned(), json!(name))]);
        if !self.endpoints.is_empty() {
            let endpoint = |url: &String| json!({"url": url, "events": self.events});
            body.insert("webhooks".to_owned(), self.endpoints.iter().map(endpoint).collect());
        }
        if self.settings_bytes > 0 {
            body.insert("settings".to_owned(), json!({"pad": "x".repeat(self.settings_bytes)}));
        }
        if let Some(upstream) = self.upstream {
            body.insert("link".to_owned(), json!({"upstream": upstream}));
        }
        Value::Object(body).to_string()
    }
}

/// Creates the instances with these numbers, until the time is over. Gives them in no order.
pub(crate) async fn create(
    deployment: &Deployment,
    clients: usize,
    range: Range<usize>,
    kind: &Kind,
    longest: Duration,
) -> Outcome<(Closed, Vec<Instance>)> {
    let each = range.len().div_ceil(clients);
    let creators: Vec<Creator> = deployment
        .connections(clients)
        .into_iter()
        .zip(range.clone().step_by(each.max(1)))
        .map(|(connection, first)| Creator {
            connection,
            numbers: first..(first + each).min(range.end),
            kind: kind.clone(),
            created: Vec::new(),
        })
        .collect();
    let (seen, creators) = closed_loop::to_the_end(creators, longest).await?;
    Ok((seen, creators.into_iter().flat_map(|creator| creator.created).collect()))
}

/// Creates the instances with these numbers for a measurement; an error if the time is over before.
pub(crate) async fn population(
    deployment: &Deployment,
    clients: usize,
    numbers: Range<usize>,
    kind: &Kind,
) -> Outcome<Population> {
    let count = numbers.len();
    let (_, created) = create(deployment, clients, numbers, kind, CREATE_MAX).await?;
    if created.len() < count {
        return Err(format!("{} of {count} instances were created in time", created.len()).into());
    }
    Ok(created.into())
}

impl Operation for Creator {
    async fn once(&mut self) -> Outcome<()> {
        let number = self.numbers.next().ok_or("there are no more names")?;
        let name = format!("bench-{number}");
        let (body, key) = (self.kind.body(&name), next_key());
        let ask = Ask::post("/v1/instances", ACCOUNT_TOKEN, &body).keyed(&key);
        let answer = self.connection.ask(ask).await?.json(201)?;
        let text = |field: &str| answer.get(field).and_then(Value::as_str).map(str::to_owned);
        let (Some(id), Some(token)) = (text("id"), text("token")) else {
            return Err("the answer to a create has no id or token".into());
        };
        self.created.push(Instance { id, name, token });
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.numbers.is_empty()
    }
}
