"""The reference: runs an :class:`ir.Design` by walking it, slowly and plainly.

The engine is compared with it packet by packet, so nothing here is shared with lowering or the C core: only the
contract in :mod:`datapath.pipeline.target` is.
"""

from datapath.p4c.evaluate.evaluator import Evaluator

__all__ = ["Evaluator"]
