//! The files of colour themes: those that ship in the program, and the user's own.

use super::files::read_text;
use super::paths::Paths;
use crate::model::Failure;

macro_rules! themes {
    ($($name:literal),*) => {
        /// The themes that ship in the program; the first is the default on a dark background.
        pub const BUILT_IN: &[(&str, &str)] = &[$(($name, include_str!(concat!("../../themes/", $name, ".toml")))),*];
    };
}

themes!(
    "quarterdeck",
    "light",
    "high-contrast",
    "high-contrast-light",
    "colour-blind",
    "colour-blind-light",
    "ember",
    "fjord",
    "graphite",
    "moss"
);

/// A theme as it is written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ThemeFile {
    pub name: String,
    pub text: String,
    /// For messages.
    pub path: String,
}

/// All themes; a user's goes before the one of the same name that ships. Files that cannot be read are told beside.
pub fn all(paths: &Paths) -> (Vec<ThemeFile>, Vec<Failure>) {
    let own = |(name, text): &(&str, &str)| ThemeFile { name: (*name).into(), text: (*text).into(), path: (*name).into() };
    let mut themes: Vec<ThemeFile> = BUILT_IN.iter().map(own).collect();
    let mut wrong = Vec::new();
    let entries = std::fs::read_dir(paths.themes()).into_iter().flatten().flatten();
    let mut files: Vec<std::path::PathBuf> = entries.map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "toml"));
    files.sort();
    for path in files {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        match read_text(&path) {
            Ok(text) => {
                themes.retain(|theme| theme.name != name);
                let path = path.to_string_lossy().into_owned();
                themes.push(ThemeFile { name, text: text.unwrap_or_default(), path });
            }
            Err(failure) => wrong.push(failure),
        }
    }
    (themes, wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_users_theme_goes_before_the_one_that_ships() {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::under(dir.path());
        assert_eq!(all(&paths).0.len(), BUILT_IN.len());
        std::fs::create_dir_all(paths.themes()).unwrap();
        std::fs::write(paths.themes().join("light.toml"), "mine").unwrap();
        std::fs::write(paths.themes().join("night.toml"), b"\xff").unwrap();
        std::fs::write(paths.themes().join("notes.txt"), "x").unwrap();
        let (themes, wrong) = all(&paths);
        let light: Vec<&ThemeFile> = themes.iter().filter(|t| t.name == "light").collect();
        assert_eq!((light.len(), light[0].text.as_str(), wrong.len()), (1, "mine", 1));
    }
}
