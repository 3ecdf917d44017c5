//! The context: everything one interpreter owns. `&mut Cx` is the right to run Python (the GIL token).

use crate::memory::cycles::Collector;
use crate::object::{Header, Obj, Ref, shape};
use crate::types::{Dict, Int, Str, Type, Types};
use rustc_hash::FxHashMap;
use std::any::{Any, TypeId};
use std::cell::{Cell, RefCell, UnsafeCell};
use std::ptr::NonNull;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};

/// A Python exception is waiting in the context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Raised(());

/// What functions that can raise return. As small as a nullable pointer for `Obj`.
pub type PyResult<T = Obj> = Result<T, Raised>;

const _: () = assert!(size_of::<PyResult<Obj>>() == 8);

/// Poll bits: what waits at the next back edge or call.
pub const POLL_GC: u32 = 1;
pub const POLL_CONDEMNED: u32 = 2;
pub const POLL_SIGNAL: u32 = 4;
pub const POLL_LIMIT: u32 = 8;
/// Another thread has waited for its turn long enough.
pub const POLL_SWITCH: u32 = 16;

/// A layout of instances: which attribute lies at which inline slot.
pub struct Shape {
    pub class: NonNull<Type>,
    /// Attribute names in slot order; interned, so compared by address.
    pub names: Vec<Obj>,
    pub slots: FxHashMap<usize, u16>,
    /// Shape after adding an attribute.
    pub next: FxHashMap<usize, u32>,
    /// Attributes are in a dictionary, not inline.
    pub in_dict: bool,
    /// The class's shape with attributes in a dictionary.
    pub dict_shape: u32,
    /// An attribute cache has its number.
    pub cached: Cell<bool>,
}

/// What native modules keep for an interpreter, by its type: a handful, so that a search beats a hash. The one asked for last is
/// mostly the next.
#[derive(Default)]
pub struct NativeStates {
    all: Vec<(TypeId, Rc<dyn Any>)>,
    last: Cell<usize>,
}
impl NativeStates {
    #[inline]
    pub fn get<T: 'static>(&self) -> Option<Rc<T>> {
        let wanted = TypeId::of::<T>();
        let state = match self.all.get(self.last.get()) {
            Some((id, state)) if *id == wanted => state,
            _ => self.search(wanted)?,
        };
        state.clone().downcast().ok()
    }
    #[inline(never)]
    fn search(&self, wanted: TypeId) -> Option<&Rc<dyn Any>> {
        let at = self.all.iter().position(|(id, _)| *id == wanted)?;
        self.last.set(at);
        Some(&self.all[at].1)
    }
    /// Keeps a module's state; one of its type is not there yet.
    pub fn insert<T: 'static>(&mut self, state: T) {
        self.all.push((TypeId::of::<T>(), Rc::new(state)));
    }
}

/// An entry of the per-interpreter method cache.
#[derive(Clone, Copy)]
pub struct MethodCacheEntry {
    pub version: u32,
    pub name: usize,
    pub value: Option<NonNull<Header>>,
}

/// Compiles source handed to `compile`, `exec`, `eval` and imports. Installed by the embedding crate.
pub type CompileHook = fn(&mut Cx, CompileRequest<'_>) -> PyResult<Rc<retic_bytecode::Code>>;

/// Decodes the bytes of a source by its mark or cookie. Installed by the embedding crate.
pub type SourceHook = fn(&mut Cx, &[u8], &str) -> PyResult<String>;

/// Parses source into a tree of `_ast` nodes. Installed by the embedding crate.
pub type TreeHook = fn(&mut Cx, CompileRequest<'_>) -> PyResult;

/// Compiles a tree of `_ast` nodes. Installed by the embedding crate; `source` of the request is empty.
pub type TreeCompileHook = fn(&mut Cx, &Obj, CompileRequest<'_>) -> PyResult<Rc<retic_bytecode::Code>>;

/// Finds a module of the packed library by its dotted name, or (an absolute path) by its file.
pub type LibraryHook = fn(&str) -> Option<LibraryModule>;

/// A module of the packed library.
pub struct LibraryModule {
    /// Absolute, below `_imp._library_root`.
    pub path: String,
    pub package: bool,
    pub source: fn(&str) -> Vec<u8>,
    pub code: fn(&str) -> Option<Rc<retic_bytecode::Code>>,
}

/// What the compile hook gets.
pub struct CompileRequest<'a> {
    pub source: &'a str,
    pub filename: &'a str,
    /// "exec", "eval", "single", or (for a tree) "func_type".
    pub mode: &'a str,
    pub flags: u32,
    /// Syntax newer than Python 3.`feature_version` is refused; 0: none is.
    pub feature_version: u8,
    pub optimize: u8,
}

/// One interpreter.
#[repr(C)]
pub struct Cx {
    pub heap: retic_heap::Heap,
    pub poll: AtomicU32,
    /// Python may run while objects die: set by `release`, clear while native code holds borrows.
    pub may_run: Cell<bool>,
    pub death_depth: Cell<u32>,
    pub(crate) small_ints: *const Obj,
    pub(crate) quick: Quick,
    /// Where results of arithmetic on digits are made.
    pub(crate) digits: Vec<u32>,
    pub stacks: crate::eval::Stacks,
    /// The recorder, if this interpreter is under the lens.
    pub lens: crate::lens::Lens,
    /// While `tracemalloc` is on: what it knows.
    pub tracer: RefCell<Option<Box<crate::memory::tracer::Tracer>>>,
    pub handled: UnsafeCell<Option<Obj>>,
    pub(crate) error: UnsafeCell<Option<Obj>>,
    pub types: Types,
    pub consts: Consts,
    pub collector: Collector,
    pub shapes: RefCell<Vec<Shape>>,
    /// The places in `shapes` of those of each class, by its address.
    pub(crate) shapes_of: RefCell<FxHashMap<usize, Vec<u32>>>,
    pub method_cache: Box<[Cell<MethodCacheEntry>]>,
    pub(crate) shared: crate::eval::Shared,
    pub interned: RefCell<crate::types::str::interned::Interned>,
    pub next_version: Cell<u32>,
    pub next_keys_version: Cell<u64>,
    condemned: RefCell<Vec<Obj>>,
    pub dying: RefCell<Vec<NonNull<Header>>>,
    pub hash_key: (u64, u64),
    pub builtins: Option<Ref<Dict>>,
    pub modules: Option<Ref<Dict>>,
    pub sys: Option<Obj>,
    pub compile_hook: Option<CompileHook>,
    pub source_hook: Option<SourceHook>,
    pub tree_hook: Option<TreeHook>,
    pub tree_compile_hook: Option<TreeCompileHook>,
    /// The program of `-c`: its code and text, for tracebacks.
    pub command: Option<(Obj, Obj)>,
    pub monitoring: crate::modules::sys::monitoring::State,
    pub host: Box<dyn crate::host::Host>,
    pub native_modules: Vec<(&'static str, fn(&mut Cx) -> PyResult)>,
    pub recursion_limit: Cell<usize>,
    /// The depth at which `eval/frame.rs` stops to think: the recursion limit, or zero while somebody watches.
    pub(crate) frame_limit: Cell<usize>,
    /// Who watches: `sys.settrace`, `sys.setprofile`.
    pub tracing: crate::eval::tracing::State,
    pub threads: crate::threads::State,
    pub signals: crate::signals::State,
    pub native_depth: Cell<usize>,
    pub stack_floor: Cell<usize>,
    pub atexit: RefCell<Vec<Obj>>,
    pub reprs: RefCell<Vec<usize>>,
    pub warnings: crate::modules::warnings::State,
    pub gc_callbacks: Option<Obj>,
    pub gc_garbage: Option<Obj>,
    pub optimize: u8,
    pub codecs: crate::codecs::Registry,
    /// How many classes were registered with abstract base classes.
    pub abc_registrations: Cell<u64>,
    /// `-X no_debug_ranges`: code objects tell lines and no columns.
    pub no_columns: bool,
    /// Bytes that are no UTF-8 pass the standard streams unharmed (PEP 540).
    pub escaped_streams: bool,
    /// Standard output and errors are written at once.
    pub unbuffered: bool,
    /// What `os.cpu_count()` says; none: how many there are.
    pub cpu_count: Option<u32>,
    /// What `sys.setdlopenflags` was told last.
    pub dlopen_flags: i32,
    /// `_imp.check_hash_based_pycs`.
    pub check_hash_pycs: &'static str,
    /// What `sys.path` began with, if the program's folder is on it; empty: wherever the process is.
    pub program_folder: Option<String>,
    pub finalizing: bool,
    /// The program's exit functions have run; until `finalizing` its modules are whole.
    pub ending: bool,
    pub int_max_str_digits: Cell<usize>,
    pub switch_interval: Cell<f64>,
    /// Seconds that new sockets wait; negative for ever.
    pub socket_timeout: Cell<f64>,
    /// Characters that a field of `csv` may have.
    pub csv_field_limit: Cell<i64>,
    /// Room for bytes on their way from a descriptor, kept from one read to the next.
    pub reading_room: Vec<u8>,
    pub origin_depth: Cell<i64>,
    pub audit_hooks: Vec<Obj>,
    /// What `os.register_at_fork` got: before, in the child, in the parent.
    pub fork_hooks: [Vec<Obj>; 3],
    /// Code that functions had when they ran, before `__code__` was assigned.
    pub(crate) replaced_codes: Vec<Ref<crate::types::CodeObj>>,
    pub(crate) translated: crate::eval::Translated,
    /// What `retic.trace()` records into and asks.
    pub recordings: Option<Box<dyn crate::lens::Recordings>>,
    pub asyncgen_hooks_type: Option<Ref<Type>>,
    /// The packed library, if there is one.
    pub library: Option<LibraryHook>,
    pub imports: crate::modules::import::State,
    /// Writes text to a native text stream; false where `write` must be called instead.
    pub print_hook: Option<fn(&mut Cx, &Obj, &Ref<Str>) -> PyResult<bool>>,
    /// The native types that modules made, by name with module.
    pub native_types: crate::types::native_types::NativeTypes,
    pub native_states: NativeStates,
    /// The hooks of `sys.set_asyncgen_hooks`: at first use, instead of death.
    pub asyncgen_hooks: (Option<Obj>, Option<Obj>),
    /// Address of the exception that RERAISE is raising; 0 for none.
    pub(crate) reraised: Cell<usize>,
}

/// Native functions that the eval loop knows.
pub(crate) struct Quick {
    pub len: Option<&'static crate::native::MethodDef>,
    pub append: Option<&'static crate::native::MethodDef>,
    pub isinstance: Option<&'static crate::native::MethodDef>,
    /// `dict.get`.
    pub get: Option<&'static crate::native::MethodDef>,
    /// `__class__`, immortal.
    pub class_name: Option<Ref<Str>>,
    /// `__getitem__`, immortal.
    pub getitem_name: Option<Ref<Str>>,
    /// `__name__` and `__builtins__`: what a new function looks up in its globals. Both are immortal.
    pub function_keys: Option<(Ref<Str>, Ref<Str>)>,
}

/// How many literals are found without a search.
const RECENT_LITERALS: usize = 512;
/// An address and length of program text, and the name made of it.
pub struct RecentLiterals([((usize, usize), Option<Ref<Str>>); RECENT_LITERALS]);
impl Default for RecentLiterals {
    fn default() -> RecentLiterals {
        RecentLiterals([const { ((0, 0), None) }; RECENT_LITERALS])
    }
}

/// Immortal singletons and interned names used by the runtime.
pub struct Consts {
    pub none: Obj,
    pub true_: Obj,
    pub false_: Obj,
    pub not_implemented: Obj,
    pub ellipsis: Obj,
    pub unbound: Obj,
    pub empty_tuple: Obj,
    pub empty_str: Obj,
    pub empty_bytes: Obj,
    pub latin1: Vec<Obj>,
    pub bytes1: Vec<Obj>,
    pub names: FxHashMap<&'static str, Obj>,
    /// The same by address and length of the literal.
    pub literals: FxHashMap<(usize, usize), Obj>,
    /// The same for those asked for last, by some bits of the address: address, length, name.
    pub recent_literals: RecentLiterals,
    /// The names of `types::dunders::all`, in its order, once a class was filled.
    pub dunders: Vec<Ref<Str>>,
}

/// Ints with an object of their own for ever.
pub const SMALL_MIN: i64 = -5;
pub const SMALL_MAX: i64 = 256;

/// Depth of native recursion guarded by `Cx::deeper`.
const NATIVE_STACK_BYTES: usize = 6 << 20;

impl Cx {
    #[inline(always)]
    pub fn none(&self) -> Obj {
        self.consts.none.clone()
    }
    #[inline(always)]
    pub fn bool(&self, v: bool) -> Obj {
        if v { self.consts.true_.clone() } else { self.consts.false_.clone() }
    }
    pub fn not_implemented(&self) -> Obj {
        self.consts.not_implemented.clone()
    }
    /// An int object.
    #[inline(always)]
    pub fn int(&self, v: i64) -> PyResult {
        if (SMALL_MIN..=SMALL_MAX).contains(&v) {
            // SAFETY: the table has an entry for each of these values and lives as long as the context.
            return Ok(unsafe { (*self.small_ints.add((v - SMALL_MIN) as usize)).clone() });
        }
        Int::new(self, v)
    }
    /// The int of a byte, which is there already.
    #[inline]
    pub(crate) fn byte(&self, v: u8) -> Obj {
        // SAFETY: as above; all bytes are in the table.
        unsafe { (*self.small_ints.add((i64::from(v) - SMALL_MIN) as usize)).clone() }
    }
    pub fn float(&self, v: f64) -> PyResult {
        crate::types::Float::new(self, v)
    }
    pub fn str(&self, text: &str) -> PyResult {
        Ok(Str::from_text(self, text)?.into_obj())
    }
    pub fn str_ref(&self, text: &str) -> PyResult<Ref<Str>> {
        Str::from_text(self, text)
    }
    pub fn tuple(&self, items: Vec<Obj>) -> PyResult {
        crate::types::Tuple::from_vec(self, items)
    }
    /// A tuple of a known number of items.
    pub fn tuple_of<const N: usize>(&self, items: [Obj; N]) -> PyResult {
        let mut items = std::mem::ManuallyDrop::new(items);
        // SAFETY: the items move out; where there is no memory they are dropped here.
        unsafe {
            let made = crate::types::Tuple::of_slots(self, items.as_ptr(), N);
            if made.is_err() {
                std::mem::ManuallyDrop::drop(&mut items);
            }
            made
        }
    }
    pub fn list(&self, items: Vec<Obj>) -> PyResult {
        crate::types::List::from_vec(self, items)
    }

    /// An interned name that lives as long as the interpreter.
    pub fn name(&mut self, text: &'static str) -> Ref<Str> {
        // The same literal asks again and again: its address is the quick way.
        let literal = (text.as_ptr() as usize, text.len());
        let place = (literal.0 >> 3 ^ literal.0 >> 12 ^ literal.1) % RECENT_LITERALS;
        if let (known, Some(name)) = &self.consts.recent_literals.0[place]
            && *known == literal
        {
            return name.clone();
        }
        if let Some(known) = self.consts.literals.get(&literal) {
            // SAFETY: O3, only strings are put in.
            let name = unsafe { known.cast_unchecked::<Str>() }.clone();
            self.consts.recent_literals.0[place] = (literal, Some(name.clone()));
            return name;
        }
        if let Some(known) = self.consts.names.get(text) {
            self.consts.literals.insert(literal, known.clone());
            // SAFETY: as above.
            return unsafe { known.cast_unchecked::<Str>() }.clone();
        }
        let made = match Str::from_text(self, text) {
            Ok(made) => made,
            Err(_) => {
                // Names are few, and there is no going on without one: this is what the reserve is for.
                self.clear_error();
                self.heap.open_reserve();
                Str::from_text(self, text).expect("room for a name in the reserve")
            }
        };
        let made = crate::types::str::intern(self, made);
        made.as_obj().make_immortal();
        self.consts.names.insert(text, made.as_obj().clone());
        made
    }
    /// A native type that a module made when it was imported.
    pub fn native_type(&self, name: &'static str) -> Ref<Type> {
        self.native_types.get(name).expect("the module of the type is imported").clone()
    }

    /// Drops a value here and now: finalisers run at once (the caller borrows no inside).
    #[inline(always)]
    pub fn release<T>(&mut self, value: T) {
        let before = self.may_run.replace(true);
        drop(value);
        self.may_run.set(before);
    }

    /// As `release`, while an exception waits.
    pub fn release_with_error<T>(&mut self, value: T) {
        let saved = self.save_error();
        self.release(value);
        self.restore_error(saved);
    }

    pub(crate) fn condemn(&self, obj: Obj) {
        self.condemned.borrow_mut().push(obj);
        self.request_poll(POLL_CONDEMNED);
    }

    /// Carries out the deaths that had to wait.
    pub fn run_condemned(&mut self) {
        while let Some(first) = {
            let mut queue = self.condemned.borrow_mut();
            if queue.is_empty() { None } else { Some(queue.remove(0)) }
        } {
            self.lens.hint(retic_events::How::Later, 0);
            self.release(first);
        }
    }

    /// Inside native loops over user-sized data: does what waits.
    #[inline]
    pub fn poll_native(&mut self) -> PyResult<()> {
        if self.poll.load(Ordering::Relaxed) & POLL_SIGNAL == 0 {
            return Ok(());
        }
        self.poll.fetch_and(!POLL_SIGNAL, Ordering::Relaxed);
        crate::signals::deliver(self)
    }
    /// For code that finds an exception already waiting.
    pub(crate) fn raised_already(&self) -> Raised {
        Raised(())
    }
    /// The module builtins.
    pub fn builtins_module(&mut self) -> Obj {
        let key = self.name("builtins");
        self.modules.as_ref().and_then(|m| m.get_str(self, &key)).unwrap_or_else(|| self.none())
    }

    pub fn has_condemned(&self) -> bool {
        self.poll.load(Ordering::Relaxed) & POLL_CONDEMNED != 0
    }

    pub fn request_poll(&self, bits: u32) {
        self.poll.fetch_or(bits, Ordering::Relaxed);
    }

    /// Does what waits. Called at back edges and calls when the poll word is not zero.
    #[cold]
    #[inline(never)]
    pub fn do_poll(&mut self) -> PyResult<()> {
        let bits = self.poll.swap(0, Ordering::Relaxed);
        if bits & POLL_CONDEMNED != 0 {
            self.run_condemned();
        }
        if bits & POLL_GC != 0 {
            crate::memory::cycles::collect_due(self);
        }
        if bits & POLL_SIGNAL != 0 {
            crate::signals::deliver(self)?;
        }
        if bits & POLL_SWITCH != 0 {
            self.switch_threads();
        }
        Ok(())
    }

    // ---- errors

    /// Raises an exception object.
    pub fn raise(&self, exc: Obj) -> Raised {
        // SAFETY: the slot is only touched through short borrows in these functions.
        unsafe { *self.error.get() = Some(exc) };
        Raised(())
    }
    /// Raises a new exception of a class with one argument or none.
    pub fn raise_new(&self, class: &Ref<Type>, arg: Option<Obj>) -> Raised {
        match crate::types::exception::make(self, class, arg) {
            Ok(e) => self.raise(e),
            Err(r) => r,
        }
    }
    fn raise_text(&self, class: &Ref<Type>, text: &str) -> Raised {
        match self.str(text) {
            Ok(t) => self.raise_new(class, Some(t)),
            Err(r) => r,
        }
    }
    pub fn error_of(&self, class: &Ref<Type>, text: impl AsRef<str>) -> Raised {
        self.raise_text(class, text.as_ref())
    }
    pub fn type_error(&self, text: impl AsRef<str>) -> Raised {
        self.raise_text(&self.types.type_error, text.as_ref())
    }
    pub fn value_error(&self, text: impl AsRef<str>) -> Raised {
        self.raise_text(&self.types.value_error, text.as_ref())
    }
    pub fn attribute_error(&self, text: impl AsRef<str>) -> Raised {
        self.raise_text(&self.types.attribute_error, text.as_ref())
    }
    pub fn index_error(&self, text: impl AsRef<str>) -> Raised {
        self.raise_text(&self.types.index_error, text.as_ref())
    }
    pub fn runtime_error(&self, text: impl AsRef<str>) -> Raised {
        self.raise_text(&self.types.runtime_error, text.as_ref())
    }
    pub fn overflow_error(&self, text: impl AsRef<str>) -> Raised {
        self.raise_text(&self.types.overflow_error, text.as_ref())
    }
    pub fn zero_division(&self, text: impl AsRef<str>) -> Raised {
        self.raise_text(&self.types.zero_division_error, text.as_ref())
    }
    pub fn system_error(&self, text: impl AsRef<str>) -> Raised {
        self.raise_text(&self.types.system_error, text.as_ref())
    }
    pub fn recursion_error(&self, text: impl AsRef<str>) -> Raised {
        self.raise_text(&self.types.recursion_error, text.as_ref())
    }
    pub fn key_error(&self, key: &Obj) -> Raised {
        self.raise_new(&self.types.key_error, Some(key.clone()))
    }
    pub fn stop_iteration(&self, value: Option<Obj>) -> Raised {
        self.raise_new(&self.types.stop_iteration, value.filter(|v| !v.is_none()))
    }
    /// MemoryError, made ahead of time so that it needs no memory.
    pub fn memory_error(&self) -> Raised {
        match &self.types.spare_memory_error {
            Some(e) => self.raise(e.clone()),
            None => Raised(()),
        }
    }

    /// Takes the waiting exception.
    pub fn take_error(&mut self) -> Option<Obj> {
        self.error.get_mut().take()
    }
    pub fn error_ref(&self) -> Option<&Obj> {
        // SAFETY: short borrow, nothing raises meanwhile.
        unsafe { (*self.error.get()).as_ref() }
    }
    /// Drops the waiting exception where nothing may run: only of MemoryErrors, which live on.
    pub(crate) fn forget_error(&self) {
        // SAFETY: a short borrow; what is dropped has other holders.
        unsafe { *self.error.get() = None };
    }
    /// Whether the waiting exception is of a class.
    pub fn error_is(&self, class: &Ref<Type>) -> bool {
        self.error_ref().is_some_and(|e| e.ty().is_subtype(self, class))
    }
    /// Drops the waiting exception.
    pub fn clear_error(&mut self) {
        let e = self.take_error();
        self.release(e);
    }
    /// Ok(None) when the result is an exception of that class, which is swallowed.
    pub fn swallow<T>(&mut self, result: PyResult<T>, class: &Ref<Type>) -> PyResult<Option<T>> {
        match result {
            Ok(v) => Ok(Some(v)),
            Err(_) if self.error_is(class) => {
                self.clear_error();
                Ok(None)
            }
            Err(r) => Err(r),
        }
    }
    /// Puts the waiting exception aside.
    pub fn save_error(&mut self) -> Option<Obj> {
        self.take_error()
    }
    /// Raises an exception that may be an old one: what is handled becomes its context (C's `PyErr_SetObject`).
    pub fn raise_chained(&mut self, exc: Obj) -> Raised {
        crate::eval::chain_raised(self, &exc);
        self.raise(exc)
    }
    /// Has an exception, or none, wait again.
    pub fn restore_error(&mut self, saved: Option<Obj>) {
        *self.error.get_mut() = saved;
    }
    pub fn handled(&self) -> Option<Obj> {
        // SAFETY: short borrow.
        unsafe { (*self.handled.get()).clone() }
    }

    /// Reports an exception that cannot be raised, as `sys.unraisablehook` does.
    pub fn unraisable(&mut self, from: &Obj) {
        crate::modules::sys::hooks::unraisable(self, None, from);
    }

    // ---- recursion

    /// RecursionError when the native stack runs low: asked wherever a native slot may lead to another.
    #[inline]
    pub fn room(&self) -> PyResult<()> {
        let here = 0u8;
        if (&raw const here as usize) < self.stack_floor.get() {
            return Err(self.recursion_error("maximum recursion depth exceeded"));
        }
        Ok(())
    }
    /// Runs `f` one level deeper, or raises RecursionError when the native stack runs low.
    pub fn deeper<T>(&mut self, what: &str, f: impl FnOnce(&mut Cx) -> PyResult<T>) -> PyResult<T> {
        let here = &raw const self as usize;
        let floor = self.stack_floor.get();
        let depth = self.native_depth.get();
        if here < floor || depth > 20_000 {
            return Err(self.recursion_error(format!("maximum recursion depth exceeded{what}")));
        }
        self.native_depth.set(depth + 1);
        let result = f(self);
        self.native_depth.set(depth);
        result
    }

    /// Sets where the native stack may end, measured from the caller's frame.
    pub fn measure_stack(&self) {
        self.measure_stack_of(NATIVE_STACK_BYTES);
    }
    /// The same for a native stack of which so many bytes are left.
    pub fn measure_stack_of(&self, bytes: usize) {
        let here = &raw const self as usize;
        self.stack_floor.set(here.saturating_sub(bytes));
    }

    // ---- shapes

    /// Number of inline attributes of a shape.
    #[inline]
    pub fn shape_len(&self, id: u32) -> usize {
        if id < shape::FIRST_FREE {
            return 0;
        }
        self.shapes.borrow().get((id - shape::FIRST_FREE) as usize).map_or(0, |s| if s.in_dict { 0 } else { s.names.len() })
    }

    /// Makes a shape and gives it the next number, never used before.
    pub fn new_shape(&self, shape: Shape) -> u32 {
        let mut all = self.shapes.borrow_mut();
        self.shapes_of.borrow_mut().entry(shape.class.as_ptr() as usize).or_default().push(all.len() as u32);
        all.push(shape);
        all.len() as u32 - 1 + shape::FIRST_FREE
    }

    /// A number for a class as it is now; zero, which no cache remembers, when all are used up.
    pub fn new_version(&self) -> u32 {
        let v = self.next_version.get();
        if v >= 1 << 31 {
            return 0;
        }
        self.next_version.set(v + 1);
        v
    }
    /// A number for the keys of a dict as they are now. There are enough for ever.
    #[inline]
    pub fn new_keys_version(&self) -> u64 {
        let v = self.next_keys_version.get();
        self.next_keys_version.set(v + 1);
        v
    }
}

/// The parts of a context that exist before its types do.
pub(crate) fn empty(host: Box<dyn crate::host::Host>, types: Types, consts: Consts, heap: retic_heap::Heap, hash_key: (u64, u64)) -> Cx {
    Cx {
        heap,
        poll: AtomicU32::new(0),
        may_run: Cell::new(false),
        death_depth: Cell::new(0),
        small_ints: std::ptr::null(),
        quick: Quick { len: None, append: None, isinstance: None, get: None, class_name: None, getitem_name: None, function_keys: None },
        digits: Vec::new(),
        stacks: crate::eval::Stacks::new(),
        lens: crate::lens::Lens::default(),
        tracer: RefCell::new(None),
        handled: UnsafeCell::new(None),
        error: UnsafeCell::new(None),
        types,
        consts,
        collector: Collector::default(),
        shapes: RefCell::new(Vec::new()),
        shapes_of: RefCell::default(),
        method_cache: (0..4096).map(|_| Cell::new(MethodCacheEntry { version: 0, name: 0, value: None })).collect(),
        shared: crate::eval::Shared::default(),
        interned: RefCell::default(),
        next_version: Cell::new(1),
        next_keys_version: Cell::new(1),
        condemned: RefCell::new(Vec::new()),
        dying: RefCell::new(Vec::new()),
        hash_key,
        builtins: None,
        modules: None,
        sys: None,
        compile_hook: None,
        source_hook: None,
        tree_hook: None,
        tree_compile_hook: None,
        command: None,
        monitoring: Default::default(),
        host,
        native_modules: Vec::new(),
        recursion_limit: Cell::new(1000),
        frame_limit: Cell::new(1000),
        tracing: Default::default(),
        threads: Default::default(),
        signals: Default::default(),
        native_depth: Cell::new(0),
        stack_floor: Cell::new(0),
        atexit: RefCell::default(),
        reprs: RefCell::new(Vec::new()),
        warnings: Default::default(),
        gc_callbacks: None,
        gc_garbage: None,
        optimize: 0,
        codecs: Default::default(),
        abc_registrations: Cell::new(0),
        no_columns: false,
        escaped_streams: false,
        unbuffered: false,
        cpu_count: None,
        dlopen_flags: 2,
        check_hash_pycs: "default",
        program_folder: None,
        finalizing: false,
        ending: false,
        int_max_str_digits: Cell::new(4300),
        switch_interval: Cell::new(0.005),
        socket_timeout: Cell::new(-1.0),
        csv_field_limit: Cell::new(131_072),
        reading_room: Vec::new(),
        origin_depth: Cell::new(0),
        audit_hooks: Vec::new(),
        fork_hooks: Default::default(),
        replaced_codes: Vec::new(),
        translated: crate::eval::Translated::default(),
        recordings: None,
        asyncgen_hooks_type: None,
        library: None,
        imports: Default::default(),
        print_hook: None,
        native_types: crate::types::native_types::NativeTypes::default(),
        native_states: NativeStates::default(),
        asyncgen_hooks: (None, None),
        reraised: Cell::new(0),
    }
}
