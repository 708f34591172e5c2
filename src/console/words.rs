//! States, times and sizes as a screen says them: one sign, one word, one role each.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::{ClusterState, NodeState, RunState, ServerStatus, StepState, Time};
use crate::protocol::live::Freshness;

use super::theme::{Glyph, Role};

/// Sign and role of a run's state.
pub fn run_state(state: RunState) -> (Glyph, Role) {
    match state {
        RunState::Queued => (Glyph::Pending, Role::Pending),
        RunState::Running => (Glyph::Busy, Role::Running),
        RunState::Waiting => (Glyph::Asks, Role::Waiting),
        RunState::Cancelling => (Glyph::Busy, Role::Warn),
        RunState::Undoing => (Glyph::Undone, Role::Warn),
        RunState::Done => (Glyph::Done, Role::Ok),
        RunState::Failed => (Glyph::Failed, Role::Failed),
        RunState::Cancelled => (Glyph::Skipped, Role::Skipped),
        RunState::Undone => (Glyph::Undone, Role::Skipped),
    }
}

/// Sign and role of a step's state.
pub fn step_state(state: &StepState) -> (Glyph, Role) {
    match state {
        StepState::Pending => (Glyph::Pending, Role::Pending),
        StepState::Running => (Glyph::Busy, Role::Running),
        StepState::Waiting { .. } => (Glyph::Waiting, Role::Waiting),
        StepState::Done => (Glyph::Done, Role::Ok),
        StepState::Failed | StepState::UndoFailed => (Glyph::Failed, Role::Failed),
        StepState::Skipped | StepState::Cancelled => (Glyph::Skipped, Role::Skipped),
        StepState::Undoing => (Glyph::Undone, Role::Warn),
        StepState::Undone => (Glyph::Undone, Role::Skipped),
    }
}

/// Sign and role of a cluster's state.
pub fn cluster_state(state: ClusterState) -> (Glyph, Role) {
    match state {
        ClusterState::Creating => (Glyph::Busy, Role::Running),
        ClusterState::Running => (Glyph::On, Role::Ok),
        ClusterState::Degraded => (Glyph::Warn, Role::Warn),
        ClusterState::Deleting => (Glyph::Busy, Role::Warn),
        ClusterState::Failed => (Glyph::Failed, Role::Failed),
    }
}

/// Sign and role of a node's state.
pub fn node_state(state: NodeState) -> (Glyph, Role) {
    match state {
        NodeState::Planned => (Glyph::Pending, Role::Pending),
        NodeState::Creating | NodeState::Booting => (Glyph::Busy, Role::Running),
        NodeState::Up => (Glyph::On, Role::Ok),
        NodeState::Stopped => (Glyph::Off, Role::Skipped),
        NodeState::Gone => (Glyph::Warn, Role::Warn),
        NodeState::Failed => (Glyph::Failed, Role::Failed),
        NodeState::Deleting => (Glyph::Busy, Role::Warn),
    }
}

/// Sign and role of a server's status.
pub fn server_status(status: &ServerStatus) -> (Glyph, Role) {
    match status {
        ServerStatus::Build | ServerStatus::Reboot | ServerStatus::Rebuild | ServerStatus::Resize => (Glyph::Busy, Role::Running),
        ServerStatus::VerifyResize => (Glyph::Asks, Role::Waiting),
        ServerStatus::Active => (Glyph::On, Role::Ok),
        ServerStatus::Shutoff => (Glyph::Off, Role::Skipped),
        ServerStatus::Error => (Glyph::Failed, Role::Failed),
        ServerStatus::Deleting => (Glyph::Busy, Role::Warn),
        ServerStatus::Other(_) => (Glyph::Asks, Role::Dim),
    }
}

/// When something was, so that the words stay true however long they stand there: `14:32`, `Mon 14:32`, `02 Nov`,
/// `2025-11-02`.
pub fn when(now: Time, at: Time, zone: &TimeZone) -> String {
    let local = |t: Time| Timestamp::from_millisecond(t.0).ok().map(|t| t.to_zoned(zone.clone()));
    let (Some(now), Some(at)) = (local(now), local(at)) else { return "–".to_owned() };
    let days = (now.date() - at.date()).get_days();
    let format = match days {
        0 => "%H:%M",
        1..=6 => "%a %H:%M",
        _ if now.year() == at.year() || days.abs() < 180 => "%d %b",
        _ => "%Y-%m-%d",
    };
    at.strftime(format).to_string()
}

/// A day: `2026-11-20`.
pub fn day(at: Time, zone: &TimeZone) -> String {
    let local = Timestamp::from_millisecond(at.0).map(|t| t.to_zoned(zone.clone()));
    local.map_or_else(|_| "–".to_owned(), |at| at.strftime("%Y-%m-%d").to_string())
}

/// An amount of a quota, by its name: memory and disk as sizes.
pub fn amount(name: &str, n: u64) -> String {
    match name {
        "ram_mb" => bytes(n << 20),
        "disk_gb" => bytes(n << 30),
        _ => count(n),
    }
}

/// The time of day: `14:32:05`.
pub fn time_of_day(at: Time, zone: &TimeZone) -> String {
    let local = Timestamp::from_millisecond(at.0).map(|t| t.to_zoned(zone.clone()));
    local.map_or_else(|_| "–".to_owned(), |at| at.strftime("%H:%M:%S").to_string())
}

/// How long after the beginning: `0:04.1`, `12:04`, `1:02:33`.
pub fn since(ms: u64) -> String {
    let s = ms / 1000;
    match s {
        0..=599 => format!("{}:{:02}.{}", s / 60, s % 60, ms % 1000 / 100),
        600..=3599 => format!("{}:{:02}", s / 60, s % 60),
        _ => format!("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60),
    }
}

/// A size in bytes: `512 MiB`, `8 GiB`.
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = n as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if value >= 10.0 || value.fract() < 0.05 {
        format!("{value:.0} {}", UNITS[unit])
    } else {
        format!("{value:.1} {}", UNITS[unit])
    }
}

/// A count with a comma between thousands.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// `1 node`, `3 nodes`.
pub fn many(n: u64, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{} {one}s", count(n)) }
}

/// What is to be said of a list that is not fresh.
pub fn staleness(freshness: &Freshness, now: Time, zone: &TimeZone) -> Option<(String, Role)> {
    match freshness {
        Freshness::Fresh { .. } => None,
        Freshness::Loading => Some(("reading…".to_owned(), Role::Dim)),
        Freshness::Stale { at, failure: None } => Some((format!("as of {}", when(now, *at, zone)), Role::Stale)),
        Freshness::Stale { at, failure: Some(f) } => Some((format!("as of {}: {}", when(now, *at, zone), f.got), Role::Stale)),
        Freshness::Failed { failure } => Some((failure.line(), Role::Failed)),
    }
}

/// How long an answer took: `42 ms`, `1.9 s`.
pub fn latency(ms: u32) -> String {
    if ms < 1000 { format!("{ms} ms") } else { format!("{:.1} s", f64::from(ms) / 1000.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_stay_true() {
        let at = |text: &str| Time(text.parse::<Timestamp>().unwrap().as_millisecond());
        let now = at("2026-11-20T15:00:00Z");
        let say = |text| when(now, at(text), &TimeZone::UTC);
        assert_eq!(say("2026-11-20T14:32:05Z"), "14:32");
        assert_eq!(say("2026-11-16T14:32:05Z"), "Mon 14:32");
        assert_eq!(say("2026-11-02T14:32:05Z"), "02 Nov");
        assert_eq!(say("2024-11-02T14:32:05Z"), "2024-11-02");
    }

    #[test]
    fn places_in_time_read_well() {
        assert_eq!([since(4_190), since(61_000), since(725_900), since(3_753_000)], ["0:04.1", "1:01.0", "12:05", "1:02:33"]);
        assert_eq!(time_of_day(Time(1_795_186_800_000), &TimeZone::UTC), "15:00:00");
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!(bytes(512 << 20), "512 MiB");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count(12), "12");
        assert_eq!(many(1, "node"), "1 node");
        assert_eq!(many(3, "node"), "3 nodes");
    }
}
