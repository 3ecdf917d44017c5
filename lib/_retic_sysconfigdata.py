"""What sysconfig.get_config_vars() says of this build. There is no Makefile and no C compiler behind it."""

import sys

_prefix = sys.base_prefix
_stdlib = f"{_prefix}/lib/python{sys.version_info.major}.{sys.version_info.minor}"
_multiarch = sys.implementation._multiarch

build_time_vars = {
    "ABIFLAGS": "",
    "BINDIR": f"{_prefix}/bin",
    "BINLIBDEST": _stdlib,
    "CONFIG_ARGS": "",
    "DESTLIB": _stdlib,
    "EXE": "",
    "EXEEXT": "",
    "EXT_SUFFIX": f".{sys.implementation.cache_tag}-{_multiarch}.so",
    "HAVE_FORK": 1,
    "HOST_GNU_TYPE": _multiarch,
    "INCLUDEPY": f"{_prefix}/include/python{sys.version_info.major}.{sys.version_info.minor}",
    "LIBDEST": _stdlib,
    "LIBDIR": f"{_prefix}/lib",
    "MACHDEP": sys.platform,
    "MULTIARCH": _multiarch,
    "PLATLIBDIR": sys.platlibdir,
    "Py_DEBUG": 0,
    "Py_ENABLE_SHARED": 0,
    "Py_GIL_DISABLED": 0,
    "Py_TRACE_REFS": 0,
    "SHLIB_SUFFIX": ".so",
    "SIZEOF_VOID_P": 8,
    "SIZEOF_LONG": 8,
    "SIZEOF_SIZE_T": 8,
    "SIZEOF_TIME_T": 8,
    "SOABI": f"{sys.implementation.cache_tag}-{_multiarch}",
    "TZPATH": "/usr/share/zoneinfo:/usr/lib/zoneinfo:/usr/share/lib/zoneinfo:/etc/zoneinfo",
    "VERSION": f"{sys.version_info.major}.{sys.version_info.minor}",
    "WITH_DOC_STRINGS": 1,
    "WITH_PYMALLOC": 1,
    "exec_prefix": _prefix,
    "prefix": _prefix,
}
