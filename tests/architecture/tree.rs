//! The crate as a tree of scopes: modules and blocks, the names each binds, and every name mentioned in it.
//!
//! Hides where modules live on disk. A source file that no `mod` reaches is a problem, not a blind spot.

use crate::scan;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::Path,
};

/// Source texts by their path below `src`, with `/`.
pub(crate) struct Sources(pub(crate) BTreeMap<String, String>);

/// Everything the rules are judged on.
#[derive(Default)]
pub(crate) struct Tree {
    pub(crate) scopes: Vec<Scope>,
    pub(crate) mentions: Vec<Mention>,
    /// What could not be read.
    pub(crate) problems: Vec<String>,
    reached: BTreeSet<String>,
    sources: BTreeMap<String, String>,
}

/// A module, or a block with items of its own.
#[derive(Default)]
pub(crate) struct Scope {
    /// Of its module, e.g. `crate::policy::rule`; the binary's root is `main`.
    pub(crate) path: Vec<String>,
    /// For a block, the scope around it; for a module, none: names are not inherited.
    pub(crate) around: Option<usize>,
    /// For a module, the module above it.
    pub(crate) above: Option<usize>,
    pub(crate) children: HashMap<String, usize>,
    pub(crate) names: HashMap<String, Vec<Binding>>,
    pub(crate) globs: Vec<Binding>,
}

/// A name a scope binds.
#[derive(Clone)]
pub(crate) struct Binding {
    /// What it stands for; `None` for an item made here.
    pub(crate) path: Option<Vec<String>>,
    /// Seen from outside of the module and what is below it.
    pub(crate) public: bool,
}

/// One name somewhere in the sources.
pub(crate) struct Mention {
    pub(crate) scope: usize,
    pub(crate) kind: Kind,
    /// As written; a leading `::` is an empty first segment.
    pub(crate) segments: Vec<String>,
    pub(crate) file: String,
    pub(crate) line: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// In a type, an expression, a pattern, an attribute.
    Path,
    /// In a `use`: a single segment may name an outside crate.
    Use,
    /// Before a `!`.
    Macro,
    /// After a `.`.
    Method,
}

impl Sources {
    /// `src` of the package under test.
    pub(crate) fn of_this_package() -> Sources {
        let mut texts = BTreeMap::new();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("src can be listed") {
                let path = entry.expect("src can be listed").path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let name =
                        path.strip_prefix(&root).expect("found below src").to_str().expect("our names are UTF-8");
                    texts.insert(name.to_owned(), fs::read_to_string(&path).expect("sources are UTF-8"));
                }
            }
        }
        Sources(texts)
    }
}

impl Tree {
    /// Parses both roots and all they reach.
    pub(crate) fn read(sources: Sources) -> Tree {
        let mut tree = Tree { sources: sources.0, ..Tree::default() };
        for (file, name) in [("lib.rs", "crate"), ("main.rs", "main")] {
            let root = tree.open(vec![name.to_owned()], None, None);
            if tree.sources.contains_key(file) {
                tree.read_file(file, root, "");
            }
        }
        let stray: Vec<_> = tree.sources.keys().filter(|file| !tree.reached.contains(*file)).collect();
        let stray =
            stray.into_iter().map(|file| format!("src/{file}: no module reaches this file")).collect::<Vec<_>>();
        tree.problems.extend(stray);
        tree
    }

    /// The modules right under the library's root that exist, and the roots themselves.
    pub(crate) fn rooms(&self) -> impl Iterator<Item = &str> {
        self.scopes[0].children.keys().map(String::as_str).chain(["lib", "main"])
    }

    /// The room a scope belongs to.
    pub(crate) fn room_of_scope(&self, scope: usize) -> &str {
        let path = &self.scopes[scope].path;
        match (path[0].as_str(), path.get(1)) {
            ("crate", Some(room)) => room,
            ("crate", None) => "lib",
            _ => "main",
        }
    }

    /// The room a resolved name belongs to; `None` for what is outside or in a root.
    pub(crate) fn room_of_name(&self, name: &[String]) -> Option<&str> {
        match name {
            [root, room, ..] if root == "crate" => {
                self.scopes[0].children.get_key_value(room).map(|(key, _)| key.as_str())
            }
            _ => None,
        }
    }

    /// A new scope.
    pub(crate) fn open(&mut self, path: Vec<String>, around: Option<usize>, above: Option<usize>) -> usize {
        self.scopes.push(Scope { path, around, above, ..Scope::default() });
        self.scopes.len() - 1
    }

    /// A new module below another.
    pub(crate) fn open_module(&mut self, name: &str, above: usize) -> usize {
        let mut path = self.scopes[above].path.clone();
        path.push(name.to_owned());
        let scope = self.open(path, None, Some(above));
        self.scopes[above].children.insert(name.to_owned(), scope);
        scope
    }

    /// The module a scope is in: itself, or what is around the block.
    pub(crate) fn module_of(&self, scope: usize) -> usize {
        self.scopes[scope].around.map_or(scope, |around| self.module_of(around))
    }

    /// The first of these files that exists, for a module that stands in its own file.
    pub(crate) fn file_of_module(&mut self, candidates: [String; 2]) -> Option<String> {
        let file = candidates.into_iter().find(|file| self.sources.contains_key(file))?;
        self.reached.insert(file.clone());
        Some(file)
    }

    /// Everything in a folder is test code when the module it belongs to is.
    pub(crate) fn skip_below(&mut self, folder: &str) {
        let below: Vec<_> = self.sources.keys().filter(|file| file.starts_with(folder)).cloned().collect();
        self.reached.extend(below);
    }

    /// Parses one file into its module; `folder` is where its child modules live, with a final `/`.
    pub(crate) fn read_file(&mut self, file: &str, scope: usize, folder: &str) {
        self.reached.insert(file.to_owned());
        match syn::parse_file(&self.sources[file]) {
            Ok(parsed) => scan::file(self, &parsed, file, scope, folder),
            Err(error) => self.problems.push(format!("src/{file}: {error}")),
        }
    }
}

impl Mention {
    /// For people.
    pub(crate) fn place(&self) -> String {
        format!("src/{}:{}", self.file, self.line)
    }
}
