"""An interpreter in Python: a stack machine with a dispatch table, objects with state."""
N, COUNT = 36_000, 150


class Machine:
    def __init__(self, code):
        self.code, self.stack, self.at, self.steps = code, [], 0, 0
        self.table = {"push": self.push, "add": self.add, "dup": self.dup, "jump": self.jump, "less": self.less}

    def push(self, value):
        self.stack.append(value)

    def add(self, _):
        b, a = self.stack.pop(), self.stack.pop()
        self.stack.append(a + b)

    def dup(self, _):
        self.stack.append(self.stack[-1])

    def less(self, limit):
        self.stack.append(self.stack[-1] < limit)

    def jump(self, target):
        if self.stack.pop():
            self.at = target

    def run(self):
        code, table = self.code, self.table
        while self.at < len(code):
            name, argument = code[self.at]
            self.at += 1
            self.steps += 1
            table[name](argument)
        return self.stack.pop()


def run(n):
    m = Machine([("push", 0), ("push", 1), ("add", None), ("less", n), ("jump", 1)])
    return m.run(), m.steps
