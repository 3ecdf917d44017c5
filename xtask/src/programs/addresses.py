"""A program out of a seed that tells which of its objects lie where others lay: `addresses.py SEED`.

The program runs in a process of its own, so that it finds the memory of a start and not that of this file.
"""
import os
import sys


class Numbers:
    """The same numbers in every Python."""

    def __init__(self, seed):
        self.state = seed * 2654435761 % 2**32 + 1

    def below(self, n):
        self.state = self.state * 6364136223846793005 + 1442695040888963407 & 2**64 - 1
        return (self.state >> 33) % n

    def one_of(self, things):
        return things[self.below(len(things))]


START = '''\
import sys
seen, out = {}, []
def n(o):
    i = id(o)
    return seen.setdefault(i, len(seen))
class A: pass
class S: __slots__ = ("x", "y")
class D:
    def __init__(self, t): self.t = t
    def __del__(self): out.append(("del", self.t))
'''
KINDS = ("object()", "S()", "[{k}]", "[{k}, {k}]", "({v}, {k} + 0)", "({v},)", '{{"a": {v}}}', "{{}}", "[]", "float({k})", "str({k} + 1000) * 2", "bytes([{k} % 256, 1])",
         "set([{k}])", "frozenset([{k}])", "range({k} + 300)", "slice({v}, {k})", "iter([{v}])", "complex({k}, 1)", 'bytearray(b"ab")', "{k} + 100000", "[].append",
         "[None] * {m}", "tuple([None] * {m})", "(lambda: {v})", "Exception({v})")


def program(seed):
    numbers = Numbers(seed)
    body, names = [], []
    for _ in range(8 + numbers.below(18)):
        what, k, m = numbers.below(100), 300 + numbers.below(600), numbers.below(21)
        v = numbers.one_of(names) if names else "None"
        made = numbers.one_of(KINDS).format(k=k, v=v, m=m)
        if what < 60 or not names:
            name = f"v{numbers.below(10)}"
            body.append(f"{name} = {made}")
            if name not in names:
                names.append(name)
            if numbers.below(10) < 7:
                body.append(f"out.append(n({name}))")
        elif what < 85:
            body.append(f"del {names.pop(numbers.below(len(names)))}")
        elif what < 92:
            body.append(f"out.append(sys.getrefcount({v}))")
        else:
            body.append(f"out.append(n({made}))")
    if numbers.below(2):
        body = ["def main():", *["    " + line for line in body], "main()"]
    return START + "\n".join(body) + "\nprint(out)\n"


sys.stdout.flush()
os.execv(sys.executable, [sys.executable, "-I", "-S", "-c", program(int(sys.argv[1]))])
