"""The wordcode of this machine: CPython 3.9's, and opcodes for the syntax that came later."""

import _opcode
from _opcode import stack_effect

__all__ = ['cmp_op', 'hasarg', 'hasconst', 'hasname', 'hasjrel', 'hasjabs', 'haslocal', 'hascompare', 'hasfree', 'hasexc',
           'hasjump', 'opname', 'opmap', 'HAVE_ARGUMENT', 'EXTENDED_ARG', 'hasnargs', 'stack_effect']

cmp_op = ('<', '<=', '==', '!=', '>', '>=')
HAVE_ARGUMENT = 90
opmap = {name: number for name, (number, kind) in sorted(_opcode._TABLE.items(), key=lambda entry: entry[1])}
EXTENDED_ARG = opmap['EXTENDED_ARG']
opname = [f'<{number}>' for number in range(256)]
for _name, _number in opmap.items():
    opname[_number] = _name
del _name, _number
# Opcodes of CPython 3.14 that this machine's wordcode has not: programs that look for them find none. Their numbers are beyond what an
# instruction can hold, as those of pseudo instructions are.
opmap |= {name: number for number, name in enumerate(_opcode._LATER, 256)}
opname += _opcode._LATER


def _of_kind(*kinds):
    return [number for name, (number, kind) in _opcode._TABLE.items() if kind in kinds]


hasarg = [number for number in opmap.values() if HAVE_ARGUMENT <= number < 256]
hasconst = _of_kind('Const')
hasname = _of_kind('Name')
hasjrel = _of_kind('JumpRelative')
hasjabs = _of_kind('JumpAbsolute')
hasjump = hasjrel + hasjabs
haslocal = _of_kind('Local')
hascompare = _of_kind('Compare')
hasfree = _of_kind('Free')
hasexc = [opmap['SETUP_FINALLY'], opmap['SETUP_WITH'], opmap['SETUP_ASYNC_WITH']]
hasnargs = []
