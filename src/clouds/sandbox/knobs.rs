//! The knobs of a sandbox cloud: quota, and the faults with which failures are rehearsed.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::model::Failure;

/// How a sandbox cloud behaves. Every knob can be turned while it runs.
#[derive(Clone, PartialEq, Debug)]
pub struct Knobs {
    /// Time that a server spends booting, beside what it needs, milliseconds.
    pub boot_ms: u64,
    /// Share of boots that end in `error`, 0 to 1.
    pub boot_failure_rate: f64,
    /// Time that every call takes, beside what it needs, milliseconds.
    pub api_latency_ms: u64,
    /// Share of calls that fail as with a 503, before anything was done, 0 to 1.
    pub api_error_rate: f64,
    /// Share of calls that are asked to come back later, as with a 429, 0 to 1.
    pub api_throttle_rate: f64,
    /// Share of changing calls that do their work and then lose the answer on the way, 0 to 1.
    pub api_lost_answer_rate: f64,
    /// Start of the row of dice: the same seed and the same order of calls give the same faults.
    pub seed: u64,
    /// Servers at most.
    pub quota_servers: u64,
    /// Virtual CPUs at most.
    pub quota_vcpus: u64,
    /// Memory at most, MiB.
    pub quota_ram_mb: u64,
    /// Changing calls that the engine may have under way at once, at least 1.
    pub at_once: u32,
    /// SSH connections are cut this long after they began, milliseconds; 0: never.
    pub ssh_cut_ms: u64,
    /// Share of SSH connections that `ssh_cut_ms` cuts, 0 to 1.
    pub ssh_cut_rate: f64,
    /// Raising this number cuts every SSH connection that is open now.
    pub ssh_cuts: u64,
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            boot_ms: 0,
            boot_failure_rate: 0.0,
            api_latency_ms: 0,
            api_error_rate: 0.0,
            api_throttle_rate: 0.0,
            api_lost_answer_rate: 0.0,
            seed: 1,
            quota_servers: 128,
            quota_vcpus: 512,
            quota_ram_mb: 256 * 1024,
            at_once: 16,
            ssh_cut_ms: 0,
            ssh_cut_rate: 1.0,
            ssh_cuts: 0,
        }
    }
}

/// Names of all knobs, in the order of showing.
pub const NAMES: &[&str] = &[
    "boot_ms",
    "boot_failure_rate",
    "api_latency_ms",
    "api_error_rate",
    "api_throttle_rate",
    "api_lost_answer_rate",
    "seed",
    "quota_servers",
    "quota_vcpus",
    "quota_ram_mb",
    "at_once",
    "ssh_cut_ms",
    "ssh_cut_rate",
    "ssh_cuts",
];

impl Knobs {
    /// Reads knobs out of settings; what is not named has its default.
    ///
    /// # Errors
    /// A name that is no knob, a value that is no number or out of its range: all of them in one failure.
    pub fn from_map(map: &BTreeMap<String, String>) -> Result<Self, Failure> {
        let mut knobs = Self::default();
        let wrong: Vec<String> = map.iter().filter_map(|(name, value)| knobs.set(name, value).err()).collect();
        if wrong.is_empty() {
            return Ok(knobs);
        }
        Err(Failure::refused("read the knobs of a sandbox cloud", wrong.join("; "))
            .next(format!("the knobs are {}", NAMES.join(", "))))
    }

    /// The knobs as settings, all of them.
    pub fn to_map(&self) -> BTreeMap<String, String> {
        NAMES.iter().map(|name| ((*name).to_owned(), self.get(name))).collect()
    }

    fn get(&self, name: &str) -> String {
        match name {
            "boot_ms" => self.boot_ms.to_string(),
            "boot_failure_rate" => self.boot_failure_rate.to_string(),
            "api_latency_ms" => self.api_latency_ms.to_string(),
            "api_error_rate" => self.api_error_rate.to_string(),
            "api_throttle_rate" => self.api_throttle_rate.to_string(),
            "api_lost_answer_rate" => self.api_lost_answer_rate.to_string(),
            "seed" => self.seed.to_string(),
            "quota_servers" => self.quota_servers.to_string(),
            "quota_vcpus" => self.quota_vcpus.to_string(),
            "quota_ram_mb" => self.quota_ram_mb.to_string(),
            "at_once" => self.at_once.to_string(),
            "ssh_cut_ms" => self.ssh_cut_ms.to_string(),
            "ssh_cut_rate" => self.ssh_cut_rate.to_string(),
            "ssh_cuts" => self.ssh_cuts.to_string(),
            _ => String::new(),
        }
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "boot_ms" => self.boot_ms = number(name, value)?,
            "boot_failure_rate" => self.boot_failure_rate = share(name, value)?,
            "api_latency_ms" => self.api_latency_ms = number(name, value)?,
            "api_error_rate" => self.api_error_rate = share(name, value)?,
            "api_throttle_rate" => self.api_throttle_rate = share(name, value)?,
            "api_lost_answer_rate" => self.api_lost_answer_rate = share(name, value)?,
            "seed" => self.seed = number(name, value)?,
            "quota_servers" => self.quota_servers = number(name, value)?,
            "quota_vcpus" => self.quota_vcpus = number(name, value)?,
            "quota_ram_mb" => self.quota_ram_mb = number(name, value)?,
            "at_once" => self.at_once = number::<u32>(name, value)?.max(1),
            "ssh_cut_ms" => self.ssh_cut_ms = number(name, value)?,
            "ssh_cut_rate" => self.ssh_cut_rate = share(name, value)?,
            "ssh_cuts" => self.ssh_cuts = number(name, value)?,
            _ => return Err(format!("{name} is no knob")),
        }
        Ok(())
    }
}

fn number<T: FromStr<Err: fmt::Display>>(name: &str, value: &str) -> Result<T, String> {
    value.trim().parse().map_err(|e| format!("{name} = {value:?}: {e}"))
}

fn share(name: &str, value: &str) -> Result<f64, String> {
    let share: f64 = number(name, value)?;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err(format!("{name} = {value:?}: not between 0 and 1")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn knobs_survive_the_way_to_settings_and_back() {
        let knobs = Knobs::from_map(&map(&[("boot_ms", "250"), ("api_error_rate", "0.25"), ("ssh_cuts", "3")])).unwrap();
        assert_eq!((knobs.boot_ms, knobs.api_error_rate, knobs.ssh_cuts), (250, 0.25, 3));
        assert_eq!(Knobs::from_map(&knobs.to_map()).unwrap(), knobs);
        let names: Vec<String> = Knobs::default().to_map().into_keys().collect();
        assert_eq!(names.len(), NAMES.len());
    }

    #[test]
    fn every_wrong_knob_is_named() {
        let failure = Knobs::from_map(&map(&[("boot_ms", "soon"), ("api_error_rate", "1.5"), ("speed", "9")])).unwrap_err();
        for part in ["boot_ms", "api_error_rate", "speed"] {
            assert!(failure.got.contains(part), "{part} is missing in {}", failure.got);
        }
        assert!(failure.next.contains("api_latency_ms"));
    }
}
