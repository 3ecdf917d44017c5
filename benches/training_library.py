"""What programs ask of the native modules of the library, often enough that a release build takes none of it for rare."""
import array
import base64
import binascii
import bisect
import bz2
import collections
import contextvars
import csv
import datetime
import decimal
import fractions
import hashlib
import heapq
import hmac
import html
import io
import itertools
import json
import operator
import pickle
import pprint
import random
import re
import statistics
import string
import struct
import textwrap
import time
import tokenize
import unicodedata
import urllib.parse
import zlib
from decimal import Decimal
from xml.etree import ElementTree

RECORD = {
    "name": "Ada Lovelace", "born": 1815, "score": 99.5, "tags": ["analyst", "metaphysician", "founder"], "address": {"street": "St James's Square", "number": 12, "city": "London"},
    "married": True, "notes": None, "letters": [{"to": "Babbage", "pages": n, "text": "Dear\u00a0Babbage, \"quoted\"\n"} for n in range(5)], "path": "a\\b/c", "big": 2**70, "long": "x" * 90,
}


def money(n):
    rates = [Decimal("0.0013"), Decimal("0.00894")]
    cent, tax = Decimal("0.01"), Decimal("0.0675")
    context = decimal.Context(rounding=decimal.ROUND_HALF_EVEN)
    total, out = Decimal(0), io.StringIO()
    for i in range(n):
        price = context.quantize(rates[i & 1] * (i * 7919 + 3), cent)
        due = (price * tax).quantize(cent)
        sum_ = price + due
        if sum_ > 3 and sum_ != due:
            sum_ -= Decimal(1)
        total += sum_
        print(sum_, file=out)
        -price, abs(due), price / 7, int(price), str(due), Decimal(str(i)), Decimal(i), price == due, hash(due), float(price)
    return total, len(out.getvalue()), Decimal(2).sqrt(), (Decimal(1) / 3).as_tuple()[2]


def trees(n):
    root = ElementTree.Element("root")
    for i in range(n):
        child = ElementTree.SubElement(root, "child", {"id": str(i), "kind": "a" if i & 1 else "b"})
        child.text, child.tail = f"text {i} & more", "\n"
        for j in range(3):
            ElementTree.SubElement(child, f"leaf{j}", value=str(j))
    text = ElementTree.tostring(root)
    again = ElementTree.fromstring(text)
    names = [e.tag for e in again.iter() if e.get("value")]
    found = again.findall("child[@kind='a']"), again.findall(".//leaf1"), again.find("child/leaf2"), again.findtext("child")
    events = [e for e, _ in ElementTree.iterparse(io.BytesIO(text), events=("start", "end"))]
    parser = ElementTree.XMLPullParser(["end"])
    for i in range(0, len(text), 500):
        parser.feed(text[i:i + 500])
        list(parser.read_events())
    return len(text), len(names), [len(f) for f in found[:2]], len(events)


def messages(n):
    texts = [json.dumps(RECORD), json.dumps(RECORD, indent=2), json.dumps(RECORD, sort_keys=True, ensure_ascii=False)]
    size = 0
    for i in range(n):
        size += len(json.loads(texts[i % 3])) + len(json.dumps([RECORD, i, str(i), i / 3]))
        for protocol in (2, 4, 5):
            data = pickle.dumps((RECORD, [i] * 10, {i: str(i)}, (1.5, None, True), datetime.date(2000, 1, 1 + i % 28)), protocol)
            size += len(pickle.loads(data))
    return size


def bytes_of(n):
    size, key = 0, b"secret"
    for i in range(n):
        block = struct.pack(">IHbq4sd", i, i & 0xffff, i % 100, -i, b"abcd", i / 3)
        size += sum(struct.unpack(">IHbq4sd", block)[:2])
        size += len(base64.b64encode(block)) + len(base64.b64decode(b"AAECAwQFBgc=")) + zlib.crc32(block) % 7 + len(binascii.hexlify(block))
        size += hashlib.sha256(block).digest()[0] + hashlib.md5(block).digest()[0] + hmac.new(key, block, "sha1").digest()[0]
        numbers = array.array("i", range(10))
        numbers.append(i & 0xffff)
        size += sum(numbers) + numbers[3] + len(numbers.tobytes()) + int.from_bytes(block[:4], "big") % 3
        view = memoryview(block)[2:10]
        size += view[1] + len(view.tobytes()) + block.find(b"a") + block.count(b"b")
    data = b"the quick brown fox jumps over the lazy dog " * n
    for pack, unpack in ((zlib.compress, zlib.decompress), (bz2.compress, bz2.decompress)):
        size += len(unpack(pack(data)))
    return size


def days(n):
    day, seconds, size = datetime.datetime(2000, 1, 1, tzinfo=datetime.timezone.utc), datetime.timedelta(hours=7, seconds=3), 0
    for i in range(n):
        day += seconds
        size += day.year + day.weekday() + len(day.isoformat()) + len(day.strftime("%Y-%m-%d %H:%M")) + (day - datetime.datetime(1999, 1, 1, tzinfo=datetime.timezone.utc)).days
        size += datetime.date.fromisoformat("2020-02-03").day + (day.date() < datetime.date(2001, 1, 1)) + len(time.strftime("%H:%M", time.gmtime(i * 3600)))
    return size, datetime.datetime.strptime("2001-02-03 04:05", "%Y-%m-%d %H:%M")


def rows(n):
    out = io.StringIO()
    writer = csv.writer(out)
    for i in range(n):
        writer.writerow([i, f"name {i}", i / 3, 'say "hi"', ""])
    out.seek(0)
    size = sum(len(row) for row in csv.reader(out))
    out.seek(0)
    return size, sum(len(row) for row in csv.DictReader(out, fieldnames="abcde"))


def page(n):
    """A page as template engines write it: pieces go to a deque, and are escaped on their way."""
    parts = collections.deque()
    write, size = parts.append, 0
    for i in range(n):
        write("<td>")
        write(html.escape(str(i)))
        write("</td>")
        write(str("a & b").replace("&", "&amp;").replace(">", "&gt;").replace("<", "&lt;").replace("'", "&#39;").replace('"', "&#34;"))
        if i % 100 == 99:
            size += len("".join(parts))
            parts.clear()
    for i in range(n // 10):
        size += len(string.Template("$who likes $what").substitute(who=i, what="tea")) + len(textwrap.fill("some words that go on and on " * 3, 30)) + len(urllib.parse.quote(f"a b&{i}"))
        size += len(pprint.pformat(RECORD["letters"]))
    return size


def characters(n):
    size = 0
    words = re.compile(r"(?P<word>\w+)\s*(?:[,;]|$)")
    for i in range(n):
        text = f"alpha, beta{i}; Gamma \u00e9t\u00e9 {i}"
        size += len(words.findall(text)) + len(words.sub(r"<\g<word>>", text)) + len(re.split(r"[,; ]+", text)) + bool(re.match(r"[a-z]+\d*", text)) + text.casefold().count("a")
        size += len(unicodedata.normalize("NFD", text)) + (unicodedata.category(text[0]) == "Ll") + len(text.encode()) + len(text.encode("utf-16").decode("utf-16")) + text.isalpha()
        size += len(text.translate({97: "A", 98: None})) + len(text.title()) + text.rfind("a") + len(text.partition(",")[2]) + len(f"{i:>10,}{i / 7:.3f}{text!r:.5}")
    source = "def f(a, b=1):\n    return [a + b for _ in range(3)]  # note\n" * (n // 20)
    return size, sum(1 for _ in tokenize.generate_tokens(io.StringIO(source).readline))


def tools(n):
    random.seed(5)
    size, heap, kept = 0, [], []
    variable = contextvars.ContextVar("variable", default=0)
    get, attribute, call = operator.itemgetter(1), operator.attrgetter("real"), operator.methodcaller("bit_length")
    counter, order = collections.Counter(), collections.OrderedDict()
    for i in range(n):
        x = random.random() + random.randrange(100) + random.choice((1, 2, 3)) + random.gauss(0, 1)
        heapq.heappush(heap, x)
        bisect.insort(kept, x)
        if len(heap) > 20:
            size += int(heapq.heappop(heap))
        if len(kept) > 50:
            kept.clear()
        counter[i % 7] += 1
        order[i % 11] = i
        order.move_to_end(i % 11)
        size += get((i, i + 1)) + attribute(i) + call(i) + variable.get()
        variable.set(i % 5)
        size += sum(itertools.islice(itertools.accumulate(itertools.chain((1, 2), (3,), itertools.repeat(4, 2))), 4)) + len(list(itertools.product("ab", "cd"))) + sum(1 for _ in itertools.combinations(range(4), 2))
        size += sum(a * b for a, b in zip(itertools.count(), itertools.takewhile(lambda v: v < 5, range(9)))) + len(list(itertools.groupby((1, 1, 2)))) + sum(map(operator.mul, (1, 2), (3, 4)))
    part = fractions.Fraction(0)
    for i in range(1, n // 10):
        part += fractions.Fraction(1, i % 50 + 1)
    return size, counter.most_common(1), len(order), statistics.mean(kept or [1]), part.limit_denominator(1000)


for part, n in ((money, 9000), (trees, 2000), (messages, 900), (bytes_of, 4000), (days, 5000), (rows, 5000), (page, 20000), (characters, 3000), (tools, 6000)):
    print(part.__name__, part(n))
