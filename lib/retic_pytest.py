"""The pytest plug-in of `import retic`: `pytest -p retic_pytest`.

    def test_orders(lens):
        work()
        assert lens.leaked(Order) == []

The fixture `lens` is a retic.trace() of the test. A test marked `@pytest.mark.no_leaks(of=Order)` fails if instances of the
class that were born in it are alive after it.
"""

import pytest
import retic


def pytest_configure(config):
    config.addinivalue_line("markers", "no_leaks(of=class or classes): no instance born in the test may outlive it")


@pytest.fixture
def lens():
    """A recording of the test, as retic.trace() makes it."""
    with retic.trace() as trace:
        yield trace


@pytest.hookimpl(hookwrapper=True)
def pytest_pyfunc_call(pyfuncitem):
    mark = pyfuncitem.get_closest_marker("no_leaks")
    if mark is None:
        yield
        return
    classes = mark.kwargs["of"]
    classes = tuple(classes) if isinstance(classes, (list, tuple)) else (classes,)
    with retic.watch(*classes) as watch:
        outcome = yield
    if outcome.excinfo is None:
        texts = watch.why_leaked()
        if texts:
            names = ", ".join(c.__name__ for c in classes)
            outcome.force_exception(pytest.fail.Exception("\n".join([f"{len(texts)} of {names} outlived the test", *texts[:3]]), pytrace=False))
