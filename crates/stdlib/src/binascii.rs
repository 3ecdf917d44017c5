//! `binascii`: bytes as hexadecimal, base64, quoted-printable text; checksums.

use retic_runtime::types::{Bytes, Str, module};
use retic_runtime::{Cx, Obj, PyResult, Raised, Ref, protocol};

fn error(cx: &Cx, text: impl AsRef<str>) -> Raised {
    let class = cx.native_type("binascii.Error");
    cx.error_of(&class, text)
}
/// Bytes, or ASCII text.
fn ascii_or_bytes(cx: &mut Cx, o: &Obj) -> PyResult<Vec<u8>> {
    match o.cast::<Str>() {
        Some(s) => match s.ascii_bytes() {
            Some(a) => Ok(a.to_vec()),
            None => Err(cx.value_error("string argument should contain only ASCII characters")),
        },
        None if protocol::buffer::exports(cx, o) => protocol::buffer::bytes(cx, o),
        None => Err(cx.type_error(format!("argument should be bytes, buffer or ASCII string, not '{}'", o.ty().name_text()))),
    }
}
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// No character of base64.
const NONE: u8 = 0xff;
/// What each character of base64 means.
const MEANINGS: [u8; 256] = {
    let mut table = [NONE; 256];
    let mut i = 0;
    while i < 64 {
        table[BASE64[i] as usize] = i as u8;
        i += 1;
    }
    table
};
/// The bytes of whole quads at the beginning of `text`, as long as nothing else is in it; how much of it that was.
fn quads(text: &[u8], out: &mut Vec<u8>) -> usize {
    let mut done = 0;
    for q in text.chunks_exact(4) {
        let [a, b, c, d] = [q[0], q[1], q[2], q[3]].map(|c| MEANINGS[usize::from(c)]);
        if a | b | c | d == NONE {
            break;
        }
        out.extend_from_slice(&[a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d]);
        done += 4;
    }
    done
}

#[retic_macros::methods]
mod functions {
    //! Conversion between binary data and ASCII
    use super::*;

    /// Hexadecimal representation of binary data.
    #[py("hexlify(data, sep=<unrepresentable>, bytes_per_sep=1)")]
    pub fn hexlify(cx: &mut Cx, data: &Obj, sep: Option<&Obj>, bytes_per_sep: i64) -> PyResult {
        if sep.is_none() && protocol::buffer::exports(cx, data) {
            return protocol::buffer::look(cx, data, |cx, b| Bytes::from_slice(cx, &retic_runtime::types::bytes::hex_digits(cx, b)?));
        }
        let m = retic_runtime::types::memoryview::of(cx, data)?;
        let mut args = Vec::new();
        if let Some(s) = sep {
            args.push(s.clone());
            args.push(cx.int(bytes_per_sep)?);
        }
        let t = protocol::call_method(cx, &m, "hex", &args)?;
        let text = protocol::str_text(cx, &t)?;
        Bytes::from_slice(cx, text.as_bytes())
    }
    /// Hexadecimal representation of binary data.
    #[py("b2a_hex(data, sep=<unrepresentable>, bytes_per_sep=1)")]
    pub fn b2a_hex(cx: &mut Cx, data: &Obj, sep: Option<&Obj>, bytes_per_sep: i64) -> PyResult {
        hexlify(cx, data, sep, bytes_per_sep)
    }
    /// Binary data of hexadecimal representation.
    #[py("unhexlify(hexstr, /)")]
    pub fn unhexlify(cx: &mut Cx, hexstr: &Obj) -> PyResult {
        let t = ascii_or_bytes(cx, hexstr)?;
        if t.len() % 2 != 0 {
            return Err(error(cx, "Odd-length string"));
        }
        // What a byte stands for; more than fifteen where it is no digit.
        let digits: [u8; 256] = std::array::from_fn(|c| (c as u8 as char).to_digit(16).map_or(0xff, |d| d as u8));
        let mut out = Vec::with_capacity(t.len() / 2);
        for p in t.chunks_exact(2) {
            let (h, l) = (digits[p[0] as usize], digits[p[1] as usize]);
            if h | l > 15 {
                return Err(error(cx, "Non-hexadecimal digit found"));
            }
            out.push(h << 4 | l);
        }
        Bytes::from_slice(cx, &out)
    }
    /// Binary data of hexadecimal representation.
    #[py("a2b_hex(hexstr, /)")]
    pub fn a2b_hex(cx: &mut Cx, hexstr: &Obj) -> PyResult {
        unhexlify(cx, hexstr)
    }
    /// Base64-code line of data.
    #[py("b2a_base64(data, /, *, newline=True)")]
    pub fn b2a_base64(cx: &mut Cx, data: &Obj, newline: bool) -> PyResult {
        let d = protocol::buffer::held(cx, data)?;
        protocol::check_size(cx, d.len(), 2, 1)?;
        let mut out = Vec::with_capacity(d.len() / 3 * 4 + 5);
        let whole = d.chunks_exact(3);
        let rest = whole.remainder();
        for c in whole {
            let n = u32::from(c[0]) << 16 | u32::from(c[1]) << 8 | u32::from(c[2]);
            out.extend_from_slice(&[18, 12, 6, 0].map(|shift| BASE64[(n >> shift & 63) as usize]));
        }
        for c in rest.chunks(3) {
            let n = u32::from(c[0]) << 16 | u32::from(*c.get(1).unwrap_or(&0)) << 8;
            for (i, shift) in [18, 12, 6, 0].into_iter().enumerate() {
                out.push(if i <= c.len() { BASE64[(n >> shift & 63) as usize] } else { b'=' });
            }
        }
        if newline {
            out.push(b'\n');
        }
        Bytes::from_slice(cx, &out)
    }
    /// Decode a line of base64 data.
    #[py("a2b_base64(data, /, *, strict_mode=False)")]
    pub fn a2b_base64(cx: &mut Cx, data: &Obj, strict_mode: bool) -> PyResult {
        let t = ascii_or_bytes(cx, data)?;
        if strict_mode && t.first() == Some(&b'=') {
            return Err(error(cx, "Leading padding not allowed"));
        }
        let mut out = Vec::with_capacity(t.len() / 4 * 3);
        let (mut acc, mut quad, mut pads) = (0u32, 0, 0);
        let mut i = 0;
        while let Some(c) = t.get(i) {
            if quad == 0 && pads == 0 {
                let done = quads(&t[i..], &mut out);
                i += done;
                if done > 0 {
                    continue;
                }
            }
            i += 1;
            if *c == b'=' {
                pads += 1;
                if quad >= 2 && quad + pads >= 4 {
                    if strict_mode && i < t.len() {
                        return Err(error(cx, "Excess data after padding"));
                    }
                    return Bytes::from_slice(cx, &out);
                }
                if strict_mode && quad == 0 {
                    return Err(error(cx, "Excess padding not allowed"));
                }
                continue;
            }
            let Some(v) = Some(MEANINGS[usize::from(*c)]).filter(|v| *v != NONE) else {
                if strict_mode {
                    return Err(error(cx, "Only base64 data is allowed"));
                }
                continue;
            };
            if strict_mode && pads > 0 {
                return Err(error(cx, "Discontinuous padding not allowed"));
            }
            pads = 0;
            acc = acc << 6 | u32::from(v);
            quad += 1;
            match quad {
                2 => out.push((acc >> 4) as u8),
                3 => out.push((acc >> 2) as u8),
                4 => {
                    out.push(acc as u8);
                    quad = 0;
                    acc = 0;
                }
                _ => {}
            }
        }
        match quad {
            0 => Bytes::from_slice(cx, &out),
            1 => {
                let n = out.len() / 3 * 4 + 1;
                Err(error(cx, format!("Invalid base64-encoded string: number of data characters ({n}) cannot be 1 more than a multiple of 4")))
            }
            _ => Err(error(cx, "Incorrect padding")),
        }
    }
    /// Compute CRC-32 incrementally.
    #[py("crc32(data, crc=0, /)")]
    pub fn crc32(cx: &mut Cx, data: &Obj, crc: i64) -> PyResult<i64> {
        let d = protocol::buffer::held(cx, data)?;
        Ok(i64::from(zlib_rs::crc32::crc32(crc as u32, &d)))
    }
    /// Compute CRC-CCITT incrementally.
    #[py("crc_hqx(data, crc, /)")]
    pub fn crc_hqx(cx: &mut Cx, data: &Obj, crc: i64) -> PyResult<i64> {
        let d = protocol::buffer::held(cx, data)?;
        let mut c = crc as u16;
        for b in d.iter() {
            c ^= u16::from(*b) << 8;
            for _ in 0..8 {
                c = if c & 0x8000 != 0 { c << 1 ^ 0x1021 } else { c << 1 };
            }
        }
        Ok(i64::from(c))
    }
    /// Uuencode line of data.
    #[py("b2a_uu(data, /, *, backtick=False)")]
    pub fn b2a_uu(cx: &mut Cx, data: &Obj, backtick: bool) -> PyResult {
        let d = protocol::buffer::held(cx, data)?;
        if d.len() > 45 {
            return Err(error(cx, "At most 45 bytes at once"));
        }
        let show = |v: u8| if backtick && v == 0 { b'`' } else { v + 32 };
        let mut out = vec![show(d.len() as u8)];
        for c in d.chunks(3) {
            let n = u32::from(c[0]) << 16 | u32::from(*c.get(1).unwrap_or(&0)) << 8 | u32::from(*c.get(2).unwrap_or(&0));
            out.extend([18, 12, 6, 0].map(|s| show((n >> s & 63) as u8)));
        }
        out.push(b'\n');
        Bytes::from_slice(cx, &out)
    }
    /// Decode a line of uuencoded data.
    #[py("a2b_uu(data, /)")]
    pub fn a2b_uu(cx: &mut Cx, data: &Obj) -> PyResult {
        let t = ascii_or_bytes(cx, data)?;
        let Some((first, rest)) = t.split_first() else { return Bytes::from_slice(cx, &[]) };
        let n = (first.wrapping_sub(32) & 63) as usize;
        let (mut out, mut acc, mut bits) = (Vec::new(), 0u32, 0);
        let used = (n * 8).div_ceil(6);
        for i in 0..used {
            let c = match rest.get(i) {
                Some(b'\n' | b'\r') | None => 0,
                Some(c) if (32..=96).contains(c) => (c - 32) & 63,
                Some(_) => return Err(error(cx, "Illegal char")),
            };
            acc = acc << 6 | u32::from(c);
            bits += 6;
            if bits >= 8 {
                bits -= 8;
                out.push((acc >> bits) as u8);
            }
        }
        out.truncate(n);
        if rest.get(used..).is_some_and(|r| r.iter().any(|c| !matches!(c, b' ' | b'`' | b'\n' | b'\r'))) {
            return Err(error(cx, "Trailing garbage"));
        }
        Bytes::from_slice(cx, &out)
    }
    /// Decode a string of qp-encoded data.
    #[py("a2b_qp(data, header=False)")]
    pub fn a2b_qp(cx: &mut Cx, data: &Obj, header: bool) -> PyResult {
        let t = ascii_or_bytes(cx, data)?;
        let mut out = Vec::with_capacity(t.len());
        let mut i = 0;
        while i < t.len() {
            match t[i] {
                b'=' => {
                    i += 1;
                    match t.get(i) {
                        None => break,
                        Some(b'\n' | b'\r') => {
                            while i < t.len() && t[i] != b'\n' {
                                i += 1;
                            }
                            i += 1;
                        }
                        Some(b'=') => {
                            out.push(b'=');
                            i += 1;
                        }
                        Some(h) => match ((*h as char).to_digit(16), t.get(i + 1).and_then(|l| (*l as char).to_digit(16))) {
                            (Some(h), Some(l)) => {
                                out.push((h * 16 + l) as u8);
                                i += 2;
                            }
                            _ => out.push(b'='),
                        },
                    }
                }
                b'_' if header => {
                    out.push(b' ');
                    i += 1;
                }
                c => {
                    out.push(c);
                    i += 1;
                }
            }
        }
        Bytes::from_slice(cx, &out)
    }
    /// Encode a string using quoted-printable encoding.
    #[py("b2a_qp(data, quotetabs=False, istext=True, header=False)")]
    pub fn b2a_qp(cx: &mut Cx, data: &Obj, quotetabs: bool, istext: bool, header: bool) -> PyResult {
        let d = protocol::buffer::held(cx, data)?;
        let crlf = d.iter().position(|c| *c == b'\n').is_some_and(|i| i > 0 && d[i - 1] == b'\r');
        let end: &[u8] = if crlf { b"\r\n" } else { b"\n" };
        let (mut out, mut width, mut i) = (Vec::new(), 0, 0);
        while i < d.len() {
            let c = d[i];
            let line_end = c == b'\n' || c == b'\r' && d.get(i + 1) == Some(&b'\n');
            let before_end = i + 1 == d.len() || matches!(d[i + 1], b'\n') || d[i + 1] == b'\r' && d.get(i + 2) == Some(&b'\n');
            if istext && line_end {
                if let Some(last @ (b' ' | b'\t')) = out.last().copied() {
                    out.pop();
                    out.extend(format!("={last:02X}").bytes());
                }
                out.extend_from_slice(end);
                width = 0;
                i += if c == b'\r' { 2 } else { 1 };
                continue;
            }
            let quoted = c > 126
                || c == b'='
                || header && c == b'_'
                || c == b'.' && width == 0 && (i + 1 == d.len() || matches!(d[i + 1], b'\n' | b'\r' | 0))
                || !istext && matches!(c, b'\r' | b'\n')
                || matches!(c, b'\t' | b' ') && i + 1 == d.len()
                || c < 33 && !matches!(c, b'\r' | b'\n' | b'\t' | b' ')
                || c < 33 && !matches!(c, b'\r' | b'\n') && (quotetabs || c != b'\t' && c != b' ');
            let need = if quoted { 3 } else { 1 };
            if width + need >= 76 && !before_end || width + need > 76 {
                out.push(b'=');
                out.extend_from_slice(end);
                width = 0;
            }
            if quoted {
                out.extend(format!("={c:02X}").bytes());
            } else if header && c == b' ' {
                out.push(b'_');
            } else {
                out.push(c);
            }
            width += need;
            i += 1;
        }
        Bytes::from_slice(cx, &out)
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    let m: Ref<module::Module> = module::of_functions(cx, "binascii", functions::DOC, functions::FUNCTIONS)?;
    let (value_error, exception) = (cx.types.value_error.as_obj().clone(), cx.types.exception.as_obj().clone());
    m.add_exception(cx, "binascii.Error", &value_error)?;
    m.add_exception(cx, "binascii.Incomplete", &exception)?;
    Ok(m.into_obj())
}
