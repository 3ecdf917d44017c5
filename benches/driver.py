"""Runs one program: driver.py FILE [N]. Its result goes to stdout, the seconds of CPU since the process began to stderr."""
import sys
import time

path = sys.argv[1]
space = {"__name__": "program"}
with open(path) as file:
    exec(compile(file.read(), path, "exec"), space)
n = int(sys.argv[2]) if len(sys.argv) > 2 else space["N"]
print(space["run"](n))
print(time.process_time(), file=sys.stderr)
