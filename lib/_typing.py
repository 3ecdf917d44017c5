"""Type parameters and aliases (PEP 695, 696, 649): what the machine and the module typing share."""

_Union = type(int | str)
_GenericAlias = type(list[int])
Union = _Union


@staticmethod
def _idfunc(x, /):
    # As a class's `__call__` it must not become a method.
    return x


class _NoDefaultType:
    __slots__ = ()

    def __new__(cls):
        return NoDefault

    def __repr__(self):
        return 'typing.NoDefault'

    def __reduce__(self):
        return 'NoDefault'


NoDefault = object.__new__(_NoDefaultType)
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

    def __init_subclass__(cls, **kwargs):
        if cls.__module__ not in ('_typing', 'typing'):
            raise TypeError(f"type 'typing.{cls.__mro__[1].__name__}' is not an acceptable base type")

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
        if module is not None and module != 'typing':
            self.__module__ = module


class _Variant(_Parameter):
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


class TypeVar(_Variant):
    """Type variable."""

    def __init__(self, name, *constraints, bound=None, default=NoDefault, covariant=False, contravariant=False, infer_variance=False):
        if not isinstance(name, str):
            raise TypeError(f"TypeVar() argument 'name' must be str, not {type(name).__name__}")
        if len(constraints) == 1:
            raise TypeError('A single constraint is not allowed')
        if constraints and bound is not None:
            raise TypeError('Constraints cannot be combined with bound=...')
        self._start(name, covariant, contravariant, infer_variance, default, _caller())
        self._constraints = tuple(_checked(c, 'TypeVar(name, constraint, ...): constraints must be types.') for c in constraints)
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
            return args
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


class ParamSpec(_Variant):
    """Parameter specification variable."""

    def __init__(self, name, *, bound=None, default=NoDefault, covariant=False, contravariant=False, infer_variance=False):
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


class TypeVarTuple(_Parameter):
    """Type variable tuple."""

    def __init__(self, name, *, default=NoDefault):
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


class TypeAliasType:
    """Type alias."""

    def __init_subclass__(cls, /, *args, **kwargs):
        raise TypeError("type 'typing.TypeAliasType' is not an acceptable base type")

    def __init__(self, name, value, *, type_params=()):
        if not isinstance(type_params, tuple):
            raise TypeError('type_params must be a tuple')
        seen = False
        for p in type_params:
            if getattr(p, 'has_default', None) is not None and p.has_default():
                seen = True
            elif seen and not isinstance(p, TypeVarTuple):
                raise TypeError(f"non-default type parameter '{p!r}' follows default type parameter")
        self.__dict__.update(_name=name, _value=value, _evaluate=None, _params=type_params, __module__=_caller())

    @property
    def __name__(self):
        return self._name

    @property
    def __value__(self):
        if self._value is _UNSET:
            self.__dict__['_value'] = self._evaluate(1)
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
        raise AttributeError(f"attribute '{name}' of 'typing.TypeAliasType' objects is not writable")

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
    self._start(name, False, False, cls is not TypeVarTuple, NoDefault, module)
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
    self.__dict__.update(_name=name, _value=_UNSET, _evaluate=evaluate, _params=params or (), __module__=sys._getframemodulename(1))
    return self


def _subscript_generic(params):
    import typing
    unpacked = tuple(x for p in params for x in ([typing.Unpack[p]] if isinstance(p, TypeVarTuple) else [p]))
    return typing._GenericAlias(Generic, unpacked)


for _class in (TypeVar, ParamSpec, ParamSpecArgs, ParamSpecKwargs, TypeVarTuple, TypeAliasType, Generic, _NoDefaultType):
    _class.__module__ = 'typing'
del _class
