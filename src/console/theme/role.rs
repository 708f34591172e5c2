//! Roles: what a piece of text means. Themes give each role a look; nothing else in the console names a colour.

macro_rules! roles {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// What a piece of text means.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        pub enum Role {
            $($(#[$doc])* $name,)*
        }

        impl Role {
            /// Every role.
            pub const ALL: &[Role] = &[$(Role::$name,)*];

            /// Its name in a theme's file.
            pub fn name(self) -> &'static str {
                match self {
                    $(Role::$name => $text,)*
                }
            }
        }
    };
}

roles! {
    /// Ordinary text, and the screen's background.
    Text = "text",
    /// What is named: the first column, a title.
    Strong = "strong",
    /// Secondary facts.
    Dim = "dim",
    /// What is hardly there: place holders, unused parts of gauges.
    Faint = "faint",
    /// The product's name.
    Brand = "brand",
    /// Focus: the marker of the selected row, the focused part's title.
    Accent = "accent",
    /// Column and part titles.
    Title = "title",
    /// Thin rules.
    Rule = "rule",
    /// A tab that is not open.
    Tab = "tab",
    /// The open tab.
    TabOpen = "tab_open",
    /// The selected row of the focused table.
    Selected = "selected",
    /// The selected row of a table without focus.
    SelectedDim = "selected_dim",
    /// A marked row's sign.
    Mark = "mark",
    /// What a search found.
    Found = "found",
    /// Good.
    Ok = "ok",
    /// Good, and something was changed.
    Changed = "changed",
    /// Deserves a look.
    Warn = "warn",
    /// Bad.
    Failed = "failed",
    /// A host that does not answer.
    Unreachable = "unreachable",
    /// Under way.
    Running = "running",
    /// Waits for something.
    Waiting = "waiting",
    /// Left out, undone, cancelled.
    Skipped = "skipped",
    /// Not begun.
    Pending = "pending",
    /// Old data.
    Stale = "stale",
    /// The filled part of a gauge.
    Gauge = "gauge",
    /// The filled part of a gauge that is nearly full.
    GaugeHigh = "gauge_high",
    /// A key in a hint.
    Key = "key",
    /// What a key does.
    Hint = "hint",
    /// Something that cannot be done now.
    Disabled = "disabled",
    /// A layer's surface.
    Layer = "layer",
    /// A layer's edge and title.
    LayerEdge = "layer_edge",
    /// The edge and title of a layer about something destructive.
    Danger = "danger",
    /// Text being typed.
    Field = "field",
    /// A short message.
    Notice = "notice",
    /// A heading in the output: PLAY, TASK.
    OutputTitle = "output_title",
    /// The output of a program.
    Output = "output",
    /// Letters of a cell that a filter found.
    Match = "match",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = Role::ALL.iter().map(|r| r.name()).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
