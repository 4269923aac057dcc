//! What happens to all instances of an account, for the verbs that follow it.

use std::collections::HashMap;

use serde_json::Value;

use crate::{
    failure::Failure,
    http::{Ask, Follow},
    json::Fields,
    output::{clean, plain},
    session::Session,
};

/// The account of the token, followed from now on.
#[derive(Debug)]
pub(crate) struct Everything<'a> {
    session: &'a Session,
    follow: Follow<'a>,
    /// The names of instances that something happened to.
    names: HashMap<String, String>,
    /// The versions up to which instances were shown.
    shown: HashMap<String, u64>,
}

// === impl Everything ===

impl<'a> Everything<'a> {
    pub(crate) fn of(session: &'a Session) -> Self {
        let ask = Ask::get(&["v1", "events", "stream"]);
        let follow = Follow::new(&session.client, ask, None);
        Self { session, follow, names: HashMap::new(), shown: HashMap::new() }
    }

    /// The next event of any instance.
    pub(crate) async fn next(&mut self) -> Result<Value, Failure> {
        Ok(self.follow.next_for(&self.session.out).await?.body)
    }

    /// The instance that something happened to next, as it is now.
    pub(crate) async fn next_instance(&mut self) -> Result<Value, Failure> {
        loop {
            let event = self.next().await?;
            let (id, version) = (event.text("instance"), event.at("version").as_u64().unwrap_or_default());
            // A commit has several events, and a read may be ahead of the stream.
            if self.shown.get(id).is_some_and(|shown| *shown >= version) {
                continue;
            }
            let now = self.session.client.get(&["v1", "instances", id]).await?;
            self.shown.insert(id.to_owned(), now.at("version").as_u64().unwrap_or(version));
            return Ok(now);
        }
    }

    /// What a person calls the instance of an event: its name, or its id where it has none any more.
    pub(crate) async fn name_of(&mut self, event: &Value) -> String {
        let id = event.text("instance");
        if event.at("type") == "InstanceRenamed" {
            self.names.remove(id);
        }
        if let Some(known) = self.names.get(id) {
            return known.clone();
        }
        let now = self.session.client.get(&["v1", "instances", id]).await.unwrap_or_default();
        let name = match now.text("name") {
            "" => clean(id),
            _ => plain(now.at("name")),
        };
        self.names.insert(id.to_owned(), name.clone());
        name
    }
}
