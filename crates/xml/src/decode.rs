//! From bytes to text: encodings are recognised as Appendix F of XML 1.0 says.

use crate::Code;

/// How bytes are read.
#[derive(Clone, Debug, PartialEq)]
pub enum Encoding {
    Utf8,
    Utf16 {
        big: bool,
    },
    Latin1,
    Ascii,
    /// A character for each byte; none: the byte has no meaning.
    Map(Box<[Option<char>; 256]>),
}

/// The encodings that need no help.
pub fn known(name: &str) -> Option<Encoding> {
    Some(match name.to_ascii_lowercase().as_str() {
        "utf-8" | "utf8" => Encoding::Utf8,
        "utf-16" | "utf-16be" => Encoding::Utf16 { big: true },
        "utf-16le" => Encoding::Utf16 { big: false },
        "iso-8859-1" | "latin1" | "latin-1" => Encoding::Latin1,
        "us-ascii" | "ascii" => Encoding::Ascii,
        _ => return None,
    })
}

/// Bytes not yet read as text.
#[derive(Default)]
pub struct Decoder {
    pub encoding: Option<Encoding>,
    pub bytes: Vec<u8>,
    /// An encoding the caller named: what the document says of itself is not asked.
    pub forced: Option<String>,
    /// How far the end of a declaration was looked for.
    pub searched: usize,
    /// Bytes of a byte order mark that was just met.
    pub mark: usize,
}

/// What could be read.
pub enum Decoded {
    Text,
    /// More bytes are needed to know how to read them.
    Wait,
    /// The document, or the caller, names an encoding that is not known here.
    Unknown(String),
}

/// The value of a pseudo-attribute of an XML declaration.
fn declared(declaration: &[u8]) -> Option<String> {
    let text: String = declaration.iter().map(|b| char::from(*b)).collect();
    let rest = &text[text.find("encoding")? + 8..];
    let rest = rest.trim_start().strip_prefix('=')?.trim_start();
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let rest = &rest[1..];
    Some(rest[..rest.find(quote)?].to_string())
}

impl Decoder {
    /// Finds out how to read the bytes, from a byte order mark or the declaration.
    fn begin(&mut self, out: &mut String, is_final: bool) -> Decoded {
        if let Some(name) = self.forced.clone() {
            return match known(&name) {
                Some(Encoding::Utf16 { big }) => {
                    let little = self.bytes.starts_with(&[0xff, 0xfe]);
                    if self.bytes.len() < 2 && !is_final {
                        return Decoded::Wait;
                    }
                    if little || self.bytes.starts_with(&[0xfe, 0xff]) {
                        self.bytes.drain(..2);
                        self.mark = 2;
                    }
                    self.encoding = Some(Encoding::Utf16 { big: big && !little });
                    Decoded::Text
                }
                Some(encoding) => {
                    if encoding == Encoding::Utf8 && self.bytes.starts_with(&[0xef, 0xbb, 0xbf]) {
                        self.bytes.drain(..3);
                        self.mark = 3;
                    }
                    self.encoding = Some(encoding);
                    Decoded::Text
                }
                None => Decoded::Unknown(name),
            };
        }
        let b = &self.bytes;
        if b.len() < 4 && !is_final {
            return Decoded::Wait;
        }
        let found = match &b[..] {
            [0xef, 0xbb, 0xbf, ..] => Some((Encoding::Utf8, 3)),
            [0xfe, 0xff, ..] => Some((Encoding::Utf16 { big: true }, 2)),
            [0xff, 0xfe, ..] => Some((Encoding::Utf16 { big: false }, 2)),
            [0, ..] => Some((Encoding::Utf16 { big: true }, 0)),
            [_, 0, ..] => Some((Encoding::Utf16 { big: false }, 0)),
            _ => None,
        };
        if let Some((encoding, mark)) = found {
            self.bytes.drain(..mark);
            self.mark = mark;
            self.encoding = Some(encoding);
            return Decoded::Text;
        }
        const BEGIN: &[u8] = b"<?xml";
        let n = b.len().min(BEGIN.len());
        if b[..n] == BEGIN[..n] {
            let end = b[self.searched..].windows(2).position(|w| w == b"?>").map(|i| self.searched + i);
            match end {
                None if !is_final => {
                    self.searched = b.len() - 1;
                    return Decoded::Wait;
                }
                Some(end) => {
                    if let Some(name) = declared(&b[..end]) {
                        match known(&name) {
                            // A text that could be read so far is none of two bytes a character.
                            Some(Encoding::Utf16 { .. }) => {}
                            Some(encoding) => {
                                self.encoding = Some(encoding);
                                return Decoded::Text;
                            }
                            None => {
                                // The declaration itself can be read.
                                out.extend(self.bytes.drain(..end + 2).map(char::from));
                                return Decoded::Unknown(name);
                            }
                        }
                    }
                }
                None => {}
            }
        }
        self.encoding = Some(Encoding::Utf8);
        Decoded::Text
    }

    /// Appends what can be read to `out`. An error: the bytes from there on mean nothing.
    pub fn decode(&mut self, out: &mut String, is_final: bool) -> Result<Decoded, Code> {
        if self.encoding.is_none() {
            match self.begin(out, is_final) {
                Decoded::Text => {}
                other => return Ok(other),
            }
        }
        if self.bytes.is_empty() {
            return Ok(Decoded::Text);
        }
        let bytes = std::mem::take(&mut self.bytes);
        let left = match &self.encoding {
            Some(Encoding::Utf16 { big }) => utf16(&bytes, *big, out)?,
            Some(Encoding::Latin1) => {
                out.extend(bytes.iter().map(|b| char::from(*b)));
                0
            }
            Some(Encoding::Ascii) => bytewise(&bytes, out, |b| b.is_ascii().then(|| char::from(b)))?,
            Some(Encoding::Map(map)) => bytewise(&bytes, out, |b| map[usize::from(b)])?,
            _ => utf8(&bytes, out)?,
        };
        self.bytes = bytes[bytes.len() - left..].to_vec();
        if is_final && left > 0 {
            let wide = matches!(self.encoding, Some(Encoding::Utf16 { .. }));
            return Err(if wide && left == 1 { Code::UnclosedToken } else { Code::PartialChar });
        }
        Ok(Decoded::Text)
    }

    /// How many bytes of the input a piece of text was.
    pub fn width(&self, text: &str) -> usize {
        match self.encoding {
            Some(Encoding::Utf16 { .. }) => text.chars().map(char::len_utf16).sum::<usize>() * 2,
            Some(Encoding::Latin1 | Encoding::Ascii | Encoding::Map(_)) => text.chars().count(),
            _ => text.len(),
        }
    }
}

fn bytewise(bytes: &[u8], out: &mut String, of: impl Fn(u8) -> Option<char>) -> Result<usize, Code> {
    for b in bytes {
        out.push(of(*b).ok_or(Code::InvalidToken)?);
    }
    Ok(0)
}

fn utf8(bytes: &[u8], out: &mut String) -> Result<usize, Code> {
    match std::str::from_utf8(bytes) {
        Ok(text) => {
            out.push_str(text);
            Ok(0)
        }
        Err(e) => {
            let good = e.valid_up_to();
            out.push_str(std::str::from_utf8(&bytes[..good]).unwrap_or(""));
            if e.error_len().is_some() { Err(Code::InvalidToken) } else { Ok(bytes.len() - good) }
        }
    }
}

/// Reads pairs of bytes; how many bytes are left over.
fn utf16(bytes: &[u8], big: bool, out: &mut String) -> Result<usize, Code> {
    let unit = |i: usize| bytes.get(i..i + 2).map(|p| if big { u16::from_be_bytes([p[0], p[1]]) } else { u16::from_le_bytes([p[0], p[1]]) });
    let mut at = 0;
    while let Some(u) = unit(at) {
        let mut pair = [u, 0];
        let wide = (0xd800..=0xdbff).contains(&u);
        if wide {
            let Some(low) = unit(at + 2) else { break };
            pair[1] = low;
        }
        let pair = &pair[..1 + usize::from(wide)];
        at += pair.len() * 2;
        match char::decode_utf16(pair.iter().copied()).next() {
            Some(Ok(c)) => out.push(c),
            _ => return Err(Code::InvalidToken),
        }
    }
    Ok(bytes.len() - at)
}
