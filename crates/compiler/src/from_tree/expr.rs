//! Expressions.

use super::stmt::operator;
use super::{Made, Node, Problem, Reader, Value, Walk, index, shown, type_name};
use retic_bytecode::Const;
use ruff_python_ast::*;
use ruff_text_size::{Ranged, TextRange};

impl Walk {
    pub(super) fn expr(&mut self, v: Value) -> Made<Expr> {
        stacker::maybe_grow(64 << 10, 1 << 20, || match v {
            Value::Node(n) => self.expr_here(n),
            // It is asked for its place first.
            _ => Err(Problem::Type("required field \"lineno\" missing from expr".into())),
        })
    }

    fn expr_here(&mut self, node: Node) -> Made<Expr> {
        if node.place.is_none() {
            return Err(Problem::Type("required field \"lineno\" missing from expr".into()));
        }
        let mut r = self.reader(node);
        let (range, node_index) = (r.range, index());
        Ok(match r.kind.as_str() {
            "BoolOp" => {
                let op = match r.take("op") {
                    Some(Value::Node(n)) if n.kind == "And" => BoolOp::And,
                    Some(Value::Node(n)) if n.kind == "Or" => BoolOp::Or,
                    _ => return Err(r.missing("op")),
                };
                let values = self.exprs(&mut r, "values")?;
                if values.len() < 2 {
                    return Err(Problem::Value("BoolOp with less than 2 values".into()));
                }
                Expr::BoolOp(ExprBoolOp { node_index, range, op, values })
            }
            "NamedExpr" if r.fields.iter().any(|(n, v)| n == "target" && matches!(v, Value::Node(t) if t.kind != "Name")) => {
                return Err(Problem::Type("NamedExpr target must be a Name".into()));
            }
            "NamedExpr" => Expr::Named(ExprNamed { node_index, range, target: self.boxed(&mut r, "target")?, value: self.boxed(&mut r, "value")? }),
            "BinOp" => {
                let op = operator(&mut r, "op")?;
                Expr::BinOp(ExprBinOp { node_index, range, left: self.boxed(&mut r, "left")?, op, right: self.boxed(&mut r, "right")? })
            }
            "UnaryOp" => {
                let Some(Value::Node(n)) = r.take("op") else { return Err(r.missing("op")) };
                let op = match n.kind.as_str() {
                    "Invert" => UnaryOp::Invert,
                    "Not" => UnaryOp::Not,
                    "UAdd" => UnaryOp::UAdd,
                    "USub" => UnaryOp::USub,
                    other => return Err(Problem::Type(format!("expected some sort of unaryop, but got {other}()"))),
                };
                Expr::UnaryOp(ExprUnaryOp { node_index, range, op, operand: self.boxed(&mut r, "operand")? })
            }
            "Lambda" => {
                let Some(Value::Node(n)) = r.take("args") else { return Err(r.missing("args")) };
                let parameters = self.parameters(n)?;
                let none = parameters.iter().next().is_none();
                Expr::Lambda(ExprLambda { node_index, range, parameters: (!none).then(|| Box::new(parameters)), body: self.boxed(&mut r, "body")? })
            }
            "IfExp" => Expr::If(ExprIf { node_index, range, test: self.boxed(&mut r, "test")?, body: self.boxed(&mut r, "body")?, orelse: self.boxed(&mut r, "orelse")? }),
            "Dict" => {
                let (keys, values) = (r.list("keys")?, self.exprs(&mut r, "values")?);
                if keys.len() != values.len() {
                    return Err(Problem::Value("Dict doesn't have the same number of keys as values".into()));
                }
                let mut items = Vec::new();
                for (key, value) in keys.into_iter().zip(values) {
                    let key = if matches!(key, Value::Const(Const::None)) { None } else { Some(self.expr(key)?) };
                    items.push(DictItem { key, value });
                }
                Expr::Dict(ExprDict { node_index, range, items })
            }
            "Set" => Expr::Set(ExprSet { node_index, range, elts: self.exprs(&mut r, "elts")? }),
            "ListComp" => Expr::ListComp(ExprListComp { node_index, range, elt: self.boxed(&mut r, "elt")?, generators: self.generators(&mut r)? }),
            "SetComp" => Expr::SetComp(ExprSetComp { node_index, range, elt: self.boxed(&mut r, "elt")?, generators: self.generators(&mut r)? }),
            "DictComp" => {
                Expr::DictComp(ExprDictComp { node_index, range, key: self.maybe(&mut r, "key")?, value: self.boxed(&mut r, "value")?, generators: self.generators(&mut r)? })
            }
            "GeneratorExp" => Expr::Generator(ExprGenerator { node_index, range, elt: self.boxed(&mut r, "elt")?, generators: self.generators(&mut r)?, parenthesized: true }),
            "Await" => Expr::Await(ExprAwait { node_index, range, value: self.boxed(&mut r, "value")? }),
            "Yield" => Expr::Yield(ExprYield { node_index, range, value: self.maybe(&mut r, "value")? }),
            "YieldFrom" => Expr::YieldFrom(ExprYieldFrom { node_index, range, value: self.boxed(&mut r, "value")? }),
            "Compare" => self.compare(r)?,
            "Call" => {
                let func = self.boxed(&mut r, "func")?;
                let arguments = self.arguments(&mut r, "args", TextRange::new(func.range().end().clamp(range.start(), range.end()), range.end()))?;
                Expr::Call(ExprCall { node_index, range_start: range.start(), func, arguments })
            }
            "JoinedStr" => {
                let values = r.list("values")?;
                let value = self.pieces(values, range)?;
                Expr::FString(ExprFString {
                    node_index,
                    range,
                    value: FStringValue::single(FString { range, node_index: index(), elements: value.into(), flags: FStringFlags::empty() }),
                })
            }
            "FormattedValue" => {
                let element = self.interpolation(r)?;
                let elements = vec![InterpolatedStringElement::Interpolation(element)];
                Expr::FString(ExprFString {
                    node_index,
                    range,
                    value: FStringValue::single(FString { range, node_index: index(), elements: elements.into(), flags: FStringFlags::empty() }),
                })
            }
            "TemplateStr" => {
                let values = r.list("values")?;
                let value = self.pieces(values, range)?;
                Expr::TString(ExprTString {
                    node_index,
                    range,
                    value: TStringValue::single(TString { range, node_index: index(), elements: value.into(), flags: TStringFlags::empty() }),
                })
            }
            "Constant" => {
                let value = match r.fields.iter().position(|(n, _)| n == "value") {
                    Some(i) => r.fields.swap_remove(i).1,
                    None => return Err(r.missing("value")),
                };
                match value {
                    Value::Const(c) => self.constant(c, range)?,
                    other => return Err(Problem::Type(format!("got an invalid type in Constant: {}", type_name(&other)))),
                }
            }
            "Attribute" => Expr::Attribute(ExprAttribute { node_index, range, value: self.boxed(&mut r, "value")?, attr: r.name("attr")?, ctx: context(&mut r) }),
            "Subscript" => Expr::Subscript(ExprSubscript { node_index, range, value: self.boxed(&mut r, "value")?, slice: self.boxed(&mut r, "slice")?, ctx: context(&mut r) }),
            "Starred" => Expr::Starred(ExprStarred { node_index, range, value: self.boxed(&mut r, "value")?, ctx: context(&mut r) }),
            "Name" => {
                let id = r.name("id")?.id;
                if matches!(id.as_str(), "None" | "True" | "False") {
                    return Err(Problem::Value(format!("identifier field can't represent '{id}' constant")));
                }
                Expr::Name(ExprName { node_index, range, id, ctx: context(&mut r) })
            }
            "List" => Expr::List(ExprList { node_index, range, elts: self.exprs(&mut r, "elts")?, ctx: context(&mut r) }),
            "Tuple" => Expr::Tuple(ExprTuple { node_index, range, elts: self.exprs(&mut r, "elts")?, ctx: context(&mut r), parenthesized: true }),
            "Slice" => Expr::Slice(ExprSlice { node_index, range, lower: self.maybe(&mut r, "lower")?, upper: self.maybe(&mut r, "upper")?, step: self.maybe(&mut r, "step")? }),
            other => return Err(Problem::Type(format!("expected some sort of expr, but got {other}()"))),
        })
    }

    fn compare(&mut self, mut r: Reader) -> Made<Expr> {
        let left = self.boxed(&mut r, "left")?;
        let mut ops = Vec::new();
        for v in r.list("ops")? {
            let Value::Node(n) = v else { return Err(Problem::Type(format!("expected some sort of cmpop, but got {}", shown(&v)))) };
            ops.push(match n.kind.as_str() {
                "Eq" => CmpOp::Eq,
                "NotEq" => CmpOp::NotEq,
                "Lt" => CmpOp::Lt,
                "LtE" => CmpOp::LtE,
                "Gt" => CmpOp::Gt,
                "GtE" => CmpOp::GtE,
                "Is" => CmpOp::Is,
                "IsNot" => CmpOp::IsNot,
                "In" => CmpOp::In,
                "NotIn" => CmpOp::NotIn,
                other => return Err(Problem::Type(format!("expected some sort of cmpop, but got {other}()"))),
            });
        }
        let comparators = self.exprs(&mut r, "comparators")?;
        if comparators.is_empty() {
            return Err(Problem::Value("Compare with no comparators".into()));
        }
        if comparators.len() != ops.len() {
            return Err(Problem::Value("Compare has a different number of comparators and operands".into()));
        }
        Ok(Expr::Compare(ExprCompare { node_index: index(), range: r.range, left, ops: ops.into(), comparators: comparators.into() }))
    }

    /// The arguments of a call, or the bases of a class.
    pub(super) fn arguments(&mut self, r: &mut Reader, positional: &str, range: TextRange) -> Made<Arguments> {
        let args = self.exprs(r, positional)?;
        let mut keywords = Vec::new();
        for v in r.list("keywords")? {
            let mut k = self.part(v, "keyword")?;
            keywords.push(Keyword { range: k.range, node_index: index(), arg: k.maybe_name("arg")?, value: self.required(&mut k, "value")? });
        }
        Ok(Arguments { range, node_index: index(), args: args.into(), keywords: keywords.into_iter().collect() })
    }

    fn generators(&mut self, r: &mut Reader) -> Made<Vec<Comprehension>> {
        let mut out = Vec::new();
        for v in r.list("generators")? {
            let mut c = self.part(v, "comprehension")?;
            let target = self.required(&mut c, "target")?;
            out.push(Comprehension {
                range: target.range(),
                node_index: index(),
                target,
                iter: self.required(&mut c, "iter")?,
                ifs: self.exprs(&mut c, "ifs")?,
                is_async: c.int("is_async")?.unwrap_or(0) != 0,
            });
        }
        if out.is_empty() { Err(Problem::Value("comprehension with no generators".into())) } else { Ok(out) }
    }

    fn pieces(&mut self, values: Vec<Value>, range: TextRange) -> Made<Vec<InterpolatedStringElement>> {
        let mut out = Vec::new();
        for v in values {
            let Value::Node(n) = v else { return Err(Problem::Type(format!("expected some sort of expr, but got {}", shown(&v)))) };
            let text = match (n.kind.as_str(), n.fields.iter().find(|(name, _)| name == "value")) {
                ("Constant", Some((_, Value::Const(Const::Str(s))))) => Some(s.chars().map(u32::from).collect::<Vec<_>>()),
                ("Constant", Some((_, Value::Const(Const::WideStr(w))))) => Some(w.to_vec()),
                _ => None,
            };
            out.push(match text {
                Some(text) => {
                    let range = self.append(&Walk::escaped(&text));
                    InterpolatedStringElement::Literal(InterpolatedStringLiteralElement { range, node_index: index(), value: "".into() })
                }
                None if matches!(n.kind.as_str(), "FormattedValue" | "Interpolation") => {
                    let r = self.reader(n);
                    InterpolatedStringElement::Interpolation(self.interpolation(r)?)
                }
                None => InterpolatedStringElement::Interpolation(InterpolatedElement {
                    range,
                    node_index: index(),
                    expression: Box::new(self.expr(Value::Node(n))?),
                    debug_text: None,
                    conversion: ConversionFlag::None,
                    format_spec: None,
                }),
            });
        }
        Ok(out)
    }

    fn interpolation(&mut self, mut r: Reader) -> Made<InterpolatedElement> {
        let expression = self.boxed(&mut r, "value")?;
        let conversion = match r.int("conversion")?.unwrap_or(-1) {
            -1 => ConversionFlag::None,
            115 => ConversionFlag::Str,
            114 => ConversionFlag::Repr,
            97 => ConversionFlag::Ascii,
            other => return Err(Problem::Value(format!("Unrecognized conversion character {other}"))),
        };
        let format_spec = match r.take("format_spec") {
            None => None,
            Some(Value::Node(n)) if n.kind == "JoinedStr" => {
                let mut spec = self.reader(n);
                let values = spec.list("values")?;
                let elements = self.pieces(values, spec.range)?;
                Some(Box::new(InterpolatedStringFormatSpec { range: spec.range, node_index: index(), elements: elements.into() }))
            }
            Some(v) => {
                let elements = self.pieces(vec![v], r.range)?;
                Some(Box::new(InterpolatedStringFormatSpec { range: r.range, node_index: index(), elements: elements.into() }))
            }
        };
        // A template shows the text of its hole: it lies behind the lines, with a brace in front.
        let range = match r.take("str") {
            Some(Value::Const(Const::Str(s))) => self.append(&format!("{{{s}")),
            _ => r.range,
        };
        Ok(InterpolatedElement { range, node_index: index(), expression, debug_text: None, conversion, format_spec })
    }

    /// A constant as the expression that means it.
    fn constant(&mut self, c: Const, range: TextRange) -> Made<Expr> {
        let node_index = index();
        let number = |value| Expr::NumberLiteral(ExprNumberLiteral { node_index: index(), range, value });
        let minus = |e: Expr| Expr::UnaryOp(ExprUnaryOp { node_index: index(), range, op: UnaryOp::USub, operand: Box::new(e) });
        Ok(match c {
            Const::None => Expr::NoneLiteral(ExprNoneLiteral { node_index, range }),
            Const::Bool(value) => Expr::BooleanLiteral(ExprBooleanLiteral { node_index, range, value }),
            Const::Ellipsis => Expr::EllipsisLiteral(ExprEllipsisLiteral { node_index, range }),
            Const::Int(i) => {
                let e = number(Number::Int(Int::from(i.unsigned_abs())));
                if i < 0 { minus(e) } else { e }
            }
            Const::BigInt { negative, digits } => {
                let text = hexadecimal(&digits);
                let value = Int::from_str_radix(&text, 16, &format!("0x{text}")).map_err(|e| Problem::Value(e.to_string()))?;
                if negative { minus(number(Number::Int(value))) } else { number(Number::Int(value)) }
            }
            Const::Float(bits) => number(Number::Float(f64::from_bits(bits))),
            Const::Complex(real, imag) => number(Number::Complex { real: f64::from_bits(real), imag: f64::from_bits(imag) }),
            Const::Str(s) => self.text_literal(&s.chars().map(u32::from).collect::<Vec<_>>(), range),
            Const::WideStr(w) => self.text_literal(&w, range),
            Const::Bytes(b) => {
                let body: String = b.iter().map(|b| format!("\\x{b:02x}")).collect();
                let part = BytesLiteral { range: self.append(&format!("b\"{body}\"")), node_index: index(), value: Box::default(), flags: BytesLiteralFlags::empty() };
                Expr::BytesLiteral(ExprBytesLiteral { node_index, range, value: BytesLiteralValue::single(part) })
            }
            Const::Tuple(items) => {
                let elts = items.iter().map(|i| self.constant(i.clone(), range)).collect::<Made<Vec<_>>>()?;
                Expr::Tuple(ExprTuple { node_index, range, elts, ctx: ExprContext::Load, parenthesized: true })
            }
            Const::FrozenSet(items) => {
                let elts = items.iter().map(|i| self.constant(i.clone(), range)).collect::<Made<Vec<_>>>()?;
                Expr::Set(ExprSet { node_index: crate::fold::constant_set(), range, elts })
            }
            Const::Code(_) | Const::Object(_) => return Err(Problem::Type(format!("got an invalid type in Constant: {}", type_name(&Value::Const(c))))),
        })
    }
    fn text_literal(&mut self, text: &[u32], range: TextRange) -> Expr {
        let body = Walk::escaped(text);
        let value = text.iter().map(|c| char::from_u32(*c).unwrap_or('\u{fffd}')).collect::<String>();
        let part = StringLiteral { range: self.append(&format!("\"{body}\"")), node_index: index(), value: value.into(), flags: StringLiteralFlags::empty() };
        Expr::StringLiteral(ExprStringLiteral { node_index: index(), range, value: StringLiteralValue::single(part) })
    }
}

fn context(r: &mut Reader) -> ExprContext {
    match r.take("ctx") {
        Some(Value::Node(n)) if n.kind == "Store" => ExprContext::Store,
        Some(Value::Node(n)) if n.kind == "Del" => ExprContext::Del,
        _ => ExprContext::Load,
    }
}

/// Digits of 30 bits, lowest first, in hexadecimal.
fn hexadecimal(digits: &[u32]) -> String {
    let bit = |i: usize| digits.get(i / 30).is_some_and(|d| d >> (i % 30) & 1 == 1);
    let n = digits.len() * 30;
    let nibble = |k: usize| (0..4).fold(0u32, |v, b| v | u32::from(bit(k * 4 + b)) << b);
    let text: String = (0..n.div_ceil(4)).rev().map(|k| char::from_digit(nibble(k), 16).unwrap_or('0')).collect();
    let text = text.trim_start_matches('0');
    if text.is_empty() { "0".to_string() } else { text.to_string() }
}
