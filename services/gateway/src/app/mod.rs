//! What every door of the gateway uses: who asks, which instance, commands, reads, codes, lists.
//!
//! The native API and the dialects translate between HTTP and what an [`App`] is composed of; none of them touches a
//! port. An operation takes a [`Call`] (who asks, through which door, under which idempotency key) and answers with
//! a [`Record`] (an instance as it is, opened for rendering) or a [`Failure`].

mod account_events;
mod account_life;
mod account_webhooks;
mod accounts;
mod asking;
mod audit;
mod audit_lanes;
mod audit_query;
mod call;
mod coalesce;
mod codes;
mod commands;
mod create;
mod cursor;
mod deliveries;
mod directory;
mod earlier;
mod evidence;
mod export;
mod failure;
mod find;
mod fleet;
mod follow;
mod grants;
mod guesses;
mod heard;
mod history;
mod just_created;
mod leaving;
mod lists;
mod live;
mod log_parts;
mod marks;
mod moves;
mod names;
mod notifications;
mod passes;
mod people;
mod principal;
mod quota;
mod rate;
mod record;
mod redelivery;
mod renames;
mod resolve;
mod room;
mod seats;
mod settings;
mod sign_in;
mod simulate;
mod standing;
mod states;
mod tokens;
mod upstreams;
mod view_stands;
mod waits;
mod webhooks;

use std::{ops::Deref, sync::Arc};

use berth_bus::{Bus, Cluster, KeyRing, Presence, Volatile};
use berth_log::LogRead;
use berth_runtime::{Clock, Entropy};
use tokio_util::sync::CancellationToken;

pub use account_events::{AccountEvents, AccountFollow, EventsFailure, Heard, Told};
pub use account_life::{AccountChange, Closing};
pub use account_webhooks::{AccountWebhooks, ChangedWebhook};
pub use accounts::{AccountRecord, Accounts, ChangedAccount, NewAccount};
pub use audit::{Audit, AuditPage};
pub use audit_query::{About, Actor, AuditEntry, AuditQuery};
pub use call::{Call, Client, Idempotency, RequestIds};
pub use codes::{Codes, Connected, LiveCode, LiveCodes, WantedCode};
pub use commands::{Answer, Commands};
pub use create::{Created, Creator, NewInstance};
pub use deliveries::{Attempt, Deliveries, DeliveriesPage};
pub use evidence::{Evidence, Inclusion};
pub use export::Exports;
pub use failure::{Failure, RETRY_AFTER_SECONDS, SIGNED_AFTER_SECONDS};
pub(crate) use failure::{STILL_LEAVING, UPGRADE_NEEDED};
pub use find::Finder;
pub use fleet::Fleet;
pub use follow::{Follow, Follows, Permission, Turn, Waited, Watch};
pub use grants::LinkChoice;
pub use heard::{HeardAs, Hearing, Unheard};
pub use history::{Entry, Histories, HistoryPage};
pub use lists::{Lists, Page};
pub use live::{Filter, Listeners, Live};
pub use marks::Marks;
pub use moves::Moves;
pub use names::{
    InvalidName, address_bucket, as_uuid, check_foreign_id, check_name, check_phone, check_token,
};
pub use notifications::{Notification, Notifications};
pub use passes::{Admitted, PassFailure, Passes};
pub use people::{Holding, Holdings, PEOPLE_PAGE_MAX, People, Trace};
pub use principal::{Principal, Principals};
pub use quota::{Counters, Left, Quotas, Spending, Tally};
pub use rate::{Allowance, Rate};
pub use record::{Device, Erasure, Record, Records};
pub use redelivery::{Recovered, Redelivered, Redelivery, Tested};
pub use renames::Renames;
pub use resolve::{KeyKind, Resolver};
pub use settings::{Blocks, merge_part};
pub use sign_in::SignedIn;
pub use simulate::{Simulation, Simulator};
pub use standing::{Standing, Standings};
pub use tokens::Tokens;
pub use upstreams::{Adopted, Adoption, Adoptions, UpstreamFailure, WantedLink};
pub use view_stands::{ToldViews, ViewStands};
pub use webhooks::{NewWebhook, Webhook, WebhookSecret, WebhookSecrets, Webhooks};

use account_events::ACCOUNT_STREAMS_MAX;
use directory::Directory;
use guesses::Guesses;
use just_created::JustCreated;
use quota::Shares;
use room::Room;
pub(crate) use seats::{Seat, Seats};
use states::States;

use crate::Settings;

/// A part with these fields, which others may have too.
macro_rules! part {
    ($part:ident: $($field:ident),*) => {
        Arc::new($part { $($field: $field.clone()),* })
    };
}

/// The gateway's side of every operation, by what it acts on. Cheap to clone.
#[derive(Debug, Clone)]
pub struct App(Arc<Parts>);

/// What an app is composed of: each part knows only those that it uses.
#[derive(Debug)]
#[expect(missing_docs, reason = "each part's type says what it does")]
pub struct Parts {
    pub principals: Arc<Principals>,
    pub records: Arc<Records>,
    pub counters: Arc<Counters>,
    pub commands: Arc<Commands>,
    pub codes: Arc<Codes>,
    pub resolver: Arc<Resolver>,
    pub finder: Arc<Finder>,
    pub standings: Arc<Standings>,
    pub lists: Arc<Lists>,
    pub webhooks: Arc<Webhooks>,
    pub creator: Arc<Creator>,
    pub tokens: Arc<Tokens>,
    pub blocks: Arc<Blocks>,
    pub accounts: Arc<Accounts>,
    pub account_webhooks: Arc<AccountWebhooks>,
    pub adoptions: Arc<Adoptions>,
    pub passes: Arc<Passes>,
    pub hearing: Arc<Hearing>,
    pub fleet: Arc<Fleet>,
    pub view_stands: Arc<ViewStands>,
    pub marks: Arc<Marks>,
    pub moves: Arc<Moves>,
    pub renames: Arc<Renames>,
    pub histories: Arc<Histories>,
    pub people: Arc<People>,
    pub evidence: Arc<Evidence>,
    pub exports: Arc<Exports>,
    pub audit: Arc<Audit>,
    pub follows: Arc<Follows>,
    pub account_events: Arc<AccountEvents>,
    pub listeners: Arc<Listeners>,
    pub notifications: Arc<Notifications>,
    pub deliveries: Arc<Deliveries>,
    pub redelivery: Arc<Redelivery>,
    pub simulator: Arc<Simulator>,
    pub cluster: Arc<dyn Cluster>,
    pub request_ids: Arc<RequestIds>,
    clock: Arc<dyn Clock>,
    settings: Settings,
}

/// What the gateway needs of its surroundings.
#[derive(Debug, Clone)]
pub struct Ports {
    /// The log, for reading only.
    pub log: Arc<dyn LogRead>,
    /// Commands, queries, live tails.
    pub bus: Arc<dyn Bus>,
    /// QR texts and pairing codes.
    pub volatile: Arc<dyn Volatile>,
    /// Data keys.
    pub keys: KeyRing,
    /// Wall-clock time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Which roles nobody does the work of: nobody waits for those.
    pub presence: Presence,
    /// Tells of the deployment.
    pub cluster: Arc<dyn Cluster>,
    /// Cancelled when the process stops: what waits then answers at once.
    pub stop: CancellationToken,
}

impl App {
    /// An app over these ports. `foreign_id` reads the foreign id that a dialect gave an instance.
    pub fn new(ports: Ports, settings: &Settings, foreign_id: fn(&Record) -> Option<String>) -> Self {
        let Ports { log, bus, volatile, keys, clock, entropy, presence, cluster, stop } = ports;
        let Settings {
            root_key_digest,
            url_policy,
            quotas,
            public_url,
            write_version,
            upstreams,
            workers,
            worker_accounts,
            ..
        } = settings;
        let room = Arc::new(Room::new(settings.commands_at_once, log.shards()));
        let request_ids = Arc::new(RequestIds::new(&*entropy));
        let directory = Arc::new(Directory::new(Arc::clone(&log)));
        let (guesses, shares) = (Arc::new(Guesses::new()), Arc::new(Shares::new()));
        let principals = part!(Principals: keys, directory, guesses, root_key_digest);
        let states = Arc::new(States::new(&log));
        let records = part!(Records: log, bus, keys, clock, entropy, stop, directory, principals, states);
        let standings = Arc::new(Standings::new(&states, &clock, &principals));
        let counters = part!(Counters: volatile, keys, clock, quotas, shares);
        let log_shards = log.shards();
        let commands = part!(Commands: bus, keys, entropy, presence, log_shards, stop, write_version, principals,
            records, counters, standings, upstreams, room);
        let codes = part!(Codes: volatile, keys, clock, commands, records);
        let resolver = part!(Resolver: keys, directory, principals);
        let finder = part!(Finder: resolver, principals, records, commands, codes, standings);
        let just_created = Arc::new(JustCreated::new());
        let lists = part!(Lists: bus, records, just_created);
        let webhooks = part!(Webhooks: clock, entropy, url_policy, commands);
        let accounts =
            part!(Accounts: log, keys, clock, entropy, principals, commands, counters, lists, upstreams);
        let account_webhooks = part!(AccountWebhooks: clock, commands, accounts, webhooks);
        let creator = part!(Creator: log, keys, clock, entropy, directory, principals, records, standings, commands,
            counters, webhooks, accounts, lists);
        let tokens = part!(Tokens: keys, clock, entropy, principals, records, commands);
        let blocks = part!(Blocks: records, commands);
        let adoptions = part!(Adoptions: keys, directory, principals, standings, accounts, creator, upstreams,
                workers, worker_accounts);
        let passes = part!(Passes: keys, finder, standings, upstreams);
        let hearing = part!(Hearing: bus, keys, clock, standings, counters, upstreams);
        let fleet = part!(Fleet: bus, entropy, cluster);
        let view_stands = part!(ViewStands: bus, entropy, cluster);
        let marks = part!(Marks: volatile);
        let moves = part!(Moves: foreign_id, directory, records, resolver, commands, accounts);
        let renames = part!(Renames: keys, directory, commands);
        let histories = part!(Histories: log, keys);
        let people = Arc::new(People::new(&lists, &records, &histories, &keys));
        let evidence = part!(Evidence: bus, log);
        let exports = Arc::new(Exports::new(&lists, &records, &evidence, &stop));
        let audit = part!(Audit: log, keys, principals, histories);
        let follows = part!(Follows: log, bus, stop, principals, records);
        let seats = Seats::new(usize::MAX, ACCOUNT_STREAMS_MAX);
        let account_events = part!(AccountEvents: log, keys, stop, principals, records, histories, seats);
        let listeners = part!(Listeners: keys, clock, volatile, public_url, follows);
        let notifications = part!(Notifications: bus, keys, presence, records, stop);
        let deliveries = part!(Deliveries: bus, keys, presence);
        let redelivery = part!(Redelivery: bus, keys, presence, counters);
        let simulator = part!(Simulator: bus);
        Self(part!(Parts: principals, records, counters, commands, codes, resolver, finder, standings, lists,
            webhooks, creator, tokens, blocks, accounts, account_webhooks, adoptions, passes, hearing, fleet, view_stands, marks, moves, renames, histories, people, follows, account_events, listeners, notifications, deliveries, redelivery, simulator, request_ids, clock, settings, cluster, evidence, exports, audit))
    }

    /// The settings that the gateway was started with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The present moment.
    pub fn now(&self) -> berth_proto::Timestamp {
        self.clock.now()
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
