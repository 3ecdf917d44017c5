"""The names that interactive sessions find among the built-ins; made when one of them is first used."""

import sys
from _sitebuiltins import Quitter, _Helper, _Printer

_EOF = "Ctrl-D (i.e. EOF)"

exit = Quitter("exit", _EOF)
quit = Quitter("quit", _EOF)
help = _Helper()
copyright = _Printer("copyright", sys.copyright)
credits = _Printer("credits", """\
Thanks to Guido van Rossum and all who made Python the language it is, and to the authors
of the crates and of the library that Retic stands on.  See retic --licenses.""")
license = _Printer("license", """\
Retic is under the MIT licence.  The library of Python in it is under the licence of the
Python Software Foundation.  retic --licenses prints these and all others that ship.""")


def run(main):
    """Calls `site.main` as at the start of CPython: the program's folder, which comes first in sys.path, is not there yet."""
    first = [] if sys.flags.safe_path else sys.path[:1]
    del sys.path[:len(first)]
    try:
        main()
    finally:
        sys.path[:0] = first
