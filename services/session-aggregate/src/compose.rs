//! Gives each part what it uses. From here on the log is written through one writer only.

use std::sync::Arc;

use berth_bus::{Bus, DeviceKeys, KeyRing};
use berth_log::{LogRead, Writer};
use berth_proto::WriteVersion;
use berth_runtime::{Clock, Lifecycle};
use berth_views::ViewReader;

use crate::{
    Ports, Settings,
    account_versions::AccountVersions,
    accounts::Accounts,
    cache::StateCache,
    commands::Commands,
    directory::Directory,
    entries::Entries,
    instances::Instances,
    mailbox::Mailboxes,
    names_there::NamesThere,
    ownership::Owned,
    process::{
        ProcessManager, duty::Duty, open_creates::OpenCreates, open_work::OpenWork, own_commands::OwnCommands,
    },
    sagas::{
        create::Create, delete::Delete, moving::Move, names_here::NamesHere, rename::Rename, rotate::Rotate,
    },
};

/// What several sagas use.
struct Shared {
    instances: Arc<Instances>,
    accounts: Arc<Accounts>,
    directory: Directory,
    entries: Entries,
    names_there: NamesThere,
    names_here: NamesHere,
    keys: KeyRing,
    clock: Arc<dyn Clock>,
    write_version: WriteVersion,
}

/// Whoever decides commands, and whoever finishes what is left open.
pub(crate) fn compose(
    ports: Ports,
    settings: &Settings,
    agenda: Arc<dyn ViewReader>,
    owned: Owned,
    lifecycle: &Lifecycle,
) -> (Arc<Commands>, ProcessManager) {
    let shared = Shared::new(&ports, settings);
    let Ports { log, bus, device_keys, .. } = ports;
    let rotate = Arc::new(shared.rotate());
    let delete = Arc::new(shared.delete(Arc::clone(&bus), device_keys));
    let commands = Commands {
        create: shared.create(),
        rename: shared.rename(),
        moving: shared.moving(),
        rotate: Arc::clone(&rotate),
        delete: Arc::clone(&delete),
        accounts: Arc::clone(&shared.accounts),
        instances: Arc::clone(&shared.instances),
        mailboxes: Mailboxes::default(),
        lifecycle: lifecycle.clone(),
    };
    let open_work = OpenWork { agenda, owned: owned.clone(), clock: Arc::clone(&shared.clock) };
    let own_commands = OwnCommands { bus };
    let manager = ProcessManager {
        duty: shared.duty(open_work.clone(), own_commands.clone(), log, Arc::clone(&delete)),
        open_work,
        commands: own_commands,
        instances: shared.instances,
        accounts: shared.accounts,
        directory: shared.directory,
        rotate,
        names_here: shared.names_here,
        delete,
        names_there: shared.names_there,
        owned,
        clock: shared.clock,
    };
    (Arc::new(commands), manager)
}

// === impl Shared ===

impl Shared {
    fn new(ports: &Ports, settings: &Settings) -> Self {
        let Ports { log, bus, keys, device_keys, clock, entropy, leases: _, data: _ } = ports.clone();
        let write_version = settings.write_version;
        let writer = Writer::new(log, Arc::clone(&clock), entropy, write_version);
        let directory = Directory::new(writer.clone());
        let entries = Entries { directory: directory.clone(), keys: keys.clone(), clock: Arc::clone(&clock) };
        let versions = Arc::new(AccountVersions::default());
        let accounts = Arc::new(Accounts::new(
            writer.clone(),
            directory.clone(),
            keys.clone(),
            Arc::clone(&clock),
            Arc::clone(&versions),
        ));
        let states = StateCache::new(settings.state_cache_bytes_max);
        let instances = Arc::new(Instances::new(writer, states, versions, bus, Arc::clone(&device_keys)));
        let there = NamesThere {
            instances: Arc::clone(&instances),
            directory: directory.clone(),
            keys: keys.clone(),
            device_keys,
            clock: Arc::clone(&clock),
            write_version,
        };
        let here = NamesHere {
            instances: Arc::clone(&instances),
            directory: directory.clone(),
            names_there: there.clone(),
            clock: Arc::clone(&clock),
        };
        Self {
            instances,
            accounts,
            directory,
            entries,
            names_there: there,
            names_here: here,
            keys,
            clock,
            write_version,
        }
    }

    fn create(&self) -> Create {
        Create {
            instances: Arc::clone(&self.instances),
            accounts: Arc::clone(&self.accounts),
            directory: self.directory.clone(),
            entries: self.entries.clone(),
            names_there: self.names_there.clone(),
            keys: self.keys.clone(),
            clock: Arc::clone(&self.clock),
            write_version: self.write_version,
        }
    }

    fn rename(&self) -> Rename {
        Rename {
            instances: Arc::clone(&self.instances),
            directory: self.directory.clone(),
            entries: self.entries.clone(),
            clock: Arc::clone(&self.clock),
        }
    }

    fn rotate(&self) -> Rotate {
        Rotate { instances: Arc::clone(&self.instances), directory: self.directory.clone() }
    }

    fn moving(&self) -> Move {
        Move {
            instances: Arc::clone(&self.instances),
            accounts: Arc::clone(&self.accounts),
            directory: self.directory.clone(),
            entries: self.entries.clone(),
            names_here: self.names_here.clone(),
            keys: self.keys.clone(),
            clock: Arc::clone(&self.clock),
            write_version: self.write_version,
        }
    }

    fn delete(&self, bus: Arc<dyn Bus>, device_keys: Arc<dyn DeviceKeys>) -> Delete {
        Delete {
            instances: Arc::clone(&self.instances),
            accounts: Arc::clone(&self.accounts),
            entries: self.entries.clone(),
            names_there: self.names_there.clone(),
            directory: self.directory.clone(),
            names_here: self.names_here.clone(),
            keys: self.keys.clone(),
            device_keys,
            bus,
            clock: Arc::clone(&self.clock),
        }
    }

    fn duty(
        &self,
        open_work: OpenWork,
        commands: OwnCommands,
        log: Arc<dyn LogRead>,
        delete: Arc<Delete>,
    ) -> Duty {
        Duty {
            open_creates: OpenCreates::new(open_work.clone(), self.directory.clone()),
            open_work,
            commands,
            log,
            instances: Arc::clone(&self.instances),
            accounts: Arc::clone(&self.accounts),
            delete,
            keys: self.keys.clone(),
            clock: Arc::clone(&self.clock),
            write_version: self.write_version,
        }
    }
}
