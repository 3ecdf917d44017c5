//! Descriptors: reading, writing and what else is done by their number.

use super::arguments::{CInt, Fd, Long, Offset, UInt};
use super::{number, pair, path, plain, stat_result};
use retic_runtime::host::process::{Call, PathCall, SENDFILE_HERE};
use retic_runtime::protocol::buffer;
use retic_runtime::types::{Bytes, exception, int};
use retic_runtime::{Cx, Obj, PyResult, protocol};
use std::io::{Error, ErrorKind};

const EINVAL: i32 = 22;
const O_CLOEXEC: i32 = 0o2_000_000;
const MFD_CLOEXEC: u32 = 1;
const BILLION: i64 = 1_000_000_000;

/// Reads; handlers of signals run in between, and other threads meanwhile.
fn read_into(cx: &mut Cx, fd: i32, out: &mut [u8]) -> PyResult<std::io::Result<usize>> {
    loop {
        crate::select::let_others_run(cx, fd)?;
        match cx.host.read(fd, out) {
            Err(e) if e.kind() == ErrorKind::Interrupted => cx.poll_native()?,
            r => return Ok(r),
        }
    }
}
fn ends(cx: &mut Cx, r: std::io::Result<(i32, i32)>) -> PyResult {
    let (a, b) = plain(cx, r)?;
    pair(cx, a, b)
}

/// Room for bytes that are to be read.
fn room(cx: &mut Cx, length: i64) -> PyResult<Vec<u8>> {
    let Ok(length) = usize::try_from(length) else { return Err(exception::raise_os(cx, &Error::from_raw_os_error(EINVAL), None, None)) };
    protocol::zeroed(cx, length)
}
/// The items of a sequence of buffers.
fn sequence(cx: &mut Cx, o: &Obj, function: &str) -> PyResult<Vec<Obj>> {
    if o.ty().slots(cx).getitem.is_none() || o.cast::<retic_runtime::types::Dict>().is_some() {
        return Err(cx.type_error(format!("{function}() arg 2 must be a sequence")));
    }
    protocol::collect(cx, o)
}
/// Reads into one buffer after the other.
fn scatter(cx: &mut Cx, buffers: &Obj, function: &str, read: impl FnOnce(&mut Cx, &mut [u8]) -> PyResult<usize>) -> PyResult<usize> {
    let mut views = Vec::new();
    let r = (|| {
        for o in sequence(cx, buffers, function)? {
            let view = buffer::get(cx, &o)?;
            if view.readonly {
                buffer::release(cx, &view.exporter);
                return Err(cx.error_of(&cx.types.buffer_error, "Object is not writable."));
            }
            views.push(view);
        }
        let mut all = room(cx, views.iter().map(buffer::Buffer::nbytes).sum::<usize>() as i64)?;
        let n = read(cx, &mut all)?;
        let mut rest = &all[..n];
        for v in &views {
            let (part, after) = rest.split_at(rest.len().min(v.nbytes()));
            buffer::fill(cx, v, part);
            rest = after;
        }
        Ok(n)
    })();
    for v in &views {
        buffer::release(cx, &v.exporter);
    }
    r
}
/// The bytes of one buffer after the other.
fn gather(cx: &mut Cx, buffers: &Obj, function: &str) -> PyResult<Vec<u8>> {
    let mut all = Vec::new();
    for o in sequence(cx, buffers, function)? {
        let b = buffer::bytes(cx, &o)?;
        protocol::grow(cx, &mut all, b.len())?;
        all.extend(b);
    }
    Ok(all)
}

/// A time of a timer in nanoseconds, from seconds; what is below zero the system refuses.
fn timer_ns(cx: &mut Cx, seconds: Option<f64>) -> PyResult<i64> {
    let ns = (seconds.unwrap_or(0.0) * BILLION as f64).floor();
    if ns.abs() < 9.2e18 { Ok(ns as i64) } else { Err(cx.overflow_error("timestamp out of range for platform time_t")) }
}
fn set_timer(cx: &mut Cx, fd: i32, new: Option<(i32, [i64; 2])>) -> PyResult<[i64; 2]> {
    let r = cx.host.timer(fd, new);
    plain(cx, r)
}
fn seconds(cx: &mut Cx, [first, interval]: [i64; 2]) -> PyResult {
    let pair = vec![cx.float(first as f64 / BILLION as f64)?, cx.float(interval as f64 / BILLION as f64)?];
    cx.tuple(pair)
}
fn nanoseconds(cx: &mut Cx, [first, interval]: [i64; 2]) -> PyResult {
    pair(cx, first, interval)
}

#[retic_macros::methods]
pub mod functions {
    use super::*;

    /// What the system knows of the file of a descriptor.
    #[py("fstat(fd)")]
    pub fn fstat(cx: &mut Cx, fd: CInt) -> PyResult {
        let r = cx.host.fstat(fd.0);
        let s = plain(cx, r)?;
        stat_result(cx, &s)
    }
    /// Closes a descriptor.
    #[py("close(fd)")]
    pub fn close(cx: &mut Cx, fd: CInt) -> PyResult<()> {
        let r = cx.host.close(fd.0);
        plain(cx, r)
    }
    /// Closes the descriptors from fd_low to fd_high, the last not included; those that are not open do not matter.
    #[py("closerange(fd_low, fd_high, /)")]
    pub fn closerange(cx: &mut Cx, fd_low: CInt, fd_high: CInt) -> PyResult<()> {
        for fd in fd_low.0.max(0)..fd_high.0.min(1 << 20) {
            let _ = cx.host.close(fd);
            cx.poll_native()?;
        }
        Ok(())
    }
    /// Reads at most so many bytes; none at the end of the file.
    #[py("read(fd, length, /)")]
    pub fn read(cx: &mut Cx, fd: CInt, length: i64) -> PyResult {
        let mut out = room(cx, length)?;
        let r = read_into(cx, fd.0, &mut out)?;
        let n = plain(cx, r)?;
        Bytes::from_slice(cx, &out[..n])
    }
    /// Reads into a buffer that may be written, and returns how many bytes were read; 0 at the end of the file.
    #[py("readinto(fd, buffer, /)")]
    pub fn readinto(cx: &mut Cx, fd: CInt, buffer: &Obj) -> PyResult<usize> {
        let b = protocol::buffer::writable(cx, buffer, "readinto() argument 2")?;
        let read = (|| {
            let mut out = protocol::zeroed(cx, b.nbytes())?;
            let r = read_into(cx, fd.0, &mut out)?;
            let n = plain(cx, r)?;
            protocol::buffer::fill(cx, &b, &out[..n]);
            Ok(n)
        })();
        protocol::buffer::release(cx, &b.exporter);
        read
    }
    /// Writes bytes, and returns how many were written.
    #[py("write(fd, data, /)")]
    pub fn write(cx: &mut Cx, fd: CInt, data: &Obj) -> PyResult<usize> {
        let b = protocol::buffer::held(cx, data)?;
        let r = crate::select::write(cx, fd.0, &b)?;
        plain(cx, r)
    }
    /// Moves the place of a descriptor, counted from the start (0), the place (1) or the end (2); the new place.
    #[py("lseek(fd, position, whence, /)")]
    pub fn lseek(cx: &mut Cx, fd: CInt, position: Offset, whence: CInt) -> PyResult<i64> {
        let r = cx.host.seek(fd.0, position.0, whence.0);
        plain(cx, r)
    }
    /// Makes the file of a descriptor so many bytes long.
    #[py("ftruncate(fd, length, /)")]
    pub fn ftruncate(cx: &mut Cx, fd: CInt, length: Offset) -> PyResult<()> {
        cx.audit("os.truncate", &[i64::from(fd.0).into(), length.0.into()])?;
        let r = cx.host.truncate(fd.0, length.0);
        plain(cx, r)
    }
    /// Has what was written go to the disk before it returns.
    #[py("fsync(fd)")]
    pub fn fsync(cx: &mut Cx, fd: Fd) -> PyResult<()> {
        let r = cx.host.sync(fd.0);
        plain(cx, r)
    }
    /// Has the bytes that were written go to the disk before it returns, the times of the file not needed.
    #[py("fdatasync(fd)")]
    pub fn fdatasync(cx: &mut Cx, fd: Fd) -> PyResult<()> {
        let r = cx.host.sync(fd.0);
        plain(cx, r)
    }
    /// Another descriptor of the same file, which programs started later do not inherit.
    #[py("dup(fd, /)")]
    pub fn dup(cx: &mut Cx, fd: CInt) -> PyResult<i64> {
        let r = cx.host.dup(fd.0);
        plain(cx, r).map(i64::from)
    }
    /// Makes fd2 a descriptor of fd's file, closing what it was; programs started later inherit it if that is wanted.
    #[py("dup2(fd, fd2, inheritable=True)")]
    pub fn dup2(cx: &mut Cx, fd: CInt, fd2: CInt, inheritable: bool) -> PyResult<i64> {
        let r = cx.host.dup2(fd.0, fd2.0, inheritable);
        plain(cx, r).map(i64::from)
    }
    /// A pipe: the descriptor to read from and the one to write to.
    #[py("pipe()")]
    pub fn pipe(cx: &mut Cx) -> PyResult {
        let r = cx.host.pipe();
        ends(cx, r)
    }
    /// A pipe made with flags (O_CLOEXEC, O_NONBLOCK): the descriptor to read from and the one to write to.
    #[py("pipe2(flags, /)")]
    pub fn pipe2(cx: &mut Cx, flags: CInt) -> PyResult {
        let r = cx.host.pipe_with(flags.0);
        ends(cx, r)
    }
    /// Whether programs started later inherit a descriptor.
    #[py("get_inheritable(fd, /)")]
    pub fn get_inheritable(cx: &mut Cx, fd: CInt) -> PyResult<bool> {
        let r = cx.host.inheritable(fd.0);
        plain(cx, r)
    }
    /// Says whether programs started later inherit a descriptor.
    #[py("set_inheritable(fd, inheritable, /)")]
    pub fn set_inheritable(cx: &mut Cx, fd: CInt, inheritable: CInt) -> PyResult<()> {
        let r = cx.host.set_inheritable(fd.0, inheritable.0 != 0);
        plain(cx, r)
    }
    /// Whether reading and writing wait where they cannot be done at once.
    #[py("get_blocking(fd, /)")]
    pub fn get_blocking(cx: &mut Cx, fd: CInt) -> PyResult<bool> {
        let r = cx.host.blocking(fd.0);
        plain(cx, r)
    }
    /// Says whether reading and writing wait where they cannot be done at once.
    #[py("set_blocking(fd, blocking, /)")]
    pub fn set_blocking(cx: &mut Cx, fd: CInt, blocking: bool) -> PyResult<()> {
        let r = cx.host.set_blocking(fd.0, blocking);
        plain(cx, r)
    }
    /// The encoding of a terminal's text; None where the descriptor is no terminal.
    #[py("device_encoding(fd)")]
    pub fn device_encoding(cx: &mut Cx, fd: CInt) -> Option<&'static str> {
        cx.host.isatty(fd.0).then_some("utf-8")
    }
    /// A file that is memory alone, as a descriptor; the name is for looking at.
    #[py("memfd_create(name, flags=MFD_CLOEXEC)")]
    pub fn memfd_create(cx: &mut Cx, name: &Obj, flags: Option<&Obj>) -> PyResult<i64> {
        let p = path::of(cx, name, "memfd_create", false)?;
        let flags = match flags {
            Some(f) => crate::params::unsigned_bits(cx, f)?,
            None => MFD_CLOEXEC,
        };
        let r = cx.host.path_number(PathCall::MemfdCreate, &p.bytes, [flags.into(), 0]);
        plain(cx, r)
    }
    /// Locks part of a file for this process, tests a lock or takes it off: length bytes from the place of the descriptor.
    #[py("lockf(fd, command, length, /)")]
    pub fn lockf(cx: &mut Cx, fd: CInt, command: CInt, length: Offset) -> PyResult<()> {
        cx.audit("os.lockf", &[i64::from(fd.0).into(), i64::from(command.0).into(), length.0.into()])?;
        number(cx, Call::Lockf, &[fd.0.into(), command.0.into(), length.0]).map(drop)
    }
    /// Tells the system how part of a file will be used: advice is one of the POSIX_FADV numbers.
    #[py("posix_fadvise(fd, offset, length, advice, /)")]
    pub fn posix_fadvise(cx: &mut Cx, fd: CInt, offset: Offset, length: Offset, advice: CInt) -> PyResult<()> {
        number(cx, Call::PosixFadvise, &[fd.0.into(), offset.0, length.0, advice.0.into()]).map(drop)
    }
    /// Sees to it that part of a file has its place on the disk.
    #[py("posix_fallocate(fd, offset, length, /)")]
    pub fn posix_fallocate(cx: &mut Cx, fd: CInt, offset: Offset, length: Offset) -> PyResult<()> {
        number(cx, Call::PosixFallocate, &[fd.0.into(), offset.0, length.0]).map(drop)
    }
    /// Copies bytes of in_fd, from an offset (None: from its place), to out_fd inside the system; how many.
    #[py("sendfile(out_fd, in_fd, offset, count)")]
    pub fn sendfile(cx: &mut Cx, out_fd: CInt, in_fd: CInt, offset: &Obj, count: i64) -> PyResult<i64> {
        let offset = if offset.is_none() { SENDFILE_HERE } else { protocol::index_i64(cx, offset)? };
        let mut count = count;
        if crate::select::write_may_wait(cx, out_fd.0) {
            crate::select::wait_writable(cx, out_fd.0)?;
            count = count.min(crate::select::SURE_BYTES as i64);
        }
        number(cx, Call::Sendfile, &[out_fd.0.into(), in_fd.0.into(), offset, count])
    }
    /// Copies count bytes from src to dst inside the system; how many. Offsets say where in the files, and leave the places
    /// of the descriptors alone.
    #[py("copy_file_range(src, dst, count, offset_src=None, offset_dst=None)", "(src, dst, count, offset_src=None,\n                offset_dst=None)")]
    pub fn copy_file_range(cx: &mut Cx, src: CInt, dst: CInt, count: i64, offset_src: Option<i64>, offset_dst: Option<i64>) -> PyResult<i64> {
        if count < 0 {
            return Err(cx.value_error("negative value for 'count' not allowed"));
        }
        let r = cx.host.copy_file_range((src.0, offset_src), (dst.0, offset_dst), count as usize);
        plain(cx, r)
    }
    /// Moves count bytes from src to dst, one of which is a pipe, inside the system; how many. An offset says where in the
    /// file that is no pipe, and leaves the place of its descriptor alone. flags are SPLICE_F_MOVE and its kin, or-ed.
    #[py("splice(src, dst, count, offset_src=None, offset_dst=None, flags=0)", "(src, dst, count, offset_src=None, offset_dst=None,\n       flags=0)")]
    pub fn splice(cx: &mut Cx, src: CInt, dst: CInt, count: i64, offset_src: Option<i64>, offset_dst: Option<i64>, flags: Option<UInt>) -> PyResult<usize> {
        if count < 0 {
            return Err(cx.value_error("negative value for 'count' not allowed"));
        }
        loop {
            crate::select::let_others_run(cx, src.0)?;
            let r = cx.host.splice((src.0, offset_src), (dst.0, offset_dst), count as usize, flags.map_or(0, |f| f.0));
            match r {
                Err(e) if e.kind() == ErrorKind::Interrupted => cx.poll_native()?,
                r => return plain(cx, r),
            }
        }
    }
    /// A counter as a descriptor, which can be waited for.
    #[py("eventfd(initval, flags=EFD_CLOEXEC)")]
    pub fn eventfd(cx: &mut Cx, initval: UInt, flags: Option<CInt>) -> PyResult<i64> {
        number(cx, Call::Eventfd, &[initval.0.into(), flags.map_or(O_CLOEXEC, |f| f.0).into()])
    }
    /// Takes the number out of a counter that is a descriptor.
    #[py("eventfd_read(fd)")]
    pub fn eventfd_read(cx: &mut Cx, fd: Fd) -> PyResult {
        let mut value = [0; 8];
        let r = read_into(cx, fd.0, &mut value)?;
        plain(cx, r)?;
        int::from_u64(cx, u64::from_ne_bytes(value))
    }
    /// Adds to a counter that is a descriptor.
    #[py("eventfd_write(fd, value)")]
    pub fn eventfd_write(cx: &mut Cx, fd: Fd, value: &Obj) -> PyResult<()> {
        let Some(whole) = int::to_big(value) else { return Err(cx.type_error("an integer is required")) };
        if whole.is_negative() {
            return Err(cx.value_error("value must be positive"));
        }
        let Some(value) = whole.to_u64() else { return Err(cx.overflow_error("int too big to convert")) };
        let r = crate::select::write(cx, fd.0, &value.to_ne_bytes())?;
        plain(cx, r).map(drop)
    }
    /// A timer as a descriptor, which can be waited for; clockid is one of the time module's CLOCK numbers.
    #[py("timerfd_create(clockid, /, *, flags=TFD_CLOEXEC)", "(clockid, /, *, flags=0)")]
    pub fn timerfd_create(cx: &mut Cx, clockid: CInt, flags: Option<CInt>) -> PyResult<i64> {
        number(cx, Call::TimerfdCreate, &[clockid.0.into(), (flags.map_or(0, |f| f.0) | O_CLOEXEC).into()])
    }
    /// Sets a timer that is a descriptor, in seconds: when it goes off first (0: not), and the interval of going off again.
    ///
    /// Returns both as they were. flags are TFD_TIMER_ABSTIME and TFD_TIMER_CANCEL_ON_SET, or-ed.
    #[py("timerfd_settime(fd, /, *, flags=0, initial=0.0, interval=0.0)")]
    pub fn timerfd_settime(cx: &mut Cx, fd: Fd, flags: Option<CInt>, initial: Option<f64>, interval: Option<f64>) -> PyResult {
        let new = [timer_ns(cx, initial)?, timer_ns(cx, interval)?];
        let old = set_timer(cx, fd.0, Some((flags.map_or(0, |f| f.0), new)))?;
        seconds(cx, old)
    }
    /// Sets a timer that is a descriptor, in nanoseconds: when it goes off first (0: not), and the interval of going off again.
    ///
    /// Returns both as they were. flags are TFD_TIMER_ABSTIME and TFD_TIMER_CANCEL_ON_SET, or-ed.
    #[py("timerfd_settime_ns(fd, /, *, flags=0, initial=0, interval=0)")]
    pub fn timerfd_settime_ns(cx: &mut Cx, fd: Fd, flags: Option<CInt>, initial: Option<Long>, interval: Option<Long>) -> PyResult {
        let new = [initial, interval].map(|t| t.map_or(0, |t| t.0));
        let old = set_timer(cx, fd.0, Some((flags.map_or(0, |f| f.0), new)))?;
        nanoseconds(cx, old)
    }
    /// Seconds until a timer that is a descriptor goes off, and its interval.
    #[py("timerfd_gettime(fd, /)")]
    pub fn timerfd_gettime(cx: &mut Cx, fd: Fd) -> PyResult {
        let now = set_timer(cx, fd.0, None)?;
        seconds(cx, now)
    }
    /// Nanoseconds until a timer that is a descriptor goes off, and its interval.
    #[py("timerfd_gettime_ns(fd, /)")]
    pub fn timerfd_gettime_ns(cx: &mut Cx, fd: Fd) -> PyResult {
        let now = set_timer(cx, fd.0, None)?;
        nanoseconds(cx, now)
    }
    /// Reads at most so many bytes from a place of a file; the place of the descriptor stays.
    #[py("pread(fd, length, offset, /)")]
    pub fn pread(cx: &mut Cx, fd: CInt, length: CInt, offset: Offset) -> PyResult {
        let mut out = room(cx, length.0.into())?;
        let r = cx.host.read_at(fd.0, &mut out, offset.0, 0);
        let n = plain(cx, r)?;
        Bytes::from_slice(cx, &out[..n])
    }
    /// Reads from a place of a file into one buffer after the other, and returns how many bytes; the place of the
    /// descriptor stays. flags are RWF_HIPRI and RWF_NOWAIT, or-ed.
    #[py("preadv(fd, buffers, offset, flags=0, /)")]
    pub fn preadv(cx: &mut Cx, fd: CInt, buffers: &Obj, offset: Offset, flags: Option<CInt>) -> PyResult<usize> {
        scatter(cx, buffers, "preadv2", |cx, out| {
            let r = cx.host.read_at(fd.0, out, offset.0, flags.map_or(0, |f| f.0));
            plain(cx, r)
        })
    }
    /// Writes bytes at a place of a file, and returns how many were written; the place of the descriptor stays.
    #[py("pwrite(fd, buffer, offset, /)")]
    pub fn pwrite(cx: &mut Cx, fd: CInt, buffer: &Obj, offset: Offset) -> PyResult<usize> {
        let b = buffer::held(cx, buffer)?;
        let r = cx.host.write_at(fd.0, &b, offset.0, 0);
        plain(cx, r)
    }
    /// Writes one buffer after the other at a place of a file, and returns how many bytes; the place of the descriptor
    /// stays. flags are RWF_DSYNC, RWF_SYNC and RWF_APPEND, or-ed.
    #[py("pwritev(fd, buffers, offset, flags=0, /)")]
    pub fn pwritev(cx: &mut Cx, fd: CInt, buffers: &Obj, offset: Offset, flags: Option<CInt>) -> PyResult<usize> {
        let all = gather(cx, buffers, "pwritev")?;
        let r = cx.host.write_at(fd.0, &all, offset.0, flags.map_or(0, |f| f.0));
        plain(cx, r)
    }
    /// Reads into one buffer after the other, and returns how many bytes were read.
    #[py("readv(fd, buffers, /)")]
    pub fn readv(cx: &mut Cx, fd: CInt, buffers: &Obj) -> PyResult<usize> {
        scatter(cx, buffers, "readv", |cx, out| {
            let r = read_into(cx, fd.0, out)?;
            plain(cx, r)
        })
    }
    /// Writes one buffer after the other, and returns how many bytes were written.
    #[py("writev(fd, buffers, /)")]
    pub fn writev(cx: &mut Cx, fd: CInt, buffers: &Obj) -> PyResult<usize> {
        let all = gather(cx, buffers, "writev")?;
        let r = crate::select::write(cx, fd.0, &all)?;
        plain(cx, r)
    }
}
