//! `berth views rebuild`: has views built anew by the processes that run, through a gateway, and shows how far they are.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

use berth_proto::views::{DamageNumber, VIEWS};
use berth_runtime::Settings;
use reqwest::{Client, Method};
use secrecy::ExposeSecret;
use serde::Deserialize;
use tokio::time::{Instant, sleep};

use crate::{exit, failure::Failure, recover, welcome::reachable};

/// How long an answer of the gateway may take.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// How often is looked how far the views are.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a gateway, or a process whose view is built, may be silent before nothing more is expected of it: it may be
/// restarted meanwhile, and goes on then.
const SILENT_MAX: Duration = Duration::from_mins(1);

/// Which views, and through which gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Their names; all if there are none.
    pub(crate) views: Vec<String>,
    /// Where the gateway is; none for the process here.
    pub(crate) gateway: Option<String>,
    /// What new rows may lack of what the log cannot give any more: said of one view.
    pub(crate) accepted: Option<DamageNumber>,
}

/// Why views are not built anew, in a sentence.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RebuildError {
    #[error("there is no view `{view}`; there are {}", known())]
    Unknown { view: String },
    #[error("--accept-damage is said of one view, whose number it is: name it with --view")]
    AcceptedOfMany,
    #[error("set BERTH_ROOT_KEY: whoever has views built anew needs the root key")]
    NoRootKey,
    #[error(
        "the process here speaks TLS: name the gateway as its certificate does, with --gateway https://…"
    )]
    NoName,
    #[error("no gateway answers at {gateway}")]
    Gateway {
        gateway: String,
        #[source]
        source: reqwest::Error,
    },
    #[error("the gateway refused with {status}: {detail}")]
    Refused { status: u16, detail: String },
    #[error("the answer of the gateway cannot be read")]
    Answer(#[source] serde_json::Error),
    #[error("{0} said nothing for a minute")]
    Silent(String),
}

fn known() -> String {
    VIEWS.map(|(name, _)| format!("`{name}`")).join(", ")
}

impl RebuildError {
    /// Whether doing the same again can help.
    pub(crate) const fn may_be_tried_again(&self) -> bool {
        match self {
            Self::Unknown { .. }
            | Self::AcceptedOfMany
            | Self::NoRootKey
            | Self::NoName
            | Self::Answer(_) => false,
            Self::Gateway { .. } | Self::Silent(_) => true,
            Self::Refused { status, .. } => *status >= 500,
        }
    }
}

#[derive(Debug, Deserialize)]
struct Views {
    views: Vec<View>,
}

#[derive(Debug, Clone, Deserialize)]
struct View {
    #[serde(rename = "view")]
    name: String,
    member: String,
    role: String,
    state: String,
    asked: Option<String>,
    reason: Option<String>,
    rebuild: Option<Rebuild>,
}

#[derive(Debug, Clone, Deserialize)]
struct Rebuild {
    folded: u64,
    of: u64,
    per_second: u64,
    seconds_left: Option<u64>,
    ended_at: Option<String>,
    failure: Option<String>,
}

/// A view of a process.
type Place = (String, String);

/// Has the views built anew and shows how far they are until all have ended. Ends with 0 if the new rows of every one are read.
pub(crate) fn rebuild(settings: &Settings, wanted: &Wanted) -> Result<ExitCode, Failure> {
    let names: Vec<String> = match wanted.views.as_slice() {
        [] => VIEWS.map(|(name, _)| name.to_owned()).to_vec(),
        some => some.to_vec(),
    };
    if let Some(unknown) = names.iter().find(|name| VIEWS.iter().all(|(known, _)| known != name)) {
        return Err(RebuildError::Unknown { view: unknown.clone() }.into());
    }
    if wanted.accepted.is_some() && names.len() != 1 {
        return Err(RebuildError::AcceptedOfMany.into());
    }
    let gateway = Gateway::of(settings, wanted)?;
    let all = recover::now(async { gateway.rebuild_all(&names, wanted.accepted).await })?;
    Ok(if all { ExitCode::SUCCESS } else { exit::UNAVAILABLE.into() })
}

struct Gateway {
    url: String,
    root_key: String,
    client: Client,
}

impl Gateway {
    fn of(settings: &Settings, wanted: &Wanted) -> Result<Self, Failure> {
        let url = match &wanted.gateway {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None if settings.http.tls.is_some() => return Err(RebuildError::NoName.into()),
            None => format!("http://{}", reachable(settings.http.listen)),
        };
        let root_key = settings.secrets.root_key.as_ref().ok_or(RebuildError::NoRootKey)?;
        // Only a second call in one process is an error, and harmless.
        let _set_before = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().timeout(ANSWER_MAX).build();
        let client = client.map_err(|source| RebuildError::Gateway { gateway: url.clone(), source })?;
        Ok(Self { url, root_key: root_key.expose_secret().to_owned(), client })
    }

    /// Whether the new rows of all views are read.
    async fn rebuild_all(&self, names: &[String], accepted: Option<DamageNumber>) -> Result<bool, Failure> {
        let (mut waited, mut all_well) = (BTreeMap::new(), true);
        // A gateway of a release before this word reads no body.
        let body = accepted.map_or_else(String::new, |number| format!(r#"{{"accept_damage":"{number}"}}"#));
        for name in names {
            let path = format!("/v1/cluster/views/{name}/rebuild");
            let asked = self.ask(Method::POST, &path, body.clone()).await?;
            for view in asked.views {
                let place = (view.name.clone(), view.member.clone());
                let whose = title(&view);
                match view.asked.as_deref() {
                    Some("refused") => {
                        all_well = false;
                        say(&format!("{whose}: refused: {}", view.reason.unwrap_or_default()))?;
                        continue;
                    }
                    Some("running") => say(&format!("{whose}: is being built anew already"))?,
                    _ => say(&format!("{whose}: is built anew; its rows are read meanwhile"))?,
                }
                waited.insert(place, Instant::now());
            }
        }
        Ok(self.watch(waited).await? && all_well)
    }

    /// Shows how far the views are until each has ended. Whether all ended well.
    async fn watch(&self, mut waited: BTreeMap<Place, Instant>) -> Result<bool, Failure> {
        let (mut all_well, mut failing_since) = (true, None);
        while !waited.is_empty() {
            sleep(LOOK_EVERY).await;
            let told = match self.ask(Method::GET, "/v1/cluster/views", String::new()).await {
                Ok(told) => told,
                Err(error) if error.may_be_tried_again() => {
                    if failing_since.get_or_insert_with(Instant::now).elapsed() >= SILENT_MAX {
                        return Err(error.into());
                    }
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            failing_since = None;
            let mut ended = BTreeSet::new();
            for view in told.views {
                let place = (view.name.clone(), view.member.clone());
                let Some(heard) = waited.get_mut(&place) else { continue };
                *heard = Instant::now();
                let (line, outcome) = look(&view);
                say(&format!("{}: {line}", title(&view)))?;
                if let Some(well) = outcome {
                    all_well &= well;
                    ended.insert(place);
                }
            }
            waited.retain(|place, _| !ended.contains(place));
            if let Some(((view, member), _)) = waited.iter().find(|(_, heard)| heard.elapsed() >= SILENT_MAX)
            {
                return Err(RebuildError::Silent(format!(
                    "the process {member}, which builds `{view}` anew,"
                ))
                .into());
            }
        }
        Ok(all_well)
    }

    async fn ask(&self, method: Method, path: &str, body: String) -> Result<Views, RebuildError> {
        let failed = |source| RebuildError::Gateway { gateway: self.url.clone(), source };
        let asked = self.client.request(method, format!("{}{path}", self.url)).bearer_auth(&self.root_key);
        let asked =
            if body.is_empty() { asked } else { asked.header("content-type", "application/json").body(body) };
        let answer = asked.send().await.map_err(failed)?;
        let status = answer.status();
        let body = answer.text().await.map_err(failed)?;
        if !status.is_success() {
            #[derive(Deserialize)]
            struct Problem {
                detail: String,
            }
            let detail = serde_json::from_str(&body)
                .map_or_else(|_| "no reason is given".to_owned(), |it: Problem| it.detail);
            return Err(RebuildError::Refused { status: status.as_u16(), detail });
        }
        serde_json::from_str(&body).map_err(RebuildError::Answer)
    }
}

/// The view and who has it.
fn title(view: &View) -> String {
    format!("{} ({} {})", view.name, view.role, view.member)
}

/// How far the rebuild of a view is, in words, and whether its new rows are read, once it has ended.
fn look(view: &View) -> (String, Option<bool>) {
    match &view.rebuild {
        // It had not begun, or it ended and nobody saw how.
        None => {
            let line = "the process started again, and nothing is being built: look whether to ask again";
            (line.to_owned(), Some(false))
        }
        Some(rebuild) if rebuild.ended_at.is_some() => (rebuild.line(), Some(rebuild.failure.is_none())),
        Some(_) if view.state == "halted" => {
            let reason = view.reason.as_deref().unwrap_or("the log lost commits");
            (format!("failed: {reason}"), Some(false))
        }
        Some(rebuild) => (rebuild.line(), None),
    }
}

impl Rebuild {
    /// How far it is, or how it ended.
    fn line(&self) -> String {
        let Self { folded, of, per_second, .. } = self;
        match (&self.ended_at, &self.failure) {
            (Some(_), Some(failure)) => format!("failed: {failure}"),
            (Some(_), None) => {
                format!("done: {folded} commits, {per_second} in a second; its new rows are read")
            }
            (None, _) => {
                let left = self.seconds_left.map_or_else(String::new, |left| format!(", {left} s left"));
                format!("{folded} of {of} commits, {per_second} in a second{left}")
            }
        }
    }
}

fn say(line: &str) -> Result<(), Failure> {
    writeln!(io::stdout(), "{line}")
        .map_err(|source| Failure::System { what: "to write to the standard output", source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(state: &str, rebuild: Option<Rebuild>) -> View {
        View {
            name: "records".to_owned(),
            member: "m".to_owned(),
            role: "projections".to_owned(),
            state: state.to_owned(),
            asked: None,
            reason: None,
            rebuild,
        }
    }

    fn rebuild(ended_at: Option<&str>, failure: Option<&str>) -> Rebuild {
        let (ended_at, failure) = (ended_at.map(str::to_owned), failure.map(str::to_owned));
        Rebuild { folded: 3, of: 9, per_second: 1, seconds_left: Some(6), ended_at, failure }
    }

    #[test]
    fn only_new_rows_that_are_known_to_be_read_are_a_success() {
        let outcome = |state, rebuild| look(&view(state, rebuild)).1;
        assert_eq!(outcome("live", Some(rebuild(None, None))), None, "it goes on");
        assert_eq!(outcome("live", Some(rebuild(Some("now"), None))), Some(true));
        assert_eq!(outcome("live", Some(rebuild(Some("now"), Some("no room")))), Some(false));
        assert_eq!(outcome("live", None), Some(false), "nobody knows how it ended, or whether it began");
        assert_eq!(outcome("halted", Some(rebuild(None, None))), Some(false), "it will not go on");
        assert_eq!(look(&view("live", Some(rebuild(Some("now"), Some("no room"))))).0, "failed: no room");
    }
}
