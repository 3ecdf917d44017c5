//! Addresses of Linux's other families: network cards, the kernel, virtual machines, CAN buses, TIPC, ciphers.

use super::address::{CAN, family_of};
use crate::params::{c_int, unsigned_bits};
use crate::posix::path as paths;
use retic_runtime::protocol::buffer;
use retic_runtime::types::{Bytes, Str, Tuple};
use retic_runtime::{Cx, Obj, PyResult, protocol};

pub const NETLINK: i32 = 16;
pub const PACKET: i32 = 17;
pub const TIPC: i32 = 30;
pub const ALG: i32 = 38;
pub const VSOCK: i32 = 40;
pub const QIPCRTR: i32 = 42;

const CAN_ISOTP: i32 = 6;
const CAN_J1939: i32 = 7;
/// Bytes of an interface's name with its zero (`IFNAMSIZ`).
const INTERFACE_BYTES: usize = 16;
const ENODEV: i32 = 19;
/// Kinds of TIPC addresses.
const TIPC_RANGE: u8 = 1;
const TIPC_NAME: u8 = 2;
const TIPC_ID: u8 = 3;
const TIPC_CLUSTER: u32 = 2;

/// The items of an address that is a tuple of so many.
fn items(cx: &mut Cx, o: &Obj, what: &str, range: std::ops::RangeInclusive<usize>, wanted: &str) -> PyResult<Vec<Obj>> {
    let Some(t) = o.cast::<Tuple>() else {
        return Err(cx.type_error(format!("{what} address must be tuple, not {}", o.ty().name_text())));
    };
    if range.contains(&t.items().len()) { Ok(t.items().to_vec()) } else { Err(cx.type_error(wanted)) }
}
/// The same where complaints are those of an argument list.
fn exactly(cx: &mut Cx, o: &Obj, function: &str, n: usize) -> PyResult<Vec<Obj>> {
    let Some(t) = o.cast::<Tuple>() else {
        return Err(cx.error_of(&cx.types.system_error, "new style getargs format but argument is not a tuple"));
    };
    match t.items().len() {
        given if given == n => Ok(t.items().to_vec()),
        given => Err(cx.type_error(format!("{function} takes exactly {n} arguments ({given} given)"))),
    }
}

/// The bytes of an address, piece by piece.
struct Writer(Vec<u8>);
impl Writer {
    fn of(family: i32) -> Writer {
        Writer((family as u16).to_ne_bytes().to_vec())
    }
    fn add(mut self, bytes: &[u8]) -> Writer {
        self.0.extend_from_slice(bytes);
        self
    }
    fn word(self, n: u32) -> Writer {
        self.add(&n.to_ne_bytes())
    }
    /// Zeros up to a length.
    fn up_to(mut self, length: usize) -> Writer {
        self.0.resize(length, 0);
        self
    }
}

/// The number of an interface; none for an empty name.
fn interface(cx: &mut Cx, name: &[u8], family: &str) -> PyResult<u32> {
    if name.is_empty() {
        return Ok(0);
    }
    if name.len() >= INTERFACE_BYTES && family == "AF_CAN" {
        return Err(cx.error_of(&cx.types.os_error, "AF_CAN interface name too long"));
    }
    let list = cx.host.interfaces().map_err(|e| super::raise_os(cx, &e))?;
    match list.iter().find(|i| i.1 == name) {
        Some(i) => Ok(i.0),
        None => Err(super::raise_os(cx, &std::io::Error::from_raw_os_error(ENODEV))),
    }
}
fn interface_name(cx: &mut Cx, index: u32) -> PyResult {
    let name = cx.host.interfaces().ok().and_then(|list| list.into_iter().find(|i| i.0 == index)).map_or(Vec::new(), |i| i.1);
    paths::name(cx, &name, false)
}

/// The bytes of an address as Python writes it; `None`: none of these families.
pub fn encode(cx: &mut Cx, family: i32, proto: i32, o: &Obj, function: &str) -> PyResult<Option<Vec<u8>>> {
    let number = |cx: &mut Cx, o: &Obj| unsigned_bits(cx, o);
    let made = match family {
        NETLINK => {
            let i = items(cx, o, &format!("{function}(): AF_NETLINK"), 2..=2, "AF_NETLINK address must be a pair (pid, groups)")?;
            Writer::of(family).up_to(4).word(number(cx, &i[0])?).word(number(cx, &i[1])?)
        }
        VSOCK | QIPCRTR => {
            let name = if family == VSOCK { "AF_VSOCK" } else { "AF_QIPCRTR" };
            if o.cast::<Tuple>().is_none() {
                return Err(cx.type_error(format!("getsockaddrarg: {name} address must be tuple, not {}", o.ty().name_text())));
            }
            let i = exactly(cx, o, "getsockaddrarg()", 2)?;
            let (a, b) = (number(cx, &i[0])?, number(cx, &i[1])?);
            match family {
                VSOCK => Writer::of(family).up_to(4).word(b).word(a).up_to(16),
                _ => Writer::of(family).up_to(4).word(a).word(b),
            }
        }
        PACKET => packet(cx, o, function)?,
        CAN => can(cx, proto, o, function)?,
        TIPC => {
            let wanted = "AF_TIPC address must be a tuple (addr_type, v1, v2, v3[, scope])";
            let i = items(cx, o, &format!("{function}(): AF_TIPC"), 4..=5, wanted)?;
            let v = i.iter().map(|o| number(cx, o)).collect::<PyResult<Vec<_>>>()?;
            let scope = v.get(4).copied().unwrap_or(TIPC_CLUSTER) as u8;
            let w = Writer::of(family).add(&[v[0] as u8, scope]);
            match v[0] as u8 {
                TIPC_RANGE => w.word(v[1]).word(v[2]).word(v[3]),
                TIPC_NAME => w.word(v[1]).word(v[2]).up_to(16),
                TIPC_ID => w.word(v[2]).word(v[1]).up_to(16),
                _ => return Err(cx.type_error("Invalid address type")),
            }
        }
        ALG => {
            const KIND_BYTES: usize = 14;
            const NAME_BYTES: usize = 64;
            let wanted = "AF_ALG address must be a tuple (type, name[, feat[, mask]])";
            let i = items(cx, o, &format!("{function}(): AF_ALG"), 2..=4, wanted)?;
            if i[..2].iter().any(|o| o.cast::<Str>().is_none()) {
                return Err(cx.type_error(wanted));
            }
            let (kind, name) = (paths::any(cx, &i[0])?, paths::any(cx, &i[1])?);
            let mut more = [0u32; 2];
            for (slot, o) in more.iter_mut().zip(&i[2..]) {
                *slot = number(cx, o)? & 0xffff;
            }
            if kind.len() >= KIND_BYTES {
                return Err(cx.value_error("AF_ALG type too long."));
            }
            if name.len() >= NAME_BYTES {
                return Err(cx.value_error("AF_ALG name too long."));
            }
            Writer::of(family).add(&kind).up_to(2 + KIND_BYTES).word(more[0]).word(more[1]).add(&name).up_to(24 + NAME_BYTES)
        }
        _ => return Ok(None),
    };
    Ok(Some(made.0))
}

fn packet(cx: &mut Cx, o: &Obj, function: &str) -> PyResult<Writer> {
    const WANTED: &str = "AF_PACKET address must be a tuple of two to five elements";
    const HARDWARE_BYTES: usize = 8;
    let i = items(cx, o, &format!("{function}(): AF_PACKET"), 2..=5, WANTED)?;
    if i[0].cast::<Str>().is_none() {
        return Err(cx.type_error(WANTED));
    }
    let name = paths::any(cx, &i[0])?;
    let mut numbers = [0i32; 3];
    for (slot, o) in numbers.iter_mut().zip(&i[1..i.len().min(4)]) {
        *slot = match c_int(cx, o) {
            Ok(n) => n as i32,
            Err(_) if cx.error_is(&cx.types.overflow_error) => {
                cx.clear_error();
                return Err(cx.overflow_error(format!("{function}(): address argument out of range")));
            }
            Err(r) => return Err(r),
        };
    }
    let hardware = match i.get(4) {
        Some(o) => buffer::bytes(cx, o)?,
        None => Vec::new(),
    };
    if hardware.len() > HARDWARE_BYTES {
        return Err(cx.value_error("Hardware address must be 8 bytes or less"));
    }
    let index = interface(cx, &name, "AF_PACKET")?;
    let [proto, kind, hatype] = numbers;
    let Ok(proto) = u16::try_from(proto) else { return Err(cx.overflow_error(format!("{function}(): proto must be 0-65535."))) };
    Ok(Writer::of(PACKET).add(&proto.to_be_bytes()).word(index).add(&(hatype as u16).to_ne_bytes()).add(&[kind as u8, hardware.len() as u8]).add(&hardware).up_to(20))
}

fn can(cx: &mut Cx, proto: i32, o: &Obj, function: &str) -> PyResult<Writer> {
    let start = |cx: &mut Cx, name: &Obj| {
        let name = paths::any(cx, name)?;
        Ok(Writer::of(CAN).up_to(4).word(interface(cx, &name, "AF_CAN")?))
    };
    let w = match proto {
        CAN_ISOTP => {
            let i = exactly(cx, o, "function", 3)?;
            let (received, sent) = (unsigned_bits(cx, &i[1])?, unsigned_bits(cx, &i[2])?);
            start(cx, &i[0])?.word(received).word(sent)
        }
        CAN_J1939 => {
            let i = exactly(cx, o, "function", 4)?;
            let name = protocol::index(cx, &i[1])?;
            let name = retic_runtime::types::int::to_big(&name).and_then(|b| b.to_u64()).unwrap_or(0);
            let (group, at) = (unsigned_bits(cx, &i[2])?, unsigned_bits(cx, &i[3])?);
            start(cx, &i[0])?.add(&name.to_ne_bytes()).word(group).add(&[at as u8])
        }
        _ => {
            let i = items(cx, o, &format!("{function}(): AF_CAN"), 1..=1, "AF_CAN address must be a tuple (interface, )")?;
            start(cx, &i[0])?
        }
    };
    Ok(w.up_to(24))
}

/// An address as Python shows it; `None`: none of these families, or bytes are missing.
pub fn decode(cx: &mut Cx, address: &[u8], proto: i32) -> PyResult<Option<Obj>> {
    let half = |at: usize| address.get(at..at + 2).map_or(0, |b| u16::from_ne_bytes([b[0], b[1]]));
    let word = |at: usize| address.get(at..at + 4).map_or(0, |b| u32::from_ne_bytes([b[0], b[1], b[2], b[3]]));
    let int = |cx: &mut Cx, n: u32| cx.int(i64::from(n));
    let family = family_of(address);
    let parts = match family {
        NETLINK if address.len() >= 12 => vec![int(cx, word(4))?, int(cx, word(8))?],
        VSOCK if address.len() >= 12 => vec![int(cx, word(8))?, int(cx, word(4))?],
        QIPCRTR if address.len() >= 12 => vec![int(cx, word(4))?, int(cx, word(8))?],
        PACKET if address.len() >= 12 => {
            let hardware = address.get(12..12 + usize::from(address[11])).unwrap_or(&[]);
            vec![
                interface_name(cx, word(4))?,
                int(cx, u32::from(u16::from_be_bytes([address[2], address[3]])))?,
                int(cx, address[10].into())?,
                int(cx, half(8).into())?,
                Bytes::from_slice(cx, hardware)?,
            ]
        }
        CAN if address.len() >= 8 => {
            let name = interface_name(cx, word(4))?;
            match proto {
                CAN_ISOTP => vec![name, int(cx, CAN as u32)?, int(cx, word(8))?, int(cx, word(12))?],
                CAN_J1939 => {
                    let long = u64::from(word(8)) | u64::from(word(12)) << 32;
                    vec![name, retic_runtime::types::int::from_u64(cx, long)?, int(cx, word(16))?, int(cx, address.get(20).copied().unwrap_or(0).into())?]
                }
                _ => vec![name, int(cx, CAN as u32)?],
            }
        }
        TIPC if address.len() >= 16 => {
            let (kind, scope) = (address[2], address[3] as i8);
            let (a, b, c) = match kind {
                TIPC_RANGE => (word(4), word(8), word(12)),
                TIPC_NAME => (word(4), word(8), word(8)),
                TIPC_ID => (word(8), word(4), 0),
                _ => return Err(cx.type_error("Invalid address type")),
            };
            vec![int(cx, kind.into())?, int(cx, a)?, int(cx, b)?, int(cx, c)?, cx.int(scope.into())?]
        }
        _ => return Ok(None),
    };
    cx.tuple(parts).map(Some)
}

/// The ancillary items of a cipher's message.
pub fn cipher_items(cx: &mut Cx, op: Option<&Obj>, iv: Option<&Obj>, assoclen: Option<&Obj>) -> PyResult<Vec<(i32, i32, Vec<u8>)>> {
    const SOL_ALG: i32 = 279;
    const SET_IV: i32 = 2;
    const SET_OP: i32 = 3;
    const SET_ASSOCLEN: i32 = 4;
    let op = match op {
        Some(o) => c_int(cx, o)?,
        None => -1,
    };
    if op < 0 {
        return Err(cx.type_error("Invalid or missing argument 'op'"));
    }
    let mut out = vec![(SOL_ALG, SET_OP, (op as u32).to_ne_bytes().to_vec())];
    if let Some(o) = iv {
        let iv = buffer::bytes(cx, o)?;
        out.push((SOL_ALG, SET_IV, [&(iv.len() as u32).to_ne_bytes()[..], &iv].concat()));
    }
    if let Some(o) = assoclen.filter(|o| !o.is_none()) {
        let n = c_int(cx, o)?;
        if n < 0 {
            return Err(cx.type_error("assoclen must be positive"));
        }
        out.push((SOL_ALG, SET_ASSOCLEN, (n as u32).to_ne_bytes().to_vec()));
    }
    Ok(out)
}
