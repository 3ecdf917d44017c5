//! The errors, with Expat's numbers and words.

macro_rules! codes {
    ($($name:ident = $number:literal, $constant:literal, $text:literal;)*) => {
        /// What may be wrong with a document.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code {
            $(#[doc = $text] $name = $number,)*
        }
        impl Code {
            /// All of them: the name of the constant, the number, the words.
            pub const ALL: &'static [(&'static str, i64, &'static str)] = &[$(($constant, $number, $text)),*];
        }
    };
}

codes! {
    NoMemory = 1, "XML_ERROR_NO_MEMORY", "out of memory";
    Syntax = 2, "XML_ERROR_SYNTAX", "syntax error";
    NoElements = 3, "XML_ERROR_NO_ELEMENTS", "no element found";
    InvalidToken = 4, "XML_ERROR_INVALID_TOKEN", "not well-formed (invalid token)";
    UnclosedToken = 5, "XML_ERROR_UNCLOSED_TOKEN", "unclosed token";
    PartialChar = 6, "XML_ERROR_PARTIAL_CHAR", "partial character";
    TagMismatch = 7, "XML_ERROR_TAG_MISMATCH", "mismatched tag";
    DuplicateAttribute = 8, "XML_ERROR_DUPLICATE_ATTRIBUTE", "duplicate attribute";
    JunkAfterDocument = 9, "XML_ERROR_JUNK_AFTER_DOC_ELEMENT", "junk after document element";
    ParamEntityRef = 10, "XML_ERROR_PARAM_ENTITY_REF", "illegal parameter entity reference";
    UndefinedEntity = 11, "XML_ERROR_UNDEFINED_ENTITY", "undefined entity";
    RecursiveEntity = 12, "XML_ERROR_RECURSIVE_ENTITY_REF", "recursive entity reference";
    AsyncEntity = 13, "XML_ERROR_ASYNC_ENTITY", "asynchronous entity";
    BadCharRef = 14, "XML_ERROR_BAD_CHAR_REF", "reference to invalid character number";
    BinaryEntity = 15, "XML_ERROR_BINARY_ENTITY_REF", "reference to binary entity";
    AttributeExternalEntity = 16, "XML_ERROR_ATTRIBUTE_EXTERNAL_ENTITY_REF", "reference to external entity in attribute";
    MisplacedXmlDecl = 17, "XML_ERROR_MISPLACED_XML_PI", "XML or text declaration not at start of entity";
    UnknownEncoding = 18, "XML_ERROR_UNKNOWN_ENCODING", "unknown encoding";
    IncorrectEncoding = 19, "XML_ERROR_INCORRECT_ENCODING", "encoding specified in XML declaration is incorrect";
    UnclosedCdata = 20, "XML_ERROR_UNCLOSED_CDATA_SECTION", "unclosed CDATA section";
    ExternalEntity = 21, "XML_ERROR_EXTERNAL_ENTITY_HANDLING", "error in processing external entity reference";
    NotStandalone = 22, "XML_ERROR_NOT_STANDALONE", "document is not standalone";
    UnexpectedState = 23, "XML_ERROR_UNEXPECTED_STATE", "unexpected parser state - please send a bug report";
    EntityDeclaredInPe = 24, "XML_ERROR_ENTITY_DECLARED_IN_PE", "entity declared in parameter entity";
    FeatureRequiresDtd = 25, "XML_ERROR_FEATURE_REQUIRES_XML_DTD", "requested feature requires XML_DTD support in Expat";
    CantChangeFeature = 26, "XML_ERROR_CANT_CHANGE_FEATURE_ONCE_PARSING", "cannot change setting once parsing has begun";
    UnboundPrefix = 27, "XML_ERROR_UNBOUND_PREFIX", "unbound prefix";
    UndeclaringPrefix = 28, "XML_ERROR_UNDECLARING_PREFIX", "must not undeclare prefix";
    IncompletePe = 29, "XML_ERROR_INCOMPLETE_PE", "incomplete markup in parameter entity";
    XmlDecl = 30, "XML_ERROR_XML_DECL", "XML declaration not well-formed";
    TextDecl = 31, "XML_ERROR_TEXT_DECL", "text declaration not well-formed";
    PublicId = 32, "XML_ERROR_PUBLICID", "illegal character(s) in public id";
    Suspended = 33, "XML_ERROR_SUSPENDED", "parser suspended";
    NotSuspended = 34, "XML_ERROR_NOT_SUSPENDED", "parser not suspended";
    Aborted = 35, "XML_ERROR_ABORTED", "parsing aborted";
    Finished = 36, "XML_ERROR_FINISHED", "parsing finished";
    SuspendPe = 37, "XML_ERROR_SUSPEND_PE", "cannot suspend in external parameter entity";
    ReservedPrefixXml = 38, "XML_ERROR_RESERVED_PREFIX_XML", "reserved prefix (xml) must not be undeclared or bound to another namespace name";
    ReservedPrefixXmlns = 39, "XML_ERROR_RESERVED_PREFIX_XMLNS", "reserved prefix (xmlns) must not be declared or undeclared";
    ReservedUri = 40, "XML_ERROR_RESERVED_NAMESPACE_URI", "prefix must not be bound to one of the reserved namespace names";
    InvalidArgument = 41, "XML_ERROR_INVALID_ARGUMENT", "invalid argument";
    NoBuffer = 42, "XML_ERROR_NO_BUFFER", "a successful prior call to function XML_GetBuffer was required";
    Amplification = 43, "XML_ERROR_AMPLIFICATION_LIMIT_BREACH", "limit on input amplification factor (from DTD and entities) breached";
    NotStarted = 44, "XML_ERROR_NOT_STARTED", "parser not started";
}
