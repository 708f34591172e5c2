//! `quarterdeck doctor`: what is found, what is missing, what to do.

use serde::Serialize;

use crate::config::{Paths, Settings};
use crate::model::{Capability, Failure};
use crate::protocol::command::EngineStatus;
use crate::protocol::live::{CloudRow, Freshness};

use super::exit::{Code, Ended};
use super::out::Tone;
use super::session::Session;
use super::{App, Json};

/// How one thing is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Ok,
    /// It works, with a difference worth knowing.
    Note,
    Missing,
}

/// One thing that was looked at.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    pub name: String,
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// What to do about it; empty when there is nothing to do.
    pub next: String,
}

fn finding(name: &str, verdict: Verdict, found: impl Into<String>, next: impl Into<String>) -> Finding {
    Finding { name: name.to_owned(), verdict, found: found.into(), next: next.into() }
}

fn failed(name: &str, failure: &Failure) -> Finding {
    finding(name, Verdict::Missing, failure.line(), failure.next.clone())
}

pub async fn run(app: &mut App<'_>, json: Json) -> Ended {
    let mut findings = local();
    match engine().await {
        Ok((status, clouds)) => {
            findings.extend(of_engine(&status));
            findings.extend(of_clouds(&clouds));
        }
        Err(failure) => findings.push(failed("engine", &failure)),
    }
    let missing = findings.iter().any(|f| f.verdict == Verdict::Missing);
    if json.json {
        app.json(&findings)?;
    } else {
        for finding in &findings {
            let (tone, word) = match finding.verdict {
                Verdict::Ok => (Tone::Good, "ok       "),
                Verdict::Note => (Tone::Busy, "note     "),
                Verdict::Missing => (Tone::Bad, "missing  "),
            };
            app.out.toned(tone, word, &format!("{:<22}{}", finding.name, finding.found))?;
            for line in finding.next.lines() {
                app.out.line(&format!("{:31}next: {line}", ""))?;
            }
        }
    }
    Ok(if missing { Code::Failed } else { Code::Done })
}

/// What this process sees by itself.
fn local() -> Vec<Finding> {
    let mut findings = vec![finding("program", Verdict::Ok, format!("quarterdeck {}", env!("CARGO_PKG_VERSION")), "")];
    let paths = match Paths::from_env() {
        Ok(paths) => paths,
        Err(failure) => {
            findings.push(failed("home", &failure));
            return findings;
        }
    };
    let dirs = format!("{}, {}, {}", paths.config.display(), paths.data.display(), paths.state.display());
    findings.push(match paths.create() {
        Ok(()) => finding("home", Verdict::Ok, dirs, ""),
        Err(failure) => failed("home", &failure),
    });
    findings.push(match Settings::load(&paths) {
        Ok(_) => finding("settings", Verdict::Ok, paths.settings().display().to_string(), ""),
        Err(failure) => failed("settings", &failure),
    });
    let term = std::env::var("TERM").unwrap_or_default();
    findings.push(match term.as_str() {
        "" | "dumb" => finding(
            "terminal",
            Verdict::Note,
            format!("TERM={term}: no colours, no console"),
            "use a terminal with cursor control",
        ),
        _ => finding("terminal", Verdict::Ok, format!("TERM={term}"), ""),
    });
    findings.push(match std::env::var_os("SSH_AUTH_SOCK") {
        Some(_) => finding("ssh agent", Verdict::Ok, "found", ""),
        None => finding("ssh agent", Verdict::Note, "none; clusters use keys of their own", ""),
    });
    findings
}

async fn engine() -> Result<(EngineStatus, Vec<CloudRow>), Failure> {
    let connected = async {
        let session = Session::open().await?;
        let status = session.status().await?;
        Ok::<_, super::exit::Stop>((status, session.clouds(true).await?))
    };
    connected.await.map_err(|stop| match stop {
        super::exit::Stop::With(_, failure) => *failure,
        super::exit::Stop::Quiet(_) => super::session::closed(),
    })
}

fn of_engine(status: &EngineStatus) -> Vec<Finding> {
    let mut findings =
        vec![finding("engine", Verdict::Ok, format!("running, pid {}, version {}", status.pid, status.program), "")];
    if status.program != env!("CARGO_PKG_VERSION") {
        findings.push(finding(
            "engine version",
            Verdict::Note,
            format!("{}, this program is {}", status.program, env!("CARGO_PKG_VERSION")),
            "quarterdeck engine restart; runs go on",
        ));
    }
    findings.push(if status.ansible_ready {
        finding("ansible", Verdict::Ok, status.ansible.clone(), "")
    } else {
        finding("ansible", Verdict::Missing, status.ansible.lines().next().unwrap_or_default(), "quarterdeck ansible install")
    });
    findings.extend(status.trouble.iter().map(|trouble| finding("engine trouble", Verdict::Missing, trouble.clone(), "")));
    findings
}

fn of_clouds(clouds: &[CloudRow]) -> Vec<Finding> {
    if clouds.is_empty() {
        let next = "quarterdeck try makes a sandbox on this computer; quarterdeck cloud add configures one";
        return vec![finding("clouds", Verdict::Note, "none is configured", next)];
    }
    let mut findings = Vec::new();
    for row in clouds {
        let name = format!("cloud {}", row.info.name);
        let user = row.user.as_ref().map_or(String::new(), |user| format!(" as {user}"));
        findings.push(match &row.health {
            Freshness::Failed { failure } | Freshness::Stale { failure: Some(failure), .. } => failed(&name, failure),
            Freshness::Loading => {
                finding(&name, Verdict::Note, "not checked so far", format!("quarterdeck cloud test {}", row.info.name))
            }
            _ => finding(&name, Verdict::Ok, format!("{}{user} at {}", row.info.driver, row.info.endpoint), ""),
        });
        for (what, capability) in &row.info.capabilities.0 {
            let note = match capability {
                Capability::Yes => continue,
                Capability::Limited { note } => note,
                Capability::No { reason } => reason,
            };
            findings.push(finding(&name, Verdict::Note, format!("{}: {note}", what.replace('_', " ")), ""));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Capabilities, CloudInfo, CloudName, Driver, Time};

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
            capabilities,
        };
        CloudRow { info, health, user: Some("me".into()), servers: Some(0) }
    }

    #[test]
    fn a_cloud_tells_of_what_it_cannot() {
        let findings = of_clouds(&[row(Freshness::Fresh { at: Time(1) })]);
        let verdicts: Vec<Verdict> = findings.iter().map(|f| f.verdict).collect();
        assert_eq!(verdicts, [Verdict::Ok, Verdict::Note, Verdict::Note]);
        assert!(findings[1].found.contains("memory limit: advisory"));
    }

    #[test]
    fn a_cloud_that_does_not_answer_is_missing_with_the_way_out() {
        let failure = Failure::transient("check cloud lab", "refused").next("quarterdeck cloud set lab");
        let findings = of_clouds(&[row(Freshness::Failed { failure })]);
        assert_eq!((findings[0].verdict, findings[0].next.as_str()), (Verdict::Missing, "quarterdeck cloud set lab"));
    }

    #[test]
    fn a_missing_ansible_says_how_to_get_one() {
        let status = EngineStatus {
            pid: 1,
            program: env!("CARGO_PKG_VERSION").into(),
            home: String::new(),
            up: 0,
            runs_under_way: 0,
            clients: 1,
            seq: 0,
            rss_kb: 0,
            ansible: "none found".into(),
            ansible_ready: false,
            trouble: vec!["the disk is full".into()],
        };
        let missing: Vec<String> =
            of_engine(&status).into_iter().filter(|f| f.verdict == Verdict::Missing).map(|f| f.name + ": " + &f.next).collect();
        assert_eq!(missing, ["ansible: quarterdeck ansible install", "engine trouble: "]);
    }
}
