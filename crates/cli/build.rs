//! How the binary is linked.

use std::env;
use std::path::PathBuf;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|v| v == value);
    if !is("CARGO_CFG_TARGET_OS", "linux") || !is("CARGO_CFG_TARGET_ENV", "gnu") {
        return;
    }
    // At a fixed address, as Debian links its python: the tables of names, docs and functions hold 40,000 pointers that the
    // loader of a position independent executable writes anew at each start, a fifth of what `retic -I -S -c pass` takes.
    println!("cargo:rustc-link-arg-bin=retic=-no-pie");
    if is("PROFILE", "release")
        && let Some(order) = order()
    {
        println!("cargo:rustc-link-arg-bin=retic=-Wl,--symbol-ordering-file={},--no-warn-symbol-ordering", order.display());
    }
}

/// The order of functions (`cargo xtask order`), if LLVM's linker, which alone knows it, is the one that rustc brings along
/// and nobody asked for another.
fn order() -> Option<PathBuf> {
    let file = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR")?).join("../../profile/order.txt");
    println!("cargo:rerun-if-changed={}", file.display());
    let file = file.canonicalize().ok()?;
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    if env::var_os("RUSTC_LINKER").is_some() || ["linker", "fuse-ld", "sanitizer"].iter().any(|f| flags.contains(f)) || env::var("TARGET").ok()? != "x86_64-unknown-linux-gnu" {
        return None;
    }
    let out = Command::new(env::var_os("RUSTC")?).args(["--print", "sysroot"]).output().ok()?;
    let sysroot = PathBuf::from(String::from_utf8(out.stdout).ok()?.trim_end());
    let linker = sysroot.join("lib/rustlib").join(env::var("HOST").ok()?).join("bin/gcc-ld/ld.lld");
    linker.exists().then_some(file)
}
