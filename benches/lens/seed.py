"""The post's function in a loop."""


def test():
    ins = object()
    return id(ins)


def run(n):
    seen = set()
    for _ in range(n):
        seen.add(test())
    return len(seen)


print(run(1_000_000))
