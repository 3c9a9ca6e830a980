"""What the writers of one block's sources need to know about its people."""

from __future__ import annotations

from dataclasses import dataclass

from cdp.sample.calendar import Calendar
from cdp.sample.contacts import Contacts
from cdp.sample.people import Households, People


@dataclass
class World:
    """The people of one block, how they live and can be reached, and the calendar."""

    households: Households
    people: People
    contacts: Contacts
    calendar: Calendar
