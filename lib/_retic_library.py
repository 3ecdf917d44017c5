"""The finder and the loader of the library packed into the binary, and lazy zipimport."""

import _imp
import sys
import _frozen_importlib as _bootstrap
import _frozen_importlib_external as _external

_ROOT = _imp._library_root


class LibraryLoader:
    """Loads a module of the packed library."""

    def __init__(self, fullname, path):
        self.name = fullname
        self.path = path

    def create_module(self, spec):
        """Use default semantics for module creation."""

    def exec_module(self, module):
        """Execute the module."""
        code = _imp._library_code(module.__spec__.name)
        _bootstrap._call_with_frames_removed(exec, code, module.__dict__)
        if module.__name__ == 'linecache':
            _imp._tell_command(module)

    def load_module(self, fullname):
        """Load and return the named module."""
        return _bootstrap._load_module_shim(self, fullname)

    def get_code(self, fullname):
        """The code object of the module."""
        return _imp._library_code(fullname)

    def get_source(self, fullname):
        """The source text of the module."""
        return _imp._library_source(fullname).decode('utf-8')

    def is_package(self, fullname):
        """Whether the module is a package."""
        return _imp._library_find(fullname)[1]

    def get_filename(self, fullname):
        """Where the module says it lies."""
        return self.path

    def get_data(self, path):
        """The bytes of a file of the library."""
        if path.startswith(_ROOT + '/') and path.endswith('.py'):
            name = path[len(_ROOT) + 1:-3].replace('/', '.').removesuffix('.__init__')
            data = _imp._library_source(name)
            if data is not None:
                return data
        raise FileNotFoundError(2, 'No such file or directory', path)

    def __eq__(self, other):
        return self.__class__ == other.__class__ and self.__dict__ == other.__dict__

    def __hash__(self):
        return hash(self.name) ^ hash(self.path)


class LibraryFinder:
    """Finds the modules of one folder of the packed library."""

    def __init__(self, path):
        self.path = path
        self._prefix = path[len(_ROOT) + 1:].replace('/', '.')

    def find_spec(self, fullname, target=None):
        tail = fullname.rpartition('.')[2]
        name = f'{self._prefix}.{tail}' if self._prefix else tail
        found = _imp._library_find(name)
        if found is None:
            return None
        path, package = found
        spec = _bootstrap.ModuleSpec(fullname, LibraryLoader(fullname, path), origin=path, is_package=package)
        spec._set_fileattr = True
        if package:
            spec.submodule_search_locations = [path.rpartition('/')[0]]
        return spec

    def invalidate_caches(self):
        pass

    def iter_modules(self, prefix=''):
        """Names and kinds of the modules here, as pkgutil asks for them."""
        return iter(())


def library_hook(path):
    """Path hook of the packed library."""
    if path == _ROOT or path.startswith(_ROOT + '/'):
        return LibraryFinder(path)
    raise ImportError('only the packed library is supported', path=path)


_finding = False


def _in_file(path):
    """Whether a path is a file, or leads through one: a folder inside an archive."""
    try:
        while path and not _external._path_isdir(path):
            if _external._path_isfile(path):
                return True
            shorter = _external._path_split(path)[0]
            if shorter == path:
                break
            path = shorter
    except (OSError, ValueError, TypeError):
        pass
    return False


def zip_hook(path):
    """Path hook of zip files: zipimport is imported when the first file is met."""
    if not _in_file(path):
        raise ImportError('not a Zip file', path=path)
    if 'zipimport' not in sys.modules:
        # Finding zipimport asks the hooks for this very file again.
        global _finding
        if _finding:
            raise ImportError('zipimport is being imported', path=path)
        _finding = True
        try:
            import zipimport
        finally:
            _finding = False
    return sys.modules['zipimport'].zipimporter(path)


sys.path_hooks[:0] = [library_hook, zip_hook]
