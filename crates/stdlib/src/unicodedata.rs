//! `unicodedata`: the Unicode character database.

use retic_runtime::types::type_::flags;
use retic_runtime::types::{Slots, Spec, Str, function, module};
use retic_runtime::{Cx, Obj, PyResult, Ref, layout, memory};
use retic_unicode::ucd::{Database, Form};
use std::cell::Cell;

layout! {
    /// A version of the database: the current one, or 3.2.0.
    pub struct Ucd = 284, "unicodedata.UCD" { old: Cell<bool>, }
}

fn database(this: &Ref<Ucd>) -> Database {
    if this.old.get() { Database::Old } else { Database::Current }
}

/// The one character of an argument.
fn one(cx: &mut Cx, o: &Obj, function: &str, position: &str) -> PyResult<u32> {
    let Some(s) = o.cast::<Str>() else {
        return Err(cx.type_error(format!("{function}() argument{position} must be a unicode character, not {}", o.ty().name_text())));
    };
    match &s.code_points()[..] {
        [c] => Ok(*c),
        other => Err(cx.type_error(format!("{function}(): argument{position} must be a unicode character, not a string of length {}", other.len()))),
    }
}

fn form(cx: &mut Cx, name: &str) -> PyResult<Form> {
    match name {
        "NFC" => Ok(Form { compose: true, compatibility: false }),
        "NFKC" => Ok(Form { compose: true, compatibility: true }),
        "NFD" => Ok(Form { compose: false, compatibility: false }),
        "NFKD" => Ok(Form { compose: false, compatibility: true }),
        _ => Err(cx.value_error("invalid normalization form")),
    }
}

fn or_default(cx: &mut Cx, value: Option<Obj>, default: Option<&Obj>, complaint: &str) -> PyResult {
    match (value, default) {
        (Some(v), _) => Ok(v),
        (None, Some(d)) => Ok(d.clone()),
        (None, None) => Err(cx.value_error(complaint)),
    }
}

#[retic_macros::methods]
impl Ucd {
    /// Converts a Unicode character into its equivalent decimal value.
    #[py("decimal($self, chr, default=<unrepresentable>, /)")]
    fn decimal(cx: &mut Cx, this: &Ref<Ucd>, chr: &Obj, default: Option<&Obj>) -> PyResult {
        let c = one(cx, chr, "decimal", " 1")?;
        let value = match database(this).number(c).and_then(|n| n.decimal) {
            Some(d) => Some(cx.int(i64::from(d))?),
            None => None,
        };
        or_default(cx, value, default, "not a decimal")
    }
    /// Converts a Unicode character into its equivalent digit value.
    #[py("digit($self, chr, default=<unrepresentable>, /)")]
    fn digit(cx: &mut Cx, this: &Ref<Ucd>, chr: &Obj, default: Option<&Obj>) -> PyResult {
        let c = one(cx, chr, "digit", " 1")?;
        let value = match database(this).number(c).and_then(|n| n.digit) {
            Some(d) => Some(cx.int(i64::from(d))?),
            None => None,
        };
        or_default(cx, value, default, "not a digit")
    }
    /// Converts a Unicode character into its equivalent numeric value.
    #[py("numeric($self, chr, default=<unrepresentable>, /)")]
    fn numeric(cx: &mut Cx, this: &Ref<Ucd>, chr: &Obj, default: Option<&Obj>) -> PyResult {
        let c = one(cx, chr, "numeric", " 1")?;
        let value = match database(this).number(c).and_then(|n| n.numeric) {
            Some((n, d)) => Some(cx.float(n as f64 / d as f64)?),
            None => None,
        };
        or_default(cx, value, default, "not a numeric character")
    }
    /// Returns the general category assigned to the character chr as string.
    #[py("category($self, chr, /)")]
    fn category(cx: &mut Cx, this: &Ref<Ucd>, chr: &Obj) -> PyResult<&'static str> {
        let c = one(cx, chr, "category", "")?;
        Ok(database(this).record(c).category)
    }
    /// Returns the bidirectional class assigned to the character chr as string.
    #[py("bidirectional($self, chr, /)")]
    fn bidirectional(cx: &mut Cx, this: &Ref<Ucd>, chr: &Obj) -> PyResult<&'static str> {
        let c = one(cx, chr, "bidirectional", "")?;
        Ok(database(this).record(c).bidirectional)
    }
    /// Returns the canonical combining class assigned to the character chr as integer.
    #[py("combining($self, chr, /)")]
    fn combining(cx: &mut Cx, this: &Ref<Ucd>, chr: &Obj) -> PyResult<i64> {
        let c = one(cx, chr, "combining", "")?;
        Ok(i64::from(database(this).record(c).combining))
    }
    /// Returns the mirrored property assigned to the character chr as integer.
    #[py("mirrored($self, chr, /)")]
    fn mirrored(cx: &mut Cx, this: &Ref<Ucd>, chr: &Obj) -> PyResult<i64> {
        let c = one(cx, chr, "mirrored", "")?;
        Ok(i64::from(database(this).record(c).mirrored))
    }
    /// Returns the east asian width assigned to the character chr as string.
    #[py("east_asian_width($self, chr, /)")]
    fn east_asian_width(cx: &mut Cx, this: &Ref<Ucd>, chr: &Obj) -> PyResult<&'static str> {
        let c = one(cx, chr, "east_asian_width", "")?;
        Ok(database(this).record(c).width)
    }
    /// Returns the character decomposition mapping assigned to the character chr as string.
    #[py("decomposition($self, chr, /)")]
    fn decomposition(cx: &mut Cx, this: &Ref<Ucd>, chr: &Obj) -> PyResult<&'static str> {
        let c = one(cx, chr, "decomposition", "")?;
        Ok(database(this).decomposition(c))
    }
    /// Return whether the Unicode string unistr is in the normal form 'form'.
    #[py("is_normalized($self, form, unistr, /)")]
    fn is_normalized(cx: &mut Cx, this: &Ref<Ucd>, form: String, unistr: &Ref<Str>) -> PyResult<bool> {
        let f = self::form(cx, &form)?;
        let text = unistr.code_points();
        Ok(database(this).normalize(&text, f) == text)
    }
    /// Return the normal form 'form' for the Unicode string unistr.
    #[py("normalize($self, form, unistr, /)")]
    fn normalize(cx: &mut Cx, this: &Ref<Ucd>, form: String, unistr: &Ref<Str>) -> PyResult {
        let f = self::form(cx, &form)?;
        let text = unistr.code_points();
        let made = database(this).normalize(&text, f);
        if made == text { Ok(unistr.as_obj().clone()) } else { cx.str_points(&made) }
    }
    /// Returns the name assigned to the character chr as a string.
    #[py("name($self, chr, default=<unrepresentable>, /)")]
    fn name(cx: &mut Cx, this: &Ref<Ucd>, chr: &Obj, default: Option<&Obj>) -> PyResult {
        let c = one(cx, chr, "name", " 1")?;
        let known = database(this).is_assigned(c) && Database::Current.is_assigned(c);
        let name = match char::from_u32(c).filter(|_| known).and_then(retic_unicode::name_of) {
            Some(n) => Some(cx.str(&n)?),
            None => None,
        };
        or_default(cx, name, default, "no such name")
    }
    /// Look up character by name.
    #[py("lookup($self, name, /)")]
    fn lookup(cx: &mut Cx, this: &Ref<Ucd>, name: String) -> PyResult {
        let found = retic_unicode::lookup_name(&name).filter(|c| database(this).is_assigned(u32::from(*c)));
        match found {
            Some(c) => cx.str_points(&[u32::from(c)]),
            None => {
                let text = cx.str(&format!("undefined character name '{name}'"))?;
                Err(cx.key_error(&text))
            }
        }
    }
    /// Version of the database.
    #[member("unidata_version")]
    fn unidata_version_get(cx: &mut Cx, this: &Ref<Ucd>) -> PyResult {
        cx.str(database(this).version())
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    let doc = "This module provides access to the Unicode Character Database which defines character properties for all Unicode characters.";
    let m = module::of_functions(cx, "unicodedata", doc, &[])?;
    let spec = Spec { flags: flags::NO_NEW, slots: Slots::EMPTY, methods: Ucd::METHODS, getset: Ucd::GETSET, ..Spec::new::<Ucd>("unicodedata.UCD") };
    let ty = m.add_type(cx, &spec)?;
    let current = memory::new(cx, &ty, |head| Ucd { head, old: Cell::new(false) })?.into_obj();
    let old = memory::new(cx, &ty, |head| Ucd { head, old: Cell::new(true) })?.into_obj();
    m.set(cx, "ucd_3_2_0", old)?;
    let version = cx.str(Database::Current.version())?;
    m.set(cx, "unidata_version", version)?;
    // The module's functions are the methods of the current version.
    let name = cx.str("unicodedata")?;
    for def in Ucd::METHODS {
        let f = function::builtin(cx, def, Some(current.clone()), Some(name.clone()))?;
        m.set(cx, def.name, f)?;
    }
    Ok(m.into_obj())
}
