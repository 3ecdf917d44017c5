"""Classes being made: methods, inheritance, metaclass, descriptors, enum-like and named tuples."""
N, COUNT = 4_500, 20


class Meta(type):
    def __new__(meta, name, bases, space):
        space["tag"] = name.lower()
        return super().__new__(meta, name, bases, space)


class Field:
    def __set_name__(self, owner, name):
        self.name = "_" + name

    def __get__(self, instance, owner):
        return getattr(instance, self.name, 0)

    def __set__(self, instance, value):
        setattr(instance, self.name, value)


def run(n):
    total = 0
    for i in range(n):
        class Base(metaclass=Meta):
            x = Field()

            def get(self):
                return self.x + 1

        class Derived(Base):
            y = Field()

            def get(self):
                return super().get() + self.y

        d = Derived()
        d.x, d.y = i, 2
        total += d.get() + len(Derived.tag) + isinstance(d, Base) + issubclass(Derived, Meta)
    return total
