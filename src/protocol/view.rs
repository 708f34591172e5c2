//! What a client looks at, so that others can see it and follow. It names what is on the screen; nothing that is typed
//! into a form or a prompt is in it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::text::clean;
use crate::model::{CloudName, RunNo};

/// Longest text in a view, characters.
const LONGEST: usize = 200;

/// What a client looks at: a list, or a run that lies over it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct View {
    /// The list: `servers`.
    pub tab: String,
    /// Only this cloud is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud: Option<CloudName>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub filter: String,
    /// Row that is selected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selected: Option<String>,
    /// The same as people call it; empty when its row says nothing else.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The lower part has the focus: the node that is selected there, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub lower: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<RunView>,
    /// It shows what this session looks at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub follows: Option<u64>,
}

/// How a run is looked at.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RunView {
    pub number: RunNo,
    /// The part that has the focus: `steps`, `plays`, `hosts`, `output`.
    pub part: String,
    /// What is selected in each; nothing while what happens is followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
}

impl View {
    /// The same, safe to show: without control characters, no text longer than 200 characters.
    #[must_use]
    pub fn cleaned(self) -> Self {
        let safe = |text: String| clean(text.trim()).chars().take(LONGEST).collect::<String>();
        let maybe = |text: Option<String>| text.map(safe);
        Self {
            tab: safe(self.tab),
            cloud: self.cloud.map(|name| CloudName::new(safe(name.to_string()))),
            filter: safe(self.filter),
            selected: maybe(self.selected),
            name: safe(self.name),
            node: maybe(self.node),
            run: self.run.map(|run| RunView {
                part: safe(run.part),
                step: maybe(run.step),
                task: maybe(run.task),
                host: maybe(run.host),
                ..run
            }),
            lower: self.lower,
            follows: self.follows,
        }
    }
}

/// For people: `runs/43/output`, `clusters/demo/workers-1`, `servers  status=error`.
impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(run) = &self.run {
            write!(f, "runs/{}/{}", run.number, run.part)?;
            let selected = match run.part.as_str() {
                "steps" => run.step.as_ref(),
                "hosts" => run.host.as_ref(),
                _ => None,
            };
            return selected.map_or(Ok(()), |id| write!(f, "/{id}"));
        }
        f.write_str(&self.tab)?;
        if let Some(name) = Some(&self.name).filter(|name| !name.is_empty()).or(self.selected.as_ref()) {
            write!(f, "/{name}")?;
        }
        if let Some(node) = self.node.as_ref().filter(|_| self.lower) {
            write!(f, "/{node}")?;
        }
        if let Some(cloud) = &self.cloud {
            write!(f, "  on {cloud}")?;
        }
        if self.filter.is_empty() { Ok(()) } else { write!(f, "  {}", self.filter) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_is_made_safe_to_show() {
        let evil = "x\u{1b}]0;title\u{7}".to_owned();
        let run = RunView {
            number: RunNo(7),
            part: evil.clone(),
            step: Some(evil.clone()),
            task: Some(evil.clone()),
            host: Some("h".repeat(9000)),
        };
        let view = View {
            tab: evil.clone(),
            cloud: Some(CloudName::new(evil.as_str())),
            filter: evil.clone(),
            selected: Some(evil.clone()),
            name: evil.clone(),
            node: Some(evil),
            lower: true,
            run: Some(run),
            follows: Some(1),
        };
        let text = serde_json::to_string(&view.cleaned()).unwrap();
        assert!(!text.contains("\\u001b") && !text.contains("\\u0007") && text.len() < 2000, "{text}");
    }

    #[test]
    fn a_view_reads_as_a_path() {
        let list = View { tab: "servers".into(), name: "web-1".into(), filter: "status=error".into(), ..View::default() };
        assert_eq!(list.to_string(), "servers/web-1  status=error");
        let run = RunView { number: RunNo(43), part: "steps".into(), step: Some("2".into()), task: None, host: None };
        assert_eq!(View { run: Some(run), ..list }.to_string(), "runs/43/steps/2");
        assert_eq!(serde_json::from_str::<View>("{}").unwrap(), View::default());
    }
}
