//! Children and other processes: forking, waiting, signals, and what a wait status says.

use super::arguments::{CInt, FormatInt, UInt};
use super::{number, pair, path, plain};
use retic_runtime::host::process::Call;
use retic_runtime::modules::warnings;
use retic_runtime::types::structseq::{self, Definition};
use retic_runtime::{Cx, Obj, PyResult, protocol};
use std::io::ErrorKind;

pub static WAITID: Definition = Definition {
    name: "posix.waitid_result",
    doc: "What os.waitid() knows of a child: a tuple of five whose items have names, too.",
    fields: &["si_pid", "si_uid", "si_signo", "si_status", "si_code"],
    visible: 5,
};

const WNOHANG: i32 = 1;

/// Asks about children until there is an answer; handlers of signals run in between, and other threads meanwhile. `ask`
/// gets the options and says whether it waits for more.
fn wait_for<T>(cx: &mut Cx, options: i32, mut ask: impl FnMut(&mut Cx, i32) -> std::io::Result<(bool, T)>) -> PyResult<std::io::Result<T>> {
    let mut pause = 0.0005;
    loop {
        let alone = cx.threads.others() == 0 || options & WNOHANG != 0;
        match ask(cx, if alone { options } else { options | WNOHANG }) {
            Err(e) if e.kind() == ErrorKind::Interrupted => cx.poll_native()?,
            Ok((true, _)) if !alone => {
                let sleep = cx.host.sleeper();
                cx.allow_threads(|| sleep(pause));
                pause = f64::min(pause * 2.0, 0.02);
                cx.poll_native()?;
            }
            r => return Ok(r.map(|r| r.1)),
        }
    }
}
/// `waitpid`: process and raw status.
pub(super) fn wait_child(cx: &mut Cx, pid: i64, options: i32) -> PyResult<(i64, i32)> {
    let r = wait_for(cx, options, |cx, options| cx.host.waitpid(pid, options).map(|r| (r.0 == 0, r)))?;
    plain(cx, r)
}
fn process_and_status(cx: &mut Cx, (pid, status): (i64, i32)) -> PyResult {
    pair(cx, pid, status)
}
/// A child with what it used.
fn wait_with_usage(cx: &mut Cx, pid: i64, options: i32) -> PyResult {
    let r = wait_for(cx, options, |cx, options| cx.host.wait4(pid, options).map(|r| (r.0 == 0, r)))?;
    let (pid, status, used) = plain(cx, r)?;
    let module = retic_runtime::modules::import::import(cx, "resource")?;
    cx.release(module);
    let used = crate::resource::usage(cx, used)?;
    let parts = vec![cx.int(pid)?, cx.int(i64::from(status))?, used];
    cx.tuple(parts)
}

/// Calls what `os.register_at_fork` got: 0 before (last first), 1 in the child, 2 in the parent.
fn run_fork_hooks(cx: &mut Cx, when: usize) {
    let mut list = cx.fork_hooks[when].clone();
    if when == 0 {
        list.reverse();
    }
    for f in list {
        match protocol::call(cx, &f, &[]) {
            Ok(v) => cx.release(v),
            Err(_) => cx.unraisable(&f),
        }
    }
}
/// A child process with the running thread only: 0 in the child, its process id in the parent. Hooks of `os.register_at_fork` run.
fn fork_by<T>(cx: &mut Cx, name: &str, fork: impl FnOnce(&mut Cx) -> std::io::Result<(i64, T)>) -> PyResult<(i64, T)> {
    if cx.finalizing {
        let class = cx.types.python_finalization_error.clone();
        return Err(cx.error_of(&class, "can't fork at interpreter shutdown"));
    }
    cx.host.flush();
    run_fork_hooks(cx, 0);
    let r = fork(cx);
    if let Ok((0, _)) = r {
        cx.threads.after_fork();
        cx.imports.lock.after_fork(cx.threads.current);
        cx.forget_recording();
    }
    run_fork_hooks(cx, if matches!(r, Ok((0, _))) { 1 } else { 2 });
    let made = plain(cx, r)?;
    if made.0 != 0 && cx.threads.others() > 0 {
        let category = cx.types.deprecation_warning.clone();
        let text = format!("This process (pid={}) is multi-threaded, use of {name}() may lead to deadlocks in the child.", cx.host.pid());
        warnings::warn(cx, &category, &text, 1)?;
    }
    Ok(made)
}
pub(crate) fn fork_process(cx: &mut Cx, name: &str) -> PyResult<i64> {
    fork_by(cx, name, |cx| cx.host.number(Call::Fork, [0; 4]).map(|pid| (pid, ()))).map(|r| r.0)
}

#[retic_macros::methods]
pub mod functions {
    use super::*;

    /// Makes a child process: 0 in the child, its process id in the parent.
    #[py("fork()")]
    pub fn fork(cx: &mut Cx) -> PyResult<i64> {
        cx.audit("os.fork", &[])?;
        fork_process(cx, "fork")
    }
    /// Makes a child process on a terminal of its own: 0 in the child and its process id in the parent, and the
    /// descriptor of the terminal's master.
    #[py("forkpty()")]
    pub fn forkpty(cx: &mut Cx) -> PyResult {
        cx.audit("os.forkpty", &[])?;
        let (pid, master) = fork_by(cx, "forkpty", |cx| cx.host.fork_terminal())?;
        pair(cx, pid, master)
    }
    /// Registers functions that run at every fork: before it (the last one registered first), after it in the child, after
    /// it in the parent.
    #[py(
        "register_at_fork(*, before=<unrepresentable>, after_in_child=<unrepresentable>, after_in_parent=<unrepresentable>)",
        "(*, before=<unrepresentable>,\n                 after_in_child=<unrepresentable>,\n                 after_in_parent=<unrepresentable>)"
    )]
    pub fn register_at_fork(cx: &mut Cx, before: Option<&Obj>, after_in_child: Option<&Obj>, after_in_parent: Option<&Obj>) -> PyResult<()> {
        let given = [before, after_in_child, after_in_parent];
        if given.iter().all(Option::is_none) {
            return Err(cx.type_error("At least one argument is required."));
        }
        for (i, name) in ["before", "after_in_child", "after_in_parent"].into_iter().enumerate() {
            if given[i].is_some_and(|f| f.ty().slots(cx).call.is_none()) {
                return Err(cx.type_error(format!("'{name}' must be callable, not {}", given[i].map_or(String::new(), |f| f.ty().name_text()))));
            }
        }
        for (list, f) in cx.fork_hooks.iter_mut().zip(given) {
            list.extend(f.cloned());
        }
        Ok(())
    }
    /// Ends the process at once with a status: nothing is cleaned up.
    #[py("_exit(status)")]
    pub fn exit(cx: &mut Cx, status: CInt) -> PyResult<()> {
        cx.end_recording();
        cx.host.flush();
        let r = cx.host.exit(status.0);
        plain(cx, r)
    }
    /// Ends the process at once as a signal SIGABRT does.
    #[py("abort()")]
    pub fn abort(cx: &mut Cx) -> PyResult<()> {
        cx.host.flush();
        let me = cx.host.pid();
        let r = cx.host.kill(me, 6);
        plain(cx, r)
    }
    /// Sends a signal to a process.
    #[py("kill(pid, signal, /)")]
    pub fn kill(cx: &mut Cx, pid: FormatInt, signal: CInt) -> PyResult<()> {
        cx.audit("os.kill", &[pid.0.into(), i64::from(signal.0).into()])?;
        cx.host.flush();
        let r = cx.host.kill(pid.0, signal.0);
        plain(cx, r)
    }
    /// Sends a signal to a process group.
    #[py("killpg(pgid, signal, /)")]
    pub fn killpg(cx: &mut Cx, pgid: FormatInt, signal: CInt) -> PyResult<()> {
        cx.audit("os.killpg", &[pgid.0.into(), i64::from(signal.0).into()])?;
        number(cx, Call::Killpg, &[pgid.0, signal.0.into()]).map(drop)
    }
    /// A descriptor that stands for a process.
    #[py("pidfd_open(pid, flags=0)")]
    pub fn pidfd_open(cx: &mut Cx, pid: FormatInt, flags: Option<UInt>) -> PyResult<i64> {
        number(cx, Call::PidfdOpen, &[pid.0, flags.map_or(0, |f| f.0).into()])
    }
    /// Waits for any child to end: its process id and its wait status.
    #[py("wait()")]
    pub fn wait(cx: &mut Cx) -> PyResult {
        let r = wait_child(cx, -1, 0)?;
        process_and_status(cx, r)
    }
    /// Waits for a child: its process id and its wait status; (0, 0) where options have WNOHANG and there is none yet.
    #[py("waitpid(pid, options, /)")]
    pub fn waitpid(cx: &mut Cx, pid: FormatInt, options: CInt) -> PyResult {
        let r = wait_child(cx, pid.0, options.0)?;
        process_and_status(cx, r)
    }
    /// Waits for any child: its process id, its wait status, and what it used as resource.getrusage() tells it.
    #[py("wait3(options)")]
    pub fn wait3(cx: &mut Cx, options: CInt) -> PyResult {
        wait_with_usage(cx, -1, options.0)
    }
    /// Waits for a child: its process id, its wait status, and what it used as resource.getrusage() tells it.
    #[py("wait4(pid, options)")]
    pub fn wait4(cx: &mut Cx, pid: FormatInt, options: CInt) -> PyResult {
        wait_with_usage(cx, pid.0, options.0)
    }
    /// Waits until a child changes: a waitid_result, or None where options have WNOHANG and none has changed.
    ///
    /// idtype says which children: P_PID, P_PGID, P_ALL or P_PIDFD, with id. options are WEXITED, WSTOPPED, WCONTINUED, and
    /// WNOHANG and WNOWAIT besides, or-ed.
    #[py("waitid(idtype, id, options, /)")]
    pub fn waitid(cx: &mut Cx, idtype: CInt, id: FormatInt, options: CInt) -> PyResult {
        let r = wait_for(cx, options.0, |cx, options| cx.host.waitid(idtype.0.into(), id.0, options).map(|r| (r.is_none(), r)))?;
        let Some(numbers) = plain(cx, r)? else { return Ok(cx.none()) };
        let items = numbers.iter().map(|n| cx.int(*n)).collect::<PyResult<Vec<_>>>()?;
        let ty = cx.native_type(WAITID.name);
        structseq::new(cx, &ty, WAITID.visible, items)
    }
    /// Runs a command in a shell and waits for it: its wait status.
    #[py("system(command)")]
    pub fn system(cx: &mut Cx, command: &Obj) -> PyResult<i64> {
        cx.audit("os.system", &[command.into()])?;
        let command = path::any(cx, command)?;
        cx.host.flush();
        let args = [b"sh".to_vec(), b"-c".to_vec(), command];
        let shell = [b"/bin/sh".to_vec()];
        let spawn = retic_runtime::host::Spawn {
            args: &args,
            executables: &shell,
            env: None,
            cwd: None,
            stdio: [-1; 3],
            keep: &[],
            close_fds: false,
            error_pipe: -1,
            restore_signals: false,
            new_session: false,
            process_group: -1,
            umask: -1,
            gid: None,
            uid: None,
            groups: None,
        };
        let r = cx.host.spawn(&spawn);
        let pid = plain(cx, r)?;
        wait_child(cx, pid, 0).map(|(_, status)| i64::from(status))
    }
    /// The exit code that a wait status stands for; of a child that a signal ended, the signal's number below zero.
    #[py("waitstatus_to_exitcode(status)")]
    pub fn waitstatus_to_exitcode(cx: &mut Cx, status: CInt) -> PyResult<i64> {
        let status = i64::from(status.0);
        match status & 0x7f {
            0 => Ok(status >> 8 & 0xff),
            0x7f if status & 0xff == 0x7f => Err(cx.value_error(format!("process stopped by delivery of signal {}", status >> 8 & 0xff))),
            0x7f => Err(cx.value_error(format!("invalid wait status: {status}"))),
            signal => Ok(-signal),
        }
    }
    /// Whether a wait status is that of a child that ended by itself.
    #[py("WIFEXITED(status)")]
    pub fn wifexited(_cx: &mut Cx, status: CInt) -> bool {
        status.0 & 0x7f == 0
    }
    /// The exit code in a wait status.
    #[py("WEXITSTATUS(status)")]
    pub fn wexitstatus(_cx: &mut Cx, status: CInt) -> i64 {
        i64::from(status.0 >> 8 & 0xff)
    }
    /// Whether a wait status is that of a child that a signal ended.
    #[py("WIFSIGNALED(status)")]
    pub fn wifsignaled(_cx: &mut Cx, status: CInt) -> bool {
        !matches!(status.0 & 0x7f, 0 | 0x7f)
    }
    /// The signal in the wait status of a child that it ended.
    #[py("WTERMSIG(status)")]
    pub fn wtermsig(_cx: &mut Cx, status: CInt) -> i64 {
        i64::from(status.0 & 0x7f)
    }
    /// Whether a wait status is that of a child that a signal stopped.
    #[py("WIFSTOPPED(status)")]
    pub fn wifstopped(_cx: &mut Cx, status: CInt) -> bool {
        status.0 & 0xff == 0x7f
    }
    /// The signal in the wait status of a child that it stopped.
    #[py("WSTOPSIG(status)")]
    pub fn wstopsig(_cx: &mut Cx, status: CInt) -> i64 {
        i64::from(status.0 >> 8 & 0xff)
    }
    /// Whether a child left its memory in a file.
    #[py("WCOREDUMP(status, /)")]
    pub fn wcoredump(_cx: &mut Cx, status: CInt) -> bool {
        status.0 & 0x80 != 0
    }
    /// Whether a wait status is that of a child that goes on after it was stopped.
    #[py("WIFCONTINUED(status)")]
    pub fn wifcontinued(_cx: &mut Cx, status: CInt) -> bool {
        status.0 == 0xffff
    }
}
