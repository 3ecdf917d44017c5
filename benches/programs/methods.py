"""Methods: own, inherited, super, static, class, bound, properties, special ones."""
N, COUNT = 300_000, 1_200


class Shape:
    def __init__(self, side):
        self.side = side
        self.seen = 0

    def area(self):
        self.seen += 1
        return self.side * self.side

    @property
    def half(self):
        return self.side // 2

    @classmethod
    def unit(cls):
        return 1

    @staticmethod
    def twice(x):
        return x + x


class Cube(Shape):
    def area(self):
        return super().area() * 6

    def __len__(self):
        return self.side

    def __add__(self, other):
        return self.side + other


def run(n):
    flat, solid = Shape(3), Cube(4)
    total = 0
    area = solid.area
    for i in range(n):
        total += flat.area() + solid.area() + area()
        total += solid.half + solid.unit() + Shape.twice(i) + len(solid) + (solid + i)
    return total, flat.seen, solid.seen
