//! What no grammar would have made of a tree: contexts, and what patterns may hold. The rules and words of CPython's `ast.c`.

use super::{Node, Problem, Value};
use retic_bytecode::Const;

type Done = Result<(), Problem>;

/// What an expression stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Context {
    Load,
    Store,
    Del,
}
impl Context {
    fn name(self) -> &'static str {
        match self {
            Context::Load => "Load",
            Context::Store => "Store",
            Context::Del => "Del",
        }
    }
}

const EXPRESSIONS: &[&str] = &[
    "BoolOp",
    "NamedExpr",
    "BinOp",
    "UnaryOp",
    "Lambda",
    "IfExp",
    "Dict",
    "Set",
    "ListComp",
    "SetComp",
    "DictComp",
    "GeneratorExp",
    "Await",
    "Yield",
    "YieldFrom",
    "Compare",
    "Call",
    "FormattedValue",
    "Interpolation",
    "JoinedStr",
    "TemplateStr",
    "Constant",
    "Attribute",
    "Subscript",
    "Starred",
    "Name",
    "List",
    "Tuple",
    "Slice",
];
/// Those that say for themselves in which context they stand.
const WITH_CONTEXT: &[&str] = &["Attribute", "Subscript", "Starred", "Name", "List", "Tuple"];

fn refused<T>(text: impl Into<String>) -> Result<T, Problem> {
    Err(Problem::Value(text.into()))
}

fn field<'a>(node: &'a Node, name: &str) -> Option<&'a Value> {
    node.fields.iter().find(|f| f.0 == name).map(|f| &f.1).filter(|v| !matches!(v, Value::Const(Const::None)))
}
fn items<'a>(node: &'a Node, name: &str) -> &'a [Value] {
    match field(node, name) {
        Some(Value::List(items)) => items,
        _ => &[],
    }
}
fn text<'a>(node: &'a Node, name: &str) -> Option<&'a str> {
    match field(node, name) {
        Some(Value::Const(Const::Str(s))) => Some(s),
        _ => None,
    }
}

/// The context in which a field of a node stands; `own`: that of the node.
fn context_of(kind: &str, field: &str, own: Context) -> Context {
    match (kind, field) {
        ("Assign", "targets") | ("AugAssign" | "AnnAssign" | "For" | "AsyncFor" | "comprehension" | "NamedExpr", "target") => Context::Store,
        ("withitem", "optional_vars") | ("TypeAlias", "name") => Context::Store,
        ("Delete", "targets") => Context::Del,
        ("List" | "Tuple", "elts") | ("Starred", "value") => own,
        _ => Context::Load,
    }
}

/// Checks a whole tree.
pub(super) fn tree(node: &Node) -> Done {
    walk(node, Context::Load)
}

fn walk(node: &Node, context: Context) -> Done {
    let kind = node.kind.as_str();
    if EXPRESSIONS.contains(&kind) {
        expression(node, context)?;
    }
    if kind == "match_case" {
        if let Some(Value::Node(p)) = field(node, "pattern") {
            pattern(p, false)?;
        }
    } else if kind.starts_with("Match") && kind != "Match" {
        return Ok(());
    }
    if kind == "AnnAssign"
        && let (Some(Value::Node(target)), Some(Value::Const(simple))) = (field(node, "target"), field(node, "simple"))
        && target.kind != "Name"
        && !matches!(simple, Const::Int(0) | Const::Bool(false))
    {
        return Err(Problem::Type("AnnAssign with simple non-Name target".into()));
    }
    for (name, value) in &node.fields {
        let inner = context_of(kind, name, context);
        match value {
            Value::Node(n) => walk(n, inner)?,
            Value::List(list) => list.iter().try_for_each(|v| if let Value::Node(n) = v { walk(n, inner) } else { Ok(()) })?,
            _ => {}
        }
    }
    Ok(())
}

fn expression(node: &Node, context: Context) -> Done {
    if matches!(node.kind.as_str(), "ListComp" | "SetComp" | "DictComp" | "GeneratorExp") && items(node, "generators").is_empty() {
        return refused("comprehension with no generators");
    }
    if !WITH_CONTEXT.contains(&node.kind.as_str()) {
        return match context {
            Context::Load => Ok(()),
            _ => refused(format!("expression which can't be assigned to in {} context", context.name())),
        };
    }
    let has = match field(node, "ctx") {
        Some(Value::Node(n)) => n.kind.as_str(),
        _ => "Load",
    };
    if has == context.name() { Ok(()) } else { refused(format!("expression must have {} context but has {has} instead", context.name())) }
}

/// A name that patterns bind.
fn capture(name: Option<&str>) -> Done {
    match name {
        Some("_") => refused("can't capture name '_' in patterns"),
        Some(name) => identifier(name),
        None => Ok(()),
    }
}
fn identifier(name: &str) -> Done {
    if matches!(name, "None" | "True" | "False") { refused(format!("identifier field can't represent '{name}' constant")) } else { Ok(()) }
}

fn patterns(list: &[Value], star: bool) -> Done {
    list.iter().try_for_each(|v| match v {
        Value::Node(n) => pattern(n, star),
        _ => Ok(()),
    })
}

/// Checks a pattern; `star`: one that takes what is left over may stand here.
fn pattern(node: &Node, star: bool) -> Done {
    match node.kind.as_str() {
        "MatchValue" => match field(node, "value") {
            Some(Value::Node(v)) => literal(v),
            _ => Ok(()),
        },
        "MatchSingleton" => match node.fields.iter().find(|f| f.0 == "value") {
            Some((_, Value::Const(Const::None | Const::Bool(_)))) | None => Ok(()),
            _ => refused("MatchSingleton can only contain True, False and None"),
        },
        "MatchSequence" => patterns(items(node, "patterns"), true),
        "MatchMapping" => {
            if items(node, "keys").len() != items(node, "patterns").len() {
                return refused("MatchMapping doesn't have the same number of keys as patterns");
            }
            capture(text(node, "rest"))?;
            for key in items(node, "keys") {
                let Value::Node(key) = key else { continue };
                let singleton = key.kind == "Constant" && matches!(key.fields.iter().find(|f| f.0 == "value"), Some((_, Value::Const(Const::None | Const::Bool(_)))));
                if !singleton {
                    literal(key)?;
                }
            }
            patterns(items(node, "patterns"), false)
        }
        "MatchClass" => {
            if items(node, "kwd_attrs").len() != items(node, "kwd_patterns").len() {
                return refused("MatchClass doesn't have the same number of keyword attributes as patterns");
            }
            if let Some(Value::Node(cls)) = field(node, "cls") {
                walk(cls, Context::Load)?;
                let mut cls = cls;
                while cls.kind == "Attribute"
                    && let Some(Value::Node(inner)) = field(cls, "value")
                {
                    cls = inner;
                }
                if cls.kind != "Name" {
                    return refused("MatchClass cls field can only contain Name or Attribute nodes.");
                }
            }
            for name in items(node, "kwd_attrs") {
                if let Value::Const(Const::Str(s)) = name {
                    identifier(s)?;
                }
            }
            patterns(items(node, "patterns"), false)?;
            patterns(items(node, "kwd_patterns"), false)
        }
        "MatchStar" if !star => refused("can't use MatchStar here"),
        "MatchStar" => capture(text(node, "name")),
        "MatchAs" => {
            capture(text(node, "name"))?;
            match field(node, "pattern") {
                None => Ok(()),
                Some(_) if text(node, "name").is_none() => refused("MatchAs must specify a target name if a pattern is given"),
                Some(Value::Node(inner)) => pattern(inner, false),
                Some(_) => Ok(()),
            }
        }
        "MatchOr" if items(node, "patterns").len() < 2 => refused("MatchOr requires at least 2 patterns"),
        "MatchOr" => patterns(items(node, "patterns"), false),
        _ => Ok(()),
    }
}

/// A number with or without a sign, of a kind.
fn is_number(node: &Node, signed: bool, imaginary: bool) -> bool {
    if signed && node.kind == "UnaryOp" {
        let minus = matches!(field(node, "op"), Some(Value::Node(op)) if op.kind == "USub");
        return minus && matches!(field(node, "operand"), Some(Value::Node(n)) if is_number(n, false, imaginary));
    }
    node.kind == "Constant"
        && match field(node, "value") {
            Some(Value::Const(Const::Complex(..))) => imaginary,
            Some(Value::Const(Const::Int(_) | Const::BigInt { .. } | Const::Float(_))) => !imaginary,
            _ => false,
        }
}

/// What a pattern compares with: a literal, or a name with dots.
fn literal(node: &Node) -> Done {
    walk(node, Context::Load)?;
    let fine = match node.kind.as_str() {
        "Constant" => {
            return match node.fields.iter().find(|f| f.0 == "value").map(|f| &f.1) {
                Some(Value::Const(Const::None | Const::Bool(_) | Const::Ellipsis | Const::Tuple(_) | Const::FrozenSet(_))) => {
                    refused("unexpected constant inside of a literal pattern")
                }
                _ => Ok(()),
            };
        }
        "Attribute" | "JoinedStr" | "TemplateStr" => true,
        "UnaryOp" => is_number(node, true, false) || is_number(node, true, true),
        "BinOp" => {
            let sum = matches!(field(node, "op"), Some(Value::Node(op)) if op.kind == "Add" || op.kind == "Sub");
            let part = |name, signed, imaginary| matches!(field(node, name), Some(Value::Node(n)) if is_number(n, signed, imaginary));
            sum && part("left", true, false) && part("right", false, true)
        }
        _ => false,
    };
    if fine { Ok(()) } else { refused("patterns may only match literals and attribute lookups") }
}
