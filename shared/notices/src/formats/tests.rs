//! The exact bodies of the dialects.

use berth_proto::{
    Hash,
    event::{ConnectionOpenedV1, Event, LoggedOutV1, LogoutOriginV1, QrIssuedV1, SwitchedV1, TokenRotatedV1},
    instance::{InstanceStateV1, PermissionV1},
};
use serde_json::{Map, Value, json};

use super::*;
use crate::{
    derive::Step,
    fixtures::{INSTANCE, REPORTED, at, commit, linked, logged_out, pairing, state, webhook},
};

const QR_TEXT: &str = "2@ref,noise,identity,adv";

fn device() -> Device {
    Device {
        jid: "5511987654321@s.whatsapp.net".to_owned(),
        phone: "5511987654321".to_owned(),
        push_name: Some("Ana".to_owned()),
        business_name: None,
        picture_url: Some("https://pps.whatsapp.net/p".to_owned()),
    }
}

fn render_with(format: &str, event: Event, mut state: InstanceStateV1, options: &Value) -> Vec<Rendered> {
    state.webhooks = vec![webhook(format)];
    let step = Step::of(&commit(5, &[event], &state)).unwrap().unwrap();
    let device = device();
    let options = options.as_object().unwrap();
    let facts = Facts {
        state: &state,
        name: "shop",
        token: if by_name(format).unwrap().needs_token(options) { "tok" } else { "" },
        jwt: "the.new.jwt",
        device: Some(&device),
        occurred_at: at(0),
        now: at(3),
        qr: Some(QR_TEXT),
        pairing_code: None,
        options,
        url: "https://hook",
        server_url: "https://berth.example",
    };
    step.notices().iter().map(|notice| by_name(format).unwrap().render(notice, &facts).unwrap()).collect()
}

fn bodies(format: &str, event: Event, state: InstanceStateV1) -> Vec<Value> {
    let rendered = render_with(format, event, state, &json!({}));
    rendered.iter().map(|rendered| serde_json::from_slice(&rendered.body).unwrap()).collect()
}

fn logout() -> (Event, InstanceStateV1) {
    let event = LoggedOutV1 { session: 1, origin: LogoutOriginV1::Phone, code: 401, unlink: None };
    (Event::LoggedOut(event), state(logged_out(), PermissionV1::Silent, 2))
}

fn open() -> (Event, InstanceStateV1) {
    (
        Event::ConnectionOpened(ConnectionOpenedV1 { attempt: 1, reported: REPORTED }),
        state(linked(), PermissionV1::Open, 1),
    )
}

fn qr() -> (Event, InstanceStateV1) {
    let event = QrIssuedV1 {
        attempt: 1,
        index: 1,
        digest: Hash([0; 32]),
        expires_at: at(20),
        deadline: at(60),
        reported: REPORTED,
    };
    (Event::QrIssued(event), state(pairing(1, 1), PermissionV1::QrOnly, 1))
}

#[test]
fn native() {
    let (event, state) = logout();
    assert_eq!(
        bodies("native", event, state),
        [json!({
            "type": "instance.logged_out",
            "timestamp": "2023-11-14T22:13:20.000Z",
            "data": {
                "instance": INSTANCE.to_string(), "name": "shop", "number": "1101000001", "session": 1,
                "version": 5, "state": "logged_out", "connection": null, "origin": "phone", "code": 401,
            },
        })]
    );
    let (event, state) = qr();
    let [body] = bodies("native", event, state).try_into().unwrap();
    let expected = json!({
        "attempt": 1, "index": 1, "text": QR_TEXT, "expires_at": "2023-11-14T22:13:40.000Z",
    });
    assert_eq!(body.pointer("/data/qr"), Some(&expected));
}

#[test]
fn evolution() {
    let (event, state) = logout();
    let [status, logout, update] = bodies("evolution", event, state).try_into().unwrap();
    assert_eq!(
        update,
        json!({
            "event": "connection.update", "instance": "shop",
            "data": {"instance": "shop", "state": "close", "statusReason": 401},
            "destination": "https://hook", "date_time": "2023-11-14T22:13:20.000Z",
            "sender": "5511987654321@s.whatsapp.net", "server_url": "https://berth.example", "apikey": null,
        })
    );
    assert_eq!((&logout["event"], &logout["data"]), (&json!("logout.instance"), &Value::Null));
    assert_eq!(status.pointer("/data/status"), Some(&json!("closed")));
    assert_eq!(status.pointer("/data/disconnectionReasonCode"), Some(&json!(401)));
    let (event, state) = open();
    let [opened] = bodies("evolution", event, state).try_into().unwrap();
    assert_eq!(
        opened["data"],
        json!({
            "instance": "shop", "wuid": "5511987654321@s.whatsapp.net", "profileName": "Ana",
            "profilePictureUrl": "https://pps.whatsapp.net/p", "state": "open", "statusReason": 200,
        })
    );
}

#[test]
fn evolution_by_events_with_a_jwt() {
    let (event, state) = qr();
    let options = json!({"by_events": true, "jwt_key": "secret"});
    let [rendered] = render_with("evolution", event, state, &options).try_into().unwrap();
    assert_eq!(rendered.suffix.on("https://hook/h?x=1"), "https://hook/h?x=1/qrcode-updated");
    let authorization = rendered.authorization.unwrap();
    assert!(authorization.starts_with("Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."), "{authorization}");
    assert_eq!(authorization.split('.').count(), 3);
    let body: Value = serde_json::from_slice(&rendered.body).unwrap();
    assert_eq!(body.pointer("/data/qrcode/code"), Some(&json!(QR_TEXT)));
    assert_eq!(body.pointer("/data/qrcode/pairingCode"), Some(&Value::Null));
    let picture = body.pointer("/data/qrcode/base64").unwrap().as_str().unwrap();
    assert!(picture.starts_with("data:image/png;base64,iVBORw0KGgo"), "{picture}");
}

#[test]
fn evolution_go() {
    let body = |event, state, options: &Value| -> Value {
        let [rendered] = render_with("evolution-go", event, state, options).try_into().unwrap();
        serde_json::from_slice(&rendered.body).unwrap()
    };
    let (event, state) = open();
    assert_eq!(
        body(event, state, &json!({"token_in_body": true})),
        json!({
            "event": "Connected",
            "data": {"status": "open", "jid": "5511987654321@s.whatsapp.net", "pushName": "Ana"},
            "instanceToken": "tok", "instanceId": INSTANCE.to_uuid().to_string(), "instanceName": "shop",
        })
    );
    let (event, state) = logout();
    assert_eq!(
        body(event, state, &json!({"instance_id": "5f0c"})),
        json!({
            "event": "LoggedOut",
            "data": {"OnConnect": false, "Reason": 401, "reason": "401: logged out from WhatsApp"},
            "instanceToken": "", "instanceId": "5f0c", "instanceName": "shop",
        })
    );
    let (event, state) = qr();
    let shown = body(event, state, &json!({}));
    assert_eq!((&shown["event"], &shown["data"]["code"]), (&json!("QRCode"), &json!(QR_TEXT)));
    assert_eq!(shown["data"]["count"], 1);
    assert!(shown["data"]["qrcode"].as_str().unwrap().starts_with("data:image/png;base64,iVBOR"));
}

#[test]
fn evolution_go_says_how_long_a_ban_lasts() {
    use berth_proto::{
        event::LinkPausedV1,
        instance::{PauseReasonV1, PauseV1, PhaseV1},
    };
    let PhaseV1::Linked(link) = linked() else { panic!("a linked phase is linked") };
    let reason = PauseReasonV1::Banned;
    let pause = PauseV1 { link, reason, code: 101, until: Some(at(60)), since: at(0) };
    let paused = LinkPausedV1 { attempt: 1, reason, code: 101, until: Some(at(60)), reported: None };
    let banned = state(PhaseV1::Paused(pause), PermissionV1::Open, 1);
    let [body] = bodies("evolution-go", Event::LinkPaused(paused), banned).try_into().unwrap();
    assert_eq!(body["event"], "TemporaryBan");
    let expire = 60_000_000_000_u64;
    let reason = "101: temporarily banned";
    assert_eq!(body["data"], json!({"Code": 101, "Expire": expire, "reason": reason, "expire": expire}));
}

#[test]
fn ryze_by_events_names_the_event_in_the_path() {
    let (event, state) = logout();
    let [rendered] = render_with("ryze", event, state, &json!({"by_events": true})).try_into().unwrap();
    assert_eq!(rendered.suffix.on("https://hook/h?x=1"), "https://hook/h/instance.state?x=1");
    assert_eq!(rendered.suffix.on("https://hook/h"), "https://hook/h/instance.state");
}

#[test]
fn a_stop_has_the_code_of_its_reason() {
    use berth_proto::instance::PauseReasonV1 as Reason;
    let codes = [(Reason::Asked, 0), (Reason::Replaced, 409), (Reason::Banned, 101), (Reason::Outdated, 405)];
    assert_eq!(codes.map(|(reason, code)| pause_code(reason, code)), [428, 440, 402, 405]);
    assert_eq!([0, 400].map(|code| pause_code(Reason::Refused, code)), [403, 400]);
    let object = disconnection_object(402, berth_proto::Timestamp(0));
    let object: Value = serde_json::from_str(&object).unwrap();
    assert_eq!(object.pointer("/error/output/payload/error"), Some(&json!("Payment Required")));
}

#[test]
fn ryze_shows_the_token_only_where_it_was_asked_for() {
    let expected = |token| {
        json!({
            "event": "instance.state",
            "data": {"instance": "shop", "state": "logged_out", "timestamp": "2023-11-14T22:13:20.000Z"},
            "instanceData": {"baseUrl": "https://berth.example", "instance": "shop", "token": token},
        })
    };
    for (options, token) in [(json!({}), ""), (json!({"token_in_body": true}), "tok")] {
        let (event, state) = logout();
        let [rendered] = render_with("ryze", event, state, &options).try_into().unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&rendered.body).unwrap(), expected(token));
    }
    let (event, state) = qr();
    let [body] = bodies("ryze", event, state).try_into().unwrap();
    assert_eq!((&body["data"]["state"], &body["data"]["codes"]), (&json!("qr_ready"), &json!([QR_TEXT])));
}

#[test]
fn codechat() {
    let (event, state) = logout();
    let [rendered] = render_with("codechat", event.clone(), state.clone(), &json!({"external_id": "01H"}))
        .try_into()
        .unwrap();
    let of_business = render_with("codechat.business", event, state, &json!({"external_id": "01H"}));
    assert_eq!(of_business, std::slice::from_ref(&rendered), "an endpoint of the business hears the same");
    let body: Value = serde_json::from_slice(&rendered.body).unwrap();
    assert_eq!(body["event"], "connection.update");
    assert_eq!(body["data"], json!({"state": "close", "statusReason": 401}));
    assert_eq!(body["instance"]["instanceId"], "01H");
    assert_eq!(body["instance"]["connection"], "close");
    assert_eq!(body["instance"]["WhatsApp"]["remoteJid"], "5511987654321@s.whatsapp.net");
    let header =
        |name| rendered.headers.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str());
    assert_eq!(header("x-instanceId"), Some("01H"));
}

#[test]
fn mega() {
    let (event, state) = logout();
    assert_eq!(
        bodies("mega", event, state),
        [json!({
            "instance_key": "shop", "jid": "5511987654321@s.whatsapp.net", "messageType": "connection_update",
            "message": "phone_disconnected",
        })]
    );
    let (event, state) = open();
    let [body] = bodies("mega", event, state).try_into().unwrap();
    assert_eq!((&body["message"], &body["pushName"]), (&json!("phone_connected"), &json!("Ana")));
}

#[test]
fn green_api() {
    let (event, state) = logout();
    assert_eq!(
        bodies("green", event, state),
        [json!({
            "typeWebhook": "stateInstanceChanged",
            "instanceData": {"idInstance": 1_101_000_001, "wid": "", "typeInstance": "whatsapp"},
            "timestamp": 1_700_000_000, "stateInstance": "notAuthorized",
        })]
    );
    let (event, state) = open();
    let [changed, status] = bodies("green", event, state).try_into().unwrap();
    assert_eq!(changed["stateInstance"], "authorized");
    assert_eq!(changed["instanceData"]["wid"], "5511987654321@c.us");
    assert_eq!(status["statusInstance"], "online");
    let green = by_name("green").unwrap();
    assert_eq!(green.authorization("abc"), "Bearer abc");
    assert_eq!(green.authorization("Basic abc"), "Basic abc");
    assert!(green.muted(json!({"state_webhook": false}).as_object().unwrap()));
    assert!(!green.muted(&Map::new()));
}

#[test]
fn codechat_tells_of_its_switch_and_its_jwt() {
    let open = || state(linked(), PermissionV1::Open, 1);
    for (on, data, word) in [(true, "on", "active"), (false, "off", "inactive")] {
        let body = bodies("codechat", Event::Switched(SwitchedV1 { on }), open()).remove(0);
        assert_eq!((&body["event"], &body["data"]), (&json!("state.instance"), &json!({"state": data})));
        assert_eq!(
            (&body["instance"]["state"], &body["instance"]["connection"]),
            (&json!(word), &json!("open"))
        );
    }
    let rotated = TokenRotatedV1 { credential_version: 1, jwt_version: 2, token: None };
    let body = bodies("codechat", Event::TokenRotated(rotated), open()).remove(0);
    assert_eq!((&body["event"], &body["data"]), (&json!("new.jwt"), &json!({"jwt": "the.new.jwt"})));
}
