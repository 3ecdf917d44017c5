//! The module's functions: names of hosts and services, byte order, addresses as text.

use super::address::{self, INET, INET6, UNSPEC};
use crate::posix::FormatInt;
use retic_runtime::audit::Told;
use retic_runtime::host::network::ResolveError;
use retic_runtime::types::{ByteArray, Bytes, Str, exception, int};
use retic_runtime::{Cx, Obj, PyResult, Raised, protocol};

const AI_PASSIVE: i32 = 1;
const STREAM: i32 = 1;
const DATAGRAM: i32 = 2;

/// The resolver's error as `socket.gaierror`.
pub fn raise_resolve(cx: &mut Cx, e: &ResolveError) -> Raised {
    if let Some(errno) = e.errno {
        return exception::raise_os(cx, &std::io::Error::from_raw_os_error(errno), None, None);
    }
    let made = (|| {
        let args = [cx.int(i64::from(e.code))?, cx.str(&e.text)?];
        let class = cx.native_type("socket.gaierror");
        protocol::call(cx, class.as_obj(), &args)
    })();
    match made {
        Ok(exc) => cx.raise(exc),
        Err(r) => r,
    }
}

fn raise_os(cx: &mut Cx, e: &std::io::Error) -> Raised {
    exception::raise_os(cx, e, None, None)
}

/// A host given as text (other than ASCII goes through IDNA), bytes or bytearray.
pub fn host_argument(cx: &mut Cx, o: &Obj) -> PyResult<Vec<u8>> {
    let bytes = if let Some(s) = o.cast::<Str>() {
        match s.ascii_bytes() {
            Some(a) => a.to_vec(),
            None => {
                let idna = cx.str("idna")?;
                let made = protocol::call_method(cx, o, "encode", &[idna])?;
                made.cast::<Bytes>().map(|b| b.bytes().to_vec()).unwrap_or_default()
            }
        }
    } else if let Some(b) = o.cast::<Bytes>() {
        b.bytes().to_vec()
    } else if let Some(b) = o.cast::<ByteArray>() {
        b.bytes(cx).to_vec()
    } else {
        return Err(cx.type_error(format!("str, bytes or bytearray expected, not {}", o.ty().name_text())));
    };
    if bytes.contains(&0) {
        return Err(cx.type_error("host name must not contain null character"));
    }
    Ok(bytes)
}

/// The `sockaddr` of a host alone: empty means any, `<broadcast>` the broadcast address.
pub fn address_of(cx: &mut Cx, host: &[u8], family: i32) -> PyResult<Vec<u8>> {
    let v4 = |a: [u8; 4]| [&(INET as u16).to_ne_bytes()[..], &[0, 0], &a, &[0; 8]].concat();
    if host == b"<broadcast>" || host == b"255.255.255.255" {
        if family != INET && family != UNSPEC {
            return Err(cx.error_of(&cx.types.os_error, "address family mismatched"));
        }
        return Ok(v4([255; 4]));
    }
    let text = std::str::from_utf8(host).unwrap_or("");
    if family != INET6
        && let Ok(a) = text.parse::<core::net::Ipv4Addr>()
    {
        return Ok(v4(a.octets()));
    }
    if family != INET
        && let Ok(a) = text.parse::<core::net::Ipv6Addr>()
    {
        return Ok([&(INET6 as u16).to_ne_bytes()[..], &[0; 6], &a.octets(), &[0; 4]].concat());
    }
    let found = if host.is_empty() { cx.host.resolve(None, Some(b"0"), family, DATAGRAM, 0, AI_PASSIVE) } else { cx.host.resolve(Some(host), None, family, 0, 0, 0) };
    match found {
        Ok(mut list) if !list.is_empty() => Ok(list.swap_remove(0).address),
        Ok(_) => Err(cx.error_of(&cx.types.os_error, "no address found")),
        Err(e) => Err(raise_resolve(cx, &e)),
    }
}

fn service_argument(cx: &mut Cx, o: &Obj) -> PyResult<Option<Vec<u8>>> {
    if o.is_none() {
        return Ok(None);
    }
    if let Some(s) = o.cast::<Str>() {
        return Ok(Some(s.to_text(cx).into_bytes()));
    }
    if let Some(b) = o.cast::<Bytes>() {
        return Ok(Some(b.bytes().to_vec()));
    }
    if o.ty().slots(cx).index.is_none() {
        return Err(cx.error_of(&cx.types.os_error, "Int or String expected"));
    }
    if std::ptr::eq(o.ty(), &*cx.types.bool) {
        return Err(cx.error_of(&cx.types.os_error, "Int or String expected"));
    }
    let n = protocol::index(cx, o)?;
    Ok(int::to_big(&n).map(|n| n.to_text(10).into_bytes()))
}

fn protocol_name(name: Option<&String>) -> Option<&[u8]> {
    name.map(String::as_bytes)
}

/// A number of `bits` bits for the byte-order functions.
fn unsigned(cx: &mut Cx, o: &Obj, bits: u32, function: &str) -> PyResult<u32> {
    if o.cast::<int::Int>().is_none() {
        return Err(cx.type_error(format!("expected int, {} found", o.ty().name_text())));
    }
    match int::to_i64(o) {
        Some(n) if n < 0 => Err(cx.overflow_error(format!("{function}: can't convert negative Python int to C {bits}-bit unsigned integer"))),
        Some(n) if n >> bits == 0 => Ok(n as u32),
        _ => Err(cx.overflow_error(format!("{function}: Python int too large to convert to C {bits}-bit unsigned integer"))),
    }
}

/// Name, aliases and addresses of a host.
fn triple(cx: &mut Cx, name: &[u8], aliases: Vec<String>, addresses: Vec<String>) -> PyResult {
    let mut lists = Vec::new();
    for texts in [aliases, addresses] {
        let items = texts.iter().map(|t| cx.str(t)).collect::<PyResult<Vec<_>>>()?;
        lists.push(cx.list(items)?);
    }
    let name = cx.str(&String::from_utf8_lossy(name))?;
    lists.insert(0, name);
    cx.tuple(lists)
}

#[retic_macros::methods]
pub mod functions {
    //! Implementation module for socket operations.
    use super::*;

    /// getaddrinfo(host, port [, family, type, proto, flags])
    ///
    /// Resolve host and port into list of address info entries.
    #[py("getaddrinfo(host, port, family=0, type=0, proto=0, flags=0)", "")]
    pub fn getaddrinfo(cx: &mut Cx, host: &Obj, port: &Obj, family: i64, r#type: i64, proto: i64, flags: i64) -> PyResult {
        cx.audit("socket.getaddrinfo", &[host.into(), port.into(), family.into(), r#type.into(), proto.into()])?;
        let host = if host.is_none() { None } else { Some(host_argument(cx, host)?) };
        let service = service_argument(cx, port)?;
        let found = cx.host.resolve(host.as_deref(), service.as_deref(), family as i32, r#type as i32, proto as i32, flags as i32);
        let found = found.map_err(|e| raise_resolve(cx, &e))?;
        let mut out = Vec::new();
        for r in found {
            let canonical = cx.str(&String::from_utf8_lossy(&r.canonical))?;
            let address = address::decode(cx, &r.address, 0)?;
            let items = vec![cx.int(i64::from(r.family))?, cx.int(i64::from(r.kind))?, cx.int(i64::from(r.protocol))?, canonical, address];
            out.push(cx.tuple(items)?);
        }
        cx.list(out)
    }
    /// getnameinfo(sockaddr, flags) -> (host, port)
    ///
    /// Get host and port for a sockaddr.
    #[py("getnameinfo(sockaddr, flags, /)", "")]
    pub fn getnameinfo(cx: &mut Cx, sockaddr: &Obj, flags: i64) -> PyResult {
        cx.audit("socket.getnameinfo", &[sockaddr.into()])?;
        let Some(t) = sockaddr.cast::<retic_runtime::types::Tuple>() else { return Err(cx.type_error("getnameinfo() argument 1 must be a tuple")) };
        let items = t.items().to_vec();
        let (Some(host), Some(port)) = (items.first().and_then(|h| h.cast::<Str>()), items.get(1)) else {
            return Err(cx.type_error("getnameinfo(): illegal sockaddr argument"));
        };
        let host = host.to_text(cx).into_bytes();
        let port = crate::params::c_int(cx, port)?.to_string().into_bytes();
        let mut more = [0; 2];
        for (slot, o) in more.iter_mut().zip(&items[2..items.len().min(4)]) {
            *slot = crate::params::unsigned_bits(cx, o)?;
        }
        if items.len() > 4 {
            return Err(cx.type_error("getnameinfo(): illegal sockaddr argument"));
        }
        let [flow, scope] = more;
        if flow > 0xf_ffff {
            return Err(cx.overflow_error("getnameinfo(): flowinfo must be 0-1048575."));
        }
        let found = cx.host.resolve(Some(&host), Some(&port), UNSPEC, DATAGRAM, 0, 4);
        let found = found.map_err(|e| raise_resolve(cx, &e))?;
        let [only] = &found[..] else { return Err(cx.error_of(&cx.types.os_error, "sockaddr resolved to multiple addresses")) };
        if only.family == INET && items.len() != 2 {
            return Err(cx.error_of(&cx.types.os_error, "IPv4 sockaddr must be 2 tuple"));
        }
        let mut address = only.address.clone();
        if only.family == INET6 && address.len() >= 28 {
            address[4..8].copy_from_slice(&flow.to_be_bytes());
            address[24..28].copy_from_slice(&scope.to_ne_bytes());
        }
        let (h, s) = cx.host.name_of_address(&address, flags as i32).map_err(|e| raise_resolve(cx, &e))?;
        let pair = vec![cx.str(&String::from_utf8_lossy(&h))?, cx.str(&String::from_utf8_lossy(&s))?];
        cx.tuple(pair)
    }
    /// gethostbyname(host) -> address
    ///
    /// Return the IP address (a string of the form '255.255.255.255') for a host.
    #[py("gethostbyname(host, /)", "")]
    pub fn gethostbyname(cx: &mut Cx, host: &Obj) -> PyResult<String> {
        cx.audit("socket.gethostbyname", &[host.into()])?;
        let host = host_argument(cx, host)?;
        let a = address_of(cx, &host, INET)?;
        Ok(address::host_text(&a))
    }
    /// gethostbyname_ex(host) -> (name, aliaslist, addresslist)
    ///
    /// Return the true host name, a list of aliases, and a list of IP addresses, for a host.
    #[py("gethostbyname_ex(host, /)", "")]
    pub fn gethostbyname_ex(cx: &mut Cx, host: &Obj) -> PyResult {
        cx.audit("socket.gethostbyname", &[host.into()])?;
        let host = host_argument(cx, host)?;
        let found = cx.host.resolve(Some(&host), None, INET, STREAM, 0, 2).map_err(|e| raise_resolve(cx, &e))?;
        let name = found.iter().map(|r| r.canonical.clone()).find(|c| !c.is_empty()).unwrap_or_else(|| host.clone());
        let addresses = found.iter().map(|r| address::host_text(&r.address)).collect();
        triple(cx, &name, Vec::new(), addresses)
    }
    /// gethostbyaddr(host) -> (name, aliaslist, addresslist)
    ///
    /// Return the true host name, a list of aliases, and a list of IP addresses, for a host or an address.
    #[py("gethostbyaddr(host, /)", "")]
    pub fn gethostbyaddr(cx: &mut Cx, host: &Obj) -> PyResult {
        cx.audit("socket.gethostbyaddr", &[host.into()])?;
        let host = host_argument(cx, host)?;
        let a = address_of(cx, &host, UNSPEC)?;
        match cx.host.name_of_address(&a, 8) {
            Ok((name, _)) => triple(cx, &name, Vec::new(), vec![address::host_text(&a)]),
            Err(_) => {
                let args = [cx.int(1)?, cx.str("Unknown host")?];
                let class = cx.native_type("socket.herror");
                let e = protocol::call(cx, class.as_obj(), &args)?;
                Err(cx.raise(e))
            }
        }
    }
    /// Return the current host name.
    #[py("gethostname()", "($self, /)")]
    pub fn gethostname(cx: &mut Cx) -> PyResult {
        cx.audit("socket.gethostname", &[])?;
        let name = cx.host.host_name().map_err(|e| raise_os(cx, &e))?;
        crate::posix::path::name(cx, &name, false)
    }
    /// getservbyname(servicename[, protocolname]) -> integer
    ///
    /// Return a port number from a service name and protocol name.
    #[py("getservbyname(servicename, protocolname=None, /)", "")]
    pub fn getservbyname(cx: &mut Cx, servicename: String, protocolname: Option<String>) -> PyResult<i64> {
        cx.audit("socket.getservbyname", &[servicename.as_str().into(), protocolname.as_deref().map_or(Told::Nothing, Told::Text)])?;
        match cx.host.port_of_service(servicename.as_bytes(), protocol_name(protocolname.as_ref())) {
            Some(p) => Ok(i64::from(p)),
            None => Err(cx.error_of(&cx.types.os_error, "service/proto not found")),
        }
    }
    /// getservbyport(port[, protocolname]) -> string
    ///
    /// Return the service name from a port number and protocol name.
    #[py("getservbyport(port, protocolname=None, /)", "")]
    pub fn getservbyport(cx: &mut Cx, port: FormatInt, protocolname: Option<String>) -> PyResult<String> {
        cx.audit("socket.getservbyport", &[port.0.into(), protocolname.as_deref().map_or(Told::Nothing, Told::Text)])?;
        let Ok(port) = u16::try_from(port.0) else { return Err(cx.overflow_error("getservbyport: port must be 0-65535.")) };
        match cx.host.service_of_port(port, protocol_name(protocolname.as_ref())) {
            Some(name) => Ok(String::from_utf8_lossy(&name).into_owned()),
            None => Err(cx.error_of(&cx.types.os_error, "port/proto not found")),
        }
    }
    /// getprotobyname(name) -> integer
    ///
    /// Return the protocol number for the named protocol.
    #[py("getprotobyname(name, /)", "")]
    pub fn getprotobyname(cx: &mut Cx, name: String) -> PyResult<i64> {
        match cx.host.protocol_number(name.as_bytes()) {
            Some(n) => Ok(i64::from(n)),
            None => Err(cx.error_of(&cx.types.os_error, "protocol not found")),
        }
    }
    /// Convert a 16-bit unsigned integer from network to host byte order.
    #[py("ntohs(x, /)", "(integer, /)")]
    pub fn ntohs(cx: &mut Cx, x: &Obj) -> PyResult<i64> {
        Ok(i64::from(u16::from_be(unsigned(cx, x, 16, "ntohs")? as u16)))
    }
    /// Convert a 16-bit unsigned integer from host to network byte order.
    #[py("htons(x, /)", "(integer, /)")]
    pub fn htons(cx: &mut Cx, x: &Obj) -> PyResult<i64> {
        Ok(i64::from((unsigned(cx, x, 16, "htons")? as u16).to_be()))
    }
    /// Convert a 32-bit unsigned integer from network to host byte order.
    #[py("ntohl(x, /)", "(integer, /)")]
    pub fn ntohl(cx: &mut Cx, x: &Obj) -> PyResult<i64> {
        Ok(i64::from(u32::from_be(unsigned(cx, x, 32, "ntohl")?)))
    }
    /// Convert a 32-bit unsigned integer from host to network byte order.
    #[py("htonl(x, /)", "(integer, /)")]
    pub fn htonl(cx: &mut Cx, x: &Obj) -> PyResult<i64> {
        Ok(i64::from(unsigned(cx, x, 32, "htonl")?.to_be()))
    }
    /// Convert an IP address in string format (123.45.67.89) to the 32-bit packed binary format used in low-level network functions.
    #[py("inet_aton(ip_addr, /)")]
    pub fn inet_aton(cx: &mut Cx, ip_addr: String) -> PyResult {
        match packed_ipv4(&ip_addr) {
            Some(b) => Bytes::from_slice(cx, &b.to_be_bytes()),
            None => Err(cx.error_of(&cx.types.os_error, "illegal IP address string passed to inet_aton")),
        }
    }
    /// Convert an IP address from 32-bit packed binary format to string format.
    #[py("inet_ntoa(packed_ip, /)")]
    pub fn inet_ntoa(cx: &mut Cx, packed_ip: &Obj) -> PyResult<String> {
        match protocol::buffer::bytes(cx, packed_ip)?[..] {
            [a, b, c, d] => Ok(core::net::Ipv4Addr::new(a, b, c, d).to_string()),
            _ => Err(cx.error_of(&cx.types.os_error, "packed IP wrong length")),
        }
    }
    /// inet_pton(af, ip) -> packed IP address string
    ///
    /// Convert an IP address from string format to a packed string suitable for use with low-level network functions.
    #[py("inet_pton(address_family, ip_string, /)", "")]
    pub fn inet_pton(cx: &mut Cx, address_family: i64, ip_string: String) -> PyResult {
        let illegal = "illegal IP address string passed to inet_pton";
        match address_family as i32 {
            INET => match ip_string.parse::<core::net::Ipv4Addr>() {
                Ok(a) => Bytes::from_slice(cx, &a.octets()),
                Err(_) => Err(cx.error_of(&cx.types.os_error, illegal)),
            },
            INET6 => match ip_string.parse::<core::net::Ipv6Addr>() {
                Ok(a) => Bytes::from_slice(cx, &a.octets()),
                Err(_) => Err(cx.error_of(&cx.types.os_error, illegal)),
            },
            _ => Err(raise_os(cx, &std::io::Error::from_raw_os_error(97))),
        }
    }
    /// inet_ntop(af, packed_ip) -> string formatted IP address
    ///
    /// Convert a packed IP address of the given family to string format.
    #[py("inet_ntop(address_family, packed_ip, /)", "")]
    pub fn inet_ntop(cx: &mut Cx, address_family: FormatInt, packed_ip: &Obj) -> PyResult<String> {
        let b = protocol::buffer::bytes(cx, packed_ip)?;
        match (address_family.0 as i32, b.len()) {
            (INET, 4) => Ok(core::net::Ipv4Addr::new(b[0], b[1], b[2], b[3]).to_string()),
            (INET6, 16) => {
                let mut a = [0u8; 16];
                a.copy_from_slice(&b);
                Ok(core::net::Ipv6Addr::from(a).to_string())
            }
            (INET | INET6, _) => Err(cx.value_error("invalid length of packed IP address string")),
            (f, _) => Err(cx.value_error(format!("unknown address family {f}"))),
        }
    }
    /// Sets the name of this computer.
    #[py("sethostname(name, /)", "($self, name, /)")]
    pub fn sethostname(cx: &mut Cx, name: &Obj) -> PyResult<()> {
        let wanted = match name.cast::<Bytes>() {
            Some(b) => b.bytes().to_vec(),
            None => crate::posix::path::any(cx, name)?,
        };
        cx.audit("socket.sethostname", &[name.into()])?;
        cx.host.set_host_name(&wanted).map_err(|e| raise_os(cx, &e))
    }
    /// Returns a list of network interface information (index, name) tuples.
    #[py("if_nameindex()", "($self, /)")]
    pub fn if_nameindex(cx: &mut Cx) -> PyResult {
        let list = cx.host.interfaces().map_err(|e| raise_os(cx, &e))?;
        let mut out = Vec::new();
        for (i, name) in list {
            let pair = vec![cx.int(i64::from(i))?, crate::posix::path::name(cx, &name, false)?];
            out.push(cx.tuple(pair)?);
        }
        cx.list(out)
    }
    /// Returns the interface index corresponding to the interface name.
    #[py("if_nametoindex(oname, /)")]
    pub fn if_nametoindex(cx: &mut Cx, oname: &Obj) -> PyResult<i64> {
        let wanted = crate::posix::path::of(cx, oname, "if_nametoindex", false)?.bytes;
        let list = cx.host.interfaces().map_err(|e| raise_os(cx, &e))?;
        match list.iter().find(|i| i.1 == wanted) {
            Some(i) => Ok(i64::from(i.0)),
            None => Err(raise_os(cx, &std::io::Error::from_raw_os_error(19))),
        }
    }
    /// Returns the interface name corresponding to the interface index.
    #[py("if_indextoname(index, /)", "(if_index, /)")]
    pub fn if_indextoname(cx: &mut Cx, index: &Obj) -> PyResult {
        let n = match index.ty().slots(cx).index {
            Some(_) => protocol::index(cx, index)?,
            None => return Err(cx.type_error("an integer is required")),
        };
        let index = match int::to_big(&n) {
            Some(b) if b.is_negative() => return Err(cx.overflow_error("can't convert negative value to unsigned int")),
            b => b.and_then(|b| b.to_u64()).ok_or_else(|| cx.overflow_error("Python int too large to convert to C unsigned long"))?,
        };
        let Ok(index) = u32::try_from(index) else { return Err(cx.overflow_error("index is too large")) };
        let index = i64::from(index);
        let list = cx.host.interfaces().map_err(|e| raise_os(cx, &e))?;
        match list.iter().find(|i| i64::from(i.0) == index) {
            Some(i) => crate::posix::path::name(cx, &i.1, false),
            None => Err(raise_os(cx, &std::io::Error::from_raw_os_error(6))),
        }
    }
    /// CMSG_LEN(length) -> control message length
    ///
    /// Bytes of an ancillary item with data of that length, without trailing padding.
    #[py("CMSG_LEN(length, /)", "")]
    pub fn cmsg_len(cx: &mut Cx, length: i64) -> PyResult<i64> {
        if !(0..=i64::from(i32::MAX) - 16).contains(&length) {
            return Err(cx.overflow_error("CMSG_LEN() argument out of range"));
        }
        Ok(16 + length)
    }
    /// CMSG_SPACE(length) -> buffer size
    ///
    /// Bytes of buffer needed for an ancillary item with data of that length, with padding.
    #[py("CMSG_SPACE(length, /)", "")]
    pub fn cmsg_space(cx: &mut Cx, length: i64) -> PyResult<i64> {
        if !(0..=i64::from(i32::MAX) - 24).contains(&length) {
            return Err(cx.overflow_error("CMSG_SPACE() argument out of range"));
        }
        Ok(16 + (length + 7) / 8 * 8)
    }
    /// Close an integer socket file descriptor.
    #[py("close(fd, /)", "($self, object, /)")]
    pub fn close(cx: &mut Cx, fd: i64) -> PyResult<()> {
        cx.host.close(fd as i32).map_err(|e| raise_os(cx, &e))
    }
    /// Duplicate an integer socket file descriptor.
    #[py("dup(integer, /)", "($self, object, /)")]
    pub fn dup(cx: &mut Cx, integer: i64) -> PyResult<i64> {
        cx.host.dup(integer as i32).map(i64::from).map_err(|e| raise_os(cx, &e))
    }
    /// Create a pair of socket objects from the sockets returned by the platform socketpair() function.
    #[py("socketpair(family=None, type=1, proto=0, /)", "")]
    pub fn socketpair(cx: &mut Cx, family: Option<&Obj>, r#type: i64, proto: i64) -> PyResult {
        let family = match family.filter(|f| !f.is_none()) {
            Some(f) => protocol::index_i64(cx, f)? as i32,
            None => address::UNIX,
        };
        let (a, b) = cx.host.socket_pair(family, r#type as i32, proto as i32).map_err(|e| raise_os(cx, &e))?;
        let pair = vec![super::super::from_descriptor(cx, a, family, r#type as i32, proto as i32)?, super::super::from_descriptor(cx, b, family, r#type as i32, proto as i32)?];
        cx.tuple(pair)
    }
    /// Returns the default timeout in seconds (float) for new socket objects.
    #[py("getdefaulttimeout()", "($self, /)")]
    pub fn getdefaulttimeout(cx: &mut Cx) -> PyResult<Option<f64>> {
        let t = super::super::default_timeout(cx);
        Ok(Some(t).filter(|t| *t >= 0.0))
    }
    /// Set the default timeout in seconds (float) for new socket objects.
    #[py("setdefaulttimeout(timeout, /)", "($self, object, /)")]
    pub fn setdefaulttimeout(cx: &mut Cx, timeout: &Obj) -> PyResult<()> {
        let t = super::super::timeout_argument(cx, timeout)?;
        super::super::set_default_timeout(cx, t);
        Ok(())
    }
}

/// The forms of `inet_aton(3)`: one to four numbers, decimal, octal or hexadecimal, the last filling what is left.
fn packed_ipv4(text: &str) -> Option<u32> {
    let text = text.split([' ', '\t', '\n']).next()?;
    let mut numbers = Vec::new();
    for part in text.split('.') {
        let (digits, radix) = match part.strip_prefix("0x").or(part.strip_prefix("0X")) {
            Some(hex) => (hex, 16),
            None if part.len() > 1 && part.starts_with('0') => (&part[1..], 8),
            None => (part, 10),
        };
        if digits.starts_with('+') {
            return None;
        }
        numbers.push(u32::from_str_radix(digits, radix).ok()?);
    }
    let (last, firsts) = numbers.split_last()?;
    if firsts.len() > 3 || firsts.iter().any(|n| *n > 255) || (!firsts.is_empty() && u64::from(*last) >> (32 - 8 * firsts.len()) != 0) {
        return None;
    }
    Some(firsts.iter().enumerate().fold(*last, |sum, (i, n)| sum | n << (24 - 8 * i)))
}
