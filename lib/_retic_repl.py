"""The interactive interpreter: what runs when no program is given, or after one with -i."""

import sys


def _startup(namespace):
    import os
    path = None if sys.flags.ignore_environment else os.environ.get("PYTHONSTARTUP")
    if not path:
        return
    import tokenize
    try:
        with tokenize.open(path) as f:
            source = f.read()
    except OSError as e:
        print(f"Could not open PYTHONSTARTUP\n{type(e).__name__}: {e}", file=sys.stderr)
        return
    try:
        exec(compile(source, path, "exec"), namespace)
    except SystemExit:
        raise
    except BaseException as e:
        sys.excepthook(type(e), e, e.__traceback__)


def _prompts():
    if not hasattr(sys, "ps1"):
        sys.ps1 = ">>> "
    if not hasattr(sys, "ps2"):
        sys.ps2 = "... "


def basic():
    """Reads and runs line by line, without editing (`sys._baserepl`)."""
    import __main__
    import code
    import linecache

    class Console(code.InteractiveConsole):
        """Keeps what was typed for the lines of tracebacks."""

        def runsource(self, source, filename="<input>", symbol="single"):
            try:
                compiled = self.compile(source, filename, symbol)
            except (OverflowError, SyntaxError, ValueError):
                self.showsyntaxerror(filename, source=source)
                return False
            if compiled is None:
                return True
            linecache._register_code(compiled, source, filename)
            self.runcode(compiled)
            return False

    console = Console(__main__.__dict__, filename="<stdin>")
    _prompts()
    more = False
    while True:
        try:
            sys.stdout.flush()
            try:
                sys.stderr.write(str(sys.ps2 if more else sys.ps1))
            except AttributeError:
                pass
            sys.stderr.flush()
            line = sys.stdin.readline()
            if not line:
                sys.stderr.write("\n")
                return
            more = console.push(line.removesuffix("\n"))
        except KeyboardInterrupt:
            sys.stderr.write("\nKeyboardInterrupt\n")
            console.resetbuffer()
            more = False


def interact(quiet, editing):
    """The whole interactive session. `editing`: with the line editor where the terminal can do it."""
    import __main__
    import os

    if not quiet:
        print(f"Python {sys.version} on {sys.platform}", file=sys.stderr)
        if not sys.flags.no_site:
            print('Type "help", "copyright", "credits" or "license" for more information.', file=sys.stderr)
    environ = {} if sys.flags.ignore_environment else os.environ
    if editing and not environ.get("PYTHON_BASIC_REPL"):
        if not sys.flags.no_site:
            import site
        from _pyrepl.main import interactive_console
        interactive_console(__main__, quiet=quiet, pythonstartup=not sys.flags.ignore_environment)
        return
    _prompts()
    _startup(__main__.__dict__)
    basic()
