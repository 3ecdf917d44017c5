//! What the compiler reports: syntax errors with exact positions, and syntax warnings.

/// Which exception the error becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    Syntax,
    /// A SyntaxError at line 0: there is no source at all.
    Empty,
    /// A SyntaxError of a source whose coding is unknown or does not fit: it has no lines yet.
    Coding,
    Indentation,
    Tab,
    /// Nesting too deep for CPython's parser.
    Memory,
    Recursion,
}

/// A refused program. Lines from 1; columns from 1, in characters; 0 where unknown. The tokenizer's errors end in column 0, those
/// that its last token has no place for in column -1.
#[derive(Clone, Debug)]
pub struct CompileError {
    pub kind: ErrorKind,
    pub message: String,
    pub line: u32,
    pub column: u32,
    pub end_line: u32,
    pub end_column: i32,
    /// Found by the compiler, behind the parser: its text is looked up in the file.
    pub late: bool,
    /// The line shown with it goes without its end: the tokenizer was in a later one already, or refused it itself.
    pub cut: bool,
}

/// A SyntaxWarning (or DeprecationWarning) found while compiling.
#[derive(Clone, Debug)]
pub struct Warning {
    pub message: String,
    pub line: u32,
    /// As an error's, for filters that make it one.
    pub column: u32,
    pub end_line: u32,
    pub end_column: i32,
    pub late: bool,
}

impl From<CompileError> for Warning {
    fn from(e: CompileError) -> Warning {
        Warning { message: e.message, line: e.line, column: e.column, end_line: e.end_line, end_column: e.end_column, late: e.late }
    }
}

/// Maps byte offsets to lines and columns.
pub struct Lines<'s> {
    pub source: &'s str,
    starts: Vec<u32>,
}

impl<'s> Lines<'s> {
    pub fn new(source: &'s str) -> Lines<'s> {
        let mut starts = vec![0];
        let bytes = source.as_bytes();
        for (i, &b) in bytes.iter().enumerate() {
            if b == b'\n' || (b == b'\r' && bytes.get(i + 1) != Some(&b'\n')) {
                starts.push(i as u32 + 1);
            }
        }
        Lines { source, starts }
    }

    /// Line (from 1) of a byte offset.
    pub fn line(&self, offset: u32) -> u32 {
        self.starts.partition_point(|s| *s <= offset) as u32
    }

    /// Line from 1 and column in bytes from 0.
    pub fn line_column(&self, offset: u32) -> (u32, u32) {
        let line = self.line(offset);
        (line, offset - self.starts[line as usize - 1])
    }

    /// Line from 1 and column in characters from 1.
    pub fn line_char(&self, offset: u32) -> (u32, u32) {
        let line = self.line(offset);
        let start = self.starts[line as usize - 1] as usize;
        let end = (offset as usize).min(self.source.len());
        let text = self.source.get(start..end).unwrap_or("");
        (line, text.chars().count() as u32 + 1)
    }

    /// An error over a byte range.
    pub fn error(&self, message: impl Into<String>, start: u32, end: u32) -> Box<CompileError> {
        let (line, column) = self.line_char(start);
        let (end_line, end_column) = self.line_char(end);
        Box::new(CompileError { kind: ErrorKind::Syntax, message: message.into(), line, column, end_line, end_column: end_column as i32, late: false, cut: false })
    }
}
