//! Sockets through libc. Addresses travel as the bytes of their `sockaddr`.

use super::files::{c_text, checked};
use retic_runtime::host::network::{Message, Network, ResolveError, Resolved};
use std::ffi::{CStr, CString};
use std::io::Result;
use std::mem::{size_of, zeroed};

const ADDRESS_BYTES: usize = size_of::<libc::sockaddr_storage>();

/// Room for any address, and how much of it is used.
struct Room {
    storage: libc::sockaddr_storage,
    len: libc::socklen_t,
}

impl Room {
    fn new() -> Room {
        // SAFETY: all zeroes is a valid `sockaddr_storage`.
        Room { storage: unsafe { zeroed() }, len: ADDRESS_BYTES as libc::socklen_t }
    }
    fn of(address: &[u8]) -> Room {
        let mut room = Room::new();
        let n = address.len().min(ADDRESS_BYTES);
        // SAFETY: at most the size of the storage is written, from a slice of that length.
        unsafe { std::ptr::copy_nonoverlapping(address.as_ptr(), (&raw mut room.storage).cast::<u8>(), n) };
        room.len = n as libc::socklen_t;
        room
    }
    fn pointer(&mut self) -> *mut libc::sockaddr {
        (&raw mut self.storage).cast()
    }
    fn bytes(&self) -> Vec<u8> {
        let n = (self.len as usize).min(ADDRESS_BYTES);
        // SAFETY: the storage is plain bytes, `n` of them at most.
        unsafe { std::slice::from_raw_parts((&raw const self.storage).cast::<u8>(), n) }.to_vec()
    }
}

fn resolve_error(code: i32) -> ResolveError {
    // SAFETY: the text of the C library is static and ends in zero.
    let text = unsafe { CStr::from_ptr(libc::gai_strerror(code)) }.to_string_lossy().into_owned();
    let errno = if code == libc::EAI_SYSTEM { std::io::Error::last_os_error().raw_os_error() } else { None };
    ResolveError { code, text, errno }
}

fn optional(text: Option<&[u8]>) -> std::result::Result<Option<CString>, ResolveError> {
    text.map(c_text).transpose().map_err(|_| resolve_error(libc::EAI_NONAME))
}
fn pointer(text: &Option<CString>) -> *const libc::c_char {
    text.as_ref().map_or(std::ptr::null(), |t| t.as_ptr())
}

impl Network for super::System {
    fn socket(&mut self, family: i32, kind: i32, protocol: i32) -> Result<i32> {
        // SAFETY: no memory is involved.
        checked(i64::from(unsafe { libc::socket(family, kind | libc::SOCK_CLOEXEC, protocol) })).map(|fd| fd as i32)
    }
    fn socket_pair(&mut self, family: i32, kind: i32, protocol: i32) -> Result<(i32, i32)> {
        let mut ends = [0i32; 2];
        // SAFETY: writes two numbers.
        checked(i64::from(unsafe { libc::socketpair(family, kind | libc::SOCK_CLOEXEC, protocol, ends.as_mut_ptr()) }))?;
        Ok((ends[0], ends[1]))
    }
    fn bind(&mut self, fd: i32, address: &[u8]) -> Result<()> {
        let mut a = Room::of(address);
        // SAFETY: an address and its length.
        checked(i64::from(unsafe { libc::bind(fd, a.pointer(), a.len) })).map(drop)
    }
    fn connect(&mut self, fd: i32, address: &[u8]) -> Result<()> {
        let mut a = Room::of(address);
        // SAFETY: an address and its length.
        checked(i64::from(unsafe { libc::connect(fd, a.pointer(), a.len) })).map(drop)
    }
    fn listen(&mut self, fd: i32, backlog: i32) -> Result<()> {
        // SAFETY: no memory is involved.
        checked(i64::from(unsafe { libc::listen(fd, backlog) })).map(drop)
    }
    fn accept(&mut self, fd: i32) -> Result<(i32, Vec<u8>)> {
        let mut a = Room::new();
        // SAFETY: writes an address and its length.
        let made = checked(i64::from(unsafe { libc::accept4(fd, a.pointer(), &raw mut a.len, libc::SOCK_CLOEXEC) }))?;
        Ok((made as i32, a.bytes()))
    }
    fn send(&mut self, fd: i32, bytes: &[u8], flags: i32, to: Option<&[u8]>) -> Result<usize> {
        let flags = flags | libc::MSG_NOSIGNAL;
        let sent = match to {
            Some(to) => {
                let mut a = Room::of(to);
                // SAFETY: reads the bytes and the address, each with its length.
                unsafe { libc::sendto(fd, bytes.as_ptr().cast(), bytes.len(), flags, a.pointer(), a.len) }
            }
            // SAFETY: reads the bytes.
            None => unsafe { libc::send(fd, bytes.as_ptr().cast(), bytes.len(), flags) },
        };
        checked(sent as i64).map(|n| n as usize)
    }
    fn receive(&mut self, fd: i32, out: &mut [u8], flags: i32) -> Result<(usize, Vec<u8>)> {
        let mut a = Room::new();
        // SAFETY: writes into `out` and the address, each with its length.
        let got = checked(unsafe { libc::recvfrom(fd, out.as_mut_ptr().cast(), out.len(), flags, a.pointer(), &raw mut a.len) } as i64)?;
        Ok((got as usize, a.bytes()))
    }
    fn send_message(&mut self, fd: i32, bytes: &[u8], ancillary: &[(i32, i32, Vec<u8>)], flags: i32, to: Option<&[u8]>) -> Result<usize> {
        // The macros count in 32 bits: longer items would be written beyond their room.
        if ancillary.iter().map(|i| i.2.len() as u64 + 64).sum::<u64>() > i32::MAX as u64 {
            return Err(std::io::Error::from_raw_os_error(libc::EMSGSIZE));
        }
        let mut a = Room::of(to.unwrap_or(&[]));
        let mut part = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
        // SAFETY: CMSG_SPACE only computes.
        let size: usize = ancillary.iter().map(|i| unsafe { libc::CMSG_SPACE(i.2.len() as u32) } as usize).sum();
        // Eight-byte words: control data is aligned so.
        let mut control = vec![0u64; size.div_ceil(8)];
        // SAFETY: zeroes are a valid header; every pointer put in stays valid for the call; each item is written inside the
        // space that CMSG_SPACE reserved for it.
        let sent = unsafe {
            let mut m: libc::msghdr = zeroed();
            if to.is_some() {
                (m.msg_name, m.msg_namelen) = (a.pointer().cast(), a.len);
            }
            (m.msg_iov, m.msg_iovlen) = (&raw mut part, 1);
            if size > 0 {
                (m.msg_control, m.msg_controllen) = (control.as_mut_ptr().cast(), size as _);
                let mut item = libc::CMSG_FIRSTHDR(&raw const m);
                for (level, kind, data) in ancillary {
                    if item.is_null() {
                        break;
                    }
                    (*item).cmsg_level = *level;
                    (*item).cmsg_type = *kind;
                    (*item).cmsg_len = libc::CMSG_LEN(data.len() as u32) as _;
                    std::ptr::copy_nonoverlapping(data.as_ptr(), libc::CMSG_DATA(item), data.len());
                    item = libc::CMSG_NXTHDR(&raw const m, item);
                }
            }
            libc::sendmsg(fd, &raw const m, flags | libc::MSG_NOSIGNAL)
        };
        checked(sent as i64).map(|n| n as usize)
    }
    fn receive_message(&mut self, fd: i32, size: usize, ancillary: usize, flags: i32) -> Result<Message> {
        let (mut a, mut data, mut control) = (Room::new(), vec![0u8; size], vec![0u64; ancillary.div_ceil(8)]);
        let mut part = libc::iovec { iov_base: data.as_mut_ptr().cast(), iov_len: size };
        // SAFETY: as in `send_message`; the kernel writes inside the lengths given, and items are walked by its macros.
        unsafe {
            let mut m: libc::msghdr = zeroed();
            (m.msg_name, m.msg_namelen) = (a.pointer().cast(), a.len);
            (m.msg_iov, m.msg_iovlen) = (&raw mut part, 1);
            if ancillary > 0 {
                (m.msg_control, m.msg_controllen) = (control.as_mut_ptr().cast(), ancillary as _);
            }
            let got = checked(libc::recvmsg(fd, &raw mut m, flags) as i64)?;
            data.truncate(got as usize);
            let mut items = Vec::new();
            let mut item = libc::CMSG_FIRSTHDR(&raw const m);
            while !item.is_null() {
                let header = libc::CMSG_LEN(0) as usize;
                let n = ((*item).cmsg_len as usize).saturating_sub(header);
                items.push(((*item).cmsg_level, (*item).cmsg_type, std::slice::from_raw_parts(libc::CMSG_DATA(item), n).to_vec()));
                item = libc::CMSG_NXTHDR(&raw const m, item);
            }
            a.len = m.msg_namelen;
            Ok(Message { data, ancillary: items, flags: m.msg_flags, address: a.bytes() })
        }
    }
    fn shutdown(&mut self, fd: i32, how: i32) -> Result<()> {
        // SAFETY: no memory is involved.
        checked(i64::from(unsafe { libc::shutdown(fd, how) })).map(drop)
    }
    fn socket_address(&mut self, fd: i32, peer: bool) -> Result<Vec<u8>> {
        let mut a = Room::new();
        // SAFETY: writes an address and its length.
        let r = unsafe { if peer { libc::getpeername(fd, a.pointer(), &raw mut a.len) } else { libc::getsockname(fd, a.pointer(), &raw mut a.len) } };
        checked(i64::from(r))?;
        Ok(a.bytes())
    }
    fn socket_option(&mut self, fd: i32, level: i32, name: i32, size: usize) -> Result<Vec<u8>> {
        let mut out = vec![0u8; size];
        let mut len = size as libc::socklen_t;
        // SAFETY: writes at most `size` bytes and the length.
        checked(i64::from(unsafe { libc::getsockopt(fd, level, name, out.as_mut_ptr().cast(), &raw mut len) }))?;
        out.truncate(len as usize);
        Ok(out)
    }
    fn set_socket_option(&mut self, fd: i32, level: i32, name: i32, value: &[u8]) -> Result<()> {
        // SAFETY: reads the value with its length.
        checked(i64::from(unsafe { libc::setsockopt(fd, level, name, value.as_ptr().cast(), value.len() as libc::socklen_t) })).map(drop)
    }
    fn set_host_name(&mut self, name: &[u8]) -> Result<()> {
        // SAFETY: reads the name.
        checked(i64::from(unsafe { libc::sethostname(name.as_ptr().cast(), name.len()) })).map(drop)
    }
    fn host_name(&self) -> Result<Vec<u8>> {
        let mut out = vec![0u8; 256];
        // SAFETY: writes at most that many bytes.
        checked(i64::from(unsafe { libc::gethostname(out.as_mut_ptr().cast(), out.len()) }))?;
        out.truncate(out.iter().position(|b| *b == 0).unwrap_or(out.len()));
        Ok(out)
    }
    fn resolve(&mut self, host: Option<&[u8]>, service: Option<&[u8]>, family: i32, kind: i32, protocol: i32, flags: i32) -> std::result::Result<Vec<Resolved>, ResolveError> {
        let (host, service) = (optional(host)?, optional(service)?);
        // SAFETY: zeroes are valid hints; the list is walked while it lives and freed once.
        unsafe {
            let mut hints: libc::addrinfo = zeroed();
            (hints.ai_family, hints.ai_socktype, hints.ai_protocol, hints.ai_flags) = (family, kind, protocol, flags);
            let mut list = std::ptr::null_mut();
            let r = libc::getaddrinfo(pointer(&host), pointer(&service), &raw const hints, &raw mut list);
            if r != 0 {
                return Err(resolve_error(r));
            }
            let mut out = Vec::new();
            let mut at = list;
            while let Some(i) = at.as_ref() {
                let canonical = if i.ai_canonname.is_null() { Vec::new() } else { CStr::from_ptr(i.ai_canonname).to_bytes().to_vec() };
                let address = std::slice::from_raw_parts(i.ai_addr.cast::<u8>(), i.ai_addrlen as usize).to_vec();
                out.push(Resolved { family: i.ai_family, kind: i.ai_socktype, protocol: i.ai_protocol, canonical, address });
                at = i.ai_next;
            }
            libc::freeaddrinfo(list);
            Ok(out)
        }
    }
    fn name_of_address(&mut self, address: &[u8], flags: i32) -> std::result::Result<(Vec<u8>, Vec<u8>), ResolveError> {
        let mut a = Room::of(address);
        let (mut host, mut service) = ([0 as libc::c_char; 1025], [0 as libc::c_char; 32]);
        // SAFETY: reads an address, writes two texts inside their lengths, each with its final zero.
        unsafe {
            let r = libc::getnameinfo(a.pointer(), a.len, host.as_mut_ptr(), 1025, service.as_mut_ptr(), 32, flags);
            if r != 0 {
                return Err(resolve_error(r));
            }
            Ok((CStr::from_ptr(host.as_ptr()).to_bytes().to_vec(), CStr::from_ptr(service.as_ptr()).to_bytes().to_vec()))
        }
    }
    fn port_of_service(&mut self, name: &[u8], protocol: Option<&[u8]>) -> Option<u16> {
        let (name, protocol) = (c_text(name).ok()?, protocol.map(c_text).transpose().ok()?);
        // SAFETY: texts with their final zeroes; the answer is read before anything else asks.
        unsafe { libc::getservbyname(name.as_ptr(), pointer(&protocol)).as_ref().map(|s| u16::from_be(s.s_port as u16)) }
    }
    fn service_of_port(&mut self, port: u16, protocol: Option<&[u8]>) -> Option<Vec<u8>> {
        let protocol = protocol.map(c_text).transpose().ok()?;
        // SAFETY: as above; the name ends in zero.
        unsafe { libc::getservbyport(i32::from(port.to_be()), pointer(&protocol)).as_ref().map(|s| CStr::from_ptr(s.s_name).to_bytes().to_vec()) }
    }
    fn protocol_number(&mut self, name: &[u8]) -> Option<i32> {
        let name = c_text(name).ok()?;
        // SAFETY: a text with its final zero; the answer is read at once.
        unsafe { libc::getprotobyname(name.as_ptr()).as_ref().map(|p| p.p_proto) }
    }
    fn interfaces(&mut self) -> Result<Vec<(u32, Vec<u8>)>> {
        let mut out = Vec::new();
        // SAFETY: the list ends with index 0 and is freed once.
        unsafe {
            let list = libc::if_nameindex();
            if list.is_null() {
                return Err(std::io::Error::last_os_error());
            }
            let mut at = list;
            while (*at).if_index != 0 {
                out.push(((*at).if_index, CStr::from_ptr((*at).if_name).to_bytes().to_vec()));
                at = at.add(1);
            }
            libc::if_freenameindex(list);
        }
        Ok(out)
    }
}
