//! `NAME.lens`: one file, append only, readable after a crash. A head, then chunks:
//! kind, raw length, packed length, CRC-32 of kind and packed bytes (each four bytes, little-endian), packed bytes (raw deflate).
//! A chunk of events begins with what its reader must know of those before, so the oldest may be dropped ([`Writer::keep`]).

use crate::book::Book;
use retic_bytecode::varint::number;
use retic_events::{Event, Sink};
use retic_wire::{Input, Packer, Unpacker};
use std::io::{Read, Seek, SeekFrom, Write};
use zlib_rs::{Deflate, DeflateFlush, Inflate, InflateFlush, Status};

/// The first bytes: name and version.
pub const MAGIC: [u8; 8] = *b"RLENS\0\x04\0";
/// Bytes that are moved at once.
const CHUNK: usize = 1 << 20;
/// No chunk is larger than this, packed or not: a damaged length asks for no memory.
const CHUNK_MAX: usize = 64 << 20;
const WINDOW: u8 = 15;

/// Which files are the user's: by a test of their names.
pub type Mine = Box<dyn Fn(&str) -> bool>;

/// Where a recording's bytes go.
pub trait Store: Write {
    /// Keeps only these ranges of the bytes written, in their order; what is written next comes behind them.
    fn retain(&mut self, ranges: &[(u64, u64)]) -> std::io::Result<()>;
}

impl Store for Vec<u8> {
    fn retain(&mut self, ranges: &[(u64, u64)]) -> std::io::Result<()> {
        let kept: Vec<u8> = ranges.iter().filter_map(|(from, to)| self.get(*from as usize..*to as usize)).flatten().copied().collect();
        *self = kept;
        Ok(())
    }
}

impl<T: Store> Store for &mut T {
    fn retain(&mut self, ranges: &[(u64, u64)]) -> std::io::Result<()> {
        (**self).retain(ranges)
    }
}

/// [`Store::retain`] for something that is read and written in place; how many bytes are left, behind which it stands.
pub fn move_down(file: &mut (impl Read + Write + Seek), ranges: &[(u64, u64)]) -> std::io::Result<u64> {
    let (mut to, mut buffer) = (0, vec![0; CHUNK]);
    for (from, end) in ranges {
        let mut at = *from;
        while at < *end {
            let n = (end - at).min(CHUNK as u64) as usize;
            file.seek(SeekFrom::Start(at))?;
            file.read_exact(&mut buffer[..n])?;
            file.seek(SeekFrom::Start(to))?;
            file.write_all(&buffer[..n])?;
            at += n as u64;
            to += n as u64;
        }
    }
    file.seek(SeekFrom::Start(to))?;
    Ok(to)
}

/// Writes a recording. What is written so far can be read if the process ends here.
pub struct Writer<W: Store> {
    out: W,
    mine: Mine,
    /// Of events that come one by one.
    packer: Option<Box<Packer>>,
    names: Vec<u8>,
    failed: Option<std::io::Error>,
    /// Calls of `id`, `is` and default reprs after which there is enough; and steps.
    limits: (u64, u64),
    written: u64,
    /// Bytes of events to keep, and where the chunks of events are that the file has.
    keep: u64,
    chunks: Vec<(u64, u64)>,
}

impl<W: Store> Writer<W> {
    /// A recording into `out`; `command` is what was run.
    pub fn new(mut out: W, command: &str, mine: Mine) -> std::io::Result<Writer<W>> {
        out.write_all(&MAGIC)?;
        let mut w =
            Writer { out, mine, packer: None, names: Vec::new(), failed: None, limits: (u64::MAX, u64::MAX), written: MAGIC.len() as u64, keep: u64::MAX, chunks: Vec::new() };
        let mut head = Vec::new();
        text(&mut head, command);
        w.chunk(b'H', &head);
        Ok(w)
    }
    /// Enough after so many questions about addresses, or so many instructions.
    pub fn limit(mut self, questions: u64, steps: u64) -> Writer<W> {
        self.limits = (questions, steps);
        self
    }
    /// The file keeps about so many bytes of events: the oldest are dropped.
    pub fn keep(mut self, bytes: u64) -> Writer<W> {
        self.keep = bytes;
        self
    }
    /// A source file, whole.
    pub fn source(&mut self, file: &str, content: &str) {
        self.write_chunks();
        let mut raw = Vec::new();
        text(&mut raw, file);
        text(&mut raw, content);
        self.chunk(b'S', &raw);
    }
    /// The error that ended the writing, if one did; bytes written.
    pub fn end(mut self) -> Result<u64, std::io::Error> {
        self.write_chunks();
        let _ = self.out.flush();
        self.failed.map_or(Ok(self.written), Err)
    }
    fn write_chunks(&mut self) {
        if let Some(mut packer) = self.packer.take() {
            packer.chunk(|events| self.write_events(events));
            self.packer = Some(packer);
        }
        self.write_names();
    }
    /// Names come before the events that use them.
    fn write_names(&mut self) {
        let names = std::mem::take(&mut self.names);
        if !names.is_empty() {
            self.chunk(b'N', &names);
        }
    }
    fn write_events(&mut self, events: &[u8]) {
        self.write_names();
        let from = self.written;
        self.chunk(b'E', events);
        self.chunks.push((from, self.written));
        self.drop_oldest();
    }
    /// Drops half of what is kept once it is more than was asked for: moving bytes down is not done for every chunk.
    fn drop_oldest(&mut self) {
        let mut kept: u64 = self.chunks.iter().map(|(from, to)| to - from).sum();
        if kept <= self.keep || self.chunks.len() < 2 || self.failed.is_some() {
            return;
        }
        let mut n = 0;
        while n + 1 < self.chunks.len() && kept > self.keep / 2 {
            kept -= self.chunks[n].1 - self.chunks[n].0;
            n += 1;
        }
        let (mut ranges, mut at) = (Vec::new(), 0);
        for (from, to) in &self.chunks[..n] {
            ranges.push((at, *from));
            at = *to;
        }
        ranges.push((at, self.written));
        let gone: u64 = self.chunks[..n].iter().map(|(from, to)| to - from).sum();
        if let Err(e) = self.out.retain(&ranges) {
            self.failed = Some(e);
        }
        self.chunks.drain(..n);
        for c in &mut self.chunks {
            *c = (c.0 - gone, c.1 - gone);
        }
        self.written -= gone;
    }
    fn chunk(&mut self, kind: u8, raw: &[u8]) {
        if self.failed.is_some() {
            return;
        }
        let packed = pack(raw);
        let mut head = vec![kind];
        for n in [raw.len() as u32, packed.len() as u32, sum_of(kind, &packed)] {
            head.extend(n.to_le_bytes());
        }
        let done = self.out.write_all(&head).and_then(|()| self.out.write_all(&packed));
        self.written += (head.len() + packed.len()) as u64;
        if let Err(e) = done {
            self.failed = Some(e);
        }
    }
}

fn text(out: &mut Vec<u8>, t: &str) {
    number(out, t.len() as u64);
    out.extend_from_slice(t.as_bytes());
}

impl<W: Store> Sink for Writer<W> {
    fn events(&mut self, events: &[Event]) {
        for event in events {
            let packer = self.packer.get_or_insert_default();
            packer.write(event);
            if packer.is_full() {
                self.write_chunks();
            }
        }
    }
    fn takes_packed(&self) -> bool {
        true
    }
    fn packed(&mut self, events: &[u8]) {
        self.write_events(events);
    }
    fn code(&mut self, id: u32, packed: &[u8], mine: bool) {
        self.names.push(b'C');
        number(&mut self.names, u64::from(id));
        self.names.push(u8::from(mine));
        number(&mut self.names, packed.len() as u64);
        self.names.extend_from_slice(packed);
    }
    fn site(&mut self, id: u32, code: u32, offset: u32) {
        self.names.push(b'P');
        for n in [id, code, offset] {
            number(&mut self.names, u64::from(n));
        }
    }
    fn type_name(&mut self, id: u32, name: &str) {
        self.names.push(b'T');
        number(&mut self.names, u64::from(id));
        text(&mut self.names, name);
    }
    fn name(&mut self, id: u32, t: &str) {
        self.names.push(b'N');
        number(&mut self.names, u64::from(id));
        text(&mut self.names, t);
    }
    fn printed(&mut self, bytes: &[u8]) {
        self.names.push(b'O');
        number(&mut self.names, bytes.len() as u64);
        self.names.extend_from_slice(bytes);
    }
    fn is_mine(&self, file: &str) -> bool {
        (self.mine)(file)
    }
    fn enough(&mut self, step: u64, asked: u64) -> bool {
        asked >= self.limits.0 || step >= self.limits.1 || self.failed.is_some() && self.limits.0 != u64::MAX
    }
    fn flush(&mut self) {
        self.write_chunks();
        let _ = self.out.flush();
    }
    fn finish(&mut self) {
        Sink::flush(self);
    }
}

fn sum_of(kind: u8, packed: &[u8]) -> u32 {
    zlib_rs::crc32::crc32(zlib_rs::crc32::crc32(0, &[kind]), packed)
}

pub(crate) fn pack(raw: &[u8]) -> Vec<u8> {
    let mut packer = Deflate::new(1, false, WINDOW);
    let mut out = vec![0; raw.len() + raw.len() / 8 + 128];
    let done = packer.compress(raw, &mut out, DeflateFlush::Finish);
    debug_assert!(matches!(done, Ok(Status::StreamEnd)));
    out.truncate(packer.total_out() as usize);
    out
}

fn unpack(packed: &[u8], raw_len: usize) -> Option<Vec<u8>> {
    let mut out = vec![0; raw_len];
    let mut unpacker = Inflate::new(false, WINDOW);
    match unpacker.decompress(packed, &mut out, InflateFlush::Finish) {
        Ok(Status::StreamEnd) if unpacker.total_out() as usize == raw_len => Some(out),
        _ => None,
    }
}

/// Reads a recording. A file that was cut off gives the part that is whole, and says so in [`Book::damage`]; what is not a
/// recording gives a sentence for the user.
pub fn read(bytes: &[u8]) -> Result<Book, String> {
    if bytes.len() < MAGIC.len() || bytes[..6] != MAGIC[..6] {
        return Err("this is not a .lens file".to_string());
    }
    if bytes[..8] != MAGIC {
        return Err(format!("this .lens file has version {}; this program reads version {}", u16::from_le_bytes([bytes[6], bytes[7]]), MAGIC[6]));
    }
    let (mut book, mut unpacker) = (Book::new(), Unpacker::default());
    let mut at = MAGIC.len();
    while at < bytes.len() {
        let Some(head) = bytes.get(at..at + 13) else {
            book.damage = Some(format!("the file ends in the middle of a chunk, at byte {at}"));
            break;
        };
        let word = |i: usize| u32::from_le_bytes([head[i], head[i + 1], head[i + 2], head[i + 3]]);
        let (raw_len, packed_len, crc) = (word(1) as usize, word(5) as usize, word(9));
        if raw_len > CHUNK_MAX || packed_len > CHUNK_MAX {
            book.damage = Some(format!("the chunk at byte {at} is damaged"));
            break;
        }
        let Some(packed) = bytes.get(at + 13..at + 13 + packed_len) else {
            book.damage = Some(format!("the file ends in the middle of a chunk, at byte {at}"));
            break;
        };
        let raw = if sum_of(head[0], packed) == crc { unpack(packed, raw_len) } else { None };
        let whole = raw.is_some_and(|raw| match head[0] {
            b'H' => head_of(&mut book, &raw).is_some(),
            b'N' => names(&mut book, &raw).is_some(),
            b'E' => events(&mut book, &mut unpacker, &raw).is_some(),
            b'S' => source(&mut book, &raw).is_some(),
            _ => true,
        });
        if !whole {
            book.damage = Some(format!("the chunk at byte {at} is damaged"));
            break;
        }
        at += 13 + packed_len;
    }
    Ok(book)
}

fn head_of(book: &mut Book, raw: &[u8]) -> Option<()> {
    let mut input = Input(raw);
    book.command = input.text()?;
    Some(())
}

fn source(book: &mut Book, raw: &[u8]) -> Option<()> {
    let mut input = Input(raw);
    let name = input.text()?;
    let content = input.text()?;
    book.sources.insert(name, content);
    Some(())
}

fn names(book: &mut Book, raw: &[u8]) -> Option<()> {
    let mut input = Input(raw);
    while !input.0.is_empty() {
        match input.byte()? {
            b'C' => {
                let id = input.number()?;
                let mine = input.byte()? == 1;
                let n = input.number()? as usize;
                let packed = input.0.get(..n)?;
                let code = retic_bytecode::pack::read(packed)?;
                input.0 = &input.0[n..];
                book.add_code(id, code, mine);
            }
            b'P' => {
                let (id, code, offset) = (input.number()?, input.number()?, input.number()?);
                book.add_site(id, code as u32, offset as u32);
            }
            b'T' => {
                let id = input.number()?;
                let name = input.text()?;
                book.add_type(id, name);
            }
            b'N' => {
                let id = input.number()?;
                let name = input.text()?;
                book.add_name(id, name);
            }
            b'O' => {
                let n = input.number()? as usize;
                book.output.extend_from_slice(input.0.get(..n)?);
                input.0 = &input.0[n..];
            }
            _ => return None,
        }
    }
    Some(())
}

fn events(book: &mut Book, unpacker: &mut Unpacker, raw: &[u8]) -> Option<()> {
    let (mut input, mut events) = (Input(raw), Vec::new());
    unpacker.begin(&mut input)?;
    book.resume(unpacker.next_serial(), unpacker.stack());
    while !input.0.is_empty() {
        unpacker.read(&mut input, &|serial| book.block(serial), &mut events)?;
        events.drain(..).for_each(|e| book.add(&e));
    }
    Some(())
}
