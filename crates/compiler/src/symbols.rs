//! Scopes: which name lives where. The rules and error sentences of CPython's symtable.c.

mod resolve;

use crate::emit::{Future, LATE_FUTURE};
use crate::error::{CompileError, Lines};
use ruff_python_ast::visitor::Visitor;
use ruff_python_ast::*;
use ruff_text_size::{Ranged, TextRange};
use rustc_hash::{FxHashMap, FxHashSet};
use std::rc::Rc;

/// Where a name resolved to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolved {
    Local,
    GlobalExplicit,
    GlobalImplicit,
    Free,
    Cell,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScopeKind {
    Module,
    Class,
    Function,
    /// `__annotate__`, type parameters, type alias values, bounds.
    Annotation,
}

pub const DEF_GLOBAL: u16 = 1;
pub const DEF_LOCAL: u16 = 2;
pub const DEF_PARAM: u16 = 4;
pub const DEF_NONLOCAL: u16 = 8;
pub const USE: u16 = 16;
pub const DEF_FREE_CLASS: u16 = 32;
pub const DEF_ANNOT: u16 = 64;
pub const DEF_COMP_ITER: u16 = 128;
/// Beside `DEF_LOCAL`: a type parameter.
pub const DEF_TYPE_PARAM: u16 = 256;
/// Bound by an import and by nothing else, or beside `DEF_LOCAL`.
pub const DEF_IMPORT: u16 = 512;
const DEF_BOUND: u16 = DEF_LOCAL | DEF_PARAM | DEF_IMPORT;

#[derive(Clone, Debug)]
pub struct Symbol {
    pub flags: u16,
    pub resolved: Option<Resolved>,
    /// Where the name stands first.
    pub at: TextRange,
}

#[derive(Debug)]
pub struct Scope {
    pub kind: ScopeKind,
    pub name: Rc<str>,
    /// What opened it.
    pub at: TextRange,
    pub comprehension: bool,
    pub symbols: FxHashMap<Rc<str>, Symbol>,
    /// Parameters in order.
    pub params: Vec<Rc<str>>,
    pub children: Vec<usize>,
    pub parent: Option<usize>,
    pub nested: bool,
    pub has_free: bool,
    pub generator: bool,
    pub coroutine: bool,
    /// The body of an `async def`.
    pub async_function: bool,
    pub needs_class_closure: bool,
    pub needs_classdict: bool,
    /// An annotation scope right inside a class: names are looked up in the class namespace first.
    pub sees_class: bool,
    /// The class name that private names are mangled with.
    pub private: Option<Rc<str>>,
    /// In the type parameters of a class, where its name is not the enclosing one: the only names that are mangled with it.
    only_mangled: Option<Rc<FxHashSet<Rc<str>>>>,
    /// Deep in the iterables of a comprehension: `:=` has no place there.
    in_iterable: usize,
    /// Names assigned as `self.name` in functions of a class.
    pub attributes: Vec<Rc<str>>,
    /// The scope of the annotations of a module or class body that are evaluated late.
    pub annotations: Option<usize>,
    /// Annotations are evaluated where they stand: see `annotations`.
    pub eager_annotations: bool,
    returns_value: Option<TextRange>,
    /// Of a scope of annotations and their kin: what it is, in words.
    within: &'static str,
}

/// What a scope belongs to; one node may own several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    Body(usize),
    TypeParams(usize),
    Annotations(usize),
    Bound(usize),
    Default(usize),
    Value(usize),
}

pub struct Table {
    pub scopes: Vec<Scope>,
    pub of: FxHashMap<Owner, usize>,
}

/// The address that names a node.
pub fn key<T>(node: &T) -> usize {
    node as *const T as usize
}

type Done = Result<(), Box<CompileError>>;

struct Builder<'a> {
    lines: &'a Lines<'a>,
    table: Table,
    current: usize,
    future: &'a Future,
    /// The module may await (`PyCF_ALLOW_TOP_LEVEL_AWAIT`).
    module_awaits: bool,
    names: FxHashMap<String, Rc<str>>,
}

/// Applies private name mangling.
pub fn mangle(private: Option<&str>, name: &str) -> Option<String> {
    let class = private?;
    if !name.starts_with("__") || name.ends_with("__") || name.contains('.') {
        return None;
    }
    let stripped = class.trim_start_matches('_');
    (!stripped.is_empty()).then(|| format!("_{stripped}{name}"))
}

impl Scope {
    /// A private name as it is stored; none: as it is written.
    pub fn mangled(&self, name: &str) -> Option<String> {
        if self.only_mangled.as_ref().is_some_and(|only| !only.contains(name)) {
            return None;
        }
        mangle(self.private.as_deref(), name)
    }
}

/// Builds and resolves the scopes of a program.
pub fn build(lines: &Lines, module: &Mod, future: &Future, module_awaits: bool) -> Result<Table, Box<CompileError>> {
    let mut b = Builder { lines, table: Table { scopes: Vec::new(), of: FxHashMap::default() }, current: 0, future, module_awaits, names: FxHashMap::default() };
    b.open(ScopeKind::Module, "<module>", Owner::Body(0), TextRange::default());
    match module {
        Mod::Module(m) => {
            b.annotations_of_body(&m.body, key(m))?;
            b.body(&m.body)?;
        }
        Mod::Expression(e) => b.expr(&e.body)?,
    }
    let mut free = FxHashSet::default();
    resolve::analyze(&mut b.table, 0, &resolve::Around::default(), &mut free, &mut FxHashSet::default(), lines)?;
    Ok(b.table)
}

impl<'a> Builder<'a> {
    fn intern(&mut self, name: &str) -> Rc<str> {
        if let Some(found) = self.names.get(name) {
            return found.clone();
        }
        let made: Rc<str> = name.into();
        self.names.insert(name.to_string(), made.clone());
        made
    }

    fn scope(&mut self) -> &mut Scope {
        &mut self.table.scopes[self.current]
    }

    fn open(&mut self, kind: ScopeKind, name: &str, owner: Owner, at: TextRange) -> usize {
        let id = self.table.scopes.len();
        let name = self.intern(name);
        let (parent, nested, private, only_mangled, in_iterable) = if id == 0 {
            (None, false, None, None, 0)
        } else {
            let p = &self.table.scopes[self.current];
            let nested = p.nested || matches!(p.kind, ScopeKind::Function | ScopeKind::Annotation);
            let only_mangled = p.only_mangled.clone().filter(|_| kind != ScopeKind::Class);
            (Some(self.current), nested, p.private.clone(), only_mangled, p.in_iterable)
        };
        let private = if kind == ScopeKind::Class { Some(name.clone()) } else { private };
        let sees_class = kind == ScopeKind::Annotation
            && parent.is_some_and(|p| self.table.scopes[p].kind == ScopeKind::Class || self.table.scopes[p].sees_class && self.table.scopes[p].kind == ScopeKind::Annotation);
        self.table.scopes.push(Scope {
            kind,
            name,
            at,
            comprehension: false,
            symbols: FxHashMap::default(),
            params: Vec::new(),
            children: Vec::new(),
            parent,
            nested,
            has_free: false,
            generator: false,
            coroutine: false,
            async_function: false,
            needs_class_closure: false,
            needs_classdict: false,
            sees_class,
            within: "an annotation",
            private,
            only_mangled,
            in_iterable,
            attributes: Vec::new(),
            annotations: None,
            eager_annotations: false,
            returns_value: None,
        });
        if let Some(p) = parent {
            self.table.scopes[p].children.push(id);
        }
        self.table.of.insert(owner, id);
        self.current = id;
        if sees_class {
            self.add("__classdict__", USE, TextRange::default()).ok();
        }
        id
    }

    fn close(&mut self) {
        self.current = self.scope().parent.unwrap_or(0);
    }

    fn add(&mut self, name: &str, flags: u16, at: TextRange) -> Done {
        let mangled = self.scope().mangled(name);
        let name = self.intern(mangled.as_deref().unwrap_or(name));
        let lines = self.lines;
        let scope = self.scope();
        let old = scope.symbols.get(&name).map_or(0, |s| s.flags);
        if flags & DEF_PARAM != 0 && old & DEF_PARAM != 0 {
            return Err(lines.error(format!("duplicate argument '{name}' in function definition"), at.start().to_u32(), at.end().to_u32()));
        }
        if &*name == "__debug__" && flags & DEF_BOUND != 0 {
            return Err(lines.error("cannot assign to __debug__", at.start().to_u32(), at.end().to_u32()));
        }
        let merged = old | flags;
        if flags & DEF_COMP_ITER != 0 && merged & (DEF_GLOBAL | DEF_NONLOCAL) != 0 {
            return Err(lines.error(format!("comprehension inner loop cannot rebind assignment expression target '{name}'"), at.start().to_u32(), at.end().to_u32()));
        }
        scope.symbols.entry(name.clone()).and_modify(|s| s.flags = merged).or_insert(Symbol { flags: merged, resolved: None, at });
        if flags & DEF_PARAM != 0 {
            scope.params.push(name);
        } else if flags & DEF_GLOBAL != 0 {
            let module = &mut self.table.scopes[0];
            module.symbols.entry(name).and_modify(|s| s.flags |= DEF_GLOBAL).or_insert(Symbol { flags: DEF_GLOBAL, resolved: None, at });
        }
        Ok(())
    }

    fn fail(&self, message: impl Into<String>, at: TextRange) -> Done {
        Err(self.lines.error(message, at.start().to_u32(), at.end().to_u32()))
    }

    fn body(&mut self, body: &[Stmt]) -> Done {
        body.iter().try_for_each(|s| self.stmt(s))
    }

    /// Opens the `__annotate__` scope of a module or class when a simple name is annotated in it.
    fn annotations_of_body(&mut self, body: &[Stmt], id: usize) -> Done {
        if self.future.annotations() {
            return Ok(());
        }
        let mut found = Vec::new();
        annotated(body, &mut found);
        if found.is_empty() {
            return Ok(());
        }
        if crate::annotations::are_used(self.lines.source, body) {
            self.scope().eager_annotations = true;
            return Ok(());
        }
        let name = if self.scope().kind == ScopeKind::Module { "__annotate__" } else { "__annotate_func__" };
        self.add(name, DEF_LOCAL, TextRange::default())?;
        if self.scope().kind == ScopeKind::Module {
            self.add("__conditional_annotations__", USE | DEF_LOCAL, TextRange::default())?;
        }
        // What is annotated is read where it stands.
        let scope = self.open(ScopeKind::Annotation, "__annotate__", Owner::Annotations(id), found[0].range);
        self.add("format", DEF_PARAM, TextRange::default())?;
        self.close();
        self.scope().annotations = Some(scope);
        Ok(())
    }

    fn stmt(&mut self, stmt: &Stmt) -> Done {
        stacker::maybe_grow(64 << 10, 1 << 20, || self.stmt_inner(stmt))
    }

    fn stmt_inner(&mut self, stmt: &Stmt) -> Done {
        match stmt {
            Stmt::FunctionDef(f) => {
                self.add(&f.name.id, DEF_LOCAL, f.range)?;
                self.defaults(&f.parameters)?;
                for d in &f.decorator_list {
                    self.expr(&d.expression)?;
                }
                let generic = f.type_params.as_deref();
                if let Some(tp) = generic {
                    self.type_params(tp, &f.name.id, key(f))?;
                }
                self.function_annotations(f)?;
                self.open(ScopeKind::Function, &f.name.id, Owner::Body(key(f)), f.name.range);
                if f.is_async {
                    self.scope().async_function = true;
                    self.scope().coroutine = true;
                }
                self.params(&f.parameters)?;
                self.body(&f.body)?;
                self.collect_attributes(f);
                self.close();
                if generic.is_some() {
                    self.close();
                }
            }
            Stmt::ClassDef(c) => {
                self.add(&c.name.id, DEF_LOCAL, c.range)?;
                for d in &c.decorator_list {
                    self.expr(&d.expression)?;
                }
                let generic = c.type_params.as_deref();
                if let Some(tp) = generic {
                    self.class_type_params(tp, &c.name.id, key(c))?;
                    self.add(".generic_base", DEF_LOCAL, TextRange::default())?;
                    self.add(".type_params", DEF_LOCAL | USE, TextRange::default())?;
                }
                if let Some(args) = &c.arguments {
                    self.arguments(args)?;
                }
                self.open(ScopeKind::Class, &c.name.id, Owner::Body(key(c)), c.name.range);
                if generic.is_some() {
                    self.add("__type_params__", DEF_LOCAL, TextRange::default())?;
                    self.add(".type_params", USE, TextRange::default())?;
                }
                self.annotations_of_body(&c.body, key(c))?;
                self.body(&c.body)?;
                self.close();
                if generic.is_some() {
                    self.close();
                }
            }
            Stmt::TypeAlias(t) => {
                let Expr::Name(name) = &*t.name else { return Ok(()) };
                self.add(&name.id, DEF_LOCAL, name.range)?;
                if let Some(tp) = &t.type_params {
                    self.type_params(tp, &name.id, key(t))?;
                }
                self.open(ScopeKind::Annotation, &name.id, Owner::Value(key(t)), t.range);
                self.scope().within = "a type alias";
                self.add("format", DEF_PARAM, TextRange::default())?;
                self.expr(&t.value)?;
                self.close();
                if t.type_params.is_some() {
                    self.close();
                }
            }
            Stmt::Return(r) => {
                if let Some(v) = &r.value {
                    self.expr(v)?;
                    self.scope().returns_value.get_or_insert(r.range);
                }
            }
            Stmt::Delete(d) => d.targets.iter().try_for_each(|e| self.expr(e))?,
            Stmt::Assign(a) => {
                for t in &a.targets {
                    self.expr(t)?;
                }
                self.expr(&a.value)?;
            }
            Stmt::AugAssign(a) => {
                self.expr(&a.target)?;
                self.expr(&a.value)?;
            }
            Stmt::AnnAssign(a) => self.ann_assign(a)?,
            Stmt::For(f) => {
                if f.is_async {
                    self.require_async(f.range, "'async for' outside async function")?;
                }
                self.expr(&f.target)?;
                self.expr(&f.iter)?;
                self.body(&f.body)?;
                self.body(&f.orelse)?;
            }
            Stmt::While(w) => {
                self.expr(&w.test)?;
                self.body(&w.body)?;
                self.body(&w.orelse)?;
            }
            Stmt::If(i) => {
                self.expr(&i.test)?;
                self.body(&i.body)?;
                for clause in &i.elif_else_clauses {
                    if let Some(t) = &clause.test {
                        self.expr(t)?;
                    }
                    self.body(&clause.body)?;
                }
            }
            Stmt::With(w) => {
                if w.is_async {
                    self.require_async(w.range, "'async with' outside async function")?;
                }
                for item in &w.items {
                    self.expr(&item.context_expr)?;
                    if let Some(v) = &item.optional_vars {
                        self.expr(v)?;
                    }
                }
                self.body(&w.body)?;
            }
            Stmt::Match(m) => {
                self.expr(&m.subject)?;
                for case in &m.cases {
                    self.pattern(&case.pattern)?;
                    if let Some(g) = &case.guard {
                        self.expr(g)?;
                    }
                    self.body(&case.body)?;
                }
            }
            Stmt::Raise(r) => {
                for e in [&r.exc, &r.cause].into_iter().flatten() {
                    self.expr(e)?;
                }
            }
            Stmt::Try(t) => {
                self.body(&t.body)?;
                for ExceptHandler::ExceptHandler(h) in &t.handlers {
                    if let Some(e) = &h.type_ {
                        self.expr(e)?;
                    }
                    if let Some(n) = &h.name {
                        self.add(&n.id, DEF_LOCAL, h.range)?;
                    }
                    self.body(&h.body)?;
                }
                self.body(&t.orelse)?;
                self.body(&t.finalbody)?;
            }
            Stmt::Assert(a) => {
                self.expr(&a.test)?;
                if let Some(m) = &a.msg {
                    self.expr(m)?;
                }
            }
            Stmt::Import(i) => i.names.iter().try_for_each(|a| self.alias(a))?,
            Stmt::ImportFrom(i) => {
                let of_future = i.level == 0 && i.module.as_ref().is_some_and(|m| &*m.id == "__future__");
                if of_future && self.lines.line(i.range.start().to_u32()) > self.future.last_line {
                    return self.fail(LATE_FUTURE, i.range);
                }
                i.names.iter().try_for_each(|a| self.alias(a))?;
            }
            Stmt::Global(g) => {
                for n in &g.names {
                    self.declare(&n.id, g.range, DEF_GLOBAL, "global")?;
                }
            }
            Stmt::Nonlocal(g) => {
                for n in &g.names {
                    self.declare(&n.id, g.range, DEF_NONLOCAL, "nonlocal")?;
                }
            }
            Stmt::Expr(e) => self.expr(&e.value)?,
            Stmt::Pass(_) | Stmt::Break(_) | Stmt::Continue(_) | Stmt::IpyEscapeCommand(_) => {}
        }
        Ok(())
    }

    fn declare(&mut self, name: &str, at: TextRange, flag: u16, word: &str) -> Done {
        let mangled = self.scope().mangled(name).unwrap_or_else(|| name.to_string());
        let old = self.scope().symbols.get(mangled.as_str()).map_or(0, |s| s.flags);
        let problem = if old & DEF_PARAM != 0 {
            format!("name '{name}' is parameter and {word}")
        } else if old & USE != 0 {
            format!("name '{name}' is used prior to {word} declaration")
        } else if old & DEF_ANNOT != 0 {
            format!("annotated name '{name}' can't be {word}")
        } else if old & DEF_LOCAL != 0 {
            format!("name '{name}' is assigned to before {word} declaration")
        } else {
            self.add(name, flag, at)?;
            // What is wrong with it is said of the declaration.
            if let Some(symbol) = self.scope().symbols.get_mut(mangled.as_str()) {
                // The first declaration is the one that errors show.
                if old & flag == 0 && symbol.flags & (DEF_GLOBAL | DEF_NONLOCAL) == flag {
                    symbol.at = at;
                }
            }
            return Ok(());
        };
        self.fail(problem, at)
    }

    fn alias(&mut self, a: &Alias) -> Done {
        if &*a.name.id == "*" {
            if self.scope().kind != ScopeKind::Module {
                return self.fail("import * only allowed at module level", a.range);
            }
            return Ok(());
        }
        let bound = a.asname.as_ref().unwrap_or(&a.name);
        let name = if a.asname.is_some() { &*bound.id } else { bound.id.split('.').next().unwrap_or("") };
        self.add(name, DEF_IMPORT, a.range)
    }

    fn ann_assign(&mut self, a: &StmtAnnAssign) -> Done {
        if let Expr::Name(n) = &*a.target {
            let name = self.scope().mangled(&n.id).unwrap_or_else(|| n.id.to_string());
            let old = self.scope().symbols.get(name.as_str()).map_or(0, |s| s.flags);
            if old & (DEF_GLOBAL | DEF_NONLOCAL) != 0 && self.current != 0 && a.simple {
                let word = if old & DEF_GLOBAL != 0 { "global" } else { "nonlocal" };
                return self.fail(format!("annotated name '{}' can't be {word}", n.id), a.range);
            }
            if a.simple {
                self.add(&n.id, DEF_ANNOT | DEF_LOCAL, n.range)?;
            } else if a.value.is_some() {
                self.add(&n.id, DEF_LOCAL, n.range)?;
            }
        } else {
            self.expr(&a.target)?;
        }
        let in_function = self.scope().kind == ScopeKind::Function;
        let late = !self.scope().eager_annotations && a.simple && matches!(&*a.target, Expr::Name(_)) && !in_function;
        if !late || self.future.annotations() {
            self.only_plain(&a.annotation)?;
        }
        if !late && !self.future.annotations() {
            if in_function {
                // Never evaluated: its names get a scope of their own so that they bind nothing here.
                self.open(ScopeKind::Annotation, "__annotate__", Owner::Annotations(key(a)), a.range);
                self.expr(&a.annotation)?;
                self.close();
            } else {
                self.expr(&a.annotation)?;
            }
        }
        if late && let Some(scope) = self.scope().annotations {
            let here = std::mem::replace(&mut self.current, scope);
            self.expr(&a.annotation)?;
            self.current = here;
        }
        if let Some(v) = &a.value {
            self.expr(v)?;
        }
        Ok(())
    }

    fn function_annotations(&mut self, f: &StmtFunctionDef) -> Done {
        if self.future.annotations() {
            return annotations_in_order(f).into_iter().try_for_each(|(_, ann)| self.only_plain(ann));
        }
        if !has_annotations(f) {
            return Ok(());
        }
        self.open(ScopeKind::Annotation, "__annotate__", Owner::Annotations(key(f)), f.name.range);
        self.add("format", DEF_PARAM, TextRange::default())?;
        for (_, ann) in annotations_in_order(f) {
            self.expr(ann)?;
        }
        self.close();
        Ok(())
    }

    fn type_params(&mut self, tp: &TypeParams, name: &str, id: usize) -> Done {
        self.open(ScopeKind::Annotation, &format!("<generic parameters of {name}>"), Owner::TypeParams(id), tp.range);
        self.scope().within = "the definition of a generic";
        self.each_type_param(tp)
    }
    /// Type parameters of a class are private to it; other names beside them are not.
    fn class_type_params(&mut self, tp: &TypeParams, name: &str, id: usize) -> Done {
        self.open(ScopeKind::Annotation, &format!("<generic parameters of {name}>"), Owner::TypeParams(id), tp.range);
        self.scope().within = "the definition of a generic";
        let private = self.intern(name);
        let own = tp.type_params.iter().map(|p| self.intern(&p.name().id)).collect();
        self.scope().private = Some(private);
        self.scope().only_mangled = Some(Rc::new(own));
        self.each_type_param(tp)
    }
    fn each_type_param(&mut self, tp: &TypeParams) -> Done {
        let mut defaults = false;
        for p in &tp.type_params {
            let (ident, bound, default) = match p {
                TypeParam::TypeVar(t) => (&t.name, t.bound.as_deref(), t.default.as_deref()),
                TypeParam::TypeVarTuple(t) => (&t.name, None, t.default.as_deref()),
                TypeParam::ParamSpec(t) => (&t.name, None, t.default.as_deref()),
            };
            let stored = self.scope().mangled(&ident.id).unwrap_or_else(|| ident.id.to_string());
            let old = self.scope().symbols.get(stored.as_str()).map_or(0, |s| s.flags);
            if old & DEF_LOCAL != 0 {
                return self.fail(format!("duplicate type parameter '{}'", ident.id), ident.range);
            }
            if defaults && default.is_none() {
                return self.fail(format!("non-default type parameter '{}' follows default type parameter", ident.id), p.range());
            }
            defaults |= default.is_some();
            self.add(&ident.id, DEF_LOCAL | DEF_TYPE_PARAM, ident.range)?;
            let of_bound = if bound.is_some_and(|b| b.is_tuple_expr()) { "a TypeVar constraint" } else { "a TypeVar bound" };
            let of_default = match p {
                TypeParam::TypeVar(_) => "a TypeVar default",
                TypeParam::TypeVarTuple(_) => "a TypeVarTuple default",
                TypeParam::ParamSpec(_) => "a ParamSpec default",
            };
            for (part, owner, within) in [(bound, Owner::Bound(key(p)), of_bound), (default, Owner::Default(key(p)), of_default)] {
                if let Some(e) = part {
                    self.open(ScopeKind::Annotation, &ident.id, owner, p.range());
                    self.scope().within = within;
                    self.add("format", DEF_PARAM, TextRange::default())?;
                    self.expr(e)?;
                    self.close();
                }
            }
        }
        Ok(())
    }

    fn defaults(&mut self, p: &Parameters) -> Done {
        for d in p.posonlyargs.iter().chain(&p.args).chain(&p.kwonlyargs).filter_map(|a| a.default.as_deref()) {
            self.expr(d)?;
        }
        Ok(())
    }

    fn params(&mut self, p: &Parameters) -> Done {
        for a in p.posonlyargs.iter().chain(&p.args).chain(&p.kwonlyargs) {
            self.add(&a.parameter.name.id, DEF_PARAM, a.parameter.name.range)?;
        }
        for a in [&p.vararg, &p.kwarg].into_iter().flatten() {
            self.add(&a.name.id, DEF_PARAM, a.name.range)?;
        }
        Ok(())
    }

    fn arguments(&mut self, args: &Arguments) -> Done {
        args.args.iter().try_for_each(|e| self.expr(e))?;
        args.keywords.iter().try_for_each(|k| self.expr(&k.value))
    }

    fn collect_attributes(&mut self, f: &StmtFunctionDef) {
        let Some(class) = self.scope().parent else { return };
        if self.table.scopes[class].kind != ScopeKind::Class {
            return;
        }
        let Some(first) = f.parameters.posonlyargs.first().or(f.parameters.args.first()) else { return };
        let mut found = Vec::new();
        self_attributes(&f.body, &first.parameter.name.id, &mut found);
        for name in found {
            let name = self.intern(name);
            let list = &mut self.table.scopes[class].attributes;
            if !list.contains(&name) {
                list.push(name);
            }
        }
    }

    fn pattern(&mut self, p: &Pattern) -> Done {
        match p {
            Pattern::MatchValue(v) => self.expr(&v.value),
            Pattern::MatchSingleton(_) => Ok(()),
            Pattern::MatchSequence(s) => s.patterns.iter().try_for_each(|p| self.pattern(p)),
            Pattern::MatchMapping(m) => {
                m.keys.iter().try_for_each(|k| self.expr(k))?;
                m.patterns.iter().try_for_each(|p| self.pattern(p))?;
                m.rest.iter().try_for_each(|n| self.add(&n.id, DEF_LOCAL, n.range))
            }
            Pattern::MatchClass(c) => {
                self.expr(&c.cls)?;
                c.arguments.patterns.iter().try_for_each(|p| self.pattern(p))?;
                c.arguments.keywords.iter().try_for_each(|k| self.pattern(&k.pattern))
            }
            Pattern::MatchStar(s) => s.name.iter().try_for_each(|n| self.add(&n.id, DEF_LOCAL, n.range)),
            Pattern::MatchAs(a) => {
                if let Some(p) = &a.pattern {
                    self.pattern(p)?;
                }
                a.name.iter().try_for_each(|n| self.add(&n.id, DEF_LOCAL, n.range))
            }
            Pattern::MatchOr(o) => o.patterns.iter().try_for_each(|p| self.pattern(p)),
        }
    }

    fn expr(&mut self, e: &Expr) -> Done {
        stacker::maybe_grow(64 << 10, 1 << 20, || self.expr_inner(e))
    }

    fn expr_inner(&mut self, e: &Expr) -> Done {
        match e {
            Expr::BoolOp(b) => b.values.iter().try_for_each(|v| self.expr(v))?,
            Expr::Named(n) => {
                self.no_scope_of(e, "named expression")?;
                if self.scope().in_iterable > 0 {
                    return self.fail("assignment expression cannot be used in a comprehension iterable expression", n.range);
                }
                if let Expr::Name(target) = &*n.target {
                    self.named_target(target, n.range)?;
                }
                self.expr(&n.value)?;
            }
            Expr::BinOp(b) => {
                self.expr(&b.left)?;
                self.expr(&b.right)?;
            }
            Expr::UnaryOp(u) => self.expr(&u.operand)?,
            Expr::Lambda(l) => {
                if let Some(p) = &l.parameters {
                    self.defaults(p)?;
                }
                self.open(ScopeKind::Function, "lambda", Owner::Body(key(l)), l.range);
                if let Some(p) = &l.parameters {
                    self.params(p)?;
                }
                self.expr(&l.body)?;
                self.close();
            }
            Expr::If(i) => {
                self.expr(&i.test)?;
                self.expr(&i.body)?;
                self.expr(&i.orelse)?;
            }
            Expr::Dict(d) => {
                for item in &d.items {
                    if let Some(k) = &item.key {
                        self.expr(k)?;
                    }
                    self.expr(&item.value)?;
                }
            }
            Expr::Set(s) => s.elts.iter().try_for_each(|v| self.expr(v))?,
            Expr::ListComp(c) => self.comprehension("listcomp", key(c), &c.generators, &c.elt, None, false, e.range())?,
            Expr::SetComp(c) => self.comprehension("setcomp", key(c), &c.generators, &c.elt, None, false, e.range())?,
            Expr::DictComp(c) => match &c.key {
                Some(k) => self.comprehension("dictcomp", key(c), &c.generators, k, Some(&c.value), false, e.range())?,
                None => {
                    // The stars before the value.
                    let from = e.start().to_usize();
                    let star = self.lines.source[from..c.value.start().to_usize()].rfind("**").map_or(from, |i| from + i) as u32;
                    return Err(self.lines.error("dict unpacking cannot be used in dict comprehension", star, star + 2));
                }
            },
            Expr::Generator(c) => self.comprehension("genexpr", key(c), &c.generators, &c.elt, None, true, e.range())?,
            Expr::Await(a) => {
                self.no_scope_of(e, "await expression")?;
                if !self.awaits_freely() {
                    if self.scope().kind != ScopeKind::Function {
                        return self.fail("'await' outside function", a.range);
                    }
                    if !self.scope().async_function && !self.scope().comprehension {
                        return self.fail("'await' outside async function", a.range);
                    }
                }
                self.scope().coroutine = true;
                self.expr(&a.value)?;
            }
            Expr::Yield(y) => {
                self.yields(e)?;
                if let Some(v) = &y.value {
                    self.expr(v)?;
                }
            }
            Expr::YieldFrom(y) => {
                self.yields(e)?;
                self.expr(&y.value)?;
            }
            Expr::Compare(c) => {
                self.expr(&c.left)?;
                c.comparators.iter().try_for_each(|v| self.expr(v))?;
            }
            Expr::Call(c) => {
                self.expr(&c.func)?;
                self.arguments(&c.arguments)?;
            }
            Expr::FString(f) => {
                for part in f.value.as_slice() {
                    if let FStringPart::FString(f) = part {
                        self.interpolated(&f.elements)?;
                    }
                }
            }
            Expr::TString(t) => t.value.as_slice().iter().try_for_each(|t| self.interpolated(&t.elements))?,
            Expr::Attribute(a) => self.expr(&a.value)?,
            Expr::Subscript(s) => {
                self.expr(&s.value)?;
                self.expr(&s.slice)?;
            }
            Expr::Starred(s) => self.expr(&s.value)?,
            Expr::Name(n) => {
                let flag = if n.ctx == ExprContext::Load { USE } else { DEF_LOCAL };
                if &*n.id == "__debug__" && flag == DEF_LOCAL {
                    let verb = if n.ctx == ExprContext::Del { "delete" } else { "assign to" };
                    return self.fail(format!("cannot {verb} __debug__"), n.range);
                }
                self.add(&n.id, flag, n.range)?;
                // super() reads __class__.
                if flag == USE && &*n.id == "super" && self.scope().kind == ScopeKind::Function {
                    self.add("__class__", USE, n.range)?;
                }
            }
            Expr::List(l) => l.elts.iter().try_for_each(|v| self.expr(v))?,
            Expr::Tuple(t) => t.elts.iter().try_for_each(|v| self.expr(v))?,
            Expr::Slice(s) => {
                for e in [&s.lower, &s.upper, &s.step].into_iter().flatten() {
                    self.expr(e)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn interpolated(&mut self, elements: &[InterpolatedStringElement]) -> Done {
        for part in elements {
            if let InterpolatedStringElement::Interpolation(i) = part {
                self.expr(&i.expression)?;
                if let Some(spec) = &i.format_spec {
                    self.interpolated(&spec.elements)?;
                }
            }
        }
        Ok(())
    }

    /// Whether the current scope is a module that may await.
    fn awaits_freely(&mut self) -> bool {
        self.module_awaits && self.scope().kind == ScopeKind::Module
    }
    fn require_async(&mut self, at: TextRange, message: &str) -> Done {
        if !self.awaits_freely() && !self.scope().async_function {
            return self.fail(message, at);
        }
        self.scope().coroutine = true;
        Ok(())
    }

    fn no_scope_of(&mut self, e: &Expr, what: &str) -> Done {
        if self.scope().kind == ScopeKind::Annotation {
            let within = self.scope().within;
            return self.fail(format!("{what} cannot be used within {within}"), e.range());
        }
        Ok(())
    }

    /// Refuses in an annotation that gets no scope what is refused in those that do.
    fn only_plain(&self, annotation: &Expr) -> Done {
        struct Search(Option<(&'static str, TextRange)>);
        impl<'a> Visitor<'a> for Search {
            fn visit_expr(&mut self, e: &'a Expr) {
                let what = match e {
                    Expr::Yield(_) | Expr::YieldFrom(_) => "yield expression",
                    Expr::Await(_) => "await expression",
                    Expr::Named(_) => "named expression",
                    Expr::Lambda(_) => return,
                    _ => return ruff_python_ast::visitor::walk_expr(self, e),
                };
                self.0.get_or_insert((what, e.range()));
            }
        }
        let mut search = Search(None);
        search.visit_expr(annotation);
        match search.0 {
            Some((what, at)) => self.fail(format!("{what} cannot be used within an annotation"), at),
            None => Ok(()),
        }
    }

    fn yields(&mut self, e: &Expr) -> Done {
        self.no_scope_of(e, "yield expression")?;
        if self.scope().comprehension {
            let what = match &*self.scope().name {
                "listcomp" => "list comprehension",
                "setcomp" => "set comprehension",
                "dictcomp" => "dict comprehension",
                _ => "generator expression",
            };
            return self.fail(format!("'yield' inside {what}"), e.range());
        }
        self.scope().generator = true;
        Ok(())
    }

    /// The target of `:=` binds in the innermost scope that is no comprehension.
    fn named_target(&mut self, target: &ExprName, at: TextRange) -> Done {
        if !self.scope().comprehension {
            return self.add(&target.id, DEF_LOCAL, target.range);
        }
        let here = self.current;
        let mut scope = here;
        let mangled = self.scope().mangled(&target.id);
        let name = mangled.as_deref().unwrap_or(target.id.as_str());
        while self.table.scopes[scope].comprehension {
            let iter_bound = self.table.scopes[scope].symbols.get(name).is_some_and(|s| s.flags & DEF_COMP_ITER != 0);
            if iter_bound {
                return self.fail(format!("assignment expression cannot rebind comprehension iteration variable '{}'", target.id), target.range);
            }
            scope = self.table.scopes[scope].parent.unwrap_or(0);
        }
        let _ = at;
        // Annotations are part of what they stand in; what else is evaluated later has no names of its own.
        while self.table.scopes[scope].kind == ScopeKind::Annotation {
            let within = self.table.scopes[scope].within;
            let place = match within {
                "the definition of a generic" => "within the definition of a generic",
                "a type alias" => "in a type alias",
                _ if within.contains(" Type") || within.contains(" ParamSpec") => "in a TypeVar bound",
                _ => {
                    scope = self.table.scopes[scope].parent.unwrap_or(0);
                    continue;
                }
            };
            return self.fail(format!("assignment expression within a comprehension cannot be used {place}"), target.range);
        }
        match self.table.scopes[scope].kind {
            ScopeKind::Class => self.fail("assignment expression within a comprehension cannot be used in a class body", target.range),
            ScopeKind::Module => {
                self.add(&target.id, DEF_GLOBAL, target.range)?;
                self.current = scope;
                self.add(&target.id, DEF_GLOBAL, target.range)?;
                self.current = here;
                Ok(())
            }
            _ => {
                let global = self.table.scopes[scope].symbols.get(name).is_some_and(|s| s.flags & DEF_GLOBAL != 0);
                self.add(&target.id, if global { DEF_GLOBAL } else { DEF_NONLOCAL }, target.range)?;
                self.current = scope;
                self.add(&target.id, DEF_LOCAL, target.range)?;
                self.current = here;
                Ok(())
            }
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn comprehension(&mut self, name: &str, id: usize, generators: &[Comprehension], elt: &Expr, value: Option<&Expr>, is_genexpr: bool, at: TextRange) -> Done {
        let outer = &generators[0];
        self.iterable(&outer.iter)?;
        self.open(ScopeKind::Function, name, Owner::Body(id), at);
        self.scope().comprehension = true;
        if outer.is_async {
            self.scope().coroutine = true;
        }
        self.add(".0", DEF_PARAM, at)?;
        for (i, g) in generators.iter().enumerate() {
            self.comp_target(&g.target)?;
            if i > 0 {
                self.iterable(&g.iter)?;
                if g.is_async {
                    self.scope().coroutine = true;
                }
            }
            g.ifs.iter().try_for_each(|e| self.expr(e))?;
        }
        if let Some(v) = value {
            self.expr(v)?;
        }
        self.expr(elt)?;
        if is_genexpr {
            self.scope().generator = true;
        }
        let is_async = self.scope().coroutine && !is_genexpr;
        self.close();
        if is_async {
            if !self.scope().async_function && !self.scope().comprehension && !self.awaits_freely() {
                return self.fail("asynchronous comprehension outside of an asynchronous function", at);
            }
            self.scope().coroutine = true;
        }
        Ok(())
    }

    fn iterable(&mut self, e: &Expr) -> Done {
        self.scope().in_iterable += 1;
        self.expr(e)?;
        self.scope().in_iterable -= 1;
        Ok(())
    }

    fn comp_target(&mut self, target: &Expr) -> Done {
        match target {
            Expr::Name(n) => self.add(&n.id, DEF_LOCAL | DEF_COMP_ITER, n.range),
            Expr::Tuple(t) => t.elts.iter().try_for_each(|e| self.comp_target(e)),
            Expr::List(t) => t.elts.iter().try_for_each(|e| self.comp_target(e)),
            Expr::Starred(s) => self.comp_target(&s.value),
            _ => self.expr(target),
        }
    }
}

/// The annotated simple names of a body, nested blocks included, functions and classes not.
pub fn annotated<'b>(body: &'b [Stmt], out: &mut Vec<&'b StmtAnnAssign>) {
    for s in body {
        match s {
            Stmt::AnnAssign(a) if a.simple && matches!(&*a.target, Expr::Name(_)) => out.push(a),
            Stmt::If(i) => {
                annotated(&i.body, out);
                i.elif_else_clauses.iter().for_each(|c| annotated(&c.body, out));
            }
            Stmt::For(f) => {
                annotated(&f.body, out);
                annotated(&f.orelse, out);
            }
            Stmt::While(f) => {
                annotated(&f.body, out);
                annotated(&f.orelse, out);
            }
            Stmt::With(w) => annotated(&w.body, out),
            Stmt::Match(m) => m.cases.iter().for_each(|c| annotated(&c.body, out)),
            Stmt::Try(t) => {
                annotated(&t.body, out);
                t.handlers.iter().for_each(|ExceptHandler::ExceptHandler(h)| annotated(&h.body, out));
                annotated(&t.orelse, out);
                annotated(&t.finalbody, out);
            }
            _ => {}
        }
    }
}

/// Whether a function has any annotation.
pub fn has_annotations(f: &StmtFunctionDef) -> bool {
    f.returns.is_some() || annotations_in_order(f).next().is_some()
}

/// Annotations of a function in the order CPython evaluates them, `return` last.
pub fn annotations_in_order(f: &StmtFunctionDef) -> impl Iterator<Item = (&str, &Expr)> {
    let p = &*f.parameters;
    let named = |a: &'_ ParameterWithDefault| a.parameter.annotation.is_some();
    p.posonlyargs
        .iter()
        .chain(&p.args)
        .filter(move |a| named(a))
        .map(|a| &a.parameter)
        .chain(p.vararg.as_deref())
        .chain(p.kwonlyargs.iter().map(|a| &a.parameter))
        .chain(p.kwarg.as_deref())
        .filter_map(|a| Some((a.name.id.as_str(), a.annotation.as_deref()?)))
        .chain(f.returns.as_deref().map(|r| ("return", r)))
}

/// Names assigned as `first.name = ...` in the statements of a method.
fn self_attributes<'b>(body: &'b [Stmt], first: &str, out: &mut Vec<&'b str>) {
    fn target<'b>(e: &'b Expr, first: &str, out: &mut Vec<&'b str>) {
        match e {
            Expr::Attribute(a) if matches!(&*a.value, Expr::Name(n) if &*n.id == first) => out.push(&a.attr.id),
            Expr::Tuple(t) => t.elts.iter().for_each(|e| target(e, first, out)),
            Expr::List(t) => t.elts.iter().for_each(|e| target(e, first, out)),
            Expr::Starred(s) => target(&s.value, first, out),
            _ => {}
        }
    }
    for s in body {
        match s {
            Stmt::Assign(a) => a.targets.iter().for_each(|t| target(t, first, out)),
            Stmt::AugAssign(a) => target(&a.target, first, out),
            Stmt::AnnAssign(a) => target(&a.target, first, out),
            Stmt::If(i) => {
                self_attributes(&i.body, first, out);
                i.elif_else_clauses.iter().for_each(|c| self_attributes(&c.body, first, out));
            }
            Stmt::For(f) => {
                target(&f.target, first, out);
                self_attributes(&f.body, first, out);
                self_attributes(&f.orelse, first, out);
            }
            Stmt::While(f) => {
                self_attributes(&f.body, first, out);
                self_attributes(&f.orelse, first, out);
            }
            Stmt::With(w) => {
                w.items.iter().filter_map(|i| i.optional_vars.as_deref()).for_each(|v| target(v, first, out));
                self_attributes(&w.body, first, out);
            }
            Stmt::Match(m) => m.cases.iter().for_each(|c| self_attributes(&c.body, first, out)),
            Stmt::Try(t) => {
                self_attributes(&t.body, first, out);
                t.handlers.iter().for_each(|ExceptHandler::ExceptHandler(h)| self_attributes(&h.body, first, out));
                self_attributes(&t.orelse, first, out);
                self_attributes(&t.finalbody, first, out);
            }
            _ => {}
        }
    }
}
