import sys


def test():
    ins = object()
    print(id(ins))


while True:
    test()
