//! The built-in types: one file each, listed once in `builtin_types!`.

pub mod async_generator;
pub mod bytearray;
pub mod bytes;
pub mod code;
pub mod complex;
pub mod descriptor;
pub mod dict;
pub mod dunders;
pub mod exception;
pub mod exception_group;
pub mod float;
pub mod frame;
pub mod frame_locals;
pub mod function;
pub mod generator;
pub mod generic;
pub mod int;
pub mod iterators;
pub mod list;
pub mod memoryview;
pub mod module;
pub mod namespace;
pub mod native_types;
pub mod object;
pub mod python_buffer;
pub mod range;
pub mod set;
pub mod shapes;
pub mod singletons;
pub mod slice;
pub mod str;
pub mod structseq;
pub mod super_;
pub mod template;
pub mod traceback;
pub mod tuple;
pub mod type_;
pub mod weakproxy;
pub mod weakref;

pub use bytearray::ByteArray;
pub use bytes::Bytes;
pub use code::CodeObj;
pub use dict::Dict;
pub use exception::Exception;
pub use float::Float;
pub use function::{BoundMethod, Builtin, CellObj, Function};
pub use generator::Generator;
pub use int::Int;
pub use list::List;
pub use memoryview::MemoryView;
pub use set::Set;
pub use slice::Slice;
pub use str::Str;
pub use tuple::Tuple;
pub use type_::{Slots, Type, flags};

use crate::memory::{Ops, OpsOf};
use crate::native::{GetSet, MemberDef, MethodDef};
use crate::object::{Obj, Ref, shape};

/// What a built-in type is made of.
pub struct Spec {
    pub name: &'static str,
    pub doc: &'static str,
    pub layout: u16,
    pub basicsize: usize,
    pub ops: &'static Ops,
    pub flags: u32,
    /// 0: a number is handed out.
    pub shape: u32,
    pub slots: Slots,
    pub methods: &'static [MethodDef],
    /// Methods of the type beside those it shares with others.
    pub more_methods: &'static [MethodDef],
    pub getset: &'static [GetSet],
    pub members: &'static [MemberDef],
    pub text_signature: &'static str,
}

impl Spec {
    /// A type without methods over a layout.
    pub const fn new<T: crate::object::Layout + crate::object::Trace>(name: &'static str) -> Spec {
        Spec {
            name,
            doc: "",
            layout: T::ID,
            basicsize: size_of::<T>(),
            ops: &OpsOf::<T>::OPS,
            flags: 0,
            shape: 0,
            slots: Slots::EMPTY,
            methods: &[],
            more_methods: &[],
            getset: &[],
            members: &[],
            text_signature: "",
        }
    }
}

macro_rules! builtin_types {
    ($($field:ident: $base:ident = $spec:expr;)*) => {
        /// Handles on all built-in types.
        pub struct Types {
            $(pub $field: Ref<Type>,)*
            /// MemoryError, made before it is needed.
            pub spare_memory_error: Option<Obj>,
        }
        /// Field name, base and specification of each type, bases first.
        pub(crate) const SPECS: &[(&str, &str, fn() -> Spec)] = &[$((stringify!($field), stringify!($base), || $spec),)*];
        impl Types {
            pub(crate) fn from_list(mut list: Vec<Ref<Type>>) -> Types {
                list.reverse();
                Types { $($field: list.pop().expect("one handle a type"),)* spare_memory_error: None }
            }
        }
    };
}

use exception::spec as exc;

builtin_types! {
    object: object = object::spec();
    type_: object = type_::spec();
    str: object = str::spec();
    tuple: object = tuple::spec();
    dict: object = dict::spec();
    int: object = int::spec();
    bool: int = int::bool_spec();
    float: object = float::spec();
    complex: object = complex::spec();
    bytes: object = bytes::spec();
    bytearray: object = bytearray::spec();
    memoryview: object = memoryview::spec();
    python_buffer: object = python_buffer::spec();
    list: object = list::spec();
    set: object = set::spec();
    frozenset: object = set::frozen_spec();
    none: object = singletons::none_spec();
    not_implemented: object = singletons::not_implemented_spec();
    ellipsis: object = singletons::ellipsis_spec();
    unbound: object = singletons::unbound_spec();
    slice: object = slice::spec();
    range: object = range::spec();
    range_iterator: object = range::iterator_spec();
    longrange_iterator: object = range::long_iterator_spec();
    function: object = function::spec();
    method: object = function::method_spec();
    builtin: object = function::builtin_spec();
    cell: object = function::cell_spec();
    code: object = code::spec();
    generator: object = generator::spec();
    coroutine: object = generator::coroutine_spec();
    coroutine_wrapper: object = generator::wrapper_spec();
    async_generator: object = async_generator::spec();
    async_asend: object = async_generator::step_spec("async_generator_asend");
    async_athrow: object = async_generator::step_spec("async_generator_athrow");
    async_wrapped_value: object = async_generator::yielded_spec();
    anext_awaitable: object = async_generator::anext_spec();
    generic_alias: object = generic::alias_spec();
    union: object = generic::union_spec();
    namespace: object = namespace::spec();
    template: object = template::spec();
    interpolation: object = template::interpolation_spec();
    frame: object = frame::spec();
    frame_locals: object = frame_locals::spec();
    traceback: object = traceback::spec();
    module: object = module::spec();
    property: object = descriptor::property_spec();
    classmethod: object = descriptor::classmethod_spec();
    staticmethod: object = descriptor::staticmethod_spec();
    wrapper_descriptor: object = descriptor::wrapper_spec();
    method_wrapper: object = descriptor::method_wrapper_spec();
    method_descriptor: object = descriptor::method_spec();
    classmethod_descriptor: object = descriptor::class_method_spec();
    getset_descriptor: object = descriptor::getset_spec();
    member_descriptor: object = descriptor::member_spec();
    mappingproxy: object = dict::proxy_spec();
    dict_keys: object = dict::views::keys_spec();
    dict_values: object = dict::views::values_spec();
    dict_items: object = dict::views::items_spec();
    dict_iterator: object = dict::views::iterator_spec("dict_keyiterator");
    dict_value_iterator: object = dict::views::iterator_spec("dict_valueiterator");
    dict_item_iterator: object = dict::views::iterator_spec("dict_itemiterator");
    dict_reverse_iterator: object = dict::views::iterator_spec("dict_reversekeyiterator");
    dict_reverse_value_iterator: object = dict::views::iterator_spec("dict_reversevalueiterator");
    dict_reverse_item_iterator: object = dict::views::iterator_spec("dict_reverseitemiterator");
    list_iterator: object = iterators::spec("list_iterator", shape::LIST_ITER);
    tuple_iterator: object = iterators::spec("tuple_iterator", shape::TUPLE_ITER);
    str_iterator: object = iterators::spec("str_iterator", 0);
    bytearray_iterator: object = iterators::spec("bytearray_iterator", 0);
    memory_iterator: object = iterators::spec("memory_iterator", 0);
    bytes_iterator: object = iterators::spec("bytes_iterator", 0);
    generic_alias_iterator: object = generic::alias_iterator_spec();
    sequence_iterator: object = iterators::spec("iterator", 0);
    set_iterator: object = set::iterator::spec();
    list_reverse_iterator: object = iterators::reverse_spec("list_reverseiterator");
    callable_iterator: object = iterators::combined::callable_spec();
    enumerate: object = iterators::combined::enumerate_spec();
    zip: object = iterators::combined::zip_spec();
    map: object = iterators::combined::map_spec();
    filter: object = iterators::combined::filter_spec();
    reversed: object = iterators::reversed_spec();
    super_: object = super_::spec();
    weakref: object = weakref::spec();
    weakproxy: object = weakproxy::spec();
    weakproxy_callable: object = weakproxy::callable_spec();
    base_exception: object = exception::root_spec("BaseException", "Common base class for all exceptions.");
    exception: base_exception = exc("Exception", "Common base class for all non-exit exceptions.");
    base_exception_group: base_exception = exception_group::spec("BaseExceptionGroup", "A combination of multiple unrelated exceptions.");
    exception_group: base_exception_group = exception_group::exception_group_spec("ExceptionGroup", "");
    generator_exit: base_exception = exc("GeneratorExit", "Request that a generator exit.");
    keyboard_interrupt: base_exception = exc("KeyboardInterrupt", "Program interrupted by user.");
    system_exit: base_exception = exception::fields::system_exit_spec("SystemExit", "Request to exit from the interpreter.");
    arithmetic_error: exception = exc("ArithmeticError", "Base class for arithmetic errors.");
    floating_point_error: arithmetic_error = exc("FloatingPointError", "Floating-point operation failed.");
    overflow_error: arithmetic_error = exc("OverflowError", "Result too large to be represented.");
    zero_division_error: arithmetic_error = exc("ZeroDivisionError", "Second argument to a division or modulo operation was zero.");
    assertion_error: exception = exc("AssertionError", "Assertion failed.");
    attribute_error: exception = exception::fields::attribute_error_spec("AttributeError", "Attribute not found.");
    buffer_error: exception = exc("BufferError", "Buffer error.");
    eof_error: exception = exc("EOFError", "Read beyond end of file.");
    import_error: exception = exception::fields::import_error_spec("ImportError", "Import can't find module, or can't find name in module.");
    module_not_found_error: import_error = exception::kin(exception::fields::import_error_spec("ModuleNotFoundError", "Module not found."));
    lookup_error: exception = exc("LookupError", "Base class for lookup errors.");
    index_error: lookup_error = exc("IndexError", "Sequence index out of range.");
    key_error: lookup_error = exception::key_error_spec("KeyError", "Mapping key not found.");
    memory_error: exception = exc("MemoryError", "Out of memory.");
    name_error: exception = exception::fields::name_error_spec("NameError", "Name not found globally.");
    unbound_local_error: name_error = exception::kin(exception::fields::name_error_spec("UnboundLocalError", "Local name referenced but not bound to a value."));
    os_error: exception = exception::os::root_spec("OSError", "Base class for I/O related errors.");
    blocking_io_error: os_error = exception::os::kin_spec("BlockingIOError", "I/O operation would block.");
    child_process_error: os_error = exception::os::kin_spec("ChildProcessError", "Child process error.");
    connection_error: os_error = exception::os::kin_spec("ConnectionError", "Connection error.");
    broken_pipe_error: connection_error = exception::os::kin_spec("BrokenPipeError", "Broken pipe.");
    connection_aborted_error: connection_error = exception::os::kin_spec("ConnectionAbortedError", "Connection aborted.");
    connection_refused_error: connection_error = exception::os::kin_spec("ConnectionRefusedError", "Connection refused.");
    connection_reset_error: connection_error = exception::os::kin_spec("ConnectionResetError", "Connection reset.");
    file_exists_error: os_error = exception::os::kin_spec("FileExistsError", "File already exists.");
    file_not_found_error: os_error = exception::os::kin_spec("FileNotFoundError", "File not found.");
    interrupted_error: os_error = exception::os::kin_spec("InterruptedError", "Interrupted by signal.");
    is_a_directory_error: os_error = exception::os::kin_spec("IsADirectoryError", "Operation doesn't work on directories.");
    not_a_directory_error: os_error = exception::os::kin_spec("NotADirectoryError", "Operation only works on directories.");
    permission_error: os_error = exception::os::kin_spec("PermissionError", "Not enough permissions.");
    process_lookup_error: os_error = exception::os::kin_spec("ProcessLookupError", "Process not found.");
    timeout_error: os_error = exception::os::kin_spec("TimeoutError", "Timeout expired.");
    reference_error: exception = exc("ReferenceError", "Weak ref proxy used after referent went away.");
    runtime_error: exception = exc("RuntimeError", "Unspecified run-time error.");
    not_implemented_error: runtime_error = exc("NotImplementedError", "Method or function hasn't been implemented yet.");
    recursion_error: runtime_error = exc("RecursionError", "Recursion limit exceeded.");
    python_finalization_error: runtime_error = exc("PythonFinalizationError", "Operation blocked during Python finalization.");
    stop_async_iteration: exception = exc("StopAsyncIteration", "Signal the end from iterator.__anext__().");
    stop_iteration: exception = exception::fields::stop_iteration_spec("StopIteration", "Signal the end from iterator.__next__().");
    syntax_error: exception = exception::fields::syntax_error_spec("SyntaxError", "Invalid syntax.");
    indentation_error: syntax_error = exception::kin(exception::fields::syntax_error_spec("IndentationError", "Improper indentation."));
    incomplete_input_error: syntax_error = exception::kin(exception::fields::syntax_error_spec("_IncompleteInputError", "incomplete input."));
    tab_error: indentation_error = exception::kin(exception::fields::syntax_error_spec("TabError", "Improper mixture of spaces and tabs."));
    system_error: exception = exc("SystemError", "Internal error in the Python interpreter.");
    type_error: exception = exc("TypeError", "Inappropriate argument type.");
    value_error: exception = exc("ValueError", "Inappropriate argument value (of correct type).");
    unicode_error: value_error = exc("UnicodeError", "Unicode related error.");
    unicode_decode_error: unicode_error = exception::unicode::decode_spec("UnicodeDecodeError", "Unicode decoding error.");
    unicode_encode_error: unicode_error = exception::unicode::encode_spec("UnicodeEncodeError", "Unicode encoding error.");
    unicode_translate_error: unicode_error = exception::unicode::translate_spec("UnicodeTranslateError", "Unicode translation error.");
    warning: exception = exc("Warning", "Base class for warning categories.");
    bytes_warning: warning = exc("BytesWarning", "Base class for warnings about bytes and buffer related problems.");
    deprecation_warning: warning = exc("DeprecationWarning", "Base class for warnings about deprecated features.");
    encoding_warning: warning = exc("EncodingWarning", "Base class for warnings about encodings.");
    future_warning: warning = exc("FutureWarning", "Base class for warnings about constructs that will change semantically in the future.");
    import_warning: warning = exc("ImportWarning", "Base class for warnings about probable mistakes in module imports");
    pending_deprecation_warning: warning = exc("PendingDeprecationWarning", "Base class for warnings about features which will be deprecated in the future.");
    resource_warning: warning = exc("ResourceWarning", "Base class for warnings about resource usage.");
    runtime_warning: warning = exc("RuntimeWarning", "Base class for warnings about dubious runtime behavior.");
    syntax_warning: warning = exc("SyntaxWarning", "Base class for warnings about dubious syntax.");
    unicode_warning: warning = exc("UnicodeWarning", "Base class for warnings about Unicode related problems, mostly related to conversion problems.");
    user_warning: warning = exc("UserWarning", "Base class for warnings generated by user code.");
}
