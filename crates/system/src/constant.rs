//! Bytes that are part of the program's file.

use std::ffi::{c_int, c_void};
use std::ops::Range;

/// Gives back the memory that constant bytes of this program lie in: whoever reads them again has them from the file again.
/// Bytes that do not come from a file as they are stay where they are.
pub fn let_go(bytes: &'static [u8]) {
    let page = super::map::page_bytes();
    let Range { start, end } = bytes.as_ptr_range();
    let (start, end) = ((start as usize).next_multiple_of(page), end as usize / page * page);
    if start >= end || !is_constant(start..end) {
        return;
    }
    // SAFETY: whole pages of a private mapping that nobody may write to: their contents are the file's, before and after.
    unsafe { libc::madvise(start as *mut c_void, end - start, libc::MADV_DONTNEED) };
}

/// Whether a range lies in a part of the program's file, or of a library's, that is mapped and never written.
fn is_constant(range: Range<usize>) -> bool {
    unsafe extern "C" fn looked(info: *mut libc::dl_phdr_info, _: usize, asked: *mut c_void) -> c_int {
        // SAFETY: the loader's own description, whole while it is shown, and the range of the caller below.
        let (info, range) = unsafe { (&*info, &*asked.cast::<Range<usize>>()) };
        (0..info.dlpi_phnum).any(|i| {
            // SAFETY: one of so many.
            let part = unsafe { &*info.dlpi_phdr.add(usize::from(i)) };
            let from = info.dlpi_addr as usize + part.p_vaddr as usize;
            part.p_type == libc::PT_LOAD && part.p_flags & libc::PF_W == 0 && from <= range.start && range.end <= from + part.p_filesz as usize
        }) as c_int
    }
    // SAFETY: the callback above, and a range that outlives the call.
    unsafe { libc::dl_iterate_phdr(Some(looked), (&raw const range).cast_mut().cast()) != 0 }
}
