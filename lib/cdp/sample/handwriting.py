"""How people write names, phones and e-mail addresses: the same thing in several ways, or with a slip."""

from __future__ import annotations


def typo(text: str, u: float) -> str:
    """One edit: two neighbours swapped, a letter doubled or one lost."""
    if len(text) < 4:
        return text + text[-1:]
    at = 1 + int(u * 1e6) % (len(text) - 2)
    kind = int(u * 1e3) % 3
    if kind == 0:
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text[:at] + text[at] + text[at:] if kind == 1 else text[:at] + text[at + 1 :]


def write_phone(e164: str, u: float) -> str:
    """The same number as people write it."""
    national = "0" + e164[3:]
    spaced = (
        f"{national[:5]} {national[5:]}" if national[1] == "7" else f"{national[:3]} {national[3:7]} {national[7:]}"
    )
    forms = (e164, national, spaced, f"0044{e164[3:]}", f"+44 (0){e164[3:]}", f"+44 {e164[3:7]} {e164[7:]}")
    return forms[int(u * len(forms))]


def write_email(email: str, u: float) -> str:
    """The same address as people write it: capitals, and for Google's mail dots and a +tag."""
    local, _, domain = email.partition("@")
    if u < 0.08:
        return email.upper() if u < 0.03 else local.capitalize() + "@" + domain
    if u < 0.16:
        return f"{local}+shop@{domain}"  # elsewhere than at Google's mail this is another address
    if domain == "gmail.com" and u < 0.3:
        return f"{local[0]}.{local[1:]}@{domain}" if u < 0.27 else f"{local}@googlemail.com"
    return email
