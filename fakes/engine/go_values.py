"""Addresses and ports in JSON, as newer engines read them, with Go's words for those that are none.

Go's `net/netip` and the engine's `network.Port` and `network.HardwareAddr` are what they are read
into; each function returns what is wrong with a text, empty when nothing is.
"""

from __future__ import annotations

import re
from ipaddress import IPv6Address

from ..go_text import quote

_LARGEST_PORT = 65535
_HARDWARE = re.compile(r"[0-9a-fA-F]{2}([:-])(?:[0-9a-fA-F]{2}\1){4}[0-9a-fA-F]{2}")


def wrong_address(text: str) -> str:
    """What is wrong with an address; nothing is, of an empty one."""
    for character in text:
        if character == ".":
            reason = _wrong_ipv4(text)
        elif character == ":":
            reason = _wrong_ipv6(text)
        elif character == "%":
            reason = "missing IPv6 address"
        else:
            continue
        return f"ParseAddr({quote(text)}): {reason}" if reason else ""
    return f"ParseAddr({quote(text)}): unable to parse IP" if text else ""


def _wrong_ipv4(text: str) -> str:
    digits, fields = "", 0
    for place, character in enumerate(text):
        if character.isascii() and character.isdigit():
            if digits == "0":
                return "IPv4 field has octet with leading zero"
            digits += character
            if int(digits) > 255:
                return "IPv4 field has value >255"
        elif character != ".":
            return f"unexpected character (at {quote(text[place:])})"
        elif not digits or place == len(text) - 1:
            return f"IPv4 field must have at least one digit (at {quote(text[place:])})"
        elif fields == 3:
            return "IPv4 address too long"
        else:
            digits, fields = "", fields + 1
    return "IPv4 address too short" if fields < 3 else ""


def _wrong_ipv6(text: str) -> str:
    try:
        IPv6Address(text)
    except ValueError:
        return "unable to parse IP"
    return ""


def wrong_prefix(text: str) -> str:
    """What is wrong with a subnet; nothing is, of an empty one."""
    if not text:
        return ""
    address, slash, bits = text.rpartition("/")
    shown = f"netip.ParsePrefix({quote(text)}): "
    if not slash:
        return f"{shown}no '/'"
    if reason := wrong_address(address) or ("" if address else 'ParseAddr(""): unable to parse IP'):
        return shown + reason
    if not re.fullmatch(r"0|[1-9][0-9]*", bits):
        return f"{shown}bad bits after slash: {quote(bits)}"
    if int(bits) > (128 if ":" in address else 32):
        return f"{shown}prefix length out of range"
    return ""


def wrong_port(text: str) -> str:
    """What is wrong with a port and its protocol; nothing is, of an empty one."""
    if not text:
        return ""
    number = text.partition("/")[0]
    reason = ""
    if not number:
        reason = "value is empty"
    elif not (number.isascii() and number.isdigit()):
        reason = "invalid syntax"
    elif int(number) > _LARGEST_PORT:
        reason = "value out of range"
    return f"invalid port '{number}': {reason}" if reason else ""


def wrong_hardware_address(text: str) -> str:
    """What is wrong with a hardware address; nothing is, of an empty one."""
    if not text or _HARDWARE.fullmatch(text):
        return ""
    return f"address {text}: invalid MAC address"
