//! Sockets and names of machines. Addresses are the bytes of a `sockaddr`, the family first.

use super::refused;
use std::io::Result;

/// One answer of the resolver: family, kind, protocol, canonical name, address.
pub struct Resolved {
    pub family: i32,
    pub kind: i32,
    pub protocol: i32,
    pub canonical: Vec<u8>,
    pub address: Vec<u8>,
}

/// Why the resolver has no answer: its own number (`EAI_*`) and text; the system's error number where that is the reason.
pub struct ResolveError {
    pub code: i32,
    pub text: String,
    pub errno: Option<i32>,
}

/// A received message: its bytes, ancillary items (level, type, data), flags, address of the sender.
pub struct Message {
    pub data: Vec<u8>,
    pub ancillary: Vec<(i32, i32, Vec<u8>)>,
    pub flags: i32,
    pub address: Vec<u8>,
}

fn no_resolver<T>() -> std::result::Result<T, ResolveError> {
    Err(ResolveError { code: -4, text: "Non-recoverable failure in name resolution".into(), errno: None })
}

/// The network a host gives; by default none.
#[allow(unused_variables, reason = "the names of the parameters say what they are")]
pub trait Network {
    /// A new socket, not inherited by programs started.
    fn socket(&mut self, family: i32, kind: i32, protocol: i32) -> Result<i32> {
        refused()
    }
    fn socket_pair(&mut self, family: i32, kind: i32, protocol: i32) -> Result<(i32, i32)> {
        refused()
    }
    fn bind(&mut self, fd: i32, address: &[u8]) -> Result<()> {
        refused()
    }
    fn connect(&mut self, fd: i32, address: &[u8]) -> Result<()> {
        refused()
    }
    fn listen(&mut self, fd: i32, backlog: i32) -> Result<()> {
        refused()
    }
    fn accept(&mut self, fd: i32) -> Result<(i32, Vec<u8>)> {
        refused()
    }
    fn send(&mut self, fd: i32, bytes: &[u8], flags: i32, to: Option<&[u8]>) -> Result<usize> {
        refused()
    }
    fn receive(&mut self, fd: i32, out: &mut [u8], flags: i32) -> Result<(usize, Vec<u8>)> {
        refused()
    }
    fn send_message(&mut self, fd: i32, bytes: &[u8], ancillary: &[(i32, i32, Vec<u8>)], flags: i32, to: Option<&[u8]>) -> Result<usize> {
        refused()
    }
    fn receive_message(&mut self, fd: i32, size: usize, ancillary: usize, flags: i32) -> Result<Message> {
        refused()
    }
    fn shutdown(&mut self, fd: i32, how: i32) -> Result<()> {
        refused()
    }
    /// The own address, or that of the other end.
    fn socket_address(&mut self, fd: i32, peer: bool) -> Result<Vec<u8>> {
        refused()
    }
    fn socket_option(&mut self, fd: i32, level: i32, name: i32, size: usize) -> Result<Vec<u8>> {
        refused()
    }
    fn set_socket_option(&mut self, fd: i32, level: i32, name: i32, value: &[u8]) -> Result<()> {
        refused()
    }
    fn set_host_name(&mut self, name: &[u8]) -> Result<()> {
        refused()
    }
    fn host_name(&self) -> Result<Vec<u8>> {
        refused()
    }
    fn resolve(&mut self, host: Option<&[u8]>, service: Option<&[u8]>, family: i32, kind: i32, protocol: i32, flags: i32) -> std::result::Result<Vec<Resolved>, ResolveError> {
        no_resolver()
    }
    /// Names of a host and a service.
    fn name_of_address(&mut self, address: &[u8], flags: i32) -> std::result::Result<(Vec<u8>, Vec<u8>), ResolveError> {
        no_resolver()
    }
    fn port_of_service(&mut self, name: &[u8], protocol: Option<&[u8]>) -> Option<u16> {
        None
    }
    fn service_of_port(&mut self, port: u16, protocol: Option<&[u8]>) -> Option<Vec<u8>> {
        None
    }
    fn protocol_number(&mut self, name: &[u8]) -> Option<i32> {
        None
    }
    /// Index and name of each network interface.
    fn interfaces(&mut self) -> Result<Vec<(u32, Vec<u8>)>> {
        refused()
    }
}
