"""What a program may do, for the profile that a release is built with (`cargo xtask profile`). Nothing here is timed."""
import argparse
import ast
import asyncio
import base64
import bisect
import collections
import contextlib
import copy
import csv
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import gc
import hashlib
import heapq
import io
import itertools
import json
import logging
import operator
import pickle
import pprint
import random
import re
import statistics
import string
import struct
import tempfile
import textwrap
import threading
import tokenize
import types
import typing
import unittest
import weakref
import xml.etree.ElementTree as ElementTree


class Colour(enum.Enum):
    RED = 1
    GREEN = 2


class Rights(enum.Flag):
    READ = enum.auto()
    WRITE = enum.auto()


@dataclasses.dataclass(order=True)
class Order:
    number: int
    customer: str
    lines: list = dataclasses.field(default_factory=list)

    def total(self):
        return sum(amount * price for _, amount, price in self.lines)


class Base:
    count = 0

    def __init__(self, name, **more):
        super().__init__()
        self.name = name
        self.__dict__.update(more)
        type(self).count += 1

    def __repr__(self):
        return f"{type(self).__name__}({self.name!r})"

    def __eq__(self, other):
        return isinstance(other, Base) and self.name == other.name

    def __hash__(self):
        return hash(self.name)

    @property
    def title(self):
        return self.name.title()

    @classmethod
    def named(cls, names):
        return [cls(n) for n in names]


class Derived(Base):
    __slots__ = ("extra",)

    def __init__(self, name, extra=None):
        super().__init__(name)
        self.extra = extra

    def __getattr__(self, name):
        if name.startswith("get_"):
            return lambda: getattr(self, name[4:])
        raise AttributeError(name)


def objects(n):
    seen = set()
    for i in range(n):
        d = Derived(f"thing {i % 50}", i)
        seen.add(d)
        d.get_extra()
        hasattr(d, "missing"), getattr(d, "nothing", None), d.title, repr(d)
        Base.named("abc")
        copy.copy(d), copy.deepcopy([d.extra, {"k": (1, 2)}])
    colours = [Colour(i % 2 + 1) for i in range(n)]
    orders = sorted(Order(i * 7 % n, "c%d" % (i % 9), [("x", i, 1.5)]) for i in range(n))
    return len(seen), colours.count(Colour.RED), sum(o.total() for o in orders), Rights.READ | Rights.WRITE


def texts(n):
    words = ("the quick brown fox jumps over the lazy dog " * n).split()
    count = collections.Counter(words)
    table = str.maketrans("aeiou", "uoiea")
    out = []
    for i, w in enumerate(words):
        out.append("%-10s|%5d|%.2f" % (w.upper().translate(table), i, i / 7))
        out.append("{:>8}{:08b}{!r}".format(w[::-1], i & 255, w[1:3]))
        out.append(f"{w:^12}{i:,}{i * 1.25:.3e}")
        w.partition("o"), w.rstrip("x"), w.find("u"), w.replace("o", "0"), w.isalpha(), w.encode().decode("utf-8")
    wrapped = textwrap.fill(" ".join(words[:60]), 40)
    pattern = re.compile(r"(?P<first>\w)(?P<rest>\w*)(?:\s+|$)")
    found = [(m["first"], m.end()) for m in pattern.finditer(wrapped)]
    changed = re.sub(r"\b(\w+) (\w+)\b", r"\2 \1", wrapped)
    parts = re.split(r"[,;\s]+", changed)
    return len("".join(out)), count.most_common(2), len(found), len(parts), string.Template("$a").substitute(a=1)


def data(n):
    rows = [{"id": i, "name": f"row {i}", "tags": ["a", "b"], "score": i / 3, "ok": i % 2 == 0, "none": None} for i in range(n)]
    back = json.loads(json.dumps(rows, indent=1))
    again = pickle.loads(pickle.dumps(back))
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerows((r["id"], r["name"], r["score"]) for r in again)
    file.seek(0)
    total = sum(float(r[2]) for r in csv.reader(file))
    packed = b"".join(struct.pack("<IdH", r["id"], r["score"], r["id"] & 7) for r in rows)
    digest = hashlib.sha256(packed).hexdigest(), base64.b64encode(packed)[:9]
    root = ElementTree.Element("rows")
    for r in rows:
        e = ElementTree.SubElement(root, "row", id=str(r["id"]))
        e.text = r["name"]
    tree = ElementTree.fromstring(ElementTree.tostring(root))
    day = datetime.datetime(2024, 2, 28)
    days = [(day + datetime.timedelta(days=i)).isoformat() for i in range(n)]
    money = sum((decimal.Decimal(i) / 7 for i in range(n)), decimal.Decimal(0)).quantize(decimal.Decimal("0.01"))
    part = sum((fractions.Fraction(1, i + 1) for i in range(20)), fractions.Fraction(0))
    pprint.pformat(rows[:5])
    return total, digest, len(tree.findall("row")), max(days), money, part, statistics.mean(r["score"] for r in rows)


def structures(n):
    heap, queue, order = [], collections.deque(maxlen=50), []
    groups = collections.defaultdict(list)
    generator = random.Random(5)
    for i in range(n):
        x = generator.randrange(1000)
        heapq.heappush(heap, (x, i))
        queue.append(x)
        bisect.insort(order, x)
        groups[x % 10].append(i)
        if i % 3 == 0:
            heapq.heappop(heap)
    merged = dict(sorted(groups.items(), key=operator.itemgetter(0), reverse=True))
    pairs = {(a, b): a * b for a, b in itertools.product(range(12), repeat=2) if a != b}
    matrix = [[i * j for j in range(20)] for i in range(20)]
    turned = [list(row) for row in zip(*matrix)]
    chained = list(itertools.islice(itertools.chain.from_iterable(turned), 0, None, 3))
    sets = set(order) & set(range(0, 1000, 3)) | {x for x in order if x % 7 == 0} - frozenset(queue)
    reduced = functools.reduce(lambda a, b: a ^ b, order, 0)
    sliced = order[::2] + order[5:20] * 2
    sliced[3:6] = [1, 2, 3]
    del sliced[::5]
    text = "".join(map(str, filter(None, sliced)))
    Point = collections.namedtuple("Point", "x y")
    points = [Point(*divmod(i, 7))._replace(y=0).x for i in range(n)]
    return len(merged), sum(pairs.values()), sum(chained), len(sets), reduced, len(text), sum(points), any(x > 990 for x in order)


@functools.lru_cache(maxsize=64)
def cached(n):
    return n if n < 2 else cached(n - 1) + cached(n - 2)


def traced(function):
    @functools.wraps(function)
    def inner(*args, **kwargs):
        return function(*args, **kwargs)
    return inner


@traced
def risky(i, *, limit=5):
    if i % limit == 0:
        raise ValueError("bad %d" % i)
    try:
        return {}[i]
    except KeyError as e:
        raise LookupError(i) from e
    finally:
        cached(i % 30)


@contextlib.contextmanager
def opened(log):
    log.append("in")
    try:
        yield log
    finally:
        log.append("out")


def walk(tree):
    for child in ast.iter_child_nodes(tree):
        yield child
        yield from walk(child)


def errors(n):
    log = []
    for i in range(n):
        with opened(log), contextlib.suppress(LookupError):
            try:
                risky(i)
            except ValueError as e:
                log.append(str(e))
    source = "def f(a, *b, c=1, **d):\n    return [x for x in b if x > a] or {c: d}\n" * 4
    nodes = sum(1 for _ in walk(ast.parse(source)))
    tokens = sum(1 for _ in tokenize.generate_tokens(io.StringIO(source).readline))
    exec(compile(source, "made", "exec"), {})
    return len(log), nodes, tokens


def numbers(n):
    total, x = 0, 1
    for i in range(1, n):
        x = (x * 1103515245 + i) & 0x7FFFFFFF
        total += x % 17 - i // 3 if x >> 3 & 1 else -(x ^ i)
        total %= 1_000_003
    big = 3 ** 300
    while big:
        big //= 10 ** 9
        total += big % 7
    z = complex(0.1, 0.2)
    for i in range(60):
        z = z * z + 0.25
    return total, round(abs(z), 3), int("123456789" * 5) % 97, float("1.5") ** 0.5, f"{total:x}"


async def child(queue, i):
    await asyncio.sleep(0)
    await queue.put(i)
    return i


async def parent(n):
    queue = asyncio.Queue()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(child(queue, i)) for i in range(n)]
    more = await asyncio.gather(*(child(queue, i) for i in range(n)))
    return sum(t.result() for t in tasks) + sum(more) + queue.qsize()


def machinery(n):
    logger = logging.getLogger("training")
    logger.propagate = False
    logger.addHandler(logging.StreamHandler(io.StringIO()))
    for i in range(n):
        logger.warning("step %d of %s", i, "many")
        logger.debug("not shown")
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=3)
    parser.add_argument("names", nargs="*")
    options = [parser.parse_args(["--size", str(i), "a", "b"]).size for i in range(n // 10 + 1)]
    lock, results = threading.Lock(), []

    def work(i):
        with lock:
            results.append(i)
    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    with tempfile.TemporaryFile("w+") as file:
        file.writelines(f"line {i}\n" for i in range(n))
        file.seek(0)
        lines = sum(1 for line in file if line.strip().endswith("7"))
    ring = []
    for i in range(n):
        a, b = Base(str(i), i=i), types.SimpleNamespace()
        a.b, b.a = b, a
        ring.append(weakref.ref(a))
    gc.collect()

    class Case(unittest.TestCase):
        def test(self):
            self.assertEqual(sorted([3, 1, 2]), [1, 2, 3])
            with self.assertRaises(TypeError):
                len(3)
    unittest.TextTestRunner(stream=io.StringIO()).run(unittest.defaultTestLoader.loadTestsFromTestCase(Case))
    typing.get_type_hints(Order)
    return sum(options), sorted(results), lines, sum(r() is None for r in ring), asyncio.run(parent(n))


def main():
    for size in (20, 200):
        for part in (objects, texts, data, structures, errors, numbers, machinery):
            print(part.__name__, part(size))


main()
