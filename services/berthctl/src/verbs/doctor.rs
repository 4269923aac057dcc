//! `berthctl doctor`

use std::collections::BTreeSet;

use clap::Args;
use reqwest::{StatusCode, Url};
use serde_json::{Value, json};

use crate::{
    clock,
    failure::{Failure, chain},
    http::{Ask, is_loopback},
    json::Fields,
    output::{Column, plain},
    session::Session,
};

const EXAMPLES: &str = "\
Examples:
  berthctl doctor
  berthctl doctor --token-file root.key

With the root key it looks at the whole deployment, otherwise at what anybody
may see. It ends with 1 if something is wrong; what could be better is shown
and does not count.";

/// Seconds by which clocks may differ without harm.
pub(super) const CLOCKS_APART_MAX_SECONDS: u64 = 5;
/// Partitions of a role that owns something.
const PARTITIONS: u64 = 64;
/// Seconds that a follower of the log may be behind.
const BEHIND_MAX_SECONDS: f64 = 10.0;
/// A line of the table.
const ROW: [Column; 3] = [
    Column { head: "verdict", cell: |finding| plain(finding.at("verdict")) },
    Column { head: "what", cell: |finding| plain(finding.at("what")) },
    Column { head: "detail", cell: |finding| plain(finding.at("detail")) },
];

/// Look for what is wrong with the connection, the token, the clocks and the deployment.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Doctor {}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Good,
    /// It works, and could be lost.
    Risk,
    Wrong,
}

/// What was looked at, in the order in which it was.
#[derive(Debug, Default)]
struct Findings(Vec<(Verdict, &'static str, String)>);

impl Doctor {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let mut findings = Findings::default();
        gateway(session, &mut findings).await?;
        let principal = token(session, &mut findings).await;
        if principal.is_some() {
            evidence(session, &mut findings).await;
        }
        if principal.as_deref() == Some("root") {
            match session.client.get(&["v1", "cluster"]).await {
                Ok(cluster) => {
                    roles(&cluster, &mut findings);
                    members(&cluster, &mut findings);
                    engine(&cluster, &mut findings);
                }
                Err(failure) => findings.wrong("deployment", chain(&failure)),
            }
        }
        let list = findings.to_list();
        session.out.list(&json!({ "findings": list }), &list, &ROW)?;
        match findings.0.iter().filter(|(verdict, ..)| *verdict == Verdict::Wrong).count() {
            0 => Ok(()),
            1 => Err(Failure::NotSo("one thing is wrong".to_owned())),
            many => Err(Failure::NotSo(format!("{many} things are wrong"))),
        }
    }
}

/// How it is reached, whether the clocks agree, and what each part of it says.
async fn gateway(session: &Session, findings: &mut Findings) -> Result<(), Failure> {
    let url = session.client.url();
    let ask = Ask::get(&["readyz"]).open().taking(StatusCode::SERVICE_UNAVAILABLE);
    let answer = session.client.send(ask).await?;
    if is_in_clear(url) {
        findings.risk("address", format!("{url} is not encrypted: whoever is between reads the token"));
    } else {
        findings.good("address", format!("{url} answers"));
    }
    if let Some(at) = answer.at {
        let apart = at.as_second().abs_diff(clock::now_seconds());
        let said = format!("{apart} s between this machine and the gateway");
        findings.say(
            if apart > CLOCKS_APART_MAX_SECONDS { Verdict::Wrong } else { Verdict::Good },
            "clock",
            said,
        );
    }
    let checks = answer.body.at("checks").as_object().ok_or_else(|| Failure::NotBerth {
        url: url.to_string(),
        what: "/readyz names no parts".to_owned(),
    })?;
    for (part, check) in checks.iter().filter(|(_, check)| check.at("ready") != true) {
        findings.wrong("gateway", format!("{part}: {}", plain(check.at("detail"))));
    }
    if answer.body.at("ready") == true {
        findings.good("gateway", format!("all of its {} parts are ready", checks.len()));
    }
    Ok(())
}

/// Whose token is shown.
async fn token(session: &Session, findings: &mut Findings) -> Option<String> {
    match session.client.get(&["v1", "whoami"]).await {
        Ok(who) => {
            let principal = plain(who.at("principal"));
            let seen =
                if principal == "root" { "" } else { ": the deployment is seen with the root key only" };
            findings.good("token", format!("of {principal}{seen}"));
            Some(principal)
        }
        Err(Failure::NoToken { .. }) => {
            findings.risk("token", "none is given: only what anybody may see is looked at".to_owned());
            None
        }
        Err(failure) => {
            findings.wrong("token", chain(&failure));
            None
        }
    }
}

/// Whether what is decided can be proved later.
async fn evidence(session: &Session, findings: &mut Findings) {
    match session.client.get(&["v1", "checkpoints"]).await {
        Ok(latest) => match latest.at("trouble").as_str() {
            Some(trouble) => {
                findings.risk("evidence", format!("what is decided cannot be proved: {trouble}"));
            }
            None => findings.good("evidence", format!("{} checkpoints", latest.list("checkpoints").len())),
        },
        Err(failure) => findings.wrong("evidence", chain(&failure)),
    }
}

/// Whether somebody does the work of each role, and has every partition of it.
fn roles(cluster: &Value, findings: &mut Findings) {
    for role in cluster.list("roles") {
        let name = role.text("role");
        let members = plain(role.at("members"));
        match (role.at("without_it").as_str(), role.at("partitions_owned").as_u64()) {
            (Some(without), _) => findings.wrong("role", format!("nobody runs {name}: {without}")),
            (None, Some(owned)) if owned < PARTITIONS => {
                let missing = format!("{owned} of {PARTITIONS} partitions of {name} have a living owner");
                findings.wrong("role", missing);
            }
            (None, _) => findings.good("role", format!("{name} is run by {members}")),
        }
    }
}

/// Whether every process is ready, keeps up and is of one release.
fn members(cluster: &Value, findings: &mut Findings) {
    let members = cluster.list("members");
    for member in members {
        let name = format!("{} {}", member.text("role"), member.text("id"));
        if member.at("ready") != true {
            findings.wrong("process", format!("{name} is not ready"));
        }
        let lags = member.at("lag_seconds").as_object().into_iter().flatten();
        for (view, lag) in lags.filter(|(_, lag)| lag.as_f64().unwrap_or_default() > BEHIND_MAX_SECONDS) {
            findings.wrong("process", format!("{name} is {} s behind the log ({view})", plain(lag)));
        }
    }
    let releases: BTreeSet<&str> = members.iter().map(|member| member.text("version")).collect();
    let releases: Vec<&str> = releases.into_iter().collect();
    match releases.as_slice() {
        [one] => findings.good("release", format!("every process is {one}")),
        several => {
            findings.risk("release", format!("processes of {}: finish the upgrade", several.join(", ")));
        }
    }
    let own = env!("CARGO_PKG_VERSION");
    if !releases.contains(&own) {
        findings.risk("release", format!("this berthctl is {own}"));
    }
}

/// What keeps the log, and what of it can be lost.
fn engine(cluster: &Value, findings: &mut Findings) {
    let engine = cluster.at("engine");
    let version = engine.at("version").as_str().map(|version| format!(" {version}")).unwrap_or_default();
    findings.good("log", format!("{}{version}; synced: {}", engine.text("kind"), engine.text("sync")));
    for risk in engine.list("risks") {
        findings.risk("log", plain(risk));
    }
}

/// Whether a token that is sent there can be read on the way.
fn is_in_clear(url: &Url) -> bool {
    url.scheme() == "http" && !is_loopback(url)
}

// === impl Findings ===

impl Findings {
    fn say(&mut self, verdict: Verdict, what: &'static str, detail: String) {
        self.0.push((verdict, what, detail));
    }

    fn good(&mut self, what: &'static str, detail: String) {
        self.say(Verdict::Good, what, detail);
    }

    fn risk(&mut self, what: &'static str, detail: String) {
        self.say(Verdict::Risk, what, detail);
    }

    fn wrong(&mut self, what: &'static str, detail: String) {
        self.say(Verdict::Wrong, what, detail);
    }

    fn to_list(&self) -> Vec<Value> {
        let line = |(verdict, what, detail): &(Verdict, &str, String)| {
            let verdict = match verdict {
                Verdict::Good => "ok",
                Verdict::Risk => "risk",
                Verdict::Wrong => "wrong",
            };
            json!({ "verdict": verdict, "what": what, "detail": detail })
        };
        self.0.iter().map(line).collect()
    }
}
