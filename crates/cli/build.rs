//! How the binary is linked.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // At a fixed address, as Debian links its python: the tables of names, docs and functions hold 40,000 pointers that the
    // loader of a position independent executable writes anew at each start, a fifth of what `retic -I -S -c pass` takes.
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo:rustc-link-arg-bin=retic=-no-pie");
    }
}
