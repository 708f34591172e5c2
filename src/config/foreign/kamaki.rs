//! `.kamakirc`: the clouds of kamaki, the client of Synnefo.

use std::path::PathBuf;

use super::{Found, FoundCloud, Place, Settings};
use crate::config::files::read_text;
use crate::config::origin::Origin;
use crate::model::{Driver, Failure};

pub fn find(place: &Place, found: &mut Found) {
    let path = place.var("KAMAKI_CONFIG").map_or_else(|| place.home.join(".kamakirc"), PathBuf::from);
    let text = match read_text(&path) {
        Ok(Some(text)) => zeroize::Zeroizing::new(text),
        Ok(None) => return,
        Err(failure) => return found.unreadable(place, &path, &failure),
    };
    let clouds = read(&text);
    if clouds.iter().any(|cloud| cloud.token) {
        found.secret(place, &path);
    }
    for Section { name, line, url, token } in clouds {
        let origin = Origin::File { path: path.clone(), line };
        let set = |option: &str| format!("kamaki config set cloud.{name}.{option} …");
        let problem = match (url.is_empty(), token) {
            (true, _) => Some(("it has no url", set("url"))),
            (false, false) => Some(("it has no token", set("token"))),
            _ => None,
        };
        let problem = problem.map(|(got, next)| Failure::refused(format!("use cloud {name}"), got).at(&origin).next(next));
        let driver = Driver::Synnefo;
        found.clouds.push(FoundCloud {
            name,
            driver,
            endpoint: url,
            user: String::new(),
            origin,
            problem,
            settings: Settings::default(),
        });
    }
}

/// One `[cloud "NAME"]`.
struct Section {
    name: String,
    line: usize,
    url: String,
    /// There is one; what it is does not matter here.
    token: bool,
}

fn read(text: &str) -> Vec<Section> {
    let mut clouds: Vec<Section> = Vec::new();
    let mut inside = false;
    for (at, line) in text.lines().enumerate() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) || line.starts_with([' ', '\t']) {
            // An indented line goes on with a value; no value that matters here has several.
            continue;
        }
        if let Some(header) = trimmed.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(header, _)| header) {
            let name = header.strip_prefix("cloud \"").and_then(|rest| rest.strip_suffix('"'));
            inside = name.is_some();
            if let Some(name) = name {
                clouds.push(Section { name: name.to_owned(), line: at + 1, url: String::new(), token: false });
            }
            continue;
        }
        let Some((key, value)) = trimmed.split_once(['=', ':']).filter(|_| inside) else { continue };
        // A `;` behind white space begins a comment.
        let value = value.split_once(" ;").map_or(value, |(value, _)| value).trim();
        if let Some(cloud) = clouds.last_mut() {
            match key.trim().to_lowercase().as_str() {
                "url" => cloud.url = value.to_owned(),
                "token" => cloud.token = !value.is_empty(),
                _ => {}
            }
        }
    }
    clouds
}

#[cfg(test)]
mod tests {
    use super::super::tests::account;
    use super::*;

    const FILE: &str = "\
# Kamaki configuration file v0.13
[global]
default_cloud = lambda
[cloud \"lambda\"]
url = https://accounts.example.org/identity/v2.0 ; the root
token = s3cr3t-T0ken
[cloud \"half\"]
url: https://other.example.org/identity/v2.0
";

    #[test]
    fn clouds_are_read_and_tokens_are_not_kept() {
        let (_dir, place) = account(&[(".kamakirc", FILE)], &[]);
        let mut found = Found::default();
        find(&place, &mut found);
        let lambda = &found.clouds[0];
        assert_eq!((lambda.name.as_str(), lambda.driver, &lambda.problem), ("lambda", Driver::Synnefo, &None));
        assert_eq!(lambda.endpoint, "https://accounts.example.org/identity/v2.0");
        assert!(lambda.origin.to_string().ends_with(".kamakirc:4"), "{}", lambda.origin);
        let half = found.clouds[1].problem.as_ref().unwrap();
        assert_eq!((half.got.as_str(), half.next.as_str()), ("it has no token", "kamaki config set cloud.half.token …"));
        assert!(!format!("{found:?}").contains("s3cr3t"));
        assert!(found.findings.is_empty(), "the file is private");
    }

    #[test]
    fn another_file_can_be_named() {
        let (_dir, mut place) = account(&[("k.ini", FILE)], &[]);
        place.env.insert("KAMAKI_CONFIG".into(), place.home.join("k.ini").display().to_string());
        let mut found = Found::default();
        find(&place, &mut found);
        assert_eq!(found.clouds.len(), 2);
    }
}
