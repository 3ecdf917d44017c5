//! Constant folding as CPython 3.9's ast_opt.c does it, and the truth of constant tests.

use crate::literal;
use retic_bytecode::Const;
use retic_numbers::{Big, float};
use ruff_python_ast::{AtomicNodeIndex, CmpOp, ExprSet, NodeIndex, Operator, UnaryOp};
use std::rc::Rc;

const INT_BITS_MAX: u64 = 128;
const COLLECTION_MAX: usize = 256;
const TEXT_MAX: usize = 4096;
const ITEMS_TOTAL_MAX: i64 = 1024;

/// A number among constants, widened.
enum Number {
    Int(Big),
    Float(f64),
    Complex(f64, f64),
}

fn number(c: &Const) -> Option<Number> {
    Some(match c {
        Const::Bool(b) => Number::Int(Big::from(i64::from(*b))),
        Const::Int(v) => Number::Int(Big::from(*v)),
        Const::BigInt { negative, digits } => Number::Int(Big::from_digits(*negative, digits)),
        Const::Float(b) => Number::Float(f64::from_bits(*b)),
        Const::Complex(r, i) => Number::Complex(f64::from_bits(*r), f64::from_bits(*i)),
        _ => return None,
    })
}

fn real(n: &Number) -> Option<f64> {
    match n {
        Number::Int(b) => b.to_f64(),
        Number::Float(f) => Some(*f),
        Number::Complex(..) => None,
    }
}

fn of_float(v: f64) -> Const {
    Const::Float(v.to_bits())
}

/// The truth of a constant.
pub fn truth(c: &Const) -> bool {
    match c {
        Const::None => false,
        Const::Bool(b) => *b,
        Const::Int(v) => *v != 0,
        Const::Float(b) => f64::from_bits(*b) != 0.0,
        Const::Complex(r, i) => f64::from_bits(*r) != 0.0 || f64::from_bits(*i) != 0.0,
        Const::Str(s) => !s.is_empty(),
        Const::WideStr(s) => !s.is_empty(),
        Const::Bytes(s) => !s.is_empty(),
        Const::Tuple(t) | Const::FrozenSet(t) => !t.is_empty(),
        Const::Ellipsis | Const::BigInt { .. } | Const::Code(_) | Const::Object(_) => true,
    }
}

/// `op operand`.
pub fn unary(op: UnaryOp, c: &Const) -> Option<Const> {
    if op == UnaryOp::Not {
        return Some(Const::Bool(!truth(c)));
    }
    Some(match (op, number(c)?) {
        (UnaryOp::USub, Number::Int(b)) => literal::big(&b.neg()),
        (UnaryOp::USub, Number::Float(f)) => of_float(-f),
        (UnaryOp::USub, Number::Complex(r, i)) => Const::Complex((-r).to_bits(), (-i).to_bits()),
        (UnaryOp::UAdd, Number::Int(b)) => literal::big(&b),
        (UnaryOp::UAdd, _) => c.clone(),
        (UnaryOp::Invert, Number::Int(b)) if !matches!(c, Const::Bool(_)) => literal::big(&b.not()),
        _ => return None,
    })
}

/// `a op b`, `None` where 3.9 leaves the operation for run time.
pub fn binary(op: Operator, a: &Const, b: &Const) -> Option<Const> {
    if let Some(r) = sequences(op, a, b) {
        return r;
    }
    if let (Const::Bool(x), Const::Bool(y)) = (a, b) {
        match op {
            Operator::BitAnd => return Some(Const::Bool(x & y)),
            Operator::BitOr => return Some(Const::Bool(x | y)),
            Operator::BitXor => return Some(Const::Bool(x ^ y)),
            _ => {}
        }
    }
    let (x, y) = (number(a)?, number(b)?);
    match (&x, &y) {
        (Number::Int(i), Number::Int(j)) => ints(op, i, j),
        (Number::Complex(..), _) | (_, Number::Complex(..)) => {
            let parts = |n: &Number| match n {
                Number::Complex(r, i) => Some((*r, *i)),
                _ => real(n).map(|r| (r, 0.0)),
            };
            let ((ar, ai), (br, bi)) = (parts(&x)?, parts(&y)?);
            let (r, i) = match op {
                Operator::Add => (ar + br, ai + bi),
                Operator::Sub => (ar - br, ai - bi),
                Operator::Mult => (ar * br - ai * bi, ar * bi + ai * br),
                _ => return None,
            };
            Some(Const::Complex(r.to_bits(), i.to_bits()))
        }
        _ => floats(op, real(&x)?, real(&y)?),
    }
}

fn floats(op: Operator, x: f64, y: f64) -> Option<Const> {
    Some(of_float(match op {
        Operator::Add => x + y,
        Operator::Sub => x - y,
        Operator::Mult => x * y,
        Operator::Div if y != 0.0 => x / y,
        Operator::FloorDiv if y != 0.0 => float::divmod(x, y).0,
        Operator::Mod if y != 0.0 => float::divmod(x, y).1,
        Operator::Pow => match float::pow(x, y) {
            float::Power::Value(v) => v,
            _ => return None,
        },
        _ => return None,
    }))
}

fn ints(op: Operator, a: &Big, b: &Big) -> Option<Const> {
    Some(match op {
        Operator::Add => literal::big(&a.add(b)),
        Operator::Sub => literal::big(&a.sub(b)),
        Operator::Mult => {
            if !a.is_zero() && !b.is_zero() && a.bit_length() + b.bit_length() > INT_BITS_MAX {
                return None;
            }
            literal::big(&a.mul(b))
        }
        Operator::Div => of_float(if b.is_zero() { return None } else { a.true_div(b)? }),
        Operator::FloorDiv => literal::big(&a.divmod(b)?.0),
        Operator::Mod => literal::big(&a.divmod(b)?.1),
        Operator::Pow => {
            if b.is_negative() {
                if a.is_zero() {
                    return None;
                }
                return floats(Operator::Pow, a.to_f64()?, b.to_f64()?);
            }
            let exp = b.to_u64()?;
            if !a.is_zero() && exp > 0 && a.bit_length().checked_mul(exp)? > INT_BITS_MAX {
                return None;
            }
            if a.is_zero() && exp > 0 {
                return Some(Const::Int(0));
            }
            literal::big(&a.pow(exp as usize))
        }
        Operator::LShift => {
            let shift = b.to_u64()?;
            if !a.is_zero() && !b.is_zero() && (shift > INT_BITS_MAX || a.bit_length() > INT_BITS_MAX - shift) {
                return None;
            }
            literal::big(&a.shl(if a.is_zero() { 0 } else { shift as usize }))
        }
        Operator::RShift => {
            let shift = b.to_u64()?.min(1 << 20);
            literal::big(&a.shr(shift as usize))
        }
        Operator::BitAnd => literal::big(&a.and(b)),
        Operator::BitOr => literal::big(&a.or(b)),
        Operator::BitXor => literal::big(&a.xor(b)),
        Operator::MatMult => return None,
    })
}

/// Sequence operations: `Some(None)` where the operation is one but is not folded.
fn sequences(op: Operator, a: &Const, b: &Const) -> Option<Option<Const>> {
    match (op, a, b) {
        (Operator::Add, Const::Str(x), Const::Str(y)) => Some(Some(Const::Str(format!("{x}{y}").into()))),
        (Operator::Add, Const::Bytes(x), Const::Bytes(y)) => Some(Some(Const::Bytes([&x[..], &y[..]].concat().into()))),
        (Operator::Add, Const::Tuple(x), Const::Tuple(y)) => Some(Some(Const::Tuple([&x[..], &y[..]].concat().into()))),
        (Operator::Mult, Const::Str(_) | Const::Bytes(_) | Const::Tuple(_), Const::Int(n)) => Some(repeat(a, *n)),
        (Operator::Mult, Const::Int(n), Const::Str(_) | Const::Bytes(_) | Const::Tuple(_)) => Some(repeat(b, *n)),
        _ => None,
    }
}

fn repeat(c: &Const, n: i64) -> Option<Const> {
    let times = usize::try_from(n.max(0)).ok()?;
    match c {
        Const::Str(s) => (s.is_empty() || times <= TEXT_MAX / s.chars().count() && n >= 0).then(|| Const::Str(s.repeat(times).into())),
        Const::Bytes(s) => (s.is_empty() || times <= TEXT_MAX / s.len() && n >= 0).then(|| Const::Bytes(s.repeat(times).into())),
        Const::Tuple(t) => {
            if !t.is_empty() && (n < 0 || times > COLLECTION_MAX / t.len() || (times > 0 && total_items(t, ITEMS_TOTAL_MAX / n) < 0)) {
                return None;
            }
            Some(Const::Tuple(t.iter().cloned().cycle().take(t.len() * times).collect::<Vec<_>>().into()))
        }
        _ => None,
    }
}

/// CPython's check_complexity: what is left of the limit, negative when used up.
fn total_items(items: &[Const], limit: i64) -> i64 {
    let mut left = limit - items.len() as i64;
    for item in items {
        if left < 0 {
            break;
        }
        if let Const::Tuple(inner) | Const::FrozenSet(inner) = item {
            left = total_items(inner, left);
        }
    }
    left
}

/// `container[index]` of constants.
pub fn subscript(container: &Const, index: &Const) -> Option<Const> {
    let i = match index {
        Const::Int(i) => *i,
        Const::Bool(b) => i64::from(*b),
        _ => return None,
    };
    let at = |len: usize| -> Option<usize> {
        let i = if i < 0 { i + len as i64 } else { i };
        (0..len as i64).contains(&i).then_some(i as usize)
    };
    match container {
        Const::Str(s) => {
            let chars: Vec<char> = s.chars().collect();
            Some(Const::Str(chars[at(chars.len())?].to_string().into()))
        }
        Const::Bytes(b) => Some(Const::Int(i64::from(b[at(b.len())?]))),
        Const::Tuple(t) => Some(t[at(t.len())?].clone()),
        _ => None,
    }
}

/// The opposite of a membership or identity test.
pub fn negated(op: CmpOp) -> Option<CmpOp> {
    Some(match op {
        CmpOp::Is => CmpOp::IsNot,
        CmpOp::IsNot => CmpOp::Is,
        CmpOp::In => CmpOp::NotIn,
        CmpOp::NotIn => CmpOp::In,
        _ => return None,
    })
}

/// What tells the set of a constant (a tree may hold a frozenset) from a set that is made each time.
pub fn constant_set() -> AtomicNodeIndex {
    let mark = AtomicNodeIndex::NONE;
    mark.set(NodeIndex::from(0));
    mark
}
pub fn is_constant_set(s: &ExprSet) -> bool {
    s.node_index == constant_set()
}

/// A frozenset constant: duplicates removed, first one kept.
pub fn frozenset(items: Vec<Const>) -> Const {
    let mut out: Vec<Const> = Vec::with_capacity(items.len());
    for item in items {
        if !out.contains(&item) {
            out.push(item);
        }
    }
    Const::FrozenSet(Rc::from(out))
}
