"""The P4-16 front end: source text in; typed IR, P4Info and a program of the pipeline engine out.

The way of a program: :mod:`preprocess` -> :mod:`lexer` -> :mod:`parser` -> syntax tree (:mod:`syntax`) ->
:mod:`check` -> typed IR (:mod:`ir`) -> :mod:`elaborate` -> :class:`ir.Design` -> passes -> code (:mod:`code`).
:mod:`evaluate` runs a design directly, slowly and plainly: the reference that the engine is compared with.
"""
