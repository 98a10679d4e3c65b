"""The words every program shares: frozen structs, tagged unions, no I/O.

Promises: what one program encodes, every other decodes; golden bytes of every
version stay in tests/contract. Refuses: importing anything of ours.
"""

VERSION = 1
"""Contract version. A console attaches only to programs that say the same number."""
