"""What `datetime` takes from its accelerator in CPython: here the same classes, written in Python."""

from _pydatetime import *
from _pydatetime import __doc__, __all__
