//! One item of an array: from an object to bytes and back.

use retic_runtime::object::shape;
use retic_runtime::types::{Str, int};
use retic_runtime::{Cx, Obj, PyResult, protocol};

/// Every type code.
const CODES: &str = "bBuwhHiIlLqQfd";

/// Bytes of an item of a type code.
#[inline]
pub fn size(code: u8) -> Option<usize> {
    Some(match code {
        b'b' | b'B' => 1,
        b'h' | b'H' => 2,
        b'u' | b'w' | b'i' | b'I' | b'f' => 4,
        b'l' | b'L' | b'q' | b'Q' | b'd' => 8,
        _ => return None,
    })
}
pub fn codes() -> String {
    CODES.to_string()
}
/// The machine format codes of pickles (PEP 3118 of `array.__reduce_ex__`), little-endian ones.
pub fn machine_format(code: u8) -> i64 {
    match code {
        b'B' => 0,
        b'b' => 1,
        b'H' => 2,
        b'h' => 4,
        b'I' => 6,
        b'i' => 8,
        b'L' | b'Q' => 10,
        b'l' | b'q' => 12,
        b'f' => 14,
        b'd' => 16,
        _ => 20,
    }
}

pub fn is_text(code: u8) -> bool {
    matches!(code, b'u' | b'w')
}

/// A signed number of `bits`; C checks smaller types in the order long, int, the type itself.
fn signed(cx: &mut Cx, o: &Obj, bits: u32, what: &str) -> PyResult<i64> {
    let n = protocol::index(cx, o)?;
    let Some(v) = int::to_i64(&n) else { return Err(cx.overflow_error("Python int too large to convert to C long")) };
    within(cx, v, -(1i64 << (bits - 1)), (1i64 << (bits - 1)) - 1, what)
}
fn within(cx: &Cx, v: i64, low: i64, high: i64, what: &str) -> PyResult<i64> {
    if v > high {
        return Err(cx.overflow_error(format!("{what} is greater than maximum")));
    }
    if v < low {
        return Err(cx.overflow_error(format!("{what} is less than minimum")));
    }
    Ok(v)
}
fn unsigned(cx: &mut Cx, o: &Obj, negative: &str, large: &str) -> PyResult<u64> {
    let n = protocol::index(cx, o)?;
    match int::to_u64(&n) {
        Some(v) => Ok(v),
        None if int::to_big(&n).is_some_and(|b| b.is_negative()) => Err(cx.overflow_error(negative)),
        None => Err(cx.overflow_error(large)),
    }
}

/// As `pack`, of plain numbers that fit; nothing for others.
fn pack_plain(code: u8, o: &Obj) -> Option<[u8; 8]> {
    if o.shape() == shape::FLOAT {
        let v = protocol::exact_float(o);
        return match code {
            b'd' => Some(v.to_le_bytes()),
            b'f' => Some(u64::from((v as f32).to_bits()).to_le_bytes()),
            _ => None,
        };
    }
    if o.shape() != shape::INT {
        return None;
    }
    let v = int::to_i64(o)?;
    let fits = match code {
        b'b' => i8::try_from(v).is_ok(),
        b'B' => u8::try_from(v).is_ok(),
        b'h' => i16::try_from(v).is_ok(),
        b'H' => u16::try_from(v).is_ok(),
        b'i' => i32::try_from(v).is_ok(),
        b'I' => u32::try_from(v).is_ok(),
        b'l' | b'q' => true,
        b'L' | b'Q' => v >= 0,
        b'd' => return Some((v as f64).to_le_bytes()),
        _ => false,
    };
    fits.then(|| v.to_le_bytes())
}

/// The bytes of an item, padded to eight.
pub fn pack(cx: &mut Cx, code: u8, o: &Obj) -> PyResult<[u8; 8]> {
    if let Some(b) = pack_plain(code, o) {
        return Ok(b);
    }
    if !is_text(code) && !matches!(code, b'f' | b'd') && o.ty().slots(cx).index.is_none() {
        return Err(cx.type_error(format!("'{}' object cannot be interpreted as an integer", o.ty().name_text())));
    }
    let short = "signed short integer";
    Ok(match code {
        b'b' => {
            let v = signed(cx, o, 16, short)?;
            within(cx, v, -128, 127, "signed char")?.to_le_bytes()
        }
        b'B' => {
            let n = protocol::index(cx, o)?;
            let Some(v) = int::to_i64(&n) else { return Err(cx.overflow_error("Python int too large to convert to C long")) };
            within(cx, v, 0, 255, "unsigned byte integer")?.to_le_bytes()
        }
        b'h' => signed(cx, o, 16, short)?.to_le_bytes(),
        b'H' => {
            let v = signed(cx, o, 32, "signed integer")?;
            within(cx, v, 0, 0xffff, "unsigned short")?.to_le_bytes()
        }
        b'i' => signed(cx, o, 32, "signed integer")?.to_le_bytes(),
        b'I' => {
            let v = unsigned(cx, o, "can't convert negative value to unsigned int", "Python int too large to convert to C unsigned long")?;
            if v > 0xffff_ffff {
                return Err(cx.overflow_error("unsigned int is greater than maximum"));
            }
            v.to_le_bytes()
        }
        b'l' => signed(cx, o, 64, "")?.to_le_bytes(),
        b'L' => unsigned(cx, o, "can't convert negative value to unsigned int", "Python int too large to convert to C unsigned long")?.to_le_bytes(),
        b'q' => {
            let n = protocol::index(cx, o)?;
            int::to_i64(&n).ok_or_else(|| cx.overflow_error("int too big to convert"))?.to_le_bytes()
        }
        b'Q' => unsigned(cx, o, "can't convert negative int to unsigned", "int too big to convert")?.to_le_bytes(),
        b'f' => {
            let v = protocol::as_f64(cx, o)? as f32;
            let b = v.to_le_bytes();
            [b[0], b[1], b[2], b[3], 0, 0, 0, 0]
        }
        b'd' => protocol::as_f64(cx, o)?.to_le_bytes(),
        _ => match o.cast::<Str>().map(|s| s.code_points()) {
            Some(p) if p.len() == 1 => u64::from(p[0]).to_le_bytes(),
            _ => return Err(cx.type_error("array item must be unicode character")),
        },
    })
}

/// An item as an object; `b` has the item's bytes.
pub fn unpack(cx: &mut Cx, code: u8, b: &[u8]) -> PyResult {
    if is_text(code) {
        let point = u32::from_le_bytes(b.try_into().unwrap_or_default());
        let point = valid(cx, point)?;
        return cx.str_points(&[point]);
    }
    protocol::buffer::unpack_code(cx, code, b).unwrap_or_else(|| Ok(cx.none()))
}

/// A code point of a text array: raw bytes may hold numbers that are none.
pub fn valid(cx: &Cx, point: u32) -> PyResult<u32> {
    if point > 0x10_ffff {
        return Err(cx.value_error(format!("character U+{point:x} is not in range [U+0000; U+10ffff]")));
    }
    Ok(point)
}
