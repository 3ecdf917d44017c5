//! Source bytes to text: byte order mark, coding cookie (PEP 263), newlines, null bytes.

use crate::error::{CompileError, ErrorKind};

fn refuse(message: String) -> Box<CompileError> {
    Box::new(CompileError { kind: ErrorKind::Syntax, message, line: 0, column: 0, end_line: 0, end_column: 0, late: false, cut: false })
}

/// What has no lines, because it cannot be read.
fn undecodable(message: String) -> Box<CompileError> {
    Box::new(CompileError { kind: ErrorKind::Coding, ..*refuse(message) })
}

/// The coding named in the first two lines, lower case with dashes.
fn cookie(bytes: &[u8]) -> Option<String> {
    for line in bytes.split(|b| *b == b'\n').take(2) {
        let Some(begin) = line.iter().position(|b| !matches!(b, b' ' | b'\t' | b'\x0c' | b'\r')) else { continue };
        if line[begin] != b'#' {
            return None;
        }
        let trimmed: String = line[begin..].iter().map(|b| *b as char).collect();
        if let Some(i) = trimmed.find("coding") {
            let rest = &trimmed[i + 6..];
            if let Some(rest) = rest.strip_prefix([':', '=']) {
                let name: String = rest.trim_start_matches([' ', '\t']).chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')).collect();
                if !name.is_empty() {
                    return Some(name.to_ascii_lowercase().replace('_', "-"));
                }
            }
        }
    }
    None
}

/// The coding that a source names, if `decode` does not know it.
pub fn foreign_coding(bytes: &[u8]) -> Option<String> {
    let known = ["utf-8", "iso-8859-1", "latin1", "l1", "ascii", "us-ascii"];
    if bytes.starts_with(b"\xef\xbb\xbf") || bytes.contains(&0) {
        return None;
    }
    cookie(bytes).filter(|c| !known.contains(&normal(c)))
}

/// A coding's name as CPython's tokenizer compares it (`get_normal_name`).
fn normal(coding: &str) -> &str {
    let is = |name: &str| coding == name || coding.strip_prefix(name).is_some_and(|rest| rest.starts_with('-'));
    if is("utf-8") {
        "utf-8"
    } else if ["latin-1", "iso-8859-1", "iso-latin-1"].into_iter().any(is) {
        "iso-8859-1"
    } else {
        coding
    }
}

/// Decodes a source, of a file of that name or from memory. Knows UTF-8, ASCII and Latin-1; refuses what Python refuses.
pub fn decode(bytes: &[u8], file: Option<&str>) -> Result<String, Box<CompileError>> {
    let (bom, body) = match bytes.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => (true, rest),
        None => (false, bytes),
    };
    if body.contains(&0) {
        return Err(refuse("source code string cannot contain null bytes".into()));
    }
    let coding = cookie(body).unwrap_or_else(|| "utf-8".into());
    let coding = normal(&coding);
    if bom && coding != "utf-8" {
        let mut error = refuse(format!("encoding problem: {coding} with BOM"));
        if file.is_none() {
            let named = |line: &&[u8]| line.windows(6).any(|w| w == b"coding");
            let (at, line) = body.split(|b| *b == b'\n').enumerate().find(|(_, l)| named(l)).unwrap_or_default();
            (error.line, error.end_line, error.cut) = (at as u32 + 1, at as u32 + 1, true);
            error.end_column = String::from_utf8_lossy(line).chars().count() as i32;
        }
        return Err(error);
    }
    match coding {
        "iso-8859-1" | "latin1" | "l1" => return Ok(body.iter().map(|b| *b as char).collect()),
        "ascii" | "us-ascii" => {
            if let Some(i) = body.iter().position(|b| !b.is_ascii()) {
                return Err(undecodable(format!("'ascii' codec can't decode byte 0x{:02x} in position {i}: ordinal not in range(128)", body[i])));
            }
        }
        "utf-8" | "utf8" => {}
        _ => return Err(undecodable(format!("unknown encoding: {coding}"))),
    }
    let error = match std::str::from_utf8(body) {
        Ok(text) => return Ok(text.to_string()),
        Err(error) => error,
    };
    let at = error.valid_up_to();
    let line = body[..at].iter().filter(|b| **b == b'\n').count() as u32 + 1;
    let place = file.map_or(String::new(), |file| format!(" in file {file}"));
    let mut refused =
        refuse(format!("Non-UTF-8 code starting with '\\x{:02x}'{place} on line {line}, but no encoding declared; see https://peps.python.org/pep-0263/ for details", body[at]));
    if file.is_none() {
        let before = body[..at].rsplit(|b| *b == b'\n').next().unwrap_or_default();
        let column = String::from_utf8_lossy(before).chars().count() as u32 + 1;
        (refused.line, refused.column, refused.end_line, refused.end_column, refused.cut) = (line, column, line, column as i32, true);
    }
    Err(refused)
}
