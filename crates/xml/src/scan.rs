//! Reading the smallest parts: names, white space, literals, references.

/// Why reading stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The text ends within a token.
    Partial,
    /// What stands at this byte has no place there.
    Invalid(usize),
    /// What ends at this byte is no token at all.
    Broken(usize),
    /// The character at this byte may not stand in a public identifier.
    PublicId(usize),
}
pub type Scan<T> = Result<T, Stop>;

/// A place in a text.
#[derive(Clone, Copy)]
pub struct Cursor<'a> {
    pub text: &'a str,
    pub at: usize,
}

pub fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}
/// Characters that may stand in a document.
pub fn is_char(c: char) -> bool {
    c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}') || matches!(c, '\t' | '\r' | '\n')
}
/// Where a text has its first character that may not stand in a document.
pub fn first_unfit(text: &str) -> Option<usize> {
    // U+FFFE and U+FFFF begin with the byte EF.
    if !text.bytes().any(|b| b < 0x20 || b == 0xef) {
        return None;
    }
    text.find(|c| !is_char(c))
}
pub fn is_name_start(c: char) -> bool {
    matches!(c, 'a'..='z' | 'A'..='Z' | '_' | ':'
        | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{2ff}' | '\u{370}'..='\u{37d}' | '\u{37f}'..='\u{1fff}'
        | '\u{200c}' | '\u{200d}' | '\u{2070}'..='\u{218f}' | '\u{2c00}'..='\u{2fef}' | '\u{3001}'..='\u{d7ff}'
        | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}')
}
pub fn is_name(c: char) -> bool {
    is_name_start(c) || matches!(c, '0'..='9' | '-' | '.' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}' | '\u{2040}')
}
fn is_public_id(c: char) -> bool {
    matches!(c, 'a'..='z' | 'A'..='Z' | '0'..='9') || " \r\n-'()+,./:=?;!*#@$_%".contains(c)
}

/// The ASCII characters of names, by their bytes.
const IN_NAMES: [bool; 256] = {
    let mut table = [false; 256];
    let mut b = 0;
    while b < 128 {
        table[b] = (b as u8).is_ascii_alphanumeric() || matches!(b as u8, b'_' | b':' | b'-' | b'.');
        b += 1;
    }
    table
};

impl<'a> Cursor<'a> {
    pub fn new(text: &'a str, at: usize) -> Cursor<'a> {
        Cursor { text, at }
    }
    pub fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }
    pub fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }
    pub fn is_at_end(&self) -> bool {
        self.at >= self.text.len()
    }
    /// The next character; Partial at the end.
    pub fn need(&self) -> Scan<char> {
        self.peek().ok_or(Stop::Partial)
    }
    pub fn bump(&mut self) {
        self.at += self.peek().map_or(0, char::len_utf8);
    }
    pub fn invalid<T>(&self) -> Scan<T> {
        Err(Stop::Invalid(self.at))
    }
    /// The character that must come next.
    pub fn expect(&mut self, c: char) -> Scan<()> {
        if self.need()? != c {
            return self.invalid();
        }
        self.bump();
        Ok(())
    }
    /// The word that must come next, character by character.
    pub fn expect_word(&mut self, word: &str) -> Scan<()> {
        word.chars().try_for_each(|c| self.expect(c))
    }
    /// Takes a character if it is next.
    pub fn take(&mut self, c: char) -> bool {
        let there = self.peek() == Some(c);
        if there {
            self.bump();
        }
        there
    }
    /// White space, if any; whether there was some.
    pub fn space(&mut self) -> bool {
        let from = self.at;
        while self.peek().is_some_and(is_space) {
            self.bump();
        }
        self.at > from
    }
    /// White space that must be there.
    pub fn need_space(&mut self) -> Scan<()> {
        self.need()?;
        if self.space() { Ok(()) } else { self.invalid() }
    }
    /// A name; it is complete only when something follows it.
    pub fn name(&mut self) -> Scan<&'a str> {
        if !is_name_start(self.need()?) {
            return self.invalid();
        }
        self.name_token()
    }
    /// A word of a declaration, which must end as such words do.
    pub fn word(&mut self) -> Scan<&'a str> {
        let name = self.name()?;
        self.end_of_word()?;
        Ok(name)
    }
    pub fn end_of_word(&self) -> Scan<()> {
        let c = self.need()?;
        if is_space(c) || "%>),|[?*+".contains(c) { Ok(()) } else { Err(Stop::Broken(self.at)) }
    }
    /// A literal of a declaration, which must end as such literals do.
    pub fn quoted(&mut self) -> Scan<&'a str> {
        let text = self.literal()?;
        let c = self.need()?;
        if is_space(c) || "%>[".contains(c) { Ok(text) } else { Err(Stop::Broken(self.at)) }
    }
    /// A run of the characters of names.
    pub fn name_token(&mut self) -> Scan<&'a str> {
        let from = self.at;
        loop {
            self.at += self.text.as_bytes()[self.at..].iter().take_while(|b| IN_NAMES[**b as usize]).count();
            match self.peek() {
                Some(c) if is_name(c) => self.at += c.len_utf8(),
                _ => break,
            }
        }
        self.need()?;
        if self.at == from { self.invalid() } else { Ok(&self.text[from..self.at]) }
    }
    /// Goes over characters that mean nothing in the value of an attribute.
    pub fn plain(&mut self) {
        self.at += self.text.as_bytes()[self.at..].iter().take_while(|b| matches!(b, b' ' | b'!' | b'#'..=b'%' | b'('..=b';' | b'='..=0x7f)).count();
    }
    /// A literal in quotes, without them.
    pub fn literal(&mut self) -> Scan<&'a str> {
        let quote = self.need()?;
        if quote != '"' && quote != '\'' {
            return self.invalid();
        }
        self.bump();
        let from = self.at;
        loop {
            let c = self.need()?;
            if c == quote {
                break;
            }
            if !is_char(c) {
                return self.invalid();
            }
            self.bump();
        }
        let out = &self.text[from..self.at];
        self.bump();
        Ok(out)
    }
    /// A public identifier, with its white space normalised.
    pub fn public_id(&mut self) -> Scan<String> {
        let from = self.at + 1;
        let text = self.quoted()?;
        if let Some(i) = text.find(|c| !is_public_id(c)) {
            return Err(Stop::PublicId(from + i));
        }
        Ok(text.split([' ', '\r', '\n']).filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" "))
    }
    /// The text up to `end`, which is taken, too. Partial: it is not there yet.
    pub fn until(&mut self, end: &str) -> Scan<&'a str> {
        let rest = self.rest();
        let found = rest.find(end);
        let part = &rest[..found.unwrap_or(rest.len())];
        if let Some(i) = part.find(|c| !is_char(c)) {
            return Err(Stop::Invalid(self.at + i));
        }
        let Some(n) = found else { return Err(Stop::Partial) };
        self.at += n + end.len();
        Ok(part)
    }
    /// `&...;` or `&#...;`: the cursor stands behind the `&`.
    pub fn reference(&mut self) -> Scan<Reference<'a>> {
        if !self.take('#') {
            self.need()?;
            let name = self.name()?;
            self.expect(';')?;
            return Ok(Reference::Entity(name));
        }
        let radix = if self.need()? == 'x' { 16 } else { 10 };
        if radix == 16 {
            self.bump();
        }
        let (mut n, mut digits) = (0u32, 0);
        loop {
            let c = self.need()?;
            if c == ';' && digits > 0 {
                break;
            }
            let Some(d) = c.to_digit(radix) else { return self.invalid() };
            n = n.saturating_mul(radix).saturating_add(d);
            digits += 1;
            self.bump();
        }
        self.bump();
        Ok(Reference::Char(char::from_u32(n).filter(|c| is_char(*c))))
    }
}

/// What `&` began.
pub enum Reference<'a> {
    Entity(&'a str),
    /// None: the number is not that of a character of documents.
    Char(Option<char>),
}

/// The five entities that need no declaration.
pub fn predefined(name: &str) -> Option<char> {
    Some(match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        _ => return None,
    })
}

/// Line ends as `\n`.
pub fn unify_lines(text: &str) -> String {
    if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text.to_string() }
}
