//! Who this process is among the members of its deployment: a name that its folder remembers, and a start of its own.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use berth_bus::{Identity, Introduction, MemberId, Seat, member::InvalidMemberId, nats::new_start};
use berth_runtime::{Clock, ConfigError, Entropy, Role};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::{failure::Failure, folder::DataFolder};

/// The file in the folder of the process.
const FILE: &str = "member";
/// Clock ticks in a second, as `/proc` counts them for every program.
const TICKS_PER_SECOND: u32 = 100;
/// Where the ticks that were used stand behind the name of the program in `/proc/self/stat`.
const USED_AT: [usize; 2] = [11, 12];
/// The shortest time over which a use of the processor says anything.
const USE_MIN: Duration = Duration::from_millis(500);

/// What the folder remembers. Whoever has the folder is nobody else than who had it before.
#[derive(Debug, Serialize, Deserialize)]
struct Remembered {
    id: MemberId,
    /// The start that had the folder last.
    start: String,
}

/// The name that is set, or that of the folder, or a new one; and what the folder says of the start before this one.
pub(crate) fn identity(
    role: Role,
    set: Option<&str>,
    folder: &DataFolder,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> Result<Identity, Failure> {
    // What cannot be read is no more than a name: another one is made.
    let before: Option<Remembered> = folder.read(FILE)?.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let id = match (set, &before) {
        (Some(set), _) => set.parse().map_err(invalid)?,
        (None, Some(before)) => before.id.clone(),
        (None, None) => MemberId::random(entropy),
    };
    let start = new_start(entropy);
    let former = before.filter(|before| before.id == id).map(|before| before.start);
    let remembered = Remembered { id: id.clone(), start: start.clone() };
    folder.write_secret(FILE, &serde_json::to_vec(&remembered).map_err(Failure::DeploymentDamaged)?)?;
    Ok(Identity {
        seat: Seat { role, id },
        start,
        former,
        version: env!("CARGO_PKG_VERSION"),
        since: clock.now(),
        introduction: Introduction::default(),
    })
}

fn invalid(error: InvalidMemberId) -> Failure {
    ConfigError::Invalid { key: "member", origin: "its value".to_owned(), reason: error.to_string() }.into()
}

/// Tells how many processor cores the process used between two questions that are not too near to each other.
pub(crate) fn cores() -> Arc<dyn Fn() -> f32 + Send + Sync> {
    let last = Mutex::new((Instant::now(), ticks(), 0.0_f32));
    Arc::new(move || {
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, before, _) = *last;
        let passed = at.elapsed();
        if passed >= USE_MIN {
            let now = ticks();
            let used = Duration::from_secs(1) * now.saturating_sub(before) / TICKS_PER_SECOND;
            *last = (Instant::now(), now, used.div_duration_f32(passed));
        }
        last.2
    })
}

/// The ticks of processor time that the process has used; 0 where that is not told.
fn ticks() -> u32 {
    let Ok(stat) = std::fs::read_to_string("/proc/self/stat") else { return 0 };
    used_in(&stat).unwrap_or_default()
}

fn used_in(stat: &str) -> Option<u32> {
    // The name of the program stands in brackets and may hold anything.
    let (_, fields) = stat.rsplit_once(") ")?;
    let fields: Vec<_> = fields.split(' ').collect();
    let used: Option<Vec<u32>> = USED_AT.iter().map(|at| fields.get(*at)?.parse().ok()).collect();
    Some(used?.into_iter().sum())
}

#[cfg(test)]
mod tests {
    use berth_runtime::{SystemClock, SystemEntropy};

    use super::*;

    fn of(folder: &DataFolder, set: Option<&str>) -> Identity {
        identity(Role::Connector, set, folder, &SystemClock, &SystemEntropy).unwrap()
    }

    #[test]
    fn a_folder_remembers_its_name_and_whose_life_was_the_last() {
        let parent = tempfile::tempdir().unwrap();
        let folder = DataFolder::take(parent.path()).unwrap();
        let first = of(&folder, None);
        assert_eq!(first.former, None);
        let second = of(&folder, None);
        assert_eq!((&second.seat, second.former.as_ref()), (&first.seat, Some(&first.start)));
        let named = of(&folder, Some("eu-1"));
        assert_eq!((named.seat.to_string().as_str(), named.former), ("connector.eu-1", None));
        assert_eq!(of(&folder, None).seat.id.as_str(), "eu-1", "the name that was given last");
    }

    #[test]
    fn the_use_of_the_processor_is_found_whatever_the_program_is_called() {
        let stat = "77 (a ) b) S 1 77 77 0 -1 4194560 500 0 0 0 12 30 0 0 20 0 9 0 100 1 2";
        assert_eq!(used_in(stat), Some(42));
        assert_eq!(used_in("77 (a) S"), None);
        assert!(cores()() >= 0.0);
    }
}
