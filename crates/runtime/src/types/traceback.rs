//! Tracebacks, and the text of an uncaught exception.

use super::frame::{FrameObj, frame_object};
use super::type_::flags;
use super::{Exception, Slots, Spec};
use crate::cx::{Cx, PyResult};
use crate::eval::Frame;
use crate::layout;
use crate::memory;
use crate::object::{Guarded, Obj, Ref};
use crate::protocol;
use std::cell::Cell;

layout! {
    /// One entry of a traceback.
    pub struct Traceback = 39, "traceback" { frame: Guarded<Obj>, next: Guarded<Option<Obj>>, offset: Cell<u32>, line: Cell<u32>, }
}
/// Of a line that nobody asked for yet: it is found by the offset then.
const UNASKED: u32 = u32::MAX;

impl Traceback {
    fn line_now(&self, cx: &Cx) -> u32 {
        if self.line.get() == UNASKED {
            let line = self.frame.get(cx).cast::<FrameObj>().map_or(0, |f| f.code.get(cx).line_at(self.offset.get()));
            self.line.set(line);
        }
        self.line.get()
    }
}

/// Adds an entry for a frame an exception passes.
pub(crate) fn add(cx: &mut Cx, exc: &Obj, frame: *const Frame) {
    let Some(e) = exc.cast::<Exception>() else { return };
    if cx.reraised.replace(0) == exc.address() {
        return;
    }
    // SAFETY: the frame is live.
    let offset = unsafe { &*frame }.offset();
    let Ok(fo) = frame_object(cx, frame.cast_mut()) else {
        cx.clear_error();
        return;
    };
    let next = e.traceback.cloned(cx);
    match memory::new(cx, &cx.types.traceback, |head| Traceback { head, frame: Guarded::new(fo), next: Guarded::new(next), offset: Cell::new(offset), line: Cell::new(UNASKED) }) {
        Ok(t) => e.traceback.set(cx, Some(t.into_obj())),
        Err(_) => cx.clear_error(),
    }
}

/// The entry of a frame that an exception leaves by an instruction which belongs to no line of its own.
pub(crate) fn first_place(cx: &Cx, exc: &Obj, frame: &Frame) -> Option<Obj> {
    if retic_bytecode::lines::reraised_at(&frame.function().code.get(cx).code(), frame.offset()) != Some(0) {
        return None;
    }
    exc.cast::<Exception>()?.traceback.cloned(cx).filter(|t| t.cast::<Traceback>().is_some())
}

/// The frame of an entry is over: it is where the entry says.
pub(crate) fn back_to_place(cx: &Cx, entry: &Obj) {
    if let Some(t) = entry.cast::<Traceback>()
        && let Some(f) = t.frame.get(cx).cast::<FrameObj>()
    {
        f.left_at(t.offset.get());
    }
}

/// Notes that RERAISE raises this exception: its frame already has an entry.
pub fn reraising(cx: &Cx, exc: &Obj) {
    cx.reraised.set(exc.address());
}

/// File and function name of a traceback entry.
pub fn place(cx: &Cx, t: &Obj) -> Option<(std::rc::Rc<str>, std::rc::Rc<str>)> {
    let t = t.cast::<Traceback>()?;
    let f = t.frame.get(cx).cast::<FrameObj>()?.clone();
    let code = f.code.get(cx).code();
    Some((code.filename.clone(), code.name.clone()))
}

/// The traceback of an exception, or None.
pub fn of(cx: &Cx, exc: &Obj) -> Obj {
    exc.cast::<Exception>().and_then(|e| e.traceback.cloned(cx)).unwrap_or_else(|| cx.none())
}

/// The short text for an exception, chained causes first: that of CPython's C code, without carets.
pub fn format_exception(cx: &mut Cx, exc: &Obj) -> String {
    let mut chain = vec![exc.clone()];
    let mut at = exc.clone();
    while let Some(e) = at.cast::<Exception>().cloned() {
        let next = match (e.cause.cloned(cx), e.context.cloned(cx)) {
            (Some(c), _) => c,
            (None, Some(c)) if !e.suppress_context.get() => c,
            _ => break,
        };
        if chain.iter().any(|o| o.is(&next)) {
            break;
        }
        chain.push(next.clone());
        at = next;
    }
    let mut out = String::new();
    for e in chain.into_iter().rev() {
        let text = one(cx, &e);
        out.push_str(&text);
        if !e.is(exc) {
            // The sentence stands between this exception and the one it led to.
            out.push_str(following(cx, exc, &e));
        }
    }
    out
}

fn following(cx: &Cx, top: &Obj, of: &Obj) -> &'static str {
    let mut at = top.clone();
    loop {
        let Some(e) = at.cast::<Exception>().cloned() else { return "" };
        if e.cause.get(cx).as_ref().is_some_and(|c| c.is(of)) {
            return "\nThe above exception was the direct cause of the following exception:\n\n";
        }
        if e.context.get(cx).as_ref().is_some_and(|c| c.is(of)) {
            return "\nDuring handling of the above exception, another exception occurred:\n\n";
        }
        let Some(next) = e.cause.cloned(cx).or_else(|| e.context.cloned(cx)) else { return "" };
        at = next;
    }
}

fn one(cx: &mut Cx, exc: &Obj) -> String {
    let mut out = String::new();
    let mut at = exc.cast::<Exception>().and_then(|e| e.traceback.cloned(cx));
    if at.is_some() {
        out.push_str("Traceback (most recent call last):\n");
    }
    let mut last: Option<(String, usize)> = None;
    while let Some(t) = at.and_then(|t| t.cast::<Traceback>().cloned()) {
        let frame = t.frame.cloned(cx);
        if let Some(f) = frame.cast::<FrameObj>() {
            let code = f.code.cloned(cx);
            let c = code.code().clone();
            let mut entry = format!("  File \"{}\", line {}, in {}\n", c.filename, t.line_now(cx), c.name);
            if let Some(bytes) = source_bytes(cx, &c.filename)
                && let Some(line) = String::from_utf8_lossy(&bytes).lines().nth(t.line_now(cx).saturating_sub(1) as usize)
            {
                entry.push_str(&format!("    {}\n", line.trim()));
            }
            match &mut last {
                Some((text, n)) if *text == entry => {
                    *n += 1;
                    if *n <= 3 {
                        out.push_str(&entry);
                    }
                }
                _ => {
                    fold(&mut out, &last);
                    out.push_str(&entry);
                    last = Some((entry, 1));
                }
            }
        }
        at = t.next.cloned(cx);
    }
    fold(&mut out, &last);
    if let Some(text) = syntax_error(cx, exc) {
        out.push_str(&text);
        return out;
    }
    let name = super::type_::full_name(cx, &exc.type_ref());
    let text = protocol::str_text(cx, exc).unwrap_or_else(|_| {
        cx.clear_error();
        "<exception str() failed>".into()
    });
    if text.is_empty() {
        out.push_str(&format!("{name}\n"))
    } else {
        out.push_str(&format!("{name}: {text}\n"))
    }
    for n in super::exception::notes(cx, exc) {
        if let Ok(t) = protocol::str_text(cx, &n) {
            out.push_str(&t);
            out.push('\n');
        }
    }
    out
}

/// The source a file name stands for: of the packed library, or on disk.
pub fn source_bytes(cx: &mut Cx, filename: &str) -> Option<Vec<u8>> {
    if filename.starts_with(crate::modules::sys::info::LIBRARY) {
        return cx.library.and_then(|f| f(filename)).map(|e| (e.source)(filename));
    }
    if filename.starts_with('<') { None } else { cx.host.read_file(filename).ok() }
}

/// File, line, text and carets of a SyntaxError that knows its place.
fn syntax_error(cx: &mut Cx, exc: &Obj) -> Option<String> {
    if !exc.ty().is_subtype(cx, &cx.types.syntax_error) {
        return None;
    }
    let args = exc.cast::<Exception>()?.args.cloned(cx);
    let args = args.cast::<super::Tuple>()?.items().to_vec();
    let [message, details] = &args[..] else { return None };
    let d = details.cast::<super::Tuple>()?.items().to_vec();
    let text = |cx: &Cx, o: &Obj| o.cast::<super::Str>().map(|s| s.to_text(cx));
    let number = |o: Option<&Obj>| o.and_then(super::int::to_i64);
    let file = text(cx, d.first()?)?;
    let line = number(d.get(1))?;
    let mut out = format!("  File \"{file}\", line {line}\n");
    if let Some(source) = d.get(3).and_then(|t| text(cx, t)) {
        let source = source.trim_end_matches('\n');
        let shown = source.trim_start();
        let indent = source.chars().count() - shown.chars().count();
        out.push_str(&format!("    {}\n", shown.trim_end()));
        if let Some(start) = number(d.get(2)).filter(|s| *s > 0) {
            let width = shown.trim_end().chars().count().max(1);
            let from = (start as usize - 1).saturating_sub(indent).min(width);
            let end = number(d.get(5)).filter(|_| number(d.get(4)) == Some(line)).map_or(width, |e| (e.max(1) as usize - 1).saturating_sub(indent));
            let end = end.clamp(from + 1, width.max(from + 1));
            out.push_str(&format!("    {}{}\n", " ".repeat(from), "^".repeat(end - from)));
        }
    }
    let name = exc.ty().short_name();
    let message = text(cx, message).unwrap_or_default();
    out.push_str(&format!("{name}: {message}\n"));
    Some(out)
}

fn fold(out: &mut String, last: &Option<(String, usize)>) {
    if let Some((_, n)) = last
        && *n > 3
    {
        let more = n - 3;
        out.push_str(&format!("  [Previous line repeated {more} more time{}]\n", if more == 1 { "" } else { "s" }));
    }
}

#[retic_macros::methods]
impl Traceback {
    #[py("__dir__($self, /)")]
    fn dir(cx: &mut Cx, _this: &Ref<Traceback>) -> PyResult {
        let names = ["tb_frame", "tb_next", "tb_lasti", "tb_lineno"].map(|n| cx.name(n).into_obj());
        cx.list(names.into())
    }
    #[get("tb_next")]
    #[settable("")]
    fn next_get(cx: &mut Cx, this: &Ref<Traceback>) -> Option<Obj> {
        this.next.cloned(cx)
    }
    #[member("tb_frame")]
    fn frame_get(cx: &mut Cx, this: &Ref<Traceback>) -> Obj {
        this.frame.cloned(cx)
    }
    #[get("tb_lineno")]
    fn lineno(cx: &mut Cx, this: &Ref<Traceback>) -> i64 {
        i64::from(this.line_now(cx))
    }
    #[member("tb_lasti")]
    fn lasti(_cx: &mut Cx, this: &Ref<Traceback>) -> i64 {
        i64::from(this.offset.get())
    }
}

impl Traceback {
    /// Refuses what would close a ring.
    fn set_next_get(cx: &mut Cx, this: &Ref<Traceback>, value: Option<&Obj>) -> PyResult<()> {
        let next = match value {
            None => return Err(cx.type_error("can't delete tb_next attribute")),
            Some(v) if v.is_none() => None,
            Some(v) => Some(v.clone()),
        };
        let mut at = next.clone();
        while let Some(o) = at {
            let Some(t) = o.cast::<Traceback>() else {
                return Err(cx.type_error(format!("expected traceback object, got '{}'", o.ty().name_text())));
            };
            if o.is(this.as_obj()) {
                return Err(cx.value_error("traceback loop detected"));
            }
            at = t.next.cloned(cx);
        }
        this.next.set(cx, next);
        Ok(())
    }
}

/// `types.TracebackType(tb_next, tb_frame, tb_lasti, tb_lineno)`.
fn construct(cx: &mut Cx, _ty: &Ref<super::Type>, args: crate::native::Args<'_>) -> PyResult {
    let mut given = Vec::new();
    for (i, name) in ["tb_next", "tb_frame", "tb_lasti", "tb_lineno"].into_iter().enumerate() {
        let Some(o) = args.positional().get(i).or(args.keyword(cx, name)).cloned() else {
            return Err(cx.type_error(format!("traceback() missing required argument '{name}' (pos {})", i + 1)));
        };
        given.push(o);
    }
    let frame = given[1].clone();
    if frame.cast::<FrameObj>().is_none() {
        return Err(cx.type_error(format!("traceback() argument 'tb_frame' must be frame, not {}", frame.ty().name_text())));
    }
    let offset = crate::protocol::index_i64(cx, &given[2])? as u32;
    let line = crate::protocol::index_i64(cx, &given[3])? as u32;
    let t =
        memory::new(cx, &cx.types.traceback, |head| Traceback { head, frame: Guarded::new(frame), next: Guarded::new(None), offset: Cell::new(offset), line: Cell::new(line) })?;
    Traceback::set_next_get(cx, &t, Some(&given[0]))?;
    Ok(t.into_obj())
}

pub fn spec() -> Spec {
    Spec {
        doc: "Create a new traceback object.",
        text_signature: "(tb_next, tb_frame, tb_lasti, tb_lineno)",
        flags: flags::GC,
        slots: Slots { new: Some(construct), ..Slots::EMPTY },
        methods: Traceback::METHODS,
        getset: Traceback::GETSET,
        ..Spec::new::<Traceback>("traceback")
    }
}
