//! The subjects on which workers and connectors speak. The name of a worker is a token of each, so that NATS decides who
//! speaks as which worker.

/// The filter of what workers say first, to all connectors.
pub const WORKER_HELLOS: &str = "berth.v1.worker.*.hello";
/// What each of them begins with.
const BEGIN: &str = "berth.v1.worker.";

/// What a connector and a worker say to each other from a hello on, until either of them is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerSession {
    /// The name of the worker.
    pub worker: String,
    /// A word of the connector's that no other process has.
    pub connector: String,
    /// The number of the session at the connector.
    pub number: u64,
}

impl WorkerSession {
    /// Where a process of the worker is told something: another one with its name hears nothing of it.
    pub fn told(&self, process: &str) -> String {
        let Self { worker, connector, number } = self;
        format!("{BEGIN}{worker}.told.{process}.{connector}.{number}")
    }

    /// The session that a worker says something in; none of another subject.
    pub fn of_said(subject: &str) -> Option<Self> {
        let mut tokens = subject.strip_prefix(BEGIN)?.split('.');
        let worker = tokens.next()?.to_owned();
        let "said" = tokens.next()? else { return None };
        let (connector, number) = (tokens.next()?.to_owned(), tokens.next()?.parse().ok()?);
        tokens.next().is_none().then_some(Self { worker, connector, number })
    }
}

/// The filter of all that workers say to a connector after their hello.
pub fn worker_said_filter(connector: &str) -> String {
    format!("{BEGIN}*.said.{connector}.*")
}

/// The worker that says hello on a subject; none of another subject.
pub fn worker_of_hello(subject: &str) -> Option<&str> {
    subject.strip_prefix(BEGIN)?.strip_suffix(".hello").filter(|worker| !worker.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worker_and_the_session_are_read_from_a_subject() {
        let session = WorkerSession { worker: "w-1".to_owned(), connector: "06gv".to_owned(), number: 7 };
        assert_eq!(session.told("p1"), "berth.v1.worker.w-1.told.p1.06gv.7");
        assert_eq!(WorkerSession::of_said("berth.v1.worker.w-1.said.06gv.7"), Some(session));
        assert_eq!(worker_said_filter("06gv"), "berth.v1.worker.*.said.06gv.*");
        assert_eq!(worker_of_hello("berth.v1.worker.w-1.hello"), Some("w-1"));
        for other in
            ["berth.v1.worker.w-1.told.06gv.7", "berth.v1.worker.w.said.c.7.8", "berth.v1.workers.asked"]
        {
            assert_eq!((WorkerSession::of_said(other), worker_of_hello(other)), (None, None), "{other}");
        }
        assert_eq!(worker_of_hello("berth.v1.worker.w.1.hello"), None);
    }
}
