//! The arguments of constructors, taken and refused as `PyArg_ParseTupleAndKeywords` does.

use retic_runtime::types::int;
use retic_runtime::{Args, Cx, Obj, PyResult, protocol};

/// The parameters of a constructor.
pub(crate) struct Params {
    /// How it is called in complaints; "" for "function".
    pub function: &'static str,
    pub names: &'static [&'static str],
    pub required: usize,
    pub positional: usize,
}

/// Arguments one by one in the order of their parameters.
pub(crate) fn bind<'a>(cx: &mut Cx, params: &Params, args: &Args<'a>, mut take: impl FnMut(&mut Cx, usize, &'a Obj) -> PyResult<()>) -> PyResult<()> {
    let positional = args.positional();
    let called = || if params.function.is_empty() { "function".to_string() } else { format!("{}()", params.function) };
    let (given, most) = (positional.len() + args.keywords().len(), params.names.len());
    if positional.len() > params.positional && params.positional < most {
        return Err(cx.type_error(format!("{} takes at most {} positional arguments ({} given)", called(), params.positional, positional.len())));
    }
    if given > most {
        return Err(cx.type_error(format!("{} takes at most {most} argument{} ({given} given)", called(), if most == 1 { "" } else { "s" })));
    }
    for (i, name) in params.names.iter().enumerate() {
        let value = positional.get(i).or_else(|| if args.names.is_empty() { None } else { args.keyword(cx, name) });
        match value {
            Some(value) => take(cx, i, value)?,
            None if i < params.required => return Err(cx.type_error(format!("{} missing required argument '{name}' (pos {})", called(), i + 1))),
            None => {}
        }
    }
    for (name, _) in args.keywords() {
        let text = protocol::str_text(cx, name)?;
        match params.names.iter().position(|n| *n == text) {
            Some(i) if i < positional.len() => return Err(cx.type_error(format!("argument for {} given by name ('{text}') and position ({})", called(), i + 1))),
            Some(_) => {}
            None if params.function.is_empty() => return Err(cx.type_error(format!("this function got an unexpected keyword argument '{text}'"))),
            None => {
                let hint = retic_runtime::suggestions::hint(&text, params.names.iter().copied());
                return Err(cx.type_error(format!("{} got an unexpected keyword argument '{text}'{hint}", called())));
            }
        }
    }
    Ok(())
}

/// An argument that is a C `int`; what is too large is refused in the words for a C `long` first.
pub(crate) fn c_int(cx: &mut Cx, o: &Obj) -> PyResult<i64> {
    let n = protocol::index(cx, o)?;
    match int::to_i64(&n) {
        None => Err(cx.overflow_error("Python int too large to convert to C long")),
        Some(n) if n > i32::MAX.into() => Err(cx.overflow_error("signed integer is greater than maximum")),
        Some(n) if n < i32::MIN.into() => Err(cx.overflow_error("signed integer is less than minimum")),
        Some(n) => Ok(n),
    }
}

/// An argument that is an `unsigned int` of which the low bits count.
pub(crate) fn unsigned_bits(cx: &mut Cx, o: &Obj) -> PyResult<u32> {
    let n = protocol::index(cx, o)?;
    let low = int::to_i64(&n).map(|n| n as u32);
    Ok(low.or_else(|| Some(int::to_big(&n)?.to_digits()).map(|(negative, digits)| low_bits(negative, &digits))).unwrap_or(0))
}
/// The low 32 bits of a number in digits of 30 bits, the lowest first.
fn low_bits(negative: bool, digits: &[u32]) -> u32 {
    let at = |i: usize| digits.get(i).copied().unwrap_or(0);
    let n = at(0) | at(1) << 30;
    if negative { n.wrapping_neg() } else { n }
}
