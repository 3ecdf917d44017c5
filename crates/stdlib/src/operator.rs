//! `_operator`: the operators of Python as functions, and the callables that pick items, attributes and methods.

mod getters;

use retic_runtime::types::type_::{Cmp, Op, flags};
use retic_runtime::types::{Str, module};
use retic_runtime::{Args, Cx, Obj, PyResult, protocol};

/// Two operands of `concat`: what can be indexed and is no number.
fn sequence(cx: &mut Cx, o: &Obj) -> PyResult<()> {
    if o.ty().has(flags::MAPPING) || o.ty().slots(cx).getitem.is_none() {
        return Err(cx.type_error(format!("'{}' object can't be concatenated", o.ty().name_text())));
    }
    Ok(())
}

/// How many items of an iterable equal a value, or where the first one is.
fn search(cx: &mut Cx, a: &Obj, b: &Obj, first: bool) -> PyResult<Option<i64>> {
    let it = match protocol::iter(cx, a) {
        Ok(it) => it,
        Err(_) if cx.error_is(&cx.types.type_error) => {
            cx.clear_error();
            return Err(cx.type_error(format!("argument of type '{}' is not iterable", a.ty().name_text())));
        }
        Err(r) => return Err(r),
    };
    let (mut at, mut found) = (0, 0);
    while let Some(v) = protocol::next(cx, &it)? {
        if protocol::equal(cx, &v, b)? {
            if first {
                return Ok(Some(at));
            }
            found += 1;
        }
        at += 1;
        cx.poll_native()?;
    }
    Ok(if first { None } else { Some(found) })
}

#[retic_macros::methods]
mod functions {
    //! The operators of Python as functions.
    use super::*;

    /// Return True if a is true, False otherwise.
    #[py("truth(a, /)")]
    pub fn truth(cx: &mut Cx, a: &Obj) -> PyResult<bool> {
        protocol::truth(cx, a)
    }
    /// Same as not a.
    #[py("not_(a, /)")]
    pub fn not_(cx: &mut Cx, a: &Obj) -> PyResult<bool> {
        protocol::truth(cx, a).map(|t| !t)
    }
    /// Same as a is b.
    #[py("is_(a, b, /)")]
    pub fn is_(_cx: &mut Cx, a: &Obj, b: &Obj) -> bool {
        a.is(b)
    }
    /// Same as a is not b.
    #[py("is_not(a, b, /)")]
    pub fn is_not(_cx: &mut Cx, a: &Obj, b: &Obj) -> bool {
        !a.is(b)
    }
    /// Same as a is None.
    #[py("is_none(a, /)")]
    pub fn is_none(_cx: &mut Cx, a: &Obj) -> bool {
        a.is_none()
    }
    /// Same as a is not None.
    #[py("is_not_none(a, /)")]
    pub fn is_not_none(_cx: &mut Cx, a: &Obj) -> bool {
        !a.is_none()
    }
    /// Same as a < b.
    #[py("lt(a, b, /)")]
    pub fn lt(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
        protocol::richcompare(cx, a, b, Cmp::Lt)
    }
    /// Same as a <= b.
    #[py("le(a, b, /)")]
    pub fn le(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
        protocol::richcompare(cx, a, b, Cmp::Le)
    }
    /// Same as a == b.
    #[py("eq(a, b, /)")]
    pub fn eq(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
        protocol::richcompare(cx, a, b, Cmp::Eq)
    }
    /// Same as a != b.
    #[py("ne(a, b, /)")]
    pub fn ne(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
        protocol::richcompare(cx, a, b, Cmp::Ne)
    }
    /// Same as a > b.
    #[py("gt(a, b, /)")]
    pub fn gt(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
        protocol::richcompare(cx, a, b, Cmp::Gt)
    }
    /// Same as a >= b.
    #[py("ge(a, b, /)")]
    pub fn ge(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
        protocol::richcompare(cx, a, b, Cmp::Ge)
    }
    /// Same as a + b.
    #[py("add(a, b, /)")]
    pub fn add(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
        protocol::binary(cx, a, b, Op::Add)
    }
    /// Same as a - b.
    #[py("sub(a, b, /)")]
    pub fn sub(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
        protocol::binary(cx, a, b, Op::Sub)
    }
    /// Same as a * b.
    #[py("mul(a, b, /)")]
    pub fn mul(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
        protocol::binary(cx, a, b, Op::Mul)
    }
    /// Same as a @ b.
    #[py("matmul(a, b, /)")]
    pub fn matmul(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
        protocol::binary(cx, a, b, Op::MatMul)
    }
    /// Same as a // b.
    #[py("floordiv(a, b, /)")]
    pub fn floordiv(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
        protocol::binary(cx, a, b, Op::FloorDiv)
    }
    /// Same as a / b.
    #[py("truediv(a, b, /)")]
    pub fn truediv(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
        protocol::binary(cx, a, b, Op::TrueDiv)
    }
    /// Same as a % b.
    #[py("mod(a, b, /)")]
    pub fn modulo(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
        protocol::binary(cx, a, b, Op::Mod)
    }
    /// Same as a << b.
    #[py("lshift(a, b, /)")]
    pub fn lshift(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
        protocol::binary(cx, a, b, Op::LShift)
    }
    /// Same as a >> b.
    #[py("rshift(a, b, /)")]
    pub fn rshift(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
        protocol::binary(cx, a, b, Op::RShift)
    }
    /// Same as a & b.
    #[py("and_(a, b, /)")]
    pub fn and_(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
        protocol::binary(cx, a, b, Op::And)
    }
    /// Same as a ^ b.
    #[py("xor(a, b, /)")]
    pub fn xor(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
        protocol::binary(cx, a, b, Op::Xor)
    }
    /// Same as a | b.
    #[py("or_(a, b, /)")]
    pub fn or_(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
        protocol::binary(cx, a, b, Op::Or)
    }
    /// Same as a ** b.
    #[py("pow(a, b, /)")]
    pub fn pow(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
        protocol::binary(cx, a, b, Op::Pow)
    }
    /// Same as -a.
    #[py("neg(a, /)")]
    pub fn neg(cx: &mut Cx, a: &Obj) -> PyResult {
        protocol::unary(cx, a, "-")
    }
    /// Same as +a.
    #[py("pos(a, /)")]
    pub fn pos(cx: &mut Cx, a: &Obj) -> PyResult {
        protocol::unary(cx, a, "+")
    }
    /// Same as ~a.
    #[py("inv(a, /)")]
    pub fn inv(cx: &mut Cx, a: &Obj) -> PyResult {
        protocol::unary(cx, a, "~")
    }
    /// Same as ~a.
    #[py("invert(a, /)")]
    pub fn invert(cx: &mut Cx, a: &Obj) -> PyResult {
        protocol::unary(cx, a, "~")
    }
    /// Same as abs(a).
    #[py("abs(a, /)")]
    pub fn abs(cx: &mut Cx, a: &Obj) -> PyResult {
        match a.ty().slots(cx).abs {
            Some(f) => f(cx, a),
            None => Err(cx.type_error(format!("bad operand type for abs(): '{}'", a.ty().name_text()))),
        }
    }
    /// Same as a.__index__()
    #[py("index(a, /)")]
    pub fn index(cx: &mut Cx, a: &Obj) -> PyResult {
        protocol::index(cx, a)
    }
    /// Same as a += b.
    #[py("iadd(a, b, /)")]
    pub fn iadd(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
        protocol::inplace(cx, a, b, Op::Add)
    }
    /// Same as a -= b.
    #[py("isub(a, b, /)")]
    pub fn isub(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
        protocol::inplace(cx, a, b, Op::Sub)
    }
    /// Same as a *= b.
    #[py("imul(a, b, /)")]
    pub fn imul(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
        protocol::inplace(cx, a, b, Op::Mul)
    }
    /// Same as a @= b.
    #[py("imatmul(a, b, /)")]
    pub fn imatmul(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
        protocol::inplace(cx, a, b, Op::MatMul)
    }
    /// Same as a //= b.
    #[py("ifloordiv(a, b, /)")]
    pub fn ifloordiv(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
        protocol::inplace(cx, a, b, Op::FloorDiv)
    }
    /// Same as a /= b.
    #[py("itruediv(a, b, /)")]
    pub fn itruediv(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
        protocol::inplace(cx, a, b, Op::TrueDiv)
    }
    /// Same as a %= b.
    #[py("imod(a, b, /)")]
    pub fn imod(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
        protocol::inplace(cx, a, b, Op::Mod)
    }
    /// Same as a <<= b.
    #[py("ilshift(a, b, /)")]
    pub fn ilshift(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
        protocol::inplace(cx, a, b, Op::LShift)
    }
    /// Same as a >>= b.
    #[py("irshift(a, b, /)")]
    pub fn irshift(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
        protocol::inplace(cx, a, b, Op::RShift)
    }
    /// Same as a &= b.
    #[py("iand(a, b, /)")]
    pub fn iand(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
        protocol::inplace(cx, a, b, Op::And)
    }
    /// Same as a ^= b.
    #[py("ixor(a, b, /)")]
    pub fn ixor(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
        protocol::inplace(cx, a, b, Op::Xor)
    }
    /// Same as a |= b.
    #[py("ior(a, b, /)")]
    pub fn ior(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
        protocol::inplace(cx, a, b, Op::Or)
    }
    /// Same as a **= b.
    #[py("ipow(a, b, /)")]
    pub fn ipow(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
        protocol::inplace(cx, a, b, Op::Pow)
    }
    /// Same as a + b, for a and b sequences.
    #[py("concat(a, b, /)")]
    pub fn concat(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
        sequence(cx, a)?;
        protocol::binary(cx, a, b, Op::Add)
    }
    /// Same as a += b, for a and b sequences.
    #[py("iconcat(a, b, /)")]
    pub fn iconcat(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
        sequence(cx, a)?;
        protocol::inplace(cx, a, b, Op::Add)
    }
    /// Same as b in a (note reversed operands).
    #[py("contains(a, b, /)")]
    pub fn contains(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult<bool> {
        protocol::contains(cx, a, b)
    }
    /// How many items of a are or equal b.
    #[py("countOf(a, b, /)")]
    pub fn count_of(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult<i64> {
        search(cx, a, b, false).map(|n| n.unwrap_or(0))
    }
    /// Return the first index of b in a.
    #[py("indexOf(a, b, /)")]
    pub fn index_of(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult<i64> {
        match search(cx, a, b, true)? {
            Some(at) => Ok(at),
            None => Err(cx.value_error("sequence.index(x): x not in sequence")),
        }
    }
    /// Same as a[b].
    #[py("getitem(a, b, /)")]
    pub fn getitem(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
        protocol::getitem(cx, a, b)
    }
    /// Same as a[b] = c.
    #[py("setitem(a, b, c, /)")]
    pub fn setitem(cx: &mut Cx, a: &Obj, b: &Obj, c: &Obj) -> PyResult<()> {
        protocol::setitem(cx, a, b, Some(c))
    }
    /// Same as del a[b].
    #[py("delitem(a, b, /)")]
    pub fn delitem(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult<()> {
        protocol::setitem(cx, a, b, None)
    }
    /// About how many items obj has: exactly where it has a length, otherwise what it says of itself, or default.
    #[py("length_hint(obj, default=0, /)")]
    pub fn length_hint(cx: &mut Cx, obj: &Obj, default: Option<&Obj>) -> PyResult<i64> {
        let default = match default {
            Some(d) if d.cast::<retic_runtime::types::Int>().is_none() => {
                return Err(cx.type_error(format!("'{}' object cannot be interpreted as an integer", d.ty().name_text())));
            }
            Some(d) => protocol::index_i64(cx, d)?,
            None => 0,
        };
        protocol::length_hint(cx, obj, default)
    }
    /// Same as obj(*args, **kwargs).
    #[py("call(obj, /, *args, **kwargs)")]
    pub fn call(cx: &mut Cx, obj: &Obj, args: &[Obj], kwargs: Vec<(&Obj, &Obj)>) -> PyResult {
        protocol::call_keywords(cx, obj, args, &kwargs)
    }
    /// Return 'a == b'. The time it takes does not tell where they differ.
    #[py("_compare_digest(a, b, /)")]
    pub fn compare_digest(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult<bool> {
        let (x, y) = match (a.cast::<Str>(), b.cast::<Str>()) {
            (Some(s), Some(t)) => match (s.ascii_bytes(), t.ascii_bytes()) {
                (Some(p), Some(q)) => (p.to_vec(), q.to_vec()),
                _ => return Err(cx.type_error("comparing strings with non-ASCII characters is not supported")),
            },
            (None, None) if protocol::buffer::exports(cx, a) && protocol::buffer::exports(cx, b) => (protocol::buffer::bytes(cx, a)?, protocol::buffer::bytes(cx, b)?),
            _ => return Err(cx.type_error(format!("unsupported operand types(s) or combination of types: '{}' and '{}'", a.ty().name_text(), b.ty().name_text()))),
        };
        let differ = y.iter().enumerate().fold(u8::from(x.len() != y.len()), |d, (i, c)| d | (c ^ x.get(i).unwrap_or(c)));
        Ok(differ == 0)
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "_operator", functions::DOC, functions::FUNCTIONS)?;
    for spec in [getters::item_spec(), getters::attribute_spec(), getters::method_spec()] {
        m.add_type(cx, &spec)?;
    }
    Ok(m.into_obj())
}

/// Exactly one argument: what a getter is called with.
fn only<'a>(cx: &Cx, name: &str, args: Args<'a>) -> PyResult<&'a Obj> {
    args.no_keywords(cx, name)?;
    args.unpack(cx, name, 1, 1).map(|a| &a[0])
}
