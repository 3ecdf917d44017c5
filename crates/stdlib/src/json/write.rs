//! Objects to JSON text.

use super::read::Unit;
use retic_runtime::object::{Guarded, shape};
use retic_runtime::types::function::Builtin;
use retic_runtime::types::int;
use retic_runtime::types::type_::flags;
use retic_runtime::types::{Dict, Float, Int, List, Slots, Spec, Str, Tuple, Type};
use retic_runtime::{Args, Cx, Obj, PyResult, Raised, Ref, layout, memory, protocol};
use std::cell::Cell;
use std::cmp::Ordering;

/// Text that grows: bytes as long as it is ASCII.
#[derive(Default)]
pub struct Text {
    ascii: Vec<u8>,
    wide: Option<Vec<u32>>,
}

impl Text {
    fn push(&mut self, c: u32) {
        match &mut self.wide {
            Some(w) => w.push(c),
            None if c < 0x80 => self.ascii.push(c as u8),
            None => {
                let mut w: Vec<u32> = std::mem::take(&mut self.ascii).into_iter().map(u32::from).collect();
                w.push(c);
                self.wide = Some(w);
            }
        }
    }
    fn push_ascii(&mut self, bytes: &[u8]) {
        match &mut self.wide {
            Some(w) => w.extend(bytes.iter().map(|b| u32::from(*b))),
            None => self.ascii.extend_from_slice(bytes),
        }
    }
    fn push_text(&mut self, s: &Str) {
        match s.ascii_bytes() {
            Some(b) => self.push_ascii(b),
            None => (0..s.len()).for_each(|i| self.push(s.chars().get(i))),
        }
    }
    pub fn finish(self, cx: &Cx) -> PyResult {
        match self.wide {
            Some(w) => cx.str_points(&w),
            None => Ok(Str::from_latin1(cx, &self.ascii)?.into_obj()),
        }
    }
}

/// Writes a text between quotes, with escapes.
pub fn quote(s: &Str, ascii_only: bool, out: &mut Text) {
    out.push_ascii(b"\"");
    match s.ascii_bytes() {
        Some(b) => {
            let mut rest = b;
            loop {
                let mut n = u8::plain(rest);
                if ascii_only && let Some(delete) = rest[..n].iter().position(|c| *c == 0x7f) {
                    n = delete;
                }
                out.push_ascii(&rest[..n]);
                let Some(c) = rest.get(n) else { break };
                escape(u32::from(*c), ascii_only, out);
                rest = &rest[n + 1..];
            }
        }
        None => (0..s.len()).for_each(|i| escape(s.chars().get(i), ascii_only, out)),
    }
    out.push_ascii(b"\"");
}

fn escape(c: u32, ascii_only: bool, out: &mut Text) {
    match c {
        0x22 => out.push_ascii(b"\\\""),
        0x5c => out.push_ascii(b"\\\\"),
        8 => out.push_ascii(b"\\b"),
        9 => out.push_ascii(b"\\t"),
        10 => out.push_ascii(b"\\n"),
        12 => out.push_ascii(b"\\f"),
        13 => out.push_ascii(b"\\r"),
        0..0x20 => out.push_ascii(format!("\\u{c:04x}").as_bytes()),
        0x20..0x7f => out.push(c),
        _ if !ascii_only => out.push(c),
        0x10000.. => {
            let v = c - 0x10000;
            out.push_ascii(format!("\\u{:04x}\\u{:04x}", 0xd800 | v >> 10, 0xdc00 | v & 0x3ff).as_bytes());
        }
        _ => out.push_ascii(format!("\\u{c:04x}").as_bytes()),
    }
}

layout! {
    /// Writes values as a `JSONEncoder` asks.
    pub struct Encoder = 295, "_json.Encoder" {
        markers: Guarded<Obj>,
        default: Guarded<Obj>,
        encoder: Guarded<Obj>,
        indent: Guarded<Obj>,
        key_separator: Guarded<Ref<Str>>,
        item_separator: Guarded<Ref<Str>>,
        sort_keys: Cell<bool>,
        skipkeys: Cell<bool>,
        allow_nan: Cell<bool>,
        /// 1 and 2: `encoder` is `encode_basestring`, `encode_basestring_ascii`; 0: something else.
        quick: Cell<u8>,
    }
}

const NAMES: [&str; 9] = ["markers", "default", "encoder", "indent", "key_separator", "item_separator", "sort_keys", "skipkeys", "allow_nan"];

fn construct(cx: &mut Cx, ty: &Ref<Type>, args: Args<'_>) -> PyResult {
    let mut given = Vec::new();
    for (i, name) in NAMES.into_iter().enumerate() {
        let Some(o) = args.positional().get(i).or(args.keyword(cx, name)).cloned() else {
            return Err(cx.type_error(format!("make_encoder() missing required argument '{name}' (pos {})", i + 1)));
        };
        given.push(o);
    }
    if !given[0].is_none() && given[0].cast::<Dict>().is_none() {
        return Err(cx.type_error(format!("make_encoder() argument 1 must be dict or None, not {}", given[0].ty().name_text())));
    }
    let mut separators = Vec::new();
    for i in [4, 5] {
        match given[i].cast::<Str>() {
            Some(s) => separators.push(s.clone()),
            None => return Err(cx.type_error(format!("make_encoder() argument {} must be str, not {}", i + 1, given[i].ty().name_text()))),
        }
    }
    if !given[3].is_none() && given[3].cast::<Str>().is_none() {
        return Err(cx.type_error(format!("make_encoder() argument 4 must be str or None, not {}", given[3].ty().name_text())));
    }
    let mut flags = [false; 3];
    for (f, o) in flags.iter_mut().zip(&given[6..]) {
        *f = protocol::truth(cx, o)?;
    }
    let quick = given[2].cast::<Builtin>().map_or(0, |b| match b.def.get().name {
        "encode_basestring" => 1,
        "encode_basestring_ascii" => 2,
        _ => 0,
    });
    let made = memory::new(cx, ty, |head| Encoder {
        head,
        markers: Guarded::new(given[0].clone()),
        default: Guarded::new(given[1].clone()),
        encoder: Guarded::new(given[2].clone()),
        indent: Guarded::new(given[3].clone()),
        key_separator: Guarded::new(separators[0].clone()),
        item_separator: Guarded::new(separators[1].clone()),
        sort_keys: Cell::new(flags[0]),
        skipkeys: Cell::new(flags[1]),
        allow_nan: Cell::new(flags[2]),
        quick: Cell::new(quick),
    })?;
    Ok(made.into_obj())
}

fn call(cx: &mut Cx, o: &Obj, args: Args<'_>) -> PyResult {
    let Some(this) = o.cast::<Encoder>().cloned() else { return Ok(cx.none()) };
    let Some(value) = args.positional().first().or(args.keyword(cx, "obj")).cloned() else {
        return Err(cx.type_error("_iterencode() missing required argument 'obj' (pos 1)"));
    };
    let Some(level) = args.positional().get(1).or(args.keyword(cx, "_current_indent_level")).cloned() else {
        return Err(cx.type_error("_iterencode() missing required argument '_current_indent_level' (pos 2)"));
    };
    let level = protocol::index_i64(cx, &level)?.max(0) as usize;
    let indent = this.indent.get(cx).cast::<Str>().cloned();
    let mut w = Writer { e: this, indent, out: Text { ascii: Vec::with_capacity(FIRST_BYTES), wide: None }, entries: Vec::new() };
    w.value(cx, &value, level)?;
    let text = w.out.finish(cx)?;
    cx.tuple_of([text])
}

/// Room for the text at first.
const FIRST_BYTES: usize = 256;

struct Writer {
    e: Ref<Encoder>,
    indent: Option<Ref<Str>>,
    out: Text,
    /// What is in the dicts that are being written, the innermost last.
    entries: Vec<(Obj, Obj)>,
}

/// Adds a note to the exception that waits.
fn note(cx: &mut Cx, text: String) -> Raised {
    let Some(exc) = cx.take_error() else { return cx.system_error("no exception to add a note to") };
    let added = cx.str(&text).and_then(|t| protocol::call_method(cx, &exc, "add_note", &[t]));
    if added.is_err() {
        cx.clear_error();
    }
    cx.raise(exc)
}

impl Writer {
    fn value(&mut self, cx: &mut Cx, o: &Obj, level: usize) -> PyResult<()> {
        if let Some(s) = o.cast::<Str>() {
            return self.text(cx, &s.clone());
        }
        if o.is_none() {
            self.out.push_ascii(b"null");
        } else if o.is(&cx.consts.true_) {
            self.out.push_ascii(b"true");
        } else if o.is(&cx.consts.false_) {
            self.out.push_ascii(b"false");
        } else if let Some(i) = o.cast::<Int>() {
            match i.small() {
                Some(n) => self.out.push_ascii(int::decimal(n, &mut [0; 20])),
                None => {
                    let text = int::text(cx, i)?;
                    self.out.push_ascii(text.as_bytes());
                }
            }
        } else if o.cast::<Float>().is_some() {
            let text = self.float(cx, o)?;
            self.out.push_ascii(text.as_bytes());
        } else if o.cast::<List>().is_some() || o.cast::<Tuple>().is_some() {
            return cx.deeper(" while encoding a JSON object", |cx| self.list(cx, o, level));
        } else if o.cast::<Dict>().is_some() {
            return cx.deeper(" while encoding a JSON object", |cx| self.dict(cx, o, level));
        } else {
            return self.other(cx, o, level);
        }
        Ok(())
    }

    fn text(&mut self, cx: &mut Cx, s: &Ref<Str>) -> PyResult<()> {
        match self.e.quick.get() {
            0 => {
                let f = self.e.encoder.cloned(cx);
                let r = protocol::call(cx, &f, &[s.as_obj().clone()])?;
                match r.cast::<Str>() {
                    Some(t) => self.out.push_text(t),
                    None => return Err(cx.type_error(format!("encoder() must return a string, not {}", r.ty().name_text()))),
                }
            }
            kind => quote(s, kind == 2, &mut self.out),
        }
        Ok(())
    }

    fn float(&mut self, cx: &mut Cx, o: &Obj) -> PyResult<String> {
        let v = protocol::exact_float(o);
        if v.is_finite() {
            let class = cx.types.float.clone();
            let repr = class.slots(cx).repr.expect("floats have a repr");
            let text = repr(cx, o)?;
            return protocol::str_text(cx, &text);
        }
        if !self.e.allow_nan.get() {
            let text = protocol::repr_text(cx, o)?;
            return Err(cx.value_error(format!("Out of range float values are not JSON compliant: {text}")));
        }
        Ok((if v.is_nan() {
            "NaN"
        } else if v > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        })
        .into())
    }

    /// Notes that a container is being written; refuses one that is inside itself.
    fn enter(&mut self, cx: &mut Cx, o: &Obj) -> PyResult<Option<(Ref<Dict>, Obj)>> {
        let markers = self.e.markers.cloned(cx);
        let Some(d) = markers.cast::<Dict>().cloned() else { return Ok(None) };
        let id = cx.int(o.address() as i64)?;
        if d.insert(cx, &id, o.clone())?.is_some() {
            return Err(cx.value_error("Circular reference detected"));
        }
        Ok(Some((d, id)))
    }
    fn leave(&mut self, cx: &mut Cx, entered: Option<(Ref<Dict>, Obj)>) -> PyResult<()> {
        if let Some((d, id)) = entered {
            let gone = d.remove(cx, &id)?;
            cx.release(gone);
        }
        Ok(())
    }

    fn new_line(&mut self, level: usize) {
        if let Some(indent) = &self.indent {
            self.out.push_ascii(b"\n");
            for _ in 0..level {
                self.out.push_text(indent);
            }
        }
    }
    fn separator(&mut self, cx: &Cx, item: bool) {
        let s = if item { self.e.item_separator.cloned(cx) } else { self.e.key_separator.cloned(cx) };
        self.out.push_text(&s);
    }

    fn list(&mut self, cx: &mut Cx, o: &Obj, level: usize) -> PyResult<()> {
        let item = |cx: &Cx, i: usize| match o.cast::<List>() {
            Some(l) => l.items(cx).get(i).cloned(),
            None => o.cast::<Tuple>().and_then(|t| t.items().get(i).cloned()),
        };
        if item(cx, 0).is_none() {
            self.out.push_ascii(b"[]");
            return Ok(());
        }
        let entered = self.enter(cx, o)?;
        self.out.push_ascii(b"[");
        let mut i = 0;
        while let Some(v) = item(cx, i) {
            if i > 0 {
                self.separator(cx, true);
            }
            self.new_line(level + 1);
            if self.value(cx, &v, level + 1).is_err() {
                return Err(note(cx, format!("when serializing {} item {i}", o.ty().name_text())));
            }
            i += 1;
            cx.poll_native()?;
        }
        self.new_line(level);
        self.out.push_ascii(b"]");
        self.leave(cx, entered)
    }

    /// The text of a key; none when it is skipped.
    fn key(&mut self, cx: &mut Cx, k: &Obj) -> PyResult<Option<Ref<Str>>> {
        let text = if let Some(s) = k.cast::<Str>() {
            return Ok(Some(s.clone()));
        } else if k.cast::<Float>().is_some() {
            self.float(cx, k)?
        } else if k.is_none() {
            "null".into()
        } else if k.is(&cx.consts.true_) {
            "true".into()
        } else if k.is(&cx.consts.false_) {
            "false".into()
        } else if let Some(i) = k.cast::<Int>() {
            int::text(cx, i)?
        } else if self.e.skipkeys.get() {
            return Ok(None);
        } else {
            return Err(cx.type_error(format!("keys must be str, int, float, bool or None, not {}", k.ty().name_text())));
        };
        cx.str_ref(&text).map(Some)
    }

    /// Adds the items of a dict whose keys can be brought in order without Python to `entries`; else false.
    fn plain_entries(&mut self, cx: &mut Cx, d: &Ref<Dict>) -> PyResult<bool> {
        if !std::ptr::eq(d.as_obj().ty(), &*cx.types.dict) {
            return Ok(false);
        }
        let from = self.entries.len();
        protocol::grow(cx, &mut self.entries, d.len(cx))?;
        d.add_entries(cx, &mut self.entries);
        if self.e.sort_keys.get() {
            let entries = &mut self.entries[from..];
            if entries.iter().any(|(k, _)| k.shape() != shape::STR) {
                self.entries.truncate(from);
                return Ok(false);
            }
            entries.sort_unstable_by(|(a, _), (b, _)| match (a.cast::<Str>(), b.cast::<Str>()) {
                (Some(a), Some(b)) => a.order(b),
                _ => Ordering::Equal,
            });
        }
        Ok(true)
    }

    /// What `items()` gives, sorted if that is asked for.
    fn items(&self, cx: &mut Cx, o: &Obj) -> PyResult<Vec<(Obj, Obj)>> {
        let items = protocol::call_method(cx, o, "items", &[])?;
        let list = protocol::collect(cx, &items)?;
        let list = cx.list(list)?;
        if self.e.sort_keys.get() {
            protocol::call_method(cx, &list, "sort", &[])?;
        }
        let mut pairs = Vec::new();
        for p in protocol::collect(cx, &list)? {
            match p.cast::<Tuple>().map(|t| t.items().to_vec()).as_deref() {
                Some([k, v]) => pairs.push((k.clone(), v.clone())),
                _ => return Err(cx.value_error("items must return 2-tuples")),
            }
        }
        Ok(pairs)
    }

    fn dict(&mut self, cx: &mut Cx, o: &Obj, level: usize) -> PyResult<()> {
        let Some(d) = o.cast::<Dict>().cloned() else { return Ok(()) };
        if d.len(cx) == 0 {
            self.out.push_ascii(b"{}");
            return Ok(());
        }
        let entered = self.enter(cx, o)?;
        self.out.push_ascii(b"{");
        let from = self.entries.len();
        if !self.plain_entries(cx, &d)? {
            let items = self.items(cx, o)?;
            self.entries.extend(items);
        }
        let (mut first, to) = (true, self.entries.len());
        for i in from..to {
            let (k, v) = self.entries[i].clone();
            let Some(key) = self.key(cx, &k)? else { continue };
            if !first {
                self.separator(cx, true);
            }
            first = false;
            self.new_line(level + 1);
            self.text(cx, &key)?;
            self.separator(cx, false);
            if self.value(cx, &v, level + 1).is_err() {
                let saved = cx.take_error();
                let shown = protocol::repr_text(cx, &k).unwrap_or_default();
                cx.clear_error();
                if let Some(e) = saved {
                    let _ = cx.raise(e);
                }
                return Err(note(cx, format!("when serializing {} item {shown}", o.ty().name_text())));
            }
            cx.poll_native()?;
        }
        self.entries.truncate(from);
        if !first {
            self.new_line(level);
        }
        self.out.push_ascii(b"}");
        self.leave(cx, entered)
    }

    /// What JSON has no word for goes through `default`.
    fn other(&mut self, cx: &mut Cx, o: &Obj, level: usize) -> PyResult<()> {
        let entered = self.enter(cx, o)?;
        let f = self.e.default.cloned(cx);
        let new = protocol::call(cx, &f, std::slice::from_ref(o))?;
        let r = cx.deeper(" while encoding a JSON object", |cx| self.value(cx, &new, level));
        if r.is_err() {
            return Err(note(cx, format!("when serializing {} object", o.ty().name_text())));
        }
        self.leave(cx, entered)
    }
}

pub fn spec() -> Spec {
    Spec {
        doc: "Encoder(markers, default, encoder, indent, key_separator, item_separator, sort_keys, skipkeys, allow_nan)",
        flags: flags::GC,
        slots: Slots { new: Some(construct), call: Some(call), ..Slots::EMPTY },
        getset: Encoder::GETSET,
        ..Spec::new::<Encoder>("_json.Encoder")
    }
}

#[retic_macros::methods]
impl Encoder {
    /// markers
    #[get("markers")]
    fn markers_get(cx: &mut Cx, this: &Ref<Encoder>) -> Obj {
        this.markers.cloned(cx)
    }
    /// default
    #[get("default")]
    fn default_get(cx: &mut Cx, this: &Ref<Encoder>) -> Obj {
        this.default.cloned(cx)
    }
    /// encoder
    #[get("encoder")]
    fn encoder_get(cx: &mut Cx, this: &Ref<Encoder>) -> Obj {
        this.encoder.cloned(cx)
    }
    /// indent
    #[get("indent")]
    fn indent_get(cx: &mut Cx, this: &Ref<Encoder>) -> Obj {
        this.indent.cloned(cx)
    }
    /// key_separator
    #[get("key_separator")]
    fn key_separator_get(cx: &mut Cx, this: &Ref<Encoder>) -> Ref<Str> {
        this.key_separator.cloned(cx)
    }
    /// item_separator
    #[get("item_separator")]
    fn item_separator_get(cx: &mut Cx, this: &Ref<Encoder>) -> Ref<Str> {
        this.item_separator.cloned(cx)
    }
    /// sort_keys
    #[get("sort_keys")]
    fn sort_keys_get(_cx: &mut Cx, this: &Ref<Encoder>) -> bool {
        this.sort_keys.get()
    }
    /// skipkeys
    #[get("skipkeys")]
    fn skipkeys_get(_cx: &mut Cx, this: &Ref<Encoder>) -> bool {
        this.skipkeys.get()
    }
}
