//! From what a builder tells to steps with names, times, cache hits and output.

use std::collections::{BTreeMap, VecDeque};
use std::io;

use bollard_buildkit_proto::google::protobuf::Timestamp;
use bollard_buildkit_proto::moby::buildkit::v1::{StatusResponse, Vertex};

use super::report::{Lines, Report};
use crate::base::{Clock, SystemClock};
use crate::model::Time;
use crate::model::play::Outcome;
use crate::model::time::work_duration;

/// Lines of a step that failed which its failure repeats.
const LAST: usize = 20;

/// A step of a build.
#[derive(Default)]
struct Step {
    /// From 1, in the order in which they began: `#3` in the output.
    number: u32,
    name: String,
    ended: bool,
    lines: Lines,
    /// The last lines that it wrote.
    last: VecDeque<String>,
}

/// What a failed step left.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Broken {
    pub step: String,
    pub message: String,
    /// The last line that it wrote.
    pub said: Option<String>,
}

/// See the module.
pub struct Progress {
    report: Report,
    steps: BTreeMap<String, Step>,
    /// The one that failed first.
    pub broken: Option<Broken>,
    pub cached: u32,
    pub built: u32,
    /// The classic builder's step that goes on now, and since when.
    classic: Option<(String, Time)>,
    classic_cached: bool,
}

impl Progress {
    /// Tells `report` of everything.
    pub fn new(report: Report) -> Self {
        let (steps, broken) = (BTreeMap::new(), None);
        Self { report, steps, broken, cached: 0, built: 0, classic: None, classic_cached: false }
    }

    /// A line that belongs to no step.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn say(&mut self, text: &str) -> io::Result<()> {
        self.report.line(text.as_bytes())?;
        self.report.flush()
    }

    /// The build ended.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn end(&mut self) -> io::Result<()> {
        self.report.end()
    }

    // --- BuildKit ---

    /// Takes in what BuildKit tells.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn buildkit(&mut self, status: &StatusResponse) -> io::Result<()> {
        // Steps that begin come before their lines, steps that end after them.
        for vertex in status.vertexes.iter().filter(|v| v.started.is_some()) {
            self.begin(&vertex.digest, &vertex.name)?;
        }
        for log in &status.logs {
            self.wrote(&log.vertex, &log.msg)?;
        }
        for warning in &status.warnings {
            self.wrote(&warning.vertex, &[b"WARNING: ", warning.short.as_slice(), b"\n"].concat())?;
        }
        for vertex in status.vertexes.iter().filter(|v| v.completed.is_some() || (v.cached && v.started.is_some())) {
            self.completed(vertex)?;
        }
        self.report.flush()
    }

    fn completed(&mut self, vertex: &Vertex) -> io::Result<()> {
        let took = vertex.started.as_ref().zip(vertex.completed.as_ref()).map_or(0, |(from, to)| ms(to).saturating_sub(ms(from)));
        let (outcome, message) = match (vertex.error.as_str(), vertex.cached) {
            ("", true) => (Outcome::Ok, "cached".to_owned()),
            ("", false) => (Outcome::Changed, String::new()),
            // Others end with the one that failed; they did nothing wrong.
            (error, _) if error.contains("context canceled") => (Outcome::Skipped, "cancelled".to_owned()),
            (error, _) => (Outcome::Failed, error.to_owned()),
        };
        self.finish(&vertex.digest, outcome, took, &message)
    }

    // --- the classic builder ---

    /// Takes in a text of the classic builder: `Step 2/5 : RUN make`, ` ---> Using cache`, or what a step writes.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn classic(&mut self, text: &str) -> io::Result<()> {
        if let Some((number, name)) = classic_step(text) {
            self.classic_ended(None)?;
            self.begin(&number, &format!("[{number}] {name}"))?;
            self.classic = Some((number, SystemClock.now()));
            self.classic_cached = false;
        } else if text.starts_with("Successfully ") {
            self.classic_ended(None)?;
            text.lines().try_for_each(|line| self.report.line(line.as_bytes()))?;
        } else if let Some((id, _)) = self.classic.clone() {
            if text.trim() == "---> Using cache" {
                self.classic_cached = true;
            } else if !text.trim_start().starts_with("---> ") && !text.starts_with("Removing intermediate container") {
                self.wrote(&id, text.as_bytes())?;
            }
        } else {
            text.lines().try_for_each(|line| self.report.line(line.as_bytes()))?;
        }
        self.report.flush()
    }

    /// The step that goes on ended: well, or with this error.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn classic_ended(&mut self, error: Option<&str>) -> io::Result<()> {
        let Some((id, since)) = self.classic.take() else { return Ok(()) };
        let took = SystemClock.now().since(since);
        match (error, self.classic_cached) {
            (Some(error), _) => self.finish(&id, Outcome::Failed, took, error),
            (None, true) => self.finish(&id, Outcome::Ok, took, "cached"),
            (None, false) => self.finish(&id, Outcome::Changed, took, ""),
        }
    }

    // --- both ---

    fn begin(&mut self, id: &str, name: &str) -> io::Result<()> {
        if self.steps.contains_key(id) {
            return Ok(());
        }
        let number = u32::try_from(self.steps.len() + 1).unwrap_or(u32::MAX);
        // One line each: a command over several lines is shown as its first.
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        self.steps.insert(id.to_owned(), Step { number, name: name.clone(), ..Step::default() });
        self.report.line(format!("#{number} {name}").as_bytes())?;
        self.report.step(id, &name)
    }

    fn wrote(&mut self, id: &str, piece: &[u8]) -> io::Result<()> {
        let Some(step) = self.steps.get_mut(id) else {
            return piece.split(|b| *b == b'\n').filter(|line| !line.is_empty()).try_for_each(|line| self.report.line(line));
        };
        for line in step.lines.push(piece) {
            write_line(&mut self.report, step, &line)?;
        }
        Ok(())
    }

    fn finish(&mut self, id: &str, outcome: Outcome, took: u64, message: &str) -> io::Result<()> {
        let Some(step) = self.steps.get_mut(id).filter(|step| !step.ended) else { return Ok(()) };
        step.ended = true;
        if let Some(line) = step.lines.rest() {
            write_line(&mut self.report, step, &line)?;
        }
        let number = step.number;
        let says = match outcome {
            Outcome::Ok => "CACHED".to_owned(),
            Outcome::Failed => format!("ERROR: {message}"),
            Outcome::Skipped => "CANCELLED".to_owned(),
            _ => format!("DONE {}", work_duration(took)),
        };
        says.lines().try_for_each(|line| self.report.line(format!("#{number} {line}").as_bytes()))?;
        let detail =
            if outcome == Outcome::Failed { step.last.iter().cloned().collect::<Vec<_>>().join("\n") } else { String::new() };
        match outcome {
            Outcome::Ok => self.cached += 1,
            Outcome::Changed => self.built += 1,
            Outcome::Failed if self.broken.is_none() => {
                let said = step.last.iter().rev().find(|line| !line.trim().is_empty()).cloned();
                self.broken = Some(Broken { step: step.name.clone(), message: message.to_owned(), said });
            }
            _ => {}
        }
        self.report.ended(id, outcome, took, message, &detail)
    }
}

fn write_line(report: &mut Report, step: &mut Step, line: &[u8]) -> io::Result<()> {
    let mut numbered = format!("#{} ", step.number).into_bytes();
    numbered.extend_from_slice(line);
    report.line(&numbered)?;
    if step.last.len() == LAST {
        step.last.pop_front();
    }
    step.last.push_back(String::from_utf8_lossy(&line[..line.len().min(1000)]).into_owned());
    Ok(())
}

/// Milliseconds since 1970.
fn ms(at: &Timestamp) -> u64 {
    u64::try_from(at.seconds).unwrap_or(0) * 1000 + u64::try_from(at.nanos).unwrap_or(0) / 1_000_000
}

/// `Step 2/5 : RUN make` as `2/5` and `RUN make`.
fn classic_step(text: &str) -> Option<(String, &str)> {
    let (number, name) = text.strip_prefix("Step ")?.split_once(" : ")?;
    let (at, of) = number.split_once('/')?;
    (at.parse::<u32>().is_ok() && of.parse::<u32>().is_ok()).then(|| (number.to_owned(), name.trim_end()))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use bollard_buildkit_proto::moby::buildkit::v1::VertexLog;

    use super::*;
    use crate::model::{PlayEvent, PlayState};

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What a build told: its output, and what its events add up to.
    fn told(tell: impl FnOnce(&mut Progress)) -> (String, PlayState) {
        let (dir, out) = (tempfile::tempdir().unwrap(), Written::default());
        let report = Report::begin(dir.path(), Box::new(out.clone()), 0, "build x", "here").unwrap();
        let mut progress = Progress::new(report);
        tell(&mut progress);
        progress.end().unwrap();
        let mut state = PlayState::default();
        let events = std::fs::read_to_string(dir.path().join(super::super::report::EVENTS)).unwrap();
        events.lines().for_each(|line| state.apply(&serde_json::from_str::<PlayEvent>(line).unwrap()));
        let out = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
        assert_eq!(state.written, out.len() as u64, "every byte belongs to an event");
        (out, state)
    }

    fn at(ms: i64) -> Option<Timestamp> {
        Some(Timestamp { seconds: ms / 1000, nanos: i32::try_from(ms % 1000).unwrap() * 1_000_000 })
    }

    fn vertex(digest: &str, started: Option<i64>, completed: Option<i64>) -> Vertex {
        let (started, completed) = (started.and_then(at), completed.and_then(at));
        Vertex { digest: digest.into(), name: format!("[{digest}] RUN x"), started, completed, ..Vertex::default() }
    }

    fn log(vertex: &str, text: &str) -> VertexLog {
        VertexLog { vertex: vertex.into(), msg: text.into(), ..VertexLog::default() }
    }

    #[test]
    fn steps_of_buildkit_have_times_cache_hits_and_their_own_lines() {
        let (out, state) = told(|progress| {
            let cached = Vertex { cached: true, ..vertex("a", Some(0), Some(0)) };
            let first = StatusResponse {
                vertexes: vec![cached, vertex("b", Some(0), None), vertex("z", None, None)],
                ..Default::default()
            };
            progress.buildkit(&first).unwrap();
            let logs = vec![log("b", "half a "), log("c", "from c\n")];
            progress
                .buildkit(&StatusResponse { vertexes: vec![vertex("c", Some(5), None)], logs, ..Default::default() })
                .unwrap();
            let logs = vec![log("b", "line\nlast words")];
            let failed = Vertex { error: "exit code: 3".into(), ..vertex("b", Some(0), Some(1500)) };
            let cancelled = Vertex { error: "context canceled".into(), ..vertex("c", Some(5), Some(1500)) };
            progress.buildkit(&StatusResponse { vertexes: vec![failed, cancelled], logs, ..Default::default() }).unwrap();
            let broken = progress.broken.clone().unwrap();
            assert_eq!((broken.step.as_str(), broken.message.as_str()), ("[b] RUN x", "exit code: 3"));
            assert_eq!(broken.said.as_deref(), Some("last words"));
            assert_eq!((progress.cached, progress.built), (1, 0));
        });
        let wanted = "#1 [a] RUN x\n#2 [b] RUN x\n#1 CACHED\n#3 [c] RUN x\n#3 from c\n#2 half a line\n#2 last words\n#2 ERROR: exit code: 3\n#3 CANCELLED\n";
        assert_eq!(out, wanted);
        let tasks = &state.plays[0].tasks;
        assert_eq!(tasks.len(), 3, "what has not begun is no step");
        let result = &tasks[1].results["here"];
        assert_eq!((result.outcome, result.took, result.detail.as_str()), (Outcome::Failed, 1500, "half a line\nlast words"));
        assert_eq!((state.totals.ok, state.totals.failed, state.totals.skipped), (1, 1, 1));
    }

    #[test]
    fn steps_of_the_classic_builder_are_found_in_its_text() {
        let (out, state) = told(|progress| {
            let texts = [
                "Step 1/3 : FROM base\n",
                " ---> 0123\n",
                "Step 2/3 : RUN one\n",
                " ---> Using cache\n",
                " ---> 4567\n",
                "Step 3/3 : RUN two\n",
                " ---> Running in 89ab\n",
                "hello\n",
                "Step by step\n",
            ];
            texts.iter().for_each(|text| progress.classic(text).unwrap());
            progress.classic_ended(Some("returned a non-zero code: 2")).unwrap();
        });
        let wanted = "#1 [1/3] FROM base\n#1 DONE 0.0 s\n#2 [2/3] RUN one\n#2 CACHED\n#3 [3/3] RUN two\n#3 hello\n#3 Step by step\n#3 ERROR: returned a non-zero code: 2\n";
        assert_eq!(out, wanted);
        assert_eq!((state.totals.ok, state.totals.changed, state.totals.failed), (1, 1, 1));
    }
}
