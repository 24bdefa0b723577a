"""From a design to the engine's code, in small passes with a printable result each.

``expand`` makes instructions over virtual slots, with everything inlined (:mod:`expand`). ``copies`` follows constants
and copies within straight code (:mod:`copies`). ``dead`` takes away what nothing reads (:mod:`dead`). ``jumps``
shortens ways (:mod:`jumps`). ``slots`` gives real slots (:mod:`slots`).
"""
