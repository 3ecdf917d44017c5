//! Other programs: becoming one, and starting one with `posix_spawn`.

use super::arguments::{CInt, c_int};
use super::{asked, path, process};
use retic_runtime::audit::Told;
use retic_runtime::host::process::{FileAction, SpawnRequest};
use retic_runtime::types::{List, Tuple, exception, int};
use retic_runtime::{Cx, Obj, PyResult, protocol};

/// The arguments of a program; `what` is how complaints begin.
fn arguments(cx: &mut Cx, argv: &Obj, what: &str) -> PyResult<Vec<Vec<u8>>> {
    if argv.cast::<Tuple>().is_none() && argv.cast::<List>().is_none() {
        return Err(cx.type_error(format!("{what} must be a tuple or list")));
    }
    let items = protocol::collect(cx, argv)?;
    if items.is_empty() {
        return Err(cx.value_error(format!("{what} must not be empty")));
    }
    let mut out = Vec::new();
    for o in &items {
        out.push(path::any(cx, o)?);
        if out[0].is_empty() {
            return Err(cx.value_error(format!("{what} first element cannot be empty")));
        }
    }
    Ok(out)
}
/// Its environment: `name=value` each.
fn environment(cx: &mut Cx, env: &Obj, complaint: &str) -> PyResult<Vec<Vec<u8>>> {
    if env.ty().slots(cx).getitem.is_none() {
        return Err(cx.type_error(complaint));
    }
    let keys = protocol::call_method(cx, env, "keys", &[])?;
    let values = protocol::call_method(cx, env, "values", &[])?;
    let (keys, values) = (protocol::collect(cx, &keys)?, protocol::collect(cx, &values)?);
    let mut out = Vec::new();
    for (k, v) in keys.iter().zip(&values) {
        let mut text = path::any(cx, k)?;
        let value = path::any(cx, v)?;
        if text.is_empty() || text[1..].contains(&b'=') {
            return Err(cx.value_error("illegal environment variable name"));
        }
        text.push(b'=');
        text.extend(value);
        out.push(text);
    }
    Ok(out)
}

/// One of the things to do with descriptors.
fn file_action(cx: &mut Cx, o: &Obj) -> PyResult<FileAction> {
    let parts = o.cast::<Tuple>().map(|t| t.items().to_vec()).unwrap_or_default();
    let Some(kind) = parts.first() else { return Err(cx.type_error("Each file_actions element must be a non-empty tuple")) };
    let kind = protocol::index(cx, kind)?;
    let fd = |cx: &mut Cx, o: &Obj| crate::params::c_int(cx, o).map(|n| n as i32);
    match (int::to_i64(&kind), &parts[1..]) {
        (Some(0), [to, name, flags, mode]) => {
            let to = fd(cx, to)?;
            let path = path::any(cx, name)?;
            let flags = fd(cx, flags)?;
            let mode = crate::params::unsigned_bits(cx, mode)?;
            Ok(FileAction::Open { fd: to, path, flags, mode })
        }
        (Some(0), _) => Err(cx.type_error("A open file_action tuple must have 5 elements")),
        (Some(1), [one]) => fd(cx, one).map(FileAction::Close),
        (Some(1), _) => Err(cx.type_error("A close file_action tuple must have 2 elements")),
        (Some(2), [from, to]) => Ok(FileAction::Dup2 { fd: fd(cx, from)?, to: fd(cx, to)? }),
        (Some(2), _) => Err(cx.type_error("A dup2 file_action tuple must have 3 elements")),
        (Some(3), [first]) => fd(cx, first).map(FileAction::CloseFrom),
        (Some(3), _) => Err(cx.type_error("A closefrom file_action tuple must have 2 elements")),
        _ => Err(cx.type_error("Unknown file_actions identifier")),
    }
}

/// What the child begins with besides.
struct Wishes<'a> {
    file_actions: Option<&'a Obj>,
    group: Option<CInt>,
    reset_ids: bool,
    new_session: bool,
    mask: Option<&'a Obj>,
    defaults: Option<&'a Obj>,
    scheduler: Option<&'a Obj>,
}

fn start(cx: &mut Cx, function: &str, search: bool, program: (&Obj, &Obj, &Obj), wishes: &Wishes<'_>) -> PyResult<i64> {
    let (name, argv, env) = program;
    let p = path::of(cx, name, function, false)?;
    let args = arguments(cx, argv, &format!("{function}: argv"))?;
    let env_given = match env.is_none() {
        true => None,
        false => Some(environment(cx, env, &format!("{function}: environment must be a mapping object or None"))?),
    };
    let mut request = SpawnRequest {
        path: p.bytes.clone(),
        search,
        args,
        env: env_given,
        group: wishes.group.map(|g| g.0),
        reset_ids: wishes.reset_ids,
        new_session: wishes.new_session,
        ..SpawnRequest::default()
    };
    if let Some(given) = wishes.file_actions.filter(|f| !f.is_none()) {
        if given.ty().slots(cx).getitem.is_none() {
            return Err(cx.type_error("file_actions must be a sequence or None"));
        }
        for action in protocol::collect(cx, given)? {
            let action = file_action(cx, &action)?;
            request.actions.push(action);
        }
    }
    request.mask = wishes.mask.map(|m| crate::signals::bits(cx, m)).transpose()?;
    request.defaults = wishes.defaults.map(|m| crate::signals::bits(cx, m)).transpose()?;
    if let Some(given) = wishes.scheduler {
        let Some(pair) = given.cast::<Tuple>() else {
            return Err(cx.error_of(&cx.types.system_error, "new style getargs format but argument is not a tuple"));
        };
        let [policy, parameters] = pair.items() else { return Err(cx.type_error("A scheduler tuple must have two elements")) };
        let (policy, parameters) = (policy.clone(), parameters.clone());
        let policy = if policy.is_none() { None } else { Some(c_int(cx, &policy)?) };
        request.scheduler = Some((policy, process::priority(cx, &parameters)?));
    }
    cx.audit("os.posix_spawn", &[name.into(), argv.into(), env.into()])?;
    cx.host.flush();
    let r = cx.host.posix_spawn(&request);
    asked(cx, r, &p)
}

#[retic_macros::methods]
pub mod functions {
    use super::*;

    /// Becomes another program with these arguments; the first is its name for itself. Returns only by raising OSError.
    #[py("execv(path, argv, /)")]
    pub fn execv(cx: &mut Cx, path: &Obj, argv: &Obj) -> PyResult<()> {
        let p = path::of(cx, path, "execv", false)?;
        let args = arguments(cx, argv, "execv() arg 2")?;
        cx.audit("os.exec", &[path.into(), argv.into(), Told::Nothing])?;
        cx.host.flush();
        cx.host.replace_program(&p.bytes, None, &args, None).map_err(|e| exception::raise_os(cx, &e, None, None))
    }
    /// Becomes another program, of a path or an open file, with these arguments and an environment of its own. Returns only
    /// by raising OSError.
    #[py("execve(path, argv, env)")]
    pub fn execve(cx: &mut Cx, path: &Obj, argv: &Obj, env: &Obj) -> PyResult<()> {
        let p = path::of(cx, path, "execve", true)?;
        let args = arguments(cx, argv, "execve: argv")?;
        let variables = environment(cx, env, "execve: environment must be a mapping object")?;
        cx.audit("os.exec", &[path.into(), argv.into(), env.into()])?;
        cx.host.flush();
        let r = cx.host.replace_program(&p.bytes, p.fd, &args, Some(&variables));
        asked(cx, r, &p)
    }
    /// Starts a program and returns its process id.
    ///
    /// argv are its arguments, the first its name for itself; env its environment, None for this one's. file_actions say
    /// what is done with descriptors first: tuples that begin with POSIX_SPAWN_OPEN (descriptor, path, flags, mode),
    /// POSIX_SPAWN_CLOSE (descriptor), POSIX_SPAWN_DUP2 (descriptor, new descriptor) or POSIX_SPAWN_CLOSEFROM (descriptor).
    /// setpgroup is its process group; with resetids the effective ids become the real ones; with setsid it leads a session.
    /// setsigmask are signals it does not take, setsigdef those that have their own effect again; scheduler is a policy, or
    /// None, and a sched_param.
    #[py(
        "posix_spawn(path, argv, env, /, *, file_actions=(), setpgroup=<unrepresentable>, resetids=False, setsid=False, setsigmask=(), setsigdef=(), scheduler=<unrepresentable>)",
        "(path, argv, env, /, *, file_actions=(),\n            setpgroup=<unrepresentable>, resetids=False, setsid=False,\n            setsigmask=(), setsigdef=(), scheduler=<unrepresentable>)"
    )]
    pub fn posix_spawn(
        cx: &mut Cx,
        path: &Obj,
        argv: &Obj,
        env: &Obj,
        file_actions: Option<&Obj>,
        setpgroup: Option<CInt>,
        resetids: bool,
        setsid: bool,
        setsigmask: Option<&Obj>,
        setsigdef: Option<&Obj>,
        scheduler: Option<&Obj>,
    ) -> PyResult<i64> {
        let wishes = Wishes { file_actions, group: setpgroup, reset_ids: resetids, new_session: setsid, mask: setsigmask, defaults: setsigdef, scheduler };
        start(cx, "posix_spawn", false, (path, argv, env), &wishes)
    }
    /// Starts a program that is looked for in the folders of PATH, and returns its process id.
    ///
    /// The arguments are those of posix_spawn().
    #[py(
        "posix_spawnp(path, argv, env, /, *, file_actions=(), setpgroup=<unrepresentable>, resetids=False, setsid=False, setsigmask=(), setsigdef=(), scheduler=<unrepresentable>)",
        "(path, argv, env, /, *, file_actions=(),\n             setpgroup=<unrepresentable>, resetids=False, setsid=False,\n             setsigmask=(), setsigdef=(), scheduler=<unrepresentable>)"
    )]
    pub fn posix_spawnp(
        cx: &mut Cx,
        path: &Obj,
        argv: &Obj,
        env: &Obj,
        file_actions: Option<&Obj>,
        setpgroup: Option<CInt>,
        resetids: bool,
        setsid: bool,
        setsigmask: Option<&Obj>,
        setsigdef: Option<&Obj>,
        scheduler: Option<&Obj>,
    ) -> PyResult<i64> {
        let wishes = Wishes { file_actions, group: setpgroup, reset_ids: resetids, new_session: setsid, mask: setsigmask, defaults: setsigdef, scheduler };
        start(cx, "posix_spawnp", true, (path, argv, env), &wishes)
    }
}
