"""What CPython's own tests find in an extension module with one phase of initialisation (Modules/_testsinglephase.c)."""

import time as _time


class error(Exception):
    """The module's own exception."""


int_const = 1969
str_const = "something different"
_module_initialized = _time.perf_counter()
_initialized_count = 1


def look_up_self():
    """The module as `sys.modules` has it."""
    import sys

    return sys.modules.get(__name__)


def sum(i, j):
    """The sum of two numbers."""
    return i + j


def state_initialized():
    """When the module was initialised, in seconds."""
    return _module_initialized


def initialized_count():
    """How often it was."""
    return _initialized_count
