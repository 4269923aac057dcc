//! Who did what, across instances: found by actor, door, event and time, for whoever may see it.

use serde_json::{Value, json};

use crate::{
    story::Request,
    world::{ACCOUNT, OTHER_ACCOUNT, ROOT, World},
};

async fn search(world: &World, token: &str, query: &str) -> Value {
    let (status, body) = world.native(Request::get(&format!("/v1/audit?{query}")), token).await;
    assert_eq!(status, 200, "{query}: {body}");
    body
}

/// Type and instance of what was found.
fn told(page: &Value) -> Vec<(String, String)> {
    // What happened to an account itself is of no instance.
    let text = |entry: &Value, field: &str| entry[field].as_str().unwrap_or("-").to_owned();
    let entries = page["entries"].as_array().unwrap();
    entries.iter().map(|it| (text(it, "type"), text(it, "instance"))).collect()
}

async fn all(world: &World, token: &str, query: &str) -> Vec<(String, String)> {
    let (mut found, mut before) = (Vec::new(), String::new());
    loop {
        let page = search(world, token, &format!("{query}{before}")).await;
        found.extend(told(&page));
        match page["next_before"].as_str() {
            Some(next) => before = format!("&before={next}"),
            None => return found,
        }
    }
}

/// Two shops, a logout through a dialect with the instance's own token, and one that the operator's root key deletes.
async fn story(world: &World) -> (String, String) {
    let shop = world.linked("shop").await;
    world.advance_seconds(60);
    let till = world.linked("till").await;
    world.advance_seconds(60);
    let logout = Request::delete("/instance/logout/shop").header("apikey", &shop.token);
    assert!(world.send(&logout).await.status().is_success());
    world.until(&shop.id, "the device is unlinked", |now| now["unlinks"][0]["status"] == "confirmed").await;
    let other = Request::post("/v1/instances").json(&json!({"name": "theirs"}));
    assert_eq!(world.native(other, OTHER_ACCOUNT).await.0, 201);
    (shop.id, till.id)
}

#[tokio::test]
async fn what_was_done_is_found_by_actor_door_event_and_time() {
    let world = World::start().await;
    let (shop, till) = story(&world).await;
    let logged_out = ("LoggedOut".to_owned(), shop.clone());
    assert_eq!(all(&world, ACCOUNT, "type=LoggedOut").await, std::slice::from_ref(&logged_out));
    let by_door = all(&world, ACCOUNT, "door=evolution&actor=instance").await;
    assert!(by_door.contains(&logged_out) && by_door.iter().all(|(_, instance)| *instance == shop));
    let page = search(&world, ACCOUNT, "type=LoggedOut").await;
    let entry = &page["entries"][0];
    assert_eq!(entry["command"]["via"], "evolution");
    assert_eq!(entry["command"]["principal"], "instance");
    assert_eq!(entry["command"]["from"], "127.0.0.1");
    assert_eq!(entry["account"], json!(world.account_id));
    assert_eq!((&page["next_before"], &page["looked_back_to"]), (&Value::Null, &Value::Null));

    let at = entry["occurred_at"].as_str().unwrap();
    let from_then = all(&world, ACCOUNT, &format!("from={at}")).await;
    assert!(from_then.contains(&logged_out) && from_then.iter().all(|(_, id)| *id == shop), "{from_then:?}");
    let before_then = all(&world, ACCOUNT, &format!("to={at}")).await;
    assert!(!before_then.contains(&logged_out) && before_then.iter().any(|(_, id)| *id == till));
    let created = all(&world, ACCOUNT, "type=InstanceCreated,DeviceLinked&actor=account").await;
    assert_eq!(created, [("InstanceCreated".to_owned(), till), ("InstanceCreated".to_owned(), shop)]);
}

#[tokio::test]
async fn pages_of_any_size_tell_everything_once_and_the_newest_first() {
    let world = World::start().await;
    let (shop, _) = story(&world).await;
    for scope in [String::new(), format!("instance={shop}&")] {
        let whole = search(&world, ACCOUNT, &format!("{scope}limit=500")).await;
        let expected = told(&whole);
        assert!(expected.len() > 5, "{whole}");
        let moments: Vec<&str> = whole["entries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["occurred_at"].as_str().unwrap())
            .collect();
        assert!(moments.is_sorted_by(|a, b| a >= b), "{moments:?}");
        for limit in [1, 2, 3, 7] {
            let mut paged = all(&world, ACCOUNT, &format!("{scope}limit={limit}")).await;
            let mut once = expected.clone();
            if scope.is_empty() {
                // What happened at one moment in different shards is in no order.
                paged.sort();
                once.sort();
            }
            assert_eq!(paged, once, "{limit} a page of {scope}");
        }
    }
}

#[tokio::test]
async fn everybody_sees_what_is_theirs() {
    let world = World::start().await;
    let (shop, till) = story(&world).await;
    let theirs = all(&world, OTHER_ACCOUNT, "").await;
    let own = |(name, _): &&(String, String)| name == "InstanceCreated";
    assert_eq!(theirs.iter().filter(own).count(), 1, "{theirs:?}");
    let everything = all(&world, ROOT, "").await;
    assert!(theirs.iter().all(|it| everything.contains(it)) && everything.iter().any(|it| it.1 == shop));
    assert_eq!(all(&world, ROOT, &format!("account={}", world.other_account_id)).await, theirs);
    assert_eq!(
        all(&world, ROOT, &format!("instance={shop}")).await,
        all(&world, ACCOUNT, "instance=shop").await
    );
    let own = all(&world, "token-of-till", "").await;
    assert!(!own.is_empty() && own.iter().all(|(_, instance)| *instance == till));

    let refused = [
        (OTHER_ACCOUNT, format!("instance={shop}"), 404),
        ("token-of-till", "instance=shop".to_owned(), 404),
        (OTHER_ACCOUNT, format!("account={}", world.account_id), 403),
        (ROOT, "instance=shop".to_owned(), 404),
        (ROOT, "instance=00000000000000000000000000".to_owned(), 404),
        (ACCOUNT, "actor=somebody".to_owned(), 400),
        (ACCOUNT, "type=Rumour".to_owned(), 400),
        (ACCOUNT, "from=yesterday".to_owned(), 400),
        (ACCOUNT, "limit=0".to_owned(), 400),
        (ACCOUNT, "format=pdf".to_owned(), 400),
        (ACCOUNT, "before=AAAA".to_owned(), 400),
        (ROOT, "before=AAAA".to_owned(), 400),
        ("token-of-till", "before=last".to_owned(), 400),
        ("nobody-has-this-token", String::new(), 401),
    ];
    for (token, query, status) in refused {
        let (answered, body) = world.native(Request::get(&format!("/v1/audit?{query}")), token).await;
        assert_eq!(answered, status, "{query}: {body}");
    }
    // The place of one account is none of another.
    let page = search(&world, ACCOUNT, "limit=1").await;
    let next = page["next_before"].as_str().unwrap();
    let path = format!("/v1/audit?before={next}");
    let (status, body) = world.native(Request::get(&path), OTHER_ACCOUNT).await;
    assert_eq!((status, &body["code"]), (400, &json!("invalid_cursor")));
}

#[tokio::test]
async fn a_file_has_all_of_it() {
    let world = World::start().await;
    story(&world).await;
    let whole = search(&world, ACCOUNT, "limit=500").await;
    let expected = whole["entries"].as_array().unwrap();
    let file = async |form: &str| {
        let request = Request::get(&format!("/v1/audit?format={form}")).bearer(ACCOUNT);
        let response = world.send(&request).await;
        let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
        (kind, response.text().await.unwrap())
    };
    let (kind, lines) = file("ndjson").await;
    assert_eq!(kind, "application/x-ndjson");
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(&lines, expected);
    let (kind, csv) = file("csv").await;
    assert!(kind.starts_with("text/csv"));
    let rows: Vec<&str> = csv.split("\r\n").filter(|row| !row.is_empty()).collect();
    assert_eq!(rows.len(), expected.len() + 1);
    assert!(rows[0].starts_with("occurred_at,account,instance,version,index,type,principal,via,from"));
    assert!(csv.contains(",LoggedOut,instance,evolution,127.0.0.1,applied,"), "{csv}");
}

#[tokio::test]
async fn what_was_erased_is_told_without_what_was_personal() {
    let world = World::start().await;
    let (shop, _) = story(&world).await;
    let delete = Request::delete(&format!("/v1/instances/{shop}"));
    assert_eq!(world.native(delete, ACCOUNT).await.0, 200);
    world.until(&shop, "it is erased", |now| now["erasure"] == "done").await;
    let page = search(&world, ACCOUNT, &format!("instance={shop}&type=LoggedOut,InstanceDeleted")).await;
    assert_eq!(page["entries"][0]["type"], "InstanceDeleted");
    assert_eq!(page["entries"][0]["command"]["from"], Value::Null, "{page}");
}

#[tokio::test]
async fn what_is_done_to_an_account_is_found_with_actor_door_and_time_by_it_and_the_operator() {
    let world = World::start().await;
    let account = &world.account_id;
    let as_root = async |request: Request| {
        let (status, body) = world.native(request, ROOT).await;
        assert!((200..300).contains(&status), "{body}");
        body
    };
    let made = as_root(Request::post("/v1/accounts").json(&json!({ "name": "guests" }))).await;
    let guests = made["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/accounts/{guests}");
    as_root(Request::post(&format!("{path}/token")).json(&json!({}))).await;
    as_root(Request::patch(&path).json(&json!({ "name": "visitors" }))).await;
    as_root(Request::patch(&path).json(&json!({ "attributes": { "plan": "gold" } }))).await;
    let of_guests = format!("about=account&account={guests}");
    let told = all(&world, ROOT, &of_guests).await;
    let names: Vec<&str> = told.iter().map(|(name, _)| name.as_str()).collect();
    for name in ["AccountCreated", "AccountTokenRotated", "AccountRenamed", "AccountAttributesChanged"] {
        assert!(names.contains(&name), "{names:?}");
    }
    let page =
        search(&world, ROOT, &format!("{of_guests}&type=AccountTokenRotated&actor=root&door=native")).await;
    let entry = &page["entries"][0];
    assert_eq!((&entry["about"], &entry["account"]), (&json!("account"), &json!(guests)));
    assert_eq!((&entry["instance"], &entry["data"]["credential_version"]), (&Value::Null, &json!(2)));
    assert_eq!(
        (&entry["command"]["principal"], &entry["command"]["via"]),
        (&json!("root"), &json!("native"))
    );
    assert_eq!(entry["command"]["from"], "127.0.0.1");
    let text = page.to_string() + &search(&world, ROOT, &of_guests).await.to_string();
    assert!(!text.contains("visitors") && !text.contains("gold"), "nothing sealed: {text}");
    // A type says by itself what it happens to.
    assert!(!all(&world, ROOT, "type=AccountRenamed").await.is_empty());
    assert!(all(&world, ROOT, "type=AccountRenamed&about=instance").await.is_empty());
    assert!(all(&world, ROOT, &format!("{of_guests}&door=console")).await.is_empty());

    // An account sees what was done to it, and not where its operator is.
    let own = search(&world, ACCOUNT, "about=account&limit=500").await;
    let entries = own["entries"].as_array().unwrap();
    assert!(entries.iter().any(|it| it["type"] == "AccountCreated"), "{own}");
    assert!(entries.iter().all(|it| it["account"] == json!(account)), "{own}");
    let by_root = entries.iter().filter(|it| it["command"]["principal"] == "root");
    assert!(by_root.clone().all(|it| it["command"]["from"] == Value::Null), "{own}");

    let reserved = search(&world, ROOT, "type=Reserved&limit=500").await;
    let reserved = reserved["entries"].as_array().unwrap();
    let of_name = |it: &&Value| it["account"] == json!(guests) && it["data"]["purpose"] == "account_name";
    // Once open and once settled, and so again for the new name.
    assert_eq!(reserved.iter().filter(of_name).count(), 4, "{reserved:?}");
    for (token, query, status) in
        [(ACCOUNT, "about=directory", 403), (ACCOUNT, "type=Reserved", 403), (ROOT, "about=weather", 400)]
    {
        let (answered, body) = world.native(Request::get(&format!("/v1/audit?{query}")), token).await;
        assert_eq!(answered, status, "{query}: {body}");
    }
    let file = world.send(&Request::get("/v1/audit?about=account&format=csv").bearer(ROOT)).await;
    let file = file.text().await.unwrap();
    assert!(file.lines().next().unwrap().ends_with(",data,about"), "{file}");
    assert!(
        file.lines().any(|line| line.contains(",AccountRenamed,root,native,") && line.ends_with(",account")),
        "{file}"
    );
}
