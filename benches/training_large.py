"""Texts, bytes, lists, sets and dictionaries of some thousand items: the loops that run over all of them."""
import array, binascii, codecs, io, unicodedata
from collections import deque

N = 4_000


def texts(x):
    other = x[:-1] + x[:1]
    for c in (x[1:2], x[1:4], x[:0] + "zq"):
        x.find(c), x.rfind(c), x.count(c), c in x, x.replace(c, x[2:3]), x.replace(c, x[2:5], 3), x.split(c), x.partition(c), x.rpartition(c), x.rsplit(c, 2)
    x == other, x != other, x < other, hash(x + "k"), x[5:], x[::2], x[::-1], x * 3, x + other, x.join([x, other, x])
    x.split(), x.rsplit(None, 1), x.splitlines(), x.strip(), x.upper(), x.lower(), x.title(), x.capitalize(), x.casefold(), x.swapcase()
    x.isalpha(), x.isupper(), x.islower(), x.istitle(), x.isspace(), x.isprintable(), x.isidentifier(), x.replace("", "-"), repr(x), ascii(x)
    n = len(x) + 50
    x.center(n), x.ljust(n), x.rjust(n), x.zfill(n), x.expandtabs(), x.removeprefix(x[:3]), x.removesuffix(x[-3:]), x.translate({97: 98}), f"{x:>{n}}"
    list(x), tuple(x), set(x), sorted(x), max(x), [c for c in x], sum(1 for c in x)
    for coding in ("utf-8", "utf-16", "utf-32", "utf-16-be", "utf-32-be"):
        x.encode(coding).decode(coding)
    for coding in ("latin-1", "ascii", "cp1252", "koi8-r"):
        x.encode(coding, "replace").decode(coding, "replace")
    codecs.encode(x, "rot13"), unicodedata.normalize("NFC", x), unicodedata.normalize("NFKD", x)
    lines = x.replace(" ", "\n")
    io.StringIO(lines).readlines(), list(io.TextIOWrapper(io.BytesIO(lines.encode()), encoding="utf-8")), io.TextIOWrapper(io.BytesIO(x.encode()), encoding="utf-8").read()


def rows(x):
    other = x[:-1] + x[:1]
    for c in (x[1:2], x[1:4], b"zq"):
        x.find(c), x.rfind(c), x.count(c), c in x, x.replace(c, x[2:3]), x.replace(c, x[2:5], 3), x.split(c), x.partition(c), x.rpartition(c), x.rsplit(c, 2)
    x == other, x != other, x < other, x[5:], x[::2], x[::-1], x * 3, x + other, x.join([x, other, x]), x.startswith(b"ab", 3), x.endswith(b"q"), 97 in x
    x.split(), x.rsplit(None, 1), x.splitlines(), x.strip(), x.upper(), x.lower(), x.title(), x.capitalize(), x.swapcase()
    x.isalpha(), x.isupper(), x.islower(), x.istitle(), x.isspace(), x.isascii(), x.replace(b"", b"-"), repr(x), x.hex(), x.hex(":")
    n = len(x) + 50
    x.center(n), x.ljust(n), x.rjust(n), x.zfill(n), x.expandtabs(), x.removeprefix(x[:3]), x.removesuffix(x[-3:]), x.translate(bytes(range(255, -1, -1)), b"a")
    list(x), tuple(x), set(x), sorted(x), max(x), [c for c in x], sum(c for c in x), bytes(x), bytearray(x), memoryview(x).tolist(), memoryview(x)[::2].tobytes()
    x.decode("latin-1"), hash(bytes(x)), binascii.unhexlify(binascii.hexlify(x)), bytes.fromhex(x.hex()), memoryview(x) == x, int.from_bytes(x[:300]).bit_length()


def items(n):
    li, ls = list(range(n)), [str(i) for i in range(n)]
    l2, d = list(li), {i: str(i) for i in li}
    d2, st, st2 = dict(d), set(li), set(ls) | set(li[::2])
    li == l2, li < l2, tuple(li) == tuple(l2), ls == list(ls), sorted(ls), sorted(li), sorted(ls, reverse=True), sorted([x / 3 for x in li]), sorted(li[::-1])
    sorted(t + "é" for t in ls), sorted(t + "あ" for t in ls)
    d == d2, d.items() == d2.items(), d.keys() & d2.keys(), d.keys() - d2.keys(), d.keys() | d2.keys(), d.items() ^ d2.items(), d | d2, dict(zip(li, ls)), dict.fromkeys(st)
    st | st2, st & st2, st - st2, st ^ st2, st <= st2, st == st2, st.isdisjoint(st2), st.copy(), frozenset(st), list(st), list(d), list(d.values()), list(d.items())
    dq = deque(li)
    list(dq), dq == deque(li), list(reversed(li)), tuple(d), b"".join([t.encode() for t in ls]), ",".join(ls), bytes(range(256)) * 3
    a = array.array("i", li)
    a == array.array("i", l2), a[5:], a[::2], a.tolist(), a + a, a * 2, sum(a), list(a), a.byteswap(), (7**n & 5**n | 3**n ^ 2**n).bit_count()


def run(n):
    for _ in range(n):
        for text in ("abcdefghi ", "äbcdefghi ", "한bcdefghi ", "😀bcdefghi "):
            texts(text * (N // 10))
        rows(b"abcdefghi " * (N // 10))
        rows(bytearray(b"abcdefghi ") * (N // 10))
        items(N)


if __name__ == "__main__":
    run(40)
