//! Follows a name to everything it may mean: through imports, renames, aliases, globs and re-exports.
//!
//! Where a glob from outside leaves it open, every possibility is given: a breach must not hide in doubt.

use crate::tree::{Binding, Kind, Mention, Tree};
use std::collections::BTreeSet;

/// Full paths, each with all the stations on the way to it; outside crates begin with their own name,
/// `core` and `alloc` are `std`, a macro's last segment ends in `!`.
pub(crate) fn meanings(tree: &Tree, mention: &Mention) -> BTreeSet<Vec<String>> {
    if mention.kind == Kind::Method {
        return BTreeSet::from([mention.segments.clone()]);
    }
    let mut walk = Walk { tree, viewer: mention.scope, under_way: Vec::new(), found: BTreeSet::new() };
    walk.written(mention.scope, &mention.segments, mention.kind);
    let mut found = walk.found;
    if mention.kind == Kind::Macro {
        found = found.into_iter().map(with_bang).collect();
    }
    found
}

struct Walk<'a> {
    tree: &'a Tree,
    /// Where the name is written: private names are seen from here or not.
    viewer: usize,
    /// What is being looked up, against imports that go in circles.
    under_way: Vec<(usize, Vec<String>)>,
    found: BTreeSet<Vec<String>>,
}

impl<'a> Walk<'a> {
    /// A path as it stands in `scope`; true if it means something.
    fn written(&mut self, scope: usize, path: &[String], kind: Kind) -> bool {
        let key = (scope, path.to_vec());
        if self.under_way.contains(&key) {
            return false;
        }
        self.under_way.push(key);
        let found = self.look(scope, path, kind);
        self.under_way.pop();
        found
    }

    fn look(&mut self, scope: usize, path: &[String], kind: Kind) -> bool {
        let Some((first, rest)) = path.split_first() else { return false };
        let module = self.tree.module_of(scope);
        match first.as_str() {
            "" => self.outside(rest),
            "crate" => self.inside(self.root(module), rest),
            "self" => self.inside(module, rest),
            "super" => match self.tree.scopes[module].above {
                Some(above) if rest.first().is_some_and(|next| next == "super") => self.written(above, rest, kind),
                Some(above) => self.inside(above, rest),
                None => false,
            },
            _ => self.lexical(scope, path) || self.bare(path, kind),
        }
    }

    /// The first scope outwards that binds the name.
    fn lexical(&mut self, scope: usize, path: &[String]) -> bool {
        let mut around = Some(scope);
        while let Some(scope) = around {
            if self.member(scope, path) {
                return true;
            }
            around = self.tree.scopes[scope].around;
        }
        false
    }

    /// A name nobody binds: an outside crate, or a macro of the standard library.
    fn bare(&mut self, path: &[String], kind: Kind) -> bool {
        match (path.len(), kind) {
            (1, Kind::Macro) => self.outside(&["std".to_owned(), path[0].clone()]),
            (1, Kind::Path | Kind::Method) => false,
            _ => self.outside(path),
        }
    }

    fn outside(&mut self, path: &[String]) -> bool {
        let Some((first, rest)) = path.split_first() else { return false };
        match first.as_str() {
            env!("CARGO_PKG_NAME") => return self.inside(0, rest),
            "core" | "alloc" => {
                self.found.insert(std::iter::once("std".to_owned()).chain(rest.iter().cloned()).collect())
            }
            _ => self.found.insert(path.to_vec()),
        };
        true
    }

    /// The rest of a path from a module of ours. What is not found there may still be made by a macro.
    fn inside(&mut self, module: usize, rest: &[String]) -> bool {
        let here = &self.tree.scopes[module].path;
        self.found.insert(here.iter().chain(rest).cloned().collect());
        self.member(module, rest);
        true
    }

    /// What a scope itself has under that name.
    fn member(&mut self, scope: usize, path: &[String]) -> bool {
        let Some((first, rest)) = path.split_first() else { return false };
        let here = &self.tree.scopes[scope];
        let mut found = false;
        let bound = here.names.get(first).into_iter().flatten();
        if let Some(child) = here.children.get(first) {
            found |= self.inside(*child, rest);
        }
        for binding in self.seen(scope, bound) {
            match &binding.path {
                None => {
                    self.found.insert(here.path.iter().chain(path).cloned().collect());
                    found = true;
                }
                Some(to) => found |= self.import(scope, first, to, rest),
            }
        }
        found || self.through_globs(scope, path)
    }

    /// Through one import, and not again while it is being followed: in `use csv::csv` the crate is meant first.
    fn import(&mut self, scope: usize, name: &str, to: &[String], rest: &[String]) -> bool {
        let key = (scope, [&[format!("={name}")], to].concat());
        if self.under_way.contains(&key) {
            return false;
        }
        self.under_way.push(key);
        let found = self.written(scope, &[to, rest].concat(), Kind::Use);
        self.under_way.pop();
        found
    }

    /// Only our own modules can be asked whether they have the name; an outside one is noted and the search goes on.
    fn through_globs(&mut self, scope: usize, path: &[String]) -> bool {
        let globs = self.seen(scope, self.tree.scopes[scope].globs.iter());
        let mut found = false;
        for glob in globs {
            let to = glob.path.as_deref().unwrap_or_default();
            for source in self.stations(scope, to) {
                match self.module_at(&source) {
                    Some(module) => found |= self.guarded_member(module, path),
                    None if source.first().is_some_and(|root| root == "crate" || root == "main") => {}
                    None => {
                        self.found.insert(source.iter().chain(path).cloned().collect());
                    }
                }
            }
        }
        found
    }

    fn guarded_member(&mut self, module: usize, path: &[String]) -> bool {
        let key = (module, std::iter::once("*".to_owned()).chain(path.iter().cloned()).collect::<Vec<_>>());
        if self.under_way.contains(&key) {
            return false;
        }
        self.under_way.push(key);
        let found = self.member(module, path);
        if found {
            self.found.insert(self.tree.scopes[module].path.iter().chain(path).cloned().collect());
        }
        self.under_way.pop();
        found
    }

    /// Where the path of a glob leads.
    fn stations(&mut self, scope: usize, path: &[String]) -> BTreeSet<Vec<String>> {
        let before = std::mem::take(&mut self.found);
        self.written(scope, path, Kind::Use);
        std::mem::replace(&mut self.found, before)
    }

    fn module_at(&self, path: &[String]) -> Option<usize> {
        let (root, rest) = path.split_first()?;
        let start = if root == "crate" { 0 } else { return None };
        rest.iter().try_fold(start, |module, name| self.tree.scopes[module].children.get(name).copied())
    }

    /// Those that may be named from where the mention stands.
    fn seen(&self, scope: usize, bindings: impl Iterator<Item = &'a Binding>) -> Vec<&'a Binding> {
        let near = self.tree.scopes[self.viewer].path.starts_with(&self.tree.scopes[scope].path);
        bindings.filter(|binding| near || binding.public).collect()
    }

    fn root(&self, module: usize) -> usize {
        self.tree.scopes[module].above.map_or(module, |above| self.root(above))
    }
}

fn with_bang(mut path: Vec<String>) -> Vec<String> {
    if let Some(last) = path.last_mut() {
        last.push('!');
    }
    path
}
