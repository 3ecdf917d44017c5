"""Cells, nonlocal, lambdas, decorators that pass everything on."""
N, COUNT = 240_000, 1_000


def counted(function):
    calls = 0

    def wrapper(*args, **kwargs):
        nonlocal calls
        calls += 1
        return function(*args, **kwargs)

    wrapper.calls = lambda: calls
    return wrapper


@counted
def power(base, exponent=2):
    return base ** exponent % 1000


def adder(step):
    return lambda x: x + step


def run(n):
    add, total = adder(3), 0
    for i in range(n):
        total = add(total) + power(i) + power(i, exponent=3)
        total += (lambda a, b=i: a * b)(2)
    return total, power.calls()
