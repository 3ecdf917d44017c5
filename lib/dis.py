"""Disassembler for the wordcode of this machine; the listing is that of CPython 3.9."""

import _imp
import sys
import types
import collections
import io

from opcode import *
from opcode import __all__ as _opcodes_all

__all__ = ['code_info', 'dis', 'disassemble', 'distb', 'disco', 'findlinestarts', 'findlabels', 'show_code',
           'get_instructions', 'Instruction', 'Bytecode', 'pretty_flags', 'COMPILER_FLAG_NAMES'] + _opcodes_all

COMPILER_FLAG_NAMES = {
    1: 'OPTIMIZED', 2: 'NEWLOCALS', 4: 'VARARGS', 8: 'VARKEYWORDS', 16: 'NESTED', 32: 'GENERATOR', 64: 'NOFREE',
    128: 'COROUTINE', 256: 'ITERABLE_COROUTINE', 512: 'ASYNC_GENERATOR',
}

_FORMAT_VALUE_CONVERTERS = ((None, ''), (str, 'str'), (repr, 'repr'), (ascii, 'ascii'))
_MAKE_FUNCTION_FLAGS = ('defaults', 'kwdefaults', 'annotations', 'closure')
_have_code = (types.MethodType, types.FunctionType, types.CodeType, classmethod, staticmethod, type)
_OPNAME_WIDTH = 20
_OPARG_WIDTH = 5


def pretty_flags(flags):
    """Return pretty representation of code flags."""
    names = []
    for i in range(32):
        flag = 1 << i
        if flags & flag:
            names.append(COMPILER_FLAG_NAMES.get(flag, hex(flag)))
            flags ^= flag
            if not flags:
                break
    else:
        names.append(hex(flags))
    return ', '.join(names)


def _try_compile(source, name):
    try:
        return compile(source, name, 'eval')
    except SyntaxError:
        return compile(source, name, 'exec')


def _get_code_object(x):
    if hasattr(x, '__func__'):
        x = x.__func__
    for attr in ('__code__', 'gi_code', 'ag_code', 'cr_code'):
        if hasattr(x, attr):
            x = getattr(x, attr)
            break
    if isinstance(x, str):
        x = _try_compile(x, '<disassembly>')
    if hasattr(x, 'co_code'):
        return x
    raise TypeError(f"don't know how to disassemble {type(x).__name__} objects")


def code_info(x):
    """Formatted details of methods, functions, or code."""
    co = _get_code_object(x)
    lines = [
        f'Name:              {co.co_name}',
        f'Filename:          {co.co_filename}',
        f'Argument count:    {co.co_argcount}',
        f'Positional-only arguments: {co.co_posonlyargcount}',
        f'Kw-only arguments: {co.co_kwonlyargcount}',
        f'Number of locals:  {co.co_nlocals}',
        f'Stack size:        {co.co_stacksize}',
        f'Flags:             {pretty_flags(co.co_flags)}',
    ]
    for title, items, show in (('Constants', co.co_consts, repr), ('Names', co.co_names, str),
                               ('Variable names', co.co_varnames, str), ('Free variables', co.co_freevars, str),
                               ('Cell variables', co.co_cellvars, str)):
        if items:
            lines.append(f'{title}:')
            lines.extend(f'{i:4d}: {show(item)}' for i, item in enumerate(items))
    return '\n'.join(lines)


def show_code(co, *, file=None):
    """Print details of methods, functions, or code to *file* (default stdout)."""
    print(code_info(co), file=file)


# Where the source of an instruction begins and ends.
Positions = collections.namedtuple('Positions', 'lineno end_lineno col_offset end_col_offset', defaults=(None,) * 4)

# The fields of 3.9 first, then those that came since; an instruction of this machine has no inline cache entries.
_Instruction = collections.namedtuple(
    '_Instruction', 'opname opcode arg argval argrepr offset starts_line is_jump_target positions '
    'start_offset line_number label cache_info',
    defaults=(None, None, False, None, None, None, None, None))


class Instruction(_Instruction):
    """Details for a bytecode operation."""

    __slots__ = ()

    @property
    def baseopcode(self):
        return self.opcode

    @property
    def baseopname(self):
        return self.opname

    @property
    def cache_offset(self):
        return self.offset + 2

    @property
    def end_offset(self):
        return self.offset + 2

    @property
    def jump_target(self):
        return self.argval if self.opcode in hasjump else None

    @property
    def oparg(self):
        return self.arg

    def _disassemble(self, lineno_width=3, mark_as_current=False, offset_width=4):
        fields = []
        if lineno_width:
            fields.append('%*d' % (lineno_width, self.starts_line) if self.starts_line is not None else ' ' * lineno_width)
        fields.append('-->' if mark_as_current else '   ')
        fields.append('>>' if self.is_jump_target else '  ')
        fields.append(repr(self.offset).rjust(offset_width))
        fields.append(self.opname.ljust(_OPNAME_WIDTH))
        if self.arg is not None:
            fields.append(repr(self.arg).rjust(_OPARG_WIDTH))
            if self.argrepr:
                fields.append('(' + self.argrepr + ')')
        return ' '.join(fields).rstrip()

    def __str__(self):
        return self._disassemble()


def _unpack_opargs(code):
    extended = 0
    for i in range(0, len(code), 2):
        op = code[i]
        if op >= HAVE_ARGUMENT:
            arg = code[i + 1] | extended
            extended = (arg << 8) if op == EXTENDED_ARG else 0
        else:
            arg = None
        yield i, op, arg


def findlabels(code):
    """Offsets that are jump targets, in the order they are met."""
    labels = []
    for offset, op, arg in _unpack_opargs(code):
        if arg is None:
            continue
        if op in hasjrel:
            label = offset + 2 + arg
        elif op in hasjabs:
            label = arg
        else:
            continue
        if label not in labels:
            labels.append(label)
    return labels


def _operations(co):
    """Opcodes and their whole arguments; `EXTENDED_ARG` is part of what it extends."""
    return [(op, arg) for _, op, arg in _unpack_opargs(co.co_code) if op != EXTENDED_ARG]


def _find_imports(co):
    """The imports of a code object: name, level and what is taken from it (a tuple, or None), as `modulefinder` asks."""
    ops = _operations(co)
    load, take = opmap['LOAD_CONST'], opmap['IMPORT_NAME']
    for (first, level), (second, names), (op, name) in zip(ops, ops[1:], ops[2:]):
        if op == take and first == second == load:
            yield co.co_names[name], co.co_consts[level], co.co_consts[names]


def _find_store_names(co):
    """The names of the module that a code object binds."""
    stores = opmap['STORE_NAME'], opmap['STORE_GLOBAL']
    for op, name in _operations(co):
        if op in stores:
            yield co.co_names[name]


def findlinestarts(code):
    """Pairs of offset and line, where lines begin (by the line table of 3.9)."""
    address, line, last = 0, code.co_firstlineno, None
    table = _imp._line_table(code)
    for step, delta in zip(table[0::2], table[1::2]):
        if step:
            if line != last:
                yield address, line
                last = line
            address += step
            if address >= len(code.co_code):
                return
        line += delta - 256 if delta >= 128 else delta
    if line != last:
        yield address, line


def _argument(op, arg, offset, co):
    value, text = arg, ''
    if op in hasconst:
        value = co.co_consts[arg]
        text = repr(value)
    elif op in hasname:
        value = text = co.co_names[arg]
    elif op in hasjrel:
        value = offset + 2 + arg
        text = 'to ' + repr(value)
    elif op in haslocal:
        value = text = co.co_varnames[arg]
    elif op in hascompare:
        value = text = cmp_op[arg]
    elif op in hasfree:
        value = text = (co.co_cellvars + co.co_freevars)[arg]
    elif opname[op] == 'FORMAT_VALUE':
        convert, text = _FORMAT_VALUE_CONVERTERS[arg & 3]
        value = (convert, bool(arg & 4))
        if value[1]:
            text = text + ', with format' if text else 'with format'
    elif opname[op] == 'MAKE_FUNCTION':
        text = ', '.join(name for i, name in enumerate(_MAKE_FUNCTION_FLAGS) if arg & (1 << i))
    return value, text


def _instructions(co, line_offset=0):
    labels = {offset: i for i, offset in enumerate(sorted(findlabels(co.co_code)), 1)}
    starts = dict(findlinestarts(co))
    places = list(co.co_positions())
    line = begin = None
    for offset, op, arg in _unpack_opargs(co.co_code):
        start = starts.get(offset)
        if start is not None:
            line = start = start + line_offset
        if begin is None:
            begin = offset
        value, text = (None, '') if arg is None else _argument(op, arg, offset, co)
        yield Instruction(opname[op], op, arg, value, text, offset, start, offset in labels, Positions(*places[offset // 2]),
                          begin, line, labels.get(offset))
        if op != EXTENDED_ARG:
            begin = None


def get_instructions(x, *, first_line=None, show_caches=None, adaptive=False):
    """Iterator for the opcodes in methods, functions or code."""
    co = _get_code_object(x)
    return _instructions(co, 0 if first_line is None else first_line - co.co_firstlineno)


def disassemble(co, lasti=-1, *, file=None, show_caches=False, adaptive=False, show_offsets=False, show_positions=False):
    """Disassemble a code object."""
    starts = dict(findlinestarts(co))
    widest = max(starts.values(), default=0)
    lineno_width = (3 if widest < 1000 else len(str(widest))) if starts else 0
    most = len(co.co_code) - 2
    offset_width = 4 if most < 10000 else len(str(most))
    for ins in _instructions(co):
        if starts and ins.starts_line is not None and ins.offset > 0:
            print(file=file)
        print(ins._disassemble(lineno_width, ins.offset == lasti, offset_width), file=file)


disco = disassemble


def _disassemble_recursive(co, *, file=None, depth=None):
    disassemble(co, file=file)
    if depth is None or depth > 0:
        if depth is not None:
            depth -= 1
        for x in co.co_consts:
            if hasattr(x, 'co_code'):
                print(file=file)
                print(f'Disassembly of {x!r}:', file=file)
                _disassemble_recursive(x, file=file, depth=depth)


def dis(x=None, *, file=None, depth=None, show_caches=False, adaptive=False, show_offsets=False, show_positions=False):
    """Disassemble classes, methods, functions, and other compiled objects."""
    if x is None:
        distb(file=file)
        return
    if hasattr(x, '__func__'):
        x = x.__func__
    for attr in ('__code__', 'gi_code', 'ag_code', 'cr_code'):
        if hasattr(x, attr):
            x = getattr(x, attr)
            break
    if hasattr(x, '__dict__') and not hasattr(x, 'co_code'):
        for name, member in sorted(x.__dict__.items()):
            if isinstance(member, _have_code):
                print(f'Disassembly of {name}:', file=file)
                try:
                    dis(member, file=file, depth=depth)
                except TypeError as msg:
                    print('Sorry:', msg, file=file)
                print(file=file)
    elif hasattr(x, 'co_code'):
        _disassemble_recursive(x, file=file, depth=depth)
    elif isinstance(x, str):
        _disassemble_recursive(_try_compile(x, '<dis>'), file=file, depth=depth)
    else:
        raise TypeError(f"don't know how to disassemble {type(x).__name__} objects")


def distb(tb=None, *, file=None, show_caches=False, adaptive=False, show_offsets=False, show_positions=False):
    """Disassemble a traceback (default: last traceback)."""
    if tb is None:
        try:
            tb = sys.last_exc.__traceback__ if hasattr(sys, 'last_exc') else sys.last_traceback
        except AttributeError:
            raise RuntimeError('no last traceback to disassemble') from None
        while tb.tb_next:
            tb = tb.tb_next
    disassemble(tb.tb_frame.f_code, tb.tb_lasti, file=file)


class Bytecode:
    """The bytecode operations of a piece of code."""

    def __init__(self, x, *, first_line=None, current_offset=None, show_caches=False, adaptive=False, show_offsets=False, show_positions=False):
        self.codeobj = co = _get_code_object(x)
        self.first_line = co.co_firstlineno if first_line is None else first_line
        self._line_offset = self.first_line - co.co_firstlineno
        self._original_object = x
        self.current_offset = current_offset

    def __iter__(self):
        return _instructions(self.codeobj, self._line_offset)

    def __repr__(self):
        return f'{self.__class__.__name__}({self._original_object!r})'

    @classmethod
    def from_traceback(cls, tb, *, show_caches=False, adaptive=False):
        """Construct a Bytecode from the given traceback."""
        while tb.tb_next:
            tb = tb.tb_next
        return cls(tb.tb_frame.f_code, current_offset=tb.tb_lasti)

    def info(self):
        """Return formatted information about the code object."""
        return code_info(self.codeobj)

    def dis(self):
        """Return a formatted view of the bytecode operations."""
        with io.StringIO() as output:
            disassemble(self.codeobj, -1 if self.current_offset is None else self.current_offset, file=output)
            return output.getvalue()


def main(args=None):
    import argparse
    parser = argparse.ArgumentParser(prog='dis')
    parser.add_argument('infile', nargs='?', default='-')
    args = parser.parse_args(args=args)
    if args.infile == '-':
        name, source = '<stdin>', sys.stdin.buffer.read()
    else:
        name = args.infile
        with open(args.infile, 'rb') as infile:
            source = infile.read()
    dis(compile(source, name, 'exec'))


if __name__ == '__main__':
    main()
