"""Colours of tracebacks, of the prompt and of the help that argparse writes, and themes of them (experimental, as in CPython 3.14).

Many modules import this one for what few programs do with it. So sections and themes behave as frozen dataclasses, but dataclasses
is imported only where somebody asks for their fields or changes one.
"""

import os
import sys
from collections.abc import Mapping

# Set to False, nothing is coloured unless the environment says so.
COLORIZE = True

_NAMES = ('BLACK', 'RED', 'GREEN', 'YELLOW', 'BLUE', 'MAGENTA', 'CYAN', 'WHITE')


class ANSIColors:
    """Control sequences by their names."""

    RESET = '\x1b[0m'
    BOLD = '\x1b[1m'
    GREY = '\x1b[90m'


for _number, _name in enumerate(_NAMES):
    for _prefix, _code in (('', 30), ('BOLD_', '1;3'), ('INTENSE_', 90), ('BACKGROUND_', 40), ('INTENSE_BACKGROUND_', 100)):
        _code = f'{_code}{_number}' if isinstance(_code, str) else _code + _number
        setattr(ANSIColors, _prefix + _name, f'\x1b[{_code}m')

# Every sequence there is; and an object that has all the names, but no sequences.
ColorCodes = {_code for _name, _code in vars(ANSIColors).items() if not _name.startswith('__')}
NoColors = ANSIColors()
for _name in [_name for _name in vars(ANSIColors) if not _name.startswith('__')]:
    setattr(NoColors, _name, '')
del _number, _name, _prefix, _code


class _Fields:
    """The fields as dataclasses tells them, made when somebody asks."""

    def __get__(self, instance, owner):
        import dataclasses
        made = dataclasses.make_dataclass(
            owner.__name__, [(name, _type_of(default), dataclasses.field(default_factory=default) if isinstance(default, type)
                              else dataclasses.field(default=default)) for name, default in owner._defaults.items()],
            frozen=True, kw_only=owner._only_keywords)
        owner.__dataclass_fields__ = made.__dataclass_fields__
        owner.__dataclass_params__ = made.__dataclass_params__
        return made.__dataclass_fields__


def _type_of(default):
    return default if isinstance(default, type) else str


class _Frozen:
    """Named values that do not change. `_defaults`: names with a value, or with the class that makes one."""

    _defaults = {}
    _only_keywords = False

    def __init_subclass__(cls):
        if cls._defaults:
            cls.__match_args__ = () if cls._only_keywords else tuple(cls._defaults)
            cls.__dataclass_fields__ = _Fields()

    def __init__(self, *values, **named):
        names = self._defaults
        call = f'{type(self).__name__}.__init__()'
        room = 0 if self._only_keywords else len(names)
        if len(values) > room:
            takes = 'from 1 to ' + str(room + 1) if room else '1'
            raise TypeError(f'{call} takes {takes} positional argument{"s" if room else ""} but {len(values) + 1} were given')
        for name, value in zip(names, values):
            if name in named:
                raise TypeError(f'{call} got multiple values for argument {name!r}')
            named[name] = value
        for name in named:
            if name not in names:
                raise TypeError(f'{call} got an unexpected keyword argument {name!r}')
        own = vars(self)
        for name, default in names.items():
            own[name] = named[name] if name in named else default() if isinstance(default, type) else default

    def _values(self):
        return tuple([getattr(self, name) for name in self._defaults])

    def __repr__(self):
        return f'{type(self).__qualname__}({", ".join([f"{name}={getattr(self, name)!r}" for name in self._defaults])})'

    def __eq__(self, other):
        return self._values() == other._values() if type(other) is type(self) else NotImplemented

    def __hash__(self):
        return hash(self._values())

    def __setattr__(self, name, value):
        from dataclasses import FrozenInstanceError
        raise FrozenInstanceError(f'cannot assign to field {name!r}')

    def __delattr__(self, name):
        from dataclasses import FrozenInstanceError
        raise FrozenInstanceError(f'cannot delete field {name!r}')

    def __replace__(self, /, **changes):
        return type(self)(**dict(zip(self._defaults, self._values())) | changes)


class ThemeSection(_Frozen, Mapping):
    """Colours of one part of Python, as attributes and as a mapping."""

    def copy_with(self, **kwargs):
        """The section with some colours replaced."""
        return self.__replace__(**kwargs)

    @classmethod
    def no_colors(cls):
        """The section with no colours."""
        return cls(**dict.fromkeys(cls._defaults, ''))

    def __getitem__(self, key):
        if key in self._defaults:
            return getattr(self, key)
        raise KeyError(key)

    def __len__(self):
        return len(self._defaults)

    def __iter__(self):
        return iter(self._defaults)


def _section(colors):
    """Names with their colours, out of colours with the names that have them."""
    return {name: getattr(ANSIColors, color) for color, names in colors for name in names.split()}


class Argparse(ThemeSection):
    """Help and usage."""

    _only_keywords = True
    _defaults = _section((
        ('BOLD_BLUE', 'usage'), ('BOLD_MAGENTA', 'prog'), ('MAGENTA', 'prog_extra'), ('BOLD_BLUE', 'heading'),
        ('CYAN', 'summary_long_option'), ('GREEN', 'summary_short_option'), ('YELLOW', 'summary_label'), ('GREEN', 'summary_action'),
        ('BOLD_CYAN', 'long_option'), ('BOLD_GREEN', 'short_option'), ('BOLD_YELLOW', 'label'), ('BOLD_GREEN', 'action'), ('RESET', 'reset')))


class Syntax(ThemeSection):
    """Source text, and the prompt before it."""

    _defaults = _section((
        ('BOLD_MAGENTA', 'prompt'), ('BOLD_BLUE', 'keyword keyword_constant'), ('CYAN', 'builtin'), ('RED', 'comment'), ('GREEN', 'string'),
        ('YELLOW', 'number'), ('RESET', 'op'), ('BOLD', 'definition'), ('BOLD_BLUE', 'soft_keyword'), ('RESET', 'reset')))


class Traceback(ThemeSection):
    """Tracebacks."""

    _defaults = _section((
        ('BOLD_MAGENTA', 'type'), ('MAGENTA', 'message filename line_no frame'), ('BOLD_RED', 'error_highlight'), ('RED', 'error_range'),
        ('RESET', 'reset')))


class Unittest(ThemeSection):
    """What unittest tells of tests."""

    _defaults = _section((('GREEN', 'passed'), ('YELLOW', 'warn'), ('RED', 'fail'), ('BOLD_RED', 'fail_info'), ('RESET', 'reset')))


class Theme(_Frozen):
    """A section for each part of Python."""

    _defaults = dict(argparse=Argparse, syntax=Syntax, traceback=Traceback, unittest=Unittest)

    def copy_with(self, *, argparse=None, syntax=None, traceback=None, unittest=None):
        """The theme with some sections replaced."""
        given = dict(argparse=argparse, syntax=syntax, traceback=traceback, unittest=unittest)
        return self.__replace__(**{name: section for name, section in given.items() if section})

    @classmethod
    def no_colors(cls):
        """A theme in which every colour is the empty text."""
        return cls(**{name: section.no_colors() for name, section in cls._defaults.items()})


def get_colors(colorize=False, *, file=None):
    """ANSIColors where `file` may be coloured, or an object with the same names and no colours."""
    return ANSIColors() if colorize or can_colorize(file=file) else NoColors


def decolor(text):
    """The text without control sequences."""
    for code in ColorCodes:
        text = text.replace(code, '')
    return text


def can_colorize(*, file=None):
    """Whether what is written to `file` (sys.stdout) may be coloured: it is a terminal, and the environment has nothing against it."""

    def asked(name):
        # At the interpreter's end os.environ may be in any state.
        try:
            return os.environ.get(name)
        except Exception:
            return None

    if file is None:
        file = sys.stdout
    wish = None if sys.flags.ignore_environment else asked('PYTHON_COLORS')
    if wish in ('0', '1'):
        return wish == '1'
    if asked('NO_COLOR') or not COLORIZE:
        return False
    if asked('FORCE_COLOR'):
        return True
    if asked('TERM') == 'dumb' or not hasattr(file, 'fileno'):
        return False
    try:
        return os.isatty(file.fileno())
    except OSError:
        return hasattr(file, 'isatty') and file.isatty()


default_theme = Theme()
theme_no_color = default_theme.no_colors()


def get_theme(*, tty_file=None, force_color=False, force_no_color=False):
    """The theme that was set, or one without colours where `tty_file` may not be coloured. Ask anew each time."""
    return _theme if force_color or not force_no_color and can_colorize(file=tty_file) else theme_no_color


def set_theme(t):
    """Set the theme of everything that asks from now on."""
    global _theme
    if not isinstance(t, Theme):
        raise ValueError(f'Expected Theme object, found {t}')
    _theme = t


set_theme(default_theme)
