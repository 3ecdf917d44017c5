"""Programs that are compiled already."""


def run_compiled(data, filename):
    """Run the code of a `.pyc` file, its bytes given, as `__main__`."""
    import importlib.util
    import marshal
    import sys
    if data[:4] != importlib.util.MAGIC_NUMBER:
        raise RuntimeError("Bad magic number in .pyc file")
    try:
        code = marshal.loads(data[16:])
    except (EOFError, ValueError, TypeError):
        raise RuntimeError("Bad code object in .pyc file") from None
    if not isinstance(code, type(run_compiled.__code__)):
        raise RuntimeError("Bad code object in .pyc file")
    namespace = sys.modules["__main__"].__dict__
    from importlib.machinery import SourcelessFileLoader
    namespace.update(__file__=filename, __cached__=None, __loader__=SourcelessFileLoader("__main__", filename))
    exec(code, namespace)
