"""The node classes of the abstract grammar (ASDL of Python 3.14)."""

_NODES = '''
mod: Module(body, type_ignores) Interactive(body) Expression(body) FunctionType(argtypes, returns)
stmt+: FunctionDef(name, args, body, decorator_list, returns?, type_comment?, type_params)
 AsyncFunctionDef(name, args, body, decorator_list, returns?, type_comment?, type_params)
 ClassDef(name, bases, keywords, body, decorator_list, type_params) Return(value?) Delete(targets)
 Assign(targets, value, type_comment?) TypeAlias(name, type_params, value) AugAssign(target, op, value)
 AnnAssign(target, annotation, value?, simple) For(target, iter, body, orelse, type_comment?)
 AsyncFor(target, iter, body, orelse, type_comment?) While(test, body, orelse) If(test, body, orelse)
 With(items, body, type_comment?) AsyncWith(items, body, type_comment?) Match(subject, cases) Raise(exc?, cause?)
 Try(body, handlers, orelse, finalbody) TryStar(body, handlers, orelse, finalbody) Assert(test, msg?) Import(names)
 ImportFrom(module?, names, level?) Global(names) Nonlocal(names) Expr(value) Pass() Break() Continue()
expr+: BoolOp(op, values) NamedExpr(target, value) BinOp(left, op, right) UnaryOp(op, operand) Lambda(args, body)
 IfExp(test, body, orelse) Dict(keys, values) Set(elts) ListComp(elt, generators) SetComp(elt, generators)
 DictComp(key, value, generators) GeneratorExp(elt, generators) Await(value) Yield(value?) YieldFrom(value)
 Compare(left, ops, comparators) Call(func, args, keywords) FormattedValue(value, conversion, format_spec?)
 Interpolation(value, str, conversion, format_spec?) JoinedStr(values) TemplateStr(values) Constant(value, kind?)
 Attribute(value, attr, ctx) Subscript(value, slice, ctx) Starred(value, ctx) Name(id, ctx) List(elts, ctx)
 Tuple(elts, ctx) Slice(lower?, upper?, step?)
expr_context: Load() Store() Del()
boolop: And() Or()
operator: Add() Sub() Mult() MatMult() Div() Mod() Pow() LShift() RShift() BitOr() BitXor() BitAnd() FloorDiv()
unaryop: Invert() Not() UAdd() USub()
cmpop: Eq() NotEq() Lt() LtE() Gt() GtE() Is() IsNot() In() NotIn()
comprehension = (target, iter, ifs, is_async)
excepthandler+: ExceptHandler(type?, name?, body)
arguments = (posonlyargs, args, vararg?, kwonlyargs, kw_defaults, kwarg?, defaults)
arg+ = (arg, annotation?, type_comment?)
keyword+ = (arg?, value)
alias+ = (name, asname?)
withitem = (context_expr, optional_vars?)
match_case = (pattern, guard?, body)
pattern+: MatchValue(value) MatchSingleton(value) MatchSequence(patterns) MatchMapping(keys, patterns, rest?)
 MatchClass(cls, patterns, kwd_attrs, kwd_patterns) MatchStar(name?) MatchAs(pattern?, name?) MatchOr(patterns)
type_ignore: TypeIgnore(lineno, tag)
type_param+: TypeVar(name, bound?, default_value?) ParamSpec(name, default_value?) TypeVarTuple(name, default_value?)
'''

# What a field holds: by its name, else by class and name. A list is written [x].
_TYPES = {}
for _line in '''
expr: returns value test target annotation iter exc cause msg left right operand elt key func format_spec slice lower upper
 step type context_expr optional_vars guard cls bound default_value subject
[expr]: argtypes decorator_list bases targets values keys elts comparators ifs kw_defaults defaults Call.args
[stmt]: body orelse finalbody
str: name type_comment module kind attr id arg asname rest tag
int: simple level conversion is_async lineno
object: Constant.value MatchSingleton.value Interpolation.str
[type_ignore]: type_ignores
[type_param]: type_params
[keyword]: keywords
[withitem]: items
[match_case]: cases
[excepthandler]: handlers
[alias]: names
[str]: Global.names Nonlocal.names kwd_attrs
[comprehension]: generators
[cmpop]: ops
[arg]: posonlyargs args kwonlyargs
[pattern]: patterns kwd_patterns
arg: vararg kwarg
arguments: FunctionDef.args AsyncFunctionDef.args Lambda.args
expr_context: ctx
operator: op
boolop: BoolOp.op
unaryop: UnaryOp.op
pattern: pattern
expr: Expression.body Lambda.body IfExp.body IfExp.orelse TypeAlias.name
'''.replace('\n ', ' ').strip().splitlines():
    _kind, _, _names = _line.partition(': ')
    _TYPES.update(dict.fromkeys(_names.split(), _kind))
del _line, _kind, _names

PyCF_ONLY_AST = 0x400
PyCF_OPTIMIZED_AST = 0x8400
PyCF_TYPE_COMMENTS = 0x1000
PyCF_ALLOW_TOP_LEVEL_AWAIT = 0x2000


class AST:
    _fields = ()
    _attributes = ()
    __match_args__ = ()

    def __init__(self, *args, **kwargs):
        cls = type(self)
        fields = self._fields
        if len(args) > len(fields):
            plural = '' if len(fields) == 1 else 's'
            raise TypeError(f'{cls.__name__} constructor takes at most {len(fields)} positional argument{plural}')
        remaining = set(fields)
        for name, value in zip(fields, args):
            setattr(self, name, value)
            remaining.discard(name)
        for name, value in kwargs.items():
            if name in fields:
                if name not in remaining:
                    raise TypeError(f"{cls.__name__} got multiple values for argument {name!r}")
                remaining.discard(name)
            elif name not in self._attributes:
                _warn(f"{_shown(cls)}.__init__ got an unexpected keyword argument '{name}'. "
                      'Support for arbitrary keyword arguments is deprecated and will be removed in Python 3.15.')
            setattr(self, name, value)
        if remaining:
            self._complete(cls, remaining)

    def _complete(self, cls, missing):
        """Gives fields that were not given what their types say they are then."""
        types = getattr(cls, '_field_types', None)
        if types is None:
            return
        for name in missing:
            kind = types.get(name)
            if kind is None:
                _warn(f"Field '{name}' is missing from {_shown(cls)}._field_types. This will become an error in Python 3.15.", 4)
            elif isinstance(kind, _Union):
                # The class has None for it.
                pass
            elif isinstance(kind, _GenericAlias):
                setattr(self, name, [])
            elif kind is expr_context:
                setattr(self, name, Load())
            else:
                _warn(f"{_shown(cls)}.__init__ missing 1 required positional argument: '{name}'. This will become an error in Python 3.15.", 4)

    def __replace__(self, /, **changes):
        expected = {name for name in self._fields if getattr(self, name, None) is None and name not in self.__dict__}
        unknown = [name for name in changes if name not in self._fields and name not in self._attributes]
        if unknown:
            raise TypeError(f"{type(self).__name__}.__replace__ got an unexpected keyword argument '{unknown[0]}'.")
        lost = sorted(repr(name) for name in expected - changes.keys() if name not in dir(type(self)))
        if lost:
            plural = '' if len(lost) == 1 else 's'
            raise TypeError(f"{type(self).__name__}.__replace__ missing {len(lost)} keyword argument{plural}: {', '.join(lost)}.")
        values = {name: getattr(self, name) for name in self._fields + self._attributes if hasattr(self, name)}
        values.update(changes)
        return type(self)(**values)

    def __repr__(self):
        return _repr(self, 3)


_GenericAlias = type(list[int])
_Union = type(int | str)


def _shown(cls):
    return 'ast.AST' if cls is AST else cls.__name__


def _warn(text, level=3):
    import warnings
    warnings.warn(text, DeprecationWarning, stacklevel=level)


def _repr(node, depth):
    """`Name(id='x', ctx=Load())`; what is nested deeper than that is three dots, and so is the middle of a list."""
    if not isinstance(node, AST):
        return repr(node)
    name = type(node).__name__
    if depth <= 0:
        return f'{name}(...)'
    if not node._fields:
        return f'{name}()'
    parts = []
    for field in node._fields:
        value = getattr(node, field)
        if type(value) is list or type(value) is tuple:
            items = [_repr(value[i], depth - 1) for i in ((0, -1) if len(value) > 1 else range(len(value)))]
            inner = ', ..., '.join(items) if len(value) > 2 else ', '.join(items)
            text = f'[{inner}]' if type(value) is list else f'({inner})'
        else:
            text = _repr(value, depth - 1)
        parts.append(f'{field}={text}')
    return f"{name}({', '.join(parts)})"


AST.__module__ = 'ast'


def _kind_of(cls, field):
    for c in cls.__mro__:
        kind = _TYPES.get(f'{c.__name__}.{field}')
        if kind:
            return kind
    return _TYPES.get(field, 'object')


def _field_type(cls, field):
    kind = _kind_of(cls, field)
    named = {'str': str, 'int': int, 'object': object}
    of = kind.strip('[]')
    found = named.get(of) or globals()[of]
    if kind.startswith('['):
        return list[found]
    return found | None if field in cls._optional else found


def _define(name, base, fields, located):
    names = tuple(f.rstrip('?') for f in fields)
    optional = frozenset(f[:-1] for f in fields if f.endswith('?'))
    body = {'_fields': names, '__match_args__': names, '_optional': optional, '__module__': 'ast', '__doc__': None}
    if located is not None:
        body['_attributes'] = ('lineno', 'col_offset', 'end_lineno', 'end_col_offset') if located else ()
    if located:
        body['end_lineno'] = None
        body['end_col_offset'] = None
    for field in optional:
        body[field] = None
    globals()[name] = type(name, (base,), body)


def _build():
    sum_name = None
    text = _NODES.replace('\n ', ' ')
    for line in text.strip().splitlines():
        head, _, rest = line.partition(': ')
        if not rest:
            head, _, fields = line.partition(' = ')
            _define(head.rstrip('+'), AST, [f.strip() for f in fields.strip('()').split(',') if f.strip()], head.endswith('+'))
            continue
        sum_name = head.rstrip('+')
        _define(sum_name, AST, [], head.endswith('+'))
        base = globals()[sum_name]
        for part in rest.split(')'):
            name, _, fields = part.strip().partition('(')
            if name:
                _define(name, base, [f.strip() for f in fields.split(',') if f.strip()], None)


def _signature(cls):
    """A node in the words of the abstract grammar: `Name(identifier id, expr_context ctx)`."""
    words = []
    for field in cls._fields:
        kind = _kind_of(cls, field)
        of = kind.strip('[]')
        if of == 'str':
            of = 'string' if field in ('type_comment', 'kind', 'tag') else 'identifier'
        elif of == 'object':
            of = 'constant'
        mark = '*' if kind.startswith('[') else '?' if field in cls._optional else ''
        if (cls.__name__, field) == ('Dict', 'keys'):
            mark = '?*'
        words.append(f'{of}{mark} {field}')
    return f"{cls.__name__}({', '.join(words)})" if words else cls.__name__


def _finish():
    sums = {}
    for cls in list(globals().values()):
        if not isinstance(cls, type) or not issubclass(cls, AST) or cls is AST:
            continue
        base = cls.__base__
        if base is not AST or cls._fields:
            cls._field_types = cls.__annotations__ = {f: _field_type(cls, f) for f in cls._fields}
            cls.__doc__ = _signature(cls)
        if base is AST:
            sums.setdefault(cls, [])
        else:
            sums[base].append(cls.__doc__)
    for cls, parts in sums.items():
        if parts:
            cls.__annotations__ = {}
            simple = not any('(' in p for p in parts)
            between = ' | ' if simple else '\n' + ' ' * (len(cls.__name__) + 1) + '| '
            cls.__doc__ = f'{cls.__name__} = {between.join(parts)}'


_build()
_finish()
AST.__annotations__ = {}
