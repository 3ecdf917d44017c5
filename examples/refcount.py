import sys


def test():
    ins = object()
    print(sys.getrefcount(ins))
    del ins


for _ in range(3):
    test()
