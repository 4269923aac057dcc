//! The console, as a program without a browser meets it: what signs in and what does not, and what a page gives away.

use berth_journeys::{ACCOUNT_TOKEN, Berth, ROOT_KEY, eventually};
use reqwest::{
    Client, RequestBuilder, Response, StatusCode,
    header::{COOKIE, HOST, LOCATION, ORIGIN, SET_COOKIE},
    redirect::Policy,
};
use serde_json::{Value, json};

/// A reader that keeps no cookies and follows no redirect by itself.
struct Reader {
    http: Client,
    base: String,
}

impl Reader {
    fn new(base: &str) -> Self {
        let _already = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder().redirect(Policy::none()).build().unwrap();
        Self { http, base: format!("{base}/console") }
    }

    fn get(&self, path: &str, cookie: &str) -> RequestBuilder {
        self.http.get(format!("{}{path}", self.base)).header(COOKIE, cookie)
    }

    /// A form that a page of the console sends.
    fn form(&self, path: &str, cookie: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        self.sent_by_a_program(path, cookie, fields).header("sec-fetch-site", "same-origin")
    }

    fn sent_by_a_program(&self, path: &str, cookie: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        let body = fields.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
        self.http.post(format!("{}{path}", self.base)).header(COOKIE, cookie).body(body)
    }

    /// The cookie that a token signs in with.
    async fn sign_in(&self, token: &str) -> String {
        let answer = self.form("/sign-in", "", &[("token", token)]).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        let cookie = answer.headers()[SET_COOKIE].to_str().unwrap();
        assert!(!cookie.contains(token));
        cookie.split(';').next().unwrap().to_owned()
    }
}

fn location(answer: &Response) -> &str {
    answer.headers()[LOCATION].to_str().unwrap()
}

async fn text(request: RequestBuilder) -> String {
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    answer.text().await.unwrap()
}

async fn api(reader: &Reader, path: &str, token: &str, body: &Value) -> Value {
    let url = format!("{}{path}", reader.base.replace("/console", "/v1"));
    let body = body.to_string();
    let answer = reader.http.post(url).bearer_auth(token).body(body).send().await.unwrap();
    assert!(answer.status().is_success(), "{path}");
    serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
}

#[tokio::test]
async fn a_session_is_sealed_ends_with_its_token_and_opens_nothing_but_the_console() {
    let berth = Berth::embedded().start().await;
    let reader = Reader::new(berth.client().base());
    let asked = reader.get("/i/x?at=3", "").send().await.unwrap();
    assert_eq!((asked.status(), location(&asked)), (StatusCode::SEE_OTHER, "../sign-in?next=i%2Fx%3Fat%3D3"));

    let cookie = reader.sign_in(ACCOUNT_TOKEN).await;
    let page = reader.get("/", &cookie).send().await.unwrap();
    assert_eq!(page.headers()["cache-control"], "no-store");
    assert_eq!(page.headers()["x-content-type-options"], "nosniff");
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
    let api_with_cookie =
        reader.http.get(format!("{}/v1/instances", berth.client().base())).header(COOKIE, &cookie);
    assert_eq!(api_with_cookie.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);

    for forged in
        ["berth-console=", "berth-console=AAAA", "berth-console=\u{e9}", &cookie[..cookie.len() - 2]]
    {
        let answer = reader.get("/", forged).send().await.unwrap();
        assert_eq!(location(&answer), "./sign-in", "{forged}");
    }
    let elsewhere = Berth::embedded().start().await;
    let answer = Reader::new(elsewhere.client().base()).get("/", &cookie).send().await.unwrap();
    assert_eq!(location(&answer), "./sign-in", "another deployment's cookie");

    let shop = api(&reader, "/instances", ACCOUNT_TOKEN, &json!({"name": "shop"})).await;
    let (id, token) = (shop["id"].as_str().unwrap(), shop["token"].as_str().unwrap());
    let own = reader.sign_in(token).await;
    assert!(text(reader.get(&format!("/i/{id}"), &own)).await.contains("shop"));
    let mut open_page = reader.get(&format!("/i/{id}/changes"), &own).send().await.unwrap();
    assert_eq!(open_page.status(), StatusCode::OK);
    api(&reader, &format!("/instances/{id}/token"), token, &json!({})).await;
    // It may hear of the change itself, and then nothing more.
    while open_page.chunk().await.unwrap().is_some() {}
    let answer = reader.get(&format!("/i/{id}"), &own).send().await.unwrap();
    assert!(location(&answer).starts_with("../sign-in"), "the token was rotated");

    let closed =
        api(&reader, "/accounts", ROOT_KEY, &json!({"name": "other", "token": "another-account-token"}))
            .await;
    let other = reader.sign_in("another-account-token").await;
    let answer = reader.get(&format!("/i/{id}"), &other).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_FOUND, "of another account");
    let deaf = reader.get(&format!("/i/{id}/changes"), &other).send().await.unwrap();
    assert_eq!(deaf.status(), StatusCode::NOT_FOUND, "nor heard of");
    let path = format!("/accounts/{}/token", closed["id"].as_str().unwrap());
    api(&reader, &path, ROOT_KEY, &json!({})).await;
    // What a gateway has just looked up it believes for a second.
    eventually("the end of the account's session", async || {
        let status = reader.get("/", &other).send().await.unwrap().status();
        if status == StatusCode::SEE_OTHER { Ok(()) } else { Err(status) }
    })
    .await;
}

#[tokio::test]
async fn forms_of_other_pages_are_refused_and_wrong_tokens_are_guesses() {
    let berth = Berth::embedded().start().await;
    let reader = Reader::new(berth.client().base());
    let cookie = reader.sign_in(ACCOUNT_TOKEN).await;
    let host = berth.client().base().replace("http://", "");
    let new = || reader.sent_by_a_program("/new", &cookie, &[("name", "shop")]);
    for (why, request) in [
        ("nobody says where it comes from", new()),
        ("another page of the site", new().header("sec-fetch-site", "same-site")),
        ("another site", new().header("sec-fetch-site", "cross-site")),
        ("a page without an origin", new().header(ORIGIN, "null")),
        ("another origin", new().header(ORIGIN, "https://evil.example")),
        ("another port", new().header(ORIGIN, "http://127.0.0.1:1")),
    ] {
        assert_eq!(request.send().await.unwrap().status(), StatusCode::FORBIDDEN, "{why}");
    }
    let own = new().header(ORIGIN, format!("http://{host}")).send().await.unwrap();
    assert_eq!(own.status(), StatusCode::CREATED);

    let out =
        reader.form("/sign-in", "", &[("token", ACCOUNT_TOKEN), ("next", "https%3A%2F%2Fevil.example")]);
    assert_eq!(location(&out.send().await.unwrap()), "./", "nothing leads out of the console");
    let tls = reader.form("/sign-in", "", &[("token", ACCOUNT_TOKEN)]).header(HOST, "berth.example");
    let set = tls.send().await.unwrap().headers()[SET_COOKIE].to_str().unwrap().to_owned();
    assert!(
        set.starts_with("__Host-berth-console=")
            && set.ends_with("; Path=/; HttpOnly; SameSite=Strict; Secure")
    );

    let mut refused = StatusCode::UNAUTHORIZED;
    for guess in 0..400 {
        let wrong = format!("guess-{guess}");
        refused = reader.form("/sign-in", "", &[("token", &wrong)]).send().await.unwrap().status();
        if refused != StatusCode::UNAUTHORIZED {
            break;
        }
    }
    assert_eq!(refused, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn without_the_console_nobody_has_its_paths() {
    let berth = Berth::embedded().setting("BERTH_CONSOLE", "off").start().await;
    let reader = Reader::new(berth.client().base());
    for path in ["", "/", "/sign-in"] {
        assert_eq!(reader.get(path, "").send().await.unwrap().status(), StatusCode::NOT_FOUND, "{path}");
    }
}

/// Consoles that are open at once: an account may have 512 streams at a gateway.
const CONSOLES: usize = 500;

#[tokio::test]
async fn five_hundred_open_consoles_hear_of_a_change_and_hold_up_nobody() {
    let berth = Berth::embedded().start().await;
    let reader = Reader::new(berth.client().base());
    let cookie = reader.sign_in(ACCOUNT_TOKEN).await;
    let open = (0..CONSOLES).map(|_| reader.get("/changes", &cookie).send());
    let mut consoles = Vec::new();
    for console in futures::future::join_all(open).await {
        let console = console.unwrap();
        assert_eq!(console.status(), StatusCode::OK);
        assert_eq!(console.headers()["content-type"], "text/event-stream");
        consoles.push(console);
    }
    api(&reader, "/instances", ACCOUNT_TOKEN, &json!({"name": "shop"})).await;
    text(reader.get("/", &cookie)).await;
    let heard = consoles.into_iter().map(|mut console| async move {
        let mut said = String::new();
        // Without data a browser would not tell its page of it.
        while !said.contains("event: changed\ndata: now\n\n") {
            said.push_str(std::str::from_utf8(&console.chunk().await.unwrap().unwrap()).unwrap());
        }
    });
    futures::future::join_all(heard).await;
}

#[tokio::test]
async fn whoever_is_not_signed_in_hears_nothing() {
    let berth = Berth::embedded().start().await;
    let reader = Reader::new(berth.client().base());
    for path in ["/changes", "/audit", "/audit/export?format=csv", "/cluster", "/cluster/panel"] {
        let answer = reader.get(path, "").send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{path}");
    }
    let by_a_page = reader.get("/changes", "").header("accept", "text/event-stream").send().await.unwrap();
    assert_eq!(by_a_page.status(), StatusCode::UNAUTHORIZED, "a page that stays open stops to ask");
    let root = reader.sign_in(ROOT_KEY).await;
    assert_eq!(reader.get("/changes", &root).send().await.unwrap().status(), StatusCode::FORBIDDEN);
    let account = reader.sign_in(ACCOUNT_TOKEN).await;
    for path in ["/cluster", "/cluster/panel", "/accounts"] {
        let answer = reader.get(path, &account).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{path}");
    }
    let file = reader.get("/audit/export?format=pdf", &account).send().await.unwrap();
    assert_eq!(file.status(), StatusCode::NOT_FOUND);
}

/// Divides the lives of codes, so that an attempt is over within seconds.
const TIMES: u32 = 15;

#[tokio::test]
async fn a_link_ends_with_the_time_of_its_attempt_and_whoever_follows_it_hears_so() {
    let berth = Berth::embedded().time_scale(TIMES).start().await;
    let reader = Reader::new(berth.client().base());
    let cookie = reader.sign_in(ACCOUNT_TOKEN).await;
    let shop = api(&reader, "/instances", ACCOUNT_TOKEN, &json!({"name": "shop"})).await;
    let path = format!("/i/{}", shop["id"].as_str().unwrap());
    api(&reader, "/instances/shop/connect", ACCOUNT_TOKEN, &json!({})).await;
    let made = reader.form(&format!("{path}/share"), &cookie, &[]).send().await.unwrap();
    assert_eq!(made.status(), StatusCode::CREATED);
    let made = made.text().await.unwrap();
    let link = made.split("/link/").nth(1).unwrap().split('"').next().unwrap();
    let customer = Reader { base: reader.base.replace("/console", &format!("/link/{link}")), ..reader };
    let status = async |request: RequestBuilder| request.send().await.unwrap().status();

    assert_eq!(status(customer.get("/changes", "")).await, StatusCode::NO_CONTENT, "nobody has it yet");
    let claimed = customer.form("", "", &[]).send().await.unwrap();
    assert_eq!(claimed.status(), StatusCode::SEE_OTHER);
    let claim = claimed.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    assert_eq!(status(customer.form("", "", &[])).await, StatusCode::FORBIDDEN, "another browser has it");
    let mut heard = customer.get("/changes", &claim).send().await.unwrap();
    assert_eq!(heard.headers()["content-type"], "text/event-stream");
    assert!(text(customer.get("", &claim)).await.contains("<img class=\"qr\""));
    let mut said = String::new();
    while let Some(chunk) = heard.chunk().await.unwrap() {
        said.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    assert!(said.ends_with("event: changed\ndata: now\n\n"), "the last word is that it is over: {said}");
    // Of the instance nothing else has happened: its code ran out.
    let now = berth.client().get("/v1/instances/shop").await.expect(200);
    assert_ne!(now["state"], "pairing");
    for cookie in [claim.as_str(), ""] {
        assert_eq!(status(customer.get("", cookie)).await, StatusCode::GONE);
        assert_eq!(status(customer.get("/changes", cookie)).await, StatusCode::NO_CONTENT);
        assert_eq!(status(customer.form("", cookie, &[])).await, StatusCode::GONE);
    }
}
