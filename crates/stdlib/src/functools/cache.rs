//! `lru_cache`'s wrapper: a dictionary of results, and the order in which they were last used.

use retic_runtime::object::{Buf, Guarded};
use retic_runtime::types::code::Hidden;
use retic_runtime::types::type_::flags;
use retic_runtime::types::{Dict, Slots, Spec, Tuple, function, int};
use retic_runtime::{Args, Cx, Obj, PyResult, Ref, layout, memory, protocol};
use std::cell::{Cell, RefCell};

layout! {
    /// A function that remembers its results; `max` negative: without limit. With a limit the dictionary maps a key to its
    /// value and its place; `keys` has the key of each place, `order` which place was used when.
    pub struct Cache = 242, "functools._lru_cache_wrapper" {
        function: Guarded<Obj>,
        cache: Guarded<Ref<Dict>>,
        keys: Guarded<Buf<Obj>>,
        order: Hidden<RefCell<Order>>,
        max: Cell<i64>,
        typed: Cell<bool>,
        hits: Cell<i64>,
        misses: Cell<i64>,
        info: Guarded<Obj>,
    }
}

/// Places in order of use, as a list linked both ways: place 0 of `links` is the ring's head.
#[derive(Default)]
pub struct Order {
    links: Vec<(usize, usize)>,
    free: Vec<usize>,
    /// The hash of the key of each place.
    hashes: Vec<i64>,
}

impl Order {
    fn unlink(&mut self, at: usize) {
        let (before, after) = self.links[at];
        self.links[before].1 = after;
        self.links[after].0 = before;
    }
    /// Puts a place at the end: used last.
    fn append(&mut self, at: usize) {
        let last = self.links[0].0;
        self.links[at] = (last, 0);
        self.links[last].1 = at;
        self.links[0].0 = at;
    }
    /// A new place for a key of that hash, used last.
    fn add(&mut self, hash: i64) -> usize {
        if self.links.is_empty() {
            self.links.push((0, 0));
        }
        let at = self.free.pop().unwrap_or_else(|| {
            self.links.push((0, 0));
            self.links.len() - 1
        });
        self.append(at);
        if self.hashes.len() < at {
            self.hashes.resize(at, 0);
        }
        self.hashes[at - 1] = hash;
        at - 1
    }
    fn used(&mut self, place: usize) {
        if place + 1 < self.links.len() {
            self.unlink(place + 1);
            self.append(place + 1);
        }
    }
    fn forget(&mut self, place: usize) {
        if place + 1 < self.links.len() {
            self.unlink(place + 1);
            self.free.push(place + 1);
        }
    }
    /// Gives up the place that was not used for the longest time; the hash of its key beside it.
    fn take_oldest(&mut self) -> Option<(usize, i64)> {
        let first = self.links.first()?.1;
        if first == 0 {
            return None;
        }
        self.forget(first - 1);
        Some((first - 1, self.hashes[first - 1]))
    }
}

/// What a call is remembered under: its arguments, and their types where those count.
fn cache_key(cx: &mut Cx, c: &Ref<Cache>, args: &Args<'_>) -> PyResult {
    let plain = |o: &Obj| std::ptr::eq(o.ty(), &*cx.types.int) || std::ptr::eq(o.ty(), &*cx.types.str);
    if let ([one], true, false) = (args.items, args.names.is_empty(), c.typed.get())
        && plain(one)
    {
        return Ok(one.clone());
    }
    let mut parts = args.positional().to_vec();
    if !args.names.is_empty() {
        parts.push(cx.types.object.as_obj().clone());
        for (k, v) in args.keywords() {
            parts.extend([k.clone(), v.clone()]);
        }
    }
    if c.typed.get() {
        parts.extend(args.items.iter().map(|o| o.type_ref().into_obj()));
    }
    cx.tuple(parts)
}

/// The value behind a key of the dictionary, and its place in the order of use.
fn entry(o: &Obj) -> Option<(Obj, usize)> {
    match o.cast::<Tuple>()?.items() {
        [v, place] => Some((v.clone(), int::to_i64(place)? as usize)),
        _ => None,
    }
}

fn call(cx: &mut Cx, o: &Obj, args: Args<'_>) -> PyResult {
    let Some(c) = o.cast::<Cache>().cloned() else { return Ok(cx.none()) };
    let f = c.function.cloned(cx);
    if c.max.get() == 0 {
        c.misses.set(c.misses.get() + 1);
        return protocol::call_args(cx, &f, args);
    }
    let key = cache_key(cx, &c, &args)?;
    let d = c.cache.cloned(cx);
    // The key is hashed once, and may run Python for it.
    let hash = protocol::hash(cx, &key)?;
    if let Some(found) = d.get_hashed(cx, &key, hash)? {
        c.hits.set(c.hits.get() + 1);
        if c.max.get() < 0 {
            return Ok(found);
        }
        let Some((v, place)) = entry(&found) else { return Ok(found) };
        c.order.0.borrow_mut().used(place);
        return Ok(v);
    }
    c.misses.set(c.misses.get() + 1);
    let v = protocol::call_args(cx, &f, args)?;
    if c.max.get() < 0 {
        let old = d.insert_hashed(cx, &key, hash, v.clone())?;
        cx.release(old);
        return Ok(v);
    }
    // The call may have remembered the same key, or cleared the cache.
    if d.get_hashed(cx, &key, hash)?.is_some() || !c.cache.cloned(cx).as_obj().is(d.as_obj()) {
        return Ok(v);
    }
    if d.len(cx) as i64 >= c.max.get() {
        let oldest = c.order.0.borrow_mut().take_oldest();
        if let Some((place, hash)) = oldest {
            let none = cx.none();
            let k = std::mem::replace(&mut c.keys.get_mut(cx)[place], none);
            let old = d.remove_hashed(cx, &k, hash)?;
            cx.release((old, k));
        }
    }
    let place = c.order.0.borrow_mut().add(hash);
    let keys = c.keys.get_mut(cx);
    if place < keys.len() {
        keys[place] = key.clone();
    } else {
        let mut keys = c.keys.replace(cx, Buf::empty());
        let pushed = keys.push(cx, key.clone());
        c.keys.replace(cx, keys);
        if let Err(r) = pushed {
            c.order.0.borrow_mut().forget(place);
            return Err(r);
        }
    }
    let pair = vec![v.clone(), cx.int(place as i64)?];
    let pair = cx.tuple(pair)?;
    let old = d.insert_hashed(cx, &key, hash, pair)?;
    if let Some((_, place)) = old.as_ref().and_then(entry) {
        // A comparison during the insertion remembered it first.
        c.order.0.borrow_mut().forget(place);
    }
    cx.release(old);
    Ok(v)
}

#[retic_macros::methods]
impl Cache {
    /// Report cache statistics
    #[py("cache_info($self, /)")]
    fn cache_info(cx: &mut Cx, this: &Ref<Cache>) -> PyResult {
        let max = if this.max.get() < 0 { cx.none() } else { cx.int(this.max.get())? };
        let size = this.cache.cloned(cx).len(cx) as i64;
        let args = [cx.int(this.hits.get())?, cx.int(this.misses.get())?, max, cx.int(size)?];
        let info = this.info.cloned(cx);
        protocol::call(cx, &info, &args)
    }
    /// Clear the cache and cache statistics
    #[py("cache_clear($self, /)")]
    fn cache_clear(cx: &mut Cx, this: &Ref<Cache>) -> PyResult<()> {
        this.hits.set(0);
        this.misses.set(0);
        let fresh = Dict::new(cx)?;
        let keys = this.keys.replace(cx, Buf::empty());
        *this.order.0.borrow_mut() = Order::default();
        this.cache.set(cx, fresh);
        drop(keys);
        Ok(())
    }
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Ref<Cache>) -> PyResult {
        let name = cx.name("__qualname__");
        protocol::getattr(cx, this.as_obj(), &name)
    }
    #[py("__copy__($self, /)")]
    fn copy(_cx: &mut Cx, this: &Ref<Cache>) -> Obj {
        this.as_obj().clone()
    }
    #[py("__deepcopy__($self, memo, /)")]
    fn deepcopy(_cx: &mut Cx, this: &Ref<Cache>, memo: &Obj) -> Obj {
        let _ = memo;
        this.as_obj().clone()
    }
}

pub fn spec() -> Spec {
    Spec {
        doc: "Create a cached callable that wraps another function.",
        flags: flags::GC | flags::MANAGED | flags::DICT | flags::WEAK | flags::BASE | flags::METHOD_DESCRIPTOR,
        slots: Slots {
            new: Some(|cx, ty, args| {
                let p = args.positional();
                let get = |cx: &Cx, i: usize, name: &str| p.get(i).or(args.keyword(cx, name)).cloned();
                let (Some(f), Some(max), Some(typed), Some(info)) = (get(cx, 0, "user_function"), get(cx, 1, "maxsize"), get(cx, 2, "typed"), get(cx, 3, "cache_info_type")) else {
                    return Err(cx.type_error("_lru_cache_wrapper() missing required arguments"));
                };
                if f.ty().slots(cx).call.is_none() {
                    return Err(cx.type_error("the first argument must be callable"));
                }
                let max = if max.is_none() {
                    -1
                } else {
                    match int::to_i64(&max) {
                        Some(n) => n.max(0),
                        None => return Err(cx.type_error("maxsize should be integer or None")),
                    }
                };
                let typed = protocol::truth(cx, &typed)?;
                let d = Dict::new(cx)?;
                Ok(memory::new(cx, ty, |head| Cache {
                    head,
                    function: Guarded::new(f),
                    cache: Guarded::new(d),
                    keys: Guarded::new(Buf::empty()),
                    order: Hidden(RefCell::default()),
                    max: Cell::new(max),
                    typed: Cell::new(typed),
                    hits: Cell::new(0),
                    misses: Cell::new(0),
                    info: Guarded::new(info),
                })?
                .into_obj())
            }),
            init: Some(|_, _, _| Ok(())),
            call: Some(call),
            get: Some(|cx, d, obj, _| match obj {
                Some(o) => function::bind(cx, d.clone(), o.clone()),
                None => Ok(d.clone()),
            }),
            ..Slots::EMPTY
        },
        methods: Cache::METHODS,
        ..Spec::new::<Cache>("functools._lru_cache_wrapper")
    }
}
