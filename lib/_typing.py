"""Type parameters and aliases (PEP 695, 696, 649): what the machine and the module typing share."""

_Union = type(int | str)
_GenericAlias = type(list[int])
Union = _Union


@staticmethod
def _idfunc(x, /):
    # As a class's `__call__` it must not become a method.
    return x


class NoDefaultType:
    """The type of the NoDefault singleton."""

    __slots__ = ()

    def __new__(cls):
        return NoDefault

    def __repr__(self):
        return 'typing.NoDefault'

    def __reduce__(self):
        return 'NoDefault'


NoDefault = object.__new__(NoDefaultType)
_UNSET = object()


def _caller():
    import sys
    try:
        return sys._getframemodulename(2)
    except AttributeError:
        return None


def _no_subclass(name):
    def __mro_entries__(self, bases):
        raise TypeError(f'Cannot subclass an instance of {name}')
    return __mro_entries__


class _Parameter:
    """What TypeVar, ParamSpec and TypeVarTuple have in common."""

    @property
    def __name__(self):
        return self._name

    @property
    def __default__(self):
        if self._default is _UNSET:
            self._default = self._evaluate_default(1) if self._evaluate_default else NoDefault
        return self._default

    @property
    def evaluate_default(self):
        if self._evaluate_default is not None:
            return self._evaluate_default
        return None if self._default is NoDefault else _constant(self._default)

    def has_default(self):
        """Whether the parameter has a default."""
        return self._evaluate_default is not None or self._default is not NoDefault

    def __repr__(self):
        if self._infer:
            return self._name
        sign = '+' if self._covariant else '-' if self._contravariant else '~'
        return sign + self._name

    def __reduce__(self):
        return self._name

    def __or__(self, other):
        return _Union[self, other]

    def __ror__(self, other):
        return _Union[other, self]

    def _start(self, name, covariant, contravariant, infer, default, module):
        if covariant and contravariant:
            raise ValueError('Bivariant types are not supported.')
        if infer and (covariant or contravariant):
            raise ValueError('Variance cannot be specified with infer_variance.')
        self._name = name
        self._covariant = bool(covariant)
        self._contravariant = bool(contravariant)
        self._infer = bool(infer)
        self._default = default
        self._evaluate_default = None
        if module != 'typing' and module is not _UNSET:
            self.__module__ = module


class _Variant:
    """What only parameters with a variance have."""

    @property
    def __covariant__(self):
        return self._covariant

    @property
    def __contravariant__(self):
        return self._contravariant

    @property
    def __infer_variance__(self):
        return self._infer


def _methods(*parts):
    # Each class has all of its methods itself, and no base but object.
    own = ('__dict__', '__weakref__', '__module__', '__doc__', '__firstlineno__', '__static_attributes__')
    return {name: value for part in parts for name, value in vars(part).items() if name not in own}


def _constant(value):
    def evaluate(format=1, /):
        if format == 4:
            import annotationlib
            return annotationlib.type_repr(value)
        return value
    return evaluate


def _checked(arg, message):
    import typing
    return typing._type_check(arg, message)


class TypeVar:
    """Type variable."""
    locals().update(_methods(_Parameter, _Variant))

    def __init__(self, name, *constraints, bound=None, default=NoDefault, covariant=False, contravariant=False, infer_variance=False):
        if not isinstance(name, str):
            raise TypeError(f"TypeVar() argument 'name' must be str, not {type(name).__name__}")
        if len(constraints) == 1:
            raise TypeError('A single constraint is not allowed')
        if constraints and bound is not None:
            raise TypeError('Constraints cannot be combined with bound=...')
        self._start(name, covariant, contravariant, infer_variance, default, _caller())
        self._constraints = constraints
        self._bound = None if bound is None else _checked(bound, 'Bound must be a type.')
        self._evaluate_bound = self._evaluate_constraints = None

    @property
    def __bound__(self):
        if self._bound is _UNSET:
            self._bound = self._evaluate_bound(1)
        return self._bound

    @property
    def __constraints__(self):
        if self._constraints is _UNSET:
            self._constraints = self._evaluate_constraints(1)
        return self._constraints

    @property
    def evaluate_bound(self):
        if self._evaluate_bound is not None:
            return self._evaluate_bound
        return None if self._bound is None else _constant(self._bound)

    @property
    def evaluate_constraints(self):
        if self._evaluate_constraints is not None:
            return self._evaluate_constraints
        return _constant(self._constraints) if self._constraints else None

    def __typing_subst__(self, arg):
        import typing
        return typing._typevar_subst(self, arg)

    def __typing_prepare_subst__(self, alias, args):
        params = alias.__parameters__
        i = params.index(self)
        if i < len(args):
            return args
        if i == len(args) and self.has_default():
            return (*args, self.__default__)
        if i == len(args):
            raise TypeError(f'Too few arguments for {alias}; actual {i}, expected at least {i + 1}')
        raise TypeError(f'Too few arguments for {alias}')

    __mro_entries__ = _no_subclass('TypeVar')


class ParamSpecArgs:
    """The args for a ParamSpec object."""

    def __init__(self, origin):
        self.__origin__ = origin

    def __repr__(self):
        return f'{self.__origin__.__name__}.args'

    def __eq__(self, other):
        if type(other) is not type(self):
            return NotImplemented
        return self.__origin__ == other.__origin__

    __hash__ = None
    __mro_entries__ = _no_subclass('ParamSpecArgs')


class ParamSpecKwargs:
    """The kwargs for a ParamSpec object."""

    def __init__(self, origin):
        self.__origin__ = origin

    def __repr__(self):
        return f'{self.__origin__.__name__}.kwargs'

    def __eq__(self, other):
        if type(other) is not type(self):
            return NotImplemented
        return self.__origin__ == other.__origin__

    __hash__ = None
    __mro_entries__ = _no_subclass('ParamSpecKwargs')


class ParamSpec:
    """Parameter specification variable."""
    locals().update(_methods(_Parameter, _Variant))

    def __init__(self, name, *, bound=None, default=NoDefault, covariant=False, contravariant=False, infer_variance=False):
        if not isinstance(name, str):
            raise TypeError(f"paramspec() argument 'name' must be str, not {type(name).__name__}")
        self._start(name, covariant, contravariant, infer_variance, default, _caller())
        self.__bound__ = None if bound is None else _checked(bound, 'Bound must be a type.')

    @property
    def args(self):
        return ParamSpecArgs(self)

    @property
    def kwargs(self):
        return ParamSpecKwargs(self)

    def __typing_subst__(self, arg):
        import typing
        return typing._paramspec_subst(self, arg)

    def __typing_prepare_subst__(self, alias, args):
        import typing
        return typing._paramspec_prepare_subst(self, alias, args)

    __mro_entries__ = _no_subclass('ParamSpec')


class TypeVarTuple:
    """Type variable tuple."""
    locals().update(_methods(_Parameter))

    def __init__(self, name, *, default=NoDefault):
        if not isinstance(name, str):
            raise TypeError(f"typevartuple() argument 'name' must be str, not {type(name).__name__}")
        self._start(name, False, False, False, default, _caller())

    def __iter__(self):
        import typing
        yield typing.Unpack[self]

    def __repr__(self):
        return self._name

    def __typing_subst__(self, arg):
        raise TypeError('Substitution of bare TypeVarTuple is not supported')

    def __typing_prepare_subst__(self, alias, args):
        import typing
        return typing._typevartuple_prepare_subst(self, alias, args)

    __mro_entries__ = _no_subclass('TypeVarTuple')


def _alias(self, name, value, evaluate, params, module):
    put = object.__setattr__
    put(self, '_name', name)
    put(self, '_value', value)
    put(self, '_evaluate', evaluate)
    put(self, '_params', params)
    put(self, '__module__', module)


class TypeAliasType:
    """Type alias."""

    def __init__(self, name, value, *, type_params=()):
        if not isinstance(name, str):
            raise TypeError(f"typealias() argument 'name' must be str, not {type(name).__name__}")
        if not isinstance(type_params, tuple):
            raise TypeError('type_params must be a tuple')
        seen = False
        for p in type_params:
            if not isinstance(p, (TypeVar, ParamSpec, TypeVarTuple)):
                raise TypeError(f'Expected a type param, got {p!r}')
            if getattr(p, 'has_default', None) is not None and p.has_default():
                seen = True
            elif seen and not isinstance(p, TypeVarTuple):
                raise TypeError(f"non-default type parameter '{p!r}' follows default type parameter")
        _alias(self, name, value, None, type_params, _caller())

    @property
    def __name__(self):
        return self._name

    @property
    def __value__(self):
        if self._value is _UNSET:
            object.__setattr__(self, '_value', self._evaluate(1))
        return self._value

    @property
    def evaluate_value(self):
        return self._evaluate if self._evaluate is not None else _constant(self._value)

    @property
    def __type_params__(self):
        return self._params

    @property
    def __parameters__(self):
        import typing
        return tuple(x for p in self._params for x in ([typing.Unpack[p]] if isinstance(p, TypeVarTuple) else [p]))

    def __setattr__(self, name, value):
        if name in ('__name__', '__value__', '__type_params__', '__parameters__', '__module__', 'evaluate_value'):
            raise AttributeError('readonly attribute')
        raise AttributeError(f"'typing.TypeAliasType' object has no attribute '{name}' and no __dict__ for setting new attributes")

    def __repr__(self):
        return self._name

    def __getitem__(self, parameters):
        if not self._params:
            raise TypeError('Only generic type aliases are subscriptable')
        return _GenericAlias(self, parameters)

    def __iter__(self):
        import typing
        yield typing.Unpack[self]

    def __or__(self, other):
        return _Union[self, other]

    def __ror__(self, other):
        return _Union[other, self]

    def __reduce__(self):
        return self._name

    def __call__(self, *args, **kwargs):
        raise TypeError("'typing.TypeAliasType' object is not callable")


class Generic:
    """Abstract base class for generic types."""

    __slots__ = ()
    _is_protocol = False

    def __class_getitem__(cls, params):
        import typing
        return typing._generic_class_getitem(cls, params)

    def __init_subclass__(cls, *args, **kwargs):
        import typing
        return typing._generic_init_subclass(cls, *args, **kwargs)


def _made(cls, name):
    self = cls.__new__(cls)
    import sys
    module = sys._getframemodulename(2)
    self._start(name, False, False, cls is not TypeVarTuple, NoDefault, _UNSET if module is None else module)
    return self


def _typevar(name):
    self = _made(TypeVar, name)
    self._bound, self._constraints = None, ()
    self._evaluate_bound = self._evaluate_constraints = None
    return self


def _typevar_bound(name, evaluate):
    self = _made(TypeVar, name)
    self._bound, self._constraints = _UNSET, ()
    self._evaluate_bound, self._evaluate_constraints = evaluate, None
    return self


def _typevar_constraints(name, evaluate):
    self = _made(TypeVar, name)
    self._bound, self._constraints = None, _UNSET
    self._evaluate_bound, self._evaluate_constraints = None, evaluate
    return self


def _paramspec(name):
    self = _made(ParamSpec, name)
    self.__bound__ = None
    return self


def _typevartuple(name):
    return _made(TypeVarTuple, name)


def _set_default(parameter, evaluate):
    parameter._default = _UNSET
    parameter._evaluate_default = evaluate


def _type_alias(name, params, evaluate):
    self = TypeAliasType.__new__(TypeAliasType)
    import sys
    _alias(self, name, _UNSET, evaluate, params or (), sys._getframemodulename(1))
    return self


def _subscript_generic(params):
    import typing
    unpacked = tuple(x for p in params for x in ([typing.Unpack[p]] if isinstance(p, TypeVarTuple) else [p]))
    return typing._GenericAlias(Generic, unpacked)


for _class in (TypeVar, ParamSpec, ParamSpecArgs, ParamSpecKwargs, TypeVarTuple, TypeAliasType, Generic, NoDefaultType):
    _class.__module__ = 'typing'
# It is found by its name in typing, not by a module of its class.
NoDefaultType.__module__ = None
import _retic
for _class in (TypeVar, ParamSpec, ParamSpecArgs, ParamSpecKwargs, TypeVarTuple, TypeAliasType, NoDefaultType):
    _retic.seal(_class, False)
_retic.seal(Generic, True)
del _class, _retic
