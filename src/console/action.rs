//! Actions: everything that can be done, by one name each. Keys, hints, help and the palette all speak of these.

/// The parts that help is divided into.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Group {
    Here,
    List,
    Output,
    Everywhere,
}

macro_rules! actions {
    ($($name:ident = $text:literal, $group:ident, $hint:literal, $does:literal;)*) => {
        /// One thing that can be done.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        pub enum Action {
            $(#[doc = $does] $name,)*
        }

        impl Action {
            /// Every action.
            pub const ALL: &[Action] = &[$(Action::$name,)*];

            /// Its name, in keys.toml and in the palette.
            pub fn name(self) -> &'static str {
                match self { $(Action::$name => $text,)* }
            }

            /// A word or two for the hint line.
            pub fn hint(self) -> &'static str {
                match self { $(Action::$name => $hint,)* }
            }

            /// What it does, for help.
            pub fn does(self) -> &'static str {
                match self { $(Action::$name => $does,)* }
            }

            /// Where help lists it.
            pub fn group(self) -> Group {
                match self { $(Action::$name => Group::$group,)* }
            }
        }
    };
}

actions! {
    Open = "open", Here, "open", "open what is selected";
    Try = "try", Here, "try the sandbox", "make the sandbox cloud if there is none, and a cluster of three nodes on it";
    ClusterNew = "cluster new", Here, "new", "a new cluster from a blueprint or a spec";
    Playbook = "cluster playbook", Here, "playbook", "run a playbook on the cluster";
    Scale = "cluster scale", Here, "scale", "more or fewer nodes";
    Repair = "cluster repair", Here, "repair", "bring lost nodes back";
    Delete = "delete", Here, "delete", "delete it, after a question";
    Shell = "shell", Here, "shell", "a shell on the node or server";
    ServerStart = "server start", Here, "start", "switch the server on";
    ServerStop = "server stop", Here, "stop", "shut the server down";
    ServerReboot = "server reboot", Here, "reboot", "restart the server";
    ConsoleLog = "server console", Here, "console log", "what the server wrote to its console";
    CloudUse = "cloud use", Here, "make default", "make it the cloud of commands that name none";
    CloudScope = "cloud next", Everywhere, "cloud", "show one cloud only, the next one, or all";
    Answer = "run answer", Here, "answer", "answer what a run asks";
    Cancel = "run cancel", Here, "cancel", "end the run early: asks what becomes of what it made";
    Retry = "run retry", Here, "retry", "what failed or was not done, once more";
    RetryHosts = "run retry hosts", Here, "failed hosts", "the playbook once more, on its failed hosts only";
    Replay = "run replay", Here, "replay", "play the run back as it happened";
    ReplayPause = "replay pause", Here, "pause", "hold the replay, or go on";
    ReplayFaster = "replay faster", Here, "faster", "twice the speed";
    ReplaySlower = "replay slower", Here, "slower", "half the speed";
    Pin = "run pin", Here, "pin", "keep the run for ever, or no longer";
    FailedOnly = "failed only", Here, "failed only", "show only what failed";
    NextPart = "next part", Everywhere, "next part", "the next part of the screen";
    PreviousPart = "previous part", Everywhere, "previous part", "the previous part of the screen";
    Up = "up", List, "up", "one up";
    Down = "down", List, "down", "one down";
    PageUp = "page up", List, "page up", "a page up";
    PageDown = "page down", List, "page down", "a page down";
    First = "first", List, "first", "to the first";
    Last = "last", List, "last", "to the last; the output follows again";
    Left = "left", Output, "left", "scroll to the left";
    Right = "right", Output, "right", "scroll to the right";
    Follow = "follow", Output, "follow", "follow the end, or stand still";
    Wrap = "wrap", Output, "wrap", "wrap long lines";
    Mark = "mark", List, "mark", "mark for an action on several";
    MarkAll = "mark all", List, "mark all", "mark all that are shown";
    Filter = "filter", List, "filter", "show only rows that match: words, or status=error ram>8g";
    Sort = "sort", List, "sort", "sort by the next column";
    SortReverse = "sort reverse", List, "reverse", "turn the order round";
    Copy = "copy", List, "copy", "copy the name or the line to the clipboard";
    Refresh = "refresh", List, "refresh", "read the list again now";
    Back = "back", Everywhere, "back", "back, or close";
    NextTab = "next tab", Everywhere, "next tab", "the next tab";
    PreviousTab = "previous tab", Everywhere, "previous tab", "the previous tab";
    GotoClouds = "goto clouds", Everywhere, "clouds", "the clouds";
    GotoFlavors = "goto flavors", Everywhere, "flavors", "the flavors";
    GotoImages = "goto images", Everywhere, "images", "the images";
    GotoServers = "goto servers", Everywhere, "servers", "the servers";
    GotoClusters = "goto clusters", Everywhere, "clusters", "the clusters";
    GotoRuns = "goto runs", Everywhere, "runs", "the runs";
    Theme = "theme next", Everywhere, "theme", "the next theme";
    Palette = "palette", Everywhere, "palette", "find an action by its name";
    Help = "help", Everywhere, "help", "all keys";
    Redraw = "redraw", Everywhere, "redraw", "draw the whole screen again";
    Suspend = "suspend", Everywhere, "suspend", "back to the shell for now; fg returns";
    Quit = "quit", Everywhere, "quit", "leave; runs go on";
}

impl Action {
    /// The action of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|a| a.name() == name)
    }
}

/// An action in the place where one is: whether it can be done now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Offer {
    pub action: Action,
    /// Why it cannot be done now.
    pub why_not: Option<String>,
    /// One of those that matter most here: the hint line shows them in this order.
    pub hinted: bool,
}

impl Offer {
    /// It can be done, and is worth a hint.
    pub fn hint(action: Action) -> Self {
        Self { action, why_not: None, hinted: true }
    }

    /// It can be done.
    pub fn yes(action: Action) -> Self {
        Self { action, why_not: None, hinted: false }
    }

    /// The same, unless there is a reason against it.
    #[must_use]
    pub fn unless(mut self, why_not: Option<impl Into<String>>) -> Self {
        self.why_not = why_not.map(Into::into);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back() {
        for action in Action::ALL {
            assert_eq!(Action::named(action.name()), Some(*action));
        }
    }
}
