//! `berthctl instance connect`

use std::{path::PathBuf, time::Duration};

use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{path, qr, show};
use crate::{
    failure::Failure,
    http::{Answer, Ask, Follow},
    json::Fields,
    output::{clean, moment, sentence},
    session::Session,
};

/// How long Berth waits for the first code before it answers.
const WAIT_MS: u64 = 20_000;
/// How often the countdown changes.
const SECOND: Duration = Duration::from_secs(1);

const EXAMPLES: &str = "\
Examples:
  berthctl instance connect shop
  berthctl instance connect shop --phone 5511987654321
  berthctl instance connect shop --png code.png

With -o json it prints the answer with the first code and ends. Ctrl-C ends the
wait and not the attempt.";

/// Link a device: draw each code as it comes, and end when the device is linked or the attempt is over.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Connect {
    /// Its id, name or number.
    instance: String,
    /// Ask for a code to type on the phone with these digits, instead of a QR code.
    #[arg(long, value_name = "DIGITS")]
    phone: Option<String>,
    /// Save the picture of each QR code in this file instead of drawing it.
    #[arg(long, value_name = "FILE")]
    png: Option<PathBuf>,
    /// Draw for a terminal that is light and has no colours.
    #[arg(long)]
    invert: bool,
    /// Show the first code and end.
    #[arg(long)]
    no_wait: bool,
}

/// What is on the screen.
#[derive(Debug, Default)]
struct Panel {
    /// Lines that the next code is drawn over.
    lines: usize,
    /// The code, in a word.
    what: String,
    /// When it ends.
    ends: Option<Instant>,
    /// Whether the countdown stands in the line of the cursor.
    counting: bool,
}

impl Connect {
    pub(super) async fn run(self, session: &Session) -> Result<(), Failure> {
        let answer = self.ask(session).await?;
        if !session.out.is_table() {
            return session.out.one(&answer.body, None, &[]);
        }
        let mut panel = Panel::default();
        if !is_under_way(&answer.body) {
            return show(session, &answer.body);
        }
        self.draw(session, &mut panel, &answer)?;
        if self.no_wait { panel.clear_count(session) } else { self.wait(session, panel, answer.body).await }
    }

    /// Starts the attempt, or joins the one that runs.
    async fn ask(&self, session: &Session) -> Result<Answer, Failure> {
        let body = match &self.phone {
            Some(phone) => json!({ "method": "pairing_code", "phone": phone, "wait_ms": WAIT_MS }),
            None => json!({ "method": "qr", "wait_ms": WAIT_MS }),
        };
        let [v1, instances, name] = path(&self.instance)?;
        session.client.command(Ask::post(&[v1, instances, name, "connect"], body)).await
    }

    /// Follows the attempt to its end.
    async fn wait(&self, session: &Session, mut panel: Panel, mut now: Value) -> Result<(), Failure> {
        let (id, attempt) =
            (now.at("id").as_str().unwrap_or(&self.instance).to_owned(), now.at("attempt").clone());
        let stream = Ask::get(&["v1", "instances", &id, "events", "stream"]);
        let mut follow = Follow::new(&session.client, stream, Some(now.at("version").to_string()));
        let mut ticks = interval(SECOND);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        while is_under_way(&now) && *now.at("attempt") == attempt {
            let mut next = Box::pin(follow.next_for(&session.out));
            let happened = loop {
                tokio::select! {
                    happened = &mut next => break happened?,
                    _ = ticks.tick() => panel.count(session)?,
                }
            };
            drop(next);
            now = session.client.get(&path(&id)?).await?;
            let is_code = matches!(happened.kind.as_str(), "QrIssued" | "PairingCodeIssued");
            if is_code && is_under_way(&now) && *now.at("attempt") == attempt {
                self.draw_again(session, &mut panel).await?;
            }
            if happened.kind == "ConnectEnded" && now.at("state") != "linked" {
                panel.clear_count(session)?;
                let reason = clean(happened.body.at("data").at("reason").as_str().unwrap_or("unknown"));
                return Err(Failure::NotSo(format!("no device was linked: the attempt ended ({reason})")));
            }
        }
        panel.clear_count(session)?;
        if now.at("state") == "linked" {
            return session.out.line(&sentence(&now));
        }
        Err(Failure::NotSo(format!("no device was linked. {}", sentence(&now))))
    }

    async fn draw_again(&self, session: &Session, panel: &mut Panel) -> Result<(), Failure> {
        let drawn = if self.phone.is_some() {
            // The text of such a code stands in the answer to a connect, which joins the attempt.
            self.ask(session).await
        } else {
            qr::live(session, &self.instance)
                .await
                .map(|answer| Answer { body: json!({ "qr": answer.body }), ..answer })
        };
        match drawn {
            Ok(answer) => self.draw(session, panel, &answer),
            // It was scanned or taken back meanwhile, and the stream will say so.
            Err(failure) if matches!(failure.problem(), Some("no_live_code" | "not_found")) => Ok(()),
            Err(failure) => Err(failure),
        }
    }

    fn draw(&self, session: &Session, panel: &mut Panel, answer: &Answer) -> Result<(), Failure> {
        let (code, pairing) = (answer.body.at("qr"), answer.body.at("pairing_code"));
        if !pairing.is_null() {
            let text = clean(pairing.text("code"));
            panel.lines = 0;
            panel.clear_count(session)?;
            session.out.line(&format!(
                "On the phone: WhatsApp, Linked devices, Link a device, Link with phone number, and type {text}"
            ))?;
            return panel.set(session, "The code".to_owned(), pairing.at("expires_at"), answer.at);
        }
        if code.is_null() {
            return session.out.line("No code yet.");
        }
        panel.clear(session)?;
        panel.lines = match &self.png {
            Some(file) => qr::save(code, file).map(|()| 0)?,
            None => {
                let hint = "On the phone: WhatsApp, Linked devices, Link a device, and scan:";
                session.out.line(hint)?;
                1 + qr::draw(session, code, self.invert)?
            }
        };
        panel.set(session, format!("Code {}", code.at("index")), code.at("expires_at"), answer.at)
    }
}

// === impl Panel ===

impl Panel {
    /// Says until when the code is good: with a countdown where a line can be written over.
    fn set(
        &mut self,
        session: &Session,
        what: String,
        expires_at: &Value,
        now: Option<Timestamp>,
    ) -> Result<(), Failure> {
        if !session.out.can_redraw() {
            return session.out.line(&format!("{what}, until {} UTC.", moment(expires_at)));
        }
        let ends: Option<Timestamp> = expires_at.as_str().and_then(|moment| moment.parse().ok());
        // On the clock of the server: that of this machine may be wrong.
        let left = ends.zip(now).and_then(|(ends, now)| Duration::try_from(ends - now).ok());
        self.ends = left.map(|left| Instant::now() + left);
        self.what = what;
        self.count(session)
    }

    fn count(&mut self, session: &Session) -> Result<(), Failure> {
        let Some(ends) = self.ends else { return Ok(()) };
        let left = ends.saturating_duration_since(Instant::now()).as_secs();
        self.counting = true;
        let text = match left {
            0 => format!("{}: over, waiting for the next one", self.what),
            left => format!("{}: {left} s left", self.what),
        };
        session.out.raw(&format!("\r\x1b[K{text}"))
    }

    /// Takes the countdown away.
    fn clear_count(&mut self, session: &Session) -> Result<(), Failure> {
        self.ends = None;
        if std::mem::take(&mut self.counting) { session.out.raw("\r\x1b[K") } else { Ok(()) }
    }

    /// Takes the code away too.
    fn clear(&mut self, session: &Session) -> Result<(), Failure> {
        self.clear_count(session)?;
        match std::mem::take(&mut self.lines) {
            lines if lines > 0 && session.out.can_redraw() => {
                session.out.raw(&format!("\x1b[{lines}A\x1b[J"))
            }
            _ => Ok(()),
        }
    }
}

/// Whether an attempt to link a device runs.
fn is_under_way(instance: &Value) -> bool {
    matches!(instance.at("state").as_str(), Some("connecting" | "pairing"))
}
