//! The module `builtins`.

use crate::cx::{Cx, PyResult};
use crate::native::Args;
use crate::object::{Obj, Ref};
use crate::protocol;
use crate::types::module::{self, Module};
use crate::types::type_::{Cmp, Op};
use crate::types::{CodeObj, Dict, Function, List, SPECS, Str, Tuple, Type, async_generator};

#[retic_macros::methods]
mod functions {
    //! Built-in functions, types, exceptions, and other objects.
    use super::*;
    use crate::object::shape;
    use crate::types::int;

    /// Prints the values to a stream, or to sys.stdout by default.
    #[py("print(*args, sep=None, end=None, file=None, flush=False)", "(*args, sep=' ', end='\\n', file=None, flush=False)")]
    pub fn print(cx: &mut Cx, args: &[Obj], sep: Option<&Ref<Str>>, end: Option<&Ref<Str>>, file: Option<&Obj>, flush: bool) -> PyResult<()> {
        let stream = match file {
            Some(f) => f.clone(),
            None => match sys_attribute(cx, "stdout") {
                Some(f) => f,
                None => return Err(cx.runtime_error("lost sys.stdout")),
            },
        };
        if stream.is_none() {
            return Ok(());
        }
        let space = cx.consts.latin1[32].clone();
        let line_end = cx.consts.latin1[10].clone();
        let sep = sep.map_or(&space, |s| s.as_obj()).clone();
        let end = end.map_or(&line_end, |s| s.as_obj()).clone();
        // One text and its end go out as one piece where nobody can see the difference.
        if let (Some(hook), [only]) = (cx.print_hook, args) {
            let t = protocol::str(cx, only)?;
            let line = crate::types::str::concat(cx, &t, &end)?;
            if let Some(s) = line.cast::<Str>()
                && hook(cx, &stream, s)?
            {
                told(cx, &stream, &line);
                return flush_after(cx, &stream, flush);
            }
            write_piece(cx, &stream, &t)?;
            write_piece(cx, &stream, &end)?;
            return flush_after(cx, &stream, flush);
        }
        for (i, a) in args.iter().enumerate() {
            if i > 0 {
                write_piece(cx, &stream, &sep)?;
            }
            let t = protocol::str(cx, a)?;
            write_piece(cx, &stream, &t)?;
        }
        write_piece(cx, &stream, &end)?;
        flush_after(cx, &stream, flush)
    }
    /// Return the identity of an object.
    #[py("id(obj, /)")]
    pub fn id(cx: &mut Cx, obj: &Obj) -> PyResult<i64> {
        crate::lens::asked(cx, obj, retic_events::Asked::Id);
        let address = obj.address() as i64;
        cx.audit("builtins.id", &[address.into()])?;
        Ok(address)
    }
    /// Return the number of items in a container.
    #[py("len(obj, /)")]
    pub fn len(cx: &mut Cx, obj: &Obj) -> PyResult<usize> {
        protocol::len(cx, obj)
    }
    /// Return the canonical string representation of the object.
    #[py("repr(obj, /)")]
    pub fn repr(cx: &mut Cx, obj: &Obj) -> PyResult {
        protocol::repr(cx, obj)
    }
    /// Return an ASCII-only representation of an object.
    #[py("ascii(obj, /)")]
    pub fn ascii(cx: &mut Cx, obj: &Obj) -> PyResult {
        protocol::ascii(cx, obj)
    }
    /// Return the hash value for the given object.
    #[py("hash(obj, /)")]
    pub fn hash(cx: &mut Cx, obj: &Obj) -> PyResult<i64> {
        protocol::hash(cx, obj)
    }
    /// Return an AsyncIterator for an AsyncIterable object.
    #[py("aiter(async_iterable, /)")]
    pub fn aiter(cx: &mut Cx, async_iterable: &Obj) -> PyResult {
        if async_iterable.ty().slots(cx).aiter.is_none() {
            return Err(cx.type_error(format!("'{}' object is not an async iterable", async_iterable.ty().name_text())));
        }
        let it = async_generator::aiter(cx, async_iterable, "")?;
        if it.ty().slots(cx).anext.is_none() {
            return Err(cx.type_error(format!("aiter() returned not an async iterator of type '{}'", it.ty().name_text())));
        }
        Ok(it)
    }
    /// Return the next item from the async iterator.
    #[py("anext(aiterator, default=<unrepresentable>, /)")]
    pub fn anext(cx: &mut Cx, aiterator: &Obj, default: Option<&Obj>) -> PyResult {
        async_generator::anext(cx, aiterator, default)
    }
    /// Return the absolute value of the argument.
    #[py("abs(x, /)")]
    pub fn abs(cx: &mut Cx, x: &Obj) -> PyResult {
        match x.ty().slots(cx).abs {
            Some(f) => f(cx, x),
            None => Err(cx.type_error(format!("bad operand type for abs(): '{}'", x.ty().name_text()))),
        }
    }
    /// Return True if bool(x) is True for all values x in the iterable.
    #[py("all(iterable, /)")]
    pub fn all(cx: &mut Cx, iterable: &Obj) -> PyResult<bool> {
        let it = protocol::iter(cx, iterable)?;
        while let Some(v) = protocol::next(cx, &it)? {
            if !protocol::truth(cx, &v)? {
                return Ok(false);
            }
            cx.release(v);
        }
        Ok(true)
    }
    /// Return True if bool(x) is True for any x in the iterable.
    #[py("any(iterable, /)")]
    pub fn any(cx: &mut Cx, iterable: &Obj) -> PyResult<bool> {
        let it = protocol::iter(cx, iterable)?;
        while let Some(v) = protocol::next(cx, &it)? {
            if protocol::truth(cx, &v)? {
                return Ok(true);
            }
            cx.release(v);
        }
        Ok(false)
    }
    fn radix(cx: &mut Cx, number: &Obj, radix: u32, prefix: &str) -> PyResult<String> {
        let i = protocol::index(cx, number)?;
        let b = crate::types::int::to_big(&i).unwrap_or(retic_numbers::Big::from(0));
        Ok(format!("{}{prefix}{}", if b.is_negative() { "-" } else { "" }, b.abs().to_text(radix)))
    }
    /// Return the binary representation of an integer.
    #[py("bin(number, /)")]
    pub fn bin(cx: &mut Cx, number: &Obj) -> PyResult<String> {
        radix(cx, number, 2, "0b")
    }
    /// Return the octal representation of an integer.
    #[py("oct(number, /)")]
    pub fn oct(cx: &mut Cx, number: &Obj) -> PyResult<String> {
        radix(cx, number, 8, "0o")
    }
    /// Return the hexadecimal representation of an integer.
    #[py("hex(number, /)")]
    pub fn hex(cx: &mut Cx, number: &Obj) -> PyResult<String> {
        radix(cx, number, 16, "0x")
    }
    /// Return whether the object is callable (i.e., some kind of function).
    #[py("callable(obj, /)")]
    pub fn callable(cx: &mut Cx, obj: &Obj) -> bool {
        obj.ty().slots(cx).call.is_some()
    }
    /// Return a Unicode string of one character with ordinal i; 0 <= i <= 0x10ffff.
    #[py("chr(i, /)")]
    pub fn chr(cx: &mut Cx, i: &Obj) -> PyResult {
        let i = protocol::index(cx, i)?;
        match crate::types::int::to_i64(&i).and_then(|i| u32::try_from(i).ok()).filter(|c| *c < 0x110000) {
            Some(c) => Str::of_point(cx, c),
            None => Err(cx.value_error("chr() arg not in range(0x110000)")),
        }
    }
    /// Return the ordinal value of a character.
    #[py("ord(c, /)", "(character, /)")]
    pub fn ord(cx: &mut Cx, c: &Obj) -> PyResult<i64> {
        if let Some(s) = c.cast::<Str>() {
            if s.len() == 1 {
                return Ok(i64::from(s.chars().get(0)));
            }
            return Err(cx.type_error(format!("ord() expected a character, but string of length {} found", s.len())));
        }
        let bytes = match (c.cast::<crate::types::Bytes>(), c.cast::<crate::types::ByteArray>()) {
            (Some(b), _) => Some(b.bytes()),
            (_, Some(b)) => Some(b.bytes(cx)),
            _ => None,
        };
        match bytes {
            Some([b]) => Ok(i64::from(*b)),
            Some(more) => {
                let n = more.len();
                Err(cx.type_error(format!("ord() expected a character, but string of length {n} found")))
            }
            None => Err(cx.type_error(format!("ord() expected string of length 1, but {} found", c.ty().name_text()))),
        }
    }
    /// Return the tuple (x//y, x%y).
    #[py("divmod(x, y, /)")]
    pub fn divmod(cx: &mut Cx, x: &Obj, y: &Obj) -> PyResult {
        protocol::binary(cx, x, y, Op::DivMod)
    }
    /// Equivalent to base**exp with 2 arguments or base**exp % mod with 3 arguments.
    #[py("pow(base, exp, mod=None)")]
    pub fn pow(cx: &mut Cx, base: &Obj, exp: &Obj, r#mod: Option<&Obj>) -> PyResult {
        protocol::power(cx, base, exp, r#mod)
    }
    /// Round a number to a given precision in decimal digits.
    #[py("round(number, ndigits=None)")]
    pub fn round(cx: &mut Cx, number: &Obj, ndigits: Option<&Obj>) -> PyResult {
        let name = cx.name("__round__");
        let Some(f) = protocol::special(cx, number, &name)? else {
            return Err(cx.type_error(format!("type {} doesn't define __round__ method", number.ty().name_text())));
        };
        protocol::call(cx, &f, &ndigits.cloned().into_iter().collect::<Vec<_>>())
    }
    /// Return the sum of a 'start' value (default: 0) plus an iterable of numbers.
    #[py("sum(iterable, /, start=0)")]
    pub fn sum(cx: &mut Cx, iterable: &Obj, start: Option<&Obj>) -> PyResult {
        let mut total = match start {
            Some(s) if s.cast::<Str>().is_some() => return Err(cx.type_error("sum() can't sum strings [use ''.join(seq) instead]")),
            Some(s) if s.cast::<crate::types::Bytes>().is_some() => return Err(cx.type_error("sum() can't sum bytes [use b''.join(seq) instead]")),
            Some(s) if s.cast::<crate::types::bytearray::ByteArray>().is_some() => return Err(cx.type_error("sum() can't sum bytearray [use b''.join(seq) instead]")),
            Some(s) => s.clone(),
            None => cx.int(0)?,
        };
        let it = protocol::iter(cx, iterable)?;
        let mut waiting = None;
        if let Some(sum) = sum_plain(cx, &it, &total, &mut waiting)? {
            total = sum;
        }
        while let Some(v) = match waiting.take() {
            Some(v) => Some(v),
            None => protocol::next(cx, &it)?,
        } {
            let new = protocol::binary(cx, &total, &v, Op::Add)?;
            cx.release(std::mem::replace(&mut total, new));
            cx.release(v);
            cx.poll_native()?;
        }
        Ok(total)
    }
    /// Adds up as long as ints and floats come, without making objects between; the first other value is left in `waiting`.
    /// Floats are added with their rounding errors kept apart (Neumaier), as CPython does.
    fn sum_plain(cx: &mut Cx, it: &Obj, start: &Obj, waiting: &mut Option<Obj>) -> PyResult<Option<Obj>> {
        let mut whole = match start.shape() {
            shape::INT => int::to_i64(start),
            shape::FLOAT => None,
            _ => return Ok(None),
        };
        let (mut sum, mut error) = if whole.is_none() { (protocol::exact_float(start), 0.0) } else { (0.0, 0.0) };
        while let Some(v) = protocol::next(cx, it)? {
            cx.poll_native()?;
            let number = if v.cast::<crate::types::Int>().is_some() { int::to_i64(&v) } else { None };
            let exact = v.shape() == shape::INT || std::ptr::eq(v.ty(), &*cx.types.bool);
            let x = match (v.shape(), whole, number) {
                (_, Some(n), Some(more)) if exact && n.checked_add(more).is_some() => {
                    whole = Some(n + more);
                    continue;
                }
                (shape::FLOAT, Some(n), _) => {
                    // The first float meets the whole sum as `+` adds them.
                    (whole, sum) = (None, n as f64 + protocol::exact_float(&v));
                    continue;
                }
                (_, None, Some(n)) => {
                    sum += n as f64;
                    continue;
                }
                (shape::FLOAT, None, _) => protocol::exact_float(&v),
                _ => {
                    *waiting = Some(v);
                    break;
                }
            };
            let t = sum + x;
            error += if sum.abs() >= x.abs() { (sum - t) + x } else { (x - t) + sum };
            sum = t;
        }
        match whole {
            Some(n) => cx.int(n).map(Some),
            // An error that is no number comes of an overflow that the sum shows.
            None => cx.float(if error != 0.0 && error.is_finite() { sum + error } else { sum }).map(Some),
        }
    }
    fn extreme(cx: &mut Cx, name: &str, args: &[Obj], key: Option<&Obj>, default: Option<&Obj>, op: Cmp) -> PyResult {
        let source = match args {
            [] => return Err(cx.type_error(format!("{name} expected at least 1 argument, got 0"))),
            [one] => Some(protocol::iter(cx, one)?),
            _ => {
                if default.is_some() {
                    return Err(cx.type_error(format!("Cannot specify a default for {name}() with multiple positional arguments")));
                }
                None
            }
        };
        let mut best: Option<(Obj, Obj)> = None;
        let mut i = 0;
        loop {
            let v = match &source {
                Some(it) => protocol::next(cx, it)?,
                None => args.get(i).cloned(),
            };
            let Some(v) = v else { break };
            i += 1;
            cx.poll_native()?;
            let k = match key {
                Some(f) => protocol::call(cx, f, std::slice::from_ref(&v))?,
                None => v.clone(),
            };
            let better = match &best {
                None => true,
                Some((b, _)) => match (int::to_i64(&k), int::to_i64(b)) {
                    (Some(x), Some(y)) if k.shape() == shape::INT && b.shape() == shape::INT => op.of(x, y),
                    _ => {
                        let r = protocol::richcompare(cx, &k, b, op)?;
                        let better = protocol::truth(cx, &r);
                        cx.release(r);
                        better?
                    }
                },
            };
            if better {
                cx.release(best.replace((k, v)));
            } else {
                cx.release((k, v));
            }
        }
        match (best, default) {
            (Some((_, v)), _) => Ok(v),
            (None, Some(d)) => Ok(d.clone()),
            (None, None) => Err(cx.value_error(format!("{name}() iterable argument is empty"))),
        }
    }
    /// min(iterable, *[, default=obj, key=func]) -> value
    /// min(arg1, arg2, *args, *[, key=func]) -> value
    ///
    /// With a single iterable argument, return its smallest item.
    #[py("min(*args, key=None, default=<unrepresentable>)", "")]
    pub fn min(cx: &mut Cx, args: &[Obj], key: Option<&Obj>, default: Option<&Obj>) -> PyResult {
        extreme(cx, "min", args, key, default, Cmp::Lt)
    }
    /// max(iterable, *[, default=obj, key=func]) -> value
    /// max(arg1, arg2, *args, *[, key=func]) -> value
    ///
    /// With a single iterable argument, return its biggest item.
    #[py("max(*args, key=None, default=<unrepresentable>)", "")]
    pub fn max(cx: &mut Cx, args: &[Obj], key: Option<&Obj>, default: Option<&Obj>) -> PyResult {
        extreme(cx, "max", args, key, default, Cmp::Gt)
    }
    /// Return a new list containing all items from the iterable in ascending order.
    #[py("sorted(*args, **kwargs)", "(iterable, /, *, key=None, reverse=False)")]
    pub fn sorted(cx: &mut Cx, args: &[Obj], kwargs: Vec<(&Obj, &Obj)>) -> PyResult {
        let [iterable] = Args::positional_only(args).unpack(cx, "sorted", 1, 1)? else { return Ok(cx.none()) };
        let l = List::new(cx)?;
        crate::types::list::extend(cx, &l, iterable)?;
        if kwargs.is_empty() {
            crate::types::list::sort(cx, &l, None, false)?;
        } else {
            // What the names mean is the method's business.
            let sort = cx.name("sort");
            let sort = protocol::getattr(cx, l.as_obj(), &sort)?;
            let (names, items): (Vec<Obj>, Vec<Obj>) = kwargs.into_iter().map(|(k, v)| (k.clone(), v.clone())).unzip();
            let r = protocol::call_args(cx, &sort, Args { items: &items, names: &names });
            cx.release_with_error((names, items));
            r?;
        }
        Ok(l.into_obj())
    }
    /// iter(iterable) -> iterator
    /// iter(callable, sentinel) -> iterator
    ///
    /// Get an iterator from an object.
    #[py("iter(object, sentinel=<unrepresentable>, /)", "")]
    pub fn iter(cx: &mut Cx, object: &Obj, sentinel: Option<&Obj>) -> PyResult {
        match sentinel {
            Some(_) if object.ty().slots(cx).call.is_none() => Err(cx.type_error("iter(v, w): v must be callable")),
            Some(s) => crate::types::iterators::combined::until(cx, object, s),
            None => protocol::iter(cx, object),
        }
    }
    /// next(iterator[, default])
    ///
    /// Return the next item from the iterator.
    #[py("next(iterator, default=<unrepresentable>, /)", "")]
    pub fn next(cx: &mut Cx, iterator: &Obj, default: Option<&Obj>) -> PyResult {
        match protocol::next_raising(cx, iterator) {
            Err(_) if default.is_some() && cx.error_is(&cx.types.stop_iteration) => {
                cx.clear_error();
                Ok(default.cloned().unwrap_or_else(|| cx.none()))
            }
            r => r,
        }
    }
    fn attribute(cx: &mut Cx, name: &Obj) -> PyResult<Ref<Str>> {
        match name.cast::<Str>() {
            Some(s) => Ok(crate::types::str::intern(cx, s.clone())),
            None => Err(cx.type_error(format!("attribute name must be string, not '{}'", name.ty().name_text()))),
        }
    }
    /// getattr(object, name[, default]) -> value
    ///
    /// Get a named attribute from an object.
    #[py("getattr(object, name, default=<unrepresentable>, /)", "")]
    pub fn getattr(cx: &mut Cx, object: &Obj, name: &Obj, default: Option<&Obj>) -> PyResult {
        let n = attribute(cx, name)?;
        match default {
            Some(d) => Ok(protocol::lookup_attr(cx, object, &n)?.unwrap_or_else(|| d.clone())),
            None => protocol::getattr(cx, object, &n),
        }
    }
    /// Return whether the object has an attribute with the given name.
    #[py("hasattr(obj, name, /)")]
    pub fn hasattr(cx: &mut Cx, obj: &Obj, name: &Obj) -> PyResult<bool> {
        let n = attribute(cx, name)?;
        Ok(protocol::lookup_attr(cx, obj, &n)?.is_some())
    }
    /// Sets the named attribute on the given object to the specified value.
    #[py("setattr(obj, name, value, /)")]
    pub fn setattr(cx: &mut Cx, obj: &Obj, name: &Obj, value: &Obj) -> PyResult<()> {
        let n = attribute(cx, name)?;
        protocol::setattr(cx, obj, &n, Some(value))
    }
    /// Deletes the named attribute from the given object.
    #[py("delattr(obj, name, /)")]
    pub fn delattr(cx: &mut Cx, obj: &Obj, name: &Obj) -> PyResult<()> {
        let n = attribute(cx, name)?;
        protocol::setattr(cx, obj, &n, None)
    }
    /// Return whether an object is an instance of a class or of a subclass thereof.
    #[py("isinstance(obj, class_or_tuple, /)")]
    pub fn isinstance(cx: &mut Cx, obj: &Obj, class_or_tuple: &Obj) -> PyResult<bool> {
        protocol::isinstance(cx, obj, class_or_tuple)
    }
    /// Return whether 'cls' is derived from another class or is the same class.
    #[py("issubclass(cls, class_or_tuple, /)")]
    pub fn issubclass(cx: &mut Cx, cls: &Obj, class_or_tuple: &Obj) -> PyResult<bool> {
        protocol::issubclass(cx, cls, class_or_tuple)
    }
    /// Return type(value).__format__(value, format_spec).
    #[py("format(value, format_spec='', /)")]
    pub fn format(cx: &mut Cx, value: &Obj, format_spec: Option<&Obj>) -> PyResult {
        let spec = format_spec.cloned().unwrap_or_else(|| cx.consts.empty_str.clone());
        if spec.cast::<crate::types::Str>().is_none() {
            return Err(cx.type_error(format!("format() argument 2 must be str, not {}", crate::native::called(&spec))));
        }
        protocol::format_value(cx, value, &spec)
    }
    /// Return the dictionary containing the current scope's global variables.
    #[py("globals()")]
    pub fn globals(cx: &mut Cx) -> Option<Obj> {
        cx.stacks.current().map(|f| f.function().globals.cloned(cx).into_obj())
    }
    /// Return a dictionary containing the current scope's local variables.
    #[py("locals()")]
    pub fn locals(cx: &mut Cx) -> PyResult {
        crate::types::frame::current_locals(cx)
    }
    /// vars([object]) -> dictionary
    ///
    /// Return an object's __dict__.
    #[py("vars(object=<unrepresentable>, /)", "")]
    pub fn vars(cx: &mut Cx, object: Option<&Obj>) -> PyResult {
        let Some(o) = object else { return crate::types::frame::current_locals(cx) };
        let name = cx.name("__dict__");
        protocol::lookup_attr(cx, o, &name)?.ok_or_else(|| cx.type_error("vars() argument must have __dict__ attribute"))
    }
    /// dir([object]) -> list of strings
    ///
    /// Show attributes of an object.
    #[py("dir(object=<unrepresentable>, /)", "")]
    pub fn dir(cx: &mut Cx, object: Option<&Obj>) -> PyResult {
        let names = match object {
            Some(o) => {
                let name = cx.name("__dir__");
                let f = protocol::special(cx, o, &name)?.ok_or_else(|| cx.type_error("object does not provide __dir__"))?;
                protocol::call(cx, &f, &[])?
            }
            // Whatever mapping serves as namespace says what is in it.
            None => match crate::types::frame::current_locals(cx)? {
                plain if std::ptr::eq(plain.ty(), &*cx.types.dict) => plain,
                other => protocol::call_method(cx, &other, "keys", &[])?,
            },
        };
        let items = protocol::collect(cx, &names)?;
        let l = cx.list(items)?;
        if let Some(l) = l.cast::<List>() {
            crate::types::list::sort(cx, l, None, false)?;
        }
        Ok(l)
    }
    /// Compile source into a code object that can be executed by exec() or eval().
    #[py("compile(source, filename, mode, flags=0, dont_inherit=False, optimize=-1, *, _feature_version=-1)")]
    pub fn compile(cx: &mut Cx, source: &Obj, filename: &Obj, mode: &Ref<Str>, flags: i64, dont_inherit: bool, optimize: i64, feature_version: i64) -> PyResult {
        const ONLY_AST: i64 = 0x400;
        const OPTIMIZED_AST: i64 = 0x8400;
        /// For text that is typed line by line: a tree is complete.
        const LINE_BY_LINE: i64 = 0x4200;
        if !(-1..=2).contains(&optimize) {
            return Err(cx.value_error("compile(): invalid optimize value"));
        }
        if flags & !0x1fe_f710 != 0 {
            return Err(cx.value_error("compile(): unrecognised flags"));
        }
        let ast = crate::modules::is_imported(cx, "_ast");
        let of_ast = match &ast {
            Some(m) => {
                let name = cx.name("AST");
                let class = protocol::getattr(cx, m, &name)?;
                protocol::isinstance(cx, source, &class)?
            }
            None => false,
        };
        let level = if optimize < 0 { cx.optimize } else { optimize as u8 };
        if of_ast && flags & ONLY_AST != 0 {
            return if flags & OPTIMIZED_AST == OPTIMIZED_AST { optimized(cx, source, level) } else { Ok(source.clone()) };
        }
        audit_compile(cx, source, filename)?;
        let file = file_name(cx, filename)?;
        let text = if of_ast { String::new() } else { source_text(cx, source, &file)? };
        let mode = utf8(cx, mode)?;
        match mode.as_str() {
            "exec" | "eval" | "single" => {}
            "func_type" if flags & ONLY_AST != 0 => {}
            "func_type" => return Err(cx.value_error("compile() mode 'func_type' requires flag PyCF_ONLY_AST")),
            _ if flags & ONLY_AST != 0 => return Err(cx.value_error("compile() mode must be 'exec', 'eval', 'single' or 'func_type'")),
            _ => return Err(cx.value_error("compile() mode must be 'exec', 'eval' or 'single'")),
        }
        let feature_version = u8::try_from(feature_version).unwrap_or(0);
        let flags = if dont_inherit { flags } else { flags | i64::from(inherited(cx)) };
        if flags & ONLY_AST != 0 {
            let Some(hook) = cx.tree_hook else { return Err(cx.runtime_error("no parser is installed")) };
            let tree = hook(cx, crate::cx::CompileRequest { source: &text, filename: &file, mode: &mode, flags: flags as u32, feature_version, optimize: 0 })?;
            return if flags & OPTIMIZED_AST == OPTIMIZED_AST { optimized(cx, &tree, level) } else { Ok(tree) };
        }
        let flags = if of_ast { flags & !LINE_BY_LINE } else { flags };
        let usual = std::mem::replace(&mut cx.optimize, level);
        let code = match cx.tree_compile_hook {
            Some(hook) if of_ast => {
                let request = crate::cx::CompileRequest { source: "", filename: &file, mode: &mode, flags: flags as u32, feature_version, optimize: level };
                hook(cx, source, request).and_then(|code| CodeObj::new(cx, code))
            }
            _ => crate::modules::compile(cx, crate::cx::CompileRequest { source: &text, filename: &file, mode: &mode, flags: flags as u32, feature_version, optimize: level }),
        };
        cx.optimize = usual;
        Ok(code?.into_obj())
    }
    /// A tree as a compiler at a level works on.
    fn optimized(cx: &mut Cx, tree: &Obj, level: u8) -> PyResult {
        let m = crate::modules::import::import(cx, "_retic_optimize")?;
        let name = cx.name("optimize");
        let f = protocol::getattr(cx, &m, &name)?;
        let level = cx.int(i64::from(level))?;
        protocol::call(cx, &f, &[tree.clone(), level])
    }
    /// The future features of the code that runs, which what it compiles has, too.
    fn inherited(cx: &Cx) -> u32 {
        use retic_bytecode::code::{CO_FUTURE_ANNOTATIONS, CO_FUTURE_BARRY_AS_BDFL};
        cx.stacks.current().map_or(0, |f| f.exec().flags & (CO_FUTURE_ANNOTATIONS | CO_FUTURE_BARRY_AS_BDFL))
    }
    /// The name of a file: text, bytes, or what has `__fspath__`.
    fn file_name(cx: &mut Cx, o: &Obj) -> PyResult<String> {
        let path = protocol::fspath(cx, o)?;
        let bytes = path.cast::<crate::types::Bytes>().map(|b| b.bytes().to_vec());
        let text = match bytes {
            Some(b) => crate::codecs::decode(cx, &b, "utf-8", "surrogateescape")?,
            None => path,
        };
        protocol::str_text(cx, &text)
    }

    /// Text that UTF-8 can say: half a surrogate pair is refused.
    fn utf8(cx: &mut Cx, s: &Ref<Str>) -> PyResult<String> {
        let bytes = crate::codecs::utf8(cx, s)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn source_text(cx: &mut Cx, source: &Obj, filename: &str) -> PyResult<String> {
        if let Some(s) = source.cast::<Str>() {
            let t = utf8(cx, s)?;
            if t.contains('\0') {
                return Err(cx.error_of(&cx.types.syntax_error, "source code string cannot contain null bytes"));
            }
            return Ok(t);
        }
        if !protocol::buffer::in_a_row(cx, source) {
            return Err(cx.type_error("compile() arg 1 must be a string, bytes or AST object"));
        }
        let bytes = protocol::buffer::bytes(cx, source)?;
        match cx.source_hook {
            Some(decode) => decode(cx, &bytes, filename),
            None => Err(cx.runtime_error("no compiler is installed")),
        }
    }
    fn run(cx: &mut Cx, source: &Obj, globals: Option<&Obj>, locals: Option<&Obj>, closure: Option<&Obj>, mode: &str) -> PyResult {
        let g = match globals.filter(|g| !g.is_none()) {
            Some(g) => match g.cast::<Dict>() {
                Some(d) => d.clone(),
                None => return Err(cx.type_error(format!("{mode}() globals must be a dict, not {}", g.ty().name_text()))),
            },
            None => match cx.stacks.current() {
                Some(f) => f.function().globals.cloned(cx),
                None => return Err(cx.runtime_error("no current frame")),
            },
        };
        let l = match (locals.filter(|l| !l.is_none()), globals.filter(|g| !g.is_none())) {
            (Some(l), _) => l.clone(),
            (None, Some(_)) => g.as_obj().clone(),
            (None, None) => crate::types::frame::current_locals(cx)?,
        };
        let code = match source.cast::<CodeObj>() {
            Some(c) => c.clone(),
            None => {
                if cx.is_audited() {
                    let name = cx.str("<string>")?;
                    audit_compile(cx, source, &name)?;
                }
                let text = source_text(cx, source, "<string>")?;
                let text = if mode == "eval" { text.trim_start_matches([' ', '\t']).to_string() } else { text };
                let request = crate::cx::CompileRequest { source: &text, filename: "<string>", mode, flags: inherited(cx), feature_version: 0, optimize: cx.optimize };
                crate::modules::compile(cx, request)?
            }
        };
        cx.audit("exec", &[code.as_obj().into()])?;
        let (free, closure) = (code.code().free_variables(), closure.filter(|c| !c.is_none()));
        if free == 0 {
            if closure.is_some() {
                let of_code = source.cast::<CodeObj>().is_some();
                return Err(cx.type_error(if of_code { "cannot use a closure with this code object" } else { "closure can only be used when source is a code object" }));
            }
            return crate::eval::run_code(cx, &code, &g, &l, None);
        }
        if mode == "eval" {
            return Err(cx.type_error("code object passed to eval() may not contain free variables"));
        }
        let fits = closure.and_then(|c| c.cast::<Tuple>()).is_some_and(|t| t.items().len() == free && t.items().iter().all(|c| c.cast::<crate::types::CellObj>().is_some()));
        if !fits {
            return Err(cx.type_error(format!("code object requires a closure of exactly length {free}")));
        }
        crate::eval::run_code(cx, &code, &g, &l, closure.cloned())
    }
    /// Evaluate the given source in the context of globals and locals.
    #[py("eval(source, /, globals=None, locals=None)")]
    pub fn eval(cx: &mut Cx, source: &Obj, globals: Option<&Obj>, locals: Option<&Obj>) -> PyResult {
        run(cx, source, globals, locals, None, "eval")
    }
    /// Execute the given source in the context of globals and locals.
    #[py("exec(source, /, globals=None, locals=None, *, closure=None)")]
    pub fn exec(cx: &mut Cx, source: &Obj, globals: Option<&Obj>, locals: Option<&Obj>, closure: Option<&Obj>) -> PyResult<()> {
        let r = run(cx, source, globals, locals, closure, "exec")?;
        cx.release(r);
        Ok(())
    }
    /// Call sys.breakpointhook(*args, **kwargs).
    #[py("breakpoint(*args, **kwargs)", "(*args, **kws)")]
    pub fn breakpoint(cx: &mut Cx, args: &[Obj], kwargs: Vec<(&Obj, &Obj)>) -> PyResult {
        let sys = cx.sys.clone().expect("sys is made with the interpreter");
        let name = cx.name("breakpointhook");
        let Some(hook) = protocol::lookup_attr(cx, &sys, &name)? else { return Err(cx.runtime_error("lost sys.breakpointhook")) };
        cx.audit("builtins.breakpoint", &[(&hook).into()])?;
        protocol::call_keywords(cx, &hook, args, &kwargs)
    }
    /// Import a module.
    #[py("__import__(name, globals=None, locals=None, fromlist=(), level=0)")]
    pub fn import(cx: &mut Cx, name: &Ref<Str>, globals: Option<&Obj>, locals: Option<&Obj>, fromlist: Option<&Obj>, level: i64) -> PyResult {
        let _ = locals;
        crate::modules::import::dunder_import(cx, name, globals, fromlist, level)
    }
    /// __build_class__(func, name, /, *bases, [metaclass], **kwds) -> class
    ///
    /// Internal helper function used by the class statement.
    #[py("__build_class__(func, name, /, *bases, **kwds)", "")]
    pub fn build_class(cx: &mut Cx, func: &Obj, name: &Obj, bases: &[Obj], kwds: Vec<(&Obj, &Obj)>) -> PyResult {
        super::build_class(cx, func, name, bases, &kwds)
    }
    /// Read a string from standard input.
    #[py("input(prompt='', /)")]
    pub fn input(cx: &mut Cx, prompt: Option<&Obj>) -> PyResult {
        let stream = |cx: &mut Cx, name: &'static str| match sys_attribute(cx, name).filter(|s| !s.is_none()) {
            Some(s) => Ok(s),
            None => Err(cx.runtime_error(format!("lost sys.{name}"))),
        };
        let (input, output, errors) = (stream(cx, "stdin")?, stream(cx, "stdout")?, stream(cx, "stderr")?);
        cx.audit("builtins.input", &[prompt.into()])?;
        if protocol::call_method(cx, &errors, "flush", &[]).is_err() {
            cx.clear_error();
        }
        if let Some(p) = prompt {
            let t = protocol::str(cx, p)?;
            write_piece(cx, &output, &t)?;
        }
        if flush_after(cx, &output, true).is_err() {
            cx.clear_error();
        }
        let line = protocol::call_method(cx, &input, "readline", &[])?;
        let Some(s) = line.cast::<Str>() else { return Err(cx.type_error("object.readline() returned non-string")) };
        let p = s.code_points();
        let line = match p.split_last() {
            None => return Err(cx.error_of(&cx.types.eof_error, "EOF when reading a line")),
            Some((10, rest)) => cx.str_points(rest)?,
            Some(_) => line,
        };
        cx.audit("builtins.input/result", &[(&line).into()])?;
        Ok(line)
    }
}

/// The event of a compilation, which shows a text as bytes.
fn audit_compile(cx: &mut Cx, source: &Obj, filename: &Obj) -> PyResult<()> {
    if !cx.is_audited() {
        return Ok(());
    }
    let shown = match source.cast::<Str>() {
        Some(text) => {
            let bytes = crate::codecs::encode(cx, text, "utf-8", "surrogatepass")?;
            crate::types::Bytes::from_slice(cx, &bytes)?
        }
        None => source.clone(),
    };
    cx.audit("compile", &[(&shown).into(), filename.into()])
}

/// An attribute of `sys` as the program left it.
fn sys_attribute(cx: &mut Cx, name: &'static str) -> Option<Obj> {
    let name = cx.name(name);
    let sys = cx.sys.as_ref().and_then(|s| s.cast::<Module>()).map(|m| m.dict.cloned(cx));
    sys.and_then(|d| d.get_str(cx, &name))
}

fn write_piece(cx: &mut Cx, stream: &Obj, text: &Obj) -> PyResult<()> {
    if let (Some(hook), Some(s)) = (cx.print_hook, text.cast::<Str>())
        && hook(cx, stream, s)?
    {
        told(cx, stream, text);
        return Ok(());
    }
    let r = protocol::call_method(cx, stream, "write", &[text.clone()])?;
    cx.release(r);
    told(cx, stream, text);
    Ok(())
}

/// The lens hears of what goes to standard output.
fn told(cx: &mut Cx, stream: &Obj, text: &Obj) {
    if cx.lens.is_recording()
        && let Some(s) = text.cast::<Str>()
        && sys_attribute(cx, "stdout").is_some_and(|o| o.is(stream))
    {
        let text = s.to_text(cx);
        crate::lens::printed(cx, text.as_bytes());
    }
}

fn flush_after(cx: &mut Cx, stream: &Obj, flush: bool) -> PyResult<()> {
    if flush {
        let r = protocol::call_method(cx, stream, "flush", &[])?;
        cx.release(r);
    }
    Ok(())
}

fn build_class(cx: &mut Cx, func: &Obj, name: &Obj, bases: &[Obj], kwds: &[(&Obj, &Obj)]) -> PyResult {
    let Some(f) = func.cast::<Function>().cloned() else { return Err(cx.type_error("__build_class__: func must be a function")) };
    let mut real = Vec::new();
    let entries = cx.name("__mro_entries__");
    let orig = cx.tuple(bases.to_vec())?;
    let mut changed = false;
    for b in bases {
        if b.cast::<Type>().is_none()
            && let Some(m) = protocol::lookup_attr(cx, b, &entries)?
        {
            let r = protocol::call(cx, &m, &[orig.clone()])?;
            let Some(instead) = r.cast::<Tuple>() else { return Err(cx.type_error("__mro_entries__ must return a tuple")) };
            real.extend(instead.items().iter().cloned());
            changed = true;
            continue;
        }
        real.push(b.clone());
    }
    let mut meta = None;
    let (mut names, mut values) = (Vec::new(), Vec::new());
    for (k, v) in kwds {
        if k.cast::<Str>().is_some_and(|s| s.eq_str(cx, "metaclass")) {
            meta = Some((*v).clone());
        } else {
            names.push((*k).clone());
            values.push((*v).clone());
        }
    }
    let meta = match (meta, real.first()) {
        (Some(m), _) => m,
        (None, Some(b)) => b.type_ref().into_obj(),
        (None, None) => cx.types.type_.as_obj().clone(),
    };
    let meta = match meta.cast::<Type>() {
        Some(t) => crate::types::type_::bases::metaclass(cx, &t.clone(), &real)?.into_obj(),
        None => meta,
    };
    let bases_tuple = cx.tuple(real)?;
    let prepare = cx.name("__prepare__");
    let args: Vec<Obj> = [name.clone(), bases_tuple.clone()].into_iter().chain(values.iter().cloned()).collect();
    let ns = match protocol::lookup_attr(cx, &meta, &prepare)? {
        Some(p) => protocol::call_args(cx, &p, Args { items: &args, names: &names })?,
        None => Dict::new(cx)?.into_obj(),
    };
    if ns.ty().slots(cx).getitem.is_none() {
        let of = meta.cast::<Type>().map_or_else(|| "<metaclass>".to_string(), |t| t.name_text());
        return Err(cx.type_error(format!("{of}.__prepare__() must return a mapping, not {}", ns.ty().name_text())));
    }
    let code = f.code.cloned(cx);
    let statics = code.code().static_attributes.clone();
    let items = statics.iter().map(|s| Ok(crate::types::str::intern_text(cx, s)?.into_obj())).collect::<PyResult<Vec<_>>>()?;
    let statics = cx.tuple(items)?;
    let globals = f.globals.cloned(cx);
    let closure = f.closure.cloned(cx);
    let cell = crate::eval::run_code(cx, &code, &globals, &ns, closure)?;
    let key = cx.name("__static_attributes__");
    protocol::setitem(cx, &ns, key.as_obj(), Some(&statics))?;
    if changed {
        let key = cx.name("__orig_bases__");
        protocol::setitem(cx, &ns, key.as_obj(), Some(&orig))?;
    }
    let args: Vec<Obj> = [name.clone(), bases_tuple, ns].into_iter().chain(values).collect();
    let class = protocol::call_args(cx, &meta, Args { items: &args, names: &names })?;
    if let Some(c) = cell.cast::<crate::types::CellObj>()
        && class.cast::<Type>().is_some()
    {
        let set = c.value.cloned(cx);
        if set.as_ref().is_some_and(|v| v.is(&class)) {
            return Ok(class);
        }
        let (name, shown) = (protocol::repr_text(cx, name)?, protocol::repr_text(cx, &class)?);
        return Err(match set {
            None => cx.runtime_error(format!("__class__ not set defining {name} as {shown}. Was __classcell__ propagated to type.__new__?")),
            Some(other) => {
                let other = protocol::repr_text(cx, &other)?;
                cx.type_error(format!("__class__ set to {other} defining {name} as {shown}"))
            }
        });
    }
    Ok(class)
}

pub(crate) fn make(cx: &mut Cx) -> PyResult<Ref<Module>> {
    let m = module::of_functions(cx, "builtins", functions::DOC, functions::FUNCTIONS)?;
    let hidden = ["none", "not_implemented", "ellipsis", "unbound"];
    let last_public = SPECS.iter().position(|(n, ..)| *n == "base_exception").expect("listed");
    let public = [
        "object",
        "type_",
        "str",
        "tuple",
        "dict",
        "int",
        "bool",
        "float",
        "complex",
        "bytes",
        "bytearray",
        "memoryview",
        "list",
        "set",
        "frozenset",
        "slice",
        "range",
        "property",
        "classmethod",
        "staticmethod",
        "enumerate",
        "zip",
        "map",
        "filter",
        "reversed",
        "super_",
    ];
    let dict = m.dict.cloned(cx);
    let object = cx.types.object.clone();
    let mut work = vec![object.clone()];
    let mut all = Vec::new();
    while let Some(t) = work.pop() {
        // SAFETY: native types live for ever.
        work.extend(t.subclasses.get(cx).iter().map(|s| unsafe { s.as_ref() }.handle()));
        all.push(t);
    }
    for (i, (field, ..)) in SPECS.iter().enumerate() {
        if hidden.contains(field) || (i < last_public && !public.contains(field)) {
            continue;
        }
        let name = SPECS[i].2().name;
        if let Some(t) = all.iter().find(|t| t.static_name.get() == name) {
            let key = cx.str(name)?;
            dict.insert(cx, &key, t.as_obj().clone())?;
        }
    }
    let (none, ni, el) = (cx.none(), cx.not_implemented(), cx.consts.ellipsis.clone());
    let (t, f) = (cx.bool(true), cx.bool(false));
    let os_error = cx.types.os_error.as_obj().clone();
    for (name, v) in [
        ("None", none),
        ("NotImplemented", ni),
        ("Ellipsis", el),
        ("True", t.clone()),
        ("False", f),
        ("__debug__", t),
        ("EnvironmentError", os_error.clone()),
        ("IOError", os_error),
    ] {
        dict.set_str(cx, name, v)?;
    }
    Ok(m)
}
