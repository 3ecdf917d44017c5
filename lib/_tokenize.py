"""The tokenizer behind the module tokenize."""

import re
import token as _token
from token import EXACT_TOKEN_TYPES as _EXACT

_DIGITS = {'x': '0123456789abcdefABCDEF', 'o': '01234567', 'b': '01'}
_KINDS = {'x': 'hexadecimal', 'o': 'octal', 'b': 'binary'}
_PAIRS = {')': '(', ']': '[', '}': '{'}
_INDENTS_MAX = 100
_BRACKETS_MAX = 200
_FIELDS_MAX = 3


def _compile_patterns():
    """Patterns are made for the first tokenizer: many programs import this module and never have one."""
    global _NAME, _ANY_NAME, _BEHIND_NUMBER, _OPERATOR, _PREFIX, _MIXED, _SPACE
    _NAME = re.compile(r'\w+')
    # With extra tokens, whatever is not ASCII may be in a name.
    _ANY_NAME = re.compile(r'[^\x00-@\[-\^`{-\x7f][^\x00-/:-@\[-\^`{-\x7f]*')
    _BEHIND_NUMBER = re.compile(r'and|else|for|if|in|is|or|not')
    _OPERATOR = re.compile(r'\*\*=?|>>=?|<<=?|//=?|->|\.\.\.|:=|<>|[+\-*/%&@|^=<>!]=|[-+*/%&@|^=<>~!.,:;()\[\]{}`$?]')
    _PREFIX = re.compile(r"(?i)(?:[rbuft]|br|rb|fr|rf|tr|rt)?(?='|\")")
    _MIXED = re.compile(r"(?i)[bruft]{2,}(?=['\"])")
    _SPACE = re.compile(r'[ \f\t]*')


_SPACE = None


class _Formatted:
    """An f-string or t-string that is open: what its text ends with, and where in it the tokenizer is."""

    def __init__(self, kinds, quote, raw, start, line, before):
        self.start, self.middle, self.end = kinds
        self.quote, self.raw = quote, raw
        self.begins, self.line = start, line
        # Characters before that line.
        self.before = before
        # Innermost last: None for text, and the number of open brackets for a field's expression.
        self.levels = [None]

    @property
    def name(self):
        return 'f-string' if self.start == _token.FSTRING_START else 't-string'


class TokenizerIter:
    """An iterator over the tokens of the lines that `readline` gives."""

    def __init__(self, readline, /, *, encoding=None, extra_tokens=False):
        if _SPACE is None:
            _compile_patterns()
        self._extra = extra_tokens
        self._lines = self._reader(readline, encoding)
        self._line, self._row, self._column = '', 0, 0
        # Characters read, with the line end that the last line may lack; and before the line.
        self._length = self._before = 0
        # Lines from the beginning of what is being read.
        self._seen = []
        self._brackets, self._formatted = [], []
        # Without extra tokens the comment before the end of a line is that token's text.
        self._comment = None
        self._tokens = self._generate()

    def __iter__(self):
        return self

    def __next__(self):
        return next(self._tokens)

    @staticmethod
    def _reader(readline, encoding):
        while True:
            try:
                line = readline()
            except StopIteration:
                return
            if encoding is None:
                if not isinstance(line, str):
                    raise TypeError('readline() returned a non-string object')
            elif isinstance(line, (bytes, bytearray)):
                line = line.decode(encoding)
            elif not isinstance(line, str) or line:
                raise TypeError('readline() returned a non-bytes object')
            if not line:
                return
            yield line

    def _advance(self):
        """Goes on to the next line; False at the end."""
        self._line = next(self._lines, '')
        self._before = self._length
        self._length += len(self._line) + (self._line != '' and not self._line.endswith(('\n', '\r')))
        self._row += 1
        self._column = 0
        if self._line:
            self._seen.append(self._line)
        return bool(self._line)

    def _misindented(self, error, message):
        line = self._line.rstrip('\r\n')
        raise error(message, ('<string>', self._row, len(line) + 1, line, None, None))

    def _refuse(self, message, row=None, column=None, line=None, end_column=None):
        row = self._row if row is None else row
        column = self._column if column is None else column
        line = self._line if line is None else line
        end_column = column if end_column is None else end_column
        raise SyntaxError(message, ('<string>', row, column + 1, line, row, end_column + 1))

    def _made(self, kind, text, start, end, line=None):
        if kind == _token.OP and not self._extra:
            kind = _EXACT.get(text, _token.OP)
        return kind, text, start, end, self._line if line is None else line

    def _to(self, kind, end):
        """A token on this line, up to a column."""
        start, text = self._column, self._line[self._column:end]
        self._column = end
        return self._made(kind, text, (self._row, start), (self._row, end))

    def _generate(self):
        indents = [(0, 0)]
        continued = False
        while self._advance():
            self._seen = [self._line]
            if not self._brackets and not self._formatted and not continued:
                if (yield from self._indentation(indents)):
                    continue
            continued = False
            while self._column < len(self._line):
                if self._formatted and self._formatted[-1].levels[-1] is None:
                    yield from self._middle(self._formatted[-1])
                    continue
                self._seen = [self._line]
                self._column = _SPACE.match(self._line, self._column).end()
                if self._column >= len(self._line):
                    continue
                c = self._line[self._column]
                if c in '\r\n':
                    yield from self._line_ends(self._line[self._column:], len(self._line))
                elif c == '\\' and self._line[self._column + 1:].strip('\r\n'):
                    self._refuse('unexpected character after line continuation character', column=len(self._line.rstrip('\r\n')))
                elif c == '\\':
                    if self._column + 1 >= len(self._line):
                        self._refuse('unexpected EOF in multi-line statement', column=len(self._line))
                    continued = self._line
                    break
                else:
                    yield from self._token_at(c)
            else:
                if not self._line.endswith(('\n', '\r')):
                    yield from self._line_ends('', self._column + 1)
        if continued:
            self._no_more(continued)
        if self._formatted:
            f = self._formatted[-1]
            if f.levels[-1] is None:
                self._unterminated(f)
            # Counted from where the line of the string begins.
            self._refuse('unexpected EOF in multi-line statement', self._row - 1, self._length - f.before - 1, '')
        if self._brackets:
            self._refuse('unexpected EOF in multi-line statement', self._row - 1, -1, '')
        end, line = ((self._row, 0), '') if self._extra else ((self._row - 1, -1), ''.join(self._seen[-1:]))
        for _ in indents[1:]:
            yield self._made(_token.DEDENT, '', end, end, line)
        yield self._made(_token.ENDMARKER, '', end, end, line)

    def _no_more(self, line):
        self._refuse('unexpected EOF in multi-line statement', self._row - 1, len(line) - 1, line)

    def _line_ends(self, text, end):
        kind = _token.NL if self._brackets or self._formatted else _token.NEWLINE
        start, self._column = self._column, len(self._line)
        if self._extra:
            yield self._made(kind, text, (self._row, start), (self._row, end))
        elif kind == _token.NEWLINE:
            comment = self._comment if self._comment is not None else start
            yield self._made(kind, self._line[comment:start], (self._row, comment), (self._row, start))
        self._comment = None

    def _blanks(self):
        """How deep the line is indented, with tabs of eight and of one; the column behind the blanks is noted."""
        depth = alternative = column = 0
        for c in self._line:
            if c == ' ':
                depth, alternative = depth + 1, alternative + 1
            elif c == '\t':
                depth, alternative = (depth // 8 + 1) * 8, alternative + 1
            elif c == '\f':
                depth = alternative = 0
            else:
                break
            column += 1
        self._column = column
        return depth, alternative

    def _block(self, kind, column):
        if self._extra:
            text = self._line[:column] if kind == _token.INDENT else ''
            return self._made(kind, text, (self._row, column - len(text)), (self._row, column))
        return self._made(kind, '', (self._row, -1), (self._row, -1))

    def _indentation(self, indents):
        """Tells of blocks that begin and end; True: the line is blank, or a comment."""
        depth, alternative = self._blanks()
        first = None
        while (line := self._line)[self._column:self._column + 1] == '\\' and line[self._column + 1:] and not line[self._column + 1:].strip('\r\n'):
            # Of lines that are continued the first that is indented counts.
            first = first or (depth and (depth, alternative))
            if not self._advance():
                self._no_more(line)
            depth, alternative = self._blanks()
        depth, alternative = first or (depth, alternative)
        column = self._column
        rest = self._line[column:]
        if not rest or rest[0] in '#\r\n':
            if self._extra:
                if rest[:1] == '#':
                    yield self._to(_token.COMMENT, column + len(rest.rstrip('\r\n')))
                column = self._column
                text = self._line[column:]
                yield self._made(_token.NL, text, (self._row, column), (self._row, column + max(len(text), 1)))
            return True
        inconsistent = 'inconsistent use of tabs and spaces in indentation'
        last, last_alternative = indents[-1]
        if depth > last:
            if len(indents) >= _INDENTS_MAX:
                self._misindented(IndentationError, 'too many levels of indentation')
            if alternative <= last_alternative:
                self._misindented(TabError, inconsistent)
            indents.append((depth, alternative))
            yield self._block(_token.INDENT, column)
        while depth < indents[-1][0]:
            if all(depth != known for known, _ in indents):
                self._misindented(IndentationError, 'unindent does not match any outer indentation level')
            indents.pop()
            yield self._block(_token.DEDENT, column)
        if alternative != indents[-1][1]:
            self._misindented(TabError, inconsistent)
        return False

    def _token_at(self, c):
        line, column = self._line, self._column
        if c == '#':
            comment = column + len(line[column:].rstrip('\r\n'))
            if self._extra:
                yield self._to(_token.COMMENT, comment)
            else:
                self._comment, self._column = column, comment
            return
        mixed = _MIXED.match(line, column)
        if mixed is not None:
            self._incompatible(mixed.group().lower(), mixed.end())
        prefix = _PREFIX.match(line, column)
        if prefix is not None and (c in '\'"' or prefix.end() > column):
            yield from self._string(line[column:prefix.end()].lower(), prefix.end())
        elif c.isdigit() and c.isascii() or c == '.' and line[column + 1:column + 2].isdigit():
            yield self._number()
        elif c.isidentifier() or self._extra and not c.isascii():
            name = _ANY_NAME if self._extra else _NAME
            yield self._to(_token.NAME, name.match(line, column).end())
        else:
            yield self._operator(c)

    def _incompatible(self, prefix, end):
        """Refuses a prefix of a string whose letters do not go together."""
        for one, other in ('ub', 'ur', 'uf', 'ut', 'bf', 'bt', 'ft'):
            if one in prefix and other in prefix:
                self._refuse(f"'{one}' and '{other}' prefixes are incompatible", end_column=end)

    def _number(self):
        end, kind = self._based(self._column) or self._decimal(self._column)
        behind = self._line[end:end + 1]
        # With extra tokens, what follows a number is not looked at.
        if not self._extra and behind.isascii() and (behind == '_' or behind.isalnum()) and not _BEHIND_NUMBER.match(self._line, end):
            self._refuse(f'invalid {kind} literal', column=end - 1)
        return self._to(_token.NUMBER, end)

    def _run_of(self, at, digits, kind):
        """Behind digits, with single underscores between them."""
        line = self._line
        while True:
            while line[at:at + 1] and line[at] in digits:
                at += 1
            if line[at:at + 1] != '_':
                return at
            at += 1
            if not line[at:at + 1] or line[at] not in digits:
                self._bad_digit(at, kind)

    def _bad_digit(self, at, kind):
        digit = self._line[at:at + 1]
        if kind in ('octal', 'binary') and digit.isdigit() and digit.isascii():
            self._refuse(f"invalid digit '{digit}' in {kind} literal", column=at)
        self._refuse(f'invalid {kind} literal', column=at - 1)

    def _based(self, at):
        line = self._line
        base = line[at + 1:at + 2].lower()
        if line[at] != '0' or base not in _DIGITS:
            return None
        digits, kind = _DIGITS[base], _KINDS[base]
        first = at + 2 + (line[at + 2:at + 3] == '_')
        if not line[first:first + 1] or line[first] not in digits:
            self._bad_digit(first, kind)
        end = self._run_of(first, digits, kind)
        if kind != 'hexadecimal' and line[end:end + 1].isdigit() and line[end].isascii():
            self._bad_digit(end, kind)
        return end, kind

    def _decimal(self, at):
        line, digits = self._line, '0123456789'
        end = self._run_of(at, digits, 'decimal')
        whole = line[at:end]
        floating = line[end:end + 1] == '.'
        if floating:
            end += 1
            if line[end:end + 1] and line[end] in digits:
                end = self._run_of(end, digits, 'decimal')
        if line[end:end + 1] in ('e', 'E'):
            first = end + 1
            signed = line[first:first + 1] in ('+', '-')
            first += signed
            if line[first:first + 1] and line[first] in digits:
                end, floating = self._run_of(first, digits, 'decimal'), True
            elif signed:
                self._bad_digit(first, 'decimal')
        if line[end:end + 1] in ('j', 'J'):
            return end + 1, 'imaginary'
        if not self._extra and not floating and whole[0] == '0' and whole.strip('0_'):
            zeros = len(whole) - len(whole.lstrip('0_'))
            self._refuse('leading zeros in decimal integer literals are not permitted; use an 0o prefix for octal integers',
                         end_column=at + zeros)
        return end, 'decimal'

    def _operator(self, c):
        line, column = self._line, self._column
        inside = self._formatted[-1] if self._formatted else None
        if inside is not None and inside.levels[-1] == len(self._brackets):
            if c == ':':
                inside.levels.append(None)
                return self._to(_token.OP, column + 1)
            if c == '!' and line[column + 1:column + 2] != '=':
                return self._to(_token.OP, column + 1)
            if c == '}':
                inside.levels.pop()
                self._brackets.pop()
                return self._to(_token.OP, column + 1)
        match = _OPERATOR.match(line, column)
        if match is None or c in '$?`' or match.group() == '!':
            if not c.isprintable():
                self._refuse(f'invalid non-printable character U+{ord(c):04X}')
            if not c.isascii():
                self._refuse(f"invalid character '{c}' (U+{ord(c):04X})")
            return self._to(_token.OP, column + 1)
        if c in '([{':
            if len(self._brackets) >= _BRACKETS_MAX:
                self._refuse('too many nested parentheses')
            self._brackets.append((c, self._row, column))
        elif c in _PAIRS:
            if not self._brackets:
                if self._extra:
                    return self._to(_token.OP, match.end())
                self._refuse(f"unmatched '{c}'", column=column)
            opened, row, _ = self._brackets.pop()
            if opened != _PAIRS[c] and not self._extra:
                where = '' if row == self._row else f' on line {row}'
                self._refuse(f"closing parenthesis '{c}' does not match opening parenthesis '{opened}'{where}", column=column)
        return self._to(_token.OP, match.end())

    # ---- strings

    def _string(self, prefix, at):
        line, start = self._line, (self._row, self._column)
        quote = line[at:at + 3]
        if quote not in ('"""', "'''"):
            quote = line[at]
        at += len(quote)
        if 'f' in prefix or 't' in prefix:
            f = 'f' in prefix
            kinds = (_token.FSTRING_START, _token.FSTRING_MIDDLE, _token.FSTRING_END) if f else (
                _token.TSTRING_START, _token.TSTRING_MIDDLE, _token.TSTRING_END)
            self._formatted.append(_Formatted(kinds, quote, 'r' in prefix, start, line, self._before))
            yield self._to(kinds[0], at)
            return
        first, text = self._column, []
        while (end := self._string_end(at, quote)) is None:
            text.append(self._line[first:])
            if len(quote) == 1 and not self._line.rstrip('\r\n').endswith('\\'):
                if self._formatted and self._formatted[-1].quote == quote:
                    self._refuse(f"{self._formatted[-1].name}: expecting '}}'", *start, line)
                self._refuse(f'unterminated string literal (detected at line {self._row})', *start, line)
            if not self._advance():
                if len(quote) == 1:
                    self._refuse(f'unterminated string literal (detected at line {self._row - 1})', *start, line)
                self._refuse(f'unterminated triple-quoted string literal (detected at line {self._row - 1})', *start, line)
            first = at = 0
        text.append(self._line[first:end])
        self._column = end
        yield self._made(_token.STRING, ''.join(text), start, (self._row, end), ''.join(self._seen))

    def _string_end(self, at, quote):
        while at < len(self._line):
            if self._line[at] == '\\':
                at += 2
            elif self._line.startswith(quote, at):
                return at + len(quote)
            else:
                at += 1
        return None

    def _unterminated(self, f):
        triple = 'triple-quoted ' if len(f.quote) == 3 else ''
        self._refuse(f'unterminated {triple}{f.name} literal (detected at line {self._row - (not self._line)})', *f.begins, f.line)

    def _line_ended(self, f, in_spec):
        """Refuses the end of a line in a string of one line."""
        if in_spec:
            p = f.name[0]
            self._refuse(f'{p}-string: newlines are not allowed in format specifiers for single quoted {p}-strings')
        self._unterminated(f)

    def _middle(self, f):
        """A run of text of an f-string, and the bracket or the quotes behind it."""
        line, start = self._line, (self._row, self._column)
        in_spec = len(f.levels) > 1
        if line.startswith(f.quote, self._column):
            self._formatted.pop()
            del self._brackets[len(self._brackets) - len([l for l in f.levels if l is not None]):]
            yield self._to(f.end, self._column + len(f.quote))
            return
        if line[self._column] == '{' and line[self._column + 1:self._column + 2] != '{':
            yield self._field(f)
            return
        self._seen = [line]
        text, first, named = [], self._column, False
        while True:
            if self._column >= len(self._line):
                if len(f.quote) == 1 and not self._line.endswith(('\\\n', '\\\r\n')):
                    self._line_ended(f, in_spec)
                text.append(self._line[first:])
                if not self._advance():
                    self._unterminated(f)
                first = 0
                continue
            c = self._line[self._column]
            behind = self._line[self._column + 1:self._column + 2]
            if self._line.startswith(f.quote, self._column) or named and c == '}':
                self._column += named
                break
            if c in '\r\n' and len(f.quote) == 1:
                self._line_ended(f, in_spec)
            if c in '{}' and not named:
                if behind == c and not in_spec:
                    # One of the two is told.
                    text.append(self._line[first:self._column + 1])
                    self._column += 1
                    yield self._run(f, ''.join(text), start)
                    self._column += 1
                    return
                break
            if c == '\\':
                if not f.raw and self._line.startswith('N{', self._column + 1):
                    named = True
                    self._column += 3
                elif behind in '{}':
                    self._column += 1
                else:
                    self._column += 2
                continue
            self._column += 1
        text.append(self._line[first:self._column])
        yield self._run(f, ''.join(text), start)
        if named or self._line.startswith(f.quote, self._column):
            return
        if self._line[self._column] == '{':
            yield self._field(f)
        elif in_spec:
            f.levels.pop()
            f.levels.pop()
            self._brackets.pop()
            yield self._to(_token.OP, self._column + 1)
        else:
            self._refuse(f"{f.name}: single '}}' is not allowed")

    def _run(self, f, text, start):
        return self._made(f.middle, text, start, (self._row, self._column), ''.join(self._seen))

    def _field(self, f):
        if len([level for level in f.levels if level is not None]) >= _FIELDS_MAX:
            self._refuse(f'{f.name}: expressions nested too deeply', column=self._column - 1)
        self._brackets.append(('{', self._row, self._column))
        f.levels.append(len(self._brackets))
        return self._to(_token.OP, self._column + 1)
