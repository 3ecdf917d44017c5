"""The opcode table of the machine, as `opcode` and `dis` ask for it."""

import _imp

# Instructions specialise themselves in their words, not in the bytecode.
ENABLE_SPECIALIZATION = False

_TABLE = {name: (number, kind) for number, name, kind in _imp._opcodes()}
_LATER = '''
ANNOTATIONS_PLACEHOLDER BINARY_OP BINARY_SLICE CACHE CALL CALL_KW CHECK_EXC_MATCH CLEANUP_THROW CONVERT_VALUE
COPY COPY_FREE_VARS END_FOR END_SEND ENTER_EXECUTOR EXIT_INIT_CHECK FORMAT_SIMPLE FORMAT_WITH_SPEC
INTERPRETER_EXIT JUMP JUMP_BACKWARD JUMP_BACKWARD_NO_INTERRUPT JUMP_IF_FALSE JUMP_IF_TRUE JUMP_NO_INTERRUPT
LOAD_COMMON_CONSTANT LOAD_FAST_AND_CLEAR LOAD_FAST_BORROW LOAD_FAST_BORROW_LOAD_FAST_BORROW LOAD_FAST_CHECK
LOAD_FAST_LOAD_FAST LOAD_LOCALS LOAD_SMALL_INT LOAD_SPECIAL LOAD_SUPER_ATTR MAKE_CELL NOT_TAKEN POP_ITER
POP_JUMP_IF_NONE POP_JUMP_IF_NOT_NONE PUSH_EXC_INFO PUSH_NULL RESERVED RESUME RETURN_GENERATOR SEND
SETUP_CLEANUP SET_FUNCTION_ATTRIBUTE STORE_FAST_LOAD_FAST STORE_FAST_MAYBE_NULL STORE_FAST_STORE_FAST
STORE_SLICE SWAP TO_BOOL
'''.split()
_BY_NUMBER = {number: (name, kind) for name, (number, kind) in _TABLE.items()}


def stack_effect(opcode, oparg=None, /, *, jump=None):
    """Compute the stack effect of the opcode."""
    entry = _BY_NUMBER.get(opcode)
    if entry is None:
        raise ValueError('invalid opcode or oparg')
    if opcode >= 90:
        if oparg is None:
            raise ValueError('stack_effect: opcode requires oparg but oparg was not specified')
    elif oparg is not None:
        raise ValueError('stack_effect: opcode does not permit oparg but oparg was specified')
    if jump not in (None, True, False):
        raise ValueError("stack_effect: jump must be False, True or None")
    effects = [_imp._stack_effect(opcode, oparg or 0, j) for j in ([jump] if jump is not None else [False, True])]
    return max(effects)


def _kind(opcode):
    return _BY_NUMBER.get(opcode, ('', ''))[1]


def is_valid(opcode):
    """Return True if opcode is valid, False otherwise."""
    return opcode in _BY_NUMBER


def has_arg(opcode):
    """Return True if the opcode uses its oparg, False otherwise."""
    return opcode >= 90 and opcode in _BY_NUMBER


def has_const(opcode):
    """Return True if the opcode accesses a constant, False otherwise."""
    return _kind(opcode) == 'Const'


def has_name(opcode):
    """Return True if the opcode accesses an attribute by name, False otherwise."""
    return _kind(opcode) == 'Name'


def has_jump(opcode):
    """Return True if the opcode has a jump target, False otherwise."""
    return _kind(opcode) in ('JumpRelative', 'JumpAbsolute')


def has_free(opcode):
    """Return True if the opcode accesses a free variable, False otherwise."""
    return _kind(opcode) == 'Free'


def has_local(opcode):
    """Return True if the opcode accesses a local variable, False otherwise."""
    return _kind(opcode) == 'Local'


def has_exc(opcode):
    """Return True if the opcode sets up an exception handler, False otherwise."""
    return _BY_NUMBER.get(opcode, ('',))[0] in ('SETUP_FINALLY', 'SETUP_WITH', 'SETUP_ASYNC_WITH')


def get_executor(*, code, offset):
    """There are no executors in this machine."""
    raise ValueError('no executor exists at this offset')
