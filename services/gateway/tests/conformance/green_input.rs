//! What the GREEN-API dialect refuses: each row is a request and what it is answered, in the dialect's own words.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    is_told,
    story::{Answer, Request, Story},
    world::{ACCOUNT, Instance, World},
};

/// The methods of an instance with the HTTP methods that they have.
const METHODS: [(&str, &[Method]); 15] = [
    ("getStateInstance", &[Method::GET]),
    ("getStatusInstance", &[Method::GET]),
    ("getSettings", &[Method::GET]),
    ("setSettings", &[Method::POST]),
    ("getWaSettings", &[Method::GET]),
    ("reboot", &[Method::GET]),
    ("logout", &[Method::GET]),
    ("qr", &[Method::GET]),
    ("scanqrcode", &[Method::GET]),
    ("getAuthorizationCode", &[Method::POST]),
    ("updateApiToken", &[Method::GET]),
    ("getStateInstanceHistory", &[Method::GET]),
    ("receiveNotification", &[Method::GET]),
    ("deleteNotification", &[Method::DELETE]),
    ("clearWebhooksQueue", &[Method::GET, Method::DELETE]),
];
/// The methods of a partner.
const PARTNER: [(&str, Method); 3] = [
    ("createInstance", Method::POST),
    ("getInstances", Method::GET),
    ("deleteInstanceAccount", Method::POST),
];
const VERBS: [Method; 6] =
    [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::HEAD];

/// An instance, and the table that its requests are rows of.
struct Table<'a, 'w> {
    world: &'w World,
    story: &'a mut Story<'w>,
    shop: Instance,
}

impl<'a, 'w> Table<'a, 'w> {
    async fn of(world: &'w World, story: &'a mut Story<'w>) -> Self {
        let shop = world.instance("shop").await;
        story.calls(&shop.number, "number");
        Self { world, story, shop }
    }

    fn path(&self, method: &str) -> String {
        format!("/waInstance{}/{method}/{}", self.shop.number, self.shop.token)
    }

    /// A row, a second after the one before, as the rates want it.
    async fn row(&mut self, request: Request) -> Answer {
        self.world.advance_seconds(1);
        self.story.row(request).await
    }

    /// Rows of bodies that are refused with 400.
    async fn refuses(&mut self, path: &str, bodies: impl IntoIterator<Item = Value>) {
        self.story.table(&format!("what {path} refuses"));
        for body in bodies {
            let answer = self.row(Request::post(path).json(&body)).await;
            assert_eq!(answer.status, 400, "{path} {body}");
        }
    }
}

#[tokio::test]
async fn another_http_method_is_an_unknown_method() {
    let world = World::start().await;
    let mut story = world.story();
    let mut table = Table::of(&world, &mut story).await;
    for (method, wanted) in METHODS {
        table.story.table(method);
        for verb in VERBS.iter().filter(|verb| !wanted.contains(verb)) {
            let answer = table.row(Request::new(verb.clone(), &table.path(method))).await;
            assert_eq!(answer.status, 404, "{verb} {method}");
        }
    }
    for (method, wanted) in PARTNER {
        table.story.table(method);
        for verb in VERBS.iter().filter(|verb| **verb != wanted) {
            let path = format!("/partner/{method}/{ACCOUNT}");
            assert_eq!(table.row(Request::new(verb.clone(), &path)).await.status, 404, "{verb} {method}");
        }
    }
    is_told("green_bad_verbs", &story);
}

#[tokio::test]
async fn bodies_of_a_wrong_form() {
    let world = World::start().await;
    let mut story = world.story();
    let mut table = Table::of(&world, &mut story).await;
    let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(500), "]".repeat(500));
    let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(1024 * 1024));
    let partner = |method: &str| format!("/partner/{method}/{ACCOUNT}");
    let routes = [
        (Method::POST, table.path("setSettings")),
        (Method::POST, table.path("getAuthorizationCode")),
        (Method::GET, table.path("getStateInstanceHistory")),
        (Method::DELETE, table.path("deleteNotification")),
        (Method::POST, partner("createInstance")),
        (Method::POST, partner("deleteInstanceAccount")),
    ];
    for (method, path) in routes {
        table.story.table(&format!("{method} {path}"));
        for body in [
            "{",
            "{]",
            "{\"a\":\n  tru}",
            "",
            "null",
            "[]",
            "\"text\"",
            "{}",
            r#"{"a":"\ud800"}"#,
            "phoneNumber=5511987654321",
            &deep,
        ] {
            let answer = table.row(Request::new(method.clone(), &path).raw(body)).await;
            // The history needs no body, and what is unknown in one is passed over.
            let wanted = if method == Method::GET && ["", "{}"].contains(&body) { 200 } else { 400 };
            assert_eq!(answer.status, wanted, "{path} {body}");
        }
        assert_eq!(table.row(Request::new(method, &path).raw(&long)).await.status, 413, "{path}");
    }
    is_told("green_bad_bodies", &story);
}

#[tokio::test]
async fn fields_of_a_wrong_type_or_value() {
    let world = World::start().await;
    let mut story = world.story();
    let mut table = Table::of(&world, &mut story).await;
    let settings = [
        json!({"nothing": "yes"}),
        json!({"stateWebhook": true}),
        json!({"stateWebhook": null}),
        json!({"stateWebhook": "YES"}),
        json!({"incomingWebhook": 1}),
        json!({"keepOnlineStatus": ""}),
        json!({"enableMessagesHistory": ["yes"]}),
        json!({"webhookUrl": 1}),
        json!({"webhookUrl": null}),
        json!({"webhookUrl": "hooks.example"}),
        json!({"webhookUrl": "http://hooks.example/"}),
        json!({"webhookUrl": "ftp://hooks.example/"}),
        json!({"webhookUrl": "https://127.0.0.1/"}),
        json!({"webhookUrl": format!("https://hooks.example/{}", "x".repeat(5_000))}),
        json!({"webhookUrlToken": 1}),
        json!({"webhookUrlToken": "two\nlines"}),
        json!({"webhookUrlToken": "x".repeat(10_000)}),
        json!({"delaySendMessagesMilliseconds": 499}),
        json!({"delaySendMessagesMilliseconds": 600_001}),
        json!({"delaySendMessagesMilliseconds": -1}),
        json!({"delaySendMessagesMilliseconds": 1000.5}),
        json!({"delaySendMessagesMilliseconds": u64::MAX}),
        json!({"delaySendMessagesMilliseconds": "1000"}),
        json!({"delaySendMessagesMilliseconds": null}),
    ];
    let set = table.path("setSettings");
    table.refuses(&set, settings.clone()).await;
    let create = format!("/partner/createInstance/{ACCOUNT}");
    table.refuses(&create, settings).await;
    let names = [json!(1), json!(null), json!(["x"]), json!("x".repeat(100_000))];
    table.refuses(&create, names.map(|name| json!({"name": name, "stateWebhook": "yes"}))).await;
    let phones = [
        json!(null),
        json!(true),
        json!({}),
        json!(-1),
        json!(0),
        json!(123_456),
        json!(1_234_567_890_123_456_u64),
        json!(5_511_987_654_321.5),
        json!("+5511987654321"),
        json!("0123456789"),
        json!("55 11 98765-4321"),
        json!("٥٥١١٩٨٧٦٥٤٣٢١"),
    ];
    let code = table.path("getAuthorizationCode");
    table.refuses(&code, phones.map(|phone| json!({"phoneNumber": phone}))).await;
    let delete = format!("/partner/deleteInstanceAccount/{ACCOUNT}");
    table.refuses(&delete, [json!(null), json!(true), json!([1])].map(|id| json!({"idInstance": id}))).await;
    table.story.table("numbers that nobody has");
    for number in [json!(0), json!(-1), json!(u64::MAX), json!(1.5), json!("1101000001"), json!("x")] {
        let answer = table.row(Request::post(&delete).json(&json!({"idInstance": number}))).await;
        assert_eq!((answer.status, &answer.body["code"]), (200, &json!(404)), "{number}");
    }
    is_told("green_bad_fields", &story);
}

#[tokio::test]
async fn queries_and_receipts_out_of_range() {
    let world = World::start().await;
    let mut story = world.story();
    let mut table = Table::of(&world, &mut story).await;
    table.story.table("how long to wait");
    for seconds in
        ["", "4", "61", "-5", "5.5", "five", "99999999999999999999", "%35%30%30", "5&receiveTimeout=5"]
    {
        let path = format!("{}?receiveTimeout={seconds}", table.path("receiveNotification"));
        assert_eq!(table.row(Request::get(&path)).await.status, 400, "{seconds}");
    }
    table.story.table("how many changes");
    for count in ["", "0", "-1", "1.5", "all", "99999999999999999999", "1&count=2"] {
        let path = format!("{}?count={count}", table.path("getStateInstanceHistory"));
        assert_eq!(table.row(Request::get(&path)).await.status, 400, "{count}");
    }
    for count in [json!(0), json!(-1), json!("2"), json!(null), json!(1.5)] {
        let request = Request::get(&table.path("getStateInstanceHistory"));
        let answer = table.row(request.json(&json!({"count": count}))).await;
        assert_eq!(answer.status, 400, "{count}");
    }
    table.story.table("receipts");
    for receipt in ["x", "-1", "1.5", "99999999999999999999", "%20", "1%2F2", "١"] {
        let path = format!("{}/{receipt}", table.path("deleteNotification"));
        assert_eq!(table.row(Request::delete(&path)).await.status, 400, "{receipt}");
    }
    for receipt in ["x", "-1", "1.5", "\"1\"", "{}", "99999999999999999999"] {
        let request = Request::delete(&table.path("deleteNotification")).raw(receipt);
        assert_eq!(table.row(request).await.status, 400, "{receipt}");
    }
    is_told("green_bad_queries", &story);
}

#[tokio::test]
async fn paths_in_every_way() {
    let world = World::start().await;
    let mut story = world.story();
    let mut table = Table::of(&world, &mut story).await;
    let number = table.shop.number.to_string();
    let ask = |number: &str, method: &str, token: &str| format!("/waInstance{number}/{method}/{token}");
    let encoded: String = number.chars().flat_map(|digit| ['%', '3', digit]).collect();
    table.story.calls(&encoded, "number, percent-encoded");
    table.story.table("ways to write it that work");
    for path in [
        ask(&encoded, "logout", "token-of-shop"),
        ask(&number, "LogOut", "token%2Dof%2dshop"),
        ask(&number, "%6Cogout", "token-of-shop"),
        ask(&number, "logout", "token-of-shop/"),
        ask(&number, "logout", "token-of-shop?receiveTimeout=x&%FF"),
    ] {
        assert_eq!(table.row(Request::get(&path)).await.status, 200, "{path}");
    }
    table.story.table("numbers that nobody has");
    for number in [
        "",
        "0",
        "-1",
        "x",
        "1",
        "1101000001",
        "+1101000001",
        "01101000001",
        "99999999999999999999",
        "%00",
        "%20",
        "110100000%0A",
        "١١٠١٠٠٠٠٠١",
        "1e9",
        "..",
        "%2e%2e",
    ] {
        let answer = table.row(Request::get(&ask(number, "logout", "token-of-shop"))).await;
        assert_eq!(answer.status, 403, "{number}");
    }
    table.story.table("tokens that nobody has");
    for token in [
        "%20",
        "%00",
        "token-of-shop%00",
        "token-of-shop%20",
        "TOKEN-OF-SHOP",
        "token-of-sh%C3%B3p",
        "ção",
        "%2F",
        "token%252Dof%252Dshop",
        &"x".repeat(5_000),
    ] {
        let answer = table.row(Request::get(&ask(&number, "logout", token))).await;
        assert_eq!(answer.status, 401, "{token}");
        let answer = table.row(Request::get(&format!("/partner/getInstances/{token}"))).await;
        assert_eq!((answer.status, &answer.body["code"]), (200, &json!(401)), "{token}");
    }
    table.story.table("methods and routes that are not there");
    for path in [
        ask(&number, "ｌogout", "token-of-shop"),
        ask(&number, "logout%20", "token-of-shop"),
        ask(&number, "sendMessage", "token-of-shop"),
        ask(&number, "%FF", "token-of-shop"),
        ask(&number, "logout", "%C3"),
        ask(&number, "logout", ""),
        ask(&number, "", ""),
        ask(&number, "logout", "token-of-shop/1"),
        ask(&number, "logout", "token-of-shop/1/2"),
        format!("/waInstance{number}"),
        format!("/waInstance/{number}/logout/token-of-shop"),
        format!("/partner/createThing/{ACCOUNT}"),
        format!("/partner/getInstances/{ACCOUNT}/1"),
        "/partner/getInstances/".to_owned(),
        "/partner/".to_owned(),
    ] {
        assert_eq!(table.row(Request::get(&path)).await.status, 404, "{path}");
    }
    is_told("green_paths", &story);
}

#[tokio::test]
async fn rates_of_every_method() {
    let world = World::start().await;
    let mut story = world.story();
    let mut table = Table::of(&world, &mut story).await;
    // A hundred a second, and a token that ends.
    let fast = ["receiveNotification", "deleteNotification"];
    let methods = METHODS.iter().filter(|(method, _)| *method != "updateApiToken");
    for (method, verbs) in methods {
        world.advance_seconds(1);
        let allowed = if fast.contains(method) {
            100
        } else if *method == "qr" {
            3
        } else {
            1
        };
        // Refused for another reason, and counted.
        let query = if *method == "receiveNotification" { "?receiveTimeout=1" } else { "" };
        let request = Request::new(verbs[0].clone(), &format!("{}{query}", table.path(method)));
        for _ in 0..allowed {
            assert_ne!(world.send(&request).await.status(), 429, "{method}");
        }
        assert_eq!(table.story.row(request).await.status, 429, "{method}");
    }
    let renew = Request::get(&table.path("updateApiToken"));
    world.send(&renew).await;
    let former = table.row(renew).await;
    assert_eq!(former.status, 401, "who may not is told so before the rate is");
    is_told("green_rates", &story);
}
