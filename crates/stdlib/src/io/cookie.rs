//! Places in text streams whose decoder is not built in: what `tell` gives and `seek` takes.

use retic_runtime::types::{Bytes, Str};
use retic_runtime::{Cx, Obj, PyResult, protocol};

/// What an incremental decoder holds back, and its flags.
pub fn state_of(cx: &mut Cx, decoder: &Obj) -> PyResult<(Vec<u8>, Obj)> {
    let state = protocol::call_method(cx, decoder, "getstate", &[])?;
    let illegal = |cx: &Cx| cx.type_error("illegal decoder state");
    let Some(t) = state.cast::<retic_runtime::types::Tuple>() else { return Err(illegal(cx)) };
    let [held, flags] = t.items() else { return Err(illegal(cx)) };
    match (held.cast::<Bytes>(), retic_runtime::types::int::to_big(flags)) {
        (Some(b), Some(_)) => Ok((b.bytes().to_vec(), flags.clone())),
        (None, _) => Err(cx.type_error(format!("illegal decoder state: the first item should be a bytes object, not '{}'", held.ty().name_text()))),
        _ => Err(illegal(cx)),
    }
}
/// Puts an incremental decoder into a state in which it holds nothing back.
pub fn set_state(cx: &mut Cx, decoder: &Obj, flags: &Obj) -> PyResult<()> {
    let nothing = Bytes::from_slice(cx, b"")?;
    let state = cx.tuple_of([nothing, flags.clone()])?;
    protocol::call_method(cx, decoder, "setstate", &[state]).map(drop)
}
/// How many characters a decoder makes of bytes.
fn count_decoded(cx: &mut Cx, decoder: &Obj, bytes: &[u8], end: bool) -> PyResult<usize> {
    let data = Bytes::from_slice(cx, bytes)?;
    let args = if end { vec![data, cx.bool(true)] } else { vec![data] };
    let text = protocol::call_method(cx, decoder, "decode", &args)?;
    match text.cast::<Str>() {
        Some(s) => Ok(s.len()),
        None => Err(cx.type_error(format!("decoder should return a string result, not '{}'", text.ty().name_text()))),
    }
}

/// A place in a text stream, as `tell` packs it into a number: position of the stream below, the decoder's flags there, bytes
/// that it is fed from there, whether that is the end, characters to be skipped then.
pub struct Cookie {
    pub position: i64,
    pub flags: i64,
    pub feed: i64,
    pub skip: i64,
    pub end: bool,
}

impl Cookie {
    fn pack(&self, cx: &Cx) -> PyResult {
        if self.flags == 0 && self.feed == 0 && self.skip == 0 && !self.end {
            return cx.int(self.position);
        }
        let mut bytes = [0; 21];
        bytes[..8].copy_from_slice(&self.position.to_le_bytes());
        bytes[8..12].copy_from_slice(&(self.flags as u32).to_le_bytes());
        bytes[12..16].copy_from_slice(&(self.feed as u32).to_le_bytes());
        bytes[16..20].copy_from_slice(&(self.skip as u32).to_le_bytes());
        bytes[20] = u8::from(self.end);
        retic_runtime::types::int::from_big(cx, &retic_numbers::Big::from_bytes_le(&bytes, false))
    }
    pub fn unpack(cx: &Cx, cookie: &Obj) -> PyResult<Cookie> {
        let Some(big) = retic_runtime::types::int::to_big(cookie) else {
            return Err(cx.type_error(format!("'{}' object cannot be interpreted as an integer", cookie.ty().name_text())));
        };
        if big.is_negative() {
            return Err(cx.value_error(format!("negative seek position {}", big.to_text(10))));
        }
        let Some(bytes) = big.to_bytes_le(21, false) else { return Err(cx.overflow_error("int too big to convert")) };
        let word = |i: usize| i64::from(u32::from_le_bytes([bytes[i], bytes[i + 1], bytes[i + 2], bytes[i + 3]]));
        let low = word(0) | word(4) << 32;
        Ok(Cookie { position: low, flags: word(8), feed: word(12), skip: word(16), end: bytes[20] != 0 })
    }
}

/// The place behind `used` of the `characters` that a decoder made of a chunk, which begins at `position` below, the decoder having
/// had `flags` there. It goes over the chunk once more, in large steps first, to the last place at which it held nothing back.
pub fn find(cx: &mut Cx, decoder: &Obj, flags: &Obj, chunk: &[u8], position: i64, used: usize, characters: usize) -> PyResult {
    let mut cookie = Cookie { position, flags: protocol::index_i64(cx, flags)?, feed: 0, skip: 0, end: false };
    let mut skip = used;
    if skip == 0 {
        return cookie.pack(cx);
    }
    let saved = protocol::call_method(cx, decoder, "getstate", &[])?;
    let found = (|| {
        let mut at = (skip * chunk.len() / characters.max(1)).min(chunk.len());
        let mut back = 1;
        let mut start = 0;
        while at > 0 {
            set_state(cx, decoder, flags)?;
            let n = count_decoded(cx, decoder, &chunk[..at], false)?;
            if n <= skip {
                let (held, there) = state_of(cx, decoder)?;
                if held.is_empty() {
                    cookie.flags = protocol::index_i64(cx, &there)?;
                    skip -= n;
                    start = at;
                    break;
                }
                at = at.saturating_sub(held.len());
                back = 1;
            } else {
                at = at.saturating_sub(back);
                back *= 2;
            }
            cx.poll_native()?;
        }
        if start == 0 {
            set_state(cx, decoder, flags)?;
        }
        cookie.position += start as i64;
        cookie.skip = skip as i64;
        if skip == 0 {
            return Ok(());
        }
        let (mut fed, mut made) = (0, 0);
        for byte in &chunk[start..] {
            fed += 1;
            made += count_decoded(cx, decoder, std::slice::from_ref(byte), false)?;
            let (held, there) = state_of(cx, decoder)?;
            if held.is_empty() && made <= skip {
                cookie.position += fed;
                skip -= made;
                (cookie.flags, cookie.feed, cookie.skip) = (protocol::index_i64(cx, &there)?, 0, skip as i64);
                (fed, made) = (0, 0);
            }
            if made >= skip {
                break;
            }
            cx.poll_native()?;
        }
        if made < skip {
            made += count_decoded(cx, decoder, b"", true)?;
            cookie.end = true;
            if made < skip {
                return Err(cx.error_of(&cx.types.os_error, "can't reconstruct logical file position"));
            }
        }
        cookie.feed = fed;
        Ok(())
    })();
    let kept = if found.is_err() { cx.take_error() } else { None };
    protocol::call_method(cx, decoder, "setstate", &[saved])?;
    match (found, kept) {
        (Err(_), Some(e)) => Err(cx.raise(e)),
        _ => cookie.pack(cx),
    }
}
