"""Tracebacks of running threads, at once, later, or when a signal comes (as CPython's Modules/faulthandler.c does).

A fault of the machine itself does not come here: Retic has no code that a program could make crash. What is sent as SIGABRT,
and `os.abort()`, is told before the process ends.
"""

import os as _os
import signal as _signal
import sys as _sys
import _thread

_FRAMES_MAX = 100
_enabled = None
_later = None
_registered = {}


def _descriptor(file):
    if file is None:
        file = _sys.stderr
        if file is None:
            raise RuntimeError("unable to get sys.stderr")
    if isinstance(file, int):
        if file < 0:
            raise ValueError("file is not a valid file descripter")
        return file
    fd = file.fileno()
    if not isinstance(fd, int) or fd < 0:
        raise RuntimeError("file.fileno() is not a valid file descriptor")
    try:
        file.flush()
    except Exception:
        pass
    return fd


def _stack(frame):
    lines, n = [], 0
    while frame is not None:
        if n == _FRAMES_MAX:
            lines.append("  ...")
            break
        code = frame.f_code
        lines.append(f'  File "{code.co_filename}", line {frame.f_lineno or 0} in {code.co_name}')
        frame, n = frame.f_back, n + 1
    return lines or ["  <no Python frame>"]


def _text(frame, all_threads):
    if not all_threads:
        return "\n".join(["Stack (most recent call first):", *_stack(frame)]) + "\n"
    own, parts = _thread.get_ident(), []
    frames = dict(_sys._current_frames())
    if frame is not None:
        frames[own] = frame
    for ident in sorted(frames, key=lambda i: (i == own, i)):
        kind = "Current thread" if ident == own else "Thread"
        parts.append("\n".join([f"{kind} 0x{ident:016x} (most recent call first):", *_stack(frames[ident])]) + "\n")
    return "\n".join(parts)


def _write(fd, text):
    data = text.encode("ascii", "backslashreplace")
    while data:
        try:
            data = data[_os.write(fd, data):]
        except OSError:
            return


def dump_traceback(file=None, all_threads=True):
    """Dump the traceback of the current thread, or of all threads if all_threads is True, into file."""
    _write(_descriptor(file), _text(_sys._getframe(1), all_threads))


def dump_c_stack(file=None):
    """Dump the C stack of the current thread: there is none to be shown."""
    _write(_descriptor(file), "Current thread's C stack trace (most recent call first):\n  <cannot get C stack on this system>\n")


def _aborted(signum, frame):
    if _enabled is not None:
        fd, all_threads = _enabled
        _write(fd, "Fatal Python error: Aborted\n\n" + _text(frame, all_threads))
    _signal.signal(signum, _signal.SIG_DFL)
    _os.kill(_os.getpid(), signum)


def enable(file=None, all_threads=True, c_stack=True):
    """Enable the fault handler."""
    global _enabled
    fd = _descriptor(file)
    if _enabled is None:
        try:
            _signal.signal(_signal.SIGABRT, _aborted)
        except ValueError:
            # Only the main thread of the main interpreter may.
            pass
    _enabled = (fd, bool(all_threads))


def disable():
    """Disable the fault handler and return whether it was enabled."""
    global _enabled
    was, _enabled = _enabled, None
    if was is not None:
        try:
            _signal.signal(_signal.SIGABRT, _signal.SIG_DFL)
        except ValueError:
            pass
    return was is not None


def is_enabled():
    """Check if the handler is enabled."""
    return _enabled is not None


def _wait(lock, seconds, repeat, fd, end, header):
    own = _thread.get_ident()
    while not lock.acquire(timeout=seconds):
        frames = {i: f for i, f in _sys._current_frames().items() if i != own}
        parts = ["\n".join([f"Thread 0x{i:016x} (most recent call first):", *_stack(f)]) + "\n" for i, f in frames.items()]
        _write(fd, header + "\n".join(parts))
        if end:
            _os._exit(1)
        if not repeat:
            return


def dump_traceback_later(timeout, repeat=False, file=None, exit=False):
    """Dump the traceback of all threads in timeout seconds, or each timeout seconds if repeat is True.

    If exit is True, call _exit(1) afterwards, which is not safe.
    """
    global _later
    seconds = float(timeout)
    if seconds <= 0:
        raise ValueError("timeout must be greater than 0")
    if seconds > _thread.TIMEOUT_MAX:
        raise OverflowError("timeout value is too large")
    fd = _descriptor(file)
    cancel_dump_traceback_later()
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    micro = round(rest * 1_000_000)
    text = f"{hours}:{minutes:02}:{micro // 1_000_000:02}" + (f".{micro % 1_000_000:06}" if micro % 1_000_000 else "")
    lock = _thread.allocate_lock()
    lock.acquire()
    _later = lock
    _thread.start_new_thread(_wait, (lock, seconds, bool(repeat), fd, bool(exit), f"Timeout ({text})!\n"))


def cancel_dump_traceback_later():
    """Cancel the previous call to dump_traceback_later()."""
    global _later
    lock, _later = _later, None
    if lock is not None:
        lock.release()


def register(signum, file=None, all_threads=True, chain=False):
    """Register a handler for the signal 'signum': dump the traceback of the current thread, or of all threads."""
    if signum in (_signal.SIGSEGV, _signal.SIGFPE, _signal.SIGABRT, _signal.SIGBUS, _signal.SIGILL):
        raise RuntimeError(f"signal {int(signum)} cannot be registered, use enable() instead")
    if not 1 <= signum < _signal.NSIG:
        raise ValueError("signal number out of range")
    fd = _descriptor(file)
    before = _registered[signum] if signum in _registered else _signal.getsignal(signum)

    def handler(number, frame):
        _write(fd, _text(frame, all_threads))
        if not chain:
            return
        if callable(before):
            before(number, frame)
        elif before == _signal.SIG_DFL:
            _signal.signal(number, _signal.SIG_DFL)
            _os.kill(_os.getpid(), number)

    _signal.signal(signum, handler)
    _registered[signum] = before


def unregister(signum):
    """Unregister the handler of the signal 'signum' that register() made; return whether there was one."""
    if signum not in _registered:
        return False
    before = _registered.pop(signum)
    _signal.signal(signum, before if before is not None else _signal.SIG_DFL)
    return True


def _die(number):
    import os
    import signal
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _sigsegv(release_gil=False, /):
    """Raise a SIGSEGV signal, which ends the process."""
    import signal
    _die(signal.SIGSEGV)


def _sigabrt():
    """Raise a SIGABRT signal, which ends the process."""
    import signal
    _die(signal.SIGABRT)


def _sigfpe():
    """Raise a SIGFPE signal, which ends the process."""
    import signal
    _die(signal.SIGFPE)
