//! `StringIO`: text in memory as a stream.

use super::base::{self, FLAGS};
use super::{newline, unsupported};
use retic_runtime::object::{Guarded, Trace, Visit};
use retic_runtime::types::str::Chars;
use retic_runtime::types::{Slots, Spec, Str};
use retic_runtime::{Cx, Obj, PyResult, Ref, layout, memory, protocol};
use std::cell::Cell;

/// The text: a byte a character as long as that will do.
pub enum Contents {
    Narrow(Vec<u8>),
    Wide(Vec<u32>),
}
impl Default for Contents {
    fn default() -> Contents {
        Contents::Narrow(Vec::new())
    }
}
impl Contents {
    fn len(&self) -> usize {
        match self {
            Contents::Narrow(t) => t.len(),
            Contents::Wide(t) => t.len(),
        }
    }
    fn truncate(&mut self, n: usize) {
        match self {
            Contents::Narrow(t) => t.truncate(n),
            Contents::Wide(t) => t.truncate(n),
        }
    }
    fn wide(&mut self) -> &mut Vec<u32> {
        if let Contents::Narrow(t) = self {
            *self = Contents::Wide(t.iter().map(|c| u32::from(*c)).collect());
        }
        match self {
            Contents::Wide(t) => t,
            Contents::Narrow(_) => unreachable!("it was made wide"),
        }
    }
    /// Writes at a place, over what is there; a gap before it is filled with NUL.
    fn write(&mut self, at: usize, new: Chars<'_>) {
        fn put<T: Copy + Default>(text: &mut Vec<T>, at: usize, new: &[T]) {
            if text.len() < at {
                text.resize(at, T::default());
            }
            let over = (at + new.len()).min(text.len());
            text[at..over].copy_from_slice(&new[..over - at]);
            text.extend_from_slice(&new[over - at..]);
        }
        match (self, new) {
            (Contents::Narrow(text), Chars::One(new)) => put(text, at, new),
            (text, Chars::One(new)) => put(text.wide(), at, &new.iter().map(|c| u32::from(*c)).collect::<Vec<_>>()),
            (text, Chars::Two(new)) => put(text.wide(), at, &new.iter().map(|c| u32::from(*c)).collect::<Vec<_>>()),
            (text, Chars::Four(new)) => put(text.wide(), at, new),
        }
    }
    fn str(&self, cx: &Cx, from: usize, until: usize) -> PyResult {
        match self {
            Contents::Narrow(t) => Str::from_latin1(cx, &t[from..until]).map(Ref::into_obj),
            Contents::Wide(t) => cx.str_points(&t[from..until]),
        }
    }
    /// Characters up to the first of `ends` from a place on, and that.
    fn find(&self, from: usize, ends: &[u8]) -> Option<usize> {
        match self {
            Contents::Narrow(t) if ends.len() == 1 => memchr::memchr(ends[0], &t[from..]),
            Contents::Narrow(t) => t[from..].iter().position(|c| ends.contains(c)),
            Contents::Wide(t) => t[from..].iter().position(|c| ends.iter().any(|e| *c == u32::from(*e))),
        }
    }
    fn is(&self, at: usize, c: u8) -> bool {
        match self {
            Contents::Narrow(t) => t.get(at) == Some(&c),
            Contents::Wide(t) => t.get(at) == Some(&u32::from(c)),
        }
    }
}
/// A field without references.
pub struct Plain<T>(pub Guarded<T>);
impl<T> Trace for Plain<T> {
    fn trace(&self, _: Visit<'_>) {}
}

layout! {
    /// Text, position, and what becomes of line ends.
    pub struct StringIo = 216, "_io.StringIO" { text: Plain<Contents>, at: Cell<usize>, closed: Cell<bool>, translate: Cell<bool>, universal: Cell<bool>, write_end: Cell<u8>, read_end: Cell<u8>, mask: Cell<u8>, }
}

fn check(cx: &Cx, this: &Ref<StringIo>) -> PyResult<()> {
    if this.closed.get() { Err(cx.value_error("I/O operation on closed file")) } else { Ok(()) }
}

/// Line ends by number: 0 `\n`, 1 `\r`, 2 `\r\n`.
const ENDS: [&[u32]; 3] = [&[10], &[13], &[13, 10]];

fn set_newline(cx: &Cx, this: &Ref<StringIo>, newline: Option<&str>) -> PyResult<()> {
    this.universal.set(matches!(newline, None | Some("")));
    this.translate.set(newline.is_none());
    let end = match newline {
        None | Some("" | "\n") => 0,
        Some("\r") => 1,
        Some("\r\n") => 2,
        Some(other) => {
            return Err(cx.value_error(format!("illegal newline value: {}", retic_runtime::types::str::repr_points(&other.chars().map(u32::from).collect::<Vec<_>>(), false))));
        }
    };
    this.write_end.set(end);
    this.read_end.set(end);
    Ok(())
}

fn put(cx: &mut Cx, this: &Ref<StringIo>, s: &Ref<Str>) -> PyResult<()> {
    if s.is_empty() {
        return Ok(());
    }
    let plain = !this.universal.get() && !this.translate.get() && this.write_end.get() == 0;
    if plain || s.ascii_bytes().is_some_and(|a| memchr::memchr2(b'\n', b'\r', a).is_none()) {
        let at = this.at.get();
        protocol::check_size(cx, 1, at + s.len(), 4)?;
        this.text.0.get_mut(cx).write(at, s.chars());
        this.at.set(at + s.len());
        return Ok(());
    }
    let mut p = s.code_points();
    if this.universal.get() {
        this.mask.set(this.mask.get() | newline::seen(&p));
    }
    if this.translate.get() {
        p = newline::translated(&p);
    }
    if this.write_end.get() > 0 {
        let end = ENDS[this.write_end.get() as usize];
        p = p.into_iter().flat_map(|c| if c == 10 { end.to_vec() } else { vec![c] }).collect();
    }
    let at = this.at.get();
    protocol::check_size(cx, 1, at + p.len(), 4)?;
    let narrow: Option<Vec<u8>> = p.iter().map(|c| u8::try_from(*c).ok()).collect();
    this.text.0.get_mut(cx).write(at, narrow.as_deref().map_or(Chars::Four(&p), Chars::One));
    this.at.set(at + p.len());
    Ok(())
}

fn take(cx: &Cx, this: &Ref<StringIo>, n: Option<usize>) -> PyResult {
    let text = this.text.0.get(cx);
    let start = this.at.get().min(text.len());
    let end = n.map_or(text.len(), |n| text.len().min(start.saturating_add(n)));
    if end > start {
        this.at.set(end);
    }
    text.str(cx, start, end)
}

/// Characters of the line at the position.
fn line_len(cx: &Cx, this: &Ref<StringIo>) -> usize {
    let text = this.text.0.get(cx);
    let from = this.at.get().min(text.len());
    let all = text.len() - from;
    if this.universal.get() && !this.translate.get() {
        return text.find(from, b"\n\r").map_or(all, |i| if text.is(from + i, b'\r') && text.is(from + i + 1, b'\n') { i + 2 } else { i + 1 });
    }
    match this.read_end.get() {
        0 => text.find(from, b"\n").map_or(all, |i| i + 1),
        1 => text.find(from, b"\r").map_or(all, |i| i + 1),
        _ => {
            let mut at = from;
            while let Some(i) = text.find(at, b"\r") {
                at += i + 1;
                if text.is(at, b'\n') {
                    return at + 1 - from;
                }
            }
            all
        }
    }
}

#[retic_macros::methods]
impl StringIo {
    /// Read at most size characters, returned as a string.
    #[py("read($self, size=-1, /)")]
    fn read(cx: &mut Cx, this: &Ref<StringIo>, size: Option<&Obj>) -> PyResult {
        check(cx, this)?;
        let n = base::size_arg(cx, size)?;
        take(cx, this, n)
    }
    /// Read until newline or EOF.
    #[py("readline($self, size=-1, /)")]
    fn readline(cx: &mut Cx, this: &Ref<StringIo>, size: Option<&Obj>) -> PyResult {
        check(cx, this)?;
        let n = base::size_arg(cx, size)?.unwrap_or(usize::MAX);
        let l = line_len(cx, this);
        take(cx, this, Some(l.min(n)))
    }
    /// Write string to file.
    #[py("write($self, s, /)")]
    fn write(cx: &mut Cx, this: &Ref<StringIo>, s: &Obj) -> PyResult<usize> {
        check(cx, this)?;
        let t = base::text_arg(cx, s)?;
        put(cx, this, t)?;
        Ok(t.len())
    }
    /// Change stream position.
    #[py("seek($self, pos, whence=0, /)")]
    fn seek(cx: &mut Cx, this: &Ref<StringIo>, pos: &Obj, whence: i64) -> PyResult<i64> {
        check(cx, this)?;
        let pos = protocol::index_i64(cx, pos)?;
        if !(0..=2).contains(&whence) {
            return Err(cx.value_error(format!("Invalid whence ({whence}, should be 0, 1 or 2)")));
        }
        if whence == 0 && pos < 0 {
            return Err(cx.value_error(format!("Negative seek position {pos}")));
        }
        if whence != 0 && pos != 0 {
            return Err(cx.error_of(&cx.types.os_error, "Can't do nonzero cur-relative seeks"));
        }
        let to = match whence {
            0 => pos as usize,
            1 => this.at.get(),
            _ => this.text.0.get(cx).len(),
        };
        this.at.set(to);
        Ok(to as i64)
    }
    /// Tell the current file position.
    #[py("tell($self, /)")]
    fn tell(cx: &mut Cx, this: &Ref<StringIo>) -> PyResult<usize> {
        check(cx, this)?;
        Ok(this.at.get())
    }
    /// Truncate size to pos.
    #[py("truncate($self, pos=None, /)")]
    fn truncate(cx: &mut Cx, this: &Ref<StringIo>, pos: Option<&Obj>) -> PyResult<i64> {
        check(cx, this)?;
        let n = match pos.filter(|p| !p.is_none()) {
            Some(p) => protocol::index_i64(cx, p)?,
            None => this.at.get() as i64,
        };
        if n < 0 {
            return Err(cx.value_error(format!("Negative size value {n}")));
        }
        this.text.0.get_mut(cx).truncate(n as usize);
        Ok(n)
    }
    /// Retrieve the entire contents of the object.
    #[py("getvalue($self, /)")]
    fn getvalue(cx: &mut Cx, this: &Ref<StringIo>) -> PyResult {
        check(cx, this)?;
        let text = this.text.0.get(cx);
        text.str(cx, 0, text.len())
    }
    /// Close the IO object.
    #[py("close($self, /)")]
    fn close(cx: &mut Cx, this: &Ref<StringIo>) {
        this.closed.set(true);
        *this.text.0.get_mut(cx) = Contents::default();
    }
    #[py("readable($self, /)")]
    fn readable(cx: &mut Cx, this: &Ref<StringIo>) -> PyResult<bool> {
        check(cx, this).map(|()| true)
    }
    #[py("writable($self, /)")]
    fn writable(cx: &mut Cx, this: &Ref<StringIo>) -> PyResult<bool> {
        check(cx, this).map(|()| true)
    }
    #[py("seekable($self, /)")]
    fn seekable(cx: &mut Cx, this: &Ref<StringIo>) -> PyResult<bool> {
        check(cx, this).map(|()| true)
    }
    #[py("detach($self, /)")]
    fn detach(cx: &mut Cx, this: &Ref<StringIo>) -> PyResult {
        let _ = this;
        Err(unsupported(cx, "detach"))
    }
    #[get("closed")]
    fn closed_get(_cx: &mut Cx, this: &Ref<StringIo>) -> bool {
        this.closed.get()
    }
    #[get("line_buffering")]
    fn line_buffering(cx: &mut Cx, this: &Ref<StringIo>) -> PyResult<bool> {
        check(cx, this).map(|()| false)
    }
    #[py("__getstate__($self, /)")]
    fn getstate(cx: &mut Cx, this: &Ref<StringIo>) -> PyResult {
        check(cx, this)?;
        let text = StringIo::getvalue(cx, this)?;
        // What the constructor was given, as far as it matters.
        let newline = match (this.universal.get(), this.translate.get(), this.write_end.get()) {
            (_, true, _) => cx.none(),
            (true, ..) => cx.str("")?,
            (_, _, end) => cx.str(["\n", "\r", "\r\n"][end as usize])?,
        };
        let (at, attributes) = (cx.int(this.at.get() as i64)?, base::attributes(cx, this.as_obj())?);
        cx.tuple_of([text, newline, at, attributes])
    }
    #[py("__setstate__($self, state, /)")]
    fn setstate(cx: &mut Cx, this: &Ref<StringIo>, state: &Obj) -> PyResult<()> {
        check(cx, this)?;
        let parts = match state.cast::<retic_runtime::types::Tuple>() {
            Some(t) => t.items().to_vec(),
            None => Vec::new(),
        };
        let [text, newline, at, attributes] = &parts[..] else {
            return Err(cx.type_error(format!("{}.__setstate__ argument should be 4-tuple, got {}", this.as_obj().ty().name_text(), state.ty().name_text())));
        };
        let Some(text) = text.cast::<Str>() else { return Err(cx.type_error(format!("initial_value must be str or None, not {}", text.ty().name_text()))) };
        let newline = match newline.cast::<Str>() {
            _ if newline.is_none() => None,
            Some(s) => Some(s.to_text(cx)),
            None => return Err(cx.type_error(format!("newline must be str or None, not {}", newline.ty().name_text()))),
        };
        set_newline(cx, this, newline.as_deref())?;
        // The text has its line ends already.
        let kept = this.text.0.get_mut(cx);
        *kept = Contents::default();
        kept.write(0, text.chars());
        if at.cast::<retic_runtime::types::Int>().is_none() {
            return Err(cx.type_error(format!("third item of state must be an integer, got {}", at.ty().name_text())));
        }
        let at = protocol::index_i64(cx, at)?;
        if at < 0 {
            return Err(cx.value_error("position value cannot be negative"));
        }
        this.at.set(at as usize);
        base::set_attributes(cx, this.as_obj(), attributes, "fourth")
    }
    #[get("newlines")]
    fn newlines(cx: &mut Cx, this: &Ref<StringIo>) -> PyResult {
        check(cx, this)?;
        newline::shown(cx, this.mask.get())
    }
}

pub fn spec() -> Spec {
    Spec {
        doc: "Text I/O implementation using an in-memory buffer.",
        text_signature: "(initial_value='', newline='\\n')",
        flags: FLAGS,
        slots: Slots {
            new: Some(|cx, ty, _| {
                Ok(memory::new(cx, ty, |head| StringIo {
                    head,
                    text: Plain(Guarded::new(Contents::default())),
                    at: Cell::new(0),
                    closed: Cell::new(false),
                    translate: Cell::new(false),
                    universal: Cell::new(false),
                    write_end: Cell::new(0),
                    read_end: Cell::new(0),
                    mask: Cell::new(0),
                })?
                .into_obj())
            }),
            init: Some(|cx, o, args| {
                let Some(this) = o.cast::<StringIo>().cloned() else { return Ok(()) };
                let p = args.positional();
                let get = |cx: &Cx, i: usize, name: &str| p.get(i).or(args.keyword(cx, name)).cloned();
                let newline = match get(cx, 1, "newline") {
                    None => Some("\n".to_string()),
                    Some(n) if n.is_none() => None,
                    Some(n) => match n.cast::<Str>() {
                        Some(s) => Some(s.to_text(cx)),
                        None => return Err(cx.type_error(format!("newline must be str or None, not {}", n.ty().name_text()))),
                    },
                };
                set_newline(cx, &this, newline.as_deref())?;
                *this.text.0.get_mut(cx) = Contents::default();
                this.at.set(0);
                this.mask.set(0);
                if let Some(v) = get(cx, 0, "initial_value").filter(|v| !v.is_none()) {
                    let Some(t) = v.cast::<Str>() else { return Err(cx.type_error(format!("initial_value must be str or None, not {}", v.ty().name_text()))) };
                    put(cx, &this, t)?;
                    this.at.set(0);
                }
                Ok(())
            }),
            next: Some(|cx, o| {
                let Some(this) = o.cast::<StringIo>().cloned() else { return Ok(None) };
                if o.ty().is_heap() {
                    return base::next_line(cx, o);
                }
                check(cx, &this)?;
                match line_len(cx, &this) {
                    0 => Ok(None),
                    n => take(cx, &this, Some(n)).map(Some),
                }
            }),
            del: Some(base::finalize_class),
            ..Slots::EMPTY
        },
        methods: StringIo::METHODS,
        getset: StringIo::GETSET,
        ..Spec::new::<StringIo>("_io.StringIO")
    }
}
