//! `_imp`: what `importlib` asks of the interpreter, and the packed library for its finder.

use crate::cx::{Cx, PyResult};
use crate::object::{Obj, Ref};
use crate::protocol;
use crate::types::module;
use crate::types::{Bytes, CodeObj, Str};

/// The lock of importlib's table of locks: one thread has it, as often as it likes.
#[derive(Default)]
pub struct ImportLock {
    raw: std::sync::Arc<super::thread::lock::Raw>,
    owner: i64,
    count: usize,
}
impl ImportLock {
    /// In a forked child: a lock that another thread had is free, for that thread is not here.
    pub fn after_fork(&mut self, me: i64) {
        if self.owner != me {
            *self = ImportLock::default();
        }
    }
}

#[retic_macros::methods]
mod functions {
    //! (Extremely) low-level import machinery bits as used by importlib.
    use super::*;

    /// Return True if the import lock is currently held, else False.
    #[py("lock_held()")]
    pub fn lock_held(cx: &mut Cx) -> bool {
        cx.imports.lock.count > 0
    }
    /// Acquires the interpreter's import lock for the current thread.
    #[py("acquire_lock()")]
    pub fn acquire_lock(cx: &mut Cx) -> PyResult<()> {
        let me = cx.threads.current;
        let lock = &mut cx.imports.lock;
        if lock.count > 0 && lock.owner == me {
            lock.count += 1;
            return Ok(());
        }
        if !lock.raw.take() {
            let raw = lock.raw.clone();
            cx.wait_in_turns(None, |most| raw.wait(most))?;
        }
        (cx.imports.lock.owner, cx.imports.lock.count) = (me, 1);
        Ok(())
    }
    /// Release the interpreter's import lock.
    #[py("release_lock()")]
    pub fn release_lock(cx: &mut Cx) -> PyResult<()> {
        let me = cx.threads.current;
        let lock = &mut cx.imports.lock;
        if lock.count == 0 || lock.owner != me {
            return Err(cx.runtime_error("not holding the import lock"));
        }
        lock.count -= 1;
        if lock.count == 0 {
            lock.raw.give();
        }
        Ok(())
    }
    /// Returns the list of file suffixes used to identify extension modules.
    #[py("extension_suffixes()")]
    pub fn extension_suffixes(cx: &mut Cx) -> PyResult {
        cx.list(Vec::new())
    }
    /// Returns True if the module name corresponds to a built-in module.
    #[py("is_builtin(name, /)")]
    pub fn is_builtin(cx: &mut Cx, name: &Ref<Str>) -> i64 {
        let text = name.to_text(cx);
        match text.as_str() {
            "sys" | "builtins" => -1,
            t => i64::from(cx.native_modules.iter().any(|e| e.0 == t)),
        }
    }
    /// Create an extension module.
    #[py("create_builtin(spec, /)")]
    pub fn create_builtin(cx: &mut Cx, spec: &Obj) -> PyResult {
        let key = cx.name("name");
        let name = protocol::getattr(cx, spec, &key)?;
        let text = protocol::str_text(cx, &name)?;
        let modules = cx.modules.clone().expect("made at the start");
        if let Some(m) = modules.get(cx, &name)? {
            return Ok(m);
        }
        match cx.native_modules.iter().find(|e| e.0 == text).copied() {
            Some((_, make)) => make(cx),
            None => Ok(cx.none()),
        }
    }
    /// Initialize a built-in module.
    #[py("exec_builtin(mod, /)")]
    pub fn exec_builtin(_cx: &mut Cx, r#mod: &Obj) -> i64 {
        let _ = r#mod;
        0
    }
    /// Returns True if the module name corresponds to a frozen module.
    #[py("is_frozen(name, /)")]
    pub fn is_frozen(_cx: &mut Cx, name: &Obj) -> bool {
        let _ = name;
        false
    }
    /// Returns True if the module name is of a frozen package.
    #[py("is_frozen_package(name, /)")]
    pub fn is_frozen_package(cx: &mut Cx, name: &Obj) -> PyResult<bool> {
        get_frozen_object(cx, name, None).map(|_| false)
    }
    /// Return info about the corresponding frozen module (if there is one) or None.
    #[py("find_frozen(name, /, *, withdata=False)")]
    pub fn find_frozen(cx: &mut Cx, name: &Obj, withdata: bool) -> Obj {
        let _ = (name, withdata);
        cx.none()
    }
    /// Create a code object for a frozen module.
    #[py("get_frozen_object(name, data=None, /)")]
    pub fn get_frozen_object(cx: &mut Cx, name: &Obj, data: Option<&Obj>) -> PyResult {
        let _ = data;
        let shown = protocol::repr_text(cx, name)?;
        Err(cx.error_of(&cx.types.import_error, format!("No such frozen object named {}", shown.trim_matches('\''))))
    }
    #[py("_frozen_module_names()")]
    pub fn frozen_module_names(cx: &mut Cx) -> PyResult {
        cx.list(Vec::new())
    }
    #[py("_override_frozen_modules_for_tests(override, /)")]
    pub fn override_frozen(_cx: &mut Cx, r#override: i64) {
        let _ = r#override;
    }
    #[py("_override_multi_interp_extensions_check(override, /)")]
    pub fn override_multi(_cx: &mut Cx, r#override: i64) -> i64 {
        let _ = r#override;
        0
    }
    #[py("_fix_co_filename(code, path, /)")]
    pub fn fix_co_filename(_cx: &mut Cx, code: &Obj, path: &Obj) {
        let _ = (code, path);
    }
    /// The hash that hash-based pyc files carry.
    #[py("source_hash(key, source)")]
    pub fn source_hash(cx: &mut Cx, key: i64, source: &Obj) -> PyResult {
        let data = protocol::buffer::bytes(cx, source)?;
        let h = crate::types::str::siphash13(key as u64, 0, &data);
        Bytes::from_slice(cx, &h.to_le_bytes())
    }
    /// Number, name and operand kind of each opcode.
    #[py("_opcodes()")]
    pub fn opcodes(cx: &mut Cx) -> PyResult {
        let mut out = Vec::new();
        for op in retic_bytecode::Opcode::ALL {
            let row = vec![cx.int(*op as i64)?, cx.str(op.name())?, cx.str(&format!("{:?}", op.operand()))?];
            out.push(cx.tuple(row)?);
        }
        cx.tuple(out)
    }
    /// The table of 3.9 that `co_lnotab` shows and warns of.
    #[py("_line_table(code, /)")]
    pub fn line_table(cx: &mut Cx, code: &Ref<CodeObj>) -> PyResult {
        Bytes::from_slice(cx, &code.code().lnotab)
    }
    #[py("_stack_effect(opcode, oparg, jump, /)")]
    pub fn stack_effect(cx: &mut Cx, opcode: i64, oparg: i64, jump: bool) -> PyResult<i64> {
        match u8::try_from(opcode).ok().and_then(retic_bytecode::Opcode::from_u8) {
            Some(op) => Ok(i64::from(op.stack_effect(oparg as u32, jump))),
            None => Err(cx.value_error("invalid opcode or oparg")),
        }
    }
    /// Path and whether it is a package of a module of the packed library; None where there is none.
    #[py("_library_find(name, /)")]
    pub fn library_find(cx: &mut Cx, name: &Ref<Str>) -> PyResult {
        let text = name.to_text(cx);
        match cx.library.and_then(|f| f(&text)) {
            Some(e) => {
                let pair = vec![cx.str(&e.path)?, cx.bool(e.package)];
                cx.tuple(pair)
            }
            None => Ok(cx.none()),
        }
    }
    /// Tells `linecache`, just imported, the lines of the program that `-c` gave.
    #[py("_tell_command(linecache, /)")]
    pub fn tell_command(cx: &mut Cx, linecache: &Obj) -> PyResult<()> {
        crate::modules::sys::hooks::tell_command(cx, linecache)
    }
    /// The code of a module of the packed library.
    #[py("_library_code(name, /)")]
    pub fn library_code(cx: &mut Cx, name: &Ref<Str>) -> PyResult<Ref<CodeObj>> {
        let text = name.to_text(cx);
        match cx.library.and_then(|f| f(&text)) {
            Some(e) => super::super::import::packed_code(cx, &text, &e),
            None => Err(cx.error_of(&cx.types.import_error, format!("the library has no module '{text}'"))),
        }
    }
    /// The source of a module of the packed library.
    #[py("_library_source(name, /)")]
    pub fn library_source(cx: &mut Cx, name: &Ref<Str>) -> PyResult {
        let text = name.to_text(cx);
        match cx.library.and_then(|f| f(&text)) {
            Some(e) => Bytes::from_slice(cx, &(e.source)(&text)),
            None => Ok(cx.none()),
        }
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "_imp", functions::DOC, functions::FUNCTIONS)?;
    let check = cx.str(cx.check_hash_pycs)?;
    m.set(cx, "check_hash_based_pycs", check)?;
    let root = cx.str(super::sys::info::LIBRARY)?;
    m.set(cx, "_library_root", root)?;
    // Our own magic, with the line end that CPython's carries. It counts up with the format of packed code.
    let token = cx.int(0x0a0d_0000 + 9315 + i64::from(retic_bytecode::pack::FORMAT))?;
    m.set(cx, "pyc_magic_number_token", token)?;
    Ok(m.into_obj())
}
