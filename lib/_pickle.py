"""What `pickle` takes from its accelerator in CPython: the same classes, written in Python."""

import io as _io
import struct as _struct

import pickle as _pickle
from _retic_pickle import PickleBuffer, dump, dumps, load, loads
from pickle import PickleError, PicklingError, UnpicklingError, _Pickler, _Unpickler


class Pickler(_Pickler):
    __doc__ = _Pickler.__doc__

    def __init__(self, file, protocol=None, fix_imports=True, buffer_callback=None):
        super().__init__(file, protocol, fix_imports=fix_imports, buffer_callback=buffer_callback)
        # CPython's own class keeps its table of types to itself: a subclass may use the name `dispatch` for something else,
        # as cloudpickle does.
        self.dispatch = _Pickler.dispatch


class Unpickler(_Unpickler):
    __doc__ = _Unpickler.__doc__

    def load(self):
        """Load a pickle, which may be damaged: UnpicklingError or EOFError says so."""
        try:
            return super().load()
        except (IndexError, KeyError, _struct.error) as e:
            place = _place(e)
            if isinstance(e, KeyError) and place == "load":
                key = chr(e.args[0])
                shown = key if key.isascii() and key.isprintable() else f"\\x{e.args[0]:02x}"
                raise UnpicklingError(f"invalid load key, '{shown}'.") from None
            if isinstance(e, KeyError) or place not in _STACK:
                raise
            sentence = "unpickling stack underflow" if isinstance(e, IndexError) else "pickle data was truncated"
            raise UnpicklingError(sentence) from None


def _place(error):
    """The function of the machine that unpickles in which the error was raised; None if it was raised by what that called."""
    at = error.__traceback__
    while at.tb_next is not None:
        at = at.tb_next
    code = at.tb_frame.f_code
    return code.co_name if code.co_filename == _pickle.__file__ else None


# What works on the stack and on the bytes alone: damage shows there. The others call what the pickle names.
_STACK = frozenset(
    "load_" + name
    for name in "int long long1 long4 binint binint1 binint2 float binfloat string binstring short_binstring binbytes binbytes8 "
    "short_binbytes unicode binunicode binunicode8 short_binunicode bytearray8 next_buffer readonly_buffer tuple tuple1 tuple2 "
    "tuple3 empty_tuple list dict empty_list empty_dict empty_set frozenset global stack_global ext1 ext2 ext4 pop pop_mark dup "
    "get binget long_binget put binput long_binput memoize append appends setitem setitems additems build mark stop inst obj "
    "newobj newobj_ex reduce persid binpersid frame proto".split()
) | {"pop_mark", "load", "readline", "read", "readinto", "decode_long", "_decode_string", "get_extension"}


def _dumps(obj, protocol, fix_imports, buffer_callback):
    """What the native `dumps` leaves to Python: old protocols, and buffers out of band."""
    file = _io.BytesIO()
    _Pickler(file, protocol, fix_imports=fix_imports, buffer_callback=buffer_callback).dump(obj)
    return file.getvalue()


def _load(file, fix_imports, encoding, errors, buffers):
    """Reads from a file no more than the pickle has."""
    return Unpickler(file, fix_imports=fix_imports, buffers=buffers or None, encoding=encoding, errors=errors).load()


def _loads(data, fix_imports, encoding, errors, buffers):
    """What the native `loads` leaves to Python: buffers out of band."""
    return Unpickler(_io.BytesIO(data), fix_imports=fix_imports, buffers=buffers, encoding=encoding, errors=errors).load()
