"""Profiles programs by the eval loop's own events: little slower than without.

`run`, `runctx` and `Profile` are those of the module `profile`; `python -m cProfile program` profiles a program.
"""

__all__ = ["run", "runctx", "Profile"]

import _lsprof
import importlib.machinery
import importlib.util
import io
import profile as _pyprofile


def run(statement, filename=None, sort=-1):
    return _pyprofile._Utils(Profile).run(statement, filename, sort)


def runctx(statement, globals, locals, filename=None, sort=-1):
    return _pyprofile._Utils(Profile).runctx(statement, globals, locals, filename, sort)


run.__doc__ = _pyprofile.run.__doc__
runctx.__doc__ = _pyprofile.runctx.__doc__


class Profile(_lsprof.Profiler):
    """Profile(timer=None, timeunit=None, subcalls=True, builtins=True)

    A profiler whose statistics pstats reads.  As a context manager it profiles the block.
    """

    def print_stats(self, sort=-1):
        import pstats
        keys = sort if isinstance(sort, tuple) else (sort,)
        pstats.Stats(self).strip_dirs().sort_stats(*keys).print_stats()

    def dump_stats(self, file):
        import marshal
        self.create_stats()
        with open(file, 'wb') as f:
            marshal.dump(self.stats, f)

    def create_stats(self):
        self.disable()
        self.snapshot_stats()

    def snapshot_stats(self):
        """Set `stats`: by function (file, line, name) its primitive calls, calls, own time, total time and callers."""
        entries = self.getstats()
        self.stats = {}
        callers_of = {}
        for entry in entries:
            calls = entry.callcount
            callers = callers_of.setdefault(id(entry.code), {})
            self.stats[label(entry.code)] = calls - entry.reccallcount, calls, entry.inlinetime, entry.totaltime, callers
        for entry in entries:
            caller = label(entry.code)
            for sub in entry.calls or ():
                callers = callers_of.get(id(sub.code))
                if callers is None:
                    continue
                calls = sub.callcount
                row = calls, calls - sub.reccallcount, sub.inlinetime, sub.totaltime
                known = callers.get(caller)
                callers[caller] = row if known is None else tuple(a + b for a, b in zip(row, known))

    def run(self, cmd):
        import __main__
        namespace = __main__.__dict__
        return self.runctx(cmd, namespace, namespace)

    def runctx(self, cmd, globals, locals):
        self.enable()
        try:
            exec(cmd, globals, locals)
        finally:
            self.disable()
        return self

    def runcall(self, func, /, *args, **kw):
        self.enable()
        try:
            return func(*args, **kw)
        finally:
            self.disable()

    def __enter__(self):
        self.enable()
        return self

    def __exit__(self, *exc_info):
        self.disable()


def label(code):
    """The file, line and name that pstats shows for a code object or the words for a native function."""
    if isinstance(code, str):
        return '~', 0, code
    return code.co_filename, code.co_firstlineno, code.co_name


def _arguments(arguments):
    """The options of the command line, and what is left: the program and its arguments."""
    import optparse
    import pstats
    parser = optparse.OptionParser(usage="%prog [-o FILE] [-s KEY] [-m MODULE | SCRIPT] [ARGUMENT] ...")
    parser.disable_interspersed_args()
    parser.add_option('-o', '--outfile', help="write the statistics to a file, which pstats reads")
    parser.add_option('-s', '--sort', type="choice", default=-1, choices=sorted(pstats.Stats.sort_arg_dict_default),
                      help="what the printed statistics are sorted by")
    parser.add_option('-m', dest="module", action="store_true", help="the program is a module of the library")
    options, rest = parser.parse_args(arguments)
    if not rest:
        parser.print_usage()
        raise SystemExit(2)
    return options, rest


def _script(path):
    """The code of a script and the namespace it runs in, that of a new module `__main__`."""
    import os
    import sys
    with io.open_code(path) as file:
        code = compile(file.read(), path, 'exec')
    spec = importlib.machinery.ModuleSpec('__main__', None, origin=path)
    sys.modules['__main__'] = importlib.util.module_from_spec(spec)
    namespace = sys.modules['__main__'].__dict__
    namespace.update(__file__=path, __package__=None, __cached__=None)
    sys.path.insert(0, os.path.dirname(path))
    return code, namespace


def main():
    import os
    import sys
    options, sys.argv[:] = _arguments(sys.argv[1:])
    # The program may leave the folder.
    target = options.outfile and os.path.abspath(options.outfile)
    if options.module:
        import runpy
        code, namespace = "run(name, run_name='__main__')", {'run': runpy.run_module, 'name': sys.argv[0]}
    else:
        code, namespace = _script(sys.argv[0])
    try:
        runctx(code, namespace, None, target, options.sort)
    except BrokenPipeError as error:
        # Nobody reads on: nothing may be flushed at the end.
        sys.stdout = None
        sys.exit(error.errno)


if __name__ == '__main__':
    main()
