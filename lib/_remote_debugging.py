"""What looks into other processes. Retic cannot: it says so when it is asked, and modules that only name it work."""

from collections import namedtuple

FrameInfo = namedtuple('FrameInfo', ('filename', 'lineno', 'funcname'))
TaskInfo = namedtuple('TaskInfo', ('task_id', 'task_name', 'coroutine_stack', 'awaited_by'))
CoroInfo = namedtuple('CoroInfo', ('call_stack', 'task_name'))


class RemoteUnwinder:
    """The stacks of another process."""

    def __init__(self, pid, *, all_threads=False, debug=False):
        raise NotImplementedError('remote debugging is not available')
