"""Decimal arithmetic: random operands, contexts, operations, formats; results, flags and errors. Powers that leave the range of
their context differ (tests/differences/decimal_power.md), and are left out."""
import random, sys
from decimal import *
R=random.Random(int(sys.argv[1])); N=2000
def num():
    k=R.random()
    if k<0.06: return R.choice(['0','-0','0E+5','-0E-7','Inf','-Inf','NaN','-NaN123','sNaN','sNaN77','1','-1','10','0.1'])
    n=R.choice([1,2,3,5,8,9,10,18,19,20,28,29,37,38,40,60,100])
    n=R.randint(1,n)
    d=''.join(R.choice('0123456789') for _ in range(n)) if R.random()<0.7 else R.choice('159')+R.choice('09')*(n-1)
    e=R.choice([0,0,0,-n,-n+1,-n//2,R.randint(-40,40),R.randint(-5,5),R.randint(-400,400)])
    return R.choice(['','-'])+d+'E%d'%e
rounds=[ROUND_UP,ROUND_DOWN,ROUND_CEILING,ROUND_FLOOR,ROUND_HALF_UP,ROUND_HALF_DOWN,ROUND_HALF_EVEN,ROUND_05UP]
one='abs exp ln log10 logb logical_invert minus next_minus next_plus normalize plus sqrt to_integral_value to_integral_exact is_normal is_subnormal number_class to_sci_string to_eng_string create_decimal copy_negate'.split()
two='add subtract multiply divide divide_int divmod remainder remainder_near compare compare_signal compare_total compare_total_mag max min max_mag min_mag quantize power rotate shift scaleb logical_and logical_or logical_xor next_toward same_quantum copy_sign'.split()
fm=['','.3f','e','.2e','.0e','g','.4g','%','.1%','010','+.2f',',','<20','^20.3f','*>15','G','.10','z.1f',' ,.2f','012,.1f','.0f','E','020.5g','n']
for i in range(N):
    emax=R.choice([9,99,384,999999,10**18-1]); 
    c=Context(prec=R.choice([1,2,3,5,9,16,19,20,28,38,50,77]),rounding=R.choice(rounds),Emax=emax,Emin=-R.choice([emax,emax,5 if emax==9 else emax]),capitals=R.choice([0,1]),clamp=R.choice([0,0,1]),traps=[])
    w=R.random()
    try:
        if w<0.3:
            op=R.choice(one); a=num()
            if op in('exp',) and R.random()<0.7: a=a.split('E')[0]+'E-%d'%R.randint(0,20)
            args=[Decimal(a)]
        elif w<0.85:
            op=R.choice(two); args=[Decimal(num()),Decimal(num())]
            if op in('rotate','shift','scaleb') and R.random()<0.8: args[1]=Decimal(R.randint(-60,60))
            if op=='power' and R.random()<0.6: args[1]=Decimal(R.choice([2,3,-1,0,5,10,-7,100,'0.5','-1.5','2.25',1000,12345]))
            if op=='quantize' and R.random()<0.7: args[1]=Decimal('1E%d'%R.randint(-30,10))
            if op.startswith('logical') and R.random()<0.8: args=[Decimal(''.join(R.choice('01') for _ in range(R.randint(1,40)))) for _ in range(2)]
        elif w<0.9:
            op='fma'; args=[Decimal(num()) for _ in range(3)]
        else:
            op='format'; a=Decimal(num()); f=R.choice(fm); setcontext(c)
            if a.is_finite() and abs(a.adjusted())>500: continue
            print(i,op,a,f,repr(format(a,f)),hash(a) if not a.is_nan() else '', a.as_tuple()); continue
        c.clear_flags()
        r=getattr(c,op)(*args)
        if op=='power' and c.flags[Subnormal]: continue
        print(i,c.prec,c.rounding,c.Emax,c.Emin,c.clamp,op,*args,'->',r,c.flags and [k.__name__ for k in c.flags if c.flags[k]])
    except Exception as e:
        print(i,op,args,type(e).__name__,e)
