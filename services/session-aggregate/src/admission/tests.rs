//! The whole table, tried: every sender, as everybody, with every command.

use std::{collections::BTreeMap, path::Path};

use berth_proto::{
    AccountId, DirectoryId, EndpointId, InstanceId, RecordV1, Sealed, Timestamp,
    codec::{PRELUDE_BYTES, peek},
    subject::Decider,
};
use data_encoding::HEXLOWER;

use super::*;

const ACCOUNT: AccountId = AccountId::from_bytes([1; 16]);
const INSTANCE: InstanceId = InstanceId::from_bytes([2; 16]);

/// Who is admitted with what: what is not here is refused. Reports and the like are by what they begin with.
const ADMITTED: &[(&str, &[&str])] = &[
    ("CreateInstance", &["client as root, account, instance"]),
    ("Connect", &["client as root, account, instance"]),
    ("Reconnect", &["client as root, account, instance"]),
    ("Restart", &["client as root, account, instance"]),
    ("Disconnect", &["client as root, account, instance"]),
    ("Logout", &["client as root, account, instance"]),
    ("Delete", &["client as root, account, instance", "clock as account"]),
    ("ConfigureWebhook", &["client as root, account, instance"]),
    ("ConfigureWebhook of the account", &["client as root, account, instance", "clock as account"]),
    ("DisableWebhook", &["delivery as service"]),
    ("RemoveWebhook", &["client as root, account, instance", "clock as account"]),
    ("ReplaceWebhook", &["client as root, account, instance"]),
    ("RotateWebhookSecret", &["client as root, account, instance"]),
    ("RotateToken", &["client as root, account, instance"]),
    ("ChangeSettings", &["client as root, account, instance"]),
    ("Switch", &["client as root, account, instance"]),
    ("Rename", &["client as root, account, instance"]),
    ("Move", &["client as root, account, instance"]),
    ("ReportQr", &["link as service"]),
    ("ReportPairingCode", &["link as service"]),
    ("ReportPairingCodeRefused", &["link as service"]),
    ("ReportAttemptEnded", &["link as service"]),
    ("ReportLinked", &["link as service"]),
    ("ReportOpen", &["link as service"]),
    ("ReportLost", &["link as service"]),
    ("ReportPaused", &["link as service"]),
    ("ReportLoggedOut", &["link as service"]),
    ("ReportUnlinked", &["link as service"]),
    ("ReportWebhookTaken", &["link as service"]),
    ("ReportWebhookGivenBack", &["link as service"]),
    ("ExpireAttempt", &["clock as service"]),
    ("AbandonUnlink", &["clock as service"]),
    ("EndBan", &["clock as service"]),
    ("AbandonCreate", &["clock as service"]),
    ("CreateAccount", &["client as root, account, instance", "start as service"]),
    ("CreateDescribedAccount", &["client as root, account, instance"]),
    ("RotateAccountToken", &["client as root, account, instance", "start as service"]),
    ("ChangeAccount", &["client as root, account, instance"]),
    ("ConfigureAccountWebhook", &["client as root, account, instance"]),
    ("ReplaceAccountWebhook", &["client as root, account, instance"]),
    ("RemoveAccountWebhook", &["client as root, account, instance"]),
    ("RotateAccountWebhookSecret", &["client as root, account, instance"]),
    ("DisableAccountWebhook", &["delivery as service"]),
    ("CloseAccount", &["client as root, account, instance"]),
    ("ChooseAccountUpstream", &["client as root, account, instance"]),
];

const PRINCIPALS: [(&str, PrincipalV1); 4] = [
    ("root", PrincipalV1::Root),
    ("account", PrincipalV1::Account { account: ACCOUNT }),
    ("instance", PrincipalV1::Instance { account: ACCOUNT, instance: INSTANCE, credential_version: 1 }),
    ("service", PrincipalV1::Service),
];

/// A command of that name, from the golden vectors.
fn command(name: &str) -> Command {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto/vectors/v1");
    let text = std::fs::read_to_string(folder.join(format!("{name}V1.hex"))).unwrap();
    let bytes = HEXLOWER.decode(text.lines().next().unwrap().as_bytes()).unwrap();
    let (type_id, version) = peek(&bytes).unwrap();
    let record = RecordV1 { type_id, version, body: bytes[PRELUDE_BYTES..].to_vec() };
    Command::from_record(&record).unwrap()
}

fn configures(format: &str) -> (TargetV1, Option<Command>) {
    let Command::ConfigureWebhook(mut configure) = command("ConfigureWebhook") else { unreachable!() };
    configure.webhook.format = format.to_owned();
    of_instance(configure.into())
}

fn of_instance(command: Command) -> (TargetV1, Option<Command>) {
    (TargetV1::Instance { instance: INSTANCE, command: command.to_record().unwrap() }, Some(command))
}

/// Everything that can be asked for, by name.
fn everything() -> BTreeMap<String, (TargetV1, Option<Command>)> {
    let (account, name_entry) = (ACCOUNT, DirectoryId::from_bytes([3; 16]));
    let (name, token, token_entry) = (Sealed(vec![1]), Sealed(vec![2]), DirectoryId::from_bytes([4; 16]));
    let attributes = Sealed(vec![3]);
    let Command::ConfigureWebhook(configure) = command("ConfigureWebhook") else { unreachable!() };
    let of_account = [
        TargetV1::CreateAccount {
            account,
            name: name.clone(),
            name_entry,
            token: token.clone(),
            token_entry,
        },
        TargetV1::CreateDescribedAccount {
            account,
            name,
            name_entry,
            token: token.clone(),
            token_entry,
            attributes,
        },
        TargetV1::RotateAccountWebhookSecret {
            account,
            webhook: EndpointId::from_bytes([5; 16]),
            secret: token.clone(),
            keep_until: Timestamp(0),
        },
        TargetV1::RotateAccountToken { account, token, token_entry },
        TargetV1::ChangeAccount { account, name: None, attributes: None },
        TargetV1::ConfigureAccountWebhook { account, webhook: configure.webhook.clone() },
        TargetV1::ReplaceAccountWebhook {
            account,
            seen: Box::new(configure.webhook.clone()),
            webhook: configure.webhook,
        },
        TargetV1::RemoveAccountWebhook { account, webhook: EndpointId::from_bytes([5; 16]) },
        TargetV1::DisableAccountWebhook {
            account,
            webhook: EndpointId::from_bytes([5; 16]),
            seen: Timestamp(0),
        },
        TargetV1::CloseAccount { account },
        TargetV1::ChooseAccountUpstream { account, upstream: None },
    ];
    let named = of_account.map(|target| {
        let text = format!("{target:?}");
        (text.split(' ').next().unwrap_or_default().to_owned(), (target, None))
    });
    Command::TABLE
        .iter()
        .map(|(name, _)| ((*name).to_owned(), of_instance(command(name))))
        .chain(named)
        .chain([
            ("ConfigureWebhook".to_owned(), configures("native")),
            ("ConfigureWebhook of the account".to_owned(), configures("codechat.business")),
        ])
        .collect()
}

/// Who is admitted with this, as the table above writes it.
fn admitted(target: &TargetV1, command: Option<&Command>) -> Vec<String> {
    let mut lines = Vec::new();
    for sender in Sender::ALL {
        let subject = CommandSubject::new(Decider::Owner, sender, &target.stream());
        let other = CommandSubject { decider: Decider::Any, ..subject };
        let mut principals = Vec::new();
        for (name, principal) in PRINCIPALS {
            let one = admit(&subject.to_string(), principal, target, command);
            assert_eq!(
                one,
                admit(&other.to_string(), principal, target, command),
                "the same for any replica"
            );
            if one.is_ok() {
                principals.push(name);
            }
        }
        if !principals.is_empty() {
            lines.push(format!("{sender} as {}", principals.join(", ")));
        }
    }
    lines
}

#[test]
fn every_command_is_admitted_of_those_who_send_it_and_of_nobody_else() {
    let everything = everything();
    assert_eq!(everything.len(), ADMITTED.len());
    for (name, senders) in ADMITTED {
        let (target, command) = &everything[*name];
        assert_eq!(admitted(target, command.as_ref()), *senders, "{name}");
    }
}

#[test]
fn a_subject_of_something_else_is_refused() {
    let (target, command) = of_instance(command("Connect"));
    let right = CommandSubject::new(Decider::Owner, Sender::Client, &target.stream());
    let admit = |subject: &str| admit(subject, PrincipalV1::Root, &target, command.as_ref());
    assert_eq!(admit(&right.to_string()), Ok(()));
    let other = InstanceId::from_bytes([9; 16]);
    let next = berth_proto::Partition::new((right.partition.number() + 1) % 64).unwrap();
    for wrong in [CommandSubject { id: other.into(), ..right }, CommandSubject { partition: next, ..right }] {
        assert_eq!(admit(&wrong.to_string()), Err(Misfit::Target), "{wrong}");
    }
    for foreign in [
        "berth.v1.cmd.0.x".to_owned(),
        right.to_string().replace("client", "somebody"),
        right.to_string().replace("cmd", "log"),
        format!("{right}.x"),
    ] {
        assert_eq!(admit(&foreign), Err(Misfit::Subject), "{foreign}");
    }
}
