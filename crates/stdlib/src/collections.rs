//! `_collections`: `deque`, `defaultdict`, `_tuplegetter`, `_count_elements`. (`OrderedDict` is the one of the library.)

use retic_runtime::native::{MemberDef, MemberKind, SliceIndex};
use retic_runtime::object::{Guarded, Trace, Visit};
use retic_runtime::types::type_::{Cmp, Op, flags};
use retic_runtime::types::{Dict, Slots, Spec, Tuple, dict, int, module};
use retic_runtime::{Args, Cx, Obj, PyResult, Ref, interp, layout, memory, protocol};
use std::cell::Cell;
use std::collections::VecDeque;

/// The items of a deque.
pub struct Items(pub(crate) Guarded<VecDeque<Obj>>);
impl Trace for Items {
    fn trace(&self, visit: Visit<'_>) {
        self.0.trace_items(visit);
    }
    fn clear(&self, out: &mut Vec<Obj>) {
        self.0.clear_items(out);
    }
}

layout! {
    /// A double-ended queue; `state` changes with every change, so iterators notice.
    pub struct Deque = 230, "collections.deque" { items: Items, maxlen: Cell<i64>, state: Cell<u64>, }
}
layout! {
    /// A walk along a deque.
    pub struct DequeIter = 231, "collections._deque_iterator" { deque: Guarded<Ref<Deque>>, at: Cell<usize>, state: Cell<u64>, back: Cell<bool>, }
}
layout! {
    /// The descriptor of a field of a named tuple.
    pub struct TupleGetter = 232, "_collections._tuplegetter" { index: Cell<usize>, doc: Guarded<Obj>, }
}

type D = Ref<Deque>;

fn of(o: &Obj) -> D {
    o.cast::<Deque>().expect("slots of deque are reached through deques only").clone()
}
impl Deque {
    fn get<'a>(&'a self, cx: &'a Cx) -> &'a VecDeque<Obj> {
        self.items.0.get(cx)
    }
    fn change<'a>(&'a self, cx: &'a mut Cx) -> &'a mut VecDeque<Obj> {
        self.state.set(self.state.get() + 1);
        self.items.0.get_mut(cx)
    }
}

fn push(cx: &mut Cx, d: &D, v: Obj, left: bool) -> PyResult<()> {
    let max = d.maxlen.get();
    if d.get(cx).len() > 1 << 33 {
        return Err(cx.memory_error());
    }
    let q = d.change(cx);
    if q.try_reserve(1).is_err() {
        return Err(cx.memory_error());
    }
    if left {
        q.push_front(v)
    } else {
        q.push_back(v)
    }
    if max >= 0 && q.len() as i64 > max {
        let old = if left { q.pop_back() } else { q.pop_front() };
        cx.release(old);
    }
    Ok(())
}
fn extend(cx: &mut Cx, d: &D, iterable: &Obj, left: bool) -> PyResult<()> {
    if iterable.is(d.as_obj()) {
        for v in d.get(cx).iter().cloned().collect::<Vec<_>>() {
            push(cx, d, v, left)?;
        }
        return Ok(());
    }
    let it = protocol::iter(cx, iterable)?;
    while let Some(v) = protocol::next(cx, &it)? {
        push(cx, d, v, left)?;
        cx.poll_native()?;
    }
    Ok(())
}
fn clear(cx: &mut Cx, d: &D) {
    let old = std::mem::take(d.change(cx));
    cx.release(old);
}
fn copy(cx: &mut Cx, d: &D) -> PyResult {
    let class = d.as_obj().type_ref();
    if std::ptr::eq(&*class, &*cx.native_type("collections.deque")) {
        let new = empty(cx, &class)?;
        new.maxlen.set(d.maxlen.get());
        *new.items.0.get_mut(cx) = d.get(cx).clone();
        return Ok(new.into_obj());
    }
    let mut args = vec![d.as_obj().clone()];
    if d.maxlen.get() >= 0 {
        args.push(cx.int(d.maxlen.get())?);
    }
    let made = protocol::call(cx, class.as_obj(), &args)?;
    if made.cast::<Deque>().is_none() {
        return Err(cx.type_error(format!("{}() must return a deque, not {}", class.name_text(), made.ty().name_text())));
    }
    Ok(made)
}
fn empty(cx: &Cx, ty: &retic_runtime::types::Type) -> PyResult<D> {
    memory::new(cx, ty, |head| Deque { head, items: Items(Guarded::new(VecDeque::new())), maxlen: Cell::new(-1), state: Cell::new(0) })
}
fn index_of(cx: &mut Cx, d: &D, k: &Obj) -> PyResult<usize> {
    let i = protocol::sequence_index(cx, k, "sequence")?;
    protocol::wrap_index(i, d.get(cx).len()).ok_or_else(|| cx.index_error("deque index out of range"))
}
fn iterate(cx: &mut Cx, d: &D, back: bool) -> PyResult {
    let ty = cx.native_type(if back { "collections._deque_reverse_iterator" } else { "collections._deque_iterator" });
    let (d, state) = (d.clone(), d.state.get());
    Ok(memory::new(cx, &ty, |head| DequeIter { head, deque: Guarded::new(d), at: Cell::new(0), state: Cell::new(state), back: Cell::new(back) })?.into_obj())
}
/// The position of a value, looked for between two indices.
fn find(cx: &mut Cx, d: &D, value: &Obj, from: usize, to: usize) -> PyResult<Option<usize>> {
    let state = d.state.get();
    for i in from..to.min(d.get(cx).len()) {
        let Some(v) = d.get(cx).get(i).cloned() else { break };
        let same = protocol::equal(cx, &v, value)?;
        if d.state.get() != state {
            return Err(cx.runtime_error("deque mutated during iteration"));
        }
        if same {
            return Ok(Some(i));
        }
    }
    Ok(None)
}

#[retic_macros::methods]
impl Deque {
    /// Add an element to the right side of the deque.
    #[py("append($self, item, /)")]
    fn append(cx: &mut Cx, this: &Ref<Deque>, item: &Obj) -> PyResult<()> {
        push(cx, this, item.clone(), false)
    }
    /// Add an element to the left side of the deque.
    #[py("appendleft($self, item, /)")]
    fn appendleft(cx: &mut Cx, this: &Ref<Deque>, item: &Obj) -> PyResult<()> {
        push(cx, this, item.clone(), true)
    }
    /// Remove all elements from the deque.
    #[py("clear($self, /)")]
    fn clear_method(cx: &mut Cx, this: &Ref<Deque>) {
        clear(cx, this);
    }
    /// Return a shallow copy of a deque.
    #[py("copy($self, /)")]
    fn copy_method(cx: &mut Cx, this: &Ref<Deque>) -> PyResult {
        copy(cx, this)
    }
    /// Return a shallow copy of a deque.
    #[py("__copy__($self, /)")]
    fn copy_dunder(cx: &mut Cx, this: &Ref<Deque>) -> PyResult {
        copy(cx, this)
    }
    /// Return number of occurrences of value.
    #[py("count($self, value, /)")]
    fn count(cx: &mut Cx, this: &Ref<Deque>, value: &Obj) -> PyResult<usize> {
        let (mut n, mut at) = (0, 0);
        while let Some(i) = find(cx, this, value, at, usize::MAX)? {
            n += 1;
            at = i + 1;
        }
        Ok(n)
    }
    /// Extend the right side of the deque with elements from the iterable.
    #[py("extend($self, iterable, /)")]
    fn extend_method(cx: &mut Cx, this: &Ref<Deque>, iterable: &Obj) -> PyResult<()> {
        extend(cx, this, iterable, false)
    }
    /// Extend the left side of the deque with elements from the iterable.
    #[py("extendleft($self, iterable, /)")]
    fn extendleft(cx: &mut Cx, this: &Ref<Deque>, iterable: &Obj) -> PyResult<()> {
        extend(cx, this, iterable, true)
    }
    /// Return first index of value.
    #[py("index($self, value, start=0, stop=9223372036854775807, /)", "($self, value, [start, [stop]])")]
    fn index(cx: &mut Cx, this: &Ref<Deque>, value: &Obj, start: Option<SliceIndex>, stop: Option<SliceIndex>) -> PyResult<usize> {
        let (start, stop) = (start.map_or(0, |s| s.0), stop.map_or(i64::MAX, |s| s.0));
        let (a, b) = protocol::clamp_range(start, stop, this.get(cx).len());
        match find(cx, this, value, a, b)? {
            Some(i) => Ok(i),
            None => {
                let shown = protocol::repr_text(cx, value)?;
                Err(cx.value_error(format!("{shown} is not in deque")))
            }
        }
    }
    /// Insert value before index.
    #[py("insert($self, index, value, /)")]
    fn insert(cx: &mut Cx, this: &Ref<Deque>, index: i64, value: &Obj) -> PyResult<()> {
        let n = this.get(cx).len() as i64;
        if n == this.maxlen.get() {
            return Err(cx.index_error("deque already at its maximum size"));
        }
        let at = if index < 0 { (index + n).max(0) } else { index.min(n) } as usize;
        this.change(cx).insert(at, value.clone());
        Ok(())
    }
    /// Remove and return the rightmost element.
    #[py("pop($self, /)")]
    fn pop(cx: &mut Cx, this: &Ref<Deque>) -> PyResult {
        this.change(cx).pop_back().ok_or_else(|| cx.index_error("pop from an empty deque"))
    }
    /// Remove and return the leftmost element.
    #[py("popleft($self, /)")]
    fn popleft(cx: &mut Cx, this: &Ref<Deque>) -> PyResult {
        this.change(cx).pop_front().ok_or_else(|| cx.index_error("pop from an empty deque"))
    }
    /// Remove first occurrence of value.
    #[py("remove($self, value, /)")]
    fn remove(cx: &mut Cx, this: &Ref<Deque>, value: &Obj) -> PyResult<()> {
        let found = match find(cx, this, value, 0, usize::MAX) {
            Err(_) if cx.error_is(&cx.types.runtime_error) => {
                cx.clear_error();
                return Err(cx.index_error("deque mutated during iteration"));
            }
            found => found?,
        };
        match found {
            Some(i) => {
                let old = this.change(cx).remove(i);
                cx.release(old);
                Ok(())
            }
            None => Err(cx.value_error("deque.remove(x): x not in deque")),
        }
    }
    /// Reverse *IN PLACE*.
    #[py("reverse($self, /)")]
    fn reverse(cx: &mut Cx, this: &Ref<Deque>) {
        this.change(cx).make_contiguous().reverse();
    }
    /// Rotate the deque n steps to the right.  If n is negative, rotates left.
    #[py("rotate($self, n=1, /)")]
    fn rotate(cx: &mut Cx, this: &Ref<Deque>, n: i64) {
        let len = this.get(cx).len() as i64;
        if len > 1 {
            this.change(cx).rotate_right(n.rem_euclid(len) as usize);
        }
    }
    /// Return the size of the deque in memory, in bytes: a head and blocks of 64 places.
    #[py("__sizeof__($self, /)")]
    fn sizeof(cx: &mut Cx, this: &Ref<Deque>) -> usize {
        // The first item lies in the middle of a block.
        retic_runtime::types::type_::sizes::basic(cx, this.as_obj()) + (1 + (31 + this.get(cx).len()) / 64) * 528
    }
    /// Return a reverse iterator over the deque.
    #[py("__reversed__($self, /)")]
    fn reversed(cx: &mut Cx, this: &Ref<Deque>) -> PyResult {
        iterate(cx, this, true)
    }
    /// Return state information for pickling.
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Ref<Deque>) -> PyResult {
        let state = protocol::pickle::getstate(cx, this.as_obj())?;
        let it = iterate(cx, this, false)?;
        let args = if this.maxlen.get() < 0 {
            cx.tuple(Vec::new())?
        } else {
            let (e, m) = (cx.tuple(Vec::new())?, cx.int(this.maxlen.get())?);
            cx.tuple_of([e, m])?
        };
        cx.tuple_of([this.as_obj().type_ref().into_obj(), args, state, it])
    }
    /// See PEP 585
    #[py("__class_getitem__($type, object, /)")]
    fn class_getitem(cx: &mut Cx, cls: &Obj, object: &Obj) -> PyResult {
        retic_runtime::types::generic::alias(cx, cls, object)
    }
    /// maximum size of a deque or None if unbounded
    #[get("maxlen")]
    fn maxlen_get(_cx: &mut Cx, this: &Ref<Deque>) -> Option<i64> {
        Some(this.maxlen.get()).filter(|m| *m >= 0)
    }
}

fn joined(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
    if b.cast::<Deque>().is_none() {
        return Err(cx.type_error(format!("can only concatenate deque (not \"{}\") to deque", b.ty().name_text())));
    }
    let new = copy(cx, &of(a))?;
    extend(cx, &of(&new), b, false)?;
    Ok(new)
}
fn repeated(cx: &mut Cx, d: &D, n: &Obj) -> PyResult<()> {
    let Some(n) = protocol::repeat_count(cx, n)? else { return Ok(()) };
    let items: Vec<Obj> = d.get(cx).iter().cloned().collect();
    if n == 0 {
        clear(cx, d);
    }
    protocol::check_size(cx, items.len(), n.max(1), 8)?;
    for _ in 1..n {
        for v in &items {
            push(cx, d, v.clone(), false)?;
        }
        cx.poll_native()?;
    }
    Ok(())
}

fn deque_spec() -> Spec {
    Spec {
        doc: "A list-like sequence optimized for data accesses near its endpoints.",
        text_signature: "([iterable[, maxlen]])",
        flags: flags::GC | flags::MANAGED | flags::WEAK | flags::BASE | flags::SEQUENCE,
        slots: Slots {
            new: Some(|cx, ty, _| Ok(empty(cx, ty)?.into_obj())),
            init: Some(|cx, o, args: Args<'_>| {
                let d = of(o);
                let p = args.positional();
                args.only(cx, "deque", &["iterable", "maxlen"])?;
                let max = match p.get(1).or(args.keyword(cx, "maxlen")).filter(|m| !m.is_none()) {
                    Some(m) => {
                        if m.ty().slots(cx).index.is_none() {
                            return Err(cx.type_error("an integer is required"));
                        }
                        let n = protocol::index_i64(cx, m)?;
                        if n < 0 {
                            return Err(cx.value_error("maxlen must be non-negative"));
                        }
                        n
                    }
                    None => -1,
                };
                d.maxlen.set(max);
                clear(cx, &d);
                match p.first().or(args.keyword(cx, "iterable")).cloned() {
                    Some(i) => extend(cx, &d, &i, false),
                    None => Ok(()),
                }
            }),
            repr: Some(|cx, o| {
                let name = o.ty().short_name();
                let Some(mark) = protocol::enter_repr(cx, o) else { return cx.str("[...]") };
                let d = of(o);
                let items: Vec<Obj> = d.get(cx).iter().cloned().collect();
                let close = if d.maxlen.get() >= 0 { format!("], maxlen={})", d.maxlen.get()) } else { "])".into() };
                let r = protocol::join_reprs(cx, items, &format!("{name}(["), &close);
                protocol::leave_repr(cx, mark);
                r
            }),
            hash: Some(retic_runtime::types::dunders::unhashable),
            richcompare: Some(|cx, a, b, op: Cmp| {
                let (Some(x), Some(y)) = (a.cast::<Deque>().cloned(), b.cast::<Deque>().cloned()) else { return Ok(cx.not_implemented()) };
                let (n, m) = (x.get(cx).len(), y.get(cx).len());
                if a.is(b) {
                    return Ok(cx.bool(op.of(0, 0)));
                }
                protocol::compare_sequences(cx, n, m, op, |cx, i, show| {
                    let (x, y) = (x.get(cx), y.get(cx));
                    _ = (i..x.len().min(y.len())).all(|i| show(&x[i], &y[i]));
                })
            }),
            len: Some(|cx, o| Ok(of(o).get(cx).len())),
            getitem: Some(|cx, o, k| {
                let d = of(o);
                let i = index_of(cx, &d, k)?;
                Ok(d.get(cx)[i].clone())
            }),
            setitem: Some(|cx, o, k, v| {
                let d = of(o);
                let i = index_of(cx, &d, k)?;
                let old = match v {
                    Some(v) => {
                        let v = v.clone();
                        Some(std::mem::replace(&mut d.items.0.get_mut(cx)[i], v))
                    }
                    None => d.change(cx).remove(i),
                };
                cx.release(old);
                Ok(())
            }),
            contains: Some(|cx, o, v| Ok(find(cx, &of(o), v, 0, usize::MAX)?.is_some())),
            iter: Some(|cx, o| iterate(cx, &of(o), false)),
            concat: Some(joined),
            repeat: Some(|cx, o, n| {
                let new = copy(cx, &of(o))?;
                repeated(cx, &of(&new), n)?;
                Ok(new)
            }),
            ..Slots::EMPTY.with_inplace(&[
                (Op::Add, |cx, a, b| {
                    extend(cx, &of(a), b, false)?;
                    Ok(a.clone())
                }),
                (Op::Mul, |cx, a, n| {
                    repeated(cx, &of(a), n)?;
                    Ok(a.clone())
                }),
            ])
        },
        methods: Deque::METHODS,
        getset: Deque::GETSET,
        ..Spec::new::<Deque>("collections.deque")
    }
}

/// `type(iter(deque))(deque, index=0)`: what a pickled iterator is made of.
fn new_iterator(cx: &mut Cx, ty: &Ref<retic_runtime::types::Type>, args: Args<'_>, back: bool) -> PyResult {
    let name = ty.short_name();
    let a = args.unpack(cx, &name, 1, 2)?;
    let Some(d) = a[0].cast::<Deque>() else {
        return Err(cx.type_error(format!("{name}() argument 1 must be collections.deque, not {}", a[0].ty().name_text())));
    };
    let index = a.get(1).map_or(Ok(0), |i| protocol::index_i64(cx, i))?.max(0) as usize;
    let made = iterate(cx, d, back)?;
    if let Some(it) = made.cast::<DequeIter>() {
        it.at.set(index.min(d.get(cx).len()));
    }
    Ok(made)
}

fn iterator_spec(name: &'static str) -> Spec {
    Spec {
        flags: flags::GC,
        slots: Slots {
            new: Some(if name.contains("reverse") { |cx, ty, args| new_iterator(cx, ty, args, true) } else { |cx, ty, args| new_iterator(cx, ty, args, false) }),
            iter: Some(|_, o| Ok(o.clone())),
            next: Some(|cx, o| {
                let Some(it) = o.cast::<DequeIter>().cloned() else { return Ok(None) };
                let d = it.deque.cloned(cx);
                let (i, n) = (it.at.get(), d.get(cx).len());
                if d.state.get() != it.state.get() {
                    it.at.set(usize::MAX);
                    return Err(cx.runtime_error("deque mutated during iteration"));
                }
                if i >= n {
                    return Ok(None);
                }
                it.at.set(i + 1);
                Ok(d.get(cx).get(if it.back.get() { n - 1 - i } else { i }).cloned())
            }),
            ..Slots::EMPTY
        },
        methods: DequeIter::METHODS,
        ..Spec::new::<DequeIter>(name)
    }
}
#[retic_macros::methods]
impl DequeIter {
    /// Return state information for pickling.
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Ref<DequeIter>) -> PyResult {
        let (deque, at) = (this.deque.cloned(cx).as_obj().clone(), cx.int(this.at.get().min(i64::MAX as usize) as i64)?);
        let args = cx.tuple_of([deque, at])?;
        cx.tuple_of([this.as_obj().type_ref().into_obj(), args])
    }
    /// Private method returning an estimate of len(list(it)).
    #[py("__length_hint__($self, /)")]
    fn length_hint(cx: &mut Cx, this: &Ref<DequeIter>) -> usize {
        let d = this.deque.cloned(cx);
        d.get(cx).len().saturating_sub(this.at.get())
    }
}

/// What a default dict makes values with.
fn factory(cx: &Cx, o: &Obj) -> Obj {
    o.cast::<Dict>().and_then(|d| d.factory.cloned(cx)).unwrap_or_else(|| cx.none())
}
const FACTORY: &[MemberDef] =
    &[MemberDef { name: "default_factory", offset: std::mem::offset_of!(Dict, factory), kind: MemberKind::Object, doc: "Factory for default value called by __missing__()." }];

struct DefaultDict;
#[retic_macros::methods]
impl DefaultDict {
    /// __missing__(key) # Called by __getitem__ for missing key
    #[py("__missing__($self, key, /)", "($self, object, /)")]
    fn missing(cx: &mut Cx, this: &Ref<Dict>, key: &Obj) -> PyResult {
        let f = factory(cx, this.as_obj());
        if f.is_none() {
            return Err(cx.key_error(key));
        }
        let v = protocol::call(cx, &f, &[])?;
        protocol::setitem(cx, this.as_obj(), key, Some(&v))?;
        Ok(v)
    }
    /// D.copy() -> a shallow copy of D.
    #[py("copy($self, /)")]
    fn copy(cx: &mut Cx, this: &Ref<Dict>) -> PyResult {
        let f = factory(cx, this.as_obj());
        protocol::call(cx, this.as_obj().type_ref().as_obj(), &[f, this.as_obj().clone()])
    }
    /// D.copy() -> a shallow copy of D.
    #[py("__copy__($self, /)")]
    fn copy_dunder(cx: &mut Cx, this: &Ref<Dict>) -> PyResult {
        DefaultDict::copy(cx, this)
    }
    /// Return state information for pickling.
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Ref<Dict>) -> PyResult {
        let f = factory(cx, this.as_obj());
        let args = cx.tuple(if f.is_none() { Vec::new() } else { vec![f] })?;
        let items = protocol::call_method(cx, this.as_obj(), "items", &[])?;
        let it = protocol::iter(cx, &items)?;
        let none = cx.none();
        cx.tuple_of([this.as_obj().type_ref().into_obj(), args, none.clone(), none, it])
    }
    /// See PEP 585
    #[py("__class_getitem__($type, object, /)")]
    fn class_getitem(cx: &mut Cx, cls: &Obj, object: &Obj) -> PyResult {
        retic_runtime::types::generic::alias(cx, cls, object)
    }
}

fn merged(cx: &mut Cx, a: &Obj, b: &Obj) -> PyResult {
    if a.cast::<Dict>().is_none() || b.cast::<Dict>().is_none() {
        return Ok(cx.not_implemented());
    }
    let ty = cx.native_type("collections.defaultdict");
    let like = if a.ty().is_subtype(cx, &ty) { a } else { b };
    let f = factory(cx, like);
    let new = protocol::call(cx, like.type_ref().as_obj(), &[f, a.clone()])?;
    protocol::call_method(cx, &new, "update", std::slice::from_ref(b))?;
    Ok(new)
}

fn defaultdict_spec() -> Spec {
    Spec {
        doc: "defaultdict(default_factory=None, /, [...]) --> dict with default factory\n\nThe default factory is called without arguments to produce a new value when a key is not present, in __getitem__ only.",
        text_signature: "",
        basicsize: 56,
        shape: 0,
        slots: Slots {
            init: Some(|cx, o, args: Args<'_>| {
                let p = args.positional();
                let f = p.first().cloned().unwrap_or_else(|| cx.none());
                if !f.is_none() && f.ty().slots(cx).call.is_none() {
                    return Err(cx.type_error("first argument must be callable or None"));
                }
                let old = o.cast::<Dict>().and_then(|d| d.factory.replace(cx, Some(f).filter(|f| !f.is_none())));
                cx.release(old);
                let rest = Args { items: &args.items[p.len().min(1)..], names: args.names };
                match cx.types.dict.slots(cx).init {
                    Some(init) => init(cx, o, rest),
                    None => Ok(()),
                }
            }),
            repr: Some(|cx, o| {
                let name = o.ty().short_name();
                let f = factory(cx, o);
                let shown = match protocol::enter_repr(cx, o) {
                    None => "...".to_string(),
                    Some(mark) => {
                        let r = protocol::repr_text(cx, &f);
                        protocol::leave_repr(cx, mark);
                        r?
                    }
                };
                let items = match cx.types.dict.slots(cx).repr {
                    Some(r) => r(cx, o)?,
                    None => cx.none(),
                };
                let items = protocol::str_text(cx, &items)?;
                cx.str(&format!("{name}({shown}, {items})"))
            }),
            ..Slots::EMPTY.with(&[(Op::Or, merged)])
        },
        methods: DefaultDict::METHODS,
        more_methods: &[],
        getset: &[],
        members: FACTORY,
        ..dict::spec()
    }
}

fn getter_spec() -> Spec {
    Spec {
        flags: flags::GC,
        slots: Slots {
            new: Some(|cx, ty, args| {
                let a = args.unpack(cx, "_tuplegetter", 2, 2)?;
                let index = protocol::index_i64(cx, &a[0])? as usize;
                let doc = a[1].clone();
                Ok(memory::new(cx, ty, |head| TupleGetter { head, index: Cell::new(index), doc: Guarded::new(doc) })?.into_obj())
            }),
            get: Some(|cx, d, obj, _| {
                let (Some(o), Some(g)) = (obj, d.cast::<TupleGetter>()) else { return Ok(d.clone()) };
                match o.cast::<Tuple>() {
                    Some(t) => t.items().get(g.index.get()).cloned().ok_or_else(|| cx.index_error("tuple index out of range")),
                    None if o.is_none() => Ok(d.clone()),
                    None => Err(cx.type_error(format!("descriptor for index '{}' for tuple subclasses doesn't apply to '{}' object", g.index.get(), o.ty().name_text()))),
                }
            }),
            set: Some(|cx, _, _, v| Err(cx.attribute_error(if v.is_some() { "can't set attribute" } else { "can't delete attribute" }))),
            repr: Some(|cx, o| {
                let Some(g) = o.cast::<TupleGetter>().cloned() else { return Ok(cx.none()) };
                let d = g.doc.cloned(cx);
                let text = format!("_tuplegetter({}, {})", g.index.get(), protocol::repr_text(cx, &d)?);
                cx.str(&text)
            }),
            ..Slots::EMPTY
        },
        methods: TupleGetter::METHODS,
        getset: TupleGetter::GETSET,
        ..Spec::new::<TupleGetter>("_collections._tuplegetter")
    }
}
#[retic_macros::methods]
impl TupleGetter {
    #[py("__reduce__($self, /)")]
    fn reduce(cx: &mut Cx, this: &Ref<TupleGetter>) -> PyResult {
        let args = vec![cx.int(this.index.get() as i64)?, this.doc.cloned(cx)];
        let args = cx.tuple(args)?;
        cx.tuple_of([this.as_obj().type_ref().into_obj(), args])
    }
    #[get("__doc__")]
    #[settable("")]
    fn doc_get(cx: &mut Cx, this: &Ref<TupleGetter>) -> Obj {
        this.doc.cloned(cx)
    }
}
impl TupleGetter {
    fn set_doc_get(cx: &mut Cx, this: &Ref<TupleGetter>, value: Option<&Obj>) -> PyResult<()> {
        let v = value.cloned().unwrap_or_else(|| cx.none());
        this.doc.set(cx, v);
        Ok(())
    }
}

#[retic_macros::methods]
mod functions {
    //! High performance data structures.
    use super::*;

    /// Count elements in the iterable, updating the mapping
    #[py("_count_elements(mapping, iterable, /)")]
    pub fn count_elements(cx: &mut Cx, mapping: &Obj, iterable: &Obj) -> PyResult<()> {
        let it = protocol::iter(cx, iterable)?;
        let one = cx.int(1)?;
        // A dict whose class has another `__delitem__` or `__missing__` is as good as a plain one.
        let (get, set) = (cx.name("get"), cx.name("__setitem__"));
        let as_dict = |cx: &mut Cx, name| {
            let own = mapping.ty().lookup(cx, name);
            own.zip(cx.types.dict.lookup(cx, name)).is_some_and(|(a, b)| a.is(&b))
        };
        let plain = mapping.cast::<Dict>().filter(|_| as_dict(cx, &get) && as_dict(cx, &set));
        while let Some(k) = protocol::next(cx, &it)? {
            match plain {
                Some(d) => {
                    let n = match d.get(cx, &k)? {
                        Some(n) => match int::to_i64(&n).and_then(|v| v.checked_add(1)) {
                            Some(v) => cx.int(v)?,
                            None => protocol::binary(cx, &n, &one, Op::Add)?,
                        },
                        None => one.clone(),
                    };
                    let old = d.insert(cx, &k, n)?;
                    cx.release(old);
                }
                None => {
                    let zero = cx.int(0)?;
                    let n = protocol::call_method(cx, mapping, "get", &[k.clone(), zero])?;
                    let n = protocol::binary(cx, &n, &one, Op::Add)?;
                    protocol::setitem(cx, mapping, &k, Some(&n))?;
                }
            }
            cx.poll_native()?;
        }
        Ok(())
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "_collections", functions::DOC, functions::FUNCTIONS)?;
    m.add_type(cx, &deque_spec())?;
    let base = cx.types.dict.clone();
    let spec = Spec { name: "collections.defaultdict", ..defaultdict_spec() };
    let ty = interp::native_type(cx, &spec, &base)?;
    m.set(cx, "defaultdict", ty.into_obj())?;
    let ty = interp::native_type(cx, &dict::ordered::spec(), &base)?;
    m.set(cx, "OrderedDict", ty.into_obj())?;
    let object = cx.types.object.clone();
    interp::native_type(cx, &dict::ordered::iterator_spec(), &object)?;
    for (spec, base) in dict::ordered::view_specs(cx) {
        interp::native_type(cx, &spec, &base)?;
    }
    m.add_type(cx, &iterator_spec("collections._deque_iterator"))?;
    m.add_type(cx, &iterator_spec("collections._deque_reverse_iterator"))?;
    m.add_type(cx, &getter_spec())?;
    Ok(m.into_obj())
}
