//! Symbol tables as the module `symtable` shows them: the scopes of a program in the numbers of CPython's `_symtable`.

use crate::emit::future_features;
use crate::error::{CompileError, Lines};
use crate::symbols::{self, Owner, Resolved, Scope, ScopeKind, Symbol, Table};
use crate::{Mode, Options, parse, with_stack};
use rustc_hash::FxHashMap;

/// What a table describes; the numbers are those of `_symtable.TYPE_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    Function = 0,
    Class = 1,
    Module = 2,
    Annotation = 3,
    TypeAlias = 4,
    TypeParameters = 5,
    TypeVariable = 6,
}

/// One table.
#[derive(Debug)]
pub struct Entry {
    pub kind: EntryKind,
    pub name: String,
    /// 0 for a module.
    pub line: u32,
    pub nested: bool,
    /// Names and flags, in the order in which they stand in the source: `DEF_*` and, from bit `SCOPE_OFF` on, the scope.
    pub symbols: Vec<(String, u32)>,
    pub parameters: Vec<String>,
    pub children: Vec<Entry>,
}

pub const SCOPE_OFF: u32 = 12;
/// `_symtable`'s flags, by name.
pub const FLAGS: &[(&str, u32)] = &[
    ("USE", 16),
    ("DEF_GLOBAL", 1),
    ("DEF_NONLOCAL", 8),
    ("DEF_LOCAL", 2),
    ("DEF_PARAM", 4),
    ("DEF_TYPE_PARAM", 1024),
    ("DEF_FREE_CLASS", 64),
    ("DEF_IMPORT", 128),
    ("DEF_BOUND", 134),
    ("DEF_ANNOT", 256),
    ("DEF_COMP_ITER", 512),
    ("DEF_COMP_CELL", 2048),
    ("TYPE_FUNCTION", 0),
    ("TYPE_CLASS", 1),
    ("TYPE_MODULE", 2),
    ("TYPE_ANNOTATION", 3),
    ("TYPE_TYPE_ALIAS", 4),
    ("TYPE_TYPE_PARAMETERS", 5),
    ("TYPE_TYPE_VARIABLE", 6),
    ("LOCAL", LOCAL),
    ("GLOBAL_EXPLICIT", 2),
    ("GLOBAL_IMPLICIT", GLOBAL_IMPLICIT),
    ("FREE", FREE),
    ("CELL", CELL),
    ("SCOPE_OFF", SCOPE_OFF),
    ("SCOPE_MASK", 15),
];
const LOCAL: u32 = 1;
const GLOBAL_IMPLICIT: u32 = 3;
const FREE: u32 = 4;
const CELL: u32 = 5;
const USE: u32 = 16;
const DEF_PARAM: u32 = 4;

/// The tables of a program, from that of its module on. The error is a SyntaxError (or one of its kin).
pub fn symtable(source: &str, mode: Mode) -> Result<Entry, Box<CompileError>> {
    with_stack(source, || {
        let parsed = parse::parse(source, &Options::new(mode, ""))?;
        let lines = Lines::new(source);
        let future = future_features(&lines, &parsed.module)?;
        let table = symbols::build(&lines, &parsed.module, &future, false)?;
        let owners = table.of.iter().map(|(owner, id)| (*id, *owner)).collect();
        Ok(Reader { lines: &lines, table: &table, owners }.entry(0))
    })
}

struct Reader<'a> {
    lines: &'a Lines<'a>,
    table: &'a Table,
    owners: FxHashMap<usize, Owner>,
}

fn flags_of(symbol: &Symbol) -> u32 {
    let pairs = [
        (symbols::DEF_GLOBAL, 1),
        (symbols::DEF_LOCAL, 2),
        (symbols::DEF_PARAM, DEF_PARAM),
        (symbols::DEF_NONLOCAL, 8),
        (symbols::USE, USE),
        (symbols::DEF_FREE_CLASS, 64),
        (symbols::DEF_IMPORT, 128),
        (symbols::DEF_ANNOT, 256),
        (symbols::DEF_COMP_ITER, 512),
        (symbols::DEF_TYPE_PARAM, 1024),
    ];
    let flags = pairs.iter().filter(|p| symbol.flags & p.0 != 0).fold(0, |all, p| all | p.1);
    let scope = match symbol.resolved {
        Some(Resolved::Local) => LOCAL,
        Some(Resolved::GlobalExplicit) => 2,
        Some(Resolved::GlobalImplicit) => GLOBAL_IMPLICIT,
        Some(Resolved::Free) => FREE,
        Some(Resolved::Cell) => CELL,
        None => 0,
    };
    flags | scope << SCOPE_OFF
}

/// Whether a comprehension runs in the frame around it (PEP 709).
fn is_inlined(scope: &Scope, around: &Scope) -> bool {
    scope.comprehension && !scope.generator && !(around.kind == ScopeKind::Annotation && around.sees_class)
}

impl Reader<'_> {
    fn kind(&self, id: usize) -> EntryKind {
        match (self.table.scopes[id].kind, self.owners.get(&id)) {
            (ScopeKind::Module, _) => EntryKind::Module,
            (ScopeKind::Class, _) => EntryKind::Class,
            (ScopeKind::Function, _) => EntryKind::Function,
            (_, Some(Owner::TypeParams(_))) => EntryKind::TypeParameters,
            (_, Some(Owner::Value(_))) => EntryKind::TypeAlias,
            (_, Some(Owner::Bound(_) | Owner::Default(_))) => EntryKind::TypeVariable,
            _ => EntryKind::Annotation,
        }
    }

    /// Where the bracket of a generator expression stands: the only argument of a call shares the call's.
    fn opening(&self, start: u32) -> u32 {
        let source = self.lines.source;
        let (before, from) = source.split_at((start as usize).min(source.len()));
        if from.starts_with('(') { start } else { before.rfind('(').map_or(start, |at| at as u32) }
    }

    /// The scopes within one in the order of the source: that of a body's annotations stands where the first of them does.
    fn children(&self, scope: &Scope) -> Vec<usize> {
        let mut out = scope.children.clone();
        if let (ScopeKind::Module | ScopeKind::Class, Some(&first)) = (scope.kind, out.first())
            && matches!(self.owners.get(&first), Some(Owner::Annotations(_)))
        {
            let at = |id: usize| self.table.scopes[id].at.start();
            let before = out.iter().skip(1).take_while(|c| at(**c) < at(first)).count();
            out[..=before].rotate_left(1);
        }
        out
    }

    fn entry(&self, id: usize) -> Entry {
        let scope = &self.table.scopes[id];
        let kind = self.kind(id);
        let name = match kind {
            EntryKind::Module => "top".to_string(),
            EntryKind::TypeParameters => scope.name.trim_start_matches("<generic parameters of ").trim_end_matches('>').to_string(),
            _ => scope.name.to_string(),
        };
        let line = match kind {
            EntryKind::Module => 0,
            _ if scope.comprehension && scope.generator => self.lines.line(self.opening(scope.at.start().to_u32())),
            _ => self.lines.line(scope.at.start().to_u32()),
        };
        // Parameters are met first, in their order; everything else where it stands.
        let rank = |name: &str, s: &Symbol| match scope.params.iter().position(|p| &**p == name) {
            Some(i) => i as u32,
            None => s.at.start().to_u32() + scope.params.len() as u32,
        };
        let mut symbols: Vec<(u32, String, u32)> = scope.symbols.iter().map(|(n, s)| (rank(n, s), n.to_string(), flags_of(s))).collect();
        let mut parameters: Vec<String> = scope.params.iter().map(|p| p.to_string()).collect();
        let mut children = Vec::new();
        match kind {
            EntryKind::Module | EntryKind::Class => {
                // What the compiler binds for late annotations stands in no source.
                symbols.retain(|s| !matches!(&*s.1, "__annotate__" | "__annotate_func__") || s.0 != 0);
                for s in symbols.iter_mut().filter(|s| s.1 == "__conditional_annotations__") {
                    s.2 = USE | GLOBAL_IMPLICIT << SCOPE_OFF;
                }
            }
            EntryKind::Annotation | EntryKind::TypeAlias | EntryKind::TypeVariable => {
                for s in symbols.iter_mut().filter(|s| s.1 == "format" && s.2 & DEF_PARAM != 0) {
                    (s.1, s.2) = (".format".into(), s.2 | USE);
                }
                parameters.iter_mut().filter(|p| *p == "format").for_each(|p| *p = ".format".into());
            }
            EntryKind::TypeParameters => {
                symbols.iter_mut().filter(|s| s.1 == ".generic_base").for_each(|s| s.2 |= USE);
                let own = scope.children.iter().find_map(|c| self.owners.get(c).filter(|_| self.table.scopes[*c].kind == ScopeKind::Function));
                if let Some(Owner::Body(_)) = own {
                    symbols.push((u32::MAX, ".defaults".into(), DEF_PARAM | LOCAL << SCOPE_OFF));
                    parameters.push(".defaults".into());
                }
            }
            EntryKind::Function => {}
        }
        let mut last_annotations = None;
        for child in self.children(scope) {
            let inner = &self.table.scopes[child];
            let owner = self.owners.get(&child).copied();
            if let Some(Owner::Annotations(key)) = owner {
                last_annotations = Some(key);
            }
            // Every function has annotations, if only none.
            if let (Some(Owner::Body(key)), ScopeKind::Function, false) = (owner, inner.kind, inner.comprehension || &*inner.name == "lambda")
                && last_annotations != Some(key)
            {
                children.push(self.no_annotations(scope, inner));
            }
            let mut made = self.entry(child);
            if is_inlined(inner, scope) {
                for (name, flags) in made.symbols {
                    if flags & DEF_PARAM == 0 && !symbols.iter().any(|s| s.1 == name) {
                        symbols.push((u32::MAX, name, flags));
                    }
                }
                children.append(&mut made.children);
            } else {
                children.push(made);
            }
        }
        // A name that only inlined comprehensions look at is no cell.
        for s in symbols.iter_mut().filter(|s| s.2 >> SCOPE_OFF == CELL) {
            if !children.iter().any(|c| c.symbols.iter().any(|(n, f)| *n == s.1 && f >> SCOPE_OFF == FREE)) {
                s.2 = s.2 & ((1 << SCOPE_OFF) - 1) | LOCAL << SCOPE_OFF;
            }
        }
        symbols.sort();
        Entry { kind, name, line, nested: scope.nested, symbols: symbols.into_iter().map(|s| (s.1, s.2)).collect(), parameters, children }
    }

    fn no_annotations(&self, around: &Scope, function: &Scope) -> Entry {
        let mut symbols = vec![(".format".to_string(), USE | DEF_PARAM | LOCAL << SCOPE_OFF)];
        if around.kind == ScopeKind::Class {
            symbols.push(("__classdict__".into(), USE | FREE << SCOPE_OFF));
        }
        Entry {
            kind: EntryKind::Annotation,
            name: "__annotate__".into(),
            line: self.lines.line(function.at.start().to_u32()),
            nested: function.nested,
            symbols,
            parameters: vec![".format".into()],
            children: Vec::new(),
        }
    }
}
