//! `_retic_elementtree`: the elements of `xml.etree.ElementTree`, and the builder that makes trees of them. The parser over
//! both is `lib/_elementtree.py`.

mod builder;
mod element;
mod walk;

pub(crate) use builder::Feeder;
use element::Element;
use retic_runtime::types::{Dict, Str, module};
use retic_runtime::{Cx, Obj, PyResult, Raised, Ref, interp, protocol};

/// A method's argument that must be a dict, or is left out.
fn dict_argument<'a>(cx: &Cx, value: Option<&'a Obj>, what: &str) -> PyResult<Option<&'a Ref<Dict>>> {
    match value {
        None => Ok(None),
        Some(v) => v.cast::<Dict>().map(Some).ok_or_else(|| cx.type_error(format!("{what} must be dict, not {}", if v.is_none() { "None".into() } else { v.ty().name_text() }))),
    }
}

fn parse_error(cx: &mut Cx, text: &str) -> Raised {
    let made = (|| {
        let m = retic_runtime::modules::import(cx, "xml.etree.ElementTree")?;
        let name = cx.name("ParseError");
        let class = protocol::getattr(cx, &m, &name)?;
        let text = cx.str(text)?;
        protocol::call(cx, &class, &[text])
    })();
    match made {
        Ok(e) => cx.raise(e),
        Err(r) => r,
    }
}

/// An attribute's value, or None.
fn or_none(cx: &Cx, value: Option<Obj>) -> Obj {
    value.unwrap_or_else(|| cx.none())
}

#[retic_macros::methods]
mod functions {
    use super::*;

    #[py("SubElement(*args, **kwargs)", "")]
    pub fn sub_element(cx: &mut Cx, args: &[Obj], kwargs: Vec<(&Obj, &Obj)>) -> PyResult {
        if !(2..=3).contains(&args.len()) {
            let (most, bound) = if args.len() < 2 { ("at least", 2) } else { ("at most", 3) };
            return Err(cx.type_error(format!("SubElement() takes {most} {bound} arguments ({} given)", args.len())));
        }
        let Some(parent) = args[0].cast::<Element>() else {
            return Err(cx.type_error(format!("SubElement() argument 1 must be xml.etree.ElementTree.Element, not {}", args[0].ty().name_text())));
        };
        let given = dict_argument(cx, args.get(2), "SubElement() argument 3")?;
        let attrib = element::attributes(cx, given, &kwargs)?;
        let new = element::make(cx, args[1].clone(), attrib)?;
        element::append(cx, parent, new.as_obj().clone())?;
        Ok(new.into_obj())
    }
    /// Sets what makes comments and processing instructions for builders that were given nothing else; gives what did before.
    #[py("_set_factories(comment_factory, pi_factory, /)")]
    pub fn set_factories(cx: &mut Cx, comment_factory: &Obj, pi_factory: &Obj) -> PyResult {
        for f in [comment_factory, pi_factory] {
            if !f.is_none() && f.ty().slots(cx).call.is_none() {
                let which = if std::ptr::eq(f, comment_factory) { "Comment" } else { "PI" };
                return Err(cx.type_error(format!("{which} factory must be callable, not {}", f.ty().name_text())));
            }
        }
        let old = builder::factories(cx)?;
        let new = cx.tuple_of([comment_factory.clone(), pi_factory.clone()])?;
        let m = retic_runtime::modules::import(cx, "_retic_elementtree")?;
        let name = cx.name("_factories");
        protocol::setattr(cx, &m, &name, Some(&new))?;
        Ok(old)
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    // The functions say that they are of the module that shows them.
    let m = module::of_functions(cx, "_elementtree", functions::DOC, functions::FUNCTIONS)?;
    let object = cx.types.object.clone();
    for spec in [element::spec(), builder::spec(), builder::feeder_spec()] {
        let ty = interp::native_type(cx, &spec, &object)?;
        m.set(cx, spec.name.rsplit('.').next().unwrap_or(spec.name), ty.into_obj())?;
    }
    interp::native_type(cx, &walk::spec(), &object)?;
    let none = cx.tuple_of([cx.none(), cx.none()])?;
    m.set(cx, "_factories", none)?;
    Ok(m.into_obj())
}

/// A name as the parser gives it, "uri}local", in the form of the tree's.
fn fixed(cx: &mut Cx, names: &Ref<Dict>, name: &Obj) -> PyResult {
    let Some(text) = name.cast::<Str>() else { return Ok(name.clone()) };
    let spaced = match text.ascii_bytes() {
        Some(b) => b.contains(&b'}'),
        None => (0..text.len()).any(|i| text.chars().get(i) == u32::from('}')),
    };
    if !spaced {
        return Ok(name.clone());
    }
    if let Some(known) = names.get_str(cx, text) {
        return Ok(known);
    }
    let text = format!("{{{}", text.to_text(cx));
    let fixed = cx.str(&text)?;
    names.insert(cx, name, fixed.clone())?;
    Ok(fixed)
}
