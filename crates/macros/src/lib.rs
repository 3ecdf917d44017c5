//! `#[methods]`: tables and short shims for Python-visible functions written as plain Rust functions.
//!
//! The signature is written in Python and is the `__text_signature__`; the doc comment is the docstring. Binding and
//! error wording are ordinary functions in `runtime::native`. A function looks like
//! `#[py("append($self, object, /)")] fn append(cx: &mut Cx, this: &Ref<List>, object: &Obj) -> PyResult<()>`.
//! Where CPython shows another signature, or none, that follows as a second literal: `#[py("dir(object=<unrepresentable>, /)", "")]`.
//! Kinds: a first parameter `$self`, `$cls` (class method) or neither (static method or module function).

use proc_macro::TokenStream;
use proc_macro2::TokenStream as Tokens;
use quote::{format_ident, quote};
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, ImplItem, Item, ItemFn, ItemImpl, ItemMod, Lit, LitStr, Meta, Signature, Token, parse_macro_input};

struct Param {
    name: String,
    default: Option<String>,
    kind: Kind,
}

#[derive(PartialEq, Clone, Copy)]
enum Kind {
    PositionalOnly,
    Normal,
    KeywordOnly,
    Star,
    StarStar,
}

struct Parsed {
    name: String,
    receiver: Option<String>,
    params: Vec<Param>,
    text: String,
}

fn split_params(text: &str) -> Vec<String> {
    let (mut depth, mut quote, mut out, mut cur) = (0, None, Vec::new(), String::new());
    for c in text.chars() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth -= 1,
            (None, ',') if depth == 0 => {
                out.push(std::mem::take(&mut cur));
                continue;
            }
            _ => {}
        }
        cur.push(c);
    }
    if !cur.trim().is_empty() {
        out.push(cur);
    }
    out.into_iter().map(|s| s.trim().to_string()).collect()
}

fn parse_signature(text: &str) -> Result<Parsed, String> {
    let open = text.find('(').ok_or("a signature needs parentheses")?;
    let close = text.rfind(')').ok_or("a signature needs parentheses")?;
    let name = text[..open].trim().to_string();
    let mut params: Vec<Param> = Vec::new();
    let mut receiver = None;
    let mut kind = Kind::Normal;
    for p in split_params(&text[open + 1..close]) {
        if let Some(r) = p.strip_prefix('$') {
            receiver = Some(r.to_string());
        } else if p == "/" {
            params.iter_mut().for_each(|p| p.kind = Kind::PositionalOnly);
        } else if p == "*" {
            kind = Kind::KeywordOnly;
        } else if let Some(n) = p.strip_prefix("**") {
            params.push(Param { name: n.to_string(), default: None, kind: Kind::StarStar });
        } else if let Some(n) = p.strip_prefix('*') {
            params.push(Param { name: n.to_string(), default: None, kind: Kind::Star });
            kind = Kind::KeywordOnly;
        } else {
            let (n, default) = match p.split_once('=') {
                Some((n, d)) => (n.trim().to_string(), Some(d.trim().to_string())),
                None => (p, None),
            };
            params.push(Param { name: n, default, kind });
        }
    }
    Ok(Parsed { name, receiver, params, text: text[open..=close].to_string() })
}

fn docs(attrs: &[Attribute]) -> String {
    let lines: Vec<String> = attrs
        .iter()
        .filter_map(|a| match &a.meta {
            Meta::NameValue(nv) if nv.path.is_ident("doc") => match &nv.value {
                Expr::Lit(l) => match &l.lit {
                    Lit::Str(s) => Some(s.value().strip_prefix(' ').map(str::to_string).unwrap_or(s.value())),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        })
        .collect();
    lines.join("\n")
}

fn py_attr(attrs: &mut Vec<Attribute>, name: &str) -> Option<String> {
    py_attrs(attrs, name).map(|(first, _)| first)
}
/// The first literal of an attribute, and the second where there is one.
fn py_attrs(attrs: &mut Vec<Attribute>, name: &str) -> Option<(String, Option<String>)> {
    let at = attrs.iter().position(|a| a.path().is_ident(name))?;
    let attr = attrs.remove(at);
    let literals = attr.parse_args_with(Punctuated::<LitStr, Token![,]>::parse_terminated).ok()?;
    let mut literals = literals.into_iter().map(|s| s.value());
    Some((literals.next()?, literals.next()))
}

fn default_tokens(default: &str) -> Option<Tokens> {
    match default {
        "True" => return Some(quote!(true)),
        "False" => return Some(quote!(false)),
        _ => {}
    }
    if default.parse::<i64>().is_ok() {
        // Of whatever width the parameter has.
        return default.parse().ok();
    }
    default.strip_prefix('\'').and_then(|d| d.strip_suffix('\'')).map(|s| quote!(#s))
}

/// The table entry and shim of one function. `path` calls it.
fn entry(sig: &Signature, text: &str, shown: Option<String>, doc: &str, path: Tokens) -> Result<Tokens, syn::Error> {
    let parsed = parse_signature(text).map_err(|m| syn::Error::new_spanned(sig, m))?;
    let rust: Vec<String> = sig
        .inputs
        .iter()
        .skip(1 + usize::from(parsed.receiver.is_some()))
        .filter_map(|a| match a {
            syn::FnArg::Typed(t) => match &*t.pat {
                syn::Pat::Ident(i) => Some(i.ident.to_string().trim_start_matches("r#").trim_start_matches('_').to_string()),
                _ => None,
            },
            _ => None,
        })
        .collect();
    let python: Vec<String> = parsed.params.iter().map(|p| p.name.trim_start_matches('_').to_string()).collect();
    if rust != python {
        return Err(syn::Error::new_spanned(sig, format!("parameters {rust:?} are not those of the Python signature {python:?}")));
    }
    let name = &parsed.name;
    let text_signature = shown.as_ref().unwrap_or(&parsed.text);
    let plain: Vec<&Param> = parsed.params.iter().filter(|p| !matches!(p.kind, Kind::Star | Kind::StarStar)).collect();
    let n = plain.len();
    let names = plain.iter().map(|p| &p.name);
    let positional_only = plain.iter().filter(|p| p.kind == Kind::PositionalOnly).count();
    let positional = plain.iter().filter(|p| p.kind != Kind::KeywordOnly).count();
    let required = plain.iter().filter(|p| p.kind != Kind::KeywordOnly && p.default.is_none()).count();
    let keyword_required = plain.iter().filter(|p| p.kind == Kind::KeywordOnly && p.default.is_none()).count();
    let star = parsed.params.iter().any(|p| p.kind == Kind::Star);
    let star_star = parsed.params.iter().any(|p| p.kind == Kind::StarStar);
    // A parameter that is an `Option` in Rust is `None` when it is not given, whatever the default's text.
    let optional: Vec<bool> =
        sig.inputs.iter().skip(1 + usize::from(parsed.receiver.is_some())).map(|a| matches!(a, syn::FnArg::Typed(t) if quote!(#t).to_string().contains(": Option"))).collect();
    let mut slot = 0usize;
    let mut call = Vec::new();
    for (index, p) in parsed.params.iter().enumerate() {
        call.push(match p.kind {
            Kind::Star => quote!(bound.rest),
            Kind::StarStar => quote!(bound.keywords),
            _ => {
                // How a complaint about this argument begins.
                let which = match p.kind {
                    Kind::PositionalOnly if n == 1 => String::new(),
                    Kind::PositionalOnly => format!(" {}", slot + 1),
                    _ => format!(" '{}'", p.name),
                };
                let pname = format!("{name}() argument{which}");
                let i = slot;
                slot += 1;
                match p.default.as_deref() {
                    None => quote!(retic_runtime::native::FromArg::from_arg(cx, slots[#i], #pname)?),
                    Some("None") => quote!(retic_runtime::native::FromArg::from_arg(cx, slots[#i].filter(|v| !v.is_none()), #pname)?),
                    Some(d) => match default_tokens(d).filter(|_| !optional[index]) {
                        Some(value) => quote!(match slots[#i] { Some(v) => retic_runtime::native::FromArg::from_arg(cx, Some(v), #pname)?, None => #value }),
                        None => quote!(retic_runtime::native::FromArg::from_arg(cx, slots[#i], #pname)?),
                    },
                }
            }
        });
    }
    let (kind, receiver) = match parsed.receiver.as_deref() {
        None => (quote!(Static), quote!()),
        Some("cls" | "type") => (quote!(Class), quote!(retic_runtime::native::receiver(cx, this)?)),
        Some(_) => (quote!(Method), quote!(retic_runtime::native::receiver(cx, this)?)),
    };
    // Converted one by one before the call: each conversion borrows the context.
    let has_receiver = parsed.receiver.is_some();
    let bound = if star || star_star || keyword_required > 0 {
        quote! {
            #[allow(unused_variables)]
            let bound = retic_runtime::native::bind(cx, def, this, args, &mut slots)?;
        }
    } else {
        // As many positional arguments as there may be, and no others: nothing to bind.
        quote! {
            let given = args.items.len();
            if args.names.is_empty() && (#required..=#positional).contains(&given) {
                for (slot, value) in slots.iter_mut().zip(args.items) {
                    *slot = Some(value);
                }
            } else {
                retic_runtime::native::bind(cx, def, this, args, &mut slots)?;
            }
        }
    };
    let bindings: Vec<_> = (0..call.len()).map(|i| format_ident!("arg{}", i)).collect();
    let first = if has_receiver { quote!(let receiver = #receiver;) } else { quote!() };
    let passed = if has_receiver { quote!(receiver,) } else { quote!() };
    Ok(quote! {
        retic_runtime::native::MethodDef {
            name: #name,
            kind: retic_runtime::native::MethodKind::#kind,
            signature: retic_runtime::native::Signature {
                name: #name,
                params: &[#(#names),*],
                positional_only: #positional_only,
                positional: #positional,
                required: #required,
                keyword_required: #keyword_required,
                star: #star,
                star_star: #star_star,
                text: #text_signature,
            },
            doc: #doc,
            call: {
                fn shim<'a>(cx: &mut retic_runtime::cx::Cx, def: &'static retic_runtime::native::MethodDef, this: &'a retic_runtime::object::Obj, args: retic_runtime::native::Args<'a>) -> retic_runtime::cx::PyResult {
                    let _ = this;
                    let mut slots: [Option<&'a retic_runtime::object::Obj>; #n] = [None; #n];
                    #bound
                    #first
                    #(let #bindings = #call;)*
                    let result = #path(cx, #passed #(#bindings),*);
                    retic_runtime::native::IntoPy::into_py(result, cx)
                }
                shim
            },
        }
    })
}

/// On an `impl` block of a built-in type or a `mod` of functions: makes the constant `METHODS` (types) or `FUNCTIONS` (modules).
#[proc_macro_attribute]
pub fn methods(_attr: TokenStream, item: TokenStream) -> TokenStream {
    let item = parse_macro_input!(item as Item);
    let result = match item {
        Item::Impl(block) => on_impl(block),
        Item::Mod(module) => on_mod(module),
        other => Err(syn::Error::new_spanned(other, "an impl block or a module")),
    };
    result.unwrap_or_else(|e| e.to_compile_error()).into()
}

fn on_impl(mut block: ItemImpl) -> Result<Tokens, syn::Error> {
    let ty = block.self_ty.clone();
    let (mut entries, mut getsets) = (Vec::new(), Vec::new());
    for item in &mut block.items {
        let ImplItem::Fn(f) = item else { continue };
        let ident = f.sig.ident.clone();
        if let Some((text, shown)) = py_attrs(&mut f.attrs, "py") {
            entries.push(entry(&f.sig, &text, shown, &docs(&f.attrs), quote!(<#ty>::#ident))?);
        } else if let Some((name, member)) = py_attr(&mut f.attrs, "get").map(|n| (n, false)).or_else(|| py_attr(&mut f.attrs, "member").map(|n| (n, true))) {
            let doc = docs(&f.attrs);
            let setter = format_ident!("set_{}", ident);
            let has_setter = py_attr(&mut f.attrs, "settable").is_some();
            let set = if has_setter {
                quote!(Some(|cx: &mut retic_runtime::cx::Cx, this: &retic_runtime::object::Obj, value: Option<&retic_runtime::object::Obj>| {
                    let this = retic_runtime::native::receiver(cx, this)?;
                    <#ty>::#setter(cx, this, value)
                }))
            } else {
                quote!(None)
            };
            getsets.push(quote! {
                retic_runtime::native::GetSet {
                    name: #name,
                    doc: #doc,
                    get: |cx: &mut retic_runtime::cx::Cx, this: &retic_runtime::object::Obj| {
                        let this = retic_runtime::native::receiver(cx, this)?;
                        let result = <#ty>::#ident(cx, this);
                        retic_runtime::native::IntoPy::into_py(result, cx)
                    },
                    set: #set,
                    member: #member,
                }
            });
        }
    }
    Ok(quote! {
        #block
        impl #ty {
            /// The Python-visible methods.
            pub const METHODS: &'static [retic_runtime::native::MethodDef] = &[#(#entries),*];
            /// The Python-visible computed attributes.
            pub const GETSET: &'static [retic_runtime::native::GetSet] = &[#(#getsets),*];
        }
    })
}

fn on_mod(mut module: ItemMod) -> Result<Tokens, syn::Error> {
    let doc = docs(&module.attrs);
    let Some((_, items)) = &mut module.content else { return Err(syn::Error::new_spanned(module, "a module with a body")) };
    let mut entries = Vec::new();
    for item in items.iter_mut() {
        let Item::Fn(ItemFn { attrs, sig, .. }) = item else { continue };
        if let Some((text, shown)) = py_attrs(attrs, "py") {
            let ident = sig.ident.clone();
            entries.push(entry(sig, &text, shown, &docs(attrs), quote!(#ident))?);
        }
    }
    items.push(syn::parse_quote! {
        /// The Python-visible functions.
        pub const FUNCTIONS: &[retic_runtime::native::MethodDef] = &[#(#entries),*];
    });
    items.push(syn::parse_quote! {
        /// The module's docstring.
        pub const DOC: &str = #doc;
    });
    Ok(quote!(#module))
}
