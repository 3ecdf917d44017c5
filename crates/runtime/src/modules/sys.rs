//! The module `sys`.

pub mod hooks;
pub mod info;
mod mallocstats;
pub mod monitoring;
mod settings;

use crate::cx::{Cx, PyResult};
use crate::memory;
use crate::object::{Obj, Ref};
use crate::protocol;
use crate::types::module::{self, Module};
use crate::types::traceback;

/// What an object's type says of its size, and the collector's part of it.
fn size_of(cx: &mut Cx, o: &Obj) -> PyResult {
    let name = cx.name("__sizeof__");
    let Some(method) = protocol::special(cx, o, &name)? else {
        return Err(cx.type_error(format!("Type {} doesn't define __sizeof__", o.ty().name_text())));
    };
    let r = protocol::call(cx, &method, &[])?;
    if r.cast::<crate::types::Int>().is_none() {
        return Err(cx.type_error("an integer is required"));
    }
    let n = protocol::index_i64(cx, &r)?;
    if n < 0 {
        return Err(cx.value_error("__sizeof__() should return >= 0"));
    }
    // Built-in types are static in CPython: the collector has no part of them. Classes have the link alone.
    let front = match o.cast::<crate::types::Type>() {
        Some(t) if !t.is_heap() => 0,
        Some(_) => crate::object::GC_LINK,
        None => crate::types::type_::sizes::of(cx, &o.type_ref()).map_or_else(|| memory::pre_size(o.ty()), |s| s.front),
    };
    cx.int(n.saturating_add(front as i64))
}

#[retic_macros::methods]
mod functions {
    //! This module provides access to some objects used or maintained by the interpreter.
    use super::*;

    /// Return the reference count of object.
    #[py("getrefcount(object, /)")]
    pub fn getrefcount(_cx: &mut Cx, object: &Obj) -> i64 {
        object.count()
    }
    /// getsizeof(object [, default]) -> int
    ///
    /// Return the size of object in bytes.
    #[py("getsizeof(object, default=<unrepresentable>, /)", "")]
    pub fn getsizeof(cx: &mut Cx, object: &Obj, default: Option<&Obj>) -> PyResult {
        let measured = size_of(cx, object);
        match default {
            Some(d) if measured.is_err() && cx.error_is(&cx.types.type_error) => {
                cx.clear_error();
                Ok(d.clone())
            }
            _ => measured,
        }
    }
    /// Exit the interpreter by raising SystemExit(status).
    #[py("exit(status=None, /)")]
    pub fn exit(cx: &mut Cx, status: Option<&Obj>) -> PyResult {
        // A tuple is the arguments, as with every exception that is made from a value.
        match status.and_then(|s| s.cast::<crate::types::Tuple>()).map(|t| t.items().to_vec()) {
            Some(args) => {
                let class = cx.types.system_exit.as_obj().clone();
                let e = protocol::call(cx, &class, &args)?;
                Err(cx.raise(e))
            }
            None => Err(cx.raise_new(&cx.types.system_exit.clone(), status.cloned())),
        }
    }
    /// ``Intern'' the given string.
    #[py("intern(string, /)")]
    pub fn intern(cx: &mut Cx, string: &Ref<crate::types::Str>) -> PyResult {
        if !std::ptr::eq(string.as_obj().ty(), &*cx.types.str) {
            return Err(cx.type_error(format!("can't intern {}", string.as_obj().ty().name_text())));
        }
        Ok(crate::types::str::intern(cx, string.clone()).into_obj())
    }
    /// Set the maximum depth of the Python interpreter stack to n.
    #[py("setrecursionlimit(limit, /)")]
    pub fn setrecursionlimit(cx: &mut Cx, limit: i64) -> PyResult<()> {
        if limit < 1 {
            return Err(cx.value_error("recursion limit must be greater or equal than 1"));
        }
        let depth = cx.stacks.depth();
        if depth as i64 >= limit {
            return Err(cx.recursion_error(format!("cannot set the recursion limit to {limit} at the recursion depth {depth}: the limit is too low")));
        }
        cx.recursion_limit.set(limit as usize);
        cx.watchers_changed();
        Ok(())
    }
    /// Return the current value of the recursion limit.
    #[py("getrecursionlimit()")]
    pub fn getrecursionlimit(cx: &mut Cx) -> usize {
        cx.recursion_limit.get()
    }
    /// Return the number of memory blocks currently allocated.
    #[py("getallocatedblocks()")]
    pub fn getallocatedblocks(cx: &mut Cx) -> usize {
        cx.heap.allocated_blocks() + cx.heap.kept_blocks()
    }
    /// Print debug info to stderr about the state of pymalloc and structmalloc.
    #[py("_debugmallocstats()")]
    pub fn debugmallocstats(cx: &mut Cx) -> PyResult<()> {
        cx.audit("sys._debugmallocstats", &[])?;
        let text = super::mallocstats::text(&cx.heap);
        cx.host.flush();
        cx.host.write_stderr(text.as_bytes());
        Ok(())
    }
    /// Return current exception information: (type, value, traceback).
    #[py("exc_info()")]
    pub fn exc_info(cx: &mut Cx) -> PyResult {
        let items = match cx.handled() {
            Some(e) => {
                let tb = traceback::of(cx, &e);
                vec![e.type_ref().into_obj(), e, tb]
            }
            None => vec![cx.none(), cx.none(), cx.none()],
        };
        cx.tuple(items)
    }
    /// Return the current exception.
    #[py("exception()")]
    pub fn exception(cx: &mut Cx) -> Option<Obj> {
        cx.handled()
    }
    /// Return a frame object from the call stack.
    #[py("_getframe(depth=0, /)")]
    pub fn getframe(cx: &mut Cx, depth: i64) -> PyResult {
        let frame = super::frame_at(cx, depth)?;
        cx.audit("sys._getframe", &[(&frame).into()])?;
        Ok(frame)
    }
    /// Remove the descriptors `__dict__` and `__weakref__` from a class's own dictionary.
    #[py("_clear_type_descriptors(type, /)")]
    pub fn clear_type_descriptors(cx: &mut Cx, r#type: &Ref<crate::types::Type>) -> PyResult<()> {
        if !r#type.is_heap() {
            return Err(cx.type_error("argument is immutable"));
        }
        let Some(dict) = r#type.dict.cloned(cx) else { return Ok(()) };
        for name in ["__dict__", "__weakref__"] {
            let key = cx.name(name);
            if let Some(old) = dict.remove(cx, key.as_obj())? {
                cx.release(old);
            }
        }
        r#type.modified(cx);
        Ok(())
    }
    /// Return the global debug tracing function set with sys.settrace.
    #[py("gettrace()")]
    pub fn gettrace(cx: &mut Cx) -> Obj {
        cx.tracing.trace.clone().unwrap_or_else(|| cx.none())
    }
    /// Set the global debug tracing function.
    #[py("settrace(function, /)")]
    pub fn settrace(cx: &mut Cx, function: &Obj) -> PyResult<()> {
        cx.audit("sys.settrace", &[])?;
        let old = std::mem::replace(&mut cx.tracing.trace, Some(function.clone()).filter(|f| !f.is_none()));
        cx.watchers_changed();
        cx.release(old);
        Ok(())
    }
    /// Return the profiling function set with sys.setprofile.
    #[py("getprofile()")]
    pub fn getprofile(cx: &mut Cx) -> Obj {
        cx.tracing.profile.clone().unwrap_or_else(|| cx.none())
    }
    /// Set the profiling function.
    #[py("setprofile(function, /)")]
    pub fn setprofile(cx: &mut Cx, function: &Obj) -> PyResult<()> {
        cx.audit("sys.setprofile", &[])?;
        let old = std::mem::replace(&mut cx.tracing.profile, Some(function.clone()).filter(|f| !f.is_none()));
        cx.watchers_changed();
        cx.release(old);
        Ok(())
    }
    /// Call func(*args), while tracing is enabled.
    #[py("call_tracing(func, args, /)")]
    pub fn call_tracing(cx: &mut Cx, func: &Obj, args: &Ref<crate::types::Tuple>) -> PyResult {
        let args = args.items().to_vec();
        crate::eval::tracing::call_tracing(cx, func, &args)
    }
    /// Print an object to sys.stdout and also save it in builtins._
    #[py("displayhook(object, /)")]
    pub fn displayhook(cx: &mut Cx, object: &Obj) -> PyResult<()> {
        super::displayhook(cx, object.clone())
    }
    /// Private function for getting the base REPL
    #[py("_baserepl()")]
    pub fn _baserepl(cx: &mut Cx) -> PyResult {
        let m = crate::modules::import(cx, "_retic_repl")?;
        protocol::call_method(cx, &m, "basic", &[])
    }
    /// Return True if Python is exiting.
    #[py("is_finalizing()")]
    pub fn is_finalizing(cx: &mut Cx) -> bool {
        cx.finalizing
    }
    /// Handle an exception by displaying it with a traceback on sys.stderr.
    #[py("excepthook(exctype, value, traceback, /)")]
    pub fn excepthook(cx: &mut Cx, exctype: &Obj, value: &Obj, traceback: &Obj) {
        let _ = exctype;
        if value.cast::<crate::types::Exception>().is_none() {
            let text = format!("TypeError: print_exception(): Exception expected for value, {} found\n", value.ty().name_text());
            write_error(cx, &text);
            return;
        }
        hooks::adopt_traceback(cx, value, traceback);
        hooks::display(cx, value);
    }
    /// Handle an unraisable exception.
    #[py("unraisablehook(unraisable, /)")]
    pub fn unraisablehook(cx: &mut Cx, unraisable: &Obj) -> PyResult<()> {
        if cx.native_types.get("UnraisableHookArgs").is_none_or(|t| !std::ptr::eq(&**t, unraisable.ty())) {
            return Err(cx.type_error("sys.unraisablehook argument type must be UnraisableHookArgs"));
        }
        let get = |cx: &mut Cx, name: &'static str| {
            let name = cx.name(name);
            protocol::lookup_attr(cx, unraisable, &name).map(|v| v.filter(|v| !v.is_none()))
        };
        let (message, object, value) = (get(cx, "err_msg")?, get(cx, "object")?, get(cx, "exc_value")?);
        let message = match message {
            Some(m) => Some(protocol::str_text(cx, &m)?),
            None => None,
        };
        if let Some(v) = value {
            let text = hooks::print_unraisable(cx, message.as_deref(), object.as_ref(), &v);
            write_error(cx, &text);
        }
        Ok(())
    }
    /// Return the current default encoding used by the Unicode implementation.
    #[py("getdefaultencoding()")]
    pub fn getdefaultencoding(_cx: &mut Cx) -> &'static str {
        "utf-8"
    }
    /// Return the encoding used to convert Unicode filenames to OS filenames.
    #[py("getfilesystemencoding()")]
    pub fn getfilesystemencoding(_cx: &mut Cx) -> &'static str {
        "utf-8"
    }
    /// Return the error mode used Unicode to OS filename conversion.
    #[py("getfilesystemencodeerrors()")]
    pub fn getfilesystemencodeerrors(_cx: &mut Cx) -> &'static str {
        "surrogateescape"
    }
    /// Return the maximum string digits limit for non-binary int<->str conversions.
    #[py("get_int_max_str_digits()")]
    pub fn get_int_max_str_digits(cx: &mut Cx) -> i64 {
        cx.int_max_str_digits.get() as i64
    }
    /// Set the maximum string digits limit for non-binary int<->str conversions.
    #[py("set_int_max_str_digits(maxdigits)")]
    pub fn set_int_max_str_digits(cx: &mut Cx, maxdigits: i64) -> PyResult<()> {
        if maxdigits != 0 && maxdigits < 640 {
            return Err(cx.value_error("maxdigits must be 0 or larger than 640"));
        }
        cx.int_max_str_digits.set(maxdigits as usize);
        Ok(())
    }
    /// Return the current thread switch interval.
    #[py("getswitchinterval()")]
    pub fn getswitchinterval(cx: &mut Cx) -> f64 {
        cx.switch_interval.get()
    }
    /// Set the ideal thread switching delay inside the Python interpreter.
    #[py("setswitchinterval(interval, /)")]
    pub fn setswitchinterval(cx: &mut Cx, interval: f64) -> PyResult<()> {
        if interval <= 0.0 {
            return Err(cx.value_error("switch interval must be strictly positive"));
        }
        cx.switch_interval.set(interval);
        cx.threads.set_interval(interval);
        Ok(())
    }
    /// Passes the event to any hooks that are attached.
    #[py("audit(event, /, *args)")]
    pub fn audit(cx: &mut Cx, event: &Obj, args: &[Obj]) -> PyResult<()> {
        let Some(event) = event.cast::<crate::types::Str>() else {
            return Err(cx.type_error(format!("expected str for argument 'event', not {}", event.ty().name_text())));
        };
        crate::audit::tell(cx, event, args)
    }
    /// Adds a new audit hook callback.
    #[py("addaudithook(hook)")]
    pub fn addaudithook(cx: &mut Cx, hook: &Obj) -> PyResult<()> {
        // Those that are there may refuse another, without a word.
        if let Err(r) = cx.audit("sys.addaudithook", &[]) {
            if cx.error_is(&cx.types.exception) {
                cx.clear_error();
                return Ok(());
            }
            return Err(r);
        }
        cx.audit_hooks.push(hook.clone());
        Ok(())
    }
    /// set_asyncgen_hooks([firstiter] [, finalizer])
    ///
    /// Sets hooks for async generators.
    #[py("set_asyncgen_hooks(firstiter=<unrepresentable>, finalizer=<unrepresentable>)", "")]
    pub fn set_asyncgen_hooks(cx: &mut Cx, firstiter: Option<&Obj>, finalizer: Option<&Obj>) -> PyResult<()> {
        for (what, hook) in [("firstiter", firstiter), ("finalizer", finalizer)] {
            if let Some(h) = hook.filter(|h| !h.is_none() && h.ty().slots(cx).call.is_none()) {
                return Err(cx.type_error(format!("callable {what} expected, got {}", h.ty().name_text())));
            }
        }
        let set = |h: &Obj| Some(h.clone()).filter(|h| !h.is_none());
        if let Some(f) = firstiter {
            cx.asyncgen_hooks.0 = set(f);
        }
        if let Some(f) = finalizer {
            cx.asyncgen_hooks.1 = set(f);
        }
        Ok(())
    }
    /// Return the installed asynchronous generators hooks.
    #[py("get_asyncgen_hooks()")]
    pub fn get_asyncgen_hooks(cx: &mut Cx) -> PyResult {
        let (a, b) = cx.asyncgen_hooks.clone();
        let ty = match &cx.asyncgen_hooks_type {
            Some(t) => t.clone(),
            None => {
                let t = crate::types::structseq::make_type(
                    cx,
                    &crate::types::structseq::Definition { name: "sys.asyncgen_hooks", doc: "Asynchronous generator hooks.", fields: &["firstiter", "finalizer"], visible: 2 },
                )?;
                cx.asyncgen_hooks_type = Some(t.clone());
                t
            }
        };
        let values = vec![a.unwrap_or_else(|| cx.none()), b.unwrap_or_else(|| cx.none())];
        crate::types::structseq::new(cx, &ty, 2, values)
    }
    /// Enable origin tracking for coroutine objects in this thread.
    #[py("set_coroutine_origin_tracking_depth(depth)")]
    pub fn set_coroutine_origin_tracking_depth(cx: &mut Cx, depth: i64) -> PyResult<()> {
        if depth < 0 {
            return Err(cx.value_error("depth must be >= 0"));
        }
        cx.origin_depth.set(depth);
        Ok(())
    }
    /// Check status of origin tracking for coroutine objects in this thread.
    #[py("get_coroutine_origin_tracking_depth()")]
    pub fn get_coroutine_origin_tracking_depth(cx: &mut Cx) -> i64 {
        cx.origin_depth.get()
    }
    /// Return the name of the module for a calling frame.
    #[py("_getframemodulename(depth=0)")]
    pub fn getframemodulename(cx: &mut Cx, depth: i64) -> PyResult {
        cx.audit("sys._getframemodulename", &[depth.into()])?;
        match super::frame_at(cx, depth) {
            Ok(f) => {
                let (globals, name) = (cx.name("f_globals"), cx.str("__name__")?);
                let g = protocol::getattr(cx, &f, &globals)?;
                protocol::call_method(cx, &g, "get", &[name])
            }
            Err(_) => {
                cx.clear_error();
                Ok(cx.none())
            }
        }
    }
    /// Return a dict mapping each thread's id to its current stack frame.
    #[py("_current_frames()")]
    pub fn current_frames(cx: &mut Cx) -> PyResult {
        cx.audit("sys._current_frames", &[])?;
        let d = crate::types::Dict::new(cx)?;
        let mut frames = cx.threads.frames();
        frames.push((cx.threads.current, cx.stacks.top));
        for (id, frame) in frames {
            let (frame, id) = (crate::types::frame::frame_object(cx, frame)?, cx.int(id)?);
            let old = d.insert(cx, &id, frame)?;
            cx.release(old);
        }
        Ok(d.into_obj())
    }
    /// Return a dict mapping each thread's identifier to its current raised exception.
    #[py("_current_exceptions()")]
    pub fn current_exceptions(cx: &mut Cx) -> PyResult {
        cx.audit("sys._current_exceptions", &[])?;
        let d = crate::types::Dict::new(cx)?;
        let mut all = cx.threads.handled();
        all.push((cx.threads.current, cx.handled()));
        for (id, exception) in all {
            let (value, id) = (exception.unwrap_or_else(|| cx.none()), cx.int(id)?);
            let old = d.insert(cx, &id, value)?;
            cx.release(old);
        }
        Ok(d.into_obj())
    }
    /// The number of CPUs that -X cpu_count sets; -1 when it does not.
    #[py("_get_cpu_count_config()")]
    pub fn get_cpu_count_config(cx: &mut Cx) -> i64 {
        cx.cpu_count.map_or(-1, i64::from)
    }
    /// Return True if the GIL is currently enabled and False if it is disabled.
    #[py("_is_gil_enabled()")]
    pub fn is_gil_enabled(_cx: &mut Cx) -> bool {
        true
    }
    /// Return True if the given string is "interned".
    #[py("_is_interned(string, /)")]
    pub fn is_interned(_cx: &mut Cx, string: &Ref<crate::types::Str>) -> bool {
        string.is_interned()
    }
    /// Clear the internal type lookup cache.
    #[py("_clear_type_cache()")]
    pub fn clear_type_cache(cx: &mut Cx) -> PyResult<()> {
        let class = cx.types.deprecation_warning.clone();
        let text = "sys._clear_type_cache() is deprecated and scheduled for removal in a future version. Use sys._clear_internal_caches() instead.";
        crate::modules::warnings::warn(cx, &class, text, 1)
    }
    /// Clear all internal performance-related caches.
    #[py("_clear_internal_caches()")]
    pub fn clear_internal_caches(_cx: &mut Cx) {}
    /// This hook function is called by built-in breakpoint().
    #[py("breakpointhook(*args, **kwargs)")]
    pub fn breakpointhook(cx: &mut Cx, args: &[Obj], kwargs: Vec<(&Obj, &Obj)>) -> PyResult {
        let target = cx.host.env("PYTHONBREAKPOINT").filter(|s| !s.is_empty()).unwrap_or_else(|| "pdb.set_trace".into());
        if target == "0" {
            return Ok(cx.none());
        }
        let (module, name) = target.rsplit_once('.').unwrap_or(("builtins", &target));
        let found = if module.is_empty() {
            None
        } else {
            match crate::modules::import(cx, module) {
                Ok(m) => {
                    let name = crate::types::str::intern_text(cx, name)?;
                    protocol::lookup_attr(cx, &m, &name)?
                }
                Err(_) if cx.error_is(&cx.types.import_error) => {
                    cx.clear_error();
                    None
                }
                Err(r) => return Err(r),
            }
        };
        let Some(f) = found else {
            let category = cx.types.runtime_warning.clone();
            crate::modules::warnings::warn(cx, &category, &format!("Ignoring unimportable $PYTHONBREAKPOINT: \"{target}\""), 0)?;
            return Ok(cx.none());
        };
        protocol::call_keywords(cx, &f, args, &kwargs)
    }
}

/// The frame so far below the running one.
fn frame_at(cx: &mut Cx, depth: i64) -> PyResult {
    let mut at = cx.stacks.top;
    for _ in 0..depth {
        if cx.stacks.is_bottom(at) {
            break;
        }
        at = cx.stacks.below(at);
    }
    if cx.stacks.is_bottom(at) {
        return Err(cx.value_error("call stack is not deep enough"));
    }
    crate::types::frame::frame_object(cx, at)
}

/// Writes to `sys.stderr`, or to the host's when there is none.
pub fn write_error(cx: &mut Cx, text: &str) {
    cx.host.flush();
    let name = cx.name("stderr");
    let stream = cx.sys.clone().and_then(|s| protocol::lookup_attr(cx, &s, &name).ok().flatten()).filter(|s| !s.is_none());
    if let Some(s) = stream {
        let wrote = cx.str(text).and_then(|t| protocol::call_method(cx, &s, "write", &[t]));
        if wrote.is_ok() {
            return;
        }
        cx.clear_error();
    }
    cx.host.write_stderr(text.as_bytes());
}

/// What interactive mode does with the value of an expression.
/// Shows the value of an expression statement through `sys.displayhook`, whatever that is now.
pub(crate) fn show_value(cx: &mut Cx, o: Obj) -> PyResult<()> {
    let sys = cx.sys.clone().expect("made at the start");
    let name = cx.name("displayhook");
    let Some(hook) = protocol::lookup_attr(cx, &sys, &name)? else { return Err(cx.runtime_error("lost sys.displayhook")) };
    let r = protocol::call(cx, &hook, &[o])?;
    cx.release(r);
    Ok(())
}

pub fn displayhook(cx: &mut Cx, o: Obj) -> PyResult<()> {
    if o.is_none() {
        return Ok(());
    }
    let b = cx.builtins.clone().expect("builtins exist");
    let none = cx.none();
    b.set_str(cx, "_", none)?;
    let text = protocol::repr(cx, &o)?;
    let name = cx.name("stdout");
    let sys = cx.sys.clone().expect("made at the start");
    let Some(stream) = protocol::lookup_attr(cx, &sys, &name)?.filter(|s| !s.is_none()) else { return Err(cx.runtime_error("lost sys.stdout")) };
    let end = cx.consts.latin1[10].clone();
    match protocol::call_method(cx, &stream, "write", std::slice::from_ref(&text)) {
        Ok(r) => cx.release(r),
        Err(_) if cx.error_is(&cx.types.unicode_encode_error) => {
            cx.clear_error();
            write_escaped(cx, &stream, &text)?;
        }
        Err(raised) => return Err(raised),
    }
    let r = protocol::call_method(cx, &stream, "write", &[end])?;
    cx.release(r);
    b.set_str(cx, "_", o)
}

/// Writes text that the stream's encoding cannot say, with escapes.
fn write_escaped(cx: &mut Cx, stream: &Obj, text: &Obj) -> PyResult<()> {
    let (encoding, buffer) = (cx.name("encoding"), cx.name("buffer"));
    let encoding = protocol::getattr(cx, stream, &encoding)?;
    let how = cx.str("backslashreplace")?;
    let bytes = protocol::call_method(cx, text, "encode", &[encoding.clone(), how])?;
    let r = match protocol::lookup_attr(cx, stream, &buffer)? {
        Some(buffer) => {
            let done = protocol::call_method(cx, stream, "flush", &[])?;
            cx.release(done);
            protocol::call_method(cx, &buffer, "write", &[bytes])?
        }
        None => {
            let text = protocol::call_method(cx, &bytes, "decode", &[encoding])?;
            protocol::call_method(cx, stream, "write", &[text])?
        }
    };
    cx.release(r);
    Ok(())
}

pub(crate) fn make(cx: &mut Cx) -> PyResult<Ref<Module>> {
    let m = module::of_functions(cx, "sys", functions::DOC, functions::FUNCTIONS)?;
    module::add_functions(cx, &m, settings::functions::FUNCTIONS)?;
    let modules = cx.modules.clone().expect("made first").into_obj();
    m.set(cx, "modules", modules)?;
    for name in ["path", "argv", "orig_argv", "warnoptions"] {
        let l = cx.list(Vec::new())?;
        m.set(cx, name, l)?;
    }
    for hook in ["displayhook", "excepthook", "unraisablehook", "breakpointhook"] {
        let key = cx.name(hook);
        let d = m.dict.cloned(cx);
        if let Some(f) = d.get_str(cx, &key) {
            let hidden: &'static str = match hook {
                "displayhook" => "__displayhook__",
                "excepthook" => "__excepthook__",
                "unraisablehook" => "__unraisablehook__",
                _ => "__breakpointhook__",
            };
            m.set(cx, hidden, f)?;
        }
    }
    info::fill(cx, &m)?;
    let tools = monitoring::make(cx)?;
    m.set(cx, "monitoring", tools.into_obj())?;
    Ok(m)
}
