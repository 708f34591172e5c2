//! Unified differences of small texts.

/// Lines around a change that are shown.
const CONTEXT: usize = 3;

/// One line of a difference.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DiffLine {
    /// ` ` stays, `+` comes, `-` goes, `@` heads a part.
    pub sign: char,
    pub text: String,
}

/// The difference between two texts, as `diff -u` shows it without its head; nothing when they are the same.
pub fn unified(before: &str, after: &str) -> Vec<DiffLine> {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let script = script(&old, &new);
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(first) = script[at..].iter().position(|step| step.sign != ' ').map(|i| at + i) {
        let start = first.saturating_sub(CONTEXT).max(at);
        let mut end = first;
        // Changes with little between them make one part.
        while let Some(next) = script[end..].iter().take(2 * CONTEXT + 1).position(|step| step.sign != ' ') {
            end += next + 1;
        }
        let end = (end + CONTEXT).min(script.len());
        out.push(DiffLine { sign: '@', text: head(&script[..start], &script[start..end]) });
        out.extend(script[start..end].iter().cloned());
        at = end;
    }
    out
}

/// `-1,4 +1,6`, as it stands between the `@@`.
fn head(before: &[DiffLine], part: &[DiffLine]) -> String {
    let count = |lines: &[DiffLine], without: char| lines.iter().filter(|line| line.sign != without).count();
    let side = |without: char| {
        let (start, length) = (count(before, without), count(part, without));
        format!("{},{length}", if length == 0 { start } else { start + 1 })
    };
    format!("-{} +{}", side('+'), side('-'))
}

/// Every line of both texts, in order, with its sign: by the longest common row of lines.
fn script(old: &[&str], new: &[&str]) -> Vec<DiffLine> {
    let width = new.len() + 1;
    // common[i * width + j]: lines in common of old[i..] and new[j..].
    let mut common = vec![0_u32; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i * width + j] = if old[i] == new[j] {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut out = Vec::new();
    let mut push = |sign, text: &str| out.push(DiffLine { sign, text: text.to_owned() });
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            push(' ', old[i]);
            (i, j) = (i + 1, j + 1);
        } else if j == new.len() || i < old.len() && common[(i + 1) * width + j] >= common[i * width + j + 1] {
            push('-', old[i]);
            i += 1;
        } else {
            push('+', new[j]);
            j += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(before: &str, after: &str) -> String {
        let lines = unified(before, after);
        lines
            .iter()
            .map(|l| if l.sign == '@' { format!("@@ {} @@\n", l.text) } else { format!("{}{}\n", l.sign, l.text) })
            .collect()
    }

    #[test]
    fn differences_look_as_everybody_knows_them() {
        assert_eq!(shown("a\nb\n", "a\nb\n"), "");
        assert_eq!(shown("", "a\nb\n"), "@@ -0,0 +1,2 @@\n+a\n+b\n");
        assert_eq!(shown("1\n2\n3\n4\n5\n6\n", "1\n2\n3\n4\nX\n6\n"), "@@ -2,5 +2,5 @@\n 2\n 3\n 4\n-5\n+X\n 6\n");
        let long: String = (0..40).map(|n| format!("{n}\n")).collect();
        let two = shown(&long, &long.replace("5\n6\n", "5\n").replace("\n30\n", "\nx\n"));
        assert_eq!(two.matches("@@ -").count(), 2, "{two}");
    }

    proptest! {
        #[test]
        fn a_difference_leads_from_one_text_to_the_other(old in "([ab]\n){0,12}", new in "([ab]\n){0,12}") {
            let (a, b): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
            let script = script(&a, &b);
            let side = |without: char| script.iter().filter(|l| l.sign != without).map(|l| l.text.as_str()).collect::<Vec<_>>();
            prop_assert_eq!(side('+'), a);
            prop_assert_eq!(side('-'), b);
            let changed = |lines: &[DiffLine]| lines.iter().filter(|l| "+-".contains(l.sign)).count();
            prop_assert_eq!(changed(&script), changed(&unified(&old, &new)), "no change is left out");
        }
    }
}
