//! A recording that is cut off or damaged gives the part that is whole, or a sentence; never a panic, never wild memory.

use retic_events::{Asked, Event, How, Left, Sink};
use retic_lens::{Lang, Writer, read, report, why};

/// A recording of three objects at one address.
fn recording() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut w = Writer::new(&mut bytes, "p.py", Box::new(|_| true)).expect("memory takes everything");
    let code = retic_bytecode::Code {
        name: "f".into(),
        qualname: "f".into(),
        filename: "p.py".into(),
        firstlineno: 1,
        body: retic_bytecode::code::Body { code: vec![100, 0, 83, 0], consts: vec![retic_bytecode::Const::None], ..Default::default() }.into(),
        ..Default::default()
    };
    w.code(1, &retic_bytecode::pack::write(&code).expect("it is not deep"), true);
    w.site(1, 1, 0);
    w.site(2, 1, 2);
    w.type_name(1, "object");
    w.name(1, "object");
    let mut events = vec![Event::Checkpoint { blocks: 10 }, Event::Enter { code: 1 }];
    for n in 1..=3 {
        events.extend([
            Event::At { step: n * 4, site: 1, by: 1 },
            Event::Birth { serial: n, address: 0x7000_0010, size: 32, before: 16, type_id: 1 },
            Event::Asked { serial: n, how: Asked::Id },
            Event::Step,
            Event::Slot { slot: 0, serial: n },
            Event::Count { serial: n, count: 2 },
            Event::At { step: n * 4 + 2, site: 2, by: 0 },
            Event::Dying { serial: n, how: How::FrameLeft, arg: 0 },
            Event::Free { serial: n, block: 0x7000_0000 },
        ]);
    }
    events.extend([Event::Leave { how: Left::Returned }, Event::Checkpoint { blocks: 10 }]);
    w.events(&events);
    w.source("p.py", "def f():\n    pass\n");
    w.end().expect("memory takes everything");
    bytes
}

/// Everything that can be asked of a book.
fn ask(bytes: &[u8]) -> Option<String> {
    let book = read(bytes).ok()?;
    let style = report::Style::default();
    let mut out = report::report(&book, &style);
    for lang in [Lang::En, Lang::Zh] {
        let style = report::Style { lang, ..style };
        out += &why::id(&book, &style, None);
        out += &why::same(&book, &style, None);
        out += &why::cycles(&book, &style);
        out += &why::died(&book, &style, &why::Who::Serial(2)).unwrap_or_default();
        out += &why::alive(&book, &style, &why::Who::Serial(2)).unwrap_or_default();
    }
    out += &why::ask(&book, &style, "count", Some("x@f"), None).unwrap_or_default();
    out += &retic_lens::diff::diff(&book, &book, &style);
    out += &format!("{:?}", retic_lens::perfetto::perfetto(&book, true).len());
    out += &format!("{:?}", retic_lens::parquet::tables(&book, true).iter().map(|(_, t)| t.len()).sum::<usize>());
    out += &retic_lens::page::page(&book, true);
    out += &retic_lens::export::json(&book, true);
    out += &retic_lens::listing::with_lives(&book, Lang::En, 80);
    Some(out)
}

#[test]
fn a_whole_recording_reads_back() {
    let book = read(&recording()).expect("it is one");
    assert_eq!(book.damage, None);
    assert_eq!(book.closed(), Ok(()));
    assert_eq!(book.lives.len(), 3);
    assert_eq!(book.tenants(2), [1, 2, 3]);
    assert_eq!((book.lives[1].previous, book.lives[1].next, book.lives[1].tenant), (1, 3, 2));
    assert!(book.lives.iter().all(|l| l.address == 0x7000_0010 && l.size == 32 && l.freed.is_some()));
    assert!(ask(&recording()).is_some_and(|t| t.contains("It is not the same object")));
}

#[test]
fn a_recording_that_was_cut_off_gives_what_is_whole() {
    let whole = recording();
    let mut lives = Vec::new();
    for end in 0..whole.len() {
        match read(&whole[..end]) {
            Ok(book) => {
                assert!(book.lives.len() <= 3);
                lives.push(book.lives.len());
                ask(&whole[..end]);
            }
            Err(e) => assert!(end < 8 && e.contains("not a .lens file"), "{end}: {e}"),
        }
    }
    assert!(lives.contains(&0) && lives.contains(&3));
}

#[test]
fn a_damaged_recording_is_told_from_a_whole_one() {
    let whole = recording();
    for at in 0..whole.len() {
        for bit in [0, 3, 7] {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << bit;
            match read(&bytes) {
                Ok(book) => assert!(book.damage.is_some(), "byte {at} bit {bit}"),
                Err(e) => assert!(at < 8, "{e}"),
            }
            ask(&bytes);
        }
    }
}

#[test]
fn a_ring_keeps_the_last_part() {
    let mut bytes = Vec::new();
    let mut w = Writer::new(&mut bytes, "p.py", Box::new(|_| true)).expect("memory takes everything").keep(4000);
    w.type_name(1, "object");
    let mut events = vec![Event::Enter { code: 1 }];
    // Addresses without a pattern, so that chunks stay large.
    let mut address = 0x7000_0000u64;
    for n in 1..=600_000u64 {
        address = address.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(n) & 0x7fff_ffff_fff0;
        events.push(Event::Birth { serial: n, address, size: 16, before: 0, type_id: 1 });
        events.push(Event::Dying { serial: n, how: How::Dropped, arg: 0 });
        events.push(Event::Free { serial: n, block: address });
        if events.len() > 4000 {
            w.events(&events);
            events.clear();
        }
    }
    w.events(&events);
    let written = w.end().expect("memory takes everything");
    assert_eq!(written, bytes.len() as u64);
    let book = read(&bytes).expect("a recording");
    assert!(book.damage.is_none() && book.first > 1, "{:?} {}", book.damage, book.first);
    // Nothing is missing behind the first that was kept, and all of it is dead.
    assert_eq!(book.first + book.lives.len() as u64, 600_001);
    assert!(book.lives.iter().all(|l| l.freed.is_some() && book.type_name(l.type_id) == "object"));
}

#[test]
fn what_is_no_recording_is_refused_in_words() {
    assert_eq!(read(b"").err().as_deref(), Some("this is not a .lens file"));
    assert_eq!(read(b"#!/usr/bin/env python").err().as_deref(), Some("this is not a .lens file"));
    let mut future = recording();
    future[6] = 9;
    assert_eq!(read(&future).err().as_deref(), Some("this .lens file has version 9; this program reads version 4"));
}
