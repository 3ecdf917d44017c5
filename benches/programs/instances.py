"""Objects born and gone: __init__, __slots__, attributes, dataclass-like records, linked nodes."""
N, COUNT = 300_000, 1_200


class Point:
    def __init__(self, x, y):
        self.x = x
        self.y = y


class Node:
    __slots__ = ("value", "next")

    def __init__(self, value, next):
        self.value = value
        self.next = next


def run(n):
    total = 0
    head = None
    for i in range(n):
        p = Point(i, -i)
        p.x += p.y
        q = Point(p.x, p)
        total += q.x + q.y.y
        head = Node(i, head)
        if i % 50 == 49:
            while head is not None:
                total += head.value
                head = head.next
    return total
