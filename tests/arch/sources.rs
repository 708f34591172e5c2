//! The sources, parsed: every path that is written in them, with the module and line where it stands.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// Segments of a path.
pub type Segments = Vec<String>;

/// A path as it is written.
#[derive(Clone, Debug)]
pub struct Written {
    pub module: Segments,
    pub file: PathBuf,
    pub line: usize,
    pub path: Segments,
    /// It begins with `::`, so its first segment is a crate.
    pub external: bool,
}

/// A function and its size.
#[derive(Clone, Debug)]
pub struct Function {
    pub file: PathBuf,
    pub name: String,
    pub line: usize,
    pub lines: usize,
}

/// What one or more files hold. Code that only tests see (`#[cfg(test)]`) is left out of the paths.
#[derive(Default)]
pub struct Sources {
    pub paths: Vec<Written>,
    /// Names that `use` brings into a module.
    pub names: BTreeMap<Segments, BTreeMap<String, Written>>,
    /// Targets of `use …::*`.
    pub globs: BTreeMap<Segments, Vec<Written>>,
    pub modules: BTreeSet<Segments>,
    pub functions: Vec<Function>,
    /// Lines of each file.
    pub files: BTreeMap<PathBuf, usize>,
    test_only: BTreeSet<Segments>,
}

impl Sources {
    /// Reads `src` and everything under it.
    pub fn of_crate(root: &Path) -> Self {
        let mut files = rust_files(&root.join("src"));
        // A module's own file first: it says which of its children are for tests only.
        files.sort_by_key(|file| (module_of(root, file).len(), file.clone()));
        let mut sources = Self::default();
        for file in files {
            let text = std::fs::read_to_string(&file).expect("a source is readable");
            sources.add(&module_of(root, &file), file.strip_prefix(root).expect("it is under the root"), &text);
        }
        sources
    }

    /// Adds one file.
    pub fn add(&mut self, module: &[String], file: &Path, text: &str) {
        let parsed = syn::parse_file(text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        self.files.insert(file.to_owned(), text.lines().count());
        self.modules.insert(module.to_vec());
        let tests = self.test_only.iter().any(|only| module.starts_with(only));
        Reader { sources: self, module: module.to_vec(), file: file.to_owned(), tests }.visit_file(&parsed);
    }

    /// Only the sizes of a file that is not part of the crate.
    pub fn add_sizes(&mut self, file: &Path, text: &str) {
        let parsed = syn::parse_file(text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        self.files.insert(file.to_owned(), text.lines().count());
        Reader { sources: self, module: Vec::new(), file: file.to_owned(), tests: true }.visit_file(&parsed);
    }
}

/// All `.rs` files under a folder.
pub fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// `src/a/b.rs` and `src/a/b/mod.rs` are `a::b`; `src/lib.rs` is the root; `src/main.rs` is called `main`.
fn module_of(root: &Path, file: &Path) -> Segments {
    let inside = file.strip_prefix(root.join("src")).expect("it is under src").with_extension("");
    let mut segments: Segments = inside.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if segments.last().is_some_and(|last| last == "mod" || last == "lib") {
        segments.pop();
    }
    segments
}

struct Reader<'a> {
    sources: &'a mut Sources,
    module: Segments,
    file: PathBuf,
    /// What is read now is for tests only.
    tests: bool,
}

impl Reader<'_> {
    fn written(&self, path: Segments, external: bool, line: usize) -> Written {
        Written { module: self.module.clone(), file: self.file.clone(), line, path, external }
    }

    fn note(&mut self, path: Segments, external: bool, line: usize) {
        if !self.tests {
            let written = self.written(path, external, line);
            self.sources.paths.push(written);
        }
    }

    fn use_tree(&mut self, tree: &syn::UseTree, before: &Segments, external: bool) {
        let with = |name: String| before.iter().cloned().chain([name]).collect::<Segments>();
        let line = tree.span().start().line;
        match tree {
            syn::UseTree::Path(path) => self.use_tree(&path.tree, &with(path.ident.to_string()), external),
            syn::UseTree::Group(group) => {
                for item in &group.items {
                    self.use_tree(item, before, external);
                }
            }
            syn::UseTree::Name(name) if name.ident == "self" => {
                let last = before.last().cloned().unwrap_or_default();
                self.bind(last, before.clone(), external, line);
            }
            syn::UseTree::Name(name) => self.bind(name.ident.to_string(), with(name.ident.to_string()), external, line),
            syn::UseTree::Rename(rename) if rename.ident == "self" => {
                self.bind(rename.rename.to_string(), before.clone(), external, line);
            }
            syn::UseTree::Rename(rename) => {
                self.bind(rename.rename.to_string(), with(rename.ident.to_string()), external, line);
            }
            syn::UseTree::Glob(_) => {
                self.note(before.clone(), external, line);
                let written = self.written(before.clone(), external, line);
                self.sources.globs.entry(self.module.clone()).or_default().push(written);
            }
        }
    }

    fn bind(&mut self, name: String, path: Segments, external: bool, line: usize) {
        self.note(path.clone(), external, line);
        let written = self.written(path, external, line);
        self.sources.names.entry(self.module.clone()).or_default().insert(name, written);
    }

    fn function(&mut self, name: String, whole: proc_macro2::Span) {
        let (line, end) = (whole.start().line, whole.end().line);
        self.sources.functions.push(Function { file: self.file.clone(), name, line, lines: end + 1 - line });
    }

    /// Reads with `tests` set when the attributes say so.
    fn under(&mut self, attributes: &[syn::Attribute], read: impl FnOnce(&mut Self)) {
        let before = self.tests;
        self.tests |= attributes.iter().any(for_tests);
        read(self);
        self.tests = before;
    }
}

/// `#[cfg(test)]`, `#[test]`, `#[tokio::test]`.
fn for_tests(attribute: &syn::Attribute) -> bool {
    let path = attribute.path();
    if path.segments.last().is_some_and(|last| last.ident == "test") {
        return true;
    }
    path.is_ident("cfg")
        && attribute.meta.require_list().is_ok_and(|list| {
            let text = list.tokens.to_string();
            text == "test" || text.starts_with("all") && text.contains("test")
        })
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let attributes = attributes_of(item).to_vec();
        self.under(&attributes, |reader| visit::visit_item(reader, item));
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.module.push(item.ident.to_string());
        if item.content.is_some() {
            self.sources.modules.insert(self.module.clone());
            visit::visit_item_mod(self, item);
        } else if self.tests {
            self.sources.test_only.insert(self.module.clone());
        }
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.use_tree(&item.tree, &Vec::new(), item.leading_colon.is_some());
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Segments = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.note(segments, path.leading_colon.is_some(), path.span().start().line);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        let line = call.span().start().line;
        for path in paths_in(&call.tokens.to_string()) {
            self.note(path, false, line);
        }
        visit::visit_macro(self, call);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(item.sig.ident.to_string(), item.sig.span().join(item.block.span()).unwrap_or_else(|| item.span()));
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(item.sig.ident.to_string(), item.sig.span().join(item.block.span()).unwrap_or_else(|| item.span()));
        let attributes = item.attrs.clone();
        self.under(&attributes, |reader| visit::visit_impl_item_fn(reader, item));
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        self.function(item.sig.ident.to_string(), item.span());
        visit::visit_trait_item_fn(self, item);
    }
}

fn attributes_of(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Enum(item) => &item.attrs,
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Static(item) => &item.attrs,
        syn::Item::Macro(item) => &item.attrs,
        _ => &[],
    }
}

/// The paths of two and more segments in the tokens of a macro, outside of literals.
fn paths_in(tokens: &str) -> Vec<Segments> {
    let mut found = Vec::new();
    let mut path: Segments = Vec::new();
    let mut joined = false;
    let mut rest = tokens;
    while let Some(c) = rest.chars().next() {
        let take = token(rest, c);
        let word = &rest[..take];
        rest = &rest[take..];
        if c.is_whitespace() {
            continue;
        }
        let is_name = c.is_alphabetic() || c == '_';
        match (is_name, word) {
            (true, name) if joined || path.is_empty() => path.push(name.to_owned()),
            (true, name) => {
                found.push(std::mem::replace(&mut path, vec![name.to_owned()]));
            }
            (false, "::") => {}
            _ => found.push(std::mem::take(&mut path)),
        }
        joined = word == "::";
    }
    found.push(path);
    found.retain(|path| path.len() > 1);
    found
}

/// Length of the token that `text` begins with; `c` is its first character.
fn token(text: &str, c: char) -> usize {
    let name = |c: char| c.is_alphanumeric() || c == '_';
    if c == '"' || c == 'r' && (text.starts_with("r\"") || text.starts_with("r#\"")) || text.starts_with("b\"") {
        return literal(text);
    }
    if text.starts_with("::") {
        return 2;
    }
    if name(c) { text.find(|c| !name(c)).unwrap_or(text.len()) } else { c.len_utf8() }
}

/// Length of the string literal that `text` begins with.
fn literal(text: &str) -> usize {
    let start = text.find('"').unwrap_or(0);
    let hashes = text[..start].matches('#').count();
    if hashes > 0 || text.starts_with('r') {
        let end = format!("\"{}", "#".repeat(hashes));
        return text[start + 1..].find(&end).map_or(text.len(), |at| start + 1 + at + end.len());
    }
    let mut escaped = false;
    for (at, c) in text[start + 1..].char_indices() {
        match c {
            '\\' if !escaped => escaped = true,
            '"' if !escaped => return start + 1 + at + 1,
            _ => escaped = false,
        }
    }
    text.len()
}
