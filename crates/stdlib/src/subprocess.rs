//! `_posixsubprocess`: starts a program.

use crate::posix;
use retic_runtime::host::Spawn;
use retic_runtime::types::{Bytes, Str, exception, module};
use retic_runtime::{Cx, Obj, PyResult, codecs, protocol};

fn text(cx: &mut Cx, o: &Obj) -> PyResult<Vec<u8>> {
    let p = posix::fspath(cx, o)?;
    let b = match p.cast::<Str>() {
        Some(s) => codecs::encode(cx, s, "utf-8", "surrogateescape")?,
        None => p.cast::<Bytes>().map(|b| b.bytes().to_vec()).unwrap_or_default(),
    };
    if b.contains(&0) { Err(cx.value_error("embedded null byte")) } else { Ok(b) }
}
fn texts(cx: &mut Cx, o: &Obj) -> PyResult<Vec<Vec<u8>>> {
    protocol::collect(cx, o)?.iter().map(|t| text(cx, t)).collect()
}

/// A child with a function of the caller's to run before the program: never comes back.
fn in_child(cx: &mut Cx, program: &Spawn<'_>, function: &Obj) {
    const LAST_STATUS: i32 = 255;
    let complaint = match cx.host.prepare_child(program) {
        Err(e) => Some(format!("OSError:{:x}:", e.raw_os_error().unwrap_or(0))),
        Ok(()) => match protocol::call(cx, function, &[]) {
            Ok(_) => {
                cx.host.enter_program(program);
                Some("SubprocessError:0:".into())
            }
            Err(_) => {
                cx.clear_error();
                Some("SubprocessError:0:Exception occurred in preexec_fn.".into())
            }
        },
    };
    if let Some(text) = complaint {
        let _ = cx.host.write(program.error_pipe, text.as_bytes());
    }
    let _ = cx.host.exit(LAST_STATUS);
}

#[retic_macros::methods]
mod functions {
    //! A POSIX helper for the subprocess module.
    use super::*;

    /// Spawn a fresh new child process.
    #[py("fork_exec(*args)")]
    pub fn fork_exec(cx: &mut Cx, args: &[Obj]) -> PyResult<i64> {
        let a = args;
        if a.len() != 22 {
            return Err(cx.type_error(format!("fork_exec expected 22 arguments, got {}", a.len())));
        }
        let number = |cx: &mut Cx, i: usize| protocol::index_i64(cx, &a[i]).map(|n| n as i32);
        let argv = texts(cx, &a[0])?;
        let executables = texts(cx, &a[1])?;
        let close_fds = protocol::truth(cx, &a[2])?;
        let mut keep = Vec::new();
        for fd in protocol::collect(cx, &a[3])? {
            keep.push(protocol::index_i64(cx, &fd)? as i32);
        }
        let cwd = if a[4].is_none() { None } else { Some(text(cx, &a[4])?) };
        let env = if a[5].is_none() { None } else { Some(texts(cx, &a[5])?) };
        let (p2cread, c2pwrite, errwrite, error_pipe) = (number(cx, 6)?, number(cx, 9)?, number(cx, 11)?, number(cx, 13)?);
        let (restore_signals, new_session) = (protocol::truth(cx, &a[14])?, protocol::truth(cx, &a[15])?);
        let group = number(cx, 16)?;
        let id = |cx: &mut Cx, what: &str, o: &Obj| {
            if o.is_none() {
                return Ok(None);
            }
            posix::id(cx, what, o).map(Some)
        };
        let (gid, uid) = (id(cx, "gid", &a[17])?, id(cx, "uid", &a[19])?);
        let groups = if a[18].is_none() { None } else { Some(posix::group_ids(cx, &a[18])?) };
        let umask = number(cx, 20)?;
        let program = Spawn {
            args: &argv,
            executables: &executables,
            env: env.as_deref(),
            cwd: cwd.as_deref(),
            stdio: [p2cread, c2pwrite, errwrite],
            keep: &keep,
            close_fds,
            error_pipe,
            restore_signals,
            new_session,
            process_group: group,
            umask,
            gid,
            uid,
            groups: groups.as_deref(),
        };
        if !a[21].is_none() {
            if cx.finalizing {
                let class = cx.types.python_finalization_error.clone();
                return Err(cx.error_of(&class, "preexec_fn not supported at interpreter shutdown"));
            }
            let pid = posix::fork_process(cx, "fork")?;
            if pid == 0 {
                in_child(cx, &program, &a[21]);
            }
            return Ok(pid);
        }
        cx.host.spawn(&program).map_err(|e| exception::raise_os(cx, &e, None, None))
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    Ok(module::of_functions(cx, "_posixsubprocess", functions::DOC, functions::FUNCTIONS)?.into_obj())
}
