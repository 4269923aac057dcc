//! Pages of other origins, to which a browser shows an answer only if it says so.

use reqwest::{Method, Response};

use crate::{
    story::Request,
    world::{ACCOUNT, World},
};

const PAGE: &str = "https://manager.example";

fn page(method: Method, path: &str) -> Request {
    Request::new(method, path).header("origin", PAGE)
}

fn is_shown(answer: &Response) -> bool {
    answer.headers().get("access-control-allow-origin").is_some_and(|origin| origin == PAGE)
}

#[tokio::test]
async fn a_pre_flight_of_any_path_of_these_products_is_answered() {
    let world = World::start().await;
    let shop = world.instance("shop").await;
    for (path, method) in [
        (format!("/waInstance{}/getStateInstance/{}", shop.number, shop.token), "GET"),
        (format!("/waInstance{}/deleteNotification/{}/1", shop.number, shop.token), "DELETE"),
        (format!("/waInstance{}/sendMessage/{}", shop.number, shop.token), "POST"),
        (format!("/partner/getInstances/{ACCOUNT}"), "GET"),
        (format!("/api/v2/instance/{}/connect", shop.id), "GET"),
        (format!("/api/v2/business/{}/instance/{}/toggle-activate", world.account_id, shop.id), "PATCH"),
        (format!("/api/v2/instance/{}/send/text", shop.id), "POST"),
        ("/api/v2/none".to_owned(), "DELETE"),
        ("/instance/none".to_owned(), "PUT"),
        ("/evolution-go/instance/logout".to_owned(), "DELETE"),
        ("/evolution-go/none".to_owned(), "PUT"),
        ("/instance/qr".to_owned(), "GET"),
        ("/message/sendText/shop".to_owned(), "POST"),
        ("/chat/findChats/shop/".to_owned(), "POST"),
    ] {
        let asked = page(Method::OPTIONS, &path)
            .header("access-control-request-method", method)
            .header("access-control-request-headers", "authorization,content-type");
        let answer = world.send(&asked).await;
        assert_eq!(answer.status(), 204, "{path}");
        assert!(is_shown(&answer), "{path}");
        assert_eq!(answer.headers()["access-control-allow-headers"], "authorization,content-type", "{path}");
        let methods = answer.headers()["access-control-allow-methods"].to_str().unwrap();
        assert!(methods.split(", ").any(|allowed| allowed == method), "{path}: {methods}");
    }
}

#[tokio::test]
async fn pages_read_answers_and_errors() {
    let world = World::start().await;
    let shop = world.instance("shop").await;
    let on = |method: &str, token: &str| format!("/waInstance{}/{method}/{token}", shop.number);
    for (request, status) in [
        (page(Method::GET, &on("getStateInstance", &shop.token)), 200),
        (page(Method::GET, &on("getStateInstance", "wrong")), 401),
        (page(Method::GET, &on("none", &shop.token)), 404),
        (page(Method::GET, &format!("/partner/getInstances/{ACCOUNT}")), 200),
        (page(Method::GET, &format!("/api/v2/instance/{}", shop.id)).bearer(ACCOUNT), 200),
        (page(Method::GET, &format!("/api/v2/instance/{}", shop.id)), 401),
        (page(Method::GET, "/api/v2/none"), 404),
        (page(Method::GET, "/instance/none"), 404),
        (page(Method::GET, "/instance/status").header("apikey", &shop.token), 200),
        (page(Method::GET, "/evolution-go/instance/all"), 401),
        (page(Method::GET, "/evolution-go/none"), 404),
        (page(Method::POST, "/message/sendText/shop").header("apikey", ACCOUNT), 404),
        (page(Method::GET, "/docs").header("accept", "text/html"), 200),
    ] {
        let answer = world.send(&request).await;
        assert_eq!(answer.status(), status, "{}", request.path);
        assert!(is_shown(&answer), "{}", request.path);
    }
}

#[tokio::test]
async fn messaging_routes_of_evolution_are_unknown_in_its_words() {
    let world = World::start().await;
    for path in ["/message/sendText", "/chat/findChats", "/group/create", "/label/findLabels", "/call/offer"]
    {
        let ask = Request::post(&format!("{path}/shop")).header("apikey", ACCOUNT);
        let answer = world.send(&ask).await;
        assert_eq!(answer.status(), 404, "{path}");
        assert_eq!(answer.headers()["content-type"], "application/json", "{path}");
        let body: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(body["status"], 404, "{path}");
        let message = body["response"]["message"][0].as_str().unwrap();
        assert!(message.starts_with("Cannot POST /"), "{path}: {message}");
    }
}
