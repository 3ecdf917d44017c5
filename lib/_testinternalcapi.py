"""Facts about the interpreter that CPython's own tests ask for (Modules/_testinternalcapi.c)."""

import sys

# Bytes before an object that the collector watches, and before one whose attributes it manages.
SIZEOF_PYGC_HEAD = 16
SIZEOF_MANAGED_PRE_HEADER = 16
SIZEOF_PYOBJECT = 16
SIZEOF_TIME_T = 8


def get_config():
    """What the interpreter was started with, as far as it is kept."""
    flags = sys.flags
    return {
        "code_debug_ranges": int("no_debug_ranges" not in sys._xoptions),
        "optimization_level": flags.optimize,
        "isolated": flags.isolated,
        "use_environment": int(not flags.ignore_environment),
        "dev_mode": int(flags.dev_mode),
        "inspect": flags.inspect,
        "quiet": flags.quiet,
        "verbose": flags.verbose,
        "bytes_warning": flags.bytes_warning,
        "site_import": int(not flags.no_site),
        "write_bytecode": int(not sys.dont_write_bytecode),
        "int_max_str_digits": sys.get_int_max_str_digits(),
        "argv": list(sys.argv),
        "orig_argv": list(sys.orig_argv),
        "executable": sys.executable,
        "prefix": sys.prefix,
        "base_prefix": sys.base_prefix,
        "exec_prefix": sys.exec_prefix,
        "base_exec_prefix": sys.base_exec_prefix,
        "platlibdir": sys.platlibdir,
        "module_search_paths": list(sys.path),
        "xoptions": dict(sys._xoptions),
        "warnoptions": list(sys.warnoptions),
    }


def get_recursion_depth():
    """How many calls deep the caller stands."""
    frame, depth = sys._getframe(1), 0
    while frame is not None:
        frame, depth = frame.f_back, depth + 1
    return depth


def pymem_getallocatorsname():
    """Whose blocks objects lie in: pools of size classes, as CPython's pymalloc."""
    return "pymalloc"


def has_inline_values(o):
    """Whether the attributes of an object lie in it, and in no dictionary."""
    return type(o).__dictoffset__ == -1


def suppress_immortalization(suppress):
    """Asks that no object is made immortal for the threads' sake: none is."""


def get_immortalize_deferred():
    """Whether objects are made immortal for the threads' sake."""
    return False
