//! `_locale`: what `locale` stands on.

use crate::params::c_int;
use retic_runtime::host::locales::{UNSAID, category, item};
use retic_runtime::protocol::locales::{self, text};
use retic_runtime::types::{Dict, Str, exception, module};
use retic_runtime::{Cx, Obj, PyResult, Raised, Ref, codecs};

/// Categories of Linux by name.
const CATEGORIES: [(&str, i32); 7] = [
    ("LC_CTYPE", category::CTYPE),
    ("LC_TIME", category::TIME),
    ("LC_COLLATE", category::COLLATE),
    ("LC_MONETARY", category::MONETARY),
    ("LC_MESSAGES", category::MESSAGES),
    ("LC_NUMERIC", category::NUMERIC),
    ("LC_ALL", category::ALL),
];
/// What `nl_langinfo` may be asked, besides the names of days and months.
const ITEMS: [(&str, i32); 18] = [
    ("RADIXCHAR", item::RADIX),
    ("THOUSEP", item::THOUSANDS),
    ("CRNCYSTR", item::CURRENCY),
    ("D_FMT", item::DATE),
    ("D_T_FMT", item::DATE_AND_TIME),
    ("T_FMT", item::TIME),
    ("AM_STR", item::AM),
    ("PM_STR", item::PM),
    ("CODESET", item::CODESET),
    ("T_FMT_AMPM", item::TWELVE_HOURS),
    ("ERA", item::ERA),
    ("ERA_D_FMT", item::ERA_DATE),
    ("ERA_D_T_FMT", item::ERA_DATE_AND_TIME),
    ("ERA_T_FMT", item::ERA_TIME),
    ("ALT_DIGITS", item::DIGITS),
    ("YESEXPR", item::YES),
    ("NOEXPR", item::NO),
    ("_DATE_FMT", item::DATE_COMMAND),
];
const DAYS: [&str; 7] = ["DAY_1", "DAY_2", "DAY_3", "DAY_4", "DAY_5", "DAY_6", "DAY_7"];
const SHORT_DAYS: [&str; 7] = ["ABDAY_1", "ABDAY_2", "ABDAY_3", "ABDAY_4", "ABDAY_5", "ABDAY_6", "ABDAY_7"];
const MONTHS: [&str; 12] = ["MON_1", "MON_2", "MON_3", "MON_4", "MON_5", "MON_6", "MON_7", "MON_8", "MON_9", "MON_10", "MON_11", "MON_12"];
const SHORT_MONTHS: [&str; 12] = ["ABMON_1", "ABMON_2", "ABMON_3", "ABMON_4", "ABMON_5", "ABMON_6", "ABMON_7", "ABMON_8", "ABMON_9", "ABMON_10", "ABMON_11", "ABMON_12"];

fn items() -> impl Iterator<Item = (&'static str, i32)> {
    let row = |names: &'static [&'static str], first: i32| names.iter().copied().zip(first..);
    ITEMS.into_iter().chain(row(&DAYS, item::DAY)).chain(row(&SHORT_DAYS, item::SHORT_DAY)).chain(row(&MONTHS, item::MONTH)).chain(row(&SHORT_MONTHS, item::SHORT_MONTH))
}

/// The category that an item's text belongs to: the number's upper half.
fn category_of(item: i32) -> i32 {
    item >> 16
}

/// A text of the language of dates where the user chose another locale than C for them.
pub fn date_text(cx: &mut Cx, item: i32) -> Option<String> {
    if !cx.host.is_foreign(category::TIME) {
        return None;
    }
    let bytes = cx.host.locale_text(item);
    Some(locales::plain_text(cx, &bytes, category::TIME))
}

fn error(cx: &Cx, sentence: &str) -> Raised {
    let class = cx.native_type("locale.Error");
    cx.error_of(&class, sentence)
}

/// A text for C.
fn c_bytes(cx: &mut Cx, s: &Ref<Str>) -> PyResult<Vec<u8>> {
    let bytes = codecs::encode(cx, s, "utf-8", "strict")?;
    if bytes.contains(&0) { Err(cx.value_error("embedded null character")) } else { Ok(bytes) }
}
fn optional(cx: &mut Cx, function: &str, number: usize, o: &Obj) -> PyResult<Option<Vec<u8>>> {
    match o.cast::<Str>() {
        _ if o.is_none() => Ok(None),
        Some(s) => c_bytes(cx, s).map(Some),
        None => {
            let place = if number == 0 { String::new() } else { format!(" {number}") };
            Err(cx.type_error(format!("{function}() argument{place} must be str or None, not {}", o.ty().name_text())))
        }
    }
}
fn wide(cx: &Cx, s: &Str) -> PyResult<Vec<u32>> {
    let points = s.code_points();
    if points.contains(&0) { Err(cx.value_error("embedded null character")) } else { Ok(points) }
}
/// The sizes of groups as a list, with what ends them.
fn groups(cx: &mut Cx, sizes: &[u8]) -> PyResult {
    let shown = sizes.iter().position(|s| *s == UNSAID).map_or(sizes.len(), |i| i + 1);
    let mut list: Vec<i64> = sizes[..shown].iter().map(|s| i64::from(*s)).collect();
    if !sizes.is_empty() && shown == sizes.len() && sizes.last() != Some(&UNSAID) {
        list.push(0);
    }
    let list = list.into_iter().map(|s| cx.int(s)).collect::<PyResult<Vec<_>>>()?;
    cx.list(list)
}
fn refused(cx: &mut Cx, e: &std::io::Error) -> Raised {
    exception::raise_os(cx, e, None, None)
}

#[retic_macros::methods]
mod functions {
    //! How people of a place write numbers and dates, sort, and say things: POSIX's locales.
    use super::*;

    /// Chooses the locale of a category ('': what the environment says), or with None tells which is chosen.
    #[py("setlocale(category, locale=None, /)", "(category, locale=<unrepresentable>, /)")]
    pub fn setlocale(cx: &mut Cx, category: &Obj, locale: Option<&Obj>) -> PyResult {
        let category = c_int(cx, category)? as i32;
        let name = match locale {
            Some(o) => optional(cx, "setlocale", 2, o)?,
            None => None,
        };
        match cx.host.set_locale(category, name.as_deref()) {
            Some(name) => text(cx, &name, category::CTYPE),
            None => Err(error(cx, if name.is_some() { "unsupported locale setting" } else { "locale query failed" })),
        }
    }
    /// How numbers and sums of money are written: a dict by the names of C's struct lconv.
    #[py("localeconv()")]
    pub fn localeconv(cx: &mut Cx) -> PyResult {
        const MONEY: [&str; 6] = ["int_curr_symbol", "currency_symbol", "mon_decimal_point", "mon_thousands_sep", "positive_sign", "negative_sign"];
        const NUMBERS: [&str; 8] = ["int_frac_digits", "frac_digits", "p_cs_precedes", "p_sep_by_space", "n_cs_precedes", "n_sep_by_space", "p_sign_posn", "n_sign_posn"];
        let c = cx.host.conventions();
        let out = Dict::new(cx)?;
        for (i, name) in MONEY.into_iter().enumerate() {
            let value = text(cx, &c.money[i], category::MONETARY)?;
            out.set_str(cx, name, value)?;
            // The grouping of money stands between its texts.
            if i == 3 {
                let value = groups(cx, &c.mon_grouping)?;
                out.set_str(cx, "mon_grouping", value)?;
            }
        }
        for (i, name) in NUMBERS.into_iter().enumerate() {
            let value = cx.int(i64::from(c.numbers[i]))?;
            out.set_str(cx, name, value)?;
        }
        for (name, bytes) in [("decimal_point", &c.decimal_point), ("thousands_sep", &c.thousands_sep)] {
            let value = text(cx, bytes, category::NUMERIC)?;
            out.set_str(cx, name, value)?;
        }
        let value = groups(cx, &c.grouping)?;
        out.set_str(cx, "grouping", value)?;
        Ok(out.into_obj())
    }
    /// Which of two texts comes first where the user is: negative, zero or positive.
    #[py("strcoll(os1, os2, /)")]
    pub fn strcoll(cx: &mut Cx, os1: &Ref<Str>, os2: &Ref<Str>) -> PyResult {
        let (a, b) = (wide(cx, os1)?, wide(cx, os2)?);
        let order = cx.host.collate(&a, &b);
        cx.int(order as i64)
    }
    /// A text that compares with others of its kind as the texts they were made from do by strcoll().
    #[py("strxfrm(string, /)")]
    pub fn strxfrm(cx: &mut Cx, string: &Ref<Str>) -> PyResult {
        let points = wide(cx, string)?;
        let key = cx.host.collation_key(&points).ok_or_else(|| cx.memory_error())?;
        if key.iter().any(|c| *c > 0x10_ffff) {
            return Err(cx.value_error("character U+110000 is not in range [U+0000; U+10ffff]"));
        }
        Str::from_points(cx, &key).map(Ref::into_obj)
    }
    /// A text of <langinfo.h> where the user is, by one of the numbers of this module.
    #[py("nl_langinfo(key, /)")]
    pub fn nl_langinfo(cx: &mut Cx, key: &Obj) -> PyResult {
        let key = c_int(cx, key)? as i32;
        if !items().any(|(_, i)| i == key) {
            return Err(cx.value_error("unsupported langinfo constant"));
        }
        let bytes = cx.host.locale_text(key);
        text(cx, &bytes, category_of(key))
    }
    /// The encoding of texts outside of the program.
    #[py("getencoding()")]
    pub fn getencoding(cx: &mut Cx) -> PyResult {
        let name = cx.host.locale_encoding(category::CTYPE);
        cx.str(&name)
    }
    /// A message in the user's language.
    #[py("gettext(msg, /)")]
    pub fn gettext(cx: &mut Cx, msg: &Ref<Str>) -> PyResult {
        let message = c_bytes(cx, msg)?;
        let out = cx.host.translation(None, &message, None);
        text(cx, &out, category::CTYPE)
    }
    /// A message in the user's language, from the catalogue of a domain.
    #[py("dgettext(domain, msg, /)")]
    pub fn dgettext(cx: &mut Cx, domain: &Obj, msg: &Ref<Str>) -> PyResult {
        let (domain, message) = (optional(cx, "dgettext", 1, domain)?, c_bytes(cx, msg)?);
        let out = cx.host.translation(domain.as_deref(), &message, None);
        text(cx, &out, category::CTYPE)
    }
    /// A message in the language of a category, from the catalogue of a domain.
    #[py("dcgettext(domain, msg, category, /)")]
    pub fn dcgettext(cx: &mut Cx, domain: &Obj, msg: &Ref<Str>, category: &Obj) -> PyResult {
        let (domain, message) = (optional(cx, "dcgettext", 1, domain)?, c_bytes(cx, msg)?);
        let of = c_int(cx, category)? as i32;
        let out = cx.host.translation(domain.as_deref(), &message, Some(of));
        text(cx, &out, category::CTYPE)
    }
    /// Sets which domain's catalogue gettext() reads; None only tells.
    #[py("textdomain(domain, /)")]
    pub fn textdomain(cx: &mut Cx, domain: &Obj) -> PyResult {
        let domain = optional(cx, "textdomain", 0, domain)?;
        let name = cx.host.text_domain(domain.as_deref()).map_err(|e| refused(cx, &e))?;
        text(cx, &name, category::CTYPE)
    }
    /// Sets the folder of a domain's catalogues; None only tells.
    #[py("bindtextdomain(domain, dir, /)")]
    pub fn bindtextdomain(cx: &mut Cx, domain: &Ref<Str>, dir: &Obj) -> PyResult {
        let domain = c_bytes(cx, domain)?;
        if domain.is_empty() {
            return Err(error(cx, "domain must be a non-empty string"));
        }
        let folder = match dir.is_none() {
            true => None,
            false => Some(crate::posix::path::of(cx, dir, "bindtextdomain", false)?.bytes),
        };
        match cx.host.bind_text_domain(&domain, folder.as_deref()).map_err(|e| refused(cx, &e))? {
            Some(folder) => text(cx, &folder, category::CTYPE),
            None => Ok(cx.none()),
        }
    }
    /// Sets the encoding of a domain's messages; None only tells.
    #[py("bind_textdomain_codeset(domain, codeset, /)")]
    pub fn bind_textdomain_codeset(cx: &mut Cx, domain: &Ref<Str>, codeset: &Obj) -> PyResult {
        let (domain, encoding) = (c_bytes(cx, domain)?, optional(cx, "bind_textdomain_codeset", 2, codeset)?);
        match cx.host.bind_text_encoding(&domain, encoding.as_deref()).map_err(|e| refused(cx, &e))? {
            Some(encoding) => text(cx, &encoding, category::CTYPE),
            None => Ok(cx.none()),
        }
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "_locale", functions::DOC, functions::FUNCTIONS)?;
    for (name, value) in CATEGORIES.into_iter().chain(items()) {
        m.set_int(cx, name, i64::from(value))?;
    }
    m.set_int(cx, "CHAR_MAX", i64::from(UNSAID))?;
    let base = cx.types.exception.as_obj().clone();
    m.add_exception(cx, "locale.Error", &base)?;
    Ok(m.into_obj())
}
