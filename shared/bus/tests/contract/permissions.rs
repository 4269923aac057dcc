//! The permissions that the documentation of `nats` names are enough, and keep services apart.

use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use async_nats::Client;
use berth_bus::{
    Bus, DeviceKeys, KeptKey, KeyStore, Lease, Leases, RequestError, Volatile,
    nats::{
        ConnectError, JoinError, NatsBus, NatsDeviceKeys, NatsKeyStore, NatsLeases, NatsVolatile, OpenError,
        connect,
    },
};
use berth_proto::{InstanceId, Partition};
use berth_runtime::{Lifecycle, Role, SystemClock, WrappedKey};
use berth_test_support::{free_port, nats_server};
use bytes::Bytes;
use futures::{StreamExt, future::select};
use tempfile::TempDir;

use crate::support::{DEADLINE, eventually, identity, in_time};

const OWNER: [u8; 16] = [1; 16];
const TTL: Duration = Duration::from_mins(1);

/// Who may do what; each also publishes to its own inbox and reads it.
const CONFIGURATION: &str = r#"
jetstream { store_dir: "STORE" }
listen: "127.0.0.1:PORT"
authorization { users: [
  { user: operator, password: p }
  { user: gateway, password: p, permissions: {
    publish: [ "berth.v1.cmd.>", "_INBOX_gateway.>",
      "$JS.API.STREAM.INFO.BERTH_KEYS", "$JS.API.STREAM.MSG.GET.BERTH_KEYS", "berth.v1.keys.*",
      "$JS.API.STREAM.INFO.KV_berth_volatile", "$JS.API.STREAM.MSG.GET.KV_berth_volatile",
      "$KV.berth_volatile.>" ]
    subscribe: [ "_INBOX_gateway.>", "berth.v1.tail.*" ] } }
  { user: aggregate, password: p, permissions: {
    publish: [ "berth.v1.tail.*", "_INBOX_aggregate.>",
      "$JS.API.STREAM.INFO.BERTH_KEYS", "$JS.API.STREAM.MSG.GET.BERTH_KEYS", "berth.v1.keys.destroyed.*",
      "$JS.API.STREAM.MSG.DELETE.BERTH_KEYS",
      "$JS.API.STREAM.INFO.BERTH_DEVICE_KEYS", "$JS.API.STREAM.MSG.GET.BERTH_DEVICE_KEYS",
      "$JS.API.STREAM.MSG.DELETE.BERTH_DEVICE_KEYS", "berth.v1.devicekeys.*.*",
      "$JS.API.STREAM.INFO.KV_berth_leases", "$JS.API.STREAM.MSG.GET.KV_berth_leases", "$KV.berth_leases.>" ]
    subscribe: [ "_INBOX_aggregate.>", "berth.v1.cmd.>" ]
    allow_responses: { max: 1, expires: "1m" } } }
] }
"#;

struct Guarded {
    port: u16,
    child: Child,
    lifecycle: Lifecycle,
    _folder: TempDir,
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Guarded {
    /// A server with these permissions, and with the streams that an operator made.
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let text = CONFIGURATION
            .replace("STORE", &folder.path().to_string_lossy())
            .replace("PORT", &port.to_string());
        let file: PathBuf = folder.path().join("nats.conf");
        std::fs::write(&file, text).unwrap();
        let child = Command::new(nats_server())
            .arg("-c")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { port, child, lifecycle: Lifecycle::new(), _folder: folder };
        eventually("the server answers", || async { server.connect("operator").await.is_ok() }).await;
        let operator = server.client("operator").await;
        NatsKeyStore::open(operator.clone(), 1).await.unwrap();
        NatsDeviceKeys::open(operator.clone(), 1).await.unwrap();
        NatsVolatile::open(operator.clone(), 1).await.unwrap();
        let operator_is = identity("serve.operator");
        NatsLeases::open(operator, 1, operator_is, &Lifecycle::new(), Arc::new(SystemClock)).await.unwrap();
        server
    }

    async fn connect(&self, user: &str) -> Result<Client, ConnectError> {
        connect(&format!("nats://{user}:p@127.0.0.1:{}", self.port), None, user).await
    }

    async fn client(&self, user: &str) -> Client {
        self.connect(user).await.unwrap()
    }

    async fn bus(&self, user: &str) -> NatsBus {
        NatsBus::new(self.client(user).await, &self.lifecycle)
    }
}

#[tokio::test]
async fn each_service_can_do_its_work() {
    let server = Guarded::start().await;
    let (gateway, aggregate) = (server.bus("gateway").await, server.bus("aggregate").await);
    let mut commands = aggregate.serve("berth.v1.cmd.>", "aggregate").await.unwrap();
    let serve = async { in_time(commands.next()).await.unwrap().reply.send(Bytes::from_static(b"done")) };
    let (reply, ()) = futures::join!(gateway.request("berth.v1.cmd.1.a", Bytes::new(), DEADLINE), serve);
    assert_eq!(reply.unwrap(), "done");
    let mut tail = gateway.subscribe("berth.v1.tail.*").await.unwrap();
    aggregate.publish("berth.v1.tail.a", Bytes::from_static(b"7")).await.unwrap();
    assert_eq!(in_time(tail.next()).await.unwrap().1, "7");

    let creating = NatsKeyStore::open(server.client("gateway").await, 1).await.unwrap();
    let destroying = NatsKeyStore::open(server.client("aggregate").await, 1).await.unwrap();
    creating.put_if_absent(&OWNER, WrappedKey(vec![1; 48])).await.unwrap().unwrap();
    destroying.destroy(&OWNER).await.unwrap();
    assert_eq!(creating.get(&OWNER).await.unwrap(), KeptKey::Destroyed);

    let volatile = NatsVolatile::open(server.client("gateway").await, 1).await.unwrap();
    volatile.put("a", Bytes::from_static(b"b"), TTL).await.unwrap();
    assert_eq!(volatile.get("a").await.unwrap().unwrap().value, "b");
    assert_eq!(volatile.add("rate", 1, TTL).await.unwrap(), 1);

    let owner = server.client("aggregate").await;
    let devices = NatsDeviceKeys::open(owner.clone(), 1).await.unwrap();
    let device = InstanceId::from_bytes(OWNER);
    devices.put(device, 1, Bytes::from_static(b"material")).await.unwrap();
    devices.delete(device, 1).await.unwrap();
    let who = identity("session-aggregate.a");
    let leases = NatsLeases::open(owner, 1, who, &server.lifecycle, Arc::new(SystemClock)).await.unwrap();
    in_time(leases.hold(Lease { role: Role::SessionAggregate, partition: Partition::new(0).unwrap() }))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_service_cannot_do_the_work_of_another() {
    let server = Guarded::start().await;
    let gateway = server.client("gateway").await;
    let creating = NatsKeyStore::open(gateway.clone(), 1).await.unwrap();
    creating.put_if_absent(&OWNER, WrappedKey(vec![1; 48])).await.unwrap().unwrap();

    // What is denied gets no answer, so all of it is asked at once.
    let refused = async {
        let (leases, devices, commands) = futures::join!(
            NatsLeases::open(
                gateway.clone(),
                1,
                identity("gateway.a"),
                &server.lifecycle,
                Arc::new(SystemClock)
            ),
            NatsDeviceKeys::open(gateway.clone(), 1),
            async {
                let bus = server.bus("aggregate").await;
                bus.request("berth.v1.cmd.1.a", Bytes::new(), Duration::from_millis(500)).await
            }
        );
        assert!(matches!(leases, Err(JoinError::Open(OpenError::Unavailable { .. }))), "{leases:?}");
        assert!(matches!(devices, Err(OpenError::Unavailable { .. })), "{devices:?}");
        assert!(matches!(commands, Err(RequestError::TimedOut { .. })), "{commands:?}");
    };
    Box::pin(in_time(refused)).await;

    // Nor does it read what another one is answered.
    let spy = server.bus("gateway").await;
    let mut overheard = spy.subscribe("_INBOX_aggregate.>").await.unwrap();
    let aggregate = NatsKeyStore::open(server.client("aggregate").await, 1).await.unwrap();
    let answered = Box::pin(async {
        for _ in 0..10 {
            assert!(matches!(aggregate.get(&OWNER).await.unwrap(), KeptKey::Present(_)));
        }
    });
    let first = select(overheard.next(), answered).await;
    assert!(matches!(first, futures::future::Either::Right(_)), "nothing was overheard");
}

#[tokio::test]
async fn a_connection_that_cannot_be_made_says_why() {
    let nobody = format!("nats://127.0.0.1:{}", free_port());
    assert!(matches!(connect(&nobody, None, "x").await, Err(ConnectError::Connect(_))));
    let missing = tempfile::tempdir().unwrap().path().join("berth.creds");
    let refused = connect(&nobody, Some(&missing), "x").await;
    assert!(matches!(refused, Err(ConnectError::Credentials(_))));
    assert!(matches!(connect("not an address", None, "x").await, Err(ConnectError::Address(_))));
    let server = Guarded::start().await;
    let stranger = connect(&format!("nats://127.0.0.1:{}", server.port), None, "x").await;
    assert!(matches!(stranger, Err(ConnectError::Refused(_))));
}
