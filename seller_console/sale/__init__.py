"""The rules of the sale: pure. No clock, no randomness, no asyncio, no logging, no I/O.

decide(state, command, who, at_ms) -> tuple[Event, ...] | Refusal      (show.py)
apply(state, event, at_ms) -> None                                    (state.py, in place)
brief(state, reader) -> tuple[Event, ...]                             (brief.py)
"""
