//! THE opcode table: one row an opcode. Numbers and stack effects are CPython 3.9's (Lib/opcode.py, Python/compile.c);
//! rows after "later syntax" carry the names of CPython 3.10 and later on numbers that 3.9 left free.

/// What an instruction's argument means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// No argument is read.
    None,
    /// A plain number (count, flags, depth).
    Number,
    /// Index into `co_consts`.
    Const,
    /// Index into `co_names`.
    Name,
    /// Index into `co_varnames`.
    Local,
    /// Index into cells, then free variables.
    Free,
    /// Comparison number, see [`COMPARE_OPS`].
    Compare,
    /// Byte distance forward from the next instruction.
    JumpRelative,
    /// Byte offset in the code.
    JumpAbsolute,
}

/// The comparisons of COMPARE_OP, in the order of its argument.
pub const COMPARE_OPS: [&str; 6] = ["<", "<=", "==", "!=", ">", ">="];

/// First opcode that has an argument.
pub const HAVE_ARGUMENT: u8 = 90;

/// Hands the rows of the table to the macro named by the caller.
#[macro_export]
macro_rules! for_each_opcode {
    ($then:ident) => {
        $then! {
        1 POP_TOP None -1, "Drops the top of the stack.";
        2 ROT_TWO None 0, "Swaps the two topmost values.";
        3 ROT_THREE None 0, "Lifts the second and third value one position, moves the top to position three.";
        4 DUP_TOP None 1, "Pushes the top of the stack again; its count goes up by one.";
        5 DUP_TOP_TWO None 2, "Pushes the two topmost values again, in order.";
        6 ROT_FOUR None 0, "Lifts the second to fourth value one position, moves the top to position four.";
        9 NOP None 0, "Does nothing.";
        10 UNARY_POSITIVE None 0, "Replaces the top by +top.";
        11 UNARY_NEGATIVE None 0, "Replaces the top by -top.";
        12 UNARY_NOT None 0, "Replaces the top by `not top`.";
        15 UNARY_INVERT None 0, "Replaces the top by ~top.";
        16 BINARY_MATRIX_MULTIPLY None -1, "Replaces the two topmost values a, b by a @ b.";
        17 INPLACE_MATRIX_MULTIPLY None -1, "a @= b.";
        19 BINARY_POWER None -1, "Replaces the two topmost values a, b by a ** b.";
        20 BINARY_MULTIPLY None -1, "Replaces the two topmost values a, b by a * b.";
        22 BINARY_MODULO None -1, "Replaces the two topmost values a, b by a % b.";
        23 BINARY_ADD None -1, "Replaces the two topmost values a, b by a + b.";
        24 BINARY_SUBTRACT None -1, "Replaces the two topmost values a, b by a - b.";
        25 BINARY_SUBSCR None -1, "Replaces container, key by container[key].";
        26 BINARY_FLOOR_DIVIDE None -1, "Replaces the two topmost values a, b by a // b.";
        27 BINARY_TRUE_DIVIDE None -1, "Replaces the two topmost values a, b by a / b.";
        28 INPLACE_FLOOR_DIVIDE None -1, "a //= b.";
        29 INPLACE_TRUE_DIVIDE None -1, "a /= b.";
        48 RERAISE None -3, "Raises the exception on the stack again, with its traceback.";
        49 WITH_EXCEPT_START None 1, "Calls __exit__ of the with block with the exception on the stack.";
        50 GET_AITER None 0, "Replaces the top by its __aiter__().";
        51 GET_ANEXT None 1, "Pushes the awaitable of the iterator's __anext__().";
        52 BEFORE_ASYNC_WITH None 1, "Pushes __aexit__ below and the result of __aenter__() on top.";
        54 END_ASYNC_FOR None -7, "Ends an async for loop: swallows StopAsyncIteration, raises anything else again.";
        55 INPLACE_ADD None -1, "a += b.";
        56 INPLACE_SUBTRACT None -1, "a -= b.";
        57 INPLACE_MULTIPLY None -1, "a *= b.";
        59 INPLACE_MODULO None -1, "a %= b.";
        60 STORE_SUBSCR None -3, "container[key] = value for value, container, key on the stack.";
        61 DELETE_SUBSCR None -2, "del container[key].";
        62 BINARY_LSHIFT None -1, "Replaces the two topmost values a, b by a << b.";
        63 BINARY_RSHIFT None -1, "Replaces the two topmost values a, b by a >> b.";
        64 BINARY_AND None -1, "Replaces the two topmost values a, b by a & b.";
        65 BINARY_XOR None -1, "Replaces the two topmost values a, b by a ^ b.";
        66 BINARY_OR None -1, "Replaces the two topmost values a, b by a | b.";
        67 INPLACE_POWER None -1, "a **= b.";
        68 GET_ITER None 0, "Replaces the top by iter(top).";
        69 GET_YIELD_FROM_ITER None 0, "Like GET_ITER, but leaves generators and coroutines as they are.";
        70 PRINT_EXPR None -1, "Hands the top to sys.displayhook (interactive mode).";
        71 LOAD_BUILD_CLASS None 1, "Pushes builtins.__build_class__.";
        72 YIELD_FROM None -1, "Delegates to the sub-iterator below the top until it is done.";
        73 GET_AWAITABLE None 0, "Replaces the top by what awaiting it iterates.";
        74 LOAD_ASSERTION_ERROR None 1, "Pushes AssertionError.";
        75 INPLACE_LSHIFT None -1, "a <<= b.";
        76 INPLACE_RSHIFT None -1, "a >>= b.";
        77 INPLACE_AND None -1, "a &= b.";
        78 INPLACE_XOR None -1, "a ^= b.";
        79 INPLACE_OR None -1, "a |= b.";
        82 LIST_TO_TUPLE None 0, "Replaces the list on top by a tuple of its items.";
        83 RETURN_VALUE None -1, "Returns the top to the caller; locals die in index order.";
        84 IMPORT_STAR None -1, "Copies the public names of the module on top into the namespace.";
        85 SETUP_ANNOTATIONS None 0, "Makes sure that __annotations__ exists in the namespace.";
        86 YIELD_VALUE None 0, "Hands the top to the caller; pushes what is sent in.";
        87 POP_BLOCK None 0, "Leaves the innermost try block.";
        89 POP_EXCEPT None -3, "Leaves an exception handler: the exception handled before is current again.";
        90 STORE_NAME Name -1, "Stores the top under a name in the namespace.";
        91 DELETE_NAME Name 0, "Removes a name from the namespace.";
        92 UNPACK_SEQUENCE Number -1, "Unpacks an iterable into exactly n values.";
        93 FOR_ITER JumpRelative 1, "Pushes the iterator's next value, or drops the iterator and jumps.";
        94 UNPACK_EX Number 0, "Unpacks an iterable around a starred target.";
        95 STORE_ATTR Name -2, "obj.name = value for value, obj on the stack.";
        96 DELETE_ATTR Name -1, "del obj.name.";
        97 STORE_GLOBAL Name -1, "Stores the top as a global.";
        98 DELETE_GLOBAL Name 0, "Removes a global.";
        100 LOAD_CONST Const 1, "Pushes a constant; its count goes up by one.";
        101 LOAD_NAME Name 1, "Pushes a name of the namespace, the globals or the builtins.";
        102 BUILD_TUPLE Number 0, "Moves n values into a new tuple.";
        103 BUILD_LIST Number 0, "Moves n values into a new list.";
        104 BUILD_SET Number 0, "Moves n values into a new set.";
        105 BUILD_MAP Number 0, "Moves n pairs into a new dict.";
        106 LOAD_ATTR Name 0, "Replaces the top by its attribute.";
        107 COMPARE_OP Compare -1, "Replaces the two topmost values by the result of comparing them.";
        108 IMPORT_NAME Name -1, "Imports a module; level and fromlist are on the stack.";
        109 IMPORT_FROM Name 1, "Pushes an attribute of the module on top.";
        110 JUMP_FORWARD JumpRelative 0, "Jumps forward.";
        111 JUMP_IF_FALSE_OR_POP JumpAbsolute -1, "Jumps and keeps the top if it is false, else drops it.";
        112 JUMP_IF_TRUE_OR_POP JumpAbsolute -1, "Jumps and keeps the top if it is true, else drops it.";
        113 JUMP_ABSOLUTE JumpAbsolute 0, "Jumps.";
        114 POP_JUMP_IF_FALSE JumpAbsolute -1, "Drops the top; jumps if it was false.";
        115 POP_JUMP_IF_TRUE JumpAbsolute -1, "Drops the top; jumps if it was true.";
        116 LOAD_GLOBAL Name 1, "Pushes a global, or a builtin of that name; its count goes up by one.";
        117 IS_OP Number -1, "Replaces a, b by `a is b` (argument 1: `is not`).";
        118 CONTAINS_OP Number -1, "Replaces a, b by `a in b` (argument 1: `not in`).";
        121 JUMP_IF_NOT_EXC_MATCH JumpAbsolute -2, "Drops exception and pattern; jumps if they do not match.";
        122 SETUP_FINALLY JumpRelative 0, "Enters a try block with its handler at the target.";
        124 LOAD_FAST Local 1, "Pushes a local variable; its count goes up by one.";
        125 STORE_FAST Local -1, "Moves the top into a local variable; the old value is dropped.";
        126 DELETE_FAST Local 0, "Empties a local variable.";
        130 RAISE_VARARGS Number 0, "Raises: 0 again, 1 an exception, 2 with a cause.";
        131 CALL_FUNCTION Number 0, "Calls with n positional arguments, which move into the callee.";
        132 MAKE_FUNCTION Number 0, "Makes a function of code and name; flags tell what else is on the stack.";
        133 BUILD_SLICE Number 0, "Builds a slice of 2 or 3 values.";
        135 LOAD_CLOSURE Free 1, "Pushes a cell itself.";
        136 LOAD_DEREF Free 1, "Pushes what a cell holds.";
        137 STORE_DEREF Free -1, "Stores the top in a cell.";
        138 DELETE_DEREF Free 0, "Empties a cell.";
        141 CALL_FUNCTION_KW Number 0, "Calls with keyword names in a tuple on top.";
        142 CALL_FUNCTION_EX Number 0, "Calls with an argument tuple and, if flag 1, a keyword dict.";
        143 SETUP_WITH JumpRelative 1, "Calls __enter__ and enters the with block.";
        144 EXTENDED_ARG Number 0, "Gives the next instruction eight more bits of argument.";
        145 LIST_APPEND Number -1, "Appends the top to the list n below.";
        146 SET_ADD Number -1, "Adds the top to the set n below.";
        147 MAP_ADD Number -2, "Puts key and value into the dict n below.";
        148 LOAD_CLASSDEREF Free 1, "Pushes a name of the class namespace, else what its cell holds.";
        154 SETUP_ASYNC_WITH JumpRelative 0, "Enters an async with block.";
        155 FORMAT_VALUE Number 0, "Formats a value for an f-string.";
        156 BUILD_CONST_KEY_MAP Number 0, "Builds a dict of n values and a tuple of keys.";
        157 BUILD_STRING Number 0, "Joins n strings.";
        160 LOAD_METHOD Name 1, "Pushes a method unbound with its object, or the bound attribute.";
        161 CALL_METHOD Number 0, "Calls what LOAD_METHOD pushed.";
        162 LIST_EXTEND Number -1, "Extends the list n below by an iterable.";
        163 SET_UPDATE Number -1, "Updates the set n below by an iterable.";
        164 DICT_MERGE Number -1, "Merges a mapping into the dict n below; a repeated key is an error.";
        165 DICT_UPDATE Number -1, "Updates the dict n below by a mapping.";
        30 GET_LEN None 1, "Later syntax (3.10): pushes len(top).";
        31 MATCH_MAPPING None 1, "Later syntax (3.10): pushes whether the top is a mapping.";
        32 MATCH_SEQUENCE None 1, "Later syntax (3.10): pushes whether the top is a sequence for patterns.";
        33 MATCH_KEYS None 2, "Later syntax (3.10): looks the keys on top up in the subject below.";
        34 COPY_DICT_WITHOUT_KEYS None 0, "Later syntax (3.10): replaces the keys on top by a dict of the rest.";
        37 CHECK_EG_MATCH None 0, "Later syntax (3.11): splits an exception group by a type.";
        38 BUILD_TEMPLATE None -1, "Later syntax (3.14): builds a template of strings and interpolations.";
        88 PREP_RERAISE_STAR None 0, "Later syntax (3.11): what except* clauses left to raise.";
        99 ROT_N Number 0, "Later syntax (3.10): moves the top to position n.";
        152 MATCH_CLASS Number -1, "Later syntax (3.10): matches a class pattern; names tuple on top.";
        170 BUILD_INTERPOLATION Number 0, "Later syntax (3.14): builds an interpolation of a t-string.";
        173 CALL_INTRINSIC_1 Number 0, "Later syntax (3.12): a helper of one argument, see Intrinsic1.";
        174 CALL_INTRINSIC_2 Number -1, "Later syntax (3.12): a helper of two arguments, see Intrinsic2.";
        175 LOAD_FROM_DICT_OR_GLOBALS Name 0, "Later syntax (3.12): looks a name up in the mapping on top, else globally.";
        176 LOAD_FROM_DICT_OR_DEREF Free 0, "Later syntax (3.12): looks a name up in the mapping on top, else in its cell.";
                }
    };
}

macro_rules! define {
    ($($num:literal $name:ident $operand:ident $effect:literal, $doc:literal;)*) => {
        /// An instruction of the wordcode.
        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Opcode { $(#[doc = $doc] $name = $num,)* }

        impl Opcode {
            /// Every opcode, in the order of the table.
            pub const ALL: &[Opcode] = &[$(Opcode::$name,)*];

            /// The opcode with that number.
            pub const fn from_u8(number: u8) -> Option<Opcode> {
                match number { $($num => Some(Opcode::$name),)* _ => None }
            }
            /// CPython's name.
            pub const fn name(self) -> &'static str {
                match self { $(Opcode::$name => stringify!($name),)* }
            }
            /// What the argument means.
            pub const fn operand(self) -> Operand {
                match self { $(Opcode::$name => Operand::$operand,)* }
            }
            /// What the instruction does, one sentence.
            pub const fn doc(self) -> &'static str {
                match self { $(Opcode::$name => $doc,)* }
            }
            const fn fixed_effect(self) -> i32 {
                match self { $(Opcode::$name => $effect,)* }
            }
        }
    };
}
for_each_opcode!(define);

impl Opcode {
    /// Whether the instruction reads its argument.
    pub fn has_arg(self) -> bool {
        self as u8 >= HAVE_ARGUMENT
    }

    /// Whether the argument is a jump target.
    pub fn is_jump(self) -> bool {
        matches!(self.operand(), Operand::JumpRelative | Operand::JumpAbsolute)
    }

    /// How much deeper the stack is afterwards. `jump` asks for the taken branch. As CPython 3.9's `stack_effect`.
    pub fn stack_effect(self, arg: u32, jump: bool) -> i32 {
        use Opcode::*;
        let n = arg as i32;
        match self {
            UNPACK_SEQUENCE => n - 1,
            UNPACK_EX => (n & 0xff) + (n >> 8),
            BUILD_TUPLE | BUILD_LIST | BUILD_SET | BUILD_STRING => 1 - n,
            BUILD_MAP => 1 - 2 * n,
            BUILD_CONST_KEY_MAP => -n,
            FOR_ITER => {
                if jump {
                    -1
                } else {
                    1
                }
            }
            JUMP_IF_FALSE_OR_POP | JUMP_IF_TRUE_OR_POP => {
                if jump {
                    0
                } else {
                    -1
                }
            }
            SETUP_FINALLY => {
                if jump {
                    6
                } else {
                    0
                }
            }
            SETUP_WITH => {
                if jump {
                    6
                } else {
                    1
                }
            }
            SETUP_ASYNC_WITH => {
                if jump {
                    5
                } else {
                    0
                }
            }
            RAISE_VARARGS | CALL_FUNCTION => -n,
            CALL_FUNCTION_KW => -n - 1,
            CALL_METHOD => -n - 1,
            CALL_FUNCTION_EX => -1 - (n & 1),
            MAKE_FUNCTION => -1 - (n & 0x1f).count_ones() as i32,
            BUILD_SLICE => {
                if n == 3 {
                    -2
                } else {
                    -1
                }
            }
            FORMAT_VALUE => {
                if n & 4 != 0 {
                    -1
                } else {
                    0
                }
            }
            BUILD_INTERPOLATION => {
                if n & 1 != 0 {
                    -2
                } else {
                    -1
                }
            }
            MATCH_CLASS => -1,
            _ => self.fixed_effect(),
        }
    }

    /// Whether it goes on somewhere else if a value says so.
    pub fn is_conditional_jump(self) -> bool {
        use Opcode::*;
        matches!(self, POP_JUMP_IF_FALSE | POP_JUMP_IF_TRUE | JUMP_IF_FALSE_OR_POP | JUMP_IF_TRUE_OR_POP | JUMP_IF_NOT_EXC_MATCH)
    }
    /// Whether control goes on to the next instruction or elsewhere, and it is a branch for those who watch.
    pub fn branches(self) -> bool {
        self.is_conditional_jump() || self == Opcode::FOR_ITER
    }
    /// Whether control never goes on to the next instruction.
    pub fn ends_flow(self) -> bool {
        use Opcode::*;
        matches!(self, JUMP_ABSOLUTE | JUMP_FORWARD | RETURN_VALUE | RAISE_VARARGS | RERAISE)
    }
}

/// Helpers called by CALL_INTRINSIC_1, by argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Intrinsic1 {
    TypeVar = 1,
    TypeVarTuple = 2,
    ParamSpec = 3,
    TypeAlias = 4,
    SubscriptGeneric = 5,
    LoadLocals = 6,
}

/// Helpers called by CALL_INTRINSIC_2, by argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Intrinsic2 {
    TypeVarWithBound = 1,
    TypeVarWithConstraints = 2,
    SetFunctionTypeParams = 3,
    SetTypeParamDefault = 4,
}
