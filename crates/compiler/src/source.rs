//! Source bytes to text: byte order mark, coding cookie (PEP 263), newlines, null bytes.

use crate::error::{CompileError, ErrorKind};

fn refuse(message: String) -> Box<CompileError> {
    Box::new(CompileError { kind: ErrorKind::Syntax, message, line: 0, column: 0, end_line: 0, end_column: 0, late: false })
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
    let known = ["utf-8", "utf8", "latin-1", "iso-8859-1", "iso-latin-1", "latin1", "l1", "ascii", "us-ascii"];
    if bytes.starts_with(b"\xef\xbb\xbf") || bytes.contains(&0) {
        return None;
    }
    cookie(bytes).filter(|c| !known.contains(&c.as_str()) && !c.starts_with("utf-8-"))
}

/// Decodes a source file. Knows UTF-8, ASCII and Latin-1; refuses what Python refuses.
pub fn decode(bytes: &[u8], filename: &str) -> Result<String, Box<CompileError>> {
    let (bom, body) = match bytes.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => (true, rest),
        None => (false, bytes),
    };
    if body.contains(&0) {
        return Err(refuse("source code string cannot contain null bytes".into()));
    }
    let coding = cookie(body).unwrap_or_else(|| "utf-8".into());
    match coding.as_str() {
        "utf-8" | "utf8" => {}
        _ if coding.starts_with("utf-8-") => {}
        _ if bom => return Err(refuse(format!("encoding problem: {coding} with BOM"))),
        "latin-1" | "iso-8859-1" | "iso-latin-1" | "latin1" | "l1" => return Ok(body.iter().map(|b| *b as char).collect()),
        "ascii" | "us-ascii" => {
            if let Some(i) = body.iter().position(|b| !b.is_ascii()) {
                return Err(refuse(format!("'ascii' codec can't decode byte 0x{:02x} in position {i}: ordinal not in range(128)", body[i])));
            }
        }
        _ => return Err(refuse(format!("unknown encoding: {coding}"))),
    }
    match std::str::from_utf8(body) {
        Ok(text) => Ok(text.to_string()),
        Err(error) => {
            let at = error.valid_up_to();
            let line = body[..at].iter().filter(|b| **b == b'\n').count() + 1;
            Err(refuse(format!(
                "Non-UTF-8 code starting with '\\x{:02x}' in file {filename} on line {line}, but no encoding declared; see https://peps.python.org/pep-0263/ for details",
                body[at]
            )))
        }
    }
}
