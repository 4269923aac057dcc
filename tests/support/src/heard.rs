use async_nats::{Client, Subscriber};

/// Subscribes, and comes back when the server has read that: a flush waits until it was sent, not until it was read.
///
/// # Panics
/// When the server answers nothing.
pub async fn heard_from_now(client: &Client, subject: impl Into<String>) -> Subscriber {
    let subscriber = client.subscribe(subject.into()).await.expect("a connection");
    // What a connection sends is read in order, so the answer to a later request comes after it.
    client.request("$JS.API.INFO", "".into()).await.expect("an answer of the server");
    subscriber
}
