//! `POST /console/i/{i}/share`: a link for whoever has the phone; `…/unshare` takes all such links back.

use askama::Template;
use axum::{extract::State, http::StatusCode, response::Response};
use berth_gateway::app::Failure;
use berth_proto::frame::RejectionCodeV1;

use crate::{
    Console,
    guard::seen_address,
    pages::instance::Head,
    share::Share,
    shell::{Shell, rendered, see},
    visit::{Named, Visit},
};

#[derive(Template)]
#[template(path = "shared.html")]
struct Page {
    shell: Shell,
    head: Head,
    address: String,
}

/// Makes a link to the attempt that runs.
pub(crate) async fn share(State(console): State<Console>, visit: Visit, named: Named) -> Response {
    let made = async {
        let record = visit.app.records.read(&visit.principal, named.0).await?;
        let share = Share::make(&visit.app, &record).await?;
        let sealed = share.and_then(|share| console.seal.share(&share));
        let link = sealed.ok_or(Failure::Rejected(RejectionCodeV1::OutOfPlace))?;
        Ok::<_, Failure>((record, link))
    };
    match made.await {
        Ok((record, link)) => {
            let address = format!("{}/link/{link}", seen_address(&console, &visit.place.headers));
            let shell = Shell::of(&visit, "instances");
            let head = Head::of(&record, shell.t, "overview");
            rendered(StatusCode::CREATED, &Page { shell, head, address })
        }
        Err(failure) => visit.refuse(failure),
    }
}

/// Takes back every link to the attempt that runs.
pub(crate) async fn unshare(visit: Visit, named: Named) -> Response {
    let revoked = async {
        let record = visit.app.records.read(&visit.principal, named.0).await?;
        Share::revoke(&visit.app, &record).await
    };
    match revoked.await {
        Ok(()) => see(&format!("../{}?done=unshared", named.0)),
        Err(failure) => visit.refuse(failure),
    }
}
