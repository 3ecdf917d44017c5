"""Look at the lives of objects from inside a program.

    import retic

    retic.count(obj)                how many hold it, this look not counted
    retic.holders(obj)              who they are
    print(retic.why_alive(obj))     the shortest way to it from a variable

    with retic.trace() as t:        everything that is born and dies in the block
        work()
    t.born(Order), t.died(Order)    how many
    t.leaked(Order)                 those that are still alive
    t.history(obj).born.line        where one came from
    t.tenants(id(obj))              who lived there before
    print(t.why_id())               the answer of `retic why id`

Under another Python count, holders, why_alive, watch and leaked() answer from gc; what needs a recording says so.
"""

import gc as _gc
import sys as _sys
from collections import namedtuple as _namedtuple
from weakref import ref as _ref

try:
    import _retic
except ImportError:
    _retic = None

__all__ = ["Event", "Holder", "Life", "Trace", "Watch", "count", "holders", "is_recording", "trace", "watch", "why_alive"]


def is_recording():
    """Return whether a recording is under way."""
    return _retic is not None and _retic.is_recording()


Holder = _namedtuple("Holder", "owner words")
Holder.__doc__ = """One holder of an object: the object it is in (None for variables), and what it is there, in words."""


Event = _namedtuple("Event", "step file line op by")
Event.__doc__ = """Where something happened: the instruction by number, file and line of the program's own code, the instruction's
name, and the native callable that ran ("" for none)."""

Life = _namedtuple("Life", "serial type address size tenant born died cause")
Life.__doc__ = """The life of one object: its number in the recording, the name of its type, its address and size in bytes, the how
manieth it was at its address, where it was born, where it died and why (None, None: it is alive)."""


def _count_base():
    # What getrefcount says of an object that only a variable of its caller and one of ours hold.
    def inner(obj):
        return _sys.getrefcount(obj)

    only = object()
    return inner(only) - 1


_BASE = _count_base()


def count(obj, /):
    """Return the number of references to an object, without those of this call."""
    return _sys.getrefcount(obj) - _BASE


def _walked(obj):
    """Holders as gc tells them, for a Python without a lens."""
    frame = _sys._getframe(1)
    namespaces = {id(m.__dict__): m.__name__ for m in list(_sys.modules.values()) if isinstance(m, type(_sys))}
    out = []
    while frame is not None:
        # The frames of this file only look.
        if frame.f_code.co_filename != __file__ and frame.f_locals is not frame.f_globals:
            for name, value in frame.f_locals.items():
                if value is obj:
                    out.append((None, f"local {name} of {frame.f_code.co_qualname}"))
        frame = frame.f_back
    for owner in _gc.get_referrers(obj):
        if isinstance(owner, dict):
            for key, value in list(owner.items()):
                if value is obj:
                    module = namespaces.get(id(owner))
                    if module == "__main__":
                        out.append((None, f"global {key}"))
                    elif module is not None:
                        out.append((None, f"global {key} of module {module}"))
                    else:
                        out.append((owner, f"value under {key}"))
        elif isinstance(owner, (list, tuple)):
            out.extend((owner, f"item {i}") for i, value in enumerate(owner) if value is obj)
        elif not isinstance(owner, type(frame or _sys._getframe())):
            names = [n for n, v in getattr(owner, "__dict__", {}).items() if v is obj]
            out.append((owner, f"attribute {names[0]}" if names else "inside"))
    return out


def holders(obj, /):
    """Return a list of Holder for every reference to an object that can be walked to."""
    found = _retic.holders(obj) if _retic is not None else _walked(obj)
    return [Holder(owner, words) for owner, words in found]


def _chain(obj):
    """The shortest way to a variable as gc tells it, for a Python without a lens."""
    ways, seen = [(obj, [])], {id(obj)}
    own = {id(ways), id(seen)}
    while ways and len(seen) < 10_000:
        at, way = ways.pop(0)
        found = _walked(at)
        own.update((id(way), id(found)))
        for owner, words in found:
            if owner is None:
                return way + [(None, words)]
        for owner, words in found:
            # What only this search holds is no holder.
            if owner is not None and id(owner) not in seen and id(owner) not in own and not isinstance(owner, tuple):
                seen.add(id(owner))
                ways.append((owner, way + [(owner, words)]))
    return []


def _name(obj):
    kind = type(obj).__name__
    name = getattr(obj, "__name__", None) if isinstance(obj, (type, type(_sys), type(_name))) else None
    return f"{kind} {name}" if isinstance(name, str) else kind


def why_alive(obj, /):
    """Return, as text, the shortest chain of holders from an object to a variable."""
    chain = _retic.chain(obj) if _retic is not None else _chain(obj)
    if not chain:
        return f"{_name(obj)}: no variable leads to it"
    lines = [f"{_name(obj)} is alive"]
    for depth, (owner, words) in enumerate(chain, 1):
        lines.append("  " * depth + "held by " + (words if owner is None else f"{words} of {_name(owner)}"))
    return "\n".join(lines)


def _weak(obj):
    try:
        return _ref(obj)
    except TypeError:
        return None


class Watch:
    """The instances of some classes that are born while a `with` block runs."""

    def __init__(self, *classes):
        self.classes = classes
        self._before = {}

    def _living(self, classes):
        return [o for o in _gc.get_objects() if isinstance(o, classes)]

    def __enter__(self):
        # An address may have another tenant later: a weak reference tells, where there can be one.
        self._before = {id(o): _weak(o) for o in self._living(self.classes or object)}
        return self

    def _is_new(self, obj):
        if id(obj) not in self._before:
            return True
        known = self._before[id(obj)]
        return known is not None and known() is not obj

    def __exit__(self, *exc):
        return False

    def leaked(self, *classes):
        """Return the instances born in the block that are alive, after a collection."""
        _gc.collect()
        return [o for o in self._living(classes or self.classes) if self._is_new(o)]


    def why_leaked(self, *classes):
        """Return a text for each instance that leaked() returns: why it is alive."""
        return [why_alive(o) for o in self.leaked(*classes)]


def watch(*classes):
    """Return a context manager that tells which instances of classes outlive its block."""
    return Watch(*classes)


def _place(row):
    return None if row is None else Event(*row)


def _lives(rows):
    return [Life(*row[:5], _place(row[5]), _place(row[6]), row[7]) for row in rows]


def _type_name(cls):
    return cls if isinstance(cls, str) else cls.__name__


class Trace(Watch):
    """A recording of what a `with` block does. It may be asked while the block runs, and after it."""

    def __init__(self, path=None, level="lives", mine=()):
        super().__init__()
        self._path = path
        self._level = level
        self._mine = [mine] if isinstance(mine, str) else list(mine)
        if _sys.argv[:1] in (["-c"], [""], ["-"]):
            self._mine.append("<string>")
        self._number = None

    def __enter__(self):
        super().__enter__()
        if _retic is not None:
            self._number = _retic.begin(self._level, self._path, self._mine)
        return self

    def __exit__(self, *exc):
        if _retic is not None:
            _retic.end()
        return False

    def __del__(self):
        if self._number is not None and _retic is not None:
            _retic.forget(self._number)

    def _recording(self):
        if _retic is None:
            raise RuntimeError("this question needs retic: run the program with it")
        if self._number is None:
            raise RuntimeError("the block was not entered yet")
        return self._number

    def lives(self, cls=None):
        """Return a list of Life: the instances of a class (or of a type of that name) that the program's own code made."""
        number = self._recording()
        return _lives(_retic.lives(number, None if cls is None else _type_name(cls)))

    def born(self, cls):
        """Return how many instances of a class were born."""
        return len(self.lives(cls))

    def died(self, cls):
        """Return how many instances of a class that were born in the block are dead."""
        return sum(life.died is not None for life in self.lives(cls))

    def alive(self, cls):
        """Return how many instances of a class that were born in the block were alive when it was asked last, or ended."""
        return sum(life.died is None for life in self.lives(cls))

    def tenants(self, address):
        """Return a list of Life: the objects and buffers that lived at an address, in order."""
        return _lives(_retic.tenants(self._recording(), address))

    def history(self, obj):
        """Return the Life of a living object that was born in the block; None: it was not."""
        tenants = [life for life in self.tenants(id(obj)) if life.died is None and life.type == type(obj).__name__]
        return tenants[-1] if tenants else None

    def why_alive(self, obj):
        """Return, as text, the shortest chain of holders from an object to a variable."""
        return why_alive(obj)

    def _answer(self, words, lang, width):
        return _retic.answer(self._recording(), [str(w) for w in words], lang, width)

    def why_id(self, *, lang="en", width=80):
        """Return the answer of `retic why id`."""
        return self._answer(["id"], lang, width)

    def why_died(self, who, *, lang="en", width=80):
        """Return the answer of `retic why died`: of "#17", "NAME@FUNCTION", a name, or a class."""
        return self._answer(["died", who if isinstance(who, str) else _type_name(who)], lang, width)

    def why_count(self, who, *, lang="en", width=80):
        """Return every change of the count of what a variable held ("NAME@FUNCTION"), recorded at level "refs"."""
        return self._answer(["count", who], lang, width)

    def report(self, *, lang="en", width=80):
        """Return the report of `retic trace`."""
        return self._answer(["report"], lang, width)


def trace(path=None, *, level="lives", refs=False, mine=()):
    """Return a context manager that records what its block does.

    'path' is a .lens file; without it the recording is kept in memory. 'level' is "counts", "lives", "refs" (the same as
    refs=True) or "steps". 'mine' names the folders whose code is the program's own; without it all but the library.
    """
    return Trace(path, "refs" if refs else level, mine)
