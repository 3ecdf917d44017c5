"""Programs that train the compiler of Retic's Rust code: trees of many classes, and modules of the library in Python.

Places that meet many classes, attributes that instances may hide, callables kept in attributes, bytes read one by one.
"""

import ast
import collections
import configparser
import copy
import decimal
import difflib
import fractions
import html.parser
import io
import pickle
import re
import string
import textwrap
import tomllib
import types
import xml.dom.minidom


class Node:
    children = ()
    parent = None

    def walk(self):
        yield self
        for child in self.children:
            yield from child.walk()

    def matching(self, condition, out):
        if condition(self):
            out.append(self)
        for child in self.children:
            child.matching(condition, out)


class Element(Node):
    def __init__(self, *children, **attributes):
        self.attributes = attributes
        self.children = []
        self.extend(children)

    def append(self, child):
        child.parent = self
        self.children.append(child)

    def extend(self, children):
        for child in children:
            self.append(child)

    def __getitem__(self, key):
        return self.attributes[key] if isinstance(key, str) else self.children[key]

    def __len__(self):
        return len(self.children)

    def __bool__(self):
        return True


class Text(Node, str):
    def __new__(cls, data):
        return str.__new__(cls, data)


class Title(Element):
    pass


class Paragraph(Element):
    pass


class Emphasis(Element):
    tag = "em"


class Section(Element):
    def __len__(self):
        return sum(len(c) for c in self.children)


class Visitor:
    def __init__(self):
        self.out = io.StringIO()
        self.write = self.out.write
        self.settings = types.SimpleNamespace(indent=2, upper=False)
        self.depth = 0

    def visit(self, node):
        name = node.__class__.__name__
        method = getattr(self, "visit_" + name, self.unknown)
        method(node)
        for child in node.children:
            self.visit(child)
        getattr(self, "depart_" + name, self.unknown)(node)

    def unknown(self, node):
        pass

    def visit_Section(self, node):
        self.depth += self.settings.indent

    def depart_Section(self, node):
        self.depth -= self.settings.indent

    def visit_Paragraph(self, node):
        self.write(" " * self.depth)

    def depart_Paragraph(self, node):
        self.write("\n")

    def visit_Text(self, node):
        self.write(node.upper() if self.settings.upper else node)


def trees(n):
    root = Section(Title(Text("about")))
    for i in range(n):
        root.append(Section(Title(Text(f"part {i}"), level=i), Paragraph(Text("some "), Emphasis(Text("words")), Text(" here"))))
    visitor = Visitor()
    visitor.visit(root)
    found = []
    root.matching(lambda node: node.parent is not None and type(node) is Text, found)
    copied = copy.deepcopy(root)
    return len(visitor.out.getvalue()), len(found), sum(1 for _ in copied.walk()), len(root)


class Number:
    def __init__(self, value):
        self.value = value

    def result(self, names):
        return self.value


class Name:
    def __init__(self, name):
        self.name = name

    def result(self, names):
        return names[self.name]


class Sum:
    def __init__(self, *parts):
        self.parts = parts

    def result(self, names):
        return sum(part.result(names) for part in self.parts)


class Product(Sum):
    def result(self, names):
        total = 1
        for part in self.parts:
            total *= part.result(names)
        return total


TOKEN = re.compile(r"\s*(?:(\d+)|(\w+)|(.))")


class Parser:
    def __init__(self, text):
        self.tokens = [m.groups() for m in TOKEN.finditer(text)]
        self.at = 0

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else (None, None, None)

    def atom(self):
        number, name, sign = self.peek()
        self.at += 1
        if number:
            return Number(int(number))
        if name:
            return Name(name)
        inner = self.sums()
        self.at += 1
        return inner

    def products(self):
        parts = [self.atom()]
        while self.peek()[2] == "*":
            self.at += 1
            parts.append(self.atom())
        return parts[0] if len(parts) == 1 else Product(*parts)

    def sums(self):
        parts = [self.products()]
        while self.peek()[2] == "+":
            self.at += 1
            parts.append(self.products())
        return parts[0] if len(parts) == 1 else Sum(*parts)


def parsers(n):
    total = 0
    for i in range(n):
        tree = Parser(f"{i} + a * (b + {i} * 2) + (a + b) * c").sums()
        total += tree.result({"a": i, "b": 2, "c": 3})
    return total


def pickles(n):
    data = {"a": [1, 2.5, "text", None, True], "b": {(i, str(i)): bytes([i % 256]) for i in range(n)}, "c": fractions.Fraction(1, 3)}
    stored = pickle._dumps(data)
    return pickle._loads(stored) == data, len(stored)


def pairs(n):
    row = [ord(c) % 13 for c in "the quick brown fox jumps over the lazy dog" * (n // 10 + 1)]
    merged = 0
    while len(row) > n:
        counts = collections.Counter()
        for pair in zip(row, row[1:]):
            counts[pair] += 1
        best = max(counts, key=counts.get)
        if counts[best] < 2:
            break
        new, i = [], 0
        while i < len(row):
            if i + 1 < len(row) and (row[i], row[i + 1]) == best:
                new.append(1000 + merged)
                i += 2
            else:
                new.append(row[i])
                i += 1
        row, merged = new, merged + 1
    groups = collections.defaultdict(list)
    for i, value in enumerate(row):
        groups[value, i % 3].append(i)
    return merged, len(groups)


def numbers(n):
    total, money = fractions.Fraction(0), decimal.Decimal(0)
    for i in range(1, n):
        total += fractions.Fraction(i, i + 1)
        money += (decimal.Decimal(i) / 7).quantize(decimal.Decimal("0.01"), decimal.ROUND_HALF_EVEN)
    return total.limit_denominator(1000), money, decimal.Decimal(2).sqrt()


class Links(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.links = []

    def handle_starttag(self, tag, attrs):
        self.links += [value for name, value in attrs if name == "href"]


def formats(n):
    config = configparser.ConfigParser()
    config.read_string("".join(f"[s{i}]\nname = value {i}\nother = %(name)s\n" for i in range(n // 10)))
    table = tomllib.loads("".join(f'[t{i}]\nname = "x"\nlist = [1, 2.5, true]\n' for i in range(n // 10)))
    page = "".join(f'<p class="a">text <a href="/{i}">link</a> &amp; more</p>\n' for i in range(n))
    links = Links()
    links.feed(page)
    document = xml.dom.minidom.parseString(f"<r>{'<a b="1">text</a>' * n}</r>")
    source = "def f(a, b=1, *c):\n    return [x for x in a if x > b] + list(c)\n" * (n // 10 + 1)
    unparsed = ast.unparse(ast.parse(source))
    before, after = page.splitlines()[: n // 4], unparsed.splitlines()[: n // 4]
    return (
        sum(len(config[s]["other"]) for s in config.sections()),
        len(table),
        len(links.links),
        len(document.toxml()),
        len(unparsed),
        len(list(difflib.unified_diff(before, after))),
        len(textwrap.fill(page, 60)),
        string.Template("$a ${b}").substitute(a=1, b=2),
    )


def main():
    for size in (20, 200):
        for part in (trees, parsers, pickles, pairs, numbers, formats):
            print(part.__name__, part(size))


main()
