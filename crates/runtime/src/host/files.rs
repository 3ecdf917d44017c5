//! Files by their names.

use super::{Stat, refused};
use std::io::Result;

/// A name, and the folder it is looked for in where it does not begin with a slash.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    pub name: &'a [u8],
    /// The descriptor of the folder, or `HERE`.
    pub folder: i32,
}

/// The working folder (`AT_FDCWD`).
pub const HERE: i32 = -100;

impl<'a> Place<'a> {
    /// A name as it stands.
    pub fn of(name: &'a [u8]) -> Place<'a> {
        Place { name, folder: HERE }
    }
}

/// One name of a folder, its `d_type` and its number.
pub type Entry = (Vec<u8>, u8, u64);

/// The files a host shows; by default none. Errors are the system's.
#[allow(unused_variables, reason = "the names of the parameters say what they are")]
pub trait Files {
    /// A descriptor for a file; it is closed when another program begins.
    fn open(&mut self, at: Place<'_>, flags: i32, mode: u32) -> Result<i32> {
        refused()
    }
    fn stat(&self, at: Place<'_>, follow: bool) -> Result<Stat> {
        refused()
    }
    /// What is in a folder, without `.` and `..`.
    fn list(&self, path: &[u8]) -> Result<Vec<Entry>> {
        refused()
    }
    /// The same of a folder that is open, from its start.
    fn list_open(&self, fd: i32) -> Result<Vec<Entry>> {
        refused()
    }
    fn mkdir(&mut self, at: Place<'_>, mode: u32) -> Result<()> {
        refused()
    }
    /// Removes an empty folder, or anything else.
    fn remove(&mut self, at: Place<'_>, folder: bool) -> Result<()> {
        refused()
    }
    fn rename(&mut self, from: Place<'_>, to: Place<'_>) -> Result<()> {
        refused()
    }
    fn link(&mut self, from: Place<'_>, to: Place<'_>, follow: bool) -> Result<()> {
        refused()
    }
    fn symlink(&mut self, target: &[u8], at: Place<'_>) -> Result<()> {
        refused()
    }
    fn readlink(&self, at: Place<'_>) -> Result<Vec<u8>> {
        refused()
    }
    fn chmod(&mut self, at: Place<'_>, mode: u32, follow: bool) -> Result<()> {
        refused()
    }
    /// An id of `u32::MAX` stays as it is.
    fn chown(&mut self, at: Place<'_>, uid: u32, gid: u32, follow: bool) -> Result<()> {
        refused()
    }
    /// A pipe or a device, as its mode says.
    fn make_node(&mut self, at: Place<'_>, mode: u32, device: u64) -> Result<()> {
        refused()
    }
    /// Times of access and change in nanoseconds since the epoch; `None` is now.
    fn set_times(&mut self, at: Place<'_>, times: Option<[i128; 2]>, follow: bool) -> Result<()> {
        refused()
    }
    fn set_times_open(&mut self, fd: i32, times: Option<[i128; 2]>) -> Result<()> {
        refused()
    }
    /// Whether something may be done there, by the real ids or by the effective ones.
    fn access(&self, at: Place<'_>, mode: i32, effective: bool, follow: bool) -> bool {
        false
    }
    fn truncate_named(&mut self, path: &[u8], length: i64) -> Result<()> {
        refused()
    }
    fn cwd(&self) -> Result<Vec<u8>> {
        refused()
    }
    fn chdir(&mut self, path: &[u8]) -> Result<()> {
        refused()
    }
}
