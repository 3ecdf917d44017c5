//! What CPython 3.13's structures take, which is what programs are told of the size of objects (`sys.getsizeof`,
//! `__sizeof__`, `__basicsize__` and its kin); where ours are smaller or larger nobody can see it. The table is written by
//! `cargo xtask sizes`.

use super::{Type, full_name};
use crate::cx::Cx;
use crate::object::{Obj, Ref};
use crate::types::flags;

/// A line for each type, in order of their names.
static TABLE: &str = include_str!("../../../data/sizes.txt");

/// Of a built-in type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Size {
    pub basic: usize,
    pub item: usize,
    /// Offsets of the dictionary and of the list of weak references; 0: there is none.
    pub dict: i64,
    pub weak: i64,
    /// Bytes in front of the object.
    pub front: usize,
}

fn line(name: &str) -> Option<&'static str> {
    let (mut low, mut high) = (0, TABLE.len());
    while low < high {
        let middle = (low + high) / 2;
        let start = TABLE[..middle].rfind('\n').map_or(0, |i| i + 1);
        let end = TABLE[middle..].find('\n').map_or(TABLE.len(), |i| middle + i);
        let found = &TABLE[start..end];
        match found.split(' ').next().unwrap_or_default().cmp(name) {
            std::cmp::Ordering::Equal => return Some(found),
            std::cmp::Ordering::Less => low = end + 1,
            std::cmp::Ordering::Greater => high = start,
        }
    }
    None
}

fn named(name: &str) -> Option<Size> {
    let mut fields = line(name)?.split(' ').skip(1).map(|f| f.parse::<i64>().unwrap_or(0));
    let mut next = || fields.next().unwrap_or(0);
    let (basic, item, dict, weak, link) = (next(), next(), next(), next(), next());
    Some(Size { basic: basic as usize, item: item as usize, dict, weak, front: link as usize * 16 })
}

/// The built-in type that a class derives from, itself if it is one.
fn native(cx: &Cx, ty: &Ref<Type>) -> Ref<Type> {
    let mut t = ty.clone();
    while t.is_heap()
        && let Some(base) = t.base.cloned(cx)
    {
        t = base;
    }
    t
}

/// The sizes of a type; nothing of one that CPython 3.13 does not have.
pub fn of(cx: &mut Cx, ty: &Ref<Type>) -> Option<Size> {
    let native = native(cx, ty);
    let mut size = named(&full_name(cx, &native))?;
    if ty.is_heap() {
        size.basic += 8 * ty.members.get() as usize;
        let managed = |flag: u32, offset: i64| offset == 0 && ty.has(flag);
        let (dict, weak) = (managed(flags::DICT, size.dict), managed(flags::WEAK, size.weak));
        size.front = if dict || weak { 32 } else { 16 };
        if dict {
            size.dict = -1;
        }
        if weak {
            size.weak = -32;
        }
    }
    Some(size)
}

/// The bytes of an object of a built-in type alone, which has parts elsewhere.
pub fn basic(cx: &mut Cx, o: &Obj) -> usize {
    of(cx, &o.type_ref()).map_or_else(|| o.ty().basicsize.get(), |s| s.basic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_found() {
        for l in TABLE.lines() {
            assert_eq!(line(l.split(' ').next().unwrap_or_default()), Some(l));
        }
        assert_eq!(named("list"), Some(Size { basic: 40, item: 0, dict: 0, weak: 0, front: 16 }));
        for name in ["", "a", "lisu", "zzz"] {
            assert_eq!(line(name), None);
        }
    }
}
