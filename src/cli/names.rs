//! From what a person typed to the thing that is meant.

use crate::model::Failure;

/// The known name that is closest to `wanted`, when one is close at all.
pub fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = wanted.to_lowercase();
    let limit = (wanted.chars().count() / 3).max(2);
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&wanted, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= limit && *distance < name.chars().count())
        .min()
        .map(|(_, name)| name)
}

/// Says that there is no `kind` of that name, with the nearest one or the ones that there are.
pub fn unknown<'a>(kind: &str, wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Failure {
    let mut known: Vec<&str> = known.into_iter().collect();
    known.sort_unstable();
    let shown: String = wanted.chars().take(80).collect();
    let failure = Failure::not_found(format!("find {kind} {shown}"), format!("there is no {kind} of that name"));
    if let Some(name) = nearest(&shown, known.iter().copied()) {
        return failure.next(format!("did you mean {name}?"));
    }
    match known.len() {
        0 => failure.next(format!("there is no {kind} at all so far")),
        1..=12 => failure.next(format!("there are: {}", known.join(", "))),
        count => failure.next(format!("there are {count}, for instance {}", known[..6].join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_suggested() {
        let known = ["hello", "web-prod", "analytics"];
        assert_eq!(nearest("helo", known), Some("hello"));
        assert_eq!(nearest("WEB-PRDO", known), Some("web-prod"));
        assert_eq!(nearest("something", known), None);
        assert_eq!(nearest("x", ["a", "b"]), None, "a name of one letter is near to everything");
        assert!(unknown("cluster", "helo", known).next.contains("hello?"));
    }

    #[test]
    fn without_a_near_name_the_known_ones_are_listed() {
        assert_eq!(unknown("cluster", "something", ["b", "a"]).next, "there are: a, b");
        assert_eq!(unknown("cluster", "x", []).next, "there is no cluster at all so far");
        let many: Vec<String> = (0..40).map(|n| format!("cluster-number-{n}")).collect();
        assert!(unknown("cluster", "x", many.iter().map(String::as_str)).next.starts_with("there are 40, for instance"));
        let long = "x".repeat(1 << 20);
        assert!(unknown("cluster", &long, []).to_string().len() < 300);
    }
}
