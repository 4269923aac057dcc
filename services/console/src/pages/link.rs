//! `/link/{link}`: the code of one attempt, for whoever has the phone, and nothing else.
//!
//! A link is claimed by a form and not by being opened: programs that draw previews of links in chats open them too.

use askama::Template;
use axum::{
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header::SET_COOKIE},
    response::Response,
};
use berth_gateway::app::Failure;

use crate::{
    Console,
    form::QueryFields,
    pages::{
        instance::{Linking, linking},
        live::{self, Part},
    },
    refusal::Refusal,
    session::{Transport, cookie},
    share::{Share, Standing},
    shell::{Shell, rendered, see},
    texts::Texts,
    visit::Place,
};

/// What the reader sees.
enum Sight {
    /// Somebody has to say that they are the first.
    Unclaimed,
    /// Another browser has it.
    Taken,
    Running(Box<Linking>),
    Linked,
    Ended,
}

#[derive(Template)]
#[template(path = "link.html")]
struct Page {
    shell: Shell,
    part: Part<Panel>,
    /// Where the page hears that there is something to look at; none when nothing changes any more.
    changes: Option<String>,
}

#[derive(Template)]
#[template(path = "link_panel.html")]
struct Panel {
    t: Texts,
    link: String,
    sight: Sight,
}

impl Panel {
    /// Whether there is anything to wait for.
    fn changes(&self) -> bool {
        matches!(self.sight, Sight::Running(_))
    }
}

/// Shows the code to the browser that has the link, and asks every other whether it is the first.
pub(crate) async fn page(State(console): State<Console>, place: Place, link: Path<String>) -> Response {
    match sight(&console, &place, &link).await {
        Ok(sight) => shown(&place, link.0, sight),
        Err(failure) => Refusal::of(failure).bare(&at_link(place, "../console/")),
    }
}

/// The changing part alone.
pub(crate) async fn panel(
    State(console): State<Console>,
    place: Place,
    link: Path<String>,
    query: QueryFields,
) -> Response {
    match sight(&console, &place, &link).await {
        Ok(sight) => live::answer(Panel { t: place.texts, link: link.0, sight }, &query.0),
        Err(failure) => Refusal::of(failure).bare(&at_link(place, "../../console/")),
    }
}

/// Gives the link to the first browser that says so.
pub(crate) async fn claim(State(console): State<Console>, place: Place, link: Path<String>) -> Response {
    let claimed = async {
        let Some(share) = console.seal.open_share(&link) else { return Ok(Err(Sight::Ended)) };
        let Standing::Running(_) = share.standing(&console.app).await? else { return Ok(Err(Sight::Ended)) };
        let is_first = share.claim(&console.app).await?;
        Ok::<_, Failure>(is_first.then(|| console.seal.claim(&share)).flatten().ok_or(Sight::Taken))
    };
    match claimed.await {
        Ok(Ok(claim)) => {
            let mut answer = see(&format!("./{}", link.0));
            let cookie = format!("{}={claim}{}", name(place.transport), attributes(place.transport));
            if let Ok(cookie) = HeaderValue::try_from(cookie) {
                answer.headers_mut().insert(SET_COOKIE, cookie);
            }
            answer
        }
        Ok(Err(sight)) => shown(&place, link.0, sight),
        Err(failure) => Refusal::of(failure).bare(&at_link(place, "../console/")),
    }
}

/// What a link says, if the browser is the one that has it.
pub(super) fn claimed(console: &Console, place: &Place, link: &str) -> Option<Share> {
    console.seal.open_share(link).filter(|share| is_claimed(console, place, share))
}

fn is_claimed(console: &Console, place: &Place, share: &Share) -> bool {
    cookie(&place.headers, name(place.transport)).is_some_and(|claim| console.seal.is_claim(claim, share))
}

async fn sight(console: &Console, place: &Place, link: &str) -> Result<Sight, Failure> {
    let Some(share) = console.seal.open_share(link) else { return Ok(Sight::Ended) };
    let is_mine = is_claimed(console, place, &share);
    Ok(match share.standing(&console.app).await? {
        Standing::Ended => Sight::Ended,
        _ if !is_mine => Sight::Unclaimed,
        Standing::Linked => Sight::Linked,
        Standing::Running(record) => match linking(&console.app, place.texts, &record).await? {
            Some(linking) => Sight::Running(Box::new(linking)),
            None => Sight::Ended,
        },
    })
}

fn shown(place: &Place, link: String, sight: Sight) -> Response {
    let status = match sight {
        Sight::Ended => StatusCode::GONE,
        Sight::Taken => StatusCode::FORBIDDEN,
        Sight::Unclaimed | Sight::Running(_) | Sight::Linked => StatusCode::OK,
    };
    let shell = Shell { path: None, ..Shell::bare(&at_link(place.clone(), "../console/")) };
    let panel = Panel { t: place.texts, link, sight };
    let changes = panel.changes().then(|| format!("../link/{}/changes", panel.link));
    rendered(status, &Page { shell, part: Part::new(panel), changes })
}

/// These pages stand beside the console.
fn at_link(place: Place, root: &str) -> Place {
    Place { root: root.to_owned(), path: String::new(), ..place }
}

const fn name(transport: Transport) -> &'static str {
    match transport {
        Transport::Secure => "__Host-berth-link",
        Transport::Loopback => "berth-link",
    }
}

/// `Lax`: whoever taps the link again in a chat still has it.
const fn attributes(transport: Transport) -> &'static str {
    match transport {
        Transport::Secure => "; Path=/; HttpOnly; SameSite=Lax; Max-Age=7200; Secure",
        Transport::Loopback => "; Path=/; HttpOnly; SameSite=Lax; Max-Age=7200",
    }
}
