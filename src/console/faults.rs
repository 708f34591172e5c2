//! Faults on demand, for tests: only builds with debug assertions listen to this variable.
//!
//! - `QUARTERDECK_TEST_PANIC=FILE`: while FILE exists, the console panics when a key comes in.

use std::path::PathBuf;

/// To be called when a key comes in.
pub fn on_key() {
    let flag = if cfg!(debug_assertions) { std::env::var_os("QUARTERDECK_TEST_PANIC").map(PathBuf::from) } else { None };
    assert!(!flag.is_some_and(|flag| flag.exists()), "a panic on demand");
}
