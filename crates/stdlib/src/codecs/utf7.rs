//! UTF-7 (RFC 2152): ASCII, and runs of base 64 with UTF-16 in them. What CPython writes directly is written directly here.

use retic_runtime::codecs::Bad;
use retic_runtime::{Cx, PyResult, protocol};
use std::borrow::Cow;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn digit(c: u8) -> Option<u32> {
    Some(u32::from(match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}

/// Characters that stand for themselves: those of the RFC's sets D and O, and white space.
fn is_direct(c: u32) -> bool {
    matches!(c, 9 | 10 | 13 | 0x20..=0x7e) && !matches!(u8::try_from(c), Ok(b'+' | b'\\' | b'~'))
}

/// Bits on their way into base 64, or out of it.
#[derive(Default)]
struct Bits {
    value: u32,
    count: u32,
}

impl Bits {
    fn put(&mut self, out: &mut Vec<u8>, unit: u32) {
        self.value = self.value << 16 | unit;
        self.count += 16;
        while self.count >= 6 {
            self.count -= 6;
            out.push(ALPHABET[(self.value >> self.count & 0x3f) as usize]);
        }
        self.value &= (1 << self.count) - 1;
    }
    fn end(&mut self, out: &mut Vec<u8>) {
        if self.count > 0 {
            out.push(ALPHABET[(self.value << (6 - self.count) & 0x3f) as usize]);
        }
        *self = Bits::default();
    }
}

/// Bytes that a character takes at most, with the ends of a run around it.
const WIDEST: usize = 10;

/// The bytes of a text.
pub fn encode(cx: &mut Cx, text: &[u32]) -> PyResult<Vec<u8>> {
    let mut out = Vec::new();
    let mut bits = Bits::default();
    let mut shifted = false;
    for &c in text {
        if out.capacity() - out.len() < WIDEST {
            protocol::grow(cx, &mut out, text.len().max(WIDEST))?;
            cx.poll_native()?;
        }
        if is_direct(c) || !shifted && c == u32::from(b'+') {
            if shifted {
                bits.end(&mut out);
                shifted = false;
                if c == u32::from(b'-') || digit(c as u8).is_some() {
                    out.push(b'-');
                }
            }
            out.push(c as u8);
            if c == u32::from(b'+') {
                out.push(b'-');
            }
            continue;
        }
        if !shifted {
            out.push(b'+');
            shifted = true;
        }
        if c >= 0x10000 {
            bits.put(&mut out, 0xd7c0 + (c >> 10));
            bits.put(&mut out, 0xdc00 | c & 0x3ff);
        } else {
            bits.put(&mut out, c);
        }
    }
    bits.end(&mut out);
    if shifted {
        out.push(b'-');
    }
    Ok(out)
}

/// The text of bytes, and how many of them it took; without `last`, a run of base 64 that is not over is left for later.
pub fn decode(cx: &mut Cx, data: &[u8], errors: &str, last: bool) -> PyResult<(Vec<u32>, usize)> {
    let mut data = Cow::Borrowed(data);
    let mut out: Vec<u32> = Vec::new();
    protocol::grow(cx, &mut out, data.len() + 1)?;
    let mut bits = Bits::default();
    // Where a run begins, in bytes and in characters, and the first half of a pair.
    let mut run: Option<(usize, usize)> = None;
    let mut half = 0;
    let mut i = 0;
    loop {
        while let Some(&c) = data.get(i) {
            let mut wrong: Option<(usize, &str)> = None;
            match (run, c) {
                (Some((start, _)), _) => match digit(c) {
                    Some(d) => {
                        i += 1;
                        bits.value = bits.value << 6 | d;
                        bits.count += 6;
                        if bits.count >= 16 {
                            bits.count -= 16;
                            let unit = bits.value >> bits.count & 0xffff;
                            bits.value &= (1 << bits.count) - 1;
                            take_unit(&mut out, &mut half, unit);
                        }
                    }
                    None => {
                        run = None;
                        if bits.count >= 6 {
                            i += 1;
                            wrong = Some((start, "partial character in shift sequence"));
                        } else if bits.count > 0 && bits.value != 0 {
                            i += 1;
                            wrong = Some((start, "non-zero padding bits in shift sequence"));
                        } else {
                            if half != 0 && c < 0x80 && c != b'+' {
                                out.push(half);
                            }
                            half = 0;
                            i += usize::from(c == b'-');
                        }
                    }
                },
                (None, b'+') => {
                    let start = i;
                    i += 1;
                    match data.get(i) {
                        Some(b'-') => {
                            i += 1;
                            out.push(u32::from(b'+'));
                        }
                        Some(next) if digit(*next).is_none() => {
                            i += 1;
                            wrong = Some((start, "ill-formed sequence"));
                        }
                        _ => {
                            run = Some((start, out.len()));
                            half = 0;
                            bits = Bits::default();
                        }
                    }
                }
                (None, 0..=0x7f) => {
                    i += 1;
                    out.push(u32::from(c));
                }
                _ => {
                    i += 1;
                    wrong = Some((i - 1, "unexpected special character"));
                }
            }
            if let Some((start, reason)) = wrong {
                i = super::fail(cx, &mut data, Bad { start, end: i, reason: reason.into() }, errors, "utf7", &mut out)?;
                half = 0;
            }
            cx.poll_native()?;
        }
        let Some((start, characters)) = run else { return Ok((out, i)) };
        if !last {
            out.truncate(characters);
            return Ok((out, start));
        }
        run = None;
        let len = data.len();
        if half != 0 || bits.count >= 6 || bits.count > 0 && bits.value != 0 {
            i = super::fail(cx, &mut data, Bad { start, end: len, reason: "unterminated shift sequence".into() }, errors, "utf7", &mut out)?;
        }
        if i >= data.len() {
            return Ok((out, data.len()));
        }
    }
}

/// A unit of UTF-16; the first half of a pair waits in `half`.
fn take_unit(out: &mut Vec<u32>, half: &mut u32, unit: u32) {
    if *half != 0 {
        if (0xdc00..0xe000).contains(&unit) {
            out.push(0x10000 + ((*half - 0xd800) << 10) + (unit - 0xdc00));
            *half = 0;
            return;
        }
        out.push(*half);
        *half = 0;
    }
    if (0xd800..0xdc00).contains(&unit) {
        *half = unit;
    } else {
        out.push(unit);
    }
}
