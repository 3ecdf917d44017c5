"""Look at the lives of objects from inside a program.

    import retic

    retic.count(obj)                how many hold it, this look not counted
    retic.holders(obj)              who they are
    print(retic.why_alive(obj))     the shortest way to it from a variable
    with retic.watch(Order) as w:   which instances were born and are still alive
        work()
    assert w.leaked() == []
"""

import gc as _gc
import sys as _sys
from collections import namedtuple as _namedtuple

import _retic

__all__ = ["Holder", "Watch", "count", "holders", "is_recording", "why_alive", "watch"]

is_recording = _retic.is_recording

Holder = _namedtuple("Holder", "owner words")
Holder.__doc__ = """One holder of an object: the object it is in (None for variables), and what it is there, in words."""


def count(obj, /):
    """Return the number of references to an object, without those of this call."""
    # Our own variable, and the argument of getrefcount.
    return _sys.getrefcount(obj) - 2


def holders(obj, /):
    """Return a list of Holder for every reference to an object that can be walked to."""
    return [Holder(owner, words) for owner, words in _retic.holders(obj)]


def _name(obj):
    kind = type(obj).__name__
    name = getattr(obj, "__name__", None) if isinstance(obj, (type, type(_sys), type(_name))) else None
    return f"{kind} {name}" if isinstance(name, str) else kind


def why_alive(obj, /):
    """Return, as text, the shortest chain of holders from an object to a variable."""
    chain = _retic.chain(obj)
    if not chain:
        return f"{_name(obj)}: no variable leads to it"
    lines = [f"{_name(obj)} is alive"]
    for depth, (owner, words) in enumerate(chain, 1):
        lines.append("  " * depth + "held by " + (words if owner is None else f"{words} of {_name(owner)}"))
    return "\n".join(lines)


class Watch:
    """The instances of some classes that are born while a `with` block runs."""

    def __init__(self, *classes):
        self.classes = classes
        self._before = set()

    def _living(self):
        return [o for o in _gc.get_objects() if isinstance(o, self.classes)]

    def __enter__(self):
        self._before = {id(o) for o in self._living()}
        return self

    def __exit__(self, *exc):
        return False

    def leaked(self):
        """Return the instances born in the block that are alive, after a collection."""
        _gc.collect()
        return [o for o in self._living() if id(o) not in self._before]


def watch(*classes):
    """Return a context manager that tells which instances of classes outlive its block."""
    return Watch(*classes)
