//! `_string`: format strings taken apart, for `string.Formatter`.

use retic_runtime::types::{Str, module};
use retic_runtime::{Cx, Obj, PyResult, Ref, protocol};

fn p(c: char) -> u32 {
    c as u32
}

#[retic_macros::methods]
mod functions {
    //! string helper module
    use super::*;

    /// parse the argument as a format string
    #[py("formatter_parser(self, /)", "($self, object, /)")]
    pub fn formatter_parser(cx: &mut Cx, _self: &Ref<Str>) -> PyResult {
        let t = _self.code_points();
        let mut out = Vec::new();
        let mut literal: Vec<u32> = Vec::new();
        let mut i = 0;
        let mut flush = |cx: &mut Cx, literal: &mut Vec<u32>, rest: Option<[Obj; 3]>| -> PyResult<()> {
            let l = cx.str_points(literal)?;
            literal.clear();
            let none = cx.none();
            let [a, b, c] = rest.unwrap_or([none.clone(), none.clone(), none]);
            out.push(cx.tuple_of([l, a, b, c])?);
            Ok(())
        };
        while i < t.len() {
            let c = t[i];
            i += 1;
            if (c == p('{') || c == p('}')) && t.get(i) == Some(&c) {
                // A doubled brace ends its literal.
                literal.push(c);
                i += 1;
                flush(cx, &mut literal, None)?;
                continue;
            }
            if c == p('}') {
                return Err(cx.value_error("Single '}' encountered in format string"));
            }
            if c != p('{') {
                literal.push(c);
                continue;
            }
            if i >= t.len() {
                return Err(cx.value_error("Single '{' encountered in format string"));
            }
            let start = i;
            let (mut depth, mut bracket, mut name_end) = (1, false, None);
            while i < t.len() && depth > 0 {
                let c = t[i];
                if name_end.is_none() {
                    if c == p('[') {
                        bracket = true;
                    } else if c == p(']') {
                        bracket = false;
                    } else if !bracket && (c == p('!') || c == p(':')) {
                        name_end = Some(i);
                    }
                }
                if c == p('{') {
                    depth += 1;
                } else if c == p('}') {
                    depth -= 1;
                }
                i += 1;
            }
            if depth > 0 {
                return Err(cx.value_error("expected '}' before end of string"));
            }
            let end = i - 1;
            let cut = name_end.unwrap_or(end).min(end);
            let name = cx.str_points(&t[start..cut])?;
            let mut rest = &t[cut..end];
            let mut conversion = cx.none();
            if rest.first() == Some(&p('!')) {
                match rest.get(1) {
                    Some(c) => conversion = cx.str_points(&[*c])?,
                    None => return Err(cx.value_error("end of string while looking for conversion specifier")),
                }
                rest = &rest[2..];
                if rest.first().is_some_and(|c| *c != p(':')) {
                    return Err(cx.value_error("expected ':' after conversion specifier"));
                }
            }
            let spec = cx.str_points(if rest.first() == Some(&p(':')) { &rest[1..] } else { &[] })?;
            flush(cx, &mut literal, Some([name, spec, conversion]))?;
        }
        if !literal.is_empty() {
            flush(cx, &mut literal, None)?;
        }
        let list = cx.list(out)?;
        protocol::iter(cx, &list)
    }
    /// split the argument as a field name
    #[py("formatter_field_name_split(self, /)", "($self, object, /)")]
    pub fn formatter_field_name_split(cx: &mut Cx, _self: &Ref<Str>) -> PyResult {
        let t = _self.code_points();
        let cut = t.iter().position(|c| *c == p('.') || *c == p('[')).unwrap_or(t.len());
        let number = |part: &[u32]| -> Option<i64> {
            if part.is_empty() || !part.iter().all(|c| (48..58).contains(c)) {
                return None;
            }
            part.iter().try_fold(0i64, |n, c| n.checked_mul(10)?.checked_add(i64::from(c - 48)))
        };
        let key = |cx: &mut Cx, part: &[u32]| match number(part) {
            Some(n) => cx.int(n),
            None => cx.str_points(part),
        };
        let first = key(cx, &t[..cut])?;
        let mut out = Vec::new();
        let mut i = cut;
        while i < t.len() {
            let is_attr = t[i] == p('.');
            if !is_attr && t[i] != p('[') {
                return Err(cx.value_error("Only '.' or '[' may follow ']' in format field specifier"));
            }
            i += 1;
            let end = if is_attr {
                t[i..].iter().position(|c| *c == p('.') || *c == p('[')).map_or(t.len(), |e| i + e)
            } else {
                match t[i..].iter().position(|c| *c == p(']')) {
                    Some(e) => i + e,
                    None => return Err(cx.value_error("Missing ']' in format string")),
                }
            };
            if end == i {
                return Err(cx.value_error("Empty attribute in format string"));
            }
            let k = if is_attr { cx.str_points(&t[i..end])? } else { key(cx, &t[i..end])? };
            let flag = cx.bool(is_attr);
            out.push(cx.tuple_of([flag, k])?);
            i = if is_attr { end } else { end + 1 };
        }
        let list = cx.list(out)?;
        let it = protocol::iter(cx, &list)?;

        cx.tuple_of([first, it])
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    Ok(module::of_functions(cx, "_string", functions::DOC, functions::FUNCTIONS)?.into_obj())
}
