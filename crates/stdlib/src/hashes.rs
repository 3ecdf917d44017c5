//! `_md5`, `_sha1`, `_sha2`, `_sha3`, `_blake2`: the hash functions behind `hashlib`.

mod blake2;
pub mod derivation;

use blake2::{Blake2, Parameters};
use md5::Md5;
use retic_runtime::protocol::buffer;
use retic_runtime::types::code::Hidden;
use retic_runtime::types::type_::flags;
use retic_runtime::types::{Bytes, Slots, Spec, Str, Type, module};
use retic_runtime::{Args, Cx, Obj, PyResult, Ref, layout, memory, protocol};
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};
use sha3::digest::{ExtendableOutput, Update, XofReader};
use sha3::{Sha3_224, Sha3_256, Sha3_384, Sha3_512, Shake128, Shake256};
use std::cell::{Cell, RefCell};

/// A hash function: its name, bytes of a block and of a digest (0 where the caller chooses).
struct Kind {
    name: &'static str,
    block: usize,
    size: usize,
    make: fn() -> Running,
}

macro_rules! running {
    ($($name:ident: $ty:ty,)*) => {
        /// A hash being computed.
        #[derive(Clone)]
        enum Running {
            $($name($ty),)*
            Shake128(Shake128),
            Shake256(Shake256),
            Blake2(Blake2),
        }
        impl Running {
            fn update(&mut self, data: &[u8]) {
                match self {
                    $(Running::$name(h) => Digest::update(h, data),)*
                    Running::Shake128(h) => h.update(data),
                    Running::Shake256(h) => h.update(data),
                    Running::Blake2(h) => h.update(data),
                }
            }
            /// The digest; `out` has its size.
            fn finish(self, out: &mut [u8]) {
                match self {
                    $(Running::$name(h) => out.copy_from_slice(&h.finalize()),)*
                    Running::Shake128(h) => h.finalize_xof().read(out),
                    Running::Shake256(h) => h.finalize_xof().read(out),
                    Running::Blake2(h) => out.copy_from_slice(&h.finish()),
                }
            }
        }
    };
}
running! {
    Md5: Md5,
    Sha1: Sha1,
    Sha224: Sha224,
    Sha256: Sha256,
    Sha384: Sha384,
    Sha512: Sha512,
    Sha3x224: Sha3_224,
    Sha3x256: Sha3_256,
    Sha3x384: Sha3_384,
    Sha3x512: Sha3_512,
}

static KINDS: &[Kind] = &[
    Kind { name: "md5", block: 64, size: 16, make: || Running::Md5(Md5::new()) },
    Kind { name: "sha1", block: 64, size: 20, make: || Running::Sha1(Sha1::new()) },
    Kind { name: "sha224", block: 64, size: 28, make: || Running::Sha224(Sha224::new()) },
    Kind { name: "sha256", block: 64, size: 32, make: || Running::Sha256(Sha256::new()) },
    Kind { name: "sha384", block: 128, size: 48, make: || Running::Sha384(Sha384::new()) },
    Kind { name: "sha512", block: 128, size: 64, make: || Running::Sha512(Sha512::new()) },
    Kind { name: "sha3_224", block: 144, size: 28, make: || Running::Sha3x224(Sha3_224::new()) },
    Kind { name: "sha3_256", block: 136, size: 32, make: || Running::Sha3x256(Sha3_256::new()) },
    Kind { name: "sha3_384", block: 104, size: 48, make: || Running::Sha3x384(Sha3_384::new()) },
    Kind { name: "sha3_512", block: 72, size: 64, make: || Running::Sha3x512(Sha3_512::new()) },
    Kind { name: "shake_128", block: 168, size: 0, make: || Running::Shake128(Shake128::default()) },
    Kind { name: "shake_256", block: 136, size: 0, make: || Running::Shake256(Shake256::default()) },
];

layout! {
    /// A hash object: what it is, its state, bytes of block and digest.
    pub struct Hash = 285, "_hashlib.HASH" { name: Cell<&'static str>, state: Hidden<RefCell<Running>>, block: Cell<usize>, size: Cell<usize>, }
}

fn object(cx: &mut Cx, ty: &Type, name: &'static str, state: Running, block: usize, size: usize) -> PyResult {
    Ok(memory::new(cx, ty, |head| Hash { head, name: Cell::new(name), state: Hidden(RefCell::new(state)), block: Cell::new(block), size: Cell::new(size) })?.into_obj())
}

/// Hashes bytes; text is refused with hashlib's own sentence.
fn absorb(cx: &mut Cx, update: &mut dyn FnMut(&[u8]), o: &Obj) -> PyResult<()> {
    if let Some(b) = o.cast::<Bytes>() {
        update(b.bytes());
        return Ok(());
    }
    if o.cast::<Str>().is_some() {
        return Err(cx.type_error("Strings must be encoded before hashing"));
    }
    if !buffer::exports(cx, o) {
        return Err(cx.type_error("object supporting the buffer API required"));
    }
    let bytes = buffer::bytes(cx, o)?;
    update(&bytes);
    Ok(())
}

/// A new hash of a named kind, with the first data.
fn start(cx: &mut Cx, type_name: &'static str, kind: &str, first: Option<&Obj>) -> PyResult {
    let Some(k) = KINDS.iter().find(|k| k.name == kind) else { return Err(cx.value_error("unsupported hash type")) };
    let mut state = (k.make)();
    if let Some(o) = first {
        absorb(cx, &mut |b| state.update(b), o)?;
    }
    let ty = cx.native_type(type_name);
    object(cx, &ty, k.name, state, k.block, k.size)
}

/// The digest of what was given so far; shakes are told a length.
fn digest(cx: &mut Cx, this: &Ref<Hash>, length: Option<i64>) -> PyResult<Vec<u8>> {
    let size = match (this.size.get(), length) {
        (0, None) => return Err(cx.type_error("digest() missing required argument 'length' (pos 1)")),
        (0, Some(n)) if n < 0 => return Err(cx.value_error("value must be positive")),
        (0, Some(n)) if n >= 1 << 29 => return Err(cx.value_error("length is too large")),
        (0, Some(n)) => n as usize,
        (n, None) => n,
        (_, Some(_)) => return Err(cx.type_error(format!("{}.digest() takes no arguments (1 given)", this.name.get()))),
    };
    let mut out = Vec::new();
    protocol::grow(cx, &mut out, size)?;
    out.resize(size, 0);
    this.state.0.borrow().clone().finish(&mut out);
    Ok(out)
}

#[retic_macros::methods]
impl Hash {
    /// Update this hash object's state with the provided bytes-like object.
    #[py("update($self, obj, /)")]
    fn update(cx: &mut Cx, this: &Ref<Hash>, obj: &Obj) -> PyResult<()> {
        // The bytes are at hand when the state is borrowed: getting them may run Python, which may update it, too.
        absorb(cx, &mut |b| this.state.0.borrow_mut().update(b), obj)
    }
    /// Return the digest value as a bytes object.
    #[py("digest($self, length=<unrepresentable>)", "($self, /)")]
    fn digest(cx: &mut Cx, this: &Ref<Hash>, length: Option<i64>) -> PyResult {
        let d = digest(cx, this, length)?;
        Bytes::from_slice(cx, &d)
    }
    /// Return the digest value as a string of hexadecimal digits.
    #[py("hexdigest($self, length=<unrepresentable>)", "($self, /)")]
    fn hexdigest(cx: &mut Cx, this: &Ref<Hash>, length: Option<i64>) -> PyResult<String> {
        let d = digest(cx, this, length)?;
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        Ok(d.iter().flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]]).map(char::from).collect())
    }
    /// Return a copy of the hash object.
    #[py("copy($self, /)")]
    fn copy(cx: &mut Cx, this: &Ref<Hash>) -> PyResult {
        let state = this.state.0.borrow().clone();
        let ty = this.as_obj().type_ref();
        object(cx, &ty, this.name.get(), state, this.block.get(), this.size.get())
    }
    /// algorithm name
    #[get("name")]
    fn name_get(cx: &mut Cx, this: &Ref<Hash>) -> PyResult {
        cx.str(this.name.get())
    }
    /// bytes of a block
    #[get("block_size")]
    fn block_size_get(cx: &mut Cx, this: &Ref<Hash>) -> PyResult {
        cx.int(this.block.get() as i64)
    }
    /// bytes of the digest
    #[get("digest_size")]
    fn digest_size_get(cx: &mut Cx, this: &Ref<Hash>) -> PyResult {
        cx.int(this.size.get() as i64)
    }
}

fn spec(name: &'static str) -> Spec {
    Spec { flags: flags::NO_NEW, slots: Slots::EMPTY, methods: Hash::METHODS, getset: Hash::GETSET, ..Spec::new::<Hash>(name) }
}

#[retic_macros::methods]
mod md5_module {
    //! MD5 hash algorithm.
    use super::*;

    /// Return a new MD5 hash object; optionally initialized with a string.
    #[py("md5(data=b'', *, usedforsecurity=True, string=None)")]
    pub fn md5(cx: &mut Cx, data: Option<&Obj>, usedforsecurity: bool, string: Option<&Obj>) -> PyResult {
        let _ = usedforsecurity;
        start(cx, "_md5.md5", "md5", data.or(string))
    }
}

#[retic_macros::methods]
mod sha1_module {
    //! SHA1 hash algorithm.
    use super::*;

    /// Return a new SHA1 hash object; optionally initialized with a string.
    #[py("sha1(data=b'', *, usedforsecurity=True, string=None)")]
    pub fn sha1(cx: &mut Cx, data: Option<&Obj>, usedforsecurity: bool, string: Option<&Obj>) -> PyResult {
        let _ = usedforsecurity;
        start(cx, "_sha1.sha1", "sha1", data.or(string))
    }
}

#[retic_macros::methods]
mod sha2_module {
    //! SHA2 hash algorithms.
    use super::*;

    /// Return a new SHA224 hash object; optionally initialized with a string.
    #[py("sha224(data=b'', *, usedforsecurity=True, string=None)")]
    pub fn sha224(cx: &mut Cx, data: Option<&Obj>, usedforsecurity: bool, string: Option<&Obj>) -> PyResult {
        let _ = usedforsecurity;
        start(cx, "_sha2.SHA224Type", "sha224", data.or(string))
    }
    /// Return a new SHA256 hash object; optionally initialized with a string.
    #[py("sha256(data=b'', *, usedforsecurity=True, string=None)")]
    pub fn sha256(cx: &mut Cx, data: Option<&Obj>, usedforsecurity: bool, string: Option<&Obj>) -> PyResult {
        let _ = usedforsecurity;
        start(cx, "_sha2.SHA256Type", "sha256", data.or(string))
    }
    /// Return a new SHA384 hash object; optionally initialized with a string.
    #[py("sha384(data=b'', *, usedforsecurity=True, string=None)")]
    pub fn sha384(cx: &mut Cx, data: Option<&Obj>, usedforsecurity: bool, string: Option<&Obj>) -> PyResult {
        let _ = usedforsecurity;
        start(cx, "_sha2.SHA384Type", "sha384", data.or(string))
    }
    /// Return a new SHA512 hash object; optionally initialized with a string.
    #[py("sha512(data=b'', *, usedforsecurity=True, string=None)")]
    pub fn sha512(cx: &mut Cx, data: Option<&Obj>, usedforsecurity: bool, string: Option<&Obj>) -> PyResult {
        let _ = usedforsecurity;
        start(cx, "_sha2.SHA512Type", "sha512", data.or(string))
    }
}

#[retic_macros::methods]
mod sha3_module {
    //! SHA3 hash algorithms.
    use super::*;

    /// Return a new SHA3-224 hash object; optionally initialized with a string.
    #[py("sha3_224(data=b'', *, usedforsecurity=True, string=None)", "")]
    pub fn sha3_224(cx: &mut Cx, data: Option<&Obj>, usedforsecurity: bool, string: Option<&Obj>) -> PyResult {
        let _ = usedforsecurity;
        start(cx, "_sha3.sha3_224", "sha3_224", data.or(string))
    }
    /// Return a new SHA3-256 hash object; optionally initialized with a string.
    #[py("sha3_256(data=b'', *, usedforsecurity=True, string=None)", "")]
    pub fn sha3_256(cx: &mut Cx, data: Option<&Obj>, usedforsecurity: bool, string: Option<&Obj>) -> PyResult {
        let _ = usedforsecurity;
        start(cx, "_sha3.sha3_256", "sha3_256", data.or(string))
    }
    /// Return a new SHA3-384 hash object; optionally initialized with a string.
    #[py("sha3_384(data=b'', *, usedforsecurity=True, string=None)", "")]
    pub fn sha3_384(cx: &mut Cx, data: Option<&Obj>, usedforsecurity: bool, string: Option<&Obj>) -> PyResult {
        let _ = usedforsecurity;
        start(cx, "_sha3.sha3_384", "sha3_384", data.or(string))
    }
    /// Return a new SHA3-512 hash object; optionally initialized with a string.
    #[py("sha3_512(data=b'', *, usedforsecurity=True, string=None)", "")]
    pub fn sha3_512(cx: &mut Cx, data: Option<&Obj>, usedforsecurity: bool, string: Option<&Obj>) -> PyResult {
        let _ = usedforsecurity;
        start(cx, "_sha3.sha3_512", "sha3_512", data.or(string))
    }
    /// Return a new SHAKE-128 hash object; optionally initialized with a string.
    #[py("shake_128(data=b'', *, usedforsecurity=True, string=None)", "")]
    pub fn shake_128(cx: &mut Cx, data: Option<&Obj>, usedforsecurity: bool, string: Option<&Obj>) -> PyResult {
        let _ = usedforsecurity;
        start(cx, "_sha3.shake_128", "shake_128", data.or(string))
    }
    /// Return a new SHAKE-256 hash object; optionally initialized with a string.
    #[py("shake_256(data=b'', *, usedforsecurity=True, string=None)", "")]
    pub fn shake_256(cx: &mut Cx, data: Option<&Obj>, usedforsecurity: bool, string: Option<&Obj>) -> PyResult {
        let _ = usedforsecurity;
        start(cx, "_sha3.shake_256", "shake_256", data.or(string))
    }
}

/// A number of a keyword, within a range.
fn number(cx: &mut Cx, o: &Obj, high: u64, complaint: &str) -> PyResult<u64> {
    let n = protocol::index(cx, o)?;
    match retic_runtime::types::int::to_u64(&n).filter(|n| *n <= high) {
        Some(n) => Ok(n),
        None => Err(if high > 255 { cx.overflow_error(complaint) } else { cx.value_error(complaint) }),
    }
}

/// `blake2b(...)` and `blake2s(...)`.
fn new_blake2(cx: &mut Cx, ty: &Ref<Type>, args: Args<'_>, wide: bool) -> PyResult {
    let name = if wide { "blake2b" } else { "blake2s" };
    let (size, part) = if wide { (64u64, 16) } else { (32, 8) };
    let mut p = Parameters { size: size as u8, fanout: 1, depth: 1, ..Parameters::default() };
    if args.positional().len() > 1 {
        return Err(cx.type_error(format!("{name}() takes at most 1 positional argument ({} given)", args.positional().len())));
    }
    let mut first = args.positional().first().cloned();
    for (key, value) in args.keywords() {
        let text = key.cast::<Str>().map(|s| s.to_text(cx)).unwrap_or_default();
        match text.as_str() {
            "data" | "string" => first = Some(value.clone()),
            "usedforsecurity" => {}
            "digest_size" => match protocol::index_i64(cx, value)? {
                n if (1..=size as i64).contains(&n) => p.size = n as u8,
                n => return Err(cx.value_error(format!("digest_size for {name} must be between 1 and {size} bytes, here it is {n}"))),
            },
            "key" | "salt" | "person" => {
                let b = buffer::bytes(cx, value)?;
                let max = if text == "key" { size as usize } else { part };
                if b.len() > max {
                    let what = if text == "key" { "key" } else { &text };
                    return Err(cx.value_error(format!("maximum {what} length is {max} bytes")));
                }
                match text.as_str() {
                    "key" => p.key = b,
                    "salt" => p.salt = b,
                    _ => p.person = b,
                }
            }
            "fanout" => p.fanout = number(cx, value, 255, "fanout must be between 0 and 255")? as u8,
            "depth" => match number(cx, value, 255, "depth must be between 1 and 255")? {
                0 => return Err(cx.value_error("depth must be between 1 and 255")),
                n => p.depth = n as u8,
            },
            "leaf_size" => p.leaf_size = number(cx, value, u64::from(u32::MAX), "leaf_size is too large")? as u32,
            "node_offset" => p.node_offset = number(cx, value, if wide { u64::MAX } else { (1 << 48) - 1 }, "node_offset is too large")?,
            "node_depth" => p.node_depth = number(cx, value, 255, "node_depth must be between 0 and 255")? as u8,
            "inner_size" => p.inner_size = number(cx, value, size, &format!("inner_size must be between 0 and is {size}"))? as u8,
            "last_node" => p.last_node = protocol::truth(cx, value)?,
            _ => return Err(cx.type_error(format!("{name}() got an unexpected keyword argument '{text}'"))),
        }
    }
    let mut state = Blake2::new(wide, &p);
    if let Some(o) = first {
        absorb(cx, &mut |b| state.update(b), &o)?;
    }
    object(cx, ty, name, Running::Blake2(state), if wide { 128 } else { 64 }, usize::from(p.size))
}

fn types(cx: &mut Cx, m: &Ref<module::Module>, names: &[&'static str]) -> PyResult<()> {
    for name in names {
        let short = name.rsplit('.').next().unwrap_or(name);
        let ty = retic_runtime::interp::native_type(cx, &spec(name), &cx.types.object.clone())?;
        if short.ends_with("Type") {
            m.set(cx, short, ty.into_obj())?;
        }
    }
    Ok(())
}

pub fn make_md5(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "_md5", md5_module::DOC, md5_module::FUNCTIONS)?;
    types(cx, &m, &["_md5.md5"])?;
    let ty = cx.native_type("_md5.md5");
    m.set(cx, "MD5Type", ty.into_obj())?;
    Ok(m.into_obj())
}
pub fn make_sha1(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "_sha1", sha1_module::DOC, sha1_module::FUNCTIONS)?;
    types(cx, &m, &["_sha1.sha1"])?;
    let ty = cx.native_type("_sha1.sha1");
    m.set(cx, "SHA1Type", ty.into_obj())?;
    Ok(m.into_obj())
}
pub fn make_sha2(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "_sha2", sha2_module::DOC, sha2_module::FUNCTIONS)?;
    types(cx, &m, &["_sha2.SHA224Type", "_sha2.SHA256Type", "_sha2.SHA384Type", "_sha2.SHA512Type"])?;
    Ok(m.into_obj())
}
pub fn make_sha3(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "_sha3", sha3_module::DOC, sha3_module::FUNCTIONS)?;
    types(cx, &m, &["_sha3.sha3_224", "_sha3.sha3_256", "_sha3.sha3_384", "_sha3.sha3_512", "_sha3.shake_128", "_sha3.shake_256"])?;
    let text = cx.str("RustCrypto")?;
    m.set(cx, "implementation", text)?;
    Ok(m.into_obj())
}
pub fn make_blake2(cx: &mut Cx) -> PyResult {
    let m = module::of_functions(cx, "_blake2", "The BLAKE2 hash functions.", &[])?;
    for (wide, name, upper) in [(true, "_blake2.blake2b", "BLAKE2B"), (false, "_blake2.blake2s", "BLAKE2S")] {
        let new: fn(&mut Cx, &Ref<Type>, Args<'_>) -> PyResult = if wide { |cx, ty, a| new_blake2(cx, ty, a, true) } else { |cx, ty, a| new_blake2(cx, ty, a, false) };
        let s = Spec { flags: 0, doc: "Return a new BLAKE2 hash object.", slots: Slots { new: Some(new), ..Slots::EMPTY }, ..spec(name) };
        let ty = m.add_type(cx, &s)?;
        let dict = ty.dict.cloned(cx);
        let sizes = if wide { [16, 16, 64, 64] } else { [8, 8, 32, 32] };
        for (what, n) in ["SALT_SIZE", "PERSON_SIZE", "MAX_KEY_SIZE", "MAX_DIGEST_SIZE"].into_iter().zip(sizes) {
            let n = cx.int(n)?;
            if let Some(d) = &dict {
                d.set_str(cx, what, n.clone())?;
            }
            let key = cx.str(&format!("{upper}_{what}"))?;
            m.dict.cloned(cx).insert(cx, &key, n)?;
        }
    }
    Ok(m.into_obj())
}
