"""What `ast.parse(optimize=...)` changes of a tree: what 3.14's compiler does before it makes code of one."""

import _ast
import re

_VALUE = re.compile(r'(?P<flags>[-+ #0]*)(?P<width>[0-9]*)(?:\.(?P<precision>[0-9]*))?(?P<kind>[sra])')
# A width or a precision of more digits is left to be refused where the text is formatted.
_DIGITS = 2
_NOWHERE = {'lineno': -1, 'col_offset': -1, 'end_lineno': -1, 'end_col_offset': -1}


def _place(node):
    return {name: getattr(node, name) for name in _NOWHERE}


def _children(node):
    """Field, index (None where the field holds one node) and node of what lies directly inside."""
    for field in node._fields:
        value = getattr(node, field, None)
        if isinstance(value, _ast.AST):
            yield field, None, value
        elif isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, _ast.AST):
                    yield field, index, item


def _is_text(node):
    return isinstance(node, _ast.Constant) and isinstance(node.value, str)


def _pieces(text, values):
    """The parts of an f-string that says what `text % values` says, or None."""
    out, at, literal, values = [], 0, '', iter(values)
    while at < len(text):
        if text[at] != '%':
            end = text.find('%', at)
            end = len(text) if end < 0 else end
            literal += text[at:end]
            at = end
            continue
        if text[at + 1:at + 2] == '%':
            literal += '%'
            at += 2
            continue
        found = _VALUE.match(text, at + 1)
        value = next(values, None)
        if found is None or value is None or len(found['width']) > _DIGITS or len(found['precision'] or '') > _DIGITS:
            return None
        if literal:
            out.append(_ast.Constant(literal, **_NOWHERE))
            literal = ''
        width, precision = found['width'], found['precision']
        spec = ('>' if width and '-' not in found['flags'] else '') + str(int(width or 0) or '')
        if precision is not None:
            spec += f'.{int(precision or 0)}'
        spec = _ast.Constant(spec, **_NOWHERE) if spec else None
        out.append(_ast.FormattedValue(value, ord(found['kind']), spec, **_place(value)))
        at = found.end()
    if next(values, None) is not None:
        return None
    return out + [_ast.Constant(literal, **_NOWHERE)] if literal else out


def _number(node):
    return node.value if isinstance(node, _ast.Constant) and type(node.value) in (int, float, complex) else None


def _without_docstring(node, body):
    if body and isinstance(body[0], _ast.Expr) and _is_text(body[0].value):
        if len(body) == 1:
            # As long as the word.
            place = _place(body[0])
            place |= {'end_lineno': place['lineno'], 'end_col_offset': place['col_offset'] + len('pass')}
            body[0] = _ast.Pass(**place)
        else:
            del body[0]


def _changed(node, level, in_pattern):
    """What stands for a node whose parts have been looked at."""
    match node:
        case _ast.Name(id='__debug__', ctx=_ast.Load()):
            return _ast.Constant(level == 0, **_place(node))
        case _ast.BinOp(left=_ast.Constant(value=str() as text), op=_ast.Mod(), right=_ast.Tuple(elts=values)):
            if not any(isinstance(v, _ast.Starred) for v in values):
                pieces = _pieces(text, values)
                if pieces is not None:
                    return _ast.JoinedStr(pieces, **_place(node))
        case _ast.UnaryOp(op=_ast.USub(), operand=operand) if in_pattern and _number(operand) is not None:
            return _ast.Constant(-operand.value, **_place(node))
        case _ast.BinOp(left=left, op=_ast.Add() | _ast.Sub() as op, right=right) if in_pattern:
            left, right = _number(left), _number(right)
            if left is not None and right is not None:
                return _ast.Constant(left + right if isinstance(op, _ast.Add) else left - right, **_place(node))
        case _ast.Module(body=body) | _ast.FunctionDef(body=body) | _ast.AsyncFunctionDef(body=body) | _ast.ClassDef(body=body):
            if level >= 2:
                _without_docstring(node, body)
    return node


def _copied(tree):
    """A tree of its own, and where each of its nodes hangs: parents before children."""
    nodes = [(None, None, None, tree, False)]
    for at, (parent, field, index, node, in_pattern) in enumerate(nodes):
        own = type(node)(**{f: list(v) if isinstance(v, list) else v for f, v in vars(node).items()})
        nodes[at] = (parent, field, index, own, in_pattern)
        below = isinstance(own, (_ast.MatchValue, _ast.MatchMapping)) or in_pattern and isinstance(own, _ast.expr)
        # Nodes without fields are one of each in a tree.
        nodes.extend((own, *child, below) for child in _children(own) if child[2]._fields)
        if parent is not None:
            _hang(parent, field, index, own)
    return nodes


def _hang(parent, field, index, node):
    if index is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[index] = node


def optimize(tree, level):
    """The tree that a compiler at the level (`-O`: 1, `-OO`: 2) works on."""
    nodes = _copied(tree)
    for parent, field, index, node, in_pattern in reversed(nodes):
        new = _changed(node, level, in_pattern)
        if new is not node:
            if parent is None:
                return new
            _hang(parent, field, index, new)
    return nodes[0][3]
