//! `compile(..., PyCF_ONLY_AST)`: the compiler's tree as instances of the classes of `_ast`.

use crate::syntax_error;
use retic_bytecode::{Const, Position};
use retic_compiler::{Build, Node, Options, TreeError, Value};
use retic_runtime::types::{code, object};
use retic_runtime::{Cx, Obj, PyResult, Raised, Ref, protocol, types};
use std::collections::HashMap;
use std::rc::Rc;

struct Builder<'a> {
    cx: &'a mut Cx,
    module: Obj,
    classes: HashMap<&'static str, Ref<types::Type>>,
    /// Nodes without fields and place (`Load()`, `Add()`): one of each in a tree, as CPython has them.
    singletons: HashMap<&'static str, Obj>,
}

impl Builder<'_> {
    fn class(&mut self, kind: &'static str) -> PyResult<Ref<types::Type>> {
        if let Some(c) = self.classes.get(kind) {
            return Ok(c.clone());
        }
        let name = self.cx.name(kind);
        let class = protocol::getattr(self.cx, &self.module, &name)?;
        let Some(class) = class.cast::<types::Type>().cloned() else { return Err(self.cx.type_error(format!("_ast.{kind} is not a class"))) };
        self.classes.insert(kind, class.clone());
        Ok(class)
    }
}

impl Build for Builder<'_> {
    type Out = Obj;
    type Error = Raised;

    fn node(&mut self, kind: &'static str, fields: Vec<(&'static str, Obj)>, place: Option<Position>) -> PyResult {
        let single = place.is_none() && fields.is_empty();
        if single && let Some(o) = self.singletons.get(kind) {
            return Ok(o.clone());
        }
        let class = self.class(kind)?;
        let o = object::plain(self.cx, &class)?;
        let dict = object::dict_of(self.cx, &o)?;
        let put = |cx: &mut Cx, name: &'static str, value: Obj| -> PyResult<()> {
            let key = cx.name(name);
            let old = dict.insert(cx, key.as_obj(), value)?;
            cx.release(old);
            Ok(())
        };
        for (name, value) in fields {
            put(self.cx, name, value)?;
        }
        if let Some(p) = place {
            for (name, n) in [("lineno", p.line), ("col_offset", p.column), ("end_lineno", p.end_line), ("end_col_offset", p.end_column)] {
                let n = self.cx.int(i64::from(n))?;
                put(self.cx, name, n)?;
            }
        }
        if single {
            self.singletons.insert(kind, o.clone());
        }
        Ok(o)
    }
    fn list(&mut self, items: Vec<Obj>) -> PyResult {
        self.cx.list(items)
    }
    fn constant(&mut self, value: Const) -> PyResult {
        code::constant_object(self.cx, &value)
    }
}

/// The tree of a program; syntax errors are raised.
/// `function_type`: it is one of a type comment.
pub(crate) fn tree(cx: &mut Cx, source: &str, options: &Options, function_type: bool) -> PyResult {
    let module = retic_runtime::modules::import::import(cx, "_ast")?;
    // Long sources are read on a stack of their own, which is as deep as they may nest: the interpreter's floor is not there.
    let floor = cx.stack_floor.replace(0);
    let mut b = Builder { cx, module, classes: HashMap::new(), singletons: HashMap::new() };
    let made = if function_type { retic_compiler::function_type(source, options, &mut b) } else { retic_compiler::tree(source, options, &mut b) };
    cx.stack_floor.set(floor);
    match made {
        Ok(o) => Ok(o),
        Err(TreeError::Build(r)) => Err(r),
        Err(TreeError::Syntax(e)) => Err(syntax_error(cx, &e, &options.filename, &crate::read(source, options.mode))),
    }
}

/// Trees nest no deeper than this: what reads them recurses.
const DEPTH_MAX: usize = 3000;

/// A tree that a program made, as the compiler takes it.
pub(crate) fn node(cx: &mut Cx, tree: &Obj) -> PyResult<Node> {
    let module = retic_runtime::modules::import::import(cx, "_ast")?;
    let name = cx.name("AST");
    let base = protocol::getattr(cx, &module, &name)?;
    let mut reader = Reader { cx, module, base, kinds: HashMap::new() };
    reader.node(tree, 0)
}

/// What is known of a class of nodes: its name in the grammar, its fields, whether it has a place.
#[derive(Clone)]
struct Kind {
    name: String,
    fields: Rc<Vec<Ref<types::Str>>>,
    placed: bool,
}

struct Reader<'a> {
    cx: &'a mut Cx,
    module: Obj,
    base: Obj,
    kinds: HashMap<usize, (Obj, Kind)>,
}

impl Reader<'_> {
    /// The class of the grammar that a class is, or is made from.
    fn kind(&mut self, o: &Obj) -> PyResult<Kind> {
        let class = o.ty().handle();
        if let Some((_, kind)) = self.kinds.get(&class.as_obj().address()) {
            return Ok(kind.clone());
        }
        let module_name = self.cx.name("_fields");
        let mut name = class.short_name();
        for t in class.mro_list(self.cx).to_vec() {
            let Some(t) = t.cast::<types::Type>() else { continue };
            let short = t.short_name();
            let key = types::str::intern_text(self.cx, &short)?;
            if protocol::lookup_attr(self.cx, &self.module.clone(), &key)?.is_some_and(|c| c.is(t.as_obj())) {
                name = short;
                break;
            }
        }
        let fields = protocol::getattr(self.cx, class.as_obj(), &module_name)?;
        let fields: Vec<Ref<types::Str>> = protocol::collect(self.cx, &fields)?.iter().filter_map(|f| f.cast::<types::Str>().cloned()).collect();
        let attributes = self.cx.name("_attributes");
        let attributes = protocol::getattr(self.cx, class.as_obj(), &attributes)?;
        let placed = !protocol::collect(self.cx, &attributes)?.is_empty();
        let kind = Kind { name, fields: Rc::new(fields), placed };
        // The class is kept: its address stands for it.
        self.kinds.insert(class.as_obj().address(), (class.as_obj().clone(), kind.clone()));
        Ok(kind)
    }
    fn number(&mut self, o: &Obj, name: &'static str) -> PyResult<Option<i64>> {
        let key = self.cx.name(name);
        match protocol::lookup_attr(self.cx, o, &key)? {
            None => Ok(None),
            Some(v) if v.is_none() => Ok(None),
            Some(v) => match types::int::to_i64(&v) {
                Some(n) => Ok(Some(n)),
                None => {
                    let shown = protocol::repr_text(self.cx, &v)?;
                    Err(self.cx.value_error(format!("invalid integer value: {shown}")))
                }
            },
        }
    }
    fn place(&mut self, o: &Obj) -> PyResult<Option<Position>> {
        let (Some(line), Some(column)) = (self.number(o, "lineno")?, self.number(o, "col_offset")?) else { return Ok(None) };
        let end_line = self.number(o, "end_lineno")?.unwrap_or(line);
        let end_column = self.number(o, "end_col_offset")?.unwrap_or(column);
        if line > end_line {
            return Err(self.cx.value_error(format!("AST node line range ({line}, {end_line}) is not valid")));
        }
        if line < 0 && end_line != line || column < 0 && column != end_column {
            let text = format!("AST node column range ({column}, {end_column}) for line range ({line}, {end_line}) is not valid");
            return Err(self.cx.value_error(text));
        }
        if line == end_line && column > end_column {
            return Err(self.cx.value_error(format!("line {line}, column {column}-{end_column} is not a valid range")));
        }
        let within = |n: i64| u32::try_from(n.max(0)).unwrap_or(u32::MAX);
        Ok(Some(Position { line: within(line), end_line: within(end_line), column: within(column), end_column: within(end_column) }))
    }
    fn node(&mut self, o: &Obj, depth: usize) -> PyResult<Node> {
        if depth > DEPTH_MAX {
            return Err(self.cx.recursion_error("maximum recursion depth exceeded during compilation"));
        }
        let kind = self.kind(o)?;
        let mut fields = Vec::with_capacity(kind.fields.len());
        for name in kind.fields.iter() {
            if let Some(v) = protocol::lookup_attr(self.cx, o, name)? {
                let constant = matches!(kind.name.as_str(), "Constant" | "MatchSingleton") && name.to_text(self.cx) == "value";
                let value = if constant { self.constant(&v, depth)? } else { self.value(&v, depth)? };
                fields.push((name.to_text(self.cx), value));
            }
        }
        let place = if kind.placed { self.place(o)? } else { None };
        Ok(Node { kind: kind.name, fields, place })
    }
    fn value(&mut self, v: &Obj, depth: usize) -> PyResult<Value> {
        self.cx.poll_native()?;
        let base = self.base.clone();
        if protocol::isinstance(self.cx, v, &base)? {
            self.cx.room()?;
            return self.node(v, depth + 1).map(Value::Node);
        }
        if let Some(list) = v.cast::<types::List>() {
            let items = list.items(self.cx).to_vec();
            return items.iter().map(|i| self.value(i, depth)).collect::<PyResult<_>>().map(Value::List);
        }
        self.constant(v, depth)
    }
    fn constant(&mut self, v: &Obj, depth: usize) -> PyResult<Value> {
        match self.constant_of(v, depth)? {
            Some(c) => Ok(Value::Const(c)),
            None => {
                let shown = protocol::repr_text(self.cx, v)?;
                Ok(Value::Other(shown, innermost(self.cx, v)))
            }
        }
    }
    fn constant_of(&mut self, v: &Obj, depth: usize) -> PyResult<Option<Const>> {
        if depth > DEPTH_MAX {
            return Err(self.cx.recursion_error("maximum recursion depth exceeded during compilation"));
        }
        let exact = |t: &Ref<types::Type>| std::ptr::eq(v.ty(), &raw const **t);
        let t = &self.cx.types;
        if v.is_none() {
            return Ok(Some(Const::None));
        }
        if v.is(&self.cx.consts.ellipsis) {
            return Ok(Some(Const::Ellipsis));
        }
        if exact(&t.bool) {
            return Ok(Some(Const::Bool(types::int::to_i64(v) == Some(1))));
        }
        if exact(&t.int) {
            return Ok(match (types::int::to_i64(v), types::int::to_big(v)) {
                (Some(i), _) => Some(Const::Int(i)),
                (None, Some(b)) => {
                    let (negative, digits) = b.to_digits();
                    Some(Const::BigInt { negative, digits: digits.into() })
                }
                _ => None,
            });
        }
        if exact(&t.float) {
            let f = protocol::as_f64(self.cx, v)?;
            return Ok(Some(Const::Float(f.to_bits())));
        }
        if exact(&t.complex) {
            let (re, im) = types::complex::value(v);
            return Ok(Some(Const::Complex(re.to_bits(), im.to_bits())));
        }
        if let Some(s) = v.cast::<types::Str>().filter(|_| exact(&t.str)) {
            let points = s.code_points();
            return Ok(Some(match points.iter().map(|c| char::from_u32(*c)).collect::<Option<String>>() {
                Some(text) => Const::Str(text.into()),
                None => Const::WideStr(points.into()),
            }));
        }
        if let Some(b) = v.cast::<types::Bytes>().filter(|_| exact(&t.bytes)) {
            return Ok(Some(Const::Bytes(b.bytes().into())));
        }
        let is_tuple = exact(&t.tuple);
        let inside = match v.cast::<types::Set>().filter(|_| exact(&t.frozenset)) {
            Some(set) => set.items(self.cx),
            None => match v.cast::<types::Tuple>().filter(|_| is_tuple) {
                Some(list) => list.items().to_vec(),
                None => return Ok(None),
            },
        };
        let mut items = Vec::new();
        for i in inside {
            self.cx.room()?;
            match self.constant_of(&i, depth + 1)? {
                Some(c) => items.push(c),
                None => return Ok(None),
            }
        }
        Ok(Some(if is_tuple { Const::Tuple(items.into()) } else { Const::FrozenSet(items.into()) }))
    }
}

/// The type of what makes a constant none: of what holds others it is that of the first item that is to blame.
fn innermost(cx: &Cx, v: &Obj) -> String {
    const CONSTANTS: [&str; 10] = ["NoneType", "bool", "int", "float", "complex", "str", "bytes", "ellipsis", "tuple", "frozenset"];
    let held = |o: &Obj| match o.cast::<types::Set>() {
        Some(set) if o.ty().name_text() == "frozenset" => Some(set.items(cx)),
        _ => o.cast::<types::Tuple>().map(|t| t.items().to_vec()),
    };
    let mut at = v.clone();
    while let Some(items) = held(&at) {
        let wrong = items.iter().find(|i| !CONSTANTS.contains(&i.ty().name_text().as_str()));
        match wrong.or_else(|| items.iter().find(|i| held(i).is_some())) {
            Some(next) => at = next.clone(),
            None => break,
        }
    }
    at.ty().name_text()
}
