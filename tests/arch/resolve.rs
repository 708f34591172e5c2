//! What the written paths mean: which room, or which other crate.

use std::collections::BTreeSet;

use crate::sources::{Segments, Sources, Written};

/// What a path leads to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Target {
    /// Inside this crate, from its root.
    Here(Segments),
    /// Another crate first.
    Elsewhere(Segments),
}

/// Re-exports and renames that are followed one after the other.
const STEPS: usize = 8;

/// Everything that a path leads to: what it says, and what re-exports on its way stand for.
pub fn targets(sources: &Sources, written: &Written) -> BTreeSet<Target> {
    let mut found = BTreeSet::new();
    let mut next = resolve(sources, written, STEPS);
    for _ in 0..STEPS {
        let Some(target) = next.take() else { break };
        if let Target::Here(path) = &target {
            next = re_export(sources, path);
        }
        if !found.insert(target) {
            break;
        }
    }
    found
}

fn resolve(sources: &Sources, written: &Written, steps: usize) -> Option<Target> {
    let first = written.path.first()?.as_str();
    let rest = || written.path[1..].to_vec();
    if written.external {
        return Some(Target::Elsewhere(written.path.clone()));
    }
    match first {
        "Self" => None,
        "crate" | "quarterdeck" => Some(Target::Here(rest())),
        "self" => Some(Target::Here([written.module.clone(), rest()].concat())),
        "super" => {
            let ups = written.path.iter().take_while(|segment| *segment == "super").count();
            let keep = written.module.len().saturating_sub(ups);
            Some(Target::Here([&written.module[..keep], &written.path[ups..]].concat()))
        }
        name => by_name(sources, written, name, steps),
    }
}

fn by_name(sources: &Sources, written: &Written, name: &str, steps: usize) -> Option<Target> {
    let rest = &written.path[1..];
    let bound = sources.names.get(&written.module).and_then(|names| names.get(name));
    if let Some(bound) = bound.filter(|bound| steps > 0 && bound.path != written.path) {
        return resolve(sources, bound, steps - 1).map(|target| extend(target, rest));
    }
    let child = [written.module.as_slice(), &[name.to_owned()]].concat();
    if sources.modules.contains(&child) {
        return Some(Target::Here([child.as_slice(), rest].concat()));
    }
    for glob in sources.globs.get(&written.module).into_iter().flatten() {
        let Some(Target::Here(from)) = (steps > 0).then(|| resolve(sources, glob, steps - 1)).flatten() else { continue };
        let child = [from.as_slice(), &[name.to_owned()]].concat();
        let known = sources.modules.contains(&child) || sources.names.get(&from).is_some_and(|names| names.contains_key(name));
        if known {
            return Some(Target::Here([child.as_slice(), rest].concat()));
        }
    }
    Some(Target::Elsewhere(written.path.clone()))
}

/// What a name of this crate stands for when its module only hands it on.
fn re_export(sources: &Sources, path: &[String]) -> Option<Target> {
    let module = (0..path.len()).rev().find(|length| sources.modules.contains(&path[..*length]))?;
    let (inside, name, rest) = (&path[..module], &path[module], &path[module + 1..]);
    let names = sources.names.get(inside);
    if let Some(bound) = names.and_then(|names| names.get(name)) {
        return resolve(sources, bound, STEPS).map(|target| extend(target, rest)).filter(|t| *t != Target::Here(path.to_vec()));
    }
    None
}

fn extend(target: Target, rest: &[String]) -> Target {
    match target {
        Target::Here(path) => Target::Here([path.as_slice(), rest].concat()),
        Target::Elsewhere(path) => Target::Elsewhere([path.as_slice(), rest].concat()),
    }
}
