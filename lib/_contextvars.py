"""Context variables (PEP 567)."""

from _thread import _current_context, _set_current_context

_MISSING = object()


class Token:
    """What ContextVar.set returns: how to go back."""

    MISSING = type('Token.MISSING', (), {'__repr__': lambda self: '<Token.MISSING>', '__slots__': ()})()

    def __new__(cls, *args):
        raise RuntimeError('Tokens can only be created by ContextVars')

    @property
    def var(self):
        return self._var

    @property
    def old_value(self):
        return self._old

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self._var.reset(self)

    def __repr__(self):
        used = ' used' if self._used else ''
        return f'<Token{used} var={self._var!r} at {id(self):#x}>'

    def __class_getitem__(cls, item):
        return _alias(cls, item)

    __hash__ = None


class ContextVar:
    """A variable with a value of its own in each context."""

    __slots__ = ('_name', '_default', '__weakref__')

    def __init__(self, name, *, default=_MISSING):
        if not isinstance(name, str):
            raise TypeError('context variable name must be a str')
        self._name = name
        self._default = default

    @property
    def name(self):
        return self._name

    def get(self, default=_MISSING, /):
        value = _now()._data.get(self, _MISSING)
        if value is not _MISSING:
            return value
        if default is not _MISSING:
            return default
        if self._default is not _MISSING:
            return self._default
        raise LookupError(self)

    def set(self, value, /):
        context = _now()
        old = context._data.get(self, _MISSING)
        data = dict(context._data)
        data[self] = value
        context._data = data
        token = object.__new__(Token)
        token._context = context
        token._var = self
        token._old = Token.MISSING if old is _MISSING else old
        token._used = False
        return token

    def reset(self, token, /):
        if not isinstance(token, Token):
            raise TypeError(f'expected an instance of Token, got {token!r}')
        if token._used:
            raise RuntimeError(f'{token!r} has already been used once')
        if token._var is not self:
            raise ValueError(f'{token!r} was created by a different ContextVar')
        context = _now()
        if token._context is not context:
            raise ValueError(f'{token!r} was created in a different Context')
        token._used = True
        data = dict(context._data)
        if token._old is Token.MISSING:
            data.pop(self, None)
        else:
            data[self] = token._old
        context._data = data

    def __repr__(self):
        default = '' if self._default is _MISSING else f' default={self._default!r}'
        return f'<ContextVar name={self._name!r}{default} at {id(self):#x}>'

    def __class_getitem__(cls, item):
        return _alias(cls, item)


class Context:
    """The values of context variables."""

    __slots__ = ('_data', '_previous', '__weakref__')

    def __init__(self):
        self._data = {}
        self._previous = None

    def run(self, callable, /, *args, **kwargs):
        if self._previous is not None:
            raise RuntimeError(f'cannot enter context: {self!r} is already entered')
        self._previous = _now()
        _set_current_context(self)
        try:
            return callable(*args, **kwargs)
        finally:
            _set_current_context(self._previous)
            self._previous = None

    def copy(self):
        new = Context()
        new._data = self._data
        return new

    def get(self, key, default=None, /):
        _check(key)
        return self._data.get(key, default)

    def keys(self):
        return self._data.keys()

    def values(self):
        return self._data.values()

    def items(self):
        return self._data.items()

    def __getitem__(self, key):
        _check(key)
        return self._data[key]

    def __contains__(self, key):
        _check(key)
        return key in self._data

    def __iter__(self):
        return iter(self._data)

    def __len__(self):
        return len(self._data)

    def __eq__(self, other):
        if not isinstance(other, Context):
            return NotImplemented
        return self._data == other._data

    __hash__ = None


def _check(key):
    if not isinstance(key, ContextVar):
        raise TypeError(f'a ContextVar key was expected, got {key!r}')


def _alias(cls, item):
    return type(list[int])(cls, item)


def copy_context():
    """A copy of the current context."""
    return _now().copy()


def _now():
    """The context of the running thread."""
    context = _current_context()
    if context is None:
        context = Context()
        _set_current_context(context)
    return context


for _class in (Token, ContextVar, Context):
    _class.__module__ = '_contextvars'
del _class
