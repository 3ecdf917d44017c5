//! `IncrementalNewlineDecoder`, and the translation of line ends that streams share.

use retic_runtime::object::Guarded;
use retic_runtime::types::type_::flags;
use retic_runtime::types::{Bytes, Slots, Spec, Str};
use retic_runtime::{Cx, Obj, PyResult, Ref, layout, memory, protocol};
use std::cell::Cell;

/// Kinds of line ends seen: bits of `newlines`.
pub const CR: u8 = 1;
pub const LF: u8 = 2;
pub const CRLF: u8 = 4;

/// Notes which line ends are in a text.
pub fn seen(points: &[u32]) -> u8 {
    let mut mask = 0;
    for (i, c) in points.iter().enumerate() {
        match c {
            10 if i > 0 && points[i - 1] == 13 => mask |= CRLF,
            10 => mask |= LF,
            13 if points.get(i + 1) != Some(&10) => mask |= CR,
            _ => {}
        }
    }
    mask
}
/// All line ends as `\n`.
pub fn translated(points: &[u32]) -> Vec<u32> {
    let mut out = Vec::with_capacity(points.len());
    for (i, c) in points.iter().enumerate() {
        match c {
            13 => out.push(10),
            10 if i > 0 && points[i - 1] == 13 => {}
            c => out.push(*c),
        }
    }
    out
}
/// What the attribute `newlines` shows.
pub fn shown(cx: &Cx, mask: u8) -> PyResult {
    let kinds: Vec<&str> = [(CR, "\r"), (LF, "\n"), (CRLF, "\r\n")].iter().filter(|k| mask & k.0 != 0).map(|k| k.1).collect();
    match kinds[..] {
        [] => Ok(cx.none()),
        [one] => cx.str(one),
        _ => {
            let items = kinds.iter().map(|k| cx.str(k)).collect::<PyResult<Vec<_>>>()?;
            cx.tuple(items)
        }
    }
}

layout! {
    /// Codec used when reading a file in universal newlines mode.
    pub struct NewlineDecoder = 215, "_io.IncrementalNewlineDecoder" { decoder: Guarded<Option<Obj>>, translate: Cell<bool>, pending: Cell<bool>, mask: Cell<u8>, ready: Cell<bool>, }
}

#[retic_macros::methods]
impl NewlineDecoder {
    #[py("decode($self, /, input, final=False)")]
    fn decode(cx: &mut Cx, this: &Ref<NewlineDecoder>, input: &Obj, r#final: bool) -> PyResult {
        ready(cx, this)?;
        let text = match this.decoder.cloned(cx) {
            Some(d) => {
                let last = cx.bool(r#final);
                protocol::call_method(cx, &d, "decode", &[input.clone(), last])?
            }
            None => input.clone(),
        };
        let Some(s) = text.cast::<Str>() else { return Err(cx.type_error(format!("decoder should return a string result, not '{}'", text.ty().name_text()))) };
        let mut points = s.code_points();
        if this.pending.get() && (!points.is_empty() || r#final) {
            points.insert(0, 13);
            this.pending.set(false);
        }
        // A carriage return at the end may be half of a line end.
        if points.last() == Some(&13) && !r#final {
            points.pop();
            this.pending.set(true);
        }
        this.mask.set(this.mask.get() | seen(&points));
        if this.translate.get() {
            points = translated(&points);
        }
        cx.str_points(&points)
    }
    #[py("getstate($self, /)")]
    fn getstate(cx: &mut Cx, this: &Ref<NewlineDecoder>) -> PyResult {
        ready(cx, this)?;
        let (buffer, flag) = match this.decoder.cloned(cx) {
            Some(d) => {
                let s = protocol::call_method(cx, &d, "getstate", &[])?;
                let parts = protocol::collect(cx, &s)?;
                let [b, f] = &parts[..] else { return Err(cx.type_error("illegal decoder state")) };
                (b.clone(), protocol::index_i64(cx, f)?)
            }
            None => (Bytes::from_slice(cx, b"")?, 0),
        };
        let flag = cx.int(flag << 1 | i64::from(this.pending.get()))?;
        cx.tuple_of([buffer, flag])
    }
    #[py("setstate($self, state, /)")]
    fn setstate(cx: &mut Cx, this: &Ref<NewlineDecoder>, state: &Obj) -> PyResult<()> {
        ready(cx, this)?;
        let parts = match state.cast::<retic_runtime::types::Tuple>() {
            Some(t) => t.items().to_vec(),
            None => return Err(cx.type_error("state argument must be a tuple")),
        };
        let [b, f] = &parts[..] else { return Err(cx.type_error("illegal decoder state")) };
        let flag = protocol::index_i64(cx, f)?;
        this.pending.set(flag & 1 != 0);
        if let Some(d) = this.decoder.cloned(cx) {
            let f = cx.int(flag >> 1)?;
            let s = cx.tuple_of([b.clone(), f])?;
            protocol::call_method(cx, &d, "setstate", &[s])?;
        }
        Ok(())
    }
    #[py("reset($self, /)")]
    fn reset(cx: &mut Cx, this: &Ref<NewlineDecoder>) -> PyResult<()> {
        ready(cx, this)?;
        this.pending.set(false);
        this.mask.set(0);
        match this.decoder.cloned(cx) {
            Some(d) => protocol::call_method(cx, &d, "reset", &[]).map(drop),
            None => Ok(()),
        }
    }
    #[get("newlines")]
    fn newlines(cx: &mut Cx, this: &Ref<NewlineDecoder>) -> PyResult {
        shown(cx, this.mask.get())
    }
}

fn empty(head: retic_runtime::object::Header) -> NewlineDecoder {
    NewlineDecoder { head, decoder: Guarded::new(None), translate: Cell::new(false), pending: Cell::new(false), mask: Cell::new(0), ready: Cell::new(false) }
}

/// A decoder around another.
pub fn around(cx: &mut Cx, decoder: Obj, translate: bool) -> PyResult {
    let ty = cx.native_type("_io.IncrementalNewlineDecoder");
    let d = memory::new(cx, &ty, empty)?;
    d.decoder.set(cx, Some(decoder));
    d.translate.set(translate);
    d.ready.set(true);
    Ok(d.into_obj())
}

/// The kinds of line ends that a decoder of this type has seen.
pub fn seen_by(decoder: &Obj) -> Option<u8> {
    decoder.cast::<NewlineDecoder>().map(|d| d.mask.get())
}

fn ready(cx: &Cx, this: &Ref<NewlineDecoder>) -> PyResult<()> {
    if this.ready.get() { Ok(()) } else { Err(cx.value_error("IncrementalNewlineDecoder.__init__() not called")) }
}

pub fn spec() -> Spec {
    Spec {
        doc: "Codec used when reading a file in universal newlines mode.",
        text_signature: "(decoder, translate, errors='strict')",
        flags: flags::GC | flags::BASE,
        slots: Slots {
            new: Some(|cx, ty, _| Ok(memory::new(cx, ty, empty)?.into_obj())),
            init: Some(|cx, o, args| {
                let Some(this) = o.cast::<NewlineDecoder>().cloned() else { return Ok(()) };
                let p = args.positional();
                let get = |cx: &Cx, i: usize, name: &str| p.get(i).or(args.keyword(cx, name)).cloned();
                let (Some(d), Some(t)) = (get(cx, 0, "decoder"), get(cx, 1, "translate")) else {
                    return Err(cx.type_error("IncrementalNewlineDecoder() missing required arguments"));
                };
                let translate = protocol::truth(cx, &t)?;
                this.decoder.set(cx, Some(d).filter(|d| !d.is_none()));
                this.translate.set(translate);
                this.pending.set(false);
                this.mask.set(0);
                this.ready.set(true);
                Ok(())
            }),
            ..Slots::EMPTY
        },
        methods: NewlineDecoder::METHODS,
        getset: NewlineDecoder::GETSET,
        ..Spec::new::<NewlineDecoder>("_io.IncrementalNewlineDecoder")
    }
}
