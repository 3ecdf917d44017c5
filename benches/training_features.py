"""What programs do most, a little of each: the release profile counts it, so that none of it is laid out as rarely used."""
import abc

a = frozenset([1, 5, 9, 13, 17])
b = frozenset(range(50))
c = frozenset(range(20, 45))


def diff(n):
    for _ in range(n):
        b - a


def diff2(n):
    for _ in range(n):
        a - c


def inter(n):
    for _ in range(n):
        b & c


def sub(n):
    for _ in range(n):
        a <= b


def mini(n):
    for _ in range(n):
        min(c)


def it(n):
    for _ in range(n):
        for x in c:
            pass


def contains(n):
    for _ in range(n):
        7 in b


def copy(n):
    for _ in range(n):
        set(b)


def fs(n):
    l = [1, 2, 3, 4, 5]
    for _ in range(n):
        frozenset(l)


def comp(n):
    for _ in range(n):
        {x for x in (1, 2, 3, 4, 5)}


def slic(n):
    l = list(range(20))
    for _ in range(n):
        l[:5]


def slicc(n):
    l = list(range(20))
    k = 3
    for _ in range(n):
        l[:k + 1]


def addrem(n):
    s = set()
    for i in range(n):
        s.add(i & 63)
        s.discard(i + 5 & 63)


def upd(n):
    for _ in range(n):
        s = set()
        s.update(b)


def comp3(n):
    for _ in range(n):
        frozenset((x + 1 for x in a))


def idx(n):
    l = list(range(20))
    for _ in range(n):
        l.index(7)


def rem(n):
    l = list(range(20))
    for _ in range(n):
        l.remove(7)
        l.insert(7, 7)


def strkeys(n):
    d = {'n%d' % i: i for i in range(20000)}
    ks = ['n%d' % i for i in range(20000)]
    for i in range(n):
        d[ks[i % 20000]]


def dictcomp(n):
    k = list('abcdefgh')
    for i in range(n // 8):
        {x: 1 for x in k}


def lsort(n):
    l = [('a', 3), ('b', 2), ('c', 1)]
    for i in range(n):
        sorted(l, key=lambda t: t[1])


def tupcmp(n):
    for i in range(n):
        (1, 2, 3) < (1, 2, 4)


def strf(n):
    for i in range(n):
        'a%sb%d' % ('x', i)


def fstr(n):
    for i in range(n):
        f'{i}:{i:>5}'


def splitj(n):
    for i in range(n):
        ','.join('a b c d'.split())


def isinst(n):
    for i in range(n):
        isinstance(i, (str, int))


def getat(n):

    class A:
        x = 1
    o = A()
    for i in range(n):
        getattr(o, 'x', None)


def hasat(n):

    class A:
        x = 1
    o = A()
    for i in range(n):
        hasattr(o, 'yy')


def kw(n):

    def f(a, *, b=1, c=2):
        pass
    for i in range(n):
        f(i, b=2, c=3)


def star(n):

    def f(*a, **k):
        pass
    for i in range(n):
        f(i, i, x=1)


def starcall(n):

    def f(a, b, x=0):
        pass
    t = (1, 2)
    d = {'x': 1}
    for i in range(n):
        f(*t, **d)


def exc(n):
    for i in range(n):
        try:
            raise KeyError(i)
        except KeyError:
            pass


def dget(n):
    d = {}
    for i in range(n):
        d.setdefault(i & 15, []).append(i)
        d.get(99)


def prop(n):

    class A:

        @property
        def p(self):
            return 1
    o = A()
    for i in range(n):
        o.p


def cls(n):

    class A:

        def __init__(self, a, b):
            self.a = a
            self.b = b
    for i in range(n):
        A(i, i)


def sup(n):

    class A:

        def f(self):
            pass

    class B(A):

        def f(self):
            super().f()
    o = B()
    for i in range(n):
        o.f()


def eqm(n):

    class A:

        def __eq__(self, o):
            return True

        def __hash__(self):
            return 1
    o = A()
    p = A()
    for i in range(n):
        o == p
        hash(o)


def ge(n):
    for i in range(n):
        any((x > 3 for x in (1, 2, 3, 4)))


def withs(n):

    class C:

        def __enter__(self):
            pass

        def __exit__(self, *a):
            pass
    c = C()
    for i in range(n):
        with c:
            pass


def nt(n):
    from collections import namedtuple
    P = namedtuple('P', 'x y')
    for i in range(n):
        p = P(i, i)
        p.x
        p.y


def zipe(n):
    l = list(range(10))
    for i in range(n // 10):
        for j, (a, b) in enumerate(zip(l, l)):
            pass


def deq(n):
    from collections import deque
    d = deque()
    for i in range(n):
        d.append(i)
        d.popleft() if len(d) > 5 else None


def resub(n):
    import re
    r = re.compile('(\\w+)=(\\w+)')
    for i in range(n):
        r.match('abc=def').group(1)


def bio(n):
    import io
    b = io.BytesIO()
    for i in range(n):
        b.write(b'abc')


def sio(n):
    import io
    b = io.StringIO()
    for i in range(n):
        b.write('abc')


def struc(n):
    import struct
    for i in range(n):
        struct.unpack('>II', struct.pack('>II', i & 255, 3))


def byt(n):
    x = b'hello world'
    for i in range(n):
        x[3]
        x[2:5]
        x.startswith(b'he')


def dunder_get(n):

    class A:

        def __getattr__(self, n):
            return 1

        def __getitem__(self, i):
            return i

        def __len__(self):
            return 3

        def __contains__(self, x):
            return True

        def __call__(self):
            return 1

        def __bool__(self):
            return True
    o = A()
    for i in range(n):
        o.zz
        o[i]
        len(o)
        3 in o
        o()
        not o


def slots(n):

    class A:
        __slots__ = ('a', 'b')

        def __init__(self):
            self.a = 1
            self.b = 2
    for i in range(n):
        o = A()
        o.a


def lam(n):
    f = lambda x: x + 1
    for i in range(n // 10):
        list(map(f, range(10)))
        list(filter(f, range(10)))


def glob(n):
    global GG
    GG = 0
    for i in range(n):
        GG += 1


def strm(n):
    s = 'Hello World'
    for i in range(n):
        s.lower()
        s.startswith('He')
        s.replace('l', 'L')
        s.strip()


def listops(n):
    for i in range(n):
        l = []
        l.append(1)
        l.extend([2, 3])
        l.pop()
        l + [1]
        l * 2


class Meta(type):
    pass


class MA(metaclass=Meta):
    pass


class MB(MA):
    pass


class MC(metaclass=Meta):
    pass


class AB(abc.ABC):
    pass


class AC(AB):
    pass


def isi_meta_t(n):
    o = MB()
    for i in range(n):
        isinstance(o, MA)


def isi_meta_f(n):
    o = MB()
    for i in range(n):
        isinstance(o, MC)


def isi_abc_t(n):
    o = AC()
    for i in range(n):
        isinstance(o, AB)


def isi_abc_f(n):
    for i in range(n):
        isinstance(i, AB)


def isi_tuple(n):
    o = MB()
    for i in range(n):
        isinstance(o, (int, str, list, MA))


def isi_union(n):
    u = int | str
    for i in range(n):
        isinstance(i, u)


def issub(n):
    for i in range(n):
        issubclass(MB, MA)


def typeis(n):
    for i in range(n):
        type(i) is int


def mapping_abc(n):
    from collections.abc import Mapping
    d = {}
    for i in range(n):
        isinstance(d, Mapping)


def wrapper(n):

    def deco(f):

        def w(*a, **k):
            return f(*a, **k)
        return w

    @deco
    def g(a, b=1):
        return a
    for i in range(n):
        g(i, b=2)


def partial(n):
    from functools import partial

    def f(a, b, c=0):
        return a
    p = partial(f, 1, c=2)
    for i in range(n):
        p(3)


def lru(n):
    from functools import lru_cache

    @lru_cache
    def f(a):
        return a
    for i in range(n):
        f(i & 15)


def cachedprop(n):
    from functools import cached_property

    class A:

        @cached_property
        def p(self):
            return 1
    for i in range(n):
        A().p


def enumacc(n):
    import enum

    class E(enum.Enum):
        A = 1
        B = 2
    for i in range(n):
        E.A is E.B
        E.A == E.B
        E.A.value


def enumhash(n):
    import enum

    class E(enum.Enum):
        A = 1
        B = 2
    d = {E.A: 1}
    for i in range(n):
        d[E.A]


def dcinit(n):
    from dataclasses import dataclass

    @dataclass
    class P:
        x: int
        y: int = 2
    for i in range(n):
        P(i, y=3)


def dceq(n):
    from dataclasses import dataclass

    @dataclass
    class P:
        x: int
        y: int = 2
    a = P(1)
    b = P(1)
    for i in range(n):
        a == b


def superinit(n):

    class A:

        def __init__(self, x):
            self.x = x

    class B(A):

        def __init__(self, x):
            super().__init__(x)
            self.y = 1
    for i in range(n):
        B(i)


def clsmeth(n):

    class A:

        @classmethod
        def f(cls):
            return 1

        @staticmethod
        def g():
            return 1
    for i in range(n):
        A.f()
        A.g()


def joingen(n):
    for i in range(n):
        ','.join((str(x) for x in (1, 2, 3, 4, 5)))


def joinlist(n):
    for i in range(n):
        ','.join([str(x) for x in (1, 2, 3, 4, 5)])


def sumgen(n):
    for i in range(n):
        sum((x * x for x in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)))


def listgen(n):
    for i in range(n):
        list((x for x in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)))


def dictgen(n):
    for i in range(n):
        dict(((x, x) for x in (1, 2, 3, 4, 5)))


def tupgen(n):
    for i in range(n):
        tuple((x for x in (1, 2, 3, 4, 5)))


def maxkey(n):
    l = [3, 1, 2]
    for i in range(n):
        max(l, key=lambda x: -x)


def sortkey(n):
    l = [3, 1, 2, 5, 4, 9, 8]
    for i in range(n):
        sorted(l, key=lambda x: -x)


def sortattr(n):
    import operator

    class A:

        def __init__(s, x):
            s.x = x
    l = [A(x) for x in (3, 1, 2, 5, 4)]
    g = operator.attrgetter('x')
    for i in range(n):
        sorted(l, key=g)


def sortlt(n):

    class A:

        def __init__(s, x):
            s.x = x

        def __lt__(s, o):
            return s.x < o.x
    l = [A(x) for x in (3, 1, 2, 5, 4)]
    for i in range(n):
        sorted(l)


def charloop(n):
    s = 'hello world this is'
    for i in range(n // 10):
        for c in s:
            c == ' '


def stridx(n):
    s = 'hello world'
    for i in range(n):
        s[i % 11]
        s[1:4]


def strcmp(n):
    a = 'hello'
    b = 'world'
    for i in range(n):
        a == b
        a < b
        a != b


def strin(n):
    a = 'hello world'
    for i in range(n):
        'wor' in a
        a in ('x', 'y', 'hello world')


def strcat(n):
    for i in range(n // 10):
        s = ''
        for c in 'abcdefghij':
            s += c


def strisx(n):
    for i in range(n):
        'abc'.isalpha()
        '12'.isdigit()
        'a b'.split(' ')
        'x'.upper()


def strfmt(n):
    for i in range(n):
        '{} {:>3}'.format(i, 'a')


def strenc(n):
    for i in range(n):
        'hello'.encode()
        b'hello'.decode()


def intparse(n):
    for i in range(n):
        int('123')
        str(i)
        float('1.5')


def dictitems(n):
    d = {i: i for i in range(10)}
    for i in range(n // 10):
        for k, v in d.items():
            pass


def dictupd(n):
    d = {'a': 1, 'b': 2}
    for i in range(n):
        e = dict(d)
        e.update(c=3)
        {**d, 'x': 1}


def dictpop(n):
    for i in range(n):
        d = {'a': 1}
        d.pop('a', None)
        'a' in d
        d.get('b', 1)


def defaultd(n):
    from collections import defaultdict
    d = defaultdict(list)
    for i in range(n):
        d[i & 15].append(i)


def counter(n):
    from collections import Counter
    for i in range(n // 10):
        Counter('hello worl')


def od(n):
    from collections import OrderedDict
    for i in range(n // 10):
        d = OrderedDict()
        for j in range(10):
            d[j] = j


def excdeep(n):

    def f(k):
        if k == 0:
            raise ValueError('x')
        f(k - 1)
    for i in range(n // 10):
        try:
            f(5)
        except ValueError as e:
            str(e)


def excnest(n):
    for i in range(n):
        try:
            try:
                {}['x']
            except KeyError as e:
                raise ValueError from e
        except ValueError:
            pass


def tryfin(n):
    for i in range(n):
        try:
            pass
        finally:
            pass


def genpipe(n):

    def g(x):
        for i in x:
            yield i
    for i in g(g(range(n))):
        pass


def gensend(n):

    def g():
        while 1:
            x = (yield 1)
    o = g()
    next(o)
    s = o.send
    for i in range(n):
        s(i)


def nextg(n):

    def g():
        while 1:
            yield 1
    o = g()
    for i in range(n):
        next(o)


def ctxmgr(n):
    from contextlib import contextmanager

    @contextmanager
    def c():
        yield 1
    for i in range(n // 10):
        with c():
            pass


def closurecall(n):
    x = 0

    def f():
        nonlocal x
        x += 1
    for i in range(n):
        f()


def defaultkw(n):

    def f(a, b=1, c=2, *, d=3):
        pass
    for i in range(n):
        f(i)
        f(i, 2)
        f(i, c=3)


def methkw(n):

    class A:

        def f(self, a, b=1):
            pass
    o = A()
    for i in range(n):
        o.f(1, b=2)


def inittype(n):
    for i in range(n):
        list()
        dict()
        tuple()
        set()
        str()
        int()
        object()


def lstcomp(n):
    l = list(range(10))
    for i in range(n // 10):
        [x + 1 for x in l if x & 1]


def lstmeth(n):
    l = [1, 2, 3]
    for i in range(n):
        l.append(4)
        l.pop()
        l.insert(0, 1)
        l.pop(0)
        l.count(1)
        l.reverse()


def lstslice(n):
    l = [1, 2, 3, 4, 5]
    for i in range(n):
        l[1:3] = [9, 8]
        l[::2]
        l[-1]


def lstcmp(n):
    for i in range(n):
        [1, 2] == [1, 3]
        [1] < [2]


def tuphash(n):
    d = {}
    for i in range(n):
        d[i & 7, i & 3] = 1


def frozh(n):
    f = frozenset((1, 2, 3))
    for i in range(n):
        hash(f)


def copyc(n):
    import copy
    l = [1, [2, 3], {'a': 1}]
    for i in range(n // 10):
        copy.copy(l)
        copy.deepcopy(l)


def itert(n):
    import itertools
    for i in range(n // 10):
        for x in itertools.chain([1, 2, 3], [4, 5, 6]):
            pass
        list(itertools.islice(itertools.count(), 5))


def groupb(n):
    import itertools
    for i in range(n // 10):
        for k, g in itertools.groupby('aabbcc'):
            list(g)


def matchs(n):
    for i in range(n):
        match (i, 1):
            case [0, x]:
                pass
            case [int(y), 1]:
                pass


def setattr_(n):

    class A:
        pass
    o = A()
    for i in range(n):
        setattr(o, 'x', 1)
        delattr(o, 'x')


def getattr_dyn(n):

    class A:

        def __getattr__(self, k):
            raise AttributeError(k)
    o = A()
    for i in range(n):
        getattr(o, 'zz', None)


def vars_(n):

    class A:

        def __init__(s):
            s.a = 1
    o = A()
    for i in range(n):
        o.__dict__
        vars(o)
        o.__class__


def mkfunc(n):
    for i in range(n):

        def f(a, b=1):
            return a


def unpackst(n):
    for i in range(n):
        a, *b = (1, 2, 3)


def multiret(n):

    def f():
        return (1, 2, 3)
    for i in range(n):
        a, b, c = f()


def boolop(n):
    a = None
    b = 1
    for i in range(n):
        a or b
        a and b
        not a
        a is None


def floatop(n):
    x = 1.5
    for i in range(n):
        x = x * 1.0 + 0.5 - 0.5


def bigint(n):
    x = 2 ** 70
    for i in range(n):
        x + 1
        x * 3
        x >> 3


def divmod_(n):
    for i in range(n):
        divmod(i, 7)
        i // 3
        i % 3
        pow(i, 2, 7)


def rndm(n):
    import random
    r = random.Random(1)
    for i in range(n):
        r.random()
        r.randint(0, 9)


def iop(n):
    import io
    for i in range(n // 10):
        f = io.StringIO('a\nb\nc\n')
        for l in f:
            pass


def jsn(n):
    import json
    for i in range(n // 10):
        json.loads('{"a":[1,2,3],"b":"x"}')
        json.dumps({'a': [1, 2, 3]})


def rei(n):
    import re
    r = re.compile('[a-z]+|\\d+')
    for i in range(n // 10):
        for m in r.finditer('abc 123 def 456'):
            (m.group(), m.start())


def resplit(n):
    import re
    for i in range(n // 10):
        re.split('\\s+', 'a b  c d')
        re.sub('a', 'b', 'banana')


def pathj(n):
    import os.path
    for i in range(n // 10):
        os.path.join('/a', 'b', 'c')
        os.path.basename('/a/b')
        os.path.splitext('a.b')


def plib(n):
    from pathlib import PurePosixPath
    for i in range(n // 10):
        (PurePosixPath('/a') / 'b').name


def logg(n):
    import logging
    l = logging.getLogger('x')
    for i in range(n):
        l.debug('x')


def weak(n):
    import weakref

    class A:
        pass
    o = A()
    for i in range(n):
        weakref.ref(o)()


def dt(n):
    import datetime
    for i in range(n // 10):
        datetime.date(2020, 1, 1) + datetime.timedelta(days=1)


def bytesio(n):
    b = bytearray()
    for i in range(n):
        b.append(1)
        b.extend(b'ab')


def bjoin(n):
    for i in range(n):
        b''.join([b'a', b'b'])
        b'abc'.find(b'c')
        b'a' + b'b'


def heap(n):
    import heapq
    h = []
    for i in range(n):
        heapq.heappush(h, i * 7 % 13)
        len(h) > 10 and heapq.heappop(h)


def bis(n):
    import bisect
    l = list(range(100))
    for i in range(n):
        bisect.bisect(l, 50)


def typingx(n):
    from typing import NamedTuple

    class P(NamedTuple):
        x: int
        y: int
    for i in range(n):
        P(1, 2).x


def ints(n):
    x = 0
    for i in range(n):
        x ^= i
        x |= 1
        x &= 255
        x <<= 1


def whilel(n):
    i = 0
    while i < n:
        i += 1


def recur(n):

    def f(k):
        return 1 if k < 2 else f(k - 1) + f(k - 2)
    f(17)


def bj(n):
    l = [b'a', b'b']
    j = b''.join
    for i in range(n):
        j(l)


def bfind(n):
    s = b'abc'
    for i in range(n):
        s.find(b'c')


def badd(n):
    a = b'a'
    b = b'b'
    for i in range(n):
        a + b


def baapp(n):
    b = bytearray()
    for i in range(n):
        b.append(1)


def baext(n):
    b = bytearray()
    for i in range(n):
        b.extend(b'ab')


def baiadd(n):
    b = bytearray()
    for i in range(n):
        b += b'ab'


def baidx(n):
    b = bytearray(100)
    for i in range(n):
        b[5] = b[6]


def blist(n):
    for i in range(n):
        list(b'abcd')


def bslice(n):
    s = b'abcdefgh'
    for i in range(n):
        s[2:5]


def bfrom(n):
    for i in range(n):
        bytes([1, 2, 3])


def beq(n):
    a = b'abc'
    c = b'abd'
    for i in range(n):
        a == c


def bhash(n):
    d = {b'abc': 1}
    k = b'abc'
    for i in range(n):
        d[k]


def mv(n):
    m = memoryview(b'abcdefgh')
    for i in range(n):
        m[2:5]


def intb(n):
    for i in range(n):
        int.from_bytes(b'ab', 'big')


def tob(n):
    for i in range(n):
        258 .to_bytes(2, 'big')


def unp(n):
    import struct
    s = struct.Struct('<IHB')
    for i in range(n):
        s.unpack(b'abcdefg')


def bread(n):
    import io
    b = io.BytesIO(b'x' * n * 4)
    for i in range(n):
        b.read(4)


def readline(n):
    import io
    b = io.BytesIO(b'abcd\n' * n)
    for i in range(n):
        b.readline()


def strj(n):
    l = ['a', 'b']
    j = ''.join
    for i in range(n):
        j(l)


def sreplace(n):
    s = 'hello world'
    for i in range(n):
        s.replace('o', '0')


def sfind(n):
    s = 'hello world'
    for i in range(n):
        s.find('wor')


def ssplit(n):
    s = 'a,b,c,d'
    for i in range(n):
        s.split(',')


def sstrip(n):
    s = '  abc '
    for i in range(n):
        s.strip()


def slower(n):
    s = 'Hello'
    for i in range(n):
        s.lower()


def sstarts(n):
    s = 'hello'
    for i in range(n):
        s.startswith(('x', 'he'))


def spart(n):
    s = 'a=b'
    for i in range(n):
        s.partition('=')


def sformat(n):
    for i in range(n):
        '%s %d' % ('a', i)


def sfmt2(n):
    for i in range(n):
        '%(a)s' % {'a': 1}


def sjoinmap(n):
    l = [1, 2, 3]
    for i in range(n):
        ','.join(map(str, l))


def sisident(n):
    for i in range(n):
        'abc'.isidentifier()


def sord(n):
    for i in range(n):
        chr(ord('a') + 1)


def strans(n):
    t = str.maketrans('abc', 'xyz')
    for i in range(n):
        'aabbcc'.translate(t)


def scount(n):
    for i in range(n):
        'banana'.count('a')


def ssplitl(n):
    for i in range(n):
        'a\nb\nc'.splitlines()


def szfill(n):
    for i in range(n):
        '7'.zfill(3)
        'a'.rjust(5)
        'a'.center(5)


def smult(n):
    for i in range(n):
        'ab' * 3


def sintern(n):
    a = 'abc'
    for i in range(n):
        a + 'd'


def sslice(n):
    s = 'hello world'
    for i in range(n):
        s[1:-1]


def srev(n):
    s = 'hello world'
    for i in range(n):
        s[::-1]


def repr_(n):
    for i in range(n):
        repr('abc')
        repr(1.5)
        repr([1, 2])


def strobj(n):

    class A:
        pass
    o = A()
    for i in range(n):
        str(o)


def hasht(n):
    t = (1, 'a', (2, 3))
    for i in range(n):
        hash(t)


def ntattr(n):
    from collections import namedtuple
    P = namedtuple('P', 'x y')
    p = P(1, 2)
    for i in range(n):
        p.x
        p._replace(x=3)


def fract(n):
    from fractions import Fraction
    a = Fraction(1, 3)
    for i in range(n // 10):
        a + a
        a * a


def decim(n):
    from decimal import Decimal
    a = Decimal('1.1')
    for i in range(n):
        a + a
        a * a


def dttm(n):
    import datetime
    a = datetime.datetime(2020, 1, 1)
    for i in range(n // 10):
        a.isoformat()
        a.strftime('%Y')
        a + datetime.timedelta(1)


def sqrt(n):
    import math
    for i in range(n):
        math.sqrt(i)
        math.floor(1.5)


def rnd(n):
    for i in range(n):
        round(1.2345, 2)
        abs(-1)
        min(1, 2)
        max(1, 2, 3)


def sumr(n):
    for i in range(n // 100):
        sum(range(100))


def summ(n):
    l = list(range(100))
    for i in range(n // 100):
        sum(l)
        max(l)
        min(l)


def allany(n):
    l = [1] * 50
    for i in range(n // 50):
        all(l)
        any(l)


def enumer(n):
    for i, x in enumerate(range(n)):
        pass


def zipl(n):
    l = list(range(n))
    for a, b in zip(l, l):
        pass


def revd(n):
    for x in reversed(range(n)):
        pass


def mapl(n):
    for x in map(abs, range(n)):
        pass


def dictcp(n):
    d = {i: i for i in range(10)}
    for i in range(n // 10):
        d.copy()
        list(d)
        list(d.values())
        list(d.items())


def dcomp(n):
    for i in range(n // 10):
        {x: x for x in range(10)}


def scomp(n):
    for i in range(n // 10):
        {x for x in range(10)}


def lmul(n):
    for i in range(n):
        [0] * 10


def lapp(n):
    l = []
    for i in range(n):
        l.append(i)


def lext(n):
    for i in range(n // 10):
        l = []
        l.extend(range(10))
        l += [1]


def lsorts(n):
    l = ['k%d' % (i * 7919 % n) for i in range(n)]
    l.sort()


def lsortt(n):
    l = [(i * 7919 % n, i) for i in range(n)]
    l.sort()


def lin(n):
    l = list(range(20))
    for i in range(n // 4):
        15 in l


def ldel(n):
    for i in range(n // 10):
        l = list(range(10))
        del l[3]
        l.remove(5)
        l[2:4] = []


def nested(n):
    m = [[0] * 10 for _ in range(10)]
    for k in range(n // 100):
        for i in range(10):
            for j in range(10):
                m[i][j] += i * j


def strdict(n):
    d = {}
    for i in range(n):
        d[str(i & 255)] = i


def attrset(n):

    class A:
        pass
    o = A()
    o.x = 0
    for i in range(n):
        o.x += 1


def propset(n):

    class A:

        @property
        def x(s):
            return s._x

        @x.setter
        def x(s, v):
            s._x = v
    o = A()
    for i in range(n):
        o.x = i


def opmeth(n):

    class V:
        __slots__ = ('x',)

        def __init__(s, x):
            s.x = x

        def __add__(s, o):
            return V(s.x + o.x)
    a = V(1)
    for i in range(n):
        a + a


def itercls(n):

    class I:

        def __init__(s, n):
            s.n = n
            s.i = 0

        def __iter__(s):
            return s

        def __next__(s):
            if s.i >= s.n:
                raise StopIteration
            s.i += 1
            return s.i
    for x in I(n):
        pass


def getitemc(n):

    class L:

        def __getitem__(s, i):
            return i

        def __len__(s):
            return 5

        def __setitem__(s, i, v):
            pass
    l = L()
    for i in range(n):
        l[i]
        l[i] = 1
        len(l)


def callc(n):

    class C:

        def __call__(s, x):
            return x
    c = C()
    for i in range(n):
        c(i)


def newc(n):

    class C:

        def __new__(cls, *a):
            return object.__new__(cls)
    for i in range(n):
        C(1)


def metac(n):

    class M(type):

        def __call__(cls, *a):
            return super().__call__(*a)

    class C(metaclass=M):
        pass
    for i in range(n):
        C()


def abcm(n):
    from collections.abc import MutableMapping

    class D(MutableMapping):

        def __init__(s):
            s.d = {}

        def __getitem__(s, k):
            return s.d[k]

        def __setitem__(s, k, v):
            s.d[k] = v

        def __delitem__(s, k):
            del s.d[k]

        def __iter__(s):
            return iter(s.d)

        def __len__(s):
            return len(s.d)
    d = D()
    for i in range(n):
        d['a'] = i
        d.get('a')
        'a' in d


def userdict(n):
    from collections import UserDict
    d = UserDict()
    for i in range(n):
        d['a'] = i
        d['a']


def chainm(n):
    from collections import ChainMap
    c = ChainMap({'a': 1}, {'b': 2})
    for i in range(n):
        c['b']


def thr(n):
    import threading
    l = threading.Lock()
    for i in range(n):
        with l:
            pass


def queue_(n):
    import queue
    q = queue.SimpleQueue()
    for i in range(n):
        q.put(i)
        q.get()


def aio(n):
    import asyncio

    async def f():
        for i in range(n // 10):
            await asyncio.sleep(0)
    asyncio.run(f())


def aiotask(n):
    import asyncio

    async def g():
        return 1

    async def f():
        for i in range(n // 20):
            await asyncio.create_task(g())
    asyncio.run(f())


def hashl(n):
    import hashlib
    for i in range(n // 10):
        hashlib.md5(b'abc').hexdigest()


def b64(n):
    import base64
    for i in range(n // 10):
        base64.b64encode(b'hello world')
        base64.b64decode(b'aGVsbG8=')


def urlp(n):
    from urllib.parse import urlparse, quote
    for i in range(n // 50):
        urlparse('http://a.b/c?d=e')
        quote('a b/c')


def shlx(n):
    import shlex
    for i in range(n // 200):
        shlex.split('a "b c" d')


def csvr(n):
    import csv
    for r in csv.reader(['a,b,c'] * (n // 10)):
        pass


def argp(n):
    import argparse
    p = argparse.ArgumentParser()
    p.add_argument('--x', type=int)
    p.add_argument('y')
    for i in range(n // 400):
        p.parse_args(['--x', '1', 'z'])


def textw(n):
    import textwrap
    for i in range(n // 400):
        textwrap.fill('hello world this is a long text ' * 3, 20)


def strio(n):
    import io
    for i in range(n // 10):
        s = io.StringIO()
        s.write('a')
        s.getvalue()


def pkl(n):
    import pickle
    o = {'a': [1, 2, 3], 'b': ('x', 'y')}
    for i in range(n // 20):
        pickle.loads(pickle.dumps(o))


def cp(n):
    import copy

    class A:

        def __init__(s):
            s.a = [1, 2]
            s.b = {'x': 1}
    o = A()
    for i in range(n // 50):
        copy.deepcopy(o)


def inspectsig(n):
    import inspect

    def f(a, b=1, *c, d=2, **e):
        pass
    for i in range(n // 200):
        inspect.signature(f)


def fnm(n):
    import fnmatch
    for i in range(n // 10):
        fnmatch.fnmatch('abc.txt', '*.txt')


def tok(n):
    import tokenize, io
    for t in tokenize.generate_tokens(io.StringIO('a = b + c(1, 2)\n' * (n // 100)).readline):
        pass


def astp(n):
    import ast
    ast.parse('a = b + c(1, 2)\n' * (n // 20))


def astw(n):
    import ast
    t = ast.parse('a = b + c(1, 2)\n' * (n // 100))
    for x in ast.walk(t):
        pass


if __name__ == "__main__":
    for work in [value for value in list(globals().values()) if getattr(value, "__code__", None)]:
        work(2000)
