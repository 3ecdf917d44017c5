"""Writes the tables of Unicode properties from the unicodedata of the interpreter that runs this (CPython 3.14: UCD 16).

Sections, each with its name and its number of lines before it:
  records   category bidirectional combining mirrored width, one per line; the line number is its index
  runs      hexadecimal first code point, index of its record; up to the next line's
  numeric   code point, decimal, digit, numeric value (- where there is none)
  decomposition   code point, mapping
  compose   code points of the pairs that canonical composition joins, and what they become
  flags     like runs: bits for lower 1, upper 2, identifier start 4, continue 8, space 16, cased 32, case-ignorable 64
  case      code point, and its lower case, upper case, title case, folding, each as code points joined by commas
  old runs, old numeric, old decomposition   the same of version 3.2.0, the last two only where they differ
  old corrections   code point and its full decomposition in version 3.2.0, where that was wrong
"""
import sys
import unicodedata
from fractions import Fraction

TOP = 0x110000
records = {}


def record(db, c):
    r = " ".join((db.category(c), db.bidirectional(c) or "-", str(db.combining(c)), str(db.mirrored(c)), db.east_asian_width(c)))
    return records.setdefault(r, len(records))


def runs(db):
    last = None
    for n in range(TOP):
        i = record(db, chr(n))
        if i != last:
            yield f"{n:X} {i}"
            last = i


def flag(n):
    c = chr(n)
    start = c.isidentifier()
    # What title() goes on after, and what the rule of the final sigma looks past.
    cased = (c + "A").title().endswith("a")
    ignorable = ("A" + c + "\u03a3").lower().endswith("\u03c2") and not (c + "\u03a3").lower().endswith("\u03c2")
    bits = (c.islower(), c.isupper(), start, ("a" + c).isidentifier(), c.isspace(), cased, ignorable)
    return sum(b << i for i, b in enumerate(bits))


def flags():
    last = None
    for n in range(TOP):
        f = flag(n)
        if f != last:
            yield f"{n:X} {f}"
            last = f


def case():
    for n in range(TOP):
        c = chr(n)
        forms = [c.lower(), c.upper(), c.title(), c.casefold()]
        if any(f != c for f in forms):
            yield f"{n:X} " + " ".join(",".join(f"{ord(x):X}" for x in f) for f in forms)


def number(v):
    if v is None:
        return "-"
    f = Fraction(v).limit_denominator(1000)
    return f"{f.numerator}/{f.denominator}"


def numeric(db):
    for n in range(TOP):
        c = chr(n)
        v = (db.decimal(c, None), db.digit(c, None), db.numeric(c, None))
        if v != (None, None, None):
            yield n, "%X %s %s %s" % (n, *("-" if x is None else x for x in v[:2]), number(v[2]))


def decomposition(db):
    for n in range(TOP):
        d = db.decomposition(chr(n))
        if d and not 0xAC00 <= n <= 0xD7A3:
            yield n, f"{n:X} {d}"


def compose():
    for n in range(TOP):
        d = unicodedata.decomposition(chr(n))
        if d and d[0] != "<" and len(d.split()) == 2 and not 0xAC00 <= n <= 0xD7A3:
            a, b = (chr(int(x, 16)) for x in d.split())
            if unicodedata.normalize("NFC", a + b) == chr(n):
                yield f"{ord(a):X} {ord(b):X} {n:X}"


def differing(new, old):
    new, old = dict(new), dict(old)
    for n in sorted(set(new) | set(old)):
        if new.get(n) != old.get(n):
            yield old.get(n, f"{n:X}")


def corrections():
    """Characters of 3.2.0 whose canonical decomposition was corrected later."""
    for n in range(TOP):
        c = chr(n)
        if old.category(c) != "Cn" and old.normalize("NFD", c) != unicodedata.normalize("NFD", c):
            yield f"{n:X} " + " ".join(f"{ord(x):X}" for x in old.normalize("NFD", c))


old = unicodedata.ucd_3_2_0
sections = {
    "runs": list(runs(unicodedata)),
    "numeric": [t for _, t in numeric(unicodedata)],
    "decomposition": [t for _, t in decomposition(unicodedata)],
    "compose": list(compose()),
    "flags": list(flags()),
    "case": list(case()),
    "old runs": list(runs(old)),
    "old numeric": list(differing(numeric(unicodedata), numeric(old))),
    "old decomposition": list(differing(decomposition(unicodedata), decomposition(old))),
    "old corrections": list(corrections()),
}
out = [f"version {unicodedata.unidata_version}"]
for name, lines in {"records": list(records), **sections}.items():
    out.append(f"[{name} {len(lines)}]")
    out.extend(lines)
sys.stdout.write("\n".join(out) + "\n")
