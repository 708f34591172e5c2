//! Guard rails: what may be done where, and how surely somebody must mean it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{CloudName, CustomCommand, Plan, PlanKind, PowerAction, ServerChange};

macro_rules! deeds {
    ($($name:ident = $word:literal,)*) => {
        /// A kind of action that a rule can speak of, in the words of the command line.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
        pub enum Deed {
            $(#[doc = $word] #[serde(rename = $word)] $name,)*
        }

        impl Deed {
            /// Every kind.
            pub const ALL: &[Deed] = &[$(Deed::$name,)*];

            /// `cluster delete`.
            pub fn word(self) -> &'static str {
                match self { $(Deed::$name => $word,)* }
            }
        }
    };
}

deeds! {
    ClusterCreate = "cluster create",
    ClusterScale = "cluster scale",
    ClusterRepair = "cluster repair",
    ClusterDelete = "cluster delete",
    PlaybookRun = "playbook run",
    ServerCreate = "server create",
    ServerDelete = "server delete",
    ServerStart = "server start",
    ServerStop = "server stop",
    ServerReboot = "server reboot",
    ServerRebuild = "server rebuild",
    ServerResize = "server resize",
    ImageRegister = "image register",
    ImageUpload = "image upload",
    ImageDelete = "image delete",
    KeyPairCreate = "key-pair create",
    KeyPairImport = "key-pair import",
    KeyPairDelete = "key-pair delete",
    ServerGroupCreate = "server-group create",
    ServerGroupDelete = "server-group delete",
    CommandRun = "command run",
    Shell = "shell",
    Forward = "forward",
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl From<PlanKind> for Deed {
    fn from(kind: PlanKind) -> Self {
        match kind {
            PlanKind::Create => Self::ClusterCreate,
            PlanKind::Scale => Self::ClusterScale,
            PlanKind::Repair => Self::ClusterRepair,
            PlanKind::Delete => Self::ClusterDelete,
            PlanKind::Playbook => Self::PlaybookRun,
        }
    }
}

impl From<PowerAction> for Deed {
    fn from(action: PowerAction) -> Self {
        match action {
            PowerAction::Start => Self::ServerStart,
            PowerAction::Stop => Self::ServerStop,
            PowerAction::Reboot => Self::ServerReboot,
        }
    }
}

impl From<&ServerChange> for Deed {
    fn from(change: &ServerChange) -> Self {
        match change {
            ServerChange::Rebuild { .. } => Self::ServerRebuild,
            ServerChange::Resize { .. } | ServerChange::ConfirmResize | ServerChange::RevertResize => Self::ServerResize,
        }
    }
}

/// How surely somebody must mean it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Nothing is asked.
    None,
    /// A yes.
    Yes,
    /// Its name, typed.
    Name,
    /// It is refused.
    Deny,
}

/// One `[[guard]]` of the settings. What it leaves out matches everything.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct GuardRule {
    /// Names of clouds: `*` and `?` stand for any text and any character.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud: Option<String>,
    /// Kinds of action ([`Deed::word`]), with the same signs; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub action: Vec<String>,
    /// Names of clusters, with the same signs; then it matches nothing outside of clusters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// Most things (servers, nodes) that one action may touch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
    /// What people are told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// `FILE:LINE`.
    pub source: String,
}

impl GuardRule {
    fn covers(&self, deed: Deed, cloud: Option<&CloudName>, cluster: Option<&str>) -> bool {
        let on = |pattern: &Option<String>, name: Option<&str>| match (pattern, name) {
            (None, _) => true,
            (Some(pattern), Some(name)) => glob(pattern, name),
            (Some(_), None) => false,
        };
        on(&self.cloud, cloud.map(CloudName::as_str))
            && on(&self.cluster, cluster)
            && (self.action.is_empty() || self.action.iter().any(|pattern| glob(pattern, deed.word())))
    }

    /// Why it is there: its reason, and where it stands.
    pub fn why(&self) -> String {
        match &self.reason {
            Some(reason) => format!("{reason} ({})", self.source),
            None => format!("by the rule in {}", self.source),
        }
    }
}

/// What the rules say of one action. The first rule that matches and says something decides, each of level and bulk
/// limit by itself; of several clouds, the strictest.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ruling {
    /// `None`: no rule speaks of it.
    pub level: Option<Level>,
    /// Why it has that level.
    pub why: String,
    /// Most things that it may touch, and why.
    pub max: Option<(u32, String)>,
}

impl Ruling {
    /// The level, or the one that holds where no rule speaks of it.
    pub fn level_or(&self, otherwise: Level) -> Level {
        self.level.unwrap_or(otherwise)
    }

    /// Why it is refused, when it is.
    ///
    /// # Errors
    /// The reason: denied, or too many at once.
    pub fn check(&self, count: u32) -> Result<(), String> {
        if self.level == Some(Level::Deny) {
            return Err(self.why.clone());
        }
        match &self.max {
            Some((max, why)) if count > *max => Err(format!("it touches {count}, at most {max} at once: {why}")),
            _ => Ok(()),
        }
    }

    /// The stricter of two.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let (level, why) = if other.level > self.level { (other.level, other.why) } else { (self.level, self.why) };
        let max = match (self.max, other.max) {
            (Some(a), Some(b)) => Some(if b.0 < a.0 { b } else { a }),
            (a, b) => a.or(b),
        };
        Self { level, why, max }
    }
}

/// The rules of a home, and the commands of its people.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Rules {
    #[serde(default)]
    pub guards: Vec<GuardRule>,
    #[serde(default)]
    pub commands: Vec<CustomCommand>,
}

impl Rules {
    /// What the rules say of an action on these clouds.
    pub fn ruling<'c>(&self, deed: Deed, clouds: impl IntoIterator<Item = &'c CloudName>, cluster: Option<&str>) -> Ruling {
        let mut clouds = clouds.into_iter().peekable();
        if clouds.peek().is_none() {
            return self.on(deed, None, cluster);
        }
        clouds.map(|cloud| self.on(deed, Some(cloud), cluster)).reduce(Ruling::and).unwrap_or_default()
    }

    fn on(&self, deed: Deed, cloud: Option<&CloudName>, cluster: Option<&str>) -> Ruling {
        let rules = || self.guards.iter().filter(|rule| rule.covers(deed, cloud, cluster));
        let level = rules().find(|rule| rule.level.is_some());
        let max = rules().find_map(|rule| Some((rule.max?, rule.why())));
        Ruling { level: level.and_then(|rule| rule.level), why: level.map(GuardRule::why).unwrap_or_default(), max }
    }

    /// What the rules say of a plan.
    pub fn of_plan(&self, plan: &Plan) -> Ruling {
        self.ruling(plan.kind.into(), plan.clouds(), Some(&plan.cluster_name))
    }

    /// The command of this name.
    pub fn command(&self, name: &str) -> Option<&CustomCommand> {
        self.commands.iter().find(|command| command.name == name)
    }
}

/// Whether `name` is what `pattern` describes: `*` stands for any text, `?` for any character.
pub fn glob(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // Where the last `*` is, and how much of the name it stands for so far.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some('?') => (p, n) = (p + 1, n + 1),
            Some(c) if *c == name[n] => (p, n) = (p + 1, n + 1),
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    (p, n) = (at + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(cloud: &str, action: &str, cluster: &str, level: Option<Level>, max: Option<u32>) -> GuardRule {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let action = some(action).into_iter().collect();
        GuardRule { cloud: some(cloud), action, cluster: some(cluster), level, max, reason: None, source: "s.toml:1".into() }
    }

    #[test]
    fn globs_match_as_in_a_shell() {
        for (pattern, name, wanted) in [
            ("web-*", "web-prod", true),
            ("web-*", "db", false),
            ("*", "", true),
            ("*-pro?", "a-b-prod", true),
            ("server *", "server delete", true),
            ("", "x", false),
            ("a*b*c", "aXbXbc", true),
            ("a*b*c", "aXbXb", false),
        ] {
            assert_eq!(glob(pattern, name), wanted, "{pattern} {name}");
        }
    }

    #[test]
    fn the_first_rule_that_says_something_decides_and_the_strictest_cloud() {
        let rules = Rules {
            guards: vec![
                rule("lab", "", "", None, Some(3)),
                rule("lab", "* delete", "", Some(Level::None), None),
                rule("", "cluster *", "web-*", Some(Level::Name), Some(1)),
            ],
            commands: Vec::new(),
        };
        let (lab, prod) = (CloudName::new("lab"), CloudName::new("prod"));
        let ruling = rules.ruling(Deed::ClusterDelete, [&lab], Some("web-1"));
        assert_eq!((ruling.level, ruling.max.clone().map(|m| m.0)), (Some(Level::None), Some(3)));
        let ruling = rules.ruling(Deed::ClusterDelete, [&lab, &prod], Some("web-1"));
        assert_eq!((ruling.level, ruling.max.clone().map(|m| m.0)), (Some(Level::Name), Some(1)));
        assert!(ruling.check(2).unwrap_err().contains("at most 1 at once: by the rule in s.toml:1"));
        ruling.check(1).unwrap();
        assert_eq!(rules.ruling(Deed::ServerStop, [&prod], None), Ruling::default());
    }
}
