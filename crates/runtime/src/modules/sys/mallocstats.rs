//! What `sys._debugmallocstats` prints: the state of the heap, in the layout of CPython's `_PyObject_DebugMallocStats`. Pools have no
//! headers here, and blocks above the size classes are the system's.

use retic_heap::{Heap, Kind, POOL_BYTES, SMALL_MAX};
use std::fmt::Write;

/// Digits in groups of three.
fn grouped(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

fn line(out: &mut String, what: &str, n: usize) {
    let _ = writeln!(out, "{what:<35}={:>21}", grouped(n));
}

/// The whole text.
pub fn text(heap: &Heap) -> String {
    let stats = heap.stats();
    let mut out = String::new();
    let _ = writeln!(out, "Small block threshold = {SMALL_MAX}, in {} size classes.\n", stats.classes.len());
    out.push_str("class   size   num pools   blocks in use  avail blocks\n-----   ----   ---------   -------------  ------------\n");
    let (mut used, mut free, mut pools, mut lost) = (0, 0, 0, 0);
    for (i, c) in stats.classes.iter().enumerate().filter(|(_, c)| c.pools > 0) {
        let _ = writeln!(out, "{i:>5} {:>6} {:>11} {:>15} {:>13}", c.size_bytes, c.pools, c.used, c.free);
        used += c.used * c.size_bytes;
        free += c.free * c.size_bytes;
        pools += c.pools;
        lost += c.pools * (POOL_BYTES % c.size_bytes);
    }
    out.push('\n');
    for what in ["# arenas allocated total", "# arenas highwater mark", "# arenas allocated current"] {
        line(&mut out, what, stats.arenas);
    }
    let total = stats.arenas * stats.arena_bytes;
    line(&mut out, &format!("{} arenas * {} bytes/arena", stats.arenas, stats.arena_bytes), total);
    out.push('\n');
    line(&mut out, "# bytes in allocated blocks", used);
    line(&mut out, "# bytes in available blocks", free);
    let unused = total.saturating_sub(pools * POOL_BYTES) / POOL_BYTES;
    line(&mut out, &format!("{unused} unused pools * {POOL_BYTES} bytes"), unused * POOL_BYTES);
    line(&mut out, "# bytes lost to quantization", lost);
    line(&mut out, "Total", total);
    out.push('\n');
    line(&mut out, "# large blocks", stats.large_blocks);
    line(&mut out, "# bytes in large blocks", stats.large_bytes);
    out.push('\n');
    let mut kept = |n: usize, what: &str, bytes: usize| _ = writeln!(out, "{:>48} ={:>21}", format!("{n} free {what} * {bytes} bytes each"), grouped(n * bytes));
    kept(heap.kept_of(Kind::DICT), "PyDictObjects", 48);
    kept(heap.kept_of(Kind::KEYS), "PyDictKeysObjects", 32);
    kept(heap.kept_floats(), "PyFloatObjects", 24);
    kept(heap.kept_of(Kind::LIST), "PyListObjects", 40);
    for items in 1..=Kind::TUPLE_ITEMS_MAX {
        kept(heap.kept_of(Kind::tuple(items)), &format!("{items}-sized PyTupleObjects"), 24 + 8 * items);
    }
    out
}
