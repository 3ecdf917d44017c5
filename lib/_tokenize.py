"""The tokenizer behind the module tokenize."""

import re

_NAME = re.compile(r'\w+')
_NUMBER = re.compile(
    r'0[xX](?:_?[0-9a-fA-F])+|0[bB](?:_?[01])+|0[oO](?:_?[0-7])+'
    r'|(?:[0-9](?:_?[0-9])*\.(?:[0-9](?:_?[0-9])*)?|\.[0-9](?:_?[0-9])*)(?:[eE][-+]?[0-9](?:_?[0-9])*)?[jJ]?'
    r'|[0-9](?:_?[0-9])*[eE][-+]?[0-9](?:_?[0-9])*[jJ]?|[0-9](?:_?[0-9])*[jJ]?')
_OPERATOR = re.compile(r'\*\*=?|>>=?|<<=?|//=?|->|\.\.\.|:=|[+\-*/%&@|^=<>!]=|[-+*/%&@|^=<>~!.,:;()\[\]{}`$?]')
_PREFIX = re.compile(r"(?i)(?:[rbuft]|br|rb|fr|rf|tr|rt)?(?='|\")")
_SPACE = re.compile(r'[ \f\t]*')
_OPEN, _CLOSE = '([{', ')]}'


class TokenizerIter:
    """An iterator over the tokens of the lines that `readline` gives."""

    def __init__(self, readline, /, *, encoding=None, extra_tokens=False):
        import token
        self._token = token
        self._extra = extra_tokens
        self._lines = self._reader(readline, encoding)
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
            if not line:
                return
            yield line.decode(encoding or 'utf-8') if isinstance(line, (bytes, bytearray)) else line

    def _error(self, message, line, row, column):
        error = IndentationError if 'indent' in message else SyntaxError
        raise error(message, ('<string>', row, column + 1, line, row, column + 1))

    def _generate(self):
        t = self._token
        exact = t.EXACT_TOKEN_TYPES
        indents, brackets = [0], []
        row, line, continued = 0, '', False

        def make(kind, text, start, end, shown):
            if kind == t.OP and not self._extra:
                kind = exact.get(text, t.OP)
            return kind, text, start, end, shown

        while True:
            line = next(self._lines, '')
            row += 1
            if not line:
                break
            column = 0
            if not brackets and not continued:
                depth = 0
                for c in line:
                    if c == ' ':
                        depth += 1
                    elif c == '\t':
                        depth = (depth // 8 + 1) * 8
                    elif c == '\f':
                        depth = 0
                    else:
                        break
                    column += 1
                rest = line[column:]
                if not rest or rest[0] in '#\r\n':
                    if rest[:1] == '#':
                        comment = rest.rstrip('\r\n')
                        if self._extra:
                            yield make(t.COMMENT, comment, (row, column), (row, column + len(comment)), line)
                        column += len(comment)
                    if self._extra and (line[column:] or rest[:1] == '#'):
                        yield make(t.NL, line[column:], (row, column), (row, max(column + 1, len(line))), line)
                    continue
                if depth > indents[-1]:
                    indents.append(depth)
                    yield make(t.INDENT, line[:column], (row, 0), (row, column), line)
                while depth < indents[-1]:
                    if depth not in indents:
                        self._error('unindent does not match any outer indentation level', line, row, column)
                    indents.pop()
                    yield make(t.DEDENT, '', (row, column), (row, column), line)
            continued = False
            while column < len(line):
                column = _SPACE.match(line, column).end()
                if column >= len(line):
                    break
                c = line[column]
                start = (row, column)
                if c in '\r\n':
                    kind = t.NL if brackets else t.NEWLINE
                    if kind == t.NEWLINE or self._extra:
                        yield make(kind, line[column:], start, (row, len(line)), line)
                    column = len(line)
                elif c == '#':
                    comment = line[column:].rstrip('\r\n')
                    if self._extra:
                        yield make(t.COMMENT, comment, start, (row, column + len(comment)), line)
                    column += len(comment)
                elif c == '\\' and line[column + 1:].strip('\r\n') == '':
                    if column + 1 >= len(line):
                        self._error('unexpected EOF while parsing', line, row, column)
                    continued = True
                    break
                elif c in '\'"' or (c.isalpha() and _PREFIX.match(line, column) and _PREFIX.match(line, column).end() > column):
                    first, first_row = line, row
                    prefix_end = _PREFIX.match(line, column).end()
                    prefix = line[column:prefix_end].lower()
                    quote = line[prefix_end:prefix_end + 3]
                    if quote not in ('"""', "'''"):
                        quote = line[prefix_end]
                    at = prefix_end + len(quote)
                    text = line[column:at]
                    while True:
                        end = self._string_end(line, at, quote)
                        if end is not None:
                            text += line[at:end]
                            break
                        text += line[at:]
                        single = len(quote) == 1
                        if single and not line.rstrip('\r\n').endswith('\\'):
                            self._error(f'unterminated string literal (detected at line {row})', first, first_row, column)
                        line = next(self._lines, '')
                        if not line:
                            self._error(f'unterminated triple-quoted string literal (detected at line {row})', first, first_row, column)
                        first += line
                        row += 1
                        at = 0
                    if 'f' in prefix or 't' in prefix:
                        yield from self._formatted(make, prefix, quote, text, start, (row, end), first)
                    else:
                        yield make(t.STRING, text, start, (row, end), first)
                    column = end
                elif c.isdigit() or (c == '.' and line[column + 1:column + 2].isdigit()):
                    end = _NUMBER.match(line, column).end()
                    yield make(t.NUMBER, line[column:end], start, (row, end), line)
                    column = end
                elif c.isidentifier():
                    end = _NAME.match(line, column).end()
                    yield make(t.NAME, line[column:end], start, (row, end), line)
                    column = end
                else:
                    match = _OPERATOR.match(line, column)
                    if match is None or c in '$?`' or c == '!' and match.group() == '!':
                        if not self._extra:
                            self._error('invalid syntax', line, row, column)
                        yield make(t.OP, c, start, (row, column + 1), line)
                        column += 1
                        continue
                    if c in _OPEN:
                        brackets.append((c, row, column))
                    elif c in _CLOSE:
                        if not brackets:
                            self._error(f"unmatched '{c}'", line, row, column)
                        brackets.pop()
                    yield make(t.OP, match.group(), start, (row, match.end()), line)
                    column = match.end()
            else:
                if not line.endswith(('\n', '\r')) and not brackets:
                    yield make(t.NEWLINE, '', (row, len(line)), (row, len(line) + 1), line)
        if brackets:
            c, at, column = brackets[-1]
            self._error(f"'{c}' was never closed" if not self._extra else 'unexpected EOF in multi-line statement', '', at, column)
        for _ in indents[1:]:
            yield make(t.DEDENT, '', (row, 0), (row, 0), '')
        yield make(t.ENDMARKER, '', (row, 0), (row, 0), '')

    def _formatted(self, make, prefix, quote, text, start, end, line):
        t = self._token
        kinds = (t.FSTRING_START, t.FSTRING_MIDDLE, t.FSTRING_END) if 'f' in prefix else (
            t.TSTRING_START, t.TSTRING_MIDDLE, t.TSTRING_END)
        head = len(prefix) + len(quote)
        position = [start[0], start[1]]

        def advance(piece):
            lines = piece.count('\n')
            position[0] += lines
            position[1] = len(piece) - piece.rfind('\n') - 1 if lines else position[1] + len(piece)
            return tuple(position)

        yield make(kinds[0], text[:head], start, advance(text[:head]), line)
        body, i, run = text[head:len(text) - len(quote)], 0, 0
        while i < len(body):
            c = body[i]
            if c in '{}' and body[i + 1:i + 2] == c:
                piece = body[run:i + 1]
                before = tuple(position)
                yield make(kinds[1], piece, before, advance(piece), line)
                advance(c)
                i += 2
                run = i
            elif c == '{':
                if i > run:
                    before = tuple(position)
                    yield make(kinds[1], body[run:i], before, advance(body[run:i]), line)
                depth, j, spec = 1, i + 1, None
                while j < len(body) and depth:
                    if body[j] in '([{':
                        depth += 1
                    elif body[j] in ')]}':
                        depth -= 1
                    elif depth == 1 and body[j] == ':' and spec is None:
                        spec = j
                    j += 1
                field = body[i:j]
                before = tuple(position)
                stop = field[:(spec - i) if spec is not None else len(field)]
                for kind, piece, s, e, _ in TokenizerIter(iter([stop.rstrip('}') + '\n']).__next__ if False else iter(['(' + stop[1:].rstrip('}') + ')\n']).__next__, extra_tokens=self._extra):
                    if kind in (t.NEWLINE, t.NL, t.ENDMARKER) or (piece in '()' and (s == (1, 0) or e[1] == len(stop.rstrip('}')) + 1)):
                        continue
                    yield make(kind, piece, (before[0], before[1] + s[1]), (before[0], before[1] + e[1]), line)
                advance(field)
                i = run = j
            elif c == '\\' and 'r' not in prefix:
                i += 2
            else:
                i += 1
        if len(body) > run:
            before = tuple(position)
            yield make(kinds[1], body[run:], before, advance(body[run:]), line)
        before = tuple(position)
        yield make(kinds[2], quote, before, end, line)

    @staticmethod
    def _string_end(line, at, quote):
        while at < len(line):
            if line[at] == '\\':
                at += 2
            elif line.startswith(quote, at):
                return at + len(quote)
            else:
                at += 1
        return None
