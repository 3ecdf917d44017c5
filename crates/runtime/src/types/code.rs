//! Code objects: the wordcode as Python sees it, and the register form that runs.

mod parts;

use super::type_::{Cmp, flags};
use super::{Slots, Spec};
use crate::cx::{Cx, PyResult};
use crate::eval::Exec;
use crate::layout;
use crate::memory::{self, Ops};
use crate::object::{Guarded, Header, Obj, Ref, Trace, Visit};
use crate::protocol;
use retic_bytecode::code::DOC_STORED;
use retic_bytecode::{Code, Const, Opcode};
use std::cell::{OnceCell, RefCell};
use std::hash::{Hash, Hasher};
use std::ptr::NonNull;
use std::rc::Rc;

layout! {
    /// A code object. The plain data and the register form are shared Rust values, not Python objects.
    pub struct CodeObj = 14, "code" {
        data: Hidden<RefCell<Rc<Code>>>,
        exec: Hidden<OnceCell<Box<Exec>>>,
        /// A tuple; `None` until somebody asks for the constants of a body that lies packed.
        consts: Guarded<Option<Obj>>,
        /// The interned name, from the first function made of it on.
        name: Guarded<Option<Obj>>,
        /// Interned too, from when somebody asks: the code objects of a file have one.
        filename: Guarded<Option<Obj>>,
        qualname: Guarded<Option<Obj>>,
    }
}

/// A field the collector has nothing to look for in.
pub struct Hidden<T>(pub T);
impl<T> Trace for Hidden<T> {
    fn trace(&self, _: Visit<'_>) {}
}

impl CodeObj {
    /// `co_name`, interned.
    #[inline]
    pub fn own_name(&self, cx: &mut Cx) -> PyResult {
        kept(cx, &self.name, &self.code().name)
    }

    /// Makes the code object with its constants, interning names and identifier-like strings as CPython does.
    pub fn new(cx: &mut Cx, data: Rc<Code>) -> PyResult<Ref<CodeObj>> {
        CodeObj::sharing(cx, data, &mut Shared::default())
    }

    /// As `new`; equal constants of all code objects made with the same table are one object.
    #[allow(clippy::mutable_key_type, reason = "positions take no part in equality and hash")]
    fn sharing(cx: &mut Cx, data: Rc<Code>, shared: &mut Shared) -> PyResult<Ref<CodeObj>> {
        // Under the lens constants are born where they are imported, not in the first call.
        let consts = if data.body.is_made() || cx.lens.is_on() { Some(constants(cx, &data, shared)?) } else { None };
        CodeObj::with_constants(cx, data, consts)
    }
    /// The code object whose constants these are, or whose constants wait.
    fn with_constants(cx: &Cx, data: Rc<Code>, consts: Option<Obj>) -> PyResult<Ref<CodeObj>> {
        memory::new(cx, &cx.types.code, |head| CodeObj {
            head,
            data: Hidden(RefCell::new(data)),
            exec: Hidden(OnceCell::new()),
            consts: Guarded::new(consts),
            name: Guarded::new(None),
            filename: Guarded::new(None),
            qualname: Guarded::new(None),
        })
    }
    /// The constants, a tuple.
    pub fn constants(&self, cx: &mut Cx) -> PyResult {
        if let Some(known) = self.consts.cloned(cx) {
            return Ok(known);
        }
        let made = fresh_constants(cx, &self.code(), &mut Shared::default())?;
        self.consts.set(cx, Some(made.clone()));
        Ok(made)
    }
    /// The constants if they were made already.
    pub fn constants_known<'a>(&'a self, cx: &'a Cx) -> Option<&'a super::Tuple> {
        self.consts.get(cx).as_ref().and_then(|t| t.cast::<super::Tuple>()).map(|t| &**t)
    }
    pub fn code(&self) -> Rc<Code> {
        self.data.0.borrow().clone()
    }
    /// The register form if it was made already, else null.
    #[inline(always)]
    pub(crate) fn exec_known(&self) -> *const Exec {
        self.exec.0.get().map_or(std::ptr::null(), |e| &raw const **e)
    }
    /// The register form, translated at the first call.
    #[inline]
    pub fn exec(&self, cx: &mut Cx) -> PyResult<*const Exec> {
        if let Some(e) = self.exec.0.get() {
            return Ok(&raw const **e);
        }
        let mut made = crate::eval::translate(cx, self)?;
        made.listed = Some(cx.translated.add(self));
        // What runs has all that it needs; the body is read again if somebody asks for it.
        let thin = self.data.0.borrow().thin();
        if let Some(thin) = thin {
            *self.data.0.borrow_mut() = Rc::new(thin);
        }
        Ok(&raw const **self.exec.0.get_or_init(|| Box::new(made)))
    }
    /// As `Exec::cell_place`, of what was translated.
    pub(crate) fn cell_place(&self, i: usize) -> (usize, bool) {
        let exec = self.exec_known();
        // SAFETY: register code lives as long as its code object.
        if exec.is_null() { (self.code().nlocals() + i, true) } else { unsafe { &*exec }.cell_place(i) }
    }
    pub fn line_at(&self, offset: u32) -> u32 {
        let code = self.code();
        match retic_bytecode::lines::event_line(&code, offset) {
            0 => retic_bytecode::lines::reraised_at(&code, offset).filter(|l| *l != 0).unwrap_or_else(|| retic_bytecode::lines::line_of(&code, offset)),
            line => line,
        }
    }
}

/// So many constants are few enough to be compared with those of other functions.
const MERGED_MAX: usize = 8;

/// Constants of one compilation that were made already.
type Shared = rustc_hash::FxHashMap<Const, Obj>;

#[allow(clippy::mutable_key_type, reason = "positions take no part in equality and hash")]
fn constants(cx: &mut Cx, data: &Code, shared: &mut Shared) -> PyResult {
    // Two functions with the same constants have one tuple of them; it may be a constant itself.
    let key = ((1..=MERGED_MAX).contains(&data.consts.len()) && !data.consts.iter().any(|c| matches!(c, Const::Code(_) | Const::Object(_))))
        .then(|| Const::Tuple(data.consts.iter().cloned().collect()));
    if let Some(known) = key.as_ref().and_then(|k| shared.get(k)) {
        return Ok(known.clone());
    }
    let made = fresh_constants(cx, data, shared)?;
    if let Some(key) = key {
        shared.insert(key, made.clone());
    }
    Ok(made)
}

/// As `constants`, the tuple for this code alone.
#[allow(clippy::mutable_key_type, reason = "positions take no part in equality and hash")]
fn fresh_constants(cx: &mut Cx, data: &Code, shared: &mut Shared) -> PyResult {
    let mut items = Vec::with_capacity(data.consts.len());
    for c in &data.consts {
        items.push(constant(cx, c, shared)?);
    }
    let made = cx.tuple(items)?;
    // Constants lead to no cycle; whether they were made yet must not show in what the collector finds.
    // SAFETY: a tuple, whose type is a gc type.
    unsafe { memory::cycles::hide(made.as_ptr()) };
    Ok(made)
}

/// A constant outside of any code object.
pub fn constant_object(cx: &mut Cx, c: &Const) -> PyResult {
    make_constant(cx, c, &mut Shared::default())
}

/// A constant as an object.
#[allow(clippy::mutable_key_type, reason = "positions take no part in equality and hash")]
fn constant(cx: &mut Cx, c: &Const, shared: &mut Shared) -> PyResult {
    // Code objects are told apart; to compare them would unpack their bodies.
    if matches!(c, Const::Code(_)) {
        return make_constant(cx, c, shared);
    }
    if let Some(known) = shared.get(c) {
        return Ok(known.clone());
    }
    let made = make_constant(cx, c, shared)?;
    shared.insert(c.clone(), made.clone());
    Ok(made)
}

#[allow(clippy::mutable_key_type, reason = "positions take no part in equality and hash")]
fn make_constant(cx: &mut Cx, c: &Const, shared: &mut Shared) -> PyResult {
    Ok(match c {
        Const::None => cx.none(),
        Const::Bool(b) => cx.bool(*b),
        Const::Ellipsis => cx.consts.ellipsis.clone(),
        Const::Int(v) => cx.int(*v)?,
        Const::BigInt { negative, digits } => super::int::from_big(cx, &retic_numbers::Big::from_digits(*negative, digits))?,
        Const::Float(b) => cx.float(f64::from_bits(*b))?,
        Const::Complex(re, im) => super::complex::make(cx, f64::from_bits(*re), f64::from_bits(*im))?,
        Const::Str(s) => {
            let name_like = s.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            if name_like { super::str::intern_text(cx, s)?.into_obj() } else { cx.str_ref(s)?.into_obj() }
        }
        Const::WideStr(p) => cx.str_points(p)?,
        Const::Bytes(b) => super::Bytes::from_slice(cx, b)?,
        Const::Tuple(t) => {
            let items = t.iter().map(|c| constant(cx, c, shared)).collect::<PyResult<Vec<_>>>()?;
            cx.tuple(items)?
        }
        Const::FrozenSet(t) => {
            let items = t.iter().map(|c| constant(cx, c, shared)).collect::<PyResult<Vec<_>>>()?;
            super::set::frozen(cx, items)?
        }
        Const::Code(code) => CodeObj::sharing(cx, code.clone(), shared)?.into_obj(),
        // Whoever put it there has put it into the tuple, too.
        Const::Object(_) => cx.none(),
    })
}

fn repr(cx: &mut Cx, this: &Obj) -> PyResult {
    let Some(c) = this.cast::<CodeObj>() else { return Ok(cx.none()) };
    let d = c.code();
    cx.str(&format!("<code object {} at {:#x}, file \"{}\", line {}>", d.name, this.address(), d.filename, d.firstlineno))
}

fn strings(cx: &Cx, list: &[Rc<str>]) -> PyResult {
    let items = list.iter().map(|s| Ok(super::str::intern_text(cx, s)?.into_obj())).collect::<PyResult<Vec<_>>>()?;
    cx.tuple(items)
}

/// What runs of a code object: itself, then the comprehensions that run inside of it, whose offsets stand behind its own.
fn running(own: &Rc<Code>) -> impl Iterator<Item = Rc<Code>> {
    std::iter::once(own.clone()).chain(own.inlining().regions.iter().map(|r| r.code.clone()))
}

/// A text of a code object, interned and kept there.
fn kept(cx: &mut Cx, place: &Guarded<Option<Obj>>, text: &str) -> PyResult {
    if let Some(known) = place.get(cx) {
        return Ok(known.clone());
    }
    let made = super::str::intern_text(cx, text)?.into_obj();
    place.set(cx, Some(made.clone()));
    Ok(made)
}

#[retic_macros::methods]
impl CodeObj {
    /// Size of object in memory, in bytes.
    #[py("__sizeof__($self, /)")]
    fn sizeof(cx: &mut Cx, this: &Ref<CodeObj>) -> usize {
        (super::type_::sizes::basic(cx, this.as_obj()) + this.code().code.len()).next_multiple_of(8)
    }
    #[member("co_name")]
    fn name(cx: &mut Cx, this: &Ref<CodeObj>) -> PyResult {
        this.own_name(cx)
    }
    #[member("co_qualname")]
    fn qualname(cx: &mut Cx, this: &Ref<CodeObj>) -> PyResult {
        kept(cx, &this.qualname, &this.code().qualname)
    }
    #[member("co_filename")]
    fn filename(cx: &mut Cx, this: &Ref<CodeObj>) -> PyResult {
        kept(cx, &this.filename, &this.code().filename)
    }
    #[member("co_firstlineno")]
    fn firstlineno(_cx: &mut Cx, this: &Ref<CodeObj>) -> i64 {
        i64::from(this.code().firstlineno)
    }
    #[member("co_argcount")]
    fn argcount(_cx: &mut Cx, this: &Ref<CodeObj>) -> i64 {
        i64::from(this.code().argcount)
    }
    #[member("co_posonlyargcount")]
    fn posonly(_cx: &mut Cx, this: &Ref<CodeObj>) -> i64 {
        i64::from(this.code().posonlyargcount)
    }
    #[member("co_kwonlyargcount")]
    fn kwonly(_cx: &mut Cx, this: &Ref<CodeObj>) -> i64 {
        i64::from(this.code().kwonlyargcount)
    }
    #[member("co_nlocals")]
    fn nlocals(_cx: &mut Cx, this: &Ref<CodeObj>) -> usize {
        this.code().nlocals()
    }
    #[member("co_stacksize")]
    fn stacksize(_cx: &mut Cx, this: &Ref<CodeObj>) -> i64 {
        i64::from(this.code().stacksize)
    }
    #[member("co_flags")]
    fn co_flags(_cx: &mut Cx, this: &Ref<CodeObj>) -> i64 {
        i64::from(this.code().flags & !DOC_STORED)
    }
    #[get("co_code")]
    fn co_code(cx: &mut Cx, this: &Ref<CodeObj>) -> PyResult {
        super::Bytes::from_slice(cx, &this.code().code)
    }
    /// Lines and columns of the instructions, in CPython 3.14's format.
    #[member("co_linetable")]
    fn linetable(cx: &mut Cx, this: &Ref<CodeObj>) -> PyResult {
        super::Bytes::from_slice(cx, &retic_bytecode::locations::table(&this.code()))
    }
    /// Empty: blocks are among the instructions.
    #[member("co_exceptiontable")]
    fn exceptiontable(cx: &mut Cx, _this: &Ref<CodeObj>) -> PyResult {
        super::Bytes::from_slice(cx, b"")
    }
    #[get("co_lnotab")]
    fn lnotab(cx: &mut Cx, this: &Ref<CodeObj>) -> PyResult {
        let class = cx.types.deprecation_warning.clone();
        crate::modules::warnings::warn(cx, &class, "co_lnotab is deprecated, use co_lines instead.", 1)?;
        super::Bytes::from_slice(cx, &this.code().lnotab)
    }
    #[member("co_consts")]
    fn co_consts(cx: &mut Cx, this: &Ref<CodeObj>) -> PyResult {
        this.constants(cx)
    }
    #[member("co_names")]
    fn names(cx: &mut Cx, this: &Ref<CodeObj>) -> PyResult {
        strings(cx, &this.code().names)
    }
    #[get("co_varnames")]
    fn varnames(cx: &mut Cx, this: &Ref<CodeObj>) -> PyResult {
        strings(cx, &this.code().varnames)
    }
    #[get("co_freevars")]
    fn freevars(cx: &mut Cx, this: &Ref<CodeObj>) -> PyResult {
        strings(cx, &this.code().freevars)
    }
    #[get("co_cellvars")]
    fn cellvars(cx: &mut Cx, this: &Ref<CodeObj>) -> PyResult {
        strings(cx, &this.code().cellvars)
    }
    /// Return a copy of the code object with new values for the specified fields.
    #[py("replace($self, /, **changes)")]
    fn replace(cx: &mut Cx, this: &Ref<CodeObj>, changes: Vec<(&Obj, &Obj)>) -> PyResult {
        parts::replace(cx, this, &changes)
    }
    /// The same as replace(), for copy.replace().
    #[py("__replace__($self, /, **changes)")]
    fn dunder_replace(cx: &mut Cx, this: &Ref<CodeObj>, changes: Vec<(&Obj, &Obj)>) -> PyResult {
        CodeObj::replace(cx, this, changes)
    }
    /// Ranges of byte offsets with their line: (start, end, line) each. Lines without instructions have odd offsets. The first
    /// is the way in, before the first instruction: its line is that of the definition, as with the RESUME of newer bytecode.
    #[py("co_lines($self, /)")]
    fn co_lines(cx: &mut Cx, this: &Ref<CodeObj>) -> PyResult {
        let own = this.code().clone();
        let mut ranges: Vec<(u32, u32, u32)> = Vec::new();
        let mut base = 0;
        for code in running(&own) {
            ranges.extend(retic_bytecode::lines::ranges(&code).into_iter().map(|(a, b, line)| (a + base, b + base, line)));
            base += code.code.len() as u32;
        }
        let entry = vec![cx.int(-1)?, cx.int(0)?, cx.int(i64::from(own.firstlineno))?];
        let mut items = vec![cx.tuple(entry)?];
        for (a, b, line) in ranges {
            let v = vec![cx.int(i64::from(a))?, cx.int(i64::from(b))?, cx.int(i64::from(line))?];
            items.push(cx.tuple(v)?);
        }
        let l = cx.list(items)?;
        protocol::iter(cx, &l)
    }
    /// The branches: (offset, where it goes on, where it jumps to) each.
    #[py("co_branches($self, /)")]
    fn co_branches(cx: &mut Cx, this: &Ref<CodeObj>) -> PyResult {
        let own = this.code().clone();
        let mut items = Vec::new();
        let mut base = 0;
        for code in running(&own) {
            for i in code.instructions() {
                let branches = retic_bytecode::Opcode::from_u8(i.opcode).is_some_and(retic_bytecode::Opcode::branches);
                if let Some(to) = i.target().filter(|_| branches) {
                    let row = [i.offset + base, i.offset + 2 + base, to + base].map(|o| cx.int(i64::from(o)));
                    items.push(cx.tuple(row.into_iter().collect::<PyResult<Vec<_>>>()?)?);
                }
            }
            base += code.code.len() as u32;
        }
        let l = cx.list(items)?;
        protocol::iter(cx, &l)
    }
    /// The place in the source of each instruction: (line, end line, column, end column).
    #[py("co_positions($self, /)")]
    fn co_positions(cx: &mut Cx, this: &Ref<CodeObj>) -> PyResult {
        let own = this.code().clone();
        let mut items = Vec::new();
        for code in running(&own) {
            // What is at no place of its own belongs to what runs into it.
            let mut before = None;
            for (i, line) in retic_bytecode::lines::lines(&code).into_iter().enumerate() {
                let own = code.positions.get(i).filter(|_| !cx.no_columns).copied();
                let here = own.map(|p| if p.line == 0 { before.unwrap_or(p) } else { p });
                let goes_on = code
                    .code
                    .get(i * 2)
                    .and_then(|op| Opcode::from_u8(*op))
                    .is_some_and(|op| !matches!(op, Opcode::JUMP_ABSOLUTE | Opcode::JUMP_FORWARD | Opcode::RETURN_VALUE | Opcode::RAISE_VARARGS | Opcode::RERAISE));
                before = here.filter(|p| goes_on && p.line != 0);
                let v = match here {
                    Some(p) if p.line == 0 => match retic_bytecode::lines::line_led_from(&code, i as u32 * 2) {
                        Some(line) => vec![cx.int(i64::from(line))?, cx.int(i64::from(line))?, cx.none(), cx.none()],
                        None => vec![cx.none(); 4],
                    },
                    Some(p) => [p.line, p.end_line, p.column, p.end_column].iter().map(|n| cx.int(i64::from(*n))).collect::<PyResult<Vec<_>>>()?,
                    None => vec![cx.int(i64::from(line))?, cx.int(i64::from(line))?, cx.none(), cx.none()],
                };
                items.push(cx.tuple(v)?);
            }
        }
        let l = cx.list(items)?;
        protocol::iter(cx, &l)
    }
}

unsafe fn drop_code(raw: NonNull<Header>) {
    // SAFETY: dying; dropped once. Its type knows the context.
    unsafe {
        crate::lens::name_goes(&*raw.as_ref().ty.get().as_ref().cx.get());
        raw.cast::<CodeObj>().drop_in_place();
    }
}
unsafe fn trace_code(raw: NonNull<Header>, visit: &mut dyn FnMut(&Obj)) {
    // SAFETY: live.
    unsafe { raw.cast::<CodeObj>().as_ref() }.trace(visit);
}
unsafe fn no_clear(_: NonNull<Header>, _: &mut Vec<Obj>) {}
unsafe fn size(_: NonNull<Header>) -> usize {
    size_of::<CodeObj>()
}
static OPS: Ops = Ops { drop: drop_code, trace: trace_code, clear: no_clear, size };

pub fn spec() -> Spec {
    Spec {
        doc: "Create a code object.  Not for the faint of heart.",
        text_signature: "(argcount, posonlyargcount, kwonlyargcount, nlocals, stacksize,\n     flags, codestring, constants, names, varnames, filename, name,\n     qualname, firstlineno, linetable, exceptiontable, freevars=(),\n     cellvars=(), /)",
        flags: flags::GC | flags::MANAGED | flags::WEAK,
        ops: &OPS,
        slots: Slots {
            new: Some(|cx, _, args| parts::new(cx, args)),
            repr: Some(repr),
            richcompare: Some(|cx, a, b, op| {
                let (Some(x), Some(y)) = (a.cast::<CodeObj>(), b.cast::<CodeObj>()) else { return Ok(cx.not_implemented()) };
                match op {
                    Cmp::Eq => Ok(cx.bool(x.code() == y.code())),
                    Cmp::Ne => Ok(cx.bool(x.code() != y.code())),
                    _ => Ok(cx.not_implemented()),
                }
            }),
            hash: Some(|_, o| {
                let mut hasher = rustc_hash::FxHasher::default();
                if let Some(c) = o.cast::<CodeObj>() {
                    c.code().hash(&mut hasher);
                }
                Ok((hasher.finish() >> 1) as i64)
            }),
            ..Slots::EMPTY
        },
        getset: CodeObj::GETSET,
        methods: CodeObj::METHODS,
        ..Spec::new::<CodeObj>("code")
    }
}
