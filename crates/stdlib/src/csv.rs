//! `_csv`: rows of delimited text (PEP 305).

use retic_runtime::object::Guarded;
use retic_runtime::types::complex::Complex;
use retic_runtime::types::type_::flags;
use retic_runtime::types::{Dict, Slots, Spec, Str, Type, int, module};
use retic_runtime::{Args, Cx, Obj, PyResult, Raised, Ref, layout, memory, protocol};
use std::cell::Cell;

const QUOTE_MINIMAL: i64 = 0;
const QUOTE_ALL: i64 = 1;
const QUOTE_NONNUMERIC: i64 = 2;
const QUOTE_NONE: i64 = 3;
const QUOTE_STRINGS: i64 = 4;
const QUOTE_NOTNULL: i64 = 5;

layout! {
    /// How rows are written. A character that is not set is `u32::MAX`.
    pub struct Dialect = 287, "_csv.Dialect" {
        delimiter: Cell<u32>,
        quotechar: Cell<u32>,
        escapechar: Cell<u32>,
        doublequote: Cell<bool>,
        skipinitialspace: Cell<bool>,
        strict: Cell<bool>,
        quoting: Cell<i64>,
        lineterminator: Guarded<Obj>,
    }
}
layout! {
    /// Rows of an iterable of lines.
    pub struct Reader = 288, "_csv.reader" { lines: Guarded<Obj>, dialect: Guarded<Ref<Dialect>>, count: Cell<i64>, }
}
layout! {
    /// Rows to a function that writes text.
    pub struct Writer = 289, "_csv.writer" { write: Guarded<Obj>, dialect: Guarded<Ref<Dialect>>, }
}

const UNSET: u32 = u32::MAX;

fn error(cx: &Cx, text: impl AsRef<str>) -> Raised {
    let class = cx.native_type("_csv.Error");
    cx.error_of(&class, text)
}

/// A character option: one character, or None where that is allowed.
fn character(cx: &mut Cx, o: &Obj, name: &str, optional: bool) -> PyResult<u32> {
    if o.is_none() && optional {
        return Ok(UNSET);
    }
    let kind = if optional { "a unicode character or None" } else { "a unicode character" };
    let Some(s) = o.cast::<Str>() else {
        return Err(cx.type_error(format!("\"{name}\" must be {kind}, not {}", o.ty().name_text())));
    };
    match &s.code_points()[..] {
        [c] => Ok(*c),
        other => Err(cx.type_error(format!("\"{name}\" must be {kind}, not a string of length {}", other.len()))),
    }
}

/// A dialect registered by name.
fn registered(cx: &mut Cx, name: &Obj) -> PyResult {
    let d = registry(cx)?;
    match d.get(cx, name)? {
        Some(v) => Ok(v),
        None => Err(error(cx, "unknown dialect")),
    }
}
fn registry(cx: &mut Cx) -> PyResult<Ref<Dict>> {
    let m = retic_runtime::modules::import(cx, "_csv")?;
    let name = cx.name("_dialects");
    let d = protocol::getattr(cx, &m, &name)?;
    d.cast::<Dict>().cloned().ok_or_else(|| cx.type_error("_csv._dialects is not a dict"))
}

/// A dialect from an object with attributes, overridden by keywords.
fn dialect(cx: &mut Cx, ty: &Ref<Type>, base: Option<Obj>, keywords: &[(Obj, Obj)]) -> PyResult<Ref<Dialect>> {
    let base = match base.filter(|b| !b.is_none()) {
        Some(b) if b.cast::<Str>().is_some() => Some(registered(cx, &b)?),
        b => b,
    };
    const NAMES: [&str; 8] = ["delimiter", "doublequote", "escapechar", "lineterminator", "quotechar", "quoting", "skipinitialspace", "strict"];
    for (k, _) in keywords {
        let text = k.cast::<Str>().map(|s| s.to_text(cx)).unwrap_or_default();
        if !NAMES.contains(&text.as_str()) && text != "dialect" {
            return Err(cx.type_error(format!("'{text}' is an invalid keyword argument for this function")));
        }
    }
    if let Some(d) = base.as_ref().and_then(|b| b.cast::<Dialect>()).filter(|_| keywords.is_empty()) {
        return Ok(d.clone());
    }
    let mut found: [Option<Obj>; 8] = Default::default();
    for (slot, name) in found.iter_mut().zip(NAMES) {
        *slot = keywords.iter().find(|(k, _)| k.cast::<Str>().is_some_and(|s| s.eq_str(cx, name))).map(|k| k.1.clone());
        if let (None, Some(b)) = (&slot, &base) {
            let key = cx.name(name);
            *slot = protocol::lookup_attr(cx, b, &key)?;
        }
    }
    let [delimiter, doublequote, escapechar, lineterminator, quotechar, quoting, skipinitialspace, strict] = found;
    let truth = |cx: &mut Cx, o: &Option<Obj>, default: bool| match o {
        Some(o) => protocol::truth(cx, o),
        None => Ok(default),
    };
    let (doublequote, skip, strict) = (truth(cx, &doublequote, true)?, truth(cx, &skipinitialspace, false)?, truth(cx, &strict, false)?);
    let delimiter = match &delimiter {
        Some(o) => character(cx, o, "delimiter", false)?,
        None => u32::from(','),
    };
    let escapechar = match &escapechar {
        Some(o) => character(cx, o, "escapechar", true)?,
        None => UNSET,
    };
    let quote_given = quotechar.is_some();
    let quotechar = match &quotechar {
        Some(o) => character(cx, o, "quotechar", true)?,
        None => u32::from('"'),
    };
    let lineterminator = match lineterminator {
        None => cx.str("\r\n")?,
        Some(o) if o.cast::<Str>().is_some() => o,
        Some(o) => return Err(cx.type_error(format!("\"lineterminator\" must be a string, not {}", o.ty().name_text()))),
    };
    let quoting = match &quoting {
        None if quotechar == UNSET && quote_given => QUOTE_NONE,
        None => QUOTE_MINIMAL,
        Some(o) => match o.cast::<int::Int>().and_then(|_| int::to_i64(o)) {
            Some(n) if (QUOTE_MINIMAL..=QUOTE_NOTNULL).contains(&n) => n,
            Some(_) => return Err(cx.type_error("bad \"quoting\" value")),
            None => return Err(cx.type_error(format!("\"quoting\" must be an integer, not {}", o.ty().name_text()))),
        },
    };
    if quoting != QUOTE_NONE && quotechar == UNSET {
        return Err(cx.type_error("quotechar must be set if quoting enabled"));
    }
    let terminator: Vec<u32> = lineterminator.cast::<Str>().map(|s| s.code_points()).unwrap_or_default();
    for (name, c, space_ok) in [("delimiter", delimiter, true), ("escapechar", escapechar, !skip), ("quotechar", quotechar, !skip)] {
        if c != UNSET && (c == 10 || c == 13 || (c == 32 && !space_ok) || terminator.contains(&c)) {
            return Err(cx.value_error(format!("bad {name} value")));
        }
    }
    for (a, b, x, y) in [("delimiter", "escapechar", delimiter, escapechar), ("delimiter", "quotechar", delimiter, quotechar), ("escapechar", "quotechar", escapechar, quotechar)] {
        if x != UNSET && x == y {
            return Err(cx.value_error(format!("bad {a} or {b} value")));
        }
    }
    memory::new(cx, ty, |head| Dialect {
        head,
        delimiter: Cell::new(delimiter),
        quotechar: Cell::new(quotechar),
        escapechar: Cell::new(escapechar),
        doublequote: Cell::new(doublequote),
        skipinitialspace: Cell::new(skip),
        strict: Cell::new(strict),
        quoting: Cell::new(quoting),
        lineterminator: Guarded::new(lineterminator),
    })
}

fn from_args(cx: &mut Cx, base: Option<&Obj>, keywords: &[(&Obj, &Obj)]) -> PyResult<Ref<Dialect>> {
    let all: Vec<(Obj, Obj)> = keywords.iter().map(|(k, v)| ((*k).clone(), (*v).clone())).collect();
    let named = all.iter().find(|(k, _)| k.cast::<Str>().is_some_and(|s| s.eq_str(cx, "dialect"))).map(|k| k.1.clone());
    let rest: Vec<(Obj, Obj)> = all.into_iter().filter(|(k, _)| !k.cast::<Str>().is_some_and(|s| s.eq_str(cx, "dialect"))).collect();
    let ty = cx.native_type("_csv.Dialect");
    dialect(cx, &ty, base.cloned().or(named), &rest)
}

fn shown(cx: &mut Cx, c: u32) -> PyResult {
    if c == UNSET { Ok(cx.none()) } else { cx.str_points(&[c]) }
}

#[retic_macros::methods]
impl Dialect {
    #[get("delimiter")]
    fn delimiter_get(cx: &mut Cx, this: &Ref<Dialect>) -> PyResult {
        shown(cx, this.delimiter.get())
    }
    #[get("quotechar")]
    fn quotechar_get(cx: &mut Cx, this: &Ref<Dialect>) -> PyResult {
        shown(cx, this.quotechar.get())
    }
    #[get("escapechar")]
    fn escapechar_get(cx: &mut Cx, this: &Ref<Dialect>) -> PyResult {
        shown(cx, this.escapechar.get())
    }
    #[get("lineterminator")]
    fn lineterminator_get(cx: &mut Cx, this: &Ref<Dialect>) -> Obj {
        this.lineterminator.cloned(cx)
    }
    #[get("quoting")]
    fn quoting_get(cx: &mut Cx, this: &Ref<Dialect>) -> PyResult {
        cx.int(this.quoting.get())
    }
    #[member("doublequote")]
    fn doublequote_get(cx: &mut Cx, this: &Ref<Dialect>) -> Obj {
        cx.bool(this.doublequote.get())
    }
    #[member("skipinitialspace")]
    fn skipinitialspace_get(cx: &mut Cx, this: &Ref<Dialect>) -> Obj {
        cx.bool(this.skipinitialspace.get())
    }
    #[member("strict")]
    fn strict_get(cx: &mut Cx, this: &Ref<Dialect>) -> Obj {
        cx.bool(this.strict.get())
    }
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Ref<Dialect>) -> PyResult {
        let _ = this;
        Err(cx.type_error("cannot pickle 'Dialect' instances"))
    }
}

/// Where the parser stands in a row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    StartRecord,
    StartField,
    Escaped,
    InField,
    InQuoted,
    EscapedInQuoted,
    QuoteInQuoted,
    EatNewline,
    AfterEscapedNewline,
}

/// A row being read.
struct Row {
    fields: Vec<Obj>,
    field: Vec<u32>,
    state: State,
    /// The field began without a quote.
    plain: bool,
    limit: usize,
}

impl Row {
    fn add(&mut self, cx: &mut Cx, c: u32) -> PyResult<()> {
        if self.field.len() >= self.limit {
            return Err(error(cx, format!("field larger than field limit ({})", self.limit)));
        }
        self.field.push(c);
        Ok(())
    }
    /// Characters that mean nothing but themselves.
    fn add_run(&mut self, cx: &mut Cx, run: &[u8]) -> PyResult<()> {
        if self.field.len() + run.len() > self.limit {
            return Err(error(cx, format!("field larger than field limit ({})", self.limit)));
        }
        self.field.extend(run.iter().map(|b| u32::from(*b)));
        Ok(())
    }
    fn save(&mut self, cx: &mut Cx, d: &Dialect) -> PyResult<()> {
        let text = cx.str_points(&self.field)?;
        self.field.clear();
        let quoting = d.quoting.get();
        let empty = text.cast::<Str>().is_some_and(|s| s.is_empty());
        let value = if self.plain && empty && matches!(quoting, QUOTE_NOTNULL | QUOTE_STRINGS) {
            cx.none()
        } else if self.plain && (quoting == QUOTE_NONNUMERIC || quoting == QUOTE_STRINGS) && !empty {
            let float = cx.types.float.as_obj().clone();
            protocol::call(cx, &float, &[text])?
        } else {
            text
        };
        self.fields.push(value);
        Ok(())
    }
    /// One character; `None` is the end of a line.
    fn feed(&mut self, cx: &mut Cx, d: &Dialect, c: Option<u32>) -> PyResult<()> {
        let newline = matches!(c, Some(10 | 13));
        let is = |cell: &Cell<u32>| c.is_some_and(|c| c == cell.get());
        loop {
            match self.state {
                State::StartRecord => match c {
                    None => return Ok(()),
                    Some(10 | 13) => {
                        self.state = State::EatNewline;
                        return Ok(());
                    }
                    Some(_) => self.state = State::StartField,
                },
                State::StartField => {
                    self.plain = true;
                    if newline || c.is_none() {
                        self.save(cx, d)?;
                        self.state = if c.is_none() { State::StartRecord } else { State::EatNewline };
                    } else if is(&d.quotechar) && d.quoting.get() != QUOTE_NONE {
                        self.plain = false;
                        self.state = State::InQuoted;
                    } else if is(&d.escapechar) {
                        self.state = State::Escaped;
                    } else if c == Some(32) && d.skipinitialspace.get() {
                    } else if is(&d.delimiter) {
                        self.save(cx, d)?;
                    } else {
                        self.add(cx, c.unwrap_or(0))?;
                        self.state = State::InField;
                    }
                    return Ok(());
                }
                State::Escaped => {
                    if newline {
                        self.add(cx, c.unwrap_or(10))?;
                        self.state = State::AfterEscapedNewline;
                        return Ok(());
                    }
                    self.add(cx, c.unwrap_or(10))?;
                    self.state = State::InField;
                    return Ok(());
                }
                State::AfterEscapedNewline if c.is_none() => return Ok(()),
                State::AfterEscapedNewline => self.state = State::InField,
                State::InField => {
                    if newline || c.is_none() {
                        self.save(cx, d)?;
                        self.state = if c.is_none() { State::StartRecord } else { State::EatNewline };
                    } else if is(&d.escapechar) {
                        self.state = State::Escaped;
                    } else if is(&d.delimiter) {
                        self.save(cx, d)?;
                        self.state = State::StartField;
                    } else {
                        self.add(cx, c.unwrap_or(0))?;
                    }
                    return Ok(());
                }
                State::InQuoted => {
                    if c.is_none() {
                    } else if is(&d.escapechar) {
                        self.state = State::EscapedInQuoted;
                    } else if is(&d.quotechar) && d.quoting.get() != QUOTE_NONE {
                        self.state = if d.doublequote.get() { State::QuoteInQuoted } else { State::InField };
                    } else {
                        self.add(cx, c.unwrap_or(0))?;
                    }
                    return Ok(());
                }
                State::EscapedInQuoted => {
                    self.add(cx, c.unwrap_or(10))?;
                    self.state = State::InQuoted;
                    return Ok(());
                }
                State::QuoteInQuoted => {
                    if is(&d.quotechar) && d.quoting.get() != QUOTE_NONE {
                        self.add(cx, c.unwrap_or(0))?;
                        self.state = State::InQuoted;
                    } else if is(&d.delimiter) {
                        self.save(cx, d)?;
                        self.state = State::StartField;
                    } else if newline || c.is_none() {
                        self.save(cx, d)?;
                        self.state = if c.is_none() { State::StartRecord } else { State::EatNewline };
                    } else if d.strict.get() {
                        let text = char::from_u32(d.delimiter.get()).unwrap_or(',');
                        let quote = char::from_u32(d.quotechar.get()).unwrap_or('"');
                        return Err(error(cx, format!("'{text}' expected after '{quote}'")));
                    } else {
                        self.add(cx, c.unwrap_or(0))?;
                        self.state = State::InField;
                    }
                    return Ok(());
                }
                State::EatNewline => {
                    return match c {
                        Some(10 | 13) => Ok(()),
                        None => {
                            self.state = State::StartRecord;
                            Ok(())
                        }
                        Some(_) => Err(error(cx, "new-line character seen in unquoted field - do you need to open the file with newline=''?")),
                    };
                }
            }
        }
    }
}

fn next_row(cx: &mut Cx, o: &Obj) -> PyResult<Option<Obj>> {
    let Some(this) = o.cast::<Reader>().cloned() else { return Ok(None) };
    let d = this.dialect.cloned(cx);
    let lines = this.lines.cloned(cx);
    let mut row = Row { fields: Vec::new(), field: Vec::new(), state: State::StartRecord, plain: true, limit: usize::try_from(cx.csv_field_limit.get()).unwrap_or(0) };
    loop {
        let Some(line) = protocol::next(cx, &lines)? else {
            let open = !row.field.is_empty() || row.state == State::InQuoted;
            if open && d.strict.get() {
                return Err(error(cx, "unexpected end of data"));
            }
            if open || row.state != State::StartRecord {
                row.save(cx, &d)?;
                break;
            }
            return Ok(None);
        };
        let Some(text) = line.cast::<Str>().cloned() else {
            return Err(error(cx, format!("iterator should return strings, not {} (the file should be opened in text mode)", line.ty().name_text())));
        };
        this.count.set(this.count.get() + 1);
        let means = |c: u32| c == d.delimiter.get() || c == d.quotechar.get() || c == d.escapechar.get() || matches!(c, 10 | 13);
        match text.ascii_bytes() {
            Some(mut rest) => {
                while let Some(c) = rest.first() {
                    let inside = matches!(row.state, State::InField | State::InQuoted);
                    let run = if inside { rest.iter().position(|b| means(u32::from(*b))).unwrap_or(rest.len()) } else { 0 };
                    if run > 0 {
                        row.add_run(cx, &rest[..run])?;
                    } else {
                        row.feed(cx, &d, Some(u32::from(*c)))?;
                    }
                    rest = &rest[run.max(1)..];
                }
            }
            None => {
                for c in text.code_points() {
                    row.feed(cx, &d, Some(c))?;
                }
            }
        }
        row.feed(cx, &d, None)?;
        if row.state == State::StartRecord {
            break;
        }
        cx.poll_native()?;
    }
    cx.list(row.fields).map(Some)
}

#[retic_macros::methods]
impl Reader {
    #[member("dialect")]
    fn dialect_get(cx: &mut Cx, this: &Ref<Reader>) -> Obj {
        this.dialect.cloned(cx).into_obj()
    }
    #[member("line_num")]
    fn line_num_get(cx: &mut Cx, this: &Ref<Reader>) -> PyResult {
        cx.int(this.count.get())
    }
}

/// The text of one field as it stands in a row, and whether it is quoted.
fn field_text(cx: &mut Cx, d: &Dialect, terminator: &[u32], text: &[u32], mut quoted: bool) -> PyResult<(Vec<u32>, bool)> {
    let (quote, escape) = (d.quotechar.get(), d.escapechar.get());
    let mut out = Vec::with_capacity(text.len() + 2);
    for &c in text {
        let special = c == d.delimiter.get() || c == escape || c == quote || c == 10 || c == 13 || terminator.contains(&c);
        if special {
            let mut want_escape = false;
            if d.quoting.get() == QUOTE_NONE {
                want_escape = true;
            } else if c == quote {
                if d.doublequote.get() {
                    out.push(quote);
                } else {
                    want_escape = true;
                }
            } else if c == escape {
                want_escape = true;
            }
            if want_escape {
                if escape == UNSET {
                    return Err(error(cx, "need to escape, but no escapechar set"));
                }
                out.push(escape);
            } else {
                quoted = true;
            }
        }
        out.push(c);
    }
    Ok((out, quoted))
}

/// What `PyNumber_Check` says.
fn is_number(cx: &Cx, o: &Obj) -> bool {
    let s = o.ty().slots(cx);
    s.index.is_some() || s.int.is_some() || s.float.is_some() || o.cast::<Complex>().is_some()
}

fn write_row(cx: &mut Cx, this: &Ref<Writer>, row: &Obj) -> PyResult {
    let d = this.dialect.cloned(cx);
    let fields = match protocol::iter(cx, row) {
        Ok(it) => protocol::collect(cx, &it)?,
        Err(_) if cx.error_is(&cx.types.type_error) => {
            cx.clear_error();
            return Err(error(cx, format!("iterable expected, not {}", row.ty().name_text())));
        }
        Err(r) => return Err(r),
    };
    let quote = d.quotechar.get();
    let terminator = d.lineterminator.get(cx).cast::<Str>().map(|s| s.code_points()).unwrap_or_default();
    let means = |c: u32| c == d.delimiter.get() || c == quote || c == d.escapechar.get() || matches!(c, 10 | 13) || terminator.contains(&c);
    let mut out: Vec<u32> = Vec::with_capacity(64);
    let n = fields.len();
    let mut last_null = false;
    for (i, field) in fields.iter().enumerate() {
        let is_text = field.cast::<Str>().is_some();
        let quoted = match d.quoting.get() {
            QUOTE_NONNUMERIC => !is_number(cx, field),
            QUOTE_ALL => true,
            QUOTE_STRINGS => is_text,
            QUOTE_NOTNULL => !field.is_none(),
            _ => false,
        };
        let null = field.is_none();
        let shown = if null { None } else { Some(protocol::str(cx, field)?) };
        if i > 0 {
            out.push(d.delimiter.get());
        }
        let shown = shown.as_ref().and_then(|o| o.cast::<Str>());
        // What needs no quotes goes as it is.
        if let Some(a) = shown.and_then(|s| s.ascii_bytes()).filter(|a| !a.is_empty() && !quoted && !a.iter().any(|b| means(u32::from(*b)))) {
            out.extend(a.iter().map(|b| u32::from(*b)));
            last_null = false;
            continue;
        }
        let text = shown.map(|s| s.code_points()).unwrap_or_default();
        // A leading space would be skipped, an empty only field would make an empty line.
        let mut quoted = quoted;
        if text.is_empty() && d.delimiter.get() == 32 && d.skipinitialspace.get() {
            if d.quoting.get() == QUOTE_NONE || (null && matches!(d.quoting.get(), QUOTE_STRINGS | QUOTE_NOTNULL)) {
                return Err(error(cx, "empty field must be quoted if delimiter is a space and skipinitialspace is true"));
            }
            quoted = true;
        }
        let (body, quoted) = field_text(cx, &d, &terminator, &text, quoted)?;
        if quoted {
            out.push(quote);
        }
        out.extend(body);
        if quoted {
            out.push(quote);
        }
        last_null = null;
    }
    if n == 1 && out.is_empty() {
        if d.quoting.get() == QUOTE_NONE || (last_null && matches!(d.quoting.get(), QUOTE_STRINGS | QUOTE_NOTNULL)) {
            return Err(error(cx, "single empty field record must be quoted"));
        }
        out.extend([quote, quote]);
    }
    out.extend(&terminator);
    let text = cx.str_points(&out)?;
    let write = this.write.cloned(cx);
    protocol::call(cx, &write, &[text])
}

#[retic_macros::methods]
impl Writer {
    /// Construct and write a CSV record from an iterable of fields.
    #[py("writerow($self, row, /)")]
    fn writerow(cx: &mut Cx, this: &Ref<Writer>, row: &Obj) -> PyResult {
        write_row(cx, this, row)
    }
    /// Construct and write a series of iterables to a csv file.
    #[py("writerows($self, seqseq, /)", "($self, rows, /)")]
    fn writerows(cx: &mut Cx, this: &Ref<Writer>, seqseq: &Obj) -> PyResult<()> {
        let it = protocol::iter(cx, seqseq)?;
        while let Some(row) = protocol::next(cx, &it)? {
            let r = write_row(cx, this, &row)?;
            cx.release(r);
            cx.poll_native()?;
        }
        Ok(())
    }
    #[member("dialect")]
    fn dialect_get(cx: &mut Cx, this: &Ref<Writer>) -> Obj {
        this.dialect.cloned(cx).into_obj()
    }
}

#[retic_macros::methods]
mod functions {
    //! CSV parsing and writing.
    use super::*;

    /// Return a reader object that will process lines from the given iterable.
    #[py("reader(iterable, dialect='excel', /, **fmtparams)", "(iterable, /, dialect='excel', **fmtparams)")]
    pub fn reader(cx: &mut Cx, iterable: &Obj, dialect: Option<&Obj>, fmtparams: Vec<(&Obj, &Obj)>) -> PyResult {
        let lines = protocol::iter(cx, iterable)?;
        let d = from_args(cx, dialect, &fmtparams)?;
        let ty = cx.native_type("_csv.reader");
        Ok(memory::new(cx, &ty, |head| Reader { head, lines: Guarded::new(lines), dialect: Guarded::new(d), count: Cell::new(0) })?.into_obj())
    }
    /// Return a writer object that will write user data on the given file object.
    #[py("writer(fileobj, dialect='excel', /, **fmtparams)", "(fileobj, /, dialect='excel', **fmtparams)")]
    pub fn writer(cx: &mut Cx, fileobj: &Obj, dialect: Option<&Obj>, fmtparams: Vec<(&Obj, &Obj)>) -> PyResult {
        let d = from_args(cx, dialect, &fmtparams)?;
        let name = cx.name("write");
        let write = protocol::lookup_attr(cx, fileobj, &name)?.filter(|w| w.ty().slots(cx).call.is_some());
        let Some(write) = write else { return Err(cx.type_error("argument 1 must have a \"write\" method")) };
        let ty = cx.native_type("_csv.writer");
        Ok(memory::new(cx, &ty, |head| Writer { head, write: Guarded::new(write), dialect: Guarded::new(d) })?.into_obj())
    }
    /// Create a mapping from a string name to a CVS dialect.
    #[py("register_dialect(name, dialect='excel', /, **fmtparams)", "(name, /, dialect='excel', **fmtparams)")]
    pub fn register_dialect(cx: &mut Cx, name: &Obj, dialect: Option<&Obj>, fmtparams: Vec<(&Obj, &Obj)>) -> PyResult<()> {
        if name.cast::<Str>().is_none() {
            return Err(cx.type_error("dialect name must be a string"));
        }
        let d = from_args(cx, dialect, &fmtparams)?;
        let old = registry(cx)?.insert(cx, name, d.into_obj())?;
        cx.release(old);
        Ok(())
    }
    /// Delete the name/dialect mapping associated with a string name.
    #[py("unregister_dialect(name)")]
    pub fn unregister_dialect(cx: &mut Cx, name: &Obj) -> PyResult<()> {
        match registry(cx)?.remove(cx, name)? {
            Some(old) => {
                cx.release(old);
                Ok(())
            }
            None => Err(error(cx, "unknown dialect")),
        }
    }
    /// Return the dialect instance associated with name.
    #[py("get_dialect(name)")]
    pub fn get_dialect(cx: &mut Cx, name: &Obj) -> PyResult {
        registered(cx, name)
    }
    /// Return a list of all known dialect names.
    #[py("list_dialects()")]
    pub fn list_dialects(cx: &mut Cx) -> PyResult {
        let d = registry(cx)?.into_obj();
        let items = protocol::collect(cx, &d)?;
        cx.list(items)
    }
    /// Sets an upper limit on parsed fields.
    #[py("field_size_limit(new_limit=<unrepresentable>)")]
    pub fn field_size_limit(cx: &mut Cx, new_limit: Option<&Obj>) -> PyResult<i64> {
        let old = cx.csv_field_limit.get();
        if let Some(n) = new_limit {
            if n.cast::<int::Int>().is_none() {
                return Err(cx.type_error("limit must be an integer"));
            }
            let Some(n) = int::to_i64(n) else { return Err(cx.overflow_error("Python int too large to convert to C long")) };
            cx.csv_field_limit.set(n);
        }
        Ok(old)
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "_csv", functions::DOC, functions::FUNCTIONS)?;
    let base = cx.types.exception.as_obj().clone();
    m.add_exception(cx, "_csv.Error", &base)?;
    let numbers = [
        ("QUOTE_MINIMAL", QUOTE_MINIMAL),
        ("QUOTE_ALL", QUOTE_ALL),
        ("QUOTE_NONNUMERIC", QUOTE_NONNUMERIC),
        ("QUOTE_NONE", QUOTE_NONE),
        ("QUOTE_STRINGS", QUOTE_STRINGS),
        ("QUOTE_NOTNULL", QUOTE_NOTNULL),
    ];
    for (name, n) in numbers {
        m.set_int(cx, name, n)?;
    }
    let d = Dict::new(cx)?;
    m.set(cx, "_dialects", d.into_obj())?;
    let version = cx.str("1.0")?;
    m.set(cx, "__version__", version)?;
    let spec = Spec {
        doc: "CSV dialect",
        flags: flags::GC | flags::BASE,
        slots: Slots {
            new: Some(|cx, ty, args: Args<'_>| {
                let mut keywords: Vec<(Obj, Obj)> = args.keywords().map(|(k, v)| (k.clone(), v.clone())).collect();
                let mut base = args.positional().first().cloned();
                if let Some(i) = keywords.iter().position(|(k, _)| k.cast::<Str>().is_some_and(|s| s.eq_str(cx, "dialect"))) {
                    base = Some(keywords.remove(i).1);
                }
                Ok(dialect(cx, ty, base, &keywords)?.into_obj())
            }),
            init: Some(|_, _, _| Ok(())),
            ..Slots::EMPTY
        },
        methods: Dialect::METHODS,
        getset: Dialect::GETSET,
        ..Spec::new::<Dialect>("_csv.Dialect")
    };
    m.add_type(cx, &spec)?;
    let object = cx.types.object.clone();
    let spec = Spec {
        flags: flags::GC | flags::NO_NEW,
        slots: Slots { iter: Some(|_, o| Ok(o.clone())), next: Some(next_row), ..Slots::EMPTY },
        getset: Reader::GETSET,
        ..Spec::new::<Reader>("_csv.reader")
    };
    let ty = retic_runtime::interp::native_type(cx, &spec, &object)?;
    m.set(cx, "Reader", ty.into_obj())?;
    let spec = Spec { flags: flags::GC | flags::NO_NEW, slots: Slots::EMPTY, methods: Writer::METHODS, getset: Writer::GETSET, ..Spec::new::<Writer>("_csv.writer") };
    let ty = retic_runtime::interp::native_type(cx, &spec, &object)?;
    m.set(cx, "Writer", ty.into_obj())?;
    Ok(m.into_obj())
}
