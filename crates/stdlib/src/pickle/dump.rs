//! `dumps` for protocols 4 and 5: bytes as CPython's pickler writes them. What a subclass of Pickler could decide (persistent
//! ids, overrides, buffers out of band) is not here.

use super::memo::Memo;
use super::op;
use retic_runtime::object::shape;
use retic_runtime::protocol::buffer;
use retic_runtime::types::{Bytes, Dict, Exception, Float, Function, List, Set, Str, Tuple, Type, function, int, module};
use retic_runtime::{Cx, Obj, PyResult, Raised, Ref, protocol};

/// A frame is closed when it is as long as this; longer values stand outside of frames.
const FRAME_TARGET: usize = 64 << 10;
/// Shorter frames are none.
const FRAME_MIN: usize = 4;
/// Room for the pickle at first.
const FIRST_BYTES: usize = 1 << 10;
/// An opcode and eight bytes.
const FRAME_HEADER: usize = 9;
/// Items between MARK and APPENDS, SETITEMS, ADDITEMS.
const BATCH: usize = 1000;

pub struct Dump {
    pub out: Vec<u8>,
    /// Where the header of the open frame lies.
    frame: Option<usize>,
    framing: bool,
    memo: Memo,
    protocol: u8,
    /// `copyreg.dispatch_table` and `copyreg._extension_registry`, once they are asked for.
    registries: Option<(Obj, Obj)>,
}

type Done = PyResult<()>;

/// The exception that a module's name stands for, raised.
pub(super) fn raise(cx: &mut Cx, name: &'static str, text: String) -> Raised {
    let made = (|| {
        let class = super::from_module(cx, "pickle", name)?;
        let text = cx.str(&text)?;
        protocol::call(cx, &class, &[text])
    })();
    match made {
        Ok(e) => cx.raise(e),
        Err(r) => r,
    }
}

impl Dump {
    pub fn new(protocol: u8) -> Dump {
        Dump { out: Vec::with_capacity(FIRST_BYTES), frame: None, framing: false, memo: Memo::new(), protocol, registries: None }
    }
    fn registries(&mut self, cx: &mut Cx) -> PyResult<(Obj, Obj)> {
        if let Some(known) = &self.registries {
            return Ok(known.clone());
        }
        let dispatch_table = super::from_module(cx, "copyreg", "dispatch_table")?;
        let extensions = super::from_module(cx, "copyreg", "_extension_registry")?;
        Ok(self.registries.insert((dispatch_table, extensions)).clone())
    }

    /// The whole pickle of an object, in `out`.
    pub fn run(&mut self, cx: &mut Cx, o: &Obj) -> Done {
        self.write(&[op::PROTO, self.protocol]);
        self.framing = true;
        self.save(cx, o)?;
        self.write(&[op::STOP]);
        self.close_frame();
        Ok(())
    }

    #[inline(always)]
    fn write(&mut self, bytes: &[u8]) {
        if self.framing && self.frame.is_none() {
            self.open_frame();
        }
        self.out.extend_from_slice(bytes);
    }
    #[inline(never)]
    fn open_frame(&mut self) {
        self.frame = Some(self.out.len());
        self.out.extend_from_slice(&[0; FRAME_HEADER]);
    }
    fn close_frame(&mut self) {
        let Some(at) = self.frame.take() else { return };
        let len = self.out.len() - at - FRAME_HEADER;
        if len >= FRAME_MIN {
            self.out[at] = op::FRAME;
            self.out[at + 1..at + FRAME_HEADER].copy_from_slice(&(len as u64).to_le_bytes());
        } else {
            self.out.drain(at..at + FRAME_HEADER);
        }
    }
    /// A value with its header; a long one stands outside of frames.
    fn write_long(&mut self, cx: &Cx, header: &[u8], value: &[u8]) -> Done {
        protocol::grow(cx, &mut self.out, value.len())?;
        let apart = value.len() >= FRAME_TARGET;
        let framing = self.framing;
        if apart {
            self.close_frame();
            self.framing = false;
        }
        self.write(header);
        self.out.extend_from_slice(value);
        self.framing = framing;
        Ok(())
    }

    fn memoize(&mut self, cx: &Cx, o: &Obj) -> Done {
        if !self.memo.add(o) {
            return Err(cx.memory_error());
        }
        self.write(&[op::MEMOIZE]);
        Ok(())
    }
    /// Fetches an object that was saved before. False: it was not.
    fn recall(&mut self, o: &Obj) -> bool {
        let Some(n) = self.memo.get(o) else { return false };
        if n < 256 {
            self.write(&[op::BINGET, n as u8]);
        } else {
            let mut b = [op::LONG_BINGET, 0, 0, 0, 0];
            b[1..].copy_from_slice(&n.to_le_bytes());
            self.write(&b);
        }
        true
    }

    fn save(&mut self, cx: &mut Cx, o: &Obj) -> Done {
        match o.shape() {
            shape::INT => self.save_int(cx, o)?,
            shape::STR => {
                if !self.recall(o) {
                    self.save_str(cx, o)?;
                }
            }
            _ => cx.deeper(" while pickling an object", |cx| self.save_inner(cx, o))?,
        }
        // The boundary of an opcode: a long frame ends here.
        if self.frame.is_some_and(|at| self.out.len() - at - FRAME_HEADER >= FRAME_TARGET) {
            self.close_frame();
        }
        if self.out.try_reserve(64).is_err() {
            return Err(cx.memory_error());
        }
        cx.poll_native()
    }

    fn save_inner(&mut self, cx: &mut Cx, o: &Obj) -> Done {
        let t = &cx.types;
        let ty = o.ty();
        let is = |class: &Ref<Type>| std::ptr::eq(ty, &**class);
        if o.is_none() {
            self.write(&[op::NONE]);
            return Ok(());
        }
        if is(&t.bool) {
            self.write(&[if o.is(&cx.consts.true_) { op::NEWTRUE } else { op::NEWFALSE }]);
            return Ok(());
        }
        if is(&t.int) {
            return self.save_int(cx, o);
        }
        if is(&t.float) {
            let mut b = [op::BINFLOAT, 0, 0, 0, 0, 0, 0, 0, 0];
            b[1..].copy_from_slice(&o.cast::<Float>().map_or(0.0, |f| f.value.get()).to_be_bytes());
            self.write(&b);
            return Ok(());
        }
        if self.recall(o) {
            return Ok(());
        }
        if is(&t.str) {
            return self.save_str(cx, o);
        }
        if is(&t.list) {
            self.write(&[op::EMPTY_LIST]);
            self.memoize(cx, o)?;
            return self.save_items(cx, o);
        }
        if is(&t.dict) {
            self.write(&[op::EMPTY_DICT]);
            self.memoize(cx, o)?;
            return self.save_entries(cx, o);
        }
        if is(&t.tuple) {
            return self.save_tuple(cx, o);
        }
        if is(&t.bytes) {
            return self.save_bytes(cx, o);
        }
        if is(&t.bytearray) {
            let data = buffer::bytes(cx, o)?;
            if self.protocol >= 5 {
                self.write_bytearray(cx, &data)?;
                return self.memoize(cx, o);
            }
            let args = if data.is_empty() { Vec::new() } else { vec![Bytes::from_slice(cx, &data)?] };
            let (class, args) = (cx.types.bytearray.as_obj().clone(), cx.tuple(args)?);
            return self.save_reduce(cx, Some(o), &[class, args]);
        }
        if is(&t.set) || is(&t.frozenset) {
            return self.save_set(cx, o);
        }
        if is(&t.function) {
            return self.save_global(cx, o, None);
        }
        if is(&t.type_) {
            return self.save_type(cx, o);
        }
        self.save_other(cx, o)
    }

    fn save_int(&mut self, cx: &mut Cx, o: &Obj) -> Done {
        match int::to_i64(o) {
            Some(n @ 0..=0xff) => self.write(&[op::BININT1, n as u8]),
            Some(n @ 0..=0xffff) => self.write(&[op::BININT2, n as u8, (n >> 8) as u8]),
            Some(n) if i32::try_from(n).is_ok() => {
                let mut b = [op::BININT, 0, 0, 0, 0];
                b[1..].copy_from_slice(&(n as i32).to_le_bytes());
                self.write(&b);
            }
            _ => {
                let Some(big) = int::to_big(o) else { return Ok(()) };
                // Two's complement in as few bytes as hold the sign.
                let magnitude = if big.is_negative() { big.not() } else { big.clone() };
                let len = (magnitude.bit_length() / 8 + 1) as usize;
                let Some(bytes) = big.to_bytes_le(len, true) else { return Err(cx.memory_error()) };
                if len < 256 {
                    self.write(&[op::LONG1, len as u8]);
                } else {
                    let mut b = [op::LONG4, 0, 0, 0, 0];
                    b[1..].copy_from_slice(&(len as u32).to_le_bytes());
                    self.write(&b);
                }
                protocol::grow(cx, &mut self.out, len)?;
                self.write(&bytes);
            }
        }
        Ok(())
    }

    fn save_str(&mut self, cx: &mut Cx, o: &Obj) -> Done {
        let Some(s) = o.cast::<Str>().cloned() else { return Ok(()) };
        let encoded;
        let bytes = match s.ascii_bytes() {
            Some(b) => b,
            None => {
                encoded = retic_runtime::codecs::encode(cx, &s, "utf-8", "surrogatepass")?;
                &encoded
            }
        };
        self.write_text(cx, bytes)?;
        self.memoize(cx, o)
    }
    fn write_text(&mut self, cx: &Cx, bytes: &[u8]) -> Done {
        let len = (bytes.len() as u64).to_le_bytes();
        match bytes.len() {
            ..=0xff => self.write_long(cx, &[op::SHORT_BINUNICODE, len[0]], bytes),
            0x100..=0xffff_ffff => self.write_long(cx, &[op::BINUNICODE, len[0], len[1], len[2], len[3]], bytes),
            _ => self.write_long(cx, &[&[op::BINUNICODE8], &len[..]].concat(), bytes),
        }
    }

    fn write_bytes(&mut self, cx: &Cx, bytes: &[u8]) -> Done {
        let len = (bytes.len() as u64).to_le_bytes();
        match bytes.len() {
            ..=0xff => self.write_long(cx, &[op::SHORT_BINBYTES, len[0]], bytes),
            0x100..=0xffff_ffff => self.write_long(cx, &[op::BINBYTES, len[0], len[1], len[2], len[3]], bytes),
            _ => self.write_long(cx, &[&[op::BINBYTES8], &len[..]].concat(), bytes),
        }
    }
    fn write_bytearray(&mut self, cx: &Cx, bytes: &[u8]) -> Done {
        self.write_long(cx, &[&[op::BYTEARRAY8], &(bytes.len() as u64).to_le_bytes()[..]].concat(), bytes)
    }
    fn save_bytes(&mut self, cx: &mut Cx, o: &Obj) -> Done {
        let Some(b) = o.cast::<Bytes>().cloned() else { return Ok(()) };
        self.write_bytes(cx, b.bytes())?;
        self.memoize(cx, o)
    }

    fn save_tuple(&mut self, cx: &mut Cx, o: &Obj) -> Done {
        let Some(t) = o.cast::<Tuple>().cloned() else { return Ok(()) };
        let n = t.items().len();
        if n == 0 {
            self.write(&[op::EMPTY_TUPLE]);
            return Ok(());
        }
        if n > 3 {
            self.write(&[op::MARK]);
        }
        for (i, item) in t.items().iter().enumerate() {
            if let Err(r) = self.save(cx, item) {
                return Err(note(cx, r, o, &format!("item {i}")));
            }
        }
        // A tuple that holds itself was saved on the way.
        if self.memo.get(o).is_some() {
            if n > 3 {
                self.write(&[op::POP_MARK]);
            } else {
                self.write(&[op::POP; 3][..n]);
            }
            self.recall(o);
            return Ok(());
        }
        self.write(&[[op::TUPLE1, op::TUPLE2, op::TUPLE3, op::TUPLE][n.min(4) - 1]]);
        self.memoize(cx, o)
    }

    /// The items of an exact list, which may change while they are saved.
    fn save_items(&mut self, cx: &mut Cx, o: &Obj) -> Done {
        let Some(l) = o.cast::<List>().cloned() else { return Ok(()) };
        let single = l.items(cx).len() == 1;
        let mut at = 0;
        while at < l.items(cx).len() {
            if !single {
                self.write(&[op::MARK]);
            }
            let start = at;
            while at < l.items(cx).len() && at - start < BATCH {
                let item = l.items(cx)[at].clone();
                if let Err(r) = self.save(cx, &item) {
                    return Err(note(cx, r, o, &format!("item {at}")));
                }
                cx.release(item);
                at += 1;
                if single {
                    self.write(&[op::APPEND]);
                    return Ok(());
                }
            }
            self.write(&[op::APPENDS]);
        }
        Ok(())
    }

    /// The entries of an exact dict.
    fn save_entries(&mut self, cx: &mut Cx, o: &Obj) -> Done {
        let Some(d) = o.cast::<Dict>().cloned() else { return Ok(()) };
        let n = d.len(cx);
        let (mut at, mut saved) = (0, 0);
        while saved < n {
            if n > 1 {
                self.write(&[op::MARK]);
            }
            let start = saved;
            while saved - start < BATCH
                && let Some((next, k, v)) = d.next_entry(cx, at)
            {
                at = next;
                saved += 1;
                self.save(cx, &k)?;
                if let Err(r) = self.save(cx, &v) {
                    return Err(note_key(cx, r, o, &k));
                }
                cx.release((k, v));
                if d.len(cx) != n {
                    return Err(cx.runtime_error("dictionary changed size during iteration"));
                }
            }
            self.write(&[if n > 1 { op::SETITEMS } else { op::SETITEM }]);
            if saved == start {
                break;
            }
        }
        Ok(())
    }

    fn save_set(&mut self, cx: &mut Cx, o: &Obj) -> Done {
        let frozen = std::ptr::eq(o.ty(), &*cx.types.frozenset);
        let Some(s) = o.cast::<Set>().cloned() else { return Ok(()) };
        let items = s.items(cx);
        if frozen {
            self.write(&[op::MARK]);
        } else {
            self.write(&[op::EMPTY_SET]);
            self.memoize(cx, o)?;
        }
        for part in items.chunks(if frozen { usize::MAX } else { BATCH }) {
            if !frozen {
                self.write(&[op::MARK]);
            }
            for item in part {
                if let Err(r) = self.save(cx, item) {
                    return Err(note(cx, r, o, "element"));
                }
                if s.len() != items.len() {
                    return Err(cx.runtime_error("set changed size during iteration"));
                }
            }
            if !frozen {
                self.write(&[op::ADDITEMS]);
            }
        }
        if !frozen {
            return Ok(());
        }
        if self.memo.get(o).is_some() {
            self.write(&[op::POP_MARK]);
            self.recall(o);
            return Ok(());
        }
        self.write(&[op::FROZENSET]);
        self.memoize(cx, o)
    }

    /// A class: by its name, and the classes of singletons by these.
    fn save_type(&mut self, cx: &mut Cx, o: &Obj) -> Done {
        let singles = [(&cx.types.none, cx.none()), (&cx.types.not_implemented, cx.consts.not_implemented.clone()), (&cx.types.ellipsis, cx.consts.ellipsis.clone())];
        let single = singles.into_iter().find(|(t, _)| o.is(t.as_obj())).map(|(_, s)| s);
        match single {
            Some(s) => {
                let (class, args) = (cx.types.type_.as_obj().clone(), cx.tuple_of([s])?);
                self.save_reduce(cx, Some(o), &[class, args])
            }
            None => self.save_global(cx, o, None),
        }
    }

    /// By name: module and qualified name.
    fn save_global(&mut self, cx: &mut Cx, o: &Obj, name: Option<Obj>) -> Done {
        let name = match name {
            Some(n) => n,
            None => {
                let (qualified, simple) = (cx.name("__qualname__"), cx.name("__name__"));
                match protocol::lookup_attr(cx, o, &qualified)?.filter(|n| !n.is_none()) {
                    Some(n) => n,
                    None => protocol::getattr(cx, o, &simple)?,
                }
            }
        };
        let module = match home(cx, o, &name)? {
            Some(module) => module,
            None => {
                let which = super::from_module(cx, "pickle", "whichmodule")?;
                protocol::call(cx, &which, &[o.clone(), name.clone()])?
            }
        };
        if let Some(registry) = self.registries(cx)?.1.cast::<Dict>().cloned().filter(|r| r.len(cx) > 0) {
            let key = cx.tuple_of([module.clone(), name.clone()])?;
            if let Some(code) = registry.get(cx, &key)?.as_ref().and_then(int::to_i64) {
                let b = (code as u32).to_le_bytes();
                match code {
                    1..=0xff => self.write(&[op::EXT1, b[0]]),
                    0x100..=0xffff => self.write(&[op::EXT2, b[0], b[1]]),
                    0 => return Err(cx.runtime_error("extension code 0 is out of range")),
                    _ => self.write(&[op::EXT4, b[0], b[1], b[2], b[3]]),
                }
                return Ok(());
            }
        }
        self.save(cx, &module)?;
        self.save(cx, &name)?;
        self.write(&[op::STACK_GLOBAL]);
        self.memoize(cx, o)
    }

    /// Everything else: as its class is registered, or as it reduces itself.
    fn save_other(&mut self, cx: &mut Cx, o: &Obj) -> Done {
        if cx.native_types.get("pickle.PickleBuffer").is_some_and(|t| std::ptr::eq(o.ty(), &**t)) {
            return self.save_buffer(cx, o);
        }
        let class = o.type_ref().into_obj();
        let (dispatch_table, _) = self.registries(cx)?;
        let registered = match dispatch_table.cast::<Dict>().cloned().filter(|d| std::ptr::eq(d.as_obj().ty(), &*cx.types.dict)) {
            Some(d) => d.get(cx, &class)?,
            None => {
                let table = dispatch_table.clone();
                Some(protocol::call_method(cx, &table, "get", std::slice::from_ref(&class))?).filter(|f| !f.is_none())
            }
        };
        let rv = match registered {
            Some(f) => protocol::call(cx, &f, std::slice::from_ref(o))?,
            None if o.cast::<Type>().is_some() => return self.save_global(cx, o, None),
            None => {
                let (extended, plain) = (cx.name("__reduce_ex__"), cx.name("__reduce__"));
                match protocol::lookup_attr(cx, o, &extended)? {
                    Some(f) => {
                        let p = cx.int(i64::from(self.protocol))?;
                        protocol::call(cx, &f, &[p])?
                    }
                    None => match protocol::lookup_attr(cx, o, &plain)? {
                        Some(f) => protocol::call(cx, &f, &[])?,
                        None => {
                            let name = type_name(cx, o);
                            return Err(raise(cx, "PicklingError", format!("Can't pickle {name} object")));
                        }
                    },
                }
            }
        };
        if rv.cast::<Str>().is_some() {
            return self.save_global(cx, o, Some(rv));
        }
        let parts = match rv.cast::<Tuple>() {
            Some(t) if (2..=6).contains(&t.items().len()) => Ok(t.items().to_vec()),
            Some(_) => Err(raise(cx, "PicklingError", "tuple returned by __reduce__ must contain 2 through 6 elements".into())),
            None => {
                let got = type_name(cx, &rv);
                Err(raise(cx, "PicklingError", format!("__reduce__ must return a string or tuple, not {got}")))
            }
        };
        let saved = parts.and_then(|parts| self.save_reduce(cx, Some(o), &parts));
        saved.map_err(|r| note(cx, r, o, "object"))
    }

    fn save_buffer(&mut self, cx: &mut Cx, o: &Obj) -> Done {
        if self.protocol < 5 {
            return Err(raise(cx, "PicklingError", "PickleBuffer can only be pickled with protocol >= 5".into()));
        }
        let view = buffer::get(cx, o)?;
        let (whole, readonly) = (view.is_c_contiguous() || view.is_f_contiguous(), view.readonly);
        let data = view.gather(cx);
        buffer::release(cx, &view.exporter);
        let data = data?;
        if !whole {
            return Err(raise(cx, "PicklingError", "PickleBuffer can not be pickled when pointing to a non-contiguous buffer".into()));
        }
        if readonly {
            self.write_bytes(cx, &data)?
        } else {
            self.write_bytearray(cx, &data)?
        }
        self.memoize(cx, o)
    }

    /// What `__reduce__` gave: function, arguments, state, items, entries, who sets the state.
    fn save_reduce(&mut self, cx: &mut Cx, obj: Option<&Obj>, parts: &[Obj]) -> Done {
        let (func, args) = (&parts[0], &parts[1]);
        let part = |i: usize| parts.get(i).filter(|p| !p.is_none());
        if func.ty().slots(cx).call.is_none() {
            let got = type_name(cx, func);
            return Err(raise(cx, "PicklingError", format!("first item of the tuple returned by __reduce__ must be callable, not {got}")));
        }
        let Some(arguments) = args.cast::<Tuple>().map(|t| t.items().to_vec()) else {
            let got = type_name(cx, args);
            return Err(raise(cx, "PicklingError", format!("second item of the tuple returned by __reduce__ must be a tuple, not {got}")));
        };
        let subject = obj.unwrap_or(func);
        match callable_name(cx, func)?.as_deref() {
            Some("__newobj_ex__") => {
                let [class, positional, keywords] = &arguments[..] else {
                    return Err(raise(cx, "PicklingError", format!("__newobj_ex__ expected 3 arguments, got {}", arguments.len())));
                };
                self.check_class(cx, obj, class, "__newobj_ex__")?;
                self.save(cx, class).map_err(|r| note(cx, r, subject, "class"))?;
                self.save(cx, positional).and_then(|()| self.save(cx, keywords)).map_err(|r| note(cx, r, subject, "__new__ arguments"))?;
                self.write(&[op::NEWOBJ_EX]);
            }
            Some("__newobj__") => {
                let Some((class, rest)) = arguments.split_first() else {
                    return Err(raise(cx, "PicklingError", "__newobj__ expected at least 1 argument, got 0".into()));
                };
                self.check_class(cx, obj, class, "__newobj__")?;
                self.save(cx, class).map_err(|r| note(cx, r, subject, "class"))?;
                let rest = cx.tuple(rest.to_vec())?;
                self.save(cx, &rest).map_err(|r| note(cx, r, subject, "__new__ arguments"))?;
                self.write(&[op::NEWOBJ]);
            }
            _ => {
                self.save(cx, func).map_err(|r| note(cx, r, subject, "reconstructor"))?;
                self.save(cx, args).map_err(|r| note(cx, r, subject, "reconstructor arguments"))?;
                self.write(&[op::REDUCE]);
            }
        }
        if let Some(o) = obj {
            if self.memo.get(o).is_some() {
                // It holds itself, and was saved on the way.
                self.write(&[op::POP]);
                self.recall(o);
            } else {
                self.memoize(cx, o)?;
            }
        }
        if let Some(items) = part(3) {
            self.save_appended(cx, subject, items)?;
        }
        if let Some(entries) = part(4) {
            self.save_set_items(cx, subject, entries)?;
        }
        if let Some(state) = part(2) {
            match part(5) {
                None => {
                    self.save(cx, state).map_err(|r| note(cx, r, subject, "state"))?;
                    self.write(&[op::BUILD]);
                }
                Some(setter) => {
                    self.save(cx, setter).map_err(|r| note(cx, r, subject, "state setter"))?;
                    self.save(cx, subject)?;
                    self.save(cx, state).map_err(|r| note(cx, r, subject, "state"))?;
                    self.write(&[op::TUPLE2, op::REDUCE, op::POP]);
                }
            }
        }
        Ok(())
    }

    fn check_class(&mut self, cx: &mut Cx, obj: Option<&Obj>, class: &Obj, function: &str) -> Done {
        let new = cx.name("__new__");
        if protocol::lookup_attr(cx, class, &new)?.is_none() {
            return Err(raise(cx, "PicklingError", format!("first argument to {function}() has no __new__")));
        }
        let Some(o) = obj else { return Ok(()) };
        let key = cx.name("__class__");
        let own = protocol::getattr(cx, o, &key)?;
        if own.is(class) {
            return Ok(());
        }
        let (own, given) = (protocol::repr_text(cx, &own)?, protocol::repr_text(cx, class)?);
        Err(raise(cx, "PicklingError", format!("first argument to {function}() must be {own}, not {given}")))
    }

    /// Items that are appended one after the other.
    fn save_appended(&mut self, cx: &mut Cx, subject: &Obj, items: &Obj) -> Done {
        let it = protocol::iter(cx, items)?;
        let mut at = 0;
        let mut next = protocol::next(cx, &it)?;
        while let Some(first) = next {
            let second = protocol::next(cx, &it)?;
            let several = second.is_some();
            if several {
                self.write(&[op::MARK]);
            }
            let (mut batch, mut n) = (Some(first), 0);
            next = second;
            while let Some(item) = batch.take() {
                self.save(cx, &item).map_err(|r| note(cx, r, subject, &format!("item {at}")))?;
                at += 1;
                n += 1;
                if n < BATCH && several {
                    batch = next.take();
                    if batch.is_some() {
                        next = protocol::next(cx, &it)?;
                    }
                }
            }
            self.write(&[if several { op::APPENDS } else { op::APPEND }]);
        }
        Ok(())
    }

    /// Pairs that are set one after the other.
    fn save_set_items(&mut self, cx: &mut Cx, subject: &Obj, entries: &Obj) -> Done {
        let it = protocol::iter(cx, entries)?;
        let mut next = protocol::next(cx, &it)?;
        while let Some(first) = next {
            let second = protocol::next(cx, &it)?;
            let several = second.is_some();
            if several {
                self.write(&[op::MARK]);
            }
            let (mut batch, mut n) = (Some(first), 0);
            next = second;
            while let Some(pair) = batch.take() {
                let Some([k, v]) = pair.cast::<Tuple>().map(|t| t.items()) else {
                    return Err(cx.type_error("dict items iterator must return 2-tuples"));
                };
                self.save(cx, k)?;
                self.save(cx, v).map_err(|r| note_key(cx, r, subject, k))?;
                n += 1;
                if n < BATCH && several {
                    batch = next.take();
                    if batch.is_some() {
                        next = protocol::next(cx, &it)?;
                    }
                }
            }
            self.write(&[if several { op::SETITEMS } else { op::SETITEM }]);
        }
        Ok(())
    }
}

/// The module that an object names as its own and that has it under a plain name; none: it must be looked for.
fn home(cx: &mut Cx, o: &Obj, name: &Obj) -> PyResult<Option<Obj>> {
    let key = cx.name("__module__");
    let (Some(module), Some(name)) = (protocol::lookup_attr(cx, o, &key)?, name.cast::<Str>()) else { return Ok(None) };
    let Some(text) = module.cast::<Str>().cloned() else { return Ok(None) };
    let found = cx.modules.as_ref().and_then(|m| m.get_str(cx, &text));
    let Some(m) = found.as_ref().and_then(|m| m.cast::<module::Module>()) else { return Ok(None) };
    let held = m.dict.get(cx).get_str(cx, name);
    Ok(held.is_some_and(|h| h.is(o)).then_some(module))
}

/// The `__name__` of a function that is called to make an object again.
fn callable_name(cx: &mut Cx, f: &Obj) -> PyResult<Option<String>> {
    if let Some(f) = f.cast::<Function>() {
        return Ok(f.name.get(cx).cast::<Str>().map(|s| s.to_text(cx)));
    }
    if f.cast::<Type>().is_some() || f.cast::<function::Builtin>().is_some() {
        return Ok(None);
    }
    let key = cx.name("__name__");
    Ok(protocol::lookup_attr(cx, f, &key)?.and_then(|n| n.cast::<Str>().map(|s| s.to_text(cx))))
}

/// `module.name` of an object's class, as sentences about it begin.
pub(super) fn type_name(cx: &mut Cx, o: &Obj) -> String {
    let name = || super::from_module(cx, "pickle", "_T").and_then(|f| protocol::call(cx, &f, std::slice::from_ref(o))).and_then(|t| protocol::str_text(cx, &t));
    let mut name = name;
    match name() {
        Ok(t) => t,
        Err(_) => {
            cx.clear_error();
            o.ty().name_text()
        }
    }
}

/// Adds to the exception that waits where it came up.
fn note(cx: &mut Cx, r: Raised, o: &Obj, what: &str) -> Raised {
    let Some(e) = cx.take_error() else { return r };
    let name = type_name(cx, o);
    if e.cast::<Exception>().is_some()
        && let Ok(text) = cx.str(&format!("when serializing {name} {what}"))
        && protocol::call_method(cx, &e, "add_note", &[text]).is_err()
    {
        cx.clear_error();
    }
    cx.raise(e)
}
fn note_key(cx: &mut Cx, r: Raised, o: &Obj, key: &Obj) -> Raised {
    let Some(e) = cx.take_error() else { return r };
    let shown = protocol::repr_text(cx, key).unwrap_or_default();
    cx.clear_error();
    let r = cx.raise(e);
    note(cx, r, o, &format!("item {shown}"))
}
