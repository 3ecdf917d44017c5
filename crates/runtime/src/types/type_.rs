//! `type`: classes, their slots, their method resolution order, and making new ones.

pub mod bases;
pub mod sizes;

use super::{Dict, Spec, Str, Tuple};
use super::{dunders, shapes};
use crate::cx::{Cx, PyResult, Raised};
use crate::layout;
use crate::memory::{self, Ops};
use crate::native::Args;
use crate::object::{Buf, Guarded, Obj, PRE_HEADER, Ref, Visit, shape};
use crate::protocol;
use std::cell::Cell;
use std::ptr::NonNull;

/// Bits of `Type::flags`.
pub mod flags {
    /// Instances have a collector link.
    pub const GC: u32 = 1;
    /// Made by a class statement; instances count their type.
    pub const HEAP: u32 = 2;
    /// Instances have the dictionary and weak list words in front.
    pub const MANAGED: u32 = 4;
    /// Weak references allowed.
    pub const WEAK: u32 = 8;
    /// Instances have `__dict__`.
    pub const DICT: u32 = 16;
    /// Has `__del__` or a native finaliser.
    pub const FINALIZER: u32 = 32;
    /// The collector may stop watching instances that hold only atoms.
    pub const UNTRACKABLE: u32 = 64;
    /// May be a base class.
    pub const BASE: u32 = 128;
    /// Attributes cannot be set on the type.
    pub const IMMUTABLE: u32 = 256;
    /// Has abstract methods.
    pub const ABSTRACT: u32 = 512;
    /// `object.__new__` may not make instances.
    pub const NO_NEW: u32 = 1024;
    pub const EXCEPTION: u32 = 2048;
    /// Pattern matching: a sequence, a mapping.
    pub const SEQUENCE: u32 = 4096;
    pub const MAPPING: u32 = 8192;
    /// A method found on the type is a plain function: LOAD_METHOD may leave it unbound.
    pub const METHOD_DESCRIPTOR: u32 = 16384;
    /// Class patterns take the subject itself as the only positional (int, str ...).
    pub const MATCH_SELF: u32 = 32768;
    /// An object of a class with other room for inline attributes was given this class: the size of an instance is that of
    /// its block.
    pub const MISFITS: u32 = 65536;
    /// Instances are a header, what lies in front of it, and places for attributes: a class of the user's over `object`.
    pub const PLAIN: u32 = 131_072;
    /// Blocks of instances are kept for others of that type; not inherited.
    pub const KEPT: u32 = 262_144;
}

pub type Unary = fn(&mut Cx, &Obj) -> PyResult;
/// Sets an attribute, or deletes it.
pub type SetAttr = fn(&mut Cx, &Obj, &Ref<Str>, Option<&Obj>) -> PyResult<()>;
pub type Binary = fn(&mut Cx, &Obj, &Obj) -> PyResult;

/// Comparison operators, numbered as COMPARE_OP's argument.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Cmp {
    Lt,
    Le,
    Eq,
    Ne,
    Gt,
    Ge,
}
impl Cmp {
    pub const ALL: [Cmp; 6] = [Cmp::Lt, Cmp::Le, Cmp::Eq, Cmp::Ne, Cmp::Gt, Cmp::Ge];
    pub fn swapped(self) -> Cmp {
        [Cmp::Gt, Cmp::Ge, Cmp::Eq, Cmp::Ne, Cmp::Lt, Cmp::Le][self as usize]
    }
    pub fn symbol(self) -> &'static str {
        retic_bytecode::opcode::COMPARE_OPS[self as usize]
    }
    pub fn of<T: PartialOrd>(self, a: T, b: T) -> bool {
        match self {
            Cmp::Lt => a < b,
            Cmp::Le => a <= b,
            Cmp::Eq => a == b,
            Cmp::Ne => a != b,
            Cmp::Gt => a > b,
            Cmp::Ge => a >= b,
        }
    }
}

/// The binary operators of numbers, in the order of `Slots::binary`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Op {
    Add,
    Sub,
    Mul,
    MatMul,
    TrueDiv,
    FloorDiv,
    Mod,
    Pow,
    LShift,
    RShift,
    And,
    Xor,
    Or,
    DivMod,
}
impl Op {
    pub const ALL: [Op; 14] = [Op::Add, Op::Sub, Op::Mul, Op::MatMul, Op::TrueDiv, Op::FloorDiv, Op::Mod, Op::Pow, Op::LShift, Op::RShift, Op::And, Op::Xor, Op::Or, Op::DivMod];
    pub fn symbol(self) -> &'static str {
        ["+", "-", "*", "@", "/", "//", "%", "** or pow()", "<<", ">>", "&", "^", "|", "divmod()"][self as usize]
    }
    pub fn from_index(i: usize) -> Op {
        Op::ALL[i]
    }
}

/// What a type can do: plain function pointers under the Python words.
#[derive(Clone, Copy)]
pub struct Slots {
    pub repr: Option<Unary>,
    pub str: Option<Unary>,
    pub hash: Option<fn(&mut Cx, &Obj) -> PyResult<i64>>,
    pub call: Option<fn(&mut Cx, &Obj, Args<'_>) -> PyResult>,
    pub getattribute: Option<fn(&mut Cx, &Obj, &Ref<Str>) -> PyResult>,
    pub setattr: Option<SetAttr>,
    pub iter: Option<Unary>,
    pub next: Option<fn(&mut Cx, &Obj) -> PyResult<Option<Obj>>>,
    /// What `yield from` and `await` do with a native iterator; `Err` in the result is the value it ends with. No class
    /// of Python's has it.
    pub send: Option<fn(&mut Cx, &Obj, &Obj) -> PyResult<Result<Obj, Obj>>>,
    pub richcompare: Option<fn(&mut Cx, &Obj, &Obj, Cmp) -> PyResult>,
    pub get: Option<fn(&mut Cx, &Obj, Option<&Obj>, Option<&Obj>) -> PyResult>,
    pub set: Option<fn(&mut Cx, &Obj, &Obj, Option<&Obj>) -> PyResult<()>>,
    pub new: Option<fn(&mut Cx, &Ref<Type>, Args<'_>) -> PyResult>,
    pub init: Option<fn(&mut Cx, &Obj, Args<'_>) -> PyResult<()>>,
    pub del: Option<fn(&mut Cx, &Obj)>,
    pub binary: [Option<Binary>; 14],
    pub inplace: [Option<Binary>; 14],
    pub power: Option<fn(&mut Cx, &Obj, &Obj, &Obj) -> PyResult>,
    pub neg: Option<Unary>,
    pub pos: Option<Unary>,
    pub abs: Option<Unary>,
    pub invert: Option<Unary>,
    pub bool: Option<fn(&mut Cx, &Obj) -> PyResult<bool>>,
    pub int: Option<Unary>,
    pub float: Option<Unary>,
    pub index: Option<Unary>,
    pub len: Option<fn(&mut Cx, &Obj) -> PyResult<usize>>,
    pub getitem: Option<Binary>,
    pub setitem: Option<fn(&mut Cx, &Obj, &Obj, Option<&Obj>) -> PyResult<()>>,
    pub contains: Option<fn(&mut Cx, &Obj, &Obj) -> PyResult<bool>>,
    /// Sequence concatenation and repetition: tried after the number slots, as CPython's sq_concat and sq_repeat.
    pub concat: Option<Binary>,
    pub repeat: Option<Binary>,
    pub await_: Option<Unary>,
    pub aiter: Option<Unary>,
    pub anext: Option<Unary>,
    /// The buffer an object shows; where the bytes of an exporter lie; the end of a view.
    pub buffer: Option<fn(&mut Cx, &Obj) -> PyResult<protocol::buffer::Buffer>>,
    pub storage: Option<fn(&Cx, &Obj) -> (*const u8, usize)>,
    pub release_buffer: Option<fn(&mut Cx, &Obj)>,
}

impl Slots {
    pub const EMPTY: Slots = Slots {
        repr: None,
        str: None,
        hash: None,
        call: None,
        getattribute: None,
        setattr: None,
        iter: None,
        next: None,
        send: None,
        richcompare: None,
        get: None,
        set: None,
        new: None,
        init: None,
        del: None,
        binary: [None; 14],
        inplace: [None; 14],
        power: None,
        neg: None,
        pos: None,
        abs: None,
        invert: None,
        bool: None,
        int: None,
        float: None,
        index: None,
        len: None,
        getitem: None,
        setitem: None,
        contains: None,
        concat: None,
        repeat: None,
        await_: None,
        aiter: None,
        anext: None,
        buffer: None,
        storage: None,
        release_buffer: None,
    };

    /// The same with binary operators filled in.
    pub const fn with(mut self, ops: &[(Op, Binary)]) -> Slots {
        let mut i = 0;
        while i < ops.len() {
            self.binary[ops[i].0 as usize] = Some(ops[i].1);
            i += 1;
        }
        self
    }
    pub const fn with_inplace(mut self, ops: &[(Op, Binary)]) -> Slots {
        let mut i = 0;
        while i < ops.len() {
            self.inplace[ops[i].0 as usize] = Some(ops[i].1);
            i += 1;
        }
        self
    }
}

impl crate::object::Trace for Guarded<Slots> {
    fn trace(&self, _: Visit<'_>) {}
}
impl crate::object::Trace for Guarded<Buf<NonNull<Type>>> {
    fn trace(&self, _: Visit<'_>) {}
}

layout! {
    /// A class.
    pub struct Type = 1, "type" {
        cx: Cell<*mut Cx>,
        ops: Cell<&'static Ops>,
        flags: Cell<u32>,
        version: Cell<u32>,
        layout: Cell<u16>,
        root_shape: Cell<u32>,
        dict_shape: Cell<u32>,
        inline_capacity: Cell<u32>,
        basicsize: Cell<usize>,
        inline_offset: Cell<usize>,
        /// Where `__slots__` members begin and how many there are, inherited ones included.
        members_offset: Cell<usize>,
        members: Cell<u32>,
        static_name: Cell<&'static str>,
        /// `__text_signature__` of a native type; empty: none. Not in the dict, where instances would find it.
        static_signature: Cell<&'static str>,
        name: Guarded<Option<Obj>>,
        qualname: Guarded<Option<Obj>>,
        base: Guarded<Option<Ref<Type>>>,
        bases: Guarded<Option<Obj>>,
        mro: Guarded<Option<Obj>>,
        dict: Guarded<Option<Ref<Dict>>>,
        subclasses: Guarded<Buf<NonNull<Type>>>,
        slots: Guarded<Slots>,
    }
}

impl Type {
    /// A counted handle on this type.
    pub fn handle(&self) -> Ref<Type> {
        // SAFETY: `self` is a live type object; the clone takes the new handle's count.
        unsafe { (*(&(self as *const Type) as *const *const Type).cast::<Ref<Type>>()).clone() }
    }
    /// The classes right below this one that live.
    pub fn subclass_list(&self, cx: &Cx) -> Vec<Ref<Type>> {
        // SAFETY: subclasses take themselves out of the list when they die.
        self.subclasses.get(cx).iter().map(|t| unsafe { t.as_ref() }.handle()).collect()
    }
    /// The name as `__name__` has it.
    pub fn short_name(&self) -> String {
        let s = self.static_name.get();
        if s.is_empty() { self.name_text() } else { s.rsplit('.').next().unwrap_or(s).to_string() }
    }
    /// The name as error messages have it (`tp_name`): native types of a module with the module before it.
    pub fn name_text(&self) -> String {
        let s = self.static_name.get();
        if !s.is_empty() {
            return s.to_string();
        }
        // SAFETY: the context of a live type is live; a short shared borrow.
        let cx = unsafe { &*self.cx.get() };
        match self.name.get(cx) {
            Some(n) => n.cast::<Str>().map(|s| s.to_text(cx)).unwrap_or_default(),
            None => String::new(),
        }
    }
    pub fn is_heap(&self) -> bool {
        self.flags.get() & flags::HEAP != 0
    }
    pub fn has(&self, flag: u32) -> bool {
        self.flags.get() & flag != 0
    }
    /// Offset and number of `__slots__` values in instances.
    pub(crate) fn member_slots(&self, _cx: &Cx) -> (usize, usize) {
        (self.members_offset.get(), self.members.get() as usize)
    }
    /// The classes of the method resolution order.
    pub fn mro_list<'a>(&'a self, cx: &'a Cx) -> &'a [Obj] {
        match self.mro.get(cx) {
            Some(m) => m.cast::<Tuple>().map_or(&[], |t| t.items()),
            None => &[],
        }
    }
    #[inline]
    pub fn is_subtype(&self, cx: &Cx, other: &Ref<Type>) -> bool {
        std::ptr::eq(self, &**other) || self.mro_list(cx).iter().any(|t| t.is(other.as_obj()))
    }
    pub fn slots<'a>(&'a self, cx: &'a Cx) -> &'a Slots {
        self.slots.get(cx)
    }

    /// What the class and its bases say for a name, through the method cache. Interned names only.
    #[inline]
    pub fn lookup(&self, cx: &Cx, name: &Ref<Str>) -> Option<Obj> {
        let (version, key) = (self.version.get(), name.as_obj().address());
        let at = ((version as usize).wrapping_mul(0x9e3779b1) ^ (key >> 4)) & 4095;
        let entry = cx.method_cache[at].get();
        if entry.version == version && entry.name == key && version != 0 {
            // SAFETY: the version changes whenever a class on the way changes, so the value is still held by its dict.
            return entry.value.map(|v| unsafe { (*(&v as *const NonNull<crate::object::Header>).cast::<Obj>()).clone() });
        }
        let found = self.lookup_uncached(cx, name);
        if version != 0 && name.is_interned() {
            // The name stays alive: interned names in the cache are made immortal by their first use as an attribute.
            cx.method_cache[at].set(crate::cx::MethodCacheEntry { version, name: key, value: found.as_ref().map(Obj::as_ptr) });
            name.as_obj().clone().make_immortal();
        }
        found
    }

    fn lookup_uncached(&self, cx: &Cx, name: &Ref<Str>) -> Option<Obj> {
        self.mro_list(cx).iter().find_map(|t| {
            let t = t.cast::<Type>()?;
            t.dict.get(cx).as_ref()?.get_str(cx, name)
        })
    }

    /// A new version for the class and all that inherit from it.
    pub fn modified(&self, cx: &Cx) {
        self.version.set(cx.new_version());
        let mut work = self.subclasses.get(cx).to_vec();
        while let Some(t) = work.pop() {
            // SAFETY: subclasses take themselves out of the list when they die.
            let t = unsafe { t.as_ref() };
            t.version.set(cx.new_version());
            work.extend(t.subclasses.get(cx).iter().copied());
        }
    }
}

/// Raw parts of the very first types, before `object` and `type` exist.
pub(crate) fn raw_new(cx: &mut Cx, spec: &Spec, meta: Option<&Ref<Type>>) -> Ref<Type> {
    let size = size_of::<Type>();
    let block = cx.heap.alloc_object(size + PRE_HEADER, PRE_HEADER).expect("room for the built-in types");
    let cx_ptr: *mut Cx = cx;
    // SAFETY: the block is ours and as large as the struct with what lies in front; every field is written.
    unsafe {
        block.cast::<u64>().write_bytes(0, PRE_HEADER / 8);
        let raw = block.add(PRE_HEADER).cast::<Type>();
        let ty = meta.map_or(raw, Ref::as_raw);
        raw.write(Type {
            head: crate::object::Header { count: Cell::new(1), shape: Cell::new(shape::TYPE), ty: Cell::new(ty) },
            cx: Cell::new(cx_ptr),
            ops: Cell::new(spec.ops),
            flags: Cell::new(spec.flags | flags::IMMUTABLE),
            version: Cell::new(cx.new_version()),
            layout: Cell::new(spec.layout),
            root_shape: Cell::new(spec.shape),
            dict_shape: Cell::new(0),
            inline_capacity: Cell::new(0),
            basicsize: Cell::new(spec.basicsize),
            inline_offset: Cell::new(spec.basicsize),
            members_offset: Cell::new(0),
            members: Cell::new(0),
            static_name: Cell::new(spec.name),
            static_signature: Cell::new(spec.text_signature),
            name: Guarded::new(None),
            qualname: Guarded::new(None),
            base: Guarded::new(None),
            bases: Guarded::new(None),
            mro: Guarded::new(None),
            dict: Guarded::new(None),
            subclasses: Guarded::new(Buf::empty()),
            slots: Guarded::new(spec.slots),
        });
        Ref::from_raw(raw)
    }
}

/// `type.__call__`: makes an instance. The caller keeps the class alive.
pub(crate) fn call_type(cx: &mut Cx, this: &Obj, args: Args<'_>) -> PyResult {
    cx.room()?;
    // SAFETY: O3, this slot is only reached through types.
    let ty = unsafe { this.cast_unchecked::<Type>() };
    if ty.as_obj().is(cx.types.type_.as_obj())
        && let [of] = args.positional()
    {
        args.no_keywords(cx, "type")?;
        return Ok(of.type_ref().into_obj());
    }
    let Some(new) = ty.slots(cx).new else {
        let name = full_name(cx, ty);
        return Err(cx.type_error(format!("cannot create '{name}' instances")));
    };
    let obj = new(cx, ty, args)?;
    if !std::ptr::eq(obj.ty(), &**ty) && !obj.ty().is_subtype(cx, ty) {
        return Ok(obj);
    }
    let (slots, object) = (obj.ty().slots(cx), cx.types.object.slots(cx));
    let Some(init) = slots.init else { return Ok(obj) };
    if object.init.map(|f| f as usize) == Some(init as usize) && slots.new.map(|f| f as usize) != object.new.map(|f| f as usize) {
        // `object.__init__` has nothing to do or to complain about.
        return Ok(obj);
    }
    if let Err(r) = init(cx, &obj, args) {
        let saved = cx.save_error();
        cx.release(obj);
        cx.restore_error(saved);
        return Err(r);
    }
    Ok(obj)
}

/// `module.name` unless the module is `builtins`.
pub fn full_name(cx: &mut Cx, ty: &Ref<Type>) -> String {
    if !ty.is_heap() {
        return ty.static_name.get().to_string();
    }
    let qual = ty.qualname.cloned(cx).and_then(|q| q.cast::<Str>().map(|s| s.to_text(cx))).unwrap_or_else(|| ty.short_name());
    match module_of(cx, ty) {
        Some(m) if m != "builtins" => format!("{m}.{qual}"),
        _ => qual,
    }
}

/// The name by which messages speak of a type: that of `__main__` goes without saying.
pub fn shown_name(cx: &mut Cx, ty: &Ref<Type>) -> String {
    let full = full_name(cx, ty);
    full.strip_prefix("__main__.").map_or_else(|| full.clone(), str::to_string)
}

fn module_of(cx: &mut Cx, ty: &Ref<Type>) -> Option<String> {
    let name = cx.name("__module__");
    let value = ty.dict.get(cx).as_ref()?.get_str(cx, &name)?;
    value.cast::<Str>().map(|s| s.to_text(cx))
}

fn repr(cx: &mut Cx, this: &Obj) -> PyResult {
    // SAFETY: O3, as above.
    let ty = unsafe { this.cast_unchecked::<Type>() }.clone();
    let name = full_name(cx, &ty);
    cx.str(&format!("<class '{name}'>"))
}

/// Attribute of a class: metatype data descriptors, then the class's own order, then the metatype; `None` where it is missing.
pub fn find(cx: &mut Cx, this: &Obj, name: &Ref<Str>) -> PyResult<Option<Obj>> {
    // SAFETY: O3, as above.
    let ty = unsafe { this.cast_unchecked::<Type>() };
    let meta = this.type_ref();
    let on_meta = meta.lookup(cx, name);
    if let Some(d) = &on_meta
        && let (Some(get), true) = (d.ty().slots(cx).get, d.ty().slots(cx).set.is_some())
    {
        return get(cx, d, Some(this), Some(meta.as_obj())).map(Some);
    }
    if let Some(found) = ty.lookup(cx, name) {
        return match found.ty().slots(cx).get {
            Some(get) => get(cx, &found, None, Some(this)).map(Some),
            None => Ok(Some(found)),
        };
    }
    let Some(d) = on_meta else { return Ok(None) };
    match d.ty().slots(cx).get {
        Some(get) => get(cx, &d, Some(this), Some(meta.as_obj())).map(Some),
        None => Ok(Some(d)),
    }
}

/// `type.__getattribute__`.
pub fn getattribute(cx: &mut Cx, this: &Obj, name: &Ref<Str>) -> PyResult {
    match find(cx, this, name)? {
        Some(v) => Ok(v),
        None => Err(no_attribute(cx, this, name)),
    }
}

#[cold]
fn no_attribute(cx: &mut Cx, this: &Obj, name: &Ref<Str>) -> Raised {
    // SAFETY: O3, as above.
    let ty = unsafe { this.cast_unchecked::<Type>() };
    let text = format!("type object '{}' has no attribute '{}'", ty.name_text(), name.to_text(cx));
    super::exception::attribute_error(cx, text, this, name)
}

fn setattr(cx: &mut Cx, this: &Obj, name: &Ref<Str>, value: Option<&Obj>) -> PyResult<()> {
    // SAFETY: O3, as above.
    let ty = unsafe { this.cast_unchecked::<Type>() }.clone();
    if ty.has(flags::IMMUTABLE) {
        let full = full_name(cx, &ty);
        return Err(cx.type_error(format!("cannot set '{}' attribute of immutable type '{full}'", name.to_text(cx))));
    }
    if let Some(d) = this.type_ref().lookup(cx, name)
        && let Some(set) = d.ty().slots(cx).set
    {
        return set(cx, &d, this, value);
    }
    let data = value.is_some_and(|v| v.ty().slots(cx).set.is_some()) && ty.lookup(cx, name).is_none_or(|d| d.ty().slots(cx).set.is_none());
    let dict = ty.dict.cloned(cx).expect("a type has a dict");
    let old = match value {
        Some(v) => dict.insert(cx, name.as_obj(), v.clone())?,
        None => match dict.remove(cx, name.as_obj())? {
            Some(old) => Some(old),
            None => return Err(no_attribute(cx, this, name)),
        },
    };
    ty.modified(cx);
    let special = name.ascii_bytes().filter(|b| b.starts_with(b"__") && b.ends_with(b"__"));
    if special.is_some() {
        refresh_slots(cx, &ty);
    }
    match special {
        Some(b"__getattribute__" | b"__setattr__" | b"__delattr__") => shapes::renew(cx, Some(&ty), None),
        Some(b"__set__" | b"__delete__") => shapes::renew(cx, None, None),
        _ if data => shapes::renew(cx, Some(&ty), Some(name)),
        _ => {}
    }
    cx.release(old);
    Ok(())
}

/// Recomputes the slots of a class and its subclasses.
pub fn refresh_slots(cx: &mut Cx, ty: &Ref<Type>) {
    let mut work = vec![ty.clone()];
    while let Some(t) = work.pop() {
        if t.is_heap() {
            dunders::fill(cx, &t);
        }
        for s in t.subclasses.get(cx).iter() {
            // SAFETY: subclasses take themselves out of the list when they die.
            work.push(unsafe { s.as_ref() }.handle());
        }
    }
}

/// Refuses a name that C could not tell.
fn check_name(cx: &mut Cx, name: &Ref<Str>) -> PyResult<()> {
    if (0..name.len()).any(|i| name.chars().get(i) == 0) {
        return Err(cx.value_error("type name must not contain null characters"));
    }
    super::str::check_utf8(cx, name)
}

fn new_slot(cx: &mut Cx, meta: &Ref<Type>, args: Args<'_>) -> PyResult {
    let pos = args.positional();
    if pos.len() != 3 {
        if meta.as_obj().is(cx.types.type_.as_obj()) {
            return Err(cx.type_error("type() takes 1 or 3 arguments"));
        }
        return Err(cx.type_error(format!("type.__new__() takes exactly 3 arguments ({} given)", pos.len())));
    }
    let Some(name) = pos[0].cast::<Str>() else {
        return Err(cx.type_error(format!("type.__new__() argument 1 must be str, not {}", crate::native::called(&pos[0]))));
    };
    check_name(cx, name)?;
    let Some(bases) = pos[1].cast::<Tuple>() else {
        return Err(cx.type_error(format!("type.__new__() argument 2 must be tuple, not {}", crate::native::called(&pos[1]))));
    };
    let Some(ns) = pos[2].cast::<Dict>() else {
        return Err(cx.type_error(format!("type.__new__() argument 3 must be dict, not {}", crate::native::called(&pos[2]))));
    };
    let mut classes = Vec::new();
    for b in bases.items() {
        match b.cast::<Type>() {
            Some(t) => classes.push(t.clone()),
            None => {
                let name = cx.name("__mro_entries__");
                let stands = protocol::lookup_attr(cx, b, &name)?.is_some();
                return Err(cx.type_error(if stands { "type() doesn't support MRO entry resolution; use types.new_class()" } else { "bases must be types" }));
            }
        }
    }
    let winner = bases::metaclass(cx, meta, bases.items())?;
    if !winner.as_obj().is(meta.as_obj())
        && let Some(new) = winner.slots(cx).new
        && new as usize != new_slot as *const () as usize
    {
        return new(cx, &winner, args);
    }
    // The order of another kind of dictionary is its own.
    let ns = if std::ptr::eq(ns.as_obj().ty(), &*cx.types.dict) {
        ns.copy(cx)?
    } else {
        let copy = Dict::new(cx)?;
        copy.update_from(cx, ns.as_obj())?;
        copy
    };
    let made = build(cx, &winner, name, classes, ns)?;
    finish(cx, &made, args)?;
    Ok(made.into_obj())
}

/// Makes the class object: layout, slots, order.
fn build(cx: &mut Cx, meta: &Ref<Type>, name: &Ref<Str>, mut bases: Vec<Ref<Type>>, ns: Ref<Dict>) -> PyResult<Ref<Type>> {
    if bases.is_empty() {
        bases.push(cx.types.object.clone());
    }
    let base = bases::best_base(cx, &bases)?;
    let slots_name = cx.name("__slots__");
    let declared = ns.get_str(cx, &slots_name);
    // Types and modules have a namespace of their own, which is their instances' dictionary: no class adds another.
    let own_dict = base.is_subtype(cx, &cx.types.type_) || base.is_subtype(cx, &cx.types.module);
    let base_dict = own_dict || bases.iter().any(|b| b.has(flags::DICT));
    let base_weak = bases.iter().any(|b| b.has(flags::WEAK));
    let mut members: Vec<Ref<Str>> = Vec::new();
    let (mut has_dict, mut has_weak) = (!own_dict, true);
    if let Some(declared) = &declared {
        (has_dict, has_weak) = (base_dict && !own_dict, base_weak);
        let items = if declared.cast::<Str>().is_some() { vec![declared.clone()] } else { protocol::collect(cx, declared)? };
        // Text lies inline in its object: members of its subclasses live in the instance's dictionary.
        let in_dict = base.layout.get() == <Str as crate::object::Layout>::ID;
        let items = if in_dict {
            has_dict |= !items.is_empty();
            Vec::new()
        } else {
            items
        };
        if !items.is_empty() && is_variable(base.layout.get()) {
            return Err(cx.type_error(format!("nonempty __slots__ not supported for subtype of '{}'", base.name_text())));
        }
        for item in items {
            let Some(s) = item.cast::<Str>() else {
                return Err(cx.type_error(format!("__slots__ items must be strings, not '{}'", item.ty().name_text())));
            };
            let text = s.to_text(cx);
            if !super::str::is_identifier(&text) {
                return Err(cx.type_error("__slots__ must be identifiers"));
            }
            match text.as_str() {
                "__dict__" if base_dict || has_dict => return Err(cx.type_error("__dict__ slot disallowed: we already got one")),
                "__weakref__" if base_weak || has_weak => return Err(cx.type_error("__weakref__ slot disallowed: we already got one")),
                "__dict__" => has_dict = true,
                "__weakref__" => has_weak = true,
                _ => {
                    let mangled = mangle(&name.to_text(cx), &text);
                    let interned = super::str::intern_text(cx, &mangled)?;
                    if !matches!(text.as_str(), "__qualname__" | "__classcell__" | "__module__") && ns.get_str(cx, &interned).is_some() {
                        return Err(cx.value_error(format!("'{mangled}' in __slots__ conflicts with class variable")));
                    }
                    members.push(interned);
                }
            }
        }
        members.sort_by_key(|m| m.to_text(cx));
    }
    let mut f = flags::HEAP | flags::GC | flags::BASE;
    f |= base.flags.get() & (flags::FINALIZER | flags::EXCEPTION | flags::NO_NEW | flags::MATCH_SELF);
    // The first base that is a collection for `match` decides.
    f |= bases.iter().map(|b| b.flags.get() & (flags::SEQUENCE | flags::MAPPING)).find(|what| *what != 0).unwrap_or(0);
    if has_dict {
        f |= flags::DICT;
    }
    if has_weak {
        f |= flags::WEAK;
    }
    if has_dict || has_weak || base.has(flags::MANAGED) {
        f |= flags::MANAGED;
    }
    if f & flags::MANAGED != 0 && std::ptr::eq(base.ops.get(), cx.types.object.ops.get()) {
        f |= flags::PLAIN;
    }
    let inherited_members = base.members.get();
    let members_offset = if inherited_members > 0 { base.members_offset.get() } else { base.basicsize.get() };
    let start = if inherited_members > 0 { members_offset + inherited_members as usize * 8 } else { base.basicsize.get() - inline_bytes(&base) };
    // CPython keeps the dictionary of an exception behind its header, and the weak references of the user's classes in front:
    // their instances are this much larger, and lie among blocks of that size.
    let pad = if has_weak && !base_weak && base.has(flags::EXCEPTION) { GAP } else { 0 };
    let start = start + pad;
    let members_offset = if inherited_members > 0 { members_offset } else { start };
    let fixed = start + members.len() * 8;
    let capacity = if has_dict && !is_variable(base.layout.get()) { inline_capacity(cx, &ns, &base) } else { 0 };
    let spec = Spec {
        name: "",
        doc: "",
        layout: base.layout.get(),
        basicsize: fixed + capacity as usize * 8,
        ops: base.ops.get(),
        flags: 0,
        shape: 0,
        slots: Slots::EMPTY,
        methods: &[],
        more_methods: &[],
        getset: &[],
        members: &[],
        text_signature: "",
    };
    let ty = raw_new(cx, &spec, Some(meta));
    if meta.is_heap() {
        std::mem::forget(meta.clone());
    }
    ty.flags.set(f);
    ty.inline_capacity.set(capacity);
    ty.inline_offset.set(fixed);
    ty.members_offset.set(members_offset);
    ty.members.set(inherited_members + members.len() as u32);
    // SAFETY: a whole type object; `type` is a gc type.
    unsafe { memory::cycles::track(cx, ty.as_obj().as_ptr()) };
    ty.name.set(cx, Some(name.as_obj().clone()));
    let qual_name = cx.name("__qualname__");
    let qual = match ns.remove(cx, qual_name.as_obj())? {
        Some(q) if q.cast::<Str>().is_some() => q,
        Some(q) => return Err(cx.type_error(format!("type __qualname__ must be a str, not {}", q.ty().name_text()))),
        None => name.as_obj().clone(),
    };
    ty.qualname.set(cx, Some(qual));
    ty.base.set(cx, Some(base.clone()));
    let tuple = cx.tuple(bases.iter().map(|b| b.as_obj().clone()).collect())?;
    ty.bases.set(cx, Some(tuple));
    ty.dict.set(cx, Some(ns.clone()));
    // A metaclass's `mro` may call functions of the class.
    fill_cells(cx, &ty, &ns)?;
    let mro = bases::order(cx, &ty)?;
    ty.mro.set(cx, Some(mro));
    shapes::make_shapes(cx, &ty);
    bases::enter(cx, &ty)?;
    for (i, m) in members.iter().enumerate() {
        let offset = fixed - members.len() * 8 + i * 8;
        let d = super::descriptor::member(cx, &ty, m, offset)?;
        ns.insert(cx, m.as_obj(), d)?;
    }
    let module_name = cx.name("__module__");
    if ns.get_str(cx, &module_name).is_none()
        && let Some(m) = crate::eval::current_module_name(cx)
    {
        ns.insert(cx, module_name.as_obj(), m)?;
    }
    for special in ["__init_subclass__", "__class_getitem__", "__new__"] {
        let key = cx.name(special);
        if let Some(v) = ns.get_str(cx, &key)
            && v.cast::<super::function::Function>().is_some()
        {
            let wrapped = if special == "__new__" { super::descriptor::staticmethod(cx, v)? } else { super::descriptor::classmethod(cx, v)? };
            ns.insert(cx, key.as_obj(), wrapped)?;
        }
    }
    // Instances find their dictionary and weak references through these.
    if has_dict && !base_dict && !base.has(flags::DICT) {
        let key = cx.name("__dict__");
        if ns.get_str(cx, &key).is_none() {
            let d = super::descriptor::getset(cx, &ty, &super::object::DICT)?;
            ns.insert(cx, key.as_obj(), d)?;
        }
    }
    if has_weak && !base_weak {
        let key = cx.name("__weakref__");
        if ns.get_str(cx, &key).is_none() {
            let d = super::descriptor::getset(cx, &ty, &super::object::WEAKREF)?;
            ns.insert(cx, key.as_obj(), d)?;
        }
    }
    let doc_name = cx.name("__doc__");
    match ns.get_str(cx, &doc_name) {
        None => _ = ns.insert(cx, doc_name.as_obj(), cx.none())?,
        Some(doc) => {
            if let Some(text) = doc.cast::<Str>() {
                super::str::check_utf8(cx, text)?;
            }
        }
    }
    if !ns.has_text_keys(cx) {
        let text = format!("non-string key in the __dict__ of class {}", ty.name_text());
        crate::modules::warnings::warn(cx, &cx.types.runtime_warning.clone(), &text, 1)?;
    }
    let eq = cx.name("__eq__");
    let hash = cx.name("__hash__");
    if ns.get_str(cx, &eq).is_some() && ns.get_str(cx, &hash).is_none() {
        ns.insert(cx, hash.as_obj(), cx.none())?;
    }
    dunders::fill(cx, &ty);
    Ok(ty)
}

/// What CPython has behind the header of an exception and we have in front: dictionary and notes.
pub(super) const GAP: usize = 16;

fn inline_bytes(base: &Type) -> usize {
    base.inline_capacity.get() as usize * 8
}

/// Whether objects of a layout have a size of their own (no room after the struct).
pub(super) fn is_variable(layout: u16) -> bool {
    use crate::object::Layout;
    [super::Int::ID, Tuple::ID, super::Bytes::ID, Str::ID].contains(&layout)
}

/// Room for attributes: those the class's functions assign through their first parameter, or those it annotates (whose
/// functions may be made for it, as those of a dataclass are), and the base's, with slack for some that others assign.
fn inline_capacity(cx: &mut Cx, ns: &Ref<Dict>, base: &Type) -> u32 {
    let (key, annotate) = (cx.name("__static_attributes__"), cx.name("__annotate_func__"));
    let own = ns.get_str(cx, &key).and_then(|t| t.cast::<Tuple>().map(|t| t.items().len())).unwrap_or(0);
    let annotated = ns.get_str(cx, &annotate).and_then(|f| f.cast::<super::Function>().map(|f| f.code.get(cx).code().count_of(retic_bytecode::Opcode::MAP_ADD))).unwrap_or(0);
    let known = base.inline_capacity.get() + own.max(annotated) as u32;
    let slack = if own >= 3 { 2 } else { 0 };
    (known + slack).next_multiple_of(2).clamp(2, 30)
}

pub fn mangle(class: &str, name: &str) -> String {
    let stripped = class.trim_start_matches('_');
    if !name.starts_with("__") || name.ends_with("__") || stripped.is_empty() { name.to_string() } else { format!("_{stripped}{name}") }
}

/// Gives the cells that a body left behind what they stand for: the class and its dict.
fn fill_cells(cx: &mut Cx, ty: &Ref<Type>, dict: &Ref<Dict>) -> PyResult<()> {
    for special in ["__classcell__", "__classdictcell__"] {
        let key = cx.name(special);
        if let Some(cell) = dict.remove(cx, key.as_obj())? {
            let Some(c) = cell.cast::<super::CellObj>() else {
                return Err(cx.type_error(format!("__classcell__ must be a nonlocal cell, not <class '{}'>", cell.ty().name_text())));
            };
            if special == "__classcell__" {
                c.value.set(cx, Some(ty.as_obj().clone()));
            } else {
                c.value.set(cx, Some(dict.as_obj().clone()));
            }
        }
    }
    Ok(())
}

/// `__set_name__`, `__init_subclass__`.
fn finish(cx: &mut Cx, ty: &Ref<Type>, args: Args<'_>) -> PyResult<()> {
    let dict = ty.dict.cloned(cx).expect("a type has a dict");
    let set_name = cx.name("__set_name__");
    for (k, v) in dict.entries(cx) {
        if let Some(f) = v.type_ref().lookup(cx, &set_name)
            && let Err(r) = protocol::call(cx, &f, &[v.clone(), ty.as_obj().clone(), k.clone()])
        {
            let Some(e) = cx.take_error() else { return Err(r) };
            let name = protocol::repr_text(cx, &k)?;
            let note = cx.str(&format!("Error calling __set_name__ on '{}' instance {name} in '{}'", v.ty().name_text(), ty.name_text()))?;
            protocol::call_method(cx, &e, "add_note", &[note])?;
            return Err(cx.raise(e));
        }
    }
    let hook = cx.name("__init_subclass__");
    let parent = super::super_::lookup_after(cx, ty, ty, &hook)?;
    if let Some(f) = parent {
        let mut values = Vec::new();
        let mut names = Vec::new();
        for (k, v) in args.keywords() {
            names.push(k.clone());
            values.push(v.clone());
        }
        protocol::call_args(cx, &f, Args { items: &values, names: &names })?;
    }
    Ok(())
}

fn init(cx: &mut Cx, _this: &Obj, args: Args<'_>) -> PyResult<()> {
    let n = args.positional().len();
    if n != 1 && n != 3 {
        return Err(cx.type_error("type.__init__() takes 1 or 3 arguments"));
    }
    Ok(())
}

#[retic_macros::methods]
impl Type {
    /// Return a type's method resolution order.
    #[py("mro($self, /)")]
    fn mro_method(cx: &mut Cx, this: &Ref<Type>) -> PyResult {
        let all = bases::list(cx, this);
        let list = bases::compute_mro(cx, this, &all)?;
        cx.list(list)
    }
    /// Return a list of immediate subclasses.
    #[py("__subclasses__($self, /)")]
    fn subclasses_method(cx: &mut Cx, this: &Ref<Type>) -> PyResult {
        let all = this.subclass_list(cx).into_iter().map(Ref::into_obj).collect();
        cx.list(all)
    }
    /// Check if an object is an instance.
    #[py("__instancecheck__($self, instance, /)")]
    fn instancecheck(cx: &mut Cx, this: &Ref<Type>, instance: &Obj) -> PyResult<bool> {
        protocol::real_isinstance(cx, instance, this)
    }
    /// Check if a class is a subclass.
    #[py("__subclasscheck__($self, subclass, /)")]
    fn subclasscheck(cx: &mut Cx, this: &Ref<Type>, subclass: &Obj) -> PyResult<bool> {
        protocol::real_issubclass(cx, subclass, this.as_obj())
    }
    /// Create the namespace for the class statement
    #[py("__prepare__($cls, *args, **kwargs)", "($cls, name, bases, /, **kwds)")]
    fn prepare(cx: &mut Cx, _cls: &Obj, _args: &[Obj], _kwargs: Vec<(&Obj, &Obj)>) -> PyResult {
        Ok(Dict::new(cx)?.into_obj())
    }
    /// Specialized __dir__ implementation for types.
    #[py("__dir__($self, /)")]
    fn dir(cx: &mut Cx, this: &Ref<Type>) -> PyResult {
        let out = Dict::new(cx)?;
        for t in this.mro_list(cx).to_vec() {
            if let Some(t) = t.cast::<Type>()
                && let Some(d) = t.dict.cloned(cx)
            {
                for (k, _) in d.entries(cx) {
                    let none = cx.none();
                    out.insert(cx, &k, none)?;
                }
            }
        }
        cx.list(out.entries(cx).into_iter().map(|e| e.0).collect())
    }
    #[get("__name__")]
    #[settable("")]
    fn name_get(cx: &mut Cx, this: &Ref<Type>) -> PyResult {
        match this.name.cloned(cx) {
            Some(n) => Ok(n),
            None => {
                let n = this.short_name();
                Ok(super::str::intern_text(cx, &n)?.into_obj())
            }
        }
    }
    #[get("__qualname__")]
    #[settable("")]
    fn qualname_get(cx: &mut Cx, this: &Ref<Type>) -> PyResult {
        match this.qualname.cloned(cx) {
            Some(q) => Ok(q),
            None => Type::name_get(cx, this),
        }
    }
    #[get("__module__")]
    #[settable("")]
    fn module_get(cx: &mut Cx, this: &Ref<Type>) -> PyResult {
        let name = cx.name("__module__");
        // What `type` itself has under the name is this very descriptor.
        if this.is_heap()
            && let Some(m) = this.dict.get(cx).as_ref().and_then(|d| d.get_str(cx, &name))
        {
            return Ok(m);
        }
        let full = this.static_name.get();
        let module = full.rsplit_once('.').map_or("builtins", |(m, _)| m);
        Ok(cx.name(module).into_obj())
    }
    #[get("__bases__")]
    #[settable("")]
    fn bases_get(cx: &mut Cx, this: &Ref<Type>) -> PyResult {
        Ok(this.bases.cloned(cx).unwrap_or_else(|| cx.consts.empty_tuple.clone()))
    }
    #[member("__base__")]
    fn base_get(cx: &mut Cx, this: &Ref<Type>) -> Option<Obj> {
        this.base.cloned(cx).map(Ref::into_obj)
    }
    #[get("__mro__")]
    fn mro_get(cx: &mut Cx, this: &Ref<Type>) -> Option<Obj> {
        this.mro.cloned(cx)
    }
    #[get("__dict__")]
    fn dict_get(cx: &mut Cx, this: &Ref<Type>) -> PyResult {
        let d = this.dict.cloned(cx).expect("a type has a dict");
        super::dict::proxy(cx, d.into_obj())
    }
    #[get("__doc__")]
    #[settable("")]
    fn doc_get(cx: &mut Cx, this: &Ref<Type>) -> PyResult {
        if this.as_obj().is(cx.types.type_.as_obj()) {
            return cx.str("type(object) -> the object's type\ntype(name, bases, dict, **kwds) -> a new type");
        }
        let name = cx.name("__doc__");
        let found = this.dict.get(cx).as_ref().and_then(|d| d.get_str(cx, &name));
        match found {
            Some(d) => match d.ty().slots(cx).get {
                Some(get) => get(cx, &d, None, Some(this.as_obj())),
                None => Ok(d),
            },
            None => Ok(cx.none()),
        }
    }
    /// Return memory consumption of the type object.
    #[py("__sizeof__($self, /)")]
    fn sizeof(cx: &mut Cx, this: &Ref<Type>) -> i64 {
        /// What CPython 3.13's structures of static and heap types take, and the keys that instances share.
        const SIZES: [i64; 3] = [416, 928, 768];
        let _ = cx;
        if !this.is_heap() {
            return SIZES[0];
        }
        SIZES[1] + if this.has(flags::DICT) { SIZES[2] } else { 0 }
    }
    #[get("__text_signature__")]
    fn text_signature(_cx: &mut Cx, this: &Ref<Type>) -> Option<String> {
        Some(this.static_signature.get()).filter(|s| !s.is_empty()).map(str::to_string)
    }
    #[member("__flags__")]
    fn flags_get(cx: &mut Cx, this: &Ref<Type>) -> i64 {
        let f = this.flags.get();
        let mut out = 0;
        for (ours, theirs) in [
            (flags::HEAP, 1 << 9),
            (flags::BASE, 1 << 10),
            (flags::GC, 1 << 14),
            (flags::IMMUTABLE, 1 << 8),
            (flags::ABSTRACT, 1 << 20),
            (flags::SEQUENCE, 1 << 5),
            (flags::MAPPING, 1 << 6),
            (flags::WEAK, if f & flags::HEAP != 0 { 1 << 3 } else { 0 }),
            (flags::DICT, if f & flags::HEAP != 0 { 1 << 4 } else { 0 }),
            (flags::METHOD_DESCRIPTOR, 1 << 17),
            (flags::MATCH_SELF, 1 << 22),
        ] {
            if f & ours != 0 {
                out |= theirs;
            }
        }
        let kinds = [&cx.types.int, &cx.types.list, &cx.types.tuple, &cx.types.bytes, &cx.types.str, &cx.types.dict, &cx.types.base_exception, &cx.types.type_];
        for (i, kind) in kinds.into_iter().enumerate() {
            if this.is_subtype(cx, kind) {
                out |= 1 << (24 + i);
            }
        }
        // Every class that can be seen is ready.
        out | 1 << 12
    }
    #[member("__itemsize__")]
    fn itemsize_get(cx: &mut Cx, this: &Ref<Type>) -> usize {
        sizes::of(cx, this).map_or(0, |s| s.item)
    }
    /// Where CPython 3.13 keeps the dictionary of an instance; -1: the class manages it.
    #[member("__dictoffset__")]
    fn dictoffset_get(cx: &mut Cx, this: &Ref<Type>) -> i64 {
        sizes::of(cx, this).map_or(0, |s| s.dict)
    }
    /// Where CPython 3.13 keeps the list of weak references to an instance; -32: in front of it.
    #[member("__weakrefoffset__")]
    fn weakrefoffset_get(cx: &mut Cx, this: &Ref<Type>) -> i64 {
        sizes::of(cx, this).map_or(0, |s| s.weak)
    }
    #[member("__basicsize__")]
    fn basicsize_get(cx: &mut Cx, this: &Ref<Type>) -> usize {
        sizes::of(cx, this).map_or_else(|| this.basicsize.get() - inline_bytes(this), |s| s.basic)
    }
    #[get("__abstractmethods__")]
    #[settable("")]
    fn abstract_get(cx: &mut Cx, this: &Ref<Type>) -> PyResult {
        let name = cx.name("__abstractmethods__");
        match this.dict.get(cx).as_ref().and_then(|d| d.get_str(cx, &name)) {
            Some(v) if !this.as_obj().is(cx.types.type_.as_obj()) => Ok(v),
            _ => Err(cx.attribute_error("__abstractmethods__")),
        }
    }
    /// What makes the annotations; None where there are none.
    #[get("__annotate__")]
    #[settable("")]
    fn annotate_get(cx: &mut Cx, this: &Ref<Type>) -> PyResult {
        if !this.is_heap() {
            return Err(cx.attribute_error(format!("type object '{}' has no attribute '__annotate__'", this.name_text())));
        }
        let dict = this.dict.cloned(cx).expect("a type has a dict");
        let (given, made) = (cx.name("__annotate__"), cx.name("__annotate_func__"));
        let found = dict.get_str(cx, &given).or_else(|| dict.get_str(cx, &made));
        match found {
            Some(f) => match f.ty().slots(cx).get {
                Some(get) => get(cx, &f, None, Some(this.as_obj())),
                None => Ok(f),
            },
            None => {
                dict.insert(cx, made.as_obj(), cx.none())?;
                this.modified(cx);
                Ok(cx.none())
            }
        }
    }
    #[get("__type_params__")]
    #[settable("")]
    fn type_params_get(cx: &mut Cx, this: &Ref<Type>) -> Obj {
        let name = cx.name("__type_params__");
        let found = if this.is_heap() { this.dict.get(cx).as_ref().and_then(|d| d.get_str(cx, &name)) } else { None };
        found.unwrap_or_else(|| cx.consts.empty_tuple.clone())
    }
    #[get("__annotations__")]
    #[settable("")]
    fn annotations_get(cx: &mut Cx, this: &Ref<Type>) -> PyResult {
        let dict = this.dict.cloned(cx).expect("a type has a dict");
        if !this.is_heap() {
            return Err(cx.attribute_error(format!("type object '{}' has no attribute '__annotations__'", this.name_text())));
        }
        // Those that a body made itself go before those that were asked for.
        let (given, kept) = (cx.name("__annotations__"), cx.name("__annotations_cache__"));
        if let Some(a) = dict.get_str(cx, &given).or_else(|| dict.get_str(cx, &kept)) {
            let get = a.ty().slots(cx).get;
            return get.map_or(Ok(a.clone()), |get| get(cx, &a, None, Some(this.as_obj())));
        }
        let name = cx.name("__annotate__");
        let annotate = protocol::getattr(cx, this.as_obj(), &name)?;
        let made = if annotate.ty().slots(cx).call.is_some() {
            let one = cx.int(1)?;
            let made = protocol::call(cx, &annotate, &[one])?;
            if made.cast::<Dict>().is_none() {
                return Err(cx.type_error(format!("__annotate__() must return a dict, not {}", made.ty().name_text())));
            }
            made
        } else {
            Dict::new(cx)?.into_obj()
        };
        dict.insert(cx, kept.as_obj(), made.clone())?;
        this.modified(cx);
        Ok(made)
    }
}

impl Type {
    fn set_in_dict(cx: &mut Cx, this: &Ref<Type>, name: &'static str, value: Option<&Obj>) -> PyResult<()> {
        if this.has(flags::IMMUTABLE) {
            let full = full_name(cx, this);
            return Err(cx.type_error(format!("cannot set '{name}' attribute of immutable type '{full}'")));
        }
        let Some(v) = value else {
            return Err(cx.type_error(format!("cannot delete '{name}' attribute of immutable type '{}'", this.name_text())));
        };
        let key = cx.name(name);
        let dict = this.dict.cloned(cx).expect("a type has a dict");
        drop(dict.insert(cx, key.as_obj(), v.clone())?);
        this.modified(cx);
        Ok(())
    }
    fn set_annotate_get(cx: &mut Cx, this: &Ref<Type>, value: Option<&Obj>) -> PyResult<()> {
        match value {
            None => Err(cx.type_error("cannot delete __annotate__ attribute")),
            Some(v) if !v.is_none() && v.ty().slots(cx).call.is_none() => Err(cx.type_error("__annotate__ must be callable or None")),
            Some(v) => {
                Type::set_in_dict(cx, this, "__annotate_func__", value)?;
                // New annotations are made by it.
                if !v.is_none() && this.is_heap() {
                    let (dict, key) = (this.dict.cloned(cx).expect("a type has a dict"), cx.name("__annotations_cache__"));
                    let old = dict.remove(cx, key.as_obj())?;
                    cx.release(old);
                }
                Ok(())
            }
        }
    }
    fn set_type_params_get(cx: &mut Cx, this: &Ref<Type>, value: Option<&Obj>) -> PyResult<()> {
        Type::set_in_dict(cx, this, "__type_params__", value)
    }
    fn set_bases_get(cx: &mut Cx, this: &Ref<Type>, value: Option<&Obj>) -> PyResult<()> {
        crate::audit::audit_change(cx, this.as_obj(), "__bases__", value)?;
        bases::replace(cx, this, value)
    }
    fn set_name_get(cx: &mut Cx, this: &Ref<Type>, value: Option<&Obj>) -> PyResult<()> {
        crate::audit::audit_change(cx, this.as_obj(), "__name__", value)?;
        if this.has(flags::IMMUTABLE) {
            return Err(cx.type_error(format!("cannot set '__name__' attribute of immutable type '{}'", this.name_text())));
        }
        match value {
            Some(v) if v.cast::<Str>().is_some() => {
                if let Some(name) = v.cast::<Str>() {
                    check_name(cx, name)?;
                }
                this.name.set(cx, Some(v.clone()));
                Ok(())
            }
            Some(v) => Err(cx.type_error(format!("can only assign string to {}.__name__, not '{}'", this.name_text(), v.ty().name_text()))),
            None => Err(cx.type_error(format!("cannot delete '__name__' attribute of immutable type '{}'", this.name_text()))),
        }
    }
    fn set_qualname_get(cx: &mut Cx, this: &Ref<Type>, value: Option<&Obj>) -> PyResult<()> {
        crate::audit::audit_change(cx, this.as_obj(), "__qualname__", value)?;
        match value {
            Some(v) if v.cast::<Str>().is_some() && this.is_heap() => {
                this.qualname.set(cx, Some(v.clone()));
                Ok(())
            }
            Some(v) if this.is_heap() => Err(cx.type_error(format!("can only assign string to {}.__qualname__, not '{}'", this.name_text(), v.ty().name_text()))),
            Some(_) => Err(cx.type_error(format!("cannot set '__qualname__' attribute of immutable type '{}'", this.name_text()))),
            None => Err(cx.type_error(format!("cannot delete '__qualname__' attribute of immutable type '{}'", this.name_text()))),
        }
    }
    fn set_module_get(cx: &mut Cx, this: &Ref<Type>, value: Option<&Obj>) -> PyResult<()> {
        crate::audit::audit_change(cx, this.as_obj(), "__module__", value)?;
        // A class that says it is of another module was begun on no line of it.
        let key = cx.name("__firstlineno__");
        if this.is_heap()
            && value.is_some()
            && let Some(dict) = this.dict.cloned(cx)
            && let Some(old) = dict.remove(cx, key.as_obj())?
        {
            cx.release(old);
        }
        Type::set_in_dict(cx, this, "__module__", value)
    }
    fn set_doc_get(cx: &mut Cx, this: &Ref<Type>, value: Option<&Obj>) -> PyResult<()> {
        if value.is_none() {
            return Err(cx.type_error(format!("cannot delete '__doc__' attribute of immutable type '{}'", this.name_text())));
        }
        Type::set_in_dict(cx, this, "__doc__", value)
    }
    fn set_annotations_get(cx: &mut Cx, this: &Ref<Type>, value: Option<&Obj>) -> PyResult<()> {
        if this.has(flags::IMMUTABLE) {
            return Err(cx.type_error(format!("cannot set '__annotations__' attribute of immutable type '{}'", this.name_text())));
        }
        let dict = this.dict.cloned(cx).expect("a type has a dict");
        let [given, kept, annotate, function] = ["__annotations__", "__annotations_cache__", "__annotate__", "__annotate_func__"].map(|n| cx.name(n));
        let own = dict.get_str(cx, &given).is_some();
        match value {
            Some(v) => {
                let old = dict.insert(cx, if own { given } else { kept }.as_obj(), v.clone())?;
                cx.release(old);
            }
            None => {
                let old = dict.remove(cx, if own { given } else { kept }.as_obj())?;
                if old.is_none() {
                    return Err(cx.attribute_error("__annotations__"));
                }
                cx.release(old);
            }
        }
        // What was to make others has nothing to say any more.
        for name in [annotate, function] {
            let old = dict.remove(cx, name.as_obj())?;
            cx.release(old);
        }
        this.modified(cx);
        Ok(())
    }
    fn set_abstract_get(cx: &mut Cx, this: &Ref<Type>, value: Option<&Obj>) -> PyResult<()> {
        let on = match value {
            Some(v) => protocol::truth(cx, v)?,
            None => {
                let key = cx.name("__abstractmethods__");
                if this.dict.get(cx).as_ref().is_none_or(|d| d.get_str(cx, &key).is_none()) {
                    return Err(cx.attribute_error("__abstractmethods__"));
                }
                false
            }
        };
        let f = this.flags.get();
        this.flags.set(if on { f | flags::ABSTRACT } else { f & !flags::ABSTRACT });
        if value.is_none() {
            let key = cx.name("__abstractmethods__");
            let dict = this.dict.cloned(cx).expect("a type has a dict");
            drop(dict.remove(cx, key.as_obj())?);
            this.modified(cx);
            return Ok(());
        }
        Type::set_in_dict(cx, this, "__abstractmethods__", value)
    }
}

/// Takes a dying class out of its bases' lists before its fields go.
unsafe fn drop_type(raw: NonNull<crate::object::Header>) {
    let me = raw.cast::<Type>();
    // SAFETY: the class is dying but whole; its bases are alive while it holds them.
    unsafe {
        let ty = me.as_ref();
        let cx = &mut *ty.cx.get();
        bases::leave(cx, ty);
        shapes::forget(cx, ty);
        crate::lens::name_goes(cx);
        me.drop_in_place();
    }
}
unsafe fn trace_type(raw: NonNull<crate::object::Header>, visit: &mut dyn FnMut(&Obj)) {
    // SAFETY: live and of this layout.
    crate::object::Trace::trace(unsafe { raw.cast::<Type>().as_ref() }, visit);
}
unsafe fn clear_type(raw: NonNull<crate::object::Header>, out: &mut Vec<Obj>) {
    // Only dict and order: the bases are still needed when the class dies.
    // SAFETY: as above; the collector holds the interpreter.
    unsafe {
        let ty = raw.cast::<Type>().as_ref();
        let cx = &mut *ty.cx.get();
        if let Some(d) = ty.dict.get(cx).clone() {
            out.extend(d.entries(cx).into_iter().map(|e| e.1));
            d.clear_now(cx);
        }
        out.extend((*ty.mro.as_ptr()).take());
    }
}
unsafe fn size_of_type(_: NonNull<crate::object::Header>) -> usize {
    size_of::<Type>()
}
static OPS: Ops = Ops { drop: drop_type, trace: trace_type, clear: clear_type, size: size_of_type };

pub fn spec() -> Spec {
    Spec {
        doc: "type(object) -> the object's type\ntype(name, bases, dict, **kwds) -> a new type",
        flags: flags::GC | flags::MANAGED | flags::WEAK | flags::BASE,
        shape: shape::TYPE,
        ops: &OPS,
        slots: Slots { repr: Some(repr), call: Some(call_type), getattribute: Some(getattribute), setattr: Some(setattr), new: Some(new_slot), init: Some(init), ..Slots::EMPTY }
            .with(&[(Op::Or, super::generic::or)]),
        methods: Type::METHODS,
        getset: Type::GETSET,
        ..Spec::new::<Type>("type")
    }
}
