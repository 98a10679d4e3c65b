"""The properties of a sale under any sequence of commands: a sample of `soak sale`."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings

from .machine import ShowMachine

ShowMachine.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


class TestAnySequenceOfCommands(ShowMachine.TestCase):
    """1,000 shows of 40 steps by `packaging/dev.py soak sale`; sixty here."""
