//! Making instances, as a gateway and a connector do.

use berth_bus::DeviceKeys;
use berth_proto::{
    EndpointId, Hash, InstanceId, Sealed,
    command::{ConnectV1, CreateInstanceV1, DeleteV1, LogoutV1, ReportLinkedV1, ReportV1, RotateTokenV1},
    event::NewTokenV1,
    frame::{CommandReplyV1, CommandRequestV1},
    instance::{DeviceV1, EntriesV1, MethodV1, SettingsBlockV1, WebhookV1},
};
use berth_runtime::{Entropy, Unique, UniqueInAccount, sealing::field};

use super::{BEGIN, World, accepted};

/// What a create asks for.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) name: String,
    pub(crate) token: String,
    pub(crate) number: u64,
    pub(crate) alias: Option<String>,
    /// The idempotency key, if there is one.
    pub(crate) key: Option<String>,
    pub(crate) settings: Vec<(String, String)>,
    pub(crate) webhooks: Vec<String>,
}

impl Wanted {
    pub(crate) fn named(name: &str, number: u64) -> Self {
        Self {
            name: name.to_owned(),
            token: format!("token-of-{name}"),
            number,
            alias: None,
            key: None,
            settings: Vec::new(),
            webhooks: Vec::new(),
        }
    }

    pub(crate) fn keyed(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }
}

impl World {
    /// The command of a create as a gateway makes it, under a new id each time.
    pub(crate) async fn create_request(&self, wanted: &Wanted) -> (InstanceId, CommandRequestV1) {
        let id = self.new_id();
        let owner = id.as_bytes();
        let key = self.keys.create(owner, &*self.entropy).await.unwrap().unwrap();
        let account_key = self.keys.key(self.account.as_bytes()).await.unwrap().unwrap();
        let master = self.keys.master();
        let settings = wanted.settings.iter().map(|(block, body)| SettingsBlockV1 {
            owner: block.clone(),
            body: key.seal(owner, field::SETTINGS, body.as_bytes()),
        });
        let webhooks = wanted.webhooks.iter().map(|url| WebhookV1 {
            id: EndpointId::from_bytes(self.entropy.bytes16()),
            format: "native".to_owned(),
            label: url.clone(),
            enabled: true,
            url: key.seal(owner, field::WEBHOOK_URL, url.as_bytes()),
            headers: None,
            authorization: None,
            secret: key.seal(owner, field::WEBHOOK_SECRET, &self.entropy.bytes32()),
            old_secrets: Vec::new(),
            events: Vec::new(),
            after_logout_all: false,
            options: None,
            created_at: BEGIN,
            updated_at: BEGIN,
        });
        let create = CreateInstanceV1 {
            account: self.account,
            number: wanted.number,
            name: key.seal(owner, field::NAME, wanted.name.as_bytes()),
            token: key.seal(owner, field::TOKEN, wanted.token.as_bytes()),
            entries: EntriesV1 {
                name: account_key.entry(UniqueInAccount::Name, &wanted.name),
                token: master.entry(Unique::Token, &wanted.token),
                number: master.entry(Unique::Number, &wanted.number.to_string()),
                alias: wanted.alias.as_ref().map(|alias| account_key.entry(UniqueInAccount::Alias, alias)),
                creation: wanted.key.as_ref().map(|key| account_key.entry(UniqueInAccount::Creation, key)),
            },
            settings: settings.collect(),
            webhooks: webhooks.collect(),
        };
        let mut request = self.request(id, create);
        request.digest = Hash::over(b"body", &[wanted.name.as_bytes(), wanted.token.as_bytes()]);
        if let Some(key) = &wanted.key {
            request.keyed = true;
            request.command_id = account_key.command_id(key);
        }
        (id, request)
    }

    pub(crate) async fn create(&self, wanted: &Wanted) -> CommandReplyV1 {
        let (_, request) = self.create_request(wanted).await;
        self.send(&request).await
    }

    /// An instance that exists.
    pub(crate) async fn instance(&self, name: &str, number: u64) -> InstanceId {
        accepted(self.create(&Wanted::named(name, number)).await).stream_id.instance()
    }

    /// An instance with a linked device, by attempt 1.
    pub(crate) async fn linked(&self, name: &str, number: u64) -> InstanceId {
        let id = self.instance(name, number).await;
        self.link(id, 1).await;
        id
    }

    /// Links a device as that attempt.
    pub(crate) async fn link(&self, id: InstanceId, attempt: u32) {
        let connect = ConnectV1 { method: MethodV1::Qr };
        self.accepted(&self.request(id, connect)).await;
        self.keep_device_keys(id, attempt).await;
        let report = ReportV1 { attempt, epoch: 1, number: 1 };
        let linked = ReportLinkedV1 { report, device: device() };
        self.accepted(&self.report(id, linked)).await;
    }

    pub(crate) async fn keep_device_keys(&self, id: InstanceId, attempt: u32) {
        self.device_keys.put(id, attempt, vec![1, 2, 3].into()).await.unwrap();
    }

    pub(crate) async fn forget_device_keys(&self, id: InstanceId, attempt: u32) {
        self.device_keys.delete(id, attempt).await.unwrap();
    }

    pub(crate) async fn has_device_keys(&self, id: InstanceId, attempt: u32) -> bool {
        self.device_keys.get(id, attempt).await.unwrap().is_some()
    }

    pub(crate) fn logout(&self, id: InstanceId) -> CommandRequestV1 {
        self.request(id, LogoutV1 {})
    }

    pub(crate) fn delete(&self, id: InstanceId) -> CommandRequestV1 {
        self.request(id, DeleteV1 { only_without_session: false })
    }

    pub(crate) fn rotate(&self, id: InstanceId, token: &str) -> RotateTokenV1 {
        let sealed = Sealed(format!("{id}{token}").into_bytes());
        RotateTokenV1 { token: Some(NewTokenV1 { token: sealed, entry: self.token_entry(token) }) }
    }
}

fn device() -> DeviceV1 {
    let sealed = |text: &str| Sealed(text.as_bytes().to_vec());
    DeviceV1 {
        jid: sealed("jid"),
        lid: None,
        phone: sealed("phone"),
        push_name: None,
        business_name: None,
        picture_url: None,
        platform: "android".to_owned(),
    }
}
