"""Methods on what is large, one expression each, the texts in three widths of characters: `INTERPRETER benches/large.py` prints microseconds,
the best of three. `large.py RESULT OTHER` shows which of two such results was slower where, and by how much. In the expressions `_` stands for a space."""
import array, ast, base64, binascii, bisect, codecs, collections, copy, csv, functools, hashlib, heapq, io, itertools, json, marshal, math
import operator, pickle, random, re, statistics, string, struct, sys, textwrap, unicodedata, zlib
from time import perf_counter


def compare(one, other):
    read = lambda name: {k: float(v) for k, v in (line.rstrip("\n").split("\t") for line in open(name) if "\t" in line)}
    a, b = read(one), read(other)
    rows = sorted(((a[k] / max(b[k], 0.01), k, a[k], b[k]) for k in a if k in b), reverse=True)
    for ratio, k, x, y in rows:
        print(f"{ratio:8.2f} {x:12.2f} {y:12.2f}  {k}")
    print("geometric mean", math.exp(sum(math.log(r[0]) for r in rows) / len(rows)), "of", len(rows))


def bench(name, f):
    rounds, best = 1, None
    try:
        while best is None:
            t = perf_counter()
            for _ in range(rounds):
                f()
            t = (perf_counter() - t) / rounds
            if rounds == 1 and t < 1e-3:
                rounds = max(2, min(200, int(2e-3 / (t + 1e-9))))
                continue
            best = t
            for _ in range(2):
                t = perf_counter()
                for _ in range(rounds):
                    f()
                best = min(best, (perf_counter() - t) / rounds)
    except (ValueError, TypeError):
        return
    print(f"{name}\t{best * 1e6:.2f}", flush=True)


# Of every text, bytes and bytearray `x`; `y` is nearly the same, `T` a table of translation.
SEQUENCES = r"""
    x.find('z') x.find('a',5) x.find('a',999990) x.rfind('a') x.rfind('z') x.index('a',10) x.count('a') x.count('abc') x.startswith('abc')
    x.startswith('abc',500) x.startswith(('x','abc')) x.endswith('i\x20') x.split() x.split(None,1) x.split('a') x.split('a',1) x.rsplit('a',1)
    x.rsplit(None,1) x.partition('b') x.rpartition('b') x.partition('z') x.splitlines() x.strip() x.lstrip() x.rstrip() x.strip('a\x20')
    x.replace('a','b') x.replace('abc','xyzw') x.replace('z','b') x.replace('a','b',1) x.replace('','-') x.removeprefix('abc')
    x.removesuffix('i\x20') x.upper() x.lower() x.title() x.capitalize() x.swapcase() x.isalpha() x.isdigit() x.isalnum() x.isascii() x.islower()
    x.isspace() x.istitle() x.isupper() x.center(2) x.center(1000100) x.ljust(1000100) x.rjust(1000100) x.zfill(1000100) x.expandtabs() 'z'_in_x
    'abc'_in_x x==y x<y x!=y x+x x*2 x[5:9] x[5:] x[::2] x[::-1] x[-1] list(x) tuple(x) set(x) sorted(x) len(x) max(x) min(x) hash(x) x.join([x,x])
    iter(x) repr(x) enumerate(x) reversed(x) bool(x) x.translate(T) x.count('a',5,10) x[:] [c_for_c_in_x] sum(1_for_c_in_x)
"""

OTHERS = """
    s.encode() s.encode('latin-1') s.encode('ascii') u.encode() w.encode() w.encode('utf-16') w.encode('utf-32') u.encode('latin-1') s.isprintable()
    s.isidentifier() s.isdecimal() s.isnumeric() s.casefold() w.casefold() u.casefold() s.translate({97:None})
    s.translate(str.maketrans('abc','xyz')) s.format(1) '%s'%s f'{s}' f'{s:>1000100}' str(s) repr(w) ascii(w) str(b,'latin-1') b.decode()
    b.decode('ascii') b.decode('latin-1') w8.decode() u8.decode() w16.decode('utf-16') w32.decode('utf-32') b.hex() ba.hex() b.hex(':')
    bytes.fromhex(hx) bytes(b) bytes(ba) bytearray(b) bytes(mv) bytes(l8) bytes(r8) bytearray(l8) bytes(N) bytearray(N) mv[5:10] mv[::2] mv.tobytes()
    mv.tolist() mv==mv mv.hex() hash(mv) bytes(mv[::2]) ba.find(97) b.find(97,500) b.count(97) ba.count(97) 97_in_b 200_in_ba b.index(98) b[:-1]
    ba[5:10] ba[::2] ba+b b+ba ba*2 b%() b.join([b,b]) ba.join([b]*10) b''.join(lb) ''.join(ls) ','.join(ls) array.array('i',li) array.array('b',b)
    ai.tolist() ai.index(7) ai.count(7) ai*2 ai+ai ai[5:] ai[::2] ai.tobytes() sum(ai) list(ai) ai==ai array.array('d',ai) ai.byteswap()
    memoryview(ai)[5] memoryview(ai).tolist() memoryview(ai).cast('B') sum(li) sum(lf) max(li) min(lf) sorted(li) sorted(lf) sorted(ls)
    sorted(li,reverse=True) li[::2] li[5:] li+li li*2 li.index(-1) li.count(7) li.copy() li[:] li==l2 li<l2 list(reversed(li)) tuple(li) set(li)
    frozenset(li) dict.fromkeys(li) dict(zip(li,li)) dict(d) d.copy() d|d d.items()==d.items() list(d) list(d.values()) list(d.items()) d==d2
    d.keys()&d2.keys() d.keys()-d2.keys() st|st st&st st-st st^st st<=st st==st2 st.copy() list(st) sorted(st) st.isdisjoint(st3) frozenset(st)
    any(z) all(o) list(map(str,li)) list(map(int,ls)) list(map(float,ls)) list(filter(None,li)) list(zip(li,li)) list(enumerate(li)) list(range(N))
    sum(range(N)) max(range(N)) len(set(range(N))) [x_for_x_in_li_if_x&1] {x:x_for_x_in_li} {x_for_x_in_li} collections.deque(li) dq.copy()
    dq.count(5) dq.index(5) list(dq) dq*2 dq[N//20] dq==dq collections.Counter(s) collections.Counter(li) collections.OrderedDict.fromkeys(li)
    list(itertools.chain(li,li)) list(itertools.islice(li,0,None,2)) list(itertools.compress(li,li)) sum(itertools.compress(itertools.count(),ba))
    list(itertools.accumulate(li)) list(itertools.repeat(1,N)) list(itertools.takewhile(bool,o)) list(itertools.dropwhile(bool,o))
    list(itertools.filterfalse(None,li)) list(itertools.starmap(max,z2)) list(itertools.pairwise(li)) list(itertools.batched(li,3))
    list(itertools.groupby(li)) list(itertools.zip_longest(li,li)) list(itertools.product(l300,l300)) list(itertools.combinations(l300,2))
    list(itertools.permutations(l300,2)) functools.reduce(operator.add,li) list(map(operator.itemgetter(0),z2)) list(map(operator.neg,li))
    list(map(abs,li)) copy.copy(li) copy.deepcopy(l300) pickle.dumps(li) pickle.loads(pk) pickle.dumps(d) marshal.dumps(li) marshal.loads(ma)
    json.dumps(li) json.loads(js) json.dumps(ls) json.loads(jss) json.dumps(s) json.dumps(w) heapq.heapify(l2) heapq.nlargest(5,li)
    heapq.merge(li,li) list(heapq.merge(l300,l300)) bisect.bisect(li,5) base64.b64encode(b) base64.b64decode(b64) binascii.hexlify(b)
    binascii.unhexlify(hx) binascii.crc32(b) zlib.crc32(b) zlib.adler32(b) zlib.compress(b) zlib.decompress(zc) hashlib.md5(b) hashlib.sha1(b)
    hashlib.sha256(b) hashlib.blake2b(b) struct.pack('100000i',*li) struct.unpack('100000i',sp) list(struct.iter_unpack('i',sp)) io.StringIO(s)
    io.BytesIO(b) io.BytesIO(b).read() io.BytesIO(b).getvalue() io.StringIO(s).read() list(io.StringIO(sn)) list(io.BytesIO(bn))
    io.TextIOWrapper(io.BytesIO(bn)).read() list(io.TextIOWrapper(io.BytesIO(bn))) sn.splitlines() bn.splitlines() sn.split('\\n') re.findall('a',s)
    re.sub('a','b',s) re.split('_',s) re.search('z',s) re.search('xyz',s) re.search('[x-z]',s) re.match('.*z',s) re.findall('\\w+',s)
    re.findall(b'\\w+',b) re.finditer('a',s) re.sub('(a)b','\\\\1',s) re.compile('abc|xyz').findall(s) textwrap.wrap(s[:20000])
    list(csv.reader(csvl)) int(dg) str(bi) bi*bi bi+bi bi//7 bi%7 bi>>5 bi<<5 bi&bi hex(bi) bin(bi) bi.bit_count() bi.bit_length() bi.to_bytes(50000)
    int.from_bytes(b[:50000]) pow(3,bi2,bi3) bi==bi hash(bi) float(bi2) math.gcd(bi,bi3) math.factorial(2000) math.isqrt(bi) math.fsum(lf)
    math.prod(l300) math.dist(lf,lf) math.comb(2000,1000) math.sumprod(lf,lf) statistics.mean(lf[:2000]) random.sample(li,100) random.shuffle(l2)
    random.choices(li,k=1000) random.randbytes(N) string.Template(s) codecs.encode(s,'rot13') codecs.getincrementaldecoder('utf-8')().decode(b)
    s.encode('utf-8','surrogatepass') s.encode('cp1252') b.decode('cp1252') b.decode('utf-7') s.encode('utf-7') unicodedata.normalize('NFC',w)
    unicodedata.normalize('NFD',w) ast.literal_eval(lit) compile(src,'x','exec') eval(lit) slice(1,5).indices(N) operator.concat(li,li)
    s.__contains__('zq') b.__contains__(b'zq') sys.intern(s+'q') sys.getsizeof(s) id(s) s.__getitem__(5) iter(li).__length_hint__() str.join('',li2)
    print(s,file=null) null.write(s) bytes.maketrans(b'a',b'b') memoryview(b).cast('i') memoryview(ba)[5:10].tobytes() mvba.__setitem__(5,5)
    ba.__setitem__(5,5) ba.append(5) ba.extend(b'ab') ba.pop() ba.insert(len(ba),5) ba.reverse() ba.copy() ba.__delitem__(slice(-3,None))
    ba.__setitem__(slice(5,8),b'abc') ba.remove(97)
"""

if len(sys.argv) == 3:
    compare(sys.argv[1], sys.argv[2])
    sys.exit()

N = 1_000_000
M = N // 10
random.seed(5)
s, u, w = ("abcdefghi " * M, "äbcdefghi " * M, "한bcdefghi " * M)
b = s.encode()
ba, mv = bytearray(b), memoryview(b)
for name, x, y in (("s", s, s[:-1] + "x"), ("u", u, u[:-1] + "x"), ("w", w, w[:-1] + "x"), ("b", b, b[:-1] + b"x"), ("ba", ba, ba[:-1] + b"x")):
    text = isinstance(x, str)
    table = {97: 98, 98: "xx"} if text else bytes(range(255, -1, -1))
    for e in SEQUENCES.split():
        e = e.replace("_", " ")
        bench(f"{name}:{e}", eval("lambda: " + (e if text else re.sub(r"('[^']*')", r"b\1", e)), dict(x=x, y=y, T=table)))

w8, u8, w16, w32 = w.encode(), u.encode(), w.encode("utf-16"), w.encode("utf-32")
l8, r8, hx, b64, zc = list(range(256)) * 1000, range(256), b.hex(), base64.b64encode(b), zlib.compress(b)
li = list(range(M))
l2, lf, ls, li2 = list(li), [x / 3 for x in li], [str(x) for x in li], [str(x) for x in li]
lb = [x.encode() for x in ls]
d = {x: x for x in li}
d2, st, st2, st3, z, o, z2 = dict(d), set(li), set(li), set(range(-M, 0)), [0] * M, [1] * M, [(x, x + 1) for x in li]
l300, dq, ai = list(range(300)), collections.deque(li), array.array("i", li)
pk, ma, js, jss, sp = pickle.dumps(li), marshal.dumps(li), json.dumps(li), json.dumps(ls), struct.pack("100000i", *li)
sn = "abcdefghi\n" * M
bn, csvl = sn.encode(), ['a,b,"c d",1'] * 10000
sys.set_int_max_str_digits(0)
dg, bi2, bi3 = "7" * 20000, int("9" * 300), int("8" * 301)
bi = int(dg)
lit, src = repr(li[:20000]), "x=a+b*c\nif x: y=[1,2,f(x)]\n" * 500
null, mvba = open("/dev/null", "w"), memoryview(bytearray(b))
for e in OTHERS.split():
    e = e.replace("_", " ") if "_for_" in e or "_in_" in e else e
    bench(e, eval("lambda: " + e))
