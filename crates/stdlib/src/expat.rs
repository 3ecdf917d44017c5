//! `pyexpat`: a parser of XML that calls what it is given for each thing it finds. The parsing is `retic_xml`'s.

mod call;

use call::{HANDLERS, run};
use retic_runtime::object::{Buf, Guarded};
use retic_runtime::types::code::Hidden;
use retic_runtime::types::type_::flags;
use retic_runtime::types::{Bytes, Dict, Slots, Spec, Str, Type, module};
use retic_runtime::{Cx, Obj, PyResult, Raised, Ref, layout, memory, protocol};
use retic_xml::{Code, ParamEntities, Parser, Place, XmlError};
use std::cell::{Cell, RefCell};

/// What a program sets on a parser.
#[derive(Clone, Copy)]
struct Settings {
    /// Text is collected up to so many bytes; none: it is handed on as it comes.
    buffer_size: usize,
    buffer_text: bool,
    namespace_prefixes: bool,
    ordered_attributes: bool,
    specified_attributes: bool,
}

layout! {
    /// A parser. While a handler runs it is whole: events are taken from it one by one.
    pub struct XmlParser = 321, "pyexpat.xmlparser" {
        parser: Hidden<RefCell<Option<Box<Parser>>>>,
        /// By their places in `HANDLERS`; None where there is none.
        handlers: Guarded<Buf<Obj>>,
        /// Text that was not handed on yet.
        buffer: Hidden<RefCell<String>>,
        settings: Cell<Settings>,
        in_callback: Cell<bool>,
        error: Hidden<Cell<Option<XmlError>>>,
        base: Guarded<Option<Obj>>,
        intern: Guarded<Option<Obj>>,
    }
}

/// The exception of an error in a document.
fn raise(cx: &mut Cx, e: XmlError) -> Raised {
    let made = (|| {
        let class = cx.native_type("xml.parsers.expat.ExpatError");
        let text = cx.str(&format!("{}: line {}, column {}", words(e.code), e.place.line, e.place.column))?;
        let o = protocol::call(cx, class.as_obj(), &[text])?;
        for (name, value) in [("code", e.code as i64), ("offset", e.place.column as i64), ("lineno", e.place.line as i64)] {
            let (key, value) = (cx.name(name), cx.int(value)?);
            protocol::setattr(cx, &o, &key, Some(&value))?;
        }
        Ok(o)
    })();
    match made {
        Ok(o) => cx.raise(o),
        Err(raised) => raised,
    }
}

fn words(code: Code) -> &'static str {
    Code::ALL.iter().find(|c| c.1 == code as i64).map_or("", |c| c.2)
}

/// Runs something on the parser itself. Nothing of Python's runs meanwhile.
fn with<T>(this: &XmlParser, act: impl FnOnce(&mut Parser) -> T) -> T {
    let mut parser = this.parser.0.borrow_mut();
    act(parser.get_or_insert_with(|| Box::new(Parser::new(None, None))))
}

fn make_parser(cx: &mut Cx, ty: &Ref<Type>, parser: Parser, handlers: Vec<Obj>, settings: Settings, base: Option<Obj>, intern: Option<Obj>) -> PyResult<Ref<XmlParser>> {
    let mut slots = Buf::empty();
    for h in handlers {
        slots.push(cx, h)?;
    }
    memory::new(cx, ty, |head| XmlParser {
        head,
        parser: Hidden(RefCell::new(Some(Box::new(parser)))),
        handlers: Guarded::new(slots),
        buffer: Hidden(RefCell::default()),
        settings: Cell::new(settings),
        in_callback: Cell::new(false),
        error: Hidden(Cell::new(None)),
        base: Guarded::new(base),
        intern: Guarded::new(intern),
    })
}

/// Hands bytes or text to the parser and lets it call.
fn parse(cx: &mut Cx, this: &Ref<XmlParser>, data: &Obj, is_final: bool) -> PyResult<i64> {
    let bytes = match data.cast::<Str>() {
        Some(text) => {
            with(this, |p| p.force_encoding("utf-8"));
            retic_runtime::codecs::encode(cx, text, "utf-8", "strict")?
        }
        None => protocol::buffer::bytes(cx, data)?,
    };
    feed(cx, this, &bytes, is_final)
}

fn feed(cx: &mut Cx, this: &Ref<XmlParser>, bytes: &[u8], is_final: bool) -> PyResult<i64> {
    let fed = with(this, |p| p.feed(bytes, is_final));
    let done = match fed {
        Ok(()) => run(cx, this)?,
        Err(e) => Err(e),
    };
    match done {
        Ok(()) => Ok(1),
        Err(e) => {
            this.error.0.set(Some(e));
            Err(raise(cx, e))
        }
    }
}

fn place(this: &XmlParser) -> Place {
    with(this, |p| p.place())
}

fn flag(cx: &mut Cx, value: Option<&Obj>) -> PyResult<bool> {
    match value {
        Some(v) => protocol::truth(cx, v),
        None => Err(cx.runtime_error("Cannot delete attribute")),
    }
}

#[retic_macros::methods]
impl XmlParser {
    /// Parse more of the document: a str, or bytes. isfinal says that nothing follows.
    #[py("Parse($self, data, isfinal=False, /)")]
    fn parse(cx: &mut Cx, this: &Ref<XmlParser>, data: &Obj, isfinal: bool) -> PyResult<i64> {
        parse(cx, this, data, isfinal)
    }
    /// Parse the document that a file in binary mode holds.
    #[py("ParseFile($self, file, /)")]
    fn parse_file(cx: &mut Cx, this: &Ref<XmlParser>, file: &Obj) -> PyResult<i64> {
        const PIECE_BYTES: i64 = 2048;
        let name = cx.name("read");
        let Some(read) = protocol::lookup_attr(cx, file, &name)? else { return Err(cx.type_error("argument must have 'read' attribute")) };
        loop {
            let size = cx.int(PIECE_BYTES)?;
            let piece = protocol::call(cx, &read, &[size])?;
            if piece.cast::<Bytes>().is_none() && piece.cast::<retic_runtime::types::ByteArray>().is_none() {
                return Err(cx.type_error(format!("read() did not return a bytes object (type={})", piece.ty().name_text())));
            }
            let bytes = protocol::buffer::bytes(cx, &piece)?;
            if bytes.len() as i64 > PIECE_BYTES {
                return Err(cx.value_error(format!("read() returned too much data: {PIECE_BYTES} bytes requested, {} returned", bytes.len())));
            }
            let done = feed(cx, this, &bytes, bytes.is_empty())?;
            if bytes.is_empty() {
                return Ok(done);
            }
        }
    }
    /// Set what relative identifiers of entities are relative to.
    #[py("SetBase($self, base, /)")]
    fn set_base(cx: &mut Cx, this: &Ref<XmlParser>, base: &Ref<Str>) {
        let old = this.base.replace(cx, Some(base.as_obj().clone()));
        cx.release(old);
    }
    /// What relative identifiers of entities are relative to, or None.
    #[py("GetBase($self, /)")]
    fn get_base(cx: &mut Cx, this: &Ref<XmlParser>) -> Option<Obj> {
        this.base.cloned(cx)
    }
    /// The input from the current event on, as far as it was handed over, or None outside of handlers.
    #[py("GetInputContext($self, /)")]
    fn get_input_context(cx: &mut Cx, this: &Ref<XmlParser>) -> PyResult {
        if !this.in_callback.get() {
            return Ok(cx.none());
        }
        let rest = with(this, |p| {
            let (text, at) = p.context();
            text.as_bytes()[at.min(text.len())..].to_vec()
        });
        Bytes::from_slice(cx, &rest)
    }
    /// A parser for an external entity, which calls what this one calls.
    #[py("ExternalEntityParserCreate($self, context, encoding=None, /)")]
    fn external_entity_parser_create(cx: &mut Cx, this: &Ref<XmlParser>, context: &Obj, encoding: Option<&Ref<Str>>) -> PyResult {
        let context = if context.is_none() {
            None
        } else {
            let Some(s) = context.cast::<Str>() else {
                return Err(cx.type_error(format!("ExternalEntityParserCreate() argument 1 must be str or None, not {}", context.ty().name_text())));
            };
            Some(s.to_text(cx))
        };
        let encoding = encoding.map(|e| e.to_text(cx));
        let inner = with(this, |p| p.external(context.as_deref(), encoding.as_deref()));
        let handlers = this.handlers.get(cx).to_vec();
        let (base, intern) = (this.base.cloned(cx), this.intern.cloned(cx));
        Ok(make_parser(cx, &this.as_obj().type_ref(), inner, handlers, this.settings.get(), base, intern)?.into_obj())
    }
    /// When parameter entities are read: one of the XML_PARAM_ENTITY_PARSING_* constants. True when that can be chosen.
    #[py("SetParamEntityParsing($self, flag, /)")]
    fn set_param_entity_parsing(_: &mut Cx, this: &Ref<XmlParser>, flag: i64) -> i64 {
        let when = match flag {
            1 => ParamEntities::UnlessStandalone,
            2 => ParamEntities::Always,
            _ => ParamEntities::Never,
        };
        with(this, |p| p.param_entities = when);
        1
    }
    /// Let the handler of external entities supply a document type where the document has none.
    #[py("UseForeignDTD($self, flag=True, /)")]
    fn use_foreign_dtd(cx: &mut Cx, this: &Ref<XmlParser>, flag: bool) -> PyResult<()> {
        if !with(this, |p| p.is_fresh()) {
            let e = XmlError { code: Code::CantChangeFeature, place: place(this) };
            return Err(raise(cx, e));
        }
        with(this, |p| p.foreign_dtd = flag);
        Ok(())
    }
    /// Whether a token that is not whole waits for much more of it.
    #[py("GetReparseDeferralEnabled($self, /)")]
    fn get_reparse_deferral(_: &mut Cx, this: &Ref<XmlParser>) -> bool {
        with(this, |p| p.deferral)
    }
    /// Choose whether a token that is not whole waits for much more of it.
    #[py("SetReparseDeferralEnabled($self, enabled, /)")]
    fn set_reparse_deferral(_: &mut Cx, this: &Ref<XmlParser>, enabled: bool) {
        with(this, |p| p.deferral = enabled);
    }
    #[get("ErrorCode")]
    fn error_code(_: &mut Cx, this: &Ref<XmlParser>) -> i64 {
        this.error.0.get().map_or(0, |e| e.code as i64)
    }
    #[get("ErrorLineNumber")]
    fn error_line(_: &mut Cx, this: &Ref<XmlParser>) -> usize {
        place(this).line
    }
    #[get("ErrorColumnNumber")]
    fn error_column(_: &mut Cx, this: &Ref<XmlParser>) -> usize {
        place(this).column
    }
    #[get("ErrorByteIndex")]
    fn error_byte(_: &mut Cx, this: &Ref<XmlParser>) -> i64 {
        if with(this, |p| p.is_fresh()) { -1 } else { place(this).byte as i64 }
    }
    #[get("CurrentLineNumber")]
    fn current_line(_: &mut Cx, this: &Ref<XmlParser>) -> usize {
        place(this).line
    }
    #[get("CurrentColumnNumber")]
    fn current_column(_: &mut Cx, this: &Ref<XmlParser>) -> usize {
        place(this).column
    }
    #[get("CurrentByteIndex")]
    fn current_byte(cx: &mut Cx, this: &Ref<XmlParser>) -> i64 {
        XmlParser::error_byte(cx, this)
    }
    /// The dict that names are shared through, or None.
    #[get("intern")]
    fn get_intern(cx: &mut Cx, this: &Ref<XmlParser>) -> Option<Obj> {
        this.intern.cloned(cx)
    }
    /// How many bytes of text wait.
    #[get("buffer_used")]
    fn buffer_used(_: &mut Cx, this: &Ref<XmlParser>) -> usize {
        this.buffer.0.borrow().len()
    }
    /// How many bytes of text are collected at most.
    #[get("buffer_size")]
    #[settable("")]
    fn buffer_size(_: &mut Cx, this: &Ref<XmlParser>) -> usize {
        this.settings.get().buffer_size
    }
    fn set_buffer_size(cx: &mut Cx, this: &Ref<XmlParser>, value: Option<&Obj>) -> PyResult<()> {
        let Some(value) = value else { return Err(cx.runtime_error("Cannot delete attribute")) };
        if value.cast::<retic_runtime::types::Int>().is_none() {
            return Err(cx.type_error("buffer_size must be an integer"));
        }
        let n = protocol::index_i64(cx, value)?;
        if n <= 0 {
            return Err(cx.value_error("buffer_size must be greater than zero"));
        }
        if n > i64::from(i32::MAX) {
            return Err(cx.value_error(format!("buffer_size must not be greater than {}", i32::MAX)));
        }
        call::flush(cx, this)?;
        this.settings.set(Settings { buffer_size: n as usize, ..this.settings.get() });
        Ok(())
    }
    /// Text is collected before it is handed on.
    #[get("buffer_text")]
    #[settable("")]
    fn buffer_text(_: &mut Cx, this: &Ref<XmlParser>) -> bool {
        this.settings.get().buffer_text
    }
    fn set_buffer_text(cx: &mut Cx, this: &Ref<XmlParser>, value: Option<&Obj>) -> PyResult<()> {
        let on = flag(cx, value)?;
        if !on {
            call::flush(cx, this)?;
        }
        this.settings.set(Settings { buffer_text: on, ..this.settings.get() });
        Ok(())
    }
    /// Names have their prefixes behind them.
    #[get("namespace_prefixes")]
    #[settable("")]
    fn namespace_prefixes(_: &mut Cx, this: &Ref<XmlParser>) -> bool {
        this.settings.get().namespace_prefixes
    }
    fn set_namespace_prefixes(cx: &mut Cx, this: &Ref<XmlParser>, value: Option<&Obj>) -> PyResult<()> {
        let on = flag(cx, value)?;
        with(this, |p| p.keep_prefixes(on));
        this.settings.set(Settings { namespace_prefixes: on, ..this.settings.get() });
        Ok(())
    }
    /// Attributes are a list of names and values, not a dict.
    #[get("ordered_attributes")]
    #[settable("")]
    fn ordered_attributes(_: &mut Cx, this: &Ref<XmlParser>) -> bool {
        this.settings.get().ordered_attributes
    }
    fn set_ordered_attributes(cx: &mut Cx, this: &Ref<XmlParser>, value: Option<&Obj>) -> PyResult<()> {
        let on = flag(cx, value)?;
        this.settings.set(Settings { ordered_attributes: on, ..this.settings.get() });
        Ok(())
    }
    /// Attributes that are not written, but have a default, are left out.
    #[get("specified_attributes")]
    #[settable("")]
    fn specified_attributes(_: &mut Cx, this: &Ref<XmlParser>) -> bool {
        this.settings.get().specified_attributes
    }
    fn set_specified_attributes(cx: &mut Cx, this: &Ref<XmlParser>, value: Option<&Obj>) -> PyResult<()> {
        let on = flag(cx, value)?;
        this.settings.set(Settings { specified_attributes: on, ..this.settings.get() });
        Ok(())
    }
}

#[retic_macros::methods]
mod functions {
    //! A parser of XML in the manner of Expat.
    use super::*;

    /// Make a parser. The encoding overrides what the document says. With a namespace_separator names are those of
    /// namespaces: URI, separator, local name. Names are shared through the dict intern.
    #[py("ParserCreate(encoding=None, namespace_separator=None, intern=<unrepresentable>)")]
    pub fn parser_create(cx: &mut Cx, encoding: Option<&Ref<Str>>, namespace_separator: Option<&Ref<Str>>, intern: Option<&Obj>) -> PyResult {
        let encoding = encoding.map(|e| e.to_text(cx));
        let separator = namespace_separator.map(|s| s.to_text(cx));
        if separator.as_ref().is_some_and(|s| s.chars().count() > 1) {
            return Err(cx.value_error("namespace_separator must be at most one character, omitted, or None"));
        }
        let intern = match intern {
            None => Some(Dict::new(cx)?.into_obj()),
            Some(o) if o.is_none() => None,
            Some(o) if o.cast::<Dict>().is_some() => Some(o.clone()),
            Some(_) => return Err(cx.type_error("intern must be a dictionary")),
        };
        let parser = Parser::new(encoding.as_deref(), separator.as_deref());
        let settings = Settings { buffer_size: 8192, buffer_text: false, namespace_prefixes: false, ordered_attributes: false, specified_attributes: false };
        let handlers = vec![cx.none(); HANDLERS.len()];
        let ty = cx.native_type("pyexpat.xmlparser");
        Ok(make_parser(cx, &ty, parser, handlers, settings, None, intern)?.into_obj())
    }
    /// The words for a number of an error, or None.
    #[py("ErrorString(code, /)")]
    pub fn error_string(_: &mut Cx, code: i64) -> Option<String> {
        Code::ALL.iter().find(|c| c.1 == code).map(|c| c.2.to_string())
    }
}

/// A module within this one.
fn inner(cx: &mut Cx, m: &Ref<module::Module>, name: &'static str, full: &str, doc: &str) -> PyResult<Ref<module::Module>> {
    let made = module::new(cx, full, Some(doc))?;
    m.set(cx, name, made.as_obj().clone())?;
    if let Some(modules) = cx.modules.clone() {
        let key = cx.str(full)?;
        let old = modules.insert(cx, &key, made.as_obj().clone())?;
        cx.release(old);
    }
    Ok(made)
}

pub fn make(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "pyexpat", functions::DOC, functions::FUNCTIONS)?;
    let spec = Spec {
        doc: "A parser of XML",
        flags: flags::GC,
        slots: Slots::EMPTY,
        methods: XmlParser::METHODS,
        getset: XmlParser::GETSET,
        ..Spec::new::<XmlParser>("pyexpat.xmlparser")
    };
    let base = cx.types.object.clone();
    let ty = retic_runtime::interp::native_type(cx, &spec, &base)?;
    let dict = ty.dict.cloned(cx).expect("a type has a dict");
    for def in HANDLERS {
        let d = retic_runtime::types::descriptor::getset(cx, &ty, def)?;
        dict.set_str(cx, def.name, d)?;
    }
    m.set(cx, "XMLParserType", ty.into_obj())?;
    let exception = cx.types.exception.as_obj().clone();
    let error = m.add_exception(cx, "xml.parsers.expat.ExpatError", &exception)?.into_obj();
    m.set(cx, "error", error)?;
    for (name, value) in [("XML_PARAM_ENTITY_PARSING_NEVER", 0), ("XML_PARAM_ENTITY_PARSING_UNLESS_STANDALONE", 1), ("XML_PARAM_ENTITY_PARSING_ALWAYS", 2)] {
        m.set_int(cx, name, value)?;
    }
    // What it does is what this version of Expat does.
    let version = ints(cx, &[2, 7, 1])?;
    m.set(cx, "version_info", version)?;
    for (name, text) in [("EXPAT_VERSION", "expat_2.7.1"), ("native_encoding", "UTF-8")] {
        let text = cx.str(text)?;
        m.set(cx, name, text)?;
    }
    let mut features = Vec::new();
    for (name, value) in [("sizeof(XML_Char)", 1), ("sizeof(XML_LChar)", 1), ("XML_DTD", 0), ("XML_CONTEXT_BYTES", 1024), ("XML_NS", 0)] {
        let row = [cx.str(name)?, cx.int(value)?];
        features.push(cx.tuple_of(row)?);
    }
    let features = cx.list(features)?;
    m.set(cx, "features", features)?;
    let errors = inner(cx, &m, "errors", "pyexpat.errors", "The words and numbers of errors.")?;
    let (codes, messages) = (Dict::new(cx)?, Dict::new(cx)?);
    for (name, number, text) in Code::ALL {
        let (number, text) = (cx.int(*number)?, cx.str(text)?);
        errors.set(cx, name, text.clone())?;
        let old = codes.insert(cx, &text, number.clone())?;
        cx.release(old);
        let old = messages.insert(cx, &number, text)?;
        cx.release(old);
    }
    errors.set(cx, "codes", codes.into_obj())?;
    errors.set(cx, "messages", messages.into_obj())?;
    let model = inner(cx, &m, "model", "pyexpat.model", "The numbers in content models.")?;
    for (i, name) in ["XML_CTYPE_EMPTY", "XML_CTYPE_ANY", "XML_CTYPE_MIXED", "XML_CTYPE_NAME", "XML_CTYPE_CHOICE", "XML_CTYPE_SEQ"].into_iter().enumerate() {
        model.set_int(cx, name, i as i64 + 1)?;
    }
    for (i, name) in ["XML_CQUANT_NONE", "XML_CQUANT_OPT", "XML_CQUANT_REP", "XML_CQUANT_PLUS"].into_iter().enumerate() {
        model.set_int(cx, name, i as i64)?;
    }
    Ok(m.into_obj())
}

fn ints(cx: &Cx, values: &[i64]) -> PyResult {
    let items = values.iter().map(|v| cx.int(*v)).collect::<PyResult<Vec<_>>>()?;
    cx.tuple(items)
}
