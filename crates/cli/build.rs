//! How the binary is linked.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // At a fixed address, as Debian links its python: the tables of names, docs and functions hold 40,000 pointers that the
    // loader of a position independent executable writes anew at each start, a fifth of what `retic -I -S -c pass` takes.
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|v| v == value);
    if is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") {
        println!("cargo:rustc-link-arg-bin=retic=-no-pie");
    }
}
