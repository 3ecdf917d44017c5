//! `retic lens export --parquet`: the tables of a recording as Apache Parquet files, for DuckDB, Polars, pandas and Spark.
//! Texts by dictionary, numbers plain, pages packed with gzip; the footer is Thrift's compact protocol.

use crate::book::{Book, Change, Moment};
use crate::words::Lang;
use crate::{story, why};
use retic_bytecode::varint::{number, zigzag};
use rustc_hash::FxHashMap;

/// A column: a value for each row.
enum Column {
    Numbers(Vec<i64>),
    /// A number, or nothing.
    Maybe(Vec<Option<i64>>),
    Texts(Vec<String>),
}

type Table = Vec<(&'static str, Column)>;

/// The files of a recording: name and bytes. `objects`: one row a life (buffers with an empty type), places by step, file, line,
/// instruction and native callable; `events`: births, deaths, counts, registers, prints and collections in order; `sites`; `gc`.
/// `all`: what the library's code made, too.
pub fn tables(book: &Book, all: bool) -> Vec<(&'static str, Vec<u8>)> {
    vec![("objects", file(&objects(book, all))), ("events", file(&events(book, all))), ("sites", file(&sites(book))), ("gc", file(&collections(book)))]
}

fn shown(book: &Book, all: bool) -> impl Iterator<Item = &crate::book::Life> {
    book.lives.iter().filter(move |l| all || l.type_id != 0 && book.directly_mine(&l.born))
}

fn op(book: &Book, m: &Moment) -> String {
    book.instruction(m.site).map_or("", |(op, _)| op.name()).to_string()
}

fn objects(book: &Book, all: bool) -> Table {
    let lives: Vec<_> = shown(book, all).collect();
    let numbers = |of: &dyn Fn(&crate::book::Life) -> i64| Column::Numbers(lives.iter().map(|l| of(l)).collect());
    let maybe = |of: &dyn Fn(&crate::book::Life) -> Option<i64>| Column::Maybe(lives.iter().map(|l| of(l)).collect());
    let texts = |of: &dyn Fn(&crate::book::Life) -> String| Column::Texts(lives.iter().map(|l| of(l)).collect());
    let mut peaks: FxHashMap<u64, u32> = FxHashMap::default();
    for (_, c) in &book.changes {
        if let Change::Count { serial, count } = c {
            let peak = peaks.entry(*serial).or_default();
            *peak = (*peak).max(*count);
        }
    }
    vec![
        ("serial", numbers(&|l| l.serial as i64)),
        ("type", texts(&|l| if l.type_id == 0 { String::new() } else { book.type_name(l.type_id).to_string() })),
        ("size", numbers(&|l| l.size as i64)),
        ("address", numbers(&|l| l.address as i64)),
        ("tenant", numbers(&|l| i64::from(l.tenant))),
        ("previous", numbers(&|l| l.previous as i64)),
        ("next", numbers(&|l| l.next as i64)),
        ("born_step", numbers(&|l| l.born.step as i64)),
        ("born_file", texts(&|l| book.file(l.born.site).to_string())),
        ("born_line", numbers(&|l| i64::from(book.line(l.born.site)))),
        ("born_op", texts(&|l| op(book, &l.born))),
        ("born_by", texts(&|l| book.name(l.born.by).to_string())),
        ("died_step", maybe(&|l| l.death.map(|d| d.at.step as i64))),
        ("died_line", maybe(&|l| l.death.map(|d| i64::from(book.line(d.at.site))))),
        ("died_op", texts(&|l| l.death.as_ref().map_or(String::new(), |d| op(book, &d.at)))),
        ("cause", texts(&|l| story::end(book, l).map_or(String::new(), |_| why::death(book, l, Lang::En)))),
        ("peak_count", maybe(&|l| peaks.get(&l.serial).map(|n| i64::from(*n)))),
    ]
}

fn events(book: &Book, all: bool) -> Table {
    let mut rows: Vec<(Moment, &str, i64, i64)> = Vec::new();
    for l in shown(book, all) {
        rows.push((l.born, "birth", l.serial as i64, l.size as i64));
        if let Some(d) = &l.death {
            rows.push((d.at, "death", l.serial as i64, 0));
        }
    }
    for (at, c) in &book.changes {
        match *c {
            Change::Count { serial, count } => rows.push((*at, "count", serial as i64, i64::from(count))),
            Change::Slot { slot, serial } => rows.push((*at, "slot", serial as i64, i64::from(slot))),
            Change::Step => rows.push((*at, "step", 0, 0)),
        }
    }
    rows.extend(book.prints.iter().map(|(at, from, to)| (*at, "print", 0, (to - from) as i64)));
    rows.extend(book.collections.iter().map(|c| (c.at, "gc", 0, c.found as i64)));
    rows.sort_by_key(|r| r.0.order);
    vec![
        ("order", Column::Numbers(rows.iter().map(|r| i64::from(r.0.order)).collect())),
        ("step", Column::Numbers(rows.iter().map(|r| r.0.step as i64).collect())),
        ("kind", Column::Texts(rows.iter().map(|r| r.1.to_string()).collect())),
        ("serial", Column::Numbers(rows.iter().map(|r| r.2).collect())),
        ("value", Column::Numbers(rows.iter().map(|r| r.3).collect())),
        ("site", Column::Numbers(rows.iter().map(|r| i64::from(r.0.site)).collect())),
        ("line", Column::Numbers(rows.iter().map(|r| i64::from(book.line(r.0.site))).collect())),
    ]
}

fn sites(book: &Book) -> Table {
    let ids: Vec<u32> = (1..book.sites.len() as u32).collect();
    vec![
        ("site", Column::Numbers(ids.iter().map(|s| i64::from(*s)).collect())),
        ("file", Column::Texts(ids.iter().map(|s| book.file(*s).to_string()).collect())),
        ("function", Column::Texts(ids.iter().map(|s| book.function(*s).to_string()).collect())),
        ("line", Column::Numbers(ids.iter().map(|s| i64::from(book.line(*s))).collect())),
        ("offset", Column::Numbers(ids.iter().map(|s| i64::from(book.site(*s).offset)).collect())),
        ("op", Column::Texts(ids.iter().map(|s| book.instruction(*s).map_or("", |(op, _)| op.name()).to_string()).collect())),
        ("mine", Column::Numbers(ids.iter().map(|s| i64::from(book.is_mine(*s))).collect())),
    ]
}

fn collections(book: &Book) -> Table {
    let all = &book.collections;
    vec![
        ("step", Column::Numbers(all.iter().map(|c| c.at.step as i64).collect())),
        ("line", Column::Numbers(all.iter().map(|c| i64::from(book.line(c.at.site))).collect())),
        ("generation", Column::Numbers(all.iter().map(|c| i64::from(c.generation)).collect())),
        ("because", Column::Texts(all.iter().map(|c| Lang::En.trigger(c.trigger).to_string()).collect())),
        ("found", Column::Numbers(all.iter().map(|c| c.found as i64).collect())),
    ]
}

// ---- Thrift's compact protocol

const I32: u8 = 5;
const I64: u8 = 6;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const STRUCT: u8 = 12;

/// A structure being written: fields by rising numbers.
#[derive(Default)]
struct Struct {
    out: Vec<u8>,
    last: u8,
}

impl Struct {
    fn head(&mut self, field: u8, kind: u8) {
        self.out.push((field - self.last) << 4 | kind);
        self.last = field;
    }
    fn i32(mut self, field: u8, v: i32) -> Struct {
        self.head(field, I32);
        number(&mut self.out, zigzag(i64::from(v)));
        self
    }
    fn i64(mut self, field: u8, v: i64) -> Struct {
        self.head(field, I64);
        number(&mut self.out, zigzag(v));
        self
    }
    fn text(mut self, field: u8, t: &str) -> Struct {
        self.head(field, BINARY);
        number(&mut self.out, t.len() as u64);
        self.out.extend_from_slice(t.as_bytes());
        self
    }
    fn inner(mut self, field: u8, s: Struct) -> Struct {
        self.head(field, STRUCT);
        self.out.extend(s.end());
        self
    }
    fn list(mut self, field: u8, kind: u8, items: Vec<Vec<u8>>) -> Struct {
        self.head(field, LIST);
        if items.len() < 15 {
            self.out.push((items.len() as u8) << 4 | kind);
        } else {
            self.out.push(0xf0 | kind);
            number(&mut self.out, items.len() as u64);
        }
        items.into_iter().for_each(|i| self.out.extend(i));
        self
    }
    fn end(mut self) -> Vec<u8> {
        self.out.push(0);
        self.out
    }
}

// ---- Parquet (parquet-format: parquet.thrift, Encodings.md)

const MAGIC: &[u8; 4] = b"PAR1";
const TYPE_INT64: i32 = 2;
const TYPE_BYTES: i32 = 6;
const REQUIRED: i32 = 0;
const OPTIONAL: i32 = 1;
const UTF8: i32 = 0;
const PLAIN: i32 = 0;
const RLE: i32 = 3;
const RLE_DICTIONARY: i32 = 8;
const GZIP: i32 = 2;
const DATA_PAGE: i32 = 0;
const DICTIONARY_PAGE: i32 = 2;

fn gzip(raw: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    out.extend(crate::file::pack(raw));
    out.extend(zlib_rs::crc32::crc32(0, raw).to_le_bytes());
    out.extend((raw.len() as u32).to_le_bytes());
    out
}

/// Values of a few bits each, as one bit-packed run.
fn packed_bits(values: &[u32], width: u32, out: &mut Vec<u8>) {
    let groups = values.len().div_ceil(8);
    number(out, (groups as u64) << 1 | 1);
    let (mut word, mut bits) = (0u64, 0);
    for i in 0..groups * 8 {
        word |= u64::from(values.get(i).copied().unwrap_or(0)) << bits;
        bits += width;
        while bits >= 8 {
            out.push(word as u8);
            word >>= 8;
            bits -= 8;
        }
    }
}

struct Written {
    /// `ColumnMetaData` but for what depends on the place in the file.
    meta: Vec<u8>,
    start: i64,
}

/// Writes pages; their sizes unpacked and packed, headers counted in.
fn page(out: &mut Vec<u8>, raw: &[u8], kind: i32, detail: (u8, Struct)) -> (i64, i64) {
    let packed = gzip(raw);
    let head = Struct::default().i32(1, kind).i32(2, raw.len() as i32).i32(3, packed.len() as i32).inner(detail.0, detail.1).end();
    out.extend_from_slice(&head);
    out.extend_from_slice(&packed);
    ((head.len() + raw.len()) as i64, (head.len() + packed.len()) as i64)
}

fn column(out: &mut Vec<u8>, name: &str, column: &Column) -> Written {
    let start = out.len() as i64;
    let data = |n: usize, encoding: i32| (5, Struct::default().i32(1, n as i32).i32(2, encoding).i32(3, RLE).i32(4, RLE));
    let (kind, rows, encodings, dictionary, mut sizes) = match column {
        Column::Numbers(list) => {
            let raw: Vec<u8> = list.iter().flat_map(|v| v.to_le_bytes()).collect();
            (TYPE_INT64, list.len(), vec![PLAIN, RLE], None, vec![page(out, &raw, DATA_PAGE, data(list.len(), PLAIN))])
        }
        Column::Maybe(list) => {
            let mut levels = Vec::new();
            packed_bits(&list.iter().map(|v| u32::from(v.is_some())).collect::<Vec<_>>(), 1, &mut levels);
            let mut raw: Vec<u8> = (levels.len() as u32).to_le_bytes().to_vec();
            raw.extend(levels);
            raw.extend(list.iter().flatten().flat_map(|v| v.to_le_bytes()));
            (TYPE_INT64, list.len(), vec![PLAIN, RLE], None, vec![page(out, &raw, DATA_PAGE, data(list.len(), PLAIN))])
        }
        Column::Texts(list) => {
            let (mut known, mut raw): (FxHashMap<&str, u32>, Vec<u8>) = Default::default();
            let mut places = Vec::with_capacity(list.len());
            for t in list {
                let next = known.len() as u32;
                places.push(*known.entry(t).or_insert_with(|| {
                    raw.extend((t.len() as u32).to_le_bytes());
                    raw.extend_from_slice(t.as_bytes());
                    next
                }));
            }
            let width = 32 - (known.len() as u32).saturating_sub(1).leading_zeros();
            let first = page(out, &raw, DICTIONARY_PAGE, (7, Struct::default().i32(1, known.len() as i32).i32(2, PLAIN)));
            let data_at = out.len() as i64;
            let mut raw = vec![width.max(1) as u8];
            packed_bits(&places, width.max(1), &mut raw);
            (TYPE_BYTES, list.len(), vec![PLAIN, RLE, RLE_DICTIONARY], Some(data_at), vec![first, page(out, &raw, DATA_PAGE, data(list.len(), RLE_DICTIONARY))])
        }
    };
    let (unpacked, packed) = sizes.drain(..).fold((0, 0), |(a, b), (x, y)| (a + x, b + y));
    let listed = |v: i32| {
        let mut b = Vec::new();
        number(&mut b, zigzag(i64::from(v)));
        b
    };
    let mut path = Vec::new();
    number(&mut path, name.len() as u64);
    path.extend_from_slice(name.as_bytes());
    let meta = Struct::default()
        .i32(1, kind)
        .list(2, I32, encodings.into_iter().map(listed).collect())
        .list(3, BINARY, vec![path])
        .i32(4, GZIP)
        .i64(5, rows as i64)
        .i64(6, unpacked)
        .i64(7, packed)
        .i64(9, dictionary.unwrap_or(start));
    let meta = if dictionary.is_some() { meta.i64(11, start) } else { meta };
    Written { meta: Struct::default().i64(2, start).inner(3, meta).end(), start }
}

/// A table as a file with one row group.
fn file(table: &Table) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    let rows = table.first().map_or(0, |(_, c)| match c {
        Column::Numbers(l) => l.len(),
        Column::Maybe(l) => l.len(),
        Column::Texts(l) => l.len(),
    }) as i64;
    let mut schema = vec![Struct::default().text(4, "schema").i32(5, table.len() as i32).end()];
    let mut columns = Vec::new();
    for (name, c) in table {
        let element = match c {
            Column::Numbers(_) => Struct::default().i32(1, TYPE_INT64).i32(3, REQUIRED).text(4, name),
            Column::Maybe(_) => Struct::default().i32(1, TYPE_INT64).i32(3, OPTIONAL).text(4, name),
            Column::Texts(_) => Struct::default().i32(1, TYPE_BYTES).i32(3, REQUIRED).text(4, name).i32(6, UTF8),
        };
        schema.push(element.end());
        columns.push(column(&mut out, name, c));
    }
    let first = columns.first().map_or(4, |c| c.start);
    let size = out.len() as i64 - first;
    let group = Struct::default().list(1, STRUCT, columns.into_iter().map(|c| c.meta).collect()).i64(2, size).i64(3, rows).end();
    let groups = if rows == 0 { Vec::new() } else { vec![group] };
    let footer = Struct::default().i32(1, 1).list(2, STRUCT, schema).i64(3, rows).list(4, STRUCT, groups).text(6, "retic").end();
    let n = footer.len() as u32;
    out.extend(footer);
    out.extend(n.to_le_bytes());
    out.extend_from_slice(MAGIC);
    out
}
