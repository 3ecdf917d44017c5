//! `pwd` and `grp`: the databases of users and groups.

use crate::posix::id_number;
use retic_runtime::host::accounts::{Group, Sought, User};
use retic_runtime::types::structseq::{self, Definition};
use retic_runtime::types::{Str, exception, int, module};
use retic_runtime::{Cx, Obj, PyResult, Raised, codecs, protocol};

static USER: Definition = Definition {
    name: "pwd.struct_passwd",
    doc: "An entry of the password database: a tuple of seven whose items have names, too.",
    fields: &["pw_name", "pw_passwd", "pw_uid", "pw_gid", "pw_gecos", "pw_dir", "pw_shell"],
    visible: 7,
};
static GROUP: Definition = Definition {
    name: "grp.struct_group",
    doc: "An entry of the group database: a tuple of four whose items have names, too.",
    fields: &["gr_name", "gr_passwd", "gr_gid", "gr_mem"],
    visible: 4,
};

fn text(cx: &mut Cx, bytes: &[u8]) -> PyResult {
    codecs::decode(cx, bytes, "utf-8", "surrogateescape")
}
fn done<T>(cx: &mut Cx, r: std::io::Result<T>) -> PyResult<T> {
    r.map_err(|e| exception::raise_os(cx, &e, None, None))
}
fn missing(cx: &mut Cx, sentence: &str) -> Raised {
    match cx.str(sentence) {
        Ok(s) => cx.key_error(&s),
        Err(r) => r,
    }
}
/// An id as messages have it: the largest number stands for -1.
fn shown(id: u32) -> i64 {
    if id == u32::MAX { -1 } else { i64::from(id) }
}
/// The id as a number; where it is none that an account can have, `None`.
fn id(cx: &mut Cx, what: &str, o: &Obj) -> PyResult<Option<u32>> {
    if o.ty().slots(cx).index.is_none() {
        return Err(cx.type_error(format!("{what} should be integer, not {}", o.ty().name_text())));
    }
    let n = protocol::index(cx, o)?;
    let Some(n) = int::to_i64(&n) else { return Ok(None) };
    let r = id_number(cx, what, n).ok();
    if r.is_none() {
        cx.clear_error();
    }
    Ok(r)
}
fn name(cx: &mut Cx, function: &str, o: &Obj) -> PyResult<Vec<u8>> {
    let Some(s) = o.cast::<Str>() else {
        return Err(cx.type_error(format!("{function} must be str, not {}", o.ty().name_text())));
    };
    let bytes = codecs::encode(cx, s, "utf-8", "surrogateescape")?;
    if bytes.contains(&0) { Err(cx.value_error("embedded null byte")) } else { Ok(bytes) }
}

fn user(cx: &mut Cx, u: &User) -> PyResult {
    let items =
        vec![text(cx, &u.name)?, text(cx, &u.password)?, cx.int(i64::from(u.uid))?, cx.int(i64::from(u.gid))?, text(cx, &u.gecos)?, text(cx, &u.directory)?, text(cx, &u.shell)?];
    let class = cx.native_type(USER.name);
    structseq::new(cx, &class, USER.visible, items)
}
fn group(cx: &mut Cx, g: &Group) -> PyResult {
    let members = g.members.iter().map(|m| text(cx, m)).collect::<PyResult<Vec<_>>>()?;
    let items = vec![text(cx, &g.name)?, text(cx, &g.password)?, cx.int(i64::from(g.gid))?, cx.list(members)?];
    let class = cx.native_type(GROUP.name);
    structseq::new(cx, &class, GROUP.visible, items)
}

#[retic_macros::methods]
mod pwd {
    //! The password database of a Unix system: who has an account, with which number, home and shell.
    use super::*;

    /// The entry of the user with that number; KeyError if there is none.
    #[py("getpwuid(uidobj, /)")]
    pub fn getpwuid(cx: &mut Cx, uidobj: &Obj) -> PyResult {
        let Some(uid) = id(cx, "uid", uidobj)? else { return Err(missing(cx, "getpwuid(): uid not found")) };
        let r = cx.host.user(Sought::Id(uid));
        match done(cx, r)? {
            Some(u) => user(cx, &u),
            None => Err(missing(cx, &format!("getpwuid(): uid not found: {}", shown(uid)))),
        }
    }
    /// The entry of the user of that name; KeyError if there is none.
    #[py("getpwnam(name, /)")]
    pub fn getpwnam(cx: &mut Cx, name: &Obj) -> PyResult {
        let wanted = super::name(cx, "getpwnam() argument", name)?;
        let r = cx.host.user(Sought::Name(&wanted));
        match done(cx, r)? {
            Some(u) => user(cx, &u),
            None => {
                let text = protocol::repr_text(cx, name)?;
                Err(missing(cx, &format!("getpwnam(): name not found: {text}")))
            }
        }
    }
    /// A list of all entries, in no order.
    #[py("getpwall()")]
    pub fn getpwall(cx: &mut Cx) -> PyResult {
        let r = cx.host.users();
        let items = done(cx, r)?.iter().map(|u| user(cx, u)).collect::<PyResult<Vec<_>>>()?;
        cx.list(items)
    }
}

#[retic_macros::methods]
mod grp {
    //! The group database of a Unix system: groups, their numbers, and who is listed as a member.
    use super::*;

    /// The entry of the group with that number; KeyError if there is none.
    #[py("getgrgid(id)")]
    pub fn getgrgid(cx: &mut Cx, id: &Obj) -> PyResult {
        if id.ty().slots(cx).index.is_none() {
            return Err(cx.type_error(format!("gid should be integer, not {}", id.ty().name_text())));
        }
        let n = protocol::index_i64(cx, id)?;
        let gid = id_number(cx, "gid", n)?;
        let r = cx.host.group(Sought::Id(gid));
        match done(cx, r)? {
            Some(g) => group(cx, &g),
            None => Err(missing(cx, &format!("getgrgid(): gid not found: {}", shown(gid)))),
        }
    }
    /// The entry of the group of that name; KeyError if there is none.
    #[py("getgrnam(name)")]
    pub fn getgrnam(cx: &mut Cx, name: &Obj) -> PyResult {
        let wanted = super::name(cx, "getgrnam() argument 1", name)?;
        let r = cx.host.group(Sought::Name(&wanted));
        match done(cx, r)? {
            Some(g) => group(cx, &g),
            None => {
                let text = protocol::repr_text(cx, name)?;
                Err(missing(cx, &format!("getgrnam(): name not found: {text}")))
            }
        }
    }
    /// A list of all entries, in no order.
    #[py("getgrall()")]
    pub fn getgrall(cx: &mut Cx) -> PyResult {
        let r = cx.host.groups_known();
        let items = done(cx, r)?.iter().map(|g| group(cx, g)).collect::<PyResult<Vec<_>>>()?;
        cx.list(items)
    }
}

fn with_entries(cx: &mut Cx, m: &module::Module, class: &'static str, definition: &'static Definition) -> PyResult<()> {
    let made = structseq::make_type(cx, definition)?;
    m.set(cx, class, made.into_obj())
}
pub fn make_pwd(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "pwd", pwd::DOC, pwd::FUNCTIONS)?;
    with_entries(cx, &m, "struct_passwd", &USER)?;
    Ok(m.into_obj())
}
pub fn make_grp(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "grp", grp::DOC, grp::FUNCTIONS)?;
    with_entries(cx, &m, "struct_group", &GROUP)?;
    Ok(m.into_obj())
}
