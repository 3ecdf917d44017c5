//! Code objects from their parts: `types.CodeType(...)` and `code.replace(...)`. What is made may run: the verifier has looked at it
//! (`bytecode/verify.rs`). As `Objects/codeobject.c` behaves, with the instructions of our own bytecode.

use super::CodeObj;
use crate::cx::{Cx, PyResult};
use crate::native::Args;
use crate::object::{Obj, Ref};
use crate::protocol::{self, buffer};
use crate::types::{Bytes, Int, Set, Str, Tuple};
use retic_bytecode::code::{CO_NOFREE, DOC_STORED, Inside, Positions};
use retic_bytecode::{Code, Const, locations, verify};
use std::rc::Rc;

/// Constants inside constants are plain data down to here.
const NESTED_MAX: u32 = 50;
/// Code inside code is plain data as long as it is no deeper, and no more.
const DEPTH_MAX: u32 = 100;
const COUNT_MAX: u32 = 100_000;

/// A constant as plain data.
fn plain(cx: &Cx, o: &Obj, depth: u32, inside: &mut Inside) -> Const {
    let exact = |t: &Ref<crate::types::Type>| std::ptr::eq(o.ty(), &**t);
    if let Some(code) = o.cast::<CodeObj>().map(|c| c.code()) {
        let (depth, count) = (inside.depth.max(code.inside.depth + 1), inside.count.saturating_add(code.inside.count).saturating_add(1));
        if depth <= DEPTH_MAX && count <= COUNT_MAX {
            *inside = Inside { depth, count, objects: inside.objects || code.inside.objects };
            return Const::Code(code.clone());
        }
    }
    if o.is_none() {
        Const::None
    } else if o.is(&cx.consts.true_) || o.is(&cx.consts.false_) {
        Const::Bool(o.is(&cx.consts.true_))
    } else if o.is(&cx.consts.ellipsis) {
        Const::Ellipsis
    } else if exact(&cx.types.float) {
        Const::Float(protocol::exact_float(o).to_bits())
    } else if exact(&cx.types.complex) {
        let (re, im) = crate::types::complex::value(o);
        Const::Complex(re.to_bits(), im.to_bits())
    } else if let Some(i) = o.cast::<Int>().filter(|_| exact(&cx.types.int)) {
        let big = i.big();
        big.to_i64().map_or_else(
            || {
                let (negative, digits) = big.to_digits();
                Const::BigInt { negative, digits: digits.into() }
            },
            Const::Int,
        )
    } else if let Some(s) = o.cast::<Str>().filter(|_| exact(&cx.types.str)) {
        let points = s.code_points();
        match points.iter().map(|c| char::from_u32(*c)).collect::<Option<String>>() {
            Some(text) => Const::Str(text.into()),
            None => Const::WideStr(points.into()),
        }
    } else if let Some(b) = o.cast::<Bytes>().filter(|_| exact(&cx.types.bytes)) {
        Const::Bytes(b.bytes().into())
    } else if let Some(t) = o.cast::<Tuple>().filter(|_| exact(&cx.types.tuple) && depth < NESTED_MAX) {
        Const::Tuple(t.items().iter().map(|i| plain(cx, i, depth + 1, inside)).collect())
    } else if let Some(s) = o.cast::<Set>().filter(|_| exact(&cx.types.frozenset) && depth < NESTED_MAX) {
        Const::FrozenSet(s.items(cx).iter().map(|i| plain(cx, i, depth + 1, inside)).collect())
    } else {
        inside.objects = true;
        Const::Object(o.address() as u64)
    }
}

/// A tuple of names.
fn names(cx: &mut Cx, o: &Obj, new: bool) -> PyResult<Vec<Rc<str>>> {
    let items = o.cast::<Tuple>().map_or(&[][..], |t| t.items());
    let mut out = Vec::new();
    for i in items {
        match i.cast::<Str>() {
            Some(s) => out.push(s.to_text(cx).into()),
            None if !new => return Err(cx.error_of(&cx.types.system_error, "non-string found in code slot")),
            None => return Err(cx.type_error(format!("name tuples must contain only strings, not '{}'", i.ty().name_text()))),
        }
    }
    Ok(out)
}

/// A number as C's `int` takes it.
fn int(cx: &mut Cx, o: &Obj) -> PyResult<i64> {
    crate::native::c_int(cx, o).map(i64::from)
}

/// What a part has to be.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Number,
    Bytes,
    Tuple,
    Text,
}

/// The parts in the order of the constructor, as `replace` calls them.
const PARTS: [(&str, Part); 18] = [
    ("co_argcount", Part::Number),
    ("co_posonlyargcount", Part::Number),
    ("co_kwonlyargcount", Part::Number),
    ("co_nlocals", Part::Number),
    ("co_stacksize", Part::Number),
    ("co_flags", Part::Number),
    ("co_code", Part::Bytes),
    ("co_consts", Part::Tuple),
    ("co_names", Part::Tuple),
    ("co_varnames", Part::Tuple),
    ("co_filename", Part::Text),
    ("co_name", Part::Text),
    ("co_qualname", Part::Text),
    ("co_firstlineno", Part::Number),
    ("co_linetable", Part::Bytes),
    ("co_exceptiontable", Part::Bytes),
    ("co_freevars", Part::Tuple),
    ("co_cellvars", Part::Tuple),
];

/// A code object being put together.
struct Making {
    data: Code,
    nlocals: Option<i64>,
    consts: Option<Obj>,
    /// The line table as it was given.
    table: Option<Vec<u8>>,
    /// Instructions were given: what was known of ways between the old ones is over.
    rewritten: bool,
}

impl Making {
    /// Takes a part, which has its type.
    fn part(&mut self, cx: &mut Cx, number: usize, o: &Obj, new: bool) -> PyResult<()> {
        let d = &mut self.data;
        match number {
            0..=5 | 13 => {
                let n = int(cx, o)?;
                let name = PARTS[number].0;
                let refused = match (number, new) {
                    (4 | 5, _) if n < 0 => Some(None),
                    (0..=3, true) if n < 0 => Some(Some(format!("code: {} must not be negative", &name[3..]))),
                    (0..=3 | 13, false) if n < 0 => Some(Some(format!("{name} must be a positive integer"))),
                    _ => None,
                };
                if let Some(text) = refused {
                    return Err(match text {
                        Some(text) => cx.value_error(text),
                        None => cx.error_of(&cx.types.system_error, "bad argument to internal function"),
                    });
                }
                let n32 = n.max(0) as u32;
                match number {
                    0 => d.argcount = n32,
                    1 => d.posonlyargcount = n32,
                    2 => d.kwonlyargcount = n32,
                    3 => self.nlocals = Some(n),
                    4 => d.stacksize = n32,
                    5 => d.flags = d.flags & DOC_STORED | n32 & !DOC_STORED,
                    _ => d.firstlineno = n32,
                }
            }
            6 => {
                let code = buffer::bytes(cx, o)?;
                self.rewritten |= code != d.code;
                d.code = code;
            }
            7 => self.consts = Some(o.clone()),
            8 => d.names = names(cx, o, new)?,
            9 => d.varnames = names(cx, o, new)?,
            16 => d.freevars = names(cx, o, new)?,
            17 => d.cellvars = names(cx, o, new)?,
            10..=12 => {
                let text: Rc<str> = o.cast::<Str>().map_or_else(String::new, |s| s.to_text(cx)).into();
                match number {
                    10 => d.filename = text,
                    11 => d.name = text,
                    _ => d.qualname = text,
                }
            }
            14 => self.table = Some(buffer::bytes(cx, o)?),
            _ if buffer::bytes(cx, o)?.is_empty() => {}
            _ => return Err(cx.value_error("code: exceptiontable must be empty, blocks are among the instructions")),
        }
        Ok(())
    }

    /// The code object, once its parts fit together and its instructions may run. `old`: the one that it comes from.
    fn finish(mut self, cx: &mut Cx, old: Option<&Code>) -> PyResult {
        let d = &mut self.data;
        if d.argcount < d.posonlyargcount {
            return Err(cx.error_of(&cx.types.system_error, "bad argument to internal function"));
        }
        if !d.code.len().is_multiple_of(2) {
            return Err(cx.value_error("code: co_code is malformed"));
        }
        if d.arg_slots() > d.varnames.len() {
            return Err(cx.value_error("code: co_varnames is too small"));
        }
        if self.nlocals.is_some_and(|n| n != d.varnames.len() as i64) {
            return Err(cx.value_error("code: co_nlocals != len(co_varnames)"));
        }
        let nothing_shared = d.freevars.is_empty() && d.cellvars.is_empty();
        d.flags = d.flags & !CO_NOFREE | if nothing_shared { CO_NOFREE } else { 0 };
        match (&self.table, old) {
            (Some(table), _) if old.is_none_or(|o| locations::table(o) != *table) => {
                let (places, columns) = locations::places(table, d.firstlineno, d.code.len() / 2);
                d.lnotab = locations::lnotab(&places, d.firstlineno);
                d.positions = if columns { places.into() } else { Positions::default() };
                d.paths.clear();
            }
            (_, Some(old)) => {
                moved(d, i64::from(d.firstlineno) - i64::from(old.firstlineno));
                if self.rewritten {
                    d.paths.clear();
                }
            }
            _ => {}
        }
        let consts = match &self.consts {
            Some(given) => {
                let items = given.cast::<Tuple>().map_or(&[][..], |t| t.items()).to_vec();
                let mut inside = Inside::default();
                d.consts = items.iter().map(|o| plain(cx, o, 0, &mut inside)).collect();
                d.inside = inside;
                cx.tuple(items)?
            }
            None => cx.tuple(Vec::new())?,
        };
        if let Err(fault) = verify::verify(d) {
            return Err(cx.value_error(format!("code: bad bytecode at offset {}: {}", fault.offset, fault.why)));
        }
        d.foreign = false;
        Ok(CodeObj::with_constants(cx, Rc::new(self.data), Some(consts))?.into_obj())
    }
}

/// All lines so many further on.
fn moved(code: &mut Code, lines: i64) {
    if lines == 0 {
        return;
    }
    let further = |line: u32| if line == 0 { 0 } else { u32::try_from(i64::from(line) + lines).unwrap_or(0) };
    let mut places = code.positions.list().to_vec();
    for p in &mut places {
        (p.line, p.end_line) = (further(p.line), further(p.end_line));
    }
    code.positions = places.into();
    for line in code.paths.iter_mut().flat_map(|p| p.lines.iter_mut()) {
        *line = further(*line);
    }
}

fn wrong_type(o: &Obj, part: Part) -> Option<&'static str> {
    match part {
        Part::Number => None,
        Part::Bytes => (o.cast::<Bytes>().is_none()).then_some("bytes"),
        Part::Tuple => o.cast::<Tuple>().is_none().then_some("tuple"),
        Part::Text => o.cast::<Str>().is_none().then_some("str"),
    }
}

/// `types.CodeType(...)`.
pub fn new(cx: &mut Cx, args: Args<'_>) -> PyResult {
    let given = args.unpack(cx, "code", 16, 18)?;
    for (i, o) in given.iter().enumerate() {
        if let Some(name) = wrong_type(o, PARTS[i].1) {
            return Err(cx.type_error(format!("code() argument {} must be {name}, not {}", i + 1, o.ty().name_text())));
        }
    }
    if cx.is_audited() {
        let told: Vec<crate::audit::Told<'_>> = [6, 10, 11, 0, 1, 2, 3, 4, 5].map(|i: usize| (&given[i]).into()).to_vec();
        cx.audit("code.__new__", &told)?;
    }
    let mut making = Making { data: Code::default(), nlocals: None, consts: None, table: None, rewritten: true };
    for (i, o) in given.iter().enumerate() {
        making.part(cx, i, o, true)?;
    }
    making.finish(cx, None)
}

/// `code.replace(...)`.
pub fn replace(cx: &mut Cx, this: &Ref<CodeObj>, changes: &[(&Obj, &Obj)]) -> PyResult {
    let old = this.code().clone();
    // Its own constants, as they are: equal ones of another code object are other objects.
    let consts = this.constants(cx)?;
    let mut making = Making { data: (*old).clone(), nlocals: None, consts: Some(consts), table: None, rewritten: false };
    for (key, value) in changes {
        let name = key.cast::<Str>().map_or_else(String::new, |k| k.to_text(cx));
        let Some(number) = PARTS.iter().position(|p| p.0 == name) else {
            return Err(cx.type_error(format!("replace() got an unexpected keyword argument '{name}'")));
        };
        if let Some(wanted) = wrong_type(value, PARTS[number].1) {
            return Err(cx.type_error(format!("replace() argument '{name}' must be {wanted}, not {}", value.ty().name_text())));
        }
        making.part(cx, number, value, false)?;
    }
    making.finish(cx, Some(&old))
}
