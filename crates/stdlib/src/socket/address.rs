//! Addresses: what Python writes as a tuple or a path, and the bytes of a `sockaddr`.

use super::{families, names};
use retic_runtime::types::{Bytes, Str, Tuple, int};
use retic_runtime::{Cx, Obj, PyResult, codecs, protocol};

pub const UNSPEC: i32 = 0;
pub const UNIX: i32 = 1;
pub const INET: i32 = 2;
pub const INET6: i32 = 10;
pub const RDS: i32 = 21;
pub const CAN: i32 = 29;
/// Bytes of a `sockaddr_un`'s path.
const PATH_BYTES: usize = 108;

/// A port's number as it is written; whether it is one shows when the host is known.
fn port_number(cx: &mut Cx, o: &Obj, function: &str) -> PyResult<i32> {
    let n = protocol::index(cx, o)?;
    int::to_i64(&n).and_then(|n| i32::try_from(n).ok()).ok_or_else(|| no_port(cx, function))
}
fn port(cx: &mut Cx, n: i32, function: &str) -> PyResult<u16> {
    u16::try_from(n).map_err(|_| no_port(cx, function))
}
fn no_port(cx: &Cx, function: &str) -> retic_runtime::Raised {
    cx.overflow_error(format!("{function}(): port must be 0-65535."))
}

/// A tuple's items, or the error of a wrong argument.
fn parts(cx: &mut Cx, o: &Obj, function: &str, name: &str, range: std::ops::RangeInclusive<usize>) -> PyResult<Vec<Obj>> {
    let Some(t) = o.cast::<Tuple>() else {
        return Err(cx.type_error(format!("{function}(): {name} address must be tuple, not {}", o.ty().name_text())));
    };
    let items = t.items().to_vec();
    if range.contains(&items.len()) {
        return Ok(items);
    }
    let wanted = if name == "AF_INET" { "a pair (host, port)" } else { "a tuple (host, port[, flowinfo[, scopeid]])" };
    Err(cx.type_error(format!("{name} address must be {wanted}")))
}

/// The bytes of an address as Python writes it for a family.
pub fn encode(cx: &mut Cx, family: i32, proto: i32, o: &Obj, function: &str) -> PyResult<Vec<u8>> {
    if let Some(made) = families::encode(cx, family, proto, o, function)? {
        return Ok(made);
    }
    match family {
        UNIX => {
            let path = match (o.cast::<Str>().cloned(), o.cast::<Bytes>()) {
                (Some(s), _) => codecs::encode(cx, &s, "utf-8", "surrogateescape")?,
                (_, Some(b)) => b.bytes().to_vec(),
                _ => protocol::buffer::bytes(cx, o)?,
            };
            let is_abstract = path.first().is_none_or(|b| *b == 0);
            if path.len() + usize::from(!is_abstract) > PATH_BYTES {
                return Err(cx.error_of(&cx.types.os_error, "AF_UNIX path too long"));
            }
            let mut out = (UNIX as u16).to_ne_bytes().to_vec();
            out.extend_from_slice(&path);
            if !is_abstract {
                out.push(0);
            }
            Ok(out)
        }
        INET | RDS => {
            let items = parts(cx, o, function, "AF_INET", 2..=2)?;
            let host = names::host_argument(cx, &items[0])?;
            let number = port_number(cx, &items[1], function)?;
            let host = names::address_of(cx, &host, INET)?;
            let port = port(cx, number, function)?;
            let mut out = (INET as u16).to_ne_bytes().to_vec();
            out.extend(port.to_be_bytes());
            out.extend_from_slice(host.get(4..8).unwrap_or(&[0; 4]));
            out.resize(16, 0);
            Ok(out)
        }
        INET6 => {
            let items = parts(cx, o, function, "AF_INET6", 2..=4)?;
            let host = names::host_argument(cx, &items[0])?;
            let number = port_number(cx, &items[1], function)?;
            let mut more = [0u32; 2];
            for (slot, o) in more.iter_mut().zip(&items[2..]) {
                let n = protocol::index(cx, o)?;
                *slot = int::to_i64(&n).and_then(|n| u32::try_from(n).ok()).ok_or_else(|| cx.overflow_error("Python int too large to convert to C unsigned int"))?;
            }
            let host = names::address_of(cx, &host, INET6)?;
            let port = port(cx, number, function)?;
            if more[0] > 0xf_ffff {
                return Err(cx.overflow_error(format!("{function}(): flowinfo must be 0-1048575.")));
            }
            let mut out = (INET6 as u16).to_ne_bytes().to_vec();
            out.extend(port.to_be_bytes());
            out.extend(more[0].to_be_bytes());
            out.extend_from_slice(host.get(8..24).unwrap_or(&[0; 16]));
            let scope = if more[1] == 0 { host.get(24..28).map_or(0, |b| u32::from_ne_bytes([b[0], b[1], b[2], b[3]])) } else { more[1] };
            out.extend(scope.to_ne_bytes());
            Ok(out)
        }
        _ => Err(cx.error_of(&cx.types.os_error, format!("{function}(): bad family"))),
    }
}

/// The text of a numeric host in the bytes of an address.
pub fn host_text(address: &[u8]) -> String {
    match family_of(address) {
        INET if address.len() >= 8 => core::net::Ipv4Addr::new(address[4], address[5], address[6], address[7]).to_string(),
        INET6 if address.len() >= 24 => {
            let mut b = [0u8; 16];
            b.copy_from_slice(&address[8..24]);
            core::net::Ipv6Addr::from(b).to_string()
        }
        _ => String::new(),
    }
}

pub fn family_of(address: &[u8]) -> i32 {
    address.get(..2).map_or(UNSPEC, |b| i32::from(u16::from_ne_bytes([b[0], b[1]])))
}

/// An address as Python shows it.
pub fn decode(cx: &mut Cx, address: &[u8], proto: i32) -> PyResult {
    if let Some(shown) = families::decode(cx, address, proto)? {
        return Ok(shown);
    }
    match family_of(address) {
        _ if address.is_empty() => Ok(cx.none()),
        UNIX => {
            let path = &address[2..];
            match path.first() {
                None => cx.str(""),
                // An abstract name: all of its bytes, the zero first.
                Some(0) => Bytes::from_slice(cx, path),
                Some(_) => {
                    let end = path.iter().position(|b| *b == 0).unwrap_or(path.len());
                    codecs::decode(cx, &path[..end], "utf-8", "surrogateescape")
                }
            }
        }
        family @ (INET | INET6) if address.len() >= 8 => {
            let host = host_text(address);
            let mut items = vec![cx.str(&host)?, cx.int(i64::from(u16::from_be_bytes([address[2], address[3]])))?];
            if family == INET6 && address.len() >= 28 {
                let word = |at: usize| [address[at], address[at + 1], address[at + 2], address[at + 3]];
                items.push(cx.int(i64::from(u32::from_be_bytes(word(4))))?);
                items.push(cx.int(i64::from(u32::from_ne_bytes(word(24))))?);
            }
            cx.tuple(items)
        }
        UNSPEC => Ok(cx.none()),
        family => {
            let items = vec![cx.int(i64::from(family))?, Bytes::from_slice(cx, &address[2..])?];
            cx.tuple(items)
        }
    }
}
