//! Arguments as C takes them: numbers of its types, descriptors, ids.

use retic_runtime::modules::warnings;
use retic_runtime::native::FromArg;
pub use retic_runtime::native::c_int;
use retic_runtime::types::int;
use retic_runtime::{Cx, Obj, PyResult, protocol};

fn given<'a>(cx: &mut Cx, value: Option<&'a Obj>, name: &str) -> PyResult<&'a Obj> {
    <&Obj>::from_arg(cx, value, name)
}
/// Whether a number beyond a machine word is below zero.
fn is_below(n: &Obj) -> bool {
    int::to_big(n).is_some_and(|b| b.is_negative())
}

/// An `int`.
#[derive(Clone, Copy, Debug)]
pub struct CInt(pub i32);
impl<'a> FromArg<'a> for CInt {
    fn from_arg(cx: &mut Cx, value: Option<&'a Obj>, name: &str) -> PyResult<Self> {
        i32::from_arg(cx, value, name).map(CInt)
    }
}

/// An `int` or a `pid_t` that is refused in the words of format strings where it is too large.
#[derive(Clone, Copy, Debug)]
pub struct FormatInt(pub i64);
impl<'a> FromArg<'a> for FormatInt {
    fn from_arg(cx: &mut Cx, value: Option<&'a Obj>, name: &str) -> PyResult<Self> {
        let n = given(cx, value, name)?;
        crate::params::c_int(cx, n).map(FormatInt)
    }
}

/// An `unsigned int`.
#[derive(Clone, Copy, Debug)]
pub struct UInt(pub u32);
impl<'a> FromArg<'a> for UInt {
    fn from_arg(cx: &mut Cx, value: Option<&'a Obj>, name: &str) -> PyResult<Self> {
        let n = given(cx, value, name)?;
        let n = protocol::index(cx, n)?;
        match int::to_i64(&n) {
            Some(n) if n < 0 => Err(cx.value_error("value must be positive")),
            n => n.and_then(|n| u32::try_from(n).ok()).map(UInt).ok_or_else(|| cx.overflow_error("Python int too large for C unsigned int")),
        }
    }
}

/// An `off_t`.
#[derive(Clone, Copy, Debug)]
pub struct Offset(pub i64);
impl<'a> FromArg<'a> for Offset {
    fn from_arg(cx: &mut Cx, value: Option<&'a Obj>, name: &str) -> PyResult<Self> {
        let n = given(cx, value, name)?;
        let n = protocol::index(cx, n)?;
        int::to_i64(&n).map(Offset).ok_or_else(|| cx.overflow_error("Python int too large to convert to C long"))
    }
}

/// A device (`dev_t`): 64 bits without a sign, or -1 for none.
#[derive(Clone, Copy, Debug)]
pub struct Device(pub u64);
impl<'a> FromArg<'a> for Device {
    fn from_arg(cx: &mut Cx, value: Option<&'a Obj>, name: &str) -> PyResult<Self> {
        let n = given(cx, value, name)?;
        device_bits(cx, n).map(Device)
    }
}
fn device_bits(cx: &mut Cx, o: &Obj) -> PyResult<u64> {
    if o.ty().slots(cx).index.is_none() {
        return Err(cx.type_error("an integer is required"));
    }
    let n = protocol::index(cx, o)?;
    match int::to_big(&n) {
        _ if int::to_i64(&n) == Some(-1) => Ok(u64::MAX),
        Some(b) if b.is_negative() => Err(cx.overflow_error("can't convert negative int to unsigned")),
        b => b.and_then(|b| b.to_u64()).ok_or_else(|| cx.overflow_error("int too big to convert")),
    }
}
/// One of a device's two numbers: 32 bits without a sign, or -1 for none.
#[derive(Clone, Copy, Debug)]
pub struct DevicePart(pub u32);
impl<'a> FromArg<'a> for DevicePart {
    fn from_arg(cx: &mut Cx, value: Option<&'a Obj>, name: &str) -> PyResult<Self> {
        let n = given(cx, value, name)?;
        match device_bits(cx, n)? {
            u64::MAX => Ok(DevicePart(u32::MAX)),
            bits => u32::try_from(bits).map(DevicePart).map_err(|_| cx.overflow_error("Python int too large to convert to C unsigned int")),
        }
    }
}

/// A `long long`.
#[derive(Clone, Copy, Debug)]
pub struct Long(pub i64);
impl<'a> FromArg<'a> for Long {
    fn from_arg(cx: &mut Cx, value: Option<&'a Obj>, name: &str) -> PyResult<Self> {
        let n = given(cx, value, name)?;
        let n = protocol::index(cx, n)?;
        int::to_i64(&n).map(Long).ok_or_else(|| cx.overflow_error("int too big to convert"))
    }
}

/// A descriptor: a number that is not negative, or an object with `fileno()`.
#[derive(Clone, Copy, Debug)]
pub struct Fd(pub i32);
impl<'a> FromArg<'a> for Fd {
    fn from_arg(cx: &mut Cx, value: Option<&'a Obj>, name: &str) -> PyResult<Self> {
        let o = given(cx, value, name)?;
        warn_of_bool(cx, o)?;
        crate::select::descriptor(cx, o).map(Fd)
    }
}
pub fn warn_of_bool(cx: &mut Cx, o: &Obj) -> PyResult<()> {
    if std::ptr::eq(o.ty(), &*cx.types.bool) {
        let category = cx.types.runtime_warning.clone();
        warnings::warn(cx, &category, "bool is used as a file descriptor", 1)?;
    }
    Ok(())
}

/// The descriptor of a folder that names are looked for in: `dir_fd` where it is not None.
#[derive(Clone, Copy, Debug)]
pub struct DirFd(pub i32);
impl<'a> FromArg<'a> for DirFd {
    fn from_arg(cx: &mut Cx, value: Option<&'a Obj>, name: &str) -> PyResult<Self> {
        let o = given(cx, value, name)?;
        if o.ty().slots(cx).index.is_none() {
            return Err(cx.type_error(format!("argument should be integer or None, not {}", o.ty().name_text())));
        }
        plain_fd(cx, o).map(DirFd)
    }
}
/// A descriptor by its number alone, also a negative one.
pub fn plain_fd(cx: &mut Cx, o: &Obj) -> PyResult<i32> {
    warn_of_bool(cx, o)?;
    let n = protocol::index(cx, o)?;
    let below = match int::to_i64(&n) {
        Some(n) => match i32::try_from(n) {
            Ok(fd) => return Ok(fd),
            Err(_) => n < 0,
        },
        None => is_below(&n),
    };
    Err(cx.overflow_error(if below { "fd is less than minimum" } else { "fd is greater than maximum" }))
}

/// The id of a user or a group: -1 where the system takes that for "leave it".
pub fn id(cx: &mut Cx, what: &str, o: &Obj) -> PyResult<u32> {
    if o.ty().slots(cx).index.is_none() {
        return Err(cx.type_error(format!("{what} should be integer, not {}", o.ty().name_text())));
    }
    let n = protocol::index(cx, o)?;
    match int::to_i64(&n) {
        Some(n) => super::id_number(cx, what, n),
        None if is_below(&n) => Err(cx.overflow_error(format!("{what} is less than minimum"))),
        None => Err(cx.overflow_error(format!("{what} is greater than maximum"))),
    }
}
#[derive(Clone, Copy, Debug)]
pub struct Uid(pub u32);
impl<'a> FromArg<'a> for Uid {
    fn from_arg(cx: &mut Cx, value: Option<&'a Obj>, name: &str) -> PyResult<Self> {
        let o = given(cx, value, name)?;
        id(cx, "uid", o).map(Uid)
    }
}
#[derive(Clone, Copy, Debug)]
pub struct Gid(pub u32);
impl<'a> FromArg<'a> for Gid {
    fn from_arg(cx: &mut Cx, value: Option<&'a Obj>, name: &str) -> PyResult<Self> {
        let o = given(cx, value, name)?;
        id(cx, "gid", o).map(Gid)
    }
}
