//! The systemd user unit.

use std::path::Path;

use crate::config::Paths;
use crate::config::paths::HOME_VARIABLE;

/// The unit; `@PROGRAM@` and `@ENVIRONMENT@` are replaced.
const UNIT: &str = include_str!("../../../assets/quarterdeck.service");

/// A user unit that runs the engine of a home with this program.
pub fn unit(program: &Path, paths: &Paths) -> String {
    let environment = match &paths.home {
        Some(home) => format!("Environment={}\n", quoted(&format!("{HOME_VARIABLE}={}", home.display()))),
        None => String::new(),
    };
    UNIT.replace("@PROGRAM@", &quoted(&program.display().to_string())).replace("@ENVIRONMENT@\n", &environment)
}

/// A word as systemd reads it: quoted, with its specifiers escaped.
fn quoted(word: &str) -> String {
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%").replace('$', "$$"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_runs_this_program_in_this_home() {
        let text = unit(Path::new("/opt/a \"b\" 50%/quarterdeck"), &Paths::under(Path::new("/srv/q d")));
        assert!(text.contains("ExecStart=\"/opt/a \\\"b\\\" 50%%/quarterdeck\" engine run"), "{text}");
        assert!(text.contains("Environment=\"QUARTERDECK_HOME=/srv/q d\"\n"), "{text}");
        assert!(!text.contains('@') && text.contains("KillMode=process\n"), "{text}");
        let usual = Paths { home: None, ..Paths::under(Path::new("/h")) };
        assert!(!unit(Path::new("/q"), &usual).contains("Environment"));
    }
}
