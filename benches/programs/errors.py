"""Exceptions: raised, caught by class, finally, with, chains, never raised."""
N, COUNT = 180_000, 800


class Missing(KeyError):
    pass


class Guard:
    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        return kind is ZeroDivisionError


def find(table, key):
    try:
        return table[key]
    except KeyError:
        raise Missing(key) from None


def run(n):
    table, total = {1: 1}, 0
    for i in range(n):
        try:
            total += find(table, i % 3)
        except Missing as e:
            total += e.args[0]
        finally:
            total += 1
        with Guard():
            total += i // (i % 2)
        try:
            total += int("7")
        except ValueError:
            total = 0
    return total
