"""What CPython's own tests ask of its C interface, as far as it has a meaning here (Modules/_testcapi)."""

import sys as _sys

import _retic_calls
from _retic_calls import MethClass, MethInstance, MethStatic

CHAR_MAX, CHAR_MIN, UCHAR_MAX = 127, -128, 255
SHRT_MAX, SHRT_MIN, USHRT_MAX = 2**15 - 1, -(2**15), 2**16 - 1
INT_MAX, INT_MIN, UINT_MAX = 2**31 - 1, -(2**31), 2**32 - 1
LONG_MAX, LONG_MIN, ULONG_MAX = 2**63 - 1, -(2**63), 2**64 - 1
LLONG_MAX, LLONG_MIN, ULLONG_MAX = 2**63 - 1, -(2**63), 2**64 - 1
PY_SSIZE_T_MAX, PY_SSIZE_T_MIN, SIZE_MAX = _sys.maxsize, -_sys.maxsize - 1, 2**64 - 1
DBL_MAX, DBL_MIN = _sys.float_info.max, _sys.float_info.min
FLT_MAX, FLT_MIN = 3.4028234663852886e38, 1.1754943508222875e-38
SIZEOF_WCHAR_T = 4
SIZEOF_VOID_P = 8
SIZEOF_TIME_T = 8
SIZEOF_PID_T = 4
WITH_PYMALLOC, WITH_MIMALLOC = True, False
# How deep native code may call itself.
Py_C_RECURSION_LIMIT = 20_000


class error(Exception):
    """An error of this module."""


class RecursingInfinitelyError(Exception):
    """Makes another of itself, and that another, without an end."""

    def __init__(self, *args):
        self.args = (RecursingInfinitelyError(),)


def exception_print(exception, legacy=False, /):
    """Writes an exception to sys.stderr as an uncaught one is written (PyErr_Display)."""
    if not isinstance(exception, BaseException):
        _sys.stderr.write(
            f"TypeError: print_exception(): Exception expected for value, {type(exception).__name__} found\n"
        )
        return
    _sys.__excepthook__(type(exception), exception, exception.__traceback__)


def traceback_print(tb, file, /):
    """Writes the lines of a traceback, without carets (PyTraceBack_Print)."""
    import types

    if not isinstance(tb, types.TracebackType):
        raise SystemError("bad argument to internal function")
    import traceback

    file.write("Traceback (most recent call last):\n")
    entries = traceback.extract_tb(tb)
    bare = [traceback.FrameSummary(e.filename, e.lineno, e.name, line=e.line) for e in entries]
    file.writelines(traceback.StackSummary.from_list(bare).format())


def raise_exception(kind, count, /):
    """Raises an exception of a class, made of the numbers below count (PyErr_SetObject)."""
    value = kind(*range(count))
    if not isinstance(value, BaseException):
        raise SystemError(f"_PyErr_SetObject: exception {kind!r} is not a BaseException subclass")
    raise value


def raise_memoryerror():
    """Raises MemoryError (PyErr_NoMemory)."""
    raise MemoryError


def make_exception_with_doc(name, doc=None, base=None, dict=None):
    """A new class of exceptions (PyErr_NewExceptionWithDoc)."""
    module, dot, short = name.rpartition(".")
    if not dot:
        raise SystemError("PyErr_NewException: name must be module.class")
    names = {} if dict is None else dict
    if doc is not None:
        names["__doc__"] = doc
    names.setdefault("__module__", module)
    bases = base if isinstance(base, tuple) else (Exception if base is None else base,)
    return type(short, bases, names)


def err_writeunraisable(exception, obj, /):
    """Tells sys.unraisablehook of an exception (PyErr_WriteUnraisable)."""
    _unraisable(exception, None, obj)


def err_formatunraisable(exception, form=None, /, *args):
    """Tells sys.unraisablehook of an exception, with a message (PyErr_FormatUnraisable)."""
    message = None if form is None else (form.decode() if isinstance(form, bytes) else form) % args
    _unraisable(exception, message, None)


def _unraisable(exception, message, obj):
    import types

    kind = None if exception is None else type(exception)
    tb = None if exception is None else exception.__traceback__
    _sys.unraisablehook(
        types.SimpleNamespace(exc_type=kind, exc_value=exception, exc_traceback=tb, err_msg=message, object=obj)
    )


def check_pyimport_addmodule(name, /):
    """A module by its name, made where there is none (PyImport_AddModuleRef)."""
    import types

    if name not in _sys.modules:
        _sys.modules[name] = types.ModuleType(name)
    return _sys.modules[name]


def code_newempty(filename, funcname, firstlineno, /):
    """The code of a function that raises AssertionError (PyCode_NewEmpty)."""
    code = compile("raise AssertionError", filename, "exec")
    return code.replace(co_name=funcname, co_qualname=funcname, co_firstlineno=firstlineno)


class awaitType:
    """Waits for what an iterator gives (tp_as_async.am_await)."""

    def __init__(self, iterator, /):
        self._iterator = iterator

    def __await__(self):
        return self._iterator


def frame_getlocals(frame, /):
    """The local variables of a frame (PyFrame_GetLocals)."""
    return frame.f_locals


def frame_getglobals(frame, /):
    """The global variables of a frame (PyFrame_GetGlobals)."""
    return frame.f_globals


def frame_getbuiltins(frame, /):
    """Where a frame finds built-in names (PyFrame_GetBuiltins)."""
    return frame.f_builtins


def frame_getlasti(frame, /):
    """Where the frame's last instruction begins, in bytes (PyFrame_GetLasti)."""
    return frame.f_lasti


def frame_getgenerator(frame, /):
    """The generator that a frame belongs to, or None (PyFrame_GetGenerator)."""
    return frame.f_generator


def frame_getvar(frame, name, /):
    """A local variable of a frame (PyFrame_GetVar)."""
    if not isinstance(name, str):
        raise TypeError(f"name must be str, not {type(name).__name__}")
    try:
        return frame.f_locals[name]
    except KeyError:
        raise NameError(f"variable {name!r} does not exist") from None


def frame_getvarstring(frame, name, /):
    """A local variable of a frame (PyFrame_GetVarString)."""
    return frame_getvar(frame, name.decode())


def pyobject_vectorcall(func, args, kwnames, /):
    """Calls with positional arguments and the values of keywords behind them (PyObject_Vectorcall)."""
    args = () if args is None else tuple(args)
    names = () if kwnames is None else tuple(kwnames)
    if len(names) > len(args):
        raise SystemError("bad call flags")
    first = len(args) - len(names)
    return func(*args[:first], **dict(zip(names, args[first:])))


def pyobject_fastcalldict(func, args, kwargs, /):
    """Calls with a tuple and a dict (PyObject_VectorcallDict)."""
    return func(*(() if args is None else args), **(kwargs or {}))


def pyvectorcall_call(func, args, kwargs=None, /):
    """Calls with a tuple and a dict (PyVectorcall_Call)."""
    return func(*args, **(kwargs or {}))


def pycfunction_call(func, args, kwargs=None, /):
    """Calls a built-in function (PyCFunction_Call)."""
    return func(*args, **(kwargs or {}))


_retic_calls.add_to(_sys.modules[__name__])


class CodeLike:
    """Stands for code that is not Python's; nobody here tells tools of its events."""

    def __init__(self, events, /):
        self.events = events


def _no_events(*args):
    raise NotImplementedError("events are those of Python code")


for _name in (
    "py_start py_resume py_yield py_return call line jump branch branch_left branch_right c_return c_raise "
    "py_throw raise c_raise reraise exception_handled py_unwind stop_iteration"
).split():
    globals()["fire_event_" + _name] = _no_events
monitoring_enter_scope = monitoring_exit_scope = _no_events
del _name


def W_STOPCODE(signal, /):
    """The status of a process that a signal has stopped."""
    return signal << 8 | 0x7F


class GenericAlias:
    """Stands for a class with parameters; is replaced by it where it is a base (PEP 560)."""

    def __init__(self, item):
        self.item = item

    def __mro_entries__(self, bases):
        return (self.item,)


class Generic:
    """Gives an alias for a subscript."""

    @classmethod
    def __class_getitem__(cls, item):
        return GenericAlias(item)
