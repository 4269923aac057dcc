//! The table of `deploy/README.md`: what each user may do, from trying everything as everybody.

use std::{env, fmt::Write, fs};

use berth_journeys::ROLES;

use super::{Server, deploy, password, wire::Wire};

const BEGIN: &str = "<!-- made by tests/journeys/tests/deploy: begin -->\n";
const END: &str = "<!-- made by tests/journeys/tests/deploy: end -->\n";
/// Makes the table anew.
const WRITE: &str = "BERTH_WRITE_PERMISSIONS";

/// Something that a user may or may not do, in all the ways that it can be done: all or none must be allowed.
struct Row {
    what: &'static str,
    publish: &'static [&'static str],
    subscribe: &'static [(&'static str, &'static str)],
}

const fn sends(what: &'static str, publish: &'static [&'static str]) -> Row {
    Row { what, publish, subscribe: &[] }
}

const fn hears(what: &'static str, subscribe: &'static [(&'static str, &'static str)]) -> Row {
    Row { what, publish: &[], subscribe }
}

/// Everything that Berth does on NATS, and what somebody with bad intentions would try.
const ROWS: &[Row] = &[
    sends("send commands as `client`", &["berth.v1.cmd.client.0.x", "berth.v1.any.client.0.x"]),
    sends("send commands as `start`", &["berth.v1.cmd.start.0.x", "berth.v1.any.start.0.x"]),
    sends("send commands as `link`", &["berth.v1.cmd.link.0.x", "berth.v1.any.link.0.x"]),
    sends("send commands as `clock`", &["berth.v1.cmd.clock.0.x", "berth.v1.any.clock.0.x"]),
    sends("send commands as `delivery`", &["berth.v1.cmd.delivery.0.x", "berth.v1.any.delivery.0.x"]),
    sends("send commands as nobody", &["berth.v1.cmd.0.x", "berth.v1.cmd.somebody.0.x", "berth.v1.any.0.x"]),
    hears(
        "take commands, in their group",
        &[
            ("berth.v1.cmd.*.*.*", "session-aggregate"),
            ("berth.v1.any.*.*.*", "session-aggregate"),
            ("berth.v1.cmd.client.7.*", "session-aggregate"),
        ],
    ),
    hears(
        "overhear commands",
        &[("berth.v1.cmd.*.*.*", ""), ("berth.v1.any.>", ""), ("berth.v1.cmd.>", "other")],
    ),
    sends(
        "append to instances, accounts and the directory",
        &["berth.v1.log.instance.0.x", "berth.v1.log.account.0.x", "berth.v1.log.directory.0.x"],
    ),
    sends("append to deliveries", &["berth.v1.log.delivery.0.x"]),
    sends(
        "read the log",
        &[
            "$JS.API.STREAM.MSG.GET.BERTH_LOG_0",
            "$JS.API.STREAM.MSG.GET.BERTH_LOG_1",
            "$JS.API.STREAM.MSG.GET.BERTH_LOG_2",
            "$JS.API.STREAM.MSG.GET.BERTH_LOG_3",
        ],
    ),
    sends(
        "follow the log",
        &[
            "$JS.API.CONSUMER.CREATE.BERTH_LOG_0.x",
            "$JS.API.CONSUMER.CREATE.BERTH_LOG_3.x.berth.v1.log.instance.0.x",
            "$JS.API.CONSUMER.MSG.NEXT.BERTH_LOG_0.x",
            "$JS.API.CONSUMER.MSG.NEXT.BERTH_LOG_3.x",
        ],
    ),
    hears("hear appends to the log", &[("berth.v1.log.>", ""), ("berth.v1.log.instance.*.*", "")]),
    sends("make data keys", &["berth.v1.keys.x"]),
    sends("make the key that tells the master key", &["berth.v1.keys.00000000000000000000000000"]),
    sends("read data keys", &["$JS.API.STREAM.MSG.GET.BERTH_KEYS"]),
    sends("destroy data keys", &["berth.v1.keys.destroyed.x", "$JS.API.STREAM.MSG.DELETE.BERTH_KEYS"]),
    sends(
        "write the record of the deployment",
        &["berth.v1.deployment.a", "berth.v1.deployment.b", "$JS.API.STREAM.MSG.DELETE.BERTH_DEPLOYMENT"],
    ),
    sends("read the record of the deployment", &["$JS.API.STREAM.MSG.GET.BERTH_DEPLOYMENT"]),
    sends("publish checkpoints", &["berth.v1.checkpoint.shard-0", "berth.v1.checkpoint.keys"]),
    sends("read checkpoints", &["$JS.API.STREAM.MSG.GET.BERTH_CHECKPOINTS"]),
    sends(
        "change or erase checkpoints",
        &[
            "$JS.API.STREAM.MSG.DELETE.BERTH_CHECKPOINTS",
            "$JS.API.STREAM.PURGE.BERTH_CHECKPOINTS",
            "$JS.API.STREAM.UPDATE.BERTH_CHECKPOINTS",
            "$JS.API.STREAM.DELETE.BERTH_CHECKPOINTS",
        ],
    ),
    sends("make keys of last notices", &["berth.v1.deliverykeys.x"]),
    sends("read keys of last notices", &["$JS.API.STREAM.MSG.GET.BERTH_DELIVERY_KEYS"]),
    sends(
        "destroy keys of last notices",
        &["berth.v1.deliverykeys.destroyed.x", "$JS.API.STREAM.MSG.DELETE.BERTH_DELIVERY_KEYS"],
    ),
    sends("tell attempts of notices", &["berth.v1.attempts.7"]),
    sends(
        "follow attempts of notices",
        &["$JS.API.CONSUMER.CREATE.BERTH_ATTEMPTS.x", "$JS.API.CONSUMER.MSG.NEXT.BERTH_ATTEMPTS.x"],
    ),
    sends("keep messages of upstreams", &["berth.v1.postbag.7.x"]),
    sends(
        "read and erase messages of upstreams",
        &["$JS.API.STREAM.MSG.GET.BERTH_POSTBAG", "$JS.API.STREAM.MSG.DELETE.BERTH_POSTBAG"],
    ),
    sends("hand over messages of upstreams", &["berth.v1.letter.7.x"]),
    hears("take messages of upstreams, in their group", &[("berth.v1.letter.7.*", "webhooks")]),
    hears("overhear messages of upstreams", &[("berth.v1.letter.>", ""), ("berth.v1.postbag.>", "")]),
    sends("ask which workers are connected", &["berth.v1.workers.asked"]),
    hears("hear who asks which workers are connected", &[("berth.v1.workers.asked", "")]),
    sends("tell which workers are connected", &["berth.v1.workers.told.x"]),
    hears(
        "hear which workers are connected",
        &[("berth.v1.workers.told.x", ""), ("berth.v1.workers.told.*", "")],
    ),
    sends("ask how views stand, and have them built anew", &["berth.v1.views.asked"]),
    hears("hear who asks how views stand", &[("berth.v1.views.asked", "")]),
    sends("tell how views stand", &["berth.v1.views.told.x"]),
    hears("hear how views stand", &[("berth.v1.views.told.x", ""), ("berth.v1.views.told.*", "")]),
    sends("give hints about links", &["berth.v1.hint.x"]),
    hears("hear hints about links", &[("berth.v1.hint.*", "")]),
    sends("store keys of devices", &["berth.v1.devicekeys.x.1"]),
    sends("read keys of devices", &["$JS.API.STREAM.MSG.GET.BERTH_DEVICE_KEYS"]),
    sends("erase keys of devices", &["$JS.API.STREAM.MSG.DELETE.BERTH_DEVICE_KEYS"]),
    hears(
        "hear keys",
        &[("berth.v1.keys.>", ""), ("berth.v1.deliverykeys.>", ""), ("berth.v1.devicekeys.>", "")],
    ),
    sends("show codes", &["$KV.berth_volatile.value.code.x.1.qr.1"]),
    sends("count rates", &["$KV.berth_volatile.window.rate.x.y.1", "$KV.berth_volatile.count.1"]),
    sends("write other volatile values", &["$KV.berth_volatile.value.x", "$KV.berth_volatile.window.x"]),
    sends("read codes and rates", &["$JS.API.STREAM.MSG.GET.KV_berth_volatile"]),
    sends(
        "write leases of `session-aggregate`",
        &["$KV.berth_leases.member.session-aggregate.x", "$KV.berth_leases.epoch.session-aggregate.7"],
    ),
    sends(
        "write leases of `projections`",
        &["$KV.berth_leases.member.projections.x", "$KV.berth_leases.epoch.projections.7"],
    ),
    sends(
        "write leases of `webhooks`",
        &["$KV.berth_leases.member.webhooks.x", "$KV.berth_leases.epoch.webhooks.7"],
    ),
    sends(
        "write leases of `connector`",
        &["$KV.berth_leases.member.connector.x", "$KV.berth_leases.epoch.connector.7"],
    ),
    sends("be a member as a gateway", &["$KV.berth_leases.member.gateway.x"]),
    sends("write leases of nobody", &["$KV.berth_leases.member.x", "$KV.berth_leases.epoch.gateway.7"]),
    sends("read leases", &["$JS.API.STREAM.MSG.GET.KV_berth_leases"]),
    sends("ask for lists", &["berth.v1.query.records"]),
    hears("answer lists, in their group", &[("berth.v1.query.*", "projections")]),
    sends("ask for evidence", &["berth.v1.query.evidence"]),
    hears("answer about evidence, in their group", &[("berth.v1.query.evidence", "session-aggregate")]),
    sends("publish public events", &["berth.v1.events.x.y"]),
    sends("see the last public event of an instance", &["$JS.API.STREAM.MSG.GET.BERTH_EVENTS"]),
    hears("hear public events", &[("berth.v1.events.*.*", ""), ("berth.v1.events.x.>", "")]),
    sends("tell of a new commit", &["berth.v1.tail.x"]),
    hears("hear of new commits", &[("berth.v1.tail.*", "")]),
    sends("ask to keep last words", &["berth.v1.last_words.x"]),
    hears("keep last words, in their group", &[("berth.v1.last_words.*", "webhooks")]),
    sends("fetch notices", &["berth.v1.pull.0.x"]),
    hears("answer who fetches notices, in their group", &[("berth.v1.pull.*.*", "webhooks")]),
    sends("ask what was delivered", &["berth.v1.deliveries.x"]),
    hears("answer what was delivered, in their group", &[("berth.v1.deliveries.*", "webhooks")]),
    sends("ask to send again", &["berth.v1.redelivery.0.x"]),
    hears("send again, in their group", &[("berth.v1.redelivery.*.*", "webhooks")]),
    sends("play on a simulated device", &["berth.v1.simulate.0.x"]),
    hears("take plays of simulated devices, in their group", &[("berth.v1.simulate.*.*", "connector")]),
    sends("ask as the program of a customer", &["berth.v1.api.x.get.y"]),
    hears("answer programs of customers, in their group", &[("berth.v1.api.*.*.*", "gateway")]),
    hears(
        "overhear what is asked of a service",
        &[
            ("berth.v1.query.*", ""),
            ("berth.v1.last_words.*", ""),
            ("berth.v1.pull.*.*", ""),
            ("berth.v1.deliveries.*", ""),
            ("berth.v1.redelivery.*.*", ""),
            ("berth.v1.simulate.*.*", ""),
            ("berth.v1.api.*.*.*", ""),
        ],
    ),
    sends("see settings, counts and subjects of a stream", &["$JS.API.STREAM.INFO.BERTH_LOG_0"]),
    sends("ask the servers how they keep streams", &["berth.v1.servers.jetstream"]),
    sends(
        "make streams",
        &[
            "$JS.API.STREAM.CREATE.BERTH_LOG_0",
            "$JS.API.STREAM.CREATE.BERTH_KEYS",
            "$JS.API.STREAM.CREATE.BERTH_DEPLOYMENT",
            "$JS.API.STREAM.CREATE.BERTH_CHECKPOINTS",
            "$JS.API.STREAM.CREATE.BERTH_EVENTS",
            "$JS.API.STREAM.CREATE.KV_berth_leases",
        ],
    ),
    sends("make other streams", &["$JS.API.STREAM.CREATE.x"]),
    sends(
        "change, delete or purge streams, or copy them",
        &[
            "$JS.API.STREAM.UPDATE.BERTH_LOG_0",
            "$JS.API.STREAM.UPDATE.BERTH_KEYS",
            "$JS.API.STREAM.DELETE.BERTH_LOG_0",
            "$JS.API.STREAM.PURGE.BERTH_LOG_0",
            "$JS.API.STREAM.PURGE.BERTH_KEYS",
            "$JS.API.STREAM.PURGE.BERTH_DEPLOYMENT",
            "$JS.API.STREAM.SNAPSHOT.BERTH_LOG_0",
            "$JS.API.STREAM.RESTORE.BERTH_LOG_0",
        ],
    ),
    sends(
        "erase commits",
        &["$JS.API.STREAM.MSG.DELETE.BERTH_LOG_0", "$JS.API.STREAM.MSG.DELETE.BERTH_LOG_3"],
    ),
    sends(
        "list streams and consumers, or end consumers",
        &[
            "$JS.API.INFO",
            "$JS.API.STREAM.NAMES",
            "$JS.API.STREAM.LIST",
            "$JS.API.CONSUMER.NAMES.BERTH_LOG_0",
            "$JS.API.CONSUMER.LIST.BERTH_LOG_0",
            "$JS.API.CONSUMER.INFO.BERTH_LOG_0.x",
            "$JS.API.CONSUMER.DELETE.BERTH_LOG_0.x",
        ],
    ),
    sends(
        "follow anything but the log",
        &[
            "$JS.API.CONSUMER.CREATE.BERTH_KEYS.x",
            "$JS.API.CONSUMER.CREATE.BERTH_DEPLOYMENT.x",
            "$JS.API.CONSUMER.CREATE.BERTH_DEVICE_KEYS.x",
            "$JS.API.CONSUMER.CREATE.BERTH_EVENTS.x.berth.v1.events.x.y",
            "$JS.API.CONSUMER.CREATE.KV_berth_volatile.x",
            "$JS.API.CONSUMER.CREATE.BERTH_LOG_0",
            "$JS.API.CONSUMER.DURABLE.CREATE.BERTH_LOG_0.x",
        ],
    ),
    sends("read what may be stale", &["$JS.API.DIRECT.GET.BERTH_LOG_0", "$JS.API.DIRECT.GET.BERTH_KEYS"]),
    sends("answer into the inbox of `gateway`", &["_INBOX_berth-gateway.x"]),
    sends("answer into the inbox of `session-aggregate`", &["_INBOX_berth-session-aggregate.x"]),
    sends("answer into the inbox of `projections`", &["_INBOX_berth-projections.x"]),
    sends("answer into the inbox of `webhooks`", &["_INBOX_berth-webhooks.x"]),
    sends("answer into the inbox of `connector`", &["_INBOX_berth-connector.x"]),
    hears("read the inbox of `gateway`", &[("_INBOX_berth-gateway.>", "")]),
    hears("read the inbox of `session-aggregate`", &[("_INBOX_berth-session-aggregate.>", "")]),
    hears("read the inbox of `projections`", &[("_INBOX_berth-projections.>", "")]),
    hears("read the inbox of `webhooks`", &[("_INBOX_berth-webhooks.>", "")]),
    hears("read the inbox of `connector`", &[("_INBOX_berth-connector.>", "")]),
    hears("hear everything", &[(">", ""), ("berth.>", ""), ("$JS.>", ""), ("$KV.>", ""), ("*.v1.>", "")]),
    sends("reach the server's own account", &["$SYS.REQ.SERVER.PING", "$SYS.ACCOUNT.BERTH.CONNECT"]),
];

/// Tries every row as every user.
pub(crate) async fn tried(server: &Server) -> String {
    let mut wires = Vec::new();
    for role in ROLES {
        wires.push((role, Wire::connect(server.port, role, &password(role)).await));
    }
    let mut table = format!("| | {} |\n| --- |{}\n", ROLES.join(" | "), " --- |".repeat(ROLES.len()));
    for row in ROWS {
        write!(table, "| {} |", row.what).unwrap();
        for (role, wire) in &mut wires {
            table.push_str(if allowed(wire, role, row).await { " yes |" } else { " |" });
        }
        table.push('\n');
    }
    table
}

async fn allowed(wire: &mut Wire, role: &str, row: &Row) -> bool {
    let mut ways = Vec::new();
    for subject in row.publish {
        ways.push((*subject, wire.may_publish(subject).await));
    }
    for (filter, queue) in row.subscribe {
        ways.push((*filter, wire.may_subscribe(filter, queue).await));
    }
    let all = ways.iter().all(|(_, may)| *may);
    assert!(all || ways.iter().all(|(_, may)| !*may), "{role} may half of `{}`: {ways:?}", row.what);
    all
}

/// Compares what was tried with what is written, or writes it.
pub(crate) fn is_written(table: &str) {
    let path = deploy().join("README.md");
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("the mark before the table");
    let (written, after) = rest.split_once(END).expect("the mark after the table");
    if written.trim() == table.trim() {
        return;
    }
    assert!(
        env::var_os(WRITE).is_some(),
        "the table in deploy/README.md is not what the users may do: run this test with {WRITE}=1, look at what \
         changed, and check it in. They may:\n{table}"
    );
    fs::write(path, format!("{before}{BEGIN}\n{table}\n{END}{after}")).unwrap();
}
