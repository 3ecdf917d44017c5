//! Rust functions as Python callables: signatures, binding with CPython's error sentences, conversions.

use crate::cx::{Cx, PyResult, Raised};
use crate::object::{Layout, Obj, Ref};
use crate::types::{Str, Type};

/// The arguments of a call: positional first, then the values of the keywords named by `names`.
/// They are counted references in the caller's hands.
#[derive(Clone, Copy)]
pub struct Args<'a> {
    pub items: &'a [Obj],
    pub names: &'a [Obj],
}

impl<'a> Args<'a> {
    pub fn positional_only(items: &'a [Obj]) -> Args<'a> {
        Args { items, names: &[] }
    }
    /// The positional part.
    pub fn positional(&self) -> &'a [Obj] {
        &self.items[..self.items.len() - self.names.len()]
    }
    /// Name and value of each keyword argument.
    pub fn keywords(&self) -> impl ExactSizeIterator<Item = (&'a Obj, &'a Obj)> {
        self.names.iter().zip(&self.items[self.items.len() - self.names.len()..])
    }
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
    /// Exactly positional arguments, between `min` and `max` of them, as PyArg_UnpackTuple words it.
    pub fn unpack(&self, cx: &Cx, name: &str, min: usize, max: usize) -> PyResult<&'a [Obj]> {
        self.no_keywords(cx, name)?;
        let n = self.items.len();
        if n < min {
            return Err(cx.type_error(format!("{name} expected {}{min} argument{}, got {n}", if min == max { "" } else { "at least " }, plural(min))));
        }
        if n > max {
            return Err(cx.type_error(format!("{name} expected {}{max} argument{}, got {n}", if min == max { "" } else { "at most " }, plural(max))));
        }
        Ok(self.items)
    }
    pub fn no_keywords(&self, cx: &Cx, name: &str) -> PyResult<()> {
        if self.names.is_empty() { Ok(()) } else { Err(cx.type_error(format!("{name}() takes no keyword arguments"))) }
    }
    /// Of `__new__` of a class whose objects take no keywords: they are refused, unless a class below it has an `__init__` of
    /// its own, which takes them. The positional ones.
    pub fn for_init(&self, cx: &Cx, class: &Type, base: &Type, name: &str) -> PyResult<Args<'a>> {
        let init = |t: &Type| t.slots(cx).init.map(|f| f as usize);
        if std::ptr::eq(class, base) || init(class) == init(base) {
            self.no_keywords(cx, name)?;
        }
        Ok(Args::positional_only(self.positional()))
    }
    /// Refuses more arguments than these parameters take, and keywords that are none of them.
    pub fn only(&self, cx: &Cx, function: &str, params: &[&str]) -> PyResult<()> {
        let (given, most) = (self.items.len(), params.len());
        if given > most {
            let kind = if self.positional().is_empty() { "keyword " } else { "" };
            return Err(cx.type_error(format!("{function}() takes at most {most} {kind}argument{} ({given} given)", plural(most))));
        }
        for (name, _) in self.keywords() {
            let text = name.cast::<Str>().map_or_else(String::new, |s| s.to_text(cx));
            match params.iter().position(|p| *p == text) {
                Some(i) if i < self.positional().len() => {
                    return Err(cx.type_error(format!("argument for {function}() given by name ('{text}') and position ({})", i + 1)));
                }
                Some(_) => {}
                None => {
                    let hint = crate::suggestions::hint(&text, params.iter().copied());
                    return Err(cx.type_error(format!("{function}() got an unexpected keyword argument '{text}'{hint}")));
                }
            }
        }
        Ok(())
    }
    /// The keyword argument of that name.
    pub fn keyword(&self, cx: &Cx, name: &str) -> Option<&'a Obj> {
        self.keywords().find(|(k, _)| k.cast::<Str>().is_some_and(|s| s.eq_str(cx, name))).map(|(_, v)| v)
    }
}

/// How a complaint about an argument calls what was given.
pub fn called(o: &Obj) -> String {
    if o.is_none() { "None".into() } else { o.ty().name_text() }
}

fn plural(n: usize) -> &'static str {
    if n == 1 { "" } else { "s" }
}

/// What a callable's parameters are, in order.
pub struct Signature {
    pub name: &'static str,
    pub params: &'static [&'static str],
    pub positional_only: usize,
    pub positional: usize,
    pub required: usize,
    pub keyword_required: usize,
    pub star: bool,
    pub star_star: bool,
    pub text: &'static str,
}

impl Signature {
    /// Of a function that looks at its arguments itself; `text` is what `inspect` shows.
    pub const fn open(name: &'static str, text: &'static str) -> Signature {
        Signature { name, params: &[], positional_only: 0, positional: 0, required: 0, keyword_required: 0, star: true, star_star: true, text }
    }
}

/// How a function takes its first argument.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MethodKind {
    Method,
    Class,
    Static,
}

/// The Rust side of a Python-visible function.
pub type NativeFn = for<'a> fn(&mut Cx, &'static MethodDef, &'a Obj, Args<'a>) -> PyResult;

/// One row of a type's or module's table.
pub struct MethodDef {
    pub name: &'static str,
    pub kind: MethodKind,
    pub signature: Signature,
    pub doc: &'static str,
    pub call: NativeFn,
}

/// A computed attribute.
pub struct GetSet {
    pub name: &'static str,
    pub doc: &'static str,
    pub get: fn(&mut Cx, &Obj) -> PyResult,
    pub set: Option<fn(&mut Cx, &Obj, Option<&Obj>) -> PyResult<()>>,
    /// Shown as a member: in CPython it is a field.
    pub member: bool,
}

/// A field of an object that is shown as it is.
pub struct MemberDef {
    pub name: &'static str,
    /// Bytes from the header to the handle.
    pub offset: usize,
    pub kind: MemberKind,
    pub doc: &'static str,
}

/// What a member makes of an empty field, and who may set it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MemberKind {
    /// Of `__slots__`: an empty one is an AttributeError.
    Slot,
    /// An empty one is None.
    Object,
    /// The same; nobody may set it.
    ReadOnly,
    /// An int of a machine word; it cannot be deleted.
    Index,
    /// A function knows it.
    Computed,
}

/// What is left over for `*args` and `**kwargs`.
pub struct Bound<'a> {
    pub rest: &'a [Obj],
    pub keywords: Vec<(&'a Obj, &'a Obj)>,
}

/// Puts arguments into the slots of a signature.
pub fn bind<'a>(cx: &mut Cx, def: &'static MethodDef, this: &Obj, args: Args<'a>, slots: &mut [Option<&'a Obj>]) -> PyResult<Bound<'a>> {
    let sig = &def.signature;
    let positional = args.positional();
    let n = positional.len();
    let mut bound = Bound { rest: &[], keywords: Vec::new() };
    if n < sig.positional_only.min(sig.required) && sig.params.len() > sig.positional_only {
        return Err(too_few(cx, def, this, n, n));
    }
    if n > sig.positional {
        if !sig.star {
            return Err(too_many(cx, def, this, n));
        }
        bound.rest = &positional[sig.positional..];
    }
    for (slot, value) in slots.iter_mut().zip(positional.iter().take(sig.positional)) {
        *slot = Some(value);
    }
    let mut unknown = None;
    if !args.names.is_empty() {
        unknown = bind_keywords(cx, def, this, args, slots, &mut bound)?;
    }
    if let Some(missing) = (0..sig.required).find(|i| slots[*i].is_none()) {
        return Err(too_few(cx, def, this, n, missing));
    }
    for i in sig.positional..sig.positional + sig.keyword_required {
        if slots.get(i).is_some_and(Option::is_none) {
            return Err(cx.type_error(format!("{}() missing required keyword-only argument: '{}'", sig.name, sig.params[i])));
        }
    }
    if let Some(text) = unknown {
        let hint = crate::suggestions::hint(&text, sig.params[sig.positional_only..].iter().copied());
        return Err(cx.type_error(format!("{}() got an unexpected keyword argument '{text}'{hint}", sig.name)));
    }
    Ok(bound)
}

/// The name of a native function with its type or module before it, as CPython's `_PyObject_FunctionStr`.
#[cold]
fn full_name(cx: &mut Cx, def: &'static MethodDef, this: &Obj) -> String {
    if let Some(m) = this.cast::<crate::types::module::Module>().cloned() {
        let module = m.name_of(cx);
        return if module == "builtins" { def.name.into() } else { format!("{module}.{}", def.name) };
    }
    if def.kind == MethodKind::Class
        && let Some(t) = this.cast::<Type>()
    {
        return format!("{}.{}", t.short_name(), def.name);
    }
    let class = this.cast::<Type>().filter(|_| def.kind != MethodKind::Method).cloned().unwrap_or_else(|| this.type_ref());
    let key = cx.name(def.name);
    let owner = class.mro_list(cx).iter().filter_map(|t| t.cast::<Type>().cloned()).find(|t| {
        let found = t.dict.get(cx).as_ref().and_then(|d| d.get_str(cx, &key));
        found.is_some_and(|f| crate::types::descriptor::is_method(&f, def))
    });
    match owner {
        Some(t) => format!("{}.{}", t.short_name(), def.name),
        None => def.name.into(),
    }
}

/// The name of the first keyword that is no parameter comes back: what is missing is told before it.
#[cold]
fn bind_keywords<'a>(cx: &mut Cx, def: &'static MethodDef, this: &Obj, args: Args<'a>, slots: &mut [Option<&'a Obj>], bound: &mut Bound<'a>) -> PyResult<Option<String>> {
    let sig = &def.signature;
    if sig.params.len() == sig.positional_only && !sig.star_star {
        let full = full_name(cx, def, this);
        return Err(cx.type_error(format!("{full}() takes no keyword arguments")));
    }
    let (given, most) = (args.items.len(), sig.params.len());
    if given > most && !sig.star && !sig.star_star {
        let kind = if args.positional().is_empty() { "keyword " } else { "" };
        return Err(cx.type_error(format!("{}() takes at most {most} {kind}argument{} ({given} given)", sig.name, plural(most))));
    }
    let mut unknown = None;
    for (name, value) in args.keywords() {
        let Some(text) = name.cast::<Str>() else { return Err(cx.type_error("keywords must be strings")) };
        let found = sig.params.iter().enumerate().skip(sig.positional_only).find(|(_, p)| text.eq_str(cx, p)).map(|(i, _)| i);
        match found {
            Some(i) if slots[i].is_some() => {
                return Err(cx.type_error(format!("argument for {}() given by name ('{}') and position ({})", sig.name, sig.params[i], i + 1)));
            }
            Some(i) => slots[i] = Some(value),
            None if sig.star_star => bound.keywords.push((name, value)),
            None => unknown = unknown.or_else(|| Some(text.to_text(cx))),
        }
    }
    Ok(unknown)
}

#[cold]
fn too_many(cx: &mut Cx, def: &'static MethodDef, this: &Obj, n: usize) -> Raised {
    let sig = &def.signature;
    let name = sig.name;
    let (max, min) = (sig.positional, sig.required);
    let all_positional = sig.positional_only == sig.params.len();
    if all_positional {
        let full = full_name(cx, def, this);
        return match (min, max) {
            (_, 0) => cx.type_error(format!("{full}() takes no arguments ({n} given)")),
            (1, 1) => cx.type_error(format!("{full}() takes exactly one argument ({n} given)")),
            _ if min == max => cx.type_error(format!("{name} expected {max} argument{}, got {n}", plural(max))),
            _ => cx.type_error(format!("{name} expected at most {max} argument{}, got {n}", plural(max))),
        };
    }
    let most = sig.params.len();
    if n > most {
        return cx.type_error(format!("{name}() takes at most {most} argument{} ({n} given)", plural(most)));
    }
    let word = if min == max { "exactly" } else { "at most" };
    let positional = if sig.params.len() > max { "positional " } else { "" };
    if max == 0 {
        return cx.type_error(format!("{name}() takes no positional arguments"));
    }
    cx.type_error(format!("{name}() takes {word} {max} {positional}argument{} ({n} given)", plural(max)))
}

#[cold]
fn too_few(cx: &mut Cx, def: &'static MethodDef, this: &Obj, n: usize, missing: usize) -> Raised {
    let sig = &def.signature;
    let name = sig.name;
    let (max, min) = (sig.positional, sig.required);
    if missing < sig.positional_only && sig.params.len() > sig.positional_only {
        let min = sig.positional_only.min(min);
        let word = if min == max { "exactly" } else { "at least" };
        return cx.type_error(format!("{name}() takes {word} {min} positional argument{} ({n} given)", plural(min)));
    }
    if missing < sig.positional_only {
        return match (min, max) {
            (1, 1) => {
                let full = full_name(cx, def, this);
                cx.type_error(format!("{full}() takes exactly one argument ({n} given)"))
            }
            _ if min == max => cx.type_error(format!("{name} expected {min} argument{}, got {n}", plural(min))),
            _ => cx.type_error(format!("{name} expected at least {min} argument{}, got {n}", plural(min))),
        };
    }
    cx.type_error(format!("{name}() missing required argument '{}' (pos {})", sig.params[missing], missing + 1))
}

/// The receiver of a method, checked.
pub fn receiver<'a, T: FromReceiver<'a>>(cx: &Cx, this: &'a Obj) -> PyResult<T> {
    T::from_receiver(cx, this)
}

/// Types a method can take as its receiver.
pub trait FromReceiver<'a>: Sized {
    fn from_receiver(cx: &Cx, this: &'a Obj) -> PyResult<Self>;
}
impl<'a> FromReceiver<'a> for &'a Obj {
    fn from_receiver(_: &Cx, this: &'a Obj) -> PyResult<Self> {
        Ok(this)
    }
}
impl<'a, T: Layout> FromReceiver<'a> for &'a Ref<T> {
    fn from_receiver(cx: &Cx, this: &'a Obj) -> PyResult<Self> {
        this.cast::<T>().ok_or_else(|| cx.type_error(format!("descriptor requires a '{}' object but received a '{}'", T::NAME, this.ty().name_text())))
    }
}

/// Converts one argument. `None` means it was not given.
pub trait FromArg<'a>: Sized {
    fn from_arg(cx: &mut Cx, value: Option<&'a Obj>, name: &str) -> PyResult<Self>;
}
impl<'a> FromArg<'a> for &'a Obj {
    fn from_arg(cx: &mut Cx, value: Option<&'a Obj>, name: &str) -> PyResult<Self> {
        value.ok_or_else(|| cx.type_error(format!("missing {name}")))
    }
}
impl<'a> FromArg<'a> for Obj {
    fn from_arg(cx: &mut Cx, value: Option<&'a Obj>, name: &str) -> PyResult<Self> {
        <&Obj>::from_arg(cx, value, name).cloned()
    }
}
impl<'a, T: FromArg<'a>> FromArg<'a> for Option<T> {
    fn from_arg(cx: &mut Cx, value: Option<&'a Obj>, name: &str) -> PyResult<Self> {
        match value {
            None => Ok(None),
            some => T::from_arg(cx, some, name).map(Some),
        }
    }
}
impl<'a, T: Layout> FromArg<'a> for &'a Ref<T> {
    fn from_arg(cx: &mut Cx, value: Option<&'a Obj>, name: &str) -> PyResult<Self> {
        let v = <&Obj>::from_arg(cx, value, name)?;
        v.cast::<T>().ok_or_else(|| cx.type_error(format!("{name} must be {}, not {}", T::NAME, called(v))))
    }
}
impl<'a> FromArg<'a> for i64 {
    fn from_arg(cx: &mut Cx, value: Option<&'a Obj>, name: &str) -> PyResult<Self> {
        let v = <&Obj>::from_arg(cx, value, name)?;
        crate::protocol::index_i64(cx, v)
    }
}
/// What C calls an `int`.
impl<'a> FromArg<'a> for i32 {
    fn from_arg(cx: &mut Cx, value: Option<&'a Obj>, name: &str) -> PyResult<Self> {
        let v = <&Obj>::from_arg(cx, value, name)?;
        c_int(cx, v)
    }
}
/// The number an object stands for, as C's `int` takes it.
pub fn c_int(cx: &mut Cx, o: &Obj) -> PyResult<i32> {
    let n = crate::protocol::index(cx, o)?;
    let n = crate::types::int::to_i64(&n).and_then(|n| i32::try_from(n).ok());
    n.ok_or_else(|| cx.overflow_error("Python int too large to convert to C int"))
}
/// An end of a range as slices take it: numbers beyond a machine word stand for the furthest end.
fn slice_end(cx: &mut Cx, value: Option<&Obj>, name: &str, wanted: &str) -> PyResult<i64> {
    let Some(v) = value else { return Err(cx.type_error(format!("missing {name}"))) };
    if v.ty().slots(cx).index.is_none() {
        return Err(cx.type_error(format!("slice indices must be {wanted} or have an __index__ method")));
    }
    crate::types::slice::clamped(cx, v)
}
/// An end of a range that is a number.
#[derive(Clone, Copy, Debug)]
pub struct SliceIndex(pub i64);
impl<'a> FromArg<'a> for SliceIndex {
    fn from_arg(cx: &mut Cx, value: Option<&'a Obj>, name: &str) -> PyResult<Self> {
        slice_end(cx, value, name, "integers").map(SliceIndex)
    }
}
/// The same where None stands for one that is not given.
#[derive(Clone, Copy, Debug)]
pub struct SliceEnd(pub i64);
impl<'a> FromArg<'a> for SliceEnd {
    fn from_arg(cx: &mut Cx, value: Option<&'a Obj>, name: &str) -> PyResult<Self> {
        slice_end(cx, value, name, "integers or None").map(SliceEnd)
    }
}
impl<'a> FromArg<'a> for usize {
    fn from_arg(cx: &mut Cx, value: Option<&'a Obj>, name: &str) -> PyResult<Self> {
        let n = i64::from_arg(cx, value, name)?;
        usize::try_from(n).map_err(|_| cx.value_error(format!("{name} must be >= 0")))
    }
}
impl<'a> FromArg<'a> for bool {
    fn from_arg(cx: &mut Cx, value: Option<&'a Obj>, name: &str) -> PyResult<Self> {
        let v = <&Obj>::from_arg(cx, value, name)?;
        crate::protocol::truth(cx, v)
    }
}
impl<'a> FromArg<'a> for f64 {
    fn from_arg(cx: &mut Cx, value: Option<&'a Obj>, name: &str) -> PyResult<Self> {
        let v = <&Obj>::from_arg(cx, value, name)?;
        crate::protocol::as_f64(cx, v)
    }
}
impl<'a> FromArg<'a> for String {
    fn from_arg(cx: &mut Cx, value: Option<&'a Obj>, name: &str) -> PyResult<Self> {
        Ok(<&Ref<Str>>::from_arg(cx, value, name)?.to_text(cx))
    }
}

/// Converts a function's result.
pub trait IntoPy {
    fn into_py(self, cx: &mut Cx) -> PyResult;
}
impl<T: IntoPy> IntoPy for PyResult<T> {
    fn into_py(self, cx: &mut Cx) -> PyResult {
        self?.into_py(cx)
    }
}
impl IntoPy for Obj {
    fn into_py(self, _: &mut Cx) -> PyResult {
        Ok(self)
    }
}
impl<T: Layout> IntoPy for Ref<T> {
    fn into_py(self, _: &mut Cx) -> PyResult {
        Ok(self.into_obj())
    }
}
impl IntoPy for () {
    fn into_py(self, cx: &mut Cx) -> PyResult {
        Ok(cx.none())
    }
}
impl IntoPy for bool {
    fn into_py(self, cx: &mut Cx) -> PyResult {
        Ok(cx.bool(self))
    }
}
impl IntoPy for i64 {
    fn into_py(self, cx: &mut Cx) -> PyResult {
        cx.int(self)
    }
}
impl IntoPy for usize {
    fn into_py(self, cx: &mut Cx) -> PyResult {
        cx.int(self as i64)
    }
}
impl IntoPy for f64 {
    fn into_py(self, cx: &mut Cx) -> PyResult {
        cx.float(self)
    }
}
impl IntoPy for String {
    fn into_py(self, cx: &mut Cx) -> PyResult {
        cx.str(&self)
    }
}
impl IntoPy for &str {
    fn into_py(self, cx: &mut Cx) -> PyResult {
        cx.str(self)
    }
}
impl<T: IntoPy> IntoPy for Option<T> {
    fn into_py(self, cx: &mut Cx) -> PyResult {
        match self {
            Some(v) => v.into_py(cx),
            None => Ok(cx.none()),
        }
    }
}

/// A type as the receiver of a class method.
pub fn class_receiver<'a>(cx: &Cx, this: &'a Obj) -> PyResult<&'a Ref<Type>> {
    receiver(cx, this)
}
