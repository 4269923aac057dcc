//! Six wire contracts over one instance: the request and the whole answer, side by side.

use berth_journeys::{ACCOUNT_TOKEN, Answer, Berth, Client, ROOT_KEY, Running, steps::link};
use serde_json::{Value, json};

/// A deployment with an instance that the native API made.
async fn with_instance(name: &str) -> (Running, Value) {
    let berth = Berth::embedded().start().await;
    let made = berth.client().post("/v1/instances", json!({"name": name})).await.expect(201);
    (berth, made)
}

/// The status and the body of an answer.
#[track_caller]
fn is(answer: Answer, status: u16, body: Value) {
    assert_eq!(answer.expect(status), body);
}

#[tokio::test]
async fn evolution() {
    let (berth, made) = with_instance("shop").await;
    let client = Client::new(berth.client().base()).header("apikey", ACCOUNT_TOKEN);
    let own = client.header("apikey", made["token"].as_str().unwrap());
    let unauthorized =
        json!({"status": 401, "error": "Unauthorized", "response": {"message": "Unauthorized"}});
    let not_connected = json!({"status": 400, "error": "Bad Request", "response": {"message": ["The \"shop\" instance is not connected"]}});
    let unknown = json!({"status": 404, "error": "Not Found", "response": {"message": ["The \"other\" instance does not exist"]}});

    is(client.delete("/instance/logout/shop").await, 400, not_connected.clone());
    is(client.delete("/instance/logout/other").await, 404, unknown);
    is(own.delete("/instance/logout/other").await, 401, unauthorized.clone());
    is(client.header("apikey", "wrong").delete("/instance/logout/shop").await, 401, unauthorized.clone());
    is(Client::new(client.base()).delete("/instance/logout/shop").await, 401, unauthorized);
    let code = client.get("/instance/connect/shop").await.expect(200);
    assert_eq!((&code["count"], &code["pairingCode"]), (&json!(1), &Value::Null));
    assert!(code["base64"].as_str().unwrap().starts_with("data:image/png;base64,iVBOR"));
    is(
        client.get("/instance/connectionState/shop").await,
        200,
        json!({"instance": {"instanceName": "shop", "state": "connecting"}}),
    );
    link(&berth.client(), "shop").await;
    is(
        own.get("/instance/connectionState/shop").await,
        200,
        json!({"instance": {"instanceName": "shop", "state": "open"}}),
    );
    is(
        own.get("/instance/connect/shop").await,
        200,
        json!({"instance": {"instanceName": "shop", "state": "open"}}),
    );
    let success =
        json!({"status": "SUCCESS", "error": false, "response": {"message": "Instance logged out"}});
    is(own.delete("/instance/logout/shop?instanceName=other").await, 200, success);
    is(own.delete("/instance/logout/shop").await, 400, not_connected);

    let body = json!({"instanceName": "born here", "qrcode": true, "integration": "WHATSAPP-BAILEYS"});
    let created = client.post("/instance/create", body.clone()).await.expect(201);
    assert_eq!(created["instance"]["status"], "connecting");
    assert_eq!(created["qrcode"]["count"], 1);
    assert!(created["hash"].is_string());
    let taken = json!({"status": 403, "error": "Forbidden", "response": {"message": ["This name \"born here\" is already in use."]}});
    is(client.post("/instance/create", body).await, 403, taken);
    let deleted = json!({"status": "SUCCESS", "error": false, "response": {"message": "Instance deleted"}});
    is(client.delete("/instance/delete/born%20here").await, 200, deleted);
}

#[tokio::test]
async fn evolution_go() {
    let (berth, made) = with_instance("shop").await;
    let client = Client::new(berth.client().base()).header("apikey", ACCOUNT_TOKEN);
    let own = client.header("apikey", made["token"].as_str().unwrap());
    let error = |message: &str| json!({"error": message});
    let success = json!({"message": "success"});
    let state = |connected: bool, logged_in: bool, name: &str| {
        let data = json!({"Connected": connected, "LoggedIn": logged_in, "Name": name});
        json!({"message": "success", "data": data})
    };

    // The same routes with their prefix and without it.
    for prefix in ["", "/evolution-go"] {
        is(own.delete(&format!("{prefix}/instance/logout")).await, 200, success.clone());
        is(own.get(&format!("{prefix}/instance/status")).await, 200, state(false, false, ""));
        is(client.get(&format!("{prefix}/instance/status")).await, 401, error("not authorized"));
        is(own.get(&format!("{prefix}/instance/all")).await, 401, error("not authorized"));
    }
    is(own.post("/instance/reconnect", json!({})).await, 400, error("no active session found"));
    let connected = own.post("/instance/connect", json!({"subscribe": ["ALL"]})).await.expect(200);
    assert_eq!((&connected["data"]["jid"], &connected["data"]["webhookUrl"]), (&json!(""), &json!("")));
    let code = own.get("/instance/qr").await.expect(200);
    assert!(code["data"]["qrcode"].as_str().unwrap().starts_with("data:image/png;base64,iVBOR"));
    link(&berth.client(), "shop").await;
    let linked = own.get("/instance/status").await.expect(200);
    assert_eq!((&linked["data"]["Connected"], &linked["data"]["LoggedIn"]), (&json!(true), &json!(true)));
    is(own.get("/instance/qr").await, 409, error("session already logged in"));
    is(own.post("/instance/disconnect", json!({})).await, 200, success.clone());
    is(own.delete("/instance/logout").await, 200, success.clone());

    let body = json!({"name": "born here", "token": "token-of-born-here"});
    let created = client.post("/instance/create", body.clone()).await.expect(200);
    assert_eq!(
        (&created["data"]["name"], &created["data"]["connected"]),
        (&json!("born here"), &json!(false))
    );
    is(client.post("/instance/create", body).await, 409, error("instance already exists"));
    let id = created["data"]["id"].as_str().unwrap();
    client.get(&format!("/instance/info/{id}")).await.expect(200);
    is(client.delete(&format!("/instance/delete/{id}")).await, 200, success);
    is(client.get(&format!("/instance/info/{id}")).await, 404, error("instance not found"));
}

#[tokio::test]
async fn ryze() {
    let (berth, made) = with_instance("shop").await;
    let client = Client::new(berth.client().base()).header("token", ACCOUNT_TOKEN);
    let own = client.header("token", made["token"].as_str().unwrap());
    let error = |message: &str| json!({"success": false, "error": {"message": message}});
    let logged_out =
        json!({"success": true, "message": "Instance logged out", "instance": {"status": "loggedout"}});

    is(client.delete("/api/instance/logout/shop").await, 200, logged_out.clone());
    is(client.delete("/api/instance/logout/other").await, 404, error("Instance not found"));
    is(
        client.header("token", "wrong").delete("/api/instance/logout/shop").await,
        401,
        error("Invalid token"),
    );
    is(
        own.post("/api/instance/reconnect/shop", json!({})).await,
        400,
        error("Instance has no saved session \u{2014} call /connect first"),
    );
    let code = own.get("/api/instance/connect/shop").await.expect(200);
    assert_eq!((&code["success"], &code["status"]), (&json!(true), &json!("qr")));
    link(&berth.client(), "shop").await;
    let listed = own.get("/api/instance/list").await.expect(200);
    assert_eq!(listed["message"], "1 Instance found");
    assert_eq!(listed["instances"][0]["connection"]["state"], "connected");
    let out = own.delete("/api/instance/logout/shop").await;
    assert!(!out.header("x-ratelimit-remaining").is_empty());
    is(out, 200, logged_out.clone());
    is(own.delete("/api/instance/logout/shop").await, 200, logged_out);
    is(own.delete("/api/instance/delete/shop").await, 401, error("Invalid token"));

    let created = client.post("/api/instance/new", json!({"name": "born-here"})).await.expect(201);
    assert_eq!(created["instance"]["status"], "disconnected");
    is(
        own.delete("/api/instance/logout/born-here").await,
        403,
        error("Instance token does not match the requested instance"),
    );
    let bearer = Client::new(client.base()).token(ACCOUNT_TOKEN);
    let deleted = json!({"success": true, "message": "Instance deleted", "instance": {"status": "deleted"}});
    is(bearer.delete("/api/instance/delete/born-here").await, 200, deleted);
    is(bearer.delete("/api/instance/delete/born-here").await, 404, error("Instance not found"));
}

#[tokio::test]
async fn codechat() {
    let (berth, made) = with_instance("shop").await;
    let business = berth.client();
    let account = {
        let accounts = business.token(ROOT_KEY).get("/v1/accounts").await.expect(200);
        accounts["accounts"][0]["id"].as_str().unwrap().to_owned()
    };
    let id = made["id"].as_str().unwrap();
    let found = business.get(&format!("/api/v2/instance/{id}")).await.expect(200);
    let own = business.token(found["Auth"]["jwt"].as_str().unwrap());
    let not_connected =
        json!({"statusCode": 400, "message": ["Instance is not connected"], "error": "Bad Request"});

    is(own.delete(&format!("/api/v2/instance/{id}/logout")).await, 400, not_connected.clone());
    is(
        business.delete("/api/v2/instance/other/logout").await,
        404,
        json!({"statusCode": 404, "message": ["Instance not found"], "error": "Not Found"}),
    );
    is(
        own.delete("/api/v2/instance/other/logout").await,
        403,
        json!({"statusCode": 403, "message": "Forbidden resource", "error": "Forbidden"}),
    );
    is(
        business.token("wrong").delete(&format!("/api/v2/instance/{id}/logout")).await,
        401,
        json!({"statusCode": 401, "message": "Unauthorized"}),
    );
    let code = own.get(&format!("/api/v2/instance/{id}/connect")).await.expect(200);
    assert_eq!(code["count"], 1);
    link(&berth.client(), "shop").await;
    is(
        own.get(&format!("/api/v2/instance/{id}/connection-state")).await,
        200,
        json!({"state": "open", "statusReason": 200}),
    );
    let out = own.delete(&format!("/api/v2/instance/{id}/logout")).await.expect(200);
    assert_eq!(
        (&out["state"], &out["connection"], &out["deletedAt"]),
        (&json!("active"), &json!("close"), &Value::Null)
    );
    for key in ["Auth", "WhatsApp", "Business"] {
        assert!(out[key].is_object(), "{key} is always there");
    }
    is(own.delete(&format!("/api/v2/instance/{id}/logout")).await, 400, not_connected);

    let create = format!("/api/v2/business/{account}/instance");
    let created = business
        .post(&create, json!({"instanceName": "born here", "externalId": "foreign-1"}))
        .await
        .expect(201);
    assert_eq!(created["instanceId"], "foreign-1");
    let jwt = created["Auth"]["jwt"].as_str().unwrap();
    own.token(jwt).get("/api/v2/instance/foreign-1").await.expect(200);
    let refresh = format!("{create}/foreign-1/refresh-token");
    let refreshed = business.patch(&refresh, json!({"oldToken": jwt})).await.expect(200);
    own.token(jwt).get("/api/v2/instance/foreign-1").await.expect(401);
    own.token(refreshed["newToken"].as_str().unwrap()).get("/api/v2/instance/foreign-1").await.expect(200);
    let deleted = business.delete(&format!("{create}?instanceId=foreign-1")).await.expect(200);
    assert!(deleted["deletedAt"].is_string());
    business.delete(&format!("{create}?instanceId=foreign-1")).await.expect(404);
}

#[tokio::test]
async fn mega() {
    let (berth, made) = with_instance("shop").await;
    let client = berth.client();
    let own = client.token(made["token"].as_str().unwrap());
    let error = |message: &str| json!({"error": true, "message": message});
    let logged_out = json!({"error": false, "message": "Logout successfully"});

    is(own.delete("/rest/instance/shop/logout").await, 200, logged_out.clone());
    is(client.delete("/rest/instance/other/logout").await, 404, error("Instance not found"));
    is(own.delete("/rest/instance/other/logout").await, 401, error("UNAUTHORIZED"));
    is(client.token("wrong").delete("/rest/instance/shop/logout").await, 401, error("UNAUTHORIZED"));
    is(own.post("/rest/sendMessage/shop/text", json!({})).await, 400, error("Instance is not connected"));
    let code = own.get("/rest/instance/qrcode_base64/shop").await.expect(200);
    assert!(code["qrcode"].as_str().unwrap().starts_with("data:image/png;base64,"));
    assert!(own.get("/rest/instance/qrcode/shop").await.text().contains("<img src=\"data:image/png;base64,"));
    link(&client, "shop").await;
    let status = own.get("/rest/instance/shop").await.expect(200);
    assert_eq!(status["instance"]["status"], "connected");
    assert_eq!(status["instance"]["user"]["id"], "5511987654321@s.whatsapp.net");
    is(own.get("/rest/instance/qrcode_base64/shop").await, 200, error("User is already logged in"));
    is(own.delete("/rest/instance/shop/logout").await, 200, logged_out.clone());
    is(own.delete("/rest/instance/shop/logout").await, 200, logged_out);
    is(own.delete("/rest/instance/shop/delete").await, 401, error("UNAUTHORIZED"));

    let created = client.post("/rest/instance/init?instance_key=born-here", json!({})).await.expect(200);
    assert_eq!(created["error"], false);
    is(
        client.delete("/rest/instance/born-here/delete").await,
        200,
        json!({"error": false, "message": "Instance deleted"}),
    );
}

#[tokio::test]
async fn green() {
    let (berth, made) = with_instance("shop").await;
    let client = Client::new(berth.client().base());
    let (number, token) = (made["number"].as_str().unwrap(), made["token"].as_str().unwrap());
    let path = |method: &str, token: &str| format!("/waInstance{number}/{method}/{token}");
    let error = async |path: String, status: u16, message: &str| {
        let answer = client.get(&path).await;
        assert!(!answer.text().contains(token), "an error does not echo the token");
        let body = answer.expect(status);
        assert_eq!((&body["statusCode"], &body["message"]), (&json!(status), &json!(message)));
    };

    is(client.get(&path("logout", token)).await, 200, json!({"isLogout": true}));
    error(path("logout", "wrong"), 401, "Unauthorized").await;
    error(format!("/waInstance1000000000/logout/{token}"), 403, "Forbidden").await;
    error(path("noSuchMethod", token), 404, "Not Found").await;
    is(client.get(&path("GETSTATEINSTANCE", token)).await, 200, json!({"stateInstance": "notAuthorized"}));
    let code = client.get(&path("qr", token)).await.expect(200);
    assert_eq!(code["type"], "qrCode");
    assert!(code["message"].as_str().unwrap().starts_with("iVBOR"), "bare base64");
    link(&berth.client(), "shop").await;
    is(client.get(&path("getStatusInstance", token)).await, 200, json!({"statusInstance": "online"}));
    let logged = json!({"type": "alreadyLogged", "message": "instance account already authorized"});
    is(client.get(&path("QR", token)).await, 200, logged);
    // One logout a second is what the dialect allows: the first one above was counted too.
    berth_journeys::eventually("the logout is within the rate", async || {
        let answer = client.get(&path("Logout", token)).await;
        if answer.status == 200 { Ok(()) } else { Err(answer.status) }
    })
    .await;
    berth_journeys::eventually("a repeat succeeds too", async || {
        let answer = client.get(&path("logout", token)).await;
        if answer.body == json!({"isLogout": true}) { Ok(()) } else { Err(answer.status) }
    })
    .await;

    let partner = |method: &str, token: &str| format!("/partner/{method}/{token}");
    let refused = client.get(&partner("getInstances", "wrong")).await;
    assert_eq!(
        (refused.status, refused.text().as_str()),
        (200, r#"{"code":401,"description":"Unauthorized"}"#)
    );
    let created =
        client.post(&partner("createInstance", ACCOUNT_TOKEN), json!({"name": "shop"})).await.expect(200);
    assert_eq!(created["typeInstance"], "whatsapp");
    let new = json!({"idInstance": created["idInstance"]});
    let delete = partner("deleteInstanceAccount", ACCOUNT_TOKEN);
    is(client.post(&delete, new.clone()).await, 200, json!({"deleteInstanceAccount": true}));
    // One a second of a partner method, too.
    berth_journeys::eventually("a repeat finds nothing", async || {
        let again = client.post(&delete, new.clone()).await;
        let found = (again.status, again.text());
        if found == (200, r#"{"code":404,"description":"Not found"}"#.to_owned()) {
            Ok(())
        } else {
            Err(found)
        }
    })
    .await;
}

#[tokio::test]
async fn one_instance_is_reached_through_every_dialect() {
    let (berth, made) = with_instance("shared name").await;
    let (token, number, id) =
        (made["token"].as_str().unwrap(), made["number"].as_str().unwrap(), made["id"].as_str().unwrap());
    link(&berth.client(), id).await;
    let base = Client::new(berth.client().base());
    let by_key = base.header("apikey", token);
    let by_bearer = base.token(token);
    for path in
        ["/instance/connectionState/shared%20name".to_owned(), format!("/instance/connectionState/{number}")]
    {
        assert_eq!(by_key.get(&path).await.expect(200)["instance"]["state"], "open");
    }
    assert_eq!(
        by_bearer.get("/rest/instance/shared%20name").await.expect(200)["instance"]["status"],
        "connected"
    );
    assert_eq!(by_bearer.get("/api/instance/list").await.expect(200)["instances"][0]["status"], "connected");
    assert_eq!(by_bearer.get(&format!("/api/v2/instance/{id}")).await.expect(200)["connection"], "open");
    let green = base.get(&format!("/waInstance{number}/getStateInstance/{token}")).await.expect(200);
    assert_eq!(green["stateInstance"], "authorized");
    assert_eq!(by_bearer.get("/v1/instances/shared%20name").await.expect(200)["connection"], "open");
}
