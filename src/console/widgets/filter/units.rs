//! Numbers with units, as people write them: `8g`, `1.5GiB`, `90s`, `1h30m`.

use crate::console::widgets::table::Kind;

const SIZES: &[(&str, f64)] = &[
    ("k", 1024.0),
    ("m", 1024.0 * 1024.0),
    ("g", 1024.0 * 1024.0 * 1024.0),
    ("t", 1024.0 * 1024.0 * 1024.0 * 1024.0),
    ("b", 1.0),
];

const DURATIONS: &[(&str, f64)] =
    &[("ms", 1.0), ("s", 1e3), ("min", 60e3), ("m", 60e3), ("h", 3600e3), ("d", 86_400e3), ("w", 7.0 * 86_400e3)];

/// What is wrong with a number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wrong {
    pub text: String,
    /// It may become right when more is typed.
    pub unfinished: bool,
}

fn wrong<T>(text: impl Into<String>, unfinished: bool) -> Result<T, Wrong> {
    Err(Wrong { text: text.into(), unfinished })
}

/// The number that is meant in a column of this kind: bytes, milliseconds, or plain.
///
/// # Errors
/// It is no number, or has no unit where one is needed, or one that does not fit.
pub fn number(text: &str, kind: Kind) -> Result<f64, Wrong> {
    let text = text.to_ascii_lowercase();
    match kind {
        Kind::Bytes => size(&text),
        Kind::Took | Kind::Time => duration(&text),
        Kind::Text | Kind::Count => match text.replace('_', "").parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            _ => wrong(format!("`{text}` is no number"), text == "-"),
        },
    }
}

/// Splits a number from what follows it.
fn digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    text.split_at(end)
}

fn size(text: &str) -> Result<f64, Wrong> {
    let (number, unit) = digits(text);
    let Ok(number) = number.parse::<f64>() else { return wrong(format!("`{text}` is no size: write 8g or 512m"), false) };
    let short = unit.strip_suffix("ib").or_else(|| unit.strip_suffix('b').filter(|u| !u.is_empty())).unwrap_or(unit);
    match SIZES.iter().find(|(name, _)| *name == short) {
        Some((_, factor)) => Ok(number * factor),
        None if unit.is_empty() && number == 0.0 => Ok(0.0),
        None if unit.is_empty() => wrong("a size has a unit: k, m, g or t", true),
        None => wrong(format!("`{unit}` is no unit of a size: k, m, g or t"), false),
    }
}

fn duration(text: &str) -> Result<f64, Wrong> {
    let mut sum = 0.0;
    let mut rest = text;
    if rest.is_empty() {
        return wrong("a duration is missing: 30s, 5m, 2h, 1d", true);
    }
    while !rest.is_empty() {
        let (number, behind) = digits(rest);
        let Ok(number) = number.parse::<f64>() else {
            return wrong(format!("`{text}` is no duration: write 30s, 5m, 2h or 1d"), false);
        };
        let end = behind.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(end);
        match DURATIONS.iter().find(|(name, _)| *name == unit) {
            Some((_, factor)) => sum += number * factor,
            None if unit.is_empty() && behind.is_empty() => return wrong("a duration has a unit: s, m, h, d or w", true),
            None => return wrong(format!("`{unit}` is no unit of time: s, m, h, d or w"), false),
        }
        rest = behind;
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_units() {
        let gib = 1024.0 * 1024.0 * 1024.0;
        for (text, kind, want) in [
            ("8g", Kind::Bytes, 8.0 * gib),
            ("1.5GiB", Kind::Bytes, 1.5 * gib),
            ("512mb", Kind::Bytes, 0.5 * gib),
            ("0", Kind::Bytes, 0.0),
            ("90s", Kind::Took, 90e3),
            ("1h30m", Kind::Time, 5400e3),
            ("2d", Kind::Time, 172_800e3),
            ("1_000", Kind::Count, 1000.0),
        ] {
            assert_eq!(number(text, kind), Ok(want), "{text}");
        }
        for (text, kind, unfinished, says) in [
            ("8", Kind::Bytes, true, "has a unit"),
            ("8x", Kind::Bytes, false, "`x` is no unit"),
            ("", Kind::Bytes, false, "no size"),
            ("2", Kind::Time, true, "has a unit"),
            ("2y", Kind::Time, false, "`y` is no unit"),
            ("h", Kind::Time, false, "no duration"),
            ("many", Kind::Count, false, "no number"),
            ("nan", Kind::Count, false, "no number"),
        ] {
            let wrong = number(text, kind).unwrap_err();
            assert!(wrong.text.contains(says) && wrong.unfinished == unfinished, "{text}: {wrong:?}");
        }
    }
}
