"""A simulated Telegram, sample targets and a ledger: for the demo, the tests and the benchmarks.

The other side of the fence: nothing here uses what the gateway decides, so that it can judge it.
``stage`` puts them together for the demo; ``cli/demo`` puts the gateway between them.
"""
