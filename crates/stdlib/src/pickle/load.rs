//! `loads`: the machine that runs a pickle. Every opcode of every protocol but those that only a subclass of Unpickler or
//! the `buffers` argument can answer, and the strings of Python 2, which a caller's `encoding` may concern.

use super::dump::raise;
use super::{from_module, op};
use retic_runtime::types::type_::flags;
use retic_runtime::types::{Bytes, Dict, Float, List, Set, Str, Tuple, Type, bytearray, int, set};
use retic_runtime::{Args, Cx, Obj, PyResult, Raised, protocol};
use rustc_hash::FxHashMap;

/// Places of the memo are given out in turn: one further beyond the last than this is kept apart.
const FAR: usize = 1 << 10;

pub struct Load<'a> {
    data: &'a [u8],
    at: usize,
    stack: Vec<Obj>,
    /// Where each MARK stands in the stack.
    marks: Vec<usize>,
    memo: Vec<Option<Obj>>,
    /// The memo's places far beyond those in use.
    far: FxHashMap<usize, Obj>,
    protocol: u8,
    fix_imports: bool,
    encoding: &'a str,
    errors: &'a str,
}

fn truncated(cx: &mut Cx) -> Raised {
    raise(cx, "UnpicklingError", "pickle data was truncated".into())
}
fn wrong(cx: &mut Cx, text: impl Into<String>) -> Raised {
    raise(cx, "UnpicklingError", text.into())
}

impl<'a> Load<'a> {
    pub fn new(data: &'a [u8], fix_imports: bool, encoding: &'a str, errors: &'a str) -> Load<'a> {
        Load { data, at: 0, stack: Vec::new(), marks: Vec::new(), memo: Vec::new(), far: FxHashMap::default(), protocol: 0, fix_imports, encoding, errors }
    }

    fn take(&mut self, cx: &mut Cx, n: usize) -> PyResult<&'a [u8]> {
        match self.at.checked_add(n).and_then(|end| self.data.get(self.at..end)) {
            Some(b) => {
                self.at += n;
                Ok(b)
            }
            None => Err(truncated(cx)),
        }
    }
    fn number<const N: usize>(&mut self, cx: &mut Cx) -> PyResult<u64> {
        let mut b = [0; 8];
        b[..N].copy_from_slice(self.take(cx, N)?);
        Ok(u64::from_le_bytes(b))
    }
    fn size<const N: usize>(&mut self, cx: &mut Cx, what: &str) -> PyResult<usize> {
        match usize::try_from(self.number::<N>(cx)?) {
            Ok(n) if n <= isize::MAX as usize => Ok(n),
            _ => Err(cx.overflow_error(format!("{what} exceeds system's maximum size of {} bytes", isize::MAX))),
        }
    }
    /// The rest of the line, without its end.
    fn line(&mut self, cx: &mut Cx) -> PyResult<&'a [u8]> {
        match self.data[self.at..].iter().position(|b| *b == b'\n') {
            Some(n) => {
                let line = &self.data[self.at..self.at + n];
                self.at += n + 1;
                Ok(line)
            }
            None => Err(truncated(cx)),
        }
    }
    fn line_text(&mut self, cx: &mut Cx) -> PyResult<&'a str> {
        let line = self.line(cx)?;
        match std::str::from_utf8(line) {
            Ok(t) => Ok(t),
            Err(_) => Err(wrong(cx, "pickle data was truncated")),
        }
    }

    fn line_str(&mut self, cx: &mut Cx) -> PyResult {
        let line = self.line(cx)?;
        retic_runtime::codecs::decode(cx, line, "utf-8", "strict")
    }

    /// Where the values since the last MARK begin, or the whole stack.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }
    fn underflow(&self, cx: &mut Cx) -> Raised {
        wrong(cx, if self.marks.is_empty() { "unpickling stack underflow" } else { "unexpected MARK found" })
    }
    fn push(&mut self, cx: &Cx, o: Obj) -> PyResult<()> {
        if self.stack.try_reserve(1).is_err() {
            return Err(cx.memory_error());
        }
        self.stack.push(o);
        Ok(())
    }
    fn pop(&mut self, cx: &mut Cx) -> PyResult {
        if self.stack.len() > self.floor()
            && let Some(o) = self.stack.pop()
        {
            return Ok(o);
        }
        Err(self.underflow(cx))
    }
    fn top(&mut self, cx: &mut Cx) -> PyResult {
        if self.stack.len() > self.floor()
            && let Some(o) = self.stack.last()
        {
            return Ok(o.clone());
        }
        Err(self.underflow(cx))
    }
    /// The values since the last MARK, which goes.
    fn marked(&mut self, cx: &mut Cx) -> PyResult<Vec<Obj>> {
        let from = self.last_mark(cx)?;
        Ok(self.stack.split_off(from))
    }
    /// Where these values begin.
    fn last_mark(&mut self, cx: &mut Cx) -> PyResult<usize> {
        self.marks.pop().ok_or_else(|| wrong(cx, "could not find MARK"))
    }
    fn pop_tuple(&mut self, cx: &mut Cx, n: usize) -> PyResult {
        if self.stack.len() < self.floor() + n {
            return Err(self.underflow(cx));
        }
        let items = self.stack.split_off(self.stack.len() - n);
        cx.tuple(items)
    }

    fn remember(&mut self, cx: &mut Cx, at: usize) -> PyResult<()> {
        let o = self.top(cx)?;
        if at > self.memo.len() + FAR {
            if self.far.try_reserve(1).is_err() {
                return Err(cx.memory_error());
            }
            let old = self.far.insert(at, o);
            cx.release(old);
            return Ok(());
        }
        if at >= self.memo.len() {
            let more = at + 1 - self.memo.len();
            if self.memo.try_reserve(more).is_err() {
                return Err(cx.memory_error());
            }
            self.memo.resize(at + 1, None);
        }
        let old = self.memo[at].replace(o);
        cx.release(old);
        Ok(())
    }
    fn recall(&mut self, cx: &mut Cx, at: usize) -> PyResult<()> {
        match self.memo.get(at).cloned().flatten().or_else(|| self.far.get(&at).cloned()) {
            Some(o) => self.push(cx, o),
            None => Err(wrong(cx, format!("Memo value not found at index {at}"))),
        }
    }

    /// Runs the pickle to its end.
    pub fn run(&mut self, cx: &mut Cx) -> PyResult {
        loop {
            let Some(code) = self.data.get(self.at).copied() else {
                return Err(cx.error_of(&cx.types.eof_error, "Ran out of input"));
            };
            self.at += 1;
            if code == op::STOP {
                return self.pop(cx);
            }
            self.step(cx, code)?;
            cx.poll_native()?;
        }
    }

    fn step(&mut self, cx: &mut Cx, code: u8) -> PyResult<()> {
        let value = match code {
            op::NONE => cx.none(),
            op::NEWTRUE => cx.bool(true),
            op::NEWFALSE => cx.bool(false),
            op::BININT => {
                let n = self.number::<4>(cx)? as u32 as i32;
                cx.int(i64::from(n))?
            }
            op::BININT1 => {
                let n = self.number::<1>(cx)?;
                cx.int(n as i64)?
            }
            op::BININT2 => {
                let n = self.number::<2>(cx)?;
                cx.int(n as i64)?
            }
            op::LONG1 => {
                let n = self.number::<1>(cx)? as usize;
                self.long(cx, n)?
            }
            op::LONG4 => {
                let n = self.number::<4>(cx)? as u32 as i32;
                let Ok(n) = usize::try_from(n) else { return Err(wrong(cx, "LONG pickle has negative byte count")) };
                self.long(cx, n)?
            }
            op::BINFLOAT => {
                let b = self.take(cx, 8)?;
                cx.float(f64::from_be_bytes(b.try_into().unwrap_or_default()))?
            }
            op::SHORT_BINUNICODE => {
                let n = self.number::<1>(cx)? as usize;
                self.text(cx, n)?
            }
            op::BINUNICODE => {
                let n = self.size::<4>(cx, "BINUNICODE")?;
                self.text(cx, n)?
            }
            op::BINUNICODE8 => {
                let n = self.size::<8>(cx, "BINUNICODE8")?;
                self.text(cx, n)?
            }
            op::SHORT_BINBYTES => {
                let n = self.number::<1>(cx)? as usize;
                let b = self.take(cx, n)?;
                Bytes::from_slice(cx, b)?
            }
            op::BINBYTES => {
                let n = self.size::<4>(cx, "BINBYTES")?;
                let b = self.take(cx, n)?;
                Bytes::from_slice(cx, b)?
            }
            op::BINBYTES8 => {
                let n = self.size::<8>(cx, "BINBYTES8")?;
                let b = self.take(cx, n)?;
                Bytes::from_slice(cx, b)?
            }
            op::BYTEARRAY8 => {
                let n = self.size::<8>(cx, "BYTEARRAY8")?;
                let b = self.take(cx, n)?;
                bytearray::from_slice(cx, b)?
            }
            op::EMPTY_LIST => cx.list(Vec::new())?,
            op::EMPTY_DICT => Dict::new(cx)?.into_obj(),
            op::EMPTY_TUPLE => cx.consts.empty_tuple.clone(),
            op::EMPTY_SET => Set::new(cx)?.into_obj(),
            op::TUPLE1 => self.pop_tuple(cx, 1)?,
            op::TUPLE2 => self.pop_tuple(cx, 2)?,
            op::TUPLE3 => self.pop_tuple(cx, 3)?,
            op::TUPLE => {
                let items = self.marked(cx)?;
                cx.tuple(items)?
            }
            op::LIST => {
                let items = self.marked(cx)?;
                cx.list(items)?
            }
            op::FROZENSET => {
                let items = self.marked(cx)?;
                set::frozen(cx, items)?
            }
            op::DICT => {
                let items = self.marked(cx)?;
                let d = Dict::new(cx)?;
                set_items(cx, d.as_obj(), &items)?;
                d.into_obj()
            }
            op::MARK => {
                self.marks.push(self.stack.len());
                return Ok(());
            }
            op::POP => {
                // A MARK that stands alone goes itself.
                if self.marks.last() == Some(&self.stack.len()) {
                    self.marks.pop();
                } else {
                    let o = self.pop(cx)?;
                    cx.release(o);
                }
                return Ok(());
            }
            op::POP_MARK => {
                let items = self.marked(cx)?;
                cx.release(items);
                return Ok(());
            }
            op::DUP => self.top(cx)?,
            op::MEMOIZE => {
                let n = self.memo.len();
                return self.remember(cx, n);
            }
            op::BINPUT => {
                let n = self.number::<1>(cx)? as usize;
                return self.remember(cx, n);
            }
            op::LONG_BINPUT => {
                let n = self.number::<4>(cx)? as usize;
                return self.remember(cx, n);
            }
            op::BINGET => {
                let n = self.number::<1>(cx)? as usize;
                return self.recall(cx, n);
            }
            op::LONG_BINGET => {
                let n = self.number::<4>(cx)? as usize;
                return self.recall(cx, n);
            }
            op::APPEND => {
                let v = self.pop(cx)?;
                let list = self.top(cx)?;
                return append(cx, &list, vec![v]);
            }
            op::APPENDS => {
                let items = self.marked(cx)?;
                let list = self.top(cx)?;
                return append(cx, &list, items);
            }
            op::SETITEM => {
                let (v, k) = (self.pop(cx)?, self.pop(cx)?);
                let d = self.top(cx)?;
                return set_items(cx, &d, &[k, v]);
            }
            op::SETITEMS => {
                let from = self.last_mark(cx)?;
                if from <= self.floor() {
                    return Err(self.underflow(cx));
                }
                let d = self.stack[from - 1].clone();
                set_items(cx, &d, &self.stack[from..])?;
                self.stack.truncate(from);
                return Ok(());
            }
            op::ADDITEMS => {
                let items = self.marked(cx)?;
                let s = self.top(cx)?;
                return add_items(cx, &s, items);
            }
            op::STACK_GLOBAL => {
                let (name, module) = (self.pop(cx)?, self.pop(cx)?);
                if name.cast::<Str>().is_none() || module.cast::<Str>().is_none() {
                    return Err(wrong(cx, "STACK_GLOBAL requires str"));
                }
                self.global(cx, module, name)?
            }
            op::REDUCE => {
                let (args, f) = (self.pop(cx)?, self.pop(cx)?);
                let Some(items) = args.cast::<Tuple>().map(|t| t.items()) else {
                    return Err(cx.type_error(format!("argument list must be a tuple, not {}", args.ty().name_text())));
                };
                protocol::call(cx, &f, items)?
            }
            op::NEWOBJ => {
                let (args, class) = (self.pop(cx)?, self.pop(cx)?);
                self.new_object(cx, "NEWOBJ", &class, &args, None)?
            }
            op::NEWOBJ_EX => {
                let (keywords, args, class) = (self.pop(cx)?, self.pop(cx)?, self.pop(cx)?);
                self.new_object(cx, "NEWOBJ_EX", &class, &args, Some(&keywords))?
            }
            op::BUILD => {
                let state = self.pop(cx)?;
                let o = self.top(cx)?;
                return build(cx, &o, &state);
            }
            op::PROTO => {
                let p = self.number::<1>(cx)?;
                if p > 5 {
                    return Err(cx.value_error(format!("unsupported pickle protocol: {p}")));
                }
                self.protocol = p as u8;
                return Ok(());
            }
            op::FRAME => {
                let n = self.size::<8>(cx, "FRAME length")?;
                if n > self.data.len() - self.at {
                    return Err(truncated(cx));
                }
                return Ok(());
            }
            _ => return self.rare(cx, code),
        };
        self.push(cx, value)
    }

    /// Opcodes of old protocols, and what is no opcode.
    #[inline(never)]
    fn rare(&mut self, cx: &mut Cx, code: u8) -> PyResult<()> {
        let value = match code {
            op::INT => match self.line_text(cx)? {
                "00" => cx.bool(false),
                "01" => cx.bool(true),
                t => self.decimal(cx, t)?,
            },
            op::LONG => {
                let t = self.line_text(cx)?;
                self.decimal(cx, t.strip_suffix('L').unwrap_or(t))?
            }
            op::FLOAT => {
                let t = self.line_text(cx)?;
                let (class, t) = (cx.types.float.as_obj().clone(), cx.str(t)?);
                let v = protocol::call(cx, &class, &[t])?;
                cx.float(v.cast::<Float>().map_or(0.0, |f| f.value.get()))?
            }
            op::UNICODE => {
                let line = self.line(cx)?;
                retic_runtime::codecs::decode(cx, line, "raw-unicode-escape", "strict")?
            }
            op::STRING => {
                let line = self.line(cx)?;
                let inner = match line {
                    [q @ (b'"' | b'\''), inner @ .., last] if q == last => inner,
                    _ => return Err(wrong(cx, "the STRING opcode argument must be quoted")),
                };
                let decode = from_module(cx, "codecs", "escape_decode")?;
                let inner = Bytes::from_slice(cx, inner)?;
                let pair = protocol::call(cx, &decode, &[inner])?;
                let bytes = pair.cast::<Tuple>().and_then(|t| t.items().first()?.cast::<Bytes>().cloned());
                let bytes = bytes.map(|b| b.bytes().to_vec()).unwrap_or_default();
                self.old_text(cx, &bytes)?
            }
            op::BINSTRING => {
                let n = self.number::<4>(cx)? as u32 as i32;
                let Ok(n) = usize::try_from(n) else { return Err(wrong(cx, "BINSTRING pickle has negative byte count")) };
                let b = self.take(cx, n)?;
                self.old_text(cx, b)?
            }
            op::SHORT_BINSTRING => {
                let n = self.number::<1>(cx)? as usize;
                let b = self.take(cx, n)?;
                self.old_text(cx, b)?
            }
            op::GET => {
                let t = self.line_text(cx)?;
                let Ok(n) = t.parse::<usize>() else { return Err(cx.value_error(format!("invalid literal for int() with base 10: '{t}'"))) };
                return self.recall(cx, n);
            }
            op::PUT => {
                let t = self.line_text(cx)?;
                match t.parse::<usize>() {
                    Ok(n) => return self.remember(cx, n),
                    Err(_) if t.parse::<i64>().is_ok() => return Err(cx.value_error("negative PUT argument")),
                    Err(_) => return Err(cx.value_error(format!("invalid literal for int() with base 10: '{t}'"))),
                }
            }
            op::GLOBAL => {
                let (module, name) = (self.line_str(cx)?, self.line_str(cx)?);
                self.global(cx, module, name)?
            }
            op::INST => {
                let (module, name) = (self.line_str(cx)?, self.line_str(cx)?);
                let args = self.marked(cx)?;
                let class = self.global(cx, module, name)?;
                instantiate(cx, &class, &args)?
            }
            op::OBJ => {
                let items = self.marked(cx)?;
                match items.split_first() {
                    Some((class, args)) => instantiate(cx, class, args)?,
                    None => return Err(wrong(cx, "unpickling stack underflow")),
                }
            }
            op::EXT1 => {
                let n = self.number::<1>(cx)?;
                self.extension(cx, n)?
            }
            op::EXT2 => {
                let n = self.number::<2>(cx)?;
                self.extension(cx, n)?
            }
            op::EXT4 => {
                let n = self.number::<4>(cx)?;
                self.extension(cx, n)?
            }
            op::PERSID | op::BINPERSID => {
                let text = "A load persistent id instruction was encountered, but no persistent_load function was specified.";
                return Err(wrong(cx, text));
            }
            op::NEXT_BUFFER => return Err(wrong(cx, "pickle stream refers to out-of-band data but no *buffers* argument was given")),
            op::READONLY_BUFFER => {
                let o = self.pop(cx)?;
                let view = retic_runtime::types::memoryview::of(cx, &o)?;
                protocol::call_method(cx, &view, "toreadonly", &[])?
            }
            c => {
                let shown = if c.is_ascii_graphic() || c == b' ' { (c as char).to_string() } else { format!("\\x{c:02x}") };
                let shown = if c == b'\'' || c == b'\\' { format!("\\{shown}") } else { shown };
                return Err(wrong(cx, format!("invalid load key, '{shown}'.")));
            }
        };
        self.push(cx, value)
    }

    fn decimal(&mut self, cx: &mut Cx, t: &str) -> PyResult {
        let (class, t) = (cx.types.int.as_obj().clone(), cx.str(t)?);
        let base = cx.int(0)?;
        protocol::call(cx, &class, &[t, base])
    }
    fn long(&mut self, cx: &mut Cx, n: usize) -> PyResult {
        let b = self.take(cx, n)?;
        if n <= 8 {
            let mut wide = if b.last().is_some_and(|l| l & 0x80 != 0) { [0xff; 8] } else { [0; 8] };
            wide[..n].copy_from_slice(b);
            return cx.int(i64::from_le_bytes(wide));
        }
        int::from_big(cx, &retic_numbers::Big::from_bytes_le(b, true))
    }
    fn text(&mut self, cx: &mut Cx, n: usize) -> PyResult {
        let b = self.take(cx, n)?;
        if b.is_ascii() {
            return Ok(Str::from_latin1(cx, b)?.into_obj());
        }
        match std::str::from_utf8(b) {
            Ok(t) => cx.str(t),
            Err(_) => retic_runtime::codecs::decode(cx, b, "utf-8", "surrogatepass"),
        }
    }
    /// A string of Python 2: text, or bytes where the caller wants these.
    fn old_text(&mut self, cx: &mut Cx, b: &[u8]) -> PyResult {
        if self.encoding == "bytes" { Bytes::from_slice(cx, b) } else { retic_runtime::codecs::decode(cx, b, self.encoding, self.errors) }
    }

    /// What a module has under a dotted name.
    fn global(&mut self, cx: &mut Cx, module: Obj, name: Obj) -> PyResult {
        let (mut module, mut name) = (module, name);
        if self.protocol < 3 && self.fix_imports {
            let pair = cx.tuple_of([module.clone(), name.clone()])?;
            let (names, modules) = (from_module(cx, "_compat_pickle", "NAME_MAPPING")?, from_module(cx, "_compat_pickle", "IMPORT_MAPPING")?);
            let other = names.cast::<Dict>().cloned().map(|d| d.get(cx, &pair)).transpose()?.flatten();
            if let Some([m, n]) = other.as_ref().and_then(|o| o.cast::<Tuple>()).map(|t| t.items()) {
                (module, name) = (m.clone(), n.clone());
            } else if let Some(m) = modules.cast::<Dict>().cloned().map(|d| d.get(cx, &module)).transpose()?.flatten() {
                module = m;
            }
        }
        let (Some(module), Some(name)) = (module.cast::<Str>().cloned(), name.cast::<Str>().cloned()) else {
            return Err(wrong(cx, "STACK_GLOBAL requires str"));
        };
        if module.is_empty() {
            return Err(cx.value_error("Empty module name"));
        }
        let audit = from_module(cx, "sys", "audit")?;
        let event = cx.str("pickle.find_class")?;
        protocol::call(cx, &audit, &[event, module.as_obj().clone(), name.as_obj().clone()])?;
        let m = retic_runtime::modules::import::import(cx, &module.to_text(cx))?;
        if self.protocol < 4 {
            return protocol::getattr(cx, &m, &name);
        }
        let mut at = m.clone();
        let dotted = name.to_text(cx);
        for part in dotted.split('.') {
            let key = retic_runtime::types::str::intern_text(cx, part)?;
            match protocol::getattr(cx, &at, &key) {
                Ok(v) => at = v,
                Err(_) if dotted.contains('.') && cx.error_is(&cx.types.attribute_error) => {
                    cx.clear_error();
                    let shown = protocol::repr_text(cx, &m)?;
                    return Err(cx.attribute_error(format!("Can't resolve path '{dotted}' on {shown}")));
                }
                Err(r) => return Err(r),
            }
        }
        Ok(at)
    }

    /// What copyreg knows by number.
    fn extension(&mut self, cx: &mut Cx, code: u64) -> PyResult {
        let code = i64::from(code as u32 as i32);
        if code <= 0 {
            return Err(wrong(cx, "EXT specifies code <= 0"));
        }
        let (cache, registry, key) = (from_module(cx, "copyreg", "_extension_cache")?, from_module(cx, "copyreg", "_inverted_registry")?, cx.int(code)?);
        let (Some(cache), Some(registry)) = (cache.cast::<Dict>().cloned(), registry.cast::<Dict>().cloned()) else { return Ok(cx.none()) };
        if let Some(known) = cache.get(cx, &key)? {
            return Ok(known);
        }
        let Some(pair) = registry.get(cx, &key)?.filter(|p| !p.is_none()) else {
            return Err(cx.value_error(format!("unregistered extension code {code}")));
        };
        let (module, name) = match pair.cast::<Tuple>().map(|t| t.items()) {
            Some([m, n]) if m.cast::<Str>().is_some() && n.cast::<Str>().is_some() => (m, n),
            _ => return Err(cx.value_error(format!("_inverted_registry[{code}] isn't a 2-tuple of strings"))),
        };
        let found = self.global(cx, module.clone(), name.clone())?;
        let old = cache.insert(cx, &key, found.clone())?;
        cx.release(old);
        Ok(found)
    }

    fn new_object(&mut self, cx: &mut Cx, name: &str, class: &Obj, args: &Obj, keywords: Option<&Obj>) -> PyResult {
        let Some(items) = args.cast::<Tuple>().map(|t| t.items().to_vec()) else {
            return Err(wrong(cx, format!("{name} args argument must be a tuple, not {}", args.ty().name_text())));
        };
        let Some(t) = class.cast::<Type>().cloned() else {
            return Err(wrong(cx, format!("{name} class argument must be a type, not {}", class.ty().name_text())));
        };
        let Some(new) = t.slots(cx).new else {
            return Err(wrong(cx, format!("{name} class argument '{}' doesn't have __new__", t.name_text())));
        };
        let Some(keywords) = keywords else {
            return new(cx, &t, Args::positional_only(&items));
        };
        let Some(k) = keywords.cast::<Dict>().cloned() else {
            return Err(wrong(cx, format!("{name} kwargs argument must be a dict, not {}", keywords.ty().name_text())));
        };
        let (mut all, mut names) = (items, Vec::new());
        for (k, v) in k.entries(cx) {
            if k.cast::<Str>().is_none() {
                return Err(cx.type_error("keywords must be strings"));
            }
            names.push(k);
            all.push(v);
        }
        new(cx, &t, Args { items: &all, names: &names })
    }
}

/// `class(*args)`, or an empty instance where there is nothing to hand over (INST and OBJ).
fn instantiate(cx: &mut Cx, class: &Obj, args: &[Obj]) -> PyResult {
    let init = cx.name("__getinitargs__");
    if args.is_empty()
        && let Some(t) = class.cast::<Type>().cloned()
        && protocol::lookup_attr(cx, class, &init)?.is_none()
        && let Some(new) = t.slots(cx).new
    {
        return new(cx, &t, Args::positional_only(&[]));
    }
    protocol::call(cx, class, args)
}

fn append(cx: &mut Cx, list: &Obj, items: Vec<Obj>) -> PyResult<()> {
    if let Some(l) = list.cast::<List>().filter(|_| std::ptr::eq(list.ty(), &*cx.types.list)).cloned() {
        let n = l.items(cx).len();
        return l.splice(cx, n, n, items);
    }
    let extend = cx.name("extend");
    if let Some(f) = protocol::lookup_attr(cx, list, &extend)? {
        let all = cx.list(items)?;
        let r = protocol::call(cx, &f, &[all])?;
        cx.release(r);
        return Ok(());
    }
    for item in items {
        let r = protocol::call_method(cx, list, "append", &[item])?;
        cx.release(r);
    }
    Ok(())
}

fn set_items(cx: &mut Cx, d: &Obj, items: &[Obj]) -> PyResult<()> {
    if !items.len().is_multiple_of(2) {
        return Err(wrong(cx, if d.cast::<Dict>().is_some() { "odd number of items for SETITEMS" } else { "odd number of items for DICT" }));
    }
    let exact = d.cast::<Dict>().filter(|_| std::ptr::eq(d.ty(), &*cx.types.dict)).cloned();
    for pair in items.chunks_exact(2) {
        match &exact {
            Some(dict) => {
                let old = dict.insert(cx, &pair[0], pair[1].clone())?;
                cx.release(old);
            }
            None => protocol::setitem(cx, d, &pair[0], Some(&pair[1]))?,
        }
    }
    Ok(())
}

fn add_items(cx: &mut Cx, s: &Obj, items: Vec<Obj>) -> PyResult<()> {
    if s.cast::<Set>().is_some() {
        let all = cx.list(items)?;
        let r = protocol::call_method(cx, s, "update", &[all])?;
        cx.release(r);
        return Ok(());
    }
    for item in items {
        let r = protocol::call_method(cx, s, "add", &[item])?;
        cx.release(r);
    }
    Ok(())
}

/// BUILD: `__setstate__`, or attributes out of a dictionary, and slots.
fn build(cx: &mut Cx, o: &Obj, state: &Obj) -> PyResult<()> {
    let key = cx.name("__setstate__");
    if let Some(f) = protocol::lookup_attr(cx, o, &key)? {
        let r = protocol::call(cx, &f, std::slice::from_ref(state))?;
        cx.release(r);
        return Ok(());
    }
    let (mut state, mut slots) = (state.clone(), None);
    if let Some([a, b]) = state.cast::<Tuple>().map(|t| t.items()) {
        (state, slots) = (a.clone(), Some(b.clone()));
    }
    if !state.is_none() {
        let Some(d) = state.cast::<Dict>().cloned() else { return Err(wrong(cx, "state is not a dictionary")) };
        let key = cx.name("__dict__");
        let plain = o.ty().has(flags::DICT) && o.cast::<Type>().is_none();
        let own = if plain { None } else { Some(protocol::getattr(cx, o, &key)?) };
        for (k, v) in d.entries(cx) {
            let k = match k.cast::<Str>().filter(|_| std::ptr::eq(k.ty(), &*cx.types.str)).cloned() {
                Some(s) => retic_runtime::types::str::intern(cx, s).into_obj(),
                None => k,
            };
            match (&own, k.cast::<Str>()) {
                (None, Some(name)) => {
                    retic_runtime::types::object::set_own(cx, o, name, Some(&v))?;
                }
                (None, None) => {
                    let own = retic_runtime::types::object::dict_of(cx, o)?;
                    let old = own.insert(cx, &k, v)?;
                    cx.release(old);
                }
                (Some(own), _) => protocol::setitem(cx, own, &k, Some(&v))?,
            }
        }
    }
    if let Some(slots) = slots.filter(|s| !s.is_none()) {
        let Some(d) = slots.cast::<Dict>().cloned() else { return Err(wrong(cx, "slot state is not a dictionary")) };
        for (k, v) in d.entries(cx) {
            let Some(name) = k.cast::<Str>().cloned() else { return Err(cx.type_error(format!("attribute name must be string, not '{}'", k.ty().name_text()))) };
            protocol::setattr(cx, o, &name, Some(&v))?;
        }
    }
    Ok(())
}
