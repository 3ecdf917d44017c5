"""The sequence protocol by its C names, for CPython's own tests (Modules/_testlimitedcapi/sequence.c)."""

import operator as _operator


def _index(sequence, index):
    # As PySequence_GetItem: the length is added once, and what is below zero then is out of range.
    if index < 0:
        index += len(sequence)
        if index < 0:
            raise IndexError(f"{type(sequence).__name__} index out of range")
    return index


def sequence_check(o):
    """Whether items can be had by number."""
    return int(hasattr(type(o), "__getitem__") and not isinstance(o, dict))


def sequence_size(o):
    """Number of items."""
    return len(o)


def sequence_getitem(o, i):
    """The item at a place."""
    return o[_index(o, i)]


def sequence_setitem(o, i, v):
    """Puts an item at a place."""
    o[_index(o, i)] = v


def sequence_delitem(o, i):
    """Takes the item at a place out."""
    del o[_index(o, i)]


def sequence_getslice(o, i1, i2):
    """The items from one place to another."""
    return o[i1:i2]


def sequence_setslice(o, i1, i2, v):
    """Puts items in the room of others."""
    o[i1:i2] = v


def sequence_delslice(o, i1, i2):
    """Takes items out."""
    del o[i1:i2]


def sequence_concat(o1, o2):
    """One sequence behind another."""
    return _operator.concat(o1, o2)


def sequence_repeat(o, count):
    """A sequence a number of times."""
    return o * count


def sequence_count(o, value):
    """How many items are equal to the value."""
    return _operator.countOf(o, value)


def sequence_contains(o, value):
    """Whether an item is equal to the value."""
    return int(_operator.contains(o, value))


def sequence_index(o, value):
    """The place of the first item that is equal to the value."""
    return _operator.indexOf(o, value)


def sequence_list(o):
    """The items as a list."""
    return list(o)


def sequence_tuple(o):
    """The items as a tuple."""
    return tuple(o)


class LimitedVectorCallClass:
    """Says that it was called."""

    def __call__(self, /, *args, **kwargs):
        return "vectorcall called"


def call_vectorcall(func, /):
    """Calls with a positional argument and one by its name (PyObject_Vectorcall)."""
    return func("foo", baz="bar")


def call_vectorcall_method(obj, /):
    """The same with the method f (PyObject_VectorcallMethod)."""
    return obj.f("foo", baz="bar")


def object_hasattrstring(obj, name, /):
    """Whether an object has an attribute, as 1 or 0 (PyObject_HasAttrString)."""
    return int(hasattr(obj, name.decode()))
