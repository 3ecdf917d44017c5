//! Prints the 3.9 listing of a file with constants in a rough repr: `cargo run --example dis39 FILE`.
use retic_bytecode::{Code, Const, dis};
use retic_compiler::{Mode, Options, compile, decode};

fn repr(c: &Const) -> String {
    match c {
        Const::None => "None".into(),
        Const::Bool(b) => if *b { "True" } else { "False" }.into(),
        Const::Ellipsis => "Ellipsis".into(),
        Const::Int(i) => i.to_string(),
        Const::BigInt { negative, digits } => retic_numbers::Big::from_digits(*negative, digits).to_text(10),
        Const::Float(f) => retic_numbers::float::repr(f64::from_bits(*f)),
        Const::Str(s) => {
            let quote = if s.contains('\'') && !s.contains('"') { '"' } else { '\'' };
            let mut out = String::from(quote);
            for c in s.chars() {
                match c {
                    '\\' => out += "\\\\",
                    '\n' => out += "\\n",
                    '\r' => out += "\\r",
                    '\t' => out += "\\t",
                    c if c == quote => {
                        out.push('\\');
                        out.push(c)
                    }
                    c if retic_unicode::is_printable(c as u32) => out.push(c),
                    c if (c as u32) < 0x100 => out += &format!("\\x{:02x}", c as u32),
                    c if (c as u32) < 0x10000 => out += &format!("\\u{:04x}", c as u32),
                    c => out += &format!("\\U{:08x}", c as u32),
                }
            }
            out.push(quote);
            out
        }
        Const::Bytes(b) => {
            let quote = if b.contains(&b'\'') && !b.contains(&b'"') { '"' } else { '\'' };
            let mut out = format!("b{quote}");
            for &c in b.iter() {
                match c {
                    b'\\' => out += "\\\\",
                    b'\n' => out += "\\n",
                    b'\r' => out += "\\r",
                    b'\t' => out += "\\t",
                    c if c as char == quote => {
                        out.push('\\');
                        out.push(quote)
                    }
                    0x20..=0x7e => out.push(c as char),
                    c => out += &format!("\\x{c:02x}"),
                }
            }
            out.push(quote);
            out
        }
        Const::Tuple(t) if t.len() == 1 => format!("({},)", repr(&t[0])),
        Const::Tuple(t) => format!("({})", t.iter().map(repr).collect::<Vec<_>>().join(", ")),
        Const::FrozenSet(t) => format!("frozenset({{{}}})", t.iter().map(repr).collect::<Vec<_>>().join(", ")),
        Const::Code(c) => format!("<code object {} at 0x0, file \"x\", line {}>", c.name, c.firstlineno),
        other => format!("{other:?}"),
    }
}
fn show(code: &Code) {
    let mut out = String::new();
    dis::disassemble(code, None, &mut |i| repr(&code.consts[i]), &mut out);
    print!("{out}");
    for (i, _) in dis::nested(code).collect::<Vec<_>>() {
        println!("\nDisassembly of {}:", repr(&code.consts[i]));
        if let Const::Code(c) = &code.consts[i] {
            show(c)
        }
    }
}
fn main() {
    let path = std::env::args().next_back().unwrap();
    let source = decode(&std::fs::read(&path).unwrap(), Some(&path)).unwrap_or_else(|e| {
        eprintln!("{}", e.message);
        std::process::exit(1)
    });
    let options = Options::new(Mode::Exec, path.as_str());
    match compile(&source, &options) {
        Ok(c) => show(&c.code),
        Err(e) => {
            eprintln!("{}:{}: {}", e.line, e.column, e.message);
            std::process::exit(1)
        }
    }
}
