"""Small programs of the library, one line each: `INTERPRETER benches/small.py` prints microseconds a round, the best of five.
Compare interpreters by the best of several runs in turns; the goal is that none is slower than CPython 3.13.0."""
import time,sys
from time import perf_counter as pc
def bench(name,f,n):
    b=9e9
    for _ in range(5):
        t=pc()
        for _ in range(n): f()
        b=min(b,(pc()-t)/n)
    print(f'{name}\t{b*1e6:.2f}')
import re,json,pickle,struct,zlib,hashlib,csv,io,datetime,collections,itertools,functools,random,string,copy,heapq,bisect,math,statistics,decimal,fractions,base64,textwrap,uuid,enum,dataclasses,operator,array,binascii,configparser,difflib,fnmatch,html,urllib.parse,shlex,tokenize,ast,contextlib,string,zoneinfo,calendar
random.seed(1)
text=' '.join(''.join(random.choice(string.ascii_lowercase) for _ in range(random.randint(2,9))) for _ in range(2000))
bench('re.findall words',lambda: re.findall(r'\w+',text),20)
bench('re.sub',lambda: re.sub(r'[aeiou]+','-',text),20)
bench('re.search lit',lambda: re.search('zzzzq',text),200)
bench('re.alt',lambda: re.findall(r'foo|bar|baz|qux',text),20)
bench('re.groups',lambda: [m.groups() for m in re.finditer(r'(\w)(\w)\w*(\w)',text)],10)
bench('re.split',lambda: re.split(r'\s+',text),20)
bench('re.lazy',lambda: re.findall(r'a.*?b',text),20)
bench('re.backref',lambda: re.findall(r'(\w)\1',text),10)
bench('re.icase',lambda: re.findall(r'THE',text,re.I),20)
bench('re.match email',lambda: re.match(r'^[\w.+-]+@[\w-]+\.[\w.-]+$','john.smith+tag@example.co.uk'),2000)
bench('re.compile',lambda: (re.purge(),re.compile(r'(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)')),50)
obj={'a':[1,2.5,None,True,'x'*20],'b':{'c':list(range(50)),'d':{str(i):i*1.5 for i in range(30)}},'e':text[:500]}
js=json.dumps(obj)
bench('json.dumps',lambda: json.dumps(obj),500); bench('json.loads',lambda: json.loads(js),500)
bench('json.dumps indent',lambda: json.dumps(obj,indent=2),100); bench('json sort',lambda: json.dumps(obj,sort_keys=True),200)
p=pickle.dumps(obj)
bench('pickle.dumps',lambda: pickle.dumps(obj),500); bench('pickle.loads',lambda: pickle.loads(p),500)
@dataclasses.dataclass
class DC: a:int; b:str; c:list
dcs=[DC(i,str(i),[i]) for i in range(100)]; pd=pickle.dumps(dcs)
bench('pickle dc dumps',lambda: pickle.dumps(dcs),100); bench('pickle dc loads',lambda: pickle.loads(pd),100)
S=struct.Struct('<IhB8sd')
bench('struct.pack',lambda: S.pack(1,2,3,b'abcdefgh',1.5),5000); d=S.pack(1,2,3,b'abcdefgh',1.5)
bench('struct.unpack',lambda: S.unpack(d),5000); bench('struct.unpack fn',lambda: struct.unpack('>4H',b'12345678'),5000); bench('struct.iter',lambda: list(struct.iter_unpack('<H',b'ab'*500)),100)
tb=text.encode()
bench('zlib.compress',lambda: zlib.compress(tb),20); z=zlib.compress(tb); bench('zlib.decompress',lambda: zlib.decompress(z),100); bench('crc32',lambda: zlib.crc32(tb),1000); bench('adler',lambda: zlib.adler32(tb),1000)
for h in ('md5','sha1','sha256','sha512','sha3_256','blake2b'): bench(h,lambda: hashlib.new(h,tb).digest(),200)
bench('sha256 small',lambda: hashlib.sha256(b'abc').hexdigest(),2000)
rows=[[str(i),'a,b'*2,'x y',i*1.5] for i in range(200)]
def cw():
    s=io.StringIO(); csv.writer(s).writerows(rows); return s.getvalue()
cs=cw(); bench('csv.write',cw,50); bench('csv.read',lambda: list(csv.reader(io.StringIO(cs))),50); bench('csv.dict',lambda: list(csv.DictReader(io.StringIO(cs))),50)
D=datetime.datetime(2024,2,29,12,30,45,123456)
bench('dt.now',lambda: datetime.datetime.now(),2000); bench('dt.isoformat',lambda: D.isoformat(),2000); bench('dt.fromiso',lambda: datetime.datetime.fromisoformat('2024-02-29T12:30:45.123456'),2000); bench('dt.strftime',lambda: D.strftime('%Y-%m-%d %H:%M:%S'),1000); bench('dt.strptime',lambda: datetime.datetime.strptime('2024-02-29 12:30:45','%Y-%m-%d %H:%M:%S'),300); bench('dt.add',lambda: D+datetime.timedelta(days=3,hours=5),2000); bench('dt.sub',lambda: D-datetime.datetime(2020,1,1),2000); bench('dt.cmp',lambda: D<datetime.datetime(2020,1,1),2000); bench('date.ord',lambda: datetime.date.fromordinal(738000).weekday(),2000); bench('dt.replace',lambda: D.replace(hour=3),2000);bench('dt.tz',lambda: D.astimezone(datetime.timezone.utc) if 0 else D.replace(tzinfo=datetime.timezone.utc).utcoffset(),2000)
words=text.split()
bench('Counter',lambda: collections.Counter(words),100); bench('Counter.most',lambda: collections.Counter(words).most_common(5),100)
def dd():
    d=collections.defaultdict(list)
    for w in words: d[w[0]].append(w)
bench('defaultdict',dd,50)
def dq():
    d=collections.deque(maxlen=100)
    for i in range(1000): d.append(i)
    while d: d.popleft()
bench('deque',dq,50)
NT=collections.namedtuple('NT','a b c'); nt=NT(1,2,3)
bench('namedtuple new',lambda: NT(1,2,3),3000); bench('namedtuple get',lambda: nt.a+nt.b,3000); bench('nt._replace',lambda: nt._replace(a=5),1000)
def od():
    d=collections.OrderedDict()
    for i in range(300): d[i]=i
    for i in range(0,300,3): d.move_to_end(i)
    while d: d.popitem(last=False)
bench('OrderedDict',od,20); bench('ChainMap',lambda: collections.ChainMap({'a':1},{'b':2})['b'],1000)
bench('chain',lambda: list(itertools.chain(range(500),range(500))),100); bench('product',lambda: list(itertools.product(range(10),repeat=3)),50); bench('combos',lambda: list(itertools.combinations(range(14),4)),50); bench('perms',lambda: list(itertools.permutations(range(6))),50); bench('groupby',lambda: [(k,len(list(g))) for k,g in itertools.groupby(words,key=len)],20); bench('islice',lambda: list(itertools.islice(itertools.count(),500)),100); bench('accumulate',lambda: list(itertools.accumulate(range(1000))),100); bench('zip_longest',lambda: list(itertools.zip_longest(range(300),range(500))),100); bench('tee',lambda: [list(x) for x in itertools.tee(range(300))],100);bench('batched',lambda: list(itertools.batched(range(1000),7)),100); bench('pairwise',lambda: list(itertools.pairwise(range(1000))),100);bench('starmap',lambda: list(itertools.starmap(pow,[(2,3)]*300)),50);bench('cycle',lambda: list(itertools.islice(itertools.cycle('abc'),500)),100);bench('takewhile',lambda: list(itertools.takewhile(lambda x:x<400,range(1000))),50)
@functools.lru_cache
def fib(n): return n if n<2 else fib(n-1)+fib(n-2)
bench('lru hit',lambda: fib(20),3000)
def lm():
    fib.cache_clear(); fib(100)
bench('lru miss',lm,50); bench('reduce',lambda: functools.reduce(operator.add,range(1000)),100); P=functools.partial(pow,2); bench('partial',lambda: P(5),3000); bench('cmp_to_key',lambda: sorted(words[:300],key=functools.cmp_to_key(lambda a,b:(a>b)-(a<b))),10)
@functools.singledispatch
def sd(x): return 0
@sd.register
def _(x:int): return 1
bench('singledispatch',lambda: sd(5),1000)
class CP:
    @functools.cached_property
    def v(self): return 1
cp=CP(); bench('cached_property',lambda: cp.v,3000)
bench('heapq',lambda: heapq.nsmallest(10,range(1000)),50)
def hq():
    h=[]
    for i in range(300): heapq.heappush(h,(i*7919)%1000)
    while h: heapq.heappop(h)
bench('heappush/pop',hq,30); l=sorted(range(1000)); bench('bisect',lambda: bisect.bisect(l,500),3000)
bench('copy.deepcopy',lambda: copy.deepcopy(obj),20); bench('base64',lambda: base64.b64encode(tb),200); bench('b64dec',lambda: base64.b64decode(base64.b64encode(tb)),100); bench('textwrap',lambda: textwrap.fill(text[:1000],40),20)
bench('decimal',lambda: decimal.Decimal('1.1')*decimal.Decimal('2.25')+1,2000); bench('fraction',lambda: fractions.Fraction(1,3)+fractions.Fraction(2,7),500); bench('statistics',lambda: statistics.mean(range(100)),50)
bench('uuid4',lambda: str(uuid.uuid4()),500); 
class Co(enum.Enum): A=1; B=2
bench('enum val',lambda: Co(1),2000); bench('enum attr',lambda: Co.A.name,3000); bench('urlparse',lambda: urllib.parse.urlsplit('https://a.b/c?d=e#f'),1000); bench('quote',lambda: urllib.parse.quote('a b/c?é'),500); bench('html.escape',lambda: html.escape(text),100); bench('shlex',lambda: shlex.split('a "b c" d\\ e'),200); bench('ast.parse',lambda: ast.parse('def f(a,b=1): return a+b*2\n'*5),50); bench('literal_eval',lambda: ast.literal_eval("{'a':[1,2,(3,4)]}"),200); bench('difflib',lambda: difflib.SequenceMatcher(None,words[:60],words[5:70]).ratio(),5);bench('array',lambda: array.array('i',range(500)).tobytes(),100); bench('random',lambda: random.random(),3000); bench('randint',lambda: random.randint(1,100),2000); bench('shuffle',lambda: random.shuffle(l),5); bench('sample',lambda: random.sample(range(1000),10),200); bench('Template',lambda: string.Template('$a and ${b}').substitute(a=1,b=2),500); bench('fmt',lambda: '{:>10} {:.3f} {!r}'.format('a',1.5,'x'),2000); bench('stringio',lambda: io.StringIO(text).readlines(),100); bench('bytesio',lambda: io.BytesIO(tb).read(),1000)
@contextlib.contextmanager
def cm(): yield 1
def ucm():
    with cm(): pass
bench('contextmanager',ucm,1000); bench('calendar',lambda: calendar.month(2024,2),50)
