//! Who asked for a block: what `tracemalloc` shows. While it is on, the heap tells of every block, and the place of the frames
//! that run is kept with it.

use super::pre_size;
use crate::cx::Cx;
use crate::object::Obj;
use retic_bytecode::Code;
use retic_heap::Entry;
use rustc_hash::FxHashMap;
use std::rc::Rc;

/// A frame's place: a code object of `Tracer::codes`, and the line.
type Place = (u32, u32);

/// A block that is in use.
#[derive(Clone, Copy)]
pub struct Traced {
    pub size: usize,
    /// A stack of `Tracer::stacks`.
    pub stack: u32,
}

/// Frames, the innermost first, and how many there were.
struct Stack {
    places: Box<[Place]>,
    total: u32,
}

/// What is known of the blocks.
pub struct Tracer {
    /// How many frames are kept.
    pub limit: usize,
    pub current: usize,
    pub peak: usize,
    blocks: FxHashMap<usize, Traced>,
    codes: Vec<Rc<Code>>,
    code_ids: FxHashMap<*const Code, u32>,
    lines: FxHashMap<(u32, u32), u32>,
    stacks: Vec<Stack>,
    stack_ids: FxHashMap<Box<[Place]>, u32>,
    scratch: Vec<Place>,
}

/// Frames as `tracemalloc` reads them: names of files and lines, the outermost first, and how many there were.
pub struct Trace {
    pub frames: Vec<(Rc<str>, u32)>,
    pub total: u32,
}

impl Tracer {
    fn new(limit: usize) -> Tracer {
        Tracer {
            limit,
            current: 0,
            peak: 0,
            blocks: FxHashMap::default(),
            codes: Vec::new(),
            code_ids: FxHashMap::default(),
            lines: FxHashMap::default(),
            stacks: Vec::new(),
            stack_ids: FxHashMap::default(),
            scratch: Vec::new(),
        }
    }
    fn place(&mut self, code: &Rc<Code>, offset: u32) -> Place {
        let id = *self.code_ids.entry(Rc::as_ptr(code)).or_insert_with(|| {
            self.codes.push(code.clone());
            self.codes.len() as u32 - 1
        });
        let line = *self.lines.entry((id, offset)).or_insert_with(|| retic_bytecode::lines::line_of(code, offset));
        (id, line)
    }
    /// The stack that runs.
    fn here(&mut self, cx: &Cx) -> u32 {
        let mut places = std::mem::take(&mut self.scratch);
        places.clear();
        let mut total = 0;
        for frame in cx.stacks.iter() {
            total += 1;
            if places.len() < self.limit {
                let code = frame.function().code.get(cx).code();
                places.push(self.place(&code, frame.offset()));
            } else if total > u32::from(u16::MAX) {
                break;
            }
        }
        let id = match self.stack_ids.get(&places[..]) {
            Some(id) => *id,
            None => {
                let id = self.stacks.len() as u32;
                self.stacks.push(Stack { places: places.clone().into(), total });
                self.stack_ids.insert(places.clone().into(), id);
                id
            }
        };
        self.scratch = places;
        id
    }
    fn came(&mut self, block: usize, size: usize, stack: u32) {
        let old = self.blocks.insert(block, Traced { size, stack });
        self.current = self.current - old.map_or(0, |b| b.size) + size;
        self.peak = self.peak.max(self.current);
    }
    fn went(&mut self, block: usize) -> Option<Traced> {
        let old = self.blocks.remove(&block)?;
        self.current -= old.size;
        Some(old)
    }
    /// The blocks in use.
    pub fn blocks(&self) -> impl Iterator<Item = Traced> {
        self.blocks.values().copied()
    }
    pub fn trace(&self, stack: u32) -> Trace {
        let stack = &self.stacks[stack as usize];
        let frames = stack.places.iter().rev().map(|(code, line)| (self.codes[*code as usize].filename.clone(), *line)).collect();
        Trace { frames, total: stack.total }
    }
    /// Bytes of the tables here, roughly.
    pub fn own_bytes(&self) -> usize {
        let stacks: usize = self.stacks.iter().map(|s| 2 * (s.places.len() * size_of::<Place>() + 32)).sum();
        self.blocks.capacity() * (size_of::<(usize, Traced)>() + 1) + self.lines.capacity() * 13 + self.codes.capacity() * 25 + stacks
    }
    pub fn clear(&mut self) {
        *self = Tracer::new(self.limit);
    }
}

/// The heap's watcher: `whose` is the address of the interpreter's context.
fn told(whose: usize, entry: Entry) {
    // SAFETY: the context lies where it is while its heap does, and tells of its own blocks; only shared parts are looked at.
    let cx = unsafe { &*(whose as *const Cx) };
    let Ok(mut tracer) = cx.tracer.try_borrow_mut() else { return };
    let Some(t) = tracer.as_mut() else { return };
    match entry {
        Entry::Came { block, size, .. } => {
            let stack = t.here(cx);
            t.came(block, size, stack);
        }
        Entry::Went { block, .. } => _ = t.went(block),
        Entry::Resized { from, to, size } => {
            // A block that was there before the tracing stays unknown, as long as it stays.
            if t.went(from).is_some() || from != to {
                let stack = t.here(cx);
                t.came(to, size, stack);
            }
        }
    }
}

/// Begins to trace, with so many frames a block; what is traced already stays.
pub fn start(cx: &mut Cx, limit: usize) {
    if cx.tracer.get_mut().is_some() {
        return;
    }
    *cx.tracer.get_mut() = Some(Box::new(Tracer::new(limit)));
    cx.heap.set_watch(Some((told, &raw const *cx as usize)));
}

/// Ends it, and forgets everything.
pub fn stop(cx: &mut Cx) {
    cx.heap.set_watch(None);
    *cx.tracer.get_mut() = None;
}

/// Runs something on the tracer, which hears of no blocks meanwhile.
pub fn unheard<T>(cx: &mut Cx, act: impl FnOnce(&mut Cx, &Tracer) -> T) -> Option<T> {
    let tracer = cx.tracer.get_mut().take()?;
    let out = act(cx, &tracer);
    // What was stopped meanwhile stays so: nothing that runs here can.
    *cx.tracer.get_mut() = Some(tracer);
    Some(out)
}

/// The trace of an object's block.
pub fn trace_of(cx: &Cx, o: &Obj) -> Option<Trace> {
    let tracer = cx.tracer.borrow();
    let t = tracer.as_ref()?;
    let block = t.blocks.get(&(o.address() - pre_size(o.ty())))?;
    Some(t.trace(block.stack))
}
