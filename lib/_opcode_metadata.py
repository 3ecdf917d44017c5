"""Tables that other modules ask for; this machine has no specialised opcodes in its wordcode."""

from opcode import opmap, HAVE_ARGUMENT

_specializations = {}
_specialized_opmap = {}
MIN_INSTRUMENTED_OPCODE = 256
