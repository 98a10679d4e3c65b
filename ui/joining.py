"""From the words of the command line to a seat at somebody else's show: a code becomes a pass."""

from __future__ import annotations

import argparse
import sys

from seller_console.link import pairing, trust

from .words import known, t


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--code", default="", metavar="CODE", help=t("cli.code"))
    parser.add_argument("--name", default="", metavar="NAME", help=t("cli.name"))
    parser.add_argument("--lan", action="store_true", help=t("cli.lan"))


def join(asked: argparse.Namespace) -> str:
    """With a code: exchanges it, and fills `asked` with the address and the pass. A sentence when it cannot be."""
    invitation = pairing.invited(asked.platform, asked.code)
    asked.platform = invitation.url
    if not invitation.code:
        return ""
    if not invitation.url:
        return t("cli.no_address")
    if not asked.name.strip():
        return t("cli.no_name")
    try:
        claimed = pairing.claim(invitation, asked.name.strip())
    except pairing.Unpaired as refused:
        key = f"cli.claim.{refused.code}"
        return t(key if known(key) else "cli.claim.refused", url=invitation.url, why=refused.why)
    if claimed.fingerprint:
        said = trust.readable(claimed.fingerprint)
        print(t("cli.claim.fingerprint", url=invitation.url, fingerprint=said), file=sys.stderr)
    asked.owner_pass = claimed.owner_pass
    return ""
