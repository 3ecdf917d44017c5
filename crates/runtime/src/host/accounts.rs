//! The users and groups that a host knows.

use super::refused;
use std::io::Result;

/// Whom to look for.
#[derive(Clone, Copy, Debug)]
pub enum Sought<'a> {
    Id(u32),
    Name(&'a [u8]),
}

/// One line of the password database; texts as the system has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    pub name: Vec<u8>,
    pub password: Vec<u8>,
    pub uid: u32,
    pub gid: u32,
    pub gecos: Vec<u8>,
    pub directory: Vec<u8>,
    pub shell: Vec<u8>,
}

/// One line of the group database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    pub name: Vec<u8>,
    pub password: Vec<u8>,
    pub gid: u32,
    pub members: Vec<Vec<u8>>,
}

/// The accounts a host shows; by default none may be seen.
#[allow(unused_variables, reason = "the names of the parameters say what they are")]
pub trait Accounts {
    /// The user sought, if there is one.
    fn user(&self, sought: Sought<'_>) -> Result<Option<User>> {
        refused()
    }
    fn users(&self) -> Result<Vec<User>> {
        refused()
    }
    /// The group sought, if there is one.
    fn group(&self, sought: Sought<'_>) -> Result<Option<Group>> {
        refused()
    }
    fn groups_known(&self) -> Result<Vec<Group>> {
        refused()
    }
}
