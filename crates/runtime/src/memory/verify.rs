//! The heap recounted (`--cfg retic_verify`): no object has fewer counts than the references that objects hold to it, the lists of
//! the collector lead both ways, the free lists hold free blocks. A count that is too small ends the process, for this build only:
//! the object would die while somebody holds it.

use super::{cycles, trace};
use crate::cx::Cx;
use crate::object::Obj;
use rustc_hash::FxHashMap;

/// Counts all references between the objects that the collector watches. The error tells of the first culprit.
pub fn check(cx: &Cx) -> Result<(), String> {
    cx.heap.audit()?;
    let mut held: FxHashMap<usize, (i64, i64, String)> = FxHashMap::default();
    cycles::each_watched(cx, &mut |o: &Obj| {
        trace(cx, o, &mut |r| {
            if !r.is_immortal() {
                held.entry(r.address()).or_insert_with(|| (r.count(), 0, r.ty().name_text().to_string())).1 += 1;
            }
        });
    })?;
    match held.iter().find(|(_, (count, seen, _))| seen > count) {
        Some((address, (count, seen, name))) => Err(format!("{name} at {address:#x} has a count of {count}, and {seen} references to it are held")),
        None => Ok(()),
    }
}

/// Checks, and ends the process where something is wrong.
pub fn insist(cx: &Cx) {
    if let Err(wrong) = check(cx) {
        panic!("retic_verify: {wrong}");
    }
}
