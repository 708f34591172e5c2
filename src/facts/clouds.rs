//! Clouds for reading: those that are configured, and those that other programs are configured for.

use crate::config::foreign::FoundCloud;
use crate::model::{Capability, Driver, Finding, Part};
use crate::protocol::live::{CloudRow, Freshness};

use super::Facts;

const PART: Part = Part::Clouds;

/// The configured clouds, with what their drivers cannot do.
pub fn configured(clouds: &[CloudRow]) -> Vec<Finding> {
    if clouds.is_empty() {
        let next = "quarterdeck setup finds and configures some; quarterdeck try makes a sandbox on this computer";
        return vec![Finding::note(PART, "clouds", "none is configured").next(next)];
    }
    let mut findings = Vec::new();
    for row in clouds {
        let name = format!("cloud {}", row.info.name);
        let user = row.user.as_ref().map_or(String::new(), |user| format!(" as {user}"));
        findings.push(match &row.health {
            Freshness::Failed { failure } | Freshness::Stale { failure: Some(failure), .. } => {
                Finding::failed(PART, &name, failure)
            }
            Freshness::Loading => {
                Finding::note(PART, &name, "not checked so far").next(format!("quarterdeck cloud test {}", row.info.name))
            }
            _ => Finding::ok(PART, &name, format!("{}{user} at {}", row.info.driver, row.info.endpoint)),
        });
        for (what, capability) in &row.info.capabilities.0 {
            let note = match capability {
                Capability::Yes => continue,
                Capability::Limited { note } => note,
                Capability::No { reason } => reason,
            };
            findings.push(Finding::note(PART, &name, format!("{}: {note}", what.replace('_', " "))));
        }
    }
    findings
}

/// Clouds of other programs, and whether this version can use them.
pub fn found(facts: &Facts, drivers: &[Driver]) -> Vec<Finding> {
    facts.clouds.iter().map(|cloud| one(facts, cloud, drivers)).collect()
}

fn one(facts: &Facts, cloud: &FoundCloud, drivers: &[Driver]) -> Finding {
    let name = format!("found {}", cloud.name);
    let mut text = format!("{} {}", cloud.driver, cloud.endpoint);
    match facts.docker.get(&cloud.name).filter(|_| cloud.driver == Driver::Docker) {
        Some(Ok(version)) => text.push_str(&format!(", engine {version}")),
        Some(Err(failure)) => return Finding::note(PART, name, failure.line()).next(failure.next.clone()),
        None => {}
    }
    text.push_str(&format!(" ({})", cloud.origin));
    if let Some(problem) = &cloud.problem {
        return Finding::note(PART, name, problem.line()).next(problem.next.clone());
    }
    let finding = Finding::note(PART, name, text);
    match why_not(cloud.driver, drivers) {
        Some(why) => finding.next(why),
        None => finding.next("quarterdeck setup takes it in"),
    }
}

/// Why a cloud of this driver cannot be chosen.
pub fn why_not(driver: Driver, drivers: &[Driver]) -> Option<String> {
    (!drivers.contains(&driver)).then(|| format!("this version has no driver for {driver}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Capabilities, CloudInfo, CloudName, Failure, Time, Verdict};

    fn row(health: Freshness) -> CloudRow {
        let capabilities = Capabilities::default()
            .with("power", Capability::Yes)
            .with("memory_limit", Capability::Limited { note: "advisory".into() })
            .with("networks", Capability::No { reason: "servers share this computer's".into() });
        let info = CloudInfo {
            name: CloudName::new("lab"),
            driver: Driver::Sandbox,
            endpoint: "/x".into(),
            source: "settings.toml:3".into(),
            default: true,
            defaults: Default::default(),
            read_only: None,
            prod: false,
            capabilities,
        };
        CloudRow { info, health, user: Some("me".into()), servers: Some(0), latency: Vec::new() }
    }

    #[test]
    fn a_cloud_tells_of_what_it_cannot() {
        let findings = configured(&[row(Freshness::Fresh { at: Time(1) })]);
        let verdicts: Vec<Verdict> = findings.iter().map(|f| f.verdict).collect();
        assert_eq!(verdicts, [Verdict::Ok, Verdict::Note, Verdict::Note]);
        assert!(findings[1].found.contains("memory limit: advisory"));
    }

    #[test]
    fn a_cloud_that_does_not_answer_is_missing_with_the_way_out() {
        let failure = Failure::transient("check cloud lab", "refused").next("quarterdeck cloud set lab");
        let findings = configured(&[row(Freshness::Failed { failure })]);
        assert_eq!((findings[0].verdict, findings[0].next.as_str()), (Verdict::Missing, "quarterdeck cloud set lab"));
    }

    #[test]
    fn without_a_cloud_the_first_step_is_named() {
        assert!(configured(&[])[0].next.contains("quarterdeck try"));
    }
}
