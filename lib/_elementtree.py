"""The parser of `xml.etree.ElementTree`, over the native elements and their builder."""

import pyexpat as _expat
import sys as _sys
from _weakref import ref as _ref

from _retic_elementtree import Element, SubElement, TreeBuilder, _Feeder
from _retic_elementtree import _set_factories as _keep_factories

# Places of the names of events that no builder reports by itself.
_START_NS, _END_NS = 2, 3

# The module that took these in first: its errors are raised.
_tree = None


def _set_factories(comment_factory, pi_factory, /):
    global _tree
    if _tree is None:
        _tree = _sys.modules.get("xml.etree.ElementTree")
    return _keep_factories(comment_factory, pi_factory)


class XMLParser:
    __slots__ = ("entity", "target", "version", "_expat", "_feeder", "__weakref__")

    def __init__(self, *, target=None, encoding=None):
        parser = _expat.ParserCreate(encoding, "}")
        if target is None:
            target = TreeBuilder()
        self.entity = {}
        self.target = target
        self.version = "Expat %d.%d.%d" % _expat.version_info
        self._expat = parser
        self._feeder = feeder = _Feeder(target)
        parser.buffer_text = True
        parser.ordered_attributes = True
        # What leads back here does not keep this alive: a parser dies with its last reference, and the tree with it.
        me = _ref(self)
        parser.DefaultHandlerExpand = lambda text: me()._undefined(text)
        if hasattr(target, "start"):
            parser.StartElementHandler = feeder.start
        if hasattr(target, "end"):
            parser.EndElementHandler = feeder.end
        if type(target) is TreeBuilder:
            parser.CharacterDataHandler = feeder.data
        else:
            parser.CharacterDataHandler = getattr(target, "data", None)
        parser.CommentHandler = getattr(target, "comment", None)
        parser.ProcessingInstructionHandler = getattr(target, "pi", None)
        if (start := getattr(target, "start_ns", None)) is not None:
            parser.StartNamespaceDeclHandler = lambda prefix, uri: start(prefix or "", uri or "")
        if (end := getattr(target, "end_ns", None)) is not None:
            parser.EndNamespaceDeclHandler = lambda prefix: end(prefix or "")
        parser.StartDoctypeDeclHandler = lambda name, system, public, internal: me()._doctype(name, system, public, internal)

    def _undefined(self, text):
        if not text.startswith("&"):
            return
        name = text[1:-1]
        if name in self.entity:
            handler = getattr(self.target, "data", None)
            if handler is not None:
                handler(self.entity[name])
            return
        line, column = self._expat.ErrorLineNumber, self._expat.ErrorColumnNumber
        raise _parse_error("undefined entity %s: line %d, column %d" % (text, line, column), 11, line, column)

    def _doctype(self, name, system, public, internal):
        handler = getattr(self.target, "doctype", None)
        if handler is not None:
            handler(name, public, system)
        elif hasattr(self, "doctype"):
            import warnings
            warnings.warn("The doctype() method of XMLParser is ignored.  Define doctype() method on the TreeBuilder target.",
                          RuntimeWarning)

    def _parse(self, data, final):
        try:
            self._expat.Parse(data, final)
            return
        except _expat.ExpatError as e:
            error = _parse_error(str(e), e.code, e.lineno, e.offset)
        raise error

    def feed(self, data, /):
        self._parse(data, False)

    def close(self):
        self._parse(b"", True)
        if (close := getattr(self.target, "close", None)) is not None:
            return close()

    def flush(self):
        parser = self._expat
        enabled = parser.GetReparseDeferralEnabled()
        parser.SetReparseDeferralEnabled(False)
        try:
            self._parse(b"", False)
        finally:
            parser.SetReparseDeferralEnabled(enabled)

    def _parse_whole(self, file, /):
        while data := file.read(65536):
            if isinstance(data, str):
                data = data.encode("utf-8", "surrogatepass")
            self._parse(data, False)
        return self.close()

    def _setevents(self, events_queue, events_to_report=None, /):
        feeder, parser = self._feeder, self._expat
        if type(self.target) is not TreeBuilder:
            raise TypeError("event handling only supported for ElementTree.TreeBuilder targets")
        wanted = feeder.report(events_queue.append, events_to_report)
        if wanted >> _START_NS & 1:
            parser.StartNamespaceDeclHandler = lambda prefix, uri: feeder.tell(_START_NS, (prefix or "", uri or ""))
        if wanted >> _END_NS & 1:
            parser.EndNamespaceDeclHandler = lambda prefix: feeder.tell(_END_NS, None)


XMLParser.__module__ = "xml.etree.ElementTree"


def _parse_error(text, code, line, column):
    if (tree := _tree) is None:
        import xml.etree.ElementTree as tree
    error = tree.ParseError(text)
    error.code, error.position = code, (line, column)
    return error
