"""What customers say: support tickets with chat text (XML) and surveys with free text beside check boxes (CSV, `;`)."""

from __future__ import annotations

from xml.sax.saxutils import escape

import numpy as np

from cdp.sample.calendar import Ints, iso_ms, iso_seconds, pick, stream
from cdp.sample.contacts import normal_email
from cdp.sample.delivered import Delivered, identifiers
from cdp.sample.handwriting import typo, write_email, write_phone
from cdp.sample.names import HOW_HEARD, NICKNAMES
from cdp.sample.world import World

TICKETS_EACH = 0.25
SURVEYS_EACH = 0.15
SURVEY_HEADER = (
    "response_id",
    "submitted_at",
    "email",
    "loyalty_no",
    "how_heard",
    "would_recommend",
    "rating",
    "favourite_colour",
    "fabric",
    "comment",
)
TOPICS = {
    "delivery": (
        "Where is my parcel? It was promised for Friday & is still not here.",
        "The delivery came two days late, nobody told me.",
        "Driver left the rug in the rain, it is soaked.",
    ),
    "return": ("I would like to send back the curtains, they are 5 cm too short.", "How long does a refund take?"),
    "quality": (
        "The duvet cover lost its colour after one wash :(",
        "A leg of the chair is loose, please help.",
        "Stitching came apart on the cushion. Very disappointed.",
    ),
    "account": ("I cannot log in any more, the reset mail never comes.", "Please change my e-mail address."),
    "praise": ("Just wanted to say thank you, the sofa is lovely!", "Great service in your store, well done."),
    "product": ("Is the linen <heavy> or light? Will it work for summer?", "When is Sage back in stock?"),
}
UNHAPPY = {"delivery", "quality", "return"}
COLOURS = ("blue", "green", "Sage", "white", "no idea", "terracotta", "grey", "")
FABRICS = ("linen", "cotton", "wool", "velvet", "linen,cotton", "")
COMMENTS = (
    "",
    "",
    "Love the shop; prices could be lower",
    "Found you through my sister, never looked back!",
    "Store staff in town were so kind",
    "Website slow on my phone",
    "too many e-mails",
    'The "new" range is great',
    "More sizes please; delivery is fast though",
    "ok",
)


def _moments(rng: np.random.Generator, world: World, mean: float) -> tuple[Ints, Ints]:
    """Who speaks and when, in the order of time."""
    entered, calendar = world.people.entered_ms, world.calendar
    person = np.repeat(np.arange(len(entered)), rng.poisson(rng.gamma(0.8, mean / 0.8, len(entered))))
    at = entered[person] + ((calendar.end_ms - entered[person]) * rng.random(len(person))).astype(np.int64)
    order = np.argsort(at, kind="stable")
    return person[order], at[order]


def make_support(seed: int, first: int, world: World) -> Delivered:
    """Tickets as XML elements; the customer is named as far as he said who he is."""
    rng = stream(seed, first, "support")
    people, contacts = world.people, world.contacts
    person, at = _moments(rng, world, TICKETS_EACH)
    n = len(person)
    channel, topic, u = pick(rng, ("chat", "phone", "mail"), n), pick(rng, tuple(TOPICS), n), rng.random((n, 10))
    out = Delivered("support", at, [])
    for i, (p, when) in enumerate(zip(person.tolist(), iso_ms(at), strict=True)):
        email = contacts.email[p] if u[i, 0] < 0.65 else ""
        written = write_email(email, u[i, 1]) if email else ""
        phone = contacts.phone[p] if u[i, 2] < (0.9 if channel[i] == "phone" else 0.25) else ""
        account = contacts.user_id[p] if u[i, 3] < 0.3 else ""
        given = NICKNAMES.get(people.given[p], people.given[p]) if u[i, 4] < 0.3 else people.given[p]
        family = typo(people.family[p], u[i, 5]) if u[i, 6] < 0.1 else people.family[p]
        texts = TOPICS[topic[i]]
        text = texts[int(u[i, 7] * len(texts))] + (f"\nRegards, {given}" if u[i, 8] < 0.3 else "")
        rating = "" if u[i, 9] < 0.5 else str(1 + int(u[i, 9] * 997) % (3 if topic[i] in UNHAPPY else 5))
        name = escape(f"{given} {family}")
        out.rows.append(
            f'<ticket id="T{first:07d}{i:05d}"><opened_at>{when}</opened_at><channel>{channel[i]}</channel><customer>'
            f"<email>{written}</email><phone>{write_phone(phone, u[i, 1]) if phone else ''}</phone>"
            f"<name>{name}</name><account>{account}</account></customer><topic>{topic[i]}</topic>"
            f"<rating>{rating}</rating><text>{escape(text)}</text></ticket>"
        )
        ids = identifiers(email=normal_email(written) if written else "", phone=phone, user_id=account)
        out.witnessed.seen[(ids, p)] += 1
    return out


def make_surveys(seed: int, first: int, world: World) -> Delivered:
    """Survey responses; one in ten names nobody."""
    rng = stream(seed, first, "surveys")
    contacts = world.contacts
    person, at = _moments(rng, world, SURVEYS_EACH)
    n = len(person)
    u, rating = rng.random((n, 6)), np.clip(np.round(rng.normal(7.6, 2.0, n)), 1, 10).astype(int)
    heard, colour = pick(rng, (*HOW_HEARD, "my sister told me", "walked past the shop"), n), pick(rng, COLOURS, n)
    fabric, comment = pick(rng, FABRICS, n), pick(rng, COMMENTS, n)
    out = Delivered("surveys", at, [])
    for i, (p, when) in enumerate(zip(person.tolist(), iso_seconds(at), strict=True)):
        email = contacts.email[p] if u[i, 0] < 0.7 else ""
        card = contacts.loyalty_no[p] if u[i, 0] >= 0.7 and u[i, 0] < 0.9 else ""
        written = write_email(email, u[i, 1]) if email else ""
        again = "" if u[i, 2] < 0.1 else "yes" if rating[i] >= 7 else "no"
        out.rows.append(
            [
                f"V{first:07d}{i:05d}",
                when,
                written,
                card,
                heard[i],
                again,
                str(rating[i]),
                colour[i],
                fabric[i],
                comment[i],
            ]
        )
        ids = identifiers(email=normal_email(written) if written else "", loyalty_id=card)
        out.witnessed.seen[(ids, p)] += 1
    return out
