//! One interpreter: making the types, the singletons and the first modules; running programs; the end.

use crate::cx::{Consts, Cx, PyResult};
use crate::host::Host;
use crate::memory;
use crate::modules::sys::hooks;
use crate::object::{GC_LINK, Layout, Obj, Ref, shape};
use crate::types::shapes;
use crate::types::type_::{self, raw_new};
use crate::types::{CodeObj, Dict, Int, List, SPECS, Spec, Str, Tuple, Type, Types, dict, dunders, tuple};
use retic_heap::Kind;
use std::mem::MaybeUninit;

/// An interpreter; its context stays where it is for its whole life.
pub struct Interp {
    cx: std::mem::ManuallyDrop<Box<Cx>>,
}

impl Drop for Interp {
    /// Gives the arenas and stacks back whole: objects that are still there are not taken apart one by one.
    fn drop(&mut self) {
        crate::memory::tracer::stop(&mut self.cx);
        // SAFETY: nothing is used after this; no handle of this interpreter can be outside of it.
        unsafe {
            std::ptr::drop_in_place(&raw mut self.cx.stacks);
            std::ptr::drop_in_place(&raw mut self.cx.heap);
        }
    }
}

/// Makes an interpreter over a host. `hash_key` seeds the hashes of text.
pub fn new(host: Box<dyn Host>, hash_key: (u64, u64)) -> Interp {
    let mut boxed: Box<MaybeUninit<Cx>> = Box::new_uninit();
    let heap = retic_heap::Heap::new();
    // The types point at the context, so it needs its address before it has its contents.
    // SAFETY: `types` and `consts` are placeholders that are overwritten before anything reads them.
    let mut cx = unsafe {
        let empty = crate::cx::empty(host, std::mem::zeroed::<MaybeUninit<Types>>().assume_init(), std::mem::zeroed::<MaybeUninit<Consts>>().assume_init(), heap, hash_key);
        boxed.as_mut_ptr().write(empty);
        boxed.assume_init()
    };
    bootstrap(&mut cx);
    cx.renew_frame_limit();
    Interp { cx: std::mem::ManuallyDrop::new(cx) }
}

/// Before a program: it finds blocks of dead lists, dicts, floats and tuples kept, about as many as the start of CPython 3.13 leaves
/// to one; of those that the making of classes needs here and leaves over there, more.
pub fn keep_some(cx: &Cx) {
    const TUPLES: [(usize, usize); 17] =
        [(1, 8), (2, 8), (3, 4), (4, 1), (6, 2), (7, 2), (8, 2), (9, 1), (11, 2), (12, 4), (13, 2), (14, 1), (15, 1), (16, 2), (17, 1), (18, 2), (19, 1)];
    for (items, n) in TUPLES {
        cx.heap.keep_fresh(Kind::tuple(items), GC_LINK + tuple::HEAD_BYTES + items * size_of::<Obj>(), n);
    }
    cx.heap.keep_fresh(Kind::LIST, GC_LINK + size_of::<List>(), 6);
    cx.heap.keep_fresh(Kind::DICT, GC_LINK + size_of::<Dict>(), 10);
    cx.heap.keep_fresh(Kind::KEYS, dict::KEPT_BYTES, 6);
    cx.heap.keep_fresh_floats(4);
}

fn bootstrap(cx: &mut Cx) {
    let specs: Vec<Spec> = SPECS.iter().map(|(.., f)| f()).collect();
    // `type` first: it is its own type.
    let meta_at = SPECS.iter().position(|(n, ..)| *n == "type_").expect("type is listed");
    let meta = raw_new(cx, &specs[meta_at], None);
    let list: Vec<Ref<Type>> = specs.iter().enumerate().map(|(i, s)| if i == meta_at { meta.clone() } else { raw_new(cx, s, Some(&meta)) }).collect();
    for t in &list {
        t.as_obj().make_immortal();
    }
    // SAFETY: overwrites the placeholder without dropping it.
    unsafe { std::ptr::write(&raw mut cx.types, Types::from_list(list.clone())) };
    for (t, s) in list.iter().zip(&specs) {
        shapes::make_shapes(cx, t);
        if s.shape != 0 {
            t.root_shape.set(s.shape);
        }
    }
    make_consts(cx);
    let by_name = |name: &str| SPECS.iter().position(|(n, ..)| *n == name).expect("bases are listed");
    for (i, t) in list.iter().enumerate() {
        let dict = Dict::new(cx).expect("room for the built-in types");
        t.dict.set(cx, Some(dict));
        let base = (i != 0).then(|| list[by_name(SPECS[i].1)].clone());
        let mut mro = vec![t.as_obj().clone()];
        if let Some(b) = &base {
            mro.extend(b.mro_list(cx).to_vec());
        }
        let mut bases: Vec<Obj> = base.iter().map(|b| b.as_obj().clone()).collect();
        if SPECS[i].0 == "exception_group" {
            // The one built-in class with two bases: ExceptionGroup(BaseExceptionGroup, Exception).
            let second = cx.types.exception.as_obj().clone();
            mro.insert(2, second.clone());
            bases.push(second);
        }
        let bases = cx.tuple(bases).expect("room");
        let mro = cx.tuple(mro).expect("room");
        t.bases.set(cx, Some(bases));
        t.mro.set(cx, Some(mro));
        if let Some(b) = &base {
            let inherited = b.flags.get() & type_::flags::EXCEPTION;
            t.flags.set(t.flags.get() | inherited);
            // SAFETY: nobody borrows the list while the types are made.
            unsafe { (*b.subclasses.as_ptr()).push(cx, t.as_raw()).expect("room") };
        }
        t.base.set(cx, base);
    }
    for (i, t) in list.iter().enumerate() {
        describe(cx, t, &specs[i]);
        if let Some(b) = t.base.cloned(cx) {
            dunders::inherit(cx, t, &b);
        }
        if t.slots(cx).del.is_some() {
            t.flags.set(t.flags.get() | type_::flags::FINALIZER);
        }
    }
    let memory_error = cx.types.memory_error.clone();
    let spare = crate::types::exception::make(cx, &memory_error, None).expect("room");
    spare.make_immortal();
    cx.types.spare_memory_error = Some(spare);
    crate::modules::install(cx).expect("the first modules are made");
    crate::memory::cycles::set_elders_apart(cx, &list);
    cx.quick.function_keys = Some((cx.name("__name__"), cx.name("__builtins__")));
    let (len, append) = (cx.name("len"), cx.name("append"));
    let found = cx.builtins.as_ref().and_then(|b| b.get_str(cx, &len));
    cx.quick.len = found.and_then(|f| Some(f.cast::<crate::types::function::Builtin>()?.def.get()));
    cx.quick.append = cx.types.list.lookup(cx, &append).and_then(|m| crate::types::descriptor::method_parts(&m).map(|p| p.1));
    let (isinstance, get) = (cx.name("isinstance"), cx.name("get"));
    let found = cx.builtins.as_ref().and_then(|b| b.get_str(cx, &isinstance));
    cx.quick.isinstance = found.and_then(|f| Some(f.cast::<crate::types::function::Builtin>()?.def.get()));
    cx.quick.get = cx.types.dict.lookup(cx, &get).and_then(|m| crate::types::descriptor::method_parts(&m).map(|p| p.1));
    cx.quick.class_name = Some(cx.name("__class__"));
    cx.quick.getitem_name = Some(cx.name("__getitem__"));
}

/// A native type made after the start, for a module that is imported. It lives as long as the interpreter; a module that is
/// imported anew gets the type it had.
pub fn native_type(cx: &mut Cx, spec: &Spec, base: &Ref<Type>) -> PyResult<Ref<Type>> {
    if let Some(known) = cx.native_types.get(spec.name) {
        return Ok(known.clone());
    }
    let meta = cx.types.type_.clone();
    let t = raw_new(cx, spec, Some(&meta));
    t.as_obj().make_immortal();
    shapes::make_shapes(cx, &t);
    let dict = Dict::new(cx)?;
    t.dict.set(cx, Some(dict));
    let mut mro = vec![t.as_obj().clone()];
    mro.extend(base.mro_list(cx).to_vec());
    let (bases, mro) = (cx.tuple_of([base.as_obj().clone()])?, cx.tuple(mro)?);
    t.bases.set(cx, Some(bases));
    t.mro.set(cx, Some(mro));
    t.flags.set(t.flags.get() | base.flags.get() & type_::flags::EXCEPTION);
    // SAFETY: nobody borrows the list meanwhile.
    unsafe { (*base.subclasses.as_ptr()).push(cx, t.as_raw())? };
    t.base.set(cx, Some(base.clone()));
    describe(cx, &t, spec);
    dunders::inherit(cx, &t, base);
    if t.slots(cx).del.is_some() {
        t.flags.set(t.flags.get() | type_::flags::FINALIZER);
    }
    cx.native_types.insert(spec.name, t.clone());
    Ok(t)
}

/// More methods for a native type.
pub fn add_methods(cx: &mut Cx, t: &Ref<Type>, methods: &'static [crate::native::MethodDef]) -> PyResult<()> {
    let dict = t.dict.cloned(cx).expect("every type has one");
    for def in methods {
        let f = crate::types::function::from_def(cx, t, def)?;
        dict.set_str(cx, def.name, f)?;
    }
    t.modified(cx);
    Ok(())
}

fn make_consts(cx: &mut Cx) {
    let one = |cx: &mut Cx, ty: &Ref<Type>| -> Obj {
        let raw = memory::birth(cx, ty, ty.root_shape.get(), 16).expect("room");
        // SAFETY: a singleton is a header alone.
        let o = unsafe { Obj::from_raw(raw) };
        o.make_immortal();
        o
    };
    let (none, ni, el, un) = (cx.types.none.clone(), cx.types.not_implemented.clone(), cx.types.ellipsis.clone(), cx.types.unbound.clone());
    let none = one(cx, &none);
    let not_implemented = one(cx, &ni);
    let ellipsis = one(cx, &el);
    let unbound = one(cx, &un);
    let bool_type = cx.types.bool.clone();
    let immortal = |o: Obj| {
        o.make_immortal();
        o
    };
    let false_ = immortal(crate::types::int::make_bool(cx, &bool_type, false).expect("room"));
    let true_ = immortal(crate::types::int::make_bool(cx, &bool_type, true).expect("room"));
    let tuple_type = cx.types.tuple.clone();
    let empty_tuple = immortal(Tuple::make(cx, &tuple_type, Vec::new()).expect("room"));
    // SAFETY: a tuple, whose type is a gc type.
    unsafe { memory::cycles::hide(empty_tuple.as_ptr()) };
    let str_type = cx.types.str.clone();
    let bytes_type = cx.types.bytes.clone();
    let empty_str = immortal(Str::make(cx, &str_type, b"").expect("room").into_obj());
    let empty_bytes = immortal(crate::types::Bytes::make(cx, &bytes_type, b"").expect("room"));
    let latin1: Vec<Obj> = (0..=255u8).map(|c| immortal(crate::types::str::intern(cx, Str::make(cx, &str_type, &[c]).expect("room")).into_obj())).collect();
    let bytes1: Vec<Obj> = (0..=255u8).map(|c| immortal(crate::types::Bytes::make(cx, &bytes_type, &[c]).expect("room"))).collect();
    let consts = Consts {
        none,
        true_,
        false_,
        not_implemented,
        ellipsis,
        unbound,
        empty_tuple,
        empty_str,
        empty_bytes,
        latin1,
        bytes1,
        names: Default::default(),
        literals: Default::default(),
        recent_literals: Default::default(),
        dunders: Vec::new(),
    };
    // SAFETY: overwrites the placeholder without dropping it.
    unsafe { std::ptr::write(&raw mut cx.consts, consts) };
    let ints: Vec<Obj> = (crate::cx::SMALL_MIN..=crate::cx::SMALL_MAX)
        .map(|v| {
            let o = Int::new(cx, v).expect("room");
            o.make_immortal();
            o
        })
        .collect();
    cx.small_ints = Box::leak(ints.into_boxed_slice()).as_ptr();
}

/// Fills a native type's dict.
fn describe(cx: &mut Cx, t: &Ref<Type>, s: &Spec) {
    let dict = t.dict.cloned(cx).expect("made above");
    let put = |cx: &mut Cx, name: &'static str, v: Obj| dict.set_str(cx, name, v).expect("room");
    for def in s.methods.iter().chain(s.more_methods) {
        let f = crate::types::function::from_def(cx, t, def).expect("room");
        put(cx, def.name, f);
    }
    for def in s.getset {
        let d = crate::types::descriptor::getset(cx, t, def).expect("room");
        put(cx, def.name, d);
    }
    for def in s.members {
        let d = crate::types::descriptor::member_of(cx, t, def).expect("room");
        put(cx, def.name, d);
    }
    dunders::expose(cx, t, &s.slots).expect("room");
    if s.slots.new.is_some() {
        let f = crate::types::function::builtin(cx, &NEW, Some(t.as_obj().clone()), None).expect("room");
        put(cx, "__new__", f);
    }
    let key = cx.name("__doc__");
    if dict.get_str(cx, &key).is_none() {
        let doc = if s.doc.is_empty() { cx.none() } else { cx.str(s.doc).expect("room") };
        put(cx, "__doc__", doc);
    }
    if s.slots.hash.map(|h| h as usize) == Some(dunders::unhashable as *const () as usize) {
        let none = cx.none();
        put(cx, "__hash__", none);
    }
    let inherits_dict = t.base.get(cx).as_ref().is_some_and(|b| b.has(type_::flags::DICT));
    if s.flags & type_::flags::DICT != 0 && !inherits_dict {
        let d = crate::types::descriptor::getset(cx, t, &crate::types::object::NATIVE_DICT).expect("room");
        put(cx, "__dict__", d);
    }
    let _ = shape::NONE;
    let _ = Int::ID;
}

/// `T.__new__`: makes an instance of its first argument, which must be T or a subclass.
static NEW: crate::native::MethodDef = crate::native::MethodDef {
    name: "__new__",
    kind: crate::native::MethodKind::Static,
    signature: crate::native::Signature::open("__new__", "($type, *args, **kwargs)"),
    doc: "Create and return a new object.  See help(type) for accurate signature.",
    call: |cx, _, this, args| {
        let Some(owner) = this.cast::<Type>().cloned() else { return Ok(cx.none()) };
        let Some((first, rest)) = args.items.split_first() else {
            return Err(cx.type_error(format!("{}.__new__(): not enough arguments", owner.name_text())));
        };
        let Some(class) = first.cast::<Type>().cloned() else {
            return Err(cx.type_error(format!("{}.__new__(X): X is not a type object ({})", owner.name_text(), first.ty().name_text())));
        };
        if !class.is_subtype(cx, &owner) {
            return Err(cx.type_error(format!("{0}.__new__({1}): {1} is not a subtype of {0}", owner.name_text(), class.name_text())));
        }
        let maker = |cx: &Cx, t: &Type| t.slots(cx).new.map(|f| f as usize);
        let native = class.mro_list(cx).iter().find_map(|t| t.cast::<Type>().filter(|t| !t.is_heap()).cloned());
        let other = native.as_ref().is_some_and(|n| !n.as_obj().is(owner.as_obj()) && maker(cx, n) != maker(cx, &owner));
        if class.layout.get() != owner.layout.get() || other {
            let native = native.map(|t| t.short_name()).unwrap_or_default();
            return Err(cx.type_error(format!("{}.__new__({}) is not safe, use {native}.__new__()", owner.name_text(), class.name_text())));
        }
        let Some(new) = owner.slots(cx).new else { return Err(cx.type_error(format!("cannot create '{}' instances", owner.name_text()))) };
        new(cx, &class, crate::native::Args { items: rest, names: args.names })
    },
};

impl Interp {
    pub fn cx(&mut self) -> &mut Cx {
        self.cx.measure_stack();
        &mut self.cx
    }

    /// Runs something as the program: its exception is reported, then the interpreter ends. Returns the exit status.
    pub fn run_program(&mut self, program: impl FnOnce(&mut Cx) -> PyResult<()>) -> i32 {
        let cx = self.cx();
        let started = crate::modules::main_module(cx).map(|_| crate::memory::cycles::begin_program(cx));
        let status = match started.and_then(|()| program(cx)) {
            Ok(()) => 0,
            Err(_) => report(cx),
        };
        // CPython's status of a program whose output was lost, however it ended.
        const LOST: i32 = 120;
        if finish(cx) { status } else { LOST }
    }
}

/// Runs code as `__main__`. `text`: the source of a program that is in no file.
pub fn run_main(cx: &mut Cx, code: std::rc::Rc<retic_bytecode::Code>, file: Option<&str>, text: &str) -> PyResult<()> {
    let m = crate::modules::main_module(cx)?;
    let globals = m.dict.cloned(cx);
    if let Some(f) = file {
        let f = cx.str(f)?;
        globals.set_str(cx, "__file__", f)?;
        let none = cx.none();
        globals.set_str(cx, "__cached__", none)?;
    }
    if file.is_none() && &*code.filename == "<stdin>" {
        let (name, none) = (cx.str("<stdin>")?, cx.none());
        globals.set_str(cx, "__file__", name)?;
        globals.set_str(cx, "__cached__", none)?;
    }
    crate::modules::import::main_loader(cx)?;
    let code = CodeObj::new(cx, code)?;
    if file.is_none() {
        let text = cx.str(text)?;
        cx.command = Some((code.as_obj().clone(), text));
    }
    let r = crate::eval::run_code(cx, &code, &globals, globals.as_obj(), None)?;
    cx.release(r);
    Ok(())
}

/// Prints the waiting exception, whatever it is.
pub fn show(cx: &mut Cx) {
    if let Some(e) = cx.take_error() {
        flush_streams(cx);
        hooks::uncaught(cx, &e);
        cx.release(e);
    }
}

/// Prints the waiting exception, or takes the status of SystemExit.
pub fn report(cx: &mut Cx) -> i32 {
    let Some(e) = cx.take_error() else { return 1 };
    // What the program printed stands before what ended it, as CPython has it.
    flush_streams(cx);
    if let Some(status) = hooks::exit_status(cx, &e) {
        return status;
    }
    hooks::uncaught(cx, &e);
    cx.signals.interrupted = e.ty().is_subtype(cx, &cx.types.keyboard_interrupt);
    cx.release(e);
    // The hook itself may have asked to end.
    match cx.take_error() {
        Some(e) => hooks::exit_status(cx, &e).unwrap_or(1),
        None if cx.signals.interrupted => 130,
        None => 1,
    }
}

/// What waits in `sys.stdout` and `sys.stderr` goes out.
fn flush_streams(cx: &mut Cx) {
    for name in ["stdout", "stderr"] {
        if let Some(s) = stream(cx, name)
            && crate::protocol::call_method(cx, &s, "flush", &[]).is_err()
        {
            cx.clear_error();
        }
        cx.clear_error();
    }
}

fn stream(cx: &mut Cx, name: &'static str) -> Option<Obj> {
    let (key, sys) = (cx.name(name), cx.sys.clone()?);
    crate::protocol::lookup_attr(cx, &sys, &key).ok().flatten().filter(|s| !s.is_none())
}

/// The same at the end: what cannot be written is told, unless the stream was closed. False: something was lost.
fn flush_at_end(cx: &mut Cx) -> bool {
    let mut whole = true;
    for name in ["stdout", "stderr"] {
        let Some(s) = stream(cx, name) else {
            cx.clear_error();
            continue;
        };
        let key = cx.name("closed");
        let closed = matches!(crate::protocol::lookup_attr(cx, &s, &key), Ok(Some(c)) if crate::protocol::truth(cx, &c).unwrap_or(false));
        cx.clear_error();
        if !closed && crate::protocol::call_method(cx, &s, "flush", &[]).is_err() {
            whole = false;
            match name {
                "stdout" => crate::modules::sys::hooks::unraisable(cx, Some("Exception ignored on flushing sys.stdout"), &cx.none()),
                _ => cx.clear_error(),
            }
        }
    }
    whole
}

/// Threads that are not daemons are waited for.
fn wait_for_threads(cx: &mut Cx) {
    let key = cx.name("threading");
    let Some(m) = cx.modules.as_ref().and_then(|m| m.get_str(cx, &key)) else { return };
    if crate::protocol::call_method(cx, &m, "_shutdown", &[]).is_err() {
        crate::modules::sys::hooks::unraisable(cx, Some("Exception ignored on threading shutdown"), &m);
    }
}

/// The end of the interpreter, in CPython's order: exit functions, `__main__`, the other modules, a last collection. False:
/// output was lost.
fn finish(cx: &mut Cx) -> bool {
    use retic_events::Phase;
    crate::lens::phase(cx, Phase::ProgramEnded);
    wait_for_threads(cx);
    crate::lens::phase(cx, Phase::AtExit);
    crate::modules::atexit::run(cx);
    cx.clear_error();
    let whole = flush_at_end(cx);
    cx.threads.close();
    cx.ending = true;
    // What is garbage already goes while all modules are whole.
    if cx.collector.enabled.get() {
        crate::memory::cycles::collect(cx, 2);
    }
    crate::lens::phase(cx, Phase::Modules);
    crate::modules::finalize(cx);
    cx.run_condemned();
    flush_streams(cx);
    crate::lens::phase(cx, Phase::Over);
    cx.end_recording();
    cx.host.flush();
    whole
}
