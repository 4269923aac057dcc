//! One stream for all instances of an account: who is told what, and that whoever comes back misses nothing.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{
    story::Request,
    world::{ACCOUNT, Instance, OTHER_ACCOUNT, PHONE, ROOT, World},
};

const PATH: &str = "/v1/events/stream";
/// How long a story waits for the next event.
const PATIENCE: Duration = Duration::from_secs(20);

/// One event as it came.
#[derive(Debug, Clone, PartialEq)]
struct Frame {
    event: String,
    id: Option<String>,
    data: Value,
}

/// A stream that is read.
struct Stream {
    response: reqwest::Response,
    text: String,
    /// The last id that came.
    last: Option<String>,
}

fn asked(token: &str, last: Option<&str>) -> Request {
    let request = Request::get(PATH).bearer(token);
    match last {
        Some(last) => request.header("last-event-id", last),
        None => request,
    }
}

impl Stream {
    /// A stream that has begun: whatever happens from now on is told.
    async fn open(world: &World, token: &str, last: Option<&str>) -> Self {
        Self::of(world.send(&asked(token, last)).await).await
    }

    async fn of(response: reqwest::Response) -> Self {
        assert_eq!(response.status().as_u16(), 200, "{response:?}");
        let mut stream = Self { response, text: String::new(), last: None };
        let first = stream.part().await.unwrap();
        assert!(first.event.is_empty() && first.id.is_some(), "an id to come back with: {first:?}");
        stream
    }

    /// The next part, with or without data; none at the end.
    async fn part(&mut self) -> Option<Frame> {
        loop {
            if let Some((part, rest)) = self.text.split_once("\n\n") {
                let (part, rest) = (part.to_owned(), rest.to_owned());
                self.text = rest;
                let field = |name: &str| {
                    part.lines().find_map(|line| line.strip_prefix(name)).map(|it| it.trim().to_owned())
                };
                if part.lines().all(|line| line.starts_with(':')) {
                    continue;
                }
                let data = serde_json::from_str(&field("data:").unwrap_or_default()).unwrap_or_default();
                let frame = Frame { event: field("event:").unwrap_or_default(), id: field("id:"), data };
                self.last = frame.id.clone().or(self.last.take());
                return Some(frame);
            }
            let chunk = timeout(PATIENCE, self.response.chunk()).await.unwrap();
            self.text.push_str(std::str::from_utf8(&chunk.ok().flatten()?).unwrap());
        }
    }

    /// The next event; none at the end.
    async fn next(&mut self) -> Option<Frame> {
        loop {
            match self.part().await {
                Some(part) if part.data.is_null() => {}
                other => return other,
            }
        }
    }

    /// Events up to one of this type of this instance.
    async fn until(&mut self, instance: &str, event: &str) -> Vec<Frame> {
        let mut frames = Vec::new();
        loop {
            let frame = self.next().await.unwrap();
            let is_last = frame.event == event && frame.data["instance"] == instance;
            frames.push(frame);
            if is_last {
                return frames;
            }
        }
    }
}

/// The events of each instance, without what only a stream has.
fn by_instance(frames: &[Frame]) -> BTreeMap<String, Vec<Value>> {
    let mut instances: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for frame in frames {
        let mut event = frame.data.clone();
        let instance = event.as_object_mut().unwrap().remove("instance").unwrap();
        forget_caller(&mut event);
        assert_eq!(event["type"], frame.event.as_str());
        instances.entry(instance.as_str().unwrap().to_owned()).or_default().push(event);
    }
    instances
}

/// Where a command came from is erased with the instance.
fn forget_caller(event: &mut Value) {
    for field in ["from", "request_id"] {
        event["command"][field] = Value::Null;
    }
}

async fn history(world: &World, token: &str, instance: &str) -> Vec<Value> {
    let path = format!("/v1/instances/{instance}/events?limit=100");
    world.json(&Request::get(&path).bearer(token)).await["events"].as_array().unwrap().clone()
}

async fn delete(world: &World, instance: &Instance) {
    let path = format!("/v1/instances/{}", instance.id);
    assert_eq!(world.native(Request::delete(&path), ACCOUNT).await.0, 200);
}

#[tokio::test]
async fn an_account_is_told_everything_of_its_own_in_order_and_nothing_of_others() {
    let world = World::start().await;
    let mut ours = Stream::open(&world, ACCOUNT, None).await;
    let mut theirs = Stream::open(&world, OTHER_ACCOUNT, None).await;
    let (shop, till) = (world.linked("shop").await, world.linked("till").await);
    let mut own = Stream::open(&world, &till.token, None).await;
    for instance in [&shop, &till] {
        let logout = Request::post(&format!("/v1/instances/{}/logout", instance.id)).json(&json!({}));
        assert_eq!(world.native(logout, ACCOUNT).await.0, 200);
    }
    let other = Request::post("/v1/instances").json(&json!({"name": "other"}));
    assert_eq!(world.native(other, OTHER_ACCOUNT).await.0, 201);
    delete(&world, &shop).await;

    let mut told = ours.until(&shop.id, "InstanceDeleted").await;
    // Not all instances come in one order.
    if !told.iter().any(|frame| frame.event == "LoggedOut" && frame.data["instance"] == till.id.as_str()) {
        told.extend(ours.until(&till.id, "LoggedOut").await);
    }
    let instances = by_instance(&told);
    assert_eq!(instances.keys().collect::<Vec<_>>(), [&shop.id, &till.id]);
    for (id, events) in &instances {
        let mut history = history(&world, ACCOUNT, id).await;
        history.iter_mut().for_each(forget_caller);
        assert!(events == &history[..events.len()], "{id}: {events:?}");
    }
    assert_eq!(told[0].data["command"]["from"], "127.0.0.1", "and from where it came");
    for token in [&shop.token, &till.token, ACCOUNT, PHONE] {
        assert!(!told.iter().any(|frame| frame.data.to_string().contains(token)), "no token, no phone");
    }

    let theirs = theirs.next().await.unwrap();
    assert_eq!((theirs.event.as_str(), &theirs.data["data"]["account"]), ("InstanceCreated", &json!(null)));
    assert!(theirs.data["instance"] != shop.id.as_str() && theirs.data["instance"] != till.id.as_str());
    let own = own.until(&till.id, "LoggedOut").await;
    assert!(own.iter().all(|frame| frame.data["instance"] == till.id.as_str()), "{own:?}");
}

#[tokio::test]
async fn whoever_comes_back_after_any_id_misses_nothing_at_any_gateway() {
    let world = World::start().await;
    let mut first = Stream::open(&world, ACCOUNT, None).await;
    let begin = first.last.clone().unwrap();
    let (shop, till) = (world.linked("shop").await, world.linked("till").await);
    delete(&world, &till).await;
    delete(&world, &shop).await;
    let mut all = Vec::new();
    // Nothing comes after that.
    let ended = |frames: &[Frame]| frames.iter().filter(|it| it.event == "DeviceUnlinked").count() == 2;
    while !ended(&all) {
        all.push(first.next().await.unwrap());
    }

    let ids = all.iter().enumerate().filter_map(|(at, frame)| Some((at + 1, frame.id.clone()?)));
    let places: Vec<(usize, String)> = std::iter::once((0, begin)).chain(ids).collect();
    assert!(places.len() > 8, "{places:?}");
    for (seen, id) in places.iter().filter(|(seen, _)| *seen < all.len()) {
        let answer = world.send_to_neighbour(&asked(ACCOUNT, Some(id))).await;
        let mut again = Stream::of(answer).await;
        let mut rest = Vec::new();
        while rest.len() < all.len() - seen {
            rest.push(again.next().await.unwrap());
        }
        assert!(by_instance(&rest) == by_instance(&all[*seen..]), "after {seen} events: {rest:?}");
    }
}

#[tokio::test]
async fn only_an_id_of_these_events_is_taken() {
    let world = World::start().await;
    world.instance("shop").await;
    let ours = Stream::open(&world, ACCOUNT, None).await.last.unwrap();
    for id in ["", "7", "0", "not an id", &ours[1..], &format!("{ours}A")] {
        let answer = world.send(&asked(ACCOUNT, Some(id))).await;
        assert_eq!(answer.status().as_u16(), 400, "{id:?}");
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(problem["code"], "invalid_cursor", "{problem}");
    }
    let answer = world.send(&asked(OTHER_ACCOUNT, Some(&ours))).await;
    assert_eq!(answer.status().as_u16(), 400, "the place of one account is nobody else's");
    for (token, status) in [(ROOT, 403), ("unknown", 401)] {
        assert_eq!(world.send(&asked(token, None)).await.status().as_u16(), status);
    }
}

#[tokio::test]
async fn a_stream_ends_with_the_permission_and_tells_nothing_of_what_came_after() {
    let world = World::start().await;
    let shop = world.instance("shop").await;
    let mut by_account = Stream::open(&world, ACCOUNT, None).await;
    let mut by_token = Stream::open(&world, &shop.token, None).await;
    let renew = Request::post("/v1/instances/shop/token").json(&json!({}));
    assert_eq!(world.native(renew, ACCOUNT).await.0, 200);
    let end = by_token.next().await.unwrap();
    assert_eq!((end.event.as_str(), &end.data["code"]), ("end", &json!("unauthorized")));
    assert_eq!(by_token.next().await, None, "nothing comes after the end");

    assert_eq!(by_account.next().await.unwrap().event, "TokenRotated");
    let path = format!("/v1/accounts/{}/token", world.account_id);
    let rotate = Request::post(&path).json(&json!({"token": "another-token-of-the-account"}));
    assert_eq!(world.native(rotate, ROOT).await.0, 200);
    let connect = Request::post("/v1/instances/shop/connect").json(&json!({}));
    assert_eq!(world.native(connect, "another-token-of-the-account").await.0, 200);
    let end = by_account.next().await.unwrap();
    assert_eq!((end.event.as_str(), &end.data["code"]), ("end", &json!("unauthorized")));

    // The place stands for the account, whatever its token is: nothing was lost.
    let last = by_account.last.clone();
    let mut again = Stream::open(&world, "another-token-of-the-account", last.as_deref()).await;
    assert_eq!(again.next().await.unwrap().event, "ConnectRequested");
}

#[tokio::test]
async fn an_instance_that_moves_is_told_of_where_it_is() {
    let world = World::start().await;
    let mut former = Stream::open(&world, ACCOUNT, None).await;
    let mut new = Stream::open(&world, OTHER_ACCOUNT, None).await;
    let shop = world.instance("shop").await;
    assert_eq!(former.next().await.unwrap().event, "InstanceCreated");
    let path = format!("/v1/accounts/{}/move-instance", world.other_account_id);
    let (status, body) = world.native(Request::post(&path).json(&json!({"instance": shop.id})), ROOT).await;
    assert_eq!(status, 200, "{body}");
    let moved = new.next().await.unwrap();
    assert_eq!((moved.event.as_str(), &moved.data["instance"]), ("InstanceMoved", &json!(shop.id)));
    world.instance("till").await;
    let next = former.next().await.unwrap();
    assert!(next.event == "InstanceCreated" && next.data["instance"] != shop.id.as_str(), "{next:?}");
}
