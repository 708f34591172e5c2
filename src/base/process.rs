//! Small helpers around external programs.

/// Environment variables that a scrubbed program inherits. Names that end in `*` are prefixes.
pub const KEPT: &[&str] = &["HOME", "LANG", "LC_*", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "TZ", "USER"];
