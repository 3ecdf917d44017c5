//! Locales of the C library, without touching the process's own: each `System` has its own choice, and a thread looks at it
//! only for the length of a call. Where messages are looked for (`textdomain`, `bindtextdomain`) is the process's: C knows no other.

use retic_runtime::host::locales::{Conventions, Locales, category, item};
use std::cmp::Ordering;
use std::ffi::{CStr, CString, c_char, c_int};
use std::io::{Error, Result};

/// glibc's categories by number; [`category::ALL`] is none of them.
const NAMES: [&str; category::END as usize] = [
    "LC_CTYPE",
    "LC_NUMERIC",
    "LC_TIME",
    "LC_COLLATE",
    "LC_MONETARY",
    "LC_MESSAGES",
    "LC_ALL",
    "LC_PAPER",
    "LC_NAME",
    "LC_ADDRESS",
    "LC_TELEPHONE",
    "LC_MEASUREMENT",
    "LC_IDENTIFICATION",
];

fn each() -> impl Iterator<Item = usize> {
    (0..NAMES.len()).filter(|c| *c as i32 != category::ALL)
}

unsafe extern "C" {
    fn wcscoll_l(a: *const libc::wchar_t, b: *const libc::wchar_t, locale: libc::locale_t) -> c_int;
    fn wcsxfrm_l(out: *mut libc::wchar_t, text: *const libc::wchar_t, n: usize, locale: libc::locale_t) -> usize;
    fn dcgettext(domain: *const c_char, message: *const c_char, category: c_int) -> *mut c_char;
    fn textdomain(domain: *const c_char) -> *mut c_char;
    fn bindtextdomain(domain: *const c_char, folder: *const c_char) -> *mut c_char;
    fn bind_textdomain_codeset(domain: *const c_char, encoding: *const c_char) -> *mut c_char;
}

/// A choice of locales. It goes back to the C library with its owner.
struct Made(libc::locale_t);

impl Drop for Made {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: made by `newlocale`, and no thread looks at it between calls.
            unsafe { libc::freelocale(self.0) };
        }
    }
}

impl Made {
    /// `None`: one of the names is no locale's.
    fn new(names: &[Vec<u8>]) -> Option<Made> {
        let mut made = Made(std::ptr::null_mut());
        for c in each() {
            let name = CString::new(names[c].clone()).ok()?;
            // SAFETY: the name ends in zero; a base that was made before is taken over, or left as it is where this fails.
            let next = unsafe { libc::newlocale(1 << c, name.as_ptr(), made.0) };
            if next.is_null() {
                return None;
            }
            made.0 = next;
        }
        Some(made)
    }
    /// Runs something while the thread looks at this choice.
    fn within<T>(&self, act: impl FnOnce() -> T) -> T {
        // SAFETY: the choice lives while it is borrowed; what was there before comes back.
        let before = unsafe { libc::uselocale(self.0) };
        let out = act();
        // SAFETY: as above.
        unsafe { libc::uselocale(before) };
        out
    }
}

/// The locales chosen so far, by category.
pub struct Chosen {
    names: Vec<Vec<u8>>,
    made: Made,
}

/// What the environment says of a category.
fn from_environment(c: usize) -> Vec<u8> {
    use std::os::unix::ffi::OsStringExt;
    let set = |name: &str| std::env::var_os(name).map(OsStringExt::into_vec).filter(|v| !v.is_empty());
    set("LC_ALL").or_else(|| set(NAMES[c])).or_else(|| set("LANG")).unwrap_or_else(|| b"C".to_vec())
}

/// The locale of texts where nobody chose one: what the environment says, and UTF-8 where it says nothing (PEP 538).
fn texts_from_environment() -> Vec<u8> {
    let said = from_environment(category::CTYPE as usize);
    let plainly = matches!(&said[..], b"C" | b"POSIX") && std::env::var_os("LC_ALL").is_none_or(|v| v.is_empty());
    if plainly { b"C.UTF-8".to_vec() } else { said }
}

impl Default for Chosen {
    /// C everywhere, but for texts.
    fn default() -> Chosen {
        let plain = vec![b"C".to_vec(); NAMES.len()];
        for ctype in [texts_from_environment(), b"C.UTF-8".to_vec()] {
            let mut names = plain.clone();
            names[category::CTYPE as usize] = if ctype == b"POSIX" { b"C".to_vec() } else { ctype };
            if let Some(made) = Made::new(&names) {
                return Chosen { names, made };
            }
        }
        let made = Made::new(&plain).unwrap_or(Made(std::ptr::null_mut()));
        Chosen { names: plain, made }
    }
}

/// # Safety
/// `p` is null or points to bytes that end in zero.
unsafe fn bytes(p: *const c_char) -> Vec<u8> {
    // SAFETY: by the contract above.
    if p.is_null() { Vec::new() } else { unsafe { CStr::from_ptr(p) }.to_bytes().to_vec() }
}

fn wide(text: &[u32]) -> Vec<libc::wchar_t> {
    text.iter().map(|c| *c as libc::wchar_t).chain([0]).collect()
}

fn c_string(bytes: &[u8]) -> Result<CString> {
    Ok(CString::new(bytes)?)
}

/// An optional text for C, and its pointer.
fn optional(bytes: Option<&[u8]>) -> Result<(Option<CString>, *const c_char)> {
    let text = bytes.map(c_string).transpose()?;
    let pointer = text.as_ref().map_or(std::ptr::null(), |t| t.as_ptr());
    Ok((text, pointer))
}

impl Chosen {
    /// The name of all categories together, as `setlocale` has it.
    fn all(&self) -> Vec<u8> {
        if each().all(|c| self.names[c] == self.names[0]) {
            return self.names[0].clone();
        }
        let parts: Vec<Vec<u8>> = each().map(|c| [NAMES[c].as_bytes(), b"=", &self.names[c]].concat()).collect();
        parts.join(&b';')
    }
    /// The names that a text stands for: one for all, or a list by category.
    fn parse_all(text: &[u8]) -> Option<Vec<Vec<u8>>> {
        if text.is_empty() {
            return Some((0..NAMES.len()).map(from_environment).collect());
        }
        if !text.contains(&b';') {
            return Some(vec![text.to_vec(); NAMES.len()]);
        }
        let mut names = vec![Vec::new(); NAMES.len()];
        for part in text.split(|c| *c == b';') {
            let at = part.iter().position(|c| *c == b'=')?;
            let c = NAMES.iter().position(|n| n.as_bytes() == &part[..at])?;
            names[c] = part[at + 1..].to_vec();
        }
        // A list leaves nothing out.
        each().all(|c| !names[c].is_empty()).then_some(names)
    }
    fn set(&mut self, of: i32, name: &[u8]) -> Option<()> {
        let mut names = if of == category::ALL {
            Chosen::parse_all(name)?
        } else {
            let mut names = self.names.clone();
            names[of as usize] = if name.is_empty() { from_environment(of as usize) } else { name.to_vec() };
            names
        };
        for n in &mut names {
            if n == b"POSIX" {
                *n = b"C".to_vec();
            }
        }
        self.made = Made::new(&names)?;
        self.names = names;
        Some(())
    }
    fn text(&self, item: i32) -> Vec<u8> {
        // SAFETY: the choice is live; the text is the C library's until the choice goes.
        if self.made.0.is_null() { Vec::new() } else { unsafe { bytes(libc::nl_langinfo_l(item, self.made.0)) } }
    }
}

impl Locales for super::System {
    fn set_locale(&mut self, of: i32, name: Option<&[u8]>) -> Option<Vec<u8>> {
        if !(0..category::END).contains(&of) {
            return None;
        }
        let chosen = self.locales.get_or_insert_with(Chosen::default);
        if let Some(name) = name {
            chosen.set(of, name)?;
        }
        Some(if of == category::ALL { chosen.all() } else { chosen.names[of as usize].clone() })
    }
    fn is_foreign(&self, of: i32) -> bool {
        self.locales.as_ref().is_some_and(|l| l.names.get(of as usize).is_some_and(|n| n != b"C"))
    }
    fn conventions(&self) -> Conventions {
        let Some(chosen) = self.locales.as_ref().filter(|l| !l.made.0.is_null()) else { return Conventions::default() };
        // SAFETY: the table and its texts are the C library's until the thread looks at another choice or asks again.
        chosen.made.within(|| unsafe {
            let l = &*libc::localeconv();
            let number = |n: c_char| n as u8;
            Conventions {
                decimal_point: bytes(l.decimal_point),
                thousands_sep: bytes(l.thousands_sep),
                grouping: bytes(l.grouping),
                money: [l.int_curr_symbol, l.currency_symbol, l.mon_decimal_point, l.mon_thousands_sep, l.positive_sign, l.negative_sign].map(|t| bytes(t)),
                mon_grouping: bytes(l.mon_grouping),
                numbers: [l.int_frac_digits, l.frac_digits, l.p_cs_precedes, l.p_sep_by_space, l.n_cs_precedes, l.n_sep_by_space, l.p_sign_posn, l.n_sign_posn].map(number),
            }
        })
    }
    fn locale_text(&self, item: i32) -> Vec<u8> {
        match &self.locales {
            Some(chosen) => chosen.text(item),
            None => Chosen::default().text(item),
        }
    }
    fn locale_encoding(&self, of: i32) -> String {
        let encoding_of = |chosen: &Chosen| {
            let name = chosen.names.get(of as usize)?;
            let made = Made::new(&vec![name.clone(); NAMES.len()])?;
            // SAFETY: as in `Chosen::text`.
            Some(String::from_utf8_lossy(&unsafe { bytes(libc::nl_langinfo_l(item::CODESET, made.0)) }).into_owned())
        };
        let text = match &self.locales {
            Some(chosen) => encoding_of(chosen),
            // Whether the system knows it or not: what stands in for it is UTF-8, too.
            None if texts_from_environment().to_ascii_lowercase().ends_with(b".utf-8") => None,
            None => encoding_of(&Chosen::default()),
        };
        text.filter(|t| !t.is_empty()).unwrap_or_else(|| "UTF-8".to_string())
    }
    fn collate(&self, a: &[u32], b: &[u32]) -> Ordering {
        let Some(chosen) = self.locales.as_ref().filter(|l| !l.made.0.is_null()) else { return a.cmp(b) };
        let (a, b) = (wide(a), wide(b));
        // SAFETY: both end in zero; the choice is live.
        unsafe { wcscoll_l(a.as_ptr(), b.as_ptr(), chosen.made.0) }.cmp(&0)
    }
    fn collation_key(&self, text: &[u32]) -> Option<Vec<u32>> {
        let Some(chosen) = self.locales.as_ref().filter(|l| !l.made.0.is_null()) else { return Some(text.to_vec()) };
        let text = wide(text);
        let mut out: Vec<libc::wchar_t> = vec![0; text.len() + 1];
        loop {
            // SAFETY: the text ends in zero, `out` has room for so many; the choice is live.
            let n = unsafe { wcsxfrm_l(out.as_mut_ptr(), text.as_ptr(), out.len(), chosen.made.0) };
            if n < out.len() {
                out.truncate(n);
                // glibc's keys go beyond what text can have; in the same order they fit.
                return Some(out.into_iter().map(|c| c as u32).collect());
            }
            if n >= isize::MAX as usize / 8 {
                return None;
            }
            out.resize(n + 1, 0);
        }
    }
    fn translation(&self, domain: Option<&[u8]>, message: &[u8], of: Option<i32>) -> Vec<u8> {
        let (Ok((_kept, domain)), Ok(text)) = (optional(domain), c_string(message)) else { return message.to_vec() };
        // The C library does not ask whether there is such a category.
        let of = of.unwrap_or(category::MESSAGES);
        if !(0..category::END).contains(&of) {
            return message.to_vec();
        }
        let ask = || {
            // SAFETY: the texts end in zero or are null; the answer is the message or the catalogue's.
            unsafe { bytes(dcgettext(domain, text.as_ptr(), of)) }
        };
        match self.locales.as_ref().filter(|l| !l.made.0.is_null()) {
            Some(chosen) => chosen.made.within(ask),
            None => ask(),
        }
    }
    fn text_domain(&mut self, set: Option<&[u8]>) -> Result<Vec<u8>> {
        let (_kept, domain) = optional(set)?;
        // SAFETY: null or a text that ends in zero.
        let answer = unsafe { textdomain(domain) };
        // SAFETY: null or the C library's text.
        if answer.is_null() { Err(Error::last_os_error()) } else { Ok(unsafe { bytes(answer) }) }
    }
    fn bind_text_domain(&mut self, domain: &[u8], set: Option<&[u8]>) -> Result<Option<Vec<u8>>> {
        let (domain, (_kept, folder)) = (c_string(domain)?, optional(set)?);
        // SAFETY: texts that end in zero, the second may be null.
        let answer = unsafe { bindtextdomain(domain.as_ptr(), folder) };
        if answer.is_null() && set.is_some() {
            return Err(Error::last_os_error());
        }
        // SAFETY: null or the C library's text.
        Ok((!answer.is_null()).then(|| unsafe { bytes(answer) }))
    }
    fn bind_text_encoding(&mut self, domain: &[u8], set: Option<&[u8]>) -> Result<Option<Vec<u8>>> {
        let (domain, (_kept, encoding)) = (c_string(domain)?, optional(set)?);
        // SAFETY: as above.
        let answer = unsafe { bind_textdomain_codeset(domain.as_ptr(), encoding) };
        // SAFETY: as above.
        Ok((!answer.is_null()).then(|| unsafe { bytes(answer) }))
    }
}
