//! Walks one file's syntax: binds the names it declares and collects the names it mentions.
//!
//! Resolves nothing; that needs the whole tree. Leaves out `#[cfg(test)]` items.

use crate::tokens;
use crate::tree::{Binding, Kind, Mention, Tree};
use proc_macro2::Span;
use syn::{Attribute, Item, UseTree, Visibility, spanned::Spanned, visit, visit::Visit};

/// Reads a parsed file into the scope of its module.
pub(crate) fn file(tree: &mut Tree, parsed: &syn::File, file: &str, scope: usize, folder: &str) {
    Scan { tree, file, scope, folder: folder.to_owned(), own: Vec::new() }.visit_file(parsed);
}

/// The walk, standing in one scope.
pub(crate) struct Scan<'a> {
    tree: &'a mut Tree,
    file: &'a str,
    scope: usize,
    folder: String,
    /// What `Self` is, innermost last.
    own: Vec<Vec<String>>,
}

impl Scan<'_> {
    /// Notes a name. `Self` is replaced by the type it stands for.
    pub(crate) fn mention(&mut self, kind: Kind, mut segments: Vec<String>, span: Span) {
        if segments.first().is_some_and(|first| first == "Self") {
            let Some(own) = self.own.last() else { return };
            segments.splice(..1, own.iter().cloned());
        }
        let (file, line) = (self.file.to_owned(), span.start().line);
        self.tree.mentions.push(Mention { scope: self.scope, kind, segments, file, line });
    }

    fn bind(&mut self, name: String, path: Option<Vec<String>>, vis: &Visibility) {
        let public = !matches!(vis, Visibility::Inherited);
        self.tree.scopes[self.scope].names.entry(name).or_default().push(Binding { path, public });
    }

    fn import(&mut self, before: &[String], tree: &UseTree, vis: &Visibility) {
        let joined = |name: String| before.iter().cloned().chain([name]).collect::<Vec<_>>();
        match tree {
            UseTree::Path(part) => self.import(&joined(part.ident.to_string()), &part.tree, vis),
            UseTree::Group(group) => group.items.iter().for_each(|item| self.import(before, item, vis)),
            UseTree::Name(name) if name.ident == "self" => {
                let last = before.last().expect("self stands in a group").clone();
                self.import_one(before.to_vec(), last, vis, name.span());
            }
            UseTree::Name(name) => {
                self.import_one(joined(name.ident.to_string()), name.ident.to_string(), vis, name.span());
            }
            UseTree::Rename(name) if name.ident == "self" => {
                self.import_one(before.to_vec(), name.rename.to_string(), vis, name.span());
            }
            UseTree::Rename(name) => {
                self.import_one(joined(name.ident.to_string()), name.rename.to_string(), vis, name.span());
            }
            UseTree::Glob(star) => {
                let public = !matches!(vis, Visibility::Inherited);
                self.mention(Kind::Use, before.to_vec(), star.span());
                self.tree.scopes[self.scope].globs.push(Binding { path: Some(before.to_vec()), public });
            }
        }
    }

    fn import_one(&mut self, path: Vec<String>, name: String, vis: &Visibility, span: Span) {
        self.mention(Kind::Use, path.clone(), span);
        self.bind(name, Some(path), vis);
    }

    /// Walks with another scope in force.
    fn within(&mut self, scope: usize, folder: String, walk: impl FnOnce(&mut Self)) {
        let outer = (std::mem::replace(&mut self.scope, scope), std::mem::replace(&mut self.folder, folder));
        walk(self);
        (self.scope, self.folder) = outer;
    }

    fn module(&mut self, item: &syn::ItemMod) {
        let name = item.ident.to_string();
        let folder = format!("{}{name}/", self.folder);
        let test = only_for_tests(&item.attrs);
        if test {
            self.tree.skip_below(&folder);
        }
        if item.content.is_some() {
            if !test {
                let scope = self.tree.open_module(&name, self.tree.module_of(self.scope));
                self.within(scope, folder, |scan| visit::visit_item_mod(scan, item));
            }
            return;
        }
        let candidates = match path_attribute(&item.attrs) {
            Some(path) => [relative(self.file, &path), String::new()],
            None => [format!("{}{name}.rs", self.folder), format!("{folder}mod.rs")],
        };
        match self.tree.file_of_module(candidates) {
            _ if test => {}
            Some(file) => {
                let scope = self.tree.open_module(&name, self.scope);
                self.tree.read_file(&file, scope, &folder);
            }
            None => self.tree.problems.push(format!("src/{}: no file for `mod {name}`", self.file)),
        }
    }

    /// A path behind a `<Type as Trait>`: the member of the type, and that of the trait.
    fn qualified(&mut self, qself: &syn::QSelf, path: &syn::Path) {
        let names: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if let syn::Type::Path(of) = &*qself.ty {
            let member = segments(&of.path).into_iter().chain(names[qself.position..].iter().cloned());
            self.mention(Kind::Path, member.collect(), path.span());
        }
        if qself.position > 0 {
            self.mention(Kind::Path, segments(path), path.span());
        }
        self.visit_type(&qself.ty);
        path.segments.iter().for_each(|segment| self.visit_path_arguments(&segment.arguments));
    }
}

impl<'ast> Visit<'ast> for Scan<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if only_for_tests(attributes(item)) {
            if let Item::Mod(module) = item {
                self.module(module);
            }
            return;
        }
        match item {
            Item::Mod(module) => return self.module(module),
            Item::Struct(it) => self.bind(it.ident.to_string(), None, &it.vis),
            Item::Enum(it) => self.bind(it.ident.to_string(), None, &it.vis),
            Item::Union(it) => self.bind(it.ident.to_string(), None, &it.vis),
            Item::Trait(it) => self.bind(it.ident.to_string(), None, &it.vis),
            Item::Const(it) => self.bind(it.ident.to_string(), None, &it.vis),
            Item::Static(it) => self.bind(it.ident.to_string(), None, &it.vis),
            Item::Fn(it) => self.bind(it.sig.ident.to_string(), None, &it.vis),
            Item::Type(it) => {
                let alias = match &*it.ty {
                    syn::Type::Path(of) if of.qself.is_none() => Some(segments(&of.path)),
                    _ => None,
                };
                self.bind(it.ident.to_string(), alias, &it.vis);
            }
            Item::Macro(it) => {
                if let Some(name) = &it.ident {
                    self.bind(name.to_string(), None, &Visibility::Inherited);
                }
            }
            _ => {}
        }
        visit::visit_item(self, item);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let before = if item.leading_colon.is_some() { vec![String::new()] } else { Vec::new() };
        self.import(&before, &item.tree, &item.vis);
    }

    fn visit_item_extern_crate(&mut self, item: &'ast syn::ItemExternCrate) {
        let name = item.rename.as_ref().map_or(&item.ident, |(_, name)| name).to_string();
        self.import_one(vec![String::new(), item.ident.to_string()], name, &item.vis, item.span());
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let own = match &*item.self_ty {
            syn::Type::Path(of) if of.qself.is_none() => Some(segments(&of.path)),
            _ => None,
        };
        let depth = self.own.len();
        self.own.extend(own);
        visit::visit_item_impl(self, item);
        self.own.truncate(depth);
    }

    fn visit_block(&mut self, block: &'ast syn::Block) {
        let path = self.tree.scopes[self.scope].path.clone();
        let scope = self.tree.open(path, Some(self.scope), None);
        self.within(scope, self.folder.clone(), |scan| visit::visit_block(scan, block));
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !only_for_tests(&item.attrs) {
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_expr_path(&mut self, expr: &'ast syn::ExprPath) {
        match &expr.qself {
            Some(qself) => self.qualified(qself, &expr.path),
            None => visit::visit_expr_path(self, expr),
        }
    }

    fn visit_type_path(&mut self, of: &'ast syn::TypePath) {
        match &of.qself {
            Some(qself) => self.qualified(qself, &of.path),
            None => visit::visit_type_path(self, of),
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.mention(Kind::Path, segments(path), path.span());
        visit::visit_path(self, path);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        self.mention(Kind::Method, vec![call.method.to_string()], call.method.span());
        visit::visit_expr_method_call(self, call);
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        self.mention(Kind::Macro, segments(&called.path), called.path.span());
        tokens::scan(self, called.tokens.clone());
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if attribute.path().is_ident("doc") {
            return;
        }
        self.mention(Kind::Path, segments(attribute.path()), attribute.path().span());
        match &attribute.meta {
            syn::Meta::List(list) => tokens::scan(self, list.tokens.clone()),
            syn::Meta::NameValue(pair) => self.visit_expr(&pair.value),
            syn::Meta::Path(_) => {}
        }
    }
}

fn segments(path: &syn::Path) -> Vec<String> {
    let lead = path.leading_colon.map(|_| String::new());
    lead.into_iter().chain(path.segments.iter().map(|segment| segment.ident.to_string())).collect()
}

fn only_for_tests(attrs: &[Attribute]) -> bool {
    fn needs_test(meta: &syn::Meta) -> bool {
        let syn::Meta::List(list) = meta else { return meta.path().is_ident("test") };
        let list_of = syn::punctuated::Punctuated::<syn::Meta, syn::Token![,]>::parse_terminated;
        let parts = list.parse_args_with(list_of).unwrap_or_default();
        list.path.is_ident("all") && parts.iter().any(needs_test)
    }
    attrs
        .iter()
        .filter(|attr| attr.path().is_ident("cfg"))
        .any(|attr| attr.parse_args().is_ok_and(|meta| needs_test(&meta)))
}

fn path_attribute(attrs: &[Attribute]) -> Option<String> {
    attrs.iter().filter(|attr| attr.path().is_ident("path")).find_map(|attr| match &attr.meta {
        syn::Meta::NameValue(syn::MetaNameValue {
            value: syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }),
            ..
        }) => Some(text.value()),
        _ => None,
    })
}

fn relative(file: &str, path: &str) -> String {
    file.rsplit_once('/').map_or_else(|| path.to_owned(), |(folder, _)| format!("{folder}/{path}"))
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(it) => &it.attrs,
        Item::Enum(it) => &it.attrs,
        Item::ExternCrate(it) => &it.attrs,
        Item::Fn(it) => &it.attrs,
        Item::Impl(it) => &it.attrs,
        Item::Macro(it) => &it.attrs,
        Item::Mod(it) => &it.attrs,
        Item::Static(it) => &it.attrs,
        Item::Struct(it) => &it.attrs,
        Item::Trait(it) => &it.attrs,
        Item::Type(it) => &it.attrs,
        Item::Union(it) => &it.attrs,
        Item::Use(it) => &it.attrs,
        _ => &[],
    }
}
