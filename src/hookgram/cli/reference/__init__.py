"""The parts of the documentation that are printed from code.

A page keeps a place for each: ``<!-- printed: settings -->``, what was printed, and
``<!-- end -->``. ``python -m hookgram.cli.reference docs`` prints all of them anew; a test fails
when one is stale.
"""
