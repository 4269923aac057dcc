//! Every route is in the document of its API, and every document has routes only.

use std::collections::{BTreeMap, BTreeSet};

use berth_gateway::docs::documents;
use reqwest::Method;
use serde_json::Value;

use crate::{
    story::Request,
    world::{OTHER_ACCOUNT, World},
};

/// The methods that are looked for.
const METHODS: [Method; 5] = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
/// What stands for any parameter of a path: an instance's number in the dialect that glues it to a word.
const PARAMETER: &str = "1101000001";

/// The paths and methods of a document.
fn documented(name: &str) -> BTreeMap<String, BTreeSet<Method>> {
    let (_, document) = documents().into_iter().find(|(known, _)| *known == name).unwrap();
    let document = serde_json::to_value(document).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let methods = |item: &Value| {
        METHODS.into_iter().filter(|method| item.get(method.as_str().to_lowercase()).is_some()).collect()
    };
    paths.iter().map(|(path, item)| (path.clone(), methods(item))).collect()
}

/// What answers where no route of Mega API's does.
const MESSAGING: &str = "/rest/{group}/{rest}";
/// Its last parameter has slashes, and of such paths the router does not tell.
const TILES: &str = "/v1/checkpoints/{s}/tile/{t}";

/// The API that a path of the router belongs to; GREEN-API's paths are not a router's.
fn owner(path: &str) -> &'static str {
    let mut segments = path.split('/').skip(1);
    match segments.next().unwrap() {
        "v1" | "docs" | "openapi.json" | "asyncapi.json" => "native",
        "rest" => "mega",
        "evolution-go" => "evolution-go",
        "api" if segments.next() == Some("v2") => "codechat",
        "api" | "ws" => "ryze",
        _ => "evolution",
    }
}

/// A path with a value for each parameter.
fn filled(path: &str) -> String {
    let value = if path.starts_with("/docs") { "native" } else { PARAMETER };
    let segment = |segment: &str| match segment.split_once('{') {
        Some((before, _)) => format!("{before}{value}"),
        None => segment.to_owned(),
    };
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}

/// The document has the paths that the router has, each with the methods that it has: without a token they answer
/// something else than an unknown route, and no other method does.
async fn has_all_operations(name: &str) {
    let world = World::start().await;
    let documented = documented(name);
    assert!(!documented.is_empty(), "the document of {name} says nothing");
    if name != "green" {
        let routed: BTreeSet<_> = world
            .paths
            .iter()
            // What a page is made of is no operation.
            .filter(|path| owner(path) == name && !path.contains("{*"))
            .filter(|path| ![".css", ".js"].iter().any(|part| path.ends_with(part)))
            .map(|path| filled(path))
            .collect();
        assert!(!routed.is_empty(), "the router does not tell its paths");
        let documented = documented.keys().filter(|path| ![MESSAGING, TILES].contains(&path.as_str()));
        assert_eq!(documented.map(|path| filled(path)).collect::<BTreeSet<_>>(), routed);
    }
    for (path, methods) in documented {
        for method in METHODS {
            // Rates are counted in windows of a minute.
            world.advance_seconds(60);
            let answer = world.send(&Request::new(method.clone(), &filled(&path))).await;
            let exists = !matches!(answer.status().as_u16(), 404 | 405);
            let says = methods.contains(&method);
            assert_eq!(exists, says, "{method} {path} answers {}; documented: {says}", answer.status());
        }
    }
}

#[tokio::test]
async fn the_native_document_has_all_operations() {
    has_all_operations("native").await;
}

#[tokio::test]
async fn the_evolution_document_has_all_operations() {
    has_all_operations("evolution").await;
}

#[tokio::test]
async fn the_evolution_go_document_has_all_operations() {
    has_all_operations("evolution-go").await;
}

#[tokio::test]
async fn the_ryze_document_has_all_operations() {
    has_all_operations("ryze").await;
}

#[tokio::test]
async fn the_codechat_document_has_all_operations() {
    has_all_operations("codechat").await;
}

#[tokio::test]
async fn the_mega_document_has_all_operations() {
    has_all_operations("mega").await;
}

#[tokio::test]
async fn the_green_document_has_all_operations() {
    has_all_operations("green").await;
}

#[tokio::test]
async fn documents_are_served_without_a_key() {
    let world = World::start().await;
    let page = world.send(&Request::get("/docs")).await.text().await.unwrap();
    for (name, document) in documents() {
        assert!(page.contains(&format!("href=\"./docs/{name}\"")), "/docs does not name {name}");
        let shown = world.send(&Request::get(&format!("/docs/{name}"))).await;
        assert_eq!(shown.status(), 200);
        assert_eq!(shown.headers()["content-type"], "text/html; charset=utf-8");
        let served = world.json(&Request::get(&format!("/docs/{name}/openapi.json"))).await;
        assert_eq!(served, serde_json::to_value(document).unwrap());
    }
    let native = world.json(&Request::get("/openapi.json")).await;
    assert_eq!(native, world.json(&Request::get("/docs/native/openapi.json")).await);
    for path in ["/docs/other", "/docs/%ff", "/docs/other/openapi.json", "/docs/native/other"] {
        let answer = world.send(&Request::get(path).bearer(OTHER_ACCOUNT)).await;
        assert_eq!(answer.status(), 404, "{path}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json", "{path}");
    }
}

#[tokio::test]
async fn a_browser_is_answered_with_pages_that_load_nothing_from_elsewhere() {
    let world = World::start().await;
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    for (path, status, media) in [
        ("/docs", 200, "text/html; charset=utf-8"),
        ("/docs/evolution", 200, "text/html; charset=utf-8"),
        ("/docs/style.css", 200, "text/css; charset=utf-8"),
        ("/docs/script.js", 200, "text/javascript; charset=utf-8"),
        ("/docs/other", 404, "text/html; charset=utf-8"),
        ("/nothing/here", 404, "text/html; charset=utf-8"),
    ] {
        let answer = world.send(&Request::get(path).header("accept", browser)).await;
        assert_eq!(answer.status().as_u16(), status, "{path}");
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("content-type"), media, "{path}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert!(
            header("content-security-policy").starts_with("default-src 'none'; script-src 'self';"),
            "{path}"
        );
    }
    for (method, accept) in [("GET", "*/*"), ("GET", "application/json"), ("POST", browser)] {
        let request = Request::new(method.parse().unwrap(), "/nothing/here").header("accept", accept);
        let answer = world.send(&request).await;
        assert_eq!(answer.headers()["content-type"], "application/problem+json", "{method} {accept}");
    }
    let events = world.json(&Request::get("/asyncapi.json")).await;
    assert_eq!(events["asyncapi"], "3.0.0");
}
