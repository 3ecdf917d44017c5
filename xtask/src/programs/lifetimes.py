"""Lives and deaths: unpacking, pairs, closures, generators that are closed, exceptions. With a second argument the program is
printed instead of run."""
import random, sys
R=random.Random(int(sys.argv[1]))
out=["class T:\n    def __init__(s,n): s.n=n\n    def __del__(s): print('del',s.n)\n    def __repr__(s): return 'T%s'%s.n\n    def __getitem__(s,i):\n        if i>1: raise IndexError\n        return T('%s.%d'%(s.n,i))\n"]
cnt=[0]
def new(): cnt[0]+=1; return "T(%d)"%cnt[0]
V=['a','b','c','d']
def expr(d=0):
    k=R.random()
    if k<0.3: return R.choice(V)
    if k<0.5: return new()
    if k<0.6: return str(R.choice([1,5,1000,2.5,'"s"']))
    if d>2: return new()
    if k<0.75: return "(%s,%s)"%(expr(d+1),expr(d+1))
    if k<0.85: return "[%s,%s]"%(expr(d+1),expr(d+1))
    if k<0.95: return "{%s:%s,%s:%s}"%(R.choice(['1','"k"','2000']),expr(d+1),R.choice(['3','"m"']),expr(d+1))
    return "%s[%d]"%(new(),R.randint(0,1))
def pairs():
    k=R.random()
    if k<0.3: return "{1:%s,'q':%s}.items()"%(expr(),expr())
    if k<0.55: return "enumerate([%s,%s])"%(expr(),expr())
    if k<0.8: return "zip([%s,%s],[%s,%s])"%(expr(),expr(),expr(),expr())
    if k<0.9: return "[(%s,%s),(%s,%s)]"%(expr(),expr(),expr(),expr())
    return "gen(%s)"%expr()
def stmt(ind,d=0):
    p='    '*ind
    k=R.random()
    if k<0.25: return p+"%s = %s\n"%(R.choice(V),expr())
    if k<0.4:
        x,y=R.sample(V,2); return p+"%s, %s = %s\n"%(x,y,R.choice(["(%s,%s)"%(expr(),expr()),"[%s,%s]"%(expr(),expr()),R.choice(V)+","+R.choice(V), new(), "(lambda: (%s,%s))()"%(expr(),expr())]))
    if k<0.46:
        x,y,z=R.sample(V,3); return p+"%s, %s, %s = %s\n"%(x,y,z,R.choice(["[%s,%s,%s]"%(expr(),expr(),expr()),"(lambda: (%s,%s,%s))()"%(expr(),expr(),expr())]))
    if k<0.62 and d<2:
        x,y=R.sample(V,2); b=''.join(stmt(ind+1,d+1) for _ in range(R.randint(1,3)))
        if R.random()<0.2: b+=p+"    break\n"
        return p+"for %s, %s in %s:\n"%(x,y,pairs())+b
    if k<0.7: return p+"print(type(%s).__name__)\n"%R.choice(V)
    if k<0.8 and d<2:
        return p+"try:\n"+''.join(stmt(ind+1,d+1) for _ in range(R.randint(1,2)))+p+"    %s\n"%R.choice(["raise KeyError(%s)"%expr(),"%s.nope"%R.choice(V),"%s[7]"%expr()])+p+"except Exception as e:\n"+stmt(ind+1,d+1)
    if k<0.88: return p+"print(any(x is %s for x in gen(%s)))\n"%(R.choice(V),expr())
    if k<0.94: return p+"g = gen(%s); next(g); %s = %s\n"%(expr(),R.choice(V),expr())
    return p+"del %s; %s = %s\n"%((v:=R.choice(V)),v,expr())
out.append("def gen(z):\n    y = T('gen')\n    for i in range(2):\n        yield z, T('y%d'%i)\n")
out.append("def f(a,b,c,d):\n"+''.join(stmt(1) for _ in range(14))+"    return a, b\n")
for i in range(3): out.append("print('call %d')\ntry:\n    r = f(%s,%s,%s,%s)\n    print('returned'); r = None\nexcept Exception as e: print(type(e).__name__)\nprint('---')\n"%(i,expr() if 0 else new(),new(),"(1,2)","None"))
program = '\n'.join(out)
if len(sys.argv) > 2:
    print(program)
else:
    try:
        exec(compile(program, "<program>", "exec"), {})
    except SyntaxError:
        pass
