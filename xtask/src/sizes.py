"""The sizes that the structures of CPython's built-in types have, one type a line, in order of their names:
name, bytes of an object, bytes of an item, where the dictionary and the weak references lie (0: nowhere), whether the
collector's link lies in front. Run by CPython 3.13."""
import sys

MODULES = """abc array ast asyncio atexit bisect binascii bz2 codecs collections contextvars csv datetime decimal
elementtree enum errno faulthandler fcntl fractions functools gc grp hashlib heapq hmac io itertools json locale lzma
marshal math mmap multiprocessing operator os pickle posix pwd pyexpat queue random re readline resource select signal
socket statistics string struct subprocess symtable sys syslog tempfile termios threading time tokenize tracemalloc
types typing unicodedata uuid weakref zlib zoneinfo xml.etree.ElementTree xml.parsers.expat _abc _ast _asyncio _bisect
_blake2 _bz2 _codecs _collections _contextvars _csv _datetime _decimal _elementtree _functools _hashlib _heapq _io _json
_lsprof _md5 _multiprocessing _opcode _operator _pickle _posixsubprocess _queue _random _sha1 _sha2 _sha3 _socket _sre
_stat _string _struct _symtable _thread _tokenize _tracemalloc _typing _warnings _weakref _zoneinfo""".split()
# What older versions had under other names.
RENAMED = {"types.UnionType": "typing.Union"}


def classes():
    seen, work = {object}, [object]
    while work:
        for t in type.__subclasses__(work.pop()):
            if t not in seen:
                seen.add(t)
                work.append(t)
    return seen


def written_in_python(t):
    names = t.__dict__
    return "__firstlineno__" in names or "__static_attributes__" in names or t.__flags__ & 1 << 9 and "__weakref__" in names


for name in MODULES:
    try:
        __import__(name)
    except ImportError:
        pass
lines = set()
for t in classes():
    if written_in_python(t) or isinstance(t.__module__, property):
        continue
    name = t.__qualname__ if t.__module__ == "builtins" else f"{t.__module__}.{t.__qualname__}"
    if not name.startswith(("ctypes.", "_ctypes.")):
        name = RENAMED.get(name, name)
        lines.add(f"{name} {t.__basicsize__} {t.__itemsize__} {t.__dictoffset__} {t.__weakrefoffset__} {t.__flags__ >> 14 & 1}\n")
sys.stdout.write("".join(sorted(lines)))
