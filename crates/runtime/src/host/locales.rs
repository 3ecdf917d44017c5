//! How people of a place write numbers and dates, sort and say: the locales that a host knows.

use std::cmp::Ordering;

/// A category of Linux's `<locale.h>`, by number.
pub mod category {
    pub const CTYPE: i32 = 0;
    pub const NUMERIC: i32 = 1;
    pub const TIME: i32 = 2;
    pub const COLLATE: i32 = 3;
    pub const MONETARY: i32 = 4;
    pub const MESSAGES: i32 = 5;
    pub const ALL: i32 = 6;
    /// One beyond the last.
    pub const END: i32 = 13;
}

/// An item of Linux's `<langinfo.h>`, by number; those of a row follow one another.
pub mod item {
    pub const CODESET: i32 = 14;
    pub const RADIX: i32 = 0x1_0000;
    pub const THOUSANDS: i32 = 0x1_0001;
    /// Seven short names of days from Sunday; then seven long ones, twelve short names of months, twelve long ones.
    pub const SHORT_DAY: i32 = 0x2_0000;
    pub const DAY: i32 = 0x2_0007;
    pub const SHORT_MONTH: i32 = 0x2_000e;
    pub const MONTH: i32 = 0x2_001a;
    pub const AM: i32 = 0x2_0026;
    pub const PM: i32 = 0x2_0027;
    pub const DATE_AND_TIME: i32 = 0x2_0028;
    pub const DATE: i32 = 0x2_0029;
    pub const TIME: i32 = 0x2_002a;
    pub const TWELVE_HOURS: i32 = 0x2_002b;
    pub const ERA: i32 = 0x2_002c;
    pub const ERA_DATE: i32 = 0x2_002e;
    pub const DIGITS: i32 = 0x2_002f;
    pub const ERA_DATE_AND_TIME: i32 = 0x2_0030;
    pub const ERA_TIME: i32 = 0x2_0031;
    pub const DATE_COMMAND: i32 = 0x2_006c;
    pub const CURRENCY: i32 = 0x4_000f;
    pub const YES: i32 = 0x5_0000;
    pub const NO: i32 = 0x5_0001;
}

/// What is not said of a place's numbers.
pub const UNSAID: u8 = 127;

/// How numbers and sums of money are written (C's `struct lconv`). Texts are bytes of the categories' encoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conventions {
    pub decimal_point: Vec<u8>,
    pub thousands_sep: Vec<u8>,
    /// Sizes of groups of digits from the right: the last goes on, [`UNSAID`] ends them.
    pub grouping: Vec<u8>,
    /// The currency internationally and here, its point, its separator, the sign of a gain and of a loss.
    pub money: [Vec<u8>; 6],
    pub mon_grouping: Vec<u8>,
    /// `int_frac_digits`, `frac_digits`, `p_cs_precedes`, `p_sep_by_space`, `n_cs_precedes`, `n_sep_by_space`, `p_sign_posn`, `n_sign_posn`.
    pub numbers: [u8; 8],
}

impl Default for Conventions {
    /// Those of the locale C.
    fn default() -> Conventions {
        Conventions {
            decimal_point: b".".to_vec(),
            thousands_sep: Vec::new(),
            grouping: Vec::new(),
            money: [const { Vec::new() }; 6],
            mon_grouping: Vec::new(),
            numbers: [UNSAID; 8],
        }
    }
}

/// An item as the locale C has it.
pub fn c_text(wanted: i32) -> &'static str {
    const DAYS: [&str; 14] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
    const MONTHS: [&str; 24] = [
        "Jan",
        "Feb",
        "Mar",
        "Apr",
        "May",
        "Jun",
        "Jul",
        "Aug",
        "Sep",
        "Oct",
        "Nov",
        "Dec",
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    match wanted {
        item::CODESET => "UTF-8",
        item::RADIX => ".",
        item::SHORT_DAY..item::SHORT_MONTH => DAYS[(wanted - item::SHORT_DAY) as usize],
        item::SHORT_MONTH..item::AM => MONTHS[(wanted - item::SHORT_MONTH) as usize],
        item::AM => "AM",
        item::PM => "PM",
        item::DATE_AND_TIME => "%a %b %e %H:%M:%S %Y",
        item::DATE => "%m/%d/%y",
        item::TIME => "%H:%M:%S",
        item::TWELVE_HOURS => "%I:%M:%S %p",
        item::DATE_COMMAND => "%a %b %e %H:%M:%S %Z %Y",
        item::CURRENCY => "-",
        item::YES => "^[yY]",
        item::NO => "^[nN]",
        _ => "",
    }
}

/// The locales a host knows; by default that named C alone, which is every category's.
#[allow(unused_variables, reason = "the names of the parameters say what they are")]
pub trait Locales {
    /// Chooses a locale by its name (empty: what the environment says), or only asks (`None`). The name of what is chosen now;
    /// `None`: there is no such category or locale.
    fn set_locale(&mut self, of: i32, name: Option<&[u8]>) -> Option<Vec<u8>> {
        let known = name.is_none_or(|n| matches!(n, b"" | b"C" | b"POSIX"));
        ((0..category::END).contains(&of) && known).then(|| b"C".to_vec())
    }
    /// Whether the category's locale may be another than C.
    fn is_foreign(&self, of: i32) -> bool {
        false
    }
    fn conventions(&self) -> Conventions {
        Conventions::default()
    }
    /// A text of `<langinfo.h>`.
    fn locale_text(&self, item: i32) -> Vec<u8> {
        c_text(item).as_bytes().to_vec()
    }
    /// The encoding of the texts of a category.
    fn locale_encoding(&self, of: i32) -> String {
        "UTF-8".to_string()
    }
    /// The order of two texts without zeros.
    fn collate(&self, a: &[u32], b: &[u32]) -> Ordering {
        a.cmp(b)
    }
    /// Numbers that are ordered as their texts are by `collate`; `None`: it cannot be said.
    fn collation_key(&self, text: &[u32]) -> Option<Vec<u32>> {
        Some(text.to_vec())
    }
    /// A message in the language of the place, by a catalogue's name (`None`: the usual one) and a category (`None`: that of messages).
    fn translation(&self, domain: Option<&[u8]>, message: &[u8], of: Option<i32>) -> Vec<u8> {
        message.to_vec()
    }
    /// The usual catalogue's name; `set`: from now on this.
    fn text_domain(&mut self, set: Option<&[u8]>) -> std::io::Result<Vec<u8>> {
        Ok(set.filter(|s| !s.is_empty()).unwrap_or(b"messages").to_vec())
    }
    /// The folder of a catalogue; `set`: from now on this.
    fn bind_text_domain(&mut self, domain: &[u8], set: Option<&[u8]>) -> std::io::Result<Option<Vec<u8>>> {
        super::refused()
    }
    /// The encoding that messages of a catalogue come in; `set`: from now on this.
    fn bind_text_encoding(&mut self, domain: &[u8], set: Option<&[u8]>) -> std::io::Result<Option<Vec<u8>>> {
        super::refused()
    }
}
