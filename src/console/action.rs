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
    ClusterNew = "cluster create", Here, "new", "a new cluster from a blueprint or a spec";
    Playbook = "playbook run", Here, "playbook", "run a playbook on the cluster";
    Scale = "cluster scale", Here, "scale", "more or fewer nodes";
    Command = "command run", Here, "commands", "run a command of your own on what is selected or marked";
    Repair = "cluster repair", Here, "repair", "bring lost nodes back";
    ClusterDelete = "cluster delete", Here, "delete", "delete the cluster with all its servers, after a question";
    ServerDelete = "server delete", Here, "delete", "delete the server, after a question";
    ImageDelete = "image delete", Here, "delete", "delete the image, after a question";
    KeyPairDelete = "key-pair delete", Here, "delete", "delete the key pair, after a question";
    Shell = "ssh", Here, "shell", "a shell on the node or server";
    Forward = "forward open", Here, "forward a port", "a port of this computer that leads to one behind the node or server";
    ServerStart = "server start", Here, "start", "switch the server on";
    ServerStop = "server stop", Here, "stop", "shut the server down";
    ServerReboot = "server reboot", Here, "reboot", "restart the server";
    ServerResize = "server resize", Here, "resize", "give the server another flavor";
    ServerRebuild = "server rebuild", Here, "rebuild", "make the server's disk anew from its image, or from another one";
    ServerConfirm = "server confirm", Here, "confirm", "keep the new flavor of the server";
    ServerRevert = "server revert", Here, "take back", "give the server the flavor that it had";
    ConsoleLog = "server console", Here, "console log", "what the server wrote to its console";
    ServerActions = "server actions", Here, "actions", "what was done to the server, and what the cloud did for it";
    CloudUse = "cloud use", Here, "make default", "make it the cloud of commands that name none";
    CloudTest = "cloud test", Here, "test", "ask every cloud again who we are there";
    CloudScope = "scope next", Everywhere, "cloud", "show one cloud (or Docker engine) only, the next one, or all";
    Answer = "run answer", Here, "answer", "answer what a run asks";
    Cancel = "run cancel", Here, "cancel", "end the run early: asks what becomes of what it made";
    Retry = "run retry", Here, "retry", "what failed or was not done, once more";
    RetryHosts = "run retry hosts", Here, "failed hosts", "the playbook once more, on its failed hosts only";
    Replay = "run replay", Here, "replay", "play the run back as it happened";
    ReplayPause = "replay pause", Here, "pause", "hold the replay, or go on";
    ReplayFaster = "replay faster", Here, "faster", "twice the speed";
    ReplaySlower = "replay slower", Here, "slower", "half the speed";
    ReplayNextTask = "replay next task", Here, "next task", "to the next task or step of the replay";
    ReplayPreviousTask = "replay previous task", Here, "previous task", "to the beginning of this task, or to the one before";
    ReplayNextFailure = "replay next failure", Here, "next failure", "to where something fails next in the replay";
    ReplayBack = "replay back", Here, "10 s back", "ten seconds back in the replay";
    ReplayOn = "replay on", Here, "10 s on", "ten seconds on in the replay";
    ReplayTo = "replay to", Here, "go to", "to a time of the replay: 1:30, 50%, +10, -10";
    Undo = "run undo", Here, "undo", "take back what the run did: shows the plan first";
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
    Search = "search", Output, "search", "find a text in the output";
    NextHit = "next hit", Output, "next", "to the next line in which it is found";
    PreviousHit = "previous hit", Output, "previous", "to the previous line in which it is found";
    OnlyHits = "only hits", Output, "only these", "show only lines in which it is found, or all";
    MoreAround = "more around", Output, "more around", "only these lines, with more of those around them";
    LessAround = "less around", Output, "less around", "fewer of the lines around them";
    Describe = "describe", Here, "describe", "all that is known of it: as facts, YAML and JSON";
    Explain = "explain", Here, "why", "why it is not well, where to look, and what to do";
    Timeline = "timeline", Here, "timeline", "what happened to the node: steps, changes, its console log";
    Compare = "compare", Here, "compare", "how the two marked ones differ";
    CompareShape = "compare shape", Here, "beside or below", "the difference side by side, or one below the other";
    CompareAll = "compare all", Here, "all fields", "all fields, or only what differs";
    CopyCommand = "copy command", Everywhere, "copy command", "copy the command line that does the same";
    ToOutput = "to output", Here, "to output", "to the lines of the output that the selected result wrote";
    ChangedOnly = "changed only", Here, "changed only", "show only what changed something, by task and host";
    Slowest = "slowest first", Here, "slowest", "what took longest first: steps, tasks, and their slowest hosts";
    ThisHost = "this host", Output, "this host", "show only what is about the selected host, or about all";
    Times = "times", Output, "times", "when each line was written: since the beginning, by the clock, not at all";
    Unfold = "unfold", Output, "unfold", "show a very long line in full, or fold it";
    Select = "select", Output, "select", "select lines; moving makes it more, copy takes them";
    Save = "save", Output, "save", "save what is shown to a file";
    Pager = "pager", Output, "pager", "open what is shown in $PAGER";
    Mark = "mark", List, "mark", "mark for an action on several";
    MarkAll = "mark all", List, "mark all", "mark all that are shown";
    Filter = "filter", List, "filter", "show only rows that match: words, or status=error ram>8g";
    MarkRange = "mark range", List, "mark range", "mark from the row that was marked last to this one";
    MarkInvert = "mark invert", List, "invert marks", "mark what is not marked, and the other way round";
    SortNext = "sort next", List, "sort", "sort by the next column";
    SortPrevious = "sort previous", List, "sort back", "sort by the previous column";
    SortReverse = "sort reverse", List, "reverse", "turn the order round";
    Columns = "columns", List, "columns", "choose columns, their order, and the one to sort by";
    Jump = "jump", List, "jump", "to what belongs to it: owner, parts, runs";
    Results = "results", Everywhere, "results", "how the last action on several went, one by one";
    Favourites = "favourites", Everywhere, "favourites", "views on digits: go to one, keep this one";
    Forwards = "forward list", Everywhere, "forwards", "the ports that are forwarded; close one";
    People = "people", Everywhere, "people", "who is here and what they look at; follow somebody's view";
    Unfollow = "people unfollow", Everywhere, "unfollow", "no longer show what somebody else looks at";
    ViewBack = "view back", Everywhere, "view back", "to the view before this one";
    ViewForward = "view forward", Everywhere, "view forward", "to the view that was left by going back";
    Copy = "copy", List, "copy", "copy the name or the line to the clipboard";
    Refresh = "refresh", List, "refresh", "read the list again now";
    Back = "back", Everywhere, "back", "back, or close";
    NextTab = "next tab", Everywhere, "next tab", "the next tab";
    PreviousTab = "previous tab", Everywhere, "previous tab", "the previous tab";
    GotoPulse = "goto pulse", Everywhere, "pulse", "how everything is, and what needs somebody";
    GotoClouds = "goto clouds", Everywhere, "clouds", "the clouds";
    GotoFlavors = "goto flavors", Everywhere, "flavors", "the flavors";
    GotoImages = "goto images", Everywhere, "images", "the images";
    GotoServers = "goto servers", Everywhere, "servers", "the servers";
    GotoClusters = "goto clusters", Everywhere, "clusters", "the clusters";
    GotoRuns = "goto runs", Everywhere, "runs", "the runs";
    GotoAudit = "goto audit", Everywhere, "audit", "who changed what";
    GotoDocker = "goto docker", Everywhere, "docker", "the Docker engines";
    GotoContainers = "goto containers", Everywhere, "containers", "the containers of the Docker engines";
    GotoLocalImages = "goto docker-images", Everywhere, "local images", "the images on the disks of the Docker engines";
    GotoDockerNetworks = "goto docker-networks", Everywhere, "Docker networks", "the networks of the Docker engines";
    GotoDockerVolumes = "goto docker-volumes", Everywhere, "Docker volumes", "the volumes of the Docker engines";
    GotoNetworks = "goto networks", Everywhere, "networks", "the networks";
    GotoSubnets = "goto subnets", Everywhere, "subnets", "the subnets of networks";
    GotoPorts = "goto ports", Everywhere, "ports", "the ports: what is plugged into networks";
    GotoRouters = "goto routers", Everywhere, "routers", "the routers";
    GotoSecurityGroups = "goto security groups", Everywhere, "security groups", "the security groups";
    GotoRules = "goto rules", Everywhere, "rules", "the rules of security groups";
    GotoFloatingIps = "goto floating ips", Everywhere, "floating IPs", "the floating IPs";
    GotoKeyPairs = "goto key pairs", Everywhere, "key pairs", "the key pairs";
    GotoVolumes = "goto volumes", Everywhere, "volumes", "the volumes";
    GotoServerGroups = "goto server groups", Everywhere, "server groups", "the server groups";
    GotoZones = "goto zones", Everywhere, "zones", "the availability zones";
    GotoQuota = "goto quota", Everywhere, "quota", "how much of the clouds may be used";
    GotoActions = "goto actions", Everywhere, "actions", "what was done to the servers that were asked for";
    GotoEvents = "goto events", Everywhere, "events", "what the clouds did for these actions";
    ReadOnly = "read only", Everywhere, "read-only", "change nothing from here; once more: act again, after a question";
    Theme = "next theme", Everywhere, "theme", "the next theme";
    Setup = "setup", Everywhere, "set-up", "set up this home: terminal, tools, clouds, safety";
    SetupNext = "setup next", Here, "next", "take what is shown and go to the next page";
    SetupWrite = "setup write", Here, "write", "write what is shown, then do what follows";
    SetupDone = "setup done", Here, "to the console", "leave the set-up: it is done";
    SetupBack = "setup back", Here, "back", "the page before; on the first page, leave";
    SetupSkip = "setup skip", Here, "skip", "leave what this page asks as it is, and go on";
    SetupMore = "setup more", Here, "change", "the next value";
    SetupLess = "setup less", Here, "change back", "the value before";
    SetupChoose = "setup choose", Here, "choose", "choose what is selected, or find one by typing";
    SetupTest = "setup test", Here, "test", "ask the cloud again whether it answers";
    SetupEdit = "setup edit", Here, "name", "give what is selected a name of your own";
    SetupInstall = "setup install", Here, "install now", "install Ansible while you go on";
    SetupAnswers = "setup answers", Here, "answers file", "the file that does the same without questions";
    SetupAnew = "setup anew", Here, "begin anew", "forget what was chosen so far";
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
